//! Keys of AI systems and tokens of auditors: at the door, and in the hands of admins.
//!
//! A key has up to two secrets that work, so that an agent can be given the other before the first
//! ends. Each request reads the row, so a revocation holds for the next one; what waits or streams
//! asks again when a revocation is sealed.

use std::net::IpAddr;

use countersign_domain::{
    Problem,
    administration::{KeyDetail, KeysView},
    event::{Event, List, Scope},
    ids::{AgentKeyId, SystemId},
    key::AgentKeyText,
    network::Network,
    problem::Code,
    view::NewKey,
};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use subtle::ConstantTimeEq;

use crate::{
    Engine, audit_windows,
    authorize::{Action, Denial, Permit, Target},
    caller::{Actor, Caller},
    db::{self, agent_keys::AgentKey},
    error::{Error, Result},
    reads, seal, secret, sessions,
};

/// `last_used_at` is written when it is older than this, in milliseconds.
const TOUCH_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// How many days a key may live; the first is the default.
pub const DAYS: [u64; 4] = [90, 30, 180, 365];
/// How many hours the former secret works after a rotation.
pub const HOURS: [u64; 3] = [24, 1, 168];
/// Networks of one key.
const NETWORKS_MAX: usize = 20;

/// How a key is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How many days it lives.
    pub days: u64,
    /// Networks it works from; all of them when empty.
    pub networks: Vec<Network>,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { scopes: vec![Scope::Ingest, Scope::Read], days: DAYS[0], networks: Vec::new() }
    }
}

impl KeySettings {
    /// Reads what a form holds: scopes as one word for both or one, days, networks one to a line.
    ///
    /// # Errors
    ///
    /// The field that needs a change.
    pub fn parse(scopes: &str, days: &str, networks: &str) -> Result<Self> {
        let scopes = match scopes.trim() {
            "" | "both" => vec![Scope::Ingest, Scope::Read],
            "ingest" => vec![Scope::Ingest],
            "read" => vec![Scope::Read],
            _ => return Err(Error::field("/scopes", "unknown_value", "Choose what the key may do from the list.")),
        };
        let days = match days.trim() {
            "" => DAYS[0],
            text => text.parse().ok().filter(|days| DAYS.contains(days)).ok_or_else(|| {
                Error::field("/days", "unknown_value", "Choose how long the key lives from the list.")
            })?,
        };
        Ok(Self { scopes, days, networks: parse_networks(networks)? })
    }
}

fn parse_networks(text: &str) -> Result<Vec<Network>> {
    let lines = text.split(['\n', ',', ' ', '\r']).filter(|line| !line.is_empty());
    let networks = lines
        .map(|line| line.parse::<Network>().map_err(|error| Error::field("/networks", "wrong_kind", error.to_string())))
        .collect::<Result<Vec<_>>>()?;
    if networks.len() > NETWORKS_MAX {
        return Err(Error::field("/networks", "too_many", format!("List at most {NETWORKS_MAX} networks.")));
    }
    Ok(networks)
}

/// Returns whose key this is.
///
/// # Errors
///
/// `unauthenticated` for an unknown, mistyped, revoked or expired key, always in the same words;
/// `wrong_network` for a good one that comes from elsewhere.
pub async fn authenticate(engine: &Engine, bearer: &str, from: IpAddr) -> Result<Actor> {
    let mut conn = engine.app.acquire().await?;
    let (key, now) = find(&mut conn, engine, bearer).await?;
    let inside = key.networks.is_empty()
        || key.networks.iter().any(|network| network.parse::<Network>().is_ok_and(|network| network.contains(from)));
    if !inside {
        return Err(Error::refused(
            Code::WrongNetwork,
            "This key works from the networks only that its admin listed, and the request came from another. Send it from there, or ask an admin to issue a key for this network.",
        ));
    }
    if key.last_used_at.is_none_or(|last| now >= last + TOUCH_MS) {
        db::agent_keys::set_last_used(&mut conn, key.id, now).await?;
    }

    Ok(actor(key))
}

/// Returns whose key this is, wherever it comes from: to put a refusal on record under its name.
pub async fn whose(engine: &Engine, bearer: &str) -> Option<Actor> {
    let mut conn = engine.app.acquire().await.ok()?;
    find(&mut conn, engine, bearer).await.ok().map(|(key, _)| actor(key))
}

/// Tells whether a caller's key still works; what waits and streams asks.
///
/// # Errors
///
/// When the database does not answer.
pub async fn is_live(engine: &Engine, caller: &Caller) -> Result<bool> {
    let Actor::Agent { key, .. } = &caller.actor else { return Ok(true) };
    let mut conn = engine.app.acquire().await?;
    works(&mut conn, *key, engine.now()).await
}

/// Tells whether a key is neither revoked nor past its end.
pub(crate) async fn works(conn: &mut PgConnection, key: AgentKeyId, now: u64) -> Result<bool> {
    let Some(found) = db::agent_keys::find(conn, key).await? else { return Ok(false) };
    let window = match found.token {
        true => audit_windows::is_open(conn, found.system.0.into(), now).await?,
        false => true,
    };
    Ok(window && found.revoked_at.is_none() && now < found.expires_at)
}

async fn find(conn: &mut PgConnection, engine: &Engine, bearer: &str) -> Result<(AgentKey, u64)> {
    let unknown = || {
        Error::refused(
            Code::Unauthenticated,
            "The key is not known, or was revoked or has expired. An admin can issue a new one.",
        )
    };
    let text = AgentKeyText::parse(bearer).map_err(|_| unknown())?;
    let key = db::agent_keys::find_by_key_id(conn, text.id()).await?.ok_or_else(unknown)?;
    let hash = Sha256::digest(text.secret().as_bytes());
    let now = engine.now();
    let current = bool::from(hash.as_slice().ct_eq(&key.secret_hash));
    let former =
        key.former.as_ref().is_some_and(|(former, until)| bool::from(hash.as_slice().ct_eq(former)) && now < *until);
    if !(current || former) || !works(conn, key.id, now).await? {
        return Err(unknown());
    }

    Ok((key, now))
}

fn actor(key: AgentKey) -> Actor {
    Actor::Agent { system: key.system, key: key.id, issued: key.entry, scopes: key.scopes }
}

/// Lists keys and tokens.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<KeysView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListKeys, engine.installation()).await?;
        let keys = db::agent_keys::list(&mut tx).await?;
        let systems = db::systems::list(&mut tx).await?;
        let windows = audit_windows::names(&mut tx).await?;
        tx.commit().await?;
        Ok((permit, keys, systems, windows))
    };
    let (permit, keys, systems, windows) = engine.noted(caller, found.await).await?;
    let systems: Vec<_> = systems.into_iter().map(|(system, _)| (system.id, system.name)).collect();
    let now = engine.now();
    let keys: Vec<_> = keys
        .into_iter()
        .map(|key| KeyDetail {
            id: key.id,
            key_id: key.key_id,
            owner: match key.token {
                true => windows.get(&key.system.0.into()).cloned().unwrap_or_default(),
                false => {
                    let named = systems.iter().find(|(id, _)| *id == key.system);
                    named.map(|(_, name)| name.clone()).unwrap_or_default()
                }
            },
            token: key.token,
            scopes: key.scopes.iter().map(|scope| scope.word().to_owned()).collect(),
            networks: key.networks,
            issued_at: key.issued_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            former_until: key.former.map(|(_, until)| until).filter(|until| *until > now),
        })
        .collect();
    let event = Event::AccessListed { list: List::Keys, count: keys.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(KeysView { keys, systems, now })
}

/// Makes a key for a system. The answer is the only place where the key is readable.
///
/// # Errors
///
/// [`Error::NotFound`] for an unknown system; `step_up_required`.
pub async fn issue(engine: &Engine, caller: &Caller, system: SystemId, settings: KeySettings) -> Result<NewKey> {
    engine
        .act(caller, move |engine, caller| {
            let settings = settings.clone();
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::IssueKey, Target::System(system)).await?;
                sessions::require_recent(&caller)?;
                let found = db::systems::find(&mut tx, system).await?.ok_or(Error::NotFound)?;
                let expires = engine.now() + settings.days * DAY_MS;
                let text = make(&mut tx, &engine, &caller, &permit, system, false, settings, expires).await?;
                engine.commit(tx).await?;
                Ok(NewKey { key: text.reveal(), system: found.name, expires_at: expires })
            }
        })
        .await
}

/// Makes a key or token inside the transaction of what allowed it.
#[expect(clippy::too_many_arguments, reason = "one call site for each kind of owner")]
pub(crate) async fn make(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    system: SystemId,
    token: bool,
    settings: KeySettings,
    expires: u64,
) -> Result<AgentKeyText> {
    let text = AgentKeyText::from_random(secret::random(), secret::random());
    let key = AgentKeyId(secret::random_id());
    let event = Event::KeyIssued { key, system, scopes: settings.scopes.clone(), expires };
    let entry = seal::append(conn, engine, caller, permit, &event).await?;
    let row = AgentKey {
        id: key,
        system,
        token,
        key_id: text.id().to_owned(),
        secret_hash: Sha256::digest(text.secret().as_bytes()).to_vec(),
        scopes: settings.scopes,
        n: 1,
        issued_at: entry.at,
        expires_at: expires,
        revoked_at: None,
        last_used_at: None,
        networks: settings.networks.iter().map(ToString::to_string).collect(),
        former: None,
        entry: entry.id,
    };
    db::agent_keys::insert(conn, &row, caller.person()).await?;

    Ok(text)
}

/// Gives a key another secret, shown once; the former one works for some hours more.
///
/// # Errors
///
/// `invalid_transition` for a key that has ended, or whose former secret still works; `step_up_required`.
pub async fn rotate(engine: &Engine, caller: &Caller, key: AgentKeyId, hours: u64) -> Result<NewKey> {
    if !HOURS.contains(&hours) {
        return Err(Error::field("/hours", "unknown_value", "Choose from the list how long the former secret works."));
    }
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let (permit, found) = lock(&mut tx, &engine, &caller, key).await?;
            sessions::require_recent(&caller)?;
            let target = Target::System(found.system);
            let refused = |why: &str| {
                let problem = Problem::new(Code::InvalidTransition, why);
                Err(Denial::by_rule(permit.clone(), Action::RotateKey, target, problem))
            };
            let now = engine.now();
            if found.token {
                return refused("A token is not rotated. Issue another one for the window and revoke this one.");
            }
            if found.former.as_ref().is_some_and(|(_, until)| now < *until) {
                return refused("Two secrets of this key work already. End the former one first.");
            }
            let system = db::systems::find(&mut tx, found.system).await?.ok_or(Error::NotFound)?;
            let text = AgentKeyText::another_secret(&found.key_id, secret::random());
            let until = (now + hours * 3_600_000).min(found.expires_at);
            let n = found.n + 1;
            seal::append(&mut tx, &engine, &caller, &permit, &Event::KeyRotated { key, n, until }).await?;
            let hash = Sha256::digest(text.secret().as_bytes()).to_vec();
            db::agent_keys::set_secret(&mut tx, key, n, &hash, &(found.secret_hash, until)).await?;
            engine.commit(tx).await?;
            Ok(NewKey { key: text.reveal(), system: system.name, expires_at: found.expires_at })
        })
        .await
}

/// Ends the former secret of a key at once.
///
/// # Errors
///
/// `invalid_transition` when one secret works only.
pub async fn end_former(engine: &Engine, caller: &Caller, key: AgentKeyId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let (permit, found) = lock(&mut tx, &engine, &caller, key).await?;
            let now = engine.now();
            let Some((former, _)) = found.former.filter(|(_, until)| now < *until) else {
                let problem = Problem::new(Code::InvalidTransition, "Only one secret of this key works.");
                return Err(Denial::by_rule(permit, Action::RotateKey, Target::System(found.system), problem));
            };
            let n = found.n + 1;
            let event = Event::KeyRotated { key, n, until: now };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::agent_keys::set_secret(&mut tx, key, n, &found.secret_hash, &(former, entry.at.min(now))).await?;
            engine.commit(tx).await
        })
        .await
}

async fn lock(
    tx: &mut sqlx::Transaction<'static, sqlx::Postgres>,
    engine: &Engine,
    caller: &Caller,
    key: AgentKeyId,
) -> Result<(Permit, AgentKey)> {
    let found = db::agent_keys::lock(tx, key).await?.ok_or(Error::NotFound)?;
    let target = Target::System(found.system);
    let permit = engine.authorize(tx, caller, Action::RotateKey, target).await?;
    if found.revoked_at.is_some() || engine.now() >= found.expires_at {
        let problem = Problem::new(Code::InvalidTransition, "This key has ended. Issue another one.");
        return Err(Denial::by_rule(permit, Action::RotateKey, target, problem));
    }
    Ok((permit, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_holds_is_read_and_everything_else_refused() {
        let read = KeySettings::parse("read", "30", "10.0.0.0/8\r\n 2001:db8::/32").unwrap();

        assert_eq!((read.scopes, read.days, read.networks.len()), (vec![Scope::Read], 30, 2));
        assert_eq!(KeySettings::parse("", "", "").unwrap(), KeySettings::default());
        for (scopes, days, networks) in
            [("review", "", ""), ("", "7", ""), ("", "36500", ""), ("", "", "ten"), ("", "", &"::1\n".repeat(21))]
        {
            assert!(KeySettings::parse(scopes, days, networks).is_err(), "{scopes} {days} {networks}");
        }
    }
}
