//! Several decisions reviewed by one act: what fits together, what has to be opened, and what becomes of each.

use std::time::Duration;

use countersign_domain::{
    bulk::{BULK_TEMPLATE, BulkItem, BulkRunView, BulkView, Fact, ItemResult, Misfit, Outlier, RunState},
    decision::{ReasonCode, ResolutionOutcome, Risk, Verdict},
    decision_type::TypeDefinition,
    holding::Holding,
    ids::{BulkRunId, DecisionId, DelegationId, PresentationId},
    policy::view::RuleForm,
    problem::Code,
    role::Role,
    text::Reason,
    time::{DAY_MS, date},
    view::Mode,
};
use countersign_engine::{
    Actor, Caller, Result,
    absences::{self, AbsenceForm},
    decision_types,
    decisions::{self, BulkRequest, ReviewRequest},
    delegations::{self, DelegationForm},
    keys, ledger, systems,
    testing::{Desk, again, id_of, proposal, refund, unique},
};
use countersign_ledger::{
    hash::{Label, digest},
    statement::Seen,
};

use crate::policies::{Office, code, eventually, kinds, rule, verified};

const MINUTE: u64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_one_kind_get_a_review_each_by_one_act() {
    let desk = Desk::new().await;
    let ids = several(&desk, &["40.00", "41.00", "38.50", "44.00", "39.90", "42.10"]).await;

    let page = page(&desk, &desk.approver, &ids).await;
    let sheet = page.sheet.unwrap();
    send(&desk, &desk.approver, sheet.bulk, Verdict::Approve).await.unwrap();
    let run = finished(&desk, &desk.approver, sheet.bulk).await;

    assert_eq!(sheet.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["order", "amount"]);
    assert!(sheet.fact_columns.is_empty() && sheet.unopened() == 0);
    assert_eq!(results(&run), [ItemResult::Applied; 6]);
    assert_eq!(run.rows.iter().map(|row| row.id).collect::<Vec<_>>(), ids, "in the order of the selection");
    assert!(run.rows.iter().all(|row| row.seal.is_some_and(|seal| seal.index.is_some())), "{run:?}");
    for id in &ids {
        assert_eq!(
            desk.kinds_of(*id).await,
            kinds(&["proposed", "routed", "viewed", "leased", "reviewed", "resolved"])
        );
        let told = decisions::view(&desk.engine, &again(&desk.approver), *id).await.unwrap();
        assert_eq!(told.resolution.unwrap().outcome, ResolutionOutcome::Approved);
        assert_eq!(told.reviews[0].reason.as_deref(), Some("The same parcel each time."));
    }
    assert_eq!(count(&desk, "bulk.started").await, 1);
    assert_eq!(naming(&desk, sheet.bulk).await, 6, "each review names the act that it belongs to");
    verified(&desk).await;

    // The form counts once.
    send(&desk, &desk.approver, sheet.bulk, Verdict::Approve).await.unwrap();
    assert_eq!(code(send(&desk, &desk.approver, sheet.bulk, Verdict::Reject).await.unwrap_err()), Code::Stale);
    assert_eq!(desk.database.number("select count(*) from reviews").await, 6);
    assert_eq!(count(&desk, "bulk.started").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unlike_the_rest_has_to_be_opened_before_the_form_is_taken() {
    let desk = Desk::new().await;
    let ids = several(&desk, &["40.00", "41.00", "38.50", "4400.00", "39.90", "42.10"]).await;

    let closed = page(&desk, &desk.approver, &ids).await.sheet.unwrap();
    let refused = send(&desk, &desk.approver, closed.bulk, Verdict::Approve).await.unwrap_err();
    let opened = decisions::bulk(&desk.engine, &again(&desk.approver), &ids, &[ids[3]]).await.unwrap().sheet.unwrap();
    send(&desk, &desk.approver, opened.bulk, Verdict::Reject).await.unwrap();

    assert_eq!(closed.items[0].id, ids[3], "what is unlike the rest stands first");
    assert_eq!(closed.items[0].marks.len(), 1);
    assert_eq!(closed.items[0].marks[0].label, "Amount");
    assert_eq!(closed.items[0].marks[0].outlier, Outlier::Far { median: "40.00".into() });
    assert_eq!((closed.unopened(), opened.unopened()), (1, 0));
    assert_eq!(code(refused), Code::InvalidContent);
    let names = |item: &BulkItem| item.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&closed.items[0]), ["order", "amount"]);
    assert_eq!(names(&opened.items[0]), ["order", "amount", "rationale", "context"]);
    assert_eq!(results(&finished(&desk, &desk.approver, opened.bulk).await), [ItemResult::Applied; 6]);
    // The opening is in what was shown, and so on record: the page that was not opened says less.
    assert_ne!(closed.items[0].seen, opened.items[0].seen);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_each_decision_names_exactly_what_the_page_shows_of_it() {
    let desk = Desk::new().await;
    let masked = TypeDefinition { version: 2, personal: vec!["order".into()], ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), masked).await.unwrap();
    let long = "9".repeat(300);
    let ids = several(&desk, &["40.00", "41.00", "42.00", "43.00", "44.00", "45.00"]).await;

    let open = [ids[1]];
    let page = decisions::bulk(&desk.engine, &again(&desk.approver), &ids, &open).await.unwrap();

    let sheet = page.sheet.unwrap();
    assert_eq!(sheet.items.len(), 6);
    for item in &sheet.items {
        let body = ledger::statement(&desk.engine, &again(&desk.auditor), &item.seen).await.unwrap();
        let seen = Seen::parse(&body).unwrap();
        let named: Vec<_> = seen
            .fields
            .iter()
            .map(|field| (field.name.clone(), field.commitment.to_string(), field.mode.as_str()))
            .collect();
        let shown: Vec<_> =
            item.fields.iter().map(|field| (field.name.clone(), field.commitment.clone(), field.mode.word())).collect();
        assert_eq!(named, shown);
        assert_eq!((seen.decision, seen.content.to_string()), (item.id.to_string(), item.content_hash.clone()));
        assert_eq!(seen.template, digest(Label::Template, BULK_TEMPLATE.as_bytes()));
        // Personal values are neither shown nor compared.
        let order = &item.fields[0];
        assert_eq!((order.name.as_str(), order.mode, order.value.as_deref()), ("order", Mode::Masked, None));
        assert!(item.marks.is_empty());
        assert_eq!(item.opened, item.id == ids[1]);
        assert_eq!(item.fields.len(), if item.opened { 4 } else { 2 });
    }
    assert_eq!(sheet.common, ["order"], "what is masked is said once");
    let kinds = desk.kinds_of(ids[0]).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "decision.viewed").count(), 1);

    // What is long is whole, behind a disclosure, and the record says so.
    let text = TypeDefinition { version: 3, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), text).await.unwrap();
    let first = desk.propose(&unique(), &proposal(&long)).await.unwrap();
    let one = [id_of(&first)];
    let sheet = self::page(&desk, &desk.approver, &one).await.sheet.unwrap();
    assert_eq!(
        (sheet.items[0].fields[0].mode, sheet.items[0].fields[0].value.as_ref()),
        (Mode::Collapsed, Some(&long))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_said_before_the_form_opens_and_the_rest_is_kept() {
    let office = Office::new().await;
    let desk = &office.desk;
    for (name, risk) in [("refund.waive", Risk::Medium), ("refund.large", Risk::High)] {
        let definition = TypeDefinition { name: name.into(), risk, ..refund() };
        decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
    }
    let of_type = async |name: &str| {
        let body = proposal(&unique()).replace("refund.issue", name);
        id_of(&desk.propose(&unique(), &body).await.unwrap())
    };
    let older = office.propose("older", "40.00").await;
    let two = RuleForm { need: "2".into(), ..rule("two", "require", "at_least", "1000") };
    let signed = RuleForm { signed: "true".into(), ..rule("signed", "require", "at_least", "500") };
    office.enforce(&[two, signed]).await;
    let (one, other) = (office.propose("one", "40.00").await, office.propose("other", "41.00").await);
    let (quorum, signature) = (office.propose("quorum", "2000").await, office.propose("signature", "600").await);
    let (waived, large) = (of_type("refund.waive").await, of_type("refund.large").await);
    let resolved = office.propose("resolved", "42.00").await;
    desk.review(&desk.approver, resolved, Verdict::Reject).await.unwrap();
    let absent: DecisionId = "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap();
    let selected = [one, other, quorum, signature, waived, large, resolved, absent, older, one];

    let refused = page(desk, &office.senior, &selected).await;

    assert!(refused.sheet.is_none());
    assert_eq!(refused.selected, 9, "named twice is selected once");
    let why: Vec<_> = refused.unfit.iter().map(|row| (row.id, row.misfit)).collect();
    assert_eq!(
        why,
        [
            (quorum, Misfit::Quorum),
            (signature, Misfit::Signed),
            (waived, Misfit::OtherType),
            (large, Misfit::HighRisk),
            (resolved, Misfit::Barred),
            (absent, Misfit::Barred),
            (older, Misfit::OtherPolicy),
        ]
    );
    assert!(refused.unfit[4].why.as_ref().is_some_and(|why| why.contains("resolved")), "{:?}", refused.unfit[4]);
    assert_eq!((refused.unfit[5].title.as_ref(), refused.unfit[5].why.as_ref()), (None, None));
    assert_eq!(refused.fitting, [one, other]);
    let rest = page(desk, &office.senior, &refused.fitting).await;
    assert_eq!(rest.sheet.unwrap().items.len(), 2);
    assert_eq!(desk.database.number("select count(*) from presentations where bulk_id is not null").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_fifty_are_refused_and_the_first_fifty_are_kept() {
    let desk = Desk::new().await;
    let amounts: Vec<_> = (0..53).map(|number| format!("{}.00", 40 + number % 7)).collect();
    let ids = several(&desk, &amounts.iter().map(String::as_str).collect::<Vec<_>>()).await;

    let refused = page(&desk, &desk.approver, &ids).await;

    assert!(refused.sheet.is_none() && refused.unfit.is_empty());
    assert_eq!((refused.selected, refused.beyond), (53, 3));
    assert_eq!(refused.fitting, ids[..50]);
    let none = page(&desk, &desk.approver, &[]).await;
    assert!(none.sheet.is_none() && none.selected == 0);

    // Fifty at once: progress is there to see, nobody waits for the end, and a client that hangs up loses nothing.
    let sheet = page(&desk, &desk.approver, &refused.fitting).await.sheet.unwrap();
    let sent =
        tokio::time::timeout(Duration::from_millis(20), send(&desk, &desk.approver, sheet.bulk, Verdict::Approve));
    assert!(sent.await.is_err(), "the client hung up");
    eventually(async || count(&desk, "bulk.started").await == 1).await;
    let under_way = decisions::bulk_run(&desk.engine, &again(&desk.approver), sheet.bulk).await.unwrap();
    assert_eq!((under_way.rows.len(), under_way.state), (50, RunState::Running));
    let run = finished(&desk, &desk.approver, sheet.bulk).await;
    assert_eq!(run.count(ItemResult::Applied), 50);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_somebody_else_holds_is_a_conflict_and_its_siblings_are_reviewed() {
    let desk = Desk::new().await;
    let ids = several(&desk, &["40.00", "41.00", "42.00", "43.00"]).await;
    let theirs = desk.open_form(&desk.approver_b, ids[1], Verdict::Approve).await.unwrap();

    let sheet = page(&desk, &desk.approver, &ids).await.sheet.unwrap();
    desk.review(&desk.approver_b, ids[2], Verdict::Reject).await.unwrap();
    send(&desk, &desk.approver, sheet.bulk, Verdict::Approve).await.unwrap();
    let run = finished(&desk, &desk.approver, sheet.bulk).await;

    assert_eq!(sheet.items[1].held_by, ["Approver B"]);
    let (applied, conflict) = (ItemResult::Applied, ItemResult::Conflict);
    assert_eq!(results(&run), [applied, conflict, conflict, applied]);
    let why = |place: usize| run.rows[place].why.clone().unwrap();
    assert!(why(1).contains("Others review this now") && why(1).contains("Approver B has it"), "{}", why(1));
    assert!(why(2).contains("was resolved") && why(2).contains("Approver B"), "{}", why(2));
    assert!(!why(1).contains("below") && !why(2).contains("below"), "{} {}", why(1), why(2));
    // Their claim stands.
    decisions::review(&desk.engine, &again(&desk.approver_b), theirs).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_people_who_send_the_same_selection_one_reviews_each_decision() {
    let desk = Desk::new().await;
    for _ in 0..3 {
        let ids = several(&desk, &["40.00", "41.00", "42.00", "43.00", "44.00", "45.00", "46.00", "47.00"]).await;
        let first = page(&desk, &desk.approver, &ids).await.sheet.unwrap().bulk;
        let mut reversed = ids.clone();
        reversed.reverse();
        let second = page(&desk, &desk.approver_b, &reversed).await.sheet.unwrap().bulk;

        let (one, other) = tokio::join!(
            send(&desk, &desk.approver, first, Verdict::Approve),
            send(&desk, &desk.approver_b, second, Verdict::Reject),
        );
        one.unwrap();
        other.unwrap();
        let (one, other) =
            (finished(&desk, &desk.approver, first).await, finished(&desk, &desk.approver_b, second).await);

        for id in &ids {
            let result = |run: &BulkRunView| run.rows.iter().find(|row| row.id == *id).unwrap().result;
            let both = [result(&one), result(&other)];
            assert!(both.iter().filter(|result| **result == ItemResult::Applied).count() <= 1, "{both:?}");
            assert!(both.iter().all(|result| matches!(result, ItemResult::Applied | ItemResult::Conflict)), "{both:?}");
        }
        let applied = (one.count(ItemResult::Applied) + other.count(ItemResult::Applied)) as i64;
        let reviewed = format!(
            "select count(*) from reviews v join bulk_items i on i.presentation_id = v.presentation_id where i.run_id in ('{first}', '{second}')"
        );
        assert_eq!(desk.database.number(&reviewed).await, applied);
        assert!(applied > 0);
    }
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_person_may_not_approve_is_not_allowed_and_the_rest_is_done() {
    let office = Office::new().await;
    let desk = &office.desk;
    let seniors =
        RuleForm { need: "0".into(), need_senior: "1".into(), ..rule("seniors", "require", "at_least", "60") };
    office.enforce(&[seniors]).await;
    let ids =
        [office.propose("a", "40.00").await, office.propose("b", "60.00").await, office.propose("c", "41.00").await];

    let sheet = page(desk, &desk.approver, &ids).await.sheet.unwrap();
    send(desk, &desk.approver, sheet.bulk, Verdict::Approve).await.unwrap();
    let run = finished(desk, &desk.approver, sheet.bulk).await;

    assert_eq!(sheet.fact_columns, [Fact::Rule]);
    assert!(
        sheet.items[1].only_reject.as_ref().is_some_and(|why| why.contains("senior approver")),
        "{:?}",
        sheet.items[1]
    );
    assert_eq!(results(&run), [ItemResult::Applied, ItemResult::NotAllowed, ItemResult::Applied]);
    assert!(run.rows[1].why.as_ref().is_some_and(|why| why.contains("senior approver")), "{:?}", run.rows[1].why);
    // The seat was given back, and rejecting is theirs.
    let sheet = page(desk, &desk.approver, &ids[1..2]).await.sheet.unwrap();
    assert!(sheet.items[0].held_by.is_empty());
    send(desk, &desk.approver, sheet.bulk, Verdict::Reject).await.unwrap();
    assert_eq!(results(&finished(desk, &desk.approver, sheet.bulk).await), [ItemResult::Applied]);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_or_content_after_the_page_is_a_conflict() {
    let office = Office::new().await;
    let desk = &office.desk;
    let ids = [office.propose("a", "40.00").await, office.propose("b", "41.00").await];
    let sheet = page(desk, &desk.approver, &ids).await.sheet.unwrap();
    let two = RuleForm { need: "2".into(), ..rule("two", "require", "at_least", "0") };
    office.enforce(&[two]).await;
    send(desk, &desk.approver, sheet.bulk, Verdict::Approve).await.unwrap();
    let rerouted = finished(desk, &desk.approver, sheet.bulk).await;
    assert_eq!(results(&rerouted), [ItemResult::Conflict; 2]);

    let desk = Desk::new().await;
    let ids = several(&desk, &["40.00", "41.00"]).await;
    let sheet = page(&desk, &desk.approver, &ids).await.sheet.unwrap();
    desk.review(&desk.approver_b, ids[0], Verdict::RequestChanges).await.unwrap();
    let body = proposal("other-order");
    decisions::revise(&desk.engine, &again(&desk.agent), ids[0], &unique(), body.as_bytes()).await.unwrap();
    send(&desk, &desk.approver, sheet.bulk, Verdict::Approve).await.unwrap();
    let run = finished(&desk, &desk.approver, sheet.bulk).await;

    assert_eq!(results(&run), [ItemResult::Conflict, ItemResult::Applied]);
    assert!(
        run.rows[0].why.as_ref().is_some_and(|why| why.contains("changed after you opened it")),
        "{:?}",
        run.rows[0]
    );
    // The seat that no review came of was given back.
    desk.review(&desk.approver_b, ids[0], Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_sent_by_who_opened_it_in_its_sign_in_and_in_time() {
    let desk = Desk::new().await;
    let ids = several(&desk, &["40.00", "41.00"]).await;
    let bulk = page(&desk, &desk.approver, &ids).await.sheet.unwrap().bulk;
    let elsewhere = desk.elsewhere(&desk.approver).await;

    for other in [&desk.approver_b, &elsewhere] {
        assert_eq!(code(send(&desk, other, bulk, Verdict::Approve).await.unwrap_err()), Code::Stale);
    }
    let escalating = send(&desk, &desk.approver, bulk, Verdict::Escalate).await.unwrap_err();
    assert_eq!(code(escalating), Code::InvalidContent);
    desk.clock.advance(16 * MINUTE);
    assert_eq!(code(send(&desk, &desk.approver, bulk, Verdict::Approve).await.unwrap_err()), Code::Stale);
    assert_eq!(desk.database.number("select count(*) from bulk_runs").await, 0);
    assert_eq!(desk.database.number("select count(*) from reviews").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_reviewers_open_such_a_page_and_a_run_is_read_by_who_sent_it() {
    let desk = Desk::new().await;
    let ids = several(&desk, &["40.00", "41.00"]).await;
    let viewer = desk.member("viewer-a", vec![Holding::everywhere(Role::Viewer)]).await;

    for other in [&desk.admin, &desk.auditor, &viewer] {
        let refused = decisions::bulk(&desk.engine, &again(other), &ids, &[]).await.unwrap_err();
        assert_eq!(code(refused), Code::Forbidden);
    }
    let bulk = page(&desk, &desk.approver, &ids).await.sheet.unwrap().bulk;
    for other in [&desk.admin, &viewer] {
        assert_eq!(code(send(&desk, other, bulk, Verdict::Approve).await.unwrap_err()), Code::Forbidden);
    }
    send(&desk, &desk.approver, bulk, Verdict::Approve).await.unwrap();
    finished(&desk, &desk.approver, bulk).await;

    let others = decisions::bulk_run(&desk.engine, &again(&desk.approver_b), bulk).await.unwrap_err();
    assert_eq!(code(others), Code::NotFound);
    // It can be read again, from another sign-in and later.
    desk.clock.advance(60 * MINUTE);
    let listed = page(&desk, &desk.elsewhere(&desk.approver).await, &[]).await.sent;
    assert_eq!(listed.iter().map(|sent| (sent.id, sent.count)).collect::<Vec<_>>(), [(bulk, 2)]);
    assert!(page(&desk, &desk.approver_b, &[]).await.sent.is_empty());
    let again_later = decisions::bulk_run(&desk.engine, &desk.elsewhere(&desk.approver).await, bulk).await.unwrap();
    assert_eq!((again_later.count(ItemResult::Applied), again_later.state), (2, RunState::Finished));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_such_a_page_showed_is_not_ruled_on_by_another_form() {
    let desk = Desk::new().await;
    let ids = several(&desk, &["40.00", "41.00"]).await;
    let bulk = page(&desk, &desk.approver, &ids).await.sheet.unwrap().bulk;
    let form = desk.open_form(&desk.approver, ids[0], Verdict::Approve).await.unwrap();
    let presentation = presentation_of(&desk, bulk, ids[0]).await;

    let unsent = ReviewRequest { presentation, ..form.clone() };
    assert_eq!(code(decisions::review(&desk.engine, &again(&desk.approver), unsent).await.unwrap_err()), Code::Stale);
    assert_eq!(desk.database.number("select count(*) from reviews").await, 0);

    // The claim of an open page serves the run, and ends with its review.
    send(&desk, &desk.approver, bulk, Verdict::Approve).await.unwrap();
    assert_eq!(results(&finished(&desk, &desk.approver, bulk).await), [ItemResult::Applied; 2]);
    let late = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();
    assert_eq!(code(late), Code::AlreadyResolved);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_two_systems_are_told_apart_and_a_sign_out_stops_what_is_left() {
    let desk = Desk::new().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let key = systems::issue_key(&desk.engine, &again(&desk.admin), other).await.unwrap().key;
    let mut stranger = again(&desk.agent);
    stranger.actor = keys::authenticate(&desk.engine, &key, std::net::Ipv4Addr::LOCALHOST.into()).await.unwrap();
    let mut ids = several(&desk, &["40.00", "41.00"]).await;
    let body = proposal("theirs");
    let stored = decisions::propose(&desk.engine, &again(&stranger), &unique(), body.as_bytes()).await.unwrap();
    ids.push(id_of(&stored));

    let sheet = page(&desk, &desk.approver, &ids).await.sheet.unwrap();
    assert_eq!(sheet.fact_columns.len(), 1);
    assert_eq!(sheet.items[2].facts[0], "other-agent");

    let Actor::Person { session, .. } = desk.approver.actor else { panic!("a person") };
    let elsewhere = desk.elsewhere(&desk.approver).await;
    let held = desk.database.hold("select from decisions for update").await;
    let ended = format!("update sessions set ended_at = now() where id = '{}'", session.0);
    let (sent, ()) = tokio::join!(send(&desk, &desk.approver, sheet.bulk, Verdict::Approve), held.meanwhile(&ended));
    sent.unwrap();
    let run = finished(&desk, &elsewhere, sheet.bulk).await;
    assert_eq!(results(&run), [ItemResult::NotAllowed; 3], "{run:?}");
    let late = send(&desk, &desk.approver, sheet.bulk, Verdict::Approve).await.unwrap_err();
    assert!(late.to_string().contains("ended_sign_in"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_review_is_given_in_the_right_that_the_page_says() {
    let desk = Desk::new().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "ana-agent").await.unwrap();
    let ana = desk.member("ana", vec![Holding::on(Role::Approver, vec![other])]).await;
    let given = stand_in(&desk, &desk.approver, &ana).await;
    let ids = several(&desk, &["40.00", "41.00", "42.00"]).await;

    let sheet = page(&desk, &ana, &ids).await.sheet.unwrap();
    assert!(sheet.facts.contains(&(Fact::Right, "In the place of Approver A".to_owned())), "{:?}", sheet.facts);
    let own = page(&desk, &desk.approver, &ids).await.sheet.unwrap();
    assert!(own.facts.iter().all(|(fact, _)| *fact != Fact::Right), "one's own right goes without saying");
    send(&desk, &ana, sheet.bulk, Verdict::Approve).await.unwrap();
    assert_eq!(results(&finished(&desk, &ana, sheet.bulk).await), [ItemResult::Applied; 3]);
    for id in &ids {
        let told = decisions::view(&desk.engine, &again(&desk.auditor), *id).await.unwrap();
        assert_eq!(told.reviews[0].person, "ana for Approver A");
    }

    // What was given ends between page and form: nothing of it is reviewed.
    let ids = several(&desk, &["40.00", "41.00"]).await;
    let late = page(&desk, &ana, &ids).await.sheet.unwrap();
    delegations::end(&desk.engine, &again(&ana), given).await.unwrap();
    send(&desk, &ana, late.bulk, Verdict::Approve).await.unwrap();
    assert_eq!(results(&finished(&desk, &ana, late.bulk).await), [ItemResult::NotAllowed; 2]);
    // Nor does a right of one's own take its place, where the page named another's.
    let ids = several(&desk, &["40.00"]).await;
    stand_in(&desk, &desk.approver, &ana).await;
    let named = page(&desk, &ana, &ids).await.sheet.unwrap();
    let presentation = presentation_of(&desk, named.bulk, ids[0]).await;
    let form = desk.open_form(&ana, ids[0], Verdict::Approve).await.unwrap();
    let unsent = ReviewRequest { presentation, on_behalf: None, ..form };
    assert!(decisions::review(&desk.engine, &again(&ana), unsent).await.is_err());
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_delegator_and_delegate_one_counts_and_who_is_away_none_by_such_a_page() {
    let office = Office::new().await;
    let desk = &office.desk;
    let window = RuleForm { retract_seconds: "600".into(), ..rule("window", "require", "at_least", "0") };
    office.enforce(&[window]).await;
    let (ana, ben) = (&desk.approver, &desk.approver_b);
    let ids = [office.propose("a", "40.00").await, office.propose("b", "41.00").await];
    let before = page(desk, ana, &ids).await.sheet.unwrap();
    stand_in(desk, ben, ana).await;
    desk.review(ben, ids[0], Verdict::Approve).await.unwrap();

    // Ben has approved one of them, and Ana stands in for him: she does not reject it too.
    let view = page(desk, ana, &ids).await;
    assert_eq!((view.unfit.len(), view.unfit[0].id, view.unfit[0].misfit), (1, ids[0], Misfit::Barred));
    send(desk, ana, before.bulk, Verdict::Reject).await.unwrap();
    let run = finished(desk, ana, before.bulk).await;
    assert_eq!(results(&run), [ItemResult::NotAllowed, ItemResult::Applied], "{run:?}");

    let ids = [office.propose("c", "40.00").await, office.propose("d", "41.00").await];
    let before = page(desk, ben, &ids).await.sheet.unwrap();
    let until = date(desk.engine.now() + 7 * DAY_MS);
    absences::set(&desk.engine, &again(ben), AbsenceForm { until, ..AbsenceForm::default() }).await.unwrap();
    let view = page(desk, ben, &ids).await;
    assert!(view.sheet.is_none());
    assert!(view.unfit[0].why.as_ref().is_some_and(|why| why.starts_with("You are away until")), "{:?}", view.unfit);
    send(desk, ben, before.bulk, Verdict::Approve).await.unwrap();
    let run = finished(desk, ben, before.bulk).await;
    assert_eq!(results(&run), [ItemResult::Conflict; 2], "{run:?}");
    verified(desk).await;
}

/// Lets somebody review in another's place.
async fn stand_in(desk: &Desk, delegator: &Caller, delegate: &Caller) -> DelegationId {
    let until = date(desk.engine.now() + 7 * DAY_MS);
    let form = DelegationForm { to: delegate.person().unwrap().to_string(), until, ..DelegationForm::default() };
    delegations::give(&desk.engine, &again(delegator), form).await.unwrap()
}

async fn several(desk: &Desk, amounts: &[&str]) -> Vec<DecisionId> {
    let mut ids = Vec::new();
    for amount in amounts {
        let body = proposal(&unique()).replace("40.00", amount);
        ids.push(id_of(&desk.propose(&unique(), &body).await.unwrap()));
    }
    ids
}

async fn page(desk: &Desk, caller: &Caller, ids: &[DecisionId]) -> BulkView {
    decisions::bulk(&desk.engine, &again(caller), ids, &[]).await.unwrap()
}

async fn send(desk: &Desk, caller: &Caller, bulk: BulkRunId, verdict: Verdict) -> Result<()> {
    let reason = Reason::new("The same parcel each time.").unwrap();
    let code = if verdict == Verdict::Approve { ReasonCode::WithinPolicy } else { ReasonCode::AgainstPolicy };
    let request = BulkRequest { bulk, verdict, code, reason };
    decisions::review_in_bulk(&desk.engine, &again(caller), request).await
}

async fn finished(desk: &Desk, caller: &Caller, bulk: BulkRunId) -> BulkRunView {
    let read = async || decisions::bulk_run(&desk.engine, &again(caller), bulk).await.unwrap();
    // Fifty reviews take a while on a busy machine.
    for _ in 0..600 {
        if read().await.state == RunState::Finished {
            desk.sealed().await;
            return read().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the run did not end");
}

fn results(run: &BulkRunView) -> Vec<ItemResult> {
    run.rows.iter().map(|row| row.result).collect()
}

async fn count(desk: &Desk, kind: &str) -> i64 {
    let query =
        format!("select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"kind\":\"{kind}\"%'");
    desk.database.number(&query).await
}

/// How many reviews name a run.
async fn naming(desk: &Desk, bulk: BulkRunId) -> i64 {
    let query = format!(
        "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"bulk\":\"{bulk}\"%decision.reviewed%'"
    );
    desk.database.number(&query).await
}

async fn presentation_of(desk: &Desk, bulk: BulkRunId, decision: DecisionId) -> PresentationId {
    let mut conn = desk.database.connection().await;
    let id: uuid::Uuid = sqlx::query_scalar("select id from presentations where bulk_id = $1 and decision_id = $2")
        .bind(bulk.0)
        .bind(decision.0)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    id.into()
}
