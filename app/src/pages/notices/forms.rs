//! The forms of a channel: a mail server, a room, and changing either.

use countersign_domain::{
    Problem,
    ids::SystemId,
    notice::{ChannelKind, ChannelRow, SPANS_MINUTES, SmtpTls, Topic},
};
use leptos::{form::ActionForm, prelude::*};

use super::{AddChannel, Boxes, ChangeChannel, PAGE, box_of, span_words};
use crate::{
    answer::{posted, typed},
    components::{
        admin::{Choose, Line, LineKind},
        form::{Field, Kind, Submit, Weight, error_of},
        page::Panel,
    },
};

/// Adds the server that mail goes through.
#[component]
pub(super) fn AddMail(add: ServerAction<AddChannel>, problem: Signal<Option<Problem>>) -> impl IntoView {
    let typed = typed::<AddChannel>;
    let or = |name: &str, first: &str| match typed(name) {
        text if text.is_empty() => first.to_owned(),
        text => text,
    };
    let name = or("name", strings::MAIL_NAME);
    let span = typed("span").parse().unwrap_or(SPANS_MINUTES[0]);
    let values = MailValues {
        host: typed("host"),
        port: or("port", "587"),
        tls: SmtpTls::from_word(&typed("tls")).unwrap_or(SmtpTls::Starttls),
        sender: typed("sender"),
        account: typed("account"),
    };

    view! {
        <Panel title=strings::MAIL>
            <ActionForm action=add attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="kind" value=ChannelKind::Email.word()/>
                <Field name="name" label=strings::NAME kind=Kind::Text value=name problem/>
                <MailFields values problem/>
                <Span span/>
                <Done pending=add.pending() label=strings::ADD/>
            </ActionForm>
        </Panel>
    }
}

/// Adds a room.
#[component]
pub(super) fn AddRoom(
    add: ServerAction<AddChannel>,
    systems: Vec<(SystemId, String)>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let typed = typed::<AddChannel>;
    let again = posted("/act/add-channel").is_some();
    let topics = Topic::ALL
        .iter()
        .copied()
        .filter(|topic| match again {
            true => typed(&box_of(*topic)) == "true",
            false => matches!(topic, Topic::YourTurn | Topic::Reminder | Topic::Escalated | Topic::Nobody),
        })
        .collect();
    let kind = ChannelKind::from_word(&typed("kind")).unwrap_or(ChannelKind::Slack);
    let kinds = [(ChannelKind::Slack, strings::SLACK), (ChannelKind::Teams, strings::TEAMS)]
        .into_iter()
        .map(|(of, words)| (of.word().to_owned(), words.to_owned(), of == kind))
        .collect();
    let span = typed("span").parse().unwrap_or(SPANS_MINUTES[0]);

    view! {
        <Panel title=strings::ROOM>
            <ActionForm action=add attr:class="grid max-w-2xl gap-4">
                <Choose id="kind" name="kind" label=strings::KIND options=kinds/>
                <Field name="name" label=strings::NAME kind=Kind::Text hint=strings::NAME_HINT value=typed("name") problem/>
                <Field name="secret" label=strings::ADDRESS kind=Kind::Secret hint=strings::ADDRESS_HINT problem/>
                <RoomFields topics systems chosen=typed("system") problem/>
                <Span span/>
                <Done pending=add.pending() label=strings::ADD/>
            </ActionForm>
        </Panel>
    }
}

/// Changes what is known of a channel; what it is stays.
#[component]
pub(super) fn Edit(
    row: ChannelRow,
    systems: Vec<(SystemId, String)>,
    change: ServerAction<ChangeChannel>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let ChannelRow { id, kind, name, place, tls, sender, account, topics, system, span_minutes, .. } = row;
    let mail = kind == ChannelKind::Email;
    let (host, port) = place.rsplit_once(':').filter(|_| mail).unwrap_or((place.as_str(), ""));
    let chosen = systems.iter().find(|(_, name)| Some(name) == system.as_ref()).map(|(id, _)| id.to_string());
    let values = MailValues {
        host: host.to_owned(),
        port: port.to_owned(),
        tls: tls.unwrap_or(SmtpTls::Starttls),
        sender: sender.unwrap_or_default(),
        account: account.unwrap_or_default(),
    };

    view! {
        <ActionForm action=change attr:class="grid max-w-2xl gap-4 border-t border-hairline pt-4">
            <input type="hidden" name="channel" value=id.to_string()/>
            <Field name="name" label=strings::NAME kind=Kind::Text value=name problem/>
            {match mail {
                true => view! { <MailFields values problem/> }.into_any(),
                false => view! {
                    <Field name="secret" label=strings::ADDRESS kind=Kind::Secret hint=strings::KEPT problem/>
                    <RoomFields topics systems chosen=chosen.unwrap_or_default() problem/>
                }
                .into_any(),
            }}
            <Span span=span_minutes/>
            <Done pending=change.pending() label=strings::SAVE/>
        </ActionForm>
    }
}

struct MailValues {
    host: String,
    port: String,
    tls: SmtpTls,
    sender: String,
    account: String,
}

#[component]
fn MailFields(values: MailValues, problem: Signal<Option<Problem>>) -> impl IntoView {
    let options = SmtpTls::ALL
        .iter()
        .map(|tls| {
            let words = match tls {
                SmtpTls::Starttls => strings::STARTTLS,
                SmtpTls::Implicit => strings::IMPLICIT,
                SmtpTls::Plain => strings::PLAIN,
            };
            (tls.word().to_owned(), words.to_owned(), *tls == values.tls)
        })
        .collect();

    view! {
        <div class="grid gap-4 sm:grid-cols-2">
            <Field name="host" label=strings::HOST kind=Kind::Text value=values.host problem/>
            <Field name="port" label=strings::PORT kind=Kind::Text value=values.port problem/>
        </div>
        <Choose id="tls" name="tls" label=strings::TLS options/>
        <Field name="sender" label=strings::SENDER kind=Kind::Text value=values.sender problem/>
        <Line
            id="account"
            name="account"
            label=strings::ACCOUNT
            kind=LineKind::Text
            hint=strings::ACCOUNT_HINT
            value=values.account
            problem
        />
        <Field name="secret" label=strings::PASSWORD kind=Kind::Secret hint=strings::PASSWORD_HINT problem/>
    }
}

#[component]
fn RoomFields(
    topics: Vec<Topic>,
    systems: Vec<(SystemId, String)>,
    chosen: String,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let told = Topic::ALL.iter().copied().filter(|topic| topic.is_for_rooms());
    let boxes = told.map(|topic| (topic, topics.contains(&topic))).collect();
    let mut options = vec![(String::new(), strings::ALL_SYSTEMS.to_owned(), chosen.is_empty())];
    options.extend(systems.into_iter().map(|(id, name)| {
        let id = id.to_string();
        let is = id == chosen;
        (id, name, is)
    }));
    let error = Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, "topics")));

    view! {
        <fieldset id="topics" tabindex="-1" class="grid gap-2 sm:grid-cols-2">
            <legend class="mb-1 font-medium">{strings::TOPICS}</legend>
            <Boxes topics=boxes/>
            {move || error.get().map(|error| view! { <p class="text-compact text-reject">{error}</p> })}
        </fieldset>
        <Choose id="system" name="system" label=strings::SYSTEM options/>
    }
}

/// How often somebody is reminded of one decision at most.
#[component]
fn Span(span: u64) -> impl IntoView {
    let mut spans = SPANS_MINUTES.to_vec();
    spans.sort_unstable();
    let options =
        spans.into_iter().map(|minutes| (minutes.to_string(), span_words(minutes), minutes == span)).collect();
    view! { <Choose id="span" name="span" label=strings::SPAN options/> }
}

#[component]
fn Done(#[prop(into)] pending: Signal<bool>, label: &'static str) -> impl IntoView {
    view! {
        <div class="flex flex-wrap gap-3">
            <Submit weight=Weight::Primary pending>
                {label}
            </Submit>
            <a href=PAGE class=Weight::Plain.class()>
                {strings::CANCEL}
            </a>
        </div>
    }
}

mod strings {
    pub(super) const MAIL: &str = "A mail server";
    pub(super) const ROOM: &str = "A room of Slack or Microsoft Teams";
    pub(super) const NAME: &str = "Name";
    pub(super) const NAME_HINT: &str = "As admins know it, such as Reviews room.";
    pub(super) const MAIL_NAME: &str = "E-mail";
    pub(super) const KIND: &str = "What it is";
    pub(super) const SLACK: &str = "Slack: incoming webhook";
    pub(super) const TEAMS: &str = "Microsoft Teams: webhook of a workflow";
    pub(super) const HOST: &str = "Server";
    pub(super) const PORT: &str = "Port";
    pub(super) const TLS: &str = "Connection";
    pub(super) const STARTTLS: &str = "STARTTLS required (port 587)";
    pub(super) const IMPLICIT: &str = "TLS from the start (port 465)";
    pub(super) const PLAIN: &str = "No TLS: only networks that the operator allowed, without an account";
    pub(super) const SENDER: &str = "Sender address";
    pub(super) const ACCOUNT: &str = "Account at the server";
    pub(super) const ACCOUNT_HINT: &str = "Leave it empty where the server asks for none.";
    pub(super) const PASSWORD: &str = "Password";
    pub(super) const PASSWORD_HINT: &str =
        "Stored encrypted and never shown. Left empty it stays as it is, unless server or account change.";
    pub(super) const ADDRESS: &str = "Address of the webhook";
    pub(super) const ADDRESS_HINT: &str =
        "Whoever has it can write to the room: it is stored encrypted and never shown.";
    pub(super) const KEPT: &str = "Left empty it stays as it is.";
    pub(super) const TOPICS: &str = "What the room is told";
    pub(super) const SYSTEM: &str = "Of which AI system";
    pub(super) const ALL_SYSTEMS: &str = "All of them";
    pub(super) const SPAN: &str = "Remind of one decision at most once in";
    pub(super) const ADD: &str = "Add";
    pub(super) const SAVE: &str = "Save";
    pub(super) const CANCEL: &str = "Cancel";
}
