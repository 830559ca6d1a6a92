//! Build, set-up, test and bench commands of the project: `cargo xtask <command>`.
//!
//! Holds no product code. Whatever a command needs and does not find it sets up itself, saying so;
//! start reading at [`Task`].

mod asvs;
mod bench;
mod cluster;
mod css;
mod db;
mod dependencies;
mod drill;
mod products;
mod queries;
mod serve;
mod site;
mod split;
mod status;
mod step;
mod suite;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use products::Products;
use step::Failure;
use tools::Tools;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, set-up and test commands")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds everything and serves it; the server says when it is ready.
    Run(serve::Arguments),
    /// Builds what the browser runs, for specs run one at a time.
    Site {
        /// Small and compressed, as users get it.
        #[arg(long)]
        release: bool,
    },
    /// Sets up what the tests need, without running them.
    Setup(Setup),
    /// Runs every test and prints how many passed and failed.
    Test(suite::Arguments),
    /// Runs a PostgreSQL for development, with roles and migrations, and prints how to reach it.
    Db(db::Arguments),
    /// Describes the checked queries anew in engine/.sqlx.
    Sqlx(queries::Arguments),
    /// Makes style/app.css anew.
    Css(css::Arguments),
    /// Measures something beside something else, and compares it with its budget.
    Bench(bench::Arguments),
    /// Lets many act at once on an installation of its own; fails when anything is not as it must be.
    Drill(drill::Arguments),
}

#[derive(clap::Args)]
struct Setup {
    /// Also what the full run needs.
    #[arg(long)]
    full: bool,
}

impl Setup {
    fn run(&self) -> step::Result<()> {
        Tools::for_testing()?.list();
        if self.full { Products::set_up().list() } else { Ok(()) }
    }
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Run(arguments) => serve::run(&arguments),
        Task::Setup(arguments) => arguments.run(),
        Task::Site { release } => {
            let mode = if release { site::Mode::Release } else { site::Mode::Development };
            Tools::for_running().and_then(|_| site::build(mode)).map(|site| println!("{}", site.display()))
        }
        Task::Test(arguments) => suite::run(&arguments),
        Task::Db(arguments) => db::run(&arguments),
        Task::Sqlx(arguments) => queries::run(&arguments),
        Task::Css(arguments) => css::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Drill(arguments) => drill::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, code }) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::from(code)
        }
    }
}
