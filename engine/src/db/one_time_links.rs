//! `one_time_links`: set-up and invitations. Only the token's hash is stored.

use countersign_domain::ids::PersonId;
use sqlx::PgConnection;

use crate::clock::instant;

pub(crate) struct Link {
    pub(crate) person: Option<PersonId>,
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    person: Option<PersonId>,
    now: u64,
    expires_at: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into one_time_links (token_hash, purpose, person_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5)
        "#,
        hash,
        purpose,
        person.map(|person| person.0),
        instant(now),
        instant(expires_at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the unused links of this purpose and person.
pub(crate) async fn end(
    conn: &mut PgConnection,
    purpose: &str,
    person: Option<PersonId>,
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update one_time_links
        set used_at = $3
        where purpose = $1 and person_id is not distinct from $2 and used_at is null
        "#,
        purpose,
        person.map(|person| person.0),
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, hash: &[u8], purpose: &str, now: u64) -> sqlx::Result<Option<Link>> {
    let row = sqlx::query!(
        r#"
        select person_id
        from one_time_links
        where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
        "#,
        hash,
        purpose,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Link { person: row.person_id.map(PersonId::from) }))
}

/// Uses a link up; none when it was used, ended or is too old.
pub(crate) async fn consume(
    conn: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    now: u64,
) -> sqlx::Result<Option<Link>> {
    let row = sqlx::query!(
        r#"
        update one_time_links
        set used_at = $3
        where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
        returning person_id
        "#,
        hash,
        purpose,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Link { person: row.person_id.map(PersonId::from) }))
}
