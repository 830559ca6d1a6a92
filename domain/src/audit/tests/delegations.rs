//! Who reviews in somebody's place was given it, and of the two one counts.

use countersign_ledger::{
    hash::{Hash, Label, digest},
    leaf::{Actor, ActorKind, Leaf},
};

use super::{
    ANNA, BEN, ROUTED, SIGNED_IN_BEN, SYSTEM, actor, at, authority, content_statement, entry_id, failed, healthy, id,
    leaf, of, person, remove, set, sid,
};
use crate::{
    decision::{ReasonCode, Verdict},
    delegation::{OnBehalf, Terms},
    event::{Event, SignInMethod},
    holding::{AuthorityLimits, Holding, RoleScope, Source},
    ids::{DecisionId, EntryId, PolicyVersionId, RoleAssignmentId, SessionId, SystemId},
    role::Role,
};

const CID: u8 = 7;
/// Where the acts begin: after the third person has joined, and one view by each.
const FIRST: usize = ROUTED + 7;

/// An act of the log below; the first of them stands at [`FIRST`].
enum Do {
    /// Gives a right: from whom, to whom, on which systems.
    Give(u8, u8, RoleScope),
    /// Ends the delegation that the act at this place gave.
    End(u8, u8, usize),
    /// Takes the role of a person.
    Unassign(u8),
    /// Names who owns the system.
    Own(u8),
    /// Reviews, in the place of somebody by the delegation of an act.
    Review(u8, Option<(u8, usize)>, Verdict),
}

use Do::{End, Give, Own, Review, Unassign};

#[test]
fn a_review_in_somebodys_place_passes_where_it_was_given() {
    assert_eq!(failed(&log(&[all(ANNA, BEN), for_anna(0)])), []);
    let here = Give(ANNA, BEN, RoleScope::Systems(vec![SystemId(sid(SYSTEM))]));
    assert_eq!(failed(&log(&[here, for_anna(0)])), []);
    assert_eq!(failed(&log(&[all(ANNA, BEN), End(BEN, ANNA, 0), own(ANNA), own(BEN)])), [], "nobody stands in");
    assert_eq!(failed(&log(&[all(ANNA, BEN), Review(ANNA, None, Verdict::Abstain), own(BEN)])), [], "one counts");
    assert_eq!(failed(&log(&[all(ANNA, BEN), all(ANNA, CID)])), [], "to two people, as the delegator likes");
}

#[test]
fn a_review_in_somebodys_place_without_a_delegation_that_runs_and_reaches_fails() {
    let elsewhere = Give(ANNA, BEN, RoleScope::Systems(vec![SystemId(sid(99))]));
    assert_eq!(of("D6", &log(&[elsewhere, for_anna(0)])), [FIRST + 1]);
    assert_eq!(of("D6", &log(&[all(ANNA, CID), for_anna(0)])), [FIRST + 1], "given to somebody else");
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), End(ANNA, ANNA, 0), for_anna(0)])), [FIRST + 2]);
    let mut ran_out = log(&[all(ANNA, BEN), for_anna(0)]);
    set(&mut ran_out[FIRST], "from", 1u64.into());
    set(&mut ran_out[FIRST], "until", 2u64.into());
    assert_eq!(of("D6", &ran_out), [FIRST + 1]);
    let mut unnamed = log(&[all(ANNA, BEN), for_anna(0)]);
    remove(&mut unnamed[FIRST + 1], "delegation");
    assert_eq!(of("D6", &unnamed), [FIRST + 1]);
    let mut for_nobody = log(&[all(ANNA, BEN), for_anna(0)]);
    for_nobody[FIRST + 1].actor.for_ = None;
    assert_eq!(of("D6", &for_nobody), [FIRST + 1]);
}

#[test]
fn it_is_never_more_than_the_delegator_could_do_then() {
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), Unassign(ANNA), for_anna(0)])), [FIRST + 2]);
    let mut other_set = log(&[all(ANNA, BEN), for_anna(0)]);
    remove(&mut other_set[FIRST + 1], "for_authority");
    assert_eq!(of("D6", &other_set), [FIRST + 1]);
    // Who acts needs a role that reviews, somewhere.
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), Unassign(BEN), for_anna(0)])), [FIRST + 2]);
}

#[test]
fn nobody_reviews_in_the_place_of_the_owner_nor_as_the_owner_in_anybodys() {
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), Own(ANNA), for_anna(0)])), [FIRST + 2]);
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), Own(BEN), for_anna(0)])), [FIRST + 2]);
    assert_eq!(failed(&log(&[all(ANNA, BEN), Own(CID), for_anna(0)])), []);
}

#[test]
fn delegator_and_delegate_never_both_count() {
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), for_anna(0), own(ANNA)])), [FIRST + 2]);
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), own(ANNA), for_anna(0)])), [FIRST + 2]);
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), own(ANNA), own(BEN)])), [FIRST + 2], "in their own right neither");
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), own(BEN), own(ANNA)])), [FIRST + 2]);
    let twice = [all(ANNA, BEN), all(ANNA, CID), for_anna(0), Review(CID, Some((ANNA, 1)), Verdict::Approve)];
    assert_eq!(of("D6", &log(&twice)), [FIRST + 3], "one place is taken once");
}

#[test]
fn a_right_is_neither_passed_on_nor_given_or_ended_by_another() {
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), all(BEN, CID)])), [FIRST + 1]);
    assert_eq!(of("D6", &log(&[all(BEN, CID), all(ANNA, BEN)])), [FIRST + 1]);
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), all(BEN, ANNA)])), [FIRST + 1]);
    assert_eq!(failed(&log(&[all(ANNA, BEN), End(ANNA, ANNA, 0), all(BEN, CID)])), []);
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), End(CID, ANNA, 0)])), [FIRST + 1]);
    assert_eq!(of("D6", &log(&[all(ANNA, BEN), End(ANNA, ANNA, 0), End(ANNA, ANNA, 0)])), [FIRST + 2]);
    let mut by_another = log(&[all(ANNA, BEN)]);
    by_another[FIRST].actor = who(BEN);
    assert_eq!(of("D6", &by_another), [FIRST]);
}

fn all(from: u8, to: u8) -> Do {
    Give(from, to, RoleScope::All)
}

fn own(by: u8) -> Do {
    Review(by, None, Verdict::Approve)
}

/// Ben, for Anna, by the delegation of an act.
fn for_anna(given: usize) -> Do {
    Review(BEN, Some((ANNA, given)), Verdict::Approve)
}

/// A log whose decision was shown to all three, who are approvers, with these acts.
fn log(acts: &[Do]) -> Vec<Leaf> {
    let mut log: Vec<_> = healthy().into_iter().take(ROUTED + 1).collect();
    let operator = || actor(ActorKind::Operator, 90, None);
    let viewed = || Event::Viewed { decision: DecisionId(id(50)), upto: 2, seen: Hash([5; 32]) };
    let assigned = Event::RoleAssigned {
        person: person(CID),
        n: 2,
        assignment: RoleAssignmentId(id(40 + CID)),
        holding: Holding::everywhere(Role::Approver),
        source: Source::Hand,
    };
    let signed_in = Event::SignedIn {
        session: SessionId(id(30 + CID)),
        person: person(CID),
        method: SignInMethod::Password,
        ip: "192.0.2.1".into(),
        agent: "browser".into(),
    };
    let before = [
        (operator(), Event::PersonCreated { person: person(CID), name: "n".into(), login: "l".into() }),
        (operator(), assigned),
        (actor(ActorKind::Person, CID, None), signed_in),
        (who(ANNA), viewed()),
        (who(BEN), viewed()),
        (who(CID), viewed()),
    ];
    for ((actor, event), place) in before.into_iter().zip(ROUTED + 1..) {
        log.push(leaf(place, actor, &event));
    }
    let mut numbers = [(ANNA, 2), (BEN, 2), (CID, 2)];
    let mut n_of = move |who: u8, more: u64| {
        let number = numbers.iter_mut().find(|(person, _)| *person == who).unwrap();
        number.1 += more;
        number.1
    };
    let mut decided = 2;
    for (act, place) in acts.iter().zip(FIRST..) {
        log.push(match act {
            Give(from, to, scope) => {
                let terms = Terms {
                    to: person(*to),
                    scope: scope.clone(),
                    limits: AuthorityLimits::default(),
                    // Long enough ago that no clock is in doubt.
                    from: at(0) - 3_600_000,
                    until: at(1_000_000),
                };
                leaf(place, who(*from), &Event::DelegationGiven { delegator: person(*from), n: n_of(*from, 1), terms })
            }
            End(by, from, given) => {
                let delegation = EntryId(entry_id(FIRST + given));
                let event = Event::DelegationEnded { delegator: person(*from), n: n_of(*from, 1), delegation };
                leaf(place, who(*by), &event)
            }
            Unassign(whom) => {
                let event = Event::RoleUnassigned {
                    person: person(*whom),
                    n: n_of(*whom, 1),
                    assignment: RoleAssignmentId(id(40 + whom)),
                    role: Role::Approver,
                };
                leaf(place, actor(ActorKind::Operator, 90, None), &event)
            }
            Own(owner) => {
                let system = SystemId(sid(SYSTEM));
                let event = Event::OwnerNamed {
                    system,
                    n: 2,
                    owner: Some(person(*owner)),
                    reason: "runs it".into(),
                    by: person(ANNA),
                };
                leaf(place, who(ANNA), &event)
            }
            Review(by, on_behalf, verdict) => {
                decided += 1;
                let held = |who: u8, n: u64| {
                    let gone = acts[..place - FIRST].iter().any(|act| matches!(act, Unassign(whom) if *whom == who));
                    authority(n, if gone { &[] } else { &[Role::Approver] }).set()
                };
                let n = n_of(*by, 0);
                let on_behalf = on_behalf.map(|(delegator, given)| {
                    let n = n_of(delegator, 0);
                    OnBehalf {
                        delegator: person(delegator),
                        delegation: EntryId(entry_id(FIRST + given)),
                        authority: (n, held(delegator, n)),
                    }
                });
                let for_ = on_behalf.as_ref().map(|on_behalf| on_behalf.delegator.to_string());
                let event = Event::Reviewed {
                    decision: DecisionId(id(50)),
                    n: decided,
                    verdict: *verdict,
                    code: Some(ReasonCode::WithinPolicy),
                    reason: Some("fine".into()),
                    form: None,
                    reviewer: person(*by),
                    content: digest(Label::Content, &content_statement()),
                    seen: Hash([5; 32]),
                    policy: PolicyVersionId(id(60)),
                    round: 1,
                    authority: (n, held(*by, n)),
                    until: None,
                    edited: None,
                    signature: None,
                    bulk: None,
                    on_behalf: on_behalf.map(Box::new),
                    disclosed: None,
                };
                leaf(place, Actor { for_, ..who(*by) }, &event)
            }
        });
    }
    log
}

fn who(by: u8) -> Actor {
    let via = match by {
        ANNA => 3,
        BEN => SIGNED_IN_BEN,
        _ => ROUTED + 3,
    };
    actor(ActorKind::Person, by, Some(via))
}
