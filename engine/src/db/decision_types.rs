//! `decision_types`.

use countersign_domain::{
    decision_type::TypeDefinition,
    ids::{DecisionTypeId, EntryId},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock::instant,
    error::{Error, Result},
};

fn read(id: Uuid, definition: &str) -> Result<(DecisionTypeId, TypeDefinition)> {
    let unreadable = |_| Error::Row { table: "decision_types", column: "definition", id: id.to_string() };
    Ok((id.into(), serde_json::from_str(definition).map_err(unreadable)?))
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: DecisionTypeId,
    definition: &TypeDefinition,
    text: &str,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into decision_types (id, name, version, definition, digest, defined_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        id.0,
        definition.name,
        definition.version as i32,
        text,
        &definition.digest().0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds a version, or the newest when none is asked for.
pub(crate) async fn find(
    conn: &mut PgConnection,
    name: &str,
    version: Option<u32>,
) -> Result<Option<(DecisionTypeId, TypeDefinition)>> {
    let row = sqlx::query!(
        r#"
        select id, definition
        from decision_types
        where name = $1 and ($2::int is null or version = $2)
        order by version desc
        limit 1
        "#,
        name,
        version.map(|version| version as i32),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| read(row.id, &row.definition)).transpose()
}

pub(crate) async fn list(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(DecisionTypeId, TypeDefinition)>> {
    let rows =
        sqlx::query!("select id, definition from decision_types where id = any($1)", ids).fetch_all(conn).await?;
    rows.into_iter().map(|row| read(row.id, &row.definition)).collect()
}

pub(crate) async fn list_all(conn: &mut PgConnection) -> Result<Vec<(DecisionTypeId, TypeDefinition)>> {
    let rows = sqlx::query!("select id, definition from decision_types order by name, version").fetch_all(conn).await?;
    rows.into_iter().map(|row| read(row.id, &row.definition)).collect()
}
