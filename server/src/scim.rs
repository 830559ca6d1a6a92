//! The door for directories: SCIM 2.0 over HTTP (RFC 7644).
//!
//! Reading and writing of the language is `domain::scim`, what a push does is `engine::scim`. Here are bodies,
//! questions, entity tags and statuses. Refusals become `application/scim+json` in [`crate::problem`].

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{FromRequest, Path, Query, Request, State},
    response::{IntoResponse, Response},
};
use countersign_domain::{
    ids::{ScimGroupId, ScimUserId},
    json,
    problem::Code,
    scim::{self as language, Fault, FaultKind, MEDIA_TYPE, Resource, schema},
};
use countersign_engine::{
    Caller, Error,
    scim::{self, Answered, Page, Question, Versions, groups, users, version},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION},
};
use serde_json::Value;

use crate::{Refusal, Server};

type Answer = Result<Response, Refusal>;

/// What the query of an address asks for; what it does not know it leaves alone.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    question: Question,
    only: Vec<String>,
    without: Vec<String>,
}

impl Asked {
    fn read(query: &[(String, String)]) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        for (at, (name, value)) in query.iter().enumerate() {
            if query[..at].iter().any(|(other, _)| other == name) {
                return Err(refuse(FaultKind::InvalidValue, format!("{name} is asked twice.")));
            }
            let number = || {
                let read = value.trim().parse::<i64>();
                read.map(Some).map_err(|_| refuse(FaultKind::InvalidValue, format!("{name} is a whole number.")))
            };
            let names = || value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
            match name.as_str() {
                "filter" => asked.question.filter = Some(value.clone()),
                "startIndex" => asked.question.start = number()?,
                "count" => asked.question.count = number()?,
                "attributes" => asked.only = names(),
                "excludedAttributes" => asked.without = names(),
                _ => {}
            }
        }
        Ok(asked)
    }

    fn project(&self, mut body: Value) -> Value {
        language::project(&mut body, &self.only, &self.without);
        body
    }

    /// Whether the answer shows members of groups, which may be many.
    fn wants_members(&self) -> bool {
        let mut probe = serde_json::json!({"members": []});
        language::project(&mut probe, &self.only, &self.without);
        probe.get("members").is_some()
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Refusal> {
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Self::read(&query),
            Err(_) => Err(refuse(FaultKind::InvalidValue, "The query cannot be read.")),
        }
    }
}

/// A body that says it is JSON.
pub(crate) struct Document(Value);

impl FromRequest<Server> for Document {
    type Rejection = Refusal;

    async fn from_request(request: Request, server: &Server) -> Result<Self, Refusal> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if ![MEDIA_TYPE, "application/json"].contains(&media_type.as_str()) {
            return Err(Refusal::new(Code::UnsupportedMediaType, format!("Send the body as {MEDIA_TYPE}.")));
        }
        let bytes = Bytes::from_request(request, server).await;
        let bytes = bytes.map_err(|_| Refusal::new(Code::MalformedRequest, "The body broke off."))?;
        match json::parse(&bytes) {
            Ok(body) => Ok(Self(body)),
            Err(json::Refusal::Malformed { byte, what }) => {
                Err(refuse(FaultKind::InvalidSyntax, format!("The body is no JSON: {what} at byte {byte}.")))
            }
            Err(json::Refusal::Invalid(errors)) => {
                let detail =
                    errors.first().map_or_else(String::new, |error| format!("{}: {}", error.pointer, error.detail));
                Err(refuse(FaultKind::InvalidSyntax, detail))
            }
        }
    }
}

pub(crate) async fn config(State(server): State<Server>, Extension(caller): Extension<Caller>) -> Answer {
    scim::discover(server.engine(), &caller, 1).await?;
    Ok(answer(StatusCode::OK, &schema::service_provider_config(&scim::base(server.engine()))))
}

const RESOURCES: [Resource; 2] = [Resource::User, Resource::Group];

pub(crate) async fn schemas(State(server): State<Server>, Extension(caller): Extension<Caller>) -> Answer {
    let base = scim::base(server.engine());
    let documents = RESOURCES.map(|resource| resource.document(&base));
    offered(&server, &caller, documents.into()).await
}

pub(crate) async fn schema(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let found = RESOURCES.into_iter().find(|resource| resource.schema().eq_ignore_ascii_case(&id));
    one_offered(&server, &caller, found.map(|resource| resource.document(&scim::base(server.engine())))).await
}

pub(crate) async fn resource_types(State(server): State<Server>, Extension(caller): Extension<Caller>) -> Answer {
    let base = scim::base(server.engine());
    let documents = RESOURCES.map(|resource| resource.resource_type(&base));
    offered(&server, &caller, documents.into()).await
}

pub(crate) async fn resource_type(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let found = RESOURCES.into_iter().find(|resource| resource.name().eq_ignore_ascii_case(&id));
    one_offered(&server, &caller, found.map(|resource| resource.resource_type(&scim::base(server.engine())))).await
}

async fn offered(server: &Server, caller: &Caller, documents: Vec<Value>) -> Answer {
    scim::discover(server.engine(), caller, documents.len() as u64).await?;
    let total = documents.len() as u64;
    Ok(answer(StatusCode::OK, &language::list(documents, total, 1)))
}

async fn one_offered(server: &Server, caller: &Caller, found: Option<Value>) -> Answer {
    let document = found.ok_or_else(|| Refusal::from(Error::NotFound))?;
    scim::discover(server.engine(), caller, 1).await?;
    Ok(answer(StatusCode::OK, &document))
}

pub(crate) async fn list_users(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Answer {
    let page = users::list(server.engine(), &caller, &asked.question).await?;
    Ok(listing(page, &asked))
}

pub(crate) async fn create_user(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    asked: Asked,
    Document(body): Document,
) -> Answer {
    let created = users::create(server.engine(), &caller, &body).await?;
    Ok(shown(StatusCode::CREATED, created, &asked))
}

pub(crate) async fn get_user(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Answer {
    let found = users::get(server.engine(), &caller, user_id(&id)?).await?;
    Ok(unless_held(found, &asked, &headers))
}

pub(crate) async fn replace_user(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    asked: Asked,
    headers: HeaderMap,
    Document(body): Document,
) -> Answer {
    let changed = users::replace(server.engine(), &caller, user_id(&id)?, &body, versions(&headers)).await;
    Ok(shown(StatusCode::OK, changed.map_err(refusal)?, &asked))
}

pub(crate) async fn patch_user(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    asked: Asked,
    headers: HeaderMap,
    Document(body): Document,
) -> Answer {
    let changed = users::patch(server.engine(), &caller, user_id(&id)?, &body, versions(&headers)).await;
    Ok(shown(StatusCode::OK, changed.map_err(refusal)?, &asked))
}

pub(crate) async fn delete_user(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    users::delete(server.engine(), &caller, user_id(&id)?, versions(&headers)).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn list_groups(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Answer {
    let page = groups::list(server.engine(), &caller, &asked.question, asked.wants_members()).await?;
    Ok(listing(page, &asked))
}

pub(crate) async fn create_group(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    asked: Asked,
    Document(body): Document,
) -> Answer {
    let created = groups::create(server.engine(), &caller, &body).await?;
    Ok(shown(StatusCode::CREATED, created, &asked))
}

pub(crate) async fn get_group(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> Answer {
    let found = groups::get(server.engine(), &caller, group_id(&id)?, asked.wants_members()).await?;
    Ok(unless_held(found, &asked, &headers))
}

pub(crate) async fn replace_group(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    asked: Asked,
    headers: HeaderMap,
    Document(body): Document,
) -> Answer {
    let changed = groups::replace(server.engine(), &caller, group_id(&id)?, &body, versions(&headers)).await;
    Ok(shown(StatusCode::OK, changed.map_err(refusal)?, &asked))
}

/// Changes a group. The answer has no body, because the members may be many.
pub(crate) async fn patch_group(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    asked: Asked,
    headers: HeaderMap,
    Document(body): Document,
) -> Answer {
    let changed = groups::patch(server.engine(), &caller, group_id(&id)?, &body, versions(&headers)).await;
    let changed = changed.map_err(refusal)?;
    if !asked.only.is_empty() {
        return Ok(shown(StatusCode::OK, changed, &asked));
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set(&mut response, ETAG, &version(changed.n));
    Ok(response)
}

pub(crate) async fn delete_group(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    groups::delete(server.engine(), &caller, group_id(&id)?, versions(&headers)).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn user_id(text: &str) -> Result<ScimUserId, Refusal> {
    text.parse().map_err(|_| Error::NotFound.into())
}

fn group_id(text: &str) -> Result<ScimGroupId, Refusal> {
    text.parse().map_err(|_| Error::NotFound.into())
}

fn refuse(kind: FaultKind, detail: impl Into<String>) -> Refusal {
    Error::Scim(Fault::new(kind, detail)).into()
}

/// Another version than the one asked for is 412 in this protocol.
fn refusal(error: Error) -> Refusal {
    let refusal = Refusal::from(error);
    match refusal.code() {
        Code::Stale => refusal.status(StatusCode::PRECONDITION_FAILED),
        _ => refusal,
    }
}

fn listing(page: Page, asked: &Asked) -> Response {
    let resources = page.resources.into_iter().map(|body| asked.project(body)).collect();
    answer(StatusCode::OK, &language::list(resources, page.total, page.start))
}

fn shown(status: StatusCode, answered: Answered, asked: &Asked) -> Response {
    let mut response = answer(status, &asked.project(answered.body));
    set(&mut response, LOCATION, &answered.location);
    set(&mut response, ETAG, &version(answered.n));
    response
}

/// Shows a resource, or says that the directory holds it as it is.
fn unless_held(answered: Answered, asked: &Asked, headers: &HeaderMap) -> Response {
    match tags(headers, &IF_NONE_MATCH) {
        Some(Tags::Any) => {}
        Some(Tags::These(held)) if held.contains(&answered.n) => {}
        _ => return shown(StatusCode::OK, answered, asked),
    }
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    set(&mut response, ETAG, &version(answered.n));
    response
}

fn versions(headers: &HeaderMap) -> Versions {
    match tags(headers, &IF_MATCH) {
        // What is changed exists, or the answer is 404.
        None | Some(Tags::Any) => None,
        Some(Tags::These(versions)) => Some(versions),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<u64>),
}

/// Reads entity tags; one that is none of ours fits nothing.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let texts: Vec<&str> =
        values.flat_map(|value| value.to_str().unwrap_or_default().split(',')).map(str::trim).collect();
    if texts.contains(&"*") {
        return Some(Tags::Any);
    }
    let read = |text: &str| {
        let text = text.strip_prefix("W/").unwrap_or(text);
        text.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
    };
    Some(Tags::These(texts.into_iter().filter_map(read).collect()))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, Body::from(body.to_string())).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    response.headers_mut().insert(name, HeaderValue::from_str(value).expect("addresses and digits are header values"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_read_and_foreign_ones_fit_nothing() {
        let read = |texts: &[&str]| {
            let mut headers = HeaderMap::new();
            for text in texts {
                headers.append(IF_MATCH, text.parse().unwrap());
            }
            tags(&headers, &IF_MATCH)
        };

        assert_eq!(read(&[]), None);
        assert_eq!(read(&["*"]), Some(Tags::Any));
        assert_eq!(read(&["W/\"3\", \"7\"", "W/\"9\""]), Some(Tags::These(vec![3, 7, 9])));
        assert_eq!(read(&["abc", "W/\"x\""]), Some(Tags::These(vec![])));
    }

    #[test]
    fn a_query_is_read_and_what_is_unknown_is_left_alone() {
        let read = |query: &[(&str, &str)]| {
            let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Asked::read(&query)
        };

        let asked =
            read(&[("startIndex", "3"), ("count", "0"), ("excludedAttributes", "members"), ("x", "y")]).unwrap();
        assert_eq!((asked.question.start, asked.question.count), (Some(3), Some(0)));
        assert!(!asked.wants_members());
        assert!(!read(&[("attributes", "displayName")]).unwrap().wants_members());
        assert!(read(&[]).unwrap().wants_members());
        assert!(read(&[("count", "ten")]).is_err());
        assert!(read(&[("filter", "a"), ("filter", "b")]).is_err());
    }
}
