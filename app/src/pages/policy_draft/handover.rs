//! The second person: handing a draft over, putting it in force, saying no, taking it back.

use countersign_domain::{ids::PolicyVersionId, policy::view::DraftState};
use leptos::{form::ActionForm, html, prelude::*};

use super::{Acts, RejectDraft, SubmitDraft};
use crate::{
    answer::typed,
    components::{
        form::{Submit, Weight},
        page::Panel,
        text::SafeTextArea,
    },
};

/// Handing over, putting in force, and saying no.
#[component]
pub(super) fn Handover(
    id: PolicyVersionId,
    saved: u64,
    state: DraftState,
    digest: String,
    against: PolicyVersionId,
    reason: Option<String>,
    may_change: bool,
    may_judge: bool,
    no_judging: Option<String>,
    ready: bool,
    acts: Acts,
) -> impl IntoView {
    let waits = state == DraftState::InReview;
    let why = NodeRef::<html::Textarea>::new();
    let why_not = NodeRef::<html::Textarea>::new();
    let never = || Signal::derive(|| false);
    let (reason_typed, answer_typed) = (typed::<SubmitDraft>("reason"), typed::<RejectDraft>("answer"));

    view! {
        <Panel title=strings::HANDOVER>
            {reason
                .map(|reason| {
                    view! {
                        <p class="max-w-measure whitespace-pre-wrap [overflow-wrap:anywhere]">
                            <span class="text-muted">{strings::AUTHOR_SAYS} " "</span>
                            {reason}
                        </p>
                    }
                })}
            {no_judging.map(|sentence| view! { <p class="text-escalate">{sentence}</p> })}
            {(may_change && !waits)
                .then(|| {
                    view! {
                        <ActionForm action=acts.submit attr:class="grid max-w-2xl gap-3">
                            <input type="hidden" name="draft" value=id.to_string()/>
                            <input type="hidden" name="saved" value=saved.to_string()/>
                            <label for="reason" class="text-body font-medium">{strings::WHY}</label>
                            <p id="reason-hint" class="text-compact text-muted">{strings::WHY_HINT}</p>
                            <SafeTextArea
                                name="reason"
                                value=reason_typed.clone()
                                rows=3
                                described_by="reason-hint"
                                invalid=never()
                                node_ref=why
                            />
                            {(!ready).then(|| view! { <p class="text-compact text-muted">{strings::NOT_READY}</p> })}
                            <div>
                                <Submit weight=Weight::Primary pending=acts.submit.pending()>
                                    {strings::SUBMIT}
                                </Submit>
                            </div>
                        </ActionForm>
                    }
                        .into_any()
                })}
            {may_judge
                .then(|| {
                    view! {
                        <div class="grid gap-2">
                            <p class="max-w-measure text-muted">{strings::ACTIVATE_NOTE}</p>
                            <ActionForm action=acts.activate>
                                <input type="hidden" name="draft" value=id.to_string()/>
                                <input type="hidden" name="digest" value=digest/>
                                <input type="hidden" name="against" value=against.to_string()/>
                                <Submit weight=Weight::Primary pending=acts.activate.pending()>
                                    {strings::ACTIVATE}
                                </Submit>
                            </ActionForm>
                        </div>
                    }
                        .into_any()
                })}
            {(may_change || may_judge)
                .then(|| {
                    let (own, label, button) = match may_judge {
                        true => ("false", strings::WHY_NOT, strings::REJECT),
                        false => ("true", strings::WHY_BACK, strings::DISCARD),
                    };
                    view! {
                        <ActionForm action=acts.reject attr:class="grid max-w-2xl gap-3 border-t border-hairline pt-4">
                            <input type="hidden" name="draft" value=id.to_string()/>
                            <input type="hidden" name="own" value=own/>
                            <label for="answer" class="text-body font-medium">{label}</label>
                            <SafeTextArea
                                name="answer"
                                value=answer_typed.clone()
                                rows=2
                                invalid=never()
                                node_ref=why_not
                            />
                            <div>
                                <Submit weight=Weight::Ending pending=acts.reject.pending()>
                                    {button}
                                </Submit>
                            </div>
                        </ActionForm>
                    }
                        .into_any()
                })}
            {(!may_change && !may_judge)
                .then(|| view! { <p class="text-muted">{if waits { strings::WAITS } else { strings::READ_ONLY }}</p> })}
        </Panel>
    }
    .into_any()
}

mod strings {
    pub(super) const HANDOVER: &str = "Second person";
    pub(super) const AUTHOR_SAYS: &str = "The author says:";
    pub(super) const WHY: &str = "What changes, and why";
    pub(super) const WHY_HINT: &str = "Read by the second person and by auditors.";
    pub(super) const NOT_READY: &str =
        "A draft is handed over once it changes something and nothing of it needs a change.";
    pub(super) const SUBMIT: &str = "Hand it over";
    pub(super) const ACTIVATE_NOTE: &str =
        "From then on it routes every new decision. What is open is asked again; the stricter route wins.";
    pub(super) const ACTIVATE: &str = "Put it in force";
    pub(super) const WHY_NOT: &str = "Why it is rejected";
    pub(super) const WHY_BACK: &str = "Why it is taken back";
    pub(super) const REJECT: &str = "Reject";
    pub(super) const DISCARD: &str = "Discard the draft";
    pub(super) const WAITS: &str = "It waits for a compliance officer who wrote nothing of it.";
    pub(super) const READ_ONLY: &str = "Policy authors change drafts; compliance officers put them in force.";
}
