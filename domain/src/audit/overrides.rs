//! D6 and D7: what a rule refused is released by a senior approver who was shown it, and what people do against the policy
//! is looked at once, by another person.

use std::collections::HashMap;

use countersign_ledger::{hash::Hash, leaf::ActorKind};

use super::{
    Act,
    findings::Findings,
    number,
    pauses::is_alone,
    people::{People, Unfit},
};

/// What a rule refused, until somebody has released it.
pub(super) struct Refusal {
    content: Option<Hash>,
    policy: Option<u128>,
    rule: Option<u64>,
    /// Who was shown what.
    seen: Vec<(u128, Hash)>,
    released: bool,
}

impl Refusal {
    /// Reads a resolution; nothing where it is no refusal by a rule. `seen` is who was shown what before it.
    pub(super) fn read(act: &Act<'_>, seen: Vec<(u128, Hash)>) -> Option<Self> {
        let by_rule = act.text("cause") == Some("rule") && act.text("outcome") == Some("rejected");
        by_rule.then(|| Self {
            content: act.hash("content"),
            policy: act.text("policy").map(number),
            rule: act.integer("rule"),
            seen,
            released: false,
        })
    }

    pub(super) fn show(&mut self, act: &Act<'_>) {
        if let (Some(sid), Some(seen)) = (act.sid, act.hash("seen"))
            && !self.seen.contains(&(sid, seen))
        {
            self.seen.push((sid, seen));
        }
    }

    /// A person releases it.
    pub(super) fn release(&mut self, act: &Act<'_>, people: &People, system: u128, findings: &mut Findings) {
        let by = act.sid.unwrap_or(0);
        let mut fail = |check: &'static str, detail: &str| findings.fail(check, act.index, detail.to_owned());
        if self.released {
            fail("D7", "it was released before");
        }
        self.released = true;
        if act.leaf.actor.as_ != ActorKind::Person {
            fail("D6", "no person released it");
        }
        if let Some(detail) = self.misnamed(act) {
            fail("D6", detail);
        }
        if !act.hash("seen").is_some_and(|seen| self.seen.contains(&(by, seen))) {
            fail("D6", "what it says was seen was not shown to who released it before");
        }
        let Some((n, set)) = act.authority() else { return };
        match people.check_senior(by, act.leaf.at, n, &set, system) {
            Ok(()) => {}
            Err(Unfit::Wrong(detail)) => fail("D6", &detail),
            Err(Unfit::Unknown) => {
                findings.notice("D6", act.index, "who released it holds a role that is not understood".to_owned());
            }
        }
    }

    /// Tells whether a resolution says that it was released.
    pub(super) fn is_resolved_by(&self, act: &Act<'_>) -> bool {
        self.released && act.text("cause") == Some("override") && act.text("outcome") == Some("approved")
    }

    /// Says what an act names otherwise than the refusal, if it does.
    pub(super) fn misnamed(&self, act: &Act<'_>) -> Option<&'static str> {
        if act.hash("content") != self.content {
            return Some("it releases other content than was refused");
        }
        (act.text("policy").map(number) != self.policy || act.integer("rule") != self.rule)
            .then_some("it names another policy version or row than refused it")
    }
}

/// Acts that another person looks at afterwards.
#[derive(Default)]
pub(super) struct PostReviews {
    /// Who did each that nobody has looked at.
    waiting: HashMap<u128, Option<u128>>,
    given: u64,
}

impl PostReviews {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, findings: &mut Findings) {
        if !understood {
            return;
        }
        match (act.leaf.kind.as_str(), act.object) {
            ("decision.overridden" | "decision.revoked" | "auth.break_glass_used", _) => {
                self.waiting.insert(act.id, act.sid);
            }
            ("post_review.given", Some((_, of, _))) => self.give(of, act, findings),
            _ => {}
        }
    }

    fn give(&mut self, of: u128, act: &Act<'_>, findings: &mut Findings) {
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        self.given += 1;
        if act.leaf.actor.as_ != ActorKind::Person {
            fail("no person looked at it");
        }
        match self.waiting.remove(&of) {
            None => fail("it looks at what waits for nobody, or at an act a second time"),
            Some(by) if by == act.sid && !is_alone(act) => fail("who acted looked at it themselves"),
            Some(_) => {}
        }
    }

    /// Says how many acts were looked at, where any was.
    pub(super) fn summary(&self) -> Option<String> {
        let Self { waiting, given } = self;
        (*given > 0).then(|| format!("{given} post-reviews by another person, {} acts wait for one", waiting.len()))
    }
}
