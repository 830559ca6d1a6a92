//! Signing in and out, and what a sign-in is worth at each request.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    event::{EndCause, Event, List, SignInMethod},
    ids::{EntryId, PersonId, ProviderId, SessionId},
    problem::Code,
    view::{MemberSession, NoticeKind, SessionRow, SessionsView},
};
use sqlx::{PgConnection, Postgres, Transaction};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::{Actor, Caller},
    clock::milliseconds,
    db,
    error::{Error, Result},
    factors, notices, passkeys, people, providers, reads, seal,
    secret::{self, Token, token_hash},
    throttle,
    tries::{self, Tries},
};

/// Longest time between two requests, in milliseconds.
pub const IDLE_MS: u64 = 30 * 60 * 1_000;
/// Longest life of a sign-in, in milliseconds.
pub const ABSOLUTE_MS: u64 = 12 * 3_600 * 1_000;
/// Running sign-ins of one person; the oldest ends first.
const RUNNING_MAX: usize = 10;
/// `last_seen_at` is written when it is older than this, in milliseconds.
const TOUCH_MS: u64 = 10_000;

/// An act that asks for a recent proof takes one that is at most this old, in milliseconds (S8).
pub const RECENT_MS: u64 = 5 * 60 * 1_000;
/// Longest life of a break-glass sign-in, in milliseconds.
pub const BREAK_GLASS_MS: u64 = 60 * 60 * 1_000;

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

/// How a person proved who they are.
#[derive(Clone, Debug)]
pub struct SignInFacts {
    /// How.
    pub method: SignInMethod,
    /// When, in milliseconds since 1970 UTC; a provider may say an earlier time than now.
    pub auth_time: u64,
    /// How strong, in the provider's word.
    pub acr: Option<String>,
    /// The provider that said so.
    pub provider: Option<ProviderId>,
    /// The provider's name of its own session, by which it can end ours.
    pub idp_sid: Option<String>,
    /// The passkey.
    pub credential: Option<Uuid>,
    /// Why a local account was used while providers are in force.
    pub break_glass: Option<String>,
}

impl SignInFacts {
    /// Makes the facts of a proof without a provider.
    pub fn new(method: SignInMethod, auth_time: u64) -> Self {
        Self { method, auth_time, acr: None, provider: None, idp_sid: None, credential: None, break_glass: None }
    }
}

/// Refuses when the caller's last proof of who they are is older than five minutes.
///
/// # Errors
///
/// `step_up_required`.
pub fn require_recent(caller: &Caller) -> Result<()> {
    match caller.actor {
        Actor::Person { proven_ago_ms, .. } if proven_ago_ms > RECENT_MS => Err(Error::refused(
            Code::StepUpRequired,
            "This asks for a sign-in of the last five minutes. Confirm that it is you, then send it again; nothing you typed is lost.",
        )),
        _ => Ok(()),
    }
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
    if let Some(cause) = ran_out(&session.term, now) {
        drop(conn);
        let id = session.id;
        engine.act(&Caller::engine(), move |engine, caller| run_out(engine, caller, id, cause)).await?;
        return Ok(None);
    }
    if now >= session.term.last_seen_at + TOUCH_MS {
        db::sessions::touch(&mut conn, session.id, now).await?;
    }
    // A demo's people have nothing to prove themselves with.
    let proven_ago_ms = match session.method {
        Some(SignInMethod::Demo) => 0,
        _ => now.saturating_sub(session.authenticated_at),
    };

    Ok(Some(Actor::Person {
        id: session.person,
        session: session.id,
        signed_in: session.entry,
        proven_ago_ms,
        factor_missing: matches!(session.method, Some(SignInMethod::Password | SignInMethod::BreakGlass))
            && !session.has_factor,
    }))
}

/// Tells whether a sign-in still runs; open streams ask. Asking is no activity: it prolongs nothing.
///
/// # Errors
///
/// When the database does not answer.
pub async fn is_live(engine: &Engine, session: SessionId) -> Result<bool> {
    let term = db::sessions::find_term(&mut *engine.app.acquire().await?, session).await?;
    Ok(term.is_some_and(|term| ran_out(&term, engine.now()).is_none()))
}

/// Returns why a sign-in has run out by a moment, if it has.
fn ran_out(term: &db::sessions::Term, now: u64) -> Option<EndCause> {
    let ends_at = term.ends_at.unwrap_or(u64::MAX).min(term.started_at + ABSOLUTE_MS);
    if now >= ends_at {
        return Some(EndCause::Absolute);
    }
    (now >= term.last_seen_at + IDLE_MS).then_some(EndCause::Idle)
}

/// What a person types to sign in with a local account.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// The sign-in name.
    pub login: String,
    /// The password.
    pub password: String,
    /// A code of the authenticator app or a recovery code; empty where there is none.
    pub code: String,
    /// Why the account is used while sign-in providers are in force; empty otherwise.
    pub reason: String,
}

/// A sign-in with a local account, and what lets this browser's next try be told from a stranger's.
#[derive(Debug)]
pub struct SignedIn {
    /// The sign-in.
    pub session: NewSession,
    /// The device cookie's value.
    pub device: String,
}

/// Signs in with a local account: password and second factor.
///
/// Unknown, disabled and mistyped accounts cost the same work and get the same answer. A device that the account
/// signed in from before has a bucket of its own, so a guesser elsewhere cannot lock its owner out. The try is counted
/// before the password is looked at, and given back unless the password or the code was wrong.
///
/// # Errors
///
/// `unauthenticated`, `rate_limited` after too many failures, or the field that is still missing.
pub async fn sign_in(engine: &Engine, caller: &Caller, typed: Typed, device: Option<&str>) -> Result<SignedIn> {
    let lookup = login_lookup(engine, &typed.login);
    let device = device.and_then(|device| known_device(engine, &lookup, device));
    let tries = Tries::of(&lookup, &caller.network, device);
    tries::take(engine, caller, &tries).await?;
    if tries.is_stranger() {
        let crowded = throttle::crowded(&mut *engine.app.acquire().await?, engine).await?;
        if let Some(wait) = crowded {
            tokio::time::sleep(wait).await;
        }
    }
    let mut conn = engine.app.acquire().await?;
    let account = db::people::find_by_login(&mut conn, &lookup).await?.filter(|account| !account.disabled);
    drop(conn);
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let fits = match engine.hasher.verify(&typed.password, stored).await {
        Ok(fits) => fits,
        Err(error) => {
            tries::give_back(engine, caller, &tries).await?;
            return Err(error);
        }
    };
    let Some(person) = account.as_ref().map(|account| account.id).filter(|_| fits) else {
        let person = account.map(|account| account.id);
        tries::note_failure(engine, caller, &tries, person).await?;
        return Err(Error::refused(Code::Unauthenticated, "The sign-in name or the password is wrong."));
    };
    let tried = {
        let tries = tries.clone();
        engine
            .act(caller, move |engine, caller| {
                let (tries, typed) = (tries.clone(), typed.clone());
                async move {
                    let mut tx = engine.begin().await?;
                    let method = local_method(&mut tx, &engine, &caller, person, &typed).await?;
                    tries.succeeded(&mut tx, &engine).await?;
                    let facts = match past_providers(&mut tx, &typed.reason).await? {
                        None => SignInFacts::new(method, engine.now()),
                        // Who has no second factor yet adds it first: emergencies are no way around it.
                        Some(_) if method == SignInMethod::Password => return Err(factors::first()),
                        Some(reason) => SignInFacts {
                            break_glass: Some(reason),
                            ..SignInFacts::new(SignInMethod::BreakGlass, engine.now())
                        },
                    };
                    let new = open(&mut tx, &engine, &caller, person, facts).await?;
                    engine.commit(tx).await?;
                    Ok(new)
                }
            })
            .await
    };
    match tried {
        Ok(session) => Ok(SignedIn { session, device: new_device(engine, &lookup) }),
        Err(error) if is_wrong_code(&error) => {
            tries::note_failure(engine, caller, &tries, Some(person)).await?;
            Err(error)
        }
        Err(error) => {
            tries::give_back(engine, caller, &tries).await?;
            Err(error)
        }
    }
}

/// Proves the caller anew with password and second factor. The session gets a new token; the former one is dead.
///
/// Tries are counted by the sign-in: strangers who guess at the account elsewhere keep nobody from proving themselves.
///
/// # Errors
///
/// `unauthenticated`, `rate_limited`, or the field that is still missing.
pub async fn step_up(engine: &Engine, caller: &Caller, password: &str, code: &str) -> Result<NewSession> {
    let (person, session) = caller.signed_in()?;
    let account = db::people::find(&mut *engine.app.acquire().await?, person).await?.ok_or(Error::NotFound)?;
    let tries = Tries::StepUp(session);
    tries::take(engine, caller, &tries).await?;
    match engine.hasher.verify(password, account.password_hash).await {
        Ok(true) => {}
        Ok(false) => {
            tries::note_failure(engine, caller, &tries, Some(person)).await?;
            return Err(Error::refused(Code::Unauthenticated, "The password is wrong."));
        }
        Err(error) => {
            tries::give_back(engine, caller, &tries).await?;
            return Err(error);
        }
    }
    let typed = Typed { code: code.to_owned(), ..Typed::default() };
    let tried = {
        let tries = tries.clone();
        engine
            .act(caller, move |engine, caller| {
                let (tries, typed) = (tries.clone(), typed.clone());
                async move {
                    let mut tx = engine.begin().await?;
                    let method = local_method(&mut tx, &engine, &caller, person, &typed).await?;
                    tries.succeeded(&mut tx, &engine).await?;
                    let new = renew(&mut tx, &engine, &caller, SignInFacts::new(method, engine.now())).await?;
                    engine.commit(tx).await?;
                    Ok(new)
                }
            })
            .await
    };
    match &tried {
        Err(error) if is_wrong_code(error) => tries::note_failure(engine, caller, &tries, Some(person)).await?,
        Err(_) => tries::give_back(engine, caller, &tries).await?,
        Ok(_) => {}
    }
    tried
}

fn is_wrong_code(error: &Error) -> bool {
    matches!(error, Error::Refused(problem) if problem.errors.iter().any(|error| error.code == "wrong_code"))
}

/// Checks the second factor of an account whose password was right.
async fn local_method(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    person: PersonId,
    typed: &Typed,
) -> Result<SignInMethod> {
    let held = db::factors::held(tx, person).await?;
    if held.passkeys == 0 && !held.totp {
        return Ok(SignInMethod::Password);
    }
    if typed.code.trim().is_empty() {
        let detail = match held.totp {
            true => "Type the code that your authenticator app shows, or a recovery code.",
            false => "This account signs in with its passkey. If it is lost, type a recovery code here.",
        };
        return Err(Error::field("/code", "code_missing", detail));
    }
    let permit = authorize::unevaluated(authorize::person_actor(person));
    match factors::use_code(tx, engine, caller, &permit, person, &typed.code).await? {
        Some(factors::Used::Totp) => Ok(SignInMethod::Totp),
        Some(factors::Used::Recovery) => Ok(SignInMethod::Recovery),
        None => Err(factors::wrong_code()),
    }
}

/// Tells whether people sign in through providers, so that local accounts are for emergencies.
///
/// # Errors
///
/// When the database does not answer.
pub async fn local_is_emergency(engine: &Engine) -> Result<bool> {
    providers::any_active(&mut *engine.app.acquire().await?).await
}

/// Returns why the account is used, when sign-in providers are in force: local accounts are break-glass then.
pub(crate) async fn past_providers(conn: &mut PgConnection, reason: &str) -> Result<Option<String>> {
    if !providers::any_active(conn).await? {
        return Ok(None);
    }
    let reason = reason.trim();
    match reason.chars().count() {
        10..=500 => Ok(Some(reason.to_owned())),
        _ => Err(Error::field(
            "/reason",
            "reason_missing",
            "People sign in through the provider here. To use this account in an emergency, say why in 10 to 500 characters; all admins and compliance officers are told.",
        )),
    }
}

/// Checks a device cookie: `<32 hex digits>.<HMAC>`, bound to one account. Returns the bucket's key.
fn known_device(engine: &Engine, lookup: &[u8], cookie: &str) -> Option<Vec<u8>> {
    let (device, mac) = cookie.split_once('.')?;
    let known = device_mac(engine, lookup, device);
    bool::from(known.as_bytes().ct_eq(mac.as_bytes())).then(|| engine.vault.lookup("device-bucket", cookie))
}

fn new_device(engine: &Engine, lookup: &[u8]) -> String {
    let device = secret::random_id().simple().to_string();
    let mac = device_mac(engine, lookup, &device);
    format!("{device}.{mac}")
}

fn device_mac(engine: &Engine, lookup: &[u8], device: &str) -> String {
    passkeys::encode(&engine.vault.lookup("device", &format!("{} {device}", passkeys::encode(lookup))))
}

/// How long a sign-in form may stay open, in milliseconds.
const FORM_MS: u64 = 10 * 60 * 1_000;

/// What ties a sign-in form to the browser that opened it: the id stands in the form, the value in a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormTie {
    /// Names the cookie; sorts by time.
    pub id: String,
    /// The cookie's value.
    pub value: String,
}

/// Makes the tie of a sign-in form (S3).
pub fn tie_form(engine: &Engine) -> FormTie {
    let id = engine.id().simple().to_string();
    let value = passkeys::encode(&engine.vault.lookup("sign-in-form", &id));
    FormTie { id, value }
}

/// Checks that a form was opened by the browser that sends it, in the last ten minutes.
///
/// # Errors
///
/// `cross_origin`, with what to do.
pub fn check_form(engine: &Engine, id: &str, value: Option<&str>) -> Result<()> {
    let opened_at = Uuid::try_parse(id).ok().and_then(|id| id.get_timestamp()).map(|at| {
        let (seconds, nanoseconds) = at.to_unix();
        seconds * 1_000 + u64::from(nanoseconds) / 1_000_000
    });
    let known = passkeys::encode(&engine.vault.lookup("sign-in-form", id));
    let fits = value.is_some_and(|value| bool::from(known.as_bytes().ct_eq(value.as_bytes())));
    match opened_at {
        Some(at) if fits && engine.now() < at + FORM_MS => Ok(()),
        _ => Err(Error::refused(
            Code::CrossOrigin,
            "This sign-in form was open for too long or came from elsewhere. Load the page again and sign in there; cookies must be allowed.",
        )),
    }
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

/// Lists the sign-ins that run, newest first.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<SessionsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListSessions, engine.installation()).await?;
        let running = db::sessions::list_all_running(&mut tx, engine.now().saturating_sub(IDLE_MS)).await?;
        let holders: Vec<_> = running.iter().map(|session| session.person).collect();
        let names = people::names(&mut tx, engine, &holders).await?;
        let current = caller.signed_in()?.1;
        let rows = rows(&mut tx, engine, &running, current).await?;
        tx.commit().await?;
        Ok((permit, running, names, rows))
    };
    let (permit, running, names, rows) = engine.noted(caller, found.await).await?;
    record_list(engine, caller, permit, rows.len()).await?;
    let sessions = running.iter().zip(rows).map(|(running, session)| MemberSession {
        person: running.person,
        name: names.get(&running.person).cloned().unwrap_or_else(people::erased),
        session,
    });

    Ok(SessionsView { sessions: sessions.collect(), now: engine.now() })
}

/// Writes running sign-ins as rows, with what the vault holds about browser and address.
pub(crate) async fn rows(
    conn: &mut PgConnection,
    engine: &Engine,
    running: &[db::sessions::Running],
    current: SessionId,
) -> Result<Vec<SessionRow>> {
    let entries: Vec<_> = running.iter().map(|session| session.entry.0).collect();
    let mut details = HashMap::new();
    for stored in db::vault::list(conn, &entries).await? {
        let text = engine.vault.open(&stored)?.unwrap_or_else(people::erased);
        details.insert((stored.entry_id, stored.field.clone()), text);
    }
    let mut detail =
        |entry: Uuid, field: &str| details.remove(&(entry, field.to_owned())).unwrap_or_else(people::erased);
    Ok(running
        .iter()
        .map(|session| SessionRow {
            id: session.id,
            method: session.method,
            started_at: milliseconds(session.started_at),
            last_seen_at: milliseconds(session.last_seen_at),
            agent: detail(session.entry.0, "agent"),
            ip: detail(session.entry.0, "ip"),
            current: session.id == current,
        })
        .collect())
}

/// Ends a sign-in: one's own from another, or anybody's as an admin.
///
/// # Errors
///
/// [`Error::Hidden`] for a sign-in that the caller may not end, and when there is none.
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

/// Ends every sign-in of the caller but the one that asks; returns how many.
///
/// # Errors
///
/// `invalid_transition` when there is no other.
pub async fn end_others(engine: &Engine, caller: &Caller) -> Result<usize> {
    let (person, session) = caller.signed_in()?;
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let target = Target::SignIn { id: session, person };
            let permit = engine.authorize(&mut tx, &caller, Action::EndSignIn, target).await?;
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

/// Opens a sign-in inside the transaction of what allowed it. The token is new; whatever the browser had before
/// stands for nobody (S4).
pub(crate) async fn open(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    person: PersonId,
    facts: SignInFacts,
) -> Result<NewSession> {
    let action = if facts.method == SignInMethod::Demo { Action::SignInAs } else { Action::SignIn };
    let session = SessionId(secret::random_id());
    let former = match caller.actor {
        Actor::Person { id, session, .. } if id == person => Some(session),
        _ => None,
    };
    let mut caller = caller.clone();
    caller.actor =
        Actor::Person { id: person, session, signed_in: EntryId(Uuid::nil()), proven_ago_ms: 0, factor_missing: false };
    let permit = engine.authorize(tx, &caller, action, engine.installation()).await?;
    let running = db::sessions::lock_running(tx, person).await?;
    let surplus = running.iter().filter(|running| Some(running.id) != former).skip(RUNNING_MAX - 1);
    for ended in running.iter().filter(|running| Some(running.id) == former).chain(surplus) {
        end_one(tx, engine, &caller, &permit, ended.id, ended.n, EndCause::Forced).await?;
    }
    let token = Token::random();
    let event = Event::SignedIn {
        session,
        person,
        method: facts.method,
        ip: caller.network.clone(),
        agent: caller.agent.chars().take(512).collect(),
    };
    let entry = seal::append(tx, engine, &caller, &permit, &event).await?;
    let hash = token_hash(token.reveal());
    let new = db::sessions::New {
        id: session,
        token_hash: &hash,
        person,
        facts: &facts,
        now: entry.at,
        ends_at: facts.break_glass.as_ref().map(|_| entry.at + BREAK_GLASS_MS),
        entry: entry.id,
    };
    db::sessions::insert(tx, &new).await?;
    if let Some(reason) = facts.break_glass {
        let mut caller = caller.clone();
        caller.actor =
            Actor::Person { id: person, session, signed_in: entry.id, proven_ago_ms: 0, factor_missing: false };
        let event = Event::BreakGlassUsed { session, n: 2, person, reason };
        let entry = seal::append(tx, engine, &caller, &permit, &event).await?;
        db::sessions::set_n(tx, session, 2).await?;
        let told = notices::guardians(tx).await?;
        notices::tell(tx, engine, &told, NoticeKind::BreakGlass, Some(person), &entry).await?;
        tracing::warn!(person.id = %person, "A local account was used past the sign-in providers");
    }

    Ok(NewSession { token, session, person })
}

/// Records that the caller proved themselves again: the session goes on under a new token (S4, S8).
pub(crate) async fn renew(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    facts: SignInFacts,
) -> Result<NewSession> {
    let (person, session) = caller.signed_in()?;
    let (_, n) = db::sessions::lock(tx, session).await?.ok_or(Error::NotFound)?;
    let permit = engine.authorize(tx, caller, Action::StepUp, Target::SignIn { id: session, person }).await?;
    let n = n + 1;
    seal::append(tx, engine, caller, &permit, &Event::SteppedUp { session, n, method: facts.method }).await?;
    let token = Token::random();
    db::sessions::renew(tx, session, n, &token_hash(token.reveal()), &facts).await?;

    Ok(NewSession { token, session, person })
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
