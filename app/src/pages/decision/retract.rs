//! What people decided, while it is not final, and taking a review back.

use countersign_domain::{
    decision::ResolutionOutcome,
    ids::{DecisionId, EntryId},
    view::SettlingSection,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;

use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        form::{ErrorSummary, Weight},
        keyboard::flash,
        marks::outcome_words,
        page::{Banner, Bar},
        time::Moment,
    },
    frame::Surroundings,
    wire::Json,
};

/// Takes a person's own review back.
#[server(prefix = "/act", endpoint = "retract", output = Json)]
pub(crate) async fn retract(decision: DecisionId, review: EntryId) -> Result<Answer, Error> {
    use countersign_engine::decisions;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { decisions::retract(&engine, &caller, decision, review).await }).await;

    Ok(told(done.map(|_| Answer::done(format!("/decisions/{decision}")))))
}

/// The one button that takes a review back; then the decision as it stands is shown.
#[component]
pub(crate) fn RetractForm(
    decision: DecisionId,
    review: EntryId,
    /// Reads the page again, where the form stands on the decision's own.
    #[prop(optional, into)]
    reload: Option<Callback<()>>,
) -> impl IntoView {
    let action = ServerAction::<Retract>::new();
    let answer = answer_of(action);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    let surroundings = Surroundings::get();
    let navigate = use_navigate();
    Effect::new(move || {
        if let Some(Answer::Done { to }) = answer.get() {
            surroundings.say(strings::RETRACTED);
            match reload {
                Some(reload) => {
                    action.clear();
                    reload.run(());
                }
                None => navigate(&to, NavigateOptions::default()),
            }
        }
    });

    view! {
        <ActionForm action attr:class="grid gap-2 print:hidden">
            <input type="hidden" name="decision" value=decision.to_string()/>
            <input type="hidden" name="review" value=review.to_string()/>
            <ErrorSummary problem/>
            <div>
                <button
                    type="submit"
                    data-retract=""
                    class=Weight::Plain.class()
                    aria-disabled=move || action.pending().get().then_some("true")
                >
                    {strings::RETRACT}
                </button>
            </div>
        </ActionForm>
    }
}

/// Presses the button that takes a review back, or goes to the first of several; tells whether there was one.
pub(crate) fn press_retract() -> bool {
    let Ok(buttons) = document().query_selector_all("[data-retract]") else { return false };
    let Some(button) = buttons.get(0).map(JsCast::unchecked_into::<web_sys::HtmlElement>) else { return false };
    flash(&button);
    if buttons.length() > 1 {
        Surroundings::get().say(strings::WHICH);
        return button.focus().is_ok();
    }
    button.click();
    true
}

/// Says what people decided and when it is final; `missing` more rejections would reject it.
#[component]
pub(super) fn SettlingBar(settling: SettlingSection, missing: u64, clock: Signal<u64>) -> impl IntoView {
    let unless = match (settling.outcome, missing) {
        (ResolutionOutcome::Approved, 0 | 1) => strings::UNLESS_REJECTED.to_owned(),
        (ResolutionOutcome::Approved, missing) => format!("{} {missing} more people reject it", strings::UNLESS_MORE),
        _ => strings::UNLESS.to_owned(),
    };
    view! {
        <Banner bar=Bar::Note>
            <p>
                <strong class="font-semibold">{outcome_words(settling.outcome)}</strong>
                {strings::NOT_FINAL} <Moment at=settling.until/> <Countdown until=settling.until clock/>
                {unless} {strings::UNTOLD}
            </p>
        </Banner>
    }
}

/// How many seconds are left; without JavaScript what it was when the page was made.
#[component]
pub(crate) fn Countdown(until: u64, clock: Signal<u64>) -> impl IntoView {
    let left = move || match until.saturating_sub(clock.get()).div_ceil(1_000) {
        0 => strings::NOW.to_owned(),
        seconds => format!(" (in {seconds} s)"),
    };

    view! { <span class="whitespace-nowrap tabular-nums">{left}</span> }
}

mod strings {
    pub(super) const RETRACT: &str = "Take it back";
    pub(super) const WHICH: &str = "Several of your reviews may be taken back. Choose one.";
    pub(super) const RETRACTED: &str = "Your review is taken back.";
    pub(super) const NOT_FINAL: &str = ", and not final: it is resolved at ";
    pub(super) const UNLESS: &str = ", unless a reviewer takes a review back";
    pub(super) const UNLESS_REJECTED: &str = ", unless a reviewer takes a review back or somebody rejects it";
    pub(super) const UNLESS_MORE: &str = ", unless a reviewer takes a review back or";
    pub(super) const UNTOLD: &str = ". The AI system was told nothing.";
    pub(super) const NOW: &str = " (now)";
}
