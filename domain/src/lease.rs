//! Claims on the seats of a decision: who reviews it at this moment, and until when.
//!
//! There are as many seats as reviews are missing. A claim begins by an act and ends by one, or by itself: with its time,
//! with the sign-in behind it, or with what is under review.

use serde::{Deserialize, Serialize};

use crate::{
    ids::LeaseId,
    policy::{Approval, Quorum},
};

/// How long a claim lasts for a page that says nothing afterwards, in milliseconds.
pub const PLAIN_MS: u64 = 15 * 60_000;
/// How long it lasts from each sign of life of its page, in milliseconds.
pub const ROLLING_MS: u64 = 5 * 60_000;
/// How often a page gives one, in milliseconds.
pub const HEARTBEAT_MS: u64 = 30_000;
/// How long it lasts once its page is left, in milliseconds: more than a page takes to load again.
pub const LEFT_MS: u64 = 60_000;

crate::decision::words! {
    /// How a claim ended.
    LeaseEnd {
        /// Its holder gave it up.
        Released "released"
        /// Somebody else took it over, with a reason.
        TakenOver "taken_over"
        /// Its time ran out, or the sign-in or the role behind it ended.
        Lapsed "lapsed"
        /// Its holder began anew from another sign-in.
        Moved "moved"
        /// Its holder ruled.
        Reviewed "reviewed"
        /// The decision was resolved.
        Resolved "resolved"
        /// Other content took the place of what was under review.
        Revised "revised"
        /// The AI system was asked for a change.
        Returned "returned"
        /// The decision went elsewhere: to the senior approvers, or where another policy version says.
        Rerouted "rerouted"
    }
}

impl LeaseEnd {
    /// Tells whether an entry of its own says so; every other end follows from another entry or from the time.
    pub const fn is_sealed(self) -> bool {
        matches!(self, LeaseEnd::Released | LeaseEnd::TakenOver)
    }
}

/// Returns how many people may review at once: as many as approvals are missing in the open stage, and always one,
/// because anybody may still reject.
pub fn seats(quorum: &Quorum, approvals: &[Approval]) -> u64 {
    let open = quorum.fill(approvals).into_iter().filter(|filled| filled.open);
    open.map(|filled| filled.seat.need - filled.given).sum::<u64>().max(1)
}

/// Who reviews a decision at this moment, as its page says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The claim.
    pub lease: LeaseId,
    /// Their name.
    pub person: String,
    /// When it ends by itself, milliseconds since 1970 UTC.
    pub until: u64,
    /// The reader's own.
    pub own: bool,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{ids::PersonId, policy::Seat, role::Role};

    #[test]
    fn there_are_as_many_seats_as_approvals_are_missing_in_the_open_stage_and_at_least_one() {
        let approver = |need| Seat { need, role: Role::Approver };
        let senior = Seat { need: 1, role: Role::SeniorApprover };
        let staged = Quorum::in_stages(vec![approver(2), senior]);

        assert_eq!(seats(&Quorum::together(vec![approver(3)]), &[]), 3);
        assert_eq!(seats(&Quorum::together(vec![approver(1), senior]), &[]), 2);
        assert_eq!(seats(&staged, &[]), 2);
        assert_eq!(seats(&staged, &[approval(1)]), 1);
        assert_eq!(seats(&staged, &[approval(1), approval(2)]), 1);
        let met = Quorum::together(vec![approver(1)]);
        assert_eq!(seats(&met, &[approval(1)]), 1, "what settles may still be rejected");
    }

    fn approval(number: u8) -> Approval {
        Approval { person: PersonId(Uuid::from_bytes([number; 16])), senior: false }
    }
}
