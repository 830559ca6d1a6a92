//! A log in the database as the files of an export, and the checks S1 to S3 on the way.
//!
//! The verifier asks for tile after tile; each page of entries is read once, compared with rows, tiles and the
//! search index, and kept until the next. Whatever disagrees first gives the failing checks their index.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    future::Future,
};

use countersign_ledger::{
    checkpoint::Checkpoint,
    hash::Hash,
    leaf::Leaf,
    note::Note,
    tile::{BundleId, TILE_WIDTH, TileId, encode_bundle, encode_tile},
    tree::Tree,
    verify::{Check, Report, Source, Status},
};
use sqlx::PgConnection;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::rows::{Counters, Entry};
use crate::{
    clock::milliseconds,
    db::{
        self,
        export::{LogRow, NoteRow, PlacedRow},
    },
    error::{Error, Result},
};

/// Entries read at once: 16 tiles.
const PAGE: u64 = 16 * WIDTH;
const WIDTH: u64 = TILE_WIDTH as u64;
/// Entries that may wait for their place, and for how long (`ledger.md` 7).
const PENDING_MAX: i64 = 4_096;
const PENDING_AGE_MAX_MS: i64 = 5_000;
/// Name of the high-water file's note among the checkpoints.
const HIGH_WATER: &str = "high-water";

/// A frozen view of one log.
pub(super) struct DatabaseSource {
    log: LogRow,
    notes: Vec<NoteRow>,
    /// Whether a key directory was given, and what it was last seen to sign.
    mark: Option<Option<String>>,
    handle: Option<Handle>,
    conn: RefCell<PgConnection>,
    scan: RefCell<Scan>,
    fault: RefCell<Option<sqlx::Error>>,
    first_bad: Cell<Option<u64>>,
}

/// What the pages read so far have shown.
#[derive(Default)]
struct Scan {
    /// First index of the page in memory.
    first: u64,
    page: Vec<Option<Placed>>,
    next: u64,
    tree: Tree,
    /// Sizes that were signed or are the head, with their roots.
    roots: BTreeMap<u64, Hash>,
    /// Greatest of these sizes that the entries agree with, and the first that they do not.
    agreed: u64,
    disagreed: Option<u64>,
    statements: HashMap<Hash, Vec<u8>>,
    counters: Counters,
    checked: u64,
    findings: Findings,
}

struct Placed {
    bytes: Vec<u8>,
    hash: Hash,
}

/// First failure of each check, and how many followed.
#[derive(Default)]
struct Findings(BTreeMap<&'static str, (String, String, u64)>);

impl Findings {
    fn fail(&mut self, check: &'static str, subject: String, detail: String) {
        self.0.entry(check).and_modify(|(.., more)| *more += 1).or_insert((subject, detail, 0));
    }

    fn take(&mut self, check: &'static str, passed: String) -> Check {
        match self.0.remove(check) {
            None => Check { check, status: Status::Passed, subject: "database".to_owned(), detail: passed },
            Some((subject, detail, more)) => {
                let detail = if more > 0 { format!("{detail} (and {more} more)") } else { detail };
                Check { check, status: Status::Failed, subject, detail }
            }
        }
    }
}

impl DatabaseSource {
    /// Reads head and checkpoints; the connection sees one moment.
    pub(super) async fn open(mut conn: PgConnection, mark: Option<Option<String>>) -> Result<Self> {
        let log = db::export::log(&mut conn).await?;
        let log = log.ok_or_else(|| Error::Setup("The database holds no log.".into()))?;
        let notes = db::export::checkpoints(&mut conn, log.id).await?;
        let mut scan = Scan::default();
        let mark_note = mark.iter().flatten().map(String::as_str);
        let signed = notes.iter().map(|row| row.note.as_str()).chain(log.note.as_deref()).chain(mark_note);
        scan.roots.extend(signed.filter_map(parse).map(|checkpoint| (checkpoint.size, checkpoint.root)));

        Ok(Self {
            log,
            notes,
            mark,
            handle: None,
            conn: RefCell::new(conn),
            scan: RefCell::new(scan),
            fault: RefCell::default(),
            first_bad: Cell::new(None),
        })
    }

    /// Waits for the database with this runtime.
    pub(super) fn on(mut self, handle: Handle) -> Self {
        self.handle = Some(handle);
        self
    }

    pub(super) fn vkey(&self) -> &str {
        &self.log.vkey
    }

    /// What kept the database from answering, if anything did.
    pub(super) fn fault(&self) -> Option<Error> {
        self.fault.borrow_mut().take().map(Error::from)
    }

    /// Hands over every statement that has a body.
    pub(super) fn statements(&self, each: &mut dyn FnMut(&Hash, &[u8]) -> Result<()>) -> Result<()> {
        let mut after = Vec::new();
        loop {
            let rows = self.wait(db::export::statements_after(&mut self.conn.borrow_mut(), &after, 500))?;
            let Some(last) = rows.last() else { return Ok(()) };
            after.clone_from(&last.digest);
            for row in &rows {
                if let Some(body) = &row.body {
                    each(&Hash::from_slice(&row.digest)?, body)?;
                }
            }
        }
    }

    /// Reads what the verifier did not, adds S1 to S3, and gives failures of bytes the index where they begin.
    pub(super) fn finish(&self, report: &mut Report) -> Result<()> {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        let size = self.size();
        while self.scan.borrow().next < size {
            let next = self.scan.borrow().next;
            self.load(next)?;
        }
        let mut scan = self.scan.borrow_mut();
        self.check_head(&mut scan)?;
        let pending = self.check_pending(&mut scan)?;
        self.check_rows(&mut scan)?;
        let Scan { findings, checked, agreed, disagreed, .. } = &mut *scan;
        let first_bad = self.first_bad.get();
        if let (Some(disagreed), None) = (*disagreed, first_bad) {
            // The signed roots bracket the change; inside the bracket nothing tells the entries apart.
            self.first_bad.set(Some(*agreed));
            let detail = format!("the root signed at size {disagreed} differs, that at {agreed} does not");
            findings.fail(
                "S3",
                format!("index {agreed}"),
                format!("one of the entries {agreed} to {} was changed: {detail}", disagreed - 1),
            );
        }
        if let Some(index) = self.first_bad.get() {
            let coarse = |check: &&mut Check| check.status == Status::Failed && matches!(check.check, "L4" | "L5");
            for check in report.checks.iter_mut().filter(coarse).filter(|check| !check.subject.starts_with("index ")) {
                check.detail = format!("{} ({})", check.detail, check.subject);
                check.subject = format!("index {index}");
            }
        }
        let rows = format!("{checked} entries and the rows they made say the same");
        report.checks.push(findings.take("S1", rows));
        report.checks.push(findings.take("S2", format!("{pending} entries wait for their place")));
        report.checks.push(findings.take("S3", "head, places, tiles and search index agree".to_owned()));
        if self.mark.is_none() {
            report.checks.push(Check {
                check: "S3",
                status: Status::NotMade,
                subject: "high-water".to_owned(),
                detail: "no key directory was given".to_owned(),
            });
        }

        Ok(())
    }

    fn check_head(&self, scan: &mut Scan) -> Result<()> {
        let size = self.size();
        match &self.mark {
            None => {}
            Some(None) => {
                let detail = "the file is missing or holds nothing that the key signed".to_owned();
                scan.findings.fail("S3", HIGH_WATER.to_owned(), detail);
            }
            Some(Some(note)) => {
                let signed = parse(note).map_or(0, |checkpoint| checkpoint.size);
                if signed > size {
                    let detail = format!("size {signed} was signed, the database ends at {size}: it was rolled back");
                    scan.findings.fail("S3", HIGH_WATER.to_owned(), detail);
                }
            }
        }
        if scan.tree.root().0 != self.log.root.as_slice() {
            let detail = "the entries have another root than the head of the database".to_owned();
            scan.findings.fail("S3", format!("size {size}"), detail);
        }
        if let Some(beyond) = self.wait(db::export::beyond(&mut self.conn.borrow_mut(), self.log.id, self.log.size))? {
            let detail = format!("an entry has a place beyond the head, which is at {size}");
            scan.findings.fail("S3", format!("index {beyond}"), detail);
        }

        Ok(())
    }

    fn check_pending(&self, scan: &mut Scan) -> Result<i64> {
        let backlog = self.wait(db::entries::backlog(&mut self.conn.borrow_mut()))?;
        if backlog.count > PENDING_MAX || backlog.oldest_ms > PENDING_AGE_MAX_MS {
            let detail =
                format!("{} entries wait for their place, the oldest for {} ms", backlog.count, backlog.oldest_ms);
            scan.findings.fail("S2", "database".to_owned(), detail);
        }
        let rows = self.wait(db::export::pending(&mut self.conn.borrow_mut(), 100_000))?;
        let entries = rows.iter().filter_map(|row| {
            Some(Entry { subject: format!("entry {}", row.id), id: row.id, leaf: Leaf::parse(&row.bytes).ok()? })
        });
        self.compare(scan, entries.collect())?;

        Ok(backlog.count)
    }

    fn check_rows(&self, scan: &mut Scan) -> Result<()> {
        for row in self.wait(db::export::dangling(&mut self.conn.borrow_mut()))? {
            let subject = format!("entry {}", row.entry);
            scan.findings.fail("S1", subject, format!("{} {} names it, and it is not in the log", row.table, row.id));
        }
        for row in self.wait(db::export::counters(&mut self.conn.borrow_mut()))? {
            if let Some(fault) = scan.counters.fault(&row) {
                scan.findings.fail("S1", format!("{} {}", row.kind, row.id), fault);
            }
        }
        if let Some(digest) = self.wait(db::export::changed_statement(&mut self.conn.borrow_mut()))? {
            let digest = Hash::from_slice(&digest)?;
            scan.findings.fail("S1", format!("statement {digest}"), "its text does not have this digest".to_owned());
        }

        Ok(())
    }

    /// Reads the page that begins at an index, and checks it when it is met for the first time.
    fn load(&self, first: u64) -> Result<()> {
        let rows = self.wait(db::export::entries(&mut self.conn.borrow_mut(), self.log.id, first, PAGE))?;
        let mut scan = self.scan.borrow_mut();
        let end = (first + PAGE).min(self.size());
        let mut page: Vec<Option<Placed>> = (first..end).map(|_| None).collect();
        let fresh = first == scan.next;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let index = row.idx as u64;
            let Some(slot) = page.get_mut((index - first) as usize) else { continue };
            if slot.is_some() {
                scan.findings.fail("S3", format!("index {index}"), "two entries have this place".to_owned());
                self.note_bad(index);
                continue;
            }
            let leaf = Leaf::parse(&row.bytes).ok();
            if fresh && leaf.as_ref().is_some_and(|leaf| is_misplaced(&row, leaf)) {
                let detail = "the search index has another entry at this place".to_owned();
                scan.findings.fail("S3", format!("index {index}"), detail);
                self.note_bad(index);
            }
            // A hash of another length cannot be the entry's.
            *slot = Some(Placed { hash: Hash::from_slice(&row.leaf_hash).unwrap_or_default(), bytes: row.bytes });
            entries.extend(leaf.map(|leaf| Entry { subject: format!("index {index}"), id: row.id, leaf }));
        }
        if fresh {
            for (index, _) in (first..end).zip(&page).filter(|(_, placed)| placed.is_none()) {
                scan.findings.fail("S3", format!("index {index}"), "no entry has this place".to_owned());
                self.note_bad(index);
            }
            self.grow(&mut scan, &page)?;
            self.read_statements(&mut scan, &entries)?;
            self.compare(&mut scan, entries)?;
            scan.next = end;
        }
        (scan.first, scan.page) = (first, page);

        Ok(())
    }

    /// Grows the tree over the stored hashes, and compares it with stored tiles and signed roots.
    fn grow(&self, scan: &mut Scan, page: &[Option<Placed>]) -> Result<()> {
        let hashes: Vec<Hash> =
            page.iter().map(|placed| placed.as_ref().map_or_else(Hash::default, |placed| placed.hash)).collect();
        let start = scan.tree.size();
        let end = start + hashes.len() as u64;
        let mut stops: Vec<u64> = scan.roots.range(start + 1..=end).map(|(size, _)| *size).collect();
        stops.push(end);
        let mut rest = hashes.as_slice();
        for stop in stops {
            let (head, tail) = rest.split_at((stop - scan.tree.size()) as usize);
            rest = tail;
            for filled in scan.tree.append(head).filled {
                let id = filled.id();
                let computed = encode_tile(&filled.hashes);
                let level = i16::from(id.level);
                let stored = self.wait(db::export::tile(&mut self.conn.borrow_mut(), self.log.id, level, id.n))?;
                let fault = match &stored {
                    None => Some(0),
                    Some(tile) if tile.hashes != computed => {
                        let pairs = tile.hashes.chunks(32).zip(computed.chunks(32));
                        Some(pairs.take_while(|(stored, computed)| stored == computed).count() as u64)
                    }
                    Some(tile) => (tile.root != filled.root.0).then_some(0),
                };
                if let Some(at) = fault {
                    let index = (id.n * WIDTH + at) << (8 * u32::from(id.level));
                    let what = if stored.is_none() { "is missing" } else { "does not agree with the entries" };
                    scan.findings.fail("S3", format!("index {index}"), format!("{} {what}", id.path()));
                    if id.level == 0 && stored.is_some() {
                        self.note_bad(index);
                    }
                }
            }
            if let Some(signed) = scan.roots.get(&stop)
                && scan.disagreed.is_none()
            {
                match *signed == scan.tree.root() {
                    true => scan.agreed = stop,
                    false => scan.disagreed = Some(stop),
                }
            }
        }

        Ok(())
    }

    /// Reads the statements that a page names, in one query.
    fn read_statements(&self, scan: &mut Scan, entries: &[Entry]) -> Result<()> {
        let named = |entry: &Entry| {
            let member = match entry.leaf.kind.as_str() {
                "decision.proposed" => "content",
                "decision.viewed" => "seen",
                _ => return None,
            };
            Some(entry.leaf.d.as_ref()?.get(member)?.as_hash()?.0.to_vec())
        };
        let digests: Vec<Vec<u8>> = entries.iter().filter_map(named).collect();
        scan.statements.clear();
        for row in self.wait(db::export::statements(&mut self.conn.borrow_mut(), &digests))? {
            if let Some(body) = row.body {
                scan.statements.insert(Hash::from_slice(&row.digest)?, body);
            }
        }

        Ok(())
    }

    /// Compares entries with the rows they made.
    fn compare(&self, scan: &mut Scan, entries: Vec<Entry>) -> Result<()> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        let rows = self.wait(db::export::made_by(&mut self.conn.borrow_mut(), &ids))?;
        let mut made: HashMap<Uuid, Vec<_>> = HashMap::new();
        for row in rows {
            made.entry(row.entry).or_default().push(row);
        }
        let nothing = Vec::new();
        for entry in &entries {
            scan.checked += 1;
            scan.counters.note(&entry.leaf);
            let own = made.get(&entry.id).unwrap_or(&nothing);
            if let Some(fault) = entry.fault(own) {
                scan.findings.fail("S1", entry.subject.clone(), fault);
                if let Some(index) = entry.subject.strip_prefix("index ").and_then(|index| index.parse().ok()) {
                    self.note_suspect(scan, index);
                }
            }
        }

        Ok(())
    }

    /// Notes an entry whose place or bytes are certainly not those that were sealed.
    fn note_bad(&self, index: u64) {
        self.first_bad.set(Some(self.first_bad.get().map_or(index, |first| first.min(index))));
    }

    /// Notes an entry that differs from its row, which tells nothing of the log unless its root is wrong too.
    fn note_suspect(&self, scan: &Scan, index: u64) {
        if scan.disagreed.is_some() && index >= scan.agreed {
            self.note_bad(index);
        }
    }

    fn placed<T>(&self, index: u64, read: impl FnOnce(Option<&Placed>) -> T) -> Option<T> {
        let first = index / PAGE * PAGE;
        let loaded = {
            let scan = self.scan.borrow();
            scan.first == first && !scan.page.is_empty()
        };
        if !loaded && let Err(error) = self.load(first) {
            let error = match error {
                Error::Database(error) | Error::Unavailable(error) => error,
                other => sqlx::Error::Protocol(other.to_string()),
            };
            self.fault.borrow_mut().get_or_insert(error);
            return None;
        }
        let scan = self.scan.borrow();

        Some(read(scan.page.get((index - first) as usize).and_then(Option::as_ref)))
    }

    /// The bytes of a bundle; an entry that is missing is empty, so that it does not hash to its tile.
    fn bundle(&self, id: BundleId) -> Option<Vec<u8>> {
        let first = id.n * WIDTH;
        let leaves: Option<Vec<Vec<u8>>> = (first..first + u64::from(id.width))
            .map(|index| self.placed(index, |placed| placed.map_or_else(Vec::new, |placed| placed.bytes.clone())))
            .collect();

        encode_bundle(leaves?.iter().map(Vec::as_slice)).ok()
    }

    /// A tile as it is stored or, at the growing edge, as the stored hashes make it.
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>> {
        let length = usize::from(id.width) * 32;
        let level = i16::from(id.level);
        if let Some(tile) = self.wait(db::export::tile(&mut self.conn.borrow_mut(), self.log.id, level, id.n))? {
            return Ok(tile.hashes.get(..length).map(<[u8]>::to_vec));
        }
        if TileId::in_tree(id.level, id.n, self.size()).is_none_or(|known| known.width == TILE_WIDTH) {
            return Ok(None);
        }
        let first = id.n * WIDTH;
        let hashes = match id.level {
            0 => (first..first + u64::from(id.width))
                .map_while(|index| self.placed(index, |placed| placed.map_or_else(Hash::default, |placed| placed.hash)))
                .collect(),
            _ => {
                let mut conn = self.conn.borrow_mut();
                self.wait(db::logs::tile_roots(&mut conn, self.log.id, level - 1, first, id.width.into()))?
            }
        };
        let bytes = encode_tile(&hashes);

        Ok((bytes.len() == length).then_some(bytes))
    }

    /// The note to verify: the signed head, or the high-water mark while its own announcement is under way.
    fn head(&self) -> Option<&str> {
        let size = |note: &str| parse(note).map_or(0, |checkpoint| checkpoint.size);
        let mark = self.mark.iter().flatten().map(String::as_str).next();
        let ahead = mark.filter(|mark| size(mark) > self.log.signed_size as u64 && size(mark) <= self.size());

        ahead.or(self.log.note.as_deref())
    }

    fn size(&self) -> u64 {
        u64::try_from(self.log.size).unwrap_or(0)
    }

    fn wait<T>(&self, query: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
        let handle = self.handle.as_ref().ok_or_else(|| Error::Setup("the verifier has no runtime".into()))?;

        Ok(handle.block_on(query)?)
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        if let Ok(id) = BundleId::parse(path) {
            let known = BundleId::in_tree(id.n, self.size()).is_some_and(|known| id.width <= known.width);
            return Ok(if known { self.bundle(id) } else { None });
        }
        if let Ok(id) = TileId::parse(path) {
            return self.tile(id);
        }
        if let Some(name) = path.strip_prefix("checkpoints/") {
            let note = match name {
                HIGH_WATER => self.mark.iter().flatten().next(),
                _ => self.notes.iter().find(|row| row.size.to_string() == name).map(|row| &row.note),
            };
            return Ok(note.map(|note| note.clone().into_bytes()));
        }
        if let Some(digest) = path.strip_prefix("statements/").and_then(|name| name.strip_suffix(".json")) {
            let digest: Hash = digest.parse()?;
            return Ok(self.scan.borrow().statements.get(&digest).cloned());
        }
        if path == "checkpoint" {
            return Ok(self.head().map(|note| note.as_bytes().to_vec()));
        }

        Ok(None)
    }
}

impl Source for DatabaseSource {
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        match self.read(path) {
            Ok(file) => file,
            Err(Error::Database(error) | Error::Unavailable(error)) => {
                self.fault.borrow_mut().get_or_insert(error);
                None
            }
            // Anything else is a file that no log has.
            Err(_) => None,
        }
    }

    fn names(&self, directory: &str) -> Vec<String> {
        if directory != "checkpoints" {
            return Vec::new();
        }
        let mark = self.mark.iter().flatten().map(|_| HIGH_WATER.to_owned());

        self.notes.iter().map(|row| row.size.to_string()).chain(mark).collect()
    }
}

/// Whether the search index, which was written when the entry got its place, says something else of this place.
fn is_misplaced(row: &PlacedRow, leaf: &Leaf) -> bool {
    let Some(kind) = &row.kind else { return false };
    let object = leaf.obj.as_ref().and_then(|obj| obj.id.parse::<Uuid>().ok());
    let sid = leaf.actor.sid.as_deref().and_then(|sid| sid.parse::<Uuid>().ok());

    *kind != leaf.kind || row.object_id != object || row.sid != sid || row.at.map(milliseconds) != Some(leaf.at)
}

fn parse(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(&Note::parse(note).ok()?.text).ok()
}
