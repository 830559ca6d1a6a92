//! `role_assignments`.

use countersign_domain::{
    ids::{EntryId, PersonId, RoleAssignmentId},
    role::Role,
};
use sqlx::PgConnection;

use crate::clock::instant;

/// Returns the roles a person holds at this moment.
pub(crate) async fn held(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Vec<Role>> {
    let rows = sqlx::query_scalar!(
        "select role from role_assignments where person_id = $1 and ended_at is null order by role",
        person.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.iter().filter_map(|word| Role::from_word(word)).collect())
}

/// Returns who holds what, for lists.
pub(crate) async fn held_by_all(conn: &mut PgConnection) -> sqlx::Result<Vec<(PersonId, Role)>> {
    let rows = sqlx::query!("select person_id, role from role_assignments where ended_at is null order by role")
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.person_id.into(), Role::from_word(&row.role)?))).collect())
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: RoleAssignmentId,
    person: PersonId,
    role: Role,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into role_assignments (id, person_id, role, assigned_at, entry_id) values ($1, $2, $3, $4, $5)",
        id.0,
        person.0,
        role.word(),
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts the people who can act as admin, locking them so that two admins cannot end each other.
pub(crate) async fn lock_admins(conn: &mut PgConnection) -> sqlx::Result<Vec<PersonId>> {
    let rows = sqlx::query_scalar!(
        r#"
        select p.id
        from people p
        join role_assignments r on r.person_id = p.id and r.role = 'admin' and r.ended_at is null
        where p.disabled_at is null and p.password_hash is not null
        order by p.id
        for update of p
        "#
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
