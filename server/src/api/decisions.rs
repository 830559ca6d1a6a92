use std::time::Duration;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use countersign_domain::{answer::AgentDecision, problem::Code, view::proof_file};
use countersign_engine::{Caller, decisions, decisions::Stored};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG, LOCATION},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    decision_id,
    request::{IdempotencyKey, JsonBytes, Parameters},
    schema,
};
use crate::{Refusal, Server, files, log_files};

const WAIT_SECONDS_MAX: u64 = 30;

/// How long a proposal waits for its answer.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProposeQuery {
    /// Wait this long for the resolution.
    #[param(minimum = 0, maximum = 30)]
    wait_seconds: Option<u64>,
}

/// Proposes a decision.
///
/// Repeating the request with the same key gives the first answer again, for ever.
#[utoipa::path(
    post,
    path = "/api/v1/decisions",
    operation_id = "propose_decision",
    tag = "decisions",
    params(ProposeQuery, ("Idempotency-Key" = String, Header, description = "Stable key of this proposal, 1 to 255 printable ASCII characters.")),
    request_body(content = schema::Proposal, content_type = "application/json"),
    responses(
        (status = 201, description = "The decision has its resolution.", body = schema::AgentDecision),
        (status = 202, description = "The decision waits for people.", body = schema::AgentDecision),
        (status = "4XX", response = schema::Refused),
        (status = "5XX", response = schema::Refused),
    ),
    security(("agent_key" = [])),
)]
pub(crate) async fn propose(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Parameters(query): Parameters<ProposeQuery>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Refusal> {
    let wait = wait_time(query.wait_seconds)?;
    let stored = decisions::propose(server.engine(), &caller, &key, &body).await?;
    let id = stored.body.get("id").and_then(|id| id.as_str()?.parse().ok());
    let pending = stored.status == StatusCode::ACCEPTED.as_u16();
    let mut response = match (id, wait) {
        (Some(id), Some(wait)) if pending => {
            let decision = decisions::wait(server.engine(), &caller, id, wait, None).await?;
            let status = if decision.resolution.is_some() { StatusCode::CREATED } else { StatusCode::ACCEPTED };
            mark_replayed((status, Json(decision)).into_response(), stored.replayed)
        }
        _ => answer(stored),
    };
    if let Some(id) = id.filter(|_| response.status().is_success()) {
        let location = HeaderValue::from_str(&format!("/api/v1/decisions/{id}")).expect("an id is a header value");
        response.headers_mut().insert(LOCATION, location);
    }

    Ok(response)
}

/// What an agent waits for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// Wait this long: until the agent can go on (a resolution, or a change asked for), or with `seen_version` for any
    /// change.
    #[param(minimum = 0, maximum = 30)]
    wait_seconds: Option<u64>,
    /// The `version` that the agent holds.
    seen_version: Option<u64>,
}

/// Reads a decision, at once or when it has changed.
#[utoipa::path(
    get,
    path = "/api/v1/decisions/{id}",
    operation_id = "get_decision",
    tag = "decisions",
    params(WaitQuery, ("id" = String, Path, format = Uuid, description = "The decision.")),
    responses(
        (status = 200, description = "The decision as it stands; its resolution only once sealed.", body = schema::AgentDecision, headers(("ETag" = String, description = "Names exactly this state."))),
        (status = 304, description = "As the client holds it (`If-None-Match`)."),
        (status = "4XX", response = schema::Refused),
        (status = "5XX", response = schema::Refused),
    ),
    security(("agent_key" = [])),
)]
pub(crate) async fn show(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(query): Parameters<WaitQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = decision_id(&id)?;
    let decision = match wait_time(query.wait_seconds)? {
        Some(wait) => decisions::wait(server.engine(), &caller, id, wait, query.seen_version).await?,
        None => decisions::get(server.engine(), &caller, id).await?,
    };

    Ok(tagged(&decision, &headers))
}

/// Reports what became of an approved action.
#[utoipa::path(
    post,
    path = "/api/v1/decisions/{id}/outcomes",
    operation_id = "report_outcome",
    tag = "decisions",
    params(
        ("id" = String, Path, format = Uuid, description = "The decision."),
        ("Idempotency-Key" = String, Header, description = "Stable key of this report, 1 to 255 printable ASCII characters."),
    ),
    request_body(content = schema::OutcomeReport, content_type = "application/json"),
    responses(
        (status = 201, description = "The report is recorded.", body = schema::AgentOutcome),
        (status = "4XX", response = schema::Refused),
        (status = "5XX", response = schema::Refused),
    ),
    security(("agent_key" = [])),
)]
pub(crate) async fn report_outcome(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Refusal> {
    let id = decision_id(&id)?;
    Ok(answer(decisions::report_outcome(server.engine(), &caller, id, &key, &body).await?))
}

/// Answers a request for changes with other content.
///
/// Only in the state `changes_requested`, and of the same action type. The reviews before it are void, and the policy
/// routes the revision as it routed the proposal. `source` is not counted again.
#[utoipa::path(
    post,
    path = "/api/v1/decisions/{id}/revisions",
    operation_id = "revise_decision",
    tag = "decisions",
    params(
        ("id" = String, Path, format = Uuid, description = "The decision."),
        ("Idempotency-Key" = String, Header, description = "Stable key of this revision, 1 to 255 printable ASCII characters."),
    ),
    request_body(content = schema::Proposal, content_type = "application/json"),
    responses(
        (status = 202, description = "The revision is recorded; the body says where it was sent.", body = schema::AgentDecision),
        (status = "4XX", response = schema::Refused),
        (status = "5XX", response = schema::Refused),
    ),
    security(("agent_key" = [])),
)]
pub(crate) async fn revise(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Refusal> {
    let id = decision_id(&id)?;
    Ok(answer(decisions::revise(server.engine(), &caller, id, &key, &body).await?))
}

/// Takes a proposal back.
///
/// In every state but the resolved ones; when a resolution came first, the answer is 409 `already_resolved`.
#[utoipa::path(
    post,
    path = "/api/v1/decisions/{id}/withdraw",
    operation_id = "withdraw_decision",
    tag = "decisions",
    params(
        ("id" = String, Path, format = Uuid, description = "The decision."),
        ("Idempotency-Key" = String, Header, description = "Stable key of this withdrawal, 1 to 255 printable ASCII characters."),
    ),
    request_body(content = schema::Withdrawal, content_type = "application/json"),
    responses(
        (status = 200, description = "The decision is withdrawn; the action must not run.", body = schema::AgentDecision),
        (status = "4XX", response = schema::Refused),
        (status = "5XX", response = schema::Refused),
    ),
    security(("agent_key" = [])),
)]
pub(crate) async fn withdraw(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Refusal> {
    let id = decision_id(&id)?;
    Ok(answer(decisions::withdraw(server.engine(), &caller, id, &key, &body).await?))
}

/// Reads the inclusion proof of the resolution.
#[utoipa::path(
    get,
    path = "/api/v1/decisions/{id}/proof",
    operation_id = "get_proof",
    tag = "decisions",
    params(("id" = String, Path, format = Uuid, description = "The decision.")),
    responses(
        (status = 200, description = "A tlog-proof file (C2SP).", body = String, content_type = "text/plain"),
        (status = "4XX", response = schema::Refused),
        (status = "5XX", response = schema::Refused),
    ),
    security(("agent_key" = [])),
)]
pub(crate) async fn proof(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = decision_id(&id)?;
    let proof = decisions::proof(server.engine(), &caller, id).await?;
    Ok(log_files::download(&proof_file(id), proof))
}

fn wait_time(seconds: Option<u64>) -> Result<Option<Duration>, Refusal> {
    match seconds {
        None | Some(0) => Ok(None),
        Some(seconds @ 1..=WAIT_SECONDS_MAX) => Ok(Some(Duration::from_secs(seconds))),
        Some(_) => Err(Refusal::new(Code::MalformedRequest, "wait_seconds is 0 to 30; ask again for longer.")),
    }
}

fn answer(stored: Stored) -> Response {
    let Stored { status, body, replayed, .. } = stored;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    mark_replayed((status, Json(body)).into_response(), replayed)
}

fn mark_replayed(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response
            .headers_mut()
            .insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    }
    response
}

fn tagged(decision: &AgentDecision, headers: &HeaderMap) -> Response {
    let body = serde_json::to_vec(decision).expect("a decision is plain data");
    let tag = files::entity_tag(&body);
    if files::is_held(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json")), (ETAG, tag)], body).into_response()
}
