//! The REST API for agents, version 1.
//!
//! Handlers read the request, call one use case and shape the answer; the bytes of a proposal go to
//! the engine as they came, because what is hashed must be what was sent.

pub(crate) mod decision_types;
pub(crate) mod decisions;
mod document;
pub(crate) mod reference;
mod request;
pub mod schema;

use countersign_domain::{ids::DecisionId, problem::Code};

use crate::Refusal;

pub use document::openapi;

/// Reads an id in an address; what is no id is nothing here.
pub(crate) fn decision_id(text: &str) -> Result<DecisionId, Refusal> {
    text.parse().map_err(|_| Refusal::new(Code::NotFound, "There is no such decision."))
}
