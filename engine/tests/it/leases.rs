//! Who reviews a decision at this moment: seats that are taken, kept, given up, taken over and lost.

use countersign_domain::{
    decision::{ReasonCode, State, Verdict},
    ids::{DecisionId, LeaseId},
    lease::{Holder, LEFT_MS, PLAIN_MS, ROLLING_MS},
    policy::view::RuleForm,
    problem::{Code, Problem},
    view::Composer,
};
use countersign_engine::{
    Actor, Caller,
    decisions::{self, QueueFilter},
    people, sessions,
    testing::{Desk, again, id_of, take_over, unique},
};

use crate::policies::{Office, code, rule, verified};

#[tokio::test(flavor = "multi_thread")]
async fn a_review_needs_a_claim_of_its_own_person_and_sign_in_that_runs() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    assert!(matches!(page(&desk, &desk.approver, id).await, (Composer::Ready { free: true, .. }, _)));
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let other = desk.queued_decision().await;
    let others = desk.open_form(&desk.approver, other, Verdict::Approve).await.unwrap();

    let mut without = form.clone();
    without.lease = unique_lease();
    let mut of_another = form.clone();
    of_another.lease = others.lease;
    let elsewhere = desk.elsewhere(&desk.approver).await;
    for wrong in [without, of_another] {
        assert_eq!(refused(decisions::review(&desk.engine, &again(&desk.approver), wrong).await).code, Code::LeaseLost);
    }
    let from_elsewhere = refused(decisions::review(&desk.engine, &elsewhere, form.clone()).await);
    assert_eq!(from_elsewhere.code, Code::LeaseLost);
    assert!(from_elsewhere.detail.contains("Your text is kept below."), "{}", from_elsewhere.detail);
    assert_eq!(desk.database.number("select count(*) from reviews").await, 0);

    decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap();
    assert_eq!(causes(&desk, id).await, ["reviewed"]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_people_review_at_once_as_reviews_are_missing() {
    let (office, id) = two_seats().await;
    let desk = &office.desk;
    let third = desk
        .member(
            "approver-c",
            vec![countersign_domain::holding::Holding::everywhere(countersign_domain::role::Role::Approver)],
        )
        .await;

    decisions::start_review(&desk.engine, &again(&desk.approver), id).await.unwrap();
    decisions::start_review(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    let full = decisions::start_review(&desk.engine, &again(&third), id).await.unwrap_err();
    assert_eq!(code(full), Code::InvalidTransition);
    assert!(
        matches!(page(desk, &third, id).await, (Composer::Ready { free: false, .. }, holders) if holders.len() == 2)
    );

    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let still = decisions::start_review(&desk.engine, &again(&third), id).await.unwrap_err();
    assert_eq!(code(still), Code::InvalidTransition, "one review is missing, and somebody has begun it");
    desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_role_comes_back_while_seats_are_counted_has_lost_theirs() {
    let (office, id) = two_seats().await;
    let desk = &office.desk;
    decisions::start_review(&desk.engine, &again(&desk.approver), id).await.unwrap();
    decisions::start_review(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    let away = format!("update people set disabled_at = now() where id = '{}'", desk.approver.person().unwrap());
    desk.database.attack(&away).await;
    // In the middle of the other's act, after it has looked at the seats.
    desk.database
        .attack(
            "create function come_back() returns trigger language plpgsql security definer as
               'begin update public.people set disabled_at = null; return new; end';
             create trigger come_back after update on leases for each row when (new.cause = 'moved')
               execute function come_back()",
        )
        .await;

    decisions::start_review(&desk.engine, &desk.elsewhere(&desk.approver_b).await, id).await.unwrap();

    assert_eq!(desk.database.number("select count(*) from people where disabled_at is not null").await, 0);
    assert_eq!(causes(desk, id).await, ["lapsed", "moved", ""]);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_revives_no_claim_that_ends_in_its_middle() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let held = desk.database.hold("select from leases for update").await;

    let (beat, ()) = tokio::join!(
        decisions::beat(&desk.engine, &desk.approver, (id, form.lease), form.presentation, false),
        held.meanwhile("update leases set until_at = taken_at"),
    );

    assert_eq!(refused(beat).code, Code::LeaseLost);
    assert_eq!(desk.database.number("select count(*) from leases where until_at = taken_at").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_start_at_once_one_holds_the_seat() {
    let desk = Desk::new().await;
    for _ in 0..10 {
        let id = desk.queued_decision().await;
        let (a, b) = (again(&desk.approver), again(&desk.approver_b));

        let (one, other) =
            tokio::join!(decisions::start_review(&desk.engine, &a, id), decisions::start_review(&desk.engine, &b, id));

        assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|done| **done).count(), 1);
    }
    assert_eq!(desk.database.number("select count(*) from leases").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_review_over_gives_a_reason_and_its_holder_is_told_by_whom() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    take_over(&desk.engine, &desk.approver_b, id, form.lease).await.unwrap();

    let lost = refused(decisions::review(&desk.engine, &again(&desk.approver), form.clone()).await);
    assert_eq!(lost.code, Code::LeaseLost);
    assert!(lost.detail.starts_with("Approver B took this review over."), "{}", lost.detail);
    let beat = decisions::beat(&desk.engine, &desk.approver, (id, form.lease), form.presentation, false).await;
    assert_eq!(refused(beat).detail, lost.detail);
    let (_, holders) = page(&desk, &desk.auditor, id).await;
    assert_eq!(holders.iter().map(|holder| holder.person.as_str()).collect::<Vec<_>>(), ["Approver B"]);
    let kinds = desk.kinds_of(id).await;
    let about: Vec<_> = kinds.iter().filter(|kind| kind.starts_with("decision.lease")).collect();
    assert_eq!(about, ["decision.leased", "decision.lease_ended", "decision.leased"]);
    desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_ends_with_its_time_which_signs_of_life_move() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let beat = async |leaving| {
        let until = decisions::beat(&desk.engine, &desk.approver, (id, form.lease), form.presentation, leaving).await?;
        Ok::<_, countersign_engine::Error>(until - desk.engine.now())
    };
    let sealed = desk.sealed().await;

    // Fifteen minutes without a sign of life; from the first on, five from the last. The form goes on with it.
    desk.clock.advance(PLAIN_MS - 60_000);
    for _ in 0..8 {
        let left = beat(false).await.unwrap();
        assert!((ROLLING_MS - 100..=ROLLING_MS).contains(&left), "{left}");
        desk.clock.advance(ROLLING_MS - 60_000);
    }
    assert!(beat(true).await.unwrap() <= LEFT_MS);
    assert_eq!(desk.sealed().await, sealed, "a sign of life is not on record");
    let mut late = form.clone();
    desk.clock.advance(LEFT_MS);
    assert_eq!(refused(beat(false).await).detail.split('.').next(), Some("Your time for this review ran out"));
    (late.verdict, late.code) = (Verdict::Reject, Some(ReasonCode::AgainstPolicy));
    assert_eq!(refused(decisions::review(&desk.engine, &again(&desk.approver), late).await).code, Code::LeaseLost);

    // Whoever takes the seat next says that it had run out.
    decisions::start_review(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    assert_eq!(causes(&desk, id).await, ["lapsed", ""]);
    assert_eq!(
        desk.database.number("select count(*) from leases where cardinality(lapsed) = 1").await,
        1,
        "the second names the first"
    );
    desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_stays_open_as_long_as_its_claim() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    for _ in 0..5 {
        decisions::beat(&desk.engine, &desk.approver, (id, form.lease), form.presentation, false).await.unwrap();
        desk.clock.advance(ROLLING_MS - 60_000);
    }

    decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_ends_at_once_with_its_sign_in_its_person_and_its_role() {
    let desk = Desk::new().await;
    let signed_out = desk.queued_decision().await;
    let disabled = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, signed_out, Verdict::Approve).await.unwrap();
    decisions::start_review(&desk.engine, &again(&desk.approver_b), disabled).await.unwrap();

    let Actor::Person { session, .. } = desk.approver.actor else { panic!("a person") };
    sessions::end(&desk.engine, &again(&desk.approver), session).await.unwrap();
    people::disable(&desk.engine, &again(&desk.admin), desk.approver_b.person().unwrap()).await.unwrap();

    for id in [signed_out, disabled] {
        let (_, holders) = page(&desk, &desk.auditor, id).await;
        assert_eq!(holders, []);
    }
    let back = desk.elsewhere(&desk.approver).await;
    let lost = refused(decisions::review(&desk.engine, &again(&back), form).await);
    assert_eq!(lost.code, Code::LeaseLost);
    desk.review(&back, signed_out, Verdict::Approve).await.unwrap();
    desk.review(&back, disabled, Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_again_keeps_the_seat_and_from_another_sign_in_moves_it() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let first = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let here = again(&desk.approver);
    decisions::start_review(&desk.engine, &here, id).await.unwrap();
    assert!(here.sealed() > 0, "that they hold it was looked up, and the look is on record");
    assert_eq!(desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap().lease, first.lease);

    let elsewhere = desk.elsewhere(&desk.approver).await;
    decisions::start_review(&desk.engine, &again(&elsewhere), id).await.unwrap();

    let lost = refused(decisions::review(&desk.engine, &again(&desk.approver), first).await);
    assert!(lost.detail.starts_with("You started this review from another sign-in."), "{}", lost.detail);
    desk.review(&elsewhere, id, Verdict::Approve).await.unwrap();
    assert_eq!(causes(&desk, id).await, ["moved", "reviewed"]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_given_up_by_its_holder_and_ends_with_what_is_under_review() {
    let desk = Desk::new().await;
    let released = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, released, Verdict::Approve).await.unwrap();
    let by_another = decisions::release(&desk.engine, &again(&desk.approver_b), released, form.lease).await;
    assert_eq!(refused(by_another).code, Code::LeaseLost);
    decisions::release(&desk.engine, &again(&desk.approver), released, form.lease).await.unwrap();
    let twice = decisions::release(&desk.engine, &again(&desk.approver), released, form.lease).await;
    assert_eq!(refused(twice).code, Code::LeaseLost);
    let after = refused(decisions::review(&desk.engine, &again(&desk.approver), form).await);
    assert!(after.detail.starts_with("You gave this review up."), "{}", after.detail);

    let withdrawn = desk.queued_decision().await;
    let open = desk.open_form(&desk.approver, withdrawn, Verdict::Approve).await.unwrap();
    let body = serde_json::json!({"reason_code": "no_longer_needed"}).to_string();
    decisions::withdraw(&desk.engine, &again(&desk.agent), withdrawn, &unique(), body.as_bytes()).await.unwrap();
    let late = refused(decisions::review(&desk.engine, &again(&desk.approver), open).await);
    assert_eq!(late.code, Code::AlreadyResolved, "what happened to the decision comes before the claim");

    assert_eq!(causes(&desk, released).await, ["released"]);
    assert_eq!(causes(&desk, withdrawn).await, ["resolved"]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_review_takes_no_seat() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::Abstain).await.unwrap();

    for (caller, wanted) in [(&desk.auditor, Code::Forbidden), (&desk.approver, Code::AlreadyReviewed)] {
        assert_eq!(code(decisions::start_review(&desk.engine, &again(caller), id).await.unwrap_err()), wanted);
    }
    desk.review(&desk.approver_b, id, Verdict::Reject).await.unwrap();
    let over = decisions::start_review(&desk.engine, &again(&desk.approver_b), id).await.unwrap_err();
    assert_eq!(code(over), Code::AlreadyResolved);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_sees_that_it_is_in_review_and_the_agents_version_stays() {
    let desk = Desk::new().await;
    let stored = desk.propose(&unique(), &countersign_engine::testing::proposal("4711")).await.unwrap();
    let id = id_of(&stored);
    let told = async || decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap();
    let before = told().await;

    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    let row = async || {
        let listed = decisions::queue(&desk.engine, &again(&desk.auditor), QueueFilter::default()).await.unwrap();
        listed.items.into_iter().find(|item| item.id == id).unwrap()
    };
    let held = row().await;
    assert_eq!((held.state, held.held_by), (State::InReview, vec!["Approver A".to_owned()]));
    let during = told().await;
    assert_eq!((before.state, during.state), (State::Queued, State::InReview));
    assert_eq!(during.version, before.version, "who reviews it is no news to who waits for a resolution");
    decisions::release(&desk.engine, &again(&desk.approver), id, form.lease).await.unwrap();
    assert_eq!(row().await.state, State::Queued);
    assert_eq!(told().await.state, State::Queued);
}

/// A decision that two people have to approve.
async fn two_seats() -> (Office, DecisionId) {
    let office = Office::new().await;
    let two = RuleForm { need: "2".into(), ..rule("two", "require", "at_least", "0") };
    office.enforce(&[two]).await;
    let id = office.propose("a", "40.00").await;
    (office, id)
}

async fn page(desk: &Desk, caller: &Caller, id: DecisionId) -> (Composer, Vec<Holder>) {
    let page = decisions::view(&desk.engine, &again(caller), id).await.unwrap();
    (page.composer, page.holders)
}

/// How the claims on a decision ended, in the order in which they were taken; nothing where one has not.
async fn causes(desk: &Desk, id: DecisionId) -> Vec<String> {
    let mut conn = desk.database.connection().await;
    sqlx::query_scalar("select coalesce(cause, '') from leases where decision_id = $1 order by taken_at, id")
        .bind(id.0)
        .fetch_all(&mut conn)
        .await
        .unwrap()
}

fn refused<T: std::fmt::Debug>(done: countersign_engine::Result<T>) -> Problem {
    Problem::from(done.unwrap_err())
}

fn unique_lease() -> LeaseId {
    "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap()
}
