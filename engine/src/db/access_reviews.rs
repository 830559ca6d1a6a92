//! `access_reviews` and `access_review_items`.

use countersign_domain::{
    event::AccessReviewAnswer,
    ids::{AccessReviewId, EntryId, PersonId, RoleAssignmentId},
};
use countersign_ledger::hash::Hash;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    db::roles::Assignment,
    error::{Error, Result},
};

#[derive(Clone, Debug)]
pub(crate) struct AccessReview {
    pub(crate) id: AccessReviewId,
    pub(crate) n: u64,
    pub(crate) started_by: PersonId,
    pub(crate) started_at: u64,
    pub(crate) due_at: u64,
    pub(crate) grace_at: u64,
    pub(crate) snapshot: Vec<u8>,
    pub(crate) result: Option<Vec<u8>>,
    pub(crate) completed_at: Option<u64>,
    pub(crate) items: u64,
    pub(crate) answered: u64,
}

pub(crate) struct New {
    pub(crate) id: AccessReviewId,
    pub(crate) started_by: PersonId,
    pub(crate) started_at: u64,
    pub(crate) due_at: u64,
    pub(crate) grace_at: u64,
    pub(crate) snapshot: Hash,
    pub(crate) entry: EntryId,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) assignment: RoleAssignmentId,
    pub(crate) person: PersonId,
    pub(crate) answer: Option<AccessReviewAnswer>,
    pub(crate) answered_by: Option<PersonId>,
    pub(crate) answered_at: Option<u64>,
}

struct Row {
    id: Uuid,
    n: i64,
    started_by: Uuid,
    started_at: OffsetDateTime,
    due_at: OffsetDateTime,
    grace_at: OffsetDateTime,
    snapshot: Vec<u8>,
    result: Option<Vec<u8>>,
    completed_at: Option<OffsetDateTime>,
    items: i64,
    answered: i64,
}

impl From<Row> for AccessReview {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            n: row.n as u64,
            started_by: row.started_by.into(),
            started_at: milliseconds(row.started_at),
            due_at: milliseconds(row.due_at),
            grace_at: milliseconds(row.grace_at),
            snapshot: row.snapshot,
            result: row.result,
            completed_at: row.completed_at.map(milliseconds),
            items: row.items.unsigned_abs(),
            answered: row.answered.unsigned_abs(),
        }
    }
}

struct ItemRow {
    assignment_id: Uuid,
    person_id: Uuid,
    answer: Option<String>,
    answered_by: Option<Uuid>,
    answered_at: Option<OffsetDateTime>,
}

impl TryFrom<ItemRow> for Item {
    type Error = Error;

    fn try_from(row: ItemRow) -> Result<Self> {
        let unreadable =
            |column| Error::Row { table: "access_review_items", column, id: row.assignment_id.to_string() };
        let answer = match &row.answer {
            Some(word) => Some(AccessReviewAnswer::from_word(word).ok_or_else(|| unreadable("answer"))?),
            None => None,
        };
        Ok(Self {
            assignment: row.assignment_id.into(),
            person: row.person_id.into(),
            answer,
            answered_by: row.answered_by.map(PersonId),
            answered_at: row.answered_at.map(milliseconds),
        })
    }
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New, assignments: &[Assignment]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into access_reviews (id, n, started_by, started_at, due_at, grace_at, snapshot, entry_id)
        values ($1, 1, $2, $3, $4, $5, $6, $7)
        "#,
        new.id.0,
        new.started_by.0,
        instant(new.started_at),
        instant(new.due_at),
        instant(new.grace_at),
        &new.snapshot.0,
        new.entry.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        insert into access_review_items (review_id, assignment_id, person_id, role)
        select $1, assignment_id, person_id, role
        from unnest($2::uuid[], $3::uuid[], $4::text[]) v (assignment_id, person_id, role)
        "#,
        new.id.0,
        &assignments.iter().map(|assignment| assignment.id.0).collect::<Vec<_>>(),
        &assignments.iter().map(|assignment| assignment.person.0).collect::<Vec<_>>(),
        &assignments.iter().map(|assignment| assignment.holding.role.word().to_owned()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks an access review, so that its entries are numbered without gap.
pub(crate) async fn lock(conn: &mut PgConnection, id: AccessReviewId) -> sqlx::Result<Option<AccessReview>> {
    if sqlx::query_scalar!("select id from access_reviews where id = $1 for update", id.0)
        .fetch_optional(&mut *conn)
        .await?
        .is_none()
    {
        return Ok(None);
    }
    Ok(list(conn).await?.into_iter().find(|review| review.id == id))
}

/// Returns the access reviews, newest first.
pub(crate) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<AccessReview>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select r.id, r.n, r.started_by, r.started_at, r.due_at, r.grace_at, r.snapshot, r.result, r.completed_at,
          (select count(*) from access_review_items i where i.review_id = r.id) as "items!",
          (select count(*) from access_review_items i where i.review_id = r.id and i.answer is not null) as "answered!"
        from access_reviews r
        order by r.started_at desc, r.id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AccessReview::from).collect())
}

/// Returns the items of an access review, those without an answer first.
pub(crate) async fn list_items(conn: &mut PgConnection, id: AccessReviewId) -> Result<Vec<Item>> {
    let rows = sqlx::query_as!(
        ItemRow,
        r#"
        select assignment_id, person_id, answer, answered_by, answered_at
        from access_review_items
        where review_id = $1
        order by answered_at nulls first, person_id, role, assignment_id
        "#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Item::try_from).collect()
}

/// An answer, who gave it if a person did, and when and where that is on record.
pub(crate) struct Answered {
    pub(crate) answer: AccessReviewAnswer,
    pub(crate) by: Option<PersonId>,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn set_answer(
    conn: &mut PgConnection,
    id: AccessReviewId,
    n: u64,
    assignment: RoleAssignmentId,
    answered: &Answered,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update access_review_items
        set answer = $3, answered_by = $4, answered_at = $5, entry_id = $6
        where review_id = $1 and assignment_id = $2
        "#,
        id.0,
        assignment.0,
        answered.answer.word(),
        answered.by.map(|by| by.0),
        instant(answered.at),
        answered.entry.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update access_reviews set n = $2 where id = $1", id.0, n as i64).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set_completed(
    conn: &mut PgConnection,
    id: AccessReviewId,
    n: u64,
    now: u64,
    result: &Hash,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update access_reviews set n = $2, completed_at = $3, result = $4 where id = $1",
        id.0,
        n as i64,
        instant(now),
        &result.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
