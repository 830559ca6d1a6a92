//! `/admin/people/{person}`: what one person holds, since when and by whom; give a role, with its effect first.

use countersign_domain::{
    Problem,
    decision::Risk,
    ids::{PersonId, RoleAssignmentId},
    role::Role,
    view::{AssignmentRow, HoldingForm, PersonView, RolePreview},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};

use super::changes::{Acts as ChangeActs, ChangeList};
use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        admin::{Choose, Line, LineKind},
        form::{ErrorSummary, Submit, Weight},
        holding::Held,
        marks::{Chip, Tone},
        page::{Banner, Bar, Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        time::Moment,
    },
    wire::Json,
};

/// Reads one person's access, and what a role filled in would do.
#[server(prefix = "/act", endpoint = "person", output = Json)]
pub(crate) async fn person(
    person: PersonId,
    #[server(default)] role: String,
    #[server(default)] systems: String,
    #[server(default)] types: String,
    #[server(default)] risk: String,
    #[server(default)] amount: String,
    #[server(default)] until: String,
) -> Result<PersonView, Error> {
    use countersign_engine::people;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let form = (!role.is_empty()).then_some(HoldingForm { role, systems, types, risk, amount, until });
    shown(&caller, people::person(&engine, &caller, person, form).await)
}

/// Gives a person a role, or asks for a second person.
#[server(prefix = "/act", endpoint = "assign-role", output = Json)]
pub(crate) async fn assign_role(
    person: PersonId,
    role: String,
    #[server(default)] systems: String,
    #[server(default)] types: String,
    #[server(default)] risk: String,
    #[server(default)] amount: String,
    #[server(default)] until: String,
) -> Result<Answer, Error> {
    use countersign_engine::roles;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let form = HoldingForm { role, systems, types, risk, amount, until };
    let done = act(async move { roles::assign_form(&engine, &caller, person, &form).await }).await;

    Ok(told(done.map(|_| Answer::done(format!("/admin/people/{person}")))))
}

/// Takes a role away.
#[server(prefix = "/act", endpoint = "end-role", output = Json)]
pub(crate) async fn end_role(person: PersonId, assignment: RoleAssignmentId) -> Result<Answer, Error> {
    use countersign_engine::roles;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { roles::end(&engine, &caller, assignment).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/admin/people/{person}")))))
}

/// The page of one person.
#[component]
pub(crate) fn PersonPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let assign = ServerAction::<AssignRole>::new();
    let end = ServerAction::<EndRole>::new();
    let changes = ChangeActs::new();
    let asked = move || {
        let id = params.with(|params| params.get("person").and_then(|id| id.parse::<PersonId>().ok()));
        let form = query.with(|query| {
            let word = |name: &str| query.get(name).unwrap_or_default();
            HoldingForm {
                role: word("role"),
                systems: word("systems"),
                types: word("types"),
                risk: word("risk"),
                amount: word("amount"),
                until: word("until"),
            }
        });
        (id, form, assign.version().get() + end.version().get() + changes.version())
    };
    let view = Resource::new(asked, |(id, form, _)| async move {
        let HoldingForm { role, systems, types, risk, amount, until } = form;
        match id {
            Some(id) => Some(person(id, role, systems, types, risk, amount, until).await),
            None => None,
        }
    });
    let (assigned, ended) = (answer_of(assign), answer_of(end));
    let assign_problem = Signal::derive(move || assigned.get().and_then(Answer::problem));
    let end_problem = Signal::derive(move || ended.get().and_then(Answer::problem));
    let change_problem = changes.problem();

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Some(Ok(shown)) => {
                        let PersonView { id, name, login, disabled, providers, assignments, awaiting, preview, .. } = shown;
                        let (running, past): (Vec<_>, Vec<_>) =
                            assignments.into_iter().partition(|row| row.ended.is_none());
                        let none = running.is_empty();
                        view! {
                            <PageHeader title=move || name.clone()>
                                <p class="flex flex-wrap items-center gap-3 text-muted">
                                    {login}
                                    {(!providers.is_empty())
                                        .then(|| {
                                            view! { <span>{format!("{} {}", strings::KNOWN_BY, providers.join(", "))}</span> }
                                        })}
                                    {disabled.then(|| view! { <Chip tone=Tone::Reject text=strings::DISABLED/> })}
                                    <a href="/admin/people" class="text-accent underline">{strings::BACK}</a>
                                    <a href="/admin/roles" class="text-accent underline">{strings::MATRIX}</a>
                                </p>
                            </PageHeader>
                            <div class="grid max-w-5xl gap-6">
                                <ErrorSummary problem=end_problem/>
                                <Panel title=strings::HOLDS>
                                    {none.then(|| view! { <Empty title=strings::NO_ROLE reason=strings::NO_ROLE_REASON/> })}
                                    <Assignments rows=running person=id end/>
                                </Panel>
                                {(!awaiting.is_empty())
                                    .then(|| {
                                        view! {
                                            <h2 class="text-reading font-semibold">{strings::WAITING}</h2>
                                            <ErrorSummary problem=change_problem/>
                                            <ChangeList label=strings::WAITING changes=awaiting now=shown.now acts=changes/>
                                        }
                                    })}
                                {preview
                                    .map(|preview| view! { <Preview person=id preview assign problem=assign_problem/> })}
                                {shown
                                    .may_assign
                                    .then(|| {
                                        view! { <Fill person=id systems=shown.systems types=shown.types query/> }
                                    })}
                                {(!past.is_empty())
                                    .then(|| {
                                        view! {
                                            <Panel title=strings::PAST>
                                                <Assignments rows=past person=id end/>
                                            </Panel>
                                        }
                                    })}
                            </div>
                        }
                            .into_any()
                    }
                    Some(Err(error)) => view! { <Refusal error/> }.into_any(),
                    None => super::not_found::NotFoundPage().into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Assignments(rows: Vec<AssignmentRow>, person: PersonId, end: ServerAction<EndRole>) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let words = format!("End {}", row.holding.role.name().to_ascii_lowercase());
            view! {
                <li class="flex flex-wrap items-center justify-between gap-3 py-3">
                    <div class="grid min-w-0 gap-1">
                        <p>
                            <Held holding=row.holding/>
                        </p>
                        <p class="text-compact text-muted">
                            {format!("Given by {} ({}) ", row.by, row.source)} <Moment at=row.assigned_at/> " "
                            <Entry index=row.index/>
                            {row.ended.map(|(at, index)| view! { "; ended " <Moment at/> " " <Entry index/> })}
                        </p>
                    </div>
                    {row.may_end
                        .then(|| {
                            view! {
                                <ActionForm action=end>
                                    <input type="hidden" name="person" value=person.to_string()/>
                                    <input type="hidden" name="assignment" value=row.id.to_string()/>
                                    <Submit weight=Weight::Ending pending=end.pending()>
                                        {words}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! { <ul class="divide-y divide-hairline">{rows}</ul> }
}

/// The entry of the ledger that gave or took.
#[component]
fn Entry(index: Option<u64>) -> impl IntoView {
    index.map(|index| {
        view! {
            <a href=format!("/ledger/{index}") class="text-accent underline tabular-nums">
                {format!("entry #{index}")}
            </a>
        }
    })
}

/// What the role filled in would do, and the button that does it.
#[component]
fn Preview(
    person: PersonId,
    preview: RolePreview,
    assign: ServerAction<AssignRole>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let RolePreview { holding, problem: barred, waits, form } = preview;
    let open = barred.is_none();
    let barred = Signal::stored(barred);

    view! {
        <Panel title=strings::EFFECT>
            <ErrorSummary problem=barred/>
            <ErrorSummary problem/>
            {holding
                .map(|holding| {
                    view! {
                        <dl class="grid gap-1">
                            <Fact name=strings::GETS>
                                <Held holding/>
                            </Fact>
                        </dl>
                    }
                })}
            {open
                .then(|| {
                    let note = if waits { strings::WAITS } else { strings::AT_ONCE };
                    view! {
                        <Banner bar=Bar::Note>{note}</Banner>
                        <ActionForm action=assign>
                            <input type="hidden" name="person" value=person.to_string()/>
                            <input type="hidden" name="role" value=form.role/>
                            <input type="hidden" name="systems" value=form.systems/>
                            <input type="hidden" name="types" value=form.types/>
                            <input type="hidden" name="risk" value=form.risk/>
                            <input type="hidden" name="amount" value=form.amount/>
                            <input type="hidden" name="until" value=form.until/>
                            <Submit weight=Weight::Primary pending=assign.pending()>
                                {if waits { strings::ASK } else { strings::GIVE }}
                            </Submit>
                        </ActionForm>
                    }
                })}
        </Panel>
    }
}

/// The form that shows an effect; it changes nothing.
#[component]
fn Fill(
    person: PersonId,
    systems: Vec<String>,
    types: Vec<String>,
    query: Memo<leptos_router::params::ParamsMap>,
) -> impl IntoView {
    let none = Signal::stored(None::<Problem>);
    let word = move |name: &'static str| {
        let posted = typed::<AssignRole>(name);
        if posted.is_empty() { query.with_untracked(|query| query.get(name).unwrap_or_default()) } else { posted }
    };
    let chosen = Role::from_word(&word("role")).unwrap_or(Role::Viewer);
    let roles = Role::ALL
        .into_iter()
        .map(|role| (role.word().to_owned(), format!("{}: {}", role.name(), role.sentence()), role == chosen))
        .collect();
    let highest = word("risk");
    let mut risks = vec![(String::new(), strings::ANY_RISK.to_owned(), highest.is_empty())];
    risks.extend(
        Risk::ALL.iter().map(|risk| (risk.word().to_owned(), format!("up to {}", risk.word()), highest == risk.word())),
    );
    let known = |words: &str, names: &[String]| match names.is_empty() {
        true => format!("{words} none yet."),
        false => format!("{words} {}.", names.join(", ")),
    };
    let (known_systems, known_types) = (known(strings::KNOWN, &systems), known(strings::KNOWN, &types));

    view! {
        <Panel title=strings::ADD>
            <form method="get" action=format!("/admin/people/{person}") class="grid max-w-3xl gap-4 sm:grid-cols-2">
                <div class="sm:col-span-2">
                    <Choose id="role" name="role" label=strings::ROLE options=roles/>
                </div>
                <div class="grid content-start gap-1">
                    <Line
                        id="systems"
                        name="systems"
                        label=strings::SYSTEMS
                        hint=strings::EMPTY_ALL
                        kind=LineKind::Text
                        value=word("systems")
                        problem=none
                    />
                    <p class="text-compact text-muted [overflow-wrap:anywhere]">{known_systems}</p>
                </div>
                <div class="grid content-start gap-1">
                    <Line
                        id="types"
                        name="types"
                        label=strings::TYPES
                        hint=strings::EMPTY_ALL
                        kind=LineKind::Text
                        value=word("types")
                        problem=none
                    />
                    <p class="text-compact text-muted [overflow-wrap:anywhere]">{known_types}</p>
                </div>
                <Choose id="risk" name="risk" label=strings::RISK options=risks/>
                <Line
                    id="amount"
                    name="amount"
                    label=strings::AMOUNT
                    hint=strings::AMOUNT_HINT
                    kind=LineKind::Text
                    value=word("amount")
                    problem=none
                />
                <Line
                    id="until"
                    name="until"
                    label=strings::LAST_DAY
                    hint=strings::LAST_DAY_HINT
                    kind=LineKind::Day
                    value=word("until")
                    problem=none
                />
                <div class="sm:col-span-2">
                    <button type="submit" class=Weight::Plain.class()>
                        {strings::SHOW_EFFECT}
                    </button>
                </div>
            </form>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Person";
    pub(super) const DISABLED: &str = "Disabled";
    pub(super) const KNOWN_BY: &str = "Signs in through";
    pub(super) const BACK: &str = "All people";
    pub(super) const MATRIX: &str = "What each role may do";
    pub(super) const HOLDS: &str = "Roles held";
    pub(super) const NO_ROLE: &str = "No role";
    pub(super) const NO_ROLE_REASON: &str = "This person may sign in and see their own page, nothing else.";
    pub(super) const WAITING: &str = "Waits for a second person";
    pub(super) const PAST: &str = "Roles held before";
    pub(super) const EFFECT: &str = "What this would do";
    pub(super) const GETS: &str = "Gets";
    pub(super) const WAITS: &str = "Nothing changes yet: an admin, senior approver or compliance officer other than you and this person has to confirm it.";
    pub(super) const AT_ONCE: &str = "It takes effect at once. Taking the role away again ends the person's sign-ins.";
    pub(super) const ASK: &str = "Ask for it";
    pub(super) const GIVE: &str = "Give the role";
    pub(super) const ADD: &str = "Give a role";
    pub(super) const ROLE: &str = "Role";
    pub(super) const SYSTEMS: &str = "AI systems";
    pub(super) const TYPES: &str = "Decision types";
    pub(super) const EMPTY_ALL: &str = "Names with spaces between. Empty: all of them.";
    pub(super) const KNOWN: &str = "Known:";
    pub(super) const RISK: &str = "Highest risk to review";
    pub(super) const ANY_RISK: &str = "as the role allows";
    pub(super) const AMOUNT: &str = "Highest amount to review";
    pub(super) const AMOUNT_HINT: &str = "A whole number. Empty: any.";
    pub(super) const LAST_DAY: &str = "Last day";
    pub(super) const LAST_DAY_HINT: &str = "In UTC, included. Empty: no end.";
    pub(super) const SHOW_EFFECT: &str = "Show what it would do";
}
