//! `handovers` and `handover_reads`.

use countersign_domain::ids::{EntryId, FormId, HandoverId, PersonId, SystemId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

/// A stored note; its text is in the vault.
pub(crate) struct Handover {
    pub(crate) id: HandoverId,
    pub(crate) system: Option<SystemId>,
    pub(crate) system_name: Option<String>,
    pub(crate) author: PersonId,
    pub(crate) at: u64,
    pub(crate) until: u64,
    /// Nobody has ended it.
    pub(crate) open: bool,
    /// The entry that left it, which holds its text.
    pub(crate) entry: EntryId,
    /// The reader put it away.
    pub(crate) away: bool,
}

pub(crate) struct New {
    pub(crate) id: HandoverId,
    pub(crate) system: Option<SystemId>,
    pub(crate) author: PersonId,
    pub(crate) nonce: FormId,
    pub(crate) now: u64,
    pub(crate) until: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into handovers (id, system_id, author_id, nonce, noted_at, until_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        new.id.0,
        new.system.map(|system| system.0),
        new.author.0,
        new.nonce.0,
        instant(new.now),
        instant(new.until),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the notes that run, newest first.
pub(crate) async fn list_running(conn: &mut PgConnection, reader: PersonId, now: u64) -> sqlx::Result<Vec<Handover>> {
    let rows = sqlx::query!(
        r#"
        select h.id, h.system_id, s.name as "name?", h.author_id, h.noted_at, h.until_at, h.entry_id,
          exists (select from handover_reads r where r.handover_id = h.id and r.person_id = $1) as "away!"
        from handovers h
        left join systems s on s.id = h.system_id
        where h.ended_at is null and h.until_at > $2
        order by h.noted_at desc, h.id desc
        limit 100
        "#,
        reader.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Handover {
            id: row.id.into(),
            system: row.system_id.map(SystemId::from),
            system_name: row.name,
            author: row.author_id.into(),
            at: milliseconds(row.noted_at),
            until: milliseconds(row.until_at),
            open: true,
            entry: row.entry_id.into(),
            away: row.away,
        })
        .collect())
}

/// Returns a note and keeps others from ending it until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, id: HandoverId) -> sqlx::Result<Option<Handover>> {
    let row = sqlx::query!(
        r#"
        select id, system_id, author_id, noted_at, until_at, ended_at, entry_id
        from handovers
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Handover {
        id: row.id.into(),
        system: row.system_id.map(SystemId::from),
        system_name: None,
        author: row.author_id.into(),
        at: milliseconds(row.noted_at),
        until: milliseconds(row.until_at),
        open: row.ended_at.is_none(),
        entry: row.entry_id.into(),
        away: false,
    }))
}

/// Ends a note for everybody.
pub(crate) async fn set_ended(
    conn: &mut PgConnection,
    id: HandoverId,
    by: PersonId,
    at: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update handovers set ended_by = $2, ended_at = $3, ended_entry_id = $4 where id = $1",
        id.0,
        by.0,
        instant(at),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a note away from one person's queue.
pub(crate) async fn insert_read(
    conn: &mut PgConnection,
    id: HandoverId,
    person: PersonId,
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into handover_reads (handover_id, person_id, read_at)
        values ($1, $2, $3)
        on conflict do nothing
        "#,
        id.0,
        person.0,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the entries of a person's notes about the same systems that came from a form, or that run since a moment.
pub(crate) async fn list_like(
    conn: &mut PgConnection,
    system: Option<SystemId>,
    author: PersonId,
    nonce: FormId,
    since: u64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select entry_id
        from handovers
        where author_id = $2 and system_id is not distinct from $1 and (nonce = $3 or (noted_at > $4 and ended_at is null))
        "#,
        system.map(|system| system.0),
        author.0,
        nonce.0,
        instant(since),
    )
    .fetch_all(conn)
    .await
}

/// Counts a person's notes since a moment, and says when the first of them was.
pub(crate) async fn count_since(conn: &mut PgConnection, author: PersonId, since: u64) -> sqlx::Result<(u64, u64)> {
    let row = sqlx::query!(
        r#"
        select count(*) as "count!", min(noted_at) as first_at
        from handovers
        where author_id = $1 and noted_at > $2
        "#,
        author.0,
        instant(since),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count as u64, row.first_at.map_or(0, |at: OffsetDateTime| milliseconds(at))))
}

/// Keeps a person's other notes out until the transaction ends, so that one form sent twice at once is one note.
pub(crate) async fn lock_author(conn: &mut PgConnection, author: PersonId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", author.0.as_u64_pair().1.cast_signed()).execute(conn).await?;
    Ok(())
}
