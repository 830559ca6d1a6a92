//! What the accountability chain of a decision reads beyond its pages: the entries behind rows of several tables.

use countersign_domain::{
    change::Change,
    decision::{Effect, OutcomeResult},
    ids::{DecisionId, EntryId, PersonId, PolicyVersionId, ProviderId, SystemId},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A route that a decision took, and the entry that says so.
pub(crate) struct Routed {
    pub(crate) entry: EntryId,
    pub(crate) escalated: bool,
    pub(crate) version: PolicyVersionId,
    pub(crate) rule: u64,
}

/// A change that a second person confirmed.
pub(crate) struct Confirmed {
    pub(crate) change: Change,
    pub(crate) decided_at: u64,
    /// The entry that asked for it.
    pub(crate) asked: EntryId,
    /// The entry that confirmed it.
    pub(crate) decided: EntryId,
}

/// A mapping in force at a moment.
pub(crate) struct Mapped {
    /// The entry that wrote it.
    pub(crate) entry: EntryId,
    /// The entries that asked for a second person and confirmed it, where one was needed.
    pub(crate) confirmed: Option<(EntryId, EntryId)>,
}

/// Returns the public ids of the keys that these entries issued.
pub(crate) async fn keys(conn: &mut PgConnection, issued: &[Uuid]) -> sqlx::Result<Vec<(EntryId, String)>> {
    let rows = sqlx::query!("select entry_id, key_id from agent_keys where entry_id = any($1)", issued)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.entry_id.into(), row.key_id)).collect())
}

/// Returns the entry that registered a system.
pub(crate) async fn registered(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<EntryId> {
    let entry = sqlx::query_scalar!("select entry_id from systems where id = $1", system.0).fetch_one(conn).await?;
    Ok(entry.into())
}

/// Returns the routes of a decision, oldest first.
pub(crate) async fn routes(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<Routed>> {
    let rows = sqlx::query!(
        r#"
        select entry_id, kind, policy_version_id, rule
        from decision_routes
        where decision_id = $1
        order by n
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Routed {
            entry: row.entry_id.into(),
            escalated: row.kind == "decision.escalated",
            version: row.policy_version_id.into(),
            rule: row.rule as u64,
        })
        .collect())
}

/// Returns the reviews of a decision that count no more, each with the entry that says so.
pub(crate) async fn ended(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<(EntryId, EntryId)>> {
    let rows = sqlx::query!(
        r#"
        select entry_id, ended_entry_id as "ended_entry_id!"
        from reviews
        where decision_id = $1 and ended_entry_id is not null
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.entry_id.into(), row.ended_entry_id.into())).collect())
}

/// Returns the confirmed changes that gave one of these people a role, oldest first.
pub(crate) async fn confirmed(conn: &mut PgConnection, people: &[PersonId]) -> Result<Vec<Confirmed>> {
    let ids: Vec<_> = people.iter().map(|person| person.0).collect();
    let rows = sqlx::query!(
        r#"
        select id, body, decided_at as "decided_at!", entry_id, decided_entry_id as "decided_entry_id!"
        from changes
        where subject_id = any($1) and kind = 'assign_role' and state = 'confirmed'
        order by decided_at, id
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = |_| Error::Row { table: "changes", column: "body", id: row.id.to_string() };
            Ok(Confirmed {
                change: serde_json::from_str(&row.body).map_err(unreadable)?,
                decided_at: milliseconds(row.decided_at),
                asked: row.entry_id.into(),
                decided: row.decided_entry_id.into(),
            })
        })
        .collect()
}

/// Returns the mapping of a provider that was in force at a moment.
pub(crate) async fn mapped(conn: &mut PgConnection, provider: ProviderId, at: u64) -> sqlx::Result<Option<Mapped>> {
    let row = sqlx::query!(
        r#"
        select m.entry_id, c.entry_id as "asked?", c.decided_entry_id as "decided?"
        from role_mappings m
        left join changes c on c.kind = 'apply_mapping' and c.state = 'confirmed' and position(m.id::text in c.body) > 0
        where m.provider_id = $1 and m.activated_at <= $2 and (m.superseded_at is null or m.superseded_at > $2)
        order by m.activated_at desc, c.decided_at desc
        limit 1
        "#,
        provider.0,
        instant(at),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Mapped {
        entry: row.entry_id.into(),
        confirmed: row.asked.map(EntryId::from).zip(row.decided.map(EntryId::from)),
    }))
}

/// Returns the entry that paused a system at a moment.
pub(crate) async fn paused(conn: &mut PgConnection, system: SystemId, at: u64) -> sqlx::Result<Option<EntryId>> {
    let entry = sqlx::query_scalar!(
        r#"
        select entry_id
        from pauses
        where system_id = $1 and paused_at <= $2 and (resumed_at is null or resumed_at > $2)
        order by paused_at desc
        limit 1
        "#,
        system.0,
        instant(at),
    )
    .fetch_optional(conn)
    .await?;
    Ok(entry.map(EntryId::from))
}

/// Returns the entry that took a proposal back.
pub(crate) async fn withdrawn(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Option<EntryId>> {
    let entry = sqlx::query_scalar!("select entry_id from withdrawals where decision_id = $1", decision.0)
        .fetch_optional(conn)
        .await?;
    Ok(entry.map(EntryId::from))
}

/// Returns the entry that told the agent.
pub(crate) async fn released(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Option<EntryId>> {
    let entry = sqlx::query_scalar!("select entry_id from releases where decision_id = $1", decision.0)
        .fetch_optional(conn)
        .await?;
    Ok(entry.map(EntryId::from))
}

/// Returns the reported outcomes with their entries, oldest first.
pub(crate) async fn outcomes(
    conn: &mut PgConnection,
    decision: DecisionId,
) -> Result<Vec<(OutcomeResult, Effect, EntryId)>> {
    let rows = sqlx::query!(
        "select id, result, effect, entry_id from outcomes where decision_id = $1 order by reported_at, id",
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = |column| Error::Row { table: "outcomes", column, id: row.id.to_string() };
            let result = OutcomeResult::from_word(&row.result).ok_or_else(|| unreadable("result"))?;
            let effect = Effect::from_word(&row.effect).ok_or_else(|| unreadable("effect"))?;
            Ok((result, effect, row.entry_id.into()))
        })
        .collect()
}
