//! Roles and what each is called.

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::ids::RoleId;

/// A built-in role. Roles add up per person unless the hard rules forbid the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs access, systems and keys; never reviews.
    Admin,
    /// Reviews decisions.
    Approver,
    /// Reads decisions, the ledger and its proofs; changes nothing.
    Auditor,
}

impl Role {
    /// Every role, in the order of the screens.
    pub const ALL: [Role; 3] = [Role::Admin, Role::Approver, Role::Auditor];

    /// Returns the fixed id that leaves name.
    pub const fn id(self) -> RoleId {
        const ADMIN: Uuid = uuid!("5b1f3c9a-6f0e-4f7b-9a52-0c6c6a9d1f01");
        const APPROVER: Uuid = uuid!("3a816eb7-fac2-4aa2-8d65-fb9dbb41ffeb");
        const AUDITOR: Uuid = uuid!("c2b7a0de-51d4-4c3e-8f6b-7c4d1e9a2f03");
        RoleId(match self {
            Role::Admin => ADMIN,
            Role::Approver => APPROVER,
            Role::Auditor => AUDITOR,
        })
    }

    /// Returns the role with this fixed id.
    pub fn from_id(id: RoleId) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.id() == id)
    }

    /// Returns the word in Rust, SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Approver => "approver",
            Role::Auditor => "auditor",
        }
    }

    /// Returns the role of this word.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Returns the name on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "Admin",
            Role::Approver => "Approver",
            Role::Auditor => "Auditor",
        }
    }

    /// Tells why one person may not hold both roles (hard rules R6 and R7).
    pub fn conflict(self, other: Role) -> Option<&'static str> {
        match (self.min(other), self.max(other)) {
            (Role::Admin, Role::Approver) => Some("An admin may not review."),
            (Role::Admin | Role::Approver, Role::Auditor) => Some("An auditor holds no other role."),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_never_reviews_and_an_auditor_stands_alone() {
        assert!(Role::Approver.conflict(Role::Admin).is_some());
        assert!(Role::Admin.conflict(Role::Approver).is_some());
        assert!(Role::Auditor.conflict(Role::Admin).is_some());
        assert!(Role::Auditor.conflict(Role::Approver).is_some());
        assert!(Role::Admin.conflict(Role::Admin).is_none());
    }
}
