//! What people say about a decision, before its resolution and after. A comment has no effect on it: it changes the
//! count of its acts and nothing else of its row, and no agent is told that there is one.

use std::collections::{HashMap, HashSet};

use countersign_domain::{
    Problem,
    event::{Event, Object, Place},
    ids::{DecisionId, EntryId, FormId, PersonId},
    problem::{Code, FieldError},
    talk::{Colleague, CommentRow, CommentsView, MENTIONS_MAX, Note, Question},
    view::NoticeKind,
};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::seal_at;
use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::Caller,
    db::{self, comments::Comment},
    error::{Error, Result},
    notices, people, reads, seal, sessions,
};

/// The same text by the same person within so many milliseconds is one comment, whatever form it came from.
pub(crate) const SAME_MS: u64 = 10_000;
/// Comments of one person within [`PERIOD_MS`].
const MOST: u64 = 30;
/// Ten minutes.
pub(crate) const PERIOD_MS: u64 = 10 * 60_000;
/// Comments of one decision.
const OF_A_DECISION: usize = 500;
/// People who are offered for mentions.
const COLLEAGUES: i64 = 50;

/// A comment as the form sends it.
#[derive(Clone, Debug)]
pub struct CommentRequest {
    /// The decision.
    pub decision: DecisionId,
    /// The form's own mark; the same text under it is one comment.
    pub nonce: FormId,
    /// What is said.
    pub comment: Note,
    /// Sign-in name of who is asked to answer, or nothing.
    pub asks: String,
    /// The entry of the question that it answers.
    pub answers: Option<EntryId>,
}

/// Records a comment, tells those whom it names, and whose question it answers.
///
/// # Errors
///
/// `invalid_content` that names who cannot be mentioned or asked, `invalid_transition` for a question that was answered,
/// `rate_limited` after many comments; [`Error::Hidden`] and [`Error::Forbidden`] for who may not.
pub async fn comment(engine: &Engine, caller: &Caller, request: CommentRequest) -> Result<()> {
    engine.has_room()?;
    let recorded = engine
        .act(caller, move |engine, caller| {
            let request = request.clone();
            async move { record(engine, caller, request).await }
        })
        .await?;
    match recorded {
        Recorded::New(entry) => {
            seal::wait(entry).await;
        }
        Recorded::Before(permit, decision, n) => view_of(engine, caller, *permit, decision, n).await?,
    }

    Ok(())
}

/// What became of a form.
enum Recorded {
    New(seal::Entry),
    /// It had been sent before.
    Before(Box<Permit>, DecisionId, u64),
}

async fn record(engine: Engine, caller: Caller, request: CommentRequest) -> Result<Recorded> {
    let (author, _) = caller.signed_in()?;
    let CommentRequest { decision, nonce, comment, asks, answers } = request;
    let mut tx = engine.begin().await?;
    let stored = db::decisions::lock(&mut tx, decision).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id: decision, system: stored.system, n: stored.n };
    let permit = engine.authorize(&mut tx, &caller, Action::CommentDecision, target).await?;
    let refuse = |problem| Denial::by_rule(permit.clone(), Action::CommentDecision, target, problem);
    let now = engine.now();
    let like = db::comments::list_like(&mut tx, decision, author, nonce, now.saturating_sub(SAME_MS)).await?;
    if texts(&mut tx, &engine, &like, "comment").await?.values().any(|text| text == comment.as_str()) {
        return Ok(Recorded::Before(Box::new(permit), decision, stored.n));
    }
    let (count, first) = db::comments::count_since(&mut tx, author, now.saturating_sub(PERIOD_MS)).await?;
    if count >= MOST {
        return Err(refuse(too_many(&format!("{MOST} comments"), first, now)));
    }
    let written = db::comments::list(&mut tx, decision).await?;
    if written.len() >= OF_A_DECISION {
        let detail = format!("This decision has {OF_A_DECISION} comments, and takes no more. Your text is kept below.");
        return Err(refuse(Problem::new(Code::InvalidTransition, detail)));
    }
    let named = named(&mut tx, &engine, target, author, &comment, &asks).await?.map_err(&refuse)?;
    let question = answers.map(|entry| question(&written, entry, author)).transpose().map_err(&refuse)?;

    let n = stored.n + 1;
    let event = Event::Commented {
        decision,
        n,
        comment: comment.as_str().to_owned(),
        by: author,
        mentions: named.mentions.clone(),
        asks: named.asks,
        answers,
    };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    let new = db::comments::New {
        entry: entry.id,
        decision,
        n,
        author,
        nonce,
        mentions: &named.mentions,
        asks: named.asks,
        answers,
        now: entry.at,
    };
    db::comments::insert(&mut tx, &new).await?;
    db::decisions::set_n(&mut tx, decision, n).await?;
    let asker = match question {
        // Somebody who may not read it any more is not led to it.
        Some(asker) if asker != author && may_read(&mut tx, &engine, target, asker).await? => Some(asker),
        _ => None,
    };
    tell(&mut tx, &engine, decision, (author, asker), &named, &entry).await?;
    engine.commit(tx).await?;

    Ok(Recorded::New(entry))
}

/// Says when a person may write again.
pub(crate) fn too_many(what: &str, first: u64, now: u64) -> Problem {
    let minutes = (first + PERIOD_MS).saturating_sub(now).div_ceil(60_000).max(1);
    let wait = if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") };
    let detail = format!("You wrote {what} in 10 minutes. Try again in {wait}. Your text is kept below.");
    Problem::new(Code::RateLimited, detail)
}

/// Whom a comment names.
struct Named {
    mentions: Vec<PersonId>,
    asks: Option<PersonId>,
}

/// Finds whom a comment names; those who may not read the decision are refused like those who do not exist.
async fn named(
    conn: &mut PgConnection,
    engine: &Engine,
    target: Target,
    author: PersonId,
    comment: &Note,
    asks: &str,
) -> Result<std::result::Result<Named, Problem>> {
    let asks = asks.trim().trim_start_matches('@').to_lowercase();
    let mut names: Vec<(&str, String)> = comment.mentions().into_iter().map(|name| ("/comment", name)).collect();
    if names.len() > MENTIONS_MAX {
        let detail = format!("Name {MENTIONS_MAX} people at most in one comment.");
        return Ok(Err(refused(vec![FieldError::new("/comment", "too_many", detail)])));
    }
    names.extend((!asks.is_empty()).then(|| ("/asks", asks.clone())));
    let mut named = Named { mentions: Vec::new(), asks: None };
    let mut errors = Vec::new();
    for (field, name) in names {
        let found = db::people::find_by_login(conn, &sessions::login_lookup(engine, &name)).await?;
        let person = match found {
            Some(account) if may_read(conn, engine, target, account.id).await? => account.id,
            _ => {
                errors.push(FieldError::new(field, "unknown_value", unknown(field, &name)));
                continue;
            }
        };
        if field == "/asks" {
            if person == author {
                let detail = "Ask somebody else than yourself, or leave the field empty.";
                errors.push(FieldError::new(field, "unknown_value", detail));
            }
            named.asks = Some(person);
        }
        if !named.mentions.contains(&person) {
            named.mentions.push(person);
        }
    }
    Ok(if errors.is_empty() { Ok(named) } else { Err(refused(errors)) })
}

fn unknown(field: &str, name: &str) -> String {
    let without = match field {
        "/asks" => "leave the field empty",
        _ => "write it without the @",
    };
    format!(
        "@{name}: nobody of this sign-in name may read this decision. Correct the name, {without}, or ask an admin to give the person access."
    )
}

fn refused(errors: Vec<FieldError>) -> Problem {
    Problem::fields(Code::InvalidContent, "The comment was not recorded. Your text is kept below.", errors)
}

async fn may_read(conn: &mut PgConnection, engine: &Engine, target: Target, person: PersonId) -> Result<bool> {
    Ok(authorize::ask(conn, engine, person, Action::ViewDecision, target).await?.allowed)
}

/// Returns who asked the question that a comment answers.
fn question(written: &[Comment], entry: EntryId, author: PersonId) -> std::result::Result<PersonId, Problem> {
    let found = written.iter().find(|comment| comment.entry == entry && comment.asks == Some(author));
    let Some(found) = found else {
        let detail = "This is no question to you on this decision. Choose another, or none.";
        return Err(refused(vec![FieldError::new("/answers", "unknown_value", detail)]));
    };
    if written.iter().any(|comment| comment.answers == Some(entry)) {
        let detail = "You answered this question already. Your text is kept below: send it as a comment.";
        return Err(Problem::new(Code::InvalidTransition, detail));
    }
    Ok(found.author)
}

/// Leaves one notice for each person: an answer before a question before a mention. None carries the text.
async fn tell(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    decision: DecisionId,
    (author, asker): (PersonId, Option<PersonId>),
    named: &Named,
    entry: &seal::Entry,
) -> Result<()> {
    let mut told = HashSet::from([author]);
    let answered = asker.map(|person| (person, NoticeKind::Answered));
    let asked = named.asks.map(|person| (person, NoticeKind::Asked));
    let mentioned = named.mentions.iter().map(|person| (*person, NoticeKind::Mentioned));
    for (person, kind) in answered.into_iter().chain(asked).chain(mentioned) {
        if told.insert(person) {
            notices::tell_of_decision(tx, engine, person, kind, author, decision, entry).await?;
        }
    }
    Ok(())
}

/// Reads the comments of a decision anew, without its page.
///
/// # Errors
///
/// [`Error::Hidden`] for anybody who may not read the decision.
pub async fn comments(engine: &Engine, caller: &Caller, decision: DecisionId) -> Result<CommentsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let stored = db::decisions::find(&mut tx, decision).await?.ok_or(Error::NotFound)?;
        let target = Target::Decision { id: decision, system: stored.system, n: stored.n };
        let permit = engine.authorize(&mut tx, caller, Action::ViewDecision, target).await?;
        let view = section(&mut tx, engine, caller, target, decision).await?;
        tx.commit().await?;
        Ok((permit, view, stored.n))
    };
    let (permit, view, n) = engine.noted(caller, found.await).await?;
    view_of(engine, caller, permit, decision, n).await?;

    Ok(view)
}

async fn view_of(engine: &Engine, caller: &Caller, permit: Permit, decision: DecisionId, n: u64) -> Result<()> {
    let object = Object { kind: "decision", id: decision.0, place: Place::Read(n) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
    Ok(())
}

/// The comments of a decision as its page shows them to somebody who may read it.
pub(super) async fn section(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    target: Target,
    decision: DecisionId,
) -> Result<CommentsView> {
    let barred = match engine.authorize(tx, caller, Action::CommentDecision, target).await {
        Ok(_) => None,
        Err(Error::Forbidden(denial) | Error::Hidden(denial)) => Some(denial.sentence()),
        Err(error) => return Err(error),
    };
    let comments = db::comments::list(tx, decision).await?;
    let reader = caller.person();
    let offered = match barred {
        None => db::comments::colleagues(tx, decision, engine.now(), COLLEAGUES).await?,
        Some(_) => Vec::new(),
    };
    let mut known: Vec<_> =
        comments.iter().flat_map(|comment| [Some(comment.author), comment.asks]).flatten().collect();
    known.extend(&offered);
    let names = people::names(tx, engine, &known).await?;
    let logins = people::logins(tx, engine, &offered).await?;
    let entries: Vec<_> = comments.iter().map(|comment| comment.entry.0).collect();
    let mut said = texts(tx, engine, &entries, "comment").await?;
    let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(people::erased);
    let mut colleagues: Vec<_> = offered
        .iter()
        .filter(|person| Some(**person) != reader)
        .filter_map(|person| Some(Colleague { name: name(*person), login: logins.get(person)?.clone() }))
        .collect();
    colleagues.sort();
    let rows = comments
        .iter()
        .map(|comment| CommentRow {
            entry: comment.entry,
            person: name(comment.author),
            text: said.remove(&comment.entry.0).unwrap_or_else(people::erased),
            question: comment.asks.map(|asked| Question {
                asks: name(asked),
                open: !comments.iter().any(|other| other.answers == Some(comment.entry)),
                own: Some(asked) == reader,
            }),
            answers: comment
                .answers
                .and_then(|answered| comments.iter().find(|other| other.entry == answered))
                .map(|question| name(question.author)),
            at: comment.at,
            seal: seal_at(engine, comment.index),
        })
        .collect();

    Ok(CommentsView { rows, barred, nonce: FormId(engine.id()), colleagues })
}

/// Opens texts by their entries; an erased one is missing.
pub(crate) async fn texts(
    conn: &mut PgConnection,
    engine: &Engine,
    entries: &[Uuid],
    field: &str,
) -> Result<HashMap<Uuid, String>> {
    let mut texts = HashMap::new();
    if entries.is_empty() {
        return Ok(texts);
    }
    for stored in db::vault::list_fields(conn, entries, &[field.to_owned()]).await? {
        if let Some(text) = engine.vault.open(&stored)? {
            texts.insert(stored.entry_id, text);
        }
    }
    Ok(texts)
}

/// Returns the number of the last act on a decision of which its agent is told, where so many of the last acts are kept
/// from it: no comment counts, nor who reviews it or was reminded of it, and whether the resolution before them is kept too.
pub(super) async fn told_n(
    conn: &mut PgConnection,
    decision: &db::decisions::Decision,
    unsealed: u64,
    kept: bool,
) -> Result<u64> {
    let mut untold = db::comments::numbers(conn, decision.id).await?;
    untold.extend(db::leases::numbers(conn, decision.id).await?);
    untold.extend(db::reminders::numbers(conn, decision.id).await?);
    let told = |n: u64| (1..=n).rev().find(|n| !untold.contains(n)).unwrap_or(0);
    let n = told(decision.n.saturating_sub(unsealed));
    // Nothing but comments comes after a resolution that was not told.
    Ok(if kept { told(n.saturating_sub(1)) } else { n })
}
