//! What `/me` says of delegations and absence: given, received, a form for each, and a way to end each.

use countersign_domain::{
    decision::Risk,
    delegation::{AbsenceRow, DelegationRow, OwnDelegations, both},
    ids::{DelegationId, PersonId},
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    Error,
    answer::{Answer, answer_of, recorded, typed},
    components::{
        admin::{Choose, Line, LineKind},
        delegation::{AbsenceLine, DelegationLine},
        form::{ErrorSummary, Submit, Weight},
        page::Panel,
    },
    wire::Json,
};

/// Lets a colleague review in the person's place.
#[server(prefix = "/act", endpoint = "give-delegation", output = Json)]
pub(crate) async fn give_delegation(
    #[server(default)] to: String,
    #[server(default)] systems: String,
    #[server(default)] types: String,
    #[server(default)] risk: String,
    #[server(default)] amount: String,
    #[server(default)] from: String,
    #[server(default)] until: String,
) -> Result<Answer, Error> {
    use countersign_engine::delegations::{self, DelegationForm};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let form = DelegationForm { to, systems, types, risk, amount, from, until };
    let done = act(async move { delegations::give(&engine, &caller, form).await }).await;

    Ok(told(done.map(|_| Answer::done(PAGE))))
}

/// Ends a delegation that the person gave or has.
#[server(prefix = "/act", endpoint = "end-delegation", output = Json)]
pub(crate) async fn end_delegation(delegation: DelegationId) -> Result<Answer, Error> {
    use countersign_engine::delegations;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { delegations::end(&engine, &caller, delegation).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Says that the person is away for a time.
#[server(prefix = "/act", endpoint = "set-absence", output = Json)]
pub(crate) async fn set_absence(
    #[server(default)] away_from: String,
    #[server(default)] away_until: String,
    #[server(default)] delegation: String,
) -> Result<Answer, Error> {
    use countersign_engine::absences::{self, AbsenceForm};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let form = AbsenceForm { from: away_from, until: away_until, delegation };
    let mut done = act(async move { absences::set(&engine, &caller, form).await }).await;
    // The page has another form with days.
    if let Err(problem) = &mut done {
        for error in &mut problem.errors {
            error.pointer = match error.pointer.as_str() {
                "/from" => "/away_from".to_owned(),
                "/until" => "/away_until".to_owned(),
                other => other.to_owned(),
            };
        }
    }

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Says that the person is back.
#[server(prefix = "/act", endpoint = "clear-absence", output = Json)]
pub(crate) async fn clear_absence() -> Result<Answer, Error> {
    use countersign_engine::absences;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { absences::clear(&engine, &caller).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Where the forms are.
#[cfg(feature = "ssr")]
const PAGE: &str = "/me";

/// The forms of the section.
#[derive(Clone, Copy)]
pub(crate) struct Acts {
    give: ServerAction<GiveDelegation>,
    end: ServerAction<EndDelegation>,
    set: ServerAction<SetAbsence>,
    clear: ServerAction<ClearAbsence>,
}

impl Acts {
    pub(crate) fn new() -> Self {
        Self {
            give: ServerAction::new(),
            end: ServerAction::new(),
            set: ServerAction::new(),
            clear: ServerAction::new(),
        }
    }

    /// Changes with each act that was recorded; what was refused keeps what is typed.
    pub(crate) fn recorded(self) -> impl Fn() -> (usize, usize, usize, usize) + Copy {
        let (give, end, set, clear) =
            (recorded(self.give), recorded(self.end), recorded(self.set), recorded(self.clear));
        move || (give.get(), end.get(), set.get(), clear.get())
    }
}

/// Who reviews in whose place, and when the person is away.
#[component]
pub(crate) fn OwnSection(shown: OwnDelegations, acts: Acts) -> impl IntoView {
    let OwnDelegations { given, received, colleagues, systems, reviews, absence } = shown;
    let open = given.iter().filter(|row| row.state.is_open());
    let mine: Vec<_> = open.map(|row| (row.id, row.delegate.clone())).collect();
    let ended = answer_of(acts.end);
    let problem = Signal::derive(move || ended.get().and_then(Answer::problem));

    view! {
        {(reviews || !given.is_empty() || !received.is_empty())
            .then(|| {
                view! {
                    <Panel title=strings::DELEGATIONS>
                        <p class="max-w-measure text-muted">{strings::INTRO}</p>
                        <ErrorSummary problem/>
                        <Delegations title=strings::GIVEN none=strings::NONE_GIVEN rows=given acts/>
                        <Delegations title=strings::RECEIVED none=strings::NONE_RECEIVED rows=received acts/>
                        {reviews.then(|| view! { <GiveForm give=acts.give colleagues systems/> })}
                    </Panel>
                }
            })}
        {(reviews || absence.is_some()).then(|| view! { <Absence absence mine acts/> })}
    }
}

#[component]
fn Delegations(title: &'static str, none: &'static str, rows: Vec<DelegationRow>, acts: Acts) -> impl IntoView {
    let empty = rows.is_empty();
    let rows = rows
        .into_iter()
        .map(|row| {
            let (id, open) = (row.id, row.state.is_open());
            let label = format!("{}: {}", strings::END, both(&row.delegate, &row.delegator));
            view! {
                <DelegationLine row>
                    {open
                        .then(|| {
                            view! {
                                <ActionForm action=acts.end>
                                    <input type="hidden" name="delegation" value=id.to_string()/>
                                    <Submit weight=Weight::Ending pending=acts.end.pending()>
                                        <span aria-hidden="true">{strings::END}</span>
                                        <span class="sr-only">{label}</span>
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                </DelegationLine>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <section class="grid gap-1">
            <h3 class="text-body font-semibold">{title}</h3>
            {if empty {
                view! { <p class="text-muted">{none}</p> }.into_any()
            } else {
                view! { <ul class="divide-y divide-hairline">{rows}</ul> }.into_any()
            }}
        </section>
    }
}

#[component]
fn GiveForm(
    give: ServerAction<GiveDelegation>,
    colleagues: Vec<(PersonId, String)>,
    systems: Vec<String>,
) -> impl IntoView {
    let answer = answer_of(give);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    if colleagues.is_empty() {
        return view! { <p class="text-muted">{strings::NO_COLLEAGUES}</p> }.into_any();
    }
    let (to, risk) = (typed::<GiveDelegation>("to"), typed::<GiveDelegation>("risk"));
    let mut people = vec![(String::new(), strings::CHOOSE.to_owned(), to.is_empty())];
    people.extend(colleagues.into_iter().map(|(id, name)| {
        let id = id.to_string();
        let chosen = id == to;
        (id, name, chosen)
    }));
    let mut risks = vec![(String::new(), strings::OWN_LIMIT.to_owned(), risk.is_empty())];
    risks.extend([Risk::Low, Risk::Medium, Risk::High].into_iter().map(|level| {
        let words = format!("Up to {}", level.word());
        (level.word().to_owned(), words, risk == level.word())
    }));
    let known = format!("{} {}.", strings::YOURS, systems.join(", "));

    view! {
        <section class="grid gap-3 border-t border-hairline pt-4">
            <h3 class="text-body font-semibold">{strings::GIVE}</h3>
            <ActionForm action=give attr:class="grid max-w-3xl gap-4 sm:grid-cols-2">
                <div class="sm:col-span-2">
                    <ErrorSummary problem/>
                </div>
                <Choose id="to" name="to" label=strings::TO options=people/>
                <Choose id="risk" name="risk" label=strings::RISK options=risks/>
                <Line
                    id="from"
                    name="from"
                    label=strings::FIRST_DAY
                    hint=strings::FIRST_DAY_HINT
                    kind=LineKind::Day
                    value={typed::<GiveDelegation>("from")}
                    problem
                />
                <Line
                    id="until"
                    name="until"
                    label=strings::LAST_DAY
                    hint=strings::LAST_DAY_HINT
                    kind=LineKind::Day
                    value={typed::<GiveDelegation>("until")}
                    problem
                />
                <Line
                    id="types"
                    name="types"
                    label=strings::TYPES
                    hint=strings::TYPES_HINT
                    kind=LineKind::Text
                    value={typed::<GiveDelegation>("types")}
                    problem
                />
                <Line
                    id="amount"
                    name="amount"
                    label=strings::AMOUNT
                    hint=strings::AMOUNT_HINT
                    kind=LineKind::Text
                    value={typed::<GiveDelegation>("amount")}
                    problem
                />
                <div class="grid gap-1 sm:col-span-2">
                    <Line
                        id="systems"
                        name="systems"
                        label=strings::SYSTEMS
                        hint=strings::SYSTEMS_HINT
                        kind=LineKind::Text
                        value={typed::<GiveDelegation>("systems")}
                        problem
                    />
                    <p class="text-compact text-muted [overflow-wrap:anywhere]">{known}</p>
                </div>
                <div>
                    <Submit weight=Weight::Primary pending=give.pending()>
                        {strings::GIVE_NOW}
                    </Submit>
                </div>
            </ActionForm>
        </section>
    }
    .into_any()
}

#[component]
fn Absence(absence: Option<AbsenceRow>, mine: Vec<(DelegationId, String)>, acts: Acts) -> impl IntoView {
    let (set, cleared) = (answer_of(acts.set), answer_of(acts.clear));
    let problem = Signal::derive(move || [set.get(), cleared.get()].into_iter().flatten().find_map(Answer::problem));
    let chosen = typed::<SetAbsence>("delegation");
    let mut options = vec![(String::new(), strings::NO_DELEGATION.to_owned(), chosen.is_empty())];
    options.extend(mine.into_iter().map(|(id, name)| {
        let id = id.to_string();
        let is_chosen = id == chosen;
        (id, format!("{name} {}", strings::STANDS_IN), is_chosen)
    }));
    let hint = if absence.is_some() { strings::AWAY_INSTEAD } else { strings::AWAY };

    view! {
        <Panel title=strings::ABSENCE>
            <p class="max-w-measure text-muted">{strings::ABSENCE_INTRO}</p>
            <ErrorSummary problem/>
            {absence
                .map(|row| {
                    view! {
                        <ul>
                            <AbsenceLine row/>
                        </ul>
                        <ActionForm action=acts.clear>
                            <Submit weight=Weight::Plain pending=acts.clear.pending()>
                                {strings::BACK}
                            </Submit>
                        </ActionForm>
                    }
                })}
            <ActionForm action=acts.set attr:class="grid max-w-3xl gap-4 sm:grid-cols-2">
                <Line
                    id="away_from"
                    name="away_from"
                    label=strings::AWAY_FROM
                    hint=strings::FIRST_DAY_HINT
                    kind=LineKind::Day
                    value={typed::<SetAbsence>("away_from")}
                    problem
                />
                <Line
                    id="away_until"
                    name="away_until"
                    label=strings::AWAY_UNTIL
                    hint=strings::LAST_DAY_HINT
                    kind=LineKind::Day
                    value={typed::<SetAbsence>("away_until")}
                    problem
                />
                <Choose id="delegation" name="delegation" label=strings::APPLIES options/>
                <div class="flex items-end">
                    <Submit weight=Weight::Primary pending=acts.set.pending()>
                        {hint}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const DELEGATIONS: &str = "In somebody's place";
    pub(super) const INTRO: &str = "A colleague reviews in your place what you could review yourself at that moment, and no more. Both names are sealed; of the two of you one counts on a decision. It ends with its last day, when one of you ends it, or with your role.";
    pub(super) const GIVEN: &str = "Given by you";
    pub(super) const NONE_GIVEN: &str = "Nobody reviews in your place.";
    pub(super) const RECEIVED: &str = "Given to you";
    pub(super) const NONE_RECEIVED: &str = "You review in nobody's place.";
    pub(super) const END: &str = "End now";
    pub(super) const GIVE: &str = "Let a colleague review in your place";
    pub(super) const NO_COLLEAGUES: &str = "Nobody else reviews here, so there is nobody who could review in your place. An admin can give somebody the role.";
    pub(super) const TO: &str = "Colleague";
    pub(super) const CHOOSE: &str = "Choose a colleague";
    pub(super) const RISK: &str = "Highest risk";
    pub(super) const OWN_LIMIT: &str = "As far as mine";
    pub(super) const FIRST_DAY: &str = "First day";
    pub(super) const FIRST_DAY_HINT: &str = "Empty: at once.";
    pub(super) const LAST_DAY: &str = "Last day";
    pub(super) const LAST_DAY_HINT: &str = "In UTC, included.";
    pub(super) const TYPES: &str = "Decision types";
    pub(super) const TYPES_HINT: &str = "Names with spaces between. Empty: all of yours.";
    pub(super) const AMOUNT: &str = "Highest amount";
    pub(super) const AMOUNT_HINT: &str = "A whole number. Empty: as far as yours.";
    pub(super) const SYSTEMS: &str = "AI systems";
    pub(super) const SYSTEMS_HINT: &str = "Names with spaces between. Empty: all that you review.";
    pub(super) const YOURS: &str = "You review for:";
    pub(super) const GIVE_NOW: &str = "Let them review for me";
    pub(super) const ABSENCE: &str = "Away";
    pub(super) const ABSENCE_INTRO: &str = "While you are away nothing is your turn and no seat is held for you. Your turns go to whoever you name, and to everybody else who may fill a free seat.";
    pub(super) const AWAY_FROM: &str = "Away from";
    pub(super) const AWAY_UNTIL: &str = "Last day away";
    pub(super) const APPLIES: &str = "Who reviews meanwhile";
    pub(super) const NO_DELEGATION: &str = "Whoever else may";
    pub(super) const STANDS_IN: &str = "in my place";
    pub(super) const AWAY: &str = "I am away then";
    pub(super) const AWAY_INSTEAD: &str = "I am away then instead";
    pub(super) const BACK: &str = "I am back";
}
