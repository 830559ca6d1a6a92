//! `/join?token=`: accepts an invitation. Opening the page uses nothing up; sending the form does.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use super::{setup::Ended, sign_in::Card};
use crate::{
    Error,
    answer::{Answer, refused},
    components::{
        form::{ErrorSummary, Field, Kind, Weight},
        page::{PageHeader, PageTitle, Refusal, TitleText},
    },
    wire::Json,
};

/// Returns the name on an invitation, if its link still works.
#[server(prefix = "/act", endpoint = "invitation", output = Json)]
pub(crate) async fn invitation(token: String) -> Result<Option<String>, Error> {
    use countersign_engine::invitations;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, invitations::find(&engine, &token).await)
}

/// Accepts an invitation with a password and signs in.
#[server(prefix = "/act", endpoint = "join", output = Json)]
pub(crate) async fn join(token: String, password: String) -> Result<Answer, Error> {
    use countersign_engine::invitations;

    use crate::request::{act, begin_session, request, told};

    let (engine, caller) = request()?;
    let session = act(async move { invitations::accept(&engine, &caller, &token, &password).await }).await;

    Ok(told(session.map(|session| {
        begin_session(session.token.reveal());
        Answer::done("/")
    })))
}

/// The page behind an invitation link.
#[component]
pub(crate) fn JoinPage() -> impl IntoView {
    let query = use_query_map();
    let token = query.with_untracked(|query| query.get("token")).unwrap_or_default();
    let found = {
        let token = token.clone();
        Resource::new(|| (), move |()| invitation(token.clone()))
    };

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Card>
            <Suspense>
                {move || {
                    let token = token.clone();
                    Suspend::new(async move {
                        match found.await {
                            Ok(Some(name)) => view! { <JoinForm token name/> }.into_any(),
                            Ok(None) => view! { <Ended text=strings::ENDED/> }.into_any(),
                            Err(error) => view! { <Refusal error/> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Card>
    }
}

#[component]
fn JoinForm(token: String, name: String) -> impl IntoView {
    let problem = Signal::stored(refused::<Join>());
    let welcome = format!("Welcome, {name}. Choose the password that you will sign in with.");

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="text-muted">{welcome}</p>
        </PageHeader>
        <form method="post" action=Join::PATH class="grid gap-4">
            <ErrorSummary problem/>
            <input type="hidden" name="token" value=token/>
            // Not sent: password managers file the new password under it.
            <input type="text" autocomplete="username" value=name hidden readonly/>
            <Field name="password" label=strings::PASSWORD kind=Kind::NewPassword hint=strings::PASSWORD_HINT problem/>
            <button type="submit" class=Weight::Primary.class()>
                {strings::JOIN}
            </button>
        </form>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Join Countersign";
    pub(super) const PASSWORD: &str = "Password";
    pub(super) const PASSWORD_HINT: &str =
        "8 to 128 characters; 15 or more are advised. Any characters, pasting works.";
    pub(super) const JOIN: &str = "Set password and sign in";
    pub(super) const ENDED: &str =
        "Invitation links work once and for a limited time. Ask the admin who invited you for a new one.";
}
