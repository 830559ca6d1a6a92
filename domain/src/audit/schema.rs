//! D1: which members each kind has, as [`crate::event::Event::parts`] writes them and the leaf format allows them.

use countersign_ledger::{
    leaf::{Leaf, Obj},
    value::{Value, is_uuid, is_word},
};

use crate::{
    decision::{Effect, OutcomeResult, ReasonCode, Risk},
    event::{
        AccessReviewAnswer, AnomalyCause, CredentialAlg, EndCause, List, PasswordBy, ProviderChange, ScimChange, Scope,
        VoidCause, WithdrawCode,
    },
    lease::LeaseEnd,
    notice::ChannelKind,
    overrides::PostReviewResult,
    policy::Route,
    revocation::Compensation,
    role_request::RoleAnswer,
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
    /// An act on an object of one of these types.
    ActOn(&'static [&'static str]),
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
    /// One or more ids.
    Uuids,
    /// One or more printable texts.
    Texts,
    /// `{n, set}`.
    Authority,
    /// Host, key or random value: any printable text.
    Text,
    /// Objects of words, digests and ids.
    Objects,
}

use Class::{Authority, Boolean, Digest, Entries, Integer, Known, Objects, Several, Text, Texts, Uuid, Uuids, Word};
use Presence::{May, Must};

const KINDS: &[Kind] = &[
    kind("absence.cleared", Place::Act("person"), &[("absence", Uuid, Must)], &[]),
    kind(
        "absence.set",
        Place::Act("person"),
        &[("delegation", Uuid, May), ("from", Integer, Must), ("until", Integer, Must)],
        &[],
    ),
    kind(
        "access.denied",
        Place::MaybeRead,
        &[("action", Word, Must), ("cause", Word, May), ("count", Integer, May)],
        &[],
    ),
    kind("access.downloaded", Place::ReadAny, &[], &[]),
    kind("access.exported", Place::None, &[("count", Integer, Must)], &["output", "query"]),
    kind("access.listed", Place::None, &[("count", Integer, Must), ("list", Known(known_list), Must)], &[]),
    kind("access.log_read", Place::None, &[("count", Integer, Must)], &[]),
    kind("access.searched", Place::None, &[("count", Integer, Must)], &["output", "query"]),
    kind("access.unmasked", Place::Read("decision"), &[("field", Word, Must)], &["reason"]),
    kind("access.viewed", Place::ReadAny, &[], &[]),
    kind(
        "access_review.completed",
        Place::Act("access_review"),
        &[
            ("changed", Integer, Must),
            ("kept", Integer, Must),
            ("result", Digest, Must),
            ("revoked", Integer, Must),
            ("suspended", Integer, Must),
        ],
        &[],
    ),
    kind(
        "access_review.decided",
        Place::Act("access_review"),
        &[("answer", Known(known_answer), Must), ("assignment", Uuid, Must)],
        &[],
    ),
    kind(
        "access_review.started",
        Place::Act("access_review"),
        &[("due", Integer, Must), ("grace", Integer, Must), ("items", Integer, Must), ("snapshot", Digest, Must)],
        &[],
    ),
    kind(
        "agent_key.issued",
        Place::Act("agent_key"),
        &[("expires", Integer, Must), ("scopes", Several(known_scope), Must), ("system", Uuid, Must)],
        &[],
    ),
    kind("agent_key.revoked", Place::Act("agent_key"), &[], &[]),
    kind("agent_key.rotated", Place::Act("agent_key"), &[("until", Integer, Must)], &[]),
    kind("audit_window.closed", Place::Act("audit_window"), &[], &[]),
    kind(
        "audit_window.opened",
        Place::Act("audit_window"),
        &[("from", Integer, Must), ("person", Uuid, Must), ("systems", Uuids, May), ("until", Integer, Must)],
        &["name"],
    ),
    kind("auth.break_glass_used", Place::Act("session"), &[], &["reason"]),
    kind("auth.credential_confirmed", Place::Act("person"), &[("credential", Uuid, Must)], &[]),
    kind(
        "auth.credential_enrolled",
        Place::Act("person"),
        &[("aaguid", Uuid, May), ("alg", Known(known_alg), Must), ("backup", Boolean, Must), ("key", Digest, Must)],
        &[],
    ),
    kind("auth.credential_removed", Place::Act("person"), &[("credential", Uuid, Must)], &[]),
    kind("auth.ended", Place::Act("session"), &[("cause", Known(known_end), Must)], &[]),
    kind(
        "auth.failed",
        Place::None,
        &[("cause", Word, May), ("count", Integer, Must), ("person", Uuid, May), ("provider", Uuid, May)],
        &["detail?", "ip"],
    ),
    kind("auth.password_changed", Place::Act("person"), &[("by", Known(known_password), Must)], &[]),
    kind("auth.recovery_used", Place::Act("person"), &[], &[]),
    kind("auth.signed_in", Place::Act("session"), &[("method", Word, Must), ("uv", Boolean, Must)], &["agent", "ip"]),
    kind("auth.signed_out", Place::Act("session"), &[], &[]),
    kind("auth.stepped_up", Place::Act("session"), &[("method", Word, Must), ("uv", Boolean, Must)], &[]),
    kind(
        "bulk.started",
        Place::Act("bulk"),
        &[
            ("code", Known(known_reason), Must),
            ("count", Integer, Must),
            ("policy", Uuid, Must),
            ("verdict", Known(known_verdict), Must),
        ],
        &[],
    ),
    kind("change.confirmed", Place::Act("change"), &[], &[]),
    kind("change.lapsed", Place::Act("change"), &[], &[]),
    kind("change.refused", Place::Act("change"), &[], &[]),
    kind(
        "change.requested",
        Place::Act("change"),
        &[("digest", Digest, Must), ("subject", Uuid, May), ("what", Word, Must)],
        &[],
    ),
    kind("change.withdrawn", Place::Act("change"), &[], &[]),
    kind("channel.changed", Place::Act("channel"), &[("digest", Digest, Must), ("paused", Boolean, Must)], &[]),
    kind(
        "channel.created",
        Place::Act("channel"),
        &[("digest", Digest, Must), ("medium", Known(known_medium), Must)],
        &[],
    ),
    kind("channel.removed", Place::Act("channel"), &[], &[]),
    kind(
        "decision.commented",
        Place::Act("decision"),
        &[("answers", Uuid, May), ("asks", Uuid, May), ("mentions", Uuids, May)],
        &["comment"],
    ),
    kind("decision.compensated", Place::Act("decision"), &[("result", Known(known_compensation), Must)], &["reason"]),
    kind("decision.edited", Place::Act("decision"), &[("content", Digest, Must), ("from", Digest, Must)], &[]),
    kind(
        "decision.escalated",
        Place::Act("decision"),
        &[("due", Integer, Must), ("need", Integer, Must), ("review", Uuid, May)],
        &[],
    ),
    kind(
        "decision.lease_ended",
        Place::Act("decision"),
        &[("cause", Known(known_lease_end), Must), ("lease", Uuid, Must)],
        &["reason?"],
    ),
    kind("decision.leased", Place::Act("decision"), &[("lapsed", Entries, May), ("until", Integer, Must)], &[]),
    kind(
        "decision.outcome_reported",
        Place::Act("decision"),
        &[("effect", Known(known_effect), Must), ("resolution", Uuid, Must), ("result", Known(known_result), Must)],
        &[],
    ),
    kind(
        "decision.overridden",
        Place::Act("decision"),
        &[
            ("authority", Authority, Must),
            ("code", Known(known_reason), Must),
            ("content", Digest, Must),
            ("policy", Uuid, Must),
            ("resolution", Uuid, Must),
            ("rule", Integer, Must),
            ("seen", Digest, Must),
        ],
        &["reason"],
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
        "decision.quorum_met",
        Place::Act("decision"),
        &[
            ("content", Digest, Must),
            ("outcome", Known(known_outcome), Must),
            ("policy", Uuid, Must),
            ("reviews", Entries, May),
            ("round", Integer, Must),
            ("until", Integer, Must),
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
        "decision.reminded",
        Place::Act("decision"),
        &[("due", Integer, Must), ("invited", Uuid, May), ("share", Integer, Must)],
        &[],
    ),
    kind(
        "decision.resolved",
        Place::Act("decision"),
        &[
            ("cause", Word, May),
            ("content", Digest, Must),
            ("grant", Uuid, May),
            ("outcome", Known(known_outcome), Must),
            ("policy", Uuid, Must),
            ("reviews", Entries, May),
            ("round", Integer, Must),
            ("rule", Integer, Must),
        ],
        &[],
    ),
    kind("decision.review_retracted", Place::Act("decision"), &[("review", Uuid, Must), ("round", Integer, Must)], &[]),
    kind(
        "decision.review_voided",
        Place::Act("decision"),
        &[("cause", Known(known_void), Must), ("review", Uuid, Must)],
        &[],
    ),
    kind(
        "decision.reviewed",
        Place::Act("decision"),
        &[
            ("assertion", Digest, May),
            ("authority", Authority, Must),
            ("blind", Boolean, May),
            ("bulk", Uuid, May),
            ("citations", Objects, May),
            ("code", Known(known_reason), May),
            ("content", Digest, Must),
            ("delegation", Uuid, May),
            ("edited", Digest, May),
            ("expires", Integer, May),
            ("for_authority", Authority, May),
            ("left_closed", Texts, May),
            ("nonce", Text, May),
            ("opened", Texts, May),
            ("policy", Uuid, Must),
            ("round", Integer, Must),
            ("seen", Digest, Must),
            ("until", Integer, May),
            ("verdict", Known(known_verdict), Must),
        ],
        &["form?", "reason?"],
    ),
    kind("decision.revised", Place::Act("decision"), &[("content", Digest, Must), ("from", Digest, Must)], &[]),
    kind(
        "decision.revoked",
        Place::Act("decision"),
        &[("authority", Authority, Must), ("code", Known(known_reason), Must), ("resolution", Uuid, Must)],
        &["reason"],
    ),
    kind(
        "decision.routed",
        Place::Act("decision"),
        &[
            ("due", Integer, Must),
            ("guards", Texts, May),
            ("need", Integer, Must),
            ("policy", Uuid, Must),
            ("reject_threshold", Integer, May),
            ("route", Known(known_route), Must),
            ("rule", Integer, Must),
        ],
        &[],
    ),
    kind("decision.viewed", Place::Read("decision"), &[("seen", Digest, Must)], &[]),
    kind("decision.withdrawn", Place::Act("decision"), &[("code", Known(known_withdraw), Must)], &[]),
    kind("delegation.ended", Place::Act("person"), &[("delegation", Uuid, Must)], &[]),
    kind(
        "delegation.given",
        Place::Act("person"),
        &[
            ("amount", Integer, May),
            ("from", Integer, Must),
            ("risk", Known(known_risk), May),
            ("systems", Uuids, May),
            ("to", Uuid, Must),
            ("types", Texts, May),
            ("until", Integer, Must),
        ],
        &[],
    ),
    kind(
        "grant.activated",
        Place::Act("grant"),
        &[("authority", Authority, Must), ("until", Integer, Must)],
        &["reason"],
    ),
    kind("grant.exhausted", Place::Act("grant"), &[], &[]),
    kind("grant.expired", Place::Act("grant"), &[], &[]),
    kind("grant.refused", Place::Act("grant"), &[], &["reason"]),
    kind(
        "grant.requested",
        Place::Act("grant"),
        &[("seconds", Integer, Must), ("system", Uuid, Must), ("type", Uuid, Must), ("uses", Integer, Must)],
        &["reason", "scope"],
    ),
    kind("grant.revoked", Place::Act("grant"), &[], &["reason"]),
    kind("grant.used", Place::Act("grant"), &[("decision", Uuid, Must), ("number", Integer, Must)], &[]),
    kind("guard.changed", Place::None, &[("amount_max", Integer, Must)], &[]),
    kind("handover.ended", Place::Act("handover"), &[], &[]),
    kind("handover.noted", Place::Act("handover"), &[("system", Uuid, May), ("until", Integer, Must)], &["note"]),
    kind("ledger.anomaly", Place::None, &[("cause", Known(known_anomaly), Must)], &[]),
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
    kind("person.linked", Place::Act("person"), &[("provider", Uuid, Must)], &["subject"]),
    kind("policy.activated", Place::Act("policy"), &[("digest", Digest, Must), ("version", Uuid, Must)], &[]),
    kind("policy.drafted", Place::Act("policy_version"), &[("digest", Digest, Must)], &[]),
    kind("policy.rejected", Place::Act("policy_version"), &[], &["reason"]),
    kind(
        "policy.staffed",
        Place::None,
        &[
            ("missing", Integer, Must),
            ("need", Integer, Must),
            ("policy", Uuid, Must),
            ("role", Uuid, Must),
            ("rule", Integer, Must),
            ("system", Uuid, Must),
            ("systems", Integer, Must),
        ],
        &[],
    ),
    kind("policy.submitted", Place::Act("policy_version"), &[("digest", Digest, Must)], &["reason"]),
    kind("post_review.given", Place::Act("post_review"), &[("result", Known(known_post_review), Must)], &["reason"]),
    kind(
        "role.assigned",
        Place::Act("person"),
        &[
            ("amount", Integer, May),
            ("assignment", Uuid, May),
            ("provider", Uuid, May),
            ("risk", Known(known_risk), May),
            ("role", Uuid, Must),
            ("source", Word, May),
            ("system", Uuid, May),
            ("systems", Uuids, May),
            ("types", Texts, May),
            ("until", Integer, May),
            ("window", Uuid, May),
        ],
        &[],
    ),
    kind(
        "role.request_answered",
        Place::Act("person"),
        &[("answer", Known(known_role_answer), Must), ("request", Uuid, Must)],
        &["reason"],
    ),
    kind("role.requested", Place::Act("person"), &[("role", Uuid, May)], &["page?", "reason"]),
    kind("role.unassigned", Place::Act("person"), &[("assignment", Uuid, May), ("role", Uuid, Must)], &[]),
    kind(
        "scim.applied",
        Place::ActOn(&["scim_user", "scim_group"]),
        &[("change", Known(known_scim_change), Must), ("members", Integer, May), ("person", Uuid, May)],
        &["document?"],
    ),
    kind(
        "scim.token_issued",
        Place::Act("scim_token"),
        &[("ceiling", Uuids, May), ("expires", Integer, Must), ("provider", Uuid, Must)],
        &[],
    ),
    kind("scim.token_revoked", Place::Act("scim_token"), &[], &[]),
    kind("settings.changed", Place::Act("decision_type"), &[("digest", Digest, Must)], &[]),
    kind("settings.single_operator", Place::None, &[("on", Boolean, Must)], &[]),
    kind(
        "sso.mapping_applied",
        Place::Act("person"),
        &[("matched", Integer, Must), ("overage", Boolean, Must), ("version", Uuid, May)],
        &["snapshot"],
    ),
    kind(
        "sso.mapping_changed",
        Place::Act("mapping"),
        &[("digest", Digest, Must), ("dry_run", Digest, May), ("version", Uuid, Must)],
        &[],
    ),
    kind(
        "sso.provider_changed",
        Place::Act("provider"),
        &[("change", Known(known_provider_change), Must), ("digest", Digest, Must)],
        &[],
    ),
    kind("system.approved", Place::Act("system"), &[], &["name"]),
    kind("system.owner_named", Place::Act("system"), &[("owner", Uuid, May)], &["reason"]),
    kind("system.paused", Place::Act("system"), &[], &["reason"]),
    kind("system.resumed", Place::Act("system"), &[("pause", Uuid, Must)], &["reason"]),
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

/// Every kind of entry that a log may hold.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

fn find(name: &str) -> Option<&'static Kind> {
    KINDS.binary_search_by_key(&name, |kind| kind.name).ok().map(|at| &KINDS[at])
}

impl Place {
    fn holds(&self, obj: Option<&Obj>) -> bool {
        match (self, obj) {
            (Place::None | Place::MaybeRead, None) => true,
            (Place::Act(kind), Some(obj)) => obj.t == *kind && obj.n.is_some(),
            (Place::ActOn(kinds), Some(obj)) => kinds.contains(&obj.t.as_str()) && obj.n.is_some(),
            (Place::Read(kind), Some(obj)) => obj.t == *kind && obj.upto.is_some(),
            (Place::ReadAny | Place::MaybeRead, Some(obj)) => obj.upto.is_some(),
            (Place::None, Some(_)) | (Place::Act(_) | Place::ActOn(_) | Place::Read(_) | Place::ReadAny, None) => false,
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
            Texts => all(&|element| element.as_text().is_some()),
            Uuids => all(&|element| element.as_text().is_some_and(|text| is_uuid(text, 0))),
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

fn known_answer(word: &str) -> bool {
    AccessReviewAnswer::from_word(word).is_some()
}

fn known_anomaly(word: &str) -> bool {
    AnomalyCause::from_word(word).is_some()
}

fn known_alg(word: &str) -> bool {
    CredentialAlg::from_word(word).is_some()
}

fn known_scope(word: &str) -> bool {
    Scope::from_word(word).is_some()
}

fn known_end(word: &str) -> bool {
    EndCause::from_word(word).is_some()
}

fn known_provider_change(word: &str) -> bool {
    ProviderChange::from_word(word).is_some()
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

fn known_scim_change(word: &str) -> bool {
    ScimChange::from_word(word).is_some()
}

fn known_reason(word: &str) -> bool {
    ReasonCode::from_word(word).is_some_and(|code| ReasonCode::CHOICES.contains(&code))
}

fn known_route(word: &str) -> bool {
    Route::from_word(word).is_some()
}

fn known_verdict(word: &str) -> bool {
    matches!(word, "approve" | "approve_with_edits" | "reject" | "request_changes" | "escalate" | "abstain" | "defer")
}

fn known_lease_end(word: &str) -> bool {
    LeaseEnd::from_word(word).is_some_and(LeaseEnd::is_sealed)
}

fn known_compensation(word: &str) -> bool {
    Compensation::from_word(word).is_some_and(|result| result != Compensation::Open)
}

fn known_post_review(word: &str) -> bool {
    PostReviewResult::from_word(word).is_some()
}

fn known_role_answer(word: &str) -> bool {
    RoleAnswer::from_word(word).is_some()
}

fn known_void(word: &str) -> bool {
    VoidCause::from_word(word).is_some()
}

fn known_withdraw(word: &str) -> bool {
    WithdrawCode::from_word(word).is_some()
}

fn known_medium(word: &str) -> bool {
    ChannelKind::from_word(word).is_some()
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
