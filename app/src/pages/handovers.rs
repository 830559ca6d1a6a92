//! `/handovers`: notes for the next shift, and the form that leaves one.

use countersign_domain::{
    ids::{FormId, HandoverId},
    problem::Problem,
    talk::{HandoversView, ShownHandover},
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    Error,
    answer::{Answer, answer_of, recorded, typed},
    components::{
        form::{Area, ErrorSummary, Submit, Weight},
        handover::{HandoverText, handover_title},
        icons::{Icon, Shape},
        page::{Empty, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        time::Moment,
    },
    frame::Surroundings,
    wire::Json,
};

/// Reads the notes that run in the reader's scope.
#[server(prefix = "/act", endpoint = "handovers", output = Json)]
pub(crate) async fn handovers() -> Result<HandoversView, Error> {
    use countersign_engine::handovers;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, handovers::view(&engine, &caller).await)
}

/// Leaves a note for the next shift.
#[server(prefix = "/act", endpoint = "note-handover", output = Json)]
pub(crate) async fn note_handover(
    nonce: FormId,
    #[server(default)] system: String,
    note: String,
) -> Result<Answer, Error> {
    use countersign_domain::{
        problem::{Code, FieldError},
        talk::Note,
    };
    use countersign_engine::handovers::{self, HandoverRequest};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let mut errors = Vec::new();
    let system = Some(system).filter(|system| !system.is_empty()).map(|system| system.parse()).transpose();
    if system.is_err() {
        errors.push(FieldError::new("/system", "unknown_value", "About: choose from the list."));
    }
    let note = Note::new(&note);
    if let Err(error) = &note {
        errors.push(FieldError::new("/note", "invalid_text", format!("Note: {error}.")));
    }
    let (Ok(system), Ok(note)) = (system, note) else {
        return Ok(told(Err(Problem::fields(Code::InvalidContent, "The note was not left.", errors))));
    };
    let asked = HandoverRequest { system, nonce, note };
    let done = act(async move { handovers::note(&engine, &caller, asked).await }).await;

    Ok(told(done.map(|()| Answer::done("/handovers"))))
}

/// Ends a note for everybody.
#[server(prefix = "/act", endpoint = "end-handover", output = Json)]
pub(crate) async fn end_handover(handover: HandoverId) -> Result<Answer, Error> {
    use countersign_engine::handovers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { handovers::end(&engine, &caller, handover).await }).await;

    Ok(told(done.map(|()| Answer::done("/handovers"))))
}

/// Puts a note away from the reader's own queue.
#[server(prefix = "/act", endpoint = "put-away-handover", output = Json)]
pub(crate) async fn put_away_handover(handover: HandoverId) -> Result<Answer, Error> {
    use countersign_engine::handovers;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { handovers::put_away(&engine, &caller, handover).await }).await;

    Ok(told(done.map(|()| Answer::done("/queue"))))
}

/// The page of notes.
#[component]
pub(crate) fn HandoversPage() -> impl IntoView {
    let (note, end) = (ServerAction::<NoteHandover>::new(), ServerAction::<EndHandover>::new());
    let (noted, ended) = (answer_of(note), answer_of(end));
    let (left, over) = (recorded(note), recorded(end));
    let view = Resource::new(move || (left.get(), over.get()), |_| handovers());
    let problem = Signal::derive(move || noted.get().and_then(Answer::problem));
    let end_problem = Signal::derive(move || ended.get().and_then(Answer::problem));
    let surroundings = Surroundings::get();
    for (answer, said) in [(noted, strings::SAID_LEFT), (ended, strings::SAID_ENDED)] {
        Effect::new(move || {
            if matches!(answer.get(), Some(Answer::Done { .. })) {
                surroundings.say(said);
            }
        });
    }

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <div class="mb-2 text-compact text-muted print:hidden">
            <a href="/queue" class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline">
                <Icon shape=Shape::Back class="size-4"/>
                "Queue"
            </a>
        </div>
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <div class="grid max-w-3xl gap-6">
            <ErrorSummary problem=end_problem/>
            <Transition fallback=|| {
                view! { <Skeleton rows=3/> }
            }>
                {move || Suspend::new(async move {
                    match view.await {
                        Ok(HandoversView { rows, systems, may_all, barred, nonce, .. }) => {
                            let form = match barred {
                                Some(reason) => view! { <p class="text-muted">{reason}</p> }.into_any(),
                                None => view! { <NoteForm nonce systems may_all note problem/> }.into_any(),
                            };
                            view! {
                                <Notes rows end/>
                                {form}
                            }
                                .into_any()
                        }
                        Err(error) => view! { <Refusal error/> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn Notes(rows: Vec<ShownHandover>, end: ServerAction<EndHandover>) -> impl IntoView {
    if rows.is_empty() {
        return view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> }.into_any();
    }
    let rows = rows
        .into_iter()
        .map(|handover| {
            let ShownHandover { id, system, person, text, at, until, may_end } = handover;
            let title = handover_title(system.as_deref());
            view! {
                <li class="grid gap-2 px-5 py-4">
                    <h2 class="text-reading font-semibold [overflow-wrap:anywhere]">{title}</h2>
                    <HandoverText person at text/>
                    <p class="text-compact text-muted">{strings::UNTIL} <Moment at=until/></p>
                    {may_end
                        .then(|| {
                            view! {
                                <ActionForm action=end attr:class="print:hidden">
                                    <input type="hidden" name="handover" value=id.to_string()/>
                                    <Submit weight=Weight::Ending pending=end.pending()>
                                        {strings::END}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! { <ul class="divide-y divide-hairline rounded-dialog border border-hairline bg-surface">{rows}</ul> }
        .into_any()
}

#[component]
fn NoteForm(
    nonce: FormId,
    systems: Vec<(countersign_domain::ids::SystemId, String)>,
    may_all: bool,
    note: ServerAction<NoteHandover>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let chosen = typed::<NoteHandover>("system");
    let options = systems
        .into_iter()
        .map(|(id, name)| {
            let id = id.to_string();
            view! {
                <option value=id.clone() selected=id == chosen>
                    {name}
                </option>
            }
        })
        .collect_view();

    view! {
        <Panel title=strings::LEAVE>
            <ErrorSummary problem/>
            <ActionForm action=note attr:class="grid max-w-2xl gap-3">
                <input type="hidden" name="nonce" value=nonce.to_string()/>
                <div class="grid gap-1">
                    <label for="system" class="text-body font-medium">
                        {strings::ABOUT}
                    </label>
                    <select
                        id="system"
                        name="system"
                        class="block min-h-11 w-full max-w-sm rounded-control border border-control bg-surface px-3 text-reading sm:min-h-10"
                    >
                        {may_all.then(|| view! { <option value="">{strings::ALL}</option> })}
                        {options}
                    </select>
                </div>
                <Area
                    name="note"
                    label=strings::NOTE
                    hint=strings::HINT
                    value={typed::<NoteHandover>("note")}
                    rows=3
                    problem
                />
                <div>
                    <Submit weight=Weight::Primary pending=note.pending()>
                        {strings::LEAVE}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Hand-over";
    pub(super) const INTRO: &str = "A note for the next shift stands above the queue of everybody in its scope for a day. Each reader puts it away for themselves; who wrote it, or a senior approver, ends it for everybody.";
    pub(super) const NONE: &str = "No note runs";
    pub(super) const NONE_REASON: &str = "What the next shift should know is left here.";
    pub(super) const UNTIL: &str = "Shown until ";
    pub(super) const END: &str = "End for everybody";
    pub(super) const LEAVE: &str = "Leave a note";
    pub(super) const ABOUT: &str = "About";
    pub(super) const ALL: &str = "All AI systems";
    pub(super) const NOTE: &str = "Note";
    pub(super) const HINT: &str =
        "Read by the next reviewers and by auditors. At most 2,000 characters. Name no customers.";
    pub(super) const SAID_LEFT: &str = "Your note is left.";
    pub(super) const SAID_ENDED: &str = "The note is ended.";
}
