//! Notes for the next shift: a short text that whoever reviews next finds above the queue, until somebody ends it or a
//! day has passed. Each reader puts it away for themselves; its author or a senior approver ends it for everybody.

use countersign_domain::{
    Problem,
    event::{Event, List, Object, Place},
    ids::{FormId, HandoverId, PersonId, SystemId},
    problem::Code,
    role::Role,
    talk::{HandoversView, Note, ShownHandover},
};
use sqlx::PgConnection;

use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::Caller,
    db::{self, handovers::Handover},
    decisions::{PERIOD_MS, SAME_MS, texts, too_many},
    error::{Error, Result},
    pauses, people, reads, seal,
};

/// How long a note is shown, in milliseconds.
const SHOWN_MS: u64 = 24 * 3_600_000;
/// Notes of one person in ten minutes.
const MOST: u64 = 10;

/// A note as the form sends it.
#[derive(Clone, Debug)]
pub struct HandoverRequest {
    /// The system that it is about; all of them without.
    pub system: Option<SystemId>,
    /// The form's own mark; the same text under it is one note.
    pub nonce: FormId,
    /// What it says.
    pub note: Note,
}

/// Shows the notes that run in the reader's scope, and about which systems they may write one.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody who may not read the queue.
pub async fn view(engine: &Engine, caller: &Caller) -> Result<HandoversView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListQueue, engine.installation()).await?;
        let (reader, _) = caller.signed_in()?;
        let rows = list(&mut tx, engine, &permit, reader, |_| true).await?;
        let hands_over = |system| holds(&permit, system, &[Role::Approver, Role::SeniorApprover]);
        let systems: Vec<_> = db::systems::all(&mut tx)
            .await?
            .into_iter()
            .filter(|system| hands_over(Some(system.id)))
            .map(|system| (system.id, system.name))
            .collect();
        tx.commit().await?;
        Ok((permit.clone(), rows, systems, hands_over(None)))
    };
    let (permit, rows, systems, may_all) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::Handovers, count: rows.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;
    let barred = (systems.is_empty() && !may_all)
        .then(|| "Writing a note needs the role approver or senior approver. An admin can give it.".to_owned());

    Ok(HandoversView { rows, systems, may_all, barred, nonce: FormId(engine.id()), now: engine.now() })
}

/// Leaves a note for the next shift.
///
/// # Errors
///
/// `rate_limited` after many notes; [`Error::Forbidden`] for who does not review for that system, or for all of them.
pub async fn note(engine: &Engine, caller: &Caller, request: HandoverRequest) -> Result<()> {
    engine.has_room()?;
    let recorded = engine
        .act(caller, move |engine, caller| {
            let request = request.clone();
            async move { record(engine, caller, request).await }
        })
        .await?;
    match recorded {
        Ok(entry) => {
            seal::wait(entry).await;
        }
        Err(permit) => {
            let event = Event::AccessListed { list: List::Handovers, count: 1 };
            reads::record(engine, caller, *permit, &event, reads::Shown::default()).await?;
        }
    }

    Ok(())
}

/// Returns the permit alone where the form had been sent before.
async fn record(
    engine: Engine,
    caller: Caller,
    request: HandoverRequest,
) -> Result<std::result::Result<seal::Entry, Box<Permit>>> {
    let (author, _) = caller.signed_in()?;
    let HandoverRequest { system, nonce, note } = request;
    let mut tx = engine.begin().await?;
    let target = match system {
        Some(system) => {
            db::systems::find(&mut tx, system).await?.ok_or(Error::NotFound)?;
            Target::System(system)
        }
        None => engine.installation(),
    };
    db::handovers::lock_author(&mut tx, author).await?;
    let permit = engine.authorize(&mut tx, &caller, Action::HandOver, target).await?;
    let now = engine.now();
    let like = db::handovers::list_like(&mut tx, system, author, nonce, now.saturating_sub(SAME_MS)).await?;
    if texts(&mut tx, &engine, &like, "note").await?.values().any(|text| text == note.as_str()) {
        return Ok(Err(Box::new(permit)));
    }
    let (count, first) = db::handovers::count_since(&mut tx, author, now.saturating_sub(PERIOD_MS)).await?;
    if count >= MOST {
        let problem = too_many(&format!("{MOST} notes"), first, now);
        return Err(Denial::by_rule(permit, Action::HandOver, target, problem));
    }
    let handover = HandoverId(engine.id());
    let until = now + SHOWN_MS;
    let event = Event::HandoverNoted { handover, system, until, note: note.as_str().to_owned(), by: author };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    let new = db::handovers::New { id: handover, system, author, nonce, now: entry.at, until, entry: entry.id };
    db::handovers::insert(&mut tx, &new).await?;
    engine.commit(tx).await?;

    Ok(Ok(entry))
}

/// Ends a note for everybody.
///
/// # Errors
///
/// `invalid_transition` for a note that does not run any more; [`Error::Forbidden`] for who is neither its author nor a
/// senior approver for what it is about.
pub async fn end(engine: &Engine, caller: &Caller, id: HandoverId) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| async move {
            let (by, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let stored = db::handovers::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let target = target(&stored);
            let permit = engine.authorize(&mut tx, &caller, Action::EndHandover, target).await?;
            if !stored.open || stored.until <= engine.now() {
                let problem =
                    Problem::new(Code::InvalidTransition, "This note has ended already. Nothing is left to do.");
                return Err(Denial::by_rule(permit, Action::EndHandover, target, problem));
            }
            let event = Event::HandoverEnded { handover: id, n: 2 };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::handovers::set_ended(&mut tx, id, by, entry.at, entry.id).await?;
            engine.commit(tx).await?;
            Ok(entry)
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Puts a note away from the reader's own queue, and puts on record that they read it.
///
/// # Errors
///
/// [`Error::NotFound`] for a note outside the reader's scope.
pub async fn put_away(engine: &Engine, caller: &Caller, id: HandoverId) -> Result<()> {
    let put_away = async {
        let (reader, _) = caller.signed_in()?;
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListQueue, engine.installation()).await?;
        let stored = db::handovers::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
        if !reaches(&permit, stored.system) {
            return Err(Error::NotFound);
        }
        let object = Object { kind: "handover", id: id.0, place: Place::Read(if stored.open { 1 } else { 2 }) };
        seal::append(&mut tx, engine, caller, &permit, &Event::AccessViewed { object }).await?;
        db::handovers::insert_read(&mut tx, id, reader, engine.now()).await?;
        engine.commit(tx).await
    };
    engine.noted(caller, put_away.await).await
}

/// Returns the notes above a reader's queue: those of their scope that they have not put away.
pub(crate) async fn list_shown(
    conn: &mut PgConnection,
    engine: &Engine,
    permit: &Permit,
    reader: PersonId,
) -> Result<Vec<ShownHandover>> {
    list(conn, engine, permit, reader, |handover| !handover.away).await
}

async fn list(
    conn: &mut PgConnection,
    engine: &Engine,
    permit: &Permit,
    reader: PersonId,
    wanted: impl Fn(&Handover) -> bool,
) -> Result<Vec<ShownHandover>> {
    let mut running = db::handovers::list_running(conn, reader, engine.now()).await?;
    running.retain(|handover| reaches(permit, handover.system) && wanted(handover));
    if running.is_empty() {
        return Ok(Vec::new());
    }
    let authors: Vec<_> = running.iter().map(|handover| handover.author).collect();
    let names = people::names(conn, engine, &authors).await?;
    let entries: Vec<_> = running.iter().map(|handover| handover.entry.0).collect();
    let mut said = texts(conn, engine, &entries, "note").await?;
    let mut shown = Vec::with_capacity(running.len());
    for handover in running {
        let asked = authorize::ask(conn, engine, reader, Action::EndHandover, target(&handover)).await?;
        shown.push(ShownHandover {
            id: handover.id,
            system: handover.system_name,
            person: names.get(&handover.author).cloned().unwrap_or_else(people::erased),
            text: said.remove(&handover.entry.0).unwrap_or_else(people::erased),
            at: handover.at,
            until: handover.until,
            may_end: asked.allowed,
        });
    }
    Ok(shown)
}

fn target(handover: &Handover) -> Target {
    let n = if handover.open { 1 } else { 2 };
    Target::Handover { id: handover.id, system: handover.system, author: handover.author, n }
}

/// Tells whether a note concerns the permit's roles; one about all systems concerns everybody who reads the queue.
fn reaches(permit: &Permit, system: Option<SystemId>) -> bool {
    system.is_none_or(|system| pauses::reaches(permit, system))
}

/// Tells whether any of the roles is held for a system; for all of them without one.
fn holds(permit: &Permit, system: Option<SystemId>, roles: &[Role]) -> bool {
    permit.authority.as_ref().is_some_and(|authority| roles.iter().any(|role| authority.holds(*role, system)))
}
