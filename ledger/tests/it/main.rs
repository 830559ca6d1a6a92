//! Tests of the ledger crate: published vectors, properties, and every way of cheating the verifier.

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
