//! D9: logs in which a system was paused.

use countersign_ledger::leaf::Authz;

use super::*;

/// The log before anything was proposed, as long as the tails below count on.
const START: usize = PROPOSED;

#[test]
fn what_is_proposed_during_a_pause_is_rejected_for_it() {
    let log = log(vec![
        (anna(), paused(2)),
        (agent(), proposed()),
        (Actor::engine(), routed(Route::AutoApprove)),
        (Actor::engine(), by_pause()),
        (agent(), released(START + 3)),
        (ben(), resumed(3, START)),
    ]);

    assert_eq!(failed(&log), []);
    let checks = run(&log);
    assert!(checks.iter().any(|(check, status, _)| (*check, *status) == ("D9", Status::Passed)), "{checks:?}");
}

#[test]
fn who_paused_never_resumes_unless_nobody_else_is_there() {
    let own = log(vec![(anna(), paused(2)), (anna(), resumed(3, START))]);
    let mut alone = own.clone();
    alone[START + 1].authz =
        Some(Authz { ids: vec!["resume_system".into(), "single_operator".into()], rev: Hash([7; 32]), ok: true });

    assert_eq!(of("D9", &own), [START + 1]);
    assert_eq!(failed(&alone), []);
}

#[test]
fn an_approval_told_during_a_pause_fails_d9() {
    let resolved: Vec<_> = healthy().into_iter().take(RELEASED).collect();
    let during = extended(&resolved, vec![(anna(), paused(2)), (agent(), released_at(RESOLVED, 6))]);
    let after = extended(
        &resolved,
        vec![(anna(), paused(2)), (ben(), resumed(3, RELEASED)), (agent(), released_at(RESOLVED, 6))],
    );

    assert_eq!(of("D9", &during), [RELEASED + 1]);
    assert_eq!(failed(&after), []);
}

#[test]
fn a_rule_that_approves_during_a_pause_fails_d9() {
    let proposed_before = log(vec![
        (agent(), proposed()),
        (Actor::engine(), routed(Route::AutoApprove)),
        (anna(), paused(2)),
        (Actor::engine(), by_rule(ResolutionOutcome::Approved)),
    ]);
    let proposed_during = log(vec![
        (anna(), paused(2)),
        (agent(), proposed()),
        (Actor::engine(), routed(Route::Deny)),
        (Actor::engine(), by_rule(ResolutionOutcome::Rejected)),
    ]);

    assert_eq!(of("D9", &proposed_before), [START + 3]);
    assert_eq!(of("D9", &proposed_during), [START + 3], "it names another cause than the pause");
}

#[test]
fn people_may_approve_during_a_pause() {
    let mut log: Vec<_> = healthy().into_iter().take(REVIEWED_BEN).collect();
    log = extended(&log, vec![(anna(), paused(2))]);
    let (review, mut resolution) = (healthy().remove(REVIEWED_BEN), healthy().remove(RESOLVED));
    set(&mut resolution, "reviews", Value::array([entry(REVIEWED_ANNA).as_str(), entry(REVIEWED_BEN + 1).as_str()]));
    for (leaf, index) in [(review, REVIEWED_BEN + 1), (resolution, RESOLVED + 1)] {
        log.push(Leaf { id: entry(index), at: at(index as u64), ..leaf });
    }

    assert_eq!(failed(&log), []);
}

#[test]
fn pauses_begin_and_end_once() {
    let twice = log(vec![(anna(), paused(2)), (ben(), paused(3))]);
    let never = log(vec![(anna(), resumed(2, START))]);
    let another = log(vec![(anna(), paused(2)), (ben(), resumed(3, KEY_ISSUED))]);
    let not_paused =
        log(vec![(agent(), proposed()), (Actor::engine(), routed(Route::Require)), (Actor::engine(), by_pause())]);

    assert_eq!(of("D9", &twice), [START + 1]);
    assert_eq!(of("D9", &never), [START]);
    assert_eq!(of("D9", &another), [START + 1]);
    assert_eq!(of("D9", &not_paused), [START + 2]);
}

#[test]
fn a_pause_rejects_and_nothing_else() {
    let mut log = log(vec![
        (anna(), paused(2)),
        (agent(), proposed()),
        (Actor::engine(), routed(Route::Require)),
        (Actor::engine(), by_pause()),
    ]);
    set(&mut log[START + 3], "outcome", "approved".into());

    assert_eq!(of("D6", &log), [START + 3]);
}

fn log(tail: Vec<(Actor, Event)>) -> Vec<Leaf> {
    let start: Vec<_> = healthy().into_iter().take(START).collect();
    extended(&start, tail)
}

fn extended(start: &[Leaf], tail: Vec<(Actor, Event)>) -> Vec<Leaf> {
    let tail = (start.len()..).zip(tail).map(|(index, (actor, event))| leaf(index, actor, &event));
    start.iter().cloned().chain(tail).collect()
}

fn paused(n: u64) -> Event {
    Event::SystemPaused { system: SystemId(sid(SYSTEM)), n, reason: "wrong refunds".into(), by: person(ANNA) }
}

fn resumed(n: u64, pause: usize) -> Event {
    let pause = EntryId(entry_id(pause));
    Event::SystemResumed { system: SystemId(sid(SYSTEM)), n, pause, reason: "mended".into(), by: person(BEN) }
}

fn proposed() -> Event {
    let (content, type_id) = (content_digest(), DecisionTypeId(id(70)));
    Event::Proposed { decision: DecisionId(id(50)), content, type_id, tier: Risk::High, source_n: None }
}

fn routed(route: Route) -> Event {
    let routed = Routed {
        rule: 1,
        route,
        need: 0,
        reject_threshold: 1,
        due_at: at(100),
        on_timeout: OnTimeout::Deny,
        guards: Vec::new(),
    };
    Event::Routed { decision: DecisionId(id(50)), n: 2, policy: PolicyVersionId(id(60)), routed }
}

fn by_pause() -> Event {
    let (decision, policy) = (DecisionId(id(50)), PolicyVersionId(id(60)));
    Event::ResolvedByPause { decision, n: 3, content: content_digest(), policy, rule: 1, round: 1 }
}

fn by_rule(outcome: ResolutionOutcome) -> Event {
    Event::Resolved {
        decision: DecisionId(id(50)),
        n: 3,
        outcome,
        content: content_digest(),
        policy: PolicyVersionId(id(60)),
        rule: 1,
        round: 1,
        reviews: Vec::new(),
    }
}

fn released(resolution: usize) -> Event {
    released_at(resolution, 4)
}

fn released_at(resolution: usize, n: u64) -> Event {
    let size = resolution as u64 + 1;
    Event::Released { decision: DecisionId(id(50)), n, resolution: EntryId(entry_id(resolution)), size }
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
