//! What a decision's page says beside the fields: made by one piece of code for its reader, and again for whoever looks at
//! a review of it later.

use std::collections::{BTreeMap, HashMap};

use countersign_ledger::{
    commit::commitment,
    hash::{Hash, Label, digest},
    statement::SeenPage,
};
use serde::{Deserialize, Serialize};

use crate::{
    decision::Risk,
    decision_type::{Kind, TypeDefinition},
    policy::{
        Facts, Impact, Known, OnTimeout, PolicyBody, Route, RowTrace,
        facts::{self, assess},
    },
};

/// Parameters that a title names.
const NAMED: usize = 2;
/// Longest value in a title, in characters; the page shows it whole.
const VALUE_CHARACTERS_MAX: usize = 60;

/// What sentences are made of.
pub struct Source<'a> {
    /// The type of the decision.
    pub definition: &'a TypeDefinition,
    /// Name of the proposing system.
    pub system: &'a str,
    /// The decision names persons.
    pub about_persons: bool,
    /// Every committed value that is there, withheld ones too: rules compare them, and only say that they are masked.
    pub values: &'a HashMap<String, String>,
    /// The fields that are withheld from the reader.
    pub withheld: &'a [String],
    /// The table that routed it.
    pub table: &'a PolicyBody,
    /// Number of the row that did.
    pub rule: u64,
}

/// The sentences of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What the AI system asks to do.
    pub title: String,
    /// Why the risk is what it is.
    pub risk: Vec<String>,
    /// What the row that routed it says.
    pub rule: String,
    /// Each row down to that one, and why it did or did not.
    pub trace: Vec<RowTrace>,
}

impl Said {
    /// Writes the sentences.
    pub fn of(source: &Source<'_>) -> Self {
        let Source { definition, withheld, .. } = source;
        let field = |name: &str| source.values.get(name).cloned();
        let (risk, raised) = assess(definition, &Impact::read(field("impact").as_deref()));
        let (system, about_persons) = (source.system, source.about_persons);
        let mut facts = Facts::read(&facts::Source { system, definition, risk, fields: &field, about_persons });
        facts.mask(definition, withheld);
        let raised = match withheld.iter().any(|name| name == "impact") && !raised.is_empty() {
            true => vec!["What the AI system states of the people it affects is masked, and raises it.".to_owned()],
            false => raised,
        };
        let known = Known { systems: &[], types: std::slice::from_ref(*definition) };
        let row = source.table.row(source.rule).unwrap_or(&source.table.default);
        Self {
            title: title(definition, |name| field(name).filter(|_| !withheld.iter().any(|hidden| hidden == name))),
            risk: [definition.risk_reasons.clone(), raised].concat(),
            rule: row.rule_sentence(&known),
            trace: source.table.rule(&facts, &known).trace,
        }
    }

    /// Returns the text under each place that a `seen` statement commits to.
    fn texts(&self) -> [(&'static str, String); 4] {
        let trace = |row: &RowTrace| format!("{} {} {}: {}", row.rule, row.fired, row.name, row.sentence);
        [
            ("risk", self.risk.join("\n")),
            ("rule", self.rule.clone()),
            ("title", self.title.clone()),
            ("trace", self.trace.iter().map(trace).collect::<Vec<_>>().join("\n")),
        ]
    }

    /// Commits to each text under the salt of its page.
    pub fn commitments(&self, salt: &[u8; 32]) -> BTreeMap<String, Hash> {
        let committed = |(place, text): (&str, String)| (place.to_owned(), commitment(salt, place, text.as_bytes()));
        self.texts().into_iter().map(committed).collect()
    }
}

/// What the screen calls a text that is committed to.
pub fn label(place: &str) -> &'static str {
    match place {
        "title" => "Title",
        "risk" => "Risk",
        "rule" => "Rule",
        "trace" => "Why this rule",
        _ => "Text",
    }
}

/// The salt of a page's sentences, made of those of the values that they say something of. Whoever does not have every
/// value cannot guess at a sentence, and once a value is erased nobody can.
pub fn salt<'a>(of_values: impl Iterator<Item = &'a [u8; 32]>) -> [u8; 32] {
    let salts: Vec<_> = of_values.flatten().copied().collect();
    digest(Label::Seen, &salts).0
}

/// Where a decision stood when its page was drawn, as the log says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The deadline, milliseconds since 1970 UTC.
    pub due: u64,
    /// What silence means then.
    pub on_timeout: OnTimeout,
    /// The guards that asked for people.
    pub guards: Vec<String>,
    /// Number of the version of the content, from 1.
    pub revision: u64,
    /// The risk.
    pub risk: Risk,
    /// The route taken.
    pub route: Route,
    /// Number of the row.
    pub rule: u64,
}

impl Standing {
    /// Writes it down with the commitments to the sentences.
    pub fn page(&self, about_persons: bool, text: BTreeMap<String, Hash>) -> SeenPage {
        SeenPage {
            about_persons,
            due: self.due,
            on_timeout: self.on_timeout.word().to_owned(),
            guards: self.guards.clone(),
            revision: self.revision,
            risk: self.risk.word().to_owned(),
            route: self.route.word().to_owned(),
            rule: self.rule,
            text,
        }
    }
}

/// Writes a title such as "Cancel a reservation: reservation ZFA04Y".
pub fn title(definition: &TypeDefinition, value: impl Fn(&str) -> Option<String>) -> String {
    let parts: Vec<_> = named(definition)
        .filter_map(|(name, label)| {
            let text = value(name)?;
            let short: String = text.chars().take(VALUE_CHARACTERS_MAX).collect();
            let rest = if short.len() < text.len() { "…" } else { "" };
            Some(format!("{} {short}{rest}", label.to_lowercase()))
        })
        .collect();
    match parts.is_empty() {
        true => definition.title.clone(),
        false => format!("{}: {}", definition.title, parts.join(", ")),
    }
}

/// Returns the parameters that a title names, with their labels.
pub fn named(definition: &TypeDefinition) -> impl Iterator<Item = (&str, &str)> {
    definition
        .parameters
        .iter()
        .filter(|parameter| matches!(parameter.kind, Kind::Text | Kind::Integer | Kind::Decimal))
        // A title is in every list, where nobody gave a reason.
        .filter(|parameter| !definition.personal.contains(&parameter.name))
        .take(NAMED)
        .map(|parameter| (parameter.name.as_str(), parameter.label.as_str()))
}
