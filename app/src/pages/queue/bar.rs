//! What stands around the list: the rail of views, the order, the filters.

use countersign_domain::{
    bulk::BULK_MAX,
    decision::{ResolutionOutcome, Risk},
    ids::DecisionId,
    policy::Route,
    queue::{Asked, Count, Narrowed, Sort, View},
    saved::{CountedView, NAME_CHARACTERS_MAX, SAVED_MAX, SavedView},
};
use leptos::{html, prelude::*, server_fn::ServerFn};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::filter::{Fields, Filter, NoId};
use crate::{
    components::{form::Weight, marks::outcome_words, text::Literal},
    pages::views::SaveView,
};

/// The views with their counts; a link leads to the whole view, so that its count is what it shows.
#[component]
pub(super) fn Rail(
    counts: RwSignal<Vec<Count>>,
    /// The reader's own views.
    saved: RwSignal<Vec<CountedView>>,
    filter: Filter,
    current: View,
) -> impl IntoView {
    let here = StoredValue::new(Asked { view: current, sort: filter.sort, narrowed: filter.narrowed.clone() });
    // A view of one's own that is shown is the current one, and not the built-in view that it narrows.
    let own = here.with_value(|here| saved.with_untracked(|saved| saved.iter().any(|view| view.saved.asked == *here)));
    let held = counts.with_untracked(|counts| {
        counts.iter().filter(|count| count.count > 0).map(|count| count.view).collect::<Vec<_>>()
    });
    let stands = move |view: &View| !view.is_rare() || held.contains(view) || current == *view;
    let views = View::ALL.iter().copied().filter(stands).map(|view| {
        let words =
            move || counts.with(|counts| counts.iter().find(|count| count.view == view).map(|count| count.words()));
        let some = move || counts.with(|counts| counts.iter().any(|count| count.view == view && count.count > 0));
        view! {
            <li>
                <a
                    href=filter.of(view).address(None)
                    aria-current=(view == current && !own).then_some("page")
                    class=VIEW
                >
                    <span>{view.name()}</span>
                    <span
                        class="text-compact tabular-nums"
                        class=("text-escalate", move || view == View::Breaching && some())
                        class=("font-semibold", move || view == View::Breaching && some())
                    >
                        {words}
                        <span class="sr-only">" decisions"</span>
                    </span>
                </a>
            </li>
        }
    });

    view! {
        <nav aria-label=strings::VIEWS class="col-span-full min-w-0 xl:col-span-1 print:hidden">
            <ul class="relative flex gap-1.5 overflow-x-auto py-1 whitespace-nowrap sm:flex-wrap sm:py-0 xl:grid xl:gap-0.5">
                {views.collect_view()}
                <For each=move || saved.get() key=|view| view.saved.id let:view>
                    <OwnView view saved here/>
                </For>
            </ul>
        </nav>
    }
}

const VIEW: &str = "flex min-h-11 items-center justify-between gap-2 rounded-control border border-hairline px-3 text-body text-text no-underline hover:bg-raised aria-[current=page]:border-accent aria-[current=page]:bg-selected aria-[current=page]:font-medium aria-[current=page]:text-accent sm:min-h-9 xl:border-transparent";

/// One of the reader's own views, beside the built-in ones.
#[component]
fn OwnView(view: CountedView, saved: RwSignal<Vec<CountedView>>, here: StoredValue<Asked>) -> impl IntoView {
    let SavedView { id, name, asked } = view.saved;
    let count = move || saved.with(|saved| saved.iter().find(|view| view.saved.id == id).map(CountedView::words));
    let current = here.with_value(|here| *here == asked);
    let title = name.clone();

    view! {
        <li>
            <a href=Filter::saved(&asked).address(None) aria-current=current.then_some("page") title=title class=VIEW>
                <span class="max-w-40 truncate">
                    <Literal text=name/>
                </span>
                <span class="text-compact tabular-nums">
                    {count} <span class="sr-only">{strings::DECISIONS}</span>
                </span>
            </a>
        </li>
    }
}

/// Names the filters and the order that are asked for, so that they stand beside the built-in views.
#[component]
fn SaveForm(asked: Asked, saved: RwSignal<Vec<CountedView>>) -> impl IntoView {
    let plain = !asked.narrowed.narrows() && asked.sort == Sort::default();
    let (kept, full) =
        saved.with_untracked(|saved| (saved.iter().any(|view| view.saved.asked == asked), saved.len() >= SAVED_MAX));
    let arrange = saved.with_untracked(|saved| !saved.is_empty()).then(|| {
        view! {
            <a href="/me/views" class="inline-flex min-h-11 items-center text-compact text-accent underline sm:min-h-8">
                {strings::ARRANGE}
            </a>
        }
    });
    if plain || kept || asked.narrowed.looks_up() {
        return arrange.into_any();
    }
    if full {
        return view! { <p class="text-compact text-muted">{strings::FULL} " " {arrange}</p> }.into_any();
    }
    let Asked { view, sort, narrowed: Narrowed { risk, system, type_name, route, outcome, .. } } = asked;
    let fields = [
        ("view", Some(view.word().to_owned())),
        ("sort", Some(sort.word().to_owned())),
        ("risk", risk.map(|risk| risk.word().to_owned())),
        ("system", system),
        ("type_name", type_name),
        ("route", route.map(|route| route.word().to_owned())),
        ("outcome", outcome.map(|outcome| outcome.word().to_owned())),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| view! { <input type="hidden" name=name value=value/> }))
        .collect_view();

    view! {
        <form method="post" action=SaveView::PATH class="mb-2 flex flex-wrap items-end gap-3">
            {fields}
            <div class="grid min-w-40 flex-1 gap-1">
                <label for="view-name" class="text-compact text-muted">
                    {strings::NAME}
                </label>
                <input
                    id="view-name"
                    name="name"
                    type="text"
                    required
                    maxlength=NAME_CHARACTERS_MAX.to_string()
                    autocomplete="off"
                    class=CONTROL
                />
            </div>
            <button type="submit" class=Weight::Plain.class()>
                {strings::SAVE}
            </button>
            {arrange}
        </form>
    }
    .into_any()
}

/// The orders, each a link; resolved decisions have one.
#[component]
pub(super) fn Orders(filter: Filter, current: Sort) -> impl IntoView {
    let orders = Sort::ALL.iter().copied().map(|sort| {
        let address = Filter { sort, after: None, ..filter.clone() }.address(None);
        view! {
            <li>
                <a
                    href=address
                    aria-current=(sort == current).then_some("true")
                    class="inline-flex min-h-11 items-center rounded-chip px-1 text-accent underline aria-[current=true]:font-semibold aria-[current=true]:text-text aria-[current=true]:no-underline sm:min-h-8"
                >
                    {sort.name()}
                </a>
            </li>
        }
    });

    view! {
        <nav aria-label=strings::ORDER class="flex flex-wrap items-center gap-x-2 text-compact text-muted print:hidden">
            <span aria-hidden="true">{strings::ORDER}</span>
            <ul class="flex flex-wrap gap-x-2">{orders.collect_view()}</ul>
        </nav>
    }
}

/// What is selected to be reviewed together, and the way there. Not on narrow screens, where nothing is selected.
#[component]
pub(super) fn BulkBar(chosen: RwSignal<Vec<DecisionId>>) -> impl IntoView {
    view! {
        <p class="mb-2 hidden flex-wrap items-center gap-3 text-compact text-muted min-[900px]:flex print:hidden">
            <button type="submit" class=Weight::Plain.class()>
                {strings::TOGETHER}
            </button>
            <span class="tabular-nums">{move || chosen_words(chosen.with(Vec::len))}</span>
            <a href="/bulk" class="inline-flex min-h-8 items-center text-accent underline">
                {strings::BEFORE}
            </a>
        </p>
    }
}

/// Says how many are selected, and how many may be.
fn chosen_words(count: usize) -> String {
    match count {
        0 => format!("Select decisions of one type, at most {BULK_MAX}"),
        _ if count > BULK_MAX => format!("{count} selected, more than the {BULK_MAX} that are reviewed at once"),
        _ => format!("{count} selected, at most {BULK_MAX}"),
    }
}

const CONTROL: &str =
    "block min-h-11 w-full rounded-control border border-control bg-surface px-2.5 text-body text-text sm:min-h-9";

/// The filters: a form that asks for another address.
#[component]
pub(super) fn FilterBar(
    filter: Filter,
    /// What the list answers.
    asked: Asked,
    /// The reader's own views.
    saved: RwSignal<Vec<CountedView>>,
    systems: Vec<String>,
    types: Vec<String>,
) -> impl IntoView {
    let Narrowed {
        risk: risk_now,
        system: system_now,
        type_name: type_now,
        route: route_now,
        outcome: outcome_now,
        case: case_now,
        ..
    } = filter.narrowed.clone();
    let resolved = filter.view.is_some_and(|view| !view.is_open());
    let narrows = filter.narrowed.narrows() || filter.no_id.is_some();
    let (risk, route) = (NodeRef::<html::Select>::new(), NodeRef::<html::Select>::new());
    let (system, type_name) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let (id, case) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let outcome = NodeRef::<html::Select>::new();
    let navigate = use_navigate();
    let (view, sort) = (filter.view, filter.sort);
    let apply = move |event: leptos::ev::SubmitEvent| {
        let (Some(risk), Some(route)) = (risk.get_untracked(), route.get_untracked()) else { return };
        let inputs = [system, type_name, id, case].map(|input| input.get_untracked());
        let [Some(system), Some(type_name), Some(id), Some(case)] = inputs else { return };
        event.prevent_default();
        let asked = Filter::new(&Fields {
            view: view.map(View::word).unwrap_or_default().to_owned(),
            sort: sort.word().to_owned(),
            risk: risk.value(),
            system: system.value(),
            type_name: type_name.value(),
            route: route.value(),
            outcome: outcome.get_untracked().map(|outcome| outcome.value()).unwrap_or_default(),
            id: id.value(),
            case: case.value(),
            after: String::new(),
        });
        navigate(&asked.address(None), NavigateOptions::default());
    };
    let clear = filter.cleared().address(None);
    let id_text = filter.id_text();
    let no_id = filter.no_id;
    let invalid = no_id.is_some();

    view! {
        <details class="col-span-full print:hidden" open=narrows>
            <summary class="inline-flex min-h-11 cursor-pointer items-center gap-1 rounded-chip text-compact text-accent underline sm:min-h-8">
                {strings::FILTER}
            </summary>
            <form method="get" action="/queue" role="search" on:submit=apply class="mb-2 mt-1 grid items-end gap-3 sm:grid-cols-2">
                {view.map(|view| view! { <input type="hidden" name="view" value=view.word()/> })}
                {(sort != Sort::default()).then(|| view! { <input type="hidden" name="sort" value=sort.word()/> })}
                <div class="grid gap-1">
                    <label for="filter-risk" class="text-compact text-muted">
                        {strings::RISK}
                    </label>
                    <select id="filter-risk" name="risk" node_ref=risk class=CONTROL>
                        <option value="" selected=risk_now.is_none()>
                            {strings::ANY}
                        </option>
                        {[(Risk::High, "High"), (Risk::Medium, "Medium"), (Risk::Low, "Low")]
                            .into_iter()
                            .map(|(risk, word)| {
                                view! {
                                    <option value=risk.word() selected=risk_now == Some(risk)>
                                        {word}
                                    </option>
                                }
                            })
                            .collect_view()}
                    </select>
                </div>
                <div class="grid gap-1">
                    <label for="filter-system" class="text-compact text-muted">
                        {strings::SYSTEM}
                    </label>
                    <input
                        id="filter-system"
                        name="system"
                        node_ref=system
                        type="text"
                        list="systems"
                        value=system_now
                        autocomplete="off"
                        placeholder=strings::ANY
                        class=CONTROL
                    />
                    <datalist id="systems">
                        {systems.into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
                    </datalist>
                </div>
                <div class="grid gap-1">
                    <label for="filter-type" class="text-compact text-muted">
                        {strings::TYPE}
                    </label>
                    <input
                        id="filter-type"
                        name="type"
                        node_ref=type_name
                        type="text"
                        list="types"
                        value=type_now
                        autocomplete="off"
                        placeholder=strings::ANY
                        class=CONTROL
                    />
                    <datalist id="types">
                        {types.into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
                    </datalist>
                </div>
                <div class="grid gap-1">
                    <label for="filter-route" class="text-compact text-muted">
                        {strings::ROUTE}
                    </label>
                    <select id="filter-route" name="route" node_ref=route class=CONTROL>
                        <option value="" selected=route_now.is_none()>
                            {strings::ANY}
                        </option>
                        {[Route::Require, Route::Escalate, Route::AutoApprove, Route::Deny]
                            .into_iter()
                            .map(|route| {
                                view! {
                                    <option value=route.word() selected=route_now == Some(route)>
                                        {route.label()}
                                    </option>
                                }
                            })
                            .collect_view()}
                    </select>
                </div>
                {resolved
                    .then(|| {
                        view! {
                            <div class="grid gap-1">
                                <label for="filter-outcome" class="text-compact text-muted">
                                    {strings::OUTCOME}
                                </label>
                                <select id="filter-outcome" name="outcome" node_ref=outcome class=CONTROL>
                                    <option value="" selected=outcome_now.is_none()>
                                        {strings::ANY}
                                    </option>
                                    {ResolutionOutcome::ALL
                                        .iter()
                                        .copied()
                                        .map(|outcome| {
                                            view! {
                                                <option value=outcome.word() selected=outcome_now == Some(outcome)>
                                                    {outcome_words(outcome)}
                                                </option>
                                            }
                                        })
                                        .collect_view()}
                                </select>
                            </div>
                        }
                    })}
                <div class="grid gap-1">
                    <label for="filter-case" class="text-compact text-muted">
                        {strings::CASE}
                    </label>
                    <input
                        id="filter-case"
                        name="case"
                        node_ref=case
                        type="text"
                        value=case_now
                        autocomplete="off"
                        spellcheck="false"
                        class=CONTROL
                    />
                </div>
                <div class="grid gap-1">
                    <label for="filter-id" class="text-compact text-muted">
                        {strings::ID}
                    </label>
                    <input
                        id="filter-id"
                        name="id"
                        node_ref=id
                        type="text"
                        value=id_text
                        autocomplete="off"
                        spellcheck="false"
                        aria-invalid=invalid.then_some("true")
                        aria-describedby=invalid.then_some("filter-id-error")
                        class=CONTROL
                    />
                </div>
                <div class="flex flex-wrap items-center gap-3">
                    <button type="submit" class=Weight::Plain.class()>
                        {strings::APPLY}
                    </button>
                    {narrows
                        .then(|| {
                            view! {
                                <a href=clear class="inline-flex min-h-11 items-center text-compact text-accent underline sm:min-h-8">
                                    {strings::CLEAR}
                                </a>
                            }
                        })}
                </div>
                {no_id
                    .map(|NoId { problem, .. }| {
                        view! {
                            <p id="filter-id-error" class="col-span-full text-compact text-reject">
                                {problem}
                            </p>
                        }
                    })}
            </form>
            {(!invalid).then(|| view! { <SaveForm asked saved/> })}
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_selected_is_counted_against_the_most() {
        assert!(chosen_words(0).starts_with("Select decisions of one type"));
        assert_eq!(chosen_words(18), "18 selected, at most 50");
        assert!(chosen_words(51).contains("more than the 50"));
    }
}

mod strings {
    pub(super) const DECISIONS: &str = " decisions";
    pub(super) const NAME: &str = "Name these filters and this order";
    pub(super) const SAVE: &str = "Save as a view";
    pub(super) const ARRANGE: &str = "Rename, order or remove your views";
    pub(super) const FULL: &str = "You keep 20 views, which is all there is room for.";
    pub(super) const TOGETHER: &str = "Review together";
    pub(super) const BEFORE: &str = "Reviewed together before";
    pub(super) const VIEWS: &str = "Views";
    pub(super) const ORDER: &str = "Sort by";
    pub(super) const FILTER: &str = "Filter, or find by id or case";
    pub(super) const RISK: &str = "Risk";
    pub(super) const SYSTEM: &str = "AI system";
    pub(super) const TYPE: &str = "Action type";
    pub(super) const ROUTE: &str = "Route";
    pub(super) const ID: &str = "Decision id";
    pub(super) const CASE: &str = "Case";
    pub(super) const OUTCOME: &str = "Outcome";
    pub(super) const ANY: &str = "Any";
    pub(super) const APPLY: &str = "Apply";
    pub(super) const CLEAR: &str = "Clear filters";
}
