//! `policies` and `policy_versions`.

use countersign_domain::{
    ids::{EntryId, PolicyId, PolicyVersionId},
    policy::{PolicyBody, PolicyVersion},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock::instant,
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

pub(crate) async fn insert_policy(conn: &mut PgConnection, id: PolicyId) -> sqlx::Result<()> {
    sqlx::query!("insert into policies (id, n) values ($1, 1)", id.0).execute(conn).await?;
    Ok(())
}

pub(crate) async fn insert_version(
    conn: &mut PgConnection,
    version: &PolicyVersion,
    text: &str,
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
        text,
        &version.body.digest().0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
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
