//! The verifier accepts honest exports and names the check that a dishonest one fails.

use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::hash::leaf_hash;
use countersign_ledger::leaf::LeafRef;
use countersign_ledger::note::Signer;
use countersign_ledger::proof::verify_consistency;
use countersign_ledger::tile::{BundleId, TileId, encode_bundle};
use countersign_ledger::tree::{Tree, consistency_proof};
use countersign_ledger::verify::{Evidence, Freshness, Held, Report, Status, Trust, Verdict, verify_log, verify_proof};

use crate::countersign::{ORIGIN, leaves, log_key, openings};
use crate::export::{Export, WITNESSED, cosigned, plain_leaf, plain_leaves, proof, signed, tiles, trust};
use crate::vectors;

#[test]
fn the_example_log_verifies_in_the_published_words() {
    let mut seen = Vec::new();
    let export = example();

    let report = verify_log(&export, &trust(), &[], &mut |index, bytes, leaf| {
        seen.push((index, bytes.to_vec(), leaf.kind.to_owned()))
    });

    assert_eq!(report.summary(), "VERIFIED to 16 · root KGik… · witnessed 2026-11-03T09:00:12Z by w1");
    assert_eq!((report.verdict(), report.exit_code()), (Verdict::Verified, 0));
    assert_eq!(checks(&report), ["L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8"]);
    assert_eq!(seen.len(), 16);
    assert_eq!(seen[11].2, "decision.resolved");
    assert!(seen.iter().zip(leaves()).all(|((_, bytes, _), line)| bytes == line.as_bytes()));
}

#[test]
fn without_a_pinned_witness_the_run_is_incomplete_and_says_so() {
    let report = run(&example(), &Trust::log_only(log_key().verifier().clone()));

    assert_eq!(report.summary(), "INCOMPLETE: L3 not made, no witness pinned");
    assert_eq!(report.exit_code(), 2);
    assert!(report.limit().contains("nothing here is protected"));
}

#[test]
fn a_cosignature_older_than_the_limit_fails_l3() {
    let at = |now| Trust { freshness: Some(Freshness { now, age_max_seconds: 3_600 }), ..trust() };

    assert_eq!(run(&example(), &at(WITNESSED + 3_600)).exit_code(), 0);
    assert_eq!(run(&example(), &at(WITNESSED + 3_601)).summary(), "FAILED L3 at checkpoint");
}

#[test]
fn every_byte_flip_of_a_small_export_fails_a_named_check() {
    let export = example();
    assert_eq!(run(&export, &trust()).exit_code(), 0);
    for (path, bytes) in &export.0 {
        for at in 0..bytes.len() {
            let mut changed = export.clone();
            changed.0.get_mut(path).unwrap()[at] ^= 1 << (at % 8);

            assert_failed(&run(&changed, &trust()), &format!("{path} byte {at}"));
        }
    }
}

#[test]
fn byte_flips_and_missing_files_of_a_log_with_parent_tiles_fail() {
    let export = Export::of(&plain_leaves(600));
    assert_eq!(run(&export, &trust()).exit_code(), 0);
    for (path, bytes) in &export.0 {
        let mut without = export.clone();
        without.0.remove(path);
        assert_failed(&run(&without, &trust()), path);
        for at in (0..bytes.len()).step_by(211) {
            let mut changed = export.clone();
            changed.0.get_mut(path).unwrap()[at] ^= 0x10;

            assert_failed(&run(&changed, &trust()), &format!("{path} byte {at}"));
        }
    }
}

#[test]
fn an_edited_leaf_fails_l4_at_its_index() {
    let mut export = example();
    let mut lines = bytes_of(&leaves());
    lines[11] = String::from_utf8(lines[11].clone()).unwrap().replace("approved", "rejected").into_bytes();
    let bundle = encode_bundle(lines.iter().map(Vec::as_slice)).unwrap();
    export.0.insert(BundleId { n: 0, width: 16 }.path(), bundle);

    assert_eq!(run(&export, &trust()).summary(), "FAILED L4 at index 11");
}

#[test]
fn a_rebuilt_tree_without_the_key_fails_l5() {
    let honest = plain_leaves(300);
    let checkpoint = Export::of(&honest).0["checkpoint"].clone();
    let mut swapped = honest.clone();
    swapped.swap(3, 4);
    let mut edited = honest.clone();
    edited[299] = plain_leaf(7_000).encode().unwrap();
    for leaves in [swapped, edited] {
        let mut forged = Export::of(&leaves);
        forged.0.insert("checkpoint".to_owned(), checkpoint.clone());

        assert_eq!(run(&forged, &trust()).summary(), "FAILED L5 at size 300");
    }
    let mut shorter = Export::of(&honest[..299]);
    shorter.0.insert("checkpoint".to_owned(), checkpoint);
    assert_failed(&run(&shorter, &trust()), "a deleted leaf");
}

#[test]
fn a_parent_tile_that_disagrees_fails_l5_at_its_first_leaf() {
    let mut export = Export::of(&plain_leaves(600));
    export.0.get_mut("tile/1/000.p/2").unwrap()[40] ^= 1;

    assert_eq!(run(&export, &trust()).summary(), "FAILED L5 at index 256");
}

#[test]
fn a_leaf_sealed_twice_fails_l8_even_with_the_key() {
    let mut leaves = plain_leaves(20);
    leaves.push(leaves[7].clone());

    assert_eq!(run(&Export::of(&leaves), &trust()).summary(), "FAILED L8 at index 20");
}

#[test]
fn bytes_that_are_not_canonical_fail_l8_even_with_the_key() {
    let mut leaves = plain_leaves(20);
    leaves[9].push(b' ');

    assert_eq!(run(&Export::of(&leaves), &trust()).summary(), "FAILED L8 at index 9");
}

#[test]
fn a_leaf_of_a_later_version_is_a_notice() {
    let mut lines = plain_leaves(3);
    lines[1] = br#"{"id":"01a19b7c-a680-7c09-8694-bfb5900f9650","v":2,"words":{"other":true}}"#.to_vec();
    let mut visited = Vec::new();

    let report = verify_log(&Export::of(&lines), &trust(), &[], &mut |index, _, _| visited.push(index));

    assert_eq!(report.exit_code(), 0);
    assert!(
        report
            .checks
            .iter()
            .any(|check| check.check == "L8" && check.status == Status::Notice && check.subject == "index 1")
    );
    assert_eq!(visited, [0, 2]);
}

#[test]
fn another_key_than_the_pinned_one_fails_l2() {
    let mut export = example();
    let mut tree = Tree::empty();
    tree.append(&crate::countersign::leaf_hashes());
    let forged = Checkpoint::new(ORIGIN, 16, tree.root()).sign(&Signer::ed25519(ORIGIN, &[9; 32]).unwrap()).unwrap();
    export.0.insert("checkpoint".to_owned(), forged.into_bytes());

    assert_eq!(run(&export, &trust()).summary(), "FAILED L2 at checkpoint");
}

#[test]
fn an_old_checkpoint_fails_l7_when_a_newer_one_is_held() {
    let leaves = plain_leaves(300);
    let newer = signed(&hashes_of(&leaves));
    let export = Export::of(&leaves[..280]);

    let report = verify_log(&export, &trust(), &[&newer], &mut |_, _, _| {});

    assert_eq!(report.summary(), "FAILED L7 at size 300");
}

#[test]
fn a_history_rewritten_below_what_is_held_fails_l7_and_above_it_does_not() {
    let honest = plain_leaves(300);
    let held = signed(&hashes_of(&honest[..290]));
    let rewritten = |from: usize| {
        let mut leaves = honest.clone();
        for (number, leaf) in leaves.iter_mut().enumerate().skip(from) {
            *leaf = plain_leaf(5_000 + number as u64).encode().unwrap();
        }
        verify_log(&Export::of(&leaves), &trust(), &[&held], &mut |_, _, _| {})
    };

    assert_eq!(rewritten(289).summary(), "FAILED L7 at size 290");
    assert_eq!(rewritten(290).exit_code(), 0);
    assert_eq!(rewritten(290).held_size, Some(290));
    assert!(rewritten(290).limit().starts_with("Protected up to 290"));
}

#[test]
fn a_full_tile_stands_in_for_a_partial_one_the_log_has_outgrown() {
    let leaves = plain_leaves(256);
    let mut export = Export::of(&leaves);
    export.0.insert("checkpoint".to_owned(), cosigned(&hashes_of(&leaves[..200])).into_bytes());

    assert_eq!(run(&export, &trust()).summary()[..15], *"VERIFIED to 200");
}

#[test]
fn a_receipt_verifies_with_its_content_and_openings() {
    let content = vectors::bytes("countersign-v1/content.json");
    let openings: Vec<_> =
        openings().into_iter().filter(|opening| opening.entry == "01a19b7d-90e0-754a-91cb-b3358cb21620").collect();
    let evidence = Evidence { content: Some(&content), openings: &openings };
    let held = Held { checkpoint: vectors::text("countersign-v1/checkpoint.16"), consistency: consistency(12, 16) };

    let report = verify_proof(&receipt(), &Trust::log_only(log_key().verifier().clone()), Some(&held), &evidence);

    assert_eq!(checks(&report), ["L1", "L2", "L3", "L6", "L7", "L8", "D4"]);
    assert_eq!(report.summary(), "INCOMPLETE: L3 not made, no witness pinned");
    assert_eq!(report.held_size, Some(16));
    for at in 0..openings.len() {
        let mut changed = openings.clone();
        changed[at].value.push(b'0');
        let report =
            verify_proof(&receipt(), &trust(), None, &Evidence { content: Some(&content), openings: &changed });
        assert!(report.checks.iter().any(|check| check.check == "D4" && check.status == Status::Failed));
    }
}

#[test]
fn a_witnessed_receipt_verifies_in_one_line() {
    let leaves = bytes_of(&leaves());
    let hashes = hashes_of(&leaves);
    let text = proof(11, &leaves).replace(&signed(&hashes), &cosigned(&hashes));

    let report = verify_proof(&text, &trust(), None, &Evidence::default());

    assert_eq!(report.summary(), "VERIFIED to 16 · root KGik… · witnessed 2026-11-03T09:00:12Z by w1");
}

#[test]
fn every_byte_flip_of_a_receipt_fails_a_named_check() {
    let receipt = receipt();
    let trust = Trust::log_only(log_key().verifier().clone());
    for at in 0..receipt.len() {
        let mut changed = receipt.clone().into_bytes();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };

        assert_failed(&verify_proof(&changed, &trust, None, &Evidence::default()), &format!("byte {at}"));
    }
}

#[test]
fn a_receipt_of_another_history_fails_l7() {
    let mut other = bytes_of(&leaves());
    other[0] = plain_leaf(1).encode().unwrap();
    let held = Held { checkpoint: signed(&hashes_of(&other)), consistency: consistency(12, 16) };

    let report = verify_proof(&receipt(), &trust(), Some(&held), &Evidence::default());

    assert!(report.checks.iter().any(|check| check.check == "L7" && check.status == Status::Failed));
}

#[test]
fn two_histories_are_consistent_exactly_up_to_their_common_prefix() {
    let ours = hashes_of(&plain_leaves(40));
    for prefix in [1, 2, 3, 7, 8, 16, 25, 39] {
        let mut theirs = ours.clone();
        for (number, hash) in theirs.iter_mut().enumerate().skip(prefix) {
            *hash = leaf_hash(&number.to_be_bytes());
        }
        for m in 1..=40 {
            let (mut old, mut new) = (Tree::empty(), Tree::empty());
            old.append(&ours[..m]);
            new.append(&theirs);
            let proof = consistency_proof(m as u64, 40, &tiles(&theirs)).unwrap();
            let consistent = verify_consistency(m as u64, 40, &old.root(), &new.root(), &proof).is_ok();

            assert_eq!(consistent, m <= prefix, "prefix {prefix}, size {m}");
        }
    }
}

#[test]
fn leaves_are_handed_out_in_order_with_their_bytes() {
    let leaves = plain_leaves(700);
    let mut visited = Vec::new();

    verify_log(&Export::of(&leaves), &trust(), &[], &mut |index, bytes, leaf: &LeafRef<'_>| {
        assert_eq!(leaf.to_leaf().encode().unwrap(), bytes);
        visited.push((index, bytes.to_vec()));
    });

    assert_eq!(visited, (0..).zip(leaves).collect::<Vec<_>>());
}

/// The example log with its earlier checkpoint, a kept one and one proof.
fn example() -> Export {
    let leaves = bytes_of(&leaves());
    let mut export = Export::of(&leaves).with_checkpoint(&leaves[..12]).with_proof(10, &leaves[..12]);
    export.0.insert("held.txt".to_owned(), signed(&hashes_of(&leaves[..5])).into_bytes());
    assert_eq!(export.0["checkpoint"], vectors::bytes("countersign-v1/checkpoint.16"));
    assert_eq!(
        export.0[&TileId { level: 0, n: 0, width: 16 }.path()],
        vectors::bytes("countersign-v1/tile/0/000.p/16")
    );

    export
}

fn receipt() -> String {
    vectors::text("countersign-v1/decision.resolved.tlog-proof")
}

fn consistency(m: u64, n: u64) -> Vec<countersign_ledger::hash::Hash> {
    let hashes = crate::countersign::leaf_hashes();

    consistency_proof(m, n, &tiles(&hashes[..n as usize])).unwrap()
}

fn run(export: &Export, trust: &Trust) -> Report {
    verify_log(export, trust, &[], &mut |_, _, _| {})
}

fn assert_failed(report: &Report, what: &str) {
    assert_eq!(report.verdict(), Verdict::Failed, "{what}: {}", report.summary());
    assert!(report.summary().starts_with("FAILED L"), "{what}: {}", report.summary());
}

fn checks(report: &Report) -> Vec<&'static str> {
    report.checks.iter().map(|check| check.check).collect()
}

fn bytes_of(lines: &[String]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| line.clone().into_bytes()).collect()
}

fn hashes_of(leaves: &[Vec<u8>]) -> Vec<countersign_ledger::hash::Hash> {
    leaves.iter().map(|bytes| leaf_hash(bytes)).collect()
}
