//! How far the invented past of a demo has come, asked before its engine starts.

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// Times are in milliseconds since 1970 UTC.
pub(crate) struct Reached {
    /// When the oldest entry was made.
    pub(crate) oldest: u64,
    /// When the newest entry was made.
    pub(crate) newest: u64,
    /// The last proposal of the past was made.
    pub(crate) complete: bool,
}

/// Returns nothing where there is no log yet.
pub(crate) async fn reached(url: &str, last_key: &str) -> sqlx::Result<Option<Reached>> {
    let mut conn = PgConnection::connect(url).await?;
    let migrated = sqlx::query_scalar!(r#"select to_regclass('idempotency_keys') is not null as "migrated!""#);
    let found = match migrated.fetch_one(&mut conn).await? {
        true => span(&mut conn, last_key).await?,
        false => None,
    };
    conn.close().await?;

    Ok(found)
}

async fn span(conn: &mut PgConnection, last_key: &str) -> sqlx::Result<Option<Reached>> {
    let row = sqlx::query!(
        r#"
        select (select id from ledger_entries order by id limit 1) as oldest,
          (select id from ledger_entries order by id desc limit 1) as newest,
          exists (select from idempotency_keys where key = $1) as "complete!"
        "#,
        last_key,
    )
    .fetch_one(conn)
    .await?;
    let reached =
        |(oldest, newest)| Reached { oldest: made_at(oldest), newest: made_at(newest), complete: row.complete };

    Ok(row.oldest.zip(row.newest).map(reached))
}

/// When an entry was made, by its id (UUIDv7).
fn made_at(entry: Uuid) -> u64 {
    let (seconds, nanoseconds) = entry.get_timestamp().map_or((0, 0), |timestamp| timestamp.to_unix());
    seconds * 1_000 + u64::from(nanoseconds) / 1_000_000
}
