//! `vault_subjects` and `vault_values`: encrypted texts and the keys around them.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Error, vault::Prepared};

pub(crate) struct SubjectRow {
    pub(crate) id: Uuid,
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) kek_epoch: Option<i32>,
}

/// A value with the wrapped key of its subject.
pub(crate) struct Stored {
    pub(crate) id: Uuid,
    pub(crate) entry_id: Uuid,
    pub(crate) field: String,
    pub(crate) commitment: Vec<u8>,
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) ciphertext: Option<Vec<u8>>,
    pub(crate) subject_id: Uuid,
    pub(crate) subject_key: Option<Vec<u8>>,
    pub(crate) kek_epoch: Option<i32>,
}

impl Stored {
    pub(crate) fn unreadable(&self, column: &'static str) -> Error {
        Error::Row { table: "vault_values", column, id: self.id.to_string() }
    }
}

pub(crate) async fn find_subject(conn: &mut PgConnection, lookup: &[u8]) -> sqlx::Result<Option<SubjectRow>> {
    sqlx::query_as!(
        SubjectRow,
        r#"
        select id, wrapped_key, kek_epoch
        from vault_subjects
        where lookup = $1
        "#,
        lookup,
    )
    .fetch_optional(conn)
    .await
}

/// Inserts a subject unless another transaction has made it meanwhile.
pub(crate) async fn insert_subject(
    conn: &mut PgConnection,
    id: Uuid,
    lookup: &[u8],
    wrapped_key: &[u8],
    kek_epoch: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into vault_subjects (id, lookup, wrapped_key, kek_epoch)
        values ($1, $2, $3, $4)
        on conflict (lookup) do nothing
        "#,
        id,
        lookup,
        wrapped_key,
        kek_epoch,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn insert(conn: &mut PgConnection, values: &[Prepared]) -> sqlx::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into vault_values
          (id, entry_id, field, subject_id, commitment, wrapped_key, ciphertext, retention_class)
        select id, entry_id, field, subject_id, commitment, wrapped_key, ciphertext, 'record'
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bytea[], $6::bytea[], $7::bytea[])
          v (id, entry_id, field, subject_id, commitment, wrapped_key, ciphertext)
        "#,
        &values.iter().map(|value| value.value).collect::<Vec<_>>(),
        &values.iter().map(|value| value.entry.0).collect::<Vec<_>>(),
        &values.iter().map(|value| value.field.clone()).collect::<Vec<_>>(),
        &values.iter().map(|value| value.subject).collect::<Vec<_>>(),
        &values.iter().map(|value| value.commitment.0.to_vec()).collect::<Vec<_>>(),
        &values.iter().map(|value| value.wrapped_key.clone()).collect::<Vec<_>>(),
        &values.iter().map(|value| value.ciphertext.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the values of these entries.
pub(crate) async fn list(conn: &mut PgConnection, entries: &[Uuid]) -> sqlx::Result<Vec<Stored>> {
    sqlx::query_as!(
        Stored,
        r#"
        select v.id, v.entry_id, v.field, v.commitment, v.wrapped_key, v.ciphertext, v.subject_id,
          s.wrapped_key as "subject_key", s.kek_epoch
        from vault_values v
        join vault_subjects s on s.id = v.subject_id
        where v.entry_id = any($1)
        "#,
        entries,
    )
    .fetch_all(conn)
    .await
}

/// Returns the values of these entries in these fields only.
pub(crate) async fn list_fields(
    conn: &mut PgConnection,
    entries: &[Uuid],
    fields: &[String],
) -> sqlx::Result<Vec<Stored>> {
    sqlx::query_as!(
        Stored,
        r#"
        select v.id, v.entry_id, v.field, v.commitment, v.wrapped_key, v.ciphertext, v.subject_id,
          s.wrapped_key as "subject_key", s.kek_epoch
        from vault_values v
        join vault_subjects s on s.id = v.subject_id
        where v.entry_id = any($1) and v.field = any($2)
        "#,
        entries,
        fields,
    )
    .fetch_all(conn)
    .await
}
