//! S1: every business row says what its entry says, and every act of the log has its row.

use std::collections::HashMap;

use countersign_domain::{ids::RoleId, role::Role};
use countersign_ledger::{leaf::Leaf, value::Value};
use uuid::Uuid;

use crate::db::export::{CounterRow, MadeRow};

/// Kinds that make a row, and how many.
const MADE: &[(&str, usize)] = &[
    ("absence.cleared", 1),
    ("absence.set", 1),
    ("access_review.decided", 1),
    ("access_review.started", 1),
    ("agent_key.issued", 1),
    ("audit_window.opened", 1),
    ("auth.signed_in", 1),
    ("bulk.started", 1),
    ("change.confirmed", 1),
    ("change.lapsed", 1),
    ("change.refused", 1),
    ("change.requested", 1),
    ("change.withdrawn", 1),
    ("decision.commented", 1),
    ("decision.compensated", 1),
    ("decision.edited", 1),
    ("decision.escalated", 1),
    ("decision.lease_ended", 1),
    ("decision.leased", 1),
    ("decision.outcome_reported", 1),
    ("decision.overridden", 2),
    ("decision.proposed", 2),
    ("decision.quorum_met", 1),
    ("decision.released", 1),
    ("decision.reminded", 1),
    ("decision.resolved", 1),
    ("decision.review_retracted", 1),
    ("decision.review_voided", 1),
    ("decision.reviewed", 1),
    ("decision.revised", 1),
    ("decision.revoked", 1),
    ("decision.routed", 1),
    ("decision.withdrawn", 1),
    ("delegation.ended", 1),
    ("delegation.given", 1),
    ("grant.activated", 1),
    ("grant.exhausted", 1),
    ("grant.expired", 1),
    ("grant.refused", 1),
    ("grant.requested", 1),
    ("grant.revoked", 1),
    ("grant.used", 1),
    ("handover.ended", 1),
    ("handover.noted", 1),
    ("person.created", 1),
    ("policy.activated", 1),
    ("post_review.given", 1),
    ("role.assigned", 1),
    ("role.request_answered", 1),
    ("role.requested", 1),
    ("role.unassigned", 1),
    ("settings.changed", 1),
    ("system.approved", 1),
    ("system.owner_named", 1),
    ("system.paused", 1),
    ("system.resumed", 1),
];

/// An entry under check: its name in the report, its id and what it says.
pub(super) struct Entry {
    pub(super) subject: String,
    pub(super) id: Uuid,
    pub(super) leaf: Leaf,
}

/// Number of the last act on each object, and whether an act ended it.
#[derive(Default)]
pub(super) struct Counters(HashMap<(&'static str, Uuid), (u64, bool)>);

/// Object types that count their acts in a row.
const COUNTED: [&str; 11] = [
    "access_review",
    "audit_window",
    "agent_key",
    "change",
    "decision",
    "grant",
    "handover",
    "person",
    "policy",
    "session",
    "system",
];

impl Entry {
    fn object(&self) -> Option<Uuid> {
        self.leaf.obj.as_ref()?.id.parse().ok()
    }

    /// Compares the entry with the rows it made; says what is wrong first.
    pub(super) fn fault(&self, rows: &[MadeRow]) -> Option<String> {
        let kind = self.leaf.kind.as_str();
        let mut count = 0;
        for row in rows {
            count += 1;
            if let Some(fault) = self.compare(row) {
                return Some(fault);
            }
        }
        let expected = MADE.iter().find(|(made, _)| *made == kind).map_or(0, |(_, count)| *count);

        (count < expected).then(|| format!("the row that {kind} made is missing"))
    }

    fn compare(&self, row: &MadeRow) -> Option<String> {
        let MadeRow { table, id, .. } = row;
        if row.kind != self.leaf.kind {
            return Some(format!("{table} {id} names it as its {}, it is a {}", row.kind, self.leaf.kind));
        }
        if Some(row.object) != self.object() {
            return Some(format!("{table} {id} is of another object"));
        }
        row.members.iter().find_map(|member| {
            let (name, stored) = member.split_once('=')?;
            let sealed = self.says(name, stored);
            (sealed.as_deref() != Some(stored)).then(|| {
                format!("{table} {id} has {name} {stored}, sealed is {}", sealed.as_deref().unwrap_or("nothing"))
            })
        })
    }

    /// What the entry says under the name that a row has for it.
    fn says(&self, name: &str, stored: &str) -> Option<String> {
        let member = |name: &str| self.leaf.d.as_ref()?.get(name);
        match name {
            "at" => Some(self.leaf.at.to_string()),
            "sid" => self.leaf.actor.sid.clone(),
            "via" => self.leaf.actor.via.clone(),
            "for" => self.leaf.actor.for_.clone(),
            // What a review may leave out has to be left out by both.
            "code" => Some(member("code").and_then(Value::as_text).unwrap_or("-").to_owned()),
            "reasoned" => Some(self.leaf.cm.contains_key("reason").to_string()),
            "formed" => Some(self.leaf.cm.contains_key("form").to_string()),
            // Left out where one rejection is enough.
            "reject_threshold" => Some(member(name).and_then(Value::as_integer).unwrap_or(1).to_string()),
            "reviews" => Some(member("reviews").and_then(Value::as_array).map_or(0, <[_]>::len).to_string()),
            "role" => {
                let role = member("role")?.as_text()?.parse::<RoleId>().ok().and_then(Role::from_id)?;
                Some(role.word().to_owned())
            }
            _ => match member(name.strip_prefix("d.")?)? {
                Value::Text(text) => Some(text.clone()),
                Value::Integer(number) => Some(number.to_string()),
                Value::Array(words) => {
                    let words: Vec<_> = words.iter().filter_map(Value::as_text).collect();
                    Some(words.join(","))
                }
                _ => Some(format!("not {stored}")),
            },
        }
    }
}

impl Counters {
    pub(super) fn note(&mut self, leaf: &Leaf) {
        let Some(obj) = &leaf.obj else { return };
        let Some(kind) = COUNTED.into_iter().find(|kind| *kind == obj.t) else { return };
        let (Some(n), Ok(id)) = (obj.n, obj.id.parse()) else { return };
        let (last, ended) = self.0.entry((kind, id)).or_default();
        *last = n;
        match leaf.kind.as_str() {
            "access_review.completed"
            | "agent_key.revoked"
            | "audit_window.closed"
            | "change.confirmed"
            | "change.lapsed"
            | "change.refused"
            | "change.withdrawn"
            | "auth.ended"
            | "auth.signed_out"
            | "decision.resolved"
            | "grant.exhausted"
            | "grant.expired"
            | "grant.refused"
            | "grant.revoked"
            | "handover.ended"
            | "person.disabled" => {
                *ended = true;
            }
            "person.enabled" => *ended = false,
            _ => {}
        }
    }

    /// Compares a row's counter; says what is wrong.
    pub(super) fn fault(&self, row: &CounterRow) -> Option<String> {
        let kind = COUNTED.into_iter().find(|kind| *kind == row.kind)?;
        let (sealed, ended) = self.0.get(&(kind, row.id)).copied().unwrap_or_default();
        if i64::try_from(sealed) != Ok(row.n) {
            return Some(format!("its row counts {} acts, the log {sealed}", row.n));
        }
        let word = |ended| if ended { "ended" } else { "open" };

        (ended != row.ended).then(|| format!("its row is {}, by the log it is {}", word(row.ended), word(ended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_says_something_else_is_found_and_an_equal_one_is_not() {
        let entry = entry();
        let row = |members: &[&str]| MadeRow {
            table: "reviews".into(),
            id: "7".into(),
            entry: entry.id,
            kind: "decision.reviewed".into(),
            object: Uuid::from_u128(5),
            members: members.iter().map(|member| (*member).to_owned()).collect(),
        };

        assert_eq!(entry.fault(&[row(&["at=9", "d.verdict=approve", "d.round=1"])]), None);
        for (wrong, said) in [
            ("at=8", "reviews 7 has at 8, sealed is 9"),
            ("d.verdict=reject", "reviews 7 has d.verdict reject, sealed is approve"),
            ("d.round=2", "reviews 7 has d.round 2, sealed is 1"),
            ("d.code=other", "reviews 7 has d.code other, sealed is nothing"),
        ] {
            assert_eq!(entry.fault(&[row(&[wrong])]).as_deref(), Some(said));
        }
        assert_eq!(entry.fault(&[]).as_deref(), Some("the row that decision.reviewed made is missing"));
        let other = MadeRow { object: Uuid::from_u128(6), ..row(&[]) };
        assert_eq!(entry.fault(&[other]).as_deref(), Some("reviews 7 is of another object"));
    }

    #[test]
    fn counters_follow_the_acts() {
        let mut counters = Counters::default();
        let mut entry = entry();
        counters.note(&entry.leaf);
        let row = |n, ended| CounterRow { kind: "decision".into(), id: Uuid::from_u128(5), n, ended };

        assert_eq!(counters.fault(&row(3, false)), None);
        assert_eq!(counters.fault(&row(4, false)).as_deref(), Some("its row counts 4 acts, the log 3"));
        assert_eq!(counters.fault(&row(3, true)).as_deref(), Some("its row is ended, by the log it is open"));
        entry.leaf.kind = "decision.resolved".into();
        counters.note(&entry.leaf);
        assert_eq!(counters.fault(&row(3, true)), None);
    }

    fn entry() -> Entry {
        let leaf = Leaf {
            id: "01a19b7c-0000-7000-8000-000000000001".into(),
            at: 9,
            kind: "decision.reviewed".into(),
            actor: countersign_ledger::leaf::Actor::engine(),
            authz: None,
            obj: Some(countersign_ledger::leaf::Obj {
                t: "decision".into(),
                id: Uuid::from_u128(5).hyphenated().to_string(),
                n: Some(3),
                upto: None,
            }),
            d: Some(Value::object([("verdict", Value::from("approve")), ("round", 1u64.into())])),
            cm: Default::default(),
        };
        Entry { subject: "index 4".into(), id: Uuid::from_u128(1), leaf }
    }
}
