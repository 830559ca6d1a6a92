//! Every person's rights as their numbered history gives them.

use std::collections::HashMap;

use countersign_ledger::hash::Hash;
use uuid::Uuid;

use super::{Act, Numbered, number};
use crate::{
    authority::{Authority, Held},
    ids::{RoleId, SystemId},
    role::Role,
};

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
    system: Option<u128>,
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
                system: act.text("system").map(number),
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
        let held: Option<Vec<_>> = person
            .held
            .iter()
            .filter(|held| held.until.is_none_or(|until| at < until))
            .map(|held| {
                let system = held.system.map(|system| SystemId(Uuid::from_u128(system)));
                Some(Held { role: Role::from_id(RoleId(held.role))?, system })
            })
            .collect();
        let authority = Authority { n, held: held.ok_or(Unfit::Unknown)? };
        if authority.set() != *set {
            return wrong("the roles of the reviewer's history have another digest".to_owned());
        }
        if !authority.holds(Role::Approver, Some(SystemId(Uuid::from_u128(system)))) {
            return wrong("the reviewer was no approver for this system".to_owned());
        }

        Ok(())
    }
}
