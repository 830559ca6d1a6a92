//! An installation to ask: a desk of the engine, the router around it, people who are signed in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    Router,
    body::{Body, Bytes},
};
use countersign_domain::{
    decision::{ReasonCode, Verdict},
    grant::GrantForm,
    holding::{Holding, Source},
    ids::{
        AccessReviewId, AgentKeyId, AuditWindowId, BulkRunId, ChangeId, ChannelId, DecisionId, DecisionTypeId,
        DelegationId, EntryId, FormId, GrantId, HandoverId, MappingVersionId, MessageId, PersonId, PolicyVersionId,
        ProviderId, RoleAssignmentId, ScimGroupId, ScimTokenId, ScimUserId, SessionId, SystemId,
    },
    mapping::RowForm,
    notice::ChannelForm,
    policy::view::{ConditionForm, RuleForm},
    provider::ProviderSettings,
    role::Role,
    scim::{MEDIA_TYPE, PATCH, Resource},
    talk::Note,
    text::Reason,
    time::{DAY_MS, date},
};
use countersign_engine::{
    Actor, Caller, access_reviews,
    audit_windows::{self, Opened, Wanted, WantedForm},
    changes,
    decisions::{self, BulkRequest},
    delegations::{self, DelegationForm},
    factors,
    grants::{self, GrantRequest},
    handovers::{self, HandoverRequest},
    invitations, keys, ledger,
    notices::{
        channels,
        deliver::{Carried, Carrier, Failure, Letter, send_due},
    },
    pauses, people, policies, providers, role_mappings,
    role_requests::{self, RoleAsked},
    roles::{self, Assigned},
    scim::{self, tokens::TokenSettings},
    sessions::{self, Typed},
    systems,
    testing::{Desk, again, app_code},
};
use countersign_server::{
    Files, Server,
    config::Origin,
    layers::Peer,
    routes::{self, ROUTES, Route, Verb},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

pub(crate) const ORIGIN: &str = "http://127.0.0.1:3000";
/// A rule as its form sends it.
const RULE: &str = "name=refund-high&route=require&need=1&need_senior=&staged=&due=4+h&on_timeout=deny&signed=&when%5B0%5D%5Bfact%5D=risk&when%5B0%5D%5Boperator%5D=in&when%5B0%5D%5Bvalues%5D=high";
pub(crate) const PASSWORD: &str = "seven green lanterns over water";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Anonymous,
    Admin,
    Approver,
    Auditor,
    Agent,
    Viewer,
    SeniorApprover,
    PolicyAuthor,
    ComplianceOfficer,
    /// An approver of another AI system; and below, whoever else has a role on that one only, and its agent.
    Elsewhere,
    ViewerElsewhere,
    SeniorElsewhere,
    AuthorElsewhere,
    AuditorElsewhere,
    AgentElsewhere,
    /// A directory with its token.
    Directory,
}

impl Who {
    pub(crate) const ALL: [Who; 6] =
        [Who::Anonymous, Who::Admin, Who::Approver, Who::Auditor, Who::Agent, Who::Directory];

    /// Every role; where a role has a scope, also with another AI system in it than the objects' own.
    pub(crate) const EVERYBODY: [Who; 16] = [
        Who::Anonymous,
        Who::Viewer,
        Who::ViewerElsewhere,
        Who::Approver,
        Who::Elsewhere,
        Who::SeniorApprover,
        Who::SeniorElsewhere,
        Who::PolicyAuthor,
        Who::AuthorElsewhere,
        Who::Admin,
        Who::ComplianceOfficer,
        Who::Auditor,
        Who::AuditorElsewhere,
        Who::Agent,
        Who::AgentElsewhere,
        Who::Directory,
    ];

    /// Who has a role on another AI system only, and the role.
    const ELSEWHERE: [(Who, &'static str, Role); 5] = [
        (Who::ViewerElsewhere, "vito", Role::Viewer),
        (Who::Elsewhere, "elsa", Role::Approver),
        (Who::SeniorElsewhere, "selma", Role::SeniorApprover),
        (Who::AuthorElsewhere, "paul", Role::PolicyAuthor),
        (Who::AuditorElsewhere, "ulla", Role::Auditor),
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Who::Viewer => "viewer",
            Who::SeniorApprover => "senior approver",
            Who::PolicyAuthor => "policy author",
            Who::ComplianceOfficer => "compliance officer",
            Who::Elsewhere => "approver elsewhere",
            Who::ViewerElsewhere => "viewer elsewhere",
            Who::SeniorElsewhere => "senior elsewhere",
            Who::AuthorElsewhere => "policy author elsewhere",
            Who::AuditorElsewhere => "auditor elsewhere",
            Who::AgentElsewhere => "agent elsewhere",
            Who::Anonymous => "anonymous",
            Who::Admin => "admin",
            Who::Approver => "approver",
            Who::Auditor => "auditor",
            Who::Agent => "agent",
            Who::Directory => "directory",
        }
    }
}

/// Somebody who signed in by an invitation of their own, and set up an authenticator app.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) login: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
}

pub(crate) struct Installation {
    pub(crate) desk: Desk,
    pub(crate) server: Server,
    pub(crate) router: Router,
    pub(crate) admin: Member,
    pub(crate) approver: Member,
    pub(crate) auditor: Member,
    pub(crate) decision: DecisionId,
    /// A provider whose directory pushes, with a token that may give the role viewer.
    pub(crate) provider: ProviderId,
    pub(crate) token: String,
    user: ScimUserId,
    group: ScimGroupId,
    others: Vec<(Who, Member)>,
    /// A key of the other AI system.
    other_key: String,
}

impl Installation {
    /// Sets one up, with one decision in the queue.
    pub(crate) async fn new() -> Self {
        let desk = Desk::new().await;
        let site = site();
        let files = Files::read(site.path()).unwrap();
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let server = Server::new(desk.engine.clone(), ORIGIN.parse::<Origin>().unwrap(), proxies, files);
        let router = routes::router(&server).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let admin = join(&desk, "Ada Admin", "ada", Role::Admin).await;
        let approver = join(&desk, "Pia Approver", "pia", Role::Approver).await;
        let auditor = join(&desk, "Uwe Auditor", "uwe", Role::Auditor).await;
        confirm_all(&desk, &admin).await;
        let decision = desk.queued_decision().await;
        let provider = connect(&desk).await;
        let settings = TokenSettings { provider, ceiling: vec![Role::Viewer], days: 90 };
        let token = scim::tokens::issue(&desk.engine, &again(&desk.admin), settings).await.unwrap().token;
        desk.sealed().await;

        let mut installation = Self {
            desk,
            server,
            router,
            admin,
            approver,
            auditor,
            decision,
            provider,
            token,
            user: ScimUserId(uuid::Uuid::nil()),
            group: ScimGroupId(uuid::Uuid::nil()),
            others: Vec::new(),
            other_key: String::new(),
        };
        installation.user = installation.pushed_user().await;
        installation.group = installation.pushed_group().await;
        installation
    }

    /// The directory that the token belongs to.
    pub(crate) async fn directory(&self) -> Caller {
        let actor = scim::authenticate(&self.desk.engine, &self.token).await.unwrap();
        Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil())
    }

    /// Pushes a user who is somebody new.
    pub(crate) async fn pushed_user(&self) -> ScimUserId {
        let created = scim::users::create(&self.desk.engine, &self.directory().await, &new_user()).await.unwrap();
        created.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// Pushes a group without members.
    pub(crate) async fn pushed_group(&self) -> ScimGroupId {
        let created = scim::groups::create(&self.desk.engine, &self.directory().await, &new_group()).await.unwrap();
        created.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// Makes a member with a role and an authenticator app, signed in.
    pub(crate) async fn member_named(&self, login: &str, role: Role) -> Member {
        join(&self.desk, login, login, role).await
    }

    async fn spare_token(&self) -> ScimTokenId {
        let engine = &self.desk.engine;
        let settings = TokenSettings { provider: self.provider, ceiling: Vec::new(), days: 90 };
        let made = scim::tokens::issue(engine, &again(&self.desk.admin), settings).await.unwrap();
        let view = scim::tokens::list(engine, &again(&self.desk.admin)).await.unwrap();
        let mut tokens = view.directories.into_iter().flat_map(|directory| directory.tokens);
        tokens.find(|token| made.token.contains(&token.key_id)).unwrap().id
    }

    /// Sets one up with somebody in every role.
    pub(crate) async fn with_every_role() -> Self {
        let mut installation = Self::new().await;
        let desk = &installation.desk;
        let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
        let mut others = Vec::new();
        for (who, login, role) in [
            (Who::Viewer, "vera", Role::Viewer),
            (Who::SeniorApprover, "sam", Role::SeniorApprover),
            (Who::PolicyAuthor, "petra", Role::PolicyAuthor),
            (Who::ComplianceOfficer, "carl", Role::ComplianceOfficer),
        ] {
            others.push((who, join(desk, who.word(), login, role).await));
        }
        for (who, login, _) in Who::ELSEWHERE {
            others.push((who, join(desk, who.word(), login, Role::Viewer).await));
        }
        confirm_all(desk, &installation.admin).await;
        for (who, _, role) in Who::ELSEWHERE {
            let (_, member) = others.iter().find(|(other, _)| *other == who).unwrap();
            desk.reconcile(member.person, Source::Hand, vec![Holding::on(role, vec![other])]).await.unwrap();
        }
        installation.other_key = systems::issue_key(&desk.engine, &again(&desk.admin), other).await.unwrap().key;
        installation.others = others;
        for (who, ..) in Who::ELSEWHERE {
            installation.sign_in_again(who).await;
        }
        installation
    }

    pub(crate) fn member(&self, who: Who) -> Option<&Member> {
        match who {
            Who::Admin => Some(&self.admin),
            Who::Approver => Some(&self.approver),
            Who::Auditor => Some(&self.auditor),
            Who::Anonymous | Who::Agent | Who::AgentElsewhere | Who::Directory => None,
            other => self.others.iter().find(|(who, _)| *who == other).map(|(_, member)| member),
        }
    }

    /// Adds the credential of somebody to a request.
    pub(crate) fn as_who(&self, ask: Ask, who: Who) -> Ask {
        match (who, self.member(who)) {
            (_, Some(member)) => ask.session(&member.token),
            (Who::Agent, _) => ask.key(&self.desk.key),
            (Who::AgentElsewhere, _) => ask.key(&self.other_key),
            (Who::Directory, _) => ask.key(&self.token),
            _ => ask,
        }
    }

    /// Writes a well-formed request for a row of the route table.
    pub(crate) async fn ask(&self, route: &Route) -> Ask {
        let ask = match route.method {
            Verb::Get => Ask::get(&self.path(route).await),
            Verb::Post => Ask::post(&self.path(route).await).same_origin(),
            Verb::Put => Ask::new(Method::PUT, &self.path(route).await),
            Verb::Patch => Ask::new(Method::PATCH, &self.path(route).await),
            Verb::Delete => Ask::new(Method::DELETE, &self.path(route).await),
        };
        let ask = match route.path {
            "/test/clock" => ask,
            // Wrong credentials slow a network down, so each route is asked from another one.
            _ => ask.peer(&network_of(route)),
        };
        match route.path {
            path if path.starts_with("/scim/") => match route.method {
                Verb::Get | Verb::Delete => ask,
                Verb::Patch => {
                    let operations = serde_json::json!([{"op": "replace", "path": "externalId", "value": unique()}]);
                    let operations = match path.contains("/Groups") {
                        true => operations,
                        false => serde_json::json!([{"op": "replace", "path": "displayName", "value": "Someone"}]),
                    };
                    let body = serde_json::json!({"schemas": [PATCH], "Operations": operations});
                    ask.body(MEDIA_TYPE, body.to_string())
                }
                Verb::Post | Verb::Put => {
                    let mut body = if path.contains("/Groups") { new_group() } else { new_user() };
                    if route.method == Verb::Put {
                        // The subject of a user that was pushed stays as it is.
                        let directory = self.directory().await;
                        if let Ok(held) = scim::users::get(&self.desk.engine, &directory, self.last_of(&ask)).await {
                            body["externalId"] = held.body["externalId"].clone();
                        }
                    }
                    ask.body(MEDIA_TYPE, body.to_string())
                }
            },
            "/api/v1/decisions" => {
                let order = self.desk.system.to_string();
                ask.json(&countersign_engine::testing::proposal(&order)).header("idempotency-key", "k1")
            }
            "/api/v1/decisions/{id}/outcomes" => {
                ask.json(r#"{"result":"executed","effect":"full"}"#).header("idempotency-key", "k2")
            }
            "/api/v1/decisions/{id}/revisions" => {
                ask.json(&countersign_engine::testing::proposal(&unique())).header("idempotency-key", &unique())
            }
            "/api/v1/decisions/{id}/withdraw" => {
                ask.json(r#"{"reason_code":"no_longer_needed"}"#).header("idempotency-key", &unique())
            }
            "/csp-report" => {
                ask.body("application/csp-report", r#"{"csp-report":{"violated-directive":"script-src"}}"#)
            }
            "/test/clock" => ask.json(r#"{"milliseconds":0}"#),
            _ if route.method == Verb::Post => ask.form(&self.form(route.path).await),
            _ => ask,
        }
    }

    async fn path(&self, route: &Route) -> String {
        let digest = match route.path.contains("{digest}") {
            true => {
                decisions::get(&self.desk.engine, &again(&self.desk.agent), self.decision).await.unwrap().content_hash
            }
            false => String::new(),
        };
        let own = route.method == Verb::Get;
        let id = match route.path {
            "/scim/v2/Users/{id}" if own => self.user.to_string(),
            "/scim/v2/Users/{id}" => self.pushed_user().await.to_string(),
            "/scim/v2/Groups/{id}" if own => self.group.to_string(),
            "/scim/v2/Groups/{id}" => self.pushed_group().await.to_string(),
            "/api/v1/decisions/{id}/withdraw" => self.desk.queued_decision().await.to_string(),
            "/api/v1/decisions/{id}/revisions" => {
                let decision = self.desk.queued_decision().await;
                self.desk.review(&self.desk.approver, decision, Verdict::RequestChanges).await.unwrap();
                decision.to_string()
            }
            "/scim/v2/Schemas/{id}" => Resource::User.schema().to_owned(),
            "/scim/v2/ResourceTypes/{id}" => Resource::User.name().to_owned(),
            _ => self.decision.to_string(),
        };
        let file = if route.path.starts_with("/pkg/") { "app.1a2b.css" } else { "0/000.p/1" };
        if route.path == "/bulk" {
            return format!("/bulk?ids={}", self.desk.queued_decision().await);
        }
        if route.path == "/bulk/{run}" {
            return format!("/bulk/{}", self.bulk_run().await);
        }
        if route.path == "/policies/drafts/{draft}" {
            return format!("/policies/drafts/{}", self.policy_draft().await);
        }
        if route.path == "/decisions/{id}/shown/{review}" {
            let (decision, review) = self.reviewed().await;
            return format!("/decisions/{decision}/shown/{review}");
        }
        if route.path == "/grants/{grant}" {
            return format!("/grants/{}", self.grant().await);
        }
        if route.path == "/policies/{version}" {
            return "/policies/1".into();
        }
        if route.path == "/admin/sso/{provider}" {
            return format!("/admin/sso/{}", self.provider().await.1);
        }
        route
            .path
            .replace("{person}", &self.approver.person.to_string())
            .replace("{id}", &id)
            .replace("{index}", "0")
            .replace("{log}", ledger::log_id(&self.desk.engine))
            .replace("{digest}", &digest)
            .replace("{*path}", file)
    }

    /// The user whom a request names, if it names one.
    fn last_of(&self, ask: &Ask) -> ScimUserId {
        ask.path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(self.user)
    }

    async fn form(&self, path: &str) -> String {
        match path {
            "/act/decision" | "/act/chain" => format!("id={}", self.decision),
            "/act/shown" => {
                let (decision, review) = self.reviewed().await;
                format!("id={decision}&review={review}")
            }
            "/act/my-review" => format!("decision={}", self.decision),
            "/act/entry" => "index=0".into(),
            "/act/setup-link" | "/act/invitation" => "token=none".into(),
            "/act/finish-setup" => format!("token=none&name=Eve&login=eve&password={}", PASSWORD.replace(' ', "+")),
            "/act/join" => format!("token=none&password={}", PASSWORD.replace(' ', "+")),
            "/act/sign-in" => format!("txn=none&login=nobody&password={}&code=&next=", PASSWORD.replace(' ', "+")),
            "/act/step-up" => format!("password={}&code=000000&next=", PASSWORD.replace(' ', "+")),
            "/act/passkey-challenge" => "purpose=sign_in".into(),
            "/act/passkey-sign-in" | "/act/passkey-step-up" => "answer=%7B%7D&reason=&next=".into(),
            "/act/enrol-passkey" => "answer=%7B%7D".into(),
            "/act/enrol-totp" => "code=000000".into(),
            "/act/change-password" => "old_password=not+this+one&password=another+long+phrase".into(),
            "/act/remove-passkey" | "/act/confirm-passkey" => format!("passkey={}", uuid::Uuid::nil()),
            "/act/notices-read" => "up_to=0".into(),
            "/act/sign-in-as" => "role=approver".into(),
            "/act/end-session" => format!("session={}", self.approver.session),
            "/act/save-view" => "name=Loans&view=team&sort=risk&risk=high".into(),
            "/act/rename-view" => format!("view={}&name=Loans", uuid::Uuid::nil()),
            "/act/move-view" => format!("view={}&down=true", uuid::Uuid::nil()),
            "/act/remove-view" => format!("view={}", uuid::Uuid::nil()),
            "/act/bind-key" => "command=approve&key=z".into(),
            "/act/switch-keys" => "off=true".into(),
            "/act/present" => format!("decision={}", self.decision),
            "/act/request-role" => "role=viewer&page=%2Fpolicies&reason=I+write+them.".into(),
            "/act/answer-role-request" => {
                let request = self.role_request().await;
                format!("request={request}&answer=refused&reason=The+policy+team+does.")
            }
            "/act/give-delegation" => {
                let colleague = self.colleague().await;
                format!("to={}&until={}", colleague.person().unwrap(), self.next_week())
            }
            "/act/end-delegation" => format!("delegation={}", self.delegation().await),
            "/act/set-absence" => format!("away_from=&away_until={}&delegation=", self.next_week()),
            "/act/prefer" => "theme=dark&density=compact&zone=utc".into(),
            "/act/review" | "/act/prepare-review" => {
                let decision = self.desk.queued_decision().await;
                let actor = sessions::authenticate(&self.desk.engine, &self.approver.token).await.unwrap().unwrap();
                let approver = Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil());
                let form = self.desk.open_form(&approver, decision, Verdict::Approve).await.unwrap();
                let (presentation, lease) = (form.presentation, form.lease);
                format!(
                    "decision={decision}&presentation={presentation}&lease={lease}&verdict=approve&code=within_policy&reason=Fits."
                )
            }
            "/act/preview-edit" => format!("decision={}", self.decision),
            "/act/bulk" => format!("ids={}&open=", self.desk.queued_decision().await),
            "/act/bulk-run" => format!("run={}", self.bulk_run().await),
            "/act/review-in-bulk" => {
                let (bulk, decision) = self.bulk_form().await;
                format!("bulk={bulk}&ids={decision}&open=&verdict=approve&code=within_policy&reason=Fits.")
            }
            "/act/start-review" => format!("decision={}&edit=false&reason=", self.desk.queued_decision().await),
            "/act/take-over" => {
                let decision = self.desk.queued_decision().await;
                let held = self.desk.open_form(&self.desk.approver_b, decision, Verdict::Approve).await.unwrap();
                format!("decision={decision}&lease={}&edit=false&reason=The+shift+changed.", held.lease)
            }
            "/act/release-review" | "/act/heartbeat" => {
                let decision = self.desk.queued_decision().await;
                let actor = sessions::authenticate(&self.desk.engine, &self.approver.token).await.unwrap().unwrap();
                let approver = Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil());
                let held = self.desk.open_form(&approver, decision, Verdict::Approve).await.unwrap();
                format!("decision={decision}&lease={}&presentation={}", held.lease, held.presentation)
            }
            "/act/edit" => {
                let decision = self.desk.queued_decision().await;
                let actor = sessions::authenticate(&self.desk.engine, &self.approver.token).await.unwrap().unwrap();
                let approver = Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil());
                let form = self.desk.open_form(&approver, decision, Verdict::Approve).await.unwrap();
                format!(
                    "decision={decision}&presentation={}&lease={}&code=wrong_parameters&reason=Half.&fields%5Bamount%5D=20.00",
                    form.presentation, form.lease
                )
            }
            "/act/retract" => {
                let decision = self.desk.queued_decision().await;
                let actor = sessions::authenticate(&self.desk.engine, &self.approver.token).await.unwrap().unwrap();
                let approver = Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil());
                self.desk.review(&approver, decision, Verdict::Abstain).await.unwrap();
                let page = decisions::view(&self.desk.engine, &again(&approver), decision).await.unwrap();
                format!("decision={decision}&review={}", page.reviews[0].retractable.unwrap())
            }
            "/act/invite" => "name=Nia+New&login=nia&role=approver".into(),
            "/act/renew-invitation" => format!("person={}", self.invited().await),
            "/act/disable-person" => format!("person={}", self.invited().await),
            "/act/enable-person" => {
                let person = self.invited().await;
                people::disable(&self.desk.engine, &again(&self.desk.admin), person).await.unwrap();
                format!("person={person}")
            }
            "/act/open-field" => format!("decision={}&field=order&reason=Asked+by+the+customer.", self.decision),
            "/act/person" => format!("person={}", self.approver.person),
            "/act/roles" => "login=&action=&object=".into(),
            "/act/issue-scim-token" => format!("provider={}&days=90&viewer=true", self.provider),
            "/act/revoke-scim-token" => format!("token={}", self.spare_token().await),
            "/act/assign-role" => format!("person={}&role=viewer", self.outside_person().await),
            "/act/end-role" => {
                let (person, assignment) = self.viewer_assignment().await;
                format!("person={person}&assignment={assignment}")
            }
            "/act/confirm-change" | "/act/refuse-change" | "/act/withdraw-change" => {
                format!("change={}", self.waiting_change().await)
            }
            "/act/single-operator" => "on=false".into(),
            "/act/register-system" => "name=loan-agent".into(),
            "/act/issue-key" => format!("system={}", self.desk.system),
            "/act/name-owner" => {
                // A system of its own, so that every role asks the same of one that nobody owns.
                format!("system={}&login=approver-a&before=&reason=Runs+it.", self.spare_system().await)
            }
            "/act/revoke" => format!("decision={}&code=against_policy&reason=Paid+twice.", self.decision),
            "/act/override" => {
                let (presentation, policy) = (uuid::Uuid::nil(), uuid::Uuid::nil());
                format!(
                    "decision={}&presentation={presentation}&resolution={presentation}&policy={policy}&code=other&reason=Paid.",
                    self.decision
                )
            }
            "/act/give-post-review" => format!("act={}&result=upheld&reason=Right.", self.post_review().await),
            "/act/grant-form" => "asked=%7B%7D".into(),
            "/act/grant" | "/act/activate-grant" | "/act/refuse-grant" => {
                format!("grant={}&reason=So+it+is.", self.grant().await)
            }
            "/act/revoke-grant" => {
                let grant = self.grant().await;
                let login = format!("senior-{}", again(&self.desk.admin).request.simple());
                let senior = self.desk.member(&login, vec![Holding::everywhere(Role::SeniorApprover)]).await;
                grants::activate(&self.desk.engine, &again(&senior), grant, Reason::new("So it is.").unwrap())
                    .await
                    .unwrap();
                format!("grant={grant}&reason=It+is+not.")
            }
            "/act/request-grant" => {
                let (system, type_id) = (self.desk.system, self.type_id().await);
                format!("system={system}&type_id={type_id}&uses=2&hours=1&fields%5Bmax_amount%5D=50&reason=The+same.")
            }
            "/act/compensate" => format!("decision={}&result=done&reason=Called+back.", self.decision),
            "/act/comments" => format!("decision={}", self.decision),
            "/act/comment" => {
                format!("decision={}&nonce={}&comment=It+looks+right.&asks=&answers=", self.decision, new_nonce())
            }
            "/act/note-handover" => format!("nonce={}&system={}&note=Mind+the+refunds.", new_nonce(), self.desk.system),
            "/act/end-handover" | "/act/put-away-handover" => format!("handover={}", self.handover().await),
            "/act/pause-system" => format!("system={}&reason=Wrong+refunds.", self.spare_system().await),
            "/act/resume-system" => {
                let (engine, system) = (&self.desk.engine, self.spare_system().await);
                let pauser = again(&self.desk.approver_b);
                pauses::pause(engine, &pauser, system, Reason::new("Wrong refunds.").unwrap()).await.unwrap();
                let view = pauses::view(engine, &again(&pauser), Some(system)).await.unwrap();
                let pause = view.chosen.unwrap().system.pause.unwrap().entry;
                format!("system={system}&pause={pause}&reason=Mended.")
            }
            "/act/revoke-key" | "/act/end-key" => format!("key={}", self.spare_key().await),
            "/act/new-key" => format!("system={}&scopes=read&days=30&networks=127.0.0.1", self.desk.system),
            "/act/rotate-key" => format!("key={}&hours=24", self.spare_key().await),
            "/act/end-former-secret" => {
                let key = self.spare_key().await;
                keys::rotate(&self.desk.engine, &again(&self.desk.admin), key, 24).await.unwrap();
                format!("key={key}")
            }
            "/act/add-provider" => {
                let slug = format!("new-{}", &again(&self.desk.admin).request.simple().to_string()[20..]);
                let issuer = format!("https%3A%2F%2F{slug}.example.org");
                format!("slug={slug}&name=New&issuer={issuer}&client_id=a&secret=b&scopes=groups&algorithms=RS256")
            }
            "/act/change-provider" => {
                let (provider, _) = self.provider().await;
                format!(
                    "provider={provider}&name=Other&client_id=a&secret=&scopes=groups&algorithms=RS256&logout_typ=required"
                )
            }
            "/act/enable-provider" | "/act/disable-provider" | "/act/remove-provider" => {
                format!("provider={}", self.provider().await.0)
            }
            "/act/mapping" => format!("slug={}", self.provider().await.1),
            "/act/just-in-time" => {
                let (provider, slug) = self.provider().await;
                format!("provider={provider}&slug={slug}&on=true")
            }
            "/act/save-mapping-row" => {
                let (provider, slug) = self.provider().await;
                format!("provider={provider}&slug={slug}&base=&at=&claim=groups&test=equals&value=readers&role=viewer")
            }
            "/act/remove-mapping-row" | "/act/discard-mapping" | "/act/apply-mapping" => {
                let (provider, slug) = self.provider().await;
                let (draft, dry_run) = self.draft(provider, &slug).await;
                format!("provider={provider}&slug={slug}&base={draft}&at=0&version={draft}&dry_run={dry_run}")
            }
            "/act/policy-version" => "number=1".into(),
            "/act/policy-draft" => format!("draft={}&decision=", self.policy_draft().await),
            "/act/save-rule" => {
                format!("draft={}&saved=2&rule=&{RULE}", self.policy_draft().await)
            }
            "/act/move-rule" => format!("draft={}&saved=2&rule=1&how=copy", self.policy_draft().await),
            "/act/submit-draft" => format!("draft={}&saved=2&reason=Less+work.", self.policy_draft().await),
            "/act/activate-draft" => {
                let (draft, digest, against) = self.policy_in_review().await;
                format!("draft={draft}&digest={digest}&against={against}")
            }
            "/act/reject-draft" => format!("draft={}&own=false&answer=Too+loose.", self.policy_in_review().await.0),
            "/act/set-guards" => {
                let view = policies::list(&self.desk.engine, &again(&self.desk.approver)).await.unwrap();
                format!("amount_max={}", view.amount_max - 1)
            }
            "/act/open-audit-window" => {
                format!("name=audit-{0}&login={0}&until=2027-01-01", self.outsider().await)
            }
            "/act/close-audit-window" | "/act/issue-token" => format!("window={}", self.window().await),
            "/act/start-access-review" => "days=14&grace=7".into(),
            "/act/review-assignment" => {
                let (review, assignment) = self.open_assignment().await;
                format!("review={review}&assignment={assignment}&answer=keep")
            }
            "/act/add-channel" => format!("name=room-{}&{ROOM}", &unique()[..12]),
            "/act/change-channel" => {
                format!("channel={}&name=room-{}&{ROOM}", self.channel(false).await, &unique()[..12])
            }
            "/act/resume-channel" => format!("channel={}", self.channel(true).await),
            "/act/pause-channel" | "/act/remove-channel" | "/act/test-channel" => {
                format!("channel={}", self.channel(false).await)
            }
            "/act/retry-message" => format!("message={}", self.dead_message().await),
            "/act/choose-notices" => "topics[your_turn]=true".into(),
            _ => String::new(),
        }
    }

    /// Opens a page of several decisions, of one here, as the approver.
    async fn bulk_form(&self) -> (BulkRunId, DecisionId) {
        let decision = self.desk.queued_decision().await;
        let page = decisions::bulk(&self.desk.engine, &self.approver().await, &[decision], &[]).await.unwrap();
        (page.sheet.unwrap().bulk, decision)
    }

    /// Sends the form of such a page, and returns the run.
    async fn bulk_run(&self) -> BulkRunId {
        let (bulk, _) = self.bulk_form().await;
        let (verdict, code) = (Verdict::Approve, ReasonCode::WithinPolicy);
        let form = BulkRequest { bulk, verdict, code, reason: Reason::new("Fits.").unwrap() };
        decisions::review_in_bulk(&self.desk.engine, &self.approver().await, form).await.unwrap();
        bulk
    }

    /// The approver in the sign-in that asks.
    async fn approver(&self) -> Caller {
        let actor = sessions::authenticate(&self.desk.engine, &self.approver.token).await.unwrap().unwrap();
        Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil())
    }

    /// Revokes an approval as a senior approver of its own, and returns the act that somebody else looks at.
    async fn post_review(&self) -> EntryId {
        let engine = &self.desk.engine;
        let login = format!("senior-{}", again(&self.desk.admin).request.simple());
        let senior = self.desk.member(&login, vec![Holding::everywhere(Role::SeniorApprover)]).await;
        let decision = self.desk.queued_decision().await;
        self.desk.review(&senior, decision, Verdict::Approve).await.unwrap();
        let reason = Reason::new("Paid twice.").unwrap();
        decisions::revoke(engine, &again(&senior), decision, ReasonCode::AgainstPolicy, reason).await.unwrap();
        decisions::view(engine, &again(&senior), decision).await.unwrap().post_reviews[0].act
    }

    /// An approver of their own.
    async fn colleague(&self) -> Caller {
        let login = format!("approver-{}", again(&self.desk.admin).request.simple());
        self.desk.member(&login, vec![Holding::everywhere(Role::Approver)]).await
    }

    /// Asks for a role, as somebody of their own.
    async fn role_request(&self) -> EntryId {
        let (engine, asker) = (&self.desk.engine, self.colleague().await);
        let reason = Reason::new("I write them.").unwrap();
        let asked = RoleAsked { role: Some(Role::PolicyAuthor), page: None, reason };
        role_requests::ask(engine, &again(&asker), asked).await.unwrap();
        role_requests::own(engine, &again(&asker)).await.unwrap().requests[0].request
    }

    /// Has a colleague review in the place of the approver.
    async fn delegation(&self) -> DelegationId {
        let to = self.colleague().await.person().unwrap().to_string();
        let form = DelegationForm { to, until: self.next_week(), ..DelegationForm::default() };
        delegations::give(&self.desk.engine, &self.approver().await, form).await.unwrap()
    }

    fn next_week(&self) -> String {
        date(self.desk.engine.now() + 7 * DAY_MS)
    }

    /// A room that notices go to, paused or not.
    async fn channel(&self, paused: bool) -> ChannelId {
        let (engine, admin) = (&self.desk.engine, &self.desk.admin);
        let known = channels::list(engine, &again(admin)).await.unwrap().channels;
        if let Some(row) = known.iter().find(|row| row.paused == paused) {
            return row.id;
        }
        let form = ChannelForm {
            name: format!("spare-{}", &unique()[..12]),
            kind: "slack".into(),
            topics: vec!["your_turn".into()],
            span: "60".into(),
            ..ChannelForm::default()
        };
        let id = channels::add(engine, &again(admin), form, "https://hooks.example.org/x").await.unwrap();
        if paused {
            channels::pause(engine, &again(admin), id).await.unwrap();
        }
        id
    }

    /// A message that was given up.
    async fn dead_message(&self) -> MessageId {
        let (engine, admin) = (&self.desk.engine, &self.desk.admin);
        let channel = self.channel(false).await;
        channels::test(engine, &again(admin), channel).await.unwrap();
        send_due(engine, &Nowhere).await.unwrap();
        channels::list(engine, &again(admin)).await.unwrap().failed[0].id
    }

    /// The newest version of the decision type.
    async fn type_id(&self) -> DecisionTypeId {
        let asked = GrantForm::default();
        let view = grants::form(&self.desk.engine, &again(&self.desk.approver), &asked).await.unwrap();
        view.grantable.types[0].0
    }

    /// Asks for a grant, by an approver of its own.
    async fn grant(&self) -> GrantId {
        let engine = &self.desk.engine;
        let login = format!("approver-{}", again(&self.desk.admin).request.simple());
        let approver = self.desk.member(&login, vec![Holding::everywhere(Role::Approver)]).await;
        let form = GrantForm {
            system: self.desk.system.to_string(),
            type_id: self.type_id().await.to_string(),
            uses: "2".into(),
            hours: "1".into(),
            fields: [("max_amount".to_owned(), "50".to_owned())].into(),
        };
        let asked = GrantRequest { form, reason: Reason::new("The same each time.").unwrap() };
        grants::request(engine, &again(&approver), asked).await.unwrap()
    }

    /// Leaves a note for the next shift, by an approver of its own.
    async fn handover(&self) -> HandoverId {
        let engine = &self.desk.engine;
        let login = format!("approver-{}", again(&self.desk.admin).request.simple());
        let author = self.desk.member(&login, vec![Holding::everywhere(Role::Approver)]).await;
        let note = Note::new("Mind the refunds.").unwrap();
        let asked = HandoverRequest { system: Some(self.desk.system), nonce: new_nonce(), note };
        handovers::note(engine, &again(&author), asked).await.unwrap();
        handovers::view(engine, &again(&author)).await.unwrap().rows[0].id
    }

    /// Writes a draft of a policy with one row, by an author of its own.
    async fn policy_draft(&self) -> PolicyVersionId {
        let engine = &self.desk.engine;
        let login = format!("author-{}", again(&self.desk.admin).request.simple());
        let author = self.desk.member(&login, vec![Holding::everywhere(Role::PolicyAuthor)]).await;
        let draft = policies::start(engine, &author).await.unwrap();
        let saved = policies::draft(engine, &again(&author), draft, "").await.unwrap().saved;
        let row = RuleForm {
            // Another one may be in force already.
            name: format!("rule-{}", &again(&author).request.simple().to_string()[20..]),
            route: "require".into(),
            need: "1".into(),
            due: "4 h".into(),
            on_timeout: "deny".into(),
            when: vec![ConditionForm {
                fact: "risk".into(),
                operator: "in".into(),
                values: "low".into(),
                or_missing: String::new(),
            }],
            ..RuleForm::default()
        };
        policies::save_rule(engine, &again(&author), draft, saved, policies::Place::New, &row).await.unwrap();
        draft
    }

    /// The same, handed over; with what a judgement names.
    async fn policy_in_review(&self) -> (PolicyVersionId, String, PolicyVersionId) {
        let engine = &self.desk.engine;
        let draft = self.policy_draft().await;
        let login = format!("author-{}", again(&self.desk.admin).request.simple());
        let author = self.desk.member(&login, vec![Holding::everywhere(Role::PolicyAuthor)]).await;
        let reason = Reason::new("Less work.").unwrap();
        policies::submit(engine, &again(&author), draft, 2, reason).await.unwrap();
        let view = policies::draft(engine, &again(&author), draft, "").await.unwrap();
        (draft, view.digest, view.active_id)
    }

    /// Connects an identity provider, which is closed, and returns its id and short name.
    async fn provider(&self) -> (ProviderId, String) {
        let admin = again(&self.desk.admin);
        let slug = format!("idp-{}", &admin.request.simple().to_string()[20..]);
        let settings = ProviderSettings {
            slug: slug.clone(),
            name: "Company".into(),
            issuer: format!("https://{slug}.example.org"),
            client_id: "countersign".into(),
            scopes: "groups".into(),
            algorithms: vec!["RS256".into()],
            logout_typ_required: true,
            ..ProviderSettings::default()
        };
        (providers::add(&self.desk.engine, &admin, settings, "secret").await.unwrap(), slug)
    }

    /// Saves a draft of a mapping and returns it with the digest of its dry run.
    async fn draft(&self, provider: ProviderId, slug: &str) -> (MappingVersionId, String) {
        let row = RowForm {
            claim: "groups".into(),
            test: "equals".into(),
            value: "readers".into(),
            role: "viewer".into(),
            ..RowForm::default()
        };
        let (engine, admin) = (&self.desk.engine, &self.desk.admin);
        role_mappings::save_row(engine, &again(admin), provider, None, None, &row).await.unwrap();
        let view = role_mappings::view(engine, &again(admin), slug).await.unwrap();
        (view.draft.unwrap().id, view.dry_run.unwrap().digest)
    }

    /// Invites somebody who has not come yet.
    pub(crate) async fn invited(&self) -> PersonId {
        let admin = again(&self.desk.admin);
        let login = format!("late-{}", admin.request.simple());
        people::invite(&self.desk.engine, &admin, "Lea Late", &login, Role::Approver).await.unwrap();
        let people = people::list(&self.desk.engine, &again(&self.desk.admin)).await.unwrap().people;
        people.into_iter().find(|person| person.login == login).unwrap().id
    }

    /// Makes a member without a role and returns their sign-in name.
    async fn outsider(&self) -> String {
        let login = format!("outside-{}", again(&self.desk.admin).request.simple());
        self.desk.member(Box::leak(login.clone().into_boxed_str()), Vec::new()).await;
        login
    }

    async fn outside_person(&self) -> PersonId {
        let login = self.outsider().await;
        let people = people::list(&self.desk.engine, &again(&self.desk.admin)).await.unwrap().people;
        people.into_iter().find(|person| person.login == login).unwrap().id
    }

    /// Gives somebody the role viewer and returns that assignment.
    async fn viewer_assignment(&self) -> (PersonId, RoleAssignmentId) {
        let (person, engine) = (self.outside_person().await, &self.desk.engine);
        let given = roles::assign(engine, &again(&self.desk.admin), person, Holding::everywhere(Role::Viewer)).await;
        let Assigned::Now(assignment) = given.unwrap() else { panic!("a viewer needs no second person") };
        (person, assignment)
    }

    /// Asks for a change as the desk's admin, which somebody else has to confirm.
    async fn waiting_change(&self) -> ChangeId {
        let (person, engine) = (self.outside_person().await, &self.desk.engine);
        let asked = roles::assign(engine, &again(&self.desk.admin), person, Holding::everywhere(Role::Approver)).await;
        let Assigned::Waits(change) = asked.unwrap() else { panic!("there are two admins") };
        change
    }

    /// Opens an audit window, which the installation's other admin confirms.
    pub(crate) async fn window(&self) -> AuditWindowId {
        let engine = &self.desk.engine;
        let login = self.outsider().await;
        let name = format!("audit-{}", &login["outside-".len()..][..8]);
        let form = WantedForm { name: &name, login: &login, systems: "", from: "", until: "2027-01-01" };
        let wanted = Wanted::parse(engine, form).unwrap();
        let Opened::Waits(change) = audit_windows::request(engine, &again(&self.desk.admin), wanted).await.unwrap()
        else {
            panic!("there are two admins")
        };
        let actor = sessions::authenticate(engine, &self.admin.token).await.unwrap().unwrap();
        let second = Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil());
        changes::confirm(engine, &second, change).await.unwrap();
        let windows = audit_windows::list(engine, &again(&self.desk.admin)).await.unwrap().windows;
        windows.iter().find(|window| window.name == name).unwrap().id
    }

    /// Finds an assignment of none of the members that waits in an access review.
    async fn open_assignment(&self) -> (AccessReviewId, RoleAssignmentId) {
        let engine = &self.desk.engine;
        // Refused while one runs, which is as good.
        let _ = access_reviews::start(engine, &again(&self.desk.admin), 14, 7).await;
        let view = access_reviews::list(engine, &again(&self.desk.admin)).await.unwrap();
        // What waits comes first, and nobody answers for themselves.
        let members = [&self.admin, &self.approver, &self.auditor].into_iter();
        let members: Vec<_> = members.chain(self.others.iter().map(|(_, member)| member)).collect();
        let asks = |person| members.iter().any(|member| member.person == person);
        let item = view.items.iter().find(|item| !asks(item.person_id)).unwrap();
        (view.reviews[0].id, item.assignment)
    }

    /// A system of its own, so that the one that proposes goes on.
    async fn spare_system(&self) -> SystemId {
        let name = format!("spare-{}", &unique()[..12]);
        systems::register(&self.desk.engine, &again(&self.desk.admin), &name).await.unwrap()
    }

    /// A decision that was reviewed, and the entry of the review.
    async fn reviewed(&self) -> (DecisionId, EntryId) {
        let decision = self.desk.queued_decision().await;
        self.desk.review(&self.desk.approver, decision, Verdict::Abstain).await.unwrap();
        let page = decisions::view(&self.desk.engine, &again(&self.desk.approver), decision).await.unwrap();
        (decision, page.reviews[0].entry)
    }

    async fn spare_key(&self) -> AgentKeyId {
        let engine = &self.desk.engine;
        systems::issue_key(engine, &again(&self.desk.admin), self.desk.system).await.unwrap();
        let systems = systems::list(engine, &again(&self.desk.admin)).await.unwrap().systems;
        systems[0].keys.iter().find(|key| !self.desk.key.contains(&key.key_id) && key.revoked_at.is_none()).unwrap().id
    }

    /// Writes the sign-in form of the approver as a browser that opened it sends it.
    pub(crate) fn sign_in_form(&self, password: &str) -> Ask {
        let tie = sessions::tie_form(&self.desk.engine);
        self.desk.clock.advance(30_000);
        let code = app_code(&self.approver.secret, self.desk.engine.now() + 30_000);
        let (login, password) = (&self.approver.login, password.replace(' ', "+"));
        let form = format!("txn={}&login={login}&password={password}&code={code}&next=", tie.id);
        Ask::post("/act/sign-in").same_origin().header("cookie", &format!("txn-{}={}", tie.id, tie.value)).form(&form)
    }

    /// Signs a member in anew, as after a sign-out.
    pub(crate) async fn sign_in_again(&mut self, who: Who) {
        let engine = &self.desk.engine;
        self.desk.clock.advance(30_000);
        let now = engine.now();
        let member = match who {
            Who::Admin => &mut self.admin,
            Who::Approver => &mut self.approver,
            Who::Auditor => &mut self.auditor,
            Who::Anonymous | Who::Agent | Who::Directory => return,
            other => match self.others.iter_mut().find(|(who, _)| *who == other) {
                Some((_, member)) => member,
                None => return,
            },
        };
        let typed = Typed {
            login: member.login.clone(),
            password: PASSWORD.into(),
            code: app_code(&member.secret, now + 30_000),
            reason: String::new(),
        };
        let new = sessions::sign_in(engine, &visitor(), typed, None).await.unwrap().session;
        member.token = new.token.reveal().to_owned();
        member.session = new.session;
    }

    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let response = self.open(ask).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends without reading the body, for streams.
    pub(crate) async fn open(&self, ask: Ask) -> http::Response<Body> {
        self.router.clone().oneshot(ask.build()).await.unwrap()
    }

    /// Counts the entries of the ledger.
    pub(crate) async fn entries(&self) -> i64 {
        self.desk.database.number("select count(*) from ledger_entries").await
    }
}

/// Lets a member confirm every change that waits for a second person.
async fn confirm_all(desk: &Desk, member: &Member) {
    let actor = sessions::authenticate(&desk.engine, &member.token).await.unwrap().unwrap();
    let second = Caller::new(actor, "192.0.2.1", "test", uuid::Uuid::nil());
    for change in changes::list(&desk.engine, &again(&second)).await.unwrap().changes {
        if change.decided.is_none() {
            changes::confirm(&desk.engine, &again(&second), change.id).await.unwrap();
        }
    }
}

async fn join(desk: &Desk, name: &str, login: &str, role: Role) -> Member {
    let link = people::invite(&desk.engine, &again(&desk.admin), name, login, role).await.unwrap();
    let token = link.url.rsplit('=').next().unwrap().to_owned();
    let new = invitations::accept(&desk.engine, &visitor(), &token, PASSWORD).await.unwrap();
    let actor = sessions::authenticate(&desk.engine, new.token.reveal()).await.unwrap().unwrap();
    let joined = Caller::new(actor, "192.0.2.1", "test", uuid::Uuid::nil());
    let secret = factors::begin_totp(&desk.engine, &again(&joined)).await.unwrap().secret;
    let code = app_code(&secret, desk.engine.now());
    factors::enrol_totp(&desk.engine, &again(&joined), &code).await.unwrap();
    Member { login: login.into(), secret, token: new.token.reveal().into(), person: new.person, session: new.session }
}

fn network_of(route: &Route) -> String {
    let same = |other: &Route| (other.method, other.path) == (route.method, route.path);
    let number = ROUTES.iter().position(same).unwrap_or_default();
    format!("198.18.{}.{}", number / 250, number % 250 + 1)
}

/// Connects a provider; nobody can sign in through it yet.
pub(crate) async fn connect(desk: &Desk) -> ProviderId {
    let settings = ProviderSettings {
        slug: "company".into(),
        name: "Company account".into(),
        issuer: "https://id.example.org".into(),
        client_id: "countersign".into(),
        scopes: "profile".into(),
        algorithms: vec!["RS256".into()],
        logout_typ_required: true,
        ..ProviderSettings::default()
    };
    providers::add(&desk.engine, &again(&desk.admin), settings, "client-secret-in-the-clear").await.unwrap()
}

fn unique() -> String {
    countersign_engine::testing::unique()
}

/// The mark of a form that was not sent before.
fn new_nonce() -> FormId {
    FormId(unique().parse().unwrap())
}

fn new_user() -> serde_json::Value {
    let name = unique();
    serde_json::json!({
        "schemas": [Resource::User.schema()], "userName": format!("{name}@example.org"), "externalId": name,
        "displayName": "Somebody New", "active": true,
    })
}

fn new_group() -> serde_json::Value {
    let name = unique();
    serde_json::json!({"schemas": [Resource::Group.schema()], "displayName": name, "externalId": name})
}

fn visitor() -> Caller {
    Caller::new(Actor::Anonymous, "192.0.2.1", "test", uuid::Uuid::nil())
}

fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let pkg = site.path().join("pkg");
    std::fs::create_dir(&pkg).unwrap();
    let manifest = r#"{"app.css":"app.1a2b.css","countersign.js":"countersign.1a2b.js","countersign_bg.wasm":"countersign_bg.1a2b.wasm","build":"1a2b"}"#;
    for (name, content) in [
        ("manifest.json", manifest),
        ("app.1a2b.css", "body{}"),
        ("app.1a2b.css.br", "compressed"),
        ("countersign.1a2b.js", "export {}"),
        ("countersign_bg.1a2b.wasm", "wasm"),
    ] {
        std::fs::write(pkg.join(name), content).unwrap();
    }
    site
}

/// A request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    peer: IpAddr,
}

impl Ask {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let headers = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("127.0.0.1:3000"))]);
        Self { method, path: path.into(), headers, body: Bytes::new(), peer: Ipv4Addr::LOCALHOST.into() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// The same form with its first field once more, holding something else; nothing where there is no form.
    pub(crate) fn first_field_twice(mut self) -> Option<Self> {
        let form = self.headers.get("content-type")? == "application/x-www-form-urlencoded";
        let text = std::str::from_utf8(&self.body).ok()?;
        let name = text.split(['=', '&']).next().filter(|name| form && !name.is_empty())?;
        self.body = format!("{text}&{name}=another").into();
        Some(self)
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// What a browser adds to the requests of our own pages.
    pub(crate) fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    pub(crate) fn html(self) -> Self {
        self.header("accept", "text/html,application/xhtml+xml")
    }

    pub(crate) fn session(self, token: &str) -> Self {
        self.header("cookie", &format!("sid={token}"))
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn peer(mut self, peer: &str) -> Self {
        self.peer = peer.parse().unwrap();
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body.to_owned())
    }

    pub(crate) fn form(self, body: &str) -> Self {
        self.body("application/x-www-form-urlencoded", body.to_owned())
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    fn build(self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(Peer(SocketAddr::new(self.peer, 40_000)));
        request
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of a problem, whichever reader it was drawn for.
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        if self.header("content-type") == MEDIA_TYPE {
            // Directories are told a status, and a word of their protocol where it has one.
            let word = match json["status"].as_str().unwrap_or_default() {
                "401" => "unauthenticated",
                "403" => "forbidden",
                "404" => "not_found",
                "405" => "method_not_allowed",
                _ => "",
            };
            return json["scimType"].as_str().unwrap_or(word).to_owned();
        }
        json.get("code")
            .or_else(|| json.pointer("/told/problem/code"))
            .and_then(|code| code.as_str())
            .unwrap_or_default()
            .to_owned()
    }
}

/// The rest of the form of a room.
const ROOM: &str = "kind=slack&secret=https%3A%2F%2Fhooks.example.org%2Fx&topics[your_turn]=true&span=60";

/// Takes no message anywhere.
struct Nowhere;

impl Carrier for Nowhere {
    fn carry<'a>(&'a self, _: &'a Letter) -> Carried<'a> {
        Box::pin(async { Err(Failure { words: "There is no way.".into(), lasting: true }) })
    }
}
