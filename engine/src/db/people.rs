//! `people`.

use countersign_domain::ids::{EntryId, PersonId, SessionId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::clock::instant;

pub(crate) struct Person {
    pub(crate) n: u64,
    pub(crate) disabled: bool,
    /// The sign-in has ended.
    pub(crate) ended: bool,
    /// The sign-in is an emergency one.
    pub(crate) break_glass: bool,
    /// The mode of teams of one is on.
    pub(crate) alone: bool,
}

pub(crate) struct Account {
    pub(crate) id: PersonId,
    pub(crate) n: u64,
    pub(crate) password_hash: Option<String>,
    pub(crate) disabled: bool,
}

pub(crate) struct Listed {
    pub(crate) id: PersonId,
    pub(crate) entry: EntryId,
    pub(crate) disabled: bool,
    /// Until when a link lets them in who has not come in by any way yet.
    pub(crate) invited_until: Option<OffsetDateTime>,
    pub(crate) last_seen_at: Option<OffsetDateTime>,
}

/// Reads a person and keeps their rights as they are until the transaction ends.
pub(crate) async fn lock_share(
    conn: &mut PgConnection,
    id: PersonId,
    session: SessionId,
) -> sqlx::Result<Option<Person>> {
    let query = sqlx::query!("select n, disabled_at from people where id = $1 for share", id.0);
    let Some(person) = query.fetch_optional(&mut *conn).await? else { return Ok(None) };
    // What waited for the lock would see the sign-in as it was before.
    let query = sqlx::query!(
        r#"
        select g.single_operator, s.method as "method?", s.ended_at is not null as "ended!"
        from safeguards g left join sessions s on s.id = $1
        "#,
        session.0,
    );
    let act = query.fetch_one(conn).await?;
    Ok(Some(Person {
        n: person.n as u64,
        disabled: person.disabled_at.is_some(),
        ended: act.ended,
        break_glass: act.method.as_deref() == Some("break_glass"),
        alone: act.single_operator,
    }))
}

/// Locks a person whose rights change.
pub(crate) async fn lock(conn: &mut PgConnection, id: PersonId) -> sqlx::Result<Option<Account>> {
    let row = sqlx::query!("select id, n, password_hash, disabled_at from people where id = $1 for update", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| Account {
        id: row.id.into(),
        n: row.n as u64,
        password_hash: row.password_hash,
        disabled: row.disabled_at.is_some(),
    }))
}

/// Tells whether a person came in already, by whatever way: with a password, through a provider, pushed by a
/// directory, or by any sign-in.
pub(crate) async fn has_joined(conn: &mut PgConnection, id: PersonId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select (p.password_hash is not null
          or exists (select from identities i where i.person_id = p.id)
          or exists (select from scim_users u where u.person_id = p.id)
          or exists (select from sessions s where s.person_id = p.id)) as "joined!"
        from people p
        where p.id = $1
        "#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

pub(crate) struct Local {
    pub(crate) password_hash: Option<String>,
}

/// Returns what a person signs in with locally.
pub(crate) async fn find(conn: &mut PgConnection, id: PersonId) -> sqlx::Result<Option<Local>> {
    sqlx::query_as!(Local, "select password_hash from people where id = $1", id.0).fetch_optional(conn).await
}

pub(crate) async fn find_by_login(conn: &mut PgConnection, lookup: &[u8]) -> sqlx::Result<Option<Account>> {
    let row = sqlx::query!("select id, n, password_hash, disabled_at from people where login_lookup = $1", lookup)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| Account {
        id: row.id.into(),
        n: row.n as u64,
        password_hash: row.password_hash,
        disabled: row.disabled_at.is_some(),
    }))
}

/// Inserts a person whose creation and first role are entries 1 and 2.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: PersonId,
    n: u64,
    lookup: &[u8],
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into people (id, n, login_lookup, created_at, entry_id) values ($1, $2, $3, $4, $5)",
        id.0,
        n as i64,
        lookup,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_n(conn: &mut PgConnection, id: PersonId, n: u64) -> sqlx::Result<()> {
    sqlx::query!("update people set n = $2 where id = $1", id.0, n as i64).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set_password(conn: &mut PgConnection, id: PersonId, n: u64, hash: &str) -> sqlx::Result<()> {
    sqlx::query!("update people set n = $2, password_hash = $3 where id = $1", id.0, n as i64, hash)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn set_disabled(
    conn: &mut PgConnection,
    id: PersonId,
    n: u64,
    disabled_at: Option<u64>,
) -> sqlx::Result<()> {
    sqlx::query!("update people set n = $2, disabled_at = $3 where id = $1", id.0, n as i64, disabled_at.map(instant))
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns the entry that created a person, under which their name is in the vault.
pub(crate) async fn created(conn: &mut PgConnection, ids: &[PersonId]) -> sqlx::Result<Vec<(PersonId, EntryId)>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!("select id, entry_id from people where id = any($1)", &ids).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.entry_id.into())).collect())
}

pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"
        select p.id, p.entry_id, p.disabled_at,
          (select max(expires_at) from one_time_links l
            where l.person_id = p.id and l.used_at is null and p.password_hash is null
              and not exists (select from identities i where i.person_id = p.id)
              and not exists (select from scim_users u where u.person_id = p.id)
              and not exists (select from sessions s where s.person_id = p.id)) as invited_until,
          (select max(last_seen_at) from sessions s where s.person_id = p.id) as last_seen_at
        from people p
        order by p.created_at, p.id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Listed {
            id: row.id.into(),
            entry: row.entry_id.into(),
            disabled: row.disabled_at.is_some(),
            invited_until: row.invited_until,
            last_seen_at: row.last_seen_at,
        })
        .collect())
}
