//! Parts that more than one page draws.

pub(crate) mod admin;
pub(crate) mod agent;
pub(crate) mod changes;
pub(crate) mod delegation;
pub(crate) mod dialogue;
pub(crate) mod dry_run;
pub(crate) mod form;
pub(crate) mod handover;
pub(crate) mod holding;
pub(crate) mod icons;
pub(crate) mod keyboard;
pub(crate) mod kinds;
pub(crate) mod marks;
pub(crate) mod page;
pub(crate) mod palette;
pub(crate) mod passkey;
pub(crate) mod pause;
pub(crate) mod post_review;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod trace;
