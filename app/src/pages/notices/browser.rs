//! Notices of the browser: while the list of what waits for the reader is open in a tab behind others, their system tells
//! them what is new.
//!
//! They say what every other channel says: AI system, type, risk and the time left. A click opens a page and decides nothing.

use countersign_domain::{
    ids::DecisionId,
    notice::{Item, Topic},
    view::QueueItem,
};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, Notification, NotificationOptions, NotificationPermission, Storage};

use crate::components::{form::Weight, page::Panel};

/// Where the browser keeps that this person wants them.
const KEY: &str = "browser-notices";

/// How it stands in this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It knows no notices, or not under this address.
    Unknown,
    /// The person forbade them to this site.
    Forbidden,
    Off,
    On,
}

impl Standing {
    fn now() -> Self {
        let known = js_sys::Reflect::has(&window(), &"Notification".into()).unwrap_or(false);
        if !known {
            return Self::Unknown;
        }
        match Notification::permission() {
            NotificationPermission::Denied => Self::Forbidden,
            NotificationPermission::Granted if is_wanted() => Self::On,
            _ => Self::Off,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Unknown => strings::UNKNOWN,
            Self::Forbidden => strings::FORBIDDEN,
            Self::Off => strings::OFF,
            Self::On => strings::ON,
        }
    }
}

/// Tells of decisions that are new in the list of what waits for the reader, where the page is not before them.
pub(crate) fn tell(items: &[QueueItem], now: u64) {
    let Some(first) = items.first().filter(|_| document().hidden() && Standing::now() == Standing::On) else { return };
    let (title, body, path) = match items {
        [item] => (Topic::YourTurn.says(false).to_owned(), facts(item, now), page_of(item.id)),
        items => (format!("{} decisions wait for you", items.len()), facts(first, now), "/queue".to_owned()),
    };
    let options = NotificationOptions::new();
    options.set_body(&body);
    // One notice for one decision, in however many tabs.
    options.set_tag(&path);
    let Ok(notice) = Notification::new_with_options(&title, &options) else { return };
    let shown = notice.clone();
    let opened = Closure::once_into_js(move |event: Event| {
        event.prevent_default();
        let _ = window().focus();
        let _ = window().location().set_href(&path);
        shown.close();
    });
    notice.set_onclick(Some(opened.unchecked_ref()));
}

fn page_of(id: DecisionId) -> String {
    format!("/decisions/{id}")
}

/// What is said of a decision.
fn facts(item: &QueueItem, now: u64) -> String {
    Item {
        topic: Topic::YourTurn,
        decision: Some(item.id),
        system: Some(item.system.clone()),
        type_name: Some(item.type_name.clone()),
        risk: Some(item.risk),
        left_ms: Some(item.due_at.saturating_sub(now)),
    }
    .facts()
}

/// Says whether this browser tells of what is new, and turns that on or off.
#[component]
pub(crate) fn BrowserNotices() -> impl IntoView {
    let standing = RwSignal::new(None);
    Effect::new(move || standing.set(Some(Standing::now())));
    let turn = move |on: bool| {
        spawn_local(async move {
            keep(on);
            if on && let Ok(asked) = Notification::request_permission() {
                // What the person answered stands in the permission.
                let _ = JsFuture::from(asked).await;
            }
            standing.set(Some(Standing::now()));
        });
    };

    view! {
        <Panel title=strings::TITLE>
            <p class="max-w-measure">{strings::WHAT}</p>
            <p class="max-w-measure text-muted" role="status">
                {move || standing.get().map_or(strings::NO_SCRIPT, Standing::words)}
            </p>
            {move || {
                let (on, words) = match standing.get()? {
                    Standing::Off => (true, strings::TURN_ON),
                    Standing::On => (false, strings::TURN_OFF),
                    Standing::Unknown | Standing::Forbidden => return None,
                };
                Some(
                    view! {
                        <div>
                            <button type="button" on:click=move |_| turn(on) class=Weight::Plain.class()>
                                {words}
                            </button>
                        </div>
                    },
                )
            }}
        </Panel>
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok()?
}

fn is_wanted() -> bool {
    storage().and_then(|storage| storage.get_item(KEY).ok()?).is_some()
}

fn keep(on: bool) {
    let Some(storage) = storage() else { return };
    // A storage that is full or forbidden keeps nothing, and the page says what holds.
    let _ = if on { storage.set_item(KEY, "on") } else { storage.remove_item(KEY) };
}

mod strings {
    pub(super) const TITLE: &str = "Notices of this browser";
    pub(super) const WHAT: &str = "While your list is open in a tab behind others, this browser tells you what newly waits for you: AI system, type, risk and the time left, nothing else. Opening it decides nothing.";
    pub(super) const NO_SCRIPT: &str = "This needs JavaScript in this browser.";
    pub(super) const UNKNOWN: &str = "This browser shows no notices for this site.";
    pub(super) const FORBIDDEN: &str =
        "This browser was told to show no notices of this site. Allow them in its settings, then load this page again.";
    pub(super) const OFF: &str = "Off in this browser.";
    pub(super) const ON: &str = "On in this browser, for whoever is signed in here.";
    pub(super) const TURN_ON: &str = "Turn on";
    pub(super) const TURN_OFF: &str = "Turn off";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::queue::rows::tests::item;

    #[test]
    fn a_notice_says_system_type_risk_and_time_left_and_nothing_of_the_case() {
        let due_at = 1_793_610_000_000;
        let row = QueueItem { title: "Refund 40.00 for order 4711".into(), due_at, ..item(1) };

        let said = facts(&row, due_at - 3_600_000);

        assert!(said.starts_with(&format!("{}, {}, {} risk", row.system, row.type_name, row.risk.word())), "{said}");
        assert!(said.contains("1 h left") && !said.contains("4711"), "{said}");
    }
}
