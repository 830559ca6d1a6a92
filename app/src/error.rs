//! What a server function answers when it does not answer.

use countersign_domain::problem::{Code, Problem};
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use crate::wire::JsonText;

/// A problem, or no answer at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// The server said what is wrong.
    Told {
        /// What is wrong.
        problem: Problem,
        /// Id of the request in the logs; empty when the request never reached its function.
        request: String,
    },
    /// No answer came, so what happened is not known.
    Silent,
}

impl Error {
    /// Returns the problem to draw; silence is a problem of its own.
    pub fn problem(&self) -> Problem {
        match self {
            Error::Told { problem, .. } => problem.clone(),
            Error::Silent => Problem::new(
                Code::OutcomeUnknown,
                "The server did not answer, so it is not known whether anything was recorded. Load the page again to see.",
            ),
        }
    }

    /// Returns the id of the request, if there is one.
    pub fn request(&self) -> Option<&str> {
        match self {
            Error::Told { request, .. } if !request.is_empty() => Some(request),
            _ => None,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem().fmt(f)
    }
}

impl std::error::Error for Error {}

impl FromServerFnError for Error {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                #[cfg(feature = "ssr")]
                crate::request::status(Code::MalformedRequest.status());
                Error::Told {
                    problem: Problem::new(Code::MalformedRequest, "The form was sent incomplete. Load the page again."),
                    request: String::new(),
                }
            }
            _ => Error::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_field_is_a_malformed_request_and_silence_is_not_success() {
        let missing = Error::from_server_fn_error(ServerFnErrorErr::MissingArg("verdict".into()));
        let silent = Error::from_server_fn_error(ServerFnErrorErr::Request("no network".into()));

        assert_eq!(missing.problem().code, Code::MalformedRequest);
        assert_eq!(silent.problem().code, Code::OutcomeUnknown);
    }

    #[test]
    fn an_error_survives_its_encoding() {
        let error = Error::Told { problem: Problem::new(Code::Stale, "changed"), request: "r1".into() };

        assert_eq!(Error::de(error.ser()), error);
    }
}
