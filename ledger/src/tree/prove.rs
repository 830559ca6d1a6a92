//! Roots and proofs at any size, read from tiles.
//!
//! A proof names subtrees; a subtree lies in one or more perfect nodes; a node is computed from part of one tile.
//! The tiles a proof needs can be listed first, fetched, and handed in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::tile_root;
use crate::hash::{Hash, empty_root, node_hash};
use crate::tile::{TILE_WIDTH, TileId};
use crate::{Error, Result};

/// Where proofs read tiles from.
pub trait HashReader {
    /// The hashes of a tile, exactly `tile.width` of them, if it is at hand.
    fn tile(&self, tile: TileId) -> Option<Cow<'_, [Hash]>>;
}

impl HashReader for BTreeMap<TileId, Vec<Hash>> {
    fn tile(&self, tile: TileId) -> Option<Cow<'_, [Hash]>> {
        self.get(&tile).map(|hashes| Cow::Borrowed(hashes.as_slice()))
    }
}

impl<F: Fn(TileId) -> Option<Vec<Hash>>> HashReader for F {
    fn tile(&self, tile: TileId) -> Option<Cow<'_, [Hash]>> {
        self(tile).map(Cow::Owned)
    }
}

/// The tiles that [`root_at`] reads, for a log that serves the tree of `size`.
pub fn tiles_for_root(size: u64) -> Vec<TileId> {
    tiles(std::slice::from_ref(&(0..size)), size)
}

/// The tiles that [`inclusion_proof`] reads.
///
/// # Errors
///
/// [`Error::Proof`] if the index is not below the size.
pub fn tiles_for_inclusion(index: u64, size: u64) -> Result<Vec<TileId>> {
    inclusion_path(index, size).map(|path| tiles(&path, size))
}

/// The tiles that [`consistency_proof`] reads.
///
/// # Errors
///
/// [`Error::Proof`] if the first size is 0 or larger than the second.
pub fn tiles_for_consistency(m: u64, n: u64) -> Result<Vec<TileId>> {
    consistency_path(m, n).map(|path| tiles(&path, n))
}

/// Root of the tree of `size` leaves.
///
/// # Errors
///
/// [`Error::Tile`] if a tile is missing or has another width.
pub fn root_at(size: u64, reader: &dyn HashReader) -> Result<Hash> {
    match size {
        0 => Ok(empty_root()),
        _ => subtree(&(0..size), size, reader),
    }
}

/// Audit path of leaf `index` in the tree of `size` leaves (RFC 6962 section 2.1.1), leaf end first.
///
/// # Errors
///
/// [`Error::Proof`] if the index is not below the size, [`Error::Tile`] as [`root_at`].
pub fn inclusion_proof(index: u64, size: u64, reader: &dyn HashReader) -> Result<Vec<Hash>> {
    inclusion_path(index, size)?.iter().map(|range| subtree(range, size, reader)).collect()
}

/// Consistency proof from size `m` to size `n` (RFC 6962 section 2.1.2); empty when they are equal.
///
/// # Errors
///
/// [`Error::Proof`] if `m` is 0 or larger than `n`, [`Error::Tile`] as [`root_at`].
pub fn consistency_proof(m: u64, n: u64, reader: &dyn HashReader) -> Result<Vec<Hash>> {
    consistency_path(m, n)?.iter().map(|range| subtree(range, n, reader)).collect()
}

/// Ranges of leaves whose subtree roots make up the audit path.
fn inclusion_path(index: u64, size: u64) -> Result<Vec<Range<u64>>> {
    if index >= size {
        return Err(Error::Proof { what: "inclusion", why: "the index is not below the size" });
    }
    let mut path = Vec::new();
    let mut tree = 0..size;
    while tree.end - tree.start > 1 {
        let middle = tree.start + split(tree.end - tree.start);
        if index < middle {
            path.push(middle..tree.end);
            tree.end = middle;
        } else {
            path.push(tree.start..middle);
            tree.start = middle;
        }
    }
    path.reverse();

    Ok(path)
}

/// Ranges of leaves whose subtree roots make up the consistency proof.
fn consistency_path(m: u64, n: u64) -> Result<Vec<Range<u64>>> {
    if m == 0 || m > n {
        return Err(Error::Proof { what: "consistency", why: "the first size is from 1 to the second" });
    }
    let mut path = Vec::new();
    let mut tree = 0..n;
    let mut old_root_known = true;
    while m < tree.end {
        let middle = tree.start + split(tree.end - tree.start);
        if m <= middle {
            path.push(middle..tree.end);
            tree.end = middle;
        } else {
            path.push(tree.start..middle);
            tree.start = middle;
            old_root_known = false;
        }
    }
    if !old_root_known {
        path.push(tree);
    }
    path.reverse();

    Ok(path)
}

/// Largest power of two below `size`, for sizes from 2.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// Perfect nodes of a range, left to right, as (height, index); the range starts at a multiple of its first node.
fn nodes(range: &Range<u64>) -> impl Iterator<Item = (u32, u64)> {
    let mut start = range.start;
    let end = range.end;
    std::iter::from_fn(move || {
        let length = end.checked_sub(start).filter(|length| *length > 0)?;
        let height = 63 - length.leading_zeros();
        let node = (height, start >> height);
        start += 1 << height;
        Some(node)
    })
}

/// The tile a node is computed from, and the run of its hashes under the node.
fn place((height, index): (u32, u64), size: u64) -> (TileId, Range<usize>) {
    let (level, inner) = (height / 8, height % 8);
    let first = index << inner;
    let width = u64::from(TILE_WIDTH);
    let tile = TileId::in_tree(level as u8, first / width, size).expect("a node of a tree lies in a tile of it");
    let start = (first % width) as usize;

    (tile, start..start + (1 << inner))
}

fn tiles(path: &[Range<u64>], size: u64) -> Vec<TileId> {
    let needed: BTreeSet<_> = path.iter().flat_map(nodes).map(|node| place(node, size).0).collect();

    needed.into_iter().collect()
}

fn subtree(range: &Range<u64>, size: u64, reader: &dyn HashReader) -> Result<Hash> {
    let hashes = nodes(range).map(|node| node_at(node, size, reader)).collect::<Result<Vec<_>>>()?;

    Ok(hashes
        .into_iter()
        .rev()
        .reduce(|right, left| node_hash(&left, &right))
        .expect("a range of a proof is not empty"))
}

fn node_at(node: (u32, u64), size: u64, reader: &dyn HashReader) -> Result<Hash> {
    let (tile, run) = place(node, size);
    let hashes = reader.tile(tile).ok_or_else(|| Error::Tile { path: tile.path(), why: "it is missing" })?;
    if hashes.len() != usize::from(tile.width) {
        return Err(Error::Tile { path: tile.path(), why: "its number of hashes is not its width" });
    }

    Ok(tile_root(&hashes[run]))
}
