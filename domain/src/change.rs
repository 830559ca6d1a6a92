//! Changes that wait for a second person: what each would do, as canonical bytes, and how it was decided.

use countersign_ledger::hash::{Hash, Label, digest};
use serde::{Deserialize, Serialize};

use crate::{
    holding::Holding,
    ids::{MappingVersionId, PersonId, ProviderId, ScimTokenId, SystemId},
    json,
    role::Role,
};

/// A change that nobody makes alone. The sealed request names the digest of exactly these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A person gets a role that needs a second person.
    AssignRole {
        /// The person.
        person: PersonId,
        /// What they get.
        holding: Holding,
    },
    /// From then on one person may act alone.
    SingleOperator,
    /// An outside auditor gets access for a time.
    OpenAuditWindow {
        /// The auditor.
        person: PersonId,
        /// What the audit is called; nothing personal.
        name: String,
        /// Systems it shows; all of them when empty.
        systems: Vec<SystemId>,
        /// When it begins, milliseconds since 1970 UTC.
        from: u64,
        /// When it ends.
        until: u64,
    },
    /// A provider's draft of a mapping comes into force.
    ApplyMapping {
        /// The provider.
        provider: ProviderId,
        /// The draft.
        version: MappingVersionId,
        /// Digest of the dry run that was accepted, base64url.
        dry_run: String,
    },
    /// A directory may push what gives privileged roles.
    IssueScimToken {
        /// The token, whose text the requester holds already; it works from the confirmation on.
        token: ScimTokenId,
        /// The provider whose people it pushes.
        provider: ProviderId,
        /// The only roles that its groups may give.
        ceiling: Vec<Role>,
        /// When it ends, milliseconds since 1970 UTC.
        expires: u64,
        /// The public part of its text.
        key_id: String,
        /// SHA-256 of the secret part, hexadecimal.
        secret: String,
    },
    /// Rules may approve higher amounts by themselves.
    SetGuards {
        /// Above this amount none does.
        amount_max: u64,
    },
}

crate::decision::words! {
    /// How a waiting change was decided.
    Decided {
        /// A second person agreed, and it took effect.
        Confirmed "confirmed"
        /// A second person said no.
        Refused "refused"
        /// Who asked for it took it back.
        Withdrawn "withdrawn"
        /// Nobody decided in time.
        Lapsed "lapsed"
    }
}

impl Change {
    /// Returns the word of the kind.
    pub const fn word(&self) -> &'static str {
        match self {
            Change::AssignRole { .. } => "assign_role",
            Change::SingleOperator => "single_operator",
            Change::OpenAuditWindow { .. } => "open_audit_window",
            Change::ApplyMapping { .. } => "apply_mapping",
            Change::IssueScimToken { .. } => "issue_scim_token",
            Change::SetGuards { .. } => "set_guards",
        }
    }

    /// Returns whose access it is about; they never confirm it.
    pub fn subject(&self) -> Option<PersonId> {
        match self {
            Change::AssignRole { person, .. } | Change::OpenAuditWindow { person, .. } => Some(*person),
            Change::SingleOperator
            | Change::ApplyMapping { .. }
            | Change::IssueScimToken { .. }
            | Change::SetGuards { .. } => None,
        }
    }

    /// Returns the RFC 8785 text.
    pub fn canonical(&self) -> String {
        json::canonical(&serde_json::to_value(self).expect("a change is plain data"))
    }

    /// Returns the digest that the ledger names.
    pub fn digest(&self) -> Hash {
        digest(Label::Change, self.canonical().as_bytes())
    }
}

impl Decided {
    /// Returns the kind of its entry.
    pub const fn kind(self) -> &'static str {
        match self {
            Decided::Confirmed => "change.confirmed",
            Decided::Refused => "change.refused",
            Decided::Withdrawn => "change.withdrawn",
            Decided::Lapsed => "change.lapsed",
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn equal_changes_have_equal_bytes_and_other_holdings_do_not() {
        let person = PersonId(Uuid::from_u128(7));
        let change = |role| Change::AssignRole { person, holding: Holding::everywhere(role) };

        assert_eq!(change(Role::Admin).digest(), change(Role::Admin).digest());
        assert_ne!(change(Role::Admin).digest(), change(Role::Approver).digest());
        assert_eq!(serde_json::from_str::<Change>(&change(Role::Admin).canonical()).unwrap(), change(Role::Admin));
    }
}
