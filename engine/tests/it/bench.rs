//! The measurements measure everything they name; how fast it is fails no test.

use std::time::Duration;

use countersign_engine::{
    bench::{
        self, Pattern, Plan,
        login::{self, Kind, TRIES},
    },
    testing::Desk,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_pattern_is_measured_with_every_number_of_clients_and_sealed() {
    let desk = Desk::new().await;
    let plan = Plan {
        rounds: 2,
        round: Duration::from_millis(40),
        clients: vec![1, 4],
        steady: Duration::from_millis(200),
        steady_per_second: 50,
    };

    let measured = bench::ledger(&desk.engine, &plan).await.unwrap();

    let rows: Vec<_> = measured.throughput.iter().map(|row| (row.clients, row.pattern)).collect();
    let expected: Vec<_> = [1, 4].iter().flat_map(|clients| Pattern::ALL.map(|pattern| (*clients, pattern))).collect();
    assert_eq!(rows, expected);
    for row in &measured.throughput {
        assert!(row.rounds.len() == 2 && row.per_second > 0.0 && row.p99_ms >= row.p50_ms, "{row:?}");
        assert!(row.to_plain > 0.0 && row.to_chain > 0.0, "{row:?}");
    }
    assert!(measured.sealing.entries >= 5, "{:?}", measured.sealing);
    let rows = desk.database.number("select count(*) from bench.rows").await;
    let chained = desk.database.number("select count(*) from bench.chain").await;
    let entries = desk
        .database
        .number("select count(*) from ledger_entries where position('decision.routed' in encode(bytes, 'escape')) > 0")
        .await;
    assert!(chained > 0 && entries > 0 && rows > chained + entries, "{rows} {chained} {entries}");
    desk.check_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_every_kind_are_measured_and_few_guesses_are_checked() {
    let desk = Desk::new().await;

    let measured = login::login(&desk.engine, login::Plan { accounts: 2, guesses: 30 }).await.unwrap();

    let rows: Vec<_> = measured.refusals.iter().map(|row| (row.kind, row.tries)).collect();
    assert_eq!(rows, Kind::ALL.map(|kind| (kind, 2 * TRIES)));
    assert!(measured.refusals.iter().all(|row| row.p50_ms > 0.0 && row.p99_ms >= row.p50_ms));
    let guesses = measured.guesses;
    assert_eq!((guesses.sent, guesses.checked), (30, TRIES + 1), "the clock stands still");
}
