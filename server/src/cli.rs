//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use countersign_domain::policy::{RETRACT_SECONDS_MAX, RetractWindows};

use crate::{
    config::{self, Invalid, Network, Origin, Postgres, Urls},
    operator, replay, serve,
    telemetry::{self, LogFormat},
    verify::{self, Subject},
};

/// Exit status for what the configuration cannot mean (`EX_CONFIG`).
const CONFIGURATION: u8 = 78;
/// Exit status for what is needed and does not answer (`EX_UNAVAILABLE`).
const UNAVAILABLE: u8 = 69;

/// People countersign what AI systems want to do; every act is sealed in a ledger.
#[derive(Debug, Parser)]
#[command(name = "countersign", version)]
struct Cli {
    /// How log lines look.
    #[arg(long, env = "COUNTERSIGN_LOG_FORMAT", default_value = "human", global = true, value_enum)]
    log_format: LogFormat,
    /// Which log lines there are, such as `info` or `warn,countersign_engine=debug`.
    #[arg(long, env = "COUNTERSIGN_LOG", default_value = "info", global = true, hide_default_value = true)]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs an installation until it is told to stop.
    Serve(Box<ServeArgs>),
    /// Registers AI systems of a running installation.
    #[command(subcommand)]
    System(SystemCommand),
    /// Makes keys for the systems of a running installation.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Defines decision types of a running installation.
    #[command(subcommand)]
    Type(TypeCommand),
    /// Changes the policy of a running installation.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Runs the recorded airline agent against an installation: 250 proposals over REST, each obeyed.
    Replay(ReplayArgs),
    /// Verifies a proof file, an export or a database: 0 verified, 1 failed, 2 a check could not be made.
    Verify(VerifyArgs),
    /// Writes the log as a directory for an auditor, at its newest signed size.
    Export(ExportArgs),
    /// Measures an installation of its own in an empty data directory.
    #[cfg(any(test, feature = "bench"))]
    #[command(hide = true)]
    Bench(crate::bench::Arguments),
    /// Lets many act on an installation of its own in an empty data directory, and says what came of it.
    #[cfg(any(test, feature = "drill"))]
    #[command(hide = true)]
    Drill(crate::drill::Arguments),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// A proof file, or the directory of an export.
    #[arg(required_unless_present = "database", conflicts_with = "database")]
    path: Option<PathBuf>,
    /// Verify straight from this database; any role that may read will do.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The installation's key directory, for its high-water file.
    #[arg(long, value_name = "DIR", requires = "database")]
    keys: Option<PathBuf>,
    /// Keys and witnesses you trust [default: the export's or database's own, which proves little].
    #[arg(long, value_name = "FILE", alias = "policy")]
    trust: Option<PathBuf>,
    /// A checkpoint you kept from earlier; may be given several times.
    #[arg(long, value_name = "FILE")]
    held: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// Directory to write; it must be new or empty.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Data directory of the installation; the export is put on record.
    #[arg(long, env = "COUNTERSIGN_DATA", required_unless_present = "database")]
    data: Option<PathBuf>,
    /// Read this database instead; the export is not put on record.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// A checkpoint that the recipient held before; may be given several times.
    #[arg(long, value_name = "FILE")]
    held: Vec<PathBuf>,
    #[command(flatten)]
    server: DatabaseArgs,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Directory of everything that the installation keeps on disk.
    #[arg(long, env = "COUNTERSIGN_DATA")]
    data: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, env = "COUNTERSIGN_PORT", default_value_t = 3000)]
    port: u16,
    /// Address that people and agents use, such as https://desk.example.org [default: http://127.0.0.1:PORT].
    #[arg(long, env = "COUNTERSIGN_PUBLIC_ORIGIN")]
    public_origin: Option<Origin>,
    /// A proxy, as network, whose X-Forwarded-For is believed.
    #[arg(long = "trusted-proxy", env = "COUNTERSIGN_TRUSTED_PROXIES", value_delimiter = ',', value_name = "CIDR")]
    trusted_proxies: Vec<Network>,
    /// A network, not public, that this installation's own requests may reach, such as that of an identity
    /// provider inside the company.
    #[arg(long = "allow-network", env = "COUNTERSIGN_ALLOW_NETWORKS", value_delimiter = ',', value_name = "CIDR")]
    allowed_networks: Vec<Network>,
    /// Lets those requests go without TLS, to allowed networks only.
    #[arg(long = "allow-plain-http", env = "COUNTERSIGN_ALLOW_PLAIN_HTTP")]
    plain_http: bool,
    /// Invented people, systems and decisions, and "View as"; nothing real.
    #[arg(long, env = "COUNTERSIGN_DEMO")]
    demo: bool,
    /// Days of invented history that a new demo starts with, 0 to 60. None: people and a queue alone.
    #[arg(
        long,
        env = "COUNTERSIGN_DEMO_DAYS",
        default_value_t = crate::demo::DAYS_MAX,
        value_parser = clap::value_parser!(u64).range(..=crate::demo::DAYS_MAX)
    )]
    demo_days: u64,
    /// Megabytes that must be free on the volumes for proposals and reviews to be taken in [default: 5 % of the
    /// volume, at least 512 and at most 4096].
    #[arg(long = "free-mb-min", env = "COUNTERSIGN_FREE_MB_MIN", value_name = "MB")]
    free_mb_min: Option<u32>,
    /// Seconds in which a review may be taken back once people have decided, at low, medium and high risk, where the
    /// policy does not say [default: 10,30,0].
    #[arg(long = "retract-seconds", env = "COUNTERSIGN_RETRACT_SECONDS", value_name = "LOW,MEDIUM,HIGH", value_parser = retract_windows)]
    retract_windows: Option<RetractWindows>,
    /// Key directory [default: DATA/keys]. Keep it out of the database's backups.
    #[arg(long, env = "COUNTERSIGN_KEYS")]
    keys: Option<PathBuf>,
    /// Directory of the built pages' files [default: "site" beside the program].
    #[arg(long, env = "COUNTERSIGN_SITE")]
    site: Option<PathBuf>,
    /// Directory of PostgreSQL's programs.
    #[arg(long, env = "COUNTERSIGN_PG_BIN", value_name = "DIR")]
    pg_bin: Option<PathBuf>,
    /// User to run PostgreSQL as when this process is root.
    #[arg(long, env = "COUNTERSIGN_PG_USER", value_name = "USER")]
    pg_user: Option<String>,
    /// Directory for PostgreSQL's socket.
    #[arg(long, env = "COUNTERSIGN_PG_SOCKET_DIR", value_name = "DIR")]
    pg_socket_dir: Option<PathBuf>,
    /// Leave PostgreSQL running at the end.
    #[arg(long)]
    keep_postgres: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// A PostgreSQL server that somebody else runs.
#[derive(Debug, Args)]
struct DatabaseArgs {
    /// Connection of the role countersign_app; without it, PostgreSQL runs in the data directory.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// Connection of the role countersign_sequencer [default: the first one with this user].
    #[arg(long, env = "COUNTERSIGN_SEQUENCER_URL", hide_env_values = true, value_name = "URL")]
    sequencer_url: Option<String>,
    /// Connection of the role countersign_owner [default: the first one with this user].
    #[arg(long, env = "COUNTERSIGN_OWNER_URL", hide_env_values = true, value_name = "URL")]
    owner_url: Option<String>,
}

impl DatabaseArgs {
    fn urls(self) -> Result<Option<Urls>, Invalid> {
        self.database_url.map(|app| Urls::new(app, self.sequencer_url, self.owner_url)).transpose()
    }
}

#[derive(Debug, Subcommand)]
enum SystemCommand {
    /// Registers an AI system.
    Register {
        /// Its name, as screens show it.
        name: String,
        #[command(flatten)]
        installation: InstallationArgs,
    },
}

#[derive(Debug, Subcommand)]
enum TypeCommand {
    /// Defines what a JSON file holds; the same again changes nothing.
    Define {
        /// The file: one definition, or a list.
        file: PathBuf,
        #[command(flatten)]
        installation: InstallationArgs,
    },
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Says whether reviews have to be signed with a passkey, for decisions proposed from now on.
    SignedReviews {
        /// Whether they have to.
        #[arg(value_enum)]
        demand: Demand,
        #[command(flatten)]
        installation: InstallationArgs,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Demand {
    /// Every review is signed.
    Required,
    /// None needs to be.
    Off,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Makes a key and prints it this once.
    Create {
        /// Name of the registered system.
        #[arg(long)]
        system: String,
        #[command(flatten)]
        installation: InstallationArgs,
    },
}

/// The recorded agent.
#[derive(Debug, Args)]
struct ReplayArgs {
    /// Address of the installation.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// Key of the system airline-agent.
    #[arg(long, env = "COUNTERSIGN_API_KEY", hide_env_values = true)]
    key: String,
    /// Starts every idempotency key, so that another replay proposes anew.
    #[arg(long, default_value = "replay")]
    prefix: String,
    /// Runs that go on at once; each has one open decision at a time.
    #[arg(long, default_value_t = 40)]
    at_once: usize,
}

/// Which installation.
#[derive(Debug, Args)]
struct InstallationArgs {
    /// Its data directory.
    #[arg(long, env = "COUNTERSIGN_DATA")]
    data: PathBuf,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A setting cannot be used.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The embedded PostgreSQL.
    #[error("{0}")]
    Postgres(#[from] countersign_postgres::Error),
    /// A use case refused or failed.
    #[error("{}", Told(.0))]
    Engine(#[from] countersign_engine::Error),
    /// A file or socket.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The route table and the application differ.
    #[error("the route table is not complete: {}", .0.join("; "))]
    Routes(Vec<String>),
    /// Something that a person can mend.
    #[error("{0}")]
    Told(String),
}

impl Failure {
    /// Makes the conversion of an I/O error that says what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Failure {
        let doing = doing.into();
        |source| Failure::Io { doing, source }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Failure::Invalid(_) => CONFIGURATION,
            Failure::Postgres(error) => error.exit_code(),
            Failure::Engine(countersign_engine::Error::Setup(_)) => CONFIGURATION,
            Failure::Engine(countersign_engine::Error::Unavailable(_)) => UNAVAILABLE,
            Failure::Engine(_) | Failure::Io { .. } | Failure::Routes(_) | Failure::Told(_) => 1,
        }
    }
}

/// Writes an engine's error with its cause for whoever sits at the machine.
struct Told<'a>(&'a countersign_engine::Error);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start(cli.log_format, &cli.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("countersign: starting the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(dispatch(cli.command));
    // A stuck blocking task must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("countersign: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(arguments) => serve::serve(arguments.config()?).await?,
        Command::System(SystemCommand::Register { name, installation }) => {
            operator::register_system(&installation.data, installation.database.urls()?, &name).await?;
        }
        Command::Key(KeyCommand::Create { system, installation }) => {
            operator::create_key(&installation.data, installation.database.urls()?, &system).await?;
        }
        Command::Type(TypeCommand::Define { file, installation }) => {
            operator::define_types(&installation.data, installation.database.urls()?, &file).await?;
        }
        Command::Policy(PolicyCommand::SignedReviews { demand, installation }) => {
            let signed = demand == Demand::Required;
            operator::demand_signatures(&installation.data, installation.database.urls()?, signed).await?;
        }
        Command::Replay(args) => {
            let desk = replay::Desk::new(&args.url, None, args.key)?;
            for (outcome, count) in replay::all(desk, &args.prefix, args.at_once).await?.0 {
                println!("{outcome} {count}");
            }
        }
        Command::Verify(VerifyArgs { path, database, keys, trust, held, json }) => {
            let subject = match (path, database) {
                (_, Some(url)) => Subject::Database { url, keys },
                (path, None) => Subject::File(path.unwrap_or_default()),
            };
            return Ok(ExitCode::from(verify::verify(subject, trust, &held, json).await?));
        }
        Command::Export(ExportArgs { to, data, database, held, server }) => {
            let from = match database {
                Some(url) => verify::From::Database(url),
                None => verify::From::Installation(data.unwrap_or_default(), server.urls()?),
            };
            verify::export(from, &to, &held).await?;
        }
        #[cfg(any(test, feature = "bench"))]
        Command::Bench(arguments) => crate::bench::run(arguments).await?,
        #[cfg(any(test, feature = "drill"))]
        Command::Drill(arguments) => crate::drill::run(arguments).await?,
    }

    Ok(ExitCode::SUCCESS)
}

impl ServeArgs {
    fn config(self) -> Result<config::Serve, Failure> {
        let postgres = match self.database.urls()? {
            Some(urls) => Postgres::External(urls),
            None => Postgres::Embedded {
                programs: self.pg_bin,
                user: self.pg_user,
                socket_dir: self.pg_socket_dir,
                keep: self.keep_postgres,
            },
        };
        let keys = self.keys.unwrap_or_else(|| self.data.join("keys"));
        let site = match self.site {
            Some(site) => site,
            None => {
                let program = std::env::current_exe().map_err(Failure::io("finding this program"))?;
                program.with_file_name("site")
            }
        };
        Ok(config::Serve {
            data: self.data,
            keys,
            port: self.port,
            public_origin: self.public_origin,
            trusted_proxies: self.trusted_proxies,
            allowed_networks: self.allowed_networks,
            plain_http: self.plain_http,
            demo: self.demo,
            demo_days: self.demo_days,
            free_bytes_min: self.free_mb_min.map(|megabytes| u64::from(megabytes) * 1024 * 1024),
            retract_windows: self.retract_windows.unwrap_or_default(),
            postgres,
            site,
        })
    }
}

/// Reads three numbers of seconds.
fn retract_windows(text: &str) -> Result<RetractWindows, String> {
    let seconds: Vec<u64> = text.split(',').map_while(|part| part.trim().parse().ok()).collect();
    match seconds[..] {
        [low, medium, high] if seconds.iter().all(|seconds| *seconds <= RETRACT_SECONDS_MAX) => {
            Ok(RetractWindows { low, medium, high })
        }
        _ => Err(format!("write three numbers from 0 to {RETRACT_SECONDS_MAX}, such as 10,30,0")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_plain_http_origin_on_the_network_is_refused() {
        let arguments = ["countersign", "serve", "--data", "/d", "--public-origin", "http://desk.example.org"];

        let refusal = Cli::try_parse_from(arguments).unwrap_err().to_string();

        assert!(refusal.contains("plain http"), "{refusal}");
    }
}
