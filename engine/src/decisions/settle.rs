//! What people decided becomes final: at once, or when no review may be taken back any more.
//!
//! Until then the agent learns nothing, a reviewer may take a review back, and whoever lost the right to give one does
//! not count (R12).

use countersign_domain::{
    decision::{ResolutionOutcome, ReviewState, Settling, State, Verdict},
    event::{Event, VoidCause},
    ids::{DecisionId, EntryId},
    policy::{PolicyVersion, RetractWindows},
    problem::{Code, Problem},
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{
    review::{Resolve, Reviewed, resolve, rules},
    routing,
};
use crate::{
    Engine,
    authorize::{self, Action, Denial, Target, behalf},
    caller::Caller,
    db::{self, decisions::Decision, reviews::Review},
    error::{Error, Result},
    seal,
};

/// Where a decision stands after people decided, and the last entry that says so.
pub(super) type Decided = (State, Option<ResolutionOutcome>, seal::Entry);

/// Keeps what people decided about a locked decision: as its resolution, or for as long as a review may be taken back.
pub(super) async fn decide(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Decision,
    outcome: ResolutionOutcome,
    policy: &PolicyVersion,
) -> Result<Decided> {
    let reviews = counted(tx, stored, outcome).await?;
    let window = window(policy, stored, engine.config().retract_windows);
    if window == 0 {
        // What waited for other reviews may have lost its author's right meanwhile.
        let mut left = stored.clone();
        if let Some(entry) = void_lost(tx, engine, caller, &mut left, &reviews, policy).await? {
            return Box::pin(reopen(tx, engine, caller, &left, policy, entry)).await;
        }
    }
    let code = reviews.iter().rev().find_map(|review| review.code);
    let entries: Vec<_> = reviews.iter().map(|review| review.entry).collect();
    if window == 0 {
        let resolved = Resolve { n: stored.n + 1, outcome, reviews: entries, code, cause: None };
        let entry = resolve(tx, engine, caller, stored, resolved).await?;
        return Ok((State::Resolved, Some(outcome), entry));
    }
    let settling = Settling { outcome, until: engine.now() + window * 1_000 };
    let permit = authorize::unevaluated(authorize::engine_actor());
    let event = Event::QuorumMet {
        decision: stored.id,
        n: stored.n + 1,
        outcome,
        content: stored.content_hash,
        policy: stored.policy_version,
        round: stored.round,
        reviews: entries,
        until: settling.until,
    };
    let entry = seal::append(tx, engine, caller, &permit, &event).await?;
    db::decisions::insert_quorum_met(tx, stored.id, stored.round, settling, reviews.len(), entry.id).await?;
    match db::decisions::set_settling(tx, stored.id, stored.n + 1, settling).await? {
        true => Ok((State::Settling, None, entry)),
        false => Err(Error::Row { table: "decisions", column: "state", id: stored.id.to_string() }),
    }
}

/// Takes a review back, by its author and until the resolution is written.
///
/// # Errors
///
/// `invalid_transition` once it is resolved, `not_found` for a review that does not stand; each goes on record.
pub async fn retract(engine: &Engine, caller: &Caller, id: DecisionId, review: EntryId) -> Result<Reviewed> {
    engine.has_room()?;
    let (state, entry) = engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let (person, _) = caller.signed_in()?;
            let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let target = Target::Decision { id, system: stored.system, n: stored.n };
            let reviews = db::reviews::list(&mut tx, id).await?;
            // By the right that it was given by.
            let own = reviews.iter().find(|given| given.entry == review && given.person == person);
            let on_behalf = own.and_then(|given| given.on_behalf).map(|(delegator, _)| delegator);
            let permit = behalf::authorize_review(&mut tx, &engine, &caller, target, on_behalf).await?.permit;
            let refuse = |problem| Denial::by_rule(permit.clone(), Action::ReviewDecision, target, problem);
            let policy = db::policies::find(&mut tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
            let given = reviews.iter().find(|given| given.entry == review).ok_or_else(|| refuse(not_there()))?;
            let rules = rules(&mut tx, &stored, &policy).await?;
            rules.retract(given.person, given.verdict, person).map_err(&refuse)?;
            if !stands(given, &stored) {
                return Err(refuse(not_there()));
            }
            stored.n += 1;
            let event = Event::ReviewRetracted { decision: id, n: stored.n, review, round: given.round };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::reviews::end(&mut tx, review, ReviewState::Retracted, entry.at, entry.id).await?;
            let (state, entry) = match stored.settling {
                // What did not make it leaves what people decided as it is, and its time too.
                Some(settling) if !makes(given.verdict, settling.outcome) => {
                    db::decisions::set_settling(&mut tx, id, stored.n, settling).await?;
                    (State::Settling, entry)
                }
                // The agent still has it to change.
                None if stored.state == State::ChangesRequested && given.verdict != Verdict::RequestChanges => {
                    db::decisions::set_state(&mut tx, id, stored.n, stored.state).await?;
                    (stored.state, entry)
                }
                _ => {
                    let (state, _, entry) = reopen(&mut tx, &engine, &caller, &stored, &policy, entry).await?;
                    (state, entry)
                }
            };
            engine.commit(tx).await?;
            Ok((state, entry))
        })
        .await?;
    let seal = seal::wait(entry).await;

    Ok(Reviewed { state, resolution: None, seal })
}

/// Resolves what may no longer be taken back; returns how many.
pub(crate) async fn settle_due(engine: &Engine, limit: i64) -> Result<usize> {
    let due = db::decisions::list_settled(&mut *engine.app.acquire().await?, engine.now(), limit).await?;
    for id in &due {
        let id = *id;
        engine
            .act(&Caller::engine(), move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                settle(&mut tx, &engine, &caller, &mut stored).await?;
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(due.len())
}

/// Resolves a locked decision whose time to take a review back is over, by the reviews whose authors may still give them.
async fn settle(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &mut Decision,
) -> Result<()> {
    let now = engine.now();
    let Some(settling) = stored.settling.filter(|settling| settling.until <= now) else { return Ok(()) };
    let policy = db::policies::find(tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let reviews = counted(tx, stored, settling.outcome).await?;
    if let Some(entry) = void_lost(tx, engine, caller, stored, &reviews, &policy).await? {
        reopen(tx, engine, caller, stored, &policy, entry).await?;
        return Ok(());
    }
    let resolved = Resolve {
        n: stored.n + 1,
        outcome: settling.outcome,
        code: reviews.iter().rev().find_map(|review| review.code),
        reviews: reviews.iter().map(|review| review.entry).collect(),
        cause: None,
    };
    resolve(tx, engine, caller, stored, resolved).await?;
    Ok(())
}

/// Makes those of the reviews void whose authors could not give them now; returns the last such entry.
async fn void_lost(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &mut Decision,
    reviews: &[Review],
    policy: &PolicyVersion,
) -> Result<Option<seal::Entry>> {
    let permit = authorize::unevaluated(authorize::engine_actor());
    let has_senior_seats = routing::quorum(stored, policy).need_senior() > 0;
    let mut last = None;
    for review in reviews {
        if still_gives(tx, engine, stored, review, has_senior_seats).await? {
            continue;
        }
        stored.n += 1;
        let event =
            Event::ReviewVoided { decision: stored.id, n: stored.n, review: review.entry, cause: VoidCause::Authority };
        let entry = seal::append(tx, engine, caller, &permit, &event).await?;
        db::reviews::end(tx, review.entry, ReviewState::Void, entry.at, entry.id).await?;
        last = Some(entry);
    }
    Ok(last)
}

/// Tells whether the author of a review could give it now: as a senior approver where a seat takes one.
async fn still_gives(
    conn: &mut PgConnection,
    engine: &Engine,
    stored: &Decision,
    review: &Review,
    has_senior_seats: bool,
) -> Result<bool> {
    let target = Target::Decision { id: stored.id, system: stored.system, n: stored.n };
    let who = (review.person, review.on_behalf.map(|(delegator, _)| delegator));
    let (allowed, is_senior) = behalf::could_review(conn, engine, who, target).await?;
    let senior = has_senior_seats && review.senior && approves(review.verdict);
    Ok(allowed && (!senior || is_senior))
}

/// Says where a decision stands once a review stands no more. What is left may decide by itself: approvals that somebody
/// had rejected, or more of them than it takes; then it settles anew.
async fn reopen(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Decision,
    policy: &PolicyVersion,
    entry: seal::Entry,
) -> Result<Decided> {
    let left = rules(tx, stored, policy).await?;
    if let Some(outcome) = left.decided() {
        return decide(tx, engine, caller, stored, outcome, policy).await;
    }
    let state = if left.approvals.is_empty() && left.rejections == 0 { State::Queued } else { State::InReview };
    db::decisions::set_state(tx, stored.id, stored.n, state).await?;
    routing::keep_free_seat(tx, engine, stored, policy).await?;
    Ok((state, None, entry))
}

/// The reviews that make this outcome: the approvals, or the rejections.
pub(super) async fn counted(
    conn: &mut PgConnection,
    stored: &Decision,
    outcome: ResolutionOutcome,
) -> Result<Vec<Review>> {
    let reviews = db::reviews::list(conn, stored.id).await?;
    Ok(reviews.into_iter().filter(|review| stands(review, stored) && makes(review.verdict, outcome)).collect())
}

/// Tells whether a review with this verdict is among those that make an outcome.
fn makes(verdict: Verdict, outcome: ResolutionOutcome) -> bool {
    match outcome {
        ResolutionOutcome::Approved => approves(verdict),
        _ => verdict == Verdict::Reject,
    }
}

/// Tells whether a review counts in the running round. One that approved with edits opened it, and is void unless it
/// counts there.
pub(super) fn stands(review: &Review, stored: &Decision) -> bool {
    let opened = review.verdict == Verdict::ApproveWithEdits && review.round + 1 == stored.round;
    review.state == ReviewState::Submitted && (review.round == stored.round || opened)
}

/// Tells whether a review that stands is an approval.
pub(super) const fn approves(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Approve | Verdict::ApproveWithEdits)
}

fn window(policy: &PolicyVersion, stored: &Decision, windows: RetractWindows) -> u64 {
    let row = policy.body.row(stored.rule).unwrap_or(&policy.body.default);
    row.retract_seconds(stored.risk, windows)
}

fn not_there() -> Problem {
    Problem::new(
        Code::InvalidTransition,
        "This review does not stand any more, so there is nothing to take back. Show the decision as it is now.",
    )
}
