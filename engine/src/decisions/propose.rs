//! An agent proposes: strict reading, commitments, one entry for the content and one for the route.

use std::collections::BTreeMap;

use countersign_domain::{
    answer::AgentDecision,
    decision::{Risk, State},
    event::{Event, Scope, TextOwner},
    ids::{DecisionId, DecisionTypeId, EntryId, RevisionId, SystemId},
    json,
    problem::Code,
    proposal::{self, Proposal},
};
use countersign_ledger::{
    hash::{Label, digest},
    statement::Content,
};
use sqlx::{Postgres, Transaction};

use super::{
    Stored, agent,
    review::{Resolve, resolve},
    routing, turn,
};
use crate::{
    Engine,
    authorize::{self, Action, Permit, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    grants, notices, pauses,
    reads::Statement,
    seal,
    vault::Text,
};

/// Open decisions that one system may have (`product.md` 7).
const OPEN_MAX: u64 = 10_000;
/// Name of the route in the idempotency table.
const ROUTE: &str = "decisions";
/// Status of a decision that waits for people.
pub(super) const ACCEPTED: u16 = 202;
/// Status of a decision that a rule, a grant or a pause has decided.
pub(super) const DECIDED: u16 = 201;

/// Records a proposal and routes it; that of a paused system is rejected at once.
///
/// The same key and content again returns the first answer; an equal open decision is returned
/// unless the agent says that it means a second act.
///
/// # Errors
///
/// Every field that needs a change, `unknown_type`, `idempotency_key_reused`, `id_taken`, `queue_full`.
pub async fn propose(engine: &Engine, caller: &Caller, key: &str, body: &[u8]) -> Result<Stored> {
    check_key(key)?;
    engine.has_room()?;
    let proposal = Proposal::parse(body)?;
    let key = key.to_owned();
    let (recorded, stored) = engine
        .act(caller, move |engine, caller| {
            let (proposal, key) = (proposal.clone(), key.clone());
            async move { record(engine, caller, &key, proposal).await }
        })
        .await?;
    answered(engine, caller, recorded, stored, DECIDED).await
}

/// Shapes the answer to an agent's write, once it has had time to be sealed. What is decided is told as it stands, with
/// the status given.
pub(super) async fn answered(
    engine: &Engine,
    caller: &Caller,
    recorded: Recorded,
    mut stored: Stored,
    decided_status: u16,
) -> Result<Stored> {
    let was_decided = stored.status != ACCEPTED;
    if was_decided {
        stored.status = decided_status;
    }
    match recorded {
        Recorded::New { entry, decided } => {
            let sealed = seal::wait(entry).await.index;
            if let (Some(_), Some(id), true) = (sealed, decided, reads(caller)) {
                let decision = agent::get(engine, caller, id).await?;
                return Ok(Stored { status: decided_status, body: value(&decision)?, replayed: false });
            }
            if let Some(index) = sealed {
                let size = engine.head.borrow().size;
                stored.body["seal"] = serde_json::json!({"state": "sealed", "index": index, "size": size});
            }
        }
        // What a rule decided is told as it stands by now; reading it puts that on record.
        Recorded::Before(_) if was_decided && reads(caller) => {
            let decision = agent::get(engine, caller, agent::named(&stored.body)?).await?;
            let status = if decision.resolution.is_some() { decided_status } else { ACCEPTED };
            return Ok(Stored { status, body: value(&decision)?, replayed: true });
        }
        Recorded::Before(permit) => agent::record_view(engine, caller, permit, &stored.body).await?,
    }

    Ok(stored)
}

/// Tells whether an agent's key may read what became of its proposal.
fn reads(caller: &Caller) -> bool {
    matches!(&caller.actor, Actor::Agent { scopes, .. } if scopes.contains(&Scope::Read))
}

/// What an agent's write came to.
pub(super) enum Recorded {
    /// A new state; its last entry waits for its seal. Named where it has its resolution.
    New { entry: seal::Entry, decided: Option<DecisionId> },
    /// An answer that exists, which makes this request a read.
    Before(Permit),
}

/// Checks a key of an agent's write: 1 to 255 printable ASCII characters.
pub(crate) fn check_key(key: &str) -> Result<()> {
    match (1..=255).contains(&key.len()) && key.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        true => Ok(()),
        false => Err(Error::refused(
            Code::IdempotencyKeyMissing,
            "Send the header Idempotency-Key: 1 to 255 printable ASCII characters, the same on every repeat.",
        )),
    }
}

/// Returns the first answer to a key, if it was used.
pub(crate) async fn replay(
    tx: &mut Transaction<'static, Postgres>,
    system: SystemId,
    route: &str,
    key: &str,
    fingerprint: &[u8],
) -> Result<Option<Stored>> {
    let Some(kept) = db::idempotency_keys::find(tx, system, route, key).await? else { return Ok(None) };
    if kept.fingerprint != fingerprint {
        return Err(Error::refused(
            Code::IdempotencyKeyReused,
            "This Idempotency-Key was used with other content. Send the first content again, or new content under a new key.",
        ));
    }
    let unreadable = |_| Error::Row { table: "idempotency_keys", column: "answer", id: key.to_owned() };
    Ok(Some(Stored {
        status: u16::try_from(kept.status).unwrap_or(ACCEPTED),
        body: serde_json::from_str(&kept.answer).map_err(unreadable)?,
        replayed: true,
    }))
}

async fn record(engine: Engine, caller: Caller, key: &str, proposal: Proposal) -> Result<(Recorded, Stored)> {
    let Actor::Agent { system, key: agent_key, .. } = caller.actor else { return Err(Error::NotFound) };
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, &caller, Action::Propose, Target::System(system)).await?;
    let fingerprint = engine.vault.lookup("request", &proposal.canonical);
    if let Some(stored) = replay(&mut tx, system, ROUTE, key, &fingerprint).await? {
        return Ok((Recorded::Before(permit), stored));
    }
    let Some((type_id, definition)) =
        db::decision_types::find(&mut tx, &proposal.action_type, proposal.type_version).await?
    else {
        return Err(Error::refused(Code::UnknownType, unknown_type(&proposal)));
    };
    let parameters =
        definition.bind(&proposal.parameters).map_err(|errors| Error::Refused(proposal::invalid(errors)))?;
    let paused = pauses::hold(&mut tx, system).await?;
    if !paused && db::decisions::count_open_of(&mut tx, system).await? >= OPEN_MAX {
        return Err(Error::refused(
            Code::QueueFull,
            format!("{OPEN_MAX} decisions of this system wait. Try again when some are decided."),
        ));
    }
    let same_content = engine.vault.lookup("content", &same_content(type_id, &parameters));
    if !proposal.second_act
        && let Some(open) = db::decisions::find_same_open(&mut tx, system, &same_content).await?
    {
        let stored = answer_open(engine, tx, open, key, &fingerprint, system).await?;
        return Ok((Recorded::Before(permit), stored));
    }
    if let Some(id) = proposal.id
        && db::decisions::find(&mut tx, id).await?.is_some()
    {
        return Err(Error::refused(
            Code::IdTaken,
            "A decision with this id exists. Leave the id out, or send another.",
        ));
    }
    let Some(policy) = db::policies::find_active(&mut tx).await? else {
        return Err(Error::Setup("No policy is in force.".into()));
    };
    let system_name = db::systems::find(&mut tx, system).await?.ok_or(Error::NotFound)?.name;
    let about_persons = !proposal.subjects.is_empty();
    let record = proposal.record.iter().map(|(field, text)| ((*field).to_owned(), text.clone()));
    let fields = parameters.iter().cloned().chain(record).collect();
    let case = routing::Case::new((system, &system_name), &definition, about_persons, &fields);
    let case = routing::Case { paused, ..case };

    let id = proposal.id.unwrap_or_else(|| DecisionId(engine.id()));
    let (content_entry, content_hash) =
        seal_content(&mut tx, &engine, &caller, &permit, id, (type_id, case.risk), &proposal, &parameters).await?;
    let (routed, _) = case.route(&mut tx, &engine, &policy, content_entry.at).await?;
    let mut decision = db::decisions::Decision {
        id,
        n: 2,
        system,
        agent_key,
        type_id,
        state: State::Queued,
        risk: case.risk,
        round: 1,
        revision: 1,
        content_hash,
        policy_version: policy.id,
        rule: routed.rule,
        route: routed.route,
        guards: routed.guards.clone(),
        about_persons,
        need: routed.need,
        reject_threshold: routed.reject_threshold,
        due_at: routed.due_at,
        on_timeout: routed.on_timeout,
        escalated_at: None,
        settling: None,
        asked_version: policy.id,
        external_id: proposal.external_id.clone().or_else(|| Some(key.to_owned())),
        conversation: proposal.conversation.clone(),
        proposed_at: content_entry.at,
        entry: content_entry.id,
    };
    let route_permit = authorize::unevaluated(authorize::engine_actor());
    let event = Event::Routed { decision: id, n: 2, policy: policy.id, routed };
    let mut entry = seal::append(&mut tx, &engine, &caller, &route_permit, &event).await?;
    let source = proposal.source.as_ref().map(|(name, n)| (name.as_str(), *n));
    let new = db::decisions::New {
        decision: &decision,
        same_content: &same_content,
        second_act: proposal.second_act,
        amount: definition.amount_of(&parameters),
        senior_only: routing::quorum(&decision, &policy).takes_senior(&[]),
        source,
    };
    if !db::decisions::insert(&mut tx, &new).await? {
        return Err(in_use());
    }
    db::decisions::insert_revision(&mut tx, RevisionId(engine.id()), &decision).await?;
    db::decisions::insert_route(&mut tx, &decision, 2, "decision.routed", entry.id, None).await?;
    let mut decided = None;
    let settled = match paused {
        true => Some(resolve(&mut tx, &engine, &caller, &decision, Resolve::by_pause(decision.n + 1)).await?),
        false => match routing::resolve_by_rule(&mut tx, &engine, &caller, &decision).await? {
            None => grants::approve(&mut tx, &engine, &caller, &decision, (&case, &policy)).await?,
            resolved => resolved,
        },
    };
    match settled {
        Some(resolved) => {
            entry = resolved;
            decided = Some(id);
            decision.state = State::Resolved;
        }
        None => notices::outbox::leave_turn(&mut tx, &engine, &decision).await?,
    }
    let told = agent::Told::of(turn::find(&mut tx, &decision).await?.turn);
    let body = agent::body(&engine, &decision, &definition, None, decision.n, paused, told);
    let status = if decided.is_some() { DECIDED } else { ACCEPTED };
    let mut stored = Stored { status, body: value(&body)?, replayed: false };
    keep(&mut tx, &engine, (system, ROUTE), key, &fingerprint, &stored).await?;
    engine.commit(tx).await?;
    // Until it is sealed, no agent is told.
    stored.status = ACCEPTED;

    Ok((Recorded::New { entry, decided }, stored))
}

/// Commits to every field, seals the content under its own entry, and stores what the commitments hide.
#[expect(clippy::too_many_arguments, reason = "one call, and a struct would only rename its arguments")]
async fn seal_content(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    id: DecisionId,
    (type_id, risk): (DecisionTypeId, Risk),
    proposal: &Proposal,
    parameters: &[(String, String)],
) -> Result<(seal::Entry, countersign_ledger::hash::Hash)> {
    let entry = EntryId(engine.id());
    let owner = match proposal.subjects.first() {
        Some(reference) => TextOwner::Subject(reference.clone()),
        None => TextOwner::Unattributed,
    };
    let parameters = parameters.iter().map(|(field, text)| (field.as_str(), text));
    let record = proposal.record.iter().map(|(field, text)| (*field, text));
    let texts: Vec<_> =
        parameters.chain(record).map(|(field, text)| Text { field, text, owner: &owner, key: None }).collect();
    let values = engine.vault.prepare(tx, entry, engine.now(), &texts).await?;
    let fields: BTreeMap<_, _> = values.iter().map(|value| (value.field.clone(), value.commitment)).collect();
    let Actor::Agent { system, .. } = caller.actor else { return Err(Error::NotFound) };
    let content = Content {
        decision: id.to_string(),
        system: system.to_string(),
        type_: type_id.to_string(),
        tier: risk.word().to_owned(),
        model: proposal.model.as_ref().map(|model| digest(Label::Model, model.as_bytes())),
        fields,
    };
    let (body, content_hash) = content.seal()?;
    let event = Event::Proposed {
        decision: id,
        content: content_hash,
        type_id,
        tier: risk,
        source_n: proposal.source.as_ref().map(|(_, n)| *n),
    };
    let entry = seal::append_as(tx, engine, caller, permit, &event, entry, values).await?;
    let statement = Statement { label: Label::Content, digest: content_hash, body };
    db::statements::insert_many(tx, std::iter::once(&statement)).await?;

    Ok((entry, content_hash))
}

/// Answers with the equal decision that is open, and keeps that answer under the new key.
async fn answer_open(
    engine: Engine,
    mut tx: Transaction<'static, Postgres>,
    open: DecisionId,
    key: &str,
    fingerprint: &[u8],
    system: SystemId,
) -> Result<Stored> {
    // Should it be resolved meanwhile, reading it tells so, not this answer.
    let body = agent::load(&mut tx, &engine, open, 0).await?.ok_or(Error::NotFound)?;
    let stored = Stored { status: ACCEPTED, body: value(&body)?, replayed: false };
    keep(&mut tx, &engine, (system, ROUTE), key, fingerprint, &stored).await?;
    engine.commit(tx).await?;

    Ok(stored)
}

/// Keeps the first answer to a key of a route.
pub(super) async fn keep(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    (system, route): (SystemId, &str),
    key: &str,
    fingerprint: &[u8],
    stored: &Stored,
) -> Result<()> {
    let answer = stored.body.to_string();
    let status = i32::from(stored.status);
    let claim = db::idempotency_keys::Claim { system, route, key, fingerprint, status, answer: &answer };
    match db::idempotency_keys::claim(tx, &claim, engine.now()).await? {
        true => Ok(()),
        false => Err(in_use()),
    }
}

/// A parallel request with the same key or content won; running again finds what it made.
fn in_use() -> Error {
    Error::LostRace
}

pub(super) fn value(body: &AgentDecision) -> Result<serde_json::Value> {
    serde_json::to_value(body).map_err(|error| Error::Setup(error.to_string()))
}

pub(super) fn same_content(type_id: DecisionTypeId, parameters: &[(String, String)]) -> String {
    let members = parameters.iter().map(|(name, text)| (name.clone(), text.clone().into())).collect();
    format!("{type_id}\n{}", json::canonical(&serde_json::Value::Object(members)))
}

fn unknown_type(proposal: &Proposal) -> String {
    match proposal.type_version {
        Some(version) => format!(
            "There is no decision type {} version {version}. GET /api/v1/decision_types lists them.",
            proposal.action_type
        ),
        None => format!("There is no decision type {}. GET /api/v1/decision_types lists them.", proposal.action_type),
    }
}
