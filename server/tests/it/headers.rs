use std::collections::BTreeSet;

use countersign_server::{
    Files, Server,
    routes::{self, Handler, ROUTES},
};
use http::StatusCode;

use crate::installation::{Answer, Ask, Installation, Who};

/// Proves H1.
#[tokio::test]
async fn every_response_carries_the_policy() {
    let installation = Installation::new().await;
    let mut nonces = Vec::new();
    for ask in everything(&installation).await {
        let answer = installation.send(ask.clone()).await;
        let policy = answer.header("content-security-policy");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_default();
        assert_eq!(
            policy.replace(nonce, "N"),
            "default-src 'none'; script-src 'self' 'nonce-N' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
             base-uri 'none'; object-src 'none'; frame-ancestors 'none'; report-to csp; report-uri /csp-report",
            "{ask:?}"
        );
        assert_eq!(nonce.len(), 22, "128 bits: {nonce}");
        assert_eq!(answer.header("reporting-endpoints"), "csp=\"/csp-report\"");
        nonces.push(nonce.to_owned());
    }

    let asked = nonces.len();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), asked, "a nonce was used twice");
}

/// Proves H7.
#[tokio::test]
async fn table_over_all_routes() {
    let installation = Installation::new().await;
    for ask in everything(&installation).await {
        let answer = installation.send(ask.clone()).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("countersign-version", env!("CARGO_PKG_VERSION")),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {ask:?}");
        }
        let permissions = answer.header("permissions-policy");
        assert!(permissions.contains("publickey-credentials-get=(self)") && permissions.contains("camera=()"));
        assert_eq!(answer.header("request-id").len(), 36, "{ask:?}");
        assert!(!answer.header("cache-control").is_empty(), "{ask:?}");
        if answer.header("content-type").starts_with("text/html") {
            assert_eq!(answer.header("cache-control"), "no-store", "{ask:?}");
        }
        assert!(answer.headers.get("access-control-allow-origin").is_none(), "{ask:?}");
        assert!(
            answer.headers.get("strict-transport-security").is_none(),
            "plain http must not promise https: {ask:?}"
        );
    }
}

/// Proves H7.
#[tokio::test]
async fn an_https_origin_promises_https_for_a_year() {
    let mut installation = Installation::new().await;
    let origin = "https://desk.example.org".parse().unwrap();
    let server = Server::new(installation.desk.engine.clone(), origin, Vec::new(), Files::none());
    installation.router = routes::router(&server).unwrap();

    let answer = installation.send(Ask::get("/livez").without("host").header("host", "desk.example.org")).await;

    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000; includeSubDomains");
}

/// Proves H2.
#[tokio::test]
async fn the_nonce_appears_only_in_nonce_attributes() {
    let installation = Installation::new().await;
    let mut pages = 0;
    for route in ROUTES.iter().filter(|route| matches!(route.handler, Handler::Page)) {
        for who in [Who::Anonymous, Who::Admin, Who::Approver, Who::Auditor] {
            let ask = installation.as_who(installation.ask(route).await.html(), who);
            let answer = installation.send(ask).await;
            if answer.status.is_redirection() {
                continue;
            }
            let nonce = nonce(&answer);
            let html = answer.text();
            assert_eq!(
                html.matches(&nonce).count(),
                html.matches(&format!("nonce=\"{nonce}\"")).count(),
                "{}",
                route.path
            );
            pages += usize::from(html.contains(&nonce));
        }
    }

    assert!(
        pages >= ROUTES.iter().filter(|route| matches!(route.handler, Handler::Page)).count(),
        "{pages} pages had scripts"
    );
}

/// Proves H1: reports are noted, limited, and fill nothing.
#[tokio::test]
async fn csp_reports_fill_nothing() {
    let installation = Installation::new().await;
    // Rows are counted, since PostgreSQL's own statistics of inserts arrive late on a busy machine.
    let tables = "select sum((xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I.%I', schemaname, relname), false, true, '')))[1]::text::bigint)::bigint from pg_stat_user_tables";
    let report = Ask::post("/csp-report")
        .body("application/csp-report", r#"{"csp-report":{"violated-directive":"script-src"}}"#);
    // What set-up left to be sealed and published is done once the number stands still.
    let (mut before, mut still) = (0, 0);
    while still < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let count = installation.desk.database.number(tables).await;
        still = if count == before { still + 1 } else { 0 };
        before = count;
    }

    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(installation.send(report.clone()).await.status);
    }
    let large = report.clone().peer("203.0.113.1").body("application/csp-report", vec![b' '; 17 * 1024]);
    let other = installation.send(large).await;
    let text = installation.send(Ask::post("/csp-report").peer("203.0.113.2").body("text/plain", "x")).await;

    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::NO_CONTENT).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count(), 2);
    assert_eq!(other.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(installation.desk.database.number(tables).await, before);
}

/// Proves H10: nothing that an agent sends can end a script or open a tag.
#[tokio::test]
async fn json_in_html_cannot_close_its_script() {
    let installation = Installation::new().await;
    let attack = "</script><script>alert(1)</script><!--";
    let body = countersign_engine::testing::proposal(attack);
    let stored = installation.desk.propose("attack", &body).await.unwrap();
    let id = countersign_engine::testing::id_of(&stored);

    let page =
        installation.send(Ask::get(&format!("/decisions/{id}")).html().session(&installation.approver.token)).await;

    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("<script>alert(1)"), "{}", page.text());
}

#[tokio::test]
async fn built_files_are_kept_for_a_year_and_sent_compressed() {
    let installation = Installation::new().await;
    let ask = Ask::get("/pkg/app.1a2b.css");

    let plain = installation.send(ask.clone()).await;
    let brotli = installation.send(ask.clone().header("accept-encoding", "gzip, deflate, br")).await;
    let held = installation.send(ask.header("if-none-match", plain.header("etag"))).await;
    let outside = installation.send(Ask::get("/pkg/..%2Fmanifest.json")).await;

    assert_eq!((plain.text(), plain.header("content-encoding")), ("body{}", ""));
    assert_eq!((brotli.text(), brotli.header("content-encoding")), ("compressed", "br"));
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(plain.header("content-type"), "text/css; charset=utf-8");
    assert_eq!((held.status, held.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(outside.status, StatusCode::NOT_FOUND);
}

/// Requests for every route by everybody, and for the ways to miss one. Streams never end, so they
/// are asked anonymously.
/// Every answer with a body says what it is, texts with their characters, and is that.
#[tokio::test]
async fn every_answer_says_what_it_is() {
    let installation = Installation::new().await;
    let mut said = BTreeSet::new();
    for ask in everything(&installation).await {
        let answer = installation.send(ask.clone()).await;
        if answer.body.is_empty() {
            continue;
        }
        let content_type = answer.header("content-type").to_owned();
        let (kind, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
        match kind {
            "text/html" | "text/plain" | "text/csv" | "text/css" | "text/javascript" => {
                assert_eq!(parameters.trim().to_ascii_lowercase(), "charset=utf-8", "{ask:?}");
                let text = std::str::from_utf8(&answer.body).unwrap_or_else(|_| panic!("{ask:?}"));
                let begins = text.trim_start().to_ascii_lowercase();
                assert_eq!(begins.starts_with("<!doctype html>"), kind == "text/html", "{ask:?}: {text}");
            }
            "application/json" | "application/problem+json" | "application/scim+json" => {
                assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok(), "{ask:?}");
            }
            "application/octet-stream" => assert!(answer.header("x-content-type-options") == "nosniff", "{ask:?}"),
            other => panic!("{other:?} of {ask:?}"),
        }
        said.insert(kind.to_owned());
    }

    for kind in ["text/html", "application/json", "application/problem+json", "application/scim+json"] {
        assert!(said.contains(kind), "{said:?}");
    }
}

async fn everything(installation: &Installation) -> Vec<Ask> {
    let mut asks = vec![
        Ask::get("/nowhere").html(),
        Ask::get("/api/nowhere"),
        Ask::get("/livez").method(http::Method::TRACE),
        Ask::get(&format!("/{}", "x".repeat(9_000))),
        Ask::get("/queue").without("host").header("host", "evil.example"),
        Ask::get("/queue").without("host").header("host", "localhost:3000"),
        Ask::post("/act/sign-in"),
    ];
    for route in ROUTES {
        let who = match route.path {
            "/stream/queue" | "/act/sign-out" | "/act/end-session" => Who::Anonymous,
            _ => Who::Auditor,
        };
        let ask = installation.ask(route).await;
        asks.push(ask.clone());
        asks.push(ask.clone().html());
        asks.push(installation.as_who(ask, who));
    }
    asks
}

fn nonce(answer: &Answer) -> String {
    answer
        .header("content-security-policy")
        .split("'nonce-")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap()
        .to_owned()
}
