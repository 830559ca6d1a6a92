//! The hidden command `drill`: lets many act at once on an installation of its own, and says what came of it.
//!
//! Compiled with the feature `drill`, which no release has. Each run has an empty data directory and a durable
//! PostgreSQL; it prints a table, writes one JSON file and exports its log for a checker that shares no code with it.

mod desk;
mod loans;

use std::{
    fmt::Write as _,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use countersign_engine::{
    Engine, export,
    testing::{
        self, TestClock,
        races::{self, Plan, Report},
    },
};
use serde::Serialize;

use crate::{cli::Failure, scratch};

/// What to do, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(value_enum)]
    subject: Subject,
    /// Empty directory for database and keys.
    #[arg(long)]
    data: PathBuf,
    /// File to write the result to.
    #[arg(long)]
    out: PathBuf,
    /// New directory to export the log to.
    #[arg(long)]
    export: PathBuf,
    /// Contested acts.
    #[arg(long, default_value_t = 100_000)]
    acts: u64,
    /// Actors at once.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=256))]
    tasks: u64,
    /// What choices are drawn from [default: the time].
    #[arg(long)]
    seed: Option<u64>,
    /// The loan files: loanapp.csv, or a directory that holds it.
    #[arg(long, required_if_eq("subject", "desk"))]
    loans: Option<PathBuf>,
    /// Directory of PostgreSQL's programs.
    #[arg(long, env = "COUNTERSIGN_PG_BIN", value_name = "DIR")]
    pg_bin: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Subject {
    /// Contested votes: many act on few decisions.
    #[value(name = "F10")]
    F10,
    /// Recorded calls and loan files go through the desk under a policy with all four routes.
    Desk,
}

/// Runs a drill; the database ends either way.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    // What cannot be read is told before anything is started.
    let files = arguments.loans.as_deref().map(loans::read).transpose()?.unwrap_or_default();
    let (config, cluster) = scratch::open(&arguments.data, arguments.pg_bin.clone()).await?;
    let clock = TestClock::starting_at(now());
    let engine = match arguments.subject {
        Subject::F10 => testing::start(config, clock.clone()).await?,
        Subject::Desk => Engine::start(config).await?,
    };
    let drilled = match arguments.subject {
        Subject::F10 => contest(&engine, &clock, &arguments).await,
        Subject::Desk => go_through(&engine, files, &arguments).await,
    };
    engine.stop().await;
    if let Some(cluster) = cluster {
        cluster.stop().await?;
    }

    match drilled? {
        true => Ok(()),
        false => Err(Failure::Told("the drill found what must not be; it is named above".into())),
    }
}

async fn contest(engine: &Engine, clock: &TestClock, arguments: &Arguments) -> Result<bool, Failure> {
    let plan = Plan { acts: arguments.acts, tasks: arguments.tasks, seed: arguments.seed.unwrap_or_else(now) };
    let report = races::run(engine, clock, plan).await?;
    print!("{}", table(&report));
    finish(engine, &report, arguments).await?;

    Ok(report.holds())
}

async fn go_through(engine: &Engine, files: Vec<loans::File>, arguments: &Arguments) -> Result<bool, Failure> {
    let report = desk::run(engine, &files).await?;
    print!("{}", report.table());
    finish(engine, &report, arguments).await?;

    Ok(report.faults.is_empty())
}

/// Writes the result and the log.
async fn finish(engine: &Engine, report: &impl Serialize, arguments: &Arguments) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).expect("numbers and words are always JSON") + "\n";
    std::fs::write(&arguments.out, text).map_err(Failure::io(format!("writing {}", arguments.out.display())))?;
    export::to_directory(engine, &arguments.export, &[]).await?;

    Ok(())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The campaign as people read it.
fn table(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "seed {}: {} contested acts by {} at once in {:.0} s ({:.0} a second), log of {} entries\n",
        report.seed,
        report.acts,
        report.tasks,
        report.seconds,
        report.acts as f64 / report.seconds.max(0.001),
        report.log_size
    );
    let _ = writeln!(out, "{:<26}{:>9}{:>9}  refused as", "act", "done", "refused");
    for (name, tally) in &report.kinds {
        let refused: u64 = tally.refused.values().sum();
        let codes: Vec<_> = tally.refused.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let _ = writeln!(out, "{name:<26}{:>9}{refused:>9}  {}", tally.done, codes.join(", "));
    }
    let _ = writeln!(out, "\n{:<26}{:>9}", "resolution", "decisions");
    for (outcome, count) in &report.resolutions {
        let _ = writeln!(out, "{outcome:<26}{count:>9}");
    }
    let _ = writeln!(out, "\n{:<92}{:>6}", "what must not be", "found");
    for invariant in &report.invariants {
        let _ = writeln!(out, "{:<92}{:>6}", invariant.name, invariant.violations);
    }
    let _ = writeln!(out, "{:<92}{:>6}", "acts that neither took effect nor were refused", report.faults.len());
    for fault in &report.faults {
        let _ = writeln!(out, "  {fault}");
    }

    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use countersign_engine::testing::races::{Invariant, Tally};

    use super::*;

    #[test]
    fn the_table_names_seed_refusals_resolutions_and_every_invariant() {
        let tally = Tally { done: 41, refused: BTreeMap::from([("stale", 7), ("already_resolved", 2)]) };
        let report = Report {
            seed: 4711,
            tasks: 24,
            acts: 50,
            seconds: 2.0,
            kinds: BTreeMap::from([("approve", tally)]),
            resolutions: BTreeMap::from([("expired".to_owned(), 3)]),
            invariants: vec![Invariant { name: "decisions with two resolutions", violations: 0 }],
            faults: vec!["approve: a database statement failed".to_owned()],
            log_size: 900,
        };

        let shown = table(&report);

        for part in [
            "seed 4711: 50 contested acts by 24 at once in 2 s (25 a second)",
            "       41        9  already_resolved 2, stale 7",
            "decisions with two resolutions",
            "a database statement failed",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(shown.lines().any(|line| line.starts_with("expired") && line.ends_with(" 3")), "{shown}");
        assert!(!report.holds());
    }
}
