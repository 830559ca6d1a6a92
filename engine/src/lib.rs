//! Use cases of Countersign: everything the product does, each as one function over one transaction.
//!
//! A door (page, REST, command line, job) authenticates, calls exactly one function here and shapes
//! the answer. A use case locks, authorises, applies a rule of `domain`, appends its entry to the
//! ledger, writes its rows, and commits; if any of that fails, nothing happened. There is no axum and
//! no Leptos here, and no SQL outside [`db`].
//!
//! Start with [`decisions`] for the use cases, [`seal`] for how an act enters the ledger,
//! [`sequencer`] for how entries get their place, and [`vault`] for how personal text stays erasable.

pub mod absences;
pub mod access;
pub mod access_reviews;
pub mod audit_windows;
pub mod authorize;
#[cfg(feature = "bench")]
pub mod bench;
mod caller;
pub mod changes;
mod client_keys;
mod clock;
mod config;
mod connect;
mod counter;
mod db;
pub mod decision_types;
pub mod decisions;
pub mod delegations;
pub mod demo;
mod envelope;
mod error;
mod expiry;
pub mod export;
pub mod factors;
pub mod grants;
pub mod handovers;
pub mod health;
mod high_water;
mod instance;
pub mod invitations;
pub mod keyboard;
pub mod keys;
pub mod ledger;
mod links;
pub mod notices;
pub mod owners;
pub mod passkeys;
mod password;
pub mod passwords;
pub mod pauses;
pub mod people;
pub mod permissions;
pub mod policies;
pub mod post_reviews;
pub mod presence;
pub mod providers;
mod reads;
pub mod refusals;
pub mod role_mappings;
pub mod role_requests;
pub mod roles;
pub mod saved_views;
pub mod scim;
pub mod seal;
mod secret;
pub mod sequencer;
pub mod sessions;
pub mod setup;
mod signing;
mod staffing;
pub mod streams;
pub mod systems;
mod tail;
#[cfg(feature = "testing")]
pub mod testing;
mod throttle;
mod totp;
mod tries;
pub mod vault;

pub use caller::{Actor, Caller};
pub use clock::Clock;
pub use config::{Config, Database};
pub use error::{Error, Result};
pub use instance::{Engine, Readiness};

/// The migrations, run by the owner role at start.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");
