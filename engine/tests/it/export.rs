//! The verifier over a live database and over exports: silent on healthy logs, exact on changed ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use countersign_domain::{audit, decision::Verdict, holding::Holding, role::Role};
use countersign_engine::{
    decisions,
    export::{self, Export, Pinned},
    people,
    testing::{Desk, again},
};
use countersign_ledger::{
    note::Verifier,
    verify::{Report, Status, Trust, Verdict as Outcome},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_database_fails_no_check() {
    let desk = busy().await;

    let report = verify(&desk).await;

    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for made in ["L1", "L2", "L4", "L5", "L7", "L8", "D1", "D2", "D3", "D4", "D6", "D7", "D8", "S1", "S2", "S3"] {
        let passed = report.checks.iter().any(|check| check.check == made && check.status == Status::Passed);
        assert!(passed, "{made}: {:#?}", report.checks);
    }
    // Only the witness is missing, and the report says so.
    assert_eq!(report.summary(), "INCOMPLETE: L3 not made, no witness pinned");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_verifies_elsewhere_and_every_changed_file_fails() {
    let desk = busy().await;
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("export");

    let exported = export::to_directory(&desk.engine, &directory, &[]).await.unwrap();

    let trust = Trust::log_only(key(&desk).await);
    let report = audit::verify_log(&Export(directory.clone()), &trust, &[]);
    assert_eq!((report.size, report.verdict()), (exported.size, Outcome::Incomplete), "{:#?}", report.checks);
    assert!(directory.join("README.txt").exists() && directory.join("keys.json").exists());
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(directory.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["sha256"].as_object().unwrap().len() + 1, exported.files);
    for path in files(&directory) {
        let relative = path.strip_prefix(&directory).unwrap().to_str().unwrap().to_owned();
        if ["README.txt", "keys.json", "manifest.json", "trust-policy.txt"].contains(&relative.as_str()) {
            continue;
        }
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(&path, &bad).unwrap();
        let report = audit::verify_log(&Export(directory.clone()), &trust, &[]);
        assert_eq!(report.verdict(), Outcome::Failed, "{relative}");
        fs::write(&path, &good).unwrap();
    }
    assert!(export::to_directory(&desk.engine, &directory, &[]).await.is_err(), "a directory in use is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_on_record() {
    let desk = busy().await;
    let place = tempfile::tempdir().unwrap();

    export::to_directory(&desk.engine, &place.path().join("export"), &[]).await.unwrap();

    let recorded = "select count(*) from ledger_entries where convert_from(bytes, 'UTF8') like '%access.downloaded%\"t\":\"log\"%'";
    assert_eq!(desk.database.number(recorded).await, 1);
    assert_eq!(desk.database.number("select count(*) from ledger_holders where kind = 'export'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_checkpoint_is_found_in_the_history() {
    let desk = busy().await;
    desk.sealed().await;
    let held = note(&desk).await;
    desk.queued_decision().await;
    desk.sealed().await;

    let pinned = Pinned { held: vec![held.clone()], keys: Some(desk.keys()), trust: None };
    let report = export::verify(&desk.database.url_as("countersign"), pinned).await.unwrap();

    assert!(report.held_size.is_some());
    assert!(report.limit().starts_with("Protected up to"), "{}", report.limit());
    // The same checkpoint against a log that was cut below it.
    desk.engine.stop().await;
    desk.database
        .attack("delete from ledger_entries where idx >= 20; update ledger_logs set size = 20, signed_size = 20")
        .await;
    let report = verify_with(&desk, vec![held]).await;
    assert_eq!(report.verdict(), Outcome::Failed);
    assert!(failed(&report).iter().any(|(check, subject)| *check == "S3" && subject == "high-water"), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_entry_is_named() {
    for index in [7, 285] {
        let desk = busy().await;
        let edit =
            format!("update ledger_entries set bytes = overlay(bytes placing 'x' from 30 for 1) where idx = {index}");
        attack(&desk, &edit).await;

        let report = verify(&desk).await;

        assert_eq!(report.summary(), format!("FAILED L4 at index {index}"), "{:#?}", report.checks);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_entry_with_its_hash_is_named() {
    // In a full tile, and at the growing edge, where a row tells which entry it is.
    for kind in ["decision.reviewed", "auth.signed_in"] {
        let desk = busy().await;
        let newest = format!("select max(idx) from ledger_index where kind = '{kind}'");
        let index = desk.database.number(&newest).await;
        let edit = format!(
            "update ledger_entries set bytes = b.bytes, leaf_hash = sha256('\\x00'::bytea || b.bytes)
             from (select convert_to(regexp_replace(convert_from(bytes, 'UTF8'), '(\"(verdict|method)\":\")[a-z]', '\\1z'), 'UTF8') as bytes
                   from ledger_entries where idx = {index}) b
             where idx = {index}"
        );
        attack(&desk, &edit).await;

        let report = verify(&desk).await;

        let found = failed(&report);
        let first = report.summary();
        assert!(
            first == format!("FAILED L4 at index {index}") || first == format!("FAILED L5 at index {index}"),
            "{found:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_nothing_else_knows_of_is_named_by_the_signed_roots_around_it() {
    let desk = busy().await;
    let last = desk
        .database
        .number("select idx from ledger_entries where bytes like '%\"rev\":\"%' order by idx desc limit 1")
        .await;
    let edit = format!(
        "update ledger_entries set bytes = b.bytes, leaf_hash = sha256('\\x00'::bytea || b.bytes)
         from (select convert_to(regexp_replace(convert_from(bytes, 'UTF8'), '(\"rev\":\")..', '\\1zz'), 'UTF8') as bytes
               from ledger_entries where idx = {last}) b
         where idx = {last}"
    );
    attack(&desk, &edit).await;

    let report = verify(&desk).await;

    let bracket = failed(&report).into_iter().find(|(check, _)| *check == "L5").unwrap();
    let from: i64 = bracket.1.strip_prefix("index ").unwrap().parse().unwrap();
    assert!(from <= last, "{report:#?}");
    assert!(report.summary().starts_with("FAILED L5 at index"), "{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_entry_is_named() {
    for index in [5, 290] {
        let desk = busy().await;
        attack(&desk, &format!("delete from ledger_entries where idx = {index}")).await;

        let report = verify(&desk).await;

        assert_eq!(report.summary(), format!("FAILED L4 at index {index}"), "{:#?}", report.checks);
    }
    let desk = busy().await;
    let last = desk.database.number("select size - 1 from ledger_logs").await;
    attack(&desk, &format!("delete from ledger_entries where idx = {last}")).await;
    assert_eq!(verify(&desk).await.summary(), format!("FAILED L4 at index {last}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_swapped_entries_are_named_by_the_first() {
    for (one, other) in [(9, 20), (270, 271), (12, 280)] {
        let desk = busy().await;
        let swap = format!(
            "update ledger_entries set idx = null, log_id = null where idx = {one};
             update ledger_entries set idx = {one} where idx = {other};
             update ledger_entries set idx = {other}, log_id = (select id from ledger_logs) where idx is null"
        );
        attack(&desk, &swap).await;

        let report = verify(&desk).await;

        let found = report.summary();
        assert!(found.ends_with(&format!(" at index {one}")), "{found}: {:#?}", failed(&report));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pending_entry_leaves_a_row_without_its_act() {
    let desk = busy().await;
    desk.sealed().await;
    // An entry that waits for its place when the sequencer is gone.
    let lock = desk.database.hold("select 1 from ledger_logs for update").await;
    let id = desk.queued_decision().await;
    let entry = format!("(select entry_id from decisions where id = '{id}')");
    assert_eq!(
        desk.database.number(&format!("select count(*) from ledger_entries where idx is null and id = {entry}")).await,
        1
    );
    desk.database.attack(&format!("delete from ledger_entries where id = {entry}")).await;

    let report = verify(&desk).await;

    lock.release().await;
    let found = report.checks.iter().find(|check| check.check == "S1" && check.status == Status::Failed).unwrap();
    assert!(found.detail.contains("is not in the log"), "{found:?}");
    assert!(report.summary().starts_with("FAILED S1 at entry "), "{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_row_fails_s1_and_names_its_entry() {
    let edits = [
        "update reviews set verdict = case verdict when 'approve' then 'reject' else 'approve' end",
        "update reviews set code = null where verdict = 'approve'",
        "update reviews set reasoned = false where verdict = 'approve'",
        "update resolutions set outcome = 'rejected' where outcome = 'approved'",
        "update decisions set need = 9",
        "update decisions set reject_threshold = 2",
        "update decisions set reject_threshold = 2 where escalated_at is not null",
        "update decision_routes set reject_threshold = 2",
        "update decisions set risk = 'low'",
        "update people set disabled_at = now() where id in (select person_id from role_assignments where role = 'auditor')",
        "update role_assignments set role = 'auditor' where role = 'approver'",
        "update sessions set person_id = (select id from people order by id limit 1)",
        "update agent_keys set expires_at = expires_at + interval '1 year'",
        "update policy_versions set digest = sha256('x')",
        "update policy_versions set body = replace(body, '\"need\":1', '\"need\":2')",
        "update decision_types set digest = sha256('x')",
        "update outcomes set effect = 'none'",
        "update presentations set seen = (select seen from presentations order by seen limit 1)",
        "update statements set body = overlay(body placing 'x' from 3 for 1)",
        "update decisions set n = n + 1",
        "delete from reviews",
        "delete from releases",
    ];
    let desk = busy().await;
    // The entry that hands a decision up says nothing of what routed it.
    desk.member("senior", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let handed_up = desk.queued_decision().await;
    desk.review(&desk.approver, handed_up, Verdict::Escalate).await.unwrap();
    indexed(&desk).await;
    desk.engine.stop().await;
    for edit in edits {
        desk.database.attack("create table kept as select 1").await;
        let table = edit.split_whitespace().find(|word| !["update", "delete", "from"].contains(word)).unwrap();
        desk.database.attack(&format!("drop table kept; create table kept as table {table}")).await;
        desk.database.attack(edit).await;

        let report = verify(&desk).await;

        assert!(failed(&report).iter().any(|(check, _)| *check == "S1"), "{edit}: {:#?}", report.checks);
        desk.database
            .attack(&format!("delete from {table}; insert into {table} select * from kept; drop table kept"))
            .await;
        let mended = failed(&verify(&desk).await);
        assert!(mended.is_empty(), "{edit}: {mended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_high_water_file_fails_s3() {
    let desk = busy().await;
    desk.sealed().await;
    desk.engine.stop().await;
    fs::remove_file(desk.keys().join("high-water")).unwrap();

    let report = verify(&desk).await;

    assert_eq!(failed(&report), [("S3", "high-water".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_out_of_the_database_is_a_notice() {
    let desk = busy().await;

    let report = export::verify(&desk.database.url_as("countersign_app"), Pinned::default()).await.unwrap();

    let notices: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Notice).collect();
    assert!(notices.iter().any(|check| check.detail.contains("taken from the database itself")), "{notices:?}");
    assert!(report.checks.iter().any(|check| check.status == Status::NotMade && check.subject == "high-water"));
    assert_eq!(failed(&report), []);
}

/// A desk whose log fills a tile and then some: proposals, reviews of both kinds, a release, an outcome, a member who left.
async fn busy() -> Desk {
    let desk = Desk::new().await;
    for _ in 0..110 {
        desk.queued_decision().await;
    }
    let approved = desk.queued_decision().await;
    desk.review(&desk.approver, approved, Verdict::Approve).await.unwrap();
    let rejected = desk.queued_decision().await;
    desk.review(&desk.approver_b, rejected, Verdict::Reject).await.unwrap();
    desk.sealed().await;
    decisions::get(&desk.engine, &again(&desk.agent), approved).await.unwrap();
    let outcome = br#"{"result": "executed", "effect": "full"}"#;
    decisions::report_outcome(&desk.engine, &again(&desk.agent), approved, "outcome-1", outcome).await.unwrap();
    people::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    let leaver = desk.auditor.person().unwrap();
    people::disable(&desk.engine, &again(&desk.admin), leaver).await.unwrap();
    people::enable(&desk.engine, &again(&desk.admin), leaver).await.unwrap();
    for _ in 0..20 {
        desk.queued_decision().await;
    }
    indexed(&desk).await;
    desk
}

/// Waits for the seal of everything, and for the search index, which is filled right after.
async fn indexed(desk: &Desk) {
    desk.sealed().await;
    let behind =
        "select count(*) from ledger_entries e where not exists (select from ledger_index i where i.idx = e.idx)";
    while desk.database.number(behind).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Stops the engine, so that nothing but the attack changes, and attacks.
async fn attack(desk: &Desk, statement: &str) {
    desk.engine.stop().await;
    desk.database
        .attack(&format!("alter table ledger_entries drop constraint ledger_entries_hash_check; {statement}"))
        .await;
}

pub(crate) async fn verify(desk: &Desk) -> Report {
    verify_with(desk, Vec::new()).await
}

async fn verify_with(desk: &Desk, held: Vec<String>) -> Report {
    let pinned = Pinned { held, keys: Some(desk.keys()), trust: None };
    export::verify(&desk.database.url_as("countersign"), pinned).await.unwrap()
}

fn failed(report: &Report) -> Vec<(&'static str, String)> {
    let failed = report.checks.iter().filter(|check| check.status == Status::Failed);
    failed.map(|check| (check.check, check.subject.clone())).collect()
}

async fn key(desk: &Desk) -> Verifier {
    countersign_engine::ledger::trust_policy(&desk.engine).lines().next().unwrap()[4..].parse().unwrap()
}

async fn note(desk: &Desk) -> String {
    countersign_engine::ledger::checkpoint(&desk.engine).await.unwrap().unwrap()
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}
