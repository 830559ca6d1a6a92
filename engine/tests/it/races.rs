//! A campaign of races over few decisions, and a checker that replays its log without this code.

use std::{path::Path, process::Command};

use countersign_domain::decision::{ResolutionOutcome, Verdict};
use countersign_engine::{
    Error, decisions, export,
    testing::{
        Desk, again,
        races::{self, Plan, invariants},
    },
};
use countersign_ledger::verify::Status;

/// Proves B6 and B8 under contention: one resolution each, one vote a human, no approval of what nobody saw.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_contested_acts_end_in_one_resolution_each_and_replay_from_the_export_alone() {
    let desk = Desk::new().await;
    let plan = Plan { acts: 2_000, tasks: 24, seed: seed() };

    let report = races::run(&desk.engine, &desk.clock, plan).await.unwrap();

    println!("{report:#?}");
    assert!(report.holds(), "seed {}: {report:#?}", plan.seed);
    assert!(report.acts >= plan.acts);
    for outcome in ["approved", "rejected", "expired", "withdrawn", "revoked"] {
        assert!(report.resolved(outcome) > 0, "no decision was {outcome}: {report:#?}");
    }
    for refused in ["already_resolved", "already_reviewed", "stale", "lease_lost"] {
        let met = report.kinds.values().any(|tally| tally.refused.contains_key(refused));
        assert!(met, "nobody met {refused}, so nothing was contested: {report:#?}");
    }
    let idle: Vec<_> = report.kinds.iter().filter(|(_, tally)| tally.done == 0).map(|(name, _)| name).collect();
    assert!(report.kinds.len() == 40 && idle.is_empty(), "{idle:?} never took effect: {report:#?}");
    let audit = crate::export::verify(&desk).await;
    let failed: Vec<_> = audit.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");

    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("export");
    export::to_directory(&desk.engine, &directory, &[]).await.unwrap();
    let replayed = replay(&directory);
    assert!(replayed.contains("0 disagreements"), "{replayed}");
    for (outcome, count) in &report.resolutions {
        assert!(replayed.contains(&format!("{outcome} {count}")), "{outcome} {count}: {replayed}");
    }
}

/// Each wall is looked for, and each crime is seen, so that silence above means something.
#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_happen_is_seen_when_it_does() {
    let desk = Desk::new().await;
    races::run(&desk.engine, &desk.clock, Plan { acts: 150, tasks: 8, seed: 3 }).await.unwrap();
    let violated = async |statement: &str| {
        desk.database.attack(statement).await;
        let mut conn = desk.database.connection().await;
        let found = invariants::check(&mut conn).await.unwrap();
        found
            .into_iter()
            .filter(|invariant| invariant.violations > 0)
            .map(|one| one.name)
            .collect::<Vec<_>>()
            .join("; ")
    };

    assert_eq!(violated("select 1").await, "");
    let walls = "drop index reviews_decision_id_round_person_id_key;
        alter table resolutions drop constraint resolutions_decision_id_key;
        alter table resolutions drop constraint resolutions_entry_id_key;
        alter table reviews drop constraint reviews_entry_id_key;";
    assert!(violated(walls).await.starts_with("walls that are missing"));
    let found = violated("update decisions set reject_threshold = 9").await;
    assert!(found.contains("rejections by fewer"), "{found}");
    let vote = "insert into reviews
        (id, decision_id, round, person_id, verdict, code, reasoned, formed, state, presentation_id, reviewed_at, entry_id)
        select gen_random_uuid(), decision_id, round, person_id, verdict, code, reasoned, formed, state, presentation_id,
          reviewed_at, entry_id
        from reviews where state = 'submitted' and verdict <> 'defer' limit 1";
    let found = violated(vote).await;
    assert!(found.contains("people counted twice") && found.contains("forms recorded twice"), "{found}");
    let resolution = "insert into resolutions (id, decision_id, outcome, round, reviews, code, resolved_at, entry_id)
        select gen_random_uuid(), decision_id, outcome, round, reviews, code, resolved_at, entry_id from resolutions limit 1";
    assert!(violated(resolution).await.contains("decisions with two resolutions"));
    let found = violated("update presentations set content_hash = sha256('')").await;
    assert!(found.contains("reviews of a content that was not shown"), "{found}");
    let found = violated("update leases set ended_at = ended_at + interval '1 year'").await;
    assert!(found.contains("reviews by somebody who held no seat") && found.contains("seats taken beside"), "{found}");
}

/// On a machine that has too much to do, nothing is changed and whoever asked is told to ask again.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_too_long_is_told_as_unavailable() {
    let desk = Desk::new().await;
    let decision = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, decision, Verdict::Approve).await.unwrap();
    let held = desk.database.hold(&format!("select from decisions where id = '{decision}' for update")).await;

    let refused = decisions::review(&desk.engine, &again(&desk.approver), form.clone()).await.unwrap_err();
    held.release().await;
    let recorded = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap();

    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert_eq!(recorded.resolution, Some(ResolutionOutcome::Approved));
}

/// A seed of the day, so that runs differ and each can be told apart; `COUNTERSIGN_SEED` repeats its choices.
fn seed() -> u64 {
    match std::env::var("COUNTERSIGN_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(),
    }
}

/// What the checker in Python says of an export; it knows nothing but the directory.
fn replay(directory: &Path) -> String {
    let python = std::env::var("COUNTERSIGN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/interop/replay.py");
    let output = Command::new(&python).arg(script).arg(directory).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{python}: {text}");
    text
}
