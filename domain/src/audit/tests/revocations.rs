//! D6 and D7: logs in which an approval was taken back.

use crate::revocation::Compensation;

use super::*;

// Indexes after the healthy log.
const SENIOR: usize = REPORTED + 1;
const REVOKED: usize = REPORTED + 2;
const SAID: usize = REPORTED + 3;
const MADE_GOOD: usize = REPORTED + 4;

#[test]
fn an_approval_that_had_run_is_revoked_and_made_good() {
    assert_eq!(failed(&revoked()), []);
}

#[test]
fn an_approval_is_revoked_before_it_was_told() {
    let log = log(&healthy()[..RELEASED], 6);
    let told = Event::Released { decision: decision(), n: 8, resolution: EntryId(entry_id(RELEASED + 2)), size: 20 };
    let mut told_of_it = log[..RELEASED + 3].to_vec();
    told_of_it.push(leaf(told_of_it.len(), agent(), &told));
    let mut told_otherwise = told_of_it.clone();
    set(told_otherwise.last_mut().unwrap(), "resolution", entry(RESOLVED).into());

    assert_eq!(failed(&told_of_it), []);
    assert_eq!(of("D7", &told_otherwise), [RELEASED + 3], "the approval is told no more");
    assert_eq!(of("D7", &log), [RELEASED + 3], "nothing ran, so nothing is made good");
}

#[test]
fn only_what_was_approved_is_revoked_and_once() {
    let mut rejected = revoked();
    set(&mut rejected[RESOLVED], "outcome", "rejected".into());
    let open = log(&healthy()[..RESOLVED], 5);
    let mut twice = revoked();
    twice.insert(REVOKED, twice[REVOKED].clone());
    let mut by_nobody = revoked();
    by_nobody.remove(REVOKED);
    let mut other = revoked();
    set(&mut other[SAID], "content", Value::from(Hash([9; 32])));
    let mut named = revoked();
    set(&mut named[REVOKED], "resolution", entry(RELEASED).into());
    let mut approved_again = revoked();
    set(&mut approved_again[SAID], "outcome", "approved".into());

    assert!(of("D7", &rejected).contains(&REVOKED), "{:?}", failed(&rejected));
    assert_eq!(of("D7", &open), [RESOLVED + 1]);
    assert!(of("D7", &twice).contains(&SAID), "{:?}", failed(&twice));
    assert!(of("D7", &by_nobody).contains(&REVOKED), "{:?}", failed(&by_nobody));
    assert_eq!(of("D7", &other), [SAID]);
    assert_eq!(of("D7", &named), [REVOKED]);
    assert!(of("D7", &approved_again).contains(&SAID), "{:?}", failed(&approved_again));
}

#[test]
fn who_revokes_is_a_senior_approver_by_their_history() {
    let mut never_senior = revoked();
    set(&mut never_senior[SENIOR], "role", Role::Viewer.id().to_string().into());
    set_authority(&mut never_senior[REVOKED], 3, authority(3, &[Role::Approver, Role::Viewer]).set());
    let mut claimed = revoked();
    set_authority(&mut claimed[REVOKED], 2, authority(2, &[Role::Approver]).set());

    assert_eq!(of("D6", &never_senior), [REVOKED]);
    assert_eq!(of("D6", &claimed), [REVOKED]);
}

#[test]
fn a_person_says_what_was_done_about_what_was_revoked() {
    let mut by_the_agent = revoked();
    by_the_agent[MADE_GOOD].actor = agent();
    let mut not_revoked = healthy();
    not_revoked.push(leaf(SENIOR, anna(), &made_good(8)));

    assert_eq!(of("D6", &by_the_agent), [MADE_GOOD]);
    assert_eq!(of("D7", &not_revoked), [SENIOR]);
}

/// The healthy log, whose action ran; then it was revoked and made good.
fn revoked() -> Vec<Leaf> {
    log(&healthy(), 8)
}

/// A log with a revocation after it, whose acts have the numbers from `n` on.
fn log(start: &[Leaf], n: u64) -> Vec<Leaf> {
    let senior = Event::RoleAssigned {
        person: person(ANNA),
        n: 3,
        assignment: id(45).into(),
        holding: Holding::everywhere(Role::SeniorApprover),
        source: Source::Hand,
    };
    let revoked = Event::Revoked {
        decision: decision(),
        n,
        resolution: EntryId(entry_id(RESOLVED)),
        code: ReasonCode::AgainstPolicy,
        reason: "paid twice".into(),
        by: person(ANNA),
        authority: (3, authority(3, &[Role::Approver, Role::SeniorApprover]).set()),
    };
    let said = Event::Resolved {
        decision: decision(),
        n: n + 1,
        outcome: ResolutionOutcome::Revoked,
        content: digest(Label::Content, &content_statement()),
        policy: PolicyVersionId(id(60)),
        rule: 1,
        round: 1,
        reviews: Vec::new(),
    };
    let acts = [
        (actor(ActorKind::Operator, 90, None), senior),
        (anna(), revoked),
        (Actor::engine(), said),
        (anna(), made_good(n + 2)),
    ];
    let tail = (start.len()..).zip(acts).map(|(index, (actor, event))| leaf(index, actor, &event));
    start.iter().cloned().chain(tail).collect()
}

fn made_good(n: u64) -> Event {
    Event::Compensated {
        decision: decision(),
        n,
        result: Compensation::Done,
        reason: "called back".into(),
        by: person(ANNA),
    }
}

fn decision() -> DecisionId {
    DecisionId(id(50))
}

fn anna() -> Actor {
    actor(ActorKind::Person, ANNA, Some(3))
}

fn agent() -> Actor {
    actor(ActorKind::Agent, SYSTEM, Some(KEY_ISSUED))
}
