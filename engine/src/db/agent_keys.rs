//! `agent_keys`.

use countersign_domain::{
    event::Scope,
    ids::{AgentKeyId, EntryId, PersonId, SystemId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::clock::{instant, milliseconds};

pub(crate) struct AgentKey {
    pub(crate) id: AgentKeyId,
    /// The system; for an auditor's token the window, whose id is its `sid` in leaves.
    pub(crate) system: SystemId,
    /// Whether it is an auditor's token.
    pub(crate) token: bool,
    pub(crate) key_id: String,
    pub(crate) secret_hash: Vec<u8>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) n: u64,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) revoked_at: Option<u64>,
    pub(crate) last_used_at: Option<u64>,
    /// Networks it works from, in CIDR form; all of them when empty.
    pub(crate) networks: Vec<String>,
    /// The secret before the last rotation, and until when it works.
    pub(crate) former: Option<(Vec<u8>, u64)>,
    pub(crate) entry: EntryId,
}

struct Row {
    id: uuid::Uuid,
    system_id: uuid::Uuid,
    token: bool,
    key_id: String,
    secret_hash: Vec<u8>,
    scopes: Vec<String>,
    n: i64,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    networks: Vec<String>,
    former_hash: Option<Vec<u8>>,
    former_until: Option<OffsetDateTime>,
    entry_id: uuid::Uuid,
}

impl From<Row> for AgentKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            system: row.system_id.into(),
            token: row.token,
            key_id: row.key_id,
            secret_hash: row.secret_hash,
            scopes: row.scopes.iter().filter_map(|word| Scope::from_word(word)).collect(),
            n: row.n as u64,
            issued_at: milliseconds(row.issued_at),
            expires_at: milliseconds(row.expires_at),
            revoked_at: row.revoked_at.map(milliseconds),
            last_used_at: row.last_used_at.map(milliseconds),
            networks: row.networks,
            former: row.former_hash.zip(row.former_until.map(milliseconds)),
            entry: row.entry_id.into(),
        }
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, key: &AgentKey, issued_by: Option<PersonId>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into agent_keys
          (id, system_id, window_id, key_id, secret_hash, scopes, n, issued_at, expires_at, entry_id, networks,
            issued_by)
        values ($1, $2, $10, $3, $4, $5, $6, $7, $8, $9, $11, $12)
        "#,
        key.id.0,
        (!key.token).then_some(key.system.0),
        key.key_id,
        key.secret_hash,
        &key.scopes.iter().map(|scope| scope.word().to_owned()).collect::<Vec<_>>(),
        key.n as i64,
        instant(key.issued_at),
        instant(key.expires_at),
        key.entry.0,
        key.token.then_some(key.system.0),
        &key.networks,
        issued_by.map(|person| person.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find_by_key_id(conn: &mut PgConnection, key_id: &str) -> sqlx::Result<Option<AgentKey>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, coalesce(system_id, window_id) as "system_id!", window_id is not null as "token!", key_id, secret_hash,
          scopes, n, issued_at, expires_at, revoked_at, last_used_at, networks, former_hash, former_until, entry_id
        from agent_keys
        where key_id = $1
        "#,
        key_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(AgentKey::from))
}

pub(crate) async fn lock(conn: &mut PgConnection, id: AgentKeyId) -> sqlx::Result<Option<AgentKey>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, coalesce(system_id, window_id) as "system_id!", window_id is not null as "token!", key_id, secret_hash,
          scopes, n, issued_at, expires_at, revoked_at, last_used_at, networks, former_hash, former_until, entry_id
        from agent_keys
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(AgentKey::from))
}

pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<AgentKey>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, coalesce(system_id, window_id) as "system_id!", window_id is not null as "token!", key_id, secret_hash,
          scopes, n, issued_at, expires_at, revoked_at, last_used_at, networks, former_hash, former_until, entry_id
        from agent_keys
        order by issued_at desc, id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AgentKey::from).collect())
}

pub(crate) async fn set_revoked(conn: &mut PgConnection, id: AgentKeyId, n: u64, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update agent_keys set n = $2, revoked_at = $3 where id = $1", id.0, n as i64, instant(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives a key another secret; the one before works until `former_until`.
pub(crate) async fn set_secret(
    conn: &mut PgConnection,
    id: AgentKeyId,
    n: u64,
    secret_hash: &[u8],
    former: &(Vec<u8>, u64),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update agent_keys set n = $2, secret_hash = $3, former_hash = $4, former_until = $5 where id = $1",
        id.0,
        n as i64,
        secret_hash,
        former.0,
        instant(former.1),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_last_used(conn: &mut PgConnection, id: AgentKeyId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update agent_keys set last_used_at = $2 where id = $1", id.0, instant(now)).execute(conn).await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, id: AgentKeyId) -> sqlx::Result<Option<AgentKey>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, coalesce(system_id, window_id) as "system_id!", window_id is not null as "token!", key_id, secret_hash,
          scopes, n, issued_at, expires_at, revoked_at, last_used_at, networks, former_hash, former_until, entry_id
        from agent_keys
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(AgentKey::from))
}
