//! Sign-in through identity providers: the way there, the way back, and the provider's own sign-out.
//!
//! What binds a browser to its sign-in travels in a cookie that this installation signs: the values of
//! the protocol, when it began, and what it is for. People are told nothing of what failed; the sentence
//! is sealed and stands on the admins' page.

use std::{
    collections::HashMap,
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Extension, Form,
    extract::{Path, Query, RawQuery, State},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign_domain::{
    ids::{EntryId, PersonId, ProviderId, SessionId},
    problem::Code,
};
use countersign_engine::{
    Actor, Caller,
    providers::{self, Connection, Credential, Logout, Proven},
};
use countersign_oidc::{
    Algorithm, Asked, Callback, Client, ClientAuth, Fault, Provider, Secret, Transaction, Transport, TransportError,
};
use countersign_outbound::Outbound;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, LOCATION, REFRESH, SET_COOKIE},
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::{Refusal, Server};

/// Sign-ins under way in one browser.
const TRANSACTIONS_MAX: usize = 5;
/// How long a browser may take to leave for the provider's sign-out, in milliseconds.
const LEAVING_MS: u64 = 60_000;
/// The oldest sign-in there that is a fresh proof here.
const PROOF_SECONDS_MAX: NonZeroU64 = NonZeroU64::new(30).unwrap();

/// The providers that were talked to, as they are configured.
#[derive(Default)]
pub(crate) struct Providers(Mutex<HashMap<ProviderId, Known>>);

/// A provider's client, and the number of the settings that it was made with.
type Known = (u64, Arc<Provider<Wire>>);

/// The way to providers.
#[derive(Clone, Debug)]
pub(crate) struct Wire(pub(crate) Outbound);

impl Transport for Wire {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> Result<http::Response<Vec<u8>>, TransportError> {
        self.0.send(request, bytes_max).await.map_err(|error| TransportError(error.to_string()))
    }
}

impl Providers {
    /// Returns the client of a provider; a change of its settings makes another.
    fn get(&self, server: &Server, connection: &Connection) -> Arc<Provider<Wire>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((n, provider)) = known.get(&connection.id)
            && *n == connection.n
        {
            return provider.clone();
        }
        let client = Client {
            issuer: connection.issuer.clone(),
            client_id: connection.client_id.clone(),
            auth: match &connection.credential {
                Credential::Secret(secret) => ClientAuth::Basic(Secret::new(secret.as_str())),
                Credential::Key { scalar, id } => {
                    ClientAuth::PrivateKey { scalar: Secret::new(scalar.as_str()), key_id: id.clone() }
                }
            },
            redirect_uri: format!("{}/callback/{}", server.origin().as_str(), connection.slug),
            algorithms: connection.algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect(),
            scopes: connection.scopes.clone(),
            subject_claim: connection.subject_claim.clone(),
            logout_typ_required: connection.logout_typ_required,
            plain_http: server.outbound().takes_plain_http(),
        };
        let provider = Arc::new(Provider::new(client, Wire(server.outbound().clone())));
        known.insert(connection.id, (connection.n, provider.clone()));
        provider
    }
}

/// What one way to a provider and back is for.
#[derive(Clone, Serialize, Deserialize)]
struct Travel {
    provider: ProviderId,
    transaction: Transaction,
    begun_at: u64,
    next: String,
    errand: Errand,
}

#[derive(Clone, Serialize, Deserialize)]
enum Errand {
    SignIn,
    /// Somebody signed in wants more: a fresh proof, one more identity, or a test.
    Of {
        person: PersonId,
        session: SessionId,
        signed_in: EntryId,
        proven_ago_ms: u64,
        factor_missing: bool,
        wish: Wish,
    },
}

impl Errand {
    /// Who comes back after so long, worth no more than who left.
    fn actor(&self, away_ms: u64) -> Actor {
        match *self {
            Errand::SignIn => Actor::Anonymous,
            Errand::Of { person, session, signed_in, proven_ago_ms, factor_missing, .. } => Actor::Person {
                id: person,
                session,
                signed_in,
                proven_ago_ms: proven_ago_ms.saturating_add(away_ms),
                factor_missing,
            },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Wish {
    StepUp,
    Link,
    Test,
}

/// Where a person goes afterwards.
#[derive(Deserialize)]
pub(crate) struct Onward {
    #[serde(default)]
    next: String,
    /// They go although nobody seemed to be there.
    anyway: Option<String>,
}

impl Onward {
    fn to(next: &str) -> Self {
        Self { next: next.to_owned(), anyway: None }
    }
}

/// Leaves for a provider to sign in.
pub(crate) async fn begin(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    Query(onward): Query<Onward>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if is_led_from_elsewhere(&server, &headers) {
        let next = countersign_app::local_path(&onward.next);
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
        return Ok(redirect(&format!("/login?{query}")));
    }
    leave(&server, &caller, &slug, onward, Errand::SignIn, &headers).await
}

/// Tells whether another site led somebody here. Nobody is signed in by that: where the provider's session runs, going
/// on would end in one here without an act of the person's own, so the sign-in page asks first.
fn is_led_from_elsewhere(server: &Server, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "cross-site" | "same-site"),
        None => text("referer").is_some_and(|from| !from.starts_with(&format!("{}/", server.origin().as_str()))),
    }
}

/// Leaves for a provider to show once more who one is.
pub(crate) async fn begin_step_up(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    Query(onward): Query<Onward>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let errand = errand_of(&caller, Wish::StepUp)?;
    leave(&server, &caller, &slug, onward, errand, &headers).await
}

/// Leaves for a provider to make its identity one's own.
pub(crate) async fn begin_link(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    countersign_engine::sessions::require_recent(&caller)?;
    let errand = errand_of(&caller, Wish::Link)?;
    leave(&server, &caller, &slug, Onward::to("/me"), errand, &headers).await
}

/// Leaves for a provider to see what it says.
pub(crate) async fn begin_test(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    providers::may_test(server.engine(), &caller).await?;
    let errand = errand_of(&caller, Wish::Test)?;
    leave(&server, &caller, &slug, Onward::to("/admin/sso"), errand, &headers).await
}

fn errand_of(caller: &Caller, wish: Wish) -> Result<Errand, Refusal> {
    match caller.actor {
        Actor::Person { id, session, signed_in, proven_ago_ms, factor_missing } => {
            Ok(Errand::Of { person: id, session, signed_in, proven_ago_ms, factor_missing, wish })
        }
        _ => Err(Refusal::new(Code::Unauthenticated, "Sign in first.")),
    }
}

async fn leave(
    server: &Server,
    caller: &Caller,
    slug: &str,
    onward: Onward,
    errand: Errand,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let connection = find(server, slug).await?;
    let test = matches!(errand, Errand::Of { wish: Wish::Test, .. });
    if !connection.enabled && !test {
        return Err(Refusal::new(Code::NotFound, "This way to sign in is closed. Choose another one."));
    }
    let provider = server.providers().get(server, &connection);
    let asked = asked(&errand);
    let travel = Travel {
        provider: connection.id,
        transaction: Transaction::new(random(), random(), random()),
        begun_at: server.engine().now(),
        next: onward.next,
        errand,
    };
    let begun = match provider.begin(seconds(server), &travel.transaction, &asked).await {
        Ok(address) if onward.anyway.is_some() => Ok(address),
        // What the provider says about itself is kept, so it may have gone away since.
        Ok(address) => match server.reachable().answers(server.outbound(), &address).await {
            true => Ok(address),
            false => Err(Fault::Transport(TransportError("nobody is there to sign people in".into()))),
        },
        Err(fault) => Err(fault),
    };
    let address = match begun {
        Ok(address) => address,
        Err(fault) if test => return fault_page(server, caller, &connection, &fault).await,
        Err(fault) => return away(server, caller, &connection, &travel, &fault).await,
    };
    let mut response = redirect(&address);
    for name in surplus(server, headers) {
        append(&mut response, &cookie(server, &name, "", 0));
    }
    append(&mut response, &cookie(server, &name_of(server, &travel.transaction.state), &written(server, &travel), 600));
    Ok(response)
}

/// Comes back from a provider. The one GET that signs in: the cookie and the state bind it to its browser.
pub(crate) async fn callback(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let connection = find(&server, &slug).await?;
    let callback = match Callback::read(query.as_deref().unwrap_or_default()) {
        Ok(callback) => callback,
        Err(fault) => return Err(failed(&server, &caller, connection.id, &fault).await),
    };
    let travel = callback.state().and_then(|state| read(&server, &headers, state));
    let fresh = |travel: &Travel| {
        travel.provider == connection.id && server.engine().now() < travel.begun_at + providers::TRANSACTION_MS
    };
    let Some(travel) = travel.filter(fresh) else {
        return Err(failed(&server, &caller, connection.id, &Fault::State).await);
    };
    let gone = cookie(&server, &name_of(&server, &travel.transaction.state), "", 0);
    let mut response = match arrive(&server, &caller, &connection, &travel, &callback).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    append(&mut response, &gone);
    Ok(response)
}

async fn arrive(
    server: &Server,
    caller: &Caller,
    connection: &Connection,
    travel: &Travel,
    callback: &Callback,
) -> Result<Response, Refusal> {
    let mut caller = caller.clone();
    let mut wish = None;
    if let Errand::Of { session, wish: wished, .. } = travel.errand {
        if !countersign_engine::sessions::is_live(server.engine(), session).await? {
            return Err(Refusal::new(Code::Unauthenticated, "Your sign-in has ended. Sign in again."));
        }
        caller.actor = travel.errand.actor(server.engine().now().saturating_sub(travel.begun_at));
        wish = Some(wished);
    }
    let provider = server.providers().get(server, connection);
    let asked = asked(&travel.errand);
    let signed_in = provider.redeem(seconds(server), &travel.transaction, &asked, callback, random()).await;
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(fault) if wish == Some(Wish::Test) => return fault_page(server, &caller, connection, &fault).await,
        Err(fault) => return Err(failed(server, &caller, connection.id, &fault).await),
    };
    let proven = Proven {
        provider: connection.id,
        state: travel.transaction.state.clone(),
        subject: signed_in.subject,
        subject_claim: connection.subject_claim.clone(),
        claims: signed_in.claims.into(),
        auth_time: signed_in.auth_time.map(|seconds| seconds * 1_000),
        acr: signed_in.acr,
        session: signed_in.session,
        id_token: Zeroizing::new(signed_in.id_token.reveal().to_owned()),
        skew_seconds: signed_in.skew_seconds,
    };
    let engine = server.engine();
    let next = countersign_app::local_path(&travel.next);
    let done = match wish {
        None => providers::sign_in(engine, &caller, proven.clone()).await.map(Some),
        Some(Wish::StepUp) => providers::step_up(engine, &caller, proven.clone()).await.map(Some),
        Some(Wish::Link) => providers::link_own(engine, &caller, proven.clone()).await.map(|()| None),
        Some(Wish::Test) => providers::keep_test(engine, &caller, proven.clone()).await.map(|()| None),
    };
    let session = match done {
        Ok(session) => session,
        Err(error) => {
            let problem = countersign_domain::Problem::from(error);
            let detail = format!("{} (the provider's checks had passed)", problem.detail);
            providers::refused(engine, &caller, connection.id, problem.code.word(), detail).await?;
            return Err(problem.into());
        }
    };
    let mut response = redirect(&next);
    if let Some(session) = session {
        append(&mut response, &server.cookie_name().set(session.token.reveal()));
    }
    Ok(response)
}

/// Publishes the key by which a provider knows this installation.
pub(crate) async fn client_keys(State(server): State<Server>, Path(slug): Path<String>) -> Result<Response, Refusal> {
    let keys = providers::client_keys(server.engine(), &slug).await?;
    let keys = keys.ok_or_else(|| Refusal::new(Code::NotFound, "There is no key for such a provider."))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json")),
        // Another key has to be known soon after it was made.
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
    ];
    Ok((StatusCode::OK, headers, keys.to_string()).into_response())
}

/// A logout token, as providers post it.
#[derive(Deserialize)]
pub(crate) struct LogoutForm {
    logout_token: String,
}

/// Ends what a provider wants ended.
pub(crate) async fn back_channel_logout(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    form: Result<Form<LogoutForm>, axum::extract::rejection::FormRejection>,
) -> Result<Response, Refusal> {
    let connection = find(&server, &slug).await?;
    let bad = || Refusal::new(Code::MalformedRequest, "This is no logout token for this installation.");
    let Form(form) = form.map_err(|_| bad())?;
    let provider = server.providers().get(&server, &connection);
    let logout = match provider.logout(seconds(&server), &form.logout_token).await {
        Ok(logout) => logout,
        Err(fault) => {
            failed(&server, &caller, connection.id, &fault).await;
            return Err(bad());
        }
    };
    let logout = Logout {
        subject: logout.subject,
        session: logout.session,
        token_id: logout.token_id,
        remember_until: logout.remember_until * 1_000,
    };
    match providers::back_channel_logout(server.engine(), &caller, connection.id, logout).await {
        Ok(_) => Ok((StatusCode::OK, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()),
        Err(countersign_engine::Error::Refused(_)) => Err(bad()),
        Err(error) => Err(error.into()),
    }
}

/// What a signed-out browser shows to leave for the provider's sign-out.
#[derive(Deserialize)]
pub(crate) struct Leaving {
    of: String,
}

/// Sends a browser that has signed out here to the provider's own sign-out. The page answers 200 and
/// refreshes, because a redirect after a form would fall under the page's form rule.
pub(crate) async fn end_session(
    State(server): State<Server>,
    Path(slug): Path<String>,
    Query(leaving): Query<Leaving>,
) -> Result<Response, Refusal> {
    let connection = find(&server, &slug).await?;
    let now = server.engine().now();
    let token = providers::leaving_token(server.engine(), &leaving.of, now, LEAVING_MS).await?;
    let Some(token) = token else { return Ok(redirect("/logged-out")) };
    let provider = server.providers().get(&server, &connection);
    let state = BASE64_URL_SAFE_NO_PAD.encode(random::<32>());
    let back_to = format!("{}/signed-out/{slug}", server.origin().as_str());
    let address = match provider.end_session(seconds(&server), &token, &back_to, &state).await {
        Ok(address) => address,
        Err(fault) => {
            tracing::info!(provider.id = %connection.id, %fault, "The provider's own session goes on");
            return Ok(redirect("/logged-out"));
        }
    };
    let mut response = leaving_page(&server, &address)?;
    append(&mut response, &cookie(&server, &out_name(&server), &state, 600));
    Ok(response)
}

/// Comes back from the provider's sign-out.
pub(crate) async fn signed_out(
    State(server): State<Server>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let sent = cookies(&headers).find(|(name, _)| *name == out_name(&server)).map(|(_, value)| value.to_owned());
    let checked = sent
        .ok_or(Fault::State)
        .and_then(|sent| countersign_oidc::check_logout_return(&sent, query.as_deref().unwrap_or_default()));
    let mut response = match checked {
        Ok(()) => redirect("/logged-out"),
        Err(_) => Refusal::new(
            Code::MalformedRequest,
            "This is not the way back from a sign-out of this browser. You are signed out here all the same.",
        )
        .into_response(),
    };
    append(&mut response, &cookie(&server, &out_name(&server), "", 0));
    Ok(response)
}

fn asked(errand: &Errand) -> Asked {
    match errand {
        Errand::Of { wish: Wish::StepUp, .. } => Asked { age_seconds_max: Some(PROOF_SECONDS_MAX), ..Asked::default() },
        _ => Asked::default(),
    }
}

async fn find(server: &Server, slug: &str) -> Result<Connection, Refusal> {
    let found = providers::connection(server.engine(), slug).await?;
    found.ok_or_else(|| Refusal::new(Code::NotFound, "There is no such way to sign in."))
}

/// Puts on record what failed, and tells the person nothing of it.
async fn failed(server: &Server, caller: &Caller, provider: ProviderId, fault: &Fault) -> Refusal {
    tracing::warn!(provider.id = %provider, %fault, "A provider's answer was refused");
    let recorded = providers::refused(server.engine(), caller, provider, word(fault), fault.to_string()).await;
    match recorded {
        Err(error) => error.into(),
        Ok(()) if matches!(fault, Fault::Transport(_) | Fault::Status { .. }) => Refusal::new(
            Code::Unavailable,
            "The identity provider does not answer. Try again in a moment, or choose another way to sign in.",
        ),
        Ok(()) => Refusal::new(
            Code::Unauthenticated,
            "The sign-in did not work. Start again from the sign-in page; if it fails again, tell your administrator the request id.",
        ),
    }
}

/// Goes back to the page that asks who somebody is, which names a provider that is away and what else there is.
async fn away(
    server: &Server,
    caller: &Caller,
    connection: &Connection,
    travel: &Travel,
    fault: &Fault,
) -> Result<Response, Refusal> {
    let refusal = failed(server, caller, connection.id, fault).await;
    let page = match travel.errand {
        Errand::SignIn => "/login",
        Errand::Of { wish: Wish::StepUp, .. } => "/step-up",
        Errand::Of { .. } => return Err(refusal),
    };
    if refusal.code() != Code::Unavailable {
        return Err(refusal);
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("away", &connection.slug)
        .append_pair("next", &countersign_app::local_path(&travel.next))
        .finish();
    Ok(redirect(&format!("{page}?{query}")))
}

/// An admin's test goes back to its page, where the sentence stands.
async fn fault_page(
    server: &Server,
    caller: &Caller,
    connection: &Connection,
    fault: &Fault,
) -> Result<Response, Refusal> {
    providers::refused(server.engine(), caller, connection.id, word(fault), fault.to_string()).await?;
    Ok(redirect("/admin/sso"))
}

fn word(fault: &Fault) -> &'static str {
    match fault {
        Fault::Transport(_) | Fault::Status { .. } => "unreachable",
        Fault::NotJson(_) | Fault::IssuerMismatch { .. } | Fault::Metadata(_) | Fault::NotOffered(_) => "metadata",
        Fault::Provider { .. } => "provider",
        Fault::Repeated(_) | Fault::Missing(_) => "parameter",
        Fault::State => "state",
        Fault::Mixed(_) => "issuer",
        Fault::TokenAnswer(_) => "token_answer",
        Fault::Malformed(_) | Fault::Header(_) => "token",
        Fault::Algorithm(_) => "algorithm",
        Fault::NoKey | Fault::ManyKeys(_) => "key",
        Fault::Signature => "signature",
        Fault::Claim { .. } => "claim",
        Fault::SubjectClaim(_) => "subject_claim",
    }
}

fn written(server: &Server, travel: &Travel) -> String {
    let text = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(travel).expect("a travel is plain data"));
    let signature = providers::sign_transaction(server.engine(), &text);
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn read(server: &Server, headers: &HeaderMap, state: &str) -> Option<Travel> {
    let wanted = name_of(server, state);
    let (_, value) = cookies(headers).find(|(name, _)| *name == wanted)?;
    let (text, signature) = value.split_once('.')?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !providers::is_own_transaction(server.engine(), text, &signature) {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Cookies of sign-ins that were begun and not finished, when there are too many.
fn surplus(server: &Server, headers: &HeaderMap) -> Vec<String> {
    let prefix = name_of(server, "");
    let names = cookies(headers).map(|(name, _)| name.to_owned()).filter(|name| name.starts_with(&prefix));
    let names: Vec<String> = names.collect();
    let over = (names.len() + 1).saturating_sub(TRANSACTIONS_MAX);
    names.into_iter().take(over).collect()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// Each sign-in has a cookie of its own, so that two tabs do not break each other.
fn name_of(server: &Server, state: &str) -> String {
    let id: String = state.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    if server.origin().is_https() { format!("__Host-txn-idp-{id}") } else { format!("txn-idp-{id}") }
}

fn out_name(server: &Server) -> String {
    if server.origin().is_https() { "__Host-out".to_owned() } else { "out".to_owned() }
}

fn cookie(server: &Server, name: &str, value: &str, seconds: u32) -> String {
    let secure = if server.origin().is_https() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

fn append(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        Err(_) => {
            Refusal::new(Code::Unavailable, "The identity provider gave an address that is none.").into_response()
        }
    }
}

fn leaving_page(server: &Server, address: &str) -> Result<Response, Refusal> {
    let fault = || Refusal::new(Code::Unavailable, "The identity provider gave an address that is none.");
    let refresh = HeaderValue::from_str(&format!("0; url={address}")).map_err(|_| fault())?;
    let escaped = address.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let css = &server.site_files().css;
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Signed out – Countersign</title><link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{css}\"></head>\
         <body><main><h1>Signed out here</h1><p>Your identity provider is next.</p>\
         <p><a href=\"{escaped}\">Go on to sign out there</a></p></main></body></html>\n"
    );
    let mut response = (StatusCode::OK, body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.headers_mut().insert(REFRESH, refresh);
    Ok(response)
}

fn seconds(server: &Server) -> u64 {
    server.engine().now() / 1_000
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_comes_back_is_worth_no_more_than_who_left() {
        for factor_missing in [false, true] {
            let person = |proven_ago_ms| Actor::Person {
                id: PersonId(Uuid::from_u128(1)),
                session: SessionId(Uuid::from_u128(2)),
                signed_in: EntryId(Uuid::from_u128(3)),
                proven_ago_ms,
                factor_missing,
            };
            let caller = Caller::new(person(1_000), "192.0.2.1", "test", Uuid::nil());

            let Ok(left) = errand_of(&caller, Wish::Test) else { panic!("somebody signed in may leave") };
            let kept = serde_json::to_string(&left).unwrap();
            let back: Errand = serde_json::from_str(&kept).unwrap();

            assert_eq!(back.actor(60_000), person(61_000));
        }
    }
}
