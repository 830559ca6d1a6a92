//! `resolutions` and `releases`.

use countersign_domain::{
    decision::{ReasonCode, ResolutionOutcome},
    ids::{DecisionId, EntryId, ResolutionId},
};
use sqlx::PgConnection;

use super::revocations::{self, Revocation};
use crate::clock::{instant, milliseconds};

pub(crate) struct Resolution {
    pub(crate) outcome: ResolutionOutcome,
    pub(crate) reviews: u64,
    pub(crate) code: Option<ReasonCode>,
    /// A rule decided, and no person.
    pub(crate) by_rule: bool,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
    pub(crate) index: Option<u64>,
    pub(crate) released_at: Option<u64>,
    /// The approval was taken back.
    pub(crate) revoked: Option<Revocation>,
}

impl Resolution {
    /// What stands: the word that was given, or that it was taken back.
    pub(crate) fn standing(&self) -> ResolutionOutcome {
        match self.revoked {
            Some(_) => ResolutionOutcome::Revoked,
            None => self.outcome,
        }
    }

    /// The entry that says what stands, and its place once it has one.
    pub(crate) fn said(&self) -> (EntryId, Option<u64>) {
        match &self.revoked {
            Some(revoked) => (revoked.resolved, revoked.resolved_index),
            None => (self.entry, self.index),
        }
    }

    /// Tells whether a log of this signed size covers it.
    pub(crate) fn is_sealed(&self, size: u64) -> bool {
        self.index.is_some_and(|index| index < size)
    }
}

pub(crate) struct New {
    pub(crate) id: ResolutionId,
    pub(crate) decision: DecisionId,
    pub(crate) outcome: ResolutionOutcome,
    pub(crate) round: u64,
    pub(crate) reviews: u64,
    pub(crate) code: Option<ReasonCode>,
    pub(crate) by_rule: bool,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into resolutions (id, decision_id, outcome, round, reviews, code, resolved_at, entry_id, cause)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id.0,
        new.decision.0,
        new.outcome.word(),
        new.round as i32,
        new.reviews as i32,
        new.code.map(ReasonCode::word),
        instant(new.now),
        new.entry.0,
        match (new.outcome, new.by_rule, new.code) {
            (ResolutionOutcome::Withdrawn, ..) => Some("requester"),
            (_, true, _) => Some("rule"),
            (_, false, Some(ReasonCode::SystemPaused)) => Some("pause"),
            (_, false, _) => None,
        },
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Option<Resolution>> {
    let row = sqlx::query!(
        r#"
        select r.outcome, r.reviews, r.code, r.cause, r.resolved_at, r.entry_id, e.idx as "idx?", l.released_at as "released_at?"
        from resolutions r
        join ledger_entries e on e.id = r.entry_id
        left join releases l on l.decision_id = r.decision_id
        where r.decision_id = $1
        "#,
        decision.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let revoked = revocations::find(conn, decision).await?;
    Ok(ResolutionOutcome::from_word(&row.outcome).map(|outcome| Resolution {
        outcome,
        reviews: row.reviews as u64,
        code: row.code.as_deref().and_then(ReasonCode::from_word),
        by_rule: row.cause.as_deref() == Some("rule"),
        at: milliseconds(row.resolved_at),
        entry: row.entry_id.into(),
        index: row.idx.map(|index| index as u64),
        released_at: row.released_at.map(milliseconds),
        revoked,
    }))
}

pub(crate) async fn insert_release(
    conn: &mut PgConnection,
    decision: DecisionId,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into releases (decision_id, released_at, entry_id) values ($1, $2, $3)",
        decision.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
