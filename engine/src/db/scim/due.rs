//! `scim_due`.

use countersign_domain::ids::{PersonId, ProviderId};
use sqlx::PgConnection;

use crate::clock::instant;

/// Notes people for whom something follows; who may lose something stays so until it is worked out.
pub(crate) async fn put(
    conn: &mut PgConnection,
    provider: ProviderId,
    people: &[PersonId],
    loses: bool,
    now: u64,
) -> sqlx::Result<()> {
    let ids: Vec<_> = people.iter().map(|person| person.0).collect();
    sqlx::query!(
        r#"
        insert into scim_due (provider_id, person_id, loses, due_at)
        select $1, person_id, $3, $4
        from unnest($2::uuid[]) p (person_id)
        on conflict on constraint scim_due_pkey do update set loses = scim_due.loses or excluded.loses
        "#,
        provider.0,
        &ids,
        loses,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells whether something is due.
pub(crate) async fn any(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from scim_due) as "any!""#).fetch_one(conn).await
}

/// Takes the next ones out.
pub(crate) async fn take(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<(ProviderId, PersonId)>> {
    let rows = sqlx::query!(
        r#"
        delete from scim_due
        where (provider_id, person_id) in (
          select provider_id, person_id from scim_due order by loses desc, due_at, provider_id, person_id limit $1)
        returning provider_id, person_id
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.provider_id.into(), row.person_id.into())).collect())
}
