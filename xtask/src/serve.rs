//! `cargo xtask run`: build everything and serve it.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::site::{self, Mode};
use crate::step::{Failure, Result, cargo, native, say, status};
use crate::tools::Tools;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fill the database with the demonstration world, in a data directory of its own.
    #[arg(long)]
    demo: bool,
    /// Build for use rather than for development.
    #[arg(long)]
    release: bool,
    /// The port to listen on, at 127.0.0.1.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Where database, keys and files live.
    #[arg(long)]
    data: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mode = if arguments.release { Mode::Release } else { Mode::Development };
    let tools = Tools::for_running()?;
    let site = site::build(mode)?;
    let server = build_server(mode, &[])?;
    let data = match &arguments.data {
        Some(data) => data.clone(),
        None => default_data(arguments.demo)?,
    };

    say(format!("Serving from {} …", data.display()));
    let mut command = Command::new(server);
    command.arg("serve").arg("--data").arg(data).args(["--port", &arguments.port.to_string()]);
    if arguments.demo {
        command.arg("--demo");
    }
    command.env("COUNTERSIGN_SITE", site);
    tools.export(&mut command);
    // The server takes the place of this process, so signals reach it as they are.
    Err(Failure::new(format!("starting the server: {}", command.exec())))
}

/// Builds the `countersign` program and returns its path.
pub(crate) fn build_server(mode: Mode, features: &[&str]) -> Result<PathBuf> {
    say("Building the server …");
    let mut command = cargo();
    command.arg("build");
    let profile = match mode {
        // The selection of the tests, so that both share every dependency.
        Mode::Development => {
            command.args(NATIVE).args(["--bin", "countersign"]);
            "debug"
        }
        Mode::Release => {
            command.args(["--package", "countersign-server", "--release"]);
            "release"
        }
    };
    for feature in features {
        command.args(["--features", feature]);
    }
    status(&mut command)?;

    Ok(native()?.join(profile).join("countersign"))
}

/// The packages that run natively; naming them all in each call gives each call the same features.
pub(crate) const NATIVE: [&str; 5] =
    ["--workspace", "--exclude", "countersign-frontend", "--exclude", "countersign-verify"];

fn default_data(demo: bool) -> Result<PathBuf> {
    let parent = if rustix::process::geteuid().is_root() {
        PathBuf::from("/var/lib")
    } else if let Some(data) = std::env::var_os("XDG_DATA_HOME").filter(|data| !data.is_empty()) {
        PathBuf::from(data)
    } else {
        let home = std::env::var_os("HOME").ok_or_else(|| Failure::new("Set HOME, or pass --data."))?;
        PathBuf::from(home).join(".local/share")
    };

    Ok(parent.join(if demo { "countersign-demo" } else { "countersign" }))
}
