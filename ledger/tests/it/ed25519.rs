//! Ed25519 edge cases of C2SP/CCTV through the note verifier.

use base64::Engine as _;
use countersign_ledger::Error;
use countersign_ledger::note::{self, Note, Signature, Verifier};
use sha2::{Digest as _, Sha256};

use crate::vectors;

#[test]
fn strict_verification_accepts_exactly_the_recorded_signatures() {
    let vectors = vectors::json("cctv-ed25519/ed25519vectors.json");
    let vectors = vectors.as_array().unwrap();
    assert_eq!(vectors.len(), 914);

    let accepted: Vec<_> =
        vectors.iter().filter(|vector| is_accepted(vector)).map(|vector| vector["number"].as_u64().unwrap()).collect();

    assert_eq!(accepted, ACCEPTED);
    for vector in vectors.iter().filter(|vector| is_accepted(vector)) {
        let flags = vector["flags"].as_array().cloned().unwrap_or_default();
        for refused in ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"] {
            assert!(!flags.iter().any(|flag| flag == refused), "{vector}");
        }
    }
}

/// Builds a note key from the bytes of a public key.
pub(crate) fn verifier(name: &str, public: &[u8]) -> Result<Verifier, Error> {
    verifier_of_type(name, 1, public)
}

/// Builds a note key of any signature type.
pub(crate) fn verifier_of_type(name: &str, kind: u8, public: &[u8]) -> Result<Verifier, Error> {
    let key = [&[kind][..], public].concat();
    let hash = Sha256::new().chain_update(name).chain_update(b"\n").chain_update(&key).finalize();

    format!("{name}+{}+{}", hex::encode(&hash[..4]), base64::engine::general_purpose::STANDARD.encode(key)).parse()
}

fn is_accepted(vector: &serde_json::Value) -> bool {
    let bytes = |key: &str| hex::decode(vector[key].as_str().unwrap()).unwrap();
    let Ok(key) = verifier("vector", &bytes("key")) else {
        return false;
    };
    let signature = Signature { name: key.name().to_owned(), id: key.id(), bytes: bytes("sig") };
    let note = Note { text: vector["msg"].as_str().unwrap().to_owned(), signatures: vec![signature] };

    note::verify(&note, &[key]).is_ok()
}

/// The same on every platform: no point of low order, no second encoding.
const ACCEPTED: &[u64] = &[
    7, 29, 50, 117, 139, 161, 182, 249, 305, 411, 425, 438, 465, 473, 481, 489, 497, 511, 525, 538, 565, 573, 581, 589,
    597, 611, 625, 638, 665, 673, 681, 689, 697, 711, 725, 738, 765, 773, 781, 789, 797, 832, 899,
];
