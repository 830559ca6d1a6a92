//! `/post-reviews`: what was done against the policy, or past the sign-in providers, and another person's look at it.

use countersign_domain::{
    ids::EntryId,
    overrides::{PostReview, PostReviewKind, PostReviewResult, PostReviewed, PostReviewsView},
    problem::{Code, Problem},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        form::{Area, ErrorSummary, Submit, Weight, error_of},
        icons::{Icon, Shape},
        page::{Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        post_review::{PostReviewMark, PostReviewState, act_words, post_review_address},
        text::{Literal, Prose},
        time::Moment,
    },
    frame::Surroundings,
    wire::Json,
};

/// Reads what waits for another person and what was looked at, as far as the reader may see it.
#[server(prefix = "/act", endpoint = "post-reviews", output = Json)]
pub(crate) async fn post_reviews() -> Result<PostReviewsView, Error> {
    use countersign_engine::post_reviews;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, post_reviews::view(&engine, &caller).await)
}

/// Records what another person says about an act.
#[server(prefix = "/act", endpoint = "give-post-review", output = Json)]
pub(crate) async fn give_post_review(
    act: EntryId,
    #[server(default)] result: String,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_domain::{problem::FieldError, text::Reason};
    use countersign_engine::post_reviews;

    use crate::request::{self, request, told};

    let (engine, caller) = request()?;
    let mut errors = Vec::new();
    let result = PostReviewResult::from_word(&result);
    if result.is_none() {
        errors.push(FieldError::new("/result", "missing", "Say whether you uphold it."));
    }
    let reason = Reason::new(&reason).map_err(|error| {
        errors.push(FieldError::new("/reason", "invalid_text", format!("Reason: {error}.")));
    });
    let (Some(result), Ok(reason)) = (result, reason) else {
        return Ok(told(Err(Problem::fields(Code::InvalidContent, strings::INCOMPLETE, errors))));
    };
    let done = request::act(async move { post_reviews::give(&engine, &caller, act, result, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/post-reviews?act={act}")))))
}

/// The page of post-reviews.
#[component]
pub(crate) fn PostReviewsPage() -> impl IntoView {
    let give = ServerAction::<GivePostReview>::new();
    let answer = answer_of(give);
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| query.get("act").filter(|act| !act.is_empty())));
    let view = Resource::new(move || give.version().get(), |_| post_reviews());
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    let surroundings = Surroundings::get();
    Effect::new(move || {
        if matches!(answer.get(), Some(Answer::Done { .. })) {
            give.clear();
            surroundings.say(strings::SAID);
            surroundings.moved.set_value(true);
        }
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || {
                let asked = asked.get();
                Suspend::new(async move {
                    match (view.await, asked) {
                        (Err(error), _) => view! { <Refusal error/> }.into_any(),
                        (Ok(shown), None) => view! { <Lists shown/> }.into_any(),
                        (Ok(shown), Some(asked)) => match chosen(&shown, &asked) {
                            Some(review) => view! { <Chosen review now=shown.now give problem/> }.into_any(),
                            None => view! { <Refusal error=no_such_act()/> }.into_any(),
                        },
                    }
                })
            }}
        </Transition>
    }
}

fn chosen(shown: &PostReviewsView, asked: &str) -> Option<PostReview> {
    let asked: EntryId = asked.parse().ok()?;
    shown.waiting.iter().chain(&shown.given).find(|review| review.act == asked).cloned()
}

fn no_such_act() -> Error {
    #[cfg(feature = "ssr")]
    crate::request::status(Code::NotFound.status());
    Error::Told {
        problem: Problem::new(Code::NotFound, "There is no such act that you may see. Choose one from the list."),
        request: String::new(),
    }
}

/// What waits, then what was looked at.
#[component]
fn Lists(shown: PostReviewsView) -> impl IntoView {
    let PostReviewsView { waiting, given, now } = shown;
    let rows = |reviews: Vec<PostReview>| {
        reviews.into_iter().map(|review| view! { <Row review now/> }.into_any()).collect_view()
    };
    let none = waiting.is_empty();
    let (waiting, looked_at) = (rows(waiting), (!given.is_empty()).then(|| rows(given)));

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <div class="grid max-w-4xl gap-6">
            {if none {
                view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> }.into_any()
            } else {
                view! {
                    <section class="grid gap-2">
                        <h2 class="text-reading font-semibold">{strings::WAITING}</h2>
                        <ul class=LIST>{waiting}</ul>
                    </section>
                }
                    .into_any()
            }}
            {looked_at
                .map(|rows| {
                    view! {
                        <section class="grid gap-2">
                            <h2 class="text-reading font-semibold">{strings::LOOKED_AT}</h2>
                            <ul class=LIST>{rows}</ul>
                        </section>
                    }
                })}
        </div>
    }
}

const LIST: &str = "divide-y divide-hairline rounded-dialog border border-hairline bg-surface";

/// A link that looks like a button, at the end of its row.
const LINK: &str = "ml-auto inline-flex min-h-11 items-center justify-center gap-2 rounded-control no-underline border border-control bg-surface px-3 text-body font-medium text-text hover:bg-raised sm:min-h-8 sm:text-compact";

#[component]
fn Row(review: PostReview, now: u64) -> impl IntoView {
    let address = post_review_address(&review);
    let may = review.given.is_none() && review.barred.is_none();
    let word = if may { strings::LOOK } else { strings::READ };
    let label = format!("{word}: {} {} {}", act_words(review.kind), strings::OF, review.by);
    let about = review.decision.as_ref().map(|(_, title)| title.clone());
    let (kind, by, at, due_at, waits) =
        (review.kind, review.by.clone(), review.at, review.due_at, review.given.is_none());

    view! {
        <li class="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
            <div class="grid min-w-0 gap-0.5">
                <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <span class="font-medium">{act_words(kind)}</span>
                    <span class="text-muted">
                        <Literal text=by/>
                    </span>
                    <Moment at/>
                    <PostReviewMark review now/>
                </p>
                {about
                    .map(|title| {
                        view! {
                            <p class="[overflow-wrap:anywhere]">
                                <Literal text=title/>
                            </p>
                        }
                    })}
                {waits
                    .then(|| {
                        view! {
                            <p class="text-compact text-muted">{strings::DUE} " " <Moment at=due_at/></p>
                        }
                    })}
            </div>
            <a href=address aria-label=label class=LINK>
                {word}
            </a>
        </li>
    }
}

/// One act: who did what and why, and the form for who may look at it.
#[component]
fn Chosen(
    review: PostReview,
    now: u64,
    give: ServerAction<GivePostReview>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let title = format!("{} {} {}", act_words(review.kind), strings::OF, review.by);
    let revoke = review
        .given
        .as_ref()
        .filter(|given: &&PostReviewed| given.result == PostReviewResult::NotUpheld && given.revocable)
        .and(review.decision.as_ref())
        .map(|(id, _)| format!("/decisions/{id}/revoke"));
    let form = match (&review.given, review.barred.clone()) {
        (Some(_), _) => view! { <ErrorSummary problem/> }.into_any(),
        (None, Some(barred)) => view! {
            <ErrorSummary problem/>
            <p class="flex max-w-measure items-start gap-2">
                <Icon shape=Shape::Info class="mt-0.5 size-4 shrink-0 text-muted"/>
                {barred}
            </p>
        }
        .into_any(),
        (None, None) => view! { <GiveForm act=review.act kind=review.kind give problem/> }.into_any(),
    };
    let (by, at, reason, decision) = (review.by.clone(), review.at, review.reason.clone(), review.decision.clone());

    view! {
        <div class="mb-2 text-compact text-muted print:hidden">
            <a
                href="/post-reviews"
                class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline"
            >
                <Icon shape=Shape::Back class="size-4"/>
                {strings::TITLE}
            </a>
        </div>
        <PageHeader title=move || title.clone()/>
        <div class="grid max-w-3xl gap-6">
            <Panel title=strings::WHAT>
                <dl class="grid gap-1.5">
                    <Fact name=strings::BY>
                        <span class="flex flex-wrap items-center gap-x-3">
                            <Literal text=by/>
                            <Moment at/>
                        </span>
                    </Fact>
                    {match decision {
                        Some((id, title)) => {
                            view! {
                                <Fact name=strings::DECISION>
                                    <a href=format!("/decisions/{id}") class="text-accent underline [overflow-wrap:anywhere]">
                                        <Literal text=title/>
                                    </a>
                                </Fact>
                            }
                                .into_any()
                        }
                        None => {
                            view! {
                                <Fact name=strings::ACTS>
                                    <a href="/admin/access" class="text-accent underline">
                                        {strings::ACCESS_LOG}
                                    </a>
                                </Fact>
                            }
                                .into_any()
                        }
                    }}
                    <Fact name=strings::REASON>
                        <Prose text=reason/>
                    </Fact>
                    <Fact name=strings::STATE>
                        <PostReviewState review now/>
                    </Fact>
                </dl>
                {revoke
                    .map(|address| {
                        view! {
                            <p>
                                <a href=address class="text-accent underline">
                                    {strings::REVOKE}
                                </a>
                            </p>
                        }
                    })}
            </Panel>
            {form}
        </div>
    }
}

#[component]
fn GiveForm(
    act: EntryId,
    kind: PostReviewKind,
    give: ServerAction<GivePostReview>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let result_error = Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, "result")));
    let picked = typed::<GivePostReview>("result");
    let not_upheld = match kind {
        PostReviewKind::Override => strings::NOT_UPHELD_OVERRIDE,
        PostReviewKind::Revocation | PostReviewKind::BreakGlass => strings::NOT_UPHELD,
    };
    let choices = [(PostReviewResult::Upheld, strings::UPHELD), (PostReviewResult::NotUpheld, not_upheld)]
        .into_iter()
        .map(|(result, words)| {
            view! {
                <label class="flex min-h-11 items-center gap-2 sm:min-h-8">
                    <input type="radio" name="result" value=result.word() checked=picked == result.word()/>
                    {words}
                </label>
            }
        })
        .collect_view();

    view! {
        <Panel title=strings::YOUR_LOOK>
            <ErrorSummary problem/>
            <ActionForm action=give attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="act" value=act.to_string()/>
                <fieldset id="result" class="grid gap-1" aria-describedby="result-error">
                    <legend class="text-body font-medium">{strings::RESULT}</legend>
                    {choices}
                    <p id="result-error" class="text-compact text-reject">
                        {move || result_error.get()}
                    </p>
                </fieldset>
                <Area
                    name="reason"
                    label=strings::REASON
                    hint=strings::REASON_HINT
                    value={typed::<GivePostReview>("reason")}
                    rows=4
                    problem
                />
                <div>
                    <Submit weight=Weight::Primary pending=give.pending()>
                        {strings::RECORD}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Post-reviews";
    pub(super) const INTRO: &str = "What one person did against the policy or past the sign-in providers is looked at by another one within 72 hours. Until somebody has, whoever acted overrides nothing else after that time.";
    pub(super) const NONE: &str = "Nothing waits for another person";
    pub(super) const NONE_REASON: &str =
        "Overrides, revocations and emergency sign-ins that you may see appear here when they happen.";
    pub(super) const WAITING: &str = "Waiting for another person";
    pub(super) const LOOKED_AT: &str = "Looked at";
    pub(super) const LOOK: &str = "Look at it";
    pub(super) const READ: &str = "Read";
    pub(super) const OF: &str = "by";
    pub(super) const DUE: &str = "Due";
    pub(super) const WHAT: &str = "What was done";
    pub(super) const BY: &str = "By";
    pub(super) const DECISION: &str = "Decision";
    pub(super) const ACTS: &str = "Acts in it";
    pub(super) const ACCESS_LOG: &str = "Read the access log: each act is marked as done in an emergency sign-in";
    pub(super) const STATE: &str = "Post-review";
    pub(super) const REVOKE: &str = "Revoke the approval";
    pub(super) const YOUR_LOOK: &str = "Your look at it";
    pub(super) const RESULT: &str = "Was it right?";
    pub(super) const UPHELD: &str = "Yes, I uphold it";
    pub(super) const NOT_UPHELD: &str = "No, I do not uphold it";
    pub(super) const NOT_UPHELD_OVERRIDE: &str = "No, I do not uphold it; the approval can be revoked then";
    pub(super) const REASON: &str = "Reason";
    pub(super) const REASON_HINT: &str = "Read by everybody who may see this, and by auditors. Name no customers.";
    pub(super) const RECORD: &str = "Record it";
    #[cfg(feature = "ssr")]
    pub(super) const INCOMPLETE: &str = "The post-review is not complete. Your text is kept.";
    pub(super) const SAID: &str = "Your post-review is recorded.";
}
