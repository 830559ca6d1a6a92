//! What one sign-in asks for and what comes back through the browser.

use std::num::NonZeroU64;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Fault, Result, token::equal};

/// The longest query of a callback.
const QUERY_BYTES_MAX: usize = 8 * 1024;
/// How much of a provider's own sentence is kept.
const DESCRIPTION_CHARACTERS_MAX: usize = 200;

/// The values that bind one sign-in to one browser. They come from a random source and are used once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Comes back in the callback.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Proves at the token endpoint that the code was meant for this browser.
    pub verifier: String,
}

impl Transaction {
    /// Makes a transaction out of three random values.
    pub fn new(state: [u8; 32], nonce: [u8; 32], verifier: [u8; 32]) -> Self {
        let text = |bytes: [u8; 32]| URL_SAFE_NO_PAD.encode(bytes);
        Self { state: text(state), nonce: text(nonce), verifier: text(verifier) }
    }

    /// The PKCE challenge, S256 always.
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Transaction(…)")
    }
}

/// What a sign-in asks the provider for, beyond who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Authentication may be at most this old, and a sign-in that is still good there does not count. There is no
    /// 0: LemonLDAP::NG reads it as no limit, and Canaille, whose clock moves on between its form and its answer,
    /// asks again and again.
    pub age_seconds_max: Option<NonZeroU64>,
    /// One of these authentication classes.
    pub classes: Vec<String>,
}

/// What an ID token must fit.
pub(crate) struct Expected<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) age_seconds_max: Option<NonZeroU64>,
    pub(crate) classes: &'a [String],
}

/// The parameters of a callback, each at most once.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    state: Option<String>,
    code: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    description: String,
}

impl Callback {
    /// Reads a callback's query.
    ///
    /// # Errors
    ///
    /// [`Fault::Repeated`] for a parameter that comes twice, [`Fault::Missing`] for an endless query.
    pub fn read(query: &str) -> Result<Self> {
        let mut callback = Self { state: None, code: None, issuer: None, error: None, description: String::new() };
        if query.len() > QUERY_BYTES_MAX {
            return Err(Fault::Missing("code"));
        }
        let mut seen = std::collections::BTreeSet::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match name.as_ref() {
                "state" => callback.state = Some(value),
                "code" => callback.code = Some(value),
                "iss" => callback.issuer = Some(value),
                "error" => callback.error = Some(word(&value)),
                "error_description" => callback.description = sentence(&value),
                _ => {}
            }
            if !seen.insert(name.clone().into_owned()) {
                return Err(Fault::Repeated(word(&name)));
            }
        }
        Ok(callback)
    }

    /// Returns the state, by which the browser's transaction is found.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Checks that this is the answer of this provider to this transaction, and returns the code.
    pub(crate) fn code(&self, transaction: &Transaction, issuer: &str, issuer_announced: bool) -> Result<&str> {
        let state = self.state.as_deref().ok_or(Fault::Missing("state"))?;
        if !equal(state, &transaction.state) {
            return Err(Fault::State);
        }
        match self.issuer.as_deref() {
            Some(from) if from != issuer => return Err(Fault::Mixed(sentence(from))),
            None if issuer_announced => return Err(Fault::Missing("iss")),
            _ => {}
        }
        if let Some(code) = &self.error {
            return Err(Fault::Provider { code: code.clone(), description: self.description.clone() });
        }
        self.code.as_deref().filter(|code| !code.is_empty()).ok_or(Fault::Missing("code"))
    }
}

/// Checks the way back from the provider's sign-out: the state must be the one that was sent.
///
/// # Errors
///
/// [`Fault::Missing`] without a state, [`Fault::State`] for another one, [`Fault::Repeated`].
pub fn check_logout_return(sent: &str, query: &str) -> Result<()> {
    let callback = Callback::read(query)?;
    let state = callback.state.ok_or(Fault::Missing("state"))?;
    if equal(&state, sent) { Ok(()) } else { Err(Fault::State) }
}

/// Keeps an error code to the characters that RFC 6749 gives it.
pub(crate) fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

/// Keeps a provider's sentence to what can be shown on one line.
pub(crate) fn sentence(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(DESCRIPTION_CHARACTERS_MAX).collect()
}
