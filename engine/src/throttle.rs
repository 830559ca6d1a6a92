//! Failed sign-ins slow down, per account and per network; nobody is locked out for ever.

use sqlx::PgConnection;

use crate::{Engine, clock::milliseconds, db, error::Result};

/// Failures that cost nothing.
const FREE: i32 = 5;
/// Failures of all strangers together that cost nothing: a thousand people may mistype at once, a flood may not.
const FREE_EVERYBODY: i32 = 1_000;
/// Longest wait, in milliseconds.
const WAIT_MAX_MS: u64 = 15 * 60 * 1_000;
/// After this long without failure a bucket starts anew, in milliseconds.
const FORGET_MS: u64 = 60 * 60 * 1_000;

/// One thing that tries can be counted by.
pub(crate) enum Bucket<'a> {
    /// The account of this look-up.
    Account(&'a [u8]),
    /// The network of this address: IPv4 as it is, IPv6 by its first 64 bits.
    Network(&'a str),
    /// A browser that the account signed in from before.
    Device(&'a [u8]),
    /// All strangers together.
    Everybody,
}

impl Bucket<'_> {
    fn free(&self) -> i32 {
        match self {
            Bucket::Everybody => FREE_EVERYBODY,
            Bucket::Account(_) | Bucket::Network(_) | Bucket::Device(_) => FREE,
        }
    }

    fn key(&self, engine: &Engine) -> Vec<u8> {
        match self {
            Bucket::Account(key) | Bucket::Device(key) => key.to_vec(),
            Bucket::Everybody => engine.vault.lookup("network", "everybody"),
            Bucket::Network(address) => engine.vault.lookup("network", &network(address)),
        }
    }
}

/// Returns how long the caller has to wait, in milliseconds, if at all.
pub(crate) async fn wait_ms(conn: &mut PgConnection, engine: &Engine, bucket: &Bucket<'_>) -> Result<Option<u64>> {
    let now = engine.now();
    let found = db::throttle::find(conn, &bucket.key(engine)).await?;
    Ok(found.and_then(|found| milliseconds(found.blocked_until).checked_sub(now)).filter(|wait| *wait > 0))
}

/// Counts a failure; returns how many there are.
pub(crate) async fn fail(conn: &mut PgConnection, engine: &Engine, bucket: &Bucket<'_>) -> Result<i32> {
    let now = engine.now();
    let key = bucket.key(engine);
    let (failures, first_at) = match db::throttle::find(conn, &key).await? {
        Some(found) if now < milliseconds(found.first_at) + FORGET_MS => {
            (found.failures + 1, milliseconds(found.first_at))
        }
        _ => (1, now),
    };
    db::throttle::set(conn, &key, failures, first_at, now + delay_ms(failures - bucket.free())).await?;
    Ok(failures)
}

/// Forgets the failures of a bucket after a success.
pub(crate) async fn clear(conn: &mut PgConnection, engine: &Engine, bucket: &Bucket<'_>) -> Result<()> {
    Ok(db::throttle::clear(conn, &bucket.key(engine)).await?)
}

/// Returns the wait after so many failures above the free ones.
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
    fn five_failures_are_free_and_then_the_wait_doubles_to_a_quarter_of_an_hour() {
        assert_eq!((1..=FREE).map(|failures| delay_ms(failures - FREE)).max(), Some(0));
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
