//! `policy_drafts`.

use countersign_domain::{
    ids::{EntryId, PersonId, PolicyId, PolicyVersionId},
    policy::{PolicyBody, view::DraftState},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) id: PolicyVersionId,
    pub(crate) policy: PolicyId,
    pub(crate) body: PolicyBody,
    pub(crate) saved: u64,
    pub(crate) state: DraftState,
    pub(crate) author: PersonId,
    pub(crate) saved_at: u64,
    pub(crate) submitted_entry: Option<EntryId>,
    pub(crate) decided_entry: Option<EntryId>,
    pub(crate) decided_by: Option<PersonId>,
    pub(crate) n: u64,
}

struct Row {
    id: Uuid,
    policy_id: Uuid,
    body: String,
    saved: i32,
    state: String,
    author_id: Uuid,
    saved_at: OffsetDateTime,
    submitted_entry_id: Option<Uuid>,
    decided_entry_id: Option<Uuid>,
    decided_by: Option<Uuid>,
    n: i64,
}

impl TryFrom<Row> for Draft {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "policy_drafts", column, id: row.id.to_string() };
        Ok(Self {
            id: row.id.into(),
            policy: row.policy_id.into(),
            body: serde_json::from_str(&row.body).map_err(|_| unreadable("body"))?,
            saved: row.saved as u64,
            state: DraftState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
            author: row.author_id.into(),
            saved_at: milliseconds(row.saved_at),
            submitted_entry: row.submitted_entry_id.map(EntryId::from),
            decided_entry: row.decided_entry_id.map(EntryId::from),
            decided_by: row.decided_by.map(PersonId::from),
            n: row.n as u64,
        })
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, draft: &Draft) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into policy_drafts (id, policy_id, body, saved, state, author_id, saved_at, n)
        values ($1, $2, $3, $4, 'draft', $5, $6, $7)
        "#,
        draft.id.0,
        draft.policy.0,
        draft.body.canonical(),
        draft.saved as i32,
        draft.author.0,
        instant(draft.saved_at),
        draft.n as i64,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes table, author, counts and state of a locked draft.
pub(crate) async fn save(conn: &mut PgConnection, draft: &Draft) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update policy_drafts
        set body = $2, saved = $3, author_id = $4, saved_at = $5, state = $6, n = $7
        where id = $1
        "#,
        draft.id.0,
        draft.body.canonical(),
        draft.saved as i32,
        draft.author.0,
        instant(draft.saved_at),
        draft.state.word(),
        draft.n as i64,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_submitted(conn: &mut PgConnection, draft: &Draft, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update policy_drafts
        set state = 'in_review', n = $2, submitted_entry_id = $3
        where id = $1
        "#,
        draft.id.0,
        draft.n as i64,
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_decided(
    conn: &mut PgConnection,
    draft: &Draft,
    by: PersonId,
    (at, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update policy_drafts
        set state = $2, n = $3, decided_at = $4, decided_by = $5, decided_entry_id = $6
        where id = $1
        "#,
        draft.id.0,
        draft.state.word(),
        draft.n as i64,
        instant(at),
        by.0,
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, id: PolicyVersionId) -> Result<Option<Draft>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, policy_id, body, saved, state, author_id, saved_at, submitted_entry_id, decided_entry_id,
          decided_by, n
        from policy_drafts
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Draft::try_from).transpose()
}

pub(crate) async fn lock(conn: &mut PgConnection, id: PolicyVersionId) -> Result<Option<Draft>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, policy_id, body, saved, state, author_id, saved_at, submitted_entry_id, decided_entry_id,
          decided_by, n
        from policy_drafts
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Draft::try_from).transpose()
}

/// Drafts that are not in force, newest first: all that are open, and the latest that ended.
pub(crate) async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<Draft>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, policy_id, body, saved, state, author_id, saved_at, submitted_entry_id, decided_entry_id,
          decided_by, n
        from policy_drafts
        where state <> 'activated'
        order by state in ('draft', 'in_review') desc, saved_at desc, id
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Draft::try_from).collect()
}

pub(crate) async fn add_author(conn: &mut PgConnection, id: PolicyVersionId, person: PersonId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into policy_draft_authors (draft_id, person_id) values ($1, $2) on conflict do nothing",
        id.0,
        person.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells whether a person wrote into a draft.
pub(crate) async fn is_author(conn: &mut PgConnection, id: PolicyVersionId, person: PersonId) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from policy_draft_authors where draft_id = $1 and person_id = $2) as "found!""#,
        id.0,
        person.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}
