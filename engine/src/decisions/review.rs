//! A person rules, or time does; either way exactly one resolution follows.

use countersign_domain::{
    Problem,
    decision::{self, Asks, Effected, ReasonCode, ResolutionOutcome, Risk, Ruling, State, Verdict},
    delegation::{OnBehalf, StandIns},
    event::{Disclosed, Event},
    form,
    ids::{
        BulkRunId, DecisionId, DelegationId, EntryId, GrantId, LeaseId, PersonId, PresentationId, ResolutionId,
        ReviewId,
    },
    lease::LeaseEnd,
    policy::{Approval, PolicyVersion, Route},
    problem::{Code, FieldError},
    text::Reason,
    time::screen,
    view::Seal,
};
use countersign_ledger::{
    hash::Hash,
    statement::{Seen, SeenMode},
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{
    edit::{self, Edits},
    lease, revise, routing, settle,
    sign::{self, SignedAnswer},
};
use crate::{
    Engine, absences,
    authorize::{
        self, Action, Denial, Permit, Target,
        behalf::{self, Right},
    },
    caller::Caller,
    db::{self, resolutions::Cause},
    error::{Error, Result},
    owners, pauses, people, seal, sessions,
};

/// A ruling as the form sends it.
#[derive(Clone, Debug)]
pub struct ReviewRequest {
    /// The decision.
    pub decision: DecisionId,
    /// What was shown; used up by this review.
    pub presentation: PresentationId,
    /// The person's claim on the review; it ends with this.
    pub lease: LeaseId,
    /// The ruling.
    pub verdict: Verdict,
    /// The reason in one word; [`Asks`] says whether it has to be there.
    pub code: Option<ReasonCode>,
    /// The reason in full; likewise.
    pub reason: Option<Reason>,
    /// What stands in the fields of the type's form, by name.
    pub form: form::Typed,
    /// Which fields behind a control the reviewer opened, as their browser says; nothing where it does not say.
    pub opened: Option<Vec<String>>,
    /// When the reviewer comes back to it, in milliseconds since 1970 UTC; with `defer` only.
    pub follow_up: Option<u64>,
    /// The reviewer's signature by passkey, where the policy asks for one.
    pub signed: Option<SignedAnswer>,
    /// In whose place, where it is not in their own right.
    pub on_behalf: Option<PersonId>,
}

impl ReviewRequest {
    /// A ruling on one presentation that says nothing more, in the person's own right.
    pub fn new(decision: DecisionId, presentation: PresentationId, lease: LeaseId, verdict: Verdict) -> Self {
        Self {
            decision,
            presentation,
            lease,
            verdict,
            code: None,
            reason: None,
            form: form::Typed::new(),
            opened: None,
            follow_up: None,
            signed: None,
            on_behalf: None,
        }
    }
}

/// What a ruling did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// Where the decision stands.
    pub state: State,
    /// Its final word, if this review gave it.
    pub resolution: Option<ResolutionOutcome>,
    /// Seal of the last entry of this act.
    pub seal: Seal,
}

/// Records one person's ruling on exactly what they were shown.
///
/// One transaction under the decision's row lock holds the review, the use of the presentation and,
/// when the ruling decides, what was decided: so no decision is ever decided twice.
///
/// # Errors
///
/// `already_resolved`, `already_reviewed`, `lease_lost` without a claim that runs, `stale` when what was shown is not what
/// would be decided; each goes on record. [`Error::Forbidden`] for anybody but an approver.
pub async fn review(engine: &Engine, caller: &Caller, request: ReviewRequest) -> Result<Reviewed> {
    given(engine, caller, request, None).await
}

/// Records a ruling, with the edits that it approves.
pub(super) async fn given(
    engine: &Engine,
    caller: &Caller,
    request: ReviewRequest,
    edits: Option<Edits>,
) -> Result<Reviewed> {
    engine.has_room()?;
    let recorded = engine
        .act(caller, move |engine, caller| {
            let (request, edits) = (request.clone(), edits.clone());
            async move { record(engine, caller, request, edits).await }
        })
        .await;
    if let (Err(Error::Forbidden(denial)), Some(person)) = (&recorded, caller.person())
        && denial.problem.as_ref().is_some_and(sign::is_copied)
    {
        sign::alarm(engine, caller, person, denial.permit.clone()).await?;
    }
    let (state, resolution, entry) = recorded?;
    let seal = seal::wait(entry).await;

    Ok(Reviewed { state, resolution, seal })
}

async fn record(
    engine: Engine,
    caller: Caller,
    request: ReviewRequest,
    edits: Option<Edits>,
) -> Result<(State, Option<ResolutionOutcome>, seal::Entry)> {
    let mut tx = engine.begin().await?;
    let paused = match &edits {
        // What a rule decides about an edit depends on it, and its lock comes before the decision's.
        Some(_) => {
            let found = db::decisions::find(&mut tx, request.decision).await?.ok_or(Error::NotFound)?;
            pauses::hold(&mut tx, found.system).await?
        }
        None => false,
    };
    let checked = check(&mut tx, &engine, &caller, &request).await?;
    // Who approves what does great harm proves who they are: by their signature, or by a sign-in that is fresh. Saying no
    // costs no more steps than saying nothing.
    if checked.stored.risk == Risk::High
        && matches!(request.verdict, Verdict::Approve | Verdict::ApproveWithEdits)
        && !checked.signed
    {
        sessions::require_recent(&caller)?;
    }
    let signed = match &request.signed {
        Some(given) => Some(sign::verify(&mut tx, &engine, &checked, &request, given).await?),
        // Who decides nothing signs nothing; an edit counts nowhere that a signature is asked for.
        None if checked.signed && request.verdict.counts() && checked.effect != Effected::Edited => {
            let keys = db::passkeys::list(&mut tx, checked.person).await?;
            let able = keys.iter().any(|key| key.confirmed);
            return Err(checked.refuse(if able { sign::not_signed() } else { sign::no_passkey() }));
        }
        None => None,
    };
    let version = match (checked.effect, &edits) {
        (Effected::Edited, Some(edits)) => {
            Some(edit::version(&mut tx, &engine, &caller, &checked.stored, (edits, paused)).await?)
        }
        (Effected::Edited, None) => return Err(checked.refuse(edit::nothing_to_edit())),
        _ => None,
    };
    let Checked { mut stored, policy, permit, person, behalf, senior, content, seen, form, .. } = checked;
    let Checked { effect, now, bulk, disclosed, .. } = checked;
    let authority = permit.authority.clone().ok_or(Error::NotFound)?;
    let follow_up = if let Effected::Deferred { until } = effect { Some(until) } else { None };
    let formed = form.is_some();
    stored.n += 1;
    let event = Event::Reviewed {
        decision: stored.id,
        n: stored.n,
        verdict: request.verdict,
        code: request.code,
        reason: request.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        form,
        reviewer: person,
        content,
        seen,
        policy: stored.policy_version,
        round: stored.round,
        authority: (authority.n, authority.set()),
        until: follow_up,
        edited: version.as_ref().map(|version| version.content),
        signature: signed.as_ref().map(|signed| signed.signature.clone()),
        bulk,
        on_behalf: behalf.as_ref().map(|(_, on_behalf)| Box::new(on_behalf.clone())),
        disclosed,
    };
    let keys: Vec<_> = signed.iter().flat_map(|signed| &signed.keys).map(|(field, key)| (*field, key)).collect();
    let entry = seal::append_keyed(&mut tx, &engine, &caller, &permit, &event, &keys).await?;
    db::statements::insert_many(&mut tx, signed.iter().map(|signed| &signed.statement)).await?;
    let new = db::reviews::New {
        id: ReviewId(engine.id()),
        decision: stored.id,
        round: stored.round,
        person,
        on_behalf: behalf.as_ref().map(|(delegation, on_behalf)| (on_behalf.delegator, *delegation)),
        verdict: request.verdict,
        code: request.code,
        reasoned: request.reason.is_some(),
        formed,
        senior,
        follow_up,
        presentation: request.presentation,
        now: entry.at,
        entry: entry.id,
    };
    db::reviews::insert(&mut tx, &new).await?;
    db::presentations::consume(&mut tx, request.presentation, entry.at).await?;
    db::leases::end(&mut tx, request.lease, LeaseEnd::Reviewed, entry.at).await?;
    let (state, resolution, entry) = match (effect, version) {
        (Effected::Decided(outcome), _) => settle::decide(&mut tx, &engine, &caller, &stored, outcome, &policy).await?,
        (Effected::Waiting, _) => match stored.settling {
            Some(settling) => {
                db::decisions::set_settling(&mut tx, stored.id, stored.n, settling).await?;
                (State::Settling, None, entry)
            }
            None => {
                routing::keep_free_seat(&mut tx, &engine, &stored, &policy).await?;
                moved(&mut tx, &stored, State::InReview, entry).await?
            }
        },
        (Effected::Abstained | Effected::Deferred { .. }, _) => {
            let state = stored.state;
            moved(&mut tx, &stored, state, entry).await?
        }
        (Effected::Escalated, _) => {
            let by = Some(entry.id);
            let entry = routing::hand_up(&mut tx, &engine, &caller, &mut stored, &policy, now, by).await?;
            let state = stored.state;
            moved(&mut tx, &stored, state, entry).await?
        }
        (Effected::ChangesRequested, _) => {
            db::leases::end_all(&mut tx, stored.id, LeaseEnd::Returned, entry.at).await?;
            let about = (stored.system, stored.id, stored.n);
            owners::tell_of_change(&mut tx, &engine, about, person, &entry).await?;
            moved(&mut tx, &stored, State::ChangesRequested, entry).await?
        }
        (Effected::Edited, Some(version)) => {
            let on_behalf = behalf.map(|(_, on_behalf)| on_behalf.delegator);
            let editor = edit::Editor { approval: Approval { person, senior }, on_behalf, review: entry.id };
            edit::apply(&mut tx, &engine, &caller, &permit, &mut stored, version, editor).await?
        }
        (Effected::Edited, None) => return Err(Error::Refused(edit::nothing_to_edit())),
    };
    engine.commit(tx).await?;

    Ok((state, resolution, entry))
}

async fn moved(
    tx: &mut Transaction<'static, Postgres>,
    stored: &db::decisions::Decision,
    state: State,
    entry: seal::Entry,
) -> Result<settle::Decided> {
    db::decisions::set_state(tx, stored.id, stored.n, state).await?;
    Ok((state, None, entry))
}

/// A ruling that may be recorded, with the decision locked.
pub(super) struct Checked {
    pub(super) stored: db::decisions::Decision,
    /// The version that routed it.
    policy: PolicyVersion,
    pub(super) target: Target,
    pub(super) permit: Permit,
    pub(super) person: PersonId,
    /// By which delegation and in whose place, where it is not in their own right.
    pub(super) behalf: Option<(DelegationId, OnBehalf)>,
    /// They rule as a senior approver for this decision.
    pub(super) senior: bool,
    pub(super) content: Hash,
    pub(super) seen: Hash,
    pub(super) now: u64,
    /// The policy version asks for a signature.
    pub(super) signed: bool,
    /// The answers to the type's form, as they are committed to.
    pub(super) form: Option<String>,
    /// Which fields behind a control were opened.
    disclosed: Option<Disclosed>,
    /// The act on several decisions that it belongs to.
    bulk: Option<BulkRunId>,
    effect: Effected,
}

/// Refuses a reason code that says the opposite of the verdict.
pub(super) fn said(code: ReasonCode, verdict: Verdict) -> Result<()> {
    code.check(verdict).map_err(|error| Error::Refused(incomplete(vec![error])))
}

fn incomplete(errors: Vec<FieldError>) -> Problem {
    Problem::fields(Code::InvalidContent, "The review was not recorded. Your text is kept.", errors)
}

/// Locks the decision and checks everything about a ruling but its signature.
pub(super) async fn check(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    request: &ReviewRequest,
) -> Result<Checked> {
    let (person, session) = caller.signed_in()?;
    if let Some(code) = request.code {
        said(code, request.verdict)?;
    }
    let stored = db::decisions::lock(tx, request.decision).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id: stored.id, system: stored.system, n: stored.n };
    let right = behalf::authorize_review(tx, engine, caller, target, request.on_behalf).await?;
    let Right { permit, behalf, senior } = right;
    let refuse = |problem| Denial::by_rule(permit.clone(), Action::ReviewDecision, target, problem);
    let now = engine.now();
    let policy = db::policies::find(tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let rules = rules_now(tx, &stored, &policy, now).await?;
    absences::admits(tx, person, now).await?.map_err(&refuse)?;
    let who = (person, request.on_behalf);
    // Rights, state and four eyes first, then the claim, then what was shown (V1).
    if let Err(problem) = rules.admits(who, request.verdict, now) {
        let problem = told(tx, engine, &stored, problem).await?;
        return Err(refuse(kept(problem)));
    }
    lease::check(tx, engine, caller, (stored.id, request.lease), now).await?.map_err(&refuse)?;
    let shown = db::presentations::lock(tx, request.presentation)
        .await?
        .filter(|shown| shown.decision == stored.id && shown.person == person && shown.session == session)
        .ok_or_else(|| refuse(stale("This form belongs to another page or sign-in.")))?;
    let bulk = match &shown.bulk {
        Some((bulk, sent)) => {
            together(&stored, request, (sent.as_ref(), shown.on_behalf)).map_err(&refuse)?;
            Some(*bulk)
        }
        None => None,
    };
    let seen = db::presentations::digest(&shown.seen)?;
    let content = db::presentations::digest(&shown.content)?;
    if let Some(active) = db::policies::find_active(tx).await?
        && stored.asked_version != active.id
        && stored.state.is_reviewed()
    {
        return Err(refuse(stale("Another version of the policy came into force after you opened it.")));
    }
    let reviewer = Approval { person, senior };
    let ruling =
        Ruling { reviewer, on_behalf: request.on_behalf, verdict: request.verdict, follow_up: request.follow_up };
    let effect = rules.review(ruling, &content, now).map_err(|problem| refuse(kept(problem)))?;
    if effect == Effected::Escalated {
        let need = stored.need.saturating_sub(rules.approvals.iter().filter(|given| given.senior).count() as u64);
        let besides: Vec<_> = [person].into_iter().chain(request.on_behalf).collect();
        if !authorize::has_seniors(tx, engine, &stored, &rules, (need, &besides)).await? {
            return Err(refuse(kept(no_seniors(need))));
        }
    }
    if shown.consumed {
        return Err(refuse(stale("This form was used.")));
    }
    if now >= shown.expires_at {
        return Err(refuse(stale("This form has been open for too long.")));
    }
    let row = policy.body.row(stored.rule);
    let (signed, reasoned) = row.map_or((false, false), |row| (row.signed, row.reasoned));
    let mut faults = Asks::of(request.verdict, stored.risk, reasoned).missing(request.code, request.reason.as_ref());
    let definition = revise::definition(tx, &stored).await?;
    let form = form::read(&definition.form, request.verdict, &request.form).unwrap_or_else(|more| {
        faults.extend(more);
        None
    });
    if !faults.is_empty() {
        return Err(Error::Refused(incomplete(faults)));
    }
    let disclosed = match &request.opened {
        Some(opened) => disclosed(tx, &seen, opened).await?,
        None => None,
    };
    let behalf = behalf.map(|behalf| (behalf.delegation, behalf.on_behalf));

    Ok(Checked {
        stored,
        policy,
        target,
        permit,
        person,
        behalf,
        senior,
        content,
        seen,
        now,
        signed,
        form,
        disclosed,
        bulk,
        effect,
    })
}

/// Says which fields behind a control were opened, of those that were shown so; nothing where none was.
async fn disclosed(conn: &mut PgConnection, seen: &Hash, opened: &[String]) -> Result<Option<Disclosed>> {
    let Some(shown) = db::statements::find(conn, &seen.0).await? else { return Ok(None) };
    let fields = Seen::parse(&shown)?.fields;
    let collapsed = fields.into_iter().filter(|field| field.mode == SeenMode::Collapsed).map(|field| field.name);
    let (opened, left_closed): (Vec<_>, Vec<_>) = collapsed.partition(|name| opened.contains(name));
    Ok((!opened.is_empty() || !left_closed.is_empty()).then_some(Disclosed { opened, left_closed }))
}

/// Tells whether a ruling on what a page of several decisions showed is the one that was sent from there, and whether the
/// decision still fits into such a page.
fn together(
    stored: &db::decisions::Decision,
    request: &ReviewRequest,
    (sent, on_behalf): (Option<&db::presentations::Sent>, Option<PersonId>),
) -> std::result::Result<(), Problem> {
    let Some(sent) = sent.filter(|sent| (sent.verdict, Some(sent.code)) == (request.verdict, request.code)) else {
        return Err(stale("This form belongs to a page of several decisions, which was not sent like this."));
    };
    if stored.policy_version != sent.policy || stored.need != 1 || stored.risk == Risk::High {
        return Err(stale("It asks for other people now than when you opened it with the others."));
    }
    if request.on_behalf != on_behalf {
        return Err(stale("It is given in another right than when you opened it with the others."));
    }
    Ok(())
}

/// A resolution about to be written.
pub(crate) struct Resolve {
    pub(crate) n: u64,
    pub(crate) outcome: ResolutionOutcome,
    pub(crate) reviews: Vec<EntryId>,
    pub(crate) code: Option<ReasonCode>,
    pub(crate) cause: Option<Cause>,
}

impl Resolve {
    /// What a route decides without people, if anything.
    pub(crate) fn by_rule(route: Route, n: u64) -> Option<Self> {
        let (outcome, code) = match route {
            Route::AutoApprove => (ResolutionOutcome::Approved, ReasonCode::WithinPolicy),
            Route::Deny => (ResolutionOutcome::Rejected, ReasonCode::AgainstPolicy),
            Route::Require | Route::Escalate => return None,
        };
        Some(Self { n, outcome, reviews: Vec::new(), code: Some(code), cause: Some(Cause::Rule) })
    }

    /// What an active grant decides.
    pub(crate) fn by_grant(n: u64, grant: GrantId) -> Self {
        let (outcome, code) = (ResolutionOutcome::Approved, Some(ReasonCode::WithinPolicy));
        Self { n, outcome, reviews: Vec::new(), code, cause: Some(Cause::Grant(grant)) }
    }

    /// What a pause of the system decides.
    pub(crate) fn by_pause(n: u64) -> Self {
        let (outcome, code) = (ResolutionOutcome::Rejected, Some(ReasonCode::SystemPaused));
        Self { n, outcome, reviews: Vec::new(), code, cause: Some(Cause::Pause) }
    }

    fn event(&self, stored: &db::decisions::Decision) -> Event {
        let (decision, n, content) = (stored.id, self.n, stored.content_hash);
        let (policy, rule, round) = (stored.policy_version, stored.rule, stored.round);
        match self.cause {
            Some(Cause::Grant(grant)) => Event::ResolvedByGrant { decision, n, content, policy, rule, round, grant },
            Some(Cause::Pause) => Event::ResolvedByPause { decision, n, content, policy, rule, round },
            Some(Cause::Rule | Cause::Requester) | None => {
                let (outcome, reviews) = (self.outcome, self.reviews.clone());
                Event::Resolved { decision, n, outcome, content, policy, rule, round, reviews }
            }
        }
    }
}

/// Writes the resolution of a locked decision.
pub(crate) async fn resolve(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &db::decisions::Decision,
    resolved: Resolve,
) -> Result<seal::Entry> {
    let permit = authorize::unevaluated(authorize::engine_actor());
    let reviews = resolved.reviews.len() as u64;
    let entry = seal::append(tx, engine, caller, &permit, &resolved.event(stored)).await?;
    let new = db::resolutions::New {
        id: ResolutionId(engine.id()),
        decision: stored.id,
        outcome: resolved.outcome,
        round: stored.round,
        reviews,
        code: resolved.code,
        cause: resolved.cause,
        now: entry.at,
        entry: entry.id,
    };
    db::resolutions::insert(tx, &new).await?;
    db::leases::end_all(tx, stored.id, LeaseEnd::Resolved, entry.at).await?;
    match db::decisions::set_resolved(tx, stored.id, resolved.n).await? {
        true => Ok(entry),
        false => Err(Error::Row { table: "decisions", column: "state", id: stored.id.to_string() }),
    }
}

/// Reads what the rules of `domain` need to know.
pub(crate) async fn rules(
    conn: &mut PgConnection,
    stored: &db::decisions::Decision,
    policy: &PolicyVersion,
) -> Result<decision::Decision> {
    let reviews = db::reviews::list(conn, stored.id).await?;
    let standing = || reviews.iter().filter(|review| settle::stands(review, stored));
    let approved = standing().filter(|review| settle::approves(review.verdict));
    let editor = db::revisions::editor(conn, stored).await?;
    let wrote = |review: &&db::reviews::Review| {
        review.verdict == Verdict::ApproveWithEdits && review.round + 1 == stored.round && Some(review.person) == editor
    };
    let delegator = |review: &db::reviews::Review| review.on_behalf.map(|(delegator, _)| delegator);
    let counted = standing().filter(|review| review.verdict.counts());
    let stand_ins = StandIns {
        edited_for: reviews.iter().find(wrote).and_then(delegator),
        ruled_for: standing().filter(|review| review.verdict.is_final()).filter_map(delegator).collect(),
        counted: counted.flat_map(|review| [Some(review.person), delegator(review)]).flatten().collect(),
        tied: Vec::new(),
    };
    Ok(decision::Decision {
        id: stored.id,
        n: stored.n,
        state: stored.state,
        round: stored.round,
        content_hash: stored.content_hash,
        quorum: routing::quorum(stored, policy),
        reject_threshold: stored.reject_threshold,
        due_at: stored.due_at,
        on_timeout: stored.on_timeout,
        settling: stored.settling,
        risk: stored.risk,
        editor,
        with_seniors: stored.escalated_at.is_some() || stored.route == Route::Escalate,
        approvals: approved.map(|review| Approval { person: review.person, senior: review.senior }).collect(),
        rejections: standing().filter(|review| review.verdict == Verdict::Reject).count() as u64,
        reviewed_by: standing().filter(|review| review.verdict.is_final()).map(|review| review.person).collect(),
        stand_ins,
    })
}

/// The same for who would rule at this moment: with who stands in for whom.
pub(crate) async fn rules_now(
    conn: &mut PgConnection,
    stored: &db::decisions::Decision,
    policy: &PolicyVersion,
    now: u64,
) -> Result<decision::Decision> {
    let mut rules = rules(conn, stored, policy).await?;
    rules.stand_ins.tied = db::delegations::tied(conn, stored.system, now).await?;
    Ok(rules)
}

/// Adds what becomes of a draft to the refusal of a form.
fn kept(mut problem: Problem) -> Problem {
    problem.detail.push_str(KEPT);
    problem
}

/// Says who resolved a decision meanwhile, and when, to whom that is refused for it.
async fn told(
    conn: &mut PgConnection,
    engine: &Engine,
    stored: &db::decisions::Decision,
    problem: Problem,
) -> Result<Problem> {
    if problem.code != Code::AlreadyResolved || stored.state.is_open() {
        return Ok(problem);
    }
    let Some(resolution) = db::resolutions::find(conn, stored.id).await? else { return Ok(problem) };
    let reviews = db::reviews::list(conn, stored.id).await?;
    let decides = |review: &&db::reviews::Review| {
        let verdict = match resolution.outcome {
            ResolutionOutcome::Approved => review.verdict == Verdict::Approve,
            ResolutionOutcome::Rejected => review.verdict == Verdict::Reject,
            _ => false,
        };
        verdict && settle::stands(review, stored)
    };
    let what = match (resolution.outcome, reviews.iter().rfind(decides)) {
        (outcome, Some(review)) => {
            let names = people::names(conn, engine, &[review.person]).await?;
            let name = names.get(&review.person).cloned().unwrap_or_else(people::erased);
            let did = if outcome == ResolutionOutcome::Approved { "approved" } else { "rejected" };
            format!("{name} {did} it")
        }
        (ResolutionOutcome::Expired, None) => "its time ran out".to_owned(),
        (ResolutionOutcome::Withdrawn, None) => "the AI system withdrew it".to_owned(),
        (outcome, None) => format!("it is {}", outcome.word()),
    };
    let at = screen(resolution.at);
    let detail =
        format!("This decision was resolved at {at} while you had it open: {what}. Nothing of yours was recorded.");
    Ok(Problem { detail, ..problem })
}

/// What the refusal of a form on the decision's page ends with.
pub(super) const KEPT: &str = " Your text is kept below.";

fn stale(what: &str) -> Problem {
    kept(Problem::new(Code::Stale, format!("{what} Read the decision as it is below, then decide again.")))
}

fn no_seniors(need: u64) -> Problem {
    let who = if need == 1 { "a senior approver".to_owned() } else { format!("{need} senior approvers") };
    let detail = format!(
        "Nobody could take it over: it needs {who}, and too few may review it. Ask an admin to give somebody the role, or reject it."
    );
    Problem::new(Code::InvalidTransition, detail)
}
