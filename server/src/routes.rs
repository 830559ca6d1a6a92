//! The table of everything the server answers, and the router built from it.
//!
//! A row says which door an address has, what authorisation calls the act, how it is audited and how
//! much it may cost. [`router`] wraps each row's handler in [`layers::gate`](crate::layers::gate)
//! with that row, so an address without a row does not exist.

use std::collections::BTreeSet;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, patch, post, put},
};
use countersign_app::door;
use countersign_domain::problem::Code;
use countersign_engine::authorize::Action;
use http::Method;

use crate::{
    Refusal, Server, access, api, chains, files, health,
    layers::{self, Gate},
    log_files, proofs, scim, sso, stream,
};

/// Which credential an address takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A signed-in person's session cookie.
    Browser,
    /// An agent's key in `Authorization: Bearer`.
    Api,
    /// Either of the two, never both: files of the log.
    Reader,
    /// A directory's token in `Authorization: Bearer`.
    Scim,
    /// A logout token that an identity provider signed.
    Idp,
    /// None is needed. A session is looked at where a page draws who is signed in.
    Public,
}

impl Door {
    /// Returns the word in tables and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Door::Browser => "browser",
            Door::Api => "api",
            Door::Reader => "reader",
            Door::Scim => "scim",
            Door::Idp => "idp",
            Door::Public => "public",
        }
    }
}

/// The method of a route; everything else is 405.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `GET`, and `HEAD` as the same without a body.
    Get,
    /// `POST`.
    Post,
    /// `PUT`, of directories only.
    Put,
    /// `PATCH`, of directories only.
    Patch,
    /// `DELETE`, of directories only.
    Delete,
}

impl Verb {
    /// Returns the word in requests.
    pub const fn word(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        }
    }
}

/// What an act is about, as authorisation sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are the entity types of policies.cedar")]
pub enum Object {
    None,
    Installation,
    Decision,
    System,
    Member,
    Change,
    SignIn,
    Directory,
    PostReview,
    Grant,
}

/// How a route is put on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An entry in the transaction of the effect.
    Act,
    /// An entry before the first byte.
    Read,
    /// As a read, with the question and the number of answers.
    Search,
    /// As a read, for what leaves the installation.
    Export,
    /// Sign-in and its refusals.
    Auth,
    /// Nothing: it reads no decision, person or policy.
    None,
}

impl Class {
    /// Returns the word in tables and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Act => "act",
            Class::Read => "read",
            Class::Search => "search",
            Class::Export => "export",
            Class::Auth => "auth",
            Class::None => "none",
        }
    }
}

/// What one request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest body in bytes.
    pub body_bytes: usize,
    /// Longest run of the handler, until its answer begins; absent for streams.
    pub seconds: Option<u64>,
    /// Bucket that the request draws from.
    pub bucket: Bucket,
}

/// A bucket of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// 50 requests a second, 200 at once, per key, person or network address.
    Caller,
    /// 10 a minute per network address.
    Reports,
    /// Unlimited: what costs nothing.
    Free,
}

/// Where the key that makes a repeated request harmless comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Reads, and acts whose repetition changes nothing more.
    Natural,
    /// The header `Idempotency-Key`.
    Header,
    /// The presentation that the form names.
    Presentation,
    /// The one-time link or key text that the act uses up or makes.
    Once,
}

/// What answers.
#[derive(Clone, Copy)]
pub enum Handler {
    /// A page of the application.
    Page,
    /// A server function of the application.
    Act,
    /// A handler of this crate.
    Endpoint(fn() -> MethodRouter<Server>),
}

/// One address with one method.
#[derive(Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: Verb,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Which credential it takes.
    pub door: Door,
    /// What authorisation calls it; absent where nothing is protected.
    pub action: Option<Action>,
    /// What it is about.
    pub object: Object,
    /// How it is put on record.
    pub class: Class,
    /// What a request may cost.
    pub limits: Limits,
    /// What makes a repetition harmless.
    pub idempotency: Idempotency,
    /// What answers.
    pub handler: Handler,
}

impl Route {
    /// Tells whether the request changes something, and so needs proof of where it comes from.
    pub fn mutates(&self) -> bool {
        self.method != Verb::Get
    }

    /// Tells whether the route looks at the session cookie.
    pub fn reads_session(&self) -> bool {
        match self.door {
            Door::Browser | Door::Reader => true,
            Door::Api | Door::Scim | Door::Idp => false,
            Door::Public => !matches!(self.handler, Handler::Endpoint(_)),
        }
    }
}

const BODY: usize = 2 * 1024 * 1024;
const FORM: usize = door::FORM_BYTES_MAX;
const REPORT: usize = 16 * 1024;

const STANDARD: Limits = Limits { body_bytes: BODY, seconds: Some(15), bucket: Bucket::Caller };
const FORMS: Limits = Limits { body_bytes: FORM, seconds: Some(15), bucket: Bucket::Caller };
const WAIT: Limits = Limits { body_bytes: BODY, seconds: Some(35), bucket: Bucket::Caller };
const STREAM: Limits = Limits { body_bytes: 0, seconds: None, bucket: Bucket::Caller };
const FREE: Limits = Limits { body_bytes: 0, seconds: Some(15), bucket: Bucket::Free };
const REPORTS: Limits = Limits { body_bytes: REPORT, seconds: Some(15), bucket: Bucket::Reports };

const fn page(path: &'static str, door: Door, action: Option<Action>, object: Object, class: Class) -> Route {
    Route {
        method: Verb::Get,
        path,
        door,
        action,
        object,
        class,
        limits: STANDARD,
        idempotency: Idempotency::Natural,
        handler: Handler::Page,
    }
}

const fn act(path: &'static str, door: Door, action: Option<Action>, object: Object, class: Class) -> Route {
    Route {
        method: Verb::Post,
        path,
        door,
        action,
        object,
        class,
        limits: FORMS,
        idempotency: Idempotency::Natural,
        handler: Handler::Act,
    }
}

const fn endpoint(
    method: Verb,
    path: &'static str,
    door: Door,
    action: Option<Action>,
    object: Object,
    class: Class,
    handler: fn() -> MethodRouter<Server>,
) -> Route {
    Route {
        method,
        path,
        door,
        action,
        object,
        class,
        limits: STANDARD,
        idempotency: Idempotency::Natural,
        handler: Handler::Endpoint(handler),
    }
}

impl Route {
    const fn limits(self, limits: Limits) -> Route {
        Route { limits, ..self }
    }

    const fn idempotency(self, idempotency: Idempotency) -> Route {
        Route { idempotency, ..self }
    }
}

use Action::*;
use Verb::{Delete, Get, Patch, Post, Put};

/// Everything the server answers.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    // Pages.
    page("/", Door::Browser, None, Object::None, Class::None),
    page("/queue", Door::Browser, Some(ListQueue), Object::Installation, Class::Search),
    page("/decisions/{id}", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    page("/decisions/{id}/edit", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    page("/decisions/{id}/chain", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    page("/decisions/{id}/revoke", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    page("/decisions/{id}/shown/{review}", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    page("/bulk", Door::Browser, Some(ReviewInBulk), Object::Installation, Class::Read),
    page("/bulk/{run}", Door::Browser, Some(ListQueue), Object::Installation, Class::Read),
    page("/decisions/{id}/override", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    page("/ledger", Door::Browser, Some(ViewLedger), Object::Installation, Class::Search),
    page("/ledger/{index}", Door::Browser, Some(ViewLedger), Object::Installation, Class::Read),
    page("/admin/people", Door::Browser, Some(ListPeople), Object::Installation, Class::Search),
    page("/admin/people/{person}", Door::Browser, Some(ViewPerson), Object::Member, Class::Read),
    page("/admin/roles", Door::Browser, Some(ViewRoles), Object::Installation, Class::Search),
    page("/admin/changes", Door::Browser, Some(ListChanges), Object::Installation, Class::Search),
    page("/policies", Door::Browser, Some(ListPolicies), Object::Installation, Class::Search),
    page("/policies/drafts/{draft}", Door::Browser, Some(ListPolicies), Object::Installation, Class::Read),
    page("/policies/{version}", Door::Browser, Some(ListPolicies), Object::Installation, Class::Read),
    page("/me/role-requests", Door::Browser, Some(RequestRole), Object::Member, Class::Search),
    page("/admin/role-requests", Door::Browser, Some(ListRoleRequests), Object::Installation, Class::Search),
    page("/handovers", Door::Browser, Some(ListQueue), Object::Installation, Class::Search),
    page("/pauses", Door::Browser, Some(ListPauses), Object::Installation, Class::Search),
    page("/grants", Door::Browser, Some(ListGrants), Object::Installation, Class::Search),
    page("/grants/new", Door::Browser, Some(ListGrants), Object::Installation, Class::Search),
    page("/grants/{grant}", Door::Browser, Some(ViewGrant), Object::Grant, Class::Read),
    page("/post-reviews", Door::Browser, Some(ListPostReviews), Object::Installation, Class::Search),
    page("/admin/sso", Door::Browser, Some(ListProviders), Object::Installation, Class::Search),
    page("/admin/sso/{provider}", Door::Browser, Some(ListProviders), Object::Installation, Class::Read),
    page("/admin/systems", Door::Browser, Some(ListSystems), Object::Installation, Class::Search),
    page("/admin/access", Door::Browser, Some(ViewAccess), Object::Installation, Class::Search),
    page("/admin/keys", Door::Browser, Some(ListKeys), Object::Installation, Class::Search),
    page("/admin/audit-windows", Door::Browser, Some(ListAuditWindows), Object::Installation, Class::Search),
    page("/admin/recertification", Door::Browser, Some(ListAccessReviews), Object::Installation, Class::Search),
    page("/admin/health", Door::Browser, Some(ViewHealth), Object::Installation, Class::None),
    page("/me/access", Door::Browser, Some(ViewSelf), Object::Member, Class::Search),
    page("/me", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    page("/me/factors", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    page("/step-up", Door::Browser, None, Object::None, Class::None),
    page("/admin/sessions", Door::Browser, Some(ListSessions), Object::Installation, Class::Search),
    page("/admin/passkeys", Door::Browser, Some(ListCredentials), Object::Installation, Class::Search),
    page("/verify", Door::Public, None, Object::None, Class::None),
    page("/setup", Door::Public, None, Object::None, Class::None),
    page("/join", Door::Public, None, Object::None, Class::None),
    page("/login", Door::Public, None, Object::None, Class::None),
    page("/logged-out", Door::Public, None, Object::None, Class::None),
    // Server functions that read.
    act("/act/frame", Door::Public, None, Object::None, Class::None),
    act("/act/setup-link", Door::Public, None, Object::None, Class::None),
    act("/act/ways-in", Door::Public, None, Object::None, Class::None),
    act("/act/invitation", Door::Public, None, Object::None, Class::None),
    act("/act/queue", Door::Browser, Some(ListQueue), Object::Installation, Class::Search),
    act("/act/decision", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    act("/act/chain", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    act("/act/shown", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    act("/act/bulk", Door::Browser, Some(ReviewInBulk), Object::Installation, Class::Read),
    act("/act/bulk-run", Door::Browser, Some(ListQueue), Object::Installation, Class::Read),
    act("/act/ledger", Door::Browser, Some(ViewLedger), Object::Installation, Class::Search),
    act("/act/entry", Door::Browser, Some(ViewLedger), Object::Installation, Class::Read),
    act("/act/people", Door::Browser, Some(ListPeople), Object::Installation, Class::Search),
    act("/act/person", Door::Browser, Some(ViewPerson), Object::Member, Class::Read),
    act("/act/roles", Door::Browser, Some(ViewRoles), Object::Installation, Class::Search),
    act("/act/changes", Door::Browser, Some(ListChanges), Object::Installation, Class::Search),
    act("/act/providers", Door::Browser, Some(ListProviders), Object::Installation, Class::Search),
    act("/act/policies", Door::Browser, Some(ListPolicies), Object::Installation, Class::Search),
    act("/act/policy-version", Door::Browser, Some(ListPolicies), Object::Installation, Class::Read),
    act("/act/policy-draft", Door::Browser, Some(ListPolicies), Object::Installation, Class::Read),
    act("/act/start-draft", Door::Browser, Some(DraftPolicy), Object::Installation, Class::Act),
    act("/act/save-rule", Door::Browser, Some(ChangeDraft), Object::Installation, Class::Act),
    act("/act/move-rule", Door::Browser, Some(ChangeDraft), Object::Installation, Class::Act),
    act("/act/submit-draft", Door::Browser, Some(ChangeDraft), Object::Installation, Class::Act),
    act("/act/activate-draft", Door::Browser, Some(JudgeDraft), Object::Installation, Class::Act),
    act("/act/reject-draft", Door::Browser, Some(JudgeDraft), Object::Installation, Class::Act),
    act("/act/set-guards", Door::Browser, Some(SetGuards), Object::Installation, Class::Act),
    act("/act/revoke", Door::Browser, Some(RevokeDecision), Object::Decision, Class::Act),
    act("/act/compensate", Door::Browser, Some(RevokeDecision), Object::Decision, Class::Act),
    act("/act/override", Door::Browser, Some(OverrideDecision), Object::Decision, Class::Act),
    act("/act/post-reviews", Door::Browser, Some(ListPostReviews), Object::Installation, Class::Search),
    act("/act/give-post-review", Door::Browser, Some(GivePostReview), Object::PostReview, Class::Act),
    act("/act/grants", Door::Browser, Some(ListGrants), Object::Installation, Class::Search),
    act("/act/grant-form", Door::Browser, Some(ListGrants), Object::Installation, Class::Search),
    act("/act/grant", Door::Browser, Some(ViewGrant), Object::Grant, Class::Read),
    act("/act/request-grant", Door::Browser, Some(RequestGrant), Object::Grant, Class::Act),
    act("/act/activate-grant", Door::Browser, Some(ActivateGrant), Object::Grant, Class::Act),
    act("/act/refuse-grant", Door::Browser, Some(RefuseGrant), Object::Grant, Class::Act),
    act("/act/revoke-grant", Door::Browser, Some(RevokeGrant), Object::Grant, Class::Act),
    act("/act/comments", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    act("/act/comment", Door::Browser, Some(CommentDecision), Object::Decision, Class::Act),
    act("/act/own-role-requests", Door::Browser, Some(RequestRole), Object::Member, Class::Search),
    act("/act/role-requests", Door::Browser, Some(ListRoleRequests), Object::Installation, Class::Search),
    act("/act/request-role", Door::Browser, Some(RequestRole), Object::Member, Class::Act),
    act("/act/answer-role-request", Door::Browser, Some(AnswerRoleRequest), Object::Member, Class::Act),
    act("/act/handovers", Door::Browser, Some(ListQueue), Object::Installation, Class::Search),
    act("/act/note-handover", Door::Browser, Some(HandOver), Object::System, Class::Act),
    act("/act/end-handover", Door::Browser, Some(EndHandover), Object::Installation, Class::Act),
    act("/act/put-away-handover", Door::Browser, Some(ListQueue), Object::Installation, Class::Read),
    act("/act/pauses", Door::Browser, Some(ListPauses), Object::Installation, Class::Search),
    act("/act/pause-system", Door::Browser, Some(PauseSystem), Object::System, Class::Act),
    act("/act/resume-system", Door::Browser, Some(ResumeSystem), Object::System, Class::Act),
    act("/act/mapping", Door::Browser, Some(ListProviders), Object::Installation, Class::Read),
    act("/act/directories", Door::Browser, Some(ListProviders), Object::Installation, Class::Search),
    act("/act/systems", Door::Browser, Some(ListSystems), Object::Installation, Class::Search),
    act("/act/access", Door::Browser, Some(ViewAccess), Object::Installation, Class::Search),
    act("/act/my-access", Door::Browser, Some(ViewSelf), Object::Member, Class::Search),
    act("/act/keys", Door::Browser, Some(ListKeys), Object::Installation, Class::Search),
    act("/act/audit-windows", Door::Browser, Some(ListAuditWindows), Object::Installation, Class::Search),
    act("/act/access-reviews", Door::Browser, Some(ListAccessReviews), Object::Installation, Class::Search),
    act("/act/health", Door::Browser, Some(ViewHealth), Object::Installation, Class::None),
    act("/act/me", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    act("/act/my-review", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    act("/act/factors", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    act("/act/sessions", Door::Browser, Some(ListSessions), Object::Installation, Class::Search),
    act("/act/passkeys", Door::Browser, Some(ListCredentials), Object::Installation, Class::Search),
    act("/act/begin-passkey", Door::Browser, Some(ManageFactors), Object::Member, Class::Read),
    act("/act/begin-totp", Door::Browser, Some(ManageFactors), Object::Member, Class::Read),
    act("/act/prepare-review", Door::Browser, Some(ReviewDecision), Object::Decision, Class::Read),
    act("/act/notices-read", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    act("/act/open-sign-in", Door::Public, None, Object::None, Class::None),
    act("/act/passkey-challenge", Door::Public, None, Object::None, Class::None),
    // Server functions that change something.
    act("/act/enrol-passkey", Door::Browser, Some(ManageFactors), Object::Member, Class::Act),
    act("/act/remove-passkey", Door::Browser, Some(ManageFactors), Object::Member, Class::Act),
    act("/act/enrol-totp", Door::Browser, Some(ManageFactors), Object::Member, Class::Act),
    act("/act/remove-totp", Door::Browser, Some(ManageFactors), Object::Member, Class::Act),
    act("/act/recovery-codes", Door::Browser, Some(ManageFactors), Object::Member, Class::Act),
    act("/act/change-password", Door::Browser, Some(ManageFactors), Object::Member, Class::Act),
    act("/act/confirm-passkey", Door::Browser, Some(ConfirmCredential), Object::Member, Class::Act),
    act("/act/step-up", Door::Browser, Some(StepUp), Object::SignIn, Class::Auth),
    act("/act/passkey-step-up", Door::Browser, Some(StepUp), Object::SignIn, Class::Auth),
    act("/act/passkey-sign-in", Door::Public, Some(SignIn), Object::Installation, Class::Auth),
    act("/act/finish-setup", Door::Public, Some(SetUp), Object::Installation, Class::Auth).idempotency(Idempotency::Once),
    act("/act/join", Door::Public, Some(Join), Object::Member, Class::Auth).idempotency(Idempotency::Once),
    act("/act/sign-in", Door::Public, Some(SignIn), Object::Installation, Class::Auth),
    act("/act/sign-in-as", Door::Public, Some(SignInAs), Object::Installation, Class::Auth),
    act("/act/sign-out", Door::Browser, Some(EndSignIn), Object::SignIn, Class::Auth),
    act("/act/end-session", Door::Browser, Some(EndSignIn), Object::SignIn, Class::Auth),
    act("/act/end-other-sessions", Door::Browser, Some(EndSignIn), Object::SignIn, Class::Auth),
    act("/act/start-review", Door::Browser, Some(ReviewDecision), Object::Decision, Class::Act),
    act("/act/take-over", Door::Browser, Some(ReviewDecision), Object::Decision, Class::Act),
    act("/act/release-review", Door::Browser, Some(ReviewDecision), Object::Decision, Class::Act),
    act("/act/heartbeat", Door::Browser, None, Object::None, Class::None),
    act("/act/review", Door::Browser, Some(ReviewDecision), Object::Decision, Class::Act).idempotency(Idempotency::Presentation),
    act("/act/edit", Door::Browser, Some(ReviewDecision), Object::Decision, Class::Act).idempotency(Idempotency::Presentation),
    act("/act/review-in-bulk", Door::Browser, Some(ReviewInBulk), Object::Installation, Class::Act).idempotency(Idempotency::Presentation),
    act("/act/preview-edit", Door::Browser, Some(ViewDecision), Object::Decision, Class::Read),
    act("/act/retract", Door::Browser, Some(ReviewDecision), Object::Decision, Class::Act),
    act("/act/open-field", Door::Browser, Some(UnmaskField), Object::Decision, Class::Act),
    act("/act/invite", Door::Browser, Some(InvitePerson), Object::Installation, Class::Act),
    act("/act/renew-invitation", Door::Browser, Some(ChangePerson), Object::Member, Class::Act),
    act("/act/disable-person", Door::Browser, Some(ChangePerson), Object::Member, Class::Act),
    act("/act/enable-person", Door::Browser, Some(ChangePerson), Object::Member, Class::Act),
    act("/act/add-provider", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/change-provider", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/enable-provider", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/disable-provider", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/remove-provider", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/save-mapping-row", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/remove-mapping-row", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/discard-mapping", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/apply-mapping", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/just-in-time", Door::Browser, Some(ChangeProvider), Object::Installation, Class::Act),
    act("/act/issue-scim-token", Door::Browser, Some(IssueScimToken), Object::Installation, Class::Act),
    act("/act/revoke-scim-token", Door::Browser, Some(RevokeScimToken), Object::Installation, Class::Act),
    act("/act/assign-role", Door::Browser, Some(AssignRole), Object::Member, Class::Act),
    act("/act/end-role", Door::Browser, Some(EndRole), Object::Member, Class::Act),
    act("/act/confirm-change", Door::Browser, Some(ConfirmChange), Object::Change, Class::Act),
    act("/act/refuse-change", Door::Browser, Some(ConfirmChange), Object::Change, Class::Act),
    act("/act/withdraw-change", Door::Browser, Some(WithdrawChange), Object::Change, Class::Act),
    act("/act/single-operator", Door::Browser, Some(SwitchSingleOperator), Object::Installation, Class::Act),
    act("/act/register-system", Door::Browser, Some(RegisterSystem), Object::Installation, Class::Act),
    act("/act/issue-key", Door::Browser, Some(IssueKey), Object::System, Class::Act),
    act("/act/name-owner", Door::Browser, Some(NameOwner), Object::System, Class::Act),
    act("/act/revoke-key", Door::Browser, Some(RevokeKey), Object::System, Class::Act),
    act("/act/new-key", Door::Browser, Some(IssueKey), Object::System, Class::Act),
    act("/act/rotate-key", Door::Browser, Some(RotateKey), Object::System, Class::Act),
    act("/act/end-former-secret", Door::Browser, Some(RotateKey), Object::System, Class::Act),
    act("/act/end-key", Door::Browser, Some(RevokeKey), Object::System, Class::Act),
    act("/act/open-audit-window", Door::Browser, Some(OpenAuditWindow), Object::Member, Class::Act),
    act("/act/close-audit-window", Door::Browser, Some(CloseAuditWindow), Object::Member, Class::Act),
    act("/act/issue-token", Door::Browser, Some(IssueToken), Object::Member, Class::Act),
    act("/act/start-access-review", Door::Browser, Some(StartAccessReview), Object::Installation, Class::Act),
    act("/act/review-assignment", Door::Browser, Some(DecideAccessReview), Object::Member, Class::Act),
    act("/act/prefer", Door::Public, None, Object::None, Class::None),
    // What people set for themselves, and who reads a decision now: no act, and on no record.
    page("/me/views", Door::Browser, None, Object::None, Class::None),
    page("/me/keys", Door::Browser, None, Object::None, Class::None),
    act("/act/my-views", Door::Browser, None, Object::None, Class::None),
    act("/act/save-view", Door::Browser, None, Object::None, Class::None),
    act("/act/rename-view", Door::Browser, None, Object::None, Class::None),
    act("/act/move-view", Door::Browser, None, Object::None, Class::None),
    act("/act/remove-view", Door::Browser, None, Object::None, Class::None),
    act("/act/bind-key", Door::Browser, None, Object::None, Class::None),
    act("/act/reset-key", Door::Browser, None, Object::None, Class::None),
    act("/act/switch-keys", Door::Browser, None, Object::None, Class::None),
    act("/act/present", Door::Browser, None, Object::None, Class::None),
    act("/act/give-delegation", Door::Browser, Some(GiveDelegation), Object::Member, Class::Act),
    act("/act/end-delegation", Door::Browser, Some(EndDelegation), Object::Member, Class::Act),
    act("/act/set-absence", Door::Browser, Some(SetAbsence), Object::Member, Class::Act),
    act("/act/clear-absence", Door::Browser, Some(SetAbsence), Object::Member, Class::Act),
    // Notices outside the page.
    page("/admin/notices", Door::Browser, Some(ListChannels), Object::Installation, Class::Search),
    act("/act/channels", Door::Browser, Some(ListChannels), Object::Installation, Class::Search),
    act("/act/add-channel", Door::Browser, Some(ChangeChannel), Object::Installation, Class::Act),
    act("/act/change-channel", Door::Browser, Some(ChangeChannel), Object::Installation, Class::Act),
    act("/act/pause-channel", Door::Browser, Some(ChangeChannel), Object::Installation, Class::Act),
    act("/act/resume-channel", Door::Browser, Some(ChangeChannel), Object::Installation, Class::Act),
    act("/act/remove-channel", Door::Browser, Some(ChangeChannel), Object::Installation, Class::Act),
    act("/act/test-channel", Door::Browser, Some(ChangeChannel), Object::Installation, Class::Read),
    act("/act/retry-message", Door::Browser, Some(ChangeChannel), Object::Installation, Class::Read),
    act("/act/my-notices", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    act("/act/choose-notices", Door::Browser, Some(ViewSelf), Object::Member, Class::Read),
    // Identity providers. The ways there only set a cookie; the way back signs in.
    endpoint(Get, "/login/{provider}", Door::Public, None, Object::None, Class::None, || get(sso::begin)),
    endpoint(Get, "/step-up/{provider}", Door::Browser, Some(StepUp), Object::SignIn, Class::None, || get(sso::begin_step_up)),
    endpoint(Get, "/link/{provider}", Door::Browser, Some(ManageFactors), Object::Member, Class::None, || get(sso::begin_link)),
    endpoint(Get, "/test-sign-in/{provider}", Door::Browser, Some(ChangeProvider), Object::Installation, Class::None, || get(sso::begin_test)),
    endpoint(Get, "/callback/{provider}", Door::Public, Some(SignIn), Object::Installation, Class::Auth, || get(sso::callback)),
    endpoint(Post, "/backchannel-logout/{provider}", Door::Idp, Some(EndSignIn), Object::SignIn, Class::Auth, || post(sso::back_channel_logout)).limits(FORMS),
    endpoint(Get, "/client-keys/{provider}", Door::Public, None, Object::None, Class::None, || get(sso::client_keys)),
    endpoint(Get, "/sign-out/{provider}", Door::Public, None, Object::None, Class::None, || get(sso::end_session)),
    endpoint(Get, "/signed-out/{provider}", Door::Public, None, Object::None, Class::None, || get(sso::signed_out)),
    // Browser extras.
    endpoint(Get, "/stream/queue", Door::Browser, Some(OpenStream), Object::Installation, Class::Search, || get(stream::queue)).limits(STREAM),
    endpoint(Get, "/decisions/{id}/chain.json", Door::Browser, Some(ViewDecision), Object::Decision, Class::Export, || get(chains::download)),
    endpoint(Get, "/decisions/{id}/proof", Door::Browser, Some(DownloadProof), Object::Decision, Class::Export, || get(proofs::download)),
    endpoint(Get, "/admin/access/export", Door::Browser, Some(ExportAccess), Object::Installation, Class::Export, || get(access::export)),
    // The API for agents.
    endpoint(Post, "/api/v1/decisions", Door::Api, Some(Propose), Object::System, Class::Act, || post(api::decisions::propose)).limits(WAIT).idempotency(Idempotency::Header),
    endpoint(Get, "/api/v1/decisions/{id}", Door::Api, Some(GetDecision), Object::Decision, Class::Read, || get(api::decisions::show)).limits(WAIT),
    endpoint(Post, "/api/v1/decisions/{id}/outcomes", Door::Api, Some(ReportOutcome), Object::Decision, Class::Act, || post(api::decisions::report_outcome)).idempotency(Idempotency::Header),
    endpoint(Post, "/api/v1/decisions/{id}/revisions", Door::Api, Some(Revise), Object::Decision, Class::Act, || post(api::decisions::revise)).idempotency(Idempotency::Header),
    endpoint(Post, "/api/v1/decisions/{id}/withdraw", Door::Api, Some(Withdraw), Object::Decision, Class::Act, || post(api::decisions::withdraw)).idempotency(Idempotency::Header),
    endpoint(Get, "/api/v1/decisions/{id}/proof", Door::Api, Some(DownloadProof), Object::Decision, Class::Export, || get(api::decisions::proof)),
    endpoint(Get, "/api/v1/decision_types", Door::Api, Some(ListDecisionTypes), Object::System, Class::Search, || get(api::decision_types::list)),
    endpoint(Get, "/api/v1/openapi.json", Door::Public, None, Object::None, Class::None, || get(api::reference::openapi)),
    endpoint(Get, "/api/v1/errors", Door::Public, None, Object::None, Class::None, || get(api::reference::errors)),
    // Directories.
    endpoint(Get, "/scim/v2/ServiceProviderConfig", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Read, || get(scim::config)),
    endpoint(Get, "/scim/v2/Schemas", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Read, || get(scim::schemas)),
    endpoint(Get, "/scim/v2/Schemas/{id}", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Read, || get(scim::schema)),
    endpoint(Get, "/scim/v2/ResourceTypes", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Read, || get(scim::resource_types)),
    endpoint(Get, "/scim/v2/ResourceTypes/{id}", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Read, || get(scim::resource_type)),
    endpoint(Get, "/scim/v2/Users", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Search, || get(scim::list_users)),
    endpoint(Post, "/scim/v2/Users", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || post(scim::create_user)),
    endpoint(Get, "/scim/v2/Users/{id}", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Read, || get(scim::get_user)),
    endpoint(Put, "/scim/v2/Users/{id}", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || put(scim::replace_user)),
    endpoint(Patch, "/scim/v2/Users/{id}", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || patch(scim::patch_user)),
    endpoint(Delete, "/scim/v2/Users/{id}", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || delete(scim::delete_user)),
    endpoint(Get, "/scim/v2/Groups", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Search, || get(scim::list_groups)),
    endpoint(Post, "/scim/v2/Groups", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || post(scim::create_group)),
    endpoint(Get, "/scim/v2/Groups/{id}", Door::Scim, Some(ReadDirectory), Object::Directory, Class::Read, || get(scim::get_group)),
    endpoint(Put, "/scim/v2/Groups/{id}", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || put(scim::replace_group)),
    endpoint(Patch, "/scim/v2/Groups/{id}", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || patch(scim::patch_group)),
    endpoint(Delete, "/scim/v2/Groups/{id}", Door::Scim, Some(PushDirectory), Object::Directory, Class::Act, || delete(scim::delete_group)),
    // Files of the log.
    endpoint(Get, "/ledger/{log}/checkpoint", Door::Public, None, Object::None, Class::None, || get(log_files::checkpoint)),
    endpoint(Get, "/ledger/{log}/trust-policy", Door::Public, None, Object::None, Class::None, || get(log_files::trust_policy)),
    endpoint(Get, "/ledger/{log}/keys", Door::Public, None, Object::None, Class::None, || get(log_files::keys)),
    endpoint(Get, "/ledger/{log}/tile/{*path}", Door::Reader, Some(ReadLog), Object::Installation, Class::Read, || get(log_files::tile)),
    endpoint(Get, "/ledger/{log}/proof/{index}", Door::Reader, Some(ReadLog), Object::Installation, Class::Export, || get(log_files::proof)),
    endpoint(Get, "/ledger/{log}/statement/{digest}", Door::Reader, Some(ReadLog), Object::Installation, Class::Read, || get(log_files::statement)),
    // What costs and tells nothing.
    endpoint(Get, "/pkg/{*path}", Door::Public, None, Object::None, Class::None, || get(files::show)).limits(FREE),
    endpoint(Get, "/livez", Door::Public, None, Object::None, Class::None, || get(health::live)).limits(FREE),
    endpoint(Get, "/readyz", Door::Public, None, Object::None, Class::None, || get(health::ready)).limits(FREE),
    endpoint(Post, "/csp-report", Door::Public, None, Object::None, Class::None, || post(health::csp_report)).limits(REPORTS),
    #[cfg(feature = "test-clock")]
    endpoint(Post, "/test/clock", Door::Public, None, Object::None, Class::None, || post(crate::clock::set)),
];

/// The row of every address that no other row has: the "not found" page, for reads.
pub(crate) static ELSEWHERE: Route = page("/{*elsewhere}", Door::Public, None, Object::None, Class::None);

/// Builds the router from the table.
///
/// # Errors
///
/// What [`check`] found: then nothing is served.
pub fn router(server: &Server) -> Result<Router, Vec<String>> {
    let faults = check();
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, gated(server, route));
    }
    let router = router
        .fallback(layers::elsewhere)
        .method_not_allowed_fallback(|| async {
            Refusal::new(Code::MethodNotAllowed, "This address does not take that method.")
        })
        .with_state(server.clone());

    Ok(layers::around(router, server))
}

fn gated(server: &Server, route: &'static Route) -> MethodRouter<Server> {
    let handler = match (route.handler, route.method) {
        (Handler::Page, _) => get(door::page),
        (Handler::Act, _) => post(door::act),
        (Handler::Endpoint(handler), _) => handler(),
    };
    handler.route_layer(from_fn_with_state(Gate::new(server, route), layers::gate))
}

/// Compares the table with what the application registers, and lists every difference.
pub fn check() -> Vec<String> {
    let rows = |wanted: fn(&Handler) -> bool| -> BTreeSet<String> {
        ROUTES.iter().filter(|route| wanted(&route.handler)).map(|route| route.path.to_owned()).collect()
    };
    let pages: BTreeSet<String> = leptos_axum::generate_route_list(countersign_app::App)
        .iter()
        .map(|listing| listing.path().to_owned())
        .collect();
    let acts: BTreeSet<String> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| if method == Method::POST { path.to_owned() } else { format!("{method} {path}") })
        .collect();
    let mut faults = Vec::new();
    for (kind, table, registered) in [
        ("page", rows(|handler| matches!(handler, Handler::Page)), pages),
        ("server function", rows(|handler| matches!(handler, Handler::Act)), acts),
    ] {
        faults.extend(
            registered.difference(&table).map(|path| format!("the {kind} {path} has no row in the route table")),
        );
        faults.extend(table.difference(&registered).map(|path| format!("the row of {path} has no {kind}")));
    }
    let mut seen = BTreeSet::new();
    faults.extend(
        ROUTES
            .iter()
            .filter(|route| !seen.insert((route.method, route.path)))
            .map(|route| format!("{} {} has two rows", route.method.word(), route.path)),
    );

    faults
}
