//! A note for the next shift, above the queue until the reader puts it away.

use countersign_domain::talk::ShownHandover;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    form::Weight,
    page::{Banner, Bar},
    text::Literal,
    time::Moment,
};
use crate::pages::handovers::PutAwayHandover;

/// Says what a note is about.
pub(crate) fn handover_title(system: Option<&str>) -> String {
    match system {
        Some(system) => format!("Hand-over for {system}"),
        None => "Hand-over for all AI systems".to_owned(),
    }
}

/// A note with the form that puts it away, and the way to all notes.
#[component]
pub(crate) fn HandoverBanner(handover: ShownHandover) -> impl IntoView {
    let title = handover_title(handover.system.as_deref());

    view! {
        <Banner bar=Bar::Note>
            <div class="grid min-w-0 flex-1 basis-64 gap-1">
                <p class="font-semibold [overflow-wrap:anywhere]">{title}</p>
                <HandoverText person=handover.person at=handover.at text=handover.text/>
            </div>
            <form method="post" action=PutAwayHandover::PATH class="print:hidden">
                <input type="hidden" name="handover" value=handover.id.to_string()/>
                <button type="submit" class=Weight::Plain.class()>
                    "Put away"
                </button>
            </form>
            <a href="/handovers" class="font-medium underline">
                "All notes"
            </a>
        </Banner>
    }
}

/// "Approver A at 13:00 UTC: mind the refunds".
#[component]
pub(crate) fn HandoverText(person: String, at: u64, text: String) -> impl IntoView {
    view! {
        <p class="whitespace-pre-wrap [overflow-wrap:anywhere]">
            <Literal text=person/> " at " <Moment at/> ": " <Literal text/>
        </p>
    }
}
