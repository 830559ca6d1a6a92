//! Directories as an admin sees them: tokens, and what was pushed with them.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ProviderId, ScimTokenId},
    role::Role,
};

/// The directories of all providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoriesView {
    /// Address that a directory is told.
    pub base: String,
    /// One per provider, oldest first.
    pub directories: Vec<DirectoryRow>,
    /// The server's clock.
    pub now: u64,
}

/// What one provider's directory pushed, and its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryRow {
    /// The provider.
    pub provider: ProviderId,
    /// Its name.
    pub name: String,
    /// Users that may sign in.
    pub active_count: u64,
    /// Users that may not.
    pub inactive_count: u64,
    /// Users whom nobody here is yet, because the directory named no subject.
    pub unnamed_count: u64,
    /// Groups.
    pub group_count: u64,
    /// Memberships in groups.
    pub member_count: u64,
    /// People for whom something follows from a large push that is still being worked out.
    pub due_count: u64,
    /// People with a membership that fits a row of the mapping and gives nothing, because its role is above the ceiling.
    pub above_count: u64,
    /// Its tokens, newest first.
    pub tokens: Vec<ScimTokenRow>,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScimTokenRow {
    /// Its id.
    pub id: ScimTokenId,
    /// The public part of its text.
    pub key_id: String,
    /// The only roles that its groups may give.
    pub ceiling: Vec<Role>,
    /// When it was issued.
    pub issued_at: u64,
    /// When it ends by itself.
    pub expires_at: u64,
    /// When it was ended.
    pub revoked_at: Option<u64>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<u64>,
}

/// A new token, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewScimToken {
    /// The whole token.
    pub token: String,
    /// Name of its provider.
    pub provider: String,
    /// When it ends.
    pub expires_at: u64,
    /// It works only once a second person has confirmed it.
    pub waits: bool,
}
