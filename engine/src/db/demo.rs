//! How far the invented past of a demo has come, asked before its engine starts.

use sqlx::{Connection as _, PgConnection};
pub(crate) struct Reached {
    /// When the newest entry was made, in milliseconds since 1970 UTC.
    pub(crate) newest: u64,
    /// The last proposal of the past was made.
    pub(crate) complete: bool,
}

/// Returns nothing where there is no log yet.
pub(crate) async fn reached(url: &str, last_key: &str) -> sqlx::Result<Option<Reached>> {
    let mut conn = PgConnection::connect(url).await?;
    let migrated = sqlx::query_scalar!(r#"select to_regclass('idempotency_keys') is not null as "migrated!""#);
    let found = match migrated.fetch_one(&mut conn).await? {
        true => newest(&mut conn, last_key).await?,
        false => None,
    };
    conn.close().await?;

    Ok(found)
}

async fn newest(conn: &mut PgConnection, last_key: &str) -> sqlx::Result<Option<Reached>> {
    let newest = sqlx::query_scalar!("select id from ledger_entries order by id desc limit 1");
    let Some(newest) = newest.fetch_optional(&mut *conn).await? else { return Ok(None) };
    let complete =
        sqlx::query_scalar!(r#"select exists (select from idempotency_keys where key = $1) as "complete!""#, last_key)
            .fetch_one(conn)
            .await?;
    let (seconds, nanoseconds) = newest.get_timestamp().map_or((0, 0), |timestamp| timestamp.to_unix());

    Ok(Some(Reached { newest: seconds * 1_000 + u64::from(nanoseconds) / 1_000_000, complete }))
}
