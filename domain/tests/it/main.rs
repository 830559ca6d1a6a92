//! Frozen bytes, and logs made elsewhere.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may say so by panicking")]

mod audit;
mod events;
