//! `/queue`: open decisions, those with the least time left first.

mod filter;
mod rows;

use countersign_domain::{
    decision::Risk,
    ids::DecisionId,
    pause::ShownPause,
    view::{QueueItem, QueueView},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use wasm_bindgen::JsCast;

pub(crate) use self::filter::Filter;
use self::rows::{Row, news, step};
use crate::{
    Error,
    clock::{steady_ms, ticking},
    components::{
        form::Weight,
        icons::{Icon, Shape},
        keyboard::{KeySheet, Page, leave_field, listen, show},
        kinds::{changes_decisions, changes_pauses},
        marks::{Chip, RiskMark, SealMark, Tone, VerdictMark, state_words},
        page::{Banner, Bar, Empty, Fact, PageHeader, PageTitle, Pager, Refusal, Skeleton, TitleText},
        pause::PauseBanner,
        text::Literal,
        time::{Moment, TimeLeft},
    },
    frame::Surroundings,
    keys::Command,
    live::Live,
    pages::{decision::retract::RetractForm, me::mine},
    wire::Json,
};

/// Reads one page of the queue.
#[server(prefix = "/act", endpoint = "queue", output = Json)]
pub(crate) async fn queue(
    risk: Option<Risk>,
    system: Option<String>,
    after: Option<String>,
) -> Result<QueueView, Error> {
    use countersign_engine::decisions::{self, QueueFilter};

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, decisions::queue(&engine, &caller, QueueFilter { risk, system, after }).await)
}

async fn fetch(filter: Filter) -> Result<QueueView, Error> {
    let Filter { risk, system, after } = filter;
    queue(risk, system, after).await
}

/// The queue page.
#[component]
pub(crate) fn QueuePage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(Filter::from_query));
    let selected =
        Memo::new(move |_| query.with(|query| query.get("sel").and_then(|id| id.parse::<DecisionId>().ok())));
    let done = Memo::new(move |_| query.with(|query| query.get("done").and_then(|id| id.parse::<DecisionId>().ok())));
    let view = Resource::new(move || filter.get(), fetch);

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <DoneBar done/>
        <Transition fallback=|| {
            view! { <Skeleton rows=6/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        view! { <Desk view=shown filter=filter.get_untracked() selected reload=move || view.refetch()/> }
                            .into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// What became of the review that led here, read from the server, never from the address.
#[component]
fn DoneBar(done: Memo<Option<DecisionId>>) -> impl IntoView {
    let own = Resource::new(
        move || done.get(),
        |done| async move {
            let done = done?;
            mine().await.ok()?.reviews.into_iter().find(|review| review.decision == done)
        },
    );
    let live = expect_context::<Live>();
    Effect::new(move || {
        if live.change.with(|change| change.as_ref().is_some_and(|change| !change.decisions.is_empty()))
            && done.get_untracked().is_some()
        {
            own.refetch();
        }
    });

    view! {
        <Transition>
            {move || Suspend::new(async move {
                own.await
                    .map(|review| {
                        view! {
                            <Banner bar=Bar::Done>
                                <p>{strings::RECORDED}</p>
                                <VerdictMark verdict=review.verdict/>
                                <a href=format!("/decisions/{}", review.decision) class="min-w-0 font-medium underline">
                                    <Literal text=review.title/>
                                </a>
                                <SealMark seal=review.seal/>
                                {review
                                    .settles_at
                                    .map(|until| {
                                        view! {
                                            <span>
                                                {strings::FINAL_AT} <Moment at=until/>
                                            </span>
                                        }
                                    })}
                                {review
                                    .retractable
                                    .map(|entry| view! { <RetractForm decision=review.decision review=entry/> })}
                            </Banner>
                        }
                    })
            })}
        </Transition>
    }
}

/// The list and, on wide screens, what is selected.
#[component]
fn Desk(
    view: QueueView,
    filter: Filter,
    selected: Memo<Option<DecisionId>>,
    reload: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let QueueView { items, open_count, older, size, now, blocked, pauses } = view;
    let more = older.is_some();
    let rows = RwSignal::new(items.into_iter().map(Row::new).collect::<Vec<_>>());
    let waiting = RwSignal::new(0_usize);
    let count = RwSignal::new(open_count);
    let pauses = RwSignal::new(pauses);
    let clock = ticking(now);
    let list = NodeRef::<html::Ol>::new();
    let dialog = NodeRef::<html::Dialog>::new();

    follow(filter.clone(), size, more, Followed { rows, waiting, count, pauses, list });
    keys(filter.clone(), rows, selected, dialog);

    let systems = rows.with_untracked(|rows| {
        let mut names: Vec<_> = rows.iter().map(|row| row.item.with_untracked(|item| item.system.clone())).collect();
        names.sort();
        names.dedup();
        names
    });
    let newest = filter.after.is_some().then(|| filter.at(None).address(None));
    let older = older.map(|after| filter.at(Some(after)).address(None));
    let empty = rows.with_untracked(Vec::is_empty);
    let note = blocked.clone().filter(|_| !empty);

    view! {
        <PageHeader title=|| strings::TITLE>
            <div class="flex flex-wrap items-center gap-x-4 gap-y-1 text-muted">
                <p class="tabular-nums">
                    {move || format!("{} open", count.get())} " · as of " <Moment at=now/>
                </p>
                <KeySheet dialog/>
                <a href="/pauses" class="inline-flex min-h-8 items-center text-compact text-accent underline print:hidden">
                    {strings::PAUSE}
                </a>
            </div>
        </PageHeader>
        <For each=move || pauses.get() key=|pause| pause.entry let:pause>
            <PauseBanner pause/>
        </For>
        {note
            .map(|reason| {
                view! {
                    <Banner bar=Bar::Note>
                        <p>{reason}</p>
                    </Banner>
                }
            })}
        <FilterBar filter=filter.clone() systems/>
        {if empty {
            view! { <Nothing filter blocked/> }.into_any()
        } else {
            view! {
                <div class="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_22rem]">
                    <section aria-label=strings::LIST>
                        <Pill waiting reload/>
                        <ol
                            node_ref=list
                            class="divide-y divide-hairline overflow-hidden rounded-dialog border border-hairline bg-surface"
                        >
                            <For each=move || rows.get() key=|row| row.id let:row>
                                <QueueRow row selected clock/>
                            </For>
                        </ol>
                        <Pager label=strings::PAGES newest older/>
                    </section>
                    <Selected rows selected clock/>
                </div>
            }
                .into_any()
        }}
    }
}

/// What news of the stream change.
#[derive(Clone, Copy)]
struct Followed {
    rows: RwSignal<Vec<Row>>,
    waiting: RwSignal<usize>,
    count: RwSignal<u64>,
    pauses: RwSignal<Vec<ShownPause>>,
    list: NodeRef<html::Ol>,
}

/// Follows the stream: asks for the list again when a decision changed, and lets the news in calmly.
fn follow(filter: Filter, size: u64, more: bool, followed: Followed) {
    let Followed { rows, waiting, count, pauses, list } = followed;
    let live = expect_context::<Live>();
    let surroundings = Surroundings::get();
    Effect::new(move || live.open(Some(size)));
    Effect::new(move || {
        let touched = live.change.with(|change| {
            change.as_ref().is_some_and(|change| {
                let of_decisions =
                    !change.decisions.is_empty() && change.kinds.iter().any(|kind| changes_decisions(kind));
                change.size > size && (of_decisions || change.kinds.iter().any(|kind| changes_pauses(kind)))
            })
        });
        if !touched {
            return;
        }
        let filter = filter.clone();
        spawn_local(async move {
            let Ok(fresh) = fetch(filter).await else { return };
            let Some(shown) = rows.try_with_untracked(|rows| {
                rows.iter()
                    .filter(|row| !row.gone.get_untracked())
                    .map(|row| row.item.get_untracked())
                    .collect::<Vec<_>>()
            }) else {
                return;
            };
            let news = news(&shown, &fresh.items, more || fresh.older.is_some());
            count.set(fresh.open_count);
            if pauses.with_untracked(|pauses| *pauses != fresh.pauses) {
                surroundings.say(strings::PAUSE_NEWS);
                pauses.set(fresh.pauses);
            }
            for item in news.changed {
                let row = rows.with_untracked(|rows| rows.iter().copied().find(|row| row.id == item.id));
                if let Some(row) = row {
                    row.item.set(item);
                }
            }
            for id in news.gone {
                let row = rows.with_untracked(|rows| rows.iter().copied().find(|row| row.id == id));
                if let Some(row) = row {
                    row.gone.set(true);
                    collapse_later(rows, row, list);
                }
            }
            if news.added.len() > waiting.get_untracked() {
                surroundings.say(format!("{} new", news.added.len()));
            }
            waiting.set(news.added.len());
        });
    });
}

/// Takes a greyed row away after 10 s, and never while focus or pointer is in the list.
fn collapse_later(rows: RwSignal<Vec<Row>>, row: Row, list: NodeRef<html::Ol>) {
    set_timeout(
        move || {
            let Some(Some(list_element)) = list.try_get_untracked() else { return };
            let focused =
                document().active_element().is_some_and(|active| list_element.contains(Some(active.unchecked_ref())));
            let hovered = list_element.matches(":hover").unwrap_or(false);
            if focused || hovered {
                collapse_later(rows, row, list);
            } else {
                rows.try_update(|rows| rows.retain(|other| other.id != row.id));
            }
        },
        std::time::Duration::from_secs(10),
    );
}

fn keys(filter: Filter, rows: RwSignal<Vec<Row>>, selected: Memo<Option<DecisionId>>, dialog: NodeRef<html::Dialog>) {
    let navigate = use_navigate();
    let shown_at = StoredValue::new(0);
    Effect::new(move || shown_at.set_value(steady_ms().unwrap_or_default()));

    listen(
        move || Page { loading: false, shown_at: shown_at.get_value(), may_rule: false },
        move |command| match command {
            Command::Next | Command::Previous => {
                let ids: Vec<_> = rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
                let Some(id) = step(&ids, selected.get_untracked(), command == Command::Next) else { return false };
                let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
                navigate(&filter.address(Some(id)), options);
                focus_row(id);
                true
            }
            Command::Open => match selected.get_untracked() {
                Some(id) => {
                    navigate(&format!("/decisions/{id}"), NavigateOptions::default());
                    true
                }
                None => false,
            },
            Command::Back if selected.get_untracked().is_some() => {
                let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
                navigate(&filter.address(None), options);
                true
            }
            Command::Release => {
                leave_field();
                true
            }
            Command::Help => {
                show(dialog);
                true
            }
            _ => false,
        },
    );
}

fn focus_row(id: DecisionId) {
    if let Some(row) = document().get_element_by_id(&row_id(id)) {
        let _ = row.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}

fn row_id(id: DecisionId) -> String {
    format!("row-{id}")
}

#[component]
fn FilterBar(filter: Filter, systems: Vec<String>) -> impl IntoView {
    const CONTROL: &str =
        "block min-h-11 rounded-control border border-control bg-surface px-2.5 text-body text-text sm:min-h-9";
    let narrows = filter.narrows();
    let chosen = filter.risk;
    let (risk, system) = (NodeRef::<html::Select>::new(), NodeRef::<html::Input>::new());
    let navigate = use_navigate();
    let apply = move |event: leptos::ev::SubmitEvent| {
        if let (Some(risk), Some(system)) = (risk.get_untracked(), system.get_untracked()) {
            event.prevent_default();
            let asked = Filter::new(&risk.value(), &system.value(), "");
            navigate(&asked.address(None), NavigateOptions::default());
        }
    };

    view! {
        <div class="mb-4 print:hidden" role="search">
            <form method="get" action="/queue" on:submit=apply class="flex flex-wrap items-end gap-3">
                <div class="grid gap-1">
                    <label for="risk" class="text-compact text-muted">
                        {strings::RISK}
                    </label>
                    <select id="risk" name="risk" node_ref=risk class=CONTROL>
                        <option value="" selected=chosen.is_none()>
                            {strings::ANY}
                        </option>
                        {[(Risk::High, "High"), (Risk::Medium, "Medium"), (Risk::Low, "Low")]
                            .into_iter()
                            .map(|(risk, word)| {
                                view! {
                                    <option value=risk.word() selected=chosen == Some(risk)>
                                        {word}
                                    </option>
                                }
                            })
                            .collect_view()}
                    </select>
                </div>
                <div class="grid gap-1">
                    <label for="system" class="text-compact text-muted">
                        {strings::SYSTEM}
                    </label>
                    <input
                        id="system"
                        name="system"
                        node_ref=system
                        type="text"
                        list="systems"
                        value=filter.system
                        autocomplete="off"
                        placeholder=strings::ANY
                        class=CONTROL
                    />
                    <datalist id="systems">
                        {systems.into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
                    </datalist>
                </div>
                <button type="submit" class=Weight::Plain.class()>
                    {strings::APPLY}
                </button>
                {narrows
                    .then(|| {
                        view! {
                            <a href="/queue" class="inline-flex min-h-11 items-center text-compact text-accent underline sm:min-h-8">
                                {strings::CLEAR}
                            </a>
                        }
                    })}
            </form>
        </div>
    }
}

/// What waits outside the list; the list moves only when the person asks.
#[component]
fn Pill(waiting: RwSignal<usize>, reload: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    move || {
        (waiting.get() > 0).then(|| {
            view! {
                <button
                    type="button"
                    on:click=move |_| reload()
                    class="mb-3 inline-flex min-h-8 items-center gap-2 rounded-full bg-accent px-4 text-compact font-medium text-on-fill tabular-nums hover:opacity-90"
                >
                    {format!("{} new", waiting.get())}
                    <span class="font-normal">{strings::SHOW}</span>
                </button>
            }
        })
    }
}

#[component]
fn QueueRow(row: Row, selected: Memo<Option<DecisionId>>, clock: Signal<u64>) -> impl IntoView {
    let Row { id, item, gone } = row;
    let class = move || {
        if gone.get() {
            "relative block bg-raised"
        } else if selected.get() == Some(id) {
            "relative block bg-selected before:absolute before:inset-y-0 before:left-0 before:w-1 before:bg-accent"
        } else {
            "relative block hover:bg-raised"
        }
    };

    view! {
        <li class=class>
            {move || {
                let item = item.get();
                let gone = gone.get();
                view! { <RowBody item gone clock/> }.into_any()
            }}
        </li>
    }
}

#[component]
fn RowBody(item: QueueItem, gone: bool, clock: Signal<u64>) -> impl IntoView {
    let id = item.id;
    let link = if gone {
        "rounded-chip font-medium text-muted [overflow-wrap:anywhere] after:absolute after:inset-0 hover:underline no-underline"
    } else {
        "rounded-chip font-medium text-text [overflow-wrap:anywhere] after:absolute after:inset-0 hover:underline no-underline"
    };

    view! {
        <div class="grid gap-x-4 gap-y-1 px-4 py-3 compact:py-1.5 sm:grid-cols-[7.5rem_minmax(0,1fr)_auto] sm:px-5">
            <div class="flex flex-wrap items-start gap-x-4 text-compact sm:flex-col">
                <RiskMark level=item.risk/>
                <span class="relative z-10">
                    <SealMark seal=item.seal/>
                </span>
            </div>
            <div class="min-w-0">
                <a
                    id=row_id(id)
                    href=format!("/decisions/{id}")
                    class=link
                >
                    <Literal text=item.title/>
                </a>
                <p class="flex flex-wrap items-center gap-x-2 text-compact text-muted">
                    <span>{item.system}</span>
                    {item.paused.then(|| view! { <Chip tone=Tone::Reject text=strings::PAUSED/> })}
                    <span aria-hidden="true">"·"</span>
                    <span class="font-mono text-compact">{item.type_name}</span>
                    <span aria-hidden="true">"·"</span>
                    <span class="tabular-nums">
                        {format!("{} of {}", item.given, item.need)} <span class="sr-only">" approvals"</span>
                    </span>
                </p>
            </div>
            <div class="text-compact sm:text-right">
                {if gone {
                    view! { <p class="font-medium">{strings::GONE}</p> }.into_any()
                } else {
                    view! { <TimeLeft until=item.due_at now=clock/> }.into_any()
                }}
            </div>
        </div>
    }
}

/// Says how many approvals are given and needed.
pub(crate) fn quorum(given: u64, need: u64) -> String {
    format!("{given} of {need} approvals")
}

/// The selected row in full words. It holds what the row holds: reading the decision itself is a
/// recorded act, so it happens only by opening it.
#[component]
fn Selected(rows: RwSignal<Vec<Row>>, selected: Memo<Option<DecisionId>>, clock: Signal<u64>) -> impl IntoView {
    let row = move || {
        let id = selected.get()?;
        rows.with(|rows| rows.iter().copied().find(|row| row.id == id))
    };

    view! {
        <aside
            aria-label=strings::SELECTED
            class="sticky top-5 hidden rounded-dialog border border-hairline bg-surface p-5 xl:block print:hidden"
        >
            {move || match row() {
                None => view! { <p class="text-muted">{strings::SELECT}</p> }.into_any(),
                Some(row) => view! { <Summary item=row.item.get() gone=row.gone.get() clock/> }.into_any(),
            }}
        </aside>
    }
}

#[component]
fn Summary(item: QueueItem, gone: bool, clock: Signal<u64>) -> impl IntoView {
    view! {
        <div class="grid gap-4">
            <h2 class="text-reading font-semibold [overflow-wrap:anywhere]">
                <Literal text=item.title/>
            </h2>
            <dl class="grid gap-2">
                <Fact name=strings::RISK>
                    <RiskMark level=item.risk/>
                </Fact>
                <Fact name=strings::STATE>{if gone { strings::GONE } else { state_words(item.state) }}</Fact>
                <Fact name=strings::SYSTEM>
                    {item.system} " " {item.paused.then(|| view! { <Chip tone=Tone::Reject text=strings::PAUSED/> })}
                </Fact>
                <Fact name=strings::ACTION>
                    <span class="font-mono text-compact">{item.type_name}</span>
                </Fact>
                <Fact name=strings::APPROVALS>
                    <span class="tabular-nums">{format!("{} of {}", item.given, item.need)}</span>
                </Fact>
                <Fact name=strings::PROPOSED>
                    <Moment at=item.proposed_at/>
                </Fact>
                <Fact name=strings::DEADLINE>
                    <TimeLeft until=item.due_at now=clock/>
                </Fact>
                <Fact name=strings::SEAL>
                    <SealMark seal=item.seal/>
                </Fact>
            </dl>
            <a href=format!("/decisions/{}", item.id) class=Weight::Primary.class()>
                {strings::OPEN}
                <Icon shape=Shape::Forward class="size-4"/>
            </a>
            <p class="text-compact text-muted">{strings::OPEN_NOTE}</p>
        </div>
    }
}

/// Why the list is empty: nothing matches, nothing you may act on, nothing there.
#[component]
fn Nothing(filter: Filter, blocked: Option<String>) -> impl IntoView {
    if filter.narrows() {
        return view! {
            <Empty title=strings::NO_MATCH reason=format!("Active filters: {}.", filter.words())>
                <a href="/queue" class=Weight::Plain.class()>
                    {strings::CLEAR}
                </a>
            </Empty>
        }
        .into_any();
    }
    if filter.after.is_some() {
        return view! {
            <Empty title=strings::END reason=strings::END_REASON>
                <a href="/queue" class=Weight::Plain.class()>
                    {strings::START}
                </a>
            </Empty>
        }
        .into_any();
    }
    match blocked {
        Some(reason) => view! { <Empty title=strings::NOT_YOURS reason/> }.into_any(),
        None => view! { <Empty title=strings::NOTHING reason=strings::NOTHING_REASON/> }.into_any(),
    }
}

mod strings {
    pub(super) const TITLE: &str = "Queue";
    pub(super) const FINAL_AT: &str = "Final at ";
    pub(super) const RECORDED: &str = "Your review is recorded.";
    pub(super) const PAUSE: &str = "Pause an AI system";
    pub(super) const PAUSED: &str = "Paused";
    pub(super) const PAUSE_NEWS: &str = "An AI system was paused or resumed.";
    pub(super) const LIST: &str = "Open decisions";
    pub(super) const PAGES: &str = "Pages of the queue";
    pub(super) const RISK: &str = "Risk";
    pub(super) const SYSTEM: &str = "AI system";
    pub(super) const STATE: &str = "State";
    pub(super) const ACTION: &str = "Action";
    pub(super) const APPROVALS: &str = "Approvals";
    pub(super) const PROPOSED: &str = "Proposed";
    pub(super) const DEADLINE: &str = "Deadline";
    pub(super) const SEAL: &str = "Last entry";
    pub(super) const ANY: &str = "Any";
    pub(super) const APPLY: &str = "Apply";
    pub(super) const CLEAR: &str = "Clear filters";
    pub(super) const SHOW: &str = "Show";
    pub(super) const GONE: &str = "Resolved meanwhile";
    pub(super) const SELECTED: &str = "Selected decision";
    pub(super) const SELECT: &str = "Select a row with j and k, or open one. This pane shows what the row shows; the whole decision is one step further.";
    pub(super) const OPEN: &str = "Open decision";
    pub(super) const OPEN_NOTE: &str = "Opening shows every parameter and is recorded.";
    pub(super) const NO_MATCH: &str = "Nothing matches";
    pub(super) const END: &str = "No more decisions";
    pub(super) const END_REASON: &str = "The decisions that stood here were resolved meanwhile.";
    pub(super) const START: &str = "Back to the start";
    pub(super) const NOT_YOURS: &str = "Nothing here for you";
    pub(super) const NOTHING: &str = "Nothing waits for you";
    pub(super) const NOTHING_REASON: &str = "When an AI system proposes an action that a person has to review, it appears here. An admin registers systems and hands out their keys under AI systems.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_reads_as_a_count() {
        assert_eq!(quorum(0, 1), "0 of 1 approvals");
    }
}
