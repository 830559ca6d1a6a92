//! What a server function takes out of its request and writes on its response.

use std::future::Future;

use countersign_domain::{
    problem::{Code, FieldError, Problem},
    text::Reason,
};
use countersign_engine::{Actor, Caller, Engine};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{COOKIE, LOCATION, SET_COOKIE},
    request::Parts,
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::{Error, answer::Answer, site::CookieName};

/// Header that names why a form was refused, because such an answer is 200 for a script: browsers
/// print other statuses on the console.
pub(crate) const REFUSAL: HeaderName = HeaderName::from_static("countersign-refusal");

/// Returns the engine and the caller that the server's middleware left in the request.
///
/// # Errors
///
/// `internal` when the route runs without that middleware.
pub(crate) fn request() -> Result<(Engine, Caller), Error> {
    match (extension::<Engine>(), extension::<Caller>()) {
        (Some(engine), Some(caller)) => Ok((engine, caller)),
        _ => Err(Error::Told {
            problem: Problem::new(Code::Internal, "Something failed on the server. Nothing was changed."),
            request: String::new(),
        }),
    }
}

/// Reads a reason that stands alone, with what to ask for where there is none.
///
/// # Errors
///
/// `invalid_content` with a sentence for the field.
pub(crate) fn read_reason(text: &str, ask: &str) -> Result<Reason, Problem> {
    Reason::new(text).map_err(|error| {
        let errors = vec![FieldError::new("/reason", "invalid_text", format!("Reason: {error}."))];
        Problem::fields(Code::InvalidContent, ask, errors)
    })
}

/// Returns a value that middleware left in the request.
pub(crate) fn extension<T: Clone + Send + Sync + 'static>() -> Option<T> {
    with_context::<Parts, _>(|parts| parts.extensions.get::<T>().cloned()).flatten()
}

/// Tells whether the caller is a signed-in person.
pub(crate) fn is_person(caller: &Caller) -> bool {
    matches!(caller.actor, Actor::Person { .. })
}

/// Shapes the answer of a read: the response gets the status of a problem.
///
/// # Errors
///
/// The problem of the use case.
pub(crate) fn shown<T>(caller: &Caller, result: countersign_engine::Result<T>) -> Result<T, Error> {
    result.map_err(|error| {
        let problem = Problem::from(error);
        status(problem.code.status());
        Error::Told { problem, request: caller.request.to_string() }
    })
}

/// Runs an act to its end even when the client hangs up.
///
/// # Errors
///
/// The problem of the use case; `internal` when it panicked.
pub(crate) async fn act<T: Send + 'static>(
    act: impl Future<Output = countersign_engine::Result<T>> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::spawn(act).await {
        Ok(result) => result.map_err(Problem::from),
        Err(_) => Err(Problem::new(
            Code::OutcomeUnknown,
            "Something failed on the server while it recorded this. Load the page again to see what was recorded.",
        )),
    }
}

/// Shapes the answer of an act. A refusal is an answer too, with its code in a header.
pub(crate) fn told(result: Result<Answer, Problem>) -> Answer {
    result.unwrap_or_else(|problem| {
        if let Some(options) = use_context::<ResponseOptions>() {
            options.insert_header(REFUSAL, HeaderValue::from_static(problem.code.word()));
        }
        Answer::Refused { problem }
    })
}

/// Sets the response's status.
pub(crate) fn status(code: u16) {
    if let (Some(options), Ok(code)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(code)) {
        options.set_status(code);
    }
}

/// Answers a page with another address.
pub(crate) fn redirect(to: &str) {
    if let (Some(options), Ok(to)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(to)) {
        options.insert_header(LOCATION, to);
        options.set_status(StatusCode::SEE_OTHER);
    }
}

/// Adds a cookie to the response.
pub(crate) fn set_cookie(cookie: &str) {
    if let (Some(options), Ok(cookie)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(cookie)) {
        options.append_header(SET_COOKIE, cookie);
    }
}

/// Gives the browser its session.
pub(crate) fn begin_session(token: &str) {
    set_cookie(&cookie_name().set(token));
}

/// Sets a cookie beside the session's, for so many seconds; 0 removes it.
pub(crate) fn set_beside(name: &str, value: &str, seconds: u64) {
    set_cookie(&cookie_name().beside(name, value, seconds));
}

/// Returns a cookie beside the session's.
pub(crate) fn beside(name: &str) -> Option<String> {
    let name = cookie_name().name_of(name);
    cookies().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Returns the names, without prefix, of the cookies beside the session's that begin so.
pub(crate) fn names_beside(start: &str) -> Vec<String> {
    let full = cookie_name().name_of(start);
    let prefix = full.len() - start.len();
    cookies()
        .into_iter()
        .filter(|(name, _)| name.starts_with(&full))
        .map(|(name, _)| name[prefix..].to_owned())
        .collect()
}

fn cookies() -> Vec<(String, String)> {
    let header = |parts: &Parts| {
        parts
            .headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    with_context::<Parts, _>(header).unwrap_or_default()
}

/// Takes the session from the browser, with everything cached under it and every sign-in under way.
///
/// Cookies go by name: `"cookies"` would also take those of everything else under the registrable domain, such as the
/// identity provider's, and the one by which this browser is known, whose bucket keeps guessers from locking its owner
/// out. `"storage"` would take the last seen log head.
pub(crate) fn end_session() {
    set_cookie(&cookie_name().clear());
    for name in names_beside("txn-") {
        set_beside(&name, "", 0);
    }
    if let Some(options) = use_context::<ResponseOptions>() {
        options.insert_header(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    }
}

/// Returns the name of the session cookie, which the names beside it follow.
pub(crate) fn cookie_name() -> CookieName {
    extension::<CookieName>().unwrap_or(CookieName::HTTPS)
}
