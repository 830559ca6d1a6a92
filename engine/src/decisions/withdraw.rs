//! An agent takes its proposal back; nobody's review is needed for that, and none is counted.

use countersign_domain::{
    decision::{ResolutionOutcome, State},
    event::{Event, WithdrawCode},
    ids::DecisionId,
    proposal::{self, Fields},
};

use super::{
    Stored, agent, propose,
    review::{self, Resolve},
    revise,
};
use crate::{
    Engine,
    authorize::{Action, Denial, Target},
    caller::Caller,
    db::{self, resolutions::Cause},
    error::{Error, Result},
    seal,
};

/// Name of the route in the idempotency table.
const ROUTE: &str = "withdrawals";
/// Status of the answer.
const DONE: u16 = 200;

/// Withdraws an open decision: it is resolved, and the agent must not act.
///
/// # Errors
///
/// `already_resolved` when a resolution came first, or the field that needs a change.
pub async fn withdraw(engine: &Engine, caller: &Caller, id: DecisionId, key: &str, body: &[u8]) -> Result<Stored> {
    propose::check_key(key)?;
    let value = proposal::document(body)?;
    let code = parse(&value)?;
    let canonical = countersign_domain::json::canonical(&value);
    let key = key.to_owned();
    let (recorded, stored) = engine
        .act(caller, move |engine, caller| {
            let (key, canonical) = (key.clone(), canonical.clone());
            async move { record(engine, caller, id, &key, &canonical, code).await }
        })
        .await?;
    propose::answered(engine, caller, recorded, stored, DONE).await
}

async fn record(
    engine: Engine,
    caller: Caller,
    id: DecisionId,
    key: &str,
    canonical: &str,
    code: WithdrawCode,
) -> Result<(propose::Recorded, Stored)> {
    let mut tx = engine.begin().await?;
    let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let permit = engine.authorize(&mut tx, &caller, Action::Withdraw, target).await?;
    let fingerprint = engine.vault.lookup("request", &format!("{id}\n{canonical}"));
    if let Some(kept) = propose::replay(&mut tx, stored.system, ROUTE, key, &fingerprint).await? {
        return Ok((propose::Recorded::Before(permit), kept));
    }
    let policy = db::policies::find(&mut tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let rules = review::rules(&mut tx, &stored, &policy).await?;
    rules
        .withdraw(engine.now())
        .map_err(|problem| Denial::by_rule(permit.clone(), Action::Withdraw, target, problem))?;
    stored.n += 1;
    let event = Event::Withdrawn { decision: id, n: stored.n, code };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    db::revisions::insert_withdrawal(&mut tx, id, code, entry.at, entry.id).await?;
    let outcome = ResolutionOutcome::Withdrawn;
    let cause = Some(Cause::Requester);
    let resolved = Resolve { n: stored.n + 1, outcome, reviews: Vec::new(), code: None, cause };
    let entry = review::resolve(&mut tx, &engine, &caller, &stored, resolved).await?;
    stored.n += 1;
    stored.state = State::Resolved;
    let definition = revise::definition(&mut tx, &stored).await?;
    let paused = db::pauses::is_running(&mut tx, stored.system).await?;
    let body = agent::body(&engine, &stored, &definition, None, stored.n, paused, agent::Told::default());
    let answer = Stored { status: DONE, body: propose::value(&body)?, replayed: false };
    propose::keep(&mut tx, &engine, (stored.system, ROUTE), key, &fingerprint, &answer).await?;
    engine.commit(tx).await?;

    Ok((propose::Recorded::New { entry, decided: Some(id) }, answer))
}

fn parse(value: &serde_json::Value) -> Result<WithdrawCode> {
    let mut fields = Fields::default();
    let members = fields.object("", value);
    fields.only("", members, &["reason_code"]);
    let word = fields.required_text("/reason_code", members.get("reason_code"), 32);
    let code = WithdrawCode::from_word(&word);
    if code.is_none() && !word.is_empty() {
        fields.error("/reason_code", "unknown_value", "Send no_longer_needed.");
    }
    fields.done()?;
    code.ok_or_else(|| Error::field("/reason_code", "missing", "Send no_longer_needed."))
}
