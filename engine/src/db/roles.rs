//! `role_assignments` and `safeguards`.

use countersign_domain::{
    decision::Risk,
    holding::{AuthorityLimits, Holding, RoleScope, Source},
    ids::{EntryId, PersonId, RoleAssignmentId},
    role::Role,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// One assignment, running or ended.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) id: RoleAssignmentId,
    pub(crate) person: PersonId,
    pub(crate) holding: Holding,
    pub(crate) source: Source,
    pub(crate) assigned_at: u64,
    /// The entry that gave it.
    pub(crate) entry: EntryId,
    /// When it ended, and the entry that took it.
    pub(crate) ended: Option<(u64, EntryId)>,
}

struct Row {
    id: Uuid,
    person_id: Uuid,
    role: String,
    systems: Option<Vec<Uuid>>,
    types: Option<Vec<String>>,
    risk_max: Option<String>,
    amount_max: Option<i64>,
    until: Option<OffsetDateTime>,
    source: String,
    assigned_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    entry_id: Uuid,
    ended_entry_id: Option<Uuid>,
}

impl TryFrom<Row> for Assignment {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "role_assignments", column, id: row.id.to_string() };
        let scope = scope(row.systems);
        let limits = limits(row.types, row.risk_max.as_deref(), row.amount_max);
        let limits = limits.ok_or_else(|| unreadable("risk_max"))?;
        let role = Role::from_word(&row.role).ok_or_else(|| unreadable("role"))?;
        Ok(Self {
            id: row.id.into(),
            person: row.person_id.into(),
            holding: Holding { role, scope, limits, until: row.until.map(milliseconds) },
            source: Source::from_text(&row.source).ok_or_else(|| unreadable("source"))?,
            assigned_at: milliseconds(row.assigned_at),
            entry: row.entry_id.into(),
            ended: row.ended_at.map(milliseconds).zip(row.ended_entry_id.map(EntryId::from)),
        })
    }
}

/// Reads where a role or a delegation holds.
pub(super) fn scope(systems: Option<Vec<Uuid>>) -> RoleScope {
    match systems {
        None => RoleScope::All,
        Some(systems) => RoleScope::Systems(systems.into_iter().map(Into::into).collect()),
    }
}

/// Returns the systems of a scope as they are stored.
pub(super) fn systems(scope: &RoleScope) -> Option<Vec<Uuid>> {
    match scope {
        RoleScope::All => None,
        RoleScope::Systems(systems) => Some(systems.iter().map(|system| system.0).collect()),
    }
}

/// Reads how far a role or a delegation reaches; nothing where the risk is no known one.
pub(super) fn limits(types: Option<Vec<String>>, risk: Option<&str>, amount: Option<i64>) -> Option<AuthorityLimits> {
    let risk = match risk {
        Some(word) => Some(Risk::from_word(word)?),
        None => None,
    };
    let amount = amount.and_then(|amount| u64::try_from(amount).ok());
    Some(AuthorityLimits { types: types.unwrap_or_default(), risk, amount })
}

/// Returns what a person holds at this moment; what ran out is left out, ended or not.
pub(crate) async fn held(conn: &mut PgConnection, person: PersonId, now: u64) -> Result<Vec<Assignment>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, role, systems, types, risk_max, amount_max, until, source, assigned_at, ended_at,
          entry_id, ended_entry_id
        from role_assignments
        where person_id = $1 and ended_at is null and (until is null or until > $2)
        order by role, assigned_at, id
        "#,
        person.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Assignment::try_from).collect()
}

/// Returns every assignment of a person, the running ones first, then the latest.
pub(crate) async fn list_of(conn: &mut PgConnection, person: PersonId) -> Result<Vec<Assignment>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, role, systems, types, risk_max, amount_max, until, source, assigned_at, ended_at,
          entry_id, ended_entry_id
        from role_assignments
        where person_id = $1
        order by ended_at desc nulls first, assigned_at desc, id
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Assignment::try_from).collect()
}

/// Returns the assignments of everybody that run at this moment.
pub(crate) async fn list_running(conn: &mut PgConnection, now: u64) -> Result<Vec<Assignment>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, role, systems, types, risk_max, amount_max, until, source, assigned_at, ended_at,
          entry_id, ended_entry_id
        from role_assignments
        where ended_at is null and (until is null or until > $1)
        order by person_id, role, assigned_at, id
        "#,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Assignment::try_from).collect()
}

/// Finds an assignment.
pub(crate) async fn find(conn: &mut PgConnection, id: RoleAssignmentId) -> Result<Option<Assignment>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, role, systems, types, risk_max, amount_max, until, source, assigned_at, ended_at,
          entry_id, ended_entry_id
        from role_assignments
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Assignment::try_from).transpose()
}

/// Returns assignments by their ids, running and ended ones.
pub(crate) async fn list_by_id(conn: &mut PgConnection, ids: &[RoleAssignmentId]) -> Result<Vec<Assignment>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, role, systems, types, risk_max, amount_max, until, source, assigned_at, ended_at,
          entry_id, ended_entry_id
        from role_assignments
        where id = any($1)
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Assignment::try_from).collect()
}

/// Returns the assignments of people that no act has ended, those whose time has run out included.
pub(crate) async fn list_open(conn: &mut PgConnection, people: &[PersonId]) -> Result<Vec<Assignment>> {
    let ids: Vec<_> = people.iter().map(|person| person.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, person_id, role, systems, types, risk_max, amount_max, until, source, assigned_at, ended_at,
          entry_id, ended_entry_id
        from role_assignments
        where person_id = any($1) and ended_at is null
        order by person_id, assigned_at desc, id
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Assignment::try_from).collect()
}

/// Returns assignments whose time has run out and that no act has ended yet.
pub(crate) async fn list_run_out(conn: &mut PgConnection, now: u64, limit: i64) -> sqlx::Result<Vec<RoleAssignmentId>> {
    let rows = sqlx::query_scalar!(
        "select id from role_assignments where ended_at is null and until <= $1 order by until, id limit $2",
        instant(now),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &Assignment) -> sqlx::Result<()> {
    let holding = &new.holding;
    let systems = systems(&holding.scope);
    let types = (!holding.limits.types.is_empty()).then_some(holding.limits.types.as_slice());
    sqlx::query!(
        r#"
        insert into role_assignments
          (id, person_id, role, systems, types, risk_max, amount_max, until, source, scope_key, assigned_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        new.id.0,
        new.person.0,
        holding.role.word(),
        systems.as_deref(),
        types,
        holding.limits.risk.map(Risk::word),
        holding.limits.amount.map(|amount| amount as i64),
        holding.until.map(instant),
        new.source.text(),
        holding.scope_key(),
        instant(new.assigned_at),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn end(conn: &mut PgConnection, id: RoleAssignmentId, now: u64, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        "update role_assignments set ended_at = $2, ended_entry_id = $3 where id = $1",
        id.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the guard of the last admin and tells whether one person may act alone.
pub(crate) async fn lock_guard(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select single_operator from safeguards for update").fetch_one(conn).await
}

/// Tells whether the mode of teams of one is on.
pub(crate) async fn single_operator(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select single_operator from safeguards").fetch_one(conn).await
}

pub(crate) async fn set_single_operator(conn: &mut PgConnection, on: bool) -> sqlx::Result<()> {
    sqlx::query!("update safeguards set single_operator = $1", on).execute(conn).await?;
    Ok(())
}

/// Returns who can act as admin: enabled, for good, and known to be able to sign in.
///
/// `invented` counts people of a demo, who sign in without a password.
pub(crate) async fn able_admins(conn: &mut PgConnection, invented: bool) -> sqlx::Result<Vec<PersonId>> {
    let rows = sqlx::query_scalar!(
        r#"
        select distinct p.id
        from people p
        join role_assignments r on r.person_id = p.id
        where r.role = 'admin' and r.ended_at is null and r.until is null and p.disabled_at is null
          and ($1 or p.password_hash is not null or exists (select from sessions s where s.person_id = p.id))
        order by p.id
        "#,
        invented,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PersonId::from).collect())
}

pub(crate) async fn has_admin(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (select from role_assignments r join people p on p.id = r.person_id
          where r.role = 'admin' and r.ended_at is null and p.disabled_at is null) as "exists!"
        "#
    )
    .fetch_one(conn)
    .await
}
