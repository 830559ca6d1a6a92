//! PostgreSQL clusters for building and testing: never durable, never on TCP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_postgres::{Cluster, Config, DATABASE, Durable, Role};
use sha2::{Digest as _, Sha256};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::step::{Doing as _, Result, root, say};
use crate::tools::Tools;

/// A cluster that is stopped and removed when dropped, or when the command is interrupted.
pub(crate) struct Throwaway {
    cluster: Arc<Cluster>,
    directory: PathBuf,
}

impl Throwaway {
    /// Starts one in a fresh directory under the system's temporary directory.
    pub(crate) fn start(tools: &Tools) -> Result<Throwaway> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).doing("reading randomness")?;
        let directory = std::env::temp_dir().join(format!("countersign-test-{}", hex(&random)));
        let cluster = Arc::new(start(tools, &directory)?);
        let mut signals = Signals::new([SIGINT, SIGTERM]).doing("waiting for Ctrl-C")?;
        std::thread::spawn({
            let (cluster, directory) = (Arc::clone(&cluster), directory.clone());
            move || {
                if let Some(signal) = signals.forever().next() {
                    clear_away(&cluster, &directory);
                    std::process::exit(128 + signal);
                }
            }
        });

        Ok(Throwaway { cluster, directory })
    }

    /// An empty directory that goes with the cluster.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.join(name);
        std::fs::create_dir(&directory).doing(format!("creating {}", directory.display()))?;

        Ok(directory)
    }
}

impl std::ops::Deref for Throwaway {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        clear_away(&self.cluster, &self.directory);
    }
}

fn clear_away(cluster: &Cluster, directory: &Path) {
    if let Err(error) = cluster.stop() {
        say(format!("The throwaway PostgreSQL did not stop: {error}"));
    } else if let Err(error) = std::fs::remove_dir_all(directory) {
        say(format!("Removing {}: {error}", directory.display()));
    }
}

/// Starts or adopts a cluster that is not durable.
pub(crate) fn start(tools: &Tools, data: &Path) -> Result<Cluster> {
    let config = Config {
        pg_bin: tools.pg_bin.clone(),
        durable: Durable::NoForTests,
        socket_dir: Some(data.join("run")).filter(|directory| directory.as_os_str().len() < 80),
        ..Config::new(data)
    };

    Ok(Cluster::start(&config, &|line| say(line))?)
}

/// Brings the database to the state the migrations describe: from scratch when they have changed.
pub(crate) fn migrate(cluster: &Cluster) -> Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root().join("migrations")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let text = std::fs::read_to_string(&path).doing(format!("reading {}", path.display()))?;
            files.push((path, text));
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for (path, text) in &files {
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(text);
    }
    let wanted = format!("migrations {}", hex(&hash.finalize()));

    let mut session = cluster.session(Role::Superuser, "postgres").doing("connecting to PostgreSQL")?;
    let found = session
        .run(&format!("select shobj_description(oid, 'pg_database') from pg_database where datname = '{DATABASE}'"))
        .doing("reading which migrations are applied")?;
    if found.into_iter().flatten().flatten().any(|comment| comment == wanted) {
        return Ok(());
    }

    say(format!("Applying {} migrations to an empty database.", files.len()));
    for sql in [
        format!("drop database if exists {DATABASE} with (force)"),
        format!("create database {DATABASE} owner {} template template0", Role::Owner.name()),
    ] {
        session.run(&sql).doing("creating the database anew")?;
    }
    cluster.grant()?;
    let mut owner = cluster.session(Role::Owner, DATABASE).doing("connecting to PostgreSQL")?;
    owner.set_timeout(None).doing("connecting to PostgreSQL")?;
    for (path, text) in &files {
        owner.run(text).doing(format!("applying {}", path.display()))?;
    }
    session.run(&format!("comment on database {DATABASE} is '{wanted}'")).doing("noting the migrations")?;

    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
