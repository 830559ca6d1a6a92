//! What a client is told when something does not happen (RFC 9457, stable codes).

use serde::{Deserialize, Serialize};

/// A refusal or fault as it crosses the border: REST sends it as `application/problem+json`,
/// server functions as JSON, pages draw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable word for programs; never changes meaning within API version 1.
    pub code: Code,
    /// What happened and what to do, in one or two sentences.
    pub detail: String,
    /// Every field that needs a change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Ids of the authorisation policies that decided a refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

/// One field that needs a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) of the field, empty for the whole document.
    pub pointer: String,
    /// Stable word.
    pub code: String,
    /// What to send instead.
    pub detail: String,
}

impl FieldError {
    /// Makes an error for one field.
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() }
    }
}

impl Problem {
    /// Makes a problem without field errors.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), policies: Vec::new() }
    }

    /// Makes a problem that lists every field to change.
    pub fn fields(code: Code, detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { code, detail: detail.into(), errors, policies: Vec::new() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

/// What an agent may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The same request with the same key, after `Retry-After`.
    Retry,
    /// Other content under another key.
    Revise,
    /// Do not act; tell a person.
    Stop,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $word:literal $status:literal $next:ident $title:literal)*) => {
        /// The stable codes, each with its HTTP status, next step and title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {$(
            $(#[$doc])*
            $variant,
        )*}

        impl Serialize for Code {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> Deserialize<'de> for Code {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let of = |word: &str| Code::ALL.iter().copied().find(|code| code.word() == word);
                crate::words::read(deserializer, of, &[$($word),*])
            }
        }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// Returns the word that programs match on.
            pub const fn word(self) -> &'static str {
                match self { $(Code::$variant => $word),* }
            }

            /// Returns the HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Code::$variant => $status),* }
            }

            /// Returns what an agent may do next.
            pub const fn next(self) -> Next {
                match self { $(Code::$variant => Next::$next),* }
            }

            /// Returns the short human title.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }
        }
    };
}

codes! {
    /// The request is not HTTP or JSON that can be read.
    MalformedRequest "malformed_request" 400 Stop "The request cannot be read."
    /// A write came without its key.
    IdempotencyKeyMissing "idempotency_key_missing" 400 Stop "The header Idempotency-Key is missing."
    /// No credential, or an unknown, revoked or expired one.
    Unauthenticated "unauthenticated" 401 Stop "Sign in, or send a valid key."
    /// The act asks for a recent proof of who sits there.
    StepUpRequired "step_up_required" 401 Stop "Confirm that it is you."
    /// The policy asks for a review signed by passkey.
    SignatureRequired "signature_required" 403 Stop "This review has to be signed with a passkey."
    /// The passkey's signature does not hold for this review.
    SignatureRefused "signature_refused" 403 Stop "The signature was refused."
    /// A form came from another site, or without proof that it did not.
    CrossOrigin "cross_origin" 403 Stop "The request did not come from this site."
    /// Authorisation says no.
    Forbidden "forbidden" 403 Stop "You may not do this."
    /// The key is good and does not work from the network that the request came from.
    WrongNetwork "wrong_network" 403 Stop "This key does not work from your network."
    /// The person asked for, owns, wrote or did what another person has to look at.
    FourEyes "four_eyes" 403 Stop "Somebody else has to do this."
    /// A guard that nobody overrides forbids the act.
    GuardAbsolute "guard_absolute" 403 Stop "A guard that nobody overrides forbids this."
    /// The decision type is one that no grant covers.
    GrantNotAllowed "grant_not_allowed" 403 Stop "No grant covers such decisions."
    /// Nobody looked at an earlier act of the person in time.
    PostReviewOverdue "post_review_overdue" 403 Stop "Somebody has to look at an earlier act of yours first."
    /// The system is not registered, not approved or retired.
    SystemNotLive "system_not_live" 403 Stop "The AI system is not live."
    /// Nothing here that the caller may see.
    NotFound "not_found" 404 Stop "Not found."
    /// The route exists with other methods.
    MethodNotAllowed "method_not_allowed" 405 Stop "This address does not take that method."
    /// The id is in use with other content.
    IdTaken "id_taken" 409 Stop "The id belongs to another decision."
    /// The state does not allow the act.
    InvalidTransition "invalid_transition" 409 Stop "The state does not allow this."
    /// The system is paused.
    SystemPaused "system_paused" 409 Stop "The AI system is paused."
    /// The decision has its resolution.
    AlreadyResolved "already_resolved" 409 Stop "The decision is already resolved."
    /// This person's review stands.
    AlreadyReviewed "already_reviewed" 409 Stop "You have already reviewed this decision."
    /// What was on the screen is no longer what would be decided.
    Stale "stale" 409 Stop "The decision changed after you opened it."
    /// The person's claim on the review has ended, or is somebody else's.
    LeaseLost "lease_lost" 409 Stop "Your claim on this review has ended."
    /// The name is in use.
    NameTaken "name_taken" 409 Stop "The name is in use."
    /// The first request with this key has not ended.
    IdempotencyKeyInUse "idempotency_key_in_use" 409 Retry "The first request with this key is still running."
    /// A one-time link was used or is too old.
    LinkExpired "link_expired" 410 Stop "The link was used or has expired."
    /// The body is over its limit.
    TooLarge "too_large" 413 Revise "The body is too large."
    /// The body is not JSON.
    UnsupportedMediaType "unsupported_media_type" 415 Revise "Send application/json."
    /// Fields need a change; the list says which.
    InvalidContent "invalid_content" 422 Revise "The content was not accepted."
    /// No such decision type, or no such version.
    UnknownType "unknown_type" 422 Revise "The decision type is not known."
    /// The key was used for other content.
    IdempotencyKeyReused "idempotency_key_reused" 422 Stop "The key was used with other content."
    /// Too many tries.
    RateLimited "rate_limited" 429 Retry "Too many requests."
    /// The system has as many open decisions as it may.
    QueueFull "queue_full" 429 Retry "Too many decisions of this system are waiting."
    /// Sealing is behind; bulk waits.
    IngestSlow "ingest_slow" 429 Retry "Sealing is catching up."
    /// Something broke; nothing was changed.
    Internal "internal" 500 Stop "Something failed on the server."
    /// The ledger takes no entries, so nothing may happen.
    CannotSeal "cannot_seal" 503 Retry "The ledger takes no entries."
    /// A volume of the server is almost full: nothing is taken in, reads go on.
    DiskLow "disk_low" 507 Retry "The server has too little space to take this in."
    /// The answer of the database was lost; ask again with the same key.
    OutcomeUnknown "outcome_unknown" 503 Retry "It is not known whether this was recorded."
    /// The database does not answer.
    Unavailable "unavailable" 503 Retry "The database does not answer."
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_word_and_a_status_of_its_own_family() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.word()).collect();

        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| (400..600).contains(&code.status())));
    }

    #[test]
    fn a_code_travels_as_its_word() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.word());
        }
    }
}
