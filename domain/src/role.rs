//! Roles and what each is called.

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::ids::RoleId;

/// A built-in role. Roles add up per person unless the hard rules forbid the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads decisions; changes nothing.
    Viewer,
    /// Reviews decisions of low and medium risk.
    Approver,
    /// Reviews decisions of every risk; confirms changes of access.
    SeniorApprover,
    /// Reads decisions; writes policies.
    PolicyAuthor,
    /// Runs access, systems and keys; never reviews.
    Admin,
    /// Reads everything; confirms changes of access.
    ComplianceOfficer,
    /// Reads decisions, the ledger and its proofs; changes nothing and holds no other role.
    Auditor,
}

impl Role {
    /// Every role, in the order of the screens.
    pub const ALL: [Role; 7] = [
        Role::Viewer,
        Role::Approver,
        Role::SeniorApprover,
        Role::PolicyAuthor,
        Role::Admin,
        Role::ComplianceOfficer,
        Role::Auditor,
    ];

    /// Returns the fixed id that leaves name.
    pub const fn id(self) -> RoleId {
        const VIEWER: Uuid = uuid!("9d0f6a52-3c1b-4e8e-8a37-51f0d2c7be04");
        const APPROVER: Uuid = uuid!("3a816eb7-fac2-4aa2-8d65-fb9dbb41ffeb");
        const SENIOR_APPROVER: Uuid = uuid!("f14a7d3e-82b6-4b0d-9c6f-2e5b80a4d105");
        const POLICY_AUTHOR: Uuid = uuid!("07c5e9b8-4d2a-4f63-b1e0-8f3a6c92e706");
        const ADMIN: Uuid = uuid!("5b1f3c9a-6f0e-4f7b-9a52-0c6c6a9d1f01");
        const COMPLIANCE_OFFICER: Uuid = uuid!("e86b2f40-17d9-4c85-a3f2-6d0e9b71c807");
        const AUDITOR: Uuid = uuid!("c2b7a0de-51d4-4c3e-8f6b-7c4d1e9a2f03");
        RoleId(match self {
            Role::Viewer => VIEWER,
            Role::Approver => APPROVER,
            Role::SeniorApprover => SENIOR_APPROVER,
            Role::PolicyAuthor => POLICY_AUTHOR,
            Role::Admin => ADMIN,
            Role::ComplianceOfficer => COMPLIANCE_OFFICER,
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
            Role::Viewer => "viewer",
            Role::Approver => "approver",
            Role::SeniorApprover => "senior_approver",
            Role::PolicyAuthor => "policy_author",
            Role::Admin => "admin",
            Role::ComplianceOfficer => "compliance_officer",
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
            Role::Viewer => "Viewer",
            Role::Approver => "Approver",
            Role::SeniorApprover => "Senior approver",
            Role::PolicyAuthor => "Policy author",
            Role::Admin => "Admin",
            Role::ComplianceOfficer => "Compliance officer",
            Role::Auditor => "Auditor",
        }
    }

    /// Says what the role is for, on screens.
    pub const fn sentence(self) -> &'static str {
        match self {
            Role::Viewer => "reads decisions; changes nothing",
            Role::Approver => "reviews decisions of low and medium risk",
            Role::SeniorApprover => "reviews decisions of every risk; confirms changes of access",
            Role::PolicyAuthor => "reads decisions; writes policies",
            Role::Admin => "runs access, systems and keys; never reviews",
            Role::ComplianceOfficer => "reads everything; confirms changes of access",
            Role::Auditor => "reads decisions and the ledger; changes nothing, holds no other role",
        }
    }

    /// Tells whether the role reviews decisions.
    pub const fn reviews(self) -> bool {
        matches!(self, Role::Approver | Role::SeniorApprover)
    }

    /// Tells whether the role reads decisions, within its scope.
    pub const fn reads_decisions(self) -> bool {
        !matches!(self, Role::Admin)
    }

    /// Tells whether nobody gives the role alone: those of A11, and the auditor, who reads everything and whose access
    /// for a time needs two people as well.
    pub const fn needs_second_person(self) -> bool {
        matches!(self, Role::Admin | Role::Approver | Role::SeniorApprover | Role::ComplianceOfficer | Role::Auditor)
    }

    /// Tells why one person may not hold both roles (hard rules R6 and R7).
    pub fn conflict(self, other: Role) -> Option<&'static str> {
        if self == other {
            return None;
        }
        let either = |role| self == role || other == role;
        if either(Role::Auditor) {
            return Some("An auditor holds no other role.");
        }
        if either(Role::Admin) && (self.reviews() || other.reviews()) {
            return Some("An admin may not review.");
        }
        if either(Role::PolicyAuthor) && either(Role::ComplianceOfficer) {
            return Some("Who writes policies may not be the compliance officer who activates them.");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves R6 and R7.
    #[test]
    fn an_admin_never_reviews_and_an_auditor_stands_alone() {
        let conflicts = |one: Role| Role::ALL.into_iter().filter(|other| one.conflict(*other).is_some()).count();

        assert!(Role::Approver.conflict(Role::Admin).is_some());
        assert!(Role::Admin.conflict(Role::SeniorApprover).is_some());
        assert!(Role::PolicyAuthor.conflict(Role::ComplianceOfficer).is_some());
        assert!(Role::Admin.conflict(Role::Admin).is_none());
        assert_eq!(Role::ALL.map(conflicts), [1, 2, 2, 2, 3, 2, 6]);
        for (one, other) in Role::ALL.iter().flat_map(|one| Role::ALL.map(|other| (*one, other))) {
            assert_eq!(one.conflict(other), other.conflict(one));
        }
    }

    #[test]
    fn every_role_has_an_id_and_a_word_of_its_own() {
        for role in Role::ALL {
            assert_eq!(Role::from_id(role.id()), Some(role));
            assert_eq!(Role::from_word(role.word()), Some(role));
            assert_eq!(role.id().0.get_version_num(), 4);
        }
    }
}
