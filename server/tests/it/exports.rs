use countersign_engine::{people, testing::again};
use http::StatusCode;
use sha2::{Digest as _, Sha256};

use crate::installation::{Ask, Installation};

/// Proves H10: no cell of an export is a formula, and the file is on record with its count and digest.
#[tokio::test]
async fn formula_cells_are_inert() {
    let installation = Installation::new().await;
    let engine = &installation.desk.engine;
    let mallory = installation.desk.member("=hyperlink(1)", vec![]).await;
    people::list(engine, &again(&mallory)).await.unwrap_err();
    indexed(&installation).await;
    let before = installation.entries().await;

    let answer =
        installation.send(Ask::get("/admin/access/export?kind=refusal").session(&installation.auditor.token)).await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.header("content-disposition").starts_with("attachment"));
    let table = answer.text();
    assert!(table.contains("\"'=hyperlink(1)\""), "{table}");
    let cells = table.split("\r\n").filter(|row| !row.is_empty()).flat_map(|row| row.split(','));
    for cell in cells {
        let inside = cell.trim_matches('"');
        assert!(!inside.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    let rows = table.split("\r\n").filter(|row| !row.is_empty()).count() - 1;
    let digest: String = Sha256::digest(table.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(answer.header("countersign-count"), rows.to_string());
    assert_eq!(answer.header("countersign-output"), digest);
    assert_eq!(installation.entries().await, before + 1);
    let exported = format!(
        "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"count\":{rows}%\"access.exported\"%'"
    );
    assert_eq!(installation.desk.database.number(&exported).await, 1);
}

/// Proves U1: who may not read the access log gets no file of it.
#[tokio::test]
async fn an_approver_gets_no_file() {
    let installation = Installation::new().await;

    let refused = installation.send(Ask::get("/admin/access/export").session(&installation.approver.token)).await;
    let unreadable =
        installation.send(Ask::get("/admin/access/export?from=once").session(&installation.auditor.token)).await;

    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    assert_eq!((unreadable.status, unreadable.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_content"));
}

async fn indexed(installation: &Installation) {
    let size = i64::try_from(installation.desk.sealed().await).unwrap();
    for _ in 0..500 {
        if installation.desk.database.number("select coalesce(max(idx), -1) + 1 from ledger_index").await >= size {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("entries were left out of the index");
}

#[tokio::test]
async fn a_chain_is_a_json_file_for_whoever_reads_the_decision() {
    let installation = Installation::new().await;
    let path = format!("/decisions/{}/chain.json", installation.decision);
    let ask = |path: &str| Ask::get(path).session(&installation.approver.token);
    let downloads = "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"access.downloaded\"%'";

    let answer = installation.send(ask(&path)).await;
    let by_key = installation.send(Ask::get(&path).key(&installation.desk.key)).await;
    let unknown = installation.send(ask("/decisions/none/chain.json")).await;

    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let short = installation.decision.short().to_ascii_lowercase();
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"decision-{short}-chain.json\""));
    let file = answer.json();
    assert_eq!(file["format"], "countersign/accountability-chain/v1");
    assert_eq!(file["decision"], installation.decision.to_string());
    assert_eq!(file["links"].as_array().unwrap().len(), 7);
    assert_eq!(file["links"][1]["lacks"]["gap"], "no_owner");
    assert_eq!(installation.desk.database.number(downloads).await, 1);
    assert!(by_key.status.is_client_error() && unknown.status == StatusCode::NOT_FOUND);
}
