//! The verifier in the browser: the same checks as the command line, from the same code, without a framework.
//!
//! [`verify_proof`] is for scripts; on a page that has an element `#verify`, the module fills it with a form that
//! reads a proof file, lists every check, and remembers the newest head of each log in this browser. Nothing is
//! uploaded. It deliberately knows nothing of sign-ins or of the application's own state.

mod check;
mod page;

use wasm_bindgen::prelude::wasm_bindgen;

/// Verifies a proof file; returns `{"checks": [{check, status, subject, detail}], "summary", "limit", "exit"}`.
///
/// `trust` is a tlog-policy, `held` a signed checkpoint that was kept from earlier.
#[wasm_bindgen]
pub fn verify_proof(text: &str, trust: &str, held: Option<String>) -> String {
    countersign_domain::audit::to_json(&check::verify(text, trust, held))
}

/// Fills the page that loaded the module, if it has a place for it.
#[wasm_bindgen(start)]
pub fn start() {
    page::mount();
}
