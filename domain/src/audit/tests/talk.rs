//! Comments change nothing that is judged, and are by people; a question is answered once, by who was asked.

use countersign_ledger::{
    leaf::{Actor, ActorKind, Leaf},
    value::Value,
};

use super::{
    ANNA, BEN, KEY_ISSUED, REPORTED, RESOLVED, REVIEWED_ANNA, REVIEWED_BEN, SIGNED_IN_BEN, SYSTEM, actor, at, entry,
    entry_id, failed, healthy, id, leaf, of, person, set, sid,
};
use crate::{
    event::Event,
    ids::{DecisionId, EntryId, HandoverId, PersonId, SystemId},
    role_request::RoleAnswer,
};

#[test]
fn comments_change_nothing_that_is_judged_before_and_after_the_resolution() {
    let mut log: Vec<_> = healthy().into_iter().take(REVIEWED_BEN).collect();
    log.push(leaf(REVIEWED_BEN, anna(), &commented(4, ANNA, Some(BEN), None)));
    log.push(later(REVIEWED_BEN));
    let mut resolution = later(RESOLVED);
    set(&mut resolution, "reviews", Value::array([entry(REVIEWED_ANNA).as_str(), entry(REVIEWED_BEN + 1).as_str()]));
    log.push(resolution);
    log.push(leaf(RESOLVED + 2, ben(), &commented(7, BEN, None, Some(REVIEWED_BEN))));

    assert_eq!(failed(&log), []);
}

#[test]
fn an_agent_never_comments() {
    let log = after(vec![(agent(), commented(8, ANNA, None, None))]);

    assert_eq!(of("D6", &log), [REPORTED + 1]);
}

#[test]
fn a_question_is_answered_once_and_by_who_was_asked() {
    let first = REPORTED + 1;
    let ask = || (anna(), commented(8, ANNA, Some(BEN), None));
    let by_ben = |n| (ben(), commented(n, BEN, None, Some(first)));
    let by_anna = || (anna(), commented(9, ANNA, None, Some(first)));

    assert_eq!(failed(&after(vec![ask(), by_ben(9)])), []);
    assert_eq!(of("D6", &after(vec![ask(), by_anna()])), [first + 1]);
    assert_eq!(of("D6", &after(vec![ask(), by_ben(9), by_ben(10)])), [first + 2]);
    let unasked = after(vec![(anna(), commented(8, ANNA, None, None)), by_ben(9)]);
    assert_eq!(of("D6", &unasked), [first + 1], "a comment that asks nothing");
}

#[test]
fn a_note_is_ended_once_and_after_it_was_left() {
    let first = REPORTED + 1;
    let ended = |n| (ben(), Event::HandoverEnded { handover: handover(), n });

    assert_eq!(failed(&after(vec![(anna(), noted()), ended(2)])), []);
    assert_eq!(of("D2", &after(vec![(anna(), noted()), ended(2), ended(3)])), [first + 2]);
    assert_eq!(of("D2", &after(vec![ended(1)])), [first]);
    assert_eq!(of("D6", &after(vec![(agent(), noted())])), [first]);
}

#[test]
fn a_request_for_a_role_is_ones_own_and_is_answered_once() {
    let first = REPORTED + 1;
    let asked = |n| Event::RoleRequested { person: person(ANNA), n, role: None, page: None, reason: "to help".into() };
    let answered = |n| Event::RoleRequestAnswered {
        person: person(ANNA),
        n,
        request: EntryId(entry_id(first)),
        answer: RoleAnswer::Refused,
        reason: "not yet".into(),
        by: person(BEN),
    };
    let n = healthy().iter().filter(|leaf| is_about(leaf, ANNA)).count() as u64;

    assert_eq!(failed(&after(vec![(anna(), asked(n + 1)), (ben(), answered(n + 2)), (anna(), asked(n + 3))])), []);
    assert_eq!(of("D6", &after(vec![(ben(), asked(n + 1))])), [first], "by somebody else");
    assert_eq!(of("D6", &after(vec![(anna(), asked(n + 1)), (anna(), asked(n + 2))])), [first + 1], "two at a time");
    let twice = after(vec![(anna(), asked(n + 1)), (ben(), answered(n + 2)), (ben(), answered(n + 3))]);
    assert_eq!(of("D6", &twice), [first + 2]);
    assert_eq!(of("D6", &after(vec![(ben(), answered(n + 1))])), [first], "nothing was asked");
    let oneself = after(vec![(anna(), asked(n + 1)), (anna(), answered(n + 2))]);
    assert_eq!(of("D6", &oneself), [first + 1], "nobody answers their own");
}

fn is_about(leaf: &Leaf, who: u8) -> bool {
    leaf.obj
        .as_ref()
        .is_some_and(|obj| obj.t == "person" && obj.n.is_some() && obj.id == sid(who).hyphenated().to_string())
}

fn after(tail: Vec<(Actor, Event)>) -> Vec<Leaf> {
    let mut log = healthy();
    log.truncate(REPORTED + 1);
    let start = log.len();
    log.extend((start..).zip(tail).map(|(index, (actor, event))| leaf(index, actor, &event)));
    log
}

/// An entry of the healthy log, one place and one act later.
fn later(index: usize) -> Leaf {
    let moved = healthy().remove(index);
    let mut moved = Leaf { id: entry(index + 1), at: at(index as u64 + 1), ..moved };
    if let Some(obj) = &mut moved.obj {
        obj.n = obj.n.map(|n| n + 1);
    }
    moved
}

fn commented(n: u64, by: u8, asks: Option<u8>, answers: Option<usize>) -> Event {
    let asks = asks.map(person);
    let mentions: Vec<PersonId> = asks.into_iter().collect();
    let answers = answers.map(|index| EntryId(entry_id(index)));
    let comment = "looks odd".to_owned();
    Event::Commented { decision: DecisionId(id(50)), n, comment, by: person(by), mentions, asks, answers }
}

fn noted() -> Event {
    let system = Some(SystemId(sid(SYSTEM)));
    Event::HandoverNoted {
        handover: handover(),
        system,
        until: at(100),
        note: "mind the queue".into(),
        by: person(ANNA),
    }
}

fn handover() -> HandoverId {
    HandoverId(id(77))
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
