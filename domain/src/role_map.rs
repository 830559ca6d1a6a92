//! Which roles a directory's word about a person gives: ordered rows over claims, and nothing else.
//!
//! A row names a claim, what its value must be, and what that gives. Values are compared exactly,
//! with case; what no row names gives nothing. Rows only add, so one group more never takes a role
//! away, and the order of groups changes nothing. Every row says why it gave something or did not.
//!
//! ```json
//! {"claim":"groups","test":{"kind":"equals","value":"payments-approvers"},"role":"approver","scope":{"systems":["1049325e-5cf0-4e90-a26f-ce19bf1d4e31"]}}
//! ```

use std::collections::{BTreeMap, BTreeSet};

use countersign_ledger::hash::{Hash, Label, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    holding::{AuthorityLimits, Holding, LISTED_MAX, RoleScope},
    json,
    problem::FieldError,
    role::Role,
};

/// Most rows of one mapping.
pub const ROWS_MAX: usize = 200;
/// Longest claim path and longest value, in characters.
pub const TEXT_MAX: usize = 256;
/// Most values of one list.
pub const LIST_MAX: usize = 50;
/// Where groups that a directory pushed by SCIM stand among the claims.
pub const SCIM_GROUPS: &str = "/scim/groups";

/// Members of a token that say nothing about the person; they are never kept.
const PROTOCOL: [&str; 13] =
    ["acr", "amr", "at_hash", "aud", "auth_time", "azp", "c_hash", "exp", "iat", "jti", "nbf", "nonce", "sid"];

/// One row of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Which claim: a name, or a JSON pointer where it begins with a slash.
    pub claim: String,
    /// What a value of it must be.
    pub test: Test,
    /// The role it gives.
    pub role: Role,
    /// Where it holds.
    pub scope: RoleScope,
    /// When the row stops giving anything, milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// What a value must be; always compared with case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// Exactly this.
    Equals {
        /// The value.
        value: String,
    },
    /// Exactly one of these.
    InList {
        /// The values.
        values: Vec<String>,
    },
    /// This, where each `*` stands for any text, also none.
    Pattern {
        /// The pattern.
        pattern: String,
    },
}

/// What is known about a person at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Claims of the last sign-in, an object; absent when there was none.
    pub claims: Option<Value>,
    /// Groups that a directory pushed.
    pub groups: Vec<Group>,
}

/// A group that a directory pushed, under the ceiling of whoever pushed it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The only roles that it may give.
    pub ceiling: Vec<Role>,
}

/// The result: what is given, and why each row gave it or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What is given, sorted; of the same role and scope the one that ends last.
    pub holdings: Vec<Holding>,
    /// One reason per row, in the order of the rows.
    pub rows: Vec<Reason>,
    /// What an admin should know.
    pub findings: Vec<Finding>,
}

/// Why a row gave its role or did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// A value fits.
    Matched {
        /// The value.
        value: String,
    },
    /// The claim is not there.
    NoClaim,
    /// The claim is there and is no text and no list of texts.
    NoText,
    /// No value fits.
    NoMatch {
        /// How many were compared.
        compared: u64,
    },
    /// No value fits, but one would if capitals did not count.
    OtherCase {
        /// That value.
        value: String,
    },
    /// The row has ended.
    Ended,
    /// The provider sent a reference in place of the groups, so no claim counts.
    Overage,
    /// A pushed group fits, and whoever pushed it may not give this role.
    AboveCeiling {
        /// The group.
        value: String,
    },
}

/// What an admin should know about a person's claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The person has more groups than fit in a token; the provider sent a reference, which is never fetched.
    Overage,
    /// A directory pushed a group whose role is above its ceiling.
    AboveCeiling,
}

impl Reason {
    /// Tells whether the row gave its role.
    pub const fn matched(&self) -> bool {
        matches!(self, Reason::Matched { .. })
    }

    /// Says it in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Reason::Matched { value } => format!("Matched: the value is {value}."),
            Reason::NoClaim => "The provider sent no such claim.".into(),
            Reason::NoText => "The claim holds neither a text nor a list of texts.".into(),
            Reason::NoMatch { compared: 0 } => "The claim came without any value.".into(),
            Reason::NoMatch { compared: 1 } => "The one value of this claim does not fit.".into(),
            Reason::NoMatch { compared } => format!("None of the {compared} values of this claim fits."),
            Reason::OtherCase { value } => {
                format!("The value {value} differs in capitals. Values are compared exactly.")
            }
            Reason::Ended => "The row has ended.".into(),
            Reason::Overage => "The provider sent a reference in place of the groups, so no claim counts.".into(),
            Reason::AboveCeiling { value } => {
                format!("The group {value} fits, but the directory that pushed it may not give this role.")
            }
        }
    }
}

impl Finding {
    /// Says it in a sentence, with what to do.
    pub const fn sentence(self) -> &'static str {
        match self {
            Finding::Overage => {
                "This person has more groups than fit in a token, and the provider sent a reference instead. No role follows from claims. Have the provider send only the groups that this application is assigned to, or push groups by SCIM."
            }
            Finding::AboveCeiling => {
                "A pushed group fits a row whose role is above the ceiling of its directory token. The membership is stored and gives nothing."
            }
        }
    }
}

/// Evaluates rows against what is known about a person.
pub fn evaluate(snapshot: &Snapshot, rows: &[Row], now: u64) -> Outcome {
    let overage = snapshot.claims.as_ref().is_some_and(is_overage);
    let mut held: BTreeMap<(Role, RoleScope), Option<u64>> = BTreeMap::new();
    let mut findings = BTreeSet::new();
    findings.extend(overage.then_some(Finding::Overage));
    let reasons = rows
        .iter()
        .map(|row| {
            let reason = reason(snapshot, row, overage, now);
            match reason {
                Reason::Matched { .. } => {
                    let Holding { role, scope, until, .. } = row.holding();
                    held.entry((role, scope)).and_modify(|end| *end = later(*end, until)).or_insert(until);
                }
                Reason::AboveCeiling { .. } => {
                    findings.insert(Finding::AboveCeiling);
                }
                _ => {}
            }
            reason
        })
        .collect();
    let limits = AuthorityLimits::default();
    let holdings =
        held.into_iter().map(|((role, scope), until)| Holding { role, scope, limits: limits.clone(), until }).collect();

    Outcome { holdings, rows: reasons, findings: findings.into_iter().collect() }
}

/// Returns the later of two ends; none is the latest.
fn later(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// Tells whether a provider sent a reference in place of the groups.
pub fn is_overage(claims: &Value) -> bool {
    let hasgroups = match claims.get("hasgroups") {
        Some(Value::Bool(has)) => *has,
        Some(Value::String(has)) => has.eq_ignore_ascii_case("true"),
        _ => false,
    };
    hasgroups || claims.get("_claim_names").is_some_and(|names| !names.is_null())
}

/// Returns the claims that are kept: without the members of the protocol, and without one that poses as pushed groups.
pub fn kept(claims: &Value) -> Value {
    let members = claims.as_object().into_iter().flatten();
    let kept = members.filter(|(name, _)| !PROTOCOL.contains(&name.as_str()) && *name != "scim");
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// One claim as an admin may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimLine {
    /// The path.
    pub claim: String,
    /// Values that a row matched; all others are masked.
    pub shown: Vec<String>,
    /// How many values are masked.
    pub masked: u64,
}

/// Lists claims with everything masked but what a row matched.
pub fn redacted(snapshot: &Snapshot, rows: &[Row], outcome: &Outcome) -> Vec<ClaimLine> {
    let mut claims: BTreeSet<String> = rows.iter().map(|row| row.claim.clone()).collect();
    claims.extend(snapshot.claims.iter().flat_map(|claims| claims.as_object()).flatten().map(|(name, _)| name.clone()));
    claims
        .into_iter()
        .filter_map(|claim| {
            let values = match claim == SCIM_GROUPS {
                true => snapshot.groups.iter().map(|group| group.name.clone()).collect(),
                false => match find(snapshot.claims.as_ref()?, &claim)? {
                    Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>(),
                    other => vec![text_of(other)],
                },
            };
            let matched: BTreeSet<&str> = rows
                .iter()
                .zip(&outcome.rows)
                .filter_map(|(row, reason)| match reason {
                    Reason::Matched { value } if row.claim == claim => Some(value.as_str()),
                    _ => None,
                })
                .collect();
            let shown: Vec<_> = values.iter().filter(|value| matched.contains(value.as_str())).cloned().collect();
            let masked = (values.len() - shown.len()) as u64;
            Some(ClaimLine { claim, shown, masked })
        })
        .collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the digest of rows, as leaves name it.
pub fn rows_digest(rows: &[Row]) -> Hash {
    digest(Label::Mapping, text(rows).as_bytes())
}

/// Writes rows as the canonical text that is stored.
pub fn text(rows: &[Row]) -> String {
    json::canonical(&serde_json::to_value(rows).expect("rows are plain data"))
}

impl Row {
    /// Lists everything that is wrong with the row, each with its field.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut refuse =
            |field: &str, code: &str, detail: String| errors.push(FieldError::new(format!("/{field}"), code, detail));
        let fits = |text: &str| !text.trim().is_empty() && text.trim() == text && text.chars().count() <= TEXT_MAX;
        if !fits(&self.claim) {
            refuse(
                "claim",
                "invalid_claim",
                "Name a claim, such as groups, or a path such as /realm_access/roles.".into(),
            );
        } else if self.claim.starts_with('/') && steps(&self.claim).is_none() {
            refuse("claim", "invalid_claim", "In a path, ~ is written ~0 and / inside a name is written ~1.".into());
        }
        let values: Vec<&String> = match &self.test {
            Test::Equals { value } => vec![value],
            Test::InList { values } => values.iter().collect(),
            Test::Pattern { pattern } => vec![pattern],
        };
        if values.is_empty() || values.len() > LIST_MAX || values.iter().any(|value| !fits(value)) {
            let detail =
                format!("Write 1 to {LIST_MAX} values of at most {TEXT_MAX} characters, without spaces around them.");
            refuse("value", "invalid_value", detail);
        }
        match &self.scope {
            RoleScope::Systems(systems) if !(1..=LISTED_MAX).contains(&systems.len()) => {
                refuse("systems", "invalid_scope", format!("Choose 1 to {LISTED_MAX} systems, or all of them."));
            }
            RoleScope::Systems(_) if self.role == Role::Admin => {
                refuse("systems", "invalid_scope", "An admin runs the whole installation: choose all systems.".into());
            }
            _ => {}
        }
        if matches!(&self.test, Test::Pattern { pattern } if pattern.chars().all(|character| character == '*')) {
            let detail = "This pattern fits every value. Write what the value begins or ends with.";
            refuse("value", "matches_everything", detail.into());
        }

        errors
    }

    /// Returns what the row gives.
    pub fn holding(&self) -> Holding {
        let limits = AuthorityLimits::default();
        Holding { role: self.role, scope: self.scope.clone(), limits, until: self.until }.sorted()
    }
}

impl Test {
    /// Tells whether a value fits, with case.
    pub fn fits(&self, value: &str) -> bool {
        match self {
            Test::Equals { value: wanted } => wanted == value,
            Test::InList { values } => values.iter().any(|wanted| wanted == value),
            Test::Pattern { pattern } => like(pattern, value),
        }
    }

    fn fits_without_case(&self, value: &str) -> bool {
        let folded = value.to_lowercase();
        match self {
            Test::Equals { value: wanted } => wanted.to_lowercase() == folded,
            Test::InList { values } => values.iter().any(|wanted| wanted.to_lowercase() == folded),
            Test::Pattern { pattern } => like(&pattern.to_lowercase(), &folded),
        }
    }
}

fn reason(snapshot: &Snapshot, row: &Row, overage: bool, now: u64) -> Reason {
    if row.until.is_some_and(|until| now >= until) {
        return Reason::Ended;
    }
    if row.claim == SCIM_GROUPS {
        return pushed(&snapshot.groups, row);
    }
    if overage {
        return Reason::Overage;
    }
    let Some(found) = snapshot.claims.as_ref().and_then(|claims| find(claims, &row.claim)) else {
        return Reason::NoClaim;
    };
    let values: Vec<&str> = match found {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => return Reason::NoText,
    };
    compare(&row.test, &values)
}

fn pushed(groups: &[Group], row: &Row) -> Reason {
    let fitting = |group: &&Group| row.test.fits(&group.name);
    if let Some(group) = groups.iter().filter(fitting).find(|group| group.ceiling.contains(&row.role)) {
        return Reason::Matched { value: group.name.clone() };
    }
    if let Some(group) = groups.iter().find(fitting) {
        return Reason::AboveCeiling { value: group.name.clone() };
    }
    let names: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
    if names.is_empty() { Reason::NoClaim } else { compare(&row.test, &names) }
}

fn compare(test: &Test, values: &[&str]) -> Reason {
    if let Some(value) = values.iter().filter(|value| test.fits(value)).min() {
        return Reason::Matched { value: (*value).to_owned() };
    }
    match values.iter().filter(|value| test.fits_without_case(value)).min() {
        Some(value) => Reason::OtherCase { value: (*value).to_owned() },
        None => Reason::NoMatch { compared: values.len() as u64 },
    }
}

/// Finds a claim by its name, or by a JSON pointer (RFC 6901) of object members.
fn find<'a>(claims: &'a Value, claim: &str) -> Option<&'a Value> {
    if !claim.starts_with('/') {
        return claims.get(claim);
    }
    steps(claim)?.iter().try_fold(claims, |value, step| value.as_object()?.get(step))
}

fn steps(pointer: &str) -> Option<Vec<String>> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| {
            let stray = step.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
            (!stray).then(|| step.replace("~1", "/").replace("~0", "~"))
        })
        .collect()
}

/// Compares with a pattern in which each `*` stands for any text.
fn like(pattern: &str, value: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = value.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_exact_and_case_sensitive_and_unknown_groups_give_nothing() {
        let rows = [equals("groups", "Approvers", Role::Approver), equals("groups", "auditors", Role::Auditor)];

        let outcome = evaluate(&claims(json!({"groups": ["approvers", "unknown", "auditors "]})), &rows, 0);

        assert_eq!(outcome.holdings, []);
        assert_eq!(outcome.rows, [Reason::OtherCase { value: "approvers".into() }, Reason::NoMatch { compared: 3 }]);
    }

    #[test]
    fn every_row_says_why() {
        let mut ended = equals("groups", "a", Role::Approver);
        ended.until = Some(10);
        let rows = [
            equals("groups", "a", Role::Approver),
            equals("missing", "a", Role::Approver),
            equals("number", "1", Role::Approver),
            equals("groups", "b", Role::Approver),
            ended,
            equals("/realm_access/roles", "a", Role::Auditor),
            equals("https://example.org/roles", "b", Role::Auditor),
            equals("/a~1b/~0", "c", Role::Auditor),
        ];
        let snapshot = claims(json!({
            "groups": "a", "number": 1, "realm_access": {"roles": ["a", 7]}, "https://example.org/roles": ["b"],
            "a/b": {"~": "c"},
        }));

        let outcome = evaluate(&snapshot, &rows, 10);

        let matched = |value: &str| Reason::Matched { value: value.into() };
        assert_eq!(
            outcome.rows,
            [
                matched("a"),
                Reason::NoClaim,
                Reason::NoText,
                Reason::NoMatch { compared: 1 },
                Reason::Ended,
                matched("a"),
                matched("b"),
                matched("c"),
            ]
        );
        assert_eq!(outcome.holdings, [Holding::everywhere(Role::Approver), Holding::everywhere(Role::Auditor)]);
        assert!(outcome.rows.iter().all(|reason| reason.sentence().ends_with('.')));
    }

    /// The rule of O8: a reference in place of groups gives nothing, and says so.
    #[test]
    fn overage_gives_nothing_and_is_a_finding() {
        let rows = [equals("groups", "a", Role::Approver), equals("department", "x", Role::Auditor)];
        for claims_of in [
            json!({"groups": ["a"], "department": "x", "_claim_names": {"groups": "src1"}}),
            json!({"groups": ["a"], "department": "x", "hasgroups": true}),
            json!({"groups": ["a"], "department": "x", "hasgroups": "true"}),
            json!({"groups": ["a"], "department": "x", "_claim_names": {}}),
        ] {
            let outcome = evaluate(&claims(claims_of), &rows, 0);
            assert_eq!((outcome.holdings, outcome.findings), (vec![], vec![Finding::Overage]));
            assert_eq!(outcome.rows, [Reason::Overage, Reason::Overage]);
        }
        let outcome = evaluate(&claims(json!({"groups": ["a"], "hasgroups": false})), &rows, 0);
        assert_eq!((outcome.holdings, outcome.findings), (vec![Holding::everywhere(Role::Approver)], vec![]));
    }

    /// The rule of M4: what a directory pushed gives nothing above its ceiling.
    #[test]
    fn a_pushed_group_stays_under_its_ceiling_and_no_claim_poses_as_one() {
        let rows = [equals(SCIM_GROUPS, "admins", Role::Admin), equals(SCIM_GROUPS, "approvers", Role::Approver)];
        let group = |name: &str| Group { name: name.into(), ceiling: vec![Role::Approver] };
        let forged = json!({"scim": {"groups": ["admins"]}, "nonce": "n", "name": "A"});

        let outcome = evaluate(&Snapshot { claims: None, groups: vec![group("admins"), group("approvers")] }, &rows, 0);
        let posing = evaluate(&claims(forged.clone()), &rows, 0);

        assert_eq!(outcome.holdings, [Holding::everywhere(Role::Approver)]);
        assert_eq!(outcome.rows[0], Reason::AboveCeiling { value: "admins".into() });
        assert_eq!(outcome.findings, [Finding::AboveCeiling]);
        assert_eq!(posing.holdings, []);
        assert_eq!(kept(&forged), json!({"name": "A"}));
    }

    #[test]
    fn patterns_stand_for_any_text_and_nothing_else() {
        for (pattern, value, fits) in [
            ("team-*", "team-a", true),
            ("team-*", "team-", true),
            ("team-*", "xteam-a", false),
            ("*-approvers", "eu-approvers", true),
            ("*-approvers", "eu-approvers2", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a.c", "abc", false),
            ("abc", "abc", true),
            ("a**b", "ab", true),
        ] {
            assert_eq!(like(pattern, value), fits, "{pattern} {value}");
        }
    }

    #[test]
    fn faults_name_their_row_and_field() {
        let rows = [
            equals("", "a", Role::Approver),
            equals("/a~2", "a", Role::Approver),
            equals("groups", " a", Role::Approver),
            Row { test: Test::Pattern { pattern: "**".into() }, ..equals("groups", "a", Role::Approver) },
            equals("groups", "a", Role::Approver),
        ];

        let pointers: Vec<Vec<_>> =
            rows.iter().map(|row| row.check().into_iter().map(|error| error.pointer).collect()).collect();

        assert_eq!(pointers, [vec!["/claim"], vec!["/claim"], vec!["/value"], vec!["/value"], vec![]]);
    }

    #[test]
    fn all_values_are_masked_but_those_that_matched() {
        let rows = [equals("groups", "a", Role::Approver)];
        let snapshot = claims(json!({"groups": ["a", "secret-1", "secret-2"], "email": "x@example.org"}));

        let lines = redacted(&snapshot, &rows, &evaluate(&snapshot, &rows, 0));

        let line = |claim: &str, shown: &[&str], masked| ClaimLine {
            claim: claim.into(),
            shown: shown.iter().map(|value| (*value).to_owned()).collect(),
            masked,
        };
        assert_eq!(lines, [line("email", &[], 1), line("groups", &["a"], 2)]);
    }

    proptest! {
        /// The rule of O8: one group more never takes a role away.
        #[test]
        fn a_group_more_never_takes_a_role_away(rows in rows(), groups in groups(), more in name(), overage in any::<bool>()) {
            let before = evaluate(&of_groups(&groups, overage), &rows, 500);
            let mut added = groups;
            added.push(more);
            let after = evaluate(&of_groups(&added, overage), &rows, 500);

            prop_assert!(before.holdings.iter().all(|one| reaches(&after.holdings, one)));
        }

        /// The rule of O8: the order and repetition of groups change nothing.
        #[test]
        fn the_order_of_groups_changes_nothing(rows in rows(), groups in groups().prop_flat_map(|groups| {
            (Just(groups.clone()), Just(groups).prop_shuffle())
        })) {
            let (one, mut other) = groups;
            other.extend(one.first().cloned());

            prop_assert_eq!(evaluate(&of_groups(&one, false), &rows, 500).holdings, evaluate(&of_groups(&other, false), &rows, 500).holdings);
        }

        /// The rule of O8: whatever is given, a row gives it whose value is there exactly.
        #[test]
        fn nothing_is_given_without_an_exact_value(rows in rows(), groups in groups()) {
            let outcome = evaluate(&of_groups(&groups, false), &rows, 500);
            for (row, reason) in rows.iter().zip(&outcome.rows) {
                if let Reason::Matched { value } = reason {
                    prop_assert!(groups.contains(value) && row.test.fits(value));
                }
            }
            let given_by_a_row = outcome.holdings.iter().all(|holding| {
                rows.iter().zip(&outcome.rows).any(|(row, reason)| reason.matched() && row.holding() == *holding)
            });
            prop_assert!(given_by_a_row);
        }

        #[test]
        fn rows_read_back_from_their_text(rows in rows()) {
            let read: Vec<Row> = serde_json::from_str(&text(&rows)).unwrap();
            prop_assert_eq!(read, rows);
        }
    }

    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "A", "b", "team-a", "team-b", "x"]).prop_map(str::to_owned)
    }

    fn groups() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(name(), 0..6)
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let test = prop_oneof![
            name().prop_map(|value| Test::Equals { value }),
            prop::collection::vec(name(), 1..3).prop_map(|values| Test::InList { values }),
            prop::sample::select(vec!["team-*", "*a", "a*"]).prop_map(|text| Test::Pattern { pattern: text.into() }),
        ];
        let role = prop::sample::select(Role::ALL.to_vec());
        let row = (test, role, prop::sample::select(vec!["groups", "other"]), prop::option::of(0u64..1_000));
        prop::collection::vec(
            row.prop_map(|(test, role, claim, until)| Row {
                claim: claim.into(),
                test,
                role,
                scope: RoleScope::All,
                until,
            }),
            0..6,
        )
    }

    fn of_groups(groups: &[String], overage: bool) -> Snapshot {
        claims(json!({"groups": groups, "hasgroups": overage}))
    }

    fn claims(claims: Value) -> Snapshot {
        Snapshot { claims: Some(claims), groups: Vec::new() }
    }

    fn equals(claim: &str, value: &str, role: Role) -> Row {
        Row {
            claim: claim.into(),
            test: Test::Equals { value: value.into() },
            role,
            scope: RoleScope::All,
            until: None,
        }
    }

    /// Tells whether a holding is there, for as long or longer.
    fn reaches(held: &[Holding], one: &Holding) -> bool {
        let longer = |until: Option<u64>| until.is_none() || one.until.is_some_and(|end| until >= Some(end));
        held.iter().any(|other| (other.role, &other.scope) == (one.role, &one.scope) && longer(other.until))
    }
}
