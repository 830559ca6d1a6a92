//! The `countersign` program: the doors of the product and everything around them.
//!
//! A door reads a request, calls one use case of the engine and shapes the answer. The doors stand
//! in one table, [`routes::ROUTES`], from which the router is built and nothing else; what holds for
//! every request (headers, origin, credentials, limits, the audit assertion) is in [`layers`]. There
//! are no rules and no SQL here.
//!
//! Start with [`cli`] for what the program can do, [`serve`] for how it starts and stops, and
//! [`routes`] for what it answers.

mod access;
pub mod api;
#[cfg(any(test, feature = "bench"))]
mod bench;
mod chains;
pub mod cli;
#[cfg(feature = "test-clock")]
mod clock;
pub mod config;
mod demo;
#[cfg(any(test, feature = "drill"))]
mod drill;
mod files;
mod health;
pub mod layers;
mod log_files;
pub mod notices;
mod operator;
mod problem;
mod proofs;
mod reachable;
mod recorded;
mod replay;
pub mod routes;
mod scim;
#[cfg(any(test, feature = "bench", feature = "drill"))]
mod scratch;
pub mod serve;
mod server;
mod sso;
mod stream;
mod telemetry;
mod verify;

pub use files::Files;
pub use problem::Refusal;
pub use server::{Phase, Server};
