//! `ledger_entries` and the index that screens search.

use countersign_ledger::hash::Hash;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{clock::instant, reads::Read, tail::Indexed};

pub(crate) struct PendingRow {
    pub(crate) id: Uuid,
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaf_hash: Vec<u8>,
}

pub(crate) struct EntryRow {
    pub(crate) id: Uuid,
    pub(crate) bytes: Vec<u8>,
    pub(crate) idx: Option<i64>,
}

pub(crate) struct SealedRow {
    pub(crate) id: Uuid,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct BacklogRow {
    pub(crate) count: i64,
    pub(crate) oldest_ms: i64,
}

pub(crate) async fn insert(conn: &mut PgConnection, id: Uuid, bytes: &[u8], leaf_hash: &Hash) -> sqlx::Result<()> {
    sqlx::query!("insert into ledger_entries (id, bytes, leaf_hash) values ($1, $2, $3)", id, bytes, &leaf_hash.0,)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn insert_many(conn: &mut PgConnection, reads: &[Read]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into ledger_entries (id, bytes, leaf_hash)
        select id, bytes, leaf_hash
        from unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, bytes, leaf_hash)
        "#,
        &reads.iter().map(|read| read.id.0).collect::<Vec<_>>(),
        &reads.iter().map(|read| read.bytes.clone()).collect::<Vec<_>>(),
        &reads.iter().map(|read| read.hash.0.to_vec()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Never `skip locked`: it could seal an effect before its cause.
pub(crate) async fn list_pending(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<PendingRow>> {
    sqlx::query_as!(
        PendingRow,
        r#"
        select id, bytes, leaf_hash
        from ledger_entries
        where idx is null
        order by seq
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Gives entries their places from `first` on; returns how many rows that touched.
pub(crate) async fn place(conn: &mut PgConnection, log: i16, first: u64, ids: &[Uuid]) -> sqlx::Result<u64> {
    let indexes: Vec<i64> = (first as i64..).take(ids.len()).collect();
    let placed = sqlx::query!(
        r#"
        update ledger_entries e
        set log_id = $1, idx = v.idx
        from unnest($2::uuid[], $3::bigint[]) v (id, idx)
        where e.id = v.id and e.idx is null
        "#,
        log,
        ids,
        &indexes,
    )
    .execute(conn)
    .await?;
    Ok(placed.rows_affected())
}

/// Level-0 hashes of sealed entries.
pub(crate) async fn hashes(conn: &mut PgConnection, log: i16, first: u64, count: u64) -> sqlx::Result<Vec<Hash>> {
    let rows = sqlx::query_scalar!(
        r#"
        select leaf_hash
        from ledger_entries
        where log_id = $1 and idx >= $2 and idx < $3
        order by idx
        "#,
        log,
        first as i64,
        (first + count) as i64,
    )
    .fetch_all(conn)
    .await?;
    digests(rows)
}

pub(crate) fn digests(rows: Vec<Vec<u8>>) -> sqlx::Result<Vec<Hash>> {
    rows.iter().map(|bytes| Hash::from_slice(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))).collect()
}

/// Entries under a signed checkpoint, from an index on.
pub(crate) async fn list_sealed(
    conn: &mut PgConnection,
    log: i16,
    first: u64,
    limit: i64,
) -> sqlx::Result<Vec<SealedRow>> {
    sqlx::query_as!(
        SealedRow,
        r#"
        select e.id, e.bytes
        from ledger_entries e
        where e.log_id = $1 and e.idx >= $2
          and e.idx < (select signed_size from ledger_logs where id = $1)
        order by e.idx
        limit $3
        "#,
        log,
        first as i64,
        limit,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn find(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<EntryRow>> {
    sqlx::query_as!(EntryRow, "select id, bytes, idx from ledger_entries where id = $1", id).fetch_optional(conn).await
}

pub(crate) async fn backlog(conn: &mut PgConnection) -> sqlx::Result<BacklogRow> {
    sqlx::query_as!(
        BacklogRow,
        r#"
        select count(*) as "count!",
          coalesce((extract(epoch from clock_timestamp() - min(recorded_at)) * 1000)::bigint, 0) as "oldest_ms!"
        from (select recorded_at from ledger_entries where idx is null order by seq limit 5000) pending
        "#
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn indexed_to(conn: &mut PgConnection, log: i16) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select max(idx) from ledger_index where log_id = $1", log).fetch_one(conn).await
}

pub(crate) async fn insert_index(conn: &mut PgConnection, log: i16, rows: &[Indexed]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into ledger_index (log_id, idx, kind, object_type, object_id, sid, at)
        select $1, idx, kind, object_type, object_id, sid, at
        from unnest($2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::timestamptz[])
          v (idx, kind, object_type, object_id, sid, at)
        on conflict on constraint ledger_index_pkey do nothing
        "#,
        log,
        &rows.iter().map(|row| row.idx).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.kind.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.object_type.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.object_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.sid).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| instant(row.at)).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Entries about one object: indexed ones by the index, and the few that are not yet indexed or sealed by their bytes.
///
/// Both ends of the second part are named, though the upper one shuts nothing out: of a range with one unknown end
/// PostgreSQL expects a third of the log, and would read all of it.
pub(crate) async fn list_about(conn: &mut PgConnection, log: i16, object: Uuid) -> sqlx::Result<Vec<EntryRow>> {
    sqlx::query_as!(
        EntryRow,
        r#"
        select e.id as "id!", e.bytes as "bytes!", e.idx
        from ledger_index i
        join ledger_entries e on e.log_id = i.log_id and e.idx = i.idx
        where i.log_id = $1 and i.object_id = $2
        union all
        select id, bytes, idx
        from ledger_entries
        where log_id = $1 and idx > (select coalesce(max(idx), -1) from ledger_index where log_id = $1)
          and idx < (select size from ledger_logs where id = $1)
          and position(convert_to($3, 'UTF8') in bytes) > 0
        union all
        select id, bytes, idx
        from ledger_entries
        where idx is null and position(convert_to($3, 'UTF8') in bytes) > 0
        order by idx nulls last
        limit 500
        "#,
        log,
        object,
        format!("\"id\":\"{}\"", object.hyphenated()),
    )
    .fetch_all(conn)
    .await
}

/// One page of entries, newest first.
pub(crate) async fn list_before(
    conn: &mut PgConnection,
    log: i16,
    before: u64,
    limit: i64,
) -> sqlx::Result<Vec<EntryRow>> {
    sqlx::query_as!(
        EntryRow,
        r#"
        select id, bytes, idx
        from ledger_entries
        where log_id = $1 and idx < $2
        order by idx desc
        limit $3
        "#,
        log,
        i64::try_from(before).unwrap_or(i64::MAX),
        limit,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn at(conn: &mut PgConnection, log: i16, index: u64) -> sqlx::Result<Option<EntryRow>> {
    sqlx::query_as!(
        EntryRow,
        "select id, bytes, idx from ledger_entries where log_id = $1 and idx = $2",
        log,
        i64::try_from(index).unwrap_or(i64::MAX),
    )
    .fetch_optional(conn)
    .await
}

/// Counts the acts on an object that no signed checkpoint covers; for both ends of the range see [`list_about`].
pub(crate) async fn count_unsealed_acts(conn: &mut PgConnection, log: i16, object: Uuid) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from (
          select bytes from ledger_entries where idx is null
          union all
          select bytes from ledger_entries
          where log_id = $1 and idx >= (select signed_size from ledger_logs where id = $1)
            and idx < (select size from ledger_logs where id = $1)
        ) unsealed
        where position(convert_to($2, 'UTF8') in bytes) > 0 and position(convert_to('"n":', 'UTF8') in bytes) > 0
        "#,
        log,
        format!("\"id\":\"{}\"", object.hyphenated()),
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}

/// Returns entries with their places, as far as they have one.
pub(crate) async fn placed(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(Uuid, Option<i64>, Vec<u8>)>> {
    let rows =
        sqlx::query!("select id, idx, bytes from ledger_entries where id = any($1)", ids).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.idx, row.bytes)).collect())
}
