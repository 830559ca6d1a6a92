//! Taking a closed set of members out of a document.

use std::collections::BTreeMap;

use crate::encoding::from_base64_url;
use crate::hash::Hash;
use crate::value::{NOT_A_WORD, Value, is_uuid, is_word};
use crate::{Error, Result};

/// The members of a document that nobody has asked for yet.
pub(crate) struct Members<'a> {
    what: &'static str,
    rest: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Members<'a> {
    pub(crate) fn of(what: &'static str, document: &'a Value) -> Result<Self> {
        let members = document.as_object().ok_or_else(|| refuse(what, "", "expected an object"))?;

        Ok(Self::of_object(what, members))
    }

    pub(crate) fn of_object(what: &'static str, members: &'a BTreeMap<String, Value>) -> Self {
        Self { what, rest: members.iter().map(|(key, value)| (key.as_str(), value)).collect() }
    }

    /// Takes `v`, which must be 1.
    pub(crate) fn version(&mut self) -> Result<()> {
        self.version_up_to(1).map(|_| ())
    }

    /// Takes `v`, which must be from 1 to the newest known.
    pub(crate) fn version_up_to(&mut self, newest: u64) -> Result<u64> {
        match self.integer("v")? {
            version if (1..=newest).contains(&version) => Ok(version),
            version => Err(Error::Version { what: self.what, version }),
        }
    }

    /// Takes a member that may be absent.
    pub(crate) fn optional<T>(
        &mut self,
        key: &str,
        take: impl FnOnce(&mut Self, &str) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.rest.contains_key(key) {
            true => take(self, key).map(Some),
            false => Ok(None),
        }
    }

    pub(crate) fn hash(&mut self, key: &str) -> Result<Hash> {
        self.take(key, Value::as_hash, "expected a digest")
    }

    /// Takes digests by name.
    pub(crate) fn hashes(&mut self, key: &str) -> Result<BTreeMap<String, Hash>> {
        let what = self.what;
        let digest = |(name, value): (&String, &Value)| match value.as_hash() {
            Some(digest) => Ok((name.clone(), digest)),
            None => Err(refuse(what, name, "expected a digest")),
        };
        self.object(key)?.iter().map(digest).collect()
    }

    pub(crate) fn integer(&mut self, key: &str) -> Result<u64> {
        self.take(key, Value::as_integer, "expected an integer")
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Result<bool> {
        self.take(key, Value::as_boolean, "expected true or false")
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<String> {
        self.take(key, |value| value.as_text().map(str::to_owned), "expected text")
    }

    pub(crate) fn array(&mut self, key: &str) -> Result<Vec<Value>> {
        self.take(key, |value| value.as_array().map(<[Value]>::to_vec), "expected an array")
    }

    pub(crate) fn object(&mut self, key: &str) -> Result<&'a BTreeMap<String, Value>> {
        let value = self.rest.remove(key).ok_or_else(|| refuse(self.what, key, "missing"))?;

        value.as_object().ok_or_else(|| refuse(self.what, key, "expected an object"))
    }

    pub(crate) fn uuid(&mut self, key: &str) -> Result<String> {
        self.text_of(key, |text| is_uuid(text, 0), "expected a lower-case UUID")
    }

    pub(crate) fn uuids(&mut self, key: &str) -> Result<Vec<String>> {
        let uuid = |value: &Value| value.as_text().filter(|text| is_uuid(text, 0)).map(str::to_owned);
        self.take(key, |value| value.as_array()?.iter().map(uuid).collect(), "expected lower-case UUIDs")
    }

    pub(crate) fn words(&mut self, key: &str) -> Result<Vec<String>> {
        let word = |value: &Value| value.as_text().filter(|text| is_word(text)).map(str::to_owned);
        self.take(key, |value| value.as_array()?.iter().map(word).collect(), "expected words")
    }

    pub(crate) fn word(&mut self, key: &str) -> Result<String> {
        self.text_of(key, is_word, NOT_A_WORD)
    }

    pub(crate) fn log_id(&mut self, key: &str) -> Result<String> {
        let digits =
            |text: &str| text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        self.text_of(key, digits, "a log id is 16 lower-case hexadecimal digits")
    }

    pub(crate) fn nonce(&mut self, key: &str) -> Result<String> {
        self.text_of(
            key,
            |text| from_base64_url(text).is_some_and(|bytes| bytes.len() == 16),
            "a nonce is 16 bytes as base64url",
        )
    }

    /// Takes base64url text as bytes.
    pub(crate) fn bytes(&mut self, key: &str) -> Result<Vec<u8>> {
        self.take(key, |value| from_base64_url(value.as_text()?), "expected base64url")
    }

    /// Refuses members that nobody asked for.
    pub(crate) fn end(self) -> Result<()> {
        match self.rest.keys().next() {
            Some(unknown) => Err(refuse(self.what, unknown, "unknown field")),
            None => Ok(()),
        }
    }

    pub(crate) fn text_of(&mut self, key: &str, class: impl FnOnce(&str) -> bool, why: &'static str) -> Result<String> {
        self.take(key, |value| value.as_text().filter(|text| class(text)).map(str::to_owned), why)
    }

    fn take<T>(&mut self, key: &str, read: impl FnOnce(&'a Value) -> Option<T>, why: &'static str) -> Result<T> {
        let value = self.rest.remove(key).ok_or_else(|| refuse(self.what, key, "missing"))?;

        read(value).ok_or_else(|| refuse(self.what, key, why))
    }
}

pub(crate) fn refuse(what: &'static str, field: &str, why: &'static str) -> Error {
    Error::Field { what, field: field.to_owned(), why }
}
