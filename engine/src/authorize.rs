//! The one authorisation path: Cedar policies in process, evaluated inside the transaction of the act.
//!
//! Policies and schema are compiled in. Roles are read in the same transaction that records the act,
//! with the person's row locked for share, so a role lost a moment ago is lost here too. Any error of
//! evaluation denies, because Cedar skips a policy that errs and a skipped `forbid` would open a door.

use std::{collections::HashSet, str::FromStr};

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression, Schema,
};
use countersign_domain::{
    authority::{Authority, Held},
    event::{Object, Place, Scope},
    ids::{DecisionId, PersonId, SessionId, SystemId},
    problem::{Code, Problem},
};
use countersign_ledger::{
    hash::{Hash, Label, digest},
    leaf,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
};

const SCHEMA: &str = include_str!("../policies/schema.cedarschema");
const POLICIES: &str = include_str!("../policies/policies.cedar");

/// What a caller wants to do; each is a Cedar action of the same word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words are the sentences of policies.cedar")]
pub enum Action {
    Propose,
    ReportOutcome,
    GetDecision,
    ListDecisionTypes,
    ViewDecision,
    ReviewDecision,
    DownloadProof,
    ListQueue,
    OpenStream,
    ViewLedger,
    ReadLog,
    ListPeople,
    InvitePerson,
    ChangePerson,
    ListSystems,
    RegisterSystem,
    IssueKey,
    RevokeKey,
    DefineDecisionType,
    ActivatePolicy,
    ViewSelf,
    EndSignIn,
    SignIn,
    SignInAs,
    SetUp,
    Join,
    ResolveByDeadline,
}

impl Action {
    /// Every action, in the order of the schema.
    pub const ALL: [Action; 27] = [
        Action::Propose,
        Action::ReportOutcome,
        Action::GetDecision,
        Action::ListDecisionTypes,
        Action::ViewDecision,
        Action::ReviewDecision,
        Action::DownloadProof,
        Action::ListQueue,
        Action::OpenStream,
        Action::ViewLedger,
        Action::ReadLog,
        Action::ListPeople,
        Action::InvitePerson,
        Action::ChangePerson,
        Action::ListSystems,
        Action::RegisterSystem,
        Action::IssueKey,
        Action::RevokeKey,
        Action::DefineDecisionType,
        Action::ActivatePolicy,
        Action::ViewSelf,
        Action::EndSignIn,
        Action::SignIn,
        Action::SignInAs,
        Action::SetUp,
        Action::Join,
        Action::ResolveByDeadline,
    ];

    /// Returns the Cedar action's name, which leaves of refusals carry too.
    pub const fn word(self) -> &'static str {
        match self {
            Action::Propose => "propose",
            Action::ReportOutcome => "report_outcome",
            Action::GetDecision => "get_decision",
            Action::ListDecisionTypes => "list_decision_types",
            Action::ViewDecision => "view_decision",
            Action::ReviewDecision => "review_decision",
            Action::DownloadProof => "download_proof",
            Action::ListQueue => "list_queue",
            Action::OpenStream => "open_stream",
            Action::ViewLedger => "view_ledger",
            Action::ReadLog => "read_log",
            Action::ListPeople => "list_people",
            Action::InvitePerson => "invite_person",
            Action::ChangePerson => "change_person",
            Action::ListSystems => "list_systems",
            Action::RegisterSystem => "register_system",
            Action::IssueKey => "issue_key",
            Action::RevokeKey => "revoke_key",
            Action::DefineDecisionType => "define_decision_type",
            Action::ActivatePolicy => "activate_policy",
            Action::ViewSelf => "view_self",
            Action::EndSignIn => "end_sign_in",
            Action::SignIn => "sign_in",
            Action::SignInAs => "sign_in_as",
            Action::SetUp => "set_up",
            Action::Join => "join",
            Action::ResolveByDeadline => "resolve_by_deadline",
        }
    }
}

/// On what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// One decision, its system and the number of its last entry.
    Decision { id: DecisionId, system: SystemId, n: u64 },
    /// One system.
    System(SystemId),
    /// One member.
    Member(PersonId),
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

/// Authorisation said no.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The determining policies; `default_deny` when no permit applied.
    pub policies: Vec<String>,
    /// What a rule of `domain` said, where authorisation had said yes.
    pub(crate) problem: Option<Problem>,
    pub(crate) action: Action,
    pub(crate) object: Option<Object>,
    pub(crate) permit: Permit,
}

impl Denial {
    /// A rule's refusal of an act that authorisation allowed; it goes on record like one of authorisation.
    pub(crate) fn by_rule(permit: Permit, action: Action, target: Target, problem: Problem) -> Error {
        let denial = Denial { policies: Vec::new(), problem: Some(problem), action, object: target.object(), permit };
        Error::Forbidden(Box::new(denial))
    }

    /// Returns the code of the rule that refused, if one did.
    pub(crate) fn cause(&self) -> Option<Code> {
        self.problem.as_ref().map(|problem| problem.code)
    }

    /// Says what is missing and who can give it.
    pub(crate) fn sentence(&self) -> String {
        if self.policies.iter().any(|id| id == "admin_never_reviews") {
            return "An admin may not review. Ask an admin to invite somebody as approver.".into();
        }
        if self.policies.iter().any(|id| id == "nobody_changes_themselves") {
            return "Nobody changes their own access. Ask another admin.".into();
        }
        if self.policies.iter().any(|id| id == "disabled_person") {
            return "This account is disabled. An admin can enable it.".into();
        }
        match self.action {
            Action::ReviewDecision => "Reviewing needs the role approver. An admin can give it.".into(),
            Action::ViewDecision | Action::ListQueue | Action::OpenStream => {
                "Reading decisions needs the role approver or auditor. An admin can give it.".into()
            }
            Action::ListPeople | Action::InvitePerson | Action::ChangePerson => "People are managed by admins.".into(),
            Action::ListSystems => "Systems are read by admins and auditors.".into(),
            Action::RegisterSystem | Action::IssueKey | Action::RevokeKey => {
                "Systems and keys are managed by admins.".into()
            }
            Action::ReadLog => "Files of the log are read by auditors. An admin can give the role.".into(),
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
        let fault = |error: &dyn std::fmt::Display| Error::Authorization(error.to_string());
        let action = uid("Action", action.word())?;
        let request = Request::new(principal.uid(), action, resource.uid(), Context::empty(), Some(&self.schema));
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
) -> Result<Permit> {
    let (principal, authority) = principal(conn, &caller.actor).await?;
    let viewer = principal.clone();
    let (allowed, ids) = policies.decide(principal, action, target.entity()?)?;
    let permit = Permit {
        actor: actor(&caller.actor, operator),
        authz: Some(leaf::Authz { ids: ids.clone(), rev: policies.revision, ok: allowed }),
        authority,
    };
    if allowed {
        return Ok(permit);
    }
    let denial = Box::new(Denial { policies: ids, problem: None, action, object: target.object(), permit });

    // Who may not even read a decision learns nothing of it from a refusal; the rest are told what they lack.
    let hidden = match target {
        Target::Decision { .. } => !policies.decide(viewer, Action::ViewDecision, target.entity()?)?.0,
        Target::SignIn { .. } => true,
        Target::System(_) | Target::Member(_) | Target::Installation { .. } => false,
    };
    Err(if hidden { Error::Hidden(denial) } else { Error::Forbidden(denial) })
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

/// The operator as actor.
pub(crate) fn operator_actor(sid: Uuid) -> leaf::Actor {
    with_sid(leaf::ActorKind::Operator, sid, None)
}

fn actor(actor: &Actor, operator: Uuid) -> leaf::Actor {
    match actor {
        Actor::Person { id, signed_in, .. } => with_sid(leaf::ActorKind::Person, id.0, via(signed_in.0)),
        Actor::Agent { system, issued, .. } => with_sid(leaf::ActorKind::Agent, system.0, via(issued.0)),
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

async fn principal(conn: &mut PgConnection, actor: &Actor) -> Result<(Entity, Option<Authority>)> {
    let strings = |words: &[&str]| RestrictedExpression::new_set(words.iter().map(|word| text(word)));
    Ok(match actor {
        Actor::Person { id, .. } => {
            let person = db::people::lock_share(conn, *id).await?.ok_or(Error::NotFound)?;
            let held = db::roles::held(conn, *id).await?;
            let words: Vec<&str> = held.iter().map(|role| role.word()).collect();
            let attributes = [
                ("id", text(&id.to_string())),
                ("roles", strings(&words)),
                ("disabled", RestrictedExpression::new_bool(person.disabled)),
            ];
            let held = held.into_iter().map(|role| Held { role, system: None }).collect();
            (entity("Person", &id.to_string(), attributes)?, Some(Authority { n: person.n, held }))
        }
        Actor::Agent { system, key, scopes, .. } => {
            let words: Vec<&str> = scopes.iter().map(|scope: &Scope| scope.word()).collect();
            let attributes = [("system", text(&system.to_string())), ("scopes", strings(&words))];
            (entity("AgentKey", &key.to_string(), attributes)?, None)
        }
        Actor::Operator => (entity("Operator", "operator", [])?, None),
        Actor::Engine => (entity("Engine", "engine", [])?, None),
        Actor::Anonymous => (entity("Visitor", "visitor", [])?, None),
    })
}

impl Target {
    fn entity(&self) -> Result<Entity> {
        match self {
            Target::Decision { id, system, .. } => {
                entity("Decision", &id.to_string(), [("system", text(&system.to_string()))])
            }
            Target::System(id) => entity("System", &id.to_string(), [("id", text(&id.to_string()))]),
            Target::Member(id) => entity("Member", &id.to_string(), [("id", text(&id.to_string()))]),
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
            Target::Member(id) => ("person", id.0, 1),
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

#[cfg(test)]
mod tests {
    use cedar_policy::{ValidationMode, Validator};

    use super::*;

    #[test]
    fn policies_validate_strictly() {
        let policies = Policies::compiled().unwrap();

        let result = Validator::new(policies.schema.clone()).validate(&policies.set, ValidationMode::Strict);

        let faults: Vec<_> = result.validation_errors().map(ToString::to_string).collect();
        assert_eq!(faults, Vec::<String>::new());
        let warnings: Vec<_> = result.validation_warnings().map(ToString::to_string).collect();
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn every_action_is_in_the_schema() {
        let policies = Policies::compiled().unwrap();
        let known: HashSet<String> = policies.schema.actions().map(|uid| uid.id().unescaped().to_owned()).collect();

        assert_eq!(known, Action::ALL.iter().map(|action| action.word().to_owned()).collect());
    }

    #[test]
    fn every_forbid_beats_every_permit() {
        let policies = Policies::compiled().unwrap();
        let decision = || {
            Target::Decision {
                id: DecisionId(Uuid::from_bytes([1; 16])),
                system: SystemId(Uuid::from_bytes([2; 16])),
                n: 1,
            }
            .entity()
            .unwrap()
        };

        let admin_and_approver = person(&["admin", "approver"], false);
        assert_eq!(
            policies.decide(admin_and_approver, Action::ReviewDecision, decision()).unwrap(),
            (false, vec!["admin_never_reviews".to_owned()])
        );
        for action in Action::ALL {
            let target = Target::Installation { demo: true, has_admin: true }.entity().unwrap();
            let (allowed, _) =
                policies.decide(person(&["admin", "approver", "auditor"], true), action, target).unwrap();
            assert!(!allowed, "a disabled person may {}", action.word());
        }
        let (allowed, ids) = policies.decide(key(), Action::ReviewDecision, decision()).unwrap();
        assert!(!allowed);
        assert_eq!(ids, ["key_never_reviews"]);
    }

    #[test]
    fn an_erring_forbid_denies() {
        let broken = format!(
            "{POLICIES}\n@id(\"erring\") forbid (principal, action, resource) when {{ principal.missing == 1 }};"
        );
        let policies = Policies::read(&broken, SCHEMA).unwrap();

        let target = Target::Installation { demo: false, has_admin: true }.entity().unwrap();

        assert!(matches!(
            policies.decide(person(&["approver"], false), Action::ListQueue, target),
            Err(Error::Authorization(_))
        ));
    }

    fn person(roles: &[&str], disabled: bool) -> Entity {
        let id = Uuid::from_bytes([7; 16]).to_string();
        let roles = RestrictedExpression::new_set(roles.iter().map(|role| text(role)));
        let attributes = [("id", text(&id)), ("roles", roles), ("disabled", RestrictedExpression::new_bool(disabled))];
        entity("Person", &id, attributes).unwrap()
    }

    fn key() -> Entity {
        let scopes = RestrictedExpression::new_set([text("ingest"), text("read")]);
        let system = Uuid::from_bytes([2; 16]).to_string();
        entity("AgentKey", "k", [("system", text(&system)), ("scopes", scopes)]).unwrap()
    }
}
