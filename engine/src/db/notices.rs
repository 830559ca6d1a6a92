//! `notices`: what a person should know about access, until they have read it.

use countersign_domain::{
    ids::{DecisionId, EntryId, NoticeId, PersonId},
    role::Role,
};
use sqlx::PgConnection;

use crate::clock::{instant, milliseconds};

pub(crate) struct Notice {
    pub(crate) kind: String,
    pub(crate) at: u64,
    pub(crate) about: Option<PersonId>,
    /// Name of the system it is about.
    pub(crate) system: Option<String>,
    /// The decision that it leads to.
    pub(crate) decision: Option<DecisionId>,
}

/// A notice about to be left; the kind says which of person, system and decision it is about.
pub(crate) struct New<'a> {
    pub(crate) id: NoticeId,
    pub(crate) person: PersonId,
    pub(crate) kind: &'a str,
    pub(crate) about: Option<PersonId>,
    pub(crate) system: Option<&'a str>,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into notices (id, person_id, kind, at, about_person_id, about_system, about_decision_id, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        new.id.0,
        new.person.0,
        new.kind,
        instant(new.at),
        new.about.map(|about| about.0),
        new.system,
        new.decision.map(|decision| decision.0),
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns what a person has not read, newest first.
pub(crate) async fn list_unread(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Vec<Notice>> {
    let rows = sqlx::query!(
        r#"
        select kind, at, about_person_id, about_system, about_decision_id
        from notices
        where person_id = $1 and read_at is null
        order by at desc, id desc
        limit 20
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Notice {
            kind: row.kind,
            at: milliseconds(row.at),
            about: row.about_person_id.map(PersonId::from),
            system: row.about_system,
            decision: row.about_decision_id.map(DecisionId::from),
        })
        .collect())
}

/// Tells whether a person has not read an earlier notice of this kind about a system.
pub(crate) async fn is_unread(
    conn: &mut PgConnection,
    person: PersonId,
    kind: &str,
    system: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
          select from notices where person_id = $1 and read_at is null and kind = $2 and about_system = $3) as "exists!"
        "#,
        person.0,
        kind,
        system,
    )
    .fetch_one(conn)
    .await
}

/// Marks what a person has read, up to a moment.
pub(crate) async fn set_read(conn: &mut PgConnection, person: PersonId, up_to: u64, now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        "update notices set read_at = $3 where person_id = $1 and read_at is null and at <= $2",
        person.0,
        instant(up_to),
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks what an entry caused as read by everybody: somebody has done what it asked for.
pub(crate) async fn set_settled(conn: &mut PgConnection, kind: &str, entry: EntryId, now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        "update notices set read_at = $3 where entry_id = $2 and kind = $1 and read_at is null",
        kind,
        entry.0,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the enabled people who hold one of the roles.
pub(crate) async fn holders(conn: &mut PgConnection, roles: &[Role]) -> sqlx::Result<Vec<PersonId>> {
    let words: Vec<_> = roles.iter().map(|role| role.word().to_owned()).collect();
    let ids = sqlx::query_scalar!(
        r#"
        select distinct p.id
        from people p
        join role_assignments r on r.person_id = p.id and r.ended_at is null
        where p.disabled_at is null and r.role = any($1)
        order by p.id
        "#,
        &words,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PersonId::from).collect())
}
