//! An authenticator in software: it does what the options of an installation ask, honestly or not.

use p256::ecdsa::{SigningKey, signature::Signer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{passkeys::encode, secret};

/// A passkey of one person's authenticator, over P-256.
pub struct SoftPasskey {
    key: SigningKey,
    credential_id: Vec<u8>,
    user: Vec<u8>,
    /// Origin that its browser shows.
    pub origin: String,
    /// Signature counter of the next answer.
    pub counter: u32,
}

/// An answer before it is signed, for tests that bend it.
pub struct Parts {
    /// Client data JSON.
    pub client_data: String,
    /// Authenticator data: relying party hash, flags, counter, …
    pub authenticator_data: Vec<u8>,
    /// Id of the key that the answer claims.
    pub credential_id: Vec<u8>,
    /// Whose key it claims to be.
    pub user: Vec<u8>,
    /// Changes the signature after it was made.
    pub bogus: bool,
}

impl SoftPasskey {
    /// Makes an authenticator without a key of this installation, whose browser shows an origin.
    ///
    /// # Panics
    ///
    /// Never: random bytes that are no key are drawn again.
    pub fn new(origin: &str) -> Self {
        let key = loop {
            if let Ok(key) = SigningKey::from_slice(&secret::random::<32>()) {
                break key;
            }
        };
        Self {
            key,
            credential_id: secret::random::<16>().to_vec(),
            user: Vec::new(),
            origin: origin.to_owned(),
            counter: 1,
        }
    }

    /// Answers `navigator.credentials.create`.
    ///
    /// # Panics
    ///
    /// When the options cannot be read.
    pub fn create(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        let user = options["user"]["id"].as_str().expect("options name the user");
        self.user = crate::passkeys::decode(user).expect("the user's id is base64url");
        let rp = options["rp"]["id"].as_str().expect("options name the relying party");
        let client_data = self.client_data("webauthn.create", &options);
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let key = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20][..], x, &[0x22, 0x58, 0x20], y].concat();
        let length = u16::try_from(self.credential_id.len()).expect("sixteen bytes");
        let authenticator_data =
            [&self.authenticator_data(rp, 0x45)[..], &[0; 16], &length.to_be_bytes(), &self.credential_id, &key]
                .concat();
        self.counter += 1;
        json!({
            "id": encode(&self.credential_id),
            "rawId": encode(&self.credential_id),
            "response": {
                "authenticatorData": encode(&authenticator_data),
                "clientDataJSON": encode(client_data.as_bytes()),
            },
            "type": "public-key",
        })
        .to_string()
    }

    /// Answers `navigator.credentials.get`.
    pub fn get(&mut self, options: &str) -> String {
        self.get_bent(options, |_| {})
    }

    /// Answers `navigator.credentials.get` after a change to what is signed or sent.
    ///
    /// # Panics
    ///
    /// When the options cannot be read.
    pub fn get_bent(&mut self, options: &str, bend: impl FnOnce(&mut Parts)) -> String {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        let rp = options["rpId"].as_str().expect("options name the relying party");
        let mut parts = Parts {
            client_data: self.client_data("webauthn.get", &options),
            authenticator_data: self.authenticator_data(rp, 5),
            credential_id: self.credential_id.clone(),
            user: self.user.clone(),
            bogus: false,
        };
        bend(&mut parts);
        self.counter += 1;
        let signed = [&parts.authenticator_data[..], &Sha256::digest(&parts.client_data)].concat();
        let signature: p256::ecdsa::Signature = self.key.sign(&signed);
        let mut signature = signature.to_der().as_bytes().to_vec();
        if parts.bogus {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        json!({
            "id": encode(&parts.credential_id),
            "rawId": encode(&parts.credential_id),
            "response": {
                "authenticatorData": encode(&parts.authenticator_data),
                "clientDataJSON": encode(parts.client_data.as_bytes()),
                "signature": encode(&signature),
                "userHandle": encode(&parts.user),
            },
            "type": "public-key",
        })
        .to_string()
    }

    fn client_data(&self, type_: &str, options: &Value) -> String {
        json!({
            "type": type_,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        })
        .to_string()
    }

    fn authenticator_data(&self, rp: &str, flags: u8) -> Vec<u8> {
        [&Sha256::digest(rp)[..], &[flags], &self.counter.to_be_bytes()].concat()
    }
}
