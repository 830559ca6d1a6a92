//! Note keys: `name+hash+base64` texts and Ed25519.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::Signature;
use crate::cosign;
use crate::encoding::{base64_std, from_base64_std};
use crate::{Error, Result};

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Type 0x01: Ed25519 over the note text.
    Note,
    /// Type 0x04: Ed25519 over a timestamped cosignature message.
    Cosignature,
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A public key that signs notes (type 0x01) or cosigns checkpoints (type 0x04).
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: u32,
    kind: KeyKind,
    key: VerifyingKey,
}

impl Verifier {
    pub(crate) fn new(name: &str, kind: KeyKind, key: VerifyingKey) -> Self {
        Self { name: name.to_owned(), id: key_id(name, kind, &key), kind, key }
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// True for a key that makes timestamped cosignatures.
    pub fn is_cosigner(&self) -> bool {
        self.kind == KeyKind::Cosignature
    }

    /// The 32-byte Ed25519 public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Checks one signature over `text` and returns the time of a cosignature.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, ()> {
        match self.kind {
            KeyKind::Note => self.verify_bytes(text.as_bytes(), signature).map(|()| None),
            KeyKind::Cosignature => {
                let (time, signature) = signature.split_first_chunk().ok_or(())?;
                let time = u64::from_be_bytes(*time);
                if time > cosign::TIME_MAX {
                    return Err(());
                }
                self.verify_bytes(cosign::message(time, text).as_bytes(), signature).map(|()| Some(time))
            }
        }
    }

    fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> Result<(), ()> {
        let signature = signature.try_into().map_err(|_| ())?;

        self.key.verify_strict(message, &signature).map_err(|_| ())
    }
}

impl FromStr for Verifier {
    type Err = Error;

    /// Reads a vkey; only the first two `+` separate, base64 may hold more.
    fn from_str(vkey: &str) -> Result<Self> {
        let refuse = |why| Error::Key { key: vkey.chars().take(300).collect(), why };
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refuse("a verifier key is name+hash+base64"));
        };
        if !is_key_name(name) {
            return Err(refuse("a key name is not empty and has no white space and no plus"));
        }
        if id.len() != 8 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(refuse("the key hash is 8 lower-case hexadecimal digits"));
        }
        let key = from_base64_std(key).ok_or_else(|| refuse("the public key is standard base64"))?;
        let kind = match key.first() {
            Some(0x01) => KeyKind::Note,
            Some(0x04) => KeyKind::Cosignature,
            _ => {
                return Err(refuse("only key types 0x01 (Ed25519) and 0x04 (cosignature) are supported"));
            }
        };
        let key = key[1..].try_into().map_err(|_| refuse("an Ed25519 public key has 32 bytes"))?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| refuse("the public key is not a point of the curve"))?;
        let verifier = Self::new(name, kind, key);
        if format!("{:08x}", verifier.id) != id {
            return Err(refuse("the key hash does not match name and public key"));
        }

        Ok(verifier)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()][..], self.key.as_bytes()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, base64_std(&key))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

/// A secret key that signs note text, and nothing else (type 0x01).
pub struct Signer(SecretKey);

impl Signer {
    /// Makes the key of a name from its 32-byte seed.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the name is empty or has white space or a plus.
    pub fn ed25519(name: &str, seed: &[u8; 32]) -> Result<Self> {
        SecretKey::new(name, KeyKind::Note, seed).map(Self)
    }

    /// The public key.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// The public key as text, `name+hash+base64`.
    pub fn vkey(&self) -> String {
        self.0.verifier.to_string()
    }

    /// Signs text that ends with a newline; the same text gives the same bytes.
    pub fn sign(&self, text: &str) -> Signature {
        self.0.signature(self.0.key.sign(text.as_bytes()).to_bytes().to_vec())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.vkey())
    }
}

/// A named Ed25519 key pair of one kind; its memory is cleared when dropped.
pub(crate) struct SecretKey {
    pub(crate) key: SigningKey,
    pub(crate) verifier: Verifier,
}

impl SecretKey {
    pub(crate) fn new(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self> {
        if !is_key_name(name) {
            return Err(Error::Key {
                key: name.to_owned(),
                why: "a key name is not empty and has no white space and no plus",
            });
        }
        let key = SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, kind, key.verifying_key());

        Ok(Self { key, verifier })
    }

    pub(crate) fn signature(&self, bytes: Vec<u8>) -> Signature {
        Signature { name: self.verifier.name.clone(), id: self.verifier.id, bytes }
    }
}

pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|character| character.is_whitespace() || character == '+' || character < ' ')
}

/// First four bytes of SHA-256(name ‖ 0A ‖ type ‖ public key).
fn key_id(name: &str, kind: KeyKind, key: &VerifyingKey) -> u32 {
    let hash =
        Sha256::new().chain_update(name).chain_update([b'\n', kind.byte()]).chain_update(key.as_bytes()).finalize();

    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}
