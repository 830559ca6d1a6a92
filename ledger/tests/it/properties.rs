//! Trees and proofs against two other implementations, and every way of changing a proof.

use countersign_ledger::hash::{Hash, leaf_hash, node_hash};
use countersign_ledger::proof::{verify_consistency, verify_inclusion};
use countersign_ledger::tile::TileId;
use countersign_ledger::tree::{
    Tree, consistency_proof, inclusion_proof, root_at, tiles_for_consistency, tiles_for_inclusion, tiles_for_root,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use crate::export::tiles;

/// Sizes up to this are checked exhaustively: four full tiles and one hash.
const EXHAUSTIVE: u64 = 1_025;

#[test]
fn every_inclusion_proof_up_to_1025_leaves_equals_two_other_implementations() {
    let mut other = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    let mut stored = Stored::default();
    for n in 1..=EXHAUSTIVE {
        other.push((n - 1).to_be_bytes());
        stored.push(n - 1);
        let tiles = tiles(&leaf_hashes(n));
        let root = root_at(n, &tiles).unwrap();
        assert_eq!(root.as_bytes()[..], other.root().as_bytes()[..]);
        for index in 0..n {
            let proof = inclusion_proof(index, n, &tiles).unwrap();

            assert_eq!(verify_inclusion(index, n, &leaf(index), &proof, &root), Ok(()), "{index} {n}");
            assert_eq!(proof, hashes(other.prove_inclusion(index as usize).as_bytes()), "{index} {n}");
            let third = tlog_tiles::prove_record(n, index, &stored).unwrap();
            assert!(proof.iter().map(|hash| hash.0).eq(third.iter().map(|hash| hash.0)), "{index} {n}");
        }
    }
}

#[test]
fn every_consistency_proof_up_to_1025_leaves_equals_two_other_implementations() {
    let mut other = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    let mut stored = Stored::default();
    let mut roots = vec![Tree::empty().root()];
    for n in 1..=EXHAUSTIVE {
        other.push((n - 1).to_be_bytes());
        stored.push(n - 1);
        let tiles = tiles(&leaf_hashes(n));
        roots.push(root_at(n, &tiles).unwrap());
        for m in 1..=n {
            let proof = consistency_proof(m, n, &tiles).unwrap();

            assert_eq!(verify_consistency(m, n, &roots[m as usize], &roots[n as usize], &proof), Ok(()), "{m} {n}");
            assert_eq!(proof, hashes(other.prove_consistency((n - m) as usize).as_bytes()), "{m} {n}");
            let third = tlog_tiles::prove_tree(n, m, &stored).unwrap();
            assert!(proof.iter().map(|hash| hash.0).eq(third.iter().map(|hash| hash.0)), "{m} {n}");
        }
    }
}

#[test]
fn size_zero_and_indexes_outside_the_tree_are_refused() {
    let tiles = tiles(&leaf_hashes(5));
    let root = root_at(5, &tiles).unwrap();
    assert!(inclusion_proof(5, 5, &tiles).is_err());
    assert!(tiles_for_inclusion(0, 0).is_err());
    assert!(verify_inclusion(0, 0, &leaf(0), &[], &leaf(0)).is_err());
    assert!(verify_inclusion(5, 5, &leaf(4), &[], &root).is_err());
    for (m, n) in [(0, 0), (0, 5), (6, 5)] {
        assert!(consistency_proof(m, n, &tiles).is_err());
        assert!(tiles_for_consistency(m, n).is_err());
        assert!(verify_consistency(m, n, &root, &root, &[]).is_err());
    }
}

#[test]
fn the_edge_rebuilds_the_tree_and_refuses_another_shape() {
    for size in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000] {
        let mut tree = Tree::empty();
        tree.append(&leaf_hashes(size));

        assert_eq!(Tree::load(size, tree.edge()).as_ref(), Ok(&tree));
        assert!(Tree::load(size + 1, tree.edge()).is_err());
        let mut loaded = Tree::load(size, tree.edge()).unwrap();
        assert_eq!(loaded.append(&leaf_hashes(300)), tree.append(&leaf_hashes(300)));
        assert_eq!(loaded.root(), tree.root());
    }
    let beyond = [vec![Vec::new(); 8], vec![vec![Hash::default()]]].concat();
    assert!(Tree::load(0, &beyond).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_into_batches_gives_the_same_tree_and_tiles(size in 0_u64..2_000, cuts in proptest::collection::vec(1_usize..700, 1..40)) {
        let leaves = leaf_hashes(size);
        let mut whole = Tree::empty();
        let filled = whole.append(&leaves).filled;
        let (mut tree, mut filled_in_parts, mut rest) = (Tree::empty(), Vec::new(), &leaves[..]);
        for cut in cuts.into_iter().cycle() {
            let (batch, tail) = rest.split_at(cut.min(rest.len()));
            filled_in_parts.extend(tree.append(batch).filled);
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }

        prop_assert_eq!(tree.root(), whole.root());
        prop_assert_eq!(tree, whole);
        prop_assert_eq!(filled_in_parts, filled);
    }

    #[test]
    fn proofs_up_to_2_to_the_40_equal_tlog_tiles(size in 1_u64..1 << 40, a in any::<u64>(), b in any::<u64>()) {
        let (index, m) = (a % size, b % size + 1);
        let opaque = |id: TileId| Some((0..id.width).map(|at| opaque_hash(u32::from(id.level) * 8, id.n * 256 + u64::from(at))).collect::<Vec<_>>());
        let inclusion = inclusion_proof(index, size, &opaque).unwrap();
        let consistency = consistency_proof(m, size, &opaque).unwrap();

        prop_assert_eq!(raw(&inclusion), foreign(&tlog_tiles::prove_record(size, index, &Opaque).unwrap()));
        prop_assert_eq!(raw(&consistency), foreign(&tlog_tiles::prove_tree(size, m, &Opaque).unwrap()));
        prop_assert_eq!(inclusion.len(), ct_merkle::indices_for_inclusion_proof(size, index).len());
        prop_assert_eq!(consistency.len(), ct_merkle::indices_for_consistency_proof(m, size - m).len());
    }

    #[test]
    fn proofs_up_to_2_to_the_40_verify(size in 1_u64..1 << 40, a in any::<u64>(), b in any::<u64>()) {
        // Every leaf is the same, so a node depends on its height only and no tree need be stored.
        let (index, m) = (a % size, b % size + 1);
        let same = |id: TileId| Some(vec![same_leaves(u32::from(id.level) * 8); id.width.into()]);
        let (old, new) = (root_at(m, &same).unwrap(), root_at(size, &same).unwrap());

        prop_assert_eq!(verify_inclusion(index, size, &same_leaves(0), &inclusion_proof(index, size, &same).unwrap(), &new), Ok(()));
        prop_assert_eq!(verify_consistency(m, size, &old, &new, &consistency_proof(m, size, &same).unwrap()), Ok(()));
    }

    #[test]
    fn the_tiles_listed_for_a_proof_are_exactly_those_it_reads(size in 1_u64..200_000, a in any::<u64>(), b in any::<u64>()) {
        let (index, m) = (a % size, b % size + 1);
        let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let spy = |id: TileId| { read.borrow_mut().insert(id); Some(vec![Hash::default(); id.width.into()]) };
        let taken = || std::mem::take(&mut *read.borrow_mut()).into_iter().collect::<Vec<_>>();

        inclusion_proof(index, size, &spy).unwrap();
        prop_assert_eq!(taken(), tiles_for_inclusion(index, size).unwrap());
        consistency_proof(m, size, &spy).unwrap();
        prop_assert_eq!(taken(), tiles_for_consistency(m, size).unwrap());
        root_at(size, &spy).unwrap();
        prop_assert_eq!(taken(), tiles_for_root(size));
    }

    #[test]
    fn every_changed_inclusion_proof_is_refused(n in 2_u64..600, a in any::<u64>(), extra in any::<[u8; 32]>()) {
        let index = a % n;
        let tiles = tiles(&leaf_hashes(n));
        let root = root_at(n, &tiles).unwrap();
        let proof = inclusion_proof(index, n, &tiles).unwrap();
        let refused = |proof: &[Hash]| verify_inclusion(index, n, &leaf(index), proof, &root).is_err();

        for changed in changes(&proof, Hash(extra)) {
            prop_assert!(refused(&changed));
        }
        for other in (0..n).filter(|other| *other != index) {
            prop_assert!(verify_inclusion(other, n, &leaf(index), &proof, &root).is_err());
            prop_assert!(verify_inclusion(index, n, &leaf(other), &proof, &root).is_err());
        }
        // A proof binds its size only by its shape; the size itself is bound by the signed checkpoint.
        for size in (1..700).filter(|size| inclusion_shape(index, *size) != inclusion_shape(index, n)) {
            prop_assert!(verify_inclusion(index, size, &leaf(index), &proof, &root).is_err());
        }
    }

    #[test]
    fn every_changed_consistency_proof_is_refused(n in 2_u64..600, a in any::<u64>(), extra in any::<[u8; 32]>()) {
        let m = a % (n - 1) + 1;
        let tiles = tiles(&leaf_hashes(n));
        let (old, new) = (root_of(m), root_of(n));
        let proof = consistency_proof(m, n, &tiles).unwrap();
        let refused = |proof: &[Hash]| verify_consistency(m, n, &old, &new, proof).is_err();

        for changed in changes(&proof, Hash(extra)) {
            prop_assert!(refused(&changed));
        }
        for other in (1..n).filter(|other| *other != m) {
            prop_assert!(verify_consistency(other, n, &root_of(other), &new, &proof).is_err() || consistency_proof(other, n, &tiles).unwrap() == proof);
            prop_assert!(verify_consistency(m, n, &root_of(other), &new, &proof).is_err());
        }
        prop_assert!(verify_consistency(m, n, &new, &old, &proof).is_err());
    }
}

/// Every single-bit change, dropped, doubled, swapped and foreign hash of a proof.
fn changes(proof: &[Hash], extra: Hash) -> Vec<Vec<Hash>> {
    let mut changes = Vec::new();
    for at in 0..proof.len() {
        for bit in 0..256 {
            let mut changed = proof.to_vec();
            changed[at].0[bit / 8] ^= 1 << (bit % 8);
            changes.push(changed);
        }
        let mut dropped = proof.to_vec();
        dropped.remove(at);
        let mut doubled = proof.to_vec();
        doubled.insert(at, proof[at]);
        changes.extend([dropped, doubled]);
        for other in at + 1..proof.len() {
            let mut swapped = proof.to_vec();
            swapped.swap(at, other);
            changes.push(swapped);
        }
    }
    for at in 0..=proof.len() {
        let mut longer = proof.to_vec();
        longer.insert(at, extra);
        changes.push(longer);
    }

    changes
}

/// Which side each sibling is on, leaf end first.
fn inclusion_shape(index: u64, size: u64) -> Vec<bool> {
    let mut shape = Vec::new();
    let (mut at, mut end) = (index, size.max(index + 1));
    while end > 1 {
        let middle = end.next_power_of_two() / 2;
        shape.push(at < middle);
        (at, end) = if at < middle { (at, middle) } else { (at - middle, end - middle) };
    }

    shape
}

/// All stored hashes of a tree, as tlog_tiles numbers them.
#[derive(Default)]
struct Stored(Vec<tlog_tiles::Hash>);

impl Stored {
    fn push(&mut self, number: u64) {
        let hashes = tlog_tiles::stored_hashes(number, &number.to_be_bytes(), self).unwrap();
        self.0.extend(hashes);
    }
}

impl tlog_tiles::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::tlog::Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

/// A tree whose tile hashes are made up and whose nodes inside tiles follow from them.
struct Opaque;

impl tlog_tiles::HashReader for Opaque {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::tlog::Error> {
        let node = |index: &u64| tlog_tiles::split_stored_hash_index(*index);

        Ok(indexes.iter().map(node).map(|(level, n)| tlog_tiles::Hash(opaque_hash(level.into(), n).0)).collect())
    }
}

fn opaque_hash(height: u32, n: u64) -> Hash {
    match height % 8 {
        0 => leaf_hash(&[&height.to_be_bytes()[..], &n.to_be_bytes()].concat()),
        _ => node_hash(&opaque_hash(height - 1, 2 * n), &opaque_hash(height - 1, 2 * n + 1)),
    }
}

fn same_leaves(height: u32) -> Hash {
    (0..height).fold(leaf_hash(b"same"), |node, _| node_hash(&node, &node))
}

fn leaf(number: u64) -> Hash {
    leaf_hash(&number.to_be_bytes())
}

fn leaf_hashes(size: u64) -> Vec<Hash> {
    (0..size).map(leaf).collect()
}

fn root_of(size: u64) -> Hash {
    let mut tree = Tree::empty();
    tree.append(&leaf_hashes(size));

    tree.root()
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.iter().copied().map(Hash).collect()
}

fn raw(hashes: &[Hash]) -> Vec<[u8; 32]> {
    hashes.iter().map(|hash| hash.0).collect()
}

fn foreign(hashes: &[tlog_tiles::Hash]) -> Vec<[u8; 32]> {
    hashes.iter().map(|hash| hash.0).collect()
}
