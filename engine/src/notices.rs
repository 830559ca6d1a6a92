//! Notices: what people are told, on every page until they have read it, and outside the page where they or their
//! admins want that.
//!
//! Whatever is told on the page passes through here, and leaves a cause beside its row ([`outbox`]); what waits for people
//! leaves causes too. `outbox` works them out into messages, [`deliver`] sends those, [`remind`] watches the deadlines.

pub mod channels;
pub mod deliver;
pub(crate) mod outbox;
pub mod preferences;
pub(crate) mod remind;

use countersign_domain::{
    ids::{DecisionId, EntryId, NoticeId, PersonId},
    notice::Topic,
    role::Role,
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
        insert(conn, engine, person, (kind, about, About::Person), (entry.id, entry.at)).await?;
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
        insert(conn, engine, *person, (kind, Some(by), About::System(system)), (entry.id, entry.at)).await?;
    }
    Ok(())
}

/// Leaves a notice for each person about something that no person did: what it is, and the kind says what that means.
pub(crate) async fn tell_of_state(
    conn: &mut PgConnection,
    engine: &Engine,
    people: &[PersonId],
    kind: NoticeKind,
    what: &str,
    entry: &seal::Entry,
) -> Result<()> {
    for person in people {
        insert(conn, engine, *person, (kind, None, About::System(what)), (entry.id, entry.at)).await?;
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
    insert(conn, engine, person, (kind, Some(by), About::Decision(decision)), (entry.id, entry.at)).await
}

/// Asks a person to review a decision as second approver.
pub(crate) async fn invite(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    decision: DecisionId,
    entry: &seal::Entry,
) -> Result<()> {
    insert(conn, engine, person, (NoticeKind::Invited, None, About::Decision(decision)), (entry.id, entry.at)).await
}

/// Tells those who watch over the installation that nobody may review what a system proposes. The decision is named to
/// none of them: not all of them may read it. Who has not read the last one about the system is told no more.
async fn tell_that_nobody_reviews(
    conn: &mut PgConnection,
    engine: &Engine,
    system: &str,
    entry: (EntryId, u64),
) -> Result<()> {
    let kind = NoticeKind::NobodyReviews;
    for person in guardians(conn).await? {
        if !db::notices::is_unread(conn, person, kind.word(), system).await? {
            insert(conn, engine, person, (kind, None, About::System(system)), entry).await?;
        }
    }
    Ok(())
}

/// What a notice is about, beside the person.
enum About<'a> {
    Person,
    /// By its name, or in words.
    System(&'a str),
    Decision(DecisionId),
}

async fn insert(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    (kind, by, about): (NoticeKind, Option<PersonId>, About<'_>),
    (entry, at): (EntryId, u64),
) -> Result<()> {
    let (system, decision) = match about {
        About::Person => (None, None),
        About::System(name) => (Some(name), None),
        About::Decision(id) => (None, Some(id)),
    };
    let id = NoticeId(engine.id());
    let new = db::notices::New { id, person, kind: kind.word(), about: by, system, decision, at, entry };
    db::notices::insert(conn, &new).await?;
    let cause = outbox::Told { topic: Topic::of(kind), person: Some(person), decision, system };
    outbox::leave(conn, engine, cause, &entry.to_string(), (entry, at)).await
}

/// Returns who watches over access: enabled admins and compliance officers.
pub(crate) async fn guardians(conn: &mut PgConnection) -> Result<Vec<PersonId>> {
    Ok(db::notices::holders(conn, &[Role::Admin, Role::ComplianceOfficer]).await?)
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
    seal::append(&mut tx, engine, caller, &permit, &reads::of_person(person, &permit)).await?;
    db::notices::set_read(&mut tx, person, up_to, engine.now()).await?;
    engine.commit(tx).await
}
