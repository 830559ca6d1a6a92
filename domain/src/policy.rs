//! Which decisions need whom: the decision table of a policy version.

use countersign_ledger::hash::{Hash, Label, digest};
use serde::{Deserialize, Serialize};

use crate::{
    decision::words,
    ids::{PolicyId, PolicyVersionId},
    json,
    role::Role,
};

words! {
    /// What a row does with a decision.
    Route {
        /// People review it.
        Require "require"
    }
}

words! {
    /// What silence means at the deadline; approval is not among the choices.
    OnTimeout {
        /// The agent is told no.
        Deny "deny"
        /// The decision keeps waiting.
        Wait "wait"
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it does.
    pub route: Route,
    /// How many approvals by different people it needs, from 1.
    pub need: u64,
    /// Who may give them.
    pub role: Role,
    /// Seconds from proposal to deadline.
    pub due_seconds: u64,
    /// What silence means then.
    pub on_timeout: OnTimeout,
    /// Whether a review has to be signed with a passkey; left out of the text where it need not, so that the digests
    /// of earlier versions stay.
    #[serde(default, skip_serializing_if = "is_unsigned")]
    pub signed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_unsigned(signed: &bool) -> bool {
    !signed
}

/// The body of a policy version: rows in order, and the one that catches everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    /// The mandatory last row; its rule number is the count of rows before it plus one.
    pub default: Row,
}

/// An active version of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The version.
    pub id: PolicyVersionId,
    /// Its policy.
    pub policy: PolicyId,
    /// From 1.
    pub number: u64,
    /// The table.
    pub body: PolicyBody,
}

/// Where a decision goes, and by which row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// Number of the row, from 1.
    pub rule: u64,
    /// The row's route.
    pub route: Route,
    /// Approvals needed.
    pub need: u64,
    /// Deadline in milliseconds since 1970 UTC.
    pub due_at: u64,
    /// What silence means then.
    pub on_timeout: OnTimeout,
}

impl PolicyBody {
    /// The table an installation starts with: every decision needs one approver within a day.
    pub fn bootstrap() -> Self {
        Self {
            default: Row {
                route: Route::Require,
                need: 1,
                role: Role::Approver,
                due_seconds: 24 * 3_600,
                on_timeout: OnTimeout::Deny,
                signed: false,
            },
        }
    }

    /// Returns the digest that `policy.activated` names, over the RFC 8785 text.
    pub fn digest(&self) -> Hash {
        let value = serde_json::to_value(self).expect("a table is plain data");
        digest(Label::Policy, json::canonical(&value).as_bytes())
    }

    /// Routes a decision proposed at `now` (milliseconds since 1970 UTC).
    pub fn route(&self, now: u64) -> Routed {
        let row = &self.default;
        Routed {
            rule: 1,
            route: row.route,
            need: row.need,
            due_at: now + row.due_seconds * 1_000,
            on_timeout: row.on_timeout,
        }
    }
}

impl Row {
    /// Says what the row asks for, for the decision page.
    pub fn sentence(&self) -> String {
        let who = match self.need {
            1 => format!("one {}", self.role.word()),
            need => format!("{need} different {}s", self.role.word()),
        };
        let how = if self.signed { ", who signs with a passkey" } else { "" };
        format!("Every decision that no earlier row catches needs {who}{how}.")
    }
}

impl OnTimeout {
    /// Says what happens at the deadline.
    pub const fn sentence(self) -> &'static str {
        match self {
            OnTimeout::Deny => "expires; the AI system is told no",
            OnTimeout::Wait => "keeps waiting; silence is not an answer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_table_asks_for_one_approver() {
        let routed = PolicyBody::bootstrap().route(1_000);

        assert_eq!((routed.rule, routed.route, routed.need), (1, Route::Require, 1));
        assert_eq!(routed.due_at, 1_000 + 86_400_000);
        assert_eq!(routed.on_timeout, OnTimeout::Deny);
    }

    #[test]
    fn any_change_of_the_table_changes_its_digest() {
        let mut body = PolicyBody::bootstrap();
        let before = body.digest();
        body.default.need = 2;

        assert_ne!(body.digest(), before);
    }

    #[test]
    fn no_timeout_approves() {
        assert!(OnTimeout::ALL.iter().all(|choice| choice.word() != "approve"));
        assert_eq!(OnTimeout::from_word("approve"), None);
    }
}
