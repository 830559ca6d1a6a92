//! What the pages of administration show: the access log, keys, health, auditors, access reviews.
//!
//! As in [`crate::view`]: plain data, times in milliseconds since 1970 UTC by the server's clock.

use serde::{Deserialize, Serialize};

use crate::{
    event::AccessReviewAnswer,
    ids::{AccessReviewId, AgentKeyId, AuditWindowId, EntryId, PersonId, RoleAssignmentId, SystemId},
    view::ShownHolding,
};

crate::decision::words! {
    /// Which kinds of entries of the access log are asked for.
    AccessGroup {
        /// One thing was shown.
        Read "read"
        /// A list was shown.
        List "list"
        /// A list was asked a question.
        Search "search"
        /// Something left as a file.
        Export "export"
        /// Somebody was refused.
        Refusal "refusal"
    }
}

impl AccessGroup {
    /// Returns the kinds of entries in the group.
    pub const fn kinds(self) -> &'static [&'static str] {
        match self {
            AccessGroup::Read => &["access.viewed", "decision.viewed", "access.unmasked"],
            AccessGroup::List => &["access.listed"],
            AccessGroup::Search => &["access.searched"],
            AccessGroup::Export => &["access.downloaded", "access.exported", "access.log_read"],
            AccessGroup::Refusal => &["access.denied", "auth.failed"],
        }
    }

    /// Returns the group's name on screen.
    pub const fn name(self) -> &'static str {
        match self {
            AccessGroup::Read => "Reads",
            AccessGroup::List => "Lists",
            AccessGroup::Search => "Searches",
            AccessGroup::Export => "Exports and downloads",
            AccessGroup::Refusal => "Refusals",
        }
    }
}

/// What is asked of the access log, as it was typed or stands in an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFilter {
    /// Sign-in name or id of whoever read.
    #[serde(default)]
    pub person: String,
    /// Id of what was read.
    #[serde(default)]
    pub object: String,
    /// An [`AccessGroup`].
    #[serde(default)]
    pub kind: String,
    /// First day, in UTC.
    #[serde(default)]
    pub from: String,
    /// Last day, in UTC.
    #[serde(default)]
    pub to: String,
    /// The page begins below this index.
    #[serde(default)]
    pub before: String,
}

/// How much of the access log a person sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Everything.
    All,
    /// Everything but what concerns decisions.
    Operations,
    /// What concerns the systems of an auditor's window, and their own reads.
    Systems,
    /// What concerns themselves.
    Own,
}

impl Reach {
    /// Says how much that is.
    pub const fn sentence(self) -> &'static str {
        match self {
            Reach::All => "You see every read, search, export and refusal.",
            Reach::Operations => {
                "You see the operations of the installation. Reads of decisions are shown to auditors and compliance officers."
            }
            Reach::Systems => "You see what concerns the AI systems of your audit window, and your own reads.",
            Reach::Own => "You see what concerns you.",
        }
    }
}

/// One page of the access log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessView {
    /// Entries, newest first.
    pub rows: Vec<AccessRow>,
    /// Where the next page begins (query parameter `before`).
    pub older: Option<u64>,
    /// How much of the log this person sees.
    pub reach: Reach,
    /// Log size that the page reflects.
    pub size: u64,
    /// The entry that sealed this search.
    pub recorded: EntryId,
    /// Server time.
    pub now: u64,
}

/// One entry of the access log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRow {
    /// Index in the log.
    pub index: u64,
    /// When, by the server's clock.
    pub at: u64,
    /// Who, by name: a person, a system, "auditor token", "nobody known".
    pub who: String,
    /// Id of the person or system.
    pub who_id: Option<String>,
    /// Whether that is a person, an agent, the engine.
    pub actor: String,
    /// Kind of the entry.
    pub kind: String,
    /// More of it: the list, the refused action and why.
    pub detail: String,
    /// Type of what was read.
    pub object: Option<String>,
    /// Its id.
    pub object_id: Option<String>,
    /// How many rows, files or tries.
    pub count: Option<u64>,
}

/// The answer of the access log as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessFile {
    /// The table.
    pub csv: String,
    /// How many rows it has, without its heading.
    pub count: u64,
    /// SHA-256 of the table, hexadecimal; the sealed entry commits to it.
    pub digest: String,
}

/// The keys page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysView {
    /// Keys and tokens, newest first.
    pub keys: Vec<KeyDetail>,
    /// Systems that a key can be made for.
    pub systems: Vec<(SystemId, String)>,
    /// Server time.
    pub now: u64,
}

/// One key, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDetail {
    /// The key.
    pub id: AgentKeyId,
    /// Its public part.
    pub key_id: String,
    /// Name of its system, or of the audit window of a token.
    pub owner: String,
    /// Whether it is an auditor's token.
    pub token: bool,
    /// What it may do, in words.
    pub scopes: Vec<String>,
    /// Networks it works from; all of them when empty.
    pub networks: Vec<String>,
    /// When it was made.
    pub issued_at: u64,
    /// When it ends.
    pub expires_at: u64,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// When it was last used.
    pub last_used_at: Option<u64>,
    /// Until when the former secret works too.
    pub former_until: Option<u64>,
}

/// How a line of the health page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Fine,
    /// Soon to be looked at.
    Watch,
    /// To be acted on.
    Broken,
}

/// The health page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthView {
    /// The lines, in the order of the page.
    pub lines: Vec<HealthLine>,
    /// Server time.
    pub now: u64,
}

/// One line of the health page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthLine {
    /// What it is about.
    pub name: String,
    /// How it stands.
    pub state: Health,
    /// What was measured, in words.
    pub value: String,
    /// When it was measured.
    pub at: u64,
    /// What to do, where something is to be done.
    pub advice: Option<String>,
}

/// The page of auditors' windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWindowsView {
    /// Windows, newest first.
    pub windows: Vec<AuditWindowRow>,
    /// Systems that a window can be limited to.
    pub systems: Vec<(SystemId, String)>,
    /// Server time.
    pub now: u64,
}

/// One auditor's window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWindowRow {
    /// The window.
    pub id: AuditWindowId,
    /// What the audit is called.
    pub name: String,
    /// The auditor.
    pub person: String,
    /// Their id.
    pub person_id: PersonId,
    /// Names of the systems it shows; all of them when empty.
    pub systems: Vec<String>,
    /// When it begins.
    pub from: u64,
    /// When it ends.
    pub until: u64,
    /// When it was ended before its time.
    pub closed_at: Option<u64>,
}

/// What an auditor's pages carry: whose window they were shown in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The auditor.
    pub person: String,
    /// What the audit is called.
    pub window: String,
    /// When the window ends.
    pub until: u64,
}

impl Watermark {
    /// Says it in one line.
    pub fn sentence(&self) -> String {
        format!("Shown to {} for {}, access until {}", self.person, self.window, crate::time::screen(self.until))
    }
}

/// The recertification page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessReviewsView {
    /// Access reviews, newest first.
    pub reviews: Vec<AccessReviewRow>,
    /// Assignments of the running one.
    pub items: Vec<AccessReviewItem>,
    /// How many assignments a review begun now would hold.
    pub assignments: u64,
    /// Server time.
    pub now: u64,
}

/// One access review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessReviewRow {
    /// The access review.
    pub id: AccessReviewId,
    /// Who began it.
    pub started_by: String,
    /// When.
    pub started_at: u64,
    /// When answers are due.
    pub due_at: u64,
    /// When assignments without an answer are suspended.
    pub grace_at: u64,
    /// When it was completed.
    pub completed_at: Option<u64>,
    /// How many assignments.
    pub items: u64,
    /// How many have an answer.
    pub answered: u64,
    /// Digest of the sealed list of assignments.
    pub snapshot: String,
    /// Digest of the sealed result.
    pub result: Option<String>,
}

/// One assignment in an access review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessReviewItem {
    /// The assignment.
    pub assignment: RoleAssignmentId,
    /// Who holds it.
    pub person: String,
    /// Their id.
    pub person_id: PersonId,
    /// The role, with where it holds and how far it reaches.
    pub holding: ShownHolding,
    /// Where it comes from, in words.
    pub source: String,
    /// Since when.
    pub assigned_at: u64,
    /// Whether it has ended since the review began.
    pub ended: bool,
    /// Short name of the provider whose groups give it, which alone can take it away.
    pub provider: Option<String>,
    /// What was answered.
    pub answer: Option<AccessReviewAnswer>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<u64>,
    /// Whether it is the reader's own, which somebody else has to look at.
    pub own: bool,
}
