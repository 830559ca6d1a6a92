//! `grants`, `grant_uses` and `grant_misses`.

use countersign_domain::{
    grant::{GrantState, Miss},
    ids::{DecisionId, DecisionTypeId, EntryId, GrantId, PersonId, SystemId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A grant as it is stored; its scope and reasons are in the vault.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) id: GrantId,
    pub(crate) n: u64,
    pub(crate) state: GrantState,
    pub(crate) system: SystemId,
    pub(crate) type_id: DecisionTypeId,
    pub(crate) uses: u64,
    pub(crate) used: u64,
    pub(crate) seconds: u64,
    pub(crate) amount_max: Option<u64>,
    pub(crate) requested_by: PersonId,
    pub(crate) requested_at: u64,
    pub(crate) entry: EntryId,
    /// Who activated or refused it.
    pub(crate) judged_by: Option<PersonId>,
    /// The place of that act in the log, once it has one.
    pub(crate) judged_index: Option<u64>,
    pub(crate) ends_at: Option<u64>,
}

struct Row {
    id: Uuid,
    n: i64,
    state: String,
    system_id: Uuid,
    type_id: Uuid,
    uses: i32,
    used: i32,
    seconds: i64,
    amount_max: Option<i64>,
    requested_by: Uuid,
    requested_at: OffsetDateTime,
    entry_id: Uuid,
    judged_by: Option<Uuid>,
    judged_index: Option<i64>,
    ends_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Grant {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = || Error::Row { table: "grants", column: "state", id: row.id.to_string() };
        Ok(Self {
            id: row.id.into(),
            n: row.n as u64,
            state: GrantState::from_word(&row.state).ok_or_else(unreadable)?,
            system: row.system_id.into(),
            type_id: row.type_id.into(),
            uses: row.uses as u64,
            used: row.used as u64,
            seconds: row.seconds as u64,
            amount_max: row.amount_max.map(|amount| amount as u64),
            requested_by: row.requested_by.into(),
            requested_at: milliseconds(row.requested_at),
            entry: row.entry_id.into(),
            judged_by: row.judged_by.map(PersonId::from),
            judged_index: row.judged_index.map(|index| index as u64),
            ends_at: row.ends_at.map(milliseconds),
        })
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, grant: &Grant) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into grants
          (id, n, state, system_id, type_id, uses, seconds, amount_max, requested_by, requested_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        "#,
        grant.id.0,
        grant.n as i64,
        grant.state.word(),
        grant.system.0,
        grant.type_id.0,
        grant.uses as i32,
        grant.seconds as i64,
        grant.amount_max.map(|amount| amount as i64),
        grant.requested_by.0,
        instant(grant.requested_at),
        grant.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, id: GrantId) -> Result<Option<Grant>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select g.id, g.n, g.state, g.system_id, g.type_id, g.uses, g.used, g.seconds, g.amount_max, g.requested_by,
          g.requested_at, g.entry_id, g.judged_by, g.ends_at,
          (select e.idx from ledger_entries e where e.id = g.judged_entry_id) as judged_index
        from grants g
        where g.id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Grant::try_from).transpose()
}

pub(crate) async fn lock(conn: &mut PgConnection, id: GrantId) -> Result<Option<Grant>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select g.id, g.n, g.state, g.system_id, g.type_id, g.uses, g.used, g.seconds, g.amount_max, g.requested_by,
          g.requested_at, g.entry_id, g.judged_by, g.ends_at,
          (select e.idx from ledger_entries e where e.id = g.judged_entry_id) as judged_index
        from grants g
        where g.id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Grant::try_from).transpose()
}

/// Returns grants, the latest first.
pub(crate) async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<Grant>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select g.id, g.n, g.state, g.system_id, g.type_id, g.uses, g.used, g.seconds, g.amount_max, g.requested_by,
          g.requested_at, g.entry_id, g.judged_by, g.ends_at,
          (select e.idx from ledger_entries e where e.id = g.judged_entry_id) as judged_index
        from grants g
        order by g.state not in ('requested', 'active'), g.requested_at desc, g.id desc
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Grant::try_from).collect()
}

/// Returns the grants for a system and type that are active, and those that ended not long ago, the latest first.
pub(crate) async fn list_for(
    conn: &mut PgConnection,
    system: SystemId,
    type_id: DecisionTypeId,
    ended_since: u64,
    limit: i64,
) -> Result<Vec<Grant>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select g.id, g.n, g.state, g.system_id, g.type_id, g.uses, g.used, g.seconds, g.amount_max, g.requested_by,
          g.requested_at, g.entry_id, g.judged_by, g.ends_at,
          (select e.idx from ledger_entries e where e.id = g.judged_entry_id) as judged_index
        from grants g
        where g.system_id = $1 and g.type_id = $2 and g.ends_at is not null
          and (g.state = 'active' or g.ended_at >= $3)
        order by g.state <> 'active', g.judged_at desc, g.id desc
        limit $4
        "#,
        system.0,
        type_id.0,
        instant(ended_since),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Grant::try_from).collect()
}

/// Returns active grants whose time is over.
pub(crate) async fn list_due(conn: &mut PgConnection, now: u64, limit: i64) -> sqlx::Result<Vec<GrantId>> {
    let rows = sqlx::query_scalar!(
        "select id from grants where state = 'active' and ends_at <= $1 order by ends_at limit $2",
        instant(now),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(GrantId::from).collect())
}

/// Somebody activated it, with its end, or refused it.
pub(crate) async fn set_judged(
    conn: &mut PgConnection,
    grant: &Grant,
    (by, at, entry): (PersonId, u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update grants
        set n = $2, state = $3, judged_by = $4, judged_at = $5, judged_entry_id = $6, ends_at = $7
        where id = $1
        "#,
        grant.id.0,
        grant.n as i64,
        grant.state.word(),
        by.0,
        instant(at),
        entry.0,
        grant.ends_at.map(instant),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It approved one decision more.
pub(crate) async fn set_used(conn: &mut PgConnection, grant: &Grant) -> sqlx::Result<()> {
    sqlx::query!("update grants set n = $2, used = $3 where id = $1", grant.id.0, grant.n as i64, grant.used as i32,)
        .execute(conn)
        .await?;
    Ok(())
}

/// It approves nothing more.
pub(crate) async fn set_ended(
    conn: &mut PgConnection,
    grant: &Grant,
    (by, at, entry): (Option<PersonId>, u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update grants set n = $2, state = $3, ended_by = $4, ended_at = $5, ended_entry_id = $6 where id = $1",
        grant.id.0,
        grant.n as i64,
        grant.state.word(),
        by.map(|by| by.0),
        instant(at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn insert_use(
    conn: &mut PgConnection,
    grant: &Grant,
    decision: DecisionId,
    (at, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into grant_uses (decision_id, grant_id, number, used_at, entry_id) values ($1, $2, $3, $4, $5)",
        decision.0,
        grant.id.0,
        grant.used as i32,
        instant(at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the grant that approved a decision, and the entry of that use.
pub(crate) async fn find_use(
    conn: &mut PgConnection,
    decision: DecisionId,
) -> sqlx::Result<Option<(GrantId, EntryId)>> {
    let row = sqlx::query!("select grant_id, entry_id from grant_uses where decision_id = $1", decision.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.grant_id.into(), row.entry_id.into())))
}

/// Returns the entries of a grant's request, of the answer to it and of its end, as far as there are.
pub(crate) async fn list_entries(conn: &mut PgConnection, id: GrantId) -> sqlx::Result<Vec<EntryId>> {
    let row = sqlx::query!("select entry_id, judged_entry_id, ended_entry_id from grants where id = $1", id.0)
        .fetch_optional(conn)
        .await?;
    let entries = row.map(|row| [Some(row.entry_id), row.judged_entry_id, row.ended_entry_id]);
    Ok(entries.into_iter().flatten().flatten().map(EntryId::from).collect())
}

/// Returns the entries of a grant's uses, the latest first.
pub(crate) async fn list_uses(conn: &mut PgConnection, id: GrantId, limit: i64) -> sqlx::Result<Vec<EntryId>> {
    let rows = sqlx::query_scalar!(
        "select entry_id from grant_uses where grant_id = $1 order by number desc limit $2",
        id.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(EntryId::from).collect())
}

pub(crate) async fn insert_misses(
    conn: &mut PgConnection,
    decision: DecisionId,
    misses: &[(GrantId, Miss)],
) -> sqlx::Result<()> {
    let (grants, whys): (Vec<_>, Vec<_>) = misses.iter().map(|(grant, miss)| (grant.0, miss.word().to_owned())).unzip();
    sqlx::query!(
        r#"
        insert into grant_misses (decision_id, grant_id, why)
        select $1, missed.grant_id, missed.why
        from unnest($2::uuid[], $3::text[]) as missed (grant_id, why)
        "#,
        decision.0,
        &grants,
        &whys,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns why grants did not approve a decision, with the entry that holds the scope of each.
pub(crate) async fn list_misses(
    conn: &mut PgConnection,
    decision: DecisionId,
) -> sqlx::Result<Vec<(GrantId, EntryId, Miss)>> {
    let rows = sqlx::query!(
        r#"
        select m.grant_id, m.why, g.entry_id
        from grant_misses m
        join grants g on g.id = m.grant_id
        where m.decision_id = $1
        order by g.judged_at desc, g.id desc
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.grant_id.into(), row.entry_id.into(), Miss::from_word(&row.why)?)))
        .collect())
}

/// Returns who made keys of a system that were not revoked.
pub(crate) async fn list_key_makers(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<Vec<PersonId>> {
    let rows = sqlx::query_scalar!(
        r#"
        select distinct issued_by as "issued_by!"
        from agent_keys
        where system_id = $1 and issued_by is not null and revoked_at is null
        "#,
        system.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PersonId::from).collect())
}
