//! How the installation stands: what is measured all the time, and the lines of the health page.
//!
//! The page is not sealed, so that it answers while the ledger takes no entries; it shows no decision
//! and no person. When a volume is almost full, proposals and reviews are refused before PostgreSQL
//! or the log would fail in the middle of one; reads go on.

use std::{
    path::PathBuf,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use countersign_domain::{
    administration::{Health, HealthLine, HealthView},
    event::{AnomalyCause, Event},
    problem::Code,
    staffing::Shortage,
    time::duration,
};

use crate::{
    Clock as _, Engine,
    authorize::{self, Action},
    caller::Caller,
    clock::{SystemClock, milliseconds},
    db,
    error::{Error, Result},
    seal,
};

/// How often volumes are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// The clocks are compared at every this many looks.
const CLOCK_EVERY: u32 = 5;
/// Nothing is taken in below 5 % of the volume, which counts as 512 MB at least and as 4 GB at most: a large volume
/// has room for days of traffic long before its last twentieth.
const FREE_PERCENT_MIN: u64 = 5;
const FREE_BYTES: std::ops::RangeInclusive<u64> = 512 * MB..=4_096 * MB;
const MB: u64 = 1024 * 1024;
/// Difference of the clocks, in milliseconds, that is worth a look, and that stops traffic.
const SKEW_WATCH_MS: u64 = 2_000;
const SKEW_MAX_MS: u64 = 30_000;
/// A published checkpoint is at most this old, in milliseconds, while anything is sealed.
const CHECKPOINT_MS_MAX: u64 = 60_000;

/// What was measured last.
#[derive(Default)]
pub(crate) struct Gauges {
    /// Bytes that must be free, where the operator has said.
    free_min: Option<u64>,
    /// Directories whose volumes are watched.
    volumes: RwLock<Vec<PathBuf>>,
    /// Of the volume with the least space: bytes free and in all, and where it is.
    free: AtomicU64,
    total: AtomicU64,
    place: RwLock<PathBuf>,
    /// The application's clock minus the database's, in milliseconds.
    skew_ms: AtomicI64,
    measured_at: AtomicU64,
    /// Whether running low is on record.
    low_on_record: AtomicBool,
    /// Seats of the policy in force that cannot be filled, as they were found last. Kept here, because the page reads no
    /// table of people or policies.
    short: RwLock<Vec<Shortage>>,
    /// A test has set the figures.
    pinned: AtomicBool,
}

impl Gauges {
    pub(crate) fn new(free_min: Option<u64>) -> Self {
        Self { free_min, ..Self::default() }
    }

    /// Tells whether a volume is almost full.
    fn is_low(&self) -> bool {
        let (free, total) = (self.free.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        total > 0 && free < self.least(total)
    }

    /// Returns the free bytes that a volume of so many needs.
    fn least(&self, total: u64) -> u64 {
        self.free_min.unwrap_or_else(|| (total / 100 * FREE_PERCENT_MIN).clamp(*FREE_BYTES.start(), *FREE_BYTES.end()))
    }

    /// Keeps which seats of the policy in force cannot be filled.
    pub(crate) fn set_short(&self, short: Vec<Shortage>) {
        *self.short.write().unwrap_or_else(PoisonError::into_inner) = short;
    }

    fn skew_ms(&self) -> u64 {
        self.skew_ms.load(Ordering::Relaxed).unsigned_abs()
    }
}

impl Engine {
    /// Watches the space of the volume that a directory is on.
    pub fn watch_volume(&self, directory: PathBuf) {
        self.health.volumes.write().unwrap_or_else(PoisonError::into_inner).push(directory);
        self.measure_space();
    }

    /// Sets what was measured, for tests: bytes free and in all, and how far the clocks are apart.
    #[cfg(feature = "testing")]
    pub fn pretend_health(&self, free: u64, total: u64, skew_ms: i64) {
        self.health.pinned.store(true, Ordering::Relaxed);
        self.health.free.store(free, Ordering::Relaxed);
        self.health.total.store(total, Ordering::Relaxed);
        self.health.skew_ms.store(skew_ms, Ordering::Relaxed);
    }

    /// Refuses what would take in more while a volume is almost full.
    pub(crate) fn has_room(&self) -> Result<()> {
        match self.health.is_low() {
            false => Ok(()),
            true => Err(Error::refused(
                Code::DiskLow,
                "Nothing was recorded: the server has too little space left. Reading works. An admin sees under Health where to make room.",
            )),
        }
    }

    /// Tells whether there is room, and whether the clocks agree.
    pub(crate) fn room_and_clock(&self) -> (bool, bool) {
        (!self.health.is_low(), self.health.skew_ms() <= SKEW_MAX_MS)
    }

    pub(crate) fn measure_space(&self) {
        if self.health.pinned.load(Ordering::Relaxed) {
            return;
        }
        let volumes = self.health.volumes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let all = volumes.into_iter().chain([self.config().keys.clone()]);
        let measured = all.filter_map(|place| {
            let found = rustix::fs::statvfs(&place).ok()?;
            Some((found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, place))
        });
        if let Some((free, total, place)) = measured.min_by_key(|(free, ..)| *free) {
            self.health.free.store(free, Ordering::Relaxed);
            self.health.total.store(total, Ordering::Relaxed);
            *self.health.place.write().unwrap_or_else(PoisonError::into_inner) = place;
        }
        self.health.measured_at.store(self.now(), Ordering::Relaxed);
    }
}

/// Measures until shutdown, and puts it on record once when a volume runs low.
pub(crate) async fn run(engine: Engine) {
    let mut shutdown = engine.shutdown();
    let mut looks = 0u32;
    loop {
        engine.measure_space();
        if looks.is_multiple_of(CLOCK_EVERY)
            && let Err(error) = measure_clock(&engine).await
        {
            tracing::warn!(%error, "The database's clock could not be read");
        }
        looks = looks.wrapping_add(1);
        if let Err(error) = record_low(&engine).await {
            tracing::warn!(%error, "Low space could not be put on record");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = shutdown.changed() => return,
        }
    }
}

async fn measure_clock(engine: &Engine) -> Result<()> {
    if engine.health.pinned.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut conn = engine.app.acquire().await?;
    let before = SystemClock.now();
    let theirs = milliseconds(db::logs::clock(&mut conn).await?);
    // The answer was given half way between asking and hearing.
    let ours = before + (SystemClock.now().saturating_sub(before)) / 2;
    let skew = i64::try_from(i128::from(ours) - i128::from(theirs)).unwrap_or(i64::MAX);
    engine.health.skew_ms.store(skew, Ordering::Relaxed);
    Ok(())
}

async fn record_low(engine: &Engine) -> Result<()> {
    let low = engine.health.is_low();
    if !low {
        engine.health.low_on_record.store(false, Ordering::Relaxed);
    }
    if !low || engine.health.low_on_record.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    tracing::error!("A volume is almost full; nothing is taken in until there is room");
    let recorded = engine
        .act(&Caller::engine(), |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = authorize::unevaluated(authorize::engine_actor());
            let event = Event::Anomaly { cause: AnomalyCause::DiskLow };
            seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            engine.commit(tx).await
        })
        .await;
    if recorded.is_err() {
        engine.health.low_on_record.store(false, Ordering::Relaxed);
    }
    recorded
}

/// Shows how the installation stands.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but admins and compliance officers.
pub async fn view(engine: &Engine, caller: &Caller) -> Result<HealthView> {
    let found = async {
        let began = Instant::now();
        let mut tx = engine.begin().await?;
        engine.authorize(&mut tx, caller, Action::ViewHealth, engine.installation()).await?;
        let answered = began.elapsed();
        let server = db::logs::server(&mut tx).await?;
        let backlog = db::entries::backlog(&mut tx).await?;
        let head = db::logs::head(&mut tx, engine.log.row).await?;
        let checkpoint = db::logs::latest_checkpoint(&mut tx, engine.log.row).await?;
        let holder = db::logs::widest_holder(&mut tx, engine.log.row).await?;
        tx.commit().await?;
        Ok((answered, server, backlog, head, checkpoint, holder))
    };
    let (answered, server, backlog, head, checkpoint, holder) = engine.noted(caller, found.await).await?;
    let short = engine.health.short.read().unwrap_or_else(PoisonError::into_inner).clone();
    let now = engine.now();
    let line = |name: &str, state: Health, value: String, advice: &str| HealthLine {
        name: name.to_owned(),
        state,
        value,
        at: now,
        advice: (state != Health::Fine && !advice.is_empty()).then(|| advice.to_owned()),
    };
    let mut lines = Vec::new();

    lines.push(line(
        "Database",
        if answered < Duration::from_secs(1) { Health::Fine } else { Health::Watch },
        format!("Answers in {} ms; {} of {} connections in use.", answered.as_millis(), server.connections, server.max),
        "The database is slow. Look at its load and its disk.",
    ));
    let count = backlog.count.unsigned_abs();
    let oldest = backlog.oldest_ms.unsigned_abs();
    lines.push(line(
        "Sealing",
        match engine.seals() {
            Err(_) => Health::Broken,
            Ok(()) if oldest > 2_000 || count > 1_024 => Health::Watch,
            Ok(()) => Health::Fine,
        },
        match count {
            0 => "Everything recorded is sealed.".to_owned(),
            count => format!("{count} entries wait for their place, the oldest for {}.", duration(oldest)),
        },
        "Entries wait too long for their place. See whether another process holds the log, and whether the database is slow.",
    ));
    lines.push(line(
        "Sequencer",
        Health::Fine,
        format!("Size {}, signed up to {}, epoch {}.", head.size, head.signed_size, head.epoch),
        "",
    ));
    lines.push(match engine.stopped() {
        Some(reason) => line(
            "High-water mark",
            Health::Broken,
            format!("Signing is refused: {reason}."),
            "The database is not the one that was signed last. Bring back the newer database, or a backup that reaches the mark; nothing is written until then.",
        ),
        None => line("High-water mark", Health::Fine, "Database and key directory agree.".into(), ""),
    });
    lines.push(checkpoint_line(engine, &head, checkpoint, now));
    lines.push(match holder {
        Some(holder) => line(
            "Kept outside",
            Health::Fine,
            format!("Somebody outside keeps size {} ({}) since {} ago.", holder.size, holder.kind, {
                duration(now.saturating_sub(milliseconds(holder.held_at)))
            }),
            "",
        ),
        None => line(
            "Kept outside",
            Health::Watch,
            "Nobody outside keeps a checkpoint.".into(),
            "Download a proof or export the log and keep it elsewhere; until then an operator could rewrite it unseen.",
        ),
    });
    lines.push(line(
        "Reviewers",
        if short.is_empty() { Health::Fine } else { Health::Watch },
        match short.is_empty() {
            true => "There are enough people for every row of the policy in force.".to_owned(),
            false => format!("{}.", short.iter().map(Shortage::sentence).collect::<Vec<_>>().join("; ")),
        },
        "What such a row asks people about waits until its deadline. Give more people the role for these AI systems, or put \
         a version in force that asks for fewer.",
    ));
    lines.push(space_line(engine));
    lines.push(clock_line(engine, now));
    lines.push(line(
        "PostgreSQL",
        if server.fsync { Health::Fine } else { Health::Broken },
        format!(
            "Version {}; what it acknowledges is {}on disk.",
            server.version,
            if server.fsync { "" } else { "not " }
        ),
        "Switch fsync on: a power cut would lose what was acknowledged.",
    ));
    lines.push(line("Countersign", Health::Fine, format!("Version {}.", env!("CARGO_PKG_VERSION")), ""));

    Ok(HealthView { lines, now })
}

fn checkpoint_line(
    engine: &Engine,
    head: &db::logs::HeadRow,
    checkpoint: Option<db::logs::CheckpointRow>,
    now: u64,
) -> HealthLine {
    let (state, value) = match checkpoint {
        None => (Health::Watch, "No checkpoint is published yet.".to_owned()),
        Some(checkpoint) => {
            let age = now.saturating_sub(milliseconds(checkpoint.published_at));
            let behind = head.signed_size > checkpoint.size && age > CHECKPOINT_MS_MAX;
            let state = if behind || engine.stopped().is_some() { Health::Watch } else { Health::Fine };
            (state, format!("Size {} was published {} ago.", checkpoint.size, duration(age)))
        }
    };
    let advice = "Newer entries are signed and not published. See whether the sequencer runs.";
    HealthLine {
        name: "Published checkpoint".into(),
        state,
        value,
        at: now,
        advice: (state != Health::Fine).then(|| advice.into()),
    }
}

fn space_line(engine: &Engine) -> HealthLine {
    let health = &engine.health;
    let (free, total) = (health.free.load(Ordering::Relaxed), health.total.load(Ordering::Relaxed));
    let place = health.place.read().unwrap_or_else(PoisonError::into_inner).display().to_string();
    let state = match (health.is_low(), free < 2 * health.least(total)) {
        (true, _) => Health::Broken,
        (false, true) => Health::Watch,
        _ => Health::Fine,
    };
    let percent = free * 100 / total.max(1);
    HealthLine {
        name: "Disk".into(),
        state,
        value: format!("{} of {} free ({percent} %) at {place}.", bytes(free), bytes(total)),
        at: health.measured_at.load(Ordering::Relaxed),
        advice: match state {
            Health::Fine => None,
            Health::Watch => {
                Some(format!("Make room soon: below {} proposals and reviews are refused.", bytes(health.least(total))))
            }
            Health::Broken => Some(format!(
                "Make room now: proposals and reviews are refused until {} are free. Reads go on.",
                bytes(health.least(total)),
            )),
        },
    }
}

fn clock_line(engine: &Engine, now: u64) -> HealthLine {
    let skew = engine.health.skew_ms();
    let state = match (skew > SKEW_WATCH_MS, skew > SKEW_MAX_MS) {
        (_, true) => Health::Broken,
        (true, false) => Health::Watch,
        (false, false) => Health::Fine,
    };
    HealthLine {
        name: "Clocks".into(),
        state,
        value: format!("This server and the database differ by {skew} ms."),
        at: now,
        advice: (state != Health::Fine)
            .then(|| "Set both clocks by the same time service. Over 30 s the server counts as not ready.".into()),
    }
}

fn bytes(bytes: u64) -> String {
    match bytes / MB {
        megabytes @ 0..10_240 => format!("{megabytes} MB"),
        megabytes => format!("{} GB", megabytes / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_is_below_a_twentieth_of_the_volume_within_bounds() {
        let low = |free: u64, total: u64| {
            let gauges = Gauges::default();
            gauges.free.store(free, Ordering::Relaxed);
            gauges.total.store(total, Ordering::Relaxed);
            gauges.is_low()
        };
        const GB: u64 = 1024 * 1024 * 1024;

        assert!(!low(0, 0), "not measured yet");
        assert!(low(GB / 2 - 1, 2 * GB) && !low(GB / 2, 2 * GB));
        assert!(low(2 * GB, 50 * GB) && !low(5 * GB / 2, 50 * GB));
        assert!(low(4 * GB - 1, 1_000 * GB) && !low(4 * GB, 1_000 * GB));
    }

    #[test]
    fn an_operator_says_how_much_is_low() {
        let low = |free_min: u64, free: u64| {
            let gauges = Gauges::new(Some(free_min));
            gauges.free.store(free, Ordering::Relaxed);
            gauges.total.store(1_000 * MB, Ordering::Relaxed);
            gauges.is_low()
        };

        assert!(low(20 * MB, 20 * MB - 1) && !low(20 * MB, 20 * MB));
        assert!(!low(0, 0), "never low");
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(bytes(700 * 1024 * 1024), "700 MB");
        assert_eq!(bytes(66 * 1024 * 1024 * 1024), "66 GB");
    }
}
