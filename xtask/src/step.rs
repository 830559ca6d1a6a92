//! Running other programs and saying so.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Why a task ended early: a text for people and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) code: u8,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), code: 1 }
    }
}

impl From<countersign_postgres::Error> for Failure {
    fn from(error: countersign_postgres::Error) -> Failure {
        Failure { text: error.to_string(), code: error.exit_code() }
    }
}

/// Names what was being done when something failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl Display) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{what}: {error}")))
    }
}

/// Says what happens next.
pub(crate) fn say(text: impl Display) {
    eprintln!("▸ {text}");
}

/// The root of the workspace: the one cargo was asked in, since several may share one target directory.
pub(crate) fn root() -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) {
        Some(manifest) => manifest.parent().map(PathBuf::from).unwrap_or(manifest),
        None => std::env::current_dir().unwrap_or_default(),
    }
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => root().join("target"),
    }
}

/// Where native builds go: `.cargo/config.toml` names the host as their target.
pub(crate) fn native() -> Result<PathBuf> {
    let host = output(Command::new("rustc").args(["--print", "host-tuple"]).current_dir(root()))?;

    Ok(target().join(host.trim()))
}

/// The cargo that runs this, or the one on `PATH`.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What Cargo says of this package to it is not meant for others: `ring` is built anew, and all that stands on it,
    // whenever these change, so a build by hand and one from here would undo each other.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program with its output on ours.
pub(crate) fn status(command: &mut Command) -> Result<()> {
    let status = command.status().doing(shown(command))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{}: {status}", shown(command)))) }
}

/// Runs a program in silence and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::piped()).output().doing(shown(command))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{}: {}\n{}", shown(command), output.status, stderr.trim())))
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    words.join(" ")
}
