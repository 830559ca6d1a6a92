//! `cargo xtask bench`: measurements of the release build.

use std::path::PathBuf;
use std::process::Command;

use crate::serve::build_server;
use crate::site::{self, Mode};
use crate::step::{Result, status, target};
use crate::tools::Tools;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure; the server knows the names.
    name: String,
    /// Where to write the raw figures.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed on as they are.
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let tools = Tools::for_running()?;
    let site = site::build(Mode::Release)?;
    let server = build_server(Mode::Release, &[])?;
    let json = match &arguments.json {
        Some(path) => path.clone(),
        None => target().join(format!("bench-{}.json", arguments.name)),
    };
    let mut command = Command::new(server);
    command.args(["bench", &arguments.name, "--json"]).arg(json).args(&arguments.rest);
    command.env("COUNTERSIGN_SITE", site);
    tools.export(&mut command);

    status(&mut command)
}
