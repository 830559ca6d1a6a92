//! Passkey records of signed reviews: the `assertion` statement and the WebAuthn checks on it.
//!
//! The challenge is the digest of the [`crate::statement::Review`] document, so what was signed can be recomputed
//! from the leaf, without any server. Whether the key was enrolled, confirmed and this person's is the business of
//! whoever reads the other entries.

mod cose;
mod json;
mod registration;

use sha2::{Digest as _, Sha256};

use crate::encoding::base64_url;
use crate::hash::{Hash, Label, digest};
use crate::statement::{self, Members};
use crate::value::{Limits, Value, is_uuid};
use crate::{Error, Result};

pub use registration::{Enrolled, Registration};

const WHAT: &str = "assertion statement";

/// Bytes of authenticator data before any extension: relying party hash, flags, counter.
const AUTHENTICATOR_DATA_MIN: usize = 37;

/// What an authenticator gave for one review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Signature algorithm.
    pub alg: Algorithm,
    /// Authenticator data, as signed.
    pub authenticator_data: Vec<u8>,
    /// Client data JSON, as signed by its hash.
    pub client_data: Vec<u8>,
    /// Id of the entry that enrolled the key.
    pub credential: String,
    /// Public key in COSE form (RFC 9052).
    pub key: Vec<u8>,
    /// The signature; DER for ES256.
    pub signature: Vec<u8>,
}

/// Signature algorithms of passkeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256, COSE −7.
    Es256,
    /// Ed25519, COSE −8.
    EdDsa,
}

/// What an assertion must be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The challenge: digest of the review statement.
    pub challenge: Hash,
    /// Relying party id, a host name.
    pub rp_id: &'a str,
    /// Origin of the page, such as `https://decisions.example.org`.
    pub origin: &'a str,
}

/// What a valid assertion says about its authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// Signature counter; 0 where the authenticator keeps none.
    pub counter: u32,
    /// The key may be copied to other devices.
    pub backup_eligible: bool,
    /// The key has been copied.
    pub backed_up: bool,
}

impl Algorithm {
    /// The word that is sealed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "es256",
            Self::EdDsa => "eddsa",
        }
    }

    /// The number of the algorithm in COSE and WebAuthn.
    pub fn cose(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
        }
    }

    /// The algorithm of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Es256, Self::EdDsa].into_iter().find(|alg| alg.as_str() == word)
    }
}

impl Assertion {
    /// The statement as a document.
    pub fn to_value(&self) -> Value {
        Value::object([
            ("alg", Value::from(self.alg.as_str())),
            ("auth", Value::from(base64_url(&self.authenticator_data))),
            ("client", Value::from(base64_url(&self.client_data))),
            ("credential", Value::from(&self.credential)),
            ("key", Value::from(base64_url(&self.key))),
            ("sig", Value::from(base64_url(&self.signature))),
            ("v", Value::from(1_u64)),
        ])
    }

    /// Canonical bytes and digest.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] names the first member outside its class; no member may exceed 768 bytes.
    pub fn seal(&self) -> Result<(Vec<u8>, Hash)> {
        Self::from_value(&self.to_value())?;
        statement::seal(Label::Assertion, &self.to_value())
    }

    /// Reads canonical bytes; nothing is verified yet.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] or [`Error::Field`] says what breaks the format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_value(&Value::parse(bytes, Limits::STATEMENT)?)
    }

    fn from_value(document: &Value) -> Result<Self> {
        let mut members = Members::of(WHAT, document)?;
        members.version()?;
        let alg = members.text_of("alg", |word| Algorithm::from_word(word).is_some(), "expected es256 or eddsa")?;
        let assertion = Self {
            alg: Algorithm::from_word(&alg).expect("checked when it was taken"),
            authenticator_data: members.bytes("auth")?,
            client_data: members.bytes("client")?,
            credential: members.text_of("credential", |id| is_uuid(id, 7), "expected a lower-case UUIDv7")?,
            key: members.bytes("key")?,
            signature: members.bytes("sig")?,
        };
        members.end()?;

        Ok(assertion)
    }

    /// Digest of the public key, as `auth.credential_enrolled` seals it.
    pub fn key_digest(&self) -> Hash {
        digest(Label::Credential, &self.key)
    }

    /// Checks client data, authenticator data and signature (WebAuthn level 3, section 7.2).
    ///
    /// # Errors
    ///
    /// [`Error::Assertion`] names the first rule that does not hold.
    pub fn check(&self, expected: &Expected<'_>) -> Result<Authenticator> {
        check_client_data(&self.client_data, "webauthn.get", expected)?;
        let authenticator = self.check_authenticator_data(expected.rp_id)?;
        let signed = [&self.authenticator_data[..], &Sha256::digest(&self.client_data)].concat();
        cose::verify(self.alg, &self.key, &signed, &self.signature).map_err(refuse)?;

        Ok(authenticator)
    }

    fn check_authenticator_data(&self, rp_id: &str) -> Result<Authenticator> {
        let (flags, authenticator, rest) = authenticator_data(&self.authenticator_data, rp_id)?;
        if rest.is_empty() == (flags & (ATTESTED | EXTENDED) != 0) {
            return Err(refuse("the length of the authenticator data does not match its flags"));
        }

        Ok(authenticator)
    }

    /// Returns the origin that the client data names, which [`Assertion::check`] compares with the expected one.
    pub fn origin(&self) -> Option<String> {
        json::members(&self.client_data).ok()?.get("origin")?.as_text().map(str::to_owned)
    }
}

/// Flag bits of authenticator data.
const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// Parses the JSON, because browsers may add members.
fn check_client_data(client_data: &[u8], type_: &str, expected: &Expected<'_>) -> Result<()> {
    let members = json::members(client_data).map_err(refuse)?;
    let text = |key: &str| members.get(key).and_then(json::Member::as_text);
    if text("type") != Some(type_) {
        return Err(refuse(match type_ {
            "webauthn.get" => "the client data is not of type webauthn.get",
            _ => "the client data is not of type webauthn.create",
        }));
    }
    if text("challenge") != Some(expected.challenge.to_string().as_str()) {
        return Err(refuse("the challenge is not the digest of the review statement"));
    }
    if text("origin") != Some(expected.origin) {
        return Err(refuse("the origin is not the log's"));
    }

    match members.get("crossOrigin") {
        None | Some(json::Member::Boolean(false)) => Ok(()),
        Some(_) => Err(refuse("it was made in a frame of another origin")),
    }
}

/// Checks what both ceremonies share, and returns the flags, what they say, and the bytes after the counter.
fn authenticator_data<'a>(data: &'a [u8], rp_id: &str) -> Result<(u8, Authenticator, &'a [u8])> {
    let Some((head, rest)) = data.split_at_checked(AUTHENTICATOR_DATA_MIN) else {
        return Err(refuse("authenticator data has at least 37 bytes"));
    };
    if head[..32] != Sha256::digest(rp_id)[..] {
        return Err(refuse("the relying party is not the log's"));
    }
    let flags = head[32];
    if flags & PRESENT == 0 {
        return Err(refuse("nobody was present"));
    }
    if flags & VERIFIED == 0 {
        return Err(refuse("the user was not verified"));
    }
    let (backup_eligible, backed_up) = (flags & BACKUP_ELIGIBLE != 0, flags & BACKED_UP != 0);
    if backed_up && !backup_eligible {
        return Err(refuse("a key cannot be backed up without being eligible"));
    }
    let counter = u32::from_be_bytes([head[33], head[34], head[35], head[36]]);

    Ok((flags, Authenticator { counter, backup_eligible, backed_up }, rest))
}

fn refuse(why: &'static str) -> Error {
    Error::Assertion { why }
}
