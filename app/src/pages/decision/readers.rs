//! Who else has the decision open, in the line above it: nothing moves when somebody comes or goes.

use std::time::Duration;

use countersign_domain::{
    ids::DecisionId,
    presence::{BEAT_MS, words},
};
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};

use crate::{Error, components::text::Literal, live::Live, wire::Json};

/// Takes a sign of life of a page and returns who else has the decision open; not on record.
#[server(prefix = "/act", endpoint = "present", output = Json)]
pub(crate) async fn present(decision: DecisionId, #[server(default)] leaving: bool) -> Result<Vec<String>, Error> {
    use countersign_engine::presence;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, presence::beat(&engine, &caller, decision, leaving).await)
}

/// A page counts once it was open this long: whoever passes through a list reads nothing.
const OPEN_AFTER: Duration = Duration::from_secs(2);

/// Says who else reads, for as long as the calling component lives and its tab is visible.
#[component]
pub(super) fn Readers(id: DecisionId) -> impl IntoView {
    let live = expect_context::<Live>();
    let names = RwSignal::new(Vec::<String>::new());
    let told = StoredValue::new(false);
    let beat = move || {
        if document().hidden() {
            return;
        }
        told.try_set_value(true);
        spawn_local(async move {
            // What fails now is asked again soon.
            if let Ok(fresh) = present(id, false).await {
                names.try_set(fresh);
            }
        });
    };
    let leave = move || {
        if told.try_get_value() == Some(true) {
            let body = format!("decision={id}&leaving=true");
            let _ = window().navigator().send_beacon_with_opt_str(Present::PATH, Some(&body));
        }
    };
    Effect::new(move || {
        let first = set_timeout_with_handle(beat, OPEN_AFTER);
        let every = set_interval_with_handle(beat, Duration::from_millis(BEAT_MS));
        let away = window_event_listener_untyped("pagehide", move |_| leave());
        on_cleanup(move || {
            if let Ok(first) = first {
                first.clear();
            }
            if let Ok(every) = every {
                every.clear();
            }
            away.remove();
            leave();
        });
    });
    Effect::new(move |before: Option<u64>| {
        let (count, of) = live.arrived.get();
        if before.is_some_and(|before| before != count) && of == Some(id) {
            beat();
        }
        count
    });

    view! {
        // Always there, so that its line has its height.
        <span class="inline-flex min-h-5 min-w-0 items-center truncate" data-readers="">
            {move || {
                let said = names.with(|names| words(names)).filter(|_| !live.is_lost());
                said.map(|said| view! { <span class="truncate"><Literal text=said/></span> })
            }}
        </span>
    }
}
