//! What agents read and report: their decision, its resolution once sealed, what became of it.

use std::time::Duration;

use countersign_domain::{
    answer::{AgentAction, AgentDecision, AgentNext, AgentResolution, AgentRoute, AgentSeal, AgentTurn, DecidedBy},
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, SealState, State, Verdict},
    decision_type::TypeDefinition,
    event::{Event, Object, Place},
    ids::{DecisionId, OutcomeId},
    lineage::Maker,
    problem::Code,
    proposal::{self, Fields},
    revocation::{Compensation, has_effect, leaves_effect},
    time::rfc3339,
};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use super::{
    Stored, comments, lease, propose, revoke, settle,
    turn::{self, Turn},
};
use crate::{
    Engine,
    authorize::{Action, Denial, Permit, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    keys, ledger, pauses, reads, seal,
};

/// Longest wait of one call.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// A waiting call reads the decision anew this often, whatever it was told.
const READ_AGAIN: Duration = Duration::from_secs(2);
/// Name of the route in the idempotency table.
const ROUTE: &str = "outcomes";
/// What an agent is told whose proposal a reviewer changed.
const EDITED: &str = "A reviewer changed the parameters. Act with exactly those in `action`; do not act with the original ones, and do not propose them again.";

/// What an agent is told whose proposal a person released against the rule that had refused it.
const OVERRIDDEN: &str = "A senior approver released what a rule had refused. If you were told before that it is rejected, and went another way since or proposed it anew, do not act: report `not_executed`.";
/// What an agent is told whose approval was revoked.
const REVOKED: &str = "A senior approver took the approval back. Do not act; if you acted already, report that.";
/// What an agent is told whose approval was revoked after the action had an effect.
const UNDO: &str = "A senior approver took the approval back after you reported an effect. Do not act again. Undo what you did where that is possible, and report `compensated`.";

/// Answers with a decision as its agent may see it. The first answer that carries a resolution is the
/// release, and is sealed as one. While the system is paused, no approval is released.
///
/// # Errors
///
/// [`Error::Hidden`] for a decision of another system.
pub async fn get(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<AgentDecision> {
    let (permit, decision) = engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let paused = hold_own(&mut tx, &caller).await?;
            let stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let target = Target::Decision { id, system: stored.system, n: stored.n };
            let permit = engine.authorize(&mut tx, &caller, Action::GetDecision, target).await?;
            // Read once: what is told and what is put on record as told go by the same head.
            let size = engine.head.borrow().size;
            let released = release(&mut tx, &engine, &caller, &permit, &stored, (paused, size)).await?;
            let decision = load(&mut tx, &engine, id, size).await?.ok_or(Error::NotFound)?;
            engine.commit(tx).await?;
            Ok(((!released).then_some(permit), decision))
        })
        .await?;
    if let Some(permit) = permit {
        let object = Object { kind: "decision", id: id.0, place: Place::Read(decision.version) };
        reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
    }

    Ok(decision)
}

/// Waits until the agent can go on, or with `seen_version` until anything changed, 30 s at most.
///
/// # Errors
///
/// As [`get`].
pub async fn wait(
    engine: &Engine,
    caller: &Caller,
    id: DecisionId,
    wait: Duration,
    seen_version: Option<u64>,
) -> Result<AgentDecision> {
    let mut changes = engine.changes();
    let mut shutdown = engine.shutdown();
    let end = Instant::now() + wait.min(WAIT_MAX);
    loop {
        if engine.stopped().is_some()
            || !keys::is_live(engine, caller).await?
            || may_go_on(engine, id, seen_version).await?
            || Instant::now() >= end
        {
            break;
        }
        let next_read = (Instant::now() + READ_AGAIN).min(end);
        tokio::select! {
            () = touched(&mut changes, id) => {}
            () = tokio::time::sleep_until(next_read) => {}
            _ = shutdown.changed() => break,
        }
    }

    get(engine, caller, id).await
}

/// Records what became of a decision. Late and contradicting reports are kept beside the first.
///
/// # Errors
///
/// `invalid_transition` before the resolution was delivered, or the field that needs a change.
pub async fn report_outcome(
    engine: &Engine,
    caller: &Caller,
    id: DecisionId,
    key: &str,
    body: &[u8],
) -> Result<Stored> {
    propose::check_key(key)?;
    let value = proposal::document(body)?;
    let (result, effect) = parse_outcome(&value)?;
    let canonical = countersign_domain::json::canonical(&value);
    let key = key.to_owned();
    let (recorded, mut stored) = engine
        .act(caller, move |engine, caller| {
            let (key, canonical) = (key.clone(), canonical.clone());
            async move { record_outcome(engine, caller, id, &key, &canonical, result, effect).await }
        })
        .await?;
    match recorded {
        Ok(entry) => {
            let seal = seal::wait(entry).await;
            stored.body["seal"] = serde_json::json!({"state": seal.state, "index": seal.index, "size": seal.index.map(|_| engine.head.borrow().size)});
        }
        Err(permit) => {
            let object = Object { kind: "decision", id: id.0, place: Place::Read(1) };
            reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
        }
    }

    Ok(stored)
}

/// Returns the proof file of a decision: of its resolution once there is one, else of its proposal. An agent gets no
/// proof of an approval that a pause keeps from it.
///
/// # Errors
///
/// [`Error::Hidden`] for anybody who may not read the decision; `invalid_transition` until it is sealed.
pub async fn proof(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<String> {
    let found = async {
        let mut tx = engine.begin().await?;
        let paused = hold_own(&mut tx, caller).await?;
        let decision = db::decisions::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let target = Target::Decision { id, system: decision.system, n: decision.n };
        let permit = engine.authorize(&mut tx, caller, Action::DownloadProof, target).await?;
        let resolution = db::resolutions::find(&mut tx, id).await?;
        let resolution = resolution.filter(|resolution| !is_kept(resolution, paused));
        let entry = resolution.map_or(decision.entry, |resolution| resolution.said().0);
        let proof = ledger::proof_of_entry(&mut tx, engine, entry).await?;
        tx.commit().await?;
        Ok((permit, decision.n, proof))
    };
    let (permit, n, proof) = engine.noted(caller, found.await).await?;
    let object = Object { kind: "decision", id: id.0, place: Place::Read(n) };
    reads::record(engine, caller, permit, &Event::AccessDownloaded { object }, reads::Shown::default()).await?;
    ledger::note_holder(engine, "receipt", proof.size).await?;

    Ok(proof.text)
}

/// Reads a decision as its agent may see it when the log has this signed size. A revocation is told from its commit on:
/// stops wait for nothing.
pub(crate) async fn load(
    conn: &mut PgConnection,
    engine: &Engine,
    id: DecisionId,
    size: u64,
) -> Result<Option<AgentDecision>> {
    let Some(mut decision) = db::decisions::find(conn, id).await? else { return Ok(None) };
    decision.state = lease::state(conn, engine, &decision).await?;
    let types = db::decision_types::list(conn, &[decision.type_id.0]).await?;
    let Some((_, definition)) = types.into_iter().next() else { return Ok(None) };
    let paused = db::pauses::is_running(conn, decision.system).await?;
    let resolution = db::resolutions::find(conn, id).await?;
    let resolution = resolution.and_then(|resolution| resolution.readable(size, paused));
    let unsealed = db::entries::count_unsealed_acts(conn, engine.log.row, id.0).await?;

    let told = Told { size, ..tell(conn, engine, &decision, &definition, resolution.as_ref(), unsealed).await? };
    let kept = resolution.as_ref().is_some_and(|resolution| is_kept(resolution, paused));
    let version = comments::told_n(conn, &decision, unsealed, kept).await?;

    Ok(Some(body(engine, &decision, &definition, resolution.as_ref(), version, paused, told)))
}

/// What an answer carries that stands in texts: told once it is sealed, and to nobody before.
#[derive(Default)]
pub(crate) struct Told {
    /// Signed size of the log that the answer goes by.
    size: u64,
    /// What to run.
    action: Option<AgentAction>,
    /// A reviewer changed it.
    edited: bool,
    /// What a reviewer asks to change, and why.
    asked: Option<(String, Option<ReasonCode>)>,
    /// The approval was revoked, and what the action did is not undone.
    undo: bool,
    /// Whose turn it is.
    turn: Option<Turn>,
}

impl Told {
    /// Tells nothing but whose turn it is.
    pub(super) fn of(turn: Option<Turn>) -> Self {
        Self { turn, ..Self::default() }
    }
}

async fn tell(
    conn: &mut PgConnection,
    engine: &Engine,
    decision: &db::decisions::Decision,
    definition: &TypeDefinition,
    resolution: Option<&db::resolutions::Resolution>,
    unsealed: u64,
) -> Result<Told> {
    let mut told = Told { turn: turn::find(conn, decision).await?.turn, ..Told::default() };
    if decision.state == State::ChangesRequested && unsealed == 0 {
        let reviews = db::reviews::list(conn, decision.id).await?;
        let asks = |review: &&db::reviews::Review| {
            review.verdict == Verdict::RequestChanges && settle::stands(review, decision)
        };
        if let Some(review) = reviews.iter().rfind(asks) {
            let stored = db::vault::list_fields(conn, &[review.entry.0], &["reason".to_owned()]).await?;
            let text = stored.first().map(|stored| engine.vault.open(stored)).transpose()?.flatten();
            told.asked = Some((text.unwrap_or_default(), review.code));
        }
    }
    let revoked = resolution.and_then(|resolution| resolution.revoked.as_ref());
    if revoked.is_some_and(|revoked| revoked.compensation == Some(Compensation::Open)) {
        let reports = db::outcomes::list(conn, decision.id).await?;
        told.undo = leaves_effect(reports.iter().map(|report| (report.result, report.effect)));
    }
    if resolution.is_some_and(|resolution| resolution.standing() == ResolutionOutcome::Approved) {
        let versions = db::revisions::list(conn, decision.id).await?;
        told.edited = versions.last().is_some_and(|version| version.maker == Maker::Edited);
        told.action = action(conn, engine, decision, definition).await?;
    }
    Ok(told)
}

/// The running version's parameters as a request sends them; nothing where one was erased.
async fn action(
    conn: &mut PgConnection,
    engine: &Engine,
    decision: &db::decisions::Decision,
    definition: &TypeDefinition,
) -> Result<Option<AgentAction>> {
    let stored = db::vault::list(conn, &[decision.entry.0]).await?;
    let mut parameters = serde_json::Map::new();
    for parameter in &definition.parameters {
        let Some(value) = stored.iter().find(|value| value.field == parameter.name) else { continue };
        let Some(text) = engine.vault.open(value)? else { return Ok(None) };
        let read = parameter.kind.read(&text).map_err(|_| value.unreadable("ciphertext"))?;
        parameters.insert(parameter.name.clone(), read);
    }
    Ok(Some(AgentAction { kind: definition.name.clone(), type_version: definition.version, parameters }))
}

/// Writes the answer about a decision and its sealed resolution. An approval that a pause keeps is not told.
pub(crate) fn body(
    engine: &Engine,
    decision: &db::decisions::Decision,
    definition: &TypeDefinition,
    resolution: Option<&db::resolutions::Resolution>,
    version: u64,
    paused: bool,
    told: Told,
) -> AgentDecision {
    let Told { size, action, edited, asked, undo, turn } = told;
    let kept = resolution.is_some_and(|resolution| is_kept(resolution, paused));
    let resolution = resolution.filter(|_| !kept);
    // What an approval releases is kept with it.
    let (action, edited) = if kept { (None, false) } else { (action, edited) };
    let state = match decision.state {
        // Not sealed yet.
        State::ChangesRequested if asked.is_none() => State::InReview,
        state if resolution.is_some() || state.is_open() => state,
        _ => State::Settling,
    };
    let (message, reason_code) = asked.map_or((None, None), |(message, code)| (Some(message), code));
    let index = resolution.and_then(|resolution| resolution.said().1).filter(|index| *index < size);
    AgentDecision {
        id: decision.id,
        state,
        version,
        revision: decision.revision,
        type_name: definition.name.clone(),
        type_version: definition.version,
        external_id: decision.external_id.clone(),
        conversation: decision.conversation.clone(),
        risk: decision.risk,
        content_hash: decision.content_hash.to_string(),
        route: AgentRoute {
            outcome: decision.route,
            policy_version: decision.policy_version,
            rule: decision.rule,
            reviews_needed: decision.need,
        },
        turn: turn.filter(|_| state == decision.state).map(|turn| AgentTurn {
            of: turn.of.word().into(),
            since: rfc3339(turn.since),
            why: turn.why.word().into(),
        }),
        due_at: rfc3339(decision.due_at),
        on_timeout: decision.on_timeout,
        paused,
        resolution: resolution.map(|resolution| match &resolution.revoked {
            Some(revoked) => taken_back(revoked, undo, paused),
            None if resolution.overridden.is_some() => let_go(resolution, paused),
            None => AgentResolution {
                outcome: resolution.outcome,
                at: rfc3339(resolution.at),
                decided_by: DecidedBy {
                    kind: match resolution.outcome {
                        ResolutionOutcome::Expired => "deadline",
                        ResolutionOutcome::Withdrawn => "requester",
                        _ if resolution.by_rule => "rule",
                        _ if resolution.by_grant.is_some() => "grant",
                        _ if resolution.code == Some(ReasonCode::SystemPaused) => "pause",
                        _ => "people",
                    }
                    .into(),
                    grant: resolution.by_grant.map(|(grant, _)| grant),
                    reviews: resolution.reviews,
                },
                edited,
                reason_code: resolution.code,
                message: edited.then(|| EDITED.to_owned()),
                next: if paused { AgentNext::Stop } else { resolution.outcome.into() },
            },
        }),
        action,
        next: message.is_some().then_some(AgentNext::Revise),
        message,
        reason_code,
        seal: match index {
            Some(index) => AgentSeal { state: SealState::Sealed, index: Some(index), size: Some(size) },
            None => AgentSeal { state: SealState::Recorded, index: None, size: None },
        },
        page: format!("{}/decisions/{}", engine.config().public_origin, decision.id),
    }
}

/// What the agent is told whose approval was revoked.
fn taken_back(revoked: &db::revocations::Revocation, undo: bool, paused: bool) -> AgentResolution {
    AgentResolution {
        outcome: ResolutionOutcome::Revoked,
        at: rfc3339(revoked.at),
        decided_by: DecidedBy { kind: "people".into(), grant: None, reviews: 0 },
        edited: false,
        reason_code: Some(revoked.code),
        message: Some(if undo { UNDO } else { REVOKED }.to_owned()),
        next: if undo && !paused { AgentNext::Compensate } else { AgentNext::Stop },
    }
}

/// What the agent is told whose proposal a person released against the rule that had refused it.
fn let_go(resolution: &db::resolutions::Resolution, paused: bool) -> AgentResolution {
    let overridden = resolution.overridden.as_ref();
    AgentResolution {
        outcome: ResolutionOutcome::Approved,
        at: rfc3339(overridden.map_or(resolution.at, |overridden| overridden.at)),
        decided_by: DecidedBy { kind: "override".into(), grant: None, reviews: 0 },
        edited: false,
        reason_code: overridden.map(|overridden| overridden.code),
        message: Some(OVERRIDDEN.to_owned()),
        next: if paused { AgentNext::Stop } else { AgentNext::Act },
    }
}

/// Returns the decision that a kept answer is about.
pub(crate) fn named(body: &Value) -> Result<DecisionId> {
    body["id"].as_str().and_then(|id| id.parse().ok()).ok_or(Error::NotFound)
}

/// Puts an answer that existed before on record as a read.
pub(crate) async fn record_view(engine: &Engine, caller: &Caller, permit: Permit, body: &Value) -> Result<()> {
    let id = named(body)?;
    let upto = body["version"].as_u64().unwrap_or(1).max(1);
    let object = Object { kind: "decision", id: id.0, place: Place::Read(upto) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
    Ok(())
}

/// Tells whether the agent's own system is paused, and keeps that so until the transaction ends. A decision of another
/// system is hidden from it anyway.
async fn hold_own(tx: &mut Transaction<'static, Postgres>, caller: &Caller) -> Result<bool> {
    match caller.actor {
        Actor::Agent { system, .. } => pauses::hold(tx, system).await,
        _ => Ok(false),
    }
}

/// Tells whether a pause keeps a resolution from its agent: an approval that it was not told yet.
fn is_kept(resolution: &db::resolutions::Resolution, paused: bool) -> bool {
    paused && resolution.standing() == ResolutionOutcome::Approved && !resolution.was_told()
}

/// Seals the first delivery of a sealed resolution, and that of its release against a rule or of its revocation.
async fn release(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    decision: &db::decisions::Decision,
    (paused, size): (bool, u64),
) -> Result<bool> {
    if decision.state.is_open() {
        return Ok(false);
    }
    let Some(resolution) = db::resolutions::find(tx, decision.id).await? else { return Ok(false) };
    let (said, index) = resolution.said();
    if resolution.was_told() || index.is_none_or(|index| index >= size) || is_kept(&resolution, paused) {
        return Ok(false);
    }
    let n = decision.n + 1;
    let event = Event::Released { decision: decision.id, n, resolution: said, size };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    if resolution.released_at.is_none() {
        db::resolutions::insert_release(tx, decision.id, entry.at, entry.id).await?;
    }
    if resolution.revoked.is_some() {
        db::revocations::set_told(tx, decision.id, entry.at, entry.id).await?;
    } else if resolution.overridden.is_some() {
        db::overrides::set_told(tx, decision.id, entry.at, entry.id).await?;
    }
    let state = match (decision.state, resolution.standing()) {
        (State::Resolved, ResolutionOutcome::Approved) => State::Released,
        // Nothing may run after anything but an approval, so there is nothing to wait for.
        (State::Resolved, _) => State::Closed,
        // An agent that was told the approval may still report that it had acted.
        (state, _) => state,
    };
    db::decisions::set_state(tx, decision.id, n, state).await?;

    Ok(true)
}

async fn may_go_on(engine: &Engine, id: DecisionId, seen_version: Option<u64>) -> Result<bool> {
    let mut conn = engine.app.acquire().await?;
    let size = engine.head.borrow().size;
    let decision = load(&mut conn, engine, id, size).await?;
    Ok(match (decision, seen_version) {
        (None, _) => true,
        (Some(decision), Some(seen)) => decision.version > seen || decision.resolution.is_some(),
        (Some(decision), None) => decision.resolution.is_some() || decision.state == State::ChangesRequested,
    })
}

/// Returns when something sealed may concern the decision.
async fn touched(
    changes: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<countersign_domain::view::Change>>,
    id: DecisionId,
) {
    loop {
        match changes.recv().await {
            Ok(change) if change.decisions.contains(&id) => return,
            // A key or a pause may have ended while its agent waits.
            Ok(change) if change.kinds.iter().any(|kind| kind == "agent_key.revoked" || kind == "system.resumed") => {
                return;
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn record_outcome(
    engine: Engine,
    caller: Caller,
    id: DecisionId,
    key: &str,
    canonical: &str,
    result: OutcomeResult,
    effect: Effect,
) -> Result<(std::result::Result<seal::Entry, Permit>, Stored)> {
    let mut tx = engine.begin().await?;
    let decision = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: decision.system, n: decision.n };
    let permit = engine.authorize(&mut tx, &caller, Action::ReportOutcome, target).await?;
    let fingerprint = engine.vault.lookup("request", &format!("{id}\n{canonical}"));
    if let Some(stored) = propose::replay(&mut tx, decision.system, ROUTE, key, &fingerprint).await? {
        return Ok((Err(permit), stored));
    }
    let resolution = db::resolutions::find(&mut tx, id).await?.filter(|resolution| {
        resolution.released_at.is_some() && (resolution.revoked.is_some() || resolution.was_told())
    });
    let Some(resolution) = resolution else {
        let problem = countersign_domain::Problem::new(
            Code::InvalidTransition,
            "An outcome is reported after the resolution was read. GET the decision first.",
        );
        return Err(Denial::by_rule(permit, Action::ReportOutcome, target, problem));
    };
    let n = decision.n + 1;
    let event = Event::OutcomeReported { decision: id, n, resolution: resolution.said().0, result, effect };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    let outcome = OutcomeId(engine.id());
    db::outcomes::insert(&mut tx, outcome, id, result, effect, entry.at, entry.id).await?;
    if let Some(revoked) = resolution.revoked.as_ref().filter(|_| has_effect(result, effect))
        && db::revocations::open_compensation(&mut tx, id).await?
    {
        revoke::tell(&mut tx, &engine, id, revoked.by, None, &entry).await?;
    }
    db::decisions::set_state(&mut tx, id, n, State::Closed).await?;
    let body = serde_json::json!({"id": outcome, "seal": {"state": "recorded", "index": null, "size": null}});
    let stored = Stored { status: 201, body, replayed: false };
    let answer = stored.body.to_string();
    let claim = db::idempotency_keys::Claim {
        system: decision.system,
        route: ROUTE,
        key,
        fingerprint: &fingerprint,
        status: 201,
        answer: &answer,
    };
    if !db::idempotency_keys::claim(&mut tx, &claim, engine.now()).await? {
        return Err(Error::LostRace);
    }
    engine.commit(tx).await?;

    Ok((Ok(entry), stored))
}

fn parse_outcome(value: &Value) -> Result<(OutcomeResult, Effect)> {
    let mut fields = Fields::default();
    let members = fields.object("", value);
    fields.only("", members, &["result", "effect"]);
    let result = fields.required_text("/result", members.get("result"), 16);
    let effect = fields.required_text("/effect", members.get("effect"), 16);
    let parsed = (OutcomeResult::from_word(&result), Effect::from_word(&effect));
    if parsed.0.is_none() && !result.is_empty() {
        fields.error("/result", "unknown_value", "Send executed, failed, not_executed or compensated.");
    }
    if parsed.1.is_none() && !effect.is_empty() {
        fields.error("/effect", "unknown_value", "Send none, partial, full or unknown.");
    }
    fields.done()?;
    match parsed {
        (Some(result), Some(effect)) => Ok((result, effect)),
        _ => Err(Error::field("", "missing", "Send result and effect.")),
    }
}
