//! Who asks, as a door established it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use countersign_domain::{
    event::Scope,
    ids::{AgentKeyId, EntryId, PersonId, ProviderId, ScimTokenId, SessionId, SystemId},
};
use uuid::Uuid;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person.
    Person {
        /// The person.
        id: PersonId,
        /// The sign-in.
        session: SessionId,
        /// The entry that signed them in.
        signed_in: EntryId,
        /// How long ago they last proved themselves when this request came, in milliseconds.
        proven_ago_ms: u64,
        /// Signed in by a password alone: only the page that adds a second factor is open.
        factor_missing: bool,
    },
    /// An AI agent with a key.
    Agent {
        /// Its system.
        system: SystemId,
        /// The key.
        key: AgentKeyId,
        /// The entry that issued the key.
        issued: EntryId,
        /// What the key may do.
        scopes: Vec<Scope>,
    },
    /// A directory that pushes people and groups.
    Directory {
        /// Its token.
        token: ScimTokenId,
        /// The provider whose people it pushes.
        provider: ProviderId,
        /// The entry that issued the token.
        issued: EntryId,
    },
    /// Whoever runs the installation, at its command line.
    Operator,
    /// The product itself: deadlines, routing.
    Engine,
    /// Nobody known.
    Anonymous,
}

/// One request: who asks, from where, and how much of it is on record so far.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who asks.
    pub actor: Actor,
    /// Network address of the client.
    pub network: String,
    /// What the client calls itself.
    pub agent: String,
    /// Id of the request in logs and answers.
    pub request: Uuid,
    sealed: Arc<AtomicU32>,
}

impl Caller {
    /// Makes the caller of one request.
    pub fn new(actor: Actor, network: impl Into<String>, agent: impl Into<String>, request: Uuid) -> Self {
        Self { actor, network: network.into(), agent: agent.into(), request, sealed: Arc::default() }
    }

    /// Returns the same person or agent in a new request.
    pub fn again(&self) -> Self {
        Self::new(self.actor.clone(), self.network.clone(), self.agent.clone(), crate::secret::random_id())
    }

    /// Makes the caller of a command on the installation's own machine.
    pub fn operator() -> Self {
        Self::new(Actor::Operator, "", "", crate::secret::random_id())
    }

    pub(crate) fn engine() -> Self {
        Self::new(Actor::Engine, "", "", crate::secret::random_id())
    }

    /// Returns how many entries this request has put on record.
    pub fn sealed(&self) -> u32 {
        self.sealed.load(Ordering::Relaxed)
    }

    pub(crate) fn count_sealed(&self) {
        self.sealed.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the person, when one is signed in.
    pub fn person(&self) -> Option<PersonId> {
        match self.actor {
            Actor::Person { id, .. } => Some(id),
            _ => None,
        }
    }
}
