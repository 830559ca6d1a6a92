//! What balancers, process managers and browsers' own reports ask and tell.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use countersign_domain::problem::Code;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::Value;

use crate::{Refusal, Server, server::Phase};

/// The process runs; nothing else is asked.
pub(crate) async fn live() -> &'static str {
    "live\n"
}

/// What must hold before traffic may come, as booleans only.
#[derive(Clone, Copy, Debug, Serialize)]
struct Ready {
    /// The server is not on its way out.
    serving: bool,
    /// The database answers.
    database: bool,
    /// Entries get their place in time.
    sealing: bool,
    /// The log is the one that the key directory remembers.
    high_water: bool,
    /// There is room on every volume.
    disk: bool,
    /// This server's clock and the database's agree.
    clock: bool,
}

pub(crate) async fn ready(State(server): State<Server>) -> Response {
    let engine = server.engine().ready().await;
    let ready = Ready {
        serving: *server.phase().borrow() == Phase::Serving,
        database: engine.database,
        sealing: engine.sealing,
        high_water: engine.high_water,
        disk: engine.disk,
        clock: engine.clock,
    };
    let all = ready.serving && engine.ok();
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ready)).into_response()
}

/// Notes a violation of the content security policy in the log, and nowhere else.
pub(crate) async fn csp_report(headers: HeaderMap, body: Bytes) -> Response {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !["application/csp-report", "application/reports+json", "application/json"]
        .iter()
        .any(|known| media_type.starts_with(known))
    {
        return Refusal::new(
            Code::UnsupportedMediaType,
            "Reports are application/csp-report or application/reports+json.",
        )
        .into_response();
    }
    let Ok(report) = serde_json::from_slice::<Value>(&body) else {
        return Refusal::new(Code::MalformedRequest, "The report is not JSON.").into_response();
    };
    for violation in violations(&report) {
        tracing::warn!(csp.directive = violation, "A browser refused something that a page asked for");
    }

    StatusCode::NO_CONTENT.into_response()
}

/// Takes the violated directives out of both forms of a report; addresses in it may be personal.
fn violations(report: &Value) -> Vec<&str> {
    let old = report.pointer("/csp-report/violated-directive").into_iter();
    let new = report.as_array().into_iter().flatten().filter_map(|report| report.pointer("/body/effectiveDirective"));
    let known =
        |text: &&str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"- ".contains(&byte));
    old.chain(new).filter_map(Value::as_str).filter(known).take(8).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn directives_are_found_in_both_forms_and_nothing_else_is_taken() {
        let old = json!({"csp-report": {"violated-directive": "script-src", "document-uri": "https://x/secret"}});
        let new =
            json!([{"body": {"effectiveDirective": "style-src-attr"}}, {"body": {"effectiveDirective": "evil\nline"}}]);

        assert_eq!(violations(&old), ["script-src"]);
        assert_eq!(violations(&new), ["style-src-attr"]);
        assert!(violations(&json!("text")).is_empty());
    }
}
