//! The log as files: checkpoint, tiles, proofs, statements and keys, at the addresses of C2SP.

use std::io::Write as _;

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use countersign_domain::problem::Code;
use countersign_engine::{Caller, ledger};
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY},
};

use crate::{Refusal, Server, files};

type Answer = Result<Response, Refusal>;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
const FRESH: &str = "no-cache";
/// Tiles never change; they are shown to people of this installation only, so shared caches keep out.
const FOREVER: &str = "private, max-age=31536000, immutable";
const NEVER: &str = "no-store";

pub(crate) async fn checkpoint(State(server): State<Server>, Path(log): Path<String>) -> Answer {
    check_log(&server, &log)?;
    let checkpoint = ledger::checkpoint(server.engine()).await?;
    let checkpoint = checkpoint.ok_or_else(|| Refusal::new(Code::NotFound, "No checkpoint is published yet."))?;
    Ok(file(TEXT, FRESH, checkpoint))
}

pub(crate) async fn trust_policy(State(server): State<Server>, Path(log): Path<String>) -> Answer {
    check_log(&server, &log)?;
    Ok(file(TEXT, FRESH, ledger::trust_policy(server.engine())))
}

pub(crate) async fn keys(State(server): State<Server>, Path(log): Path<String>) -> Answer {
    check_log(&server, &log)?;
    Ok(file(JSON, FRESH, ledger::keys_json(server.engine())))
}

pub(crate) async fn tile(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path((log, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    check_log(&server, &log)?;
    let Some(path) = path.strip_prefix("entries/") else {
        return Ok(file(BYTES, FOREVER, ledger::tile(server.engine(), &caller, &path).await?));
    };
    let bundle = ledger::entries(server.engine(), &caller, path).await?;
    if !files::accepts(files::accept_encoding(&headers), "gzip") {
        return Ok(varying(file(BYTES, FOREVER, bundle)));
    }
    let mut response = varying(file(BYTES, FOREVER, gzip(&bundle)));
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(response)
}

pub(crate) async fn proof(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path((log, index)): Path<(String, String)>,
) -> Answer {
    check_log(&server, &log)?;
    let index = index.parse().map_err(|_| nothing())?;
    Ok(file(TEXT, NEVER, ledger::proof(server.engine(), &caller, index).await?))
}

pub(crate) async fn statement(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path((log, digest)): Path<(String, String)>,
) -> Answer {
    check_log(&server, &log)?;
    Ok(file(JSON, NEVER, ledger::statement(server.engine(), &caller, &digest).await?))
}

/// Another log's address is nothing here.
fn check_log(server: &Server, log: &str) -> Result<(), Refusal> {
    if ledger::log_id(server.engine()) == log { Ok(()) } else { Err(nothing()) }
}

fn nothing() -> Refusal {
    Refusal::new(Code::NotFound, "There is no such file in this log.")
}

fn file(media_type: &'static str, cache: &'static str, content: impl IntoResponse) -> Response {
    let mut response = content.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

fn varying(mut response: Response) -> Response {
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory cannot fail")
}

/// Offers a text as a file of this name.
pub(crate) fn download(name: &str, content: String) -> Response {
    let mut response = file(TEXT, NEVER, content);
    let disposition =
        HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).expect("names are ids with an ending");
    response.headers_mut().insert(HeaderName::from_static("content-disposition"), disposition);
    response
}
