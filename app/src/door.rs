//! What the server calls: one handler for pages, one for forms, and the list of both.

use std::sync::Once;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use countersign_domain::{
    grant::GrantForm,
    problem::{Code, Problem},
    role_request,
};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
    request::Parts,
};
use leptos::{nonce::Nonce, prelude::*};

use crate::{
    Error,
    answer::{Answer, Posted, Typed},
    request::{self, extension},
    site::PageNonce,
};

/// The largest form, in bytes: every text of the longest form, percent-encoded, in a script of three bytes a letter.
pub const FORM_BYTES_MAX: usize = 256 * 1024;

/// Paths of the pages, as the server's router writes them; all are GET.
pub const PAGES: [&str; 49] = [
    "/",
    "/queue",
    "/decisions/{id}",
    "/decisions/{id}/edit",
    "/decisions/{id}/chain",
    "/decisions/{id}/revoke",
    "/decisions/{id}/shown/{review}",
    "/bulk",
    "/bulk/{run}",
    "/ledger",
    "/ledger/{index}",
    "/policies",
    "/policies/drafts/{draft}",
    "/policies/{version}",
    "/pauses",
    "/handovers",
    "/verify",
    "/admin/people",
    "/admin/people/{person}",
    "/admin/roles",
    "/admin/changes",
    "/admin/sso",
    "/admin/sso/{provider}",
    "/admin/systems",
    "/admin/access",
    "/admin/keys",
    "/admin/audit-windows",
    "/admin/recertification",
    "/admin/health",
    "/me/access",
    "/me",
    "/me/factors",
    "/step-up",
    "/admin/sessions",
    "/admin/passkeys",
    "/setup",
    "/join",
    "/login",
    "/logged-out",
    "/me/views",
    "/me/keys",
    "/decisions/{id}/override",
    "/post-reviews",
    "/admin/notices",
    "/grants",
    "/grants/new",
    "/grants/{grant}",
    "/me/role-requests",
    "/admin/role-requests",
];

/// A server function's address; all take POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The path.
    pub path: &'static str,
    /// What it is for.
    pub class: Class,
}

/// What a server function is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Reads for the frame or for people without a session; not sealed.
    Frame,
    /// Reads a page's data; the engine seals the read.
    Read,
    /// Changes something; the engine seals the act.
    Act,
    /// Sets this browser's cookies only.
    Browser,
    /// Reads or changes what somebody set for themselves and nobody else reads; not sealed.
    Own,
}

/// Every server function.
pub const ENDPOINTS: [Endpoint; 158] = [
    endpoint("/act/frame", Class::Frame),
    endpoint("/act/queue", Class::Read),
    endpoint("/act/decision", Class::Read),
    endpoint("/act/chain", Class::Read),
    endpoint("/act/shown", Class::Read),
    endpoint("/act/ledger", Class::Read),
    endpoint("/act/entry", Class::Read),
    endpoint("/act/people", Class::Read),
    endpoint("/act/person", Class::Read),
    endpoint("/act/roles", Class::Read),
    endpoint("/act/changes", Class::Read),
    endpoint("/act/assign-role", Class::Act),
    endpoint("/act/end-role", Class::Act),
    endpoint("/act/confirm-change", Class::Act),
    endpoint("/act/refuse-change", Class::Act),
    endpoint("/act/withdraw-change", Class::Act),
    endpoint("/act/single-operator", Class::Act),
    endpoint("/act/providers", Class::Read),
    endpoint("/act/ways-in", Class::Frame),
    endpoint("/act/directories", Class::Read),
    endpoint("/act/add-provider", Class::Act),
    endpoint("/act/change-provider", Class::Act),
    endpoint("/act/enable-provider", Class::Act),
    endpoint("/act/disable-provider", Class::Act),
    endpoint("/act/remove-provider", Class::Act),
    endpoint("/act/issue-scim-token", Class::Act),
    endpoint("/act/revoke-scim-token", Class::Act),
    endpoint("/act/mapping", Class::Read),
    endpoint("/act/save-mapping-row", Class::Act),
    endpoint("/act/remove-mapping-row", Class::Act),
    endpoint("/act/discard-mapping", Class::Act),
    endpoint("/act/apply-mapping", Class::Act),
    endpoint("/act/just-in-time", Class::Act),
    endpoint("/act/policies", Class::Read),
    endpoint("/act/policy-version", Class::Read),
    endpoint("/act/policy-draft", Class::Read),
    endpoint("/act/start-draft", Class::Act),
    endpoint("/act/save-rule", Class::Act),
    endpoint("/act/move-rule", Class::Act),
    endpoint("/act/submit-draft", Class::Act),
    endpoint("/act/activate-draft", Class::Act),
    endpoint("/act/reject-draft", Class::Act),
    endpoint("/act/set-guards", Class::Act),
    endpoint("/act/pauses", Class::Read),
    endpoint("/act/revoke", Class::Act),
    endpoint("/act/compensate", Class::Act),
    endpoint("/act/comments", Class::Read),
    endpoint("/act/comment", Class::Act),
    endpoint("/act/own-role-requests", Class::Read),
    endpoint("/act/role-requests", Class::Read),
    endpoint("/act/request-role", Class::Act),
    endpoint("/act/answer-role-request", Class::Act),
    endpoint("/act/handovers", Class::Read),
    endpoint("/act/note-handover", Class::Act),
    endpoint("/act/end-handover", Class::Act),
    endpoint("/act/put-away-handover", Class::Read),
    endpoint("/act/pause-system", Class::Act),
    endpoint("/act/resume-system", Class::Act),
    endpoint("/act/systems", Class::Read),
    endpoint("/act/access", Class::Read),
    endpoint("/act/my-access", Class::Read),
    endpoint("/act/keys", Class::Read),
    endpoint("/act/audit-windows", Class::Read),
    endpoint("/act/access-reviews", Class::Read),
    endpoint("/act/health", Class::Frame),
    endpoint("/act/me", Class::Read),
    endpoint("/act/my-review", Class::Read),
    endpoint("/act/setup-link", Class::Frame),
    endpoint("/act/invitation", Class::Frame),
    endpoint("/act/finish-setup", Class::Act),
    endpoint("/act/join", Class::Act),
    endpoint("/act/sign-in", Class::Act),
    endpoint("/act/sign-in-as", Class::Act),
    endpoint("/act/sign-out", Class::Act),
    endpoint("/act/start-review", Class::Act),
    endpoint("/act/take-over", Class::Act),
    endpoint("/act/release-review", Class::Act),
    endpoint("/act/heartbeat", Class::Frame),
    endpoint("/act/review", Class::Act),
    endpoint("/act/edit", Class::Act),
    endpoint("/act/preview-edit", Class::Read),
    endpoint("/act/retract", Class::Act),
    endpoint("/act/open-field", Class::Act),
    endpoint("/act/invite", Class::Act),
    endpoint("/act/renew-invitation", Class::Act),
    endpoint("/act/disable-person", Class::Act),
    endpoint("/act/enable-person", Class::Act),
    endpoint("/act/register-system", Class::Act),
    endpoint("/act/issue-key", Class::Act),
    endpoint("/act/name-owner", Class::Act),
    endpoint("/act/revoke-key", Class::Act),
    endpoint("/act/end-session", Class::Act),
    endpoint("/act/end-other-sessions", Class::Act),
    endpoint("/act/new-key", Class::Act),
    endpoint("/act/rotate-key", Class::Act),
    endpoint("/act/end-former-secret", Class::Act),
    endpoint("/act/end-key", Class::Act),
    endpoint("/act/open-audit-window", Class::Act),
    endpoint("/act/close-audit-window", Class::Act),
    endpoint("/act/issue-token", Class::Act),
    endpoint("/act/start-access-review", Class::Act),
    endpoint("/act/review-assignment", Class::Act),
    endpoint("/act/factors", Class::Read),
    endpoint("/act/sessions", Class::Read),
    endpoint("/act/passkeys", Class::Read),
    endpoint("/act/begin-passkey", Class::Read),
    endpoint("/act/prepare-review", Class::Read),
    endpoint("/act/begin-totp", Class::Read),
    endpoint("/act/notices-read", Class::Read),
    endpoint("/act/open-sign-in", Class::Browser),
    endpoint("/act/passkey-challenge", Class::Browser),
    endpoint("/act/enrol-passkey", Class::Act),
    endpoint("/act/remove-passkey", Class::Act),
    endpoint("/act/enrol-totp", Class::Act),
    endpoint("/act/remove-totp", Class::Act),
    endpoint("/act/recovery-codes", Class::Act),
    endpoint("/act/change-password", Class::Act),
    endpoint("/act/step-up", Class::Act),
    endpoint("/act/passkey-step-up", Class::Act),
    endpoint("/act/passkey-sign-in", Class::Act),
    endpoint("/act/confirm-passkey", Class::Act),
    endpoint("/act/prefer", Class::Browser),
    endpoint("/act/my-views", Class::Own),
    endpoint("/act/save-view", Class::Own),
    endpoint("/act/rename-view", Class::Own),
    endpoint("/act/move-view", Class::Own),
    endpoint("/act/remove-view", Class::Own),
    endpoint("/act/bind-key", Class::Own),
    endpoint("/act/reset-key", Class::Own),
    endpoint("/act/switch-keys", Class::Own),
    endpoint("/act/present", Class::Frame),
    endpoint("/act/bulk", Class::Read),
    endpoint("/act/bulk-run", Class::Read),
    endpoint("/act/review-in-bulk", Class::Act),
    endpoint("/act/override", Class::Act),
    endpoint("/act/post-reviews", Class::Read),
    endpoint("/act/give-post-review", Class::Act),
    endpoint("/act/give-delegation", Class::Act),
    endpoint("/act/end-delegation", Class::Act),
    endpoint("/act/set-absence", Class::Act),
    endpoint("/act/clear-absence", Class::Act),
    endpoint("/act/channels", Class::Read),
    endpoint("/act/add-channel", Class::Act),
    endpoint("/act/change-channel", Class::Act),
    endpoint("/act/pause-channel", Class::Act),
    endpoint("/act/resume-channel", Class::Act),
    endpoint("/act/remove-channel", Class::Act),
    endpoint("/act/test-channel", Class::Read),
    endpoint("/act/retry-message", Class::Read),
    endpoint("/act/my-notices", Class::Read),
    endpoint("/act/choose-notices", Class::Read),
    endpoint("/act/grants", Class::Read),
    endpoint("/act/grant-form", Class::Read),
    endpoint("/act/grant", Class::Read),
    endpoint("/act/request-grant", Class::Act),
    endpoint("/act/activate-grant", Class::Act),
    endpoint("/act/refuse-grant", Class::Act),
    endpoint("/act/revoke-grant", Class::Act),
];

const fn endpoint(path: &'static str, class: Class) -> Endpoint {
    Endpoint { path, class }
}

/// Draws the page that the address names.
///
/// The request carries [`Engine`](countersign_engine::Engine), [`Caller`](countersign_engine::Caller),
/// [`SiteFiles`](crate::site::SiteFiles), [`CookieName`](crate::site::CookieName) and [`PageNonce`]
/// in its extensions.
pub async fn page(request: Request<Body>) -> Response {
    begin();
    let mut response = leptos_axum::render_app_async_with_context(context, crate::shell)(request).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Runs a server function, for a script and for a plain form alike.
///
/// A script gets JSON. A plain form gets a redirect when its act stands; otherwise its page is drawn
/// here, with the answer and what was typed, so neither travels in an address. Leptos' own way back
/// (the referring page with the error in its address) is never taken.
pub async fn act(request: Request<Body>) -> Response {
    if !accepts_html(request.headers()) {
        return run(request).await;
    }

    let (mut parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, FORM_BYTES_MAX).await else {
        return draw(parts, "/", None, StatusCode::PAYLOAD_TOO_LARGE).await;
    };
    let typed = Typed::parse(&String::from_utf8_lossy(&body));
    let path = parts.uri.path().to_owned();
    parts.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));

    let (head, answer) = run(Request::from_parts(parts.clone(), Body::from(body))).await.into_parts();
    let answer = axum::body::to_bytes(answer, usize::MAX).await.unwrap_or_default();
    let answer = if head.status.is_success() {
        serde_json::from_slice::<Answer>(&answer).ok()
    } else {
        serde_json::from_slice::<Error>(&answer).ok().map(|error| Answer::Refused { problem: error.problem() })
    };
    let answer = answer.unwrap_or_else(|| Answer::Refused {
        problem: Problem::new(Code::MalformedRequest, "This address does not take forms."),
    });
    parts.headers.insert(ACCEPT, HeaderValue::from_static("text/html"));

    let status = match &answer {
        Answer::Done { to } => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::SEE_OTHER;
            if let Ok(to) = HeaderValue::from_str(to) {
                response.headers_mut().insert(LOCATION, to);
            }
            keep(&head.headers, &mut response);
            return response;
        }
        Answer::Refused { problem } => StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::BAD_REQUEST),
        Answer::Previewed | Answer::Once { .. } => StatusCode::OK,
    };
    let page = page_of(&path, &typed);
    let mut response = draw(parts, &page, Some(Posted { path, answer, typed }), status).await;
    keep(&head.headers, &mut response);
    response
}

async fn run(request: Request<Body>) -> Response {
    begin();
    let mut response = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Gets Leptos ready, once: walking the routes also hands it Tokio to spawn its tasks on, which it
/// offers no other way to do.
fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| drop(leptos_axum::generate_route_list(crate::App)));
}

/// Draws a page as the answer to a post. Its status is the post's, unless the page itself failed.
async fn draw(mut parts: Parts, path: &str, posted: Option<Posted>, status: StatusCode) -> Response {
    parts.method = Method::GET;
    parts.uri = Uri::try_from(path).unwrap_or_else(|_| Uri::from_static("/"));
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    if let Some(posted) = posted {
        parts.extensions.insert(posted);
    }

    let mut response = page(Request::from_parts(parts, Body::empty())).await;
    if response.status().is_success() {
        *response.status_mut() = status;
    }
    response
}

/// Carries over what a server function set besides its body: cookies, and why it refused.
fn keep(from: &HeaderMap, response: &mut Response) {
    for (name, value) in from {
        if name == http::header::SET_COOKIE || name == "clear-site-data" || name == request::REFUSAL {
            response.headers_mut().append(name, value.clone());
        }
    }
}

/// Returns the page that holds a form.
fn page_of(path: &str, typed: &Typed) -> String {
    let word = |name: &str| -> String {
        let value = typed.get(name).unwrap_or_default();
        value
            .chars()
            .filter(|character| character.is_ascii_alphanumeric() || "-_".contains(*character))
            .take(128)
            .collect()
    };
    // Ids with commas between, as the page's own address has them.
    let ids = |name: &str| -> String {
        let value = typed.get(name).unwrap_or_default();
        value
            .chars()
            .filter(|character| character.is_ascii_hexdigit() || "-,".contains(*character))
            .take(2_048)
            .collect()
    };
    match path {
        "/act/review" | "/act/retract" | "/act/open-field" | "/act/comment" => {
            format!("/decisions/{}", word("decision"))
        }
        "/act/start-review" | "/act/take-over" | "/act/release-review" => {
            let edit = if typed.get("edit") == Some("true") { "/edit" } else { "" };
            format!("/decisions/{}{edit}", word("decision"))
        }
        "/act/edit" | "/act/preview-edit" => format!("/decisions/{}/edit", word("decision")),
        "/act/revoke" | "/act/compensate" => format!("/decisions/{}/revoke", word("decision")),
        "/act/review-in-bulk" => format!("/bulk?ids={}&open={}", ids("ids"), ids("open")),
        "/act/override" => format!("/decisions/{}/override", word("decision")),
        "/act/give-post-review" => format!("/post-reviews?act={}", word("act")),
        "/act/request-grant" => {
            let own = ["system", "type_id", "uses", "hours"].map(|name| (name, typed.get(name).unwrap_or_default()));
            let fields = typed.beginning("fields[");
            let fields = fields.iter().map(|(name, value)| {
                let name = name.trim_start_matches("fields[").trim_end_matches(']');
                (name, value.as_str())
            });
            format!("/grants/new?{}", GrantForm::read(own.into_iter().chain(fields)).query())
        }
        "/act/activate-grant" | "/act/refuse-grant" | "/act/revoke-grant" => format!("/grants/{}", word("grant")),
        "/act/finish-setup" => format!("/setup?token={}", word("token")),
        "/act/join" => format!("/join?token={}", word("token")),
        "/act/sign-in" | "/act/sign-in-as" => "/login".into(),
        "/act/invite" | "/act/renew-invitation" | "/act/disable-person" | "/act/enable-person" => {
            "/admin/people".into()
        }
        "/act/assign-role" | "/act/end-role" => format!("/admin/people/{}", word("person")),
        "/act/confirm-change" | "/act/refuse-change" | "/act/withdraw-change" | "/act/single-operator" => {
            "/admin/changes".into()
        }
        "/act/add-provider"
        | "/act/change-provider"
        | "/act/enable-provider"
        | "/act/disable-provider"
        | "/act/remove-provider"
        | "/act/issue-scim-token"
        | "/act/revoke-scim-token" => "/admin/sso".into(),
        "/act/save-mapping-row"
        | "/act/remove-mapping-row"
        | "/act/discard-mapping"
        | "/act/apply-mapping"
        | "/act/just-in-time" => format!("/admin/sso/{}", word("slug")),
        "/act/save-rule" | "/act/move-rule" | "/act/submit-draft" | "/act/activate-draft" | "/act/reject-draft" => {
            format!("/policies/drafts/{}", word("draft"))
        }
        "/act/start-draft" | "/act/set-guards" => "/policies".into(),
        "/act/pause-system" | "/act/resume-system" => format!("/pauses?system={}", word("system")),
        "/act/note-handover" | "/act/end-handover" => "/handovers".into(),
        "/act/put-away-handover" => "/queue".into(),
        "/act/register-system" | "/act/issue-key" | "/act/revoke-key" => "/admin/systems".into(),
        "/act/name-owner" => format!("/admin/systems?owner={}", word("system")),
        "/act/new-key" | "/act/rotate-key" | "/act/end-former-secret" | "/act/end-key" => "/admin/keys".into(),
        "/act/open-audit-window" | "/act/close-audit-window" | "/act/issue-token" => "/admin/audit-windows".into(),
        "/act/start-access-review" | "/act/review-assignment" => "/admin/recertification".into(),
        "/act/begin-totp"
        | "/act/enrol-totp"
        | "/act/remove-totp"
        | "/act/remove-passkey"
        | "/act/recovery-codes"
        | "/act/change-password" => "/me/factors".into(),
        "/act/step-up" => "/step-up".into(),
        "/act/confirm-passkey" => "/admin/passkeys".into(),
        "/act/end-session" if typed.get("next") == Some("/admin/sessions") => "/admin/sessions".into(),
        "/act/end-session" | "/act/end-other-sessions" | "/act/prefer" | "/act/notices-read" => "/me".into(),
        "/act/save-view" | "/act/rename-view" | "/act/move-view" | "/act/remove-view" => "/me/views".into(),
        "/act/bind-key" | "/act/reset-key" | "/act/switch-keys" => "/me/keys".into(),
        "/act/give-delegation" | "/act/end-delegation" | "/act/set-absence" | "/act/clear-absence" => "/me".into(),
        "/act/choose-notices" => "/me".into(),
        "/act/request-role" => {
            let page = typed.get("page").and_then(role_request::page).unwrap_or_default();
            format!("/me/role-requests?page={}", leptos_router::location::Url::escape(page))
        }
        "/act/answer-role-request" => format!("/admin/role-requests?request={}", word("request")),
        "/act/add-channel" => {
            format!("/admin/notices?add={}", if word("kind") == "email" { "mail" } else { "room" })
        }
        "/act/change-channel" => format!("/admin/notices?edit={}", word("channel")),
        "/act/pause-channel"
        | "/act/resume-channel"
        | "/act/remove-channel"
        | "/act/test-channel"
        | "/act/retry-message" => "/admin/notices".into(),
        _ => "/".into(),
    }
}

/// Gives the views what the request carries for them.
fn context() {
    if let Some(PageNonce(nonce)) = extension::<PageNonce>() {
        provide_context(Nonce::from_value(nonce));
    }
    if let Some(posted) = extension::<Posted>() {
        provide_context(posted);
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_of_endpoints_is_the_list_of_server_functions_and_all_are_post() {
        let registered: Vec<_> = leptos::server_fn::axum::server_fn_paths().collect();
        let listed: BTreeSet<_> = ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();

        assert!(registered.iter().all(|(_, method)| *method == Method::POST));
        assert_eq!(registered.iter().map(|(path, _)| *path).collect::<BTreeSet<_>>(), listed);
    }

    #[tokio::test]
    async fn the_list_of_pages_is_the_list_of_routes() {
        let routes: BTreeSet<_> =
            leptos_axum::generate_route_list(crate::App).iter().map(|route| route.path().to_owned()).collect();

        assert_eq!(routes, PAGES.iter().map(|path| (*path).to_owned()).collect());
    }

    #[test]
    fn a_posted_id_cannot_lead_to_another_page() {
        let typed = Typed::parse("decision=..%2F..%2Fact%3Fx&token=a%26b");

        assert_eq!(page_of("/act/review", &typed), "/decisions/actx");
        assert_eq!(page_of("/act/join", &typed), "/join?token=ab");
        let selected = Typed::parse("ids=01a1-9b,02&open=01a1%26x%3D%2F..");
        let asked = Typed::parse("system=a%26b&uses=2&reason=no&fields%5Bmax_amount%5D=5%2F..&fields%5Bx%5D=1");
        assert_eq!(page_of("/act/request-grant", &asked), "/grants/new?system=a%26b&uses=2&max_amount=5%2F..");
        let refused = Typed::parse("page=%2Fadmin%2Fpeople&role=viewer");
        assert_eq!(page_of("/act/request-role", &refused), "/me/role-requests?page=%2Fadmin%2Fpeople");
        let elsewhere = Typed::parse("page=%2F%2Fhost");
        assert_eq!(page_of("/act/request-role", &elsewhere), "/me/role-requests?page=");
        assert_eq!(page_of("/act/review-in-bulk", &selected), "/bulk?ids=01a1-9b,02&open=01a1");
    }
}
