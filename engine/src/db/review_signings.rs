//! `review_signings`: what one assertion is asked to sign.

use countersign_domain::{
    decision::{ReasonCode, Verdict},
    ids::PresentationId,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

pub(crate) struct Signing {
    pub(crate) id: Uuid,
    pub(crate) presentation: PresentationId,
    pub(crate) verdict: Verdict,
    pub(crate) code: Option<ReasonCode>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) expires_at: u64,
    pub(crate) used: bool,
}

pub(crate) struct New<'a> {
    pub(crate) id: Uuid,
    pub(crate) nonce: &'a [u8],
    pub(crate) presentation: PresentationId,
    pub(crate) verdict: Verdict,
    pub(crate) code: Option<ReasonCode>,
    pub(crate) sealed: &'a [u8],
    pub(crate) challenge: &'a [u8],
    pub(crate) expires_at: u64,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into review_signings (id, nonce, presentation_id, verdict, code, sealed, challenge, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        new.id,
        new.nonce,
        new.presentation.0,
        new.verdict.word(),
        new.code.map(ReasonCode::word),
        new.sealed,
        new.challenge,
        instant(new.expires_at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds by nonce, and keeps it as it is until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, nonce: &[u8]) -> sqlx::Result<Option<Signing>> {
    let row = sqlx::query!(
        r#"
        select id, presentation_id, verdict, code, sealed, challenge, expires_at, used_at
        from review_signings
        where nonce = $1
        for update
        "#,
        nonce,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(Signing {
            id: row.id,
            presentation: row.presentation_id.into(),
            verdict: Verdict::from_word(&row.verdict)?,
            code: row.code.as_deref().and_then(ReasonCode::from_word),
            sealed: row.sealed,
            challenge: row.challenge,
            expires_at: milliseconds(row.expires_at),
            used: row.used_at.is_some(),
        })
    }))
}

pub(crate) async fn set_used(conn: &mut PgConnection, id: Uuid, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update review_signings set used_at = $2 where id = $1", id, instant(now)).execute(conn).await?;
    Ok(())
}
