//! `scim_users` and `scim_barred`.

use countersign_domain::ids::{EntryId, PersonId, ProviderId, ScimUserId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

#[derive(Clone, Debug)]
pub(crate) struct ScimUser {
    pub(crate) id: ScimUserId,
    pub(crate) n: u64,
    pub(crate) provider: ProviderId,
    pub(crate) user_name: Vec<u8>,
    pub(crate) external: Option<Vec<u8>>,
    pub(crate) person: Option<PersonId>,
    pub(crate) active: bool,
    pub(crate) created_at: u64,
    pub(crate) changed_at: u64,
    pub(crate) entry: EntryId,
}

struct Row {
    id: Uuid,
    n: i64,
    provider_id: Uuid,
    user_name_lookup: Vec<u8>,
    external_lookup: Option<Vec<u8>>,
    person_id: Option<Uuid>,
    active: bool,
    created_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    entry_id: Uuid,
}

impl From<Row> for ScimUser {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            n: row.n as u64,
            provider: row.provider_id.into(),
            user_name: row.user_name_lookup,
            external: row.external_lookup,
            person: row.person_id.map(PersonId::from),
            active: row.active,
            created_at: milliseconds(row.created_at),
            changed_at: milliseconds(row.changed_at),
            entry: row.entry_id.into(),
        }
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &ScimUser) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into scim_users
          (id, n, provider_id, user_name_lookup, external_lookup, person_id, active, created_at, changed_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        new.id.0,
        new.n as i64,
        new.provider.0,
        new.user_name,
        new.external,
        new.person.map(|person| person.0),
        new.active,
        instant(new.created_at),
        instant(new.changed_at),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn update(conn: &mut PgConnection, user: &ScimUser) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update scim_users
        set n = $2, user_name_lookup = $3, external_lookup = $4, person_id = $5, active = $6, changed_at = $7, entry_id = $8
        where id = $1
        "#,
        user.id.0,
        user.n as i64,
        user.user_name,
        user.external,
        user.person.map(|person| person.0),
        user.active,
        instant(user.changed_at),
        user.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a user and takes it out of its groups.
pub(crate) async fn remove(
    conn: &mut PgConnection,
    id: ScimUserId,
    n: u64,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!("delete from scim_members where user_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!(
        "update scim_users set n = $2, active = false, changed_at = $3, removed_at = $3, entry_id = $4 where id = $1",
        id.0,
        n as i64,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    provider: ProviderId,
    id: ScimUserId,
) -> sqlx::Result<Option<ScimUser>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, provider_id, user_name_lookup, external_lookup, person_id, active, created_at, changed_at, entry_id
        from scim_users
        where provider_id = $1 and id = $2 and removed_at is null
        "#,
        provider.0,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ScimUser::from))
}

/// Tells whether another user of the directory has this name or this subject.
pub(crate) async fn is_taken(
    conn: &mut PgConnection,
    provider: ProviderId,
    id: ScimUserId,
    user_name: &[u8],
    external: Option<&[u8]>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (select from scim_users
          where provider_id = $1 and id <> $2 and removed_at is null
            and (user_name_lookup = $3 or external_lookup = $4)) as "taken!"
        "#,
        provider.0,
        id.0,
        user_name,
        external,
    )
    .fetch_one(conn)
    .await
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) id: Option<ScimUserId>,
    pub(crate) user_name: Option<Vec<u8>>,
    pub(crate) external: Option<Vec<u8>>,
}

pub(crate) async fn list(
    conn: &mut PgConnection,
    provider: ProviderId,
    wanted: &Wanted,
    skip: u64,
    count: u64,
) -> sqlx::Result<Vec<ScimUser>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, n, provider_id, user_name_lookup, external_lookup, person_id, active, created_at, changed_at, entry_id
        from scim_users
        where provider_id = $1 and removed_at is null
          and ($2::uuid is null or id = $2)
          and ($3::bytea is null or user_name_lookup = $3)
          and ($4::bytea is null or external_lookup = $4)
        order by created_at, id
        offset $5 limit $6
        "#,
        provider.0,
        wanted.id.map(|id| id.0),
        wanted.user_name.as_deref(),
        wanted.external.as_deref(),
        i64::try_from(skip).unwrap_or(i64::MAX),
        i64::try_from(count).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ScimUser::from).collect())
}

pub(crate) async fn count(conn: &mut PgConnection, provider: ProviderId, wanted: &Wanted) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from scim_users
        where provider_id = $1 and removed_at is null
          and ($2::uuid is null or id = $2)
          and ($3::bytea is null or user_name_lookup = $3)
          and ($4::bytea is null or external_lookup = $4)
        "#,
        provider.0,
        wanted.id.map(|id| id.0),
        wanted.user_name.as_deref(),
        wanted.external.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}

/// Notes that a directory disabled a person.
pub(crate) async fn set_barred(
    conn: &mut PgConnection,
    provider: ProviderId,
    person: PersonId,
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into scim_barred (provider_id, person_id, barred_at)
        values ($1, $2, $3)
        on conflict on constraint scim_barred_pkey do nothing
        "#,
        provider.0,
        person.0,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets that a directory disabled a person; tells whether it had.
pub(crate) async fn clear_barred(
    conn: &mut PgConnection,
    provider: ProviderId,
    person: PersonId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from scim_barred where provider_id = $1 and person_id = $2", provider.0, person.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets that any directory disabled a person, because somebody enabled them.
pub(crate) async fn clear_all_barred(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<()> {
    sqlx::query!("delete from scim_barred where person_id = $1", person.0).execute(conn).await?;
    Ok(())
}
