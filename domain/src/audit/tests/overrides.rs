//! D6, D7 and D9: logs in which a person released what a rule had refused, and another one looked at that.

use countersign_ledger::leaf::Authz;

use super::*;
use crate::overrides::PostReviewResult;

// Indexes after the start of the healthy log.
const SENIOR: usize = PROPOSED;
const ROUTED: usize = PROPOSED + 2;
const REFUSED: usize = PROPOSED + 3;
const TOLD_NO: usize = PROPOSED + 4;
const VIEWED: usize = PROPOSED + 5;
const RELEASED: usize = PROPOSED + 6;
const APPROVED: usize = PROPOSED + 7;
const TOLD: usize = PROPOSED + 8;
const LOOKED_AT: usize = PROPOSED + 9;

#[test]
fn what_a_rule_refused_is_released_told_and_looked_at() {
    assert_eq!(failed(&overridden()), []);
}

#[test]
fn only_what_a_rule_refused_is_released_and_once() {
    let mut by_people = overridden();
    remove(&mut by_people[REFUSED], "cause");
    let mut twice = overridden();
    twice.insert(RELEASED, twice[RELEASED].clone());
    let mut by_nobody = overridden();
    by_nobody.remove(RELEASED);
    let mut another = overridden();
    set(&mut another[RELEASED], "resolution", entry(ROUTED).into());
    let mut rejected = overridden();
    set(&mut rejected[APPROVED], "outcome", "rejected".into());
    let open: Vec<_> =
        overridden().into_iter().enumerate().filter(|(at, _)| *at != REFUSED).map(|(_, leaf)| leaf).collect();

    assert!(of("D7", &by_people).contains(&RELEASED), "{:?}", failed(&by_people));
    assert!(of("D7", &twice).contains(&APPROVED), "{:?}", failed(&twice));
    assert!(of("D7", &by_nobody).contains(&RELEASED), "{:?}", failed(&by_nobody));
    assert_eq!(of("D7", &another), [RELEASED]);
    assert!(of("D7", &rejected).contains(&APPROVED), "{:?}", failed(&rejected));
    assert!(!of("D7", &open).is_empty());
}

#[test]
fn it_names_what_was_refused_and_what_was_shown() {
    for (member, wrong) in [
        ("content", Hash([9; 32]).into()),
        ("policy", id(99).to_string().into()),
        ("rule", 7u64.into()),
        ("seen", Hash([8; 32]).into()),
    ] {
        let mut log = overridden();
        set(&mut log[RELEASED], member, wrong);
        assert_eq!(of("D6", &log), [RELEASED], "{member}");
    }
    let mut resolved = overridden();
    set(&mut resolved[APPROVED], "rule", 7u64.into());
    let mut unseen = overridden();
    unseen[VIEWED].actor = ben();

    assert_eq!(of("D7", &resolved), [APPROVED]);
    assert_eq!(of("D6", &unseen), [RELEASED], "somebody else was shown it");
}

#[test]
fn who_releases_is_a_senior_approver_by_their_history() {
    let mut never_senior = overridden();
    set(&mut never_senior[SENIOR], "role", Role::Viewer.id().to_string().into());
    set_authority(&mut never_senior[RELEASED], 3, authority(3, &[Role::Approver, Role::Viewer]).set());
    let mut claimed = overridden();
    set_authority(&mut claimed[RELEASED], 2, authority(2, &[Role::Approver]).set());

    assert_eq!(of("D6", &never_senior), [RELEASED]);
    assert_eq!(of("D6", &claimed), [RELEASED]);
}

#[test]
fn nothing_is_released_while_its_system_is_paused() {
    let mut log = overridden();
    let paused = Event::SystemPaused { system: SystemId(sid(SYSTEM)), n: 2, reason: "wrong".into(), by: person(BEN) };
    let at = log[RELEASED].at;
    log.insert(RELEASED, Leaf { id: entry(90), at, ..leaf(RELEASED, ben(), &paused) });

    // What is told has a size that one entry more moves.
    assert!(of("D9", &log).contains(&(APPROVED + 1)), "{:?}", failed(&log));
}

#[test]
fn another_person_looks_at_it_once() {
    let mut own = overridden();
    own[LOOKED_AT].actor = anna();
    let mut alone = own.clone();
    alone[LOOKED_AT].authz = Some(Authz {
        ids: vec!["post_review_decision".into(), "single_operator".into()],
        rev: Hash([7; 32]),
        ok: true,
    });
    let mut by_the_agent = overridden();
    by_the_agent[LOOKED_AT].actor = agent();
    let mut of_nothing = overridden();
    of_nothing[LOOKED_AT].obj.as_mut().unwrap().id = entry(APPROVED);

    assert_eq!(of("D6", &own), [LOOKED_AT]);
    assert_eq!(failed(&alone), []);
    assert_eq!(of("D6", &by_the_agent), [LOOKED_AT]);
    assert_eq!(of("D6", &of_nothing), [LOOKED_AT]);
}

#[test]
fn what_was_released_may_be_revoked_and_that_is_looked_at_too() {
    let mut log = overridden();
    let revoked = Event::Revoked {
        decision: decision(),
        n: 8,
        resolution: EntryId(entry_id(APPROVED)),
        code: ReasonCode::AgainstPolicy,
        reason: "not upheld".into(),
        by: person(ANNA),
        authority: (3, authority(3, &[Role::Approver, Role::SeniorApprover]).set()),
    };
    let said = Event::Resolved {
        decision: decision(),
        n: 9,
        outcome: ResolutionOutcome::Revoked,
        content: content_digest(),
        policy: PolicyVersionId(id(60)),
        rule: 1,
        round: 1,
        reviews: Vec::new(),
    };
    let index = log.len();
    let looked_at = Event::PostReviewed {
        act: EntryId(entry_id(index)),
        result: PostReviewResult::Upheld,
        reason: "right".into(),
        by: person(BEN),
    };
    for (actor, event) in [(anna(), revoked), (Actor::engine(), said), (ben(), looked_at)] {
        log.push(leaf(log.len(), actor, &event));
    }

    assert_eq!(failed(&log), []);
}

/// A refusal by a rule that was told, released by Anna, told again, and looked at by Ben.
fn overridden() -> Vec<Leaf> {
    let (decision, policy, content) = (decision(), PolicyVersionId(id(60)), content_digest());
    let seen = Hash([5; 32]);
    let senior = Event::RoleAssigned {
        person: person(ANNA),
        n: 3,
        assignment: id(45).into(),
        holding: Holding::everywhere(Role::SeniorApprover),
        source: Source::Hand,
    };
    let type_id = DecisionTypeId(id(70));
    let proposed = Event::Proposed { decision, content, type_id, tier: Risk::High, source_n: None };
    let routed = Routed {
        rule: 1,
        route: Route::Deny,
        need: 0,
        reject_threshold: 1,
        due_at: at(100),
        on_timeout: OnTimeout::Deny,
        guards: Vec::new(),
    };
    let refused = Event::Resolved {
        decision,
        n: 3,
        outcome: ResolutionOutcome::Rejected,
        content,
        policy,
        rule: 1,
        round: 1,
        reviews: Vec::new(),
    };
    let told = |n, resolution: usize| Event::Released {
        decision,
        n,
        resolution: EntryId(entry_id(resolution)),
        size: resolution as u64 + 1,
    };
    let released = Event::Overridden {
        decision,
        n: 5,
        resolution: EntryId(entry_id(REFUSED)),
        code: ReasonCode::WithinPolicy,
        reason: "the customer showed the receipt".into(),
        by: person(ANNA),
        content,
        seen,
        policy,
        rule: 1,
        authority: (3, authority(3, &[Role::Approver, Role::SeniorApprover]).set()),
    };
    let looked_at = Event::PostReviewed {
        act: EntryId(entry_id(RELEASED)),
        result: PostReviewResult::NotUpheld,
        reason: "the receipt is another customer's".into(),
        by: person(BEN),
    };
    let tail = [
        (actor(ActorKind::Operator, 90, None), senior),
        (agent(), proposed),
        (Actor::engine(), Event::Routed { decision, n: 2, policy, routed }),
        (Actor::engine(), refused),
        (agent(), told(4, REFUSED)),
        (anna(), Event::Viewed { decision, upto: 4, seen }),
        (anna(), released),
        (Actor::engine(), Event::ResolvedByOverride { decision, n: 6, content, policy, rule: 1, round: 1 }),
        (agent(), told(7, APPROVED)),
        (ben(), looked_at),
    ];
    let start: Vec<_> = healthy().into_iter().take(PROPOSED).collect();
    let tail = (start.len()..).zip(tail).map(|(index, (actor, event))| leaf(index, actor, &event));
    let log: Vec<_> = start.iter().cloned().chain(tail).collect();
    assert_eq!(log[TOLD_NO].kind, log[TOLD].kind);
    log
}

fn decision() -> DecisionId {
    DecisionId(id(50))
}

fn content_digest() -> Hash {
    digest(Label::Content, &content_statement())
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
