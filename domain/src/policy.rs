//! Which decisions need whom: the decision table of a policy version.
//!
//! Rows are read from the top and the first whose conditions all hold decides; the last row has no condition and always
//! asks people. Evaluating is pure: it knows the facts, the table and the time of the proposal, nothing else.

pub mod condition;
pub mod facts;
pub mod quorum;
mod routing;
pub mod view;

use countersign_ledger::hash::{Hash, Label, digest};
use serde::{Deserialize, Serialize};

pub use self::{
    condition::{Compared, Condition, Known, Operator},
    facts::{FactKind, Facts, Impact},
    quorum::{Approval, Filled, Quorum, Seat},
    routing::{Routed, RowTrace, Ruling},
};
use crate::{
    decision::{Risk, words},
    ids::{PolicyId, PolicyVersionId},
    json,
    problem::FieldError,
    role::Role,
    time::duration,
};

/// The most rows of a table beside the default.
pub const ROWS_MAX: usize = 200;
/// The most conditions of a row.
pub const CONDITIONS_MAX: usize = 16;
/// The most approvals that a row asks for.
pub const NEED_MAX: u64 = 9;
/// Shortest and longest time to a deadline, in seconds.
pub const DUE_SECONDS: std::ops::RangeInclusive<u64> = 60..=90 * 24 * 3_600;

words! {
    /// What a row does with a decision.
    Route {
        /// The agent may act at once, unless a guard wants people.
        AutoApprove "auto_approve"
        /// People review it.
        Require "require"
        /// The agent is told no at once.
        Deny "deny"
        /// Senior approvers review it.
        Escalate "escalate"
    }
}

impl Route {
    /// Returns the words on screens.
    pub const fn label(self) -> &'static str {
        match self {
            Route::AutoApprove => "Approve automatically",
            Route::Require => "Require people",
            Route::Deny => "Deny",
            Route::Escalate => "Escalate",
        }
    }

    /// Tells whether people review what takes this route.
    pub const fn has_people(self) -> bool {
        matches!(self, Route::Require | Route::Escalate)
    }
}

words! {
    /// What silence means at the deadline; approval is not among the choices.
    OnTimeout {
        /// The agent is told no.
        Deny "deny"
        /// Senior approvers get it, with as much time again; then the agent is told no.
        Escalate "escalate"
        /// The decision keeps waiting.
        Wait "wait"
    }
}

/// The longest time in which a review may be taken back once people have decided, in seconds.
pub const RETRACT_SECONDS_MAX: u64 = 600;

/// How long reviews may be taken back where the row does not say, by risk, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetractWindows {
    /// At low risk.
    pub low: u64,
    /// At medium risk.
    pub medium: u64,
    /// At high risk.
    pub high: u64,
}

impl RetractWindows {
    /// None at any risk.
    pub const NONE: RetractWindows = RetractWindows { low: 0, medium: 0, high: 0 };

    /// Returns the window at a risk.
    pub const fn of(self, risk: Risk) -> u64 {
        match risk {
            Risk::Low => self.low,
            Risk::Medium => self.medium,
            Risk::High => self.high,
        }
    }
}

impl Default for RetractWindows {
    /// Little harm is undone within seconds, more harm within half a minute; at high risk a second person follows.
    fn default() -> Self {
        Self { low: 10, medium: 30, high: 0 }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The rule's id, such as `refund-small`; the default row has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// All of these hold; the default row has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// What it does.
    pub route: Route,
    /// How many approvals by different people it needs, from 1. Where the route is automatic: once a guard wants
    /// people.
    pub need: u64,
    /// Who may give them.
    pub role: Role,
    /// Seats beside those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Seat>,
    /// Each seat waits for the one before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub staged: bool,
    /// Seconds from proposal to deadline.
    pub due_seconds: u64,
    /// What silence means then.
    pub on_timeout: OnTimeout,
    /// Whether a review has to be signed with a passkey; left out of the text where it need not, so that the digests
    /// of earlier versions stay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// Whether every approval says why, whatever the risk; left out of the text where the risk says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reasoned: bool,
    /// How many rejections by different people reject it, from 1 and no more than the approvals it needs; left out of
    /// the text where one does.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub reject_threshold: u64,
    /// Seconds in which a reviewer may take a review back once people have decided; by the risk where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retract_seconds: Option<u64>,
}

const fn one() -> u64 {
    1
}

#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")
)]
const fn is_one(count: &u64) -> bool {
    *count == 1
}

/// The body of a policy version: rows in order, and the one that catches everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    /// The rows, first match first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
    /// The mandatory last row; its rule number is the count of rows before it plus one.
    pub default: Row,
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The version.
    pub id: PolicyVersionId,
    /// Its policy.
    pub policy: PolicyId,
    /// From 1.
    pub number: u64,
    /// The table.
    pub body: PolicyBody,
}

/// Who there is to fill seats, counted as people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staff {
    /// People who may review at all.
    pub reviewers: u64,
    /// Those of them who are senior approvers.
    pub senior: u64,
}

impl PolicyBody {
    /// The table an installation starts with: every decision needs one approver within a day.
    pub fn bootstrap() -> Self {
        Self { rows: Vec::new(), default: Row::require(1, Role::Approver, 24 * 3_600) }
    }

    /// Returns the RFC 8785 text.
    pub fn canonical(&self) -> String {
        json::canonical(&serde_json::to_value(self).expect("a table is plain data"))
    }

    /// Returns the digest that `policy.activated` names, over the RFC 8785 text.
    pub fn digest(&self) -> Hash {
        digest(Label::Policy, self.canonical().as_bytes())
    }

    /// Returns a row by its number, from 1; the default row has the last.
    pub fn row(&self, rule: u64) -> Option<&Row> {
        let place = usize::try_from(rule.checked_sub(1)?).ok()?;
        self.all().nth(place)
    }

    /// Returns all rows, the default last.
    pub fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().chain([&self.default])
    }

    /// Checks the table against what the installation has.
    ///
    /// # Errors
    ///
    /// Every place that needs a change, pointers as in the JSON text.
    pub fn check(&self, known: &Known<'_>, staff: Staff) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        if self.rows.len() > ROWS_MAX {
            errors.push(FieldError::new("/rows", "too_many", format!("At most {ROWS_MAX} rows.")));
        }
        for (position, row) in self.rows.iter().enumerate() {
            let place = format!("/rows/{position}");
            if !is_rule(&row.name) {
                let detail = "A lower-case word with dashes, such as refund-small, of at most 48 characters.";
                errors.push(FieldError::new(format!("{place}/name"), "invalid_name", detail));
            }
            if self.rows[..position].iter().any(|other| other.name == row.name) || row.name == "default" {
                errors.push(FieldError::new(format!("{place}/name"), "duplicate_key", "The name is in use."));
            }
            if row.when.is_empty() {
                let detail = "A row without a condition catches everything, so nothing would reach the rows below. Use the default row for that.";
                errors.push(FieldError::new(format!("{place}/when"), "missing", detail));
            }
            if row.when.len() > CONDITIONS_MAX {
                let detail = format!("At most {CONDITIONS_MAX} conditions.");
                errors.push(FieldError::new(format!("{place}/when"), "too_many", detail));
            }
            for (number, condition) in row.when.iter().enumerate() {
                condition.check(&format!("{place}/when/{number}"), known, &mut errors);
            }
            row.check(&place, staff, &mut errors);
        }
        let default = &self.default;
        if default.route != Route::Require || !default.when.is_empty() || !default.name.is_empty() {
            let detail = "The default row has no condition and always asks people.";
            errors.push(FieldError::new("/default", "unknown_value", detail));
        }
        default.check("/default", staff, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl Row {
    /// A row that asks people and silence denies.
    pub fn require(need: u64, role: Role, due_seconds: u64) -> Self {
        Self {
            name: String::new(),
            when: Vec::new(),
            route: Route::Require,
            need,
            role,
            also: Vec::new(),
            staged: false,
            due_seconds,
            on_timeout: OnTimeout::Deny,
            signed: false,
            reasoned: false,
            reject_threshold: 1,
            retract_seconds: None,
        }
    }

    /// Returns how long a reviewer may take a review back once people have decided, in seconds.
    pub fn retract_seconds(&self, risk: Risk, windows: RetractWindows) -> u64 {
        self.retract_seconds.unwrap_or_else(|| windows.of(risk))
    }

    /// Returns the seats that people fill: those of the row, or senior approvers only where it escalates.
    pub fn quorum(&self) -> Quorum {
        let first = Seat { need: self.need, role: self.role };
        let seats: Vec<_> = [first].into_iter().chain(self.also.iter().copied()).collect();
        if self.route == Route::Escalate {
            return Row::escalated(seats.iter().map(|seat| seat.need).sum());
        }
        if self.staged { Quorum::in_stages(seats) } else { Quorum::together(seats) }
    }

    /// Returns the seats once a decision was escalated: as many, all of senior approvers.
    pub fn escalated(need: u64) -> Quorum {
        Quorum::together(vec![Seat { need, role: Role::SeniorApprover }])
    }

    /// Tells whether senior approvers fill every seat, from the beginning or from the deadline on.
    pub fn ends_with_seniors(&self) -> bool {
        self.route == Route::Escalate || self.on_timeout == OnTimeout::Escalate
    }

    /// Returns the rule's id on screens and in exports.
    pub fn label(&self) -> &str {
        if self.name.is_empty() { "default" } else { &self.name }
    }

    /// Says what the row does, without its conditions.
    pub fn sentence(&self) -> String {
        let who = match (self.signed, self.reasoned) {
            (true, true) => ", who sign with a passkey and give a reason",
            (true, false) => ", who sign with a passkey",
            (false, true) => ", who give a reason",
            (false, false) => "",
        };
        let or = match self.reject_threshold {
            0 | 1 => String::new(),
            count => format!(", or {count} rejections to reject it"),
        };
        let comma = if who.is_empty() && or.is_empty() { "" } else { "," };
        let retract = match self.retract_seconds {
            None => String::new(),
            Some(0) => "; a review is final at once".to_owned(),
            Some(seconds) => format!("; a review may be taken back for {} after the last", duration(seconds * 1_000)),
        };
        let people = format!(
            "{}{who}{or}{comma} within {}; then it {}{retract}",
            self.quorum().sentence(),
            duration(self.due_seconds * 1_000),
            self.on_timeout.sentence()
        );
        match self.route {
            Route::AutoApprove => {
                format!("is approved by this rule at once; where a guard forbids that, needs {people}")
            }
            Route::Require => format!("needs {people}"),
            Route::Deny => "is refused at once".to_owned(),
            Route::Escalate => format!("goes to senior approvers: needs {people}"),
        }
    }

    /// Says the whole row: what it catches and what it does.
    pub fn rule_sentence(&self, known: &Known<'_>) -> String {
        if self.when.is_empty() {
            return format!("Every decision that no earlier row catches {}.", self.sentence());
        }
        let conditions: Vec<_> =
            self.when.iter().map(|condition| condition.sentence(&known.label(&condition.fact))).collect();
        format!("A decision whose {} {}.", conditions.join(" and whose "), self.sentence())
    }

    fn check(&self, place: &str, staff: Staff, errors: &mut Vec<FieldError>) {
        let mut error = |member: &str, code: &str, detail: String| {
            errors.push(FieldError::new(format!("{place}/{member}"), code, detail));
        };
        if self.route == Route::Deny {
            return;
        }
        let seats = [("need", self.need, self.role)].into_iter();
        let seats = seats.chain(self.also.iter().map(|seat| ("also", seat.need, seat.role)));
        for (member, need, role) in seats {
            if !role.reviews() {
                error(member, "unknown_value", format!("{} do not review.", plural(role.name())));
            }
            if !(1..=NEED_MAX).contains(&need) {
                error(member, "wrong_kind", format!("Ask for 1 to {NEED_MAX} approvals."));
            }
        }
        if !DUE_SECONDS.contains(&self.due_seconds) {
            error("due_seconds", "wrong_kind", "Give from 1 minute to 90 days.".to_owned());
        }
        if self.retract_seconds.is_some_and(|seconds| seconds > RETRACT_SECONDS_MAX) {
            let detail = format!("Give 0 to {RETRACT_SECONDS_MAX} seconds, or nothing for the time by risk.");
            error("retract_seconds", "wrong_kind", detail);
        }
        let quorum = self.quorum();
        if !(1..=quorum.need()).contains(&self.reject_threshold) {
            let detail = format!(
                "Give 1 to {}: saying no must not take more people than the approvals that are needed.",
                quorum.need()
            );
            error("reject_threshold", "wrong_kind", detail);
        }
        if quorum.need() > NEED_MAX {
            error("also", "too_many", format!("Ask for at most {NEED_MAX} approvals in all."));
        } else if quorum.need_senior() > staff.senior {
            let detail = format!(
                "Nobody could satisfy this: it needs {}, and {} hold that role.",
                quorum.sentence(),
                staff.senior
            );
            error("need", "unsatisfiable", detail);
        } else if quorum.need() > staff.reviewers {
            let detail = format!(
                "Nobody could satisfy this: it needs {}, and {} people may review.",
                quorum.sentence(),
                staff.reviewers
            );
            error("need", "unsatisfiable", detail);
        } else if self.on_timeout == OnTimeout::Escalate && quorum.need() > staff.senior {
            let detail = format!(
                "At the deadline it would go to {} senior approvers, and {} hold that role.",
                quorum.need(),
                staff.senior
            );
            error("on_timeout", "unsatisfiable", detail);
        } else if (2..=quorum.need()).contains(&self.reject_threshold) {
            let senior = if self.ends_with_seniors() { quorum.need() } else { quorum.need_senior() };
            // As many as may say no without rejecting it are not there to approve it.
            for (need, there, who) in
                [(senior, staff.senior, "senior approvers"), (quorum.need(), staff.reviewers, "people who review")]
            {
                let people = need + self.reject_threshold - 1;
                if need > 0 && people > there {
                    let detail = format!(
                        "They could disagree so that neither is reached: {need} approvals or {} rejections take {people} \
                         {who}, and there are {there}.",
                        self.reject_threshold
                    );
                    error("reject_threshold", "unsatisfiable", detail);
                    break;
                }
            }
        }
    }
}

impl OnTimeout {
    /// Says what happens at the deadline.
    pub const fn sentence(self) -> &'static str {
        match self {
            OnTimeout::Deny => "expires; the AI system is told no",
            OnTimeout::Escalate => "goes to the senior approvers, with as much time again",
            OnTimeout::Wait => "keeps waiting; silence is not an answer",
        }
    }
}

/// Tells whether a text names a rule: `[a-z][a-z0-9-]{0,47}`.
pub fn is_rule(text: &str) -> bool {
    text.len() <= 48
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

pub(crate) fn plural(word: &str) -> String {
    format!("{word}s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decision::Risk,
        decision_type::{Reversibility, TypeDefinition},
    };

    #[test]
    fn the_bootstrap_table_asks_for_one_approver() {
        let body = PolicyBody::bootstrap();
        let ruling = body.rule(&Facts::default(), &Known::default());
        let routed = body.route(ruling.rule, Vec::new(), 1_000);

        assert_eq!((routed.rule, routed.route, routed.need), (1, Route::Require, 1));
        assert_eq!(routed.due_at, 1_000 + 86_400_000);
        assert_eq!(routed.on_timeout, OnTimeout::Deny);
        assert!(!ruling.incomplete);
    }

    /// Sealed digests of the first tables stay: what they do not say is not in their text.
    #[test]
    fn the_text_of_the_bootstrap_table_is_for_ever() {
        assert_eq!(
            PolicyBody::bootstrap().canonical(),
            r#"{"default":{"due_seconds":86400,"need":1,"on_timeout":"deny","role":"approver","route":"require"}}"#
        );
    }

    #[test]
    fn the_first_row_that_holds_decides_and_every_row_says_why() {
        let body = table();
        let facts = |amount: Option<&str>, risk| facts(amount, risk);
        let decided = |facts: &Facts| body.row(body.rule(facts, &Known::default()).rule).unwrap().label().to_owned();

        assert_eq!(decided(&facts(Some("40.00"), Risk::Low)), "refund-small");
        assert_eq!(decided(&facts(Some("100"), Risk::Low)), "refund-small");
        assert_eq!(decided(&facts(Some("100.01"), Risk::Low)), "default");
        assert_eq!(decided(&facts(Some("5000"), Risk::Low)), "refund-huge");
        assert_eq!(decided(&facts(Some("40.00"), Risk::High)), "default");

        let ruling = body.rule(&facts(Some("250.00"), Risk::Low), &Known::default());
        let said: Vec<_> = ruling.trace.iter().map(|row| row.sentence.as_str()).collect();
        assert_eq!(
            said,
            [
                "It asks that amount is at most 100; here it is 250.00.",
                "It asks that amount is at least 5000; here it is 250.00.",
                "No row above caught this decision."
            ]
        );
    }

    #[test]
    fn a_missing_fact_lands_on_the_default_row_and_is_flagged() {
        let ruling = table().rule(&facts(None, Risk::Low), &Known::default());

        assert!(ruling.incomplete && ruling.rule == 3);
        assert!(ruling.trace[0].sentence.ends_with("the decision does not state it."));
        assert!(!table().rule(&facts(Some("300"), Risk::Low), &Known::default()).incomplete);
    }

    #[test]
    fn a_rule_below_one_that_asks_for_what_is_not_stated_is_incomplete() {
        let condition = |fact: &str, operator, value: &str| Condition {
            fact: fact.into(),
            operator,
            values: vec![value.into()],
            or_missing: false,
        };
        let mut body = table();
        body.rows[1].when = vec![condition("confidence", Operator::Less, "0.5")];
        body.rows.swap(0, 1);

        let doubtful = body.rule(&facts(Some("40"), Risk::Low), &Known::default());
        assert_eq!((doubtful.rule, doubtful.incomplete), (2, true), "unsure ones might have been refused above");

        // What another condition rules out is not missing anything.
        body.rows[0].when.push(condition("risk", Operator::AtLeast, "high"));
        let ruled_out = body.rule(&facts(Some("40"), Risk::Low), &Known::default());
        assert_eq!((ruled_out.rule, ruled_out.incomplete), (2, false));
    }

    #[test]
    fn a_guard_turns_an_automatic_approval_into_a_question_and_nothing_else() {
        let body = table();
        let guard = || vec!["guard_amount".to_owned()];

        assert_eq!(body.route(1, Vec::new(), 0).route, Route::AutoApprove);
        assert_eq!(body.route(1, Vec::new(), 0).need, 0);
        assert_eq!((body.route(1, guard(), 0).route, body.route(1, guard(), 0).need), (Route::Require, 1));
        assert_eq!(body.route(2, guard(), 0).route, Route::Deny);
    }

    #[test]
    fn a_table_that_cannot_work_is_refused_with_every_place() {
        let mut body = table();
        body.rows[0].when[0].values = vec!["many".into()];
        body.rows[1].name = "refund-small".into();
        body.rows[1].when.clear();
        body.default.need = 3;
        let staff = Staff { reviewers: 2, senior: 1 };

        let errors = body.check(&Known::default(), staff).unwrap_err();

        let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code.as_str())).collect();
        assert_eq!(
            found,
            [
                ("/rows/0/when/0/values", "unknown_value"),
                ("/rows/1/name", "duplicate_key"),
                ("/rows/1/when", "missing"),
                ("/default/need", "unsatisfiable"),
            ]
        );
        assert_eq!(table().check(&Known::default(), staff), Ok(()));
        let none = Staff { reviewers: 2, senior: 0 };
        body = table();
        body.default.on_timeout = OnTimeout::Escalate;
        assert_eq!(body.check(&Known::default(), none).unwrap_err()[0].pointer, "/default/on_timeout");
    }

    #[test]
    fn a_default_row_that_does_not_ask_people_is_refused() {
        let mut body = PolicyBody::bootstrap();
        body.default.route = Route::AutoApprove;

        let errors = body.check(&Known::default(), Staff { reviewers: 1, senior: 0 }).unwrap_err();
        assert_eq!(errors[0].pointer, "/default");
    }

    #[test]
    fn any_change_of_the_table_changes_its_digest() {
        let mut body = PolicyBody::bootstrap();
        let before = body.digest();
        body.default.need = 2;

        assert_ne!(body.digest(), before);
    }

    #[test]
    fn no_timeout_approves() {
        assert!(OnTimeout::ALL.iter().all(|choice| choice.word() != "approve"));
        assert_eq!(OnTimeout::from_word("approve"), None);
    }

    fn table() -> PolicyBody {
        let condition = |fact: &str, operator, value: &str| Condition {
            fact: fact.into(),
            operator,
            values: vec![value.into()],
            or_missing: false,
        };
        let row =
            |name: &str, route, when| Row { name: name.into(), when, route, ..Row::require(1, Role::Approver, 3_600) };
        PolicyBody {
            rows: vec![
                row(
                    "refund-small",
                    Route::AutoApprove,
                    vec![condition("amount", Operator::AtMost, "100"), condition("risk", Operator::AtMost, "medium")],
                ),
                row("refund-huge", Route::Deny, vec![condition("amount", Operator::AtLeast, "5000")]),
            ],
            default: Row::require(1, Role::Approver, 24 * 3_600),
        }
    }

    #[test]
    fn a_row_about_another_type_says_so_before_anything_else() {
        let mut policy = table();
        policy.rows[0].when.push(Condition {
            fact: facts::TYPE.into(),
            operator: Operator::In,
            values: vec!["loan.offer".into()],
            or_missing: false,
        });

        let ruling = policy.rule(&facts(Some("400"), Risk::Low), &Known::default());

        let rows: Vec<_> = ruling.trace.iter().map(|row| (row.rule, row.fired, row.other_type)).collect();
        assert_eq!(rows, [(1, false, true), (2, false, false), (3, true, false)]);
        assert!(ruling.trace[0].sentence.contains("refund.issue"), "{}", ruling.trace[0].sentence);
    }

    fn facts(amount: Option<&str>, risk: Risk) -> Facts {
        let definition = TypeDefinition {
            name: "refund.issue".into(),
            version: 1,
            title: "Issue a refund".into(),
            tool: None,
            risk,
            reversibility: Reversibility::Compensable,
            risk_reasons: Vec::new(),
            amount: Some("amount".into()),
            personal: Vec::new(),
            hazards: Vec::new(),
            form: Vec::new(),
            parameters: Vec::new(),
        };
        Facts::read(&facts::Source {
            system: "shop",
            definition: &definition,
            risk,
            fields: &|name| (name == "amount").then(|| amount.map(str::to_owned)).flatten(),
            about_persons: false,
        })
    }
}
