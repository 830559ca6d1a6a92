//! What a policy's rows may ask about a decision: named facts of fixed kinds, read from its type and content.

use serde_json::Value as Json;

use crate::{
    decision::{Risk, words},
    decision_type::{Kind, Reversibility, TypeDefinition, is_decimal},
};

words! {
    /// What values a fact takes, and so how rows compare it.
    FactKind {
        /// One word out of many, compared as written.
        Word "word"
        /// One word out of an order, such as a risk.
        Rank "rank"
        /// A decimal number, compared exactly.
        Number "number"
        /// True or false.
        Flag "flag"
        /// Any number of words.
        Words "words"
    }
}

/// Name of the fact that says what a decision is about.
pub const TYPE: &str = "type";

/// The risks in order.
pub const RISKS: [&str; 3] = ["low", "medium", "high"];
/// The reversibilities in order.
pub const REVERSIBILITIES: [&str; 3] = ["reversible", "compensable", "irreversible"];

/// The facts that every decision has, by name, kind and label.
pub const BUILT_IN: [(&str, FactKind, &str); 10] = [
    ("system", FactKind::Word, "AI system"),
    (TYPE, FactKind::Word, "Decision type"),
    ("risk", FactKind::Rank, "Risk"),
    ("reversibility", FactKind::Rank, "Reversibility"),
    ("amount", FactKind::Number, "Amount"),
    ("confidence", FactKind::Number, "Confidence"),
    ("affected", FactKind::Number, "People affected"),
    ("adverse", FactKind::Flag, "Adverse to somebody"),
    ("subject_kind", FactKind::Word, "Who is affected"),
    ("effects", FactKind::Words, "Kinds of effect"),
];

/// A fact of one decision, in the text that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word, a rank, or a number as its decimal text.
    One(String),
    /// True or false.
    Flag(bool),
    /// Words, sorted.
    Many(Vec<String>),
}

/// The facts of one decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    values: Vec<(String, FactKind, Value)>,
    masked: Vec<String>,
}

/// What the facts are read from.
pub struct Source<'a> {
    /// Name of the proposing system.
    pub system: &'a str,
    /// The type version.
    pub definition: &'a TypeDefinition,
    /// The risk as assessed.
    pub risk: Risk,
    /// The committed fields by name: parameters, then the record's own.
    pub fields: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the decision names persons.
    pub about_persons: bool,
}

impl Value {
    /// Says the value as screens write it.
    pub fn sentence(&self) -> String {
        match self {
            Value::One(text) => text.clone(),
            Value::Flag(flag) => if *flag { "true" } else { "false" }.to_owned(),
            Value::Many(words) if words.is_empty() => "nothing".to_owned(),
            Value::Many(words) => words.join(", "),
        }
    }
}

impl Facts {
    /// Reads the facts of a decision; what is not stated is missing, never guessed.
    pub fn read(source: &Source<'_>) -> Self {
        let mut facts = Self::default();
        let definition = source.definition;
        let field = source.fields;
        facts.one("system", FactKind::Word, Some(source.system.to_owned()));
        facts.one(TYPE, FactKind::Word, Some(definition.name.clone()));
        facts.one("risk", FactKind::Rank, Some(source.risk.word().to_owned()));
        facts.one("reversibility", FactKind::Rank, Some(definition.reversibility.word().to_owned()));
        facts.one("amount", FactKind::Number, definition.amount.as_deref().and_then(field));
        facts.one("confidence", FactKind::Number, field("confidence"));
        let impact = Impact::read(field("impact").as_deref());
        facts.one("affected", FactKind::Number, impact.affected.map(|count| count.to_string()));
        if let Some(adverse) = impact.adverse {
            facts.values.push(("adverse".to_owned(), FactKind::Flag, Value::Flag(adverse)));
        }
        let kind = if source.about_persons { "person" } else { "none" };
        facts.one("subject_kind", FactKind::Word, Some(kind.to_owned()));
        if let Some(effects) = impact.effects {
            facts.values.push(("effects".to_owned(), FactKind::Words, Value::Many(effects)));
        }
        for parameter in &definition.parameters {
            let Some(text) = field(&parameter.name) else { continue };
            let Some(kind) = fact_kind(parameter.kind) else { continue };
            let value = match kind {
                FactKind::Flag => Value::Flag(text == "true"),
                _ => Value::One(text),
            };
            facts.values.push((parameter_fact(&parameter.name), kind, value));
        }
        facts
    }

    /// The one fact that is known of whatever a system may propose.
    pub fn of_system(name: &str) -> Self {
        let mut facts = Self::default();
        facts.one("system", FactKind::Word, Some(name.to_owned()));
        facts
    }

    /// Returns a fact by name.
    pub fn get(&self, name: &str) -> Option<(FactKind, &Value)> {
        self.values.iter().find(|(known, ..)| known == name).map(|(_, kind, value)| (*kind, value))
    }

    /// Compares what these parameters hold without ever saying it; the amount is one of them where it is read from one.
    pub fn mask(&mut self, definition: &TypeDefinition, parameters: &[String]) {
        for parameter in parameters {
            self.masked.push(parameter_fact(parameter));
            if definition.amount.as_ref() == Some(parameter) {
                self.masked.push("amount".to_owned());
            }
            if parameter == "confidence" {
                self.masked.push("confidence".to_owned());
            }
            if parameter == "impact" {
                self.masked.extend(["affected", "adverse", "effects"].map(str::to_owned));
            }
        }
    }

    /// Says what a fact is, or that it is masked.
    pub fn said(&self, name: &str) -> Option<String> {
        let (_, value) = self.get(name)?;
        Some(if self.masked.iter().any(|masked| masked == name) { "masked".to_owned() } else { value.sentence() })
    }

    fn one(&mut self, name: &str, kind: FactKind, text: Option<String>) {
        if let Some(text) = text {
            self.values.push((name.to_owned(), kind, Value::One(text)));
        }
    }
}

/// Returns the name by which rows ask about a parameter.
pub fn parameter_fact(parameter: &str) -> String {
    format!("parameter.{parameter}")
}

/// Returns how a parameter of a kind is compared; structures are not.
pub const fn fact_kind(kind: Kind) -> Option<FactKind> {
    match kind {
        Kind::Text => Some(FactKind::Word),
        Kind::Integer | Kind::Decimal => Some(FactKind::Number),
        Kind::Boolean => Some(FactKind::Flag),
        Kind::Structure => None,
    }
}

/// What a proposal states about the people it affects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Whether it is to somebody's disadvantage.
    pub adverse: Option<bool>,
    /// How many people it affects.
    pub affected: Option<u64>,
    /// Kinds of effect, sorted.
    pub effects: Option<Vec<String>>,
}

impl Impact {
    /// Reads the committed text of the record's field `impact`.
    pub fn read(text: Option<&str>) -> Self {
        let Some(Json::Object(members)) = text.and_then(|text| serde_json::from_str(text).ok()) else {
            return Self::default();
        };
        let effects = members.get("effects").and_then(Json::as_array).map(|list| {
            let mut words: Vec<_> = list.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            words.sort();
            words.dedup();
            words
        });
        Self {
            adverse: members.get("adverse").and_then(Json::as_bool),
            affected: members.get("affected").and_then(Json::as_u64),
            effects,
        }
    }
}

/// People affected from which a decision is of high risk whatever its type says.
pub const MANY_AFFECTED: u64 = 100;

/// Returns the risk of a decision, and why it is above that of its type where it is.
///
/// It is never below what the type says, and nothing that the agent states lowers it.
pub fn assess(definition: &TypeDefinition, impact: &Impact) -> (Risk, Vec<String>) {
    let mut risk = definition.risk;
    let mut reasons = Vec::new();
    let mut raise = |to: Risk, reason: String| {
        if to > risk {
            risk = to;
            reasons.push(reason);
        }
    };
    if definition.reversibility == Reversibility::Irreversible {
        raise(Risk::Medium, "It cannot be undone.".to_owned());
    }
    if impact.adverse == Some(true) {
        raise(Risk::Medium, "The AI system states that it is to somebody's disadvantage.".to_owned());
    }
    if let Some(affected) = impact.affected.filter(|affected| *affected >= MANY_AFFECTED) {
        raise(Risk::High, format!("It affects {affected} people; from {MANY_AFFECTED} on the risk is high."));
    }
    (risk, reasons)
}

/// A decimal number that compares exactly: 18 digits before and 18 after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i128);

impl Decimal {
    /// Reads a decimal as the interface takes it.
    pub fn read(text: &str) -> Option<Self> {
        if !is_decimal(text) {
            return None;
        }
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let scaled: i128 = format!("{whole}{fraction:0<18}").parse().ok()?;
        Some(Self(if negative { -scaled } else { scaled }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_by_value_and_not_by_spelling() {
        let read = |text| Decimal::read(text).unwrap();

        assert_eq!(read("100"), read("100.00"));
        assert!(read("99.999999999999999") < read("100") && read("-2") < read("-1.5") && read("9") < read("10"));
        assert_eq!(Decimal::read("1e3"), None);
    }

    #[test]
    fn what_the_agent_states_raises_the_risk_and_never_lowers_it() {
        let stated = |text| Impact::read(Some(text));
        let low = definition(Risk::Low, Reversibility::Reversible);
        let high = definition(Risk::High, Reversibility::Reversible);

        assert_eq!(assess(&low, &Impact::default()), (Risk::Low, vec![]));
        assert_eq!(assess(&low, &stated(r#"{"adverse":true}"#)).0, Risk::Medium);
        assert_eq!(assess(&low, &stated(r#"{"affected":100}"#)).0, Risk::High);
        assert_eq!(assess(&low, &stated(r#"{"affected":99}"#)).0, Risk::Low);
        assert_eq!(assess(&high, &stated(r#"{"adverse":false,"affected":0}"#)), (Risk::High, vec![]));
        assert_eq!(assess(&definition(Risk::Low, Reversibility::Irreversible), &Impact::default()).0, Risk::Medium);
    }

    #[test]
    fn facts_are_read_from_what_was_committed_and_missing_ones_are_missing() {
        let mut definition = definition(Risk::Medium, Reversibility::Compensable);
        definition.amount = Some("amount".into());
        let field = |name: &str| match name {
            "amount" => Some("40.00".to_owned()),
            "impact" => Some(r#"{"effects":["financial","access"],"affected":1}"#.to_owned()),
            _ => None,
        };

        let facts = Facts::read(&Source {
            system: "airline",
            definition: &definition,
            risk: Risk::Medium,
            fields: &field,
            about_persons: true,
        });

        let said = |name| facts.said(name);
        assert_eq!(said("amount").as_deref(), Some("40.00"));
        assert_eq!(facts.get("parameter.amount"), Some((FactKind::Number, &Value::One("40.00".into()))));
        assert_eq!(said("effects").as_deref(), Some("access, financial"));
        assert_eq!(said("subject_kind").as_deref(), Some("person"));
        assert_eq!((facts.get("confidence"), facts.get("adverse")), (None, None));
        let mut facts = facts;
        facts.mask(&definition, &["amount".to_owned()]);
        assert_eq!(
            ["amount", "parameter.amount", "subject_kind"].map(|name| facts.said(name).unwrap()),
            ["masked", "masked", "person"]
        );
    }

    fn definition(risk: Risk, reversibility: Reversibility) -> TypeDefinition {
        let amount = crate::decision_type::Parameter {
            name: "amount".into(),
            label: "Amount".into(),
            kind: Kind::Decimal,
            required: false,
        };
        TypeDefinition {
            name: "refund.issue".into(),
            version: 1,
            title: "Issue a refund".into(),
            tool: None,
            risk,
            reversibility,
            risk_reasons: Vec::new(),
            amount: None,
            personal: Vec::new(),
            hazards: Vec::new(),
            form: Vec::new(),
            parameters: vec![amount],
        }
    }
}
