//! Opening a masked field: with a reason, for one sign-in and a short time, on record.

use countersign_domain::{Problem, event::Event, ids::DecisionId, problem::Code, text::Reason};

use crate::{
    Engine,
    authorize::{Action, Denial, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    seal,
};

/// How long a field stays open, in milliseconds.
pub(crate) const OPEN_MS: u64 = 5 * 60 * 1_000;

/// Opens a field that the decision's type marks as personal, for this sign-in and five minutes.
///
/// # Errors
///
/// `invalid_content` for a field that is not masked; [`Error::Hidden`] and [`Error::Forbidden`] for who may not.
pub async fn open_field(
    engine: &Engine,
    caller: &Caller,
    decision: DecisionId,
    field: &str,
    reason: Reason,
) -> Result<()> {
    let Actor::Person { id: person, session, .. } = caller.actor else {
        return Err(Error::refused(Code::Unauthenticated, "Sign in first."));
    };
    let field = field.to_owned();
    engine
        .act(caller, move |engine, caller| {
            let (field, reason) = (field.clone(), reason.clone());
            async move {
                let mut tx = engine.begin().await?;
                let stored = db::decisions::find(&mut tx, decision).await?.ok_or(Error::NotFound)?;
                let target = Target::Decision { id: decision, system: stored.system, n: stored.n };
                let permit = engine.authorize(&mut tx, &caller, Action::UnmaskField, target).await?;
                let types = db::decision_types::list(&mut tx, &[stored.type_id.0]).await?;
                let masked = types.iter().any(|(_, definition)| definition.personal.contains(&field));
                if !masked {
                    let problem = Problem::new(Code::InvalidContent, "This field of the decision is not masked.");
                    return Err(Denial::by_rule(permit, Action::UnmaskField, target, problem));
                }
                let event = Event::Unmasked {
                    decision,
                    upto: stored.n,
                    field: field.clone(),
                    reason: reason.as_str().to_owned(),
                    by: person,
                };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                let new = db::openings::New {
                    id: engine.id(),
                    decision,
                    person,
                    session,
                    field: &field,
                    now: entry.at,
                    expires_at: entry.at + OPEN_MS,
                    entry: entry.id,
                };
                db::openings::insert(&mut tx, &new).await?;
                engine.commit(tx).await
            }
        })
        .await
}
