//! D6, of who answers for a system: no review counts whose author owned the system that proposed it.
//!
//! Who owns a system stands in its own history. A review is held to it twice: where it was given, and where it is
//! counted, so that nobody decides by what they said before they became the owner.

use std::collections::HashMap;

use super::{Act, Numbered, findings::Findings, number, pauses::ALONE};

#[derive(Default)]
pub(super) struct Owners {
    /// The owner of each system that has one.
    owners: HashMap<u128, u128>,
    named: u64,
    decisions: HashMap<u128, Proposal>,
}

/// An open decision.
struct Proposal {
    system: u128,
    /// Its reviews, each with who gave it and in whose place; those of a team of one are not held to this.
    reviews: HashMap<u128, (u128, Option<u128>)>,
}

impl Owners {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, findings: &mut Findings) {
        let (Some((object, id, Numbered::Act(_))), true) = (act.object, understood) else { return };
        match (object, act.leaf.kind.as_str()) {
            ("system", "system.owner_named") => {
                self.named += 1;
                match act.text("owner").map(number) {
                    Some(owner) => self.owners.insert(id, owner),
                    None => self.owners.remove(&id),
                };
            }
            ("decision", "decision.proposed") => {
                let system = act.sid.unwrap_or(0);
                self.decisions.entry(id).or_insert(Proposal { system, reviews: HashMap::new() });
            }
            ("decision", "decision.reviewed") => self.review(act, id, findings),
            ("decision", "decision.resolved") => self.resolve(act, id, findings),
            _ => {}
        }
    }

    /// Says how often an owner was named, if ever.
    pub(super) fn summary(&self) -> Option<String> {
        (self.named > 0).then(|| format!("owners named {} times, none of whom reviewed what they own", self.named))
    }

    fn review(&mut self, act: &Act<'_>, id: u128, findings: &mut Findings) {
        let Some(proposal) = self.decisions.get_mut(&id) else { return };
        let alone = act.leaf.authz.as_ref().is_some_and(|authz| authz.ids.iter().any(|id| id == ALONE));
        if alone {
            return;
        }
        let people = (act.sid.unwrap_or(0), act.leaf.actor.for_.as_deref().map(number));
        proposal.reviews.insert(act.id, people);
        let Some(owner) = self.owners.get(&proposal.system) else { return };
        if people.0 == *owner {
            findings.fail("D6", act.index, "its reviewer owned the AI system that proposed it".to_owned());
        }
        if people.1 == Some(*owner) {
            let detail = "in whose place it was given, owned the AI system that proposed it".to_owned();
            findings.fail("D6", act.index, detail);
        }
    }

    fn resolve(&mut self, act: &Act<'_>, id: u128, findings: &mut Findings) {
        let Some(proposal) = self.decisions.remove(&id) else { return };
        let Some(owner) = self.owners.get(&proposal.system) else { return };
        let counted = act.member("reviews").and_then(|reviews| reviews.as_array()).unwrap_or_default();
        let mut counted = counted.iter().filter_map(|review| review.as_text()).map(number);
        let is_theirs = |review: u128| {
            proposal.reviews.get(&review).is_some_and(|(person, for_)| person == owner || for_.as_ref() == Some(owner))
        };
        if counted.any(is_theirs) {
            findings.fail("D6", act.index, "it counts a review of who owns the AI system by then".to_owned());
        }
    }
}
