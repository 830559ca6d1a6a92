//! `system_owners`: who answers for each system, and who did before.

use countersign_domain::ids::{EntryId, PersonId, SystemId};
use sqlx::PgConnection;

use crate::clock::{instant, milliseconds};

/// The last word on who owns a system.
pub(crate) struct Owner {
    pub(crate) system: SystemId,
    /// Nobody, where the owner was taken away.
    pub(crate) person: Option<PersonId>,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    system: SystemId,
    n: u64,
    owner: Option<PersonId>,
    (by, at, entry): (PersonId, u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into system_owners (entry_id, system_id, n, person_id, named_by, named_at) values ($1, $2, $3, $4, $5, $6)",
        entry.0,
        system.0,
        n as i64,
        owner.map(|owner| owner.0),
        by.0,
        instant(at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns who owns a system.
pub(crate) async fn find(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<Option<PersonId>> {
    let owner = sqlx::query_scalar!("select person_id from current_owners where system_id = $1", system.0)
        .fetch_optional(conn)
        .await?;
    Ok(owner.flatten().map(PersonId::from))
}

/// Returns the last word on every system that anybody was ever named for.
pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Owner>> {
    let rows = sqlx::query!(
        r#"
        select system_id as "system_id!", person_id, named_at as "named_at!", entry_id as "entry_id!"
        from current_owners
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Owner {
            system: row.system_id.into(),
            person: row.person_id.map(PersonId::from),
            at: milliseconds(row.named_at),
            entry: row.entry_id.into(),
        })
        .collect())
}

/// Returns who owned a system when an entry about a decision of it was written, and the entry that named them.
pub(crate) async fn find_at(
    conn: &mut PgConnection,
    system: SystemId,
    entry: EntryId,
) -> sqlx::Result<Option<(PersonId, EntryId)>> {
    // Entries have their order by their place in the log, and until they have one by their ids, which begin with the time.
    let row = sqlx::query!(
        r#"
        select o.person_id, o.entry_id
        from system_owners o
        join ledger_entries named on named.id = o.entry_id
        join ledger_entries at on at.id = $2
        where o.system_id = $1
          and case when named.idx is null or at.idx is null then named.id < at.id else named.idx < at.idx end
        order by o.n desc
        limit 1
        "#,
        system.0,
        entry.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| Some((row.person_id?.into(), row.entry_id.into()))))
}

/// Counts the open decisions of a system that a review by a person, or in their place, would decide or help to.
pub(crate) async fn count_ruled(conn: &mut PgConnection, system: SystemId, person: PersonId) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(distinct d.id) as "count!"
        from reviews r
        join decisions d on d.id = r.decision_id
        where d.system_id = $1 and $2 in (r.person_id, r.on_behalf_id) and r.state = 'submitted'
          and d.state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
          and (r.round = d.round and r.verdict in ('approve', 'reject')
            or r.round + 1 = d.round and r.verdict = 'approve_with_edits')
        "#,
        system.0,
        person.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}
