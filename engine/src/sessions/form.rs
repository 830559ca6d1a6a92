//! What ties a sign-in form to the browser that opened it.

use countersign_domain::problem::Code;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{
    Engine,
    error::{Error, Result},
    passkeys,
};

/// How long a sign-in form may stay open, in milliseconds.
const FORM_MS: u64 = 10 * 60 * 1_000;

/// What ties a sign-in form to the browser that opened it: the id stands in the form, the value in a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormTie {
    /// Names the cookie; sorts by time.
    pub id: String,
    /// The cookie's value.
    pub value: String,
}

/// Makes the tie of a sign-in form (S3).
pub fn tie_form(engine: &Engine) -> FormTie {
    let id = engine.id().simple().to_string();
    let value = passkeys::encode(&engine.vault.lookup("sign-in-form", &id));
    FormTie { id, value }
}

/// Checks that a form was opened by the browser that sends it, in the last ten minutes.
///
/// # Errors
///
/// `cross_origin`, with what to do.
pub fn check_form(engine: &Engine, id: &str, value: Option<&str>) -> Result<()> {
    let opened_at = Uuid::try_parse(id).ok().and_then(|id| id.get_timestamp()).map(|at| {
        let (seconds, nanoseconds) = at.to_unix();
        seconds * 1_000 + u64::from(nanoseconds) / 1_000_000
    });
    let known = passkeys::encode(&engine.vault.lookup("sign-in-form", id));
    let fits = value.is_some_and(|value| bool::from(known.as_bytes().ct_eq(value.as_bytes())));
    match opened_at {
        Some(at) if fits && engine.now() < at + FORM_MS => Ok(()),
        _ => Err(Error::refused(
            Code::CrossOrigin,
            "This sign-in form was open for too long or came from elsewhere. Load the page again and sign in there; cookies must be allowed.",
        )),
    }
}
