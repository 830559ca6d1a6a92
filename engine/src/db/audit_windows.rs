//! `audit_windows`.

use countersign_domain::ids::{AuditWindowId, EntryId, PersonId, SystemId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

#[derive(Clone, Debug)]
pub(crate) struct AuditWindow {
    pub(crate) id: AuditWindowId,
    pub(crate) n: u64,
    pub(crate) name: String,
    pub(crate) person: PersonId,
    /// Empty for all of them.
    pub(crate) systems: Vec<SystemId>,
    pub(crate) from: u64,
    pub(crate) until: u64,
    pub(crate) closed_at: Option<u64>,
    /// Whether the auditor has been given the role.
    pub(crate) begun: bool,
    pub(crate) entry: EntryId,
}

struct Row {
    id: Uuid,
    n: i64,
    name: String,
    person_id: Uuid,
    systems: Vec<Uuid>,
    from_at: OffsetDateTime,
    until_at: OffsetDateTime,
    closed_at: Option<OffsetDateTime>,
    begun: bool,
    entry_id: Uuid,
}

impl From<Row> for AuditWindow {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            n: row.n as u64,
            name: row.name,
            person: row.person_id.into(),
            systems: row.systems.into_iter().map(SystemId).collect(),
            from: milliseconds(row.from_at),
            until: milliseconds(row.until_at),
            closed_at: row.closed_at.map(milliseconds),
            begun: row.begun,
            entry: row.entry_id.into(),
        }
    }
}

impl AuditWindow {
    /// Tells whether the auditor may look at this moment.
    pub(crate) fn is_open(&self, now: u64) -> bool {
        self.closed_at.is_none() && self.from <= now && now < self.until
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, window: &AuditWindow, now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into audit_windows (id, n, name, person_id, systems, from_at, until_at, opened_at, begun, entry_id)
        values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        window.id.0,
        window.name,
        window.person.0,
        &window.systems.iter().map(|system| system.0).collect::<Vec<_>>(),
        instant(window.from),
        instant(window.until),
        instant(now),
        window.begun,
        window.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, id: AuditWindowId) -> sqlx::Result<Option<AuditWindow>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, name, person_id, systems, from_at, until_at, closed_at, begun, entry_id
        from audit_windows
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(AuditWindow::from))
}

pub(crate) async fn lock(conn: &mut PgConnection, id: AuditWindowId) -> sqlx::Result<Option<AuditWindow>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, name, person_id, systems, from_at, until_at, closed_at, begun, entry_id
        from audit_windows
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(AuditWindow::from))
}

/// Returns the windows, newest first.
pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<AuditWindow>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, n, name, person_id, systems, from_at, until_at, closed_at, begun, entry_id
        from audit_windows
        order by opened_at desc, id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AuditWindow::from).collect())
}

/// Returns a person's window that is open at this moment; of several the one that ends last.
pub(crate) async fn open_of(conn: &mut PgConnection, person: PersonId, now: u64) -> sqlx::Result<Option<AuditWindow>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, name, person_id, systems, from_at, until_at, closed_at, begun, entry_id
        from audit_windows
        where person_id = $1 and closed_at is null and from_at <= $2 and until_at > $2
        order by until_at desc
        limit 1
        "#,
        person.0,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(AuditWindow::from))
}

/// Returns windows whose time has come and whose auditor has no role yet.
pub(crate) async fn list_due(conn: &mut PgConnection, now: u64) -> sqlx::Result<Vec<AuditWindowId>> {
    let rows = sqlx::query_scalar!(
        "select id from audit_windows where not begun and closed_at is null and from_at <= $1 and until_at > $1",
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AuditWindowId).collect())
}

pub(crate) async fn set_begun(conn: &mut PgConnection, id: AuditWindowId) -> sqlx::Result<()> {
    sqlx::query!("update audit_windows set begun = true where id = $1", id.0).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set_closed(conn: &mut PgConnection, id: AuditWindowId, n: u64, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update audit_windows set n = $2, closed_at = $3 where id = $1", id.0, n as i64, instant(now),)
        .execute(conn)
        .await?;
    Ok(())
}
