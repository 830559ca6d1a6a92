//! Evaluating a table on the facts of one decision, and saying why each row did or did not decide.

use serde::{Deserialize, Serialize};

use super::{
    Compared, Condition, Facts, Known, OnTimeout, PolicyBody, Route, Row, condition::lower_first, facts::TYPE,
};

/// Where a decision goes, and by which row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// Number of the row, from 1.
    pub rule: u64,
    /// The route taken: the row's, or `require` where a guard wants people.
    pub route: Route,
    /// Approvals needed; 0 where no people are asked.
    pub need: u64,
    /// Rejections that reject it, from 1.
    pub reject_threshold: u64,
    /// Deadline in milliseconds since 1970 UTC.
    pub due_at: u64,
    /// What silence means then.
    pub on_timeout: OnTimeout,
    /// The guards that forbade an automatic approval, by policy id.
    pub guards: Vec<String>,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTrace {
    /// Number of the row, from 1.
    pub rule: u64,
    /// The rule's id.
    pub name: String,
    /// It decided.
    pub fired: bool,
    /// It is about other decision types.
    pub other_type: bool,
    /// Why, in a sentence.
    pub sentence: String,
}

/// A table's ruling on one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Number of the row that decided, from 1.
    pub rule: u64,
    /// A row above would have decided, had the decision stated a fact that it does not.
    pub incomplete: bool,
    /// Each row down to the one that decided.
    pub trace: Vec<RowTrace>,
}

impl PolicyBody {
    /// Rules on a decision by its facts.
    pub fn rule(&self, facts: &Facts, known: &Known<'_>) -> Ruling {
        let mut trace = Vec::new();
        let mut missing = false;
        for (rule, row) in (1..).zip(self.all()) {
            // A condition that fails rules the row out, whatever the others would say of facts that are not stated.
            // One about the type says most.
            let met = |wanted| {
                let met = || row.when.iter().filter(|condition| condition.compare(facts) == wanted);
                met().find(|condition| condition.fact == TYPE).or_else(|| met().next())
            };
            let failed =
                [Compared::Fails, Compared::Missing].into_iter().find_map(|compared| Some((met(compared)?, compared)));
            missing |= matches!(failed, Some((_, Compared::Missing)));
            let sentence = match failed {
                None => fired(row, facts, known),
                Some((condition, compared)) => passed_by(condition, compared, facts, known),
            };
            let done = failed.is_none();
            let other_type = failed.is_some_and(|(condition, _)| condition.fact == TYPE);
            trace.push(RowTrace { rule, name: row.label().to_owned(), fired: done, other_type, sentence });
            if done {
                return Ruling { rule, incomplete: missing, trace };
            }
        }
        unreachable!("the default row has no condition")
    }

    /// Sends a decision proposed at `now` (milliseconds since 1970 UTC) where a row says; guards turn an automatic
    /// approval into a question to people.
    pub fn route(&self, rule: u64, guards: Vec<String>, now: u64) -> Routed {
        let row = self.row(rule).unwrap_or(&self.default);
        let route = match row.route {
            Route::AutoApprove if !guards.is_empty() => Route::Require,
            route => route,
        };
        Routed {
            rule,
            route,
            need: if route.has_people() { row.quorum().need() } else { 0 },
            reject_threshold: if route.has_people() { row.reject_threshold } else { 1 },
            due_at: now + row.due_seconds * 1_000,
            on_timeout: row.on_timeout,
            guards,
        }
    }
}

fn fired(row: &Row, facts: &Facts, known: &Known<'_>) -> String {
    if row.when.is_empty() {
        return "No row above caught this decision.".to_owned();
    }
    let found: Vec<_> = row
        .when
        .iter()
        .map(|condition| {
            let label = known.label(&condition.fact);
            let has = facts.said(&condition.fact).unwrap_or_else(|| "not stated".to_owned());
            format!("{} is {has}", lower_first(&label))
        })
        .collect();
    format!("It decided: {}.", found.join(" and "))
}

fn passed_by(condition: &Condition, compared: Compared, facts: &Facts, known: &Known<'_>) -> String {
    let label = known.label(&condition.fact);
    let asked = condition.sentence(&label);
    match (compared, facts.said(&condition.fact)) {
        (Compared::Fails, Some(has)) => format!("It asks that {asked}; here it is {has}."),
        _ => format!("It asks that {asked}; the decision does not state it."),
    }
}
