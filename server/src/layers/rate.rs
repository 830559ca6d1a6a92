//! Token buckets, in memory: each instance of the program counts for itself.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use countersign_domain::ids::{AgentKeyId, PersonId, ScimTokenId};

/// Whose bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// An agent's.
    Key(AgentKeyId),
    /// A directory's.
    Token(ScimTokenId),
    /// A person's, over all sessions.
    Person(PersonId),
    /// Of everybody unknown at one network address.
    Address(IpAddr),
    /// Failed keys from one network address.
    Failures(IpAddr),
    /// Refusals at one network address for which it is found out who was refused.
    Refusals(IpAddr),
    /// Reports of browsers at one network address.
    Reports(IpAddr),
}

impl Whose {
    /// Returns the size of the bucket and how much flows in per second.
    const fn size(self) -> (f64, f64) {
        match self {
            Whose::Key(_) | Whose::Token(_) | Whose::Person(_) | Whose::Address(_) => (200.0, 50.0),
            Whose::Failures(_) | Whose::Refusals(_) | Whose::Reports(_) => (10.0, 10.0 / 60.0),
        }
    }
}

/// How many buckets are kept before full ones are thrown away.
const BUCKETS_MAX: usize = 20_000;

/// All buckets.
#[derive(Default)]
pub(crate) struct Limiter(Mutex<HashMap<Whose, Level>>);

#[derive(Clone, Copy)]
struct Level {
    tokens: f64,
    at: Instant,
}

/// The bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Empty {
    /// When there will be a token.
    pub(crate) retry_after_seconds: u64,
}

impl Limiter {
    /// Takes a token and returns how many are left.
    pub(crate) fn take(&self, whose: Whose, now: Instant) -> Result<u64, Empty> {
        let (size, per_second) = whose.size();
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&whose) {
            buckets.retain(|whose, level| level.filled(*whose, now) < whose.size().0);
        }
        let level = buckets.entry(whose).or_insert(Level { tokens: size, at: now });
        *level = Level { tokens: level.filled(whose, now), at: now };
        if level.tokens < 1.0 {
            return Err(empty(level.tokens, per_second));
        }
        level.tokens -= 1.0;

        Ok(level.tokens as u64)
    }

    /// Tells whether a token is left, without taking it.
    pub(crate) fn peek(&self, whose: Whose, now: Instant) -> Result<(), Empty> {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = buckets.get(&whose).map_or(1.0, |level| level.filled(whose, now));
        if tokens < 1.0 { Err(empty(tokens, whose.size().1)) } else { Ok(()) }
    }
}

impl Level {
    fn filled(self, whose: Whose, now: Instant) -> f64 {
        let (size, per_second) = whose.size();
        (self.tokens + now.saturating_duration_since(self.at).as_secs_f64() * per_second).min(size)
    }
}

fn empty(tokens: f64, per_second: f64) -> Empty {
    Empty { retry_after_seconds: ((1.0 - tokens) / per_second).ceil() as u64 }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;

    const ONE: Whose = Whose::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    #[test]
    fn a_burst_is_served_then_the_flow_and_others_are_not_touched() {
        let (limiter, began) = (Limiter::default(), Instant::now());
        let other = Whose::Address(IpAddr::V4(Ipv4Addr::BROADCAST));

        let served = (0..300).filter(|_| limiter.take(ONE, began).is_ok()).count();

        assert_eq!(served, 200);
        assert_eq!(limiter.take(ONE, began), Err(Empty { retry_after_seconds: 1 }));
        assert_eq!(limiter.take(other, began), Ok(199));
        let later = began + Duration::from_secs(1);
        assert_eq!((0..300).filter(|_| limiter.take(ONE, later).is_ok()).count(), 50);
    }

    #[test]
    fn ten_reports_a_minute() {
        let (limiter, began) = (Limiter::default(), Instant::now());
        let reports = Whose::Reports(IpAddr::V4(Ipv4Addr::LOCALHOST));

        assert_eq!((0..20).filter(|_| limiter.take(reports, began).is_ok()).count(), 10);
        assert_eq!(limiter.take(reports, began), Err(Empty { retry_after_seconds: 6 }));
    }

    #[test]
    fn full_buckets_are_forgotten_and_empty_ones_are_not() {
        let (limiter, began) = (Limiter::default(), Instant::now());
        while limiter.take(ONE, began).is_ok() {}
        for number in 0..u32::try_from(BUCKETS_MAX).unwrap() {
            let _ = limiter.take(Whose::Address(IpAddr::V4(Ipv4Addr::from_bits(number))), began);
        }

        let later = began + Duration::from_secs(1);
        limiter.take(Whose::Reports(IpAddr::V4(Ipv4Addr::LOCALHOST)), later).unwrap();

        assert_eq!(limiter.0.lock().unwrap().len(), 2);
        assert!((0..60).filter(|_| limiter.take(ONE, later).is_ok()).count() == 50);
    }
}
