//! One row of the queue: two lines, the same height in every state.

use countersign_domain::{
    decision::{ResolutionOutcome, Risk},
    ids::DecisionId,
    policy::Route,
    queue::{is_breaching, left_percent},
    view::{QueueItem, Seal},
};
use leptos::prelude::*;

use super::{
    filter::Filter,
    rows::{Row, resolution_words},
};
use crate::{
    clock::{Instant, instant, time_left},
    components::{
        icons::{Icon, Shape},
        marks::{RiskMark, seal_words},
        text::Literal,
    },
};

#[component]
pub(super) fn QueueRow(
    row: Row,
    filter: StoredValue<Filter>,
    selected: Memo<Option<DecisionId>>,
    /// Decisions that are selected to be reviewed together; absent where the list has no boxes.
    chosen: Option<RwSignal<Vec<DecisionId>>>,
    clock: Signal<u64>,
) -> impl IntoView {
    let Row { id, item, gone } = row;
    let inner = match chosen {
        Some(_) => {
            "grid h-full grid-cols-1 content-center px-3 text-compact leading-5 compact:text-[11px]/[15px] min-[900px]:pl-11"
        }
        None => "grid h-full grid-cols-1 content-center px-3 text-compact leading-5 compact:text-[11px]/[15px]",
    };
    let class = move || {
        if gone.with(Option::is_some) {
            "relative h-11 overflow-hidden bg-raised has-[a:focus-visible]:outline-2 has-[a:focus-visible]:-outline-offset-2 has-[a:focus-visible]:outline-accent compact:h-8"
        } else if selected.get() == Some(id) {
            "relative h-11 overflow-hidden bg-selected has-[a:focus-visible]:outline-2 has-[a:focus-visible]:-outline-offset-2 has-[a:focus-visible]:outline-accent before:absolute before:inset-y-0 before:left-0 before:w-1 before:bg-accent compact:h-8"
        } else {
            "relative h-11 overflow-hidden hover:bg-raised has-[a:focus-visible]:outline-2 has-[a:focus-visible]:-outline-offset-2 has-[a:focus-visible]:outline-accent compact:h-8"
        }
    };

    view! {
        <li class=class>
            {chosen.map(|chosen| view! { <Chooser row chosen/> })}
            <div class=inner>
                <div class="flex min-w-0 items-center justify-between gap-3">
                    <p class="truncate" title=move || item.with(|item| item.title.clone())>
                        <RowLinks row filter selected/>
                    </p>
                    <p class="flex shrink-0 whitespace-nowrap">
                        {move || match (gone.get(), item.with(|item| item.resolution.clone())) {
                            (Some(words), _) => view! { <span class="font-medium">{words}</span> }.into_any(),
                            (None, Some(resolution)) => {
                                let class = match resolution.outcome {
                                    ResolutionOutcome::Approved => "font-medium text-approve",
                                    ResolutionOutcome::Rejected | ResolutionOutcome::Revoked => "font-medium text-reject",
                                    ResolutionOutcome::Expired | ResolutionOutcome::Withdrawn => "font-medium text-muted",
                                };
                                view! { <span class=class>{resolution_words(&resolution)}</span> }.into_any()
                            }
                            // What is open has its whole line for the title: equal beginnings are told apart by their ends.
                            (None, None) => ().into_any(),
                        }}
                    </p>
                </div>
                <div class="flex min-w-0 items-center justify-between gap-3 text-muted">
                    <p class="flex min-w-0 gap-x-1.5 overflow-hidden whitespace-nowrap">
                        {move || item.with(|item| view! { <Facts item=item.clone()/> })}
                    </p>
                    <p class="flex shrink-0 whitespace-nowrap">
                        {move || {
                            item.with(|item| match &item.resolution {
                                Some(resolution) => {
                                    let Instant { machine, screen } = instant(resolution.at);
                                    view! { <time datetime=machine class="tabular-nums">{screen}</time> }.into_any()
                                }
                                None => {
                                    let seal = item.seal;
                                    view! {
                                        <span class="inline-flex items-baseline gap-2">
                                            <RowSeal seal/>
                                            {move || gone.with(Option::is_none).then(|| view! { <Deadline item=row.item clock/> })}
                                        </span>
                                    }
                                        .into_any()
                                }
                            })
                        }}
                    </p>
                </div>
            </div>
        </li>
    }
}

/// The box that selects a row to be reviewed together with others; a row that is reviewed by itself says so.
#[component]
fn Chooser(row: Row, chosen: RwSignal<Vec<DecisionId>>) -> impl IntoView {
    let Row { id, item, gone } = row;
    let why = Memo::new(move |_| item.with(alone));
    let choose = move |event: leptos::ev::Event| {
        let on = event_target_checked(&event);
        chosen.update(|chosen| {
            chosen.retain(|other| *other != id);
            if on {
                chosen.push(id);
            }
        });
    };

    view! {
        <input
            type="checkbox"
            id=box_id(id)
            name="ids"
            value=id.to_string()
            aria-label=move || match why.get() {
                Some(why) => format!("Decision {}: {why}", id.short()),
                None => format!("Select decision {}", id.short()),
            }
            title=move || why.get()
            disabled=move || why.get().is_some() || gone.with(Option::is_some)
            prop:checked=move || chosen.with(|chosen| chosen.contains(&id))
            on:change=choose
            class="absolute top-1/2 left-3 z-10 hidden size-6 -translate-y-1/2 accent-accent min-[900px]:block print:hidden"
        />
    }
}

/// Why a decision is reviewed by itself and not with others, as far as its row tells.
pub(super) fn alone(item: &QueueItem) -> Option<&'static str> {
    match (item.risk, item.need) {
        (Risk::High, _) => Some("high risk is reviewed by itself"),
        (_, need) if need != 1 => Some("more than one approval is needed, so it is reviewed by itself"),
        _ => None,
    }
}

/// Two links with one name, of which every width shows one: beside the list where there is room, else to the page.
#[component]
fn RowLinks(row: Row, filter: StoredValue<Filter>, selected: Memo<Option<DecisionId>>) -> impl IntoView {
    let Row { id, item, gone } = row;
    let beside = filter.with_value(|filter| filter.address(Some(id)));
    let current = move || (selected.get() == Some(id)).then_some("true");
    let muted = move || gone.with(Option::is_some);
    let title = move || item.with(|item| view! { <Literal text=item.title.clone()/> });

    view! {
        <a
            id=beside_id(id)
            href=beside
            data-noscroll="true"
            aria-current=current
            class="hidden font-medium outline-none no-underline after:absolute after:inset-0 hover:underline min-[900px]:inline"
            class=("text-muted", muted)
            class=("text-text", move || !muted())
        >
            {title}
        </a>
        <a
            id=page_id(id)
            href=format!("/decisions/{id}")
            class="font-medium outline-none no-underline after:absolute after:inset-0 hover:underline min-[900px]:hidden"
            class=("text-muted", muted)
            class=("text-text", move || !muted())
        >
            {title}
        </a>
    }
}

/// Id of the link that shows the decision beside the list.
pub(super) fn beside_id(id: DecisionId) -> String {
    format!("beside-{id}")
}

/// Id of the box that selects a row.
pub(super) fn box_id(id: DecisionId) -> String {
    format!("choose-{id}")
}

/// Id of the link to the decision's page.
pub(super) fn page_id(id: DecisionId) -> String {
    format!("row-{id}")
}

/// Risk, system, approvals and route, the most important first: a narrow row shows fewer.
#[component]
fn Facts(item: QueueItem) -> impl IntoView {
    let route = route_words(&item);
    let whole = route.clone();

    view! {
        {item.paused.then(|| view! { <span class="shrink-0 font-medium text-escalate">"Paused"</span> })}
        {held_words(&item.held_by)
            .map(|words| {
                let title = words.clone();
                view! {
                    <span class="inline-flex shrink-0 items-center text-info" title=title>
                        <Icon shape=Shape::Person class="size-3.5"/>
                        <span class="sr-only">{words}</span>
                    </span>
                }
            })}
        <RiskMark level=item.risk/>
        <span aria-hidden="true">"·"</span>
        <span class="shrink-0 tabular-nums">
            {format!("{} of {}", item.given, item.need)} <span class="sr-only">" approvals"</span>
        </span>
        <span aria-hidden="true" class="max-sm:hidden">"·"</span>
        <span class="truncate max-sm:hidden">{item.system}</span>
        <span aria-hidden="true" class="max-sm:hidden">"·"</span>
        // What is left over goes to the system first.
        <span class="shrink-[99] truncate max-sm:hidden" title=whole>
            {route}
        </span>
    }
}

/// Says who reviews it at this moment, if anybody does.
fn held_words(held_by: &[String]) -> Option<String> {
    let (last, before) = held_by.split_last()?;
    Some(match before {
        [] => format!("{last} reviews this now"),
        _ => format!("{} and {last} review this now", before.join(", ")),
    })
}

/// Says which rule sent it where; what a rule decided by itself says so beside the outcome.
fn route_words(item: &QueueItem) -> String {
    if item.escalated {
        return format!("handed up · rule {}", item.rule);
    }
    match item.route {
        Route::Require => format!("rule {}", item.rule),
        Route::Escalate => format!("senior approvers · rule {}", item.rule),
        Route::AutoApprove => format!("held back by a guard · rule {}", item.rule),
        Route::Deny => format!("refused · rule {}", item.rule),
    }
}

#[component]
fn RowSeal(seal: Seal) -> impl IntoView {
    let words = seal_words(seal);
    let title = words.clone();
    // The number is on the decision's page; here its room goes to system and rule.
    let (shape, class) = match seal.index {
        Some(_) => (Shape::Seal, "size-3.5 text-approve"),
        None => (Shape::Clock, "size-3.5"),
    };

    view! {
        <span class="inline-flex items-center self-center" title=title>
            <Icon shape class/>
            <span class="sr-only">{words}</span>
        </span>
    }
}

/// A deadline: how much time is left, in words and as a ring that empties.
#[component]
fn Deadline(item: RwSignal<QueueItem>, clock: Signal<u64>) -> impl IntoView {
    let times = move || item.with(|item| (item.since, item.due_at));
    let class = move || {
        let ((since, due), now) = (times(), clock.get());
        match (now >= due, is_breaching(since, due, now)) {
            (true, _) => "inline-flex items-center gap-1.5 font-semibold tabular-nums text-reject",
            (false, true) => "inline-flex items-center gap-1.5 font-semibold tabular-nums text-escalate",
            (false, false) => "inline-flex items-center gap-1.5 tabular-nums text-text",
        }
    };
    // The circle is a hundred long.
    let left = move || {
        let (since, due) = times();
        format!("{} 100", left_percent(since, due, clock.get()))
    };

    view! {
        <time
            datetime=move || instant(times().1).machine
            title=move || instant(times().1).screen
            class=class
        >
            <svg viewBox="0 0 36 36" class="size-3.5" aria-hidden="true">
                <circle cx="18" cy="18" r="15.9155" fill="none" stroke="currentColor" stroke-width="4" stroke-opacity="0.25"/>
                <circle
                    cx="18"
                    cy="18"
                    r="15.9155"
                    fill="none"
                    stroke="currentColor"
                    stroke-width="4"
                    stroke-dasharray=left
                    transform="rotate(-90 18 18)"
                />
            </svg>
            {move || time_left(times().1, clock.get())}
        </time>
    }
}

#[cfg(test)]
mod tests {
    use super::{super::rows::tests::item, *};

    #[test]
    fn who_reviews_a_row_is_said_by_name() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();

        assert_eq!(held_words(&[]), None);
        assert_eq!(held_words(&names(&["Ada"])).as_deref(), Some("Ada reviews this now"));
        assert_eq!(held_words(&names(&["Ada", "Bo", "Cy"])).as_deref(), Some("Ada, Bo and Cy review this now"));
    }

    #[test]
    fn high_risk_and_more_than_one_approval_are_reviewed_by_themselves() {
        let why = |risk, need| alone(&QueueItem { risk, need, ..item(1) });

        assert_eq!([why(Risk::Low, 1), why(Risk::Medium, 1)], [None; 2]);
        assert!(why(Risk::High, 1).is_some_and(|why| why.contains("high risk")));
        assert!(why(Risk::Low, 2).is_some_and(|why| why.contains("approval")));
    }

    #[test]
    fn a_row_says_which_rule_sent_it_where() {
        let route =
            |route, escalated| route_words(&QueueItem { route, escalated, rule: "refund-large".into(), ..item(1) });

        assert_eq!(route(Route::Require, false), "rule refund-large");
        assert_eq!(route(Route::Escalate, false), "senior approvers · rule refund-large");
        assert_eq!(route(Route::Require, true), "handed up · rule refund-large");
        assert_eq!(route(Route::AutoApprove, false), "held back by a guard · rule refund-large");
    }
}
