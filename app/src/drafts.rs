//! What is typed and not sent: kept by the browser's tab, gone with it, and gone with the sign-in.

use countersign_domain::ids::DecisionId;
use leptos::prelude::window;
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

/// Forgets one draft, because it was sent.
pub(crate) fn remove(decision: DecisionId) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&key(decision));
    }
}

/// Forgets every draft, because nobody is signed in: the next person must not find them.
pub(crate) fn forget() {
    let Some(storage) = storage() else { return };
    let keys: Vec<_> = (0..storage.length().unwrap_or(0)).filter_map(|place| storage.key(place).ok()?).collect();
    for key in keys.iter().filter(|key| key.starts_with(PREFIX)) {
        let _ = storage.remove_item(key);
    }
}

fn storage() -> Option<Storage> {
    window().session_storage().ok()?
}

fn key(decision: DecisionId) -> String {
    format!("{PREFIX}{decision}")
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
