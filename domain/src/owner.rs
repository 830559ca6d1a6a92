//! Owners: who answers for an AI system. They review nothing that it proposes, and what it is asked to change is theirs.

use serde::{Deserialize, Serialize};

use crate::ids::{EntryId, PersonId};

/// The owner of a system, as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownOwner {
    /// Who.
    pub person: PersonId,
    /// By name, or "erased".
    pub name: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub since: u64,
    /// The entry that named them.
    pub entry: EntryId,
}

/// The owner of a decision's system, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionOwner {
    /// By name, or "erased".
    pub name: String,
    /// It is who reads this.
    pub own: bool,
}

/// Says whose it is to have a change made that a reviewer asked for.
pub fn asked_for_change(owner: Option<&DecisionOwner>) -> String {
    let whose = match owner {
        Some(DecisionOwner { own: true, .. }) => " You own it, so seeing to its answer is yours.".to_owned(),
        Some(DecisionOwner { name, .. }) => format!(" {name} owns it and sees to its answer."),
        None => String::new(),
    };
    format!("The AI system was asked for a change.{whose} It is ruled on again when its answer is in.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_the_change_is_stands_in_the_sentence() {
        let owner = |own| DecisionOwner { name: "Ada".into(), own };

        assert!(asked_for_change(Some(&owner(false))).contains("Ada owns it"));
        assert!(asked_for_change(Some(&owner(true))).contains("You own it"));
        assert_eq!(
            asked_for_change(None),
            "The AI system was asked for a change. It is ruled on again when its answer is in."
        );
    }
}
