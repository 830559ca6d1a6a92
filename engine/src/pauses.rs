//! Pauses: whoever reviews what a system proposes may stop it at once; somebody else lets it go on.
//!
//! While a system is paused, what it proposes is rejected at once, no rule approves anything of it, and no approval is
//! told to it. People go on reviewing; deadlines run; rejections are told, because they stop nothing that runs.
//!
//! Who acts on whether a system is paused holds the lock of its pauses beside others until their transaction ends;
//! pausing and resuming hold it alone. So from the commit of a pause on, at every instance, nothing of the kind happens,
//! and in the log none of it stands between the two entries. It is a lock that serves in order: a lock of the system's
//! row would be handed from one proposal to the next while a pause waits. It is taken before any row's.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    event::{Event, List, Object, Place},
    ids::{EntryId, PersonId, SystemId},
    pause::{ChosenSystem, PausableSystem, PausesView, ShownPause},
    problem::Code,
    role::Role,
    text::Reason,
    view::NoticeKind,
};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::{
    Engine,
    authorize::{Action, Denial, Permit, Target},
    caller::Caller,
    db::{self, pauses::Pause},
    error::{Error, Result},
    notices, people, reads, seal,
};

/// Lists the systems in the reader's scope with their pauses, or shows what pausing or resuming one would do.
///
/// # Errors
///
/// [`Error::NotFound`] for a system that does not exist or is outside the reader's scope.
pub async fn view(engine: &Engine, caller: &Caller, chosen: Option<SystemId>) -> Result<PausesView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListPauses, engine.installation()).await?;
        let mut rows = pausable(&mut tx, engine, &permit).await?;
        let shown = match chosen {
            None => (permit, rows, None, None),
            Some(id) => {
                let at = rows.iter().position(|row| row.id == id).ok_or(Error::NotFound)?;
                let (chosen, n) = choose(&mut tx, engine, caller, rows.swap_remove(at)).await?;
                (permit, Vec::new(), Some(chosen), Some(n))
            }
        };
        tx.commit().await?;
        Ok(shown)
    };
    let (permit, systems, chosen, n) = engine.noted(caller, found.await).await?;
    let event = match (&chosen, n) {
        (Some(chosen), Some(n)) => {
            let object = Object { kind: "system", id: chosen.system.id.0, place: Place::Read(n) };
            Event::AccessViewed { object }
        }
        _ => Event::AccessListed { list: List::Systems, count: systems.len() as u64 },
    };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(PausesView { systems, chosen, now: engine.now() })
}

/// Stops a system. It binds at commit and waits for no second person and no seal.
///
/// # Errors
///
/// `system_paused` where it is paused already; [`Error::Forbidden`] for anybody who neither reviews what it proposes nor
/// administers or oversees the installation.
pub async fn pause(engine: &Engine, caller: &Caller, system: SystemId, reason: Reason) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                db::pauses::lock(&mut tx, system).await?;
                let target = Target::System(system);
                let n = db::systems::find_n(&mut tx, system).await?.ok_or(Error::NotFound)? + 1;
                let permit = engine.authorize(&mut tx, &caller, Action::PauseSystem, target).await?;
                if let Some(running) = db::pauses::find_running(&mut tx, system).await? {
                    let who = name(&mut tx, &engine, running.by).await?;
                    let detail = format!("This AI system is paused already, by {who}. Read the page again.");
                    let problem = Problem::new(Code::SystemPaused, detail);
                    return Err(Denial::by_rule(permit, Action::PauseSystem, target, problem));
                }
                let event = Event::SystemPaused { system, n, reason: reason.as_str().to_owned(), by };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::pauses::insert(&mut tx, entry.id, system, by, entry.at).await?;
                db::systems::set_n(&mut tx, system, n).await?;
                tell(&mut tx, &engine, NoticeKind::SystemPaused, by, system, &entry).await?;
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Ends the pause that the page showed.
///
/// # Errors
///
/// `invalid_transition` where the system is not paused, `stale` where another pause runs by now; [`Error::Forbidden`] for
/// who paused it, and for anybody but senior approvers of the system and admins.
pub async fn resume(engine: &Engine, caller: &Caller, system: SystemId, pause: EntryId, reason: Reason) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                db::pauses::lock(&mut tx, system).await?;
                let last = db::systems::find_n(&mut tx, system).await?.ok_or(Error::NotFound)?;
                let running = db::pauses::find_running(&mut tx, system).await?;
                let target = resumable(system, last, running.as_ref());
                let permit = engine.authorize(&mut tx, &caller, Action::ResumeSystem, target).await?;
                let refuse = |code, detail: &str| {
                    Err(Denial::by_rule(permit.clone(), Action::ResumeSystem, target, Problem::new(code, detail)))
                };
                match running {
                    None => return refuse(Code::InvalidTransition, "This AI system is not paused."),
                    Some(running) if running.entry != pause => {
                        return refuse(
                            Code::Stale,
                            "The pause that you saw has ended, and another one runs. Read why below, then decide again.",
                        );
                    }
                    Some(_) => {}
                }
                let n = last + 1;
                let event = Event::SystemResumed { system, n, pause, reason: reason.as_str().to_owned(), by };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::pauses::set_resumed(&mut tx, pause, by, entry.at, entry.id).await?;
                db::systems::set_n(&mut tx, system, n).await?;
                tell(&mut tx, &engine, NoticeKind::SystemResumed, by, system, &entry).await?;
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Tells whether a system is paused, and keeps that so until the transaction ends.
pub(crate) async fn hold(conn: &mut PgConnection, system: SystemId) -> Result<bool> {
    db::pauses::lock_share(conn, system).await?;
    // A statement of its own: what was committed while the lock was waited for is seen by the next one only.
    Ok(db::pauses::is_running(conn, system).await?)
}

/// Returns the running pauses of those systems that the permit's roles reach.
pub(crate) async fn list_shown(conn: &mut PgConnection, engine: &Engine, permit: &Permit) -> Result<Vec<ShownPause>> {
    let mut running = db::pauses::list_running(conn, None).await?;
    running.retain(|pause| reaches(permit, pause.system));
    show(conn, engine, running).await
}

/// Returns the running pause of a system.
pub(crate) async fn find_shown(
    conn: &mut PgConnection,
    engine: &Engine,
    system: SystemId,
) -> Result<Option<ShownPause>> {
    let running = db::pauses::list_running(conn, Some(system)).await?;
    Ok(show(conn, engine, running).await?.pop())
}

/// Opens names and reasons; what was erased says so.
async fn show(conn: &mut PgConnection, engine: &Engine, running: Vec<Pause>) -> Result<Vec<ShownPause>> {
    if running.is_empty() {
        return Ok(Vec::new());
    }
    let people: Vec<_> = running.iter().map(|pause| pause.by).collect();
    let names = people::names(conn, engine, &people).await?;
    let entries: Vec<Uuid> = running.iter().map(|pause| pause.entry.0).collect();
    let mut reasons = HashMap::new();
    for stored in db::vault::list_fields(conn, &entries, &["reason".to_owned()]).await? {
        if let Some(text) = engine.vault.open(&stored)? {
            reasons.insert(stored.entry_id, text);
        }
    }
    Ok(running
        .into_iter()
        .map(|pause| ShownPause {
            entry: pause.entry,
            system: pause.system,
            system_name: pause.system_name,
            by: names.get(&pause.by).cloned().unwrap_or_else(people::erased),
            at: pause.at,
            reason: reasons.remove(&pause.entry.0).unwrap_or_else(people::erased),
        })
        .collect())
}

/// The systems that the permit's roles reach: paused ones first, then by name.
async fn pausable(conn: &mut PgConnection, engine: &Engine, permit: &Permit) -> Result<Vec<PausableSystem>> {
    let mut pauses = list_shown(conn, engine, permit).await?;
    let mut rows: Vec<_> = db::systems::all(conn)
        .await?
        .into_iter()
        .filter(|system| reaches(permit, system.id))
        .map(|system| {
            let at = pauses.iter().position(|pause| pause.system == system.id);
            PausableSystem { id: system.id, name: system.name, pause: at.map(|at| pauses.swap_remove(at)) }
        })
        .collect();
    rows.sort_by(|a, b| (a.pause.is_none(), &a.name).cmp(&(b.pause.is_none(), &b.name)));
    Ok(rows)
}

/// Tells whether any role of the permit reaches a system; compliance officers oversee all of them.
pub(crate) fn reaches(permit: &Permit, system: SystemId) -> bool {
    permit.authority.as_ref().is_some_and(|authority| {
        authority.held.iter().any(|held| held.role == Role::ComplianceOfficer)
            || Role::ALL.iter().any(|role| authority.holds(*role, Some(system)))
    })
}

/// Counts what an act would touch, and asks whether the caller may do the one that comes next.
async fn choose(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    system: PausableSystem,
) -> Result<(ChosenSystem, u64)> {
    let id = system.id;
    let n = db::systems::find_n(tx, id).await?.ok_or(Error::NotFound)?;
    let running = db::pauses::find_running(tx, id).await?;
    let (action, target) = match &system.pause {
        Some(_) => (Action::ResumeSystem, resumable(id, n, running.as_ref())),
        None => (Action::PauseSystem, Target::System(id)),
    };
    let barred = match engine.authorize(tx, caller, action, target).await {
        Ok(_) => None,
        Err(Error::Forbidden(denial) | Error::Hidden(denial)) => Some(denial.sentence()),
        Err(error) => return Err(error),
    };
    let open_count = db::decisions::count_open_of(tx, id).await?;
    let untold_count = db::pauses::count_untold(tx, id).await?;
    Ok((ChosenSystem { system, open_count, untold_count, barred }, n))
}

fn resumable(system: SystemId, n: u64, running: Option<&Pause>) -> Target {
    match running {
        Some(running) => Target::PausedSystem { id: system, by: running.by, n },
        None => Target::System(system),
    }
}

/// Leaves a notice for everybody else who watches over the installation.
async fn tell(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    kind: NoticeKind,
    by: PersonId,
    system: SystemId,
    entry: &seal::Entry,
) -> Result<()> {
    let mut told = notices::guardians(tx).await?;
    told.retain(|person| *person != by);
    let name = db::systems::find(tx, system).await?.ok_or(Error::NotFound)?.name;
    notices::tell_of_system(tx, engine, &told, kind, by, &name, entry).await
}

async fn name(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<String> {
    Ok(people::names(conn, engine, &[person]).await?.remove(&person).unwrap_or_else(people::erased))
}
