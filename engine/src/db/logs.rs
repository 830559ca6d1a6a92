//! `ledger_logs`, `ledger_tiles`, `ledger_checkpoints`, and what the server says of itself.

use countersign_ledger::{hash::Hash, tree::FullTile};
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) struct OpenLog {
    pub(crate) id: i16,
    pub(crate) origin: String,
}

pub(crate) struct HeadRow {
    pub(crate) size: i64,
    pub(crate) root: Vec<u8>,
    pub(crate) signed_size: i64,
    pub(crate) note: Option<String>,
    pub(crate) epoch: i64,
}

pub(crate) struct Settings {
    pub(crate) fsync: bool,
    pub(crate) full_page_writes: bool,
    pub(crate) superuser: bool,
}

pub(crate) struct CheckpointRow {
    pub(crate) size: i64,
    pub(crate) note: String,
    pub(crate) published_at: time::OffsetDateTime,
}

pub(crate) struct HolderRow {
    pub(crate) kind: String,
    pub(crate) size: i64,
    pub(crate) held_at: time::OffsetDateTime,
}

pub(crate) async fn rollback(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("rollback").execute(conn).await?;
    Ok(())
}

pub(crate) async fn in_recovery(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_is_in_recovery() as "standby!""#).fetch_one(conn).await
}

pub(crate) async fn settings(conn: &mut PgConnection) -> sqlx::Result<Settings> {
    sqlx::query_as!(
        Settings,
        r#"
        select current_setting('fsync') = 'on' as "fsync!",
          current_setting('full_page_writes') = 'on' as "full_page_writes!",
          current_setting('is_superuser') = 'on' as "superuser!"
        "#
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn find_open(conn: &mut PgConnection) -> sqlx::Result<Option<OpenLog>> {
    sqlx::query_as!(OpenLog, "select id, origin from ledger_logs where closed_at is null").fetch_optional(conn).await
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: i16,
    origin: &str,
    vkey: &str,
    root: &Hash,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into ledger_logs (id, origin, vkey, opened_at, root)
        values ($1, $2, $3, now(), $4)
        "#,
        id,
        origin,
        vkey,
        &root.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the lease when it is free, has run out or is this instance's own; returns the new epoch.
pub(crate) async fn take_lease(conn: &mut PgConnection, log: i16, instance: Uuid) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"
        update ledger_logs
        set epoch = epoch + 1, holder = $2, lease_until = now() + interval '2 s'
        where id = $1 and (lease_until is null or lease_until < now() or holder = $2)
        returning epoch
        "#,
        log,
        instance,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn renew_lease(conn: &mut PgConnection, log: i16, epoch: i64) -> sqlx::Result<bool> {
    let renewed = sqlx::query!(
        "update ledger_logs set lease_until = now() + interval '2 s' where id = $1 and epoch = $2",
        log,
        epoch,
    )
    .execute(conn)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

pub(crate) async fn release_lease(conn: &mut PgConnection, log: i16, epoch: i64) -> sqlx::Result<()> {
    sqlx::query!("update ledger_logs set lease_until = null where id = $1 and epoch = $2", log, epoch)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn head(conn: &mut PgConnection, log: i16) -> sqlx::Result<HeadRow> {
    sqlx::query_as!(HeadRow, "select size, root, signed_size, note, epoch from ledger_logs where id = $1", log)
        .fetch_one(conn)
        .await
}

/// Locks the head when this epoch still leads.
pub(crate) async fn lock_head(conn: &mut PgConnection, log: i16, epoch: i64) -> sqlx::Result<Option<HeadRow>> {
    sqlx::query_as!(
        HeadRow,
        r#"
        select size, root, signed_size, note, epoch
        from ledger_logs
        where id = $1 and epoch = $2
        for update
        "#,
        log,
        epoch,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn move_head(
    conn: &mut PgConnection,
    log: i16,
    epoch: i64,
    old: u64,
    new: u64,
    root: &Hash,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        "update ledger_logs set size = $4, root = $5 where id = $1 and epoch = $2 and size = $3",
        log,
        epoch,
        old as i64,
        new as i64,
        &root.0,
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Stores the signed size; true also when this size was stored before.
pub(crate) async fn set_signed(
    conn: &mut PgConnection,
    log: i16,
    epoch: i64,
    size: u64,
    note: &str,
) -> sqlx::Result<bool> {
    let set = sqlx::query!(
        "update ledger_logs set signed_size = $3, note = $4 where id = $1 and epoch = $2 and signed_size <= $3",
        log,
        epoch,
        size as i64,
        note,
    )
    .execute(conn)
    .await?;
    Ok(set.rows_affected() == 1)
}

pub(crate) async fn notify(conn: &mut PgConnection, size: u64) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify('countersign_sealed', $1)", size.to_string()).execute(conn).await?;
    Ok(())
}

pub(crate) async fn insert_tile(conn: &mut PgConnection, log: i16, tile: &FullTile) -> sqlx::Result<()> {
    let hashes = countersign_ledger::tile::encode_tile(&tile.hashes);
    sqlx::query!(
        "insert into ledger_tiles (log_id, level, n, hashes, root) values ($1, $2, $3, $4, $5)",
        log,
        i16::from(tile.level),
        tile.n as i64,
        hashes,
        &tile.root.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn tile(conn: &mut PgConnection, log: i16, level: i16, n: u64) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select hashes from ledger_tiles where log_id = $1 and level = $2 and n = $3",
        log,
        level,
        n as i64,
    )
    .fetch_optional(conn)
    .await
}

/// Roots of full tiles, which are the hashes of the level above.
pub(crate) async fn tile_roots(
    conn: &mut PgConnection,
    log: i16,
    level: i16,
    first: u64,
    count: u64,
) -> sqlx::Result<Vec<Hash>> {
    let rows = sqlx::query_scalar!(
        r#"
        select root
        from ledger_tiles
        where log_id = $1 and level = $2 and n >= $3 and n < $4
        order by n
        "#,
        log,
        level,
        first as i64,
        (first + count) as i64,
    )
    .fetch_all(conn)
    .await?;
    super::entries::digests(rows)
}

pub(crate) async fn insert_checkpoint(
    conn: &mut PgConnection,
    log: i16,
    size: u64,
    note: &str,
    epoch: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into ledger_checkpoints (log_id, size, note, epoch, published_at)
        values ($1, $2, $3, $4, now())
        on conflict on constraint ledger_checkpoints_pkey do nothing
        "#,
        log,
        size as i64,
        note,
        epoch,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn latest_checkpoint(conn: &mut PgConnection, log: i16) -> sqlx::Result<Option<CheckpointRow>> {
    sqlx::query_as!(
        CheckpointRow,
        r#"
        select size, note, published_at
        from ledger_checkpoints
        where log_id = $1
        order by size desc
        limit 1
        "#,
        log,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn widest_holder(conn: &mut PgConnection, log: i16) -> sqlx::Result<Option<HolderRow>> {
    sqlx::query_as!(
        HolderRow,
        r#"
        select kind, size, held_at
        from ledger_holders
        where log_id = $1
        order by size desc
        limit 1
        "#,
        log,
    )
    .fetch_optional(conn)
    .await
}

/// Notes that somebody outside has a checkpoint of this size.
pub(crate) async fn insert_holder(
    conn: &mut PgConnection,
    id: Uuid,
    kind: &str,
    log: i16,
    size: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into ledger_holders (id, kind, log_id, size, held_at) values ($1, $2, $3, $4, now())",
        id,
        kind,
        log,
        size as i64,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) struct ServerRow {
    pub(crate) version: String,
    pub(crate) fsync: bool,
    pub(crate) connections: i64,
    pub(crate) max: i64,
}

/// What the server says of itself, for the health page.
pub(crate) async fn server(conn: &mut PgConnection) -> sqlx::Result<ServerRow> {
    sqlx::query_as!(
        ServerRow,
        r#"
        select current_setting('server_version') as "version!",
          current_setting('fsync') = 'on' as "fsync!",
          (select count(*) from pg_stat_activity where backend_type = 'client backend') as "connections!",
          current_setting('max_connections')::bigint as "max!"
        "#
    )
    .fetch_one(conn)
    .await
}

/// Returns the database's own time.
pub(crate) async fn clock(conn: &mut PgConnection) -> sqlx::Result<time::OffsetDateTime> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await
}
