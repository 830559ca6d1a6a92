//! The strict reader: one pass over the bytes, no allocation of its own.

use std::collections::BTreeMap;

use super::class::{check_text, is_word};
use super::{INTEGER_MAX, Limits, NOT_A_WORD, Value};
use crate::{Error, Result};

/// A cursor over canonical bytes.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of a document that is ASCII and not too long.
    pub(crate) fn new(bytes: &'a [u8], limits: Limits) -> Result<Self> {
        if bytes.len() > limits.bytes {
            return Err(Error::Limit { what: limits.what, max: limits.bytes, found: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).ok_or_else(|| {
            let at = bytes.iter().take_while(|byte| byte.is_ascii()).count();
            Error::Syntax { what: limits.what, at, why: "a document is ASCII" }
        })?;

        Ok(Self { text, at: 0, depth: 0, limits })
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
            _ => Err(self.error(NOT_A_VALUE)),
        }
    }

    /// Checks one value of any kind.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'{') => self.object(|reader, _| reader.skip()),
            Some(b'[') => self.array(Self::skip),
            Some(b'"') => self.text().map(|_| ()),
            Some(b't' | b'f') => self.boolean().map(|_| ()),
            Some(b'0'..=b'9') => self.integer().map(|_| ()),
            _ => Err(self.error(NOT_A_VALUE)),
        }
    }

    /// Returns the text that `read` steps over.
    pub(crate) fn spanned(&mut self, read: impl FnOnce(&mut Self) -> Result<()>) -> Result<&'a str> {
        let start = self.at;
        read(self)?;

        Ok(&self.text[start..self.at])
    }

    /// Reads an object; `member` is called after each key and reads its value.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Result<()>) -> Result<()> {
        self.open(b'{', "expected an object")?;
        let mut last = "";
        for count in 1.. {
            let start = self.at;
            if count > self.limits.keys {
                return Err(Error::Limit { what: "keys in an object", max: self.limits.keys, found: count });
            }
            let key = self.quoted()?;
            if !is_word(key) {
                return Err(self.error_at(start, NOT_A_WORD));
            }
            if key <= last {
                return Err(self.error_at(start, "keys are sorted by byte and never repeated"));
            }
            last = key;
            self.expect(":", "expected `:` after a key")?;
            member(self, key)?;
            if self.next_or_close(b'}')? {
                break;
            }
        }

        Ok(())
    }

    /// Reads an array; `element` is called to read each value.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.open(b'[', "expected an array")?;
        for count in 1.. {
            if count > self.limits.elements {
                return Err(Error::Limit { what: "elements in an array", max: self.limits.elements, found: count });
            }
            element(self)?;
            if self.next_or_close(b']')? {
                break;
            }
        }

        Ok(())
    }

    /// Reads text and checks it against the widest class of the document.
    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let start = self.at;
        let text = self.quoted()?;
        check_text(text, self.limits.base64).map_err(|why| self.error_at(start, why))?;

        Ok(text)
    }

    /// Reads text that `class` accepts; no class may accept `\`, which would be an escape.
    #[inline]
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
        if self.text.as_bytes()[start] == b'0' && self.at > start + 1 {
            return Err(self.error_at(start, "a decimal has no leading zeros"));
        }

        Ok(number)
    }

    /// Reads true or false.
    pub(crate) fn boolean(&mut self) -> Result<bool> {
        if self.eat("true") {
            return Ok(true);
        }
        self.expect("false", "expected true or false")?;

        Ok(false)
    }

    /// Steps over `literal` if it is what comes next.
    #[inline]
    pub(crate) fn eat(&mut self, literal: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(literal.as_bytes());
        if found {
            self.at += literal.len();
        }

        found
    }

    /// Steps over `literal`, which must be what comes next.
    #[inline]
    pub(crate) fn expect(&mut self, literal: &str, why: &'static str) -> Result<()> {
        if self.eat(literal) { Ok(()) } else { Err(self.error(why)) }
    }

    /// Goes one container deeper, for one whose bracket is part of a literal.
    pub(crate) fn descend(&mut self) {
        self.depth += 1;
    }

    /// Refuses bytes after the document.
    pub(crate) fn end(&self) -> Result<()> {
        match self.at == self.text.len() {
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
        self.text.as_bytes().get(self.at).copied()
    }

    fn open(&mut self, bracket: u8, why: &'static str) -> Result<()> {
        if self.depth == self.limits.depth {
            return Err(self.error("nested too deep"));
        }
        if self.peek() != Some(bracket) {
            return Err(self.error(why));
        }
        self.at += 1;
        // In ASCII a closing bracket or brace is two above its opening one.
        if self.peek() == Some(bracket + 2) {
            return Err(self.error("an empty container is omitted"));
        }
        self.depth += 1;

        Ok(())
    }

    /// Steps over `,` and returns false, or over the closing bracket and returns true.
    fn next_or_close(&mut self, bracket: u8) -> Result<bool> {
        let found = self.peek();
        self.at += 1;
        match found {
            Some(b',') => Ok(false),
            Some(byte) if byte == bracket => {
                self.depth -= 1;
                Ok(true)
            }
            _ => Err(self.error_at(self.at - 1, "expected `,` or the closing bracket")),
        }
    }

    /// Reads the characters between two quotation marks, whatever they are.
    fn quoted(&mut self) -> Result<&'a str> {
        self.expect("\"", "expected text")?;
        let rest = &self.text[self.at..];
        let length = rest.find('"').ok_or_else(|| self.error("text ends with a quotation mark"))?;
        self.at += length + 1;

        Ok(&rest[..length])
    }
}

const NOT_A_VALUE: &str = "expected an object, an array, text, a plain decimal, true or false";
