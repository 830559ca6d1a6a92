//! D2 and D3: numbers of the acts on each object, who had signed in, and clocks.

use std::collections::HashMap;

use countersign_ledger::leaf::ActorKind;

use super::{Act, Numbered, findings::Findings, number};

/// How far a clock may run back before it is worth a notice, in milliseconds.
const CLOCK_SLACK_MS: u64 = 30_000;

#[derive(Default)]
pub(super) struct Order {
    /// Object types met, so that the map below holds small keys.
    types: Vec<String>,
    /// Number of the last act on each object.
    last: HashMap<(usize, u128), u64>,
    /// Entries that sign somebody in: whose `sid` acts by them.
    signed_in: HashMap<u128, u128>,
    latest: u64,
}

impl Order {
    pub(super) fn visit(&mut self, act: &Act<'_>, findings: &mut Findings) {
        self.check_number(act, findings);
        self.check_via(act, findings);
        self.note_sign_in(act);
        if act.leaf.at.saturating_add(CLOCK_SLACK_MS) < self.latest {
            let seconds = (self.latest - act.leaf.at) / 1_000;
            findings.notice("D3", act.index, format!("its clock is {seconds} s behind that of an earlier entry"));
        }
        self.latest = self.latest.max(act.leaf.at);
    }

    pub(super) fn numbered(&self) -> String {
        format!("the acts on {} objects are numbered without gap", self.last.len())
    }

    fn check_number(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let Some((kind, id, numbered)) = act.object else { return };
        let known = self.types.iter().position(|known| known == kind);
        let last = known.and_then(|kind| self.last.get(&(kind, id)).copied());
        match numbered {
            Numbered::Act(n) => {
                let expected = last.unwrap_or(0) + 1;
                if n != expected {
                    findings.fail(
                        "D2",
                        act.index,
                        format!("the act on this {kind} has number {n}, expected {expected}"),
                    );
                }
                let kind = known.unwrap_or_else(|| {
                    self.types.push(kind.to_owned());
                    self.types.len() - 1
                });
                self.last.insert((kind, id), n);
            }
            Numbered::Read(upto) => match last {
                Some(last) if upto > last => {
                    findings.fail("D2", act.index, format!("it shows act {upto} of this {kind}, which ends at {last}"));
                }
                None if kind == "decision" => {
                    findings.fail("D2", act.index, "it shows a decision that has no act before".to_owned());
                }
                _ => {}
            },
        }
    }

    fn check_via(&self, act: &Act<'_>, findings: &mut Findings) {
        let actor = &act.leaf.actor;
        let kind = act.leaf.kind.as_str();
        match &actor.via {
            Some(via) => {
                let signed_in = self.signed_in.get(&number(via));
                if signed_in.is_none() {
                    findings.fail("D2", act.index, format!("`via` {via} is no sign-in and no key before this entry"));
                } else if signed_in != act.sid.as_ref() {
                    findings.fail("D2", act.index, format!("`via` {via} is the sign-in or key of somebody else"));
                }
            }
            // Somebody who is only signing in, joining, or refused at that has no sign-in yet.
            None if actor.as_ == ActorKind::Person && !(kind.starts_with("auth.") || kind == "access.denied") => {
                findings.fail("D2", act.index, "a person acts without having signed in".to_owned());
            }
            None if actor.as_ == ActorKind::Agent => {
                findings.fail("D2", act.index, "an agent acts without a key".to_owned());
            }
            None => {}
        }
    }

    fn note_sign_in(&mut self, act: &Act<'_>) {
        let sid = match act.leaf.kind.as_str() {
            "auth.signed_in" => act.sid,
            "agent_key.issued" => act.text("system").map(number),
            // What a directory does, its token does.
            "scim.token_issued" => act.object.map(|(_, token, _)| token),
            _ => None,
        };
        if let Some(sid) = sid {
            self.signed_in.insert(act.id, sid);
        }
    }
}
