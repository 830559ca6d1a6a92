//! `/admin/sessions` and `/admin/passkeys`: sign-ins that run, and passkeys that wait for an admin's word.

use countersign_domain::{
    ids::PasskeyId,
    view::{MemberSession, PasskeysView, SessionsView, UnconfirmedPasskey},
};
use leptos::{form::ActionForm, prelude::*};

use super::me::{EndSession, method_label};
use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        admin::AdminNav,
        agent::browser,
        form::{ErrorSummary, Submit, Weight},
        marks::{Chip, Tone},
        page::{PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        time::{Moment, Since},
    },
    wire::Json,
};

/// Reads the sign-ins that run.
#[server(prefix = "/act", endpoint = "sessions", output = Json)]
pub(crate) async fn sessions() -> Result<SessionsView, Error> {
    use countersign_engine::sessions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, sessions::list(&engine, &caller).await)
}

/// Reads the passkeys that wait for an admin's word.
#[server(prefix = "/act", endpoint = "passkeys", output = Json)]
pub(crate) async fn passkeys() -> Result<PasskeysView, Error> {
    use countersign_engine::passkeys;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, passkeys::list_unconfirmed(&engine, &caller).await)
}

/// Vouches for somebody else's passkey.
#[server(prefix = "/act", endpoint = "confirm-passkey", output = Json)]
pub(crate) async fn confirm_passkey(passkey: PasskeyId) -> Result<Answer, Error> {
    use countersign_engine::passkeys;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { passkeys::confirm(&engine, &caller, passkey).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/passkeys"))))
}

/// Who is signed in, and from where.
#[component]
pub(crate) fn SessionsPage() -> impl IntoView {
    let end = ServerAction::<EndSession>::new();
    let view = Resource::new(move || end.version().get(), |_| sessions());
    let answer = answer_of(end);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));

    view! {
        <PageTitle text=TitleText::page(strings::SESSIONS)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=5/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(SessionsView { sessions, now }) => {
                        let rows = sessions.into_iter().map(|session| member_row(session, now, end)).collect_view();
                        view! {
                            <PageHeader title=|| strings::SESSIONS>
                                <p class="text-muted">{strings::SESSIONS_TEXT}</p>
                            </PageHeader>
                            <AdminNav/>
                            <div class="grid max-w-4xl gap-6">
                                <ErrorSummary problem/>
                                <Panel title=strings::RUNNING>
                                    <ul class="divide-y divide-hairline">{rows}</ul>
                                </Panel>
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

fn member_row(member: MemberSession, now: u64, end: ServerAction<EndSession>) -> AnyView {
    let MemberSession { person, name, session } = member;
    let of = format!("the sign-in of {name}");

    view! {
        <li class="flex flex-wrap items-center gap-x-5 gap-y-1 py-3">
            <div class="min-w-0 flex-1">
                <p class="font-medium">
                    <a href=format!("/admin/people/{person}") class="text-accent underline">{name}</a>
                </p>
                <p class="text-compact text-muted [overflow-wrap:anywhere]">
                    {method_label(session.method)} " · " {browser(&session.agent)} " · "
                    <span class="font-mono">{session.ip}</span>
                </p>
                <p class="text-compact text-muted">
                    {strings::SINCE} " " <Moment at=session.started_at/> " · " {strings::SEEN} " "
                    <Since at=session.last_seen_at now/>
                </p>
            </div>
            {if session.current {
                view! { <Chip tone=Tone::Info text=strings::THIS_ONE/> }.into_any()
            } else {
                view! {
                    <ActionForm action=end>
                        <input type="hidden" name="session" value=session.id.to_string()/>
                        <input type="hidden" name="next" value="/admin/sessions"/>
                        <Submit weight=Weight::Ending pending=end.pending()>
                            {strings::END} <span class="sr-only">{of}</span>
                        </Submit>
                    </ActionForm>
                }
                    .into_any()
            }}
        </li>
    }
    .into_any()
}

/// Passkeys that may not sign reviews yet.
#[component]
pub(crate) fn PasskeysPage() -> impl IntoView {
    let confirm = ServerAction::<ConfirmPasskey>::new();
    let view = Resource::new(move || confirm.version().get(), |_| passkeys());
    let answer = answer_of(confirm);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));

    view! {
        <PageTitle text=TitleText::page(strings::PASSKEYS)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=3/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(PasskeysView { passkeys, now }) => {
                        let none = passkeys.is_empty();
                        let rows = passkeys.into_iter().map(|key| passkey_row(key, now, confirm)).collect_view();
                        view! {
                            <PageHeader title=|| strings::PASSKEYS>
                                <p class="text-muted">{strings::PASSKEYS_TEXT}</p>
                            </PageHeader>
                            <AdminNav/>
                            <div class="grid max-w-4xl gap-6">
                                <ErrorSummary problem/>
                                <Panel title=strings::WAITING>
                                    {if none {
                                        view! { <p class="text-muted">{strings::NONE}</p> }.into_any()
                                    } else {
                                        view! { <ul class="divide-y divide-hairline">{rows}</ul> }.into_any()
                                    }}
                                </Panel>
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

fn passkey_row(key: UnconfirmedPasskey, now: u64, confirm: ServerAction<ConfirmPasskey>) -> AnyView {
    view! {
        <li class="flex flex-wrap items-center gap-x-5 gap-y-1 py-3">
            <div class="min-w-0 flex-1">
                <p class="font-medium">{key.name}</p>
                <p class="text-compact text-muted [overflow-wrap:anywhere]">
                    <span class="font-mono">{key.fingerprint}</span> " · "
                    {if key.synced { strings::SYNCED } else { strings::BOUND }} " · " {strings::ENROLLED} " "
                    <Since at=key.enrolled_at now/>
                    {key.aaguid.map(|aaguid| view! { " · " {strings::MODEL} " " <span class="font-mono">{aaguid}</span> })}
                </p>
            </div>
            {if key.own {
                view! { <Chip tone=Tone::Plain text=strings::OWN/> }.into_any()
            } else {
                view! {
                    <ActionForm action=confirm>
                        <input type="hidden" name="passkey" value=key.id.to_string()/>
                        <Submit weight=Weight::Plain pending=confirm.pending()>
                            {strings::CONFIRM}
                        </Submit>
                    </ActionForm>
                }
                    .into_any()
            }}
        </li>
    }
    .into_any()
}

mod strings {
    pub(super) const SESSIONS: &str = "Sign-ins";
    pub(super) const SESSIONS_TEXT: &str =
        "Everybody who is signed in at this moment. Ending a sign-in closes its pages within a second, and is sealed.";
    pub(super) const RUNNING: &str = "Running";
    pub(super) const SINCE: &str = "since";
    pub(super) const SEEN: &str = "last seen";
    pub(super) const THIS_ONE: &str = "This browser";
    pub(super) const END: &str = "End";
    pub(super) const PASSKEYS: &str = "Passkeys to confirm";
    pub(super) const PASSKEYS_TEXT: &str = "A passkey signs reviews once an admin other than its holder has vouched for it. Speak to the holder and compare the fingerprint: the enrolment is what every signature rests on.";
    pub(super) const WAITING: &str = "Waiting";
    pub(super) const NONE: &str = "No passkey waits for you.";
    pub(super) const SYNCED: &str = "may be copied to other devices";
    pub(super) const BOUND: &str = "stays on its device";
    pub(super) const ENROLLED: &str = "enrolled";
    pub(super) const MODEL: &str = "model";
    pub(super) const OWN: &str = "Yours: another admin confirms it";
    pub(super) const CONFIRM: &str = "Confirm";
}
