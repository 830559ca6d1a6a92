//! Access log, keys, windows of auditors, access reviews, health.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use countersign_domain::{
    administration::{AccessFilter, Health, Reach},
    decision::Verdict,
    event::AccessReviewAnswer,
    holding::Holding,
    ids::SystemId,
    problem::Code,
    role::Role,
};
use countersign_engine::{
    Actor, Caller, Error,
    access::{self, Side},
    access_reviews, audit_windows, changes,
    decisions::{self, QueueFilter},
    health, keys, people, refusals, systems,
    testing::{Desk, FREE_BYTES_MIN, again},
};
use countersign_ledger::verify::Status;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// Proves F8 and U1: who read what is shown, and the question is on record with its count.
#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_sees_who_read_what_and_an_admin_the_operations() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    people::list(&desk.engine, &again(&desk.approver)).await.unwrap_err();
    indexed(&desk).await;

    let asker = again(&desk.auditor);
    let all = access::log(&desk.engine, &asker, AccessFilter::default()).await.unwrap();
    let operations = access::log(&desk.engine, &again(&desk.admin), AccessFilter::default()).await.unwrap();

    assert_eq!((all.reach, operations.reach), (Reach::All, Reach::Operations));
    let seen = all.rows.iter().find(|row| row.kind == "decision.viewed").unwrap();
    assert_eq!((seen.who.as_str(), seen.object_id.clone()), ("Approver A", Some(id.to_string())));
    assert!(all.rows.iter().any(|row| row.kind == "access.denied" && row.detail == "list people"));
    assert!(operations.rows.iter().any(|row| row.kind == "access.denied"));
    assert!(operations.rows.iter().all(|row| row.object.as_deref() != Some("decision")));
    assert!(all.rows.windows(2).all(|pair| pair[0].index > pair[1].index), "newest first");
    assert_eq!(asker.sealed(), 1);
    assert_eq!(count(&desk, "access.searched").await, 2);
    desk.check_log().await;
}

/// Proves F8.
#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_answers_by_person_object_kind_and_day_and_marks_what_it_cannot_read() {
    let desk = Desk::new().await;
    let (one, other) = (desk.queued_decision().await, desk.queued_decision().await);
    for id in [one, other] {
        decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
        decisions::view(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    }
    indexed(&desk).await;
    let ask = async |filter: AccessFilter| access::log(&desk.engine, &again(&desk.auditor), filter).await;
    let reads = AccessFilter { kind: "read".into(), ..AccessFilter::default() };

    let of_one = ask(AccessFilter { object: one.to_string(), ..reads.clone() }).await.unwrap();
    let by_b = ask(AccessFilter { person: "Approver-B".into(), ..reads.clone() }).await.unwrap();
    let id = desk.approver_b.person().unwrap().to_string();
    let by_id = ask(AccessFilter { person: id, ..reads.clone() }).await.unwrap();
    let today =
        ask(AccessFilter { from: "2026-11-02".into(), to: "2026-11-02".into(), ..reads.clone() }).await.unwrap();
    let before = ask(AccessFilter { to: "2026-11-01".into(), ..reads.clone() }).await.unwrap();

    assert_eq!((of_one.rows.len(), by_b.rows.len(), by_id.rows.len()), (2, 2, 2));
    assert!(by_b.rows.iter().all(|row| row.who == "Approver B"));
    assert_eq!((today.rows.len(), before.rows.len()), (4, 0));
    for (field, filter) in [
        ("/person", AccessFilter { person: "nobody-such".into(), ..AccessFilter::default() }),
        ("/object", AccessFilter { object: "12".into(), ..AccessFilter::default() }),
        ("/kind", AccessFilter { kind: "everything".into(), ..AccessFilter::default() }),
        ("/from", AccessFilter { from: "yesterday".into(), ..AccessFilter::default() }),
        ("/to", AccessFilter { from: "2026-11-02".into(), to: "2026-11-01".into(), ..AccessFilter::default() }),
        ("/before", AccessFilter { before: "x".into(), ..AccessFilter::default() }),
    ] {
        let problem = countersign_domain::Problem::from(ask(filter).await.unwrap_err());
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidContent, field));
    }
}

/// Proves F8: paging by key returns every entry once, while new ones arrive.
#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_pages_by_key_and_returns_each_entry_once() {
    let desk = Desk::new().await;
    for _ in 0..60 {
        decisions::queue(&desk.engine, &again(&desk.approver), QueueFilter::default()).await.unwrap();
    }
    indexed(&desk).await;
    let page = async |before: String| {
        let filter = AccessFilter { kind: "list".into(), before, ..AccessFilter::default() };
        access::log(&desk.engine, &again(&desk.auditor), filter).await.unwrap()
    };

    let first = page(String::new()).await;
    decisions::queue(&desk.engine, &again(&desk.approver), QueueFilter::default()).await.unwrap();
    indexed(&desk).await;
    let second = page(first.older.unwrap().to_string()).await;

    let mut seen: Vec<_> = first.rows.iter().chain(&second.rows).map(|row| row.index).collect();
    assert_eq!((first.rows.len(), second.rows.len(), second.older), (50, 10, None));
    seen.dedup();
    assert_eq!(seen.len(), 60);
}

/// Proves F8: people see who read about their own reviews, and nothing from before them.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_who_read_about_their_own_reviews() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    desk.clock.advance(1_000);
    decisions::view(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    indexed(&desk).await;

    let about = access::own(&desk.engine, &again(&desk.approver), Side::About, None).await.unwrap();
    let by = access::own(&desk.engine, &again(&desk.approver), Side::By, None).await.unwrap();
    let nothing = access::own(&desk.engine, &again(&desk.approver_b), Side::About, None).await.unwrap();
    let agent = access::own(&desk.engine, &again(&desk.agent), Side::About, None).await.unwrap_err();

    assert_eq!(about.rows.iter().map(|row| row.who.as_str()).collect::<Vec<_>>(), ["Approver B"]);
    assert!(
        by.rows.iter().all(|row| row.who == "Approver A") && by.rows.iter().any(|row| row.kind == "decision.viewed")
    );
    assert!(nothing.rows.is_empty());
    assert_eq!(code(agent), Code::Unauthenticated);
}

/// Proves U5: ten refusals of somebody known are single entries, the rest are counted; strangers from the start.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_known_are_single_up_to_ten_a_minute_and_strangers_are_counted() {
    let desk = Desk::new().await;
    let stranger = Caller::new(Actor::Anonymous, "198.51.100.7", "x", uuid::Uuid::nil());

    for _ in 0..50 {
        refusals::record(&desk.engine, &again(&desk.approver), None, Code::CrossOrigin).await.unwrap();
        refusals::record(&desk.engine, &again(&stranger), None, Code::Unauthenticated).await.unwrap();
    }

    // Ten, and one that counts from then on.
    assert_eq!(count(&desk, "access.denied").await, 11);
    assert_eq!(count(&desk, "auth.failed").await, 1);
    desk.clock.advance(61_000);
    eventually(&desk, "\"count\":39", 1).await;
    eventually(&desk, "\"count\":49", 1).await;
}

/// Proves K2: two secrets work while a key is rotated, and one after.
#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_work_during_a_rotation_and_one_after() {
    let desk = Desk::new().await;
    let key = only_key(&desk).await;
    let admin = || again(&desk.admin);
    let works = async |secret: &str| keys::authenticate(&desk.engine, secret, LOOPBACK).await.is_ok();

    let new = keys::rotate(&desk.engine, &admin(), key, 24).await.unwrap().key;
    let both = (works(&desk.key).await, works(&new).await);
    let third = keys::rotate(&desk.engine, &admin(), key, 1).await.unwrap_err();
    keys::end_former(&desk.engine, &admin(), key).await.unwrap();
    let one = (works(&desk.key).await, works(&new).await);
    let again_ended = keys::end_former(&desk.engine, &admin(), key).await.unwrap_err();
    let newest = keys::rotate(&desk.engine, &admin(), key, 1).await.unwrap().key;
    desk.clock.advance(3_601_000);

    assert_eq!((both, one), ((true, true), (false, true)));
    assert_eq!((code(third), code(again_ended)), (Code::InvalidTransition, Code::InvalidTransition));
    assert_eq!((works(&new).await, works(&newest).await), (false, true), "the former secret ends by itself");
    desk.check_log().await;
}

/// Proves K2: a key works from its networks only, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_works_from_its_networks_only() {
    let desk = Desk::new().await;
    let settings = keys::KeySettings::parse("read", "30", "10.0.0.0/8 2001:db8::/32").unwrap();
    let key = keys::issue(&desk.engine, &again(&desk.admin), desk.system, settings).await.unwrap();

    let from = async |address: &str| keys::authenticate(&desk.engine, &key.key, address.parse().unwrap()).await;

    assert!(from("10.1.2.3").await.is_ok() && from("2001:db8::9").await.is_ok());
    assert_eq!(code(from("192.0.2.1").await.unwrap_err()), Code::WrongNetwork);
    let Actor::Agent { scopes, .. } = from("10.1.2.3").await.unwrap() else { panic!("an agent") };
    assert_eq!(scopes, [countersign_domain::event::Scope::Read]);
    let listed = keys::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    let row = listed.keys.iter().find(|row| key.key.contains(&row.key_id)).unwrap();
    assert_eq!(row.networks, ["10.0.0.0/8", "2001:db8::/32"]);
    assert!((row.expires_at - row.issued_at).abs_diff(30 * DAY_MS) < 1_000);
    assert!(row.last_used_at.is_some());
}

/// Proves K2: a revoked key stops at once, also what waits with it.
#[tokio::test(flavor = "multi_thread")]
async fn revoked_within_a_second() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let key = only_key(&desk).await;
    let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
    let waiting =
        tokio::spawn(async move { decisions::wait(&engine, &agent, id, Duration::from_secs(30), None).await });
    tokio::time::sleep(Duration::from_millis(200)).await;

    let began = Instant::now();
    systems::revoke_key(&desk.engine, &again(&desk.admin), key).await.unwrap();
    let refused = keys::authenticate(&desk.engine, &desk.key, LOOPBACK).await.unwrap_err();
    let waited = waiting.await.unwrap();

    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(code(refused), Code::Unauthenticated);
    assert!(matches!(waited, Err(Error::Hidden(_) | Error::Forbidden(_))), "a waiting call gets nothing more");
}

/// Proves F9: an auditor's window shows its systems only, and nothing after its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_shows_its_systems_until_its_end() {
    let desk = Desk::new().await;
    let (inside, outside) = (desk.queued_decision().await, other_decision(&desk).await);
    let auditor = desk.member("outside", Vec::new()).await;
    open_window(&desk, "outside", "refund-agent").await;

    let seen = decisions::view(&desk.engine, &again(&auditor), inside).await;
    let hidden = decisions::view(&desk.engine, &again(&auditor), outside).await.unwrap_err();
    let queue = decisions::queue(&desk.engine, &again(&auditor), QueueFilter::default()).await.unwrap();
    decisions::view(&desk.engine, &again(&desk.approver), outside).await.unwrap();
    indexed(&desk).await;
    let log = access::log(&desk.engine, &again(&auditor), AccessFilter::default()).await.unwrap();
    let mark = audit_windows::watermark(&desk.engine, &auditor, "outside").await.unwrap().unwrap();
    let own = access::own(&desk.engine, &again(&auditor), Side::By, None).await.unwrap();

    assert!(seen.is_ok());
    assert_eq!(code(hidden), Code::NotFound);
    assert_eq!(queue.items.iter().map(|item| item.id).collect::<Vec<_>>(), [inside]);
    assert_eq!(log.reach, Reach::Systems);
    assert!(log.rows.iter().all(|row| row.object_id != Some(outside.to_string()) || row.who == "outside"));
    assert!(log.rows.iter().any(|row| row.object_id == Some(inside.to_string())));
    assert!(mark.sentence().starts_with("Shown to outside for iso-27001-2026, access until 10 Nov 2026"));
    assert!(own.rows.iter().any(|row| row.kind == "decision.viewed"));

    desk.clock.advance(9 * DAY_MS);
    let after = decisions::view(&desk.engine, &again(&auditor), inside).await.unwrap_err();
    let log_after = access::log(&desk.engine, &again(&auditor), AccessFilter::default()).await.unwrap_err();

    assert_eq!((code(after), code(log_after)), (Code::NotFound, Code::Forbidden));
    assert_eq!(audit_windows::watermark(&desk.engine, &auditor, "x").await.unwrap(), None);
    desk.check_log().await;
}

/// Proves F9 and K7: a window waits for a second person, who is neither its auditor nor who asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_needs_a_second_person() {
    let desk = Desk::new().await;
    let second = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    let auditor = desk.member("outside", Vec::new()).await;
    let id = desk.queued_decision().await;

    let opened = request_window(&desk, "outside", "").await.unwrap();
    let audit_windows::Opened::Waits(change) = opened else { panic!("it waits") };
    let early = decisions::view(&desk.engine, &again(&auditor), id).await.unwrap_err();
    let own = changes::confirm(&desk.engine, &again(&desk.admin), change).await.unwrap_err();
    changes::confirm(&desk.engine, &again(&second), change).await.unwrap();
    let now = decisions::view(&desk.engine, &again(&auditor), id).await;

    assert_eq!((code(early), code(own)), (Code::NotFound, Code::FourEyes));
    assert!(now.is_ok());
    desk.check_log().await;
}

/// Proves K2: an auditor's token fetches files of the log while its window is open, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_fetches_the_log_while_its_window_is_open() {
    let desk = Desk::new().await;
    desk.member("outside", Vec::new()).await;
    let window = open_window(&desk, "outside", "").await;
    let token = audit_windows::issue_token(&desk.engine, &again(&desk.admin), window, "").await.unwrap().key;
    let mut caller = again(&desk.agent);
    caller.actor = keys::authenticate(&desk.engine, &token, LOOPBACK).await.unwrap();
    desk.sealed().await;

    let tile = countersign_engine::ledger::tile(&desk.engine, &again(&caller), "0/000.p/1").await;
    let types = countersign_engine::decision_types::list(&desk.engine, &again(&caller)).await;
    audit_windows::close(&desk.engine, &again(&desk.admin), window).await.unwrap();
    let closed = keys::authenticate(&desk.engine, &token, LOOPBACK).await.unwrap_err();
    let tile_after = countersign_engine::ledger::tile(&desk.engine, &again(&caller), "0/000.p/1").await;

    assert!(tile.is_ok());
    assert!(types.is_err(), "a token reads no decision types");
    assert_eq!(code(closed), Code::Unauthenticated);
    assert!(tile_after.is_err());
    desk.check_log().await;
}

/// Proves F7: every assignment is answered by somebody else, and the answer takes effect.
#[tokio::test(flavor = "multi_thread")]
async fn an_access_review_keeps_and_revokes_and_nobody_answers_for_themselves() {
    let desk = Desk::new().await;
    let second = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    let review = access_reviews::start(&desk.engine, &again(&desk.admin), 14, 7).await.unwrap();
    let twice = access_reviews::start(&desk.engine, &again(&second), 14, 7).await.unwrap_err();
    let view = access_reviews::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    let own = view.items.iter().find(|item| item.own).unwrap().assignment;
    let answer = async |by: &Caller, assignment, answer| {
        access_reviews::answer(&desk.engine, &again(by), review, assignment, answer).await
    };

    let refused = answer(&desk.admin, own, AccessReviewAnswer::Keep).await.unwrap_err();
    for item in &view.items {
        let by = if item.own { &second } else { &desk.admin };
        let what = match item.person.as_str() {
            "Approver B" => AccessReviewAnswer::Revoke,
            _ => AccessReviewAnswer::Keep,
        };
        answer(by, item.assignment, what).await.unwrap();
    }
    let done = access_reviews::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    let late = answer(&second, own, AccessReviewAnswer::Revoke).await.unwrap_err();

    assert_eq!(
        (code(twice), code(refused), code(late)),
        (Code::InvalidTransition, Code::Forbidden, Code::InvalidTransition)
    );
    assert_eq!((view.items.len(), done.reviews[0].answered), (5, 5));
    assert!(done.reviews[0].completed_at.is_some() && done.reviews[0].result.is_some());
    let queue = decisions::queue(&desk.engine, &again(&desk.approver_b), QueueFilter::default()).await.unwrap_err();
    assert_eq!(code(queue), Code::Forbidden);
    decisions::queue(&desk.engine, &again(&desk.approver), QueueFilter::default()).await.unwrap();
    assert_eq!(count(&desk, "access_review.decided").await, 5);
    assert_eq!(count(&desk, "access_review.completed").await, 1);
    desk.check_log().await;
}

/// Proves F7: what nobody answers is suspended after the grace period, but for the last admin.
#[tokio::test(flavor = "multi_thread")]
async fn overdue_assignments_are_suspended_after_the_grace_period() {
    let desk = Desk::new().await;
    access_reviews::start(&desk.engine, &again(&desk.admin), 7, 7).await.unwrap();

    desk.clock.advance(13 * DAY_MS);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let in_grace = count(&desk, "role.unassigned").await;
    desk.clock.advance(DAY_MS);
    eventually(&desk, "\"answer\":\"suspend\"", 3).await;

    assert_eq!(in_grace, 0);
    assert_eq!(count(&desk, "role.unassigned").await, 3, "the admin stays: nobody could run access");
    let queue = decisions::queue(&desk.engine, &again(&desk.approver), QueueFilter::default()).await.unwrap_err();
    assert_eq!(code(queue), Code::Forbidden);
}

/// Proves G4: low space refuses what would be taken in, is on record once, and lets reads go on.
#[tokio::test(flavor = "multi_thread")]
async fn low_space_refuses_intake_and_lets_reads_go_on() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    desk.engine.pretend_health(FREE_BYTES_MIN - 1, 100 * 1024 * 1024 * 1024, 0);
    let order = "A-1".to_owned();
    let proposed = desk.propose("k", &countersign_engine::testing::proposal(&order)).await.map(|_| ()).unwrap_err();
    let reviewed = decisions::review(&desk.engine, &again(&desk.approver), form.clone()).await.map(|_| ()).unwrap_err();
    let read = decisions::view(&desk.engine, &again(&desk.approver), id).await;
    let lines = health::view(&desk.engine, &again(&desk.admin)).await.unwrap().lines;
    eventually(&desk, "ledger.anomaly", 1).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let ready = desk.engine.ready().await;

    assert_eq!((code(proposed), code(reviewed)), (Code::DiskLow, Code::DiskLow));
    assert!(read.is_ok());
    assert_eq!(lines.iter().find(|line| line.name == "Disk").map(|line| line.state), Some(Health::Broken));
    assert_eq!(count(&desk, "ledger.anomaly").await, 1);
    assert!(!ready.disk && ready.clock && !ready.ok());
    desk.engine.pretend_health(60 * 1024 * 1024 * 1024, 100 * 1024 * 1024 * 1024, 31_000);
    let ready = desk.engine.ready().await;
    assert!(ready.disk && !ready.clock);
    decisions::review(&desk.engine, &again(&desk.approver), form).await.map(|_| ()).unwrap();
}

/// Proves K3 and U2: health is read by admins, is not sealed, and answers while the ledger takes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn health_is_not_sealed_and_is_not_for_everybody() {
    let desk = Desk::new().await;
    let caller = again(&desk.admin);

    let shown = health::view(&desk.engine, &caller).await.unwrap();
    let refused = health::view(&desk.engine, &again(&desk.approver)).await.unwrap_err();

    assert_eq!(caller.sealed(), 0);
    assert_eq!(code(refused), Code::Forbidden);
    let names: Vec<_> = shown.lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Database",
            "Sealing",
            "Sequencer",
            "High-water mark",
            "Published checkpoint",
            "Kept outside",
            "Reviewers",
            "Disk",
            "Clocks",
            "PostgreSQL",
            "Countersign"
        ]
    );
    assert!(shown.lines.iter().all(|line| (line.state == Health::Fine) == line.advice.is_none()));
}

/// Everything of this module at once leaves a log and rows that the verifier accepts.
#[tokio::test(flavor = "multi_thread")]
async fn log_and_rows_of_administration_verify() {
    let desk = Desk::new().await;
    let (key, admin) = (only_key(&desk).await, || again(&desk.admin));
    keys::rotate(&desk.engine, &admin(), key, 24).await.unwrap();
    keys::end_former(&desk.engine, &admin(), key).await.unwrap();
    let auditor = desk.member("outside", Vec::new()).await;
    let window = open_window(&desk, "outside", "refund-agent").await;
    audit_windows::issue_token(&desk.engine, &admin(), window, "10.0.0.0/8").await.unwrap();
    access::log(&desk.engine, &again(&auditor), AccessFilter::default()).await.unwrap();
    access::export(&desk.engine, &again(&auditor), AccessFilter::default()).await.unwrap();
    refusals::record(&desk.engine, &again(&auditor), None, Code::CrossOrigin).await.unwrap();
    audit_windows::close(&desk.engine, &admin(), window).await.unwrap();
    let review = access_reviews::start(&desk.engine, &admin(), 14, 0).await.unwrap();
    for item in access_reviews::list(&desk.engine, &admin()).await.unwrap().items {
        if !item.own {
            let answer = AccessReviewAnswer::Change;
            access_reviews::answer(&desk.engine, &admin(), review, item.assignment, answer).await.unwrap();
        }
    }

    let report = crate::export::verify(&desk).await;

    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

async fn only_key(desk: &Desk) -> countersign_domain::ids::AgentKeyId {
    keys::list(&desk.engine, &again(&desk.admin)).await.unwrap().keys[0].id
}

async fn request_window(desk: &Desk, login: &str, systems: &str) -> countersign_engine::Result<audit_windows::Opened> {
    let form = audit_windows::WantedForm { name: "iso-27001-2026", login, systems, from: "", until: "2026-11-09" };
    let wanted = audit_windows::Wanted::parse(&desk.engine, form)?;
    audit_windows::request(&desk.engine, &again(&desk.admin), wanted).await
}

async fn open_window(desk: &Desk, login: &str, systems: &str) -> countersign_domain::ids::AuditWindowId {
    match request_window(desk, login, systems).await.unwrap() {
        audit_windows::Opened::Now(window) => window,
        audit_windows::Opened::Waits(_) => panic!("there is only one admin"),
    }
}

/// A decision of another system.
async fn other_decision(desk: &Desk) -> countersign_domain::ids::DecisionId {
    let system: SystemId = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    let key = systems::issue_key(&desk.engine, &again(&desk.admin), system).await.unwrap().key;
    let mut agent = again(&desk.agent);
    agent.actor = keys::authenticate(&desk.engine, &key, LOOPBACK).await.unwrap();
    let body = countersign_engine::testing::proposal("L-1");
    let stored = decisions::propose(&desk.engine, &agent, "k", body.as_bytes()).await.unwrap();
    countersign_engine::testing::id_of(&stored)
}

/// Waits until everything committed is sealed and in the index.
async fn indexed(desk: &Desk) {
    let size = i64::try_from(desk.sealed().await).unwrap();
    for _ in 0..500 {
        if desk.database.number("select coalesce(max(idx), -1) + 1 from ledger_index").await >= size {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("entries were left out of the index");
}

async fn count(desk: &Desk, text: &str) -> i64 {
    let text = text.replace('\'', "''");
    desk.database
        .number(&format!("select count(*) from ledger_entries where position('{text}'::bytea in bytes) > 0"))
        .await
}

/// Waits until so many entries hold a text.
async fn eventually(desk: &Desk, text: &str, wanted: i64) {
    for _ in 0..500 {
        if count(desk, text).await >= wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{text} is not on record {wanted} times, but {}", count(desk, text).await);
}

fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}
