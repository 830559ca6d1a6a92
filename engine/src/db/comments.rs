//! `comments`.

use countersign_domain::ids::{DecisionId, EntryId, FormId, PersonId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

/// A stored comment; its text is in the vault.
pub(crate) struct Comment {
    pub(crate) entry: EntryId,
    pub(crate) author: PersonId,
    pub(crate) asks: Option<PersonId>,
    pub(crate) answers: Option<EntryId>,
    pub(crate) at: u64,
    /// Place in the log.
    pub(crate) index: Option<i64>,
}

pub(crate) struct New<'a> {
    pub(crate) entry: EntryId,
    pub(crate) decision: DecisionId,
    pub(crate) n: u64,
    pub(crate) author: PersonId,
    pub(crate) nonce: FormId,
    pub(crate) mentions: &'a [PersonId],
    pub(crate) asks: Option<PersonId>,
    pub(crate) answers: Option<EntryId>,
    pub(crate) now: u64,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    let mentions: Vec<Uuid> = new.mentions.iter().map(|person| person.0).collect();
    sqlx::query!(
        r#"
        insert into comments
          (entry_id, decision_id, n, author_id, nonce, mentions, asks_id, answers_entry_id, commented_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.entry.0,
        new.decision.0,
        new.n as i64,
        new.author.0,
        new.nonce.0,
        &mentions,
        new.asks.map(|person| person.0),
        new.answers.map(|entry| entry.0),
        instant(new.now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the comments of a decision, oldest first.
pub(crate) async fn list(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<Comment>> {
    let rows = sqlx::query!(
        r#"
        select c.entry_id, c.author_id, c.asks_id, c.answers_entry_id, c.commented_at, e.idx as "idx?"
        from comments c
        join ledger_entries e on e.id = c.entry_id
        where c.decision_id = $1
        order by c.n
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Comment {
            entry: row.entry_id.into(),
            author: row.author_id.into(),
            asks: row.asks_id.map(PersonId::from),
            answers: row.answers_entry_id.map(EntryId::from),
            at: milliseconds(row.commented_at),
            index: row.idx,
        })
        .collect())
}

/// Returns the numbers that comments have among the acts on a decision, greatest first.
pub(crate) async fn numbers(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<u64>> {
    let numbers = sqlx::query_scalar!("select n from comments where decision_id = $1 order by n desc", decision.0)
        .fetch_all(conn)
        .await?;
    Ok(numbers.into_iter().map(|n| n as u64).collect())
}

/// Returns the entries of a person's comments on a decision that came from a form or since a moment.
pub(crate) async fn list_like(
    conn: &mut PgConnection,
    decision: DecisionId,
    author: PersonId,
    nonce: FormId,
    since: u64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select entry_id
        from comments
        where decision_id = $1 and author_id = $2 and (nonce = $3 or commented_at > $4)
        "#,
        decision.0,
        author.0,
        nonce.0,
        instant(since),
    )
    .fetch_all(conn)
    .await
}

/// Counts a person's comments since a moment, and says when the first of them was.
pub(crate) async fn count_since(conn: &mut PgConnection, author: PersonId, since: u64) -> sqlx::Result<(u64, u64)> {
    let row = sqlx::query!(
        r#"
        select count(*) as "count!", min(commented_at) as first_at
        from comments
        where author_id = $1 and commented_at > $2
        "#,
        author.0,
        instant(since),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count as u64, row.first_at.map_or(0, |at: OffsetDateTime| milliseconds(at))))
}

/// Returns people who may read a decision, besides outside auditors: by the same roles, scopes and types.
pub(crate) async fn colleagues(
    conn: &mut PgConnection,
    decision: DecisionId,
    now: u64,
    limit: i64,
) -> sqlx::Result<Vec<PersonId>> {
    let people = sqlx::query_scalar!(
        r#"
        select p.id
        from people p
        where p.disabled_at is null and exists (select
          from acting_roles a, decisions d
          join decision_types t on t.id = d.type_id
          where d.id = $1 and a.person_id = p.id and (a.until is null or a.until > $2)
            and (a.from_at is null or a.from_at <= $2)
            and (a.role = 'compliance_officer' or (a.role in ('viewer', 'approver', 'senior_approver', 'policy_author')
              and (a.systems is null or d.system_id = any(a.systems))
              and (a.types is null or t.name = any(a.types)))))
        order by p.id
        limit $3
        "#,
        decision.0,
        instant(now),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(people.into_iter().map(PersonId::from).collect())
}
