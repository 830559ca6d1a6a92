//! The part of `/me` that says what a person gets by e-mail.

use std::collections::BTreeMap;

use countersign_domain::notice::{PreferencesView, Topic};
use leptos::{form::ActionForm, prelude::*};

use super::Boxes;
use crate::{
    Error,
    answer::{Answer, answer_of},
    components::{
        form::{ErrorSummary, Submit, Weight},
        page::{Panel, Refusal},
        text::Literal,
    },
    wire::Json,
};

/// Reads what the person gets by e-mail.
#[server(prefix = "/act", endpoint = "my-notices", output = Json)]
pub(crate) async fn my_notices() -> Result<PreferencesView, Error> {
    use countersign_engine::notices::preferences;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, preferences::view(&engine, &caller).await)
}

/// Keeps what the person wants by e-mail.
#[server(prefix = "/act", endpoint = "choose-notices", output = Json)]
pub(crate) async fn choose_notices(#[server(default)] topics: BTreeMap<String, String>) -> Result<Answer, Error> {
    use countersign_engine::notices::preferences;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let wanted: Vec<_> = topics.keys().filter_map(|word| Topic::from_word(word)).collect();
    let done = act(async move { preferences::set(&engine, &caller, &wanted).await }).await;

    Ok(told(done.map(|()| Answer::done("/me"))))
}

/// What a person gets by e-mail, and what they want.
#[component]
pub(crate) fn OwnNotices() -> impl IntoView {
    let choose = ServerAction::<ChooseNotices>::new();
    let view = Resource::new(move || choose.version().get(), |_| my_notices());
    let answer = answer_of(choose);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));

    view! {
        <Transition fallback=|| ()>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(PreferencesView { address, mailed, topics }) => {
                        view! {
                            <Panel title=strings::TITLE>
                                <ErrorSummary problem/>
                                {match (address, mailed) {
                                    (Some(address), true) => view! { <p>{strings::TO} " " <Literal text=address/> "."</p> }
                                        .into_any(),
                                    (Some(_), false) => view! { <p class="text-muted">{strings::NOT_MAILED}</p> }.into_any(),
                                    (None, _) => view! { <p class="text-muted">{strings::NO_ADDRESS}</p> }.into_any(),
                                }}
                                <Choices topics choose/>
                            </Panel>
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
fn Choices(topics: Vec<(Topic, bool)>, choose: ServerAction<ChooseNotices>) -> impl IntoView {
    view! {
        <ActionForm action=choose attr:class="grid gap-4">
            <fieldset class="grid gap-2 sm:grid-cols-2">
                <legend class="mb-1 text-body font-medium">{strings::WANTED}</legend>
                <Boxes topics/>
            </fieldset>
            <p class="max-w-measure text-compact text-muted">{strings::ALWAYS}</p>
            <div>
                <Submit weight=Weight::Plain pending=choose.pending()>
                    {strings::SAVE}
                </Submit>
            </div>
        </ActionForm>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Notices by e-mail";
    pub(super) const TO: &str = "Sent to";
    pub(super) const NOT_MAILED: &str =
        "This installation sends no mail yet: an admin adds a mail server. What you choose here holds from then on.";
    pub(super) const NO_ADDRESS: &str = "Your sign-in name is no e-mail address, so no mail reaches you. What waits for you is in the queue and on this page.";
    pub(super) const WANTED: &str = "What you want by e-mail";
    pub(super) const ALWAYS: &str = "What guards your account or the installation is always sent. Rooms of Slack and Microsoft Teams are chosen by admins. Every message names a page; opening it decides nothing.";
    pub(super) const SAVE: &str = "Save what you get";
}
