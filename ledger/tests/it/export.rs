//! An export directory in memory.

use std::collections::BTreeMap;

use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::hash::{Hash, leaf_hash};
use countersign_ledger::leaf::{Actor, Leaf};
use countersign_ledger::note::Note;
use countersign_ledger::policy::TrustPolicy;
use countersign_ledger::tile::{BundleId, TileId, encode_bundle, encode_tile, tiles_in_tree};
use countersign_ledger::tlog_proof::TlogProof;
use countersign_ledger::tree::{Tree, inclusion_proof};
use countersign_ledger::verify::{Source, Trust};

use crate::countersign::{ORIGIN, log_key, witness_key};
use crate::vectors;

/// When the witness cosigned, in seconds since 1970.
pub(crate) const WITNESSED: u64 = 1_793_696_412;

/// The files of an export, by path.
#[derive(Clone)]
pub(crate) struct Export(pub(crate) BTreeMap<String, Vec<u8>>);

impl Source for Export {
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).cloned()
    }

    fn names(&self, directory: &str) -> Vec<String> {
        let prefix = format!("{directory}/");
        self.0.keys().filter_map(|path| path.strip_prefix(&prefix)).map(str::to_owned).collect()
    }
}

impl Export {
    /// Writes the log of these leaves, honestly and cosigned.
    pub(crate) fn of(leaves: &[Vec<u8>]) -> Self {
        let mut files = BTreeMap::new();
        let hashes: Vec<_> = leaves.iter().map(|bytes| leaf_hash(bytes)).collect();
        let tiles = tiles(&hashes);
        for (id, hashes) in &tiles {
            files.insert(id.path(), encode_tile(hashes));
        }
        for (n, bundle) in (0..).zip(leaves.chunks(256)) {
            let id = BundleId { n, width: bundle.len() as u16 };
            files.insert(id.path(), encode_bundle(bundle.iter().map(Vec::as_slice)).unwrap());
        }
        files.insert("checkpoint".to_owned(), cosigned(&hashes).into_bytes());

        Self(files)
    }

    /// Adds a signed checkpoint of an earlier size.
    pub(crate) fn with_checkpoint(mut self, leaves: &[Vec<u8>]) -> Self {
        let note = signed(&leaves.iter().map(|bytes| leaf_hash(bytes)).collect::<Vec<_>>());
        self.0.insert(format!("checkpoints/{}", leaves.len()), note.into_bytes());
        self
    }

    /// Adds the proof file of one leaf at the size of `leaves`.
    pub(crate) fn with_proof(mut self, index: u64, leaves: &[Vec<u8>]) -> Self {
        let proof = proof(index, leaves);
        self.0.insert(format!("proofs/{index}.tlog-proof"), proof.into_bytes());
        self
    }
}

/// The trust policy of the example log: its key, its witness, quorum of one.
pub(crate) fn trust() -> Trust {
    TrustPolicy::parse(&vectors::text("countersign-v1/trust-policy.txt")).unwrap().into()
}

/// Proof file of one leaf in the log of these leaves.
pub(crate) fn proof(index: u64, leaves: &[Vec<u8>]) -> String {
    let hashes: Vec<_> = leaves.iter().map(|bytes| leaf_hash(bytes)).collect();
    let path = inclusion_proof(index, hashes.len() as u64, &tiles(&hashes)).unwrap();

    TlogProof { extra: Some(leaves[index as usize].clone()), index, path, checkpoint: signed(&hashes) }.to_string()
}

/// Signed checkpoint over leaf hashes.
pub(crate) fn signed(hashes: &[Hash]) -> String {
    let mut tree = Tree::empty();
    tree.append(hashes);

    Checkpoint::new(ORIGIN, tree.size(), tree.root()).sign(&log_key()).unwrap()
}

/// Signed and cosigned checkpoint over leaf hashes.
pub(crate) fn cosigned(hashes: &[Hash]) -> String {
    let mut note = Note::parse(&signed(hashes)).unwrap();
    note.signatures.push(witness_key().sign(&note.text, WITNESSED).unwrap());

    note.to_string()
}

/// Every hash tile of the tree over leaf hashes.
pub(crate) fn tiles(hashes: &[Hash]) -> BTreeMap<TileId, Vec<Hash>> {
    let mut tree = Tree::empty();
    let filled = tree.append(hashes).filled;
    let full = filled.into_iter().map(|tile| (tile.id(), tile.hashes));
    let partial = tiles_in_tree(hashes.len() as u64).filter(|id| id.width < 256);
    let partial: Vec<_> = partial.map(|id| (id, tree.edge()[usize::from(id.level)].clone())).collect();

    full.chain(partial).collect()
}

/// Plain canonical leaves, all different.
pub(crate) fn plain_leaves(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|number| plain_leaf(number).encode().unwrap()).collect()
}

/// The leaf of an idle hour.
pub(crate) fn plain_leaf(number: u64) -> Leaf {
    Leaf {
        id: format!("01a19b7c-a680-7c09-8694-{number:012x}"),
        at: 1_793_610_000_000 + number,
        kind: "ledger.heartbeat".to_owned(),
        actor: Actor::engine(),
        authz: None,
        obj: None,
        d: None,
        cm: BTreeMap::new(),
    }
}
