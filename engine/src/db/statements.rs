//! `statements`: canonical documents that leaves name by digest.

use sqlx::PgConnection;

use crate::reads::Statement;

/// Inserts statements; an equal one that is there already is the same one.
pub(crate) async fn insert_many(
    conn: &mut PgConnection,
    statements: impl Iterator<Item = &Statement>,
) -> sqlx::Result<()> {
    let statements: Vec<_> = statements.collect();
    if statements.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into statements (digest, label, body)
        select distinct on (digest) digest, label, body
        from unnest($1::bytea[], $2::text[], $3::bytea[]) v (digest, label, body)
        order by digest
        on conflict (digest) do nothing
        "#,
        &statements.iter().map(|statement| statement.digest.0.to_vec()).collect::<Vec<_>>(),
        &statements.iter().map(|statement| statement.label.as_str().to_owned()).collect::<Vec<_>>(),
        &statements.iter().map(|statement| statement.body.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, digest: &[u8]) -> sqlx::Result<Option<Vec<u8>>> {
    let found =
        sqlx::query_scalar!("select body from statements where digest = $1", digest).fetch_optional(conn).await?;
    Ok(found.flatten())
}
