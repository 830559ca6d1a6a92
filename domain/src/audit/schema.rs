//! D1: which members each kind has, as [`crate::event::Event::parts`] writes them and the leaf format allows them.

use countersign_ledger::{
    leaf::{Leaf, Obj},
    value::{Value, is_uuid, is_word},
};

use crate::{
    decision::{Effect, OutcomeResult, ReasonCode, Risk},
    event::{EndCause, List, PasswordBy, Scope},
    policy::Route,
};

/// Why an entry does not fit its kind.
pub(super) enum Misfit {
    /// This build does not know the kind or a word; a later one may.
    Unknown(String),
    /// No entry of this kind looks like that.
    Broken(String),
}

struct Kind {
    name: &'static str,
    place: Place,
    d: &'static [Member],
    /// Names of commitments; those that end in `?` may be missing.
    cm: &'static [&'static str],
}

/// What the entry is about.
enum Place {
    /// Nothing.
    None,
    /// An act on an object of this type.
    Act(&'static str),
    /// A read of an object of this type.
    Read(&'static str),
    /// A read of any object.
    ReadAny,
    /// Nothing, or a read of any object.
    MaybeRead,
}

/// Name, class, and whether it may be missing.
type Member = (&'static str, Class, Presence);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Must,
    May,
}

#[derive(Clone, Copy)]
enum Class {
    Uuid,
    Digest,
    Integer,
    Boolean,
    /// Any word.
    Word,
    /// A word out of a list that later builds may extend.
    Known(fn(&str) -> bool),
    /// One or more of such words.
    Several(fn(&str) -> bool),
    /// One or more entry ids.
    Entries,
    /// `{n, set}`.
    Authority,
    /// Host, key or random value: any printable text.
    Text,
    /// Objects of words, digests and ids.
    Objects,
}

use Class::{Authority, Boolean, Digest, Entries, Integer, Known, Objects, Several, Text, Uuid, Word};
use Presence::{May, Must};

const KINDS: &[Kind] = &[
    kind("access.denied", Place::MaybeRead, &[("action", Word, Must), ("cause", Word, May)], &[]),
    kind("access.downloaded", Place::ReadAny, &[], &[]),
    kind("access.listed", Place::None, &[("count", Integer, Must), ("list", Known(known_list), Must)], &[]),
    kind("access.log_read", Place::None, &[("count", Integer, Must)], &[]),
    kind("access.viewed", Place::ReadAny, &[], &[]),
    kind(
        "agent_key.issued",
        Place::Act("agent_key"),
        &[("expires", Integer, Must), ("scopes", Several(known_scope), Must), ("system", Uuid, Must)],
        &[],
    ),
    kind("agent_key.revoked", Place::Act("agent_key"), &[], &[]),
    kind("auth.ended", Place::Act("session"), &[("cause", Known(known_end), Must)], &[]),
    kind("auth.failed", Place::None, &[("count", Integer, Must), ("person", Uuid, May)], &["ip"]),
    kind("auth.password_changed", Place::Act("person"), &[("by", Known(known_password), Must)], &[]),
    kind("auth.signed_in", Place::Act("session"), &[("method", Word, Must), ("uv", Boolean, Must)], &["agent", "ip"]),
    kind("auth.signed_out", Place::Act("session"), &[], &[]),
    kind(
        "decision.outcome_reported",
        Place::Act("decision"),
        &[("effect", Known(known_effect), Must), ("resolution", Uuid, Must), ("result", Known(known_result), Must)],
        &[],
    ),
    kind(
        "decision.proposed",
        Place::Act("decision"),
        &[
            ("content", Digest, Must),
            ("parent", Uuid, May),
            ("src_n", Integer, May),
            ("tier", Known(known_risk), Must),
            ("type", Uuid, Must),
        ],
        &[],
    ),
    kind(
        "decision.released",
        Place::Act("decision"),
        &[("channel", Word, Must), ("resolution", Uuid, Must), ("size", Integer, Must)],
        &[],
    ),
    kind(
        "decision.resolved",
        Place::Act("decision"),
        &[
            ("cause", Word, May),
            ("content", Digest, Must),
            ("outcome", Known(known_outcome), Must),
            ("policy", Uuid, Must),
            ("reviews", Entries, May),
            ("round", Integer, Must),
            ("rule", Integer, Must),
        ],
        &[],
    ),
    kind(
        "decision.reviewed",
        Place::Act("decision"),
        &[
            ("assertion", Digest, May),
            ("authority", Authority, Must),
            ("blind", Boolean, May),
            ("citations", Objects, May),
            ("code", Known(known_reason), May),
            ("content", Digest, Must),
            ("edited", Digest, May),
            ("expires", Integer, May),
            ("nonce", Text, May),
            ("policy", Uuid, Must),
            ("round", Integer, Must),
            ("seen", Digest, Must),
            ("verdict", Known(known_verdict), Must),
        ],
        &["reason?"],
    ),
    kind(
        "decision.routed",
        Place::Act("decision"),
        &[
            ("due", Integer, Must),
            ("need", Integer, Must),
            ("policy", Uuid, Must),
            ("route", Known(known_route), Must),
            ("rule", Integer, Must),
        ],
        &[],
    ),
    kind("decision.viewed", Place::Read("decision"), &[("seen", Digest, Must)], &[]),
    kind("ledger.heartbeat", Place::None, &[], &[]),
    kind(
        "ledger.opened",
        Place::Act("log"),
        &[("format", Integer, Must), ("log", Text, Must), ("rp", Text, Must), ("vkey", Text, Must)],
        &[],
    ),
    kind("person.created", Place::Act("person"), &[], &["login?", "name"]),
    kind("person.disabled", Place::Act("person"), &[], &[]),
    kind("person.enabled", Place::Act("person"), &[], &[]),
    kind("policy.activated", Place::Act("policy"), &[("digest", Digest, Must), ("version", Uuid, Must)], &[]),
    kind(
        "role.assigned",
        Place::Act("person"),
        &[("assignment", Uuid, May), ("role", Uuid, Must), ("system", Uuid, May), ("until", Integer, May)],
        &[],
    ),
    kind("role.unassigned", Place::Act("person"), &[("assignment", Uuid, May), ("role", Uuid, Must)], &[]),
    kind("settings.changed", Place::Act("decision_type"), &[("digest", Digest, Must)], &[]),
    kind("system.approved", Place::Act("system"), &[], &["name"]),
];

const fn kind(name: &'static str, place: Place, d: &'static [Member], cm: &'static [&'static str]) -> Kind {
    Kind { name, place, d, cm }
}

/// Tells whether this build knows the kind.
pub(super) fn is_known(kind: &str) -> bool {
    find(kind).is_some()
}

/// Checks an entry against its kind.
pub(super) fn check(leaf: &Leaf) -> Result<(), Misfit> {
    let name = &leaf.kind;
    let kind = find(name).ok_or_else(|| Misfit::Unknown(format!("the kind {name} is not understood")))?;
    if !kind.place.holds(leaf.obj.as_ref()) {
        return Err(Misfit::Broken(format!("a {name} is about another object")));
    }
    let mut unknown = None;
    let empty = Value::Object(Default::default());
    let d = leaf.d.as_ref().unwrap_or(&empty);
    for (member, class, presence) in kind.d {
        match d.get(member) {
            None if *presence == May => {}
            None => return Err(Misfit::Broken(format!("{name} lacks d.{member}"))),
            Some(value) if !class.holds(value) => {
                return Err(Misfit::Broken(format!("d.{member} of {name} is of another class")));
            }
            Some(value) if !class.knows(value) => unknown = unknown.or(Some(member)),
            Some(_) => {}
        }
    }
    let members = d.as_object().into_iter().flatten().map(|(member, _)| member);
    if let Some(member) = members.into_iter().find(|member| kind.d.iter().all(|(known, ..)| known != member)) {
        return Err(Misfit::Broken(format!("{name} has no d.{member}")));
    }
    let known = |committed: &&'static str| committed.trim_end_matches('?');
    if let Some(missing) = kind.cm.iter().find(|name| !name.ends_with('?') && !leaf.cm.contains_key(**name)) {
        return Err(Misfit::Broken(format!("{name} lacks cm.{missing}")));
    }
    if let Some(member) = leaf.cm.keys().find(|member| kind.cm.iter().all(|committed| known(committed) != *member)) {
        return Err(Misfit::Broken(format!("{name} has no cm.{member}")));
    }

    match unknown {
        Some(member) => Err(Misfit::Unknown(format!("the word in d.{member} of {name} is not understood"))),
        None => Ok(()),
    }
}

fn find(name: &str) -> Option<&'static Kind> {
    KINDS.binary_search_by_key(&name, |kind| kind.name).ok().map(|at| &KINDS[at])
}

impl Place {
    fn holds(&self, obj: Option<&Obj>) -> bool {
        match (self, obj) {
            (Place::None | Place::MaybeRead, None) => true,
            (Place::Act(kind), Some(obj)) => obj.t == *kind && obj.n.is_some(),
            (Place::Read(kind), Some(obj)) => obj.t == *kind && obj.upto.is_some(),
            (Place::ReadAny | Place::MaybeRead, Some(obj)) => obj.upto.is_some(),
            (Place::None, Some(_)) | (Place::Act(_) | Place::Read(_) | Place::ReadAny, None) => false,
        }
    }
}

impl Class {
    fn holds(self, value: &Value) -> bool {
        let text = |class: &dyn Fn(&str) -> bool| value.as_text().is_some_and(class);
        let all = |class: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|elements| elements.iter().all(class));
        match self {
            Uuid => text(&|text| is_uuid(text, 0)),
            Digest => value.as_hash().is_some(),
            Integer => value.as_integer().is_some(),
            Boolean => value.as_boolean().is_some(),
            Word | Known(_) => text(&is_word),
            Several(_) => all(&|element| element.as_text().is_some_and(is_word)),
            Entries => all(&|element| element.as_text().is_some_and(|text| is_uuid(text, 7))),
            Authority => value.as_object().is_some_and(|members| {
                members.len() == 2
                    && members.get("n").is_some_and(|n| n.as_integer().is_some())
                    && members.get("set").is_some_and(|set| set.as_hash().is_some())
            }),
            Text => value.as_text().is_some(),
            Objects => all(&|element| element.as_object().is_some()),
        }
    }

    fn knows(self, value: &Value) -> bool {
        let knows = |known: fn(&str) -> bool, value: &Value| value.as_text().is_some_and(known);
        match self {
            Known(known) => knows(known, value),
            Several(known) => value.as_array().is_some_and(|elements| elements.iter().all(|word| knows(known, word))),
            _ => true,
        }
    }
}

fn known_list(word: &str) -> bool {
    List::from_word(word).is_some()
}

fn known_scope(word: &str) -> bool {
    Scope::from_word(word).is_some()
}

fn known_end(word: &str) -> bool {
    EndCause::from_word(word).is_some()
}

fn known_password(word: &str) -> bool {
    PasswordBy::from_word(word).is_some()
}

fn known_effect(word: &str) -> bool {
    Effect::from_word(word).is_some()
}

fn known_result(word: &str) -> bool {
    OutcomeResult::from_word(word).is_some()
}

fn known_risk(word: &str) -> bool {
    Risk::from_word(word).is_some()
}

fn known_reason(word: &str) -> bool {
    ReasonCode::from_word(word).is_some()
}

fn known_route(word: &str) -> bool {
    Route::from_word(word).is_some()
}

fn known_verdict(word: &str) -> bool {
    matches!(word, "approve" | "approve_with_edits" | "reject" | "request_changes" | "escalate" | "abstain" | "defer")
}

fn known_outcome(word: &str) -> bool {
    matches!(word, "approved" | "rejected" | "expired" | "withdrawn" | "superseded" | "revoked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_members_are_sorted_and_unique() {
        assert!(KINDS.is_sorted_by(|a, b| a.name < b.name));
        for kind in KINDS {
            assert!(kind.d.is_sorted_by(|a, b| a.0 < b.0), "{}", kind.name);
            assert!(kind.cm.is_sorted_by(|a, b| a < b), "{}", kind.name);
        }
    }
}
