//! `post_reviews`: acts that another person looks at afterwards, and what they said.

use countersign_domain::{
    ids::{DecisionId, EntryId, PersonId, SystemId},
    overrides::{PostReviewKind, PostReviewResult},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

pub(crate) struct PostReview {
    /// The entry of the act.
    pub(crate) act: EntryId,
    pub(crate) kind: PostReviewKind,
    pub(crate) by: PersonId,
    /// The decision that it is about, and its system.
    pub(crate) decision: Option<(DecisionId, SystemId)>,
    pub(crate) at: u64,
    pub(crate) due_at: u64,
    pub(crate) given: Option<Given>,
}

pub(crate) struct Given {
    pub(crate) by: PersonId,
    pub(crate) result: PostReviewResult,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
    pub(crate) index: Option<u64>,
}

pub(crate) struct New {
    pub(crate) act: EntryId,
    pub(crate) kind: PostReviewKind,
    pub(crate) by: PersonId,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) at: u64,
    pub(crate) due_at: u64,
}

struct Row {
    act_entry_id: Uuid,
    kind: String,
    acted_by: Uuid,
    decision_id: Option<Uuid>,
    system_id: Option<Uuid>,
    acted_at: OffsetDateTime,
    due_at: OffsetDateTime,
    given_by: Option<Uuid>,
    result: Option<String>,
    given_at: Option<OffsetDateTime>,
    entry_id: Option<Uuid>,
    idx: Option<i64>,
}

impl TryFrom<Row> for PostReview {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "post_reviews", column, id: row.act_entry_id.to_string() };
        let given = match (row.given_by, row.result.as_deref(), row.given_at, row.entry_id) {
            (Some(by), Some(result), Some(at), Some(entry)) => Some(Given {
                by: by.into(),
                result: PostReviewResult::from_word(result).ok_or_else(|| unreadable("result"))?,
                at: milliseconds(at),
                entry: entry.into(),
                index: row.idx.map(|index| index as u64),
            }),
            _ => None,
        };
        Ok(Self {
            act: row.act_entry_id.into(),
            kind: PostReviewKind::from_word(&row.kind).ok_or_else(|| unreadable("kind"))?,
            by: row.acted_by.into(),
            decision: row.decision_id.map(DecisionId::from).zip(row.system_id.map(SystemId::from)),
            at: milliseconds(row.acted_at),
            due_at: milliseconds(row.due_at),
            given,
        })
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into post_reviews (act_entry_id, kind, acted_by, decision_id, acted_at, due_at)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        new.act.0,
        new.kind.word(),
        new.by.0,
        new.decision.map(|decision| decision.0),
        instant(new.at),
        instant(new.due_at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the row of an act.
pub(crate) async fn lock(conn: &mut PgConnection, act: EntryId) -> Result<Option<PostReview>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select p.act_entry_id, p.kind, p.acted_by, p.decision_id, d.system_id as "system_id?", p.acted_at, p.due_at,
          p.given_by, p.result, p.given_at, p.entry_id, e.idx as "idx?"
        from post_reviews p
        left join decisions d on d.id = p.decision_id
        left join ledger_entries e on e.id = p.entry_id
        where p.act_entry_id = $1
        for update of p
        "#,
        act.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(PostReview::try_from).transpose()
}

/// Returns what waits, by its time.
pub(crate) async fn list_waiting(conn: &mut PgConnection, limit: i64) -> Result<Vec<PostReview>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select p.act_entry_id, p.kind, p.acted_by, p.decision_id, d.system_id as "system_id?", p.acted_at, p.due_at,
          p.given_by, p.result, p.given_at, p.entry_id, e.idx as "idx?"
        from post_reviews p
        left join decisions d on d.id = p.decision_id
        left join ledger_entries e on e.id = p.entry_id
        where p.entry_id is null
        order by p.due_at, p.act_entry_id
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(PostReview::try_from).collect()
}

/// Returns what was looked at, the latest first.
pub(crate) async fn list_given(conn: &mut PgConnection, limit: i64) -> Result<Vec<PostReview>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select p.act_entry_id, p.kind, p.acted_by, p.decision_id, d.system_id as "system_id?", p.acted_at, p.due_at,
          p.given_by, p.result, p.given_at, p.entry_id, e.idx as "idx?"
        from post_reviews p
        left join decisions d on d.id = p.decision_id
        left join ledger_entries e on e.id = p.entry_id
        where p.entry_id is not null
        order by p.given_at desc, p.act_entry_id desc
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(PostReview::try_from).collect()
}

/// Returns what is looked at of a decision, oldest first.
pub(crate) async fn list_of(conn: &mut PgConnection, decision: DecisionId) -> Result<Vec<PostReview>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select p.act_entry_id, p.kind, p.acted_by, p.decision_id, d.system_id as "system_id?", p.acted_at, p.due_at,
          p.given_by, p.result, p.given_at, p.entry_id, e.idx as "idx?"
        from post_reviews p
        left join decisions d on d.id = p.decision_id
        left join ledger_entries e on e.id = p.entry_id
        where p.decision_id = $1
        order by p.acted_at, p.act_entry_id
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(PostReview::try_from).collect()
}

/// Returns the longest overdue act of a person that nobody has looked at.
pub(crate) async fn find_overdue(
    conn: &mut PgConnection,
    person: PersonId,
    now: u64,
) -> Result<Option<(PostReviewKind, Option<DecisionId>)>> {
    let row = sqlx::query!(
        r#"
        select act_entry_id, kind, decision_id
        from post_reviews
        where acted_by = $1 and entry_id is null and due_at <= $2
        order by due_at, act_entry_id
        limit 1
        "#,
        person.0,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let id = row.act_entry_id.to_string();
        let kind = PostReviewKind::from_word(&row.kind);
        let kind = kind.ok_or(Error::Row { table: "post_reviews", column: "kind", id })?;
        Ok((kind, row.decision_id.map(DecisionId::from)))
    })
    .transpose()
}

/// Keeps what somebody said about an act.
pub(crate) async fn set_given(
    conn: &mut PgConnection,
    act: EntryId,
    by: PersonId,
    result: PostReviewResult,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update post_reviews set given_by = $2, result = $3, given_at = $4, entry_id = $5 where act_entry_id = $1",
        act.0,
        by.0,
        result.word(),
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
