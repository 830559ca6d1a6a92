//! The one client for requests that leave the installation.
//!
//! An address comes from a person or from another server, so it may point inwards. The name is resolved
//! once, every answer is checked, and the connection goes to a checked address: what a resolver answers
//! a second time changes nothing. There are no redirects, no proxies of the environment, no users in
//! addresses, and every step has a limit.
//!
//! Start at [`Outbound::send`]; [`is_public`] is the table of networks.

mod address;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use countersign_domain::network::Network;
use http::{HeaderValue, Request, Response, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

pub use address::is_public;

/// How long a name may take to resolve.
const RESOLVE: Duration = Duration::from_secs(3);
/// How long a connection may take, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the answer may take, its last byte included.
const ANSWER: Duration = Duration::from_secs(5);
/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Ports that are reached without being allowed by an administrator.
const PORTS: [u16; 2] = [443, 8443];

/// What a name resolves to.
pub type Resolved<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Resolves names; the operating system's, or a test's.
pub trait Resolve: Send + Sync {
    /// Returns every address of a name.
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Resolved<'a>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Resolved<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    }
}

/// What an administrator allowed beyond the public network.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Networks that may be reached although they are not public, on any port.
    pub networks: Vec<Network>,
    /// Plain http is let through, to those networks only.
    pub plain_http: bool,
    /// Host and port of this installation, which it never asks.
    pub own: Option<String>,
}

/// Why a request was not sent, or got no answer. Holds nothing of the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address is no https address of a host.
    #[error("{0}")]
    Address(&'static str),
    /// The host is, or resolves to, an address that is not public and not allowed.
    #[error("{0} is not a public address; an administrator can allow its network")]
    Refused(IpAddr),
    /// The port is not one of the public web.
    #[error("port {0} is not 443 or 8443")]
    Port(u16),
    /// The port is not one of those for this kind of server.
    #[error("port {0} is none that such a server has; an administrator can allow its network")]
    OtherPort(u16),
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Unresolved,
    /// A step took too long.
    #[error("{0} took too long")]
    Slow(&'static str),
    /// No connection.
    #[error("no connection: {0}")]
    Connection(String),
    /// The answer broke off or is none.
    #[error("the answer broke off")]
    Broken,
    /// The answer is longer than allowed.
    #[error("the answer has more than {0} bytes")]
    Long(usize),
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    allowed: Allowed,
    resolver: Box<dyn Resolve>,
    tls: OnceLock<Arc<ClientConfig>>,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Outbound").field(&self.0.allowed).finish()
    }
}

impl Outbound {
    /// Makes a client that reaches the public network and what is allowed beside it.
    pub fn new(allowed: Allowed) -> Self {
        Self::with_resolver(allowed, SystemResolver)
    }

    /// Makes a client with a resolver of its own.
    pub fn with_resolver(allowed: Allowed, resolver: impl Resolve + 'static) -> Self {
        Self(Arc::new(Inner { allowed, resolver: Box::new(resolver), tls: OnceLock::new() }))
    }

    /// Tells whether plain http may be configured at all.
    pub fn takes_plain_http(&self) -> bool {
        self.0.allowed.plain_http
    }

    /// Sends a request and reads at most so many bytes of its answer. A redirect is an answer like any other.
    ///
    /// # Errors
    ///
    /// The first of the checks that failed; nothing was sent unless a step after the connection says so.
    pub async fn send(&self, request: Request<Vec<u8>>, bytes_max: usize) -> Result<Response<Vec<u8>>, Error> {
        let address = Url::parse(&request.uri().to_string()).map_err(|_| Error::Address("this is no address"))?;
        let checked = self.check(&address).await?;
        let connect = async {
            let stream = connect(&checked).await?;
            // Small requests must not wait for more.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        };
        let stream = timeout(CONNECT, connect).await.map_err(|_| Error::Slow("connecting"))??;
        let request = shaped(request, &address)?;
        if address.scheme() == "http" {
            return timeout(ANSWER, exchange(TokioIo::new(stream), request, bytes_max))
                .await
                .map_err(|_| Error::Slow("the answer"))?;
        }
        let name = server_name(&address)?;
        let connector = TlsConnector::from(self.tls());
        let stream = timeout(CONNECT, connector.connect(name, stream)).await.map_err(|_| Error::Slow("connecting"))?;
        let stream = stream.map_err(|error| Error::Connection(error.to_string()))?;
        timeout(ANSWER, exchange(TokioIo::new(stream), request, bytes_max))
            .await
            .map_err(|_| Error::Slow("the answer"))?
    }

    /// Resolves the name of a server that speaks something else than http, and checks everything that it could lead to.
    /// What is returned is what may be connected to; `plain` is said where nothing keeps the connection from others.
    ///
    /// # Errors
    ///
    /// The first of the checks that failed.
    pub async fn addresses(&self, host: &str, port: u16, ports: &[u16], plain: bool) -> Result<Vec<SocketAddr>, Error> {
        if plain && !self.0.allowed.plain_http {
            return Err(Error::Address("the connection is not kept from others"));
        }
        let host = Host::parse(host.trim_matches(['[', ']'])).or_else(|_| Host::parse(&format!("[{host}]")));
        let host = host.map_err(|_| Error::Address("the address names no host"))?;
        if self.0.allowed.own.as_deref() == Some(format!("{host}:{port}").as_str()) {
            return Err(Error::Address("this is the installation's own address"));
        }
        let host = match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        };
        self.resolve(host, port, ports, plain).await
    }

    /// Resolves an address and checks everything that it could lead to.
    async fn check(&self, address: &Url) -> Result<Vec<SocketAddr>, Error> {
        let plain = match address.scheme() {
            "https" => false,
            "http" if self.0.allowed.plain_http => true,
            _ => return Err(Error::Address("the address is not https")),
        };
        if !address.username().is_empty() || address.password().is_some() {
            return Err(Error::Address("the address holds a user"));
        }
        let host = address.host().ok_or(Error::Address("the address names no host"))?;
        let port = address.port_or_known_default().ok_or(Error::Address("the address names no port"))?;
        if self.0.allowed.own.as_deref() == Some(own_form(address).as_str()) {
            return Err(Error::Address("this is the installation's own address"));
        }
        self.resolve(host, port, &PORTS, plain).await
    }

    /// Resolves a host, and checks every address that it has.
    async fn resolve(&self, host: Host<&str>, port: u16, ports: &[u16], plain: bool) -> Result<Vec<SocketAddr>, Error> {
        let resolved = match host {
            Host::Ipv4(address) => vec![SocketAddr::from((address, port))],
            Host::Ipv6(address) => vec![SocketAddr::from((address, port))],
            Host::Domain(name) => timeout(RESOLVE, self.0.resolver.resolve(name, port))
                .await
                .map_err(|_| Error::Slow("resolving the name"))?
                .map_err(|_| Error::Unresolved)?,
        };
        if resolved.is_empty() {
            return Err(Error::Unresolved);
        }
        for (ip, port) in resolved.iter().map(|address| (address.ip(), address.port())) {
            if self.0.allowed.networks.iter().any(|network| network.contains(ip)) {
                continue;
            }
            if plain || !is_public(ip) {
                return Err(Error::Refused(ip));
            }
            if !ports.contains(&port) {
                return Err(if ports == PORTS { Error::Port(port) } else { Error::OtherPort(port) });
            }
        }
        Ok(resolved)
    }

    /// Reads the operating system's authorities once, when they are first needed.
    fn tls(&self) -> Arc<ClientConfig> {
        let made = self.0.tls.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "Certificates of the operating system could not be read");
            }
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                tracing::error!("The operating system has no certificate authorities; install ca-certificates");
            }
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("the provider has the default versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
            Arc::new(config)
        });
        made.clone()
    }
}

/// Connects to the first of the checked addresses that answers.
async fn connect(checked: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut last = Error::Unresolved;
    for address in checked {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Error::Connection(error.kind().to_string()),
        }
    }
    Err(last)
}

async fn exchange<S>(
    stream: TokioIo<S>,
    request: Request<Full<Bytes>>,
    bytes_max: usize,
) -> Result<Response<Vec<u8>>, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(stream)
        .await
        .map_err(|_| Error::Broken)?;
    // The connection lives as long as its one exchange.
    let connection = tokio::spawn(connection);
    let answered = async {
        let response = sender.send_request(request).await.map_err(|_| Error::Broken)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() { Error::Long(bytes_max) } else { Error::Broken }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
    };
    let answer = answered.await;
    connection.abort();
    answer
}

/// Writes the request as it goes over one connection: path only, with `Host`.
fn shaped(request: Request<Vec<u8>>, address: &Url) -> Result<Request<Full<Bytes>>, Error> {
    let (mut parts, body) = request.into_parts();
    let path = match address.query() {
        Some(query) => format!("{}?{query}", address.path()),
        None => address.path().to_owned(),
    };
    let path: PathAndQuery = path.parse().map_err(|_| Error::Address("this is no address"))?;
    parts.uri = Uri::from(path);
    let host = HeaderValue::from_str(&authority(address)).map_err(|_| Error::Address("this is no address"))?;
    parts.headers.insert(header::HOST, host);
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    parts.headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("countersign"));
    Ok(Request::from_parts(parts, Full::new(Bytes::from(body))))
}

fn authority(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    match address.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Host and port as the installation's own origin is written.
fn own_form(address: &Url) -> String {
    authority(address).trim_end_matches('.').to_owned()
}

fn server_name(address: &Url) -> Result<ServerName<'static>, Error> {
    let fault = || Error::Address("the address names no host");
    match address.host().ok_or_else(fault)? {
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(address))),
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()).map_err(|_| fault()),
    }
}
