//! The 15-entry test log of transparency-dev/tessera, read and written.

use std::collections::BTreeMap;

use base64::Engine as _;
use countersign_ledger::checkpoint::{self, Checkpoint};
use countersign_ledger::hash::{Hash, leaf_hash};
use countersign_ledger::note::{Signer, Verifier};
use countersign_ledger::proof::verify_consistency;
use countersign_ledger::tile::{BundleId, TileId, encode_bundle, encode_tile, parse_tile};
use countersign_ledger::tree::{Tree, consistency_proof};

use crate::vectors;

#[test]
fn all_sixteen_checkpoints_verify_and_extend_each_other() {
    let log = vectors::json("tessera/log.json");
    let key: Verifier = log["vkey"].as_str().unwrap().parse().unwrap();
    let opened: Vec<_> = (0..=15).map(|size| open(size, &key)).collect();
    let tile = TileId { level: 0, n: 0, width: 15 };
    let hashes = parse_tile(tile, &vectors::bytes("tessera/log/tile/0/000.p/15")).unwrap();
    let reader = |id: TileId| Some(hashes[..id.width.into()].to_vec());

    for (size, checkpoint) in (0..).zip(&opened) {
        assert_eq!(checkpoint.size, size);
    }
    for m in 1..=15 {
        for n in m..=15 {
            let proof = consistency_proof(m, n, &reader).unwrap();
            let (old, new) = (&opened[m as usize].root, &opened[n as usize].root);
            assert!(verify_consistency(m, n, old, new, &proof).is_ok(), "{m} {n}");
        }
    }
}

#[test]
fn the_same_entries_and_key_reproduce_every_file_byte_for_byte() {
    let published: BTreeMap<String, Vec<u8>> = vectors::files("tessera/log")
        .into_iter()
        .map(|name| (name.clone(), vectors::bytes(&format!("tessera/log/{name}"))))
        .collect();

    let written = write_log();

    assert_eq!(written.len(), 16 + 1 + 15 + 15);
    assert_eq!(written, published);
}

fn open(size: u64, key: &Verifier) -> Checkpoint {
    let text = vectors::text(&format!("tessera/log/checkpoint.{size}"));
    let (checkpoint, note) = checkpoint::open(&text, key).unwrap();
    assert_eq!(note.to_string(), text);

    checkpoint
}

/// Writes the log as it grew, one entry at a time.
fn write_log() -> BTreeMap<String, Vec<u8>> {
    let log = vectors::json("tessera/log.json");
    let signer = signer(log["skey"].as_str().unwrap());
    assert_eq!(signer.vkey(), log["vkey"].as_str().unwrap());
    let entries: Vec<_> =
        log["entries"].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap().as_bytes()).collect();
    let mut files = BTreeMap::new();
    let mut tree = Tree::empty();
    let mut hashes: Vec<Hash> = Vec::new();
    for size in 0..=entries.len() {
        if size > 0 {
            hashes.push(leaf_hash(entries[size - 1]));
            tree.append(&hashes[size - 1..]);
            let width = size as u16;
            files.insert(TileId { level: 0, n: 0, width }.path(), encode_tile(&hashes));
            files.insert(BundleId { n: 0, width }.path(), encode_bundle(entries[..size].iter().copied()).unwrap());
        }
        let checkpoint = Checkpoint::new("example.com/log/testdata", tree.size(), tree.root()).sign(&signer).unwrap();
        files.insert(format!("checkpoint.{size}"), checkpoint.clone().into_bytes());
        files.insert("checkpoint".to_owned(), checkpoint.into_bytes());
    }

    files
}

/// Reads a Go note key, `PRIVATE+KEY+name+hash+base64(type ‖ seed)`.
fn signer(skey: &str) -> Signer {
    let mut parts = skey.strip_prefix("PRIVATE+KEY+").unwrap().splitn(3, '+');
    let name = parts.next().unwrap();
    let key = base64::engine::general_purpose::STANDARD.decode(parts.nth(1).unwrap()).unwrap();

    Signer::ed25519(name, key[1..].try_into().unwrap()).unwrap()
}
