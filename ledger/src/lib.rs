//! The ledger's bytes: canonical leaves, the hash tree over them, signed checkpoints, proofs, and the verifier.
//!
//! Everything here is a pure function of its arguments. The crate deliberately has no clock, no randomness, no
//! files, no network and no knowledge of what a decision is; it compiles for native targets and for
//! `wasm32-unknown-unknown` alike, so server, browser and offline verifier run the same checks.
//!
//! Formats are C2SP ([`note`], [`checkpoint`], [`tile`], [`cosign`], [`witness`], [`tlog_proof`], [`policy`]) over
//! an RFC 6962 tree with SHA-256 ([`hash`], [`tree`], [`proof`]); leaves and statements are RFC 8785 JSON on a closed
//! value set ([`value`], [`leaf`], [`statement`], [`assertion`]), with personal values as commitments ([`commit`]).
//! Every reader is strict: what it accepts, the writer writes back byte for byte.
//!
//! Start at [`leaf::Leaf`] to see what is sealed, at [`tree::Tree::append`] to see how, and at
//! [`verify::verify_log`] to see what an auditor checks.

pub mod assertion;
pub mod checkpoint;
pub mod commit;
pub mod cosign;
mod encoding;
mod error;
pub mod hash;
pub mod leaf;
pub mod note;
pub mod policy;
pub mod proof;
pub mod statement;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod value;
pub mod verify;
pub mod witness;

pub use error::{Error, Result};
