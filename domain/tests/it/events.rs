//! One frozen vector per event: the exact `kind`, `obj`, `d` and names of `cm` in its leaf.
//!
//! Sealed formats are for ever. A line of `vectors/events.jsonl` never changes; a new event adds one.

use countersign_domain::{
    change::Decided,
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, Risk, Verdict},
    event::{
        AccessReviewAnswer, AnomalyCause, CredentialAlg, EndCause, Event, List, Object, PasswordBy, Place,
        ProviderChange, ScimChange, Scope, SignInMethod, Signature, VoidCause, WithdrawCode,
    },
    holding::{AuthorityLimits, Holding, Source},
    lease::LeaseEnd,
    policy::{OnTimeout, Route, Routed},
    problem::Code,
    revocation::Compensation,
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

const LAST: usize = 77;

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
        Event::AccessSearched { .. } => 27,
        Event::AccessExported { .. } => 28,
        Event::Refused { .. } => 29,
        Event::KeyRotated { .. } => 30,
        Event::Anomaly { .. } => 31,
        Event::AuditWindowOpened { .. } => 32,
        Event::AuditWindowClosed { .. } => 33,
        Event::AccessReviewStarted { .. } => 34,
        Event::AccessReviewDecided { .. } => 35,
        Event::AccessReviewCompleted { .. } => 36,
        Event::SteppedUp { .. } => 37,
        Event::CredentialEnrolled { .. } => 38,
        Event::CredentialConfirmed { .. } => 39,
        Event::CredentialRemoved { .. } => 40,
        Event::RecoveryUsed { .. } => 41,
        Event::BreakGlassUsed { .. } => 42,
        Event::ChangeRequested { .. } => 43,
        Event::ChangeDecided { .. } => 44,
        Event::SingleOperatorSet { .. } => 45,
        Event::Unmasked { .. } => 46,
        Event::ProviderChanged { .. } => 47,
        Event::ProviderRefused { .. } => 48,
        Event::MappingChanged { .. } => 49,
        Event::MappingApplied { .. } => 50,
        Event::ScimTokenIssued { .. } => 51,
        Event::ScimTokenRevoked { .. } => 52,
        Event::ScimUserApplied { .. } => 53,
        Event::ScimGroupApplied { .. } => 54,
        Event::IdentityLinked { .. } => 55,
        Event::Escalated { .. } => 56,
        Event::PolicyDrafted { .. } => 57,
        Event::PolicySubmitted { .. } => 58,
        Event::PolicyRejected { .. } => 59,
        Event::GuardsSet { .. } => 60,
        Event::QuorumMet { .. } => 61,
        Event::ReviewRetracted { .. } => 62,
        Event::ReviewVoided { .. } => 63,
        Event::SystemPaused { .. } => 64,
        Event::SystemResumed { .. } => 65,
        Event::ResolvedByPause { .. } => 66,
        Event::Edited { .. } => 67,
        Event::Revised { .. } => 68,
        Event::Withdrawn { .. } => 69,
        Event::Commented { .. } => 70,
        Event::HandoverNoted { .. } => 71,
        Event::HandoverEnded { .. } => 72,
        Event::Leased { .. } => 73,
        Event::LeaseEnded { .. } => 74,
        Event::Revoked { .. } => 75,
        Event::Compensated { .. } => 76,
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
    let routed = Routed {
        rule: 1,
        route: Route::Require,
        need: 1,
        due_at: 1_793_613_660_000,
        on_timeout: OnTimeout::Deny,
        guards: Vec::new(),
    };
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
        Event::RoleAssigned {
            person,
            n: 2,
            assignment: id(0x11).into(),
            holding: Holding::everywhere(Role::Approver),
            source: Source::Hand,
        },
        Event::RoleUnassigned { person, n: 6, assignment: id(0x11).into(), role: Role::Approver },
        Event::PasswordChanged { person, n: 3, by: PasswordBy::Invitation },
        Event::SignedIn { session, person, method: SignInMethod::Password, ip: "192.0.2.1".into(), agent: "x".into() },
        Event::SignInFailed { person: Some(person), count: 1, ip: "192.0.2.1".into() },
        Event::SignInFailed { person: None, count: 59, ip: "192.0.2.1".into() },
        Event::SignedOut { session, n: 2 },
        Event::SignInEnded { session, n: 2, cause: EndCause::Idle },
        Event::Proposed { decision, content: hash(1), type_id: id(0x40).into(), tier: Risk::High, source_n: Some(7) },
        Event::Proposed { decision, content: hash(1), type_id: id(0x40).into(), tier: Risk::Low, source_n: None },
        Event::Routed { decision, n: 2, policy, routed: routed.clone() },
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
            until: None,
            edited: None,
            signature: None,
        },
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
            until: None,
            edited: None,
            signature: Some(Signature {
                assertion: hash(6),
                expires: 1_793_610_420_000,
                nonce: "3ynvs9Waqt3PQpAjRopGfA".into(),
            }),
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
        Event::SteppedUp { session, n: 2, method: SignInMethod::Passkey },
        Event::CredentialEnrolled {
            person,
            n: 4,
            alg: CredentialAlg::Es256,
            key: hash(7),
            backup: true,
            aaguid: Some(id(0x90)),
        },
        Event::CredentialEnrolled { person, n: 5, alg: CredentialAlg::Totp, key: hash(8), backup: false, aaguid: None },
        Event::CredentialConfirmed { person, n: 6, credential: id(0x91).into() },
        Event::CredentialRemoved { person, n: 7, credential: id(0x91).into() },
        Event::RecoveryUsed { person, n: 8 },
        Event::BreakGlassUsed { session, n: 2, person, reason: "the provider is down".into() },
        Event::Denied {
            action: "review_decision",
            object: Some(Object { kind: "decision", id: id(0x50), place: Place::Read(6) }),
            cause: Some(Code::Stale),
        },
        Event::Denied { action: "list_people", object: None, cause: None },
        Event::AccessSearched { by: person, query: "access".into(), output: "00".into(), count: 3 },
        Event::AccessExported { by: person, query: "access".into(), output: "00".into(), count: 3 },
        Event::Refused { action: "list_people", cause: Code::CrossOrigin, count: None },
        Event::Refused { action: "propose", cause: Code::RateLimited, count: Some(31) },
        Event::KeyRotated { key: id(0x31).into(), n: 2, until: 1_793_700_000_000 },
        Event::Anomaly { cause: AnomalyCause::DiskLow },
        Event::AuditWindowOpened {
            window: id(0x90).into(),
            person,
            systems: vec![system],
            from: 1_793_610_000_000,
            until: 1_796_202_000_000,
            name: "Audit".into(),
        },
        Event::AuditWindowOpened {
            window: id(0x91).into(),
            person,
            systems: Vec::new(),
            from: 1_793_610_000_000,
            until: 1_796_202_000_000,
            name: "Audit".into(),
        },
        Event::AuditWindowClosed { window: id(0x90).into(), n: 2 },
        Event::AccessReviewStarted {
            review: id(0xa0).into(),
            items: 2,
            snapshot: hash(6),
            due: 1_794_214_800_000,
            grace: 1_794_819_600_000,
        },
        Event::AccessReviewDecided {
            review: id(0xa0).into(),
            n: 2,
            assignment: id(0x11).into(),
            answer: AccessReviewAnswer::Keep,
        },
        Event::AccessReviewCompleted {
            review: id(0xa0).into(),
            n: 4,
            kept: 1,
            changed: 0,
            revoked: 0,
            suspended: 1,
            result: hash(7),
        },
        Event::RoleAssigned {
            person,
            n: 2,
            assignment: id(0x12).into(),
            holding: Holding {
                until: Some(1_796_202_000_000),
                limits: AuthorityLimits {
                    types: vec!["refund.issue".into()],
                    risk: Some(Risk::Medium),
                    amount: Some(500),
                },
                ..Holding::on(Role::SeniorApprover, vec![system])
            },
            source: Source::Provider(id(0x13).into()),
        },
        Event::RoleAssigned {
            person,
            n: 3,
            assignment: id(0x14).into(),
            holding: Holding::on(Role::Viewer, vec![system, id(0x32).into()]),
            source: Source::BreakGlass,
        },
        Event::ChangeRequested { change: id(0xb0).into(), what: "assign_role", digest: hash(9), subject: Some(person) },
        Event::ChangeRequested { change: id(0xb1).into(), what: "single_operator", digest: hash(9), subject: None },
        Event::ChangeDecided { change: id(0xb0).into(), n: 2, decided: Decided::Confirmed },
        Event::SingleOperatorSet { on: true },
        Event::Unmasked { decision, upto: 6, field: "account".into(), reason: "the sums differ".into(), by: person },
        Event::ProviderChanged { provider: id(0xc0).into(), n: 1, change: ProviderChange::Added, digest: hash(10) },
        Event::ProviderRefused {
            provider: id(0xc0).into(),
            count: 1,
            cause: "nonce",
            detail: "the claim nonce is missing".into(),
            ip: "192.0.2.7".into(),
        },
        Event::MappingChanged {
            provider: id(0x90).into(),
            n: 1,
            version: id(0x91).into(),
            digest: hash(6),
            dry_run: None,
        },
        Event::MappingChanged {
            provider: id(0x90).into(),
            n: 2,
            version: id(0x91).into(),
            digest: hash(6),
            dry_run: Some(hash(7)),
        },
        Event::MappingApplied {
            person,
            n: 7,
            version: Some(id(0x91).into()),
            matched: 2,
            overage: false,
            snapshot: "{}".into(),
        },
        Event::MappingApplied { person, n: 8, version: None, matched: 0, overage: true, snapshot: "{}".into() },
        Event::ScimTokenIssued {
            token: id(0x92).into(),
            provider: id(0x90).into(),
            ceiling: vec![Role::Approver, Role::Auditor],
            expires: 1_801_386_000_000,
        },
        Event::ScimTokenIssued {
            token: id(0x93).into(),
            provider: id(0x90).into(),
            ceiling: Vec::new(),
            expires: 1_801_386_000_000,
        },
        Event::ScimTokenRevoked { token: id(0x92).into(), n: 2 },
        Event::ScimUserApplied {
            user: id(0x94).into(),
            n: 1,
            change: ScimChange::Created,
            person: Some(person),
            document: Some("{}".into()),
        },
        Event::ScimUserApplied {
            user: id(0x94).into(),
            n: 2,
            change: ScimChange::Removed,
            person: None,
            document: None,
        },
        Event::ScimGroupApplied {
            group: id(0x95).into(),
            n: 1,
            change: ScimChange::Changed,
            members: 3,
            document: Some("{}".into()),
        },
        Event::IdentityLinked { person, n: 6, provider: id(0xc0).into(), subject: "248289761001".into() },
        Event::RoleAssigned {
            person,
            n: 8,
            assignment: id(0x15).into(),
            holding: Holding { until: Some(1_796_202_000_000), ..Holding::everywhere(Role::Auditor) },
            source: Source::Window(id(0x90).into()),
        },
        Event::Routed {
            decision,
            n: 2,
            policy,
            routed: Routed { route: Route::Require, guards: vec!["guard_amount".into()], ..routed.clone() },
        },
        Event::Routed { decision, n: 2, policy, routed: Routed { route: Route::AutoApprove, need: 0, ..routed } },
        resolved(ResolutionOutcome::Approved, Vec::new()),
        Event::Escalated { decision, n: 3, need: 1, due: 1_793_617_260_000, review: None },
        Event::PolicyDrafted { version: policy, n: 1, digest: hash(2) },
        Event::PolicySubmitted { version: policy, n: 2, digest: hash(2), author: person, reason: "less work".into() },
        Event::PolicyRejected { version: policy, n: 3, by: person, reason: "too loose".into() },
        Event::GuardsSet { amount_max: 10_000 },
        Event::Reviewed {
            decision,
            n: 3,
            verdict: Verdict::Defer,
            code: ReasonCode::MissingInformation,
            reason: "after lunch".into(),
            reviewer: person,
            content: hash(1),
            seen: hash(4),
            policy,
            round: 1,
            authority: (3, hash(5)),
            until: Some(1_793_610_420_000),
            edited: None,
            signature: None,
        },
        Event::Escalated { decision, n: 4, need: 1, due: 1_793_617_260_000, review: Some(id(0x80).into()) },
        Event::QuorumMet {
            decision,
            n: 4,
            outcome: ResolutionOutcome::Approved,
            content: hash(1),
            policy,
            round: 1,
            reviews: vec![id(0x80).into()],
            until: 1_793_610_430_000,
        },
        Event::ReviewRetracted { decision, n: 5, review: id(0x80).into(), round: 1 },
        Event::ReviewVoided { decision, n: 5, review: id(0x80).into(), cause: VoidCause::Authority },
        Event::SystemPaused { system, n: 2, reason: "wrong refunds".into(), by: person },
        Event::SystemResumed { system, n: 3, pause: id(0x32).into(), reason: "mended".into(), by: person },
        Event::ResolvedByPause { decision, n: 3, content: hash(1), policy, rule: 1, round: 1 },
        Event::Reviewed {
            decision,
            n: 3,
            verdict: Verdict::ApproveWithEdits,
            code: ReasonCode::WrongParameters,
            reason: "the fare allows half".into(),
            reviewer: person,
            content: hash(1),
            seen: hash(4),
            policy,
            round: 1,
            authority: (3, hash(5)),
            until: None,
            edited: Some(hash(11)),
            signature: None,
        },
        Event::Edited { decision, n: 4, from: hash(1), content: hash(11) },
        Event::Revised { decision, n: 4, from: hash(1), content: hash(12) },
        Event::ReviewVoided { decision, n: 5, review: id(0x80).into(), cause: VoidCause::Revised },
        Event::Withdrawn { decision, n: 3, code: WithdrawCode::NoLongerNeeded },
        resolved(ResolutionOutcome::Withdrawn, Vec::new()),
        Event::Commented {
            decision,
            n: 3,
            comment: "why so much?".into(),
            by: person,
            mentions: vec![id(0x16).into(), id(0x17).into()],
            asks: Some(id(0x16).into()),
            answers: None,
        },
        Event::Commented {
            decision,
            n: 4,
            comment: "because".into(),
            by: id(0x16).into(),
            mentions: Vec::new(),
            asks: None,
            answers: Some(id(0x83).into()),
        },
        Event::HandoverNoted {
            handover: id(0xd0).into(),
            system: Some(system),
            until: 1_793_696_400_000,
            note: "mind the refunds".into(),
            by: person,
        },
        Event::HandoverNoted {
            handover: id(0xd1).into(),
            system: None,
            until: 1_793_696_400_000,
            note: "mind everything".into(),
            by: person,
        },
        Event::HandoverEnded { handover: id(0xd0).into(), n: 2 },
        Event::Leased { decision, n: 3, until: 1_793_610_900_000, lapsed: Vec::new() },
        Event::Leased { decision, n: 6, until: 1_793_611_900_000, lapsed: vec![id(0x85).into(), id(0x86).into()] },
        Event::LeaseEnded { decision, n: 4, lease: id(0x85).into(), cause: LeaseEnd::Released, reason: None },
        Event::LeaseEnded {
            decision,
            n: 5,
            lease: id(0x85).into(),
            cause: LeaseEnd::TakenOver,
            reason: Some(("she went home".into(), id(0x16).into())),
        },
        Event::Revoked {
            decision,
            n: 6,
            resolution: id(0x84).into(),
            code: ReasonCode::AgainstPolicy,
            reason: "the order was paid twice".into(),
            by: person,
            authority: (3, hash(5)),
        },
        resolved(ResolutionOutcome::Revoked, Vec::new()),
        Event::Compensated {
            decision,
            n: 8,
            result: Compensation::Done,
            reason: "the bank called it back".into(),
            by: person,
        },
    ]
}

fn id(number: u8) -> Uuid {
    Uuid::from_u128(0x01a19b7c_0000_7000_8000_000000000000 | u128::from(number))
}

fn hash(number: u8) -> Hash {
    Hash([number; 32])
}
