//! `sessions`: sign-ins by the hash of their token.

use countersign_domain::{
    event::SignInMethod,
    ids::{EntryId, PersonId, ProviderId, SessionId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    clock::{instant, milliseconds},
    sessions::SignInFacts,
};

pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) person: PersonId,
    pub(crate) method: Option<SignInMethod>,
    pub(crate) entry: EntryId,
    pub(crate) authenticated_at: u64,
    pub(crate) term: Term,
    pub(crate) ended: bool,
    pub(crate) person_disabled: bool,
    pub(crate) has_factor: bool,
}

/// What the end of a sign-in follows from.
pub(crate) struct Term {
    pub(crate) started_at: u64,
    pub(crate) last_seen_at: u64,
    pub(crate) ends_at: Option<u64>,
}

pub(crate) struct Running {
    pub(crate) id: SessionId,
    pub(crate) person: PersonId,
    pub(crate) method: SignInMethod,
    pub(crate) entry: EntryId,
    pub(crate) n: u64,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) last_seen_at: OffsetDateTime,
}

pub(crate) struct New<'a> {
    pub(crate) id: SessionId,
    pub(crate) token_hash: &'a [u8],
    pub(crate) person: PersonId,
    pub(crate) facts: &'a SignInFacts,
    pub(crate) now: u64,
    pub(crate) ends_at: Option<u64>,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into sessions (id, token_hash, person_id, method, n, started_at, last_seen_at, authenticated_at, acr,
          provider_id, idp_sid, credential_id, ends_at, entry_id)
        values ($1, $2, $3, $4, 1, $5, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        new.id.0,
        new.token_hash,
        new.person.0,
        new.facts.method.word(),
        instant(new.now),
        instant(new.facts.auth_time),
        new.facts.acr,
        new.facts.provider.map(|provider| provider.0),
        new.facts.idp_sid,
        new.facts.credential,
        new.ends_at.map(instant),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a sign-in under another token, after its person proved themselves again.
pub(crate) async fn renew(
    conn: &mut PgConnection,
    id: SessionId,
    n: u64,
    token_hash: &[u8],
    facts: &SignInFacts,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update sessions
        set n = $2, token_hash = $3, authenticated_at = $4, acr = coalesce($5, acr), credential_id = coalesce($6, credential_id)
        where id = $1
        "#,
        id.0,
        n as i64,
        token_hash,
        instant(facts.auth_time),
        facts.acr,
        facts.credential,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_n(conn: &mut PgConnection, id: SessionId, n: u64) -> sqlx::Result<()> {
    sqlx::query!("update sessions set n = $2 where id = $1", id.0, n as i64).execute(conn).await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, token_hash: &[u8]) -> sqlx::Result<Option<Session>> {
    let row = sqlx::query!(
        r#"
        select s.id, s.person_id, s.method, s.entry_id, s.started_at, s.authenticated_at, s.ends_at, s.last_seen_at,
          s.ended_at, p.disabled_at,
          (exists (select from passkeys k where k.person_id = p.id and k.removed_at is null)
            or exists (select from totp_seeds t
              where t.person_id = p.id and t.enrolled_at is not null and t.removed_at is null)) as "has_factor!"
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
        method: SignInMethod::from_word(&row.method),
        entry: row.entry_id.into(),
        authenticated_at: milliseconds(row.authenticated_at),
        term: Term {
            started_at: milliseconds(row.started_at),
            last_seen_at: milliseconds(row.last_seen_at),
            ends_at: row.ends_at.map(milliseconds),
        },
        ended: row.ended_at.is_some(),
        person_disabled: row.disabled_at.is_some(),
        has_factor: row.has_factor,
    }))
}

/// Returns the running sign-ins that a provider made, locked: one by the provider's own name, or a person's.
pub(crate) async fn lock_of_provider(
    conn: &mut PgConnection,
    provider: ProviderId,
    sid: Option<&str>,
    person: Option<PersonId>,
) -> sqlx::Result<Vec<(SessionId, u64)>> {
    let rows = sqlx::query!(
        r#"
        select id, n
        from sessions
        where provider_id = $1 and ended_at is null
          and ($2::text is null or idp_sid = $2) and ($3::uuid is null or person_id = $3)
        order by id
        for update
        "#,
        provider.0,
        sid,
        person.map(|person| person.0),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.n as u64)).collect())
}

/// Locks a running sign-in.
pub(crate) async fn lock(conn: &mut PgConnection, id: SessionId) -> sqlx::Result<Option<(PersonId, u64)>> {
    let row = sqlx::query!("select person_id, n from sessions where id = $1 and ended_at is null for update", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.person_id.into(), row.n as u64)))
}

/// Returns how long a sign-in may go on that nobody ended, of a person who is not disabled.
pub(crate) async fn find_term(conn: &mut PgConnection, id: SessionId) -> sqlx::Result<Option<Term>> {
    let row = sqlx::query!(
        r#"
        select s.started_at, s.last_seen_at, s.ends_at
        from sessions s
        join people p on p.id = s.person_id
        where s.id = $1 and s.ended_at is null and p.disabled_at is null
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Term {
        started_at: milliseconds(row.started_at),
        last_seen_at: milliseconds(row.last_seen_at),
        ends_at: row.ends_at.map(milliseconds),
    }))
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
        select id, person_id, method, entry_id, n, started_at, last_seen_at
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
            person: row.person_id.into(),
            method: SignInMethod::from_word(&row.method).unwrap_or(SignInMethod::Password),
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
        select id, person_id, method, entry_id, n, started_at, last_seen_at
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
            person: row.person_id.into(),
            method: SignInMethod::from_word(&row.method).unwrap_or(SignInMethod::Password),
            entry: row.entry_id.into(),
            n: row.n as u64,
            started_at: row.started_at,
            last_seen_at: row.last_seen_at,
        })
        .collect())
}

/// Returns the sign-ins that run and were seen since a moment, newest first.
pub(crate) async fn list_all_running(conn: &mut PgConnection, seen_since: u64) -> sqlx::Result<Vec<Running>> {
    let rows = sqlx::query!(
        r#"
        select s.id, s.person_id, s.method, s.entry_id, s.n, s.started_at, s.last_seen_at
        from sessions s
        join people p on p.id = s.person_id
        where s.ended_at is null and s.last_seen_at > $1 and p.disabled_at is null
        order by s.started_at desc
        limit 500
        "#,
        instant(seen_since),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Running {
            id: row.id.into(),
            person: row.person_id.into(),
            method: SignInMethod::from_word(&row.method).unwrap_or(SignInMethod::Password),
            entry: row.entry_id.into(),
            n: row.n as u64,
            started_at: row.started_at,
            last_seen_at: row.last_seen_at,
        })
        .collect())
}
