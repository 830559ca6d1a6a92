//! `reviews`.

use countersign_domain::{
    decision::{ReasonCode, Verdict},
    ids::{DecisionId, EntryId, PersonId, PresentationId, ReviewId},
};
use sqlx::PgConnection;

use crate::clock::{instant, milliseconds};

pub(crate) struct Review {
    pub(crate) decision: DecisionId,
    pub(crate) round: u64,
    pub(crate) person: PersonId,
    pub(crate) verdict: Verdict,
    pub(crate) code: ReasonCode,
    /// The reviewer was a senior approver for it then.
    pub(crate) senior: bool,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
    pub(crate) index: Option<i64>,
}

pub(crate) struct New {
    pub(crate) id: ReviewId,
    pub(crate) decision: DecisionId,
    pub(crate) round: u64,
    pub(crate) person: PersonId,
    pub(crate) verdict: Verdict,
    pub(crate) code: ReasonCode,
    pub(crate) senior: bool,
    pub(crate) presentation: PresentationId,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into reviews
          (id, decision_id, round, person_id, verdict, code, state, presentation_id, reviewed_at, entry_id, senior)
        values ($1, $2, $3, $4, $5, $6, 'submitted', $7, $8, $9, $10)
        "#,
        new.id.0,
        new.decision.0,
        new.round as i32,
        new.person.0,
        new.verdict.word(),
        new.code.word(),
        new.presentation.0,
        instant(new.now),
        new.entry.0,
        new.senior,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counted reviews of a decision, oldest first.
pub(crate) async fn list(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<Review>> {
    let rows = sqlx::query!(
        r#"
        select r.decision_id, r.round, r.person_id, r.verdict, r.code, r.senior, r.reviewed_at, r.entry_id, e.idx as "idx?"
        from reviews r
        join ledger_entries e on e.id = r.entry_id
        where r.decision_id = $1 and r.state = 'submitted'
        order by r.reviewed_at, r.id
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Review {
                decision: row.decision_id.into(),
                round: row.round as u64,
                person: row.person_id.into(),
                verdict: Verdict::from_word(&row.verdict)?,
                code: ReasonCode::from_word(&row.code)?,
                senior: row.senior,
                at: milliseconds(row.reviewed_at),
                entry: row.entry_id.into(),
                index: row.idx,
            })
        })
        .collect())
}

/// A person's latest reviews, newest first.
pub(crate) async fn list_by(conn: &mut PgConnection, person: PersonId, limit: i64) -> sqlx::Result<Vec<Review>> {
    let rows = sqlx::query!(
        r#"
        select r.decision_id, r.round, r.person_id, r.verdict, r.code, r.senior, r.reviewed_at, r.entry_id, e.idx as "idx?"
        from reviews r
        join ledger_entries e on e.id = r.entry_id
        where r.person_id = $1
        order by r.reviewed_at desc, r.id
        limit $2
        "#,
        person.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Review {
                decision: row.decision_id.into(),
                round: row.round as u64,
                person: row.person_id.into(),
                verdict: Verdict::from_word(&row.verdict)?,
                code: ReasonCode::from_word(&row.code)?,
                senior: row.senior,
                at: milliseconds(row.reviewed_at),
                entry: row.entry_id.into(),
                index: row.idx,
            })
        })
        .collect())
}
