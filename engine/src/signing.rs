//! The key directory: what must never be in the database, its backups or the command line.
//!
//! ```text
//! signing.key   Ed25519 seed, 64 hex digits; signs checkpoints and nothing else
//! kek/<epoch>   key-encryption key of the vault, 64 hex digits
//! master/<epoch> master key of secrets at rest, 64 hex digits
//! grouping.key  finds the same data subject again without storing the reference
//! inception     origin of the log, written before the log exists
//! high-water    last signed size, root and epoch
//! instance-id   random id of this installation's operator in leaves
//! lock          held by the one process that serves from this directory
//! ```

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use countersign_ledger::note::Signer;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    secret,
};

/// What the key directory holds.
pub(crate) struct Keys {
    directory: PathBuf,
    /// Name of the log and of its key, `<host>/ledger/<16 hex digits>`.
    pub(crate) origin: String,
    /// Signs checkpoints.
    pub(crate) signer: Signer,
    /// Key-encryption keys by epoch.
    pub(crate) kek: BTreeMap<i32, Zeroizing<[u8; 32]>>,
    /// Master keys of secrets at rest, by epoch.
    pub(crate) master: BTreeMap<u32, Zeroizing<[u8; 32]>>,
    /// Keys the look-up of data subjects and of equal contents.
    pub(crate) grouping: Zeroizing<[u8; 32]>,
    /// The operator's `sid` in leaves.
    pub(crate) operator: Uuid,
    _lock: Option<File>,
}

/// Whether the process serves, or only runs one command beside a serving one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Takes the lock; a second serving process is refused.
    Exclusive,
    /// Reads the keys and never signs.
    Beside,
}

impl Keys {
    /// Opens the directory, and fills it on the very first start.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] naming the file and what to do.
    pub(crate) fn open(directory: &Path, host: &str, hold: Hold) -> Result<Self> {
        let lock = match hold {
            Hold::Exclusive => {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(directory)
                    .map_err(|error| failed(directory, "made", &error))?;
                Some(lock(directory)?)
            }
            Hold::Beside => None,
        };
        let mode = fs::metadata(directory).map_err(|error| failed(directory, "read", &error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::Setup(format!(
                "The key directory {} can be read by other users (mode {:o}). Run: chmod 700 {}",
                directory.display(),
                mode & 0o777,
                directory.display()
            )));
        }
        if hold == Hold::Exclusive && !directory.join("inception").exists() {
            create(directory, host)?;
        }
        let origin = read(&directory.join("inception"))?.trim().to_owned();
        let seed = key(&directory.join("signing.key"))?;
        let signer = Signer::ed25519(&origin, &seed)?;
        let operator = read(&directory.join("instance-id"))?
            .trim()
            .parse()
            .map_err(|_| Error::Setup(format!("{} is not a UUID", directory.join("instance-id").display())))?;
        let kek = epochs(&directory.join("kek"))?;
        if kek.is_empty() {
            return Err(Error::Setup(format!(
                "No key-encryption key in {}; restore it from its own backup.",
                directory.join("kek").display()
            )));
        }
        let master = epochs(&directory.join("master"))?;

        Ok(Self {
            grouping: key(&directory.join("grouping.key"))?,
            directory: directory.to_owned(),
            origin,
            signer,
            kek,
            master,
            operator,
            _lock: lock,
        })
    }

    /// Makes the first master key, for an installation that holds no secret yet.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] naming the file.
    pub(crate) fn make_master(&mut self) -> Result<()> {
        let place = self.directory.join("master");
        private_directory(&place)?;
        let bytes = Zeroizing::new(secret::random::<32>());
        write_new(&place.join("1"), &hex(bytes.as_slice()))?;
        self.master.insert(1, bytes);
        File::open(&place).and_then(|place| place.sync_all()).map_err(|error| failed(&place, "synced", &error))
    }

    /// Returns where the high-water file is.
    pub(crate) fn high_water(&self) -> PathBuf {
        self.directory.join("high-water")
    }

    /// Returns the log id: the 16 hex digits that end the origin.
    pub(crate) fn log(&self) -> &str {
        self.origin.rsplit('/').next().unwrap_or(&self.origin)
    }
}

fn create(directory: &Path, host: &str) -> Result<()> {
    let kek = directory.join("kek");
    private_directory(&kek)?;
    write_new(&directory.join("signing.key"), &hex(&secret::random::<32>()))?;
    write_new(&kek.join("1"), &hex(&secret::random::<32>()))?;
    write_new(&directory.join("grouping.key"), &hex(&secret::random::<32>()))?;
    write_new(&directory.join("instance-id"), &secret::random_id().to_string())?;
    // Last: its presence says that the keys above are whole.
    write_new(&directory.join("inception"), &format!("{host}/ledger/{}", hex(&secret::random::<8>())))?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed(directory, "synced", &error))
}

fn private_directory(path: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| failed(path, "made", &error))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the keys of a directory, one file for each epoch; none when there is no directory.
fn epochs<Epoch: std::str::FromStr + Ord>(place: &Path) -> Result<BTreeMap<Epoch, Zeroizing<[u8; 32]>>> {
    let mut keys = BTreeMap::new();
    let files = match fs::read_dir(place) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(keys),
        Err(error) => return Err(failed(place, "read", &error)),
    };
    for file in files {
        let file = file.map_err(|error| failed(place, "read", &error))?;
        if let Some(epoch) = file.file_name().to_str().and_then(|name| name.parse().ok()) {
            keys.insert(epoch, key(&file.path())?);
        }
    }
    Ok(keys)
}

/// Writes a file that must not exist half, then makes it durable. An earlier start that died before
/// `inception` may have left it; it was never used, so it is replaced.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        writeln!(file, "{text}")?;
        file.sync_all()
    };
    write().map_err(|error| failed(path, "written", &error))
}

fn read(path: &Path) -> Result<Zeroizing<String>> {
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| failed(path, "read", &error))
}

fn key(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let text = read(path)?;
    let text = text.trim();
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.is_ascii() {
        return Err(Error::Setup(format!("{} does not hold 64 hex digits", path.display())));
    }
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * position..2 * position + 2], 16)
            .map_err(|_| Error::Setup(format!("{} does not hold 64 hex digits", path.display())))?;
    }
    Ok(bytes)
}

fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed(&path, "opened", &error))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Error::Setup(format!("Another process serves from the key directory {}. Stop it first.", directory.display()))
    })?;
    Ok(file)
}

fn failed(path: &Path, verb: &str, error: &io::Error) -> Error {
    Error::Setup(format!("{} cannot be {verb}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_first_start_are_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");

        let first = Keys::open(&path, "desk.example.org", Hold::Exclusive).unwrap();
        let (origin, vkey) = (first.origin.clone(), first.signer.vkey());
        drop(first);
        let again = Keys::open(&path, "other.example.org", Hold::Exclusive).unwrap();

        assert_eq!((again.origin.clone(), again.signer.vkey()), (origin, vkey));
        assert_eq!(again.log().len(), 16);
    }

    #[test]
    fn a_second_serving_process_is_refused_and_a_command_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let _serving = Keys::open(&path, "desk.example.org", Hold::Exclusive).unwrap();

        assert!(Keys::open(&path, "desk.example.org", Hold::Exclusive).is_err());
        assert!(Keys::open(&path, "desk.example.org", Hold::Beside).is_ok());
    }

    #[test]
    fn a_directory_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        drop(Keys::open(&path, "desk.example.org", Hold::Exclusive).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();

        let Err(Error::Setup(sentence)) = Keys::open(&path, "desk.example.org", Hold::Exclusive) else {
            panic!("opened")
        };

        assert!(sentence.contains("chmod 700"), "{sentence}");
    }
}
