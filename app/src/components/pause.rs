//! A running pause of an AI system, wherever the system is met.

use countersign_domain::{ids::SystemId, pause::ShownPause};
use leptos::prelude::*;

use super::{
    page::{Banner, Bar},
    text::Literal,
    time::Moment,
};

/// Address of the page that pauses or resumes a system.
pub(crate) fn pause_address(system: SystemId) -> String {
    format!("/pauses?system={system}")
}

/// Says which system is paused, by whom, since when and why, and leads to where it is resumed.
#[component]
pub(crate) fn PauseBanner(
    pause: ShownPause,
    /// What the pause means for what the page shows.
    #[prop(optional, into)]
    effect: Option<&'static str>,
) -> impl IntoView {
    let address = pause_address(pause.system);
    let label = format!("Resume {}", pause.system_name);

    view! {
        <Banner bar=Bar::Pause>
            <div class="grid min-w-0 flex-1 basis-64 gap-1">
                <p class="font-semibold [overflow-wrap:anywhere]">{format!("{} is paused", pause.system_name)}</p>
                <PausedBy by=pause.by at=pause.at reason=pause.reason/>
                {effect.map(|effect| view! { <p>{effect}</p> })}
            </div>
            <a href=address aria-label=label class="font-medium underline">
                {strings::RESUME}
            </a>
        </Banner>
    }
}

/// "Paused by Approver A at 13:00 UTC: wrong refunds".
#[component]
pub(crate) fn PausedBy(by: String, at: u64, reason: String) -> impl IntoView {
    view! {
        <p class="whitespace-pre-wrap [overflow-wrap:anywhere]">
            "Paused by " <Literal text=by/> " at " <Moment at/> ": " <Literal text=reason/>
        </p>
    }
}

mod strings {
    pub(super) const RESUME: &str = "Resume";
}
