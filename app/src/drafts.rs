//! What is typed and not sent: kept by the browser's tab, gone with it, and gone with the sign-in.

use std::collections::BTreeMap;

use countersign_domain::ids::{DecisionId, PersonId};
use leptos::prelude::window;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

const PREFIX: &str = "draft:";

/// Whose draft, and of what: nobody finds what somebody else typed in the same tab.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) person: PersonId,
    pub(crate) decision: DecisionId,
}

impl Place {
    fn reason_key(self) -> String {
        format!("{PREFIX}{}/{}", self.person, self.decision)
    }

    fn fields_key(self) -> String {
        format!("{PREFIX}{}/{}/fields", self.person, self.decision)
    }
}

/// What is typed in the place of a content, by parameter.
#[derive(Serialize, Deserialize)]
pub(crate) struct Fields {
    /// Digest of that content.
    pub(crate) content: String,
    /// What differs from it.
    pub(crate) typed: BTreeMap<String, String>,
}

/// What is typed to say why.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    /// The reason code.
    pub(crate) code: String,
    /// The reason.
    pub(crate) reason: String,
    /// Answers to the form of the type, by name.
    pub(crate) form: BTreeMap<String, String>,
}

impl Kept {
    /// Reads what a tab kept, also what it kept before the server was updated: the code, a line break, the reason.
    fn read(kept: &str) -> Option<Self> {
        let before = || {
            let (code, reason) = kept.split_once('\n')?;
            Some(Self { code: code.to_owned(), reason: reason.to_owned(), ..Self::default() })
        };
        serde_json::from_str(kept).ok().or_else(before)
    }
}

/// Keeps what is typed to say why.
pub(crate) fn write(place: Place, kept: &Kept) {
    if let (Some(storage), Ok(kept)) = (storage(), serde_json::to_string(kept)) {
        // A full or forbidden storage keeps nothing; the fields still hold the text.
        let _ = storage.set_item(&place.reason_key(), &kept);
    }
}

/// Returns what was kept.
pub(crate) fn read(place: Place) -> Option<Kept> {
    Kept::read(&storage()?.get_item(&place.reason_key()).ok()??)
}

/// Keeps what is typed in the place of a decision's content.
pub(crate) fn write_fields(place: Place, fields: &Fields) {
    if let (Some(storage), Ok(kept)) = (storage(), serde_json::to_string(fields)) {
        let _ = storage.set_item(&place.fields_key(), &kept);
    }
}

/// Returns what was typed in the place of a decision's content, of this one or of an earlier one.
pub(crate) fn read_fields(place: Place) -> Option<Fields> {
    let kept = storage()?.get_item(&place.fields_key()).ok()??;
    serde_json::from_str(&kept).ok()
}

/// Forgets what was typed in the place of a decision's content.
pub(crate) fn remove_fields(place: Place) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&place.fields_key());
    }
}

/// Forgets one draft, because it was sent.
pub(crate) fn remove(place: Place) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&place.reason_key());
    }
    remove_fields(place);
}

/// Forgets every draft but those of one person; of everybody while nobody is signed in.
pub(crate) fn forget(but: Option<PersonId>) {
    let Some(storage) = storage() else { return };
    let keys: Vec<_> = (0..storage.length().unwrap_or(0)).filter_map(|place| storage.key(place).ok()?).collect();
    for key in keys.iter().filter(|key| is_of_another(key, but)) {
        let _ = storage.remove_item(key);
    }
}

fn is_of_another(key: &str, person: Option<PersonId>) -> bool {
    let own = |rest: &str| person.is_some_and(|person| rest.starts_with(&format!("{person}/")));
    key.strip_prefix(PREFIX).is_some_and(|rest| !own(rest))
}

fn storage() -> Option<Storage> {
    window().session_storage().ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tab_kept_before_an_update_is_read_too() {
        let form = BTreeMap::from([("rate".to_owned(), "7".to_owned())]);
        let kept = Kept { code: "other".into(), reason: "one\ntwo".into(), form };

        assert_eq!(Kept::read(&serde_json::to_string(&kept).unwrap()), Some(kept));
        let before = |code: &str, reason: &str| Kept { code: code.into(), reason: reason.into(), ..Kept::default() };
        assert_eq!(Kept::read("\none\ntwo"), Some(before("", "one\ntwo")));
        assert_eq!(Kept::read("other\n"), Some(before("other", "")));
        assert_eq!(Kept::read(""), None);
    }

    #[test]
    fn only_what_is_of_somebody_else_is_forgotten() {
        let [ada, ben] = ["01920000-0000-7000-8000-00000000000a", "01920000-0000-7000-8000-00000000000b"];
        let person: Option<PersonId> = ada.parse().ok();

        assert!(!is_of_another(&format!("draft:{ada}/x"), person));
        assert!(!is_of_another("density", person) && !is_of_another("density", None));
        for of_another in [format!("draft:{ben}/x/fields"), "draft:x".to_owned()] {
            assert!(is_of_another(&of_another, person), "{of_another}");
        }
        assert!(is_of_another(&format!("draft:{ada}/x"), None));
    }
}
