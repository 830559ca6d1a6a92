//! `delegations`, and the roles by which somebody acts in another's place.

use std::collections::HashSet;

use countersign_domain::{
    decision::Risk,
    delegation::{Terms, Tie},
    holding::{Holding, RoleScope},
    ids::{DelegationId, EntryId, PersonId, SystemId},
    role::Role,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::roles::{limits, scope, systems};
use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A stored delegation.
#[derive(Clone, Debug)]
pub(crate) struct Delegation {
    pub(crate) id: DelegationId,
    pub(crate) delegator: PersonId,
    pub(crate) terms: Terms,
    /// The entry that gave it, and its place.
    pub(crate) entry: EntryId,
    pub(crate) index: Option<i64>,
    /// When it was ended before its time, by whom, and the entry that says so.
    pub(crate) ended: Option<(u64, PersonId, EntryId)>,
}

struct Row {
    id: Uuid,
    delegator_id: Uuid,
    delegate_id: Uuid,
    systems: Option<Vec<Uuid>>,
    types: Option<Vec<String>>,
    risk_max: Option<String>,
    amount_max: Option<i64>,
    from_at: OffsetDateTime,
    until_at: OffsetDateTime,
    entry_id: Uuid,
    idx: Option<i64>,
    ended_at: Option<OffsetDateTime>,
    ended_by: Option<Uuid>,
    ended_entry_id: Option<Uuid>,
}

impl TryFrom<Row> for Delegation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let limits = limits(row.types, row.risk_max.as_deref(), row.amount_max).ok_or_else(|| unreadable(row.id))?;
        let terms = Terms {
            to: row.delegate_id.into(),
            scope: scope(row.systems),
            limits,
            from: milliseconds(row.from_at),
            until: milliseconds(row.until_at),
        };
        let ended = match (row.ended_at, row.ended_by, row.ended_entry_id) {
            (Some(at), Some(by), Some(entry)) => Some((milliseconds(at), by.into(), entry.into())),
            _ => None,
        };
        Ok(Self {
            id: row.id.into(),
            delegator: row.delegator_id.into(),
            terms,
            entry: row.entry_id.into(),
            index: row.idx,
            ended,
        })
    }
}

fn unreadable(id: Uuid) -> Error {
    Error::Row { table: "delegations", column: "risk_max", id: id.to_string() }
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: DelegationId,
    delegator: PersonId,
    terms: &Terms,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    let systems = systems(&terms.scope);
    let types = (!terms.limits.types.is_empty()).then_some(terms.limits.types.as_slice());
    sqlx::query!(
        r#"
        insert into delegations
          (id, delegator_id, delegate_id, systems, types, risk_max, amount_max, from_at, until_at, given_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        "#,
        id.0,
        delegator.0,
        terms.to.0,
        systems.as_deref(),
        types,
        terms.limits.risk.map(Risk::word),
        terms.limits.amount.map(|amount| amount as i64),
        instant(terms.from),
        instant(terms.until),
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets one delegation at a time be given, so that of two that would make a chain or a circle the second sees the first.
pub(crate) async fn lock_giving(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(29, 10)").execute(conn).await?;
    Ok(())
}

/// Ends a delegation before its time. False when it was ended before.
pub(crate) async fn end(
    conn: &mut PgConnection,
    id: DelegationId,
    by: PersonId,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        r#"
        update delegations
        set ended_at = $2, ended_by = $3, ended_entry_id = $4
        where id = $1 and ended_at is null
        "#,
        id.0,
        instant(now),
        by.0,
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Finds a delegation.
pub(crate) async fn find(conn: &mut PgConnection, id: DelegationId) -> Result<Option<Delegation>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select g.id, g.delegator_id, g.delegate_id, g.systems, g.types, g.risk_max, g.amount_max, g.from_at, g.until_at,
          g.entry_id, e.idx, g.ended_at, g.ended_by, g.ended_entry_id
        from delegations g
        join ledger_entries e on e.id = g.entry_id
        where g.id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Delegation::try_from).transpose()
}

/// Lists the delegations given by or to a person, the latest first; those of everybody without one. With `open`, only
/// those that nothing has ended and whose time is not over.
pub(crate) async fn list(
    conn: &mut PgConnection,
    person: Option<PersonId>,
    open: Option<u64>,
    limit: i64,
) -> Result<Vec<Delegation>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select g.id, g.delegator_id, g.delegate_id, g.systems, g.types, g.risk_max, g.amount_max, g.from_at, g.until_at,
          g.entry_id, e.idx, g.ended_at, g.ended_by, g.ended_entry_id
        from delegations g
        join ledger_entries e on e.id = g.entry_id
        where ($1::uuid is null or $1 in (g.delegator_id, g.delegate_id))
          and ($2::timestamptz is null or (g.ended_at is null and g.until_at > $2))
        order by g.given_at desc, g.id desc
        limit $3
        "#,
        person.map(|person| person.0),
        open.map(instant),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Delegation::try_from).collect()
}

/// Lists delegations by their ids.
pub(crate) async fn list_by_id(conn: &mut PgConnection, ids: &[DelegationId]) -> Result<Vec<Delegation>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select g.id, g.delegator_id, g.delegate_id, g.systems, g.types, g.risk_max, g.amount_max, g.from_at, g.until_at,
          g.entry_id, e.idx, g.ended_at, g.ended_by, g.ended_entry_id
        from delegations g
        join ledger_entries e on e.id = g.entry_id
        where g.id = any($1)
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Delegation::try_from).collect()
}

/// Returns the delegations by or to any of these people that nothing has ended and whose time is not over.
pub(crate) async fn ties(conn: &mut PgConnection, people: &[PersonId], now: u64) -> sqlx::Result<Vec<Tie>> {
    let ids: Vec<_> = people.iter().map(|person| person.0).collect();
    let rows = sqlx::query!(
        r#"
        select delegator_id, delegate_id, from_at, until_at
        from delegations
        where ended_at is null and until_at > $2 and (delegator_id = any($1) or delegate_id = any($1))
        "#,
        &ids,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Tie {
            delegator: row.delegator_id.into(),
            delegate: row.delegate_id.into(),
            from: milliseconds(row.from_at),
            until: milliseconds(row.until_at),
        })
        .collect())
}

/// Who stands in for whom at this moment.
pub(crate) struct Tied {
    /// Delegator, then delegate.
    pub(crate) people: (PersonId, PersonId),
    scope: RoleScope,
}

impl Tied {
    /// Tells whether it is so on a system.
    pub(crate) fn covers(&self, system: SystemId) -> bool {
        self.scope.includes(system)
    }
}

/// Returns who stands in for whom at this moment.
pub(crate) async fn list_tied(conn: &mut PgConnection, now: u64) -> sqlx::Result<Vec<Tied>> {
    let rows = sqlx::query!(
        r#"
        select delegator_id, delegate_id, systems
        from delegations
        where ended_at is null and from_at <= $1 and until_at > $1
        order by delegator_id, delegate_id
        "#,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Tied { people: (row.delegator_id.into(), row.delegate_id.into()), scope: scope(row.systems) })
        .collect())
}

/// Returns who stands in for whom on a system at this moment: delegator, then delegate.
pub(crate) async fn tied(
    conn: &mut PgConnection,
    system: SystemId,
    now: u64,
) -> sqlx::Result<Vec<(PersonId, PersonId)>> {
    let tied = list_tied(conn, now).await?;
    Ok(tied.into_iter().filter(|tied| tied.covers(system)).map(|tied| tied.people).collect())
}

/// A role by which somebody acts in another's place: what the delegator holds now, within what was given.
#[derive(Clone, Debug)]
pub(crate) struct StoodIn {
    pub(crate) delegation: DelegationId,
    pub(crate) delegator: PersonId,
    pub(crate) holding: Holding,
}

/// Returns the roles by which a person acts in others' places at this moment.
pub(crate) async fn held(conn: &mut PgConnection, person: PersonId, now: u64) -> Result<Vec<StoodIn>> {
    let rows = sqlx::query!(
        r#"
        select delegation_id as "delegation_id!", delegator_id as "delegator_id!", role as "role!", systems, types,
          risk_max, amount_max, until
        from acting_roles
        where person_id = $1 and delegator_id is not null and from_at <= $2 and until > $2
        order by delegator_id, delegation_id, role
        "#,
        person.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let limits = limits(row.types, row.risk_max.as_deref(), row.amount_max);
            let role = Role::from_word(&row.role).ok_or_else(|| Error::Row {
                table: "role_assignments",
                column: "role",
                id: row.delegation_id.to_string(),
            })?;
            Ok(StoodIn {
                delegation: row.delegation_id.into(),
                delegator: row.delegator_id.into(),
                holding: Holding {
                    role,
                    scope: scope(row.systems),
                    limits: limits.ok_or_else(|| unreadable(row.delegation_id))?,
                    until: row.until.map(milliseconds),
                },
            })
        })
        .collect()
}

/// Returns which of these delegations give something at this moment.
pub(crate) async fn giving(
    conn: &mut PgConnection,
    ids: &[DelegationId],
    now: u64,
) -> sqlx::Result<HashSet<DelegationId>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let giving = sqlx::query_scalar!(
        r#"
        select distinct delegation_id as "delegation_id!"
        from acting_roles
        where delegation_id = any($1) and from_at <= $2 and until > $2
        "#,
        &ids,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(giving.into_iter().map(DelegationId::from).collect())
}

/// Returns the enabled people who have a role that reviews, and neither admins nor auditors.
pub(crate) async fn eligible(conn: &mut PgConnection, besides: PersonId, now: u64) -> sqlx::Result<Vec<PersonId>> {
    let rows = sqlx::query_scalar!(
        r#"
        select p.id
        from people p
        where p.disabled_at is null and p.id <> $1
          and exists (select from role_assignments a where a.person_id = p.id and a.ended_at is null
            and (a.until is null or a.until > $2) and a.role in ('approver', 'senior_approver'))
          and not exists (select from role_assignments a where a.person_id = p.id and a.ended_at is null
            and (a.until is null or a.until > $2) and a.role in ('admin', 'auditor'))
        order by p.created_at, p.id
        limit 200
        "#,
        besides.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PersonId::from).collect())
}
