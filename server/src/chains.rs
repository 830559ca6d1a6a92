//! Accountability chains as files for people.

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use countersign_domain::chain::chain_file;
use countersign_engine::{Caller, decisions};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};

use crate::{Refusal, Server, api::decision_id};

pub(crate) async fn download(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = decision_id(&id)?;
    let chain = decisions::download_chain(server.engine(), &caller, id).await?;
    let mut response = format!("{:#}\n", chain.file()).into_response();
    let name = format!("attachment; filename=\"{}\"", chain_file(id));
    for (header, value) in [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&name).expect("names are ids with an ending")),
    ] {
        response.headers_mut().insert(header, value);
    }
    Ok(response)
}
