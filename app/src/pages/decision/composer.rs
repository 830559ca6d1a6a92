//! The review: equal buttons in one form, a code, a reason, and what the type asks beside them.

use countersign_domain::{
    decision::{Asks, Risk, Verdict},
    form::{FormField, Typed},
    ids::{DecisionId, LeaseId, PersonId, PresentationId},
    problem::{Code, Problem},
    view::{RefusedVerdict, Way},
};
use leptos::{form::ActionForm, html, prelude::*, server_fn::ServerFn, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::{
    Prepared, Review,
    fields::{ReasonFields, Ways},
    form::{self, FormFields},
    lease::{Claim, LeaseBar, StartReview, TakeOver},
    opened::{Opened, OpenedInput},
    prepare_review,
};
use crate::{
    answer::{Answer, posted, typed},
    components::{
        form::{ErrorSummary, Weight, error_of},
        icons::{Icon, Shape},
        keyboard::flash,
        marks::verdict_shape,
        passkey::not_made,
    },
    drafts,
    frame::Surroundings,
    live::Live,
    passkey,
};

/// What is typed and not sent: it outlives a reload of the page's data.
#[derive(Clone, Copy)]
pub(crate) struct Draft {
    kept: RwSignal<(String, String)>,
    /// What stands in the form of the type, by name.
    form: RwSignal<Typed>,
    code: NodeRef<html::Select>,
    reason: NodeRef<html::Textarea>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self::after_start().unwrap_or_else(Self::of::<Review>)
    }

    /// Begins with what came with the start of a review, or with taking it over.
    pub(super) fn after_start() -> Option<Self> {
        match (posted(StartReview::PATH), posted(TakeOver::PATH)) {
            (Some(_), _) => Some(Self::of::<StartReview>()),
            (None, Some(_)) => Some(Self::named::<TakeOver>("kept_code", "kept_reason")),
            (None, None) => None,
        }
    }

    /// Begins with what was typed into a form that this page answers.
    pub(crate) fn of<S: ServerFn>() -> Self {
        Self::named::<S>("code", "reason")
    }

    fn named<S: ServerFn>(code: &str, reason: &str) -> Self {
        Self {
            kept: RwSignal::new((typed::<S>(code), typed::<S>(reason))),
            form: RwSignal::new(typed_form::<S>()),
            code: NodeRef::new(),
            reason: NodeRef::new(),
        }
    }

    /// Takes what stands in the fields.
    pub(crate) fn keep(self) {
        if let (Some(code), Some(reason)) = (self.code.get_untracked(), self.reason.get_untracked()) {
            self.kept.set((code.value(), reason.value()));
        }
    }

    pub(super) fn clear(self, place: drafts::Place) {
        self.kept.set(Default::default());
        self.form.update_untracked(Typed::clear);
        drafts::remove(place);
    }

    /// Keeps what stands in the fields for as long as the tab lives.
    pub(super) fn store(self, place: drafts::Place) {
        self.keep();
        let ((code, reason), form) = (self.kept.get_untracked(), self.form());
        drafts::write(place, &drafts::Kept { code, reason, form });
    }

    /// Fills empty fields with what the tab kept; for effects only.
    pub(super) fn restore(self, place: drafts::Place) {
        if let (Some(code), Some(reason), Some(kept)) = (self.code.get(), self.reason.get(), drafts::read(place))
            && code.value().is_empty()
            && reason.value().is_empty()
        {
            code.set_value(&kept.code);
            reason.set_value(&kept.reason);
            self.form.set(kept.form);
        }
    }

    /// Takes what was typed into a field of the type's form.
    pub(super) fn answer(self, name: &str, text: String) {
        self.form.update(|form| drop(form.insert(name.to_owned(), text)));
    }

    /// What was typed into a field of the type's form, followed as it changes.
    pub(super) fn answer_of(self, name: &str) -> String {
        self.form.with(|form| form.get(name).cloned().unwrap_or_default())
    }

    /// What stands in the type's form.
    pub(super) fn form(self) -> Typed {
        self.form.get_untracked()
    }

    pub(super) fn code_ref(self) -> NodeRef<html::Select> {
        self.code
    }

    pub(super) fn reason_ref(self) -> NodeRef<html::Textarea> {
        self.reason
    }

    pub(super) fn reason(self) -> String {
        self.kept.with_untracked(|(_, reason)| reason.clone())
    }

    pub(super) fn code(self) -> String {
        self.kept.with_untracked(|(code, _)| code.clone())
    }
}

/// What was typed into the type's form of a form that this page answers.
fn typed_form<S: ServerFn>() -> Typed {
    let named = posted(S::PATH).map(|posted| posted.typed.beginning("form[")).unwrap_or_default();
    let name = |field: &str| Some(field.strip_prefix("form[")?.strip_suffix(']')?.to_owned());
    named.into_iter().filter_map(|(field, text)| Some((name(&field)?, text))).collect()
}

/// Which button Ctrl+Enter would press.
#[derive(Clone, Copy)]
pub(crate) struct Armed {
    verdict: RwSignal<Option<Verdict>>,
    /// One for each verdict, in the order of [`Verdict::ALL`].
    buttons: [NodeRef<html::Button>; Verdict::ALL.len()],
    /// The way to the page of edits.
    edits: NodeRef<html::A>,
    /// The fields of the reason, in the order that they are filled in.
    reason: RwSignal<Option<Asked>>,
}

/// The fields of the reason, and when they have to be filled in.
#[derive(Clone, Copy)]
struct Asked {
    code: NodeRef<html::Select>,
    reason: NodeRef<html::Textarea>,
    risk: Risk,
    reasoned: bool,
    form: StoredValue<Vec<FormField>>,
    draft: Draft,
}

impl Asked {
    /// The first field of the type's form that a ruling needs and that is empty.
    fn unanswered(self, verdict: Verdict) -> Option<web_sys::HtmlElement> {
        let typed = self.draft.form();
        let is_empty = |field: &&FormField| typed.get(&field.name).is_none_or(|text| text.trim().is_empty());
        let needed = |field: &&FormField| field.required && field.is_asked(verdict);
        // Some are asked on the page of edits alone.
        let element = |field: &FormField| document().get_element_by_id(&form::field_name(&field.name));
        let found = self.form.with_value(|form| form.iter().filter(needed).filter(is_empty).find_map(element));
        found.map(JsCast::unchecked_into)
    }
}

impl Armed {
    pub(super) fn new() -> Self {
        Self {
            verdict: RwSignal::new(None),
            buttons: std::array::from_fn(|_| NodeRef::new()),
            edits: NodeRef::new(),
            reason: RwSignal::new(None),
        }
    }

    fn button(self, verdict: Verdict) -> NodeRef<html::Button> {
        self.buttons[verdict as usize]
    }

    /// Arms a button and goes to the first empty field that it asks for, or else to the button itself; sends nothing.
    pub(super) fn arm(self, verdict: Verdict) -> bool {
        self.verdict.set(Some(verdict));
        Surroundings::get().say(match verdict {
            Verdict::Approve => "Approve is armed. Control Enter sends it, Escape disarms.",
            Verdict::ApproveWithEdits => "Approve with edits is armed. Control Enter opens its page, Escape disarms.",
            Verdict::RequestChanges => "Request changes is armed. Control Enter sends it, Escape disarms.",
            Verdict::Escalate => "Escalate is armed. Control Enter sends it, Escape disarms.",
            Verdict::Reject => "Reject is armed. Control Enter sends it, Escape disarms.",
            Verdict::Abstain => "Abstain is armed. Control Enter sends it, Escape disarms.",
            Verdict::Defer => "Defer is armed. Control Enter sends it, Escape disarms.",
        });
        let control = match (verdict, self.edits.get_untracked()) {
            (Verdict::ApproveWithEdits, Some(link)) => Some(Element::from(link)),
            _ => self.button(verdict).get_untracked().map(Element::from),
        };
        if let Some(control) = control {
            flash(&control);
        }
        let Some(asked) = self.reason.get_untracked() else { return true };
        let asks = Asks::of(verdict, asked.risk, asked.reasoned);
        let (code, reason) = (asked.code.get_untracked(), asked.reason.get_untracked());
        match (code, reason, asked.unanswered(verdict), self.button(verdict).get_untracked()) {
            (Some(code), ..) if asks.code && code.value().is_empty() => drop(code.focus()),
            (_, Some(reason), ..) if asks.reason && reason.value().trim().is_empty() => drop(reason.focus()),
            (.., Some(field), _) => drop(field.focus()),
            (_, Some(reason), ..) if asks.reason => drop(reason.focus()),
            (.., Some(button)) => drop(button.focus()),
            _ => {}
        }
        true
    }

    /// Disarms; tells whether anything was armed.
    pub(super) fn disarm(self) -> bool {
        let was = self.verdict.get_untracked().is_some();
        if was {
            self.verdict.set(None);
            Surroundings::get().say("Disarmed.");
        }
        was
    }

    /// Presses the armed button.
    pub(super) fn send(self) -> bool {
        let Some(verdict) = self.verdict.get_untracked() else { return false };
        match (verdict, self.edits.get_untracked()) {
            (Verdict::ApproveWithEdits, Some(link)) => link.click(),
            _ => {
                if let Some(button) = self.button(verdict).get_untracked() {
                    button.click();
                }
            }
        }
        true
    }
}

/// The form of one presentation.
#[component]
pub(super) fn ReviewForm(
    id: DecisionId,
    /// Who fills it in.
    reader: PersonId,
    presentation: PresentationId,
    claim: Claim,
    clock: Signal<u64>,
    signed: bool,
    reasoned: bool,
    /// What the type asks beside code and reason.
    form: Vec<FormField>,
    opened: Opened,
    /// Rulings that the person may not give, and why.
    refused: Vec<RefusedVerdict>,
    /// In whose right they may rule.
    ways: Vec<Way>,
    /// Milliseconds to the time before which one has to come back, when the page was made.
    time_left: Option<u64>,
    /// Who gets it by Escalate, and for how long.
    handed: String,
    risk: Risk,
    review: ServerAction<Review>,
    answer: Signal<Option<Answer>>,
    draft: Draft,
    armed: Armed,
    changed: RwSignal<bool>,
    /// What changed since the reader read it was not looked at.
    unread: RwSignal<bool>,
    /// Asks, by reading the page again, whether a review without an answer was recorded.
    unsure: RwSignal<bool>,
    reload: Callback<()>,
) -> impl IntoView {
    let Claim { lease, lost: lease_lost, .. } = claim;
    claim.keep();
    let chosen = RwSignal::new(typed::<Review>("on_behalf"));
    let unsigned = RwSignal::new(None::<Problem>);
    let signing = RwSignal::new(false);
    let problem = Signal::derive(move || unsigned.get().or_else(|| answer.get().and_then(Answer::problem)));
    let sign = move |verdict: Verdict| {
        draft.keep();
        let (code, reason, form) = (draft.code(), draft.reason(), draft.form());
        let opened = untrack(|| opened.told());
        let on_behalf = chosen.get_untracked();
        signing.set(true);
        unsigned.set(None);
        spawn_local(async move {
            let said = (code.clone(), reason.clone(), form.clone());
            match signature((id, presentation, lease), verdict, said, on_behalf.clone()).await {
                Ok((nonce, signature)) => {
                    let (nonce, signature) = (Some(nonce), Some(signature));
                    let follow_up = String::new();
                    review.dispatch(Review {
                        decision: id,
                        presentation,
                        lease,
                        verdict,
                        code,
                        reason,
                        form,
                        opened,
                        follow_up,
                        nonce,
                        signature,
                        on_behalf,
                    });
                }
                Err(problem) => unsigned.set(Some(problem)),
            }
            signing.set(false);
        });
    };
    let sign = signed.then_some(Callback::new(sign));
    // A page that answers a post shows the current state already; a script's page does not.
    let outdated = move || {
        let conflict =
            |problem: &Problem| problem.code.status() == Code::Stale.status() && problem.code != Code::LeaseLost;
        review.version().get() > 0 && problem.with(|problem| problem.as_ref().is_some_and(conflict))
    };
    Effect::new(move || match answer.get() {
        Some(Answer::Done { .. }) => claim.end(),
        Some(Answer::Refused { problem }) if problem.code == Code::LeaseLost && review.version().get() > 0 => {
            lease_lost.set(Some(problem));
        }
        _ => {}
    });
    let live = expect_context::<Live>();
    let surroundings = Surroundings::get();
    let lost = Memo::new(move |_| live.is_lost());
    Effect::new(move |before: Option<bool>| {
        let lost = lost.get();
        match (before.unwrap_or(false), lost) {
            // The frame says that a sign-in has ended.
            (false, true) if live.is_ended() => {}
            (false, true) => surroundings.say(strings::LOST),
            (true, false) => surroundings.say(strings::BACK),
            _ => {}
        }
        lost
    });
    let blocked = Signal::derive(move || {
        changed.get() || unread.get() || outdated() || lost.get() || lease_lost.with(Option::is_some)
    });
    // Without a script the page that answers is the current one.
    let unknown = move || {
        review.version().get() > 0
            && problem.with(|problem| problem.as_ref().is_some_and(|one| one.code == Code::OutcomeUnknown))
    };
    let check = move |_| {
        unsure.set(true);
        reload.run(());
    };
    let refused = StoredValue::new(refused);
    let why_not = move |verdict: Verdict| {
        refused.with_value(|refused| {
            refused.iter().find(|refused| refused.verdict == verdict).map(|refused| refused.why.clone())
        })
    };
    let follow_up_error =
        Memo::new(move |_| problem.with(|problem| problem.as_ref().and_then(|problem| error_of(problem, "follow_up"))));
    // Open from the start where it was used, or is about to be.
    let more = Memo::new(move |_| {
        armed.verdict.get().is_some_and(|verdict| MORE.contains(&verdict)) || follow_up_error.get().is_some()
    });
    let note = move || match (changed.get() || outdated(), lost.get()) {
        (true, _) => strings::BLOCKED,
        (false, false) if unread.get() => strings::UNREAD,
        (false, true) if live.is_ended() => strings::ENDED,
        (false, true) => strings::LOST,
        (false, false) if lease_lost.with(Option::is_some) => strings::NOT_YOURS,
        (false, false) => strings::WHAT_HAPPENS,
    };
    let pending = Signal::derive(move || review.pending().get() || signing.get());
    let fields = StoredValue::new(form.clone());
    let on_page = |field: &FormField| field.is_asked(Verdict::Approve) || field.is_asked(Verdict::Reject);
    let here: Vec<_> = form.into_iter().filter(on_page).collect();
    armed.reason.set(Some(Asked { code: draft.code, reason: draft.reason, risk, reasoned, form: fields, draft }));
    let free = free_of_reasons(risk, reasoned);
    let place = drafts::Place { person: reader, decision: id };
    Effect::new(move || draft.restore(place));

    view! {
        <LeaseBar claim clock draft/>
        <ActionForm action=review attr:class="grid gap-4" on:input=move |_| draft.store(place)>
            // The form's default button: Enter in a field can approve nothing.
            <button type="submit" disabled hidden></button>
            <input type="hidden" name="decision" value=id.to_string()/>
            <input type="hidden" name="presentation" value=presentation.to_string()/>
            <input type="hidden" name="lease" value=lease.to_string()/>
            <ErrorSummary problem/>
            {move || {
                outdated()
                    .then(|| {
                        view! {
                            <p>
                                <button type="button" on:click=move |_| reload.run(()) class=Weight::Plain.class()>
                                    {strings::SHOW_CURRENT}
                                </button>
                            </p>
                        }
                    })
            }}
            {move || {
                unknown()
                    .then(|| {
                        view! {
                            <p>
                                <button type="button" on:click=check class=Weight::Plain.class()>
                                    {strings::CHECK}
                                </button>
                            </p>
                        }
                    })
            }}
            <Ways ways chosen/>
            {free.map(|text| view! { <p class="max-w-measure text-compact text-muted">{text}</p> })}
            <ReasonFields draft problem readers=strings::READER/>
            <FormFields fields=here draft problem/>
            <OpenedInput opened/>
            // On a phone they stay at hand while the reason is written.
            <div class="grid grid-cols-1 gap-3 max-sm:sticky max-sm:bottom-14 max-sm:z-1 max-sm:-mx-5 max-sm:grid-cols-3 max-sm:gap-2 max-sm:border-t max-sm:border-hairline max-sm:bg-surface max-sm:px-3 max-sm:py-2 sm:grid-cols-[repeat(auto-fit,minmax(9.5rem,1fr))]">
                {MAIN
                    .map(|verdict| {
                        let refused = why_not(verdict);
                        match verdict {
                            Verdict::ApproveWithEdits => view! { <EditLink id armed unread refused/> }.into_any(),
                            _ => view! { <VerdictButton verdict risk armed pending blocked refused sign/> }.into_any(),
                        }
                    })
                    .collect_view()}
            </div>
            {MAIN
                .into_iter()
                .filter_map(why_not)
                .map(|why| view! { <p class="text-compact text-escalate">{why}</p> })
                .collect_view()}
            {why_not(Verdict::Escalate).is_none().then(|| view! { <p class="text-compact text-muted">{handed}</p> })}
            <details class="rounded-control border border-hairline px-4 py-2" open=more>
                <summary class="cursor-pointer py-1 text-body font-medium">{strings::MORE}</summary>
                <div class="grid gap-3 py-2 sm:max-w-md">
                    <div class="grid gap-1">
                        <label for="follow_up" class="text-body font-medium">
                            {strings::FOLLOW_UP}
                        </label>
                        <select
                            id="follow_up"
                            name="follow_up"
                            aria-invalid=move || follow_up_error.get().map(|_| "true")
                            aria-describedby="follow_up-hint follow_up-error"
                            class="block min-h-11 w-full rounded-control border border-control bg-surface px-3 text-reading aria-[invalid]:border-reject sm:min-h-10"
                        >
                            <option value="">{strings::CHOOSE_TIME}</option>
                            {FOLLOW_UPS
                                .into_iter()
                                .filter(|(minutes, _)| time_left.is_none_or(|left| minutes * 60_000 < left))
                                .map(|(minutes, words)| view! { <option value=minutes.to_string()>{words}</option> })
                                .collect_view()}
                        </select>
                        <p id="follow_up-hint" class="text-compact text-muted">
                            {strings::DEFER_HINT}
                        </p>
                        <p id="follow_up-error" class="text-compact text-reject">
                            {move || follow_up_error.get()}
                        </p>
                    </div>
                    <div class="grid grid-cols-2 gap-3">
                        {MORE
                            .map(|verdict| {
                                view! { <VerdictButton verdict risk armed pending blocked refused=why_not(verdict) sign=None/> }
                                    .into_any()
                            })
                            .collect_view()}
                    </div>
                    {MORE
                        .into_iter()
                        .filter_map(why_not)
                        .map(|why| view! { <p class="text-compact text-escalate">{why}</p> })
                        .collect_view()}
                    <p class="text-compact text-muted">{strings::ABSTAIN_HINT}</p>
                </div>
            </details>
            <p id="verdict-note" class="text-compact text-muted">
                {note} " " {signed.then_some(strings::SIGNED)}
                {(risk == Risk::High && !signed).then_some(strings::FRESH)}
            </p>
        </ActionForm>
    }
}

/// Says which rulings need no reason, or only half of one.
fn free_of_reasons(risk: Risk, reasoned: bool) -> Option<&'static str> {
    match Asks::of(Verdict::Approve, risk, reasoned) {
        Asks { code: false, .. } => Some(strings::NO_REASON),
        Asks { reason: false, .. } => Some(strings::CODE_ALONE),
        _ => None,
    }
}

/// Lets a passkey sign a ruling: nonce of the statement and the browser's answer.
async fn signature(
    (decision, presentation, lease): (DecisionId, PresentationId, LeaseId),
    verdict: Verdict,
    (code, reason, form): (String, String, Typed),
    on_behalf: String,
) -> Result<(String, String), Problem> {
    let prepared = prepare_review(decision, presentation, lease, verdict, code, reason, form, on_behalf).await;
    match prepared.map_err(|error| error.problem())? {
        Prepared::ToSign { review } => {
            let answer = passkey::get(&review.json).await.map_err(not_made)?;
            Ok((review.nonce, answer))
        }
        Prepared::Refused { problem } => Err(problem),
    }
}

/// The buttons, in the one order they ever have.
const MAIN: [Verdict; 5] =
    [Verdict::Approve, Verdict::ApproveWithEdits, Verdict::RequestChanges, Verdict::Escalate, Verdict::Reject];

/// What decides nothing stands apart.
const MORE: [Verdict; 2] = [Verdict::Defer, Verdict::Abstain];

/// When one may come back to it: minutes, and in words.
const FOLLOW_UPS: [(u64, &str); 6] = [
    (15, "in 15 minutes"),
    (60, "in an hour"),
    (240, "in 4 hours"),
    (1_440, "in a day"),
    (4_320, "in 3 days"),
    (10_080, "in a week"),
];

/// The way to the page where the parameters are edited; it looks as the buttons do.
#[component]
fn EditLink(
    id: DecisionId,
    armed: Armed,
    /// What changed was not looked at.
    unread: RwSignal<bool>,
    /// Why the person may not edit.
    refused: Option<String>,
) -> impl IntoView {
    let is_refused = refused.is_some();
    let guard = move |event: leptos::ev::MouseEvent| {
        if unread.get_untracked() {
            event.prevent_default();
        }
    };
    let is_armed = move || armed.verdict.get() == Some(Verdict::ApproveWithEdits);

    view! {
        <a
            href=(!is_refused).then(|| format!("/decisions/{id}/edit"))
            role=is_refused.then_some("link")
            aria-disabled=move || (is_refused || unread.get()).then_some("true")
            on:click=guard
            node_ref=armed.edits
            data-armed=move || is_armed().then_some("")
            aria-describedby="verdict-note"
            class="inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-info bg-surface px-2 text-center text-reading font-semibold max-sm:px-1 max-sm:text-compact text-info no-underline hover:bg-info-tint aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        >
            <Icon shape=Shape::Pencil class="size-5 shrink-0 max-sm:hidden"/>
            {Verdict::ApproveWithEdits.label()}
            {move || {
                is_armed()
                    .then(|| view! { <span class="text-compact font-normal">{strings::ARMED}</span> })
            }}
        </a>
    }
}

/// One of the buttons: equal size, equal weight, and on high risk none is filled.
#[component]
fn VerdictButton(
    verdict: Verdict,
    risk: Risk,
    armed: Armed,
    pending: Signal<bool>,
    blocked: Signal<bool>,
    /// Why the person may not give it.
    refused: Option<String>,
    /// Asks for a passkey first, where the policy does and the ruling counts.
    sign: Option<Callback<Verdict>>,
) -> impl IntoView {
    let is_refused = refused.is_some();
    let blocked = Signal::derive(move || is_refused || blocked.get());
    let sign = sign.filter(|_| verdict.counts());
    let shape = verdict_shape(verdict);
    let word = verdict.label();
    let node_ref = armed.button(verdict);
    let class = match (verdict, risk) {
        (Verdict::Approve, Risk::High) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-approve bg-surface px-2 text-reading font-semibold max-sm:px-1 max-sm:text-compact text-approve hover:bg-approve-tint aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Reject, Risk::High) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-reject bg-surface px-2 text-reading font-semibold max-sm:px-1 max-sm:text-compact text-reject hover:bg-reject-tint aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Approve, _) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-approve bg-approve px-2 text-reading font-semibold max-sm:px-1 max-sm:text-compact text-on-fill hover:opacity-90 aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Reject, _) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-reject bg-reject px-2 text-reading font-semibold max-sm:px-1 max-sm:text-compact text-on-fill hover:opacity-90 aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Escalate, _) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-escalate bg-surface px-2 text-reading font-semibold max-sm:px-1 max-sm:text-compact text-escalate hover:bg-escalate-tint aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::ApproveWithEdits | Verdict::RequestChanges, _) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-info bg-surface px-2 text-reading font-semibold max-sm:px-1 max-sm:text-compact text-info hover:bg-info-tint aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Abstain | Verdict::Defer, _) => {
            "inline-flex min-h-11 scroll-mb-24 items-center justify-center gap-2 rounded-control border border-control bg-surface px-4 text-body font-medium hover:bg-raised aria-disabled:opacity-60 data-[armed]:flex-wrap data-[armed]:gap-y-0 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
    };
    let is_armed = move || armed.verdict.get() == Some(verdict);
    let guard = move |event: leptos::ev::MouseEvent| {
        let waits = pending.get_untracked() || blocked.get_untracked();
        if waits || sign.is_some() {
            event.prevent_default();
        }
        if let Some(sign) = sign.filter(|_| !waits) {
            sign.run(verdict);
        }
    };

    view! {
        <button
            type="submit"
            name="verdict"
            value=verdict.word()
            node_ref=node_ref
            on:click=guard
            data-armed=move || is_armed().then_some("")
            aria-describedby="verdict-note"
            aria-disabled=move || (pending.get() || blocked.get()).then_some("true")
            class=class
        >
            <Icon shape class="size-5 shrink-0 max-sm:hidden"/>
            {word}
            {move || {
                is_armed()
                    .then(|| view! { <span class="text-compact font-normal">{strings::ARMED}</span> })
            }}
        </button>
    }
}

mod strings {
    pub(super) const READER: &str = "Kept with the decision for its auditors. The AI system is told the code; with Request changes also this text, as its message.";
    pub(super) const NO_REASON: &str = "The risk is low: Approve needs neither of these. Everything that says no, hands it on or changes it needs both.";
    pub(super) const CODE_ALONE: &str =
        "The risk is medium: Approve needs the code. Everything that says no, hands it on or changes it needs both.";
    pub(super) const UNREAD: &str = "Review the changes above first. What you typed is kept.";
    pub(super) const CHECK: &str = "Check whether it was recorded";
    pub(super) const MORE: &str = "More: come back later, or leave it to others";
    pub(super) const FOLLOW_UP: &str = "Come back to it";
    pub(super) const CHOOSE_TIME: &str = "Choose a time";
    pub(super) const DEFER_HINT: &str = "With Defer only. The deadline does not move, and others may decide meanwhile.";
    pub(super) const ABSTAIN_HINT: &str = "Abstain takes you out of this decision: somebody else decides it. A reason may be given with both, and need not.";
    pub(super) const SHOW_CURRENT: &str = "Show current";
    pub(super) const BLOCKED: &str = "What is shown is not what stands. Show the current state before you rule.";
    pub(super) const LOST: &str = "The connection to the server is lost, so what is shown may be old. You can rule when it returns; what you typed is kept.";
    pub(super) const ENDED: &str =
        "Your sign-in has ended. Sign in again to rule; copy what you typed first, because this tab forgets it then.";
    pub(super) const BACK: &str = "The connection is back.";
    pub(super) const WHAT_HAPPENS: &str = "Your review is sealed at once, with exactly what this page showed you and which of the closed parts you opened on it.";
    pub(super) const SIGNED: &str =
        "The policy asks you to sign it with a passkey, which needs JavaScript; your browser asks for it next.";
    pub(super) const FRESH: &str = "The risk is high, so approving asks for a sign-in of the last five minutes.";
    pub(super) const NOT_YOURS: &str = "Start the review again to rule. What you typed is kept.";
    pub(super) const ARMED: &str = "Ctrl+Enter";
}
