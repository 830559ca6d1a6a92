//! `notice_causes` and `notice_messages`.

use countersign_domain::ids::{ChannelId, DecisionId, EntryId, MessageId, PersonId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

/// What is to be told.
pub(crate) struct Cause {
    pub(crate) id: Uuid,
    pub(crate) topic: String,
    pub(crate) person: Option<PersonId>,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) system: Option<String>,
    pub(crate) basis: String,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
}

/// Leaves what is to be told, where there is a channel to tell it by, and it was not left before.
pub(crate) async fn insert_cause(conn: &mut PgConnection, cause: &Cause) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into notice_causes (id, topic, person_id, decision_id, system, basis, at, entry_id)
        select $1::uuid, $2::text, $3::uuid, $4::uuid, $5::text, $6::text, $7::timestamptz, $8::uuid
        where exists (select from channels where removed_at is null and paused_at is null)
        on conflict do nothing
        "#,
        cause.id,
        cause.topic,
        cause.person.map(|person| person.0),
        cause.decision.map(|decision| decision.0),
        cause.system,
        cause.basis,
        instant(cause.at),
        cause.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the next cause that was not worked out; others take other ones meanwhile.
pub(crate) async fn take_cause(conn: &mut PgConnection, now: u64) -> sqlx::Result<Option<Cause>> {
    let row = sqlx::query!(
        r#"
        update notice_causes
        set worked_out_at = $1
        where id = (select id from notice_causes where worked_out_at is null order by at, id limit 1 for update skip locked)
        returning id, topic, person_id, decision_id, system, basis, at, entry_id
        "#,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Cause {
        id: row.id,
        topic: row.topic,
        person: row.person_id.map(PersonId::from),
        decision: row.decision_id.map(DecisionId::from),
        system: row.system,
        basis: row.basis,
        at: milliseconds(row.at),
        entry: row.entry_id.into(),
    }))
}

/// Returns those of these people whose account is enabled.
pub(crate) async fn enabled(conn: &mut PgConnection, people: &[PersonId]) -> sqlx::Result<Vec<PersonId>> {
    let people: Vec<_> = people.iter().map(|person| person.0).collect();
    let rows =
        sqlx::query_scalar!("select id from people where id = any($1) and disabled_at is null order by id", &people)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(PersonId::from).collect())
}

/// A message about to be queued.
pub(crate) struct New<'a> {
    pub(crate) id: MessageId,
    pub(crate) channel: ChannelId,
    pub(crate) person: Option<PersonId>,
    pub(crate) topic: &'a str,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) system: Option<&'a str>,
    pub(crate) same: &'a str,
    pub(crate) at: u64,
    pub(crate) now: u64,
}

/// Queues a message; false when the same was queued before.
pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        r#"
        insert into notice_messages (id, channel_id, person_id, topic, decision_id, system, same, at, state, next_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9)
        on conflict (same) do nothing
        "#,
        new.id.0,
        new.channel.0,
        new.person.map(|person| person.0),
        new.topic,
        new.decision.map(|decision| decision.0),
        new.system,
        new.same,
        instant(new.at),
        instant(new.now),
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Returns when somebody, or a room, was last reminded of a decision by a channel.
pub(crate) async fn last_reminder(
    conn: &mut PgConnection,
    channel: ChannelId,
    person: Option<PersonId>,
    decision: DecisionId,
) -> sqlx::Result<Option<u64>> {
    let at = sqlx::query_scalar!(
        r#"
        select max(at)
        from notice_messages
        where channel_id = $1 and person_id is not distinct from $2 and decision_id = $3
          and topic = 'reminder'
        "#,
        channel.0,
        person.map(|person| person.0),
        decision.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(at.map(milliseconds))
}

/// A message that somebody sends now.
pub(crate) struct Held {
    pub(crate) id: MessageId,
    pub(crate) epoch: u64,
    pub(crate) channel: ChannelId,
    pub(crate) person: Option<PersonId>,
    pub(crate) topic: String,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) system: Option<String>,
    pub(crate) tries: u64,
}

/// Takes the next message that is due, with all that is due to the same person, or to the room, by the same channel,
/// until a moment.
///
/// A person who was told something by the channel since `quiet_since` is left alone, unless it is one of `urgent`.
pub(crate) async fn hold(
    conn: &mut PgConnection,
    now: u64,
    until: u64,
    quiet_since: u64,
    urgent: &[String],
    limit: i64,
) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query!(
        r#"
        with first as (
          select m.id, m.channel_id, m.person_id
          from notice_messages m
          join channels c on c.id = m.channel_id and c.removed_at is null and c.paused_at is null
          where m.state = 'waiting' and m.next_at <= $1 and (m.held_until is null or m.held_until <= $1)
            and (m.person_id is null or m.topic = any($4) or not exists (
              select from notice_messages s
              where s.state = 'sent' and s.channel_id = m.channel_id and s.person_id = m.person_id and s.settled_at > $3))
          order by m.next_at, m.id
          limit 1
          for update of m skip locked
        ),
        batch as (
          select m.id
          from notice_messages m
          join first f on m.channel_id = f.channel_id and m.person_id is not distinct from f.person_id
          where m.state = 'waiting' and m.next_at <= $1 and (m.held_until is null or m.held_until <= $1)
          order by m.next_at, m.id
          limit $5
          for update of m skip locked
        )
        update notice_messages m
        set held_until = $2, epoch = m.epoch + 1, tries = m.tries + 1
        from batch b
        where m.id = b.id
        returning m.id, m.epoch, m.channel_id, m.person_id, m.topic, m.decision_id, m.system, m.tries
        "#,
        instant(now),
        instant(until),
        instant(quiet_since),
        urgent,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let mut held: Vec<_> = rows
        .into_iter()
        .map(|row| Held {
            id: row.id.into(),
            epoch: row.epoch as u64,
            channel: row.channel_id.into(),
            person: row.person_id.map(PersonId::from),
            topic: row.topic,
            decision: row.decision_id.map(DecisionId::from),
            system: row.system,
            tries: row.tries as u64,
        })
        .collect();
    held.sort_by_key(|held| held.id);
    Ok(held)
}

/// Settles a message that is still held under this number; returns whether it was.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    held: &Held,
    state: &str,
    error: Option<&str>,
    now: u64,
) -> sqlx::Result<bool> {
    let settled = sqlx::query!(
        r#"
        update notice_messages
        set state = $3, error = $4, settled_at = $5, held_until = null
        where id = $1 and epoch = $2 and state = 'waiting'
        "#,
        held.id.0,
        held.epoch as i64,
        state,
        error,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(settled.rows_affected() == 1)
}

/// Puts a message that is still held under this number off until a moment; returns whether it was.
pub(crate) async fn put_off(conn: &mut PgConnection, held: &Held, error: &str, until: u64) -> sqlx::Result<bool> {
    let put_off = sqlx::query!(
        r#"
        update notice_messages
        set error = $3, next_at = $4, held_until = null
        where id = $1 and epoch = $2 and state = 'waiting'
        "#,
        held.id.0,
        held.epoch as i64,
        error,
        instant(until),
    )
    .execute(conn)
    .await?;
    Ok(put_off.rows_affected() == 1)
}

/// A message that was given up.
pub(crate) struct Dead {
    pub(crate) id: MessageId,
    pub(crate) channel: String,
    pub(crate) topic: String,
    pub(crate) person: Option<PersonId>,
    pub(crate) tries: u64,
    pub(crate) error: Option<String>,
    pub(crate) at: u64,
}

/// Returns messages that were given up, newest first.
pub(crate) async fn list_dead(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Dead>> {
    let rows = sqlx::query!(
        r#"
        select m.id, c.name, m.topic, m.person_id, m.tries, m.error, m.at
        from notice_messages m
        join channels c on c.id = m.channel_id
        where m.state = 'dead'
        order by m.at desc, m.id desc
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Dead {
            id: row.id.into(),
            channel: row.name,
            topic: row.topic,
            person: row.person_id.map(PersonId::from),
            tries: row.tries as u64,
            error: row.error,
            at: milliseconds(row.at),
        })
        .collect())
}

/// Queues a message anew that was given up; returns its channel.
pub(crate) async fn revive(conn: &mut PgConnection, id: MessageId, now: u64) -> sqlx::Result<Option<ChannelId>> {
    let channel = sqlx::query_scalar!(
        r#"
        update notice_messages
        set state = 'waiting', tries = 0, next_at = $2, settled_at = null, held_until = null
        where id = $1 and state = 'dead'
        returning channel_id
        "#,
        id.0,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    Ok(channel.map(ChannelId::from))
}

/// Forgets what was settled before a moment.
pub(crate) async fn prune(conn: &mut PgConnection, before: u64) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from notice_messages where state in ('sent', 'dropped', 'dead') and settled_at < $1",
        instant(before)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from notice_causes where worked_out_at < $1", instant(before)).execute(conn).await?;
    Ok(())
}
