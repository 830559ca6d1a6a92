//! Decision types: defined by the operator, read by agents.

use countersign_domain::{
    decision_type::TypeDefinition,
    event::{Event, List},
    ids::DecisionTypeId,
    json, proposal,
};

use crate::{
    Engine,
    authorize::{Action, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    reads, seal, secret,
};

/// Lists every version of every type for an agent.
///
/// # Errors
///
/// When the caller is no agent.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<Vec<(DecisionTypeId, TypeDefinition)>> {
    let Actor::Agent { system, .. } = caller.actor else { return Err(Error::NotFound) };
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListDecisionTypes, Target::System(system)).await?;
        let types = db::decision_types::list_all(&mut tx).await?;
        tx.commit().await?;
        Ok((permit, types))
    };
    let (permit, types) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::DecisionTypes, count: types.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(types)
}

/// Defines a version of a type. Defining the same version with the same content again changes nothing.
///
/// # Errors
///
/// Every field that needs a change, or `name_taken` when the version exists with other content.
pub async fn define(engine: &Engine, caller: &Caller, definition: TypeDefinition) -> Result<DecisionTypeId> {
    definition.check().map_err(|errors| Error::Refused(proposal::invalid(errors)))?;
    engine
        .act(caller, move |engine, caller| {
            let definition = definition.clone();
            async move {
                let mut tx = engine.begin().await?;
                let permit =
                    engine.authorize(&mut tx, &caller, Action::DefineDecisionType, engine.installation()).await?;
                let found = db::decision_types::find(&mut tx, &definition.name, Some(definition.version)).await?;
                if let Some((id, stored)) = found {
                    return match stored == definition {
                        true => Ok(id),
                        false => Err(Error::refused(
                            countersign_domain::problem::Code::NameTaken,
                            format!(
                                "{} version {} exists with other content. Define the next version.",
                                definition.name, definition.version
                            ),
                        )),
                    };
                }
                let id = DecisionTypeId(secret::random_id());
                let value = serde_json::to_value(&definition).map_err(|error| Error::Setup(error.to_string()))?;
                let event = Event::TypeDefined { id, digest: definition.digest() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::decision_types::insert(&mut tx, id, &definition, &json::canonical(&value), entry.at, entry.id)
                    .await?;
                engine.commit(tx).await?;
                Ok(id)
            }
        })
        .await
}
