//! D6: logs in which people were reminded of a decision.

use super::*;

#[test]
fn the_deadline_reminds_of_what_is_open() {
    assert_eq!(failed(&reminded(VIEWED_ANNA, actor_engine())), []);
}

#[test]
fn nobody_else_reminds_and_nothing_that_is_resolved_is_reminded_of() {
    let by_anna = reminded(VIEWED_ANNA, actor(ActorKind::Person, ANNA, None));
    let mut late = healthy();
    late.push(leaf(late.len(), actor_engine(), &reminder(7)));

    assert!(of("D6", &by_anna).contains(&VIEWED_ANNA), "{:?}", failed(&by_anna));
    assert!(of("D6", &late).contains(&(late.len() - 1)), "{:?}", failed(&late));
}

/// The log up to an index, then a reminder.
fn reminded(index: usize, who: Actor) -> Vec<Leaf> {
    let mut leaves = healthy()[..index].to_vec();
    leaves.push(leaf(index, who, &reminder(3)));
    leaves
}

fn reminder(n: u64) -> Event {
    Event::Reminded { decision: DecisionId(id(50)), n, share: 50, due: at(9_000), invited: Some(person(BEN)) }
}

fn actor_engine() -> Actor {
    Actor::engine()
}
