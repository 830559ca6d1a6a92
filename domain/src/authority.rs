//! What a person may do at one moment, as a digest that a checker can recompute.

use countersign_ledger::{
    hash::{Hash, Label, digest},
    value::{Limits, Value},
};

use crate::{ids::SystemId, role::Role};

/// One role that a person holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The role.
    pub role: Role,
    /// The one system it covers; all of them when absent.
    pub system: Option<SystemId>,
}

/// Everything a person may act by at one moment, with the number of the entry that made it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Number of the last entry about this person's rights.
    pub n: u64,
    /// The roles held.
    pub held: Vec<Held>,
}

impl Authority {
    /// Returns the digest of the effective set under label `authority`: the list of roles with their scope, sorted.
    pub fn set(&self) -> Hash {
        let mut held = self.held.clone();
        held.sort_unstable();
        held.dedup();
        let roles = held
            .iter()
            .map(|held| {
                let mut members = vec![("role", Value::from(held.role.id().to_string()))];
                if let Some(system) = held.system {
                    members.push(("system", Value::from(system.to_string())));
                }
                Value::object(members)
            })
            .collect::<Vec<_>>();
        // The leaf format has no empty list; whoever holds nothing has a set of no bytes.
        let bytes = match roles.is_empty() {
            true => Vec::new(),
            false => Value::from(roles).to_bytes(Limits::STATEMENT).expect("ids within the limits of a statement"),
        };
        digest(Label::Authority, &bytes)
    }

    /// Tells whether the person holds the role for this system.
    pub fn holds(&self, role: Role, system: Option<SystemId>) -> bool {
        self.held.iter().any(|held| held.role == role && (held.system.is_none() || held.system == system))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_that_of_the_frozen_log() {
        let system = "1049325e-5cf0-4e90-a26f-ce19bf1d4e31".parse().unwrap();
        let authority = Authority { n: 3, held: vec![Held { role: Role::Approver, system: Some(system) }] };

        assert_eq!(authority.set().to_string(), "fiXMOcraPPVTAYL0-Y_3RchHaglPpmbYB61XavepXWQ");
    }

    #[test]
    fn the_order_of_assignment_does_not_change_the_set() {
        let a = Held { role: Role::Admin, system: None };
        let b = Held { role: Role::Approver, system: None };

        let one = Authority { n: 3, held: vec![a, b] };
        let other = Authority { n: 9, held: vec![b, a, a] };

        assert_eq!(one.set(), other.set());
        assert_ne!(one.set(), Authority { n: 3, held: vec![a] }.set());
    }
}
