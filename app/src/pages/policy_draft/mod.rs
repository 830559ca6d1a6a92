//! `/policies/drafts/{id}`: a table under work: its rows as forms, what it changes, what it would do with one decision,
//! and the second person who puts it in force.

#![expect(clippy::too_many_arguments, reason = "a server function takes one argument per field of its form")]

mod handover;
mod rule;

use countersign_domain::{
    Problem,
    ids::PolicyVersionId,
    policy::view::{ConditionForm, DraftState, DraftView, RuleView, WhatIf},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};

use self::{
    handover::Handover,
    rule::{RulePanel, new_rule},
};
use super::policies::{ChangeList, RouteMark};
use crate::{
    Error,
    answer::{Answer, answer_of, goes_on, recorded, typed},
    components::{
        form::{ErrorSummary, Submit, Weight},
        marks::{Chip, Tone},
        page::{Banner, Bar, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
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
        Ok(draft) => policies::draft(&engine, &caller, draft, decision.trim()).await,
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
    #[server(default)] reasoned: String,
    #[server(default)] reject_threshold: String,
    #[server(default)] retract_seconds: String,
    #[server(default)] when: Vec<ConditionForm>,
) -> Result<Answer, Error> {
    use countersign_domain::policy::view::RuleForm;
    use countersign_engine::policies::{self, Place};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let form = RuleForm {
        name,
        route,
        need,
        need_senior,
        staged,
        due,
        on_timeout,
        signed,
        reasoned,
        reject_threshold,
        retract_seconds,
        when,
    };
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
    goes_on(answer_of(acts.save));
    goes_on(answer_of(acts.activate));
    goes_on(answer_of(acts.reject));

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
        <Asked id what_if=shown.what_if no_what_if=shown.no_what_if/>
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
fn Rows(shown_rows: Vec<RuleView>, id: PolicyVersionId, saved: u64, may_change: bool, acts: Acts) -> impl IntoView {
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

/// What the draft would do with one decision.
#[component]
fn Asked(id: PolicyVersionId, what_if: Option<WhatIf>, no_what_if: Option<String>) -> impl IntoView {
    let value = use_query_map().with_untracked(|query| query.get("decision").unwrap_or_default());

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
            {no_what_if.map(|why| view! { <p role="status" class="text-reject [overflow-wrap:anywhere]">{why}</p> })}
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

mod strings {
    pub(super) const TITLE: &str = "Draft of a policy version";
    pub(super) const ALL: &str = "All policies";
    pub(super) const BY: &str = "Written by";
    pub(super) const SAVED: &str = "saved";
    pub(super) const ANSWER: &str = "It will not come into force:";
    pub(super) const ROWS: &str = "Rows of the draft";
    pub(super) const ANYTHING_ELSE: &str = "Anything that no row above caught";
    pub(super) const EDIT: &str = "Edit";
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
