use countersign_server::routes::{Door, ROUTES, Verb};
use http::StatusCode;

use crate::installation::{Ask, Installation, ORIGIN, Who};

/// Proves C1.
#[tokio::test]
async fn seven_forgeries_on_every_mutating_route_are_403() {
    let installation = Installation::new().await;
    let forgeries: [&[(&str, &str)]; 7] = [
        &[],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
        &[("sec-fetch-site", "none")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:3000.evil.example")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
    ];
    let mut routes = 0;
    for route in ROUTES.iter().filter(|route| {
        route.mutates() && !matches!(route.door, Door::Api | Door::Idp | Door::Scim) && route.path != "/csp-report"
    }) {
        routes += 1;
        let ask = installation.as_who(installation.ask(route).await.without("sec-fetch-site"), Who::Admin);
        let before = acts(&installation).await;
        for forgery in forgeries {
            let ask = forgery.iter().fold(ask.clone(), |ask, (name, value)| ask.header(name, value));
            let answer = installation.send(ask).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {forgery:?}", route.path);
            assert_eq!(answer.code(), "cross_origin", "{} {forgery:?}", route.path);
        }
        assert_eq!(acts(&installation).await, before, "{}", route.path);
    }

    assert!(routes >= 25, "{routes} routes were tried");
}

/// A form whose field comes twice means two things, so it means nothing: it is refused and changes nothing.
#[tokio::test]
async fn a_field_that_comes_twice_is_refused_on_every_route() {
    let installation = Installation::new().await;
    let mut routes = 0;
    for route in ROUTES.iter().filter(|route| route.mutates() && route.door == Door::Browser) {
        let ask = installation.as_who(installation.ask(route).await, Who::Admin);
        let Some(twice) = ask.first_field_twice() else { continue };
        routes += 1;
        let before = acts(&installation).await;
        let answer = installation.send(twice).await;
        assert!(answer.status.is_client_error(), "{}: {}", route.path, answer.status);
        assert_eq!(acts(&installation).await, before, "{}", route.path);
    }

    assert!(routes >= 25, "{routes} routes were tried");
}

/// Proves C1: what browsers send from our own pages passes, with and without Fetch Metadata.
#[tokio::test]
async fn our_own_pages_pass() {
    let installation = Installation::new().await;
    let ask = Ask::post("/act/prefer").form("theme=dark&density=compact&zone=utc");
    for genuine in [
        ask.clone().header("sec-fetch-site", "same-origin"),
        ask.clone().header("origin", ORIGIN),
        ask.clone().header("sec-fetch-site", "none").header("origin", ORIGIN),
    ] {
        assert_eq!(installation.send(genuine.clone()).await.status, StatusCode::OK, "{genuine:?}");
    }
}

/// Proves C4.
#[tokio::test]
async fn a_foreign_origin_gets_no_cors_header_and_no_stream() {
    let installation = Installation::new().await;
    let stream = Ask::get("/stream/queue").session(&installation.approver.token);

    let foreign = installation.send(stream.clone().header("origin", "https://evil.example")).await;
    let cross = installation.send(stream.clone().header("sec-fetch-site", "cross-site")).await;
    let own = installation.open(stream.header("sec-fetch-site", "same-origin")).await;
    let api = Ask::get("/api/v1/decision_types").key(&installation.desk.key).header("origin", "https://evil.example");
    let api = installation.send(api).await;

    assert_eq!((foreign.status, cross.status), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(own.status(), StatusCode::OK);
    assert_eq!(api.status, StatusCode::OK);
    assert!(
        foreign.headers.get("access-control-allow-origin").is_none()
            && api.headers.get("access-control-allow-origin").is_none()
    );
}

/// Proves C3: reads change no row but those of the ledger and of what was shown.
#[tokio::test]
async fn no_get_changes_a_row() {
    let installation = Installation::new().await;
    let business = "select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables \
         where relname in ('decisions', 'reviews', 'resolutions', 'outcomes', 'people', 'role_assignments', 'systems', 'agent_keys', 'decision_types', 'policies', 'policy_versions', 'policy_drafts', 'decision_routes', 'safeguards')";
    let settled = async || {
        // The statistics are written some time after the transaction that they count.
        tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
        installation.desk.database.number(business).await
    };
    // An agent's key notes its use, so people ask here; the API's reads are acts of the ledger.
    let mut asks = Vec::new();
    for route in ROUTES.iter().filter(|route| route.method == Verb::Get && route.path != "/stream/queue") {
        asks.push(installation.ask(route).await);
    }
    let before = settled().await;

    for ask in asks {
        for who in [Who::Anonymous, Who::Admin, Who::Approver, Who::Auditor] {
            installation.send(installation.as_who(ask.clone(), who)).await;
        }
    }

    assert_eq!(settled().await, before);
}

/// Counts the entries but for refusals at the door, which go on record for people who are known, and for
/// those of strangers, which are counted and go on record by the minute.
async fn acts(installation: &Installation) -> i64 {
    let query =
        "select count(*) from ledger_entries where encode(bytes, 'escape') !~ '\"(access.denied|auth.failed)\"'";
    installation.desk.database.number(query).await
}
