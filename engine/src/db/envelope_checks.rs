//! `envelope_checks`: one known secret per master key, by which start tells the right key from a wrong one.

use sqlx::PgConnection;

use crate::clock::instant;

pub(crate) struct Check {
    pub(crate) epoch: i64,
    pub(crate) sealed: Vec<u8>,
}

pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Check>> {
    sqlx::query_as!(Check, "select epoch, sealed from envelope_checks order by epoch").fetch_all(conn).await
}

pub(crate) async fn insert(conn: &mut PgConnection, epoch: i64, sealed: &[u8], now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into envelope_checks (epoch, sealed, made_at) values ($1, $2, $3) on conflict (epoch) do nothing",
        epoch,
        sealed,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}
