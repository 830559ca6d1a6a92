//! Who sees which sign-ins run.

use std::collections::HashMap;

use countersign_domain::{
    event::{Event, List},
    ids::{EntryId, SessionId},
    view::{MemberSession, SessionRow, SessionsView},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::IDLE_MS;
use crate::{
    Engine,
    authorize::{Action, Permit},
    caller::Caller,
    clock::milliseconds,
    db,
    error::Result,
    people, reads,
};

/// Lists the sign-ins that run, newest first.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<SessionsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListSessions, engine.installation()).await?;
        let running = db::sessions::list_all_running(&mut tx, engine.now().saturating_sub(IDLE_MS)).await?;
        let holders: Vec<_> = running.iter().map(|session| session.person).collect();
        let names = people::names(&mut tx, engine, &holders).await?;
        let current = caller.signed_in()?.1;
        let rows = rows(&mut tx, engine, &running, current).await?;
        tx.commit().await?;
        Ok((permit, running, names, rows))
    };
    let (permit, running, names, rows) = engine.noted(caller, found.await).await?;
    record_list(engine, caller, permit, rows.len()).await?;
    let sessions = running.iter().zip(rows).map(|(running, session)| MemberSession {
        person: running.person,
        name: names.get(&running.person).cloned().unwrap_or_else(people::erased),
        session,
    });

    Ok(SessionsView { sessions: sessions.collect(), now: engine.now() })
}

/// Writes running sign-ins as rows, with what the vault holds about browser and address.
pub(crate) async fn rows(
    conn: &mut PgConnection,
    engine: &Engine,
    running: &[db::sessions::Running],
    current: SessionId,
) -> Result<Vec<SessionRow>> {
    let entries: Vec<_> = running.iter().map(|session| session.entry.0).collect();
    let mut details = HashMap::new();
    for stored in db::vault::list(conn, &entries).await? {
        let text = engine.vault.open(&stored)?.unwrap_or_else(people::erased);
        details.insert((stored.entry_id, stored.field.clone()), text);
    }
    let mut detail =
        |entry: Uuid, field: &str| details.remove(&(entry, field.to_owned())).unwrap_or_else(people::erased);
    Ok(running
        .iter()
        .map(|session| SessionRow {
            id: session.id,
            method: session.method,
            started_at: milliseconds(session.started_at),
            last_seen_at: milliseconds(session.last_seen_at),
            agent: detail(session.entry.0, "agent"),
            ip: detail(session.entry.0, "ip"),
            current: session.id == current,
        })
        .collect())
}

/// Seals the caller's look at their own sign-ins.
pub(crate) async fn record_list(engine: &Engine, caller: &Caller, permit: Permit, count: usize) -> Result<EntryId> {
    let event = Event::AccessListed { list: List::Sessions, count: count as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await
}
