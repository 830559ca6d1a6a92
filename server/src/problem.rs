//! Refusals, and the one place where they become bytes.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use countersign_domain::{
    Problem,
    answer::ProblemDocument,
    problem::{Code, Next},
    scim::{self, FaultKind},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use uuid::Uuid;

use crate::Server;

/// A problem on its way out. As a response it has a status and no body: the outermost layer, which
/// knows what the client reads, [draws](draw) it.
#[derive(Clone, Debug)]
pub struct Refusal {
    problem: Problem,
    status: u16,
    retry_after_seconds: Option<u64>,
    /// What a directory's program matches on.
    fault: Option<FaultKind>,
}

impl Refusal {
    /// Makes a refusal with the status of its code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// Tells whether the credential was at fault.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        self.problem.code == Code::Unauthenticated
    }

    /// Returns the code.
    pub(crate) fn code(&self) -> Code {
        self.problem.code
    }

    /// Replaces the status where HTTP has a more exact one.
    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Self { status: status.as_u16(), ..self }
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status = problem.code.status();
        // A full second is the least that Retry-After can say; the database and the sequencer need as much.
        let retry_after_seconds = matches!(problem.code.next(), Next::Retry).then_some(1);
        Self { problem, status, retry_after_seconds, fault: None }
    }
}

impl From<countersign_engine::Error> for Refusal {
    fn from(error: countersign_engine::Error) -> Self {
        let fault = match &error {
            countersign_engine::Error::Scim(fault) => Some(fault.kind),
            _ => None,
        };
        Self { fault, ..Problem::from(error).into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// What a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A program: `application/problem+json`.
    Program,
    /// The script of a page, which called a server function.
    Script,
    /// A directory: `application/scim+json` (RFC 7644 section 3.12).
    Directory,
    /// A person.
    Person,
}

impl Reader {
    /// Tells from a request who reads the answer.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        let html = headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
        match html {
            _ if path.starts_with("/api/") => Reader::Program,
            _ if path.starts_with("/scim/") => Reader::Directory,
            true => Reader::Person,
            false if path.starts_with("/act/") => Reader::Script,
            false => Reader::Program,
        }
    }
}

/// Gives a refused response its body.
pub(crate) fn draw(mut response: Response, reader: Reader, request: Uuid, server: &Server) -> Response {
    let Some(Refusal { problem, status, fault, .. }) = response.extensions_mut().remove::<Refusal>() else {
        return response;
    };
    let (media_type, body) = match reader {
        Reader::Program => {
            let document = document(problem, status, request, server.origin().as_str());
            ("application/problem+json", serde_json::to_string(&document).expect("a problem is plain data"))
        }
        Reader::Script => {
            let error = countersign_app::Error::Told { problem, request: request.to_string() };
            ("application/json", serde_json::to_string(&error).expect("a problem is plain data"))
        }
        Reader::Directory => {
            if status == StatusCode::UNAUTHORIZED.as_u16() {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            (scim::MEDIA_TYPE, scim::error(status, fault, &problem.detail).to_string())
        }
        Reader::Person => ("text/html; charset=utf-8", page(&problem, request, &server.site_files().css)),
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    *response.body_mut() = Body::from(body);
    response
}

fn document(problem: Problem, status: u16, request: Uuid, origin: &str) -> ProblemDocument {
    ProblemDocument {
        kind: format!("{origin}/developers/errors/{}", problem.code.word()),
        title: problem.code.title().to_owned(),
        status,
        next: problem.code.next(),
        problem,
        request_id: request.to_string(),
    }
}

/// A page that needs nothing but the style sheet: it is drawn when the application cannot be.
fn page(problem: &Problem, request: Uuid, css: &str) -> String {
    let (title, detail, css) = (escape(problem.code.title()), escape(&problem.detail), escape(css));
    let way = match problem.code {
        Code::StepUpRequired => "<a href=\"/step-up\">Confirm that it is you</a>",
        _ => "<a href=\"/\">Start page</a>",
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} – Countersign</title><link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{css}\"></head>\
         <body><main><h1>{title}</h1><p>{detail}</p><p>Request <code>{request}</code></p><p>{way}</p></main></body></html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_is_told_by_path_and_accept() {
        let html = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html,*/*"))]);

        assert_eq!(Reader::of("/api/v1/decisions", &html), Reader::Program);
        assert_eq!(Reader::of("/scim/v2/Users", &html), Reader::Directory);
        assert_eq!(Reader::of("/act/review", &html), Reader::Person);
        assert_eq!(Reader::of("/act/review", &HeaderMap::new()), Reader::Script);
        assert_eq!(Reader::of("/queue", &html), Reader::Person);
        assert_eq!(Reader::of("/queue", &HeaderMap::new()), Reader::Program);
    }

    #[test]
    fn a_problem_cannot_write_markup() {
        let problem = Problem::new(Code::NotFound, "<script>\"&");

        let page = page(&problem, Uuid::nil(), "/pkg/app.css");

        assert!(page.contains("&lt;script&gt;&quot;&amp;") && !page.contains("<script>"));
    }
}
