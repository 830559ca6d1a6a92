//! D6, of grants: another person with the right activates what one asked for, and what a grant approves lies within its
//! system, type, uses and time. What it holds parameters to is committed and not read here.

use std::collections::HashMap;

use countersign_ledger::leaf::ActorKind;

use super::{
    Act, Numbered,
    findings::Findings,
    number,
    pauses::is_alone,
    people::{People, Unfit},
};
use crate::grant::{HOURS_MAX, USES_MAX};

/// How far clocks may differ, in milliseconds.
const CLOCK_SLACK_MS: u64 = 30_000;

#[derive(Default)]
pub(super) struct Grants {
    grants: HashMap<u128, Grant>,
    /// Decisions that nothing has resolved.
    proposals: HashMap<u128, Proposal>,
    /// Decisions whose use of a grant was recorded, and which grant that is.
    used: HashMap<u128, u128>,
    approved: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Requested,
    Active,
    Over,
}

struct Grant {
    state: State,
    system: u128,
    type_id: u128,
    uses: u64,
    used: u64,
    seconds: u64,
    until: u64,
    requester: Option<u128>,
}

struct Proposal {
    system: u128,
    type_id: u128,
    high: bool,
    /// Its rule asks one person and no guard does.
    plain: bool,
}

impl Grants {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, people: &People, findings: &mut Findings) {
        let (Some((object, id, Numbered::Act(_))), true) = (act.object, understood) else { return };
        match (object, act.leaf.kind.as_str()) {
            ("grant", "grant.requested") => self.request(act, id, findings),
            ("grant", kind) => self.act(act, (id, kind), people, findings),
            ("decision", "decision.proposed") => {
                let proposal = Proposal {
                    system: act.sid.unwrap_or(0),
                    type_id: act.text("type").map_or(0, number),
                    high: act.text("tier") == Some("high"),
                    plain: false,
                };
                self.proposals.insert(id, proposal);
            }
            ("decision", "decision.routed") => {
                if let Some(proposal) = self.proposals.get_mut(&id) {
                    let guarded = act.member("guards").is_some();
                    proposal.plain = act.text("route") == Some("require") && act.integer("need") == Some(1) && !guarded;
                }
            }
            // People asked for other content, so people go on.
            ("decision", "decision.revised" | "decision.edited") => drop(self.proposals.remove(&id)),
            ("decision", "decision.resolved") => self.resolve(act, id, findings),
            _ => {}
        }
    }

    /// Says how many decisions grants approved, where one was ever asked for.
    pub(super) fn summary(&self) -> Option<String> {
        let Self { grants, approved, .. } = self;
        (!grants.is_empty()).then(|| format!("{approved} approvals by {} grants, within uses and time", grants.len()))
    }

    fn request(&mut self, act: &Act<'_>, id: u128, findings: &mut Findings) {
        let grant = Grant {
            state: State::Requested,
            system: act.text("system").map_or(0, number),
            type_id: act.text("type").map_or(0, number),
            uses: act.integer("uses").unwrap_or(0),
            used: 0,
            seconds: act.integer("seconds").unwrap_or(0),
            until: 0,
            requester: act.sid,
        };
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        if act.leaf.actor.as_ != ActorKind::Person {
            fail("no person asked for the grant");
        }
        if grant.uses > USES_MAX || grant.seconds > HOURS_MAX * 3_600 {
            fail("the grant is for more uses or more time than any may be");
        }
        if self.grants.insert(id, grant).is_some() {
            fail("the grant was asked for before");
        }
    }

    fn act(&mut self, act: &Act<'_>, (id, kind): (u128, &str), people: &People, findings: &mut Findings) {
        let Some(grant) = self.grants.get_mut(&id) else {
            return findings.fail("D6", act.index, "nobody asked for the grant before".to_owned());
        };
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        let wanted = if matches!(kind, "grant.activated" | "grant.refused") { State::Requested } else { State::Active };
        // The last use is made before the grant is said to be used up.
        if grant.state != wanted {
            fail(if wanted == State::Active {
                "the grant was not active"
            } else {
                "somebody had answered the request"
            });
        }
        let is_person = act.leaf.actor.as_ == ActorKind::Person;
        if matches!(kind, "grant.activated" | "grant.refused" | "grant.revoked") && !is_person {
            fail("no person did this to the grant");
        }
        match kind {
            "grant.activated" => {
                if grant.requester == act.sid && !is_alone(act) {
                    fail("who asked for the grant activated it");
                }
                grant.state = State::Active;
                grant.until = act.integer("until").unwrap_or(0);
                if grant.until > act.leaf.at.saturating_add(grant.seconds * 1_000 + CLOCK_SLACK_MS) {
                    fail("the grant ends later than was asked for");
                }
                if let Some((n, set)) = act.authority() {
                    match people.check_activator(act.sid.unwrap_or(0), act.leaf.at, n, &set, grant.system) {
                        Ok(()) => {}
                        Err(Unfit::Wrong(detail)) => fail(&detail),
                        Err(Unfit::Unknown) => {
                            let detail = "who activated it holds a role that is not understood";
                            findings.notice("D6", act.index, detail.to_owned());
                        }
                    }
                }
            }
            "grant.used" => {
                grant.used += 1;
                if act.integer("number") != Some(grant.used) || grant.used > grant.uses {
                    fail("the grant was used more often than it may be, or out of order");
                }
                if act.leaf.at > grant.until.saturating_add(CLOCK_SLACK_MS) {
                    fail("the time of the grant was over");
                }
                let decision = act.text("decision").map_or(0, number);
                match self.proposals.get(&decision) {
                    None => fail("the grant was used for what was not proposed, or is resolved or changed"),
                    Some(proposal) => {
                        if (proposal.system, proposal.type_id) != (grant.system, grant.type_id) {
                            fail("the grant is for another system or decision type");
                        }
                        if proposal.high {
                            fail("no grant approves what is of high risk");
                        }
                        if !proposal.plain {
                            fail("the policy asked for more than one approver, or a guard asked for people");
                        }
                    }
                }
                self.used.insert(decision, id);
            }
            "grant.exhausted" => {
                grant.state = State::Over;
                if grant.used != grant.uses {
                    fail("the grant had uses left");
                }
            }
            "grant.expired" => {
                grant.state = State::Over;
                if act.leaf.at.saturating_add(CLOCK_SLACK_MS) < grant.until {
                    fail("the time of the grant was not over");
                }
            }
            _ => grant.state = State::Over,
        }
    }

    fn resolve(&mut self, act: &Act<'_>, id: u128, findings: &mut Findings) {
        self.proposals.remove(&id);
        let used = self.used.remove(&id);
        if act.text("cause") != Some("grant") {
            if used.is_some() {
                findings.fail("D6", act.index, "a grant was used for it, and it is resolved otherwise".to_owned());
            }
            return;
        }
        self.approved += 1;
        if used.is_none() || used != act.text("grant").map(number) {
            findings.fail("D6", act.index, "it names a grant that was not used for it".to_owned());
        }
    }
}
