//! Build, set-up, test and bench commands of the project: `cargo xtask <command>`.
//!
//! Holds no product code. Whatever a command needs and does not find it sets up itself, saying so;
//! start reading at [`Task`].

mod cluster;
mod db;
mod step;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use step::Failure;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, set-up, test and bench commands")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs a PostgreSQL for development, with roles and migrations, and prints how to reach it.
    Db(db::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Db(arguments) => db::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, code }) => {
            eprintln!("{text}");
            ExitCode::from(code)
        }
    }
}
