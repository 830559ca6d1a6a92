use std::time::{Duration, Instant};

use countersign_domain::{decision::Verdict, problem::Code, text::Reason};
use countersign_engine::{
    pauses,
    testing::{again, proposal},
};
use http::StatusCode;

use crate::installation::{Ask, Installation, ORIGIN};

/// Proves I4: the committed description is the served one. After a wanted change:
/// `COUNTERSIGN_UPDATE=1 cargo test -p countersign-server openapi_snapshot`, then review the difference.
#[test]
fn openapi_snapshot() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk/openapi.json");
    let mut text = countersign_server::api::openapi().to_pretty_json().unwrap();
    text.push('\n');
    if std::env::var_os("COUNTERSIGN_UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }

    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[tokio::test]
async fn a_proposal_is_taken_once_and_repeated_word_for_word() {
    let installation = Installation::new().await;
    let ask = |key: &str, order: &str| propose(&installation, key, order);

    let first = installation.send(ask("k1", "A1")).await;
    let again = installation.send(ask("k1", "A1")).await;
    let other = installation.send(ask("k1", "A2")).await;

    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text());
    assert_eq!(first.json()["state"], "queued");
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("/api/v1/decisions/{id}"));
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::ACCEPTED, "true"));
    assert_eq!(again.json()["id"], id);
    assert_eq!((other.status, other.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"));
}

#[tokio::test]
async fn an_agent_waits_for_the_resolution_and_reports() {
    let installation = Installation::new().await;
    let id = installation.decision;
    let path = format!("/api/v1/decisions/{id}");
    let waiting = Ask::get(&format!("{path}?wait_seconds=20")).key(&installation.desk.key);

    let asked = Instant::now();
    let (answer, _) = tokio::join!(installation.send(waiting), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        installation.desk.review(&installation.desk.approver, id, Verdict::Approve).await.unwrap();
    });
    let released = answer.json();
    let report = || {
        let ask = Ask::post(&format!("{path}/outcomes")).key(&installation.desk.key).header("idempotency-key", "o1");
        ask.json(r#"{"result":"executed","effect":"full"}"#)
    };
    let outcome = installation.send(report()).await;
    let repeated = installation.send(report()).await;
    let proof = installation.send(Ask::get(&format!("{path}/proof")).key(&installation.desk.key)).await;

    assert!(asked.elapsed() < Duration::from_secs(10));
    assert_eq!(released["resolution"]["outcome"], "approved", "{released}");
    assert_eq!(released["resolution"]["next"], "act");
    assert_eq!(outcome.status, StatusCode::CREATED, "{}", outcome.text());
    assert_eq!((repeated.status, repeated.header("idempotency-replayed")), (StatusCode::CREATED, "true"));
    assert_eq!(proof.status, StatusCode::OK);
    assert!(proof.text().starts_with("c2sp.org/tlog-proof@v1\n"), "{}", proof.text());
}

#[tokio::test]
async fn a_paused_system_is_told_no_in_the_answer_to_its_proposal() {
    let installation = Installation::new().await;
    let desk = &installation.desk;
    let open = format!("/api/v1/decisions/{}", installation.decision);
    let reason = Reason::new("It refunds twice.").unwrap();
    pauses::pause(&desk.engine, &again(&desk.approver), desk.system, reason).await.unwrap();

    let answer = installation.send(propose(&installation, "k1", "A1")).await;
    let waiting = installation.send(Ask::get(&open).key(&desk.key)).await;

    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.json()["resolution"]["reason_code"], "system_paused");
    assert_eq!(answer.json()["resolution"]["next"], "stop");
    assert!(!answer.text().contains("refunds twice"), "why is for people");
    assert_eq!((waiting.json()["paused"].as_bool(), waiting.json()["state"].as_str()), (Some(true), Some("queued")));
}

#[tokio::test]
async fn an_agent_revises_when_it_is_asked_to_and_withdraws() {
    let installation = Installation::new().await;
    let (desk, id) = (&installation.desk, installation.decision);
    let path = format!("/api/v1/decisions/{id}");
    let post = |what: &str, key: &str, body: &str| {
        Ask::post(&format!("{path}/{what}")).key(&desk.key).header("idempotency-key", key).json(body)
    };
    let withdrawal = r#"{"reason_code":"no_longer_needed"}"#;

    let early = installation.send(post("revisions", "r0", &proposal("A8"))).await;
    let without_key =
        installation.send(Ask::post(&format!("{path}/revisions")).key(&desk.key).json(&proposal("A8"))).await;
    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();
    let asked = installation.send(Ask::get(&format!("{path}?wait_seconds=20")).key(&desk.key)).await.json();
    let other_type = proposal("A8").replace("refund.issue", "loan.offer");
    let other_type = installation.send(post("revisions", "r1", &other_type)).await;
    let revised = installation.send(post("revisions", "r2", &proposal("A8"))).await;
    let repeated = installation.send(post("revisions", "r2", &proposal("A8"))).await;
    let unknown = installation.send(post("withdraw", "w0", r#"{"reason_code":"bored"}"#)).await;
    let withdrawn = installation.send(post("withdraw", "w1", withdrawal)).await;
    let again = installation.send(post("withdraw", "w1", withdrawal)).await;
    let late = installation.send(post("withdraw", "w2", withdrawal)).await;

    assert_eq!((early.status, early.code().as_str()), (StatusCode::CONFLICT, "invalid_transition"));
    assert_eq!((without_key.status, without_key.code().as_str()), (StatusCode::BAD_REQUEST, "idempotency_key_missing"));
    assert_eq!((&asked["state"], &asked["next"]), (&"changes_requested".into(), &"revise".into()));
    assert_eq!(
        (&asked["message"], &asked["reason_code"]),
        (&"Checked against the policy.".into(), &"against_policy".into())
    );
    assert_eq!((other_type.status, other_type.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_content"));
    assert_eq!(other_type.json()["errors"][0]["pointer"], "/action/type");
    assert_eq!(revised.status, StatusCode::ACCEPTED, "{}", revised.text());
    assert_eq!((&revised.json()["state"], &revised.json()["revision"]), (&"queued".into(), &2.into()));
    assert_eq!((repeated.status, repeated.header("idempotency-replayed")), (StatusCode::ACCEPTED, "true"));
    assert_eq!(unknown.json()["errors"][0]["pointer"], "/reason_code");
    assert_eq!(withdrawn.status, StatusCode::OK, "{}", withdrawn.text());
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::OK, "true"));
    assert_eq!(again.json()["resolution"]["outcome"], "withdrawn", "{}", again.text());
    assert_eq!(again.json()["resolution"]["decided_by"]["kind"], "requester");
    assert_eq!((late.status, late.code().as_str()), (StatusCode::CONFLICT, "already_resolved"));
}

#[tokio::test]
async fn a_proposal_can_wait_for_its_answer() {
    let installation = Installation::new().await;
    let body = proposal("A7");
    let ask = Ask::post("/api/v1/decisions?wait_seconds=1").key(&installation.desk.key).header("idempotency-key", "w1");

    let pending = installation.send(ask.json(&body)).await;

    assert_eq!(pending.status, StatusCode::ACCEPTED, "{}", pending.text());
    assert_eq!(pending.json()["resolution"], serde_json::Value::Null);
}

#[tokio::test]
async fn unchanged_answers_are_not_sent_again() {
    let installation = Installation::new().await;
    let ask = Ask::get(&format!("/api/v1/decisions/{}", installation.decision)).key(&installation.desk.key);

    let first = installation.send(ask.clone()).await;
    let held = installation.send(ask.clone().header("if-none-match", first.header("etag"))).await;
    let other = installation.send(ask.header("if-none-match", "\"0123\"")).await;

    assert!(first.header("etag").len() > 16);
    assert_eq!((held.status, held.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn bad_requests_are_told_exactly() {
    let installation = Installation::new().await;
    let id = installation.decision;
    for (path, status, code) in [
        ("/api/v1/decisions/NOT-AN-ID".to_owned(), StatusCode::NOT_FOUND, "not_found"),
        (format!("/api/v1/decisions/{}", id.to_string().to_uppercase()), StatusCode::NOT_FOUND, "not_found"),
        ("/api/v1/decisions/01a19b7d-90e0-7f95-ae73-2979886b812a".to_owned(), StatusCode::NOT_FOUND, "not_found"),
        (format!("/api/v1/decisions/{id}?wait_seconds=31"), StatusCode::BAD_REQUEST, "malformed_request"),
        (format!("/api/v1/decisions/{id}?wait_seconds=-1"), StatusCode::BAD_REQUEST, "malformed_request"),
        (format!("/api/v1/decisions/{id}?wait=1"), StatusCode::BAD_REQUEST, "malformed_request"),
    ] {
        let answer = installation.send(Ask::get(&path).key(&installation.desk.key)).await;
        let problem = answer.json();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
        assert_eq!(problem["type"], format!("{ORIGIN}/developers/errors/{code}"));
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(problem["request_id"], answer.header("request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string() && problem["next"].is_string());
    }
}

#[tokio::test]
async fn the_catalogue_names_every_code() {
    let installation = Installation::new().await;

    let catalogue = installation.send(Ask::get("/api/v1/errors")).await.json();
    let document = installation.send(Ask::get("/api/v1/openapi.json")).await.json();

    let listed: Vec<_> =
        catalogue["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect();
    assert_eq!(listed, Code::ALL.iter().map(|code| code.word()).collect::<Vec<_>>());
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_log_is_served_as_files() {
    let installation = Installation::new().await;
    let log = countersign_engine::ledger::log_id(&installation.desk.engine).to_owned();
    let file = |path: &str| Ask::get(&format!("/ledger/{log}/{path}"));
    let auditor = |path: &str| file(path).session(&installation.auditor.token);
    let checkpoint = published(&installation, &log).await;

    let policy = installation.send(file("trust-policy")).await;
    let keys = installation.send(file("keys")).await;
    let tile = installation.send(auditor("tile/0/000.p/2")).await;
    let plain = installation.send(auditor("tile/entries/000.p/2")).await;
    let gzip = installation.send(auditor("tile/entries/000.p/2").header("accept-encoding", "gzip")).await;
    let proof = installation.send(auditor("proof/1")).await;
    let beyond = installation.send(auditor("tile/0/999.p/1")).await;
    let other = installation.send(Ask::get("/ledger/0000000000000000/checkpoint")).await;

    assert!(checkpoint.starts_with(&format!("127.0.0.1/ledger/{log}\n")), "{checkpoint}");
    assert!(policy.text().starts_with("log "));
    assert!(keys.json()["keys"][0]["vkey"].is_string());
    assert_eq!((tile.status, tile.body.len()), (StatusCode::OK, 64));
    assert_eq!(tile.header("cache-control"), "private, max-age=31536000, immutable");
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert_eq!(gunzip(&gzip.body), plain.body);
    assert!(proof.text().starts_with("c2sp.org/tlog-proof@v1\n"));
    assert_eq!((beyond.status, other.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
}

async fn published(installation: &Installation, log: &str) -> String {
    for _ in 0..40 {
        let answer = installation.send(Ask::get(&format!("/ledger/{log}/checkpoint"))).await;
        if answer.status == StatusCode::OK {
            assert_eq!(answer.header("cache-control"), "no-cache");
            return answer.text().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no checkpoint was published within 4 s");
}

fn propose(installation: &Installation, key: &str, order: &str) -> Ask {
    Ask::post("/api/v1/decisions").key(&installation.desk.key).header("idempotency-key", key).json(&proposal(order))
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;

    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}
