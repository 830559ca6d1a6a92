//! Tests of the ledger crate: published vectors, properties, and every way of cheating the verifier.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod c2sp;
mod countersign;
mod ed25519;
mod export;
mod formats;
mod jcs;
mod merkle;
mod passkeys;
mod properties;
mod tessera;
mod torchwood;
mod vectors;
mod verifier;
mod witness;
