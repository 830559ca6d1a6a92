//! `totp_seeds` and `recovery_codes`: second factors of local accounts.

use countersign_domain::ids::{EntryId, PersonId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::instant;

/// What a person has besides a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) passkeys: u64,
    pub(crate) totp: bool,
    pub(crate) recovery_codes: u64,
}

pub(crate) struct Seed {
    pub(crate) id: Uuid,
    pub(crate) sealed: Vec<u8>,
    pub(crate) last_step: i64,
    pub(crate) entry: Option<EntryId>,
}

pub(crate) async fn held(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Held> {
    let row = sqlx::query!(
        r#"
        select
          (select count(*) from passkeys where person_id = $1 and removed_at is null) as "passkeys!",
          exists (select from totp_seeds where person_id = $1 and enrolled_at is not null and removed_at is null) as "totp!",
          (select count(*) from recovery_codes where person_id = $1 and used_at is null) as "recovery_codes!"
        "#,
        person.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(Held {
        passkeys: row.passkeys.unsigned_abs(),
        totp: row.totp,
        recovery_codes: row.recovery_codes.unsigned_abs(),
    })
}

/// Stores a seed that nobody has used yet, in place of an earlier one of that kind.
pub(crate) async fn insert_seed(
    conn: &mut PgConnection,
    id: Uuid,
    person: PersonId,
    sealed: &[u8],
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!("delete from totp_seeds where person_id = $1 and enrolled_at is null", person.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into totp_seeds (id, person_id, sealed, last_step, made_at) values ($1, $2, $3, 0, $4)",
        id,
        person.0,
        sealed,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the seed that waits for its first code, locked.
pub(crate) async fn lock_new_seed(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Option<Seed>> {
    let row = sqlx::query!(
        r#"
        select id, sealed, last_step, entry_id
        from totp_seeds
        where person_id = $1 and enrolled_at is null
        order by made_at desc
        limit 1
        for update
        "#,
        person.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Seed {
        id: row.id,
        sealed: row.sealed,
        last_step: row.last_step,
        entry: row.entry_id.map(EntryId::from),
    }))
}

/// Returns the seed in force, locked, so that a code is used by one sign-in only.
pub(crate) async fn lock_seed(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Option<Seed>> {
    let row = sqlx::query!(
        r#"
        select id, sealed, last_step, entry_id
        from totp_seeds
        where person_id = $1 and enrolled_at is not null and removed_at is null
        for update
        "#,
        person.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Seed {
        id: row.id,
        sealed: row.sealed,
        last_step: row.last_step,
        entry: row.entry_id.map(EntryId::from),
    }))
}

pub(crate) async fn set_enrolled(
    conn: &mut PgConnection,
    id: Uuid,
    step: i64,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update totp_seeds set enrolled_at = $2, last_step = $3, entry_id = $4 where id = $1",
        id,
        instant(now),
        step,
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_last_step(conn: &mut PgConnection, id: Uuid, step: i64) -> sqlx::Result<()> {
    sqlx::query!("update totp_seeds set last_step = $2 where id = $1", id, step).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set_removed(conn: &mut PgConnection, id: Uuid, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update totp_seeds set removed_at = $2 where id = $1", id, instant(now)).execute(conn).await?;
    Ok(())
}

/// Replaces a person's recovery codes.
pub(crate) async fn set_recovery_codes(
    conn: &mut PgConnection,
    person: PersonId,
    hashes: &[Vec<u8>],
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!("delete from recovery_codes where person_id = $1", person.0).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into recovery_codes (code_hash, person_id, made_at) select hash, $2, $3 from unnest($1::bytea[]) hash",
        hashes,
        person.0,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a recovery code up; false when it is none of this person's.
pub(crate) async fn use_recovery_code(
    conn: &mut PgConnection,
    person: PersonId,
    hash: &[u8],
    now: u64,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update recovery_codes set used_at = $3 where person_id = $1 and code_hash = $2 and used_at is null",
        person.0,
        hash,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
