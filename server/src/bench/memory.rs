//! How much memory this program and its PostgreSQL hold, shared pages counted once.

use std::{collections::HashMap, fs, path::Path};

use serde::Serialize;

use crate::cli::Failure;

/// Memory in MB of 1,000,000 bytes: proportional set sizes, in which a page shared by n processes counts 1/n for each.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Memory {
    /// This program: the server, and the client that asks it.
    pub(super) server_mb: f64,
    /// The postmaster and all its processes, shared buffers included.
    pub(super) postgres_mb: f64,
}

/// Reads it from `/proc`.
pub(super) fn read(data: &Path) -> Result<Memory, Failure> {
    let postmaster = postmaster(data)?;
    let children = children()?;
    let (mut open, mut postgres_kb) = (vec![postmaster], 0);
    while let Some(process) = open.pop() {
        // A process may end while it is read.
        postgres_kb += proportional_kb(&process.to_string()).unwrap_or(0);
        open.extend(children.get(&process).into_iter().flatten());
    }
    let own = proportional_kb("self").ok_or_else(|| Failure::Told("/proc/self/smaps_rollup is unreadable".into()))?;
    let mb = |kb: u64| kb as f64 * 1_024.0 / 1_000_000.0;

    Ok(Memory { server_mb: mb(own), postgres_mb: mb(postgres_kb) })
}

/// The process that a cluster under the data directory notes in its `postmaster.pid`.
fn postmaster(data: &Path) -> Result<u32, Failure> {
    let clusters = data.join("pg");
    let found = fs::read_dir(&clusters).map_err(Failure::io(format!("reading {}", clusters.display())))?;
    let mut noted =
        found.flatten().filter_map(|cluster| fs::read_to_string(cluster.path().join("postmaster.pid")).ok());
    noted
        .find_map(|text| text.lines().next()?.trim().parse().ok())
        .ok_or_else(|| Failure::Told(format!("no cluster runs in {}", clusters.display())))
}

/// Each process's children.
fn children() -> Result<HashMap<u32, Vec<u32>>, Failure> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").map_err(Failure::io("reading /proc"))?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // The name stands in parentheses and may hold anything; state and parent follow the last one.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(process);
        }
    }

    Ok(children)
}

fn proportional_kb(process: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse().ok())
}
