//! The form of a decision type beside code and reason, and what was typed when a form is gone.

use countersign_domain::{
    form::{AnswerKind, FormField, Typed},
    problem::Problem,
    text::REASON_CHARACTERS_MAX,
};
use leptos::{html, prelude::*};
use web_sys::Element;

use super::composer::Draft;
use crate::components::{
    form::error_of,
    text::{Payload, SafeTextArea},
};

/// Classes of a one-line field.
const LINE: &str = "block min-h-11 w-full max-w-sm rounded-control border border-control bg-surface px-3 text-reading text-text aria-[invalid]:border-reject sm:min-h-10";

/// Name and id of a field on a page.
pub(super) fn field_name(name: &str) -> String {
    format!("form[{name}]")
}

/// The fields, with what was typed and what was wrong with it.
#[component]
pub(super) fn FormFields(fields: Vec<FormField>, draft: Draft, problem: Signal<Option<Problem>>) -> impl IntoView {
    let readers =
        (!fields.is_empty()).then(|| view! { <p class="max-w-measure text-compact text-muted">{strings::READERS}</p> });
    let fields = fields.into_iter().map(|field| view! { <Field field draft problem/> }.into_any()).collect_view();
    view! {
        {fields}
        {readers}
    }
}

#[component]
fn Field(field: FormField, draft: Draft, problem: Signal<Option<Problem>>) -> impl IntoView {
    let name = field_name(&field.name);
    let error = {
        let name = name.clone();
        Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, &name)))
    };
    let invalid = Signal::derive(move || error.get().is_some());
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    let described = format!("{hint_id} {error_id}");
    let hint = hint(&field);
    let value = draft.form().remove(&field.name).unwrap_or_default();
    let element = AnyField::new();
    {
        let (asked, answered) = (field.name.clone(), field.name.clone());
        let kept = move || draft.answer_of(&asked);
        element.follow(name.clone(), kept, move |text| draft.answer(&answered, text));
    }
    let set = {
        let name = field.name.clone();
        move |event: leptos::ev::Event| draft.answer(&name, event_target_value(&event))
    };
    let choose = |options: Vec<(String, String)>| {
        let options = options
            .into_iter()
            .map(|(word, label)| {
                let selected = value == word;
                view! {
                    <option value=word selected=selected>
                        {label}
                    </option>
                }
            })
            .collect_view();
        view! {
            <select
                id=name.clone()
                name=name.clone()
                aria-describedby=described.clone()
                aria-invalid=move || invalid.get().then_some("true")
                node_ref=element.select
                class=LINE
                on:input=set.clone()
            >
                <option value="">{strings::CHOOSE}</option>
                {options}
            </select>
        }
        .into_any()
    };
    let control = match field.kind {
        AnswerKind::Text => view! {
            <SafeTextArea
                name=name.clone()
                value=value.clone()
                rows=2
                described_by=described.clone()
                invalid
                node_ref=element.area
                on:input=set.clone()
            />
        }
        .into_any(),
        AnswerKind::Decimal => view! {
            <input
                id=name.clone()
                name=name.clone()
                type="text"
                inputmode="decimal"
                autocomplete="off"
                value=value.clone()
                aria-describedby=described.clone()
                aria-invalid=move || invalid.get().then_some("true")
                node_ref=element.input
                class=LINE
                on:input=set.clone()
            />
        }
        .into_any(),
        AnswerKind::Boolean => {
            choose(vec![("true".to_owned(), strings::YES.to_owned()), ("false".to_owned(), strings::NO.to_owned())])
        }
        AnswerKind::Choice => choose(field.choices.into_iter().map(|choice| (choice.clone(), choice)).collect()),
    };

    view! {
        <div class="grid gap-1">
            <label for=name class="text-body font-medium">
                {field.label}
            </label>
            <p id=hint_id class="text-compact text-muted empty:hidden">
                {hint}
            </p>
            {control}
            <p id=error_id class="text-compact text-reject">
                {move || error.get()}
            </p>
        </div>
    }
}

/// What to know before answering: the type's own words, whether it may be left empty, and with which rulings it is asked.
fn hint(field: &FormField) -> String {
    let ends = |hint: &str| hint.ends_with(['.', '?', '!', ':']);
    let own = field.hint.as_ref().map(|hint| if ends(hint) { hint.clone() } else { format!("{hint}.") });
    let optional = (!field.required).then(|| strings::OPTIONAL.to_owned());
    let most = (field.kind == AnswerKind::Text).then(|| format!("At most {REASON_CHARACTERS_MAX} characters."));
    [own, field.asked_with(), optional, most].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The element of a field, whichever it is: two of these stay empty.
#[derive(Clone, Copy)]
pub(super) struct AnyField {
    pub(super) area: NodeRef<html::Textarea>,
    pub(super) input: NodeRef<html::Input>,
    pub(super) select: NodeRef<html::Select>,
}

impl AnyField {
    pub(super) fn new() -> Self {
        Self { area: NodeRef::new(), input: NodeRef::new(), select: NodeRef::new() }
    }

    /// Lets the element of this id show what is kept of it, also when that changes without anybody typing. What was typed
    /// before a script ran is in the page alone, and goes where `typed` takes it.
    pub(super) fn follow(self, id: String, kept: impl Fn() -> String + 'static, typed: impl Fn(String) + 'static) {
        Effect::new(move |before: Option<bool>| {
            let (kept, element) = (kept(), self.element());
            let Some(element) = element.or_else(|| document().get_element_by_id(&id)) else { return false };
            let stands = value_of(&element);
            let begins = !before.unwrap_or(false);
            match stands == kept {
                true => {}
                false if begins && stands != default_of(&element) => typed(stands),
                // Every element of a form takes its value so.
                false => drop(js_sys::Reflect::set(&element, &"value".into(), &kept.into())),
            }
            true
        });
    }

    fn element(self) -> Option<Element> {
        let area = self.area.get().map(Element::from);
        let input = self.input.get().map(Element::from);
        area.or(input).or_else(|| self.select.get().map(Element::from))
    }
}

fn value_of(element: &Element) -> String {
    js_sys::Reflect::get(element, &"value".into()).ok().and_then(|value| value.as_string()).unwrap_or_default()
}

/// What stood in a field before anybody touched it.
fn default_of(element: &Element) -> String {
    let text = js_sys::Reflect::get(element, &"defaultValue".into()).ok().and_then(|value| value.as_string());
    let option = || element.query_selector("option[selected]").ok().flatten()?.get_attribute("value");
    text.or_else(option).unwrap_or_default()
}

/// What was typed into a form that is gone, if anything was.
#[component]
pub(super) fn KeptText(draft: Draft, form: Vec<FormField>) -> impl IntoView {
    let kept = kept(draft.reason(), &form, draft.form());
    (!kept.is_empty()).then(|| {
        view! {
            <div class="grid gap-1">
                <h3 class="text-body font-semibold">{strings::KEPT}</h3>
                {kept.into_iter().map(|value| view! { <Payload value/> }).collect_view()}
            </div>
        }
    })
}

/// The reason, and each answer behind what was asked.
fn kept(reason: String, form: &[FormField], mut typed: Typed) -> Vec<String> {
    let answers = form.iter().filter_map(|field| {
        let text = typed.remove(&field.name).filter(|text| !text.trim().is_empty())?;
        Some(field.named(&field.shown(text)))
    });
    Some(reason).filter(|reason| !reason.is_empty()).into_iter().chain(answers).collect()
}

mod strings {
    pub(super) const READERS: &str =
        "These answers are kept with the decision for its auditors, as the reason is. The AI system is not told them.";
    pub(super) const CHOOSE: &str = "Choose";
    pub(super) const YES: &str = "Yes";
    pub(super) const NO: &str = "No";
    pub(super) const OPTIONAL: &str = "May be left empty.";
    pub(super) const KEPT: &str = "Your text, not recorded";
}

#[cfg(test)]
mod tests {
    use countersign_domain::decision::Verdict;

    use super::*;

    #[test]
    fn a_field_says_when_it_is_asked_and_whether_it_may_stay_empty() {
        let conditions = FormField { verdicts: vec![Verdict::Approve], ..field(AnswerKind::Text, true) };

        assert_eq!(hint(&conditions), "With Approve only. At most 2000 characters.");
        assert_eq!(hint(&field(AnswerKind::Boolean, false)), "May be left empty.");
        assert_eq!(hint(&FormField { hint: Some("As filed".into()), ..field(AnswerKind::Decimal, true) }), "As filed.");
        assert_eq!(hint(&field(AnswerKind::Boolean, true)), "");
    }

    #[test]
    fn what_was_typed_is_kept_behind_what_was_asked() {
        let form = [field(AnswerKind::Text, true)];
        let typed = |text: &str| Typed::from([("rate".to_owned(), text.to_owned())]);

        assert_eq!(kept("Because.".into(), &form, typed("7")), ["Because.", "Rate: 7"]);
        let seen = FormField { label: "Seen?".into(), ..field(AnswerKind::Boolean, true) };
        assert_eq!(kept(String::new(), &[seen], typed("true")), ["Seen? Yes"]);
        assert!(kept(String::new(), &form, typed(" ")).is_empty());
    }

    fn field(kind: AnswerKind, required: bool) -> FormField {
        FormField {
            name: "rate".into(),
            label: "Rate".into(),
            hint: None,
            kind,
            choices: Vec::new(),
            required,
            verdicts: Vec::new(),
        }
    }
}
