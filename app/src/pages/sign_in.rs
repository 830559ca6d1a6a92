//! `/login` and `/logged-out`: sign in and out. Plain forms: the whole frame changes with them.

use countersign_domain::{role::Role, view::PasskeyOptions};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    answer::{Answer, refused, typed},
    components::{
        form::{ErrorSummary, Field, Kind, Weight},
        page::{Banner, Bar, PageHeader, PageTitle, TitleText},
        passkey::{Ceremony, PasskeyButton},
    },
    frame::{Surroundings, ViewAs},
    pages::{setup::check_setup, sso::WaysIn},
    passkey,
    wire::Json,
};

/// What the sign-in form needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignInForm {
    /// Ties the form to this browser.
    tie: String,
    /// Passkeys work at this address.
    passkeys: bool,
    /// People sign in through providers, so a local account is for emergencies and says why.
    emergency: bool,
}

/// Opens a sign-in form: it works for ten minutes, in the browser that opened it.
#[server(prefix = "/act", endpoint = "open-sign-in", output = Json)]
pub(crate) async fn open_sign_in() -> Result<SignInForm, Error> {
    use countersign_engine::{passkeys, sessions};

    use crate::request::{names_beside, request, set_beside, shown};

    let (engine, caller) = request()?;
    let tie = sessions::tie_form(&engine);
    // Names sort by time: two tabs do not break each other, and a hundred do not fill the header.
    let mut open = names_beside("txn-");
    open.sort();
    for oldest in open.iter().rev().skip(FORMS_MAX - 1) {
        set_beside(oldest, "", 0);
    }
    set_beside(&format!("txn-{}", tie.id), &tie.value, FORM_SECONDS);

    let emergency = shown(&caller, sessions::local_is_emergency(&engine).await)?;

    Ok(SignInForm { tie: tie.id, passkeys: passkeys::unsuitable(&engine).is_none(), emergency })
}

/// Open sign-in forms of one browser.
#[cfg(feature = "ssr")]
const FORMS_MAX: usize = 5;
/// How long a sign-in form works.
#[cfg(feature = "ssr")]
const FORM_SECONDS: u64 = 600;
/// How long a browser is known by an account that signed in from it.
#[cfg(feature = "ssr")]
const DEVICE_SECONDS: u64 = 365 * 24 * 3_600;

/// Signs a local account in.
#[server(prefix = "/act", endpoint = "sign-in", output = Json)]
pub(crate) async fn sign_in(
    txn: String,
    login: String,
    password: String,
    code: String,
    reason: Option<String>,
    next: String,
) -> Result<Answer, Error> {
    use countersign_engine::sessions::{self, Typed};

    use crate::request::{act, begin_session, beside, request, set_beside, told};

    let (engine, caller) = request()?;
    let tie = beside(&format!("txn-{txn}"));
    if let Err(error) = sessions::check_form(&engine, &txn, tie.as_deref()) {
        return Ok(told(Err(error.into())));
    }
    let device = beside("device");
    let typed = Typed { login, password, code, reason: reason.unwrap_or_default() };
    let signed_in = act(async move { sessions::sign_in(&engine, &caller, typed, device.as_deref()).await }).await;

    Ok(told(signed_in.map(|signed_in| {
        set_beside(&format!("txn-{txn}"), "", 0);
        set_beside("device", &signed_in.device, DEVICE_SECONDS);
        begin_session(signed_in.session.token.reveal());
        Answer::done(local_path(&next))
    })))
}

/// Hands out a challenge for a passkey, to sign in or to step up.
#[server(prefix = "/act", endpoint = "passkey-challenge", output = Json)]
pub(crate) async fn challenge_of(purpose: String) -> Result<PasskeyOptions, Error> {
    use countersign_engine::passkeys::{self, Purpose};

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let purpose = if purpose == "step_up" { Purpose::StepUp } else { Purpose::SignIn };
    shown(&caller, passkeys::challenge(&engine, &caller, purpose).await)
}

/// Signs in by passkey.
#[server(prefix = "/act", endpoint = "passkey-sign-in", output = Json)]
pub(crate) async fn passkey_sign_in(answer: String, reason: String, next: String) -> Result<Answer, Error> {
    use countersign_engine::passkeys;

    use crate::request::{act, begin_session, request, told};

    let (engine, caller) = request()?;
    let session = act(async move { passkeys::sign_in(&engine, &caller, &answer, &reason).await }).await;

    Ok(told(session.map(|session| {
        begin_session(session.token.reveal());
        Answer::done(local_path(&next))
    })))
}

/// Signs in as one of the people of a demo.
#[server(prefix = "/act", endpoint = "sign-in-as", output = Json)]
pub(crate) async fn sign_in_as(role: Role) -> Result<Answer, Error> {
    use countersign_engine::demo;

    use crate::request::{act, begin_session, request, told};

    let (engine, caller) = request()?;
    let session = act(async move { demo::sign_in_as(&engine, &caller, role).await }).await;

    Ok(told(session.map(|session| {
        begin_session(session.token.reveal());
        Answer::done("/")
    })))
}

/// Ends this sign-in.
#[server(prefix = "/act", endpoint = "sign-out", output = Json)]
pub(crate) async fn sign_out() -> Result<Answer, Error> {
    use countersign_engine::providers;

    use crate::request::{act, end_session, request, told};

    let (engine, caller) = request()?;
    let ended = act(async move { providers::sign_out(&engine, &caller).await }).await;

    Ok(told(ended.map(|onward| {
        end_session();
        Answer::done(onward.unwrap_or_else(|| "/logged-out".to_owned()))
    })))
}

/// Returns the path if it leads to a page of this site, else the first page.
#[cfg(feature = "ssr")]
pub fn local_path(next: &str) -> String {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.starts_with("/act/")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local { next.to_owned() } else { "/".to_owned() }
}

/// The sign-in page.
#[component]
pub(crate) fn LoginPage() -> impl IntoView {
    let query = use_query_map();
    let next = query.with_untracked(|query| query.get("next")).unwrap_or_else(|| typed::<SignIn>("next"));
    let away = query.with_untracked(|query| query.get("away"));
    let around = Surroundings::get().around;
    let state = Resource::new(|| (), |()| check_setup(String::new()));
    let form = Resource::new(|| (), |()| open_sign_in());
    let problem = refused::<SignIn>().or_else(refused::<SignInAs>);
    let problem = Signal::stored(problem);

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Card>
            <PageHeader title=|| strings::TITLE/>
            <Suspense>
                {move || Suspend::new(async move {
                    state
                        .await
                        .is_ok_and(|state| state.needed)
                        .then(|| {
                            view! {
                                <Banner bar=Bar::Note>
                                    <p>{strings::SET_UP_FIRST}</p>
                                </Banner>
                            }
                        })
                })}
            </Suspense>
            <WaysIn from="/login" next=next.clone() away/>
            <Suspense>
                {move || {
                    let next = next.clone();
                    Suspend::new(async move {
                        form.await
                            .map(|SignInForm { tie, passkeys, emergency }| {
                                let kept = StoredValue::new(next.clone());
                                view! {
                                    <form method="post" action=SignIn::PATH class="grid gap-4">
                                        <ErrorSummary problem/>
                                        <input type="hidden" name="txn" value=tie/>
                                        <input type="hidden" name="next" value=next/>
                                        <Field
                                            name="login"
                                            label=strings::LOGIN
                                            kind=Kind::Login
                                            value={typed::<SignIn>("login")}
                                            problem
                                        />
                                        <Field name="password" label=strings::PASSWORD kind=Kind::Password problem/>
                                        <Field
                                            name="code"
                                            label=strings::CODE
                                            kind=Kind::Code
                                            hint=strings::CODE_HINT
                                            problem
                                        />
                                        {emergency
                                            .then(|| {
                                                view! {
                                                    <Field
                                                        name="reason"
                                                        label=strings::REASON
                                                        kind=Kind::Text
                                                        hint=strings::REASON_HINT
                                                        value={typed::<SignIn>("reason")}
                                                        problem
                                                    />
                                                }
                                            })}
                                        <button type="submit" class=Weight::Primary.class()>
                                            {strings::TITLE}
                                        </button>
                                    </form>
                                    {passkeys
                                        .then(|| {
                                            view! {
                                                <div class="mt-6 border-t border-hairline pt-5">
                                                    <PasskeyButton
                                                        label=strings::PASSKEY
                                                        weight=Weight::Plain
                                                        ceremony=Ceremony::Get
                                                        begin=|| challenge_of("sign_in".to_owned())
                                                        finish=move |answer| {
                                                            passkey_sign_in(answer, passkey::typed("reason"), kept.get_value())
                                                        }
                                                    />
                                                </div>
                                            }
                                        })}
                                }
                            })
                    })
                }}
            </Suspense>
            <Suspense>
                {move || Suspend::new(async move {
                    around
                        .await
                        .ok()
                        .and_then(|around| around.demo)
                        .map(|people| {
                            view! {
                                <div class="mt-6 border-t border-hairline pt-5">
                                    <h2 class="mb-1 text-reading font-semibold">{strings::VIEW_AS}</h2>
                                    <p class="mb-3 text-compact text-muted">{strings::VIEW_AS_HINT}</p>
                                    <ViewAs people compact=false/>
                                </div>
                            }
                        })
                })}
            </Suspense>
        </Card>
    }
}

/// The page after signing out.
#[component]
pub(crate) fn LoggedOutPage() -> impl IntoView {
    view! {
        <PageTitle text=TitleText::page(strings::OUT)/>
        <Card>
            <PageHeader title=|| strings::OUT/>
            <p class="mb-5 text-muted">{strings::OUT_TEXT}</p>
            <a href="/login" class=Weight::Primary.class()>
                {strings::TITLE}
            </a>
        </Card>
    }
}

/// A narrow page for people without a session.
#[component]
pub(crate) fn Card(children: Children) -> impl IntoView {
    view! {
        <div class="mx-auto mt-[6vh] max-w-md rounded-dialog border border-hairline bg-surface p-6 sm:p-8">
            {children()}
        </div>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Sign in";
    pub(super) const LOGIN: &str = "Sign-in name";
    pub(super) const PASSWORD: &str = "Password";
    pub(super) const CODE: &str = "Code";
    pub(super) const CODE_HINT: &str =
        "From your authenticator app, or a recovery code. Leave it empty if you have none yet.";
    pub(super) const REASON: &str = "Why you use a local account";
    pub(super) const REASON_HINT: &str =
        "An emergency sign-in lasts an hour, reviews nothing, and is told to all admins and compliance officers.";
    pub(super) const PASSKEY: &str = "Sign in with a passkey";
    pub(super) const SET_UP_FIRST: &str = "This installation has no admin yet. Open the set-up link that the server printed when it started; a restart prints a new one.";
    pub(super) const VIEW_AS: &str = "View as";
    pub(super) const VIEW_AS_HINT: &str = "This is a demo: pick a role and look around. Every act is sealed here too.";
    pub(super) const OUT: &str = "Signed out";
    pub(super) const OUT_TEXT: &str = "This sign-in has ended, and the end is recorded.";
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_this_site_only() {
        assert_eq!(local_path("/decisions/1?as=raw"), "/decisions/1?as=raw");
        for elsewhere in ["", "https://example.org", "//example.org", "/\\example.org", "/act/review", "/a b", "/\r\nx"]
        {
            assert_eq!(local_path(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
