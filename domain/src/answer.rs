//! What an agent reads back about its decision, as REST sends it.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{ReasonCode, ResolutionOutcome, Risk, SealState, State},
    ids::{DecisionId, GrantId, OutcomeId, PolicyVersionId},
    policy::{OnTimeout, Route},
    problem::Next,
};

/// A decision as its agent sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDecision {
    /// The decision.
    pub id: DecisionId,
    /// State; `in_review` until a resolution is sealed.
    pub state: State,
    /// Number of the highest sealed entry about the decision.
    pub version: u64,
    /// Number of the revision, from 1.
    pub revision: u64,
    /// Name of the type.
    pub type_name: String,
    /// Version of the type.
    pub type_version: u32,
    /// The caller's id of the case.
    pub external_id: Option<String>,
    /// The agent's run.
    pub conversation: Option<String>,
    /// Risk by type and policy.
    pub risk: Risk,
    /// Digest of the `content` statement.
    pub content_hash: String,
    /// Where the policy sent it.
    pub route: AgentRoute,
    /// Who must act; agents never.
    pub turn: Option<AgentTurn>,
    /// Deadline, RFC 3339.
    pub due_at: String,
    /// What silence means then.
    pub on_timeout: OnTimeout,
    /// The system is paused: it must not act, whatever was approved, and no further approval is told until it is resumed.
    #[serde(default)]
    pub paused: bool,
    /// The final word, only once sealed; an approval that was not told before a pause, only after it.
    pub resolution: Option<AgentResolution>,
    /// What to run, exactly: only with an approval.
    pub action: Option<AgentAction>,
    /// What a reviewer asks the AI system to change, in their own words; while a change is asked for.
    pub message: Option<String>,
    /// Why, in one word; while a change is asked for.
    pub reason_code: Option<ReasonCode>,
    /// What the agent may do about it: send a revision; while a change is asked for.
    pub next: Option<AgentNext>,
    /// Seal of the last entry counted in `version`.
    pub seal: AgentSeal,
    /// Address of the decision page.
    pub page: String,
}

/// What an agent runs after an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentAction {
    /// Name of the type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of the type.
    pub type_version: u32,
    /// Values by the type's names, as a request sends them.
    pub parameters: serde_json::Map<String, serde_json::Value>,
}

/// Where the policy sent a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRoute {
    /// The route.
    pub outcome: Route,
    /// The version that routed.
    pub policy_version: PolicyVersionId,
    /// The row.
    pub rule: u64,
    /// Approvals needed.
    pub reviews_needed: u64,
}

/// Who must act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTurn {
    /// Group of people.
    pub of: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Why.
    pub why: String,
}

/// The final word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentResolution {
    /// The word.
    pub outcome: ResolutionOutcome,
    /// When, RFC 3339.
    pub at: String,
    /// Who or what decided.
    pub decided_by: DecidedBy,
    /// A reviewer changed the parameters: `action` is not what was proposed.
    pub edited: bool,
    /// The reason in one word of who decided or revoked, or `system_paused`; a deadline has none.
    pub reason_code: Option<ReasonCode>,
    /// What the agent has to know beside the outcome.
    pub message: Option<String>,
    /// What the agent may do.
    pub next: AgentNext,
}

/// Who or what decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedBy {
    /// `people`, `rule`, `grant`, `deadline`, `pause`, `requester`, or `override`: a person released what a rule had refused.
    pub kind: String,
    /// The grant that approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// Counted reviews.
    pub reviews: u64,
}

/// What an agent may do after a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentNext {
    /// Act with exactly the approved parameters.
    Act,
    /// Send a revision, or withdraw.
    Revise,
    /// Do not act.
    Stop,
    /// Undo what ran, where that is possible, and report `compensated`: the approval was revoked after it.
    Compensate,
}

impl From<ResolutionOutcome> for AgentNext {
    fn from(outcome: ResolutionOutcome) -> Self {
        match outcome {
            ResolutionOutcome::Approved => AgentNext::Act,
            ResolutionOutcome::Rejected
            | ResolutionOutcome::Expired
            | ResolutionOutcome::Withdrawn
            | ResolutionOutcome::Revoked => AgentNext::Stop,
        }
    }
}

/// How far an entry has come, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSeal {
    /// How far.
    pub state: SealState,
    /// Index in the log, once sealed.
    pub index: Option<u64>,
    /// A signed size that covers it.
    pub size: Option<u64>,
}

/// What is answered to a reported outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentOutcome {
    /// The report.
    pub id: OutcomeId,
    /// Its seal.
    pub seal: AgentSeal,
}

/// A problem as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemDocument {
    /// Address of the code's page.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short title.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    #[serde(flatten)]
    pub problem: crate::Problem,
    /// What the agent may do next.
    pub next: Next,
    /// Id of the request in the logs.
    pub request_id: String,
}
