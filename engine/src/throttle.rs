//! Tries to sign in slow down, per account, browser, step-up and network; nobody is locked out for ever.
//!
//! A try is counted before its password is looked at, under the row's lock, and given back when it was right: so tries
//! sent at once share one allowance. A network's tries count alike whether the account exists or not, so that nobody
//! learns by being slowed down which names are in use.

use std::time::Duration;

use countersign_domain::ids::SessionId;
use sqlx::PgConnection;

use crate::{Engine, clock::milliseconds, db, error::Result};

/// Tries that cost nothing.
const FREE: i32 = 5;
/// The same for a network, behind which a whole office may mistype.
const FREE_NETWORK: i32 = 30;
/// Failures of all unknown browsers together before each of their tries waits.
const FREE_EVERYBODY: i32 = 1_000;
/// How long it waits then. It is never refused: whoever floods the sign-in page must not shut out who needs it.
const CROWDED: Duration = Duration::from_secs(2);
/// Longest wait, in milliseconds.
const WAIT_MAX_MS: u64 = 15 * 60 * 1_000;
/// This long after its first try a bucket starts anew, in milliseconds.
const FORGET_MS: u64 = 60 * 60 * 1_000;

/// One thing that tries are counted by.
pub(crate) enum Bucket<'a> {
    /// The account of this look-up.
    Account(&'a [u8]),
    /// The network of this address: IPv4 as it is, IPv6 by its first 64 bits.
    Network(&'a str),
    /// A browser that the account signed in from before.
    Device(&'a [u8]),
    /// Somebody signed in who proves themselves anew; strangers cannot reach it.
    StepUp(SessionId),
}

impl Bucket<'_> {
    fn free(&self) -> i32 {
        match self {
            Bucket::Network(_) => FREE_NETWORK,
            Bucket::Account(_) | Bucket::Device(_) | Bucket::StepUp(_) => FREE,
        }
    }

    fn key(&self, engine: &Engine) -> Vec<u8> {
        match self {
            Bucket::Account(key) | Bucket::Device(key) => key.to_vec(),
            Bucket::Network(address) => engine.vault.lookup("network", &network(address)),
            Bucket::StepUp(session) => engine.vault.lookup("step-up", &session.to_string()),
        }
    }
}

/// Returns how long the caller has to wait, in milliseconds, if at all. Takes no lock, so that what is refused anyway
/// holds nobody up.
pub(crate) async fn wait_ms(conn: &mut PgConnection, engine: &Engine, bucket: &Bucket<'_>) -> Result<Option<u64>> {
    let found = db::throttle::find(conn, &bucket.key(engine)).await?;
    Ok(found.and_then(|found| left_ms(&found, engine.now())))
}

/// Takes one try; returns how long to wait, in milliseconds, when there is none. The bucket stays locked until the
/// transaction ends.
pub(crate) async fn take(conn: &mut PgConnection, engine: &Engine, bucket: &Bucket<'_>) -> Result<Option<u64>> {
    let key = bucket.key(engine);
    let found = db::throttle::lock(conn, &key, engine.now()).await?;
    // Read after the lock was got, which may have taken a while.
    let now = engine.now();
    if let Some(wait) = left_ms(&found, now) {
        return Ok(Some(wait));
    }
    let first_at = milliseconds(found.first_at);
    let (tries, first_at) = if now < first_at + FORGET_MS { (found.failures + 1, first_at) } else { (1, now) };
    db::throttle::set(conn, &key, tries, first_at, now + delay_ms(tries - bucket.free())).await?;
    Ok(None)
}

/// Gives a try back that did not fail.
pub(crate) async fn give_back(conn: &mut PgConnection, engine: &Engine, bucket: &Bucket<'_>) -> Result<()> {
    Ok(db::throttle::give_back(conn, &bucket.key(engine), bucket.free(), engine.now()).await?)
}

/// Forgets the tries of a bucket after a success.
pub(crate) async fn clear(conn: &mut PgConnection, engine: &Engine, bucket: &Bucket<'_>) -> Result<()> {
    Ok(db::throttle::clear(conn, &bucket.key(engine)).await?)
}

/// Counts a failure of an unknown browser, wherever it is.
pub(crate) async fn count_everybody(conn: &mut PgConnection, engine: &Engine) -> Result<()> {
    let now = engine.now();
    let failures = db::throttle::count(conn, &everybody(engine), now, now.saturating_sub(FORGET_MS)).await?;
    if failures == FREE_EVERYBODY + 1 {
        tracing::warn!(failures, "So many sign-ins fail that unknown browsers wait before each try");
    }
    Ok(())
}

/// Returns how long an unknown browser waits before its password is looked at, if at all.
pub(crate) async fn crowded(conn: &mut PgConnection, engine: &Engine) -> Result<Option<Duration>> {
    let now = engine.now();
    let found = db::throttle::find(conn, &everybody(engine)).await?;
    let many =
        |found: db::throttle::Bucket| found.failures > FREE_EVERYBODY && now < milliseconds(found.first_at) + FORGET_MS;
    Ok(found.is_some_and(many).then_some(CROWDED))
}

fn everybody(engine: &Engine) -> Vec<u8> {
    engine.vault.lookup("network", "everybody")
}

fn left_ms(found: &db::throttle::Bucket, now: u64) -> Option<u64> {
    milliseconds(found.blocked_until).checked_sub(now).filter(|wait| *wait > 0)
}

/// Returns the wait after so many tries above the free ones.
fn delay_ms(over: i32) -> u64 {
    match u32::try_from(over) {
        Ok(over @ 1..) => 1_000u64.saturating_mul(1 << over.min(20)).min(WAIT_MAX_MS),
        _ => 0,
    }
}

fn network(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V6(address)) => format!("{:x?}", &address.octets()[..8]),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tries_are_free_and_then_the_wait_doubles_to_a_quarter_of_an_hour() {
        assert_eq!((1..=FREE).map(|tries| delay_ms(tries - FREE)).max(), Some(0));
        assert_eq!(delay_ms(1), 2_000);
        assert_eq!(delay_ms(2), 4_000);
        assert_eq!(delay_ms(100), WAIT_MAX_MS);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_bucket() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::2"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
