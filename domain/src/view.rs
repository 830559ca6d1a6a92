//! What pages show, as plain data: made by `engine`, drawn by `app`, and for a decision also the
//! source of the `seen` statement that the ledger seals.
//!
//! Times are milliseconds since 1970 UTC by the server's clock; a page never asks its own clock.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, Risk, SealState, State, Verdict},
    decision_type::{Kind, Reversibility},
    ids::{AgentKeyId, DecisionId, EntryId, PersonId, PresentationId, SessionId, SystemId},
    role::Role,
};

/// Version of the decision page's layout, sealed with each presentation. Changing which fields are
/// shown, in which order or mode, is a new version.
pub const DECISION_TEMPLATE: &str = "decision/1";

/// Name of a decision's proof file: the download has it, and the command line beside it names it.
pub fn proof_file(decision: DecisionId) -> String {
    format!("decision-{}.tlog-proof", decision.short().to_lowercase())
}

/// How far an entry has come, with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// How far.
    pub state: SealState,
    /// Index in the log, once sealed.
    pub index: Option<u64>,
}

/// Who is signed in, for the frame around every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The person.
    pub id: PersonId,
    /// The name.
    pub name: String,
    /// Roles held.
    pub roles: Vec<Role>,
    /// Open decisions that wait for this person.
    pub turn_count: u64,
    /// A demo installation: ribbon on every page, "View as".
    pub demo: bool,
}

/// The queue: open decisions, those with the least time left first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// One page of rows.
    pub items: Vec<QueueItem>,
    /// Open decisions in all, as far as this person may read them.
    pub open_count: u64,
    /// Where the next page starts (query parameter `after`).
    pub older: Option<String>,
    /// Log size that this list reflects; the live stream resumes from it.
    pub size: u64,
    /// Server time.
    pub now: u64,
    /// Why this person may not review anything, if so.
    pub blocked: Option<String>,
}

/// One row of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueItem {
    /// The decision.
    pub id: DecisionId,
    /// One plain sentence: what the AI system asks to do.
    pub title: String,
    /// Name of the system.
    pub system: String,
    /// Name of the type.
    pub type_name: String,
    /// Risk by type and policy.
    pub risk: Risk,
    /// State.
    pub state: State,
    /// When it was proposed.
    pub proposed_at: u64,
    /// When silence decides.
    pub due_at: u64,
    /// Approvals given in this round.
    pub given: u64,
    /// Approvals needed.
    pub need: u64,
    /// Seal of the last entry.
    pub seal: Seal,
}

/// Everything the decision page draws. The page takes nothing from anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionView {
    /// The decision.
    pub id: DecisionId,
    /// One plain sentence: what the AI system asks to do.
    pub title: String,
    /// State.
    pub state: State,
    /// The proposing system.
    pub system: SystemId,
    /// Its name.
    pub system_name: String,
    /// The key that proposed, by its public id.
    pub key_id: String,
    /// Name of the type.
    pub type_name: String,
    /// Version of the type.
    pub type_version: u32,
    /// What the screen calls the action.
    pub type_title: String,
    /// Risk by type and policy.
    pub risk: Risk,
    /// Why the risk is what it is.
    pub risk_reasons: Vec<String>,
    /// Whether the effect can be undone.
    pub reversibility: Reversibility,
    /// When it was proposed.
    pub proposed_at: u64,
    /// When silence decides.
    pub due_at: u64,
    /// What happens then.
    pub at_zero: String,
    /// Number of the revision, from 1.
    pub revision: u64,
    /// Digest of the `content` statement under review.
    pub content_hash: String,
    /// Opaque id at the caller's.
    pub external_id: Option<String>,
    /// Opaque id of the agent's run.
    pub conversation: Option<String>,
    /// Every committed field, in the order of the page, complete.
    pub fields: Vec<Field>,
    /// The rule that routed it.
    pub policy: PolicySection,
    /// Reviews, oldest first.
    pub reviews: Vec<ReviewRow>,
    /// The final word.
    pub resolution: Option<ResolutionSection>,
    /// Reported results, oldest first.
    pub outcomes: Vec<OutcomeRow>,
    /// Entries about the decision, oldest first.
    pub history: Vec<HistoryRow>,
    /// The form, or why there is none.
    pub composer: Composer,
    /// Number of the last entry shown.
    pub upto: u64,
    /// The entry that sealed this view.
    pub recorded: EntryId,
    /// Digest of the `seen` statement of this view.
    pub seen: String,
    /// Server time.
    pub now: u64,
}

/// One committed field as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name in the `content` statement.
    pub name: String,
    /// Label on screen.
    pub label: String,
    /// Which section draws it.
    pub section: Section,
    /// How to draw the value.
    pub kind: Kind,
    /// How much of it is shown.
    pub mode: Mode,
    /// The commitment.
    pub commitment: String,
    /// The value; absent once erased.
    pub value: Option<String>,
}

/// Where a field is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// A parameter of the action.
    Action,
    /// Intent, rationale, alternatives, confidence, impact.
    Reasoning,
    /// What the agent had before it.
    Context,
}

/// How much of a field the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All of it at once.
    Full,
    /// All of it behind a disclosure.
    Collapsed,
    /// Withheld until opened, or erased.
    Masked,
}

impl Mode {
    /// Returns the word in the `seen` statement.
    pub const fn word(self) -> &'static str {
        match self {
            Mode::Full => "full",
            Mode::Collapsed => "collapsed",
            Mode::Masked => "masked",
        }
    }
}

/// The rule that routed a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySection {
    /// Id of the version.
    pub version: String,
    /// Number of the version.
    pub number: u64,
    /// Number of the row.
    pub rule: u64,
    /// What the row says.
    pub sentence: String,
    /// Approvals given in this round.
    pub given: u64,
    /// Approvals needed.
    pub need: u64,
}

/// One review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRow {
    /// Who, by name, or "erased".
    pub person: String,
    /// The ruling.
    pub verdict: Verdict,
    /// The reason in one word.
    pub code: ReasonCode,
    /// The reason in full.
    pub reason: String,
    /// When.
    pub at: u64,
    /// Its seal.
    pub seal: Seal,
}

/// The final word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolutionSection {
    /// The word.
    pub outcome: ResolutionOutcome,
    /// When.
    pub at: u64,
    /// Its seal.
    pub seal: Seal,
    /// When the agent was told.
    pub released_at: Option<u64>,
}

/// One reported result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRow {
    /// What happened.
    pub result: OutcomeResult,
    /// How much of it.
    pub effect: Effect,
    /// When it was reported.
    pub at: u64,
    /// Its seal.
    pub seal: Seal,
}

/// One entry about a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// Number among the acts on this decision; reads have none.
    pub n: Option<u64>,
    /// Kind of the entry.
    pub kind: String,
    /// Who, in words.
    pub actor: String,
    /// When.
    pub at: u64,
    /// The entry.
    pub entry: EntryId,
    /// Its seal.
    pub seal: Seal,
}

/// The review form, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Composer {
    /// The person may rule on exactly what is shown.
    Open {
        /// The single use of this presentation; also the form's idempotency key.
        presentation: PresentationId,
        /// When the form expires.
        expires_at: u64,
    },
    /// The person may not, and why.
    Closed {
        /// One sentence.
        reason: String,
    },
}

/// The ledger page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerView {
    /// Log id, 16 hex digits.
    pub log: String,
    /// Origin line of the checkpoints.
    pub origin: String,
    /// Verifier key.
    pub vkey: String,
    /// Signed size.
    pub size: u64,
    /// Root at that size, standard base64 as in the checkpoint.
    pub root: String,
    /// The newest published checkpoint, whole.
    pub checkpoint: Option<String>,
    /// When it was published.
    pub published_at: Option<u64>,
    /// Size of that checkpoint.
    pub published_size: u64,
    /// Committed entries without an index.
    pub pending_count: u64,
    /// Age of the oldest of them, in milliseconds.
    pub pending_oldest_ms: u64,
    /// Fencing epoch of the sequencer.
    pub epoch: u64,
    /// The largest size that somebody outside keeps, with who and since when.
    pub held: Option<HeldRow>,
    /// One page of entries, newest first.
    pub entries: Vec<EntryRow>,
    /// Where the next page starts (query parameter `before`).
    pub older: Option<u64>,
    /// Server time.
    pub now: u64,
}

/// A checkpoint that somebody outside keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    /// Its size.
    pub size: u64,
    /// What kind of holder: export, receipt, witness.
    pub by: String,
    /// Since when.
    pub since: u64,
}

/// One entry in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// Index in the log.
    pub index: u64,
    /// The entry.
    pub id: EntryId,
    /// Kind.
    pub kind: String,
    /// Who, in words without names.
    pub actor: String,
    /// Type of the object.
    pub object: Option<String>,
    /// Id of the object.
    pub object_id: Option<String>,
    /// When, by the server's clock.
    pub at: u64,
}

/// One entry with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// Log id, 16 hex digits.
    pub log: String,
    /// The row.
    pub row: EntryRow,
    /// The leaf's exact bytes, as text.
    pub leaf: String,
    /// Hash of the leaf.
    pub leaf_hash: String,
    /// Log size of the proof.
    pub size: u64,
    /// Root at that size.
    pub root: String,
    /// The path from the leaf to the root.
    pub path: Vec<PathStep>,
    /// The proof file, whole.
    pub proof: String,
    /// Server time.
    pub now: u64,
}

/// One step of a Merkle path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStep {
    /// The supplied sibling.
    pub sibling: String,
    /// Whether the sibling stands on the left.
    pub left: bool,
    /// The parent computed from both.
    pub parent: String,
}

/// The people page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleView {
    /// Members, oldest first.
    pub people: Vec<PersonRow>,
    /// Server time.
    pub now: u64,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    /// The person.
    pub id: PersonId,
    /// The name.
    pub name: String,
    /// The sign-in name.
    pub login: String,
    /// Roles held.
    pub roles: Vec<Role>,
    /// Whether the one-time link is still to be used, and until when.
    pub invited_until: Option<u64>,
    /// Whether sign-in is barred.
    pub disabled: bool,
    /// Last sign-in.
    pub last_seen_at: Option<u64>,
}

/// A one-time link, shown once to who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationLink {
    /// The whole address.
    pub url: String,
    /// When it ends.
    pub expires_at: u64,
}

/// The systems page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemsView {
    /// Systems, oldest first.
    pub systems: Vec<SystemRow>,
    /// Server time.
    pub now: u64,
}

/// One system and its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemRow {
    /// The system.
    pub id: SystemId,
    /// Its name.
    pub name: String,
    /// Open decisions.
    pub open_count: u64,
    /// Its keys, newest first.
    pub keys: Vec<KeyRow>,
}

/// One key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// The key.
    pub id: AgentKeyId,
    /// Its public part.
    pub key_id: String,
    /// When it was made.
    pub issued_at: u64,
    /// When it ends.
    pub expires_at: u64,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// When it was last used.
    pub last_used_at: Option<u64>,
}

/// A new key, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// The whole key.
    pub key: String,
    /// Its system.
    pub system: String,
    /// When it ends.
    pub expires_at: u64,
}

/// A person's own page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeView {
    /// The person.
    pub me: Me,
    /// The sign-in name.
    pub login: String,
    /// Running sign-ins, newest first.
    pub sessions: Vec<SessionRow>,
    /// The person's latest reviews, newest first.
    pub reviews: Vec<OwnReview>,
    /// Server time.
    pub now: u64,
}

/// One running sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The sign-in.
    pub id: SessionId,
    /// Since when.
    pub started_at: u64,
    /// Last request.
    pub last_seen_at: u64,
    /// Browser, as it named itself.
    pub agent: String,
    /// Network address.
    pub ip: String,
    /// Whether it is this one.
    pub current: bool,
}

/// One of a person's own reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnReview {
    /// The decision.
    pub decision: DecisionId,
    /// Its title.
    pub title: String,
    /// The ruling.
    pub verdict: Verdict,
    /// When.
    pub at: u64,
    /// Its seal.
    pub seal: Seal,
}

/// One change, as the live stream sends it: ids and states only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Log size that covers it.
    pub size: u64,
    /// Decisions touched.
    pub decisions: Vec<DecisionId>,
    /// Kinds of the entries.
    pub kinds: Vec<String>,
}
