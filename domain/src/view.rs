//! What pages show, as plain data: made by `engine`, drawn by `app`, and for a decision also the
//! source of the `seen` statement that the ledger seals.
//!
//! Times are milliseconds since 1970 UTC by the server's clock; a page never asks its own clock.

use serde::{Deserialize, Serialize};

use crate::{
    change::Decided,
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, ReviewState, Risk, SealState, State, Verdict},
    decision_type::{Kind, Parameter, Reversibility},
    delegation::{AbsenceRow, DelegationRow, OwnDelegations},
    event::SignInMethod,
    form::{Answered, FormField},
    ids::{
        AgentKeyId, ChangeId, DecisionId, EntryId, GrantId, LeaseId, PasskeyId, PersonId, PresentationId,
        RoleAssignmentId, SessionId, SystemId,
    },
    keyboard::KeyMap,
    lease::Holder,
    lineage::{FieldChange, Maker},
    overrides::{Override, Overriding, PostReview, Stands},
    owner::{DecisionOwner, ShownOwner},
    pause::ShownPause,
    policy::{Route, RowTrace},
    queue::{Count, Sort, View},
    revocation::Revocation,
    role::Role,
    saved::CountedView,
    talk::{CommentsView, ShownHandover},
    turn::ShownTurn,
};

/// Version of the decision page's layout, sealed with each presentation. Changing which fields are
/// shown, in which order or mode, is a new version.
pub const DECISION_TEMPLATE: &str = "decision/6";

/// Name of a decision's proof file: the download has it, and the command line beside it names it.
pub fn proof_file(decision: DecisionId) -> String {
    format!("decision-{}.tlog-proof", decision.short().to_ascii_lowercase())
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
    /// The sign-in name.
    pub login: String,
    /// Roles held.
    pub roles: Vec<Role>,
    /// Open decisions that wait for this person.
    pub turn_count: u64,
    /// A demo installation: ribbon on every page, "View as".
    pub demo: bool,
    /// What the person was not told yet about access, newest first.
    pub notices: Vec<NoticeRow>,
    /// The person's keys.
    #[serde(default)]
    pub keys: KeyMap,
}

/// The queue: one page of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Which view.
    pub view: View,
    /// In which order.
    pub sort: Sort,
    /// One page of rows.
    pub items: Vec<QueueItem>,
    /// Rows that the screen shows and the view still holds, beyond this page.
    pub kept: Vec<QueueItem>,
    /// Decisions that the screen shows and the view holds no longer.
    pub left: Vec<Left>,
    /// How many each view holds, in the order of the rail.
    pub counts: Vec<Count>,
    /// When nothing waits for this person: the next deadline of what they may read.
    pub next_due_at: Option<u64>,
    /// Where the next page starts (query parameter `after`).
    pub older: Option<String>,
    /// Log size that this list reflects; the live stream resumes from it.
    pub size: u64,
    /// Server time.
    pub now: u64,
    /// Why this person may not review anything, if so.
    pub blocked: Option<String>,
    /// Pauses that run, of the systems in this person's scope.
    pub pauses: Vec<ShownPause>,
    /// Hand-over notes that run, of the same systems, which this person has not put away.
    pub handovers: Vec<ShownHandover>,
    /// The reader's reviews that may still be taken back from what they decided, newest first.
    pub retractable: Vec<OwnReview>,
    /// The reader's saved views, in their order, with how many decisions each holds.
    #[serde(default)]
    pub saved: Vec<CountedView>,
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
    /// The system is paused.
    pub paused: bool,
    /// Name of the type.
    pub type_name: String,
    /// Risk by type and policy.
    pub risk: Risk,
    /// State.
    pub state: State,
    /// Where the rule sent it.
    pub route: Route,
    /// The rule's id.
    pub rule: String,
    /// Its deadline or a reviewer handed it to the senior approvers.
    pub escalated: bool,
    /// When it was proposed.
    pub proposed_at: u64,
    /// When its time began.
    pub since: u64,
    /// When silence decides.
    pub due_at: u64,
    /// Approvals given in this round.
    pub given: u64,
    /// Approvals needed.
    pub need: u64,
    /// Names of those who review it at this moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<String>,
    /// Seal of the last entry.
    pub seal: Seal,
    /// The final word, once there is one.
    pub resolution: Option<RowResolution>,
}

/// The final word on a row of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowResolution {
    /// What it is.
    pub outcome: ResolutionOutcome,
    /// Which rule or grant decided, where no person did; never a person's name.
    pub by_rule: Option<String>,
    /// When.
    pub at: u64,
}

/// A decision that left a view while a screen showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The decision.
    pub id: DecisionId,
    /// The final word, where that is why.
    pub resolution: Option<RowResolution>,
}

/// Everything the decision page draws. The page takes nothing from anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionView {
    /// The decision.
    pub id: DecisionId,
    /// Who reads it.
    pub reader: PersonId,
    /// One plain sentence: what the AI system asks to do.
    pub title: String,
    /// State.
    pub state: State,
    /// The proposing system.
    pub system: SystemId,
    /// Its name.
    pub system_name: String,
    /// Who owns it.
    pub owner: Option<DecisionOwner>,
    /// Whose turn it is, where it is anybody's.
    pub turn: Option<ShownTurn>,
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
    /// What the type asks for, in the order of the page.
    pub parameters: Vec<Parameter>,
    /// What a reviewer answers beside code and reason.
    pub form: Vec<FormField>,
    /// Versions of the content, oldest first; the last one is that of `fields`.
    pub versions: Vec<VersionRow>,
    /// The rule that routed it.
    pub policy: PolicySection,
    /// Reviews, oldest first.
    pub reviews: Vec<ReviewRow>,
    /// What people decided, while a review may be taken back.
    pub settling: Option<SettlingSection>,
    /// The pause of the system that runs.
    pub pause: Option<ShownPause>,
    /// The final word.
    pub resolution: Option<ResolutionSection>,
    /// The form that releases it, or why there is none; only where a rule refused it and nobody released it.
    pub overriding: Option<Overriding>,
    /// What another person looks at of what was done against the policy, oldest first.
    pub post_reviews: Vec<PostReview>,
    /// Reported results, oldest first.
    pub outcomes: Vec<OutcomeRow>,
    /// Entries about the decision, oldest first.
    pub history: Vec<HistoryRow>,
    /// What people say about it.
    pub comments: CommentsView,
    /// Who reviews it at this moment, the longest first.
    pub holders: Vec<Holder>,
    /// The form, or why there is none.
    pub composer: Composer,
    /// The person may open what is withheld.
    pub may_open: bool,
    /// When what was opened is withheld again.
    pub open_until: Option<u64>,
    /// Number of the last entry shown.
    pub upto: u64,
    /// The entry that sealed this view.
    pub recorded: EntryId,
    /// Digest of the `seen` statement of this view.
    pub seen: String,
    /// Server time.
    pub now: u64,
    /// The newest signed checkpoint, for what is printed.
    #[serde(default)]
    pub checkpoint: Option<CheckpointMark>,
}

/// A signed checkpoint, as paper names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointMark {
    /// Name of the log.
    pub origin: String,
    /// Entries under it.
    pub size: u64,
    /// Root hash, in base64 as the checkpoint writes it.
    pub root: String,
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
    /// The value; absent once erased, and while it is withheld.
    pub value: Option<String>,
    /// The type marks it as personal, and this person has not opened it.
    pub withheld: bool,
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

/// One version of what is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// Number, from 1.
    pub number: u64,
    /// How it came about.
    pub maker: Maker,
    /// Who made it, by name: the AI system or a person.
    pub by: String,
    /// When.
    pub at: u64,
    /// What differs from the version before.
    pub changes: Vec<FieldChange>,
    /// Its seal.
    pub seal: Seal,
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
    /// The rule's id.
    pub name: String,
    /// The route taken.
    pub route: Route,
    /// What the row says.
    pub sentence: String,
    /// Every approval says why, whatever the risk.
    pub reasoned: bool,
    /// Guards that asked for people where the row approves by itself: what each says.
    pub guards: Vec<String>,
    /// Each row down to the one that decided, and why it did or did not.
    pub trace: Vec<RowTrace>,
    /// Why grants for its system and type did not approve it.
    pub grants: Vec<(GrantId, String)>,
    /// Who has to approve, and how far that is.
    pub seats: Vec<SeatView>,
    /// How long the senior approvers have when it is handed to them, in milliseconds.
    pub again_ms: u64,
    /// When it was handed to the senior approvers.
    pub escalated_at: Option<u64>,
    /// By whose review, by name, or "erased"; by the deadline without.
    pub escalated_by: Option<String>,
    /// Approvals given in this round.
    pub given: u64,
    /// Approvals needed.
    pub need: u64,
    /// Rejections of this round that stand.
    pub rejections: u64,
    /// Rejections that reject it.
    pub reject_threshold: u64,
    /// The row asks for more, and a rejection stood when it took the decision over.
    pub kept_threshold: bool,
}

/// A seat of the quorum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatView {
    /// From 1; a later one waits for those before.
    pub stage: u64,
    /// Who may fill it.
    pub role: Role,
    /// Approvals that fill it.
    pub given: u64,
    /// Approvals it takes.
    pub need: u64,
    /// It is being filled now.
    pub open: bool,
}

/// One review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRow {
    /// Who, by name, or "erased".
    pub person: String,
    /// The ruling.
    pub verdict: Verdict,
    /// The reason in one word, where one was given.
    pub code: Option<ReasonCode>,
    /// The reason in full, or "erased", where one was given.
    pub reason: Option<String>,
    /// The answers to the form of the type; one that is "erased" stands for all.
    pub form: Vec<Answered>,
    /// When the reviewer comes back to it, where they put it off.
    pub follow_up: Option<u64>,
    /// Whether it counts.
    pub state: ReviewState,
    /// The round that it belongs to.
    pub round: u64,
    /// Its entry, where the person reading may take it back.
    pub retractable: Option<EntryId>,
    /// Its entry.
    pub entry: EntryId,
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
    /// No person decided but this rule, such as "rule refund-small, version 7".
    pub by_rule: Option<String>,
    /// No person decided: the system was paused when it proposed this.
    pub by_pause: bool,
    /// No person decided but this grant, which two people made before.
    pub by_grant: Option<GrantId>,
    /// When it was given, whether or not it was taken back.
    pub at: u64,
    /// The seal of that.
    pub seal: Seal,
    /// When the agent was told.
    pub released_at: Option<u64>,
    /// A person released what the rule had refused; the outcome says so.
    pub overridden: Option<Override>,
    /// The approval was taken back; the outcome says so.
    pub revoked: Option<Revocation>,
    /// The person may take the approval back, or say what was done about it.
    pub may_revoke: bool,
}

impl ResolutionSection {
    /// What stands, as far as an override asks.
    pub fn stands(&self) -> Stands {
        match (&self.revoked, &self.overridden) {
            (Some(_), _) => Stands::Otherwise(ResolutionOutcome::Revoked),
            (None, Some(_)) => Stands::Overridden,
            (None, None) if self.by_pause => Stands::ByPause,
            (None, None) if self.by_rule.is_some() => Stands::ByRule(self.outcome),
            (None, None) => Stands::Otherwise(self.outcome),
        }
    }

    /// The word that was given, whether or not it was taken back or overridden: only an approval is taken back, and only
    /// a refusal overridden.
    pub fn given(&self) -> ResolutionOutcome {
        match (&self.overridden, &self.revoked) {
            (Some(_), _) => ResolutionOutcome::Rejected,
            (None, Some(_)) => ResolutionOutcome::Approved,
            (None, None) => self.outcome,
        }
    }
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

/// A ruling that a person may not give, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedVerdict {
    /// The ruling.
    pub verdict: Verdict,
    /// One sentence.
    pub why: String,
}

/// What people decided, while a review may be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlingSection {
    /// What it will be.
    pub outcome: ResolutionOutcome,
    /// When it is final.
    pub until: u64,
}

/// In whose right somebody rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// In whose place, and the name; nothing for their own right.
    pub on_behalf: Option<(PersonId, String)>,
}

/// The review form, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Composer {
    /// The person may rule on exactly what is shown.
    Open {
        /// The single use of this presentation; also the form's idempotency key.
        presentation: PresentationId,
        /// When the form expires.
        expires_at: u64,
        /// The person's claim on the review.
        lease: LeaseId,
        /// When that ends by itself.
        lease_until: u64,
        /// The ruling has to be signed with a passkey.
        signed: bool,
        /// Rulings that the person may not give, though they may give others.
        refused: Vec<RefusedVerdict>,
        /// Before when somebody who puts it off has to come back, if before any time.
        defer_before: Option<u64>,
        /// In whose right they may rule: their own first.
        ways: Vec<Way>,
    },
    /// The person may rule once they have started the review.
    Ready {
        /// A seat is free; otherwise somebody's has to be taken over.
        free: bool,
        /// Rulings that the person may not give, though they may give others.
        refused: Vec<RefusedVerdict>,
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
    /// Who reviews in whose place now or later.
    pub delegations: Vec<DelegationRow>,
    /// Who is away now or later.
    pub absences: Vec<AbsenceRow>,
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
    /// The reader may name owners.
    pub may_name: bool,
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
    /// The pause that runs.
    pub pause: Option<ShownPause>,
    /// Who owns it.
    pub owner: Option<ShownOwner>,
    /// The entry that said last who owns it; a form to name somebody else quotes it.
    pub owner_entry: Option<EntryId>,
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
    /// Names of the identity providers that know the person.
    pub providers: Vec<String>,
    /// Running sign-ins, newest first.
    pub sessions: Vec<SessionRow>,
    /// The person's latest reviews, newest first.
    pub reviews: Vec<OwnReview>,
    /// Who reviews in whose place, and when the person is away.
    pub delegations: OwnDelegations,
    /// Server time.
    pub now: u64,
}

/// One running sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The sign-in.
    pub id: SessionId,
    /// How the person was known.
    pub method: SignInMethod,
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

/// A person's latest review of a decision, for the line that says what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnReviewView {
    /// The review, where it is among the person's latest.
    pub review: Option<OwnReview>,
    /// Server time.
    pub now: u64,
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
    /// Whether it counts.
    pub state: ReviewState,
    /// In whose place it was given, by name, where it was not in their own right.
    pub on_behalf: Option<String>,
    /// Its entry, where it may be taken back.
    pub retractable: Option<EntryId>,
    /// When what people decided is final, where they have and it is not.
    pub settles_at: Option<u64>,
    /// When.
    pub at: u64,
    /// Its seal.
    pub seal: Seal,
}

/// An assignment's content in words that pages print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownHolding {
    /// The role.
    pub role: Role,
    /// Names of the systems it covers; all of them when absent.
    pub systems: Option<Vec<String>>,
    /// Names of the decision types it covers; all of them when empty.
    pub types: Vec<String>,
    /// Highest risk.
    pub risk: Option<Risk>,
    /// Highest amount.
    pub amount: Option<u64>,
    /// When it ends.
    pub until: Option<u64>,
}

/// A question about access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Sign-in name of whom it is about; the asker when empty.
    pub login: String,
    /// The action's word.
    pub action: String,
    /// On what: id of a decision, name of a system, or sign-in name, as the action needs.
    pub object: String,
}

/// The page of roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesView {
    /// The matrix, as the policies answer it.
    pub rows: Vec<PermissionRow>,
    /// Word and words of every action that can be asked about.
    pub questions: Vec<(String, String)>,
    /// The answer to the question that was asked.
    pub explained: Option<Explained>,
    /// Why the question has no answer.
    pub problem: Option<crate::Problem>,
    /// Server time.
    pub now: u64,
}

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionRow {
    /// What it lets a person do.
    pub words: String,
    /// How far each role reaches, in the order of `Role::ALL`.
    pub cells: Vec<Reach>,
    /// The policies that allow it.
    pub rules: Vec<Rule>,
}

/// How far a role reaches in one permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Never.
    Never,
    /// Within the systems, types and limits of the assignment.
    Scope,
    /// Where the assignment covers every system.
    Everywhere,
    /// Whatever the assignment's scope.
    Always,
}

/// One policy with what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id, as entries name it.
    pub id: String,
    /// What it says.
    pub says: String,
}

/// Why somebody may or may not do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// Who.
    pub name: String,
    /// What they would do, in words.
    pub action: String,
    /// On what, as it was asked.
    pub object: String,
    /// Whether they may.
    pub allowed: bool,
    /// The policies that decide.
    pub rules: Vec<Rule>,
    /// What the person holds.
    pub held: Vec<ShownHolding>,
}

/// An assignment as a form gives it, before it is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingForm {
    /// The role's word.
    pub role: String,
    /// Names of systems with spaces between; all of them when empty.
    pub systems: String,
    /// Names of decision types with spaces between; all of them when empty.
    pub types: String,
    /// Highest risk; any when empty.
    pub risk: String,
    /// Highest amount; any when empty.
    pub amount: String,
    /// Last day in UTC; none when empty.
    pub until: String,
}

/// The page of one person's access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// The person.
    pub id: PersonId,
    /// The name.
    pub name: String,
    /// The sign-in name.
    pub login: String,
    /// Whether sign-in is barred.
    pub disabled: bool,
    /// Names of the identity providers that know the person.
    pub providers: Vec<String>,
    /// Assignments, the running ones first, then the latest.
    pub assignments: Vec<AssignmentRow>,
    /// Changes about this person that wait for a second person.
    pub awaiting: Vec<AwaitedChange>,
    /// The caller may give this person a role.
    pub may_assign: bool,
    /// What an assignment would do, where one was filled in.
    pub preview: Option<RolePreview>,
    /// Names of the registered systems.
    pub systems: Vec<String>,
    /// Names of the decision types.
    pub types: Vec<String>,
    /// Server time.
    pub now: u64,
}

/// One assignment of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentRow {
    /// The assignment.
    pub id: RoleAssignmentId,
    /// What it gives.
    pub holding: ShownHolding,
    /// Where it comes from, in words.
    pub source: String,
    /// Who gave it, in words.
    pub by: String,
    /// Since when.
    pub assigned_at: u64,
    /// Place of the entry that gave it.
    pub index: Option<u64>,
    /// When it ended, and the place of the entry that took it.
    pub ended: Option<(u64, Option<u64>)>,
    /// The caller may end it.
    pub may_end: bool,
}

/// What giving a role would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolePreview {
    /// What the person would get.
    pub holding: Option<ShownHolding>,
    /// Why it cannot be given.
    pub problem: Option<crate::Problem>,
    /// A second person has to confirm it.
    pub waits: bool,
    /// What the form held.
    pub form: HoldingForm,
}

/// The page of changes that wait for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedChanges {
    /// Those that wait, oldest first, then those decided, latest first.
    pub changes: Vec<AwaitedChange>,
    /// The mode of teams of one is on.
    pub single_operator: bool,
    /// Changes take effect at once: the mode is on, or there is only one admin.
    pub alone: bool,
    /// The caller may switch the mode.
    pub may_switch: bool,
    /// Server time.
    pub now: u64,
}

/// One change that waits or was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedChange {
    /// The change.
    pub id: ChangeId,
    /// What it does.
    pub effect: ChangeEffect,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: u64,
    /// When it lapses.
    pub expires_at: u64,
    /// How it was decided, when, and by whom.
    pub decided: Option<(Decided, u64, Option<String>)>,
    /// What the caller may do about it.
    pub acts: Vec<ChangeAct>,
    /// The entry that asked for it.
    pub entry: EntryId,
}

/// What a change does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeEffect {
    /// Rules may approve higher amounts by themselves.
    Guards {
        /// The limit now.
        before: u64,
        /// The limit then.
        amount_max: u64,
    },
    /// A person gets a role.
    Role {
        /// The person.
        person: PersonId,
        /// Their name.
        name: String,
        /// What they hold at this moment.
        held: Vec<Role>,
        /// What they get.
        holding: ShownHolding,
    },
    /// From then on one person may act alone.
    SingleOperator,
    /// An outside auditor gets access for a time.
    AuditWindow {
        /// The auditor.
        person: PersonId,
        /// Their name.
        name: String,
        /// What the audit is called.
        audit: String,
        /// Names of the systems it shows; all of them when empty.
        systems: Vec<String>,
        /// When it begins.
        from: u64,
        /// When it ends.
        until: u64,
    },
    /// A mapping comes into force, and roles with it.
    Mapping {
        /// Short name of the provider in addresses.
        slug: String,
        /// Its name.
        name: String,
        /// Who would gain or lose what at this moment; absent once the change was decided.
        dry_run: Option<crate::mapping::DryRun>,
    },
    /// A directory may push what gives privileged roles.
    ScimToken {
        /// Name of the provider whose people it pushes.
        provider: String,
        /// The only roles that its groups may give.
        ceiling: Vec<Role>,
        /// When it ends.
        until: u64,
    },
}

/// What one may do about a waiting change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAct {
    /// Confirm or refuse it.
    Confirm,
    /// Take it back.
    Withdraw,
}

/// One change, as the live stream sends it: ids and states only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Log size that covers it.
    pub size: u64,
    /// Decisions touched.
    pub decisions: Vec<DecisionId>,
    /// Kinds of the entries.
    pub kinds: Vec<String>,
    /// Decisions that were commented on, which changes nothing else about them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commented: Vec<DecisionId>,
    /// Decisions whose seats were taken or left, which changes nothing else about them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leased: Vec<DecisionId>,
}

crate::decision::words! {
    /// What a person is told about access.
    NoticeKind {
        /// A way to sign in was added to the reader's account.
        FactorAdded "factor_added"
        /// A way to sign in was taken from the reader's account.
        FactorRemoved "factor_removed"
        /// The reader's password was changed.
        PasswordChanged "password_changed"
        /// A recovery code of the reader was used.
        RecoveryUsed "recovery_used"
        /// An admin vouched for a passkey of the reader.
        PasskeyConfirmed "passkey_confirmed"
        /// The counter of a passkey went back, as a copied key's does.
        PasskeyCopied "passkey_copied"
        /// Somebody signed in past the sign-in providers.
        BreakGlass "break_glass"
        /// Somebody has more groups than a provider sends, so no role follows from them.
        GroupOverage "group_overage"
        /// Somebody paused an AI system.
        SystemPaused "system_paused"
        /// Somebody resumed an AI system.
        SystemResumed "system_resumed"
        /// A comment names the reader.
        Mentioned "mentioned"
        /// A comment asks the reader a question.
        Asked "asked"
        /// A comment answers the reader's question.
        Answered "answered"
        /// An action had an effect, and its approval is revoked.
        ToMakeGood "to_make_good"
        /// The reader was named as the owner of an AI system.
        OwnerNamed "owner_named"
        /// The reader owns an AI system no longer.
        OwnerReplaced "owner_replaced"
        /// A reviewer asked an AI system that the reader owns for a change.
        ChangeAsked "change_asked"
        /// A seat of the policy in force cannot be filled by the people there are.
        StaffShort "staff_short"
        /// It can be again.
        StaffBack "staff_back"
        /// The reader may look at what somebody did against the policy.
        ToPostReview "to_post_review"
        /// Somebody looked at what the reader did, and did not uphold it.
        NotUpheld "not_upheld"
        /// Somebody lets them review in their place.
        StandsIn "stands_in"
        /// A right to review in somebody's place was ended by the other.
        StandsInNoMore "stands_in_no_more"
        /// Somebody asks for a grant that the reader may activate.
        GrantAsked "grant_asked"
        /// The grant that the reader asked for was activated.
        GrantActivated "grant_activated"
        /// The grant that the reader asked for was refused.
        GrantRefused "grant_refused"
        /// Somebody asks for a role that the reader may give.
        RoleRequested "role_requested"
        /// The reader's request for a role was answered.
        RoleAnswered "role_answered"
        /// Somebody took over the reader's review.
        TakenOver "taken_over"
        /// The reader is asked to review as second approver.
        Invited "invited"
        /// A decision waits, and nobody may review it.
        NobodyReviews "nobody_reviews"
    }
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRow {
    /// What happened.
    pub kind: NoticeKind,
    /// When.
    pub at: u64,
    /// Whose access it is about, where it is not the reader's own; of a system, who did it.
    pub about: Option<String>,
    /// Name of the AI system it is about.
    #[serde(default)]
    pub system: Option<String>,
    /// The decision that it leads to.
    #[serde(default)]
    pub decision: Option<DecisionId>,
}

/// How a person signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorsView {
    /// The sign-in name, for the browser's password manager.
    pub login: String,
    /// The account has a password.
    pub local: bool,
    /// It has a password and no second factor, so it reaches nothing but this page.
    pub missing: bool,
    /// The last authentication is recent enough to change anything here.
    pub recent: bool,
    /// Why passkeys cannot work at this address, if so.
    pub unsuitable: Option<String>,
    /// Passkeys, oldest first.
    pub passkeys: Vec<PasskeyRow>,
    /// An authenticator app is set up.
    pub totp: bool,
    /// Recovery codes that were not used.
    pub recovery_codes: u64,
    /// Server time.
    pub now: u64,
}

/// One passkey of the reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyRow {
    /// The passkey.
    pub id: PasskeyId,
    /// Start of the key's digest, to tell keys apart.
    pub fingerprint: String,
    /// It may be copied to other devices of its holder.
    pub synced: bool,
    /// An admin vouched for it, so it may sign reviews.
    pub confirmed: bool,
    /// When it was enrolled.
    pub enrolled_at: u64,
    /// When it was last used.
    pub last_used_at: Option<u64>,
}

/// Passkeys that wait for an admin's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeysView {
    /// Oldest first.
    pub passkeys: Vec<UnconfirmedPasskey>,
    /// Server time.
    pub now: u64,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnconfirmedPasskey {
    /// The passkey.
    pub id: PasskeyId,
    /// Its holder.
    pub person: PersonId,
    /// The holder's name.
    pub name: String,
    /// The reader holds it, and so cannot vouch for it.
    pub own: bool,
    /// It may be copied to other devices of its holder.
    pub synced: bool,
    /// Model of the authenticator, where it says.
    pub aaguid: Option<String>,
    /// When it was enrolled.
    pub enrolled_at: u64,
    /// Start of the key's digest, as the holder sees it.
    pub fingerprint: String,
}

/// What a browser hands to its authenticator: WebAuthn options as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyOptions {
    /// The options.
    pub json: String,
}

/// What a passkey is asked to sign for a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewToSign {
    /// The single-use value that names it.
    pub nonce: String,
    /// WebAuthn options as JSON.
    pub json: String,
}

/// A new seed for an authenticator app, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTotp {
    /// The secret in base32, for typing.
    pub secret: String,
    /// The same as an address that apps open.
    pub address: String,
    /// Width and height of the picture of the address, in modules.
    pub size: u32,
    /// Its dark modules, as an SVG path.
    pub path: String,
}

/// New recovery codes, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCodes {
    /// The codes.
    pub codes: Vec<String>,
}

/// Sign-ins that run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsView {
    /// Newest first.
    pub sessions: Vec<MemberSession>,
    /// Server time.
    pub now: u64,
}

/// Somebody's running sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSession {
    /// Who.
    pub person: PersonId,
    /// The name.
    pub name: String,
    /// The sign-in.
    pub session: SessionRow,
}
