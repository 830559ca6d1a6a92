//! Requests for a role: who was refused something asks for the role that it takes, and another person, an admin, answers.
//!
//! An answer gives nothing by itself: roles are given where they always are, with whoever has to confirm them.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    event::{Event, List},
    ids::{EntryId, PersonId},
    problem::Code,
    role::Role,
    role_request::{OwnRoleRequestsView, RoleAnswer, RoleRequestsView, ShownRoleAnswer, ShownRoleRequest},
    text::Reason,
    view::NoticeKind,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Engine,
    authorize::{self, Action, Denial, Target},
    caller::Caller,
    db::{self, role_requests::RoleRequest},
    decisions::texts,
    error::{Error, Result},
    notices, people, reads, seal,
};

/// How many of either list are read.
const ROWS_MAX: i64 = 100;

/// A request as the form sends it.
#[derive(Clone, Debug)]
pub struct RoleAsked {
    /// Which role, where they know.
    pub role: Option<Role>,
    /// The page that they were refused.
    pub page: Option<String>,
    /// Why they need it.
    pub reason: Reason,
}

/// Asks for a role, and tells every admin.
///
/// # Errors
///
/// `invalid_transition` while an earlier request waits, and where nobody could answer.
pub async fn ask(engine: &Engine, caller: &Caller, asked: RoleAsked) -> Result<()> {
    engine.has_room()?;
    let entry = engine
        .act(caller, move |engine, caller| {
            let RoleAsked { role, page, reason } = asked.clone();
            async move {
                let (person, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
                let target = Target::Member(person);
                let permit = engine.authorize(&mut tx, &caller, Action::RequestRole, target).await?;
                if db::role_requests::find_waiting(&mut tx, person).await?.is_some() {
                    let problem = Problem::new(
                        Code::InvalidTransition,
                        "You have asked already, and no admin has answered yet. You can ask again when one has.",
                    );
                    return Err(Denial::by_rule(permit, Action::RequestRole, target, problem));
                }
                let mut admins = db::notices::holders(&mut tx, &[Role::Admin]).await?;
                admins.retain(|admin| *admin != person);
                if admins.is_empty() && !may_answer(&mut tx, &engine, person, person).await? {
                    let problem = Problem::new(
                        Code::InvalidTransition,
                        "There is no other admin who could answer. Invite a second admin under People first.",
                    );
                    return Err(Denial::by_rule(permit, Action::RequestRole, target, problem));
                }
                let n = account.n + 1;
                let event = Event::RoleRequested { person, n, role, page, reason: reason.as_str().to_owned() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::role_requests::insert(&mut tx, person, role, entry.at, entry.id).await?;
                db::people::set_n(&mut tx, person, n).await?;
                notices::tell(&mut tx, &engine, &admins, NoticeKind::RoleRequested, Some(person), &entry).await?;
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Answers who asked, once, and tells them. What they need is given beside this, or they are told why not.
///
/// # Errors
///
/// `invalid_transition` where somebody was first; [`Error::Forbidden`] for anybody but admins, and for who asked.
pub async fn answer(
    engine: &Engine,
    caller: &Caller,
    request: EntryId,
    answer: RoleAnswer,
    reason: Reason,
) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let stored = db::role_requests::lock(&mut tx, request).await?.ok_or(Error::NotFound)?;
                let person = stored.person;
                let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
                let target = Target::Member(person);
                let permit = engine.authorize(&mut tx, &caller, Action::AnswerRoleRequest, target).await?;
                if stored.answered.is_some() {
                    let problem = Problem::new(
                        Code::InvalidTransition,
                        "Somebody answered this already; read below who, and what they say.",
                    );
                    return Err(Denial::by_rule(permit, Action::AnswerRoleRequest, target, problem));
                }
                let n = account.n + 1;
                let reason = reason.as_str().to_owned();
                let event = Event::RoleRequestAnswered { person, n, request, answer, reason, by };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::role_requests::set_answered(&mut tx, request, answer, by, (entry.at, entry.id)).await?;
                db::people::set_n(&mut tx, person, n).await?;
                db::notices::set_settled(&mut tx, NoticeKind::RoleRequested.word(), request, entry.at).await?;
                notices::tell(&mut tx, &engine, &[person], NoticeKind::RoleAnswered, Some(by), &entry).await?;
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Lists the requests of everybody, for who answers them.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but admins.
pub async fn view(engine: &Engine, caller: &Caller) -> Result<RoleRequestsView> {
    let found = async {
        let (reader, _) = caller.signed_in()?;
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListRoleRequests, engine.installation()).await?;
        let waiting = db::role_requests::list_waiting(&mut tx, ROWS_MAX).await?;
        let waiting = dress(&mut tx, engine, reader, waiting).await?;
        let answered = db::role_requests::list_answered(&mut tx, ROWS_MAX).await?;
        let answered = dress(&mut tx, engine, reader, answered).await?;
        tx.commit().await?;
        Ok((permit, RoleRequestsView { waiting, answered }))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let count = (view.waiting.len() + view.answered.len()) as u64;
    let event = Event::AccessListed { list: List::RoleRequests, count };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

/// Lists the caller's own requests.
///
/// # Errors
///
/// [`Error::Forbidden`] while a second factor is missing.
pub async fn own(engine: &Engine, caller: &Caller) -> Result<OwnRoleRequestsView> {
    let found = async {
        let (reader, _) = caller.signed_in()?;
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::RequestRole, Target::Member(reader)).await?;
        let requests = db::role_requests::list_of(&mut tx, reader, ROWS_MAX).await?;
        let requests = dress(&mut tx, engine, reader, requests).await?;
        tx.commit().await?;
        let mut held: Vec<_> =
            permit.authority.iter().flat_map(|authority| &authority.held).map(|held| held.role).collect();
        held.sort_unstable();
        held.dedup();
        Ok((permit, OwnRoleRequestsView { requests, held }))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::RoleRequests, count: view.requests.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

/// Gives requests their people and texts.
async fn dress(
    conn: &mut PgConnection,
    engine: &Engine,
    reader: PersonId,
    rows: Vec<RoleRequest>,
) -> Result<Vec<ShownRoleRequest>> {
    let people: Vec<_> =
        rows.iter().flat_map(|row| [Some(row.person), row.answered.map(|answered| answered.by)]).flatten().collect();
    let names = people::names(conn, engine, &people).await?;
    let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(people::erased);
    let entries: Vec<_> = rows
        .iter()
        .flat_map(|row| [Some(row.entry.0), row.answered.map(|answered| answered.entry.0)])
        .flatten()
        .collect();
    let mut reasons = texts(conn, engine, &entries, "reason").await?;
    let mut pages = texts(conn, engine, &entries, "page").await?;
    let own = rows.iter().any(|row| row.person == reader) && !may_answer(conn, engine, reader, reader).await?;
    Ok(rows
        .into_iter()
        .map(|row| ShownRoleRequest {
            request: row.entry,
            person: row.person,
            name: name(row.person),
            role: row.role,
            page: pages.remove(&row.entry.0),
            reason: said(&mut reasons, row.entry),
            at: row.at,
            answered: row.answered.map(|answered| ShownRoleAnswer {
                answer: answered.answer,
                by: name(answered.by),
                at: answered.at,
                reason: said(&mut reasons, answered.entry),
            }),
            barred: own && row.person == reader,
        })
        .collect())
}

/// Tells whether somebody may answer what a person asks; of oneself, only a team of one may.
async fn may_answer(conn: &mut PgConnection, engine: &Engine, who: PersonId, asker: PersonId) -> Result<bool> {
    Ok(authorize::ask(conn, engine, who, Action::AnswerRoleRequest, Target::Member(asker)).await?.allowed)
}

fn said(reasons: &mut HashMap<Uuid, String>, entry: EntryId) -> String {
    reasons.remove(&entry.0).unwrap_or_else(people::erased)
}
