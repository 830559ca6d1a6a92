//! The policy in force, its versions, drafts of the next, and the guards that no table passes.

mod drafts;
mod enforce;
mod pages;

use countersign_domain::{
    change::Change,
    decision_type::TypeDefinition,
    event::Event,
    ids::{ChangeId, PolicyId, PolicyVersionId},
    policy::{Known, PolicyBody, PolicyVersion, Staff},
    problem::Code,
};
use sqlx::{PgConnection, Postgres, Transaction};

pub use drafts::{Move, Place, activate, move_rule, reject, save_rule, start, submit};
pub use enforce::enforce;
pub use pages::{draft, list, version};

use crate::{
    Engine,
    authorize::{Action, Permit},
    caller::Caller,
    changes, db,
    error::{Error, Result},
    seal, secret, sessions,
};

/// Activates the table an installation starts with, unless a policy is in force.
pub(crate) async fn activate_bootstrap(engine: &Engine) -> Result<()> {
    engine
        .act(&Caller::operator(), |engine, caller| async move {
            let mut tx = engine.begin().await?;
            if db::policies::find_active(&mut tx).await?.is_some() {
                return Ok(());
            }
            let permit = engine.authorize(&mut tx, &caller, Action::ActivatePolicy, engine.installation()).await?;
            let version = PolicyVersion {
                id: PolicyVersionId(secret::random_id()),
                policy: PolicyId(secret::random_id()),
                number: 1,
                body: PolicyBody::bootstrap(),
            };
            let digest = version.body.digest();
            let event = Event::PolicyActivated { policy: version.policy, n: 1, version: version.id, digest };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::policies::insert_policy(&mut tx, version.policy).await?;
            db::policies::insert_version(&mut tx, &version, entry.at, entry.id).await?;
            engine.commit(tx).await
        })
        .await
}

/// Puts a version in force by which reviews have to be signed with a passkey, or need not be. It holds for decisions
/// proposed from then on.
///
/// # Errors
///
/// `invalid_transition` when the version in force says so already.
pub async fn demand_signatures(engine: &Engine, caller: &Caller, signed: bool) -> Result<u64> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ActivatePolicy, engine.installation()).await?;
            let active = db::policies::find_active(&mut tx).await?.ok_or(Error::NotFound)?;
            let n = db::policies::lock(&mut tx, active.policy).await? + 1;
            if active.body.default.signed == signed {
                return Err(Error::refused(Code::InvalidTransition, "The policy in force says so already."));
            }
            let mut body = active.body.clone();
            body.default.signed = signed;
            let version = PolicyVersion {
                id: PolicyVersionId(secret::random_id()),
                policy: active.policy,
                number: active.number + 1,
                body,
            };
            let digest = version.body.digest();
            let event = Event::PolicyActivated { policy: version.policy, n, version: version.id, digest };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::policies::supersede(&mut tx, active.policy, n, entry.at).await?;
            db::policies::insert_version(&mut tx, &version, entry.at, entry.id).await?;
            engine.commit(tx).await?;
            Ok(version.number)
        })
        .await
}

/// The highest limit for automatic approvals that can be set.
const AMOUNT_MAX: u64 = 1_000_000_000;

/// What a table may name and who there is to fill its seats.
pub(crate) struct Surroundings {
    pub(crate) systems: Vec<String>,
    /// The newest version of each type.
    pub(crate) types: Vec<TypeDefinition>,
    pub(crate) staff: Staff,
}

impl Surroundings {
    pub(crate) async fn read(conn: &mut PgConnection, engine: &Engine) -> Result<Self> {
        let systems = db::systems::list(conn).await?.into_iter().map(|(system, _)| system.name).collect();
        let mut types: Vec<TypeDefinition> = Vec::new();
        for (_, definition) in db::decision_types::list_all(conn).await? {
            match types.iter_mut().find(|known| known.name == definition.name) {
                Some(known) if known.version < definition.version => *known = definition,
                Some(_) => {}
                None => types.push(definition),
            }
        }
        let staff = db::policies::staff(conn, engine.now()).await?;
        Ok(Self { systems, types, staff })
    }

    pub(crate) fn known(&self) -> Known<'_> {
        Known { systems: &self.systems, types: &self.types }
    }
}

/// Sets the amount above which no rule approves by itself. Lowering holds at once; raising waits for a second person
/// where there is one.
///
/// # Errors
///
/// The field when the amount is too high; [`Error::Forbidden`] for anybody but a compliance officer.
pub async fn set_guards(engine: &Engine, caller: &Caller, amount_max: u64) -> Result<Option<ChangeId>> {
    if amount_max > AMOUNT_MAX {
        return Err(Error::field("/amount_max", "too_high", format!("The highest limit is {AMOUNT_MAX}.")));
    }
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let permit = engine.authorize(&mut tx, &caller, Action::SetGuards, engine.installation()).await?;
            sessions::require_recent(&caller)?;
            let before = db::policies::auto_amount_max(&mut tx).await?;
            if before == amount_max {
                return Err(Error::refused(Code::InvalidTransition, "The limit is that already."));
            }
            let waits = match amount_max > before && changes::needs_second_person(&mut tx, &engine).await? {
                true => {
                    let change = Change::SetGuards { amount_max };
                    Some(changes::request(&mut tx, &engine, &caller, &permit, &change).await?)
                }
                false => {
                    let permit = if amount_max > before { permit.alone() } else { permit };
                    put_guards(&mut tx, &engine, &caller, &permit, amount_max).await?;
                    None
                }
            };
            engine.commit(tx).await?;
            Ok(waits)
        })
        .await
}

/// Sets the limits of the guards, confirmed where that was needed.
pub(crate) async fn put_guards(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    amount_max: u64,
) -> Result<()> {
    seal::append(tx, engine, caller, permit, &Event::GuardsSet { amount_max }).await?;
    db::policies::set_auto_amount_max(tx, amount_max).await?;
    Ok(())
}
