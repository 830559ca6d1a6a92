//! `policies` and `policy_versions`.

use countersign_domain::{
    ids::{EntryId, PolicyId, PolicyVersionId},
    policy::{PolicyBody, PolicyVersion, Staff},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

fn read(id: Uuid, policy: Uuid, number: i32, body: &str) -> Result<PolicyVersion> {
    let unreadable = |_| Error::Row { table: "policy_versions", column: "body", id: id.to_string() };
    Ok(PolicyVersion {
        id: id.into(),
        policy: policy.into(),
        number: number as u64,
        body: serde_json::from_str::<PolicyBody>(body).map_err(unreadable)?,
    })
}

pub(crate) async fn find_active(conn: &mut PgConnection) -> Result<Option<PolicyVersion>> {
    let row =
        sqlx::query!("select id, policy_id, number, body from policy_versions where superseded_at is null limit 1")
            .fetch_optional(conn)
            .await?;
    row.map(|row| read(row.id, row.policy_id, row.number, &row.body)).transpose()
}

pub(crate) async fn find(conn: &mut PgConnection, id: PolicyVersionId) -> Result<Option<PolicyVersion>> {
    let row = sqlx::query!("select id, policy_id, number, body from policy_versions where id = $1", id.0)
        .fetch_optional(conn)
        .await?;
    row.map(|row| read(row.id, row.policy_id, row.number, &row.body)).transpose()
}

/// Above this amount no rule approves by itself.
pub(crate) async fn auto_amount_max(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let max = sqlx::query_scalar!("select auto_amount_max from safeguards").fetch_one(conn).await?;
    Ok(max as u64)
}

pub(crate) async fn set_auto_amount_max(conn: &mut PgConnection, max: u64) -> sqlx::Result<()> {
    sqlx::query!("update safeguards set auto_amount_max = $1", max as i64).execute(conn).await?;
    Ok(())
}

pub(crate) async fn insert_policy(conn: &mut PgConnection, id: PolicyId) -> sqlx::Result<()> {
    sqlx::query!("insert into policies (id, n) values ($1, 1)", id.0).execute(conn).await?;
    Ok(())
}

pub(crate) async fn insert_version(
    conn: &mut PgConnection,
    version: &PolicyVersion,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into policy_versions (id, policy_id, number, body, digest, activated_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        version.id.0,
        version.policy.0,
        version.number as i32,
        version.body.canonical(),
        &version.body.digest().0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A version in the history.
pub(crate) struct Past {
    pub(crate) version: PolicyVersion,
    pub(crate) at: u64,
    pub(crate) until: Option<u64>,
    pub(crate) entry: EntryId,
}

/// Versions of the policy, newest first: all of them, or the one with a number and the one before it.
pub(crate) async fn list(conn: &mut PgConnection, number: Option<u64>, limit: i64) -> Result<Vec<Past>> {
    let rows = sqlx::query!(
        r#"
        select id, policy_id, number, body, activated_at, superseded_at, entry_id
        from policy_versions
        where $1::int is null or number between $1 - 1 and $1
        order by number desc
        limit $2
        "#,
        number.map(|number| i32::try_from(number).unwrap_or(i32::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Past {
                version: read(row.id, row.policy_id, row.number, &row.body)?,
                at: milliseconds(row.activated_at),
                until: row.superseded_at.map(milliseconds),
                entry: row.entry_id.into(),
            })
        })
        .collect()
}

/// Counts who may fill seats: people who may sign in and hold a role that reviews, and those of them who are senior.
pub(crate) async fn staff(conn: &mut PgConnection, now: u64) -> sqlx::Result<Staff> {
    let row = sqlx::query!(
        r#"
        select count(distinct a.person_id) as "reviewers!",
          count(distinct a.person_id) filter (where a.role = 'senior_approver') as "senior!"
        from role_assignments a
        join people p on p.id = a.person_id
        where a.ended_at is null and (a.until is null or a.until > $1) and a.role in ('approver', 'senior_approver')
          and p.disabled_at is null
        "#,
        instant(now),
    )
    .fetch_one(conn)
    .await?;
    Ok(Staff { reviewers: row.reviewers as u64, senior: row.senior as u64 })
}

/// Locks a policy and returns the number of its last entry.
pub(crate) async fn lock(conn: &mut PgConnection, id: PolicyId) -> sqlx::Result<u64> {
    let n = sqlx::query_scalar!("select n from policies where id = $1 for update", id.0).fetch_one(conn).await?;
    Ok(n as u64)
}

/// Ends the version in force and counts the entry that ends it.
pub(crate) async fn supersede(conn: &mut PgConnection, id: PolicyId, n: u64, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update policies set n = $2 where id = $1", id.0, n as i64).execute(&mut *conn).await?;
    sqlx::query!(
        "update policy_versions set superseded_at = $2 where policy_id = $1 and superseded_at is null",
        id.0,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}
