use countersign_engine::testing::{FREE_BYTES_MIN, proposal};
use countersign_server::Phase;
use http::StatusCode;
use serde_json::json;

use crate::installation::{Ask, Installation};

/// Proves G2.
#[tokio::test]
async fn readiness_follows_each_fault() {
    let installation = Installation::new().await;
    let ready = async || installation.send(Ask::get("/readyz")).await;

    const GB: u64 = 1024 * 1024 * 1024;
    let engine = &installation.desk.engine;

    let fine = ready().await;
    engine.pretend_health(FREE_BYTES_MIN - 1, 100 * GB, 0);
    let full = ready().await;
    engine.pretend_health(50 * GB, 100 * GB, -31_000);
    let skewed = ready().await;
    engine.pretend_health(50 * GB, 100 * GB, 0);
    installation.server.enter(Phase::Leaving);
    let leaving = ready().await;
    installation.server.enter(Phase::Serving);
    installation.desk.engine.stop().await;
    let stopped = ready().await;
    let live = installation.send(Ask::get("/livez")).await;

    assert_eq!(fine.status, StatusCode::OK, "{}", fine.text());
    assert_eq!(
        fine.json(),
        json!({"serving": true, "database": true, "sealing": true, "high_water": true, "disk": true, "clock": true})
    );
    assert_eq!((full.status, &full.json()["disk"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(false)));
    assert_eq!((skewed.status, &skewed.json()["clock"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(false)));
    assert_eq!((leaving.status, &leaving.json()["serving"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(false)));
    assert_eq!((stopped.status, &stopped.json()["database"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(false)));
    assert_eq!(live.status, StatusCode::OK);
}

#[tokio::test]
async fn a_gone_database_is_503_for_people_and_programs() {
    let installation = Installation::new().await;
    installation.desk.engine.stop().await;

    let page = installation.send(Ask::get("/queue").html().session(&installation.approver.token)).await;
    let script =
        installation.send(Ask::post("/act/queue").same_origin().form("").session(&installation.approver.token)).await;
    let agent = installation.send(Ask::get("/api/v1/decision_types").key(&installation.desk.key)).await;

    for answer in [&page, &script, &agent] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert!(
        page.header("content-type").starts_with("text/html") && page.text().contains("The database does not answer.")
    );
    assert_eq!((script.code(), agent.code()), ("unavailable".into(), "unavailable".into()));
}

/// Proves G4: a full disk answers 507 to what would be taken in, while pages are shown.
#[tokio::test]
async fn a_full_disk_refuses_intake_with_507_and_shows_pages() {
    let installation = Installation::new().await;
    installation.desk.engine.pretend_health(1, 100 * 1024 * 1024 * 1024, 0);

    let order = proposal("full-1");
    let proposed = installation
        .send(Ask::post("/api/v1/decisions").key(&installation.desk.key).header("idempotency-key", "full").json(&order))
        .await;
    let queue = installation.send(Ask::get("/queue").html().session(&installation.approver.token)).await;

    assert_eq!((proposed.status, proposed.code().as_str()), (StatusCode::INSUFFICIENT_STORAGE, "disk_low"));
    assert_eq!(proposed.header("retry-after"), "1");
    assert_eq!(queue.status, StatusCode::OK);
}

/// Proves U2 and K3: the health page answers while the ledger takes no entries.
#[tokio::test]
async fn the_health_page_answers_while_the_ledger_is_paused() {
    let installation = Installation::new().await;
    let database = &installation.desk.database;
    database
        .attack("create function refuse() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$")
        .await;
    database
        .attack("create trigger refuse before insert on ledger_entries for each row execute function refuse()")
        .await;
    database.attack("alter table ledger_entries enable always trigger refuse").await;

    let health = installation.send(Ask::get("/admin/health").html().session(&installation.admin.token)).await;
    let people = installation.send(Ask::get("/admin/people").html().session(&installation.admin.token)).await;

    assert_eq!(health.status, StatusCode::OK);
    assert!(health.text().contains("High-water mark") && health.text().contains("PostgreSQL"));
    assert!(people.status.is_server_error());
}
