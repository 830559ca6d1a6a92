//! Verification of a whole log in the C2SP layout, leaf by leaf.

use std::collections::BTreeMap;

use super::report::{Check, Report, Status};
use super::{Trust, head};
use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, leaf_hash};
use crate::leaf::LeafRef;
use crate::proof::verify_inclusion;
use crate::tile::{BundleId, TILE_WIDTH, TileId, parse_bundle, parse_tile};
use crate::tlog_proof::TlogProof;
use crate::tree::Tree;
use crate::value::{Limits, Value};

/// The files of an exported log (ledger format, section 8), wherever they are.
pub trait Source {
    /// The bytes of a file, by its path below the export directory.
    fn file(&self, path: &str) -> Option<Vec<u8>>;

    /// Names of the files directly in a directory such as `checkpoints` or `proofs`.
    fn names(&self, directory: &str) -> Vec<String>;
}

/// Verifies a whole log: the checkpoint (L1 to L3), every leaf (L4, L8), every tile (L5), the proof files (L6) and
/// agreement with every other checkpoint at hand (L7), which are those in the source and the signed notes in
/// `held` that the verifier kept itself.
///
/// `visit` is called in order with index, bytes and leaf of each entry that is canonical and understood.
pub fn verify_log(
    source: &dyn Source,
    trust: &Trust,
    held: &[&str],
    visit: &mut dyn FnMut(u64, &[u8], &LeafRef<'_>),
) -> Report {
    let mut report = Report::default();
    let Some(checkpoint) =
        text(source, "checkpoint").and_then(|text| head::check(&text, "checkpoint", trust, &mut report))
    else {
        if report.checks.is_empty() {
            report.add("L1", Status::Failed, "checkpoint", "it is missing or not UTF-8");
        }
        return report;
    };
    let mut audit = Audit {
        source,
        checkpoint: &checkpoint,
        tree: Tree::empty(),
        findings: Findings::default(),
        ids: Vec::new(),
        others: Vec::new(),
        proofs: Vec::new(),
    };
    audit.gather(trust, held);
    let mut roots = audit.sizes();
    audit.read(&mut roots, visit);
    audit.finish(&roots, &mut report);

    report
}

struct Audit<'a> {
    source: &'a dyn Source,
    checkpoint: &'a Checkpoint,
    tree: Tree,
    findings: Findings,
    /// Every entry id with its index.
    ids: Vec<(u128, u64)>,
    others: Vec<Other>,
    proofs: Vec<(String, TlogProof, Checkpoint)>,
}

/// Another checkpoint at hand.
struct Other {
    subject: String,
    checkpoint: Checkpoint,
    /// Kept by the verifier, not part of the source.
    own: bool,
}

impl Audit<'_> {
    /// Reads every other checkpoint and proof file; one that cannot be used is a failure of L1, L2 or L3.
    fn gather(&mut self, trust: &Trust, held: &[&str]) {
        let stored = self.source.names("checkpoints").into_iter().map(|name| format!("checkpoints/{name}"));
        let stored: Vec<_> = stored.chain(["held.txt".to_owned()]).collect();
        for path in stored {
            match text(self.source, &path) {
                Some(note) => self.add_other(&note, path, false, trust),
                None if path == "held.txt" && self.source.file(&path).is_none() => {}
                None => self.findings.fail("L1", path, "it is missing or not UTF-8"),
            }
        }
        for note in held {
            self.add_other(note, "held checkpoint".to_owned(), true, trust);
        }
        for name in self.source.names("proofs") {
            let path = format!("proofs/{name}");
            let proof = text(self.source, &path).ok_or(Error::Syntax {
                what: "proof file",
                at: 0,
                why: "it is missing or not UTF-8",
            });
            match proof.and_then(|text| TlogProof::parse(&text)) {
                Ok(proof) => match self.open_other(&proof.checkpoint, &path, trust) {
                    Some(checkpoint) => self.proofs.push((path, proof, checkpoint)),
                    None => continue,
                },
                Err(error) => self.findings.fail("L1", path, error.to_string()),
            }
        }
    }

    fn add_other(&mut self, note: &str, subject: String, own: bool, trust: &Trust) {
        if let Some(checkpoint) = self.open_other(note, &subject, trust) {
            self.others.push(Other { subject, checkpoint, own });
        }
    }

    fn open_other(&mut self, note: &str, subject: &str, trust: &Trust) -> Option<Checkpoint> {
        match head::open(note, trust) {
            Ok((checkpoint, _)) if checkpoint.origin == self.checkpoint.origin => Some(checkpoint),
            Ok((checkpoint, _)) => {
                self.findings.fail("L2", subject, format!("it is a checkpoint of another log, {}", checkpoint.origin));
                None
            }
            Err(refused) => {
                self.findings.fail(refused.check, subject, refused.error.to_string());
                None
            }
        }
    }

    /// The sizes whose roots the other checkpoints and the proofs are compared with.
    fn sizes(&self) -> BTreeMap<u64, Hash> {
        let others = self.others.iter().map(|other| &other.checkpoint);
        let sizes =
            others.chain(self.proofs.iter().map(|(_, _, checkpoint)| checkpoint)).map(|checkpoint| checkpoint.size);

        sizes.filter(|size| *size <= self.checkpoint.size).map(|size| (size, Tree::empty().root())).collect()
    }

    /// Reads tile by tile, hashes first and parses afterwards.
    fn read(&mut self, roots: &mut BTreeMap<u64, Hash>, visit: &mut dyn FnMut(u64, &[u8], &LeafRef<'_>)) {
        let size = self.checkpoint.size;
        for n in 0..size.div_ceil(TILE_WIDTH.into()) {
            let tile = TileId::in_tree(0, n, size).expect("n is below the number of tiles");
            let bundle = BundleId { n, width: tile.width };
            let stored = self.tile(tile);
            let bytes =
                partial_or_full(self.source, &bundle.path(), bundle.width, &BundleId { n, width: TILE_WIDTH }.path());
            let (bytes, width) = bytes.unwrap_or_default();
            let leaves = parse_bundle(&bytes, width).map(|mut leaves| {
                leaves.truncate(tile.width.into());
                leaves
            });
            let first = n * u64::from(TILE_WIDTH);
            let hashes = match (&leaves, stored) {
                (Ok(leaves), stored) if !leaves.is_empty() => self.leaves(first, leaves, stored, visit),
                (refused, Some(stored)) => {
                    let detail = refused.as_ref().err().map_or("it is missing".to_owned(), Error::to_string);
                    self.findings.fail("L4", format!("index {first}"), format!("{}: {detail}", bundle.path()));
                    stored
                }
                (_, None) => {
                    self.findings.fail(
                        "L4",
                        format!("index {first}"),
                        format!("{} is missing or malformed", bundle.path()),
                    );
                    return;
                }
            };
            self.append(&hashes, roots);
        }
    }

    /// Compares leaves with their hash tile, parses them and returns the hashes of the tile.
    fn leaves(
        &mut self,
        first: u64,
        leaves: &[&[u8]],
        stored: Option<Vec<Hash>>,
        visit: &mut dyn FnMut(u64, &[u8], &LeafRef<'_>),
    ) -> Vec<Hash> {
        let hashes: Vec<_> = leaves.iter().map(|bytes| leaf_hash(bytes)).collect();
        if let Some(at) = stored
            .as_ref()
            .and_then(|stored| stored.iter().zip(&hashes).position(|(stored, computed)| stored != computed))
        {
            self.findings.fail(
                "L4",
                format!("index {}", first + at as u64),
                "the stored leaf does not hash to its level-0 hash",
            );
        }
        for (index, bytes) in (first..).zip(leaves) {
            match LeafRef::parse(bytes) {
                Ok(leaf) => {
                    self.ids.push((uuid(leaf.id), index));
                    visit(index, bytes, &leaf);
                }
                Err(error @ Error::Version { .. }) => {
                    let id =
                        Value::parse(bytes, Limits::LEAF).ok().and_then(|leaf| Some(uuid(leaf.get("id")?.as_text()?)));
                    self.ids.extend(id.map(|id| (id, index)));
                    self.findings.notice("L8", format!("index {index}"), error.to_string());
                }
                Err(error) => self.findings.fail("L8", format!("index {index}"), error.to_string()),
            }
        }

        stored.unwrap_or(hashes)
    }

    /// Grows the tree, noting the root at each size of interest and comparing each tile that fills.
    fn append(&mut self, hashes: &[Hash], roots: &mut BTreeMap<u64, Hash>) {
        let mut rest = hashes;
        let end = self.tree.size() + hashes.len() as u64;
        let mut stops: Vec<u64> = roots.range(self.tree.size() + 1..=end).map(|(size, _)| *size).collect();
        stops.push(end);
        for stop in stops {
            let (head, tail) = rest.split_at((stop - self.tree.size()) as usize);
            for tile in self.tree.append(head).filled.iter().filter(|tile| tile.level > 0) {
                self.compare(tile.id(), &tile.hashes);
            }
            rest = tail;
            if let Some(root) = roots.get_mut(&stop) {
                *root = self.tree.root();
            }
        }
    }

    fn compare(&mut self, id: TileId, computed: &[Hash]) {
        let Some(stored) = self.tile(id) else { return };
        if let Some(at) = stored.iter().zip(computed).position(|(stored, computed)| stored != computed) {
            let index = (id.n * u64::from(TILE_WIDTH) + at as u64) << (8 * id.level);
            self.findings.fail(
                "L5",
                format!("index {index}"),
                format!("{} does not agree with the tiles below", id.path()),
            );
        }
    }

    /// A tile of the source, cut to its width; missing or of another length, it fails L5.
    fn tile(&mut self, id: TileId) -> Option<Vec<Hash>> {
        let full = TileId { width: TILE_WIDTH, ..id };
        let tile = match partial_or_full(self.source, &id.path(), id.width, &full.path()) {
            Some((bytes, width)) => parse_tile(TileId { width, ..id }, &bytes),
            None => Err(Error::Tile { path: id.path(), why: "it is missing" }),
        };
        match tile {
            Ok(mut hashes) => {
                hashes.truncate(id.width.into());
                Some(hashes)
            }
            Err(error) => {
                self.findings.fail("L5", id.path(), error.to_string());
                None
            }
        }
    }

    fn finish(mut self, roots: &BTreeMap<u64, Hash>, report: &mut Report) {
        let edge = self.tree.edge().to_vec();
        if self.tree.size() == self.checkpoint.size {
            for (level, hashes) in (0_u8..).zip(&edge).skip(1).filter(|(_, hashes)| !hashes.is_empty()) {
                let id =
                    TileId { level, n: self.tree.size() >> (8 * (u32::from(level) + 1)), width: hashes.len() as u16 };
                self.compare(id, hashes);
            }
        }
        if self.tree.size() != self.checkpoint.size || self.tree.root() != self.checkpoint.root {
            let detail =
                format!("the entries make a tree of size {} with another root than the checkpoint's", self.tree.size());
            self.findings.fail("L5", format!("size {}", self.checkpoint.size), detail);
        }
        self.inclusion(roots);
        report.held_size = self.consistency(roots);
        self.unique_ids();
        let entries = format!("{} entries", self.checkpoint.size);
        let passed = [
            ("L4", format!("{entries} hash to their tiles")),
            ("L5", format!("{entries} make the root")),
            ("L8", format!("{entries} are canonical and unique")),
        ];
        for (check, detail) in passed {
            self.findings.pass(check, format!("size {}", self.checkpoint.size), detail);
        }
        if !self.proofs.is_empty() {
            self.findings.pass("L6", "proofs", format!("{} proofs hold", self.proofs.len()));
        }
        match self.others.len() + self.proofs.len() {
            0 => self.findings.not_made("L7", "no other checkpoint at hand"),
            count => self.findings.pass(
                "L7",
                format!("size {}", self.checkpoint.size),
                format!("consistent with {count} other checkpoints"),
            ),
        }
        report.checks.extend(self.findings.0);
        report.checks.sort_by_key(|check| (check.check, check.status != Status::Failed));
        // Failures of side files come beside the pass of the main checkpoint and replace it.
        report.checks.dedup_by(|later, first| {
            later.check == first.check && first.status == Status::Failed && later.status == Status::Passed
        });
    }

    fn inclusion(&mut self, roots: &BTreeMap<u64, Hash>) {
        for (path, proof, checkpoint) in &self.proofs {
            let Some(leaf) = &proof.extra else {
                self.findings.fail("L6", path, "the proof file carries no leaf");
                continue;
            };
            if let Err(error) =
                verify_inclusion(proof.index, checkpoint.size, &leaf_hash(leaf), &proof.path, &checkpoint.root)
            {
                self.findings.fail("L6", path, error.to_string());
            } else if roots.get(&checkpoint.size) != Some(&checkpoint.root) {
                self.findings.fail(
                    "L7",
                    path,
                    format!("its checkpoint of size {} is not of this history", checkpoint.size),
                );
            }
        }
    }

    /// Compares every other checkpoint and returns the largest consistent size among the verifier's own.
    fn consistency(&mut self, roots: &BTreeMap<u64, Hash>) -> Option<u64> {
        let mut protected = None;
        for Other { subject, checkpoint, own } in &self.others {
            let size = checkpoint.size;
            if size > self.checkpoint.size {
                self.findings.fail(
                    "L7",
                    format!("size {size}"),
                    format!("{subject} is newer than the log, which ends at {}", self.checkpoint.size),
                );
            } else if size > self.tree.size() {
                self.findings.fail(
                    "L7",
                    format!("size {size}"),
                    format!("{subject} could not be compared, entries are missing"),
                );
            } else if roots.get(&size) != Some(&checkpoint.root) {
                self.findings.fail("L7", format!("size {size}"), format!("{subject} has another root at this size"));
            } else if *own {
                protected = protected.max(Some(size));
            }
        }

        protected
    }

    fn unique_ids(&mut self) {
        self.ids.sort_unstable();
        let repeated = self.ids.windows(2).filter(|pair| pair[0].0 == pair[1].0).min_by_key(|pair| pair[1].1);
        if let Some([(_, earlier), (_, later)]) = repeated.and_then(|pair| <&[_; 2]>::try_from(pair).ok()) {
            self.findings.fail("L8", format!("index {later}"), format!("its id is that of index {earlier}"));
        }
    }
}

/// First failure and first notice of each check.
#[derive(Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn fail(&mut self, check: &'static str, subject: impl Into<String>, detail: impl Into<String>) {
        self.first(check, Status::Failed, subject, detail);
    }

    fn notice(&mut self, check: &'static str, subject: impl Into<String>, detail: impl Into<String>) {
        self.first(check, Status::Notice, subject, detail);
    }

    fn not_made(&mut self, check: &'static str, detail: &str) {
        self.first(check, Status::NotMade, "log", detail);
    }

    /// Records a pass unless the check failed before.
    fn pass(&mut self, check: &'static str, subject: impl Into<String>, detail: impl Into<String>) {
        if !self.0.iter().any(|found| found.check == check && found.status == Status::Failed) {
            self.first(check, Status::Passed, subject, detail);
        }
    }

    fn first(&mut self, check: &'static str, status: Status, subject: impl Into<String>, detail: impl Into<String>) {
        if !self.0.iter().any(|found| found.check == check && found.status == status) {
            self.0.push(Check { check, status, subject: subject.into(), detail: detail.into() });
        }
    }
}

/// A partial file with its width or, where the log has outgrown it, the full one.
fn partial_or_full(source: &dyn Source, partial: &str, width: u16, full: &str) -> Option<(Vec<u8>, u16)> {
    let partial = source.file(partial).map(|bytes| (bytes, width));

    partial.or_else(|| source.file(full).map(|bytes| (bytes, TILE_WIDTH)))
}

fn text(source: &dyn Source, path: &str) -> Option<String> {
    String::from_utf8(source.file(path)?).ok()
}

/// The digits of a UUID as a number; in an id of a form not understood, other characters count as 0.
fn uuid(text: &str) -> u128 {
    text.bytes().fold(0, |bits, byte| match byte {
        b'-' => bits,
        b'0'..=b'9' => bits << 4 | u128::from(byte - b'0'),
        b'a'..=b'f' => bits << 4 | u128::from(byte - b'a' + 10),
        _ => bits << 4,
    })
}
