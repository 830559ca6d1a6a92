//! Signing in and out, and what a sign-in is worth at each request.

use countersign_domain::{
    event::{EndCause, Event, List, SignInMethod},
    ids::{EntryId, PersonId, SessionId},
    problem::Code,
};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine,
    authorize::{self, Action, Permit, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    reads, seal,
    secret::{self, Token, token_hash},
    throttle::{self, Bucket},
};

/// Longest time between two requests, in milliseconds.
pub const IDLE_MS: u64 = 30 * 60 * 1_000;
/// Longest life of a sign-in, in milliseconds.
pub const ABSOLUTE_MS: u64 = 12 * 3_600 * 1_000;
/// Running sign-ins of one person; the oldest ends first.
const RUNNING_MAX: usize = 10;
/// `last_seen_at` is written when it is older than this, in milliseconds.
const TOUCH_MS: u64 = 10_000;

/// A new sign-in with its token, which is shown to nobody again.
#[derive(Debug)]
pub struct NewSession {
    /// The cookie's value.
    pub token: Token,
    /// The sign-in.
    pub session: SessionId,
    /// Who signed in.
    pub person: PersonId,
}

/// Returns who a token stands for, if its sign-in still runs. Ends one that ran out.
///
/// # Errors
///
/// When the database does not answer.
pub async fn authenticate(engine: &Engine, token: &str) -> Result<Option<Actor>> {
    let now = engine.now();
    let mut conn = engine.app.acquire().await?;
    let Some(session) = db::sessions::find(&mut conn, &token_hash(token)).await? else { return Ok(None) };
    if session.ended || session.person_disabled {
        return Ok(None);
    }
    let cause = if now >= session.started_at + ABSOLUTE_MS {
        Some(EndCause::Absolute)
    } else {
        (now >= session.last_seen_at + IDLE_MS).then_some(EndCause::Idle)
    };
    if let Some(cause) = cause {
        drop(conn);
        let id = session.id;
        engine.act(&Caller::engine(), move |engine, caller| run_out(engine, caller, id, cause)).await?;
        return Ok(None);
    }
    if now >= session.last_seen_at + TOUCH_MS {
        db::sessions::touch(&mut conn, session.id, now).await?;
    }

    Ok(Some(Actor::Person { id: session.person, session: session.id, signed_in: session.entry }))
}

/// Tells whether a sign-in still runs; open streams ask.
///
/// # Errors
///
/// When the database does not answer.
pub async fn is_live(engine: &Engine, session: SessionId) -> Result<bool> {
    Ok(db::sessions::is_running(&mut *engine.app.acquire().await?, session).await?)
}

/// Signs in with a local account.
///
/// Unknown, disabled and mistyped accounts cost the same work and get the same answer.
///
/// # Errors
///
/// `unauthenticated`, or `rate_limited` after too many failures.
pub async fn sign_in(engine: &Engine, caller: &Caller, login: &str, password: &str) -> Result<NewSession> {
    let lookup = login_lookup(engine, login);
    let mut conn = engine.app.acquire().await?;
    for bucket in [Bucket::Account(&lookup), Bucket::Network(&caller.network)] {
        if let Some(wait) = throttle::wait_ms(&mut conn, engine, &bucket).await? {
            let seconds = wait.div_ceil(1_000);
            return Err(Error::refused(
                Code::RateLimited,
                format!("Too many failed sign-ins. Try again in {seconds} s."),
            ));
        }
    }
    let account = db::people::find_by_login(&mut conn, &lookup).await?.filter(|account| !account.disabled);
    drop(conn);
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    if !engine.hasher.verify(password, stored).await? {
        let person = account.map(|account| account.id);
        let failed = move |engine, caller| fail(engine, caller, lookup.clone(), person);
        engine.act(caller, failed).await?;
        return Err(Error::refused(Code::Unauthenticated, "The sign-in name or the password is wrong."));
    }
    let person = account.map(|account| account.id).ok_or(Error::NotFound)?;

    engine
        .act(caller, move |engine, caller| {
            let lookup = lookup.clone();
            async move {
                let mut tx = engine.begin().await?;
                let network = caller.network.clone();
                throttle::clear(&mut tx, &engine, &Bucket::Account(&lookup)).await?;
                throttle::clear(&mut tx, &engine, &Bucket::Network(&network)).await?;
                let new = open(&mut tx, &engine, &caller, person, SignInMethod::Password, Action::SignIn).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}

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

/// Ends one of the caller's own sign-ins from another.
///
/// # Errors
///
/// [`Error::Hidden`] for a sign-in of somebody else, and when there is none.
pub async fn end(engine: &Engine, caller: &Caller, session: SessionId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let (person, n) = db::sessions::lock(&mut tx, session).await?.ok_or(Error::NotFound)?;
            let target = Target::SignIn { id: session, person };
            let permit = engine.authorize(&mut tx, &caller, Action::EndSignIn, target).await?;
            end_one(&mut tx, &engine, &caller, &permit, session, n, EndCause::Forced).await?;
            engine.commit(tx).await
        })
        .await
}

/// Opens a sign-in inside the transaction of what allowed it.
pub(crate) async fn open(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    person: PersonId,
    method: SignInMethod,
    action: Action,
) -> Result<NewSession> {
    let session = SessionId(secret::random_id());
    let mut caller = caller.clone();
    caller.actor = Actor::Person { id: person, session, signed_in: EntryId(uuid::Uuid::nil()) };
    let permit = engine.authorize(tx, &caller, action, engine.installation()).await?;
    let running = db::sessions::lock_running(tx, person).await?;
    for oldest in running.iter().skip(RUNNING_MAX - 1) {
        end_one(tx, engine, &caller, &permit, oldest.id, oldest.n, EndCause::Forced).await?;
    }
    let token = Token::random();
    let event = Event::SignedIn {
        session,
        person,
        method,
        ip: caller.network.clone(),
        agent: caller.agent.chars().take(512).collect(),
    };
    let entry = seal::append(tx, engine, &caller, &permit, &event).await?;
    let hash = token_hash(token.reveal());
    let new = db::sessions::New { id: session, token_hash: &hash, person, method, now: entry.at, entry: entry.id };
    db::sessions::insert(tx, new).await?;

    Ok(NewSession { token, session, person })
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

/// Returns the key that finds an account by its sign-in name.
pub(crate) fn login_lookup(engine: &Engine, login: &str) -> Vec<u8> {
    engine.vault.lookup("login", &login.trim().to_lowercase())
}

/// Seals the caller's look at their own sign-ins.
pub(crate) async fn record_list(engine: &Engine, caller: &Caller, permit: Permit, count: usize) -> Result<EntryId> {
    let event = Event::AccessListed { list: List::Sessions, count: count as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await
}

async fn end_one(
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

async fn run_out(engine: Engine, caller: Caller, session: SessionId, cause: EndCause) -> Result<()> {
    let mut tx = engine.begin().await?;
    let Some((_, n)) = db::sessions::lock(&mut tx, session).await? else { return Ok(()) };
    let permit = authorize::unevaluated(authorize::engine_actor());
    end_one(&mut tx, &engine, &caller, &permit, session, n, cause).await?;
    engine.commit(tx).await
}

async fn fail(engine: Engine, caller: Caller, lookup: Vec<u8>, person: Option<PersonId>) -> Result<()> {
    let mut tx = engine.begin().await?;
    throttle::fail(&mut tx, &engine, &Bucket::Account(&lookup)).await?;
    let count = match person {
        Some(_) => Some(1),
        None => {
            throttle::fail(&mut tx, &engine, &Bucket::Network(&caller.network)).await?;
            engine.strangers.count(&caller.network, engine.now())
        }
    };
    if let Some(count) = count {
        let permit = authorize::unevaluated(authorize::anonymous_actor());
        let event = Event::SignInFailed { person, count, ip: caller.network.clone() };
        seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    }
    engine.commit(tx).await
}

/// Seals what strangers failed at and was only counted so far.
pub(crate) async fn seal_counted(engine: &Engine) -> Result<()> {
    for (network, count) in engine.strangers.drain(engine.now()) {
        let caller = Caller::new(Actor::Anonymous, network, "", secret::random_id());
        engine
            .act(&caller, move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let permit = authorize::unevaluated(authorize::anonymous_actor());
                let event = Event::SignInFailed { person: None, count, ip: caller.network.clone() };
                seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(())
}
