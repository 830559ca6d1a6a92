//! The witness's own branches, beyond the published transcript.

use countersign_ledger::cosign;
use countersign_ledger::hash::{Hash, leaf_hash};
use countersign_ledger::note::{self, Note, Signature, Verifier};
use countersign_ledger::tree::consistency_proof;
use countersign_ledger::witness::{AddCheckpoint, Cosigned, Refusal, check};

use crate::countersign::{leaf_hashes, log_key, witness_key};
use crate::export::{signed, tiles};

#[test]
fn growth_is_cosigned_and_becomes_what_was_cosigned_last() {
    let first = ask(0, 5, Vec::new(), None).unwrap();
    let second = ask(5, 16, proof(5, 16), Some(first)).unwrap();

    assert_eq!((first.size, second.size), (5, 16));
    assert_eq!(ask(16, 16, Vec::new(), Some(second)), Ok(second));
}

#[test]
fn each_refusal_has_its_status() {
    let last = ask(0, 5, Vec::new(), None).ok();
    let other_root = Some(Cosigned { size: 5, root: Hash::default() });

    for (answer, status) in [
        (ask(6, 5, Vec::new(), last), 400),
        (ask(4, 16, proof(4, 16), last), 409),
        (ask(0, 16, Vec::new(), last), 409),
        (ask(5, 5, Vec::new(), other_root), 409),
        (ask(5, 16, Vec::new(), last), 422),
        (ask(5, 16, proof(4, 16), last), 422),
        (ask(5, 5, proof(5, 16), last), 422),
        (ask(5, 16, proof(5, 16), other_root), 422),
        (ask(0, 5, vec![leaf_hash(b"x")], None), 422),
    ] {
        assert_eq!(answer.unwrap_err().status(), status);
    }
    let conflict = ask(4, 16, proof(4, 16), last).unwrap_err();
    assert_eq!((conflict.body().as_str(), conflict.content_type()), ("5\n", "text/x.tlog.size"));
    let unsigned = request(0, 5, Vec::new());
    assert_eq!(check(&unsigned, &[witness_key().verifier().clone()], None).unwrap_err().status(), 403);
    assert_eq!(check(&unsigned, &[], None), Err(Refusal::UnknownLog));
}

#[test]
fn a_request_of_sixty_four_proof_lines_or_too_many_bytes_is_refused() {
    let request =
        |lines: usize| AddCheckpoint { proof: vec![Hash::default(); lines], ..request(5, 16, Vec::new()) }.to_string();

    assert!(AddCheckpoint::parse(&request(63)).is_ok());
    assert_eq!(AddCheckpoint::parse(&request(64)).unwrap_err().status(), 400);
    assert_eq!(AddCheckpoint::parse(&"x".repeat(65_537)).unwrap_err().status(), 400);
}

#[test]
fn no_key_serves_two_uses() {
    let text = Note::parse(&signed(&leaf_hashes())).unwrap().text;
    let (log, witness) = (log_key(), witness_key());
    let as_cosigner: Verifier = retyped(log.verifier(), 4);
    let as_log: Verifier = retyped(witness.verifier(), 1);

    let cosignature = witness.sign(&text, 1_793_696_412).unwrap();
    let signature = log.sign(&text);

    assert!(cosign::verify(&text, &claim(&signature, &as_cosigner), &as_cosigner).is_err());
    let note = Note { text: text.clone(), signatures: vec![claim(&cosignature, &as_log)] };
    assert!(note::verify(&note, &[as_log]).is_err());
    assert!(cosign::verify(&text, &cosignature, witness.verifier()).is_ok());
    assert!(witness.sign(&text, u64::MAX).is_err());
}

/// Asks a witness to move from `old` to `new` on the example log.
fn ask(old: u64, new: u64, proof: Vec<Hash>, last: Option<Cosigned>) -> Result<Cosigned, Refusal> {
    let request = request(old, new, proof);
    assert_eq!(AddCheckpoint::parse(&request.to_string()).as_ref(), Ok(&request));

    check(&request, &[log_key().verifier().clone()], last)
}

fn request(old: u64, new: u64, proof: Vec<Hash>) -> AddCheckpoint {
    let note = signed(&leaf_hashes()[..new as usize]);
    let request = AddCheckpoint::parse(&format!("old {old}\n\n{note}")).unwrap();

    AddCheckpoint { proof, ..request }
}

fn proof(m: u64, n: u64) -> Vec<Hash> {
    consistency_proof(m, n, &tiles(&leaf_hashes()[..n as usize])).unwrap()
}

/// The same public key under another signature type.
fn retyped(key: &Verifier, kind: u8) -> Verifier {
    crate::ed25519::verifier_of_type(key.name(), kind, &key.public_key()).unwrap()
}

/// The signature bytes under the name and id of another key.
fn claim(signature: &Signature, key: &Verifier) -> Signature {
    Signature { name: key.name().to_owned(), id: key.id(), bytes: signature.bytes.clone() }
}
