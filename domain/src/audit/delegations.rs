//! D6, of delegations: who reviewed in somebody's place had been given it, what was given runs and reaches the system, the
//! delegator could review it themselves at that moment, nothing is passed on, and nobody has two parts in one decision.
//!
//! Types, risks and amounts of a scope are not judged: the log has no names of types and no amounts in clear.

use std::collections::HashMap;

use countersign_ledger::value::Value;

use super::{
    Act, Numbered,
    findings::Findings,
    number,
    people::{People, Unfit},
};
use crate::decision::Verdict;

/// How far the clock that judged an end may differ from the entry's, in milliseconds.
const CLOCK_SLACK_MS: u64 = 30_000;

#[derive(Default)]
pub(super) struct Delegations {
    /// By the entry that gave each.
    given: HashMap<u128, Given>,
    used: u64,
    decisions: HashMap<u128, Round>,
}

struct Given {
    delegator: u128,
    delegate: u128,
    /// The systems that it covers; all of the delegator's when absent.
    systems: Option<Vec<u128>>,
    from: u64,
    until: u64,
    ended: bool,
}

/// What stands of the running round of a decision.
#[derive(Default)]
struct Round {
    system: u128,
    reviews: Vec<Review>,
    /// In whose place the running content was written.
    edited_for: Option<u128>,
}

struct Review {
    entry: u128,
    /// Who gave it, and in whose place.
    people: (u128, Option<u128>),
    verdict: Option<Verdict>,
    round: u64,
}

impl Delegations {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, people: &People, findings: &mut Findings) {
        if !understood {
            return;
        }
        match (act.leaf.kind.as_str(), act.object) {
            ("delegation.given", Some(("person", delegator, Numbered::Act(_)))) => self.give(act, delegator, findings),
            ("delegation.ended", Some(("person", delegator, Numbered::Act(_)))) => self.end(act, delegator, findings),
            (kind, Some(("decision", id, Numbered::Act(_)))) => self.decision(act, (kind, id), people, findings),
            _ => {}
        }
    }

    /// Says how many reviews were given in somebody's place, if any.
    pub(super) fn summary(&self) -> Option<String> {
        (self.used > 0).then(|| format!("{} in somebody's place, within what was given", self.used))
    }

    fn give(&mut self, act: &Act<'_>, delegator: u128, findings: &mut Findings) {
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        let systems = act.member("systems").and_then(Value::as_array);
        let given = Given {
            delegator,
            delegate: act.text("to").map_or(0, number),
            systems: systems.map(|listed| listed.iter().filter_map(Value::as_text).map(number).collect()),
            from: act.integer("from").unwrap_or(0),
            until: act.integer("until").unwrap_or(0),
            ended: false,
        };
        if act.sid != Some(delegator) {
            fail("somebody's right to review was given by another than them");
        }
        if given.delegate == delegator {
            fail("somebody gave their right to review to themselves");
        }
        if given.from >= given.until {
            fail("a delegation ends before it begins");
        }
        let at_once = |other: &&Given| {
            !other.ended && act.leaf.at < other.until && other.from < given.until && given.from < other.until
        };
        let chained = |other: &Given| other.delegate == delegator || other.delegator == given.delegate;
        if self.given.values().filter(at_once).any(chained) {
            fail("a right to review was passed on by somebody who has it from another");
        }
        self.given.insert(act.id, given);
    }

    fn end(&mut self, act: &Act<'_>, delegator: u128, findings: &mut Findings) {
        let given = act.text("delegation").map(number).and_then(|entry| self.given.get_mut(&entry));
        let Some(given) = given.filter(|given| given.delegator == delegator && !given.ended) else {
            return findings.fail("D6", act.index, "it ends a delegation that does not run".to_owned());
        };
        if act.sid != Some(given.delegator) && act.sid != Some(given.delegate) {
            let detail = "a delegation was ended by another than the two people".to_owned();
            findings.fail("D6", act.index, detail);
        }
        given.ended = true;
    }

    fn decision(&mut self, act: &Act<'_>, (kind, id): (&str, u128), people: &People, findings: &mut Findings) {
        match kind {
            "decision.proposed" => {
                self.decisions.insert(id, Round { system: act.sid.unwrap_or(0), ..Round::default() });
            }
            "decision.reviewed" => {
                let Some(round) = self.decisions.get(&id) else { return };
                let review = Review::read(act);
                if let Some(detail) = self.unfounded(act, &review, round.system, people) {
                    findings.fail("D6", act.index, detail);
                }
                if let Some(detail) = round.twice(&review).or_else(|| self.tied(act, &review, round)) {
                    findings.fail("D6", act.index, detail);
                }
                self.used += u64::from(review.people.1.is_some());
                self.decisions.entry(id).or_default().reviews.push(review);
            }
            "decision.review_retracted" | "decision.review_voided" => {
                let ended = act.text("review").map(number);
                let round = self.decisions.entry(id).or_default();
                round.reviews.retain(|review| Some(review.entry) != ended);
            }
            "decision.revised" => self.decisions.entry(id).or_default().edited_for = None,
            "decision.edited" => {
                self.decisions.entry(id).or_default().edited_for = act.leaf.actor.for_.as_deref().map(number);
            }
            "decision.resolved" => {
                self.decisions.remove(&id);
            }
            _ => {}
        }
    }

    /// Why a review in somebody's place has nothing to stand on, if it has not.
    fn unfounded(&self, act: &Act<'_>, review: &Review, system: u128, people: &People) -> Option<String> {
        let named = act.text("delegation").map(number);
        let (reviewer, Some(delegator)) = review.people else {
            return named.map(|_| "it names a delegation and nobody in whose place it was given".to_owned());
        };
        let Some(given) = named.and_then(|entry| self.given.get(&entry)) else {
            return Some("it was given in somebody's place, and names no delegation that was given".to_owned());
        };
        if (given.delegator, given.delegate) != (delegator, reviewer) {
            return Some("the delegation that it names is between other people".to_owned());
        }
        if given.ended {
            return Some("the delegation that it names was ended before".to_owned());
        }
        let at = act.leaf.at;
        if at < given.from || at >= given.until.saturating_add(CLOCK_SLACK_MS) {
            return Some("the delegation that it names did not run then".to_owned());
        }
        if given.systems.as_ref().is_some_and(|systems| !systems.contains(&system)) {
            return Some("the delegation that it names does not cover this AI system".to_owned());
        }
        let authority = act
            .member("for_authority")
            .and_then(|authority| Some((authority.get("n")?.as_integer()?, authority.get("set")?.as_hash()?)));
        let Some((n, set)) = authority else {
            return Some("it does not say by what authority of the delegator it was given".to_owned());
        };
        match people.check_delegator(delegator, at, (n, &set), system) {
            Ok(()) | Err(Unfit::Unknown) => None,
            Err(Unfit::Wrong(detail)) => Some(format!("of who is acted for: {detail}")),
        }
    }

    /// Why delegator and delegate would both count, if they would.
    fn tied(&self, act: &Act<'_>, review: &Review, round: &Round) -> Option<String> {
        let at = act.leaf.at;
        let runs = |given: &&Given| {
            !given.ended
                // Somebody may have begun to stand in for another while the review was on its way.
                && given.from.saturating_add(CLOCK_SLACK_MS) <= at
                && at < given.until
                && given.systems.as_ref().is_none_or(|systems| systems.contains(&round.system))
        };
        let counts = |person: u128| {
            let of = |earlier: &&Review| earlier.round == review.round && earlier.is_of(person);
            round.reviews.iter().filter(of).any(|earlier| earlier.verdict.is_some_and(Verdict::counts))
        };
        let both = |given: &Given| {
            review.is_of(given.delegator) && counts(given.delegate)
                || review.is_of(given.delegate) && counts(given.delegator)
        };
        let detail = "who stands in for the other and the other have both reviewed it";
        self.given.values().filter(runs).any(both).then(|| detail.to_owned())
    }
}

impl Round {
    /// Why a review gives one person two parts, if it does.
    fn twice(&self, review: &Review) -> Option<String> {
        let (reviewer, delegator) = review.people;
        let before = |earlier: &&Review| earlier.round == review.round && earlier.verdict != Some(Verdict::Defer);
        let shares =
            |earlier: &Review| earlier.is_of(reviewer) || delegator.is_some_and(|delegator| earlier.is_of(delegator));
        // One person's two reviews are found where decisions are.
        let in_place = |earlier: &&Review| delegator.is_some() || earlier.people.1.is_some();
        if self.reviews.iter().filter(before).filter(in_place).any(shares) {
            return Some("a person has two parts in it, in their own right and in somebody's place".to_owned());
        }
        let wrote = self.edited_for.is_some_and(|person| review.is_of(person));
        wrote.then(|| "it rules on what was written in the same person's place".to_owned())
    }
}

impl Review {
    fn read(act: &Act<'_>) -> Self {
        Self {
            entry: act.id,
            people: (act.sid.unwrap_or(0), act.leaf.actor.for_.as_deref().map(number)),
            verdict: act.text("verdict").and_then(Verdict::from_word),
            round: act.integer("round").unwrap_or(0),
        }
    }

    fn is_of(&self, person: u128) -> bool {
        self.people.0 == person || self.people.1 == Some(person)
    }
}
