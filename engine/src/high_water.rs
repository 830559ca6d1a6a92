//! The last signed size outside the database: what makes a restored or copied database refuse to sign.
//!
//! The file is two slots of 8,192 bytes, written in turn. A slot holds, in this order, the SHA-256 of
//! the rest, the epoch (u64, big-endian), the note's length (u32, big-endian) and the signed note,
//! padded with zeros. A torn write spoils one slot; the other stays valid. The larger size wins.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use countersign_ledger::{
    checkpoint::{self, Checkpoint},
    note::Verifier,
};
use sha2::{Digest, Sha256};

const SLOT: usize = 8_192;
const HEADER: usize = 32 + 8 + 4;

/// The open file, and what its valid slots say.
pub(crate) struct HighWater {
    file: File,
    next_slot: u64,
    current: Option<Mark>,
}

/// One signed state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) epoch: u64,
    pub(crate) note: String,
    pub(crate) checkpoint: Checkpoint,
}

impl HighWater {
    /// Opens the file and reads both slots. A slot that is torn, or whose note the key did not sign, counts as empty.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or read.
    pub(crate) fn open(path: &Path, key: &Verifier) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let slots = [read_slot(&file, 0, key)?, read_slot(&file, 1, key)?];
        let newest = match &slots {
            [Some(a), Some(b)] => usize::from(b.checkpoint.size > a.checkpoint.size),
            [None, Some(_)] => 1,
            _ => 0,
        };
        let next_slot = if slots[newest].is_some() { 1 - newest as u64 } else { 0 };
        let current = slots.into_iter().nth(newest).flatten();

        Ok(Self { file, next_slot, current })
    }

    /// Returns the highest signed state, if any was written.
    pub(crate) fn current(&self) -> Option<&Mark> {
        self.current.as_ref()
    }

    /// Writes a signed state into the older slot and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// When the disk refuses; the other slot still holds the state before.
    pub(crate) fn write(&mut self, mark: Mark) -> io::Result<()> {
        let mut slot = vec![0; SLOT];
        let note = mark.note.as_bytes();
        let end = HEADER + note.len();
        if end > SLOT {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the signed note is longer than a slot"));
        }
        slot[32..40].copy_from_slice(&mark.epoch.to_be_bytes());
        slot[40..44].copy_from_slice(&u32::try_from(note.len()).expect("shorter than a slot").to_be_bytes());
        slot[HEADER..end].copy_from_slice(note);
        let sum = Sha256::digest(&slot[32..]);
        slot[..32].copy_from_slice(&sum);
        self.file.write_all_at(&slot, self.next_slot * SLOT as u64)?;
        self.file.sync_data()?;
        self.next_slot = 1 - self.next_slot;
        self.current = Some(mark);

        Ok(())
    }
}

fn read_slot(file: &File, number: u64, key: &Verifier) -> io::Result<Option<Mark>> {
    let mut slot = vec![0; SLOT];
    match file.read_exact_at(&mut slot, number * SLOT as u64) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    if Sha256::digest(&slot[32..]).as_slice() != &slot[..32] {
        return Ok(None);
    }
    let epoch = u64::from_be_bytes(slot[32..40].try_into().expect("8 bytes"));
    let length = u32::from_be_bytes(slot[40..44].try_into().expect("4 bytes")) as usize;
    let note = slot.get(HEADER..HEADER + length).and_then(|bytes| std::str::from_utf8(bytes).ok());

    Ok(note.and_then(|note| {
        let (checkpoint, _) = checkpoint::open(note, key).ok()?;
        Some(Mark { epoch, note: note.to_owned(), checkpoint })
    }))
}

#[cfg(test)]
mod tests {
    use countersign_ledger::{hash::Hash, note::Signer};

    use super::*;

    #[test]
    fn the_larger_size_wins_after_reopening() {
        let (directory, signer) = place();
        let path = directory.path().join("high-water");
        let mut file = HighWater::open(&path, signer.verifier()).unwrap();
        assert_eq!(file.current(), None);

        for size in 1..=5 {
            file.write(mark(&signer, size)).unwrap();
        }

        assert_eq!(HighWater::open(&path, signer.verifier()).unwrap().current(), Some(&mark(&signer, 5)));
    }

    #[test]
    fn a_torn_slot_leaves_the_one_before() {
        let (directory, signer) = place();
        let path = directory.path().join("high-water");
        let mut file = HighWater::open(&path, signer.verifier()).unwrap();
        file.write(mark(&signer, 1)).unwrap();
        file.write(mark(&signer, 2)).unwrap();

        // The second write went to the second slot: cut it at every possible place of a torn write.
        for torn_at in [0, 1, 31, 40, 44, 100, 511] {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[SLOT + torn_at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(HighWater::open(&path, signer.verifier()).unwrap().current(), Some(&mark(&signer, 1)));
            bytes[SLOT + torn_at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
        }
        assert_eq!(HighWater::open(&path, signer.verifier()).unwrap().current(), Some(&mark(&signer, 2)));
    }

    #[test]
    fn a_slot_signed_by_another_key_does_not_count() {
        let (directory, signer) = place();
        let path = directory.path().join("high-water");
        HighWater::open(&path, signer.verifier()).unwrap().write(mark(&signer, 1)).unwrap();
        let other = Signer::ed25519("desk.example.org/ledger/0011223344556677", &[8; 32]).unwrap();

        assert_eq!(HighWater::open(&path, other.verifier()).unwrap().current(), None);
    }

    fn place() -> (tempfile::TempDir, Signer) {
        let signer = Signer::ed25519("desk.example.org/ledger/0011223344556677", &[7; 32]).unwrap();
        (tempfile::tempdir().unwrap(), signer)
    }

    fn mark(signer: &Signer, size: u64) -> Mark {
        let checkpoint = Checkpoint::new(signer.verifier().name(), size, Hash([size as u8; 32]));
        Mark { epoch: 1, note: checkpoint.sign(signer).unwrap(), checkpoint }
    }
}
