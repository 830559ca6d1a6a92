//! Random bytes and secrets that do not show themselves.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Returns bytes of the operating system's random source.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Makes an id that sorts by time (UUIDv7) from milliseconds since 1970 UTC.
pub(crate) fn id_at(now: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(now, &random()).into_uuid()
}

/// Makes a random id (UUIDv4).
pub(crate) fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(random()).into_uuid()
}

/// A bearer token in the clear: 256 random bits, base64url; only its SHA-256 is stored.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Makes a token.
    pub(crate) fn random() -> Self {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(random::<32>())))
    }

    /// Returns the text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Returns what the database stores of a token.
pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
