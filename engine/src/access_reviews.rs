//! Access reviews: every assignment of one moment is looked at again by somebody other than its holder.
//!
//! The list is sealed when the review begins, each answer as it is given, the result at the end. What
//! nobody answered until the end of the grace period is suspended: the assignment ends.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    administration::{AccessReviewItem, AccessReviewRow, AccessReviewsView},
    event::{AccessReviewAnswer, Event, List},
    holding::{RoleScope, Source},
    ids::{AccessReviewId, PersonId, RoleAssignmentId},
    problem::Code,
};
use countersign_ledger::{
    hash::{Hash, Label, digest},
    value::{Limits, Value},
};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine,
    authorize::{Action, Denial, Permit, Target},
    caller::Caller,
    db::{
        self,
        access_reviews::{AccessReview, Answered, Item, New},
        roles::Assignment,
    },
    error::{Error, Result},
    people,
    reads::{self, Statement},
    roles, seal, sessions,
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// How many days reviewers have; the first is the default.
pub const DAYS: [u64; 4] = [14, 7, 30, 60];
/// How many days of grace follow; the first is the default.
pub const GRACE_DAYS: [u64; 3] = [7, 0, 14];
/// Assignments of one part of a list, so that each part fits a statement.
const PART: usize = 200;
/// Assignments shown at once.
const ITEMS_MAX: usize = 200;

/// Lists access reviews and the assignments of the running one.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but admins and compliance officers.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<AccessReviewsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListAccessReviews, engine.installation()).await?;
        let reviews = db::access_reviews::list(&mut tx).await?;
        let running = reviews.iter().find(|review| review.completed_at.is_none()).map(|review| review.id);
        let mut items = match running {
            Some(id) => db::access_reviews::list_items(&mut tx, id).await?,
            None => Vec::new(),
        };
        items.truncate(ITEMS_MAX);
        let assignments = db::roles::list_running(&mut tx, engine.now()).await?.len() as u64;
        let mut named: Vec<PersonId> = reviews.iter().map(|review| review.started_by).collect();
        named.extend(items.iter().flat_map(|item| [Some(item.person), item.answered_by]).flatten());
        let names = people::names(&mut tx, engine, &named).await?;
        let items = shown_items(&mut tx, caller, items, &names).await?;
        tx.commit().await?;
        Ok((permit, reviews, items, assignments, names))
    };
    let (permit, reviews, items, assignments, names) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::AccessReviews, count: reviews.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(AccessReviewsView {
        reviews: reviews.iter().map(|review| row(review, &names)).collect::<Result<_>>()?,
        items,
        assignments,
        now: engine.now(),
    })
}

fn row(review: &AccessReview, names: &HashMap<PersonId, String>) -> Result<AccessReviewRow> {
    Ok(AccessReviewRow {
        id: review.id,
        started_by: name(names, review.started_by),
        started_at: review.started_at,
        due_at: review.due_at,
        grace_at: review.grace_at,
        completed_at: review.completed_at,
        items: review.items,
        answered: review.answered,
        snapshot: Hash::from_slice(&review.snapshot)?.to_string(),
        result: match &review.result {
            Some(result) => Some(Hash::from_slice(result)?.to_string()),
            None => None,
        },
    })
}

/// Writes items with what each assignment gives, since when, and who can take it away.
async fn shown_items(
    conn: &mut PgConnection,
    caller: &Caller,
    items: Vec<Item>,
    names: &HashMap<PersonId, String>,
) -> Result<Vec<AccessReviewItem>> {
    let ids: Vec<_> = items.iter().map(|item| item.assignment).collect();
    let assignments = db::roles::list_by_id(conn, &ids).await?;
    let providers = roles::providers_of(conn, &assignments).await?;
    let systems: HashMap<_, _> =
        db::systems::list(conn).await?.into_iter().map(|(system, _)| (system.id, system.name)).collect();
    let assignments: HashMap<_, _> = assignments.into_iter().map(|assignment| (assignment.id, assignment)).collect();
    items
        .into_iter()
        .map(|found| {
            let assignment = assignments.get(&found.assignment).ok_or(Error::NotFound)?;
            let provider = match assignment.source {
                Source::Provider(id) => providers.get(&id).map(|(slug, _)| slug.clone()),
                _ => None,
            };
            Ok(AccessReviewItem {
                assignment: found.assignment,
                person: name(names, found.person),
                person_id: found.person,
                holding: roles::shown(&assignment.holding, &systems),
                source: roles::source_words(assignment.source, &providers),
                assigned_at: assignment.assigned_at,
                ended: assignment.ended.is_some(),
                provider,
                answer: found.answer,
                answered_by: found.answered_by.map(|by| name(names, by)),
                answered_at: found.answered_at,
                own: caller.person() == Some(found.person),
            })
        })
        .collect()
}

fn name(names: &HashMap<PersonId, String>, person: PersonId) -> String {
    names.get(&person).cloned().unwrap_or_else(people::erased)
}

/// Begins an access review of every assignment that runs at this moment.
///
/// # Errors
///
/// `invalid_transition` while another runs; `step_up_required`.
pub async fn start(engine: &Engine, caller: &Caller, days: u64, grace_days: u64) -> Result<AccessReviewId> {
    if !DAYS.contains(&days) {
        return Err(Error::field("/days", "unknown_value", "Choose from the list how long reviewers have."));
    }
    if !GRACE_DAYS.contains(&grace_days) {
        return Err(Error::field("/grace", "unknown_value", "Choose the grace period from the list."));
    }
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let target = engine.installation();
            let permit = engine.authorize(&mut tx, &caller, Action::StartAccessReview, target).await?;
            sessions::require_recent(&caller)?;
            let refuse = |sentence: &str| {
                let problem = Problem::new(Code::InvalidTransition, sentence);
                Denial::by_rule(permit.clone(), Action::StartAccessReview, target, problem)
            };
            if db::access_reviews::list(&mut tx).await?.iter().any(|review| review.completed_at.is_none()) {
                return Err(refuse("An access review is running already. Answer its assignments first."));
            }
            let assignments = db::roles::list_running(&mut tx, engine.now()).await?;
            let started_by = caller.person().ok_or(Error::NotFound)?;
            let snapshot = state_list(&mut tx, assignments.iter().map(in_snapshot)).await?;
            let now = engine.now();
            let (due, grace) = (now + days * DAY_MS, now + (days + grace_days) * DAY_MS);
            let review = AccessReviewId(engine.id());
            let items = assignments.len() as u64;
            let event = Event::AccessReviewStarted { review, items, snapshot, due, grace };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            let new = New {
                id: review,
                started_by,
                started_at: entry.at,
                due_at: due,
                grace_at: grace,
                snapshot,
                entry: entry.id,
            };
            db::access_reviews::insert(&mut tx, &new, &assignments).await?;
            engine.commit(tx).await?;
            Ok(review)
        })
        .await
}

fn in_snapshot(assignment: &Assignment) -> Value {
    let mut members = vec![
        ("assignment", Value::from(assignment.id.to_string())),
        ("person", assignment.person.to_string().into()),
        ("role", assignment.holding.role.id().to_string().into()),
    ];
    if let RoleScope::Systems(systems) = &assignment.holding.scope {
        members.push(("systems", Value::array(systems.iter().map(ToString::to_string))));
    }
    members.extend(assignment.holding.until.map(|until| ("until", until.into())));
    Value::object(members)
}

/// Stores a list as statements of at most [`PART`] elements and one that names them; returns its digest.
async fn state_list(tx: &mut Transaction<'static, Postgres>, elements: impl Iterator<Item = Value>) -> Result<Hash> {
    let elements: Vec<_> = elements.collect();
    let mut statements = Vec::new();
    for part in elements.chunks(PART) {
        statements.push(statement(Value::object([("items", Value::array(part.iter().cloned())), ("v", 1u64.into())]))?);
    }
    let mut members = vec![("count", Value::from(elements.len() as u64)), ("v", 1u64.into())];
    if !statements.is_empty() {
        members.push(("parts", Value::array(statements.iter().map(|part| part.digest))));
    }
    let whole = statement(Value::object(members))?;
    let named = whole.digest;
    statements.push(whole);
    db::statements::insert_many(tx, statements.iter()).await?;
    Ok(named)
}

fn statement(value: Value) -> Result<Statement> {
    let body = value.to_bytes(Limits::STATEMENT)?;
    Ok(Statement { label: Label::AccessReview, digest: digest(Label::AccessReview, &body), body })
}

/// Answers for one assignment: it stays, or it ends. The last answer completes the review.
///
/// # Errors
///
/// `invalid_transition` for an assignment that was answered, or that a provider or the last admin needs;
/// [`Error::Forbidden`] for one's own; `step_up_required`.
pub async fn answer(
    engine: &Engine,
    caller: &Caller,
    review: AccessReviewId,
    assignment: RoleAssignmentId,
    answer: AccessReviewAnswer,
) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let found = db::access_reviews::lock(&mut tx, review).await?.ok_or(Error::NotFound)?;
            let items = db::access_reviews::list_items(&mut tx, review).await?;
            let item = items.iter().find(|item| item.assignment == assignment).ok_or(Error::NotFound)?;
            let target = Target::Member(item.person);
            let permit = engine.authorize(&mut tx, &caller, Action::DecideAccessReview, target).await?;
            sessions::require_recent(&caller)?;
            let refuse = |sentence: &str| {
                let problem = Problem::new(Code::InvalidTransition, sentence);
                Denial::by_rule(permit.clone(), Action::DecideAccessReview, target, problem)
            };
            if found.completed_at.is_some() || item.answer.is_some() {
                return Err(refuse("This assignment was answered already."));
            }
            let stored = db::roles::find(&mut tx, assignment).await?.ok_or(Error::NotFound)?;
            match answer {
                AccessReviewAnswer::Suspend => return Err(refuse("Choose keep, change or revoke.")),
                AccessReviewAnswer::Keep if stored.ended.is_some() => {
                    return Err(refuse("This assignment has ended meanwhile. Choose revoke, which changes nothing more."));
                }
                AccessReviewAnswer::Keep => {}
                AccessReviewAnswer::Change | AccessReviewAnswer::Revoke => {
                    if matches!(stored.source, Source::Provider(_)) && stored.ended.is_none() {
                        return Err(refuse(
                            "The identity provider gives this role and would give it again. Change the mapping or the group, then answer.",
                        ));
                    }
                    roles::take(&mut tx, &engine, &caller, &permit, &stored).await?;
                }
            }
            let found = decide(&mut tx, &engine, &caller, &permit, found, assignment, answer).await?;
            complete_if_answered(&mut tx, &engine, &caller, &permit, found).await?;
            engine.commit(tx).await
        })
        .await
}

/// Seals and stores one answer; returns the review with its number moved on.
async fn decide(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    review: AccessReview,
    assignment: RoleAssignmentId,
    answer: AccessReviewAnswer,
) -> Result<AccessReview> {
    let n = review.n + 1;
    let event = Event::AccessReviewDecided { review: review.id, n, assignment, answer };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    let answered = Answered { answer, by: caller.person(), at: entry.at, entry: entry.id };
    db::access_reviews::set_answer(tx, review.id, n, assignment, &answered).await?;
    Ok(AccessReview { n, ..review })
}

async fn complete_if_answered(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    review: AccessReview,
) -> Result<()> {
    let items = db::access_reviews::list_items(tx, review.id).await?;
    if items.iter().any(|item| item.answer.is_none()) {
        return Ok(());
    }
    let count = |answer| items.iter().filter(|item| item.answer == Some(answer)).count() as u64;
    let mut sorted: Vec<_> = items.iter().filter_map(|item| Some((item.assignment, item.answer?))).collect();
    sorted.sort_unstable();
    let elements = sorted.into_iter().map(|(assignment, answer)| {
        Value::object([("answer", answer.word().into()), ("assignment", Value::from(assignment.to_string()))])
    });
    let result = state_list(tx, elements).await?;
    let n = review.n + 1;
    let event = Event::AccessReviewCompleted {
        review: review.id,
        n,
        kept: count(AccessReviewAnswer::Keep),
        changed: count(AccessReviewAnswer::Change),
        revoked: count(AccessReviewAnswer::Revoke),
        suspended: count(AccessReviewAnswer::Suspend),
        result,
    };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    db::access_reviews::set_completed(tx, review.id, n, entry.at, &result).await?;
    Ok(())
}

/// Suspends what nobody answered until the end of the grace period; returns how many assignments.
pub(crate) async fn suspend_overdue(engine: &Engine) -> Result<usize> {
    let reviews = db::access_reviews::list(&mut *engine.app.acquire().await?).await?;
    let now = engine.now();
    let overdue = reviews.into_iter().find(|review| review.completed_at.is_none() && review.grace_at <= now);
    let Some(overdue) = overdue else { return Ok(0) };
    let items = db::access_reviews::list_items(&mut *engine.app.acquire().await?, overdue.id).await?;
    let open: Vec<_> = items.iter().filter(|item| item.answer.is_none()).map(|item| item.assignment).collect();
    let mut suspended = 0;
    for assignment in open {
        let review = overdue.id;
        let done =
            engine.act(&Caller::engine(), move |engine, caller| suspend(engine, caller, review, assignment)).await;
        match done {
            Ok(()) => suspended += 1,
            // The last admin stays, and the review stays open until somebody answers.
            Err(Error::Refused(problem)) => {
                tracing::warn!(role_assignment.id = %assignment, reason = problem.detail, "An assignment was not suspended");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(suspended)
}

async fn suspend(engine: Engine, caller: Caller, review: AccessReviewId, assignment: RoleAssignmentId) -> Result<()> {
    let mut tx = engine.begin().await?;
    db::roles::lock_guard(&mut tx).await?;
    let found = db::access_reviews::lock(&mut tx, review).await?.ok_or(Error::NotFound)?;
    let permit = engine.authorize(&mut tx, &caller, Action::EndAccessReview, engine.installation()).await?;
    let items = db::access_reviews::list_items(&mut tx, review).await?;
    if items.iter().any(|item| item.assignment == assignment && item.answer.is_some()) {
        return Ok(());
    }
    let stored = db::roles::find(&mut tx, assignment).await?.ok_or(Error::NotFound)?;
    roles::take(&mut tx, &engine, &caller, &permit, &stored).await?;
    let found = decide(&mut tx, &engine, &caller, &permit, found, assignment, AccessReviewAnswer::Suspend).await?;
    complete_if_answered(&mut tx, &engine, &caller, &permit, found).await?;
    engine.commit(tx).await
}
