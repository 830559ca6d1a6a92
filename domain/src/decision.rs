//! What an AI system proposes, and the states it passes.

use crate::{
    ids::{DecisionId, PersonId},
    policy::{Approval, OnTimeout, Quorum},
    problem::{Code, Problem},
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident $word:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {$(
            $(#[$item])*
            #[serde(rename = $word)]
            $variant,
        )*}

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Returns the word in Rust, SQL, JSON and leaves.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// Returns the value of this word.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How much harm a wrong decision of this kind can do; set by type and policy, never by the agent.
    Risk {
        /// Little harm, easily undone.
        Low "low"
        /// Some harm.
        Medium "medium"
        /// Serious or irreversible harm.
        High "high"
    }
}

words! {
    /// Where a decision stands.
    State {
        /// Recorded, not routed yet.
        Received "received"
        /// Waits for a reviewer.
        Queued "queued"
        /// A reviewer has begun, or a first review of several is in.
        InReview "in_review"
        /// Final; the agent has not been told.
        Resolved "resolved"
        /// Final and told to the agent.
        Released "released"
        /// Nothing more will come.
        Closed "closed"
    }
}

impl State {
    /// Tells whether a review may still change what happens.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Received | State::Queued | State::InReview)
    }
}

words! {
    /// One person's ruling.
    Verdict {
        /// The action may run as proposed.
        Approve "approve"
        /// The action must not run.
        Reject "reject"
    }
}

words! {
    /// The final word on a decision.
    ResolutionOutcome {
        /// The agent may act.
        Approved "approved"
        /// The agent must not act.
        Rejected "rejected"
        /// Nobody ruled in time, so the agent must not act.
        Expired "expired"
    }
}

words! {
    /// What the agent reports afterwards.
    OutcomeResult {
        /// The action ran.
        Executed "executed"
        /// The action was tried and did not succeed.
        Failed "failed"
        /// The action did not run.
        NotExecuted "not_executed"
        /// The action ran and was undone.
        Compensated "compensated"
    }
}

words! {
    /// How much of the action took effect.
    Effect {
        /// Nothing.
        None "none"
        /// A part.
        Partial "partial"
        /// All of it.
        Full "full"
        /// The agent cannot tell.
        Unknown "unknown"
    }
}

words! {
    /// How far an entry has come on its way to outside proof; never goes back.
    SealState {
        /// Committed with its business rows.
        Recorded "recorded"
        /// Indexed under a signed checkpoint.
        Sealed "sealed"
        /// Served at the public checkpoint address.
        Published "published"
    }
}

words! {
    /// Why a reviewer rules as they do, in one word for statistics.
    ReasonCode {
        /// The action fits the policy and the case.
        WithinPolicy "within_policy"
        /// The policy does not allow it.
        AgainstPolicy "against_policy"
        /// The parameters do not fit the case.
        WrongParameters "wrong_parameters"
        /// What would be needed to decide is missing.
        MissingInformation "missing_information"
        /// Another reason, told in the text.
        Other "other"
        /// The AI system was paused when it proposed this; no reviewer gives this reason.
        SystemPaused "system_paused"
    }
}

impl ReasonCode {
    /// What reviewers choose from.
    pub const CHOICES: &'static [ReasonCode] = &[
        ReasonCode::WithinPolicy,
        ReasonCode::AgainstPolicy,
        ReasonCode::WrongParameters,
        ReasonCode::MissingInformation,
        ReasonCode::Other,
    ];

    /// Returns the words on screens.
    pub const fn label(self) -> &'static str {
        match self {
            ReasonCode::WithinPolicy => "Within policy",
            ReasonCode::AgainstPolicy => "Against policy",
            ReasonCode::WrongParameters => "Wrong parameters",
            ReasonCode::MissingInformation => "Missing information",
            ReasonCode::Other => "Other, see reason",
            ReasonCode::SystemPaused => "AI system paused",
        }
    }
}

/// The facts of a stored decision that the rules below need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The decision.
    pub id: DecisionId,
    /// Number of its last ledger entry.
    pub n: u64,
    /// Where it stands.
    pub state: State,
    /// Review round, from 1; a new revision opens the next.
    pub round: u64,
    /// Digest of the exact content under review.
    pub content_hash: countersign_ledger::hash::Hash,
    /// Who has to approve.
    pub quorum: Quorum,
    /// When it is decided by silence, in milliseconds since 1970 UTC.
    pub due_at: u64,
    /// What silence means.
    pub on_timeout: OnTimeout,
    /// The approvals of this round that stand, oldest first.
    pub approvals: Vec<Approval>,
    /// Who has reviewed in this round, whatever they ruled.
    pub reviewed_by: Vec<PersonId>,
}

/// What a review does to its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effected {
    /// More reviews are needed.
    Waiting {
        /// Approvals given, this one included.
        given: u64,
    },
    /// The decision has its resolution.
    Resolved(ResolutionOutcome),
}

impl Decision {
    /// Rules on a review of the content that was shown.
    ///
    /// A rejection outweighs any number of approvals; one human counts once per round.
    ///
    /// # Errors
    ///
    /// `already_resolved` after the end or the deadline, `stale` when the content changed after it
    /// was shown, `already_reviewed` when this person's review of the round stands, `forbidden` when no seat is left
    /// that this person could fill.
    pub fn review(
        &self,
        reviewer: Approval,
        verdict: Verdict,
        shown: &countersign_ledger::hash::Hash,
        now: u64,
    ) -> Result<Effected, Problem> {
        if !self.state.is_open() {
            return Err(Problem::new(
                Code::AlreadyResolved,
                "This decision was resolved while you had it open. Nothing of yours was recorded; your text is kept below.",
            ));
        }
        if now >= self.due_at && self.on_timeout == OnTimeout::Deny {
            return Err(Problem::new(
                Code::AlreadyResolved,
                "The time for this decision has run out; the AI system is told no. Your text is kept below.",
            ));
        }
        if *shown != self.content_hash {
            return Err(Problem::new(
                Code::Stale,
                "The proposal changed after you opened it. Read the changed fields, then decide again; your text is kept below.",
            ));
        }
        if self.reviewed_by.contains(&reviewer.person) {
            return Err(Problem::new(
                Code::AlreadyReviewed,
                "Your review of this round is recorded; one person counts once.",
            ));
        }

        Ok(match verdict {
            Verdict::Reject => Effected::Resolved(ResolutionOutcome::Rejected),
            Verdict::Approve => {
                if !self.quorum.has_room(&self.approvals, reviewer.senior) {
                    return Err(Problem::new(
                        Code::Forbidden,
                        "The approval that is missing now takes a senior approver. You may reject; approving is theirs.",
                    ));
                }
                let mut approvals = self.approvals.clone();
                approvals.push(reviewer);
                if self.quorum.is_met(&approvals) {
                    Effected::Resolved(ResolutionOutcome::Approved)
                } else {
                    Effected::Waiting { given: approvals.len() as u64 }
                }
            }
        })
    }

    /// Tells what the deadline does to the decision at this moment, if anything.
    pub fn expire(&self, now: u64) -> Option<ResolutionOutcome> {
        (self.is_overdue(now) && self.on_timeout == OnTimeout::Deny).then_some(ResolutionOutcome::Expired)
    }

    /// Tells whether the deadline hands the decision to the senior approvers at this moment.
    pub fn is_handed_up(&self, now: u64) -> bool {
        self.is_overdue(now) && self.on_timeout == OnTimeout::Escalate
    }

    fn is_overdue(&self, now: u64) -> bool {
        self.state.is_open() && now >= self.due_at
    }
}

#[cfg(test)]
mod tests {
    use countersign_ledger::hash::Hash;
    use uuid::Uuid;

    use super::*;
    use crate::{policy::Seat, role::Role};

    #[test]
    fn one_rejection_outweighs_approvals() {
        let mut decision = open(3);
        decision.approvals = vec![person(1), person(2)];

        let effect = decision.review(person(3), Verdict::Reject, &Hash([1; 32]), 0);

        assert_eq!(effect, Ok(Effected::Resolved(ResolutionOutcome::Rejected)));
    }

    #[test]
    fn the_last_missing_approval_resolves() {
        let mut decision = open(2);

        assert_eq!(decision.review(person(1), Verdict::Approve, &Hash([1; 32]), 0), Ok(Effected::Waiting { given: 1 }));
        decision.approvals.push(person(1));
        decision.reviewed_by.push(person(1).person);
        assert_eq!(
            decision.review(person(2), Verdict::Approve, &Hash([1; 32]), 0),
            Ok(Effected::Resolved(ResolutionOutcome::Approved))
        );
    }

    #[test]
    fn one_person_counts_once() {
        let mut decision = open(2);
        decision.reviewed_by = vec![person(1).person];

        let refusal = decision.review(person(1), Verdict::Approve, &Hash([1; 32]), 0).unwrap_err();

        assert_eq!(refusal.code, Code::AlreadyReviewed);
    }

    #[test]
    fn changed_content_and_late_reviews_are_refused() {
        let decision = open(1);

        let stale = decision.review(person(1), Verdict::Approve, &Hash([2; 32]), 0).unwrap_err();
        let late = decision.review(person(1), Verdict::Approve, &Hash([1; 32]), 1_000).unwrap_err();

        assert_eq!(stale.code, Code::Stale);
        assert_eq!(late.code, Code::AlreadyResolved);
    }

    #[test]
    fn silence_never_approves() {
        let decision = open(1);

        assert_eq!(decision.expire(999), None);
        assert_eq!(decision.expire(1_000), Some(ResolutionOutcome::Expired));
        assert_eq!(decision.expire(u64::MAX), Some(ResolutionOutcome::Expired));
    }

    #[test]
    fn a_seat_of_a_senior_approver_is_filled_by_one_and_anybody_may_reject() {
        let mut decision = open(1);
        decision.quorum = Quorum::together(vec![Seat { need: 1, role: Role::SeniorApprover }]);
        let ruled = |verdict, senior| decision.review(Approval { senior, ..person(1) }, verdict, &Hash([1; 32]), 0);

        assert_eq!(ruled(Verdict::Approve, false).unwrap_err().code, Code::Forbidden);
        assert_eq!(ruled(Verdict::Approve, true), Ok(Effected::Resolved(ResolutionOutcome::Approved)));
        assert_eq!(ruled(Verdict::Reject, false), Ok(Effected::Resolved(ResolutionOutcome::Rejected)));
    }

    #[test]
    fn people_choose_every_reason_but_a_pause() {
        let left: Vec<_> = ReasonCode::ALL.iter().filter(|code| !ReasonCode::CHOICES.contains(code)).collect();

        assert_eq!(left, [&ReasonCode::SystemPaused]);
    }

    #[test]
    fn a_deadline_that_hands_up_ends_nothing() {
        let mut decision = open(1);
        decision.on_timeout = OnTimeout::Escalate;

        assert_eq!(decision.expire(1_000), None);
        assert!(decision.is_handed_up(1_000) && !decision.is_handed_up(999));
    }

    fn open(need: u64) -> Decision {
        Decision {
            id: DecisionId(Uuid::nil()),
            n: 2,
            state: State::Queued,
            round: 1,
            content_hash: Hash([1; 32]),
            quorum: Quorum::together(vec![Seat { need, role: Role::Approver }]),
            due_at: 1_000,
            on_timeout: OnTimeout::Deny,
            approvals: Vec::new(),
            reviewed_by: Vec::new(),
        }
    }

    fn person(number: u8) -> Approval {
        Approval { person: PersonId(Uuid::from_bytes([number; 16])), senior: false }
    }
}
