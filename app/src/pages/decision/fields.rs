//! What every form that rules on a decision asks for: a reason code and a reason.

use countersign_domain::{decision::ReasonCode, problem::Problem, text::REASON_CHARACTERS_MAX};
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

mod strings {
    pub(super) const CODE: &str = "Reason code";
    pub(super) const CHOOSE: &str = "Choose a code";
    pub(super) const REASON: &str = "Reason";
}
