use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_domain::problem::Code;
use http::{
    HeaderValue, Method, StatusCode,
    header::{HOST, LOCATION},
};

use crate::{Refusal, Server};

const URL_BYTES_MAX: usize = 8 * 1024;
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Refuses what is too long, and what was sent to another name than this installation's.
pub(super) async fn entrance(State(server): State<Server>, request: Request, next: Next) -> Response {
    if request.uri().path_and_query().map_or(0, |address| address.as_str().len()) > URL_BYTES_MAX {
        return Refusal::new(Code::TooLarge, "The address is longer than 8 KiB.")
            .status(StatusCode::URI_TOO_LONG)
            .into_response();
    }
    let header_bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if header_bytes > HEADER_BYTES_MAX {
        return Refusal::new(Code::TooLarge, "The headers are longer than 16 KiB.")
            .status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
            .into_response();
    }
    // Balancers ask for health by address, not by name.
    if !matches!(request.uri().path(), "/livez" | "/readyz")
        && let Err(answer) = check_host(&server, &request)
    {
        return *answer;
    }

    next.run(request).await
}

fn check_host(server: &Server, request: &Request) -> Result<(), Box<Response>> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default().to_ascii_lowercase(),
        (None, None) => {
            request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase()).unwrap_or_default()
        }
        _ => String::new(),
    };
    let origin = server.origin();
    let default_port = if origin.is_https() { ":443" } else { ":80" };
    if host.strip_suffix(default_port).unwrap_or(&host) == origin.authority() {
        return Ok(());
    }
    // "localhost" and "127.0.0.1" are different sites to a browser, with different cookies.
    if origin.is_alias(&host) && matches!(*request.method(), Method::GET | Method::HEAD) {
        let path = request.uri().path_and_query().map_or("/", |address| address.as_str());
        if let Ok(to) = HeaderValue::from_str(&format!("{}{path}", origin.as_str())) {
            return Err(Box::new((StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to)]).into_response()));
        }
    }

    let detail = format!("This installation answers at {} only.", origin.as_str());
    Err(Box::new(Refusal::new(Code::MalformedRequest, detail).status(StatusCode::MISDIRECTED_REQUEST).into_response()))
}
