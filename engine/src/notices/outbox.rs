//! From what happened to the messages that tell it.
//!
//! A cause is a row of the transaction that did it: what is not committed is told to nobody, and what is committed is not
//! forgotten. Who is told, and by which channel, is worked out afterwards, so that no act waits for it. A message is queued
//! once, however often its cause is left.

use std::collections::HashMap;

use countersign_domain::{
    ids::{DecisionId, EntryId, MessageId, PersonId, SessionId},
    notice::{self, ChannelKind, Topic},
    queue::{Sort, View},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::tell_that_nobody_reviews;
use crate::{
    Engine,
    db::{
        self,
        channels::Channel,
        decisions::Decision,
        outbox::{Cause, New},
    },
    error::{Error, Result},
    people, seal,
};

/// Causes worked out in one look.
const CAUSES_MAX: usize = 200;

/// Something to be told: to one person, or to those whose turn it is.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) topic: Topic,
    pub(crate) person: Option<PersonId>,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) system: Option<&'a str>,
}

/// Leaves a cause in the transaction of the act. The same topic with the same basis for the same person is told once.
pub(crate) async fn leave(
    conn: &mut PgConnection,
    engine: &Engine,
    told: Told<'_>,
    basis: &str,
    (entry, at): (EntryId, u64),
) -> Result<()> {
    let cause = Cause {
        id: engine.id(),
        topic: told.topic.word().to_owned(),
        person: told.person,
        decision: told.decision,
        system: told.system.map(str::to_owned),
        basis: basis.to_owned(),
        at,
        entry,
    };
    db::outbox::insert_cause(conn, &cause).await?;
    Ok(())
}

/// Leaves that a decision waits for people: once for each content that is asked about.
pub(crate) async fn leave_turn(conn: &mut PgConnection, engine: &Engine, stored: &Decision) -> Result<()> {
    let told = Told { topic: Topic::YourTurn, person: None, decision: Some(stored.id), system: None };
    leave(conn, engine, told, &format!("{}/{}", stored.id, stored.round), (stored.entry, engine.now())).await
}

/// Leaves something about a decision for those whom it concerns.
pub(crate) async fn leave_about(
    conn: &mut PgConnection,
    engine: &Engine,
    topic: Topic,
    decision: DecisionId,
    entry: &seal::Entry,
) -> Result<()> {
    let told = Told { topic, person: None, decision: Some(decision), system: None };
    leave(conn, engine, told, &entry.id.to_string(), (entry.id, entry.at)).await
}

/// Works out who is told what, one transaction for each cause; returns how many.
pub(crate) async fn work_out(engine: &Engine) -> Result<usize> {
    for count in 0..CAUSES_MAX {
        let mut tx = engine.begin().await?;
        let Some(cause) = db::outbox::take_cause(&mut tx, engine.now()).await? else { return Ok(count) };
        spread(&mut tx, engine, &cause).await?;
        engine.commit(tx).await?;
    }
    Ok(CAUSES_MAX)
}

/// Queues a message for each person and room that a cause concerns.
async fn spread(conn: &mut PgConnection, engine: &Engine, cause: &Cause) -> Result<()> {
    let topic = Topic::from_word(&cause.topic).ok_or_else(|| unreadable("notice_causes", "topic", cause.id))?;
    let stored = match cause.decision {
        Some(id) => db::decisions::find(conn, id).await?,
        None => None,
    };
    let concerned = match (cause.person, &stored) {
        (Some(person), _) => vec![person],
        (None, Some(stored)) => concerned(conn, engine, topic, stored).await?,
        (None, None) => Vec::new(),
    };
    let concerned = db::outbox::enabled(conn, &concerned).await?;
    let about = match (&stored, &cause.system) {
        (Some(stored), _) => Some(stored.system),
        (None, Some(name)) => db::systems::find_by_name(conn, name).await?.map(|system| system.id),
        (None, None) => None,
    };
    if let (true, true, Some(stored)) = (concerned.is_empty(), cause.person.is_none(), &stored)
        && matches!(topic, Topic::YourTurn | Topic::Escalated)
        && stored.state.is_reviewed()
        && (topic == Topic::Escalated || stored.escalated_at.is_none())
    {
        let system = db::systems::find(conn, stored.system).await?.ok_or(Error::NotFound)?;
        tell_that_nobody_reviews(conn, engine, &system.name, (cause.entry, cause.at)).await?;
    }
    let (logins, muted) = recipients(conn, engine, &concerned).await?;
    for channel in db::channels::list(conn).await?.iter().filter(|channel| !channel.paused) {
        match ChannelKind::from_word(&channel.kind).ok_or_else(|| unreadable("channels", "kind", channel.id.0))? {
            ChannelKind::Email => {
                for person in &concerned {
                    let wanted = !topic.is_optional() || !muted.get(person).is_some_and(|muted| muted.contains(&topic));
                    let reached = logins.get(person).is_some_and(|login| notice::address(login).is_some());
                    if wanted && reached {
                        queue(conn, engine, cause, topic, channel, Some(*person)).await?;
                    }
                }
            }
            ChannelKind::Slack | ChannelKind::Teams => {
                let bound = channel.system.is_some() && channel.system != about;
                let told = channel.topics.iter().any(|word| word == topic.word());
                if topic.is_for_rooms() && told && !bound {
                    queue(conn, engine, cause, topic, channel, None).await?;
                }
            }
        }
    }
    Ok(())
}

async fn queue(
    conn: &mut PgConnection,
    engine: &Engine,
    cause: &Cause,
    topic: Topic,
    channel: &Channel,
    person: Option<PersonId>,
) -> Result<()> {
    if let (true, Some(decision)) = (topic.is_throttled(), cause.decision) {
        let last = db::outbox::last_reminder(conn, channel.id, person, decision).await?;
        if !notice::may_remind(last, cause.at, channel.span_seconds * 1_000) {
            return Ok(());
        }
    }
    let to = person.map_or_else(|| "room".to_owned(), |person| person.to_string());
    let same = format!("{}/{}/{}/{to}", channel.id, topic.word(), cause.basis);
    let new = New {
        id: MessageId(engine.id()),
        channel: channel.id,
        person,
        topic: topic.word(),
        decision: cause.decision,
        system: cause.system.as_deref(),
        same: &same,
        at: cause.at,
        now: engine.now(),
    };
    db::outbox::insert(conn, &new).await?;
    Ok(())
}

/// Sign-in names of people, and what they do not want by e-mail.
async fn recipients(
    conn: &mut PgConnection,
    engine: &Engine,
    concerned: &[PersonId],
) -> Result<(HashMap<PersonId, String>, HashMap<PersonId, Vec<Topic>>)> {
    let logins = people::logins(conn, engine, concerned).await?;
    let muted = db::channels::list_muted(conn, concerned).await?;
    let topics = |words: Vec<String>| words.iter().filter_map(|word| Topic::from_word(word)).collect();
    Ok((logins, muted.into_iter().map(|(person, words)| (person, topics(words))).collect()))
}

/// Whom something about a decision concerns: those whose turn it is; once its deadline resolved it, those who could
/// have reviewed it.
async fn concerned(conn: &mut PgConnection, engine: &Engine, topic: Topic, stored: &Decision) -> Result<Vec<PersonId>> {
    // Handing it up is told by itself.
    if topic == Topic::YourTurn && stored.escalated_at.is_some() {
        return Ok(Vec::new());
    }
    if topic == Topic::Overdue && !stored.state.is_reviewed() {
        let owner = db::owners::find(conn, stored.system).await?;
        let reviewers = reviewers(conn, engine, stored.id).await?;
        return Ok(reviewers.into_iter().filter(|person| owner != Some(*person)).collect());
    }
    turns(conn, engine, stored.id).await
}

/// Returns whose turn a decision is.
pub(super) async fn turns(conn: &mut PgConnection, engine: &Engine, decision: DecisionId) -> Result<Vec<PersonId>> {
    let mut turns = Vec::new();
    for person in reviewers(conn, engine, decision).await? {
        if is_turn(conn, engine, person, decision).await? {
            turns.push(person);
        }
    }
    Ok(turns)
}

/// Tells whether a decision is this person's turn, as their queue would say.
pub(super) async fn is_turn(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    decision: DecisionId,
) -> Result<bool> {
    let reader = db::queue::Reader { person, session: SessionId(Uuid::nil()), now: engine.now() };
    let filter = db::queue::Filter { ids: Some(vec![decision.0]), ..db::queue::Filter::default() };
    let found = db::queue::list_open(conn, (View::YourTurn, Sort::Deadline), reader, &filter, None, 1).await?;
    Ok(!found.is_empty())
}

/// Returns the people with a role that reviews decisions of this system and type, and those who stand in for one of them.
async fn reviewers(conn: &mut PgConnection, engine: &Engine, decision: DecisionId) -> Result<Vec<PersonId>> {
    let (matter, _) = db::decisions::matter(conn, decision).await?.ok_or(Error::NotFound)?;
    let running = db::roles::list_running(conn, engine.now()).await?;
    let mut people: Vec<_> = running
        .iter()
        .filter(|assignment| assignment.holding.role.reviews() && assignment.holding.covers(&matter))
        .map(|assignment| assignment.person)
        .collect();
    let tied = db::delegations::tied(conn, matter.system, engine.now()).await?;
    let delegates: Vec<_> =
        tied.into_iter().filter(|(delegator, _)| people.contains(delegator)).map(|(_, delegate)| delegate).collect();
    people.extend(delegates);
    people.sort_unstable();
    people.dedup();
    Ok(people)
}

pub(super) fn unreadable(table: &'static str, column: &'static str, id: Uuid) -> Error {
    Error::Row { table, column, id: id.to_string() }
}
