//! D6 and D9: logs in which a grant approved what nobody was asked about.

use countersign_ledger::leaf::Authz;

use super::*;
use crate::ids::GrantId;

// Indexes after the start of the healthy log.
const REQUESTED: usize = PROPOSED + 1;
const ACTIVATED: usize = PROPOSED + 2;
const PROPOSAL: usize = PROPOSED + 3;
const SENT: usize = PROPOSED + 4;
const USED: usize = PROPOSED + 5;
const APPROVED: usize = PROPOSED + 6;
const EXHAUSTED: usize = PROPOSED + 7;

#[test]
fn a_grant_is_asked_for_activated_by_another_used_and_used_up() {
    assert_eq!(failed(&granted()), []);
}

#[test]
fn somebody_else_with_the_right_activates_it() {
    let mut own = granted();
    own[REQUESTED].actor = anna();
    let mut alone = own.clone();
    alone[ACTIVATED].authz =
        Some(Authz { ids: vec!["activate_grant".into(), "single_operator".into()], rev: Hash([7; 32]), ok: true });
    let mut approver = granted();
    set(&mut approver[SENIOR], "role", Role::Viewer.id().to_string().into());
    set_authority(&mut approver[ACTIVATED], 3, authority(3, &[Role::Approver, Role::Viewer]).set());
    let mut by_the_agent = granted();
    by_the_agent[REQUESTED].actor = agent();
    let mut longer = granted();
    set(&mut longer[ACTIVATED], "until", at(90_000).into());

    assert_eq!(of("D6", &own), [ACTIVATED]);
    assert_eq!(failed(&alone), []);
    assert_eq!(of("D6", &approver), [ACTIVATED]);
    assert_eq!(of("D6", &by_the_agent), [REQUESTED]);
    assert_eq!(of("D6", &longer), [ACTIVATED]);
}

#[test]
fn it_is_used_within_its_system_type_uses_and_time_only() {
    for (index, member, wrong) in [
        (REQUESTED, "system", sid(9).to_string().into()),
        (REQUESTED, "type", id(71).to_string().into()),
        (PROPOSAL, "tier", "high".into()),
        (SENT, "need", 2u64.into()),
        (USED, "number", 2u64.into()),
        (USED, "decision", id(51).to_string().into()),
    ] {
        let mut log = granted();
        set(&mut log[index], member, wrong);
        assert!(of("D6", &log).contains(&USED), "{member}: {:?}", failed(&log));
    }
    let mut late = granted();
    set(&mut late[ACTIVATED], "until", at(ACTIVATED as u64).into());
    late[USED].at += 60_000;
    let mut guarded = granted();
    set(&mut guarded[SENT], "guards", Value::array(["guard_amount"]));
    let mut refused = granted();
    refused[ACTIVATED].kind = "grant.refused".into();
    refused[ACTIVATED].d = None;

    assert!(of("D6", &late).contains(&USED));
    assert_eq!(of("D6", &guarded), [USED]);
    assert!(of("D6", &refused).contains(&USED));
}

#[test]
fn what_a_grant_approves_names_the_grant_that_was_used_for_it() {
    let mut unused = granted();
    unused.remove(USED);
    let mut another = granted();
    set(&mut another[APPROVED], "grant", id(0xf1).to_string().into());
    let mut rejected = granted();
    set(&mut rejected[APPROVED], "outcome", "rejected".into());
    let mut denied = granted();
    set(&mut denied[SENT], "route", "deny".into());

    assert!(of("D6", &unused).contains(&USED), "{:?}", failed(&unused));
    assert_eq!(of("D6", &another), [APPROVED]);
    assert_eq!(of("D6", &rejected), [APPROVED]);
    assert_eq!(of("D6", &denied), [USED]);
}

#[test]
fn it_ends_once_and_when_it_may() {
    let mut early = granted();
    set(&mut early[REQUESTED], "uses", 2u64.into());
    let mut not_over = granted();
    not_over[EXHAUSTED].kind = "grant.expired".into();
    let mut twice = granted();
    let revoked = Event::GrantRevoked { grant: grant(), n: 5, reason: "no".into(), by: person(BEN) };
    twice.push(leaf(twice.len(), ben(), &revoked));

    assert_eq!(of("D6", &early), [EXHAUSTED]);
    assert_eq!(of("D6", &not_over), [EXHAUSTED]);
    assert_eq!(of("D6", &twice), [EXHAUSTED + 1]);
}

#[test]
fn a_grant_approves_nothing_while_its_system_is_paused() {
    let mut log = granted();
    let paused = Event::SystemPaused { system: SystemId(sid(SYSTEM)), n: 2, reason: "wrong".into(), by: person(BEN) };
    let at = log[USED].at;
    log.insert(USED, Leaf { id: entry(90), at, ..leaf(USED, ben(), &paused) });

    assert_eq!(of("D9", &log), [APPROVED + 1]);
}

const SENIOR: usize = PROPOSED;

/// Ben asks for one use, Anna activates it, and the agent makes it.
fn granted() -> Vec<Leaf> {
    let (decision, policy) = (DecisionId(id(50)), PolicyVersionId(id(60)));
    let content = digest(Label::Content, &content_statement());
    let senior = Event::RoleAssigned {
        person: person(ANNA),
        n: 3,
        assignment: id(45).into(),
        holding: Holding::everywhere(Role::SeniorApprover),
        source: Source::Hand,
    };
    let requested = Event::GrantRequested {
        grant: grant(),
        system: SystemId(sid(SYSTEM)),
        type_id: DecisionTypeId(id(70)),
        uses: 1,
        seconds: 86_400,
        scope: "[]".into(),
        reason: "the same each time".into(),
        by: person(BEN),
    };
    let activated = Event::GrantActivated {
        grant: grant(),
        n: 2,
        until: at(86_400),
        reason: "so it is".into(),
        by: person(ANNA),
        authority: (3, authority(3, &[Role::Approver, Role::SeniorApprover]).set()),
    };
    let type_id = DecisionTypeId(id(70));
    let proposed = Event::Proposed { decision, content, type_id, tier: Risk::Low, source_n: None };
    let routed = Routed {
        rule: 1,
        route: Route::Require,
        need: 1,
        reject_threshold: 1,
        due_at: at(100),
        on_timeout: OnTimeout::Deny,
        guards: Vec::new(),
    };
    let tail = [
        (actor(ActorKind::Operator, 90, None), senior),
        (ben(), requested),
        (anna(), activated),
        (agent(), proposed),
        (Actor::engine(), Event::Routed { decision, n: 2, policy, routed }),
        (Actor::engine(), Event::GrantUsed { grant: grant(), n: 3, decision, number: 1 }),
        (
            Actor::engine(),
            Event::ResolvedByGrant { decision, n: 3, content, policy, rule: 1, round: 1, grant: grant() },
        ),
        (Actor::engine(), Event::GrantExhausted { grant: grant(), n: 4 }),
    ];
    let start: Vec<_> = healthy().into_iter().take(PROPOSED).collect();
    let tail = (start.len()..).zip(tail).map(|(index, (actor, event))| leaf(index, actor, &event));
    start.iter().cloned().chain(tail).collect()
}

fn grant() -> GrantId {
    GrantId(id(0xf0))
}

fn anna() -> Actor {
    actor(ActorKind::Person, ANNA, Some(3))
}

fn ben() -> Actor {
    actor(ActorKind::Person, BEN, Some(SIGNED_IN_BEN))
}

fn agent() -> Actor {
    actor(ActorKind::Agent, SYSTEM, Some(KEY_ISSUED))
}
