//! `staff_shortages`, and who there is to fill seats.

use countersign_domain::{
    ids::{EntryId, PersonId, PolicyVersionId, SystemId},
    role::Role,
    staffing::{self, Chance, Shortage, SystemStaff},
};
use sqlx::PgConnection;

use super::delegations;
use crate::{
    clock::instant,
    error::{Error, Result},
};

/// A shortage that goes on.
pub(crate) struct Open {
    pub(crate) entry: EntryId,
    pub(crate) version: PolicyVersionId,
    pub(crate) shortage: Shortage,
}

/// Counts for each system how many may review one decision of it, as authorisation says: enabled, with a role that reviews
/// and covers it, no auditor, no admin and not its owner unless the mode of one is on, and not away; in somebody's place
/// where that somebody may, and of the two of them one.
pub(crate) async fn staff(conn: &mut PgConnection, now: u64) -> sqlx::Result<Vec<SystemStaff>> {
    let rows = sqlx::query!(
        r#"
        with held as materialized (
          select a.person_id, a.role, a.systems, a.delegator_id
          from acting_roles a
          join people p on p.id = a.person_id
          where (a.until is null or a.until > $1) and (a.from_at is null or a.from_at <= $1) and p.disabled_at is null
        ),
        able as materialized (
          select h.person_id, h.role, h.systems, h.delegator_id
          from held h
          cross join safeguards g
          where h.role in ('approver', 'senior_approver')
            and not exists (select from held o where o.person_id = h.person_id and o.role = 'auditor')
            and (g.single_operator
              or not exists (select from held o where o.person_id = h.person_id and o.role = 'admin'))
            and not exists (select from absences x where x.person_id = h.person_id and x.cleared_at is null
              and x.from_at <= $1 and x.until_at > $1)
        )
        select s.id, s.name, a.person_id as "person_id?", a.delegator_id as "delegator_id?",
          bool_or(a.role = 'senior_approver') as senior
        from systems s
        cross join safeguards g
        left join current_owners o on o.system_id = s.id
        left join able a on (a.systems is null or s.id = any(a.systems))
          and (g.single_operator or o.person_id is null
            or (a.person_id <> o.person_id and a.delegator_id is distinct from o.person_id))
        group by s.id, s.name, a.person_id, a.delegator_id
        order by s.name, s.id, a.person_id, a.delegator_id
        "#,
        instant(now),
    )
    .fetch_all(&mut *conn)
    .await?;
    let ties = delegations::list_tied(conn, now).await?;
    let mut systems = Vec::new();
    for of_system in rows.chunk_by(|one, next| one.id == next.id) {
        let system = SystemId::from(of_system[0].id);
        let chances: Vec<_> = of_system
            .iter()
            .filter_map(|row| {
                let (person, on_behalf) = (row.person_id?.into(), row.delegator_id.map(PersonId::from));
                Some(Chance { person, on_behalf, senior: row.senior.unwrap_or(false) })
            })
            .collect();
        let tied: Vec<_> = ties.iter().filter(|tied| tied.covers(system)).map(|tied| tied.people).collect();
        systems.push(SystemStaff {
            system,
            name: of_system[0].name.clone(),
            staff: staffing::together(&chances, &tied),
        });
    }
    Ok(systems)
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    version: PolicyVersionId,
    shortage: &Shortage,
    (at, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into staff_shortages
          (entry_id, policy_version_id, rule, label, role, need, missing, system_id, systems, since_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        entry.0,
        version.0,
        shortage.rule as i32,
        shortage.label,
        shortage.role.word(),
        shortage.need as i32,
        shortage.missing as i32,
        shortage.system.0,
        i32::try_from(shortage.systems).unwrap_or(i32::MAX),
        instant(at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a shortage under the entry that says so, or that another takes its place.
pub(crate) async fn end(conn: &mut PgConnection, shortage: EntryId, at: u64, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        "update staff_shortages set ended_at = $2, ended_entry_id = $3 where entry_id = $1",
        shortage.0,
        instant(at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the shortages that go on, by row.
pub(crate) async fn list_open(conn: &mut PgConnection) -> Result<Vec<Open>> {
    let rows = sqlx::query!(
        r#"
        select h.entry_id, h.policy_version_id, h.rule, h.label, h.role, h.need, h.missing, h.system_id, h.systems, s.name
        from staff_shortages h
        join systems s on s.id = h.system_id
        where h.ended_at is null
        order by h.rule, h.role desc, h.entry_id
        "#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = || Error::Row { table: "staff_shortages", column: "role", id: row.entry_id.to_string() };
            let shortage = Shortage {
                rule: row.rule as u64,
                label: row.label,
                role: Role::from_word(&row.role).ok_or_else(unreadable)?,
                need: row.need as u64,
                missing: row.missing as u64,
                system: row.system_id.into(),
                system_name: row.name,
                systems: row.systems as u64,
            };
            Ok(Open { entry: row.entry_id.into(), version: row.policy_version_id.into(), shortage })
        })
        .collect()
}
