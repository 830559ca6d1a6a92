//! Notices on their way out: to a mail server and to webhooks on this machine, and never to where they may not go.

use std::sync::{Arc, Mutex};

use countersign_domain::{
    decision::State,
    holding::Holding,
    notice::{ChannelForm, Topic},
    role::Role,
};
use countersign_engine::{
    notices::{
        channels,
        deliver::{Carrier, send_due},
    },
    testing::{Desk, again},
};
use countersign_outbound::{Allowed, Outbound};
use countersign_server::notices::Post;
use http::StatusCode;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::installation::{Ask, Installation};

#[tokio::test(flavor = "multi_thread")]
async fn mail_arrives_with_its_name_and_its_link_and_nothing_of_the_case() {
    let desk = desk_with_ben().await;
    let sink = MailSink::start(false).await;
    channels::add(&desk.engine, &again(&desk.admin), sink.form("plain"), "").await.unwrap();
    let id = desk.queued_decision().await;

    assert_eq!(send_due(&desk.engine, &inside()).await.unwrap(), 1);

    let mail = sink.mails().remove(0);
    assert!(mail.contains("RCPT TO:<ben@example.org>"), "{mail}");
    assert!(mail.contains("MAIL FROM:<desk@example.org>"), "{mail}");
    for part in ["From: Countersign <desk@example.org>", "Auto-Submitted: auto-generated", "Message-ID: <"] {
        assert!(mail.contains(part), "{part} in {mail}");
    }
    let unfolded = mail.replace("=\r\n", "").replace("=\n", "");
    assert!(unfolded.contains(&format!("http://127.0.0.1:3000/decisions/{id}")), "{unfolded}");
    for kept in ["4711", "parcel", "40.00"] {
        assert!(!unfolded.contains(kept), "{kept} in {unfolded}");
    }
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(failed(&desk).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_refused_is_given_up_and_one_that_is_put_off_waits() {
    let desk = desk_with_ben().await;
    let sink = MailSink::start(false).await;
    channels::add(&desk.engine, &again(&desk.admin), sink.form("plain"), "").await.unwrap();
    desk.queued_decision().await;

    sink.answer_recipients("451 later, ben@example.org");
    send_due(&desk.engine, &inside()).await.unwrap();
    let row = list(&desk).await.channels.remove(0);
    assert_eq!((row.waiting_count, row.last_error.as_deref()), (1, Some("The mail server put it off with 451.")));

    sink.answer_recipients("550 no ben@example.org here");
    desk.clock.advance(60_000);
    send_due(&desk.engine, &inside()).await.unwrap();
    assert_eq!(failed(&desk).await, ["The mail server refused it with 550."], "its own words are not kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_starttls_nothing_is_said_to_a_mail_server() {
    let desk = desk_with_ben().await;
    let sink = MailSink::start(false).await;
    channels::add(&desk.engine, &again(&desk.admin), sink.form("starttls"), "").await.unwrap();
    desk.queued_decision().await;

    send_due(&desk.engine, &inside()).await.unwrap();

    assert_eq!(failed(&desk).await, ["The mail server offers no STARTTLS, so nothing was sent to it."]);
    assert!(!sink.heard().contains("MAIL FROM"), "{}", sink.heard());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_said_to_nobody_who_does_not_show_a_certificate() {
    let desk = desk_with_ben().await;
    let sink = MailSink::start(true).await;
    let form = ChannelForm { account: "desk".into(), ..sink.form("starttls") };
    channels::add(&desk.engine, &again(&desk.admin), form, "open sesame").await.unwrap();
    desk.queued_decision().await;

    send_due(&desk.engine, &inside()).await.unwrap();

    let heard = sink.heard();
    assert!(heard.contains("STARTTLS"), "{heard}");
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL FROM"), "{heard}");
    let row = list(&desk).await.channels.remove(0);
    assert_eq!((row.waiting_count, row.last_error.is_some()), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_get_a_line_and_a_link_as_slack_and_teams_take_them() {
    let desk = Desk::new().await;
    let sink = WebSink::start().await;
    for (kind, path) in [("slack", "/services/T/B/x"), ("teams", "/workflows/y")] {
        let address = format!("http://{}{path}", sink.address);
        channels::add(&desk.engine, &again(&desk.admin), room(kind), &address).await.unwrap();
    }
    let id = desk.queued_decision().await;

    assert_eq!(send_due(&desk.engine, &inside()).await.unwrap(), 2);

    let mut heard = sink.heard();
    heard.sort();
    assert!(heard[0].starts_with("POST /services/T/B/x "), "{}", heard[0]);
    let slack: serde_json::Value = serde_json::from_str(body(&heard[0])).unwrap();
    let said = slack["text"].as_str().unwrap();
    assert!(said.starts_with("A decision waits for a review: refund-agent, refund.issue, medium risk, "), "{said}");
    assert!(said.ends_with(&format!("<http://127.0.0.1:3000/decisions/{id}>")), "{said}");
    assert!(heard[1].starts_with("POST /workflows/y "), "{}", heard[1]);
    let teams: serde_json::Value = serde_json::from_str(body(&heard[1])).unwrap();
    let card = &teams["attachments"][0]["content"];
    let said = card["body"][0]["text"].as_str().unwrap();
    assert!(said.ends_with(&format!(" [Open the page](http://127.0.0.1:3000/decisions/{id})")), "{said}");
    assert!(heard.iter().all(|heard| !heard.contains("4711") && !heard.contains("parcel")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_gone_is_given_up_one_that_fails_waits_and_none_leads_elsewhere() {
    let desk = Desk::new().await;
    let (sink, other) = (WebSink::start().await, WebSink::start().await);
    let address = format!("http://{}/hook", sink.address);
    channels::add(&desk.engine, &again(&desk.admin), room("slack"), &address).await.unwrap();

    sink.answer("500 Internal Server Error", "");
    desk.queued_decision().await;
    send_due(&desk.engine, &inside()).await.unwrap();
    let row = list(&desk).await.channels.remove(0);
    assert_eq!((row.waiting_count, row.last_error.as_deref()), (1, Some("The webhook answered 500.")));

    sink.answer("302 Found", &format!("location: http://{}/\r\n", other.address));
    desk.clock.advance(60_000);
    send_due(&desk.engine, &inside()).await.unwrap();
    assert_eq!(other.heard(), Vec::<String>::new(), "a redirect is not followed");
    sink.answer("404 Not Found", "");
    desk.queued_decision().await;
    send_due(&desk.engine, &inside()).await.unwrap();

    let said = failed(&desk).await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|said| said.starts_with("The webhook answered ")), "{said:?}");
    // Nothing of an answer is kept.
    assert!(!said.iter().any(|said| said.contains("secret answer")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_inwards_unless_the_operator_allows_it() {
    let desk = desk_with_ben().await;
    let (mail, web) = (MailSink::start(false).await, WebSink::start().await);
    channels::add(&desk.engine, &again(&desk.admin), mail.form("starttls"), "").await.unwrap();
    let address = format!("https://{}/hook", web.address);
    channels::add(&desk.engine, &again(&desk.admin), room("slack"), &address).await.unwrap();
    desk.queued_decision().await;

    let outside = Post::new(Outbound::new(Allowed::default()), "desk.example.org".into());
    assert_eq!(send_due(&desk.engine, &outside).await.unwrap(), 2);

    let said = failed(&desk).await;
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|said| said.contains("is not a public address")), "{said:?}");
    assert_eq!((mail.heard().as_str(), web.heard().len()), ("", 0));
}

#[tokio::test]
async fn opening_the_link_of_a_message_decides_nothing_and_strangers_are_asked_to_sign_in() {
    let installation = Installation::new().await;
    let desk = &installation.desk;
    let sink = WebSink::start().await;
    let address = format!("http://{}/hook", sink.address);
    channels::add(&desk.engine, &again(&desk.admin), room("slack"), &address).await.unwrap();
    let id = desk.queued_decision().await;
    send_due(&desk.engine, &inside()).await.unwrap();
    let heard = sink.heard();
    let said: serde_json::Value = serde_json::from_str(body(&heard[0])).unwrap();
    let link = said["text"].as_str().unwrap().split_once('<').unwrap().1.trim_end_matches('>').to_owned();
    let path = link.strip_prefix("http://127.0.0.1:3000").unwrap();
    let reviews = "select count(*) from reviews";
    let before = (desk.database.number(reviews).await, state(desk, id).await);

    // Twice, as scanners of links do.
    for _ in 0..2 {
        let stranger = installation.send(Ask::get(path).html()).await;
        assert_eq!(stranger.status, StatusCode::SEE_OTHER);
        let reader = installation.send(Ask::get(path).html().session(&installation.approver.token)).await;
        assert_eq!(reader.status, StatusCode::OK);
    }

    assert_eq!((desk.database.number(reviews).await, state(desk, id).await), before);
}

/// A carrier that may go to this machine.
fn inside() -> impl Carrier {
    let allowed = Allowed { networks: vec!["127.0.0.0/8".parse().unwrap()], plain_http: true, own: None };
    Post::new(Outbound::new(allowed), "desk.example.org".into())
}

async fn desk_with_ben() -> Desk {
    let desk = Desk::new().await;
    desk.member("ben@example.org", vec![Holding::everywhere(Role::Approver)]).await;
    desk
}

fn room(kind: &str) -> ChannelForm {
    ChannelForm {
        name: format!("Room of {kind}"),
        kind: kind.into(),
        topics: vec![Topic::YourTurn.word().into()],
        span: "60".into(),
        ..ChannelForm::default()
    }
}

async fn list(desk: &Desk) -> countersign_domain::notice::ChannelsView {
    channels::list(&desk.engine, &again(&desk.admin)).await.unwrap()
}

/// Why messages were given up.
async fn failed(desk: &Desk) -> Vec<String> {
    list(desk).await.failed.into_iter().map(|row| row.error).collect()
}

async fn state(desk: &Desk, id: countersign_domain::ids::DecisionId) -> State {
    countersign_engine::decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap().state
}

fn body(heard: &str) -> &str {
    heard.split_once("\r\n\r\n").unwrap().1
}

/// A mail server that keeps what it hears.
struct MailSink {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    recipients: Arc<Mutex<String>>,
}

impl MailSink {
    /// Starts one; `tls` is offered, and no certificate shown.
    async fn start(tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, recipients) = (Arc::default(), Arc::new(Mutex::new("250 ok".to_owned())));
        let sink = Self { port, heard, recipients };
        let (heard, recipients) = (sink.heard.clone(), sink.recipients.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, tls, heard.clone(), recipients.clone()));
            }
        });
        sink
    }

    fn form(&self, tls: &str) -> ChannelForm {
        ChannelForm {
            name: "Mail".into(),
            kind: "email".into(),
            host: "127.0.0.1".into(),
            port: self.port.to_string(),
            tls: tls.into(),
            sender: "desk@example.org".into(),
            span: "60".into(),
            ..ChannelForm::default()
        }
    }

    fn answer_recipients(&self, answer: &str) {
        *self.recipients.lock().unwrap() = answer.to_owned();
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().concat()
    }

    /// Whole conversations that carried a message.
    fn mails(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().filter(|heard| heard.contains("\r\n.\r\n")).cloned().collect()
    }
}

async fn talk(stream: TcpStream, tls: bool, heard: Arc<Mutex<Vec<String>>>, recipients: Arc<Mutex<String>>) {
    let place = {
        let mut heard = heard.lock().unwrap();
        heard.push(String::new());
        heard.len() - 1
    };
    let mut stream = BufReader::new(stream);
    let mut content = false;
    stream.write_all(b"220 sink\r\n").await.unwrap();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        heard.lock().unwrap()[place].push_str(&line);
        let answer = match (content, line.trim_end()) {
            (true, ".") => {
                content = false;
                "250 taken".to_owned()
            }
            (true, _) => continue,
            (false, line) if line.starts_with("EHLO") && tls => "250-sink\r\n250 STARTTLS".to_owned(),
            (false, line) if line.starts_with("EHLO") => "250 sink".to_owned(),
            (false, line) if line.starts_with("RCPT") => recipients.lock().unwrap().clone(),
            (false, "DATA") => {
                content = true;
                "354 go on".to_owned()
            }
            (false, "STARTTLS") => {
                let _ = stream.write_all(b"220 go on\r\n").await;
                // And no certificate.
                return;
            }
            (false, "QUIT") => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A web server that keeps what it hears.
struct WebSink {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<(String, String)>>,
}

impl WebSink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = Arc::new(Mutex::new(("200 OK".to_owned(), String::new())));
        let sink = Self { address, heard: Arc::default(), answer };
        let (heard, answer) = (sink.heard.clone(), sink.answer.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, heard.clone(), answer.clone()));
            }
        });
        sink
    }

    fn answer(&self, status: &str, headers: &str) {
        *self.answer.lock().unwrap() = (status.to_owned(), headers.to_owned());
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, heard: Arc<Mutex<Vec<String>>>, answer: Arc<Mutex<(String, String)>>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok())
            .unwrap_or(0);
        if body.len() >= length {
            break;
        }
    }
    heard.lock().unwrap().push(String::from_utf8_lossy(&bytes).into_owned());
    let (status, headers) = answer.lock().unwrap().clone();
    let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: 13\r\nconnection: close\r\n\r\nsecret answer");
    let _ = stream.write_all(text.as_bytes()).await;
}
