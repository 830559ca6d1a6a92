use countersign_engine::{keys, testing::again};
use countersign_server::routes::{Class, Door, ROUTES};
use http::StatusCode;

use crate::installation::{Ask, Installation};

/// Proves K2: whatever a key is shown to, none of its scopes reviews, approves or administers.
#[tokio::test]
async fn no_key_can_review() {
    let installation = Installation::new().await;
    let window = installation.window().await;
    let engine = &installation.desk.engine;
    let token = countersign_engine::audit_windows::issue_token(engine, &again(&installation.desk.admin), window, "")
        .await
        .unwrap();
    for key in [&installation.desk.key, &token.key] {
        for route in ROUTES.iter().filter(|route| route.door == Door::Browser && route.class != Class::None) {
            let answer = installation.send(installation.ask(route).await.key(key)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", route.path);
        }
    }
}

/// Proves K2 and F10: the network of a key is enforced with words that help.
#[tokio::test]
async fn a_key_from_another_network_is_told_so() {
    let installation = Installation::new().await;
    let settings = keys::KeySettings::parse("both", "30", "198.51.100.0/24").unwrap();
    let engine = &installation.desk.engine;
    let key = keys::issue(engine, &again(&installation.desk.admin), installation.desk.system, settings).await.unwrap();
    let ask = || Ask::get("/api/v1/decision_types").key(&key.key);

    let inside = installation.send(ask().peer("198.51.100.7")).await;
    let proxied = installation.send(ask().peer("10.0.0.1").header("x-forwarded-for", "198.51.100.8")).await;
    let outside = installation.send(ask().peer("203.0.113.7")).await;
    let forged = installation.send(ask().peer("203.0.113.7").header("x-forwarded-for", "198.51.100.7")).await;

    assert_eq!((inside.status, proxied.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!((outside.status, outside.code().as_str()), (StatusCode::FORBIDDEN, "wrong_network"));
    assert_eq!(forged.code(), "wrong_network");
}

/// Proves K1: what the table holds opens nothing.
#[tokio::test]
async fn a_stolen_table_opens_nothing() {
    let installation = Installation::new().await;
    let secret = installation.desk.key.rsplit('_').next().unwrap();
    let readable = format!("select count(*) from agent_keys k where k::text like '%{secret}%'");

    assert_eq!(installation.desk.database.number(&readable).await, 0);
    let hashes = "select count(*) from agent_keys where octet_length(secret_hash) = 32";
    assert!(installation.desk.database.number(hashes).await > 0);
}
