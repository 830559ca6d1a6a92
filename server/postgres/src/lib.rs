//! Supervisor of the embedded PostgreSQL cluster: finds the programs, creates the cluster, starts or
//! adopts the server, keeps it running and stops it.
//!
//! The server outlives a crash of the app: it has its own session, and the next start adopts it. No
//! TCP port is ever open; people on the machine get in by who they are (`peer`), never by password.
//! The crate deliberately lacks downloads, a database driver and async: it is used by the server, by
//! the build commands and by tests. Start reading at [`Cluster::start`].

mod error;
mod postmaster;
mod runner;
mod session;
mod settings;
mod tree;
mod watch;

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use postmaster::{PidFile, Record};
use runner::Runner;
use settings::Files;

pub use error::Error;
pub use session::{Row, Session};
pub use tree::{MAJORS, Places, Tree};
pub use watch::{State, Status, Watch};

/// The database of the app.
pub const DATABASE: &str = "countersign";

/// Names the socket; nothing listens on it over TCP.
pub const PORT: u16 = 5432;

/// How long to keep trying to start the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A role of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Creates roles and databases; used by the supervisor, by backups and by tests.
    Superuser,
    /// Owns database and schema, runs migrations.
    Owner,
    /// Serves requests; no DDL.
    App,
    /// Places entries in the log.
    Sequencer,
}

impl Role {
    /// All four.
    pub const ALL: [Role; 4] = [Role::Superuser, Role::Owner, Role::App, Role::Sequencer];

    /// The name PostgreSQL knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Superuser => "countersign",
            Role::Owner => "countersign_owner",
            Role::App => "countersign_app",
            Role::Sequencer => "countersign_sequencer",
        }
    }
}

/// Whether an answered commit survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// Every commit reaches the disk.
    Yes,
    /// For throwaway clusters: nothing is flushed, and 300 connections instead of 60.
    NoForTests,
}

/// What to run and where.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory of the app; the cluster lives in `pg/<major>` below it.
    pub data: PathBuf,
    /// The directory of programs to use instead of searching (`--pg-bin`).
    pub pg_bin: Option<PathBuf>,
    /// The user to run PostgreSQL as when this process is root (`--pg-user`).
    pub pg_user: Option<String>,
    /// The directory for the socket instead of the usual ones (`--pg-socket-dir`).
    pub socket_dir: Option<PathBuf>,
    /// Whether commits are flushed.
    pub durable: Durable,
}

impl Config {
    /// A durable cluster under a data directory, everything else chosen by the supervisor.
    pub fn new(data: impl Into<PathBuf>) -> Config {
        Config { data: data.into(), pg_bin: None, pg_user: None, socket_dir: None, durable: Durable::Yes }
    }
}

/// A running cluster, held by this process alone.
///
/// Dropping it leaves PostgreSQL running, for the next start to adopt; [`Cluster::stop`] ends it.
#[derive(Debug)]
pub struct Cluster {
    data: PathBuf,
    cluster: PathBuf,
    socket_dir: PathBuf,
    tree: Tree,
    runner: Runner,
    files: Files,
    system_identifier: String,
    adopted: bool,
    pid: Mutex<i32>,
    _lock: File,
}

impl Cluster {
    /// Finds or creates the cluster, starts or adopts its server, and brings roles, database and
    /// settings to the agreed state. `log` receives a line for whatever takes time or is unusual.
    ///
    /// # Errors
    ///
    /// Every way this can fail has its own [`Error`]; nothing is ever deleted on the way.
    pub fn start(config: &Config, log: &dyn Fn(&str)) -> Result<Cluster, Error> {
        let runner = Runner::choose(config.pg_user.as_deref())?;
        let data = prepare_data(&runner, &config.data, log)?;
        let lock = lock(&data)?;

        let record_path = data.join("cluster.json");
        let record = Record::read(&record_path);
        let parent = data.join("pg");
        let wrote = record.as_ref().map(|record| record.major).or_else(|| existing(&parent));
        let tree = Places::of_this_machine().find(config.pg_bin.as_deref(), wrote, &data)?;
        if runner.drops() {
            let bin = fs::canonicalize(&tree.bin).map_err(Error::io("reading", &tree.bin))?;
            runner.check_passage(&bin)?;
        }
        runner.create_dir(&parent, 0o700, true)?;
        let cluster = parent.join(tree.major.to_string());
        move_leftovers_aside(&parent, log)?;
        if !cluster.join("PG_VERSION").exists() {
            initdb(&runner, &tree, &parent, &cluster, config.durable, log)?;
        }

        let socket_dir = runner::socket_dir(&runner, config.socket_dir.as_deref(), &data)?;
        let conf = data.join("pg-conf");
        runner.create_dir(&conf, 0o755, false)?;
        let files = Files::in_directory(&conf);
        files.write(&runner, &socket_dir, config.durable)?;

        let mut this = Cluster {
            data,
            cluster,
            socket_dir: socket_dir.clone(),
            tree,
            runner,
            files,
            system_identifier: String::new(),
            adopted: false,
            pid: Mutex::new(0),
            _lock: lock,
        };
        this.adopt_or_start(record.as_ref(), log)?;
        if let Err(other) = this.check_settings(config.durable) {
            if !this.adopted {
                return Err(other);
            }
            log("It runs with other settings; starting it again with ours.");
            this.stop()?;
            this.socket_dir = socket_dir;
            this.adopted = false;
            this.start_with_retries()?;
            this.check_settings(config.durable)?;
        }
        this.ensure_roles()?;
        this.write_record(&record_path)?;

        Ok(this)
    }

    /// The directory that holds the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The programs in use.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether the server was running before this process.
    #[must_use]
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// The process id of the server's first process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        *self.pid.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// An address for a driver, as a role to a database, over the socket.
    #[must_use]
    pub fn url(&self, role: Role, database: &str) -> String {
        let mut directory = String::new();
        for byte in self.socket_dir.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                    directory.push(char::from(*byte))
                }
                _ => directory.push_str(&format!("%{byte:02X}")),
            }
        }
        format!("postgres://{}@localhost:{PORT}/{database}?host={directory}", role.name())
    }

    /// Opens a session of the supervisor's own kind.
    ///
    /// # Errors
    ///
    /// When the server does not answer or refuses.
    pub fn session(&self, role: Role, database: &str) -> std::io::Result<Session> {
        Session::connect(&self.socket_dir, role.name(), database, Duration::from_secs(10))
    }

    /// Stops the server: no new work, current statements ended; after 20 s without regard for them.
    ///
    /// # Errors
    ///
    /// [`Error::Program`] when even that failed.
    pub fn stop(&self) -> Result<(), Error> {
        if PidFile::read(&self.cluster).is_none() {
            return Ok(());
        }
        let stop = |mode: &str| {
            let arguments = ["stop", "--silent", "-D"].map(std::ffi::OsString::from);
            let rest = ["-w", "-t", "20", "-m", mode].map(std::ffi::OsString::from);
            let arguments = arguments.into_iter().chain([self.cluster.clone().into_os_string()]).chain(rest);
            self.runner.run(&self.tree, "pg_ctl", arguments).map(drop)
        };
        stop("fast").or_else(|_| stop("immediate"))
    }

    /// Whether the server answers a query at this moment.
    #[must_use]
    pub fn answers(&self) -> bool {
        Session::connect(&self.socket_dir, Role::Superuser.name(), "postgres", Duration::from_secs(2))
            .and_then(|mut session| session.run("select 1"))
            .is_ok()
    }

    /// Gives the roles what they need in the database; done at start, needed again only by whoever
    /// creates the database anew.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] when the database is not there.
    pub fn grant(&self) -> Result<(), Error> {
        let mut session = self.session(Role::Superuser, DATABASE).map_err(Error::session("connecting"))?;
        session.run(&settings::grants()).map_err(Error::session("granting")).map(drop)
    }

    fn adopt_or_start(&mut self, record: Option<&Record>, log: &dyn Fn(&str)) -> Result<(), Error> {
        if let Some((pid, socket_dir)) = self.running(record) {
            log(&format!("PostgreSQL {} is running already (pid {pid}); using it.", self.tree.major));
            self.socket_dir = socket_dir;
            self.adopted = true;
            self.set_pid(pid);
        } else {
            log(&format!("Starting PostgreSQL {} …", self.tree.major));
            self.start_with_retries()?;
        }
        let mut session = self.session(Role::Superuser, "postgres").map_err(Error::session("connecting"))?;
        self.system_identifier = identifier(&mut session).map_err(Error::session("reading the system identifier"))?;

        Ok(())
    }

    /// The process and socket of a server that runs on exactly this cluster, PG8.
    fn running(&self, record: Option<&Record>) -> Option<(i32, PathBuf)> {
        let file = PidFile::read(&self.cluster)?;
        let since = postmaster::started(file.pid)?;
        // A record of this pid with another start time is of another process. No record of this pid
        // is an app that crashed before writing it; then the socket's answer is the proof.
        if record.is_some_and(|record| record.pid == file.pid && record.started != since) {
            return None;
        }
        let socket_dir = PathBuf::from(&file.socket_dir);
        let mut session =
            Session::connect(&socket_dir, Role::Superuser.name(), "postgres", Duration::from_secs(2)).ok()?;
        let directory = session.run("show data_directory").ok()?.into_iter().flatten().flatten().next()?;
        let version = session.run("show server_version_num").ok()?.into_iter().flatten().flatten().next()?;
        let same = Path::new(&directory) == self.cluster
            && version.parse::<u32>().is_ok_and(|version| version / 10_000 == self.tree.major)
            && record.is_none_or(|record| identifier(&mut session).is_ok_and(|it| it == record.system_identifier));

        same.then_some((file.pid, socket_dir))
    }

    /// PG9: after a crash children may hold the shared memory for a moment, so the first tries can fail.
    fn start_with_retries(&self) -> Result<(), Error> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(200);
        let mut tries = 0;
        loop {
            tries += 1;
            let left = PATIENCE.saturating_sub(begin.elapsed()).max(Duration::from_secs(1));
            if self.start_once(left).is_ok() {
                return Ok(());
            }
            // A start that outlasts `pg_ctl`, as after a crash with much to replay, is no failure.
            if let Some((pid, _)) = self.running(None) {
                self.set_pid(pid);
                return Ok(());
            }
            if let Some(full) = no_space(&self.data) {
                return Err(full);
            }
            if begin.elapsed() + pause >= PATIENCE {
                return Err(Error::DidNotStart { tries, log: self.last_log_lines() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    fn start_once(&self, patience: Duration) -> Result<(), Error> {
        let option = format!("-c config_file={}", shell_quote(&self.files.config.display().to_string()));
        let log = self.data.join("pg").join("start.log");
        let seconds = patience.as_secs().to_string();
        self.runner.run(
            &self.tree,
            "pg_ctl",
            [
                "start".as_ref(),
                "--silent".as_ref(),
                "-D".as_ref(),
                self.cluster.as_os_str(),
                "-l".as_ref(),
                log.as_os_str(),
                "-w".as_ref(),
                "-t".as_ref(),
                seconds.as_ref(),
                "-o".as_ref(),
                option.as_ref(),
            ],
        )?;
        let file = PidFile::read(&self.cluster).ok_or_else(|| Error::Program {
            program: "pg_ctl",
            status: "success".to_owned(),
            output: "no postmaster.pid after a start".to_owned(),
        })?;
        self.set_pid(file.pid);

        Ok(())
    }

    /// The end of what the server last logged, as indented lines.
    fn last_log_lines(&self) -> String {
        let newest = fs::read_dir(self.cluster.join("log"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .max();
        let mut lines = Vec::new();
        for path in [Some(self.data.join("pg").join("start.log")), newest.map(|(_, path)| path)].into_iter().flatten() {
            let text = tail(&path, 16_384).unwrap_or_default();
            lines.extend(text.lines().map(str::to_owned));
        }
        let end: String = lines.iter().skip(lines.len().saturating_sub(20)).map(|line| format!("\n  {line}")).collect();

        end + "\n"
    }

    fn check_settings(&self, durable: Durable) -> Result<(), Error> {
        let mut session = self.session(Role::Superuser, "postgres").map_err(Error::session("connecting"))?;
        for (name, expected) in settings::settings(&self.socket_dir, durable) {
            let sql = format!("show {name}");
            let rows = session.run(&sql).map_err(Error::session("reading settings"))?;
            let found = rows.into_iter().flatten().flatten().next().unwrap_or_default();
            if found != expected {
                return Err(Error::Setting { name, found, expected, major: self.tree.major });
            }
        }

        Ok(())
    }

    fn ensure_roles(&self) -> Result<(), Error> {
        let mut session = self.session(Role::Superuser, "postgres").map_err(Error::session("connecting"))?;
        session.run(&settings::roles(self.tree.major)).map_err(Error::session("creating roles"))?;
        let there = session
            .run(&format!("select 1 from pg_database where datname = '{DATABASE}'"))
            .map_err(Error::session("looking for the database"))?;
        if there.is_empty() {
            session
                .run(&format!("create database {DATABASE} owner {} template template0", Role::Owner.name()))
                .map_err(Error::session("creating the database"))?;
        }
        self.grant()
    }

    fn write_record(&self, path: &Path) -> Result<(), Error> {
        let record = Record {
            major: self.tree.major,
            tree: self.tree.bin.clone(),
            system_identifier: self.system_identifier.clone(),
            pid: self.pid(),
            started: postmaster::started(self.pid()).unwrap_or_default(),
        };
        let text = serde_json::to_string_pretty(&record).expect("a record of plain fields is JSON");
        settings::replace(path, &(text + "\n"))
    }

    fn set_pid(&self, pid: i32) {
        *self.pid.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = pid;
    }
}

/// Creates the data directory and makes sure PostgreSQL's user can pass.
fn prepare_data(runner: &Runner, data: &Path, log: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    let mode = if runner.drops() { 0o711 } else { 0o700 };
    if let Some(parent) = data.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(Error::io("creating", parent))?;
    }
    runner.create_dir(data, mode, false)?;
    let data = fs::canonicalize(data).map_err(Error::io("reading", data))?;
    if let Some(parent) = data.parent() {
        runner.check_passage(parent)?;
    }
    let meta = fs::metadata(&data).map_err(Error::io("reading", &data))?;
    if !runner.may_enter(&meta) {
        let open = (meta.permissions().mode() & 0o777) | 0o001;
        log(&format!("Letting user {} pass through {} (mode {open:04o}).", runner.user.name, data.display()));
        fs::set_permissions(&data, fs::Permissions::from_mode(open))
            .map_err(Error::io("setting the mode of", &data))?;
    }

    Ok(data)
}

/// PG7: one app per data directory, for as long as the file stays open.
fn lock(data: &Path) -> Result<File, Error> {
    let path = data.join("lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(Error::io("opening", &path))?;
    if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        file.read_to_string(&mut pid).map_err(Error::io("reading", &path))?;
        return Err(Error::InUse { pid: pid.trim().to_owned() });
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(Error::io("writing", &path))?;

    Ok(file)
}

/// The newest cluster present, when no record says which is in use.
fn existing(parent: &Path) -> Option<u32> {
    MAJORS.rev().find(|major| parent.join(major.to_string()).join("PG_VERSION").exists())
}

/// PG4: what an interrupted initdb left is kept, out of the way.
fn move_leftovers_aside(parent: &Path, log: &dyn Fn(&str)) -> Result<(), Error> {
    for entry in fs::read_dir(parent).map_err(Error::io("reading", parent))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some((major, random)) = name.split_once(".tmp-") {
            let aside = parent.join(format!("{major}.unfinished-{random}"));
            log(&format!("Moving an unfinished cluster aside, to {}.", aside.display()));
            fs::rename(entry.path(), &aside).map_err(Error::io("moving aside", &entry.path()))?;
        }
    }

    Ok(())
}

fn initdb(
    runner: &Runner,
    tree: &Tree,
    parent: &Path,
    cluster: &Path,
    durable: Durable,
    log: &dyn Fn(&str),
) -> Result<(), Error> {
    log(&format!("Creating a PostgreSQL {} cluster in {} …", tree.major, cluster.display()));
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| Error::io("reading randomness for", cluster)(std::io::Error::other(error.to_string())))?;
    let temporary = parent.join(format!("{}.tmp-{:016x}", tree.major, u64::from_le_bytes(random)));
    let mut arguments = ["-A", "peer", "--data-checksums", "--no-locale", "-E", "UTF8", "-U", "countersign", "-D"]
        .map(std::ffi::OsString::from)
        .to_vec();
    arguments.push(temporary.clone().into_os_string());
    if durable == Durable::NoForTests {
        arguments.push("--no-sync".into());
    }
    runner.run(tree, "initdb", arguments).map_err(|error| no_space(parent).unwrap_or(error))?;
    // initdb has flushed its files; the rename is flushed by the directory.
    fs::rename(&temporary, cluster).map_err(Error::io("putting in place", cluster))?;
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(Error::io("flushing", parent))
}

fn no_space(directory: &Path) -> Option<Error> {
    const GB: u64 = 1_000_000_000;
    let stat = rustix::fs::statvfs(directory).ok()?;
    let (free, total) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);

    (free < 32 << 20).then(|| Error::NoSpace {
        directory: directory.to_owned(),
        free_gb: free / GB,
        total_gb: total / GB,
    })
}

fn identifier(session: &mut Session) -> std::io::Result<String> {
    let rows = session.run("select system_identifier from pg_control_system()")?;
    rows.into_iter().flatten().flatten().next().ok_or_else(|| std::io::Error::other("no answer"))
}

fn tail(path: &Path, bytes: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(std::io::SeekFrom::Start(length.saturating_sub(bytes)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;

    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `pg_ctl` hands its options to a shell.
fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
