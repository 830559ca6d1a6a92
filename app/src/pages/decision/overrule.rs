//! `/decisions/{id}/override`: release what a rule refused; another person looks at that afterwards.

use countersign_domain::{
    ids::{DecisionId, EntryId, PolicyVersionId, PresentationId},
    overrides::{Override, Overriding, PostReviewKind, Stands, release},
    problem::{Code, Problem},
    view::{DecisionView, ResolutionSection},
};
use leptos::{form::ActionForm, prelude::*};

use super::{
    BackLine, Barred, Masks, OpenField, composer::Draft, decision, fields::ReasonFields, named, sections::ActionSection,
};
use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        form::{ErrorSummary, Submit, Weight},
        marks::{RiskMark, SealMark, StateMark},
        page::{Fact, PageHeader, PageTitle, Panel, Recorded, Refusal, Skeleton, TitleText},
        post_review::{PostReviewState, post_review_address},
        text::{Literal, Prose},
        time::Moment,
    },
    frame::Surroundings,
    wire::Json,
};

/// Releases what a rule refused, on exactly what one presentation showed.
#[server(prefix = "/act", endpoint = "override", output = Json)]
pub(crate) async fn overrule(
    decision: DecisionId,
    presentation: PresentationId,
    resolution: EntryId,
    policy: PolicyVersionId,
    code: String,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_engine::decisions::{self, OverrideRequest};

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
    let asked = OverrideRequest { decision, presentation, resolution, policy, code, reason };
    let done = act(async move { decisions::overrule(&engine, &caller, asked).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/decisions/{decision}/override")))))
}

/// The page that releases what a rule refused.
#[component]
pub(crate) fn OverrulePage() -> impl IntoView {
    let view = named(decision);
    let act = ServerAction::<Overrule>::new();
    let draft = Draft::of::<Overrule>();
    let open = ServerAction::<OpenField>::new();
    let answer = answer_of(act);
    let surroundings = Surroundings::get();
    Effect::new(move || match answer.get() {
        Some(Answer::Done { .. }) => {
            act.clear();
            surroundings.say(strings::SAID);
            surroundings.moved.set_value(true);
            view.refetch();
        }
        // What stands by now is shown beside the refusal, with a form that works where there is one.
        Some(Answer::Refused { problem })
            if matches!(problem.code, Code::InvalidTransition | Code::Stale | Code::SystemPaused) =>
        {
            draft.keep();
            view.refetch();
        }
        _ => {}
    });

    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=5/> }
        }>
            {move || Suspend::new(async move {
                match view.await.and_then(|shown| shown.open()) {
                    Ok(shown) => view! { <Whole shown act draft open/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Whole(
    shown: DecisionView,
    act: ServerAction<Overrule>,
    draft: Draft,
    open: ServerAction<OpenField>,
) -> impl IntoView {
    let DecisionView { id, risk, state, recorded, now, .. } = shown;
    provide_context(Masks { open, decision: id, may_open: false });
    let title = shown.title.clone();
    let resolution = shown.resolution.clone();
    let outcome = resolution.as_ref().map(|resolution| resolution.outcome);
    let rule = resolution.as_ref().and_then(|resolution| resolution.by_rule.clone()).unwrap_or_default();
    let answer = answer_of(act);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    let raw = Memo::new(|_| false);
    let overridden = resolution.as_ref().and_then(|resolution| resolution.overridden.clone());
    let looked_at = shown.post_reviews.iter().find(|review| review.kind == PostReviewKind::Override).cloned();
    let heading = if overridden.is_some() { strings::TITLE_DONE } else { strings::TITLE };
    let form = match (shown.overriding.clone(), overridden) {
        (Some(Overriding::Open { presentation, resolution: refused, policy, .. }), _) => {
            let told = resolution.as_ref().is_some_and(|resolution| resolution.released_at.is_some());
            let form = Form { id, presentation, resolution: refused, policy };
            view! { <OverruleForm form rule told act draft problem/> }.into_any()
        }
        (Some(Overriding::Closed { reason }), _) => view! { <ErrorSummary problem/> <Barred id reason/> }.into_any(),
        (None, Some(overridden)) => view! {
            <ErrorSummary problem/>
            <Panel title=strings::WHO>
                <OverriddenFacts overridden/>
                {looked_at
                    .map(|review| {
                        let address = post_review_address(&review);
                        view! {
                            <dl class="grid gap-1.5">
                                <Fact name=strings::POST_REVIEW>
                                    <PostReviewState review now/>
                                    <a href=address class="text-accent underline">
                                        {strings::READ_POST_REVIEW}
                                    </a>
                                </Fact>
                            </dl>
                        }
                    })}
            </Panel>
        }
        .into_any(),
        (None, None) => {
            let stands = resolution.as_ref().map_or(Stands::Open, ResolutionSection::stands);
            let reason = release(stands).map_or_else(|problem| problem.detail, |()| strings::NO_FORM.to_owned());
            view! { <ErrorSummary problem/> <Barred id reason/> }.into_any()
        }
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

/// What the form sends unseen.
#[derive(Clone, Copy)]
struct Form {
    id: DecisionId,
    presentation: PresentationId,
    resolution: EntryId,
    policy: PolicyVersionId,
}

#[component]
fn OverruleForm(
    form: Form,
    /// "rule refund-large, version 3".
    rule: String,
    /// The AI system was told that it is rejected.
    told: bool,
    act: ServerAction<Overrule>,
    draft: Draft,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let Form { id, presentation, resolution, policy } = form;
    let effects = effects(&rule, told);

    view! {
        <Panel title=strings::EFFECT>
            <ul class="max-w-measure list-disc space-y-1 pl-5">
                {effects.into_iter().map(|effect| view! { <li>{effect}</li> }).collect_view()}
            </ul>
        </Panel>
        <Panel title=strings::WHY>
            <ErrorSummary problem/>
            <ActionForm action=act attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="decision" value=id.to_string()/>
                <input type="hidden" name="presentation" value=presentation.to_string()/>
                <input type="hidden" name="resolution" value=resolution.to_string()/>
                <input type="hidden" name="policy" value=policy.to_string()/>
                <ReasonFields draft problem readers=strings::READERS/>
                <div>
                    <Submit weight=Weight::Primary pending=act.pending()>
                        {strings::OVERRIDE}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

/// Says in order what overriding does.
fn effects(rule: &str, told: bool) -> Vec<String> {
    let reads = match told {
        false => "Once this is sealed, the AI system reads that its proposal is approved, and that it may act.".to_owned(),
        true => {
            "The AI system was told that its proposal is rejected. Once this is sealed, it reads that it is approved, if it \
             asks again; until then it does not know."
                .to_owned()
        }
    };
    vec![
        format!("You alone release what {rule} refused, and it is on record under your name."),
        reads,
        "Within 72 hours another person looks at it: a senior approver of this AI system, or a compliance officer. If nobody does, you override nothing else until somebody has.".to_owned(),
        "If they do not uphold it, a senior approver may revoke the approval, as long as it stands.".to_owned(),
    ]
}

/// Who released it and why.
#[component]
fn OverriddenFacts(overridden: Override) -> impl IntoView {
    let Override { label, by, at, code, reason, seal, told_at } = overridden;

    view! {
        <p class="font-semibold">{label}</p>
        <dl class="grid gap-1.5">
            <Fact name=strings::BY>
                <span class="flex flex-wrap items-center gap-x-3">
                    <Literal text=by/>
                    <Moment at/>
                    <SealMark seal/>
                </span>
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
        </dl>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Override the rule";
    pub(super) const TITLE_DONE: &str = "Rule overridden";
    pub(super) const EFFECT: &str = "What overriding does";
    pub(super) const WHY: &str = "Why you override it";
    pub(super) const READERS: &str = "Read by everybody who may read this decision; the AI system is told the code.";
    pub(super) const OVERRIDE: &str = "Override the rule now";
    pub(super) const WHO: &str = "Released";
    pub(super) const BY: &str = "By";
    pub(super) const REASON: &str = "Reason";
    pub(super) const TOLD: &str = "AI system told";
    pub(super) const NOT_TOLD: &str = "Not yet: it reads this when it asks.";
    pub(super) const POST_REVIEW: &str = "Post-review";
    pub(super) const READ_POST_REVIEW: &str = "Read the post-review";
    pub(super) const NO_FORM: &str = "There is nothing to override here. Load the page again.";
    #[cfg(feature = "ssr")]
    pub(super) const INCOMPLETE: &str = "The override is not complete. Your text is kept.";
    pub(super) const SAID: &str = "The rule is overridden. Another person looks at it within 72 hours.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_does_names_the_rule_and_what_was_told() {
        let untold = effects("rule refund-large, version 3", false);
        let told = effects("rule refund-large, version 3", true);

        assert!(untold[0].contains("rule refund-large, version 3"));
        assert!(
            untold[1].starts_with("Once this is sealed") && told[1].contains("was told that its proposal is rejected")
        );
    }
}
