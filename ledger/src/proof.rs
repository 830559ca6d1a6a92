//! Verification of inclusion and consistency proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2).

use crate::hash::{Hash, node_hash};
use crate::{Error, Result};

/// Checks that the leaf hash is at `index` in the tree of `size` leaves with this root.
///
/// # Errors
///
/// [`Error::Proof`] if the index is not below the size, the proof has not exactly the hashes the path needs, or
/// they lead to another root.
pub fn verify_inclusion(index: u64, size: u64, leaf_hash: &Hash, proof: &[Hash], root: &Hash) -> Result<()> {
    let refuse = |why| Err(Error::Proof { what: "inclusion", why });
    if index >= size {
        return refuse("the index is not below the size");
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf_hash;
    for sibling in proof {
        if last == 0 {
            return refuse("too many hashes");
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return refuse("too few hashes");
    }

    if hash == *root { Ok(()) } else { refuse("it leads to another root") }
}

/// Checks that the tree of `n` leaves extends the tree of `m` leaves.
///
/// # Errors
///
/// [`Error::Proof`] if `m` is 0 or larger than `n`, the proof has not exactly the hashes it needs, or they lead to
/// another root.
pub fn verify_consistency(m: u64, n: u64, root_m: &Hash, root_n: &Hash, proof: &[Hash]) -> Result<()> {
    let refuse = |why| Err(Error::Proof { what: "consistency", why });
    if m == 0 || m > n {
        return refuse("the first size is from 1 to the second");
    }
    if m == n {
        return match (proof.is_empty(), root_m == root_n) {
            (false, _) => refuse("too many hashes"),
            (_, false) => refuse("equal sizes have different roots"),
            _ => Ok(()),
        };
    }
    // A complete old tree is itself the first node of the proof and left out of it.
    let mut rest = proof.iter();
    let first = if m.is_power_of_two() { Some(root_m) } else { rest.next() };
    let Some(first) = first else {
        return refuse("too few hashes");
    };
    let shift = (m - 1).trailing_ones();
    let (mut at, mut last) = (shr(m - 1, shift), shr(n - 1, shift));
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return refuse("too many hashes");
        }
        if at & 1 == 1 || at == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return refuse("too few hashes");
    }
    if old != *root_m {
        return refuse("it leads to another old root");
    }

    if new == *root_n { Ok(()) } else { refuse("it leads to another new root") }
}

fn shr(number: u64, by: u32) -> u64 {
    number.checked_shr(by).unwrap_or(0)
}
