//! `/me/factors`: passkeys, authenticator app and recovery codes of the reader.

use countersign_domain::{
    ids::PasskeyId,
    view::{FactorsView, NewCodes, NewTotp, PasskeyOptions, PasskeyRow},
};
use leptos::{form::ActionForm, prelude::*};

use super::me::{EndOtherSessions, EndOthers};
use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        form::{ErrorSummary, Field, Kind, Submit, Weight},
        marks::{Chip, Tone},
        page::{Banner, Bar, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        passkey::{Ceremony, PasskeyButton},
        time::{Moment, Since},
    },
    wire::Json,
};

/// Reads how the reader signs in.
#[server(prefix = "/act", endpoint = "factors", output = Json)]
pub(crate) async fn factors() -> Result<FactorsView, Error> {
    use countersign_engine::factors;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, factors::view(&engine, &caller).await)
}

/// Hands out what the browser needs to make a passkey.
#[server(prefix = "/act", endpoint = "begin-passkey", output = Json)]
pub(crate) async fn begin_passkey() -> Result<PasskeyOptions, Error> {
    use countersign_engine::passkeys;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, passkeys::begin_enrolment(&engine, &caller).await)
}

/// Enrols a passkey that the browser made.
#[server(prefix = "/act", endpoint = "enrol-passkey", output = Json)]
pub(crate) async fn enrol_passkey(answer: String) -> Result<Answer, Error> {
    use countersign_engine::passkeys;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { passkeys::enrol(&engine, &caller, &answer).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Takes a passkey away.
#[server(prefix = "/act", endpoint = "remove-passkey", output = Json)]
pub(crate) async fn remove_passkey(passkey: PasskeyId) -> Result<Answer, Error> {
    use countersign_engine::passkeys;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { passkeys::remove(&engine, &caller, passkey).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Makes a secret for an authenticator app.
#[server(prefix = "/act", endpoint = "begin-totp", output = Json)]
pub(crate) async fn begin_totp() -> Result<Answer, Error> {
    use countersign_engine::factors;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let made = act(async move { factors::begin_totp(&engine, &caller).await }).await;

    Ok(told(made.map(|totp| Answer::once(&totp))))
}

/// Puts the authenticator app in force with its first code.
#[server(prefix = "/act", endpoint = "enrol-totp", output = Json)]
pub(crate) async fn enrol_totp(code: String) -> Result<Answer, Error> {
    use countersign_engine::factors;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { factors::enrol_totp(&engine, &caller, &code).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Takes the authenticator app away.
#[server(prefix = "/act", endpoint = "remove-totp", output = Json)]
pub(crate) async fn remove_totp() -> Result<Answer, Error> {
    use countersign_engine::factors;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { factors::remove_totp(&engine, &caller).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Makes a new set of recovery codes.
#[server(prefix = "/act", endpoint = "recovery-codes", output = Json)]
pub(crate) async fn recovery_codes() -> Result<Answer, Error> {
    use countersign_engine::factors;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let made = act(async move { factors::new_recovery_codes(&engine, &caller).await }).await;

    Ok(told(made.map(|codes| Answer::once(&codes))))
}

/// Replaces the reader's password.
#[server(prefix = "/act", endpoint = "change-password", output = Json)]
pub(crate) async fn change_password(old_password: String, password: String) -> Result<Answer, Error> {
    use countersign_engine::passwords;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { passwords::change(&engine, &caller, &old_password, &password).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Where this page is.
pub(crate) const PAGE: &str = "/me/factors";

/// How the reader signs in.
#[component]
pub(crate) fn FactorsPage() -> impl IntoView {
    let begin = ServerAction::<BeginTotp>::new();
    let enrol = ServerAction::<EnrolTotp>::new();
    let remove_totp = ServerAction::<RemoveTotp>::new();
    let remove = ServerAction::<RemovePasskey>::new();
    let codes = ServerAction::<RecoveryCodes>::new();
    let change = ServerAction::<ChangePassword>::new();
    let end_others = ServerAction::<EndOtherSessions>::new();
    let changes = move || {
        (
            enrol.version().get(),
            remove_totp.version().get(),
            remove.version().get(),
            codes.version().get(),
            change.version().get(),
        )
    };
    let view = Resource::new(changes, |_| factors());
    let begun = answer_of(begin);
    let (enrolled, removed, untied, coded) =
        (answer_of(enrol), answer_of(remove), answer_of(remove_totp), answer_of(codes));
    let (replaced, ended) = (answer_of(change), answer_of(end_others));
    let problem = Signal::derive(move || {
        [begun, enrolled, removed, untied, coded, replaced, ended]
            .iter()
            .find_map(|answer| answer.get().and_then(Answer::problem))
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        let FactorsView { login, local, missing, recent, unsuitable, passkeys, totp, recovery_codes, now } = shown;
                        view! {
                            <PageHeader title=|| strings::TITLE/>
                            <div class="grid max-w-4xl gap-6">
                                {missing
                                    .then(|| {
                                        view! {
                                            <Banner bar=Bar::Note>
                                                <p>{strings::MISSING}</p>
                                            </Banner>
                                        }
                                    })}
                                {(!recent).then(|| view! { <StepUpFirst/> })}
                                <ErrorSummary problem/>
                                <Passkeys passkeys unsuitable now remove/>
                                {(local || totp)
                                    .then(|| view! { <App totp begin enrol remove=remove_totp begun problem/> })}
                                {(local && !missing).then(|| view! { <Codes left=recovery_codes codes coded/> })}
                                {(local && !missing).then(|| view! { <Password login change answer=replaced problem/> })}
                                <Panel title=strings::ELSEWHERE>
                                    <p class="text-muted">{strings::ELSEWHERE_TEXT}</p>
                                    <EndOthers end=end_others/>
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

#[component]
fn StepUpFirst() -> impl IntoView {
    view! {
        <Banner bar=Bar::Note>
            <p>{strings::STEP_UP}</p>
            <a href="/step-up?next=/me/factors" rel="external" class=Weight::Plain.class()>
                {strings::CONFIRM}
            </a>
        </Banner>
    }
}

#[component]
fn Passkeys(
    passkeys: Vec<PasskeyRow>,
    unsuitable: Option<String>,
    now: u64,
    remove: ServerAction<RemovePasskey>,
) -> impl IntoView {
    let none = passkeys.is_empty();
    let rows = passkeys
        .into_iter()
        .map(|key| {
            view! {
                <li class="flex flex-wrap items-center gap-x-5 gap-y-1 py-3">
                    <div class="min-w-0 flex-1">
                        <p class="font-mono font-medium">{key.fingerprint}</p>
                        <p class="text-compact text-muted">
                            {if key.synced { strings::SYNCED } else { strings::BOUND }} " · " {strings::SINCE} " "
                            <Moment at=key.enrolled_at/>
                            {key
                                .last_used_at
                                .map(|at| view! { " · " {strings::USED} " " <Since at now/> })}
                        </p>
                    </div>
                    {if key.confirmed {
                        view! { <Chip tone=Tone::Info text=strings::SIGNS/> }.into_any()
                    } else {
                        view! { <Chip tone=Tone::Plain text=strings::WAITS/> }.into_any()
                    }}
                    <ActionForm action=remove>
                        <input type="hidden" name="passkey" value=key.id.to_string()/>
                        <Submit weight=Weight::Ending pending=remove.pending()>
                            {strings::REMOVE}
                        </Submit>
                    </ActionForm>
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::PASSKEYS>
            <p class="text-muted">{strings::PASSKEYS_TEXT}</p>
            {(!none).then(|| view! { <ul class="divide-y divide-hairline">{rows}</ul> })}
            {match unsuitable {
                Some(reason) => view! { <p>{reason}</p> }.into_any(),
                None => {
                    view! {
                        <PasskeyButton
                            label=strings::ADD
                            weight=if none { Weight::Primary } else { Weight::Plain }
                            ceremony=Ceremony::Create
                            begin=begin_passkey
                            finish=enrol_passkey
                        />
                    }
                        .into_any()
                }
            }}
            <p class="text-compact text-muted">{strings::LIMITS}</p>
        </Panel>
    }
}

#[component]
fn App(
    totp: bool,
    begin: ServerAction<BeginTotp>,
    enrol: ServerAction<EnrolTotp>,
    remove: ServerAction<RemoveTotp>,
    begun: Signal<Option<Answer>>,
    #[prop(into)] problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    let made = move || begun.get().and_then(|answer| answer.shown::<NewTotp>());
    let typing =
        move || made().is_some() || crate::answer::posted(<EnrolTotp as leptos::server_fn::ServerFn>::PATH).is_some();

    view! {
        <Panel title=strings::APP>
            <p class="text-muted">{if totp { strings::APP_ON } else { strings::APP_TEXT }}</p>
            {move || made().map(|totp| view! { <Secret totp/> })}
            {move || match typing() {
                true => {
                    view! {
                        <ActionForm action=enrol attr:class="grid max-w-sm gap-3">
                            <Field name="code" label=strings::CODE kind=Kind::Text problem/>
                            <div>
                                <Submit weight=Weight::Primary pending=enrol.pending()>
                                    {strings::CHECK}
                                </Submit>
                            </div>
                        </ActionForm>
                    }
                        .into_any()
                }
                false => {
                    view! {
                        <div class="flex flex-wrap gap-3">
                            <ActionForm action=begin>
                                <Submit weight=Weight::Plain pending=begin.pending()>
                                    {if totp { strings::REPLACE } else { strings::SET_UP }}
                                </Submit>
                            </ActionForm>
                            {totp
                                .then(|| {
                                    view! {
                                        <ActionForm action=remove>
                                            <Submit weight=Weight::Ending pending=remove.pending()>
                                                {strings::REMOVE}
                                            </Submit>
                                        </ActionForm>
                                    }
                                })}
                        </div>
                    }
                        .into_any()
                }
            }}
        </Panel>
    }
}

/// The secret of an authenticator app, once: as a picture and as text.
#[component]
fn Secret(totp: NewTotp) -> impl IntoView {
    let NewTotp { secret, address, size, path } = totp;

    view! {
        <div class="flex flex-wrap items-start gap-5">
            <svg
                viewBox=format!("0 0 {size} {size}")
                role="img"
                aria-label=strings::PICTURE
                class="size-48 shrink-0 rounded-control bg-white"
                shape-rendering="crispEdges"
            >
                <path d=path fill="#000"/>
            </svg>
            <div class="grid min-w-0 flex-1 gap-2">
                <p>{strings::SCAN}</p>
                <p class="font-mono [overflow-wrap:anywhere]" id="totp-secret">
                    {secret}
                </p>
                <p>
                    <a href=address rel="external" class="text-accent underline">
                        {strings::OPEN}
                    </a>
                </p>
            </div>
        </div>
    }
}

#[component]
fn Codes(left: u64, codes: ServerAction<RecoveryCodes>, coded: Signal<Option<Answer>>) -> impl IntoView {
    let made = move || coded.get().and_then(|answer| answer.shown::<NewCodes>()).map(|new| new.codes);

    view! {
        <Panel title=strings::RECOVERY>
            <p class="text-muted">{strings::RECOVERY_TEXT}</p>
            {move || match made() {
                Some(codes) => {
                    view! {
                        <p>{strings::ONCE}</p>
                        <ul class="grid grid-cols-2 gap-2 font-mono">
                            {codes.into_iter().map(|code| view! { <li>{code}</li> }).collect_view()}
                        </ul>
                    }
                        .into_any()
                }
                None => view! { <p>{format!("{left} unused codes.")}</p> }.into_any(),
            }}
            <ActionForm action=codes>
                <Submit weight=Weight::Plain pending=codes.pending()>
                    {strings::NEW_CODES}
                </Submit>
            </ActionForm>
        </Panel>
    }
}

#[component]
fn Password(
    login: String,
    change: ServerAction<ChangePassword>,
    answer: Signal<Option<Answer>>,
    #[prop(into)] problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    let changed = move || matches!(answer.get(), Some(Answer::Done { .. }));

    view! {
        <Panel title=strings::PASSWORD>
            <p class="text-muted">{strings::PASSWORD_TEXT}</p>
            {move || changed().then(|| view! { <p role="status">{strings::CHANGED}</p> })}
            <ActionForm action=change attr:class="grid max-w-sm gap-3">
                // Which account a password manager changes.
                <input type="text" autocomplete="username" value=login hidden readonly/>
                <Field name="old_password" label=strings::OLD kind=Kind::Password problem/>
                <Field name="password" label=strings::NEW kind=Kind::NewPassword hint=strings::NEW_HINT problem/>
                <div>
                    <Submit weight=Weight::Plain pending=change.pending()>
                        {strings::CHANGE}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "How you sign in";
    pub(super) const PASSWORD: &str = "Password";
    pub(super) const PASSWORD_TEXT: &str = "Changing it ends your sign-ins everywhere else.";
    pub(super) const CHANGED: &str = "Your password is changed.";
    pub(super) const OLD: &str = "Your password until now";
    pub(super) const NEW: &str = "New password";
    pub(super) const NEW_HINT: &str = "8 to 128 characters; 15 or more are advised. Any characters, pasting works.";
    pub(super) const CHANGE: &str = "Change the password";
    pub(super) const ELSEWHERE: &str = "Signed in elsewhere";
    pub(super) const ELSEWHERE_TEXT: &str = "Whoever took part in an old way to sign in may still be signed in. End everything but this browser after a change.";
    pub(super) const MISSING: &str = "An account with a password needs a second factor before it reaches anything else. Add a passkey or an authenticator app.";
    pub(super) const STEP_UP: &str = "Changes here ask for a sign-in of the last five minutes.";
    pub(super) const CONFIRM: &str = "Confirm that it is you";
    pub(super) const PASSKEYS: &str = "Passkeys";
    pub(super) const PASSKEYS_TEXT: &str = "A passkey signs you in by itself, and signs reviews where a policy asks for that. An admin other than you confirms it first: compare the fingerprint with them.";
    pub(super) const SYNCED: &str = "May be copied to your other devices";
    pub(super) const BOUND: &str = "Stays on its device";
    pub(super) const SINCE: &str = "since";
    pub(super) const USED: &str = "last used";
    pub(super) const SIGNS: &str = "Confirmed, may sign reviews";
    pub(super) const WAITS: &str = "Waits for an admin";
    pub(super) const REMOVE: &str = "Remove";
    pub(super) const ADD: &str = "Add a passkey";
    pub(super) const LIMITS: &str = "What a passkey does not prove: this page shows the text, not the authenticator, so a manipulated computer or browser could show something else. Your fingerprint or PIN proves that you were there, not that you read. A synced passkey is as safe as the account it is synced with. Everything rests on the enrolment.";
    pub(super) const APP: &str = "Authenticator app";
    pub(super) const APP_ON: &str = "Set up. After your password you type the code that it shows.";
    pub(super) const APP_TEXT: &str =
        "An app on your phone shows a new code every 30 seconds; you type it after your password.";
    pub(super) const CODE: &str = "Code that the app shows";
    pub(super) const CHECK: &str = "Check the code";
    pub(super) const SET_UP: &str = "Set up an authenticator app";
    pub(super) const REPLACE: &str = "Replace the app";
    pub(super) const PICTURE: &str = "The secret as a picture for the app's camera";
    pub(super) const SCAN: &str = "Scan the picture with the app, or type this secret into it. It is shown this once.";
    pub(super) const OPEN: &str = "Open in an app on this device";
    pub(super) const RECOVERY: &str = "Recovery codes";
    pub(super) const RECOVERY_TEXT: &str =
        "Each stands in once for a lost passkey or app. Print them and lock them away; a new set ends the former one.";
    pub(super) const ONCE: &str = "Shown this once:";
    pub(super) const NEW_CODES: &str = "Make new codes";
}
