//! The strict reader: one pass over the bytes, no allocation of its own.

use std::collections::BTreeMap;

use super::{INTEGER_MAX, Limits, NOT_A_WORD, Value, is_word_bytes, text_class};
use crate::{Error, Result};

/// A cursor over canonical bytes.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of a document that is not too long.
    pub(crate) fn new(bytes: &'a [u8], limits: Limits) -> Result<Self> {
        if bytes.len() > limits.bytes {
            return Err(Error::Limit { what: limits.what, max: limits.bytes, found: bytes.len() });
        }

        Ok(Self { bytes, at: 0, depth: 0, limits })
    }

    /// Reads one value of any kind.
    pub(crate) fn value(&mut self) -> Result<Value> {
        match self.peek() {
            Some(b'{') => {
                let mut members = BTreeMap::new();
                self.object(|reader, key| {
                    members.insert(key.to_owned(), reader.value()?);
                    Ok(())
                })?;
                Ok(Value::Object(members))
            }
            Some(b'[') => {
                let mut elements = Vec::new();
                self.array(|reader| {
                    elements.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Value::Array(elements))
            }
            Some(b'"') => Ok(Value::Text(self.text()?.to_owned())),
            Some(b't' | b'f') => Ok(Value::Boolean(self.boolean()?)),
            Some(b'0'..=b'9') => Ok(Value::Integer(self.integer()?)),
            _ => Err(self.error("expected an object, an array, text, a plain decimal, true or false")),
        }
    }

    /// Reads an object; `member` is called after each key and reads its value.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Result<()>) -> Result<()> {
        self.open(b'{', "expected an object")?;
        let mut last = "";
        let mut count = 0;
        loop {
            let start = self.at;
            count += 1;
            if count > self.limits.keys {
                return Err(Error::Limit { what: "keys in an object", max: self.limits.keys, found: count });
            }
            let key = self.quoted()?;
            if !is_word_bytes(key.as_bytes()) {
                return Err(self.error_at(start, NOT_A_WORD));
            }
            if key <= last {
                return Err(self.error_at(start, "keys are sorted by byte and never repeated"));
            }
            last = key;
            self.byte(b':', "expected `:` after a key")?;
            member(self, key)?;
            if self.next_or_close(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads an array; `element` is called to read each value.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.open(b'[', "expected an array")?;
        let mut count = 0;
        loop {
            count += 1;
            if count > self.limits.elements {
                return Err(Error::Limit { what: "elements in an array", max: self.limits.elements, found: count });
            }
            element(self)?;
            if self.next_or_close(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads text and checks it against the widest class of the document.
    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let start = self.at;
        let text = self.quoted()?;
        text_class(text.as_bytes(), self.limits.base64).map_err(|why| self.error_at(start, why))?;

        Ok(text)
    }

    /// Reads text that `class` accepts.
    pub(crate) fn text_of(&mut self, class: impl FnOnce(&str) -> bool, why: &'static str) -> Result<&'a str> {
        let start = self.at;
        let text = self.quoted()?;

        if class(text) { Ok(text) } else { Err(self.error_at(start, why)) }
    }

    /// Reads a plain decimal from 0 to 2^53 − 1.
    pub(crate) fn integer(&mut self) -> Result<u64> {
        let start = self.at;
        let mut number: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number * 10 + u64::from(digit - b'0');
            self.at += 1;
            if number > INTEGER_MAX {
                return Err(self.error_at(start, "an integer ends at 2^53 - 1"));
            }
        }
        if self.at == start {
            return Err(self.error("expected a plain decimal"));
        }
        if self.bytes[start] == b'0' && self.at > start + 1 {
            return Err(self.error_at(start, "a decimal has no leading zeros"));
        }

        Ok(number)
    }

    /// Reads true or false.
    pub(crate) fn boolean(&mut self) -> Result<bool> {
        for (word, truth) in [(&b"true"[..], true), (b"false", false)] {
            if self.bytes[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(truth);
            }
        }

        Err(self.error("expected true or false"))
    }

    /// Refuses bytes after the document.
    pub(crate) fn end(&self) -> Result<()> {
        match self.at == self.bytes.len() {
            true => Ok(()),
            false => Err(self.error("trailing bytes after the document")),
        }
    }

    /// An error at the current byte.
    pub(crate) fn error(&self, why: &'static str) -> Error {
        self.error_at(self.at, why)
    }

    fn error_at(&self, at: usize, why: &'static str) -> Error {
        Error::Syntax { what: self.limits.what, at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn byte(&mut self, expected: u8, why: &'static str) -> Result<()> {
        if self.peek() != Some(expected) {
            return Err(self.error(why));
        }
        self.at += 1;

        Ok(())
    }

    fn open(&mut self, bracket: u8, why: &'static str) -> Result<()> {
        if self.depth == self.limits.depth {
            return Err(self.error("nested too deep"));
        }
        self.byte(bracket, why)?;
        if self.peek() == Some(bracket + 2) {
            return Err(self.error("an empty container is omitted"));
        }
        self.depth += 1;

        Ok(())
    }

    /// Steps over `,` and returns false, or over the closing bracket and returns true.
    fn next_or_close(&mut self, bracket: u8) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(found) if found == bracket => {
                self.at += 1;
                self.depth -= 1;
                Ok(true)
            }
            _ => Err(self.error("expected `,` or the closing bracket")),
        }
    }

    /// Reads characters between quotation marks; escapes and non-ASCII are refused.
    fn quoted(&mut self) -> Result<&'a str> {
        self.byte(b'"', "expected text")?;
        let start = self.at;
        let length =
            self.bytes[start..].iter().position(|byte| !matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'));
        let end = start + length.unwrap_or(self.bytes.len() - start);
        if self.bytes.get(end) != Some(&b'"') {
            return Err(self.error_at(end, "text is printable ASCII, has no escapes and ends with a quotation mark"));
        }
        self.at = end + 1;

        Ok(std::str::from_utf8(&self.bytes[start..end]).expect("printable ASCII is UTF-8"))
    }
}
