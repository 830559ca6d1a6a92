//! `sign_in_throttle`.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::clock::instant;

pub(crate) struct Bucket {
    pub(crate) failures: i32,
    pub(crate) first_at: OffsetDateTime,
    pub(crate) blocked_until: OffsetDateTime,
}

pub(crate) async fn find(conn: &mut PgConnection, bucket: &[u8]) -> sqlx::Result<Option<Bucket>> {
    sqlx::query_as!(Bucket, "select failures, first_at, blocked_until from sign_in_throttle where bucket = $1", bucket,)
        .fetch_optional(conn)
        .await
}

pub(crate) async fn set(
    conn: &mut PgConnection,
    bucket: &[u8],
    failures: i32,
    first_at: u64,
    blocked_until: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into sign_in_throttle (bucket, failures, first_at, blocked_until)
        values ($1, $2, $3, $4)
        on conflict (bucket) do update
        set failures = excluded.failures, first_at = excluded.first_at, blocked_until = excluded.blocked_until
        "#,
        bucket,
        failures,
        instant(first_at),
        instant(blocked_until),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn clear(conn: &mut PgConnection, bucket: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_throttle where bucket = $1", bucket).execute(conn).await?;
    Ok(())
}
