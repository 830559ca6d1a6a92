//! Starting a review, keeping it while its page is open, giving it up, and taking one over.
//!
//! Forms are plain ones, so that a browser without JavaScript sends them to the same addresses; a script sends them itself
//! and reads the decision again, and what is typed into the review stays.

use std::{collections::BTreeMap, future::Future, pin::Pin, time::Duration};

use countersign_domain::{
    decision::Verdict,
    form::FormField,
    ids::{DecisionId, LeaseId, PresentationId},
    lease::{HEARTBEAT_MS, Holder},
    problem::Problem,
    view::RefusedVerdict,
};
use leptos::{ev::SubmitEvent, html, prelude::*, server_fn::ServerFn, task::spawn_local};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;

use super::{
    composer::Draft,
    form::{KeptText, field_name},
};
use crate::{
    Error,
    answer::{self, Answer, posted},
    clock::countdown,
    components::{
        form::{Area, ErrorSummary, Weight},
        icons::{Icon, Shape},
        keyboard::flash,
        page::{Banner, Bar},
        time::Moment,
    },
    frame::Surroundings,
    live::Live,
    wire::Json,
};

/// Takes a seat to review a decision. `reason` and `form` are what stands in a form that the page showed before, which is
/// drawn again with it.
#[server(prefix = "/act", endpoint = "start-review", output = Json)]
pub(crate) async fn start_review(
    decision: DecisionId,
    #[server(default)] edit: bool,
    #[server(default)] reason: String,
    #[server(default)] form: BTreeMap<String, String>,
) -> Result<Answer, Error> {
    use countersign_engine::decisions;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let is_typed = !reason.is_empty() || is_answered(&form);
    let done = act(async move { decisions::start_review(&engine, &caller, decision).await }).await;

    Ok(told(done.map(|()| if is_typed { Answer::Previewed } else { page_of(decision, edit) })))
}

/// Takes a seat from its holder, with a reason. The rest is what stands in a form that the page showed before, which is drawn
/// again with it.
#[server(prefix = "/act", endpoint = "take-over", output = Json)]
pub(crate) async fn take_over(
    decision: DecisionId,
    lease: LeaseId,
    #[server(default)] edit: bool,
    reason: String,
    #[server(default)] kept_code: String,
    #[server(default)] kept_reason: String,
    #[server(default)] form: BTreeMap<String, String>,
) -> Result<Answer, Error> {
    use countersign_engine::decisions;

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, "Say why you take this review over.") {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let is_typed = !(kept_code.is_empty() && kept_reason.is_empty()) || is_answered(&form);
    let done = act(async move { decisions::take_over(&engine, &caller, decision, lease, reason).await }).await;

    Ok(told(done.map(|()| if is_typed { Answer::Previewed } else { page_of(decision, edit) })))
}

/// Gives a seat up.
#[server(prefix = "/act", endpoint = "release-review", output = Json)]
pub(crate) async fn release_review(
    decision: DecisionId,
    lease: LeaseId,
    #[server(default)] edit: bool,
) -> Result<Answer, Error> {
    use countersign_engine::decisions;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { decisions::release(&engine, &caller, decision, lease).await }).await;

    Ok(told(done.map(|()| page_of(decision, edit))))
}

/// What became of a sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Beat {
    /// The seat is kept.
    Kept {
        /// Until when.
        until: u64,
    },
    /// It is not.
    Lost {
        /// Why.
        problem: Problem,
    },
}

/// Takes a sign of life of a page, and says until when its seat is kept; not on record.
#[server(prefix = "/act", endpoint = "heartbeat", output = Json)]
pub(crate) async fn heartbeat(
    decision: DecisionId,
    lease: LeaseId,
    presentation: PresentationId,
    #[server(default)] leaving: bool,
) -> Result<Beat, Error> {
    use countersign_engine::decisions;

    use crate::request::{request, shown, told};

    let (engine, caller) = request()?;
    match decisions::beat(&engine, &caller, (decision, lease), presentation, leaving).await {
        Ok(until) => Ok(Beat::Kept { until }),
        Err(countersign_engine::Error::Refused(problem)) => {
            told(Err(problem.clone()));
            Ok(Beat::Lost { problem })
        }
        Err(error) => shown(&caller, Err(error)),
    }
}

#[cfg(feature = "ssr")]
fn is_answered(form: &BTreeMap<String, String>) -> bool {
    form.values().any(|text| !text.is_empty())
}

#[cfg(feature = "ssr")]
fn page_of(decision: DecisionId, edit: bool) -> Answer {
    Answer::done(format!("/decisions/{decision}{}", if edit { "/edit" } else { "#review" }))
}

/// Where these forms stand.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    pub(super) id: DecisionId,
    /// On the page of edits.
    pub(super) edit: bool,
    /// Reads the decision again and keeps what is typed.
    pub(super) reload: Callback<()>,
}

/// A seat that this page holds.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    desk: Desk,
    pub(super) lease: LeaseId,
    presentation: PresentationId,
    /// When it ends by itself.
    until: RwSignal<u64>,
    /// Why it is held no more.
    pub(super) lost: RwSignal<Option<Problem>>,
    /// Its end is known here already: the review is recorded, or it was given up.
    over: StoredValue<bool>,
}

impl Claim {
    pub(super) fn new(desk: Desk, lease: LeaseId, presentation: PresentationId, until: u64) -> Self {
        let (until, lost) = (RwSignal::new(until), RwSignal::new(None));
        Self { desk, lease, presentation, until, lost, over: StoredValue::new(false) }
    }

    /// Gives signs of life for as long as the calling component lives, and at once when somebody else begins or ends a
    /// review of this decision.
    pub(super) fn keep(self) {
        let live = expect_context::<Live>();
        let known = live.change.with_untracked(|change| change.as_ref().map_or(0, |change| change.size));
        Effect::new(move || {
            self.beat();
            let every = set_interval_with_handle(move || self.beat(), Duration::from_millis(HEARTBEAT_MS));
            let away = window_event_listener_untyped("pagehide", move |_| self.leave());
            on_cleanup(move || {
                if let Ok(every) = every {
                    every.clear();
                }
                away.remove();
                self.leave();
            });
        });
        Effect::new(move || {
            let touched = live.change.with(|change| {
                change.as_ref().is_some_and(|change| change.size > known && change.leased.contains(&self.desk.id))
            });
            if touched {
                self.beat();
            }
        });
    }

    /// Says that its end is known.
    pub(super) fn end(self) {
        self.over.set_value(true);
    }

    fn is_over(self) -> bool {
        self.over.try_get_value().unwrap_or(false) || self.lost.try_with_untracked(Option::is_some).unwrap_or(false)
    }

    fn beat(self) {
        if self.is_over() {
            return;
        }
        let surroundings = Surroundings::get();
        spawn_local(async move {
            match heartbeat(self.desk.id, self.lease, self.presentation, false).await {
                Ok(Beat::Kept { until }) => {
                    self.until.try_set(until);
                }
                Ok(Beat::Lost { problem }) if !self.is_over() => {
                    surroundings.say(strings::LOST);
                    self.lost.try_set(Some(problem));
                }
                // The connection's own bar says that it is lost.
                Ok(Beat::Lost { .. }) | Err(_) => {}
            }
        });
    }

    /// Lets the seat go soon: a page that is only loaded again takes it back in time.
    fn leave(self) {
        if self.is_over() {
            return;
        }
        let Claim { desk, lease, presentation, .. } = self;
        let body = format!("decision={}&lease={lease}&presentation={presentation}&leaving=true", desk.id);
        let _ = window().navigator().send_beacon_with_opt_str(Heartbeat::PATH, Some(&body));
    }
}

/// A plain form that a script sends.
#[derive(Clone, Copy)]
struct Sending {
    pending: RwSignal<bool>,
    problem: RwSignal<Option<Problem>>,
}

type Asked = Pin<Box<dyn Future<Output = Result<Answer, Error>>>>;

impl Sending {
    /// Begins with what became of a form that this page answers.
    fn of<S: ServerFn>() -> Self {
        Self { pending: RwSignal::new(false), problem: RwSignal::new(answer::refused::<S>()) }
    }

    fn send(self, event: &SubmitEvent, asked: impl FnOnce() -> Asked, done: impl Fn() + 'static) {
        event.prevent_default();
        if self.pending.get_untracked() {
            return;
        }
        self.pending.set(true);
        self.problem.set(None);
        let asked = asked();
        spawn_local(async move {
            let problem = match asked.await {
                Ok(Answer::Refused { problem }) => Some(problem),
                Ok(_) => None,
                Err(error) => Some(error.problem()),
            };
            self.pending.try_set(false);
            match problem {
                Some(problem) => drop(self.problem.try_set(Some(problem))),
                None => done(),
            }
        });
    }
}

/// Why a review that this page answers was not started, or not taken over.
pub(super) fn not_started() -> Option<Problem> {
    answer::refused::<StartReview>().or_else(answer::refused::<TakeOver>)
}

/// What stands in the place of the form until the review is started: the button, or who holds every seat.
#[component]
pub(super) fn StartPanel(
    desk: Desk,
    free: bool,
    /// Rulings that the person may not give, and why.
    refused: Vec<RefusedVerdict>,
    holders: Vec<Holder>,
    clock: Signal<u64>,
    draft: Draft,
    /// What the type asks beside code and reason.
    form: Vec<FormField>,
    /// Why a form that this page answers was not recorded.
    problem: Option<Problem>,
    /// Values of that form beside code and reason.
    #[prop(optional)]
    fields: Vec<(String, String)>,
) -> impl IntoView {
    // The form that is drawn says itself why it was refused; those that are gone do not.
    let gone = if free { answer::refused::<TakeOver> } else { answer::refused::<StartReview> };
    let problem = problem.or_else(gone).or_else(answer::refused::<ReleaseReview>);
    let may_not = refused.into_iter().find(|refused| refused.verdict == Verdict::Approve).map(|refused| refused.why);
    let others = holders.clone();

    view! {
        <div class="grid gap-4">
            <ErrorSummary problem=Signal::stored(problem)/>
            <Holders holders clock/>
            {may_not.map(|why| view! { <p class="text-compact text-escalate">{why}</p> })}
            {match free {
                true => view! { <StartForm desk draft fields/> }.into_any(),
                false => view! { <TakeOverForm desk holders=others draft fields/> }.into_any(),
            }}
            <KeptText draft form/>
        </div>
    }
}

/// Who reviews it at this moment, other than the reader.
#[component]
pub(super) fn Holders(holders: Vec<Holder>, clock: Signal<u64>) -> impl IntoView {
    holders
        .into_iter()
        .filter(|holder| !holder.own)
        .map(|Holder { person, until, .. }| {
            view! {
                <p class="flex items-start gap-2">
                    <Icon shape=Shape::Person class="mt-0.5 size-4 shrink-0 text-muted"/>
                    <span>
                        <bdi class="font-medium">{person}</bdi>
                        {strings::HAS_THIS}
                        <span class="whitespace-nowrap tabular-nums">{move || countdown(until, clock.get())}</span>
                    </span>
                </p>
            }
        })
        .collect_view()
}

/// The one button that starts a review.
#[component]
pub(super) fn StartForm(
    desk: Desk,
    draft: Draft,
    #[prop(optional)] fields: Vec<(String, String)>,
    /// As wide as it can be, at the foot of a narrow screen.
    #[prop(optional)]
    wide: bool,
) -> impl IntoView {
    let sending = Sending::of::<StartReview>();
    let surroundings = Surroundings::get();
    let live = expect_context::<Live>();
    let submit = move |event: SubmitEvent| {
        if live.is_lost() {
            event.prevent_default();
            surroundings.say(strings::OFFLINE);
            return;
        }
        let asked = move || -> Asked { Box::pin(start_review(desk.id, desk.edit, String::new(), BTreeMap::new())) };
        sending.send(&event, asked, move || {
            surroundings.say(strings::STARTED);
            desk.reload.try_run(());
        });
    };
    let kept = hidden(("code", "reason"), draft, fields);
    let class = if wide {
        "inline-flex min-h-12 w-full items-center justify-center rounded-control bg-accent px-4 text-reading font-semibold text-on-fill aria-disabled:opacity-60"
    } else {
        Weight::Primary.class()
    };

    view! {
        <form method="post" action=StartReview::PATH on:submit=submit class="grid gap-2 print:hidden">
            <input type="hidden" name="decision" value=desk.id.to_string()/>
            <input type="hidden" name="edit" value=desk.edit.to_string()/>
            {kept}
            <ErrorSummary problem=sending.problem/>
            <div>
                <button
                    type="submit"
                    data-lease=""
                    class=class
                    aria-disabled=move || (sending.pending.get() || live.is_lost()).then_some("true")
                >
                    {strings::START}
                </button>
            </div>
            {(!wide)
                .then(|| {
                    let hint = move || if live.is_lost() { strings::OFFLINE } else { strings::START_HINT };
                    view! { <p class="max-w-measure text-compact text-muted">{hint}</p> }
                })}
        </form>
    }
}

/// What stands in a form that is gone, for a browser without scripts to send with the form that brings it back.
fn hidden((code, reason): (&str, &str), draft: Draft, fields: Vec<(String, String)>) -> impl IntoView + use<> {
    let answers = draft.form().into_iter().map(|(name, text)| (field_name(&name), text));
    [(code.to_owned(), draft.code()), (reason.to_owned(), draft.reason())]
        .into_iter()
        .chain(answers)
        .chain(fields)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view()
}

/// Takes a seat from one of its holders, with a reason.
#[component]
fn TakeOverForm(
    desk: Desk,
    holders: Vec<Holder>,
    draft: Draft,
    /// Values of the form that is gone, beside code, reason and answers.
    fields: Vec<(String, String)>,
) -> impl IntoView {
    let sending = Sending::of::<TakeOver>();
    let problem = sending.problem;
    let surroundings = Surroundings::get();
    let reason = NodeRef::<html::Textarea>::new();
    let typed = posted(TakeOver::PATH).and_then(|posted| posted.typed.get("reason").map(str::to_owned));
    let chosen = RwSignal::new(holders.first().map(|holder| holder.lease));
    let kept = hidden(("kept_code", "kept_reason"), draft, fields);
    let submit = move |event: SubmitEvent| {
        let Some(lease) = chosen.get_untracked() else { return };
        let typed = reason.get_untracked().map(|reason| reason.value()).unwrap_or_default();
        let asked = move || -> Asked {
            // A script keeps what was typed itself.
            Box::pin(take_over(desk.id, lease, desk.edit, typed, String::new(), String::new(), BTreeMap::new()))
        };
        sending.send(&event, asked, move || {
            surroundings.say(strings::STARTED);
            desk.reload.try_run(());
        });
    };
    let several = holders.len() > 1;
    let choices = holders
        .into_iter()
        .enumerate()
        .map(|(place, Holder { lease, person, .. })| match several {
            false => view! { <input type="hidden" name="lease" value=lease.to_string()/> }.into_any(),
            true => view! {
                <label class="flex min-h-9 items-center gap-2">
                    <input
                        type="radio"
                        name="lease"
                        value=lease.to_string()
                        checked=place == 0
                        on:change=move |_| chosen.set(Some(lease))
                    />
                    {strings::FROM}
                    <bdi>{person}</bdi>
                </label>
            }
            .into_any(),
        })
        .collect_view();

    view! {
        <details
            open=problem.with_untracked(Option::is_some)
            class="rounded-control border border-hairline open:pb-3 print:hidden"
        >
            <summary class="min-h-11 cursor-pointer rounded-control px-3 py-2.5 text-body font-medium hover:bg-raised sm:min-h-9 sm:py-2">
                {strings::TAKE_OVER}
            </summary>
            <form method="post" action=TakeOver::PATH on:submit=submit class="grid gap-3 px-3 pt-2">
                <input type="hidden" name="decision" value=desk.id.to_string()/>
                <input type="hidden" name="edit" value=desk.edit.to_string()/>
                {kept}
                {choices}
                <ErrorSummary problem/>
                <Area
                    name="reason"
                    label=strings::WHY
                    hint=strings::WHY_HINT
                    value=typed.unwrap_or_default()
                    rows=2
                    problem
                    node_ref=reason
                />
                <div>
                    <button
                        type="submit"
                        class=Weight::Plain.class()
                        aria-disabled=move || sending.pending.get().then_some("true")
                    >
                        {strings::TAKE_OVER_NOW}
                    </button>
                </div>
            </form>
        </details>
    }
}

/// Above the form: until when the review is this person's, or why it is so no more.
#[component]
pub(super) fn LeaseBar(claim: Claim, clock: Signal<u64>, draft: Draft) -> impl IntoView {
    let Claim { desk, lease, until, lost, .. } = claim;
    let sending = Sending::of::<ReleaseReview>();
    let surroundings = Surroundings::get();
    let submit = move |event: SubmitEvent| {
        let asked = move || -> Asked { Box::pin(release_review(desk.id, lease, desk.edit)) };
        sending.send(&event, asked, move || {
            claim.end();
            surroundings.say(strings::RELEASED);
            desk.reload.try_run(());
        });
    };

    move || {
        match lost.get() {
        Some(problem) => view! {
            <Banner bar=Bar::Stale>
                <p>{problem.detail}</p>
                <StartForm desk draft/>
            </Banner>
        }
        .into_any(),
        None => view! {
            <form
                method="post"
                action=ReleaseReview::PATH
                on:submit=submit
                class="mb-4 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-control border border-hairline bg-raised px-4 py-2 print:hidden"
            >
                <input type="hidden" name="decision" value=desk.id.to_string()/>
                <input type="hidden" name="lease" value=lease.to_string()/>
                <input type="hidden" name="edit" value=desk.edit.to_string()/>
                <p class="min-w-0 flex-1 tabular-nums">
                    {strings::YOU_HAVE_THIS} {move || view! { <Moment at=until.get()/> }}
                    <span class="whitespace-nowrap font-medium">
                        {move || format!(" · {}", countdown(until.get(), clock.get()))}
                    </span>
                </p>
                <button
                    type="submit"
                    data-lease=""
                    class=Weight::Plain.class()
                    aria-disabled=move || sending.pending.get().then_some("true")
                >
                    {strings::RELEASE}
                </button>
                <ErrorSummary problem=sending.problem/>
            </form>
        }
        .into_any(),
    }
    }
}

/// Presses the button that starts or gives up the review; tells whether there was one.
pub(super) fn press_lease() -> bool {
    let button = document().query_selector("[data-lease]").ok().flatten();
    button.is_some_and(|button| {
        flash(&button);
        button.unchecked_into::<web_sys::HtmlElement>().click();
        true
    })
}

mod strings {
    pub(super) const START: &str = "Start review";
    pub(super) const START_HINT: &str = "Reading is free. Starting takes one of the seats for five minutes at a time, while this page is open; without JavaScript for fifteen. Others see that you review it.";
    pub(super) const OFFLINE: &str =
        "The connection to the server is lost, so what is shown may be old. You can start the review when it returns.";
    pub(super) const STARTED: &str = "You have this review.";
    pub(super) const HAS_THIS: &str = " has this, ";
    pub(super) const TAKE_OVER: &str = "Take over";
    pub(super) const TAKE_OVER_NOW: &str = "Take this review over";
    pub(super) const FROM: &str = "From ";
    pub(super) const WHY: &str = "Why you take it over";
    pub(super) const WHY_HINT: &str = "Sealed, with your name. Who has it now is told that you took it over.";
    pub(super) const YOU_HAVE_THIS: &str = "You have this until ";
    pub(super) const RELEASE: &str = "Release";
    pub(super) const RELEASED: &str = "You gave this review up.";
    pub(super) const LOST: &str = "This review is not yours any more. What you typed is kept.";
}
