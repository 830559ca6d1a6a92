//! `/grants/{id}`: one grant, its scope in words, what was done, and the forms of whoever may do something.

use countersign_domain::{
    grant::{GrantAct, GrantState, GrantView},
    ids::GrantId,
    problem::{Code, Problem},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_params_map;

use super::{BackToList, GrantMark, new::ScopeWords, uses_words};
use crate::{
    Error,
    answer::{Answer, answer_of, recorded, typed},
    components::{
        form::{Area, ErrorSummary, Submit, Weight},
        icons::{Icon, Shape},
        kinds::kind_words,
        marks::SealMark,
        page::{Banner, Bar, Fact, PageHeader, PageTitle, Panel, Recorded, Refusal, Skeleton, TitleText},
        text::{Literal, Prose},
        time::Moment,
    },
    frame::Surroundings,
    wire::Json,
};

/// Reads one grant.
#[server(prefix = "/act", endpoint = "grant", output = Json)]
pub(crate) async fn grant(grant: GrantId) -> Result<GrantView, Error> {
    use countersign_engine::grants;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, grants::view(&engine, &caller, grant).await)
}

/// Activates a grant that somebody else asked for.
#[server(prefix = "/act", endpoint = "activate-grant", output = Json)]
pub(crate) async fn activate_grant(grant: GrantId, reason: String) -> Result<Answer, Error> {
    use countersign_engine::grants;

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, strings::SAY_WHY) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { grants::activate(&engine, &caller, grant, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/grants/{grant}")))))
}

/// Refuses a grant, or takes one's own request back.
#[server(prefix = "/act", endpoint = "refuse-grant", output = Json)]
pub(crate) async fn refuse_grant(grant: GrantId, reason: String) -> Result<Answer, Error> {
    use countersign_engine::grants;

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, strings::SAY_WHY) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { grants::refuse(&engine, &caller, grant, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/grants/{grant}")))))
}

/// Ends an active grant at once.
#[server(prefix = "/act", endpoint = "revoke-grant", output = Json)]
pub(crate) async fn revoke_grant(grant: GrantId, reason: String) -> Result<Answer, Error> {
    use countersign_engine::grants;

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, strings::SAY_WHY) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { grants::revoke(&engine, &caller, grant, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/grants/{grant}")))))
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    activate: ServerAction<ActivateGrant>,
    refuse: ServerAction<RefuseGrant>,
    revoke: ServerAction<RevokeGrant>,
}

/// The page of one grant.
#[component]
pub(crate) fn GrantPage() -> impl IntoView {
    let acts = Acts { activate: ServerAction::new(), refuse: ServerAction::new(), revoke: ServerAction::new() };
    let params = use_params_map();
    let asked = Memo::new(move |_| params.with(|params| params.get("grant").unwrap_or_default()));
    let acted = [recorded(acts.activate), recorded(acts.refuse), recorded(acts.revoke)];
    let versions = move || acted.map(|count| count.get());
    let view = Resource::new(
        move || (asked.get(), versions()),
        |(asked, _)| async move {
            match asked.parse::<GrantId>() {
                Ok(id) => grant(id).await,
                Err(_) => Err(no_such_grant()),
            }
        },
    );
    let answers = [answer_of(acts.activate), answer_of(acts.refuse), answer_of(acts.revoke)];
    let problem = Signal::derive(move || answers.iter().filter_map(|answer| answer.get()).find_map(Answer::problem));
    let surroundings = Surroundings::get();
    for (answer, said) in answers.into_iter().zip([strings::SAID_ACTIVE, strings::SAID_REFUSED, strings::SAID_REVOKED])
    {
        Effect::new(move || {
            if matches!(answer.get(), Some(Answer::Done { .. })) {
                // The act that comes next gets its own reason and refusals, and the new heading the focus.
                acts.activate.clear();
                acts.refuse.clear();
                acts.revoke.clear();
                surroundings.say(said);
                surroundings.moved.set_value(true);
            }
        });
    }

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <BackToList/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <Whole shown acts problem/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn no_such_grant() -> Error {
    #[cfg(feature = "ssr")]
    crate::request::status(Code::NotFound.status());
    Error::Told {
        problem: Problem::new(Code::NotFound, "There is no such grant that you may see. Choose one from the list."),
        request: String::new(),
    }
}

#[component]
fn Whole(shown: GrantView, acts: Acts, problem: Signal<Option<Problem>>) -> impl IntoView {
    let GrantView { row, words, acts: done, effective, paused, no_activating, no_refusing, no_revoking, recorded, now } =
        shown;
    let (id, state, ends_at) = (row.id, row.state, row.ends_at);
    let title = format!("Grant {}", id.short());
    let (action, system, uses) = (row.action.0, row.system, uses_words(row.used, row.uses));
    let active = state == GrantState::Active;
    let running = active && ends_at.is_some_and(|end| now < end);
    let bar = match (running, paused, effective) {
        (true, true, _) => Some((Bar::Pause, strings::PAUSED)),
        (true, false, false) => Some((Bar::Note, strings::NOT_YET)),
        (true, false, true) => Some((Bar::Note, strings::APPROVES)),
        _ => None,
    };
    let forms = match state {
        GrantState::Requested => {
            let reason_id = if no_activating.is_none() { "refuse-reason" } else { "reason" };
            let refusing = match no_refusing {
                None => view! { <RefuseForm id reason_id refuse=acts.refuse problem/> }.into_any(),
                Some(_) => ().into_any(),
            };
            let activating = match no_activating {
                None => view! { <ActivateForm id activate=acts.activate problem/> }.into_any(),
                Some(why) => view! { <Barred why/> }.into_any(),
            };
            view! {
                {activating}
                {refusing}
            }
            .into_any()
        }
        GrantState::Active => match no_revoking {
            None => view! { <RevokeForm id revoke=acts.revoke problem/> }.into_any(),
            Some(why) => view! { <Barred why/> }.into_any(),
        },
        _ => view! { <p class="max-w-measure text-muted">{strings::NEVER_CHANGES}</p> }.into_any(),
    };

    view! {
        <PageHeader title=move || title.clone()>
            <p class="max-w-measure text-reading [overflow-wrap:anywhere]">
                <Literal text=system/> ": " <Literal text=action/>
            </p>
            <p class="flex flex-wrap items-center gap-x-4 gap-y-1">
                <GrantMark state ends_at now/>
                <span class="tabular-nums">{uses}</span>
                {ends_at
                    .filter(|_| active)
                    .map(|at| {
                        view! {
                            <span>{strings::ENDS} " " <Moment at/></span>
                        }
                    })}
            </p>
        </PageHeader>
        <div class="grid max-w-3xl gap-6">
            {bar.map(|(bar, words)| view! { <Banner bar><p>{words}</p></Banner> })}
            <Panel title=strings::SCOPE>
                <ScopeWords words/>
            </Panel>
            <ErrorSummary problem/>
            {forms}
            <History acts=done/>
            <Recorded entry=recorded/>
        </div>
    }
}

#[component]
fn ActivateForm(id: GrantId, activate: ServerAction<ActivateGrant>, problem: Signal<Option<Problem>>) -> impl IntoView {
    view! {
        <Panel title=strings::ACTIVATE>
            <p class="max-w-measure">{strings::ACTIVATE_MEANS}</p>
            <ActionForm action=activate attr:class="grid max-w-2xl gap-3">
                <input type="hidden" name="grant" value=id.to_string()/>
                <Area name="reason" id="reason" label=strings::REASON hint=strings::REASON_HINT value={typed::<ActivateGrant>("reason")} rows=3 problem/>
                <div>
                    <Submit weight=Weight::Primary pending=activate.pending()>
                        {strings::ACTIVATE_NOW}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

#[component]
fn RefuseForm(
    id: GrantId,
    /// Id of the field, which another form of the page may have.
    reason_id: &'static str,
    refuse: ServerAction<RefuseGrant>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    view! {
        <Panel title=strings::REFUSE>
            <ActionForm action=refuse attr:class="grid max-w-2xl gap-3">
                <input type="hidden" name="grant" value=id.to_string()/>
                <Area name="reason" id=reason_id label=strings::REASON hint=strings::REASON_HINT value={typed::<RefuseGrant>("reason")} rows=3 problem/>
                <div>
                    <Submit weight=Weight::Ending pending=refuse.pending()>
                        {strings::REFUSE_NOW}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

#[component]
fn RevokeForm(id: GrantId, revoke: ServerAction<RevokeGrant>, problem: Signal<Option<Problem>>) -> impl IntoView {
    view! {
        <Panel title=strings::REVOKE>
            <p class="max-w-measure">{strings::REVOKE_MEANS}</p>
            <ActionForm action=revoke attr:class="grid max-w-2xl gap-3">
                <input type="hidden" name="grant" value=id.to_string()/>
                <Area name="reason" id="reason" label=strings::REASON hint=strings::REASON_HINT value={typed::<RevokeGrant>("reason")} rows=3 problem/>
                <div>
                    <Submit weight=Weight::Primary pending=revoke.pending()>
                        {strings::REVOKE_NOW}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

/// Why this is not for the reader.
#[component]
fn Barred(why: String) -> impl IntoView {
    view! {
        <p class="flex max-w-measure items-start gap-2">
            <Icon shape=Shape::Info class="mt-0.5 size-4 shrink-0 text-muted"/>
            {why}
        </p>
    }
}

/// What was done, in order, each act with its seal.
#[component]
fn History(acts: Vec<GrantAct>) -> impl IntoView {
    let rows = acts
        .into_iter()
        .map(|act| {
            let GrantAct { kind, by, reason, decision, at, seal, .. } = act;
            view! {
                <div class="grid gap-1">
                    <p class="flex flex-wrap items-center gap-x-3 gap-y-0.5">
                        <span class="font-medium">{kind_words(&kind).to_owned()}</span>
                        <span class="text-muted">
                            <Literal text=by/>
                        </span>
                        <Moment at/>
                        <SealMark seal/>
                    </p>
                    {decision
                        .map(|id| {
                            view! {
                                <p>
                                    <a href=format!("/decisions/{id}") class="text-accent underline">
                                        {format!("Decision {}", id.short())}
                                    </a>
                                </p>
                            }
                        })}
                    {reason
                        .map(|reason| {
                            view! {
                                <dl>
                                    <Fact name=strings::REASON>
                                        <Prose text=reason/>
                                    </Fact>
                                </dl>
                            }
                        })}
                </div>
            }
            .into_any()
        })
        .collect_view();

    view! { <Panel title=strings::HISTORY>{rows}</Panel> }
}

mod strings {
    pub(super) const TITLE: &str = "Grant";
    pub(super) const ENDS: &str = "Ends";
    pub(super) const SCOPE: &str = "What it allows";
    pub(super) const PAUSED: &str = "The AI system is paused, so this grant approves nothing. Its time goes on.";
    pub(super) const NOT_YET: &str = "It is being sealed; it approves nothing before that. Load the page again.";
    pub(super) const APPROVES: &str =
        "This grant is active: what it allows is approved without anybody being asked, and labelled by it.";
    pub(super) const NEVER_CHANGES: &str =
        "This grant is over. A grant never changes: who wants another one asks for another.";
    pub(super) const ACTIVATE: &str = "Activate it";
    pub(super) const ACTIVATE_MEANS: &str = "From the seal on, what is written above is approved without anybody being asked. You and who asked for it answer for that together. You can revoke it at any time, alone.";
    pub(super) const ACTIVATE_NOW: &str = "Activate this grant";
    pub(super) const REFUSE: &str = "Refuse it";
    pub(super) const REFUSE_NOW: &str = "Refuse this grant";
    pub(super) const REVOKE: &str = "Revoke it";
    pub(super) const REVOKE_MEANS: &str = "From this moment on it approves nothing. What it approved before stays approved; a senior approver revokes that on the decision's page.";
    pub(super) const REVOKE_NOW: &str = "Revoke this grant now";
    pub(super) const REASON: &str = "Reason";
    pub(super) const REASON_HINT: &str = "Read by everybody who reads this grant. Name no customers.";
    #[cfg(feature = "ssr")]
    pub(super) const SAY_WHY: &str = "Say why. Everybody who reads the grant reads it.";
    pub(super) const HISTORY: &str = "What was done";
    pub(super) const SAID_ACTIVE: &str = "The grant is active.";
    pub(super) const SAID_REFUSED: &str = "The grant is refused.";
    pub(super) const SAID_REVOKED: &str = "The grant is revoked.";
}
