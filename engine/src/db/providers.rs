//! `identity_providers`, `identities`, `logout_tokens`, `session_id_tokens` and `provider_tests`.

use countersign_domain::ids::{EntryId, PersonId, ProviderId, SessionId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::instant;

pub(crate) struct Stored {
    pub(crate) id: ProviderId,
    pub(crate) n: u64,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) secret: Vec<u8>,
    pub(crate) algorithms: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) logout_typ_required: bool,
    pub(crate) settings_digest: Vec<u8>,
    pub(crate) tested_digest: Option<Vec<u8>>,
    pub(crate) enabled_at: Option<OffsetDateTime>,
    pub(crate) fault_at: Option<OffsetDateTime>,
    pub(crate) fault_entry: Option<EntryId>,
    /// People who are not members yet become members when they sign in.
    pub(crate) just_in_time: bool,
    /// The claim that says who somebody is.
    pub(crate) subject_claim: String,
    pub(crate) client_auth: String,
    /// Id of the key whose private half `secret` is.
    pub(crate) client_key_id: Option<String>,
}

impl Stored {
    pub(crate) fn is_tested(&self) -> bool {
        self.tested_digest.as_ref() == Some(&self.settings_digest)
    }
}

macro_rules! stored {
    ($row:expr) => {
        Stored {
            id: $row.id.into(),
            n: $row.n as u64,
            slug: $row.slug,
            name: $row.name,
            issuer: $row.issuer,
            client_id: $row.client_id,
            secret: $row.secret,
            algorithms: $row.algorithms,
            scopes: $row.scopes,
            logout_typ_required: $row.logout_typ_required,
            settings_digest: $row.settings_digest,
            tested_digest: $row.tested_digest,
            enabled_at: $row.enabled_at,
            fault_at: $row.fault_at,
            fault_entry: $row.fault_entry_id.map(Into::into),
            just_in_time: $row.just_in_time,
            subject_claim: $row.subject_claim,
            client_auth: $row.client_auth,
            client_key_id: $row.client_key_id,
        }
    };
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &Stored, now: u64, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity_providers
          (id, n, slug, name, issuer, client_id, secret, algorithms, scopes, logout_typ_required, settings_digest,
           subject_claim, client_auth, client_key_id, added_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        "#,
        new.id.0,
        new.n as i64,
        new.slug,
        new.name,
        new.issuer,
        new.client_id,
        new.secret,
        &new.algorithms,
        &new.scopes,
        new.logout_typ_required,
        new.settings_digest,
        new.subject_claim,
        new.client_auth,
        new.client_key_id,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes settings; whatever changed them asks for another test.
pub(crate) async fn set_settings(conn: &mut PgConnection, new: &Stored) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity_providers
        set n = $2, name = $3, client_id = $4, secret = $5, algorithms = $6, scopes = $7, logout_typ_required = $8,
          settings_digest = $9, subject_claim = $10, client_auth = $11, client_key_id = $12,
          tested_digest = null
        where id = $1
        "#,
        new.id.0,
        new.n as i64,
        new.name,
        new.client_id,
        new.secret,
        &new.algorithms,
        &new.scopes,
        new.logout_typ_required,
        new.settings_digest,
        new.subject_claim,
        new.client_auth,
        new.client_key_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets people in who are not members yet, or no longer. The settings' digest changes with it, and a test of the other
/// settings stays one.
pub(crate) async fn set_just_in_time(conn: &mut PgConnection, new: &Stored) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity_providers
        set n = $2, just_in_time = $3, settings_digest = $4::bytea,
          tested_digest = case when tested_digest = settings_digest then $4::bytea end
        where id = $1
        "#,
        new.id.0,
        new.n as i64,
        new.just_in_time,
        new.settings_digest,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_enabled(
    conn: &mut PgConnection,
    id: ProviderId,
    n: u64,
    enabled_at: Option<u64>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity_providers set n = $2, enabled_at = $3 where id = $1",
        id.0,
        n as i64,
        enabled_at.map(instant),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_removed(conn: &mut PgConnection, id: ProviderId, n: u64, now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity_providers set n = $2, enabled_at = null, removed_at = $3, secret = '' where id = $1",
        id.0,
        n as i64,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_tested(conn: &mut PgConnection, id: ProviderId, digest: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update identity_providers set tested_digest = $2 where id = $1", id.0, digest).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set_fault(conn: &mut PgConnection, id: ProviderId, now: u64, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity_providers set fault_at = $2, fault_entry_id = $3 where id = $1",
        id.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn lock(conn: &mut PgConnection, id: ProviderId) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query!(
        r#"
        select id, n, slug, name, issuer, client_id, secret, algorithms, scopes, logout_typ_required, settings_digest,
          tested_digest, enabled_at, fault_at, fault_entry_id, just_in_time, subject_claim, client_auth,
          client_key_id
        from identity_providers
        where id = $1 and removed_at is null
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| stored!(row)))
}

/// Returns a provider as it stands until the transaction ends.
pub(crate) async fn lock_share(conn: &mut PgConnection, id: ProviderId) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query!(
        r#"
        select id, n, slug, name, issuer, client_id, secret, algorithms, scopes, logout_typ_required, settings_digest,
          tested_digest, enabled_at, fault_at, fault_entry_id, just_in_time, subject_claim, client_auth,
          client_key_id
        from identity_providers
        where id = $1 and removed_at is null
        for share
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| stored!(row)))
}

pub(crate) async fn find_by_slug(conn: &mut PgConnection, slug: &str) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query!(
        r#"
        select id, n, slug, name, issuer, client_id, secret, algorithms, scopes, logout_typ_required, settings_digest,
          tested_digest, enabled_at, fault_at, fault_entry_id, just_in_time, subject_claim, client_auth,
          client_key_id
        from identity_providers
        where slug = $1 and removed_at is null
        "#,
        slug,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| stored!(row)))
}

/// Returns short name and name of a provider, removed or not.
pub(crate) async fn name(conn: &mut PgConnection, id: ProviderId) -> sqlx::Result<(String, String)> {
    let row = sqlx::query!("select slug, name from identity_providers where id = $1", id.0).fetch_one(conn).await?;
    Ok((row.slug, row.name))
}

/// As [`name`]; nothing where there is no such provider.
pub(crate) async fn find_name(conn: &mut PgConnection, id: ProviderId) -> sqlx::Result<Option<(String, String)>> {
    let row =
        sqlx::query!("select slug, name from identity_providers where id = $1", id.0).fetch_optional(conn).await?;
    Ok(row.map(|row| (row.slug, row.name)))
}

/// Returns the names of the providers that know a person, in the order in which they came to.
pub(crate) async fn names_of(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select p.name
        from identities i
        join identity_providers p on p.id = i.provider_id
        where i.person_id = $1
        order by i.linked_at, p.id
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn find_by_issuer(
    conn: &mut PgConnection,
    issuer: &str,
    client_id: &str,
) -> sqlx::Result<Option<ProviderId>> {
    let row = sqlx::query_scalar!(
        "select id from identity_providers where issuer = $1 and client_id = $2 and removed_at is null",
        issuer,
        client_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// Tells whether somebody is known at an issuer by another claim than this, through any provider of that issuer,
/// removed ones too: their identities are found again.
pub(crate) async fn is_known_otherwise(
    conn: &mut PgConnection,
    issuer: &str,
    subject_claim: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
          select from identities i
          join identity_providers p on p.id = i.provider_id
          where p.issuer = $1 and p.subject_claim <> $2
        ) as "known!"
        "#,
        issuer,
        subject_claim,
    )
    .fetch_one(conn)
    .await
}

/// Returns every provider that was not removed, oldest first, with how many people it knows.
pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<(Stored, u64)>> {
    let rows = sqlx::query!(
        r#"
        select id, n, slug, name, issuer, client_id, secret, algorithms, scopes, logout_typ_required, settings_digest,
          tested_digest, enabled_at, fault_at, fault_entry_id, just_in_time, subject_claim, client_auth,
          client_key_id,
          (select count(distinct i.person_id) from identities i where i.provider_id = p.id) as "people!"
        from identity_providers p
        where removed_at is null
        order by added_at, id
        "#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (stored!(row), row.people as u64)).collect())
}

/// Returns short name and name of what people can sign in through.
pub(crate) async fn list_enabled(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select slug, name from identity_providers where enabled_at is not null and removed_at is null order by name, id"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slug, row.name)).collect())
}

pub(crate) async fn any_enabled(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (select from identity_providers where enabled_at is not null and removed_at is null) as "any!"
        "#
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn find_identity(conn: &mut PgConnection, lookup: &[u8]) -> sqlx::Result<Option<PersonId>> {
    let row =
        sqlx::query_scalar!("select person_id from identities where lookup = $1", lookup).fetch_optional(conn).await?;
    Ok(row.map(Into::into))
}

pub(crate) async fn insert_identity(
    conn: &mut PgConnection,
    lookup: &[u8],
    provider: ProviderId,
    person: PersonId,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identities (lookup, provider_id, person_id, linked_at, entry_id) values ($1, $2, $3, $4, $5)",
        lookup,
        provider.0,
        person.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers what works once; tells whether it was new. What has ended is forgotten.
pub(crate) async fn spend(conn: &mut PgConnection, digest: &[u8], now: u64, ends_at: u64) -> sqlx::Result<bool> {
    sqlx::query!("delete from logout_tokens where ends_at < $1", instant(now)).execute(&mut *conn).await?;
    let done = sqlx::query!(
        "insert into logout_tokens (digest, ends_at) values ($1, $2) on conflict (digest) do nothing",
        digest,
        instant(ends_at),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps a sign-in's ID token; those of sign-ins that ended before this time go.
pub(crate) async fn insert_id_token(
    conn: &mut PgConnection,
    session: SessionId,
    sealed: &[u8],
    ended_before: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        delete from session_id_tokens t
        using sessions s
        where s.id = t.session_id and s.ended_at < $1
        "#,
        instant(ended_before),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("insert into session_id_tokens (session_id, sealed) values ($1, $2)", session.0, sealed)
        .execute(conn)
        .await?;
    Ok(())
}

/// Puts the newer ID token of a sign-in that goes on in the place of the older.
pub(crate) async fn replace_id_token(conn: &mut PgConnection, session: SessionId, sealed: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from session_id_tokens where session_id = $1", session.0).execute(&mut *conn).await?;
    sqlx::query!("insert into session_id_tokens (session_id, sealed) values ($1, $2)", session.0, sealed)
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns a sign-in's ID token with the short name of the provider it came from.
pub(crate) async fn find_id_token(
    conn: &mut PgConnection,
    session: SessionId,
) -> sqlx::Result<Option<(String, Vec<u8>)>> {
    let row = sqlx::query!(
        r#"
        select p.slug, t.sealed
        from session_id_tokens t
        join sessions s on s.id = t.session_id
        join identity_providers p on p.id = s.provider_id
        where t.session_id = $1 and p.removed_at is null
        "#,
        session.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.slug, row.sealed)))
}

pub(crate) async fn insert_test(
    conn: &mut PgConnection,
    id: Uuid,
    provider: ProviderId,
    person: PersonId,
    sealed: &[u8],
    ends_at: u64,
) -> sqlx::Result<()> {
    sqlx::query!("delete from provider_tests where person_id = $1 or ends_at < now()", person.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into provider_tests (id, provider_id, person_id, sealed, ends_at) values ($1, $2, $3, $4, $5)",
        id,
        provider.0,
        person.0,
        sealed,
        instant(ends_at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find_test(
    conn: &mut PgConnection,
    person: PersonId,
    now: u64,
) -> sqlx::Result<Option<(Uuid, ProviderId, Vec<u8>)>> {
    let row = sqlx::query!(
        "select id, provider_id, sealed from provider_tests where person_id = $1 and ends_at > $2",
        person.0,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.provider_id.into(), row.sealed)))
}
