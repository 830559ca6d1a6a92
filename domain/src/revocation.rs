//! Taking an approval back: before its action ran, that stops it; afterwards, somebody makes good what it did.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, words},
    problem::{Code, Problem},
    view::Seal,
};

words! {
    /// Whether what a revoked action did was made good.
    Compensation {
        /// Somebody has to see to it.
        Open "open"
        /// It was made good.
        Done "done"
        /// It cannot be.
        NotPossible "not_possible"
    }
}

/// Tells whether a report leaves an effect behind that a revocation has to make good.
pub const fn has_effect(result: OutcomeResult, effect: Effect) -> bool {
    matches!(result, OutcomeResult::Executed | OutcomeResult::Failed) && !matches!(effect, Effect::None)
}

/// Tells whether reports, oldest first, leave something to make good: an effect that was not undone after it.
pub fn leaves_effect(reports: impl IntoIterator<Item = (OutcomeResult, Effect)>) -> bool {
    reports.into_iter().fold(false, |left, (result, effect)| match result {
        OutcomeResult::Compensated => false,
        _ => left || has_effect(result, effect),
    })
}

/// Rules on taking an approval back; `outcome` is the resolution as it stands, revocation included.
///
/// # Errors
///
/// `invalid_transition` for what was never approved, or is revoked already.
pub fn revoke(outcome: Option<ResolutionOutcome>) -> Result<(), Problem> {
    let detail = match outcome {
        Some(ResolutionOutcome::Approved) => return Ok(()),
        Some(ResolutionOutcome::Revoked) => "This approval is revoked already; read below by whom and why.",
        Some(_) => {
            "This decision was never approved, so there is nothing to revoke. The AI system was told not to act."
        }
        None => "This decision is not resolved, so there is nothing to revoke. Reject it instead.",
    };
    Err(Problem::new(Code::InvalidTransition, detail))
}

/// An approval that was taken back, as the page of its decision shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
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
    /// When the agent read that it is revoked, after it was told the approval.
    pub told_at: Option<u64>,
    /// What becomes of what the action did; absent where it did nothing.
    pub compensation: Option<CompensationSection>,
}

/// What becomes of what a revoked action did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompensationSection {
    /// Where that stands.
    pub state: Compensation,
    /// Who said so last, and what; absent while it is open.
    pub said: Option<Said>,
}

/// What somebody said was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    pub by: String,
    /// When.
    pub at: u64,
    /// What was done, or why nothing can be.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_approval_is_revoked_and_once() {
        assert_eq!(revoke(Some(ResolutionOutcome::Approved)), Ok(()));
        for outcome in ResolutionOutcome::ALL.iter().filter(|outcome| **outcome != ResolutionOutcome::Approved) {
            assert_eq!(revoke(Some(*outcome)).unwrap_err().code, Code::InvalidTransition, "{outcome:?}");
        }
        assert_eq!(revoke(None).unwrap_err().code.status(), 409);
    }

    #[test]
    fn what_ran_or_may_have_run_is_to_be_made_good_until_it_was_undone() {
        use OutcomeResult::{Compensated, Executed, Failed, NotExecuted};
        let left = |reports: &[(OutcomeResult, Effect)]| leaves_effect(reports.iter().copied());

        assert!(left(&[(Executed, Effect::Full)]) && left(&[(Failed, Effect::Unknown)]));
        assert!(!left(&[]) && !left(&[(NotExecuted, Effect::None)]) && !left(&[(Failed, Effect::None)]));
        assert!(!left(&[(Executed, Effect::Full), (Compensated, Effect::Full)]));
        assert!(left(&[(Compensated, Effect::Full), (Executed, Effect::Partial)]), "it ran again");
        assert!(left(&[(Executed, Effect::Full), (NotExecuted, Effect::None)]), "reports that contradict each other");
    }
}
