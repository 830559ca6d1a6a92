//! Use cases against a real PostgreSQL, as the roles of production.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod access;
mod acts;
mod administration;
mod bench;
mod chain;
mod comments;
mod decisions;
mod export;
mod handovers;
mod leases;
mod mapping;
mod passkeys;
mod pauses;
mod policies;
mod providers;
mod queue;
mod races;
mod revisions;
mod revocations;
mod roles;
mod sealing;
mod sign_in;
mod step_up;
