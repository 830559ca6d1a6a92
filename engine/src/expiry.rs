//! Deadlines: silence resolves as expired or goes to the senior approvers, and never approves. Also seals what was only counted.

use std::time::Duration;

use countersign_domain::{decision::State, ids::DecisionId, notice::Topic};

use crate::{
    Engine, access_reviews, audit_windows,
    authorize::{Action, Target},
    caller::Caller,
    changes, db,
    decisions::{self, Resolve},
    error::{Error, Result},
    grants, notices, presence, refusals, roles, sessions,
};

/// How often deadlines are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Decisions expired in one look.
const ROWS_MAX: i64 = 200;

/// Looks at deadlines until shutdown.
pub(crate) async fn run(engine: Engine) {
    let mut shutdown = engine.shutdown();
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = shutdown.changed() => return,
        }
        if let Err(error) = expire_due(&engine).await {
            tracing::warn!(%error, "Deadlines are looked at again");
        }
        if let Err(error) = decisions::settle_due(&engine, ROWS_MAX).await {
            tracing::warn!(%error, "Decisions whose reviews stand are looked at again");
        }
        if let Err(error) = decisions::ask_open(&engine, ROWS_MAX).await {
            tracing::warn!(%error, "Open decisions are asked again whether the new policy version wants more");
        }
        if let Err(error) = decisions::seat_open(&engine, ROWS_MAX).await {
            tracing::warn!(%error, "Free seats of open decisions are worked out again");
        }
        if let Err(error) = roles::end_run_out(&engine).await {
            tracing::warn!(%error, "Assignments that have run out are looked at again");
        }
        if let Err(error) = grants::expire_due(&engine, ROWS_MAX).await {
            tracing::warn!(%error, "Grants whose time is over are looked at again");
        }
        if let Err(error) = changes::lapse_run_out(&engine).await {
            tracing::warn!(%error, "Changes that nobody confirmed are looked at again");
        }
        if let Err(error) = sessions::seal_counted(&engine).await {
            tracing::warn!(%error, "Counted sign-in failures could not be sealed");
        }
        if let Err(error) = refusals::seal_counted(&engine).await {
            tracing::warn!(%error, "Counted refusals could not be sealed");
        }
        if let Err(error) = audit_windows::begin_due(&engine).await {
            tracing::warn!(%error, "Audit windows are looked at again");
        }
        if let Err(error) = presence::forget(&engine).await {
            tracing::warn!(%error, "Who has left a decision is forgotten later");
        }
        if let Err(error) = access_reviews::suspend_overdue(&engine).await {
            tracing::warn!(%error, "Access reviews are looked at again");
        }
        if let Err(error) = notices::remind::remind_due(&engine, ROWS_MAX).await {
            tracing::warn!(%error, "Decisions that wait are looked at again");
        }
    }
}

/// Expires every open decision whose time has run out; returns how many.
pub(crate) async fn expire_due(engine: &Engine) -> Result<usize> {
    let due = db::decisions::list_overdue(&mut *engine.app.acquire().await?, engine.now(), ROWS_MAX).await?;
    for id in &due {
        expire(engine, *id).await?;
    }
    Ok(due.len())
}

async fn expire(engine: &Engine, id: DecisionId) -> Result<()> {
    engine
        .act(&Caller::engine(), move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let target = Target::Decision { id, system: stored.system, n: stored.n };
            engine.authorize(&mut tx, &caller, Action::ResolveByDeadline, target).await?;
            let policy = db::policies::find(&mut tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
            let rules = decisions::rules(&mut tx, &stored, &policy).await?;
            let now = engine.now();
            if rules.is_handed_up(now) {
                decisions::hand_up(&mut tx, &engine, &caller, &mut stored, &policy, now, None).await?;
                if stored.state == State::ChangesRequested {
                    // No answer came: the senior approvers rule on what is there.
                    db::decisions::set_state(&mut tx, id, stored.n, State::Queued).await?;
                }
                return engine.commit(tx).await;
            }
            let Some(outcome) = rules.expire(now) else { return Ok(()) };
            let resolved = Resolve { n: stored.n + 1, outcome, reviews: Vec::new(), code: None, cause: None };
            let entry = decisions::resolve(&mut tx, &engine, &caller, &stored, resolved).await?;
            notices::outbox::leave_about(&mut tx, &engine, Topic::Overdue, id, &entry).await?;
            engine.commit(tx).await
        })
        .await
}
