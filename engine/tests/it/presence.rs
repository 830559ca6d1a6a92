//! Who has a decision open: seen by the others who have it open, for a minute, and by nobody who watches over them.

use countersign_domain::{
    holding::Holding,
    ids::DecisionId,
    presence::{EXPIRY_MS, LEFT_MS},
    role::Role,
};
use countersign_engine::{
    Caller, decisions, presence, roles, systems,
    testing::{Desk, again},
};

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_each_other_until_a_minute_after_their_last_sign_of_life() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    assert!(beat(&desk, &desk.approver, id).await.is_empty());
    assert_eq!(beat(&desk, &desk.approver_b, id).await.len(), 1);
    assert_eq!(beat(&desk, &desk.approver, id).await.len(), 1);
    let elsewhere = desk.elsewhere(&desk.approver_b).await;
    decisions::view(&desk.engine, &again(&elsewhere), id).await.unwrap();
    assert_eq!(presence::beat(&desk.engine, &elsewhere, id, false).await.unwrap().len(), 1);
    assert_eq!(beat(&desk, &desk.approver, id).await.len(), 1, "one person with two windows is one reader");

    // A reading of the clock takes a millisecond of it.
    desk.clock.advance(EXPIRY_MS - 1_000);
    assert_eq!(beat(&desk, &desk.approver, id).await.len(), 1);
    desk.clock.advance(1_000);
    assert!(beat(&desk, &desk.approver, id).await.is_empty());
    crate::policies::eventually(async || desk.database.number("select count(*) from decision_readers").await == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_gone_soon_and_who_loads_again_was_never_gone() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    beat(&desk, &desk.approver_b, id).await;

    presence::beat(&desk.engine, &again(&desk.approver_b), id, true).await.unwrap();
    assert_eq!(beat(&desk, &desk.approver, id).await.len(), 1);
    desk.clock.advance(LEFT_MS);
    assert!(beat(&desk, &desk.approver, id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_it_and_who_watches_over_others_neither_show_nor_see() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    let there = desk.member("there", vec![Holding::on(Role::Approver, vec![other])]).await;
    let officer = desk.member("officer", vec![Holding::everywhere(Role::ComplianceOfficer)]).await;
    let both = desk.member("both", vec![Holding::everywhere(Role::Approver), Holding::everywhere(Role::Auditor)]).await;
    let nobody = desk.member("nobody", Vec::new()).await;
    beat(&desk, &desk.approver, id).await;

    for hidden in [&there, &officer, &both, &nobody, &desk.auditor, &desk.admin] {
        assert!(beat(&desk, hidden, id).await.is_empty(), "{hidden:?}");
    }
    assert!(beat(&desk, &desk.approver, id).await.is_empty());
    let nothing: DecisionId = "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap();
    assert!(beat(&desk, &desk.approver, nothing).await.is_empty(), "as of one that is not theirs to read");
    assert_eq!(desk.database.number("select count(*) from decision_readers").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_ended_and_a_role_that_was_taken_read_no_more() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    beat(&desk, &desk.approver_b, id).await;
    assert_eq!(beat(&desk, &desk.approver, id).await.len(), 1);

    let person = desk.approver_b.person().unwrap();
    countersign_engine::people::disable(&desk.engine, &again(&desk.admin), person).await.unwrap();

    assert!(beat(&desk, &desk.approver, id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_got_or_lost_a_role_since_they_opened_it_opens_it_again() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let alive = async |who: &Caller| presence::beat(&desk.engine, &again(who), id, false).await.unwrap();
    beat(&desk, &desk.approver_b, id).await;
    assert_eq!(beat(&desk, &desk.approver, id).await.len(), 1);

    let (person, viewer) = (desk.approver_b.person().unwrap(), Holding::everywhere(Role::Viewer));
    roles::assign(&desk.engine, &again(&desk.admin), person, viewer).await.unwrap();

    assert!(alive(&desk.approver).await.is_empty());
    assert!(alive(&desk.approver_b).await.is_empty());
    assert_eq!(beat(&desk, &desk.approver_b, id).await.len(), 1);
    assert_eq!(alive(&desk.approver).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrival_wakes_those_who_read_and_no_others_and_is_on_no_record() {
    let desk = Desk::new().await;
    let (id, other) = (desk.queued_decision().await, desk.queued_decision().await);
    beat(&desk, &desk.approver, id).await;
    beat(&desk, &desk.admin, id).await;
    decisions::view(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    decisions::view(&desk.engine, &again(&desk.approver_b), other).await.unwrap();
    let entries = desk.database.number("select count(*) from ledger_entries").await;
    let mut arrivals = desk.engine.arrivals();

    for id in [id, id, other] {
        presence::beat(&desk.engine, &again(&desk.approver_b), id, false).await.unwrap();
    }

    let (_, session) = signed_in(&desk.approver);
    let first = arrivals.recv().await.unwrap();
    assert_eq!((first.decision, first.sessions), (id, vec![session]));
    let second = arrivals.recv().await.unwrap();
    assert_eq!((second.decision, second.sessions), (other, Vec::new()), "a second sign of life is no arrival");
    assert_eq!(desk.database.number("select count(*) from ledger_entries").await, entries);
}

fn signed_in(caller: &Caller) -> (countersign_domain::ids::PersonId, countersign_domain::ids::SessionId) {
    match caller.actor {
        countersign_engine::Actor::Person { id, session, .. } => (id, session),
        _ => panic!("a person"),
    }
}

/// Opens the decision, where they may, and gives a sign of life of the page.
async fn beat(desk: &Desk, who: &Caller, id: DecisionId) -> Vec<String> {
    let _ = decisions::view(&desk.engine, &again(who), id).await;
    presence::beat(&desk.engine, &again(who), id, false).await.unwrap()
}
