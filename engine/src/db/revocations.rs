//! `revocations`: approvals that were taken back, and what became of what their actions did.

use countersign_domain::{
    decision::ReasonCode,
    ids::{DecisionId, EntryId, PersonId},
    revocation::Compensation,
};
use sqlx::PgConnection;

use crate::clock::{instant, milliseconds};

pub(crate) struct Revocation {
    pub(crate) by: PersonId,
    pub(crate) code: ReasonCode,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
    pub(crate) index: Option<u64>,
    /// The entry of the resolution that says so.
    pub(crate) resolved: EntryId,
    pub(crate) resolved_index: Option<u64>,
    /// When its agent read that, and the entry of it.
    pub(crate) told: Option<(u64, EntryId)>,
    pub(crate) compensation: Option<Compensation>,
    /// Who said last what was done, when, and the entry.
    pub(crate) compensated: Option<(PersonId, u64, EntryId)>,
}

pub(crate) struct New {
    pub(crate) decision: DecisionId,
    pub(crate) by: PersonId,
    pub(crate) code: ReasonCode,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
    pub(crate) resolved: EntryId,
    pub(crate) compensation: Option<Compensation>,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into revocations (decision_id, revoked_by, code, revoked_at, entry_id, resolved_entry_id, compensation)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        new.decision.0,
        new.by.0,
        new.code.word(),
        instant(new.now),
        new.entry.0,
        new.resolved.0,
        new.compensation.map(Compensation::word),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Option<Revocation>> {
    let row = sqlx::query!(
        r#"
        select v.revoked_by, v.code, v.revoked_at, v.entry_id, v.resolved_entry_id, v.told_at, v.told_entry_id, v.compensation,
          v.compensated_by, v.compensated_at, v.compensated_entry_id, e.idx as "idx?", r.idx as "resolved_idx?"
        from revocations v
        join ledger_entries e on e.id = v.entry_id
        join ledger_entries r on r.id = v.resolved_entry_id
        where v.decision_id = $1
        "#,
        decision.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(Revocation {
            by: row.revoked_by.into(),
            code: ReasonCode::from_word(&row.code)?,
            at: milliseconds(row.revoked_at),
            entry: row.entry_id.into(),
            index: row.idx.map(|index| index as u64),
            resolved: row.resolved_entry_id.into(),
            resolved_index: row.resolved_idx.map(|index| index as u64),
            told: row.told_at.map(milliseconds).zip(row.told_entry_id.map(EntryId::from)),
            compensation: row.compensation.as_deref().and_then(Compensation::from_word),
            compensated: match (row.compensated_by, row.compensated_at, row.compensated_entry_id) {
                (Some(by), Some(at), Some(entry)) => Some((by.into(), milliseconds(at), entry.into())),
                _ => None,
            },
        })
    }))
}

/// The agent read that the approval is revoked.
pub(crate) async fn set_told(
    conn: &mut PgConnection,
    decision: DecisionId,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update revocations set told_at = $2, told_entry_id = $3 where decision_id = $1",
        decision.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The action turns out to have had an effect: somebody has to see to it. Tells whether that is new.
pub(crate) async fn open_compensation(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<bool> {
    let opened = sqlx::query!(
        "update revocations set compensation = 'open' where decision_id = $1 and compensation is null",
        decision.0,
    )
    .execute(conn)
    .await?;
    Ok(opened.rows_affected() == 1)
}

/// Ends what is open; tells whether it was.
pub(crate) async fn set_compensated(
    conn: &mut PgConnection,
    decision: DecisionId,
    result: Compensation,
    by: PersonId,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update revocations
        set compensation = $2, compensated_by = $3, compensated_at = $4, compensated_entry_id = $5
        where decision_id = $1 and compensation = 'open'
        "#,
        decision.0,
        result.word(),
        by.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
