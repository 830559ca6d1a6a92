//! What every form that rules on a decision asks for: a reason code and a reason, and in whose right it is given.

use countersign_domain::{decision::ReasonCode, problem::Problem, text::REASON_CHARACTERS_MAX, view::Way};
use leptos::prelude::*;

use super::composer::Draft;
use crate::components::form::{Area, error_of};

/// The two fields, with what was typed and what was wrong with it.
#[component]
pub(crate) fn ReasonFields(
    draft: Draft,
    problem: Signal<Option<Problem>>,
    /// Who reads the reason.
    readers: &'static str,
) -> impl IntoView {
    let code_error = Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, "code")));
    let chosen = draft.code();

    view! {
        <div class="grid gap-1">
            <label for="code" class="text-body font-medium">
                {strings::CODE}
            </label>
            <select
                id="code"
                name="code"
                node_ref=draft.code_ref()
                aria-invalid=move || code_error.get().map(|_| "true")
                aria-describedby="code-error"
                class="block min-h-11 w-full max-w-sm rounded-control border border-control bg-surface px-3 text-reading aria-[invalid]:border-reject sm:min-h-10"
            >
                <option value="">{strings::CHOOSE}</option>
                {ReasonCode::CHOICES
                    .iter()
                    .map(|code| {
                        view! {
                            <option value=code.word() selected=chosen == code.word()>
                                {code.label()}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <p id="code-error" class="text-compact text-reject">
                {move || code_error.get()}
            </p>
        </div>
        <Area
            name="reason"
            label=strings::REASON
            hint=format!("{readers} At most {REASON_CHARACTERS_MAX} characters.")
            value=draft.reason()
            rows=4
            problem
            node_ref=draft.reason_ref()
        />
    }
}

/// In whose right a ruling is given: asked where there are several, said where it is another's, and else nothing.
#[component]
pub(super) fn Ways(
    ways: Vec<Way>,
    /// What is chosen: the id of whose place it is, nothing for one's own right.
    chosen: RwSignal<String>,
) -> impl IntoView {
    let value = |way: &Way| way.on_behalf.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default();
    let first = ways.first().map(value).unwrap_or_default();
    let before = chosen.get_untracked();
    if !ways.iter().any(|way| value(way) == before) {
        chosen.set(first);
    }
    match ways.as_slice() {
        [] | [Way { on_behalf: None }] => ().into_any(),
        [Way { on_behalf: Some((id, name)) }] => view! {
            <p>
                <input type="hidden" name="on_behalf" value=id.to_string()/>
                {strings::FOR} " " <bdi class="font-medium">{name.clone()}</bdi> {strings::BOTH}
            </p>
        }
        .into_any(),
        several => {
            let choices = several
                .iter()
                .map(|way| {
                    let word = value(way);
                    let checked = chosen.get_untracked() == word;
                    let label = match &way.on_behalf {
                        None => strings::OWN.to_owned(),
                        Some((_, name)) => format!("{} {name}", strings::IN_PLACE),
                    };
                    let set = word.clone();
                    view! {
                        <label class="flex min-h-9 items-center gap-2.5">
                            <input
                                type="radio"
                                name="on_behalf"
                                value=word
                                checked=checked
                                on:change=move |_| chosen.set(set.clone())
                                class="size-4 accent-accent"
                            />
                            <span class="[overflow-wrap:anywhere]">{label}</span>
                        </label>
                    }
                    .into_any()
                })
                .collect_view();
            view! {
                <fieldset class="grid">
                    <legend class="mb-1 text-body font-medium">{strings::WAYS}</legend>
                    {choices}
                    <p class="text-compact text-muted">{strings::WAYS_HINT}</p>
                </fieldset>
            }
            .into_any()
        }
    }
}

mod strings {
    pub(super) const FOR: &str = "You review this in the place of";
    pub(super) const BOTH: &str = ". Both names are sealed with it.";
    pub(super) const WAYS: &str = "In whose right";
    pub(super) const WAYS_HINT: &str =
        "You count once, whichever you choose. In somebody's place both names are sealed, and they count no more.";
    pub(super) const OWN: &str = "In my own right";
    pub(super) const IN_PLACE: &str = "In the place of";
    pub(super) const CODE: &str = "Reason code";
    pub(super) const CHOOSE: &str = "Choose a code";
    pub(super) const REASON: &str = "Reason";
}
