//! `/bulk/{run}`: what became of each decision, while it happens and for good.

use std::time::Duration;

use countersign_domain::{
    bulk::{BulkRunView, ItemResult, RunRow, RunState},
    decision::Verdict,
    ids::BulkRunId,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{BackToQueue, address, bulk_run, counted};
use crate::{
    components::{
        form::Weight,
        marks::{Chip, SealMark, Tone},
        page::{Banner, Bar, PageHeader, PageTitle, Recorded, Refusal, Skeleton, TitleText},
        text::Literal,
        time::Moment,
    },
    frame::Surroundings,
    pages::decision::nothing_here,
};

/// How often a page looks again while reviews are being recorded, in milliseconds.
const AGAIN_MS: u64 = 700;

/// The page of a run.
#[component]
pub(crate) fn BulkRunPage() -> impl IntoView {
    let params = use_params_map();
    let named = Memo::new(move |_| params.with(|params| params.get("run").and_then(|id| id.parse::<BulkRunId>().ok())));
    let view = Resource::new(
        move || named.get(),
        |named| async move {
            match named {
                Some(run) => bulk_run(run).await,
                None => Err(nothing_here()),
            }
        },
    );
    let surroundings = Surroundings::get();
    Effect::new(move |before: Option<bool>| {
        let running = view.get().is_some_and(|shown| shown.is_ok_and(|shown| shown.state == RunState::Running));
        if running {
            let again = Duration::from_millis(AGAIN_MS);
            if let Ok(again) = set_timeout_with_handle(move || view.refetch(), again) {
                on_cleanup(move || again.clear());
            }
        } else if before == Some(true) {
            surroundings.say(strings::SAID_DONE);
        }
        running
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=6/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <Whole shown/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Whole(shown: BulkRunView) -> impl IntoView {
    let (count, done) = (shown.rows.len(), shown.done());
    let summary = summary(&shown);
    let BulkRunView { verdict, code, started_at, state, rows, recorded, .. } = shown;
    let left: Vec<_> = rows
        .iter()
        .filter(|row| matches!(row.result, ItemResult::Conflict | ItemResult::NotDone))
        .map(|row| row.id)
        .collect();
    let again = (state != RunState::Running && !left.is_empty()).then(|| address(left));
    let heading = if verdict == Verdict::Approve { strings::APPROVED } else { strings::REJECTED };

    view! {
        <BackToQueue/>
        <PageHeader title=move || heading>
            <p class="flex flex-wrap gap-x-4 gap-y-1 text-muted">
                <span class="tabular-nums">{counted(count)}</span>
                <span>{code.label()}</span>
                <span>{strings::SENT} " " <Moment at=started_at/></span>
            </p>
        </PageHeader>
        {match state {
            RunState::Running => view! {
                <div class="mb-4 grid gap-2">
                    <label for="progress" class="text-reading tabular-nums">{format!("{done} of {count} done")}</label>
                    <progress id="progress" max=count.to_string() value=done.to_string() class="h-2 w-full appearance-none overflow-hidden rounded-full border border-control bg-raised [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-raised [&::-webkit-progress-value]:bg-accent"></progress>
                    <p class="text-compact text-muted">
                        {strings::GOES_ON} " "
                        <a href="" rel="external" class="text-accent underline">{strings::LOOK_AGAIN}</a>
                    </p>
                </div>
            }
            .into_any(),
            RunState::Finished => view! { <Banner bar=Bar::Done><p class="tabular-nums">{summary}</p></Banner> }.into_any(),
            RunState::Stopped => view! {
                <Banner bar=Bar::Stale>
                    <p>{strings::STOPPED} " " {summary}</p>
                </Banner>
            }
            .into_any(),
        }}
        <div class="overflow-x-auto rounded-dialog border border-hairline bg-surface" tabindex="0" role="region" aria-label=strings::RESULTS>
            <table class="w-full text-left text-body">
                <thead>
                    <tr class="border-b border-hairline">
                        {[strings::DECISION, strings::RESULT, strings::WHY, strings::SEAL]
                            .map(|label| {
                                view! {
                                    <th scope="col" class="px-3 py-2 text-compact font-medium text-muted">
                                        {label}
                                    </th>
                                }
                            })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody class="divide-y divide-hairline">
                    {rows.into_iter().map(|row| view! { <ResultRow row/> }.into_any()).collect_view()}
                </tbody>
            </table>
        </div>
        {again
            .map(|again| {
                view! {
                    <p class="mt-4">
                        <a href=again class=Weight::Plain.class()>
                            {strings::AGAIN}
                        </a>
                    </p>
                }
            })}
        <Recorded entry=recorded/>
    }
}

#[component]
fn ResultRow(row: RunRow) -> impl IntoView {
    let RunRow { id, title, result, why, seal } = row;
    let (tone, text) = match result {
        ItemResult::Applied => (Tone::Approve, "Applied"),
        ItemResult::Conflict => (Tone::Escalate, "Conflict"),
        ItemResult::NotAllowed => (Tone::Reject, "Not allowed"),
        ItemResult::NotDone => (Tone::Reject, "Not done"),
        ItemResult::Waiting => (Tone::Plain, "Waiting"),
    };

    view! {
        <tr class="align-top">
            <th scope="row" class="px-3 py-2 font-normal">
                {match title {
                    Some(title) => view! {
                        <a href=format!("/decisions/{id}") class="font-medium text-text underline [overflow-wrap:anywhere]">
                            <Literal text=title/>
                        </a>
                    }
                    .into_any(),
                    None => view! { <span>{format!("Decision {}", id.short())}</span> }.into_any(),
                }}
            </th>
            <td class="px-3 py-2"><Chip tone text/></td>
            <td class="px-3 py-2">{why}</td>
            <td class="px-3 py-2">{seal.map(|seal| view! { <SealMark seal/> })}</td>
        </tr>
    }
}

/// Says how many came to what; what nobody came to is left out.
fn summary(shown: &BulkRunView) -> String {
    let words = [
        (ItemResult::Applied, "applied"),
        (ItemResult::Conflict, "conflict"),
        (ItemResult::NotAllowed, "not allowed"),
        (ItemResult::NotDone, "not done"),
    ];
    let counts: Vec<_> = words
        .into_iter()
        .map(|(result, word)| (shown.count(result), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    counts.join(" · ")
}

mod strings {
    pub(super) const TITLE: &str = "Reviewed together";
    pub(super) const APPROVED: &str = "Approved together";
    pub(super) const REJECTED: &str = "Rejected together";
    pub(super) const SENT: &str = "Sent";
    pub(super) const GOES_ON: &str = "Each is being recorded and sealed. This goes on when you leave.";
    pub(super) const LOOK_AGAIN: &str = "Look again";
    pub(super) const STOPPED: &str = "This ended before every decision had its turn.";
    pub(super) const RESULTS: &str = "Results";
    pub(super) const DECISION: &str = "Decision";
    pub(super) const RESULT: &str = "Result";
    pub(super) const WHY: &str = "What changed, or why not";
    pub(super) const SEAL: &str = "Seal of the review";
    pub(super) const AGAIN: &str = "Look at what is left again";
    pub(super) const SAID_DONE: &str = "Every decision has its result.";
}

#[cfg(test)]
mod tests {
    use countersign_domain::decision::ReasonCode;

    use super::*;

    #[test]
    fn a_summary_counts_what_there_is() {
        const ID: &str = "01a19b7d-90e0-7f95-ae73-2979886b812a";
        let row = |result| RunRow { id: ID.parse().unwrap(), title: None, result, why: None, seal: None };
        let shown = BulkRunView {
            id: ID.parse().unwrap(),
            verdict: Verdict::Approve,
            code: ReasonCode::WithinPolicy,
            started_at: 0,
            state: RunState::Finished,
            rows: [ItemResult::Applied, ItemResult::Conflict, ItemResult::Applied].map(row).to_vec(),
            recorded: ID.parse().unwrap(),
            now: 0,
        };

        assert_eq!(summary(&shown), "2 applied · 1 conflict");
        assert_eq!((shown.done(), shown.count(ItemResult::NotAllowed)), (3, 0));
    }
}
