//! `scim_groups` and `scim_members`.

use countersign_domain::ids::{EntryId, PersonId, ProviderId, ScimGroupId, ScimTokenId, ScimUserId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

#[derive(Clone, Debug)]
pub(crate) struct ScimGroup {
    pub(crate) id: ScimGroupId,
    pub(crate) n: u64,
    pub(crate) provider: ProviderId,
    /// The token that gave the name.
    pub(crate) token: ScimTokenId,
    pub(crate) display_name: String,
    pub(crate) external_id: Option<String>,
    pub(crate) created_at: u64,
    pub(crate) changed_at: u64,
    pub(crate) entry: EntryId,
}

struct Row {
    id: Uuid,
    n: i64,
    provider_id: Uuid,
    token_id: Uuid,
    display_name: String,
    external_id: Option<String>,
    created_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    entry_id: Uuid,
}

impl From<Row> for ScimGroup {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            n: row.n as u64,
            provider: row.provider_id.into(),
            token: row.token_id.into(),
            display_name: row.display_name,
            external_id: row.external_id,
            created_at: milliseconds(row.created_at),
            changed_at: milliseconds(row.changed_at),
            entry: row.entry_id.into(),
        }
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &ScimGroup) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into scim_groups
          (id, n, provider_id, token_id, display_name, external_id, created_at, changed_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id.0,
        new.n as i64,
        new.provider.0,
        new.token.0,
        new.display_name,
        new.external_id,
        instant(new.created_at),
        instant(new.changed_at),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn update(conn: &mut PgConnection, group: &ScimGroup) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update scim_groups
        set n = $2, token_id = $3, display_name = $4, external_id = $5, changed_at = $6, entry_id = $7
        where id = $1
        "#,
        group.id.0,
        group.n as i64,
        group.token.0,
        group.display_name,
        group.external_id,
        instant(group.changed_at),
        group.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a group with its memberships.
pub(crate) async fn remove(
    conn: &mut PgConnection,
    id: ScimGroupId,
    n: u64,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!("delete from scim_members where group_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!(
        "update scim_groups set n = $2, changed_at = $3, removed_at = $3, entry_id = $4 where id = $1",
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
    id: ScimGroupId,
) -> sqlx::Result<Option<ScimGroup>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, provider_id, token_id, display_name, external_id, created_at, changed_at, entry_id
        from scim_groups
        where provider_id = $1 and id = $2 and removed_at is null
        "#,
        provider.0,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ScimGroup::from))
}

/// Tells whether another group of the directory has this name or this id of its own.
pub(crate) async fn is_taken(
    conn: &mut PgConnection,
    provider: ProviderId,
    id: ScimGroupId,
    display_name: &str,
    external_id: Option<&str>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (select from scim_groups
          where provider_id = $1 and id <> $2 and removed_at is null
            and (lower(display_name) = lower($3) or external_id = $4)) as "taken!"
        "#,
        provider.0,
        id.0,
        display_name,
        external_id,
    )
    .fetch_one(conn)
    .await
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) id: Option<ScimGroupId>,
    pub(crate) display_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) member: Option<ScimUserId>,
}

pub(crate) async fn list(
    conn: &mut PgConnection,
    provider: ProviderId,
    wanted: &Wanted,
    skip: u64,
    count: u64,
) -> sqlx::Result<Vec<ScimGroup>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, n, provider_id, token_id, display_name, external_id, created_at, changed_at, entry_id
        from scim_groups g
        where provider_id = $1 and removed_at is null
          and ($2::uuid is null or id = $2)
          and ($3::text is null or lower(display_name) = lower($3))
          and ($4::text is null or external_id = $4)
          and ($5::uuid is null or exists (select from scim_members m where m.group_id = g.id and m.user_id = $5))
        order by created_at, id
        offset $6 limit $7
        "#,
        provider.0,
        wanted.id.map(|id| id.0),
        wanted.display_name,
        wanted.external_id,
        wanted.member.map(|user| user.0),
        i64::try_from(skip).unwrap_or(i64::MAX),
        i64::try_from(count).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ScimGroup::from).collect())
}

pub(crate) async fn count(conn: &mut PgConnection, provider: ProviderId, wanted: &Wanted) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from scim_groups g
        where provider_id = $1 and removed_at is null
          and ($2::uuid is null or id = $2)
          and ($3::text is null or lower(display_name) = lower($3))
          and ($4::text is null or external_id = $4)
          and ($5::uuid is null or exists (select from scim_members m where m.group_id = g.id and m.user_id = $5))
        "#,
        provider.0,
        wanted.id.map(|id| id.0),
        wanted.display_name,
        wanted.external_id,
        wanted.member.map(|user| user.0),
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}

/// Returns the members of groups, in order of group and user.
pub(crate) async fn members(
    conn: &mut PgConnection,
    groups: &[ScimGroupId],
) -> sqlx::Result<Vec<(ScimGroupId, ScimUserId)>> {
    let ids: Vec<_> = groups.iter().map(|group| group.0).collect();
    let rows = sqlx::query!(
        "select group_id, user_id from scim_members where group_id = any($1) order by group_id, user_id",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.group_id.into(), row.user_id.into())).collect())
}

/// Puts users into a group, or renews their memberships under this token.
pub(crate) async fn put_members(
    conn: &mut PgConnection,
    group: ScimGroupId,
    users: &[ScimUserId],
    token: ScimTokenId,
) -> sqlx::Result<()> {
    let ids: Vec<_> = users.iter().map(|user| user.0).collect();
    sqlx::query!(
        r#"
        insert into scim_members (group_id, user_id, token_id)
        select $1, user_id, $3
        from unnest($2::uuid[]) u (user_id)
        on conflict on constraint scim_members_pkey do update set token_id = excluded.token_id
        "#,
        group.0,
        &ids,
        token.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn take_members(
    conn: &mut PgConnection,
    group: ScimGroupId,
    users: &[ScimUserId],
) -> sqlx::Result<()> {
    let ids: Vec<_> = users.iter().map(|user| user.0).collect();
    sqlx::query!("delete from scim_members where group_id = $1 and user_id = any($2)", group.0, &ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns which of these are users of a directory, each with the person it is.
pub(crate) async fn known_users(
    conn: &mut PgConnection,
    provider: ProviderId,
    users: &[ScimUserId],
) -> sqlx::Result<Vec<(ScimUserId, Option<PersonId>)>> {
    let ids: Vec<_> = users.iter().map(|user| user.0).collect();
    let rows = sqlx::query!(
        "select id, person_id from scim_users where provider_id = $1 and id = any($2) and removed_at is null",
        provider.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.person_id.map(PersonId::from))).collect())
}
