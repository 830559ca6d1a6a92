//! What the form of a page of several decisions does: one review for each, in a transaction of its own, by the use case that
//! a single form uses.
//!
//! That the form was sent is on record before the first review. From then on the run goes to its end whoever hangs up, and
//! a refusal of one decision leaves the others alone. What was reviewed is read from the reviews, so that a run that ends
//! before its time says of none that it was reviewed or not when it is otherwise.

use std::time::Duration;

use countersign_domain::{
    Problem,
    bulk::{BulkRunView, ItemResult, RunRow, RunState, VERDICTS},
    decision::{ReasonCode, Verdict},
    event::{Event, Object, Place},
    ids::{BulkRunId, DecisionId, EntryId, LeaseId, PersonId},
    problem::{Code, FieldError},
    text::Reason,
};
use countersign_ledger::statement::Seen;
use sqlx::PgConnection;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::super::{
    lease,
    review::{self, KEPT, ReviewRequest},
    seal_at, title,
};
use crate::{
    Engine,
    authorize::{Action, Denial, Permit},
    caller::Caller,
    db::{
        self,
        bulk::{Refused, Shown},
    },
    error::{Error, Result},
    people, reads, seal,
};

/// How long the answer to the form waits for the run: a short one is over when its page is read.
const PATIENCE: Duration = Duration::from_millis(700);
/// A run without a result for so many milliseconds has stopped.
const STOPPED_MS: u64 = 60_000;

/// The form of a page of several decisions.
#[derive(Clone, Debug)]
pub struct BulkRequest {
    /// The page; used up by this.
    pub bulk: BulkRunId,
    /// The ruling on each: approve or reject.
    pub verdict: Verdict,
    /// The reason in one word.
    pub code: ReasonCode,
    /// The reason in full.
    pub reason: Reason,
}

/// Begins to review everything that a page of several decisions showed.
///
/// What becomes of each decision is read with [`bulk_run`]; a form that is sent again begins nothing.
///
/// # Errors
///
/// `invalid_content` while what is unlike the rest was not opened, or for another ruling; `stale` for a form that is too old
/// or of another page or sign-in. [`Error::Forbidden`] for anybody who does not review.
pub async fn review_in_bulk(engine: &Engine, caller: &Caller, request: BulkRequest) -> Result<()> {
    engine.has_room()?;
    review::said(request.code, request.verdict)?;
    let id = request.bulk;
    let begun = engine
        .act(caller, move |engine, caller| {
            let request = request.clone();
            async move { begin(engine, caller, request).await }
        })
        .await?;
    match begun {
        Begun::New(entry, run) => {
            // What takes longer goes on by itself.
            let _ = tokio::time::timeout(PATIENCE, run).await;
            seal::wait(entry).await;
        }
        Begun::Before(permit) => {
            let object = Object { kind: "bulk", id: id.0, place: Place::Read(1) };
            reads::record(engine, caller, *permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
        }
    }

    Ok(())
}

enum Begun {
    /// It is on record, and the run goes on in a task of its own.
    New(seal::Entry, JoinHandle<()>),
    /// The form was sent before.
    Before(Box<Permit>),
}

async fn begin(engine: Engine, caller: Caller, request: BulkRequest) -> Result<Begun> {
    let BulkRequest { bulk, verdict, code, .. } = &request;
    let (bulk, verdict, code) = (*bulk, *verdict, *code);
    let (person, session) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let target = engine.installation();
    let permit = engine.authorize(&mut tx, &caller, Action::ReviewInBulk, target).await?;
    let refuse = |problem| Denial::by_rule(permit.clone(), Action::ReviewInBulk, target, problem);
    let shown = db::bulk::lock_shown(&mut tx, bulk, (person, session)).await?;
    if let Some(run) = db::bulk::find(&mut tx, bulk).await? {
        return match run.person == person && (run.verdict, run.code) == (verdict, code) {
            true => Ok(Begun::Before(Box::new(permit))),
            false => Err(refuse(stale("This form was sent before, with another ruling or by somebody else."))),
        };
    }
    let Some(first) = shown.first() else {
        return Err(refuse(stale("This form belongs to another page or sign-in.")));
    };
    if !VERDICTS.contains(&verdict) {
        let errors = vec![FieldError::new("/verdict", "unknown_value", "Approve or reject.")];
        return Err(refuse(Problem::fields(Code::InvalidContent, ONE_OF_TWO, errors)));
    }
    let now = engine.now();
    if shown.iter().any(|shown| now >= shown.expires_at) {
        return Err(refuse(stale("This page has been open for too long.")));
    }
    let unopened = shown.iter().filter(|shown| shown.unopened).count();
    if unopened > 0 {
        let detail = format!("Open what is unlike the others first; {unopened} of them were not opened.");
        let errors = vec![FieldError::new("/marked", "unopened", "Open each of the marked decisions.")];
        return Err(refuse(Problem::fields(Code::InvalidContent, detail, errors)));
    }
    let body = db::statements::find(&mut tx, &first.seen).await?.ok_or(Error::NotFound)?;
    let seen = Seen::parse(&body)?;
    let unreadable = |_| Error::Row { table: "statements", column: "body", id: bulk.to_string() };
    let policy = seen.policy.parse().map_err(unreadable)?;
    let event = Event::BulkStarted { bulk, count: shown.len() as u64, verdict, code, policy };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    let new = db::bulk::New {
        id: bulk,
        person,
        session,
        verdict,
        code,
        policy,
        shown: &shown,
        now: entry.at,
        entry: entry.id,
    };
    db::bulk::insert(&mut tx, &new).await?;
    engine.commit(tx).await?;
    let run = tokio::spawn(run(engine, caller.again(), request, shown));

    Ok(Begun::New(entry, run))
}

/// Reviews one decision after the other.
async fn run(engine: Engine, caller: Caller, request: BulkRequest, shown: Vec<Shown>) {
    for shown in &shown {
        let Err(error) = one(&engine, &caller, &request, shown).await else { continue };
        if let Err(error) = keep(&engine, &caller, request.bulk, shown, error).await {
            tracing::error!(%error, bulk.id = %request.bulk, "Why one of several decisions was not reviewed could not be kept");
        }
    }
    let finished = async {
        let mut tx = engine.begin().await?;
        db::bulk::set_finished(&mut tx, request.bulk, engine.now()).await?;
        engine.commit(tx).await
    };
    if let Err(error) = finished.await {
        tracing::error!(%error, bulk.id = %request.bulk, "That an act on several decisions is finished could not be kept");
    }
}

async fn one(engine: &Engine, caller: &Caller, request: &BulkRequest, shown: &Shown) -> Result<()> {
    let decision = shown.decision;
    let lease = lease::seat(engine, &caller.again(), decision).await?;
    let asked = ReviewRequest {
        code: Some(request.code),
        reason: Some(request.reason.clone()),
        on_behalf: shown.on_behalf,
        ..ReviewRequest::new(decision, shown.presentation, lease, request.verdict)
    };
    let reviewed = review::review(engine, &caller.again(), asked).await;
    if reviewed.is_err() {
        give_back(engine, caller, decision, lease).await;
    }
    reviewed.map(|_| ())
}

/// Gives a seat back that no review came of, so that others need not wait until its time is over.
async fn give_back(engine: &Engine, caller: &Caller, decision: DecisionId, lease: LeaseId) {
    let held = async {
        let mut conn = engine.app.acquire().await?;
        Ok::<_, Error>(db::leases::find(&mut conn, lease, engine.now()).await?.is_some_and(|lease| lease.runs))
    };
    if held.await.is_ok_and(|held| held)
        && let Err(error) = lease::release(engine, &caller.again(), decision, lease).await
    {
        // Its time ends it all the same.
        tracing::warn!(%error, decision.id = %decision, "A seat was not given back");
    }
}

/// Keeps why a decision was not reviewed.
async fn keep(engine: &Engine, caller: &Caller, bulk: BulkRunId, shown: &Shown, error: Error) -> Result<()> {
    let problem = Problem::from(error);
    let (result, code) = (result_of(problem.code), problem.code);
    let mut tx = engine.begin().await?;
    let by = match (result, caller.person()) {
        (ItemResult::Conflict, Some(person)) => other(&mut tx, engine, shown.decision, person).await?,
        _ => None,
    };
    let refused = Refused { result, code, detail: told(problem), by };
    db::bulk::set_refused(&mut tx, bulk, shown.presentation, &refused, engine.now()).await?;
    engine.commit(tx).await
}

const fn result_of(code: Code) -> ItemResult {
    match code {
        Code::Stale
        | Code::LeaseLost
        | Code::AlreadyResolved
        | Code::AlreadyReviewed
        | Code::InvalidTransition
        | Code::SystemPaused => ItemResult::Conflict,
        Code::Forbidden
        | Code::FourEyes
        | Code::NotFound
        | Code::SignatureRequired
        | Code::SignatureRefused
        | Code::StepUpRequired
        | Code::Unauthenticated => ItemResult::NotAllowed,
        _ => ItemResult::NotDone,
    }
}

/// What happened, without what the page of one decision would do about it, and without names: they stand in the vault.
fn told(problem: Problem) -> String {
    let what = match problem.code {
        Code::LeaseLost => {
            "Somebody took the review over, or your sign-in ended, while it was being recorded.".to_owned()
        }
        _ => problem.detail.replace(KEPT, ""),
    };
    match (result_of(problem.code), what.find(". ")) {
        // What follows says how to go on from the decision's own page.
        (ItemResult::Conflict, Some(end)) => what[..=end].to_owned(),
        _ => what,
    }
}

/// Who holds the review of a decision, or else ruled on it last, other than this person.
async fn other(
    conn: &mut PgConnection,
    engine: &Engine,
    decision: DecisionId,
    person: PersonId,
) -> Result<Option<PersonId>> {
    let held = db::leases::list_held(conn, decision, engine.now()).await?;
    if let Some(held) = held.iter().find(|held| held.person != person) {
        return Ok(Some(held.person));
    }
    let reviews = db::reviews::list(conn, decision).await?;
    Ok(reviews.iter().rev().map(|review| review.person).find(|reviewer| *reviewer != person))
}

/// Shows what became of each decision of a run, to who sent it.
///
/// # Errors
///
/// [`Error::NotFound`] for another person's run, as if it did not exist; [`Error::Forbidden`] for anybody without a role
/// that reads decisions.
pub async fn bulk_run(engine: &Engine, caller: &Caller, id: BulkRunId) -> Result<BulkRunView> {
    let (permit, mut view) = engine.noted(caller, read(engine, caller, id).await).await?;
    let object = Object { kind: "bulk", id: id.0, place: Place::Read(1) };
    view.recorded =
        reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;

    Ok(view)
}

async fn read(engine: &Engine, caller: &Caller, id: BulkRunId) -> Result<(Permit, BulkRunView)> {
    let (person, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ListQueue, engine.installation()).await?;
    let run = db::bulk::find(&mut tx, id).await?.filter(|run| run.person == person).ok_or(Error::NotFound)?;
    let items = db::bulk::list(&mut tx, id).await?;
    let now = engine.now();
    let ids: Vec<_> = items.iter().map(|item| item.decision).collect();
    let readable = db::decisions::readable(&mut tx, db::decisions::Reader { person, now }, &ids).await?;
    let titles = title::titles(&mut tx, engine, &readable).await?;
    let others: Vec<_> = items.iter().filter_map(|item| item.refused.as_ref()?.by).collect();
    let names = people::names(&mut tx, engine, &others).await?;
    tx.commit().await?;

    let ends = items.iter().filter_map(|item| item.ended_at.or(item.reviewed.map(|(at, _)| at)));
    let latest = ends.max().unwrap_or(run.started_at).max(run.started_at);
    let state = match run.finished {
        true => RunState::Finished,
        false if now.saturating_sub(latest) > STOPPED_MS => RunState::Stopped,
        false => RunState::Running,
    };
    let rows = items
        .into_iter()
        .map(|item| {
            let (result, why) = match (&item.reviewed, item.refused) {
                (Some(_), _) => (ItemResult::Applied, None),
                (None, Some(refused)) => {
                    let by = refused.by.map(|by| names.get(&by).cloned().unwrap_or_else(people::erased));
                    (refused.result, Some(why(refused.code, refused.detail, by)))
                }
                (None, None) if state == RunState::Running => (ItemResult::Waiting, None),
                (None, None) => (ItemResult::NotDone, Some(ENDED.to_owned())),
            };
            let index = item.reviewed.map(|(_, index)| index);
            let seal = index.map(|index| seal_at(engine, index));
            RunRow { id: item.decision, title: titles.get(&item.decision).cloned(), result, why, seal }
        })
        .collect();
    let recorded = EntryId(Uuid::nil());
    let (verdict, code, started_at) = (run.verdict, run.code, run.started_at);

    Ok((permit, BulkRunView { id, verdict, code, started_at, state, rows, recorded, now }))
}

fn why(code: Code, detail: String, by: Option<String>) -> String {
    match (code, by) {
        (Code::InvalidTransition, Some(by)) => format!("{detail} {by} has it."),
        (_, Some(by)) => format!("{detail} {by} ruled on it or has it."),
        (_, None) => detail,
    }
}

fn stale(what: &str) -> Problem {
    Problem::new(Code::Stale, format!("{what} Look at the decisions as they are below, then send it again."))
}

const ONE_OF_TWO: &str = "Several decisions are approved or rejected at once; everything else is said to one.";
const ENDED: &str = "The server stopped before its turn came. Nothing of yours was recorded for it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_without_what_a_single_page_would_do() {
        let stale = Problem::new(
            Code::Stale,
            format!("The proposal changed after you opened it. Read the changed fields, then decide again.{KEPT}"),
        );
        assert_eq!(told(stale), "The proposal changed after you opened it.");

        let named = Problem::new(Code::LeaseLost, "Ada took this review over. Start the review again to rule.");
        assert!(!told(named).contains("Ada"));

        let refused = Problem::new(Code::Forbidden, "It takes a senior approver. You may reject.");
        assert_eq!(told(refused), "It takes a senior approver. You may reject.");
    }

    #[test]
    fn a_fault_of_the_server_is_neither_a_conflict_nor_a_refusal() {
        assert_eq!(result_of(Code::AlreadyResolved), ItemResult::Conflict);
        assert_eq!(result_of(Code::FourEyes), ItemResult::NotAllowed);
        for code in [Code::CannotSeal, Code::Unavailable, Code::Internal, Code::OutcomeUnknown, Code::DiskLow] {
            assert_eq!(result_of(code), ItemResult::NotDone);
        }
    }
}
