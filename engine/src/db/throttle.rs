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

/// Returns a bucket, locked; an empty one where there is none yet.
pub(crate) async fn lock(conn: &mut PgConnection, bucket: &[u8], now: u64) -> sqlx::Result<Bucket> {
    // The update changes nothing: it locks the row, whoever made it, in one statement.
    sqlx::query_as!(
        Bucket,
        r#"
        insert into sign_in_throttle (bucket, failures, first_at, blocked_until)
        values ($1, 0, $2, $2)
        on conflict (bucket) do update
        set failures = sign_in_throttle.failures
        returning failures, first_at, blocked_until
        "#,
        bucket,
        instant(now),
    )
    .fetch_one(conn)
    .await
}

/// Writes a bucket that [`lock`] locked.
pub(crate) async fn set(
    conn: &mut PgConnection,
    bucket: &[u8],
    failures: i32,
    first_at: u64,
    blocked_until: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update sign_in_throttle set failures = $2, first_at = $3, blocked_until = $4 where bucket = $1",
        bucket,
        failures,
        instant(first_at),
        instant(blocked_until),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes one off a bucket, and its wait when it is not above its free tries then.
pub(crate) async fn give_back(conn: &mut PgConnection, bucket: &[u8], free: i32, now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update sign_in_throttle
        set failures = greatest(failures - 1, 0),
          blocked_until = case when failures - 1 <= $2 then $3 else blocked_until end
        where bucket = $1
        "#,
        bucket,
        free,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds one to a bucket that blocks nobody, anew when its first is older than `since`; returns how many there are.
pub(crate) async fn count(conn: &mut PgConnection, bucket: &[u8], now: u64, since: u64) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"
        insert into sign_in_throttle (bucket, failures, first_at, blocked_until)
        values ($1, 1, $2, $2)
        on conflict (bucket) do update
        set failures = case when sign_in_throttle.first_at > $3 then sign_in_throttle.failures + 1 else 1 end,
          first_at = case when sign_in_throttle.first_at > $3 then sign_in_throttle.first_at else $2 end
        returning failures
        "#,
        bucket,
        instant(now),
        instant(since),
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn clear(conn: &mut PgConnection, bucket: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_throttle where bucket = $1", bucket).execute(conn).await?;
    Ok(())
}
