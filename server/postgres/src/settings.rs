use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::runner::Runner;
use crate::{DATABASE, Durable, Error, Role};

/// The three files the server reads at start, in a directory only the app's user may write to.
///
/// They lie outside the cluster, so the user PostgreSQL runs as cannot let others in, and nothing is
/// ever written through a path that this user controls.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) config: PathBuf,
    hba: PathBuf,
    ident: PathBuf,
}

impl Files {
    pub(crate) fn in_directory(directory: &Path) -> Files {
        Files {
            config: directory.join("postgresql.conf"),
            hba: directory.join("pg_hba.conf"),
            ident: directory.join("pg_ident.conf"),
        }
    }

    /// Writes all three anew.
    pub(crate) fn write(&self, runner: &Runner, socket_dir: &Path, durable: Durable) -> Result<(), Error> {
        let mut config = String::from("# Written by Countersign at every start.\n");
        for (name, value) in settings(socket_dir, durable) {
            config.push_str(&format!("{name} = {}\n", quote(&value)));
        }
        config.push_str(&format!("hba_file = {}\n", quote(&self.hba.display().to_string())));
        config.push_str(&format!("ident_file = {}\n", quote(&self.ident.display().to_string())));
        for (name, value) in [
            ("log_directory", "log"),
            ("log_filename", "postgresql-%a.log"),
            ("log_truncate_on_rotation", "on"),
            ("log_rotation_age", "1d"),
            ("log_rotation_size", "0"),
            ("log_line_prefix", "%m [%p] %q%u@%d "),
        ] {
            config.push_str(&format!("{name} = {}\n", quote(value)));
        }
        replace(&self.config, &config)?;
        // `replication` is not part of `all`; base backups need it.
        replace(&self.hba, "local all,replication all peer map=countersign\n")?;
        let ident: String = Role::ALL
            .iter()
            .map(|role| format!("countersign {} {}\n", quote_ident(&runner.app.name), role.name()))
            .collect();
        replace(&self.ident, &ident)
    }
}

/// What must be in force, PG6, as the configuration file spells it.
pub(crate) fn settings(socket_dir: &Path, durable: Durable) -> Vec<(&'static str, String)> {
    let socket_dir = socket_dir.display().to_string();
    let (sync, connections) = match durable {
        Durable::Yes => ("on", "60"),
        Durable::NoForTests => ("off", "300"),
    };
    [
        ("listen_addresses", ""),
        ("unix_socket_directories", &socket_dir),
        ("unix_socket_permissions", "0700"),
        ("port", &crate::PORT.to_string()),
        ("max_connections", connections),
        ("shared_buffers", "128MB"),
        ("wal_level", "replica"),
        ("fsync", sync),
        ("full_page_writes", sync),
        ("synchronous_commit", "on"),
        ("jit", "off"),
        // Shorter than any lock is waited for: of two acts that wait for each other one is told so, and tries again.
        ("deadlock_timeout", "200ms"),
        ("log_lock_waits", "on"),
        ("logging_collector", "on"),
        ("log_timezone", "UTC"),
        ("timezone", "UTC"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// Statements that bring roles and database to the agreed state from any earlier one.
///
/// The database is created separately: that cannot happen inside a transaction.
pub(crate) fn roles(major: u32) -> String {
    let mut sql = String::new();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Superuser) {
        let name = role.name();
        sql.push_str(&format!(
            "do $$ begin\n  if not exists (select from pg_roles where rolname = '{name}') then\n    \
             create role {name};\n  end if;\nend $$;\n\
             alter role {name} with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls inherit;\n"
        ));
        for (setting, value) in limits(role, major) {
            sql.push_str(&format!("alter role {name} set {setting} = '{value}';\n"));
        }
    }

    sql
}

/// R4: how long each role may hold things up.
fn limits(role: Role, major: u32) -> Vec<(&'static str, &'static str)> {
    let idle = match role {
        Role::Superuser => return Vec::new(),
        // Migrations may take their time, but never queue for long in front of everyone else.
        Role::Owner => return vec![("statement_timeout", "0"), ("lock_timeout", "2s")],
        Role::App => "10s",
        Role::Sequencer => "2s",
    };
    let mut limits =
        vec![("statement_timeout", "5s"), ("lock_timeout", "1s"), ("idle_in_transaction_session_timeout", idle)];
    if major >= 17 {
        limits.push(("transaction_timeout", "15s"));
    }

    limits
}

/// Statements run inside the database.
pub(crate) fn grants() -> String {
    format!(
        "alter database {DATABASE} owner to {owner};\n\
         alter schema public owner to {owner};\n\
         revoke all on database {DATABASE} from public;\n\
         revoke create on schema public from public;\n\
         grant connect on database {DATABASE} to {app}, {sequencer};\n\
         grant usage on schema public to {app}, {sequencer};\n",
        owner = Role::Owner.name(),
        app = Role::App.name(),
        sequencer = Role::Sequencer.name(),
    )
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn quote_ident(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// Replaces a file whole, following no link.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let temporary = path.with_extension("tmp");
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(Error::io("removing", &temporary)(error));
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&temporary)
        .map_err(Error::io("creating", &temporary))?;
    file.write_all(text.as_bytes()).map_err(Error::io("writing", &temporary))?;
    file.sync_all().map_err(Error::io("writing", &temporary))?;
    fs::rename(&temporary, path).map_err(Error::io("replacing", path))
}
