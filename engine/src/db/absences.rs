//! `absences`: when people are away.

use countersign_domain::ids::{AbsenceId, DelegationId, EntryId, PersonId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{instant, milliseconds};

/// A stored absence that was not taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absence {
    pub(crate) id: AbsenceId,
    pub(crate) person: PersonId,
    pub(crate) from: u64,
    pub(crate) until: u64,
    /// Who reviews in their place meanwhile, where they said so and nothing has ended that.
    pub(crate) stand_in: Option<PersonId>,
    /// The entry that says so, and its place.
    pub(crate) entry: EntryId,
    pub(crate) index: Option<i64>,
}

impl Absence {
    /// Tells whether the person is away at this moment.
    pub(crate) fn runs(&self, now: u64) -> bool {
        self.from <= now && now < self.until
    }
}

struct Row {
    id: Uuid,
    person_id: Uuid,
    from_at: OffsetDateTime,
    until_at: OffsetDateTime,
    stand_in: Option<Uuid>,
    entry_id: Uuid,
    idx: Option<i64>,
}

impl From<Row> for Absence {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            person: row.person_id.into(),
            from: milliseconds(row.from_at),
            until: milliseconds(row.until_at),
            stand_in: row.stand_in.map(PersonId::from),
            entry: row.entry_id.into(),
            index: row.idx,
        }
    }
}

/// Returns when a person is away, now or later.
pub(crate) async fn find(conn: &mut PgConnection, person: PersonId, now: u64) -> sqlx::Result<Option<Absence>> {
    Ok(list(conn, Some(person), now).await?.into_iter().next())
}

/// Lists who is away, now or later, the next first: everybody, or one person.
pub(crate) async fn list(conn: &mut PgConnection, person: Option<PersonId>, now: u64) -> sqlx::Result<Vec<Absence>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select a.id, a.person_id, a.from_at, a.until_at, g.delegate_id as "stand_in?", a.entry_id, e.idx
        from absences a
        join ledger_entries e on e.id = a.entry_id
        left join delegations g on g.id = a.delegation_id and g.ended_at is null
        where a.cleared_at is null and a.until_at > $1 and ($2::uuid is null or a.person_id = $2)
        order by a.from_at, a.id
        limit 200
        "#,
        instant(now),
        person.map(|person| person.0),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Absence::from).collect())
}

/// Returns who is away at this moment.
pub(crate) async fn list_away(conn: &mut PgConnection, now: u64) -> sqlx::Result<Vec<PersonId>> {
    let away = sqlx::query_scalar!(
        "select person_id from absences where cleared_at is null and from_at <= $1 and until_at > $1",
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(away.into_iter().map(PersonId::from).collect())
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: AbsenceId,
    person: PersonId,
    (from, until): (u64, u64),
    delegation: Option<DelegationId>,
    (now, entry): (u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into absences (id, person_id, from_at, until_at, delegation_id, set_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        id.0,
        person.0,
        instant(from),
        instant(until),
        delegation.map(|delegation| delegation.0),
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes back what a person said before, whether its time is over or not.
pub(crate) async fn clear(conn: &mut PgConnection, person: PersonId, now: u64, entry: EntryId) -> sqlx::Result<()> {
    sqlx::query!(
        "update absences set cleared_at = $2, cleared_entry_id = $3 where person_id = $1 and cleared_at is null",
        person.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
