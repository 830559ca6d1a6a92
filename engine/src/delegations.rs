//! Letting a colleague review in one's place: giving it, ending it, and what pages show of it.
//!
//! What a delegation gives is never stored: it is what its delegator holds at the moment of use, within its scope
//! (`acting_roles`), and [`authorize::behalf`](crate::authorize) asks the policies about both people. So it ends with its
//! time, with the delegator's role or account and with the delegate's, without a job.

use std::collections::HashMap;

use countersign_domain::{
    delegation::{DelegationRow, DelegationState, OwnDelegations, Side, Terms},
    event::Event,
    holding::{Holding, RoleScope},
    ids::{DelegationId, PersonId, SessionId, SystemId},
    problem::{Code, Problem},
    role::Role,
    time::day,
    view::{HoldingForm, NoticeKind},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Engine, absences,
    authorize::{Action, Denial, Target},
    caller::Caller,
    db::{self, delegations::Delegation},
    decisions::seal_at,
    error::{Error, Result},
    notices, people, roles, seal,
};

/// Rows of a person's page, and of the list of all.
const ROWS: i64 = 100;

/// A delegation as the form gives it, before it is checked. Days are in UTC.
#[derive(Clone, Debug, Default)]
pub struct DelegationForm {
    /// To whom: the id of a colleague.
    pub to: String,
    /// Names of systems with spaces between; all that the delegator reviews when empty.
    pub systems: String,
    /// Names of decision types with spaces between; all of them when empty.
    pub types: String,
    /// Highest risk; the delegator's own limit when empty.
    pub risk: String,
    /// Highest amount; the delegator's own limit when empty.
    pub amount: String,
    /// First day; at once when empty.
    pub from: String,
    /// Last day, included.
    pub until: String,
}

/// Lets a colleague review in the caller's place.
///
/// # Errors
///
/// `invalid_content` with the field and what to change: a colleague who cannot, a chain or circle, a time that is over or
/// too long, a scope beyond the caller's own; [`Error::Forbidden`] for who does not review.
pub async fn give(engine: &Engine, caller: &Caller, form: DelegationForm) -> Result<DelegationId> {
    engine.has_room()?;
    let terms = parse(&mut *engine.app.acquire().await?, &form, engine.now()).await?;
    let (id, entry) = engine
        .act(caller, move |engine, caller| {
            let terms = terms.clone();
            async move { record(engine, caller, terms).await }
        })
        .await?;
    seal::wait(entry).await;

    Ok(id)
}

async fn record(engine: Engine, caller: Caller, terms: Terms) -> Result<(DelegationId, seal::Entry)> {
    let (person, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    db::delegations::lock_giving(&mut tx).await?;
    let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
    let colleague = db::people::lock_share(&mut tx, terms.to, SessionId(Uuid::nil())).await?;
    let target = Target::Member(person);
    let permit = engine.authorize(&mut tx, &caller, Action::GiveDelegation, target).await?;
    let now = engine.now();
    let mine = holdings(&mut tx, person, now).await?;
    let theirs = holdings(&mut tx, terms.to, now).await?;
    let ties = db::delegations::ties(&mut tx, &[person, terms.to], now).await?;
    let giver = Side { person, disabled: account.disabled, held: &mine };
    let to = colleague.map(|colleague| Side { person: terms.to, disabled: colleague.disabled, held: &theirs });
    terms
        .check(giver, to, &ties, now)
        .map_err(|problem| Denial::by_rule(permit.clone(), Action::GiveDelegation, target, problem))?;
    let n = account.n + 1;
    let event = Event::DelegationGiven { delegator: person, n, terms: terms.clone() };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    let id = DelegationId(engine.id());
    db::delegations::insert(&mut tx, id, person, &terms, (entry.at, entry.id)).await?;
    db::people::set_n(&mut tx, person, n).await?;
    notices::tell(&mut tx, &engine, &[terms.to], NoticeKind::StandsIn, Some(person), &entry).await?;
    engine.commit(tx).await?;

    Ok((id, entry))
}

/// Ends a delegation before its time, by who gave it or who has it.
///
/// # Errors
///
/// `invalid_transition` when it is over; [`Error::NotFound`] for anybody else.
pub async fn end(engine: &Engine, caller: &Caller, id: DelegationId) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let found = db::delegations::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let (delegator, delegate) = (found.delegator, found.terms.to);
            let account = db::people::lock(&mut tx, delegator).await?.ok_or(Error::NotFound)?;
            let target = Target::Member(person);
            let permit = engine.authorize(&mut tx, &caller, Action::EndDelegation, target).await?;
            if person != delegator && person != delegate {
                return Err(Error::NotFound);
            }
            // Again, because nobody ends it now but this.
            let found = db::delegations::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
            if found.ended.is_some() || found.terms.until <= engine.now() {
                let problem = Problem::new(Code::InvalidTransition, "It is over already. Nothing is left to do.");
                return Err(Denial::by_rule(permit, Action::EndDelegation, target, problem));
            }
            let n = account.n + 1;
            let event = Event::DelegationEnded { delegator, n, delegation: found.entry };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::delegations::end(&mut tx, id, person, (entry.at, entry.id)).await?;
            db::people::set_n(&mut tx, delegator, n).await?;
            let other = if person == delegator { delegate } else { delegator };
            notices::tell(&mut tx, &engine, &[other], NoticeKind::StandsInNoMore, Some(person), &entry).await?;
            engine.commit(tx).await?;
            Ok(entry)
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

/// What a person's own page shows.
pub(crate) async fn own(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<OwnDelegations> {
    let now = engine.now();
    let listed = db::delegations::list(conn, Some(person), None, ROWS).await?;
    let mine = holdings(conn, person, now).await?;
    let reviewing: Vec<_> = mine.iter().filter(|holding| holding.role.reviews()).collect();
    let colleagues = match reviewing.is_empty() {
        true => Vec::new(),
        false => db::delegations::eligible(conn, person, now).await?,
    };
    let names = people::names(conn, engine, &colleagues).await?;
    let mut colleagues: Vec<_> = colleagues.into_iter().filter_map(|id| Some((id, names.get(&id)?.clone()))).collect();
    colleagues.sort_by(|a, b| a.1.cmp(&b.1));
    let on = |system: SystemId| reviewing.iter().any(|holding| holding.includes(system));
    let systems = db::systems::all(conn).await?;
    let absence = absences::row_of(conn, engine, person).await?;
    let (mut given, mut received) = (Vec::new(), Vec::new());
    for (one, row) in listed.iter().zip(rows(conn, engine, &listed, &systems).await?) {
        let of = if one.delegator == person { &mut given } else { &mut received };
        of.push(row);
    }
    Ok(OwnDelegations {
        given,
        received,
        colleagues,
        systems: systems.into_iter().filter(|system| on(system.id)).map(|system| system.name).collect(),
        reviews: !reviewing.is_empty(),
        absence,
    })
}

/// Everybody's delegations that run or are to come.
pub(crate) async fn open(conn: &mut PgConnection, engine: &Engine) -> Result<Vec<DelegationRow>> {
    let listed = db::delegations::list(conn, None, Some(engine.now()), ROWS).await?;
    let systems = db::systems::all(conn).await?;
    rows(conn, engine, &listed, &systems).await
}

async fn rows(
    conn: &mut PgConnection,
    engine: &Engine,
    listed: &[Delegation],
    systems: &[db::systems::System],
) -> Result<Vec<DelegationRow>> {
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let now = engine.now();
    let people: Vec<_> = listed.iter().flat_map(|one| [one.delegator, one.terms.to]).collect();
    let names = people::names(conn, engine, &people).await?;
    let name = |person: &PersonId| names.get(person).cloned().unwrap_or_else(people::erased);
    let systems: HashMap<_, _> = systems.iter().map(|system| (system.id, &system.name)).collect();
    let system = |id: &SystemId| systems.get(id).map_or_else(|| id.short(), |name| (*name).clone());
    let ids: Vec<_> = listed.iter().map(|one| one.id).collect();
    let giving = db::delegations::giving(conn, &ids, now).await?;
    let row = |one: &Delegation| {
        let Terms { to, scope, limits, from, until } = &one.terms;
        let state = DelegationState::of(*from, *until, one.ended.is_some(), now);
        let idle = state == DelegationState::Active && !giving.contains(&one.id);
        DelegationRow {
            id: one.id,
            delegator: name(&one.delegator),
            delegate: name(to),
            systems: match scope {
                RoleScope::All => None,
                RoleScope::Systems(systems) => Some(systems.iter().map(system).collect()),
            },
            types: limits.types.clone(),
            risk: limits.risk,
            amount: limits.amount,
            from: *from,
            until: *until,
            state,
            ended: one.ended.map(|(at, by, _)| (at, name(&by))),
            idle: idle.then(|| IDLE.to_owned()),
            seal: seal_at(engine, one.index),
        }
    };
    Ok(listed.iter().map(row).collect())
}

async fn holdings(conn: &mut PgConnection, person: PersonId, now: u64) -> Result<Vec<Holding>> {
    Ok(db::roles::held(conn, person, now).await?.into_iter().map(|held| held.holding).collect())
}

/// Reads what a form holds.
async fn parse(conn: &mut PgConnection, form: &DelegationForm, now: u64) -> Result<Terms> {
    let to = form.to.trim().parse().map_err(|_| {
        Error::field("/to", "not_eligible", "Choose a colleague from the list: somebody who reviews too.")
    })?;
    if form.until.trim().is_empty() {
        return Err(Error::field("/until", "missing", "Say until when: a last day such as 2026-11-02."));
    }
    let from = first_day(&form.from, now)?;
    // Systems, types, limits and days are written as for an assignment.
    let holding = HoldingForm {
        role: Role::Approver.word().to_owned(),
        systems: form.systems.clone(),
        types: form.types.clone(),
        risk: form.risk.clone(),
        amount: form.amount.clone(),
        until: form.until.clone(),
    };
    let Holding { scope, limits, until, .. } = roles::parse(conn, &holding).await?;
    Ok(Terms { to, scope, limits, from, until: until.unwrap_or(now) })
}

/// Reads a first day: at once where there is none, and where it is today.
pub(crate) fn first_day(text: &str, now: u64) -> Result<u64> {
    match text.trim() {
        "" => Ok(now),
        text => {
            let from = day(text)
                .ok_or_else(|| Error::field("/from", "wrong_kind", "Write a day such as 2026-11-02, or none."))?;
            Ok(if from <= now && now - from < countersign_domain::time::DAY_MS { now } else { from })
        }
    }
}

const IDLE: &str = "It gives nothing at present: one of the two has no role that reviews it, or may not sign in.";
