//! Tables of the measurements, in a schema of their own: a business row, and the log that locks its head.

use sqlx::PgConnection;
use uuid::Uuid;

/// Makes the tables; for the owner, before the first round.
pub(crate) async fn create(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(
        r#"
        create schema bench;
        create table bench.rows (
          id uuid primary key,
          body text not null,
          at timestamptz not null default clock_timestamp()
        );
        create table bench.chain (
          id uuid primary key,
          bytes bytea not null,
          previous bytea not null,
          hash bytea not null unique
        );
        create table bench.chain_head (hash bytea not null);
        insert into bench.chain_head (hash) values (sha256(''));
        grant usage on schema bench to countersign_app;
        grant insert on bench.rows, bench.chain to countersign_app;
        grant select, update on bench.chain_head to countersign_app;
        "#,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn insert_row(conn: &mut PgConnection, id: Uuid, body: &str) -> sqlx::Result<()> {
    sqlx::query("insert into bench.rows (id, body) values ($1, $2)").bind(id).bind(body).execute(conn).await?;
    Ok(())
}

/// Counts the entries that have their place in the log.
pub(crate) async fn log_size(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("select coalesce(max(idx) + 1, 0) from ledger_entries").fetch_one(conn).await
}

/// Locks the head of the chain until the transaction ends, and returns its hash.
pub(crate) async fn lock_head(conn: &mut PgConnection) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar("select hash from bench.chain_head for update").fetch_one(conn).await
}

/// Adds an entry that names the one before it, and makes it the head.
pub(crate) async fn extend(
    conn: &mut PgConnection,
    id: Uuid,
    bytes: &[u8],
    previous: &[u8],
    hash: &[u8],
) -> sqlx::Result<()> {
    sqlx::query(
        r#"
        with entry as (
          insert into bench.chain (id, bytes, previous, hash) values ($1, $2, $3, $4)
        )
        update bench.chain_head set hash = $4
        "#,
    )
    .bind(id)
    .bind(bytes)
    .bind(previous)
    .bind(hash)
    .execute(conn)
    .await?;
    Ok(())
}
