//! D6, of claims on reviews: who ruled held a seat, and no more people held one than reviews were missing.
//!
//! A log from before there were claims has none, so this begins with the first claim of a log. Time ends a claim without
//! an entry; whoever takes a seat names the claims that had ended so. A claim that nobody named is held until then, and
//! its holder may rule by it.

use std::collections::HashMap;

use countersign_ledger::value::Value;

use super::{Act, Numbered, findings::Findings, number};

#[derive(Default)]
pub(super) struct Leases {
    /// The log has one, so every review needs one.
    begun: bool,
    taken: u64,
    decisions: HashMap<u128, Seats>,
}

/// The seats of an open decision.
#[derive(Default)]
struct Seats {
    /// Approvals that its route asks for.
    need: u64,
    /// Approvals that stand since it took that route: each of them filled a seat.
    approvals: Vec<u128>,
    held: Vec<Lease>,
}

struct Lease {
    entry: u128,
    person: u128,
}

impl Leases {
    pub(super) fn visit(&mut self, act: &Act<'_>, understood: bool, findings: &mut Findings) {
        let Some(("decision", id, Numbered::Act(_))) = act.object else { return };
        if !understood {
            return;
        }
        let seats = self.decisions.entry(id).or_default();
        match act.leaf.kind.as_str() {
            "decision.leased" => {
                self.begun = true;
                self.taken += 1;
                seats.take(act, findings);
            }
            "decision.lease_ended" => seats.end(act, findings),
            "decision.reviewed" => {
                let person = act.sid.unwrap_or(0);
                if self.begun && !seats.held.iter().any(|lease| lease.person == person) {
                    findings.fail(
                        "D6",
                        act.index,
                        "its reviewer had not started the review, or it had ended".to_owned(),
                    );
                }
                seats.held.retain(|lease| lease.person != person);
                match act.text("verdict") {
                    Some("approve") => seats.approvals.push(act.id),
                    Some("request_changes") => seats.held.clear(),
                    _ => {}
                }
            }
            "decision.review_retracted" | "decision.review_voided" => {
                let review = act.text("review").map(number);
                seats.approvals.retain(|approval| Some(*approval) != review);
            }
            // Whoever reviewed what stood there, or where it was, begins anew.
            "decision.routed" | "decision.escalated" | "decision.revised" | "decision.edited" => {
                seats.need = act.integer("need").unwrap_or(seats.need);
                seats.approvals.clear();
                seats.held.clear();
            }
            "decision.resolved" => {
                self.decisions.remove(&id);
            }
            _ => {}
        }
    }

    /// Says how many claims there were, if any.
    pub(super) fn summary(&self) -> Option<String> {
        self.begun.then(|| format!("{} claims on them, never more at once than reviews were missing", self.taken))
    }
}

impl Seats {
    fn take(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let named = act.member("lapsed").and_then(Value::as_array).unwrap_or_default();
        for lapsed in named.iter().filter_map(Value::as_text).map(number) {
            match self.held.iter().position(|lease| lease.entry == lapsed) {
                Some(at) => drop(self.held.remove(at)),
                None => findings.fail("D6", act.index, "it names a claim as run out that was not held".to_owned()),
            }
        }
        let person = act.sid.unwrap_or(0);
        self.held.retain(|lease| lease.person != person);
        let missing = self.need.saturating_sub(self.approvals.len() as u64).max(1);
        if self.held.len() as u64 >= missing {
            let detail = format!("it takes a seat of {missing}, and {} others are held", self.held.len());
            findings.fail("D6", act.index, detail);
        }
        self.held.push(Lease { entry: act.id, person });
    }

    fn end(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let entry = act.text("lease").map(number);
        let Some(at) = self.held.iter().position(|lease| Some(lease.entry) == entry) else {
            return findings.fail("D6", act.index, "it ends a claim that was not held".to_owned());
        };
        let own = act.sid == Some(self.held.remove(at).person);
        match act.text("cause") {
            Some("released") if !own => {
                findings.fail("D6", act.index, "a claim was given up by another than its holder".to_owned());
            }
            Some("taken_over") if own || !act.leaf.cm.contains_key("reason") => {
                let detail = "a claim is taken over from somebody else, with a reason".to_owned();
                findings.fail("D6", act.index, detail);
            }
            _ => {}
        }
    }
}
