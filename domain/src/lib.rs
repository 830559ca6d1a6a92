//! The words and rules of Countersign: ids, decisions, policies, roles, events, problems.
//!
//! Everything here is a pure function or a plain value. There is no I/O, no clock, no randomness
//! and no SQL; `engine` brings those. The same code runs on the server and, as WASM, in the browser.
//!
//! Start with [`decision`] for what an AI system proposes, [`policy`] for how it is routed,
//! [`event`] for what the ledger says about it, and [`view`] for what a page shows of it.

pub mod administration;
pub mod answer;
pub mod audit;
pub mod authority;
pub mod bulk;
pub mod chain;
pub mod change;
pub mod csv;
pub mod decision;
pub mod decision_type;
pub mod delegation;
pub mod directory;
pub mod event;
pub mod form;
pub mod grant;
pub mod holding;
pub mod ids;
pub mod json;
pub mod key;
pub mod keyboard;
pub mod lease;
pub mod lineage;
pub mod mapping;
pub mod network;
pub mod notice;
pub mod overrides;
pub mod owner;
pub mod pause;
pub mod policy;
pub mod presence;
pub mod problem;
pub mod proposal;
pub mod provider;
pub mod queue;
pub mod revocation;
pub mod role;
pub mod role_map;
pub mod role_request;
pub mod saved;
pub mod scim;
pub mod shown;
pub mod staffing;
pub mod talk;
pub mod text;
pub mod time;
pub mod turn;
pub mod view;
mod words;

pub use problem::Problem;
