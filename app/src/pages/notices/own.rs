//! The part of `/me` that says what a person gets by e-mail.

use countersign_domain::notice::{PreferencesView, Topic};
use leptos::{form::ActionForm, prelude::*};

use super::topic_words;
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
pub(crate) async fn choose_notices(
    #[server(default)] your_turn: bool,
    #[server(default)] reminder: bool,
    #[server(default)] invited: bool,
    #[server(default)] escalated: bool,
    #[server(default)] overdue: bool,
    #[server(default)] make_good: bool,
    #[server(default)] post_review: bool,
    #[server(default)] not_upheld: bool,
    #[server(default)] grant: bool,
    #[server(default)] talk: bool,
    #[server(default)] taken_over: bool,
    #[server(default)] pause: bool,
    #[server(default)] owner: bool,
    #[server(default)] stand_in: bool,
    #[server(default)] change_asked: bool,
) -> Result<Answer, Error> {
    use countersign_engine::notices::preferences;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let ticked = [
        your_turn,
        reminder,
        invited,
        escalated,
        overdue,
        make_good,
        post_review,
        not_upheld,
        grant,
        talk,
        taken_over,
        pause,
        owner,
        stand_in,
        change_asked,
    ];
    let wanted: Vec<_> = TOPICS.iter().zip(ticked).filter(|(_, on)| *on).map(|(topic, _)| *topic).collect();
    let done = act(async move { preferences::set(&engine, &caller, &wanted).await }).await;

    Ok(told(done.map(|()| Answer::done("/me"))))
}

/// What a person may do without, in the order of the form's boxes.
#[cfg(any(test, feature = "ssr"))]
const TOPICS: [Topic; 15] = [
    Topic::YourTurn,
    Topic::Reminder,
    Topic::Invited,
    Topic::Escalated,
    Topic::Overdue,
    Topic::MakeGood,
    Topic::PostReview,
    Topic::NotUpheld,
    Topic::Grant,
    Topic::Talk,
    Topic::TakenOver,
    Topic::Pause,
    Topic::Owner,
    Topic::StandIn,
    Topic::ChangeAsked,
];

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
    let boxes = topics
        .into_iter()
        .map(|(topic, wanted)| {
            let id = format!("wants-{}", topic.word());
            view! {
                <div class="flex items-center gap-2.5">
                    <input id=id.clone() type="checkbox" name=topic.word() value="true" checked=wanted class="size-5"/>
                    <label for=id>{topic_words(topic)}</label>
                </div>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <ActionForm action=choose attr:class="grid gap-4">
            <fieldset class="grid gap-2 sm:grid-cols-2">
                <legend class="mb-1 text-body font-medium">{strings::WANTED}</legend>
                {boxes}
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
    pub(super) const SAVE: &str = "Save";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_boxes_are_what_a_person_may_do_without() {
        let optional: Vec<_> = Topic::ALL.iter().copied().filter(|topic| topic.is_optional()).collect();
        assert_eq!(TOPICS.to_vec(), optional);
    }
}
