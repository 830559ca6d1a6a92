//! `role_mappings` and `person_snapshots`.

use countersign_domain::ids::{EntryId, MappingVersionId, PersonId, ProviderId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::clock::instant;

/// A draft or a version that is or was in force.
pub(crate) struct Stored {
    pub(crate) id: MappingVersionId,
    pub(crate) rows: String,
    pub(crate) saved_by: PersonId,
    pub(crate) saved_at: OffsetDateTime,
    pub(crate) activated_at: Option<OffsetDateTime>,
}

/// What a provider last said about a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    pub(crate) person: PersonId,
    pub(crate) mapping: Option<MappingVersionId>,
    pub(crate) entry: EntryId,
}

/// Returns the version in force and the draft.
pub(crate) async fn current(conn: &mut PgConnection, provider: ProviderId) -> sqlx::Result<Vec<Stored>> {
    let rows = sqlx::query!(
        r#"
        select id, rows, saved_by, saved_at, activated_at
        from role_mappings
        where provider_id = $1 and superseded_at is null
        order by activated_at nulls last, id
        "#,
        provider.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Stored {
            id: row.id.into(),
            rows: row.rows,
            saved_by: row.saved_by.into(),
            saved_at: row.saved_at,
            activated_at: row.activated_at,
        })
        .collect())
}

pub(crate) async fn insert_draft(
    conn: &mut PgConnection,
    id: MappingVersionId,
    provider: ProviderId,
    rows: &str,
    saved_by: PersonId,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into role_mappings (id, provider_id, rows, saved_by, saved_at, entry_id)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        id.0,
        provider.0,
        rows,
        saved_by.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_superseded(conn: &mut PgConnection, id: MappingVersionId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update role_mappings set superseded_at = $2 where id = $1", id.0, instant(now)).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set_activated(conn: &mut PgConnection, id: MappingVersionId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update role_mappings set activated_at = $2 where id = $1", id.0, instant(now)).execute(conn).await?;
    Ok(())
}

/// Counts one more entry about a provider's mapping and returns its number. The provider is locked by the caller.
pub(crate) async fn count(conn: &mut PgConnection, provider: ProviderId) -> sqlx::Result<u64> {
    let n = sqlx::query_scalar!(
        "update identity_providers set mapping_n = mapping_n + 1 where id = $1 returning mapping_n",
        provider.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(n as u64)
}

/// Returns everybody whom a provider knows, in order of their ids.
pub(crate) async fn people(conn: &mut PgConnection, provider: ProviderId) -> sqlx::Result<Vec<PersonId>> {
    let rows = sqlx::query_scalar!(
        "select distinct person_id from identities where provider_id = $1 order by person_id",
        provider.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PersonId::from).collect())
}

pub(crate) async fn snapshots(
    conn: &mut PgConnection,
    provider: ProviderId,
    people: &[PersonId],
) -> sqlx::Result<Vec<Snapshot>> {
    let ids: Vec<_> = people.iter().map(|person| person.0).collect();
    let rows = sqlx::query!(
        r#"
        select person_id, mapping_id, entry_id
        from person_snapshots
        where provider_id = $1 and person_id = any($2)
        order by person_id
        "#,
        provider.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Snapshot {
            person: row.person_id.into(),
            mapping: row.mapping_id.map(Into::into),
            entry: row.entry_id.into(),
        })
        .collect())
}

pub(crate) async fn put_snapshot(
    conn: &mut PgConnection,
    provider: ProviderId,
    person: PersonId,
    mapping: Option<MappingVersionId>,
    overage: bool,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into person_snapshots (provider_id, person_id, mapping_id, overage, taken_at, entry_id)
        values ($1, $2, $3, $4, $5, $6)
        on conflict on constraint person_snapshots_pkey
        do update set mapping_id = excluded.mapping_id, overage = excluded.overage, taken_at = excluded.taken_at,
          entry_id = excluded.entry_id
        "#,
        provider.0,
        person.0,
        mapping.map(|mapping| mapping.0),
        overage,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts people whose last claims held a reference in place of the groups.
pub(crate) async fn count_overage(conn: &mut PgConnection, provider: ProviderId) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from person_snapshots where provider_id = $1 and overage"#,
        provider.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}
