//! The hidden command `bench`: measures what sealing costs and how fast pages are, on this machine.
//!
//! Compiled with the feature `bench`, which no release has. Each run has an installation of its own
//! in an empty data directory, with a durable PostgreSQL; the result is one JSON file.

mod browser;
mod desk;
mod flood;
mod memory;
mod pages;

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use countersign_engine::{
    Engine,
    bench::{self, Plan, login},
};
use serde::Serialize;

use crate::{cli::Failure, files::Files, scratch, serve::Embedded};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(value_enum)]
    subject: Subject,
    /// Empty directory for database and keys, on the disk to be measured.
    #[arg(long)]
    data: PathBuf,
    /// Directory of the built pages' files.
    #[arg(long)]
    site: PathBuf,
    /// Script that measures in a browser and prints JSON, for `pages`.
    #[arg(long, value_name = "SCRIPT")]
    browser: Option<PathBuf>,
    /// File to write the result to.
    #[arg(long)]
    out: PathBuf,
    /// Measure less, for a first look.
    #[arg(long)]
    quick: bool,
    /// Directory of PostgreSQL's programs.
    #[arg(long, env = "COUNTERSIGN_PG_BIN", value_name = "DIR")]
    pg_bin: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Subject {
    /// Sealed writes beside plain ones and a hash chain.
    Ledger,
    /// Pages over a full queue and a long log: first bytes, recorded reviews, what a browser shows when, memory.
    Pages,
    /// What refused sign-ins tell by their time, and what a flood of them does to a page.
    Login,
}

/// What every result begins with.
#[derive(Serialize)]
struct Measured<T> {
    /// Writes of 8 KiB that reach this disk one after another in a second.
    fsyncs_per_second: f64,
    #[serde(flatten)]
    result: T,
}

/// Measures and writes the result; the database ends either way.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let (engine, cluster) = start(&arguments).await?;
    let measured = measure(&engine, &arguments).await;
    engine.stop().await;
    if let Some(cluster) = cluster {
        cluster.stop().await?;
    }

    std::fs::write(&arguments.out, measured?).map_err(Failure::io(format!("writing {}", arguments.out.display())))
}

async fn measure(engine: &Engine, arguments: &Arguments) -> Result<String, Failure> {
    let fsyncs_per_second = fsync_rate(&arguments.data)?;
    match arguments.subject {
        Subject::Ledger => {
            let result = bench::ledger(engine, &plan(arguments.quick)).await?;
            Ok(to_json(&Measured { fsyncs_per_second, result }))
        }
        Subject::Pages => {
            let files =
                Files::read(&arguments.site).map_err(Failure::io(format!("reading {}", arguments.site.display())))?;
            let plan = if arguments.quick { pages::QUICK } else { pages::WHOLE };
            let (result, queue) = pages::measure(engine, files, &plan, arguments).await?;
            // Compressed by whoever compares it with the budget.
            let html = arguments.out.with_extension("html");
            std::fs::write(&html, queue).map_err(Failure::io(format!("writing {}", html.display())))?;
            Ok(to_json(&Measured { fsyncs_per_second, result }))
        }
        Subject::Login => {
            let (accounts, guesses) = if arguments.quick { (4, 200) } else { (40, 1_000) };
            let result = login::login(engine, login::Plan { accounts, guesses }).await?;
            let flood = flood::measure(engine, if arguments.quick { 40 } else { 200 }).await?;
            Ok(to_json(&Measured { fsyncs_per_second, result: Login { result, flood } }))
        }
    }
}

fn to_json(measured: &impl Serialize) -> String {
    serde_json::to_string_pretty(measured).expect("numbers and words are always JSON") + "\n"
}

fn plan(quick: bool) -> Plan {
    let (rounds, seconds, steady) = if quick { (3, 1, 5) } else { (5, 3, 30) };
    Plan {
        rounds,
        round: Duration::from_secs(seconds),
        clients: vec![1, 8, 32],
        steady: Duration::from_secs(steady),
        steady_per_second: 50,
    }
}

/// Starts an installation of its own: nothing in it is real.
async fn start(arguments: &Arguments) -> Result<(Engine, Option<Embedded>), Failure> {
    let (config, cluster) = scratch::open(&arguments.data, arguments.pg_bin.clone()).await?;
    Ok((Engine::start(config).await?, cluster))
}

/// Counts how many small writes a second reach the disk under a directory, one after another.
fn fsync_rate(directory: &Path) -> Result<f64, Failure> {
    let path = directory.join("fsync");
    let count = || {
        let mut file = File::create(&path)?;
        let started = Instant::now();
        let mut count = 0u32;
        while started.elapsed() < Duration::from_secs(1) {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[count.to_le_bytes()[0]; 8_192])?;
            file.sync_data()?;
            count += 1;
        }
        let rate = f64::from(count) / started.elapsed().as_secs_f64();
        std::fs::remove_file(&path)?;
        Ok(rate)
    };
    count().map_err(Failure::io(format!("writing {}", path.display())))
}

#[derive(Debug, Serialize)]
struct Login {
    #[serde(flatten)]
    result: login::Login,
    flood: flood::Flood,
}
