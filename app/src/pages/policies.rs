//! `/policies`: the table in force, what is under work, the guards no table passes, and the history; `/policies/{n}`:
//! one version for good.

use countersign_domain::policy::{
    Route,
    view::{ChangeKind, DraftRow, DraftState, PoliciesView, RuleChange, RuleView, VersionRow, VersionView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_params_map;

use crate::{
    Error,
    answer::{Answer, answer_of, goes_on, recorded},
    components::{
        admin::{Line, LineKind},
        form::{ErrorSummary, Submit, Weight},
        marks::{Chip, Tone},
        page::{Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::CopyId,
        time::Moment,
    },
    wire::Json,
};

/// Reads the policies.
#[server(prefix = "/act", endpoint = "policies", output = Json)]
pub(crate) async fn policies() -> Result<PoliciesView, Error> {
    use countersign_engine::policies;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, policies::list(&engine, &caller).await)
}

/// Reads one version.
#[server(prefix = "/act", endpoint = "policy-version", output = Json)]
pub(crate) async fn policy_version(number: u64) -> Result<VersionView, Error> {
    use countersign_engine::policies;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, policies::version(&engine, &caller, number).await)
}

/// Begins a draft from the table in force.
#[server(prefix = "/act", endpoint = "start-draft", output = Json)]
pub(crate) async fn start_draft() -> Result<Answer, Error> {
    use countersign_engine::policies;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { policies::start(&engine, &caller).await }).await;

    Ok(told(done.map(|id| Answer::done(format!("/policies/drafts/{id}")))))
}

/// Sets the amount above which no rule approves by itself, or asks for a second person.
#[server(prefix = "/act", endpoint = "set-guards", output = Json)]
pub(crate) async fn set_guards(#[server(default)] amount_max: String) -> Result<Answer, Error> {
    use countersign_domain::{problem::FieldError, proposal};
    use countersign_engine::policies;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let Ok(amount_max) = amount_max.trim().parse::<u64>() else {
        let fault = FieldError::new("/amount_max", "wrong_kind", "Write a whole number, such as 500.");
        return Ok(told(Err(proposal::invalid(vec![fault]))));
    };
    let done = act(async move { policies::set_guards(&engine, &caller, amount_max).await }).await;

    Ok(told(done.map(|waits| match waits {
        Some(_) => Answer::done("/admin/changes"),
        None => Answer::done("/policies"),
    })))
}

/// The page of policies.
#[component]
pub(crate) fn PoliciesPage() -> impl IntoView {
    let (start, guards) = (ServerAction::<StartDraft>::new(), ServerAction::<SetGuards>::new());
    let counts = [recorded(start), recorded(guards)];
    let view = Resource::new(move || counts.map(|count| count.get()), |_| policies());
    let (begun, set) = (answer_of(start), answer_of(guards));
    let problem = Signal::derive(move || begun.get().and_then(Answer::problem));
    goes_on(begun);
    goes_on(set);
    let guard_problem = Signal::derive(move || set.get().and_then(Answer::problem));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <PageHeader title=|| strings::TITLE.to_owned()>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <Transition fallback=|| view! { <Skeleton rows=6/> }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        view! {
                            <div class="grid max-w-5xl gap-6">
                                <ErrorSummary problem/>
                                <InForce number=shown.number since=shown.since table=shown.table/>
                                <Drafts drafts=shown.drafts may_draft=shown.may_draft start/>
                                <Guards
                                    guards=shown.guards
                                    amount_max=shown.amount_max
                                    may_set=shown.may_set_guards
                                    action=guards
                                    problem=guard_problem
                                />
                                <History versions=shown.versions/>
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn InForce(number: u64, since: u64, table: Vec<RuleView>) -> impl IntoView {
    view! {
        <Panel title=strings::IN_FORCE>
            <p class="text-muted">
                <a href=format!("/policies/{number}") class="text-accent underline">
                    {format!("Version {number}")}
                </a> " " {strings::SINCE} " " <Moment at=since/> ". " {strings::FIRST_MATCH}
            </p>
            <RuleTable rules=table caption=strings::IN_FORCE/>
        </Panel>
    }
    .into_any()
}

/// A table of rules that people can read: what each asks for, and what it does.
#[component]
pub(crate) fn RuleTable(rules: Vec<RuleView>, caption: &'static str) -> impl IntoView {
    view! {
        <table class="block w-full sm:table">
            <caption class="sr-only">{caption}</caption>
            <thead class="hidden text-left text-compact text-muted sm:table-header-group">
                <tr>
                    <th scope="col" class="py-1.5 pr-4 font-medium">{strings::RULE}</th>
                    <th scope="col" class="py-1.5 pr-4 font-medium">{strings::WHEN}</th>
                    <th scope="col" class="py-1.5 font-medium">{strings::THEN}</th>
                </tr>
            </thead>
            <tbody class="block sm:table-row-group">
                {rules
                    .into_iter()
                    .map(|rule| {
                        let always = rule.when.is_empty();
                        view! {
                            <tr class="block border-t border-hairline py-3 align-top sm:table-row sm:py-0">
                                <th scope="row" class="block text-left font-normal sm:table-cell sm:w-44 sm:py-2.5 sm:pr-4">
                                    <span class="tabular-nums text-muted">{format!("{}. ", rule.rule)}</span>
                                    <span class="font-mono text-compact [overflow-wrap:anywhere]">{rule.name}</span>
                                </th>
                                <td class="block py-1 sm:table-cell sm:py-2.5 sm:pr-4">
                                    {if always {
                                        view! { <span class="text-muted">{strings::ANYTHING_ELSE}</span> }.into_any()
                                    } else {
                                        view! {
                                            <ul class="grid gap-0.5">
                                                {rule
                                                    .when
                                                    .into_iter()
                                                    .map(|condition| {
                                                        view! { <li class="[overflow-wrap:anywhere]">{condition}</li> }
                                                    })
                                                    .collect_view()}
                                            </ul>
                                        }
                                            .into_any()
                                    }}
                                </td>
                                <td class="block py-1 sm:table-cell sm:py-2.5">
                                    <RouteMark route=rule.route/> <p class="mt-1 max-w-measure text-muted">{rule.does}</p>
                                </td>
                            </tr>
                        }
                            .into_any()
                    })
                    .collect_view()}
            </tbody>
        </table>
    }
    .into_any()
}

/// The route in a word; its colour is the second cue.
#[component]
pub(crate) fn RouteMark(route: Route) -> impl IntoView {
    let tone = match route {
        Route::AutoApprove => Tone::Approve,
        Route::Require => Tone::Plain,
        Route::Deny => Tone::Reject,
        Route::Escalate => Tone::Escalate,
    };
    view! { <Chip tone text=route.label()/> }
}

#[component]
fn Drafts(drafts: Vec<DraftRow>, may_draft: bool, start: ServerAction<StartDraft>) -> impl IntoView {
    let none = drafts.is_empty();
    let rows = drafts
        .into_iter()
        .map(|draft| {
            let changes = match draft.changes {
                0 => "says what the table in force says".to_owned(),
                1 => "1 row differs".to_owned(),
                count => format!("{count} rows differ"),
            };
            let tone = match draft.state {
                DraftState::InReview => Tone::Escalate,
                DraftState::Rejected => Tone::Reject,
                DraftState::Draft | DraftState::Activated | DraftState::Discarded => Tone::Plain,
            };
            view! {
                <li class="flex flex-wrap items-center justify-between gap-3 py-3">
                    <div class="grid gap-0.5">
                        <span>
                            <a href=format!("/policies/drafts/{}", draft.id) class="text-accent underline">
                                {format!("Draft by {}", draft.author)}
                            </a> ", " {strings::SAVED} " " <Moment at=draft.saved_at/>
                        </span>
                        <span class="text-compact text-muted">{changes}</span>
                    </div>
                    <Chip tone text=draft.state.label()/>
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::DRAFTS>
            {none.then(|| view! { <Empty title=strings::NO_DRAFTS reason=strings::NO_DRAFTS_REASON/> })}
            <ul class="divide-y divide-hairline">{rows}</ul>
            {match may_draft {
                true => {
                    view! {
                        <ActionForm action=start>
                            <Submit weight=Weight::Primary pending=start.pending()>
                                {strings::START}
                            </Submit>
                        </ActionForm>
                    }
                        .into_any()
                }
                false => view! { <p class="text-compact text-muted">{strings::NO_WRITING}</p> }.into_any(),
            }}
        </Panel>
    }
    .into_any()
}

#[component]
fn Guards(
    guards: Vec<String>,
    amount_max: u64,
    may_set: bool,
    action: ServerAction<SetGuards>,
    #[prop(into)] problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    view! {
        <Panel title=strings::GUARDS>
            <p class="max-w-measure text-muted">{strings::GUARDS_INTRO}</p>
            <ul class="max-w-measure list-disc space-y-1 pl-5">
                {guards.into_iter().map(|guard| view! { <li>{guard}</li> }).collect_view()}
            </ul>
            <p>{format!("The limit for rules is {amount_max}, in whole units of the type's amount.")}</p>
            {match may_set {
                true => {
                    view! {
                        <ErrorSummary problem/>
                        <ActionForm action=action attr:class="flex max-w-md flex-wrap items-end gap-3">
                            <div class="min-w-48 grow">
                                <Line
                                    id="amount_max"
                                    name="amount_max"
                                    label=strings::LIMIT
                                    hint=strings::LIMIT_HINT
                                    kind=LineKind::Text
                                    value=amount_max.to_string()
                                    problem
                                />
                            </div>
                            <Submit weight=Weight::Plain pending=action.pending()>
                                {strings::SET}
                            </Submit>
                        </ActionForm>
                    }
                        .into_any()
                }
                false => ().into_any(),
            }}
        </Panel>
    }
    .into_any()
}

#[component]
fn History(versions: Vec<VersionRow>) -> impl IntoView {
    let rows = versions
        .into_iter()
        .map(|version| {
            let rows = match version.rows {
                0 => "the default row only".to_owned(),
                1 => "1 row and the default".to_owned(),
                count => format!("{count} rows and the default"),
            };
            view! {
                <li class="flex flex-wrap gap-x-4 gap-y-1 py-2">
                    <a href=format!("/policies/{}", version.number) class="text-accent underline tabular-nums">
                        {format!("Version {}", version.number)}
                    </a>
                    <span class="text-muted">{rows} ", " {strings::SINCE} " " <Moment at=version.at/></span>
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::HISTORY>
            <ol class="divide-y divide-hairline">{rows}</ol>
        </Panel>
    }
    .into_any()
}

/// The page of one version.
#[component]
pub(crate) fn PolicyVersionPage() -> impl IntoView {
    let params = use_params_map();
    let number = move || params.with(|params| params.get("version").and_then(|text| text.parse().ok()).unwrap_or(0));
    let view = Resource::new(number, policy_version);

    view! {
        <PageTitle text=TitleText::page(strings::VERSION)/>
        <Transition fallback=|| view! { <Skeleton rows=6/> }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <Version shown/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Version(shown: VersionView) -> impl IntoView {
    let title = format!("Policy, version {}", shown.number);
    let none = shown.changes.is_empty();

    view! {
        <PageHeader title=move || title.clone()>
            <p>
                <a href="/policies" class="text-accent underline">{strings::ALL}</a>
            </p>
        </PageHeader>
        <div class="grid max-w-5xl gap-6">
            <Panel title=strings::ABOUT>
                <dl class="grid gap-1.5">
                    <Fact name=strings::FROM>
                        <Moment at=shown.at/>
                    </Fact>
                    <Fact name=strings::UNTIL>
                        {match shown.until {
                            Some(until) => view! { <Moment at=until/> }.into_any(),
                            None => view! { <span>{strings::NOW}</span> }.into_any(),
                        }}
                    </Fact>
                    <Fact name=strings::AUTHOR>{shown.author.unwrap_or_else(|| strings::NOBODY.to_owned())}</Fact>
                    <Fact name=strings::ACTIVATED_BY>
                        {shown.activated_by.unwrap_or_else(|| strings::NOBODY.to_owned())}
                    </Fact>
                    {shown
                        .reason
                        .map(|reason| {
                            view! {
                                <Fact name=strings::REASON>
                                    <span class="whitespace-pre-wrap [overflow-wrap:anywhere]">{reason}</span>
                                </Fact>
                            }
                        })}
                    <Fact name=strings::DIGEST>
                        <CopyId id=shown.digest label="digest of the table"/>
                    </Fact>
                    <Fact name=strings::ENTRY>
                        <CopyId id=shown.entry.to_string() label="entry id"/>
                    </Fact>
                </dl>
            </Panel>
            <Panel title=strings::CHANGES>
                {none.then(|| view! { <p class="text-muted">{strings::NO_CHANGES}</p> })}
                <ChangeList changes=shown.changes/>
            </Panel>
            <Panel title=strings::TABLE>
                <RuleTable rules=shown.table caption=strings::TABLE/>
            </Panel>
        </div>
    }
    .into_any()
}

/// Rows that differ: what each said and says.
#[component]
pub(crate) fn ChangeList(changes: Vec<RuleChange>) -> impl IntoView {
    view! {
        <ul class="divide-y divide-hairline">
            {changes
                .into_iter()
                .map(|change| {
                    let (word, tone) = match change.kind {
                        ChangeKind::Added => ("Added", Tone::Approve),
                        ChangeKind::Removed => ("Removed", Tone::Reject),
                        ChangeKind::Changed => ("Changed", Tone::Escalate),
                        ChangeKind::Moved => ("Moved", Tone::Info),
                    };
                    view! {
                        <li class="grid gap-1 py-3">
                            <p class="flex flex-wrap items-center gap-2">
                                <Chip tone text=word/> <span class="font-mono text-compact">{change.name}</span>
                            </p>
                            {change
                                .before
                                .map(|before| {
                                    view! {
                                        <p class="max-w-measure border-l-2 border-reject pl-3">
                                            <span class="sr-only">{strings::BEFORE}</span>
                                            {before}
                                        </p>
                                    }
                                })}
                            {change
                                .after
                                .map(|after| {
                                    view! {
                                        <p class="max-w-measure border-l-2 border-approve pl-3">
                                            <span class="sr-only">{strings::AFTER}</span>
                                            {after}
                                        </p>
                                    }
                                })}
                        </li>
                    }
                        .into_any()
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

mod strings {
    pub(super) const TITLE: &str = "Policies";
    pub(super) const INTRO: &str =
        "Which decisions a rule answers, which ask people, and whom. Whoever writes a version never puts it in force.";
    pub(super) const IN_FORCE: &str = "Table in force";
    pub(super) const SINCE: &str = "since";
    pub(super) const FIRST_MATCH: &str = "Rows are read from the top; the first whose conditions all hold decides.";
    pub(super) const RULE: &str = "Rule";
    pub(super) const WHEN: &str = "When";
    pub(super) const THEN: &str = "Then the decision";
    pub(super) const ANYTHING_ELSE: &str = "Anything that no row above caught";
    pub(super) const DRAFTS: &str = "Under work";
    pub(super) const SAVED: &str = "saved";
    pub(super) const NO_DRAFTS: &str = "No drafts";
    pub(super) const NO_DRAFTS_REASON: &str =
        "A draft begins as a copy of the table in force and changes nothing until somebody else puts it in force.";
    pub(super) const START: &str = "Begin a draft";
    pub(super) const NO_WRITING: &str = "Policy authors write drafts. An admin can give the role.";
    pub(super) const GUARDS: &str = "Guards";
    pub(super) const GUARDS_INTRO: &str =
        "They stand above every table: where one applies, a rule that approves by itself asks people instead.";
    pub(super) const LIMIT: &str = "Highest amount a rule approves by itself";
    pub(super) const LIMIT_HINT: &str = "Lowering holds at once; raising waits for a second person.";
    pub(super) const SET: &str = "Set";
    pub(super) const HISTORY: &str = "History";
    pub(super) const VERSION: &str = "Policy version";
    pub(super) const ALL: &str = "All policies";
    pub(super) const ABOUT: &str = "About this version";
    pub(super) const FROM: &str = "In force from";
    pub(super) const UNTIL: &str = "Until";
    pub(super) const NOW: &str = "It is in force.";
    pub(super) const AUTHOR: &str = "Written by";
    pub(super) const ACTIVATED_BY: &str = "Activated by";
    pub(super) const NOBODY: &str = "The operator's command or the first start";
    pub(super) const REASON: &str = "Why";
    pub(super) const DIGEST: &str = "Digest";
    pub(super) const ENTRY: &str = "Entry";
    pub(super) const CHANGES: &str = "What it changed";
    pub(super) const NO_CHANGES: &str = "Nothing of a version before it.";
    pub(super) const TABLE: &str = "Table";
    pub(super) const BEFORE: &str = "Before: ";
    pub(super) const AFTER: &str = "After: ";
}
