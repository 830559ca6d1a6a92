//! `presentations`: what was sent to one screen, once.

use countersign_domain::ids::{DecisionId, EntryId, PersonId, PresentationId, SessionId};
use countersign_ledger::hash::Hash;
use sqlx::PgConnection;

use crate::{
    clock::{instant, milliseconds},
    reads::Presentation,
};

pub(crate) struct Issued {
    pub(crate) decision: DecisionId,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) seen: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) expires_at: u64,
    pub(crate) consumed: bool,
}

pub(crate) async fn insert(conn: &mut PgConnection, shown: &Presentation, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into presentations
          (id, decision_id, person_id, session_id, seen, content_hash, issued_at, expires_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        shown.id.0,
        shown.decision.0,
        shown.person.0,
        shown.session.0,
        &shown.seen.0,
        &shown.content.0,
        instant(shown.issued_at),
        instant(shown.expires_at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn lock(conn: &mut PgConnection, id: PresentationId) -> sqlx::Result<Option<Issued>> {
    let row = sqlx::query!(
        r#"
        select decision_id, person_id, session_id, seen, content_hash, expires_at, consumed_at
        from presentations
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Issued {
        decision: row.decision_id.into(),
        person: row.person_id.into(),
        session: row.session_id.into(),
        seen: row.seen,
        content: row.content_hash,
        expires_at: milliseconds(row.expires_at),
        consumed: row.consumed_at.is_some(),
    }))
}

pub(crate) async fn consume(conn: &mut PgConnection, id: PresentationId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update presentations set consumed_at = $2 where id = $1", id.0, instant(now)).execute(conn).await?;
    Ok(())
}

/// Digest of what the presentation showed.
pub(crate) fn digest(bytes: &[u8]) -> sqlx::Result<Hash> {
    Hash::from_slice(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
