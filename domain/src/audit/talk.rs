//! What people say beside decisions and to the next shift: said by people, answered by who was asked, ended once.

use std::collections::HashMap;

use countersign_ledger::leaf::ActorKind;

use super::{Act, findings::Findings, number};

/// Questions that wait for their answer, and notes that run.
#[derive(Default)]
pub(super) struct Talk {
    /// By decision and entry: who is asked.
    questions: HashMap<(u128, u128), u128>,
    /// Notes, and whether they run.
    handovers: HashMap<u128, bool>,
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
