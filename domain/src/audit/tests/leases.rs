//! Who rules holds a seat, and no more people hold one than reviews are missing.

use countersign_ledger::leaf::{Actor, ActorKind, Leaf};

use super::{
    ANNA, BEN, REVIEWED_ANNA, REVIEWED_BEN, ROUTED, SIGNED_IN_BEN, VIEWED_ANNA, VIEWED_BEN, actor, at, entry, entry_id,
    failed, healthy, id, leaf, of, person, set,
};
use crate::{
    event::Event,
    ids::{DecisionId, EntryId},
    lease::LeaseEnd,
};

/// Where the acts begin: after the routing and one view by each of the two.
const FIRST: usize = ROUTED + 3;

/// An act of the log below; the first of them stands at [`FIRST`].
enum Do {
    /// Takes a seat, naming claims by their place among the acts as run out.
    Take(u8, &'static [usize]),
    /// Ends a claim.
    End(u8, usize, LeaseEnd),
    Review(u8),
}

#[test]
fn reviews_by_those_who_hold_a_seat_pass_and_so_does_a_log_without_any() {
    assert_eq!(failed(&log(2, &[Do::Take(ANNA, &[]), Do::Take(BEN, &[]), Do::Review(ANNA), Do::Review(BEN)])), []);
    assert_eq!(failed(&log(2, &[Do::Review(ANNA), Do::Review(BEN)])), []);
    let anew = [Do::Take(ANNA, &[]), Do::End(ANNA, 0, LeaseEnd::Released), Do::Take(ANNA, &[]), Do::Review(ANNA)];
    assert_eq!(failed(&log(1, &anew)), []);
    let over = [Do::Take(ANNA, &[]), Do::End(BEN, 0, LeaseEnd::TakenOver), Do::Take(BEN, &[]), Do::Review(BEN)];
    assert_eq!(failed(&log(1, &over)), []);
    assert_eq!(failed(&log(1, &[Do::Take(ANNA, &[]), Do::Take(BEN, &[0]), Do::Review(BEN)])), []);
    assert_eq!(failed(&log(1, &[Do::Take(ANNA, &[]), Do::Take(ANNA, &[]), Do::Review(ANNA)])), [], "from elsewhere");
}

#[test]
fn a_review_without_a_seat_fails_from_the_first_claim_of_a_log_on() {
    let never = [Do::Take(ANNA, &[]), Do::Review(BEN)];
    let released = [Do::Take(ANNA, &[]), Do::End(ANNA, 0, LeaseEnd::Released), Do::Review(ANNA)];
    let taken_over = [Do::Take(ANNA, &[]), Do::End(BEN, 0, LeaseEnd::TakenOver), Do::Take(BEN, &[]), Do::Review(ANNA)];
    let run_out = [Do::Take(ANNA, &[]), Do::Take(BEN, &[0]), Do::Review(ANNA)];

    assert_eq!(of("D6", &log(2, &never)), [FIRST + 1]);
    assert_eq!(of("D6", &log(2, &released)), [FIRST + 2]);
    assert_eq!(of("D6", &log(1, &taken_over)), [FIRST + 3]);
    assert_eq!(of("D6", &log(1, &run_out)), [FIRST + 2]);
}

#[test]
fn another_route_ends_every_claim() {
    let mut rerouted = log(1, &[Do::Take(ANNA, &[])]);
    rerouted.push(moved(ROUTED, FIRST + 1, Some(4)));
    rerouted.push(review(ANNA, FIRST + 2, 5));

    assert_eq!(of("D6", &rerouted), [FIRST + 2]);
}

#[test]
fn no_more_people_hold_a_seat_than_reviews_are_missing() {
    assert_eq!(of("D6", &log(1, &[Do::Take(ANNA, &[]), Do::Take(BEN, &[])])), [FIRST + 1]);
    let second = [Do::Take(ANNA, &[]), Do::Review(ANNA), Do::Take(BEN, &[]), Do::Take(ANNA, &[])];
    assert_eq!(of("D6", &log(2, &second)), [FIRST + 3], "one review is missing after the first");
}

#[test]
fn a_claim_is_ended_once_by_its_holder_or_with_a_reason_by_another() {
    let twice = [Do::Take(ANNA, &[]), Do::End(ANNA, 0, LeaseEnd::Released), Do::End(ANNA, 0, LeaseEnd::Released)];
    assert_eq!(of("D6", &log(1, &twice)), [FIRST + 2]);
    assert_eq!(of("D6", &log(1, &[Do::Take(ANNA, &[]), Do::End(BEN, 0, LeaseEnd::Released)])), [FIRST + 1]);
    assert_eq!(of("D6", &log(1, &[Do::Take(ANNA, &[]), Do::End(ANNA, 0, LeaseEnd::TakenOver)])), [FIRST + 1]);
    let mut without = log(1, &[Do::Take(ANNA, &[]), Do::End(BEN, 0, LeaseEnd::TakenOver)]);
    without[FIRST + 1].cm.clear();
    assert_eq!(of("D6", &without), [FIRST + 1]);
    let named = [Do::Take(ANNA, &[]), Do::End(ANNA, 0, LeaseEnd::Released), Do::Take(BEN, &[0])];
    assert_eq!(of("D6", &log(1, &named)), [FIRST + 2], "it did not run out");
}

/// A log whose decision asks for so many approvals, with these acts after it was shown to both.
fn log(need: u64, acts: &[Do]) -> Vec<Leaf> {
    let mut log: Vec<_> = healthy().into_iter().take(ROUTED + 1).collect();
    set(&mut log[ROUTED], "need", need.into());
    for view in [VIEWED_ANNA, VIEWED_BEN] {
        let place = log.len();
        log.push(moved(view, place, None));
    }
    for (act, n) in acts.iter().zip(3..) {
        let place = log.len();
        let decision = DecisionId(id(50));
        log.push(match act {
            Do::Take(by, lapsed) => {
                let lapsed = lapsed.iter().map(|act| EntryId(entry_id(FIRST + act))).collect();
                leaf(place, who(*by), &Event::Leased { decision, n, until: at(90), lapsed })
            }
            Do::End(by, act, cause) => {
                let lease = EntryId(entry_id(FIRST + act));
                let reason = (*cause == LeaseEnd::TakenOver).then(|| ("gone home".to_owned(), person(*by)));
                leaf(place, who(*by), &Event::LeaseEnded { decision, n, lease, cause: *cause, reason })
            }
            Do::Review(by) => review(*by, place, n),
        });
    }
    log
}

fn review(by: u8, place: usize, n: u64) -> Leaf {
    moved(if by == ANNA { REVIEWED_ANNA } else { REVIEWED_BEN }, place, Some(n))
}

/// An entry of the healthy log at another place, as another act.
fn moved(index: usize, place: usize, n: Option<u64>) -> Leaf {
    let moved = healthy().remove(index);
    let mut moved = Leaf { id: entry(place), at: at(place as u64), ..moved };
    if let (Some(obj), Some(n)) = (&mut moved.obj, n) {
        obj.n = Some(n);
    }
    if let (Some(obj), None) = (&mut moved.obj, n) {
        obj.upto = Some(2);
    }
    moved
}

fn who(by: u8) -> Actor {
    let via = if by == ANNA { 3 } else { SIGNED_IN_BEN };
    actor(ActorKind::Person, by, Some(via))
}
