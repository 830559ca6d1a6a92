//! Takes notices to mail servers and webhooks: by the one client for requests that leave, under its rules.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign_domain::notice::{Message, SmtpTls};
use countersign_engine::notices::deliver::{Carried, Carrier, Failure, Letter, Way};
use countersign_outbound::Outbound;
use http::{Request, header::CONTENT_TYPE};
use lettre::{
    Address,
    address::Envelope,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use zeroize::Zeroizing;

use crate::Server;

/// Ports of mail servers that are reached without being allowed by an administrator.
const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2525];
/// How long a step of a conversation with a mail server may take.
const STEP: Duration = Duration::from_secs(10);
/// The most bytes of a webhook's answer; nothing of it is kept.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Begins to send notices.
pub fn begin(server: &Server) {
    let host = server.engine().config().host().to_owned();
    server.engine().carry_notices(Arc::new(Post::new(server.outbound().clone(), host)));
}

/// The way out.
pub struct Post {
    outbound: Outbound,
    host: String,
}

impl Post {
    /// Makes a carrier that goes where these requests may go, for the installation with this host.
    pub fn new(outbound: Outbound, host: String) -> Self {
        Self { outbound, host }
    }

    async fn deliver(&self, letter: &Letter) -> Result<(), Failure> {
        match &letter.way {
            Way::Mail { .. } => self.mail(letter).await,
            Way::Slack(address) => self.post(address, slack(&letter.message)).await,
            Way::Teams(address) => self.post(address, teams(&letter.message)).await,
        }
    }

    async fn post(&self, address: &Zeroizing<String>, body: serde_json::Value) -> Result<(), Failure> {
        let request = Request::post(address.as_str())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string().into_bytes())
            .map_err(|_| lasting("The address of the webhook is none."))?;
        let answer = self.outbound.send(request, ANSWER_BYTES_MAX).await.map_err(|error| unreached(&error))?;
        let status = answer.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            // Too early, too many, too slow: later it may go.
            408 | 425 | 429 => Err(passing(&format!("The webhook answered {}.", status.as_u16()))),
            300..=499 => {
                Err(lasting(&format!("The webhook answered {}. Copy its address anew, or remove it.", status.as_u16())))
            }
            code => Err(passing(&format!("The webhook answered {code}."))),
        }
    }

    async fn mail(&self, letter: &Letter) -> Result<(), Failure> {
        let Way::Mail { host, port, tls, account, from, to } = &letter.way else { return Ok(()) };
        let (from, to) = (parse(from)?, parse(to)?);
        let envelope = Envelope::new(Some(from.clone()), vec![to.clone()])
            .map_err(|_| lasting("The message has no recipient."))?;
        let bytes = written(letter, from, to, &self.host)?;

        let plain = *tls == SmtpTls::Plain;
        let found =
            self.outbound.addresses(host, *port, &MAIL_PORTS, plain).await.map_err(|error| unreached(&error))?;
        let hello = ClientId::Domain(self.host.clone());
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| failure(&error));
        let wrapped = match tls {
            SmtpTls::Implicit => Some(parameters()?),
            SmtpTls::Starttls | SmtpTls::Plain => None,
        };
        // What was checked is what is connected to: the name is not resolved again.
        let mut connection = AsyncSmtpConnection::connect_tokio1(found.as_slice(), Some(STEP), &hello, wrapped, None)
            .await
            .map_err(|error| failure(&error))?;
        let sent = async {
            if *tls == SmtpTls::Starttls {
                if !connection.can_starttls() {
                    return Err(lasting("The mail server offers no STARTTLS, so nothing was sent to it."));
                }
                connection.starttls(parameters()?, &hello).await.map_err(|error| failure(&error))?;
            }
            if let Some((account, password)) = account {
                let credentials = Credentials::new(account.clone(), password.as_str().to_owned());
                let mechanisms = [Mechanism::Plain, Mechanism::Login];
                connection.auth(&mechanisms, &credentials).await.map_err(|error| failure(&error))?;
            }
            connection.send(&envelope, &bytes).await.map_err(|error| failure(&error))?;
            Ok(())
        };
        sent.await?;
        // Whether it says goodbye changes nothing. After a failure nothing is said: a connection that could not be encrypted
        // has no stream left, and lettre 0.11 panics where it is used.
        let _ = connection.quit().await;
        Ok(())
    }
}

impl Carrier for Post {
    fn carry<'a>(&'a self, letter: &'a Letter) -> Carried<'a> {
        Box::pin(self.deliver(letter))
    }
}

/// Writes a message as mail: text alone, marked as sent by a machine, so that no machine answers it.
fn written(letter: &Letter, from: Address, to: Address, host: &str) -> Result<Vec<u8>, Failure> {
    let header = HeaderName::new_from_ascii_str("Auto-Submitted");
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(letter.at);
    let message = lettre::Message::builder()
        .from(Mailbox::new(Some("Countersign".to_owned()), from))
        .to(Mailbox::new(None, to))
        .date(at)
        .message_id(Some(format!("<{}@{host}>", letter.id)))
        .subject(letter.message.subject.clone())
        .raw_header(HeaderValue::new(header, "auto-generated".to_owned()))
        .header(ContentType::TEXT_PLAIN)
        .body(text(&letter.message))
        .map_err(|_| lasting("The message could not be written."))?;
    Ok(message.formatted())
}

fn text(message: &Message) -> String {
    let mut text = String::new();
    for (line, link) in &message.lines {
        text.push_str(&format!("{line}\n{link}\n\n"));
    }
    text.push_str(FOOT);
    text
}

/// A message as Slack takes it.
fn slack(message: &Message) -> serde_json::Value {
    let lines: Vec<_> = message.lines.iter().map(|(line, link)| format!("{}\n<{link}>", escaped(line))).collect();
    serde_json::json!({ "text": lines.join("\n\n"), "unfurl_links": false, "unfurl_media": false })
}

/// A message as a workflow of Teams takes it: a card with a line and a link for each page.
fn teams(message: &Message) -> serde_json::Value {
    let body: Vec<_> = message
        .lines
        .iter()
        .map(|(line, link)| {
            let text = format!("{} [Open the page]({link})", unmarked(line));
            serde_json::json!({ "type": "TextBlock", "text": text, "wrap": true })
        })
        .collect();
    serde_json::json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

/// Keeps a name from being read as a mention or a link.
fn escaped(line: &str) -> String {
    line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Keeps a name from being read as markdown.
fn unmarked(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for character in line.chars() {
        if "\\[]()*_`<>~#".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

fn parse(address: &str) -> Result<Address, Failure> {
    address.parse().map_err(|_| lasting("The sender or the recipient is no e-mail address."))
}

/// What a mail server, or the way to it, said. Its own words may repeat the recipient, so none are kept.
fn failure(error: &lettre::transport::smtp::Error) -> Failure {
    if error.is_tls() {
        return passing("The mail server's certificate was not taken, or TLS failed.");
    }
    if error.is_timeout() {
        return passing("The mail server took too long.");
    }
    match error.status() {
        Some(code) if error.is_permanent() => lasting(&format!("The mail server refused it with {code}.")),
        Some(code) => passing(&format!("The mail server put it off with {code}.")),
        None if error.is_client() => lasting("The mail server offers no way to sign in, or does not take the address."),
        None => passing("There is no connection to the mail server, or it broke off."),
    }
}

/// What no second try changes is said at once: an address that is not allowed stays so until an administrator acts.
fn unreached(error: &countersign_outbound::Error) -> Failure {
    use countersign_outbound::Error as Unreached;

    let words = format!("Not sent: {error}.");
    match error {
        Unreached::Address(_) | Unreached::Refused(_) | Unreached::Port(_) | Unreached::OtherPort(_) => lasting(&words),
        _ => passing(&words),
    }
}

fn lasting(words: &str) -> Failure {
    Failure { words: words.to_owned(), lasting: true }
}

fn passing(words: &str) -> Failure {
    Failure { words: words.to_owned(), lasting: false }
}

const FOOT: &str = "Opening a page decides nothing. You choose what you get by e-mail under You.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_mentions_nobody_and_links_nowhere() {
        let line = "A decision waits: <!channel> [x](https://evil.example)";
        let message = Message { subject: String::new(), lines: vec![(line.into(), "https://desk.example/x".into())] };

        let said = slack(&message)["text"].as_str().unwrap().to_owned();
        assert!(said.contains("&lt;!channel&gt;") && said.ends_with("<https://desk.example/x>"), "{said}");
        let card = teams(&message);
        let said = card["attachments"][0]["content"]["body"][0]["text"].as_str().unwrap();
        assert!(said.contains("\\[x\\]\\(https"), "{said}");
    }

    #[test]
    fn mail_says_that_a_machine_wrote_it_and_keeps_its_name() {
        let letter = Letter {
            id: "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap(),
            way: Way::Slack(Zeroizing::new(String::new())),
            message: Message {
                subject: "Countersign: A decision waits for you".into(),
                lines: vec![("A decision waits for you".into(), "https://desk.example.org/decisions/x".into())],
            },
            at: 1_793_610_000_000,
        };

        let bytes =
            written(&letter, parse("desk@example.org").unwrap(), parse("ada@example.org").unwrap(), "desk.example.org");
        let mail = String::from_utf8(bytes.unwrap()).unwrap();
        for part in [
            "Auto-Submitted: auto-generated",
            "Message-ID: <01a19b7d-90e0-7f95-ae73-2979886b812a@desk.example.org>",
            "To: ada@example.org",
            "Date: ",
            "https://desk.example.org/decisions/x",
        ] {
            assert!(mail.contains(part), "{part} in {mail}");
        }
        assert!(!mail.contains("text/html"));
    }
}
