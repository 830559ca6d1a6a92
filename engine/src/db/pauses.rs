//! `pauses`, and the lock that orders them among what they stop.

use countersign_domain::ids::{EntryId, PersonId, SystemId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

/// A pause that runs.
pub(crate) struct Pause {
    /// The entry that paused, which names the pause and holds its reason.
    pub(crate) entry: EntryId,
    pub(crate) system: SystemId,
    pub(crate) system_name: String,
    pub(crate) by: PersonId,
    pub(crate) at: u64,
}

/// Waits until nobody else looks at the pauses of a system, and keeps them out until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", lock_key(system)).execute(conn).await?;
    Ok(())
}

/// Keeps the pauses of a system as they are until the transaction ends, beside others who do the same.
pub(crate) async fn lock_share(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", lock_key(system)).execute(conn).await?;
    Ok(())
}

/// Ids of systems are random, so half of one names its lock well enough; two systems that met would only wait longer.
fn lock_key(system: SystemId) -> i64 {
    system.0.as_u64_pair().0.cast_signed()
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    entry: EntryId,
    system: SystemId,
    by: PersonId,
    at: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into pauses (entry_id, system_id, paused_by, paused_at) values ($1, $2, $3, $4)",
        entry.0,
        system.0,
        by.0,
        instant(at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a pause.
pub(crate) async fn set_resumed(
    conn: &mut PgConnection,
    pause: EntryId,
    by: PersonId,
    at: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update pauses set resumed_by = $2, resumed_at = $3, resumed_entry_id = $4 where entry_id = $1",
        pause.0,
        by.0,
        instant(at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells whether a system is paused.
pub(crate) async fn is_running(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from pauses where system_id = $1 and resumed_at is null) as "running!""#,
        system.0,
    )
    .fetch_one(conn)
    .await
}

/// Returns the pause of a system that runs.
pub(crate) async fn find_running(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<Option<Pause>> {
    Ok(list_running(conn, Some(system)).await?.pop())
}

/// Returns the pauses that run, of one system or of all.
pub(crate) async fn list_running(conn: &mut PgConnection, system: Option<SystemId>) -> sqlx::Result<Vec<Pause>> {
    let rows = sqlx::query!(
        r#"
        select p.entry_id, p.system_id, s.name, p.paused_by, p.paused_at
        from pauses p
        join systems s on s.id = p.system_id
        where p.resumed_at is null and ($1::uuid is null or p.system_id = $1)
        order by s.name
        "#,
        system.map(|system| system.0) as Option<Uuid>,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Pause {
            entry: row.entry_id.into(),
            system: row.system_id.into(),
            system_name: row.name,
            by: row.paused_by.into(),
            at: milliseconds(row.paused_at),
        })
        .collect())
}

/// Counts the approvals of a system that it was not told.
pub(crate) async fn count_untold(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from decisions d
        join resolutions r on r.decision_id = d.id
        where d.system_id = $1 and d.state = 'resolved'
          and (r.outcome = 'approved' or exists (select from overrides o where o.decision_id = d.id))
        "#,
        system.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}
