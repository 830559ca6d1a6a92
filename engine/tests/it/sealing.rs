//! Entries, places, signatures: what holds through crashes, attacks and a full queue.

use countersign_domain::decision::Verdict;
use countersign_engine::{
    Error, decisions, ledger,
    testing::{Desk, again},
};
use countersign_ledger::{checkpoint, hash::leaf_hash, note::Verifier};

#[tokio::test(flavor = "multi_thread")]
async fn indexes_have_no_gap_and_the_root_is_that_of_the_leaves() {
    let desk = Desk::new().await;
    for _ in 0..300 {
        desk.queued_decision().await;
    }

    let size = desk.check_log().await;

    assert!(size > 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_log_ended() {
    let mut desk = Desk::new().await;
    desk.queued_decision().await;
    let before = desk.check_log().await;

    desk.restart().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    assert!(desk.check_log().await > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_role_cannot_rewrite_the_log() {
    let desk = Desk::new().await;
    desk.queued_decision().await;
    desk.sealed().await;

    for role in ["countersign_app", "countersign_sequencer", "countersign_owner"] {
        for statement in [
            "update ledger_entries set bytes = 'xx' where idx = 0",
            "update ledger_entries set idx = idx + 1000 where idx = 0",
            "delete from ledger_entries where idx = 0",
            "truncate ledger_entries cascade",
            "delete from ledger_tiles",
            "update reviews set verdict = 'reject'",
            "delete from resolutions",
        ] {
            let refused = desk.database.try_as(role, statement).await;
            // The owner may change business rows; the log's own tables refuse even the owner.
            let business = statement.contains("reviews")
                || statement.contains("resolutions")
                || statement.contains("ledger_tiles");
            assert!(refused.is_err() || (role == "countersign_owner" && business), "{role}: {statement}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_database_is_never_signed() {
    let mut desk = Desk::new().await;
    desk.queued_decision().await;
    desk.sealed().await;
    desk.engine.stop().await;
    // What a restored backup looks like: the newest entries and the head are gone.
    desk.database.attack("delete from presentations; delete from idempotency_keys").await;
    desk.database
        .attack(
            "with gone as (delete from ledger_entries where idx >= 3 returning idx)
             update ledger_logs set size = 3, signed_size = 3 where (select count(*) from gone) > 0",
        )
        .await;
    let edge = "update ledger_logs set root = sha256('\\x01'::bytea || sha256('\\x01'::bytea
                  || (select leaf_hash from ledger_entries where idx = 0) || (select leaf_hash from ledger_entries where idx = 1))
                  || (select leaf_hash from ledger_entries where idx = 2))";
    desk.database.attack(edge).await;

    desk.start_again().await;
    let stopped = desk.stopped().await;

    assert!(stopped.contains("rolled back"), "{stopped}");
    let refusal = desk.propose("k", &countersign_engine::testing::proposal("x")).await.unwrap_err();
    assert!(matches!(refusal, Error::CannotSeal(_)), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_leaf_stops_the_sequencer_at_load() {
    let mut desk = Desk::new().await;
    desk.queued_decision().await;
    desk.sealed().await;
    desk.engine.stop().await;
    desk.database
        .attack(
            "alter table ledger_entries drop constraint ledger_entries_hash_check;
             update ledger_entries set leaf_hash = sha256(leaf_hash) where idx = 1",
        )
        .await;

    desk.start_again().await;

    assert!(desk.stopped().await.contains("another root"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_entry_whose_bytes_were_changed_is_never_placed() {
    let desk = Desk::new().await;
    desk.sealed().await;
    desk.database
        .attack(
            "alter table ledger_entries drop constraint ledger_entries_hash_check;
             insert into ledger_entries (id, bytes, leaf_hash) values (gen_random_uuid(), 'edited', sha256('other'))",
        )
        .await;

    assert!(desk.stopped().await.contains("do not fit their hash"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_resolution_leaves_unsealed() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.sealed().await;
    // The sequencer is held off: nothing gets its place while the head row is locked.
    let lock = desk.database.hold("select * from ledger_logs for update").await;

    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let early = decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap();
    lock.release().await;
    desk.sealed().await;
    let late =
        decisions::wait(&desk.engine, &again(&desk.agent), id, std::time::Duration::from_secs(5), None).await.unwrap();

    assert!(early.resolution.is_none());
    assert!(late.resolution.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_requests_leave_no_open_transaction_and_lose_nothing_acknowledged() {
    let desk = Desk::new().await;
    let mut acknowledged = Vec::new();
    for round in 0..300u64 {
        let key = format!("k{round}");
        let body = countersign_engine::testing::proposal(&key);
        let proposing = desk.propose(&key, &body);
        // Cut at a different place each time.
        if let Ok(Ok(stored)) = tokio::time::timeout(std::time::Duration::from_micros(round * 61), proposing).await {
            acknowledged.push(countersign_engine::testing::id_of(&stored));
        }
    }
    desk.sealed().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;

    // The engine's own workers are between two statements now and then, and never for long; what nobody ends stays.
    let open =
        "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'
      and state_change < clock_timestamp() - interval '1 second'";
    assert_eq!(desk.database.number(open).await, 0);
    for id in acknowledged {
        assert_eq!(desk.database.number(&format!("select count(*) from decisions where id = '{id}'")).await, 1);
    }
    desk.check_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_fsync_is_refused_by_every_constructor_but_the_tests() {
    let desk = Desk::new().await;
    let config = desk.engine.config().clone();
    desk.engine.stop().await;

    let refusal = countersign_engine::Engine::start(config).await.err().expect("fsync is off on the test server");

    assert!(refusal.to_string().contains("fsync"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn published_checkpoints_open_under_the_logs_key() {
    let desk = Desk::new().await;
    desk.queued_decision().await;
    desk.sealed().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_300)).await;

    let note = ledger::checkpoint(&desk.engine).await.unwrap().expect("a checkpoint is published within a second");

    let view = ledger::view(&desk.engine, &again(&desk.auditor), None).await.unwrap();
    let key: Verifier = view.vkey.parse().unwrap();
    let (opened, _) = checkpoint::open(&note, &key).unwrap();
    assert!(opened.size > 0 && opened.size <= view.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_page_proves_its_leaf_to_the_root() {
    let desk = Desk::new().await;
    desk.queued_decision().await;
    desk.sealed().await;

    let page = ledger::entry(&desk.engine, &again(&desk.auditor), 5).await.unwrap();

    assert_eq!(page.leaf_hash, leaf_hash(page.leaf.as_bytes()).to_base64_std());
    assert_eq!(page.path.last().map(|step| step.parent.clone()), Some(page.root));
}
