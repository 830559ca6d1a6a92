//! `reminders`, and the open decisions that people are to be reminded of.

use countersign_domain::ids::{DecisionId, EntryId, PersonId};
use sqlx::PgConnection;

use crate::clock::{instant, milliseconds};

/// An open decision, how much of its time is over, and what was told of it under its running deadline.
pub(crate) struct Waiting {
    pub(crate) decision: DecisionId,
    pub(crate) begun: u64,
    pub(crate) due: u64,
    pub(crate) told_share: Option<u64>,
    pub(crate) told_at: Option<u64>,
}

/// Returns open decisions of which at least this share of the time is over.
pub(crate) async fn list_waiting(
    conn: &mut PgConnection,
    now: u64,
    share: u64,
    decision: Option<DecisionId>,
    limit: i64,
) -> sqlx::Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        r#"
        select d.id, coalesce(d.escalated_at, d.proposed_at) as "begun!", d.due_at, told.share as "share?", told.at as "at?"
        from decisions d
        left join lateral (
          select max(r.share) as share, max(r.reminded_at) as at
          from reminders r
          where r.decision_id = d.id and r.due_at = d.due_at
        ) told on true
        where d.state in ('received', 'queued', 'in_review')
          and ($3::uuid is null or d.id = $3)
          and $1 >= coalesce(d.escalated_at, d.proposed_at)
            + (d.due_at - coalesce(d.escalated_at, d.proposed_at)) * ($2::float8 / 100)
          and case
            when d.due_at > $1 then told.share is null
              or told.share < 80 and $1 >= coalesce(d.escalated_at, d.proposed_at)
                + (d.due_at - coalesce(d.escalated_at, d.proposed_at)) * 0.8::float8
            else d.on_timeout = 'wait' and (told.at is null or told.share < 100 or told.at <= $1 - interval '1 day')
          end
        order by d.due_at, d.id
        limit $4
        "#,
        instant(now),
        share as f64,
        decision.map(|decision| decision.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            decision: row.id.into(),
            begun: milliseconds(row.begun),
            due: milliseconds(row.due_at),
            told_share: row.share.map(|share| share as u64),
            told_at: row.at.map(milliseconds),
        })
        .collect())
}

/// A reminder about to be kept.
pub(crate) struct New {
    pub(crate) decision: DecisionId,
    pub(crate) n: u64,
    pub(crate) share: u64,
    pub(crate) due: u64,
    pub(crate) invited: Option<PersonId>,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into reminders (entry_id, decision_id, n, share, due_at, invited_id, reminded_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        new.entry.0,
        new.decision.0,
        new.n as i64,
        new.share as i32,
        instant(new.due),
        new.invited.map(|person| person.0),
        instant(new.at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts how often people were asked as second approver since a moment.
pub(crate) async fn count_invited(conn: &mut PgConnection, since: u64) -> sqlx::Result<Vec<(PersonId, u64)>> {
    let rows = sqlx::query!(
        r#"
        select invited_id as "person!", count(*) as "count!"
        from reminders
        where invited_id is not null and reminded_at >= $1
        group by invited_id
        "#,
        instant(since),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.person.into(), row.count as u64)).collect())
}

/// Returns the numbers that reminders have among the acts on a decision.
pub(crate) async fn numbers(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<u64>> {
    let rows =
        sqlx::query_scalar!("select n from reminders where decision_id = $1", decision.0).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|n| n as u64).collect())
}
