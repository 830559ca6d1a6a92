//! Which fields behind a control the reader opened, told with the review (C4).

use std::collections::BTreeSet;

use leptos::prelude::*;

/// Stands in the form before the first name, so that a browser that runs scripts says something even where nothing was opened.
const TOLD: &str = ".";

/// The fields that were opened on a page, of the content that it shows.
#[derive(Clone, Copy)]
pub(crate) struct Opened {
    content: StoredValue<String>,
    names: RwSignal<BTreeSet<String>>,
}

impl Opened {
    pub(crate) fn new() -> Self {
        Self { content: StoredValue::new(String::new()), names: RwSignal::default() }
    }

    /// Begins with nothing opened where another content is shown than before, and hands itself to the fields of the page.
    pub(super) fn provide(self, content: &str) {
        if self.content.with_value(|before| before != content) {
            self.content.set_value(content.to_owned());
            self.names.update_untracked(BTreeSet::clear);
        }
        provide_context(self);
    }

    pub(super) fn note(self, name: &str) {
        if !self.names.with_untracked(|names| names.contains(name)) {
            self.names.update(|names| {
                names.insert(name.to_owned());
            });
        }
    }

    /// What a form that a script sends says.
    pub(super) fn told(self) -> String {
        self.names.with(told)
    }
}

/// Says in a form what was opened: nothing until a script runs, because without one it is not known.
#[component]
pub(super) fn OpenedInput(opened: Opened) -> impl IntoView {
    let able = RwSignal::new(false);
    Effect::new(move || able.set(true));
    let told = move || if able.get() { opened.told() } else { String::new() };
    view! { <input type="hidden" name="opened" value=told/> }
}

fn told(names: &BTreeSet<String>) -> String {
    [TOLD].into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>().join(",")
}

/// Reads what a form said; nothing where it did not say.
#[cfg(feature = "ssr")]
pub(super) fn read(told: &str) -> Option<Vec<String>> {
    let (first, names) = told.split_once(',').unwrap_or((told, ""));
    (first == TOLD).then(|| names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_browser_without_scripts_says_nothing_and_one_with_them_says_so_of_nothing_too() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let through = |opened: &[&str]| read(&told(&names(opened).into_iter().collect()));

        assert_eq!(through(&[]), Some(names(&[])));
        assert_eq!(through(&["context", "notes"]), Some(names(&["context", "notes"])));
        assert_eq!([read(""), read("context")], [None, None]);
    }
}
