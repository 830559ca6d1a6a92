//! `channels` and `notice_preferences`.

use countersign_domain::ids::{ChannelId, EntryId, PersonId, SystemId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

/// A stored channel.
#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) n: u64,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) tls: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) topics: Vec<String>,
    pub(crate) system: Option<SystemId>,
    pub(crate) span_seconds: u64,
    pub(crate) paused: bool,
    pub(crate) last_error: Option<String>,
}

struct Row {
    id: Uuid,
    n: i64,
    kind: String,
    name: String,
    host: String,
    port: Option<i32>,
    tls: Option<String>,
    sender: Option<String>,
    account: Option<String>,
    secret: Option<Vec<u8>>,
    topics: Vec<String>,
    system_id: Option<Uuid>,
    span_seconds: i32,
    paused_at: Option<OffsetDateTime>,
    last_error: Option<String>,
}

impl From<Row> for Channel {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            n: row.n as u64,
            kind: row.kind,
            name: row.name,
            host: row.host,
            port: row.port.map(|port| port as u16),
            tls: row.tls,
            sender: row.sender,
            account: row.account,
            secret: row.secret,
            topics: row.topics,
            system: row.system_id.map(SystemId::from),
            span_seconds: row.span_seconds as u64,
            paused: row.paused_at.is_some(),
            last_error: row.last_error,
        }
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, channel: &Channel, now: u64, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into channels
          (id, n, kind, name, host, port, tls, sender, account, secret, topics, system_id, span_seconds, added_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        "#,
        channel.id.0,
        channel.n as i64,
        channel.kind,
        channel.name,
        channel.host,
        channel.port.map(i32::from),
        channel.tls,
        channel.sender,
        channel.account,
        channel.secret,
        &channel.topics,
        channel.system.map(|system| system.0),
        channel.span_seconds as i32,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns a channel that was not removed, locked.
pub(crate) async fn lock(conn: &mut PgConnection, id: ChannelId) -> sqlx::Result<Option<Channel>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, kind, name, host, port, tls, sender, account, secret, topics, system_id, span_seconds, paused_at, last_error
        from channels
        where id = $1 and removed_at is null
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Channel::from))
}

/// Returns the channels that were not removed, oldest first.
pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Channel>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, n, kind, name, host, port, tls, sender, account, secret, topics, system_id, span_seconds, paused_at, last_error
        from channels
        where removed_at is null
        order by added_at, id
        "#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Channel::from).collect())
}

/// Tells whether anything would be sent at all.
pub(crate) async fn any_running(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from channels where removed_at is null and paused_at is null) as "any!""#
    )
    .fetch_one(conn)
    .await
}

/// Tells whether another channel has this name, or is the mail server already.
pub(crate) async fn find_like(
    conn: &mut PgConnection,
    besides: Option<ChannelId>,
    name: &str,
    kind: &str,
) -> sqlx::Result<(bool, bool)> {
    let row = sqlx::query!(
        r#"
        select coalesce(bool_or(lower(name) = lower($2::text)), false) as "named!",
          coalesce(bool_or(kind = 'email' and $3::text = 'email'), false) as "mails!"
        from channels
        where removed_at is null and ($1::uuid is null or id <> $1)
        "#,
        besides.map(|id| id.0),
        name,
        kind,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.named, row.mails))
}

/// Keeps changed settings of a channel.
pub(crate) async fn set(conn: &mut PgConnection, channel: &Channel) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update channels
        set n = $2, name = $3, host = $4, port = $5, tls = $6, sender = $7, account = $8, secret = $9, topics = $10,
          system_id = $11, span_seconds = $12
        where id = $1
        "#,
        channel.id.0,
        channel.n as i64,
        channel.name,
        channel.host,
        channel.port.map(i32::from),
        channel.tls,
        channel.sender,
        channel.account,
        channel.secret,
        &channel.topics,
        channel.system.map(|system| system.0),
        channel.span_seconds as i32,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stops a channel, or lets it go on.
pub(crate) async fn set_paused(conn: &mut PgConnection, id: ChannelId, n: u64, at: Option<u64>) -> sqlx::Result<()> {
    sqlx::query!("update channels set n = $2, paused_at = $3 where id = $1", id.0, n as i64, at.map(instant))
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes a channel away, with its secret; what waits for it is never sent.
pub(crate) async fn set_removed(conn: &mut PgConnection, id: ChannelId, n: u64, at: u64) -> sqlx::Result<()> {
    sqlx::query!(
        "update channels set n = $2, removed_at = $3, secret = null, last_error = null where id = $1",
        id.0,
        n as i64,
        instant(at),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from notice_messages where channel_id = $1 and state in ('waiting', 'dead')", id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps why the last try failed; nothing once one works.
pub(crate) async fn set_error(conn: &mut PgConnection, id: ChannelId, error: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!(
        "update channels set last_error = $2 where id = $1 and removed_at is null and last_error is distinct from $2",
        id.0,
        error,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What became of a channel's messages.
pub(crate) struct Counts {
    pub(crate) channel: ChannelId,
    pub(crate) sent: u64,
    pub(crate) waiting: u64,
    pub(crate) last_sent_at: Option<u64>,
}

/// Counts what each channel sent since a moment, and what waits.
pub(crate) async fn count(conn: &mut PgConnection, since: u64) -> sqlx::Result<Vec<Counts>> {
    let rows = sqlx::query!(
        r#"
        select channel_id,
          count(*) filter (where state = 'sent' and settled_at >= $1) as "sent!",
          count(*) filter (where state = 'waiting') as "waiting!",
          max(settled_at) filter (where state = 'sent') as last_sent_at
        from notice_messages
        group by channel_id
        "#,
        instant(since),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Counts {
            channel: row.channel_id.into(),
            sent: row.sent as u64,
            waiting: row.waiting as u64,
            last_sent_at: row.last_sent_at.map(milliseconds),
        })
        .collect())
}

/// Returns the topics that these people do not want by e-mail.
pub(crate) async fn list_muted(
    conn: &mut PgConnection,
    people: &[PersonId],
) -> sqlx::Result<Vec<(PersonId, Vec<String>)>> {
    let people: Vec<_> = people.iter().map(|person| person.0).collect();
    let rows = sqlx::query!("select person_id, muted from notice_preferences where person_id = any($1)", &people)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.person_id.into(), row.muted)).collect())
}

pub(crate) async fn set_muted(
    conn: &mut PgConnection,
    person: PersonId,
    muted: &[String],
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into notice_preferences (person_id, muted, changed_at)
        values ($1, $2, $3)
        on conflict (person_id) do update set muted = excluded.muted, changed_at = excluded.changed_at
        "#,
        person.0,
        muted,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}
