//! `cargo xtask drill`: many act at once on an installation of its own, and a checker that shares no code with it agrees.
//!
//! Acting is the work of the hidden command `countersign drill`, which is compiled for this only; here is what surrounds
//! it: the build, an empty data directory, and `end2end/interop/replay.py` over the exported log. Unlike a measurement, a
//! drill fails when anything is not as it must be.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::bench::Scratch;
use crate::serve::build_server;
use crate::site::Mode;
use crate::step::{Doing as _, Failure, Result, root, say, status, target};
use crate::tools::{Tools, python};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to drill.
    #[arg(value_enum)]
    name: Name,
    /// Contested acts of F10.
    #[arg(long, default_value_t = 100_000)]
    acts: u64,
    /// What the choices of F10 are drawn from; it is printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
    /// For the desk: the data set loanapp, as loanapp.csv or a directory that holds it. It is read and never copied.
    #[arg(long, value_name = "PATH", required_if_eq("name", "desk"))]
    data: Option<PathBuf>,
    /// A release build; a development build is slower and checks arithmetic and assertions too.
    #[arg(long)]
    release: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// Contested votes: people, roles, policies, deadlines and the agent race for few decisions.
    #[value(name = "F10")]
    F10,
    /// 250 recorded calls of an airline agent and 1,989 loan files go through the desk by all four routes.
    Desk,
}

impl Name {
    fn word(self) -> &'static str {
        match self {
            Name::F10 => "F10",
            Name::Desk => "desk",
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let name = arguments.name.word();
    let found = |path: &PathBuf| fs::canonicalize(path).doing(format!("finding {}", path.display()));
    let loans = arguments.data.as_ref().map(found).transpose()?;
    let mode = if arguments.release { Mode::Release } else { Mode::Development };
    let tools = Tools::with_postgres()?;
    let python = python("interop")?;
    let server = build_server(mode, &["countersign-server/drill"])?;
    let scratch = Scratch::new()?;
    let out = target().join("drills");
    fs::create_dir_all(&out).doing(format!("creating {}", out.display()))?;
    let result = out.join(format!("{name}.json"));
    let export = scratch.path().join("export");

    say(format!("Drilling {name} in {} …", scratch.path().display()));
    let mut command = Command::new(server);
    command.args(["--log", "error", "drill", name]);
    command.arg("--data").arg(scratch.path().join("data")).arg("--out").arg(&result).arg("--export").arg(&export);
    command.args(["--acts", &arguments.acts.to_string()]);
    if let Some(seed) = arguments.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let (Name::Desk, Some(loans)) = (arguments.name, loans) {
        command.arg("--loans").arg(loans);
    }
    tools.export(&mut command);
    let drilled = status(&mut command);
    if !export.join("checkpoint").is_file() {
        return drilled.and(Err(Failure::new("the drill exported no log")));
    }

    say("Replaying the exported log by its entries alone …");
    let replayed = status(Command::new(python).arg(root().join("end2end/interop/replay.py")).arg(&export));
    say(format!("Wrote {}.", result.display()));

    drilled.and(replayed)
}
