//! Who owns a system reviews nothing that it proposes, and nothing that they said before counts.

use countersign_ledger::leaf::Authz;

use super::*;

#[test]
fn an_owner_who_reviews_nothing_passes_and_so_does_a_former_one() {
    let elsewhere = log(PROPOSED, named(Some(9), 2));
    let former = [(PROPOSED, named(Some(ANNA), 2)), (PROPOSED + 1, named(None, 3))];
    let former = former.into_iter().fold(healthy(), |log, (place, event)| inserted(&log, place, &event));

    assert_eq!(failed(&elsewhere), []);
    assert_eq!(failed(&former), []);
}

#[test]
fn a_review_by_the_owner_fails_d6_unless_nobody_else_is_there() {
    let own = log(PROPOSED, named(Some(ANNA), 2));
    let mut alone = own.clone();
    for review in [REVIEWED_ANNA, REVIEWED_BEN] {
        alone[review + 1].authz = Some(Authz {
            ids: vec!["review_as_approver".into(), "single_operator".into()],
            rev: Hash([7; 32]),
            ok: true,
        });
    }

    assert_eq!(of("D6", &own), [REVIEWED_ANNA + 1]);
    assert_eq!(failed(&alone), []);
}

#[test]
fn what_somebody_said_before_they_became_the_owner_does_not_count() {
    let log = log(RESOLVED, named(Some(BEN), 2));

    assert_eq!(of("D6", &log), [RESOLVED + 1]);
}

fn named(owner: Option<u8>, n: u64) -> Event {
    Event::OwnerNamed {
        system: SystemId(sid(SYSTEM)),
        n,
        owner: owner.map(person),
        reason: "runs it".into(),
        by: person(ANNA),
    }
}

fn log(place: usize, event: Event) -> Vec<Leaf> {
    inserted(&healthy(), place, &event)
}

/// The log with one act more, done by Anna at this place; what names an entry behind it names it still.
fn inserted(log: &[Leaf], place: usize, event: &Event) -> Vec<Leaf> {
    let moved = |index: usize| if index >= place { index + 1 } else { index };
    let mut longer: Vec<Leaf> = log
        .iter()
        .enumerate()
        .map(|(index, leaf)| Leaf { id: entry(moved(index)), at: at(moved(index) as u64), ..leaf.clone() })
        .collect();
    longer.insert(place, leaf(place, actor(ActorKind::Person, ANNA, Some(3)), event));
    for leaf in &mut longer {
        let d = leaf.d.clone();
        let named = |name: &str| d.as_ref().and_then(|d| d.get(name)).cloned();
        if let Some(reviews) = named("reviews") {
            let reviews: Vec<_> = reviews.as_array().unwrap().iter().map(|one| renamed(one, place)).collect();
            set(leaf, "reviews", Value::array(reviews));
        }
        if let Some(resolution) = named("resolution") {
            set(leaf, "resolution", renamed(&resolution, place).into());
        }
        if let Some(size) = named("size").and_then(|size| size.as_integer()) {
            set(leaf, "size", (size + 1).into());
        }
    }
    longer
}

/// The id of an entry after one was put in at this place.
fn renamed(id: &Value, place: usize) -> String {
    let of = |index: &usize| Some(entry(*index).as_str()) == id.as_text();
    let index = (0..=REPORTED + 2).find(of).unwrap();
    entry(if index >= place { index + 1 } else { index })
}
