use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign_app::site::PageNonce;
use countersign_domain::problem::Code;
use futures_util::FutureExt as _;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    },
};
use tracing::Instrument as _;
use uuid::Uuid;

use super::network::{Peer, client_address};
use crate::{Refusal, Server, problem};

/// Id of the request, in logs and answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(pub(crate) Uuid);

/// The outermost layer: nothing leaves without passing here, and no panic gets further.
pub(super) async fn edge(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(server.engine().now());
    let nonce: Arc<str> = BASE64_URL_SAFE_NO_PAD.encode(random::<16>()).into();
    let peer = request.extensions().get::<Peer>().copied();
    let address = client_address(peer, request.headers(), server.trusted_proxies());
    let reader = problem::Reader::of(request.uri().path(), request.headers());
    // The pattern, never the address itself: one-time links and ids stay out of the logs.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!("request", request.id = %id);
    request.extensions_mut().insert(RequestId(id));
    request.extensions_mut().insert(PageNonce(Arc::clone(&nonce)));
    request.extensions_mut().insert(address);

    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let response = outcome.unwrap_or_else(|_| {
        Refusal::new(Code::Internal, "Something failed on the server. Tell your administrator the request id.")
            .into_response()
    });
    let mut response = problem::draw(response, reader, id, &server);
    set_headers(response.headers_mut(), &server, &nonce, id);

    span.in_scope(|| {
        tracing::info!(
            http.method = %method,
            http.route = route,
            http.status = response.status().as_u16(),
            duration.ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "Request answered"
        );
    });
    response
}

fn set_headers(headers: &mut HeaderMap, server: &Server, nonce: &str, id: Uuid) {
    const FIXED: [(HeaderName, HeaderValue); 7] = [
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("reporting-endpoints"), HeaderValue::from_static("csp=\"/csp-report\"")),
        (HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS)),
        (HeaderName::from_static("countersign-version"), HeaderValue::from_static(env!("CARGO_PKG_VERSION"))),
    ];
    headers.extend(FIXED);
    if server.origin().is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
    }
    let policy = HeaderValue::from_str(&content_security_policy(nonce)).expect("base64url is a header value");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    let id = HeaderValue::from_str(&id.to_string()).expect("a UUID is a header value");
    headers.insert(HeaderName::from_static("request-id"), id);
    // What says nothing about caching is personal.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; object-src 'none'; frame-ancestors 'none'; report-to csp; report-uri /csp-report"
    )
}

/// Everything that browsers let a page ask for is denied, but for passkeys of this site.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
    fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), identity-credentials-get=(), idle-detection=(), \
    local-fonts=(), magnetometer=(), microphone=(), midi=(), otp-credentials=(), payment=(), picture-in-picture=(), \
    publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(), serial=(), \
    storage-access=(), usb=(), window-management=(), xr-spatial-tracking=()";

fn request_id(now: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(now, &random()).into_uuid()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
