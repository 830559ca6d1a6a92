use countersign_server::routes::{Class, Door, ROUTES, Verb, check};
use http::{Method, StatusCode};

use crate::installation::{Ask, Installation};

/// Proves RT1.
#[tokio::test]
async fn every_handler_has_a_row() {
    assert_eq!(check(), Vec::<String>::new());
}

/// Proves RT2.
#[tokio::test]
async fn each_door_refuses_the_other_credentials() {
    let installation = Installation::new().await;
    for route in ROUTES {
        let session = || format!("sid={}", installation.approver.token);
        let key = || format!("Bearer {}", installation.desk.key);
        let ask = installation.ask(route).await;

        let wrong = match route.door {
            Door::Browser | Door::Public | Door::Idp => ask.clone().header("authorization", &key()),
            Door::Api => ask.clone().header("cookie", &session()),
            Door::Scim => ask.clone().header("authorization", &key()),
            Door::Reader => ask.clone().header("authorization", &key()).header("cookie", &session()),
        };
        let both = ask.header("authorization", &key()).header("cookie", &session());

        for ask in [wrong, both] {
            let answer = installation.send(ask).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {}", route.method.word(), route.path);
            assert_eq!(answer.code(), "unauthenticated", "{}", route.path);
        }
    }
}

/// Proves RT2.
#[tokio::test]
async fn unlisted_methods_are_405() {
    let installation = Installation::new().await;
    for route in ROUTES {
        let listed = |method: Verb| ROUTES.iter().any(|other| other.path == route.path && other.method == method);
        let mut others = vec![Method::TRACE, Method::OPTIONS];
        for (verb, method) in [
            (Verb::Post, Method::POST),
            (Verb::Put, Method::PUT),
            (Verb::Patch, Method::PATCH),
            (Verb::Delete, Method::DELETE),
        ] {
            if !listed(verb) {
                others.push(method);
            }
        }
        if !listed(Verb::Get) {
            others.extend([Method::GET, Method::HEAD]);
        }
        for method in others {
            let ask = installation.ask(route).await.method(method.clone());
            let answer = installation.send(ask).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {}", route.path);
            assert!(answer.header("allow").contains(route.method.word()), "{method} {}", route.path);
        }
    }
}

/// Proves RT2.
#[tokio::test]
async fn head_is_get_without_a_body_and_with_the_same_audit() {
    let installation = Installation::new().await;
    for path in ["/queue", "/ledger", "/login", "/livez"] {
        let ask = Ask::get(path).session(&installation.approver.token);
        let before = installation.entries().await;
        let get = installation.send(ask.clone()).await;
        let between = installation.entries().await;
        let head = installation.send(ask.method(Method::HEAD)).await;
        let after = installation.entries().await;

        assert_eq!(get.status, head.status, "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
        assert_eq!(after - between, between - before, "{path}");
    }
}

/// Proves U2: what is not on record is this list.
#[test]
fn the_routes_off_the_record_are_a_closed_list() {
    let off: Vec<_> = ROUTES.iter().filter(|route| route.class == Class::None).map(|route| route.path).collect();

    let mut expected = vec![
        "/",
        "/admin/health",
        "/step-up",
        "/verify",
        "/setup",
        "/join",
        "/login",
        "/logged-out",
        "/act/frame",
        "/act/setup-link",
        "/act/ways-in",
        "/act/invitation",
        "/act/health",
        "/act/open-sign-in",
        "/act/passkey-challenge",
        "/act/heartbeat",
        "/act/prefer",
        "/me/views",
        "/me/keys",
        "/act/my-views",
        "/act/save-view",
        "/act/rename-view",
        "/act/move-view",
        "/act/remove-view",
        "/act/bind-key",
        "/act/reset-key",
        "/act/switch-keys",
        "/act/present",
        "/login/{provider}",
        "/step-up/{provider}",
        "/link/{provider}",
        "/test-sign-in/{provider}",
        "/client-keys/{provider}",
        "/sign-out/{provider}",
        "/signed-out/{provider}",
        "/api/v1/openapi.json",
        "/api/v1/errors",
        "/ledger/{log}/checkpoint",
        "/ledger/{log}/trust-policy",
        "/ledger/{log}/keys",
        "/pkg/{*path}",
        "/livez",
        "/readyz",
        "/csp-report",
    ];
    if cfg!(feature = "test-clock") {
        expected.push("/test/clock");
    }
    assert_eq!(off, expected);
    // Health answers while the ledger takes nothing; a way to a provider only sets a cookie, its return is sealed.
    let exempt = |path: &str| path.ends_with("/health") || path.ends_with("/{provider}");
    let asked = ROUTES.iter().filter(|route| route.action.is_some() && !exempt(route.path));
    assert!(asked.into_iter().all(|route| route.class != Class::None));
}

#[cfg(not(feature = "test-clock"))]
#[tokio::test]
async fn a_release_has_no_test_routes() {
    let installation = Installation::new().await;

    let answer = installation.send(Ask::post("/test/clock").same_origin().json(r#"{"milliseconds":0}"#)).await;

    assert!(ROUTES.iter().all(|route| !route.path.starts_with("/test/")));
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[cfg(feature = "test-clock")]
#[tokio::test]
async fn the_test_clock_moves_for_the_machine_alone() {
    let installation = Installation::new().await;
    let ask = Ask::post("/test/clock").same_origin().json(r#"{"milliseconds":86400000}"#);
    let before = installation.desk.engine.now();

    let far = installation.send(ask.clone().peer("203.0.113.9")).await;
    let near = installation.send(ask).await;

    assert_eq!((far.status, near.status), (StatusCode::NOT_FOUND, StatusCode::NO_CONTENT));
    assert!(installation.desk.engine.now() >= before + 86_400_000);
}

#[tokio::test]
async fn unknown_addresses_are_404_for_people_and_programs() {
    let installation = Installation::new().await;

    let page = installation.send(Ask::get("/nowhere").html()).await;
    let api = installation.send(Ask::get("/api/v1/nowhere").html().key(&installation.desk.key)).await;
    let post = installation.send(Ask::post("/nowhere")).await;

    assert_eq!(
        (page.status, api.status, post.status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(api.code(), "not_found");
    assert_eq!(api.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn anonymous_people_are_led_to_sign_in_and_back() {
    let installation = Installation::new().await;

    let queue = installation.send(Ask::get("/queue?risk=high").html()).await;
    let home = installation.send(Ask::get("/").html()).await;
    let ended = installation.send(Ask::get("/queue").html().session("not-a-session")).await;

    assert_eq!((queue.status, queue.header("location")), (StatusCode::SEE_OTHER, "/login?next=/queue%3Frisk%3Dhigh"));
    assert_eq!((home.status, home.header("location")), (StatusCode::SEE_OTHER, "/login"));
    assert_eq!((ended.status, ended.header("location")), (StatusCode::SEE_OTHER, "/login?next=/queue"));
}
