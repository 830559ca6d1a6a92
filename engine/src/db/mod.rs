//! All SQL, one file per table, as functions over a connection. They never begin or commit.

pub(crate) mod agent_keys;
#[cfg(feature = "bench")]
pub(crate) mod bench;
pub(crate) mod decision_types;
pub(crate) mod decisions;
pub(crate) mod entries;
pub(crate) mod export;
pub(crate) mod idempotency_keys;
pub(crate) mod logs;
pub(crate) mod one_time_links;
pub(crate) mod outcomes;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod presentations;
pub(crate) mod resolutions;
pub(crate) mod reviews;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod statements;
pub(crate) mod systems;
pub(crate) mod throttle;
pub(crate) mod vault;
