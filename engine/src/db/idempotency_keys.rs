//! `idempotency_keys`: the first answer to each key, for ever.

use countersign_domain::ids::SystemId;
use sqlx::PgConnection;

use crate::clock::instant;

pub(crate) struct Kept {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) status: i32,
    pub(crate) answer: String,
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    system: SystemId,
    route: &str,
    key: &str,
) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        "select fingerprint, status, answer from idempotency_keys where system_id = $1 and route = $2 and key = $3",
        system.0,
        route,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// A key about to be claimed, with the answer it gets for ever.
pub(crate) struct Claim<'a> {
    pub(crate) system: SystemId,
    pub(crate) route: &'a str,
    pub(crate) key: &'a str,
    pub(crate) fingerprint: &'a [u8],
    pub(crate) status: i32,
    pub(crate) answer: &'a str,
}

/// Claims a key for the running transaction. A parallel claim of the same key waits here and then finds
/// it taken: false.
pub(crate) async fn claim(conn: &mut PgConnection, claim: &Claim<'_>, now: u64) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        r#"
        insert into idempotency_keys (system_id, route, key, fingerprint, status, answer, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict on constraint idempotency_keys_pkey do nothing
        "#,
        claim.system.0,
        claim.route,
        claim.key,
        claim.fingerprint,
        claim.status,
        claim.answer,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
