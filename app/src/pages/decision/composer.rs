//! The review: two equal buttons in one form, a code and a reason.

use countersign_domain::{
    decision::{ReasonCode, Risk, Verdict},
    ids::{DecisionId, PresentationId},
    problem::{Code, Problem},
    text::REASON_CHARACTERS_MAX,
};
use leptos::{form::ActionForm, html, prelude::*, task::spawn_local};

use super::{Prepared, Review, prepare_review};
use crate::{
    answer::{Answer, typed},
    components::{
        form::{ErrorSummary, Weight, error_of},
        icons::{Icon, Shape},
        passkey::not_made,
        text::SafeTextArea,
        time::Moment,
    },
    drafts,
    frame::Surroundings,
    live::Live,
    passkey,
};

/// What is typed and not sent: it outlives a reload of the page's data.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    kept: RwSignal<(String, String)>,
    code: NodeRef<html::Select>,
    reason: NodeRef<html::Textarea>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            kept: RwSignal::new((typed::<Review>("code"), typed::<Review>("reason"))),
            code: NodeRef::new(),
            reason: NodeRef::new(),
        }
    }

    /// Takes what stands in the fields.
    pub(super) fn keep(self) {
        if let (Some(code), Some(reason)) = (self.code.get_untracked(), self.reason.get_untracked()) {
            self.kept.set((code.value(), reason.value()));
        }
    }

    pub(super) fn clear(self, id: DecisionId) {
        self.kept.set(Default::default());
        drafts::remove(id);
    }

    /// Keeps what stands in the fields for as long as the tab lives.
    fn store(self, id: DecisionId) {
        self.keep();
        self.kept.with_untracked(|(code, reason)| drafts::write(id, code, reason));
    }

    /// Fills empty fields with what the tab kept; for effects only.
    fn restore(self, id: DecisionId) {
        if let (Some(code), Some(reason), Some((kept_code, kept_reason))) =
            (self.code.get(), self.reason.get(), drafts::read(id))
            && code.value().is_empty()
            && reason.value().is_empty()
        {
            code.set_value(&kept_code);
            reason.set_value(&kept_reason);
        }
    }

    pub(super) fn reason(self) -> String {
        self.kept.with_untracked(|(_, reason)| reason.clone())
    }

    fn code(self) -> String {
        self.kept.with_untracked(|(code, _)| code.clone())
    }
}

/// Which button Ctrl+Enter would press.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    verdict: RwSignal<Option<Verdict>>,
    approve: NodeRef<html::Button>,
    reject: NodeRef<html::Button>,
    reason: RwSignal<Option<NodeRef<html::Textarea>>>,
}

impl Armed {
    pub(super) fn new() -> Self {
        Self {
            verdict: RwSignal::new(None),
            approve: NodeRef::new(),
            reject: NodeRef::new(),
            reason: RwSignal::new(None),
        }
    }

    /// Arms a button and goes to the reason; sends nothing.
    pub(super) fn arm(self, verdict: Verdict) -> bool {
        self.verdict.set(Some(verdict));
        Surroundings::get().say(match verdict {
            Verdict::Approve => "Approve is armed. Control Enter sends it, Escape disarms.",
            Verdict::Reject => "Reject is armed. Control Enter sends it, Escape disarms.",
        });
        if let Some(reason) = self.reason.get_untracked().and_then(|reason| reason.get_untracked()) {
            let _ = reason.focus();
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
        let button = match self.verdict.get_untracked() {
            Some(Verdict::Approve) => self.approve,
            Some(Verdict::Reject) => self.reject,
            None => return false,
        };
        if let Some(button) = button.get_untracked() {
            button.click();
        }
        true
    }
}

/// The form of one presentation.
#[component]
pub(super) fn ReviewForm(
    id: DecisionId,
    presentation: PresentationId,
    expires_at: u64,
    signed: bool,
    /// Why the person may not approve, if so.
    no_approval: Option<String>,
    risk: Risk,
    review: ServerAction<Review>,
    answer: Signal<Option<Answer>>,
    draft: Draft,
    armed: Armed,
    changed: RwSignal<bool>,
    reload: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let unsigned = RwSignal::new(None::<Problem>);
    let signing = RwSignal::new(false);
    let problem = Signal::derive(move || unsigned.get().or_else(|| answer.get().and_then(Answer::problem)));
    let sign = move |verdict: Verdict| {
        draft.keep();
        let (code, reason) = (draft.code(), draft.reason());
        signing.set(true);
        unsigned.set(None);
        spawn_local(async move {
            match signature(id, presentation, verdict, code.clone(), reason.clone()).await {
                Ok((nonce, signature)) => {
                    let (nonce, signature) = (Some(nonce), Some(signature));
                    review.dispatch(Review { decision: id, presentation, verdict, code, reason, nonce, signature });
                }
                Err(problem) => unsigned.set(Some(problem)),
            }
            signing.set(false);
        });
    };
    let sign = signed.then_some(Callback::new(sign));
    // A page that answers a post shows the current state already; a script's page does not.
    let outdated = move || {
        review.version().get() > 0
            && problem
                .with(|problem| problem.as_ref().is_some_and(|problem| problem.code.status() == Code::Stale.status()))
    };
    let code_error =
        Memo::new(move |_| problem.with(|problem| problem.as_ref().and_then(|problem| error_of(problem, "code"))));
    let reason_error =
        Memo::new(move |_| problem.with(|problem| problem.as_ref().and_then(|problem| error_of(problem, "reason"))));
    let live = expect_context::<Live>();
    let surroundings = Surroundings::get();
    let lost = Memo::new(move |_| live.is_lost());
    Effect::new(move |before: Option<bool>| {
        let lost = lost.get();
        match (before.unwrap_or(false), lost) {
            (false, true) => surroundings.say(strings::LOST),
            (true, false) => surroundings.say(strings::BACK),
            _ => {}
        }
        lost
    });
    let blocked = Signal::derive(move || changed.get() || outdated() || lost.get());
    let is_barred = no_approval.is_some();
    let no_approving = Signal::derive(move || is_barred || blocked.get());
    let note = move || match (changed.get() || outdated(), lost.get()) {
        (true, _) => strings::BLOCKED,
        (false, true) => strings::LOST,
        (false, false) => strings::WHAT_HAPPENS,
    };
    let pending = Signal::derive(move || review.pending().get() || signing.get());
    armed.reason.set(Some(draft.reason));
    let chosen = draft.code();
    Effect::new(move || draft.restore(id));

    view! {
        <ActionForm action=review attr:class="grid gap-4" on:input=move |_| draft.store(id)>
            // The form's default button: Enter in a field can approve nothing.
            <button type="submit" disabled hidden></button>
            <input type="hidden" name="decision" value=id.to_string()/>
            <input type="hidden" name="presentation" value=presentation.to_string()/>
            <ErrorSummary problem/>
            {move || {
                outdated()
                    .then(|| {
                        view! {
                            <p>
                                <button type="button" on:click=move |_| reload() class=Weight::Plain.class()>
                                    {strings::SHOW_CURRENT}
                                </button>
                            </p>
                        }
                    })
            }}
            <div class="grid gap-1">
                <label for="code" class="text-body font-medium">
                    {strings::CODE}
                </label>
                <select
                    id="code"
                    name="code"
                    node_ref=draft.code
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
            <div class="grid gap-1">
                <label for="reason" class="text-body font-medium">
                    {strings::REASON}
                </label>
                <p id="reason-hint" class="text-compact text-muted">
                    {format!("{} At most {REASON_CHARACTERS_MAX} characters.", strings::READER)}
                </p>
                <SafeTextArea
                    name="reason"
                    value=draft.reason()
                    rows=4
                    described_by="reason-hint reason-error"
                    invalid=Signal::derive(move || reason_error.get().is_some())
                    node_ref=draft.reason
                />
                <p id="reason-error" class="text-compact text-reject">
                    {move || reason_error.get()}
                </p>
            </div>
            <div class="grid grid-cols-2 gap-3 sm:max-w-md">
                <VerdictButton verdict=Verdict::Approve risk armed pending blocked=no_approving sign/>
                <VerdictButton verdict=Verdict::Reject risk armed pending blocked sign/>
            </div>
            {no_approval.map(|why| view! { <p class="text-compact text-escalate">{why}</p> })}
            <p id="verdict-note" class="text-compact text-muted">
                {note} " " {signed.then_some(strings::SIGNED)} " " {strings::OPEN_UNTIL} " " <Moment at=expires_at/>
                "."
            </p>
        </ActionForm>
    }
}

/// Lets a passkey sign a ruling: nonce of the statement and the browser's answer.
async fn signature(
    decision: DecisionId,
    presentation: PresentationId,
    verdict: Verdict,
    code: String,
    reason: String,
) -> Result<(String, String), Problem> {
    match prepare_review(decision, presentation, verdict, code, reason).await.map_err(|error| error.problem())? {
        Prepared::ToSign { review } => {
            let answer = passkey::get(&review.json).await.map_err(not_made)?;
            Ok((review.nonce, answer))
        }
        Prepared::Refused { problem } => Err(problem),
    }
}

/// One of the two buttons: equal size, equal weight, and on high risk neither is filled.
#[component]
fn VerdictButton(
    verdict: Verdict,
    risk: Risk,
    armed: Armed,
    pending: Signal<bool>,
    blocked: Signal<bool>,
    /// Asks for a passkey first, where the policy does.
    sign: Option<Callback<Verdict>>,
) -> impl IntoView {
    let (word, shape, node_ref) = match verdict {
        Verdict::Approve => ("Approve", Shape::Tick, armed.approve),
        Verdict::Reject => ("Reject", Shape::Cross, armed.reject),
    };
    let class = match (verdict, risk) {
        (Verdict::Approve, Risk::High) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-approve bg-surface px-4 text-reading font-semibold text-approve hover:bg-approve-tint aria-disabled:opacity-60 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Reject, Risk::High) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-reject bg-surface px-4 text-reading font-semibold text-reject hover:bg-reject-tint aria-disabled:opacity-60 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Approve, _) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-approve bg-approve px-4 text-reading font-semibold text-on-fill hover:opacity-90 aria-disabled:opacity-60 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
        }
        (Verdict::Reject, _) => {
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-reject bg-reject px-4 text-reading font-semibold text-on-fill hover:opacity-90 aria-disabled:opacity-60 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2"
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
            <Icon shape class="size-5"/>
            {word}
            {move || {
                is_armed()
                    .then(|| view! { <span class="text-compact font-normal">{strings::ARMED}</span> })
            }}
        </button>
    }
}

mod strings {
    pub(super) const CODE: &str = "Reason code";
    pub(super) const CHOOSE: &str = "Choose a code";
    pub(super) const REASON: &str = "Reason";
    pub(super) const READER: &str =
        "Kept with the decision for its auditors; the AI system is told the code, not the text.";
    pub(super) const SHOW_CURRENT: &str = "Show current";
    pub(super) const BLOCKED: &str = "What is shown is not what stands. Show the current state before you rule.";
    pub(super) const LOST: &str = "The connection to the server is lost, so what is shown may be old. You can rule when it returns; what you typed is kept.";
    pub(super) const BACK: &str = "The connection is back.";
    pub(super) const WHAT_HAPPENS: &str = "Your review is sealed at once, with exactly what this page showed you.";
    pub(super) const SIGNED: &str =
        "The policy asks you to sign it with a passkey, which needs JavaScript; your browser asks for it next.";
    pub(super) const OPEN_UNTIL: &str = "This form can be sent until";
    pub(super) const ARMED: &str = "Ctrl+Enter";
}
