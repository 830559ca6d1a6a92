//! The second person: changes that nobody makes alone wait here until somebody else confirms them.
//!
//! Who asks never confirms, and neither does the person whose access it is about. What is confirmed is
//! exactly the bytes whose digest the request sealed. While there is only one admin, or in the mode of
//! teams of one, changes take effect at once and every such act is marked `single_operator`.
//!
//! A new kind of change is a variant of `domain::change::Change` with its arm in [`apply`].

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    change::{Change, Decided},
    event::{Event, List},
    ids::{ChangeId, PersonId},
    problem::Code,
    view::{AwaitedChange, AwaitedChanges, ChangeAct, ChangeEffect},
};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine, audit_windows,
    authorize::{self, Action, Denial, Permit, Target},
    caller::Caller,
    db::{self, changes::Stored},
    error::{Error, Result},
    people, policies, reads, role_mappings, roles, scim, seal, sessions,
};

/// How long a change waits, in milliseconds: 7 days.
const WAIT_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// Rows of the page.
const ROWS: i64 = 100;

/// Tells whether risky changes wait: more than one admin can act, and the mode of teams of one is off.
pub(crate) async fn needs_second_person(conn: &mut PgConnection, engine: &Engine) -> Result<bool> {
    if db::roles::single_operator(conn).await? {
        return Ok(false);
    }
    Ok(db::roles::able_admins(conn, engine.config().demo).await?.len() > 1)
}

/// Records a change that waits. The permit is that of the act which asks for it.
///
/// # Errors
///
/// `invalid_transition` when the same change waits already.
pub(crate) async fn request(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    change: &Change,
) -> Result<ChangeId> {
    let requested_by = caller.person().ok_or(Error::NotFound)?;
    let digest = change.digest();
    if db::changes::is_waiting(tx, &digest.0).await? {
        return Err(Error::refused(Code::InvalidTransition, "The same change waits for a second person already."));
    }
    let id = ChangeId(engine.id());
    let event = Event::ChangeRequested { change: id, what: change.word(), digest, subject: change.subject() };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    let new = Stored {
        id,
        n: 1,
        change: change.clone(),
        requested_by,
        requested_at: entry.at,
        expires_at: entry.at + WAIT_MS,
        decided: None,
        entry: entry.id,
    };
    db::changes::insert(tx, &new).await?;
    Ok(id)
}

/// Confirms a waiting change, which takes effect at once.
///
/// # Errors
///
/// `invalid_transition` when it was decided, has lapsed or cannot take effect any more;
/// [`Error::Forbidden`] for who asked for it and whom it is about.
pub async fn confirm(engine: &Engine, caller: &Caller, id: ChangeId) -> Result<()> {
    decide(engine, caller, id, Decided::Confirmed).await
}

/// Says no to a waiting change.
///
/// # Errors
///
/// As [`confirm`].
pub async fn refuse(engine: &Engine, caller: &Caller, id: ChangeId) -> Result<()> {
    decide(engine, caller, id, Decided::Refused).await
}

/// Takes one's own waiting change back.
///
/// # Errors
///
/// `invalid_transition` when it was decided; [`Error::Forbidden`] for anybody but who asked for it.
pub async fn withdraw(engine: &Engine, caller: &Caller, id: ChangeId) -> Result<()> {
    decide(engine, caller, id, Decided::Withdrawn).await
}

async fn decide(engine: &Engine, caller: &Caller, id: ChangeId, decided: Decided) -> Result<()> {
    let action = match decided {
        Decided::Withdrawn => Action::WithdrawChange,
        _ => Action::ConfirmChange,
    };
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let stored = db::changes::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let target = stored.target();
            let permit = engine.authorize(&mut tx, &caller, action, target).await?;
            if decided == Decided::Confirmed {
                sessions::require_recent(&caller)?;
            }
            let refuse = |sentence: &str| {
                Denial::by_rule(permit.clone(), action, target, Problem::new(Code::InvalidTransition, sentence))
            };
            if stored.decided.is_some() {
                return Err(refuse("This change was decided already."));
            }
            if engine.now() >= stored.expires_at {
                return Err(refuse("Nobody confirmed this change in time. Ask for it again."));
            }
            let n = stored.n + 1;
            let event = Event::ChangeDecided { change: id, n, decided };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            let at = (entry.at, entry.id);
            db::changes::set_decided(&mut tx, id, n, decided, caller.person(), at).await?;
            if decided == Decided::Confirmed {
                let asked = authorize::requests(&mut tx, &engine, stored.requested_by, &stored.change).await?;
                if !asked {
                    return Err(refuse("Who asked for this change may not make it any more. Refuse it."));
                }
                if let Some(problem) = apply(&mut tx, &engine, &caller, &permit, &stored.change).await? {
                    return Err(Denial::by_rule(permit.clone(), action, target, problem));
                }
            }
            engine.commit(tx).await
        })
        .await
}

/// Makes a confirmed change; says why it cannot be made any more, if so.
async fn apply(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    change: &Change,
) -> Result<Option<Problem>> {
    match change {
        Change::AssignRole { person, holding } => {
            let alone = db::roles::single_operator(tx).await?;
            let problem = roles::check(tx, engine, *person, holding, alone).await?;
            if problem.is_none() {
                roles::give(tx, engine, caller, permit, *person, holding).await?;
            }
            Ok(problem)
        }
        Change::SingleOperator => {
            set_single_operator(tx, engine, caller, permit, true).await?;
            Ok(None)
        }
        Change::OpenAuditWindow { .. } => Ok(audit_windows::open(tx, engine, caller, permit, change).await?.err()),
        Change::ApplyMapping { .. } => role_mappings::apply_confirmed(tx, engine, caller, permit, change).await,
        Change::IssueScimToken { .. } => scim::tokens::issue_confirmed(tx, engine, caller, permit, change).await,
        Change::SetGuards { amount_max } => {
            policies::put_guards(tx, engine, caller, permit, *amount_max).await?;
            Ok(None)
        }
    }
}

/// Lets one person act alone from then on, or asks for the second person again.
///
/// Switching it on waits for a second person where there is one; switching it off never waits.
///
/// # Errors
///
/// `invalid_transition` when it stands so already; [`Error::Forbidden`] for anybody but an admin.
pub async fn switch_single_operator(engine: &Engine, caller: &Caller, on: bool) -> Result<Option<ChangeId>> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let was = db::roles::lock_guard(&mut tx).await?;
            let target = engine.installation();
            let permit = engine.authorize(&mut tx, &caller, Action::SwitchSingleOperator, target).await?;
            sessions::require_recent(&caller)?;
            if was == on {
                let problem = Problem::new(Code::InvalidTransition, "The mode stands so already.");
                return Err(Denial::by_rule(permit, Action::SwitchSingleOperator, target, problem));
            }
            let waits = match on && needs_second_person(&mut tx, &engine).await? {
                true => Some(request(&mut tx, &engine, &caller, &permit, &Change::SingleOperator).await?),
                false => {
                    let permit = if on { permit.alone() } else { permit };
                    set_single_operator(&mut tx, &engine, &caller, &permit, on).await?;
                    None
                }
            };
            engine.commit(tx).await?;
            Ok(waits)
        })
        .await
}

async fn set_single_operator(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    on: bool,
) -> Result<()> {
    seal::append(tx, engine, caller, permit, &Event::SingleOperatorSet { on }).await?;
    db::roles::set_single_operator(tx, on).await?;
    Ok(())
}

/// Lists what waits and what was decided lately, each with its effect.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody who neither asks for changes nor confirms or audits them.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<AwaitedChanges> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListChanges, engine.installation()).await?;
        let stored = db::changes::list(&mut tx, ROWS).await?;
        let single_operator = db::roles::single_operator(&mut tx).await?;
        let alone = !needs_second_person(&mut tx, engine).await?;
        let changes = rows(&mut tx, engine, caller, &stored).await?;
        let target = engine.installation();
        let may_switch = match caller.person() {
            Some(person) => {
                authorize::ask(&mut tx, engine, person, Action::SwitchSingleOperator, target).await?.allowed
            }
            None => false,
        };
        tx.commit().await?;
        Ok((permit, AwaitedChanges { changes, single_operator, alone, may_switch, now: engine.now() }))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::AwaitedChanges, count: view.changes.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

/// Draws changes with their effects and what the caller may do about each.
pub(crate) async fn rows(
    conn: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &[Stored],
) -> Result<Vec<AwaitedChange>> {
    let mut people: Vec<PersonId> = Vec::new();
    for row in stored {
        people.push(row.requested_by);
        people.extend(row.change.subject());
        people.extend(row.decided.and_then(|(_, _, by)| by));
    }
    let names = people::names(conn, engine, &people).await?;
    let systems: HashMap<_, _> =
        db::systems::list(conn).await?.into_iter().map(|(row, _)| (row.id, row.name)).collect();
    let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(people::erased);
    let mut rows = Vec::with_capacity(stored.len());
    for row in stored {
        let effect = match &row.change {
            Change::AssignRole { person, holding } => ChangeEffect::Role {
                person: *person,
                name: name(*person),
                held: roles::words(conn, engine, *person).await?,
                holding: roles::shown(holding, &systems),
            },
            Change::SingleOperator => ChangeEffect::SingleOperator,
            Change::SetGuards { amount_max } => {
                ChangeEffect::Guards { before: db::policies::auto_amount_max(conn).await?, amount_max: *amount_max }
            }
            Change::IssueScimToken { provider, ceiling, expires, .. } => ChangeEffect::ScimToken {
                provider: scim::tokens::provider_name(conn, *provider).await?,
                ceiling: ceiling.clone(),
                until: *expires,
            },
            Change::OpenAuditWindow { person, name: audit, systems: shown, from, until } => ChangeEffect::AuditWindow {
                person: *person,
                name: name(*person),
                audit: audit.clone(),
                systems: shown.iter().filter_map(|system| systems.get(system).cloned()).collect(),
                from: *from,
                until: *until,
            },
            Change::ApplyMapping { provider, version, .. } => {
                let (slug, name) = db::providers::name(conn, *provider).await?;
                let dry_run = match row.decided {
                    None => role_mappings::effect(conn, engine, *provider, *version).await?,
                    Some(_) => None,
                };
                ChangeEffect::Mapping { slug, name, dry_run }
            }
        };
        let acts = match (row.decided, caller.person()) {
            (None, Some(person)) if engine.now() < row.expires_at => {
                let mut acts = Vec::new();
                for (action, act) in
                    [(Action::ConfirmChange, ChangeAct::Confirm), (Action::WithdrawChange, ChangeAct::Withdraw)]
                {
                    if authorize::ask(conn, engine, person, action, row.target()).await?.allowed {
                        acts.push(act);
                    }
                }
                acts
            }
            _ => Vec::new(),
        };
        rows.push(AwaitedChange {
            id: row.id,
            effect,
            requested_by: name(row.requested_by),
            requested_at: row.requested_at,
            expires_at: row.expires_at,
            decided: row.decided.map(|(decided, at, by)| (decided, at, by.map(name))),
            acts,
            entry: row.entry,
        });
    }
    Ok(rows)
}

/// Lets changes lapse that nobody confirmed in time; returns how many.
pub(crate) async fn lapse_run_out(engine: &Engine) -> Result<usize> {
    let run_out = db::changes::list_run_out(&mut *engine.app.acquire().await?, engine.now(), ROWS).await?;
    for id in &run_out {
        let id = *id;
        engine
            .act(&Caller::engine(), move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let stored = db::changes::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                if stored.decided.is_some() {
                    return Ok(());
                }
                let permit = authorize::unevaluated(authorize::engine_actor());
                let n = stored.n + 1;
                let event = Event::ChangeDecided { change: id, n, decided: Decided::Lapsed };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::changes::set_decided(&mut tx, id, n, Decided::Lapsed, None, (entry.at, entry.id)).await?;
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(run_out.len())
}

impl Stored {
    fn target(&self) -> Target {
        Target::Change { id: self.id, requester: self.requested_by, subject: self.change.subject(), n: self.n }
    }
}
