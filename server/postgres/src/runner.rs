use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::{Error, Tree};

/// The user PostgreSQL runs as, and the user this process is.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    /// The user PostgreSQL runs as.
    pub(crate) user: User,
    /// The user whose processes may use the socket.
    pub(crate) app: User,
}

/// One line of the user database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Runner {
    /// PG3: as root one of the known users, else oneself, who must have a name.
    pub(crate) fn choose(pg_user: Option<&str>) -> Result<Runner, Error> {
        let uid = rustix::process::geteuid().as_raw();
        let app = lookup(&uid.to_string()).ok_or(Error::NoPasswdEntry { uid })?;
        if uid != 0 {
            return Ok(Runner { user: app.clone(), app });
        }
        let names = match pg_user {
            Some(name) => vec![name],
            None => vec!["postgres", "countersign", "nobody"],
        };
        let user = names.iter().filter_map(|name| lookup(name)).find(|user| user.uid != 0);

        Ok(Runner { user: user.ok_or_else(|| Error::NoUser { users: names.join(", ") })?, app })
    }

    /// Whether PostgreSQL runs as someone else.
    pub(crate) fn drops(&self) -> bool {
        self.user.uid != self.app.uid
    }

    /// Tests that the user can walk down to a directory, PG-E4.
    pub(crate) fn check_passage(&self, directory: &Path) -> Result<(), Error> {
        let mut ancestors: Vec<&Path> = directory.ancestors().collect();
        ancestors.reverse();
        for ancestor in ancestors {
            let meta = std::fs::metadata(ancestor).map_err(Error::io("reading", ancestor))?;
            if !self.may_enter(&meta) {
                return Err(Error::NoPassage {
                    user: self.user.name.clone(),
                    directory: ancestor.to_owned(),
                    mode: meta.permissions().mode() & 0o7777,
                });
            }
        }

        Ok(())
    }

    pub(crate) fn may_enter(&self, meta: &std::fs::Metadata) -> bool {
        let bit = if meta.uid() == self.user.uid {
            0o100
        } else if meta.gid() == self.user.gid {
            0o010
        } else {
            0o001
        };
        meta.permissions().mode() & bit != 0
    }

    /// A program of the tree, ready to run: own user without groups, no `PG*`, no locale, no terminal.
    pub(crate) fn command(&self, tree: &Tree, program: &'static str) -> Command {
        let mut command = Command::new(tree.bin.join(program));
        // Secrets of the app are in its environment; only what finding libraries and users needs passes.
        command.env_clear().current_dir("/").stdin(Stdio::null());
        for (name, value) in std::env::vars_os() {
            let passes = ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH"].iter().any(|it| name == *it)
                || name.to_string_lossy().starts_with("NSS_WRAPPER_");
            if passes {
                command.env(name, value);
            }
        }
        command.env("LC_ALL", "C").env("TZ", "UTC");
        if self.drops() {
            // `uid` also clears the supplementary groups when the caller is root.
            command.uid(self.user.uid).gid(self.user.gid);
        }
        command.process_group(0);
        command
    }

    /// Runs a program of the tree to its end.
    pub(crate) fn run<I, A>(&self, tree: &Tree, program: &'static str, args: I) -> Result<Output, Error>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let output =
            self.command(tree, program).args(args).output().map_err(Error::io("starting", &tree.bin.join(program)))?;
        if output.status.success() {
            return Ok(output);
        }
        let mut text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        if !stderr.trim().is_empty() {
            text.push('\n');
            text.push_str(stderr.trim());
        }

        Err(Error::Program { program, status: output.status.to_string(), output: text.trim().to_owned() })
    }

    /// Creates a directory with the given mode, owned by PostgreSQL's user if `theirs`.
    pub(crate) fn create_dir(&self, path: &Path, mode: u32, theirs: bool) -> Result<(), Error> {
        use std::os::unix::fs::DirBuilderExt as _;

        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(Error::io("creating", parent))?;
        }
        match std::fs::DirBuilder::new().mode(mode).create(path) {
            Ok(()) => {
                // The umask may have narrowed it.
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
                    .map_err(Error::io("setting the mode of", path))?;
                if theirs && self.drops() {
                    std::os::unix::fs::chown(path, Some(self.user.uid), Some(self.user.gid))
                        .map_err(Error::io("changing the owner of", path))?;
                }
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Error::io("creating", path)(error)),
        }
    }
}

/// Finds a user by name or id: in the file, else wherever the system looks (a directory service).
fn lookup(key: &str) -> Option<User> {
    let file = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    file.lines().filter_map(parse).find(|user| user.name == key || user.uid.to_string() == key).or_else(|| {
        let output = Command::new("getent").args(["passwd", key]).output().ok()?;
        parse(String::from_utf8_lossy(&output.stdout).lines().next()?)
    })
}

fn parse(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;

    Some(User { name, uid, gid })
}

/// Chooses where the socket lives, PG6: the first candidate that fits and that we own alone.
pub(crate) fn socket_dir(runner: &Runner, named: Option<&Path>, data: &Path) -> Result<PathBuf, Error> {
    if let Some(directory) = named {
        check_length(directory)?;
        runner.create_dir(directory, 0o700, true)?;
        return std::fs::canonicalize(directory).map_err(Error::io("reading", directory));
    }
    // Several data directories of one machine share the parents, so each has a name of its own.
    let name = format!("{:012x}", fnv1a(data.as_os_str().as_encoded_bytes()) & 0xffff_ffff_ffff);
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let mut candidates = vec![(PathBuf::from("/run/countersign"), name.clone())];
    if let Some(runtime) = runtime.filter(|_| !runner.drops()) {
        candidates.push((runtime.join("countersign"), name.clone()));
    }
    candidates.push((data.to_owned(), "run".to_owned()));
    candidates.push((PathBuf::from(format!("/tmp/countersign-{}", runner.app.uid)), name));

    let mut refusal = None;
    for (parent, name) in candidates {
        let directory = parent.join(name);
        let tried = check_length(&directory).and_then(|()| {
            let mode = if runner.drops() { 0o711 } else { 0o700 };
            runner.create_dir(&parent, mode, false)?;
            own(&parent, runner.app.uid)?;
            runner.create_dir(&directory, 0o700, true)?;
            own(&directory, runner.user.uid)?;
            runner.check_passage(&directory)
        });
        match tried {
            Ok(()) => return Ok(directory),
            Err(error) => refusal = Some(error),
        }
    }

    Err(refusal.unwrap_or(Error::SocketPathTooLong { bytes: 0 }))
}

fn check_length(directory: &Path) -> Result<(), Error> {
    let bytes = directory.as_os_str().len() + "/.s.PGSQL.".len() + crate::PORT.to_string().len();
    if bytes > 107 { Err(Error::SocketPathTooLong { bytes }) } else { Ok(()) }
}

/// Refuses a directory that someone else made or may write to, and links.
fn own(directory: &Path, uid: u32) -> Result<(), Error> {
    let meta = std::fs::symlink_metadata(directory).map_err(Error::io("reading", directory))?;
    if meta.is_dir() && meta.uid() == uid && meta.permissions().mode() & 0o022 == 0 {
        return Ok(());
    }
    let source = std::io::Error::other("belongs to another user, or others may write to it");
    Err(Error::Io { doing: "using", path: directory.to_owned(), source })
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_gives_name_and_ids() {
        let user = parse("postgres:x:111:119:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash");

        assert_eq!(user, Some(User { name: "postgres".to_owned(), uid: 111, gid: 119 }));
        assert_eq!(parse(""), None);
        assert_eq!(parse("broken:x"), None);
    }

    #[test]
    fn a_closed_parent_is_named() {
        let root = tempfile::tempdir().unwrap();
        let closed = root.path().join("closed");
        std::fs::create_dir_all(closed.join("data")).unwrap();
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
        let other = User { name: "postgres".to_owned(), uid: 54_321, gid: 54_321 };
        let runner = Runner { app: other.clone(), user: other };

        let refusal = runner.check_passage(&closed.join("data")).unwrap_err();

        assert!(matches!(refusal, Error::NoPassage { directory, mode: 0o700, .. } if directory == closed));
    }

    #[test]
    fn a_long_named_socket_directory_is_refused() {
        let user = User { name: "me".to_owned(), uid: rustix::process::geteuid().as_raw(), gid: 0 };
        let runner = Runner { app: user.clone(), user };
        let long = PathBuf::from("/tmp").join("x".repeat(113));

        let refusal = socket_dir(&runner, Some(&long), Path::new("/nowhere")).unwrap_err();

        assert!(matches!(refusal, Error::SocketPathTooLong { bytes: 132 }));
    }
}
