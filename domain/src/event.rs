//! What the ledger says about each act: kind, object, fields and committed texts.
//!
//! The kinds and their fields are those of the leaf format, version 1. Sealed formats are for ever:
//! a new fact is a new variant or a new optional field, never a change of an old one.

use countersign_ledger::{hash::Hash, value::Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    change::Decided,
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, Risk, Verdict},
    delegation::{OnBehalf, Terms},
    holding::{Holding, RoleScope, Source},
    ids::{
        AccessReviewId, AgentKeyId, AuditWindowId, BulkRunId, ChangeId, ChannelId, DecisionId, DecisionTypeId, EntryId,
        GrantId, HandoverId, MappingVersionId, PersonId, PolicyId, PolicyVersionId, ProviderId, RoleAssignmentId,
        ScimGroupId, ScimTokenId, ScimUserId, SessionId, SystemId,
    },
    lease::LeaseEnd,
    notice::ChannelKind,
    overrides::PostReviewResult,
    policy::Routed,
    revocation::Compensation,
    role::Role,
    role_request::RoleAnswer,
};

/// One act or read.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The first leaf of a log.
    LedgerOpened {
        /// Object id of the log.
        object: Uuid,
        /// The log id: 16 hex digits.
        log: String,
        /// Host of the public origin, the relying party of passkeys.
        rp: String,
        /// Verifier key of the log.
        vkey: String,
    },
    /// Nothing happened for an hour; the log shows that it lives.
    Heartbeat,
    /// A policy version came into force.
    PolicyActivated {
        /// The policy and the number of this entry about it.
        policy: PolicyId,
        /// Number of this entry about the policy.
        n: u64,
        /// The version.
        version: PolicyVersionId,
        /// Digest of its body.
        digest: Hash,
    },
    /// A decision type got a version (`settings.changed`).
    TypeDefined {
        /// The version.
        id: DecisionTypeId,
        /// Digest of the definition.
        digest: Hash,
    },
    /// A system may propose decisions.
    SystemApproved {
        /// The system.
        system: SystemId,
        /// Number of this entry about the system.
        n: u64,
        /// Its name, committed.
        name: String,
    },
    /// A system was stopped: nothing that it proposes is approved, and no approval is told to it.
    SystemPaused {
        /// The system.
        system: SystemId,
        /// Number of this entry about the system.
        n: u64,
        /// Why, committed.
        reason: String,
        /// Who paused it; the reason is theirs.
        by: PersonId,
    },
    /// A pause of a system ended.
    SystemResumed {
        /// The system.
        system: SystemId,
        /// Number of this entry about the system.
        n: u64,
        /// The entry that paused it.
        pause: EntryId,
        /// Why, committed.
        reason: String,
        /// Who resumed it; the reason is theirs.
        by: PersonId,
    },
    /// A person left a note for the next shift.
    HandoverNoted {
        /// The note.
        handover: HandoverId,
        /// The system that it is about; all of them without.
        system: Option<SystemId>,
        /// When it is shown no longer, milliseconds since 1970 UTC.
        until: u64,
        /// What it says, committed.
        note: String,
        /// Who wrote it; the note is theirs.
        by: PersonId,
    },
    /// A note for the next shift was ended before its time.
    HandoverEnded {
        /// The note.
        handover: HandoverId,
        /// Number of this entry about the note.
        n: u64,
    },
    /// A key was made for a system.
    KeyIssued {
        /// The key.
        key: AgentKeyId,
        /// Its system.
        system: SystemId,
        /// What it may do.
        scopes: Vec<Scope>,
        /// When it ends, milliseconds since 1970 UTC.
        expires: u64,
    },
    /// A key was ended.
    KeyRevoked {
        /// The key.
        key: AgentKeyId,
        /// Number of this entry about the key.
        n: u64,
    },
    /// Somebody became a member.
    PersonCreated {
        /// The person.
        person: PersonId,
        /// The name, committed.
        name: String,
        /// The sign-in name, committed.
        login: String,
    },
    /// A person may no longer sign in.
    PersonDisabled {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
    },
    /// A person may sign in again.
    PersonEnabled {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
    },
    /// A person got a role.
    RoleAssigned {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The assignment that begins.
        assignment: RoleAssignmentId,
        /// What it gives.
        holding: Holding,
        /// Where it comes from.
        source: Source,
    },
    /// A person lost a role.
    RoleUnassigned {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The assignment that ends.
        assignment: RoleAssignmentId,
        /// The role.
        role: Role,
    },
    /// A local password was set through a one-time link or changed.
    PasswordChanged {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// How the right to set it was shown.
        by: PasswordBy,
    },
    /// A sign-in.
    SignedIn {
        /// The sign-in.
        session: SessionId,
        /// Who signed in; address and browser are theirs.
        person: PersonId,
        /// How the person was known.
        method: SignInMethod,
        /// Network address, committed.
        ip: String,
        /// Browser, committed.
        agent: String,
    },
    /// Failed tries, one by one for known accounts, counted for strangers.
    SignInFailed {
        /// The account, when there is one.
        person: Option<PersonId>,
        /// How many tries this entry stands for.
        count: u64,
        /// Network address or network, committed.
        ip: String,
    },
    /// A person signed out.
    SignedOut {
        /// The sign-in.
        session: SessionId,
        /// Number of this entry about the sign-in.
        n: u64,
    },
    /// A sign-in was ended otherwise.
    SignInEnded {
        /// The sign-in.
        session: SessionId,
        /// Number of this entry about the sign-in.
        n: u64,
        /// Why.
        cause: EndCause,
    },
    /// A signed-in person proved themselves again.
    SteppedUp {
        /// The sign-in.
        session: SessionId,
        /// Number of this entry about the sign-in.
        n: u64,
        /// How.
        method: SignInMethod,
    },
    /// A person can prove themselves in another way.
    CredentialEnrolled {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// What it is, by its algorithm.
        alg: CredentialAlg,
        /// Digest of the public key; of a secret, a digest keyed outside the database.
        key: Hash,
        /// It may be copied to other devices.
        backup: bool,
        /// Model of the authenticator, where it says.
        aaguid: Option<Uuid>,
    },
    /// An admin other than its holder vouched for a passkey: it may sign reviews.
    CredentialConfirmed {
        /// The holder.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The entry that enrolled it.
        credential: EntryId,
    },
    /// A person can no longer prove themselves with this.
    CredentialRemoved {
        /// The holder.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The entry that enrolled it.
        credential: EntryId,
    },
    /// A recovery code stood in for a second factor.
    RecoveryUsed {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
    },
    /// A local account was used while sign-in providers are in force.
    BreakGlassUsed {
        /// The sign-in.
        session: SessionId,
        /// Number of this entry about the sign-in.
        n: u64,
        /// Who; the reason is theirs.
        person: PersonId,
        /// Why, committed.
        reason: String,
    },
    /// An agent proposed an action.
    Proposed {
        /// The decision.
        decision: DecisionId,
        /// Digest of the `content` statement.
        content: Hash,
        /// The type version.
        type_id: DecisionTypeId,
        /// Risk by the type.
        tier: Risk,
        /// The sender's own number.
        source_n: Option<u64>,
    },
    /// The policy sent a decision somewhere.
    Routed {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The policy version.
        policy: PolicyVersionId,
        /// Row, route, need and deadline.
        routed: Routed,
    },
    /// A person was shown a decision.
    Viewed {
        /// The decision.
        decision: DecisionId,
        /// The last entry shown.
        upto: u64,
        /// Digest of the `seen` statement.
        seen: Hash,
    },
    /// A person took one of the seats to review a decision.
    ///
    /// `until` is when the claim ends if its page gives no sign of life. Those signs move it and are not sealed, so that a
    /// review after it is no fault; nor is a claim that runs out, which changes nothing until somebody wants the seat.
    /// Who takes a seat therefore names the claims that they found run out (`lapsed`): with the acts that end one
    /// (`decision.lease_ended`, its holder's review or next claim, another content or route, the resolution) the log says
    /// at each taking exactly who held a seat, and that no more did than reviews were missing. A person has one at most.
    Leased {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// When it ends by itself, milliseconds since 1970 UTC.
        until: u64,
        /// The entries of earlier claims whose time, sign-in or role had ended.
        lapsed: Vec<EntryId>,
    },
    /// A claim on a seat was given up, or taken over by somebody with a reason.
    LeaseEnded {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The entry that took the seat.
        lease: EntryId,
        /// Which of the two.
        cause: LeaseEnd,
        /// Why it was taken over, committed, and by whom; the reason is theirs.
        reason: Option<(String, PersonId)>,
    },
    /// A person ruled.
    Reviewed {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The ruling.
        verdict: Verdict,
        /// The reason in one word, where one was given.
        code: Option<ReasonCode>,
        /// The reason, committed, where one was given.
        reason: Option<String>,
        /// The answers to the form of the type, committed, where any were given.
        form: Option<String>,
        /// Who ruled; reason and answers are theirs.
        reviewer: PersonId,
        /// Digest of the content ruled on.
        content: Hash,
        /// Digest of what was shown.
        seen: Hash,
        /// The policy version.
        policy: PolicyVersionId,
        /// The round.
        round: u64,
        /// Number and digest of the reviewer's authority.
        authority: (u64, Hash),
        /// When they come back to it, milliseconds since 1970 UTC; with `defer` only.
        until: Option<u64>,
        /// Digest of the content that the reviewer puts in its place; with `approve_with_edits` only.
        edited: Option<Hash>,
        /// The reviewer's signature by passkey, where there is one.
        signature: Option<Signature>,
        /// The act on several decisions that it belongs to, where it was given with others.
        bulk: Option<BulkRunId>,
        /// In whose place they ruled, where it was not in their own right.
        on_behalf: Option<Box<OnBehalf>>,
        /// Which of the fields behind a control were opened, where the reviewer's browser said so.
        disclosed: Option<Disclosed>,
    },
    /// A person sent one ruling on several decisions. Each gets a review of its own, which names this act, or a refusal.
    BulkStarted {
        /// The act.
        bulk: BulkRunId,
        /// How many decisions.
        count: u64,
        /// The ruling on each.
        verdict: Verdict,
        /// The reason in one word.
        code: ReasonCode,
        /// The policy version that routed them all.
        policy: PolicyVersionId,
    },
    /// A person said something about a decision; it changes nothing else about it.
    Commented {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// What they say, committed.
        comment: String,
        /// Who says it; the comment is theirs.
        by: PersonId,
        /// Whom it names.
        mentions: Vec<PersonId>,
        /// Who is asked to answer.
        asks: Option<PersonId>,
        /// The entry of the question to this person that it answers.
        answers: Option<EntryId>,
    },
    /// The agent answered a request for changes with other content; the reviews before it are void.
    Revised {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// Digest of the content before.
        from: Hash,
        /// Digest of the content from now on.
        content: Hash,
    },
    /// A reviewer put other parameters in the place of the proposed ones.
    Edited {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// Digest of the content before.
        from: Hash,
        /// Digest of the content from now on.
        content: Hash,
    },
    /// The agent took its proposal back.
    Withdrawn {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// Why.
        code: WithdrawCode,
    },
    /// People have decided; a review may be taken back for a while, and nothing has reached the agent.
    QuorumMet {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// What it will be.
        outcome: ResolutionOutcome,
        /// Digest of the content.
        content: Hash,
        /// The policy version.
        policy: PolicyVersionId,
        /// The round.
        round: u64,
        /// The entries of the counted reviews.
        reviews: Vec<EntryId>,
        /// When it is final, milliseconds since 1970 UTC.
        until: u64,
    },
    /// A reviewer took a review back.
    ReviewRetracted {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The entry of the review.
        review: EntryId,
        /// Its round.
        round: u64,
    },
    /// A review does not count any more, by no act of its author.
    ReviewVoided {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The entry of the review.
        review: EntryId,
        /// Why.
        cause: VoidCause,
    },
    /// A decision has its final word.
    Resolved {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The word.
        outcome: ResolutionOutcome,
        /// Digest of the content.
        content: Hash,
        /// The policy version.
        policy: PolicyVersionId,
        /// The row.
        rule: u64,
        /// The round.
        round: u64,
        /// The entries of the counted reviews; empty when a rule or the deadline decided.
        reviews: Vec<EntryId>,
    },
    /// A decision was proposed while its system was paused, and so is rejected at once.
    ResolvedByPause {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// Digest of the content.
        content: Hash,
        /// The policy version that routed it.
        policy: PolicyVersionId,
        /// The row.
        rule: u64,
        /// The round.
        round: u64,
    },
    /// The deadline or a reviewer handed a decision to the senior approvers.
    Escalated {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// Approvals needed, all by senior approvers.
        need: u64,
        /// The deadline from now on, milliseconds since 1970 UTC.
        due: u64,
        /// The entry of the review that did; none where the deadline did.
        review: Option<EntryId>,
    },
    /// A person took an approval back; the resolution that says so follows.
    Revoked {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The entry of the resolution that approved.
        resolution: EntryId,
        /// The reason in one word.
        code: ReasonCode,
        /// The reason, committed.
        reason: String,
        /// Who revoked; the reason is theirs.
        by: PersonId,
        /// Number and digest of their authority.
        authority: (u64, Hash),
    },
    /// A person says what was done about an action that ran and was revoked.
    Compensated {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// What came of it.
        result: Compensation,
        /// What was done, or why nothing can be, committed.
        reason: String,
        /// Who says it; the text is theirs.
        by: PersonId,
    },
    /// A person was named who answers for a system, or that nobody does.
    OwnerNamed {
        /// The system.
        system: SystemId,
        /// Number of this entry about the system.
        n: u64,
        /// Who answers for it from now on, if anybody.
        owner: Option<PersonId>,
        /// Why, committed.
        reason: String,
        /// Who named them; the reason is theirs.
        by: PersonId,
    },
    /// How many people a seat of the table in force lacks, so that it cannot be filled; none when there are enough again.
    Staffed {
        /// The policy version.
        policy: PolicyVersionId,
        /// Number of the row, from 1.
        rule: u64,
        /// Who fills the seat.
        role: Role,
        /// How many of them the row asks for.
        need: u64,
        /// How many more it takes.
        missing: u64,
        /// The system for which most are missing.
        system: SystemId,
        /// For how many systems any are.
        systems: u64,
    },
    /// A table was saved that is not in force.
    PolicyDrafted {
        /// The draft, which becomes the version.
        version: PolicyVersionId,
        /// Number of this entry about the draft.
        n: u64,
        /// Digest of its body.
        digest: Hash,
    },
    /// A draft was handed to a second person.
    PolicySubmitted {
        /// The draft.
        version: PolicyVersionId,
        /// Number of this entry about the draft.
        n: u64,
        /// Digest of its body.
        digest: Hash,
        /// Who wrote it; the reason is theirs.
        author: PersonId,
        /// What changes and why, committed.
        reason: String,
    },
    /// A draft will not come into force.
    PolicyRejected {
        /// The draft.
        version: PolicyVersionId,
        /// Number of this entry about the draft.
        n: u64,
        /// Who said no, its author by taking it back; the reason is theirs.
        by: PersonId,
        /// Why, committed.
        reason: String,
    },
    /// The limits of the guards over automatic approvals were set.
    GuardsSet {
        /// Above this amount no rule approves by itself.
        amount_max: u64,
    },
    /// The agent was told the final word.
    Released {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The entry of the resolution.
        resolution: EntryId,
        /// The log size that covered the resolution.
        size: u64,
    },
    /// The agent reported what became of it.
    OutcomeReported {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The entry of the resolution.
        resolution: EntryId,
        /// What happened.
        result: OutcomeResult,
        /// How much of it.
        effect: Effect,
    },
    /// Something other than a decision page was shown, or a decision was read by its agent.
    AccessViewed {
        /// What, and its last number shown.
        object: Object,
    },
    /// A list was shown.
    AccessListed {
        /// Which list.
        list: List,
        /// How many rows.
        count: u64,
    },
    /// Something was handed over as a file.
    AccessDownloaded {
        /// What.
        object: Object,
    },
    /// Files of the log were fetched, counted per reader and hour.
    LogRead {
        /// How many.
        count: u64,
    },
    /// A list was asked a question: what was asked and answered is committed, how much is said.
    AccessSearched {
        /// Who asked; question and answer are theirs.
        by: PersonId,
        /// The question, committed.
        query: String,
        /// Digest of what was answered, committed.
        output: String,
        /// How many rows.
        count: u64,
    },
    /// The answer to a question left as a file.
    AccessExported {
        /// Who took it; question and answer are theirs.
        by: PersonId,
        /// The question, committed.
        query: String,
        /// Digest of the file, committed.
        output: String,
        /// How many rows.
        count: u64,
    },
    /// A request of somebody known was refused at the door, before authorisation was asked.
    Refused {
        /// The action of the address, a Cedar action name.
        action: &'static str,
        /// Why.
        cause: crate::problem::Code,
        /// How many refusals this entry stands for, where it is not one.
        count: Option<u64>,
    },
    /// A key got another secret; the former one works a while longer.
    KeyRotated {
        /// The key.
        key: AgentKeyId,
        /// Number of this entry about the key.
        n: u64,
        /// When the former secret ends, milliseconds since 1970 UTC.
        until: u64,
    },
    /// Something is wrong with the installation itself.
    Anomaly {
        /// What.
        cause: AnomalyCause,
    },
    /// An outside auditor got access for a time.
    AuditWindowOpened {
        /// The window.
        window: AuditWindowId,
        /// The auditor.
        person: PersonId,
        /// Systems it shows; all of them when empty.
        systems: Vec<SystemId>,
        /// When it begins, milliseconds since 1970 UTC.
        from: u64,
        /// When it ends.
        until: u64,
        /// What the audit is called, committed.
        name: String,
    },
    /// An auditor's access was ended before its time.
    AuditWindowClosed {
        /// The window.
        window: AuditWindowId,
        /// Number of this entry about the window.
        n: u64,
    },
    /// Every assignment of the moment is to be looked at again.
    AccessReviewStarted {
        /// The access review.
        review: AccessReviewId,
        /// How many assignments.
        items: u64,
        /// Digest of the list of them.
        snapshot: Hash,
        /// When answers are due, milliseconds since 1970 UTC.
        due: u64,
        /// When assignments without an answer are suspended.
        grace: u64,
    },
    /// One assignment was looked at.
    AccessReviewDecided {
        /// The access review.
        review: AccessReviewId,
        /// Number of this entry about the access review.
        n: u64,
        /// The assignment.
        assignment: RoleAssignmentId,
        /// What becomes of it.
        answer: AccessReviewAnswer,
    },
    /// Every assignment was looked at or suspended.
    AccessReviewCompleted {
        /// The access review.
        review: AccessReviewId,
        /// Number of this entry about the access review.
        n: u64,
        /// How many stay as they are.
        kept: u64,
        /// How many are to be replaced.
        changed: u64,
        /// How many were ended.
        revoked: u64,
        /// How many were ended because nobody answered.
        suspended: u64,
        /// Digest of the result.
        result: Hash,
    },
    /// A change waits for a second person.
    ChangeRequested {
        /// The change.
        change: ChangeId,
        /// What kind of change.
        what: &'static str,
        /// Digest of what it would do.
        digest: Hash,
        /// Whose access it is about.
        subject: Option<PersonId>,
    },
    /// A waiting change was decided.
    ChangeDecided {
        /// The change.
        change: ChangeId,
        /// Number of this entry about the change.
        n: u64,
        /// How.
        decided: Decided,
    },
    /// The second person was dispensed with, or is asked for again.
    SingleOperatorSet {
        /// Whether one person may act alone.
        on: bool,
    },
    /// A masked field was opened.
    Unmasked {
        /// The decision.
        decision: DecisionId,
        /// The last entry shown.
        upto: u64,
        /// The field.
        field: String,
        /// Why, committed.
        reason: String,
        /// Who opened it; the reason is theirs.
        by: PersonId,
    },
    /// A way to sign in through an identity provider was set up or changed.
    ProviderChanged {
        /// The provider.
        provider: ProviderId,
        /// Number of this entry about the provider.
        n: u64,
        /// What was done.
        change: ProviderChange,
        /// Digest of its settings, without the secret.
        digest: Hash,
    },
    /// An identity provider's subject is a member's.
    IdentityLinked {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The provider.
        provider: ProviderId,
        /// Who it is at the provider, committed.
        subject: String,
    },
    /// A sign-in or sign-out through a provider was refused.
    ProviderRefused {
        /// The provider.
        provider: ProviderId,
        /// How many tries this entry stands for.
        count: u64,
        /// Which check failed.
        cause: &'static str,
        /// What failed, in a sentence for administrators, committed.
        detail: String,
        /// Network address, committed.
        ip: String,
    },
    /// A provider's mapping got a draft, or a draft came into force.
    MappingChanged {
        /// The provider.
        provider: ProviderId,
        /// Number of this entry about the provider's mapping.
        n: u64,
        /// The version.
        version: MappingVersionId,
        /// Digest of its rows.
        digest: Hash,
        /// Digest of the dry run that was accepted; absent for a draft, which gives nobody anything.
        dry_run: Option<Hash>,
    },
    /// A mapping was evaluated for a person.
    MappingApplied {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The version in force; absent where the provider has none.
        version: Option<MappingVersionId>,
        /// How many rows gave something.
        matched: u64,
        /// The provider sent a reference in place of the groups.
        overage: bool,
        /// What was evaluated, committed.
        snapshot: String,
    },
    /// A directory may push users and groups.
    ScimTokenIssued {
        /// The token.
        token: ScimTokenId,
        /// The provider whose people it pushes.
        provider: ProviderId,
        /// The only roles that its groups may give.
        ceiling: Vec<Role>,
        /// When it ends, milliseconds since 1970 UTC.
        expires: u64,
    },
    /// A directory's token was ended.
    ScimTokenRevoked {
        /// The token.
        token: ScimTokenId,
        /// Number of this entry about the token.
        n: u64,
    },
    /// A directory pushed a user.
    ScimUserApplied {
        /// The user.
        user: ScimUserId,
        /// Number of this entry about the user.
        n: u64,
        /// What was done.
        change: ScimChange,
        /// The person that the user is; absent while there is none.
        person: Option<PersonId>,
        /// What is kept of the user, committed; absent at the end.
        document: Option<String>,
    },
    /// A directory pushed a group.
    ScimGroupApplied {
        /// The group.
        group: ScimGroupId,
        /// Number of this entry about the group.
        n: u64,
        /// What was done.
        change: ScimChange,
        /// How many users are in it.
        members: u64,
        /// What is kept of the group, committed; absent at the end.
        document: Option<String>,
    },
    /// A reviewer gave a colleague the right to review in their place.
    DelegationGiven {
        /// Whose right it is.
        delegator: PersonId,
        /// Number of this entry about the delegator.
        n: u64,
        /// To whom, how far and for how long.
        terms: Terms,
    },
    /// A right to review in somebody's place was ended before its time, by one of the two.
    DelegationEnded {
        /// Whose right it is.
        delegator: PersonId,
        /// Number of this entry about the delegator.
        n: u64,
        /// The entry that gave it.
        delegation: EntryId,
    },
    /// A person said from when to when they are away; what they had said before holds no longer.
    AbsenceSet {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// When it begins, milliseconds since 1970 UTC.
        from: u64,
        /// When it ends.
        until: u64,
        /// The entry that gave the delegation which applies meanwhile.
        delegation: Option<EntryId>,
    },
    /// A person is back, or does not go.
    AbsenceCleared {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The entry that had said it.
        absence: EntryId,
    },
    /// A person asks for a role.
    RoleRequested {
        /// The person; what they say is theirs.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// Which role, where they know.
        role: Option<Role>,
        /// The page that they were refused, committed.
        page: Option<String>,
        /// Why they need it, committed.
        reason: String,
    },
    /// An admin answered a person who had asked for a role.
    RoleRequestAnswered {
        /// The person who had asked.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The entry that asked.
        request: EntryId,
        /// What.
        answer: RoleAnswer,
        /// What the admin says about it, committed.
        reason: String,
        /// Who answered; the reason is theirs.
        by: PersonId,
    },
    /// Authorisation said no.
    Denied {
        /// The action, a Cedar action name.
        action: &'static str,
        /// On what, when it exists.
        object: Option<Object>,
        /// The code of the rule that said no, where it was not authorisation.
        cause: Option<crate::problem::Code>,
    },
    /// A person released what a rule had refused; the resolution that says so follows. Another person looks at it within 72
    /// hours, so this opens a post-review of its own name.
    Overridden {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The entry of the resolution that refused.
        resolution: EntryId,
        /// The reason in one word.
        code: ReasonCode,
        /// The reason, committed.
        reason: String,
        /// Who released; the reason is theirs.
        by: PersonId,
        /// Digest of the content.
        content: Hash,
        /// Digest of what was shown.
        seen: Hash,
        /// The policy version whose rule refused.
        policy: PolicyVersionId,
        /// The row.
        rule: u64,
        /// Number and digest of their authority.
        authority: (u64, Hash),
    },
    /// What a rule had refused is approved, because a person released it.
    ResolvedByOverride {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// Digest of the content.
        content: Hash,
        /// The policy version whose rule refused.
        policy: PolicyVersionId,
        /// The row.
        rule: u64,
        /// The round.
        round: u64,
    },
    /// Another person looked at an override, a revocation or an emergency sign-in, once.
    PostReviewed {
        /// The entry of the act, which is the name of the post-review.
        act: EntryId,
        /// What they say.
        result: PostReviewResult,
        /// Why, committed.
        reason: String,
        /// Who; the reason is theirs.
        by: PersonId,
    },
    /// People were told that a decision still waits for them.
    Reminded {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// How much of the time is over, in percent; 100 where it waits past its deadline.
        share: u64,
        /// The deadline, milliseconds since 1970 UTC.
        due: u64,
        /// The second approver who is asked.
        invited: Option<PersonId>,
    },
    /// A way by which notices leave the installation was added.
    ChannelCreated {
        /// The channel.
        channel: ChannelId,
        /// What it is.
        medium: ChannelKind,
        /// Digest of its settings, without the secret.
        digest: Hash,
    },
    /// A channel's settings changed, or it was paused or resumed.
    ChannelChanged {
        /// The channel.
        channel: ChannelId,
        /// Number of this entry about the channel.
        n: u64,
        /// Digest of its settings, without the secret.
        digest: Hash,
        /// Nothing is sent from now on.
        paused: bool,
    },
    /// A channel was taken away, with its secret.
    ChannelRemoved {
        /// The channel.
        channel: ChannelId,
        /// Number of this entry about the channel.
        n: u64,
    },
    /// Somebody asked that a system may do something a few times without being asked again.
    GrantRequested {
        /// The grant.
        grant: GrantId,
        /// The system.
        system: SystemId,
        /// The version of the decision type.
        type_id: DecisionTypeId,
        /// How many decisions it would approve.
        uses: u64,
        /// Seconds from its activation to its end.
        seconds: u64,
        /// What it holds parameters to, as its canonical text, committed.
        scope: String,
        /// Why, committed.
        reason: String,
        /// Who asks; the reason is theirs.
        by: PersonId,
    },
    /// Another person activated a grant. It approves nothing before this is sealed.
    GrantActivated {
        /// The grant.
        grant: GrantId,
        /// Number of this entry about the grant.
        n: u64,
        /// When its time is over, milliseconds since 1970 UTC.
        until: u64,
        /// Why, committed.
        reason: String,
        /// Who activated it; the reason is theirs.
        by: PersonId,
        /// Number and digest of their authority.
        authority: (u64, Hash),
    },
    /// The other person said no, or who asked took it back.
    GrantRefused {
        /// The grant.
        grant: GrantId,
        /// Number of this entry about the grant.
        n: u64,
        /// Why, committed.
        reason: String,
        /// Who; the reason is theirs.
        by: PersonId,
    },
    /// A grant approved a decision; the resolution that says so follows.
    GrantUsed {
        /// The grant.
        grant: GrantId,
        /// Number of this entry about the grant.
        n: u64,
        /// The decision.
        decision: DecisionId,
        /// Which use it was, from 1.
        number: u64,
    },
    /// The last use of a grant was made.
    GrantExhausted {
        /// The grant.
        grant: GrantId,
        /// Number of this entry about the grant.
        n: u64,
    },
    /// The time of a grant was over.
    GrantExpired {
        /// The grant.
        grant: GrantId,
        /// Number of this entry about the grant.
        n: u64,
    },
    /// A person ended a grant.
    GrantRevoked {
        /// The grant.
        grant: GrantId,
        /// Number of this entry about the grant.
        n: u64,
        /// Why, committed.
        reason: String,
        /// Who; the reason is theirs.
        by: PersonId,
    },
    /// A decision is approved because an active grant covers it, and no person was asked.
    ResolvedByGrant {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// Digest of the content.
        content: Hash,
        /// The policy version that routed it to people.
        policy: PolicyVersionId,
        /// The row.
        rule: u64,
        /// The round.
        round: u64,
        /// The grant.
        grant: GrantId,
    },
}

/// What a leaf says about a review's passkey signature; with the leaf's other fields it is what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Digest of the `assertion` statement.
    pub assertion: Hash,
    /// When the challenge ended, milliseconds since 1970 UTC.
    pub expires: u64,
    /// 16 random bytes as base64url.
    pub nonce: String,
}

/// Which of the fields that stood behind a control a reviewer opened, by their names in the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosed {
    /// Those that were opened.
    pub opened: Vec<String>,
    /// Those that were not.
    pub left_closed: Vec<String>,
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Kind of the object, a word.
    pub kind: &'static str,
    /// Its id.
    pub id: Uuid,
    /// An act's number, or what a read showed.
    pub place: Place,
}

/// Where an entry stands among those of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An act: 1, 2, 3 without gap.
    Act(u64),
    /// A read: the highest number shown.
    Read(u64),
}

/// Whose text a commitment hides; erasing the owner erases the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextOwner {
    /// A member of this installation.
    Person(PersonId),
    /// Somebody a decision is about, by the agent's reference.
    Subject(String),
    /// A registered system; nothing personal.
    System(SystemId),
    /// Nobody known.
    Unattributed,
}

/// One text that a leaf commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedText {
    /// Name of the commitment in the leaf.
    pub field: &'static str,
    /// The text.
    pub text: String,
    /// Whose it is.
    pub owner: TextOwner,
}

/// An event taken apart for its leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// Closed kind, such as `decision.proposed`.
    pub kind: &'static str,
    /// The one object it is about.
    pub object: Option<Object>,
    /// Members of `d`.
    pub d: Vec<(&'static str, Value)>,
    /// Texts that become `cm`.
    pub texts: Vec<CommittedText>,
}

crate::decision::words! {
    /// What an agent key may do.
    Scope {
        /// Propose, withdraw, report.
        Ingest "ingest"
        /// Read its own system's decisions.
        Read "read"
        /// Fetch files of the log; for the tokens of auditors.
        Export "export"
    }
}

crate::decision::words! {
    /// How a person was known at sign-in.
    SignInMethod {
        /// A local password.
        Password "password"
        /// A local password and a code of an authenticator app.
        Totp "totp"
        /// A local password and a recovery code.
        Recovery "recovery"
        /// A passkey that verified its user.
        Passkey "passkey"
        /// A local account, with its second factor, while sign-in providers are in force.
        BreakGlass "break_glass"
        /// An identity provider.
        Provider "provider"
        /// The demo's switch between invented people; exists in demo installations only.
        Demo "demo"
    }
}

crate::decision::words! {
    /// What a credential is, by its algorithm.
    CredentialAlg {
        /// Passkey: ECDSA over P-256 with SHA-256.
        Es256 "es256"
        /// Passkey: Ed25519.
        EdDsa "eddsa"
        /// Codes of an authenticator app.
        Totp "totp"
        /// Printed recovery codes.
        Recovery "recovery"
    }
}

crate::decision::words! {
    /// How the right to set a password was shown.
    PasswordBy {
        /// The set-up link.
        Setup "setup"
        /// An invitation link.
        Invitation "invitation"
        /// A signed-in person with the old password.
        Change "change"
    }
}

crate::decision::words! {
    /// What was done to a provider.
    ProviderChange {
        /// It was connected; nobody can sign in through it yet.
        Added "added"
        /// Its settings or its secret were changed.
        Changed "changed"
        /// People can sign in through it.
        Enabled "enabled"
        /// Nobody can sign in through it any more; running sign-ins go on.
        Disabled "disabled"
        /// It was taken away.
        Removed "removed"
    }
}

crate::decision::words! {
    /// What a directory did to a user or group.
    ScimChange {
        /// Pushed it for the first time.
        Created "created"
        /// Changed it.
        Changed "changed"
        /// Took it away.
        Removed "removed"
    }
}

crate::decision::words! {
    /// Why a sign-in ended.
    EndCause {
        /// No request for the idle limit.
        Idle "idle"
        /// The absolute limit.
        Absolute "absolute"
        /// An admin, or the person from another sign-in.
        Forced "forced"
        /// The person was disabled or lost a role.
        Authority "authority"
        /// The sign-in provider said so.
        BackChannel "back_channel"
    }
}

crate::decision::words! {
    /// Why an agent took its proposal back.
    WithdrawCode {
        /// The action is not wanted any more.
        NoLongerNeeded "no_longer_needed"
    }
}

crate::decision::words! {
    /// Why a review does not count any more.
    VoidCause {
        /// Its author lost the right to give it before the resolution was written.
        Authority "authority"
        /// The content that it ruled on was changed.
        Revised "revised"
    }
}

crate::decision::words! {
    /// What is wrong with an installation.
    AnomalyCause {
        /// A volume is almost full: nothing is taken in, reads go on.
        DiskLow "disk_low"
    }
}

crate::decision::words! {
    /// What a reviewer of access says about one assignment.
    AccessReviewAnswer {
        /// It stays.
        Keep "keep"
        /// It ends, and another one is to take its place.
        Change "change"
        /// It ends.
        Revoke "revoke"
        /// It ended because nobody answered in time.
        Suspend "suspend"
    }
}

crate::decision::words! {
    /// The lists that reading seals.
    List {
        /// Open decisions.
        Queue "queue"
        /// Decisions of one key's system.
        Decisions "decisions"
        /// Entries of the ledger.
        Entries "entries"
        /// Members.
        People "people"
        /// Systems and their keys.
        Systems "systems"
        /// Identity providers.
        Providers "providers"
        /// Sign-ins: one person's, or all that run.
        Sessions "sessions"
        /// A person's own reviews.
        Reviews "reviews"
        /// Passkeys that wait for an admin's word.
        Credentials "credentials"
        /// Decision types.
        DecisionTypes "decision_types"
        /// The live stream of changes.
        Changes "changes"
        /// Changes that wait for a second person, and those decided.
        AwaitedChanges "awaited_changes"
        /// Roles and what each may do.
        Roles "roles"
        /// Keys of systems and tokens of auditors.
        Keys "keys"
        /// Access of outside auditors.
        AuditWindows "audit_windows"
        /// Reviews of assignments.
        AccessReviews "access_reviews"
        /// Mappings of providers and their history.
        Mappings "mappings"
        /// Policies: the table in force, versions and drafts.
        Policies "policies"
        /// Users that a directory pushed.
        ScimUsers "scim_users"
        /// Groups that a directory pushed.
        ScimGroups "scim_groups"
        /// What the door for directories offers.
        ScimSchemas "scim_schemas"
        /// Notes for the next shift.
        Handovers "handovers"
        /// Tokens of directories and what was pushed with them, counted.
        Directories "directories"
        /// Decisions that were selected to be reviewed by one act and do not fit together, or who asks for own acts of that kind.
        Bulk "bulk"
        /// What people look at afterwards.
        PostReviews "post_reviews"
        /// Who reviews in whose place.
        Delegations "delegations"
        /// Channels of notices, and messages that were given up.
        Channels "channels"
        /// Grants, or what somebody may ask one for.
        Grants "grants"
        /// Requests for a role: one's own, or everybody's.
        RoleRequests "role_requests"
    }
}

impl Event {
    /// Takes the event apart for its leaf.
    pub fn parts(&self) -> Parts {
        match self {
            Event::LedgerOpened { object, log, rp, vkey } => act("ledger.opened", "log", *object, 1).d([
                ("format", 1u64.into()),
                ("log", log.as_str().into()),
                ("rp", rp.as_str().into()),
                ("vkey", vkey.as_str().into()),
            ]),
            Event::Heartbeat => bare("ledger.heartbeat"),
            Event::PolicyActivated { policy, n, version, digest } => act("policy.activated", "policy", policy.0, *n)
                .d([("digest", (*digest).into()), ("version", id(version.0))]),
            Event::TypeDefined { id, digest } => {
                act("settings.changed", "decision_type", id.0, 1).d([("digest", (*digest).into())])
            }
            Event::SystemApproved { system, n, name } => {
                act("system.approved", "system", system.0, *n).text("name", name, TextOwner::System(*system))
            }
            Event::SystemPaused { system, n, reason, by } => {
                act("system.paused", "system", system.0, *n).text("reason", reason, TextOwner::Person(*by))
            }
            Event::SystemResumed { system, n, pause, reason, by } => act("system.resumed", "system", system.0, *n)
                .d([("pause", id(pause.0))])
                .text("reason", reason, TextOwner::Person(*by)),
            Event::KeyIssued { key, system, scopes, expires } => act("agent_key.issued", "agent_key", key.0, 1).d([
                ("expires", (*expires).into()),
                ("scopes", Value::array(scopes.iter().map(|scope| scope.word()))),
                ("system", id(system.0)),
            ]),
            Event::KeyRevoked { key, n } => act("agent_key.revoked", "agent_key", key.0, *n),
            Event::PersonCreated { person, name, login } => act("person.created", "person", person.0, 1)
                .text("name", name, TextOwner::Person(*person))
                .text("login", login, TextOwner::Person(*person)),
            Event::PersonDisabled { person, n } => act("person.disabled", "person", person.0, *n),
            Event::PersonEnabled { person, n } => act("person.enabled", "person", person.0, *n),
            Event::RoleAssigned { person, n, assignment, holding, source } => {
                let mut parts = act("role.assigned", "person", person.0, *n)
                    .d([("assignment", id(assignment.0)), ("role", id(holding.role.id().0))]);
                match &holding.scope {
                    RoleScope::All => {}
                    RoleScope::Systems(systems) => match systems.as_slice() {
                        [system] => parts.d.push(("system", id(system.0))),
                        systems => parts.d.push(("systems", Value::array(systems.iter().map(|system| id(system.0))))),
                    },
                }
                parts.d.extend(holding.limits.members());
                parts.d.extend(holding.until.map(|until| ("until", until.into())));
                match source {
                    Source::Hand => {}
                    Source::Provider(provider) => {
                        parts.d.extend([("provider", id(provider.0)), ("source", "provider".into())]);
                    }
                    Source::BreakGlass => parts.d.push(("source", "break_glass".into())),
                    Source::Window(window) => {
                        parts.d.extend([("source", "window".into()), ("window", id(window.0))]);
                    }
                }
                parts
            }
            Event::RoleUnassigned { person, n, assignment, role } => act("role.unassigned", "person", person.0, *n)
                .d([("assignment", id(assignment.0)), ("role", id(role.id().0))]),
            Event::PasswordChanged { person, n, by } => {
                act("auth.password_changed", "person", person.0, *n).d([("by", by.word().into())])
            }
            Event::SignedIn { session, person, method, ip, agent } => act("auth.signed_in", "session", session.0, 1)
                .d([("method", method.word().into()), ("uv", (*method == SignInMethod::Passkey).into())])
                .text("agent", agent, TextOwner::Person(*person))
                .text("ip", ip, TextOwner::Person(*person)),
            Event::SignInFailed { person, count, ip } => {
                let owner = person.map_or(TextOwner::Unattributed, TextOwner::Person);
                let mut parts = bare("auth.failed").d([("count", (*count).into())]).text("ip", ip, owner);
                parts.d.extend(person.map(|person| ("person", id(person.0))));
                parts
            }
            Event::SignedOut { session, n } => act("auth.signed_out", "session", session.0, *n),
            Event::SignInEnded { session, n, cause } => {
                act("auth.ended", "session", session.0, *n).d([("cause", cause.word().into())])
            }
            Event::SteppedUp { session, n, method } => act("auth.stepped_up", "session", session.0, *n)
                .d([("method", method.word().into()), ("uv", (*method == SignInMethod::Passkey).into())]),
            Event::CredentialEnrolled { person, n, alg, key, backup, aaguid } => {
                let mut parts = act("auth.credential_enrolled", "person", person.0, *n).d([
                    ("alg", alg.word().into()),
                    ("backup", (*backup).into()),
                    ("key", (*key).into()),
                ]);
                parts.d.extend(aaguid.map(|aaguid| ("aaguid", id(aaguid))));
                parts
            }
            Event::CredentialConfirmed { person, n, credential } => {
                act("auth.credential_confirmed", "person", person.0, *n).d([("credential", id(credential.0))])
            }
            Event::CredentialRemoved { person, n, credential } => {
                act("auth.credential_removed", "person", person.0, *n).d([("credential", id(credential.0))])
            }
            Event::RecoveryUsed { person, n } => act("auth.recovery_used", "person", person.0, *n),
            Event::BreakGlassUsed { session, n, person, reason } => {
                act("auth.break_glass_used", "session", session.0, *n).text(
                    "reason",
                    reason,
                    TextOwner::Person(*person),
                )
            }
            Event::Proposed { decision, content, type_id, tier, source_n } => {
                let mut parts = act("decision.proposed", "decision", decision.0, 1).d([
                    ("content", (*content).into()),
                    ("tier", tier.word().into()),
                    ("type", id(type_id.0)),
                ]);
                parts.d.extend(source_n.map(|n| ("src_n", n.into())));
                parts
            }
            Event::Routed { decision, n, policy, routed } => {
                let mut parts = act("decision.routed", "decision", decision.0, *n).d([
                    ("due", routed.due_at.into()),
                    ("need", routed.need.into()),
                    ("policy", id(policy.0)),
                    ("route", routed.route.word().into()),
                    ("rule", routed.rule.into()),
                ]);
                if routed.reject_threshold > 1 {
                    parts.d.push(("reject_threshold", routed.reject_threshold.into()));
                }
                if !routed.guards.is_empty() {
                    parts.d.push(("guards", Value::array(routed.guards.iter().map(|guard| guard.as_str()))));
                }
                parts
            }
            Event::Viewed { decision, upto, seen } => {
                read("decision.viewed", "decision", decision.0, *upto).d([("seen", (*seen).into())])
            }
            Event::Leased { decision, n, until, lapsed } => {
                let mut parts = act("decision.leased", "decision", decision.0, *n).d([("until", (*until).into())]);
                if !lapsed.is_empty() {
                    parts.d.push(("lapsed", Value::array(lapsed.iter().map(|entry| id(entry.0)))));
                }
                parts
            }
            Event::LeaseEnded { decision, n, lease, cause, reason } => {
                let parts = act("decision.lease_ended", "decision", decision.0, *n)
                    .d([("cause", cause.word().into()), ("lease", id(lease.0))]);
                match reason {
                    Some((reason, by)) => parts.text("reason", reason, TextOwner::Person(*by)),
                    None => parts,
                }
            }
            Event::Reviewed {
                decision,
                n,
                verdict,
                code,
                reason,
                form,
                reviewer,
                content,
                seen,
                policy,
                round,
                authority: (number, set),
                until,
                edited,
                signature,
                bulk,
                on_behalf,
                disclosed,
            } => {
                let mut parts = act("decision.reviewed", "decision", decision.0, *n).d([
                    ("authority", Value::object([("n", Value::from(*number)), ("set", (*set).into())])),
                    ("content", (*content).into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("seen", (*seen).into()),
                    ("verdict", verdict.word().into()),
                ]);
                for (field, text) in [("reason", reason), ("form", form)] {
                    if let Some(text) = text {
                        parts = parts.text(field, text, TextOwner::Person(*reviewer));
                    }
                }
                parts.d.extend(code.map(|code| ("code", code.word().into())));
                parts.d.extend(until.map(|until| ("until", until.into())));
                parts.d.extend(edited.map(|edited| ("edited", edited.into())));
                if let Some(signature) = signature {
                    parts.d.extend([
                        ("assertion", signature.assertion.into()),
                        ("expires", signature.expires.into()),
                        ("nonce", signature.nonce.as_str().into()),
                    ]);
                }
                parts.d.extend(bulk.map(|bulk| ("bulk", id(bulk.0))));
                if let Some(OnBehalf { delegation, authority: (number, set), .. }) = on_behalf.as_deref() {
                    parts.d.extend([
                        ("delegation", id(delegation.0)),
                        ("for_authority", Value::object([("n", Value::from(*number)), ("set", (*set).into())])),
                    ]);
                }
                if let Some(Disclosed { opened, left_closed }) = disclosed {
                    for (name, fields) in [("opened", opened), ("left_closed", left_closed)] {
                        // No array is empty in a leaf.
                        parts.d.extend((!fields.is_empty()).then(|| (name, Value::array(fields))));
                    }
                }
                parts
            }
            Event::BulkStarted { bulk, count, verdict, code, policy } => act("bulk.started", "bulk", bulk.0, 1).d([
                ("code", code.word().into()),
                ("count", (*count).into()),
                ("policy", id(policy.0)),
                ("verdict", verdict.word().into()),
            ]),
            Event::Resolved { decision, n, outcome, content, policy, rule, round, reviews } => {
                let mut parts = act("decision.resolved", "decision", decision.0, *n).d([
                    ("content", (*content).into()),
                    ("outcome", outcome.word().into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("rule", (*rule).into()),
                ]);
                parts.d.push(match (reviews.is_empty(), outcome) {
                    (false, _) => ("reviews", Value::array(reviews.iter().map(|entry| id(entry.0)))),
                    (true, ResolutionOutcome::Expired) => ("cause", "deadline".into()),
                    (true, ResolutionOutcome::Withdrawn) => ("cause", "requester".into()),
                    (true, ResolutionOutcome::Revoked) => ("cause", "revocation".into()),
                    (true, _) => ("cause", "rule".into()),
                });
                parts
            }
            Event::Commented { decision, n, comment, by, mentions, asks, answers } => {
                let mut parts = act("decision.commented", "decision", decision.0, *n).text(
                    "comment",
                    comment,
                    TextOwner::Person(*by),
                );
                parts.d.extend(answers.map(|entry| ("answers", id(entry.0))));
                parts.d.extend(asks.map(|person| ("asks", id(person.0))));
                if !mentions.is_empty() {
                    parts.d.push(("mentions", Value::array(mentions.iter().map(|person| id(person.0)))));
                }
                parts
            }
            Event::HandoverNoted { handover, system, until, note, by } => {
                let mut parts = act("handover.noted", "handover", handover.0, 1).d([("until", (*until).into())]).text(
                    "note",
                    note,
                    TextOwner::Person(*by),
                );
                parts.d.extend(system.map(|system| ("system", id(system.0))));
                parts
            }
            Event::HandoverEnded { handover, n } => act("handover.ended", "handover", handover.0, *n),
            Event::Revised { decision, n, from, content } => act("decision.revised", "decision", decision.0, *n)
                .d([("content", (*content).into()), ("from", (*from).into())]),
            Event::Edited { decision, n, from, content } => act("decision.edited", "decision", decision.0, *n)
                .d([("content", (*content).into()), ("from", (*from).into())]),
            Event::Withdrawn { decision, n, code } => {
                act("decision.withdrawn", "decision", decision.0, *n).d([("code", code.word().into())])
            }
            Event::QuorumMet { decision, n, outcome, content, policy, round, reviews, until } => {
                let mut parts = act("decision.quorum_met", "decision", decision.0, *n).d([
                    ("content", (*content).into()),
                    ("outcome", outcome.word().into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("until", (*until).into()),
                ]);
                if !reviews.is_empty() {
                    parts.d.push(("reviews", Value::array(reviews.iter().map(|entry| id(entry.0)))));
                }
                parts
            }
            Event::ReviewRetracted { decision, n, review, round } => {
                act("decision.review_retracted", "decision", decision.0, *n)
                    .d([("review", id(review.0)), ("round", (*round).into())])
            }
            Event::ReviewVoided { decision, n, review, cause } => {
                act("decision.review_voided", "decision", decision.0, *n)
                    .d([("cause", cause.word().into()), ("review", id(review.0))])
            }
            Event::Escalated { decision, n, need, due, review } => {
                let mut parts = act("decision.escalated", "decision", decision.0, *n)
                    .d([("due", (*due).into()), ("need", (*need).into())]);
                parts.d.extend(review.map(|review| ("review", id(review.0))));
                parts
            }
            Event::ResolvedByPause { decision, n, content, policy, rule, round } => {
                act("decision.resolved", "decision", decision.0, *n).d([
                    ("cause", "pause".into()),
                    ("content", (*content).into()),
                    ("outcome", ResolutionOutcome::Rejected.word().into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("rule", (*rule).into()),
                ])
            }
            Event::Revoked { decision, n, resolution, code, reason, by, authority: (number, set) } => {
                act("decision.revoked", "decision", decision.0, *n)
                    .d([
                        ("authority", Value::object([("n", Value::from(*number)), ("set", (*set).into())])),
                        ("code", code.word().into()),
                        ("resolution", id(resolution.0)),
                    ])
                    .text("reason", reason, TextOwner::Person(*by))
            }
            Event::Compensated { decision, n, result, reason, by } => {
                act("decision.compensated", "decision", decision.0, *n).d([("result", result.word().into())]).text(
                    "reason",
                    reason,
                    TextOwner::Person(*by),
                )
            }
            Event::OwnerNamed { system, n, owner, reason, by } => {
                let mut parts =
                    act("system.owner_named", "system", system.0, *n).text("reason", reason, TextOwner::Person(*by));
                parts.d.extend(owner.map(|owner| ("owner", id(owner.0))));
                parts
            }
            Event::Staffed { policy, rule, role, need, missing, system, systems } => bare("policy.staffed").d([
                ("missing", (*missing).into()),
                ("need", (*need).into()),
                ("policy", id(policy.0)),
                ("role", id(role.id().0)),
                ("rule", (*rule).into()),
                ("system", id(system.0)),
                ("systems", (*systems).into()),
            ]),
            Event::PolicyDrafted { version, n, digest } => {
                act("policy.drafted", "policy_version", version.0, *n).d([("digest", (*digest).into())])
            }
            Event::PolicySubmitted { version, n, digest, author, reason } => {
                act("policy.submitted", "policy_version", version.0, *n).d([("digest", (*digest).into())]).text(
                    "reason",
                    reason,
                    TextOwner::Person(*author),
                )
            }
            Event::PolicyRejected { version, n, by, reason } => {
                act("policy.rejected", "policy_version", version.0, *n).text("reason", reason, TextOwner::Person(*by))
            }
            Event::GuardsSet { amount_max } => bare("guard.changed").d([("amount_max", (*amount_max).into())]),
            Event::Released { decision, n, resolution, size } => act("decision.released", "decision", decision.0, *n)
                .d([("channel", "poll".into()), ("resolution", id(resolution.0)), ("size", (*size).into())]),
            Event::OutcomeReported { decision, n, resolution, result, effect } => {
                act("decision.outcome_reported", "decision", decision.0, *n).d([
                    ("effect", effect.word().into()),
                    ("resolution", id(resolution.0)),
                    ("result", result.word().into()),
                ])
            }
            Event::AccessViewed { object } => about("access.viewed", object),
            Event::AccessListed { list, count } => {
                bare("access.listed").d([("count", (*count).into()), ("list", list.word().into())])
            }
            Event::AccessDownloaded { object } => about("access.downloaded", object),
            Event::LogRead { count } => bare("access.log_read").d([("count", (*count).into())]),
            Event::AccessSearched { by, query, output, count } => {
                searched("access.searched", *by, query, output, *count)
            }
            Event::AccessExported { by, query, output, count } => {
                searched("access.exported", *by, query, output, *count)
            }
            Event::Refused { action, cause, count } => {
                let mut parts = bare("access.denied").d([("action", (*action).into()), ("cause", cause.word().into())]);
                parts.d.extend(count.map(|count| ("count", count.into())));
                parts
            }
            Event::KeyRotated { key, n, until } => {
                act("agent_key.rotated", "agent_key", key.0, *n).d([("until", (*until).into())])
            }
            Event::Anomaly { cause } => bare("ledger.anomaly").d([("cause", cause.word().into())]),
            Event::AuditWindowOpened { window, person, systems, from, until, name } => {
                let mut parts = act("audit_window.opened", "audit_window", window.0, 1).d([
                    ("from", (*from).into()),
                    ("person", id(person.0)),
                    ("until", (*until).into()),
                ]);
                if !systems.is_empty() {
                    parts.d.push(("systems", Value::array(systems.iter().map(|system| id(system.0)))));
                }
                parts.text("name", name, TextOwner::Person(*person))
            }
            Event::AuditWindowClosed { window, n } => act("audit_window.closed", "audit_window", window.0, *n),
            Event::AccessReviewStarted { review, items, snapshot, due, grace } => {
                act("access_review.started", "access_review", review.0, 1).d([
                    ("due", (*due).into()),
                    ("grace", (*grace).into()),
                    ("items", (*items).into()),
                    ("snapshot", (*snapshot).into()),
                ])
            }
            Event::AccessReviewDecided { review, n, assignment, answer } => {
                act("access_review.decided", "access_review", review.0, *n)
                    .d([("answer", answer.word().into()), ("assignment", id(assignment.0))])
            }
            Event::AccessReviewCompleted { review, n, kept, changed, revoked, suspended, result } => {
                act("access_review.completed", "access_review", review.0, *n).d([
                    ("changed", (*changed).into()),
                    ("kept", (*kept).into()),
                    ("result", (*result).into()),
                    ("revoked", (*revoked).into()),
                    ("suspended", (*suspended).into()),
                ])
            }
            Event::ChangeRequested { change, what, digest, subject } => {
                let mut parts = act("change.requested", "change", change.0, 1)
                    .d([("digest", (*digest).into()), ("what", (*what).into())]);
                parts.d.extend(subject.map(|subject| ("subject", id(subject.0))));
                parts
            }
            Event::ChangeDecided { change, n, decided } => act(decided.kind(), "change", change.0, *n),
            Event::SingleOperatorSet { on } => bare("settings.single_operator").d([("on", (*on).into())]),
            Event::Unmasked { decision, upto, field, reason, by } => {
                read("access.unmasked", "decision", decision.0, *upto).d([("field", field.as_str().into())]).text(
                    "reason",
                    reason,
                    TextOwner::Person(*by),
                )
            }
            Event::ProviderChanged { provider, n, change, digest } => {
                act("sso.provider_changed", "provider", provider.0, *n)
                    .d([("change", change.word().into()), ("digest", (*digest).into())])
            }
            Event::IdentityLinked { person, n, provider, subject } => act("person.linked", "person", person.0, *n)
                .d([("provider", id(provider.0))])
                .text("subject", subject, TextOwner::Person(*person)),
            Event::ProviderRefused { provider, count, cause, detail, ip } => bare("auth.failed")
                .d([("cause", (*cause).into()), ("count", (*count).into()), ("provider", id(provider.0))])
                .text("detail", detail, TextOwner::Unattributed)
                .text("ip", ip, TextOwner::Unattributed),
            Event::MappingChanged { provider, n, version, digest, dry_run } => {
                let mut parts = act("sso.mapping_changed", "mapping", provider.0, *n)
                    .d([("digest", (*digest).into()), ("version", id(version.0))]);
                parts.d.extend(dry_run.map(|digest| ("dry_run", digest.into())));
                parts
            }
            Event::MappingApplied { person, n, version, matched, overage, snapshot } => {
                let mut parts = act("sso.mapping_applied", "person", person.0, *n)
                    .d([("matched", (*matched).into()), ("overage", (*overage).into())])
                    .text("snapshot", snapshot, TextOwner::Person(*person));
                parts.d.extend(version.map(|version| ("version", id(version.0))));
                parts
            }
            Event::ScimTokenIssued { token, provider, ceiling, expires } => {
                let mut parts = act("scim.token_issued", "scim_token", token.0, 1)
                    .d([("expires", (*expires).into()), ("provider", id(provider.0))]);
                if !ceiling.is_empty() {
                    parts.d.push(("ceiling", Value::array(ceiling.iter().map(|role| id(role.id().0)))));
                }
                parts
            }
            Event::ScimTokenRevoked { token, n } => act("scim.token_revoked", "scim_token", token.0, *n),
            Event::ScimUserApplied { user, n, change, person, document } => {
                let mut parts = act("scim.applied", "scim_user", user.0, *n).d([("change", change.word().into())]);
                parts.d.extend(person.map(|person| ("person", id(person.0))));
                let owner =
                    || person.map_or_else(|| TextOwner::Subject(format!("scim user {user}")), TextOwner::Person);
                match document {
                    Some(document) => parts.text("document", document, owner()),
                    None => parts,
                }
            }
            Event::ScimGroupApplied { group, n, change, members, document } => {
                let parts = act("scim.applied", "scim_group", group.0, *n)
                    .d([("change", change.word().into()), ("members", (*members).into())]);
                match document {
                    Some(document) => {
                        parts.text("document", document, TextOwner::Subject(format!("scim group {group}")))
                    }
                    None => parts,
                }
            }
            Event::Overridden {
                decision,
                n,
                resolution,
                code,
                reason,
                by,
                content,
                seen,
                policy,
                rule,
                authority: (number, set),
            } => act("decision.overridden", "decision", decision.0, *n)
                .d([
                    ("authority", Value::object([("n", Value::from(*number)), ("set", (*set).into())])),
                    ("code", code.word().into()),
                    ("content", (*content).into()),
                    ("policy", id(policy.0)),
                    ("resolution", id(resolution.0)),
                    ("rule", (*rule).into()),
                    ("seen", (*seen).into()),
                ])
                .text("reason", reason, TextOwner::Person(*by)),
            Event::ResolvedByOverride { decision, n, content, policy, rule, round } => {
                act("decision.resolved", "decision", decision.0, *n).d([
                    ("cause", "override".into()),
                    ("content", (*content).into()),
                    ("outcome", ResolutionOutcome::Approved.word().into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("rule", (*rule).into()),
                ])
            }
            Event::PostReviewed { act: of, result, reason, by } => act("post_review.given", "post_review", of.0, 1)
                .d([("result", result.word().into())])
                .text("reason", reason, TextOwner::Person(*by)),
            Event::DelegationGiven { delegator, n, terms } => {
                let mut parts = act("delegation.given", "person", delegator.0, *n).d([
                    ("from", terms.from.into()),
                    ("to", id(terms.to.0)),
                    ("until", terms.until.into()),
                ]);
                if let RoleScope::Systems(systems) = &terms.scope {
                    parts.d.push(("systems", Value::array(systems.iter().map(|system| id(system.0)))));
                }
                parts.d.extend(terms.limits.members());
                parts
            }
            Event::DelegationEnded { delegator, n, delegation } => {
                act("delegation.ended", "person", delegator.0, *n).d([("delegation", id(delegation.0))])
            }
            Event::AbsenceSet { person, n, from, until, delegation } => {
                let mut parts = act("absence.set", "person", person.0, *n)
                    .d([("from", (*from).into()), ("until", (*until).into())]);
                parts.d.extend(delegation.map(|entry| ("delegation", id(entry.0))));
                parts
            }
            Event::AbsenceCleared { person, n, absence } => {
                act("absence.cleared", "person", person.0, *n).d([("absence", id(absence.0))])
            }
            Event::RoleRequested { person, n, role, page, reason } => {
                let mut parts = act("role.requested", "person", person.0, *n);
                parts.d.extend(role.map(|role| ("role", id(role.id().0))));
                if let Some(page) = page {
                    parts = parts.text("page", page, TextOwner::Person(*person));
                }
                parts.text("reason", reason, TextOwner::Person(*person))
            }
            Event::RoleRequestAnswered { person, n, request, answer, reason, by } => {
                act("role.request_answered", "person", person.0, *n)
                    .d([("answer", answer.word().into()), ("request", id(request.0))])
                    .text("reason", reason, TextOwner::Person(*by))
            }
            Event::GrantRequested { grant, system, type_id, uses, seconds, scope, reason, by } => {
                act("grant.requested", "grant", grant.0, 1)
                    .d([
                        ("seconds", (*seconds).into()),
                        ("system", id(system.0)),
                        ("type", id(type_id.0)),
                        ("uses", (*uses).into()),
                    ])
                    .text("reason", reason, TextOwner::Person(*by))
                    .text("scope", scope, TextOwner::Unattributed)
            }
            Event::GrantActivated { grant, n, until, reason, by, authority: (number, set) } => {
                act("grant.activated", "grant", grant.0, *n)
                    .d([
                        ("authority", Value::object([("n", Value::from(*number)), ("set", (*set).into())])),
                        ("until", (*until).into()),
                    ])
                    .text("reason", reason, TextOwner::Person(*by))
            }
            Event::GrantRefused { grant, n, reason, by } => {
                act("grant.refused", "grant", grant.0, *n).text("reason", reason, TextOwner::Person(*by))
            }
            Event::GrantUsed { grant, n, decision, number } => {
                act("grant.used", "grant", grant.0, *n).d([("decision", id(decision.0)), ("number", (*number).into())])
            }
            Event::GrantExhausted { grant, n } => act("grant.exhausted", "grant", grant.0, *n),
            Event::GrantExpired { grant, n } => act("grant.expired", "grant", grant.0, *n),
            Event::GrantRevoked { grant, n, reason, by } => {
                act("grant.revoked", "grant", grant.0, *n).text("reason", reason, TextOwner::Person(*by))
            }
            Event::ResolvedByGrant { decision, n, content, policy, rule, round, grant } => {
                act("decision.resolved", "decision", decision.0, *n).d([
                    ("cause", "grant".into()),
                    ("content", (*content).into()),
                    ("grant", id(grant.0)),
                    ("outcome", ResolutionOutcome::Approved.word().into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("rule", (*rule).into()),
                ])
            }
            Event::Denied { action, object, cause } => {
                let mut parts = bare("access.denied").d([("action", (*action).into())]);
                parts.d.extend(cause.map(|cause| ("cause", cause.word().into())));
                parts.object.clone_from(object);
                parts
            }
            Event::Reminded { decision, n, share, due, invited } => {
                let mut parts = act("decision.reminded", "decision", decision.0, *n)
                    .d([("due", (*due).into()), ("share", (*share).into())]);
                parts.d.extend(invited.map(|person| ("invited", id(person.0))));
                parts
            }
            Event::ChannelCreated { channel, medium, digest } => act("channel.created", "channel", channel.0, 1)
                .d([("digest", (*digest).into()), ("medium", medium.word().into())]),
            Event::ChannelChanged { channel, n, digest, paused } => act("channel.changed", "channel", channel.0, *n)
                .d([("digest", (*digest).into()), ("paused", (*paused).into())]),
            Event::ChannelRemoved { channel, n } => act("channel.removed", "channel", channel.0, *n),
        }
    }
}

impl Parts {
    fn d<const N: usize>(mut self, members: [(&'static str, Value); N]) -> Self {
        self.d.extend(members);
        self
    }

    fn text(mut self, field: &'static str, text: &str, owner: TextOwner) -> Self {
        self.texts.push(CommittedText { field, text: text.to_owned(), owner });
        self
    }
}

fn act(kind: &'static str, object: &'static str, id: Uuid, n: u64) -> Parts {
    about(kind, &Object { kind: object, id, place: Place::Act(n) })
}

fn searched(kind: &'static str, by: PersonId, query: &str, output: &str, count: u64) -> Parts {
    bare(kind).d([("count", count.into())]).text("output", output, TextOwner::Person(by)).text(
        "query",
        query,
        TextOwner::Person(by),
    )
}

fn read(kind: &'static str, object: &'static str, id: Uuid, upto: u64) -> Parts {
    about(kind, &Object { kind: object, id, place: Place::Read(upto) })
}

fn about(kind: &'static str, object: &Object) -> Parts {
    Parts { object: Some(object.clone()), ..bare(kind) }
}

fn bare(kind: &'static str) -> Parts {
    Parts { kind, object: None, d: Vec::new(), texts: Vec::new() }
}

fn id(id: Uuid) -> Value {
    id.hyphenated().to_string().into()
}
