//! `/admin/audit-windows`: access of outside auditors, for a time and to some systems.

use countersign_domain::{
    administration::{AuditWindowRow, AuditWindowsView},
    ids::AuditWindowId,
    problem::Problem,
    view::NewKey,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use super::keys::SecretPanel;
use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        admin::{AdminNav, Line, LineKind},
        form::{ErrorSummary, Submit, Weight},
        marks::{Chip, Tone},
        page::{Banner, Bar, Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        time::Moment,
    },
    wire::Json,
};

/// Where a form leads whose window waits for a second person.
const WAITS: &str = "/admin/audit-windows?waits=1";

/// Reads the list of windows.
#[server(prefix = "/act", endpoint = "audit-windows", output = Json)]
pub(crate) async fn audit_windows() -> Result<AuditWindowsView, Error> {
    use countersign_engine::audit_windows;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, audit_windows::list(&engine, &caller).await)
}

/// Asks for a window; a second person confirms it.
#[server(prefix = "/act", endpoint = "open-audit-window", output = Json)]
pub(crate) async fn open_audit_window(
    name: String,
    login: String,
    #[server(default)] systems: String,
    #[server(default)] from: String,
    #[server(default)] until: String,
) -> Result<Answer, Error> {
    use countersign_engine::audit_windows::{self, Opened, Wanted, WantedForm};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let opened = act(async move {
        let form = WantedForm { name: &name, login: &login, systems: &systems, from: &from, until: &until };
        let wanted = Wanted::parse(&engine, form)?;
        audit_windows::request(&engine, &caller, wanted).await
    });

    Ok(told(opened.await.map(|opened| match opened {
        Opened::Now(_) => Answer::done("/admin/audit-windows"),
        Opened::Waits(_) => Answer::done(WAITS),
    })))
}

/// Ends a window before its time.
#[server(prefix = "/act", endpoint = "close-audit-window", output = Json)]
pub(crate) async fn close_audit_window(window: AuditWindowId) -> Result<Answer, Error> {
    use countersign_engine::audit_windows;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { audit_windows::close(&engine, &caller, window).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/audit-windows"))))
}

/// Makes a token for the auditor's programs.
#[server(prefix = "/act", endpoint = "issue-token", output = Json)]
pub(crate) async fn issue_token(window: AuditWindowId, #[server(default)] networks: String) -> Result<Answer, Error> {
    use countersign_engine::audit_windows;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let made = act(async move { audit_windows::issue_token(&engine, &caller, window, &networks).await }).await;

    Ok(told(made.map(|key| Answer::once(&key))))
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    open: ServerAction<OpenAuditWindow>,
    close: ServerAction<CloseAuditWindow>,
    token: ServerAction<IssueToken>,
}

/// The page of auditors' windows.
#[component]
pub(crate) fn AuditWindowsPage() -> impl IntoView {
    let acts = Acts { open: ServerAction::new(), close: ServerAction::new(), token: ServerAction::new() };
    let versions = move || (acts.open.version().get(), acts.close.version().get(), acts.token.version().get());
    let view = Resource::new(versions, |_| audit_windows());
    let opened = answer_of(acts.open);
    let (closed, issued) = (answer_of(acts.close), answer_of(acts.token));
    let refused = Signal::derive(move || opened.get().and_then(Answer::problem));
    let query = use_query_map();
    let waits = Signal::derive(move || {
        let sent = opened.get().is_some_and(|answer| matches!(answer, Answer::Done { to } if to == WAITS));
        sent || query.with(|query| query.get("waits").is_some())
    });
    let problem = Signal::derive(move || [closed.get(), issued.get()].into_iter().flatten().find_map(Answer::problem));
    let key = Signal::derive(move || issued.get().and_then(|answer| answer.shown::<NewKey>()));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(AuditWindowsView { windows, systems, now }) => {
                        let none = windows.is_empty();
                        let windows = windows
                            .into_iter()
                            .map(|window| view! { <Window window now acts/> }.into_any())
                            .collect_view();
                        let systems = systems.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <AdminNav/>
                            <div class="grid max-w-5xl gap-6">
                                <SecretPanel key/>
                                {move || {
                                    waits.get().then(|| view! { <Banner bar=Bar::Note>{strings::WAITING}</Banner> })
                                }}
                                <ErrorSummary problem/>
                                {none.then(|| view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> })}
                                <ul class="grid gap-4">{windows}</ul>
                                <OpenForm open=acts.open systems problem=refused/>
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
fn Window(window: AuditWindowRow, now: u64, acts: Acts) -> impl IntoView {
    let (tone, state) = match (window.closed_at.is_some(), now < window.from, now < window.until) {
        (true, ..) => (Tone::Reject, "Closed"),
        (false, true, _) => (Tone::Info, "To come"),
        (false, false, true) => (Tone::Approve, "Open"),
        (false, false, false) => (Tone::Plain, "Ended"),
    };
    let runs = window.closed_at.is_none() && now < window.until;
    let systems = match window.systems.is_empty() {
        true => strings::ALL.to_owned(),
        false => window.systems.join(", "),
    };
    let id = window.id;
    let networks_id = format!("networks-{}", window.id.short());
    let label = format!("Audit {}", window.name);

    view! {
        <li class="rounded-dialog border border-hairline bg-surface">
            <section aria-label=label class="grid gap-3 px-5 py-4">
                <h2 class="flex flex-wrap items-center gap-x-3 gap-y-1 text-reading font-semibold">
                    {window.name} <Chip tone text=state/>
                </h2>
                <dl class="grid gap-1">
                    <Fact name=strings::AUDITOR>{window.person}</Fact>
                    <Fact name=strings::SHOWS>{systems}</Fact>
                    <Fact name=strings::FROM>
                        <Moment at=window.from/>
                    </Fact>
                    <Fact name=strings::UNTIL>
                        <Moment at=window.closed_at.unwrap_or(window.until)/>
                    </Fact>
                </dl>
                <p>
                    <a href=format!("/admin/access?person={}", window.person_id) class="text-accent underline">
                        {strings::READ}
                    </a>
                </p>
                {runs
                    .then(|| {
                        view! {
                            <div class="flex flex-wrap items-end gap-x-4 gap-y-3">
                                <ActionForm action=acts.token attr:class="flex flex-wrap items-end gap-3">
                                    <input type="hidden" name="window" value=id.to_string()/>
                                    <Line
                                        id=networks_id
                                        name="networks"
                                        label=strings::NETWORKS
                                        kind=LineKind::Text
                                        problem=Signal::stored(None::<Problem>)
                                    />
                                    <Submit weight=Weight::Plain pending=acts.token.pending()>
                                        {strings::TOKEN}
                                    </Submit>
                                </ActionForm>
                                <ActionForm action=acts.close>
                                    <input type="hidden" name="window" value=id.to_string()/>
                                    <Submit weight=Weight::Ending pending=acts.close.pending()>
                                        {strings::CLOSE}
                                    </Submit>
                                </ActionForm>
                            </div>
                        }
                    })}
            </section>
        </li>
    }
}

#[component]
fn OpenForm(
    open: ServerAction<OpenAuditWindow>,
    systems: Vec<String>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let known = match systems.is_empty() {
        true => strings::NO_SYSTEMS.to_owned(),
        false => format!("{} {}.", strings::KNOWN, systems.join(", ")),
    };

    view! {
        <Panel title=strings::OPEN>
            <ActionForm action=open attr:class="grid max-w-3xl gap-4 sm:grid-cols-2">
                <div class="sm:col-span-2">
                    <ErrorSummary problem/>
                </div>
                <Line
                    id="name"
                    name="name"
                    label=strings::NAME
                    hint=strings::NAME_HINT
                    kind=LineKind::Text
                    value={typed::<OpenAuditWindow>("name")}
                    problem
                />
                <Line
                    id="login"
                    name="login"
                    label=strings::LOGIN
                    hint=strings::LOGIN_HINT
                    kind=LineKind::Text
                    value={typed::<OpenAuditWindow>("login")}
                    problem
                />
                <Line
                    id="from"
                    name="from"
                    label=strings::FIRST_DAY
                    hint=strings::FIRST_DAY_HINT
                    kind=LineKind::Day
                    value={typed::<OpenAuditWindow>("from")}
                    problem
                />
                <Line
                    id="until"
                    name="until"
                    label=strings::LAST_DAY
                    hint=strings::LAST_DAY_HINT
                    kind=LineKind::Day
                    value={typed::<OpenAuditWindow>("until")}
                    problem
                />
                <div class="grid gap-1 sm:col-span-2">
                    <Line
                        id="systems"
                        name="systems"
                        label=strings::SYSTEMS
                        hint=strings::SYSTEMS_HINT
                        kind=LineKind::Text
                        value={typed::<OpenAuditWindow>("systems")}
                        problem
                    />
                    <p class="text-compact text-muted [overflow-wrap:anywhere]">{known}</p>
                </div>
                <div>
                    <Submit weight=Weight::Primary pending=open.pending()>
                        {strings::ASK}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Audit windows";
    pub(super) const INTRO: &str = "An outside auditor reads, for a time and the AI systems you name; changes nothing; and every page carries their name and the audit's. A second person confirms each window. After its last day they are refused.";
    pub(super) const WAITING: &str =
        "Asked for. The window opens once a second person, who neither asked for it nor is its auditor, confirms it.";
    pub(super) const NONE: &str = "No audit window yet";
    pub(super) const NONE_REASON: &str = "Invite the auditor under People with no role yet, or let them in through the provider, then ask for a window below. They see their own access log under You.";
    pub(super) const ALL: &str = "every AI system";
    pub(super) const AUDITOR: &str = "Auditor";
    pub(super) const SHOWS: &str = "Shows";
    pub(super) const FROM: &str = "From";
    pub(super) const UNTIL: &str = "Until";
    pub(super) const READ: &str = "What they read";
    pub(super) const NETWORKS: &str = "Networks of the token (optional)";
    pub(super) const TOKEN: &str = "Issue a token";
    pub(super) const CLOSE: &str = "Close now";
    pub(super) const OPEN: &str = "Ask for an audit window";
    pub(super) const NAME: &str = "Audit";
    pub(super) const NAME_HINT: &str = "Lower-case letters, digits and hyphens, such as iso-27001-2026.";
    pub(super) const LOGIN: &str = "Auditor's sign-in name";
    pub(super) const LOGIN_HINT: &str = "A member who holds no role.";
    pub(super) const FIRST_DAY: &str = "First day";
    pub(super) const FIRST_DAY_HINT: &str = "Empty: at once.";
    pub(super) const LAST_DAY: &str = "Last day";
    pub(super) const LAST_DAY_HINT: &str = "In UTC, included.";
    pub(super) const SYSTEMS: &str = "AI systems";
    pub(super) const SYSTEMS_HINT: &str = "Names with spaces between. Empty: every AI system.";
    pub(super) const KNOWN: &str = "Registered:";
    pub(super) const NO_SYSTEMS: &str = "No AI system is registered yet.";
    pub(super) const ASK: &str = "Ask for it";
}
