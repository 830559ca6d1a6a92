//! The frozen example log: every byte recomputed from `inputs.json`.

use countersign_ledger::assertion::{Assertion, Expected};
use countersign_ledger::checkpoint::{self, Checkpoint};
use countersign_ledger::commit::{self, Opening};
use countersign_ledger::cosign::Cosigner;
use countersign_ledger::hash::{Hash, Label, digest, leaf_hash};
use countersign_ledger::leaf::Leaf;
use countersign_ledger::note::{Note, Signer};
use countersign_ledger::policy::TrustPolicy;
use countersign_ledger::statement::{Content, Review, Seen, SeenPage};
use countersign_ledger::tile::{TileId, encode_bundle, encode_tile, parse_bundle, parse_tile};
use countersign_ledger::tlog_proof::TlogProof;
use countersign_ledger::tree::{Tree, inclusion_proof};
use countersign_ledger::value::{Limits, Value};

use crate::vectors;

pub(crate) const ORIGIN: &str = "decisions.example.org/ledger/7c1d9a40b2e85f36";

#[test]
fn every_leaf_is_written_back_byte_for_byte() {
    for line in leaves() {
        let leaf = Leaf::parse(line.as_bytes()).unwrap();

        assert_eq!(leaf.encode().unwrap(), line.as_bytes());
    }
}

#[test]
fn leaf_hashes_and_root_are_the_published_ones() {
    let published: Vec<_> =
        vectors::text("countersign-v1/leaf-hashes.txt").lines().map(|line| Hash(vectors::bytes32(line))).collect();

    let hashes = leaf_hashes();
    let mut tree = Tree::empty();
    tree.append(&hashes);

    assert_eq!(hashes, published);
    assert_eq!(tree.root().to_base64_std(), "KGik0qZ0kmDexajuF7wdXjyxuzEfM9f/DJ2oCQGw2l0=");
}

#[test]
fn tile_and_bundle_are_reproduced_and_read_back() {
    let lines = leaves();
    let tile = vectors::bytes("countersign-v1/tile/0/000.p/16");
    let bundle = vectors::bytes("countersign-v1/tile/entries/000.p/16");

    assert_eq!(encode_tile(&leaf_hashes()), tile);
    assert_eq!(encode_bundle(lines.iter().map(String::as_bytes)).unwrap(), bundle);
    assert_eq!(parse_tile(TileId { level: 0, n: 0, width: 16 }, &tile).unwrap(), leaf_hashes());
    assert_eq!(parse_bundle(&bundle, 16).unwrap(), lines.iter().map(String::as_bytes).collect::<Vec<_>>());
}

#[test]
fn checkpoints_are_signed_and_cosigned_byte_for_byte() {
    let mut tree = Tree::empty();
    tree.append(&leaf_hashes()[..12]);
    let twelve = Checkpoint::new(ORIGIN, 12, tree.root()).sign(&log_key()).unwrap();
    tree.append(&leaf_hashes()[12..]);
    let mut sixteen = Note::parse(&Checkpoint::new(ORIGIN, 16, tree.root()).sign(&log_key()).unwrap()).unwrap();
    let published = vectors::text("countersign-v1/checkpoint.16");
    let time = u64::from_be_bytes(Note::parse(&published).unwrap().signatures[1].bytes[..8].try_into().unwrap());
    sixteen.signatures.push(witness_key().sign(&sixteen.text, time).unwrap());

    assert_eq!(twelve, vectors::text("countersign-v1/checkpoint.12"));
    assert_eq!(sixteen.to_string(), published);
    assert_eq!(time, 1_793_696_412);
}

#[test]
fn the_trust_policy_names_the_keys_of_the_seeds() {
    let policy = TrustPolicy::parse(&vectors::text("countersign-v1/trust-policy.txt")).unwrap();

    assert_eq!(policy.logs[0].key, *log_key().verifier());
    assert_eq!(policy.witnesses[0].key, *witness_key().verifier());
    assert!(policy.quorum_met(|witness| witness.name == "w1"));
    assert!(!policy.quorum_met(|_| false));
}

#[test]
fn the_proof_file_is_reproduced() {
    let published = vectors::text("countersign-v1/decision.resolved.tlog-proof");
    let hashes = leaf_hashes();
    let reader = |id: TileId| Some(hashes[..id.width.into()].to_vec());
    let proof = TlogProof {
        extra: Some(leaves()[11].clone().into_bytes()),
        index: 11,
        path: inclusion_proof(11, 12, &reader).unwrap(),
        checkpoint: vectors::text("countersign-v1/checkpoint.12"),
    };

    assert_eq!(proof.to_string(), published);
    assert_eq!(TlogProof::parse(&published), Ok(proof));
}

#[test]
fn every_commitment_follows_from_its_field_key() {
    let inputs = vectors::json("countersign-v1/inputs.json");
    let openings = openings();
    let keys = inputs["fieldKeys"].as_array().unwrap();
    assert_eq!(keys.len(), openings.len());

    for (input, opening) in keys.iter().zip(openings) {
        let text = |key: &str| input[key].as_str().unwrap();
        let field_key = vectors::bytes32(text("keyHex"));
        let sealed: Hash = text("commitment").parse().unwrap();

        assert_eq!((opening.entry.as_str(), opening.field.as_str()), (text("entry"), text("field")));
        assert_eq!(opening.salt, commit::salt(&field_key));
        assert_eq!(opening.value, text("text").as_bytes());
        assert_eq!(commit::commitment(&opening.salt, text("field"), text("text").as_bytes()), sealed);
        assert_eq!(opening.verify(&sealed), Ok(()));
        assert_ne!(commit::value_key(&field_key), opening.salt);
        assert_eq!(Opening::parse(&opening.to_json().unwrap()).as_ref(), Ok(&opening));
    }
}

#[test]
fn statements_are_written_back_and_have_the_published_digests() {
    let digests = &vectors::json("countersign-v1/inputs.json")["digests"];
    let document = |name: &str| vectors::bytes(&format!("countersign-v1/{name}.json"));
    let published = |name: &str| digests[name].as_str().unwrap().parse::<Hash>().unwrap();

    let content = Content::parse(&document("content")).unwrap();
    let seen = Seen::parse(&document("presentation")).unwrap();
    let challenge = Review::parse(&document("challenge")).unwrap();
    let assertion = Assertion::parse(&document("assertion")).unwrap();
    let erased = Value::parse(&document("erasure-items"), Limits::STATEMENT).unwrap();

    assert_eq!(content.seal().unwrap(), (document("content"), published("content")));
    assert_eq!(seen.seal().unwrap(), (document("presentation"), published("seen")));
    assert_eq!(challenge.seal().unwrap(), (document("challenge"), published("challenge")));
    assert_eq!(assertion.seal().unwrap(), (document("assertion"), published("assertion")));
    assert_eq!(assertion.key_digest(), published("credential"));
    let executed = Leaf::parse(leaves()[15].as_bytes()).unwrap();
    assert_eq!(
        executed.d.unwrap().get("items_digest").unwrap().as_hash(),
        Some(digest(Label::Erasure, &erased.to_bytes(Limits::STATEMENT).unwrap()))
    );
}

#[test]
fn a_screen_of_version_2_says_what_stood_beside_its_fields_and_nothing_else_may() {
    let seen = Seen::parse(&vectors::bytes("countersign-v1/presentation.json")).unwrap();
    let page = SeenPage {
        about_persons: true,
        due: 1_793_696_400_000,
        on_timeout: "deny".into(),
        guards: vec!["adverse_needs_a_person".into()],
        revision: 1,
        risk: "high".into(),
        route: "require".into(),
        rule: 3,
        text: [("title".to_owned(), seen.content)].into(),
    };
    let paged = Seen { page: Some(page), ..seen.clone() };

    let (bytes, digest) = paged.seal().unwrap();

    assert_eq!(Seen::parse(&bytes).unwrap(), paged);
    assert_ne!(digest, seen.seal().unwrap().1);
    let text = String::from_utf8(bytes).unwrap();
    for wrong in [
        text.replace(r#""v":2"#, r#""v":1"#),
        text.replace(r#""v":2"#, r#""v":3"#),
        text.replace(r#""rule":3,"#, ""),
        text.replace(r#""risk":"high""#, r#""risk":"High risk""#),
        text.replace(r#""route":"require","#, r#""route":"require","row":1,"#),
    ] {
        assert_ne!(wrong, text);
        assert!(Seen::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn the_passkey_assertion_verifies_against_the_challenge() {
    let challenge = Review::parse(&vectors::bytes("countersign-v1/challenge.json")).unwrap().seal().unwrap().1;
    let assertion = Assertion::parse(&vectors::bytes("countersign-v1/assertion.json")).unwrap();
    let expected = Expected { challenge, rp_id: "decisions.example.org", origin: "https://decisions.example.org" };

    let authenticator = assertion.check(&expected).unwrap();

    assert_eq!((authenticator.counter, authenticator.backup_eligible, authenticator.backed_up), (0, false, false));
}

#[test]
fn the_challenge_is_recomputed_from_the_reviewed_leaf() {
    let leaf = Leaf::parse(leaves()[10].as_bytes()).unwrap();
    let d = leaf.d.unwrap();
    let hash = |key: &str| d.get(key).unwrap().as_hash().unwrap();
    let text = |key: &str| d.get(key).unwrap().as_text().unwrap().to_owned();
    let number = |key: &str| d.get(key).unwrap().as_integer().unwrap();

    let challenge = Review {
        log: "7c1d9a40b2e85f36".to_owned(),
        decision: leaf.obj.unwrap().id,
        content: hash("content"),
        seen: hash("seen"),
        round: number("round"),
        verdict: text("verdict"),
        reason: leaf.cm.get("reason").copied(),
        form: leaf.cm.get("form").copied(),
        policy: text("policy"),
        person: leaf.actor.sid.unwrap(),
        expires: number("expires"),
        nonce: text("nonce"),
        code: None,
        blind: None,
        edited: None,
        citations: Vec::new(),
        for_: None,
    };

    assert_eq!(challenge.seal().unwrap().0, vectors::bytes("countersign-v1/challenge.json"));
}

#[test]
fn answers_to_a_form_are_a_member_of_what_is_signed() {
    let without = Review::parse(&vectors::bytes("countersign-v1/challenge.json")).unwrap();
    let with = Review { form: Some(Hash([9; 32])), ..without.clone() };

    let (bytes, challenge) = with.seal().unwrap();

    assert_eq!(Review::parse(&bytes).unwrap(), with);
    assert_ne!(challenge, without.seal().unwrap().1);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(r#","form":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk","log":"#), "{text}");
}

#[test]
fn every_statement_byte_changes_the_challenge() {
    let bytes = vectors::bytes("countersign-v1/challenge.json");
    let challenge = digest(Label::Review, &bytes);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;

        assert_ne!(digest(Label::Review, &changed), challenge, "byte {at}");
        assert!(Review::parse(&changed).ok().is_none_or(|review| review.seal().unwrap().1 != challenge));
    }
}

#[test]
fn the_signed_checkpoint_opens_with_the_pinned_key_only() {
    let text = vectors::text("countersign-v1/checkpoint.16");
    let stranger = Signer::ed25519(ORIGIN, &[9; 32]).unwrap();

    assert_eq!(checkpoint::open(&text, log_key().verifier()).unwrap().0.size, 16);
    assert!(checkpoint::open(&text, stranger.verifier()).is_err());
    assert!(checkpoint::open(&text, witness_key().verifier()).is_err());
}

/// The leaves as stored, in order.
pub(crate) fn leaves() -> Vec<String> {
    vectors::text("countersign-v1/leaves.jsonl").lines().map(str::to_owned).collect()
}

pub(crate) fn leaf_hashes() -> Vec<Hash> {
    leaves().iter().map(|line| leaf_hash(line.as_bytes())).collect()
}

/// The openings, which the file holds in another layout than the canonical one.
pub(crate) fn openings() -> Vec<Opening> {
    let general = vectors::json("countersign-v1/openings.json");

    Opening::parse_list(&serde_jcs::to_vec(&general).unwrap()).unwrap()
}

pub(crate) fn log_key() -> Signer {
    Signer::ed25519(ORIGIN, &seed("logSeedHex")).unwrap()
}

pub(crate) fn witness_key() -> Cosigner {
    Cosigner::new("witness.example.net/w1", &seed("witnessSeedHex")).unwrap()
}

fn seed(name: &str) -> [u8; 32] {
    vectors::bytes32(vectors::json("countersign-v1/inputs.json")[name].as_str().unwrap())
}
