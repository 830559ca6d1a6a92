//! What is not what its reader had read has to be looked at before a verdict.

use countersign_domain::{ids::DecisionId, view::DecisionView};
use leptos::prelude::*;

use super::{go_to, sections::CHANGES};
use crate::components::{
    form::Weight,
    page::{Banner, Bar},
};

/// The content and the route that somebody has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadMark {
    id: DecisionId,
    revision: u64,
    policy: String,
    rule: u64,
    escalated: Option<u64>,
}

impl ReadMark {
    fn of(shown: &DecisionView) -> Self {
        let (policy, rule) = (shown.policy.version.clone(), shown.policy.rule);
        Self { id: shown.id, revision: shown.revision, policy, rule, escalated: shown.policy.escalated_at }
    }
}

/// Whether what changed waits to be looked at.
#[derive(Clone, Copy)]
pub(super) struct Unread {
    /// It does.
    pub(super) waits: RwSignal<bool>,
    other_content: bool,
    shown: StoredValue<ReadMark>,
    read: RwSignal<Option<ReadMark>>,
}

impl Unread {
    /// Compares what is shown with what was read on this page before, which is read now where that is nothing else.
    pub(super) fn since(read: RwSignal<Option<ReadMark>>, view: &DecisionView) -> Self {
        let shown = ReadMark::of(view);
        let before = read.get_untracked().filter(|before| before.id == shown.id);
        let waits = before.as_ref().is_some_and(|before| *before != shown);
        let other_content = before.is_some_and(|before| before.revision != shown.revision);
        if !waits {
            read.set(Some(shown.clone()));
        }
        Self { waits: RwSignal::new(waits), other_content, shown: StoredValue::new(shown), read }
    }

    fn look(self) {
        self.read.set(Some(self.shown.get_value()));
        self.waits.set(false);
        go_to(if self.other_content { CHANGES } else { "policy" });
    }
}

/// Says that something changed, and leads to it.
#[component]
pub(super) fn UnreadBanner(unread: Unread) -> impl IntoView {
    move || {
        unread.waits.get().then(|| {
            view! {
                <Banner bar=Bar::Stale>
                    <p>{if unread.other_content { strings::OTHER_CONTENT } else { strings::OTHER_ROUTE }}</p>
                    <button type="button" on:click=move |_| unread.look() class=Weight::Plain.class()>
                        {strings::REVIEW_CHANGES}
                    </button>
                </Banner>
            }
        })
    }
}

mod strings {
    pub(super) const OTHER_CONTENT: &str =
        "The content is not the one that you had read. Read what changed, then rule; what you typed is kept.";
    pub(super) const OTHER_ROUTE: &str = "It goes another way than the one that you had read. Read what the policy asks for, then rule; what you typed is kept.";
    pub(super) const REVIEW_CHANGES: &str = "Review changes";
}
