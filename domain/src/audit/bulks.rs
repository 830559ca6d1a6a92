//! D6, of acts on several decisions: each review that names one was given by who sent it, and as it was sent.

use std::collections::HashMap;

use countersign_ledger::leaf::ActorKind;

use super::{Act, findings::Findings, number};
use crate::{
    bulk::{BULK_MAX, VERDICTS},
    decision::Verdict,
};

/// Acts on several decisions, by their ids.
#[derive(Default)]
pub(super) struct Bulks(HashMap<u128, Bulk>);

struct Bulk {
    person: Option<u128>,
    count: u64,
    /// The members of its entry that each review repeats.
    says: Vec<Option<String>>,
    reviewed: Vec<u128>,
}

/// What every review of an act has in common with it.
const REPEATED: [&str; 3] = ["code", "policy", "verdict"];

impl Bulks {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, findings: &mut Findings) {
        let (Some((_, id, _)), true) = (act.object, understood) else { return };
        match act.leaf.kind.as_str() {
            "bulk.started" => self.start(id, act, findings),
            "decision.reviewed" => {
                if let Some(bulk) = act.text("bulk").map(number) {
                    self.review(bulk, id, act, findings);
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, id: u128, act: &Act<'_>, findings: &mut Findings) {
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        let count = act.integer("count").unwrap_or(0);
        if act.leaf.actor.as_ != ActorKind::Person {
            fail("an act on several decisions by another than a person");
        }
        if count == 0 || count > BULK_MAX as u64 {
            fail("an act on several decisions is of more of them than one takes, or of none");
        }
        if !act.text("verdict").and_then(Verdict::from_word).is_some_and(|verdict| VERDICTS.contains(&verdict)) {
            fail("several decisions are approved or rejected by one act, and nothing else");
        }
        self.0.insert(id, Bulk { person: act.sid, count, says: says(act), reviewed: Vec::new() });
    }

    fn review(&mut self, bulk: u128, decision: u128, act: &Act<'_>, findings: &mut Findings) {
        let mut fail = |detail: &str| findings.fail("D6", act.index, detail.to_owned());
        let Some(bulk) = self.0.get_mut(&bulk) else {
            return fail("it names an act on several decisions that nobody sent");
        };
        if bulk.person != act.sid || bulk.says != says(act) {
            fail("it is of another person, ruling or policy version than the act on several decisions that it names");
        }
        if bulk.reviewed.contains(&decision) {
            fail("the act on several decisions that it names has reviewed this one before");
        }
        bulk.reviewed.push(decision);
        if bulk.reviewed.len() as u64 > bulk.count {
            fail("the act on several decisions that it names is of fewer decisions");
        }
    }
}

fn says(act: &Act<'_>) -> Vec<Option<String>> {
    REPEATED.iter().map(|name| act.text(name).map(str::to_owned)).collect()
}
