//! Grants: a scoped pre-approval, asked for by one person and activated by another one.
//!
//! A grant stands in for one approver. It never passes what keeps a rule from approving by itself, nor a rule that asks for
//! more than one approval, for a signature or for senior approvers, nor a pause.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Risk, words},
    decision_type::{Hazard, Reversibility, TypeDefinition},
    ids::{DecisionId, DecisionTypeId, EntryId, GrantId, SystemId},
    policy::{
        Compared, Condition, FactKind, Facts, Known, Operator,
        facts::{Decimal, fact_kind, parameter_fact},
    },
    problem::{Code, FieldError, Problem},
    view::Seal,
};

/// The most uses of one grant.
pub const USES_MAX: u64 = 500;
/// Uses of a grant where nothing else is asked for.
pub const USES_DEFAULT: u64 = 5;
/// Hours that a grant is active where nothing else is asked for.
pub const HOURS_DEFAULT: u64 = 24;
/// The most hours that a grant is active.
pub const HOURS_MAX: u64 = 7 * 24;
/// How long a grant that has ended is named where it would have covered a proposal, in milliseconds.
pub const NAMED_MS: u64 = HOURS_MAX * HOUR_MS;
/// The word by which a proposal states that data leaves the company.
pub const EXPORTS_DATA: &str = "data_export";

const HOUR_MS: u64 = 3_600_000;
/// Values that one parameter may be held to.
const VALUES_MAX: usize = 32;

words! {
    /// Where a grant stands.
    GrantState {
        /// It waits for another person.
        Requested "requested"
        /// It approves what it covers.
        Active "active"
        /// The other person said no.
        Refused "refused"
        /// Every use was made.
        Exhausted "exhausted"
        /// Its time is over.
        Expired "expired"
        /// Somebody ended it.
        Revoked "revoked"
    }
}

impl GrantState {
    /// Returns the words on screens.
    pub const fn label(self) -> &'static str {
        match self {
            GrantState::Requested => "Waits for another person",
            GrantState::Active => "Active",
            GrantState::Refused => "Refused",
            GrantState::Exhausted => "Used up",
            GrantState::Expired => "Time is over",
            GrantState::Revoked => "Revoked",
        }
    }
}

words! {
    /// Why a grant for its system and type does not approve a proposal.
    Miss {
        /// A parameter is not what the grant covers.
        Outside "outside"
        /// A guard keeps it from being approved without people.
        Guarded "guarded"
        /// Its rule asks for more than one approval or for a signature.
        Stricter "stricter"
        /// Who activated the grant may not do so any more.
        Authority "authority"
        /// Every use was made.
        Exhausted "exhausted"
        /// Its time is over.
        Expired "expired"
        /// Somebody ended it.
        Revoked "revoked"
    }
}

/// What a grant covers, for how many uses and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What parameters are held to, in the order of the type.
    pub bounds: Vec<Condition>,
    /// How many decisions it approves.
    pub uses: u64,
    /// Hours from its activation.
    pub hours: u64,
}

/// A grant as the form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantForm {
    /// The system.
    pub system: String,
    /// The version of the decision type.
    pub type_id: String,
    /// How many uses.
    pub uses: String,
    /// How many hours.
    pub hours: String,
    /// `min_`, `max_` or `is_` and the name of a parameter, with what was typed.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

impl GrantForm {
    /// Reads the form from names and values of an address; what is no field of it is passed over.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name {
                "system" => value.clone_into(&mut form.system),
                "type_id" => value.clone_into(&mut form.type_id),
                "uses" => value.clone_into(&mut form.uses),
                "hours" => value.clone_into(&mut form.hours),
                name if ["min_", "max_", "is_"].iter().any(|start| name.starts_with(start)) => {
                    form.fields.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        form
    }

    /// Writes the names and values of an address that [`GrantForm::read`] reads.
    pub fn query(&self) -> String {
        let own = [("system", &self.system), ("type_id", &self.type_id), ("uses", &self.uses), ("hours", &self.hours)];
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value));
        own.into_iter()
            .chain(fields)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// Reads the terms; the scope comes from the parameters of the type.
    ///
    /// # Errors
    ///
    /// Every field that needs a change.
    pub fn terms(&self, definition: &TypeDefinition) -> Result<Terms, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut whole = |field: &str, text: &str, max: u64| match text.trim().parse::<u64>() {
            Ok(number) if (1..=max).contains(&number) => number,
            _ => {
                let detail = format!("Type a whole number from 1 to {max}.");
                errors.push(FieldError::new(format!("/{field}"), "out_of_range", detail));
                1
            }
        };
        let uses = whole("uses", &self.uses, USES_MAX);
        let hours = whole("hours", &self.hours, HOURS_MAX);
        for name in self.fields.keys().filter(|name| !is_field(definition, name)) {
            let detail = format!("{} has no parameter that {name} could hold.", definition.name);
            errors.push(FieldError::new(format!("/{name}"), "unknown_field", detail));
        }
        let bounds = definition
            .parameters
            .iter()
            .flat_map(|parameter| {
                let kind = fact_kind(parameter.kind);
                let typed =
                    |start: &str| self.fields.get(&format!("{start}_{}", parameter.name)).map(|text| text.trim());
                let bound = |operator, values| Condition {
                    fact: parameter_fact(&parameter.name),
                    operator,
                    values,
                    or_missing: false,
                };
                let mut made = Vec::new();
                match kind {
                    Some(FactKind::Number) => {
                        let mut number = |start: &str| {
                            let text = typed(start).filter(|text| !text.is_empty())?;
                            let read = Decimal::read(text);
                            if read.is_none() {
                                let detail = format!("{}: type a number such as 100 or 12.50.", parameter.label);
                                let place = format!("/{start}_{}", parameter.name);
                                errors.push(FieldError::new(place, "wrong_kind", detail));
                            }
                            read.map(|read| (read, text.to_owned()))
                        };
                        let (least, most) = (number("min"), number("max"));
                        // Limits compare amounts without their sign, so that nothing below nothing comes in unsaid.
                        let counts = definition.amount.as_ref() == Some(&parameter.name);
                        let zero = || Some((Decimal::read("0")?, "0".to_owned()));
                        let least = if counts { least.or_else(zero) } else { least };
                        if let (Some((least, _)), Some((most, _))) = (&least, &most)
                            && least > most
                        {
                            let place = format!("/max_{}", parameter.name);
                            let detail = format!("{}: the highest value is below the lowest.", parameter.label);
                            errors.push(FieldError::new(place, "out_of_range", detail));
                        }
                        made.extend(least.map(|(_, text)| bound(Operator::AtLeast, vec![text])));
                        made.extend(most.map(|(_, text)| bound(Operator::AtMost, vec![text])));
                    }
                    Some(FactKind::Flag) => {
                        let text = typed("is").filter(|text| ["true", "false"].contains(text));
                        made.extend(text.map(|text| bound(Operator::In, vec![text.to_owned()])));
                    }
                    Some(_) => {
                        let lines = typed("is").unwrap_or_default().lines().map(str::trim);
                        let values: Vec<_> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
                        if values.len() > VALUES_MAX || values.iter().any(|value| value.len() > 200) {
                            let place = format!("/is_{}", parameter.name);
                            let detail =
                                format!("{}: at most {VALUES_MAX} lines of at most 200 characters.", parameter.label);
                            errors.push(FieldError::new(place, "too_many", detail));
                        }
                        made.extend((!values.is_empty()).then(|| bound(Operator::In, values)));
                    }
                    None => {}
                }
                made
            })
            .collect();
        if let Some(amount) = &definition.amount
            && self.fields.get(&format!("max_{amount}")).is_none_or(|text| text.trim().is_empty())
        {
            let label = definition.parameters.iter().find(|one| one.name == *amount).map_or("", |one| &one.label);
            let detail = format!("{label}: say up to how much, because this type counts it.");
            errors.push(FieldError::new(format!("/max_{amount}"), "missing", detail));
        }
        if errors.is_empty() { Ok(Terms { bounds, uses, hours }) } else { Err(errors) }
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Tells whether a type has what a field of the form holds.
fn is_field(definition: &TypeDefinition, field: &str) -> bool {
    let Some((start, name)) = field.split_once('_') else { return false };
    let kind = definition.parameters.iter().find(|one| one.name == name).and_then(|one| fact_kind(one.kind));
    match kind {
        Some(FactKind::Number) => matches!(start, "min" | "max"),
        Some(_) => start == "is",
        None => false,
    }
}

impl Terms {
    /// Returns the highest amount that they cover, rounded up, where the type has one.
    pub fn amount_max(&self, definition: &TypeDefinition) -> Option<u64> {
        let name = definition.amount.as_ref()?;
        let fact = parameter_fact(name);
        let of = |operator| self.bounds.iter().find(|bound| bound.fact == fact && bound.operator == operator);
        let amounts = [of(Operator::AtMost), of(Operator::AtLeast)].into_iter().flatten().filter_map(|bound| {
            let text = bound.values.first()?;
            definition.amount_of(&[(name.clone(), text.clone())])
        });
        // Limits compare amounts without their sign, so that what is far below nothing is high as well.
        amounts.max().or_else(|| definition.amount_of(&[]))
    }

    /// Writes the scope out in words.
    pub fn sentences(&self, system: &str, definition: &TypeDefinition) -> Vec<String> {
        let times = if self.uses == 1 { "once".to_owned() } else { format!("at most {} times", self.uses) };
        let mut said = vec![format!(
            "{system} may do this {times} without anybody being asked: {} ({}, version {}).",
            definition.title, definition.name, definition.version
        )];
        said.extend(bounds(&self.bounds, definition));
        let hours = if self.hours == 1 { "1 hour".to_owned() } else { format!("{} hours", self.hours) };
        said.push(format!(
            "It begins when another person activates it and ends {hours} later, however often it was used."
        ));
        said.push(
            "What a guard keeps for people stays with people, as does what a rule denies, escalates, or wants signed or \
             approved more than once. While the AI system is paused, it approves nothing."
                .to_owned(),
        );
        said
    }
}

/// Says of each parameter what a grant holds it to.
pub fn bounds(bounds: &[Condition], definition: &TypeDefinition) -> Vec<String> {
    let known = Known { systems: &[], types: std::slice::from_ref(definition) };
    definition
        .parameters
        .iter()
        .map(|parameter| {
            let fact = parameter_fact(&parameter.name);
            let held: Vec<_> = bounds
                .iter()
                .filter(|bound| bound.fact == fact)
                .map(|bound| bound.sentence("").trim_start().to_owned())
                .collect();
            let label = known.label(&fact);
            match held.is_empty() {
                true => format!("{label}: whatever it is."),
                false => format!("{label} {}.", held.join(" and ")),
            }
        })
        .collect()
}

/// Refuses types that no grant covers.
///
/// # Errors
///
/// `grant_not_allowed`, with why.
pub fn admits(definition: &TypeDefinition) -> Result<(), Problem> {
    let why = if definition.reversibility == Reversibility::Irreversible {
        "cannot be undone"
    } else if definition.risk == Risk::High {
        "is of high risk"
    } else if definition.hazards.contains(&Hazard::Adverse) {
        "is to a person's disadvantage"
    } else if definition.hazards.contains(&Hazard::DataExport) {
        "takes data out of the company"
    } else {
        return Ok(());
    };
    let detail = format!(
        "{} {why}, so no grant covers it: each such decision is reviewed by people. Choose another decision type.",
        definition.title
    );
    Err(Problem::new(Code::GrantNotAllowed, detail))
}

/// Returns the first bound that a proposal does not keep; what it does not state keeps none.
pub fn outside<'a>(bounds: &'a [Condition], facts: &Facts) -> Option<&'a Condition> {
    bounds.iter().find(|bound| bound.compare(facts) != Compared::Holds)
}

/// Says why a grant did not approve a decision; a parameter that is masked is compared and not said.
pub fn miss_sentence(
    grant: GrantId,
    miss: Miss,
    scope: Option<&[Condition]>,
    facts: &Facts,
    definition: &TypeDefinition,
) -> String {
    let named = format!("Grant {}", grant.short());
    match miss {
        Miss::Outside => match scope.and_then(|bounds| outside(bounds, facts)) {
            Some(bound) => {
                let known = Known { systems: &[], types: std::slice::from_ref(definition) };
                let label = known.label(&bound.fact);
                let has = facts.said(&bound.fact).unwrap_or_else(|| "not stated".to_owned());
                format!("{named} does not cover it: {}; here it is {has}.", bound.sentence(&label))
            }
            None => format!("{named} does not cover what was proposed."),
        },
        Miss::Guarded => format!("{named} did not approve it: a guard keeps such decisions for people."),
        Miss::Stricter => format!(
            "{named} did not approve it: its rule wants more than one approval or a signature, and a grant stands in for one \
             approver."
        ),
        Miss::Authority => {
            format!("{named} did not approve it: who activated it could not activate it any more.")
        }
        Miss::Exhausted => format!("{named} was used up, so people are asked."),
        Miss::Expired => format!("The time of {} was over, so people are asked.", named.replacen('G', "g", 1)),
        Miss::Revoked => format!("{named} was revoked, so people are asked."),
    }
}

/// "Approved by grant 0C3F41F2": what pages, lists and files call it.
pub fn label(grant: GrantId) -> String {
    format!("Approved by grant {}", grant.short())
}

/// A grant as the list has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// The grant.
    pub id: GrantId,
    /// Where it stands.
    pub state: GrantState,
    /// Name of the system.
    pub system: String,
    /// The decision type: its title and its name.
    pub action: (String, String),
    /// What it holds parameters to, in words.
    pub bounds: Vec<String>,
    /// How many decisions it approves.
    pub uses: u64,
    /// How many it has approved.
    pub used: u64,
    /// Hours from its activation.
    pub hours: u64,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: u64,
    /// When its time is over, once it was activated.
    pub ends_at: Option<u64>,
}

/// The grants that a reader may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantsView {
    /// What waits or is active first, then what has ended, each the latest first.
    pub grants: Vec<GrantRow>,
    /// Decisions that grants of this list approved.
    pub approved: u64,
    /// The reader may ask for one somewhere.
    pub may_request: bool,
    /// Server time.
    pub now: u64,
}

/// What somebody may ask a grant for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grantable {
    /// Systems by name.
    pub systems: Vec<(SystemId, String)>,
    /// The newest version of each type, and why no grant covers it where that is so.
    pub types: Vec<(DecisionTypeId, TypeDefinition, Option<String>)>,
}

/// The page that asks for a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantFormView {
    /// What there is to choose from.
    pub grantable: Grantable,
    /// The type that was chosen.
    pub chosen: Option<TypeDefinition>,
    /// The scope in words, once everything that is needed was typed.
    pub words: Option<Vec<String>>,
    /// Why it cannot be asked for as it is.
    pub problem: Option<Problem>,
    /// Server time.
    pub now: u64,
}

/// What somebody did to a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantAct {
    /// What.
    pub kind: String,
    /// Who, by name; the product itself where nobody did.
    pub by: String,
    /// Why, where a person said so.
    pub reason: Option<String>,
    /// The decision that it approved.
    pub decision: Option<DecisionId>,
    /// When.
    pub at: u64,
    /// Its entry.
    pub entry: EntryId,
    /// Its seal.
    pub seal: Seal,
}

/// Why the reader may not do something; nothing where they may.
pub type Barred = Option<String>;

/// A grant with everything its page needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    /// What the list says of it.
    pub row: GrantRow,
    /// The scope in words.
    pub words: Vec<String>,
    /// What was done, oldest first.
    pub acts: Vec<GrantAct>,
    /// Its activation is sealed, so that it approves.
    pub effective: bool,
    /// The system is paused, so it approves nothing.
    pub paused: bool,
    /// Whether the reader may activate it.
    pub no_activating: Barred,
    /// Whether the reader may refuse it.
    pub no_refusing: Barred,
    /// Whether the reader may revoke it.
    pub no_revoking: Barred,
    /// The entry that put this reading on record.
    pub recorded: EntryId,
    /// Server time.
    pub now: u64,
}

#[cfg(test)]
mod tests;
