//! `/login` and `/logged-out`: sign in and out. Plain forms: the whole frame changes with them.

use countersign_domain::{problem::Problem, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    Error,
    answer::{Answer, posted, typed},
    components::{
        form::{ErrorSummary, Field, Kind, Weight},
        page::{Banner, Bar, PageHeader, PageTitle, TitleText},
    },
    frame::{Surroundings, ViewAs},
    pages::setup::check_setup,
    wire::Json,
};

/// Signs a local account in.
#[server(prefix = "/act", endpoint = "sign-in", output = Json)]
pub(crate) async fn sign_in(login: String, password: String, next: String) -> Result<Answer, Error> {
    use countersign_engine::sessions;

    use crate::request::{act, begin_session, request, told};

    let (engine, caller) = request()?;
    let session = act(async move { sessions::sign_in(&engine, &caller, &login, &password).await }).await;

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
    use countersign_engine::sessions;

    use crate::request::{act, end_session, request, told};

    let (engine, caller) = request()?;
    let ended = act(async move { sessions::sign_out(&engine, &caller).await }).await;

    Ok(told(ended.map(|()| {
        end_session();
        Answer::done("/logged-out")
    })))
}

/// Returns the path if it leads to a page of this site, else the first page.
#[cfg(feature = "ssr")]
pub(crate) fn local_path(next: &str) -> String {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.starts_with("/act/")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local { next.to_owned() } else { "/".to_owned() }
}

/// Returns what a plain form's post was refused for, when this page answers it.
pub(crate) fn refused<S: ServerFn>() -> Option<Problem> {
    posted(S::PATH).and_then(|posted| posted.answer.problem())
}

/// The sign-in page.
#[component]
pub(crate) fn LoginPage() -> impl IntoView {
    let query = use_query_map();
    let next = query.with_untracked(|query| query.get("next")).unwrap_or_else(|| typed::<SignIn>("next"));
    let around = Surroundings::get().around;
    let state = Resource::new(|| (), |()| check_setup(String::new()));
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
            <form method="post" action=SignIn::PATH class="grid gap-4">
                <ErrorSummary problem/>
                <input type="hidden" name="next" value=next/>
                <Field name="login" label=strings::LOGIN kind=Kind::Login value={typed::<SignIn>("login")} problem/>
                <Field name="password" label=strings::PASSWORD kind=Kind::Password problem/>
                <button type="submit" class=Weight::Primary.class()>
                    {strings::TITLE}
                </button>
            </form>
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
