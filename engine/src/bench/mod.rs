//! What sealing costs: the same business row written plainly, under a hash chain, and with a sealed entry.
//!
//! All three run on one database in one run, in turn within each round, over the same pool of
//! connections, so only their ratios mean anything. Compiled with the feature `bench`, which no
//! release has. It leaves entries that no audit of meaning accepts: for a throwaway database only.

pub mod login;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use countersign_domain::{
    decision::SealState,
    event::Event,
    ids::{DecisionId, EntryId, PolicyVersionId},
    policy::PolicyBody,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::{Caller, Engine, Result, authorize, connect, db, seal};

/// How much to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rounds; each measures every pattern with every number of clients, and the medians count.
    pub rounds: usize,
    /// How long each pattern runs in a round.
    pub round: Duration,
    /// Numbers of clients that write at once.
    pub clients: Vec<usize>,
    /// How long the steady rate lasts.
    pub steady: Duration,
    /// Sealed writes per second of the steady rate.
    pub steady_per_second: u32,
}

/// How a business row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// The row and a commit, nothing else.
    Plain,
    /// The row, and an entry that locks the head of a chain and stores the hash before it.
    Chain,
    /// The row, and an entry of the ledger, which the running sequencer places and signs.
    Sealed,
}

impl Pattern {
    /// All three.
    pub const ALL: [Pattern; 3] = [Pattern::Plain, Pattern::Chain, Pattern::Sealed];
}

/// One line of the result.
#[derive(Clone, Debug, Serialize)]
pub struct Throughput {
    /// How the row was written.
    pub pattern: Pattern,
    /// How many wrote at once.
    pub clients: usize,
    /// Commits per second, the median of the rounds.
    pub per_second: f64,
    /// Commits per second in each round.
    pub rounds: Vec<f64>,
    /// Median time from begin to commit, in milliseconds, over all rounds.
    pub p50_ms: f64,
    /// The 99th percentile of the same.
    pub p99_ms: f64,
    /// Median, over the rounds, of this pattern's rate divided by that of the plain row.
    pub to_plain: f64,
    /// The same, divided by that of the hash chain.
    pub to_chain: f64,
}

/// Time from a commit until the entry is under a signed checkpoint.
#[derive(Clone, Debug, Serialize)]
pub struct Sealing {
    /// Writes per second that were asked for.
    pub per_second: u32,
    /// Writes that were measured.
    pub entries: usize,
    /// Median, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// Entries that were not sealed while a request waits (300 ms); counted as that long.
    pub late: usize,
}

/// Everything measured.
#[derive(Clone, Debug, Serialize)]
pub struct Ledger {
    /// One line for each pattern and number of clients.
    pub throughput: Vec<Throughput>,
    /// From commit to seal at a steady rate.
    pub sealing: Sealing,
}

/// Measures on the database of a started engine.
///
/// # Errors
///
/// When the database fails or refuses to seal.
pub async fn ledger(engine: &Engine, plan: &Plan) -> Result<Ledger> {
    create_tables(engine).await?;
    let mut cells: Vec<Cell> = plan
        .clients
        .iter()
        .flat_map(|clients| Pattern::ALL.map(|pattern| Cell { pattern, clients: *clients, ..Cell::default() }))
        .collect();
    for cell in &cells {
        run(engine, cell.pattern, cell.clients, plan.round / 4).await?;
    }
    for _ in 0..plan.rounds {
        for cell in &mut cells {
            let (times, elapsed) = run(engine, cell.pattern, cell.clients, plan.round).await?;
            cell.rates.push(times.len() as f64 / elapsed.as_secs_f64());
            cell.times.extend(times);
        }
    }

    Ok(Ledger { throughput: summarise(&mut cells), sealing: steady(engine, plan).await? })
}

/// What was measured of one pattern with one number of clients.
struct Cell {
    pattern: Pattern,
    clients: usize,
    rates: Vec<f64>,
    times: Vec<Duration>,
}

impl Default for Cell {
    fn default() -> Self {
        Self { pattern: Pattern::Plain, clients: 1, rates: Vec::new(), times: Vec::new() }
    }
}

fn summarise(cells: &mut [Cell]) -> Vec<Throughput> {
    cells.iter_mut().for_each(|cell| cell.times.sort());
    let rates = |clients, pattern| {
        let cell = cells.iter().find(|cell| cell.clients == clients && cell.pattern == pattern);
        cell.map_or(&[][..], |cell| &cell.rates)
    };
    cells
        .iter()
        .map(|cell| {
            let to = |other| {
                let other = rates(cell.clients, other);
                median(cell.rates.iter().zip(other).map(|(rate, other)| rate / other).collect())
            };
            Throughput {
                pattern: cell.pattern,
                clients: cell.clients,
                per_second: median(cell.rates.clone()),
                rounds: cell.rates.clone(),
                p50_ms: percentile(&cell.times, 50),
                p99_ms: percentile(&cell.times, 99),
                to_plain: to(Pattern::Plain),
                to_chain: to(Pattern::Chain),
            }
        })
        .collect()
}

/// Writes as fast as so many clients can, and returns how long each write took.
async fn run(engine: &Engine, pattern: Pattern, clients: usize, time: Duration) -> Result<(Vec<Duration>, Duration)> {
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..clients {
        let engine = engine.clone();
        writers.spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < time {
                let began = Instant::now();
                write(&engine, pattern).await?;
                times.push(began.elapsed());
            }
            Result::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(written) = writers.join_next().await {
        times.extend(written.map_err(|error| crate::Error::Setup(format!("a writer ended early: {error}")))??);
    }
    let elapsed = started.elapsed();
    sealed(engine).await?;

    Ok((times, elapsed))
}

/// One business row, in one transaction with whatever the pattern adds.
async fn write(engine: &Engine, pattern: Pattern) -> Result<Option<seal::Entry>> {
    let id = engine.id();
    let mut tx = engine.begin().await?;
    db::bench::insert_row(&mut tx, id, BODY).await?;
    let permit = authorize::unevaluated(authorize::engine_actor());
    let routed = PolicyBody::bootstrap().route(1, Vec::new(), engine.now());
    let event = Event::Routed { decision: DecisionId(id), n: 2, policy: PolicyVersionId(id), routed };
    let entry = match pattern {
        Pattern::Plain => None,
        Pattern::Chain => {
            let leaf = seal::leaf(EntryId(id), engine.now(), &permit, event.parts(), Default::default());
            let bytes = leaf.encode()?;
            let head = db::bench::lock_head(&mut tx).await?;
            let hash = Sha256::new().chain_update(&head).chain_update(&bytes).finalize();
            db::bench::extend(&mut tx, id, &bytes, &head, &hash).await?;
            None
        }
        Pattern::Sealed => Some(seal::append(&mut tx, engine, &Caller::engine(), &permit, &event).await?),
    };
    match entry {
        // Only what is sealed wakes the sequencer.
        Some(_) => engine.commit(tx).await?,
        None => tx.commit().await?,
    }

    Ok(entry)
}

/// About as long as the row of a decision.
const BODY: &str = "A business row of the usual length: some ids, a state, a few times, and a short text that people wrote, so that the row is neither empty nor large. It is about three hundred bytes long, as most rows of this product are when their columns are added up; what it says does not matter to anybody at all.";

/// Writes sealed rows at a steady rate and waits for each one's seal.
async fn steady(engine: &Engine, plan: &Plan) -> Result<Sealing> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / plan.steady_per_second);
    let started = Instant::now();
    let mut writers = JoinSet::new();
    while started.elapsed() < plan.steady {
        ticks.tick().await;
        let engine = engine.clone();
        writers.spawn(async move {
            let Some(entry) = write(&engine, Pattern::Sealed).await? else { return Ok(None) };
            let committed = Instant::now();
            let state = seal::wait(entry).await.state;
            Result::Ok(Some((committed.elapsed(), state)))
        });
    }
    let (mut times, mut late) = (Vec::new(), 0);
    while let Some(written) = writers.join_next().await {
        let written = written.map_err(|error| crate::Error::Setup(format!("a writer ended early: {error}")))??;
        if let Some((time, state)) = written {
            times.push(time);
            late += usize::from(state != SealState::Sealed);
        }
    }
    times.sort();

    Ok(Sealing {
        per_second: plan.steady_per_second,
        entries: times.len(),
        p50_ms: percentile(&times, 50),
        p99_ms: percentile(&times, 99),
        late,
    })
}

/// Entries of one transaction while a log grows.
const BATCH: u64 = 200;
/// Writers while a log grows.
const GROWERS: usize = 4;
/// Above so many unplaced entries a writer waits; well below what makes intake stop.
const PENDING_MAX: i64 = 2_000;

/// Appends entries, each leaf another, until the log has so many, and waits for their seals.
///
/// They are sealed as any other, in transactions of many, and no business row goes with them. The log may
/// end with a few more than asked.
///
/// # Errors
///
/// When the database fails or refuses to seal.
pub async fn grow(engine: &Engine, entries: u64) -> Result<()> {
    let size = db::bench::log_size(&mut *engine.app.acquire().await?).await?;
    let batches = Arc::new(AtomicU64::new(entries.saturating_sub(size as u64).div_ceil(BATCH)));
    let mut growers = JoinSet::new();
    for _ in 0..GROWERS {
        let (engine, batches) = (engine.clone(), batches.clone());
        growers.spawn(async move {
            while batches.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                while db::entries::backlog(&mut *engine.app.acquire().await?).await?.count > PENDING_MAX {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                let mut tx = engine.begin().await?;
                for _ in 0..BATCH {
                    let permit = authorize::unevaluated(authorize::engine_actor());
                    let routed = PolicyBody::bootstrap().route(1, Vec::new(), engine.now());
                    let (decision, policy) = (DecisionId(engine.id()), PolicyVersionId(engine.id()));
                    let event = Event::Routed { decision, n: 1, policy, routed };
                    seal::append(&mut tx, &engine, &Caller::engine(), &permit, &event).await?;
                }
                engine.commit(tx).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(grown) = growers.join_next().await {
        grown.map_err(|error| crate::Error::Setup(format!("a writer ended early: {error}")))??;
    }

    sealed(engine).await
}

/// Counts the entries that have no place in the log yet.
///
/// # Errors
///
/// When the database fails.
pub async fn unplaced(engine: &Engine) -> Result<i64> {
    Ok(db::entries::backlog(&mut *engine.app.acquire().await?).await?.count)
}

/// Waits until nothing is left to place, so that no pattern pays for the one before it.
async fn sealed(engine: &Engine) -> Result<()> {
    while unplaced(engine).await? > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn create_tables(engine: &Engine) -> Result<()> {
    let options = connect::options(&engine.config().database.owner)?;
    let mut owner = PgConnection::connect_with(&options).await?;
    db::bench::create(&mut owner).await?;
    Ok(owner.close().await?)
}

/// The middle value; of an even number, the upper of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The value, in milliseconds, that so many of a hundred do not exceed; of sorted times.
pub fn percentile(sorted: &[Duration], of_hundred: usize) -> f64 {
    let rank = (sorted.len() * of_hundred).div_ceil(100).max(1) - 1;
    sorted.get(rank).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_is_taken() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();

        assert_eq!((percentile(&times, 50), percentile(&times, 99)), (100.0, 198.0));
        assert_eq!(percentile(&times[..1], 99), 1.0);
        assert_eq!(percentile(&[], 50), 0.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
