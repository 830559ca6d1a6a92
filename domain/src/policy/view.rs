//! What the policy pages show, and the form of one rule.

use serde::{Deserialize, Serialize};

use super::{Condition, FactKind, Known, NEED_MAX, OnTimeout, Operator, PolicyBody, Route, Row, RowTrace, Seat};
use crate::{
    decision::words,
    ids::{DecisionId, EntryId, PolicyVersionId},
    problem::FieldError,
    role::Role,
    time::{duration, parse_duration},
};

/// Lines for conditions that the form of a rule offers at least, and beyond those that are used.
pub const CONDITIONS_SHOWN: usize = 3;

/// `/policies`: the table in force, its history, and what is under work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoliciesView {
    /// Number of the version in force.
    pub number: u64,
    /// Since when, milliseconds since 1970 UTC.
    pub since: u64,
    /// Its rows, the default last.
    pub table: Vec<RuleView>,
    /// All versions, newest first.
    pub versions: Vec<VersionRow>,
    /// Tables under work, newest first.
    pub drafts: Vec<DraftRow>,
    /// What each guard over automatic approvals says.
    pub guards: Vec<String>,
    /// Above this amount no rule approves by itself.
    pub amount_max: u64,
    /// The reader may write drafts.
    pub may_draft: bool,
    /// The reader may set the limits of the guards.
    pub may_set_guards: bool,
}

/// One row of a table in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    /// Number of the row, from 1.
    pub rule: u64,
    /// The rule's id.
    pub name: String,
    /// Its conditions, all of which hold; none for the default.
    pub when: Vec<String>,
    /// The route.
    pub route: Route,
    /// What it does.
    pub does: String,
}

/// A version in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// From 1.
    pub number: u64,
    /// When it came into force.
    pub at: u64,
    /// Rows beside the default.
    pub rows: u64,
    /// The entry that says so.
    pub entry: EntryId,
}

words! {
    /// Where a draft stands.
    DraftState {
        /// It is written.
        Draft "draft"
        /// It waits for a second person.
        InReview "in_review"
        /// A second person said no.
        Rejected "rejected"
        /// It came into force.
        Activated "activated"
        /// Its author threw it away.
        Discarded "discarded"
    }
}

impl DraftState {
    /// Returns the words on screens.
    pub const fn label(self) -> &'static str {
        match self {
            DraftState::Draft => "Draft",
            DraftState::InReview => "Waits for a second person",
            DraftState::Rejected => "Rejected",
            DraftState::Activated => "Put in force",
            DraftState::Discarded => "Discarded",
        }
    }
}

/// A draft in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRow {
    /// The draft.
    pub id: PolicyVersionId,
    /// Who wrote it.
    pub author: String,
    /// When it was saved last.
    pub saved_at: u64,
    /// Where it stands.
    pub state: DraftState,
    /// Rows that differ from the table in force.
    pub changes: u64,
}

/// One version, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// From 1.
    pub number: u64,
    /// The version.
    pub id: PolicyVersionId,
    /// Digest that the ledger names.
    pub digest: String,
    /// When it came into force.
    pub at: u64,
    /// When the next one did.
    pub until: Option<u64>,
    /// Its rows.
    pub table: Vec<RuleView>,
    /// What it changed of the version before.
    pub changes: Vec<RuleChange>,
    /// Who wrote it, where a person did.
    pub author: Option<String>,
    /// Who put it in force, where a person did.
    pub activated_by: Option<String>,
    /// What changes and why, as its author said.
    pub reason: Option<String>,
    /// The entry that put it in force.
    pub entry: EntryId,
}

words! {
    /// How a row differs between two tables.
    ChangeKind {
        /// It is new.
        Added "added"
        /// It is gone.
        Removed "removed"
        /// It asks or does something else.
        Changed "changed"
        /// It stands elsewhere in the order.
        Moved "moved"
    }
}

/// A row that differs between two tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    /// The rule's id.
    pub name: String,
    /// How.
    pub kind: ChangeKind,
    /// What it said.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
}

/// A draft with everything its page needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftView {
    /// The draft.
    pub id: PolicyVersionId,
    /// Where it stands.
    pub state: DraftState,
    /// Who wrote it.
    pub author: String,
    /// When it was saved last.
    pub saved_at: u64,
    /// How often it was saved; a form names it, so that one save does not undo another.
    pub saved: u64,
    /// Digest of the table; who judges it names it.
    pub digest: String,
    /// Its rows in words.
    pub table: Vec<RuleView>,
    /// Its rows as forms, the default last.
    pub forms: Vec<RuleForm>,
    /// What it would change of the table in force.
    pub changes: Vec<RuleChange>,
    /// Number of the version in force.
    pub active: u64,
    /// Id of the version in force; who judges the draft names it, because they judged that difference.
    pub active_id: PolicyVersionId,
    /// Why it cannot come into force as it is.
    pub faults: Vec<FieldError>,
    /// What rows may ask.
    pub facts: Vec<FactRow>,
    /// What its author says about it, once it was handed over.
    pub reason: Option<String>,
    /// What a second person said, where they rejected it.
    pub answer: Option<String>,
    /// The reader may change it.
    pub may_change: bool,
    /// The reader may put it in force or reject it.
    pub may_judge: bool,
    /// Why the reader may not judge it.
    pub no_judging: Option<String>,
    /// What it would do with the decision that was asked about.
    pub what_if: Option<WhatIf>,
    /// Why that cannot be said, if so.
    pub no_what_if: Option<String>,
}

/// A fact that rows may ask about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRow {
    /// Its name.
    pub name: String,
    /// What screens call it.
    pub label: String,
    /// How it is compared.
    pub kind: FactKind,
    /// Its words, where they are few.
    pub words: Vec<String>,
}

/// What a table would do with one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// The decision.
    pub decision: DecisionId,
    /// What it asks.
    pub title: String,
    /// Which rule routed it, and how.
    pub before: String,
    /// Which rule would, and how.
    pub after: String,
    /// Guards that would ask for people.
    pub guards: Vec<String>,
    /// How the table would be read.
    pub trace: Vec<RowTrace>,
}

/// A condition as a form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionForm {
    /// The fact; nothing where the line is not used.
    #[serde(default)]
    pub fact: String,
    /// The operator's word.
    #[serde(default)]
    pub operator: String,
    /// Values with commas between.
    #[serde(default)]
    pub values: String,
    /// "true" where it also holds when the fact is not stated.
    #[serde(default)]
    pub or_missing: String,
}

/// A rule as a form sends it; its texts are kept as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleForm {
    /// The rule's id; nothing for the default row.
    pub name: String,
    /// The route's word.
    pub route: String,
    /// Approvals by approvers.
    pub need: String,
    /// Approvals by senior approvers beside those.
    pub need_senior: String,
    /// "true" where senior approvers are asked after the others.
    pub staged: String,
    /// Time to the deadline, such as `4 h`.
    pub due: String,
    /// The word of what silence means.
    pub on_timeout: String,
    /// "true" where reviews have to be signed.
    pub signed: String,
    /// "true" where every approval says why.
    pub reasoned: String,
    /// Rejections that reject it; nothing for one.
    pub reject_threshold: String,
    /// Seconds in which a review may be taken back; nothing for the time by risk.
    pub retract_seconds: String,
    /// The conditions.
    pub when: Vec<ConditionForm>,
}

impl RuleForm {
    /// Writes a row as its form.
    pub fn of(row: &Row) -> Self {
        let seats = || [Seat { need: row.need, role: row.role }].into_iter().chain(row.also.iter().copied());
        let count = |role| seats().filter(|seat| seat.role == role).map(|seat| seat.need).sum::<u64>().to_string();
        let yes = |yes: bool| if yes { "true" } else { "" }.to_owned();
        Self {
            name: row.name.clone(),
            route: row.route.word().to_owned(),
            need: count(Role::Approver),
            need_senior: count(Role::SeniorApprover),
            staged: yes(row.staged),
            due: duration(row.due_seconds * 1_000),
            on_timeout: row.on_timeout.word().to_owned(),
            signed: yes(row.signed),
            reasoned: yes(row.reasoned),
            reject_threshold: row.reject_threshold.to_string(),
            retract_seconds: row.retract_seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
            when: row
                .when
                .iter()
                .map(|condition| ConditionForm {
                    fact: condition.fact.clone(),
                    operator: condition.operator.word().to_owned(),
                    values: condition.values.join(", "),
                    or_missing: yes(condition.or_missing),
                })
                .collect(),
        }
    }

    /// Reads the form; whether the row can work, the table's own check says.
    ///
    /// # Errors
    ///
    /// Every field that cannot be read, by its name in the form.
    pub fn read(&self) -> Result<Row, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut error = |field: &str, detail: &str| {
            errors.push(FieldError::new(format!("/{field}"), "wrong_kind", detail));
        };
        let route = Route::from_word(&self.route).unwrap_or_else(|| {
            error("route", "Choose a route.");
            Route::Require
        });
        let on_timeout = OnTimeout::from_word(&self.on_timeout).unwrap_or_else(|| {
            error("on_timeout", "Choose what silence means.");
            OnTimeout::Deny
        });
        let mut count = |field: &str, text: &str| match text.trim() {
            "" => 0,
            text => text.parse::<u64>().ok().filter(|count| *count <= NEED_MAX).unwrap_or_else(|| {
                error(field, "Write a number from 0 to 9.");
                0
            }),
        };
        let (need, need_senior) = (count("need", &self.need), count("need_senior", &self.need_senior));
        let reject_threshold = match self.reject_threshold.trim() {
            "" => 1,
            text => count("reject_threshold", text),
        };
        if route != Route::Deny && need + need_senior == 0 {
            error("need", "Ask for at least one approval; a guard can ask for people even where the rule approves.");
        }
        let due_seconds = parse_duration(&self.due).map(|milliseconds| milliseconds / 1_000).unwrap_or_else(|| {
            error("due", "Write a time such as 30 m, 4 h or 2 d.");
            3_600
        });
        let retract_seconds = match self.retract_seconds.trim() {
            "" => None,
            text => text
                .parse()
                .map_err(|_| error("retract_seconds", "Write whole seconds, or nothing for the time by risk."))
                .ok(),
        };
        let mut when = Vec::new();
        for (position, condition) in self.when.iter().enumerate().filter(|(_, one)| !one.fact.is_empty()) {
            match Operator::from_word(&condition.operator) {
                Some(operator) => when.push(Condition {
                    fact: condition.fact.clone(),
                    operator,
                    values: split(&condition.values),
                    or_missing: condition.or_missing == "true",
                }),
                None => error(&format!("operator-{position}"), "Choose how it is compared."),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let (first, also) = match (need, need_senior) {
            (0, seniors) => (Seat { need: seniors.max(1), role: Role::SeniorApprover }, Vec::new()),
            (need, 0) => (Seat { need, role: Role::Approver }, Vec::new()),
            (need, seniors) => {
                let senior = Seat { need: seniors, role: Role::SeniorApprover };
                (Seat { need, role: Role::Approver }, vec![senior])
            }
        };
        Ok(Row {
            name: self.name.trim().to_owned(),
            when,
            route,
            need: first.need,
            role: first.role,
            staged: self.staged == "true" && !also.is_empty(),
            also,
            due_seconds,
            on_timeout,
            signed: self.signed == "true",
            reasoned: self.reasoned == "true",
            reject_threshold,
            retract_seconds,
        })
    }
}

impl PolicyBody {
    /// Returns the table in words.
    pub fn views(&self, known: &Known<'_>) -> Vec<RuleView> {
        (1..)
            .zip(self.all())
            .map(|(rule, row)| RuleView {
                rule,
                name: row.label().to_owned(),
                when: row.when.iter().map(|condition| condition.sentence(&known.label(&condition.fact))).collect(),
                route: row.route,
                does: row.sentence(),
            })
            .collect()
    }

    /// Says row by row how this table differs from one before, rules known by their names.
    pub fn changes_from(&self, before: &PolicyBody, known: &Known<'_>) -> Vec<RuleChange> {
        let sentence = |row: &Row| row.rule_sentence(known);
        let mut changes = Vec::new();
        for row in before.all().filter(|row| !self.all().any(|new| new.label() == row.label())) {
            let name = row.label().to_owned();
            changes.push(RuleChange { name, kind: ChangeKind::Removed, before: Some(sentence(row)), after: None });
        }
        // The order of the rows that both tables have.
        let kept = |table: &PolicyBody, other: &PolicyBody| -> Vec<String> {
            let names = table.all().map(|row| row.label().to_owned());
            names.filter(|name| other.all().any(|row| row.label() == *name)).collect()
        };
        let (old_order, new_order) = (kept(before, self), kept(self, before));
        for row in self.all() {
            let name = row.label().to_owned();
            match before.all().find(|old| old.label() == row.label()) {
                None => {
                    changes.push(RuleChange {
                        name,
                        kind: ChangeKind::Added,
                        before: None,
                        after: Some(sentence(row)),
                    });
                }
                Some(old) if old != row => changes.push(RuleChange {
                    name,
                    kind: ChangeKind::Changed,
                    before: Some(sentence(old)),
                    after: Some(sentence(row)),
                }),
                Some(_) => {
                    let place = |order: &[String]| order.iter().position(|known| *known == name);
                    if place(&old_order) != place(&new_order) {
                        let said = |place: Option<usize>| place.map(|place| format!("It was number {}.", place + 1));
                        let after = place(&new_order)
                            .map(|place| format!("It is number {} among the rows that stay.", place + 1));
                        changes.push(RuleChange {
                            before: said(place(&old_order)),
                            after,
                            name,
                            kind: ChangeKind::Moved,
                        });
                    }
                }
            }
        }
        changes
    }
}

fn split(values: &str) -> Vec<String> {
    values.split([',', '\n']).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_back_the_row_it_was_written_from() {
        let row = Row {
            name: "refund-small".into(),
            when: vec![Condition {
                fact: "risk".into(),
                operator: Operator::In,
                values: vec!["low".into(), "medium".into()],
                or_missing: true,
            }],
            also: vec![Seat { need: 1, role: Role::SeniorApprover }],
            staged: true,
            signed: true,
            reasoned: true,
            reject_threshold: 3,
            retract_seconds: Some(45),
            on_timeout: OnTimeout::Escalate,
            ..Row::require(2, Role::Approver, 7_800)
        };

        assert_eq!(RuleForm::of(&row).read(), Ok(row));
        let senior = Row::require(1, Role::SeniorApprover, 86_400);
        assert_eq!(RuleForm::of(&senior).read(), Ok(senior));
    }

    #[test]
    fn every_field_that_cannot_be_read_is_named() {
        let form = RuleForm {
            need: "many".into(),
            due: "soon".into(),
            retract_seconds: "a while".into(),
            when: vec![ConditionForm { fact: "risk".into(), ..ConditionForm::default() }],
            ..RuleForm::default()
        };

        let errors = form.read().unwrap_err();
        let places: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(places, ["/route", "/on_timeout", "/need", "/need", "/due", "/retract_seconds", "/operator-0"]);
    }

    #[test]
    fn a_table_says_what_was_added_removed_changed_and_moved() {
        let row = |name: &str, need| Row {
            name: name.into(),
            when: vec![Condition {
                fact: "risk".into(),
                operator: Operator::In,
                values: vec!["low".into()],
                or_missing: false,
            }],
            ..Row::require(need, Role::Approver, 3_600)
        };
        let table = |rows| PolicyBody { rows, ..PolicyBody::bootstrap() };
        let before = table(vec![row("a", 1), row("b", 1), row("c", 1), row("d", 1)]);
        let after = table(vec![row("c", 1), row("b", 2), row("a", 1), row("e", 1)]);

        let changes = after.changes_from(&before, &Known::default());

        let found: Vec<_> = changes.iter().map(|change| (change.name.as_str(), change.kind)).collect();
        assert_eq!(
            found,
            [
                ("d", ChangeKind::Removed),
                ("c", ChangeKind::Moved),
                ("b", ChangeKind::Changed),
                ("a", ChangeKind::Moved),
                ("e", ChangeKind::Added),
            ]
        );
        assert!(before.changes_from(&before, &Known::default()).is_empty());
    }
}
