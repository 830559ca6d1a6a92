//! `/policies/drafts/{id}`: a table under work: its rows as forms, what it changes, what it would do with one decision,
//! and the second person who puts it in force.

#![expect(clippy::too_many_arguments, reason = "a server function takes one argument per field of its form")]

use countersign_domain::{
    Problem,
    ids::PolicyVersionId,
    policy::{
        OnTimeout, Operator, Route,
        view::{CONDITIONS_SHOWN, ConditionForm, DraftState, DraftView, FactRow, RuleForm, WhatIf},
    },
};
use leptos::{form::ActionForm, html, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};

use super::policies::{ChangeList, RouteMark};
use crate::{
    Error,
    answer::{Answer, answer_of, recorded, typed},
    components::{
        admin::{Choose, Line, LineKind},
        form::{ErrorSummary, Submit, Weight, error_of},
        marks::{Chip, Tone},
        page::{Banner, Bar, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::SafeTextArea,
        time::Moment,
        trace::TraceList,
    },
    wire::Json,
};

/// Reads a draft, and what it would do with a decision where one is named.
#[server(prefix = "/act", endpoint = "policy-draft", output = Json)]
pub(crate) async fn policy_draft(draft: String, #[server(default)] decision: String) -> Result<DraftView, Error> {
    use countersign_engine::policies;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let found = match draft.parse() {
        Ok(draft) => policies::draft(&engine, &caller, draft, decision.trim().parse().ok()).await,
        Err(_) => Err(countersign_engine::Error::NotFound),
    };
    shown(&caller, found)
}

/// Saves one row: a new one, or the one with this number.
#[server(prefix = "/act", endpoint = "save-rule", output = Json)]
pub(crate) async fn save_rule(
    draft: PolicyVersionId,
    saved: u64,
    #[server(default)] rule: String,
    #[server(default)] name: String,
    #[server(default)] route: String,
    #[server(default)] need: String,
    #[server(default)] need_senior: String,
    #[server(default)] staged: String,
    #[server(default)] due: String,
    #[server(default)] on_timeout: String,
    #[server(default)] signed: String,
    #[server(default)] when: Vec<ConditionForm>,
) -> Result<Answer, Error> {
    use countersign_engine::policies::{self, Place};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let form = RuleForm { name, route, need, need_senior, staged, due, on_timeout, signed, when };
    let place = rule.parse().map_or(Place::New, Place::Row);
    let done = act(async move { policies::save_rule(&engine, &caller, draft, saved, place, &form).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/policies/drafts/{draft}")))))
}

/// Moves, copies or deletes one row.
#[server(prefix = "/act", endpoint = "move-rule", output = Json)]
pub(crate) async fn move_rule(draft: PolicyVersionId, saved: u64, rule: u64, how: String) -> Result<Answer, Error> {
    use countersign_engine::policies::{self, Move};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let how = match how.as_str() {
        "up" => Move::Up,
        "down" => Move::Down,
        "copy" => Move::Copy,
        _ => Move::Delete,
    };
    let done = act(async move { policies::move_rule(&engine, &caller, draft, saved, rule, how).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/policies/drafts/{draft}")))))
}

/// Hands the draft to a second person.
#[server(prefix = "/act", endpoint = "submit-draft", output = Json)]
pub(crate) async fn submit_draft(
    draft: PolicyVersionId,
    saved: u64,
    #[server(default)] reason: String,
) -> Result<Answer, Error> {
    use countersign_engine::policies;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason("/reason", &reason) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { policies::submit(&engine, &caller, draft, saved, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/policies/drafts/{draft}")))))
}

/// Puts the draft in force.
#[server(prefix = "/act", endpoint = "activate-draft", output = Json)]
pub(crate) async fn activate_draft(
    draft: PolicyVersionId,
    digest: String,
    against: PolicyVersionId,
) -> Result<Answer, Error> {
    use countersign_engine::policies;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { policies::activate(&engine, &caller, draft, digest.clone(), against).await }).await;

    Ok(told(done.map(|number| Answer::done(format!("/policies/{number}")))))
}

/// Says no to the draft, or takes one's own back.
#[server(prefix = "/act", endpoint = "reject-draft", output = Json)]
pub(crate) async fn reject_draft(
    draft: PolicyVersionId,
    #[server(default)] answer: String,
    own: bool,
) -> Result<Answer, Error> {
    use countersign_engine::policies;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason("/answer", &answer) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { policies::reject(&engine, &caller, draft, reason, own).await }).await;

    Ok(told(done.map(|()| Answer::done("/policies"))))
}

#[cfg(feature = "ssr")]
fn read_reason(place: &str, reason: &str) -> Result<countersign_domain::text::Reason, Problem> {
    use countersign_domain::{
        problem::FieldError,
        proposal,
        text::{REASON_CHARACTERS_MAX, Reason},
    };

    Reason::new(reason).map_err(|_| {
        let detail = format!("Say why, in at most {REASON_CHARACTERS_MAX} characters.");
        proposal::invalid(vec![FieldError::new(place, "missing", detail)])
    })
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    save: ServerAction<SaveRule>,
    shift: ServerAction<MoveRule>,
    submit: ServerAction<SubmitDraft>,
    activate: ServerAction<ActivateDraft>,
    reject: ServerAction<RejectDraft>,
}

/// The page of a draft.
#[component]
pub(crate) fn PolicyDraftPage() -> impl IntoView {
    let acts = Acts {
        save: ServerAction::new(),
        shift: ServerAction::new(),
        submit: ServerAction::new(),
        activate: ServerAction::new(),
        reject: ServerAction::new(),
    };
    let (params, query) = (use_params_map(), use_query_map());
    let counts = [recorded(acts.save), recorded(acts.shift), recorded(acts.submit)];
    let asked = move || {
        let draft = params.with(|params| params.get("draft").unwrap_or_default());
        let decision = query.with(|query| query.get("decision").unwrap_or_default());
        (draft, decision, counts.map(|count| count.get()))
    };
    let view = Resource::new(asked, |(draft, decision, _)| policy_draft(draft, decision));
    let saved = answer_of(acts.save);
    let row_problem = Signal::derive(move || saved.get().and_then(Answer::problem));
    let answers = [answer_of(acts.shift), answer_of(acts.submit), answer_of(acts.activate), answer_of(acts.reject)];
    let problem = Signal::derive(move || answers.iter().filter_map(Signal::get).find_map(Answer::problem));
    let edited = Memo::new(move |_| query.with(|query| query.get("rule").unwrap_or_default()));
    let navigate = use_navigate();
    let ended = [answer_of(acts.save), answer_of(acts.activate), answer_of(acts.reject)];
    Effect::new(move || {
        for answer in ended {
            if let Some(Answer::Done { to }) = answer.get() {
                navigate(&to, NavigateOptions::default());
            }
        }
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| view! { <Skeleton rows=6/> }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        let kept = StoredValue::new(shown);
                        view! {
                            <PageHeader title=|| strings::TITLE.to_owned()>
                                <p>
                                    <a href="/policies" class="text-accent underline">{strings::ALL}</a>
                                </p>
                            </PageHeader>
                            <div class="grid max-w-5xl gap-6">
                                <ErrorSummary problem/>
                                {move || {
                                    let shown = kept.get_value();
                                    view! { <Contents shown acts edited=edited.get() row_problem/> }.into_any()
                                }}
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
fn Contents(shown: DraftView, acts: Acts, edited: String, row_problem: Signal<Option<Problem>>) -> impl IntoView {
    let DraftView { id, saved, state, may_change, .. } = shown;
    let posted = typed::<SaveRule>("rule");
    let edited = if edited.is_empty() { posted } else { edited };
    let row_count = shown.forms.len();
    let form = match edited.parse::<usize>() {
        Ok(rule) if (1..=row_count).contains(&rule) => Some((Some(rule), shown.forms[rule - 1].clone())),
        _ => None,
    };
    let form = form.unwrap_or_else(|| (None, new_rule()));
    let none = shown.changes.is_empty();
    let ready = shown.faults.is_empty() && !none;
    let tone = if state == DraftState::InReview { Tone::Escalate } else { Tone::Plain };

    view! {
        <p class="flex flex-wrap items-center gap-3">
            <Chip tone text=state.label()/>
            <span class="text-muted">
                {format!("{} {}, ", strings::BY, shown.author)} {strings::SAVED} " " <Moment at=shown.saved_at/>
            </span>
        </p>
        {shown.answer.map(|answer| view! { <Banner bar=Bar::Stale>{format!("{} {answer}", strings::ANSWER)}</Banner> })}
        <Panel title=strings::ROWS>
            <Rows shown_rows=shown.table id saved may_change acts/>
        </Panel>
        {may_change
            .then(|| {
                view! { <RulePanel id saved form facts=shown.facts row_count acts problem=row_problem/> }.into_any()
            })}
        <Panel title=strings::CHANGES>
            <p class="text-muted">
                {strings::AGAINST} " "
                <a href=format!("/policies/{}", shown.active) class="text-accent underline">
                    {format!("version {}", shown.active)}
                </a> "."
            </p>
            {none.then(|| view! { <p>{strings::NO_CHANGES}</p> })}
            <ChangeList changes=shown.changes/>
        </Panel>
        <Asked id what_if=shown.what_if/>
        {(!shown.faults.is_empty())
            .then(|| {
                view! {
                    <Banner bar=Bar::Stale>
                        <p>{strings::FAULTS}</p>
                        <ul class="list-disc pl-5">
                            {shown
                                .faults
                                .iter()
                                .map(|fault| view! { <li>{format!("{}: {}", place_words(&fault.pointer), fault.detail)}</li> })
                                .collect_view()}
                        </ul>
                    </Banner>
                }
            })}
        <Handover
            id
            saved
            state
            digest=shown.digest
            against=shown.active_id
            reason=shown.reason
            may_change
            may_judge=shown.may_judge
            no_judging=shown.no_judging
            ready
            acts
        />
    }
}

/// "/rows/0/when/1/values" in words.
fn place_words(pointer: &str) -> String {
    let mut parts = pointer.split('/').skip(1);
    match (parts.next(), parts.next().and_then(|number| number.parse::<u64>().ok())) {
        (Some("rows"), Some(number)) => format!("Row {}", number + 1),
        (Some("default"), _) => "Default row".to_owned(),
        _ => "Table".to_owned(),
    }
}

#[component]
fn Rows(
    shown_rows: Vec<countersign_domain::policy::view::RuleView>,
    id: PolicyVersionId,
    saved: u64,
    may_change: bool,
    acts: Acts,
) -> impl IntoView {
    let last = shown_rows.len();
    let rows = shown_rows
        .into_iter()
        .map(|row| {
            let rule = row.rule;
            let is_default = rule as usize == last;
            let when = match row.when.is_empty() {
                true => strings::ANYTHING_ELSE.to_owned(),
                false => row.when.join("; "),
            };
            let name = row.name.clone();
            let moves = match is_default {
                true => Vec::new(),
                false => [("up", "Move up"), ("down", "Move down"), ("copy", "Copy"), ("delete", "Delete")].to_vec(),
            };
            view! {
                <li class="grid gap-2 py-3">
                    <p class="flex flex-wrap items-center gap-2">
                        <span class="tabular-nums text-muted">{format!("{rule}.")}</span>
                        <span class="font-mono text-compact">{row.name.clone()}</span>
                        <RouteMark route=row.route/>
                    </p>
                    <p class="max-w-measure [overflow-wrap:anywhere]">{when}</p>
                    <p class="max-w-measure text-muted">{row.does}</p>
                    {may_change
                        .then(|| {
                            view! {
                                <div class="flex flex-wrap gap-2">
                                    <a
                                        href=format!("/policies/drafts/{id}?rule={rule}#rule-form")
                                        class=Weight::Plain.class()
                                        aria-label=format!("Edit {}", row.name)
                                    >
                                        {strings::EDIT}
                                    </a>
                                    {moves
                                        .into_iter()
                                        .map(|(how, word)| {
                                            let spoken = format!(" {name}");
                                            let weight = if how == "delete" { Weight::Ending } else { Weight::Plain };
                                            view! {
                                                <ActionForm action=acts.shift>
                                                    <input type="hidden" name="draft" value=id.to_string()/>
                                                    <input type="hidden" name="saved" value=saved.to_string()/>
                                                    <input type="hidden" name="rule" value=rule.to_string()/>
                                                    <input type="hidden" name="how" value=how/>
                                                    <Submit weight pending=acts.shift.pending()>
                                                        {word}
                                                        <span class="sr-only">{spoken}</span>
                                                    </Submit>
                                                </ActionForm>
                                            }
                                                .into_any()
                                        })
                                        .collect_view()}
                                </div>
                            }
                        })}
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! { <ol class="divide-y divide-hairline">{rows}</ol> }.into_any()
}

/// What the form of a new rule begins with.
fn new_rule() -> RuleForm {
    RuleForm {
        route: Route::Require.word().to_owned(),
        need: "1".to_owned(),
        due: "4 h".to_owned(),
        on_timeout: OnTimeout::Deny.word().to_owned(),
        ..RuleForm::default()
    }
}

/// The form of one rule.
#[component]
fn RulePanel(
    id: PolicyVersionId,
    saved: u64,
    form: (Option<usize>, RuleForm),
    facts: Vec<FactRow>,
    row_count: usize,
    acts: Acts,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let (rule, form) = form;
    let form = typed_form().unwrap_or(form);
    let is_default = rule == Some(row_count);
    let title = match (rule, is_default) {
        (_, true) => strings::EDIT_DEFAULT,
        (Some(_), _) => strings::EDIT_RULE,
        (None, _) => strings::ADD_RULE,
    };
    let routes = Route::ALL
        .iter()
        .filter(|route| !is_default || **route == Route::Require)
        .map(|route| (route.word().to_owned(), route.label().to_owned(), form.route == route.word()))
        .collect();
    let timeouts = OnTimeout::ALL
        .iter()
        .map(|choice| {
            let sentence = format!("It {}", choice.sentence());
            (choice.word().to_owned(), sentence, form.on_timeout == choice.word())
        })
        .collect();
    let lines = (0..CONDITIONS_SHOWN.max(form.when.len()))
        .map(|number| {
            let condition = form.when.get(number).cloned().unwrap_or_default();
            view! { <ConditionLine number condition facts=facts.clone() problem/> }.into_any()
        })
        .collect_view();
    let words: Vec<_> = facts
        .iter()
        .filter(|fact| !fact.words.is_empty() && fact.words.len() <= 40)
        .map(|fact| format!("{}: {}", fact.label, fact.words.join(", ")))
        .collect();

    view! {
        <Panel title=title>
            <div id="rule-form">
                <ErrorSummary problem/>
            </div>
            <ActionForm action=acts.save attr:class="grid gap-4">
                <input type="hidden" name="draft" value=id.to_string()/>
                <input type="hidden" name="saved" value=saved.to_string()/>
                <input type="hidden" name="rule" value=rule.map(|rule| rule.to_string()).unwrap_or_default()/>
                {(!is_default)
                    .then(|| {
                        view! {
                            <div class="max-w-sm">
                                <Line
                                    id="name"
                                    name="name"
                                    label=strings::NAME
                                    hint=strings::NAME_HINT
                                    kind=LineKind::Text
                                    value=form.name.clone()
                                    problem
                                />
                            </div>
                            <fieldset class="grid gap-3">
                                <legend class="text-body font-medium">{strings::CONDITIONS}</legend>
                                <p class="max-w-measure text-compact text-muted">{strings::CONDITIONS_HINT}</p>
                                {lines}
                                <details class="text-compact text-muted">
                                    <summary class="min-h-11 cursor-pointer py-2 sm:min-h-0">{strings::WORDS}</summary>
                                    <ul class="grid gap-0.5">
                                        {words
                                            .into_iter()
                                            .map(|words| view! { <li class="[overflow-wrap:anywhere]">{words}</li> })
                                            .collect_view()}
                                    </ul>
                                </details>
                            </fieldset>
                        }
                    })}
                <div class="grid gap-4 sm:grid-cols-2">
                    <Choose id="route" name="route" label=strings::ROUTE options=routes/>
                    <Line
                        id="due"
                        name="due"
                        label=strings::DUE
                        hint=strings::DUE_HINT
                        kind=LineKind::Text
                        value=form.due.clone()
                        problem
                    />
                    <Line
                        id="need"
                        name="need"
                        label=strings::NEED
                        hint=strings::NEED_HINT
                        kind=LineKind::Text
                        value=form.need.clone()
                        problem
                    />
                    <Line
                        id="need_senior"
                        name="need_senior"
                        label=strings::NEED_SENIOR
                        hint=strings::NEED_SENIOR_HINT
                        kind=LineKind::Text
                        value=form.need_senior.clone()
                        problem
                    />
                    <Choose id="on_timeout" name="on_timeout" label=strings::ON_TIMEOUT options=timeouts/>
                    <div class="grid content-start gap-2">
                        <Tick name="staged" label=strings::STAGED on=form.staged == "true"/>
                        <Tick name="signed" label=strings::SIGNED on=form.signed == "true"/>
                    </div>
                </div>
                <div class="flex flex-wrap gap-3">
                    <Submit weight=Weight::Primary pending=acts.save.pending()>
                        {strings::SAVE}
                    </Submit>
                    {rule
                        .map(|_| {
                            view! {
                                <a href=format!("/policies/drafts/{id}") class=Weight::Plain.class()>
                                    {strings::CANCEL}
                                </a>
                            }
                        })}
                </div>
            </ActionForm>
        </Panel>
    }
    .into_any()
}

/// What was typed into a form that was refused.
fn typed_form() -> Option<RuleForm> {
    let word = typed::<SaveRule>;
    if word("route").is_empty() {
        return None;
    }
    let when = (0..CONDITIONS_SHOWN)
        .map(|number| {
            let member = |name: &str| word(&format!("when[{number}][{name}]"));
            ConditionForm {
                fact: member("fact"),
                operator: member("operator"),
                values: member("values"),
                or_missing: member("or_missing"),
            }
        })
        .collect();
    Some(RuleForm {
        name: word("name"),
        route: word("route"),
        need: word("need"),
        need_senior: word("need_senior"),
        staged: word("staged"),
        due: word("due"),
        on_timeout: word("on_timeout"),
        signed: word("signed"),
        when,
    })
}

#[component]
fn Tick(#[prop(into)] name: String, label: &'static str, on: bool) -> impl IntoView {
    view! {
        <label class="flex min-h-11 items-center gap-2 sm:min-h-8">
            <input type="checkbox" name=name value="true" checked=on class="size-5"/>
            <span>{label}</span>
        </label>
    }
}

#[component]
fn ConditionLine(
    number: usize,
    condition: ConditionForm,
    facts: Vec<FactRow>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let member = |name: &str| format!("when[{number}][{name}]");
    let id = |name: &str| format!("when-{number}-{name}");
    let select =
        "block min-h-11 w-full rounded-control border border-control bg-surface px-2.5 text-body text-text sm:min-h-9";
    let options = facts
        .into_iter()
        .map(|fact| {
            let chosen = fact.name == condition.fact;
            view! {
                <option value=fact.name selected=chosen>
                    {fact.label}
                </option>
            }
        })
        .collect_view();
    let operators = Operator::ALL
        .iter()
        .map(|operator| {
            view! {
                <option value=operator.word() selected=condition.operator == operator.word()>
                    {operator.label()}
                </option>
            }
        })
        .collect_view();
    let place = format!("operator-{number}");
    let error =
        Memo::new(move |_| problem.with(|problem| problem.as_ref().and_then(|problem| error_of(problem, &place))));

    view! {
        <div class="grid gap-2 border-l-2 border-hairline pl-3 sm:grid-cols-[minmax(0,2fr)_minmax(0,2fr)_minmax(0,3fr)_auto] sm:items-center sm:border-0 sm:pl-0">
            <select id=id("fact") name=member("fact") aria-label=format!("Fact {}", number + 1) class=select>
                <option value="">{strings::NO_FACT}</option>
                {options}
            </select>
            <select
                id=id("operator")
                name=member("operator")
                aria-label=format!("Comparison {}", number + 1)
                class=select
            >
                {operators}
            </select>
            <input
                id=id("values")
                name=member("values")
                value=condition.values
                aria-label=format!("Values {}", number + 1)
                class="block min-h-11 w-full rounded-control border border-control bg-surface px-2.5 text-body text-text sm:min-h-9"
            />
            <label class="flex min-h-11 items-center gap-2 text-compact sm:min-h-9">
                <input
                    type="checkbox"
                    name=member("or_missing")
                    value="true"
                    checked=condition.or_missing == "true"
                    class="size-5"
                />
                {strings::OR_MISSING}
                <span class="sr-only">{format!(" ({})", number + 1)}</span>
            </label>
            {move || error.get().map(|error| view! { <p class="text-compact text-reject sm:col-span-4">{error}</p> })}
        </div>
    }
}

/// What the draft would do with one decision.
#[component]
fn Asked(id: PolicyVersionId, what_if: Option<WhatIf>) -> impl IntoView {
    let value = what_if.as_ref().map(|asked| asked.decision.to_string()).unwrap_or_default();

    view! {
        <Panel title=strings::WHAT_IF>
            <form method="get" action=format!("/policies/drafts/{id}") class="flex max-w-2xl flex-wrap items-end gap-3">
                <div class="grid min-w-64 grow gap-1">
                    <label for="decision" class="text-body font-medium">{strings::DECISION}</label>
                    <p id="decision-hint" class="text-compact text-muted">{strings::DECISION_HINT}</p>
                    <input
                        id="decision"
                        name="decision"
                        value=value
                        aria-describedby="decision-hint"
                        class="block min-h-11 w-full rounded-control border border-control bg-surface px-2.5 font-mono text-compact sm:min-h-9"
                    />
                </div>
                <button type="submit" class=Weight::Plain.class()>{strings::ASK}</button>
            </form>
            {what_if
                .map(|asked| {
                    view! {
                        <p class="max-w-measure">
                            <a href=format!("/decisions/{}", asked.decision) class="text-accent underline">
                                {asked.title}
                            </a>
                        </p>
                        <dl class="grid gap-1">
                            <div class="flex flex-wrap gap-x-3">
                                <dt class="text-muted">{strings::ROUTED}</dt>
                                <dd>{asked.before}</dd>
                            </div>
                            <div class="flex flex-wrap gap-x-3">
                                <dt class="text-muted">{strings::WOULD}</dt>
                                <dd class="font-semibold">{asked.after}</dd>
                            </div>
                        </dl>
                        <ul class="list-disc pl-5">
                            {asked.guards.into_iter().map(|guard| view! { <li>{guard}</li> }).collect_view()}
                        </ul>
                        <TraceList trace=asked.trace/>
                    }
                })}
        </Panel>
    }
    .into_any()
}

/// Handing over, putting in force, and saying no.
#[component]
fn Handover(
    id: PolicyVersionId,
    saved: u64,
    state: DraftState,
    digest: String,
    against: PolicyVersionId,
    reason: Option<String>,
    may_change: bool,
    may_judge: bool,
    no_judging: Option<String>,
    ready: bool,
    acts: Acts,
) -> impl IntoView {
    let waits = state == DraftState::InReview;
    let why = NodeRef::<html::Textarea>::new();
    let why_not = NodeRef::<html::Textarea>::new();
    let never = || Signal::derive(|| false);
    let (reason_typed, answer_typed) = (typed::<SubmitDraft>("reason"), typed::<RejectDraft>("answer"));

    view! {
        <Panel title=strings::HANDOVER>
            {reason
                .map(|reason| {
                    view! {
                        <p class="max-w-measure whitespace-pre-wrap [overflow-wrap:anywhere]">
                            <span class="text-muted">{strings::AUTHOR_SAYS} " "</span>
                            {reason}
                        </p>
                    }
                })}
            {no_judging.map(|sentence| view! { <p class="text-escalate">{sentence}</p> })}
            {(may_change && !waits)
                .then(|| {
                    view! {
                        <ActionForm action=acts.submit attr:class="grid max-w-2xl gap-3">
                            <input type="hidden" name="draft" value=id.to_string()/>
                            <input type="hidden" name="saved" value=saved.to_string()/>
                            <label for="reason" class="text-body font-medium">{strings::WHY}</label>
                            <p id="reason-hint" class="text-compact text-muted">{strings::WHY_HINT}</p>
                            <SafeTextArea
                                name="reason"
                                value=reason_typed.clone()
                                rows=3
                                described_by="reason-hint"
                                invalid=never()
                                node_ref=why
                            />
                            {(!ready).then(|| view! { <p class="text-compact text-muted">{strings::NOT_READY}</p> })}
                            <div>
                                <Submit weight=Weight::Primary pending=acts.submit.pending()>
                                    {strings::SUBMIT}
                                </Submit>
                            </div>
                        </ActionForm>
                    }
                        .into_any()
                })}
            {may_judge
                .then(|| {
                    view! {
                        <div class="grid gap-2">
                            <p class="max-w-measure text-muted">{strings::ACTIVATE_NOTE}</p>
                            <ActionForm action=acts.activate>
                                <input type="hidden" name="draft" value=id.to_string()/>
                                <input type="hidden" name="digest" value=digest/>
                                <input type="hidden" name="against" value=against.to_string()/>
                                <Submit weight=Weight::Primary pending=acts.activate.pending()>
                                    {strings::ACTIVATE}
                                </Submit>
                            </ActionForm>
                        </div>
                    }
                        .into_any()
                })}
            {(may_change || may_judge)
                .then(|| {
                    let (own, label, button) = match may_judge {
                        true => ("false", strings::WHY_NOT, strings::REJECT),
                        false => ("true", strings::WHY_BACK, strings::DISCARD),
                    };
                    view! {
                        <ActionForm action=acts.reject attr:class="grid max-w-2xl gap-3 border-t border-hairline pt-4">
                            <input type="hidden" name="draft" value=id.to_string()/>
                            <input type="hidden" name="own" value=own/>
                            <label for="answer" class="text-body font-medium">{label}</label>
                            <SafeTextArea
                                name="answer"
                                value=answer_typed.clone()
                                rows=2
                                invalid=never()
                                node_ref=why_not
                            />
                            <div>
                                <Submit weight=Weight::Ending pending=acts.reject.pending()>
                                    {button}
                                </Submit>
                            </div>
                        </ActionForm>
                    }
                        .into_any()
                })}
            {(!may_change && !may_judge)
                .then(|| view! { <p class="text-muted">{if waits { strings::WAITS } else { strings::READ_ONLY }}</p> })}
        </Panel>
    }
    .into_any()
}

mod strings {
    pub(super) const TITLE: &str = "Draft of a policy version";
    pub(super) const ALL: &str = "All policies";
    pub(super) const BY: &str = "Written by";
    pub(super) const SAVED: &str = "saved";
    pub(super) const ANSWER: &str = "It will not come into force:";
    pub(super) const ROWS: &str = "Rows of the draft";
    pub(super) const ANYTHING_ELSE: &str = "Anything that no row above caught";
    pub(super) const EDIT: &str = "Edit";
    pub(super) const EDIT_RULE: &str = "Edit a row";
    pub(super) const EDIT_DEFAULT: &str = "Edit the default row";
    pub(super) const ADD_RULE: &str = "Add a row";
    pub(super) const NAME: &str = "Name of the rule";
    pub(super) const NAME_HINT: &str =
        "Lower case with dashes, such as refund-small. Records and the AI system name the rule by it.";
    pub(super) const CONDITIONS: &str = "Conditions";
    pub(super) const CONDITIONS_HINT: &str =
        "All of them have to hold. A line without a fact is left out. Several values are separated by commas.";
    pub(super) const WORDS: &str = "Words that facts take";
    pub(super) const NO_FACT: &str = "No condition";
    pub(super) const OR_MISSING: &str = "or not stated";
    pub(super) const ROUTE: &str = "What happens";
    pub(super) const DUE: &str = "Time to the deadline";
    pub(super) const DUE_HINT: &str = "Such as 30 m, 4 h or 2 d.";
    pub(super) const NEED: &str = "Approvals by approvers";
    pub(super) const NEED_HINT: &str = "Different people, 0 to 9. Senior approvers count as well.";
    pub(super) const NEED_SENIOR: &str = "Approvals by senior approvers";
    pub(super) const NEED_SENIOR_HINT: &str = "Beside those, 0 to 9.";
    pub(super) const ON_TIMEOUT: &str = "At the deadline";
    pub(super) const STAGED: &str = "Ask senior approvers after the others";
    pub(super) const SIGNED: &str = "Reviews are signed with a passkey";
    pub(super) const SAVE: &str = "Save to the draft";
    pub(super) const CANCEL: &str = "Cancel";
    pub(super) const CHANGES: &str = "What it changes";
    pub(super) const AGAINST: &str = "Compared with";
    pub(super) const NO_CHANGES: &str = "Nothing yet.";
    pub(super) const WHAT_IF: &str = "What it would do with one decision";
    pub(super) const DECISION: &str = "Decision";
    pub(super) const DECISION_HINT: &str = "Its id, from its page. Looking it up is recorded.";
    pub(super) const ASK: &str = "Ask the draft";
    pub(super) const ROUTED: &str = "Routed by";
    pub(super) const WOULD: &str = "The draft says";
    pub(super) const FAULTS: &str = "It cannot come into force as it is:";
    pub(super) const HANDOVER: &str = "Second person";
    pub(super) const AUTHOR_SAYS: &str = "The author says:";
    pub(super) const WHY: &str = "What changes, and why";
    pub(super) const WHY_HINT: &str = "Read by the second person and by auditors.";
    pub(super) const NOT_READY: &str =
        "A draft is handed over once it changes something and nothing of it needs a change.";
    pub(super) const SUBMIT: &str = "Hand it over";
    pub(super) const ACTIVATE_NOTE: &str =
        "From then on it routes every new decision. What is open is asked again; the stricter route wins.";
    pub(super) const ACTIVATE: &str = "Put it in force";
    pub(super) const WHY_NOT: &str = "Why it is rejected";
    pub(super) const WHY_BACK: &str = "Why it is taken back";
    pub(super) const REJECT: &str = "Reject";
    pub(super) const DISCARD: &str = "Discard the draft";
    pub(super) const WAITS: &str = "It waits for a compliance officer who wrote nothing of it.";
    pub(super) const READ_ONLY: &str = "Policy authors change drafts; compliance officers put them in force.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_their_rows_as_people_count() {
        assert_eq!(place_words("/rows/0/when/1/values"), "Row 1");
        assert_eq!(place_words("/default/need"), "Default row");
        assert_eq!(place_words("/rows"), "Table");
    }
}
