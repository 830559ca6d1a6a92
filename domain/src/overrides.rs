//! Deciding against the policy: what a rule refused is released by one person, and another one looks at that afterwards.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{ReasonCode, ResolutionOutcome, words},
    ids::{DecisionId, EntryId, PolicyVersionId, PresentationId},
    problem::{Code, Problem},
    view::Seal,
};

/// How long another person has to look at it, in milliseconds.
pub const POST_REVIEW_MS: u64 = 72 * 60 * 60 * 1_000;

words! {
    /// What another person looks at afterwards.
    PostReviewKind {
        /// What a rule refused was released.
        Override "override"
        /// An approval was taken back.
        Revocation "revocation"
        /// A local account was used past the sign-in providers.
        BreakGlass "break_glass"
    }
}

words! {
    /// What the other person says.
    PostReviewResult {
        /// It was right.
        Upheld "upheld"
        /// It was not.
        NotUpheld "not_upheld"
    }
}

/// What stands of a decision, as far as an override asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Nothing has resolved it.
    Open,
    /// A rule did, and no person.
    ByRule(ResolutionOutcome),
    /// A pause of its system did.
    ByPause,
    /// A rule refused it, and a person released it.
    Overridden,
    /// People, a deadline or the AI system itself did; or an approval was taken back.
    Otherwise(ResolutionOutcome),
}

/// Rules on releasing a decision: only a rule's refusal is overridden, and once.
///
/// # Errors
///
/// `invalid_transition` for everything else, with what to do instead.
pub fn release(stands: Stands) -> Result<(), Problem> {
    let detail = match stands {
        Stands::ByRule(ResolutionOutcome::Rejected) => return Ok(()),
        Stands::Open => "This decision is not resolved, so there is nothing to override. Review it instead.",
        Stands::ByRule(_) => {
            "A rule approved this decision, so there is nothing to release. Revoke the approval to stop it."
        }
        Stands::ByPause => {
            "This decision was rejected because its AI system was paused, and a pause is not overridden. Once the system \
             is resumed, it may propose it anew."
        }
        Stands::Overridden => "This decision is released already; read below by whom and why.",
        Stands::Otherwise(ResolutionOutcome::Rejected) => {
            "People rejected this decision, and nobody overrides people. A second look is a new decision."
        }
        Stands::Otherwise(ResolutionOutcome::Expired) => {
            "This decision expired, and nobody overrides a deadline. A second look is a new decision."
        }
        Stands::Otherwise(ResolutionOutcome::Revoked) => {
            "Its approval was revoked, and nobody overrides that. A second look is a new decision."
        }
        Stands::Otherwise(ResolutionOutcome::Withdrawn) => {
            "The AI system took this decision back, so there is nothing to release."
        }
        Stands::Otherwise(ResolutionOutcome::Approved) => "This decision is approved, so there is nothing to release.",
    };
    Err(Problem::new(Code::InvalidTransition, detail))
}

/// Says that a guard forbids it, by name.
pub fn guarded(id: &str, says: &str) -> Problem {
    let mut problem = Problem::new(
        Code::GuardAbsolute,
        format!("The guard {id} is absolute, so nobody overrides it: {says} A second look is a new decision."),
    );
    problem.policies.push(id.to_owned());
    problem
}

/// Says that somebody has to look at an earlier act first.
pub fn overdue(kind: PostReviewKind, decision: Option<DecisionId>) -> Problem {
    let what = match (kind, decision) {
        (PostReviewKind::Override, Some(id)) => format!("your override of decision {id}"),
        (PostReviewKind::Revocation, Some(id)) => format!("your revocation of decision {id}"),
        _ => "your emergency sign-in".to_owned(),
    };
    Problem::new(
        Code::PostReviewOverdue,
        format!(
            "Nobody has looked at {what} within 72 hours. Ask somebody who may, under Post-reviews; until then you override \
             nothing else."
        ),
    )
}

/// Says by which rule and version a decision had been refused that was released.
pub fn label(rule: &str, version: u64) -> String {
    format!("Released by override of rule {rule}, version {version}")
}

/// A release against a rule, as the page of its decision shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// "Released by override of rule refund-large, version 3".
    pub label: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: u64,
    /// Why, in one word.
    pub code: ReasonCode,
    /// Why, in full.
    pub reason: String,
    /// Its seal.
    pub seal: Seal,
    /// When the agent read that it is approved.
    pub told_at: Option<u64>,
}

/// Where a person can release what a rule refused, or why they cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Overriding {
    /// The form, for exactly what is shown.
    Open {
        /// What was shown; used up by the act.
        presentation: PresentationId,
        /// When the form is too old.
        expires_at: u64,
        /// The resolution that it overrides.
        resolution: EntryId,
        /// The policy version in force.
        policy: PolicyVersionId,
    },
    /// No form.
    Closed {
        /// Why, and who can help.
        reason: String,
    },
}

/// One act that another person looks at afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostReview {
    /// The entry of the act, which names it.
    pub act: EntryId,
    /// What it is.
    pub kind: PostReviewKind,
    /// The decision that it is about; a sign-in is about none.
    pub decision: Option<(DecisionId, String)>,
    /// Who acted.
    pub by: String,
    /// Why, in full.
    pub reason: String,
    /// When.
    pub at: u64,
    /// Until when another person looks at it.
    pub due_at: u64,
    /// What they said.
    pub given: Option<PostReviewed>,
    /// Why the reader is not the one to look at it; nothing where they may.
    pub barred: Option<String>,
}

impl PostReview {
    /// Tells whether nobody looked at it in time.
    pub fn is_overdue(&self, now: u64) -> bool {
        self.given.is_none() && now >= self.due_at
    }
}

/// What the other person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostReviewed {
    /// Who.
    pub by: String,
    /// When.
    pub at: u64,
    /// Whether it was right.
    pub result: PostReviewResult,
    /// Why.
    pub reason: String,
    /// Its seal.
    pub seal: Seal,
    /// The approval that the act gave still stands, so that it can be taken back.
    pub revocable: bool,
}

/// What people look at afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostReviewsView {
    /// What waits, by its time.
    pub waiting: Vec<PostReview>,
    /// What was looked at, the latest first.
    pub given: Vec<PostReview>,
    /// Server time.
    pub now: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_rule_refused_is_released() {
        assert_eq!(release(Stands::ByRule(ResolutionOutcome::Rejected)), Ok(()));
        let others = ResolutionOutcome::ALL.iter().map(|outcome| Stands::Otherwise(*outcome));
        let refused = [Stands::Open, Stands::ByPause, Stands::Overridden, Stands::ByRule(ResolutionOutcome::Approved)];
        for stands in others.chain(refused) {
            let problem = release(stands).unwrap_err();
            assert_eq!((problem.code, problem.code.status()), (Code::InvalidTransition, 409), "{stands:?}");
        }
    }

    #[test]
    fn a_guard_is_named_and_so_is_what_is_overdue() {
        let guard = guarded("guard_irreversible", "What cannot be undone is never approved by a rule.");
        let id: DecisionId = uuid::Uuid::from_u128(7).into();

        assert_eq!((guard.code.status(), guard.policies.as_slice()), (403, &["guard_irreversible".to_owned()][..]));
        assert!(guard.detail.contains("guard_irreversible"));
        let late = overdue(PostReviewKind::Override, Some(id));
        assert_eq!((late.code.word(), late.code.status()), ("post_review_overdue", 403));
        assert!(late.detail.contains(&id.to_string()));
        assert!(overdue(PostReviewKind::BreakGlass, None).detail.contains("emergency sign-in"));
    }
}
