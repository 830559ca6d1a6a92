//! The closed value set of leaves and statements, and its canonical bytes (RFC 8785).
//!
//! On this set canonical JSON is simple: keys sorted by byte, no white space, no escapes, plain decimals. The
//! reader refuses everything else, so parsing and writing again always gives the same bytes.

pub(crate) mod class;
mod reader;

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::{Error, Result};

use class::check_text;
pub use class::{is_uuid, is_word};
pub(crate) use reader::Reader;

/// Largest integer a leaf may hold, 2^53 − 1, so that every JSON reader agrees on it.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Longest printable text, in bytes: hosts and verifier keys.
pub const TEXT_MAX: usize = 300;

/// How large and how deep a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Name of the document in errors.
    pub what: &'static str,
    /// Longest document, in bytes.
    pub bytes: usize,
    /// Deepest nesting; the outermost container is 1.
    pub depth: usize,
    /// Most keys in one object.
    pub keys: usize,
    /// Most elements in one array.
    pub elements: usize,
    /// Longest base64url text, in characters; other text ends at [`TEXT_MAX`].
    pub base64: usize,
}

impl Limits {
    /// A leaf: 4,096 bytes, depth 4, 32 keys per object, 32 elements per array.
    pub const LEAF: Limits = Limits { what: "leaf", bytes: 4_096, depth: 4, keys: 32, elements: 32, base64: TEXT_MAX };

    /// A statement: 64 KiB, depth 4, 1,024 members per object or array.
    pub const STATEMENT: Limits =
        Limits { what: "statement", bytes: 65_536, depth: 4, keys: 1_024, elements: 1_024, base64: 1_024 };

    /// An opening, or a list of them: 8 MiB, values of any length within it.
    pub const OPENING: Limits =
        Limits { what: "opening", bytes: 8 << 20, depth: 2, keys: 5, elements: 4_096, base64: 8 << 20 };
}

/// A value that a leaf or statement may hold. There is no null, no float, no negative number and no free text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Keys are words; never empty.
    Object(BTreeMap<String, Value>),
    /// Never empty.
    Array(Vec<Value>),
    /// Printable ASCII without space, `"` and `\`; never empty.
    Text(String),
    /// From 0 to [`INTEGER_MAX`].
    Integer(u64),
    /// True or false.
    Boolean(bool),
}

impl Value {
    /// Builds an object from its members.
    pub fn object<K: Into<String>, V: Into<Value>>(members: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// Builds an array from its elements.
    pub fn array<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::Array(elements.into_iter().map(Into::into).collect())
    }

    /// Writes the canonical bytes after checking value classes and limits.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] names the first member outside its class, [`Error::Limit`] what is too large.
    pub fn to_bytes(&self, limits: Limits) -> Result<Vec<u8>> {
        let mut path = String::new();
        self.check(limits, 1, &mut path)?;
        let mut bytes = Vec::with_capacity(512);
        self.write(&mut bytes);
        within(limits, bytes)
    }

    /// Reads canonical bytes, refusing anything [`Value::to_bytes`] would not have written.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] names the first offending byte.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self> {
        let mut reader = Reader::new(bytes, limits)?;
        let value = reader.value()?;
        reader.end()?;

        Ok(value)
    }

    /// The member `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The characters, if this is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is an integer.
    pub fn as_integer(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if this is a boolean.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The digest, if this is text of 43 base64url characters.
    pub fn as_hash(&self) -> Option<Hash> {
        self.as_text()?.parse().ok()
    }

    pub(crate) fn check(&self, limits: Limits, depth: usize, path: &mut String) -> Result<()> {
        let refuse = |why| Err(Error::Field { what: limits.what, field: path.clone(), why });
        match self {
            Self::Object(_) | Self::Array(_) if depth > limits.depth => refuse("nested too deep"),
            Self::Object(members) if members.is_empty() => refuse("an empty object is omitted"),
            Self::Array(elements) if elements.is_empty() => refuse("an empty array is omitted"),
            Self::Object(members) if members.len() > limits.keys => {
                Err(Error::Limit { what: "keys in an object", max: limits.keys, found: members.len() })
            }
            Self::Array(elements) if elements.len() > limits.elements => {
                Err(Error::Limit { what: "elements in an array", max: limits.elements, found: elements.len() })
            }
            Self::Text(text) => check_text(text, limits.base64).or_else(refuse),
            Self::Integer(number) if *number > INTEGER_MAX => refuse("an integer ends at 2^53 - 1"),
            Self::Integer(_) | Self::Boolean(_) => Ok(()),
            Self::Object(members) => {
                let length = path.len();
                for (key, value) in members {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    if !is_word(key) {
                        return Err(Error::Field { what: limits.what, field: path.clone(), why: NOT_A_WORD });
                    }
                    value.check(limits, depth + 1, path)?;
                    path.truncate(length);
                }
                Ok(())
            }
            Self::Array(elements) => elements.iter().try_for_each(|value| value.check(limits, depth + 1, path)),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Object(members) => {
                let mut separator = b'{';
                for (key, value) in members {
                    out.push(separator);
                    write_text(out, key);
                    out.push(b':');
                    value.write(out);
                    separator = b',';
                }
                out.push(b'}');
            }
            Self::Array(elements) => {
                let mut separator = b'[';
                for value in elements {
                    out.push(separator);
                    value.write(out);
                    separator = b',';
                }
                out.push(b']');
            }
            Self::Text(text) => write_text(out, text),
            Self::Integer(number) => write_integer(out, *number),
            Self::Boolean(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<Hash> for Value {
    fn from(hash: Hash) -> Self {
        Self::Text(hash.to_string())
    }
}

impl From<Vec<Value>> for Value {
    fn from(elements: Vec<Value>) -> Self {
        Self::Array(elements)
    }
}

impl From<BTreeMap<String, Value>> for Value {
    fn from(members: BTreeMap<String, Value>) -> Self {
        Self::Object(members)
    }
}

pub(crate) const NOT_A_WORD: &str = "a word is [a-z][a-z0-9_]{0,47}";

pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

pub(crate) fn write_integer(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Hands `bytes` back if they are no longer than the document may be.
pub(crate) fn within(limits: Limits, bytes: Vec<u8>) -> Result<Vec<u8>> {
    match bytes.len() <= limits.bytes {
        true => Ok(bytes),
        false => Err(Error::Limit { what: limits.what, max: limits.bytes, found: bytes.len() }),
    }
}
