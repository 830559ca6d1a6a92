//! `/admin/recertification`: access reviews, in which every assignment is looked at again.

use countersign_domain::{
    administration::{AccessReviewItem, AccessReviewRow, AccessReviewsView},
    event::AccessReviewAnswer,
    ids::{AccessReviewId, RoleAssignmentId},
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        admin::{AdminNav, Choose, numbers},
        form::{ErrorSummary, Submit, Weight},
        holding::Held,
        marks::{Chip, Tone},
        page::{Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::CopyId,
        time::{Moment, TimeLeft},
    },
    wire::Json,
};

/// How many days reviewers have; the first is the default.
const DAYS: [u64; 4] = [14, 7, 30, 60];
/// How many days of grace follow; the first is the default.
const GRACE_DAYS: [u64; 3] = [7, 0, 14];

/// Reads access reviews and the assignments of the running one.
#[server(prefix = "/act", endpoint = "access-reviews", output = Json)]
pub(crate) async fn access_reviews() -> Result<AccessReviewsView, Error> {
    use countersign_engine::access_reviews;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, access_reviews::list(&engine, &caller).await)
}

/// Begins an access review.
#[server(prefix = "/act", endpoint = "start-access-review", output = Json)]
pub(crate) async fn start_access_review(days: u64, grace: u64) -> Result<Answer, Error> {
    use countersign_engine::access_reviews;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { access_reviews::start(&engine, &caller, days, grace).await }).await;

    Ok(told(done.map(|_| Answer::done("/admin/recertification"))))
}

/// Answers for one assignment.
#[server(prefix = "/act", endpoint = "review-assignment", output = Json)]
pub(crate) async fn review_assignment(
    review: AccessReviewId,
    assignment: RoleAssignmentId,
    answer: AccessReviewAnswer,
) -> Result<Answer, Error> {
    use countersign_engine::access_reviews;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { access_reviews::answer(&engine, &caller, review, assignment, answer).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/recertification"))))
}

/// The recertification page.
#[component]
pub(crate) fn AccessReviewsPage() -> impl IntoView {
    let start = ServerAction::<StartAccessReview>::new();
    let answer = ServerAction::<ReviewAssignment>::new();
    let view = Resource::new(move || (start.version().get(), answer.version().get()), |_| access_reviews());
    let answers = [answer_of(start), answer_of(answer)];
    let problem = Signal::derive(move || answers.iter().filter_map(|answer| answer.get()).find_map(Answer::problem));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=5/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(AccessReviewsView { reviews, items, assignments, now }) => {
                        let (running, done): (Vec<_>, Vec<_>) = reviews
                            .into_iter()
                            .partition(|review| review.completed_at.is_none());
                        let none = running.is_empty() && done.is_empty();
                        let current = running
                            .into_iter()
                            .next()
                            .map(|review| view! { <Running review items now answer/> }.into_any());
                        let free = current.is_none();
                        let done = done.into_iter().map(|review| view! { <Done review/> }.into_any()).collect_view();
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <AdminNav/>
                            <div class="grid max-w-5xl gap-6">
                                <ErrorSummary problem/>
                                {none.then(|| view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> })}
                                {current}
                                {free.then(|| view! { <StartForm start assignments/> })}
                                {done}
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn StartForm(start: ServerAction<StartAccessReview>, assignments: u64) -> impl IntoView {
    view! {
        <Panel title=strings::START>
            <p>{format!("{assignments} assignments run at this moment; all of them would be looked at.")}</p>
            <ActionForm action=start attr:class="flex flex-wrap items-end gap-4">
                <Choose id="days" name="days" label=strings::DAYS options=numbers(&DAYS, |days| format!("{days} days"))/>
                <Choose
                    id="grace"
                    name="grace"
                    label=strings::GRACE
                    options=numbers(&GRACE_DAYS, |days| if days == 0 { "none".into() } else { format!("{days} days") })
                />
                <Submit weight=Weight::Primary pending=start.pending()>
                    {strings::START}
                </Submit>
            </ActionForm>
        </Panel>
    }
}

#[component]
fn Running(
    review: AccessReviewRow,
    items: Vec<AccessReviewItem>,
    now: u64,
    answer: ServerAction<ReviewAssignment>,
) -> impl IntoView {
    let id = review.id;
    let progress = format!("{} of {} assignments answered", review.answered, review.items);
    let overdue = now >= review.due_at;
    let rows = items.into_iter().map(|item| view! { <Item item id answer/> }.into_any()).collect_view();

    view! {
        <section aria-label=strings::RUNNING class="rounded-dialog border border-hairline bg-surface">
            <div class="grid gap-3 border-b border-hairline px-5 py-4">
                <h2 class="flex flex-wrap items-center gap-3 text-reading font-semibold">
                    {strings::RUNNING}
                    {overdue.then(|| view! { <Chip tone=Tone::Escalate text="Overdue"/> })}
                </h2>
                <label class="grid gap-1">
                    <span class="tabular-nums">{progress}</span>
                    <progress max=review.items value=review.answered class="h-2 w-full appearance-none overflow-hidden rounded-full border border-control bg-raised [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-raised [&::-webkit-progress-value]:bg-accent"></progress>
                </label>
                <dl class="grid gap-1">
                    <Fact name=strings::BEGUN>{review.started_by} ", " <Moment at=review.started_at/></Fact>
                    <Fact name=strings::DUE>
                        <TimeLeft until=review.due_at now/>
                    </Fact>
                    <Fact name=strings::SUSPENDED>
                        {strings::SUSPENDED_TEXT} " " <Moment at=review.grace_at/> "."
                    </Fact>
                    <Fact name=strings::SNAPSHOT>
                        <CopyId id=review.snapshot label="snapshot"/>
                    </Fact>
                </dl>
            </div>
            <ul class="divide-y divide-hairline">{rows}</ul>
        </section>
    }
}

#[component]
fn Item(item: AccessReviewItem, id: AccessReviewId, answer: ServerAction<ReviewAssignment>) -> impl IntoView {
    const ANSWERS: [(AccessReviewAnswer, &str, Weight); 3] = [
        (AccessReviewAnswer::Keep, "Keep", Weight::Plain),
        (AccessReviewAnswer::Change, "Change", Weight::Plain),
        (AccessReviewAnswer::Revoke, "Revoke", Weight::Ending),
    ];
    let label = format!("{}, {}", item.person, item.holding.role.name());
    let elsewhere = item.provider.clone().filter(|_| !item.ended).map(|slug| format!("/admin/sso/{slug}"));
    let (ended, kept_elsewhere) = (item.ended, elsewhere.is_some());
    let offered = ANSWERS.into_iter().filter(move |(answer, ..)| match answer {
        AccessReviewAnswer::Keep => !ended,
        AccessReviewAnswer::Change => !ended && !kept_elsewhere,
        _ => !kept_elsewhere,
    });
    let note = match (item.ended, &elsewhere) {
        (true, _) => Some(view! { <p class="text-compact text-muted">{strings::ENDED_MEANWHILE}</p> }.into_any()),
        (false, Some(mapping)) => Some(
            view! {
                <p class="max-w-measure text-compact text-muted">
                    {strings::ELSEWHERE} " "
                    <a href=mapping.clone() class="text-accent underline">
                        {strings::MAPPING}
                    </a>
                </p>
            }
            .into_any(),
        ),
        (false, None) => None,
    };
    let asks = item.answer.is_none() && !item.own;
    let act = match item.answer {
        Some(given) => {
            let (tone, word) = answer_words(given);
            let by = item.answered_by.clone();
            view! {
                <p class="flex flex-wrap items-center gap-2 text-compact text-muted">
                    <Chip tone text=word/> {by.map(|by| format!("by {by}"))}
                    {item.answered_at.map(|at| view! { <Moment at/> })}
                </p>
            }
            .into_any()
        }
        None if item.own => view! { <p class="text-compact text-muted">{strings::OWN}</p> }.into_any(),
        None => view! {
            <ActionForm action=answer attr:class="flex flex-wrap gap-2">
                <input type="hidden" name="review" value=id.to_string()/>
                <input type="hidden" name="assignment" value=item.assignment.to_string()/>
                {offered
                    .map(|(answer, word, weight)| {
                        let label = format!("{word}: {label}");
                        view! {
                            <button type="submit" name="answer" value=answer.word() aria-label=label class=weight.class()>
                                {word}
                            </button>
                        }
                    })
                    .collect_view()}
            </ActionForm>
        }
        .into_any(),
    };

    view! {
        <li class="flex flex-wrap items-center gap-x-5 gap-y-2 px-5 py-3">
            <div class="min-w-0 flex-1 basis-48">
                <p class="font-medium [overflow-wrap:anywhere]">
                    <a href=format!("/admin/people/{}", item.person_id) class="text-accent underline">
                        {item.person}
                    </a>
                </p>
                <p>
                    <Held holding=item.holding/>
                </p>
                <p class="text-compact text-muted">
                    {strings::GIVEN} " " {item.source} ", " <Moment at=item.assigned_at/>
                </p>
                {asks.then_some(note).flatten()}
            </div>
            {act}
        </li>
    }
}

fn answer_words(answer: AccessReviewAnswer) -> (Tone, &'static str) {
    match answer {
        AccessReviewAnswer::Keep => (Tone::Approve, "Kept"),
        AccessReviewAnswer::Change => (Tone::Info, "To change"),
        AccessReviewAnswer::Revoke => (Tone::Reject, "Revoked"),
        AccessReviewAnswer::Suspend => (Tone::Escalate, "Suspended"),
    }
}

#[component]
fn Done(review: AccessReviewRow) -> impl IntoView {
    view! {
        <Panel title=strings::COMPLETED>
            <dl class="grid gap-1">
                <Fact name=strings::BEGUN>{review.started_by} ", " <Moment at=review.started_at/></Fact>
                <Fact name=strings::ENDED>
                    {review.completed_at.map(|at| view! { <Moment at/> })}
                    {format!(", {} assignments", review.items)}
                </Fact>
                <Fact name=strings::SNAPSHOT>
                    <CopyId id=review.snapshot label="snapshot"/>
                </Fact>
                {review
                    .result
                    .map(|result| {
                        view! {
                            <Fact name=strings::RESULT>
                                <CopyId id=result label="result"/>
                            </Fact>
                        }
                    })}
            </dl>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Recertification";
    pub(super) const INTRO: &str = "In an access review every assignment of one moment is looked at again, by somebody other than its holder. The list, each answer and the result are sealed.";
    pub(super) const NONE: &str = "No access review yet";
    pub(super) const NONE_REASON: &str = "Begin one below. Each assignment is then kept, changed or revoked.";
    pub(super) const START: &str = "Begin an access review";
    pub(super) const DAYS: &str = "Answers due in";
    pub(super) const GRACE: &str = "Grace after that";
    pub(super) const RUNNING: &str = "Running access review";
    pub(super) const COMPLETED: &str = "Completed access review";
    pub(super) const BEGUN: &str = "Begun by";
    pub(super) const DUE: &str = "Due";
    pub(super) const SUSPENDED: &str = "Suspended";
    pub(super) const SUSPENDED_TEXT: &str = "What nobody answered ends on";
    pub(super) const SNAPSHOT: &str = "Sealed list";
    pub(super) const RESULT: &str = "Sealed result";
    pub(super) const ENDED: &str = "Completed";
    pub(super) const OWN: &str = "Your own: another admin or a compliance officer answers.";
    pub(super) const GIVEN: &str = "Given:";
    pub(super) const ENDED_MEANWHILE: &str = "It has ended since the review began.";
    pub(super) const ELSEWHERE: &str = "The provider gives it and would give it again: take the person out of the group there, or change the row here, then answer.";
    pub(super) const MAPPING: &str = "Roles from groups";
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "ssr")]
    #[test]
    fn the_page_offers_what_the_engine_takes() {
        use countersign_engine::access_reviews;

        assert_eq!((super::DAYS, super::GRACE_DAYS), (access_reviews::DAYS, access_reviews::GRACE_DAYS));
    }
}
