//! `/admin/roles`: who can do what, answered by the policies themselves, and why somebody may or may not.

use countersign_domain::{
    problem::Problem,
    role::Role,
    view::{Asked, Explained, PermissionRow, Reach, RolesView},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    Error,
    components::{
        admin::{AdminNav, Choose, Line, LineKind},
        form::{ErrorSummary, Weight},
        holding::Held,
        marks::{Chip, Tone},
        page::{PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
    },
    wire::Json,
};

/// Reads the matrix, and the answer to a question where one is asked.
#[server(prefix = "/act", endpoint = "roles", output = Json)]
pub(crate) async fn roles(
    #[server(default)] login: String,
    #[server(default)] action: String,
    #[server(default)] object: String,
) -> Result<RolesView, Error> {
    use countersign_engine::permissions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let asked = (!action.is_empty()).then_some(Asked { login, action, object });
    shown(&caller, permissions::view(&engine, &caller, asked).await)
}

/// The page of roles.
#[component]
pub(crate) fn RolesPage() -> impl IntoView {
    let query = use_query_map();
    let asked = move || {
        query.with(|query| {
            let word = |name: &str| query.get(name).unwrap_or_default();
            Asked { login: word("login"), action: word("action"), object: word("object") }
        })
    };
    let view = Resource::new(asked, |Asked { login, action, object }| roles(login, action, object));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <AdminNav/>
        <div class="grid gap-6">
            <Transition fallback=|| {
                view! { <Skeleton rows=4/> }
            }>
                {move || Suspend::new(async move {
                    match view.await {
                        Ok(RolesView { rows, questions, explained, problem, .. }) => {
                            let problem = Signal::stored(problem);
                            view! {
                                {explained.map(|explained| view! { <Answered explained/> })}
                                <Question asked=asked() questions problem/>
                                <Matrix rows/>
                            }
                                .into_any()
                        }
                        Err(error) => view! { <Refusal error/> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn Question(asked: Asked, questions: Vec<(String, String)>, problem: Signal<Option<Problem>>) -> impl IntoView {
    let options = questions
        .into_iter()
        .map(|(word, words)| {
            let chosen = word == asked.action;
            (word, words, chosen)
        })
        .collect();

    view! {
        <Panel title=strings::WHY>
            <ErrorSummary problem/>
            <form method="get" action="/admin/roles" class="grid max-w-3xl gap-4 sm:grid-cols-3">
                <Line
                    id="login"
                    name="login"
                    label=strings::LOGIN
                    hint=strings::LOGIN_HINT
                    kind=LineKind::Text
                    value=asked.login
                    problem
                />
                <Choose id="action" name="action" label=strings::ACTION options/>
                <Line
                    id="object"
                    name="object"
                    label=strings::OBJECT
                    hint=strings::OBJECT_HINT
                    kind=LineKind::Text
                    value=asked.object
                    problem
                />
                <div class="sm:col-span-3">
                    <button type="submit" class=Weight::Primary.class()>
                        {strings::ASK}
                    </button>
                </div>
            </form>
        </Panel>
    }
}

#[component]
fn Answered(explained: Explained) -> impl IntoView {
    let Explained { name, action, object, allowed, rules, held } = explained;
    let (tone, word) = if allowed { (Tone::Approve, "May") } else { (Tone::Reject, "May not") };
    let none = held.is_empty();
    let sentence = match (allowed, object.is_empty()) {
        (true, true) => format!("{name} may {action}."),
        (true, false) => format!("{name} may {action} ({object})."),
        (false, true) => format!("{name} may not {action}."),
        (false, false) => format!("{name} may not {action} ({object})."),
    };

    view! {
        <Panel title=strings::ANSWER>
            <p class="flex flex-wrap items-center gap-3 text-reading [overflow-wrap:anywhere]">
                <Chip tone text=word/>
                {sentence}
            </p>
            <ul aria-label=strings::BECAUSE class="grid gap-2">
                {rules
                    .into_iter()
                    .map(|rule| {
                        view! {
                            <li class="grid gap-x-4 sm:grid-cols-[16rem_minmax(0,1fr)]">
                                <code class="text-compact text-muted [overflow-wrap:anywhere]">{rule.id}</code>
                                <span>{rule.says}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
            <div class="grid gap-1 text-compact text-muted">
                <p>{if none { strings::HOLDS_NOTHING } else { strings::HOLDS }}</p>
                <ul class="grid gap-1">
                    {held
                        .into_iter()
                        .map(|holding| {
                            view! {
                                <li>
                                    <Held holding/>
                                </li>
                            }
                        })
                        .collect_view()}
                </ul>
            </div>
        </Panel>
    }
}

#[component]
fn Matrix(rows: Vec<PermissionRow>) -> impl IntoView {
    const HEAD: &str = "px-3 py-2 text-left text-compact font-medium text-muted";
    const CELL: &str = "px-3 py-2 align-top whitespace-nowrap";
    let heads = Role::ALL.map(|role| view! { <th scope="col" class=HEAD>{role.name()}</th> }).collect_view();
    let rows = rows
        .into_iter()
        .map(|row| {
            let cells = row
                .cells
                .into_iter()
                .map(|reach| {
                    let (class, word) = match reach {
                        Reach::Always => ("font-medium text-approve", "Yes"),
                        Reach::Everywhere => ("font-medium text-approve", "Yes, on all"),
                        Reach::Scope => ("font-medium text-info-ink", "In scope"),
                        Reach::Never => ("text-muted", "No"),
                    };
                    view! {
                        <td class=CELL>
                            <span class=class>{word}</span>
                        </td>
                    }
                })
                .collect_view();
            let rules = row
                .rules
                .into_iter()
                .map(|rule| {
                    view! {
                        <li>
                            <code>{rule.id}</code>
                            ": "
                            {rule.says}
                        </li>
                    }
                })
                .collect_view();
            view! {
                <tr>
                    <th scope="row" class="min-w-64 px-3 py-2 text-left font-normal">
                        <details>
                            <summary class="cursor-pointer">{row.words}</summary>
                            <ul class="mt-1 grid gap-1 text-compact text-muted">{rules}</ul>
                        </details>
                    </th>
                    {cells}
                </tr>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <div class="overflow-x-auto rounded-dialog border border-hairline bg-surface" tabindex="0" role="region" aria-label=strings::MATRIX>
            <table class="w-full">
                <caption class="sr-only">{strings::MATRIX}</caption>
                <thead class="border-b border-hairline">
                    <tr>
                        <th scope="col" class=HEAD>{strings::PERMISSION}</th>
                        {heads}
                    </tr>
                </thead>
                <tbody class="divide-y divide-hairline">{rows}</tbody>
            </table>
        </div>
        <p class="max-w-measure text-compact text-muted">{strings::LEGEND}</p>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Roles";
    pub(super) const INTRO: &str =
        "What each role may do. The table is not written down anywhere: the policies in force answer every cell.";
    pub(super) const WHY: &str = "Why may or may not somebody do this?";
    pub(super) const LOGIN: &str = "Person";
    pub(super) const LOGIN_HINT: &str = "Sign-in name. Empty: you.";
    pub(super) const ACTION: &str = "Would";
    pub(super) const OBJECT: &str = "On what";
    pub(super) const OBJECT_HINT: &str = "Decision id, AI system or sign-in name, where it needs one.";
    pub(super) const ASK: &str = "Ask";
    pub(super) const ANSWER: &str = "Answer";
    pub(super) const BECAUSE: &str = "Rules that decide";
    pub(super) const HOLDS: &str = "Holds at this moment:";
    pub(super) const HOLDS_NOTHING: &str = "Holds no role at this moment.";
    pub(super) const MATRIX: &str = "What each role may do";
    pub(super) const PERMISSION: &str = "Permission";
    pub(super) const LEGEND: &str = "In scope: for the AI systems, decision types and limits of the assignment. Yes, on all: for an assignment on every AI system. Yes: whatever its scope. Open a row for the rules behind it.";
}
