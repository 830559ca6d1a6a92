//! One frozen vector per event: the exact `kind`, `obj`, `d` and names of `cm` in its leaf.
//!
//! Sealed formats are for ever. A line of `vectors/events.jsonl` never changes; a new event adds one.

use countersign_domain::{
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, Risk, Verdict},
    event::{EndCause, Event, List, Object, PasswordBy, Place, Scope, SignInMethod},
    policy::{OnTimeout, Route, Routed},
    problem::Code,
    role::Role,
};
use countersign_ledger::{
    hash::Hash,
    value::{Limits, Value},
};
use uuid::Uuid;

const VECTORS: &str = include_str!("../vectors/events.jsonl");

#[test]
fn every_event_has_its_frozen_bytes() {
    let written: String = samples().iter().map(|event| line(event) + "\n").collect();

    assert_eq!(written, VECTORS);
}

#[test]
fn every_event_has_a_sample() {
    let mut met: Vec<_> = samples().iter().map(position).collect();
    met.sort_unstable();
    met.dedup();

    assert_eq!(met, (0..=LAST).collect::<Vec<_>>());
}

fn line(event: &Event) -> String {
    let parts = event.parts();
    let mut members = vec![("kind", Value::from(parts.kind))];
    if !parts.d.is_empty() {
        members.push(("d", Value::object(parts.d)));
    }
    if let Some(Object { kind, id, place }) = parts.object {
        let place = match place {
            Place::Act(n) => ("n", Value::from(n)),
            Place::Read(upto) => ("upto", Value::from(upto)),
        };
        let id = ("id", Value::from(id.hyphenated().to_string()));
        members.push(("obj", Value::object([id, place, ("t", Value::from(kind))])));
    }
    if !parts.texts.is_empty() {
        members.push(("cm", Value::array(parts.texts.iter().map(|text| text.field))));
    }
    String::from_utf8(Value::object(members).to_bytes(Limits::LEAF).unwrap()).unwrap()
}

const LAST: usize = 27;

/// No wildcard: an event without a line here does not compile.
fn position(event: &Event) -> usize {
    match event {
        Event::LedgerOpened { .. } => 0,
        Event::Heartbeat => 1,
        Event::PolicyActivated { .. } => 2,
        Event::TypeDefined { .. } => 3,
        Event::SystemApproved { .. } => 4,
        Event::KeyIssued { .. } => 5,
        Event::KeyRevoked { .. } => 6,
        Event::PersonCreated { .. } => 7,
        Event::PersonDisabled { .. } => 8,
        Event::PersonEnabled { .. } => 9,
        Event::RoleAssigned { .. } => 10,
        Event::RoleUnassigned { .. } => 11,
        Event::PasswordChanged { .. } => 12,
        Event::SignedIn { .. } => 13,
        Event::SignInFailed { .. } => 14,
        Event::SignedOut { .. } => 15,
        Event::SignInEnded { .. } => 16,
        Event::Proposed { .. } => 17,
        Event::Routed { .. } => 18,
        Event::Viewed { .. } => 19,
        Event::Reviewed { .. } => 20,
        Event::Resolved { .. } => 21,
        Event::Released { .. } => 22,
        Event::OutcomeReported { .. } => 23,
        Event::AccessViewed { .. } | Event::AccessDownloaded { .. } => 24,
        Event::AccessListed { .. } => 25,
        Event::LogRead { .. } => 26,
        Event::Denied { .. } => LAST,
    }
}

/// One or more of each event, in the order of the file.
pub(crate) fn samples() -> Vec<Event> {
    let decision = id(0x50).into();
    let policy = id(0x60).into();
    let person = id(0x10).into();
    let session = id(0x20).into();
    let system = id(0x30).into();
    let routed =
        Routed { rule: 1, route: Route::Require, need: 1, due_at: 1_793_613_660_000, on_timeout: OnTimeout::Deny };
    let resolved = |outcome, reviews| Event::Resolved {
        decision,
        n: 4,
        outcome,
        content: hash(1),
        policy,
        rule: 1,
        round: 1,
        reviews,
    };
    vec![
        Event::LedgerOpened {
            object: id(0x70),
            log: "7c1d9a40b2e85f36".into(),
            rp: "decisions.example.org".into(),
            vkey: "decisions.example.org/ledger/7c1d9a40b2e85f36+4efb17f5+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
                .into(),
        },
        Event::Heartbeat,
        Event::PolicyActivated { policy: id(0x61).into(), n: 1, version: policy, digest: hash(2) },
        Event::TypeDefined { id: id(0x40).into(), digest: hash(3) },
        Event::SystemApproved { system, n: 1, name: "Loans".into() },
        Event::KeyIssued {
            key: id(0x31).into(),
            system,
            scopes: vec![Scope::Ingest, Scope::Read],
            expires: 1_801_386_000_000,
        },
        Event::KeyRevoked { key: id(0x31).into(), n: 2 },
        Event::PersonCreated { person, name: "Anna".into(), login: "anna".into() },
        Event::PersonDisabled { person, n: 4 },
        Event::PersonEnabled { person, n: 5 },
        Event::RoleAssigned { person, n: 2, assignment: id(0x11).into(), role: Role::Approver },
        Event::RoleUnassigned { person, n: 6, assignment: id(0x11).into(), role: Role::Approver },
        Event::PasswordChanged { person, n: 3, by: PasswordBy::Invitation },
        Event::SignedIn { session, person, method: SignInMethod::Password, ip: "192.0.2.1".into(), agent: "x".into() },
        Event::SignInFailed { person: Some(person), count: 1, ip: "192.0.2.1".into() },
        Event::SignInFailed { person: None, count: 59, ip: "192.0.2.1".into() },
        Event::SignedOut { session, n: 2 },
        Event::SignInEnded { session, n: 2, cause: EndCause::Idle },
        Event::Proposed { decision, content: hash(1), type_id: id(0x40).into(), tier: Risk::High, source_n: Some(7) },
        Event::Proposed { decision, content: hash(1), type_id: id(0x40).into(), tier: Risk::Low, source_n: None },
        Event::Routed { decision, n: 2, policy, routed },
        Event::Viewed { decision, upto: 2, seen: hash(4) },
        Event::Reviewed {
            decision,
            n: 3,
            verdict: Verdict::Approve,
            code: ReasonCode::WithinPolicy,
            reason: "fine".into(),
            reviewer: person,
            content: hash(1),
            seen: hash(4),
            policy,
            round: 1,
            authority: (3, hash(5)),
        },
        resolved(ResolutionOutcome::Approved, vec![id(0x80).into(), id(0x81).into()]),
        resolved(ResolutionOutcome::Expired, Vec::new()),
        Event::Released { decision, n: 5, resolution: id(0x82).into(), size: 12 },
        Event::OutcomeReported {
            decision,
            n: 6,
            resolution: id(0x82).into(),
            result: OutcomeResult::Executed,
            effect: Effect::Full,
        },
        Event::AccessViewed { object: Object { kind: "decision", id: id(0x50), place: Place::Read(6) } },
        Event::AccessListed { list: List::Queue, count: 12 },
        Event::AccessDownloaded { object: Object { kind: "decision", id: id(0x50), place: Place::Read(6) } },
        Event::LogRead { count: 40 },
        Event::Denied {
            action: "review_decision",
            object: Some(Object { kind: "decision", id: id(0x50), place: Place::Read(6) }),
            cause: Some(Code::Stale),
        },
        Event::Denied { action: "list_people", object: None, cause: None },
    ]
}

fn id(number: u8) -> Uuid {
    Uuid::from_u128(0x01a19b7c_0000_7000_8000_000000000000 | u128::from(number))
}

fn hash(number: u8) -> Hash {
    Hash([number; 32])
}
