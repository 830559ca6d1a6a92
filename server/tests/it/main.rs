//! The server from outside: requests through the whole router over a real engine and database.
//!
//! `COUNTERSIGN_TEST_PG` names the socket directory of a test server; `cargo xtask db` starts one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod access;
mod api;
mod audit;
mod exports;
mod gate;
mod headers;
mod health;
mod injection;
mod installation;
mod keys;
mod limits;
mod notices;
mod origin;
mod process;
mod routes;
mod scim;
mod sessions;
