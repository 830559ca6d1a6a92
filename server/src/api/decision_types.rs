use axum::{Extension, Json, extract::State};
use countersign_domain::{decision_type::TypeDefinition, ids::DecisionTypeId};
use countersign_engine::{Caller, decision_types};
use serde::Serialize;

use super::schema;
use crate::{Refusal, Server};

/// The types that the caller may propose.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    id: DecisionTypeId,
    #[serde(flatten)]
    definition: TypeDefinition,
}

/// Lists the decision types with their parameters.
#[utoipa::path(
    get,
    path = "/api/v1/decision_types",
    operation_id = "list_decision_types",
    tag = "decision types",
    responses(
        (status = 200, description = "Every type, newest version.", body = schema::DecisionTypes),
        (status = "4XX", response = schema::Refused),
        (status = "5XX", response = schema::Refused),
    ),
    security(("agent_key" = [])),
)]
pub(crate) async fn list(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Listing>, Refusal> {
    let types = decision_types::list(server.engine(), &caller).await?;
    Ok(Json(Listing { items: types.into_iter().map(|(id, definition)| Item { id, definition }).collect() }))
}
