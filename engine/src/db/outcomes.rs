//! `outcomes`.

use countersign_domain::{
    decision::{Effect, OutcomeResult},
    ids::{DecisionId, EntryId, OutcomeId},
};
use sqlx::PgConnection;

use crate::clock::{instant, milliseconds};

pub(crate) struct Outcome {
    pub(crate) result: OutcomeResult,
    pub(crate) effect: Effect,
    pub(crate) at: u64,
    pub(crate) index: Option<i64>,
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: OutcomeId,
    decision: DecisionId,
    result: OutcomeResult,
    effect: Effect,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into outcomes (id, decision_id, result, effect, reported_at, entry_id) values ($1, $2, $3, $4, $5, $6)",
        id.0,
        decision.0,
        result.word(),
        effect.word(),
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn list(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<Outcome>> {
    let rows = sqlx::query!(
        r#"
        select o.result, o.effect, o.reported_at, e.idx as "idx?"
        from outcomes o
        join ledger_entries e on e.id = o.entry_id
        where o.decision_id = $1
        order by o.reported_at, o.id
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Outcome {
                result: OutcomeResult::from_word(&row.result)?,
                effect: Effect::from_word(&row.effect)?,
                at: milliseconds(row.reported_at),
                index: row.idx,
            })
        })
        .collect())
}
