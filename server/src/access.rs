//! The access log as a file for spreadsheets.

use axum::{
    Extension,
    extract::{Query, State},
    response::{IntoResponse as _, Response},
};
use countersign_domain::{administration::AccessFilter, problem::Code};
use countersign_engine::{Caller, access};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};

use crate::{Refusal, Server};

/// How many rows the file has, without its heading.
const COUNT: HeaderName = HeaderName::from_static("countersign-count");
/// SHA-256 of the file, to which the sealed entry commits.
const DIGEST: HeaderName = HeaderName::from_static("countersign-output");

pub(crate) async fn export(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    filter: Result<Query<AccessFilter>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(filter) = filter
        .map_err(|_| Refusal::new(Code::MalformedRequest, "This question cannot be read. Ask it on the page."))?;
    let file = access::export(server.engine(), &caller, filter).await?;
    let text = |text: String| HeaderValue::from_str(&text).expect("digits are a header value");
    let mut response = file.csv.into_response();
    for (name, value) in [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"access.csv\"")),
        (COUNT, text(file.count.to_string())),
        (DIGEST, text(file.digest)),
    ] {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}
