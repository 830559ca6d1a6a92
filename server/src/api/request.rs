use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
};
use countersign_domain::problem::Code;
use http::{HeaderMap, header::CONTENT_TYPE, request::Parts};
use serde::de::DeserializeOwned;

use crate::{Refusal, Server};

const KEY_BYTES_MAX: usize = 255;

/// The header that makes a repeated request harmless.
pub(crate) struct IdempotencyKey(pub(crate) String);

impl FromRequestParts<Server> for IdempotencyKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Server) -> Result<Self, Refusal> {
        let mut keys = parts.headers.get_all("idempotency-key").iter();
        let Some(key) = keys.next() else {
            return Err(Refusal::new(
                Code::IdempotencyKeyMissing,
                "Send the header Idempotency-Key, the same one with every repetition of this request.",
            ));
        };
        let printable =
            (1..=KEY_BYTES_MAX).contains(&key.len()) && key.as_bytes().iter().all(|byte| (0x20..0x7f).contains(byte));
        match key.to_str() {
            Ok(key) if printable && keys.next().is_none() => Ok(Self(key.to_owned())),
            _ => Err(Refusal::new(
                Code::MalformedRequest,
                "Idempotency-Key is one header of 1 to 255 printable ASCII characters.",
            )),
        }
    }
}

/// A body that says it is JSON, as it came.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl FromRequest<Server> for JsonBytes {
    type Rejection = Refusal;

    async fn from_request(request: Request, server: &Server) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::new(
                Code::UnsupportedMediaType,
                "Send the body as Content-Type: application/json, in UTF-8.",
            ));
        }
        let bytes = Bytes::from_request(request, server).await;
        bytes.map(Self).map_err(|_| Refusal::new(Code::MalformedRequest, "The body broke off."))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(media_type), None) = (types.next().and_then(|value| value.to_str().ok()), types.next()) else {
        return false;
    };
    let mut parts = media_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts.all(|parameter| matches!(parameter.as_str(), "charset=utf-8" | "charset=\"utf-8\""))
}

/// Query parameters; unknown or unreadable ones are refused.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Server> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Refusal> {
        match Query::from_request_parts(parts, server).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Refusal::new(
                Code::MalformedRequest,
                format!("The query cannot be read: {}.", rejection.body_text()),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn json_is_one_media_type_in_utf8() {
        for (media_type, json) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=latin1", false),
            ("application/problem+json", false),
            ("text/plain", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
            assert_eq!(is_json(&headers), json, "{media_type}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
