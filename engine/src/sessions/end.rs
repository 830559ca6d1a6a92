//! How sign-ins end: by their holder, by an admin, with a right, by a provider, by time.

use countersign_domain::{
    Problem,
    event::{EndCause, Event},
    ids::{PersonId, ProviderId, SessionId},
    problem::Code,
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::require_recent;
use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    seal,
};

/// Ends the caller's own sign-in.
///
/// # Errors
///
/// When the caller is not signed in, or nothing can be recorded.
pub async fn sign_out(engine: &Engine, caller: &Caller) -> Result<()> {
    let Actor::Person { session, .. } = caller.actor else { return Err(Error::NotFound) };
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let (person, n) = db::sessions::lock(&mut tx, session).await?.ok_or(Error::NotFound)?;
            let target = Target::SignIn { id: session, person };
            let permit = engine.authorize(&mut tx, &caller, Action::EndSignIn, target).await?;
            let event = Event::SignedOut { session, n: n + 1 };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::sessions::end(&mut tx, session, n + 1, entry.at).await?;
            engine.commit(tx).await
        })
        .await
}

/// Ends a sign-in: one's own from another, or anybody's as an admin.
///
/// # Errors
///
/// [`Error::Hidden`] for a sign-in that the caller may not end, and when there is none; `step_up_required`.
pub async fn end(engine: &Engine, caller: &Caller, session: SessionId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let (person, n) = db::sessions::lock(&mut tx, session).await?.ok_or(Error::NotFound)?;
            let target = Target::SignIn { id: session, person };
            let permit = engine.authorize(&mut tx, &caller, Action::EndSignIn, target).await?;
            require_recent(&caller)?;
            end_one(&mut tx, &engine, &caller, &permit, session, n, EndCause::Forced).await?;
            engine.commit(tx).await
        })
        .await
}

/// Ends every sign-in of the caller but the one that asks; returns how many.
///
/// # Errors
///
/// `invalid_transition` when there is no other; `step_up_required`.
pub async fn end_others(engine: &Engine, caller: &Caller) -> Result<usize> {
    let (person, session) = caller.signed_in()?;
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let target = Target::SignIn { id: session, person };
            let permit = engine.authorize(&mut tx, &caller, Action::EndSignIn, target).await?;
            require_recent(&caller)?;
            let ended = end_all_but(&mut tx, &engine, &caller, &permit, person, session).await?;
            if ended == 0 {
                let problem = Problem::new(Code::InvalidTransition, "You are signed in nowhere else.");
                return Err(Denial::by_rule(permit, Action::EndSignIn, target, problem));
            }
            engine.commit(tx).await?;
            Ok(ended)
        })
        .await
}

/// Which sign-ins a provider means.
#[derive(Clone, Debug)]
pub enum OfProvider {
    /// The one that the provider calls so.
    Sid(String),
    /// All of a person.
    Person(PersonId),
}

/// Ends the sign-ins that a provider made and wants ended; returns how many.
///
/// # Errors
///
/// When nothing can be recorded.
pub(crate) async fn end_for_provider(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    provider: ProviderId,
    which: &OfProvider,
    cause: EndCause,
) -> Result<usize> {
    let running = match which {
        OfProvider::Sid(sid) => db::sessions::lock_of_provider(tx, provider, Some(sid), None).await?,
        OfProvider::Person(person) => db::sessions::lock_of_provider(tx, provider, None, Some(*person)).await?,
    };
    for (session, n) in &running {
        end_one(tx, engine, caller, permit, *session, *n, cause).await?;
    }
    Ok(running.len())
}

/// Ends every running sign-in of a person whose rights changed.
pub(crate) async fn end_all(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
) -> Result<()> {
    for running in db::sessions::lock_running(tx, person).await? {
        end_one(tx, engine, caller, permit, running.id, running.n, EndCause::Authority).await?;
    }
    Ok(())
}

/// Ends every running sign-in of a person but one, which goes on; returns how many.
pub(crate) async fn end_all_but(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    kept: SessionId,
) -> Result<usize> {
    let running = db::sessions::lock_running(tx, person).await?;
    let mut ended = 0;
    for running in running.iter().filter(|running| running.id != kept) {
        end_one(tx, engine, caller, permit, running.id, running.n, EndCause::Forced).await?;
        ended += 1;
    }
    Ok(ended)
}

pub(super) async fn end_one(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    session: SessionId,
    n: u64,
    cause: EndCause,
) -> Result<()> {
    let event = Event::SignInEnded { session, n: n + 1, cause };
    let entry = seal::append(conn, engine, caller, permit, &event).await?;
    db::sessions::end(conn, session, n + 1, entry.at).await?;
    Ok(())
}

pub(super) async fn run_out(engine: Engine, caller: Caller, session: SessionId, cause: EndCause) -> Result<()> {
    let mut tx = engine.begin().await?;
    let Some((_, n)) = db::sessions::lock(&mut tx, session).await? else { return Ok(()) };
    let permit = authorize::unevaluated(authorize::engine_actor());
    end_one(&mut tx, &engine, &caller, &permit, session, n, cause).await?;
    engine.commit(tx).await
}
