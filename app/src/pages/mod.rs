//! One module per page: its server functions, the page, then its parts in reading order, then its words.

pub(crate) mod access;
pub(crate) mod access_reviews;
pub(crate) mod audit_windows;
pub(crate) mod changes;
pub(crate) mod decision;
pub(crate) mod directories;
pub(crate) mod factors;
pub(crate) mod health;
pub(crate) mod home;
pub(crate) mod join;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod mapping;
pub(crate) mod me;
pub(crate) mod not_found;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod queue;
pub(crate) mod roles;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod sso;
pub(crate) mod step_up;
pub(crate) mod systems;
pub(crate) mod verify;
pub(crate) mod watch;
