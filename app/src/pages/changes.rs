//! `/admin/changes`: what waits for a second person, with its effect, and the mode of teams of one.

use countersign_domain::{
    change::Decided,
    ids::ChangeId,
    view::{AwaitedChange, AwaitedChanges, ChangeAct, ChangeEffect},
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        admin::AdminNav,
        dry_run::{EffectTable, summary},
        form::{ErrorSummary, Submit, Weight},
        holding::Held,
        marks::{Chip, Tone},
        page::{Banner, Bar, Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        time::Moment,
    },
    wire::Json,
};

/// Reads what waits and what was decided lately.
#[server(prefix = "/act", endpoint = "changes", output = Json)]
pub(crate) async fn changes() -> Result<AwaitedChanges, Error> {
    use countersign_engine::changes;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, changes::list(&engine, &caller).await)
}

/// Confirms a change, which takes effect at once.
#[server(prefix = "/act", endpoint = "confirm-change", output = Json)]
pub(crate) async fn confirm_change(change: ChangeId) -> Result<Answer, Error> {
    use countersign_engine::changes;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { changes::confirm(&engine, &caller, change).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/changes"))))
}

/// Says no to a change.
#[server(prefix = "/act", endpoint = "refuse-change", output = Json)]
pub(crate) async fn refuse_change(change: ChangeId) -> Result<Answer, Error> {
    use countersign_engine::changes;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { changes::refuse(&engine, &caller, change).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/changes"))))
}

/// Takes one's own change back.
#[server(prefix = "/act", endpoint = "withdraw-change", output = Json)]
pub(crate) async fn withdraw_change(change: ChangeId) -> Result<Answer, Error> {
    use countersign_engine::changes;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { changes::withdraw(&engine, &caller, change).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/changes"))))
}

/// Switches the mode of teams of one.
#[server(prefix = "/act", endpoint = "single-operator", output = Json)]
pub(crate) async fn switch_single_operator(on: bool) -> Result<Answer, Error> {
    use countersign_engine::changes;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { changes::switch_single_operator(&engine, &caller, on).await }).await;

    Ok(told(done.map(|_| Answer::done("/admin/changes"))))
}

/// The forms of a change.
#[derive(Clone, Copy)]
pub(crate) struct Acts {
    confirm: ServerAction<ConfirmChange>,
    refuse: ServerAction<RefuseChange>,
    withdraw: ServerAction<WithdrawChange>,
}

impl Acts {
    pub(crate) fn new() -> Self {
        Self { confirm: ServerAction::new(), refuse: ServerAction::new(), withdraw: ServerAction::new() }
    }

    pub(crate) fn version(self) -> usize {
        self.confirm.version().get() + self.refuse.version().get() + self.withdraw.version().get()
    }

    pub(crate) fn problem(self) -> Signal<Option<countersign_domain::Problem>> {
        let answers = [answer_of(self.confirm), answer_of(self.refuse), answer_of(self.withdraw)];
        Signal::derive(move || answers.iter().find_map(|answer| answer.get().and_then(Answer::problem)))
    }
}

/// The page of waiting changes.
#[component]
pub(crate) fn ChangesPage() -> impl IntoView {
    let acts = Acts::new();
    let switch = ServerAction::<SwitchSingleOperator>::new();
    let view = Resource::new(move || (acts.version(), switch.version().get()), |_| changes());
    let problem = acts.problem();
    let switched = answer_of(switch);
    let switch_problem = Signal::derive(move || switched.get().and_then(Answer::problem));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(AwaitedChanges { changes, single_operator, alone, may_switch, now }) => {
                        let (waiting, decided): (Vec<_>, Vec<_>) =
                            changes.into_iter().partition(|change| change.decided.is_none());
                        let none = waiting.is_empty();
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <AdminNav/>
                            <div class="grid max-w-5xl gap-6">
                                {alone
                                    .then(|| {
                                        let words = match single_operator {
                                            true => strings::MODE_ON,
                                            false => strings::ONE_ADMIN,
                                        };
                                        view! { <Banner bar=Bar::Stale>{words}</Banner> }
                                    })}
                                <ErrorSummary problem/>
                                {none.then(|| view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> })}
                                {(!none)
                                    .then(|| view! { <h2 class="text-reading font-semibold">{strings::WAITING}</h2> })}
                                <ChangeList label=strings::WAITING changes=waiting now acts/>
                                {may_switch
                                    .then(|| {
                                        view! { <Mode on=single_operator switch problem=switch_problem/> }
                                    })}
                                {(!decided.is_empty())
                                    .then(|| {
                                        view! {
                                            <h2 class="text-reading font-semibold">{strings::DECIDED}</h2>
                                            <ChangeList label=strings::DECIDED changes=decided now acts/>
                                        }
                                    })}
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

/// Changes, each with its effect and what one may do about it.
#[component]
pub(crate) fn ChangeList(label: &'static str, changes: Vec<AwaitedChange>, now: u64, acts: Acts) -> impl IntoView {
    let changes = changes.into_iter().map(|change| view! { <Change change now acts/> }.into_any()).collect_view();

    view! {
        <ul aria-label=label class="grid gap-4">
            {changes}
        </ul>
    }
}

#[component]
fn Change(change: AwaitedChange, now: u64, acts: Acts) -> impl IntoView {
    let id = change.id;
    let (title, effect) = effect(change.effect);
    let label = title.clone();
    let waits = change.decided.is_none();
    let state = match &change.decided {
        None if now >= change.expires_at => view! { <Chip tone=Tone::Plain text="Lapsed"/> }.into_any(),
        None => view! { <Chip tone=Tone::Info text="Waits"/> }.into_any(),
        Some((decided, ..)) => {
            let (tone, text) = decided_words(*decided);
            view! { <Chip tone text/> }.into_any()
        }
    };
    let may = |act| change.acts.contains(&act);
    let (confirms, withdraws) = (may(ChangeAct::Confirm), may(ChangeAct::Withdraw));
    let stuck = waits && !confirms;

    view! {
        <li class="rounded-dialog border border-hairline bg-surface">
            <section aria-label=label class="grid gap-3 px-5 py-4">
                <h3 class="flex flex-wrap items-center gap-x-3 gap-y-1 text-reading font-semibold">{title} {state}</h3>
                {effect}
                <dl class="grid gap-1">
                    <Fact name=strings::ASKED_BY>
                        {change.requested_by} " " <Moment at=change.requested_at/>
                    </Fact>
                    {match change.decided {
                        None => view! {
                            <Fact name=strings::UNTIL>
                                <Moment at=change.expires_at/>
                            </Fact>
                        }
                        .into_any(),
                        Some((_, at, by)) => view! {
                            <Fact name=strings::DECIDED_BY>
                                {by.unwrap_or_else(|| strings::TIME.to_owned())} " " <Moment at/>
                            </Fact>
                        }
                        .into_any(),
                    }}
                </dl>
                {stuck.then(|| view! { <p class="text-compact text-muted">{strings::WHO_CONFIRMS}</p> })}
                <div class="flex flex-wrap gap-2">
                    {confirms
                        .then(|| {
                            view! {
                                <ActionForm action=acts.confirm>
                                    <input type="hidden" name="change" value=id.to_string()/>
                                    <Submit weight=Weight::Primary pending=acts.confirm.pending()>
                                        {strings::CONFIRM}
                                    </Submit>
                                </ActionForm>
                                <ActionForm action=acts.refuse>
                                    <input type="hidden" name="change" value=id.to_string()/>
                                    <Submit weight=Weight::Ending pending=acts.refuse.pending()>
                                        {strings::REFUSE}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                    {withdraws
                        .then(|| {
                            view! {
                                <ActionForm action=acts.withdraw>
                                    <input type="hidden" name="change" value=id.to_string()/>
                                    <Submit weight=Weight::Plain pending=acts.withdraw.pending()>
                                        {strings::WITHDRAW}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                </div>
            </section>
        </li>
    }
}

/// Says what a change does: a title, and what is so before and after.
fn effect(effect: ChangeEffect) -> (String, AnyView) {
    match effect {
        ChangeEffect::Role { person, name, held, holding } => {
            let before = match held.is_empty() {
                true => strings::NO_ROLE.to_owned(),
                false => held.iter().map(|role| role.name()).collect::<Vec<_>>().join(", "),
            };
            let title = format!("{name} gets the role {}", holding.role.name().to_ascii_lowercase());
            let effect = view! {
                <dl class="grid gap-1">
                    <Fact name=strings::PERSON>
                        <a href=format!("/admin/people/{person}") class="text-accent underline">{name}</a>
                    </Fact>
                    <Fact name=strings::HOLDS>{before}</Fact>
                    <Fact name=strings::GETS>
                        <Held holding/>
                    </Fact>
                </dl>
            };
            (title, effect.into_any())
        }
        ChangeEffect::Guards { before, amount_max } => (
            "Let rules approve higher amounts".to_owned(),
            view! {
                <p class="max-w-measure">
                    {format!("No rule approves by itself above {before}; from then on, above {amount_max}.")}
                </p>
            }
            .into_any(),
        ),
        ChangeEffect::SingleOperator => {
            let effect = view! { <p class="max-w-measure">{strings::MODE_EFFECT}</p> };
            (strings::MODE_TITLE.to_owned(), effect.into_any())
        }
        ChangeEffect::Mapping { slug, name, dry_run } => {
            let title = format!("Groups at {name} give other roles");
            let address = format!("/admin/sso/{slug}");
            let effect = view! {
                {dry_run
                    .map(|dry_run| {
                        view! {
                            <p>{summary(&dry_run)}</p>
                            <EffectTable effects=dry_run.effects/>
                        }
                    })}
                <p>
                    <a href=address class="text-accent underline">{strings::MAPPING}</a>
                </p>
            };
            (title, effect.into_any())
        }
        ChangeEffect::ScimToken { provider, ceiling, until } => {
            let ceiling = ceiling.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
            let title = format!("The directory of {provider} pushes people and groups");
            let effect = view! {
                <dl class="grid gap-1">
                    <Fact name=strings::CEILING>{ceiling}</Fact>
                    <Fact name=strings::TO>
                        <Moment at=until/>
                    </Fact>
                </dl>
            };
            (title, effect.into_any())
        }
        ChangeEffect::AuditWindow { person, name, audit, systems, from, until } => {
            let systems = if systems.is_empty() { "every AI system".to_owned() } else { systems.join(", ") };
            let title = format!("{name} reads as auditor for {audit}");
            let effect = view! {
                <dl class="grid gap-1">
                    <Fact name=strings::PERSON>
                        <a href=format!("/admin/people/{person}") class="text-accent underline">{name}</a>
                    </Fact>
                    <Fact name=strings::READS>{systems}</Fact>
                    <Fact name=strings::FROM>
                        <Moment at=from/>
                    </Fact>
                    <Fact name=strings::TO>
                        <Moment at=until/>
                    </Fact>
                </dl>
            };
            (title, effect.into_any())
        }
    }
}

const fn decided_words(decided: Decided) -> (Tone, &'static str) {
    match decided {
        Decided::Confirmed => (Tone::Approve, "Confirmed"),
        Decided::Refused => (Tone::Reject, "Refused"),
        Decided::Withdrawn => (Tone::Plain, "Withdrawn"),
        Decided::Lapsed => (Tone::Plain, "Lapsed"),
    }
}

#[component]
fn Mode(
    on: bool,
    switch: ServerAction<SwitchSingleOperator>,
    problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    view! {
        <Panel title=strings::MODE>
            <p class="max-w-measure text-muted">{strings::MODE_EFFECT}</p>
            <ErrorSummary problem/>
            <ActionForm action=switch>
                <input type="hidden" name="on" value=(!on).to_string()/>
                <Submit weight=if on { Weight::Plain } else { Weight::Ending } pending=switch.pending()>
                    {if on { strings::SWITCH_OFF } else { strings::SWITCH_ON }}
                </Submit>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Changes that wait";
    pub(super) const INTRO: &str = "Privileged roles and other risky changes take effect once somebody else confirms them. Who asked for a change and whose access it is never confirm it.";
    pub(super) const MODE_ON: &str = "One person may act alone: the single-operator mode is on. Changes take effect at once, and every act of it is marked single_operator in the ledger.";
    pub(super) const ONE_ADMIN: &str = "There is only one admin, so changes take effect at once and are marked single_operator in the ledger. Make somebody else an admin to have a second person.";
    pub(super) const MAPPING: &str = "All rows of the mapping";
    pub(super) const NONE: &str = "Nothing waits";
    pub(super) const NONE_REASON: &str = "Roles that need a second person, audit windows and the single-operator mode appear here when somebody asks for them.";
    pub(super) const WAITING: &str = "Waiting";
    pub(super) const DECIDED: &str = "Decided lately";
    pub(super) const ASKED_BY: &str = "Asked by";
    pub(super) const UNTIL: &str = "Lapses";
    pub(super) const DECIDED_BY: &str = "Decided by";
    pub(super) const TIME: &str = "nobody in time";
    pub(super) const WHO_CONFIRMS: &str = "An admin, senior approver or compliance officer confirms it, other than who asked for it and whose access it is.";
    pub(super) const CONFIRM: &str = "Confirm";
    pub(super) const REFUSE: &str = "Refuse";
    pub(super) const WITHDRAW: &str = "Take it back";
    pub(super) const PERSON: &str = "Person";
    pub(super) const HOLDS: &str = "Holds today";
    pub(super) const GETS: &str = "Gets";
    pub(super) const READS: &str = "Reads";
    pub(super) const CEILING: &str = "Its groups give at most";
    pub(super) const FROM: &str = "From";
    pub(super) const TO: &str = "Until";
    pub(super) const NO_ROLE: &str = "no role";
    pub(super) const MODE: &str = "Single-operator mode";
    pub(super) const MODE_TITLE: &str = "One person may act alone";
    pub(super) const MODE_EFFECT: &str = "For teams of one: no second person is asked for, an admin may also review, and may give roles to themselves. Every act under it is marked in the ledger. Two approvals that a policy asks for are never dispensed with.";
    pub(super) const SWITCH_ON: &str = "Switch it on";
    pub(super) const SWITCH_OFF: &str = "Switch it off";
}
