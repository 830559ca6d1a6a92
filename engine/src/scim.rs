//! Directories: what they push by SCIM, and what that does to people here.
//!
//! A directory acts with a token of one identity provider. Its users join people by `externalId`, which is
//! the subject (`sub`) at that provider, and by nothing else: never by mail or name. A user without one is
//! kept and is nobody yet. A user that is not active is a person who is disabled here, and groups give what
//! the provider's mapping says, under the ceiling of whoever pushed them.
//!
//! Every push is one transaction under the guard row, with one `scim.applied` beside the entries of its effects.

pub(crate) mod due;
pub mod groups;
pub mod tokens;
pub mod users;

use countersign_domain::{
    event::{Event, List},
    ids::{PersonId, ProviderId, ScimTokenId},
    key::ScimTokenText,
    problem::Code,
    scim::{COUNT_MAX, Fault, FaultKind, Resource},
    time::rfc3339,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{
    Engine,
    authorize::{Action, Permit, Target},
    caller::{Actor, Caller},
    db::{self, providers::Stored, scim::ScimToken},
    error::{Error, Result},
    reads,
    role_mappings::{self, LastAdmin},
};

/// `last_used_at` is written when it is older than this, in milliseconds.
const TOUCH_MS: u64 = 60_000;
/// Resources of one answer where the question names no number.
const COUNT: u64 = 100;

/// One resource as it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Its version.
    pub n: u64,
    /// Its address.
    pub location: String,
    /// The document.
    pub body: Value,
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// A filter.
    pub filter: Option<String>,
    /// Number of the first resource, from 1.
    pub start: Option<i64>,
    /// Most resources of the answer.
    pub count: Option<i64>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The documents.
    pub resources: Vec<Value>,
    /// How many there are in all.
    pub total: u64,
    /// Number of the first.
    pub start: u64,
}

/// Versions that a change asks for; any where there are none.
pub type Versions = Option<Vec<u64>>;

impl Question {
    fn start(&self) -> u64 {
        self.start.and_then(|start| u64::try_from(start).ok()).unwrap_or(1).max(1)
    }

    fn count(&self) -> u64 {
        self.count.map_or(COUNT, |count| u64::try_from(count).unwrap_or(0)).min(COUNT_MAX)
    }
}

/// Returns whose token this is.
///
/// # Errors
///
/// `unauthenticated` for an unknown, mistyped, revoked or expired token, always in the same words.
pub async fn authenticate(engine: &Engine, bearer: &str) -> Result<Actor> {
    let mut conn = engine.app.acquire().await?;
    let (token, now) = find(&mut conn, engine, bearer).await?;
    if token.last_used_at.is_none_or(|last| now >= last + TOUCH_MS) {
        db::scim::set_last_used(&mut conn, token.id, now).await?;
    }
    Ok(actor(&token))
}

/// Returns whose token this is, to put a refusal on record under its name.
pub async fn whose(engine: &Engine, bearer: &str) -> Option<Actor> {
    let mut conn = engine.app.acquire().await.ok()?;
    find(&mut conn, engine, bearer).await.ok().map(|(token, _)| actor(&token))
}

async fn find(conn: &mut PgConnection, engine: &Engine, bearer: &str) -> Result<(ScimToken, u64)> {
    let unknown = || {
        Error::refused(
            Code::Unauthenticated,
            "The directory token is not known, or was revoked or has expired. An admin can issue a new one.",
        )
    };
    let text = ScimTokenText::parse(bearer).map_err(|_| unknown())?;
    let token = db::scim::find_token(conn, text.id()).await?.ok_or_else(unknown)?;
    let same = bool::from(Sha256::digest(text.secret().as_bytes()).as_slice().ct_eq(&token.secret_hash));
    let now = engine.now();
    if !same || !token.is_live(now) {
        return Err(unknown());
    }
    Ok((token, now))
}

fn actor(token: &ScimToken) -> Actor {
    Actor::Directory { token: token.id, provider: token.provider, issued: token.entry }
}

/// Tells whether a token still works.
pub(crate) async fn works(conn: &mut PgConnection, token: ScimTokenId, now: u64) -> Result<bool> {
    Ok(db::scim::is_live(conn, token, now).await?)
}

/// Puts on record that a directory looked at what the door offers.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but a directory.
pub async fn discover(engine: &Engine, caller: &Caller, count: u64) -> Result<()> {
    let found = async {
        let (mut tx, permit, _) = look(engine, caller).await?;
        // Nothing was read but the token.
        sqlx::Connection::ping(&mut *tx).await?;
        tx.commit().await?;
        Ok(permit)
    };
    let permit = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::ScimSchemas, count };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;
    Ok(())
}

/// Address below which everything of the door is.
pub fn base(engine: &Engine) -> String {
    format!("{}/scim/v2", engine.config().public_origin)
}

fn directory(caller: &Caller) -> Result<(ScimTokenId, ProviderId)> {
    match caller.actor {
        Actor::Directory { token, provider, .. } => Ok((token, provider)),
        _ => Err(Error::refused(Code::Unauthenticated, "Directories come with a token of their own.")),
    }
}

type Tx = Transaction<'static, Postgres>;

/// Begins a read of what the caller's directory pushed.
async fn look(engine: &Engine, caller: &Caller) -> Result<(Tx, Permit, ProviderId)> {
    let (_, provider) = directory(caller)?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ReadDirectory, Target::Directory(provider)).await?;
    Ok((tx, permit, provider))
}

/// A push under way: the guard row and the token are locked.
struct Push {
    engine: Engine,
    caller: Caller,
    tx: Tx,
    permit: Permit,
    token: ScimTokenId,
    provider: Stored,
}

impl Push {
    async fn begin(engine: &Engine, caller: &Caller) -> Result<Self> {
        let (token, provider) = directory(caller)?;
        let mut tx = engine.begin().await?;
        db::roles::lock_guard(&mut tx).await?;
        let permit = engine.authorize(&mut tx, caller, Action::PushDirectory, Target::Directory(provider)).await?;
        let provider = db::providers::lock_share(&mut tx, provider).await?.ok_or(Error::NotFound)?;
        Ok(Self { engine: engine.clone(), caller: caller.clone(), tx, permit, token, provider })
    }

    async fn seal(&mut self, event: &Event) -> Result<(u64, countersign_domain::ids::EntryId)> {
        let entry = crate::seal::append(&mut self.tx, &self.engine, &self.caller, &self.permit, event).await?;
        Ok((entry.at, entry.id))
    }

    /// Gives the people concerned what the provider's mapping says about them from now on: at once, or in parts where
    /// they are many. Those who may lose something are named apart.
    async fn reevaluate(&mut self, others: Vec<PersonId>, losing: Vec<PersonId>) -> Result<()> {
        let Self { engine, caller, tx, permit, provider, .. } = self;
        if others.len() + losing.len() > due::AT_ONCE_MAX {
            for (people, loses) in [(losing, true), (others, false)] {
                db::scim::due::put(tx, provider.id, &ordered(people), loses, engine.now()).await?;
            }
            return Ok(());
        }
        let people = ordered(others.into_iter().chain(losing).collect());
        role_mappings::evaluate_pushed(tx, engine, caller, permit, provider.id, &people, LastAdmin::Refuses).await
    }
}

/// One order for all transactions, and each person once.
fn ordered(mut people: Vec<PersonId>) -> Vec<PersonId> {
    people.sort_unstable();
    people.dedup();
    people
}

fn keyed(engine: &Engine, kind: &str, provider: ProviderId, text: &str) -> Vec<u8> {
    engine.vault.lookup(kind, &format!("{provider}\n{text}"))
}

fn fault(kind: FaultKind, detail: &str) -> Error {
    Error::Scim(Fault::new(kind, detail))
}

/// Refuses a change of another version than the one that was asked for.
fn check_version(expected: &Versions, n: u64) -> Result<()> {
    match expected {
        Some(versions) if !versions.contains(&n) => {
            Err(Error::refused(Code::Stale, "The resource changed since. Read it, then send the change again."))
        }
        _ => Ok(()),
    }
}

/// What a resource is beside its own attributes.
struct Meta {
    resource: Resource,
    id: Uuid,
    n: u64,
    created_at: u64,
    changed_at: u64,
}

impl Meta {
    fn answered(&self, engine: &Engine, document: Map<String, Value>) -> Answered {
        let location = format!("{}{}/{}", base(engine), self.resource.path(), self.id);
        let mut body = Map::new();
        body.insert("schemas".into(), json!([self.resource.schema()]));
        body.insert("id".into(), self.id.to_string().into());
        body.extend(document);
        body.insert(
            "meta".into(),
            json!({
                "resourceType": self.resource.name(),
                "created": rfc3339(self.created_at),
                "lastModified": rfc3339(self.changed_at),
                "location": location,
                "version": version(self.n),
            }),
        );
        Answered { n: self.n, location, body: Value::Object(body) }
    }
}

/// Writes a version as an entity tag.
pub fn version(n: u64) -> String {
    format!("W/\"{n}\"")
}
