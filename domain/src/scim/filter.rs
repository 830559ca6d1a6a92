//! Filters (RFC 7644 section 3.4.2.2): `eq`, and several of them joined by `and`.
//!
//! ```text
//! userName eq "a@example.org"
//! urn:ietf:params:scim:schemas:core:2.0:User:externalId eq "42" and active eq true
//! emails[type eq "work"].value        (a path of a patch)
//! ```

use serde_json::Value;

use super::{Fault, FaultKind, Resource};

/// Terms that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(pub Vec<Term>);

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The attribute, as written, without a schema's URN.
    pub name: String,
    /// The value it equals: a text or a truth.
    pub value: Value,
}

/// Where a patch changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The attribute, as written, without a schema's URN.
    pub name: String,
    /// Whether the URN is that of an extension.
    pub extension: bool,
    /// Which of several values.
    pub filter: Option<Filter>,
    /// A member of the attribute.
    pub member: Option<String>,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// `invalidFilter`, with the place where it stops being understood.
    pub fn parse(text: &str, resource: Resource) -> Result<Self, Fault> {
        let mut reader = Reader { text, at: 0, resource, kind: FaultKind::InvalidFilter };
        let filter = reader.filter()?;
        reader.space();
        if reader.at < text.len() {
            return Err(reader.fault("only eq, joined by and, is offered"));
        }
        Ok(filter)
    }

    /// Tells whether every term holds for the members of one value.
    pub fn fits(&self, value: &Value) -> bool {
        self.0.iter().all(|term| {
            let Some(members) = value.as_object() else { return false };
            let found = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(&term.name)).map(|(_, found)| found);
            match (found, &term.value) {
                (Some(Value::String(found)), Value::String(wanted)) if term.name.eq_ignore_ascii_case("value") => {
                    found == wanted
                }
                (Some(Value::String(found)), Value::String(wanted)) => found.eq_ignore_ascii_case(wanted),
                (Some(found), wanted) => truth(found).is_some() && truth(found) == truth(wanted),
                (None, _) => false,
            }
        })
    }
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// `invalidPath`, with the place where it stops being understood.
    pub fn parse(text: &str, resource: Resource) -> Result<Self, Fault> {
        let mut reader = Reader { text, at: 0, resource, kind: FaultKind::InvalidPath };
        let (name, extension) = reader.name()?;
        let (name, mut member) = match name.split_once('.') {
            Some((name, member)) => (name.to_owned(), Some(member.to_owned())),
            None => (name, None),
        };
        if name.is_empty() || member.as_ref().is_some_and(String::is_empty) {
            return Err(reader.fault("a name should be here"));
        }
        let mut filter = None;
        if reader.peek() == Some('[') && member.is_none() {
            reader.at += 1;
            filter = Some(reader.filter()?);
            reader.space();
            reader.expect(']')?;
            if reader.peek() == Some('.') {
                reader.at += 1;
                member = Some(reader.word()?);
            }
        }
        if reader.at < text.len() {
            return Err(reader.fault("the path goes on after its end"));
        }

        Ok(Self { name, extension, filter, member })
    }
}

/// Reads a truth, also one written as text.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    resource: Resource,
    kind: FaultKind,
}

impl Reader<'_> {
    fn filter(&mut self) -> Result<Filter, Fault> {
        let mut terms = vec![self.term()?];
        loop {
            let before = self.at;
            self.space();
            match self.word() {
                Ok(word) if word.eq_ignore_ascii_case("and") => terms.push(self.term()?),
                _ => {
                    self.at = before;
                    return Ok(Filter(terms));
                }
            }
            if terms.len() > 10 {
                return Err(self.fault("a filter has at most ten terms"));
            }
        }
    }

    fn term(&mut self) -> Result<Term, Fault> {
        self.space();
        let (name, _) = self.name()?;
        self.space();
        let operator = self.word()?;
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(self.fault("only the operator eq is offered"));
        }
        self.space();
        let value = self.value()?;
        Ok(Term { name, value })
    }

    /// An attribute name, without the URN of its schema.
    fn name(&mut self) -> Result<(String, bool), Fault> {
        let rest = &self.text[self.at..];
        let mut extension = false;
        if rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
            let schema = self.resource.schema();
            let end = rest.find(|character: char| character.is_whitespace() || character == '[').unwrap_or(rest.len());
            if rest.get(..schema.len()).is_some_and(|start| start.eq_ignore_ascii_case(schema))
                && rest[schema.len()..].starts_with(':')
            {
                self.at += schema.len() + 1;
            } else {
                // The last colon of the URN stands before the attribute.
                extension = true;
                self.at += rest[..end].rfind(':').map_or(end, |colon| colon + 1);
            }
        }
        Ok((self.word()?, extension))
    }

    fn word(&mut self) -> Result<String, Fault> {
        let rest = &self.text[self.at..];
        let fits = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '$' | '.');
        let end = rest.find(|character| !fits(character)).unwrap_or(rest.len());
        if end == 0 || !rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$') {
            return Err(self.fault("a name should be here"));
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn value(&mut self) -> Result<Value, Fault> {
        let rest = &self.text[self.at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value @ (Value::String(_) | Value::Bool(_)))) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            // Some directories write truth as a bare word with a capital.
            _ => match self.word() {
                Ok(word) if word.eq_ignore_ascii_case("true") => Ok(true.into()),
                Ok(word) if word.eq_ignore_ascii_case("false") => Ok(false.into()),
                _ => Err(self.fault("a text in quotes, true or false should be here")),
            },
        }
    }

    fn expect(&mut self, character: char) -> Result<(), Fault> {
        if self.peek() != Some(character) {
            return Err(self.fault(&format!("{character} should be here")));
        }
        self.at += character.len_utf8();
        Ok(())
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn fault(&self, what: &str) -> Fault {
        Fault::new(self.kind, format!("At character {}: {what}.", self.text[..self.at].chars().count() + 1))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The rule of M1: the filters that are offered.
    #[test]
    fn filters_are_read_and_others_are_refused() {
        let terms = |text: &str| {
            let filter = Filter::parse(text, Resource::User)?;
            Ok::<_, Fault>(filter.0.into_iter().map(|term| (term.name, term.value)).collect::<Vec<_>>())
        };
        let term = |name: &str, value: Value| (name.to_owned(), value);

        assert_eq!(terms(r#"userName eq "a\"b""#).unwrap(), [term("userName", json!("a\"b"))]);
        assert_eq!(
            terms(r#"urn:ietf:params:scim:schemas:core:2.0:User:userName EQ "a" AND active eq True"#).unwrap(),
            [term("userName", json!("a")), term("active", json!(true))]
        );
        for refused in [
            "",
            "userName",
            "userName eq",
            "userName eq a",
            r#"userName co "a""#,
            r#"userName eq "a" or id eq "b""#,
            r#"(userName eq "a")"#,
            r#"not (userName eq "a")"#,
            r#"userName eq "a" and"#,
            r#"userName eq "a"#,
            "userName eq 7",
            r#"userName eq "a" x"#,
            "id pr",
            "\u{e9} eq \"a\"",
        ] {
            assert_eq!(terms(refused).unwrap_err().kind, FaultKind::InvalidFilter, "{refused}");
        }
    }

    #[test]
    fn paths_are_read() {
        let path = |text: &str| Path::parse(text, Resource::User);

        let work = path(r#"emails[type eq "work"].value"#).unwrap();
        assert_eq!((work.name.as_str(), work.member.as_deref()), ("emails", Some("value")));
        assert!(work.filter.unwrap().fits(&json!({"type": "WORK", "value": "x"})));
        assert_eq!(path("name.givenName").unwrap().member.as_deref(), Some("givenName"));
        let extension = path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department").unwrap();
        assert_eq!((extension.name.as_str(), extension.extension), ("department", true));
        for refused in
            ["", "emails[", "emails[type]", r#"emails[type eq "work""#, "name.", "a b", "[x eq 1]", "emails]"]
        {
            assert_eq!(path(refused).map(|_| ()).unwrap_err().kind, FaultKind::InvalidPath, "{refused}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_answered(text in "\\PC{0,40}") {
            let _ = Filter::parse(&text, Resource::Group);
            let _ = Path::parse(&text, Resource::Group);
        }

        #[test]
        fn any_text_can_be_asked_for(text in "[^\\x00]{0,20}") {
            let filter = Filter::parse(&format!("externalId eq {}", json!(text)), Resource::User).unwrap();
            proptest::prop_assert_eq!(filter.0[0].value.as_str(), Some(text.as_str()));
        }
    }
}
