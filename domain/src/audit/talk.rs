//! What people say beside decisions, to the next shift and to their admins: said by people, answered by who was asked or
//! by another person, ended once.

use std::collections::HashMap;

use countersign_ledger::leaf::ActorKind;

use super::{Act, findings::Findings, number, pauses::is_alone};

/// Questions and requests that wait for their answer, and notes that run.
#[derive(Default)]
pub(super) struct Talk {
    /// By decision and entry: who is asked.
    questions: HashMap<(u128, u128), u128>,
    /// Notes, and whether they run.
    handovers: HashMap<u128, bool>,
    /// Requests for a role that wait, by entry: who asks.
    requests: HashMap<u128, u128>,
}

impl Talk {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, findings: &mut Findings) {
        let (Some((_, id, _)), true) = (act.object, understood) else { return };
        match act.leaf.kind.as_str() {
            "decision.commented" => self.comment(id, act, findings),
            "handover.noted" => {
                by_a_person(act, findings);
                if self.handovers.insert(id, true).is_some() {
                    findings.fail("D2", act.index, "its note was left before".to_owned());
                }
            }
            "handover.ended" => {
                by_a_person(act, findings);
                if self.handovers.insert(id, false) != Some(true) {
                    findings.fail("D2", act.index, "it ends a note that does not run".to_owned());
                }
            }
            "role.requested" => {
                by_a_person(act, findings);
                let waits = self.requests.values().any(|asks| *asks == id);
                if act.sid != Some(id) || waits {
                    let detail = "a request for a role by somebody else, or beside one that waits".to_owned();
                    findings.fail("D6", act.index, detail);
                }
                self.requests.insert(act.id, id);
            }
            "role.request_answered" => {
                by_a_person(act, findings);
                let asked = act.text("request").map(number).and_then(|request| self.requests.remove(&request));
                if asked != Some(id) {
                    findings.fail("D6", act.index, "it answers no request of this person that waits".to_owned());
                } else if asked == act.sid && !is_alone(act) {
                    findings.fail("D6", act.index, "who asked for a role answered themselves".to_owned());
                }
            }
            _ => {}
        }
    }

    fn comment(&mut self, decision: u128, act: &Act<'_>, findings: &mut Findings) {
        by_a_person(act, findings);
        if let Some(question) = act.text("answers").map(number)
            && self.questions.remove(&(decision, question)).is_none_or(|asked| Some(asked) != act.sid)
        {
            let detail = "it answers no question that waits for this person".to_owned();
            findings.fail("D6", act.index, detail);
        }
        if let Some(asked) = act.text("asks").map(number) {
            self.questions.insert((decision, act.id), asked);
        }
    }
}

fn by_a_person(act: &Act<'_>, findings: &mut Findings) {
    if act.leaf.actor.as_ != ActorKind::Person {
        findings.fail("D6", act.index, format!("a {} by another than a person", act.leaf.kind));
    }
}
