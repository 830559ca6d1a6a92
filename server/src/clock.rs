//! A clock that browser tests move. Compiled only into test builds.

use axum::{Extension, Json, extract::State};
use countersign_domain::problem::Code;
use http::StatusCode;
use serde::Deserialize;

use crate::{Refusal, Server, layers::Peer};

/// How far the clock stands from the machine's.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offset {
    milliseconds: i64,
}

pub(crate) async fn set(
    State(server): State<Server>,
    Extension(Peer(peer)): Extension<Peer>,
    Json(offset): Json<Offset>,
) -> Result<StatusCode, Refusal> {
    if !peer.ip().is_loopback() {
        return Err(Refusal::new(Code::NotFound, "There is nothing at this address."));
    }
    server.engine().set_clock_offset(offset.milliseconds);
    Ok(StatusCode::NO_CONTENT)
}
