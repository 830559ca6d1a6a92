//! Grants: one person asks that a system may do something a few times without anybody being asked, another one activates
//! or refuses that, and anybody who reviews for the system ends it alone.
//!
//! A grant never changes once it was asked for: whoever wants another asks for another. What it approves is in [`cover`].

mod cover;

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    decision_type::TypeDefinition,
    event::{Event, List, Object, Place},
    grant::{self, GrantAct, GrantForm, GrantFormView, GrantRow, GrantState, GrantView, Grantable, GrantsView, Terms},
    holding::Matter,
    ids::{DecisionTypeId, EntryId, GrantId, PersonId, SystemId},
    json,
    policy::Condition,
    problem::Code,
    proposal,
    role::Role,
    text::Reason,
    view::NoticeKind,
};
use countersign_ledger::leaf::{ActorKind, Leaf};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

pub(crate) use self::cover::{approve, misses};
use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::Caller,
    db::{self, grants::Grant},
    decisions::{seal_at, texts},
    error::{Error, Result},
    notices, people, reads, seal, sessions,
};

/// Grants on the page.
const ROWS_MAX: i64 = 200;
/// Uses on the page of one grant, the latest.
const USES_SHOWN: i64 = 50;
const HOUR_SECONDS: u64 = 3_600;

/// A grant as it is asked for.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// What for, how often and how long.
    pub form: GrantForm,
    /// Why.
    pub reason: Reason,
}

/// Lists the grants whose decisions the reader may read.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody who reads no decisions.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<GrantsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListGrants, engine.installation()).await?;
        let mut stored = db::grants::list(&mut tx, ROWS_MAX).await?;
        let types = definitions(&mut tx, &stored).await?;
        stored.retain(|grant| types.get(&grant.type_id).is_some_and(|one| may_read(&permit, grant.system, &one.name)));
        let rows = rows(&mut tx, engine, &stored, &types).await?;
        tx.commit().await?;
        Ok((permit, rows))
    };
    let (permit, grants) = engine.noted(caller, found.await).await?;
    let may_request = may_request(&permit, None);
    let event = Event::AccessListed { list: List::Grants, count: grants.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;
    let approved = grants.iter().map(|grant| grant.used).sum();

    Ok(GrantsView { grants, approved, may_request, now: engine.now() })
}

/// Shows what a grant can be asked for, and what was chosen so far in words.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody who reviews for no system.
pub async fn form(engine: &Engine, caller: &Caller, asked: &GrantForm) -> Result<GrantFormView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let installation = engine.installation();
        let permit = engine.authorize(&mut tx, caller, Action::ListGrants, installation).await?;
        let mut systems: Vec<_> = db::systems::all(&mut tx)
            .await?
            .into_iter()
            .filter(|system| may_request(&permit, Some(system.id)))
            .map(|system| (system.id, system.name))
            .collect();
        if systems.is_empty() {
            let detail = "Grants are asked for by approvers and senior approvers. An admin can give such a role.";
            let problem = Problem::new(Code::Forbidden, detail);
            return Err(Denial::by_rule(permit, Action::ListGrants, installation, problem));
        }
        systems.sort_by(|a, b| a.1.cmp(&b.1));
        let types = newest(&mut tx).await?;
        let chosen = match asked.type_id.is_empty() && asked.system.is_empty() {
            true => Ok(None),
            false => choose(&mut tx, asked).await.map(Some),
        };
        let view = preview(&mut tx, engine, caller, asked, chosen).await?;
        tx.commit().await?;
        let types = types
            .into_iter()
            .map(|(id, definition)| {
                let why = grant::admits(&definition).err().map(|problem| problem.detail);
                (id, definition, why)
            })
            .collect();
        Ok((permit, GrantFormView { grantable: Grantable { systems, types }, ..view }))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::Grants, count: view.grantable.types.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

/// Shows one grant: its scope in words, what was done, and what the reader may do.
///
/// # Errors
///
/// [`Error::NotFound`] for a grant that does not exist or that the reader may not read.
pub async fn view(engine: &Engine, caller: &Caller, id: GrantId) -> Result<GrantView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let grant = db::grants::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let permit = engine.authorize(&mut tx, caller, Action::ViewGrant, target(&grant)).await?;
        let view = show(&mut tx, engine, caller, &grant).await?;
        tx.commit().await?;
        Ok((permit, grant.n, view))
    };
    let (permit, n, view) = engine.noted(caller, found.await).await?;
    let object = Object { kind: "grant", id: id.0, place: Place::Read(n) };
    let event = Event::AccessViewed { object };
    let recorded = reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(GrantView { recorded, ..view })
}

/// Asks for a grant; it approves nothing until another person has activated it.
///
/// # Errors
///
/// Every field that needs a change, `grant_not_allowed` for a type that no grant covers; [`Error::Forbidden`] for anybody
/// whose role or limits do not reach the system, type and highest amount.
pub async fn request(engine: &Engine, caller: &Caller, request: GrantRequest) -> Result<GrantId> {
    engine.has_room()?;
    let (id, entry) = engine
        .act(caller, move |engine, caller| {
            let request = request.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let (system, name, type_id, definition) = choose(&mut tx, &request.form).await?;
                let terms =
                    request.form.terms(&definition).map_err(|errors| Error::Refused(proposal::invalid(errors)))?;
                let id = GrantId(engine.id());
                let amount_max = terms.amount_max(&definition);
                let target = Target::Grant { id, system, type_id, amount: amount_max, requester: by, n: 0 };
                let permit = engine.authorize(&mut tx, &caller, Action::RequestGrant, target).await?;
                grant::admits(&definition)
                    .map_err(|problem| Denial::by_rule(permit.clone(), Action::RequestGrant, target, problem))?;
                let event = Event::GrantRequested {
                    grant: id,
                    system,
                    type_id,
                    uses: terms.uses,
                    seconds: terms.hours * HOUR_SECONDS,
                    scope: scope_text(&terms)?,
                    reason: request.reason.as_str().to_owned(),
                    by,
                };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                let new = Grant {
                    id,
                    n: 1,
                    state: GrantState::Requested,
                    system,
                    type_id,
                    uses: terms.uses,
                    used: 0,
                    seconds: terms.hours * HOUR_SECONDS,
                    amount_max,
                    requested_by: by,
                    requested_at: entry.at,
                    entry: entry.id,
                    judged_by: None,
                    judged_index: None,
                    ends_at: None,
                };
                db::grants::insert(&mut tx, &new).await?;
                let judges = judges(&mut tx, &engine, &new, &definition).await?;
                notices::tell_of_system(&mut tx, &engine, &judges, NoticeKind::GrantAsked, by, &name, &entry).await?;
                engine.commit(tx).await?;
                Ok((id, entry))
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(id)
}

/// Activates a grant that somebody else asked for. It approves from the moment that this is sealed.
///
/// # Errors
///
/// `invalid_transition` where somebody answered before, `step_up_required`; [`Error::Forbidden`] for who asked, owns the
/// system or made a key of it, and for anybody but senior approvers in scope and compliance officers.
pub async fn activate(engine: &Engine, caller: &Caller, id: GrantId, reason: Reason) -> Result<()> {
    engine.has_room()?;
    judge(engine, caller, id, reason, true).await
}

/// Refuses a grant that was asked for, or takes one's own request back.
///
/// # Errors
///
/// As [`activate`].
pub async fn refuse(engine: &Engine, caller: &Caller, id: GrantId, reason: Reason) -> Result<()> {
    judge(engine, caller, id, reason, false).await
}

async fn judge(engine: &Engine, caller: &Caller, id: GrantId, reason: Reason, yes: bool) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| {
            let reason = reason.as_str().to_owned();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let mut grant = db::grants::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                let action = if yes { Action::ActivateGrant } else { Action::RefuseGrant };
                let target = target(&grant);
                let permit = engine.authorize(&mut tx, &caller, action, target).await?;
                if yes || by != grant.requested_by {
                    sessions::require_recent(&caller)?;
                }
                let refuse = |problem| Denial::by_rule(permit.clone(), action, target, problem);
                if grant.state != GrantState::Requested {
                    return Err(refuse(answered(grant.state)));
                }
                grant.n += 1;
                let event = match yes {
                    true => {
                        let definition = definition(&mut tx, &grant).await?;
                        grant::admits(&definition).map_err(&refuse)?;
                        let authority = permit.authority.as_ref().ok_or(Error::NotFound)?;
                        let until = engine.now() + grant.seconds * 1_000;
                        grant.state = GrantState::Active;
                        grant.ends_at = Some(until);
                        let authority = (authority.n, authority.set());
                        Event::GrantActivated { grant: id, n: grant.n, until, reason, by, authority }
                    }
                    false => {
                        grant.state = GrantState::Refused;
                        Event::GrantRefused { grant: id, n: grant.n, reason, by }
                    }
                };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::grants::set_judged(&mut tx, &grant, (by, entry.at, entry.id)).await?;
                db::notices::set_settled(&mut tx, NoticeKind::GrantAsked.word(), grant.entry, entry.at).await?;
                if by != grant.requested_by {
                    let system = db::systems::find(&mut tx, grant.system).await?.ok_or(Error::NotFound)?;
                    let kind = if yes { NoticeKind::GrantActivated } else { NoticeKind::GrantRefused };
                    let told = [grant.requested_by];
                    notices::tell_of_system(&mut tx, &engine, &told, kind, by, &system.name, &entry).await?;
                }
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Ends an active grant. It binds at commit, takes one person, and waits for no seal.
///
/// # Errors
///
/// `invalid_transition` for a grant that is not active; [`Error::Forbidden`] for anybody who neither reviews for the system
/// and type nor oversees or owns it.
pub async fn revoke(engine: &Engine, caller: &Caller, id: GrantId, reason: Reason) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| {
            let reason = reason.as_str().to_owned();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let mut grant = db::grants::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                let target = target(&grant);
                let permit = engine.authorize(&mut tx, &caller, Action::RevokeGrant, target).await?;
                if grant.state != GrantState::Active {
                    return Err(Denial::by_rule(permit, Action::RevokeGrant, target, not_active(grant.state)));
                }
                grant.n += 1;
                grant.state = GrantState::Revoked;
                let event = Event::GrantRevoked { grant: id, n: grant.n, reason, by };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::grants::set_ended(&mut tx, &grant, (Some(by), entry.at, entry.id)).await?;
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Puts the end of every grant whose time is over on record; none approves anything after its time, with this or without.
pub(crate) async fn expire_due(engine: &Engine, limit: i64) -> Result<usize> {
    let due = db::grants::list_due(&mut *engine.app.acquire().await?, engine.now(), limit).await?;
    for id in &due {
        let id = *id;
        engine
            .act(&Caller::engine(), move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let Some(mut grant) = db::grants::lock(&mut tx, id).await? else { return Ok(()) };
                if grant.state != GrantState::Active || grant.ends_at.is_none_or(|end| engine.now() < end) {
                    return Ok(());
                }
                grant.n += 1;
                grant.state = GrantState::Expired;
                let permit = authorize::unevaluated(authorize::engine_actor());
                let event = Event::GrantExpired { grant: id, n: grant.n };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::grants::set_ended(&mut tx, &grant, (None, entry.at, entry.id)).await?;
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(due.len())
}

/// Returns who may activate a grant that was asked for.
async fn judges(
    conn: &mut PgConnection,
    engine: &Engine,
    grant: &Grant,
    definition: &TypeDefinition,
) -> Result<Vec<PersonId>> {
    let (type_name, risk) = (definition.name.clone(), definition.risk);
    let matter = Matter { system: grant.system, type_name, risk, amount: grant.amount_max };
    let mut people: Vec<_> = db::roles::list_running(conn, engine.now())
        .await?
        .into_iter()
        .filter(|running| match running.holding.role {
            Role::SeniorApprover => running.holding.covers(&matter),
            role => role == Role::ComplianceOfficer,
        })
        .map(|running| running.person)
        .collect();
    people.sort_unstable();
    people.dedup();
    let mut judges = Vec::new();
    for person in db::outbox::enabled(conn, &people).await? {
        if authorize::ask(conn, engine, person, Action::ActivateGrant, target(grant)).await?.allowed {
            judges.push(person);
        }
    }
    Ok(judges)
}

/// A grant as authorisation sees it.
fn target(grant: &Grant) -> Target {
    Target::Grant {
        id: grant.id,
        system: grant.system,
        type_id: grant.type_id,
        amount: grant.amount_max,
        requester: grant.requested_by,
        n: grant.n,
    }
}

/// Tells whether the reader reads decisions of a system and type.
fn may_read(permit: &Permit, system: SystemId, type_name: &str) -> bool {
    permit.authority.as_ref().is_some_and(|authority| {
        authority.held.iter().any(|held| {
            let everywhere = held.role == Role::ComplianceOfficer;
            let here = held.system.is_none_or(|own| own == system);
            let types = &held.limits.types;
            everywhere
                || (held.role.reads_decisions()
                    && here
                    && (types.is_empty() || types.iter().any(|one| one == type_name)))
        })
    })
}

/// Tells whether somebody may ask for grants of a system, or of any.
fn may_request(permit: &Permit, system: Option<SystemId>) -> bool {
    permit.authority.as_ref().is_some_and(|authority| {
        let here = |own: Option<SystemId>| system.is_none() || own.is_none() || own == system;
        authority.held.iter().any(|held| held.role.reviews() && here(held.system))
    })
}

/// Finds the system and the newest version of the type that a form names.
async fn choose(
    conn: &mut PgConnection,
    asked: &GrantForm,
) -> Result<(SystemId, String, DecisionTypeId, TypeDefinition)> {
    let no_system = || Error::field("/system", "unknown_value", "Choose an AI system from the list.");
    let no_type = || Error::field("/type_id", "unknown_value", "Choose a decision type from the list.");
    let system: SystemId = asked.system.parse().map_err(|_| no_system())?;
    let name = db::systems::find(conn, system).await?.ok_or_else(no_system)?.name;
    let type_id: DecisionTypeId = asked.type_id.parse().map_err(|_| no_type())?;
    let (_, definition) = newest(conn).await?.into_iter().find(|(id, _)| *id == type_id).ok_or_else(no_type)?;
    Ok((system, name, type_id, definition))
}

/// The newest version of each decision type.
async fn newest(conn: &mut PgConnection) -> Result<Vec<(DecisionTypeId, TypeDefinition)>> {
    let mut newest: Vec<(DecisionTypeId, TypeDefinition)> = Vec::new();
    for (id, definition) in db::decision_types::list_all(conn).await? {
        // They come by name, then by version.
        match newest.last_mut().filter(|(_, last)| last.name == definition.name) {
            Some(last) => *last = (id, definition),
            None => newest.push((id, definition)),
        }
    }
    Ok(newest)
}

/// Says in words what was chosen, or what is wrong with it; what is chosen for the first time is neither.
async fn preview(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    asked: &GrantForm,
    chosen: Result<Option<(SystemId, String, DecisionTypeId, TypeDefinition)>>,
) -> Result<GrantFormView> {
    let empty = GrantFormView {
        grantable: Grantable { systems: Vec::new(), types: Vec::new() },
        chosen: None,
        words: None,
        problem: None,
        now: engine.now(),
    };
    let (system, name, type_id, definition) = match chosen {
        Ok(None) => return Ok(empty),
        Ok(Some(chosen)) => chosen,
        Err(Error::Refused(problem)) => return Ok(GrantFormView { problem: Some(problem), ..empty }),
        Err(error) => return Err(error),
    };
    if let Err(problem) = grant::admits(&definition) {
        return Ok(GrantFormView { problem: Some(problem), ..empty });
    }
    let view = GrantFormView { chosen: Some(definition.clone()), ..empty };
    if asked.uses.is_empty() && asked.hours.is_empty() {
        return Ok(view);
    }
    let terms = match asked.terms(&definition) {
        Ok(terms) => terms,
        Err(errors) => return Ok(GrantFormView { problem: Some(proposal::invalid(errors)), ..view }),
    };
    let requester = caller.person().ok_or(Error::NotFound)?;
    let (id, amount) = (GrantId(Uuid::nil()), terms.amount_max(&definition));
    let target = Target::Grant { id, system, type_id, amount, requester, n: 0 };
    match engine.authorize(tx, caller, Action::RequestGrant, target).await {
        Ok(_) => Ok(GrantFormView { words: Some(terms.sentences(&name, &definition)), ..view }),
        Err(Error::Forbidden(denial) | Error::Hidden(denial)) => {
            let problem = Problem::new(denial.code(), denial.sentence());
            Ok(GrantFormView { problem: Some(problem), ..view })
        }
        Err(error) => Err(error),
    }
}

fn scope_text(terms: &Terms) -> Result<String> {
    let value = serde_json::to_value(&terms.bounds).map_err(|error| Error::Setup(error.to_string()))?;
    Ok(json::canonical(&value))
}

/// Opens what grants hold parameters to, by the entry that asked; an erased one is missing, and covers nothing.
async fn scopes(
    conn: &mut PgConnection,
    engine: &Engine,
    entries: impl Iterator<Item = EntryId>,
) -> Result<HashMap<EntryId, Vec<Condition>>> {
    let entries: Vec<_> = entries.map(|entry| entry.0).collect();
    let opened = texts(conn, engine, &entries, "scope").await?;
    opened
        .into_iter()
        .map(|(entry, text)| {
            let unreadable = |_| Error::Row { table: "vault_values", column: "ciphertext", id: entry.to_string() };
            Ok((EntryId(entry), serde_json::from_str(&text).map_err(unreadable)?))
        })
        .collect()
}

async fn definitions(conn: &mut PgConnection, grants: &[Grant]) -> Result<HashMap<DecisionTypeId, TypeDefinition>> {
    let mut ids: Vec<_> = grants.iter().map(|grant| grant.type_id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(db::decision_types::list(conn, &ids).await?.into_iter().collect())
}

async fn definition(conn: &mut PgConnection, grant: &Grant) -> Result<TypeDefinition> {
    let missing = || Error::Row { table: "grants", column: "type_id", id: grant.id.to_string() };
    definitions(conn, std::slice::from_ref(grant)).await?.remove(&grant.type_id).ok_or_else(missing)
}

async fn rows(
    conn: &mut PgConnection,
    engine: &Engine,
    grants: &[Grant],
    types: &HashMap<DecisionTypeId, TypeDefinition>,
) -> Result<Vec<GrantRow>> {
    let people: Vec<_> = grants.iter().map(|grant| grant.requested_by).collect();
    let names = people::names(conn, engine, &people).await?;
    let systems: Vec<_> = grants.iter().map(|grant| grant.system.0).collect();
    let systems: HashMap<_, _> = db::systems::names(conn, &systems).await?.into_iter().collect();
    let scopes = scopes(conn, engine, grants.iter().map(|grant| grant.entry)).await?;
    Ok(grants
        .iter()
        .filter_map(|grant| {
            let definition = types.get(&grant.type_id)?;
            Some(GrantRow {
                id: grant.id,
                state: grant.state,
                system: systems.get(&grant.system.0).cloned().unwrap_or_default(),
                action: (definition.title.clone(), definition.name.clone()),
                bounds: match scopes.get(&grant.entry) {
                    Some(scope) => grant::bounds(scope, definition),
                    None => vec![people::erased()],
                },
                uses: grant.uses,
                used: grant.used,
                hours: grant.seconds / HOUR_SECONDS,
                requested_by: names.get(&grant.requested_by).cloned().unwrap_or_else(people::erased),
                requested_at: grant.requested_at,
                ends_at: grant.ends_at,
            })
        })
        .collect())
}

async fn show(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    grant: &Grant,
) -> Result<GrantView> {
    let definition = definition(tx, grant).await?;
    let types = HashMap::from([(grant.type_id, definition.clone())]);
    let mut rows = rows(tx, engine, std::slice::from_ref(grant), &types).await?;
    let row = rows.pop().ok_or(Error::NotFound)?;
    let scope = scopes(tx, engine, std::iter::once(grant.entry)).await?.remove(&grant.entry);
    let words = match scope {
        Some(bounds) => Terms { bounds, uses: row.uses, hours: row.hours }.sentences(&row.system, &definition),
        None => vec![people::erased()],
    };
    let size = engine.head.borrow().size;
    let acts = acts(tx, engine, grant.id).await?;
    Ok(GrantView {
        words,
        acts,
        effective: grant.state == GrantState::Active && grant.judged_index.is_some_and(|index| index < size),
        paused: db::pauses::is_running(tx, grant.system).await?,
        no_activating: barred(tx, engine, caller, grant, Action::ActivateGrant).await?,
        no_refusing: barred(tx, engine, caller, grant, Action::RefuseGrant).await?,
        no_revoking: barred(tx, engine, caller, grant, Action::RevokeGrant).await?,
        recorded: EntryId(Uuid::nil()),
        now: engine.now(),
        row,
    })
}

/// Says why the reader may not do something to a grant, if so.
async fn barred(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    grant: &Grant,
    action: Action,
) -> Result<Option<String>> {
    match engine.authorize(tx, caller, action, target(grant)).await {
        Ok(_) => Ok(None),
        Err(Error::Forbidden(denial) | Error::Hidden(denial)) => Ok(Some(denial.sentence())),
        Err(error) => Err(error),
    }
}

/// What was done to a grant, oldest first; of its uses the latest.
async fn acts(conn: &mut PgConnection, engine: &Engine, id: GrantId) -> Result<Vec<GrantAct>> {
    let mut entries: Vec<_> = db::grants::list_entries(conn, id).await?.into_iter().map(|entry| entry.0).collect();
    let reasons = texts(conn, engine, &entries, "reason").await?;
    entries.extend(db::grants::list_uses(conn, id, USES_SHOWN).await?.into_iter().map(|entry| entry.0));
    let mut leaves = Vec::with_capacity(entries.len());
    for (entry, index, bytes) in db::entries::placed(conn, &entries).await? {
        leaves.push((entry, index, Leaf::parse(&bytes)?));
    }
    leaves.sort_by_key(|(.., leaf)| leaf.obj.as_ref().and_then(|object| object.n));
    let person = |leaf: &Leaf| -> Option<PersonId> {
        (leaf.actor.as_ == ActorKind::Person).then(|| leaf.actor.sid.as_deref()?.parse().ok()).flatten()
    };
    let people: Vec<_> = leaves.iter().filter_map(|(.., leaf)| person(leaf)).collect();
    let names = people::names(conn, engine, &people).await?;
    Ok(leaves
        .iter()
        .map(|(entry, index, leaf)| GrantAct {
            kind: leaf.kind.clone(),
            by: match person(leaf) {
                Some(person) => names.get(&person).cloned().unwrap_or_else(people::erased),
                None => "Countersign".to_owned(),
            },
            reason: reasons.get(entry).cloned(),
            decision: leaf.d.as_ref().and_then(|d| d.get("decision")?.as_text()?.parse().ok()),
            at: leaf.at,
            entry: EntryId(*entry),
            seal: seal_at(engine, *index),
        })
        .collect())
}

fn answered(state: GrantState) -> Problem {
    let detail = match state {
        GrantState::Refused => "This grant was refused already. Whoever wants it asks for another one.",
        _ => "This grant was activated already. Read below what became of it.",
    };
    Problem::new(Code::InvalidTransition, detail)
}

fn not_active(state: GrantState) -> Problem {
    let detail = match state {
        GrantState::Requested => "This grant is not active, so there is nothing to revoke. Refuse it instead.",
        GrantState::Exhausted => {
            "This grant is used up, so there is nothing to revoke. Revoke what it approved instead."
        }
        GrantState::Expired => "The time of this grant is over, so there is nothing to revoke.",
        GrantState::Revoked => "This grant was revoked already; read below by whom and why.",
        GrantState::Refused | GrantState::Active => "This grant was never active, so there is nothing to revoke.",
    };
    Problem::new(Code::InvalidTransition, detail)
}
