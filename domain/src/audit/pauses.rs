//! D9: while a system is paused nothing of it is approved by a rule, no approval is told, and somebody else resumes it.

use std::collections::HashMap;

use super::{Act, findings::Findings, number};

/// Mark of an act that a second person would have done if there were one.
pub(super) const ALONE: &str = "single_operator";

/// Which systems are paused at this place in the log.
#[derive(Default)]
pub(super) struct Pauses {
    running: HashMap<u128, Pause>,
    count: u64,
}

struct Pause {
    entry: u128,
    by: Option<u128>,
}

impl Pauses {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, findings: &mut Findings) {
        let (Some(("system", system, _)), true) = (act.object, understood) else { return };
        match act.leaf.kind.as_str() {
            "system.paused" => {
                self.count += 1;
                let pause = Pause { entry: act.id, by: act.sid };
                if self.running.insert(system, pause).is_some() {
                    findings.fail("D9", act.index, "its system was paused before".to_owned());
                }
            }
            "system.resumed" => match self.running.remove(&system) {
                None => findings.fail("D9", act.index, "its system was not paused".to_owned()),
                Some(pause) => pause.end(act, findings),
            },
            _ => {}
        }
    }

    pub(super) fn is_paused(&self, system: u128) -> bool {
        self.running.contains_key(&system)
    }

    /// Says what holds, where anything was ever paused.
    pub(super) fn summary(&self) -> Option<String> {
        (self.count > 0)
            .then(|| format!("{} pauses, nothing approved by a rule and no approval told while they ran", self.count))
    }
}

/// Tells whether the mode of teams of one dispensed with the second person.
pub(super) fn is_alone(act: &Act<'_>) -> bool {
    act.leaf.authz.as_ref().is_some_and(|authz| authz.ids.iter().any(|id| id == ALONE))
}

impl Pause {
    fn end(&self, act: &Act<'_>, findings: &mut Findings) {
        if act.text("pause").map(number) != Some(self.entry) {
            findings.fail("D9", act.index, "it names another pause than the one that ran".to_owned());
        }
        if self.by == act.sid && !is_alone(act) {
            findings.fail("D9", act.index, "who paused the system resumed it".to_owned());
        }
    }
}
