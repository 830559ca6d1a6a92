//! One cell of the table: a fact, how it is compared, and with what.

use serde::{Deserialize, Serialize};

use super::facts::{BUILT_IN, Decimal, FactKind, Facts, REVERSIBILITIES, RISKS, TYPE, Value, fact_kind};
use crate::{decision::words, decision_type::TypeDefinition, problem::FieldError};

/// The most values that one condition lists.
pub const VALUES_MAX: usize = 32;

words! {
    /// How a fact is compared.
    Operator {
        /// Is one of the values.
        In "in"
        /// Is none of the values.
        NotIn "not_in"
        /// Is below the value.
        Less "less"
        /// Is the value or below it.
        AtMost "at_most"
        /// Is the value or above it.
        AtLeast "at_least"
        /// Is above the value.
        More "more"
        /// Holds at least one of the values.
        AnyOf "any_of"
        /// Holds none of the values.
        NoneOf "none_of"
    }
}

impl Operator {
    /// Returns the words on screens, between the fact and its values.
    pub const fn label(self) -> &'static str {
        match self {
            Operator::In => "is",
            Operator::NotIn => "is not",
            Operator::Less => "is below",
            Operator::AtMost => "is at most",
            Operator::AtLeast => "is at least",
            Operator::More => "is above",
            Operator::AnyOf => "includes",
            Operator::NoneOf => "includes none of",
        }
    }

    /// Tells whether facts of a kind are compared so.
    pub const fn fits(self, kind: FactKind) -> bool {
        match kind {
            FactKind::Word | FactKind::Flag => matches!(self, Operator::In | Operator::NotIn),
            FactKind::Rank => !matches!(self, Operator::AnyOf | Operator::NoneOf),
            FactKind::Number => !matches!(self, Operator::AnyOf | Operator::NoneOf | Operator::NotIn),
            FactKind::Words => matches!(self, Operator::AnyOf | Operator::NoneOf),
        }
    }

    /// Tells whether exactly one value is compared with.
    const fn takes_one(self) -> bool {
        matches!(self, Operator::Less | Operator::AtMost | Operator::AtLeast | Operator::More)
    }
}

/// A condition of a row: all of a row's conditions must hold for it to fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Name of the fact.
    pub fact: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what, as text.
    pub values: Vec<String>,
    /// Holds also when the decision does not state the fact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_missing: bool,
}

/// What comparing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// The decision does not state the fact, so it does not hold.
    Missing,
}

impl Condition {
    /// Compares; a fact that is missing, or a value that cannot be read, never holds by itself.
    pub fn compare(&self, facts: &Facts) -> Compared {
        let Some((kind, value)) = facts.get(&self.fact) else {
            return if self.or_missing { Compared::Holds } else { Compared::Missing };
        };
        match self.holds(kind, value) {
            Some(true) => Compared::Holds,
            Some(false) => Compared::Fails,
            None => Compared::Missing,
        }
    }

    fn holds(&self, kind: FactKind, value: &Value) -> Option<bool> {
        match (kind, value) {
            (FactKind::Word, Value::One(word)) => self.listed(|known| known == word),
            (FactKind::Flag, Value::Flag(flag)) => self.listed(|known| known == if *flag { "true" } else { "false" }),
            (FactKind::Rank, Value::One(word)) => {
                let order = order_of(&self.fact)?;
                let rank = |word: &str| order.iter().position(|known| *known == word);
                self.ordered(&rank(word)?, |text| rank(text))
            }
            (FactKind::Number, Value::One(text)) => self.ordered(&Decimal::read(text)?, Decimal::read),
            (FactKind::Words, Value::Many(words)) => match self.operator {
                Operator::AnyOf => Some(self.values.iter().any(|known| words.contains(known))),
                Operator::NoneOf => Some(!self.values.iter().any(|known| words.contains(known))),
                _ => None,
            },
            _ => None,
        }
    }

    fn listed(&self, is: impl Fn(&str) -> bool) -> Option<bool> {
        let found = self.values.iter().any(|known| is(known));
        match self.operator {
            Operator::In => Some(found),
            Operator::NotIn => Some(!found),
            _ => None,
        }
    }

    fn ordered<T: Ord>(&self, value: &T, read: impl Fn(&str) -> Option<T>) -> Option<bool> {
        let bounds: Option<Vec<T>> = self.values.iter().map(|text| read(text)).collect();
        let bounds = bounds?;
        let first = bounds.first()?;
        Some(match self.operator {
            Operator::In => bounds.contains(value),
            Operator::NotIn => !bounds.contains(value),
            Operator::Less => value < first,
            Operator::AtMost => value <= first,
            Operator::AtLeast => value >= first,
            Operator::More => value > first,
            Operator::AnyOf | Operator::NoneOf => return None,
        })
    }

    /// Says the condition in words, such as "amount is at most 100".
    pub fn sentence(&self, label: &str) -> String {
        let values = list(&self.values);
        let missing = if self.or_missing { ", or not stated" } else { "" };
        format!("{} {} {values}{missing}", lower_first(label), self.operator.label())
    }

    /// Checks the condition against the facts that there are.
    pub(super) fn check(&self, place: &str, known: &Known<'_>, errors: &mut Vec<FieldError>) {
        let mut error = |member: &str, code: &str, detail: String| {
            errors.push(FieldError::new(format!("{place}/{member}"), code, detail));
        };
        let Some(kind) = known.kind(&self.fact) else {
            return error("fact", "unknown_value", format!("No decision has the fact {}.", self.fact));
        };
        if !self.operator.fits(kind) {
            let fitting: Vec<_> =
                Operator::ALL.iter().filter(|operator| operator.fits(kind)).map(|one| one.label().to_owned()).collect();
            let detail = format!("{} is compared with: {}.", known.label(&self.fact), fitting.join(", "));
            return error("operator", "wrong_kind", detail);
        }
        if self.values.is_empty() || self.values.len() > VALUES_MAX {
            error("values", "missing", format!("List 1 to {VALUES_MAX} values."));
        }
        if self.operator.takes_one() && self.values.len() > 1 {
            error("values", "too_many", format!("\"{}\" takes one value.", self.operator.label()));
        }
        for value in &self.values {
            let fault = match kind {
                FactKind::Number if Decimal::read(value).is_none() => Some("is not a number such as 100 or 12.50"),
                FactKind::Flag if !["true", "false"].contains(&value.as_str()) => Some("is neither true nor false"),
                FactKind::Rank if order_of(&self.fact).is_some_and(|order| !order.contains(&value.as_str())) => {
                    Some("is not one of its words")
                }
                FactKind::Word if self.fact == "system" && !known.systems.contains(value) => {
                    Some("is not a registered AI system")
                }
                FactKind::Word if self.fact == TYPE && !known.types.iter().any(|one| one.name == *value) => {
                    Some("is not a decision type")
                }
                _ if value.is_empty() || value.len() > 200 => Some("is empty or longer than 200 characters"),
                _ => None,
            };
            if let Some(fault) = fault {
                error("values", "unknown_value", format!("{value:?} {fault}."));
            }
        }
    }
}

/// What a table may name: the installation's systems and the newest version of each decision type.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Names of systems.
    pub systems: &'a [String],
    /// Decision types.
    pub types: &'a [TypeDefinition],
}

impl Known<'_> {
    /// Returns the kind of a fact; of a parameter, by the types that have it, which must agree.
    pub fn kind(&self, fact: &str) -> Option<FactKind> {
        if let Some((_, kind, _)) = BUILT_IN.iter().find(|(name, ..)| *name == fact) {
            return Some(*kind);
        }
        let parameter = fact.strip_prefix("parameter.")?;
        let mut kinds = self
            .types
            .iter()
            .flat_map(|definition| &definition.parameters)
            .filter(|known| known.name == parameter)
            .map(|known| fact_kind(known.kind));
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// Returns what the screen calls a fact.
    pub fn label(&self, fact: &str) -> String {
        if let Some((.., label)) = BUILT_IN.iter().find(|(name, ..)| *name == fact) {
            return (*label).to_owned();
        }
        let parameter = fact.strip_prefix("parameter.").unwrap_or(fact);
        let named = self
            .types
            .iter()
            .flat_map(|definition| &definition.parameters)
            .find(|known| known.name == parameter)
            .map(|known| known.label.clone());
        named.unwrap_or_else(|| fact.to_owned())
    }
}

/// The order of a ranked fact's words.
pub fn order_of(fact: &str) -> Option<&'static [&'static str]> {
    match fact {
        "risk" => Some(&RISKS),
        "reversibility" => Some(&REVERSIBILITIES),
        _ => None,
    }
}

/// "a", "a or b", "a, b or c".
pub(super) fn list(values: &[String]) -> String {
    match values {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A label inside a sentence; what is written in capitals, such as "AI system", stays.
pub(super) fn lower_first(label: &str) -> String {
    let mut letters = label.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_read_as_people_speak() {
        let condition = Condition {
            fact: "amount".into(),
            operator: Operator::AtMost,
            values: vec!["100".into()],
            or_missing: false,
        };

        assert_eq!(condition.sentence("Amount"), "amount is at most 100");
        assert_eq!(lower_first("AI system"), "AI system");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b or c");
    }

    #[test]
    fn every_kind_has_operators_and_no_operator_is_idle() {
        for kind in FactKind::ALL {
            assert!(Operator::ALL.iter().any(|operator| operator.fits(*kind)), "{kind:?}");
        }
        for operator in Operator::ALL {
            assert!(FactKind::ALL.iter().any(|kind| operator.fits(*kind)), "{operator:?}");
        }
    }
}
