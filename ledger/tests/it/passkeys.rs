//! Passkey records: every fault is refused by name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_ledger::Error;
use countersign_ledger::assertion::{Algorithm, Assertion, Expected, Registration};
use countersign_ledger::hash::Hash;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

const RP: &str = "decisions.example.org";
const ORIGIN: &str = "https://decisions.example.org";
const CHALLENGE: Hash = Hash([7; 32]);

#[test]
fn es256_and_eddsa_assertions_are_accepted() {
    for alg in [Algorithm::Es256, Algorithm::EdDsa] {
        let assertion = sign(alg, &client_data(), &authenticator_data(0b1_1101, 41));

        let authenticator = assertion.check(&expected()).unwrap();

        assert_eq!((authenticator.counter, authenticator.backup_eligible, authenticator.backed_up), (41, true, true));
        assert_eq!(Assertion::parse(&assertion.seal().unwrap().0), Ok(assertion));
    }
}

#[test]
fn client_data_may_hold_further_members() {
    let client = client_data().replacen('{', r#"{ "later":[1.5e-3,null,{"a":"\ud83d\ude02"}], "#, 1);

    assert!(sign(Algorithm::Es256, &client, &authenticator_data(5, 0)).check(&expected()).is_ok());
}

#[test]
fn each_fault_is_refused_for_its_reason() {
    let good = client_data();
    let data = authenticator_data(5, 0);
    let client = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        sign(Algorithm::Es256, &good.replacen(from, to, 1), &data)
    };
    let authenticator = |data: &[u8]| sign(Algorithm::Es256, &good, data);
    let mut other_party = data.clone();
    other_party[0] ^= 1;
    let mut other_key = sign(Algorithm::Es256, &good, &data);
    other_key.key = sign_with_seed(8, Algorithm::Es256, &good, &data).key;
    let mut other_alg = sign(Algorithm::Es256, &good, &data);
    other_alg.alg = Algorithm::EdDsa;
    let mut cut = sign(Algorithm::Es256, &good, &data);
    cut.signature.pop();
    let faults = [
        (client("webauthn.get", "webauthn.create"), "not of type webauthn.get"),
        (client(&CHALLENGE.to_string(), &Hash([8; 32]).to_string()), "the challenge is not"),
        (client(ORIGIN, "https://decisions.example.org.evil.example"), "the origin is not"),
        (client(ORIGIN, "http://decisions.example.org"), "the origin is not"),
        (client("false", "true"), "frame of another origin"),
        (client("false", "\"false\""), "frame of another origin"),
        (client("}", ",\"origin\":\"https://decisions.example.org\"}"), "is repeated"),
        (client("}", ""), "is not JSON"),
        (client("}", "} x"), "after the client data"),
        (authenticator(&other_party), "relying party"),
        (authenticator(&authenticator_data(4, 0)), "nobody was present"),
        (authenticator(&authenticator_data(1, 0)), "user was not verified"),
        (authenticator(&authenticator_data(0b1_0101, 0)), "backed up without"),
        (authenticator(&data[..36]), "at least 37 bytes"),
        (authenticator(&[&data[..], &[0]].concat()), "does not match its flags"),
        (authenticator(&authenticator_data(0x85, 0)), "does not match its flags"),
        (other_key, "signature does not verify"),
        (other_alg, "not of the algorithm named"),
        (cut, "DER"),
    ];

    for (assertion, reason) in faults {
        let refusal = assertion.check(&expected()).unwrap_err();

        assert!(matches!(refusal, Error::Assertion { .. }));
        assert!(refusal.to_string().contains(reason), "{reason}: {refusal}");
    }
}

#[test]
fn every_byte_flip_of_what_was_signed_is_refused() {
    let good = sign(Algorithm::EdDsa, &client_data(), &authenticator_data(5, 0));
    let parts: [fn(&mut Assertion) -> &mut Vec<u8>; 4] =
        [|a| &mut a.authenticator_data, |a| &mut a.client_data, |a| &mut a.key, |a| &mut a.signature];
    for part in parts {
        for at in 0..part(&mut good.clone()).len() {
            let mut changed = good.clone();
            part(&mut changed)[at] ^= 1;

            assert!(changed.check(&expected()).is_err(), "byte {at}");
        }
    }
}

#[test]
fn an_enrolment_gives_the_key_that_later_signs() {
    for alg in [Algorithm::Es256, Algorithm::EdDsa] {
        let signed = sign(alg, &client_data(), &authenticator_data(5, 0));
        let registration = registration(&signed.key, 0x45);

        let enrolled = registration.check(&expected()).unwrap();

        assert_eq!((enrolled.alg, &enrolled.key, enrolled.key_digest()), (alg, &signed.key, signed.key_digest()));
        assert_eq!((enrolled.credential_id.as_slice(), enrolled.aaguid), (b"credential".as_slice(), [3; 16]));
        assert_eq!((enrolled.counter, enrolled.backup_eligible, enrolled.backed_up), (9, false, false));
    }
}

#[test]
fn each_fault_of_an_enrolment_is_refused_for_its_reason() {
    let key = sign(Algorithm::Es256, &client_data(), &authenticator_data(5, 0)).key;
    let good = registration(&key, 0x45);
    let client = |from: &str, to: &str| {
        let text = String::from_utf8(good.client_data.clone()).unwrap();
        assert!(text.contains(from), "{from}");
        Registration { client_data: text.replacen(from, to, 1).into_bytes(), ..good.clone() }
    };
    let data = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = good.clone();
        change(&mut changed.authenticator_data);
        changed
    };
    let mut other_curve = key.clone();
    *other_curve.get_mut(6).unwrap() = 2;
    let mut no_point = key.clone();
    no_point[50] ^= 1;
    let rs256 = hex::decode("a401030339010020430102032143010001").unwrap();
    let faults = [
        (client("webauthn.create", "webauthn.get"), "not of type webauthn.create"),
        (client(&CHALLENGE.to_string(), &Hash([8; 32]).to_string()), "the challenge is not"),
        (client(ORIGIN, "https://example.org"), "the origin is not"),
        (client("false", "true"), "frame of another origin"),
        (data(&|data| data[0] ^= 1), "relying party"),
        (registration(&key, 0x44), "nobody was present"),
        (registration(&key, 0x41), "user was not verified"),
        (registration(&key, 0x05), "holds no key"),
        (registration(&key, 0xc5), "does not match its flags"),
        (data(&|data| data.truncate(50)), "is cut off"),
        (data(&|data| data.truncate(60)), "is cut off"),
        (data(&|data| data[53..55].copy_from_slice(&[0, 0])), "1 to 1,023 bytes"),
        (data(&|data| data.push(0)), "does not match its flags"),
        (data(&|data| data.truncate(data.len() - 1)), "is cut off"),
        (registration(&other_curve, 0x45), "not of the algorithm named"),
        (registration(&no_point, 0x45), "not a point of P-256"),
        (registration(&rs256, 0x45), "neither ES256 nor EdDSA"),
    ];

    for (registration, reason) in faults {
        let refusal = registration.check(&expected()).unwrap_err();

        assert!(refusal.to_string().contains(reason), "{reason}: {refusal}");
    }
}

fn registration(key: &[u8], flags: u8) -> Registration {
    Registration {
        client_data: client_data().replacen("webauthn.get", "webauthn.create", 1).into_bytes(),
        authenticator_data: [&authenticator_data(flags, 9)[..], &[3; 16], &[0, 10], b"credential", key].concat(),
    }
}

fn expected() -> Expected<'static> {
    Expected { challenge: CHALLENGE, rp_id: RP, origin: ORIGIN }
}

fn client_data() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(CHALLENGE.0);

    format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{ORIGIN}","crossOrigin":false}}"#)
}

fn authenticator_data(flags: u8, counter: u32) -> Vec<u8> {
    [&Sha256::digest(RP)[..], &[flags], &counter.to_be_bytes()].concat()
}

fn sign(alg: Algorithm, client: &str, authenticator_data: &[u8]) -> Assertion {
    sign_with_seed(7, alg, client, authenticator_data)
}

fn sign_with_seed(seed: u8, alg: Algorithm, client: &str, authenticator_data: &[u8]) -> Assertion {
    let signed = [authenticator_data, &Sha256::digest(client)].concat();
    let (key, signature) = match alg {
        Algorithm::Es256 => {
            let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
            let point = secret.verifying_key().to_sec1_point(false);
            let key = [
                &hex::decode("a5010203262001215820").unwrap()[..],
                &point.as_bytes()[1..33],
                &[0x22, 0x58, 0x20],
                &point.as_bytes()[33..],
            ]
            .concat();
            let signature: p256::ecdsa::Signature = secret.sign(&signed);
            (key, signature.to_der().as_bytes().to_vec())
        }
        Algorithm::EdDsa => {
            let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
            let key = [&hex::decode("a4010103272006215820").unwrap()[..], secret.verifying_key().as_bytes()].concat();
            (key, secret.sign(&signed).to_bytes().to_vec())
        }
    };

    Assertion {
        alg,
        authenticator_data: authenticator_data.to_vec(),
        client_data: client.as_bytes().to_vec(),
        credential: "01a19b7c-cd90-7b42-9a8c-7b53e66db9ad".to_owned(),
        key,
        signature,
    }
}
