//! Pages over a full queue and a long log: first bytes, recorded reviews, what a browser shows when, memory.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use countersign_domain::ids::DecisionId;
use countersign_engine::{
    Caller, Engine,
    bench::{self, percentile},
    decisions, keys,
};
use serde::Serialize;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    Arguments, browser,
    desk::{Asker, Desk, Page},
    memory::{self, Memory},
};
use crate::{cli::Failure, demo, files::Files, recorded};

/// How much to measure.
pub(super) struct Plan {
    /// Decisions of the queue.
    open: usize,
    /// Entries of the log, at least.
    entries: u64,
    /// Requests of each kind of page.
    requests: usize,
    /// Decisions that are approved by their forms.
    approvals: usize,
}

pub(super) const WHOLE: Plan = Plan { open: 10_000, entries: 1_000_000, requests: 300, approvals: 200 };
pub(super) const QUICK: Plan = Plan { open: 1_000, entries: 20_000, requests: 60, approvals: 20 };

/// Proposals in flight while the queue is filled.
const SEEDERS: usize = 48;

/// Everything measured.
#[derive(Debug, Serialize)]
pub(super) struct Pages {
    /// Open decisions.
    open: usize,
    /// Entries of the log, at least.
    entries: u64,
    /// How fast the queue was filled: whole proposals, each sealed.
    proposals_per_second: f64,
    /// One line for each kind of page.
    pages: Vec<Page>,
    /// Approvals by form.
    approvals: Approvals,
    /// After all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
    /// What the script in the browser found.
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<serde_json::Value>,
}

/// Time from sending an approval to its answer, which waits for the seal.
#[derive(Debug, Serialize)]
struct Approvals {
    /// Approvals that were measured.
    count: usize,
    /// Median, in milliseconds.
    p50_ms: f64,
    /// The 95th percentile.
    p95_ms: f64,
    /// The 99th percentile.
    p99_ms: f64,
    /// Answers after which an entry had no place in the log yet.
    unsealed: usize,
}

/// Measures all of it; returns the HTML of the queue too.
pub(super) async fn measure(
    engine: &Engine,
    files: Files,
    plan: &Plan,
    arguments: &Arguments,
) -> Result<(Pages, String), Failure> {
    let (mut pages, html, Scene { desk, key }) = ask(engine, files, plan).await?;
    if let Some(script) = &arguments.browser {
        match browser::measure(script, &desk.asker, &key, arguments.quick).await {
            Ok(found) => pages.browser = Some(found),
            // What was measured before is kept; the table says what is missing.
            Err(failure) => tracing::error!(%failure, "Nothing was measured in a browser"),
        }
    }
    pages.memory = Some(memory::read(&arguments.data)?);
    desk.serving.abort();

    Ok((pages, html))
}

/// What is left standing for whatever else is to be measured.
struct Scene {
    desk: Desk,
    /// Of the demo's agent.
    key: String,
}

/// Fills queue and log, signs an approver in, and asks for pages over HTTP one after another.
///
/// The client runs in this process and on the same cores.
async fn ask(engine: &Engine, files: Files, plan: &Plan) -> Result<(Pages, String, Scene), Failure> {
    let demo = demo::seed(engine, demo::OPEN_AT_START).await?;
    let (decisions, elapsed) = fill(engine, &demo.key, plan.open).await?;
    bench::grow(engine, plan.entries).await?;
    let desk = Desk::open(engine, files).await?;

    let (queue, html) = desk.asker.measure("/queue", plan.requests, |_| "/queue".to_owned()).await?;
    let path = |number: usize| format!("/decisions/{}", decisions[number % decisions.len()]);
    let (decision, _) = desk.asker.measure("/decisions/{id}", plan.requests, path).await?;
    let approvals = approve(engine, &desk.asker, &decisions, plan.approvals).await?;

    let pages = Pages {
        open: plan.open,
        entries: plan.entries,
        proposals_per_second: decisions.len() as f64 / elapsed.as_secs_f64(),
        pages: vec![queue, decision],
        approvals,
        memory: None,
        browser: None,
    };
    Ok((pages, html, Scene { desk, key: demo.key }))
}

/// Approves decisions, the last proposed first, so many as are asked for and this person may.
async fn approve(engine: &Engine, asker: &Asker, decisions: &[DecisionId], count: usize) -> Result<Approvals, Failure> {
    let (mut times, mut unsealed) = (Vec::with_capacity(count), 0);
    for decision in decisions.iter().rev() {
        if times.len() == count {
            break;
        }
        if let Some(time) = asker.approve(*decision).await? {
            times.push(time);
            unsealed += usize::from(bench::unplaced(engine).await? > 0);
        }
    }
    times.sort();
    let at = |of_hundred| percentile(&times, of_hundred);

    Ok(Approvals { count: times.len(), p50_ms: at(50), p95_ms: at(95), p99_ms: at(99), unsealed })
}

/// Proposes recorded calls until so many decisions are open. Each is a whole proposal: checked,
/// committed to, routed and sealed as any other; no row is written past the use case.
async fn fill(engine: &Engine, key: &str, open: usize) -> Result<(Vec<DecisionId>, Duration), Failure> {
    let (runs, types) = recorded::read()?;
    let bodies: Arc<Vec<String>> =
        Arc::new(runs.iter().flat_map(|run| run.acts(&types)).map(|act| act.body.to_string()).collect());
    let agent = Caller::new(
        keys::authenticate(engine, key, Ipv4Addr::LOCALHOST.into()).await?,
        "127.0.0.1",
        "bench",
        Uuid::nil(),
    );
    let missing = open.saturating_sub(demo::OPEN_AT_START);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut seeders = JoinSet::new();
    for _ in 0..SEEDERS {
        let (engine, agent, bodies, next) = (engine.clone(), agent.clone(), bodies.clone(), next.clone());
        seeders.spawn(async move {
            let mut made = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= missing {
                    return Ok::<_, Failure>(made);
                }
                let body = bodies[number % bodies.len()].as_bytes();
                let stored = decisions::propose(&engine, &agent, &format!("bench-{number}"), body).await?;
                made.extend(stored.body["id"].as_str().and_then(|id| id.parse::<DecisionId>().ok()));
            }
        });
    }
    let mut made = Vec::with_capacity(missing);
    while let Some(ended) = seeders.join_next().await {
        made.extend(ended.map_err(|error| Failure::Told(format!("filling the queue: {error}")))??);
    }

    Ok((made, started.elapsed()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_engine::testing::Desk;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn both_pages_are_measured_over_a_queue_that_proposals_filled() {
        let desk = Desk::demo().await;

        let plan = Plan { open: 60, entries: 1_000, requests: 5, approvals: 3 };
        let (measured, html, _) = ask(&desk.engine, Files::none(), &plan).await.unwrap();

        let rows: Vec<_> = measured.pages.iter().map(|page| (page.path, page.requests)).collect();
        assert_eq!(rows, [("/queue", 5), ("/decisions/{id}", 5)]);
        assert!(
            measured.pages.iter().all(|page| page.p50_ms > 0.0 && page.p95_ms >= page.p50_ms && page.bytes > 1_000)
        );
        let shown: BTreeSet<_> = html.split("href=\"/decisions/").skip(1).map(|rest| &rest[..36]).collect();
        // High risk is for senior approvers, so not this approver's turn.
        let turns = desk.database.number("select count(*) from decisions where risk <> 'high'").await;
        assert_eq!(shown.len() as i64, turns.min(50), "one page of the approver's turns");
        let proposed = desk.database.number("select count(*) from decisions").await;
        assert_eq!(proposed, 60);
        assert_eq!(measured.approvals.count, 3);
        assert!(measured.approvals.p50_ms > 0.0 && measured.approvals.p99_ms >= measured.approvals.p50_ms);
        let approved = desk.database.number("select count(*) from reviews where verdict = 'approve'").await;
        assert_eq!(approved, 3);
        assert!(desk.database.number("select count(*) from ledger_entries where idx is not null").await >= 1_000);
        desk.check_log().await;
    }
}
