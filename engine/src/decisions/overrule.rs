//! A senior approver releases what a rule refused, on the same decision, and another person looks at that afterwards.
//!
//! Only a rule's refusal is overridden: never what people decided, what a pause rejected, or what an absolute guard forbids.
//! The release is told as every approval is: once a signed checkpoint covers it, and not while the system is paused.

use countersign_domain::{
    Problem,
    decision::{ReasonCode, ResolutionOutcome, State},
    event::Event,
    ids::{DecisionId, EntryId, PersonId, PolicyVersionId, PresentationId},
    overrides::{self, Override, Overriding, PostReviewKind, Stands},
    policy::PolicyVersion,
    problem::Code,
    text::Reason,
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{
    comments,
    routing::{Case, Loaded},
    seal_at,
};
use crate::{
    Engine, absences,
    authorize::{self, Action, Denial, Target},
    caller::Caller,
    db::{self, resolutions::Resolution},
    error::{Error, Result},
    pauses, people, post_reviews, seal, sessions,
};

/// A release as its form sends it.
#[derive(Clone, Debug)]
pub struct OverrideRequest {
    /// The decision.
    pub decision: DecisionId,
    /// What was shown; used up by this.
    pub presentation: PresentationId,
    /// The resolution that it overrides.
    pub resolution: EntryId,
    /// The policy version that was in force when the form was drawn.
    pub policy: PolicyVersionId,
    /// The reason in one word.
    pub code: ReasonCode,
    /// The reason in full.
    pub reason: Reason,
}

/// Releases what a rule refused, on exactly what was shown.
///
/// # Errors
///
/// `invalid_transition` for anything but a rule's refusal and for who is away, `system_paused`, `guard_absolute` with the
/// guard's name, `post_review_overdue` while nobody looked at an earlier act in time, `stale` when what was shown is not
/// what would be released, `step_up_required`; [`Error::Forbidden`] for anybody but a senior approver who reaches the
/// decision, in their own right.
pub async fn overrule(engine: &Engine, caller: &Caller, request: OverrideRequest) -> Result<()> {
    engine.has_room()?;
    let entry = engine
        .act(caller, move |engine, caller| {
            let request = request.clone();
            async move { release(engine, caller, request).await }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

async fn release(engine: Engine, caller: Caller, request: OverrideRequest) -> Result<seal::Entry> {
    let (by, session) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let found = db::decisions::find(&mut tx, request.decision).await?.ok_or(Error::NotFound)?;
    // The lock of a system's pauses comes before any row's.
    let paused = pauses::hold(&mut tx, found.system).await?;
    let mut stored = db::decisions::lock(&mut tx, request.decision).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id: stored.id, system: stored.system, n: stored.n };
    let permit = engine.authorize(&mut tx, &caller, Action::OverrideDecision, target).await?;
    let refuse = |problem| Denial::by_rule(permit.clone(), Action::OverrideDecision, target, problem);
    sessions::require_recent(&caller)?;
    absences::admits(&mut tx, by, engine.now()).await?.map_err(&refuse)?;
    let resolution = db::resolutions::find(&mut tx, stored.id).await?;
    overrides::release(stands(resolution.as_ref())).map_err(&refuse)?;
    let resolution = resolution.ok_or(Error::NotFound)?;
    let version = db::policies::find(&mut tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let loaded = Loaded::read(&mut tx, &engine, &stored).await?;
    if let Some(problem) = forbidden(&mut tx, &engine, by, (&loaded.case(), &version), paused).await? {
        return Err(refuse(problem));
    }
    let active = db::policies::find_active(&mut tx).await?.ok_or(Error::NotFound)?;
    let now = engine.now();
    let shown = db::presentations::lock(&mut tx, request.presentation)
        .await?
        .filter(|shown| shown.decision == stored.id && shown.person == by && shown.session == session)
        .ok_or_else(|| refuse(stale("This form belongs to another page or sign-in.")))?;
    let (seen, content) = (db::presentations::digest(&shown.seen)?, db::presentations::digest(&shown.content)?);
    let moved = [
        (
            resolution.entry != request.resolution || content != stored.content_hash,
            "This decision was resolved otherwise after you opened it.",
        ),
        (active.id != request.policy, "Another version of the policy came into force after you opened it."),
        (shown.consumed, "This form was used."),
        (now >= shown.expires_at, "This form has been open for too long."),
    ];
    if let Some((_, what)) = moved.into_iter().find(|(is_so, _)| *is_so) {
        return Err(refuse(stale(what)));
    }

    let authority = permit.authority.as_ref().ok_or(Error::NotFound)?;
    stored.n += 1;
    let event = Event::Overridden {
        decision: stored.id,
        n: stored.n,
        resolution: resolution.entry,
        code: request.code,
        reason: request.reason.as_str().to_owned(),
        by,
        content,
        seen,
        policy: stored.policy_version,
        rule: stored.rule,
        authority: (authority.n, authority.set()),
    };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    db::presentations::consume(&mut tx, request.presentation, entry.at).await?;
    stored.n += 1;
    let event = Event::ResolvedByOverride {
        decision: stored.id,
        n: stored.n,
        content,
        policy: stored.policy_version,
        rule: stored.rule,
        round: stored.round,
    };
    let by_engine = authorize::unevaluated(authorize::engine_actor());
    let resolved = seal::append(&mut tx, &engine, &caller, &by_engine, &event).await?;
    let new = db::overrides::New {
        decision: stored.id,
        by,
        code: request.code,
        now: entry.at,
        entry: entry.id,
        resolved: resolved.id,
    };
    db::overrides::insert(&mut tx, &new).await?;
    // Its agent has something to read again, whatever it was told before.
    db::decisions::set_state(&mut tx, stored.id, stored.n, State::Resolved).await?;
    post_reviews::open(&mut tx, &engine, PostReviewKind::Override, (by, Some(stored.id)), &entry).await?;
    engine.commit(tx).await?;

    Ok(resolved)
}

/// Says what stands of a decision.
pub(super) fn stands(resolution: Option<&Resolution>) -> Stands {
    let Some(resolution) = resolution else { return Stands::Open };
    match (resolution.standing(), &resolution.overridden) {
        (ResolutionOutcome::Revoked, _) => Stands::Otherwise(ResolutionOutcome::Revoked),
        (_, Some(_)) => Stands::Overridden,
        (outcome, None) if resolution.by_rule => Stands::ByRule(outcome),
        (_, None) if resolution.code == Some(ReasonCode::SystemPaused) => Stands::ByPause,
        (outcome, None) => Stands::Otherwise(outcome),
    }
}

/// Says what forbids a person to release a refusal by a rule, whatever their roles.
async fn forbidden(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    (case, version): (&Case<'_>, &PolicyVersion),
    paused: bool,
) -> Result<Option<Problem>> {
    if paused {
        return Ok(Some(Problem::new(
            Code::SystemPaused,
            "This AI system is paused, so nothing of it is released. Somebody resumes it first, under Pauses.",
        )));
    }
    if let Some(guard) = case.absolute_guards(conn, engine, version).await?.first() {
        return Ok(Some(overrides::guarded(guard, &engine.policies.says(guard))));
    }
    let late = db::post_reviews::find_overdue(conn, person, engine.now()).await?;
    Ok(late.map(|(kind, decision)| overrides::overdue(kind, decision)))
}

/// Offers the form to who may release what a rule refused, and says to others why there is none.
pub(super) async fn offer(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    target: Target,
    resolution: Option<&Resolution>,
    (case, version): (&Case<'_>, &PolicyVersion),
    expires_at: u64,
) -> Result<Option<Overriding>> {
    let (Some(resolution), Some(person)) = (resolution, caller.person()) else { return Ok(None) };
    if overrides::release(stands(Some(resolution))).is_err() {
        return Ok(None);
    }
    let reason = match engine.authorize(tx, caller, Action::OverrideDecision, target).await {
        Ok(_) => {
            let paused = db::pauses::is_running(tx, case.system).await?;
            match absences::admits(tx, person, engine.now()).await? {
                Err(problem) => Some(problem.detail),
                Ok(()) => forbidden(tx, engine, person, (case, version), paused).await?.map(|problem| problem.detail),
            }
        }
        Err(Error::Forbidden(denial) | Error::Hidden(denial)) => Some(denial.sentence()),
        Err(error) => return Err(error),
    };
    if let Some(reason) = reason {
        return Ok(Some(Overriding::Closed { reason }));
    }
    let active = db::policies::find_active(tx).await?.ok_or(Error::NotFound)?;
    let presentation = PresentationId(engine.id());
    Ok(Some(Overriding::Open { presentation, expires_at, resolution: resolution.entry, policy: active.id }))
}

/// Says who released what a rule refused, and why.
pub(super) async fn section(
    conn: &mut PgConnection,
    engine: &Engine,
    overridden: &db::overrides::Override,
    label: String,
) -> Result<Override> {
    let names = people::names(conn, engine, &[overridden.by]).await?;
    let mut texts = comments::texts(conn, engine, &[overridden.entry.0], "reason").await?;
    Ok(Override {
        label,
        by: names.get(&overridden.by).cloned().unwrap_or_else(people::erased),
        at: overridden.at,
        code: overridden.code,
        reason: texts.remove(&overridden.entry.0).unwrap_or_else(people::erased),
        seal: seal_at(engine, overridden.index.map(|index| index as i64)),
        told_at: overridden.told.map(|(at, _)| at),
    })
}

fn stale(what: &str) -> Problem {
    let detail = format!("{what} Read the decision as it is below, then decide again. Your text is kept below.");
    Problem::new(Code::Stale, detail)
}
