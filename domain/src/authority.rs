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
    /// Returns the digest of the effective set: sorted roles with their scope, label `authority`.
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
        let mut members = vec![("v", Value::from(1u64))];
        if !roles.is_empty() {
            members.push(("roles", Value::from(roles)));
        }

        let bytes = Value::object(members).to_bytes(Limits::STATEMENT).expect("ids within the limits of a statement");
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
    fn the_order_of_assignment_does_not_change_the_set() {
        let a = Held { role: Role::Admin, system: None };
        let b = Held { role: Role::Approver, system: None };

        let one = Authority { n: 3, held: vec![a, b] };
        let other = Authority { n: 9, held: vec![b, a, a] };

        assert_eq!(one.set(), other.set());
        assert_ne!(one.set(), Authority { n: 3, held: vec![a] }.set());
    }
}
