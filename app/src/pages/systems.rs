//! `/admin/systems`: AI systems and their keys. A key proposes and reads; it never reviews.

use countersign_domain::{
    ids::{AgentKeyId, SystemId},
    problem::Problem,
    view::{KeyRow, NewKey, SystemRow, SystemsView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use super::owners::{NameOwner, OwnerForm, OwnerLine, Told};
use crate::{
    Error,
    answer::{Answer, answer_of, goes_on, recorded, typed},
    components::{
        form::{ErrorSummary, Field, Kind, Submit, Weight},
        icons::{Icon, Shape},
        marks::{Chip, Tone},
        page::{Empty, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        pause::{PauseBanner, pause_address},
        text::CopyId,
        time::{Moment, Since},
    },
    wire::Json,
};

/// Reads the list of systems.
#[server(prefix = "/act", endpoint = "systems", output = Json)]
pub(crate) async fn systems() -> Result<SystemsView, Error> {
    use countersign_engine::systems;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, systems::list(&engine, &caller).await)
}

/// Registers a system, which may then propose decisions.
#[server(prefix = "/act", endpoint = "register-system", output = Json)]
pub(crate) async fn register_system(name: String) -> Result<Answer, Error> {
    use countersign_engine::systems;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { systems::register(&engine, &caller, &name).await }).await;

    Ok(told(done.map(|_| Answer::done("/admin/systems"))))
}

/// Makes a key for a system.
#[server(prefix = "/act", endpoint = "issue-key", output = Json)]
pub(crate) async fn issue_key(system: SystemId) -> Result<Answer, Error> {
    use countersign_engine::systems;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let key = act(async move { systems::issue_key(&engine, &caller, system).await }).await;

    Ok(told(key.map(|key| Answer::once(&key))))
}

/// Ends a key at once.
#[server(prefix = "/act", endpoint = "revoke-key", output = Json)]
pub(crate) async fn revoke_key(key: AgentKeyId) -> Result<Answer, Error> {
    use countersign_engine::systems;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { systems::revoke_key(&engine, &caller, key).await }).await;

    Ok(told(done.map(|_| Answer::done("/admin/systems"))))
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    register: ServerAction<RegisterSystem>,
    issue: ServerAction<IssueKey>,
    revoke: ServerAction<RevokeKey>,
    name: ServerAction<NameOwner>,
}

/// Whose owner is being named, and what became of it.
#[derive(Clone, Copy)]
struct Naming {
    chosen: Memo<Option<SystemId>>,
    may_name: bool,
    problem: Signal<Option<Problem>>,
}

/// The systems page.
#[component]
pub(crate) fn SystemsPage() -> impl IntoView {
    let acts = Acts {
        register: ServerAction::new(),
        issue: ServerAction::new(),
        revoke: ServerAction::new(),
        name: ServerAction::new(),
    };
    let named = recorded(acts.name);
    let versions =
        move || (acts.register.version().get(), acts.issue.version().get(), acts.revoke.version().get(), named.get());
    let query = use_query_map();
    let chosen = Memo::new(move |_| query.with(|query| query.get("owner")?.parse::<SystemId>().ok()));
    let naming = answer_of(acts.name);
    goes_on(naming);
    let view = Resource::new(versions, |_| systems());
    let registered = answer_of(acts.register);
    let issued = answer_of(acts.issue);
    let revoked = answer_of(acts.revoke);
    let problem = Signal::derive(move || [issued.get(), revoked.get()].into_iter().flatten().find_map(Answer::problem));
    let unnamed = Signal::derive(move || naming.get().and_then(Answer::problem));
    let key = Signal::derive(move || issued.get().and_then(|answer| answer.shown::<NewKey>()));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(SystemsView { systems, may_name, now }) => {
                        let empty = systems.is_empty();
                        let naming = Naming { chosen, may_name, problem: unnamed };
                        let systems = systems
                            .into_iter()
                            .map(|system| view! { <System system now acts naming/> }.into_any())
                            .collect_view();
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <div class="grid max-w-5xl gap-6">
                                <NewKeyPanel key/>
                                <ErrorSummary problem/>
                                {empty.then(|| view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> })}
                                {systems}
                                <RegisterForm register=acts.register answer=registered/>
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

/// The key, shown this once: only its hash is stored.
#[component]
fn NewKeyPanel(key: Signal<Option<NewKey>>) -> impl IntoView {
    move || {
        key.get().map(|key| {
            view! {
                <div role="status" class="grid gap-2 rounded-dialog border-2 border-approve bg-surface px-5 py-4">
                    <h2 class="flex items-center gap-2 text-reading font-semibold">
                        <Icon shape=Shape::Check class="size-5 text-approve"/>
                        {format!("Key for {}", key.system)}
                    </h2>
                    <CopyId id=key.key label="key"/>
                    <p class="text-compact text-muted">
                        {strings::KEY_TEXT} " " <Moment at=key.expires_at/> "."
                    </p>
                </div>
            }
        })
    }
}

#[component]
fn System(system: SystemRow, now: u64, acts: Acts, naming: Naming) -> impl IntoView {
    let SystemRow { id, name, open_count, pause, owner, owner_entry, keys } = system;
    let Naming { chosen, may_name, problem } = naming;
    let told = Told::new(id, owner, owner_entry);
    let owned = name.clone();
    let form = {
        let name = name.clone();
        move || {
            (may_name && chosen.get() == Some(id))
                .then(|| view! { <OwnerForm told name=name.clone() action=acts.name problem/> }.into_any())
        }
    };
    let pausing = format!("Pause {name}");
    let none = keys.is_empty();
    let label = name.clone();
    let rows = keys.into_iter().map(|key| view! { <Key key now acts/> }.into_any()).collect_view();

    view! {
        <section aria-label=label class="rounded-dialog border border-hairline bg-surface">
            <div class="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-hairline px-5 py-3">
                <h2 class="text-reading font-semibold">{name}</h2>
                <p class="text-compact text-muted tabular-nums">{format!("{open_count} open decisions")}</p>
                <div class="ml-auto flex flex-wrap gap-2">
                    {pause
                        .is_none()
                        .then(|| {
                            view! {
                                <a href=pause_address(id) aria-label=pausing class=Weight::Ending.class()>
                                    {strings::PAUSE}
                                </a>
                            }
                        })}
                    <ActionForm action=acts.issue>
                        <input type="hidden" name="system" value=id.to_string()/>
                        <Submit weight=Weight::Plain pending=acts.issue.pending()>
                            {strings::ISSUE}
                        </Submit>
                    </ActionForm>
                </div>
            </div>
            <OwnerLine told name=owned may_name/>
            {form}
            {pause.map(|pause| view! { <div class="px-5 pt-4"><PauseBanner pause/></div> })}
            {if none {
                view! { <p class="px-5 py-4 text-muted">{strings::NO_KEYS}</p> }.into_any()
            } else {
                view! { <ul class="divide-y divide-hairline">{rows}</ul> }.into_any()
            }}
        </section>
    }
}

#[component]
fn Key(key: KeyRow, now: u64, acts: Acts) -> impl IntoView {
    let live = key.revoked_at.is_none() && key.expires_at > now;
    let (tone, state) = match (key.revoked_at.is_some(), live) {
        (true, _) => (Tone::Reject, strings::REVOKED),
        (false, true) => (Tone::Approve, strings::LIVE),
        (false, false) => (Tone::Plain, strings::EXPIRED),
    };

    view! {
        <li class="flex flex-wrap items-center gap-x-5 gap-y-1 px-5 py-3">
            <code class="font-mono text-compact">{key.key_id}</code>
            <Chip tone text=state/>
            <span class="text-compact text-muted">
                {strings::ISSUED} " " <Moment at=key.issued_at/>
            </span>
            <span class="text-compact text-muted">
                {match key.revoked_at {
                    Some(at) => view! { {strings::ENDED} " " <Moment at/> }.into_any(),
                    None => view! { {strings::ENDS} " " <Moment at=key.expires_at/> }.into_any(),
                }}
            </span>
            <span class="text-compact text-muted">
                {match key.last_used_at {
                    Some(at) => view! { {strings::USED} " " <Since at now/> }.into_any(),
                    None => strings::UNUSED.into_any(),
                }}
            </span>
            {live
                .then(|| {
                    view! {
                        <div class="ml-auto">
                            <ActionForm action=acts.revoke>
                                <input type="hidden" name="key" value=key.id.to_string()/>
                                <Submit weight=Weight::Ending pending=acts.revoke.pending()>
                                    {strings::REVOKE}
                                </Submit>
                            </ActionForm>
                        </div>
                    }
                })}
        </li>
    }
}

#[component]
fn RegisterForm(register: ServerAction<RegisterSystem>, answer: Signal<Option<Answer>>) -> impl IntoView {
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));

    view! {
        <Panel title=strings::REGISTER>
            <ActionForm action=register attr:class="grid max-w-md gap-4">
                <ErrorSummary problem/>
                <Field
                    name="name"
                    label=strings::NAME
                    hint=strings::NAME_HINT
                    kind=Kind::Text
                    value={typed::<RegisterSystem>("name")}
                    problem
                />
                <div>
                    <Submit weight=Weight::Primary pending=register.pending()>
                        {strings::REGISTER}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "AI systems";
    pub(super) const INTRO: &str = "Systems that may propose decisions, and the keys they sign in with. A key can propose and read its own decisions; no key can review.";
    pub(super) const NONE: &str = "No AI system yet";
    pub(super) const NONE_REASON: &str = "Register one below, issue a key, and hand it to whoever runs the agent. Its first proposal then appears in the queue.";
    pub(super) const KEY_TEXT: &str = "Store it where the agent reads its secrets. It is shown this once and ends";
    pub(super) const PAUSE: &str = "Pause";
    pub(super) const ISSUE: &str = "Issue a key";
    pub(super) const REVOKE: &str = "Revoke";
    pub(super) const NO_KEYS: &str = "No keys. Without one this system cannot propose anything.";
    pub(super) const LIVE: &str = "Live";
    pub(super) const REVOKED: &str = "Revoked";
    pub(super) const EXPIRED: &str = "Expired";
    pub(super) const ISSUED: &str = "Issued";
    pub(super) const ENDS: &str = "Ends";
    pub(super) const ENDED: &str = "Ended";
    pub(super) const USED: &str = "Last used";
    pub(super) const UNUSED: &str = "Never used";
    pub(super) const REGISTER: &str = "Register a system";
    pub(super) const NAME: &str = "Name";
    pub(super) const NAME_HINT: &str = "Lower-case letters, digits and hyphens, such as refund-agent.";
}
