//! Addresses that point inwards connect nowhere; a listener on this machine counts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use countersign_outbound::{Allowed, Error, Outbound, Resolve, Resolved};
use http::Request;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Proves N1: `ssrf::three_hundred_forms_and_rebinding_connect_nowhere`.
#[tokio::test]
async fn three_hundred_forms_of_inner_addresses_connect_nowhere() {
    let listener = Listener::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = listener.port;
    let forms = forms(port);
    assert!(forms.len() >= 300, "{}", forms.len());
    // Plain http is on, so that nothing but the address table stands between a form and the listener.
    let allowed = Allowed { plain_http: true, ..Allowed::default() };
    let outbound = Outbound::with_resolver(allowed, Fixed(vec![Ipv4Addr::LOCALHOST.into()], AtomicUsize::new(0)));

    for form in &forms {
        match Request::get(form.as_str()).body(Vec::new()) {
            Ok(request) => {
                let refused = outbound.send(request, 1_024).await.unwrap_err();
                assert!(matches!(refused, Error::Refused(_) | Error::Address(_) | Error::Port(_)), "{form}: {refused}");
            }
            // What is no address for http is no address for anybody.
            Err(_) => continue,
        }
    }

    assert_eq!(listener.count(), 0);
}

/// Proves N1: a resolver that answers otherwise the second time is asked once.
#[tokio::test]
async fn a_rebinding_name_reaches_the_address_that_was_checked() {
    let listener = Listener::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let rebinding = Rebinding(Arc::default());
    let allowed = Allowed { networks: vec!["127.0.0.1".parse().unwrap()], plain_http: true, own: None };
    let outbound = Outbound::with_resolver(allowed, rebinding.clone());
    let address = format!("http://rebind.example:{}/", listener.port);

    let first = outbound.send(get(&address), 1_024).await.unwrap();
    let second = outbound.send(get(&address), 1_024).await.unwrap_err();

    assert_eq!(first.body(), b"ok");
    assert_eq!(second, Error::Refused(Ipv4Addr::new(127, 0, 0, 2).into()));
    assert_eq!((rebinding.0.load(Ordering::SeqCst), listener.count()), (2, 1), "one resolution per request");
}

#[tokio::test]
async fn one_inner_address_among_public_ones_refuses_the_name() {
    let addresses = vec!["93.184.216.34".parse().unwrap(), "10.0.0.1".parse().unwrap()];
    let outbound = Outbound::with_resolver(Allowed::default(), Fixed(addresses, AtomicUsize::new(0)));

    let refused = outbound.send(get("https://mixed.example/"), 1_024).await.unwrap_err();

    assert_eq!(refused, Error::Refused(Ipv4Addr::new(10, 0, 0, 1).into()));
}

#[tokio::test]
async fn a_public_address_is_reached_on_https_ports_only() {
    let outbound = Outbound::new(Allowed::default());

    for (address, refused) in [
        ("https://93.184.216.34:22/", Error::Port(22)),
        ("https://93.184.216.34:8080/", Error::Port(8080)),
        ("http://93.184.216.34/", Error::Address("the address is not https")),
        ("https://user@93.184.216.34/", Error::Address("the address holds a user")),
    ] {
        assert_eq!(outbound.send(get(address), 1_024).await.unwrap_err(), refused, "{address}");
    }
}

#[tokio::test]
async fn a_mail_server_is_reached_by_the_same_rules_on_its_own_ports() {
    let outbound = Outbound::new(Allowed::default());
    let asked = async |host: &str, port: u16, plain: bool| outbound.addresses(host, port, &[25, 587], plain).await;

    assert_eq!(
        asked("93.184.216.34", 587, false).await.unwrap(),
        ["93.184.216.34:587".parse::<std::net::SocketAddr>().unwrap()]
    );
    assert_eq!(asked("93.184.216.34", 443, false).await.unwrap_err(), Error::OtherPort(443));
    assert_eq!(asked("10.0.0.1", 25, false).await.unwrap_err(), Error::Refused(Ipv4Addr::new(10, 0, 0, 1).into()));
    assert!(matches!(asked("::1", 25, false).await.unwrap_err(), Error::Refused(_)));
    assert!(matches!(asked("93.184.216.34", 587, true).await.unwrap_err(), Error::Address(_)), "in the clear");
    assert!(matches!(asked("a b", 25, false).await.unwrap_err(), Error::Address(_)));
    assert_eq!(local().addresses("127.0.0.1", 9, &[25], true).await.unwrap().len(), 1, "an allowed network, any port");
}

#[tokio::test]
async fn the_installation_never_asks_itself() {
    let own = Some("desk.example.org".to_owned());
    let outbound = Outbound::with_resolver(
        Allowed { own, ..Allowed::default() },
        Fixed(vec!["93.184.216.34".parse().unwrap()], AtomicUsize::new(0)),
    );

    for address in ["https://desk.example.org/readyz", "https://DESK.example.org:443/", "https://desk.example.org./"] {
        let refused = outbound.send(get(address), 1_024).await.unwrap_err();
        assert_eq!(refused, Error::Address("this is the installation's own address"), "{address}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let listener =
        Listener::start("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n")
            .await;

    let answer = local().send(get(&listener.address()), 1_024).await.unwrap();

    assert_eq!(answer.status(), 302);
    assert_eq!(listener.count(), 1);
}

#[tokio::test]
async fn a_long_answer_is_cut_off() {
    let listener = Listener::start(Box::leak(
        format!("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n{}", "x".repeat(2_000)).into_boxed_str(),
    ))
    .await;

    assert_eq!(local().send(get(&listener.address()), 1_999).await.unwrap_err(), Error::Long(1_999));
    assert_eq!(local().send(get(&listener.address()), 2_000).await.unwrap().body().len(), 2_000);
}

#[tokio::test]
async fn a_silent_server_is_left_after_five_seconds() {
    let listener = Listener::start("").await;
    let begun = Instant::now();

    let refused = local().send(get(&listener.address()), 1_024).await.unwrap_err();

    assert_eq!(refused, Error::Slow("the answer"));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// A plain answer where TLS is expected is no answer.
#[tokio::test]
async fn https_without_tls_gets_nothing() {
    let listener = Listener::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let address = listener.address().replace("http://", "https://");

    assert!(matches!(local().send(get(&address), 1_024).await, Err(Error::Connection(_))));
}

fn local() -> Outbound {
    Outbound::new(Allowed { networks: vec!["127.0.0.1".parse().unwrap()], plain_http: true, own: None })
}

fn get(address: &str) -> Request<Vec<u8>> {
    Request::get(address).body(Vec::new()).unwrap()
}

/// Spellings of addresses that lead inwards.
fn forms(port: u16) -> Vec<String> {
    let mut hosts = BTreeSet::new();
    for v4 in [
        Ipv4Addr::LOCALHOST,
        Ipv4Addr::new(127, 1, 2, 3),
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::new(10, 0, 0, 1),
        Ipv4Addr::new(172, 16, 0, 1),
        Ipv4Addr::new(192, 168, 1, 1),
        Ipv4Addr::new(169, 254, 169, 254),
        Ipv4Addr::new(100, 64, 0, 1),
        Ipv4Addr::BROADCAST,
    ] {
        let [a, b, c, d] = v4.octets();
        let bits = v4.to_bits();
        let (high, low) = (bits >> 16, bits & 0xffff);
        hosts.extend([
            format!("{a}.{b}.{c}.{d}"),
            format!("{a}.{b}.{c}.{d}."),
            format!("{bits}"),
            format!("0x{bits:x}"),
            format!("0X{bits:X}"),
            format!("0{bits:o}"),
            format!("{a}.{}", bits & 0xff_ffff),
            format!("{a}.{b}.{low}"),
            format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("00{a:o}.{b}.0x{c:x}.{d}"),
            format!("0x{a:x}.{b}.{low}"),
            format!("[::ffff:{v4}]"),
            format!("[::ffff:{high:x}:{low:x}]"),
            format!("[0:0:0:0:0:ffff:{high:x}:{low:x}]"),
            format!("[::{v4}]"),
            format!("[64:ff9b::{v4}]"),
            format!("[64:ff9b:1::{v4}]"),
            format!("[2002:{high:x}:{low:x}::1]"),
            format!("[2001:0:{high:x}:{low:x}::1]"),
            format!("[::ffff:0:{high:x}:{low:x}]"),
            format!("[fe80::5efe:{high:x}:{low:x}]"),
            format!("{a}%2e{b}%2e{c}%2e{d}"),
            format!("{a}。{b}。{c}。{d}"),
            v4.to_string().chars().map(|c| if c.is_ascii_digit() { wide(c) } else { c }).collect(),
        ]);
    }
    hosts.extend(
        [
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[100::1]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[5f00::1]",
            "localhost",
            "localhost.",
            "LOCALHOST",
            "sub.localhost",
            "ｌｏｃａｌｈｏｓｔ",
            "loopback.example",
            "metadata.google.internal",
            "127.0.0.1.nip.example",
        ]
        .map(str::to_owned),
    );
    hosts.iter().flat_map(|host| [format!("http://{host}:{port}/"), format!("https://{host}:{port}/x?y")]).collect()
}

fn wide(digit: char) -> char {
    char::from_u32(u32::from(digit) - u32::from('0') + u32::from('０')).unwrap()
}

struct Fixed(Vec<IpAddr>, AtomicUsize);

impl Resolve for Fixed {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Resolved<'a> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(self.0.iter().map(|address| SocketAddr::new(*address, port)).collect()) })
    }
}

/// Answers an allowed address first and another one afterwards.
#[derive(Clone)]
struct Rebinding(Arc<AtomicUsize>);

impl Resolve for Rebinding {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Resolved<'a> {
        let last = if self.0.fetch_add(1, Ordering::SeqCst) == 0 { 1 } else { 2 };
        Box::pin(async move { Ok(vec![SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port))]) })
    }
}

/// Counts connections and gives each the same answer; none, when that is empty.
struct Listener {
    port: u16,
    count: Arc<AtomicUsize>,
}

impl Listener {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut head = [0; 4_096];
                    let _ = stream.read(&mut head).await;
                    match answer.is_empty() {
                        true => tokio::time::sleep(Duration::from_secs(60)).await,
                        false => drop(stream.write_all(answer.as_bytes()).await),
                    }
                });
            }
        });
        Self { port, count }
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}
