//! Turn: who has to do the next thing about a decision, since when, and why. Agents never have one.

use serde::{Deserialize, Serialize};

use crate::decision::words;

words! {
    /// Who has the turn.
    TurnOf {
        /// Approvers and senior approvers of the AI system and type.
        Approvers "approvers"
        /// Its senior approvers only.
        SeniorApprovers "senior_approvers"
        /// Whoever owns the AI system.
        Owner "owner"
    }
}

words! {
    /// Why they have it.
    TurnWhy {
        /// The policy says so.
        Routed "routed"
        /// The deadline passed.
        Deadline "deadline"
        /// A reviewer handed it up.
        Escalated "escalated"
        /// A reviewer asked for a change.
        ChangesRequested "changes_requested"
    }
}

/// The turn of a decision, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownTurn {
    /// Who has it.
    pub of: TurnOf,
    /// Since when, in milliseconds since 1970 UTC.
    pub since: u64,
    /// Why.
    pub why: TurnWhy,
    /// Who handed it over by a review, by name, or "erased".
    pub by: Option<String>,
}

impl ShownTurn {
    /// Says who has it and why, such as "Senior approvers: approver-a escalated it".
    pub fn words(&self, system: &str) -> String {
        let of = match self.of {
            TurnOf::Approvers => format!("Approvers and senior approvers of {system}"),
            TurnOf::SeniorApprovers => format!("Senior approvers of {system}"),
            TurnOf::Owner => format!("Who owns {system}"),
        };
        let by = self.by.as_deref().unwrap_or("a reviewer");
        match self.why {
            TurnWhy::Routed => of,
            TurnWhy::Deadline => format!("{of}, because the deadline passed"),
            TurnWhy::Escalated => format!("{of}, because {by} escalated it"),
            TurnWhy::ChangesRequested => format!("{of}, because {by} asked for a change"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_is_said_with_what_handed_it_over() {
        let turn = |of, why, by: Option<&str>| ShownTurn { of, since: 0, why, by: by.map(str::to_owned) };

        let routed = turn(TurnOf::Approvers, TurnWhy::Routed, None);
        assert_eq!(routed.words("refund-agent"), "Approvers and senior approvers of refund-agent");
        let late = turn(TurnOf::SeniorApprovers, TurnWhy::Deadline, None);
        assert_eq!(late.words("refund-agent"), "Senior approvers of refund-agent, because the deadline passed");
        let handed = turn(TurnOf::SeniorApprovers, TurnWhy::Escalated, Some("Ben"));
        assert_eq!(handed.words("refund-agent"), "Senior approvers of refund-agent, because Ben escalated it");
        let asked = turn(TurnOf::Owner, TurnWhy::ChangesRequested, Some("Ben"));
        assert_eq!(asked.words("refund-agent"), "Who owns refund-agent, because Ben asked for a change");
    }
}
