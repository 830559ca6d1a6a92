//! `/queue`: views of decisions by whose turn it is, and the selected decision beside them.

#![expect(clippy::too_many_arguments, reason = "a server function takes one argument per field of its form")]

mod bar;
mod empty;
pub(crate) mod filter;
mod follow;
mod row;
pub(crate) mod rows;

use countersign_domain::{
    decision::{ResolutionOutcome, Risk},
    ids::DecisionId,
    policy::Route,
    queue::{Asked, IdSearch, Narrowed, Sort, View},
    time::screen,
    view::{OwnReview, OwnReviewView, QueueView},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use self::{
    bar::{BulkBar, FilterBar, Orders, Rail},
    empty::Nothing,
    filter::Filter,
    follow::{Shown, focus_row, follow, keys},
    row::QueueRow,
};
use super::decision::{DecisionPane, Place, SelectedDecision, decision};
use crate::{
    Error,
    clock::ticking,
    components::{
        handover::HandoverBanner,
        keyboard::KeySheet,
        marks::{SealMark, VerdictMark},
        page::{Banner, Bar, PageHeader, PageTitle, Pager, Refusal, Skeleton, TitleText},
        pause::PauseBanner,
        text::Literal,
        time::Moment,
    },
    frame::Surroundings,
    lazy::Part,
    live::{Link, Live},
    pages::{
        decision::retract::{Countdown, RetractForm},
        me::preferences,
    },
    site::Advance,
    wire::Json,
};

/// Reads one page of a view of the queue, and what became of the decisions on the screen that left it.
#[server(prefix = "/act", endpoint = "queue", output = Json)]
pub(crate) async fn queue(
    view: Option<View>,
    sort: Option<Sort>,
    risk: Option<Risk>,
    system: Option<String>,
    type_name: Option<String>,
    route: Option<Route>,
    outcome: Option<ResolutionOutcome>,
    id: Option<String>,
    case: Option<String>,
    after: Option<String>,
    shown: Option<String>,
) -> Result<QueueView, Error> {
    use countersign_domain::problem::{Code, FieldError, Problem};
    use countersign_engine::decisions::{self, QueueFilter};

    use crate::request::{request, shown as answered};

    let (engine, caller) = request()?;
    let field = |pointer: &str, problem: &str| {
        let errors = vec![FieldError::new(pointer, "wrong_kind", problem.to_owned())];
        Error::Told { problem: Problem::fields(Code::InvalidContent, problem, errors), request: String::new() }
    };
    let id = id.as_deref().map(IdSearch::parse).transpose().map_err(|problem| field("/id", problem))?;
    let shown: Option<Vec<DecisionId>> =
        shown.iter().flat_map(|ids| ids.split(',')).filter(|id| !id.is_empty()).map(|id| id.parse().ok()).collect();
    let shown = shown.ok_or_else(|| field("/shown", "Name decisions by their whole ids, with commas between."))?;
    let narrowed = Narrowed { risk, system, type_name, route, outcome, id, case };
    let filter = QueueFilter { view, sort: sort.unwrap_or_default(), narrowed, after, shown };
    answered(&caller, decisions::queue(&engine, &caller, filter).await)
}

async fn fetch(filter: Filter, shown: &[DecisionId]) -> Result<QueueView, Error> {
    let Filter { view, sort, narrowed, after, .. } = filter;
    let id = narrowed.id.as_ref().map(IdSearch::text);
    let shown = shown.iter().map(DecisionId::to_string).collect::<Vec<_>>().join(",");
    let shown = Some(shown).filter(|shown| !shown.is_empty());
    let Narrowed { risk, system, type_name, route, outcome, case, .. } = narrowed;
    queue(view, Some(sort), risk, system, type_name, route, outcome, id, case, after, shown).await
}

/// The queue page.
#[component]
pub(crate) fn QueuePage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(Filter::from_query));
    let named = move |name: &'static str| {
        Memo::new(move |_| query.with(|query| query.get(name).and_then(|id| id.parse::<DecisionId>().ok())))
    };
    let (selected, done) = (named("sel"), named("done"));
    let view = Resource::new(move || filter.get(), |filter| async move { fetch(filter, &[]).await });
    // What the page came with is read.
    let read = StoredValue::new(selected.get_untracked());
    let detail: SelectedDecision = Resource::new(
        move || selected.get(),
        move |selected| async move {
            let shown = match selected {
                Some(id) => Some((id, decision(id).await)),
                None => None,
            };
            read.try_set_value(selected);
            shown
        },
    );

    // Fetched while the list is read, so that the first decision opens at once.
    Effect::new(|| {
        spawn_local(async {
            // What fails here fails again when a decision is opened, which says so.
            let _ = Part::Decision.fetch().await;
        });
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <DoneBar done/>
        <Transition fallback=|| {
            view! { <Skeleton rows=6/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        view! { <Desk view=shown filter=filter.get_untracked() selected detail read/> }.into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// Reads the person's own review of a decision.
#[server(prefix = "/act", endpoint = "my-review", output = Json)]
async fn my_review(decision: DecisionId) -> Result<OwnReviewView, Error> {
    use countersign_engine::people;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, people::my_review(&engine, &caller, decision).await)
}

/// What became of the review that led here, read from the server, never from the address.
#[component]
fn DoneBar(done: Memo<Option<DecisionId>>) -> impl IntoView {
    let own = Resource::new(
        move || done.get(),
        |done| async move {
            let OwnReviewView { review, now } = my_review(done?).await.ok()?;
            Some((review?, now))
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
                    .map(|(review, now)| {
                        let clock = ticking(now);
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
                                                {strings::FINAL_AT} <Moment at=until/> <Countdown until clock/>
                                            </span>
                                        }
                                    })}
                                {review
                                    .retractable
                                    .filter(|_| review.settles_at.is_none())
                                    .map(|entry| view! { <RetractForm decision=review.decision review=entry/> })}
                            </Banner>
                        }
                    })
            })}
        </Transition>
    }
}

/// Views, list and what is selected.
#[component]
fn Desk(
    view: QueueView,
    filter: Filter,
    selected: Memo<Option<DecisionId>>,
    detail: SelectedDecision,
    /// What was selected when a decision was read last.
    read: StoredValue<Option<DecisionId>>,
) -> impl IntoView {
    let shown = Shown::new(filter.clone(), &view);
    let QueueView { view: current, sort, items, counts, next_due_at, size, now, blocked, .. } = view;
    let (pauses, handovers) = (shown.pauses, shown.handovers);
    let clock = ticking(now);
    let dialog = NodeRef::<html::Dialog>::new();
    let surroundings = Surroundings::get();

    follow(shown, size);
    keys(shown, selected, dialog, move || {
        let wanted = selected.get_untracked();
        wanted.is_some() && read.get_value() != wanted
    });
    let navigate = use_navigate();
    let done = Callback::new(move |id: DecisionId| {
        let next = match preferences().advance {
            Advance::Stay => None,
            Advance::Next => shown.next_open(id),
        };
        let address = shown.filter.with_value(|filter| filter.address_done(id, next));
        navigate(&address, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        focus_row(next.unwrap_or(id));
        shown.refresh(surroundings);
    });

    let names = |name: fn(&countersign_domain::view::QueueItem) -> &String| {
        let mut names = Vec::<String>::new();
        for item in &items {
            if let Err(place) = names.binary_search(name(item)) {
                names.insert(place, name(item).clone());
            }
        }
        names
    };
    let (systems, types) = (names(|item| &item.system), names(|item| &item.type_name));
    let asked = Asked { view: current, sort, narrowed: filter.narrowed.clone() };
    let newest = filter.after.is_some().then(|| filter.at(None).address(None));
    let at_older = StoredValue::new(filter.clone());
    let note = blocked.clone().filter(|_| current != View::YourTurn);
    let no_id = filter.no_id.is_some();
    let empty = Memo::new(move |_| no_id || shown.rows.with(Vec::is_empty));
    let why = StoredValue::new((filter.clone(), counts, blocked));
    let live = expect_context::<Live>();
    // While nothing arrives, rows stay readable, and say how old they are.
    let dated = move || match live.link.get() {
        Link::Lost { since } => Some(format!("{} {}. {}", strings::ROWS_OF, screen(since), strings::ROWS_LATER)),
        Link::Ended => Some(strings::ROWS_ENDED.to_owned()),
        Link::Off | Link::Live => None,
    };
    let list_class = move || match selected.get() {
        Some(_) => "hidden min-w-0 min-[900px]:block",
        None => "min-w-0",
    };

    view! {
        <PageHeader title=|| strings::TITLE>
            <div class="flex flex-wrap items-center gap-x-4 gap-y-1 text-muted sm:min-h-8">
                <p class="tabular-nums">{current.name()} " · as of " <Moment at=now/></p>
                <KeySheet dialog/>
                <a href="/pauses" class="inline-flex min-h-8 items-center text-compact text-accent underline print:hidden">
                    {strings::PAUSE}
                </a>
                <a href="/handovers" class="inline-flex min-h-8 items-center text-compact text-accent underline print:hidden">
                    {strings::HANDOVERS}
                </a>
            </div>
        </PageHeader>
        <For each=move || pauses.get() key=|pause| pause.entry let:pause>
            <PauseBanner pause/>
        </For>
        <For each=move || handovers.get() key=|handover| handover.id let:handover>
            <HandoverBanner handover/>
        </For>
        {note
            .map(|reason| {
                view! {
                    <Banner bar=Bar::Note>
                        <p>{reason}</p>
                    </Banner>
                }
            })}
        <div class="grid grid-cols-1 items-start gap-4 min-[900px]:grid-cols-[minmax(0,22rem)_minmax(0,1fr)] xl:grid-cols-[12.5rem_26.25rem_minmax(0,1fr)]">
            <Rail counts=shown.counts saved=shown.saved filter=filter.clone() current/>
            <section aria-label=strings::LIST class=list_class>
                <div class="mb-2 grid">
                    <FilterBar filter=filter.clone() asked saved=shown.saved systems types/>
                    {current.is_open().then(|| view! { <Orders filter current=sort/> })}
                </div>
                {move || dated().map(|words| view! { <p class="mb-2 text-compact text-muted">{words}</p> })}
                <Pill shown/>
                {move || {
                    if empty.get() {
                        let (filter, counts, blocked) = why.get_value();
                        view! { <Nothing filter current counts next_due_at blocked/> }.into_any()
                    } else {
                        let rows = move || view! {
                            <ol
                                node_ref=shown.list
                                tabindex="-1"
                                aria-label=current.name()
                                class="divide-y divide-hairline overflow-hidden rounded-dialog border border-hairline bg-surface"
                                class=("grayscale", move || live.is_lost())
                            >
                                <For each=move || shown.rows.get() key=|row| row.id let:row>
                                    <QueueRow row filter=shown.filter selected chosen=shown.chosen clock/>
                                </For>
                            </ol>
                        };
                        match shown.chosen {
                            Some(chosen) => view! {
                                <form method="get" action="/bulk">
                                    <BulkBar chosen/>
                                    {rows()}
                                </form>
                            }
                            .into_any(),
                            None => rows().into_any(),
                        }
                    }
                }}
                {move || {
                    let older = shown.older.get().map(|after| at_older.with_value(|filter| filter.at(Some(after)).address(None)));
                    view! { <Pager label=strings::PAGES newest=newest.clone() older/> }
                }}
            </section>
            <Selected shown selected detail done/>
        </div>
        <RetractStrip reviews=shown.retractable clock/>
    }
}

/// At the foot of the list: reviews that the reader may still take back, whatever is selected meanwhile.
#[component]
fn RetractStrip(reviews: RwSignal<Vec<OwnReview>>, clock: Signal<u64>) -> impl IntoView {
    let running = Memo::new(move |_| {
        let now = clock.get();
        reviews
            .with(|reviews| reviews.iter().filter(|review| review.settles_at > Some(now)).cloned().collect::<Vec<_>>())
    });

    view! {
        <Show when=move || !running.with(Vec::is_empty)>
            <aside
                aria-label=strings::RETRACTABLE
                class="sticky bottom-14 z-10 mt-4 border-t border-hairline bg-surface px-3 py-2 text-body sm:bottom-0 print:hidden"
            >
                <ul class="grid grid-cols-1 gap-2">
                    <For each=move || running.get() key=|review| review.retractable let:review>
                        <li class="flex flex-wrap items-center gap-x-4 gap-y-1">
                            <VerdictMark verdict=review.verdict/>
                            <a href=format!("/decisions/{}", review.decision) class="min-w-0 truncate font-medium underline">
                                <Literal text=review.title/>
                            </a>
                            <SealMark seal=review.seal/>
                            {review
                                .settles_at
                                .map(|until| {
                                    view! {
                                        <span class="text-compact text-muted">
                                            {strings::FINAL} <Countdown until clock/>
                                        </span>
                                    }
                                })}
                            {review
                                .retractable
                                .map(|entry| view! { <RetractForm decision=review.decision review=entry/> })}
                        </li>
                    </For>
                </ul>
            </aside>
        </Show>
    }
}

/// The selected decision: beside the list where there is room, in its place where there is not.
#[component]
fn Selected(
    shown: Shown,
    selected: Memo<Option<DecisionId>>,
    detail: SelectedDecision,
    done: Callback<DecisionId>,
) -> impl IntoView {
    move || {
        match selected.get() {
        Some(id) => {
            let list = shown.filter.with_value(|filter| filter.address(None));
            view! {
                <section
                    aria-label=strings::SELECTED
                    class="min-w-0 min-[900px]:sticky min-[900px]:top-3 min-[900px]:max-h-[calc(100dvh-1.5rem)] min-[900px]:overflow-y-auto min-[900px]:px-1"
                >
                    <DecisionPane id view=detail place=Place::Pane { list, done }/>
                </section>
            }
            .into_any()
        }
        None => view! {
            <p class="hidden rounded-dialog border border-dashed border-hairline px-6 py-10 text-muted min-[900px]:block print:hidden">
                {strings::SELECT}
            </p>
        }
        .into_any(),
    }
    }
}

/// What waits outside the list; the list moves only when the person asks.
#[component]
fn Pill(shown: Shown) -> impl IntoView {
    let surroundings = Surroundings::get();
    // One button for as long as something waits: a press must not fall between two of them.
    let waits = Memo::new(move |_| shown.waiting.get() > 0);
    move || {
        waits.get().then(|| {
            view! {
                <button
                    type="button"
                    on:click=move |_| shown.show_news(surroundings)
                    class="mb-3 inline-flex min-h-8 items-center gap-2 rounded-full bg-accent px-4 text-compact font-medium text-on-fill tabular-nums hover:opacity-90"
                >
                    {move || format!("{} new", shown.waiting.get())}
                    <span class="font-normal">{strings::SHOW}</span>
                </button>
            }
        })
    }
}

/// Says how many approvals are given and needed.
pub(crate) fn quorum(given: u64, need: u64) -> String {
    format!("{given} of {need} approvals")
}

/// Says how many rejections are given and reject it, where it takes more than one.
pub(crate) fn rejections(given: u64, threshold: u64) -> Option<String> {
    (threshold > 1).then(|| format!("{given} of {threshold} rejections"))
}

mod strings {
    pub(super) const PAUSE: &str = "Pause an AI system";
    pub(super) const HANDOVERS: &str = "Hand over";
    pub(super) const ROWS_OF: &str = "Rows as of";
    pub(super) const ROWS_LATER: &str = "What changed since is shown when the connection returns.";
    pub(super) const ROWS_ENDED: &str = "Your sign-in has ended, and these rows are old.";
    pub(super) const TITLE: &str = "Queue";
    pub(super) const FINAL_AT: &str = "Final at ";
    pub(super) const FINAL: &str = "Final";
    pub(super) const RETRACTABLE: &str = "Reviews that you can still take back";
    pub(super) const RECORDED: &str = "Your review is recorded.";
    pub(super) const LIST: &str = "List";
    pub(super) const PAGES: &str = "Pages of the queue";
    pub(super) const SHOW: &str = "Show";
    pub(super) const SELECTED: &str = "Selected decision";
    pub(super) const SELECT: &str =
        "Select a row, with j and k too: the whole decision appears here, and showing it is recorded.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_reads_as_a_count() {
        assert_eq!(quorum(0, 1), "0 of 1 approvals");
        assert_eq!(rejections(1, 2).as_deref(), Some("1 of 2 rejections"));
        assert_eq!(rejections(1, 1), None, "one is what everybody expects");
    }
}
