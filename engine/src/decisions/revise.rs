//! Other content in the place of the running one: the reviews before it are void, and the version in force routes it
//! again. An agent sends it when a reviewer asked for a change; a reviewer's edit goes the same way.

use std::collections::{BTreeMap, HashMap};

use countersign_domain::{
    decision::{ReviewState, Risk, State},
    decision_type::TypeDefinition,
    event::{Event, TextOwner, VoidCause},
    ids::{DecisionId, DecisionTypeId, EntryId, PersonId, RevisionId, SystemId},
    lease::LeaseEnd,
    lineage::Maker,
    policy::{PolicyVersion, Routed},
    problem::FieldError,
    proposal::{self, Proposal},
};
use countersign_ledger::{
    hash::{Hash, Label, digest},
    statement::Content,
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{Stored, agent, propose, review, routing, settle, turn};
use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::{Actor, Caller},
    db::{self, decisions::Decision},
    error::{Error, Result},
    pauses,
    reads::Statement,
    seal,
    vault::{Prepared, Text},
};

/// Name of the route in the idempotency table.
const ROUTE: &str = "revisions";

/// Takes the agent's answer to a request for changes.
///
/// # Errors
///
/// `invalid_transition` where no change was asked for, every field that needs a change, and as
/// [`propose`](super::propose()).
pub async fn revise(engine: &Engine, caller: &Caller, id: DecisionId, key: &str, body: &[u8]) -> Result<Stored> {
    propose::check_key(key)?;
    engine.has_room()?;
    let proposal = Proposal::parse(body)?;
    let key = key.to_owned();
    let (recorded, stored) = engine
        .act(caller, move |engine, caller| {
            let (proposal, key) = (proposal.clone(), key.clone());
            async move { record(engine, caller, id, &key, proposal).await }
        })
        .await?;
    propose::answered(engine, caller, recorded, stored, propose::ACCEPTED).await
}

async fn record(
    engine: Engine,
    caller: Caller,
    id: DecisionId,
    key: &str,
    proposal: Proposal,
) -> Result<(propose::Recorded, Stored)> {
    let Actor::Agent { key: agent_key, system, .. } = caller.actor else { return Err(Error::NotFound) };
    let mut tx = engine.begin().await?;
    let paused = pauses::hold(&mut tx, system).await?;
    let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let permit = engine.authorize(&mut tx, &caller, Action::Revise, target).await?;
    let fingerprint = engine.vault.lookup("request", &format!("{id}\n{}", proposal.canonical));
    if let Some(kept) = propose::replay(&mut tx, stored.system, ROUTE, key, &fingerprint).await? {
        return Ok((propose::Recorded::Before(permit), kept));
    }
    let policy = db::policies::find(&mut tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let rules = review::rules(&mut tx, &stored, &policy).await?;
    rules.revise(engine.now()).map_err(|problem| Denial::by_rule(permit.clone(), Action::Revise, target, problem))?;
    let definition = definition(&mut tx, &stored).await?;
    let parameters = bind(&stored, &definition, &proposal)?;
    let version = of_proposal(&mut tx, &engine, &stored, &definition, &proposal, (parameters, paused)).await?;
    stored.agent_key = agent_key;
    let mut entry = replace(&mut tx, &engine, &caller, &permit, &mut stored, version, None).await?;
    let mut decided = None;
    if let Some(resolved) = routing::resolve_by_rule(&mut tx, &engine, &caller, &stored).await? {
        entry = resolved;
        decided = Some(id);
        stored.state = State::Resolved;
    }
    let told = agent::Told::of(turn::find(&mut tx, &stored).await?.turn);
    let body = agent::body(&engine, &stored, &definition, None, stored.n, paused, told);
    let status = if decided.is_some() { propose::DECIDED } else { propose::ACCEPTED };
    let answer = Stored { status, body: propose::value(&body)?, replayed: false };
    propose::keep(&mut tx, &engine, (stored.system, ROUTE), key, &fingerprint, &answer).await?;
    engine.commit(tx).await?;
    // Until it is sealed, no agent is told.
    let answer = Stored { status: propose::ACCEPTED, ..answer };

    Ok((propose::Recorded::New { entry, decided }, answer))
}

/// Checks what a revision may not change, and its parameters.
fn bind(stored: &Decision, definition: &TypeDefinition, proposal: &Proposal) -> Result<Vec<(String, String)>> {
    let mut errors = Vec::new();
    if proposal.action_type != definition.name {
        let detail =
            format!("A revision keeps its action type, {}. Another action is a new decision.", definition.name);
        errors.push(FieldError::new("/action/type", "type_changed", detail));
    }
    if proposal.type_version.is_some_and(|version| version != definition.version) {
        let detail =
            format!("A revision keeps the version of its type, {}. Leave it out, or send that.", definition.version);
        errors.push(FieldError::new("/action/type_version", "type_changed", detail));
    }
    if proposal.id.is_some_and(|id| id != stored.id) {
        errors.push(FieldError::new("/id", "other_decision", "Leave it out, or send the id of the decision."));
    }
    if proposal.external_id.is_some() && proposal.external_id != stored.external_id {
        errors.push(FieldError::new("/external_id", "case_changed", "A revision keeps the case of its decision."));
    }
    if !errors.is_empty() {
        return Err(Error::Refused(proposal::invalid(errors)));
    }
    definition.bind(&proposal.parameters).map_err(|errors| Error::Refused(proposal::invalid(errors)))
}

/// A version about to take the place of the running one.
pub(super) struct Version {
    pub(super) entry: EntryId,
    pub(super) content: Hash,
    statement: Statement,
    values: Vec<Prepared>,
    risk: Risk,
    about_persons: bool,
    amount: Option<u64>,
    same_content: Vec<u8>,
    second_act: bool,
    /// The version of the policy that routes it.
    pub(super) policy: PolicyVersion,
    routed: Routed,
}

/// What a version is made of, with every text committed under its entry.
pub(super) struct Draft<'a> {
    pub(super) entry: EntryId,
    pub(super) definition: &'a TypeDefinition,
    pub(super) parameters: Vec<(String, String)>,
    /// The record's own fields.
    pub(super) record: Vec<(String, String)>,
    pub(super) values: Vec<Prepared>,
    pub(super) model: Option<Hash>,
    pub(super) about_persons: bool,
    pub(super) second_act: bool,
    /// The system is paused, so no rule approves it.
    pub(super) paused: bool,
}

/// Commits to what an agent sends.
async fn of_proposal(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    stored: &Decision,
    definition: &TypeDefinition,
    proposal: &Proposal,
    (parameters, paused): (Vec<(String, String)>, bool),
) -> Result<Version> {
    let second_act = proposal.second_act || db::revisions::is_second_act(tx, stored.id).await?;
    let owner = match proposal.subjects.first() {
        Some(reference) => TextOwner::Subject(reference.clone()),
        None => TextOwner::Unattributed,
    };
    let record: Vec<_> = proposal.record.iter().map(|(field, text)| ((*field).to_owned(), text.clone())).collect();
    let fields = parameters.iter().chain(&record);
    let texts: Vec<_> = fields.map(|(field, text)| Text { field, text, owner: &owner, key: None }).collect();
    let entry = EntryId(engine.id());
    let values = engine.vault.prepare(tx, entry, engine.now(), &texts).await?;
    let model = proposal.model.as_ref().map(|model| digest(Label::Model, model.as_bytes()));
    let about_persons = !proposal.subjects.is_empty();
    let draft = Draft { entry, definition, parameters, record, values, model, about_persons, second_act, paused };
    version(tx, engine, stored, draft).await
}

/// Seals a draft's content, and asks the version in force and its guards about it.
///
/// # Errors
///
/// `invalid_content` when an equal decision of the system is open.
pub(super) async fn version(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    stored: &Decision,
    draft: Draft<'_>,
) -> Result<Version> {
    let Draft { entry, definition, parameters, record, values, model, about_persons, second_act, paused } = draft;
    let same_content = engine.vault.lookup("content", &propose::same_content(stored.type_id, &parameters));
    if !second_act && let Some(open) = db::revisions::find_other_open(tx, stored, &same_content).await? {
        let detail =
            format!("The equal decision {open} is open. Leave this one to it, or state that it is a second act.");
        return Err(Error::field("/action/parameters", "duplicate", detail));
    }
    let Some(policy) = db::policies::find_active(tx).await? else {
        return Err(Error::Setup("No policy is in force.".into()));
    };
    let system = db::systems::find(tx, stored.system).await?.ok_or(Error::NotFound)?;
    let amount = definition.amount_of(&parameters);
    let fields: HashMap<_, _> = parameters.into_iter().chain(record).collect();
    let case = routing::Case::new((stored.system, &system.name), definition, about_persons, &fields);
    let case = routing::Case { paused, ..case };
    let (routed, _) = case.route(tx, engine, &policy, engine.now()).await?;
    let (body, content) = content(stored.id, stored.system, stored.type_id, case.risk, model, &values).seal()?;
    Ok(Version {
        entry,
        content,
        statement: Statement { label: Label::Content, digest: content, body },
        values,
        risk: case.risk,
        about_persons,
        amount,
        same_content,
        second_act,
        policy,
        routed,
    })
}

/// Makes a version the running one of a locked decision, as far as its route; returns the entry of that.
///
/// Every review of what stood there is void but the one that made it: whether that one counts is the caller's to say.
pub(super) async fn replace(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    stored: &mut Decision,
    version: Version,
    editor: Option<(PersonId, EntryId)>,
) -> Result<seal::Entry> {
    let made_by = editor.map(|(_, review)| review);
    let reviews = db::reviews::list(tx, stored.id).await?;
    let standing = reviews.iter().filter(|review| settle::stands(review, stored)).map(|review| review.entry);
    let standing: Vec<_> = standing.filter(|review| Some(*review) != made_by).collect();
    let (decision, from, content) = (stored.id, stored.content_hash, version.content);
    stored.n += 1;
    let event = match editor {
        Some(_) => Event::Edited { decision, n: stored.n, from, content },
        None => Event::Revised { decision, n: stored.n, from, content },
    };
    seal::append_as(tx, engine, caller, permit, &event, version.entry, version.values).await?;
    db::statements::insert_many(tx, std::iter::once(&version.statement)).await?;
    for review in standing {
        stored.n += 1;
        void(tx, engine, caller, stored, review).await?;
    }
    stored.n += 1;
    stored.state = State::Queued;
    stored.settling = None;
    stored.round += 1;
    stored.revision += 1;
    stored.content_hash = content;
    stored.entry = version.entry;
    stored.risk = version.risk;
    stored.about_persons = version.about_persons;
    stored.policy_version = version.policy.id;
    stored.asked_version = version.policy.id;
    stored.rule = version.routed.rule;
    stored.route = version.routed.route;
    stored.guards.clone_from(&version.routed.guards);
    stored.need = version.routed.need;
    stored.reject_threshold = version.routed.reject_threshold;
    stored.due_at = version.routed.due_at;
    stored.on_timeout = version.routed.on_timeout;
    stored.escalated_at = None;
    let event = Event::Routed { decision, n: stored.n, policy: version.policy.id, routed: version.routed };
    let entry = seal::append(tx, engine, caller, &authorize::unevaluated(authorize::engine_actor()), &event).await?;
    let new = db::revisions::New {
        id: RevisionId(engine.id()),
        decision: stored,
        maker: if editor.is_some() { Maker::Edited } else { Maker::Revised },
        person: editor.map(|(person, _)| person),
        same_content: &version.same_content,
        second_act: version.second_act,
        amount: version.amount,
    };
    db::revisions::insert(tx, &new).await?;
    db::decisions::insert_route(tx, stored, stored.n, "decision.routed", entry.id, None).await?;
    db::leases::end_all(tx, decision, LeaseEnd::Revised, entry.at).await?;
    routing::keep_free_seat(tx, engine, stored, &version.policy).await?;
    Ok(entry)
}

/// Makes a review void, because what it ruled on was replaced; `stored.n` is the number of this act.
pub(super) async fn void(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Decision,
    review: EntryId,
) -> Result<seal::Entry> {
    let permit = authorize::unevaluated(authorize::engine_actor());
    let event = Event::ReviewVoided { decision: stored.id, n: stored.n, review, cause: VoidCause::Revised };
    let entry = seal::append(tx, engine, caller, &permit, &event).await?;
    db::reviews::end(tx, review, ReviewState::Void, entry.at, entry.id).await?;
    Ok(entry)
}

/// Reads the type of a stored decision.
pub(super) async fn definition(conn: &mut PgConnection, stored: &Decision) -> Result<TypeDefinition> {
    let types = db::decision_types::list(conn, &[stored.type_id.0]).await?;
    let missing = || Error::Row { table: "decisions", column: "type_id", id: stored.id.to_string() };
    types.into_iter().next().map(|(_, definition)| definition).ok_or_else(missing)
}

fn content(
    id: DecisionId,
    system: SystemId,
    type_id: DecisionTypeId,
    risk: Risk,
    model: Option<Hash>,
    values: &[Prepared],
) -> Content {
    let fields: BTreeMap<_, _> = values.iter().map(|value| (value.field.clone(), value.commitment)).collect();
    Content {
        decision: id.to_string(),
        system: system.to_string(),
        type_: type_id.to_string(),
        tier: risk.word().to_owned(),
        model,
        fields,
    }
}
