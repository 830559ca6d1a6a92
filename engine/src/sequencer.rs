//! The one writer of order: gives committed entries their index, signs, publishes.
//!
//! A lease with a fencing epoch says who leads; it gives liveness only. Safety comes from the epoch in
//! every update, the row lock on the head, the unique index on places, and the high-water file:
//!
//! 1. [`Sequencer::place`] indexes a batch and moves the head in one transaction (T1);
//! 2. [`Sequencer::sign`] signs only what T1 committed and what extends the high-water mark, and has
//!    the mark on disk before the signature leaves the process;
//! 3. [`Sequencer::announce`] stores the signed size (T2) and wakes whoever waits.
//!
//! A crash between any two steps signs the same bytes again at the next start, because Ed25519 is
//! deterministic and a checkpoint holds no time.

use std::time::{Duration, Instant};

use countersign_domain::{event::Event, ids::EntryId};
use countersign_ledger::{
    checkpoint::Checkpoint,
    hash::{Hash, empty_root, leaf_hash},
    note::Signer,
    tile::{TileId, parse_tile},
    tree::{self, Tree},
};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    Engine, authorize, db,
    error::{Error, Result},
    high_water::{HighWater, Mark},
    seal, secret,
    signing::{Hold, Keys},
    tail,
};

/// Entries of one batch.
const BATCH_MAX: i64 = 1_024;
/// Shortest time from one batch to the next.
const TICK: Duration = Duration::from_millis(25);
/// How often an idle sequencer looks for entries of other processes.
const IDLE: Duration = Duration::from_millis(50);
/// How often the lease is renewed; it lasts 2 s.
const RENEW: Duration = Duration::from_millis(500);
/// Shortest time between two published checkpoints.
const PUBLISH: Duration = Duration::from_secs(1);

/// The sequencer of one process.
pub(crate) struct Sequencer {
    engine: Engine,
    keys: Keys,
    high_water: HighWater,
    instance: Uuid,
    epoch: i64,
    tree: Tree,
    signed: Option<(u64, String)>,
    published: Option<Instant>,
    published_size: u64,
    batches: mpsc::Sender<tail::Batch>,
}

/// Why the sequencer left its work.
#[derive(Debug)]
pub(crate) enum Left {
    /// Another instance leads.
    SteppedDown,
    /// Signing would be a rollback or a fork, or stored bytes do not fit their hash.
    Stopped(String),
    /// The database failed; load again.
    Failed(Error),
}

impl From<Error> for Left {
    fn from(error: Error) -> Self {
        Left::Failed(error)
    }
}

impl From<sqlx::Error> for Left {
    fn from(error: sqlx::Error) -> Self {
        Left::Failed(error.into())
    }
}

impl From<countersign_ledger::Error> for Left {
    fn from(error: countersign_ledger::Error) -> Self {
        Left::Stopped(error.to_string())
    }
}

impl From<std::io::Error> for Left {
    fn from(error: std::io::Error) -> Self {
        Left::Failed(Error::Setup(format!("the high-water file cannot be written: {error}")))
    }
}

/// Finds the open log, or opens the first one: only when neither log nor high-water mark exists.
pub(crate) async fn open_log(sealing: &PgPool, keys: &Keys, host: &str, now: u64, hold: Hold) -> Result<i16> {
    let mut tx = begin(sealing).await?;
    if let Some(log) = db::logs::find_open(&mut tx).await? {
        if log.origin != keys.origin {
            return Err(Error::Setup(format!(
                "The database holds the log {}, the key directory the key of {}. Start with the directory that belongs to this database.",
                log.origin, keys.origin
            )));
        }
        return Ok(log.id);
    }
    if hold == Hold::Beside {
        return Err(Error::Setup("The installation was never started. Run `countersign serve` first.".into()));
    }
    if HighWater::open(&keys.high_water(), keys.signer.verifier()).is_ok_and(|file| file.current().is_some()) {
        return Err(Error::Setup(format!(
            "The key directory has signed for the log {}, but the database has no log. Restore the database; nothing was changed.",
            keys.origin
        )));
    }
    let vkey = keys.signer.vkey();
    db::logs::insert(&mut tx, 1, &keys.origin, &vkey, &empty_root()).await?;
    let event =
        Event::LedgerOpened { object: secret::id_at(now), log: keys.log().to_owned(), rp: host.to_owned(), vkey };
    let id = EntryId(secret::id_at(now));
    let permit = authorize::unevaluated(authorize::operator_actor(keys.operator));
    let bytes = seal::leaf(id, now, &permit, event.parts(), std::collections::BTreeMap::new()).encode()?;
    db::entries::insert(&mut tx, id.0, &bytes, &leaf_hash(&bytes)).await?;
    tx.commit().await?;
    tracing::info!(log.origin = keys.origin, "Opened the log");

    Ok(1)
}

/// Leads whenever nobody else does, until shutdown.
pub(crate) async fn run(mut sequencer: Sequencer) {
    let engine = sequencer.engine.clone();
    let mut shutdown = engine.shutdown();
    while !*shutdown.borrow() {
        match sequencer.lead().await {
            Ok(()) => break,
            Err(Left::SteppedDown) => {}
            Err(Left::Stopped(reason)) => {
                tracing::error!(reason, "The sequencer refuses to sign");
                engine.set_stopped(Some(reason));
            }
            Err(Left::Failed(error)) => tracing::warn!(%error, "The sequencer loads again"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
            _ = shutdown.changed() => {}
        }
    }
    if let Err(error) = sequencer.release().await {
        tracing::warn!(%error, "The lease was left to run out");
    }
}

impl Sequencer {
    pub(crate) fn new(engine: Engine, keys: Keys, batches: mpsc::Sender<tail::Batch>) -> Result<Self> {
        let path = keys.high_water();
        let high_water = HighWater::open(&path, keys.signer.verifier())
            .map_err(|error| Error::Setup(format!("{} cannot be opened: {error}", path.display())))?;
        Ok(Self {
            // The same after a crash, so that the lease is taken again at once; the directory's lock keeps others out.
            instance: keys.operator,
            epoch: 0,
            tree: Tree::empty(),
            signed: None,
            published: None,
            published_size: 0,
            engine,
            keys,
            high_water,
            batches,
        })
    }

    /// Takes the lease, loads, and seals batch after batch. Returns at shutdown with nothing left to place.
    async fn lead(&mut self) -> std::result::Result<(), Left> {
        let mut shutdown = self.engine.shutdown();
        self.take_lease().await?;
        self.load().await?;
        self.engine.set_stopped(None);
        let mut renewed = Instant::now();
        loop {
            let started = Instant::now();
            let stopping = *shutdown.borrow();
            let placed = self.tick().await?;
            if stopping && placed == 0 {
                self.publish(true).await?;
                return Ok(());
            }
            if renewed.elapsed() >= RENEW {
                renewed = Instant::now();
                self.renew_lease().await?;
            }
            self.publish(false).await?;
            if placed == 0 && !stopping {
                tokio::select! {
                    () = self.engine.wake.notified() => {}
                    () = tokio::time::sleep(IDLE) => {}
                    _ = shutdown.changed() => {}
                }
            }
            if !stopping {
                tokio::time::sleep(TICK.saturating_sub(started.elapsed())).await;
            }
        }
    }

    /// Places, signs and announces one batch; returns how many entries got their place.
    async fn tick(&mut self) -> std::result::Result<usize, Left> {
        let Some(batch) = self.place().await? else { return Ok(0) };
        let placed = batch.entries.len();
        self.sign()?;
        self.announce().await?;
        // A full channel only means that the follower reads this batch from the database instead.
        let _ = self.batches.try_send(batch);

        Ok(placed)
    }

    async fn take_lease(&mut self) -> std::result::Result<(), Left> {
        let mut conn = self.engine.sealing.acquire().await?;
        match db::logs::take_lease(&mut conn, self.engine.log.row, self.instance).await? {
            Some(epoch) => {
                self.epoch = epoch;
                Ok(())
            }
            None => Err(Left::SteppedDown),
        }
    }

    async fn renew_lease(&self) -> std::result::Result<(), Left> {
        let mut conn = self.engine.sealing.acquire().await?;
        match db::logs::renew_lease(&mut conn, self.engine.log.row, self.epoch).await? {
            true => Ok(()),
            false => Err(Left::SteppedDown),
        }
    }

    async fn release(&self) -> Result<()> {
        let mut conn = self.engine.sealing.acquire().await?;
        Ok(db::logs::release_lease(&mut conn, self.engine.log.row, self.epoch).await?)
    }

    /// Rebuilds the right edge, compares it with the head and the high-water mark, and signs what an
    /// earlier leader committed without signing.
    async fn load(&mut self) -> std::result::Result<(), Left> {
        let mut conn = self.engine.sealing.acquire().await?;
        let row = self.engine.log.row;
        let head = db::logs::head(&mut conn, row).await?;
        let size = u64::try_from(head.size).unwrap_or(0);
        let mut levels = Vec::new();
        for level in 0..8u32 {
            let done = (size >> (8 * level)) & !0xff;
            let width = (size >> (8 * level)) & 0xff;
            levels.push(match (level, width) {
                (_, 0) => Vec::new(),
                (0, _) => db::entries::hashes(&mut conn, row, done, width).await?,
                _ => db::logs::tile_roots(&mut conn, row, level as i16 - 1, done, width).await?,
            });
        }
        self.tree = Tree::load(size, &levels)?;
        if self.tree.root().0 != head.root.as_slice() {
            return Err(Left::Stopped(format!(
                "the entries of the database give another root at size {size} than its head; run countersign verify --database"
            )));
        }
        self.guard(&mut conn, head.signed_size > 0 || head.note.is_some()).await?;
        drop(conn);
        self.signed = head.note.map(|note| (u64::try_from(head.signed_size).unwrap_or(0), note));
        if self.signed.as_ref().is_none_or(|(signed, _)| *signed < size) && size > 0 {
            self.sign()?;
            self.announce().await?;
        }

        Ok(())
    }

    /// Compares the database with the high-water mark: a smaller or other history is never signed.
    async fn guard(&self, conn: &mut sqlx::PgConnection, signed: bool) -> std::result::Result<(), Left> {
        let size = self.tree.size();
        let Some(mark) = self.high_water.current() else {
            return match signed {
                // The very first batch may be placed by a process that dies before it signs anything.
                false => Ok(()),
                true => Err(Left::Stopped(
                    "the high-water file is missing while the log was signed; restore the key directory from its backup".into(),
                )),
            };
        };
        if mark.checkpoint.size > size {
            return Err(Left::Stopped(format!(
                "the database ends at size {size}, but size {} was signed: it was rolled back; restore a backup that reaches at least that size",
                mark.checkpoint.size
            )));
        }
        let root = root_at(conn, self.engine.log.row, mark.checkpoint.size, &self.tree).await?;
        if root != mark.checkpoint.root {
            return Err(Left::Stopped(format!(
                "the database holds another history at size {} than was signed; run countersign verify --database",
                mark.checkpoint.size
            )));
        }
        Ok(())
    }

    /// T1: gives pending entries their places and moves the head, in one transaction.
    async fn place(&mut self) -> std::result::Result<Option<tail::Batch>, Left> {
        let row = self.engine.log.row;
        let mut tx = begin(&self.engine.sealing).await?;
        let Some(head) = db::logs::lock_head(&mut tx, row, self.epoch).await? else { return Err(Left::SteppedDown) };
        let size = self.tree.size();
        if u64::try_from(head.size).ok() != Some(size) || head.root != self.tree.root().0 {
            return Err(Left::Failed(Error::Setup("the head moved under the sequencer".into())));
        }
        let pending = db::entries::list_pending(&mut tx, BATCH_MAX).await?;
        if pending.is_empty() {
            return Ok(None);
        }
        let mut hashes = Vec::with_capacity(pending.len());
        for entry in &pending {
            let hash = leaf_hash(&entry.bytes);
            if entry.leaf_hash != hash.0 {
                return Err(Left::Stopped(format!("the bytes of entry {} do not fit their hash", entry.id)));
            }
            hashes.push(hash);
        }
        let mut tree = self.tree.clone();
        let appended = tree.append(&hashes);
        let ids: Vec<_> = pending.iter().map(|entry| entry.id).collect();
        let placed = db::entries::place(&mut tx, row, size, &ids).await?;
        if placed != ids.len() as u64 {
            return Err(Left::Failed(Error::Setup(format!("placed {placed} of {} entries", ids.len()))));
        }
        for tile in &appended.filled {
            db::logs::insert_tile(&mut tx, row, tile).await?;
        }
        if !db::logs::move_head(&mut tx, row, self.epoch, size, tree.size(), &tree.root()).await? {
            return Err(Left::SteppedDown);
        }
        tx.commit().await?;
        self.tree = tree;
        let entries = pending.into_iter().map(|entry| (EntryId(entry.id), entry.bytes)).collect();

        Ok(Some(tail::Batch { first: size, entries }))
    }

    /// Signs the committed head and has it on disk outside the database before anybody sees it.
    fn sign(&mut self) -> std::result::Result<(), Left> {
        let (size, root) = (self.tree.size(), self.tree.root());
        if let Some(mark) = self.high_water.current()
            && (mark.checkpoint.size > size || (mark.checkpoint.size == size && mark.checkpoint.root != root))
        {
            return Err(Left::Stopped(format!(
                "signing size {size} would contradict the signed size {}",
                mark.checkpoint.size
            )));
        }
        let checkpoint = Checkpoint::new(self.keys.origin.clone(), size, root);
        let note = checkpoint.sign(self.signer())?;
        if self.high_water.current().map(|mark| mark.checkpoint.size) != Some(size) {
            let epoch = u64::try_from(self.epoch).unwrap_or(0);
            self.high_water.write(Mark { epoch, note: note.clone(), checkpoint })?;
        }
        self.signed = Some((size, note));

        Ok(())
    }

    fn signer(&self) -> &Signer {
        &self.keys.signer
    }

    /// T2: stores the signed size, then tells whoever waits.
    async fn announce(&mut self) -> std::result::Result<(), Left> {
        let Some((size, note)) = &self.signed else { return Ok(()) };
        let mut conn = self.engine.sealing.acquire().await?;
        if !db::logs::set_signed(&mut conn, self.engine.log.row, self.epoch, *size, note).await? {
            return Err(Left::SteppedDown);
        }
        // Only a hint for other instances; they poll anyway.
        let _ = db::logs::notify(&mut conn, *size).await;

        Ok(())
    }

    /// Stores the signed head for the public address, at most once a second.
    async fn publish(&mut self, last: bool) -> std::result::Result<(), Left> {
        let Some((size, note)) = &self.signed else { return Ok(()) };
        let due = last || self.published.is_none_or(|at| at.elapsed() >= PUBLISH);
        if *size == self.published_size || !due {
            return Ok(());
        }
        let mut conn = self.engine.sealing.acquire().await?;
        db::logs::insert_checkpoint(&mut conn, self.engine.log.row, *size, note, self.epoch).await?;
        self.published = Some(Instant::now());
        self.published_size = *size;

        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the sequencer has its own pool and its own transactions")]
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    Ok(pool.begin().await?)
}

/// Computes the root at an earlier size from stored tiles and entries.
async fn root_at(conn: &mut sqlx::PgConnection, row: i16, size: u64, tree: &Tree) -> Result<Hash> {
    if size == tree.size() {
        return Ok(tree.root());
    }
    let tiles = fetch_tiles(conn, row, &tree::tiles_for_root(size)).await?;

    Ok(tree::root_at(size, &tiles)?)
}

/// Tiles fetched ahead, for the pure proof functions.
pub(crate) type Tiles = std::collections::BTreeMap<TileId, Vec<Hash>>;

/// Fetches tiles: full ones as stored, partial ones computed from the level below.
pub(crate) async fn fetch_tiles(conn: &mut sqlx::PgConnection, row: i16, ids: &[TileId]) -> Result<Tiles> {
    let mut tiles = Tiles::new();
    for id in ids {
        let first = id.n * 256;
        let width = u64::from(id.width);
        let stored = db::logs::tile(conn, row, i16::from(id.level), id.n).await?;
        let hashes = match stored {
            Some(bytes) => {
                let full = TileId { width: 256, ..*id };
                let mut hashes = parse_tile(full, &bytes)?;
                hashes.truncate(usize::from(id.width));
                hashes
            }
            None if id.level == 0 => db::entries::hashes(conn, row, first, width).await?,
            None => db::logs::tile_roots(conn, row, i16::from(id.level) - 1, first, width).await?,
        };
        tiles.insert(*id, hashes);
    }

    Ok(tiles)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use countersign_ledger::checkpoint;

    use super::*;
    use crate::{
        Config, Database,
        caller::Caller,
        instance::Durability,
        testing::{TestClock, TestDatabase},
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn a_crash_at_each_seal_step_signs_the_same_bytes_again() {
        let bench = Bench::new().await;
        for steps in 1..=3 {
            bench.append().await;
            let mut dying = bench.sequencer().await;
            let batch = dying.place().await.unwrap().expect("an entry waits");
            let before = if steps > 1 {
                dying.sign().unwrap();
                dying.signed.clone()
            } else {
                None
            };
            if steps > 2 {
                dying.announce().await.unwrap();
            }
            drop(dying);

            let next = bench.sequencer().await;

            let (size, note) = next.signed.clone().expect("loading signs what was committed");
            assert_eq!(size, batch.first + batch.entries.len() as u64);
            assert!(before.is_none_or(|(_, before)| before == note));
            assert_eq!(bench.stored_note().await, note);
            let (opened, _) = checkpoint::open(&note, &bench.verifier).unwrap();
            assert_eq!((opened.size, opened.root), (next.tree.size(), next.tree.root()));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_leader_that_was_replaced_places_and_announces_nothing() {
        let bench = Bench::new().await;
        bench.append().await;
        let mut stale = bench.sequencer().await;
        bench.database.attack("update ledger_logs set epoch = epoch + 1").await;

        assert!(matches!(stale.place().await, Err(Left::SteppedDown)));
        stale.sign().unwrap();
        assert!(matches!(stale.announce().await, Err(Left::SteppedDown)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_missing_high_water_file_is_no_fresh_start() {
        let bench = Bench::new().await;
        for _ in 0..3 {
            bench.append().await;
        }
        let mut first = bench.sequencer().await;
        first.tick().await.unwrap();
        drop(first);
        std::fs::remove_file(bench.directory.path().join("keys/high-water")).unwrap();

        let Err(Left::Stopped(reason)) = bench.try_sequencer().await else { panic!("it led") };

        assert!(reason.contains("high-water file is missing"), "{reason}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_signer_refuses_a_fork() {
        let bench = Bench::new().await;
        bench.append().await;
        let mut leader = bench.sequencer().await;
        leader.tick().await.unwrap();
        let mut other = Tree::empty();
        other.append(&vec![Hash([9; 32]); usize::try_from(leader.tree.size()).unwrap()]);
        leader.tree = other;

        assert!(matches!(leader.sign(), Err(Left::Stopped(_))));
    }

    /// An engine without workers, so that a test takes each step itself.
    struct Bench {
        engine: Engine,
        database: TestDatabase,
        directory: tempfile::TempDir,
        verifier: countersign_ledger::note::Verifier,
    }

    impl Bench {
        async fn new() -> Self {
            let database = TestDatabase::create().await;
            let directory = tempfile::tempdir().unwrap();
            let config = Config {
                database: Database {
                    app: database.url_as("countersign_app"),
                    sequencer: database.url_as("countersign_sequencer"),
                    owner: database.url_as("countersign_owner"),
                },
                keys: directory.path().join("keys"),
                public_origin: "http://127.0.0.1:3000".into(),
                demo: false,
                free_bytes_min: None,
                retract_windows: countersign_domain::policy::RetractWindows::default(),
            };
            let clock = TestClock::starting_at(1_793_610_000_000);
            let (engine, keys) =
                Engine::open(config, Hold::Exclusive, Durability::Waived, Box::new(clock)).await.unwrap();
            drop(keys);
            let verifier = engine.log.verifier.clone();
            Self { engine, database, directory, verifier }
        }

        async fn append(&self) {
            let mut tx = self.engine.begin().await.unwrap();
            let permit = authorize::unevaluated(authorize::engine_actor());
            seal::append(&mut tx, &self.engine, &Caller::engine(), &permit, &Event::Heartbeat).await.unwrap();
            self.engine.commit(tx).await.unwrap();
        }

        async fn sequencer(&self) -> Sequencer {
            self.try_sequencer().await.unwrap()
        }

        async fn try_sequencer(&self) -> std::result::Result<Sequencer, Left> {
            let keys = Keys::open(&self.directory.path().join("keys"), "127.0.0.1", Hold::Exclusive)?;
            let mut sequencer = Sequencer::new(self.engine.clone(), keys, mpsc::channel(64).0)?;
            sequencer.take_lease().await?;
            sequencer.load().await?;
            Ok(sequencer)
        }

        async fn stored_note(&self) -> String {
            let mut conn = self.engine.sealing.acquire().await.unwrap();
            db::logs::head(&mut conn, self.engine.log.row).await.unwrap().note.unwrap()
        }
    }
}
