use countersign_server::Phase;
use http::StatusCode;
use serde_json::json;

use crate::installation::{Ask, Installation};

/// Proves G2.
#[tokio::test]
async fn readiness_follows_each_fault() {
    let installation = Installation::new().await;
    let ready = async || installation.send(Ask::get("/readyz")).await;

    let fine = ready().await;
    installation.server.enter(Phase::Leaving);
    let leaving = ready().await;
    installation.server.enter(Phase::Serving);
    installation.desk.engine.stop().await;
    let stopped = ready().await;
    let live = installation.send(Ask::get("/livez")).await;

    assert_eq!(fine.status, StatusCode::OK, "{}", fine.text());
    assert_eq!(fine.json(), json!({"serving": true, "database": true, "sealing": true, "high_water": true}));
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
