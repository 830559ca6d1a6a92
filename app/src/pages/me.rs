//! `/me`: the person's own sign-ins, reviews and preferences.

use countersign_domain::{
    decision::ReviewState,
    event::SignInMethod,
    ids::SessionId,
    keyboard::KeyMap,
    view::{MeView, NoticeKind, NoticeRow, OwnReview, SessionRow},
};
use leptos::{form::ActionForm, prelude::*, server_fn::ServerFn};

use super::delegations::{self, OwnSection};
use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        agent::browser,
        form::{ErrorSummary, Submit, Weight},
        marks::{Chip, SealMark, Tone, VerdictMark},
        page::{Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::Literal,
        time::{Moment, Since},
    },
    site::{Advance, Density, Preferences, Theme, Zone},
    wire::Json,
};

/// Reads the person's own page.
#[server(prefix = "/act", endpoint = "me", output = Json)]
pub(crate) async fn mine() -> Result<MeView, Error> {
    use countersign_engine::people;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, people::my_page(&engine, &caller).await)
}

/// Ends one of the person's own sign-ins.
#[server(prefix = "/act", endpoint = "end-session", output = Json)]
pub(crate) async fn end_session(session: SessionId, next: Option<String>) -> Result<Answer, Error> {
    use countersign_engine::sessions;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { sessions::end(&engine, &caller, session).await }).await;

    let next = next.unwrap_or_else(|| "/me".to_owned());
    Ok(told(done.map(|_| Answer::done(super::sign_in::local_path(&next)))))
}

/// Marks what the reader was told about access as read.
#[server(prefix = "/act", endpoint = "notices-read", output = Json)]
pub(crate) async fn notices_read(up_to: u64) -> Result<Answer, Error> {
    use countersign_engine::notices;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { notices::read(&engine, &caller, up_to).await }).await;

    Ok(told(done.map(|()| Answer::done("/me"))))
}

/// Says how somebody signed in.
pub(crate) fn method_label(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::Password => "Password",
        SignInMethod::Totp => "Password and app",
        SignInMethod::Recovery => "Password and recovery code",
        SignInMethod::Passkey => "Passkey",
        SignInMethod::Provider => "Sign-in provider",
        SignInMethod::BreakGlass => "Break-glass",
        SignInMethod::Demo => "Demo",
    }
}

/// What the reader was not told yet about access.
#[component]
pub(crate) fn Notices(notices: Vec<NoticeRow>) -> impl IntoView {
    let Some(newest) = notices.first().map(|notice| notice.at) else { return ().into_any() };
    let rows = notices
        .into_iter()
        .map(|notice| {
            let (text, about) = (notice_text(notice.kind), notice.about.unwrap_or_default());
            let system = notice.system.map(|system| format!("{system} "));
            let talk = matches!(notice.kind, NoticeKind::Mentioned | NoticeKind::Asked | NoticeKind::Answered);
            let anchor = if talk { "#comments" } else { "" };
            let link = match notice.kind {
                NoticeKind::RoleRequested => Some(("/admin/role-requests".to_owned(), strings::TO_REQUESTS)),
                NoticeKind::RoleAnswered => Some(("/me/role-requests".to_owned(), strings::TO_ANSWER)),
                _ => notice.decision.map(|id| (format!("/decisions/{id}{anchor}"), strings::TO_DECISION)),
            };
            view! {
                <li>
                    {system} {text} {(!about.is_empty()).then(|| view! { " " <Literal text=about/> })} " · "
                    <Moment at=notice.at/>
                    {link
                        .map(|(address, words)| {
                            view! {
                                " · "
                                // Whole, so that the page is read and scrolled to the comments.
                                <a href=address rel="external" class="font-medium underline">
                                    {words}
                                </a>
                            }
                        })}
                </li>
            }
        })
        .collect_view();

    view! {
        <div role="note" class="mb-5 grid gap-2 rounded-control border-l-4 border-escalate bg-surface px-4 py-3 text-body">
            <p class="font-medium">{strings::NOTICES}</p>
            <ul class="list-disc pl-5">{rows}</ul>
            <form method="post" action=NoticesRead::PATH>
                <input type="hidden" name="up_to" value=newest.to_string()/>
                <button type="submit" class=Weight::Plain.class()>
                    {strings::NOTICED}
                </button>
            </form>
        </div>
    }
    .into_any()
}

fn notice_text(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::FactorAdded => "A way to sign in was added to your account. If that was not you, tell an admin.",
        NoticeKind::FactorRemoved => {
            "A way to sign in was taken from your account. If that was not you, tell an admin."
        }
        NoticeKind::PasswordChanged => "Your password was changed. If that was not you, tell an admin.",
        NoticeKind::RecoveryUsed => "One of your recovery codes was used. If that was not you, tell an admin.",
        NoticeKind::PasskeyConfirmed => "An admin confirmed a passkey of yours; it may sign reviews.",
        NoticeKind::PasskeyCopied => {
            "The counter of a passkey went back, as when a key was copied. It was refused. Holder:"
        }
        NoticeKind::GroupOverage => {
            "The provider sent a reference in place of somebody's groups, so no role follows from them. Who:"
        }
        NoticeKind::SystemPaused => "was paused, so what it proposes is rejected. By:",
        NoticeKind::SystemResumed => "was resumed. By:",
        NoticeKind::Mentioned => "A comment names you. By:",
        NoticeKind::Asked => "A comment asks you a question. By:",
        NoticeKind::ToMakeGood => {
            "An action had an effect and its approval is revoked: somebody has to make that good. Revoked by:"
        }
        NoticeKind::OwnerNamed => "is yours to answer for as its owner. Named by:",
        NoticeKind::OwnerReplaced => "is no longer yours to answer for as its owner. Changed by:",
        NoticeKind::StaffShort => "so that nobody can decide what it asks people about. Health says what to do.",
        NoticeKind::StaffBack => "no longer: there are enough people again.",
        NoticeKind::ChangeAsked => "An AI system that you own was asked for a change. By:",
        NoticeKind::ToPostReview => {
            "An override or a revocation waits for another person to look at it, under Post-reviews. Done by:"
        }
        NoticeKind::NotUpheld => "Somebody looked at what you did, and did not uphold it. By:",
        NoticeKind::StandsIn => "You may review in somebody's place; for how long and how far is under You. Given by:",
        NoticeKind::StandsInNoMore => "A delegation between you was ended before its time. By:",
        NoticeKind::GrantAsked => "waits for somebody to activate or refuse a grant, under Grants. Asked for by:",
        NoticeKind::GrantActivated => "acts on the grant that you asked for, without asking people. Activated by:",
        NoticeKind::GrantRefused => "goes on asking people: the grant that you asked for was refused. By:",
        NoticeKind::RoleRequested => "Somebody asks for a role. Who:",
        NoticeKind::RoleAnswered => "Your request for a role was answered. By:",
        NoticeKind::Answered => "Your question was answered. By:",
        NoticeKind::TakenOver => "Your review was taken over. By:",
        NoticeKind::Invited => "You are asked to review as second approver: half of the time is over.",
        NoticeKind::NobodyReviews => "proposes something that nobody may review. Give somebody a role that reaches it.",
        NoticeKind::BreakGlass => "A local account was used past the sign-in provider, for one hour. By:",
    }
}

/// Ends the reader's sign-ins everywhere else.
#[server(prefix = "/act", endpoint = "end-other-sessions", output = Json)]
pub(crate) async fn end_other_sessions() -> Result<Answer, Error> {
    use countersign_engine::sessions;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { sessions::end_others(&engine, &caller).await }).await;

    Ok(told(done.map(|_| Answer::done("/me"))))
}

/// Ends everything at once that is not this browser.
#[component]
pub(crate) fn EndOthers(end: ServerAction<EndOtherSessions>) -> impl IntoView {
    view! {
        <ActionForm action=end>
            <Submit weight=Weight::Ending pending=end.pending()>
                {strings::END_OTHERS}
            </Submit>
        </ActionForm>
    }
}

/// Keeps this browser's preferences in cookies.
#[server(prefix = "/act", endpoint = "prefer", output = Json)]
pub(crate) async fn prefer(
    theme: String,
    density: String,
    zone: String,
    #[server(default)] advance: String,
    #[server(default)] next: String,
) -> Result<Answer, Error> {
    let preferences = Preferences {
        theme: Theme::from_word(&theme),
        density: Density::from_word(&density),
        zone: Zone::from_word(&zone),
        advance: Advance::from_word(&advance),
    };
    for cookie in preferences.cookies(crate::request::cookie_name()) {
        crate::request::set_cookie(&cookie);
    }

    Ok(Answer::done(if next.is_empty() { "/me".to_owned() } else { super::sign_in::local_path(&next) }))
}

/// Reads this browser's preferences out of the document, which the server marked with them.
pub(crate) fn preferences() -> Preferences {
    #[cfg(feature = "ssr")]
    return crate::shell::preferences();
    #[cfg(not(feature = "ssr"))]
    {
        let root = document().document_element();
        let word = |name: &str| root.as_ref().and_then(|root| root.get_attribute(name)).unwrap_or_default();
        Preferences {
            theme: Theme::from_word(&word("data-theme")),
            density: Density::from_word(&word("data-density")),
            zone: Zone::from_word(&word("data-zone")),
            advance: Advance::from_word(&word("data-advance")),
        }
    }
}

/// The person's own page.
#[component]
pub(crate) fn MePage() -> impl IntoView {
    let end = ServerAction::<EndSession>::new();
    let end_others = ServerAction::<EndOtherSessions>::new();
    let delegating = delegations::Acts::new();
    let delegated = delegating.recorded();
    let view = Resource::new(move || (end.version().get(), end_others.version().get(), delegated()), |_| mine());
    let answers = [answer_of(end), answer_of(end_others)];
    let problem = Signal::derive(move || answers.iter().find_map(|answer| answer.get().and_then(Answer::problem)));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(MeView { me, providers, sessions, reviews, delegations, now }) => {
                        let roles = me.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
                        let keys = keys_words(&me.keys);
                        view! {
                            <PageHeader title=move || me.name.clone()/>
                            <div class="grid max-w-4xl gap-6">
                                <ErrorSummary problem/>
                                <Panel title=strings::ACCOUNT>
                                    <dl class="grid gap-1.5">
                                        <Fact name=strings::LOGIN>{me.login}</Fact>
                                        <Fact name=strings::ROLES>
                                            {if roles.is_empty() { strings::NO_ROLE.to_owned() } else { roles }}
                                        </Fact>
                                        <Fact name=strings::FACTORS>
                                            <a href=super::factors::PAGE class="text-accent underline">
                                                {strings::FACTORS_LINK}
                                            </a>
                                        </Fact>
                                        {(!providers.is_empty())
                                            .then(|| {
                                                view! {
                                                    <Fact name=strings::CONNECTED>
                                                        {providers.join(", ")} ": " {strings::CONNECTED_TEXT}
                                                    </Fact>
                                                }
                                            })}
                                    </dl>
                                </Panel>
                                <OwnSection shown=delegations acts=delegating/>
                                <PreferencesForm/>
                                <Panel title=strings::KEYS>
                                    <p>{keys}</p>
                                    <p class="flex flex-wrap gap-x-5 gap-y-2">
                                        <a href=super::own_keys::PAGE class="text-accent underline">
                                            {strings::KEYS_LINK}
                                        </a>
                                        <a href=super::views::PAGE class="text-accent underline">
                                            {strings::VIEWS_LINK}
                                        </a>
                                    </p>
                                </Panel>
                                <super::notices::own::OwnNotices/>
                                <super::notices::browser::BrowserNotices/>
                                <Sessions sessions now end end_others/>
                                <Reviews reviews/>
                                <p class="flex flex-wrap gap-x-5 gap-y-2">
                                    <a href="/me/access" class="text-accent underline">
                                        {strings::ACCESS}
                                    </a>
                                    <a href="/me/role-requests" class="text-accent underline">
                                        {strings::ASK_FOR_ROLE}
                                    </a>
                                </p>
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

/// Says how the person's keys stand.
fn keys_words(keys: &KeyMap) -> String {
    match (keys.off, keys.changed.len()) {
        (true, _) => strings::KEYS_OFF.to_owned(),
        (false, 0) => strings::KEYS_DEFAULT.to_owned(),
        (false, 1) => "Keys of one character are on; you changed one of them.".to_owned(),
        (false, count) => format!("Keys of one character are on; you changed {count} of them."),
    }
}

/// A plain form: the whole document changes with it.
#[component]
fn PreferencesForm() -> impl IntoView {
    let chosen = preferences();
    let themes = Theme::ALL.iter().map(|theme| (theme.word(), theme.label(), *theme == chosen.theme)).collect();
    let densities =
        Density::ALL.iter().map(|density| (density.word(), density.label(), *density == chosen.density)).collect();
    let advances =
        Advance::ALL.iter().map(|advance| (advance.word(), advance.label(), *advance == chosen.advance)).collect();
    let zones = Zone::ALL.iter().map(|zone| (zone.word(), zone.label(), *zone == chosen.zone)).collect();

    view! {
        <Panel title=strings::PREFERENCES>
            <form method="post" action=Prefer::PATH class="grid gap-4">
                <div class="grid gap-5 sm:grid-cols-2 lg:grid-cols-4">
                    <Choice name="theme" legend=strings::THEME options=themes/>
                    <Choice name="density" legend=strings::DENSITY options=densities/>
                    <Choice name="zone" legend=strings::ZONE options=zones/>
                    <Choice name="advance" legend=strings::ADVANCE options=advances/>
                </div>
                <p class="text-compact text-muted">{strings::COOKIES}</p>
                <div>
                    <button type="submit" class=Weight::Plain.class()>
                        {strings::SAVE}
                    </button>
                </div>
            </form>
        </Panel>
    }
}

/// One choice among few: word, label, and whether it is the one.
#[component]
fn Choice(name: &'static str, legend: &'static str, options: Vec<(&'static str, &'static str, bool)>) -> impl IntoView {
    view! {
        <fieldset class="grid content-start">
            <legend class="mb-1 text-body font-medium">{legend}</legend>
            {options
                .into_iter()
                .map(|(word, label, chosen)| {
                    view! {
                        <label class="flex min-h-9 items-center gap-2.5">
                            <input type="radio" name=name value=word checked=chosen class="size-4 accent-accent"/>
                            {label}
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

#[component]
fn Sessions(
    sessions: Vec<SessionRow>,
    now: u64,
    end: ServerAction<EndSession>,
    end_others: ServerAction<EndOtherSessions>,
) -> impl IntoView {
    let others = sessions.len() > 1;
    let rows = sessions
        .into_iter()
        .map(|session| {
            view! {
                <li class="flex flex-wrap items-center gap-x-5 gap-y-1 py-3">
                    <div class="min-w-0 flex-1">
                        <p class="font-medium [overflow-wrap:anywhere]">{browser(&session.agent)}</p>
                        <p class="text-compact text-muted">
                            {method_label(session.method)} " · " <span class="font-mono">{session.ip}</span> " · " {strings::SINCE} " "
                            <Moment at=session.started_at/> " · " {strings::SEEN} " "
                            <Since at=session.last_seen_at now/>
                        </p>
                    </div>
                    {if session.current {
                        view! { <Chip tone=Tone::Info text=strings::THIS_ONE/> }.into_any()
                    } else {
                        view! {
                            <ActionForm action=end>
                                <input type="hidden" name="session" value=session.id.to_string()/>
                                <Submit weight=Weight::Ending pending=end.pending()>
                                    {strings::END}
                                </Submit>
                            </ActionForm>
                        }
                            .into_any()
                    }}
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::SESSIONS>
            <ul class="divide-y divide-hairline">{rows}</ul>
            {others.then(|| view! { <EndOthers end=end_others/> })}
        </Panel>
    }
}

#[component]
fn Reviews(reviews: Vec<OwnReview>) -> impl IntoView {
    let none = reviews.is_empty();
    let rows = reviews
        .into_iter()
        .map(|review| {
            view! {
                <li class="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5">
                    <VerdictMark verdict=review.verdict/>
                    {match review.state {
                        ReviewState::Submitted => None,
                        ReviewState::Retracted => Some(strings::RETRACTED),
                        ReviewState::Void => Some(strings::VOID),
                    }
                        .map(|text| view! { <Chip tone=Tone::Plain text/> })}
                    <a href=format!("/decisions/{}", review.decision) class="min-w-0 grow basis-60 [overflow-wrap:anywhere] hover:underline no-underline">
                        <Literal text=review.title/>
                    </a>
                    {review
                        .on_behalf
                        .map(|name| {
                            view! {
                                <span class="text-compact">
                                    {strings::IN_PLACE} " " <bdi>{name}</bdi>
                                </span>
                            }
                        })}
                    <span class="text-compact text-muted">
                        <Moment at=review.at/>
                    </span>
                    <SealMark seal=review.seal/>
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::REVIEWS>
            {if none {
                view! { <p class="text-muted">{strings::NO_REVIEWS}</p> }.into_any()
            } else {
                view! { <ol class="divide-y divide-hairline">{rows}</ol> }.into_any()
            }}
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "You";
    pub(super) const ACCOUNT: &str = "Account";
    pub(super) const LOGIN: &str = "Sign-in name";
    pub(super) const ROLES: &str = "Roles";
    pub(super) const NO_ROLE: &str = "None. An admin assigns roles under People.";
    pub(super) const FACTORS: &str = "Signing in";
    pub(super) const CONNECTED: &str = "Connected";
    pub(super) const CONNECTED_TEXT: &str = "you sign in with this account.";
    pub(super) const FACTORS_LINK: &str = "Passkeys, authenticator app, recovery codes, password";
    pub(super) const TO_REQUESTS: &str = "Read the request";
    pub(super) const TO_ANSWER: &str = "Read the answer";
    pub(super) const TO_DECISION: &str = "Open the decision";
    pub(super) const NOTICES: &str = "Notices";
    pub(super) const NOTICED: &str = "I have read this";
    pub(super) const PREFERENCES: &str = "This browser";
    pub(super) const KEYS: &str = "Keys and views";
    pub(super) const KEYS_DEFAULT: &str = "Keys of one character are on, as they are for everybody.";
    pub(super) const KEYS_OFF: &str = "Keys of one character are switched off.";
    pub(super) const KEYS_LINK: &str = "Change keys, or switch them off";
    pub(super) const VIEWS_LINK: &str = "Your views of the queue";
    pub(super) const THEME: &str = "Theme";
    pub(super) const DENSITY: &str = "Rows";
    pub(super) const ADVANCE: &str = "After a review beside the queue";
    pub(super) const ZONE: &str = "Times";
    pub(super) const COOKIES: &str = "Kept in this browser's cookies. The browser's time zone needs JavaScript and shows UTC beside it; without JavaScript times are in UTC, and a review leads back to the list. Where the system asks for less motion, nothing moves.";
    pub(super) const SAVE: &str = "Save";
    pub(super) const SESSIONS: &str = "Where you are signed in";
    pub(super) const SINCE: &str = "since";
    pub(super) const SEEN: &str = "last seen";
    pub(super) const THIS_ONE: &str = "This browser";
    pub(super) const END: &str = "End";
    pub(super) const END_OTHERS: &str = "End all but this one";
    pub(super) const ASK_FOR_ROLE: &str = "Ask for a role";
    pub(super) const ACCESS: &str = "Who read what about you";
    pub(super) const IN_PLACE: &str = "for";
    pub(super) const RETRACTED: &str = "Taken back";
    pub(super) const VOID: &str = "Void";
    pub(super) const REVIEWS: &str = "Your reviews";
    pub(super) const NO_REVIEWS: &str = "You have not reviewed a decision yet.";
}

#[cfg(test)]
mod tests {
    use countersign_domain::keyboard::Bound;

    use super::*;

    #[test]
    fn the_page_says_how_keys_stand() {
        let changed = KeyMap { off: false, changed: vec![(Bound::Next, "n".into()), (Bound::Open, "z".into())] };

        assert!(keys_words(&changed).contains("changed 2 of them"));
        assert_eq!(keys_words(&KeyMap { off: true, ..changed }), strings::KEYS_OFF);
        assert_eq!(keys_words(&KeyMap::default()), strings::KEYS_DEFAULT);
    }
}
