//! One type per kind of id, so that the compiler refuses a person where a decision is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl $name {
            /// Returns the short form that screens print beside a title: the last eight hex digits.
            pub fn short(&self) -> String {
                let text = self.0.simple().to_string();
                text[24..].to_ascii_uppercase()
            }
        }
    )*};
}

ids! {
    /// One act in the ledger (UUIDv7); the leaf's `id`.
    EntryId
    /// What an AI system proposes or did (UUIDv7).
    DecisionId
    /// One exact content of a decision (UUIDv7).
    RevisionId
    /// One person's act on a decision (UUIDv7).
    ReviewId
    /// The final state of a decision (UUIDv7).
    ResolutionId
    /// A reported result (UUIDv7).
    OutcomeId
    /// What was sent to a person's screen, and the single use of it (UUIDv7).
    PresentationId
    /// A registered AI system (random UUIDv4; the leaf's `sid` of its keys).
    SystemId
    /// A person's passkey (UUIDv4).
    PasskeyId
    /// What a person is told about access (UUIDv7).
    NoticeId
    /// A credential of one system (UUIDv4).
    AgentKeyId
    /// One version of a decision type (UUIDv4).
    DecisionTypeId
    /// A human being (random UUIDv4; the leaf's `sid`).
    PersonId
    /// A sign-in (UUIDv4).
    SessionId
    /// A role that can be assigned (UUIDv4, fixed for the built-in ones).
    RoleId
    /// A person's holding of a role (UUIDv7).
    RoleAssignmentId
    /// A policy (UUIDv4).
    PolicyId
    /// One version of a policy (UUIDv4).
    PolicyVersionId
    /// Access of an outside auditor for a time (UUIDv4; the leaf's `sid` of its tokens).
    AuditWindowId
    /// A campaign in which assignments are looked at again (UUIDv7).
    AccessReviewId
    /// A change that waits for a second person (UUIDv7).
    ChangeId
    /// An identity provider (UUIDv4).
    ProviderId
    /// One version of a provider's mapping (UUIDv7).
    MappingVersionId
    /// A directory's token (UUIDv4; the leaf's `sid` of what it does).
    ScimTokenId
    /// A user that a directory pushed (UUIDv4).
    ScimUserId
    /// A group that a directory pushed (UUIDv4).
    ScimGroupId
    /// A form that counts once, however often it is sent (UUIDv7).
    FormId
    /// A note to the next shift (UUIDv7).
    HandoverId
    /// A one-time link that makes somebody a member (UUIDv7).
    InvitationId
    /// A claim on a seat to review a decision (UUIDv7).
    LeaseId
    /// A view of the queue that a person keeps (UUIDv7).
    SavedViewId
    /// One act on several decisions, and the page that it was sent from (UUIDv7).
    BulkRunId
    /// The right to review in somebody's place (UUIDv7).
    DelegationId
    /// A time in which somebody is away (UUIDv7).
    AbsenceId
    /// A way by which notices leave the installation (UUIDv4).
    ChannelId
    /// A message of a channel (UUIDv7).
    MessageId
    /// A scoped pre-approval (UUIDv7).
    GrantId
}

/// The text is not a lower-case hyphenated UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a lower-case hyphenated UUID")]
pub struct InvalidId;

fn parse(text: &str) -> Result<Uuid, InvalidId> {
    let id = Uuid::try_parse(text).map_err(|_| InvalidId)?;
    if id.hyphenated().to_string() == text { Ok(id) } else { Err(InvalidId) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_read() {
        let canonical = "01a19b7d-90e0-7f95-ae73-2979886b812a";

        assert_eq!(canonical.parse::<DecisionId>().unwrap().to_string(), canonical);
        assert_eq!(canonical.to_uppercase().parse::<DecisionId>(), Err(InvalidId));
        assert_eq!(canonical.replace('-', "").parse::<DecisionId>(), Err(InvalidId));
    }

    #[test]
    fn the_short_form_is_the_random_end() {
        let id: DecisionId = "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap();

        assert_eq!(id.short(), "886B812A");
    }
}
