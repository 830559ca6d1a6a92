//! `/admin/notices`: the channels by which notices leave, what did not arrive, and who is told what.

#![expect(clippy::too_many_arguments, reason = "a form sends each of its fields")]

pub(crate) mod browser;
mod forms;
pub(crate) mod own;

use std::collections::BTreeMap;

use countersign_domain::{
    ids::{ChannelId, MessageId},
    notice::{ChannelKind, ChannelRow, ChannelsView, FailedRow, SmtpTls, Topic},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    Error,
    answer::{Answer, answer_of, recorded},
    components::{
        admin::AdminNav,
        form::{ErrorSummary, Submit, Weight},
        marks::{Chip, Tone},
        page::{Banner, Bar, Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::Literal,
        time::{Moment, Since},
    },
    wire::Json,
};

use forms::{AddMail, AddRoom, Edit};

/// The page.
pub(crate) const PAGE: &str = "/admin/notices";

/// Reads the channels.
#[server(prefix = "/act", endpoint = "channels", output = Json)]
pub(crate) async fn channels() -> Result<ChannelsView, Error> {
    use countersign_engine::notices::channels;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, channels::list(&engine, &caller).await)
}

/// Adds a channel.
#[server(prefix = "/act", endpoint = "add-channel", output = Json)]
pub(crate) async fn add_channel(
    kind: String,
    name: String,
    #[server(default)] host: String,
    #[server(default)] port: String,
    #[server(default)] tls: String,
    #[server(default)] sender: String,
    #[server(default)] account: String,
    #[server(default)] secret: String,
    #[server(default)] topics: BTreeMap<String, String>,
    #[server(default)] system: String,
    span: String,
) -> Result<Answer, Error> {
    use countersign_domain::notice::ChannelForm;
    use countersign_engine::notices::channels;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let topics = topics.into_keys().collect();
    let form = ChannelForm { name, kind, host, port, tls, sender, account, topics, system, span };
    let done = act(async move { channels::add(&engine, &caller, form, &secret).await }).await;

    Ok(told(done.map(|_| Answer::done(PAGE))))
}

/// Changes a channel.
#[server(prefix = "/act", endpoint = "change-channel", output = Json)]
pub(crate) async fn change_channel(
    channel: ChannelId,
    name: String,
    #[server(default)] host: String,
    #[server(default)] port: String,
    #[server(default)] tls: String,
    #[server(default)] sender: String,
    #[server(default)] account: String,
    #[server(default)] secret: String,
    #[server(default)] topics: BTreeMap<String, String>,
    #[server(default)] system: String,
    span: String,
) -> Result<Answer, Error> {
    use countersign_domain::notice::ChannelForm;
    use countersign_engine::notices::channels;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let topics = topics.into_keys().collect();
    let form = ChannelForm { name, host, port, tls, sender, account, topics, system, span, ..ChannelForm::default() };
    let done = act(async move { channels::change(&engine, &caller, channel, form, &secret).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Stops a channel.
#[server(prefix = "/act", endpoint = "pause-channel", output = Json)]
pub(crate) async fn pause_channel(channel: ChannelId) -> Result<Answer, Error> {
    use countersign_engine::notices::channels;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { channels::pause(&engine, &caller, channel).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Lets a channel go on.
#[server(prefix = "/act", endpoint = "resume-channel", output = Json)]
pub(crate) async fn resume_channel(channel: ChannelId) -> Result<Answer, Error> {
    use countersign_engine::notices::channels;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { channels::resume(&engine, &caller, channel).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Takes a channel away.
#[server(prefix = "/act", endpoint = "remove-channel", output = Json)]
pub(crate) async fn remove_channel(channel: ChannelId) -> Result<Answer, Error> {
    use countersign_engine::notices::channels;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { channels::remove(&engine, &caller, channel).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Sends a test message.
#[server(prefix = "/act", endpoint = "test-channel", output = Json)]
pub(crate) async fn test_channel(channel: ChannelId) -> Result<Answer, Error> {
    use countersign_engine::notices::channels;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { channels::test(&engine, &caller, channel).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Sends a message anew that was given up.
#[server(prefix = "/act", endpoint = "retry-message", output = Json)]
pub(crate) async fn retry_message(message: MessageId) -> Result<Answer, Error> {
    use countersign_engine::notices::channels;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { channels::retry(&engine, &caller, message).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// A box for each topic, ticked or not.
#[component]
fn Boxes(topics: Vec<(Topic, bool)>) -> impl IntoView {
    topics
        .into_iter()
        .map(|(topic, ticked)| {
            let id = format!("topic-{}", topic.word());
            view! {
                <div class="flex items-center gap-2.5">
                    <input id=id.clone() type="checkbox" name=box_of(topic) value="true" checked=ticked class="size-5"/>
                    <label for=id>{topic_words(topic)}</label>
                </div>
            }
            .into_any()
        })
        .collect_view()
}

/// The name of a topic's box.
fn box_of(topic: Topic) -> String {
    format!("topics[{}]", topic.word())
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    add: ServerAction<AddChannel>,
    change: ServerAction<ChangeChannel>,
    pause: ServerAction<PauseChannel>,
    resume: ServerAction<ResumeChannel>,
    remove: ServerAction<RemoveChannel>,
    test: ServerAction<TestChannel>,
    retry: ServerAction<RetryMessage>,
}

/// The page of channels.
#[component]
pub(crate) fn NoticesPage() -> impl IntoView {
    let acts = Acts {
        add: ServerAction::new(),
        change: ServerAction::new(),
        pause: ServerAction::new(),
        resume: ServerAction::new(),
        remove: ServerAction::new(),
        test: ServerAction::new(),
        retry: ServerAction::new(),
    };
    let acted = [
        recorded(acts.add),
        recorded(acts.change),
        recorded(acts.pause),
        recorded(acts.resume),
        recorded(acts.remove),
        recorded(acts.test),
        recorded(acts.retry),
    ];
    let view = Resource::new(move || acted.map(|count| count.get()), |_| channels());
    let answers = [
        answer_of(acts.add),
        answer_of(acts.change),
        answer_of(acts.pause),
        answer_of(acts.resume),
        answer_of(acts.remove),
        answer_of(acts.test),
        answer_of(acts.retry),
    ];
    let problem = Signal::derive(move || answers.iter().filter_map(Signal::get).find_map(Answer::problem));
    for answer in [answer_of(acts.add), answer_of(acts.change)] {
        crate::answer::goes_on(answer);
    }
    let query = use_query_map();
    let asked = move |name: &'static str| Memo::new(move |_| query.with(|query| query.get(name).unwrap_or_default()));
    let (adding, editing) = (asked("add"), asked("edit"));

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <AdminNav/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(ChannelsView { channels, failed, systems, may_change, now }) => {
                        let kept = StoredValue::new((channels, systems));
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="max-w-measure text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <div class="grid max-w-5xl grid-cols-1 gap-6">
                                <ErrorSummary problem/>
                                {move || {
                                    let (channels, systems) = kept.get_value();
                                    let mailed = channels.iter().any(|row| row.kind == ChannelKind::Email);
                                    // One form at a time, so that no field's name is there twice.
                                    let open = if editing.get().is_empty() { adding.get() } else { String::new() };
                                    let none = channels.is_empty() && open.is_empty();
                                    let rows = channels
                                        .into_iter()
                                        .map(|row| {
                                            let edit = editing.get() == row.id.to_string();
                                            let systems = systems.clone();
                                            view! { <Channel row systems edit may_change now acts problem/> }.into_any()
                                        })
                                        .collect_view();
                                    view! {
                                        {none.then(|| view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> })}
                                        {rows}
                                        {may_change
                                            .then(|| match open.as_str() {
                                                "mail" => view! { <AddMail add=acts.add problem/> }.into_any(),
                                                "room" => view! { <AddRoom add=acts.add systems problem/> }.into_any(),
                                                _ => view! { <Ways mailed/> }.into_any(),
                                            })}
                                    }
                                }}
                                <Failed rows=failed may_change retry=acts.retry/>
                                <Told/>
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

/// Links to the forms.
#[component]
fn Ways(mailed: bool) -> impl IntoView {
    view! {
        <p class="flex flex-wrap gap-3">
            {(!mailed)
                .then(|| {
                    view! {
                        <a href="/admin/notices?add=mail" class=Weight::Plain.class()>
                            {strings::ADD_MAIL}
                        </a>
                    }
                })}
            <a href="/admin/notices?add=room" class=Weight::Plain.class()>
                {strings::ADD_ROOM}
            </a>
        </p>
    }
}

#[component]
fn Channel(
    row: ChannelRow,
    systems: Vec<(countersign_domain::ids::SystemId, String)>,
    edit: bool,
    may_change: bool,
    now: u64,
    acts: Acts,
    problem: Signal<Option<countersign_domain::Problem>>,
) -> impl IntoView {
    let (tone, state) = state_of(&row);
    let id = row.id.to_string();
    let heading = format!("channel-{id}");
    let labelled = heading.clone();
    let told = match row.kind {
        ChannelKind::Email => strings::TO_PEOPLE.to_owned(),
        ChannelKind::Slack | ChannelKind::Teams => {
            row.topics.iter().map(|topic| topic_words(*topic)).collect::<Vec<_>>().join("; ")
        }
    };
    let shown = row.clone();

    view! {
        <section aria-labelledby=labelled class="grid grid-cols-1 gap-4 rounded-dialog border border-hairline bg-surface px-5 py-4">
            <h2 id=heading class="flex flex-wrap items-center gap-x-3 gap-y-1 text-reading font-semibold [overflow-wrap:anywhere]">
                <Literal text=row.name/>
                <Chip tone=Tone::Plain text=kind_words(row.kind)/>
                <Chip tone text=state/>
            </h2>
            {row
                .last_error
                .map(|error| {
                    view! {
                        <Banner bar=Bar::Stale>
                            <p>{strings::LAST_ERROR} " " {error}</p>
                        </Banner>
                    }
                })}
            <dl class="grid gap-1.5">
                <Fact name=strings::PLACE>
                    <span class="font-mono [overflow-wrap:anywhere]">{row.place}</span>
                    {row.tls.map(|tls| format!(" · {}", tls_words(tls)))}
                </Fact>
                {row.sender.map(|sender| view! { <Fact name=strings::SENDER>{sender}</Fact> })}
                {row.account.map(|account| view! { <Fact name=strings::ACCOUNT><Literal text=account/></Fact> })}
                <Fact name=strings::TELLS>{told}</Fact>
                {row.system.map(|system| view! { <Fact name=strings::SYSTEM><Literal text=system/></Fact> })}
                <Fact name=strings::SPAN>{span_words(row.span_minutes)}</Fact>
                <Fact name=strings::SENT>
                    {counts(row.sent_count, row.waiting_count)}
                    {row.last_sent_at.map(|at| view! { " · " {strings::LAST} " " <Since at now/> })}
                </Fact>
            </dl>
            {may_change
                .then(|| match edit {
                    true => view! { <Edit row=shown systems change=acts.change problem/> }.into_any(),
                    false => view! { <Buttons id paused=row.paused acts/> }.into_any(),
                })}
        </section>
    }
}

#[component]
fn Buttons(id: String, paused: bool, acts: Acts) -> impl IntoView {
    let hidden = {
        let id = id.clone();
        move || view! { <input type="hidden" name="channel" value=id.clone()/> }
    };
    let (for_test, for_pause, for_resume) = (hidden.clone(), hidden.clone(), hidden.clone());

    view! {
        <div class="flex flex-wrap gap-3">
            {match paused {
                true => view! {
                    <ActionForm action=acts.resume>
                        {for_resume()}
                        <Submit weight=Weight::Plain pending=acts.resume.pending()>
                            {strings::RESUME}
                        </Submit>
                    </ActionForm>
                }
                .into_any(),
                false => view! {
                    <ActionForm action=acts.test>
                        {for_test()}
                        <Submit weight=Weight::Plain pending=acts.test.pending()>
                            {strings::TEST}
                        </Submit>
                    </ActionForm>
                    <ActionForm action=acts.pause>
                        {for_pause()}
                        <Submit weight=Weight::Plain pending=acts.pause.pending()>
                            {strings::PAUSE}
                        </Submit>
                    </ActionForm>
                }
                .into_any(),
            }}
            <a href=format!("{PAGE}?edit={id}") class=Weight::Plain.class()>
                {strings::CHANGE}
            </a>
            <ActionForm action=acts.remove>
                {hidden()}
                <Submit weight=Weight::Ending pending=acts.remove.pending()>
                    {strings::REMOVE}
                </Submit>
            </ActionForm>
        </div>
    }
}

/// What was given up, and why.
#[component]
fn Failed(rows: Vec<FailedRow>, may_change: bool, retry: ServerAction<RetryMessage>) -> impl IntoView {
    let none = rows.is_empty();
    let rows = rows
        .into_iter()
        .map(|row| {
            let to = row.person.map(|person| format!("{} · {person}", row.channel)).unwrap_or(row.channel);
            view! {
                <li class="flex flex-wrap items-center gap-x-5 gap-y-1 py-3">
                    <div class="min-w-0 flex-1">
                        <p class="font-medium [overflow-wrap:anywhere]">{topic_words(row.topic)} ": " <Literal text=to/></p>
                        <p class="text-compact text-muted">
                            {row.error} " · " {tries_words(row.tries)} " · " <Moment at=row.at/>
                        </p>
                    </div>
                    {may_change
                        .then(|| {
                            view! {
                                <ActionForm action=retry>
                                    <input type="hidden" name="message" value=row.id.to_string()/>
                                    <Submit weight=Weight::Plain pending=retry.pending()>
                                        {strings::RETRY}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::FAILED>
            {match none {
                true => view! { <p class="text-muted">{strings::NO_FAILED}</p> }.into_any(),
                false => view! { <ul class="divide-y divide-hairline">{rows}</ul> }.into_any(),
            }}
        </Panel>
    }
}

/// What is sent to whom.
#[component]
fn Told() -> impl IntoView {
    let rows = Topic::ALL
        .iter()
        .filter(|topic| **topic != Topic::Test)
        .map(|topic| {
            view! {
                <tr class="border-t border-hairline align-top">
                    <th scope="row" class="py-2 pr-4 text-left font-medium">{topic_words(*topic)}</th>
                    <td class="py-2 pr-4">{who_words(*topic)}</td>
                    <td class="py-2">{choice_words(*topic)}</td>
                </tr>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::TOLD>
            <p class="max-w-measure text-muted">{strings::TOLD_TEXT}</p>
            <div class="overflow-x-auto" role="region" aria-label=strings::TOLD tabindex="0">
                <table class="w-full text-body">
                    <thead>
                        <tr>
                            <th scope="col" class="py-2 pr-4 text-left text-compact font-medium text-muted">{strings::WHAT}</th>
                            <th scope="col" class="py-2 pr-4 text-left text-compact font-medium text-muted">{strings::WHOM}</th>
                            <th scope="col" class="py-2 text-left text-compact font-medium text-muted">{strings::CHOICE}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Panel>
    }
}

fn state_of(row: &ChannelRow) -> (Tone, &'static str) {
    match (row.paused, row.last_error.is_some()) {
        (true, _) => (Tone::Plain, "Paused"),
        (false, true) => (Tone::Reject, "Failing"),
        (false, false) => (Tone::Approve, "Sends"),
    }
}

/// Says what a message is about, short.
pub(crate) fn topic_words(topic: Topic) -> &'static str {
    match topic {
        Topic::YourTurn => "Waits for a review",
        Topic::Reminder => "Reminder",
        Topic::Invited => "Asked as second approver",
        Topic::Escalated => "Handed to senior approvers",
        Topic::Overdue => "Past its deadline",
        Topic::MakeGood => "Effect of a revoked approval",
        Topic::PostReview => "Waits for a post-review",
        Topic::NotUpheld => "Not upheld by a post-review",
        Topic::Grant => "Grants",
        Topic::RoleRequest => "Requests for a role",
        Topic::Talk => "Mentions, questions and answers",
        Topic::TakenOver => "Review taken over",
        Topic::Pause => "AI system paused or resumed",
        Topic::Owner => "Owner of an AI system named or replaced",
        Topic::StandIn => "Who reviews in whose place",
        Topic::ChangeAsked => "Change asked of an AI system you own",
        Topic::StaffShort => "Too few people can decide",
        Topic::StaffBack => "Enough people can decide again",
        Topic::Account => "Your account",
        Topic::Emergency => "Emergency sign-in and alarms",
        Topic::Nobody => "Nobody may review it",
        Topic::Test => "Test message",
    }
}

fn who_words(topic: Topic) -> &'static str {
    match topic {
        Topic::YourTurn | Topic::Reminder => "Whose turn it is; rooms that want it",
        Topic::Invited => "One more approver, at half of the time",
        Topic::Escalated => "Senior approvers whose turn it is; rooms that want it",
        Topic::Overdue => "Who could have reviewed it; rooms that want it",
        Topic::MakeGood => "Senior approvers of the AI system and type; rooms that want it",
        Topic::PostReview => "Senior approvers of the AI system and type, but who did it",
        Topic::NotUpheld => "Who did it",
        Topic::Grant => "Who may activate it, and who asked for it",
        Topic::RoleRequest => "Admins, and who asked",
        Topic::Talk => "Who is named, asked or answered",
        Topic::TakenOver => "Whose review it was",
        Topic::Pause => "Admins and compliance officers; rooms that want it",
        Topic::Owner => "Who owns it, and who did",
        Topic::StandIn => "The other one of the two",
        Topic::ChangeAsked => "Who owns it",
        Topic::Account => "Whose account it is",
        Topic::StaffShort | Topic::StaffBack | Topic::Nobody | Topic::Emergency => {
            "Every admin and compliance officer; rooms that want it"
        }
        Topic::Test => "Who asks for it, or the room",
    }
}

fn choice_words(topic: Topic) -> &'static str {
    if topic.is_optional() { "Each person, under You" } else { "Always" }
}

fn kind_words(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "E-mail",
        ChannelKind::Slack => "Slack",
        ChannelKind::Teams => "Microsoft Teams",
    }
}

fn tls_words(tls: SmtpTls) -> &'static str {
    match tls {
        SmtpTls::Starttls => "STARTTLS required",
        SmtpTls::Implicit => "TLS",
        SmtpTls::Plain => "no TLS",
    }
}

fn span_words(minutes: u64) -> String {
    countersign_domain::time::duration(minutes * 60_000)
}

fn counts(sent: u64, waiting: u64) -> String {
    format!("{sent} within a day, {waiting} waiting")
}

fn tries_words(tries: u64) -> String {
    if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") }
}

mod strings {
    pub(super) const TITLE: &str = "Notices";
    pub(super) const INTRO: &str = "People see what waits for them on their own page. Here it is also sent out: by e-mail to each person, and to rooms of Slack and Microsoft Teams. A message names the AI system, type, risk, time left and a page; opening a page decides nothing.";
    pub(super) const NONE: &str = "Nothing is sent yet";
    pub(super) const NONE_REASON: &str = "Add a mail server or a room. Reminders begin with the first channel, at 50 % and 80 % of the time for a decision.";
    pub(super) const ADD_MAIL: &str = "Add a mail server";
    pub(super) const ADD_ROOM: &str = "Add a room";
    pub(super) const TO_PEOPLE: &str = "Each person whose sign-in name is an e-mail address, what they want";
    pub(super) const LAST_ERROR: &str = "The last try failed:";
    pub(super) const PLACE: &str = "Sends to";
    pub(super) const SENDER: &str = "From";
    pub(super) const ACCOUNT: &str = "Account";
    pub(super) const TELLS: &str = "Tells";
    pub(super) const SYSTEM: &str = "AI system";
    pub(super) const SPAN: &str = "Reminds at most once in";
    pub(super) const SENT: &str = "Sent";
    pub(super) const LAST: &str = "last";
    pub(super) const TEST: &str = "Send a test message";
    pub(super) const PAUSE: &str = "Pause";
    pub(super) const RESUME: &str = "Let it go on";
    pub(super) const CHANGE: &str = "Change";
    pub(super) const REMOVE: &str = "Remove";
    pub(super) const FAILED: &str = "Given up";
    pub(super) const NO_FAILED: &str = "Nothing. A message is given up after ten tries within a day or so, or at once where trying again changes nothing.";
    pub(super) const RETRY: &str = "Try again";
    pub(super) const TOLD: &str = "Who is told what";
    pub(super) const TOLD_TEXT: &str = "Within five minutes of a message a person gets one digest of what came meanwhile, except of what is urgent. Nobody is told of a decision that they may not read.";
    pub(super) const WHAT: &str = "What";
    pub(super) const WHOM: &str = "Whom";
    pub(super) const CHOICE: &str = "Who chooses";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_times_are_said_as_people_say_them() {
        assert_eq!(counts(3, 1), "3 within a day, 1 waiting");
        assert_eq!((tries_words(1).as_str(), tries_words(10).as_str()), ("1 try", "10 tries"));
        assert_eq!(span_words(60), "1 h");
    }
}
