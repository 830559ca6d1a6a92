//! `scim_tokens`, and what a person's memberships amount to.

pub(crate) mod due;
pub(crate) mod groups;
pub(crate) mod users;

use countersign_domain::{
    ids::{EntryId, PersonId, ProviderId, ScimTokenId},
    role::Role,
    role_map::Group,
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::clock::{instant, milliseconds};

pub(crate) struct ScimToken {
    pub(crate) id: ScimTokenId,
    pub(crate) n: u64,
    pub(crate) provider: ProviderId,
    pub(crate) key_id: String,
    pub(crate) secret_hash: Vec<u8>,
    pub(crate) ceiling: Vec<Role>,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) revoked_at: Option<u64>,
    pub(crate) last_used_at: Option<u64>,
    pub(crate) entry: EntryId,
}

impl ScimToken {
    /// Tells whether it is neither ended nor past its end.
    pub(crate) fn is_live(&self, now: u64) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

struct Row {
    id: uuid::Uuid,
    n: i64,
    provider_id: uuid::Uuid,
    key_id: String,
    secret_hash: Vec<u8>,
    ceiling: Vec<String>,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    entry_id: uuid::Uuid,
}

impl From<Row> for ScimToken {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            n: row.n as u64,
            provider: row.provider_id.into(),
            key_id: row.key_id,
            secret_hash: row.secret_hash,
            ceiling: roles(&row.ceiling),
            issued_at: milliseconds(row.issued_at),
            expires_at: milliseconds(row.expires_at),
            revoked_at: row.revoked_at.map(milliseconds),
            last_used_at: row.last_used_at.map(milliseconds),
            entry: row.entry_id.into(),
        }
    }
}

fn roles(words: &[String]) -> Vec<Role> {
    words.iter().filter_map(|word| Role::from_word(word)).collect()
}

pub(crate) async fn insert_token(conn: &mut PgConnection, new: &ScimToken) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into scim_tokens (id, n, provider_id, key_id, secret_hash, ceiling, issued_at, expires_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id.0,
        new.n as i64,
        new.provider.0,
        new.key_id,
        new.secret_hash,
        &new.ceiling.iter().map(|role| role.word().to_owned()).collect::<Vec<_>>(),
        instant(new.issued_at),
        instant(new.expires_at),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds a token by the public part of its text; none of a provider that was removed.
pub(crate) async fn find_token(conn: &mut PgConnection, key_id: &str) -> sqlx::Result<Option<ScimToken>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select t.id, t.n, t.provider_id, t.key_id, t.secret_hash, t.ceiling, t.issued_at, t.expires_at, t.revoked_at,
          t.last_used_at, t.entry_id
        from scim_tokens t
        join identity_providers p on p.id = t.provider_id
        where t.key_id = $1 and p.removed_at is null
        "#,
        key_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ScimToken::from))
}

/// Tells whether a token is neither ended nor past its end, and its provider is there. It stays so until the
/// transaction ends.
pub(crate) async fn is_live(conn: &mut PgConnection, id: ScimTokenId, now: u64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"
        select t.id
        from scim_tokens t
        join identity_providers p on p.id = t.provider_id
        where t.id = $1 and t.revoked_at is null and t.expires_at > $2 and p.removed_at is null
        for key share of t
        "#,
        id.0,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

pub(crate) async fn lock_token(conn: &mut PgConnection, id: ScimTokenId) -> sqlx::Result<Option<ScimToken>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, provider_id, key_id, secret_hash, ceiling, issued_at, expires_at, revoked_at, last_used_at, entry_id
        from scim_tokens
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ScimToken::from))
}

/// Returns every token, newest first.
pub(crate) async fn list_tokens(conn: &mut PgConnection) -> sqlx::Result<Vec<ScimToken>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, n, provider_id, key_id, secret_hash, ceiling, issued_at, expires_at, revoked_at, last_used_at, entry_id
        from scim_tokens
        order by issued_at desc, id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ScimToken::from).collect())
}

pub(crate) async fn set_revoked(
    conn: &mut PgConnection,
    id: ScimTokenId,
    n: u64,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update scim_tokens set n = $2, revoked_at = $3, revoked_entry_id = $4 where id = $1",
        id.0,
        n as i64,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_last_used(conn: &mut PgConnection, id: ScimTokenId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update scim_tokens set last_used_at = $2 where id = $1", id.0, instant(now)).execute(conn).await?;
    Ok(())
}

/// What a provider's directory pushed, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) active: u64,
    pub(crate) inactive: u64,
    /// Users who are nobody here yet.
    pub(crate) unnamed: u64,
    pub(crate) groups: u64,
    pub(crate) members: u64,
    /// People for whom something follows that is being worked out.
    pub(crate) due: u64,
}

pub(crate) async fn counts(conn: &mut PgConnection, provider: ProviderId) -> sqlx::Result<Counts> {
    let row = sqlx::query!(
        r#"
        select
          (select count(*) from scim_users where provider_id = $1 and removed_at is null and active) as "active!",
          (select count(*) from scim_users where provider_id = $1 and removed_at is null and not active) as "inactive!",
          (select count(*) from scim_users where provider_id = $1 and removed_at is null and person_id is null)
            as "unnamed!",
          (select count(*) from scim_groups where provider_id = $1 and removed_at is null) as "groups!",
          (select count(*) from scim_members m join scim_groups g on g.id = m.group_id where g.provider_id = $1)
            as "members!",
          (select count(*) from scim_due where provider_id = $1) as "due!"
        "#,
        provider.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(Counts {
        active: row.active as u64,
        inactive: row.inactive as u64,
        unnamed: row.unnamed as u64,
        groups: row.groups as u64,
        members: row.members as u64,
        due: row.due as u64,
    })
}

/// Returns the groups that a provider's directory put a person into, each under the roles that both the token
/// that named the group and the token that pushed the membership may give.
pub(crate) async fn groups_of(
    conn: &mut PgConnection,
    provider: ProviderId,
    person: PersonId,
) -> sqlx::Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"
        select g.display_name, named.ceiling as named, pushed.ceiling as pushed
        from scim_users u
        join scim_members m on m.user_id = u.id
        join scim_groups g on g.id = m.group_id
        join scim_tokens named on named.id = g.token_id
        join scim_tokens pushed on pushed.id = m.token_id
        where u.provider_id = $1 and u.person_id = $2 and u.removed_at is null and g.removed_at is null
        order by g.display_name, g.id
        "#,
        provider.0,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| group(row.display_name, &row.named, &row.pushed)).collect())
}

/// Returns the groups of everybody whom a provider's directory put into one, or of some of them, as [`groups_of`]
/// does.
pub(crate) async fn groups(
    conn: &mut PgConnection,
    provider: ProviderId,
    of: Option<&[PersonId]>,
) -> sqlx::Result<Vec<(PersonId, Group)>> {
    let ids: Option<Vec<_>> = of.map(|people| people.iter().map(|person| person.0).collect());
    let rows = sqlx::query!(
        r#"
        select u.person_id as "person!", g.display_name, named.ceiling as named, pushed.ceiling as pushed
        from scim_users u
        join scim_members m on m.user_id = u.id
        join scim_groups g on g.id = m.group_id
        join scim_tokens named on named.id = g.token_id
        join scim_tokens pushed on pushed.id = m.token_id
        where u.provider_id = $1 and u.person_id is not null and u.removed_at is null and g.removed_at is null
          and ($2::uuid[] is null or u.person_id = any($2))
        order by u.person_id, g.display_name, g.id
        "#,
        provider.0,
        ids.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.person.into(), group(row.display_name, &row.named, &row.pushed))).collect())
}

fn group(name: String, named: &[String], pushed: &[String]) -> Group {
    let named = roles(named);
    let mut ceiling = roles(pushed);
    ceiling.retain(|role| named.contains(role));
    ceiling.sort_unstable();
    Group { name, ceiling }
}
