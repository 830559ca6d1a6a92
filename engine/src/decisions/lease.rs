//! Who reviews a decision at this moment: seats that are taken, kept, given up and taken over.
//!
//! The decision's row is locked before seats are counted, so that no more people hold one than reviews are missing. A
//! claim runs while nothing has ended it, its time is not over by the engine's clock, and its sign-in and the role to
//! review go on: so the end of those ends it at once, without a job.

use countersign_domain::{
    Problem,
    decision::{State, Verdict},
    event::{Event, Object, Place},
    ids::{DecisionId, EntryId, LeaseId, PersonId, PresentationId},
    lease::{self, Holder, LEFT_MS, LeaseEnd, PLAIN_MS, ROLLING_MS},
    problem::Code,
    text::Reason,
    view::NoticeKind,
};
use sqlx::PgConnection;

use super::review;
use crate::{
    Engine, absences,
    authorize::{
        Action, Denial, Permit, Target,
        behalf::{self, Right},
    },
    caller::Caller,
    db::{self, decisions::Decision, leases::Lease},
    error::{Error, Result},
    notices, people, reads, seal,
};

/// Takes a seat to review a decision, for 15 minutes or for as long as the page gives signs of life.
///
/// Who holds one in the same sign-in keeps it; one in another sign-in ends.
///
/// # Errors
///
/// `invalid_transition` when others hold every seat; as [`super::review()`] for who could not rule anyway.
pub async fn start_review(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<()> {
    take(engine, caller, id, None).await.map(|_| ())
}

/// Takes a seat as [`start_review`] does; returns the claim.
pub(super) async fn seat(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<LeaseId> {
    take(engine, caller, id, None).await
}

/// Takes a seat from its holder, who learns by whom; the reason is sealed.
///
/// # Errors
///
/// As [`start_review`].
pub async fn take_over(engine: &Engine, caller: &Caller, id: DecisionId, lease: LeaseId, reason: Reason) -> Result<()> {
    take(engine, caller, id, Some((lease, reason))).await.map(|_| ())
}

async fn take(engine: &Engine, caller: &Caller, id: DecisionId, over: Option<(LeaseId, Reason)>) -> Result<LeaseId> {
    engine.has_room()?;
    let taken = engine
        .act(caller, move |engine, caller| {
            let over = over.clone();
            async move { record(engine, caller, id, over).await }
        })
        .await?;
    match taken {
        Taken::New(lease, entry) => {
            seal::wait(entry).await;
            Ok(lease)
        }
        Taken::Before(lease, permit, n) => {
            let object = Object { kind: "decision", id: id.0, place: Place::Read(n) };
            reads::record(engine, caller, *permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
            Ok(lease)
        }
    }
}

enum Taken {
    New(LeaseId, seal::Entry),
    /// They hold it already.
    Before(LeaseId, Box<Permit>, u64),
}

async fn record(engine: Engine, caller: Caller, id: DecisionId, over: Option<(LeaseId, Reason)>) -> Result<Taken> {
    let (person, session) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let rights = behalf::rights(&mut tx, &engine, &caller, target).await?;
    let policy = db::policies::find(&mut tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let now = engine.now();
    let rules = review::rules_now(&mut tx, &stored, &policy, now).await?;
    // The ruling that is taken longest, in whichever right it may be given.
    let admitted = |right: &Right| rules.admits((person, right.on_behalf()), Verdict::Reject, now);
    let right = rights.iter().find(|right| admitted(right).is_ok()).or(rights.first()).ok_or(Error::NotFound)?;
    let permit = right.permit.clone();
    let refuse = |problem| Denial::by_rule(permit.clone(), Action::ReviewDecision, target, problem);
    absences::admits(&mut tx, person, now).await?.map_err(&refuse)?;
    admitted(right).map_err(&refuse)?;
    let (mut held, run_out) = db::leases::list_open(&mut tx, id, now).await?;
    if let Some(own) = held.iter().find(|held| held.person == person) {
        if own.session == session {
            return Ok(Taken::Before(own.id, Box::new(permit), stored.n));
        }
        db::leases::end(&mut tx, own.id, LeaseEnd::Moved, now).await?;
        held.retain(|held| held.person != person);
    }
    if let Some((lease, reason)) = over
        && let Some(place) = held.iter().position(|held| held.id == lease)
    {
        let (cause, taken) = (LeaseEnd::TakenOver, held.remove(place));
        stored.n += 1;
        let reason = Some((reason.as_str().to_owned(), person));
        let event = Event::LeaseEnded { decision: id, n: stored.n, lease: taken.entry, cause, reason };
        let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
        db::leases::end_sealed(&mut tx, taken.id, cause, (person, stored.n, entry.at, entry.id)).await?;
        if taken.person != person {
            notices::tell_of_decision(&mut tx, &engine, taken.person, NoticeKind::TakenOver, person, id, &entry)
                .await?;
        }
    }
    if held.len() as u64 >= lease::seats(&rules.quorum, &rules.approvals) {
        return Err(refuse(Problem::new(Code::InvalidTransition, HELD)));
    }
    for (lease, _) in &run_out {
        db::leases::end(&mut tx, *lease, LeaseEnd::Lapsed, now).await?;
    }
    let lapsed: Vec<EntryId> = run_out.into_iter().map(|(_, entry)| entry).collect();
    stored.n += 1;
    let until = now + PLAIN_MS;
    let event = Event::Leased { decision: id, n: stored.n, until, lapsed: lapsed.clone() };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    let lease = LeaseId(engine.id());
    let new = db::leases::New {
        id: lease,
        decision: id,
        round: stored.round,
        person,
        session,
        n: stored.n,
        now: entry.at,
        until,
        lapsed: &lapsed,
        entry: entry.id,
    };
    db::leases::insert(&mut tx, &new).await?;
    db::decisions::set_n(&mut tx, id, stored.n).await?;
    engine.commit(tx).await?;

    Ok(Taken::New(lease, entry))
}

/// Gives a seat up.
///
/// # Errors
///
/// `lease_lost` when it is not held by this sign-in.
pub async fn release(engine: &Engine, caller: &Caller, id: DecisionId, lease: LeaseId) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let target = Target::Decision { id, system: stored.system, n: stored.n };
            let rights = behalf::rights(&mut tx, &engine, &caller, target).await?;
            let permit = rights.into_iter().next().ok_or(Error::NotFound)?.permit;
            let held = match check(&mut tx, &engine, &caller, (id, lease), engine.now()).await? {
                Ok(held) => held,
                Err(problem) => return Err(Denial::by_rule(permit, Action::ReviewDecision, target, problem)),
            };
            let (n, cause) = (stored.n + 1, LeaseEnd::Released);
            let event = Event::LeaseEnded { decision: id, n, lease: held.entry, cause, reason: None };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::leases::end_sealed(&mut tx, lease, cause, (person, n, entry.at, entry.id)).await?;
            db::decisions::set_n(&mut tx, id, n).await?;
            engine.commit(tx).await?;
            Ok(entry)
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Takes a sign of life of the page behind a claim: it and the page's form last five minutes from now on, or one minute
/// when the page is being left. Returns until when. It is not on record, because it says nothing but that time passed.
///
/// # Errors
///
/// `lease_lost` with why, when it does not run or is not of this sign-in.
pub async fn beat(
    engine: &Engine,
    caller: &Caller,
    (id, lease): (DecisionId, LeaseId),
    presentation: PresentationId,
    leaving: bool,
) -> Result<u64> {
    let (person, session) = caller.signed_in()?;
    let now = engine.now();
    let until = now + if leaving { LEFT_MS } else { ROLLING_MS };
    let mut conn = engine.app.acquire().await?;
    if let Some(until) = db::leases::beat(&mut conn, lease, (person, session), presentation, (now, until)).await? {
        return Ok(until);
    }
    match check(&mut conn, engine, caller, (id, lease), now).await? {
        // Its time was moved between the two looks.
        Ok(_) => Ok(until),
        Err(problem) => Err(Error::Refused(problem)),
    }
}

/// Tells whether a claim runs and is of this person and sign-in; else why not, for whoever held it.
pub(super) async fn check(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    (decision, lease): (DecisionId, LeaseId),
    now: u64,
) -> Result<std::result::Result<Lease, Problem>> {
    let (person, session) = caller.signed_in()?;
    let found = db::leases::find(conn, lease, now).await?;
    let own = |lease: &Lease| lease.decision == decision && lease.person == person && lease.session == session;
    let Some(found) = found.filter(own) else { return Ok(Err(lost(ELSEWHERE))) };
    if found.runs {
        return Ok(Ok(found));
    }
    let why = match (found.cause, found.ended_by) {
        (Some(LeaseEnd::TakenOver), Some(by)) => {
            let name = name_of(conn, engine, by).await?;
            return Ok(Err(lost(&format!("{name} took this review over."))));
        }
        (Some(LeaseEnd::Released), _) => "You gave this review up.",
        (Some(LeaseEnd::Reviewed), _) => "Your review is recorded, and your time for it ended with it.",
        (Some(LeaseEnd::Moved), _) => "You started this review from another sign-in.",
        (Some(LeaseEnd::Resolved), _) => "The decision was resolved.",
        (Some(LeaseEnd::Revised | LeaseEnd::Returned), _) => {
            "What you reviewed was changed, or is being changed by the AI system."
        }
        (Some(LeaseEnd::Rerouted), _) => "The decision went to other people, or asks for more of them.",
        (Some(LeaseEnd::Lapsed | LeaseEnd::TakenOver) | None, _) => "Your time for this review ran out.",
    };
    Ok(Err(lost(why)))
}

/// Says who reviews a decision, to who reads it.
pub(super) async fn holders(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    held: &[db::leases::Held],
) -> Result<Vec<Holder>> {
    let people: Vec<_> = held.iter().map(|held| held.person).collect();
    let names = people::names(conn, engine, &people).await?;
    let own = |held: &db::leases::Held| caller.signed_in().is_ok_and(|own| own == (held.person, held.session));
    Ok(held
        .iter()
        .map(|held| Holder {
            lease: held.id,
            person: names.get(&held.person).cloned().unwrap_or_else(people::erased),
            until: held.until,
            own: own(held),
        })
        .collect())
}

/// Where a decision stands for who reads it: somebody who reviews it has begun, before a first review is in.
pub(super) async fn state(conn: &mut PgConnection, engine: &Engine, stored: &Decision) -> Result<State> {
    let held = stored.state == State::Queued && db::leases::is_held(conn, stored.id, engine.now()).await?;
    Ok(stored.state.while_held(held))
}

async fn name_of(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<String> {
    let mut names = people::names(conn, engine, &[person]).await?;
    Ok(names.remove(&person).unwrap_or_else(people::erased))
}

fn lost(why: &str) -> Problem {
    Problem::new(Code::LeaseLost, format!("{why} Start the review again to rule. Your text is kept below."))
}

const ELSEWHERE: &str = "This form belongs to another review, person or sign-in.";
const HELD: &str =
    "Others review this now, as many as reviews are missing. Wait until one of them is done, or take the review over.";
