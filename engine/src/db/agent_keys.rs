//! `agent_keys`.

use countersign_domain::{
    event::Scope,
    ids::{AgentKeyId, EntryId, SystemId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::clock::{instant, milliseconds};

pub(crate) struct AgentKey {
    pub(crate) id: AgentKeyId,
    pub(crate) system: SystemId,
    pub(crate) key_id: String,
    pub(crate) secret_hash: Vec<u8>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) n: u64,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) revoked_at: Option<u64>,
    pub(crate) last_used_at: Option<u64>,
    pub(crate) entry: EntryId,
}

struct Row {
    id: uuid::Uuid,
    system_id: uuid::Uuid,
    key_id: String,
    secret_hash: Vec<u8>,
    scopes: Vec<String>,
    n: i64,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    entry_id: uuid::Uuid,
}

impl From<Row> for AgentKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            system: row.system_id.into(),
            key_id: row.key_id,
            secret_hash: row.secret_hash,
            scopes: row.scopes.iter().filter_map(|word| Scope::from_word(word)).collect(),
            n: row.n as u64,
            issued_at: milliseconds(row.issued_at),
            expires_at: milliseconds(row.expires_at),
            revoked_at: row.revoked_at.map(milliseconds),
            last_used_at: row.last_used_at.map(milliseconds),
            entry: row.entry_id.into(),
        }
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, key: &AgentKey) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into agent_keys (id, system_id, key_id, secret_hash, scopes, n, issued_at, expires_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        key.id.0,
        key.system.0,
        key.key_id,
        key.secret_hash,
        &key.scopes.iter().map(|scope| scope.word().to_owned()).collect::<Vec<_>>(),
        key.n as i64,
        instant(key.issued_at),
        instant(key.expires_at),
        key.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find_by_key_id(conn: &mut PgConnection, key_id: &str) -> sqlx::Result<Option<AgentKey>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, system_id, key_id, secret_hash, scopes, n, issued_at, expires_at, revoked_at, last_used_at, entry_id
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
        select id, system_id, key_id, secret_hash, scopes, n, issued_at, expires_at, revoked_at, last_used_at, entry_id
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
        select id, system_id, key_id, secret_hash, scopes, n, issued_at, expires_at, revoked_at, last_used_at, entry_id
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

pub(crate) async fn set_last_used(conn: &mut PgConnection, id: AgentKeyId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update agent_keys set last_used_at = $2 where id = $1", id.0, instant(now)).execute(conn).await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, id: AgentKeyId) -> sqlx::Result<Option<AgentKey>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, system_id, key_id, secret_hash, scopes, n, issued_at, expires_at, revoked_at, last_used_at, entry_id
        from agent_keys
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(AgentKey::from))
}
