//! What an agent sends to propose a decision: one reader, every fault listed at once.

use serde_json::{Map, Value};

use crate::{
    decision_type::is_decimal,
    ids::DecisionId,
    json,
    problem::{Code, FieldError, Problem},
};

/// A proposal as it was sent, read but not yet bound to its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// An id that the caller chose.
    pub id: Option<DecisionId>,
    /// Type, version and parameters.
    pub action_type: String,
    /// Version of the type; the newest when absent.
    pub type_version: Option<u32>,
    /// Parameters by the type's names.
    pub parameters: Map<String, Value>,
    /// The record's own fields that are present, in the order of the screen, as committed text.
    pub record: Vec<(&'static str, String)>,
    /// Canonical text of model and prompt version, whose digest the content names.
    pub model: Option<String>,
    /// Opaque id of the case at the caller's.
    pub external_id: Option<String>,
    /// Opaque id of the agent's conversation or run.
    pub conversation: Option<String>,
    /// Sender of numbered submissions, with its own number.
    pub source: Option<(String, u64)>,
    /// References of the persons that the decision affects.
    pub subjects: Vec<String>,
    /// States that an equal open decision is not a duplicate.
    pub second_act: bool,
    /// The whole request in RFC 8785 text: equal requests have equal fingerprints.
    pub canonical: String,
}

impl Proposal {
    /// Reads a request body.
    ///
    /// # Errors
    ///
    /// `malformed_request` when it is not JSON, else `invalid_content` with every field that needs a change.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let value = document(body)?;
        let mut reader = Fields::default();
        let root = reader.object("", &value);

        reader.only(
            "",
            root,
            &[
                "mode",
                "channel",
                "id",
                "source",
                "action",
                "intent",
                "rationale",
                "alternatives",
                "confidence",
                "model",
                "prompt_version",
                "subjects",
                "impact",
                "context",
                "second_act",
                "external_id",
            ],
        );
        match root.get("mode") {
            Some(Value::String(mode)) if mode == "propose" => {}
            None | Some(Value::Null) => reader.error("/mode", "missing", "Send \"propose\"."),
            Some(_) => reader.error("/mode", "unknown_value", "This version takes \"propose\"."),
        }
        if let Some(channel) = reader.text("/channel", root.get("channel"), 16)
            && !["api", "sdk"].contains(&channel.as_str())
        {
            reader.error("/channel", "unknown_value", "Send \"api\" or \"sdk\".");
        }
        let id = reader.text("/id", root.get("id"), 36).and_then(|text| match text.parse::<DecisionId>() {
            Ok(id) if id.0.get_version_num() == 7 => Some(id),
            _ => {
                reader.error("/id", "wrong_kind", "Send a UUID version 7 in lower case.");
                None
            }
        });

        let action = reader.required_object("/action", root.get("action"));
        reader.only("/action", action, &["type", "type_version", "parameters"]);
        let action_type = reader.required_text("/action/type", action.get("type"), 97);
        let type_version = match action.get("type_version") {
            None | Some(Value::Null) => None,
            Some(Value::Number(number))
                if number.as_u64().is_some_and(|version| (1..=u64::from(u32::MAX)).contains(&version)) =>
            {
                number.as_u64().and_then(|version| u32::try_from(version).ok())
            }
            Some(_) => {
                reader.error("/action/type_version", "wrong_kind", "Send an integer from 1.");
                None
            }
        };
        let parameters = reader.required_object("/action/parameters", action.get("parameters")).clone();

        let mut record = Vec::new();
        for name in ["intent", "rationale"] {
            if let Some(text) = reader.text(&format!("/{name}"), root.get(name), json::STRING_BYTES_MAX) {
                record.push((if name == "intent" { "intent" } else { "rationale" }, text));
            }
        }
        if let Some(alternatives) = reader.list("/alternatives", root.get("alternatives"), 32) {
            for (position, item) in alternatives.iter().enumerate() {
                let place = format!("/alternatives/{position}");
                let members = reader.object(&place, item);
                reader.only(&place, members, &["action", "why_not"]);
                reader.required_text(&format!("{place}/action"), members.get("action"), 4_096);
                reader.text(&format!("{place}/why_not"), members.get("why_not"), 4_096);
            }
            record.push(("alternatives", json::canonical(&Value::Array(alternatives.clone()))));
        }
        if let Some(confidence) = reader.text("/confidence", root.get("confidence"), 20) {
            if !is_decimal(&confidence)
                || confidence.starts_with('-')
                || confidence.parse::<f64>().is_ok_and(|value| value > 1.0)
            {
                reader.error("/confidence", "wrong_kind", "Send a decimal from \"0\" to \"1\" as text.");
            }
            record.push(("confidence", confidence));
        }
        if let Some(impact) = root.get("impact").filter(|value| !value.is_null()) {
            let members = reader.object("/impact", impact);
            reader.only("/impact", members, &["effects", "adverse", "affected"]);
            record.push(("impact", json::canonical(impact)));
        }
        let mut conversation = None;
        if let Some(context) = root.get("context").filter(|value| !value.is_null()) {
            let members = reader.object("/context", context);
            reader.only("/context", members, &["conversation", "traceparent", "steps", "documents"]);
            conversation = reader.opaque("/context/conversation", members.get("conversation"));
            reader.text("/context/traceparent", members.get("traceparent"), 55);
            reader.steps(members.get("steps"));
            reader.documents(members.get("documents"));
            record.push(("context", json::canonical(context)));
        }
        let model = reader.model(root);
        let subjects = reader.subjects(root.get("subjects"));
        let source = reader.source(root.get("source"));
        let second_act = reader.boolean("/second_act", root.get("second_act"));
        let external_id = reader.opaque("/external_id", root.get("external_id"));
        reader.done()?;

        Ok(Self {
            id,
            action_type,
            type_version,
            parameters,
            record,
            model,
            external_id,
            conversation,
            source,
            subjects,
            second_act,
            canonical: json::canonical(&value),
        })
    }
}

/// Reads a document and turns the reader's refusal into a problem.
///
/// # Errors
///
/// `malformed_request` or `invalid_content`.
pub fn document(body: &[u8]) -> Result<Value, Problem> {
    json::parse(body).map_err(|refusal| match refusal {
        json::Refusal::Malformed { byte, what } => Problem::new(
            Code::MalformedRequest,
            format!("The body is not JSON: {what}, at byte {byte}. Nothing was stored."),
        ),
        json::Refusal::Invalid(errors) => invalid(errors),
    })
}

/// Makes the problem that lists every field.
pub fn invalid(errors: Vec<FieldError>) -> Problem {
    let count = errors.len();
    let fields =
        if count == 1 { "One field needs a change".to_owned() } else { format!("{count} fields need a change") };
    Problem::fields(Code::InvalidContent, format!("{fields}; nothing was stored."), errors)
}

/// Collects faults while fields are read.
#[derive(Default)]
pub struct Fields {
    errors: Vec<FieldError>,
}

/// What stands in for an object that is none, so that reading goes on and finds the next fault.
static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

impl Fields {
    /// Notes a fault.
    pub fn error(&mut self, pointer: &str, code: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(pointer, code, detail));
    }

    /// Ends reading.
    ///
    /// # Errors
    ///
    /// `invalid_content` with every fault.
    pub fn done(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(invalid(self.errors)) }
    }

    /// Notes every member that is not in the list.
    pub fn only(&mut self, parent: &str, members: &Map<String, Value>, known: &[&str]) {
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            self.errors.push(FieldError::new(
                json::pointer(parent, name),
                "unknown_field",
                "This version does not know the field.",
            ));
        }
    }

    /// Reads an object, or notes that it is none.
    pub fn object<'a>(&mut self, pointer: &str, value: &'a Value) -> &'a Map<String, Value> {
        if let Value::Object(members) = value {
            return members;
        }
        self.error(pointer, "wrong_kind", "Send an object.");
        &NOTHING
    }

    /// Reads an object that has to be there.
    pub fn required_object<'a>(&mut self, pointer: &str, value: Option<&'a Value>) -> &'a Map<String, Value> {
        match value {
            Some(value) => self.object(pointer, value),
            None => {
                self.error(pointer, "missing", "The field is missing.");
                &NOTHING
            }
        }
    }

    /// Reads a text of at most so many bytes.
    pub fn text(&mut self, pointer: &str, value: Option<&Value>, bytes_max: usize) -> Option<String> {
        match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.len() <= bytes_max => Some(text.clone()),
            Some(Value::String(_)) => {
                self.error(pointer, "string_too_long", format!("At most {bytes_max} bytes."));
                None
            }
            Some(_) => {
                self.error(pointer, "wrong_kind", "Send a text.");
                None
            }
        }
    }

    /// Reads a text that has to be there.
    pub fn required_text(&mut self, pointer: &str, value: Option<&Value>, bytes_max: usize) -> String {
        if matches!(value, None | Some(Value::Null)) {
            self.error(pointer, "missing", "The field is missing.");
        }
        self.text(pointer, value, bytes_max).unwrap_or_default()
    }

    /// Reads an id of the caller's: 1 to 255 printable ASCII characters.
    pub fn opaque(&mut self, pointer: &str, value: Option<&Value>) -> Option<String> {
        let text = self.text(pointer, value, 255)?;
        if text.is_empty() || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            self.error(pointer, "wrong_kind", "Send 1 to 255 printable ASCII characters.");
            return None;
        }
        Some(text)
    }

    /// Reads a list of at most so many items.
    pub fn list<'a>(&mut self, pointer: &str, value: Option<&'a Value>, items_max: usize) -> Option<&'a Vec<Value>> {
        match value {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) if items.len() <= items_max => Some(items),
            Some(Value::Array(_)) => {
                self.error(pointer, "too_many", format!("At most {items_max} items."));
                None
            }
            Some(_) => {
                self.error(pointer, "wrong_kind", "Send a list.");
                None
            }
        }
    }

    /// Reads true or false; absent is false.
    pub fn boolean(&mut self, pointer: &str, value: Option<&Value>) -> bool {
        match value {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => *value,
            Some(_) => {
                self.error(pointer, "wrong_kind", "Send true or false.");
                false
            }
        }
    }

    fn model(&mut self, root: &Map<String, Value>) -> Option<String> {
        let mut members = Map::new();
        if let Some(model) = root.get("model").filter(|value| !value.is_null()) {
            let given = self.object("/model", model);
            self.only("/model", given, &["provider", "name", "version"]);
            for name in ["provider", "name", "version"] {
                if let Some(text) = self.text(&format!("/model/{name}"), given.get(name), 255) {
                    members.insert(name.to_owned(), text.into());
                }
            }
        }
        if let Some(prompt) = self.text("/prompt_version", root.get("prompt_version"), 255) {
            members.insert("prompt".to_owned(), prompt.into());
        }
        (!members.is_empty()).then(|| json::canonical(&Value::Object(members)))
    }

    fn subjects(&mut self, value: Option<&Value>) -> Vec<String> {
        let mut found = Vec::new();
        for (position, item) in self.list("/subjects", value, 32).into_iter().flatten().enumerate() {
            let place = format!("/subjects/{position}");
            let members = self.object(&place, item);
            self.only(&place, members, &["ref", "kind"]);
            let reference = self.required_text(&format!("{place}/ref"), members.get("ref"), 255);
            if self.text(&format!("{place}/kind"), members.get("kind"), 16).is_some_and(|kind| kind != "person") {
                self.error(&format!("{place}/kind"), "unknown_value", "Send \"person\".");
            }
            found.push(reference);
        }
        found
    }

    fn source(&mut self, value: Option<&Value>) -> Option<(String, u64)> {
        let value = value.filter(|value| !value.is_null())?;
        let members = self.object("/source", value);
        self.only("/source", members, &["name", "n"]);
        let name = self.opaque("/source/name", members.get("name"));
        let n = members.get("n").and_then(Value::as_u64);
        match (name, n) {
            (Some(name), Some(n)) => Some((name, n)),
            _ => {
                self.error("/source", "missing", "Send name and n, an integer from 0.");
                None
            }
        }
    }

    fn steps(&mut self, value: Option<&Value>) {
        for (position, item) in self.list("/context/steps", value, 1_000).into_iter().flatten().enumerate() {
            let place = format!("/context/steps/{position}");
            let members = self.object(&place, item);
            self.only(&place, members, &["role", "text", "tool", "arguments", "result", "summary"]);
            for name in ["role", "text", "tool", "result", "summary"] {
                self.text(&format!("{place}/{name}"), members.get(name), json::STRING_BYTES_MAX);
            }
        }
    }

    fn documents(&mut self, value: Option<&Value>) {
        for (position, item) in self.list("/context/documents", value, 16).into_iter().flatten().enumerate() {
            let place = format!("/context/documents/{position}");
            let members = self.object(&place, item);
            self.only(&place, members, &["name", "text"]);
            self.required_text(&format!("{place}/name"), members.get("name"), 255);
            self.required_text(&format!("{place}/text"), members.get("text"), json::STRING_BYTES_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_proposal_is_read() {
        let body = br#"{"mode":"propose","action":{"type":"loan.offer","type_version":3,"parameters":{"amount":"12500.00"}},
            "rationale":"Income covers it.","confidence":"0.91","model":{"name":"m","version":"1"},"prompt_version":"p7",
            "subjects":[{"ref":"customer 4711","kind":"person"}],"context":{"conversation":"run-88","steps":[{"role":"user","text":"hi"}]},
            "source":{"name":"w1","n":3},"second_act":true}"#;

        let proposal = Proposal::parse(body).unwrap();

        assert_eq!(proposal.action_type, "loan.offer");
        assert_eq!(proposal.conversation.as_deref(), Some("run-88"));
        assert_eq!(proposal.model.as_deref(), Some(r#"{"name":"m","prompt":"p7","version":"1"}"#));
        assert_eq!(
            proposal.record.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["rationale", "confidence", "context"]
        );
        assert_eq!(proposal.source, Some(("w1".into(), 3)));
        assert!(proposal.second_act);
    }

    #[test]
    fn every_fault_of_a_proposal_is_listed() {
        let body = br#"{"mode":"report","action":{"parameters":[],"x":1},"confidence":"2","y":1,"subjects":[{}]}"#;

        let problem = Proposal::parse(body).unwrap_err();

        assert_eq!(problem.code, Code::InvalidContent);
        let places: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            places,
            ["/y", "/mode", "/action/x", "/action/type", "/action/parameters", "/confidence", "/subjects/0/ref"]
        );
    }

    #[test]
    fn two_spellings_of_one_request_have_one_fingerprint() {
        let one = Proposal::parse(br#"{"mode":"propose","action":{"type":"a.b","parameters":{"x":1,"y":2}}}"#).unwrap();
        let other =
            Proposal::parse(br#"{ "action":{"parameters":{"y":2,"x":1},"type":"a.b"}, "mode":"propose" }"#).unwrap();

        assert_eq!(one.canonical, other.canonical);
    }
}
