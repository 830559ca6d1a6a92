//! `/grants/new`: choose a system and a type, then what, how often and how long; read it in words, then ask.

use std::collections::BTreeMap;

use countersign_domain::{
    decision_type::{Parameter, TypeDefinition},
    grant::{GrantForm, GrantFormView, Grantable, HOURS_DEFAULT, HOURS_MAX, USES_DEFAULT, USES_MAX},
    policy::{FactKind, facts::fact_kind},
    problem::Problem,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use super::BackToList;
use crate::{
    Error,
    answer::{Answer, answer_of, goes_on, typed},
    components::{
        admin::{Choose, Line, LineKind},
        form::{Area, ErrorSummary, Submit, Weight},
        page::{PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::Literal,
    },
    wire::Json,
};

/// Reads what a grant can be asked for, and what was chosen so far in words. `asked` is the form in JSON.
#[server(prefix = "/act", endpoint = "grant-form", output = Json)]
pub(crate) async fn grant_offer(asked: String) -> Result<GrantFormView, Error> {
    use countersign_engine::grants;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let asked: GrantForm = serde_json::from_str(&asked).unwrap_or_default();
    shown(&caller, grants::form(&engine, &caller, &asked).await)
}

/// Asks for a grant.
#[server(prefix = "/act", endpoint = "request-grant", output = Json)]
pub(crate) async fn request_grant(
    system: String,
    type_id: String,
    uses: String,
    hours: String,
    #[server(default)] fields: BTreeMap<String, String>,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_engine::grants::{self, GrantRequest};

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, strings::SAY_WHY) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let form = GrantForm { system, type_id, uses, hours, fields };
    let done = act(async move { grants::request(&engine, &caller, GrantRequest { form, reason }).await }).await;

    Ok(told(done.map(|id| Answer::done(format!("/grants/{id}")))))
}

/// The page that asks for a grant.
#[component]
pub(crate) fn NewGrantPage() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        query.with(|query| GrantForm::read(query.into_iter().map(|(name, value)| (&**name, value))))
    });
    let view = Resource::new(
        move || asked.get(),
        |asked| async move { grant_offer(serde_json::to_string(&asked).unwrap_or_default()).await },
    );
    let act = ServerAction::<RequestGrant>::new();
    let answer = answer_of(act);
    goes_on(answer);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <BackToList/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <Steps shown asked=asked.get_untracked() act problem/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The step that comes next, with what was chosen before it.
#[component]
fn Steps(
    shown: GrantFormView,
    asked: GrantForm,
    act: ServerAction<RequestGrant>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let GrantFormView { grantable, chosen, words, problem: wrong, .. } = shown;
    let wrong = Signal::stored(wrong);
    let step = match (chosen, words) {
        (None, _) => view! { <What grantable asked wrong/> }.into_any(),
        (Some(definition), None) => view! { <Terms grantable definition asked wrong/> }.into_any(),
        (Some(_), Some(words)) => view! { <Confirm words asked act problem/> }.into_any(),
    };

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <div class="grid max-w-3xl gap-6">{step}</div>
    }
}

/// First: which system may do what.
#[component]
fn What(grantable: Grantable, asked: GrantForm, wrong: Signal<Option<Problem>>) -> impl IntoView {
    let Grantable { systems, types } = grantable;
    let option = |id: String, words: String, chosen: &str| {
        let is = id == chosen;
        (id, words, is)
    };
    let systems = systems.into_iter().map(|(id, name)| option(id.to_string(), name, &asked.system)).collect();
    let (fit, kept): (Vec<_>, Vec<_>) = types.into_iter().partition(|(.., why)| why.is_none());
    let types = fit
        .into_iter()
        .map(|(id, definition, _)| {
            option(id.to_string(), format!("{} ({})", definition.title, definition.name), &asked.type_id)
        })
        .collect();
    let kept: Vec<_> = kept.into_iter().filter_map(|(.., why)| why).collect();

    view! {
        <Panel title=strings::WHAT>
            <ErrorSummary problem=wrong/>
            <form method="get" action="/grants/new" class="grid max-w-2xl gap-4">
                <Choose id="system" name="system" label=strings::SYSTEM options=systems/>
                <Choose id="type_id" name="type_id" label=strings::TYPE options=types/>
                <div>
                    <button type="submit" class=Weight::Primary.class()>
                        {strings::NEXT}
                    </button>
                </div>
            </form>
            {(!kept.is_empty())
                .then(|| {
                    view! {
                        <div class="max-w-measure text-compact text-muted">
                            <p>{strings::NEVER}</p>
                            <ul class="list-disc pl-5">
                                {kept.into_iter().map(|why| view! { <li>{why}</li> }).collect_view()}
                            </ul>
                        </div>
                    }
                })}
        </Panel>
    }
}

/// Then: within which values, how often, how long.
#[component]
fn Terms(
    grantable: Grantable,
    definition: TypeDefinition,
    asked: GrantForm,
    wrong: Signal<Option<Problem>>,
) -> impl IntoView {
    let system = grantable.systems.iter().find(|(id, _)| id.to_string() == asked.system);
    let system = system.map(|(_, name)| name.clone()).unwrap_or_default();
    let about = format!("{system}: {} ({})", definition.title, definition.name);
    let ranges = definition
        .parameters
        .into_iter()
        .map(|parameter| view! { <Range parameter asked=asked.clone() wrong/> }.into_any())
        .collect_view();
    let hours = if asked.hours.is_empty() { HOURS_DEFAULT.to_string() } else { asked.hours.clone() };
    let uses = if asked.uses.is_empty() { USES_DEFAULT.to_string() } else { asked.uses.clone() };

    view! {
        <Panel title=strings::TERMS>
            <p class="font-medium [overflow-wrap:anywhere]">
                <Literal text=about/>
            </p>
            <ErrorSummary problem=wrong/>
            <form method="get" action="/grants/new" class="grid max-w-2xl gap-5">
                <input type="hidden" name="system" value=asked.system/>
                <input type="hidden" name="type_id" value=asked.type_id/>
                {ranges}
                <div class="grid gap-4 sm:grid-cols-2">
                    <Line
                        id="uses"
                        name="uses"
                        label=strings::USES
                        kind=LineKind::Number
                        hint=format!("1 to {USES_MAX}.")
                        value=uses
                        problem=wrong
                    />
                    <Line
                        id="hours"
                        name="hours"
                        label=strings::HOURS
                        kind=LineKind::Number
                        hint=format!("1 to {HOURS_MAX}, from its activation.")
                        value=hours
                        problem=wrong
                    />
                </div>
                <div class="flex flex-wrap gap-3">
                    <button type="submit" class=Weight::Primary.class()>
                        {strings::PREVIEW}
                    </button>
                    <a href="/grants/new" class=Weight::Plain.class()>
                        {strings::CHANGE_WHAT}
                    </a>
                </div>
            </form>
        </Panel>
    }
}

/// The fields that hold one parameter.
#[component]
fn Range(parameter: Parameter, asked: GrantForm, wrong: Signal<Option<Problem>>) -> impl IntoView {
    let Parameter { name, label, kind, .. } = parameter;
    let typed = |start: &str| asked.fields.get(&format!("{start}_{name}")).cloned().unwrap_or_default();
    match fact_kind(kind) {
        Some(FactKind::Number) => {
            let (least, most) = (format!("min_{name}"), format!("max_{name}"));
            view! {
                <fieldset class="grid gap-2">
                    <legend class="text-body font-medium">{label.clone()}</legend>
                    <p class="text-compact text-muted">{strings::MAY_BE_EMPTY}</p>
                    <div class="grid gap-4 sm:grid-cols-2">
                        <Line
                            id=least.clone()
                            name=least
                            label=format!("{label}, {}", strings::LEAST)
                            kind=LineKind::Number
                            value=typed("min")
                            problem=wrong
                        />
                        <Line
                            id=most.clone()
                            name=most
                            label=format!("{label}, {}", strings::MOST)
                            kind=LineKind::Number
                            value=typed("max")
                            problem=wrong
                        />
                    </div>
                </fieldset>
            }
            .into_any()
        }
        Some(FactKind::Flag) => {
            let (field, value) = (format!("is_{name}"), typed("is"));
            let options = [("", strings::ANY), ("true", strings::YES), ("false", strings::NO)]
                .into_iter()
                .map(|(word, words)| (word.to_owned(), words.to_owned(), value == word))
                .collect();
            view! { <Choose id=field.clone() name=field label options/> }.into_any()
        }
        Some(_) => {
            let (field, value) = (format!("is_{name}"), typed("is"));
            view! { <Area name=field label hint=strings::ONE_A_LINE value rows=2 problem=wrong/> }.into_any()
        }
        None => view! {
            <p class="text-compact text-muted">
                <span class="font-medium">{label}</span>
                ": "
                {strings::NO_RANGE}
            </p>
        }
        .into_any(),
    }
}

/// Last: the scope in words, and the reason.
#[component]
fn Confirm(
    words: Vec<String>,
    asked: GrantForm,
    act: ServerAction<RequestGrant>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let back = format!("/grants/new?{}", asked.query());
    let GrantForm { system, type_id, uses, hours, fields } = asked;
    let fields = fields
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=format!("fields[{name}]") value=value/> })
        .collect_view();

    view! {
        <Panel title=strings::IN_WORDS>
            <ScopeWords words/>
            <p>
                <a href=back class="text-accent underline">
                    {strings::CHANGE_TERMS}
                </a>
            </p>
        </Panel>
        <Panel title=strings::WHY>
            <ErrorSummary problem/>
            <ActionForm action=act attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="system" value=system/>
                <input type="hidden" name="type_id" value=type_id/>
                <input type="hidden" name="uses" value=uses/>
                <input type="hidden" name="hours" value=hours/>
                {fields}
                <Area
                    name="reason"
                    label=strings::REASON
                    hint=strings::REASON_HINT
                    value={typed::<RequestGrant>("reason")}
                    rows=3
                    problem
                />
                <div>
                    <Submit weight=Weight::Primary pending=act.pending()>
                        {strings::ASK}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

/// The scope of a grant, written out.
#[component]
pub(super) fn ScopeWords(words: Vec<String>) -> impl IntoView {
    let words = words
        .into_iter()
        .map(|words| {
            view! {
                <li class="[overflow-wrap:anywhere]">
                    <Literal text=words/>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="max-w-measure list-disc space-y-1 pl-5">{words}</ul> }
}

mod strings {
    pub(super) const TITLE: &str = "Ask for a grant";
    pub(super) const INTRO: &str = "You say what an AI system may do a few times without anybody being asked. Another person reads that and activates it; until then, everything is asked for as before. A grant never changes: who wants another one asks for another.";
    pub(super) const WHAT: &str = "What may it do";
    pub(super) const SYSTEM: &str = "AI system";
    pub(super) const TYPE: &str = "Decision type";
    pub(super) const NEXT: &str = "Next: within which values";
    pub(super) const NEVER: &str = "Never by a grant:";
    pub(super) const TERMS: &str = "Within which values, how often, how long";
    pub(super) const LEAST: &str = "at least";
    pub(super) const MOST: &str = "at most";
    pub(super) const MAY_BE_EMPTY: &str = "What stays empty holds it to nothing.";
    pub(super) const ANY: &str = "Whatever it is";
    pub(super) const YES: &str = "Yes";
    pub(super) const NO: &str = "No";
    pub(super) const ONE_A_LINE: &str = "Exactly one of these, each on a line of its own; empty for whatever it is.";
    pub(super) const NO_RANGE: &str = "lists and objects cannot be held to values.";
    pub(super) const USES: &str = "Uses";
    pub(super) const HOURS: &str = "Hours";
    pub(super) const PREVIEW: &str = "Next: read it in words";
    pub(super) const CHANGE_WHAT: &str = "Choose something else";
    pub(super) const IN_WORDS: &str = "What you ask for";
    pub(super) const CHANGE_TERMS: &str = "Change these";
    pub(super) const WHY: &str = "Why it is needed";
    pub(super) const REASON: &str = "Reason";
    pub(super) const REASON_HINT: &str =
        "Read by whoever activates it, and by everybody who reads the grant. Name no customers.";
    #[cfg(feature = "ssr")]
    pub(super) const SAY_WHY: &str = "Say why. Whoever activates the grant reads it.";
    pub(super) const ASK: &str = "Ask for this grant";
}
