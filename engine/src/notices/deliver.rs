//! Sends what is queued: at least once, each message held by one worker at a time under a number that grows.
//!
//! Nothing is held in a transaction while it is sent. A worker that dies leaves its messages to the next one when its time
//! is over; one that comes back late settles nothing, because the number is another. A message that was sent just before
//! its worker died goes out twice, under the same id.

use std::{pin::Pin, sync::Arc, time::Duration};

use countersign_domain::{
    ids::{MessageId, PersonId},
    notice::{self, ChannelKind, DIGEST_MAX, Item, Message, QUIET_MS, SmtpTls, Topic},
};
use sqlx::PgConnection;
use zeroize::Zeroizing;

use super::{
    channels::open_secret,
    outbox::{self, unreadable},
};
use crate::{
    Engine,
    authorize::{self, Action, Target},
    db::{self, channels::Channel, outbox::Held},
    error::{Error, Result},
    people, secret,
};

/// How many workers send at once, so that a slow server holds up none but its own messages.
pub(crate) const WORKERS: usize = 4;
/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(1);
/// How long a message is held by who sends it, in milliseconds.
const HELD_MS: u64 = 60_000;
/// How long sending may take.
const SENDING: Duration = Duration::from_secs(30);
/// How long settled messages are kept, in milliseconds.
const KEPT_MS: u64 = 30 * 24 * 3_600_000;
/// Characters kept of an error.
const ERROR_CHARS: usize = 300;

/// A message on its way.
#[derive(Debug)]
pub struct Letter {
    /// Names it; the same when it is sent again.
    pub id: MessageId,
    /// Where it goes.
    pub way: Way,
    /// What it says.
    pub message: Message,
    /// When it is sent, in milliseconds since 1970 UTC.
    pub at: u64,
}

/// Where a message goes.
pub enum Way {
    /// To a person, over a mail server.
    Mail {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is kept from others.
        tls: SmtpTls,
        /// Account and password at the server.
        account: Option<(String, Zeroizing<String>)>,
        /// Sender.
        from: String,
        /// Recipient.
        to: String,
    },
    /// To a room of Slack.
    Slack(Zeroizing<String>),
    /// To a room of Teams.
    Teams(Zeroizing<String>),
}

impl std::fmt::Debug for Way {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Way::Mail { .. } => "Mail",
            Way::Slack(_) => "Slack",
            Way::Teams(_) => "Teams",
        })
    }
}

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What an admin reads: no secret, nothing of an answer's body.
    pub words: String,
    /// Trying again changes nothing.
    pub lasting: bool,
}

/// The way of a message, until it arrived or did not.
pub type Carried<'a> = Pin<Box<dyn Future<Output = std::result::Result<(), Failure>> + Send + 'a>>;

/// Takes messages to mail servers and webhooks; a test's, or the server's.
pub trait Carrier: Send + Sync + 'static {
    /// Takes one message where it goes.
    fn carry<'a>(&'a self, letter: &'a Letter) -> Carried<'a>;
}

/// Sends what is due, until shutdown.
pub(crate) async fn run(engine: Engine, carrier: Arc<dyn Carrier>) {
    let mut shutdown = engine.shutdown();
    loop {
        if let Err(error) = send_due(&engine, carrier.as_ref()).await {
            tracing::warn!(%error, "Notices that are due are looked at again");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = shutdown.changed() => return,
        }
    }
}

/// Works out what is to be told and sends what is due; returns how many messages it tried to send.
///
/// # Errors
///
/// When the database does not answer. A message that does not arrive is no error: it is tried again.
pub async fn send_due(engine: &Engine, carrier: &dyn Carrier) -> Result<usize> {
    if !db::channels::any_running(&mut *engine.app.acquire().await?).await? {
        return Ok(0);
    }
    outbox::work_out(engine).await?;
    let stops = || *engine.shutdown.borrow();
    let mut count = 0;
    while !stops() && send_next(engine, carrier).await? {
        count += 1;
    }
    if count > 0 {
        let before = engine.now().saturating_sub(KEPT_MS);
        db::outbox::prune(&mut *engine.app.acquire().await?, before).await?;
    }
    Ok(count)
}

/// Sends the next message, or digest; false when nothing is due.
async fn send_next(engine: &Engine, carrier: &dyn Carrier) -> Result<bool> {
    let now = engine.now();
    let urgent: Vec<_> =
        Topic::ALL.iter().filter(|topic| topic.is_urgent()).map(|topic| topic.word().to_owned()).collect();
    let mut tx = engine.begin().await?;
    let quiet = now.saturating_sub(QUIET_MS);
    let held = db::outbox::hold(&mut tx, now, now + HELD_MS, quiet, &urgent, DIGEST_MAX).await?;
    tx.commit().await?;
    let Some(first) = held.first() else { return Ok(false) };
    let channel = first.channel;
    let mut conn = engine.app.acquire().await?;
    let (letter, live) = match write(&mut conn, engine, held).await? {
        Some(written) => written,
        None => return Ok(true),
    };
    drop(conn);

    let result = match tokio::time::timeout(SENDING, carrier.carry(&letter)).await {
        Ok(result) => result,
        Err(_) => Err(Failure { words: "Sending took too long.".to_owned(), lasting: false }),
    };

    let mut tx = engine.begin().await?;
    let now = engine.now();
    for held in &live {
        match &result {
            Ok(()) => {
                db::outbox::settle(&mut tx, held, "sent", None, now).await?;
            }
            Err(failure) => {
                let words: String = failure.words.chars().take(ERROR_CHARS).collect();
                match notice::wait_ms(held.tries, secret::random::<1>()[0]).filter(|_| !failure.lasting) {
                    Some(wait) => db::outbox::put_off(&mut tx, held, &words, now + wait).await?,
                    None => db::outbox::settle(&mut tx, held, "dead", Some(&words), now).await?,
                };
            }
        }
    }
    let error = result.as_ref().err().map(|failure| failure.words.as_str());
    db::channels::set_error(&mut tx, channel, error).await?;
    tx.commit().await?;
    if let Some(error) = error {
        tracing::warn!(channel.id = %channel, error, "A notice did not arrive");
    }
    Ok(true)
}

/// Writes one message of what is held, as things stand now; what says nothing any more is dropped.
async fn write(conn: &mut PgConnection, engine: &Engine, held: Vec<Held>) -> Result<Option<(Letter, Vec<Held>)>> {
    let Some(first) = held.first() else { return Ok(None) };
    let channels = db::channels::list(conn).await?;
    let Some(channel) = channels.into_iter().find(|channel| channel.id == first.channel && !channel.paused) else {
        // Paused or removed a moment ago: it waits, or went with its channel.
        return Ok(None);
    };
    let id = first.id;
    let Some(way) = way(conn, engine, &channel, first.person).await? else {
        for held in &held {
            db::outbox::settle(conn, held, "dropped", Some("There is no address any more."), engine.now()).await?;
        }
        return Ok(None);
    };
    let (mut items, mut live) = (Vec::new(), Vec::new());
    for held in held {
        match item(conn, engine, &held).await? {
            Some(item) => {
                items.push(item);
                live.push(held);
            }
            None => {
                db::outbox::settle(
                    conn,
                    &held,
                    "dropped",
                    Some("It was done already, or is not theirs any more."),
                    engine.now(),
                )
                .await?;
            }
        }
    }
    if items.is_empty() {
        return Ok(None);
    }
    let room = !matches!(way, Way::Mail { .. });
    let message = Message::of(&items, &engine.config().public_origin, room);
    Ok(Some((Letter { id, way, message, at: engine.now() }, live)))
}

async fn way(
    conn: &mut PgConnection,
    engine: &Engine,
    channel: &Channel,
    person: Option<PersonId>,
) -> Result<Option<Way>> {
    let broken = |column| unreadable("channels", column, channel.id.0);
    let secret = open_secret(engine, channel)?;
    let kind = ChannelKind::from_word(&channel.kind).ok_or_else(|| broken("kind"))?;
    if kind != ChannelKind::Email {
        let address = secret.ok_or_else(|| broken("secret"))?;
        return Ok(Some(if kind == ChannelKind::Slack { Way::Slack(address) } else { Way::Teams(address) }));
    }
    let person = person.ok_or_else(|| broken("kind"))?;
    if db::outbox::enabled(conn, &[person]).await?.is_empty() {
        return Ok(None);
    }
    let logins = people::logins(conn, engine, &[person]).await?;
    let Some(to) = logins.get(&person).and_then(|login| notice::address(login)) else { return Ok(None) };
    let account = match (&channel.account, secret) {
        (Some(account), Some(password)) => Some((account.clone(), password)),
        _ => None,
    };
    Ok(Some(Way::Mail {
        host: channel.host.clone(),
        port: channel.port.ok_or_else(|| broken("port"))?,
        tls: channel.tls.as_deref().and_then(SmtpTls::from_word).ok_or_else(|| broken("tls"))?,
        account,
        from: channel.sender.clone().ok_or_else(|| broken("sender"))?,
        to: to.to_owned(),
    }))
}

/// Says what a message is about, as things stand now; nothing where it says nothing any more.
async fn item(conn: &mut PgConnection, engine: &Engine, held: &Held) -> Result<Option<Item>> {
    let topic = Topic::from_word(&held.topic).ok_or_else(|| unreadable("notice_messages", "topic", held.id.0))?;
    let Some(id) = held.decision else {
        let system = held.system.clone();
        return Ok(Some(Item { topic, decision: None, system, type_name: None, risk: None, left_ms: None }));
    };
    let stored = db::decisions::find(conn, id).await?.ok_or(Error::NotFound)?;
    let open = stored.state.is_reviewed();
    if let Some(person) = held.person {
        // Whoever lost the role meanwhile is told nothing of it.
        let target = Target::Decision { id, system: stored.system, n: stored.n };
        if !authorize::ask(conn, engine, person, Action::ViewDecision, target).await?.allowed {
            return Ok(None);
        }
    }
    if topic.is_about_a_turn() {
        let turn = match held.person {
            Some(person) => open && outbox::is_turn(conn, engine, person, id).await?,
            None => open,
        };
        if !turn {
            return Ok(None);
        }
    }
    let system = db::systems::find(conn, stored.system).await?.ok_or(Error::NotFound)?;
    let types = db::decision_types::list(conn, &[stored.type_id.0]).await?;
    Ok(Some(Item {
        topic,
        decision: Some(id),
        system: Some(system.name),
        type_name: types.into_iter().next().map(|(_, definition)| definition.name),
        risk: Some(stored.risk),
        left_ms: open.then(|| stored.due_at.saturating_sub(engine.now())),
    }))
}
