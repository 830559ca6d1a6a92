//! Starting, serving and stopping.

use std::{
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body};
use countersign_engine::{Engine, setup};
use countersign_outbound::Allowed;
use countersign_postgres::{Cluster, DATABASE, Role};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use crate::{
    Server,
    cli::Failure,
    config::{Origin, Postgres, Serve, Urls},
    demo,
    files::Files,
    layers::Peer,
    notices,
    replay::Desk,
    routes,
    server::Phase,
};

/// How long a client may take over its headers.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Room for an address of 8 KiB and headers of 16 KiB, which the entrance counts exactly.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long balancers get to see that the server leaves.
const LEAVING: Duration = Duration::from_secs(2);
/// How long running requests get to end.
const DRAIN: Duration = Duration::from_secs(10);
/// When the process ends whatever is still running.
const WATCHDOG: Duration = Duration::from_secs(20);

/// Runs an installation until a signal stops it.
pub(crate) async fn serve(config: Serve) -> Result<(), Failure> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, config.port)))
        .await
        .map_err(Failure::io(format!("listening on port {}", config.port)))?;
    let port = listener.local_addr().map_err(Failure::io("reading the port"))?.port();
    let origin = config.public_origin.clone().unwrap_or_else(|| Origin::loopback(port));
    let files = Files::read(&config.site).map_err(Failure::io(format!("reading {}", config.site.display())))?;

    let (urls, cluster) = open_database(&config).await?;
    private_dir(&config.keys)?;
    Installation::new(&config, &origin, cluster.as_ref()).write(&config.data)?;
    say("Opening the ledger …");
    let asked = countersign_engine::Config {
        database: urls.into(),
        keys: config.keys.clone(),
        public_origin: origin.as_str().to_owned(),
        demo: config.demo,
        free_bytes_min: config.free_bytes_min,
        retract_windows: config.retract_windows,
    };
    let (engine, demo) = match config.demo {
        true => {
            let (engine, demo) = demo::start(asked, config.demo_days, say).await?;
            (engine, Some(demo))
        }
        false => {
            let engine = Engine::start(asked).await?;
            offer_setup(&engine, &origin, &config.data).await?;
            (engine, None)
        }
    };
    engine.watch_volume(config.data.clone());

    let allowed = Allowed { networks: config.allowed_networks.clone(), plain_http: config.plain_http, own: None };
    let server = Server::reaching(engine.clone(), origin, config.trusted_proxies.clone(), files, allowed);
    let router = routes::router(&server).map_err(Failure::Routes)?;
    notices::begin(&server);
    let mut signals = Signals::new()?;
    say(&format!("ready http://127.0.0.1:{port}"));
    let recorded = match demo {
        Some(demo) => {
            let host = Some(server.origin().authority().to_owned());
            let desk = Desk::new(&format!("http://127.0.0.1:{port}"), host, demo.key.clone())?;
            Some(tokio::spawn(demo.run(desk)))
        }
        None => None,
    };
    let connections = GracefulShutdown::new();
    tokio::select! {
        () = accept(&listener, &router, &connections) => {}
        () = signals.wait() => {}
    }

    tokio::spawn(watchdog(signals));
    if let Some(recorded) = recorded {
        recorded.abort();
    }
    server.enter(Phase::Leaving);
    say("Stopping …");
    // Accepting never ends by itself.
    let _ = timeout(LEAVING, accept(&listener, &router, &connections)).await;
    server.enter(Phase::Closing);
    drop(listener);
    if timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::warn!("Requests were cut off after {} s", DRAIN.as_secs());
    }
    engine.stop().await;
    if let Some(cluster) = cluster {
        cluster.stop().await?;
    }
    say("Stopped.");

    Ok(())
}

/// Takes connections for ever.
pub(crate) async fn accept(listener: &TcpListener, router: &Router, connections: &GracefulShutdown) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => answer(stream, peer, router.clone(), connections),
            Err(error) => {
                // Most often no file descriptor is left; the next one is freed by a request that ends.
                tracing::warn!(%error, "A connection could not be taken");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn answer(stream: TcpStream, peer: SocketAddr, router: Router, connections: &GracefulShutdown) {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "A connection broke");
        }
    });
}

/// The embedded PostgreSQL of this process.
pub(crate) struct Embedded {
    cluster: Arc<Cluster>,
    watch: countersign_postgres::Watch,
    keep: bool,
}

impl Embedded {
    /// Ends it, or leaves it running when it is to be kept.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        let Embedded { cluster, watch, keep } = self;
        tokio::task::spawn_blocking(move || {
            drop(watch);
            if keep { Ok(()) } else { cluster.stop() }
        })
        .await
        .map_err(|error| Failure::Told(format!("stopping PostgreSQL: {error}")))??;

        Ok(())
    }
}

/// Starts the embedded PostgreSQL, or names the one that somebody else runs.
pub(crate) async fn open_database(config: &Serve) -> Result<(Urls, Option<Embedded>), Failure> {
    let (programs, user, socket_dir, keep) = match &config.postgres {
        Postgres::External(urls) => {
            create_dir(&config.data)?;
            say("Using the PostgreSQL server of DATABASE_URL.");
            return Ok((urls.clone(), None));
        }
        Postgres::Embedded { programs, user, socket_dir, keep } => {
            (programs.clone(), user.clone(), socket_dir.clone(), *keep)
        }
    };
    let mut cluster = countersign_postgres::Config::new(&config.data);
    cluster.pg_bin = programs;
    cluster.pg_user = user;
    cluster.socket_dir = socket_dir;
    let started = tokio::task::spawn_blocking(move || Cluster::start(&cluster, &say)).await;
    let cluster = Arc::new(started.map_err(|error| Failure::Told(format!("starting PostgreSQL: {error}")))??);
    let watch = cluster.watch(|line| tracing::error!("{line}"));
    let urls = Urls {
        app: cluster.url(Role::App, DATABASE),
        sequencer: cluster.url(Role::Sequencer, DATABASE),
        owner: cluster.url(Role::Owner, DATABASE),
    };

    Ok((urls, Some(Embedded { cluster, watch, keep })))
}

/// What commands beside a running installation need to find it: `<data>/installation.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Installation {
    /// Address that people and agents use.
    pub(crate) public_origin: String,
    /// Key directory.
    pub(crate) keys: PathBuf,
    /// A demo installation.
    pub(crate) demo: bool,
    /// Addresses of the embedded PostgreSQL, which hold no password.
    pub(crate) database: Option<Addresses>,
}

/// One address per role.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Addresses {
    app: String,
    sequencer: String,
    owner: String,
}

impl From<Addresses> for Urls {
    fn from(addresses: Addresses) -> Self {
        Urls { app: addresses.app, sequencer: addresses.sequencer, owner: addresses.owner }
    }
}

impl Installation {
    const FILE: &'static str = "installation.json";

    fn new(config: &Serve, origin: &Origin, embedded: Option<&Embedded>) -> Self {
        let database = embedded.map(|Embedded { cluster, .. }| Addresses {
            app: cluster.url(Role::App, DATABASE),
            sequencer: cluster.url(Role::Sequencer, DATABASE),
            owner: cluster.url(Role::Owner, DATABASE),
        });
        let keys = fs::canonicalize(&config.keys).unwrap_or_else(|_| config.keys.clone());
        Self { public_origin: origin.as_str().to_owned(), keys, demo: config.demo, database }
    }

    fn write(&self, data: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).expect("paths were arguments, so they are text") + "\n";
        private_file(&data.join(Self::FILE), &text)
    }

    /// Reads what the serving process wrote.
    pub(crate) fn read(data: &Path) -> Result<Self, Failure> {
        let path = data.join(Self::FILE);
        let text = fs::read(&path)
            .map_err(Failure::io(format!("reading {} (has this installation been started?)", path.display())))?;
        serde_json::from_slice(&text)
            .map_err(|error| Failure::Told(format!("{} cannot be read: {error}", path.display())))
    }
}

/// Prints the way in while there is no admin, and keeps it in a file for whoever runs the machine.
async fn offer_setup(engine: &Engine, origin: &Origin, data: &Path) -> Result<(), Failure> {
    let path = data.join("setup-link");
    match setup::new_link(engine).await? {
        Some(token) => {
            let link = format!("{}/setup?token={}", origin.as_str(), token.reveal());
            private_file(&path, &format!("{link}\n"))?;
            say("There is no admin yet. Open this link within 30 minutes to become the first; it works once:");
            say(&format!("  {link}"));
            say(&format!("It is also in {}.", path.display()));
        }
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::io(format!("removing {}", path.display()))(error));
            }
            _ => {}
        },
    }
    Ok(())
}

fn create_dir(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(Failure::io(format!("creating {}", path.display())))
}

/// Creates the directory for this user alone, or checks that it is.
pub(crate) fn private_dir(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let doing = || format!("creating {}", path.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Failure::io(doing()))?;
    let mode = fs::metadata(path).map_err(Failure::io(doing()))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::Invalid(crate::config::Invalid(format!(
        "The key directory {} is open to other users (mode {mode:o}). Run: chmod 700 {}",
        path.display(),
        path.display()
    ))))
}

/// Writes a file for this user alone, whole or not at all.
fn private_file(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let fresh = path.with_extension("tmp");
        let _ = fs::remove_file(&fresh);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(Failure::io(format!("writing {}", path.display())))
}

/// Tells whoever started the program what it does, on standard output.
fn say(line: &str) {
    // A closed terminal is no reason to stop serving.
    let _ = writeln!(io::stdout(), "{line}");
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::io("listening for signals"));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends the process when stopping takes too long, or when it is told a second time. PostgreSQL is
/// left running then, and the next start adopts it.
async fn watchdog(mut signals: Signals) {
    tokio::select! {
        () = sleep(WATCHDOG) => tracing::error!("Stopping took longer than {} s; the process ends here", WATCHDOG.as_secs()),
        () = signals.wait() => tracing::warn!("Told to stop a second time; the process ends here"),
    }
    std::process::exit(1);
}
