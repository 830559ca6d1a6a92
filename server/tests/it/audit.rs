use std::time::Duration;

use countersign_domain::decision::Verdict;
use countersign_server::routes::{Class, ROUTES};
use http::StatusCode;
use http_body_util::BodyExt as _;

use crate::installation::{Answer, Ask, Installation, Who};

/// Proves U1 and U2: whatever a route of a class shows or does, it is on record.
#[tokio::test]
async fn no_route_outside_the_list_is_unaudited() {
    let mut installation = Installation::new().await;
    let mut answered = 0;
    for route in ROUTES.iter().filter(|route| route.class != Class::None && is_single(route.path)) {
        for who in Who::ALL {
            let ask = installation.as_who(installation.ask(route).await, who);
            let before = installation.entries().await;
            let answer = installation.send(ask).await;
            let entries = installation.entries().await - before;
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{who:?} {}", route.path);
            let shown = answer.status.is_success() && answer.header("countersign-refusal").is_empty();
            if shown && answer.header("idempotency-replayed").is_empty() {
                assert!(entries > 0, "{who:?} {}", route.path);
                answered += 1;
            }
            if route.path == "/act/sign-out" || route.path == "/act/end-session" {
                installation.sign_in_again(who).await;
            }
        }
    }

    assert!(answered > 30, "{answered} answers were checked");
}

/// Proves U2: nothing that is not sealed reads a decision, a policy, a system or a review; for visitors, no person either.
#[tokio::test]
async fn none_routes_read_no_business_table() {
    const BUSINESS: [&str; 8] = [
        "decisions",
        "revisions",
        "reviews",
        "resolutions",
        "policies",
        "policy_versions",
        "decision_types",
        "systems",
    ];
    let installation = Installation::new().await;
    let mut before = Vec::new();
    // An approver's frame counts their own turns; it shows no decision.
    let callers = [Who::Anonymous, Who::Admin, Who::Auditor];
    for route in ROUTES.iter().filter(|route| route.class == Class::None && route.path != "/test/clock") {
        for who in callers {
            let ask = installation.as_who(installation.ask(route).await, who);
            before.push((route.path, who, ask.clone(), installation.send(ask).await.status));
        }
    }
    let database = &installation.desk.database;
    for table in BUSINESS {
        database.attack(&format!("alter table {table} rename to {table}_gone")).await;
    }

    for (path, who, ask, status) in &before {
        assert_eq!(installation.send(ask.clone()).await.status, *status, "{who:?} {path}");
    }
    database.attack("alter table people rename to people_gone").await;
    database.attack("alter table role_assignments rename to role_assignments_gone").await;
    // The shells of set-up and sign-in ask whether there is an admin, whose link it is, which ways in there are.
    let is_shell = |path: &str| {
        ["/setup", "/join", "/login", "/act/setup-link", "/act/invitation", "/act/ways-in", "/act/open-sign-in"]
            .contains(&path)
            || path.starts_with("/act/passkey-")
            || path.ends_with("/{provider}")
    };
    let visitors = before.iter().filter(|(path, who, ..)| *who == Who::Anonymous && !is_shell(path));
    for (path, _, ask, status) in visitors {
        assert_eq!(installation.send(ask.clone()).await.status, *status, "{path}");
    }
}

/// Proves U5: a refusal at the door is on record under the name of whoever was refused.
#[tokio::test]
async fn refusals_at_the_door_are_on_record() {
    let installation = Installation::new().await;
    let refused = "select count(*) from ledger_entries where position('\"access.denied\"'::bytea in bytes) > 0";
    let strangers = "select count(*) from ledger_entries where position('\"auth.failed\"'::bytea in bytes) > 0";
    let number = async |query: &str| installation.desk.database.number(query).await;
    let token = &installation.approver.token;
    let before = (number(refused).await, number(strangers).await);

    let forged = installation.send(Ask::post("/act/queue").form("").session(token)).await;
    let wrong_door = installation.send(Ask::get("/queue").key(&installation.desk.key)).await;
    let person_at_api = installation.send(Ask::get("/api/v1/decision_types").session(token)).await;
    let nobody = installation.send(Ask::get("/queue").html()).await;
    let after = (number(refused).await, number(strangers).await);

    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(wrong_door.status, StatusCode::UNAUTHORIZED);
    assert_eq!(person_at_api.status, StatusCode::UNAUTHORIZED);
    assert_eq!(nobody.status, StatusCode::SEE_OTHER);
    assert_eq!((after.0 - before.0, after.1 - before.1), (3, 1));
    let named = |sid: uuid::Uuid, cause: &str| {
        format!(
            "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"sid\":\"{sid}\"%\"cause\":\"{cause}\"%'"
        )
    };
    assert_eq!(number(&named(installation.approver.person.0, "cross_origin")).await, 1);
    assert_eq!(number(&named(installation.approver.person.0, "unauthenticated")).await, 1);
    assert_eq!(number(&named(installation.desk.system.0, "unauthenticated")).await, 1);
}

/// Proves U5.
#[tokio::test]
async fn a_flood_makes_one_entry_a_minute() {
    let installation = Installation::new().await;
    let before = installation.entries().await;

    for number in 0..500 {
        let ask = match number % 3 {
            0 => Ask::get("/api/v1/decision_types").key("csig_aaaaaaaa_guess"),
            1 => Ask::post("/act/queue").form(""),
            _ => Ask::get("/act/none").html(),
        };
        installation.send(ask.peer("203.0.113.9")).await;
    }
    let in_the_flood = installation.entries().await - before;
    installation.desk.clock.advance(61_000);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let a_minute_later = installation.entries().await - before;

    assert_eq!((in_the_flood, a_minute_later), (1, 2));
    let counted = "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"count\":33_,%' or encode(bytes, 'escape') like '%\"count\":33_}%'";
    assert_eq!(installation.desk.database.number(counted).await, 1, "the rest is in one count");
}

/// Proves U1: a ledger that takes nothing shows nothing and does nothing.
#[tokio::test]
async fn a_refused_entry_refuses_every_route() {
    let installation = Installation::new().await;
    let mut asks = Vec::new();
    for route in ROUTES.iter().filter(|route| route.class != Class::None && is_single(route.path)) {
        for who in Who::ALL {
            asks.push((route.path, who, installation.as_who(installation.ask(route).await, who)));
        }
    }
    let database = &installation.desk.database;
    database
        .attack("create function refuse() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$")
        .await;
    database
        .attack("create trigger refuse before insert on ledger_entries for each row execute function refuse()")
        .await;
    database.attack("alter table ledger_entries enable always trigger refuse").await;

    for (path, who, ask) in asks {
        let answer = installation.send(ask).await;
        let refused = answer.status.is_client_error()
            || answer.status.is_server_error()
            || answer.status.is_redirection()
            || !answer.header("countersign-refusal").is_empty();
        assert!(refused, "{who:?} {path}: {}", answer.status);
        assert_hides(&answer, path);
    }
}

/// Proves H9: a database that fails leaks nothing, and answers come again when it does.
#[tokio::test]
async fn a_database_failure_on_every_route_leaks_nothing() {
    let installation = Installation::new().await;
    let mut asks = Vec::new();
    for route in ROUTES.iter().filter(|route| route.path != "/stream/queue") {
        for who in Who::ALL {
            asks.push((route, who, installation.as_who(installation.ask(route).await, who)));
        }
    }
    let database = &installation.desk.database;
    for table in ["sessions", "agent_keys", "scim_tokens", "decisions", "people", "systems", "role_assignments"] {
        database.attack(&format!("alter table {table} rename to {table}_gone")).await;
    }

    for (route, who, ask) in asks {
        for ask in [ask.clone(), ask.html()] {
            let answer = installation.send(ask).await;
            assert_hides(&answer, route.path);
            if who != Who::Anonymous && route.class != Class::None {
                assert!(
                    answer.status.is_server_error() || answer.status.is_client_error(),
                    "{who:?} {}: {}",
                    route.path,
                    answer.status
                );
            }
        }
    }
    for table in ["sessions", "agent_keys", "scim_tokens", "decisions", "people", "systems", "role_assignments"] {
        database.attack(&format!("alter table {table}_gone rename to {table}")).await;
    }
    let answer = installation.send(Ask::get("/queue").html().session(&installation.approver.token)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// Proves H9.
#[tokio::test]
async fn err_query_is_not_shown() {
    let installation = Installation::new().await;
    for path in ["/login", "/queue", "/admin/people", "/nowhere"] {
        for who in [Who::Anonymous, Who::Admin, Who::Approver] {
            let ask = Ask::get(&format!("{path}?__err=Zm9yZ2VkLW1lc3NhZ2U&__path=%2Fact%2Fsign-in")).html();
            let answer = installation.send(installation.as_who(ask, who)).await;
            if !answer.status.is_redirection() {
                assert!(
                    !answer.text().contains("forged-message") && !answer.text().contains("Zm9yZ2VkLW1lc3NhZ2U"),
                    "{path}"
                );
            }
        }
    }
}

/// Proves U4.
#[tokio::test]
async fn streams_carry_no_content() {
    let installation = Installation::new().await;
    let before = installation.entries().await;
    let response = installation.open(Ask::get("/stream/queue").session(&installation.approver.token)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(installation.entries().await > before, "opening is on record");
    let mut body = response.into_body();

    let decision = installation.desk.queued_decision().await;
    installation.desk.review(&installation.desk.approver, decision, Verdict::Approve).await.unwrap();
    let mut text = String::new();
    while !text.contains("decision.resolved") {
        let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("events come within 5 s");
        text += std::str::from_utf8(frame.unwrap().unwrap().data_ref().unwrap()).unwrap();
    }

    assert!(text.contains("event: change") && text.contains("id: ") && text.contains(&decision.to_string()), "{text}");
    for secret in ["parcel", "customer 4711", "Where is", "40.00", "Checked against"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// Proves R5: a page that was away gets what came since.
#[tokio::test]
async fn a_stream_goes_on_where_the_page_stands() {
    let installation = Installation::new().await;
    let size = installation.desk.sealed().await;
    let decision = installation.desk.queued_decision().await;
    installation.desk.sealed().await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    for ask in [
        Ask::get(&format!("/stream/queue?after={size}")),
        Ask::get("/stream/queue").header("last-event-id", &size.to_string()),
    ] {
        let response = installation.open(ask.session(&installation.approver.token)).await;
        let mut body = response.into_body();
        let mut text = String::new();
        while !text.contains(&decision.to_string()) {
            let frame =
                tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("the change comes at once");
            text += std::str::from_utf8(frame.unwrap().unwrap().data_ref().unwrap()).unwrap();
        }
    }
}

/// Proves U1: fetches of log files are counted, and the count is on record.
#[tokio::test]
async fn log_files_are_counted_on_record() {
    let installation = Installation::new().await;
    let log = countersign_engine::ledger::log_id(&installation.desk.engine).to_owned();
    let counts = "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"access.log_read\"%'";
    let before = installation.desk.database.number(counts).await;

    let tile = installation
        .send(Ask::get(&format!("/ledger/{log}/tile/0/000.p/1")).session(&installation.auditor.token))
        .await;

    assert_eq!(tile.status, StatusCode::OK);
    assert_eq!(installation.desk.database.number(counts).await, before + 1);
}

/// Tells whether each answer of the route has an entry of its own: streams are tested apart, and
/// files of the log are counted (`ledger.md` 2).
fn is_single(path: &str) -> bool {
    path != "/stream/queue" && !path.starts_with("/ledger/{log}/")
}

fn assert_hides(answer: &Answer, path: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    for internal in [
        "sqlx",
        "PgDatabaseError",
        "relation \"",
        "does not exist",
        "plpgsql",
        "P0001",
        "panicked",
        "src/",
        "postgres://",
    ] {
        assert!(!text.contains(internal), "{path} tells {internal:?}: {text}");
    }
}
