//! What a person may do at one moment, as a digest that a checker can recompute.

use countersign_ledger::{
    hash::{Hash, Label, digest},
    value::{Limits, Value},
};

use crate::{holding::AuthorityLimits, ids::SystemId, role::Role};

/// One role that a person holds at a moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The role.
    pub role: Role,
    /// The one system it covers; all of them when absent.
    pub system: Option<SystemId>,
    /// How far it reaches.
    pub limits: AuthorityLimits,
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
    /// Returns the digest of the effective set under label `authority`: one object for each role and
    /// system with its limits, each object once, in the order of their canonical bytes.
    pub fn set(&self) -> Hash {
        let mut held: Vec<_> = self.held.iter().map(|held| (bytes(&held.value()), held.value())).collect();
        held.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        held.dedup_by(|a, b| a.0 == b.0);
        // The leaf format has no empty list; whoever holds nothing has a set of no bytes.
        let text = match held.is_empty() {
            true => Vec::new(),
            false => bytes(&Value::from(held.into_iter().map(|(_, value)| value).collect::<Vec<_>>())),
        };
        digest(Label::Authority, &text)
    }

    /// Tells whether the person holds the role for this system.
    pub fn holds(&self, role: Role, system: Option<SystemId>) -> bool {
        self.held.iter().any(|held| held.role == role && (held.system.is_none() || held.system == system))
    }
}

impl Held {
    fn value(&self) -> Value {
        let mut members = vec![("role", Value::from(self.role.id().to_string()))];
        members.extend(self.system.map(|system| ("system", Value::from(system.to_string()))));
        members.extend(self.limits.members());
        Value::object(members)
    }
}

impl AuthorityLimits {
    /// Returns the limits as members of a leaf or of the authority's set; none for what is not limited.
    pub(crate) fn members(&self) -> Vec<(&'static str, Value)> {
        let mut members = Vec::new();
        members.extend(self.amount.map(|amount| ("amount", amount.into())));
        members.extend(self.risk.map(|risk| ("risk", risk.word().into())));
        if !self.types.is_empty() {
            members.push(("types", Value::array(self.types.iter().map(String::as_str))));
        }
        members
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_bytes(Limits::STATEMENT).expect("ids and words within the limits of a statement")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_that_of_the_frozen_log() {
        let system = "1049325e-5cf0-4e90-a26f-ce19bf1d4e31".parse().unwrap();
        let held = Held { role: Role::Approver, system: Some(system), limits: AuthorityLimits::default() };
        let authority = Authority { n: 3, held: vec![held] };

        assert_eq!(authority.set().to_string(), "fiXMOcraPPVTAYL0-Y_3RchHaglPpmbYB61XavepXWQ");
    }

    #[test]
    fn the_order_of_assignment_does_not_change_the_set() {
        let held = |role| Held { role, system: None, limits: AuthorityLimits::default() };
        let (a, b) = (held(Role::Viewer), held(Role::Approver));

        let one = Authority { n: 3, held: vec![a.clone(), b.clone()] };
        let other = Authority { n: 9, held: vec![b, a.clone(), a.clone()] };

        assert_eq!(one.set(), other.set());
        assert_ne!(one.set(), Authority { n: 3, held: vec![a] }.set());
    }

    #[test]
    fn a_limit_changes_the_set() {
        let held = |amount| Held {
            role: Role::Approver,
            system: None,
            limits: AuthorityLimits { amount, ..AuthorityLimits::default() },
        };
        let set = |amount| Authority { n: 1, held: vec![held(amount)] }.set();

        assert_ne!(set(None), set(Some(100)));
        assert_ne!(set(Some(100)), set(Some(101)));
    }
}
