//! Whether somebody who is sent to a provider would find anybody there.
//!
//! What a provider says about itself is kept for an hour, so a browser could leave for one that is away and show its own
//! error. A look at the address tells before. Only the lack of an answer counts: what the provider answers is its own
//! affair, and an address that this machine may not reach may be open to browsers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use countersign_outbound::{Error, Outbound};
use http::{Request, StatusCode};
use url::Url;

/// How long a look counts.
const COUNTS: Duration = Duration::from_secs(3);
/// How long a look may take.
const WAIT: Duration = Duration::from_secs(2);
/// The most of an answer that is read.
const BYTES_MAX: usize = 64 * 1024;
/// Origins that are remembered.
const ORIGINS_MAX: usize = 64;

/// What was seen of each origin lately.
#[derive(Default)]
pub(crate) struct Reachable(Mutex<HashMap<String, (Instant, bool)>>);

impl Reachable {
    /// Tells whether anything answers at the origin of an address.
    pub(crate) async fn answers(&self, outbound: &Outbound, address: &str) -> bool {
        let Ok(address) = Url::parse(address) else { return true };
        let origin = address.origin().ascii_serialization();
        if let Some((at, answers)) = self.seen().get(&origin)
            && at.elapsed() < COUNTS
        {
            return *answers;
        }
        let answers = look(outbound, &origin).await;
        let mut seen = self.seen();
        seen.retain(|_, (at, _)| at.elapsed() < COUNTS);
        if seen.len() < ORIGINS_MAX {
            seen.insert(origin, (Instant::now(), answers));
        }
        answers
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(outbound: &Outbound, origin: &str) -> bool {
    let Ok(request) = Request::head(format!("{origin}/")).body(Vec::new()) else { return true };
    match tokio::time::timeout(WAIT, outbound.send(request, BYTES_MAX)).await {
        // A gateway says that nobody is behind it.
        Ok(Ok(answer)) => !matches!(
            answer.status(),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
        Ok(Err(Error::Unresolved | Error::Slow(_) | Error::Connection(_) | Error::Broken)) | Err(_) => false,
        Ok(Err(Error::Address(_) | Error::Refused(_) | Error::Port(_) | Error::OtherPort(_) | Error::Long(_))) => true,
    }
}

#[cfg(test)]
mod tests {
    use countersign_outbound::Allowed;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    fn outbound() -> Outbound {
        let networks = vec!["127.0.0.0/8".parse().unwrap()];
        Outbound::new(Allowed { networks, plain_http: true, own: None })
    }

    /// Answers every connection with these bytes, or takes it and says nothing.
    async fn serve(answer: Option<&'static str>) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/authorize?client_id=x", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let Ok(Ok((mut stream, _))) = tokio::time::timeout(Duration::from_secs(4), listener.accept()).await
                else {
                    return open.len();
                };
                let mut head = [0; 1024];
                let read = stream.read(&mut head).await.unwrap();
                assert!(head[..read].starts_with(b"HEAD / HTTP/1.1\r\n"), "the origin is looked at, and no more");
                if let Some(answer) = answer {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
                open.push(stream);
            }
        });
        (address, served)
    }

    #[tokio::test]
    async fn any_answer_is_one_but_that_of_a_gateway_with_nobody_behind() {
        for (answer, answers) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", false),
            ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", false),
        ] {
            let (address, served) = serve(Some(answer)).await;
            assert_eq!(Reachable::default().answers(&outbound(), &address).await, answers, "{answer}");
            served.abort();
        }
    }

    #[tokio::test]
    async fn no_connection_and_silence_are_no_answer_and_an_address_out_of_reach_is_not_judged() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (silent, served) = serve(None).await;
        let began = Instant::now();

        assert!(!Reachable::default().answers(&outbound(), &format!("http://{free}/authorize")).await);
        assert!(!Reachable::default().answers(&outbound(), &silent).await);
        assert!(began.elapsed() < Duration::from_secs(4), "a look is short");
        assert!(Reachable::default().answers(&outbound(), "http://10.255.255.1/authorize").await, "not allowed");
        assert!(Reachable::default().answers(&Outbound::new(Allowed::default()), &silent).await, "plain http");
        served.abort();
    }

    #[tokio::test]
    async fn a_look_counts_for_some_seconds() {
        let (address, served) = serve(Some("HTTP/1.1 204 No Content\r\n\r\n")).await;
        let (reachable, outbound) = (Reachable::default(), outbound());

        for _ in 0..20 {
            assert!(reachable.answers(&outbound, &address).await);
        }

        assert_eq!(served.await.unwrap(), 1, "one request for twenty sign-ins");
    }
}
