//! From proposal to outcome, and every refusal on the way.

use std::time::Duration;

use countersign_domain::{
    decision::{ResolutionOutcome, SealState, State, Verdict},
    ids::DecisionId,
    problem::Code,
    view::Composer,
};
use countersign_engine::{
    Error,
    decisions::{self, QueueFilter, ReviewRequest},
    testing::{Desk, again, id_of, proposal, take_over},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_proposed_reviewed_released_and_reported() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let reviewed = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    // No agent learns of it before it is sealed, which a busy machine may do after the answer.
    desk.sealed().await;
    let answer = decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap();
    let outcome = br#"{"result":"executed","effect":"full"}"#;
    let stored = decisions::report_outcome(&desk.engine, &again(&desk.agent), id, "o-1", outcome).await.unwrap();

    assert_eq!(reviewed.resolution, Some(ResolutionOutcome::Approved));
    assert_eq!(answer.seal.state, SealState::Sealed);
    assert_eq!(answer.resolution.unwrap().outcome, ResolutionOutcome::Approved);
    assert_eq!(answer.state, State::Released);
    assert_eq!((stored.status, stored.replayed), (201, false));
    let kinds = desk.kinds_of(id).await;
    assert_eq!(
        kinds,
        ["proposed", "routed", "viewed", "leased", "viewed", "reviewed", "resolved", "released", "outcome_reported"]
            .map(|word| format!("decision.{word}"))
    );
}

/// An agent that asks again and again meets the moment of sealing: what it is told then is on record as told.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_a_resolution_is_never_told_without_a_release() {
    let desk = Desk::new().await;
    let told = async || {
        let id = desk.queued_decision().await;
        let asked = async {
            while decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap().resolution.is_none() {}
            desk.kinds_of(id).await
        };
        let (kinds, reviewed) = tokio::join!(asked, desk.review(&desk.approver, id, Verdict::Approve));
        reviewed.unwrap();
        kinds
    };

    for _ in 0..24 {
        let (a, b, c, d) = tokio::join!(told(), told(), told(), told());
        for kinds in [a, b, c, d] {
            assert!(kinds.iter().any(|kind| kind == "decision.released"), "{kinds:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_parallel_repeats_are_one_decision() {
    let desk = Desk::new().await;

    let all = (0..50).map(|_| desk.propose("same-key", PROPOSAL));
    let answers = futures_join(all.collect()).await;

    let first = id_of(answers[0].as_ref().unwrap());
    assert!(answers.iter().all(|answer| id_of(answer.as_ref().unwrap()) == first));
    assert_eq!(desk.database.number("select count(*) from decisions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_with_other_content_is_refused() {
    let desk = Desk::new().await;
    desk.propose("key", PROPOSAL).await.unwrap();

    let refusal = desk.propose("key", &proposal("another order")).await.unwrap_err();

    assert_eq!(code(refusal), Code::IdempotencyKeyReused);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_equal_open_decision_is_returned_unless_a_second_act_is_meant() {
    let desk = Desk::new().await;
    let first = id_of(&desk.propose("a", PROPOSAL).await.unwrap());

    let same = id_of(&desk.propose("b", PROPOSAL).await.unwrap());
    let second = PROPOSAL.replace("\"mode\":", "\"second_act\":true,\"mode\":");
    let other = id_of(&desk.propose("c", &second).await.unwrap());

    assert_eq!(same, first);
    assert_ne!(other, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_proposal_is_listed_and_nothing_is_stored() {
    let desk = Desk::new().await;
    let body = r#"{"mode":"propose","action":{"type":"refund.issue","parameters":{"order":1,"x":1}},"y":1.5}"#;

    let Error::Refused(numbers) = desk.propose("a", body).await.unwrap_err() else { panic!("not a refusal") };
    let Error::Refused(unknown) = desk.propose("a", &body.replace("1.5", "1")).await.unwrap_err() else { panic!() };
    let Error::Refused(kinds) = desk.propose("a", &body.replace(",\"y\":1.5", "")).await.unwrap_err() else { panic!() };

    assert_eq!(numbers.errors[0].pointer, "/y");
    assert_eq!(unknown.errors[0].pointer, "/y");
    let pointers: Vec<_> = kinds.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/action/parameters/x", "/action/parameters/order", "/action/parameters/amount"]);
    assert_eq!(desk.database.number("select count(*) from decisions").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_review_of_one_person_is_refused_and_on_record() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    decisions::review(&desk.engine, &again(&desk.approver), form.clone()).await.unwrap();

    let refusal = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();

    assert_eq!(code(refusal), Code::AlreadyResolved);
    assert_eq!(desk.kinds_of(id).await.last().map(String::as_str), Some("access.denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_too_late_reads_who_was_first() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    take_over(&desk.engine, &desk.approver_b, id, form.lease).await.unwrap();
    desk.review(&desk.approver_b, id, Verdict::Reject).await.unwrap();

    let late = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();

    let problem = countersign_domain::Problem::from(late);
    assert_eq!(problem.code, Code::AlreadyResolved);
    assert!(problem.detail.contains("UTC while you had it open: "), "{}", problem.detail);
    assert!(problem.detail.contains(" rejected it. Nothing of yours was recorded."), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvers_at_once_make_one_resolution() {
    let desk = Desk::new().await;
    for round in 0..20 {
        let id = desk.queued_decision().await;
        let verdict = if round % 2 == 0 { Verdict::Approve } else { Verdict::Reject };
        let form = desk.open_form(&desk.approver, id, verdict).await.unwrap();
        let lease = form.lease;

        let caller = again(&desk.approver);
        let (review, over) = tokio::join!(
            decisions::review(&desk.engine, &caller, form),
            take_over(&desk.engine, &desk.approver_b, id, lease)
        );

        match (review, over) {
            (Ok(_), Err(late)) => assert_eq!(code(late), Code::AlreadyResolved),
            (Err(lost), Ok(())) => {
                assert_eq!(code(lost), Code::LeaseLost);
                desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
            }
            both => panic!("one of them takes effect: {both:?}"),
        }
    }
    assert_eq!(desk.database.number("select count(*) from resolutions").await, 20);
    assert_eq!(desk.database.number("select count(*) from reviews").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_works_once_for_one_person_and_not_for_ever() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    let beside = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let foreign = decisions::review(&desk.engine, &again(&desk.approver_b), form.clone()).await.unwrap_err();
    for _ in 0..4 {
        // Only the page beside gives signs of life.
        decisions::beat(&desk.engine, &desk.approver, (id, beside.lease), beside.presentation, false).await.unwrap();
        desk.clock.advance(4 * 60 * 1_000);
    }
    let old = decisions::review(&desk.engine, &again(&desk.approver), form.clone()).await.unwrap_err();
    let own = desk.open_form(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    let with_anothers = ReviewRequest { presentation: beside.presentation, ..own };
    let mixed = decisions::review(&desk.engine, &again(&desk.approver_b), with_anothers).await.unwrap_err();

    assert_eq!(code(foreign), Code::LeaseLost);
    assert_eq!(code(old), Code::Stale);
    assert_eq!(code(mixed), Code::Stale);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_presentation_names_exactly_what_the_page_shows() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();

    let body = countersign_engine::ledger::statement(&desk.engine, &again(&desk.auditor), &page.seen).await.unwrap();
    let seen = countersign_ledger::statement::Seen::parse(&body).unwrap();
    let named: Vec<_> = seen.fields.iter().map(|field| (field.name.clone(), field.commitment.to_string())).collect();
    let shown: Vec<_> = page.fields.iter().map(|field| (field.name.clone(), field.commitment.clone())).collect();
    assert_eq!(named, shown);
    assert_eq!(seen.content.to_string(), page.content_hash);
    assert_eq!(
        page.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        ["order", "amount", "rationale", "context"]
    );
    assert!(matches!(page.composer, Composer::Ready { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_expires_and_never_approves() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    desk.clock.advance(24 * 3_600 * 1_000);
    let answer = decisions::wait(&desk.engine, &again(&desk.agent), id, Duration::from_secs(10), None).await.unwrap();
    let late = decisions::review(&desk.engine, &again(&desk.approver), form).await;

    assert_eq!(answer.resolution.unwrap().outcome, ResolutionOutcome::Expired);
    assert_eq!(answer.state, State::Closed);
    // The sign-in has run out as well; whichever is found first, the late review is refused.
    assert!(late.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_agent_is_woken_by_the_sealed_resolution() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
    let waiting =
        tokio::spawn(async move { decisions::wait(&engine, &agent, id, Duration::from_secs(20), None).await });
    tokio::time::sleep(Duration::from_millis(200)).await;

    let started = std::time::Instant::now();
    desk.review(&desk.approver, id, Verdict::Reject).await.unwrap();
    let answer = waiting.await.unwrap().unwrap();

    assert_eq!(answer.resolution.unwrap().outcome, ResolutionOutcome::Rejected);
    assert!(answer.seal.index.is_some());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_before_the_resolution_was_read_is_refused() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let body = br#"{"result":"executed","effect":"full"}"#;
    let refusal = decisions::report_outcome(&desk.engine, &again(&desk.agent), id, "o", body).await.unwrap_err();

    assert_eq!(code(refusal), Code::InvalidTransition);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_pages_by_key_and_returns_each_decision_once() {
    let desk = Desk::new().await;
    let mut made = Vec::new();
    for _ in 0..60 {
        made.push(desk.queued_decision().await);
    }

    let first = decisions::queue(&desk.engine, &again(&desk.approver), QueueFilter::default()).await.unwrap();
    let filter = QueueFilter { after: first.older.clone(), ..QueueFilter::default() };
    let second = decisions::queue(&desk.engine, &again(&desk.approver), filter).await.unwrap();

    assert_eq!((first.items.len(), second.items.len(), first.counts[0].count), (50, 10, 60));
    let mut listed: Vec<DecisionId> = first.items.iter().chain(&second.items).map(|item| item.id).collect();
    listed.sort();
    made.sort();
    assert_eq!(listed, made);
    assert!(first.items[0].title.starts_with("Issue a refund: order "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_verifies_without_the_server() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    let proof = decisions::proof(&desk.engine, &again(&desk.agent), id).await.unwrap();

    let policy =
        countersign_ledger::policy::TrustPolicy::parse(&countersign_engine::ledger::trust_policy(&desk.engine))
            .unwrap();
    let trust = countersign_ledger::verify::Trust::from(policy);
    let report = countersign_ledger::verify::verify_proof(&proof, &trust, None, &Default::default());
    assert_ne!(report.exit_code(), 1, "{}", report.summary());
    assert!(proof.contains("\nindex "));
}

const PROPOSAL: &str =
    r#"{"mode":"propose","action":{"type":"refund.issue","parameters":{"order":"A1","amount":"40.00"}}}"#;

fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}

async fn futures_join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in pinned.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
