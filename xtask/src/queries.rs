//! `cargo xtask sqlx`: the descriptions of the checked queries, which let the build do without a database.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use countersign_postgres::{DATABASE, Role};

use crate::cluster::{self, Throwaway};
use crate::step::{Doing as _, Failure, Result, cargo, root, say, status};
use crate::tools::Tools;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail when the committed descriptions are stale.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let tools = Tools::with_postgres()?;
    let cluster = Throwaway::start(&tools)?;
    if arguments.check { check(&cluster) } else { write(&cluster) }
}

/// Fails when the committed descriptions are not what the queries and migrations make.
pub(crate) fn check(cluster: &Throwaway) -> Result<()> {
    let (fresh, committed) = (describe(cluster)?, read(&committed())?);
    let mut differences = Vec::new();
    for name in fresh.keys().chain(committed.keys()).collect::<std::collections::BTreeSet<_>>() {
        match (fresh.get(name), committed.get(name)) {
            (Some(one), Some(other)) if one == other => {}
            (Some(_), Some(_)) => differences.push(format!("  changed: {name}")),
            (Some(_), None) => differences.push(format!("  missing: {name}")),
            _ => differences.push(format!("  left over: {name}")),
        }
    }
    if differences.is_empty() {
        return Ok(());
    }

    Err(Failure::new(format!(
        "engine/.sqlx is stale. Run `cargo xtask sqlx` and commit it.\n{}",
        differences.join("\n")
    )))
}

fn write(cluster: &Throwaway) -> Result<()> {
    let fresh = describe(cluster)?;
    let directory = committed();
    for name in read(&directory)?.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(directory.join(name)).doing(format!("removing {name}"))?;
    }
    if !fresh.is_empty() {
        fs::create_dir_all(&directory).doing(format!("creating {}", directory.display()))?;
    }
    for (name, content) in &fresh {
        fs::write(directory.join(name), content).doing(format!("writing {name}"))?;
    }
    say(format!("Wrote {} descriptions to engine/.sqlx.", fresh.len()));

    Ok(())
}

fn committed() -> std::path::PathBuf {
    root().join("engine/.sqlx")
}

/// Lets the query macros ask a database that holds exactly the migrations, and collects what they write.
fn describe(cluster: &Throwaway) -> Result<BTreeMap<String, Vec<u8>>> {
    cluster::migrate(cluster)?;
    let directory = cluster.scratch("sqlx")?;
    // Macros are expanded only where cargo sees a change. The time is put back afterwards, or every
    // other build would see one too.
    let library = root().join("engine/src/lib.rs");
    let modified = fs::metadata(&library).and_then(|meta| meta.modified()).doing("reading engine/src/lib.rs")?;
    let touch = |time| fs::File::options().append(true).open(&library).and_then(|file| file.set_modified(time));
    touch(std::time::SystemTime::now()).doing("touching engine/src/lib.rs")?;
    let mut command = cargo();
    command
        .args(["check", "--package", "countersign-engine", "--all-targets", "--features", "bench,testing"])
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &directory)
        .env("DATABASE_URL", cluster.url(Role::Owner, DATABASE));
    let checked = status(&mut command);
    touch(modified).doing("touching engine/src/lib.rs")?;
    checked?;

    read(&directory)
}

fn read(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("query-") && name.ends_with(".json") {
            files.insert(name, fs::read(entry.path()).doing(format!("reading {}", entry.path().display()))?);
        }
    }

    Ok(files)
}
