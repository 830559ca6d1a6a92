//! Channels: where notices leave the installation, and what became of them.
//!
//! A password, and the address of a webhook, are sealed by the envelope and shown to nobody; digests of settings are made
//! without them.

use countersign_domain::{
    Problem,
    event::{Event, List, Object, Place as At},
    ids::{ChannelId, MessageId, PersonId, SystemId},
    json,
    notice::{self, ChannelForm, ChannelKind, ChannelRow, ChannelsView, FailedRow, SPANS_MINUTES, SmtpTls, Topic},
    problem::Code,
};
use countersign_ledger::hash::{Hash, Label, digest};
use sqlx::PgConnection;
use zeroize::Zeroizing;

use super::outbox::unreadable;
use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit},
    caller::Caller,
    db::{self, channels::Channel},
    envelope::Place,
    error::{Error, Result},
    people, reads, seal, secret, sessions,
};

/// Channels at most.
const CHANNELS_MAX: usize = 20;
/// Failed messages on the page.
const FAILED_MAX: i64 = 100;
const DAY_MS: u64 = 24 * 3_600_000;

/// Shows the channels, and the messages that were given up.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but admins and compliance officers.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<ChannelsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListChannels, engine.installation()).await?;
        let view = read(&mut tx, engine, caller).await?;
        tx.commit().await?;
        Ok((permit, view))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let count = (view.channels.len() + view.failed.len()) as u64;
    let event = Event::AccessListed { list: List::Channels, count };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

async fn read(conn: &mut PgConnection, engine: &Engine, caller: &Caller) -> Result<ChannelsView> {
    let (me, _) = caller.signed_in()?;
    let now = engine.now();
    let systems: Vec<_> = db::systems::all(conn).await?.into_iter().map(|system| (system.id, system.name)).collect();
    let counts = db::channels::count(conn, now.saturating_sub(DAY_MS)).await?;
    let mut channels = Vec::new();
    for channel in db::channels::list(conn).await? {
        channels.push(row(channel, &counts, &systems)?);
    }
    let dead = db::outbox::list_dead(conn, FAILED_MAX).await?;
    let people: Vec<PersonId> = dead.iter().filter_map(|dead| dead.person).collect();
    let names = people::names(conn, engine, &people).await?;
    let mut failed = Vec::new();
    for dead in dead {
        failed.push(FailedRow {
            id: dead.id,
            channel: dead.channel,
            topic: Topic::from_word(&dead.topic).ok_or_else(|| unreadable("notice_messages", "topic", dead.id.0))?,
            person: dead.person.map(|person| names.get(&person).cloned().unwrap_or_else(people::erased)),
            tries: dead.tries,
            error: dead.error.unwrap_or_default(),
            at: dead.at,
        });
    }
    let may_change = authorize::ask(conn, engine, me, Action::ChangeChannel, engine.installation()).await?.allowed;

    Ok(ChannelsView { channels, failed, systems, may_change, now })
}

fn row(channel: Channel, counts: &[db::channels::Counts], systems: &[(SystemId, String)]) -> Result<ChannelRow> {
    let broken = |column| unreadable("channels", column, channel.id.0);
    let count = counts.iter().find(|count| count.channel == channel.id);
    let name_of = |id: SystemId| systems.iter().find(|(system, _)| *system == id).map(|(_, name)| name.clone());
    Ok(ChannelRow {
        id: channel.id,
        kind: ChannelKind::from_word(&channel.kind).ok_or_else(|| broken("kind"))?,
        tls: channel.tls.as_deref().map(|word| SmtpTls::from_word(word).ok_or_else(|| broken("tls"))).transpose()?,
        topics: channel.topics.iter().filter_map(|word| Topic::from_word(word)).collect(),
        system: channel.system.and_then(name_of),
        place: match channel.port {
            Some(port) => format!("{}:{port}", channel.host),
            None => channel.host,
        },
        name: channel.name,
        sender: channel.sender,
        account: channel.account,
        span_minutes: channel.span_seconds / 60,
        paused: channel.paused,
        sent_count: count.map_or(0, |count| count.sent),
        waiting_count: count.map_or(0, |count| count.waiting),
        last_sent_at: count.and_then(|count| count.last_sent_at),
        last_error: channel.last_error,
    })
}

/// Adds a channel.
///
/// # Errors
///
/// What a field lacks; `name_taken`; `invalid_transition` for a second mail server; `step_up_required`.
pub async fn add(engine: &Engine, caller: &Caller, form: ChannelForm, secret: &str) -> Result<ChannelId> {
    let settings = Settings::parse(form)?;
    let typed = Zeroizing::new(secret.trim().to_owned());
    engine
        .act(caller, move |engine, caller| {
            let (settings, typed) = (settings.clone(), typed.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeChannel, engine.installation()).await?;
                sessions::require_recent(&caller)?;
                if db::channels::list(&mut tx).await?.len() >= CHANNELS_MAX {
                    let sentence = format!("There are {CHANNELS_MAX} channels already. Remove one first.");
                    return Err(refused(&engine, permit, &sentence));
                }
                check(&mut tx, &engine, &permit, None, &settings).await?;
                let id = ChannelId(secret::random_id());
                let (host, secret) = settings.keep(&engine, id, &typed, None)?;
                let channel = settings.channel(id, 1, host, secret);
                let event = Event::ChannelCreated { channel: id, medium: settings.kind, digest: digest_of(&channel) };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::channels::insert(&mut tx, &channel, entry.at, entry.id).await?;
                engine.commit(tx).await?;
                Ok(id)
            }
        })
        .await
}

/// Changes a channel's settings; an empty secret leaves it as it is. What it is stays.
///
/// # Errors
///
/// As [`add`]; [`Error::NotFound`].
pub async fn change(engine: &Engine, caller: &Caller, id: ChannelId, form: ChannelForm, secret: &str) -> Result<()> {
    let typed = Zeroizing::new(secret.trim().to_owned());
    engine
        .act(caller, move |engine, caller| {
            let (form, typed) = (form.clone(), typed.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeChannel, engine.installation()).await?;
                sessions::require_recent(&caller)?;
                let stored = db::channels::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                let settings = Settings::parse(ChannelForm { kind: stored.kind.clone(), ..form })?;
                check(&mut tx, &engine, &permit, Some(id), &settings).await?;
                let (host, secret) = settings.keep(&engine, id, &typed, Some(&stored))?;
                let channel = settings.channel(id, stored.n + 1, host, secret);
                let (n, digest) = (channel.n, digest_of(&channel));
                let event = Event::ChannelChanged { channel: id, n, digest, paused: stored.paused };
                seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::channels::set(&mut tx, &channel).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Stops a channel: what is to be told meanwhile is told by the others only, and what waits goes out afterwards.
///
/// # Errors
///
/// `invalid_transition` where it is paused already; [`Error::NotFound`]; `step_up_required`.
pub async fn pause(engine: &Engine, caller: &Caller, id: ChannelId) -> Result<()> {
    switch(engine, caller, id, true).await
}

/// Lets a channel go on.
///
/// # Errors
///
/// As [`pause`].
pub async fn resume(engine: &Engine, caller: &Caller, id: ChannelId) -> Result<()> {
    switch(engine, caller, id, false).await
}

async fn switch(engine: &Engine, caller: &Caller, id: ChannelId, paused: bool) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ChangeChannel, engine.installation()).await?;
            sessions::require_recent(&caller)?;
            let stored = db::channels::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            if stored.paused == paused {
                let sentence = if paused { "This channel is paused already." } else { "This channel sends already." };
                return Err(refused(&engine, permit, sentence));
            }
            let n = stored.n + 1;
            let event = Event::ChannelChanged { channel: id, n, digest: digest_of(&stored), paused };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::channels::set_paused(&mut tx, id, n, paused.then_some(entry.at)).await?;
            engine.commit(tx).await
        })
        .await
}

/// Takes a channel away, with its secret and with what waits for it.
///
/// # Errors
///
/// [`Error::NotFound`]; `step_up_required`.
pub async fn remove(engine: &Engine, caller: &Caller, id: ChannelId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ChangeChannel, engine.installation()).await?;
            sessions::require_recent(&caller)?;
            let stored = db::channels::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let n = stored.n + 1;
            let event = Event::ChannelRemoved { channel: id, n };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::channels::set_removed(&mut tx, id, n, entry.at).await?;
            engine.commit(tx).await
        })
        .await
}

/// Queues a test message: to a room, or by mail to the admin who asks.
///
/// # Errors
///
/// `invalid_transition` while the channel is paused, or when the admin has no address; [`Error::NotFound`].
pub async fn test(engine: &Engine, caller: &Caller, id: ChannelId) -> Result<()> {
    let queued = async {
        let (me, _) = caller.signed_in()?;
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ChangeChannel, engine.installation()).await?;
        let stored = db::channels::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
        if stored.paused {
            return Err(refused(engine, permit, "This channel is paused. Let it go on first."));
        }
        let mail = stored.kind == ChannelKind::Email.word();
        let login = people::logins(&mut tx, engine, &[me]).await?.remove(&me).unwrap_or_default();
        if mail && notice::address(&login).is_none() {
            let sentence =
                "Your sign-in name is no e-mail address, so no mail reaches you. Ask an admin whose name is one.";
            return Err(refused(engine, permit, sentence));
        }
        let message = MessageId(engine.id());
        let now = engine.now();
        let same = format!("{id}/test/{message}");
        let new = db::outbox::New {
            id: message,
            channel: id,
            person: mail.then_some(me),
            topic: Topic::Test.word(),
            decision: None,
            system: None,
            same: &same,
            at: now,
            now,
        };
        seal::append(&mut tx, engine, caller, &permit, &viewed(&stored)).await?;
        db::outbox::insert(&mut tx, &new).await?;
        engine.commit(tx).await
    };
    engine.noted(caller, queued.await).await
}

/// Queues a message anew that was given up.
///
/// # Errors
///
/// [`Error::NotFound`] where it was not.
pub async fn retry(engine: &Engine, caller: &Caller, message: MessageId) -> Result<()> {
    let queued = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ChangeChannel, engine.installation()).await?;
        let id = db::outbox::revive(&mut tx, message, engine.now()).await?.ok_or(Error::NotFound)?;
        let stored = db::channels::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
        seal::append(&mut tx, engine, caller, &permit, &viewed(&stored)).await?;
        engine.commit(tx).await
    };
    engine.noted(caller, queued.await).await
}

const fn viewed(channel: &Channel) -> Event {
    Event::AccessViewed { object: Object { kind: "channel", id: channel.id.0, place: At::Read(channel.n) } }
}

/// Opens a channel's secret.
pub(super) fn open_secret(engine: &Engine, channel: &Channel) -> Result<Option<Zeroizing<String>>> {
    let Some(sealed) = &channel.secret else { return Ok(None) };
    let plain = engine.envelope.open(place(channel.id), sealed)?;
    let text = String::from_utf8(plain.to_vec()).map_err(|_| unreadable("channels", "secret", channel.id.0))?;
    Ok(Some(Zeroizing::new(text)))
}

const fn place(id: ChannelId) -> Place {
    Place { table: "channels", column: "secret", row: id.0 }
}

/// Refuses a name that is in use, a second mail server, and an AI system that does not exist.
async fn check(
    conn: &mut PgConnection,
    engine: &Engine,
    permit: &Permit,
    besides: Option<ChannelId>,
    settings: &Settings,
) -> Result<()> {
    let (named, mails) = db::channels::find_like(conn, besides, &settings.name, settings.kind.word()).await?;
    if mails {
        let sentence = "Every person gets mail from one server, and there is one. Change or remove it.";
        return Err(refused(engine, permit.clone(), sentence));
    }
    if named {
        return Err(Error::refused(Code::NameTaken, "There is a channel with this name already."));
    }
    if let Some(system) = settings.system
        && db::systems::find(conn, system).await?.is_none()
    {
        return Err(field("/system", "Choose an AI system from the list, or all of them."));
    }
    Ok(())
}

/// Settings of a channel that were read.
#[derive(Clone)]
struct Settings {
    kind: ChannelKind,
    name: String,
    mail: Option<Mail>,
    topics: Vec<Topic>,
    system: Option<SystemId>,
    span_minutes: u64,
}

#[derive(Clone)]
struct Mail {
    host: String,
    port: u16,
    tls: SmtpTls,
    sender: String,
    account: Option<String>,
}

impl Settings {
    fn parse(form: ChannelForm) -> Result<Self> {
        let kind = ChannelKind::from_word(&form.kind)
            .ok_or_else(|| field("/kind", "Choose e-mail, Slack or Microsoft Teams."))?;
        let name = form.name.trim().to_owned();
        if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(field("/name", "Give 1 to 64 characters, such as Reviews room."));
        }
        let span_minutes = form.span.trim().parse().ok().filter(|span| SPANS_MINUTES.contains(span));
        let span_minutes = span_minutes.ok_or_else(|| field("/span", "Choose a time from the list."))?;
        if kind == ChannelKind::Email {
            let mail = Some(Mail::parse(&form)?);
            return Ok(Self { kind, name, mail, topics: Vec::new(), system: None, span_minutes });
        }
        let topics: Vec<_> = Topic::ALL
            .iter()
            .copied()
            .filter(|topic| topic.is_for_rooms() && form.topics.iter().any(|word| word == topic.word()))
            .collect();
        if topics.is_empty() {
            return Err(field("/topics", "Choose at least one thing that the room is told."));
        }
        let system = match form.system.trim() {
            "" => None,
            id => Some(id.parse().map_err(|_| field("/system", "Choose an AI system from the list, or all of them."))?),
        };
        Ok(Self { kind, name, mail: None, topics, system, span_minutes })
    }

    /// Seals what was typed as the secret, or keeps what is stored; with the host that is shown of the channel.
    fn keep(
        &self,
        engine: &Engine,
        id: ChannelId,
        typed: &str,
        stored: Option<&Channel>,
    ) -> Result<(String, Option<Vec<u8>>)> {
        let kept = stored.and_then(|stored| stored.secret.clone());
        if let Some(mail) = &self.mail {
            // A password goes to the server that it was given for, and to no other.
            let same = stored.is_some_and(|stored| {
                stored.host == mail.host && stored.port == Some(mail.port) && stored.account == mail.account
            });
            let secret = match (&mail.account, typed.is_empty()) {
                (None, true) => None,
                (None, false) => return Err(field("/account", "Give the account that the password belongs to.")),
                (Some(_), true) if same && kept.is_some() => kept,
                (Some(_), true) => return Err(field("/secret", "Give the password of the account.")),
                (Some(_), false) if mail.tls == SmtpTls::Plain => {
                    return Err(field("/tls", "A password is sent over TLS only. Choose STARTTLS or TLS."));
                }
                (Some(_), false) if typed.len() > 512 || typed.chars().any(char::is_control) => {
                    return Err(field("/secret", "Give a password of up to 512 characters in one line."));
                }
                (Some(_), false) => Some(engine.envelope.seal(place(id), typed.as_bytes())),
            };
            if mail.tls == SmtpTls::Plain && secret.is_some() {
                return Err(field("/tls", "A password is sent over TLS only. Choose STARTTLS or TLS."));
            }
            return Ok((mail.host.clone(), secret));
        }
        match (typed.is_empty(), stored) {
            (true, Some(stored)) => Ok((stored.host.clone(), kept)),
            _ => {
                let host = host_of(typed).ok_or_else(|| {
                    field("/secret", "Copy the whole address of the webhook; it begins with https://.")
                })?;
                Ok((host.to_owned(), Some(engine.envelope.seal(place(id), typed.as_bytes()))))
            }
        }
    }

    fn channel(&self, id: ChannelId, n: u64, host: String, secret: Option<Vec<u8>>) -> Channel {
        let mail = self.mail.as_ref();
        Channel {
            id,
            n,
            kind: self.kind.word().to_owned(),
            name: self.name.clone(),
            host,
            port: mail.map(|mail| mail.port),
            tls: mail.map(|mail| mail.tls.word().to_owned()),
            sender: mail.map(|mail| mail.sender.clone()),
            account: mail.and_then(|mail| mail.account.clone()),
            secret,
            topics: self.topics.iter().map(|topic| topic.word().to_owned()).collect(),
            system: self.system,
            span_seconds: self.span_minutes * 60,
            paused: false,
            last_error: None,
        }
    }
}

impl Mail {
    fn parse(form: &ChannelForm) -> Result<Self> {
        let host = form.host.trim().trim_end_matches('.').to_lowercase();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
        if !(1..=253).contains(&host.len()) || !host.bytes().all(fits) {
            return Err(field("/host", "Give the name of the mail server, such as smtp.example.org."));
        }
        let port = form.port.trim().parse().ok().filter(|port: &u16| *port > 0);
        let port = port.ok_or_else(|| field("/port", "Give a port from 1 to 65535, most often 587."))?;
        let tls = SmtpTls::from_word(&form.tls).ok_or_else(|| field("/tls", "Choose STARTTLS, TLS or none."))?;
        let sender = notice::address(form.sender.trim())
            .ok_or_else(|| field("/sender", "Give an address such as countersign@example.org."))?
            .to_owned();
        let account = form.account.trim();
        if account.len() > 255 || account.chars().any(char::is_control) {
            return Err(field("/account", "Give the account in up to 255 characters, or leave it empty."));
        }
        Ok(Self { host, port, tls, sender, account: (!account.is_empty()).then(|| account.to_owned()) })
    }
}

/// Returns the host of a web address; nothing where it is none.
fn host_of(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let plain =
        address.len() <= 2_000 && address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>".contains(&byte));
    let (host, path) = rest.split_once('/')?;
    (plain && !host.is_empty() && !host.contains(['@', '?', '#']) && !path.is_empty()).then_some(host)
}

/// Digest of a channel's settings as RFC 8785 text, without the secret.
fn digest_of(channel: &Channel) -> Hash {
    let mut settings = serde_json::json!({
        "host": channel.host,
        "kind": channel.kind,
        "name": channel.name,
        "span_seconds": channel.span_seconds,
        "topics": channel.topics,
    });
    for (name, value) in [("account", &channel.account), ("sender", &channel.sender), ("tls", &channel.tls)] {
        if let Some(value) = value {
            settings[name] = value.as_str().into();
        }
    }
    if let Some(port) = channel.port {
        settings["port"] = port.into();
    }
    if let Some(system) = channel.system {
        settings["system"] = system.to_string().into();
    }
    digest(Label::Channel, json::canonical(&settings).as_bytes())
}

fn refused(engine: &Engine, permit: Permit, sentence: &str) -> Error {
    let problem = Problem::new(Code::InvalidTransition, sentence);
    Denial::by_rule(permit, Action::ChangeChannel, engine.installation(), problem)
}

fn field(pointer: &str, sentence: &str) -> Error {
    Error::field(pointer, "invalid_setting", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_web_address_with_a_path_is_a_webhook() {
        assert_eq!(host_of("https://hooks.example.org/services/T/B/x"), Some("hooks.example.org"));
        assert_eq!(host_of("http://127.0.0.1:8080/hook"), Some("127.0.0.1:8080"));
        for address in
            ["", "hooks.example.org/x", "https://hooks.example.org", "https://a@b/c", "https:///x", "ftp://a/b"]
        {
            assert_eq!(host_of(address), None, "{address}");
        }
    }

    #[test]
    fn mail_is_kept_from_others_unless_somebody_says_otherwise() {
        let form = ChannelForm {
            name: "Mail".into(),
            kind: "email".into(),
            host: "SMTP.example.org.".into(),
            port: "587".into(),
            tls: "starttls".into(),
            sender: "desk@example.org".into(),
            span: "60".into(),
            ..ChannelForm::default()
        };

        let mail = Settings::parse(form.clone()).unwrap().mail.unwrap();
        assert_eq!((mail.host.as_str(), mail.port, mail.tls), ("smtp.example.org", 587, SmtpTls::Starttls));
        for (pointer, broken) in [
            ("/tls", ChannelForm { tls: String::new(), ..form.clone() }),
            ("/port", ChannelForm { port: "0".into(), ..form.clone() }),
            ("/host", ChannelForm { host: "a b".into(), ..form.clone() }),
            ("/sender", ChannelForm { sender: "desk".into(), ..form.clone() }),
            ("/span", ChannelForm { span: "7".into(), ..form.clone() }),
            ("/name", ChannelForm { name: " ".into(), ..form.clone() }),
            ("/kind", ChannelForm { kind: "sms".into(), ..form.clone() }),
            ("/topics", ChannelForm { kind: "slack".into(), topics: vec!["talk".into()], ..form.clone() }),
        ] {
            let Err(Error::Refused(problem)) = Settings::parse(broken) else { panic!("{pointer} was taken") };
            assert_eq!(problem.errors[0].pointer, pointer);
        }
    }
}
