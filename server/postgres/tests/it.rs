//! The supervisor against real PostgreSQL programs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_postgres::{Cluster, Config, DATABASE, Durable, Error, Role, State};

#[test]
fn a_cluster_starts_serves_all_roles_and_stops_cleanly() {
    let home = Home::new();
    let cluster = home.start();

    for role in Role::ALL {
        let rows = cluster.session(role, DATABASE).unwrap().run("select current_user::text").unwrap();
        assert_eq!(rows, [[Some(role.name().to_owned())]]);
    }
    let pid = cluster.pid();
    cluster.stop().unwrap();

    assert!(!alive(pid));
    assert!(!cluster.answers());
    let control = Command::new(cluster.tree().bin.join("pg_controldata")).arg(home.cluster()).output().unwrap();
    assert!(String::from_utf8_lossy(&control.stdout).contains("shut down\n"), "{control:?}");
}

#[test]
fn settings_are_in_force() {
    let home = Home::new();
    let cluster = Cluster::start(&Config { durable: Durable::Yes, ..home.config() }, &|_| ()).unwrap();
    let mut session = cluster.session(Role::Superuser, DATABASE).unwrap();

    for (name, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "60"),
        ("shared_buffers", "128MB"),
        ("wal_level", "replica"),
        ("jit", "off"),
        ("log_lock_waits", "on"),
        ("logging_collector", "on"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
    ] {
        let rows = session.run(&format!("select current_setting('{name}')")).unwrap();
        assert_eq!(rows, [[Some(expected.to_owned())]], "{name}");
    }
    drop(session);
    cluster.stop().unwrap();
}

#[test]
fn timeouts_are_set_on_every_role() {
    let home = Home::new();
    let cluster = home.start();

    for (role, statement, lock, idle) in
        [(Role::Owner, "0", "2s", "0"), (Role::App, "5s", "1s", "10s"), (Role::Sequencer, "5s", "1s", "2s")]
    {
        let rows = cluster
            .session(role, DATABASE)
            .unwrap()
            .run(
                "select current_setting('statement_timeout'), current_setting('lock_timeout'), \
                 current_setting('idle_in_transaction_session_timeout')",
            )
            .unwrap();
        assert_eq!(rows, [[statement, lock, idle].map(|value| Some(value.to_owned()))], "{role:?}");
    }
    cluster.stop().unwrap();
}

#[test]
fn only_the_owner_may_create_tables() {
    let home = Home::new();
    let cluster = home.start();
    let try_to = |role| cluster.session(role, DATABASE).unwrap().run("create table t (id bigint)");

    assert!(try_to(Role::App).unwrap_err().to_string().contains("permission denied"));
    assert!(try_to(Role::Sequencer).unwrap_err().to_string().contains("permission denied"));
    try_to(Role::Owner).unwrap();
    cluster.stop().unwrap();
}

#[test]
fn no_tcp_port_is_open() {
    let home = Home::new();
    let cluster = home.start();

    let mut listening = std::collections::BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            if fields[3] == "0A" {
                listening.insert(format!("socket:[{}]", fields[9]));
            }
        }
    }
    for entry in fs::read_dir(format!("/proc/{}/fd", cluster.pid())).unwrap().flatten() {
        let target = fs::read_link(entry.path()).unwrap();
        assert!(!listening.contains(&target.display().to_string()), "{target:?}");
    }
    cluster.stop().unwrap();
}

#[test]
fn as_root_the_server_has_no_root_and_no_groups() {
    let home = Home::new();
    let cluster = home.start();

    let status = fs::read_to_string(format!("/proc/{}/status", cluster.pid())).unwrap();
    let ids = |name: &str| -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_ascii_whitespace().map(|id| id.parse().unwrap()).collect()
    };
    assert!(!ids("Uid:").contains(&0));
    if rustix::process::geteuid().is_root() {
        assert!(!ids("Gid:").contains(&0));
        assert!(ids("Groups:").is_empty());
        let owner = fs::metadata(home.cluster()).unwrap().uid();
        assert!(ids("Uid:").contains(&owner));
    }
    assert_eq!(fs::metadata(home.cluster()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(cluster.socket_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    cluster.stop().unwrap();
}

#[test]
fn a_second_instance_is_refused() {
    let home = Home::new();
    let cluster = home.start();

    let refusal = Cluster::start(&home.config(), &|_| ()).unwrap_err();

    let own = std::process::id().to_string();
    assert!(matches!(refusal, Error::InUse { pid } if pid == own));
    cluster.stop().unwrap();
}

#[test]
fn initdb_killed_midway_starts_clean() {
    let home = Home::new();
    home.start().stop().unwrap();
    let pg = home.path().join("data/pg");
    fs::rename(home.cluster(), pg.join("15.tmp-0123456789abcdef")).unwrap();
    fs::remove_file(home.path().join("data/cluster.json")).unwrap();

    home.start().stop().unwrap();

    assert!(pg.join("15.unfinished-0123456789abcdef/PG_VERSION").exists(), "moved aside, not deleted");
    assert!(home.cluster().join("PG_VERSION").exists());
}

#[test]
fn a_crashed_app_adopts_its_cluster() {
    let home = Home::new();
    let first = home.start();
    let pid = first.pid();
    drop(first);

    let second = home.start();

    assert!(second.adopted());
    assert_eq!(second.pid(), pid);
    second.stop().unwrap();
}

#[test]
fn an_adopted_cluster_with_other_settings_is_started_again() {
    let home = Home::new();
    let first = home.start();
    let pid = first.pid();
    drop(first);

    let second = Cluster::start(&Config { durable: Durable::Yes, ..home.config() }, &|_| ()).unwrap();

    assert!(!second.adopted());
    assert_ne!(second.pid(), pid);
    let rows = second.session(Role::Superuser, DATABASE).unwrap().run("show fsync").unwrap();
    assert_eq!(rows, [[Some("on".to_owned())]]);
    second.stop().unwrap();
}

#[test]
fn a_stale_pid_file_and_socket_do_not_keep_it_from_starting() {
    let home = Home::new();
    let first = home.start();
    kill(first.pid());
    drop(first);
    assert!(home.cluster().join("postmaster.pid").exists());

    let second = home.start();

    assert!(!second.adopted());
    second.stop().unwrap();
}

#[test]
fn a_hundred_postmaster_kills_recover() {
    let kills = if std::env::var_os("COUNTERSIGN_FULL").is_some() { 100 } else { 4 };
    let home = Home::new();
    let config = Config { durable: Durable::Yes, ..home.config() };
    let cluster = Arc::new(Cluster::start(&config, &|_| ()).unwrap());
    let watch = cluster.watch(|_| ());
    let rows = |sql: &str| cluster.session(Role::Superuser, DATABASE).unwrap().run(sql).unwrap();
    rows("create table kept (id bigint primary key)");

    for round in 1..=kills {
        rows(&format!("insert into kept values ({round})"));
        let pid = cluster.pid();
        kill(pid);
        wait(|| cluster.pid() != pid && watch.status().state == State::Running && cluster.answers());
        assert_eq!(rows("select count(*) from kept"), [[Some(round.to_string())]]);
    }

    let status = watch.status();
    assert_eq!(status.crashes, kills);
    assert!(status.alarm);
    assert_eq!(status.refusal, None);
    drop(watch);
    cluster.stop().unwrap();
}

#[test]
fn a_long_data_path_gets_its_socket_elsewhere() {
    let home = Home::new();
    let data = home.path().join("d".repeat(120));
    let config = Config { durable: Durable::NoForTests, ..Config::new(&data) };

    let cluster = Cluster::start(&config, &|_| ()).unwrap();

    assert!(!cluster.socket_dir().starts_with(&data));
    assert!(cluster.answers());
    cluster.stop().unwrap();
    fs::remove_dir_all(cluster.socket_dir()).unwrap();
}

#[test]
fn a_closed_parent_is_refused_as_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let closed = home.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();

    let refusal = Cluster::start(&Config::new(closed.join("data")), &|_| ()).unwrap_err();

    assert!(matches!(refusal, Error::NoPassage { directory, .. } if directory == fs::canonicalize(&closed).unwrap()));
}

#[test]
fn a_missing_named_user_is_refused_as_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let config = Config { pg_user: Some("no-such-user".to_owned()), ..home.config() };

    let refusal = Cluster::start(&config, &|_| ()).unwrap_err();

    assert!(matches!(refusal, Error::NoUser { users } if users == "no-such-user"));
}

/// A directory that PostgreSQL's user can pass through.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Home(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn config(&self) -> Config {
        Config {
            durable: Durable::NoForTests,
            socket_dir: Some(self.path().join("run")),
            ..Config::new(self.path().join("data"))
        }
    }

    fn start(&self) -> Cluster {
        Cluster::start(&self.config(), &|_| ()).unwrap()
    }

    fn cluster(&self) -> std::path::PathBuf {
        let pg = self.path().join("data/pg");
        let major = fs::read_dir(&pg).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
        pg.join(major.filter(|name| name.parse::<u32>().is_ok()).max().unwrap())
    }
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    wait(|| !alive(pid.as_raw_nonzero().get()));
}

fn alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn wait(done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing happened for 60 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}
