//! What an authenticator gives when a key is enrolled (WebAuthn level 3, section 7.1), without attestation.
//!
//! Nothing here is signed by the maker of the authenticator: who enrols is vouched for by the signed-in session and
//! by whoever confirms the key afterwards.

use super::{ATTESTED, Algorithm, EXTENDED, Expected, authenticator_data, check_client_data, cose, refuse};
use crate::Result;
use crate::hash::{Hash, Label, digest};

/// Longest credential id (WebAuthn level 3, section 4).
const CREDENTIAL_ID_MAX: usize = 1_023;

/// Answer of `navigator.credentials.create`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Client data JSON.
    pub client_data: Vec<u8>,
    /// Authenticator data with the attested credential.
    pub authenticator_data: Vec<u8>,
}

/// An enrolled key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// What the authenticator calls the key.
    pub credential_id: Vec<u8>,
    /// Public key in COSE form.
    pub key: Vec<u8>,
    /// Its algorithm.
    pub alg: Algorithm,
    /// Model of the authenticator; all zero where it does not say.
    pub aaguid: [u8; 16],
    /// Signature counter; 0 where the authenticator keeps none.
    pub counter: u32,
    /// The key may be copied to other devices.
    pub backup_eligible: bool,
    /// The key has been copied.
    pub backed_up: bool,
}

impl Enrolled {
    /// Digest of the public key, as `auth.credential_enrolled` seals it.
    pub fn key_digest(&self) -> Hash {
        digest(Label::Credential, &self.key)
    }
}

impl Registration {
    /// Checks client data and authenticator data, and takes the key out.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Assertion`] names the first rule that does not hold.
    pub fn check(&self, expected: &Expected<'_>) -> Result<Enrolled> {
        check_client_data(&self.client_data, "webauthn.create", expected)?;
        let (flags, authenticator, rest) = authenticator_data(&self.authenticator_data, expected.rp_id)?;
        let cut = || refuse("the attested credential is cut off");
        if flags & ATTESTED == 0 {
            return Err(refuse("the authenticator data holds no key"));
        }
        let (aaguid, rest) = rest.split_first_chunk::<16>().ok_or_else(cut)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > CREDENTIAL_ID_MAX {
            return Err(refuse("a credential id has 1 to 1,023 bytes"));
        }
        let (credential_id, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        let (alg, key, rest) = cose::split(rest).map_err(refuse)?;
        if rest.is_empty() == (flags & EXTENDED != 0) {
            return Err(refuse("the length of the authenticator data does not match its flags"));
        }

        Ok(Enrolled {
            credential_id: credential_id.to_vec(),
            key: key.to_vec(),
            alg,
            aaguid: *aaguid,
            counter: authenticator.counter,
            backup_eligible: authenticator.backup_eligible,
            backed_up: authenticator.backed_up,
        })
    }
}
