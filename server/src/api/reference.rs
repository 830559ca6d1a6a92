use axum::{
    Json,
    response::{IntoResponse, Response},
};
use countersign_domain::problem::{Code, Next};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde::Serialize;

use super::{document, schema};

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "get_openapi",
    tag = "reference",
    responses((status = 200, description = "This document.", body = schema::FreeForm)),
)]
pub(crate) async fn openapi() -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], document::openapi_text()).into_response()
}

/// Every code.
#[derive(Debug, Serialize)]
pub(crate) struct Catalogue {
    items: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    code: Code,
    status: u16,
    title: &'static str,
    next: Next,
}

/// Lists every problem code with its status and what to do next.
#[utoipa::path(
    get,
    path = "/api/v1/errors",
    operation_id = "list_errors",
    tag = "reference",
    responses((status = 200, description = "The catalogue of codes.", body = schema::ErrorCatalogue)),
)]
pub(crate) async fn errors() -> Json<Catalogue> {
    let entry = |code: &Code| Entry { code: *code, status: code.status(), title: code.title(), next: code.next() };
    Json(Catalogue { items: Code::ALL.iter().map(entry).collect() })
}
