//! The form of one rule: its conditions, a line each, and what it does.

use countersign_domain::{
    Problem,
    ids::PolicyVersionId,
    policy::{
        CONDITIONS_MAX, OnTimeout, Operator, Route,
        view::{CONDITIONS_SHOWN, ConditionForm, FactRow, RuleForm},
    },
};
use leptos::{form::ActionForm, prelude::*};

use super::{Acts, SaveRule};
use crate::{
    answer::typed,
    components::{
        admin::{Choose, Line, LineKind},
        form::{ErrorSummary, Submit, Weight, error_of},
        page::Panel,
    },
};

/// What the form of a new rule begins with.
pub(super) fn new_rule() -> RuleForm {
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
pub(super) fn RulePanel(
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
    let lines = (0..lines_for(form.when.len()))
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
                    <Line
                        id="reject_threshold"
                        name="reject_threshold"
                        label=strings::REJECT_THRESHOLD
                        hint=strings::REJECT_THRESHOLD_HINT
                        kind=LineKind::Text
                        value=form.reject_threshold.clone()
                        problem
                    />
                    <Choose id="on_timeout" name="on_timeout" label=strings::ON_TIMEOUT options=timeouts/>
                    <Line
                        id="retract_seconds"
                        name="retract_seconds"
                        label=strings::RETRACT
                        hint=strings::RETRACT_HINT
                        kind=LineKind::Text
                        value=form.retract_seconds.clone()
                        problem
                    />
                    <div class="grid content-start gap-2">
                        <Tick name="staged" label=strings::STAGED on=form.staged == "true"/>
                        <Tick name="signed" label=strings::SIGNED on=form.signed == "true"/>
                        <Tick name="reasoned" label=strings::REASONED on=form.reasoned == "true"/>
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
    let mut when: Vec<_> = (0..CONDITIONS_MAX)
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
    let used = when.iter().rposition(|line| !line.fact.is_empty() || !line.values.is_empty());
    when.truncate(used.map_or(0, |last| last + 1));
    Some(RuleForm {
        name: word("name"),
        route: word("route"),
        need: word("need"),
        need_senior: word("need_senior"),
        staged: word("staged"),
        due: word("due"),
        on_timeout: word("on_timeout"),
        signed: word("signed"),
        reasoned: word("reasoned"),
        reject_threshold: word("reject_threshold"),
        retract_seconds: word("retract_seconds"),
        when,
    })
}

#[component]
fn Tick(#[prop(into)] name: String, label: &'static str, on: bool) -> impl IntoView {
    view! {
        <label class="flex min-h-11 items-center gap-2 sm:min-h-8">
            <input type="checkbox" name=name value="true" checked=on class="size-5 shrink-0"/>
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

/// Lines of the form: some that are free, whatever is used.
fn lines_for(used: usize) -> usize {
    (used + 1).clamp(CONDITIONS_SHOWN, CONDITIONS_MAX)
}

mod strings {
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
    pub(super) const RETRACT: &str = "Seconds to take a review back";
    pub(super) const REJECT_THRESHOLD: &str = "Rejections that reject it";
    pub(super) const REJECT_THRESHOLD_HINT: &str =
        "Different people, 1 to as many as approve. Empty: one, and a single no outweighs every yes.";
    pub(super) const RETRACT_HINT: &str = "After the last review that was needed, before the AI system is told. Empty: by risk, 10 at low, 30 at medium, none at high.";
    pub(super) const SIGNED: &str = "Reviews are signed with a passkey";
    pub(super) const REASONED: &str = "Every approval says why; else low risk asks for nothing, medium for a code";
    pub(super) const SAVE: &str = "Save to the draft";
    pub(super) const CANCEL: &str = "Cancel";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_free_until_there_are_enough() {
        assert_eq!([0, 2, 3, CONDITIONS_MAX].map(lines_for), [CONDITIONS_SHOWN, 3, 4, CONDITIONS_MAX]);
    }
}
