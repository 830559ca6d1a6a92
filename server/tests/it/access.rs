use std::fmt::Write as _;

use countersign_server::routes::ROUTES;

use crate::installation::{Answer, Installation, Who};

const EXPECTED: &str = include_str!("access.txt");

/// Proves A5: every route asked by everybody gets the committed answer. After a wanted change:
/// `COUNTERSIGN_UPDATE=1 cargo test -p countersign-server access`, then review the difference.
#[tokio::test]
async fn matrix() {
    let mut installation = Installation::with_every_role().await;
    let mut table = String::new();
    write!(table, "{:54}", "").unwrap();
    for who in Who::EVERYBODY {
        write!(table, " {:27}", who.word()).unwrap();
    }
    table = table.trim_end().to_owned() + "\n";
    for route in ROUTES.iter().filter(|route| !route.path.starts_with("/test/")) {
        let mut line = format!("{:54}", format!("{:4} {}", route.method.word(), route.path));
        for (place, who) in Who::EVERYBODY.into_iter().enumerate() {
            // The clock goes on at each sign-in, and these ask for a recent proof.
            if matches!(
                route.path,
                "/act/end-session" | "/act/end-other-sessions" | "/act/confirm-change" | "/link/{provider}"
            ) {
                installation.sign_in_again(who).await;
            }
            let ask = installation.as_who(installation.ask(route).await, who);
            let ask = match route.path {
                // Few reports are taken of one network.
                "/csp-report" => ask.peer(&format!("198.51.100.{place}")),
                _ => ask,
            };
            let cell = match route.path {
                "/stream/queue" => stream(&installation, ask).await,
                _ => cell(&installation.send(ask).await),
            };
            write!(line, " {cell:27}").unwrap();
            if route.path == "/act/sign-out" || route.path == "/act/end-session" {
                installation.sign_in_again(who).await;
            }
            if route.path == "/act/end-session" && !matches!(who, Who::Approver | Who::Directory) {
                // An admin ends anybody's.
                installation.sign_in_again(Who::Approver).await;
            }
        }
        table += line.trim_end();
        table.push('\n');
    }

    if std::env::var_os("COUNTERSIGN_UPDATE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/access.txt"), &table).unwrap();
        return;
    }
    for (found, expected) in table.lines().zip(EXPECTED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(table.lines().count(), EXPECTED.lines().count());
}

/// Status, and why not.
fn cell(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let refusal = answer.header("countersign-refusal");
    match (refusal, answer.header("content-type"), answer.header("location")) {
        ("", "application/problem+json", _) => format!("{status} {}", answer.code()),
        ("", "application/json" | "application/scim+json", _) if answer.status.is_client_error() => {
            format!("{status} {}", answer.code())
        }
        ("", _, "") => status.to_string(),
        ("", _, to) if to.contains("/scim/v2/") => format!("{status} to itself"),
        ("", _, to) if to.starts_with("/api/v1/decisions/") => format!("{status} to the decision"),
        ("", _, to) => format!("{status} to {}", to.split('?').next().unwrap_or(to)),
        (refusal, ..) => format!("{status} {refusal}"),
    }
}

/// Proves RT1: a refusal on record names the action of the row.
#[tokio::test]
async fn a_row_names_what_authorisation_is_asked() {
    let mut installation = Installation::new().await;
    let mut refused = 0;
    for route in ROUTES {
        let Some(action) = route.action else { continue };
        for who in Who::ALL {
            // Of one network only the first refusals have names; the others are counted, and put on record at any time.
            let ask = installation.as_who(installation.ask(route).await, who).peer("127.0.0.1");
            if route.path == "/stream/queue" && who != Who::Admin {
                continue;
            }
            let denied = |action: &str| {
                format!(
                    "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"access.denied\"%' \
                     and encode(bytes, 'escape') like '%\"action\":\"{action}\"%' \
                     and encode(bytes, 'escape') not like '%\"count\":%'"
                )
            };
            let (named, all) = (denied(action.word()), denied("%"));
            let before =
                (installation.desk.database.number(&named).await, installation.desk.database.number(&all).await);
            installation.send(ask).await;
            let after =
                (installation.desk.database.number(&named).await, installation.desk.database.number(&all).await);
            assert_eq!(after.0 - before.0, after.1 - before.1, "{who:?} {}", route.path);
            refused += after.1 - before.1;
            if route.path == "/act/sign-out" || route.path == "/act/end-session" {
                installation.sign_in_again(who).await;
            }
        }
    }

    assert!(refused > 25, "{refused} refusals were checked");
}

async fn stream(installation: &Installation, ask: crate::installation::Ask) -> String {
    let response = installation.open(ask.clone()).await;
    if response.status().is_success() {
        response.status().as_u16().to_string()
    } else {
        cell(&installation.send(ask).await)
    }
}
