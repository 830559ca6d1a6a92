//! AI systems and their keys.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    event::{Event, List},
    ids::{AgentKeyId, SystemId},
    problem::Code,
    role::Role,
    view::{KeyRow, NewKey, SystemRow, SystemsView},
};

use crate::{
    Engine,
    authorize::{Action, Denial, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    keys::{self, KeySettings},
    owners, pauses, reads, seal, secret,
};

/// Lists the systems with their keys.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin or auditor.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<SystemsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListSystems, engine.installation()).await?;
        let mut systems = db::systems::list(&mut tx).await?;
        if let Some(authority) = &permit.authority {
            // An auditor of some systems sees these; who runs or oversees the installation sees all of them.
            let all = [Role::Admin, Role::ComplianceOfficer]
                .iter()
                .any(|role| authority.held.iter().any(|held| held.role == *role));
            systems.retain(|(system, _)| all || authority.holds(Role::Auditor, Some(system.id)));
        }
        let keys = db::agent_keys::list(&mut tx).await?;
        let pauses = pauses::list_shown(&mut tx, engine, &permit).await?;
        let owners = owners::list_shown(&mut tx, engine).await?;
        tx.commit().await?;
        Ok((permit, systems, keys, pauses, owners))
    };
    let (permit, systems, keys, mut pauses, owners) = engine.noted(caller, found.await).await?;
    let may_name = permit.authority.as_ref().is_some_and(|authority| authority.holds(Role::Admin, None));
    let owners: HashMap<_, _> = owners.into_iter().map(|(system, entry, owner)| (system, (entry, owner))).collect();
    let systems: Vec<_> = systems
        .into_iter()
        .map(|(system, open_count)| SystemRow {
            keys: keys
                .iter()
                .filter(|key| key.system == system.id)
                .map(|key| KeyRow {
                    id: key.id,
                    key_id: key.key_id.clone(),
                    issued_at: key.issued_at,
                    expires_at: key.expires_at,
                    revoked_at: key.revoked_at,
                    last_used_at: key.last_used_at,
                })
                .collect(),
            pause: pauses.iter().position(|pause| pause.system == system.id).map(|at| pauses.swap_remove(at)),
            owner: owners.get(&system.id).and_then(|(_, owner)| owner.clone()),
            owner_entry: owners.get(&system.id).map(|(entry, _)| *entry),
            id: system.id,
            name: system.name,
            open_count,
        })
        .collect();
    let event = Event::AccessListed { list: List::Systems, count: systems.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(SystemsView { systems, may_name, now: engine.now() })
}

/// Finds a system by its name, for commands.
///
/// # Errors
///
/// When the database does not answer.
pub async fn find_by_name(engine: &Engine, name: &str) -> Result<Option<SystemId>> {
    let found = db::systems::find_by_name(&mut *engine.app.acquire().await?, name).await?;
    Ok(found.map(|system| system.id))
}

/// Registers a system, which may propose once it has a key.
///
/// # Errors
///
/// `name_taken`, or what the name lacks.
pub async fn register(engine: &Engine, caller: &Caller, name: &str) -> Result<SystemId> {
    let name = parse_name(name)?;
    engine
        .act(caller, move |engine, caller| {
            let name = name.clone();
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::RegisterSystem, engine.installation()).await?;
                if db::systems::find_by_name(&mut tx, &name).await?.is_some() {
                    return Err(Error::refused(Code::NameTaken, format!("There is a system named {name} already.")));
                }
                let system = SystemId(secret::random_id());
                let event = Event::SystemApproved { system, n: 1, name: name.clone() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::systems::insert(&mut tx, system, &name, entry.at, entry.id).await?;
                engine.commit(tx).await?;
                Ok(system)
            }
        })
        .await
}

/// Makes a key for a system, for 90 days and from every network.
///
/// # Errors
///
/// As [`keys::issue`].
pub async fn issue_key(engine: &Engine, caller: &Caller, system: SystemId) -> Result<NewKey> {
    keys::issue(engine, caller, system, KeySettings::default()).await
}

/// Ends a key at once.
///
/// # Errors
///
/// [`Error::NotFound`] for an unknown key, `invalid_transition` for one that is revoked already.
pub async fn revoke_key(engine: &Engine, caller: &Caller, key: AgentKeyId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let found = db::agent_keys::lock(&mut tx, key).await?.ok_or(Error::NotFound)?;
            let permit = engine.authorize(&mut tx, &caller, Action::RevokeKey, Target::System(found.system)).await?;
            if found.revoked_at.is_some() {
                let problem = Problem::new(Code::InvalidTransition, "This key is revoked already.");
                return Err(Denial::by_rule(permit, Action::RevokeKey, Target::System(found.system), problem));
            }
            let n = found.n + 1;
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &Event::KeyRevoked { key, n }).await?;
            db::agent_keys::set_revoked(&mut tx, key, n, entry.at).await?;
            engine.commit(tx).await
        })
        .await
}

/// Ends every living key of a system.
///
/// # Errors
///
/// As [`revoke_key`].
pub async fn revoke_keys(engine: &Engine, caller: &Caller, system: SystemId) -> Result<()> {
    let keys = db::agent_keys::list(&mut *engine.app.acquire().await?).await?;
    for key in keys.iter().filter(|key| key.system == system && key.revoked_at.is_none()) {
        revoke_key(engine, caller, key.id).await?;
    }
    Ok(())
}

/// A system's name: 2 to 64 lower-case letters, digits and hyphens.
fn parse_name(name: &str) -> Result<String> {
    let name = name.trim();
    let fits = (2..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        return Ok(name.to_owned());
    }
    Err(Error::field(
        "/name",
        "invalid_name",
        "Use 2 to 64 lower-case letters, digits and hyphens, such as refund-agent.",
    ))
}
