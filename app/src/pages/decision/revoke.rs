//! `/decisions/{id}/revoke`: take an approval back, and say what was done about an action that had run.

use countersign_domain::{
    decision::{Effect as Reach, OutcomeResult, ResolutionOutcome},
    ids::DecisionId,
    problem::{Code, Problem},
    revocation::{Compensation, Revocation, leaves_effect},
    view::{DecisionView, ResolutionSection},
};
use leptos::{form::ActionForm, prelude::*};

use super::{
    BackLine, Barred, Masks, OpenField, composer::Draft, decision, fields::ReasonFields, named, sections::ActionSection,
};
use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        form::{Area, ErrorSummary, Submit, Weight, error_of},
        marks::{RiskMark, StateMark},
        page::{Banner, Bar, Fact, PageHeader, PageTitle, Panel, Recorded, Refusal, Skeleton, TitleText},
        text::{Literal, Prose},
        time::Moment,
    },
    frame::Surroundings,
    wire::Json,
};

/// Takes an approval back.
#[server(prefix = "/act", endpoint = "revoke", output = Json)]
pub(crate) async fn revoke(decision: DecisionId, code: String, reason: String) -> Result<Answer, Error> {
    use countersign_engine::decisions;

    use super::reason;
    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let (code, reason) = match reason::read_both(&code, &reason) {
        Ok(read) => read,
        Err(mut problem) => {
            problem.detail = strings::INCOMPLETE.into();
            return Ok(told(Err(problem)));
        }
    };
    let done = act(async move { decisions::revoke(&engine, &caller, decision, code, reason).await }).await;

    Ok(told(done.map(|_| Answer::done(format!("/decisions/{decision}/revoke")))))
}

/// Records what was done about an action that ran and was revoked.
#[server(prefix = "/act", endpoint = "compensate", output = Json)]
pub(crate) async fn compensate(
    decision: DecisionId,
    #[server(default)] result: String,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_domain::{problem::FieldError, text::Reason};
    use countersign_engine::decisions;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let mut errors = Vec::new();
    let possible = match Compensation::from_word(&result) {
        Some(Compensation::Done) => true,
        Some(Compensation::NotPossible) => false,
        _ => {
            errors.push(FieldError::new("/result", "missing", "Say whether it was made good."));
            false
        }
    };
    let reason = match Reason::new(&reason) {
        Ok(reason) if errors.is_empty() => reason,
        read => {
            if let Err(error) = read {
                errors.push(FieldError::new("/reason", "invalid_text", format!("What was done: {error}.")));
            }
            return Ok(told(Err(Problem::fields(Code::InvalidContent, strings::INCOMPLETE, errors))));
        }
    };
    let done = act(async move { decisions::compensate(&engine, &caller, decision, possible, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/decisions/{decision}/revoke")))))
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    revoke: ServerAction<Revoke>,
    compensate: ServerAction<Compensate>,
    draft: Draft,
}

/// The page that takes an approval back.
#[component]
pub(crate) fn RevokePage() -> impl IntoView {
    let view = named(decision);
    let acts = Acts { revoke: ServerAction::new(), compensate: ServerAction::new(), draft: Draft::of::<Revoke>() };
    let open = ServerAction::<OpenField>::new();
    let (revoked, compensated) = (answer_of(acts.revoke), answer_of(acts.compensate));
    let surroundings = Surroundings::get();
    for (answer, said) in [(revoked, strings::SAID_REVOKED), (compensated, strings::SAID_COMPENSATED)] {
        Effect::new(move || {
            match answer.get() {
                Some(Answer::Done { .. }) => {
                    acts.revoke.clear();
                    acts.compensate.clear();
                    surroundings.say(said);
                    surroundings.moved.set_value(true);
                    view.refetch();
                }
                // Somebody else was first: what they did is shown beside the refusal.
                Some(Answer::Refused { problem }) if problem.code == Code::InvalidTransition => view.refetch(),
                _ => {}
            }
        });
    }

    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=5/> }
        }>
            {move || Suspend::new(async move {
                match view.await.and_then(|shown| shown.open()) {
                    Ok(shown) => view! { <Whole shown acts open/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Whole(shown: DecisionView, acts: Acts, open: ServerAction<OpenField>) -> impl IntoView {
    let DecisionView { id, risk, state, recorded, .. } = shown;
    provide_context(Masks { open, decision: id, may_open: false });
    let title = shown.title.clone();
    let outcome = shown.resolution.as_ref().map(|resolution| resolution.outcome);
    let reports: Vec<_> = shown.outcomes.iter().map(|report| (report.result, report.effect)).collect();
    let (revoked, compensated) = (answer_of(acts.revoke), answer_of(acts.compensate));
    let problem =
        Signal::derive(move || [revoked.get(), compensated.get()].into_iter().flatten().find_map(Answer::problem));
    let raw = Memo::new(|_| false);
    let form = match shown.resolution.clone() {
        None => view! { <ErrorSummary problem/> <Barred id reason=strings::NOT_RESOLVED/> }.into_any(),
        Some(ResolutionSection { outcome: ResolutionOutcome::Approved, may_revoke: true, .. }) => {
            view! { <RevokeForm id effects=effects(&reports) acts problem/> }.into_any()
        }
        Some(ResolutionSection { outcome: ResolutionOutcome::Approved, .. }) => {
            view! { <ErrorSummary problem/> <Barred id reason=strings::NOT_SENIOR/> }.into_any()
        }
        Some(ResolutionSection { revoked: Some(revoked), may_revoke, .. }) => {
            let is_open = revoked.compensation.as_ref().is_some_and(|section| section.state == Compensation::Open);
            let undone = reports.last().is_some_and(|(result, _)| *result == OutcomeResult::Compensated);
            view! {
                <Panel title=strings::WHO>
                    <RevokedFacts revoked/>
                </Panel>
                {match (is_open, may_revoke) {
                    (true, true) => view! { <CompensateForm id undone acts problem/> }.into_any(),
                    (true, false) => view! { <ErrorSummary problem/> <Barred id reason=strings::NOT_SENIOR_TO_COMPENSATE/> }.into_any(),
                    (false, _) => view! { <ErrorSummary problem/> }.into_any(),
                }}
            }
            .into_any()
        }
        Some(_) => view! { <ErrorSummary problem/> <Barred id reason=strings::NOT_APPROVED/> }.into_any(),
    };
    let heading = match outcome {
        Some(ResolutionOutcome::Revoked) => strings::TITLE_REVOKED,
        _ => strings::TITLE,
    };

    view! {
        <PageTitle text=TitleText::page(heading)/>
        <BackLine id/>
        <PageHeader title=move || heading>
            <p class="max-w-measure text-reading [overflow-wrap:anywhere]">
                <Literal text=title/>
            </p>
            <p class="flex flex-wrap items-center gap-x-4 gap-y-1">
                <StateMark state outcome/>
                <RiskMark level=risk/>
            </p>
        </PageHeader>
        <div class="grid min-w-0 max-w-4xl gap-4">
            {form}
            <ActionSection shown raw/>
            <Recorded entry=recorded/>
        </div>
    }
}

/// Says in order what revoking does, by what was reported so far.
fn effects(reports: &[(OutcomeResult, Reach)]) -> Vec<&'static str> {
    let what = match (reports.is_empty(), leaves_effect(reports.iter().copied())) {
        (true, _) => [strings::NOTHING_REPORTED, strings::IF_IT_ACTED],
        (false, true) => [strings::IT_RAN, strings::TASK],
        (false, false) => [strings::IT_DID_NOTHING, strings::IF_IT_ACTED],
    };
    [&[strings::AT_ONCE], what.as_slice(), &[strings::FOR_GOOD]].concat()
}

#[component]
fn RevokeForm(
    id: DecisionId,
    effects: Vec<&'static str>,
    acts: Acts,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    view! {
        <Panel title=strings::EFFECT>
            <ul class="max-w-measure list-disc space-y-1 pl-5">
                {effects.into_iter().map(|effect| view! { <li>{effect}</li> }).collect_view()}
            </ul>
        </Panel>
        <Panel title=strings::WHY>
            <ErrorSummary problem/>
            <ActionForm action=acts.revoke attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="decision" value=id.to_string()/>
                <ReasonFields draft=acts.draft problem readers=strings::READERS/>
                <div>
                    <Submit weight=Weight::Primary pending=acts.revoke.pending()>
                        {strings::REVOKE}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

/// Who took the approval back and why, and what became of what it did.
#[component]
fn RevokedFacts(revoked: Revocation) -> impl IntoView {
    let Revocation { by, at, code, reason, told_at, compensation, .. } = revoked;

    view! {
        <dl class="grid gap-1.5">
            <Fact name=strings::BY>
                <Literal text=by/> " " <Moment at/>
            </Fact>
            <Fact name=strings::REASON>
                <div class="grid gap-1">
                    {code.label()} <Prose text=reason/>
                </div>
            </Fact>
            <Fact name=strings::TOLD>
                {match told_at {
                    Some(at) => view! { <Moment at/> }.into_any(),
                    None => strings::NOT_TOLD.into_any(),
                }}
            </Fact>
            {compensation
                .map(|section| {
                    view! {
                        <Fact name=strings::COMPENSATION>
                            <div class="grid gap-1">
                                <strong class="font-semibold">{compensation_words(section.state)}</strong>
                                {section
                                    .said
                                    .map(|said| {
                                        view! {
                                            <span>
                                                <Literal text=said.by/> " " <Moment at=said.at/>
                                            </span>
                                            <Prose text=said.reason/>
                                        }
                                    })}
                            </div>
                        </Fact>
                    }
                })}
        </dl>
    }
}

const fn compensation_words(state: Compensation) -> &'static str {
    match state {
        Compensation::Open => "Open: somebody has to make good what it did.",
        Compensation::Done => "Made good",
        Compensation::NotPossible => "Cannot be made good",
    }
}

/// What was done about it.
#[component]
fn CompensateForm(
    id: DecisionId,
    /// The AI system reports that it undid it.
    undone: bool,
    acts: Acts,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let result_error = Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, "result")));
    let chosen = typed::<Compensate>("result");
    let choices = [(Compensation::Done, strings::DONE), (Compensation::NotPossible, strings::NOT_POSSIBLE)]
        .into_iter()
        .map(|(result, words)| {
            view! {
                <label class="flex min-h-11 items-center gap-2 sm:min-h-8">
                    <input type="radio" name="result" value=result.word() checked=chosen == result.word()/>
                    {words}
                </label>
            }
        })
        .collect_view();

    view! {
        {undone
            .then(|| {
                view! {
                    <Banner bar=Bar::Note>
                        <p>{strings::UNDONE}</p>
                    </Banner>
                }
            })}
        <Panel title=strings::WHAT>
            <ErrorSummary problem/>
            <ActionForm action=acts.compensate attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="decision" value=id.to_string()/>
                <fieldset class="grid gap-1" aria-describedby="result-error">
                    <legend class="text-body font-medium">{strings::RESULT}</legend>
                    {choices}
                    <p id="result-error" class="text-compact text-reject">
                        {move || result_error.get()}
                    </p>
                </fieldset>
                <Area
                    name="reason"
                    label=strings::WHAT_WAS_DONE
                    hint=strings::WHAT_HINT
                    value={typed::<Compensate>("reason")}
                    rows=4
                    problem
                />
                <div>
                    <Submit weight=Weight::Primary pending=acts.compensate.pending()>
                        {strings::RECORD}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Revoke the approval";
    pub(super) const TITLE_REVOKED: &str = "Approval revoked";
    pub(super) const EFFECT: &str = "What revoking does";
    pub(super) const AT_ONCE: &str =
        "From this moment on, the AI system reads that the approval is revoked and that it must not act.";
    pub(super) const NOTHING_REPORTED: &str = "It has reported no outcome yet.";
    pub(super) const IT_DID_NOTHING: &str = "It reported that the action had no effect.";
    pub(super) const IF_IT_ACTED: &str =
        "If it reports an effect later, a task to make that good opens here by itself.";
    pub(super) const IT_RAN: &str = "It reported that the action ran, or may have: revoking does not undo that. It reads that it is to undo it where it can.";
    pub(super) const TASK: &str =
        "A task opens here: somebody has to make good what the action did, or say why that cannot be.";
    pub(super) const FOR_GOOD: &str = "There is no way back: a second look is a new decision.";
    pub(super) const WHY: &str = "Why you revoke it";
    pub(super) const READERS: &str = "Read by everybody who may read this decision; the AI system is told the code.";
    pub(super) const REVOKE: &str = "Revoke the approval now";
    pub(super) const WHO: &str = "Revoked";
    pub(super) const BY: &str = "By";
    pub(super) const REASON: &str = "Reason";
    pub(super) const TOLD: &str = "AI system told";
    pub(super) const NOT_TOLD: &str = "Not on record yet: it reads this whenever it asks.";
    pub(super) const COMPENSATION: &str = "Compensation";
    pub(super) const WHAT: &str = "Compensation";
    pub(super) const UNDONE: &str = "The AI system reports that it undid what it did. Check that, then record it here.";
    pub(super) const RESULT: &str = "Was it made good?";
    pub(super) const DONE: &str = "Yes, it was made good";
    pub(super) const NOT_POSSIBLE: &str = "No, it cannot be made good";
    pub(super) const WHAT_WAS_DONE: &str = "What was done, or why nothing can be";
    pub(super) const WHAT_HINT: &str = "Read by everybody who may read this decision.";
    pub(super) const RECORD: &str = "Record it";
    #[cfg(feature = "ssr")]
    pub(super) const INCOMPLETE: &str = "The form is not complete. Your text is kept.";
    pub(super) const NOT_RESOLVED: &str =
        "This decision is not resolved, so there is nothing to revoke. Reject it instead.";
    pub(super) const NOT_APPROVED: &str =
        "This decision was never approved, so there is nothing to revoke. The AI system was told not to act.";
    pub(super) const NOT_SENIOR: &str =
        "Revoking needs the role senior approver for this AI system and type. An admin can give it.";
    pub(super) const NOT_SENIOR_TO_COMPENSATE: &str =
        "Recording what was done needs the role senior approver for this AI system and type. An admin can give it.";
    pub(super) const SAID_REVOKED: &str = "The approval is revoked.";
    pub(super) const SAID_COMPENSATED: &str = "What was done is recorded.";
}
