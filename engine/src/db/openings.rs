//! `openings`: masked fields that somebody opened with a reason, for one sign-in and a short time.

use countersign_domain::ids::{DecisionId, EntryId, PersonId, SessionId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

pub(crate) struct New<'a> {
    pub(crate) id: Uuid,
    pub(crate) decision: DecisionId,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) field: &'a str,
    pub(crate) now: u64,
    pub(crate) expires_at: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into openings (id, decision_id, person_id, session_id, field, opened_at, expires_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        new.id,
        new.decision.0,
        new.person.0,
        new.session.0,
        new.field,
        instant(new.now),
        instant(new.expires_at),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the fields of a decision that a sign-in has open, each with its end.
pub(crate) async fn list(
    conn: &mut PgConnection,
    decision: DecisionId,
    session: SessionId,
    now: u64,
) -> sqlx::Result<Vec<(String, u64)>> {
    let rows = sqlx::query!(
        r#"
        select field, max(expires_at) as "until!: OffsetDateTime"
        from openings
        where session_id = $1 and decision_id = $2 and expires_at > $3
        group by field
        "#,
        session.0,
        decision.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.field, milliseconds(row.until))).collect())
}

/// Returns the fields of a decision that a sign-in had open at a moment.
pub(crate) async fn list_at(
    conn: &mut PgConnection,
    decision: DecisionId,
    session: SessionId,
    at: u64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select distinct field
        from openings
        where session_id = $1 and decision_id = $2 and opened_at <= $3 and expires_at > $3
        order by field
        "#,
        session.0,
        decision.0,
        instant(at),
    )
    .fetch_all(conn)
    .await
}
