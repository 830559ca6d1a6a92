//! Sign-ins: what one is worth at each request, how it is opened and proven anew.
//!
//! How people prove themselves with a local account stands in `local`, what ties a sign-in form to its browser in
//! `form`, how sign-ins end in `end`, and who sees them in `list`. Passkeys and providers open theirs through [`open`].

mod end;
mod form;
mod list;
mod local;

use countersign_domain::{
    event::{EndCause, Event, SignInMethod},
    ids::{EntryId, PersonId, ProviderId, SessionId},
    overrides::PostReviewKind,
    problem::Code,
    view::NoticeKind,
};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

pub use self::{
    end::{OfProvider, end, end_others, sign_out},
    form::{FormTie, check_form, tie_form},
    list::list,
    local::{SignedIn, Typed, local_is_emergency, sign_in, step_up},
};
pub(crate) use self::{
    end::{end_all, end_all_but, end_for_provider},
    list::{record_list, rows},
    local::{login_lookup, past_providers, seal_counted},
};
use crate::{
    Engine,
    authorize::{Action, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    notices, post_reviews, seal,
    secret::{self, Token, token_hash},
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
        engine.act(&Caller::engine(), move |engine, caller| end::run_out(engine, caller, id, cause)).await?;
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
        end::end_one(tx, engine, &caller, &permit, ended.id, ended.n, EndCause::Forced).await?;
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
        post_reviews::open(tx, engine, PostReviewKind::BreakGlass, (person, None), &entry).await?;
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
