//! D6 and D7: from proposal to outcome, one decision at a time; and what a pause of its system asks of it (D9).

use std::collections::HashMap;

use countersign_ledger::{hash::Hash, leaf::ActorKind, value::Value};

use crate::{
    decision::{Asks, Effect, OutcomeResult, Risk, Verdict},
    policy::Route,
    revocation::has_effect,
};

use super::{
    Act, Numbered,
    findings::Findings,
    number,
    overrides::Refusal,
    pauses::Pauses,
    people::{People, Unfit},
    schema,
};

/// How far the deadline's clock may differ from the entry's, in milliseconds.
const CLOCK_SLACK_MS: u64 = 30_000;

#[derive(Default)]
pub(super) struct Decisions {
    decisions: HashMap<u128, Decision>,
    reviews: u64,
    resolutions: u64,
}

enum Decision {
    Open(Box<Open>),
    Resolved(Resolution),
    /// It has acts that this build does not understand, so nothing is said about it.
    Opaque,
}

struct Open {
    content: Option<Hash>,
    system: u128,
    /// The system was paused when it proposed this.
    paused: bool,
    routed: Option<Routed>,
    /// Who was shown what.
    seen: Vec<(u128, Hash)>,
    reviews: Vec<Review>,
    settling: Option<Settling>,
    /// The running round, from 1.
    round: u64,
    /// The tier that was sealed; absent where a revision may have changed it.
    tier: Option<String>,
    /// The review that asks the AI system for a change.
    asked: Option<u128>,
    /// Who wrote the running content, if a person did, and the review that says so.
    edit: Option<(u128, u128)>,
    /// The AI system took it back.
    withdrawn: bool,
}

/// What people decided, while a review may be taken back.
struct Settling {
    outcome: String,
    reviews: Vec<u128>,
    until: u64,
}

struct Routed {
    policy: u128,
    rule: u64,
    route: Route,
    need: u64,
    /// Rejections that reject it.
    reject_threshold: u64,
    due: u64,
}

struct Review {
    entry: u128,
    reviewer: u128,
    /// In whose place, where it was not in their own right.
    on_behalf: Option<u128>,
    verdict: Option<Verdict>,
    round: u64,
    /// The content that it puts in the place of what it rules on.
    edited: Option<Hash>,
    /// Neither taken back nor void.
    stands: bool,
}

struct Resolution {
    entry: u128,
    index: u64,
    system: u128,
    content: Option<Hash>,
    approved: bool,
    /// A person took the approval back; the resolution that says so follows or is this one.
    revoked: bool,
    /// A report says that the action ran, in part at least, or may have.
    effect: bool,
    /// A rule refused it, and no resolution says that somebody released it.
    refused: Option<Refusal>,
}

impl Decisions {
    pub(super) fn visit(
        &mut self,
        act: &Act<'_>,
        understood: bool,
        people: &People,
        pauses: &Pauses,
        findings: &mut Findings,
    ) {
        let Some(("decision", id, numbered)) = act.object else { return };
        let kind = act.leaf.kind.as_str();
        if !schema::is_known(kind) {
            if let Numbered::Act(_) = numbered {
                findings.notice("D6", act.index, format!("{kind} is not understood, so its decision is not judged"));
                self.decisions.insert(id, Decision::Opaque);
            }
            return;
        }
        if !understood || !kind.starts_with("decision.") {
            return;
        }
        let decision = self.decisions.get_mut(&id);
        if let (None, false) = (&decision, kind == "decision.proposed") {
            return findings.fail("D6", act.index, "its decision was not proposed before".to_owned());
        }
        match (kind, decision) {
            (_, Some(Decision::Opaque)) => {}
            ("decision.proposed", None) => {
                self.decisions.insert(id, Decision::Open(Box::new(Open::new(act, pauses))));
            }
            ("decision.routed", Some(Decision::Open(open))) => open.route(act, findings),
            ("decision.revised", Some(Decision::Open(open))) => open.revise(act, findings),
            ("decision.edited", Some(Decision::Open(open))) => open.edit(act, findings),
            ("decision.withdrawn", Some(Decision::Open(open))) => open.withdraw(act, findings),
            ("decision.escalated", Some(Decision::Open(open))) => open.escalate(act, findings),
            ("decision.viewed", Some(Decision::Open(open))) => open.show(act),
            ("decision.reviewed", Some(Decision::Open(open))) => {
                self.reviews += 1;
                open.review(act, people, findings);
            }
            ("decision.quorum_met", Some(Decision::Open(open))) => open.settle(act, findings),
            ("decision.review_retracted", Some(Decision::Open(open))) => open.retract(act, findings),
            ("decision.review_voided", Some(Decision::Open(open))) => open.void(act, findings),
            ("decision.resolved", Some(decision)) => {
                self.resolutions += 1;
                decision.resolve(act, pauses, findings);
            }
            ("decision.released", Some(Decision::Resolved(resolution))) => resolution.release(act, pauses, findings),
            ("decision.outcome_reported", Some(Decision::Resolved(resolution))) => resolution.report(act, findings),
            ("decision.revoked", Some(Decision::Resolved(resolution))) => resolution.revoke(act, people, findings),
            ("decision.compensated", Some(Decision::Resolved(resolution))) => resolution.compensate(act, findings),
            ("decision.overridden", Some(Decision::Resolved(resolution))) => {
                resolution.override_refusal(act, people, findings);
            }
            ("decision.viewed", Some(Decision::Resolved(resolution))) => {
                if let Some(refused) = &mut resolution.refused {
                    refused.show(act);
                }
            }
            // Held to one another elsewhere; neither decides anything.
            ("decision.leased" | "decision.lease_ended", Some(Decision::Open(_))) => {}
            ("decision.reminded", Some(Decision::Open(_))) => {
                if act.leaf.actor.as_ != ActorKind::Engine {
                    findings.fail("D6", act.index, "somebody reminded people of it, and not the deadline".to_owned());
                }
            }
            // It has no effect, before the resolution or after.
            ("decision.commented", Some(_)) => {}
            (
                "decision.released"
                | "decision.outcome_reported"
                | "decision.revoked"
                | "decision.compensated"
                | "decision.overridden",
                _,
            ) => {
                findings.fail("D7", act.index, "it comes before the resolution of its decision".to_owned());
            }
            _ => findings.fail("D6", act.index, format!("{kind} comes after the resolution or twice")),
        }
    }

    pub(super) fn reviewed(&self) -> String {
        format!(
            "{} reviews by people with the authority, {} resolutions follow from them",
            self.reviews, self.resolutions
        )
    }

    pub(super) fn resolved(&self) -> String {
        format!("{} decisions, none resolved twice or released unsealed", self.decisions.len())
    }
}

impl Open {
    fn new(act: &Act<'_>, pauses: &Pauses) -> Self {
        let system = act.sid.unwrap_or(0);
        Self {
            content: act.hash("content"),
            system,
            paused: pauses.is_paused(system),
            routed: None,
            seen: Vec::new(),
            reviews: Vec::new(),
            settling: None,
            round: 1,
            tier: act.text("tier").map(str::to_owned),
            asked: None,
            edit: None,
            withdrawn: false,
        }
    }

    fn show(&mut self, act: &Act<'_>) {
        if let (Some(sid), Some(seen)) = (act.sid, act.hash("seen"))
            && !self.seen.contains(&(sid, seen))
        {
            self.seen.push((sid, seen));
        }
    }

    /// Sent somewhere, by then without a review that still stands of what was there before.
    fn route(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let editing = self.edit.map(|(_, review)| review);
        let left = |review: &Review| review.stands && review.round < self.round && Some(review.entry) != editing;
        if self.reviews.iter().any(left) {
            findings.fail(
                "D6",
                act.index,
                "reviews of the content before stand, which another has replaced".to_owned(),
            );
        }
        let routed = Routed::read(act);
        // One is not said, and no row asks for more rejections than approvals.
        let fits = |need: u64| act.integer("reject_threshold").is_none_or(|threshold| (2..=need).contains(&threshold));
        if routed.as_ref().is_some_and(|routed| !fits(routed.need)) {
            let detail = "it asks for more rejections than approvals, or for none";
            findings.fail("D6", act.index, detail.to_owned());
        }
        self.routed = routed;
    }

    /// The AI system answered a request for changes.
    fn revise(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        if act.leaf.actor.as_ != ActorKind::Agent || act.sid != Some(self.system) {
            fail("it was revised by another than the AI system that proposed it");
        }
        if self.asked.is_none() {
            fail("no reviewer asked the AI system for a change");
        }
        self.replace(act, findings);
        self.edit = None;
        self.tier = None;
    }

    /// A reviewer's own content takes the place of what they ruled on.
    fn edit(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let content = act.hash("content");
        let by = |review: &&Review| {
            review.stands
                && review.round == self.round
                && review.verdict == Some(Verdict::ApproveWithEdits)
                && Some(review.reviewer) == act.sid
                && review.edited == content
        };
        let edit = self.reviews.iter().find(by).map(|review| (review.reviewer, review.entry));
        if edit.is_none() {
            findings.fail("D6", act.index, "no review of the same person approves with this edit".to_owned());
        }
        self.replace(act, findings);
        self.edit = edit;
    }

    /// Other content opens the next round, and is to be routed.
    fn replace(&mut self, act: &Act<'_>, findings: &mut Findings) {
        if act.hash("from") != self.content {
            findings.fail("D6", act.index, "it replaces other content than stood there".to_owned());
        }
        self.content = act.hash("content");
        self.round += 1;
        self.routed = None;
        self.asked = None;
        self.settling = None;
    }

    fn withdraw(&mut self, act: &Act<'_>, findings: &mut Findings) {
        if act.leaf.actor.as_ != ActorKind::Agent || act.sid != Some(self.system) {
            let detail = "it was withdrawn by another than the AI system that proposed it";
            findings.fail("D6", act.index, detail.to_owned());
        }
        self.withdrawn = true;
    }

    /// The deadline had come or a reviewer asked for it, and it asks for no fewer people from then on.
    fn escalate(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let by = act.text("review").map(number);
        let asked = |review: &Review| Some(review.entry) == by && review.verdict == Some(Verdict::Escalate);
        if by.is_some() && !self.reviews.iter().any(asked) {
            findings.fail("D6", act.index, "it names a review that did not escalate".to_owned());
        }
        let Some(routed) = &mut self.routed else {
            return findings.fail("D6", act.index, "its decision was not routed before".to_owned());
        };
        if by.is_none() && act.leaf.at.saturating_add(CLOCK_SLACK_MS) < routed.due {
            findings.fail("D6", act.index, "it names a deadline that had not come".to_owned());
        }
        if act.integer("need").is_none_or(|need| need < routed.need) {
            findings.fail("D6", act.index, "it asks for fewer approvals than before".to_owned());
        }
        routed.need = act.integer("need").unwrap_or(routed.need);
        routed.due = act.integer("due").unwrap_or(routed.due);
        // The senior approvers rule on what is there.
        self.asked = None;
    }

    fn review(&mut self, act: &Act<'_>, people: &People, findings: &mut Findings) {
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        let reviewer = act.sid.unwrap_or(0);
        let on_behalf = act.leaf.actor.for_.as_deref().map(number);
        let round = act.integer("round").unwrap_or(0);
        if act.hash("content") != self.content {
            fail("it rules on other content than was proposed");
        }
        match &self.routed {
            None => fail("its decision was not routed before"),
            Some(routed) if act.text("policy").map(number) != Some(routed.policy) => {
                fail("it names another policy version than the routing");
            }
            Some(_) => {}
        }
        if round != self.round {
            fail("it is of another round than the running one");
        }
        if self.asked.is_some() {
            fail("it rules while the AI system was asked for a change");
        }
        if self.withdrawn {
            fail("it rules on what the AI system had withdrawn");
        }
        if self.edit.is_some_and(|(editor, _)| editor == reviewer) {
            fail("it rules on what the reviewer wrote");
        }
        let verdict = act.text("verdict").and_then(Verdict::from_word);
        let says_why = act.text("code").is_some() && act.leaf.cm.contains_key("reason");
        // At no risk and by no row is anything else than an approval left unexplained.
        if verdict.is_some_and(|verdict| Asks::of(verdict, Risk::Low, false) == Asks::BOTH) && !says_why {
            fail("it says no, hands on or changes what is proposed without saying why");
        }
        // Who only put it off may come back to it.
        let before = |earlier: &Review| earlier.stands && earlier.verdict != Some(Verdict::Defer);
        if self.reviews.iter().any(|earlier| before(earlier) && earlier.reviewer == reviewer && earlier.round == round)
        {
            fail("this person's review of the round stands already");
        }
        if let Some(settling) = &self.settling
            && (settling.outcome != "approved" || verdict != Some(Verdict::Reject))
        {
            fail("the reviews that were needed were in already");
        }
        if !act.hash("seen").is_some_and(|seen| self.seen.contains(&(reviewer, seen))) {
            fail("what it says was seen was not shown to the reviewer before");
        }
        if let Some((n, set)) = act.authority() {
            // What a delegation gave is judged where delegations are.
            let checked = match on_behalf {
                None => people.check(reviewer, act.leaf.at, n, &set, self.system),
                Some(_) => people.check_delegate(reviewer, act.leaf.at, (n, &set)),
            };
            match checked {
                Ok(()) => {}
                Err(Unfit::Wrong(detail)) => fail(&detail),
                Err(Unfit::Unknown) => {
                    findings.notice("D6", act.index, "the reviewer holds a role that is not understood".to_owned());
                }
            }
        }
        if verdict == Some(Verdict::RequestChanges) {
            self.asked = Some(act.id);
        }
        let edited = act.hash("edited");
        self.reviews.push(Review { entry: act.id, reviewer, on_behalf, verdict, round, edited, stands: true });
    }

    /// People have decided; until the time named, a review may be taken back.
    fn settle(&mut self, act: &Act<'_>, findings: &mut Findings) {
        if let Some(detail) = self.misnamed(act).or_else(|| self.does_not_follow(act)) {
            findings.fail("D6", act.index, detail);
        }
        self.settling = Some(Settling {
            outcome: act.text("outcome").unwrap_or_default().to_owned(),
            reviews: named(act),
            until: act.integer("until").unwrap_or(0),
        });
    }

    fn retract(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let author = self.end_review(act, findings);
        if author.is_some() && author != act.sid {
            findings.fail("D6", act.index, "it was taken back by another than its author".to_owned());
        }
    }

    fn void(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let entry = act.text("review").map(number);
        let current = |review: &Review| Some(review.entry) == entry && review.round == self.round;
        if act.text("cause") == Some("revised") && self.reviews.iter().any(current) {
            findings.fail("D6", act.index, "what it rules on was not replaced".to_owned());
        }
        self.end_review(act, findings);
    }

    /// A review does not count any more; returns whose it was.
    fn end_review(&mut self, act: &Act<'_>, findings: &mut Findings) -> Option<u128> {
        let entry = act.text("review").map(number);
        let Some(review) = self.reviews.iter_mut().find(|review| review.stands && Some(review.entry) == entry) else {
            findings.fail("D6", act.index, "it names a review that does not stand".to_owned());
            return None;
        };
        review.stands = false;
        let (entry, reviewer) = (review.entry, review.reviewer);
        if self.asked == Some(entry) {
            self.asked = None;
        }
        if self.settling.as_ref().is_some_and(|settling| settling.reviews.contains(&entry)) {
            self.settling = None;
        }
        Some(reviewer)
    }

    fn misnamed(&self, act: &Act<'_>) -> Option<String> {
        let Some(routed) = &self.routed else { return Some("its decision was not routed before".to_owned()) };
        if act.hash("content") != self.content {
            return Some("it resolves other content than was proposed".to_owned());
        }
        if act.integer("round") != Some(self.round) {
            return Some("it is of another round than the running one".to_owned());
        }
        (act.text("policy").map(number) != Some(routed.policy))
            .then(|| "it names another policy version or row than the routing".to_owned())
    }

    /// Says why what people decided does not follow from the reviews that are named, if it does not.
    fn does_not_follow(&self, act: &Act<'_>) -> Option<String> {
        let round = act.integer("round").unwrap_or(0);
        let (need, threshold) =
            self.routed.as_ref().map_or((1, 1), |routed| (routed.need.max(1), routed.reject_threshold));
        let mut counted: Vec<&Review> = Vec::new();
        for entry in named(act) {
            let stands = |review: &&Review| review.entry == entry && review.stands && self.is_of(review, round);
            match self.reviews.iter().find(stands) {
                None => return Some("a review that it counts is not among those of its round that stand".to_owned()),
                Some(review) if counted.iter().any(|earlier| earlier.shares_a_person(review)) => {
                    return Some("it counts one person twice".to_owned());
                }
                Some(review) => counted.push(review),
            }
        }
        let approves = |review: &&&Review| match review.verdict {
            Some(Verdict::Approve) => true,
            // An editor's own approval is enough only alone and at low risk.
            Some(Verdict::ApproveWithEdits) => need == 1 && self.tier.as_deref().is_none_or(|tier| tier == "low"),
            _ => false,
        };
        let approvals = counted.iter().filter(approves).count() as u64;
        let rejections = counted.iter().filter(|review| review.verdict == Some(Verdict::Reject)).count() as u64;
        let standing = self.rejections();
        match act.text("outcome") {
            Some("approved") if approvals < need => Some(format!("it counts {approvals} approvals of {need} needed")),
            Some("approved") if standing >= threshold => Some("it approves against a rejection".to_owned()),
            Some("rejected") if rejections == 0 => Some("it counts no rejection".to_owned()),
            Some("rejected") if rejections < threshold => {
                Some(format!("it counts {rejections} rejections of {threshold} needed"))
            }
            _ => None,
        }
    }

    /// Counts the rejections of the running round that stand.
    fn rejections(&self) -> u64 {
        let rejects =
            |review: &&Review| review.stands && review.round == self.round && review.verdict == Some(Verdict::Reject);
        self.reviews.iter().filter(rejects).count() as u64
    }

    /// Tells whether a review is of this round, or made its content.
    fn is_of(&self, review: &Review, round: u64) -> bool {
        review.round == round || (review.round + 1 == round && self.edit.is_some_and(|(_, made)| made == review.entry))
    }

    /// Says why the resolution does not follow from this decision's reviews, if it does not.
    fn fault(&self, act: &Act<'_>) -> Option<String> {
        if let Some(detail) = self.misnamed(act) {
            return Some(detail);
        }
        let routed = self.routed.as_ref()?;
        if act.integer("rule") != Some(routed.rule) {
            return Some("it names another policy version or row than the routing".to_owned());
        }
        if act.text("outcome") == Some("withdrawn") {
            return match self.withdrawn {
                false => Some("it is withdrawn, and the AI system did not withdraw it".to_owned()),
                true if !named(act).is_empty() => Some("it is withdrawn and counts reviews".to_owned()),
                true => None,
            };
        }
        if self.withdrawn {
            return Some("the AI system had withdrawn it".to_owned());
        }
        if act.text("cause") == Some("rule") {
            return match (act.text("outcome"), routed.route) {
                (Some("approved"), Route::AutoApprove) | (Some("rejected"), Route::Deny) => None,
                (Some(outcome), route) => Some(format!("a rule that says {} cannot make it {outcome}", route.word())),
                (None, _) => None,
            };
        }
        if act.text("cause") == Some("grant") {
            return match (act.text("outcome"), routed.route) {
                (Some("approved"), Route::Require) if named(act).is_empty() => None,
                (outcome, route) => {
                    let outcome = outcome.unwrap_or_default();
                    Some(format!("a grant cannot make {outcome} what a rule sends to {}", route.word()))
                }
            };
        }
        if act.text("cause") == Some("pause") {
            return match act.text("outcome") {
                Some("rejected") | None => None,
                Some(outcome) => Some(format!("a pause cannot make it {outcome}")),
            };
        }
        if act.text("outcome") == Some("expired") {
            return match &self.settling {
                _ if !named(act).is_empty() => Some("it is decided by the deadline and counts reviews".to_owned()),
                Some(_) => Some("it is decided by the deadline, and people had decided before".to_owned()),
                None if act.leaf.at.saturating_add(CLOCK_SLACK_MS) < routed.due => {
                    Some("it is decided by the deadline, which had not come".to_owned())
                }
                None if self.rejections() >= routed.reject_threshold => {
                    Some("it is decided by the deadline, and people had rejected it".to_owned())
                }
                None => None,
            };
        }
        if let Some(settling) = &self.settling {
            if act.text("outcome") != Some(settling.outcome.as_str()) || named(act) != settling.reviews {
                return Some("it is not what people had decided".to_owned());
            }
            if act.leaf.at.saturating_add(CLOCK_SLACK_MS) < settling.until {
                return Some("it comes while a review could still be taken back".to_owned());
            }
        }
        self.does_not_follow(act)
    }

    /// Says how the resolution passes over a pause of the system, if it does.
    fn passes_over(&self, act: &Act<'_>, pauses: &Pauses) -> Option<&'static str> {
        match (act.text("cause"), act.text("outcome")) {
            (Some("pause"), _) if !self.paused => Some("it is rejected for a pause, and its system was not paused"),
            (Some("pause"), _) => None,
            _ if self.paused => Some("its system was paused when it proposed this, and it is not rejected for that"),
            (Some("rule" | "grant"), Some("approved")) if pauses.is_paused(self.system) => {
                Some("a rule or a grant approved it while its system was paused")
            }
            _ => None,
        }
    }
}

/// The entries of the reviews that an act counts.
fn named(act: &Act<'_>) -> Vec<u128> {
    let reviews = act.member("reviews").and_then(Value::as_array).unwrap_or_default();
    reviews.iter().filter_map(Value::as_text).map(number).collect()
}

impl Decision {
    fn resolve(&mut self, act: &Act<'_>, pauses: &Pauses, findings: &mut Findings) {
        let outcome = act.text("outcome");
        let (system, effect) = match self {
            Decision::Open(open) => (open.system, false),
            Decision::Resolved(resolution) => (resolution.system, resolution.effect),
            Decision::Opaque => (0, false),
        };
        let mut revoked = false;
        let mut seen = Vec::new();
        match self {
            Decision::Open(open) => {
                seen = std::mem::take(&mut open.seen);
                if let Some(detail) = open.fault(act) {
                    findings.fail("D6", act.index, detail);
                }
                if let Some(detail) = open.passes_over(act, pauses) {
                    findings.fail("D9", act.index, detail.to_owned());
                }
            }
            Decision::Resolved(resolution) if resolution.approved && outcome == Some("revoked") => {
                revoked = true;
                if !resolution.revoked {
                    findings.fail("D7", act.index, "it is revoked, and nobody revoked it".to_owned());
                }
                if act.hash("content") != resolution.content {
                    findings.fail("D7", act.index, "it revokes other content than was approved".to_owned());
                }
            }
            Decision::Resolved(Resolution { refused: Some(refused), .. }) if refused.is_resolved_by(act) => {
                if let Some(detail) = refused.misnamed(act) {
                    findings.fail("D7", act.index, detail.to_owned());
                }
                if pauses.is_paused(system) {
                    findings.fail("D9", act.index, "it was released while its system was paused".to_owned());
                }
            }
            _ => findings.fail("D7", act.index, "its decision was resolved before".to_owned()),
        }
        let approved = outcome == Some("approved");
        let content = act.hash("content");
        *self = Decision::Resolved(Resolution {
            entry: act.id,
            index: act.index,
            system,
            content,
            approved,
            revoked,
            effect,
            refused: Refusal::read(act, seen),
        });
    }
}

impl Resolution {
    /// A senior approver takes an approval back.
    fn revoke(&mut self, act: &Act<'_>, people: &People, findings: &mut Findings) {
        self.check_named(act, findings);
        if !self.approved || self.revoked {
            findings.fail("D7", act.index, "it revokes what is not approved".to_owned());
        }
        self.revoked = true;
        let Some((n, set)) = act.authority() else { return };
        match people.check_senior(act.sid.unwrap_or(0), act.leaf.at, n, &set, self.system) {
            Ok(()) => {}
            Err(Unfit::Wrong(detail)) => findings.fail("D6", act.index, detail),
            Err(Unfit::Unknown) => {
                findings.notice("D6", act.index, "who revoked holds a role that is not understood".to_owned());
            }
        }
    }

    /// A senior approver releases what a rule refused.
    fn override_refusal(&mut self, act: &Act<'_>, people: &People, findings: &mut Findings) {
        self.check_named(act, findings);
        let system = self.system;
        match &mut self.refused {
            Some(refused) => refused.release(act, people, system, findings),
            None => findings.fail("D7", act.index, "it releases what no rule refused".to_owned()),
        }
    }

    fn report(&mut self, act: &Act<'_>, findings: &mut Findings) {
        self.check_named(act, findings);
        let result = act.text("result").and_then(OutcomeResult::from_word);
        let effect = act.text("effect").and_then(Effect::from_word);
        self.effect |= result.zip(effect).is_some_and(|(result, effect)| has_effect(result, effect));
    }

    /// A person says what was done about a revoked action that ran.
    fn compensate(&self, act: &Act<'_>, findings: &mut Findings) {
        if act.leaf.actor.as_ != ActorKind::Person {
            findings.fail("D6", act.index, "no person says what was done".to_owned());
        }
        if !self.revoked || !self.effect {
            let detail = "it makes good what was not revoked, or did nothing";
            findings.fail("D7", act.index, detail.to_owned());
        }
    }

    fn release(&self, act: &Act<'_>, pauses: &Pauses, findings: &mut Findings) {
        self.check_named(act, findings);
        if self.approved && pauses.is_paused(self.system) {
            findings.fail("D9", act.index, "its approval was told while its system was paused".to_owned());
        }
        let size = act.integer("size").unwrap_or(0);
        if size <= self.index {
            let detail = format!("it was released at size {size}, which does not cover index {}", self.index);
            findings.fail("D7", act.index, detail);
        }
        if size > act.index {
            findings.fail("D7", act.index, format!("it was released at size {size}, which was not reached"));
        }
    }

    fn check_named(&self, act: &Act<'_>, findings: &mut Findings) {
        if act.text("resolution").map(number) != Some(self.entry) {
            findings.fail("D7", act.index, "it names another resolution than that of its decision".to_owned());
        }
    }
}

impl Review {
    /// Tells whether the same person gave both, or had either given in their place.
    fn shares_a_person(&self, other: &Review) -> bool {
        let is_of = |review: &Review, person: u128| review.reviewer == person || review.on_behalf == Some(person);
        is_of(other, self.reviewer) || self.on_behalf.is_some_and(|person| is_of(other, person))
    }
}

impl Routed {
    fn read(act: &Act<'_>) -> Option<Self> {
        Some(Self {
            policy: number(act.text("policy")?),
            rule: act.integer("rule")?,
            route: act.text("route").and_then(Route::from_word)?,
            need: act.integer("need")?,
            reject_threshold: act.integer("reject_threshold").unwrap_or(1).max(1),
            due: act.integer("due")?,
        })
    }
}
