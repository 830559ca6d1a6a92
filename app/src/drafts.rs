//! What is typed and not sent: kept by the browser's tab, gone with it, and gone with the sign-in.

use std::collections::BTreeMap;

use countersign_domain::ids::DecisionId;
use leptos::prelude::window;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

const PREFIX: &str = "draft:";

/// Keeps a reason code and a reason.
pub(crate) fn write(decision: DecisionId, code: &str, reason: &str) {
    if let Some(storage) = storage() {
        // A full or forbidden storage keeps nothing; the fields still hold the text.
        let _ = storage.set_item(&key(decision), &join(code, reason));
    }
}

/// Returns what was kept.
pub(crate) fn read(decision: DecisionId) -> Option<(String, String)> {
    let kept = storage()?.get_item(&key(decision)).ok()??;
    split(&kept)
}

/// Keeps what is typed in the place of a decision's content.
pub(crate) fn write_fields(decision: DecisionId, content: &str, fields: BTreeMap<String, String>) {
    if let (Some(storage), Ok(kept)) = (storage(), serde_json::to_string(&Fields { content: content.into(), fields })) {
        let _ = storage.set_item(&fields_key(decision), &kept);
    }
}

/// Returns what was typed in the place of exactly this content.
pub(crate) fn read_fields(decision: DecisionId, content: &str) -> Option<BTreeMap<String, String>> {
    let kept = storage()?.get_item(&fields_key(decision)).ok()??;
    let kept: Fields = serde_json::from_str(&kept).ok()?;
    (kept.content == content).then_some(kept.fields)
}

/// Forgets what was typed in the place of a decision's content.
pub(crate) fn remove_fields(decision: DecisionId) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&fields_key(decision));
    }
}

/// Forgets one draft, because it was sent.
pub(crate) fn remove(decision: DecisionId) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&key(decision));
    }
    remove_fields(decision);
}

/// Forgets every draft, because nobody is signed in: the next person must not find them.
pub(crate) fn forget() {
    let Some(storage) = storage() else { return };
    let keys: Vec<_> = (0..storage.length().unwrap_or(0)).filter_map(|place| storage.key(place).ok()?).collect();
    for key in keys.iter().filter(|key| key.starts_with(PREFIX)) {
        let _ = storage.remove_item(key);
    }
}

/// What is typed in the place of a content, by parameter.
#[derive(Serialize, Deserialize)]
struct Fields {
    /// Digest of that content: what was typed for another one is not put over it.
    content: String,
    fields: BTreeMap<String, String>,
}

fn storage() -> Option<Storage> {
    window().session_storage().ok()?
}

fn key(decision: DecisionId) -> String {
    format!("{PREFIX}{decision}")
}

fn fields_key(decision: DecisionId) -> String {
    format!("{PREFIX}{decision}/fields")
}

/// A code is one word, so the first line break ends it.
fn join(code: &str, reason: &str) -> String {
    format!("{code}\n{reason}")
}

fn split(kept: &str) -> Option<(String, String)> {
    kept.split_once('\n').map(|(code, reason)| (code.to_owned(), reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_with_line_breaks_and_no_code_survives() {
        assert_eq!(split(&join("", "one\ntwo")), Some((String::new(), "one\ntwo".into())));
        assert_eq!(split(&join("other", "")), Some(("other".into(), String::new())));
        assert_eq!(split(""), None);
    }
}
