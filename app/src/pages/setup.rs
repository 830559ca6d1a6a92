//! `/setup?token=`: makes the first admin. Opening the page uses nothing up; sending the form does.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use super::sign_in::Card;
use crate::{
    Error,
    answer::{Answer, refused, typed},
    components::{
        form::{ErrorSummary, Field, Kind, Weight},
        page::{PageHeader, PageTitle, Refusal, TitleText},
    },
    wire::Json,
};

/// How far the set-up of this installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetupState {
    /// There is no admin yet.
    pub(crate) needed: bool,
    /// The link may still be used.
    pub(crate) valid: bool,
}

/// Tells how far the set-up is and whether a link still works.
#[server(prefix = "/act", endpoint = "setup-link", output = Json)]
pub(crate) async fn check_setup(token: String) -> Result<SetupState, Error> {
    use countersign_engine::setup;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let needed = shown(&caller, setup::needed(&engine).await)?;
    let valid = needed && !token.is_empty() && shown(&caller, setup::link_is_valid(&engine, &token).await)?;

    Ok(SetupState { needed, valid })
}

/// Makes the first admin and signs them in.
#[server(prefix = "/act", endpoint = "finish-setup", output = Json)]
pub(crate) async fn finish_setup(
    token: String,
    name: String,
    login: String,
    password: String,
) -> Result<Answer, Error> {
    use countersign_engine::setup;

    use crate::request::{act, begin_session, request, told};

    let (engine, caller) = request()?;
    let session = act(async move { setup::finish(&engine, &caller, &token, &name, &login, &password).await }).await;

    Ok(told(session.map(|session| {
        begin_session(session.token.reveal());
        Answer::done("/admin/people")
    })))
}

/// The set-up page.
#[component]
pub(crate) fn SetupPage() -> impl IntoView {
    let query = use_query_map();
    let token = query.with_untracked(|query| query.get("token")).unwrap_or_default();
    let state = {
        let token = token.clone();
        Resource::new(|| (), move |()| check_setup(token.clone()))
    };

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Card>
            <Suspense>
                {move || {
                    let token = token.clone();
                    Suspend::new(async move {
                        match state.await {
                            Ok(SetupState { valid: true, .. }) => view! { <SetupForm token/> }.into_any(),
                            Ok(SetupState { needed: true, .. }) => {
                                view! { <Ended text=strings::EXPIRED/> }.into_any()
                            }
                            Ok(SetupState { needed: false, .. }) => {
                                view! { <Ended text=strings::FINISHED/> }.into_any()
                            }
                            Err(error) => view! { <Refusal error/> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Card>
    }
}

#[component]
fn SetupForm(token: String) -> impl IntoView {
    let problem = Signal::stored(refused::<FinishSetup>());

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="text-muted">{strings::INTRO}</p>
        </PageHeader>
        <form method="post" action=FinishSetup::PATH class="grid gap-4">
            <ErrorSummary problem/>
            <input type="hidden" name="token" value=token/>
            <Field name="name" label=strings::NAME kind=Kind::Text value={typed::<FinishSetup>("name")} problem/>
            <Field
                name="login"
                label=strings::LOGIN
                kind=Kind::Login
                value={typed::<FinishSetup>("login")}
                problem
            />
            <Field
                name="password"
                label=strings::PASSWORD
                kind=Kind::NewPassword
                hint=strings::PASSWORD_HINT
                problem
            />
            <button type="submit" class=Weight::Primary.class()>
                {strings::FINISH}
            </button>
        </form>
    }
}

/// A one-time link that cannot be used.
#[component]
pub(crate) fn Ended(text: &'static str) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::request::status(410);

    view! {
        <PageHeader title=|| strings::ENDED/>
        <p class="mb-5 text-muted">{text}</p>
        <a href="/login" class=Weight::Plain.class()>
            {strings::SIGN_IN}
        </a>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Set up Countersign";
    pub(super) const INTRO: &str =
        "Make the first admin. An admin invites people and registers AI systems; an admin never reviews.";
    pub(super) const NAME: &str = "Your name";
    pub(super) const LOGIN: &str = "Sign-in name";
    pub(super) const PASSWORD: &str = "Password";
    pub(super) const PASSWORD_HINT: &str =
        "8 to 128 characters; 15 or more are advised. Any characters, pasting works.";
    pub(super) const FINISH: &str = "Finish set-up";
    pub(super) const ENDED: &str = "This link has ended";
    pub(super) const EXPIRED: &str =
        "Set-up links work once and for 30 minutes. Restart the server to print a new one.";
    pub(super) const FINISHED: &str = "This installation has an admin, so set-up is over. Sign in instead.";
    pub(super) const SIGN_IN: &str = "Sign in";
}
