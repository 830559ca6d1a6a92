//! What differs between two versions of a proposal, field by field.

use countersign_domain::lineage::{Change, FieldChange};
use leptos::prelude::*;

use super::{
    icons::{Icon, Shape},
    marks::Tone,
    text::{Payload, indent},
};

/// The fields that differ, each with what happened to it as an icon and a word, and both values.
#[component]
pub(crate) fn FieldChanges(changes: Vec<FieldChange>) -> impl IntoView {
    if changes.is_empty() {
        return view! { <p class="text-muted">{strings::NONE}</p> }.into_any();
    }
    let rows = changes.into_iter().map(|change| view! { <Row change/> }.into_any()).collect_view();

    view! { <ul class="grid gap-3">{rows}</ul> }.into_any()
}

#[component]
fn Row(change: FieldChange) -> impl IntoView {
    let (class, shape, word) = words(change.change);
    let withheld = change.withheld;
    let side = move |title: &'static str, value: Option<String>| {
        let body = match (value, withheld) {
            (Some(value), _) => view! { <Payload value=readable(&value)/> }.into_any(),
            (None, true) => view! { <p class="text-muted">{strings::MASKED}</p> }.into_any(),
            (None, false) => view! { <p class="text-muted">{strings::ERASED}</p> }.into_any(),
        };
        view! {
            <div class="grid min-w-0 content-start gap-1">
                <span class="text-compact text-muted">{title}</span>
                {body}
            </div>
        }
        .into_any()
    };
    let before = (change.change != Change::Added).then(|| side(strings::BEFORE, change.before));
    let after = (change.change != Change::Removed).then(|| side(strings::AFTER, change.after));

    view! {
        <li class="grid gap-1">
            <p class="flex flex-wrap items-baseline gap-x-2 [overflow-wrap:anywhere]">
                <span class=class>
                    <Icon shape class="size-3.5"/>
                    {word}
                </span>
                <span class="font-medium">{change.label}</span>
                <span class="font-mono text-compact text-muted">{change.name}</span>
            </p>
            <div class="grid grid-cols-1 gap-2 sm:grid-cols-2">{before} {after}</div>
        </li>
    }
}

const fn words(change: Change) -> (&'static str, Shape, &'static str) {
    match change {
        Change::Added => (Tone::Approve.chip(), Shape::Plus, "Added"),
        Change::Removed => (Tone::Reject.chip(), Shape::Minus, "Removed"),
        Change::Changed => (Tone::Info.chip(), Shape::Pencil, "Changed"),
    }
}

/// Lists and objects stand on one line in the record.
fn readable(value: &str) -> String {
    match value.starts_with(['{', '[']) {
        true => indent(value),
        false => value.to_owned(),
    }
}

mod strings {
    pub(super) const NONE: &str = "No field differs.";
    pub(super) const BEFORE: &str = "Before";
    pub(super) const AFTER: &str = "After";
    pub(super) const MASKED: &str = "Masked: personal.";
    pub(super) const ERASED: &str = "Erased; the commitment is present.";
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words_and_a_masked_one_without_values() {
        let change = |withheld: bool| FieldChange {
            name: "amount".into(),
            label: "Amount".into(),
            change: Change::Changed,
            before: (!withheld).then(|| "40.00".to_owned()),
            after: (!withheld).then(|| "20.00".to_owned()),
            withheld,
        };
        let html = |changes| Owner::new().with(|| view! { <FieldChanges changes/> }.to_html());

        let shown = html(vec![change(false)]);
        assert!(shown.contains("Changed") && shown.contains("40.00") && shown.contains("20.00"), "{shown}");
        let masked = html(vec![change(true)]);
        assert!(masked.contains("Changed") && masked.contains(strings::MASKED), "{masked}");
        assert!(html(Vec::new()).contains(strings::NONE));
    }
}
