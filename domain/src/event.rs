//! What the ledger says about each act: kind, object, fields and committed texts.
//!
//! The kinds and their fields are those of the leaf format, version 1. Sealed formats are for ever:
//! a new fact is a new variant or a new optional field, never a change of an old one.

use countersign_ledger::{hash::Hash, value::Value};
use uuid::Uuid;

use crate::{
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, Risk, Verdict},
    ids::{
        AgentKeyId, DecisionId, DecisionTypeId, EntryId, PersonId, PolicyId, PolicyVersionId, RoleAssignmentId,
        SessionId, SystemId,
    },
    policy::Routed,
    role::Role,
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
        /// The holding that begins.
        assignment: RoleAssignmentId,
        /// The role.
        role: Role,
    },
    /// A person lost a role.
    RoleUnassigned {
        /// The person.
        person: PersonId,
        /// Number of this entry about the person.
        n: u64,
        /// The holding that ends.
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
    /// A person ruled.
    Reviewed {
        /// The decision.
        decision: DecisionId,
        /// Number of this entry about the decision.
        n: u64,
        /// The ruling.
        verdict: Verdict,
        /// The reason in one word.
        code: ReasonCode,
        /// The reason, committed.
        reason: String,
        /// Who ruled; the reason is theirs.
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
        /// The entries of the counted reviews; empty when the deadline decided.
        reviews: Vec<EntryId>,
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
    /// Authorisation said no.
    Denied {
        /// The action, a Cedar action name.
        action: &'static str,
        /// On what, when it exists.
        object: Option<Object>,
        /// The code of the rule that said no, where it was not authorisation.
        cause: Option<crate::problem::Code>,
    },
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
    }
}

crate::decision::words! {
    /// How a person was known at sign-in.
    SignInMethod {
        /// A local password.
        Password "password"
        /// The demo's switch between invented people; exists in demo installations only.
        Demo "demo"
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
        /// One person's sign-ins.
        Sessions "sessions"
        /// Decision types.
        DecisionTypes "decision_types"
        /// The live stream of changes.
        Changes "changes"
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
            Event::RoleAssigned { person, n, assignment, role } => act("role.assigned", "person", person.0, *n)
                .d([("assignment", id(assignment.0)), ("role", id(role.id().0))]),
            Event::RoleUnassigned { person, n, assignment, role } => act("role.unassigned", "person", person.0, *n)
                .d([("assignment", id(assignment.0)), ("role", id(role.id().0))]),
            Event::PasswordChanged { person, n, by } => {
                act("auth.password_changed", "person", person.0, *n).d([("by", by.word().into())])
            }
            Event::SignedIn { session, person, method, ip, agent } => act("auth.signed_in", "session", session.0, 1)
                .d([("method", method.word().into()), ("uv", false.into())])
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
            Event::Proposed { decision, content, type_id, tier, source_n } => {
                let mut parts = act("decision.proposed", "decision", decision.0, 1).d([
                    ("content", (*content).into()),
                    ("tier", tier.word().into()),
                    ("type", id(type_id.0)),
                ]);
                parts.d.extend(source_n.map(|n| ("src_n", n.into())));
                parts
            }
            Event::Routed { decision, n, policy, routed } => act("decision.routed", "decision", decision.0, *n).d([
                ("due", routed.due_at.into()),
                ("need", routed.need.into()),
                ("policy", id(policy.0)),
                ("route", routed.route.word().into()),
                ("rule", routed.rule.into()),
            ]),
            Event::Viewed { decision, upto, seen } => {
                read("decision.viewed", "decision", decision.0, *upto).d([("seen", (*seen).into())])
            }
            Event::Reviewed {
                decision,
                n,
                verdict,
                code,
                reason,
                reviewer,
                content,
                seen,
                policy,
                round,
                authority: (number, set),
            } => act("decision.reviewed", "decision", decision.0, *n)
                .d([
                    ("authority", Value::object([("n", Value::from(*number)), ("set", (*set).into())])),
                    ("code", code.word().into()),
                    ("content", (*content).into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("seen", (*seen).into()),
                    ("verdict", verdict.word().into()),
                ])
                .text("reason", reason, TextOwner::Person(*reviewer)),
            Event::Resolved { decision, n, outcome, content, policy, rule, round, reviews } => {
                let mut parts = act("decision.resolved", "decision", decision.0, *n).d([
                    ("content", (*content).into()),
                    ("outcome", outcome.word().into()),
                    ("policy", id(policy.0)),
                    ("round", (*round).into()),
                    ("rule", (*rule).into()),
                ]);
                parts.d.push(if reviews.is_empty() {
                    ("cause", "deadline".into())
                } else {
                    ("reviews", Value::array(reviews.iter().map(|entry| id(entry.0))))
                });
                parts
            }
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
            Event::Denied { action, object, cause } => {
                let mut parts = bare("access.denied").d([("action", (*action).into())]);
                parts.d.extend(cause.map(|cause| ("cause", cause.word().into())));
                parts.object.clone_from(object);
                parts
            }
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
