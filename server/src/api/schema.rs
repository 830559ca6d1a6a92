//! The wire types as OpenAPI describes them.
//!
//! They mirror the types of `countersign_domain` that handlers read and write, which stay free of
//! documentation machinery; tests hold the two together, field by field and word by word.

#![expect(dead_code, reason = "these types describe JSON; they are never made")]

use utoipa::{
    ToResponse, ToSchema,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};
use uuid::Uuid;

/// Any JSON object whose members are not described here.
#[derive(ToSchema)]
#[schema(value_type = Object)]
pub struct FreeForm(serde_json::Value);

/// What an agent proposes. Unknown fields, duplicate keys and numbers with a fraction are refused.
#[derive(ToSchema)]
pub struct Proposal {
    mode: Mode,
    channel: Option<Channel>,
    /// An id of the caller's choice: a UUID version 7 in lower case.
    id: Option<Uuid>,
    source: Option<Source>,
    action: Action,
    /// What the agent wants to reach.
    intent: Option<String>,
    /// Why it wants to act so.
    rationale: Option<String>,
    #[schema(max_items = 32)]
    alternatives: Option<Vec<Alternative>>,
    /// A decimal from "0" to "1" as text.
    #[schema(pattern = r"^(0|1|0\.[0-9]+|1\.0+)$")]
    confidence: Option<String>,
    model: Option<Model>,
    prompt_version: Option<String>,
    /// Persons whom the decision affects.
    #[schema(max_items = 32)]
    subjects: Option<Vec<Subject>>,
    impact: Option<Impact>,
    context: Option<Context>,
    /// States that an equal open decision is not a duplicate.
    second_act: Option<bool>,
    /// An opaque id of the case, without personal values.
    external_id: Option<String>,
}

/// What the request asks for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Mode {
    /// People decide.
    Propose,
}

/// How the proposal came.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Channel {
    /// By this API.
    Api,
    /// By an SDK.
    Sdk,
}

/// A sender of numbered proposals, so that gaps show.
#[derive(ToSchema)]
pub struct Source {
    name: String,
    /// The sender's own number.
    n: u64,
}

/// The action that would run.
#[derive(ToSchema)]
pub struct Action {
    /// Name of the decision type.
    #[schema(rename = "type", example = "reservation.cancel")]
    kind: String,
    /// The newest version when absent.
    #[schema(minimum = 1)]
    type_version: Option<u32>,
    /// Values by the type's names. A decimal is text.
    parameters: FreeForm,
}

/// What the agent could have done instead.
#[derive(ToSchema)]
pub struct Alternative {
    action: String,
    why_not: Option<String>,
}

/// The model behind the agent.
#[derive(ToSchema)]
pub struct Model {
    provider: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

/// A person whom the decision affects.
#[derive(ToSchema)]
pub struct Subject {
    /// A reference of the caller's.
    #[schema(rename = "ref")]
    reference: String,
    kind: Option<SubjectKind>,
}

/// What a subject is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A human being.
    Person,
}

/// Whom and what the action touches.
#[derive(ToSchema)]
pub struct Impact {
    effects: Option<Vec<String>>,
    adverse: Option<bool>,
    affected: Option<u64>,
}

/// What the agent had before it.
#[derive(ToSchema)]
pub struct Context {
    /// An opaque id of the conversation or run.
    conversation: Option<String>,
    /// A W3C trace context.
    traceparent: Option<String>,
    #[schema(max_items = 1000)]
    steps: Option<Vec<Step>>,
    #[schema(max_items = 16)]
    documents: Option<Vec<Document>>,
}

/// One step of the run.
#[derive(ToSchema)]
pub struct Step {
    role: Option<String>,
    text: Option<String>,
    tool: Option<String>,
    arguments: Option<FreeForm>,
    result: Option<String>,
    summary: Option<String>,
}

/// A document that the agent read.
#[derive(ToSchema)]
pub struct Document {
    name: String,
    text: String,
}

/// A decision as its agent sees it.
#[derive(ToSchema)]
pub struct AgentDecision {
    id: Uuid,
    state: State,
    /// Number of the highest sealed entry about the decision.
    version: u64,
    /// Number of the revision, from 1.
    revision: u64,
    /// Name of the decision type.
    type_name: String,
    type_version: u32,
    external_id: Option<String>,
    conversation: Option<String>,
    risk: Risk,
    /// Digest of the content under review, base64url.
    content_hash: String,
    route: AgentRoute,
    turn: Option<AgentTurn>,
    /// Deadline, RFC 3339.
    due_at: String,
    on_timeout: OnTimeout,
    /// The AI system is paused: it must not act, whatever was approved, and no further approval is told until it is
    /// resumed.
    paused: bool,
    resolution: Option<AgentResolution>,
    action: Option<AgentAction>,
    /// What a reviewer asks the AI system to change, in a person's words; while a change is asked for.
    #[schema(max_length = 2000)]
    message: Option<String>,
    /// Why, in one word; while a change is asked for.
    reason_code: Option<ReasonCode>,
    /// `revise`, while a change is asked for.
    next: Option<AgentNext>,
    seal: AgentSeal,
    /// Address of the decision page.
    page: String,
}

/// What to run after an approval, exactly: the parameters as a request sends them.
#[derive(ToSchema)]
pub struct AgentAction {
    /// Name of the decision type.
    #[schema(rename = "type")]
    kind: String,
    type_version: u32,
    parameters: FreeForm,
}

/// Why a proposal is taken back.
#[derive(ToSchema)]
pub struct Withdrawal {
    reason_code: WithdrawCode,
}

/// Why a proposal is taken back, in one word.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum WithdrawCode {
    /// The action is not wanted any more.
    NoLongerNeeded,
}

/// Where a decision stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum State {
    /// Recorded, not routed yet.
    Received,
    /// Waits for a reviewer.
    Queued,
    /// A reviewer has begun, or a first review of several is in.
    InReview,
    /// A reviewer asked the AI system for a change.
    ChangesRequested,
    /// People have decided; a reviewer may still take a review back, and the agent has not been told.
    Settling,
    /// Final; the agent has not been told.
    Resolved,
    /// Final and told to the agent.
    Released,
    /// Nothing more will come.
    Closed,
}

/// How much harm a wrong decision of this kind can do.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Risk {
    /// Little harm, easily undone.
    Low,
    /// Some harm.
    Medium,
    /// Serious or irreversible harm.
    High,
}

/// What silence means at the deadline.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum OnTimeout {
    /// The agent is told no.
    Deny,
    /// Senior approvers get it, with as much time again; then the agent is told no.
    Escalate,
    /// The decision keeps waiting.
    Wait,
}

/// Where the policy sent a decision.
#[derive(ToSchema)]
pub struct AgentRoute {
    outcome: Route,
    /// The policy version that routed.
    policy_version: Uuid,
    /// The row of its table.
    rule: u64,
    /// Approvals by different people that are needed.
    reviews_needed: u64,
}

/// What the policy does with a decision.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Route {
    /// The agent may act at once, by the rule.
    AutoApprove,
    /// People review it.
    Require,
    /// The agent is told no at once, by the rule.
    Deny,
    /// Senior approvers review it.
    Escalate,
}

/// Who must act.
#[derive(ToSchema)]
pub struct AgentTurn {
    /// Group of people.
    of: String,
    /// Since when, RFC 3339.
    since: String,
    why: String,
}

/// The final word.
#[derive(ToSchema)]
pub struct AgentResolution {
    outcome: ResolutionOutcome,
    /// When, RFC 3339.
    at: String,
    decided_by: DecidedBy,
    /// A reviewer changed the parameters: `action` is not what was proposed.
    edited: bool,
    reason_code: Option<ReasonCode>,
    /// What the agent has to know beside the outcome.
    message: Option<String>,
    next: AgentNext,
}

/// The final word on a decision.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ResolutionOutcome {
    /// The agent may act.
    Approved,
    /// The agent must not act.
    Rejected,
    /// Nobody ruled in time, so the agent must not act.
    Expired,
    /// The agent took its proposal back.
    Withdrawn,
    /// It was approved, and that was taken back: the agent must not act, or undoes what it did.
    Revoked,
}

/// Who or what decided.
#[derive(ToSchema)]
pub struct DecidedBy {
    /// `people`, `rule`, `grant`, `deadline`, `pause`, `requester`, or `override`: a person released what a rule had refused.
    kind: String,
    /// The grant that approved it.
    grant: Option<Uuid>,
    /// Counted reviews.
    reviews: u64,
}

/// Why a reviewer ruled as they did.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The action fits the policy and the case.
    WithinPolicy,
    /// The policy does not allow it.
    AgainstPolicy,
    /// The parameters do not fit the case.
    WrongParameters,
    /// What would be needed to decide is missing.
    MissingInformation,
    /// Another reason, told in the text.
    Other,
    /// The AI system was paused when it proposed this.
    SystemPaused,
}

/// What an agent may do after a resolution.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
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

/// How far an entry has come.
#[derive(ToSchema)]
pub struct AgentSeal {
    state: SealState,
    /// Index in the log, once sealed.
    index: Option<u64>,
    /// A signed size that covers it.
    size: Option<u64>,
}

/// How far an entry has come on its way to outside proof.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SealState {
    /// Committed with its business rows.
    Recorded,
    /// Indexed under a signed checkpoint.
    Sealed,
    /// Served at the public checkpoint address.
    Published,
}

/// What became of an action.
#[derive(ToSchema)]
pub struct OutcomeReport {
    result: OutcomeResult,
    effect: Effect,
}

/// What happened.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum OutcomeResult {
    /// The action ran.
    Executed,
    /// The action was tried and did not succeed.
    Failed,
    /// The action did not run.
    NotExecuted,
    /// The action ran and was undone.
    Compensated,
}

/// How much of the action took effect.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing.
    None,
    /// A part.
    Partial,
    /// All of it.
    Full,
    /// The agent cannot tell.
    Unknown,
}

/// What is answered to a reported outcome.
#[derive(ToSchema)]
pub struct AgentOutcome {
    id: Uuid,
    seal: AgentSeal,
}

/// Every decision type.
#[derive(ToSchema)]
pub struct DecisionTypes {
    items: Vec<DecisionType>,
}

/// One version of a decision type.
#[derive(ToSchema)]
pub struct DecisionType {
    id: Uuid,
    /// Two words with a dot.
    #[schema(example = "reservation.cancel")]
    name: String,
    version: u32,
    /// What screens call the action.
    title: String,
    /// The name of the agent's own tool, where it differs.
    tool: Option<String>,
    risk: Risk,
    reversibility: Reversibility,
    risk_reasons: Vec<String>,
    /// The parameter that authority limits compare.
    amount: Option<String>,
    /// Parameters and record fields that people open with a reason only.
    personal: Option<Vec<String>>,
    /// What every decision of the type does, so that no grant covers it.
    hazards: Option<Vec<Hazard>>,
    parameters: Vec<Parameter>,
    /// What a reviewer answers beside code and reason; at most ten.
    form: Option<Vec<FormField>>,
}

/// A field that a reviewer answers beside code and reason.
#[derive(ToSchema)]
pub struct FormField {
    #[schema(pattern = "^[a-z][a-z0-9_]{0,47}$")]
    name: String,
    /// What is asked.
    label: String,
    /// What helps to answer it.
    hint: Option<String>,
    kind: AnswerKind,
    /// What can be chosen; of `choice` only.
    choices: Option<Vec<String>>,
    /// Whether a ruling without an answer is refused.
    required: bool,
    /// With which rulings it is asked; with every one that says yes or no where none is named.
    verdicts: Option<Vec<FormVerdict>>,
}

/// The answers of a form's field.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum AnswerKind {
    /// Text of at most 2,000 characters.
    Text,
    /// A decimal, at most 18 digits.
    Decimal,
    /// Yes or no.
    Boolean,
    /// One of several.
    Choice,
}

/// The rulings that a form belongs to.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum FormVerdict {
    /// Yes.
    Approve,
    /// Yes, to other parameters.
    ApproveWithEdits,
    /// No.
    Reject,
}

/// What every decision of a type does.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Hazard {
    /// It is to a person's disadvantage.
    Adverse,
    /// It takes data out of the company.
    DataExport,
}

/// Whether an effect can be undone.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Reversibility {
    /// Undone at no cost.
    Reversible,
    /// Undone at a cost or only in part.
    Compensable,
    /// Cannot be undone.
    Irreversible,
}

/// One parameter of a type.
#[derive(ToSchema)]
pub struct Parameter {
    #[schema(pattern = "^[a-z][a-z0-9_]{0,47}$")]
    name: String,
    /// What screens call it.
    label: String,
    kind: Kind,
    required: bool,
}

/// The values of a parameter.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    Text,
    /// An integer within ±(2^53−1).
    Integer,
    /// A decimal as text, at most 18 digits.
    Decimal,
    /// True or false.
    Boolean,
    /// Lists and objects.
    Structure,
}

/// A refusal or fault (RFC 9457).
#[derive(ToSchema)]
pub struct Problem {
    /// Address of the code's page.
    #[schema(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    /// A stable code of the catalogue; more may come.
    code: String,
    /// What happened and what to do.
    detail: String,
    /// Every field that needs a change.
    errors: Option<Vec<FieldError>>,
    /// Authorisation policies that decided a refusal.
    policies: Option<Vec<String>>,
    next: Next,
    /// Id of the request in the logs.
    request_id: String,
}

/// One field that needs a change.
#[derive(ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) of the field, empty for the whole document.
    pointer: String,
    code: String,
    /// What to send instead.
    detail: String,
}

/// What an agent may do next.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Next {
    /// The same request with the same key, after `Retry-After`.
    Retry,
    /// Other content under another key.
    Revise,
    /// Do not act; tell a person.
    Stop,
}

/// Every problem code.
#[derive(ToSchema)]
pub struct ErrorCatalogue {
    items: Vec<ErrorCode>,
}

/// One problem code.
#[derive(ToSchema)]
pub struct ErrorCode {
    code: String,
    status: u16,
    title: String,
    next: Next,
}

/// Any refusal, as `application/problem+json`.
pub struct Refused;

impl<'r> ToResponse<'r> for Refused {
    fn response() -> (&'r str, RefOr<Response>) {
        let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
        let response = ResponseBuilder::new()
            .description("A refusal or fault; `code` and `next` say what to do.")
            .content("application/problem+json", problem)
            .build();
        ("Refused", RefOr::T(response))
    }
}
