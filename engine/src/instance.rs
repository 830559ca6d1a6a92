//! The running engine: pools, keys, policies, the sequencer and its followers.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign_domain::{event::Event, ids::EntryId, view::Change};
use countersign_ledger::note::Verifier;
use sqlx::{PgPool, Postgres, Transaction, postgres::PgPoolOptions};
use tokio::{
    sync::{Notify, broadcast, oneshot, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    Clock, Config,
    authorize::{self, Action, Permit, Policies, Target},
    caller::Caller,
    clock::SystemClock,
    connect,
    counter::Counter,
    db,
    envelope::Envelope,
    error::{Error, Result},
    expiry, health, notices,
    password::Hasher,
    policies,
    presence::Arrived,
    reads, refusals, scim, secret,
    sequencer::{self, Sequencer},
    signing::{Hold, Keys},
    staffing, tail,
    vault::Vault,
};

/// The engine; a cheap handle to one instance.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What all handles of one instance share; its fields are this crate's alone.
pub struct Inner {
    pub(crate) config: Config,
    pub(crate) app: PgPool,
    pub(crate) sealing: PgPool,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) clock_offset: AtomicI64,
    pub(crate) policies: Policies,
    pub(crate) vault: Vault,
    pub(crate) envelope: Envelope,
    pub(crate) hasher: Hasher,
    pub(crate) operator: Uuid,
    pub(crate) log: Log,
    pub(crate) reads: reads::Buffer,
    pub(crate) head: watch::Sender<Head>,
    pub(crate) wake: Notify,
    pub(crate) waiting: Mutex<HashMap<EntryId, oneshot::Sender<u64>>>,
    pub(crate) changes: broadcast::Sender<Arc<Change>>,
    /// Who opens a decision that others have open, at this instance.
    pub(crate) arrivals: broadcast::Sender<Arrived>,
    pub(crate) backlog: Backlog,
    /// Failures of unknown accounts by network: one leaf a minute, so that a flood cannot fill the log.
    pub(crate) strangers: Counter,
    /// Refusals of known callers at the door.
    pub(crate) refusals: refusals::Refusals,
    pub(crate) health: health::Gauges,
    /// Fetches of log files by reader: one leaf an hour.
    pub(crate) log_readers: Counter,
    pub(crate) stopped: RwLock<Option<String>>,
    pub(crate) shutdown: watch::Sender<bool>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

/// The log that this installation writes.
pub(crate) struct Log {
    pub(crate) row: i16,
    pub(crate) id: String,
    pub(crate) origin: String,
    pub(crate) verifier: Verifier,
    pub(crate) vkey: String,
}

/// The signed head as this instance knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Signed size.
    pub(crate) size: u64,
}

/// Committed entries that have no place yet, probed every 250 ms.
#[derive(Default)]
pub(crate) struct Backlog {
    pub(crate) count: AtomicU64,
    pub(crate) oldest_ms: AtomicU64,
}

/// Entries that may wait before everything that appends is refused (`ledger.md` 7).
const BACKLOG_COUNT_MAX: u64 = 4_096;
/// Age of the oldest of them, in milliseconds.
const BACKLOG_AGE_MAX_MS: u64 = 5_000;

/// What a health check sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// Entries get their place in time.
    pub sealing: bool,
    /// Database and high-water file agree.
    pub high_water: bool,
    /// There is room on every volume.
    pub disk: bool,
    /// This server's clock and the database's agree.
    pub clock: bool,
}

impl Readiness {
    /// Tells whether traffic may come.
    pub const fn ok(self) -> bool {
        self.database && self.sealing && self.high_water && self.disk && self.clock
    }
}

/// Whether a server with `fsync` off is accepted, which loses acknowledged acts in a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    Demanded,
    #[cfg(feature = "testing")]
    Waived,
}

impl Engine {
    /// Migrates the database, opens the log, and starts sealing.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] with what to do, or the database's fault.
    pub async fn start(config: Config) -> Result<Self> {
        Self::start_with(config, Durability::Demanded, Box::new(SystemClock)).await
    }

    pub(crate) async fn start_with(config: Config, durability: Durability, clock: Box<dyn Clock>) -> Result<Self> {
        let (engine, keys) = Self::open(config, Hold::Exclusive, durability, clock).await?;
        let (batches, followed) = tokio::sync::mpsc::channel(64);
        engine.spawn(tail::run(engine.clone(), Some(followed)));
        engine.spawn(reads::run(engine.clone()));
        engine.spawn(sequencer::run(Sequencer::new(engine.clone(), keys, batches)?));
        engine.spawn(probe_backlog(engine.clone()));
        policies::activate_bootstrap(&engine).await?;
        engine.spawn(expiry::run(engine.clone()));
        engine.spawn(scim::due::run(engine.clone()));
        engine.spawn(staffing::run(engine.clone()));
        engine.measure_space();
        engine.spawn(health::run(engine.clone()));

        Ok(engine)
    }

    /// Opens the engine beside a serving process, for one command: it appends, and leaves sealing to the other.
    ///
    /// # Errors
    ///
    /// As [`Engine::start`].
    pub async fn beside(config: Config) -> Result<Self> {
        let (engine, _) = Self::open(config, Hold::Beside, Durability::Demanded, Box::new(SystemClock)).await?;
        engine.spawn(tail::run(engine.clone(), None));
        engine.spawn(reads::run(engine.clone()));

        Ok(engine)
    }

    pub(crate) async fn open(
        config: Config,
        hold: Hold,
        durability: Durability,
        clock: Box<dyn Clock>,
    ) -> Result<(Self, Keys)> {
        let mut keys = Keys::open(&config.keys, config.host(), hold)?;
        if hold == Hold::Exclusive {
            migrate(&config.database.owner).await?;
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let app = pool(&config.database.app, u32::try_from(3 * cores).unwrap_or(12).max(8)).await?;
        let sealing = pool(&config.database.sequencer, 2).await?;
        check_server(&app, durability).await?;
        let envelope = open_envelope(&app, &mut keys, hold, clock.now()).await?;
        let row = sequencer::open_log(&sealing, &keys, config.host(), clock.now(), hold).await?;
        let engine = Self(Arc::new(Inner {
            vault: Vault::new(keys.kek.clone(), keys.grouping.clone()),
            envelope,
            operator: keys.operator,
            log: Log {
                row,
                id: keys.log().to_owned(),
                origin: keys.origin.clone(),
                verifier: keys.signer.verifier().clone(),
                vkey: keys.signer.vkey(),
            },
            policies: Policies::compiled()?,
            hasher: Hasher::new(cores),
            reads: reads::Buffer::new(),
            head: watch::channel(Head::default()).0,
            wake: Notify::new(),
            waiting: Mutex::default(),
            changes: broadcast::channel(4_096).0,
            arrivals: broadcast::channel(256).0,
            backlog: Backlog::default(),
            strangers: Counter::every(60_000),
            refusals: refusals::Refusals::new(),
            health: health::Gauges::new(config.free_bytes_min),
            log_readers: Counter::every(3_600_000),
            stopped: RwLock::default(),
            shutdown: watch::channel(false).0,
            workers: Mutex::default(),
            clock,
            clock_offset: AtomicI64::new(0),
            app,
            sealing,
            config,
        }));

        Ok((engine, keys))
    }

    /// Finishes the running batch, ends the workers and closes the pools.
    pub async fn stop(&self) {
        self.0.shutdown.send_replace(true);
        let workers = std::mem::take(&mut *self.0.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            if let Err(error) = worker.await {
                tracing::error!(%error, "A worker did not end cleanly");
            }
        }
        self.0.app.close().await;
        self.0.sealing.close().await;
    }

    /// Returns the time, in milliseconds since 1970 UTC.
    pub fn now(&self) -> u64 {
        self.0.clock.now().saturating_add_signed(self.0.clock_offset.load(Ordering::Relaxed))
    }

    /// Moves the clock, for tests of sessions and deadlines.
    #[cfg(feature = "testing")]
    pub fn set_clock_offset(&self, milliseconds: i64) {
        self.0.clock_offset.store(milliseconds, Ordering::Relaxed);
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Follows what is sealed, as ids and kinds. A receiver that lags reads the state anew.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Change>> {
        self.0.changes.subscribe()
    }

    /// Follows who opens decisions at this instance. Whoever misses one learns it at their page's next sign of life.
    pub fn arrivals(&self) -> broadcast::Receiver<Arrived> {
        self.0.arrivals.subscribe()
    }

    /// Looks at everything that must work before traffic may come.
    pub async fn ready(&self) -> Readiness {
        let answers = async {
            // Counted anew: after an outage the last count is of the time before it.
            let mut conn = self.0.app.acquire().await?;
            db::entries::backlog(&mut conn).await.map(|backlog| self.note_backlog(&backlog))
        };
        let database = tokio::time::timeout(Duration::from_secs(2), answers).await.is_ok_and(|answer| answer.is_ok());
        let (disk, clock) = self.room_and_clock();
        Readiness { database, sealing: self.seals().is_ok(), high_water: self.stopped().is_none(), disk, clock }
    }

    /// Returns why the sequencer refuses to sign, if it does.
    pub fn stopped(&self) -> Option<String> {
        self.0.stopped.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_stopped(&self, reason: Option<String>) {
        *self.0.stopped.write().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Refuses when an entry would wait too long for its place, so that nothing happens unsealed.
    pub(crate) fn seals(&self) -> Result<()> {
        if let Some(reason) = self.stopped() {
            return Err(Error::CannotSeal(reason));
        }
        let count = self.0.backlog.count.load(Ordering::Relaxed);
        let oldest_ms = self.0.backlog.oldest_ms.load(Ordering::Relaxed);
        if count >= BACKLOG_COUNT_MAX || oldest_ms >= BACKLOG_AGE_MAX_MS {
            return Err(Error::CannotSeal(format!("{count} entries wait, the oldest for {} s", oldest_ms / 1_000)));
        }
        Ok(())
    }

    fn note_backlog(&self, backlog: &db::entries::BacklogRow) {
        self.0.backlog.count.store(u64::try_from(backlog.count).unwrap_or(0), Ordering::Relaxed);
        self.0.backlog.oldest_ms.store(u64::try_from(backlog.oldest_ms).unwrap_or(0), Ordering::Relaxed);
    }

    /// Begins a transaction; the only place that does.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that begins")]
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self.0.app.begin().await?)
    }

    /// Runs a write to its end even when the client hangs up, again when the database asks for it
    /// (serialization failure, deadlock; three times at most), and puts a refusal on record.
    pub(crate) async fn act<T, Fut>(
        &self,
        caller: &Caller,
        act: impl Fn(Engine, Caller) -> Fut + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T>> + Send,
    {
        let (engine, caller) = (self.clone(), caller.clone());
        let task = tokio::spawn(async move {
            let mut attempt = 0;
            loop {
                match act(engine.clone(), caller.clone()).await {
                    Err(error) if error.is_transient() && attempt < 3 => {
                        attempt += 1;
                        let jitter = u64::from(secret::random::<1>()[0] % 16);
                        tokio::time::sleep(Duration::from_millis(5 * attempt + jitter)).await;
                    }
                    result => return engine.noted(&caller, result).await,
                }
            }
        });
        task.await.map_err(|error| Error::Setup(format!("a use case ended early: {error}")))?
    }

    /// Passes a result on, after putting a refusal on record.
    pub(crate) async fn noted<T>(&self, caller: &Caller, result: Result<T>) -> Result<T> {
        if let Err(Error::Forbidden(denial) | Error::Hidden(denial)) = &result {
            self.record_denial(caller, denial).await?;
        }
        result
    }

    /// A refusal has a transaction of its own, because the act's rolls back.
    async fn record_denial(&self, caller: &Caller, denial: &authorize::Denial) -> Result<()> {
        let event =
            Event::Denied { action: denial.action.word(), object: denial.object.clone(), cause: denial.cause() };
        reads::record(self, caller, denial.permit.clone(), &event, reads::Shown::default()).await.map(|_| ())
    }

    /// Decides whether the caller may do this, by the roles that this transaction sees.
    pub(crate) async fn authorize(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        caller: &Caller,
        action: Action,
        target: Target,
    ) -> Result<Permit> {
        authorize::authorize(tx, &self.0.policies, self.0.operator, caller, action, target, self.now()).await
    }

    /// The installation as a whole, as authorisation sees it.
    pub(crate) fn installation(&self) -> Target {
        Target::Installation { demo: self.0.config.demo, has_admin: true }
    }

    /// Commits, and says so when it cannot be known whether that happened.
    pub(crate) async fn commit(&self, tx: Transaction<'static, Postgres>) -> Result<()> {
        tx.commit().await.map_err(|error| match Error::from(error) {
            Error::Unavailable(source) => Error::OutcomeUnknown(source),
            other => other,
        })?;
        self.0.wake.notify_one();
        Ok(())
    }

    pub(crate) fn id(&self) -> Uuid {
        secret::id_at(self.now())
    }

    pub(crate) fn shutdown(&self) -> watch::Receiver<bool> {
        let mut shutdown = self.0.shutdown.subscribe();
        // A worker that begins after the stop was told would wait for it for ever.
        if *shutdown.borrow() {
            shutdown.mark_changed();
        }
        shutdown
    }

    /// Begins to send notices outside the page, several at once, until the engine stops.
    pub fn carry_notices(&self, carrier: Arc<dyn notices::deliver::Carrier>) {
        for _ in 0..notices::deliver::WORKERS {
            self.spawn(notices::deliver::run(self.clone(), carrier.clone()));
        }
    }

    fn spawn(&self, worker: impl Future<Output = ()> + Send + 'static) {
        self.0.workers.lock().unwrap_or_else(PoisonError::into_inner).push(tokio::spawn(worker));
    }
}

impl std::ops::Deref for Engine {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

async fn pool(url: &str, connections: u32) -> Result<PgPool> {
    // A rollback outside a transaction only warns, and is the rule rather than the exception (below).
    let options = connect::options(url)?.options([("client_min_messages", "error")]);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(2))
        .max_lifetime(Duration::from_secs(30 * 60))
        .test_before_acquire(true)
        // sqlx is not cancel-safe at BEGIN: a future dropped there would hand the next user an open
        // transaction. A rollback outside a transaction is only a warning; a failing one closes the connection.
        .after_release(|conn, _| Box::pin(async move { Ok(db::logs::rollback(conn).await.is_ok()) }))
        .after_connect(|conn, _| {
            Box::pin(async move {
                match db::logs::in_recovery(conn).await? {
                    true => Err(sqlx::Error::Configuration("the server is a standby".into())),
                    false => Ok(()),
                }
            })
        })
        .connect_lazy_with(options);
    drop(pool.acquire().await.map_err(connect::failed)?);
    Ok(pool)
}

async fn migrate(url: &str) -> Result<()> {
    let owner = pool(url, 1).await?;
    let result = crate::MIGRATOR.run(&owner).await;
    owner.close().await;
    result.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => Error::Setup(format!(
            "The database was migrated to version {version}, which this binary does not know. Start the newer binary, or restore a backup."
        )),
        other => Error::Setup(format!("The database could not be migrated: {other}")),
    })
}

/// Opens the master keys. The first start makes one; a later start without the key that secrets were sealed
/// under is refused, because it could use none of them.
async fn open_envelope(app: &PgPool, keys: &mut Keys, hold: Hold, now: u64) -> Result<Envelope> {
    let mut conn = app.acquire().await?;
    if keys.master.is_empty() && hold == Hold::Exclusive && db::envelope_checks::list(&mut conn).await?.is_empty() {
        keys.make_master()?;
    }
    let envelope = Envelope::new(keys.master.clone(), &keys.operator.to_string());
    envelope.check(&mut conn, now).await?;
    Ok(envelope)
}

async fn check_server(app: &PgPool, durability: Durability) -> Result<()> {
    let settings = db::logs::settings(&mut *app.acquire().await?).await?;
    if durability == Durability::Demanded && !(settings.fsync && settings.full_page_writes) {
        return Err(Error::Setup(
            "The PostgreSQL server runs with fsync or full_page_writes off, so a power cut loses acknowledged decisions. Turn both on and restart it.".into(),
        ));
    }
    if settings.superuser {
        return Err(Error::Setup(
            "The application connects as a superuser, for whom no grant and no trigger holds. Connect as countersign_app.".into(),
        ));
    }
    Ok(())
}

async fn probe_backlog(engine: Engine) {
    let mut shutdown = engine.shutdown();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(250)) => {}
            _ = shutdown.changed() => return,
        }
        let probe = async { db::entries::backlog(&mut *engine.app.acquire().await?).await };
        if let Ok(backlog) = probe.await {
            engine.note_backlog(&backlog);
        }
    }
}
