//! Who may do what, answered by the policies themselves: the matrix of roles, and why somebody may or may not.

use std::collections::BTreeMap;

use countersign_domain::{
    event::{Event, List},
    holding::{Holding, Matter},
    ids::{DecisionId, DecisionTypeId, EntryId, GrantId, PersonId, SystemId},
    role::Role,
    view::{Asked, Explained, PermissionRow, Reach, RolesView, Rule},
};
use uuid::Uuid;

use crate::{
    Engine,
    authorize::{self, Action, Sample, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    people, reads, sessions,
};

/// The rows of the matrix: what a person does, in words, and on what.
const ROWS: [(&str, Action, On); 36] = [
    ("See a decision, its proof and the queue", Action::ViewDecision, On::Decision),
    ("Open a masked field with a reason", Action::UnmaskField, On::Decision),
    ("Review low and medium risk", Action::ReviewDecision, On::Decision),
    ("Review high risk", Action::ReviewDecision, On::HighRisk),
    ("Revoke an approval", Action::RevokeDecision, On::HighRisk),
    ("Comment on a decision, ask and answer", Action::CommentDecision, On::Decision),
    ("Leave a note for the next shift", Action::HandOver, On::System),
    ("Review several decisions at once", Action::ReviewInBulk, On::Installation),
    ("See the ledger and check proofs", Action::ViewLedger, On::Installation),
    ("Fetch files of the log", Action::ReadLog, On::Installation),
    ("See people and what they hold", Action::ListPeople, On::Installation),
    ("Invite people", Action::InvitePerson, On::Installation),
    ("Disable and enable people", Action::ChangePerson, On::Member),
    ("Give and take roles (privileged ones with a second person)", Action::AssignRole, On::Member),
    ("Answer who asks for a role", Action::AnswerRoleRequest, On::Member),
    ("Confirm a change that somebody else asked for", Action::ConfirmChange, On::Change),
    ("See AI systems", Action::ListSystems, On::Installation),
    ("Register AI systems", Action::RegisterSystem, On::Installation),
    ("Make and revoke keys", Action::IssueKey, On::System),
    ("Name who owns an AI system", Action::NameOwner, On::System),
    ("Pause an AI system", Action::PauseSystem, On::System),
    ("Resume an AI system that somebody else paused", Action::ResumeSystem, On::System),
    ("Connect identity providers", Action::ChangeProvider, On::Installation),
    ("Read the access log", Action::ViewAccess, On::Installation),
    ("Export the access log", Action::ExportAccess, On::Installation),
    ("Open and close audit windows", Action::OpenAuditWindow, On::Member),
    ("Start and answer access reviews", Action::StartAccessReview, On::Installation),
    ("See the state of the installation", Action::ViewHealth, On::Installation),
    ("Override what a rule refused", Action::OverrideDecision, On::Decision),
    ("See what people look at afterwards", Action::ListPostReviews, On::Installation),
    ("Look at an override or a revocation of somebody else", Action::GivePostReview, On::PostReview),
    ("See the channels of notices", Action::ListChannels, On::Installation),
    ("Add, pause and remove channels of notices", Action::ChangeChannel, On::Installation),
    ("Ask for a grant", Action::RequestGrant, On::Grant),
    ("Activate a grant that somebody else asked for", Action::ActivateGrant, On::Grant),
    ("Revoke a grant", Action::RevokeGrant, On::Grant),
];

/// The questions of "why": action, and what kind of object it needs.
const QUESTIONS: [(&str, Action, On); 17] = [
    ("see the decision", Action::ViewDecision, On::Decision),
    ("review the decision", Action::ReviewDecision, On::Decision),
    ("revoke the approval of the decision", Action::RevokeDecision, On::Decision),
    ("comment on the decision", Action::CommentDecision, On::Decision),
    ("open a masked field of the decision", Action::UnmaskField, On::Decision),
    ("see the queue", Action::ListQueue, On::Installation),
    ("fetch files of the log", Action::ReadLog, On::Installation),
    ("see people", Action::ListPeople, On::Installation),
    ("invite people", Action::InvitePerson, On::Installation),
    ("give a role to the person", Action::AssignRole, On::Member),
    ("disable the person", Action::ChangePerson, On::Member),
    ("make a key for the AI system", Action::IssueKey, On::System),
    ("pause the AI system", Action::PauseSystem, On::System),
    ("resume the AI system", Action::ResumeSystem, On::System),
    ("read the access log", Action::ViewAccess, On::Installation),
    ("see changes that wait", Action::ListChanges, On::Installation),
    ("override the rule that refused the decision", Action::OverrideDecision, On::Decision),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Decision,
    HighRisk,
    System,
    Member,
    Change,
    PostReview,
    Grant,
    Installation,
}

/// Shows the matrix, and answers a question where one is asked.
///
/// # Errors
///
/// [`Error::Forbidden`] for questions about somebody else by
/// anybody but admins, compliance officers and auditors.
pub async fn view(engine: &Engine, caller: &Caller, asked: Option<Asked>) -> Result<RolesView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let mut permit = engine.authorize(&mut tx, caller, Action::ViewRoles, engine.installation()).await?;
        let answer = match asked {
            None => Ok(None),
            Some(asked) => {
                let me = caller.person().ok_or(Error::NotFound)?;
                let person = match asked.login.trim() {
                    "" => Ok(me),
                    login => find(&mut tx, engine, login, "/login").await,
                };
                match person {
                    Ok(person) => {
                        let target = Target::Member(person);
                        permit = engine.authorize(&mut tx, caller, Action::ExplainAccess, target).await?;
                        explain(&mut tx, engine, me, person, &asked).await.map(Some)
                    }
                    Err(error) => Err(error),
                }
            }
        };
        // A question that cannot be answered leaves the matrix standing.
        let (explained, problem) = match answer {
            Ok(explained) => (explained, None),
            Err(Error::Refused(problem)) => (None, Some(problem)),
            Err(error) => return Err(error),
        };
        tx.commit().await?;
        Ok((permit, explained, problem))
    };
    let (permit, explained, problem) = engine.noted(caller, found.await).await?;
    let rows = matrix(engine)?;
    let event = Event::AccessListed { list: List::Roles, count: rows.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;
    let questions =
        QUESTIONS.iter().map(|(words, action, _)| (action.word().to_owned(), (*words).to_owned())).collect();

    Ok(RolesView { rows, questions, explained, problem, now: engine.now() })
}

/// Asks the policies about a person with one role, row by row.
fn matrix(engine: &Engine) -> Result<Vec<PermissionRow>> {
    let mut rows = Vec::with_capacity(ROWS.len());
    for (words, action, on) in ROWS {
        let mut cells = Vec::with_capacity(Role::ALL.len());
        let mut rules: BTreeMap<String, String> = BTreeMap::new();
        for role in Role::ALL {
            let (everywhere, policies) = sample(engine, Holding::everywhere(role), action, on)?;
            let (elsewhere, _) = sample(engine, Holding::on(role, vec![SystemId(Uuid::max())]), action, on)?;
            cells.push(match (everywhere, elsewhere) {
                (false, _) => Reach::Never,
                (true, false)
                    if matches!(on, On::Decision | On::HighRisk | On::System | On::PostReview | On::Grant) =>
                {
                    Reach::Scope
                }
                (true, false) => Reach::Everywhere,
                (true, true) => Reach::Always,
            });
            if everywhere {
                rules.extend(policies.into_iter().map(|id| {
                    let says = engine.policies.says(&id);
                    (id, says)
                }));
            }
        }
        let rules = rules.into_iter().map(|(id, says)| Rule { id, says }).collect();
        rows.push(PermissionRow { words: words.to_owned(), cells, rules });
    }
    Ok(rows)
}

fn sample(engine: &Engine, holding: Holding, action: Action, on: On) -> Result<(bool, Vec<String>)> {
    let other = PersonId(Uuid::from_u128(2));
    let system = SystemId(Uuid::from_u128(3));
    let risk = match on {
        On::HighRisk => countersign_domain::decision::Risk::High,
        _ => countersign_domain::decision::Risk::Medium,
    };
    let target = match on {
        On::Decision | On::HighRisk => Target::Decision { id: DecisionId(Uuid::from_u128(4)), system, n: 1 },
        On::System => Target::System(system),
        On::Member => Target::Member(other),
        On::Change => Target::Change { id: Uuid::from_u128(5).into(), requester: other, subject: None, n: 1 },
        On::PostReview => Target::PostReview {
            act: EntryId(Uuid::from_u128(6)),
            decision: Some((DecisionId(Uuid::from_u128(4)), system)),
            by: other,
        },
        On::Grant => Target::Grant {
            id: GrantId(Uuid::from_u128(7)),
            system,
            type_id: DecisionTypeId(Uuid::from_u128(8)),
            amount: None,
            requester: other,
            n: 1,
        },
        On::Installation => engine.installation(),
    };
    let matter = Matter { system, type_name: "sample".into(), risk, amount: None };
    let opinion = authorize::imagine(&engine.policies, &Sample { holding, action, target, matter })?;
    Ok((opinion.allowed, opinion.policies))
}

async fn explain(
    tx: &mut sqlx::PgConnection,
    engine: &Engine,
    me: PersonId,
    person: PersonId,
    asked: &Asked,
) -> Result<Explained> {
    let unknown = || Error::field("/action", "unknown_value", "Choose an action from the list.");
    let action = Action::from_word(&asked.action).ok_or_else(unknown)?;
    let (words, _, on) = QUESTIONS.iter().find(|(_, known, _)| *known == action).ok_or_else(unknown)?;
    let object = asked.object.trim();
    let target = match on {
        On::Decision | On::HighRisk => {
            let wrong = || Error::field("/object", "unknown_value", "Give the id of a decision that exists.");
            let id: DecisionId = object.parse().map_err(|_| wrong())?;
            let stored = db::decisions::find(tx, id).await?.ok_or_else(wrong)?;
            let target = Target::Decision { id, system: stored.system, n: stored.n };
            // Who runs access learns that it exists; to everybody else a decision they may not read is absent.
            let runs = authorize::ask(tx, engine, me, Action::ListPeople, engine.installation()).await?.allowed;
            if !runs && !authorize::ask(tx, engine, me, Action::ViewDecision, target).await?.allowed {
                return Err(wrong());
            }
            target
        }
        On::System => {
            let found = db::systems::find_by_name(tx, object).await?;
            let wrong = || Error::field("/object", "unknown_value", "Give the name of a registered AI system.");
            let id = found.ok_or_else(wrong)?.id;
            match db::pauses::find_running(tx, id).await? {
                Some(pause) => Target::PausedSystem { id, by: pause.by, n: 1 },
                None => Target::System(id),
            }
        }
        On::Member => Target::Member(find(tx, engine, object, "/object").await?),
        On::Change | On::PostReview | On::Grant | On::Installation => engine.installation(),
    };
    let opinion = authorize::ask(tx, engine, person, action, target).await?;
    let name = people::names(tx, engine, &[person]).await?.remove(&person).unwrap_or_else(people::erased);
    let held = db::roles::held(tx, person, engine.now()).await?;
    let systems = db::systems::list(tx).await?.into_iter().map(|(system, _)| (system.id, system.name)).collect();
    Ok(Explained {
        name,
        action: (*words).to_owned(),
        object: object.to_owned(),
        allowed: opinion.allowed,
        rules: opinion.policies.iter().map(|id| Rule { id: id.clone(), says: engine.policies.says(id) }).collect(),
        held: held.iter().map(|held| crate::roles::shown(&held.holding, &systems)).collect(),
    })
}

async fn find(conn: &mut sqlx::PgConnection, engine: &Engine, login: &str, pointer: &str) -> Result<PersonId> {
    let account = db::people::find_by_login(conn, &sessions::login_lookup(engine, login)).await?;
    account
        .map(|account| account.id)
        .ok_or_else(|| Error::field(pointer, "unknown_value", "Nobody has this sign-in name."))
}
