//! Use cases against a real PostgreSQL, as the roles of production.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod access;
mod acts;
mod administration;
mod bench;
mod bulk;
mod chain;
mod comments;
mod decisions;
mod delegations;
mod export;
mod forms;
mod grants;
mod handovers;
mod leases;
mod mapping;
mod notices;
mod overrides;
mod own;
mod owners;
mod passkeys;
mod pauses;
mod policies;
mod presence;
mod providers;
mod queue;
mod races;
mod reasons;
mod revisions;
mod revocations;
mod role_requests;
mod roles;
mod sealing;
mod shown;
mod sign_in;
mod staffing;
mod step_up;
