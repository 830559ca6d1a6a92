//! `/decisions/{id}`: one decision, whole, in a fixed order, and the review of exactly what is shown.

#![expect(clippy::too_many_arguments, reason = "a server function takes one argument per field of its form")]

pub(crate) mod chain;
pub(crate) mod comments;
pub(crate) mod composer;
pub(crate) mod edit;
pub(crate) mod fields;
mod form;
pub(crate) mod lease;
mod lineage;
mod opened;
pub(crate) mod overrule;
mod paper;
mod readers;
#[cfg(feature = "ssr")]
pub(crate) mod reason;
pub(crate) mod retract;
pub(crate) mod revoke;
mod sections;
pub(crate) mod shown;
mod unread;

use std::{collections::BTreeMap, future::Future};

use countersign_domain::{
    decision::{ResolutionOutcome, Verdict},
    form::FormField,
    ids::{DecisionId, LeaseId, PresentationId},
    keyboard::Bound,
    problem::{Code, Problem},
    time::duration,
    view::{Composer, DecisionView, ReviewToSign},
};
use leptos::{html, prelude::*, wasm_split::wasm_split};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::JsCast;

use self::{
    comments::CommentsSection,
    composer::{Armed, Draft, ReviewForm},
    form::KeptText,
    lease::{Claim, Desk, Holders, StartForm, StartPanel, press_lease},
    opened::Opened,
    paper::{PaperHead, entries},
    readers::Readers,
    retract::{Retract, SettlingBar, press_retract},
    sections::{ActionSection, AskSection, ContextSection, HistorySection, PolicySection, RiskSection},
    unread::{ReadMark, Unread, UnreadBanner},
};
use crate::{
    Error,
    answer::{Answer, answer_of, refused},
    clock::{steady_ms, ticking},
    components::{
        form::{ErrorSummary, Weight},
        icons::{Icon, Shape},
        keyboard::{KeySheet, Layer, Page, flash, key_of, leave_field, listen, show},
        kinds::{changes_decisions, changes_pauses},
        page::{Banner, Bar, NotLoaded, PageHeader, PageTitle, Recorded, Refusal, Section, Skeleton, TitleText},
        pause::PauseBanner,
        text::Literal,
        time::Moment,
    },
    drafts,
    frame::Surroundings,
    keys::Command,
    lazy::NotFetched,
    live::Live,
    wire::{Json, Parcel},
};

/// Shows a decision to a person; the engine seals what was shown and issues the form's single use.
#[server(prefix = "/act", endpoint = "decision", output = Json)]
pub(crate) async fn decision(id: DecisionId) -> Result<Parcel<DecisionView>, Error> {
    use countersign_engine::decisions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    Parcel::pack(&shown(&caller, decisions::view(&engine, &caller, id).await)?)
}

/// Records a person's review of exactly what one presentation showed.
#[server(prefix = "/act", endpoint = "review", output = Json)]
pub(crate) async fn review(
    decision: DecisionId,
    presentation: PresentationId,
    lease: LeaseId,
    verdict: Verdict,
    code: String,
    reason: String,
    #[server(default)] form: BTreeMap<String, String>,
    #[server(default)] opened: String,
    #[server(default)] follow_up: String,
    nonce: Option<String>,
    signature: Option<String>,
    #[server(default)] on_behalf: String,
) -> Result<Answer, Error> {
    use countersign_engine::decisions::{self, ReviewRequest, SignedAnswer};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let (code, reason) = match reason::read(&code, &reason) {
        Ok(read) => read,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let signed = nonce.zip(signature).map(|(nonce, answer)| SignedAnswer { nonce, answer });
    // Minutes from now: a choice that needs no clock and no time zone of the browser.
    let minutes = follow_up.parse::<u64>().ok().filter(|_| verdict == Verdict::Defer);
    let follow_up = minutes.map(|minutes| engine.now() + minutes * 60_000);
    let asked = ReviewRequest {
        code,
        reason,
        form,
        opened: opened::read(&opened),
        follow_up,
        signed,
        // Nothing, or nobody that can be read, is the person's own right.
        on_behalf: on_behalf.parse().ok(),
        ..ReviewRequest::new(decision, presentation, lease, verdict)
    };
    let reviewed = act(async move { decisions::review(&engine, &caller, asked).await }).await;

    Ok(told(reviewed.map(|_| Answer::done(format!("/queue?done={decision}")))))
}

/// Opens a masked field with a reason, for five minutes.
#[server(prefix = "/act", endpoint = "open-field", output = Json)]
pub(crate) async fn open_field(decision: DecisionId, field: String, reason: String) -> Result<Answer, Error> {
    use countersign_engine::decisions;

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, "Say why you open this field.") {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { decisions::open_field(&engine, &caller, decision, &field, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/decisions/{decision}")))))
}

/// What the masked fields of a page share.
#[derive(Clone, Copy)]
pub(super) struct Masks {
    open: ServerAction<OpenField>,
    decision: DecisionId,
    may_open: bool,
}

impl Masks {
    /// Hands them to the fields of a page, and reads the page again once one is opened and when their time is up. Returns why
    /// one was not opened.
    fn provide(shown: &DecisionView, open: ServerAction<OpenField>, reload: Callback<()>) -> Signal<Option<Problem>> {
        provide_context(Masks { open, decision: shown.id, may_open: shown.may_open });
        Effect::new(move || {
            if matches!(open.value().get(), Some(Ok(Answer::Done { .. }))) {
                open.clear();
                reload.run(());
            }
        });
        if let Some(until) = shown.open_until {
            // Opened values leave the screen when their time is up.
            let rest = std::time::Duration::from_millis(until.saturating_sub(shown.now));
            Effect::new(move || {
                if let Ok(timer) = set_timeout_with_handle(move || reload.run(()), rest) {
                    on_cleanup(move || timer.clear());
                }
            });
        }
        let opened = answer_of(open);
        Signal::derive(move || opened.get().and_then(Answer::problem))
    }
}

/// Hands out what a passkey is asked to sign for one ruling on one presentation.
#[server(prefix = "/act", endpoint = "prepare-review", output = Json)]
pub(crate) async fn prepare_review(
    decision: DecisionId,
    presentation: PresentationId,
    lease: LeaseId,
    verdict: Verdict,
    code: String,
    reason: String,
    #[server(default)] form: BTreeMap<String, String>,
    #[server(default)] on_behalf: String,
) -> Result<Prepared, Error> {
    use countersign_engine::decisions::{self, ReviewRequest};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let (code, reason) = match reason::read(&code, &reason) {
        Ok(read) => read,
        Err(problem) => {
            told(Err(problem.clone()));
            return Ok(Prepared::Refused { problem });
        }
    };
    let asked = ReviewRequest {
        code,
        reason,
        form,
        // What was opened is told with the review itself, and is no part of what is signed.
        on_behalf: on_behalf.parse().ok(),
        ..ReviewRequest::new(decision, presentation, lease, verdict)
    };
    Ok(match act(async move { decisions::prepare(&engine, &caller, asked).await }).await {
        Ok(review) => Prepared::ToSign { review },
        Err(problem) => {
            told(Err(problem.clone()));
            Prepared::Refused { problem }
        }
    })
}

/// What became of the wish to sign a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prepared {
    /// This is to be signed.
    ToSign {
        /// The options for the authenticator.
        review: ReviewToSign,
    },
    /// Nothing is.
    Refused {
        /// Why, and what to change.
        problem: Problem,
    },
}

/// The decision page.
#[component]
pub(crate) fn DecisionPage() -> impl IntoView {
    let id = named_id();
    // Where the address names another decision, its page begins anew: nothing typed for one stands in the form of the other.
    move || view! { <DecisionOf id=id.get()/> }
}

#[component]
fn DecisionOf(id: Option<DecisionId>) -> impl IntoView {
    let view = Resource::new(|| (), move |()| read_named(decision, id));
    let acts = Acts::over(move || view.refetch());

    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=7/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => draw(shown, acts, Place::Page).await,
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

async fn draw(shown: Parcel<DecisionView>, acts: Acts, place: Place) -> AnyView {
    whole(shown, acts, place).await.unwrap_or_else(|NotFetched| NotLoaded().into_any())
}

#[wasm_split(decision, wasm_split_path = leptos::wasm_split, preload(fetch_decision), fallible)]
pub(crate) fn whole(shown: Parcel<DecisionView>, acts: Acts, place: Place) -> Result<AnyView, NotFetched> {
    Ok(match shown.open() {
        Ok(shown) => view! { <Whole shown acts place/> }.into_any(),
        Err(error) => view! { <Refusal error/> }.into_any(),
    })
}

/// What somebody may do on a decision, wherever it is shown.
#[derive(Clone, Copy)]
pub(crate) struct Acts {
    review: ServerAction<Review>,
    open: ServerAction<OpenField>,
    draft: Draft,
    /// Which fields behind a control the reader opened.
    opened: Opened,
    /// What is typed as a comment and not sent.
    comment: RwSignal<String>,
    /// What the reader has read before they rule.
    read: RwSignal<Option<ReadMark>>,
    /// Whether a review was recorded is being looked up.
    unsure: RwSignal<bool>,
    /// Reads the decision again and keeps what is typed. No closure of its own type: the page of a decision is large, and
    /// would be compiled once for each.
    reload: Callback<()>,
}

impl Acts {
    fn over(refetch: impl Fn() + Send + Sync + 'static) -> Self {
        let (review, draft) = (ServerAction::<Review>::new(), Draft::new());
        let reload = Callback::new(move |()| {
            draft.keep();
            review.clear();
            refetch();
        });
        let (read, unsure) = (RwSignal::new(None), RwSignal::new(false));
        let opened = Opened::new();
        Self { review, open: ServerAction::new(), draft, opened, comment: RwSignal::default(), read, unsure, reload }
    }
}

/// Where a decision is shown.
#[derive(Clone)]
pub(crate) enum Place {
    /// On its own page.
    Page,
    /// Beside a list, which goes on when the review is recorded.
    Pane {
        /// Address of the list with nothing selected.
        list: String,
        /// What the list does when this person's review is recorded.
        done: Callback<DecisionId>,
    },
}

/// The decision that is selected in a list, once it is read: reading it is an act on record.
pub(crate) type SelectedDecision = Resource<Option<(DecisionId, Result<Parcel<DecisionView>, Error>)>>;

/// A decision beside a list, drawn by the same component as its page.
#[component]
pub(crate) fn DecisionPane(id: DecisionId, view: SelectedDecision, place: Place) -> impl IntoView {
    let acts = Acts::over(move || view.refetch());

    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {
                let place = place.clone();
                move || {
                    let place = place.clone();
                    Suspend::new(async move {
                        match view.await.filter(|(shown, _)| *shown == id) {
                            Some((_, Ok(shown))) => draw(shown, acts, place).await,
                            Some((_, Err(error))) => {
                                view! { <p class="text-muted">{error.problem().detail.clone()}</p> }.into_any()
                            }
                            None => view! { <Skeleton rows=4/> }.into_any(),
                        }
                    })
                }
            }
        </Transition>
    }
}

/// The decision that the page's address names.
fn named_id() -> Memo<Option<DecisionId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse().ok())))
}

/// Reads something of the decision that the page's address names.
fn named<T, Read>(read: fn(DecisionId) -> Read) -> Resource<Result<T, Error>>
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    Read: Future<Output = Result<T, Error>> + Send + 'static,
{
    let id = named_id();
    Resource::new(move || id.get(), move |id| read_named(read, id))
}

async fn read_named<T, Read>(read: fn(DecisionId) -> Read, id: Option<DecisionId>) -> Result<T, Error>
where
    Read: Future<Output = Result<T, Error>>,
{
    match id {
        Some(id) => read(id).await,
        None => Err(nothing_here()),
    }
}

/// The line above a page about a decision: back to it, and its short id.
#[component]
fn BackLine(id: DecisionId) -> impl IntoView {
    view! {
        <div class="mb-2 flex flex-wrap items-center gap-3 text-compact text-muted print:hidden">
            <a
                href=format!("/decisions/{id}")
                class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline"
            >
                <Icon shape=Shape::Back class="size-4"/>
                {strings::BACK_TO_DECISION}
            </a>
            <span class="font-mono text-compact">{id.short()}</span>
        </div>
    }
}

/// Why a page about a decision has no form, and the way back.
#[component]
fn Barred(id: DecisionId, #[prop(into)] reason: String) -> impl IntoView {
    view! {
        <p class="flex max-w-measure items-start gap-2 text-reading">
            <Icon shape=Shape::Info class="mt-1 size-4 shrink-0 text-muted"/>
            {reason}
        </p>
        <p>
            <a href=format!("/decisions/{id}") class="text-accent underline">
                {strings::BACK_TO_DECISION}
            </a>
        </p>
    }
}

pub(crate) fn nothing_here() -> Error {
    #[cfg(feature = "ssr")]
    crate::request::status(Code::NotFound.status());
    Error::Told {
        problem: Problem::new(
            Code::NotFound,
            "There is nothing here that you may read. If you followed a link, ask whoever sent it for access.",
        ),
        request: String::new(),
    }
}

/// The page of one decision as it was shown.
#[component]
fn Whole(shown: DecisionView, acts: Acts, place: Place) -> impl IntoView {
    let Acts { review, open, draft, opened, comment, read, unsure, reload } = acts;
    let (id, reader) = (shown.id, shown.reader);
    opened.provide(&shown.content_hash);
    let unread = Unread::since(read, &shown);
    // The page was read again to see.
    let looked = unsure.get_untracked();
    unsure.set(false);
    let in_pane = matches!(place, Place::Pane { .. });
    let missing_rejections = shown.policy.reject_threshold.saturating_sub(shown.policy.rejections);
    let open_problem = Masks::provide(&shown, open, reload);
    let clock = ticking(shown.now);
    let query = use_query_map();
    let raw = Memo::new(move |_| query.with(|query| query.get("as").is_some_and(|form| form == "raw")));
    let dialog = NodeRef::<html::Dialog>::new();
    let armed = Armed::new();
    let answer = answer_of(review);
    let changed = follow(id, review, answer);
    let desk = Desk { id, edit: false, reload };
    let claim = match &shown.composer {
        Composer::Open { lease, presentation, lease_until, .. } => {
            Some(Claim::new(desk, *lease, *presentation, *lease_until))
        }
        _ => None,
    };
    let may_start = matches!(shown.composer, Composer::Ready { .. });
    let seat_free = matches!(shown.composer, Composer::Ready { free: true, .. });
    let holders = shown.holders.clone();
    let seats_changed = seat_news(id, claim.is_some(), may_start);
    let (title, recorded) = (shown.title.clone(), shown.recorded);
    let composer = shown.composer.clone();
    let handed = format!(
        "Escalate hands it to the senior approvers of {}, who have {} from then.",
        shown.system_name,
        duration(shown.policy.again_ms),
    );
    let pause = shown.pause.clone();
    let kept = match (shown.state.is_open(), &shown.resolution) {
        (true, _) => strings::KEPT_OPEN,
        (false, Some(resolution))
            if resolution.outcome == ResolutionOutcome::Approved && resolution.released_at.is_none() =>
        {
            strings::KEPT_APPROVED
        }
        (false, _) => strings::KEPT_NOTHING,
    };
    let comments = shown.comments.clone();
    let may_retract = shown.reviews.iter().any(|review| review.retractable.is_some());
    let (revision, content, paper) = (shown.revision, shown.content_hash.clone(), entries(&shown));
    let checkpoint = shown.checkpoint.clone();
    let takes_form = !matches!(shown.composer, Composer::Closed { .. });
    let news = pause_news();
    let risk = shown.risk;
    let reasoned = shown.policy.reasoned;
    let form = shown.form.clone();
    let now = shown.now;

    let surroundings = Surroundings::get();
    let navigate = use_navigate();
    let after = place.clone();
    Effect::new(move || {
        if let Some(Answer::Done { to }) = answer.get() {
            draft.clear(drafts::Place { person: reader, decision: id });
            surroundings.say(strings::RECORDED);
            match &after {
                Place::Page => navigate(&to, NavigateOptions::default()),
                Place::Pane { done, .. } => done.run(id),
            }
        }
    });
    let live = expect_context::<Live>();
    let may_rule = move || {
        claim.is_some_and(|claim| claim.lost.with_untracked(Option::is_none))
            && !changed.get_untracked()
            && !unread.waits.get_untracked()
            && !untrack(|| live.is_lost())
    };
    let may_start = move || may_start || claim.is_some_and(|claim| claim.lost.with_untracked(Option::is_some));
    keys(review, armed, dialog, in_pane, may_rule, may_start);

    view! {
        {(!in_pane).then(|| view! { <PageTitle text=TitleText::decision(id)/> })}
        <div class="mb-2 flex flex-wrap items-center gap-x-3 gap-y-1 text-compact text-muted sm:min-h-8 print:hidden">
            <BackToList list=match &place {
                Place::Page => "/queue".to_owned(),
                Place::Pane { list, .. } => list.clone(),
            }/>
            <span class="font-mono text-compact">{id.short()}</span>
            {if in_pane {
                view! {
                    <a
                        href=format!("/decisions/{id}")
                        class="inline-flex items-center gap-1 whitespace-nowrap rounded-chip text-accent underline"
                    >
                        {strings::OWN_PAGE}
                        <Icon shape=Shape::Forward class="size-4"/>
                    </a>
                }
                    .into_any()
            } else {
                view! { <KeySheet dialog/> }.into_any()
            }}
            <Readers id/>
            {(claim.is_some() || may_start())
                .then(|| {
                    let class = if in_pane {
                        "ml-auto font-medium text-accent underline"
                    } else {
                        "ml-auto font-medium text-accent underline xl:hidden"
                    };
                    view! {
                        <a href="#review" rel="external" class=class>
                            {strings::TO_REVIEW}
                        </a>
                    }
                })}
        </div>
        {if in_pane {
            view! {
                <h2 class="mb-4 text-reading font-semibold [overflow-wrap:anywhere]">
                    <Literal text=title/>
                </h2>
            }
                .into_any()
        } else {
            view! { <PageHeader title=move || view! { <Literal text=title.clone()/> }/> }.into_any()
        }}
        {move || {
            changed
                .get()
                .then(|| {
                    view! {
                        <Banner bar=Bar::Stale>
                            <p>{strings::CHANGED}</p>
                            <button type="button" on:click=move |_| reload.run(()) class=Weight::Plain.class()>
                                {strings::SHOW_CURRENT}
                            </button>
                        </Banner>
                    }
                })
        }}
        {takes_form.then(|| view! { <UnreadBanner unread/> })}
        {move || {
            news.get()
                .then(|| {
                    view! {
                        <Banner bar=Bar::Stale>
                            <p>{strings::PAUSE_NEWS}</p>
                            <button type="button" on:click=move |_| reload.run(()) class=Weight::Plain.class()>
                                {strings::SHOW_CURRENT}
                            </button>
                        </Banner>
                    }
                })
        }}
        {pause.map(|pause| view! { <PauseBanner pause effect=kept/> })}
        <PaperHead id revision content entries=paper checkpoint now clock/>
        <div
            data-printed=""
            class=if in_pane {
                "grid items-start print:block"
            } else {
                "grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_15rem] print:block"
            }
        >
            <div class="grid min-w-0 max-w-4xl gap-4">
                {shown.settling.map(|settling| view! { <SettlingBar settling missing=missing_rejections clock/> })}
                {(!may_retract).then(|| view! { <ErrorSummary problem=Signal::stored(refused::<Retract>())/> })}
                <AskSection shown=shown.clone() clock/>
                <RiskSection shown=shown.clone()/>
                <ErrorSummary problem=open_problem/>
                {shown
                    .open_until
                    .map(|until| {
                        view! {
                            <Banner bar=Bar::Note>
                                {strings::OPENED} " " <Moment at=until/> "."
                            </Banner>
                        }
                    })}
                <ActionSection shown=shown.clone() raw/>
                <ContextSection shown=shown.clone() raw/>
                <PolicySection shown=shown.clone()/>
                <Section id="review" number=6 title=strings::REVIEW>
                    {takes_form.then(|| view! { <p class="hidden print:block">{strings::NOT_PRINTED}</p> })}
                    {looked
                        .then(|| {
                            let words = if takes_form { strings::NONE_FOUND } else { strings::LOOK_BELOW };
                            view! {
                                <p role="status" class="max-w-measure font-medium">
                                    {words}
                                </p>
                            }
                        })}
                    {move || {
                        seats_changed
                            .get()
                            .then(|| {
                                view! {
                                    <Banner bar=Bar::Stale>
                                        <p>{strings::SEATS}</p>
                                        <button type="button" on:click=move |_| reload.run(()) class=Weight::Plain.class()>
                                            {strings::SHOW_CURRENT}
                                        </button>
                                    </Banner>
                                }
                            })
                    }}
                    {match (composer, claim) {
                        (Composer::Open { presentation, signed, refused, defer_before, ways, .. }, Some(claim)) => {
                            view! {
                                <Holders holders clock/>
                                <ReviewForm
                                    id
                                    reader
                                    presentation
                                    claim
                                    clock
                                    signed
                                    reasoned
                                    form
                                    opened
                                    refused
                                    ways
                                    time_left=defer_before.map(|end| end.saturating_sub(now))
                                    handed=handed.clone()
                                    risk
                                    review
                                    answer
                                    draft
                                    armed
                                    changed
                                    unread=unread.waits
                                    unsure
                                    reload
                                />
                            }
                                .into_any()
                        }
                        (Composer::Ready { free, refused }, _) => {
                            let problem = answer.get_untracked().and_then(Answer::problem);
                            view! { <StartPanel desk free refused holders clock draft form problem/> }.into_any()
                        }
                        (Composer::Closed { reason }, _) => {
                            view! {
                                <Holders holders clock/>
                                <Closed reason answer draft form/>
                            }
                                .into_any()
                        }
                        // A form comes with its claim.
                        (Composer::Open { .. }, None) => ().into_any(),
                    }}
                </Section>
                <HistorySection shown clock reload/>
                <CommentsSection id view=comments typed_before=comment/>
                <Recorded entry=recorded/>
            </div>
            {(!in_pane).then(|| view! { <Contents/> })}
        </div>
        {(seat_free && !in_pane)
            .then(|| {
                view! {
                    <div class="sticky bottom-14 z-1 mt-4 border-t border-hairline bg-surface px-3 py-2 sm:hidden">
                        <StartForm desk draft wide=true/>
                    </div>
                }
            })}
    }
}

/// The way back to the list that led here.
#[component]
fn BackToList(list: String) -> impl IntoView {
    view! {
        <a
            href=list
            data-noscroll="true"
            class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline"
        >
            <Icon shape=Shape::Back class="size-4"/>
            {strings::QUEUE}
        </a>
    }
}

/// Leads to a part of the page, for eyes and for screen readers; tells whether it is there.
fn go_to(part: &str) -> bool {
    document().get_element_by_id(part).is_some_and(|part| {
        part.scroll_into_view();
        flash(&part);
        part.unchecked_into::<web_sys::HtmlElement>().focus().is_ok()
    })
}

/// Tells whether the decision changed after it was shown, other than by the person's own review.
fn follow(id: DecisionId, review: ServerAction<Review>, answer: Signal<Option<Answer>>) -> RwSignal<bool> {
    let live = expect_context::<Live>();
    let surroundings = Surroundings::get();
    let changed = RwSignal::new(false);
    let known = live.change.with_untracked(|change| change.as_ref().map_or(0, |change| change.size));
    Effect::new(move || live.open(None));
    Effect::new(move || {
        let touched = live.change.with(|change| {
            change.as_ref().is_some_and(|change| {
                change.size > known
                    && change.decisions.contains(&id)
                    && change.kinds.iter().any(|kind| changes_decisions(kind))
            })
        });
        // The stream may tell of this review before its answer does.
        let own = review.pending().get() || matches!(answer.get(), Some(Answer::Done { .. }));
        if touched && !own && !changed.get_untracked() {
            changed.set(true);
            surroundings.say(strings::CHANGED);
        }
    });

    changed
}

/// Tells whether an AI system was paused or resumed after the page was shown.
fn pause_news() -> RwSignal<bool> {
    let live = expect_context::<Live>();
    let surroundings = Surroundings::get();
    let news = RwSignal::new(false);
    let known = live.change.with_untracked(|change| change.as_ref().map_or(0, |change| change.size));
    Effect::new(move || {
        let touched = live.change.with(|change| {
            change
                .as_ref()
                .is_some_and(|change| change.size > known && change.kinds.iter().any(|kind| changes_pauses(kind)))
        });
        if touched && !news.get_untracked() {
            news.set(true);
            surroundings.say(strings::PAUSE_NEWS);
        }
    });

    news
}

/// Tells whether somebody began or ended a review after the page was shown, where that is not the reader's own doing.
fn seat_news(id: DecisionId, held: bool, may_start: bool) -> RwSignal<bool> {
    let live = expect_context::<Live>();
    let surroundings = Surroundings::get();
    let news = RwSignal::new(false);
    let known = live.change.with_untracked(|change| change.as_ref().map_or(0, |change| change.size));
    Effect::new(move || {
        let touched = live
            .change
            .with(|change| change.as_ref().is_some_and(|change| change.size > known && change.leased.contains(&id)));
        // Who holds a seat asks whether they still do; who cannot take one has nothing to do about it.
        if touched && !held && may_start && !news.get_untracked() {
            news.set(true);
            surroundings.say(strings::SEATS);
        }
    });

    news
}

fn keys(
    review: ServerAction<Review>,
    armed: Armed,
    dialog: NodeRef<html::Dialog>,
    in_pane: bool,
    may_rule: impl Fn() -> bool + 'static,
    may_start: impl Fn() -> bool + 'static,
) {
    let surroundings = Surroundings::get();
    let navigate = use_navigate();
    let shown_at = StoredValue::new(0);
    Effect::new(move || shown_at.set_value(steady_ms().unwrap_or_default()));

    listen(
        Layer::Decision,
        move || Page {
            loading: review.pending().get_untracked(),
            shown_at: shown_at.get_value(),
            may_rule: may_rule(),
            may_start: may_start(),
        },
        move |command| match command {
            Command::ArmApprove => armed.arm(Verdict::Approve),
            Command::ArmEdits => armed.arm(Verdict::ApproveWithEdits),
            Command::ArmChanges => armed.arm(Verdict::RequestChanges),
            Command::ArmEscalate => armed.arm(Verdict::Escalate),
            Command::ArmReject => armed.arm(Verdict::Reject),
            Command::ArmDefer => armed.arm(Verdict::Defer),
            Command::Retract => press_retract(),
            Command::Comment => focus_comment(),
            Command::Lease => press_lease(),
            Command::StartFirst => {
                surroundings.say(match key_of(Bound::Lease) {
                    Some(key) => format!("{} ({key}).", strings::START_FIRST),
                    None => format!("{}.", strings::START_FIRST),
                });
                true
            }
            Command::Send => armed.send(),
            Command::Release => {
                armed.disarm();
                leave_field();
                true
            }
            Command::Back if armed.disarm() => true,
            Command::Back if in_pane => false,
            Command::Back => {
                navigate("/queue", NavigateOptions::default());
                true
            }
            Command::Section(number) => {
                SECTIONS.get(usize::from(number).wrapping_sub(1)).is_some_and(|(id, _)| go_to(id))
            }
            Command::Help => show(dialog),
            _ => false,
        },
    );
}

/// Goes to the field of a comment; tells whether there is one.
fn focus_comment() -> bool {
    document().get_element_by_id("comment").is_some_and(|field| {
        flash(&field);
        field.unchecked_into::<web_sys::HtmlElement>().focus().is_ok()
    })
}

/// The sections, in the one order they ever have: anchor and heading.
const SECTIONS: [(&str, &str); 8] = [
    ("ask", "Ask"),
    ("risk", "Risk"),
    ("action", "Proposed action"),
    ("evidence", "Evidence"),
    ("policy", "Policy"),
    ("review", "Review"),
    ("history", "History and proof"),
    ("comments", "Comments"),
];

#[component]
fn Contents() -> impl IntoView {
    view! {
        <nav aria-label=strings::CONTENTS class="sticky top-5 hidden xl:block print:hidden">
            <ol class="grid gap-0.5 border-l border-hairline text-compact">
                {SECTIONS
                    .iter()
                    .zip(1..)
                    .map(|((id, title), number)| {
                        view! {
                            <li>
                                <a
                                    href=format!("#{id}")
                                    rel="external"
                                    class="flex gap-2.5 rounded-r-chip px-3 py-1.5 text-muted hover:bg-raised hover:text-text no-underline"
                                >
                                    <span class="tabular-nums">{number}</span>
                                    {*title}
                                </a>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </nav>
    }
}

/// Why there is no form, with what was typed when the form was there.
#[component]
fn Closed(reason: String, answer: Signal<Option<Answer>>, draft: Draft, form: Vec<FormField>) -> impl IntoView {
    let before = StoredValue::new(lease::not_started());
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem).or_else(|| before.get_value()));

    view! {
        <crate::components::form::ErrorSummary problem/>
        <p class="flex items-start gap-2 text-reading">
            <Icon shape=Shape::Info class="mt-1 size-4 shrink-0 text-muted"/>
            {reason}
        </p>
        <KeptText draft form/>
    }
}

mod strings {
    pub(super) const OPENED: &str =
        "Personal fields that you opened are on record with your reason, and are masked again at";
    pub(super) const BACK_TO_DECISION: &str = "Back to the decision";
    pub(super) const QUEUE: &str = "Queue";
    pub(super) const OWN_PAGE: &str = "Open page";
    pub(super) const REVIEW: &str = "Review";
    pub(super) const NOT_PRINTED: &str = "Open for review when this was printed. The form is not printed; reviews that are given stand under History and proof.";
    pub(super) const TO_REVIEW: &str = "Go to the review";
    pub(super) const CONTENTS: &str = "Sections of this page";
    pub(super) const CHANGED: &str = "This decision changed after you opened it. Nothing you type is lost.";
    pub(super) const NONE_FOUND: &str = "No final review of yours was found. What you typed is kept: send it again, which counts once whatever became of the first.";
    pub(super) const LOOK_BELOW: &str = "What was recorded stands under History and proof.";
    pub(super) const PAUSE_NEWS: &str =
        "An AI system was paused or resumed after you opened this. Nothing you type is lost.";
    pub(super) const KEPT_OPEN: &str =
        "Reviewing goes on. An approval is recorded, and told to it only when it is resumed.";
    pub(super) const KEPT_APPROVED: &str = "This approval was not told to it, and is not until it is resumed.";
    pub(super) const KEPT_NOTHING: &str = "What it proposes is rejected at once until it is resumed.";
    pub(super) const SHOW_CURRENT: &str = "Show current";
    pub(super) const SEATS: &str = "Somebody started or gave up a review of this.";
    pub(super) const START_FIRST: &str = "Start the review first";
    pub(super) const RECORDED: &str = "Your review is recorded.";
}
