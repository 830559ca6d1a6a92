//! Secrets at rest: what a row must keep to use it again, encrypted under a master key outside the database.
//!
//! Each secret has a data key of its own, wrapped by the master key. Both boxes are bound to table, row,
//! column and installation, so a ciphertext that somebody copies elsewhere does not open there.
//!
//! Stored form: master epoch (u32, big-endian) ‖ nonce (24) ‖ XChaCha20-Poly1305 of the 32-byte data key
//! (48) ‖ nonce (24) ‖ XChaCha20-Poly1305 of the secret. Associated data of both: label ‖ 0A ‖ installation ‖
//! 0A ‖ table ‖ 0A ‖ row ‖ 0A ‖ column; the label is `countersign/envelope-key/v1` or `countersign/envelope/v1`.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    db,
    error::{Error, Result},
    secret,
    vault::{decrypt, encrypt},
};

/// Bytes of the wrapped data key with its nonce.
const WRAPPED: usize = 24 + 32 + 16;

type Key = Zeroizing<[u8; 32]>;

/// Where a secret is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: Uuid,
}

/// The master keys by epoch, and the installation that they belong to.
pub(crate) struct Envelope {
    master: BTreeMap<u32, Key>,
    installation: String,
}

impl Envelope {
    /// Takes the master keys and the installation's name.
    pub(crate) fn new(master: BTreeMap<u32, Key>, installation: &str) -> Self {
        Self { master, installation: installation.to_owned() }
    }

    /// Encrypts a secret for its place under the newest master key.
    pub(crate) fn seal(&self, place: Place, plain: &[u8]) -> Vec<u8> {
        let (epoch, master) = self.master.last_key_value().expect("`check` refuses to start without one");
        let data_key: Key = Zeroizing::new(secret::random());
        [
            epoch.to_be_bytes().as_slice(),
            &encrypt(master, data_key.as_slice(), &self.bound("countersign/envelope-key/v1", place)),
            &encrypt(&data_key, plain, &self.bound("countersign/envelope/v1", place)),
        ]
        .concat()
    }

    /// Opens a secret in its place.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] when it was made for another place, by another key, or changed.
    pub(crate) fn open(&self, place: Place, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.try_open(place, stored).ok_or_else(|| Error::Row {
            table: place.table,
            column: place.column,
            id: place.row.to_string(),
        })
    }

    fn try_open(&self, place: Place, stored: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (epoch, rest) = stored.split_first_chunk()?;
        let (wrapped, sealed) = rest.split_at_checked(WRAPPED)?;
        let master = self.master.get(&u32::from_be_bytes(*epoch))?;
        let data_key = Zeroizing::new(decrypt(master, wrapped, &self.bound("countersign/envelope-key/v1", place))?);
        let data_key: Key = data_key.as_slice().try_into().ok().map(Zeroizing::new)?;
        decrypt(&data_key, sealed, &self.bound("countersign/envelope/v1", place)).map(Zeroizing::new)
    }

    fn bound(&self, label: &str, place: Place) -> Vec<u8> {
        [label, &self.installation, place.table, &place.row.to_string(), place.column].join("\n").into_bytes()
    }

    /// Opens what this installation sealed with each of its master keys, and seals one for a key that has none yet.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the database holds secrets of a key that is missing or another one.
    pub(crate) async fn check(&self, conn: &mut PgConnection, now: u64) -> Result<()> {
        let known = db::envelope_checks::list(conn).await?;
        for check in &known {
            if self.try_open(canary(), &check.sealed).is_none() {
                return Err(Error::Setup(format!(
                    "The database holds secrets under master key {epoch}, and the file master/{epoch} of the key directory is missing or holds another key. Restore it from its own backup; without it, sign-in providers and second factors must be set up anew.",
                    epoch = check.epoch,
                )));
            }
        }
        let Some((newest, _)) = self.master.last_key_value() else {
            return Err(Error::Setup("The key directory holds no master key yet. Start the server once first.".into()));
        };
        let newest = *newest;
        if known.iter().all(|check| check.epoch != i64::from(newest)) {
            db::envelope_checks::insert(conn, i64::from(newest), &self.seal(canary(), b"countersign"), now).await?;
        }
        Ok(())
    }
}

const fn canary() -> Place {
    Place { table: "envelope_checks", column: "sealed", row: Uuid::nil() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves E1.
    #[test]
    fn ciphertexts_do_not_open_in_another_row() {
        let envelope = envelope(7, "a");
        let place = Place { table: "totp_seeds", column: "sealed", row: Uuid::from_bytes([1; 16]) };
        let sealed = envelope.seal(place, b"seed");

        assert_eq!(envelope.open(place, &sealed).unwrap().as_slice(), b"seed");
        assert_ne!(envelope.seal(place, b"seed"), sealed, "every secret has a key and nonces of its own");
        let elsewhere = [
            Place { row: Uuid::from_bytes([2; 16]), ..place },
            Place { table: "identity_providers", ..place },
            Place { column: "secret", ..place },
        ];
        for place in elsewhere {
            assert!(envelope.open(place, &sealed).is_err(), "{place:?}");
        }
        assert!(self::envelope(7, "b").open(place, &sealed).is_err(), "another installation");
        assert!(self::envelope(8, "a").open(place, &sealed).is_err(), "another master key");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(envelope.open(place, &changed).is_err(), "byte {at}");
        }
        assert!(envelope.open(place, &sealed[..50]).is_err());
    }

    #[test]
    fn secrets_of_an_earlier_master_key_still_open() {
        let place = canary();
        let old = envelope(7, "a").seal(place, b"seed");
        let both = Envelope::new(BTreeMap::from([(1, key(7)), (2, key(9))]), "a");

        assert_eq!(both.open(place, &old).unwrap().as_slice(), b"seed");
        assert_eq!(both.seal(place, b"seed")[..4], 2u32.to_be_bytes());
    }

    fn envelope(byte: u8, installation: &str) -> Envelope {
        Envelope::new(BTreeMap::from([(1, key(byte))]), installation)
    }

    fn key(byte: u8) -> Key {
        Zeroizing::new([byte; 32])
    }
}
