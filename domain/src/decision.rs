//! What an AI system proposes, and the states it passes.

use serde::{Deserialize, Serialize};

use crate::{
    delegation::StandIns,
    ids::{DecisionId, PersonId},
    policy::{Approval, OnTimeout, Quorum},
    problem::{Code, FieldError, Problem},
    text::Reason,
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident $word:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {$(
            $(#[$item])*
            $variant,
        )*}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::words::read(deserializer, $name::from_word, &[$($word),*])
            }
        }

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
        /// A reviewer asked the AI system for a change.
        ChangesRequested "changes_requested"
        /// People have decided; a reviewer may still take a review back, and the agent has not been told.
        Settling "settling"
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
        !matches!(self, State::Resolved | State::Released | State::Closed)
    }

    /// Tells whether people review it now.
    pub const fn is_reviewed(self) -> bool {
        matches!(self, State::Received | State::Queued | State::InReview)
    }

    /// Returns the state as it is shown: who holds a seat has begun, before a first review is in.
    pub fn while_held(self, held: bool) -> Self {
        if held && self == State::Queued { State::InReview } else { self }
    }
}

words! {
    /// One person's ruling.
    Verdict {
        /// The action may run as proposed.
        Approve "approve"
        /// Changed as the reviewer says, the action may run.
        ApproveWithEdits "approve_with_edits"
        /// The AI system is to change its proposal.
        RequestChanges "request_changes"
        /// A senior approver is to decide.
        Escalate "escalate"
        /// The action must not run.
        Reject "reject"
        /// Somebody else is to decide: this person does not.
        Abstain "abstain"
        /// The person comes back to it later.
        Defer "defer"
    }
}

impl Verdict {
    /// Returns the words on buttons.
    pub const fn label(self) -> &'static str {
        match self {
            Verdict::Approve => "Approve",
            Verdict::ApproveWithEdits => "Approve with edits",
            Verdict::RequestChanges => "Request changes",
            Verdict::Escalate => "Escalate",
            Verdict::Reject => "Reject",
            Verdict::Abstain => "Abstain",
            Verdict::Defer => "Defer",
        }
    }

    /// Tells whether a review with it decides, alone or with others; such a review stands once per person and round.
    pub const fn counts(self) -> bool {
        matches!(self, Verdict::Approve | Verdict::ApproveWithEdits | Verdict::Reject)
    }

    /// Tells whether its author may take it back; what handed a decision on has had its effect.
    pub const fn is_retractable(self) -> bool {
        self.counts() || matches!(self, Verdict::Abstain | Verdict::RequestChanges)
    }

    /// Tells whether its author has no say in the round any more: everybody who ruled but who only put it off.
    pub const fn is_final(self) -> bool {
        !matches!(self, Verdict::Defer)
    }
}

words! {
    /// Where a review stands; none is ever edited or deleted.
    ReviewState {
        /// It counts.
        Submitted "submitted"
        /// Its author took it back.
        Retracted "retracted"
        /// The content changed, or its author lost the right to give it.
        Void "void"
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
        /// The agent took its proposal back.
        Withdrawn "withdrawn"
        /// It was approved, and a senior approver took that back.
        Revoked "revoked"
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

    /// Refuses a code that says the opposite of the verdict that it is given for: statistics of both would mean nothing.
    ///
    /// # Errors
    ///
    /// What to choose instead, at `/code`.
    pub fn check(self, verdict: Verdict) -> Result<(), FieldError> {
        let against = match verdict {
            Verdict::Approve => matches!(self, ReasonCode::AgainstPolicy | ReasonCode::WrongParameters),
            Verdict::Reject => self == ReasonCode::WithinPolicy,
            _ => false,
        };
        if !against {
            return Ok(());
        }
        let says = format!(
            "“{}” speaks against {}. Choose another reason code, or rule otherwise.",
            self.label(),
            verdict.label()
        );
        Err(FieldError::new("/code", "contradicts", says))
    }
}

/// What a ruling has to say of its reason: friction follows the risk, and sits on approving alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    /// A reason code.
    pub code: bool,
    /// A reason in words.
    pub reason: bool,
}

impl Asks {
    const NOTHING: Asks = Asks { code: false, reason: false };
    const CODE: Asks = Asks { code: true, reason: false };
    /// A code and words, as everything that says no, hands on or changes what is proposed.
    pub const BOTH: Asks = Asks { code: true, reason: true };

    /// Returns what this ruling asks for at this risk, where the policy row wants every approval reasoned or does not.
    pub const fn of(verdict: Verdict, risk: Risk, reasoned: bool) -> Self {
        match (verdict, risk) {
            (Verdict::Reject | Verdict::RequestChanges | Verdict::Escalate | Verdict::ApproveWithEdits, _) => {
                Self::BOTH
            }
            (Verdict::Abstain | Verdict::Defer, _) => Self::NOTHING,
            (Verdict::Approve, _) if reasoned => Self::BOTH,
            (Verdict::Approve, Risk::Low) => Self::NOTHING,
            (Verdict::Approve, Risk::Medium) => Self::CODE,
            (Verdict::Approve, Risk::High) => Self::BOTH,
        }
    }

    /// Lists what is missing, as places of the form.
    pub fn missing(self, code: Option<ReasonCode>, reason: Option<&Reason>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.code && code.is_none() {
            errors.push(FieldError::new("/code", "missing", "Choose a reason code."));
        }
        if self.reason && reason.is_none() {
            errors.push(FieldError::new("/reason", "missing", "Reason: write something here."));
        }
        errors
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
    /// How many rejections reject it, from 1.
    pub reject_threshold: u64,
    /// When it is decided by silence, in milliseconds since 1970 UTC.
    pub due_at: u64,
    /// What silence means.
    pub on_timeout: OnTimeout,
    /// What people decided, while a reviewer may still take a review back.
    pub settling: Option<Settling>,
    /// Risk by type and policy.
    pub risk: Risk,
    /// Who put the running content in the place of the agent's, if a person did.
    pub editor: Option<PersonId>,
    /// Senior approvers have it, by its route, its deadline or a reviewer.
    pub with_seniors: bool,
    /// The approvals of this round that stand, oldest first.
    pub approvals: Vec<Approval>,
    /// How many rejections of this round stand.
    pub rejections: u64,
    /// Who has ruled in this round, whatever they ruled; who only put it off is not among them.
    pub reviewed_by: Vec<PersonId>,
    /// In whose place people had a part in it, and who stands in for whom at this moment.
    pub stand_ins: StandIns,
}

/// What people decided, before it is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// What it will be.
    pub outcome: ResolutionOutcome,
    /// Until when a reviewer may take a review back, in milliseconds since 1970 UTC.
    pub until: u64,
}

/// A review about to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Who rules.
    pub reviewer: Approval,
    /// In whose place, where it is not in their own right.
    pub on_behalf: Option<PersonId>,
    /// What.
    pub verdict: Verdict,
    /// When the reviewer comes back to it, in milliseconds since 1970 UTC; only with `defer`.
    pub follow_up: Option<u64>,
}

/// What a review does to its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effected {
    /// More reviews are needed; or it settles, and this one is not enough against that.
    Waiting,
    /// People have decided.
    Decided(ResolutionOutcome),
    /// A senior approver is to decide.
    Escalated,
    /// The AI system is to change its proposal.
    ChangesRequested,
    /// Other content takes the place of what was proposed.
    Edited,
    /// The person has no say in this round.
    Abstained,
    /// The person comes back to it.
    Deferred {
        /// When, in milliseconds since 1970 UTC.
        until: u64,
    },
}

impl Decision {
    /// Rules on a review of the content that was shown.
    ///
    /// As many rejections as the threshold outweigh any number of approvals, while they settle too; one human counts
    /// once per round.
    ///
    /// # Errors
    ///
    /// `already_resolved` after the end, the deadline or the last review that was needed, `stale` when the content
    /// changed after it was shown, `already_reviewed` when this person's review of the round stands, `forbidden` when
    /// no seat is left that this person could fill, `four_eyes` for who edited the content, `invalid_transition` while
    /// the AI system changes its proposal and for an escalation to who has it already, `invalid_content` for a time to
    /// come back that is not before the deadline.
    pub fn review(
        &self,
        ruling: Ruling,
        shown: &countersign_ledger::hash::Hash,
        now: u64,
    ) -> Result<Effected, Problem> {
        let Ruling { reviewer, on_behalf, verdict, follow_up } = ruling;
        self.admits((reviewer.person, on_behalf), verdict, now)?;
        if *shown != self.content_hash {
            return Err(Problem::new(
                Code::Stale,
                "The proposal changed after you opened it. Read the changed fields, then decide again.",
            ));
        }

        match verdict {
            Verdict::Reject => Ok(match self.is_rejected_by(self.rejections + 1) {
                true => Effected::Decided(ResolutionOutcome::Rejected),
                false => Effected::Waiting,
            }),
            Verdict::Abstain => Ok(Effected::Abstained),
            Verdict::Escalate if self.with_seniors => Err(Problem::new(
                Code::InvalidTransition,
                "The senior approvers have it already, and nobody is above them. Approve, reject or abstain.",
            )),
            Verdict::Escalate => Ok(Effected::Escalated),
            Verdict::Defer => self.defer(follow_up, now),
            Verdict::RequestChanges => Ok(Effected::ChangesRequested),
            Verdict::ApproveWithEdits => Ok(Effected::Edited),
            Verdict::Approve => {
                if !self.quorum.has_room(&self.approvals, reviewer.senior) {
                    return Err(Problem::new(
                        Code::Forbidden,
                        "The approval that is missing now takes a senior approver. You may reject; approving is theirs.",
                    ));
                }
                let mut approvals = self.approvals.clone();
                approvals.push(reviewer);
                Ok(match self.quorum.is_met(&approvals) {
                    true => Effected::Decided(ResolutionOutcome::Approved),
                    false => Effected::Waiting,
                })
            }
        }
    }

    /// Tells whether this person may rule at this moment, in their own right or in somebody's place, whatever was shown to
    /// them: by the state, by the deadline, and as somebody who neither wrote it nor ruled on it; nor did the other.
    ///
    /// # Errors
    ///
    /// `already_resolved`, `invalid_transition`, `four_eyes` and `already_reviewed`, as [`Decision::review`].
    pub fn admits(
        &self,
        (person, on_behalf): (PersonId, Option<PersonId>),
        verdict: Verdict,
        now: u64,
    ) -> Result<(), Problem> {
        if !self.state.is_open() {
            return Err(Problem::new(
                Code::AlreadyResolved,
                "This decision was resolved while you had it open. Nothing of yours was recorded.",
            ));
        }
        if self.state == State::ChangesRequested {
            return Err(Problem::new(
                Code::InvalidTransition,
                "The AI system was asked for a change, so there is nothing to rule on until it answers.",
            ));
        }
        let against =
            |settling: Settling| verdict == Verdict::Reject && settling.outcome == ResolutionOutcome::Approved;
        if self.settling.is_some_and(|settling| !against(settling)) {
            return Err(Problem::new(
                Code::AlreadyResolved,
                "The reviews that it needed are in. Unless one is taken back, it is resolved within moments.",
            ));
        }
        if now >= self.due_at && self.on_timeout == OnTimeout::Deny && self.settling.is_none() {
            return Err(Problem::new(
                Code::AlreadyResolved,
                "The time for this decision has run out; the AI system is told no.",
            ));
        }
        if self.editor == Some(person) {
            return Err(Problem::new(
                Code::FourEyes,
                "You edited this proposal, so you cannot rule on it: somebody else reviews what you wrote.",
            ));
        }
        if self.reviewed_by.contains(&person) {
            return Err(Problem::new(
                Code::AlreadyReviewed,
                "Your review of this round is recorded; one person counts once.",
            ));
        }
        self.stand_ins.admit((person, on_behalf), self.editor, &self.reviewed_by)
    }

    /// Tells whether so many rejections reject it.
    pub fn is_rejected_by(&self, rejections: u64) -> bool {
        rejections >= self.reject_threshold.max(1)
    }

    /// Returns what the reviews that stand decide, if they do.
    pub fn decided(&self) -> Option<ResolutionOutcome> {
        if self.is_rejected_by(self.rejections) {
            return Some(ResolutionOutcome::Rejected);
        }
        self.quorum.is_met(&self.approvals).then_some(ResolutionOutcome::Approved)
    }

    /// Returns before when somebody who puts it off has to come back; what keeps waiting may be put off beyond its time.
    pub fn defer_before(&self) -> Option<u64> {
        (self.on_timeout != OnTimeout::Wait).then_some(self.due_at)
    }

    fn defer(&self, follow_up: Option<u64>, now: u64) -> Result<Effected, Problem> {
        let detail = match follow_up {
            None => "Say when you come back to it.",
            Some(until) if until <= now => "Give a time that is still to come.",
            Some(until) if self.defer_before().is_some_and(|end| until >= end) => {
                "It is due before that. Give an earlier time, or hand it to somebody else."
            }
            Some(until) => return Ok(Effected::Deferred { until }),
        };
        let errors = vec![FieldError::new("/follow_up", "wrong_kind", detail)];
        Err(Problem::fields(Code::InvalidContent, "Putting it off needs a time to come back.", errors))
    }

    /// Tells whether an editor's own approval of what they wrote is enough: at low risk, where one approval is asked
    /// for that they may give, and no signature.
    pub fn editor_counts(&self, editor: Approval, signed: bool) -> bool {
        self.risk == Risk::Low && self.quorum.need() == 1 && self.quorum.is_met(&[editor]) && !signed
    }

    /// Rules on other content by the AI system, which answers a request for changes.
    ///
    /// # Errors
    ///
    /// `invalid_transition` where no change was asked for, `already_resolved` after the deadline.
    pub fn revise(&self, now: u64) -> Result<(), Problem> {
        if self.state != State::ChangesRequested {
            let detail = match self.state.is_open() {
                true => {
                    "A revision answers a request for changes, and none is open. Wait for the reviewers, or withdraw \
                     and propose anew."
                }
                false => "The decision is resolved. GET it for the resolution; other content is a new decision.",
            };
            return Err(Problem::new(Code::InvalidTransition, detail));
        }
        match self.expire(now) {
            Some(_) => Err(Problem::new(Code::AlreadyResolved, "The deadline has passed, and silence means no.")),
            None => Ok(()),
        }
    }

    /// Rules on the AI system taking its proposal back.
    ///
    /// # Errors
    ///
    /// `already_resolved` once the decision has its resolution or its time has run out.
    pub fn withdraw(&self, now: u64) -> Result<(), Problem> {
        match self.state.is_open() && self.expire(now).is_none() {
            true => Ok(()),
            false => Err(Problem::new(
                Code::AlreadyResolved,
                "The decision was resolved before it could be withdrawn. GET it for the resolution.",
            )),
        }
    }

    /// Rules on taking a review back.
    ///
    /// # Errors
    ///
    /// `invalid_transition` once the decision has its resolution and for what took effect or ended by itself,
    /// `forbidden` for anybody but the review's author.
    pub fn retract(&self, author: PersonId, verdict: Verdict, person: PersonId) -> Result<(), Problem> {
        if author != person {
            return Err(Problem::new(Code::Forbidden, "Only who gave a review takes it back."));
        }
        if !verdict.is_retractable() {
            return Err(Problem::new(
                Code::InvalidTransition,
                "Approvals, rejections, abstentions and requests for changes are taken back: this one has had its effect.",
            ));
        }
        if !self.state.is_open() {
            return Err(Problem::new(
                Code::InvalidTransition,
                "It is resolved, so this review can no longer be taken back. A senior approver can revoke an approval.",
            ));
        }
        Ok(())
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
        self.state.is_open() && self.settling.is_none() && now >= self.due_at
    }
}

#[cfg(test)]
mod tests {
    use countersign_ledger::hash::Hash;
    use uuid::Uuid;

    use super::*;
    use crate::{policy::Seat, role::Role};

    #[test]
    fn a_reason_code_says_no_opposite_of_its_verdict() {
        for (code, verdict) in [
            (ReasonCode::AgainstPolicy, Verdict::Approve),
            (ReasonCode::WrongParameters, Verdict::Approve),
            (ReasonCode::WithinPolicy, Verdict::Reject),
        ] {
            let refused = code.check(verdict).unwrap_err();
            assert_eq!((refused.pointer.as_str(), refused.detail.contains(verdict.label())), ("/code", true));
        }
        for verdict in Verdict::ALL.iter().copied() {
            assert_eq!(ReasonCode::Other.check(verdict), Ok(()));
            let fits = ReasonCode::CHOICES.iter().filter(|code| code.check(verdict).is_ok()).count();
            assert!(fits >= 3, "{verdict:?}");
        }
        assert_eq!(ReasonCode::WrongParameters.check(Verdict::ApproveWithEdits), Ok(()));
    }

    #[test]
    fn one_rejection_outweighs_approvals() {
        let mut decision = open(3);
        decision.approvals = vec![person(1), person(2)];

        let effect = rule(&decision, person(3), Verdict::Reject);

        assert_eq!(effect, Ok(Effected::Decided(ResolutionOutcome::Rejected)));
    }

    #[test]
    fn as_many_rejections_as_the_row_asks_for_reject_and_fewer_stand_against_nothing() {
        let mut decision = open(2);
        decision.reject_threshold = 2;
        decision.approvals = vec![person(1)];

        assert_eq!(rule(&decision, person(2), Verdict::Reject), Ok(Effected::Waiting));
        decision.rejections = 1;
        assert_eq!(decision.decided(), None);
        assert_eq!(rule(&decision, person(3), Verdict::Approve), Ok(Effected::Decided(ResolutionOutcome::Approved)));
        assert_eq!(rule(&decision, person(3), Verdict::Reject), Ok(Effected::Decided(ResolutionOutcome::Rejected)));

        decision.settling = Some(Settling { outcome: ResolutionOutcome::Approved, until: 2_000 });
        decision.rejections = 0;
        assert_eq!(rule(&decision, person(3), Verdict::Reject), Ok(Effected::Waiting), "it settles on");
        decision.rejections = 2;
        decision.approvals = vec![person(1), person(2)];
        assert_eq!(decision.decided(), Some(ResolutionOutcome::Rejected), "whatever approves it");
    }

    #[test]
    fn the_last_missing_approval_decides() {
        let mut decision = open(2);

        assert_eq!(rule(&decision, person(1), Verdict::Approve), Ok(Effected::Waiting));
        decision.approvals.push(person(1));
        decision.reviewed_by.push(person(1).person);
        assert_eq!(rule(&decision, person(2), Verdict::Approve), Ok(Effected::Decided(ResolutionOutcome::Approved)));
    }

    #[test]
    fn one_person_counts_once() {
        let mut decision = open(2);
        decision.reviewed_by = vec![person(1).person];

        for verdict in Verdict::ALL {
            assert_eq!(rule(&decision, person(1), *verdict).unwrap_err().code, Code::AlreadyReviewed);
        }
    }

    #[test]
    fn changed_content_and_late_reviews_are_refused() {
        let decision = open(1);
        let ruling = Ruling { reviewer: person(1), on_behalf: None, verdict: Verdict::Approve, follow_up: None };

        let stale = decision.review(ruling, &Hash([2; 32]), 0).unwrap_err();
        let late = decision.review(ruling, &Hash([1; 32]), 1_000).unwrap_err();

        assert_eq!(stale.code, Code::Stale);
        assert_eq!(late.code, Code::AlreadyResolved);
    }

    #[test]
    fn what_settles_takes_a_rejection_and_nothing_else() {
        let mut decision = open(1);
        decision.state = State::Settling;
        decision.settling = Some(Settling { outcome: ResolutionOutcome::Approved, until: 2_000 });

        for verdict in Verdict::ALL.iter().filter(|verdict| **verdict != Verdict::Reject) {
            assert_eq!(rule(&decision, person(2), *verdict).unwrap_err().code, Code::AlreadyResolved, "{verdict:?}");
        }
        assert_eq!(rule(&decision, person(2), Verdict::Reject), Ok(Effected::Decided(ResolutionOutcome::Rejected)));
        assert_eq!(decision.expire(1_500), None, "people decided before the deadline");

        decision.settling = Some(Settling { outcome: ResolutionOutcome::Rejected, until: 2_000 });
        assert_eq!(rule(&decision, person(2), Verdict::Reject).unwrap_err().code, Code::AlreadyResolved);
    }

    #[test]
    fn a_review_is_taken_back_by_its_author_before_the_end() {
        let mut decision = open(1);
        let (author, other) = (person(1).person, person(2).person);

        let retract = |decision: &Decision, verdict, person| decision.retract(author, verdict, person);
        assert_eq!(retract(&decision, Verdict::Approve, author), Ok(()));
        assert_eq!(retract(&decision, Verdict::Abstain, author), Ok(()));
        assert_eq!(retract(&decision, Verdict::Approve, other).unwrap_err().code, Code::Forbidden);
        assert_eq!(retract(&decision, Verdict::Escalate, author).unwrap_err().code, Code::InvalidTransition);
        decision.state = State::Resolved;
        assert_eq!(retract(&decision, Verdict::Approve, author).unwrap_err().code, Code::InvalidTransition);
    }

    #[test]
    fn who_defers_comes_back_before_the_deadline() {
        let mut decision = open(1);
        let defer = |decision: &Decision, follow_up| {
            let ruling = Ruling { reviewer: person(1), on_behalf: None, verdict: Verdict::Defer, follow_up };
            decision.review(ruling, &Hash([1; 32]), 100)
        };

        assert_eq!(defer(&decision, Some(999)), Ok(Effected::Deferred { until: 999 }));
        for wrong in [None, Some(100), Some(1_000)] {
            assert_eq!(defer(&decision, wrong).unwrap_err().code, Code::InvalidContent, "{wrong:?}");
        }
        decision.on_timeout = OnTimeout::Wait;
        assert_eq!(defer(&decision, Some(5_000)), Ok(Effected::Deferred { until: 5_000 }));
    }

    #[test]
    fn nobody_escalates_to_who_has_it_and_nothing_is_ruled_on_while_it_changes() {
        let mut decision = open(1);

        assert_eq!(rule(&decision, person(1), Verdict::Escalate), Ok(Effected::Escalated));
        decision.with_seniors = true;
        assert_eq!(rule(&decision, person(1), Verdict::Escalate).unwrap_err().code, Code::InvalidTransition);
        decision.state = State::ChangesRequested;
        assert_eq!(rule(&decision, person(1), Verdict::Approve).unwrap_err().code, Code::InvalidTransition);
    }

    #[test]
    fn an_editor_rules_on_nothing_they_wrote() {
        let mut decision = open(1);
        decision.editor = Some(person(1).person);

        for verdict in Verdict::ALL {
            assert_eq!(rule(&decision, person(1), *verdict).unwrap_err().code, Code::FourEyes, "{verdict:?}");
        }
        assert_eq!(rule(&decision, person(2), Verdict::Approve), Ok(Effected::Decided(ResolutionOutcome::Approved)));
    }

    /// Proves that nobody is two people: whose part the one had, or who is tied to them, the other has no second one.
    #[test]
    fn of_delegator_and_delegate_one_counts() {
        let [ana, ben, cid] = [1, 2, 3].map(|number| person(number).person);
        let admits = |decision: &Decision, who, on_behalf| {
            decision.admits((who, on_behalf), Verdict::Approve, 0).map_err(|problem| problem.code)
        };
        let mut decision = open(2);
        assert_eq!(admits(&decision, ana, Some(ben)), Ok(()));

        // Ana ruled in Ben's place.
        decision.reviewed_by = vec![ana];
        decision.stand_ins = StandIns { ruled_for: vec![ben], ..StandIns::default() };
        assert_eq!(admits(&decision, ana, None), Err(Code::AlreadyReviewed));
        assert_eq!(admits(&decision, ana, Some(cid)), Err(Code::AlreadyReviewed));
        assert_eq!(admits(&decision, ben, None), Err(Code::FourEyes));
        assert_eq!(admits(&decision, cid, Some(ben)), Err(Code::FourEyes));
        assert_eq!(admits(&decision, ben, Some(cid)), Err(Code::FourEyes));
        assert_eq!(admits(&decision, cid, None), Ok(()));

        // Ben ruled himself; Ana stands in for him, and ruled on nothing.
        decision.reviewed_by = vec![ben];
        decision.stand_ins = StandIns { counted: vec![ben], tied: vec![(ben, ana)], ..StandIns::default() };
        assert_eq!(admits(&decision, ana, Some(ben)), Err(Code::FourEyes));
        assert_eq!(admits(&decision, ana, None), Err(Code::FourEyes));
        assert_eq!(admits(&decision, cid, None), Ok(()));
        decision.reviewed_by = vec![ana];
        decision.stand_ins = StandIns { counted: vec![ana], tied: vec![(ben, ana)], ..StandIns::default() };
        assert_eq!(admits(&decision, ben, None), Err(Code::FourEyes));
        decision.stand_ins.counted.clear();
        assert_eq!(admits(&decision, ben, None), Ok(()), "who only abstained counts for nobody");

        // What was written in somebody's place is theirs too.
        let mut edited = open(1);
        edited.editor = Some(ana);
        edited.stand_ins.edited_for = Some(ben);
        assert_eq!(admits(&edited, ben, None), Err(Code::FourEyes));
        assert_eq!(admits(&edited, cid, Some(ben)), Err(Code::FourEyes));
        assert_eq!(admits(&edited, cid, Some(ana)), Err(Code::FourEyes));
        assert_eq!(admits(&edited, cid, None), Ok(()));
    }

    #[test]
    fn an_editors_own_approval_is_enough_at_low_risk_where_one_is_asked_for() {
        let mut decision = open(1);
        let senior = Approval { senior: true, ..person(1) };

        assert!(!decision.editor_counts(person(1), false), "at medium risk");
        decision.risk = Risk::Low;
        assert!(decision.editor_counts(person(1), false));
        assert!(!decision.editor_counts(person(1), true), "where a signature is asked for");
        decision.quorum = Quorum::together(vec![Seat { need: 1, role: Role::SeniorApprover }]);
        assert!(!decision.editor_counts(person(1), false), "on the seat of a senior approver");
        assert!(decision.editor_counts(senior, false));
        decision.quorum = Quorum::together(vec![Seat { need: 2, role: Role::Approver }]);
        assert!(!decision.editor_counts(senior, false), "where two are asked for");
    }

    #[test]
    fn an_agent_revises_where_it_was_asked_to_and_withdraws_what_is_open() {
        let mut decision = open(1);
        let code = |result: Result<(), Problem>| result.err().map(|problem| problem.code);

        for state in State::ALL {
            decision.state = *state;
            let revised = (*state != State::ChangesRequested).then_some(Code::InvalidTransition);
            assert_eq!(code(decision.revise(0)), revised, "{state:?}");
            let withdrawn = (!state.is_open()).then_some(Code::AlreadyResolved);
            assert_eq!(code(decision.withdraw(0)), withdrawn, "{state:?}");
        }
        decision.state = State::ChangesRequested;
        assert_eq!(code(decision.revise(1_000)), Some(Code::AlreadyResolved));
        assert_eq!(code(decision.withdraw(1_000)), Some(Code::AlreadyResolved));
        decision.on_timeout = OnTimeout::Wait;
        assert_eq!(code(decision.revise(1_000)), None);
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
        let ruled = |verdict, senior| rule(&decision, Approval { senior, ..person(1) }, verdict);

        assert_eq!(ruled(Verdict::Approve, false).unwrap_err().code, Code::Forbidden);
        assert_eq!(ruled(Verdict::Approve, true), Ok(Effected::Decided(ResolutionOutcome::Approved)));
        assert_eq!(ruled(Verdict::Reject, false), Ok(Effected::Decided(ResolutionOutcome::Rejected)));
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
            reject_threshold: 1,
            due_at: 1_000,
            on_timeout: OnTimeout::Deny,
            settling: None,
            risk: Risk::Medium,
            editor: None,
            with_seniors: false,
            approvals: Vec::new(),
            rejections: 0,
            reviewed_by: Vec::new(),
            stand_ins: StandIns::default(),
        }
    }

    fn rule(decision: &Decision, reviewer: Approval, verdict: Verdict) -> Result<Effected, Problem> {
        decision.review(Ruling { reviewer, on_behalf: None, verdict, follow_up: None }, &Hash([1; 32]), 0)
    }

    fn person(number: u8) -> Approval {
        Approval { person: PersonId(Uuid::from_bytes([number; 16])), senior: false }
    }
}
