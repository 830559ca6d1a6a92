//! Commitments: how a personal or free-text value is bound to a leaf without being in it (ledger format, section 5).
//!
//! Every value has its own random 32-byte field key. The salt and the key that encrypts the value are derived from
//! it, so destroying the field key and the value leaves a commitment that says nothing.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::encoding::{base64_url, from_base64_url};
use crate::hash::Hash;
use crate::value::{Limits, Value, is_uuid, is_word};
use crate::{Error, Result};

const WHAT: &str = "opening";

/// HKDF-SHA256 of the field key with info `countersign/commit-salt/v1`.
pub fn salt(field_key: &[u8; 32]) -> [u8; 32] {
    derive(field_key, b"countersign/commit-salt/v1")
}

/// HKDF-SHA256 of the field key with info `countersign/vault-value/v1`: the key that encrypts the value.
pub fn value_key(field_key: &[u8; 32]) -> [u8; 32] {
    derive(field_key, b"countersign/vault-value/v1")
}

/// HMAC-SHA256 under the salt of `countersign/commit/v1` ‖ 0A ‖ u16be(length of field) ‖ field ‖ value.
///
/// # Panics
///
/// If the field name is longer than 65,535 bytes; field names are words of at most 48.
pub fn commitment(salt: &[u8; 32], field: &str, value: &[u8]) -> Hash {
    let length = u16::try_from(field.len()).expect("a field name is a word of at most 48 bytes");
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of any length");
    mac.update(b"countersign/commit/v1\n");
    mac.update(&length.to_be_bytes());
    mac.update(field.as_bytes());
    mac.update(value);

    Hash(mac.finalize().into_bytes().into())
}

/// What proves one committed value to somebody, without any key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Id of the entry whose `cm` or `content` statement holds the commitment.
    pub entry: String,
    /// Name of the field.
    pub field: String,
    /// Salt of the commitment.
    pub salt: [u8; 32],
    /// The value in clear.
    pub value: Vec<u8>,
}

impl Opening {
    /// Recomputes the commitment and compares it with the sealed one.
    ///
    /// # Errors
    ///
    /// [`Error::Opening`] if they differ.
    pub fn verify(&self, sealed: &Hash) -> Result<()> {
        match self.commitment() == *sealed {
            true => Ok(()),
            false => Err(Error::Opening { entry: self.entry.clone(), field: self.field.clone() }),
        }
    }

    /// The commitment this opening opens.
    pub fn commitment(&self) -> Hash {
        commitment(&self.salt, &self.field, &self.value)
    }

    /// The opening as a document; an empty value is omitted.
    pub fn to_value(&self) -> Value {
        let mut members = vec![
            ("entry", Value::from(&self.entry)),
            ("field", Value::from(&self.field)),
            ("salt", Value::from(base64_url(&self.salt))),
            ("v", Value::from(1_u64)),
        ];
        if !self.value.is_empty() {
            members.push(("value", Value::from(base64_url(&self.value))));
        }

        Value::object(members)
    }

    /// Canonical bytes of the opening.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if the entry is no UUIDv7 or the field no word, [`Error::Limit`] above 8 MiB.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.check()?;
        self.to_value().to_bytes(Limits::OPENING)
    }

    /// Reads canonical bytes of one opening.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] or [`Error::Field`] says what breaks the format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_value(&Value::parse(bytes, Limits::OPENING)?)
    }

    /// Reads canonical bytes of a list of openings.
    ///
    /// # Errors
    ///
    /// As [`Opening::parse`].
    pub fn parse_list(bytes: &[u8]) -> Result<Vec<Self>> {
        match Value::parse(bytes, Limits::OPENING)? {
            Value::Array(elements) => elements.iter().map(Self::from_value).collect(),
            _ => Err(Error::Syntax { what: WHAT, at: 0, why: "expected an array of openings" }),
        }
    }

    /// Reads an opening from a document.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] names the member that is missing, unknown or outside its class.
    pub fn from_value(document: &Value) -> Result<Self> {
        let members = document.as_object().ok_or_else(|| refuse("", "expected an object"))?;
        if let Some(unknown) =
            members.keys().find(|key| !matches!(key.as_str(), "entry" | "field" | "salt" | "v" | "value"))
        {
            return Err(refuse(unknown, "unknown field"));
        }
        match document.get("v").and_then(Value::as_integer) {
            Some(1) => {}
            Some(version) => {
                return Err(Error::Version { what: WHAT, version });
            }
            None => return Err(refuse("v", "missing")),
        }
        let text = |key: &str| document.get(key).and_then(Value::as_text).ok_or_else(|| refuse(key, "expected text"));
        let opening = Self {
            entry: text("entry")?.to_owned(),
            field: text("field")?.to_owned(),
            salt: text("salt")?.parse::<Hash>().map_err(|_| refuse("salt", "expected 32 bytes as base64url"))?.0,
            value: match members.contains_key("value") {
                true => from_base64_url(text("value")?).ok_or_else(|| refuse("value", "expected base64url"))?,
                false => Vec::new(),
            },
        };
        opening.check()?;

        Ok(opening)
    }

    fn check(&self) -> Result<()> {
        if !is_uuid(&self.entry, 7) {
            return Err(refuse("entry", "expected a lower-case UUIDv7"));
        }
        if !is_word(&self.field) {
            return Err(refuse("field", crate::value::NOT_A_WORD));
        }

        Ok(())
    }
}

fn derive(field_key: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, field_key).expand(info, &mut key).expect("32 bytes is a valid HKDF-SHA256 output length");

    key
}

fn refuse(field: &str, why: &'static str) -> Error {
    Error::Field { what: WHAT, field: field.to_owned(), why }
}
