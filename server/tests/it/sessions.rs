use std::time::{Duration, Instant};

use countersign_engine::{keys, people, systems, testing::again};
use http::StatusCode;
use http_body_util::BodyExt as _;

use crate::installation::{Ask, Installation, PASSWORD};

/// Proves S2.
#[tokio::test]
async fn every_set_cookie_matches_the_pattern() {
    let installation = Installation::new().await;
    let form = format!("login={}&password={}&next=", installation.approver.login, PASSWORD.replace(' ', "+"));

    let signed_in = installation.send(Ask::post("/act/sign-in").same_origin().form(&form)).await;
    let cookie = signed_in.header("set-cookie").to_owned();
    let token = cookie.strip_prefix("sid=").and_then(|rest| rest.split(';').next()).unwrap().to_owned();
    let inside = installation.send(Ask::get("/queue").html().session(&token)).await;
    let signed_out = installation.send(Ask::post("/act/sign-out").same_origin().form("").session(&token)).await;
    let outside = installation.send(Ask::get("/queue").html().session(&token)).await;

    assert_eq!(cookie, format!("sid={token}; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(token.len(), 43, "32 random bytes");
    assert_eq!(inside.status, StatusCode::OK);
    assert_eq!(signed_out.header("set-cookie"), "sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_eq!(signed_out.header("clear-site-data"), "\"cache\", \"cookies\"");
    assert_eq!(outside.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_without_javascript_signs_in_and_says_why_not() {
    let installation = Installation::new().await;
    let ask = |password: &str| {
        let form = format!("login={}&password={}&next=", installation.approver.login, password.replace(' ', "+"));
        Ask::post("/act/sign-in").same_origin().html().form(&form)
    };

    let right = installation.send(ask(PASSWORD)).await;
    let wrong = installation.send(ask("not the password at all")).await;

    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text());
    assert!(right.header("set-cookie").starts_with("sid="));
    assert!(wrong.status.is_client_error(), "{}", wrong.status);
    assert!(wrong.header("content-type").starts_with("text/html") && wrong.header("set-cookie").is_empty());
    assert!(!wrong.text().contains("not the password at all"));
}

/// Proves S6.
#[tokio::test]
async fn disabling_closes_streams_within_a_second() {
    let installation = Installation::new().await;
    let response = installation.open(Ask::get("/stream/queue").session(&installation.approver.token)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();

    people::disable(&installation.desk.engine, &again(&installation.desk.admin), installation.approver.person)
        .await
        .unwrap();
    let disabled = Instant::now();
    while let Some(frame) = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("the stream ends") {
        frame.unwrap();
    }
    let after = installation.send(Ask::get("/queue").html().session(&installation.approver.token)).await;

    assert!(disabled.elapsed() < Duration::from_millis(1_000), "{:?}", disabled.elapsed());
    assert_eq!(after.status, StatusCode::SEE_OTHER);
}

/// Proves S5.
#[tokio::test]
async fn an_open_stream_does_not_keep_a_session_alive() {
    let installation = Installation::new().await;
    let response = installation.open(Ask::get("/stream/queue").session(&installation.approver.token)).await;
    assert_eq!(response.status(), StatusCode::OK);

    tokio::time::sleep(Duration::from_millis(1_200)).await;
    installation.desk.clock.advance(31 * 60 * 1_000);
    let after = installation.send(Ask::get("/queue").html().session(&installation.approver.token)).await;

    assert_eq!(after.status, StatusCode::SEE_OTHER);
}

/// Proves K2.
#[tokio::test]
async fn a_revoked_key_opens_nothing() {
    let installation = Installation::new().await;
    let (engine, admin) = (&installation.desk.engine, &installation.desk.admin);
    let ask = || Ask::get("/api/v1/decision_types").key(&installation.desk.key);
    let before = installation.send(ask()).await;

    let key = systems::list(engine, &again(admin)).await.unwrap().systems[0].keys[0].id;
    systems::revoke_key(engine, &again(admin), key).await.unwrap();
    let after = installation.send(ask()).await;

    assert_eq!((before.status, after.status), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    assert!(keys::authenticate(engine, &installation.desk.key).await.is_err());
}

/// Proves K2: no route lets a key review.
#[tokio::test]
async fn no_key_can_review() {
    let installation = Installation::new().await;
    let reviewing = countersign_server::routes::ROUTES
        .iter()
        .filter(|route| route.action == Some(countersign_engine::authorize::Action::ReviewDecision));

    for route in reviewing {
        let ask = installation.ask(route).await.key(&installation.desk.key);
        assert_eq!(installation.send(ask).await.status, StatusCode::UNAUTHORIZED);
    }
    let reviews = installation.desk.database.number("select count(*) from reviews").await;
    assert_eq!(reviews, 0);
}
