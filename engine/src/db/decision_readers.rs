//! `decision_readers`: who has a decision open at this moment.

use countersign_domain::ids::{DecisionId, PersonId, SessionId};
use sqlx::PgConnection;

use crate::clock::instant;

/// Notes that somebody opened a decision, which authorisation let them read.
pub(crate) async fn open(
    conn: &mut PgConnection,
    id: DecisionId,
    (person, session): (PersonId, SessionId),
    (now, until): (u64, u64),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into decision_readers (decision_id, session_id, person_id, opened_at, until_at)
        values ($1, $2, $3, $4, $5)
        on conflict (decision_id, session_id) do update set opened_at = excluded.opened_at
        "#,
        id.0,
        session.0,
        person.0,
        instant(now),
        instant(until),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a sign of life of a page; tells whether it is the first, and nothing where its reader did not open the decision.
pub(crate) async fn beat(
    conn: &mut PgConnection,
    id: DecisionId,
    session: SessionId,
    until: u64,
) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"
        update decision_readers r
        set until_at = $3, alive = true
        from (select alive from decision_readers where decision_id = $1 and session_id = $2 for update) before
        where r.decision_id = $1 and r.session_id = $2
        returning not before.alive as "new!"
        "#,
        id.0,
        session.0,
        instant(until),
    )
    .fetch_optional(conn)
    .await
}

/// Returns who reads a decision and may be shown to the others who read it, by sign-in: who opened it, holds what they held
/// then, reads decisions by it, and does not watch over those who decide. Whoever got or lost a role since opens it again.
pub(crate) async fn list_shown(
    conn: &mut PgConnection,
    id: DecisionId,
    now: u64,
) -> sqlx::Result<Vec<(PersonId, SessionId)>> {
    let rows = sqlx::query!(
        r#"
        select r.person_id, r.session_id
        from decision_readers r
        join sessions s on s.id = r.session_id
        join people p on p.id = r.person_id
        where r.decision_id = $1 and r.until_at > $2 and r.alive and s.ended_at is null and p.disabled_at is null
          and exists (select from role_assignments a
            where a.person_id = r.person_id and a.ended_at is null and (a.until is null or a.until > $2)
              and a.role in ('viewer', 'approver', 'senior_approver', 'policy_author'))
          and not exists (select from role_assignments a
            where a.person_id = r.person_id
              and (a.assigned_at > r.opened_at or a.ended_at > r.opened_at or a.until between r.opened_at and $2))
          and not exists (select from delegations g
            left join role_assignments a on a.person_id = g.delegator_id
            where g.delegate_id = r.person_id
              and (g.given_at > r.opened_at or g.ended_at > r.opened_at or g.from_at between r.opened_at and $2
                or g.until_at between r.opened_at and $2
                or a.assigned_at > r.opened_at or a.ended_at > r.opened_at or a.until between r.opened_at and $2))
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
