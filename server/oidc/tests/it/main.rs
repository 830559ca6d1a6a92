//! The relying party against a provider that misbehaves on command.
//!
//! `conformance` reproduces the applicable relying-party cases of the OpenID conformance suite, each
//! under its own name (self-run, not certified); `faults` and `subject`
//! hold our cases on top.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod conformance;
mod faults;
mod rogue;
mod subject;
