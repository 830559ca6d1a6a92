//! A review that names an act on several decisions was given by who sent it, as it was sent, once per decision.

use countersign_ledger::leaf::{Actor, ActorKind, Leaf};

use super::{
    ANNA, BEN, KEY_ISSUED, REVIEWED_ANNA, SIGNED_IN_BEN, SYSTEM, actor, at, entry, failed, healthy, id, leaf, of, set,
};
use crate::{
    decision::{ReasonCode, Verdict},
    event::Event,
    ids::{BulkRunId, PolicyVersionId},
};

#[test]
fn a_review_follows_from_the_act_that_it_names() {
    assert_eq!(failed(&log(anna(), &started())), []);
}

#[test]
fn an_act_that_nobody_sent_or_somebody_else_or_another_ruling_fails_d6() {
    let mut unsent = log(anna(), &started());
    set(&mut unsent[REVIEWED_ANNA + 1], "bulk", id(78).hyphenated().to_string().into());
    assert_eq!(of("D6", &unsent), [REVIEWED_ANNA + 1]);

    let ben = actor(ActorKind::Person, BEN, Some(SIGNED_IN_BEN));
    assert_eq!(of("D6", &log(ben, &started())), [REVIEWED_ANNA + 1]);

    for (name, other) in [("verdict", "reject"), ("code", "other")] {
        let mut differs = log(anna(), &started());
        set(&mut differs[REVIEWED_ANNA], name, other.into());
        assert_eq!(of("D6", &differs), [REVIEWED_ANNA + 1], "{name}");
    }
}

#[test]
fn an_act_of_too_many_of_a_machine_or_of_another_ruling_fails_d6() {
    for count in [0, 51] {
        assert!(of("D6", &log(anna(), &of_many(count, Verdict::Approve))).contains(&REVIEWED_ANNA), "{count}");
    }
    let escalating = of_many(2, Verdict::Escalate);
    assert!(of("D6", &log(anna(), &escalating)).contains(&REVIEWED_ANNA));
    let agent = actor(ActorKind::Agent, SYSTEM, Some(KEY_ISSUED));
    assert!(of("D6", &log(agent, &started())).contains(&REVIEWED_ANNA));
}

#[test]
fn a_decision_is_reviewed_once_by_an_act_and_no_more_than_it_says() {
    let mut twice = log(anna(), &started());
    twice.push(review(REVIEWED_ANNA + 2, 4));

    assert!(of("D6", &twice).contains(&(REVIEWED_ANNA + 2)));
}

/// The log up to a review that was sent with others.
fn log(sender: Actor, event: &Event) -> Vec<Leaf> {
    let mut log: Vec<_> = healthy().into_iter().take(REVIEWED_ANNA).collect();
    log.push(leaf(REVIEWED_ANNA, sender, event));
    log.push(review(REVIEWED_ANNA + 1, 3));
    log
}

fn review(index: usize, n: u64) -> Leaf {
    let given = healthy().remove(REVIEWED_ANNA);
    let mut review = Leaf { id: entry(index), at: at(index as u64), ..given };
    if let Some(obj) = &mut review.obj {
        obj.n = Some(n);
    }
    set(&mut review, "bulk", id(77).hyphenated().to_string().into());
    review
}

fn started() -> Event {
    of_many(2, Verdict::Approve)
}

fn of_many(count: u64, verdict: Verdict) -> Event {
    Event::BulkStarted {
        bulk: BulkRunId(id(77)),
        count,
        verdict,
        code: ReasonCode::WithinPolicy,
        policy: PolicyVersionId(id(60)),
    }
}

fn anna() -> Actor {
    actor(ActorKind::Person, ANNA, Some(3))
}
