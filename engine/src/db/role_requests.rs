//! `role_requests`: who asks for a role, and what an admin answered.

use countersign_domain::{
    ids::{EntryId, PersonId},
    role::Role,
    role_request::RoleAnswer,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A stored request; its texts are in the vault, under its entries.
pub(crate) struct RoleRequest {
    pub(crate) entry: EntryId,
    pub(crate) person: PersonId,
    pub(crate) role: Option<Role>,
    pub(crate) at: u64,
    pub(crate) answered: Option<Answered>,
}

/// Its answer.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) answer: RoleAnswer,
    pub(crate) by: PersonId,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
}

struct Row {
    entry_id: Uuid,
    person_id: Uuid,
    role: Option<String>,
    asked_at: OffsetDateTime,
    answer: Option<String>,
    answered_by: Option<Uuid>,
    answered_at: Option<OffsetDateTime>,
    answered_entry_id: Option<Uuid>,
}

impl TryFrom<Row> for RoleRequest {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "role_requests", column, id: row.entry_id.to_string() };
        let role = row.role.map(|word| Role::from_word(&word).ok_or_else(|| unreadable("role"))).transpose()?;
        let answered = match (row.answer, row.answered_by, row.answered_at, row.answered_entry_id) {
            (Some(word), Some(by), Some(at), Some(entry)) => Some(Answered {
                answer: RoleAnswer::from_word(&word).ok_or_else(|| unreadable("answer"))?,
                by: by.into(),
                at: milliseconds(at),
                entry: entry.into(),
            }),
            _ => None,
        };
        Ok(Self {
            entry: row.entry_id.into(),
            person: row.person_id.into(),
            role,
            at: milliseconds(row.asked_at),
            answered,
        })
    }
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    person: PersonId,
    role: Option<Role>,
    at: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into role_requests (entry_id, person_id, role, asked_at) values ($1, $2, $3, $4)",
        entry.0,
        person.0,
        role.map(Role::word),
        instant(at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns a person's request that waits.
pub(crate) async fn find_waiting(conn: &mut PgConnection, person: PersonId) -> Result<Option<RoleRequest>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select entry_id, person_id, role, asked_at, answer, answered_by, answered_at, answered_entry_id
        from role_requests
        where person_id = $1 and answer is null
        "#,
        person.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(RoleRequest::try_from).transpose()
}

/// Returns a request and keeps others from answering it until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, entry: EntryId) -> Result<Option<RoleRequest>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select entry_id, person_id, role, asked_at, answer, answered_by, answered_at, answered_entry_id
        from role_requests
        where entry_id = $1
        for update
        "#,
        entry.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(RoleRequest::try_from).transpose()
}

pub(crate) async fn set_answered(
    conn: &mut PgConnection,
    request: EntryId,
    answer: RoleAnswer,
    by: PersonId,
    (at, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update role_requests
        set answer = $2, answered_by = $3, answered_at = $4, answered_entry_id = $5
        where entry_id = $1
        "#,
        request.0,
        answer.word(),
        by.0,
        instant(at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the requests that wait, the longest first.
pub(crate) async fn list_waiting(conn: &mut PgConnection, limit: i64) -> Result<Vec<RoleRequest>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select entry_id, person_id, role, asked_at, answer, answered_by, answered_at, answered_entry_id
        from role_requests
        where answer is null
        order by asked_at, entry_id
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(RoleRequest::try_from).collect()
}

/// Returns the requests that were answered, the last first.
pub(crate) async fn list_answered(conn: &mut PgConnection, limit: i64) -> Result<Vec<RoleRequest>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select entry_id, person_id, role, asked_at, answer, answered_by, answered_at, answered_entry_id
        from role_requests
        where answer is not null
        order by answered_at desc, entry_id desc
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(RoleRequest::try_from).collect()
}

/// Returns a person's requests, newest first.
pub(crate) async fn list_of(conn: &mut PgConnection, person: PersonId, limit: i64) -> Result<Vec<RoleRequest>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select entry_id, person_id, role, asked_at, answer, answered_by, answered_at, answered_entry_id
        from role_requests
        where person_id = $1
        order by asked_at desc, entry_id desc
        limit $2
        "#,
        person.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(RoleRequest::try_from).collect()
}
