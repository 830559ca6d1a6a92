//! Personal and free text: committed in leaves, encrypted here, erasable for ever.
//!
//! Each value has a key of its own (`K_f`), wrapped by the key of its data subject (`K_S`), which a
//! key-encryption key outside the database wraps. Destroying a subject's wrapped key makes all their
//! values unreadable, in backups too, while every proof stays valid.
//!
//! Stored forms: a wrapped key is nonce (24 bytes) ‖ XChaCha20-Poly1305 of the 32-byte key, with
//! `countersign/wrap/v1` ‖ owner id ‖ epoch (u32, big-endian) as associated data; the owner of a value
//! key is the value, its epoch 0. A ciphertext is nonce ‖ XChaCha20-Poly1305 of the value padded with
//! 80 00… to a multiple of 64 bytes, with `countersign/vault-value/v1` ‖ entry id ‖ field.

use std::collections::{BTreeMap, HashMap};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use countersign_domain::{event::TextOwner, ids::EntryId, time};
use countersign_ledger::{commit, hash::Hash};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    db,
    error::{Error, Result},
    secret,
};

const BLOCK: usize = 64;

/// A key that is wiped when it is dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// The keys that open the vault.
pub(crate) struct Vault {
    kek: BTreeMap<i32, Key>,
    grouping: Key,
}

/// A value ready to be stored beside the entry that commits to it.
pub(crate) struct Prepared {
    pub(crate) value: Uuid,
    pub(crate) entry: EntryId,
    pub(crate) field: String,
    pub(crate) subject: Uuid,
    pub(crate) commitment: Hash,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) ciphertext: Vec<u8>,
}

/// One text to commit to.
pub(crate) struct Text<'a> {
    pub(crate) field: &'a str,
    pub(crate) text: &'a str,
    pub(crate) owner: &'a TextOwner,
    /// Key of the commitment, where it was fixed before.
    pub(crate) key: Option<&'a Key>,
}

struct Subject {
    id: Uuid,
    key: Key,
}

impl Vault {
    pub(crate) fn new(kek: BTreeMap<i32, Key>, grouping: Key) -> Self {
        Self { kek, grouping }
    }

    /// Returns what finds a data subject again: HMAC under the grouping key over kind ‖ 0A ‖ reference.
    pub(crate) fn lookup(&self, kind: &str, reference: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.grouping.as_slice()).expect("any key length fits an HMAC");
        mac.update(kind.as_bytes());
        mac.update(b"\n");
        mac.update(reference.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Commits to texts of one entry and encrypts them. Makes subjects that are met for the first time.
    ///
    /// # Errors
    ///
    /// When the database fails, or a subject was erased.
    pub(crate) async fn prepare(
        &self,
        conn: &mut PgConnection,
        entry: EntryId,
        now: u64,
        texts: &[Text<'_>],
    ) -> Result<Vec<Prepared>> {
        let mut owners: Vec<&TextOwner> = texts.iter().map(|text| text.owner).collect();
        // One order for all transactions, so that two that meet new subjects cannot deadlock.
        owners.sort_by_key(|owner| reference(owner, now));
        owners.dedup();
        let mut subjects = HashMap::new();
        for owner in owners {
            subjects.insert(owner.clone(), self.subject(conn, owner, now).await?);
        }

        Ok(texts.iter().map(|text| self.seal(entry, text, &subjects[text.owner], now)).collect())
    }

    /// Opens a stored value.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] when keys and ciphertext do not fit, which means that somebody changed them.
    pub(crate) fn open(&self, stored: &db::vault::Stored) -> Result<Option<String>> {
        Ok(self.open_salted(stored)?.map(|(text, _)| text))
    }

    /// Opens a stored value with the salt of its commitment; nothing where it was erased.
    ///
    /// # Errors
    ///
    /// As [`Vault::open`].
    pub(crate) fn open_salted(&self, stored: &db::vault::Stored) -> Result<Option<(String, [u8; 32])>> {
        let Some(field_key) = self.field_key(stored)? else { return Ok(None) };
        let Some(ciphertext) = &stored.ciphertext else { return Ok(None) };
        let padded = decrypt(&commit::value_key(&field_key), ciphertext, &value_aad(stored.entry_id, &stored.field))
            .ok_or_else(|| stored.unreadable("ciphertext"))?;
        let end = padded.iter().rposition(|byte| *byte == 0x80).ok_or_else(|| stored.unreadable("ciphertext"))?;

        let text = String::from_utf8(padded[..end].to_vec()).map_err(|_| stored.unreadable("ciphertext"))?;
        Ok(Some((text, commit::salt(&field_key))))
    }

    /// Commits to a text and encrypts it for the data subject of another value; nothing where that subject was erased.
    ///
    /// # Errors
    ///
    /// As [`Vault::open`].
    pub(crate) fn seal_beside(
        &self,
        beside: &db::vault::Stored,
        entry: EntryId,
        now: u64,
        field: &str,
        text: &str,
    ) -> Result<Option<Prepared>> {
        let (Some(wrapped), Some(epoch)) = (&beside.subject_key, beside.kek_epoch) else { return Ok(None) };
        let key = self.unwrap_subject(beside.subject_id, epoch, wrapped)?;
        let text = Text { field, text, owner: &TextOwner::Unattributed, key: None };
        Ok(Some(self.seal(entry, &text, &Subject { id: beside.subject_id, key }, now)))
    }

    fn field_key(&self, stored: &db::vault::Stored) -> Result<Option<Key>> {
        let (Some(subject_key), Some(epoch), Some(wrapped)) =
            (&stored.subject_key, stored.kek_epoch, &stored.wrapped_key)
        else {
            return Ok(None);
        };
        let subject = self.unwrap_subject(stored.subject_id, epoch, subject_key)?;
        unwrap(&subject, wrapped, stored.id, 0).map(Some).ok_or_else(|| stored.unreadable("wrapped_key"))
    }

    async fn subject(&self, conn: &mut PgConnection, owner: &TextOwner, now: u64) -> Result<Subject> {
        let (kind, reference) = reference(owner, now);
        let lookup = self.lookup(kind, &reference);
        let found = match db::vault::find_subject(conn, &lookup).await? {
            Some(found) => found,
            None => {
                let (epoch, kek) = self.kek.last_key_value().expect("checked when the directory was opened");
                let id = secret::id_at(now);
                let wrapped = wrap(kek, &secret::random(), id, *epoch);
                db::vault::insert_subject(conn, id, &lookup, &wrapped, *epoch).await?;
                db::vault::find_subject(conn, &lookup).await?.ok_or(Error::NotFound)?
            }
        };
        let (Some(wrapped), Some(epoch)) = (found.wrapped_key, found.kek_epoch) else {
            return Err(Error::Row { table: "vault_subjects", column: "wrapped_key", id: found.id.to_string() });
        };

        Ok(Subject { id: found.id, key: self.unwrap_subject(found.id, epoch, &wrapped)? })
    }

    fn unwrap_subject(&self, id: Uuid, epoch: i32, wrapped: &[u8]) -> Result<Key> {
        let kek = self.kek.get(&epoch).ok_or_else(|| {
            Error::Setup(format!("The key-encryption key of epoch {epoch} is missing from the key directory."))
        })?;
        unwrap(kek, wrapped, id, epoch).ok_or_else(|| Error::Row {
            table: "vault_subjects",
            column: "wrapped_key",
            id: id.to_string(),
        })
    }

    fn seal(&self, entry: EntryId, text: &Text<'_>, subject: &Subject, now: u64) -> Prepared {
        let field_key: Key = text.key.cloned().unwrap_or_else(|| Zeroizing::new(secret::random()));
        let value = secret::id_at(now);
        let mut padded = Zeroizing::new(text.text.as_bytes().to_vec());
        padded.push(0x80);
        let length = padded.len().next_multiple_of(BLOCK);
        padded.resize(length, 0);

        Prepared {
            value,
            entry,
            field: text.field.to_owned(),
            subject: subject.id,
            commitment: commit::commitment(&commit::salt(&field_key), text.field, text.text.as_bytes()),
            wrapped_key: wrap(&subject.key, &field_key, value, 0),
            ciphertext: encrypt(&commit::value_key(&field_key), &padded, &value_aad(entry.0, text.field)),
        }
    }
}

fn reference(owner: &TextOwner, now: u64) -> (&'static str, String) {
    match owner {
        TextOwner::Person(person) => ("person", person.to_string()),
        TextOwner::Subject(reference) => ("subject", reference.clone()),
        TextOwner::System(system) => ("system", system.to_string()),
        // One for each month, so that retention can end them as a whole.
        TextOwner::Unattributed => ("unattributed", time::rfc3339(now)[..7].to_owned()),
    }
}

fn wrap_aad(owner: Uuid, epoch: i32) -> Vec<u8> {
    [b"countersign/wrap/v1".as_slice(), owner.as_bytes(), &epoch.to_be_bytes()].concat()
}

fn value_aad(entry: Uuid, field: &str) -> Vec<u8> {
    [b"countersign/vault-value/v1".as_slice(), entry.as_bytes(), field.as_bytes()].concat()
}

fn wrap(key: &[u8; 32], inner: &[u8; 32], owner: Uuid, epoch: i32) -> Vec<u8> {
    encrypt(key, inner, &wrap_aad(owner, epoch))
}

fn unwrap(key: &[u8; 32], wrapped: &[u8], owner: Uuid, epoch: i32) -> Option<Key> {
    let inner = Zeroizing::new(decrypt(key, wrapped, &wrap_aad(owner, epoch))?);
    inner.as_slice().try_into().ok().map(Zeroizing::new)
}

/// Encrypts with a nonce of its own, which stands in front.
pub(crate) fn encrypt(key: &[u8; 32], plain: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce = secret::random::<24>();
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad })
        .expect("values are far shorter than the cipher's limit");
    [nonce.as_slice(), &sealed].concat()
}

/// Decrypts what [`encrypt`] made under the same key and associated data.
pub(crate) fn decrypt(key: &[u8; 32], stored: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = stored.split_at_checked(24)?;
    let nonce: [u8; 24] = nonce.try_into().ok()?;
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad }).ok()
}

#[cfg(test)]
mod tests {
    use countersign_domain::ids::PersonId;

    use super::*;

    #[test]
    fn a_value_opens_to_what_was_committed() {
        let (vault, subject) = vault();

        for text in ["", "x", &"y".repeat(63), &"z".repeat(64), "line\nline €"] {
            let stored = stored(&vault, &subject, text);
            assert_eq!(vault.open(&stored).unwrap().as_deref(), Some(text));
            let salt = commit::salt(&vault.field_key(&stored).unwrap().unwrap());
            assert_eq!(commit::commitment(&salt, "reason", text.as_bytes()).0.as_slice(), stored.commitment);
        }
    }

    #[test]
    fn a_value_beside_another_belongs_to_the_same_subject() {
        let (vault, subject) = vault();
        let beside = stored(&vault, &subject, "old");
        let entry = EntryId(Uuid::from_bytes([6; 16]));

        let made = vault.seal_beside(&beside, entry, 0, "reason", "new").unwrap().unwrap();
        let opened = db::vault::Stored {
            id: made.value,
            entry_id: made.entry.0,
            field: made.field,
            commitment: made.commitment.0.to_vec(),
            wrapped_key: Some(made.wrapped_key),
            ciphertext: Some(made.ciphertext),
            ..beside
        };

        assert_eq!(made.subject, subject.id);
        assert_eq!(vault.open(&opened).unwrap().as_deref(), Some("new"));
        let erased = db::vault::Stored { subject_key: None, ..opened };
        assert!(vault.seal_beside(&erased, entry, 0, "reason", "new").unwrap().is_none());
    }

    #[test]
    fn lengths_within_a_block_look_alike() {
        let (vault, subject) = vault();

        let lengths: Vec<_> =
            ["", "a", &"a".repeat(63)].map(|text| stored(&vault, &subject, text).ciphertext.unwrap().len()).to_vec();

        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_value_does_not_open_in_another_place() {
        let (vault, subject) = vault();
        let original = stored(&vault, &subject, "secret");

        let mut other_field = stored(&vault, &subject, "secret");
        other_field.field = "other".into();
        let mut other_entry = stored(&vault, &subject, "secret");
        other_entry.entry_id = Uuid::from_bytes([9; 16]);
        let mut other_row = stored(&vault, &subject, "secret");
        other_row.id = original.id;

        for moved in [other_field, other_entry, other_row] {
            assert!(vault.open(&moved).is_err());
        }
    }

    #[test]
    fn without_the_subject_key_nothing_opens() {
        let (vault, subject) = vault();
        let mut stored = stored(&vault, &subject, "secret");
        stored.subject_key = None;

        assert_eq!(vault.open(&stored).unwrap(), None);
    }

    #[test]
    fn the_same_reference_is_found_again_and_another_is_not() {
        let (vault, _) = vault();

        assert_eq!(vault.lookup("subject", "customer 1"), vault.lookup("subject", "customer 1"));
        assert_ne!(vault.lookup("subject", "customer 1"), vault.lookup("subject", "customer 2"));
        assert_ne!(vault.lookup("subject", "customer 1"), vault.lookup("person", "customer 1"));
    }

    fn vault() -> (Vault, Subject) {
        let vault = Vault::new(BTreeMap::from([(1, Zeroizing::new([1; 32]))]), Zeroizing::new([2; 32]));
        (vault, Subject { id: Uuid::from_bytes([3; 16]), key: Zeroizing::new([4; 32]) })
    }

    fn stored(vault: &Vault, subject: &Subject, text: &str) -> db::vault::Stored {
        let owner = TextOwner::Person(PersonId(Uuid::nil()));
        let text = Text { field: "reason", text, owner: &owner, key: None };
        let prepared = vault.seal(EntryId(Uuid::from_bytes([5; 16])), &text, subject, 0);
        db::vault::Stored {
            id: prepared.value,
            entry_id: prepared.entry.0,
            field: prepared.field,
            commitment: prepared.commitment.0.to_vec(),
            wrapped_key: Some(prepared.wrapped_key),
            ciphertext: Some(prepared.ciphertext),
            subject_id: subject.id,
            subject_key: Some(wrap(&[1; 32], &subject.key, subject.id, 1)),
            kek_epoch: Some(1),
        }
    }
}
