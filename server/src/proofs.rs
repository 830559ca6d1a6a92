//! Proof files for people.

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use countersign_domain::view::proof_file;
use countersign_engine::{Caller, decisions};

use crate::{Refusal, Server, api::decision_id, log_files};

pub(crate) async fn download(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = decision_id(&id)?;
    let proof = decisions::proof(server.engine(), &caller, id).await?;
    Ok(log_files::download(&proof_file(id), proof))
}
