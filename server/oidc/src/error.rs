use crate::TransportError;

/// What a call returns.
pub type Result<T> = std::result::Result<T, Fault>;

/// Which check failed. The sentences are for administrators and hold no token, code or secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The provider could not be asked.
    #[error("the provider did not answer: {0}")]
    Transport(#[from] TransportError),
    /// The provider answered with an HTTP status that is no success.
    #[error("{what} answered with status {status}")]
    Status {
        /// Which address.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// An answer is not the JSON that it must be.
    #[error("{0} is not the JSON object that it must be")]
    NotJson(&'static str),
    /// The discovery document names another issuer.
    #[error("the discovery document is of issuer {found:?}, configured is {configured:?}")]
    IssuerMismatch {
        /// What it names.
        found: String,
        /// What is configured.
        configured: String,
    },
    /// The discovery document lacks a member, or has one that cannot be used.
    #[error("the discovery document's {0} is missing or cannot be used")]
    Metadata(&'static str),
    /// The provider says that the sign-in failed, in its own words.
    #[error("the provider answered {code:?}{}{description}", if description.is_empty() { "" } else { ": " })]
    Provider {
        /// Its code.
        code: String,
        /// Its sentence, cut.
        description: String,
    },
    /// A parameter of the callback comes twice.
    #[error("the parameter {0} came more than once")]
    Repeated(String),
    /// A parameter of the callback is missing.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// The answer belongs to another sign-in.
    #[error("state differs from the one of this sign-in")]
    State,
    /// The answer comes from another provider (RFC 9207).
    #[error("the answer's iss is {0:?}, which is not the provider that was asked")]
    Mixed(String),
    /// The token answer is not one of the code flow.
    #[error("the token endpoint's answer lacks {0}")]
    TokenAnswer(&'static str),
    /// A token is not a signed compact JWT.
    #[error("the {0} is not a signed compact JWT")]
    Malformed(&'static str),
    /// A token's header says what is not taken.
    #[error("the token header's {0} is not accepted")]
    Header(&'static str),
    /// A token is signed with an algorithm that is not configured.
    #[error("the token is signed with {0:?}, which is not configured")]
    Algorithm(String),
    /// No key fits.
    #[error("no key of the provider fits the token")]
    NoKey,
    /// More than one key fits a token that names none.
    #[error("the token names no key and {0} keys fit")]
    ManyKeys(usize),
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// A claim is missing or has a value that is not accepted.
    #[error("the claim {name} {what}")]
    Claim {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The configured claim that says who somebody is cannot be used.
    #[error(
        "the claim {0:?}, which says who somebody is, is missing or not text of 1 to 255 printable ASCII characters"
    )]
    SubjectClaim(String),
    /// The provider has no such address.
    #[error("the provider names no {0}")]
    NotOffered(&'static str),
}
