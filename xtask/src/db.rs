//! `cargo xtask db`: a PostgreSQL to develop against.

use std::path::PathBuf;

use countersign_postgres::{Cluster, DATABASE, Role};
use sha2::{Digest as _, Sha256};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cluster::{self, hex};
use crate::step::{Doing as _, Result, say, target};
use crate::tools::Tools;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Return at once and leave it running; a later call finds it.
    #[arg(long)]
    detach: bool,
    /// Leave it running after Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// Stop the one left running.
    #[arg(long, conflicts_with_all = ["detach", "keep"])]
    stop: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let cluster = cluster::start(&Tools::with_postgres()?, &directory())?;
    if arguments.stop {
        return Ok(cluster.stop()?);
    }
    cluster::migrate(&cluster)?;
    print_exports(&cluster);
    if arguments.detach {
        return Ok(());
    }

    say("Ready; Ctrl-C ends it.");
    let mut signals = Signals::new([SIGINT, SIGTERM]).doing("waiting for Ctrl-C")?;
    signals.forever().next();
    if arguments.keep { Ok(()) } else { Ok(cluster.stop()?) }
}

/// Beside what is built; as root somewhere PostgreSQL's own user can reach, one per target directory.
fn directory() -> PathBuf {
    let target = target();
    if rustix::process::geteuid().is_root() {
        let hash = hex(&Sha256::digest(target.as_os_str().as_encoded_bytes()));
        PathBuf::from(format!("/var/lib/countersign-dev-{}", &hash[..8]))
    } else {
        target.join("dev-pg")
    }
}

fn print_exports(cluster: &Cluster) {
    println!("export SQLX_OFFLINE=false");
    println!("export DATABASE_URL='{}'", cluster.url(Role::Owner, DATABASE));
    println!("export COUNTERSIGN_TEST_PG='{}'", cluster.socket_dir().display());
}
