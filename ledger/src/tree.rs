//! The growing tree (RFC 6962 section 2.1) kept as its right edge, and proofs read from tiles.

mod prove;

use crate::hash::{Hash, empty_root, node_hash};
use crate::tile::{TILE_WIDTH, TileId};
use crate::{Error, Result};

pub use prove::{
    HashReader, consistency_proof, inclusion_proof, root_at, tiles_for_consistency, tiles_for_inclusion, tiles_for_root,
};

const WIDTH: usize = TILE_WIDTH as usize;

/// Tile levels a tree of 2^64 − 1 leaves can have.
const LEVELS: usize = 8;

/// A tree, kept as the rightmost partial tile of each level: at most 255 hashes on each of 8 levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// `edge[l]` holds the hashes of the partial tile at tile level `l`; no trailing empty levels.
    edge: Vec<Vec<Hash>>,
}

/// What an append completed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Tiles that became full, in the order in which they did.
    pub filled: Vec<FullTile>,
}

/// A tile of 256 hashes that will never change again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTile {
    /// Tile level, 0 holds leaf hashes.
    pub level: u8,
    /// Index within the level.
    pub n: u64,
    /// The 256 hashes.
    pub hashes: Vec<Hash>,
    /// Root of the tile, which is one hash of the level above.
    pub root: Hash,
}

impl FullTile {
    /// The tile's place.
    pub fn id(&self) -> TileId {
        TileId { level: self.level, n: self.n, width: TILE_WIDTH }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::empty()
    }
}

impl Tree {
    /// A tree without leaves.
    pub fn empty() -> Self {
        Self { size: 0, edge: Vec::new() }
    }

    /// Rebuilds a tree from its right edge: `levels[l]` holds the hashes of the partial tile at tile level `l`,
    /// that is `(size >> 8·l) mod 256` of them. Missing levels count as empty.
    ///
    /// # Errors
    ///
    /// [`Error::Edge`] if a level has another number of hashes. The caller compares [`Tree::root`] with the root
    /// it has signed.
    pub fn load(size: u64, levels: &[Vec<Hash>]) -> Result<Self> {
        if let Some(level) = levels.iter().skip(LEVELS).position(|hashes| !hashes.is_empty()) {
            return Err(Error::Edge { size, level: LEVELS + level, why: "a tree has at most 8 tile levels" });
        }
        let mut edge = Vec::with_capacity(LEVELS);
        for level in 0..LEVELS {
            let hashes = levels.get(level).map_or(&[][..], Vec::as_slice);
            if hashes.len() != edge_width(size, level) {
                return Err(Error::Edge {
                    size,
                    level,
                    why: "the partial tile has not (size >> 8 * level) mod 256 hashes",
                });
            }
            edge.push(hashes.to_vec());
        }
        while edge.last().is_some_and(Vec::is_empty) {
            edge.pop();
        }

        Ok(Self { size, edge })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree; SHA-256 of nothing while it is empty.
    pub fn root(&self) -> Hash {
        let mut root = None;
        for hashes in &self.edge {
            fold_right(hashes, &mut root);
        }

        root.unwrap_or_else(empty_root)
    }

    /// Hashes of the rightmost partial tile at each tile level, as [`Tree::load`] takes them.
    pub fn edge(&self) -> &[Vec<Hash>] {
        &self.edge
    }

    /// Appends leaf hashes in order and returns the tiles they filled.
    ///
    /// # Panics
    ///
    /// Beyond 2^64 − 1 leaves.
    pub fn append(&mut self, leaf_hashes: &[Hash]) -> Appended {
        let mut appended = Appended::default();
        let mut rest = leaf_hashes;
        while !rest.is_empty() {
            let tile = self.level(0);
            let (head, tail) = rest.split_at(rest.len().min(WIDTH - tile.len()));
            tile.extend_from_slice(head);
            self.size = self.size.checked_add(head.len() as u64).expect("a log never reaches 2^64 leaves");
            rest = tail;
            self.carry(&mut appended.filled);
        }

        appended
    }

    /// Moves full tiles out of the edge, each leaving its root on the level above.
    fn carry(&mut self, filled: &mut Vec<FullTile>) {
        for level in 0..LEVELS {
            if self.level(level).len() < WIDTH {
                return;
            }
            let hashes = std::mem::replace(self.level(level), Vec::with_capacity(WIDTH));
            let root = tile_root(&hashes);
            let n = (self.size >> (8 * (level + 1))) - 1;
            self.level(level + 1).push(root);
            filled.push(FullTile { level: level as u8, n, hashes, root });
        }
    }

    fn level(&mut self, level: usize) -> &mut Vec<Hash> {
        while self.edge.len() <= level {
            self.edge.push(Vec::with_capacity(WIDTH));
        }

        &mut self.edge[level]
    }
}

/// Root of a full tile or of any perfect run of hashes inside one; the length is a power of two.
pub(crate) fn tile_root(hashes: &[Hash]) -> Hash {
    if let [only] = hashes {
        return *only;
    }
    let mut nodes = [Hash::default(); WIDTH];
    let mut width = hashes.len();
    nodes[..width].copy_from_slice(hashes);
    while width > 1 {
        width /= 2;
        for at in 0..width {
            nodes[at] = node_hash(&nodes[2 * at], &nodes[2 * at + 1]);
        }
    }

    nodes[0]
}

/// Combines a run of hashes of one level with the root of everything to their right.
fn fold_right(hashes: &[Hash], root: &mut Option<Hash>) {
    let mut end = hashes.len();
    while end > 0 {
        // The lowest set bit is the size of the rightmost perfect subtree.
        let width = end & end.wrapping_neg();
        let left = tile_root(&hashes[end - width..end]);
        *root = Some(root.map_or(left, |right| node_hash(&left, &right)));
        end -= width;
    }
}

fn edge_width(size: u64, level: usize) -> usize {
    (size >> (8 * level)) as usize % WIDTH
}
