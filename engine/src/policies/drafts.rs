//! Tables under work: written by policy authors, put in force by somebody else.
//!
//! Each act names what its writer saw: a save the count of saves, a judgement the digest of the draft and the version
//! in force. When that moved meanwhile, nothing is written and the answer says so.

use countersign_domain::{
    Problem,
    event::Event,
    ids::{PersonId, PolicyVersionId},
    policy::{
        PolicyBody, PolicyVersion, Row,
        view::{DraftState, RuleForm},
    },
    problem::{Code, FieldError},
    text::Reason,
};
use sqlx::{Postgres, Transaction};

use super::Surroundings;
use crate::{
    Engine,
    authorize::{Action, Denial, Permit, Target},
    caller::Caller,
    db::{self, policy_drafts::Draft},
    error::{Error, Result},
    seal, secret, sessions,
};

/// Which row of a draft a form is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new one, above the default.
    New,
    /// The row with this number, from 1; the default has the last.
    Row(u64),
}

/// What happens to a row as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It changes places with the one above.
    Up,
    /// It changes places with the one below.
    Down,
    /// Another like it is put below.
    Copy,
    /// It goes.
    Delete,
}

impl Draft {
    fn target(&self) -> Target {
        Target::PolicyVersion { id: self.id, author: self.author, n: self.n }
    }
}

/// Begins a draft from the table in force.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but a policy author.
pub async fn start(engine: &Engine, caller: &Caller) -> Result<PolicyVersionId> {
    engine
        .act(caller, |engine, caller| async move {
            let (author, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::DraftPolicy, engine.installation()).await?;
            let active = db::policies::find_active(&mut tx).await?.ok_or(Error::NotFound)?;
            let id = PolicyVersionId(secret::random_id());
            let digest = active.body.digest();
            let event = Event::PolicyDrafted { version: id, n: 1, digest };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            let draft = Draft {
                id,
                policy: active.policy,
                body: active.body,
                saved: 1,
                state: DraftState::Draft,
                author,
                saved_at: entry.at,
                submitted_entry: None,
                decided_entry: None,
                decided_by: None,
                n: 1,
            };
            db::policy_drafts::insert(&mut tx, &draft).await?;
            db::policy_drafts::add_author(&mut tx, id, author).await?;
            engine.commit(tx).await?;
            Ok(id)
        })
        .await
}

/// Saves one row of a draft. A draft that waited for a second person is a draft again.
///
/// # Errors
///
/// Every field that cannot be read; `stale` when somebody else saved meanwhile.
pub async fn save_rule(
    engine: &Engine,
    caller: &Caller,
    id: PolicyVersionId,
    saved: u64,
    place: Place,
    form: &RuleForm,
) -> Result<()> {
    let row = form.read().map_err(|errors| Error::Refused(countersign_domain::proposal::invalid(errors)))?;
    change(engine, caller, id, saved, move |body| put(body, place, row.clone())).await
}

/// Moves, copies or deletes one row of a draft.
///
/// # Errors
///
/// As [`save_rule`].
pub async fn move_rule(
    engine: &Engine,
    caller: &Caller,
    id: PolicyVersionId,
    saved: u64,
    rule: u64,
    how: Move,
) -> Result<()> {
    change(engine, caller, id, saved, move |body| shift(body, rule, how)).await
}

async fn change(
    engine: &Engine,
    caller: &Caller,
    id: PolicyVersionId,
    saved: u64,
    edit: impl Fn(&mut PolicyBody) -> Result<()> + Clone + Send + Sync + 'static,
) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let edit = edit.clone();
            async move {
                let (author, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let (mut draft, permit) = open(&mut tx, &engine, &caller, id, Action::ChangeDraft).await?;
                if draft.saved != saved {
                    let detail =
                        "Somebody saved this draft after you opened it. Look at it as it is now, then save yours again.";
                    return Err(refuse(&draft, permit, Action::ChangeDraft, Problem::new(Code::Stale, detail)));
                }
                edit(&mut draft.body)?;
                draft.n += 1;
                draft.saved += 1;
                draft.state = DraftState::Draft;
                // Whoever wrote into it last is an author of it, so somebody else puts it in force.
                draft.author = author;
                let event = Event::PolicyDrafted { version: id, n: draft.n, digest: draft.body.digest() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                draft.saved_at = entry.at;
                db::policy_drafts::save(&mut tx, &draft).await?;
                db::policy_drafts::add_author(&mut tx, id, author).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Hands a draft to a second person, with what changes and why.
///
/// # Errors
///
/// Every place of the table that cannot work; `stale` when somebody else saved meanwhile.
pub async fn submit(engine: &Engine, caller: &Caller, id: PolicyVersionId, saved: u64, reason: Reason) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let (author, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let (mut draft, permit) = open(&mut tx, &engine, &caller, id, Action::ChangeDraft).await?;
                let fault = |problem| refuse(&draft, permit.clone(), Action::ChangeDraft, problem);
                if draft.saved != saved {
                    let detail = "Somebody saved this draft after you opened it. Look at it as it is now first.";
                    return Err(fault(Problem::new(Code::Stale, detail)));
                }
                if draft.state != DraftState::Draft {
                    let detail = "This draft waits for a second person already.";
                    return Err(fault(Problem::new(Code::InvalidTransition, detail)));
                }
                let active = db::policies::find_active(&mut tx).await?.ok_or(Error::NotFound)?;
                if active.body == draft.body {
                    let detail = "This draft says what the table in force says. Change something first.";
                    return Err(fault(Problem::new(Code::InvalidTransition, detail)));
                }
                let around = Surroundings::read(&mut tx, &engine).await?;
                draft.body.check(&around.known(), around.staff).map_err(|errors| fault(cannot_work(errors)))?;
                draft.n += 1;
                let event = Event::PolicySubmitted {
                    version: id,
                    n: draft.n,
                    digest: draft.body.digest(),
                    author,
                    reason: reason.as_str().to_owned(),
                };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::policy_drafts::set_submitted(&mut tx, &draft, entry.id).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Puts a draft in force: from then on it routes, and what is open is asked again.
///
/// # Errors
///
/// `stale` when draft or table in force are not the ones that were judged; every place that cannot work by now;
/// [`Error::Forbidden`] for anybody but a compliance officer who wrote nothing of it.
pub async fn activate(
    engine: &Engine,
    caller: &Caller,
    id: PolicyVersionId,
    digest: String,
    against: PolicyVersionId,
) -> Result<u64> {
    engine
        .act(caller, move |engine, caller| {
            let digest = digest.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let (mut draft, permit) = judged(&mut tx, &engine, &caller, id).await?;
                sessions::require_recent(&caller)?;
                let fault = |problem| refuse(&draft, permit.clone(), Action::JudgeDraft, problem);
                let stale = |detail: &str| Problem::new(Code::Stale, detail);
                let n = db::policies::lock(&mut tx, draft.policy).await? + 1;
                let active = db::policies::find_active(&mut tx).await?.ok_or(Error::NotFound)?;
                if draft.body.digest().to_string() != digest {
                    return Err(fault(stale("The draft changed after you opened it. Read what it says now.")));
                }
                if active.id != against {
                    let detail = format!(
                        "Version {} came into force after you opened this. Read what the draft changes of that one.",
                        active.number
                    );
                    return Err(fault(stale(&detail)));
                }
                let around = Surroundings::read(&mut tx, &engine).await?;
                draft.body.check(&around.known(), around.staff).map_err(|errors| fault(cannot_work(errors)))?;
                let number = active.number + 1;
                let version = PolicyVersion { id, policy: draft.policy, number, body: draft.body.clone() };
                let event =
                    Event::PolicyActivated { policy: draft.policy, n, version: id, digest: draft.body.digest() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::policies::supersede(&mut tx, draft.policy, n, entry.at).await?;
                db::policies::insert_version(&mut tx, &version, entry.at, entry.id).await?;
                draft.state = DraftState::Activated;
                db::policy_drafts::set_decided(&mut tx, &draft, by, (entry.at, entry.id)).await?;
                engine.commit(tx).await?;
                Ok(number)
            }
        })
        .await
}

/// Says no to a draft, or takes one's own back.
///
/// # Errors
///
/// `invalid_transition` when it was decided; [`Error::Forbidden`] for anybody but its authors and compliance officers.
pub async fn reject(engine: &Engine, caller: &Caller, id: PolicyVersionId, reason: Reason, own: bool) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let (mut draft, permit) = match own {
                    true => open(&mut tx, &engine, &caller, id, Action::ChangeDraft).await?,
                    false => judged(&mut tx, &engine, &caller, id).await?,
                };
                draft.n += 1;
                draft.state = if own { DraftState::Discarded } else { DraftState::Rejected };
                let event = Event::PolicyRejected { version: id, n: draft.n, by, reason: reason.as_str().to_owned() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::policy_drafts::set_decided(&mut tx, &draft, by, (entry.at, entry.id)).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Locks a draft that is not decided.
async fn open(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    id: PolicyVersionId,
    action: Action,
) -> Result<(Draft, Permit)> {
    let draft = db::policy_drafts::lock(tx, id).await?.ok_or(Error::NotFound)?;
    let permit = engine.authorize(tx, caller, action, draft.target()).await?;
    if !matches!(draft.state, DraftState::Draft | DraftState::InReview) {
        let problem = Problem::new(Code::InvalidTransition, "This draft was decided. Begin another one.");
        return Err(refuse(&draft, permit, action, problem));
    }
    Ok((draft, permit))
}

/// Locks a draft that waits for a second person, for one who wrote nothing of it.
async fn judged(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    id: PolicyVersionId,
) -> Result<(Draft, Permit)> {
    let (draft, permit) = open(tx, engine, caller, id, Action::JudgeDraft).await?;
    let refused = |problem| refuse(&draft, permit.clone(), Action::JudgeDraft, problem);
    if draft.state != DraftState::InReview {
        let detail = "This draft is being written again. Its author hands it over when it is ready.";
        return Err(refused(Problem::new(Code::InvalidTransition, detail)));
    }
    let wrote = match caller.person() {
        Some(person) => db::policy_drafts::is_author(tx, id, person).await?,
        None => false,
    };
    if wrote && !permit.is_alone() {
        let detail = "You wrote into this version, so somebody else has to put it in force.";
        return Err(refused(Problem::new(Code::FourEyes, detail)));
    }
    Ok((draft, permit))
}

/// Tells why a person may not judge a draft although their role would do.
pub(super) async fn no_judging(
    conn: &mut sqlx::PgConnection,
    draft: &Draft,
    person: PersonId,
) -> Result<Option<String>> {
    let wrote = db::policy_drafts::is_author(conn, draft.id, person).await?;
    Ok((wrote && !db::roles::single_operator(conn).await?)
        .then(|| "You wrote into this version, so somebody else has to put it in force.".to_owned()))
}

fn refuse(draft: &Draft, permit: Permit, action: Action, problem: Problem) -> Error {
    Denial::by_rule(permit, action, draft.target(), problem)
}

fn cannot_work(errors: Vec<FieldError>) -> Problem {
    let detail = "The table cannot come into force as it is. Each place that needs a change is listed.";
    Problem::fields(Code::InvalidContent, detail, errors)
}

fn put(body: &mut PolicyBody, place: Place, row: Row) -> Result<()> {
    match place {
        Place::New => body.rows.push(row),
        Place::Row(rule) if rule as usize == body.rows.len() + 1 => {
            body.default = Row { name: String::new(), when: Vec::new(), ..row };
        }
        Place::Row(rule) => *at(body, rule)? = row,
    }
    Ok(())
}

fn shift(body: &mut PolicyBody, rule: u64, how: Move) -> Result<()> {
    at(body, rule)?;
    let place = rule as usize - 1;
    match how {
        Move::Up if place > 0 => body.rows.swap(place, place - 1),
        Move::Down if place + 1 < body.rows.len() => body.rows.swap(place, place + 1),
        Move::Up | Move::Down => {}
        Move::Copy => {
            let mut copy = body.rows[place].clone();
            copy.name = format!("{}-copy", copy.name).chars().take(48).collect();
            body.rows.insert(place + 1, copy);
        }
        Move::Delete => {
            body.rows.remove(place);
        }
    }
    Ok(())
}

fn at(body: &mut PolicyBody, rule: u64) -> Result<&mut Row> {
    let place = usize::try_from(rule).ok().and_then(|rule| rule.checked_sub(1));
    place
        .and_then(|place| body.rows.get_mut(place))
        .ok_or_else(|| Error::refused(Code::Stale, "The draft has no such row any more. Look at it as it is now."))
}

#[cfg(test)]
mod tests {
    use countersign_domain::{policy::Route, role::Role};

    use super::*;

    #[test]
    fn rows_are_put_moved_copied_and_deleted() {
        let row = |name: &str| Row { name: name.into(), route: Route::Deny, ..Row::require(1, Role::Approver, 3_600) };
        let mut body = PolicyBody::bootstrap();
        for name in ["a", "b"] {
            put(&mut body, Place::New, row(name)).unwrap();
        }
        let names = |body: &PolicyBody| body.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();

        shift(&mut body, 2, Move::Up).unwrap();
        assert_eq!(names(&body), ["b", "a"]);
        shift(&mut body, 1, Move::Up).unwrap();
        assert_eq!(names(&body), ["b", "a"]);
        shift(&mut body, 1, Move::Copy).unwrap();
        assert_eq!(names(&body), ["b", "b-copy", "a"]);
        shift(&mut body, 3, Move::Delete).unwrap();
        put(&mut body, Place::Row(2), row("c")).unwrap();
        assert_eq!(names(&body), ["b", "c"]);
        assert!(shift(&mut body, 3, Move::Delete).is_err(), "the default row stays");
    }

    #[test]
    fn the_default_row_takes_no_name_and_no_condition() {
        let mut body = PolicyBody::bootstrap();

        put(&mut body, Place::Row(1), Row { name: "x".into(), ..Row::require(2, Role::Approver, 60) }).unwrap();

        assert_eq!((body.default.name.as_str(), body.default.need), ("", 2));
    }
}
