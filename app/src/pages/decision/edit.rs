//! `/decisions/{id}/edit`: approve other parameters than were proposed. The form shows what differs and exactly what the
//! AI system will receive: as it is typed, and without JavaScript when asked.

use std::collections::BTreeMap;

use countersign_domain::{
    decision::{Risk, Verdict},
    decision_type::{Kind, Parameter},
    form::FormField,
    ids::{DecisionId, LeaseId, PresentationId},
    lineage::{self, FieldChange},
    problem::{Code, Problem},
    view::{Composer, DecisionView, Way},
};
use leptos::{form::ActionForm, prelude::*, server_fn::ServerFn};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;

use super::{
    BackLine, Barred, Masks, OpenField,
    composer::Draft,
    decision,
    fields::{ReasonFields, Ways},
    form::{AnyField, FormFields},
    lease::{Claim, Desk, LeaseBar, StartPanel, StartReview, TakeOver},
    named,
    opened::{Opened, OpenedInput},
    sections::{ActionSection, ContextSection},
};
use crate::{
    Error,
    answer::{Answer, Posted, answer_of, posted, typed},
    clock::ticking,
    components::{
        changes::FieldChanges,
        form::{ErrorSummary, Submit, Weight, error_of},
        page::{Banner, Bar, PageHeader, PageTitle, Panel, Recorded, Refusal, Skeleton, TitleText},
        text::{Literal, Payload, SafeTextArea, indent},
    },
    drafts,
    frame::Surroundings,
    live::Live,
    wire::Json,
};

/// Classes of a one-line field.
const LINE: &str = "block min-h-10 w-full max-w-sm rounded-control border border-control bg-surface px-3 text-reading text-text aria-[invalid]:border-reject";
/// Longer values are not edited in a form; they stay as they are.
const EDITED_BYTES_MAX: usize = 8 * 1_024;

/// Records a person's approval of what they typed in the place of the proposed parameters.
#[server(prefix = "/act", endpoint = "edit", output = Json)]
pub(crate) async fn edit(
    decision: DecisionId,
    presentation: PresentationId,
    lease: LeaseId,
    code: String,
    reason: String,
    #[server(default)] fields: BTreeMap<String, String>,
    #[server(default)] form: BTreeMap<String, String>,
    #[server(default)] opened: String,
    #[server(default)] on_behalf: String,
) -> Result<Answer, Error> {
    use countersign_engine::decisions::{self, ReviewRequest};

    use super::reason;
    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let (code, reason) = match reason::read(&code, &reason) {
        Ok(read) => read,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let asked = ReviewRequest {
        code,
        reason,
        form,
        opened: super::opened::read(&opened),
        on_behalf: on_behalf.parse().ok(),
        ..ReviewRequest::new(decision, presentation, lease, Verdict::ApproveWithEdits)
    };
    let edited = act(async move { decisions::edit(&engine, &caller, asked, fields).await }).await;

    Ok(told(edited.map(|_| Answer::done(format!("/queue?done={decision}")))))
}

/// Draws the page again with what was typed, for browsers without JavaScript; the engine seals what is shown.
#[server(prefix = "/act", endpoint = "preview-edit", output = Json)]
pub(crate) async fn preview_edit(decision: DecisionId) -> Result<Answer, Error> {
    use countersign_engine::decisions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, decisions::view(&engine, &caller, decision).await).map(|_| Answer::Previewed)
}

/// The page of edits.
#[component]
pub(crate) fn EditPage() -> impl IntoView {
    let view = named(decision);
    let action = ServerAction::<Edit>::new();
    let open = ServerAction::<OpenField>::new();
    let (entries, disclosed) = (Entries::new(), Opened::new());
    let draft = match posted(PreviewEdit::PATH) {
        Some(_) => Draft::of::<PreviewEdit>(),
        None => Draft::after_start().unwrap_or_else(Draft::of::<Edit>),
    };
    let reload = Callback::new(move |()| {
        draft.keep();
        action.clear();
        view.refetch();
    });

    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=7/> }
        }>
            {move || Suspend::new(async move {
                match view.await.and_then(|shown| shown.open()) {
                    Ok(shown) => view! { <Whole shown action open entries disclosed draft reload/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Whole(
    shown: DecisionView,
    action: ServerAction<Edit>,
    open: ServerAction<OpenField>,
    entries: Entries,
    disclosed: Opened,
    draft: Draft,
    reload: Callback<()>,
) -> impl IntoView {
    let (id, reader) = (shown.id, shown.reader);
    disclosed.provide(&shown.content_hash);
    let form_fields = shown.form.clone();
    let desk = Desk { id, edit: true, reload };
    let clock = ticking(shown.now);
    let holders = shown.holders.clone();
    let open_problem = Masks::provide(&shown, open, reload);
    let raw = Memo::new(|_| false);
    let title = shown.title.clone();
    let recorded = shown.recorded;
    let sheet = Sheet::read(&shown);
    let form = match &shown.composer {
        Composer::Closed { reason } => view! { <Barred id reason=reason.clone()/> }.into_any(),
        Composer::Ready { free, refused } => {
            let refused = refused.clone();
            let fields = answered().map(|posted| posted.typed.beginning("fields[")).unwrap_or_default();
            let problem = posted(Edit::PATH).and_then(|posted| posted.answer.problem());
            view! { <StartPanel desk free=*free refused holders clock draft form=form_fields problem fields/> }
                .into_any()
        }
        Composer::Open { refused, presentation, lease, lease_until, ways, .. } => {
            match refused.iter().find(|refused| refused.verdict == Verdict::ApproveWithEdits) {
                Some(refused) => view! { <Barred id reason=refused.why.clone()/> }.into_any(),
                None => {
                    let presentation = *presentation;
                    let claim = Claim::new(desk, *lease, presentation, *lease_until);
                    let alone = shown.risk == Risk::Low && shown.policy.need == 1;
                    let ways = ways.clone();
                    let place = drafts::Place { person: reader, decision: id };
                    let (of, opened) = (shown.content_hash.clone(), shown.open_until.is_some());
                    view! {
                        <EditForm
                            place
                            of
                            opened
                            presentation
                            claim
                            clock
                            sheet
                            ways
                            alone
                            action
                            entries
                            form=form_fields
                            disclosed
                            draft
                        />
                    }
                    .into_any()
                }
            }
        }
    };

    view! {
        <PageTitle text=TitleText::decision(id)/>
        <BackLine id/>
        <PageHeader title=move || view! { {strings::TITLE} " " <Literal text=title.clone()/> }/>
        <div class="grid min-w-0 max-w-4xl gap-4">
            <ErrorSummary problem=open_problem/>
            <ActionSection shown=shown.clone() raw/>
            <Panel title=strings::YOURS>{form}</Panel>
            <ContextSection shown raw/>
            <Recorded entry=recorded/>
        </div>
    }
}

#[component]
fn EditForm(
    /// Whose form, and for which decision.
    place: drafts::Place,
    /// Digest of what is edited.
    of: String,
    /// Personal values are open for some minutes.
    opened: bool,
    presentation: PresentationId,
    claim: Claim,
    clock: Signal<u64>,
    sheet: Sheet,
    ways: Vec<Way>,
    /// The editor's own approval may be enough.
    alone: bool,
    action: ServerAction<Edit>,
    entries: Entries,
    /// What the type asks beside code and reason.
    form: Vec<FormField>,
    disclosed: Opened,
    draft: Draft,
) -> impl IntoView {
    let id = place.decision;
    let Entries { values, restored, other, stored, content, .. } = entries;
    let asked: Vec<_> = form.into_iter().filter(|field| field.is_asked(Verdict::ApproveWithEdits)).collect();
    let answer = answer_of(action);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    let Claim { lease, lost, .. } = claim;
    claim.keep();
    let conflict = move || {
        let conflict =
            |problem: &Problem| problem.code.status() == Code::Stale.status() && problem.code != Code::LeaseLost;
        problem.with(|problem| problem.as_ref().is_some_and(conflict))
    };
    Effect::new(move || {
        if let Some(problem) = problem.get().filter(|problem| problem.code == Code::LeaseLost) {
            lost.set(Some(problem));
        }
    });
    let surroundings = Surroundings::get();
    let navigate = use_navigate();
    Effect::new(move || {
        if let Some(Answer::Done { to }) = answer.get() {
            claim.end();
            draft.clear(place);
            surroundings.say(strings::RECORDED);
            navigate(&to, NavigateOptions::default());
        }
    });
    let live = expect_context::<Live>();
    Effect::new(move || live.open(None));
    let unreachable = Memo::new(move |_| live.is_lost());
    Effect::new(move || draft.restore(place));
    let able = RwSignal::new(false);
    Effect::new(move || able.set(true));
    entries.begin(&sheet, of, opened);
    // What was typed into the form that this page answers is newer.
    let answered = answered().is_some();
    Effect::new(move || {
        let Some(kept) = drafts::read_fields(place).filter(|_| !answered) else { return };
        if content.with_value(|content| *content != kept.content) {
            other.set(kept.typed);
            return;
        }
        let mut changed = false;
        values.update(|values| {
            for (name, text) in kept.typed {
                if let Some(value) = values.get_mut(&name)
                    && *value != text
                {
                    (*value, changed) = (text, true);
                }
            }
        });
        if changed {
            restored.set(true);
            surroundings.say(strings::RESTORED);
        }
    });
    let store = move || {
        draft.store(place);
        // What was opened for some minutes is not kept for longer.
        if entries.opened.get_value() {
            return;
        }
        let differs = |(name, text): &(String, String)| stored.with_value(|stored| stored.get(name) != Some(text));
        let typed = values.with_untracked(|values| values.clone().into_iter().filter(differs).collect());
        drafts::write_fields(place, &drafts::Fields { content: content.get_value(), typed });
    };
    let start_again = move |_| {
        drafts::remove_fields(place);
        restored.set(false);
        values.update(|values| {
            values.extend(stored.get_value());
        });
        focus_first(&stored.get_value());
    };
    let forget_other = move |_| {
        drafts::remove_fields(place);
        other.set(BTreeMap::new());
    };
    let fields = sheet
        .0
        .iter()
        .cloned()
        .map(|(parameter, stored)| view! { <EditField parameter stored values problem/> }.into_any())
        .collect_view();
    let outcome = Memo::new(move |_| values.with(|values| sheet.outcome(values)));

    view! {
        <p class="text-reading sm:hidden">
            {strings::NARROW} " "
            <a href=format!("/decisions/{id}") class="text-accent underline">
                {strings::BACK}
            </a>
        </p>
        <div class="max-sm:hidden">
            <LeaseBar claim clock draft/>
        </div>
        <ActionForm action attr:class="grid gap-4 max-sm:hidden" on:input=move |_| store()>
            // The form's default button: Enter in a field can approve nothing.
            <button type="submit" disabled hidden></button>
            <input type="hidden" name="decision" value=id.to_string()/>
            <input type="hidden" name="presentation" value=presentation.to_string()/>
            <input type="hidden" name="lease" value=lease.to_string()/>
            <ErrorSummary problem/>
            {move || {
                restored
                    .get()
                    .then(|| {
                        view! {
                            <Banner bar=Bar::Note>
                                <p>{strings::RESTORED}</p>
                                <button type="button" class=Weight::Plain.class() on:click=start_again>
                                    {strings::START_AGAIN}
                                </button>
                            </Banner>
                        }
                    })
            }}
            {move || {
                let other = other.get();
                (!other.is_empty())
                    .then(|| {
                        view! {
                            <Banner bar=Bar::Stale>
                                <div class="grid min-w-0 flex-1 gap-2">
                                    <p>{strings::OTHER}</p>
                                    {other
                                        .into_iter()
                                        .map(|(name, text)| view! { <Payload value=format!("{name}: {text}")/> })
                                        .collect_view()}
                                </div>
                                <button type="button" class=Weight::Plain.class() on:click=forget_other>
                                    {strings::FORGET}
                                </button>
                            </Banner>
                        }
                    })
            }}
            {move || {
                conflict()
                    .then(|| {
                        view! {
                            <p>
                                <a href=format!("/decisions/{id}") class=Weight::Plain.class()>
                                    {strings::SHOW_CURRENT}
                                </a>
                            </p>
                        }
                    })
            }}
            {posted(PreviewEdit::PATH)
                .map(|_| {
                    view! {
                        <Banner bar=Bar::Note>
                            <p>{strings::PREVIEWED}</p>
                        </Banner>
                    }
                })}
            {fields}
            <div class="grid gap-2" id="changes">
                <h3 class="text-body font-semibold">{strings::CHANGES}</h3>
                {move || outcome.with(|outcome| view! { <Preview outcome=outcome.clone()/> }.into_any())}
            </div>
            <Ways ways chosen=RwSignal::new(typed::<Edit>("on_behalf"))/>
            <ReasonFields draft problem readers=strings::READER/>
            <FormFields fields=asked draft problem/>
            <OpenedInput opened=disclosed/>
            <p class="max-w-measure">{if alone { strings::ALONE } else { strings::OTHERS }}</p>
            <div class="flex flex-wrap gap-3">
                <Submit
                    weight=Weight::Primary
                    pending=Signal::derive(move || {
                        action.pending().get() || unreachable.get() || lost.with(Option::is_some)
                    })
                >
                    {Verdict::ApproveWithEdits.label()}
                </Submit>
                <button
                    type="submit"
                    formaction=PreviewEdit::PATH
                    hidden=move || able.get()
                    class=Weight::Plain.class()
                >
                    {strings::PREVIEW}
                </button>
            </div>
            <p class="text-compact text-muted">
                {move || match (unreachable.get(), live.is_ended()) {
                    (true, true) => strings::ENDED,
                    (true, false) => strings::UNREACHABLE,
                    (false, _) => strings::WHAT_HAPPENS,
                }}
            </p>
        </ActionForm>
    }
}

/// What differs, and what the AI system will receive.
#[component]
fn Preview(outcome: Outcome) -> impl IntoView {
    let Outcome { changes, faults, receives } = outcome;
    if !faults.is_empty() {
        let items = faults.into_iter().map(|fault| view! { <li>{fault}</li> }).collect_view();
        return view! { <ul class="list-disc pl-5 text-reject">{items}</ul> }.into_any();
    }

    view! {
        <FieldChanges changes/>
        <h3 class="mt-2 text-body font-semibold">{strings::RECEIVES}</h3>
        <p class="max-w-measure text-compact text-muted">{strings::RECEIVES_HINT}</p>
        <Payload value=receives/>
    }
    .into_any()
}

/// One parameter of the type: a field for it, or why it stays as it is.
#[component]
fn EditField(
    parameter: Parameter,
    stored: Stored,
    values: RwSignal<BTreeMap<String, String>>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let name = field_name(&parameter.name);
    let error = {
        let name = name.clone();
        Memo::new(move |_| problem.with(|problem| problem.as_ref().and_then(|problem| error_of(problem, &name))))
    };
    let invalid = Signal::derive(move || error.get().is_some());
    let error_id = format!("{name}-error");
    let value = values.with_untracked(|values| values.get(&parameter.name).cloned().unwrap_or_default());
    let set = {
        let name = parameter.name.clone();
        move |event: leptos::ev::Event| {
            let value = event_target_value(&event);
            values.update(|values| {
                values.insert(name.clone(), value);
            });
        }
    };
    let element = AnyField::new();
    {
        let (shown, typed) = (parameter.name.clone(), parameter.name.clone());
        let kept = move || values.with(|values| values.get(&shown).cloned().unwrap_or_default());
        element
            .follow(name.clone(), kept, move |text| values.update(|values| drop(values.insert(typed.clone(), text))));
    }
    let stays = match stored {
        Stored::Masked => Some(strings::STAYS_MASKED),
        Stored::Erased => Some(strings::STAYS_ERASED),
        Stored::Long(_) => Some(strings::STAYS_LONG),
        Stored::Absent | Stored::Text(_) => None,
    };
    let hint = match (parameter.required, parameter.kind) {
        (true, _) => None,
        (false, Kind::Boolean) => None,
        (false, _) => Some(strings::OPTIONAL),
    };
    let control = match (stays, parameter.kind) {
        (Some(why), _) => view! { <p class="text-muted">{why}</p> }.into_any(),
        (None, Kind::Text | Kind::Structure) => {
            let rows = u32::try_from(value.lines().count().clamp(1, 12)).unwrap_or(12);
            view! {
                <SafeTextArea
                    name=name.clone()
                    value
                    rows
                    characters_max=EDITED_BYTES_MAX
                    described_by=error_id.clone()
                    invalid
                    node_ref=element.area
                    on:input=set
                />
            }
            .into_any()
        }
        (None, Kind::Integer | Kind::Decimal) => view! {
            <input
                id=name.clone()
                name=name.clone()
                type="text"
                inputmode=if parameter.kind == Kind::Integer { "numeric" } else { "decimal" }
                autocomplete="off"
                value=value
                aria-describedby=error_id.clone()
                aria-invalid=move || invalid.get().then_some("true")
                node_ref=element.input
                class=LINE
                on:input=set
            />
        }
        .into_any(),
        (None, Kind::Boolean) => {
            let choice = |word: &'static str, label: &'static str| {
                view! {
                    <option value=word selected=value == word>
                        {label}
                    </option>
                }
            };
            view! {
                <select
                    id=name.clone()
                    name=name.clone()
                    aria-describedby=error_id.clone()
                    aria-invalid=move || invalid.get().then_some("true")
                    node_ref=element.select
                    class=LINE
                    on:input=set
                >
                    {(!parameter.required).then(|| choice("", strings::NOT_GIVEN))}
                    {choice("true", strings::YES)}
                    {choice("false", strings::NO)}
                </select>
            }
            .into_any()
        }
    };
    let label = view! {
        {parameter.label} " " <span class="font-mono text-compact font-normal text-muted">{parameter.name}</span>
    };

    view! {
        <div class="grid gap-1">
            {match stays {
                Some(_) => view! { <p class="text-body font-medium">{label}</p> }.into_any(),
                None => {
                    view! {
                        <label for=name class="text-body font-medium">
                            {label}
                        </label>
                    }
                        .into_any()
                }
            }}
            {hint.filter(|_| stays.is_none()).map(|hint| view! { <p class="text-compact text-muted">{hint}</p> })}
            {control}
            <p id=error_id class="text-compact text-reject">
                {move || error.get()}
            </p>
        </div>
    }
}

fn field_name(parameter: &str) -> String {
    format!("fields[{parameter}]")
}

/// Goes to the first of some fields, from a button that is gone.
fn focus_first(values: &BTreeMap<String, String>) {
    let field = values.keys().find_map(|name| document().get_element_by_id(&field_name(name)));
    if let Some(field) = field {
        let _ = field.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}

/// Returns the form that this page answers, without JavaScript.
fn answered() -> Option<Posted> {
    [PreviewEdit::PATH, StartReview::PATH, TakeOver::PATH, Edit::PATH].into_iter().find_map(posted)
}

/// What is typed, for as long as the page is open. A listener may outlive the drawing of the form that it came with, so
/// what listeners read is here too.
#[derive(Clone, Copy)]
struct Entries {
    /// By parameter.
    values: RwSignal<BTreeMap<String, String>>,
    /// Some of it was typed before the page was loaded anew.
    restored: RwSignal<bool>,
    /// What was typed in the place of another content, and is put over none.
    other: RwSignal<BTreeMap<String, String>>,
    /// What stands in each field before anybody types.
    stored: StoredValue<BTreeMap<String, String>>,
    /// Digest of the content in whose place `values` stand.
    content: StoredValue<String>,
    /// Personal values are open for some minutes.
    opened: StoredValue<bool>,
}

impl Entries {
    fn new() -> Self {
        Self {
            values: RwSignal::default(),
            restored: RwSignal::new(false),
            other: RwSignal::default(),
            stored: StoredValue::new(BTreeMap::new()),
            content: StoredValue::new(String::new()),
            opened: StoredValue::new(false),
        }
    }

    /// Begins with what is stored where nothing is typed. What was typed for another content, or into a field that is
    /// masked again, leaves the form.
    fn begin(self, sheet: &Sheet, content: String, opened: bool) {
        self.opened.set_value(opened);
        if self.content.with_value(|of| *of != content) {
            self.content.set_value(content);
            self.values.update_untracked(BTreeMap::clear);
            self.restored.set(false);
        }
        let stored = sheet.stored();
        self.values.update_untracked(|values| {
            values.retain(|name, _| stored.contains_key(name));
            sheet.begin(values);
        });
        self.stored.set_value(stored);
    }
}

/// What stands in a parameter now, as far as this person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stored {
    Absent,
    Text(String),
    /// Too long for a form.
    Long(String),
    Masked,
    Erased,
}

impl Stored {
    /// What the form's field begins with; nothing where there is no field.
    fn edited(&self) -> Option<&str> {
        match self {
            Stored::Absent => Some(""),
            Stored::Text(text) => Some(text),
            Stored::Long(_) | Stored::Masked | Stored::Erased => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Stored::Text(text) | Stored::Long(text) => Some(text),
            Stored::Absent | Stored::Masked | Stored::Erased => None,
        }
    }
}

/// The parameters of the type, with what stands in them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sheet(Vec<(Parameter, Stored)>);

/// What the form would make of the proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    changes: Vec<FieldChange>,
    /// What does not fit, in sentences.
    faults: Vec<String>,
    /// What the AI system will receive, as JSON.
    receives: String,
}

impl Sheet {
    fn read(shown: &DecisionView) -> Self {
        let stored = |parameter: &Parameter| {
            let field = shown.fields.iter().find(|field| field.name == parameter.name);
            match field.map(|field| (field.withheld, &field.value)) {
                None => Stored::Absent,
                Some((true, None)) => Stored::Masked,
                Some((false, None)) => Stored::Erased,
                Some((_, Some(value))) if value.len() > EDITED_BYTES_MAX => Stored::Long(value.clone()),
                Some((_, Some(value))) => Stored::Text(value.clone()),
            }
        };
        Self(shown.parameters.iter().map(|parameter| (parameter.clone(), stored(parameter))).collect())
    }

    /// Returns what stands in each field of the form before anybody types.
    fn stored(&self) -> BTreeMap<String, String> {
        let begun = |(parameter, stored): &(Parameter, Stored)| {
            let text = stored.edited()?;
            let text = if parameter.kind == Kind::Structure { indent(text) } else { text.to_owned() };
            Some((parameter.name.clone(), text))
        };
        self.0.iter().filter_map(begun).collect()
    }

    /// Fills fields that hold nothing yet: with what was typed in the form that this page answers, else what is stored.
    fn begin(&self, values: &mut BTreeMap<String, String>) {
        let answered = answered();
        for (name, text) in self.stored() {
            let typed = answered.as_ref().and_then(|answered| answered.typed.get(&field_name(&name)));
            let typed = typed.map(str::to_owned);
            values.entry(name).or_insert_with(|| typed.unwrap_or(text));
        }
    }

    /// Compares what is typed with what is stored, as the server will.
    fn outcome(&self, values: &BTreeMap<String, String>) -> Outcome {
        let mut faults = Vec::new();
        let mut after: Vec<(&str, String)> = Vec::new();
        let mut parameters = Vec::new();
        for (parameter, stored) in &self.0 {
            let name = parameter.name.as_str();
            // A field that is not in the form is not sent, whatever was typed into it before it was masked again.
            let text = match stored.edited().and_then(|_| values.get(name)) {
                Some(typed) => parameter.typed(typed, stored.text()),
                None => Ok(stored.text().map(str::to_owned)),
            };
            match text {
                Ok(Some(text)) => {
                    parameters.push((name, json_of(parameter.kind, &text)));
                    after.push((name, text));
                }
                Ok(None) if *stored == Stored::Masked => parameters.push((name, strings::JSON_MASKED.to_owned())),
                Ok(None) => {}
                Err(fault) => faults.push(format!("{}: {fault}", parameter.label)),
            }
        }
        let before: Vec<lineage::Value<'_>> = self
            .0
            .iter()
            .filter_map(|(parameter, stored)| Some((parameter.name.as_str(), Some(stored.text()?))))
            .collect();
        let after: Vec<lineage::Value<'_>> = after.iter().map(|(name, text)| (*name, Some(text.as_str()))).collect();
        let mut changes = lineage::compare(&before, &after);
        for change in &mut changes {
            if let Some((parameter, _)) = self.0.iter().find(|(parameter, _)| parameter.name == change.name) {
                change.label.clone_from(&parameter.label);
            }
        }
        let members: Vec<_> = parameters.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
        Outcome { changes, faults, receives: indent(&format!("{{{}}}", members.join(","))) }
    }
}

/// A committed text as the JSON that is sent.
fn json_of(kind: Kind, text: &str) -> String {
    match kind.read(text) {
        Ok(value) => countersign_domain::json::canonical(&value),
        Err(_) => text.to_owned(),
    }
}

mod strings {
    pub(super) const BACK: &str = "Back to the decision";
    pub(super) const TITLE: &str = "Approve with edits:";
    pub(super) const YOURS: &str = "Your version";
    pub(super) const NARROW: &str =
        "Use a wider screen to edit: the fields and what changes do not fit here side by side.";
    pub(super) const SHOW_CURRENT: &str = "Show the decision as it is now";
    pub(super) const PREVIEWED: &str = "Nothing is recorded yet. Below is what your version would change and send.";
    pub(super) const CHANGES: &str = "What changes";
    pub(super) const RECEIVES: &str = "What the AI system will receive";
    pub(super) const RECEIVES_HINT: &str = "Once it is approved, exactly these parameters, and the message not to act with its original ones nor propose them again.";
    pub(super) const JSON_MASKED: &str = "\"(masked: sent as it is)\"";
    pub(super) const READER: &str =
        "Kept with the decision for its auditors; the AI system is told the code, not the text.";
    pub(super) const ALONE: &str = "Your version goes through the policy again. If it still asks for one approval and no signature, yours is enough.";
    pub(super) const OTHERS: &str = "Your version goes through the policy again, and somebody else reviews it: you cannot rule on what you wrote. Approvals given so far become void.";
    pub(super) const PREVIEW: &str = "Show what changes";
    pub(super) const WHAT_HAPPENS: &str = "Both versions stay on record, with exactly what this page showed you.";
    pub(super) const RESTORED: &str = "What you typed here before and did not send is back.";
    pub(super) const OTHER: &str = "The proposal changed since you typed this. It is not put over the new one:";
    pub(super) const FORGET: &str = "Put it away";
    pub(super) const START_AGAIN: &str = "Start again from the proposal";
    pub(super) const UNREACHABLE: &str =
        "The connection to the server is lost. You can send it when it returns; what you typed is kept.";
    pub(super) const ENDED: &str = "Your sign-in has ended. Sign in again to send it; copy what you typed first, because this tab forgets it then.";
    pub(super) const RECORDED: &str = "Your version is recorded.";
    pub(super) const OPTIONAL: &str = "May be left empty.";
    pub(super) const NOT_GIVEN: &str = "Not given";
    pub(super) const YES: &str = "Yes";
    pub(super) const NO: &str = "No";
    pub(super) const STAYS_MASKED: &str = "Masked: personal. It stays as it is; open it above to edit it.";
    pub(super) const STAYS_ERASED: &str = "Erased; the commitment is present.";
    pub(super) const STAYS_LONG: &str = "Too long for this form. It stays as it is.";
}

#[cfg(test)]
mod tests {
    use countersign_domain::lineage::Change;

    use super::*;

    #[test]
    fn the_preview_is_what_is_typed_with_what_stays() {
        let sheet = sheet();
        let mut values = BTreeMap::new();
        sheet.begin(&mut values);

        let unchanged = sheet.outcome(&values);
        values.insert("amount".into(), "20.00".into());
        values.insert("note".into(), String::new());
        let changed = sheet.outcome(&values);

        assert!(unchanged.changes.is_empty() && unchanged.faults.is_empty());
        assert!(!values.contains_key("name"), "what is masked has no field");
        let words: Vec<_> = changed.changes.iter().map(|change| (change.label.as_str(), change.change)).collect();
        assert_eq!(words, [("Amount", Change::Changed), ("Note", Change::Removed)]);
        assert_eq!(
            changed.receives,
            "{\n  \"amount\": \"20.00\",\n  \"items\": [\n    1\n  ],\n  \"name\": \"(masked: sent as it is)\"\n}"
        );
    }

    #[test]
    fn what_is_masked_again_stays_as_it_is_whatever_was_typed() {
        let sheet = sheet();
        let mut values = sheet.stored();
        values.insert("name".into(), "Opened and typed".into());

        let outcome = sheet.outcome(&values);

        assert!(outcome.changes.is_empty() && !outcome.receives.contains("Opened"), "{outcome:?}");
        assert!(!sheet.stored().contains_key("name"));
    }

    #[test]
    fn what_does_not_fit_is_said_before_it_is_sent() {
        let values = BTreeMap::from([("amount".to_owned(), "many".to_owned()), ("items".to_owned(), "[".to_owned())]);

        let faults = sheet().outcome(&values).faults;

        assert_eq!(faults.len(), 2);
        assert!(faults[0].starts_with("Amount: ") && faults[1].starts_with("Items: "), "{faults:?}");
    }

    fn sheet() -> Sheet {
        let parameter = |name: &str, label: &str, kind, required| Parameter {
            name: name.into(),
            label: label.into(),
            kind,
            required,
        };
        let text = |text: &str| Stored::Text(text.into());
        Sheet(vec![
            (parameter("amount", "Amount", Kind::Decimal, true), text("40.00")),
            (parameter("items", "Items", Kind::Structure, true), text("[1]")),
            (parameter("note", "Note", Kind::Text, false), text("soon")),
            (parameter("name", "Name", Kind::Text, true), Stored::Masked),
        ])
    }
}
