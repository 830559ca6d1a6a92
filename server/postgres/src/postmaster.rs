use std::path::Path;

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

/// What `postmaster.pid` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) socket_dir: String,
}

impl PidFile {
    pub(crate) fn read(cluster: &Path) -> Option<PidFile> {
        PidFile::parse(&std::fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &str) -> Option<PidFile> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let socket_dir = lines.nth(3).unwrap_or_default().to_owned();

        Some(PidFile { pid, socket_dir })
    }
}

/// `cluster.json`: which cluster this is and who ran it last, PG7.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) major: u32,
    pub(crate) tree: std::path::PathBuf,
    pub(crate) system_identifier: String,
    pub(crate) pid: i32,
    pub(crate) started: u64,
}

impl Record {
    pub(crate) fn read(path: &Path) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// When a living process was started, in ticks since boot; `None` once it is dead or a zombie.
///
/// A process id alone may name a stranger after a reboot. Systems without `/proc` answer 0.
pub(crate) fn started(pid: i32) -> Option<u64> {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => {
            // The name, in parentheses, may hold anything; what follows is plain.
            let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
            let state = fields.next()?;
            if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
        }
        Err(_) if Path::new("/proc/self/stat").exists() => None,
        Err(_) => test_kill_process(Pid::from_raw(pid)?).is_ok().then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read() {
        let text = "2153\n/var/lib/countersign/pg/15\n1763931262\n5432\n/run/countersign/0f\n\n 1 2\nready   \n";

        assert_eq!(PidFile::parse(text), Some(PidFile { pid: 2153, socket_dir: "/run/countersign/0f".to_owned() }));
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("-1\n"), None);
    }

    #[test]
    fn this_process_has_a_start_and_a_dead_one_has_none() {
        let own = i32::try_from(std::process::id()).unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = i32::try_from(child.id()).unwrap();
        child.wait().unwrap();

        assert!(started(own).is_some());
        assert_eq!(started(gone), None);
    }
}
