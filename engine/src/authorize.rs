//! The one authorisation path: Cedar policies in process, evaluated inside the transaction of the act.
//!
//! Policies and schema are compiled in. Roles are read in the same transaction that records the act,
//! with the person's row locked for share, so a role lost a moment ago is lost here too. Any error of
//! evaluation denies, because Cedar skips a policy that errs and a skipped `forbid` would open a door.

pub(crate) mod behalf;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, str::FromStr};

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression, Schema,
};
use countersign_domain::{
    authority::Authority,
    change::Change,
    decision::{self, Risk},
    decision_type::Reversibility,
    event::{Object, Place, Scope},
    holding::{Holding, Matter, RoleScope},
    ids::{
        ChangeId, DecisionId, DecisionTypeId, EntryId, GrantId, HandoverId, PersonId, PolicyVersionId, ProviderId,
        SessionId, SystemId,
    },
    problem::{Code, Problem},
    role::Role,
    staffing::{self, Chance},
};
use countersign_ledger::{
    hash::{Hash, Label, digest},
    leaf,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Engine,
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    keys, scim,
};

const SCHEMA: &str = include_str!("../policies/schema.cedarschema");
const POLICIES: &str = include_str!("../policies/policies.cedar");

macro_rules! actions {
    ($($variant:ident $word:literal)*) => {
        /// What a caller wants to do; each is a Cedar action of the same word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the words are the sentences of policies.cedar")]
        pub enum Action {$($variant,)*}

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$variant),*];

            /// Returns the Cedar action's name, which leaves of refusals carry too.
            pub const fn word(self) -> &'static str {
                match self { $(Action::$variant => $word),* }
            }

            /// Returns the action of this word.
            pub fn from_word(word: &str) -> Option<Action> {
                match word { $($word => Some(Action::$variant),)* _ => None }
            }
        }
    };
}

actions! {
    Propose "propose"
    ReportOutcome "report_outcome"
    Revise "revise"
    Withdraw "withdraw"
    GetDecision "get_decision"
    ListDecisionTypes "list_decision_types"
    ViewDecision "view_decision"
    ReviewDecision "review_decision"
    DownloadProof "download_proof"
    ListQueue "list_queue"
    OpenStream "open_stream"
    ViewLedger "view_ledger"
    ReadLog "read_log"
    ListPeople "list_people"
    InvitePerson "invite_person"
    ChangePerson "change_person"
    ListProviders "list_providers"
    ChangeProvider "change_provider"
    ListSystems "list_systems"
    RegisterSystem "register_system"
    IssueKey "issue_key"
    RevokeKey "revoke_key"
    DefineDecisionType "define_decision_type"
    ActivatePolicy "activate_policy"
    ViewSelf "view_self"
    EndSignIn "end_sign_in"
    SignIn "sign_in"
    SignInAs "sign_in_as"
    SetUp "set_up"
    Join "join"
    ResolveByDeadline "resolve_by_deadline"
    ManageFactors "manage_factors"
    StepUp "step_up"
    ListSessions "list_sessions"
    ListCredentials "list_credentials"
    ConfirmCredential "confirm_credential"
    ViewAccess "view_access"
    ExportAccess "export_access"
    ViewHealth "view_health"
    ListKeys "list_keys"
    RotateKey "rotate_key"
    ListAuditWindows "list_audit_windows"
    OpenAuditWindow "open_audit_window"
    CloseAuditWindow "close_audit_window"
    IssueToken "issue_token"
    ListAccessReviews "list_access_reviews"
    StartAccessReview "start_access_review"
    DecideAccessReview "decide_access_review"
    EndAccessReview "end_access_review"
    UnmaskField "unmask_field"
    ViewRoles "view_roles"
    ListChanges "list_changes"
    SwitchSingleOperator "switch_single_operator"
    ViewPerson "view_person"
    ExplainAccess "explain_access"
    AssignRole "assign_role"
    EndRole "end_role"
    ConfirmChange "confirm_change"
    WithdrawChange "withdraw_change"
    ReadDirectory "read_directory"
    PushDirectory "push_directory"
    IssueScimToken "issue_scim_token"
    RevokeScimToken "revoke_scim_token"
    ListPolicies "list_policies"
    DraftPolicy "draft_policy"
    ChangeDraft "change_draft"
    JudgeDraft "judge_draft"
    SetGuards "set_guards"
    AutoDecide "auto_decide"
    ListPauses "list_pauses"
    PauseSystem "pause_system"
    ResumeSystem "resume_system"
    CommentDecision "comment_decision"
    HandOver "hand_over"
    EndHandover "end_handover"
    RevokeDecision "revoke_decision"
    NameOwner "name_owner"
    ReviewInBulk "review_in_bulk"
    OverrideDecision "override_decision"
    ListPostReviews "list_post_reviews"
    GivePostReview "give_post_review"
    GiveDelegation "give_delegation"
    EndDelegation "end_delegation"
    SetAbsence "set_absence"
    ListChannels "list_channels"
    ChangeChannel "change_channel"
    ListGrants "list_grants"
    ViewGrant "view_grant"
    RequestGrant "request_grant"
    ActivateGrant "activate_grant"
    RefuseGrant "refuse_grant"
    RevokeGrant "revoke_grant"
    RequestRole "request_role"
    ListRoleRequests "list_role_requests"
    AnswerRoleRequest "answer_role_request"
}

/// On what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// One decision, its system and the number of its last entry.
    Decision { id: DecisionId, system: SystemId, n: u64 },
    /// One system.
    System(SystemId),
    /// One system that is paused, who paused it, and its last entry.
    PausedSystem { id: SystemId, by: PersonId, n: u64 },
    /// One member.
    Member(PersonId),
    /// One change that waits for a second person, who asked for it, whose access it is about, and its last entry.
    Change { id: ChangeId, requester: PersonId, subject: Option<PersonId>, n: u64 },
    /// What the directory of a provider pushed.
    Directory(ProviderId),
    /// A version of a policy under work, who wrote it, and its last entry.
    PolicyVersion { id: PolicyVersionId, author: PersonId, n: u64 },
    /// A note for the next shift: the system that it is about, who wrote it, and its last entry.
    Handover { id: HandoverId, system: Option<SystemId>, author: PersonId, n: u64 },
    /// An act that another person looks at: its entry, the decision that it is about with its system, and who acted.
    PostReview { act: EntryId, decision: Option<(DecisionId, SystemId)>, by: PersonId },
    /// A pre-approval, or one that is asked for, without entries: its system, type and highest amount, who asked, and its
    /// last entry.
    Grant { id: GrantId, system: SystemId, type_id: DecisionTypeId, amount: Option<u64>, requester: PersonId, n: u64 },
    /// One sign-in and whose it is.
    SignIn { id: SessionId, person: PersonId },
    /// The installation as a whole.
    Installation { demo: bool, has_admin: bool },
}

/// Proof that authorisation said yes. Only this module makes one, and `seal::append` takes it, so
/// nothing is sealed without a decision of the policies or a recorded reason why none applies.
#[derive(Clone, Debug)]
pub struct Permit {
    pub(crate) actor: leaf::Actor,
    pub(crate) authz: Option<leaf::Authz>,
    /// What the person may act by at this moment.
    pub(crate) authority: Option<Authority>,
}

impl Permit {
    /// Returns the number of the last entry about the person who acts; 1 for anybody else.
    pub(crate) fn authority_n(&self) -> u64 {
        self.authority.as_ref().map_or(1, |authority| authority.n)
    }

    /// The mode of teams of one was on when the act was allowed, and the act is marked so.
    pub(crate) fn is_alone(&self) -> bool {
        self.authz.as_ref().is_some_and(|authz| authz.ids.iter().any(|id| id == ALONE))
    }
}

/// Authorisation said no.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The determining policies; `default_deny` when no permit applied.
    pub policies: Vec<String>,
    /// What a rule of `domain` said, where authorisation had said yes.
    pub(crate) problem: Option<Problem>,
    /// A policy of these keeps the act from this person alone, and others may do it.
    pub(crate) four_eyes: bool,
    pub(crate) action: Action,
    pub(crate) object: Option<Object>,
    pub(crate) permit: Permit,
    /// Which roles could do it, where that is known.
    pub(crate) able: Option<Vec<Role>>,
}

impl Permit {
    /// The same, marked as an act that a second person would confirm if there were one (K7).
    pub(crate) fn alone(mut self) -> Self {
        if let Some(authz) = &mut self.authz {
            mark(&mut authz.ids, ALONE);
        }
        self
    }
}

/// What authorisation says about somebody, without an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opinion {
    /// Whether they may.
    pub(crate) allowed: bool,
    /// The determining policies; `default_deny` when no permit applied.
    pub(crate) policies: Vec<String>,
}

impl Denial {
    /// A rule's refusal of an act that authorisation allowed; it goes on record like one of authorisation.
    pub(crate) fn by_rule(permit: Permit, action: Action, target: Target, problem: Problem) -> Error {
        let denial = Denial {
            policies: Vec::new(),
            problem: Some(problem),
            four_eyes: false,
            action,
            object: target.object(),
            permit,
            able: None,
        };
        Error::Forbidden(Box::new(denial))
    }

    /// Returns the code that programs match on: `four_eyes` where somebody else may do what this person may not.
    pub(crate) fn code(&self) -> Code {
        match self.cause() {
            Some(code) => code,
            None if self.four_eyes => Code::FourEyes,
            None => Code::Forbidden,
        }
    }

    /// Returns the code of the rule that refused, if one did.
    pub(crate) fn cause(&self) -> Option<Code> {
        self.problem.as_ref().map(|problem| problem.code)
    }

    /// Says what is missing and who can give it.
    pub(crate) fn sentence(&self) -> String {
        if let Some(problem) = &self.problem {
            return problem.detail.clone();
        }
        let by = |policy: &str| self.policies.iter().any(|id| id == policy);
        if by("ended_sign_in") {
            return "This sign-in has ended. Sign in again.".into();
        }
        if by("key_holder_never_reviews") && self.action == Action::OverrideDecision {
            return "You made the key of this agent, so somebody else has to release what it proposes.".into();
        }
        if by("key_holder_never_reviews") {
            return "You made the key of this agent, so somebody else has to review what it proposes.".into();
        }
        if by("owner_never_reviews") {
            return "You own this AI system, so somebody else has to review what it proposes.".into();
        }
        if by("break_glass_never_reviews") {
            return "An emergency sign-in repairs access and never reviews. Sign in the usual way.".into();
        }
        if by("auditor_stands_alone") {
            return "An auditor holds no other role. An admin can take one of your roles away.".into();
        }
        if by("nobody_assigns_themselves") {
            return "Nobody changes their own access. Ask another admin.".into();
        }
        if by("author_never_activates") {
            return "You wrote this version, so somebody else has to put it in force.".into();
        }
        if by("requester_never_confirms") {
            return "You asked for this change, so somebody else has to confirm it.".into();
        }
        if by("pauser_never_resumes") {
            return "You paused this AI system, so somebody else has to resume it: a senior approver of it, or an admin."
                .into();
        }
        if by("actor_never_post_reviews") {
            return "You did this, so somebody else has to look at it.".into();
        }
        if by("requester_never_activates") {
            return "You asked for this grant, so somebody else has to activate it.".into();
        }
        if by("owner_never_activates") {
            return "You own this AI system, so somebody else has to activate grants for it.".into();
        }
        if by("key_maker_never_activates") {
            return "You made a key of this AI system, so somebody else has to activate grants for it.".into();
        }
        if by("admin_never_grants") {
            return "An admin neither asks for grants nor activates them. Ask an approver or a senior approver.".into();
        }
        if by("break_glass_never_grants") {
            return "An emergency sign-in repairs access and makes no grants. Sign in the usual way.".into();
        }
        if by("subject_never_confirms") {
            return "This change is about your own access, so somebody else has to confirm it.".into();
        }
        if let Some(able) = &self.able {
            return above(able);
        }
        if by("admin_never_reviews") && self.action == Action::OverrideDecision {
            return "An admin may not override. Ask an admin to invite somebody as senior approver.".into();
        }
        if self.policies.iter().any(|id| id == "admin_never_reviews") {
            return "An admin may not review. Ask an admin to invite somebody as approver.".into();
        }
        if self.policies.iter().any(|id| id == "nobody_changes_themselves") {
            return "Nobody changes their own access. Ask another admin.".into();
        }
        if by("nobody_answers_themselves") {
            return "Nobody answers their own request. Another admin does.".into();
        }
        if by("second_factor_first") {
            return "This account has a password and no second factor yet. Add one under You, How you sign in.".into();
        }
        if self.policies.iter().any(|id| id == "disabled_person") {
            return "This account is disabled. An admin can enable it.".into();
        }
        match self.action {
            Action::ReviewDecision => "Reviewing needs the role approver. An admin can give it.".into(),
            Action::ViewDecision | Action::ListQueue | Action::OpenStream => {
                "Reading decisions needs a role that reads them, such as viewer or approver. An admin can give it.".into()
            }
            Action::ListPeople | Action::InvitePerson | Action::ChangePerson => "People are managed by admins.".into(),
            Action::ViewPerson | Action::ExplainAccess => {
                "Whose access it is, admins, compliance officers and auditors read this.".into()
            }
            Action::AssignRole | Action::EndRole | Action::SwitchSingleOperator => {
                "Roles are given and taken by admins.".into()
            }
            Action::ListChanges | Action::ConfirmChange => {
                "Changes are confirmed by admins, senior approvers and compliance officers.".into()
            }
            Action::ListRoleRequests | Action::AnswerRoleRequest => {
                "Requests for a role are read and answered by admins. Your own are under You.".into()
            }
            Action::WithdrawChange => "Only who asked for a change takes it back.".into(),
            Action::IssueScimToken | Action::RevokeScimToken => {
                "Tokens of directories are issued and revoked by admins.".into()
            }
            Action::ReadDirectory | Action::PushDirectory => {
                "A directory reaches what it pushed itself, with a token that has not ended.".into()
            }
            Action::ListProviders | Action::ChangeProvider => "Identity providers are connected by admins.".into(),
            Action::ListSystems => "Systems are read by admins and auditors.".into(),
            Action::RegisterSystem | Action::IssueKey | Action::RevokeKey => {
                "Systems and keys are managed by admins.".into()
            }
            Action::NameOwner => "Who owns an AI system is said by admins.".into(),
            Action::ListSessions | Action::ListCredentials | Action::ConfirmCredential => {
                "Sign-ins and passkeys are watched over by admins; nobody vouches for their own passkey.".into()
            }
            Action::ListPolicies => {
                "Policies are read by everybody who reviews, writes, administers or audits. An admin can give such a role.".into()
            }
            Action::DraftPolicy | Action::ChangeDraft => "Policies are written by policy authors.".into(),
            Action::JudgeDraft => {
                "Versions are put in force by compliance officers, never by who wrote them.".into()
            }
            Action::SetGuards => "The limits of the guards are set by compliance officers.".into(),
            Action::ReadLog => "Files of the log are read by auditors. An admin can give the role.".into(),
            Action::ViewAccess | Action::ExportAccess => {
                "The access log is read by auditors and compliance officers, its operations by admins. Who read about your own reviews is under You.".into()
            }
            Action::ViewHealth => "The state of the installation is read by admins and compliance officers.".into(),
            Action::ListKeys | Action::RotateKey => "Systems and keys are managed by admins.".into(),
            Action::ListAuditWindows | Action::OpenAuditWindow | Action::CloseAuditWindow | Action::IssueToken => {
                "Access of outside auditors is managed by admins and compliance officers.".into()
            }
            Action::ListAccessReviews | Action::StartAccessReview | Action::DecideAccessReview => {
                "Access reviews are done by admins and compliance officers, never about themselves.".into()
            }
            Action::ListPauses => "Pauses are read by everybody with a role. An admin can give one.".into(),
            Action::PauseSystem => {
                "Pausing needs the role approver or senior approver for this AI system, admin, or compliance officer, or to own it. An admin can give a role.".into()
            }
            Action::ResumeSystem => {
                "Resuming needs the role senior approver for this AI system, or admin. An admin can give it.".into()
            }
            Action::CommentDecision => {
                "Comments are written by everybody whose role works on decisions; auditors only read. An admin can give such a role.".into()
            }
            Action::RevokeDecision => {
                "Revoking needs the role senior approver for this AI system and type. An admin can give it.".into()
            }
            Action::OverrideDecision => {
                "Overriding needs the role senior approver for this AI system and type, with limits that reach this decision. An admin can give it.".into()
            }
            Action::ListPostReviews => {
                "Post-reviews are read by senior approvers, admins, compliance officers and auditors. An admin can give such a role.".into()
            }
            Action::GivePostReview => {
                "This takes a senior approver of the AI system and type or a compliance officer, or for a sign-in an admin or a compliance officer. An admin can give such a role.".into()
            }
            Action::GiveDelegation => {
                "Letting somebody review in your place needs the role approver or senior approver. An admin can give it.".into()
            }
            Action::ListChannels | Action::ChangeChannel => {
                "Channels of notices are managed by admins; compliance officers see them. What you get yourself is under You.".into()
            }
            Action::ListGrants | Action::ViewGrant => {
                "Grants are read by everybody who reads the decisions they are about. An admin can give such a role.".into()
            }
            Action::RequestGrant => {
                "Asking for this grant needs the role approver or senior approver for this AI system and type, with limits that reach its highest amount. An admin can give it.".into()
            }
            Action::ActivateGrant => {
                "Activating this grant takes a senior approver of this AI system and type, with limits that reach its highest amount, or a compliance officer. An admin can give such a role.".into()
            }
            Action::RefuseGrant => {
                "This grant is refused by a senior approver of this AI system and type, by a compliance officer, or by who asked for it.".into()
            }
            Action::RevokeGrant => {
                "Revoking needs the role approver or senior approver for this AI system and type, or compliance officer, or to own the AI system. An admin can give a role.".into()
            }
            Action::HandOver => {
                "Writing a note needs the role approver or senior approver for what it is about. An admin can give it.".into()
            }
            Action::ReviewInBulk => {
                "Reviewing several decisions at once needs the role approver or senior approver. An admin can give it.".into()
            }
            Action::EndHandover => {
                "A note is ended by who wrote it, or by a senior approver for what it is about. Put it away from your own queue instead.".into()
            }
            Action::SetUp => "This installation has an admin already. Sign in instead.".into(),
            _ => "No rule allows this for your roles.".into(),
        }
    }
}

/// The compiled policies.
pub(crate) struct Policies {
    set: PolicySet,
    schema: Schema,
    revision: Hash,
    authorizer: Authorizer,
}

impl Policies {
    /// Reads the policies that are compiled in; each gets its `@id` as its name.
    ///
    /// # Errors
    ///
    /// When text or schema do not parse, which a test rules out for a built binary.
    pub(crate) fn compiled() -> Result<Self> {
        Self::read(POLICIES, SCHEMA)
    }

    /// Returns what a policy means, in a sentence.
    pub(crate) fn says(&self, id: &str) -> String {
        match id {
            "default_deny" => return "No rule allows it, so it is refused.".to_owned(),
            EMERGENCY => return "Done in an emergency sign-in, past the sign-in providers.".to_owned(),
            _ => {}
        }
        let policy = self.set.policy(&cedar_policy::PolicyId::new(id));
        policy.and_then(|policy| policy.annotation("says")).unwrap_or_default().to_owned()
    }

    /// Tells whether nobody overrides a guard.
    pub(crate) fn is_absolute(&self, id: &str) -> bool {
        self.is_marked(id, "absolute")
    }

    /// Tells whether one of these keeps an act from whoever asked for, owns, wrote or did what it is about, and from
    /// nobody else.
    fn are_four_eyes(&self, ids: &[String]) -> bool {
        ids.iter().any(|id| self.is_marked(id, "four_eyes"))
    }

    fn is_marked(&self, id: &str, mark: &str) -> bool {
        let policy = self.set.policy(&cedar_policy::PolicyId::new(id));
        policy.is_some_and(|policy| policy.annotation(mark).is_some())
    }

    fn read(policies: &str, schema: &str) -> Result<Self> {
        let fault = |error: &dyn std::fmt::Display| Error::Authorization(error.to_string());
        let (schema_read, _) = Schema::from_cedarschema_str(schema).map_err(|error| fault(&error))?;
        let parsed = PolicySet::from_str(policies).map_err(|error| fault(&error))?;
        let mut set = PolicySet::new();
        for policy in parsed.policies() {
            let id = policy.annotation("id").ok_or_else(|| Error::Authorization("a policy has no @id".into()))?;
            let id = cedar_policy::PolicyId::new(id);
            set.add(policy.new_id(id)).map_err(|error| fault(&error))?;
        }
        let revision = digest(Label::Cedar, [schema, policies].join("\n").as_bytes());

        Ok(Self { set, schema: schema_read, revision, authorizer: Authorizer::new() })
    }

    fn decide(&self, principal: Entity, action: Action, resource: Entity) -> Result<(bool, Vec<String>)> {
        self.decide_in(principal, action, resource, Context::empty())
    }

    fn decide_in(
        &self,
        principal: Entity,
        action: Action,
        resource: Entity,
        context: Context,
    ) -> Result<(bool, Vec<String>)> {
        let fault = |error: &dyn std::fmt::Display| Error::Authorization(error.to_string());
        let action = uid("Action", action.word())?;
        let request = Request::new(principal.uid(), action, resource.uid(), context, Some(&self.schema));
        let request = match request {
            Ok(request) => request,
            // The schema has no such pair of principal and action: nobody of this kind may ever do it.
            Err(_) => return Ok((false, vec!["default_deny".into()])),
        };
        let entities =
            Entities::from_entities([principal, resource], Some(&self.schema)).map_err(|error| fault(&error))?;
        let response = self.authorizer.is_authorized(&request, &self.set, &entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(fault(&error));
        }
        let mut ids: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        ids.sort();
        if ids.is_empty() {
            ids.push("default_deny".into());
        }
        ids.truncate(8);

        Ok((response.decision() == Verdict::Allow, ids))
    }
}

/// Decides whether the caller may do this, by the roles that this transaction sees.
///
/// # Errors
///
/// [`Error::Forbidden`], or [`Error::Hidden`] where the caller may not even learn that the object exists.
pub(crate) async fn authorize(
    conn: &mut PgConnection,
    policies: &Policies,
    operator: Uuid,
    caller: &Caller,
    action: Action,
    target: Target,
    now: u64,
) -> Result<Permit> {
    let mut facts = Facts::of(conn, target).await?;
    let (principal, authority, marks) = principal(conn, &caller.actor, target, &facts, now).await?;
    if caller.person().is_some() {
        facts.own(conn, target).await?;
    }
    let viewer = principal.clone();
    let (allowed, mut ids) = policies.decide(principal, action, target.entity(&facts)?)?;
    for word in marks.iter().filter(|_| allowed) {
        mark(&mut ids, word);
    }
    let permit = Permit {
        actor: actor(&caller.actor, operator),
        authz: Some(leaf::Authz { ids: ids.clone(), rev: policies.revision, ok: allowed }),
        authority,
    };
    if allowed {
        return Ok(permit);
    }
    let object = target.object();
    let four_eyes = policies.are_four_eyes(&ids);
    let mut denial = Box::new(Denial { policies: ids, problem: None, four_eyes, action, object, permit, able: None });

    // Who may not even read a decision learns nothing of it from a refusal; the rest are told what they lack.
    let hidden = match target {
        Target::Decision { .. } => !policies.decide(viewer, Action::ViewDecision, target.entity(&facts)?)?.0,
        Target::PostReview { decision: Some((id, system)), .. } => {
            let decision = Target::Decision { id, system, n: 1 };
            !policies.decide(viewer, Action::ViewDecision, decision.entity(&facts)?)?.0
        }
        Target::SignIn { .. } => true,
        Target::Grant { n, .. } => n > 0 && !policies.decide(viewer, Action::ViewGrant, target.entity(&facts)?)?.0,
        Target::PostReview { decision: None, .. }
        | Target::System(_)
        | Target::PausedSystem { .. }
        | Target::Member(_)
        | Target::Change { .. }
        | Target::Directory(_)
        | Target::PolicyVersion { .. }
        | Target::Handover { .. }
        | Target::Installation { .. } => false,
    };
    if let (false, Action::ReviewDecision, Some(matter)) = (hidden, action, &facts.matter)
        && denial
            .permit
            .authority
            .as_ref()
            .is_some_and(|authority| authority.held.iter().any(|held| held.role.reviews()))
    {
        denial.able = Some(able(conn, matter, now).await?);
    }
    Err(if hidden { Error::Hidden(denial) } else { Error::Forbidden(denial) })
}

/// Says whether a person may do something, without an act: for pages that show what is possible, and why.
pub(crate) async fn ask(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    action: Action,
    target: Target,
) -> Result<Opinion> {
    let mut facts = Facts::of(conn, target).await?;
    let actor = Actor::Person {
        id: person,
        session: SessionId(Uuid::nil()),
        signed_in: EntryId(Uuid::nil()),
        proven_ago_ms: 0,
        factor_missing: false,
    };
    let (principal, ..) = principal(conn, &actor, target, &facts, engine.now()).await?;
    facts.own(conn, target).await?;
    let (allowed, policies) = engine.policies.decide(principal, action, target.entity(&facts)?)?;
    Ok(Opinion { allowed, policies })
}

/// What the guards over automatic approvals know of a decision.
pub(crate) struct AutoDecision {
    pub(crate) system: SystemId,
    /// It is, or may be, to somebody's disadvantage.
    pub(crate) adverse: bool,
    pub(crate) about_persons: bool,
    pub(crate) reversibility: Reversibility,
    pub(crate) risk: Risk,
    /// Every fact that the rule asked for is stated.
    pub(crate) complete: bool,
    /// The system is paused.
    pub(crate) paused: bool,
    pub(crate) amount: Option<u64>,
    pub(crate) amount_max: u64,
}

/// Returns the guards that forbid a rule to approve this; none where it may. Any error forbids.
pub(crate) fn guards(policies: &Policies, decision: &AutoDecision) -> Result<Vec<String>> {
    let fault = |error: &dyn std::fmt::Display| Error::Authorization(error.to_string());
    let long = |number: u64| RestrictedExpression::new_long(i64::try_from(number).unwrap_or(i64::MAX));
    let kind = if decision.about_persons { "person" } else { "none" };
    let mut members = vec![
        ("adverse".to_owned(), RestrictedExpression::new_bool(decision.adverse)),
        ("subject_kind".to_owned(), text(kind)),
        ("reversibility".to_owned(), text(decision.reversibility.word())),
        ("risk".to_owned(), text(decision.risk.word())),
        ("complete".to_owned(), RestrictedExpression::new_bool(decision.complete)),
        ("paused".to_owned(), RestrictedExpression::new_bool(decision.paused)),
        ("amount_max".to_owned(), long(decision.amount_max)),
    ];
    members.extend(decision.amount.map(|amount| ("amount".to_owned(), long(amount))));
    let context = Context::from_pairs(members).map_err(|error| fault(&error))?;
    let principal = entity("Engine", "engine", [])?;
    let system = Target::System(decision.system).entity(&Facts::default())?;
    let (allowed, ids) = policies.decide_in(principal, Action::AutoDecide, system, context)?;
    Ok(if allowed { Vec::new() } else { ids })
}

/// Tells whether a person is a senior approver for a decision at this moment, up to their limits.
pub(crate) async fn is_senior(
    conn: &mut PgConnection,
    person: PersonId,
    decision: DecisionId,
    now: u64,
) -> Result<bool> {
    let (matter, _) = db::decisions::matter(conn, decision).await?.ok_or(Error::NotFound)?;
    let held = db::roles::held(conn, person, now).await?;
    Ok(held.iter().any(|held| {
        let holding = &held.holding;
        holding.role == Role::SeniorApprover && holding.covers(&matter) && holding.reaches(&matter)
    }))
}

/// Returns the senior approvers of a decision's system and type, whatever their limits.
pub(crate) async fn seniors(conn: &mut PgConnection, decision: DecisionId, now: u64) -> Result<Vec<PersonId>> {
    let (matter, _) = db::decisions::matter(conn, decision).await?.ok_or(Error::NotFound)?;
    let running = db::roles::list_running(conn, now).await?;
    let mut seniors: Vec<_> = running
        .iter()
        .filter(|assignment| assignment.holding.role == Role::SeniorApprover && assignment.holding.covers(&matter))
        .map(|assignment| assignment.person)
        .collect();
    seniors.sort_unstable();
    seniors.dedup();
    Ok(seniors)
}

/// Tells whether so many senior approvers could still approve a decision, themselves or by who stands in for them, besides
/// some people.
pub(crate) async fn has_seniors(
    conn: &mut PgConnection,
    engine: &Engine,
    stored: &db::decisions::Decision,
    rules: &decision::Decision,
    (need, besides): (u64, &[PersonId]),
) -> Result<bool> {
    let now = engine.now();
    let target = Target::Decision { id: stored.id, system: stored.system, n: stored.n };
    let running = db::roles::list_running(conn, now).await?;
    let mut seniors: Vec<_> = running
        .iter()
        .filter(|assignment| assignment.holding.role == Role::SeniorApprover)
        .map(|assignment| assignment.person)
        .collect();
    seniors.sort_unstable();
    seniors.dedup();
    let away = db::absences::list_away(conn, now).await?;
    let ties = db::delegations::tied(conn, stored.system, now).await?;
    let own = seniors.iter().map(|person| (*person, None));
    let in_place = ties.iter().filter(|(delegator, _)| seniors.contains(delegator));
    let asked: Vec<_> = own.chain(in_place.map(|(delegator, delegate)| (*delegate, Some(*delegator)))).collect();
    let has_part = |person: PersonId| besides.contains(&person);
    let mut chances = Vec::new();
    for (person, on_behalf) in asked {
        let is_barred = || rules.admits((person, on_behalf), decision::Verdict::Approve, now).is_err();
        if has_part(person) || on_behalf.is_some_and(has_part) || away.contains(&person) || is_barred() {
            continue;
        }
        let (allowed, senior) = behalf::could_review(conn, engine, (person, on_behalf), target).await?;
        if allowed && senior {
            chances.push(Chance { person, on_behalf, senior });
        }
    }
    Ok(staffing::together(&chances, &ties).senior >= need)
}

/// Somebody imagined with one assignment, in front of something imagined: for the matrix of roles.
pub(crate) struct Sample {
    pub(crate) holding: Holding,
    pub(crate) action: Action,
    pub(crate) target: Target,
    pub(crate) matter: Matter,
}

/// Says what the policies would answer to a sample.
pub(crate) fn imagine(policies: &Policies, sample: &Sample) -> Result<Opinion> {
    let viewer = Viewer {
        id: PersonId(Uuid::from_u128(1)),
        disabled: false,
        ended: false,
        break_glass: false,
        alone: false,
        factor_missing: false,
        held: std::slice::from_ref(&sample.holding),
        stands_in: &[],
        acts_for: None,
    };
    let facts = match sample.target {
        Target::Decision { .. } | Target::PostReview { decision: Some(_), .. } | Target::Grant { .. } => {
            Facts { matter: Some(sample.matter.clone()), ..Facts::default() }
        }
        _ => Facts::default(),
    };
    let principal = viewer.entity(sample.target, facts.matter.as_ref())?;
    let (allowed, policies) = policies.decide(principal, sample.action, sample.target.entity(&facts)?)?;
    Ok(Opinion { allowed, policies })
}

/// Tells whether who asked for a change may still ask for it.
pub(crate) async fn requests(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    change: &Change,
) -> Result<bool> {
    let (action, target) = match change {
        Change::AssignRole { person, .. } => (Action::AssignRole, Target::Member(*person)),
        Change::OpenAuditWindow { person, .. } => (Action::OpenAuditWindow, Target::Member(*person)),
        Change::SingleOperator => (Action::SwitchSingleOperator, engine.installation()),
        Change::ApplyMapping { .. } => (Action::ChangeProvider, engine.installation()),
        Change::IssueScimToken { .. } => (Action::IssueScimToken, engine.installation()),
        Change::SetGuards { .. } => (Action::SetGuards, engine.installation()),
    };
    Ok(ask(conn, engine, person, action, target).await?.allowed)
}

/// Which roles reach a decision, among those that somebody holds.
async fn able(conn: &mut PgConnection, matter: &Matter, now: u64) -> Result<Vec<Role>> {
    let mut roles: Vec<Role> = db::roles::list_running(conn, now)
        .await?
        .iter()
        .map(|assignment| &assignment.holding)
        .filter(|holding| holding.role.reviews() && holding.reaches(matter))
        .map(|holding| holding.role)
        .filter(|role| *role == Role::SeniorApprover || matter.risk != Risk::High)
        .collect();
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

/// Says who could act above a person's limits, by role.
fn above(able: &[Role]) -> String {
    let names = able.iter().map(|role| role.name().to_lowercase()).collect::<Vec<_>>().join(" or ");
    match able.is_empty() {
        true => {
            "This is above your limits, and nobody holds a role that reaches it. Ask an admin to give somebody one."
                .into()
        }
        false => format!(
            "This is above your limits. It takes the role {names}, with limits that reach it: ask one of them to review it."
        ),
    }
}

/// Mark of an act that a second person would confirm if there were one.
const ALONE: &str = "single_operator";
/// Mark of an act in an emergency sign-in.
const EMERGENCY: &str = "break_glass";

/// Marks an act, beside the policies that allowed it.
fn mark(ids: &mut Vec<String>, word: &str) {
    if !ids.iter().any(|id| id == word) {
        ids.truncate(7);
        ids.push(word.to_owned());
        ids.sort();
    }
}

/// What authorisation has to know of an object beyond its name.
#[derive(Default)]
struct Facts {
    matter: Option<Matter>,
    /// Who made the key that proposed the decision.
    key_holder: Option<PersonId>,
    /// Who owns the system, where a person asks.
    owner: Option<PersonId>,
    /// Who made keys of the system that work, where it matters.
    makers: Vec<PersonId>,
}

impl Facts {
    async fn of(conn: &mut PgConnection, target: Target) -> Result<Self> {
        let id = match target {
            Target::Decision { id, .. } | Target::PostReview { decision: Some((id, _)), .. } => id,
            Target::Grant { system, type_id, amount, .. } => {
                let types = db::decision_types::list(conn, &[type_id.0]).await?;
                let (_, definition) = types.into_iter().next().ok_or(Error::NotFound)?;
                let matter = Matter { system, type_name: definition.name, risk: definition.risk, amount };
                return Ok(Self { matter: Some(matter), ..Self::default() });
            }
            _ => return Ok(Self::default()),
        };
        let (matter, key_holder) = db::decisions::matter(conn, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { matter: Some(matter), key_holder, ..Self::default() })
    }

    /// Reads who owns the system, in a statement after the one that locks the person who asks: whoever names an owner
    /// locks the owner too, so that who is named here from another transaction is seen by the next one only.
    async fn own(&mut self, conn: &mut PgConnection, target: Target) -> Result<()> {
        if let Target::Decision { system, .. }
        | Target::System(system)
        | Target::PausedSystem { id: system, .. }
        | Target::Grant { system, .. } = target
        {
            self.owner = db::owners::find(conn, system).await?;
        }
        if let Target::Grant { system, .. } = target {
            self.makers = db::grants::list_key_makers(conn, system).await?;
        }
        Ok(())
    }
}

/// The permit of acts that no policy decides: the log's own opening, routing, a resolution that
/// follows from counted reviews, and failed sign-ins.
pub(crate) fn unevaluated(actor: leaf::Actor) -> Permit {
    Permit { actor, authz: None, authority: None }
}

/// The engine as actor.
pub(crate) fn engine_actor() -> leaf::Actor {
    leaf::Actor::engine()
}

/// Nobody known as actor.
pub(crate) fn anonymous_actor() -> leaf::Actor {
    leaf::Actor::anonymous()
}

/// A person as actor who is not signed in yet: whose password was right.
pub(crate) fn person_actor(person: PersonId) -> leaf::Actor {
    with_sid(leaf::ActorKind::Person, person.0, None)
}

/// The operator as actor.
pub(crate) fn operator_actor(sid: Uuid) -> leaf::Actor {
    with_sid(leaf::ActorKind::Operator, sid, None)
}

/// The caller as actor.
pub(crate) fn actor(actor: &Actor, operator: Uuid) -> leaf::Actor {
    match actor {
        Actor::Person { id, signed_in, .. } => with_sid(leaf::ActorKind::Person, id.0, via(signed_in.0)),
        Actor::Agent { system, issued, .. } => with_sid(leaf::ActorKind::Agent, system.0, via(issued.0)),
        Actor::Directory { token, issued, .. } => with_sid(leaf::ActorKind::Directory, token.0, via(issued.0)),
        Actor::Operator => operator_actor(operator),
        Actor::Engine => engine_actor(),
        Actor::Anonymous => anonymous_actor(),
    }
}

/// A sign-in under way names no entry yet.
fn via(entry: Uuid) -> Option<Uuid> {
    (!entry.is_nil()).then_some(entry)
}

fn with_sid(kind: leaf::ActorKind, sid: Uuid, via: Option<Uuid>) -> leaf::Actor {
    let text = |id: Uuid| id.hyphenated().to_string();
    leaf::Actor { as_: kind, sid: Some(text(sid)), via: via.map(text), for_: None }
}

async fn principal(
    conn: &mut PgConnection,
    actor: &Actor,
    target: Target,
    facts: &Facts,
    now: u64,
) -> Result<(Entity, Option<Authority>, Vec<&'static str>)> {
    let strings = |words: &[&str]| RestrictedExpression::new_set(words.iter().map(|word| text(word)));
    Ok(match actor {
        Actor::Person { id, session, factor_missing, .. } => {
            let person = db::people::lock_share(conn, *id, *session).await?.ok_or(Error::NotFound)?;
            let held: Vec<Holding> =
                db::roles::held(conn, *id, now).await?.into_iter().map(|held| held.holding).collect();
            // Only in front of a decision does somebody act in another's place.
            let stood_in = match target {
                Target::Decision { .. } => db::delegations::held(conn, *id, now).await?,
                _ => Vec::new(),
            };
            let stands_in: Vec<Holding> = stood_in.into_iter().map(|one| one.holding).collect();
            let viewer = Viewer {
                id: *id,
                disabled: person.disabled,
                ended: person.ended,
                break_glass: person.break_glass,
                factor_missing: *factor_missing,
                alone: person.alone,
                held: &held,
                stands_in: &stands_in,
                acts_for: None,
            };
            let entity = viewer.entity(target, facts.matter.as_ref())?;
            let held = held.iter().flat_map(Holding::held).collect();
            let marks = [(person.alone, ALONE), (person.break_glass, EMERGENCY)];
            let marks = marks.into_iter().filter_map(|(is_so, word)| is_so.then_some(word)).collect();
            (entity, Some(Authority { n: person.n, held }), marks)
        }
        Actor::Agent { system, key, scopes, .. } => {
            // A key that ended after the request began may do nothing any more.
            let works = keys::works(conn, *key, now).await?;
            let words: Vec<&str> = scopes.iter().filter(|_| works).map(|scope: &Scope| scope.word()).collect();
            let attributes = [("system", text(&system.to_string())), ("scopes", strings(&words))];
            (entity("AgentKey", &key.to_string(), attributes)?, None, Vec::new())
        }
        Actor::Directory { token, provider, .. } => {
            // A token that ended after the request began may do nothing any more.
            let works = scim::works(conn, *token, now).await?;
            let attributes =
                [("provider", text(&provider.to_string())), ("works", RestrictedExpression::new_bool(works))];
            (entity("ScimToken", &token.to_string(), attributes)?, None, Vec::new())
        }
        Actor::Operator => (entity("Operator", "operator", [])?, None, Vec::new()),
        Actor::Engine => (entity("Engine", "engine", [])?, None, Vec::new()),
        Actor::Anonymous => (entity("Visitor", "visitor", [])?, None, Vec::new()),
    })
}

/// A person as authorisation sees them in front of one object.
struct Viewer<'a> {
    id: PersonId,
    disabled: bool,
    ended: bool,
    break_glass: bool,
    factor_missing: bool,
    alone: bool,
    held: &'a [Holding],
    /// What they may act by in others' places.
    stands_in: &'a [Holding],
    /// What of that this act is done by, where it is done in somebody's place: then their own roles give no right to it.
    acts_for: Option<&'a [Holding]>,
}

impl Viewer<'_> {
    fn entity(&self, target: Target, matter: Option<&Matter>) -> Result<Entity> {
        let words_of = |held: &[Holding], fits: &dyn Fn(&Holding) -> bool| {
            let words = held.iter().filter(|holding| fits(holding)).map(|holding| text(holding.role.word()));
            RestrictedExpression::new_set(words)
        };
        let words = |fits: &dyn Fn(&Holding) -> bool| words_of(self.held, fits);
        let here = |holding: &Holding| match (target, matter) {
            (Target::Decision { .. } | Target::PostReview { .. } | Target::Grant { .. }, Some(matter)) => {
                holding.covers(matter)
            }
            (
                Target::System(system)
                | Target::PausedSystem { id: system, .. }
                | Target::Handover { system: Some(system), .. },
                _,
            ) => holding.includes(system),
            _ => holding.scope == RoleScope::All,
        };
        let able = |holding: &Holding| here(holding) && matter.is_none_or(|matter| holding.reaches(matter));
        let own = |holding: &Holding| self.acts_for.is_none() && able(holding);
        entity(
            "Person",
            &self.id.to_string(),
            [
                ("id", text(&self.id.to_string())),
                ("roles", words(&here)),
                ("anywhere", words(&|_| true)),
                ("able", words(&own)),
                ("stands_in", words_of(self.stands_in, &here)),
                ("acts_for", words_of(self.acts_for.unwrap_or_default(), &able)),
                ("disabled", RestrictedExpression::new_bool(self.disabled)),
                ("ended", RestrictedExpression::new_bool(self.ended)),
                ("break_glass", RestrictedExpression::new_bool(self.break_glass)),
                ("factor_missing", RestrictedExpression::new_bool(self.factor_missing)),
                ("alone", RestrictedExpression::new_bool(self.alone)),
            ],
        )
    }
}

impl Target {
    fn entity(&self, facts: &Facts) -> Result<Entity> {
        let owner = facts.owner.map(|person| person.to_string()).unwrap_or_default();
        match self {
            Target::Decision { id, system, .. } => {
                let risk = facts.matter.as_ref().map_or("", |matter| matter.risk.word());
                let holder = facts.key_holder.map(|person| person.to_string()).unwrap_or_default();
                let attributes = [
                    ("system", text(&system.to_string())),
                    ("risk", text(risk)),
                    ("key_holder", text(&holder)),
                    ("owner", text(&owner)),
                ];
                entity("Decision", &id.to_string(), attributes)
            }
            Target::Change { id, requester, subject, .. } => {
                let subject = subject.map(|person| person.to_string()).unwrap_or_default();
                let attributes = [("requester", text(&requester.to_string())), ("subject", text(&subject))];
                entity("Change", &id.to_string(), attributes)
            }
            Target::System(id) => {
                let attributes = [("id", text(&id.to_string())), ("owner", text(&owner))];
                entity("System", &id.to_string(), attributes)
            }
            Target::PausedSystem { id, by, .. } => {
                let attributes =
                    [("id", text(&id.to_string())), ("owner", text(&owner)), ("paused_by", text(&by.to_string()))];
                entity("System", &id.to_string(), attributes)
            }
            Target::Member(id) => entity("Member", &id.to_string(), [("id", text(&id.to_string()))]),
            Target::PolicyVersion { id, author, .. } => {
                entity("PolicyVersion", &id.to_string(), [("author", text(&author.to_string()))])
            }
            Target::Handover { id, author, .. } => {
                entity("Handover", &id.to_string(), [("author", text(&author.to_string()))])
            }
            Target::PostReview { act, decision, by } => {
                let kind = if decision.is_some() { "decision" } else { "sign_in" };
                entity("PostReview", &act.to_string(), [("actor", text(&by.to_string())), ("kind", text(kind))])
            }
            Target::Grant { id, requester, .. } => {
                let makers = facts.makers.iter().map(|person| text(&person.to_string()));
                let attributes = [
                    ("requester", text(&requester.to_string())),
                    ("owner", text(&owner)),
                    ("makers", RestrictedExpression::new_set(makers)),
                ];
                entity("Grant", &id.to_string(), attributes)
            }
            Target::Directory(id) => entity("Directory", &id.to_string(), [("provider", text(&id.to_string()))]),
            Target::SignIn { id, person } => entity("SignIn", &id.to_string(), [("person", text(&person.to_string()))]),
            Target::Installation { demo, has_admin } => entity(
                "Installation",
                "this",
                [
                    ("demo", RestrictedExpression::new_bool(*demo)),
                    ("has_admin", RestrictedExpression::new_bool(*has_admin)),
                ],
            ),
        }
    }

    fn object(&self) -> Option<Object> {
        let (kind, id, upto) = match self {
            Target::Decision { id, n, .. } => ("decision", id.0, *n),
            Target::System(id) => ("system", id.0, 1),
            Target::PausedSystem { id, n, .. } => ("system", id.0, *n),
            Target::Member(id) => ("person", id.0, 1),
            Target::Change { id, n, .. } => ("change", id.0, *n),
            Target::Directory(id) => ("provider", id.0, 1),
            Target::PolicyVersion { id, n, .. } => ("policy_version", id.0, *n),
            Target::Handover { id, n, .. } => ("handover", id.0, *n),
            Target::PostReview { act, .. } => ("post_review", act.0, 1),
            // What is asked for has no entry to name.
            Target::Grant { system, n: 0, .. } => ("system", system.0, 1),
            Target::Grant { id, n, .. } => ("grant", id.0, *n),
            Target::SignIn { id, .. } => ("session", id.0, 1),
            Target::Installation { .. } => return None,
        };
        Some(Object { kind, id, place: Place::Read(upto) })
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn uid(kind: &str, id: &str) -> Result<EntityUid> {
    let name = EntityTypeName::from_str(&format!("Countersign::{kind}"))
        .map_err(|error| Error::Authorization(error.to_string()))?;
    Ok(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
}

fn entity<const N: usize>(kind: &str, id: &str, attributes: [(&str, RestrictedExpression); N]) -> Result<Entity> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid(kind, id)?, attributes, HashSet::new()).map_err(|error| Error::Authorization(error.to_string()))
}
