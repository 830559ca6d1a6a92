//! One-time links: 256 random bits, stored hashed, used once.

/// How long the set-up link lives, in milliseconds.
pub(crate) const SETUP_MS: u64 = 30 * 60 * 1_000;
/// How long an invitation lives, in milliseconds.
pub(crate) const INVITATION_MS: u64 = 3 * 24 * 3_600 * 1_000;
/// Purpose of the set-up link.
pub(crate) const SETUP: &str = "setup";
/// Purpose of an invitation.
pub(crate) const INVITATION: &str = "invitation";
