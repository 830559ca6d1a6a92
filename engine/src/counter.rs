//! Counts what would flood the log, so that one entry stands for many events.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Counts events by name, for at most one entry per name and period.
pub(crate) struct Counter {
    period_ms: u64,
    counted: Mutex<HashMap<String, Counted>>,
}

struct Counted {
    sealed_at: u64,
    since: u64,
}

impl Counter {
    /// Makes a counter with this period, in milliseconds.
    pub(crate) fn every(period_ms: u64) -> Self {
        Self { period_ms, counted: Mutex::default() }
    }

    /// Counts an event; returns how many to seal at once, or none while the period of the last entry runs.
    pub(crate) fn count(&self, name: &str, now: u64) -> Option<u64> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match counted.get_mut(name) {
            Some(found) if now < found.sealed_at + self.period_ms => {
                found.since += 1;
                None
            }
            _ => {
                let before = counted.insert(name.to_owned(), Counted { sealed_at: now, since: 0 });
                Some(before.map_or(0, |before| before.since) + 1)
            }
        }
    }

    /// Takes what was counted in periods that are over.
    pub(crate) fn drain(&self, now: u64) -> Vec<(String, u64)> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |found: &Counted| now >= found.sealed_at + self.period_ms;
        let due: Vec<_> = counted.iter().filter(|(_, found)| over(found)).map(|(name, _)| name.clone()).collect();
        due.into_iter()
            .filter_map(|name| counted.remove(&name).map(|found| (name, found.since)))
            .filter(|(_, since)| *since > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_makes_one_entry_a_minute() {
        let strangers = Counter::every(60_000);

        assert_eq!(strangers.count("192.0.2.1", 0), Some(1));
        for second in 1..60 {
            assert_eq!(strangers.count("192.0.2.1", second * 1_000), None);
        }
        assert_eq!(strangers.count("192.0.2.9", 5_000), Some(1));
        assert_eq!(strangers.drain(30_000), []);
        assert_eq!(strangers.drain(60_000), [("192.0.2.1".to_owned(), 59)]);
        assert_eq!(strangers.count("192.0.2.1", 61_000), Some(1));
    }
}
