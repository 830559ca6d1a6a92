//! Strict JSON for everything that will be hashed: one parser for every door.
//!
//! Refuses duplicate keys, numbers that are not integers within ±(2^53−1), NUL, strings over
//! 64 KiB and documents over 64 levels, and lists every such place at once. The writer gives
//! RFC 8785 bytes, which on this set of values means sorted keys and no white space.

use serde_json::{Map, Value};

use crate::problem::FieldError;

/// The deepest nesting of objects and arrays.
pub const DEPTH_MAX: usize = 64;
/// The longest string, in bytes of UTF-8.
pub const STRING_BYTES_MAX: usize = 64 * 1024;
/// The largest integer that survives every JSON reader, 2^53 − 1.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;
/// How many faults one answer lists.
const ERRORS_MAX: usize = 100;

/// Why a document was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not JSON: the byte offset and what was wrong there.
    Malformed {
        /// Offset in bytes from the start.
        byte: usize,
        /// What was wrong there.
        what: String,
    },
    /// JSON, but with values that may not be signed.
    Invalid(Vec<FieldError>),
}

/// Reads one document.
///
/// # Errors
///
/// [`Refusal`] with the place of the first syntax error, or with every forbidden value.
pub fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Refusal::Malformed { byte: error.valid_up_to(), what: "invalid UTF-8".into() })?;
    let mut reader = Reader { text, at: 0, path: Vec::new(), errors: Vec::new() };
    reader.space();
    let value = reader.value()?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.malformed("text after the end of the document"));
    }
    if reader.errors.is_empty() { Ok(value) } else { Err(Refusal::Invalid(reader.errors)) }
}

/// Writes RFC 8785 text: keys sorted by UTF-16 code units, no white space.
///
/// Values come from [`parse`], so numbers are integers and need no float rules.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<_> = members.iter().collect();
            keys.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (position, (key, member)) in keys.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Appends one step to a JSON pointer (RFC 6901).
pub fn pointer(parent: &str, step: &str) -> String {
    format!("{parent}/{}", step.replace('~', "~0").replace('/', "~1"))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    path: Vec<String>,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, Refusal> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(Value::String),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.malformed("no value starts like this")),
            None => Err(self.malformed("the document ends where a value should be")),
        }
    }

    fn object(&mut self) -> Result<Value, Refusal> {
        self.enter()?;
        let mut members = Map::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.malformed("an object key in quotes should be here"));
            }
            let key = self.string()?;
            self.space();
            self.expect(b':', "a colon should be here")?;
            self.space();
            self.path.push(key.clone());
            if members.contains_key(&key) {
                self.refuse("duplicate_key", "The key appears twice; send it once.");
            }
            let value = self.value()?;
            self.path.pop();
            members.insert(key, value);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return Err(self.malformed("a comma or closing brace should be here")),
            }
        }
    }

    fn array(&mut self) -> Result<Value, Refusal> {
        self.enter()?;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            self.path.push(items.len().to_string());
            items.push(self.value()?);
            self.path.pop();
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.malformed("a comma or closing bracket should be here")),
            }
        }
    }

    fn string(&mut self) -> Result<String, Refusal> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek() {
                None => return Err(self.malformed("the document ends inside a string")),
                Some(b'"') if !escaped => break,
                Some(b'\\') if !escaped => escaped = true,
                Some(_) => escaped = false,
            }
            self.at += 1;
        }
        self.at += 1;
        let text: String = serde_json::from_str(&self.text[start..self.at]).map_err(|_| Refusal::Malformed {
            byte: start,
            what: "the string has a bad escape or control character".into(),
        })?;
        if text.contains('\0') {
            self.refuse("nul_character", "NUL characters cannot be stored.");
        }
        if text.len() > STRING_BYTES_MAX {
            self.refuse(
                "string_too_long",
                format!("{} bytes; at most {STRING_BYTES_MAX} fit in one string.", text.len()),
            );
        }

        Ok(text)
    }

    fn number(&mut self) -> Result<Value, Refusal> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if serde_json::from_str::<serde_json::Number>(text).is_err() && text.parse::<f64>().is_err() {
            return Err(Refusal::Malformed { byte: start, what: "not a JSON number".into() });
        }
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(Refusal::Malformed { byte: start, what: "not a JSON number".into() });
        }
        match text.parse::<i64>() {
            Ok(number) if number.abs() <= INTEGER_MAX && text != "-0" => Ok(number.into()),
            _ => {
                self.refuse(
                    "number_not_integer",
                    "Numbers are integers within ±(2^53−1). Send decimals as text, for example \"12500.00\".",
                );
                Ok(Value::Null)
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Refusal> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.malformed("no value starts like this"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn enter(&mut self) -> Result<(), Refusal> {
        self.at += 1;
        if self.path.len() >= DEPTH_MAX {
            let error = FieldError::new(self.here(), "too_deep", format!("At most {DEPTH_MAX} levels of nesting."));
            self.errors.push(error);
            return Err(Refusal::Invalid(std::mem::take(&mut self.errors)));
        }
        Ok(())
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Refusal> {
        if self.peek() != Some(byte) {
            return Err(self.malformed(what));
        }
        self.at += 1;
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn here(&self) -> String {
        self.path.iter().fold(String::new(), |parent, step| pointer(&parent, step))
    }

    fn refuse(&mut self, code: &str, detail: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(FieldError::new(self.here(), code, detail));
        }
    }

    fn malformed(&self, what: &str) -> Refusal {
        Refusal::Malformed { byte: self.at, what: what.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_value_is_listed_with_its_place() {
        let text = br#"{"a":1.5,"b":{"c":[1,2e3,9007199254740992]},"a":"x\u0000"}"#;

        let Err(Refusal::Invalid(errors)) = parse(text) else { panic!("taken") };

        let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code.as_str())).collect();
        assert_eq!(
            found,
            [
                ("/a", "number_not_integer"),
                ("/b/c/1", "number_not_integer"),
                ("/b/c/2", "number_not_integer"),
                ("/a", "duplicate_key"),
                ("/a", "nul_character"),
            ]
        );
    }

    #[test]
    fn depth_and_length_have_limits() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        let long = format!("\"{}\"", "x".repeat(STRING_BYTES_MAX + 1));

        assert!(matches!(parse(deep.as_bytes()), Err(Refusal::Invalid(errors)) if errors[0].code == "too_deep"));
        assert!(matches!(parse(long.as_bytes()), Err(Refusal::Invalid(errors)) if errors[0].code == "string_too_long"));
        assert!(parse(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()).is_ok());
    }

    #[test]
    fn what_is_not_json_names_its_byte() {
        for (text, byte) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\" 1}", 5),
            ("nul", 0),
            ("01", 0),
            ("1 2", 2),
            ("\"\u{1}\"", 0),
            ("\"\\x\"", 0),
            ("-", 0),
        ] {
            let Err(Refusal::Malformed { byte: found, .. }) = parse(text.as_bytes()) else {
                panic!("{text} was taken")
            };
            assert_eq!(found, byte, "{text}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(Refusal::Malformed { byte: 1, what: "invalid UTF-8".into() }));
    }

    #[test]
    fn canonical_text_sorts_by_utf16_and_survives_a_second_pass() {
        let value =
            parse("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"b\":[true,null],\"a\":\"\\u20ac\\n\"}".as_bytes()).unwrap();

        let text = canonical(&value);

        assert_eq!(text, "{\"a\":\"€\\n\",\"b\":[true,null],\"\u{1f600}\":2,\"\u{fb33}\":1}");
        assert_eq!(canonical(&parse(text.as_bytes()).unwrap()), text);
    }

    proptest::proptest! {
        #[test]
        fn whatever_bytes_come_the_reader_answers(bytes in proptest::collection::vec(0u8..=255, 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn integers_and_text_round_trip(number in -INTEGER_MAX..=INTEGER_MAX, text in "[^\\x00]{0,40}") {
            let value = serde_json::json!({"n": number, "t": text});
            let written = canonical(&value);
            proptest::prop_assert_eq!(canonical(&parse(written.as_bytes()).unwrap()), written);
        }
    }
}
