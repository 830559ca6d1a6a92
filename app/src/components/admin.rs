//! What the pages of administration share: their own navigation, short fields, choices.

use countersign_domain::{problem::Problem, role::Role};
use leptos::prelude::*;

use super::form::error_of;
use crate::frame::Surroundings;

/// The pages of administration that belong together, for whom each is.
const PLACES: [(&str, &str, &[Role]); 11] = [
    (
        "/admin/changes",
        "Changes that wait",
        &[Role::Admin, Role::SeniorApprover, Role::ComplianceOfficer, Role::Auditor],
    ),
    ("/admin/role-requests", "Requests for a role", &[Role::Admin]),
    ("/admin/roles", "Roles", &Role::ALL),
    ("/admin/access", "Access log", &[Role::Admin, Role::ComplianceOfficer, Role::Auditor]),
    ("/admin/keys", "Keys", &[Role::Admin]),
    ("/admin/sessions", "Sign-ins", &[Role::Admin]),
    ("/admin/passkeys", "Passkeys to confirm", &[Role::Admin]),
    ("/admin/audit-windows", "Audit windows", &[Role::Admin, Role::ComplianceOfficer]),
    ("/admin/recertification", "Recertification", &[Role::Admin, Role::ComplianceOfficer]),
    ("/admin/health", "Health", &[Role::Admin, Role::ComplianceOfficer]),
    ("/admin/notices", "Notices", &[Role::Admin, Role::ComplianceOfficer]),
];

/// Returns the places that somebody with these roles can use.
fn places(roles: &[Role]) -> Vec<(&'static str, &'static str)> {
    let fits = |needed: &[Role]| needed.iter().any(|role| roles.contains(role));
    PLACES.iter().filter(|(.., needed)| fits(needed)).map(|(path, label, _)| (*path, *label)).collect()
}

/// Links between the pages of administration, as far as the person can use them.
#[component]
pub(crate) fn AdminNav() -> impl IntoView {
    let around = Surroundings::get().around;

    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let roles = around.await.ok().and_then(|around| around.me).map(|me| me.roles).unwrap_or_default();
                view! { <Places places=places(&roles)/> }
            })}
        </Suspense>
    }
}

#[component]
fn Places(places: Vec<(&'static str, &'static str)>) -> impl IntoView {
    let url = leptos_router::hooks::use_url();
    if places.len() < 2 {
        return ().into_any();
    }

    view! {
        <nav aria-label="Administration" class="mb-5 print:hidden">
            <ul class="flex flex-wrap gap-x-5 gap-y-1">
                {places
                    .into_iter()
                    .map(|(path, label)| {
                        // The page around it may be gone already, where only the query changed.
                        let current = move || url.try_with(|url| url.path() == path).unwrap_or_default().then_some("page");
                        view! {
                            <li>
                                <a
                                    href=path
                                    aria-current=current
                                    class="inline-flex min-h-8 items-center text-body text-accent underline aria-[current=page]:font-semibold aria-[current=page]:text-text aria-[current=page]:no-underline"
                                >
                                    {label}
                                </a>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </nav>
    }
    .into_any()
}

/// What a line of text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// Text that may stay empty.
    Text,
    /// A day that may stay empty.
    Day,
    /// A number that may stay empty.
    Number,
}

/// A labelled line that may stay empty, with its hint and its error. The id is unique on the page.
#[component]
pub(crate) fn Line(
    #[prop(into)] id: String,
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    kind: LineKind,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] value: String,
    #[prop(into)] problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let place = name.clone();
    let error = Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, &place)));
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let hint = (!hint.is_empty()).then_some(hint);
    let described = {
        let (hint_id, error_id, hinted) = (hint_id.clone(), error_id.clone(), hint.is_some());
        move || {
            let parts = [hinted.then(|| hint_id.clone()), error.get().map(|_| error_id.clone())];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        }
    };
    let (input, keys) = match kind {
        LineKind::Text => ("text", None),
        LineKind::Day => ("date", None),
        LineKind::Number => ("text", Some("decimal")),
    };

    view! {
        <div class="grid content-start gap-1">
            <label for=id.clone() class="text-body font-medium">
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
                id=id
                name=name
                r#type=input
                inputmode=keys
                value=value
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-describedby=described
                aria-invalid=move || error.get().map(|_| "true")
                class="block min-h-11 w-full rounded-control border border-control bg-surface px-3 text-body text-text aria-[invalid]:border-reject sm:min-h-9"
            />
            {move || {
                error
                    .get()
                    .map(|error| {
                        view! {
                            <p id=error_id.clone() class="text-compact text-reject">
                                {error}
                            </p>
                        }
                    })
            }}
        </div>
    }
}

/// A labelled choice: word, text, and whether it is the one.
#[component]
pub(crate) fn Choose(
    #[prop(into)] id: String,
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    options: Vec<(String, String, bool)>,
) -> impl IntoView {
    view! {
        <div class="grid content-start gap-1">
            <label for=id.clone() class="text-body font-medium">
                {label}
            </label>
            <select
                id=id
                name=name
                class="block min-h-11 w-full rounded-control border border-control bg-surface px-2.5 text-body text-text sm:min-h-9"
            >
                {options
                    .into_iter()
                    .map(|(word, text, chosen)| {
                        view! {
                            <option value=word selected=chosen>
                                {text}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}

/// Makes the options of a choice among numbers; the first is chosen.
pub(crate) fn numbers(numbers: &[u64], words: impl Fn(u64) -> String) -> Vec<(String, String, bool)> {
    let mut sorted: Vec<_> = numbers.to_vec();
    sorted.sort_unstable();
    sorted.into_iter().map(|number| (number.to_string(), words(number), Some(&number) == numbers.first())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_led_only_where_they_may_go() {
        assert_eq!(places(&[Role::Auditor]).len(), 3);
        assert_eq!(places(&[Role::ComplianceOfficer]).len(), 7);
        assert_eq!(places(&[Role::Admin]).len(), 11);
        assert_eq!(places(&[Role::Approver]).len(), 1);
    }

    #[test]
    fn numbers_are_in_order_and_the_first_given_is_chosen() {
        let options = numbers(&[90, 30], |days| format!("{days} days"));

        assert_eq!(options, [("30".into(), "30 days".into(), false), ("90".into(), "90 days".into(), true)]);
    }
}
