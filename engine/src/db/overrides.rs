//! `overrides`: what a rule refused and a person released.

use countersign_domain::{
    decision::ReasonCode,
    ids::{DecisionId, EntryId, PersonId},
};
use sqlx::PgConnection;

use crate::clock::{instant, milliseconds};

pub(crate) struct Override {
    pub(crate) by: PersonId,
    pub(crate) code: ReasonCode,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
    pub(crate) index: Option<u64>,
    /// The entry of the resolution that approves.
    pub(crate) resolved: EntryId,
    pub(crate) resolved_index: Option<u64>,
    /// When its agent read that, and the entry of it.
    pub(crate) told: Option<(u64, EntryId)>,
}

pub(crate) struct New {
    pub(crate) decision: DecisionId,
    pub(crate) by: PersonId,
    pub(crate) code: ReasonCode,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
    pub(crate) resolved: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into overrides (decision_id, overridden_by, code, overridden_at, entry_id, resolved_entry_id)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        new.decision.0,
        new.by.0,
        new.code.word(),
        instant(new.now),
        new.entry.0,
        new.resolved.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Option<Override>> {
    let row = sqlx::query!(
        r#"
        select o.overridden_by, o.code, o.overridden_at, o.entry_id, o.resolved_entry_id, o.told_at, o.told_entry_id,
          e.idx as "idx?", r.idx as "resolved_idx?"
        from overrides o
        join ledger_entries e on e.id = o.entry_id
        join ledger_entries r on r.id = o.resolved_entry_id
        where o.decision_id = $1
        "#,
        decision.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(Override {
            by: row.overridden_by.into(),
            code: ReasonCode::from_word(&row.code)?,
            at: milliseconds(row.overridden_at),
            entry: row.entry_id.into(),
            index: row.idx.map(|index| index as u64),
            resolved: row.resolved_entry_id.into(),
            resolved_index: row.resolved_idx.map(|index| index as u64),
            told: row.told_at.map(milliseconds).zip(row.told_entry_id.map(EntryId::from)),
        })
    }))
}

/// The agent read that it is approved.
pub(crate) async fn set_told(
    conn: &mut PgConnection,
    decision: DecisionId,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update overrides set told_at = $2, told_entry_id = $3 where decision_id = $1",
        decision.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
