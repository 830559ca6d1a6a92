//! Notes for the next shift: who reads them, for how long, and who ends them.

use countersign_domain::{
    holding::Holding,
    ids::{FormId, HandoverId, SystemId},
    problem::{Code, Problem},
    role::Role,
    talk::Note,
};
use countersign_engine::{
    Caller, Error, Result,
    decisions::{self, QueueFilter},
    export::{self, Pinned},
    handovers::{self, HandoverRequest},
    systems,
    testing::{Desk, again, unique},
};
use countersign_ledger::verify::Status;

const HOUR: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_note_stands_above_the_queue_of_the_next_reviewers_for_a_day() {
    let desk = Desk::new().await;
    leave(&desk, &desk.approver, Some(desk.system), "Mind the refunds.").await.unwrap();

    let read = shown(&desk, &desk.approver_b).await;
    assert_eq!(read, ["Mind the refunds."]);
    assert_eq!(shown(&desk, &desk.auditor).await, read, "an auditor reads it");
    let leaked = "select count(*) from ledger_entries where position(convert_to('Mind the', 'UTF8') in bytes) > 0";
    assert_eq!(desk.database.number(leaked).await, 0, "the text is in no leaf");
    verified(&desk).await;

    desk.clock.advance(24 * HOUR - 60_000);
    assert_eq!(shown(&desk, &desk.approver_b).await, read);
    desk.clock.advance(60_000);
    assert_eq!(shown(&desk, &desk.approver_b).await, Vec::<String>::new());
    let late = handovers::end(&desk.engine, &again(&desk.approver), only(&desk).await).await.unwrap_err();
    assert_eq!(problem(late).code, Code::InvalidTransition);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_was_ended_is_left_anew_in_the_same_words() {
    let desk = Desk::new().await;
    leave(&desk, &desk.approver, None, "All quiet.").await.unwrap();

    handovers::end(&desk.engine, &again(&desk.approver), only(&desk).await).await.unwrap();
    leave(&desk, &desk.approver, None, "All quiet.").await.unwrap();

    assert_eq!(shown(&desk, &desk.approver_b).await, ["All quiet."]);
    assert_eq!(desk.database.number("select count(*) from handovers").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reader_puts_a_note_away_for_themselves() {
    let desk = Desk::new().await;
    leave(&desk, &desk.approver, None, "All quiet.").await.unwrap();
    let id = only(&desk).await;

    for _ in 0..2 {
        handovers::put_away(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    }

    assert_eq!(shown(&desk, &desk.approver_b).await, Vec::<String>::new());
    assert_eq!(shown(&desk, &desk.approver).await, ["All quiet."]);
    let all = handovers::view(&desk.engine, &again(&desk.approver_b)).await.unwrap();
    assert_eq!(all.rows.len(), 1, "its page still has it");
    assert_eq!(desk.database.number("select count(*) from handover_reads").await, 1);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_author_or_a_senior_approver_ends_a_note_and_once() {
    let desk = Desk::new().await;
    let senior = desk.member("senior", vec![Holding::on(Role::SeniorApprover, vec![desk.system])]).await;
    leave(&desk, &desk.approver, Some(desk.system), "One.").await.unwrap();
    let one = only(&desk).await;

    let other = handovers::end(&desk.engine, &again(&desk.approver_b), one).await.unwrap_err();
    let auditor = handovers::end(&desk.engine, &again(&desk.auditor), one).await.unwrap_err();
    handovers::end(&desk.engine, &again(&senior), one).await.unwrap();
    let twice = handovers::end(&desk.engine, &again(&desk.approver), one).await.unwrap_err();
    leave(&desk, &desk.approver, None, "Two.").await.unwrap();
    let two = only(&desk).await;
    let bounded = handovers::end(&desk.engine, &again(&senior), two).await.unwrap_err();
    handovers::end(&desk.engine, &again(&desk.approver), two).await.unwrap();

    assert!([&other, &auditor, &bounded].iter().all(|error| matches!(error, Error::Forbidden(_))));
    assert_eq!(problem(bounded).code, Code::Forbidden, "a senior approver of one system ends no note about all");
    assert_eq!(problem(twice).code, Code::InvalidTransition);
    assert_eq!(shown(&desk, &desk.approver_b).await, Vec::<String>::new());
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_written_and_read_in_scope() {
    let desk = Desk::new().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    let here = desk.member("here", vec![Holding::on(Role::Approver, vec![desk.system])]).await;
    let there = desk.member("there", vec![Holding::on(Role::Approver, vec![other])]).await;
    let viewer = desk.member("viewer-a", vec![Holding::everywhere(Role::Viewer)]).await;

    leave(&desk, &here, Some(desk.system), "Here.").await.unwrap();
    let refused = [
        leave(&desk, &there, Some(desk.system), "Not mine.").await.unwrap_err(),
        leave(&desk, &there, None, "For all.").await.unwrap_err(),
        leave(&desk, &viewer, Some(desk.system), "Only reading.").await.unwrap_err(),
        leave(&desk, &desk.auditor, Some(desk.system), "Only reading.").await.unwrap_err(),
    ];
    let unread = handovers::put_away(&desk.engine, &again(&there), only(&desk).await).await.unwrap_err();

    assert!(refused.iter().all(|error| matches!(error, Error::Forbidden(_))), "{refused:?}");
    assert_eq!(problem(unread).code, Code::NotFound);
    assert_eq!(shown(&desk, &there).await, Vec::<String>::new());
    assert_eq!(shown(&desk, &viewer).await, ["Here."]);
    let page = handovers::view(&desk.engine, &again(&here)).await.unwrap();
    let choices: Vec<_> = page.systems.iter().map(|(id, _)| *id).collect();
    assert_eq!((choices, page.may_all, page.barred), (vec![desk.system], false, None));
    let page = handovers::view(&desk.engine, &again(&viewer)).await.unwrap();
    assert!(page.systems.is_empty() && page.barred.is_some());
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_is_one_note_and_many_notes_wait() {
    let desk = Desk::new().await;
    let form = request(None, "Once.");
    let (first, second) = (again(&desk.approver), again(&desk.approver));

    let (one, other) = tokio::join!(
        handovers::note(&desk.engine, &first, form.clone()),
        handovers::note(&desk.engine, &second, form.clone()),
    );
    one.unwrap();
    other.unwrap();
    leave(&desk, &desk.approver, None, "Once.").await.unwrap();
    assert_eq!(desk.database.number("select count(*) from handovers").await, 1);
    assert!(first.sealed() > 0 && second.sealed() > 0, "both requests are on record");

    for number in 0..9 {
        leave(&desk, &desk.approver, None, &format!("{number}")).await.unwrap();
    }
    let refused = problem(leave(&desk, &desk.approver, None, "more").await.unwrap_err());
    assert_eq!(refused.code, Code::RateLimited);
    assert!(refused.detail.contains("Try again in 10 minutes."), "{}", refused.detail);
}

fn request(system: Option<SystemId>, note: &str) -> HandoverRequest {
    HandoverRequest { system, nonce: FormId(unique().parse().unwrap()), note: Note::new(note).unwrap() }
}

async fn leave(desk: &Desk, caller: &Caller, system: Option<SystemId>, note: &str) -> Result<()> {
    handovers::note(&desk.engine, &again(caller), request(system, note)).await
}

/// The texts above somebody's queue.
async fn shown(desk: &Desk, caller: &Caller) -> Vec<String> {
    let queue = decisions::queue(&desk.engine, &again(caller), QueueFilter::default()).await.unwrap();
    queue.handovers.into_iter().map(|handover| handover.text).collect()
}

/// The newest note.
async fn only(desk: &Desk) -> HandoverId {
    let query = "select id from handovers order by noted_at desc, id desc limit 1";
    let id: uuid::Uuid = sqlx::query_scalar(query).fetch_one(&mut desk.database.connection().await).await.unwrap();
    HandoverId(id)
}

fn problem(error: Error) -> Problem {
    Problem::from(error)
}

async fn verified(desk: &Desk) {
    desk.sealed().await;
    let pinned = Pinned { held: Vec::new(), keys: Some(desk.keys()), trust: None };
    let report = export::verify(&desk.database.url_as("countersign"), pinned).await.unwrap();
    let wrong: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.status == Status::Failed || check.detail.contains("is not understood"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
