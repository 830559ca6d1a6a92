//! Timestamped witness cosignatures (c2sp.org/tlog-cosignature v1.0.1, type 0x04).
//!
//! The signed message:
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! ```

use std::fmt;

use ed25519_dalek::Signer as _;

use crate::note::{KeyKind, SecretKey, Signature, Verifier};
use crate::{Error, Result};

/// Latest time a cosignature may name, in seconds since 1970.
pub const TIME_MAX: u64 = i64::MAX as u64;

/// The message a cosigner signs for a checkpoint text at `time` seconds since 1970.
pub fn message(time: u64, checkpoint: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint}")
}

/// Checks one cosignature over a checkpoint text and returns its time in seconds since 1970.
///
/// # Errors
///
/// [`Error::Signature`] if the key is no cosigner, is not the one named in the line, or did not sign this text.
pub fn verify(checkpoint: &str, signature: &Signature, cosigner: &Verifier) -> Result<u64> {
    let refused = || Error::Signature { name: signature.name.clone() };
    if signature.name != cosigner.name() || signature.id != cosigner.id() {
        return Err(refused());
    }

    cosigner.verify(checkpoint, &signature.bytes).ok().flatten().ok_or_else(refused)
}

/// A witness's secret key, which signs cosignature messages and nothing else.
pub struct Cosigner(SecretKey);

impl Cosigner {
    /// Makes the key of a name from its 32-byte seed.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the name is empty or has white space or a plus.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self> {
        SecretKey::new(name, KeyKind::Cosignature, seed).map(Self)
    }

    /// The public key.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// The public key as text, `name+hash+base64`.
    pub fn vkey(&self) -> String {
        self.0.verifier.to_string()
    }

    /// Cosigns a checkpoint text at `time` seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] for a time beyond 2^63 − 1.
    pub fn sign(&self, checkpoint: &str, time: u64) -> Result<Signature> {
        if time > TIME_MAX {
            return Err(Error::Key {
                key: self.0.verifier.name().to_owned(),
                why: "a cosignature time ends at 2^63 - 1",
            });
        }
        let signature = self.0.key.sign(message(time, checkpoint).as_bytes()).to_bytes();

        Ok(self.0.signature([&time.to_be_bytes()[..], &signature].concat()))
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.vkey())
    }
}
