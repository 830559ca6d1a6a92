//! Buttons, fields and what a form says when it is refused.

use countersign_domain::problem::{Code, Problem};
use leptos::{html, prelude::*};

use super::{
    icons::{Icon, Shape},
    text::SafeTextArea,
};

/// How much a button weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The one act of its form.
    Primary,
    /// One among others.
    Plain,
    /// Ends something.
    Ending,
}

impl Weight {
    /// Returns the classes of a button.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Weight::Primary => {
                "inline-flex min-h-11 items-center justify-center gap-2 rounded-control no-underline bg-accent px-4 text-body font-medium text-on-fill hover:opacity-90 aria-disabled:opacity-60 sm:min-h-9"
            }
            Weight::Plain => {
                "inline-flex min-h-11 items-center justify-center gap-2 rounded-control no-underline border border-control bg-surface px-3 text-body font-medium text-text hover:bg-raised aria-disabled:opacity-60 sm:min-h-8 sm:text-compact"
            }
            Weight::Ending => {
                "inline-flex min-h-11 items-center justify-center gap-2 rounded-control no-underline border border-control bg-surface px-3 text-body font-medium text-reject hover:bg-raised aria-disabled:opacity-60 sm:min-h-8 sm:text-compact"
            }
        }
    }
}

/// A button that sends its form. While the answer is on its way it keeps focus and does nothing.
#[component]
pub(crate) fn Submit(weight: Weight, #[prop(into)] pending: Signal<bool>, children: Children) -> impl IntoView {
    let guard = move |event: leptos::ev::MouseEvent| {
        if pending.get_untracked() {
            event.prevent_default();
        }
    };

    view! {
        <button
            type="submit"
            class=weight.class()
            aria-disabled=move || pending.get().then_some("true")
            on:click=guard
        >
            {children()}
        </button>
    }
}

/// What kind of text a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain text.
    Text,
    /// A sign-in name.
    Login,
    /// The password one signs in with.
    Password,
    /// A password that is being set.
    NewPassword,
    /// A code of an authenticator app, or nothing.
    Code,
    /// A secret of another system, or nothing.
    Secret,
}

/// A labelled line of text with its hint and its error.
#[component]
pub(crate) fn Field(
    /// The field's name and id.
    name: &'static str,
    /// What the field is called.
    label: &'static str,
    /// What the field takes.
    kind: Kind,
    /// What to know before typing.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// Text to begin with.
    #[prop(optional, into)]
    value: String,
    /// What the form's answer says.
    #[prop(into)]
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let (input, autocomplete) = match kind {
        Kind::Text => ("text", "off"),
        Kind::Login => ("text", "username"),
        Kind::Password => ("password", "current-password"),
        Kind::NewPassword => ("password", "new-password"),
        Kind::Code => ("text", "one-time-code"),
        Kind::Secret => ("password", "off"),
    };
    let error =
        Memo::new(move |_| problem.with(|problem| problem.as_ref().and_then(|problem| error_of(problem, name))));
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    let described = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        move || match (hint.is_some(), error.get().is_some()) {
            (true, true) => Some(format!("{hint_id} {error_id}")),
            (true, false) => Some(hint_id.clone()),
            (false, true) => Some(error_id.clone()),
            (false, false) => None,
        }
    };

    view! {
        <div class="grid gap-1">
            <label for=name class="text-body font-medium">
                {label}
            </label>
            {hint
                .map(|hint| {
                    view! {
                        <p id=hint_id class="text-compact text-muted">
                            {hint}
                        </p>
                    }
                })}
            <input
                id=name
                name=name
                r#type=input
                value=value
                required=!matches!(kind, Kind::Code | Kind::Secret)
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                aria-describedby=described
                aria-invalid=move || error.get().map(|_| "true")
                class="block min-h-11 w-full rounded-control border border-control bg-surface px-3 text-reading text-text aria-[invalid]:border-reject sm:min-h-10"
            />
            {move || error.get().map(|error| view! { <FieldNote id=error_id.clone() error/> })}
        </div>
    }
}

#[component]
fn FieldNote(id: String, error: String) -> impl IntoView {
    view! {
        <p id=id class="flex items-start gap-1.5 text-compact text-reject">
            <Icon shape=Shape::Alert class="mt-0.5 size-4 shrink-0"/>
            {error}
        </p>
    }
}

/// A labelled text of several lines with its hint and its error.
#[component]
pub(crate) fn Area(
    /// The field's name, and its id unless the page has another of that name.
    #[prop(into)]
    name: String,
    /// Its id, where that is not the name.
    #[prop(optional, into)]
    id: Option<String>,
    /// What the field is called.
    #[prop(into)]
    label: String,
    /// What to know before typing.
    #[prop(into)]
    hint: String,
    /// Text to begin with.
    #[prop(into)]
    value: String,
    /// Height in lines.
    rows: u32,
    /// What the form's answer says.
    #[prop(into)]
    problem: Signal<Option<Problem>>,
    /// The element, for reading what was typed.
    #[prop(default = NodeRef::new())]
    node_ref: NodeRef<html::Textarea>,
) -> impl IntoView {
    let (id, place) = (id.unwrap_or_else(|| name.clone()), name.clone());
    let error = Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, &place)));
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));

    view! {
        <div class="grid gap-1">
            <label for=id.clone() class="text-body font-medium">
                {label}
            </label>
            <p id=hint_id.clone() class="text-compact text-muted">
                {hint}
            </p>
            <SafeTextArea
                name
                id
                value
                rows
                described_by=format!("{hint_id} {error_id}")
                invalid=Signal::derive(move || error.get().is_some())
                node_ref
            />
            <p id=error_id class="text-compact text-reject">
                {move || error.get()}
            </p>
        </div>
    }
}

/// Returns what a problem says about one field.
pub(crate) fn error_of(problem: &Problem, name: &str) -> Option<String> {
    problem.errors.iter().find(|error| error.pointer.trim_start_matches('/') == name).map(|error| error.detail.clone())
}

/// Why a form was refused: what happened, what became of it, and a link to every field to change.
#[component]
pub(crate) fn ErrorSummary(#[prop(into)] problem: Signal<Option<Problem>>) -> impl IntoView {
    let summary = NodeRef::<html::Div>::new();
    Effect::new(move || {
        if problem.with(Option::is_some) {
            request_animation_frame(move || {
                if let Some(Some(summary)) = summary.try_get_untracked() {
                    let _ = summary.focus();
                }
            });
        }
    });

    move || {
        problem.get().map(|problem| {
            let changed = match problem.code {
                Code::OutcomeUnknown => None,
                _ => Some("Nothing was changed."),
            };
            view! {
                <div
                    role="alert"
                    tabindex="-1"
                    autofocus=cfg!(feature = "ssr")
                    node_ref=summary
                    class="grid gap-1 rounded-control border-l-4 border-reject bg-reject-tint px-4 py-3 text-body text-reject-ink"
                >
                    <p class="font-medium">{problem.detail}</p>
                    {(!problem.errors.is_empty())
                        .then(|| {
                            let items = problem
                                .errors
                                .into_iter()
                                .map(|error| {
                                    view! {
                                        <li>
                                            <a
                                                href=format!("#{}", error.pointer.trim_start_matches('/'))
                                                rel="external"
                                                class="underline"
                                            >
                                                {error.detail}
                                            </a>
                                        </li>
                                    }
                                })
                                .collect_view();
                            view! { <ul class="list-disc pl-5">{items}</ul> }
                        })}
                    {changed.map(|text| view! { <p>{text}</p> })}
                    {(problem.code == Code::StepUpRequired)
                        .then(|| {
                            view! {
                                <p>
                                    // A tab of its own, so that everything typed here stays.
                                    <a href="/step-up" target="_blank" rel="noopener external" class="font-medium underline">
                                        "Confirm that it is you"
                                    </a>
                                    " (opens a tab), then come back and send it again."
                                </p>
                            }
                        })}
                </div>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::problem::FieldError;

    use super::*;

    #[test]
    fn a_field_finds_its_own_error() {
        let errors =
            vec![FieldError::new("/login", "taken", "In use."), FieldError::new("/name", "blank", "Write it.")];
        let problem = Problem::fields(Code::InvalidContent, "Change this.", errors);

        assert_eq!(error_of(&problem, "name").as_deref(), Some("Write it."));
        assert_eq!(error_of(&problem, "password"), None);
    }
}
