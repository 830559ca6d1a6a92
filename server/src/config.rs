//! What the program needs to know at start, read once and checked.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

pub use countersign_domain::network::Network;
use countersign_domain::policy::RetractWindows;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Serve {
    /// Everything the installation keeps on disk.
    pub data: PathBuf,
    /// Key directory.
    pub keys: PathBuf,
    /// Port on the loopback address; 0 takes a free one.
    pub port: u16,
    /// Address that people and agents use; the loopback address when absent.
    pub public_origin: Option<Origin>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Networks beside the public one that requests of this installation may reach, such as that of an
    /// identity provider inside the company.
    pub allowed_networks: Vec<Network>,
    /// Those networks may be reached without TLS.
    pub plain_http: bool,
    /// An invented world, and "View as".
    pub demo: bool,
    /// Days of invented history in a demo.
    pub demo_days: u64,
    /// Bytes that must be free for anything to be taken in; the engine's own bound when absent.
    pub free_bytes_min: Option<u64>,
    /// How long a review may be taken back where the policy does not say.
    pub retract_windows: RetractWindows,
    /// Where PostgreSQL is.
    pub postgres: Postgres,
    /// Directory of the built pages' files.
    pub site: PathBuf,
}

/// Where PostgreSQL is.
#[derive(Clone, Debug)]
pub enum Postgres {
    /// A server that somebody else runs.
    External(Urls),
    /// A cluster in the data directory.
    Embedded {
        /// Directory of PostgreSQL's programs.
        programs: Option<PathBuf>,
        /// User to run it as when this process is root.
        user: Option<String>,
        /// Directory for its socket.
        socket_dir: Option<PathBuf>,
        /// Leave it running at the end.
        keep: bool,
    },
}

/// One connection address per database role. They may hold passwords, so they do not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Urls {
    /// Requests.
    pub app: String,
    /// Sealing.
    pub sequencer: String,
    /// Migrations.
    pub owner: String,
}

impl fmt::Debug for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Urls(…)")
    }
}

impl Urls {
    /// Reads the addresses; those of the sequencer and the owner default to the app's with the user replaced.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the app's address names no user to replace and another one is missing.
    pub fn new(app: String, sequencer: Option<String>, owner: Option<String>) -> Result<Self, Invalid> {
        let derived = |given: Option<String>, user: &str| match given {
            Some(url) => Ok(url),
            None => with_user(&app, user),
        };
        let sequencer = derived(sequencer, "countersign_sequencer")?;
        let owner = derived(owner, "countersign_owner")?;
        Ok(Self { app, sequencer, owner })
    }
}

impl From<Urls> for countersign_engine::Database {
    fn from(urls: Urls) -> Self {
        Self { app: urls.app, sequencer: urls.sequencer, owner: urls.owner }
    }
}

fn with_user(url: &str, user: &str) -> Result<String, Invalid> {
    let fault = || Invalid("DATABASE_URL looks like postgres://countersign_app@host/database.".into());
    let (scheme, rest) = url.split_once("://").ok_or_else(fault)?;
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let (credentials, host) = authority.rsplit_once('@').ok_or_else(fault)?;
    let password = credentials.find(':').map_or("", |at| &credentials[at..]);

    Ok(format!("{scheme}://{user}{password}@{host}{path}"))
}

/// A setting that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// The address of the installation: scheme and authority, nothing after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    authority: String,
    https: bool,
}

impl Origin {
    /// Returns the origin of a server on the loopback address.
    pub fn loopback(port: u16) -> Self {
        let authority = format!("127.0.0.1:{port}");
        Self { text: format!("http://{authority}"), authority, https: false }
    }

    /// Returns it as browsers write it in `Origin`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns host and port as browsers write them in `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Tells whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Tells whether a `Host` header names another spelling of this loopback address.
    pub fn is_alias(&self, host: &str) -> bool {
        !self.https && split_port(host).1 == split_port(&self.authority).1 && is_loopback(split_port(host).0)
    }
}

impl FromStr for Origin {
    type Err = Invalid;

    /// Reads `https://host[:port]`, or `http://` with a loopback host: on any other plain http origin
    /// the session cookie would travel in the clear.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fault =
            || Invalid(format!("The public origin {text:?} is not like https://desk.example.org, without a path."));
        let text_lower = text.trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = text_lower.split_once("://").ok_or_else(fault)?;
        let well_formed = !authority.is_empty()
            && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
            && split_port(authority).1.is_none_or(|port| port.parse::<u16>().is_ok());
        if !well_formed {
            return Err(fault());
        }
        let (https, default_port) = match scheme {
            "https" => (true, ":443"),
            "http" if is_loopback(split_port(authority).0) => (false, ":80"),
            "http" => {
                return Err(Invalid(format!(
                    "The public origin {text:?} is plain http on a network address, where sessions could be read on the way. Use https, or a loopback address."
                )));
            }
            _ => return Err(fault()),
        };
        let authority = authority.strip_suffix(default_port).unwrap_or(authority).to_owned();

        Ok(Self { text: format!("{scheme}://{authority}"), authority, https })
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_https_or_loopback() {
        for (text, read) in [
            ("https://Desk.example.org/", Some("https://desk.example.org")),
            ("https://desk.example.org:443", Some("https://desk.example.org")),
            ("https://desk.example.org:8443", Some("https://desk.example.org:8443")),
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("http://localhost", Some("http://localhost")),
            ("http://desk.example.org", None),
            ("http://127.0.0.1.example.org", None),
            ("https://desk.example.org/path", None),
            ("https://user@desk.example.org", None),
            ("https://desk.example.org:99999", None),
            ("desk.example.org", None),
            ("https://", None),
        ] {
            assert_eq!(text.parse::<Origin>().ok().as_ref().map(Origin::as_str), read, "{text}");
        }
    }

    #[test]
    fn only_loopback_names_with_the_same_port_are_aliases() {
        let origin = Origin::loopback(3000);

        assert!(origin.is_alias("localhost:3000") && origin.is_alias("[::1]:3000"));
        assert!(
            !origin.is_alias("localhost:3001")
                && !origin.is_alias("localhost")
                && !origin.is_alias("evil.example:3000")
        );
    }

    #[test]
    fn missing_addresses_take_the_app_address_with_another_user() {
        let urls =
            Urls::new("postgres://countersign_app:pw@db.example:5432/countersign?sslmode=require".into(), None, None)
                .unwrap();

        assert_eq!(urls.owner, "postgres://countersign_owner:pw@db.example:5432/countersign?sslmode=require");
        assert_eq!(urls.sequencer, "postgres://countersign_sequencer:pw@db.example:5432/countersign?sslmode=require");
        assert!(Urls::new("postgres://db.example/countersign".into(), None, None).is_err());
        assert!(!format!("{urls:?}").contains("pw"));
    }
}
