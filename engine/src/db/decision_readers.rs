//! `decision_readers`: who has a decision open at this moment.

use countersign_domain::ids::{DecisionId, PersonId, SessionId};
use sqlx::PgConnection;

use crate::clock::instant;

/// Takes a sign of life of a page; tells whether its reader has come anew, and nothing where there is no such decision.
pub(crate) async fn beat(
    conn: &mut PgConnection,
    id: DecisionId,
    (person, session): (PersonId, SessionId),
    until: u64,
) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"
        insert into decision_readers (decision_id, session_id, person_id, until_at)
        select d.id, $2, $3, $4
        from decisions d
        where d.id = $1
        on conflict (decision_id, session_id) do update set until_at = excluded.until_at
        returning (xmax = 0) as "new!"
        "#,
        id.0,
        session.0,
        person.0,
        instant(until),
    )
    .fetch_optional(conn)
    .await
}

/// Returns who reads a decision and may be shown to the others who read it, by sign-in: whose role reads it at this
/// moment, and who does not watch over those who decide.
pub(crate) async fn list_shown(
    conn: &mut PgConnection,
    id: DecisionId,
    now: u64,
) -> sqlx::Result<Vec<(PersonId, SessionId)>> {
    let rows = sqlx::query!(
        r#"
        select r.person_id, r.session_id
        from decision_readers r
        join decisions d on d.id = r.decision_id
        join decision_types t on t.id = d.type_id
        join sessions s on s.id = r.session_id
        join people p on p.id = r.person_id
        where r.decision_id = $1 and r.until_at > $2 and s.ended_at is null and p.disabled_at is null
          and exists (select from role_assignments a
            where a.person_id = r.person_id and a.ended_at is null and (a.until is null or a.until > $2)
              and a.role in ('viewer', 'approver', 'senior_approver', 'policy_author')
              and (a.systems is null or d.system_id = any(a.systems))
              and (a.types is null or t.name = any(a.types)))
          and not exists (select from role_assignments a
            where a.person_id = r.person_id and a.ended_at is null and (a.until is null or a.until > $2)
              and a.role in ('auditor', 'compliance_officer'))
        order by r.person_id, r.session_id
        limit 200
        "#,
        id.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.person_id.into(), row.session_id.into())).collect())
}

/// Forgets one reader.
pub(crate) async fn delete(conn: &mut PgConnection, id: DecisionId, session: SessionId) -> sqlx::Result<()> {
    sqlx::query!("delete from decision_readers where decision_id = $1 and session_id = $2", id.0, session.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets whose time is over.
pub(crate) async fn delete_expired(conn: &mut PgConnection, now: u64) -> sqlx::Result<()> {
    sqlx::query!("delete from decision_readers where until_at <= $1", instant(now)).execute(conn).await?;
    Ok(())
}
