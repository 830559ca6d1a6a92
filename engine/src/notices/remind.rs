//! Reminders: at each share of a decision's time, and daily once it waits past its deadline. The times are those of the
//! stored rows, so a restart forgets none; what was missed meanwhile is told once.
//!
//! Reminders begin with the first channel: without one they would reach nobody, and the log would say otherwise.

use std::collections::HashMap;

use countersign_domain::{
    event::Event,
    ids::{DecisionId, PersonId},
    notice::{self, INVITE_SHARE, PAST_EVERY_MS, PAST_SHARE, SHARES, Topic},
};
use sqlx::PgConnection;

use super::outbox;
use crate::{
    Engine, authorize,
    caller::Caller,
    db::{self, reminders::New},
    error::{Error, Result},
    notices, seal,
};

/// How far back it counts how often somebody was asked as second approver, in milliseconds.
const INVITED_MS: u64 = 30 * 24 * 3_600_000;

/// Reminds people of every decision whose time has come; returns how many.
pub(crate) async fn remind_due(engine: &Engine, limit: i64) -> Result<usize> {
    let mut conn = engine.app.acquire().await?;
    if !db::channels::any_running(&mut conn).await? {
        return Ok(0);
    }
    let due = db::reminders::list_waiting(&mut conn, engine.now(), SHARES[0], None, limit).await?;
    drop(conn);
    for waiting in &due {
        let id = waiting.decision;
        engine.act(&Caller::engine(), move |engine, caller| async move { remind(&engine, &caller, id).await }).await?;
    }
    Ok(due.len())
}

async fn remind(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<()> {
    let mut tx = engine.begin().await?;
    let stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let now = engine.now();
    // Asked again under the lock: somebody may have ruled, or reminded, meanwhile.
    let Some(waiting) = db::reminders::list_waiting(&mut tx, now, SHARES[0], Some(id), 1).await?.pop() else {
        return Ok(());
    };
    let past = waiting.due <= now;
    let share = match past {
        true => {
            let first = waiting.told_share.is_none_or(|told| told < PAST_SHARE);
            (first || notice::may_remind(waiting.told_at, now, PAST_EVERY_MS)).then_some(PAST_SHARE)
        }
        false => notice::share_due(waiting.begun, waiting.due, now, waiting.told_share),
    };
    let Some(share) = share else { return Ok(()) };
    let invited = match !past && share >= INVITE_SHARE && waiting.told_share.is_none() {
        true => second(&mut tx, engine, id).await?,
        false => None,
    };
    let n = stored.n + 1;
    let event = Event::Reminded { decision: id, n, share, due: waiting.due, invited };
    let permit = authorize::unevaluated(authorize::engine_actor());
    let entry = seal::append(&mut tx, engine, caller, &permit, &event).await?;
    let new = New { decision: id, n, share, due: waiting.due, invited, at: entry.at, entry: entry.id };
    db::reminders::insert(&mut tx, &new).await?;
    db::decisions::set_n(&mut tx, id, n).await?;
    let topic = if past { Topic::Overdue } else { Topic::Reminder };
    outbox::leave_about(&mut tx, engine, topic, id, &entry).await?;
    if let Some(person) = invited {
        notices::invite(&mut tx, engine, person, id, &entry).await?;
    }
    engine.commit(tx).await
}

/// Chooses the second approver who is asked to review.
async fn second(conn: &mut PgConnection, engine: &Engine, id: DecisionId) -> Result<Option<PersonId>> {
    let now = engine.now();
    let turns = outbox::turns(conn, engine, id).await?;
    let turns = db::outbox::enabled(conn, &turns).await?;
    let held = db::leases::list_held(conn, id, now).await?;
    let given = db::reviews::list(conn, id).await?;
    let reviewing: Vec<_> =
        held.iter().map(|held| held.person).chain(given.iter().map(|review| review.person)).collect();
    let counts: HashMap<_, _> =
        db::reminders::count_invited(conn, now.saturating_sub(INVITED_MS)).await?.into_iter().collect();
    Ok(notice::invite(&turns, &reviewing, |person| counts.get(&person).copied().unwrap_or(0)))
}
