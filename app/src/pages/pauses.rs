//! `/pauses`: which AI systems are paused, and the two steps that pause or resume one: what it does, then the reason.

use countersign_domain::{
    ids::{EntryId, SystemId},
    pause::{ChosenSystem, PausableSystem, PausesView, ShownPause},
    problem::{Code, Problem},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        form::{Area, ErrorSummary, Submit, Weight},
        icons::{Icon, Shape},
        marks::{Chip, Tone},
        page::{Empty, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        pause::{PausedBy, pause_address},
    },
    frame::Surroundings,
    wire::Json,
};

/// Reads the systems in the reader's scope, or the one they chose.
#[server(prefix = "/act", endpoint = "pauses", output = Json)]
pub(crate) async fn pauses(system: Option<SystemId>) -> Result<PausesView, Error> {
    use countersign_engine::pauses;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, pauses::view(&engine, &caller, system).await)
}

/// Stops a system at once.
#[server(prefix = "/act", endpoint = "pause-system", output = Json)]
pub(crate) async fn pause_system(system: SystemId, reason: String) -> Result<Answer, Error> {
    use countersign_engine::pauses;

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, strings::SAY_WHY) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { pauses::pause(&engine, &caller, system, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(pause_address(system)))))
}

/// Ends the pause that the page showed.
#[server(prefix = "/act", endpoint = "resume-system", output = Json)]
pub(crate) async fn resume_system(system: SystemId, pause: EntryId, reason: String) -> Result<Answer, Error> {
    use countersign_engine::pauses;

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, strings::SAY_WHY) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { pauses::resume(&engine, &caller, system, pause, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(pause_address(system)))))
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    pause: ServerAction<PauseSystem>,
    resume: ServerAction<ResumeSystem>,
}

/// The page of pauses.
#[component]
pub(crate) fn PausesPage() -> impl IntoView {
    let acts = Acts { pause: ServerAction::new(), resume: ServerAction::new() };
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| query.get("system").filter(|system| !system.is_empty())));
    let versions = move || (acts.pause.version().get(), acts.resume.version().get());
    let view = Resource::new(
        move || (asked.get(), versions()),
        |(asked, _)| async move {
            match asked.map(|system| system.parse::<SystemId>()).transpose() {
                Ok(system) => pauses(system).await,
                Err(_) => Err(no_such_system()),
            }
        },
    );
    let (paused, resumed) = (answer_of(acts.pause), answer_of(acts.resume));
    let problem = Signal::derive(move || [paused.get(), resumed.get()].into_iter().flatten().find_map(Answer::problem));
    let surroundings = Surroundings::get();
    for (answer, said) in [(paused, strings::SAID_PAUSED), (resumed, strings::SAID_RESUMED)] {
        Effect::new(move || {
            if matches!(answer.get(), Some(Answer::Done { .. })) {
                // The other act gets its own reason and refusals, and the new heading the focus.
                acts.pause.clear();
                acts.resume.clear();
                surroundings.say(said);
                surroundings.moved.set_value(true);
            }
        });
    }

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(PausesView { chosen: Some(chosen), .. }) => view! { <Chosen chosen acts problem/> }.into_any(),
                    Ok(PausesView { systems, .. }) => view! { <Systems systems/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn no_such_system() -> Error {
    #[cfg(feature = "ssr")]
    crate::request::status(Code::NotFound.status());
    Error::Told {
        problem: Problem::new(Code::NotFound, "There is no such AI system in your scope. Choose one from the list."),
        request: String::new(),
    }
}

/// The systems in the reader's scope.
#[component]
fn Systems(systems: Vec<PausableSystem>) -> impl IntoView {
    let empty = systems.is_empty();
    let rows = systems.into_iter().map(|system| view! { <Row system/> }.into_any()).collect_view();

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        {if empty {
            view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> }.into_any()
        } else {
            view! {
                <ul class="max-w-4xl divide-y divide-hairline rounded-dialog border border-hairline bg-surface">{rows}</ul>
            }
                .into_any()
        }}
    }
}

#[component]
fn Row(system: PausableSystem) -> impl IntoView {
    let PausableSystem { id, name, pause } = system;
    let (word, label) = match &pause {
        Some(_) => (strings::RESUME, format!("{} {name}", strings::RESUME)),
        None => (strings::PAUSE, format!("{} {name}", strings::PAUSE)),
    };
    let chip = match &pause {
        Some(_) => view! { <Chip tone=Tone::Reject text=strings::PAUSED/> },
        None => view! { <Chip tone=Tone::Plain text=strings::RUNS/> },
    };

    view! {
        <li class="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
            <span class="font-medium [overflow-wrap:anywhere]">{name}</span>
            {chip}
            <a href=pause_address(id) aria-label=label class=LINK>
                {word}
            </a>
            {pause
                .map(|ShownPause { by, at, reason, .. }| {
                    view! {
                        <div class="basis-full text-compact">
                            <PausedBy by at reason/>
                        </div>
                    }
                })}
        </li>
    }
}

/// A link that looks like a button, at the end of its row.
const LINK: &str = "ml-auto inline-flex min-h-11 items-center justify-center gap-2 rounded-control no-underline border border-control bg-surface px-3 text-body font-medium text-text hover:bg-raised sm:min-h-8 sm:text-compact";

/// One system: what the act that comes next does, and its form.
#[component]
fn Chosen(chosen: ChosenSystem, acts: Acts, problem: Signal<Option<Problem>>) -> impl IntoView {
    let ChosenSystem { system, open_count, untold_count, barred } = chosen;
    let PausableSystem { id, name, pause } = system;
    let title = match &pause {
        Some(_) => format!("{} {name}", strings::RESUME),
        None => format!("{} {name}", strings::PAUSE),
    };
    let effects = match &pause {
        Some(_) => on_resuming(untold_count),
        None => on_pausing(open_count, untold_count),
    };
    let form = match &pause {
        Some(pause) => view! { <ResumeForm id pause=pause.entry barred resume=acts.resume problem/> }.into_any(),
        None => view! { <PauseForm id barred pause=acts.pause problem/> }.into_any(),
    };

    view! {
        <div class="mb-2 text-compact text-muted print:hidden">
            <a href="/pauses" class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline">
                <Icon shape=Shape::Back class="size-4"/>
                {strings::TITLE}
            </a>
        </div>
        <PageHeader title=move || title.clone()>
            {pause
                .map(|ShownPause { by, at, reason, .. }| {
                    view! {
                        <div class="flex max-w-measure items-start gap-3">
                            <Chip tone=Tone::Reject text=strings::PAUSED/>
                            <PausedBy by at reason/>
                        </div>
                    }
                })}
        </PageHeader>
        <div class="grid max-w-3xl gap-6">
            <Panel title=strings::EFFECT>
                <ul class="max-w-measure list-disc space-y-1 pl-5">
                    {effects.into_iter().map(|effect| view! { <li>{effect}</li> }).collect_view()}
                </ul>
            </Panel>
            {form}
        </div>
    }
}

#[component]
fn PauseForm(
    id: SystemId,
    barred: Option<String>,
    pause: ServerAction<PauseSystem>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let Some(barred) = barred else {
        return view! {
            <Panel title=strings::WHY_PAUSE>
                <ErrorSummary problem/>
                <ActionForm action=pause attr:class="grid max-w-2xl gap-3">
                    <input type="hidden" name="system" value=id.to_string()/>
                    <ReasonField value={typed::<PauseSystem>("reason")} problem/>
                    <div>
                        <Submit weight=Weight::Primary pending=pause.pending()>
                            {strings::PAUSE_NOW}
                        </Submit>
                    </div>
                </ActionForm>
            </Panel>
        }
        .into_any();
    };
    view! { <Barred button=strings::PAUSE_NOW barred problem/> }.into_any()
}

#[component]
fn ResumeForm(
    id: SystemId,
    pause: EntryId,
    barred: Option<String>,
    resume: ServerAction<ResumeSystem>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let Some(barred) = barred else {
        return view! {
            <Panel title=strings::WHY_RESUME>
                <ErrorSummary problem/>
                <ActionForm action=resume attr:class="grid max-w-2xl gap-3">
                    <input type="hidden" name="system" value=id.to_string()/>
                    <input type="hidden" name="pause" value=pause.to_string()/>
                    <ReasonField value={typed::<ResumeSystem>("reason")} problem/>
                    <div>
                        <Submit weight=Weight::Primary pending=resume.pending()>
                            {strings::RESUME_NOW}
                        </Submit>
                    </div>
                </ActionForm>
            </Panel>
        }
        .into_any();
    };
    view! { <Barred button=strings::RESUME_NOW barred problem/> }.into_any()
}

#[component]
fn ReasonField(value: String, problem: Signal<Option<Problem>>) -> impl IntoView {
    view! {
        <Area name="reason" label=strings::REASON hint=strings::REASON_HINT value rows=3 problem/>
    }
}

/// The act as it would be, and why it is not for this person.
#[component]
fn Barred(button: &'static str, barred: String, problem: Signal<Option<Problem>>) -> impl IntoView {
    view! {
        <div class="grid justify-items-start gap-3">
            <ErrorSummary problem/>
            <button type="button" disabled aria-describedby="barred" class="inline-flex min-h-11 items-center justify-center rounded-control border border-control bg-raised px-4 text-body font-medium text-muted sm:min-h-9">
                {button}
            </button>
            <p id="barred" class="flex max-w-measure items-start gap-2">
                <Icon shape=Shape::Info class="mt-0.5 size-4 shrink-0 text-muted"/>
                {barred}
            </p>
        </div>
    }
}

fn on_pausing(open: u64, untold: u64) -> Vec<String> {
    let stay = match open {
        0 => "No decision is open.".to_owned(),
        1 => "1 open decision stays open. People may go on reviewing it; no rule approves it.".to_owned(),
        open => format!("{open} open decisions stay open. People may go on reviewing them; no rule approves any."),
    };
    let kept = match untold {
        0 => "Approvals given from now on are not told to it until it is resumed.".to_owned(),
        1 => "1 approval that it has not been told, and those given from now on, are not told until it is resumed."
            .to_owned(),
        untold => format!(
            "{untold} approvals that it has not been told, and those given from now on, are not told until it is resumed."
        ),
    };
    vec![
        "From this moment on, what it proposes is rejected at once.".into(),
        stay,
        kept,
        "Approvals that it was told before are not taken back; it reads that it is paused and must not act.".into(),
        "Somebody else has to resume it: a senior approver of it, or an admin.".into(),
    ]
}

fn on_resuming(untold: u64) -> Vec<String> {
    let told = match untold {
        0 => "No approval waits to be told to it.".to_owned(),
        1 => "1 approval that it was not told is told as soon as it asks.".to_owned(),
        untold => format!("{untold} approvals that it was not told are told as soon as it asks."),
    };
    vec![
        told,
        "What it proposes is routed by the policy again; rules approve again where the policy says so.".into(),
        "What was rejected during the pause stays rejected. It may be proposed anew.".into(),
    ]
}

mod strings {
    pub(super) const TITLE: &str = "Pauses";
    pub(super) const INTRO: &str = "A pause stops an AI system at once: what it proposes is rejected, and no approval is told to it. Anybody who reviews for it may pause it; somebody else resumes it.";
    pub(super) const NONE: &str = "No AI system in your scope";
    pub(super) const NONE_REASON: &str = "An admin registers AI systems and gives roles that reach them.";
    pub(super) const PAUSE: &str = "Pause";
    pub(super) const RESUME: &str = "Resume";
    pub(super) const PAUSED: &str = "Paused";
    pub(super) const RUNS: &str = "Not paused";
    pub(super) const EFFECT: &str = "What this does";
    pub(super) const WHY_PAUSE: &str = "Pause it";
    pub(super) const WHY_RESUME: &str = "Resume it";
    pub(super) const PAUSE_NOW: &str = "Pause now";
    pub(super) const RESUME_NOW: &str = "Resume now";
    #[cfg(feature = "ssr")]
    pub(super) const SAY_WHY: &str = "Say why. The reason is read by everybody who meets this pause.";
    pub(super) const REASON: &str = "Reason";
    pub(super) const REASON_HINT: &str = "Read by everybody who meets this pause, and by auditors. Name no customers.";
    pub(super) const SAID_PAUSED: &str = "The AI system is paused.";
    pub(super) const SAID_RESUMED: &str = "The AI system is resumed.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_count_one_and_many() {
        assert!(on_pausing(1, 2)[1].starts_with("1 open decision stays"));
        assert!(on_pausing(2, 1)[1].starts_with("2 open decisions stay"));
        assert!(on_pausing(0, 1)[2].starts_with("1 approval that"));
        assert!(on_resuming(3)[0].starts_with("3 approvals"));
    }
}
