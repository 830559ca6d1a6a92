//! `presentations`: what was sent to one screen, once.

use countersign_domain::{
    decision::{ReasonCode, Verdict},
    ids::{BulkRunId, DecisionId, EntryId, PersonId, PolicyVersionId, PresentationId, SessionId},
};
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
    /// The page of several decisions that it is a part of, and what was sent from there, once anything was.
    pub(crate) bulk: Option<(BulkRunId, Option<Sent>)>,
    /// In whose place the form of such a page rules on it, where it is not in the person's own right.
    pub(crate) on_behalf: Option<PersonId>,
}

/// What was sent from a page of several decisions.
pub(crate) struct Sent {
    pub(crate) verdict: Verdict,
    pub(crate) code: ReasonCode,
    /// The version that routed the decisions when they were shown.
    pub(crate) policy: PolicyVersionId,
}

pub(crate) async fn insert(conn: &mut PgConnection, shown: &Presentation, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into presentations
          (id, decision_id, person_id, session_id, seen, content_hash, issued_at, expires_at, entry_id, bulk_id, unopened,
           on_behalf_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
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
        shown.bulk.map(|bulk| bulk.0),
        shown.unopened,
        shown.on_behalf.map(|delegator| delegator.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn lock(conn: &mut PgConnection, id: PresentationId) -> sqlx::Result<Option<Issued>> {
    let row = sqlx::query!(
        r#"
        select p.decision_id, p.person_id, p.session_id, p.seen, p.content_hash, p.expires_at, p.consumed_at, p.bulk_id,
          p.on_behalf_id, b.verdict as "verdict?", b.code as "code?", b.policy_version_id as "policy?"
        from presentations p
        left join bulk_runs b on b.id = p.bulk_id
        where p.id = $1
        for update of p
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
        on_behalf: row.on_behalf_id.map(PersonId::from),
        bulk: row.bulk_id.map(|id| {
            let verdict = row.verdict.as_deref().and_then(Verdict::from_word);
            let code = row.code.as_deref().and_then(ReasonCode::from_word);
            let sent = verdict.zip(code).zip(row.policy);
            (id.into(), sent.map(|((verdict, code), policy)| Sent { verdict, code, policy: policy.into() }))
        }),
    }))
}

pub(crate) async fn consume(conn: &mut PgConnection, id: PresentationId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update presentations set consumed_at = $2 where id = $1", id.0, instant(now)).execute(conn).await?;
    Ok(())
}

/// The screen that a review was given on.
pub(crate) struct Reviewed {
    pub(crate) session: SessionId,
    pub(crate) seen: Vec<u8>,
    pub(crate) issued_at: u64,
    /// The entry that recorded it.
    pub(crate) entry: EntryId,
    pub(crate) index: Option<i64>,
}

/// Returns the screen that a review of a decision was given on.
pub(crate) async fn find_reviewed(
    conn: &mut PgConnection,
    decision: DecisionId,
    review: EntryId,
) -> sqlx::Result<Option<Reviewed>> {
    let row = sqlx::query!(
        r#"
        select p.session_id, p.seen, p.issued_at, p.entry_id, e.idx as "idx?"
        from reviews r
        join presentations p on p.id = r.presentation_id
        join ledger_entries e on e.id = p.entry_id
        where r.entry_id = $1 and r.decision_id = $2
        "#,
        review.0,
        decision.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Reviewed {
        session: row.session_id.into(),
        seen: row.seen,
        issued_at: milliseconds(row.issued_at),
        entry: row.entry_id.into(),
        index: row.idx,
    }))
}

/// Digest of what the presentation showed.
pub(crate) fn digest(bytes: &[u8]) -> sqlx::Result<Hash> {
    Hash::from_slice(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
