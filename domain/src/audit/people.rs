//! Every person's rights as their numbered history gives them.

use std::collections::HashMap;

use countersign_ledger::{hash::Hash, value::Value};
use uuid::Uuid;

use super::{Act, Numbered, number};
use crate::{
    authority::{Authority, Held},
    decision::Risk,
    holding::AuthorityLimits,
    ids::{RoleId, SystemId},
    role::Role,
};

/// How long before an entry's moment the rights that it names may have been read.
const CLOCK_SLACK_MS: u64 = 30_000;

#[derive(Default)]
pub(super) struct People(HashMap<u128, Person>);

#[derive(Default)]
struct Person {
    n: u64,
    disabled: bool,
    held: Vec<Holding>,
}

struct Holding {
    /// Absent where the entry does not name it.
    assignment: Option<u128>,
    role: Uuid,
    /// The systems it covers; all of them when absent.
    systems: Option<Vec<u128>>,
    /// Absent where a limit is not understood.
    limits: Option<AuthorityLimits>,
    until: Option<u64>,
}

/// What was wrong with a reviewer's authority.
pub(super) enum Unfit {
    /// It is not what the history gives.
    Wrong(String),
    /// The history holds something that this build does not understand.
    Unknown,
}

impl People {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool) {
        let Some(("person", id, Numbered::Act(n))) = act.object else { return };
        let person = self.0.entry(id).or_default();
        person.n = n;
        if !understood {
            return;
        }
        match act.leaf.kind.as_str() {
            "person.disabled" => person.disabled = true,
            "person.enabled" => person.disabled = false,
            "role.assigned" => person.held.push(Holding {
                assignment: act.text("assignment").map(number),
                role: Uuid::from_u128(act.text("role").map_or(0, number)),
                systems: systems(act),
                limits: limits(act),
                until: act.integer("until"),
            }),
            "role.unassigned" => {
                let assignment = act.text("assignment").map(number);
                let role = Uuid::from_u128(act.text("role").map_or(0, number));
                person.held.retain(|held| match assignment {
                    Some(_) => held.assignment != assignment,
                    None => held.role != role,
                });
            }
            _ => {}
        }
    }

    /// Compares the authority that a review claims with the history, and asks for the role that reviews.
    pub(super) fn check(&self, person: u128, at: u64, n: u64, set: &Hash, system: u128) -> Result<(), Unfit> {
        self.compare(person, at, (n, set), Some(system), Role::reviews, "the reviewer was no approver for this system")
    }

    /// The same for who reviews in somebody's place: with a role that reviews, wherever it holds.
    pub(super) fn check_delegate(&self, person: u128, at: u64, authority: (u64, &Hash)) -> Result<(), Unfit> {
        self.compare(person, at, authority, None, Role::reviews, "who acts in their place had no role that reviews")
    }

    /// The same for who is acted for: the role that reviews, for the system.
    pub(super) fn check_delegator(
        &self,
        person: u128,
        at: u64,
        authority: (u64, &Hash),
        system: u128,
    ) -> Result<(), Unfit> {
        let unfit = "in whose place it was given, was no approver for this system";
        self.compare(person, at, authority, Some(system), Role::reviews, unfit)
    }

    /// The same, and asks for the role that takes approvals back.
    pub(super) fn check_senior(&self, person: u128, at: u64, n: u64, set: &Hash, system: u128) -> Result<(), Unfit> {
        let senior = |role| role == Role::SeniorApprover;
        self.compare(person, at, (n, set), Some(system), senior, "who acts was no senior approver for this system")
    }

    /// The same, and asks for a role that activates grants.
    pub(super) fn check_activator(&self, person: u128, at: u64, n: u64, set: &Hash, system: u128) -> Result<(), Unfit> {
        let fits = |role| matches!(role, Role::SeniorApprover | Role::ComplianceOfficer);
        self.compare(person, at, (n, set), Some(system), fits, "who acts may activate no grant for this system")
    }

    fn compare(
        &self,
        person: u128,
        at: u64,
        (n, set): (u64, &Hash),
        system: Option<u128>,
        fits: impl Fn(Role) -> bool,
        unfit: &str,
    ) -> Result<(), Unfit> {
        let wrong = |detail: String| Err(Unfit::Wrong(detail));
        let Some(person) = self.0.get(&person) else {
            return wrong("no entry before it made the reviewer a member".to_owned());
        };
        if person.disabled {
            return wrong("the reviewer was disabled".to_owned());
        }
        if person.n != n {
            return wrong(format!("it names authority {n}; the reviewer's history stood at {}", person.n));
        }
        // What somebody may is read a moment before the entry is written, and some of it may have ended in between.
        let ended = person.held.iter().filter_map(|held| held.until);
        let moments = ended.filter(|until| *until <= at && at - until < CLOCK_SLACK_MS).map(|until| until - 1);
        let mut found = None;
        for moment in std::iter::once(at).chain(moments) {
            let mut held = Vec::new();
            for holding in person.held.iter().filter(|held| held.until.is_none_or(|until| moment < until)) {
                held.extend(holding.held().ok_or(Unfit::Unknown)?);
            }
            let authority = Authority { n, held };
            if authority.set() == *set {
                found = Some(authority);
                break;
            }
        }
        let Some(authority) = found else {
            return wrong("the roles of the reviewer's history have another digest".to_owned());
        };
        let holds = |role| match system {
            Some(system) => authority.holds(role, Some(SystemId(Uuid::from_u128(system)))),
            None => authority.held.iter().any(|held| held.role == role),
        };
        if !Role::ALL.into_iter().any(|role| fits(role) && holds(role)) {
            return wrong(unfit.to_owned());
        }

        Ok(())
    }
}

impl Holding {
    /// What it adds to the authority; nothing where this build does not understand it.
    fn held(&self) -> Option<Vec<Held>> {
        let role = Role::from_id(RoleId(self.role))?;
        let limits = self.limits.as_ref()?;
        let one = |system| Held { role, system, limits: limits.clone() };
        Some(match &self.systems {
            None => vec![one(None)],
            Some(systems) => systems.iter().map(|id| one(Some(SystemId(Uuid::from_u128(*id))))).collect(),
        })
    }
}

fn systems(act: &Act<'_>) -> Option<Vec<u128>> {
    let listed = act.member("systems").and_then(Value::as_array);
    match (act.text("system"), listed) {
        (Some(system), _) => Some(vec![number(system)]),
        (None, Some(listed)) => Some(listed.iter().filter_map(Value::as_text).map(number).collect()),
        (None, None) => None,
    }
}

fn limits(act: &Act<'_>) -> Option<AuthorityLimits> {
    let types = act.member("types").and_then(Value::as_array).unwrap_or_default();
    let risk = match act.text("risk") {
        Some(word) => Some(Risk::from_word(word)?),
        None => None,
    };
    Some(AuthorityLimits {
        types: types.iter().filter_map(Value::as_text).map(str::to_owned).collect(),
        risk,
        amount: act.integer("amount"),
    })
}
