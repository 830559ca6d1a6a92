//! Acts against the policy, and past the sign-in providers, are looked at afterwards by another person (R8): within 72
//! hours, or whoever acted overrides nothing else.
//!
//! What opens a post-review is the act's own entry, so it needs no other, and none can be forgotten.

use countersign_domain::{
    Problem,
    decision::ResolutionOutcome,
    event::{Event, List},
    ids::{DecisionId, EntryId, PersonId},
    overrides::{POST_REVIEW_MS, PostReview, PostReviewKind, PostReviewResult, PostReviewed, PostReviewsView},
    problem::Code,
    text::Reason,
    view::NoticeKind,
};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine,
    authorize::{self, Action, Denial, Opinion, Target},
    caller::Caller,
    db::{self, post_reviews::PostReview as Row},
    decisions,
    error::{Error, Result},
    notices, people, reads, seal,
};

/// How many of either list are read.
const ROWS_MAX: i64 = 200;

/// Lists what waits for somebody, and what was looked at, as far as the reader may see what it is about.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody who neither acts so nor oversees it.
pub async fn view(engine: &Engine, caller: &Caller) -> Result<PostReviewsView> {
    let found = async {
        let (reader, _) = caller.signed_in()?;
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListPostReviews, engine.installation()).await?;
        let waiting = db::post_reviews::list_waiting(&mut tx, ROWS_MAX).await?;
        let waiting = dress(&mut tx, engine, reader, waiting).await?;
        let given = db::post_reviews::list_given(&mut tx, ROWS_MAX).await?;
        let given = dress(&mut tx, engine, reader, given).await?;
        tx.commit().await?;
        Ok((permit, PostReviewsView { waiting, given, now: engine.now() }))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let count = (view.waiting.len() + view.given.len()) as u64;
    let event = Event::AccessListed { list: List::PostReviews, count };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

/// Records what another person says about an act, once.
///
/// # Errors
///
/// `invalid_transition` where somebody was first; [`Error::Forbidden`] for who acted, and for anybody but senior approvers
/// of the decision's system and type and compliance officers, or for a sign-in admins and compliance officers.
pub async fn give(
    engine: &Engine,
    caller: &Caller,
    act: EntryId,
    result: PostReviewResult,
    reason: Reason,
) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| {
            let reason = reason.clone();
            async move {
                let (by, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let row = db::post_reviews::lock(&mut tx, act).await?.ok_or(Error::NotFound)?;
                let target = target(&row);
                let permit = engine.authorize(&mut tx, &caller, Action::GivePostReview, target).await?;
                if row.given.is_some() {
                    let problem = Problem::new(
                        Code::InvalidTransition,
                        "Somebody looked at this already; read below who, and what they say.",
                    );
                    return Err(Denial::by_rule(permit, Action::GivePostReview, target, problem));
                }
                let event = Event::PostReviewed { act, result, reason: reason.as_str().to_owned(), by };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::post_reviews::set_given(&mut tx, act, by, result, entry.at, entry.id).await?;
                if result == PostReviewResult::NotUpheld && by != row.by {
                    let kind = NoticeKind::NotUpheld;
                    match row.decision {
                        Some((id, _)) => {
                            notices::tell_of_decision(&mut tx, &engine, row.by, kind, by, id, &entry).await?;
                        }
                        None => notices::tell(&mut tx, &engine, &[row.by], kind, Some(by), &entry).await?,
                    }
                }
                engine.commit(tx).await?;
                Ok(entry)
            }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Opens the post-review of an act, and tells those who may look at it; who watches over sign-ins is told by itself.
pub(crate) async fn open(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    kind: PostReviewKind,
    (by, decision): (PersonId, Option<DecisionId>),
    entry: &seal::Entry,
) -> Result<()> {
    let due_at = entry.at + POST_REVIEW_MS;
    let new = db::post_reviews::New { act: entry.id, kind, by, decision, at: entry.at, due_at };
    db::post_reviews::insert(tx, &new).await?;
    let Some(id) = decision else { return Ok(()) };
    for person in authorize::seniors(tx, id, engine.now()).await? {
        if person != by {
            notices::tell_of_decision(tx, engine, person, NoticeKind::ToPostReview, by, id, entry).await?;
        }
    }
    Ok(())
}

/// Returns the post-reviews of a decision as its page shows them.
pub(crate) async fn of_decision(
    conn: &mut PgConnection,
    engine: &Engine,
    reader: Option<PersonId>,
    id: DecisionId,
) -> Result<Vec<PostReview>> {
    let Some(reader) = reader else { return Ok(Vec::new()) };
    let rows = db::post_reviews::list_of(conn, id).await?;
    dress(conn, engine, reader, rows).await
}

fn target(row: &Row) -> Target {
    Target::PostReview { act: row.act, decision: row.decision, by: row.by }
}

/// Opens names, titles and reasons of the rows that the reader may see, and says whether it is for them to look at each.
async fn dress(conn: &mut PgConnection, engine: &Engine, reader: PersonId, rows: Vec<Row>) -> Result<Vec<PostReview>> {
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        if may_see(conn, engine, reader, &row).await? {
            let opinion = authorize::ask(conn, engine, reader, Action::GivePostReview, target(&row)).await?;
            shown.push((row, opinion));
        }
    }
    let people: Vec<_> =
        shown.iter().flat_map(|(row, _)| [Some(row.by), row.given.as_ref().map(|given| given.by)]).flatten().collect();
    let names = people::names(conn, engine, &people).await?;
    let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(people::erased);
    let entries: Vec<_> = shown
        .iter()
        .flat_map(|(row, _)| [Some(row.act.0), row.given.as_ref().map(|given| given.entry.0)])
        .flatten()
        .collect();
    let mut texts = decisions::texts(conn, engine, &entries, "reason").await?;
    let decided: Vec<_> = shown.iter().filter_map(|(row, _)| Some(row.decision?.0)).collect();
    let titles = decisions::titles(conn, engine, &decided).await?;
    let mut dressed = Vec::with_capacity(shown.len());
    for (row, opinion) in shown {
        let standing = match (&row.given, row.decision) {
            (Some(_), Some((id, _))) => db::resolutions::find(conn, id).await?,
            _ => None,
        };
        let revocable = row.kind == PostReviewKind::Override
            && standing.is_some_and(|resolution| resolution.standing() == ResolutionOutcome::Approved);
        let mut text = |entry: EntryId| texts.remove(&entry.0).unwrap_or_else(people::erased);
        dressed.push(PostReview {
            act: row.act,
            kind: row.kind,
            decision: row.decision.map(|(id, _)| (id, titles.get(&id).cloned().unwrap_or_default())),
            by: name(row.by),
            reason: text(row.act),
            at: row.at,
            due_at: row.due_at,
            barred: barred(&row, reader, &opinion),
            given: row.given.map(|given| PostReviewed {
                by: name(given.by),
                at: given.at,
                result: given.result,
                reason: text(given.entry),
                seal: decisions::seal_at(engine, given.index.map(|index| index as i64)),
                revocable,
            }),
        });
    }
    Ok(dressed)
}

/// Tells whether the reader sees a row: what is about a decision, as the decision; a sign-in, as its own or as members.
async fn may_see(conn: &mut PgConnection, engine: &Engine, reader: PersonId, row: &Row) -> Result<bool> {
    let (action, target) = match row.decision {
        Some((id, system)) => (Action::ViewDecision, Target::Decision { id, system, n: 1 }),
        None if row.by == reader => return Ok(true),
        None => (Action::ListPeople, engine.installation()),
    };
    Ok(authorize::ask(conn, engine, reader, action, target).await?.allowed)
}

/// Says why it is not for the reader to look at an act.
fn barred(row: &Row, reader: PersonId, opinion: &Opinion) -> Option<String> {
    let words = match (opinion.allowed, row.by == reader, row.decision) {
        (true, ..) => return None,
        (false, true, _) => "You did this, so somebody else has to look at it.",
        (false, false, Some(_)) => {
            "This takes a senior approver of this AI system and type, or a compliance officer, other than who acted."
        }
        (false, false, None) => "This takes an admin or a compliance officer, other than who signed in.",
    };
    Some(words.to_owned())
}
