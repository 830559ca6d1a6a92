//! Decision types: which actions a system may propose, with which parameters, at what risk.

use countersign_ledger::hash::{Hash, Label, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    decision::{Risk, Verdict, words},
    form::{self, FormField},
    json,
    problem::FieldError,
    text::fold_lines,
};

/// The most parameters one type has.
pub const PARAMETERS_MAX: usize = 24;

/// An amount above every limit that can be set.
const AMOUNT_BEYOND: u64 = i64::MAX as u64;

/// Names that the record uses itself, so no parameter may.
pub const RESERVED: [&str; 8] =
    ["intent", "rationale", "alternatives", "evidence", "context", "confidence", "lineage", "impact"];

/// One version of a decision type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDefinition {
    /// Two words with a dot, such as `reservation.cancel`.
    pub name: String,
    /// From 1; a change of anything below is a new version.
    pub version: u32,
    /// What the screen calls the action, such as "Cancel a reservation".
    pub title: String,
    /// The name of the agent's own tool, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Set by the type, never by the agent.
    pub risk: Risk,
    /// Whether the effect can be undone.
    pub reversibility: Reversibility,
    /// Why the risk is what it is, in plain sentences for the reviewer.
    pub risk_reasons: Vec<String>,
    /// The decimal parameter that authority limits compare; absent where the type counts nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Parameters and record fields that are masked until somebody opens them with a reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<String>,
    /// What every decision of the type does to people or data, so that no grant covers it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hazards: Vec<Hazard>,
    /// The parameters, in the order of the screen.
    pub parameters: Vec<Parameter>,
    /// What a reviewer answers beside code and reason, in the order of the screen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<FormField>,
}

words! {
    /// Whether an effect can be undone.
    Reversibility {
        /// Undone at no cost.
        Reversible "reversible"
        /// Undone at a cost or only in part.
        Compensable "compensable"
        /// Cannot be undone.
        Irreversible "irreversible"
    }
}

words! {
    /// What every decision of a type does, whatever its parameters.
    Hazard {
        /// It is to a person's disadvantage.
        Adverse "adverse"
        /// It takes data out of the company.
        DataExport "data_export"
    }
}

impl Reversibility {
    /// Returns the words on screens.
    pub const fn label(self) -> &'static str {
        match self {
            Reversibility::Reversible => "Can be undone",
            Reversibility::Compensable => "Can be undone at a cost",
            Reversibility::Irreversible => "Cannot be undone",
        }
    }
}

/// One parameter of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// A word, `[a-z][a-z0-9_]{0,47}`.
    pub name: String,
    /// What the screen calls it.
    pub label: String,
    /// What values it takes.
    pub kind: Kind,
    /// Whether a proposal without it is refused.
    pub required: bool,
}

words! {
    /// The values of a parameter.
    Kind {
        /// Any text.
        Text "text"
        /// An integer within ±(2^53−1).
        Integer "integer"
        /// A decimal as text, `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, at most 18 digits.
        Decimal "decimal"
        /// True or false.
        Boolean "boolean"
        /// Lists and objects, committed as their RFC 8785 text.
        Structure "structure"
    }
}

impl TypeDefinition {
    /// Returns the digest that the ledger names, over the RFC 8785 text, label `template`.
    pub fn digest(&self) -> Hash {
        let value = serde_json::to_value(self).expect("a definition is plain data");
        digest(Label::Template, json::canonical(&value).as_bytes())
    }

    /// Checks the definition itself.
    ///
    /// # Errors
    ///
    /// Every field that needs a change.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let words: Vec<_> = self.name.split('.').collect();
        if words.len() != 2 || !words.iter().all(|word| is_word(word)) {
            errors.push(FieldError::new("/name", "invalid_name", "Two words with a dot, such as reservation.cancel."));
        }
        if self.title.trim().is_empty() {
            errors.push(FieldError::new("/title", "missing", "Say what the action does."));
        }
        if self.parameters.len() > PARAMETERS_MAX {
            errors.push(FieldError::new("/parameters", "too_many", format!("At most {PARAMETERS_MAX} parameters.")));
        }
        let counts = |parameter: &Parameter| matches!(parameter.kind, Kind::Decimal | Kind::Integer);
        if let Some(amount) = &self.amount
            && !self.parameters.iter().any(|parameter| parameter.name == *amount && counts(parameter))
        {
            errors.push(FieldError::new(
                "/amount",
                "unknown_field",
                "Name a decimal or integer parameter of the type.",
            ));
        }
        for (position, name) in self.personal.iter().enumerate() {
            let known =
                RESERVED.contains(&name.as_str()) || self.parameters.iter().any(|parameter| parameter.name == *name);
            if !known {
                let place = format!("/personal/{position}");
                errors.push(FieldError::new(place, "unknown_field", "Name a parameter or a field of the record."));
            }
        }
        for (position, parameter) in self.parameters.iter().enumerate() {
            let place = format!("/parameters/{position}/name");
            if !is_word(&parameter.name) {
                errors.push(FieldError::new(&place, "invalid_name", "A lower-case word of at most 48 characters."));
            }
            if RESERVED.contains(&parameter.name.as_str()) {
                errors.push(FieldError::new(&place, "reserved_name", "The record uses this name itself."));
            }
            if self.parameters[..position].iter().any(|other| other.name == parameter.name) {
                errors.push(FieldError::new(&place, "duplicate_key", "The name appears twice."));
            }
        }
        errors.extend(form::check(&self.form));
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Tells whether one of these rulings needs answers beside code and reason.
    pub fn asks(&self, verdicts: &[Verdict]) -> bool {
        self.form.iter().any(|field| field.required && verdicts.iter().any(|verdict| field.is_asked(*verdict)))
    }

    /// Returns the amount that authority limits compare, rounded up and without its sign.
    ///
    /// A type that counts something and is asked without it is beyond every limit.
    pub fn amount_of(&self, bound: &[(String, String)]) -> Option<u64> {
        let name = self.amount.as_ref()?;
        let Some((_, text)) = bound.iter().find(|(bound, _)| bound == name) else { return Some(AMOUNT_BEYOND) };
        let digits = text.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let up = u64::from(fraction.bytes().any(|digit| digit != b'0'));
        Some(whole.parse::<u64>().map_or(AMOUNT_BEYOND, |whole| (whole + up).min(AMOUNT_BEYOND)))
    }

    /// Checks parameters and returns each as the text that is committed, in the order of the type.
    ///
    /// # Errors
    ///
    /// Every parameter that is missing, unknown or of another kind.
    pub fn bind(&self, parameters: &Map<String, Value>) -> Result<Vec<(String, String)>, Vec<FieldError>> {
        let mut errors = Vec::new();
        for name in parameters.keys() {
            if !self.parameters.iter().any(|parameter| parameter.name == *name) {
                let place = json::pointer("/action/parameters", name);
                errors.push(FieldError::new(
                    place,
                    "unknown_field",
                    format!("{} version {} has no such parameter.", self.name, self.version),
                ));
            }
        }
        let mut bound = Vec::new();
        for parameter in &self.parameters {
            let place = json::pointer("/action/parameters", &parameter.name);
            match parameters.get(&parameter.name) {
                None | Some(Value::Null) if !parameter.required => {}
                None | Some(Value::Null) => {
                    errors.push(FieldError::new(place, "missing", format!("{} needs this parameter.", self.name)));
                }
                Some(value) => match parameter.kind.text(value) {
                    Ok(text) => bound.push((parameter.name.clone(), text)),
                    Err(detail) => errors.push(FieldError::new(place, "wrong_kind", detail)),
                },
            }
        }
        if errors.is_empty() { Ok(bound) } else { Err(errors) }
    }
}

impl Parameter {
    /// Reads a form's field as the text that is committed: nothing where an optional one was left empty, what is stored
    /// where nothing but the form's line ends differs.
    ///
    /// # Errors
    ///
    /// A sentence that says what to type instead.
    pub fn typed(&self, typed: &str, stored: Option<&str>) -> Result<Option<String>, String> {
        let typed = fold_lines(typed);
        if let Some(stored) = stored.filter(|stored| fold_lines(stored) == typed) {
            return Ok(Some(stored.to_owned()));
        }
        let is_empty = if self.kind == Kind::Text { typed.is_empty() } else { typed.trim().is_empty() };
        if is_empty && !self.required {
            return Ok(None);
        }
        self.kind.text(&self.kind.read(&typed)?).map(Some)
    }
}

impl Kind {
    /// Reads the text of a form, or the text that is committed, as the value that a request has for it.
    ///
    /// # Errors
    ///
    /// A sentence that says what to type instead.
    pub fn read(self, text: &str) -> Result<Value, String> {
        match self {
            Kind::Text if text.contains('\0') => Err("It holds a NUL character, which cannot be stored.".to_owned()),
            Kind::Text if text.len() > json::STRING_BYTES_MAX => Err("At most 64 KiB of text fit here.".to_owned()),
            Kind::Text => Ok(text.into()),
            Kind::Integer => {
                let number = text.trim().parse::<i64>().ok();
                let number = number.filter(|number| (-json::INTEGER_MAX..=json::INTEGER_MAX).contains(number));
                number.map(Value::from).ok_or_else(|| "Type a whole number, within 16 digits.".to_owned())
            }
            Kind::Decimal => match is_decimal(text.trim()) {
                true => Ok(text.trim().into()),
                false => Err("Type a decimal with a point, for example 12500.00, with at most 18 digits.".to_owned()),
            },
            Kind::Boolean => match text {
                "true" => Ok(true.into()),
                "false" => Ok(false.into()),
                _ => Err("Choose yes or no.".to_owned()),
            },
            Kind::Structure => match json::parse(text.as_bytes()) {
                Ok(value @ (Value::Array(_) | Value::Object(_))) => Ok(value),
                Ok(_) => Err("Type a list or an object in JSON.".to_owned()),
                Err(json::Refusal::Malformed { byte, what }) => {
                    Err(format!("This is not JSON: {what}, at byte {byte}."))
                }
                Err(json::Refusal::Invalid(errors)) => {
                    let first = errors.first().map(|error| error.detail.as_str()).unwrap_or_default();
                    Err(format!("This JSON has a value that cannot be recorded. {first}"))
                }
            },
        }
    }

    fn text(self, value: &Value) -> Result<String, String> {
        match (self, value) {
            (Kind::Text, Value::String(text)) => Ok(text.clone()),
            (Kind::Integer, Value::Number(number)) if number.is_i64() => Ok(number.to_string()),
            (Kind::Decimal, Value::String(text)) if is_decimal(text) => Ok(text.clone()),
            (Kind::Boolean, Value::Bool(value)) => Ok(value.to_string()),
            (Kind::Structure, Value::Array(_) | Value::Object(_)) => Ok(json::canonical(value)),
            (Kind::Decimal, _) => {
                Err("Send a decimal as text, for example \"12500.00\", with at most 18 digits.".into())
            }
            (Kind::Structure, _) => Err("Send a list or an object.".into()),
            (kind, _) => Err(format!("Send {} {}.", if kind == Kind::Integer { "an" } else { "a" }, kind.word())),
        }
    }
}

/// Tells whether a text is a word as leaves use it, `[a-z][a-z0-9_]{0,47}`.
pub fn is_word(text: &str) -> bool {
    text.len() <= 48
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Tells whether a text is a decimal number as the interface takes it.
pub fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let zero = digits.bytes().all(|byte| byte == b'0' || byte == b'.');

    all_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(all_digits)
        && whole.len() + fraction.map_or(0, str::len) <= 18
        && !(zero && text.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        for good in ["0", "12500.00", "-1.5", "0.10", "123456789012345678"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", "-0", "-0.00", "01", ".5", "1.", "1e3", "+1", "1234567890123456789", "1,5"] {
            assert!(!is_decimal(bad), "{bad}");
        }
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let errors = refund().bind(json!({"amount": 5, "extra": 1}).as_object().unwrap()).unwrap_err();

        let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code.as_str())).collect();
        assert_eq!(
            found,
            [
                ("/action/parameters/extra", "unknown_field"),
                ("/action/parameters/order_id", "missing"),
                ("/action/parameters/amount", "wrong_kind"),
            ]
        );
    }

    #[test]
    fn an_amount_is_rounded_up_and_a_missing_one_is_beyond_every_limit() {
        let amount = |text: &str| refund().amount_of(&[("amount".to_owned(), text.to_owned())]);

        assert_eq!([amount("40.00"), amount("40.01"), amount("-40.5"), amount("0")], [40, 41, 41, 0].map(Some));
        assert_eq!(refund().amount_of(&[]), Some(AMOUNT_BEYOND));
        assert_eq!(TypeDefinition { amount: None, ..refund() }.amount_of(&[]), None);
        assert_eq!(
            TypeDefinition { amount: Some("order_id".into()), ..refund() }.check().unwrap_err()[0].pointer,
            "/amount"
        );
        let personal = vec!["order_id".to_owned(), "context".to_owned(), "nothing".to_owned()];
        assert_eq!(TypeDefinition { personal, ..refund() }.check().unwrap_err()[0].pointer, "/personal/2");
    }

    #[test]
    fn structures_are_bound_as_canonical_text() {
        let bound = refund()
            .bind(json!({"order_id": "A1", "amount": "40.00", "items": [{"b": 1, "a": 2}]}).as_object().unwrap())
            .unwrap();

        assert_eq!(bound[2], ("items".to_owned(), "[{\"a\":2,\"b\":1}]".to_owned()));
    }

    #[test]
    fn what_is_committed_reads_back_as_the_value_that_was_sent() {
        for (kind, value) in [
            (Kind::Text, json!(" a\nb ")),
            (Kind::Integer, json!(-12)),
            (Kind::Decimal, json!("40.00")),
            (Kind::Boolean, json!(true)),
            (Kind::Structure, json!([{"a": 2, "b": "x"}])),
        ] {
            let text = kind.text(&value).unwrap();
            assert_eq!(kind.read(&text), Ok(value), "{kind:?}");
        }
        for (kind, wrong) in [
            (Kind::Integer, "1.5"),
            (Kind::Integer, "9007199254740992"),
            (Kind::Decimal, "1,5"),
            (Kind::Boolean, "maybe"),
            (Kind::Structure, "\"text\""),
            (Kind::Structure, "[1,"),
            (Kind::Structure, "[1.5]"),
        ] {
            assert!(kind.read(wrong).is_err(), "{kind:?} {wrong}");
        }
    }

    #[test]
    fn an_empty_optional_field_is_left_out_and_line_ends_change_nothing() {
        let field = |kind, required| Parameter { name: "a".into(), label: "A".into(), kind, required };
        let text = |text: &str| Ok(Some(text.to_owned()));

        assert_eq!(field(Kind::Decimal, false).typed(" ", Some("1")), Ok(None));
        assert!(field(Kind::Decimal, true).typed("", Some("1")).is_err());
        assert_eq!(field(Kind::Text, false).typed("one\r\ntwo", Some("one\ntwo")), text("one\ntwo"));
        assert_eq!(field(Kind::Text, false).typed("one\ntwo", Some("one\r\ntwo")), text("one\r\ntwo"));
        assert_eq!(field(Kind::Text, false).typed("one\r\n2", Some("one\r\ntwo")), text("one\n2"));
        assert_eq!(field(Kind::Structure, true).typed("{ \"b\": 1,\r\n\"a\": [] }", None), text(r#"{"a":[],"b":1}"#));
        assert_eq!(field(Kind::Integer, true).typed(" 12 ", None), text("12"));
    }

    #[test]
    fn a_parameter_may_not_take_a_name_of_the_record() {
        let mut definition = refund();
        definition.parameters[0].name = "rationale".into();

        assert_eq!(definition.check().unwrap_err()[0].code, "reserved_name");
    }

    fn refund() -> TypeDefinition {
        let parameter =
            |name: &str, kind, required| Parameter { name: name.into(), label: name.into(), kind, required };
        TypeDefinition {
            name: "refund.issue".into(),
            version: 1,
            title: "Issue a refund".into(),
            tool: None,
            risk: Risk::Medium,
            reversibility: Reversibility::Compensable,
            risk_reasons: vec!["Money leaves the company.".into()],
            amount: Some("amount".into()),
            personal: Vec::new(),
            hazards: Vec::new(),
            parameters: vec![
                parameter("order_id", Kind::Text, true),
                parameter("amount", Kind::Decimal, true),
                parameter("items", Kind::Structure, false),
            ],
            form: Vec::new(),
        }
    }
}
