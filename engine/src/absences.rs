//! When people are away: they have no turn and hold no seat meanwhile, and say who reviews in their place.

use countersign_domain::{
    delegation::{AbsenceRow, away, check_absence},
    event::Event,
    ids::{AbsenceId, DelegationId, PersonId},
    problem::{Code, FieldError, Problem},
    time::{DAY_MS, day},
};
use sqlx::PgConnection;

use crate::{
    Engine,
    authorize::{Action, Denial, Target},
    caller::Caller,
    db::{self, absences::Absence},
    decisions::seal_at,
    delegations,
    error::{Error, Result},
    people, seal,
};

/// An absence as the form gives it. Days are in UTC.
#[derive(Clone, Debug, Default)]
pub struct AbsenceForm {
    /// First day; at once when empty.
    pub from: String,
    /// Last day, included.
    pub until: String,
    /// The delegation that applies meanwhile: its id, or nothing.
    pub delegation: String,
}

/// Says that the caller is away for a time; what they had said before holds no longer.
///
/// # Errors
///
/// `invalid_content` for a time that is over, too long or too far ahead, or a delegation that is not theirs or does not
/// run then.
pub async fn set(engine: &Engine, caller: &Caller, form: AbsenceForm) -> Result<()> {
    engine.has_room()?;
    let now = engine.now();
    let from = delegations::first_day(&form.from, now)?;
    let until = day(form.until.trim())
        .ok_or_else(|| Error::field("/until", "wrong_kind", "Say until when: a last day such as 2026-11-02."))?
        + DAY_MS;
    let delegation: Option<DelegationId> = match form.delegation.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| Error::Refused(not_theirs()))?),
    };
    let entry = engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            let target = Target::Member(person);
            let permit = engine.authorize(&mut tx, &caller, Action::SetAbsence, target).await?;
            let refuse = |problem| Denial::by_rule(permit.clone(), Action::SetAbsence, target, problem);
            check_absence(from, until, engine.now()).map_err(&refuse)?;
            let applies = match delegation {
                None => None,
                Some(id) => {
                    let found = db::delegations::find(&mut tx, id).await?;
                    let runs = |one: &db::delegations::Delegation| {
                        one.delegator == person
                            && one.ended.is_none()
                            && one.terms.from < until
                            && from < one.terms.until
                    };
                    Some(found.filter(runs).ok_or_else(|| refuse(not_theirs()))?)
                }
            };
            let n = account.n + 1;
            let named = applies.as_ref().map(|one| one.entry);
            let event = Event::AbsenceSet { person, n, from, until, delegation: named };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::absences::clear(&mut tx, person, entry.at, entry.id).await?;
            let id = AbsenceId(engine.id());
            let applies = applies.map(|one| one.id);
            db::absences::insert(&mut tx, id, person, (from, until), applies, (entry.at, entry.id)).await?;
            db::people::set_n(&mut tx, person, n).await?;
            engine.commit(tx).await?;
            Ok(entry)
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Says that the caller is back, or does not go.
///
/// # Errors
///
/// `invalid_transition` when they are not away, now or later.
pub async fn clear(engine: &Engine, caller: &Caller) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            let target = Target::Member(person);
            let permit = engine.authorize(&mut tx, &caller, Action::SetAbsence, target).await?;
            let Some(absence) = db::absences::find(&mut tx, person, engine.now()).await? else {
                let problem = Problem::new(Code::InvalidTransition, "You are not away. Nothing is left to do.");
                return Err(Denial::by_rule(permit, Action::SetAbsence, target, problem));
            };
            let n = account.n + 1;
            let event = Event::AbsenceCleared { person, n, absence: absence.entry };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::absences::clear(&mut tx, person, entry.at, entry.id).await?;
            db::people::set_n(&mut tx, person, n).await?;
            engine.commit(tx).await?;
            Ok(entry)
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// Tells whether somebody is here to review; while they are away it is not theirs to.
pub(crate) async fn admits(
    conn: &mut PgConnection,
    person: PersonId,
    now: u64,
) -> Result<std::result::Result<(), Problem>> {
    let absence = db::absences::find(conn, person, now).await?.filter(|absence| absence.runs(now));
    Ok(match absence {
        None => Ok(()),
        Some(absence) => Err(Problem::new(Code::InvalidTransition, away(absence.until, None))),
    })
}

/// Says above the queue that its reader is away, until when and to whom their turns go.
pub(crate) async fn said(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<Option<String>> {
    let now = engine.now();
    let absence = db::absences::find(conn, person, now).await?.filter(|absence| absence.runs(now));
    let rows = rows(conn, engine, absence.as_slice()).await?;
    Ok(rows.first().map(|row| away(row.until, row.stand_in.as_deref())))
}

/// When a person is away, now or later, as their page shows it.
pub(crate) async fn row_of(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<Option<AbsenceRow>> {
    let absence = db::absences::find(conn, person, engine.now()).await?;
    Ok(rows(conn, engine, absence.as_slice()).await?.pop())
}

/// Who is away, now or later.
pub(crate) async fn open(conn: &mut PgConnection, engine: &Engine) -> Result<Vec<AbsenceRow>> {
    let absences = db::absences::list(conn, None, engine.now()).await?;
    rows(conn, engine, &absences).await
}

async fn rows(conn: &mut PgConnection, engine: &Engine, absences: &[Absence]) -> Result<Vec<AbsenceRow>> {
    let people: Vec<_> =
        absences.iter().flat_map(|absence| [Some(absence.person), absence.stand_in]).flatten().collect();
    let names = people::names(conn, engine, &people).await?;
    let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(people::erased);
    let row = |absence: &Absence| AbsenceRow {
        id: absence.id,
        person: name(absence.person),
        from: absence.from,
        until: absence.until,
        stand_in: absence.stand_in.map(name),
        seal: seal_at(engine, absence.index),
    };
    Ok(absences.iter().map(row).collect())
}

fn not_theirs() -> Problem {
    let detail = "Choose a delegation that you gave and that runs while you are away, or none.";
    let errors = vec![FieldError::new("/delegation", "unknown_value", detail)];
    Problem::fields(Code::InvalidContent, detail, errors)
}
