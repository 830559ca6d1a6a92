//! Vectors of transparency-dev/merkle and of a log of 961,984,011 entries.

use countersign_ledger::hash::{Hash, empty_root, leaf_hash, node_hash};
use countersign_ledger::proof::{verify_consistency, verify_inclusion};
use countersign_ledger::tree::Tree;
use serde_json::Value as Json;

use crate::vectors;

/// Accepted by its authors, whose hashes may have any length; ours are 32 bytes (see its ORIGIN.md).
const KNOWN_EXCEPTION: &str = "additional/sizes-are-equal-one-and-proof-is-empty.json";

#[test]
fn inclusion_vectors_are_accepted_and_refused_as_stated() {
    let files = vectors::files("merkle/inclusion");
    assert_eq!(files.len(), 98);

    for file in files {
        let vector = vectors::json(&format!("merkle/inclusion/{file}"));

        assert_eq!(inclusion_holds(&vector), vector["wantErr"] == false, "{file}");
    }
}

#[test]
fn consistency_vectors_are_accepted_and_refused_as_stated() {
    let files = vectors::files("merkle/consistency");
    assert_eq!(files.len(), 98);

    for file in files {
        let vector = vectors::json(&format!("merkle/consistency/{file}"));
        let accepted = vector["wantErr"] == false && file != KNOWN_EXCEPTION;

        assert_eq!(consistency_holds(&vector), accepted, "{file}");
    }
}

#[test]
fn the_reference_tree_has_the_published_hashes() {
    let reference = vectors::json("merkle/reference-tree.json");
    let leaves: Vec<_> =
        strings(&reference["leafInputsHex"]).iter().map(|hex| leaf_hash(&hex::decode(hex).unwrap())).collect();
    let mut level = leaves.clone();
    for published in reference["nodeHashesHex"].as_array().unwrap() {
        assert_eq!(level.iter().map(hex_of).collect::<Vec<_>>(), strings(published));
        level = level.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    let mut tree = Tree::empty();

    let mut roots = vec![hex_of(&tree.root())];
    for leaf in &leaves {
        tree.append(&[*leaf]);
        roots.push(hex_of(&tree.root()));
    }

    assert_eq!(roots, strings(&reference["rootHashesHexBySize"]));
    assert_eq!(roots[0], hex_of(&empty_root()));
}

#[test]
fn proofs_of_a_log_of_nearly_a_billion_entries_hold() {
    let inclusion = vectors::json("azul-ct/inclusion-961984011.json");
    let consistency = vectors::json("azul-ct/consistency-3654490-961984011.json");

    assert!(inclusion_holds(&inclusion));
    assert!(consistency_holds(&consistency));
}

fn inclusion_holds(vector: &Json) -> bool {
    let (Some(root), Some(leaf), Some(proof)) =
        (vectors::hash(&vector["root"]), vectors::hash(&vector["leafHash"]), vectors::hashes(&vector["proof"]))
    else {
        return false;
    };
    let (Some(index), Some(size)) = (vector["leafIdx"].as_u64(), vector["treeSize"].as_u64()) else {
        return false;
    };

    verify_inclusion(index, size, &leaf, &proof, &root).is_ok()
}

fn consistency_holds(vector: &Json) -> bool {
    let (Some(old), Some(new), Some(proof)) =
        (vectors::hash(&vector["root1"]), vectors::hash(&vector["root2"]), vectors::hashes(&vector["proof"]))
    else {
        return false;
    };
    let (Some(m), Some(n)) = (vector["size1"].as_u64(), vector["size2"].as_u64()) else {
        return false;
    };

    verify_consistency(m, n, &old, &new, &proof).is_ok()
}

fn strings(json: &Json) -> Vec<String> {
    json.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn hex_of(hash: &Hash) -> String {
    hex::encode(hash.as_bytes())
}
