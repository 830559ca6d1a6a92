use std::io;
use std::path::{Path, PathBuf};

/// Why the cluster is not there, in words a person can act on.
///
/// Every message says what was tried, what was found, and the next command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No usable PostgreSQL program tree.
    #[error(
        "PG-E1: No PostgreSQL 15 to 18 found. Looked in: {looked_in}. Choose one: set `DATABASE_URL`; \
         `sudo apt install postgresql`; `--pg-bin DIR`."
    )]
    NoTree {
        /// The places searched, in order, separated by commas.
        looked_in: String,
    },
    /// Started as root without a user to run PostgreSQL as.
    #[error(
        "PG-E2: PostgreSQL cannot run as root, and none of the users {users} exists. \
         `useradd --system countersign`, or pass `--pg-user`."
    )]
    NoUser {
        /// The names tried, separated by commas.
        users: String,
    },
    /// The user id has no name.
    #[error(
        "PG-E3: User id {uid} has no entry in /etc/passwd; PostgreSQL refuses such a user. \
         Add: `countersign:x:{uid}:0::/var/lib/countersign:/bin/false`, or use libnss-wrapper."
    )]
    NoPasswdEntry {
        /// The id of this process.
        uid: u32,
    },
    /// A directory above the data is closed to the user PostgreSQL runs as.
    #[error(
        "PG-E4: User {user} cannot enter {directory} (mode {mode:04o}), a parent of the data directory. \
         Use `--data /var/lib/countersign`."
    )]
    NoPassage {
        /// The user PostgreSQL would run as.
        user: String,
        /// The first closed directory on the way down.
        directory: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The data belongs to another major version.
    #[error(
        "PG-E5: The data directory was written by PostgreSQL {wrote}; found only {found}. \
         Install {wrote}, or run `countersign db upgrade`."
    )]
    OtherMajor {
        /// The major version of the data.
        wrote: u32,
        /// The major versions present, separated by commas.
        found: String,
    },
    /// Another process holds the data directory.
    #[error("PG-E6: Countersign (pid {pid}) already uses this data directory. Stop it, or choose another `--data`.")]
    InUse {
        /// The process that holds the lock, as it wrote itself down.
        pid: String,
    },
    /// The socket address does not fit.
    #[error(
        "PG-E7: Socket path is {bytes} bytes, the system allows 107. Set `--pg-socket-dir` to a shorter directory."
    )]
    SocketPathTooLong {
        /// The length of the path that was refused.
        bytes: usize,
    },
    /// The server did not come up in time.
    #[error(
        "PG-E8: PostgreSQL did not start in 60 s ({tries} tries). Last 20 lines of its log: {log} Nothing was deleted."
    )]
    DidNotStart {
        /// How often it was tried.
        tries: u32,
        /// The end of the server's log.
        log: String,
    },
    /// The disk is full.
    #[error(
        "PG-E9: No space on {directory} ({free_gb} of {total_gb} GB free). \
         Delete the file `ballast`, start, then add space."
    )]
    NoSpace {
        /// The directory on the full file system.
        directory: PathBuf,
        /// Free space, in whole GB.
        free_gb: u64,
        /// Size of the file system, in whole GB.
        total_gb: u64,
    },
    /// A setting that durability or privacy rests on is not in force.
    #[error(
        "PostgreSQL runs with {name} = {found}, expected {expected}. \
         Remove it from `pg/{major}/postgresql.auto.conf`, then start again."
    )]
    Setting {
        /// The setting.
        name: &'static str,
        /// The value in force.
        found: String,
        /// The value asked for.
        expected: String,
        /// The major version, which names the directory.
        major: u32,
    },
    /// A program of the tree failed.
    #[error("{program} failed ({status}): {output}")]
    Program {
        /// The program's name.
        program: &'static str,
        /// How it ended.
        status: String,
        /// What it printed.
        output: String,
    },
    /// The server refused a statement of ours.
    #[error("PostgreSQL refused while {doing}: {source}")]
    Session {
        /// What was being done.
        doing: &'static str,
        /// The server's or the socket's own words.
        source: io::Error,
    },
    /// The file system refused.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
}

impl Error {
    /// Exit code of a program that ends because of this: 78 for configuration, 69 for unavailable.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::NoTree { .. }
            | Error::NoUser { .. }
            | Error::NoPasswdEntry { .. }
            | Error::NoPassage { .. }
            | Error::OtherMajor { .. }
            | Error::SocketPathTooLong { .. }
            | Error::Setting { .. } => 78,
            Error::InUse { .. }
            | Error::DidNotStart { .. }
            | Error::NoSpace { .. }
            | Error::Program { .. }
            | Error::Session { .. }
            | Error::Io { .. } => 69,
        }
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }

    pub(crate) fn session(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Session { doing, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_snapshot() {
        let all = [
            Error::NoTree { looked_in: "/usr/lib/postgresql/*/bin, PATH".to_owned() },
            Error::NoUser { users: "postgres, countersign, nobody".to_owned() },
            Error::NoPasswdEntry { uid: 10_001 },
            Error::NoPassage { user: "postgres".to_owned(), directory: "/root".into(), mode: 0o700 },
            Error::OtherMajor { wrote: 15, found: "18".to_owned() },
            Error::InUse { pid: "4121".to_owned() },
            Error::SocketPathTooLong { bytes: 131 },
            Error::DidNotStart { tries: 7, log: "\n  FATAL:  the disk is gone\n".to_owned() },
            Error::NoSpace { directory: "/var/lib/countersign".into(), free_gb: 0, total_gb: 20 },
            Error::Setting { name: "fsync", found: "off".to_owned(), expected: "on".to_owned(), major: 15 },
        ];
        let text: Vec<String> = all.iter().map(|error| format!("{} {error}", error.exit_code())).collect();

        insta::assert_snapshot!(text.join("\n\n"));
    }
}
