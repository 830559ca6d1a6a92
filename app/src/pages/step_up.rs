//! `/step-up`: the person proves anew that it is them, and goes back to what they were doing.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use super::{
    sign_in::{Card, challenge_of},
    sso::WaysIn,
};
use crate::{
    Error,
    answer::{Answer, refused, typed},
    components::{
        form::{ErrorSummary, Field, Kind, Weight},
        page::{PageHeader, PageTitle, TitleText},
        passkey::{Ceremony, PasskeyButton},
    },
    frame::Surroundings,
    wire::Json,
};

/// Proves the person anew with password and second factor.
#[server(prefix = "/act", endpoint = "step-up", output = Json)]
pub(crate) async fn step_up(password: String, code: String, next: String) -> Result<Answer, Error> {
    use countersign_engine::sessions;

    use crate::request::{act, begin_session, request, told};

    let (engine, caller) = request()?;
    let session = act(async move { sessions::step_up(&engine, &caller, &password, &code).await }).await;

    Ok(told(session.map(|session| {
        begin_session(session.token.reveal());
        Answer::done(super::sign_in::local_path(&next))
    })))
}

/// Proves the person anew by passkey.
#[server(prefix = "/act", endpoint = "passkey-step-up", output = Json)]
pub(crate) async fn passkey_step_up(answer: String, next: String) -> Result<Answer, Error> {
    use countersign_engine::passkeys;

    use crate::request::{act, begin_session, request, told};

    let (engine, caller) = request()?;
    let session = act(async move { passkeys::step_up(&engine, &caller, &answer).await }).await;

    Ok(told(session.map(|session| {
        begin_session(session.token.reveal());
        Answer::done(super::sign_in::local_path(&next))
    })))
}

/// The page that asks once more.
#[component]
pub(crate) fn StepUpPage() -> impl IntoView {
    let query = use_query_map();
    let away = query.with_untracked(|query| query.get("away"));
    let done = query.with_untracked(|query| query.get("done").is_some());
    let next = query
        .with_untracked(|query| query.get("next"))
        .filter(|next| !next.is_empty())
        .unwrap_or_else(|| typed::<StepUp>("next"));
    let next = if next.is_empty() { BACK.to_owned() } else { next };
    let problem = Signal::stored(refused::<StepUp>());
    let kept = StoredValue::new(next.clone());

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Card>
            <PageHeader title=|| strings::TITLE>
                <p class="text-muted">{if done { strings::DONE } else { strings::WHY }}</p>
            </PageHeader>
            {if done {
                view! {
                    <a href="/" rel="external" class=Weight::Plain.class()>
                        {strings::HOME}
                    </a>
                }
                    .into_any()
            } else {
                view! {
                    <div class="grid gap-6">
                        <WaysIn from="/step-up" next=next.clone() away/>
                        <PasskeyButton
                            label=strings::PASSKEY
                            weight=Weight::Plain
                            ceremony=Ceremony::Get
                            begin=|| challenge_of("step_up".to_owned())
                            finish=move |answer| passkey_step_up(answer, kept.get_value())
                        />
                        <form method="post" action=StepUp::PATH class="grid gap-4 border-t border-hairline pt-5">
                            <ErrorSummary problem/>
                            <input type="hidden" name="next" value=next/>
                            <Account/>
                            <Field name="password" label=strings::PASSWORD kind=Kind::Password problem/>
                            <Field name="code" label=strings::CODE kind=Kind::Code hint=strings::CODE_HINT problem/>
                            <button type="submit" class=Weight::Primary.class()>
                                {strings::CONFIRM}
                            </button>
                        </form>
                    </div>
                }
                    .into_any()
            }}
        </Card>
    }
}

/// Whose password it is, as password managers and screen readers ask.
#[component]
fn Account() -> impl IntoView {
    let around = Surroundings::get().around;

    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let login = around.await.ok().and_then(|around| around.me).map(|me| me.login).unwrap_or_default();
                view! { <input type="text" autocomplete="username" value=login hidden readonly/> }
            })}
        </Suspense>
    }
}

/// Where somebody goes who came in a tab of its own.
const BACK: &str = "/step-up?done=1";

mod strings {
    pub(super) const TITLE: &str = "Confirm that it is you";
    pub(super) const WHY: &str = "What you were about to do asks for a sign-in of the last five minutes.";
    pub(super) const DONE: &str =
        "Confirmed. Go back to the tab that you came from and send it again; what you typed is still there.";
    pub(super) const HOME: &str = "To the first page";
    pub(super) const PASSKEY: &str = "Use a passkey";
    pub(super) const PASSWORD: &str = "Password";
    pub(super) const CODE: &str = "Code";
    pub(super) const CODE_HINT: &str = "From your authenticator app, or a recovery code.";
    pub(super) const CONFIRM: &str = "Confirm";
}
