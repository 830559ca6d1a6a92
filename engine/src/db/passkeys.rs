//! `passkeys`, and the single-use challenges of their ceremonies.

use countersign_domain::ids::{EntryId, PasskeyId, PersonId, SessionId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

pub(crate) struct Passkey {
    pub(crate) id: PasskeyId,
    pub(crate) person: PersonId,
    pub(crate) credential_id: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) alg: String,
    pub(crate) aaguid: Option<Uuid>,
    pub(crate) backup_eligible: bool,
    pub(crate) counter: u32,
    pub(crate) enrolled_at: u64,
    pub(crate) last_used_at: Option<u64>,
    pub(crate) confirmed: bool,
    pub(crate) entry: EntryId,
}

struct Row {
    id: Uuid,
    person_id: Uuid,
    credential_id: Vec<u8>,
    public_key: Vec<u8>,
    alg: String,
    aaguid: Option<Uuid>,
    backup_eligible: bool,
    counter: i64,
    enrolled_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
    confirmed_at: Option<OffsetDateTime>,
    entry_id: Uuid,
}

impl From<Row> for Passkey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            person: row.person_id.into(),
            credential_id: row.credential_id,
            public_key: row.public_key,
            alg: row.alg,
            aaguid: row.aaguid,
            backup_eligible: row.backup_eligible,
            counter: row.counter as u32,
            enrolled_at: milliseconds(row.enrolled_at),
            last_used_at: row.last_used_at.map(milliseconds),
            confirmed: row.confirmed_at.is_some(),
            entry: row.entry_id.into(),
        }
    }
}

pub(crate) struct New<'a> {
    pub(crate) id: PasskeyId,
    pub(crate) person: PersonId,
    pub(crate) credential_id: &'a [u8],
    pub(crate) public_key: &'a [u8],
    pub(crate) alg: &'static str,
    pub(crate) aaguid: Option<Uuid>,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    pub(crate) counter: u32,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
}

/// Inserts a key; false when its credential id is known already.
pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into passkeys (id, person_id, credential_id, public_key, alg, aaguid, backup_eligible, backed_up, counter,
          enrolled_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict on constraint passkeys_credential_id_key do nothing
        "#,
        new.id.0,
        new.person.0,
        new.credential_id,
        new.public_key,
        new.alg,
        new.aaguid,
        new.backup_eligible,
        new.backed_up,
        i64::from(new.counter),
        instant(new.now),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns a person's keys, oldest first.
pub(crate) async fn list(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Vec<Passkey>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, credential_id, public_key, alg, aaguid, backup_eligible, counter, enrolled_at, last_used_at,
          confirmed_at, entry_id
        from passkeys
        where person_id = $1 and removed_at is null
        order by enrolled_at, id
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Passkey::from).collect())
}

/// Returns the keys that wait for somebody to vouch for them, oldest first.
pub(crate) async fn list_unconfirmed(conn: &mut PgConnection) -> sqlx::Result<Vec<Passkey>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select k.id, k.person_id, k.credential_id, k.public_key, k.alg, k.aaguid, k.backup_eligible, k.counter,
          k.enrolled_at, k.last_used_at, k.confirmed_at, k.entry_id
        from passkeys k
        join people p on p.id = k.person_id
        where k.removed_at is null and k.confirmed_at is null and p.disabled_at is null
        order by k.enrolled_at, k.id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Passkey::from).collect())
}

/// Returns a key and keeps it as it is until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, id: PasskeyId) -> sqlx::Result<Option<Passkey>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, credential_id, public_key, alg, aaguid, backup_eligible, counter, enrolled_at, last_used_at,
          confirmed_at, entry_id
        from passkeys
        where id = $1 and removed_at is null
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Passkey::from))
}

/// Finds a key by what its authenticator calls it, and keeps it as it is until the transaction ends.
pub(crate) async fn lock_by_credential(conn: &mut PgConnection, credential_id: &[u8]) -> sqlx::Result<Option<Passkey>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, credential_id, public_key, alg, aaguid, backup_eligible, counter, enrolled_at, last_used_at,
          confirmed_at, entry_id
        from passkeys
        where credential_id = $1 and removed_at is null
        for update
        "#,
        credential_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Passkey::from))
}

pub(crate) async fn set_used(
    conn: &mut PgConnection,
    id: PasskeyId,
    counter: u32,
    backed_up: bool,
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update passkeys set counter = $2, backed_up = $3, last_used_at = $4 where id = $1",
        id.0,
        i64::from(counter),
        backed_up,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_confirmed(
    conn: &mut PgConnection,
    id: PasskeyId,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update passkeys set confirmed_at = $2, confirmed_entry_id = $3 where id = $1",
        id.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_removed(conn: &mut PgConnection, id: PasskeyId, now: u64, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        "update passkeys set removed_at = $2, removed_entry_id = $3 where id = $1",
        id.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores a challenge, and forgets some that have run out.
pub(crate) async fn insert_challenge(
    conn: &mut PgConnection,
    challenge: &[u8],
    purpose: &str,
    session: Option<SessionId>,
    now: u64,
    expires_at: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with ended as (
          delete from passkey_challenges
          where challenge in (select challenge from passkey_challenges where expires_at < $5 limit 10)
        )
        insert into passkey_challenges (challenge, purpose, session_id, expires_at)
        values ($1, $2, $3, $4)
        "#,
        challenge,
        purpose,
        session.map(|session| session.0),
        instant(expires_at),
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a challenge up; false when it was used, has ended, or was given for something else.
pub(crate) async fn use_challenge(
    conn: &mut PgConnection,
    challenge: &[u8],
    purpose: &str,
    session: Option<SessionId>,
    now: u64,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update passkey_challenges
        set used_at = $4
        where challenge = $1 and purpose = $2 and session_id is not distinct from $3 and used_at is null
          and expires_at > $4
        "#,
        challenge,
        purpose,
        session.map(|session| session.0),
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns whose key this is.
pub(crate) async fn holder(conn: &mut PgConnection, id: PasskeyId) -> sqlx::Result<Option<PersonId>> {
    let person = sqlx::query_scalar!("select person_id from passkeys where id = $1 and removed_at is null", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(person.map(PersonId::from))
}
