//! How a policy's table was read for one decision.

use countersign_domain::policy::RowTrace;
use leptos::prelude::*;

/// Each row of a table down to the one that decided, with its reason.
#[component]
pub(crate) fn TraceList(trace: Vec<RowTrace>) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <h3 class="text-body font-semibold">{strings::TRACE}</h3>
            <ol class="grid max-w-measure gap-1.5">
                {trace
                    .into_iter()
                    .map(|row| {
                        let word = if row.fired { strings::FIRED } else { strings::PASSED };
                        view! {
                            <li class="grid gap-0.5 border-l-2 border-hairline pl-3">
                                <span>
                                    <span class="tabular-nums">{format!("{}. ", row.rule)}</span>
                                    <span class="font-mono text-compact">{row.name}</span>
                                    " "
                                    <span class=if row.fired { "font-semibold" } else { "text-muted" }>{word}</span>
                                </span>
                                <span class="text-muted">{row.sentence}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </div>
    }
    .into_any()
}

mod strings {
    pub(super) const TRACE: &str = "How the table was read";
    pub(super) const FIRED: &str = "decided";
    pub(super) const PASSED: &str = "did not apply";
}
