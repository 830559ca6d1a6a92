use countersign_engine::testing::proposal;
use countersign_server::routes::{Door, Idempotency, ROUTES, Verb};
use http::StatusCode;

use crate::installation::{Ask, Installation};

/// Proves I1.
#[tokio::test]
async fn table() {
    let installation = Installation::new().await;
    let propose = || Ask::post("/api/v1/decisions").key(&installation.desk.key).header("idempotency-key", "limits");
    let json = |text: String| propose().json(&text);
    let within = |bytes: usize| {
        let start = proposal("limit");
        format!("{start}{}", " ".repeat(bytes - start.len()))
    };
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let long = |bytes: usize| proposal(&"x".repeat(bytes));
    let header = |bytes: usize| Ask::get("/livez").header("x-long", &"h".repeat(bytes));
    let address = |bytes: usize| Ask::get(&format!("/livez?{}", "a".repeat(bytes - "/livez?".len())));
    let form = |bytes: usize| Ask::post("/act/prefer").same_origin().form(&"f".repeat(bytes));

    for (what, ask, status, code) in [
        ("body of 2 MiB", json(within(2 * 1024 * 1024)), StatusCode::ACCEPTED, ""),
        ("body over 2 MiB", json(within(2 * 1024 * 1024 + 1)), StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        ("depth over 64", json(nested(65)), StatusCode::UNPROCESSABLE_ENTITY, "invalid_content"),
        ("string over 64 KiB", json(long(64 * 1024 + 1)), StatusCode::UNPROCESSABLE_ENTITY, "invalid_content"),
        ("address of 8 KiB", address(8 * 1024), StatusCode::OK, ""),
        ("address over 8 KiB", address(8 * 1024 + 1), StatusCode::URI_TOO_LONG, "too_large"),
        ("headers under 16 KiB", header(16 * 1024 - 200), StatusCode::OK, ""),
        ("headers over 16 KiB", header(16 * 1024), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large"),
        ("form over 256 KiB", form(256 * 1024 + 1), StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        (
            "no Idempotency-Key",
            propose().without("idempotency-key").json("{}"),
            StatusCode::BAD_REQUEST,
            "idempotency_key_missing",
        ),
        (
            "empty Idempotency-Key",
            propose().without("idempotency-key").header("idempotency-key", "").json("{}"),
            StatusCode::BAD_REQUEST,
            "malformed_request",
        ),
        (
            "long Idempotency-Key",
            propose().without("idempotency-key").header("idempotency-key", &"k".repeat(256)).json("{}"),
            StatusCode::BAD_REQUEST,
            "malformed_request",
        ),
        (
            "two Idempotency-Keys",
            propose().header("idempotency-key", "other").json("{}"),
            StatusCode::BAD_REQUEST,
            "malformed_request",
        ),
        ("no media type", propose(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
        ("a form", propose().form("a=b"), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
    ] {
        let answer = installation.send(ask).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        if !code.is_empty() {
            assert_eq!(answer.code(), code, "{what}");
        }
    }
}

/// Proves D1: a row that asks for a key has a handler that does.
#[tokio::test]
async fn every_row_that_asks_for_a_key_refuses_without() {
    let installation = Installation::new().await;
    for route in ROUTES.iter().filter(|route| route.door == Door::Api && route.method == Verb::Post) {
        assert_eq!(route.idempotency, Idempotency::Header, "{}", route.path);
        let ask = installation.ask(route).await.without("idempotency-key").key(&installation.desk.key);
        assert_eq!(installation.send(ask).await.code(), "idempotency_key_missing", "{}", route.path);
    }
}

/// Proves I2.
#[tokio::test]
async fn json_corpus() {
    let installation = Installation::new().await;
    let proposed = |members: &str| {
        format!(
            r#"{{"mode":"propose","action":{{"type":"refund.issue","parameters":{{"order":"A1","amount":"1.00"}}}}{members}}}"#
        )
    };
    let with_amount = |amount: &str| {
        format!(
            r#"{{"mode":"propose","action":{{"type":"refund.issue","parameters":{{"order":"A1","amount":{amount}}}}}}}"#
        )
    };
    let before = installation.desk.database.number("select count(*) from decisions").await;

    for (what, body, code) in [
        ("nothing", Vec::new(), "malformed_request"),
        ("cut off", b"{\"mode\":".to_vec(), "malformed_request"),
        ("text after the end", [proposed("").as_bytes(), b" x"].concat(), "malformed_request"),
        ("a byte order mark", [b"\xef\xbb\xbf", proposed("").as_bytes()].concat(), "malformed_request"),
        ("invalid UTF-8", b"{\"mode\":\"\xff\"}".to_vec(), "malformed_request"),
        ("a lone surrogate", proposed(r#","intent":"\ud800""#).into_bytes(), "malformed_request"),
        ("a comment", b"{/**/}".to_vec(), "malformed_request"),
        ("a trailing comma", b"{\"mode\":\"propose\",}".to_vec(), "malformed_request"),
        ("NaN", with_amount("NaN").into_bytes(), "malformed_request"),
        ("a leading zero", with_amount("01").into_bytes(), "malformed_request"),
        ("a duplicate key", proposed(r#","mode":"propose""#).into_bytes(), "invalid_content"),
        ("an unknown field", proposed(r#","unknown":1"#).into_bytes(), "invalid_content"),
        ("NUL", proposed(r#","intent":"a\u0000b""#).into_bytes(), "invalid_content"),
        ("a fraction", with_amount("1.5").into_bytes(), "invalid_content"),
        ("an exponent", with_amount("1e3").into_bytes(), "invalid_content"),
        ("2^53", with_amount("9007199254740992").into_bytes(), "invalid_content"),
        ("another kind", with_amount("true").into_bytes(), "invalid_content"),
        ("a list", b"[]".to_vec(), "invalid_content"),
        ("null", b"null".to_vec(), "invalid_content"),
    ] {
        let ask = Ask::post("/api/v1/decisions").key(&installation.desk.key).header("idempotency-key", "corpus");
        let answer = installation.send(ask.body("application/json", body)).await;
        assert_eq!(answer.code(), code, "{what}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }

    assert_eq!(installation.desk.database.number("select count(*) from decisions").await, before);
}

/// Proves I3.
#[tokio::test]
async fn a_flood_is_told_and_others_are_served() {
    let installation = Installation::new().await;
    let ask = Ask::get("/api/v1/openapi.json").peer("203.0.113.5");

    let mut served = 0;
    let mut refused = None;
    for _ in 0..400 {
        let answer = installation.send(ask.clone()).await;
        match answer.status {
            StatusCode::OK => served += 1,
            _ => refused = Some(answer),
        }
    }
    let other = installation.send(ask.clone().peer("203.0.113.6")).await;
    let agent =
        installation.send(Ask::get("/api/v1/decision_types").peer("203.0.113.5").key(&installation.desk.key)).await;

    let refused = refused.expect("a flood is refused in part");
    assert!((200..400).contains(&served), "{served} were served");
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "rate_limited"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(other.status, StatusCode::OK);
    assert_eq!(agent.status, StatusCode::OK, "a key has a bucket of its own");
    assert!(agent.header("ratelimit").contains("r=199"), "{}", agent.header("ratelimit"));
}

#[tokio::test]
async fn guessing_keys_is_slowed_down_per_network() {
    let installation = Installation::new().await;
    let guess = Ask::get("/api/v1/decision_types").peer("203.0.113.7").key("csig_aaaaaaaa_guess");

    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(installation.send(guess.clone()).await.code());
    }
    let elsewhere = installation.send(guess.peer("203.0.113.8")).await;

    assert_eq!(codes.iter().filter(|code| *code == "unauthenticated").count(), 10);
    assert_eq!(codes.iter().filter(|code| *code == "rate_limited").count(), 2);
    assert_eq!(elsewhere.code(), "unauthenticated");
}

/// Proves I4.
#[tokio::test]
async fn forged_forwarded_headers_change_nothing() {
    let installation = Installation::new().await;
    let report = |peer: &str, forwarded: &str| {
        Ask::post("/csp-report").peer(peer).header("x-forwarded-for", forwarded).body("application/csp-report", "{}")
    };

    let mut refused = 0;
    for number in 0..12 {
        let answer = installation.send(report("203.0.113.9", &format!("198.51.100.{number}"))).await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    let mut behind_proxy = 0;
    for number in 0..12 {
        let answer = installation.send(report("10.0.0.1", &format!("198.51.100.{number}"))).await;
        behind_proxy += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }

    assert_eq!(refused, 2, "all came from one address");
    assert_eq!(behind_proxy, 0, "a trusted proxy names each client");
}

/// Proves I4.
#[tokio::test]
async fn another_host_is_refused() {
    let installation = Installation::new().await;
    let ask = |host: &str| Ask::get("/login").without("host").header("host", host);

    for host in ["evil.example", "127.0.0.1", "127.0.0.1:3001", "127.0.0.1:3000.evil.example", ""] {
        assert_eq!(installation.send(ask(host)).await.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    assert_eq!(
        installation.send(ask("127.0.0.1:3000").header("host", "evil.example")).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
    assert_eq!(
        installation.send(Ask::get("/livez").without("host").header("host", "10.1.2.3")).await.status,
        StatusCode::OK
    );
    let alias = installation.send(Ask::get("/queue?a=b").without("host").header("host", "localhost:3000")).await;
    assert_eq!(alias.header("location"), "http://127.0.0.1:3000/queue?a=b");
}
