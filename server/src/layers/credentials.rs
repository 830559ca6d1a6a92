use std::net::IpAddr;

use countersign_domain::problem::Code;
use countersign_engine::{Actor, Engine, keys, scim, sessions};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE},
};

use crate::{
    Refusal,
    routes::{Door, Route},
};

/// What a request shows of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    sessions: Vec<String>,
    keys: Vec<String>,
}

impl Credentials {
    /// Reads the session cookies and the bearer keys, however many there are.
    pub(super) fn of(headers: &HeaderMap, cookie: &str) -> Self {
        let sessions = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, value)| *name == cookie && !value.is_empty())
            .map(|(_, value)| value.to_owned())
            .collect();
        let keys = headers
            .get_all(AUTHORIZATION)
            .iter()
            .map(|value| value.to_str().unwrap_or_default())
            .filter_map(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim().to_owned())
            .collect();
        Self { sessions, keys }
    }

    /// Tells whether a key will be checked, and so whether there is something to guess.
    pub(super) fn tries_key(&self, route: &Route) -> bool {
        matches!((route.door, self.sessions.len(), self.keys.len()), (Door::Api | Door::Reader | Door::Scim, 0, 1))
    }

    /// Finds out who asks. A credential of another door is refused, not ignored.
    pub(super) async fn actor(&self, engine: &Engine, route: &Route, from: IpAddr) -> Result<Actor, Refusal> {
        match (route.door, self.sessions.as_slice(), self.keys.as_slice()) {
            (Door::Api | Door::Reader, [], [key]) => Ok(keys::authenticate(engine, key, from).await?),
            (Door::Api, [], _) => Err(unauthenticated("Send one agent key as \"Authorization: Bearer csig_…\".")),
            (Door::Api, _, _) => Err(unauthenticated("Agents come with a key and without a session cookie.")),
            (Door::Reader, _, [_, ..]) => Err(unauthenticated("Send one agent key, or come with a session; not both.")),
            (Door::Scim, [], [token]) => Ok(scim::authenticate(engine, token).await?),
            (Door::Scim, ..) => {
                Err(unauthenticated("Send one directory token as \"Authorization: Bearer csdt_…\" and nothing else."))
            }
            (Door::Idp, [], []) => Ok(Actor::Anonymous),
            (Door::Idp, _, _) => Err(unauthenticated("This address takes a logout token and nothing else.")),
            (Door::Browser | Door::Public, _, [_, ..]) => Err(unauthenticated("This address takes no agent key.")),
            (_, [token], []) if route.reads_session() => {
                Ok(sessions::authenticate(engine, token).await?.unwrap_or(Actor::Anonymous))
            }
            (Door::Browser | Door::Reader | Door::Public, _, []) => Ok(Actor::Anonymous),
        }
    }

    /// Finds out whose credential this is, at whatever door it was shown.
    pub(super) async fn whoever(&self, engine: &Engine) -> Actor {
        let found = match (self.sessions.as_slice(), self.keys.as_slice()) {
            ([token], _) => sessions::authenticate(engine, token).await.ok().flatten(),
            ([], [key]) => match keys::whose(engine, key).await {
                Some(agent) => Some(agent),
                None => scim::whose(engine, key).await,
            },
            _ => None,
        };
        found.unwrap_or(Actor::Anonymous)
    }
}

pub(super) fn unauthenticated(detail: &str) -> Refusal {
    Refusal::new(Code::Unauthenticated, detail)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn sessions_and_keys_are_found_among_other_cookies_and_schemes() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("theme=dark; __Host-sid=one"));
        headers.append(COOKIE, HeaderValue::from_static("sid=other;__Host-sid=two"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("bearer csig_a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Basic Zm9v"));

        let found = Credentials::of(&headers, "__Host-sid");

        assert_eq!(found, Credentials { sessions: vec!["one".into(), "two".into()], keys: vec!["csig_a".into()] });
    }
}
