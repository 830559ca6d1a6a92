//! Where time comes from, so that tests choose it.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// A source of wall-clock time.
pub trait Clock: Send + Sync + 'static {
    /// Returns milliseconds since 1970 UTC.
    fn now(&self) -> u64;
}

/// The clock of the machine.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Turns milliseconds since 1970 UTC into what the database stores.
pub(crate) fn instant(milliseconds: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Turns what the database stores into milliseconds since 1970 UTC.
pub(crate) fn milliseconds(instant: OffsetDateTime) -> u64 {
    u64::try_from(instant.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}
