use std::time::{Duration, Instant};

use countersign_engine::{keys, people, systems, testing::again};
use http::StatusCode;
use http_body_util::BodyExt as _;

use crate::installation::{Ask, Installation, ORIGIN, PASSWORD};

/// Proves S2.
#[tokio::test]
async fn every_set_cookie_matches_the_pattern() {
    let installation = Installation::new().await;

    let signed_in = installation.send(installation.sign_in_form(PASSWORD)).await;
    let cookies: Vec<_> =
        signed_in.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let cookie = cookies.iter().find(|cookie| cookie.starts_with("sid=")).unwrap().to_string();
    let device = cookies.iter().find(|cookie| cookie.starts_with("device=")).unwrap();
    assert!(device.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"), "{device}");
    assert!(cookies.iter().any(|cookie| cookie.starts_with("txn-") && cookie.ends_with("; Max-Age=0")), "{cookies:?}");
    let token = cookie.strip_prefix("sid=").and_then(|rest| rest.split(';').next()).unwrap().to_owned();
    let inside = installation.send(Ask::get("/queue").html().session(&token)).await;
    let signed_out = installation.send(Ask::post("/act/sign-out").same_origin().form("").session(&token)).await;
    let outside = installation.send(Ask::get("/queue").html().session(&token)).await;

    assert_eq!(cookie, format!("sid={token}; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(token.len(), 43, "32 random bytes");
    assert_eq!(inside.status, StatusCode::OK);
    assert_eq!(signed_out.header("set-cookie"), "sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_eq!(signed_out.header("clear-site-data"), "\"cache\"");
    assert_eq!(outside.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_without_javascript_signs_in_and_says_why_not() {
    let installation = Installation::new().await;
    let ask = |password: &str| installation.sign_in_form(password).html();

    let right = installation.send(ask(PASSWORD)).await;
    let wrong = installation.send(ask("not the password at all")).await;

    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text());
    let cookies = right.headers.get_all("set-cookie");
    assert!(cookies.iter().any(|cookie| cookie.to_str().unwrap().starts_with("sid=")));
    assert!(wrong.status.is_client_error(), "{}", wrong.status);
    assert!(wrong.header("content-type").starts_with("text/html"));
    let cookies = wrong.headers.get_all("set-cookie");
    assert!(!cookies.iter().any(|cookie| cookie.to_str().unwrap().starts_with("sid=")));
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
    let mut said = Vec::new();
    while let Some(frame) = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("the stream ends") {
        said.extend(frame.unwrap().into_data().unwrap());
    }
    let after = installation.send(Ask::get("/queue").html().session(&installation.approver.token)).await;

    assert!(String::from_utf8(said).unwrap().contains("event: ended"), "the page learns why");
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

/// Proves S6: a stream ends with its sign-in also when that runs out, idle or old.
#[tokio::test]
async fn a_stream_ends_when_its_sign_in_runs_out() {
    for (attack, advance) in [
        ("select 1", countersign_engine::sessions::IDLE_MS),
        ("update sessions set last_seen_at = now() + interval '1 year'", countersign_engine::sessions::ABSOLUTE_MS),
    ] {
        let installation = Installation::new().await;
        let response = installation.open(Ask::get("/stream/queue").session(&installation.approver.token)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body();
        installation.desk.database.attack(attack).await;

        installation.desk.clock.advance(advance);
        let ran_out = Instant::now();
        while let Some(frame) =
            tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("the stream ends")
        {
            frame.unwrap();
        }

        assert!(ran_out.elapsed() < Duration::from_millis(1_000), "{attack}: {:?}", ran_out.elapsed());
    }
}

/// Proves L3 and S7: signing out forgets the session and sign-ins under way, and neither this browser nor anybody
/// else's cookies.
#[tokio::test]
async fn signing_out_keeps_the_known_browser() {
    let installation = Installation::new().await;
    let (token, ask) = (&installation.approver.token, Ask::post("/act/sign-out").same_origin().form(""));
    let cookies = format!("sid={token}; device=known; txn-0190=tie; theme=dark");

    let signed_out = installation.send(ask.header("cookie", &cookies)).await;

    let set: Vec<_> = signed_out.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let gone = |name: &str| set.iter().any(|set| set.starts_with(&format!("{name}=;")) && set.contains("; Max-Age=0"));
    assert!(gone("sid") && gone("txn-0190"), "{set:?}");
    assert!(!set.iter().any(|set| set.starts_with("device=") || set.starts_with("theme=")), "{set:?}");
    assert_eq!(signed_out.header("clear-site-data"), "\"cache\"");
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
    assert!(keys::authenticate(engine, &installation.desk.key, std::net::Ipv4Addr::LOCALHOST.into()).await.is_err());
}

/// Proves K2: no route lets a key review.
#[tokio::test]
async fn no_key_can_review() {
    let installation = Installation::new().await;
    let reviewing = countersign_server::routes::ROUTES
        .iter()
        .filter(|route| route.action == Some(countersign_engine::authorize::Action::ReviewDecision));

    let standing = "select count(*) from reviews where state = 'submitted'";
    for route in reviewing {
        let ask = installation.ask(route).await.key(&installation.desk.key);
        let before = installation.desk.database.number(standing).await;
        assert_eq!(installation.send(ask).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(installation.desk.database.number(standing).await, before, "{}", route.path);
    }
}

/// Proves S3: each tab has a transaction of its own, and a form without its browser's cookie is refused.
#[tokio::test]
async fn two_tabs_can_sign_in() {
    let installation = Installation::new().await;
    let (first, second) = (installation.sign_in_form(PASSWORD), installation.sign_in_form(PASSWORD));
    let stolen = installation.sign_in_form(PASSWORD).without("cookie");

    let stolen = installation.send(stolen.html()).await;
    let second = installation.send(second.html()).await;
    let first = installation.send(first.html()).await;

    assert_eq!(second.status, StatusCode::SEE_OTHER, "{}", second.text());
    // The first tab's code is older than the second's, which was used.
    assert_eq!(first.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", first.text());
    assert_eq!(stolen.status, StatusCode::FORBIDDEN);
}

/// Proves S3: the sixth open form makes the browser drop the oldest.
#[tokio::test]
async fn a_browser_keeps_five_open_forms() {
    let installation = Installation::new().await;
    let mut held: Vec<String> = Vec::new();
    for _ in 0..8 {
        let ask = Ask::post("/act/open-sign-in").same_origin().form("").header("cookie", &held.join("; "));
        let answer = installation.send(ask).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let (name, value) = pair.split_once('=').unwrap();
            held.retain(|kept| !kept.starts_with(&format!("{name}=")));
            if !value.is_empty() {
                held.push(pair);
            }
        }
    }

    assert_eq!(held.len(), 5, "{held:?}");
}

/// Proves S4: whatever token the browser came with, it is worth nothing after the sign-in.
#[tokio::test]
async fn a_fixed_token_is_401_after_sign_in() {
    let installation = Installation::new().await;
    let planted = installation.approver.token.clone();
    let form = installation.sign_in_form(PASSWORD);

    let signed_in = installation.send(form.header("cookie", &format!("sid={planted}"))).await;
    let with_planted = installation.send(Ask::post("/act/queue").same_origin().form("").session(&planted)).await;

    assert!(signed_in.status.is_success(), "{}", signed_in.text());
    let cookies = signed_in.headers.get_all("set-cookie");
    let fresh = cookies.iter().find_map(|cookie| cookie.to_str().unwrap().strip_prefix("sid=")).unwrap();
    assert!(!fresh.starts_with(&planted));
    assert_eq!(with_planted.status, StatusCode::UNAUTHORIZED);
}

/// Proves S1: what the table holds is no cookie.
#[tokio::test]
async fn a_stolen_table_signs_nobody_in() {
    let installation = Installation::new().await;
    let token = &installation.approver.token;

    let known = format!("select count(*) from sessions where position('{token}'::bytea in token_hash) > 0");
    let hashed = format!("select count(*) from sessions where token_hash = sha256('{token}')");

    assert_eq!(installation.desk.database.number(&known).await, 0);
    assert_eq!(installation.desk.database.number(&hashed).await, 1);
}

/// Proves S8: an act that asks for a recent proof says so with 401, and nothing changed.
#[tokio::test]
async fn stale_authentication_is_asked_to_step_up() {
    let installation = Installation::new().await;
    installation.desk.clock.advance(6 * 60 * 1_000);
    let ask = || Ask::post("/act/recovery-codes").same_origin().html().form("").session(&installation.approver.token);

    let stale = installation.send(ask()).await;

    assert_eq!(stale.status, StatusCode::UNAUTHORIZED);
    assert!(stale.text().contains("href=\"/step-up\""), "the way back is on the page");
    assert_eq!(installation.desk.database.number("select count(*) from recovery_codes").await, 0);
}

/// Proves A5 and L6: nobody leaves for a test sign-in who may not run one, and a password alone is not enough.
#[tokio::test]
async fn a_test_sign_in_begins_for_admins_only() {
    let installation = Installation::new().await;
    let ask = |token: &str| Ask::get("/test-sign-in/company").session(token);

    let approver = installation.send(ask(&installation.approver.token)).await;
    installation.desk.database.attack("update totp_seeds set removed_at = now()").await;
    installation.desk.database.attack("update sessions set method = 'password'").await;
    let limited = installation.send(ask(&installation.admin.token)).await;

    for answer in [approver, limited] {
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
        assert!(answer.headers.get("set-cookie").is_none(), "nothing was begun");
    }
}

/// Nobody is signed in by a link on another site: it leads to the page that asks.
#[tokio::test]
async fn another_site_begins_no_sign_in() {
    let installation = Installation::new().await;
    let ask = |header: &'static str, value: &str| {
        Ask::get("/login/company?next=/ledger").without("sec-fetch-site").header(header, value)
    };

    for led in [
        ask("sec-fetch-site", "cross-site"),
        ask("sec-fetch-site", "same-site"),
        ask("referer", "https://elsewhere.example/page"),
    ] {
        let answer = installation.send(led).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/login?next=%2Fledger"));
        assert!(answer.headers.get("set-cookie").is_none(), "nothing was begun");
    }
    // The installation's own page, an address that was typed, and a program go on to the provider, which is closed here.
    for own in [
        ask("sec-fetch-site", "same-origin"),
        ask("sec-fetch-site", "none"),
        ask("referer", &format!("{ORIGIN}/login")),
        Ask::get("/login/company"),
    ] {
        assert_eq!(installation.send(own).await.status, StatusCode::NOT_FOUND);
    }
}

/// Proves L6: a session by password alone is led to the page that adds a factor.
#[tokio::test]
async fn a_password_alone_is_led_to_its_second_factor() {
    let installation = Installation::new().await;
    installation.desk.database.attack("update totp_seeds set removed_at = now()").await;
    installation.desk.database.attack("update sessions set method = 'password'").await;

    let queue = installation.send(Ask::get("/queue").html().session(&installation.approver.token)).await;
    let data =
        installation.send(Ask::post("/act/queue").same_origin().form("").session(&installation.approver.token)).await;
    let factors = installation.send(Ask::get("/me/factors").html().session(&installation.approver.token)).await;

    assert_eq!((queue.status, queue.header("location")), (StatusCode::SEE_OTHER, "/me/factors"));
    assert_eq!(data.status, StatusCode::FORBIDDEN);
    assert_eq!(factors.status, StatusCode::OK, "{}", factors.text());
}
