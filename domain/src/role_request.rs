//! Requests for a role: somebody asks for what they may not do yet, and an admin answers.

use serde::{Deserialize, Serialize};

use crate::{
    decision::words,
    ids::{EntryId, PersonId},
    role::Role,
};

/// How long the address of a page may be that somebody was refused.
pub const PAGE_CHARACTERS_MAX: usize = 200;

words! {
    /// What an admin answered.
    RoleAnswer {
        /// The role was given, or one that does.
        Given "given"
        /// It was not.
        Refused "refused"
    }
}

impl RoleAnswer {
    /// Returns the name on screen.
    pub const fn name(self) -> &'static str {
        match self {
            RoleAnswer::Given => "Given",
            RoleAnswer::Refused => "Refused",
        }
    }
}

/// A request, as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRoleRequest {
    /// The entry that asked, which names it.
    pub request: EntryId,
    /// Who asks.
    pub person: PersonId,
    /// By name, or "erased".
    pub name: String,
    /// Which role, where they know.
    pub role: Option<Role>,
    /// The page that they were refused.
    pub page: Option<String>,
    /// Why they need it.
    pub reason: String,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
    /// What was answered.
    pub answered: Option<ShownRoleAnswer>,
    /// The reader asks it themselves, and so does not answer it.
    pub barred: bool,
}

/// An answer, as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRoleAnswer {
    /// What.
    pub answer: RoleAnswer,
    /// Who, by name, or "erased".
    pub by: String,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
    /// What they say about it.
    pub reason: String,
}

/// The requests of everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRequestsView {
    /// Those that wait, longest first.
    pub waiting: Vec<ShownRoleRequest>,
    /// Those answered, newest first.
    pub answered: Vec<ShownRoleRequest>,
}

/// The requests of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRoleRequestsView {
    /// Newest first; at most the first waits.
    pub requests: Vec<ShownRoleRequest>,
    /// Roles that the reader holds at this moment, each once.
    pub held: Vec<Role>,
}

/// Reads the address of a page of this installation, as a link to the form carries it; nothing where it is none.
///
/// ```
/// # use countersign_domain::role_request::page;
/// assert_eq!(page("/admin/people?q=1"), Some("/admin/people?q=1"));
/// assert_eq!(page("//elsewhere.example"), None);
/// assert_eq!(page("admin"), None);
/// ```
pub fn page(text: &str) -> Option<&str> {
    let local = text.starts_with('/') && !text.starts_with("//") && !text.starts_with("/\\");
    (local && text.chars().count() <= PAGE_CHARACTERS_MAX && text.chars().all(|character| character.is_ascii_graphic()))
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_this_installation_or_none() {
        let longest = format!("/{}", "a".repeat(PAGE_CHARACTERS_MAX - 1));
        for own in ["/", "/policies", "/decisions/01a19b7d?view=team#x", &longest] {
            assert_eq!(page(own), Some(own));
        }
        let longer = format!("{longest}a");
        for other in ["", "policies", "//host", "/\\host", "https://host/", "/a b", "/a\u{202e}b", "/\n", " /", &longer]
        {
            assert_eq!(page(other), None, "{other}");
        }
    }
}
