//! One module per page: its server functions, the page, then its parts in reading order, then its words.

pub(crate) mod decision;
pub(crate) mod home;
pub(crate) mod join;
pub(crate) mod ledger;
pub(crate) mod me;
pub(crate) mod not_found;
pub(crate) mod people;
pub(crate) mod queue;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod systems;
pub(crate) mod verify;
