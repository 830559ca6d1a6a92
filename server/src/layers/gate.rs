use std::time::{Duration, Instant};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_app::door;
use countersign_domain::problem::Code;
use countersign_engine::{Actor, Caller, refusals};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONTENT_LENGTH, LOCATION, USER_AGENT},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{
    credentials::{Credentials, unauthenticated},
    edge::RequestId,
    network::ClientAddress,
    origin,
    rate::{Empty, Whose},
};
use crate::{
    Refusal, Server,
    problem::Reader,
    routes::{Bucket, Class, Door, ELSEWHERE, Handler, Route},
};

const BODY_TIME: Duration = Duration::from_secs(30);
const AGENT_CHARACTERS_MAX: usize = 256;
/// Set by the application when a form is refused, because such an answer is 200 for a script.
const REFUSAL: HeaderName = HeaderName::from_static("countersign-refusal");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// One row of the route table, standing before its handler.
#[derive(Clone)]
pub struct Gate {
    server: Server,
    route: &'static Route,
}

impl Gate {
    /// Makes the gate of a row.
    pub fn new(server: &Server, route: &'static Route) -> Self {
        Self { server: server.clone(), route }
    }
}

/// Lets a request through to its handler, and the answer out if it is on record.
pub async fn gate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    pass(&gate, request, |request| next.run(request)).await
}

/// Answers every address without a row: a person gets a page, a program a problem.
pub(crate) async fn elsewhere(State(server): State<Server>, request: Request) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || Reader::of(request.uri().path(), request.headers()) != Reader::Person {
        return Refusal::new(Code::NotFound, "There is nothing at this address.").into_response();
    }
    let mut response = pass(&Gate::new(&server, &ELSEWHERE), request, door::page).await;
    if response.status().is_success() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

async fn pass<Answer>(gate: &Gate, request: Request, handler: impl FnOnce(Request) -> Answer) -> Response
where
    Answer: Future<Output = Response>,
{
    let Gate { server, route } = gate;
    let (request, caller, left) = match admit(server, route, request).await {
        Ok(admitted) => admitted,
        Err(answer) => return *answer,
    };
    let answer = handler(request);
    let mut response = match route.limits.seconds {
        None => answer.await,
        Some(seconds) => match tokio::time::timeout(Duration::from_secs(seconds), answer).await {
            Ok(response) => response,
            Err(_) => return too_slow(route).into_response(),
        },
    };
    if let Some(left) = left {
        let left = format!("\"caller\";r={left};t=1");
        response.headers_mut().insert(LEFT, HeaderValue::from_str(&left).expect("digits are a header value"));
    }

    assert_on_record(route, &caller, response)
}

/// Nothing is shown and nothing is done that the ledger does not know of.
fn assert_on_record(route: &Route, caller: &Caller, response: Response) -> Response {
    let answered = response.status().is_success() || response.status().is_redirection();
    let refused = response.headers().contains_key(REFUSAL);
    // A repeated answer was put on record with the first one, and nothing happened this time.
    let replayed = response.headers().contains_key(REPLAYED);
    if route.class == Class::None || !answered || refused || replayed || caller.sealed() > 0 {
        return response;
    }
    tracing::error!(
        http.route = route.path,
        audit.class = route.class.word(),
        "An answer without an entry was withheld"
    );
    Refusal::new(
        Code::Internal,
        "The answer was withheld, because it was not put on record. Tell your administrator the request id.",
    )
    .into_response()
}

type Admitted = (Request, Caller, Option<u64>);

async fn admit(server: &Server, route: &'static Route, request: Request) -> Result<Admitted, Box<Response>> {
    let headers = request.headers();
    let address = request.extensions().get::<ClientAddress>().copied().expect("the edge sets the address");
    let id = request.extensions().get::<RequestId>().copied().expect("the edge sets the id");
    let caller = |actor: Actor| Caller::new(actor, address.0.to_string(), user_agent(headers), id.0);
    let (actor, left) = match enter(server, route, headers, address).await {
        Ok(entered) => entered,
        Err((known, refusal)) => {
            let actor = match known {
                Some(actor) => actor,
                None => identify(server, headers, address).await,
            };
            put_on_record(server, route, caller(actor), refusal.code()).await;
            return Err(Box::new(refusal.into_response()));
        }
    };
    if !matches!(route.door, Door::Public | Door::Idp) && actor == Actor::Anonymous {
        put_on_record(server, route, caller(actor), Code::Unauthenticated).await;
        return Err(match route.handler {
            Handler::Page => Box::new(to_login(&request)),
            _ => Box::new(unauthenticated("Sign in first; the session may have ended.").into_response()),
        });
    }

    if matches!(actor, Actor::Person { factor_missing: true, .. })
        && matches!(route.handler, Handler::Page)
        && route.door == Door::Browser
        && !["/me/factors", "/step-up"].contains(&route.path)
    {
        return Err(Box::new(
            (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static("/me/factors"))]).into_response(),
        ));
    }

    let caller = caller(actor);
    let mut request =
        with_body(request, route.limits.body_bytes).await.map_err(|refusal| Box::new(refusal.into_response()))?;
    let extensions = request.extensions_mut();
    extensions.insert(server.engine().clone());
    extensions.insert(caller.clone());
    extensions.insert(server.site_files().clone());
    extensions.insert(server.cookie_name());

    Ok((request, caller, left.filter(|_| matches!(route.door, Door::Api | Door::Scim))))
}

/// Asks where a request comes from, whose it is and how many there have been. A refusal says who was
/// refused, where that is known by then.
async fn enter(
    server: &Server,
    route: &Route,
    headers: &HeaderMap,
    address: ClientAddress,
) -> Result<(Actor, Option<u64>), (Option<Actor>, Refusal)> {
    if route.mutates() && !matches!(route.door, Door::Api | Door::Idp | Door::Scim) && route.path != "/csp-report" {
        origin::check(headers, server.origin()).map_err(|refusal| (None, refusal))?;
    }
    let actor = authenticate(server, route, headers, address).await.map_err(|refusal| (None, refusal))?;
    match draw_token(server, route, &actor, address) {
        Ok(left) => Ok((actor, left)),
        Err(refusal) => Err((Some(actor), refusal)),
    }
}

/// Finds out who was refused before anybody asked. Ten a minute per network; the others count as strangers.
async fn identify(server: &Server, headers: &HeaderMap, address: ClientAddress) -> Actor {
    if server.limiter().take(Whose::Refusals(address.network()), Instant::now()).is_err() {
        return Actor::Anonymous;
    }
    Credentials::of(headers, server.cookie_name().0).whoever(server.engine()).await
}

/// Puts a refusal on record. It stays a refusal when that fails.
async fn put_on_record(server: &Server, route: &Route, mut caller: Caller, cause: Code) {
    let refuses = matches!(
        cause,
        Code::CrossOrigin | Code::Forbidden | Code::RateLimited | Code::Unauthenticated | Code::WrongNetwork
    );
    // Reports of browsers write no row, whatever becomes of them.
    if !refuses || route.limits.bucket == Bucket::Reports {
        return;
    }
    if caller.actor == Actor::Anonymous
        && let Ok(address) = caller.network.parse()
    {
        caller.network = ClientAddress(address).network().to_string();
    }
    if let Err(error) = refusals::record(server.engine(), &caller, route.action, cause).await {
        tracing::error!(%error, http.route = route.path, "A refusal could not be put on record");
    }
}

async fn authenticate(
    server: &Server,
    route: &Route,
    headers: &HeaderMap,
    address: ClientAddress,
) -> Result<Actor, Refusal> {
    let credentials = Credentials::of(headers, server.cookie_name().0);
    let failures = Whose::Failures(address.network());
    if credentials.tries_key(route) {
        server.limiter().peek(failures, Instant::now()).map_err(slow_down)?;
    }
    let actor = credentials.actor(server.engine(), route, address.0).await;
    if credentials.tries_key(route) && actor.as_ref().is_err_and(Refusal::is_unauthenticated) {
        server.limiter().take(failures, Instant::now()).map_err(slow_down)?;
    }

    actor
}

fn draw_token(server: &Server, route: &Route, actor: &Actor, address: ClientAddress) -> Result<Option<u64>, Refusal> {
    let whose = match (route.limits.bucket, actor) {
        (Bucket::Free, _) => return Ok(None),
        (Bucket::Reports, _) => Whose::Reports(address.network()),
        (Bucket::Caller, Actor::Agent { key, .. }) => Whose::Key(*key),
        (Bucket::Caller, Actor::Directory { token, .. }) => Whose::Token(*token),
        (Bucket::Caller, Actor::Person { id, .. }) => Whose::Person(*id),
        (Bucket::Caller, _) => Whose::Address(address.network()),
    };
    server.limiter().take(whose, Instant::now()).map(Some).map_err(slow_down)
}

fn slow_down(empty: Empty) -> Refusal {
    Refusal::new(Code::RateLimited, "Wait as long as Retry-After says, then send the same request again.")
        .retry_after(empty.retry_after_seconds)
}

fn too_slow(route: &Route) -> Refusal {
    if route.mutates() {
        Refusal::new(
            Code::OutcomeUnknown,
            "The server took too long, so it is not known whether this was recorded. Send the same request again with the same key, or load the page to see.",
        )
    } else {
        Refusal::new(Code::Unavailable, "The server took too long. Nothing was changed; try again in a moment.")
    }
}

fn user_agent(headers: &HeaderMap) -> String {
    let text =
        headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
    text.chars().filter(|character| !character.is_control()).take(AGENT_CHARACTERS_MAX).collect()
}

/// Sends a person to the sign-in page, which leads back.
fn to_login(request: &Request) -> Response {
    let back = request.uri().path_and_query().map_or("/", |address| address.as_str());
    let to = if back == "/" { "/login".to_owned() } else { format!("/login?next={}", percent_encoded(back)) };
    let to = HeaderValue::from_str(&to).expect("percent-encoded text is a header value");
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    out
}

/// Reads the whole body before the handler runs, so that no handler can forget the limit.
async fn with_body(request: Request, bytes_max: usize) -> Result<Request, Refusal> {
    let too_large = || Refusal::new(Code::TooLarge, format!("The body may have {bytes_max} bytes."));
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    let bytes = match tokio::time::timeout(BODY_TIME, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => return Err(Refusal::new(Code::MalformedRequest, "The body broke off.")),
        Err(_) => {
            return Err(Refusal::new(Code::MalformedRequest, "The body took longer than 30 s.")
                .status(StatusCode::REQUEST_TIMEOUT));
        }
    };

    Ok(Request::from_parts(parts, Body::from(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_one_parameter() {
        let request = Request::builder().uri("/decisions/1?a=b&c=%20#frag").body(Body::empty()).unwrap();

        let response = to_login(&request);

        assert_eq!(response.headers()[LOCATION], "/login?next=/decisions/1%3Fa%3Db%26c%3D%2520");
    }
}
