//! A senior approver takes an approval back. Before the action ran, that stops it: from the commit on every answer of
//! every instance says so, because nothing is cached and nothing of it waits for a seal. Afterwards it marks the
//! decision, and somebody has to make good what the action did.

use countersign_domain::{
    Problem,
    decision::{ReasonCode, ResolutionOutcome},
    event::Event,
    ids::{DecisionId, EntryId, PersonId},
    overrides::PostReviewKind,
    problem::Code,
    revocation::{self, Compensation, CompensationSection, Revocation, Said, leaves_effect},
    text::Reason,
    view::NoticeKind,
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{comments, seal_at};
use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    notices, people, post_reviews, seal,
};

/// Takes an approval back. It binds at commit and waits for no second person and no seal.
///
/// # Errors
///
/// `invalid_transition` for what was never approved or is revoked already; [`Error::Forbidden`] for anybody but a senior
/// approver of the decision's system and type.
pub async fn revoke(
    engine: &Engine,
    caller: &Caller,
    id: DecisionId,
    code: ReasonCode,
    reason: Reason,
) -> Result<Option<Compensation>> {
    let (compensation, entry) = engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let mut tx = engine.begin().await?;
                let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                let target = Target::Decision { id, system: stored.system, n: stored.n };
                let permit = engine.authorize(&mut tx, &caller, Action::RevokeDecision, target).await?;
                let resolution = db::resolutions::find(&mut tx, id).await?;
                let standing = resolution.as_ref().map(db::resolutions::Resolution::standing);
                revocation::revoke(standing)
                    .map_err(|problem| Denial::by_rule(permit.clone(), Action::RevokeDecision, target, problem))?;
                let (approval, _) = resolution.ok_or(Error::NotFound)?.said();
                let done =
                    take_back(&mut tx, &engine, &caller, &permit, (&mut stored, approval), (code, &reason)).await?;
                engine.commit(tx).await?;
                Ok(done)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(compensation)
}

/// Takes back the approval of a locked decision, which an entry gave.
async fn take_back(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    (stored, approval): (&mut db::decisions::Decision, EntryId),
    (code, reason): (ReasonCode, &Reason),
) -> Result<(Option<Compensation>, seal::Entry)> {
    let (by, _) = caller.signed_in()?;
    let authority = permit.authority.as_ref().ok_or(Error::NotFound)?;
    let id = stored.id;
    stored.n += 1;
    let event = Event::Revoked {
        decision: id,
        n: stored.n,
        resolution: approval,
        code,
        reason: reason.as_str().to_owned(),
        by,
        authority: (authority.n, authority.set()),
    };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    stored.n += 1;
    let event = Event::Resolved {
        decision: id,
        n: stored.n,
        outcome: ResolutionOutcome::Revoked,
        content: stored.content_hash,
        policy: stored.policy_version,
        rule: stored.rule,
        round: stored.round,
        reviews: Vec::new(),
    };
    let resolved = seal::append(tx, engine, caller, &authorize::unevaluated(authorize::engine_actor()), &event).await?;
    let reports = db::outcomes::list(tx, id).await?;
    let left = leaves_effect(reports.iter().map(|report| (report.result, report.effect)));
    let compensation = left.then_some(Compensation::Open);
    let new = db::revocations::New {
        decision: id,
        by,
        code,
        now: entry.at,
        entry: entry.id,
        resolved: resolved.id,
        compensation,
    };
    db::revocations::insert(tx, &new).await?;
    db::decisions::set_state(tx, id, stored.n, stored.state).await?;
    if left {
        tell(tx, engine, id, by, Some(by), &entry).await?;
    }
    post_reviews::open(tx, engine, PostReviewKind::Revocation, (by, Some(id)), &entry).await?;

    Ok((compensation, resolved))
}

/// Leaves a notice for every senior approver who could make good what a revoked action did.
pub(super) async fn tell(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    id: DecisionId,
    revoked_by: PersonId,
    besides: Option<PersonId>,
    entry: &seal::Entry,
) -> Result<()> {
    for person in authorize::seniors(tx, id, engine.now()).await? {
        if Some(person) != besides {
            notices::tell_of_decision(tx, engine, person, NoticeKind::ToMakeGood, revoked_by, id, entry).await?;
        }
    }
    Ok(())
}

/// Records what was done about an action that ran and was revoked, or why nothing can be.
///
/// # Errors
///
/// `invalid_transition` where nothing is open; [`Error::Forbidden`] as for [`revoke`].
pub async fn compensate(
    engine: &Engine,
    caller: &Caller,
    id: DecisionId,
    possible: bool,
    reason: Reason,
) -> Result<()> {
    let result = if possible { Compensation::Done } else { Compensation::NotPossible };
    let entry = engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                let target = Target::Decision { id, system: stored.system, n: stored.n };
                let permit = engine.authorize(&mut tx, &caller, Action::RevokeDecision, target).await?;
                let revoked = db::revocations::find(&mut tx, id).await?;
                let state = revoked.and_then(|revoked| revoked.compensation);
                if state != Some(Compensation::Open) {
                    let detail = match state {
                        Some(_) => "What was done is recorded already; read it below.",
                        None => "There is nothing to make good: no report says that a revoked action had an effect.",
                    };
                    let problem = Problem::new(Code::InvalidTransition, detail);
                    return Err(Denial::by_rule(permit, Action::RevokeDecision, target, problem));
                }
                let n = stored.n + 1;
                let event = Event::Compensated { decision: id, n, result, reason: reason.as_str().to_owned(), by };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::revocations::set_compensated(&mut tx, id, result, by, entry.at, entry.id).await?;
                db::decisions::set_state(&mut tx, id, n, stored.state).await?;
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Says who took an approval back, why, and what became of what the action did.
pub(super) async fn section(
    conn: &mut PgConnection,
    engine: &Engine,
    revoked: &db::revocations::Revocation,
) -> Result<Revocation> {
    let said = revoked.compensated;
    let people: Vec<_> = [Some(revoked.by), said.map(|(by, ..)| by)].into_iter().flatten().collect();
    let names = people::names(conn, engine, &people).await?;
    let name = |person| names.get(&person).cloned().unwrap_or_else(people::erased);
    let entries: Vec<_> = [Some(revoked.entry), said.map(|(.., entry)| entry)].into_iter().flatten().collect();
    let ids: Vec<_> = entries.iter().map(|entry| entry.0).collect();
    let mut texts = comments::texts(conn, engine, &ids, "reason").await?;
    let mut text = |entry: EntryId| texts.remove(&entry.0).unwrap_or_else(people::erased);
    Ok(Revocation {
        by: name(revoked.by),
        at: revoked.at,
        code: revoked.code,
        reason: text(revoked.entry),
        seal: seal_at(engine, revoked.index.map(|index| index as i64)),
        told_at: revoked.told.map(|(at, _)| at),
        compensation: revoked.compensation.map(|state| CompensationSection {
            state,
            said: said.map(|(by, at, entry)| Said { by: name(by), at, reason: text(entry) }),
        }),
    })
}
