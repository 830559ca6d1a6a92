//! Client data JSON: any JSON object (RFC 8259), since browsers may add members.

use std::collections::BTreeMap;

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 16;

/// A member of the outermost object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    Text(String),
    Boolean(bool),
    /// A number, null, array or object, checked for form and passed over.
    Other,
}

impl Member {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads the members of a JSON object; a key that comes twice is refused.
pub(super) fn members(bytes: &[u8]) -> Result<BTreeMap<String, Member>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the client data is not UTF-8")?;
    let mut json = Json { rest: text };
    let mut members = BTreeMap::new();
    json.space();
    json.object(0, &mut |key, member| match members.insert(key, member) {
        None => Ok(()),
        Some(_) => Err("a member of the client data is repeated"),
    })?;
    json.space();

    if json.rest.is_empty() { Ok(members) } else { Err("text after the client data") }
}

struct Json<'a> {
    rest: &'a str,
}

const MALFORMED: &str = "the client data is not JSON";

impl Json<'_> {
    fn object(
        &mut self,
        depth: usize,
        each: &mut dyn FnMut(String, Member) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.eat('{')?;
        self.space();
        if self.eat('}').is_ok() {
            return Ok(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.eat(':')?;
            let member = self.value(depth + 1)?;
            each(key, member)?;
            if self.eat(',').is_err() {
                return self.eat('}');
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), &'static str> {
        self.eat('[')?;
        self.space();
        if self.eat(']').is_ok() {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.eat(',').is_err() {
                return self.eat(']');
            }
        }
    }

    /// Reads a value and the white space around it.
    fn value(&mut self, depth: usize) -> Result<Member, &'static str> {
        if depth > DEPTH_MAX {
            return Err("the client data is nested too deep");
        }
        self.space();
        let member = match self.rest.chars().next() {
            Some('"') => Member::Text(self.string()?),
            Some('{') => self.object(depth, &mut |_, _| Ok(())).map(|()| Member::Other)?,
            Some('[') => self.array(depth).map(|()| Member::Other)?,
            Some('t') => self.word("true").map(|()| Member::Boolean(true))?,
            Some('f') => self.word("false").map(|()| Member::Boolean(false))?,
            Some('n') => self.word("null").map(|()| Member::Other)?,
            _ => self.number().map(|()| Member::Other)?,
        };
        self.space();

        Ok(member)
    }

    fn string(&mut self) -> Result<String, &'static str> {
        self.eat('"')?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                character if character < ' ' => return Err(MALFORMED),
                character => text.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char, &'static str> {
        Ok(match self.next()? {
            character @ ('"' | '\\' | '/') => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit()?;
                let low = match unit {
                    0xd800..=0xdbff => {
                        self.word("\\u")?;
                        Some(self.unit()?)
                    }
                    _ => None,
                };
                let units = std::iter::once(unit).chain(low);
                let mut decoded = char::decode_utf16(units);
                match (decoded.next(), decoded.next()) {
                    (Some(Ok(character)), None) => character,
                    _ => return Err(MALFORMED),
                }
            }
            _ => return Err(MALFORMED),
        })
    }

    fn unit(&mut self) -> Result<u16, &'static str> {
        let digits =
            self.rest.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())).ok_or(MALFORMED)?;
        let unit = u16::from_str_radix(digits, 16).map_err(|_| MALFORMED)?;
        self.rest = &self.rest[4..];

        Ok(unit)
    }

    fn number(&mut self) -> Result<(), &'static str> {
        let _ = self.eat('-');
        let whole = self.digits()?;
        if whole.len() > 1 && whole.starts_with('0') {
            return Err(MALFORMED);
        }
        if self.eat('.').is_ok() {
            self.digits()?;
        }
        if self.eat('e').is_ok() || self.eat('E').is_ok() {
            let _ = self.eat('+').or_else(|_| self.eat('-'));
            self.digits()?;
        }

        Ok(())
    }

    fn digits(&mut self) -> Result<&str, &'static str> {
        let end = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;

        if digits.is_empty() { Err(MALFORMED) } else { Ok(digits) }
    }

    fn word(&mut self, word: &str) -> Result<(), &'static str> {
        self.rest = self.rest.strip_prefix(word).ok_or(MALFORMED)?;

        Ok(())
    }

    fn eat(&mut self, character: char) -> Result<(), &'static str> {
        self.rest = self.rest.strip_prefix(character).ok_or(MALFORMED)?;

        Ok(())
    }

    fn next(&mut self) -> Result<char, &'static str> {
        let mut characters = self.rest.chars();
        let next = characters.next().ok_or(MALFORMED)?;
        self.rest = characters.as_str();

        Ok(next)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }
}
