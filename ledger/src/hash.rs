//! SHA-256 of leaves, inner nodes and labelled documents.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::Error;

/// 32 bytes of SHA-256, printed as 43 characters of base64url without padding.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Reads a hash from exactly 32 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] for any other length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::Syntax {
            what: "hash",
            at: bytes.len().min(32),
            why: "a hash has exactly 32 bytes",
        })
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard base64 with padding, 44 characters, as C2SP text formats write it.
    pub fn to_base64_std(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads standard base64 with padding.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] for anything but 44 canonical characters.
    pub fn from_base64_std(text: &str) -> Result<Self, Error> {
        decode(&STANDARD, text).ok_or(Error::Syntax {
            what: "hash",
            at: 0,
            why: "a hash is 44 characters of standard base64",
        })
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 43];
        URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).expect("32 bytes are 43 characters of base64url");
        f.pad(std::str::from_utf8(&text).expect("base64url is ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        decode(&URL_SAFE_NO_PAD, text).ok_or(Error::Syntax {
            what: "hash",
            at: 0,
            why: "a hash is 43 characters of base64url without padding",
        })
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// SHA-256(00 ‖ bytes), the hash of a leaf (RFC 6962 section 2.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

/// SHA-256(01 ‖ left ‖ right), the hash of an inner node (RFC 6962 section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut message = [1; 65];
    message[1..33].copy_from_slice(&left.0);
    message[33..].copy_from_slice(&right.0);

    Hash(Sha256::digest(message).into())
}

/// SHA-256 of nothing, the root of a tree without leaves.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// SHA-256(label ‖ 0A ‖ bytes), the digest of a labelled document (ledger format, section 6).
pub fn digest(label: Label, bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update(label.as_str()).chain_update(b"\n").chain_update(bytes).finalize().into())
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// What a digest is a digest of: one label per use, so that no digest can stand for another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Label {
            $($(#[$doc])* $name,)+
        }

        impl Label {
            /// Every label.
            pub const ALL: &[Label] = &[$(Label::$name),+];

            /// The label text that is hashed in front of the document.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Label::$name => concat!("countersign/", $text, "/v1"),)+
                }
            }
        }
    };
}

labels! {
    /// What is proposed, as commitments.
    Content = "content",
    /// What a person was shown.
    Seen = "seen",
    /// The challenge a passkey signs for a review.
    Review = "review",
    /// The passkey record of a signed review.
    Assertion = "assertion",
    /// The public key of an enrolled passkey.
    Credential = "credential",
    /// The authority list a review was judged by.
    Authority = "authority",
    /// The list of erased commitments.
    Erasure = "erasure",
    /// The description of an AI model.
    Model = "model",
    /// The template that rendered a screen.
    Template = "template",
    /// A policy version.
    Policy = "policy",
    /// A set of Cedar policies.
    Cedar = "cedar",
    /// The ratio of a precedent.
    Precedent = "precedent",
    /// The report of a policy rehearsal.
    Rehearsal = "rehearsal",
    /// An audit sample.
    Sample = "sample",
    /// The seed of an audit sample.
    SampleSeed = "sample-seed",
    /// The draw of an audit sample.
    Draw = "draw",
    /// A change that waits for a second person.
    Change = "change",
    /// An evidence pack.
    Pack = "pack",
    /// The settings of a channel of notices.
    Channel = "channel",
    /// The assignments of an access review, or what became of them.
    AccessReview = "access-review",
    /// The rows that map a directory's groups to roles.
    Mapping = "mapping",
    /// The settings of an identity provider, without its secret.
    Provider = "provider",
    /// Who gains and loses what by a mapping.
    DryRun = "dry-run",
}

fn decode(engine: &impl base64::Engine, text: &str) -> Option<Hash> {
    let mut bytes = [0; 33];
    match engine.decode_slice(text, &mut bytes) {
        Ok(32) => bytes[..32].try_into().ok().map(Hash),
        _ => None,
    }
}
