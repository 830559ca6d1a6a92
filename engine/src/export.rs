//! The log for somebody outside: an auditor's directory, and verification straight from the database.
//!
//! [`to_directory`] writes the log at one signed size in the layout of C2SP, with what a stranger needs to check it
//! without this software. [`verify`] runs the verifier over a database as it is, through any connection that may
//! read, and adds what only the installation itself can check: that rows and entries belong together (S1), that
//! nothing waits too long for its place (S2), and that head, index, tiles and high-water file agree (S3).

mod rows;
mod source;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use countersign_domain::{
    audit,
    event::{Event, Object, Place},
};
use countersign_ledger::{
    checkpoint::Checkpoint,
    hash::Hash,
    leaf::Leaf,
    note::{Note, Verifier},
    tile::{BundleId, tiles_in_tree},
    verify::{Check, Report, Source, Status, Trust},
};
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};
use tokio::runtime::Handle;

use crate::{
    Engine, authorize,
    caller::Caller,
    connect, db,
    error::{Error, Result},
    high_water::HighWater,
    ledger, reads,
    signing::{Hold, Keys},
};
use source::DatabaseSource;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Size of the log in the directory.
    pub size: u64,
    /// Number of files.
    pub files: usize,
}

/// What the verifier is told beforehand.
#[derive(Debug, Default)]
pub struct Pinned {
    /// Keys and witnesses; without them the log's key is taken from the key directory, or from the database itself.
    pub trust: Option<Trust>,
    /// Signed checkpoints that the verifier kept itself.
    pub held: Vec<String>,
    /// The installation's key directory, for the high-water file.
    pub keys: Option<PathBuf>,
}

/// An auditor's directory, as the verifier reads it.
#[derive(Clone, Debug)]
pub struct Export(pub PathBuf);

impl Source for Export {
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(path)).ok()
    }

    fn names(&self, directory: &str) -> Vec<String> {
        let files = fs::read_dir(self.0.join(directory)).into_iter().flatten().flatten();
        let mut names: Vec<_> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
        // By number where the names are sizes, so that the first disagreement is named first.
        names.sort_by_key(|name| (name.len(), name.clone()));

        names
    }
}

/// Verifies the log that a database holds. Changes nothing and signs nothing.
///
/// # Errors
///
/// When the database or the key directory cannot be read. What was found is in the report, never an error.
pub async fn verify(database: &str, pinned: Pinned) -> Result<Report> {
    // The mark is read first: the database is then never older than it in a healthy installation.
    let mark = pinned.keys.as_deref().map(read_mark).transpose()?;
    let source = DatabaseSource::open(frozen(database).await?, mark.as_ref().map(|(_, mark)| mark.clone())).await?;
    let (trust, notice) = match (pinned.trust, mark) {
        (Some(trust), _) => (trust, None),
        (None, Some((key, _))) => (Trust::log_only(key), None),
        (None, None) => (Trust::log_only(Verifier::from_str(source.vkey())?), Some(unpinned("database"))),
    };
    blocking(move |handle| {
        let held: Vec<&str> = pinned.held.iter().map(String::as_str).collect();
        let source = source.on(handle);
        let mut report = audit::verify_log(&source, &trust, &held);
        report.checks.extend(notice);
        source.finish(&mut report)?;

        Ok(report)
    })
    .await
}

/// Writes the auditor's directory of a running installation, and puts that on record.
///
/// # Errors
///
/// [`Error::CannotSeal`] when it cannot be put on record; then nothing is written. [`Error::Setup`] when the
/// directory is in use or cannot be written.
pub async fn to_directory(engine: &Engine, directory: &Path, held: &[String]) -> Result<Exported> {
    let mut conn = engine.app.acquire().await?;
    let opened = db::entries::at(&mut conn, engine.log.row, 0).await?.ok_or(Error::NotFound)?;
    drop(conn);
    let id = Leaf::parse(&opened.bytes)?.obj.and_then(|obj| obj.id.parse().ok()).ok_or(Error::NotFound)?;
    let permit = authorize::unevaluated(authorize::operator_actor(engine.operator));
    let event = Event::AccessDownloaded { object: Object { kind: "log", id, place: Place::Read(1) } };
    reads::record(engine, &Caller::operator(), permit, &event, reads::Shown::default()).await?;
    let exported = from_database(&engine.config.database.app, directory, held).await?;
    ledger::note_holder(engine, "export", exported.size).await?;

    Ok(exported)
}

/// Writes the auditor's directory from a database, through any connection that may read. Leaves no trace there.
///
/// # Errors
///
/// [`Error::Setup`] when nothing is signed yet, or the directory is in use or cannot be written.
pub async fn from_database(database: &str, directory: &Path, held: &[String]) -> Result<Exported> {
    let source = DatabaseSource::open(frozen(database).await?, None).await?;
    let (directory, held) = (directory.to_owned(), held.concat());
    blocking(move |handle| write(&source.on(handle), directory, &held)).await
}

/// The trust policy of a log whose witnesses are nobody yet.
pub(crate) fn trust_policy(vkey: &str) -> String {
    format!("log {vkey}\nquorum none\n")
}

/// Says that the key proves nothing about whoever handed it over.
pub fn unpinned(place: &str) -> Check {
    Check {
        check: "L2",
        status: Status::Notice,
        subject: "trust policy".to_owned(),
        detail: format!("the key was taken from the {place} itself; pin one you got elsewhere with --trust"),
    }
}

fn write(source: &DatabaseSource, directory: PathBuf, held: &str) -> Result<Exported> {
    let Some(note) = source.file("checkpoint") else {
        return Err(source.fault().unwrap_or_else(|| Error::Setup("The log has no signed checkpoint yet.".into())));
    };
    let text = String::from_utf8_lossy(&note).into_owned();
    let checkpoint = Checkpoint::parse(&Note::parse(&text)?.text)?;
    let mut out = Directory::create(directory)?;
    out.put("checkpoint", &note)?;
    for name in source.names("checkpoints") {
        out.copy(source, &format!("checkpoints/{name}"))?;
    }
    let bundles = (0..).map_while(|n| BundleId::in_tree(n, checkpoint.size));
    for bundle in bundles {
        out.copy(source, &bundle.path())?;
    }
    for tile in tiles_in_tree(checkpoint.size) {
        out.copy(source, &tile.path())?;
    }
    source.statements(&mut |digest: &Hash, body: &[u8]| out.put(&format!("statements/{digest}.json"), body))?;
    let vkey = source.vkey();
    out.put("trust-policy.txt", trust_policy(vkey).as_bytes())?;
    let keys = serde_json::json!({"origin": checkpoint.origin, "keys": [{"vkey": vkey, "from": 0}]});
    out.put("keys.json", keys.to_string().as_bytes())?;
    if !held.is_empty() {
        out.put("held.txt", held.as_bytes())?;
    }
    out.put("README.txt", README.replace("{origin}", &checkpoint.origin).replace("{vkey}", vkey).as_bytes())?;

    Ok(Exported { size: checkpoint.size, files: out.finish()? })
}

/// A directory being filled, with the digest of each file.
struct Directory {
    path: PathBuf,
    digests: BTreeMap<String, String>,
}

impl Directory {
    fn create(path: PathBuf) -> Result<Self> {
        let refused = |why: String| Error::Setup(format!("{} {why}", path.display()));
        fs::create_dir_all(&path).map_err(|error| refused(format!("cannot be made: {error}")))?;
        let mut files = fs::read_dir(&path).map_err(|error| refused(format!("cannot be read: {error}")))?;
        if files.next().is_some() {
            return Err(refused("is not empty; export into a new directory".to_owned()));
        }

        Ok(Self { path, digests: BTreeMap::new() })
    }

    fn copy(&mut self, source: &DatabaseSource, path: &str) -> Result<()> {
        match source.file(path) {
            Some(bytes) => self.put(path, &bytes),
            None => Err(source.fault().unwrap_or_else(|| {
                Error::Setup(format!("{path} is missing in the database; run countersign verify --database"))
            })),
        }
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let digest = Sha256::digest(bytes);
        self.digests.insert(path.to_owned(), digest.iter().map(|byte| format!("{byte:02x}")).collect());
        self.write(path, bytes)
    }

    /// Writes the manifest and returns the number of files.
    fn finish(self) -> Result<usize> {
        let manifest = serde_json::json!({"sha256": self.digests});
        self.write("manifest.json", format!("{manifest:#}\n").as_bytes())?;

        Ok(self.digests.len() + 1)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let place = self.path.join(path);
        let parent = place.parent().unwrap_or(&self.path);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&place, bytes))
            .map_err(|error| Error::Setup(format!("{} cannot be written: {error}", place.display())))
    }
}

/// Key and last signed note of a key directory. A missing high-water file is `None`, which S3 fails.
fn read_mark(keys: &Path) -> Result<(Verifier, Option<String>)> {
    let keys = Keys::open(keys, "", Hold::Beside)?;
    let key = keys.signer.verifier().clone();
    let path = keys.high_water();
    if !path.exists() {
        return Ok((key, None));
    }
    let file = HighWater::open(&path, &key)
        .map_err(|error| Error::Setup(format!("{} cannot be read: {error}", path.display())))?;
    let note = file.current().map(|mark| mark.note.clone());

    Ok((key, note))
}

/// Connects for one look at the database as it is at this moment.
async fn frozen(database: &str) -> Result<PgConnection> {
    let mut conn = PgConnection::connect_with(&connect::options(database)?).await.map_err(connect::failed)?;
    db::export::freeze(&mut conn).await?;

    Ok(conn)
}

/// Runs the verifier, which knows nothing of waiting, beside the async workers.
async fn blocking<T: Send + 'static>(work: impl FnOnce(Handle) -> Result<T> + Send + 'static) -> Result<T> {
    let handle = Handle::current();
    let done = tokio::task::spawn_blocking(move || work(handle)).await;

    done.map_err(|error| Error::Setup(format!("the verifier ended early: {error}")))?
}

const README: &str = include_str!("export/README.txt");
