//! `changes`.

use countersign_domain::{
    change::{Change, Decided},
    ids::{ChangeId, EntryId, PersonId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A change that waits for a second person, or was decided.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: ChangeId,
    pub(crate) n: u64,
    pub(crate) change: Change,
    pub(crate) requested_by: PersonId,
    pub(crate) requested_at: u64,
    pub(crate) expires_at: u64,
    /// How and when it was decided, and by whom; time decides without a person.
    pub(crate) decided: Option<(Decided, u64, Option<PersonId>)>,
    /// The entry that asked for it.
    pub(crate) entry: EntryId,
}

struct Row {
    id: Uuid,
    n: i64,
    body: String,
    requested_by: Uuid,
    requested_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    state: String,
    decided_by: Option<Uuid>,
    decided_at: Option<OffsetDateTime>,
    entry_id: Uuid,
}

impl TryFrom<Row> for Stored {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "changes", column, id: row.id.to_string() };
        let decided = match (Decided::from_word(&row.state), row.decided_at) {
            (Some(decided), Some(at)) => Some((decided, milliseconds(at), row.decided_by.map(PersonId::from))),
            (None, None) if row.state == "waiting" => None,
            _ => return Err(unreadable("state")),
        };
        Ok(Self {
            id: row.id.into(),
            n: row.n as u64,
            change: serde_json::from_str(&row.body).map_err(|_| unreadable("body"))?,
            requested_by: row.requested_by.into(),
            requested_at: milliseconds(row.requested_at),
            expires_at: milliseconds(row.expires_at),
            decided,
            entry: row.entry_id.into(),
        })
    }
}

/// Tells whether the same change waits already.
pub(crate) async fn is_waiting(conn: &mut PgConnection, digest: &[u8]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from changes where digest = $1 and state = 'waiting') as "waiting!""#,
        digest,
    )
    .fetch_one(conn)
    .await
}

/// Finds a waiting change of a kind that names an id.
pub(crate) async fn find_waiting(conn: &mut PgConnection, kind: &str, id: &str) -> sqlx::Result<Option<ChangeId>> {
    let row = sqlx::query_scalar!(
        "select id from changes where state = 'waiting' and kind = $1 and position($2 in body) > 0 order by id limit 1",
        kind,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &Stored) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into changes
          (id, n, kind, body, digest, subject_id, requested_by, requested_at, expires_at, state, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10)
        "#,
        new.id.0,
        new.n as i64,
        new.change.word(),
        new.change.canonical(),
        &new.change.digest().0,
        new.change.subject().map(|subject| subject.0),
        new.requested_by.0,
        instant(new.requested_at),
        instant(new.expires_at),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn lock(conn: &mut PgConnection, id: ChangeId) -> Result<Option<Stored>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, body, requested_by, requested_at, expires_at, state, decided_by, decided_at, entry_id
        from changes
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Stored::try_from).transpose()
}

/// Returns waiting changes, oldest first, then the latest that were decided.
pub(crate) async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<Stored>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, n, body, requested_by, requested_at, expires_at, state, decided_by, decided_at, entry_id
        from changes
        order by decided_at desc nulls first, requested_at, id
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Returns the waiting changes about one person.
pub(crate) async fn list_about(conn: &mut PgConnection, person: PersonId) -> Result<Vec<Stored>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, n, body, requested_by, requested_at, expires_at, state, decided_by, decided_at, entry_id
        from changes
        where subject_id = $1 and state = 'waiting'
        order by requested_at, id
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Returns waiting changes whose time has run out.
pub(crate) async fn list_run_out(conn: &mut PgConnection, now: u64, limit: i64) -> sqlx::Result<Vec<ChangeId>> {
    let rows = sqlx::query_scalar!(
        "select id from changes where state = 'waiting' and expires_at <= $1 order by expires_at limit $2",
        instant(now),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ChangeId::from).collect())
}

pub(crate) async fn set_decided(
    conn: &mut PgConnection,
    id: ChangeId,
    n: u64,
    decided: Decided,
    by: Option<PersonId>,
    (at, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update changes
        set n = $2, state = $3, decided_by = $4, decided_at = $5, decided_entry_id = $6
        where id = $1
        "#,
        id.0,
        n as i64,
        decided.word(),
        by.map(|person| person.0),
        instant(at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
