//! `sessions`: sign-ins by the hash of their token.

use countersign_domain::{
    event::SignInMethod,
    ids::{EntryId, PersonId, SessionId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::clock::{instant, milliseconds};

pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) person: PersonId,
    pub(crate) entry: EntryId,
    pub(crate) started_at: u64,
    pub(crate) last_seen_at: u64,
    pub(crate) ended: bool,
    pub(crate) person_disabled: bool,
}

pub(crate) struct Running {
    pub(crate) id: SessionId,
    pub(crate) entry: EntryId,
    pub(crate) n: u64,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) last_seen_at: OffsetDateTime,
}

pub(crate) struct New<'a> {
    pub(crate) id: SessionId,
    pub(crate) token_hash: &'a [u8],
    pub(crate) person: PersonId,
    pub(crate) method: SignInMethod,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into sessions (id, token_hash, person_id, method, n, started_at, last_seen_at, entry_id)
        values ($1, $2, $3, $4, 1, $5, $5, $6)
        "#,
        new.id.0,
        new.token_hash,
        new.person.0,
        new.method.word(),
        instant(new.now),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, token_hash: &[u8]) -> sqlx::Result<Option<Session>> {
    let row = sqlx::query!(
        r#"
        select s.id, s.person_id, s.entry_id, s.started_at, s.last_seen_at, s.ended_at, p.disabled_at
        from sessions s
        join people p on p.id = s.person_id
        where s.token_hash = $1
        "#,
        token_hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Session {
        id: row.id.into(),
        person: row.person_id.into(),
        entry: row.entry_id.into(),
        started_at: milliseconds(row.started_at),
        last_seen_at: milliseconds(row.last_seen_at),
        ended: row.ended_at.is_some(),
        person_disabled: row.disabled_at.is_some(),
    }))
}

/// Locks a running sign-in.
pub(crate) async fn lock(conn: &mut PgConnection, id: SessionId) -> sqlx::Result<Option<(PersonId, u64)>> {
    let row = sqlx::query!("select person_id, n from sessions where id = $1 and ended_at is null for update", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.person_id.into(), row.n as u64)))
}

pub(crate) async fn is_running(conn: &mut PgConnection, id: SessionId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (select from sessions s join people p on p.id = s.person_id
          where s.id = $1 and s.ended_at is null and p.disabled_at is null) as "running!"
        "#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn touch(conn: &mut PgConnection, id: SessionId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update sessions set last_seen_at = $2 where id = $1 and ended_at is null", id.0, instant(now))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn end(conn: &mut PgConnection, id: SessionId, n: u64, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update sessions set n = $2, ended_at = $3 where id = $1", id.0, n as i64, instant(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns a person's running sign-ins, newest first, locking them.
pub(crate) async fn lock_running(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Vec<Running>> {
    let rows = sqlx::query!(
        r#"
        select id, entry_id, n, started_at, last_seen_at
        from sessions
        where person_id = $1 and ended_at is null
        order by started_at desc
        for update
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Running {
            id: row.id.into(),
            entry: row.entry_id.into(),
            n: row.n as u64,
            started_at: row.started_at,
            last_seen_at: row.last_seen_at,
        })
        .collect())
}

/// Returns a person's running sign-ins, newest first.
pub(crate) async fn list_running(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Vec<Running>> {
    let rows = sqlx::query!(
        r#"
        select id, entry_id, n, started_at, last_seen_at
        from sessions
        where person_id = $1 and ended_at is null
        order by started_at desc
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Running {
            id: row.id.into(),
            entry: row.entry_id.into(),
            n: row.n as u64,
            started_at: row.started_at,
            last_seen_at: row.last_seen_at,
        })
        .collect())
}
