//! `systems`.

use countersign_domain::ids::{EntryId, SystemId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::instant;

pub(crate) struct System {
    pub(crate) id: SystemId,
    pub(crate) name: String,
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: SystemId,
    name: &str,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into systems (id, name, n, approved_at, entry_id) values ($1, $2, 1, $3, $4)",
        id.0,
        name,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, id: SystemId) -> sqlx::Result<Option<System>> {
    let row = sqlx::query!("select id, name from systems where id = $1", id.0).fetch_optional(conn).await?;
    Ok(row.map(|row| System { id: row.id.into(), name: row.name }))
}

pub(crate) async fn find_by_name(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<System>> {
    let row = sqlx::query!("select id, name from systems where name = $1", name).fetch_optional(conn).await?;
    Ok(row.map(|row| System { id: row.id.into(), name: row.name }))
}

/// Returns the number of the last entry about a system.
pub(crate) async fn find_n(conn: &mut PgConnection, id: SystemId) -> sqlx::Result<Option<u64>> {
    let n = sqlx::query_scalar!("select n from systems where id = $1", id.0).fetch_optional(conn).await?;
    Ok(n.map(|n| n as u64))
}

pub(crate) async fn set_n(conn: &mut PgConnection, id: SystemId, n: u64) -> sqlx::Result<()> {
    sqlx::query!("update systems set n = $2 where id = $1", id.0, n as i64).execute(conn).await?;
    Ok(())
}

/// Returns every system.
pub(crate) async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<System>> {
    let rows = sqlx::query!("select id, name from systems order by name").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| System { id: row.id.into(), name: row.name }).collect())
}

/// Returns every system with how many of its decisions are open.
pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<(System, u64)>> {
    let rows = sqlx::query!(
        r#"
        select s.id, s.name,
          (select count(*) from decisions d where d.system_id = s.id and d.state in ('received', 'queued', 'in_review', 'changes_requested', 'settling'))
            as "open!"
        from systems s
        order by s.approved_at, s.id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (System { id: row.id.into(), name: row.name }, row.open as u64)).collect())
}

/// Returns the names of these systems.
pub(crate) async fn names(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!("select id, name from systems where id = any ($1)", ids).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
