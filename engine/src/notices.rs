//! Notices: what people are told about access, on every page until they have read it.

use countersign_domain::{
    event::{Event, Object, Place},
    ids::{DecisionId, NoticeId, PersonId},
    view::{NoticeKind, NoticeRow},
};
use sqlx::PgConnection;

use crate::{
    Engine,
    authorize::{Action, Target},
    caller::Caller,
    db,
    error::Result,
    people, reads, seal,
};

/// Leaves a notice for each person.
pub(crate) async fn tell(
    conn: &mut PgConnection,
    engine: &Engine,
    people: &[PersonId],
    kind: NoticeKind,
    about: Option<PersonId>,
    entry: &seal::Entry,
) -> Result<()> {
    let mut told = people.to_vec();
    told.sort_unstable();
    told.dedup();
    for person in told {
        let id = NoticeId(engine.id());
        db::notices::insert(conn, id, person, kind.word(), about, entry.at, entry.id).await?;
    }
    Ok(())
}

/// Leaves a notice for each person about what somebody did to a system.
pub(crate) async fn tell_of_system(
    conn: &mut PgConnection,
    engine: &Engine,
    people: &[PersonId],
    kind: NoticeKind,
    by: PersonId,
    system: &str,
    entry: &seal::Entry,
) -> Result<()> {
    for person in people {
        let id = NoticeId(engine.id());
        db::notices::insert_of_system(conn, id, *person, kind.word(), by, system, entry.at, entry.id).await?;
    }
    Ok(())
}

/// Leaves a notice for a person about what somebody said of a decision; what they said is in none.
pub(crate) async fn tell_of_decision(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    kind: NoticeKind,
    by: PersonId,
    decision: DecisionId,
    entry: &seal::Entry,
) -> Result<()> {
    let id = NoticeId(engine.id());
    db::notices::insert_of_decision(conn, id, person, kind.word(), by, decision, entry.at, entry.id).await?;
    Ok(())
}

/// Returns who watches over access: enabled admins and compliance officers.
pub(crate) async fn guardians(conn: &mut PgConnection) -> Result<Vec<PersonId>> {
    Ok(db::notices::guardians(conn).await?)
}

/// Returns what a person has not read, newest first.
pub(crate) async fn unread(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<Vec<NoticeRow>> {
    let rows = db::notices::list_unread(conn, person).await?;
    let about: Vec<_> = rows.iter().filter_map(|row| row.about).collect();
    let names = people::names(conn, engine, &about).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(NoticeRow {
                kind: NoticeKind::from_word(&row.kind)?,
                at: row.at,
                system: row.system,
                decision: row.decision,
                about: row.about.map(|about| names.get(&about).cloned().unwrap_or_else(people::erased)),
            })
        })
        .collect())
}

/// Marks the caller's notices as read, up to the newest one that was shown.
///
/// # Errors
///
/// When nothing can be recorded.
pub async fn read(engine: &Engine, caller: &Caller, up_to: u64) -> Result<()> {
    let (person, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ViewSelf, Target::Member(person)).await?;
    db::notices::set_read(&mut tx, person, up_to, engine.now()).await?;
    engine.commit(tx).await?;
    let object = Object { kind: "person", id: person.0, place: Place::Read(permit.authority_n()) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
    Ok(())
}
