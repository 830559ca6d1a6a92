//! The accountability chain of a decision: what is stored of everybody who answers for it, and the entries behind it.
//!
//! Who acted, and what allowed it, is read from the sealed entries, not from business rows; rows only say which entries
//! they are.

mod grants;
mod links;

use std::collections::{HashMap, hash_map::Entry};

use countersign_domain::{
    chain::{Allowed, ChainAct, ChainView, Link, Named, Who},
    decision::{Effect, OutcomeResult},
    decision_type::TypeDefinition,
    delegation,
    event::{Event, Object, Place},
    ids::{DecisionId, EntryId, PersonId, PolicyVersionId},
    policy::PolicyVersion,
};
use countersign_ledger::leaf::{ActorKind, Leaf};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{seal_at, title};
use crate::{
    Engine,
    authorize::{Action, Permit, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    people, reads,
};

/// How often the chain is read again when the decision changes meanwhile.
const TRIES: usize = 5;

/// Shows who answers for a decision, link by link. Looking is on record.
///
/// # Errors
///
/// [`Error::Hidden`] for anybody who may not read the decision, as if it did not exist.
pub async fn chain(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<ChainView> {
    let (permit, mut view) = settled(engine, caller, id).await?;
    let event = Event::AccessViewed { object: object(&view) };
    view.recorded = reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;
    Ok(view)
}

/// Returns the chain for a file. Taking it is on record.
///
/// # Errors
///
/// As [`chain`].
pub async fn download_chain(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<ChainView> {
    let (permit, mut view) = settled(engine, caller, id).await?;
    let event = Event::AccessDownloaded { object: object(&view) };
    view.recorded = reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;
    Ok(view)
}

fn object(view: &ChainView) -> Object {
    Object { kind: "decision", id: view.decision.0, place: Place::Read(view.upto) }
}

/// Reads until the decision stood still: several statements read it.
async fn settled(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<(Permit, ChainView)> {
    let mut found = engine.noted(caller, read(engine, caller, id).await).await?;
    for _ in 1..TRIES {
        if found.2 {
            break;
        }
        found = engine.noted(caller, read(engine, caller, id).await).await?;
    }
    let (permit, view, _) = found;
    Ok((permit, view))
}

async fn read(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<(Permit, ChainView, bool)> {
    let mut tx = engine.begin().await?;
    let stored = db::decisions::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let permit = engine.authorize(&mut tx, caller, Action::ViewDecision, target).await?;
    let upto = stored.n;
    let title = title::titles(&mut tx, engine, &[id]).await?.remove(&id).unwrap_or_default();
    let records = Records::read(&mut tx, engine, stored).await?;
    let settled = db::decisions::find(&mut tx, id).await?.is_some_and(|again| again.n == upto);
    tx.commit().await?;

    let view = ChainView {
        decision: id,
        title,
        system: records.system.clone(),
        state: records.decision.state,
        links: records.links(engine),
        upto,
        recorded: EntryId(Uuid::nil()),
        now: engine.now(),
    };
    Ok((permit, view, settled))
}

/// Everything stored that the links are made of.
struct Records {
    decision: db::decisions::Decision,
    /// Name of the system.
    system: String,
    definition: TypeDefinition,
    registered: EntryId,
    /// Who owned the system when the decision was proposed, and the entry that named them.
    owner: Option<(PersonId, EntryId)>,
    revisions: Vec<db::revisions::Revision>,
    routes: Vec<db::chain::Routed>,
    versions: HashMap<PolicyVersionId, PolicyVersion>,
    /// What was done to the draft of the version that governs, oldest first; then the entry that put it in force.
    drafting: Vec<EntryId>,
    activated: Option<EntryId>,
    reviews: Vec<db::reviews::Review>,
    ended: Vec<(EntryId, EntryId)>,
    /// Every assignment of each reviewer, and where those came from.
    assignments: Vec<grants::Assigned>,
    /// By which reviews were given in somebody's place.
    delegations: Vec<db::delegations::Delegation>,
    resolution: Option<db::resolutions::Resolution>,
    /// What another person looks at, oldest first.
    post_reviews: Vec<db::post_reviews::PostReview>,
    /// The use of a grant, and what two people did so that it could be made.
    granted: Vec<EntryId>,
    pause: Option<EntryId>,
    /// The system is paused at this moment.
    is_paused: bool,
    withdrawn: Option<EntryId>,
    released: Option<EntryId>,
    outcomes: Vec<(OutcomeResult, Effect, EntryId)>,
    entries: HashMap<EntryId, (Option<i64>, Leaf)>,
    /// Public ids of keys, by the entry that issued each.
    keys: HashMap<EntryId, String>,
    /// Names of people; an erased one is missing.
    names: HashMap<PersonId, String>,
}

impl Records {
    async fn read(conn: &mut PgConnection, engine: &Engine, decision: db::decisions::Decision) -> Result<Self> {
        let id = decision.id;
        let missing = |column| Error::Row { table: "decisions", column, id: id.to_string() };
        let system = db::systems::find(conn, decision.system).await?.ok_or_else(|| missing("system_id"))?.name;
        let types = db::decision_types::list(conn, &[decision.type_id.0]).await?;
        let (_, definition) = types.into_iter().next().ok_or_else(|| missing("type_id"))?;
        let routes = db::chain::routes(conn, id).await?;
        let mut versions = HashMap::new();
        for version in routes.iter().map(|route| route.version).chain([decision.policy_version]) {
            if let Entry::Vacant(place) = versions.entry(version) {
                place.insert(db::policies::find(conn, version).await?.ok_or_else(|| missing("policy_version_id"))?);
            }
        }
        let governing = versions.get(&decision.policy_version).ok_or_else(|| missing("policy_version_id"))?;
        let past = db::policies::list(conn, Some(governing.number), 2).await?;
        let activated = past.iter().find(|past| past.version.id == governing.id).map(|past| past.entry);
        let drafting = db::chain::drafting(conn, engine.log.row, governing.id).await?;
        let reviews = db::reviews::list(conn, id).await?;
        let delegations: Vec<_> = reviews.iter().filter_map(|review| review.on_behalf).map(|(_, id)| id).collect();
        let resolution = db::resolutions::find(conn, id).await?;
        let pause = match &resolution {
            Some(resolution) => db::chain::paused(conn, decision.system, resolution.at).await?,
            None => None,
        };
        let granted = match resolution.as_ref().and_then(|resolution| resolution.by_grant) {
            Some((grant, used)) => {
                let made = db::grants::list_entries(conn, grant).await?;
                made.into_iter().take(2).chain([used]).collect()
            }
            None => Vec::new(),
        };
        let revisions = db::revisions::list(conn, id).await?;
        let mut records = Self {
            system,
            definition,
            registered: db::chain::registered(conn, decision.system).await?,
            owner: match revisions.iter().find(|revision| revision.number == 1) {
                Some(proposal) => db::owners::find_at(conn, decision.system, proposal.entry).await?,
                None => None,
            },
            revisions,
            routes,
            versions,
            drafting,
            activated,
            ended: db::chain::ended(conn, id).await?,
            assignments: grants::read(conn, &reviews).await?,
            delegations: db::delegations::list_by_id(conn, &delegations).await?,
            reviews,
            resolution,
            post_reviews: db::post_reviews::list_of(conn, id).await?,
            granted,
            pause,
            is_paused: db::pauses::is_running(conn, decision.system).await?,
            withdrawn: db::chain::withdrawn(conn, id).await?,
            released: db::chain::released(conn, id).await?,
            outcomes: db::chain::outcomes(conn, id).await?,
            entries: HashMap::new(),
            keys: HashMap::new(),
            names: HashMap::new(),
            decision,
        };
        records.open(conn, engine).await?;
        Ok(records)
    }

    /// Reads the entries that everything names, the keys behind those of agents, and the names of people.
    async fn open(&mut self, conn: &mut PgConnection, engine: &Engine) -> Result<()> {
        let named = self.named();
        self.fetch(conn, &named).await?;
        let via = |leaf: &Leaf| -> Option<EntryId> {
            (leaf.actor.as_ == ActorKind::Agent).then(|| leaf.actor.via.as_deref()?.parse().ok()).flatten()
        };
        let issued: Vec<EntryId> = self.entries.values().filter_map(|(_, leaf)| via(leaf)).collect();
        self.fetch(conn, &issued).await?;
        let issued: Vec<_> = issued.iter().map(|entry| entry.0).collect();
        self.keys = db::chain::keys(conn, &issued).await?.into_iter().collect();
        let acted = self.entries.values().flat_map(|(_, leaf)| [person(leaf), delegator(leaf)]).flatten();
        let people: Vec<_> = acted.chain(self.owner.map(|(owner, _)| owner)).collect();
        self.names = people::names(conn, engine, &people).await?;
        Ok(())
    }

    fn named(&self) -> Vec<EntryId> {
        let mut entries = vec![self.registered];
        entries.extend(self.revisions.iter().map(|revision| revision.entry));
        entries.extend(self.routes.iter().map(|route| route.entry));
        entries.extend(&self.drafting);
        entries.extend(self.reviews.iter().map(|review| review.entry));
        entries.extend(self.ended.iter().map(|(_, ended)| *ended));
        entries.extend(self.assignments.iter().flat_map(grants::Assigned::entries));
        entries.extend(self.delegations.iter().map(|given| given.entry));
        entries.extend(self.delegations.iter().filter_map(|given| given.ended).map(|(_, _, entry)| entry));
        entries.extend(self.resolution.iter().map(|resolution| resolution.entry));
        if let Some(revoked) = self.resolution.as_ref().and_then(|resolution| resolution.revoked.as_ref()) {
            entries.extend([revoked.entry, revoked.resolved]);
            entries.extend(revoked.compensated.map(|(.., entry)| entry));
        }
        if let Some(overridden) = self.resolution.as_ref().and_then(|resolution| resolution.overridden.as_ref()) {
            entries.extend([overridden.entry, overridden.resolved]);
            entries.extend(overridden.told.map(|(_, entry)| entry));
        }
        entries.extend(self.post_reviews.iter().filter_map(|looked| Some(looked.given.as_ref()?.entry)));
        entries.extend([self.activated, self.pause, self.withdrawn, self.released].into_iter().flatten());
        entries.extend(&self.granted);
        entries.extend(self.owner.map(|(_, named)| named));
        entries.extend(self.outcomes.iter().map(|(_, _, entry)| *entry));
        entries
    }

    async fn fetch(&mut self, conn: &mut PgConnection, entries: &[EntryId]) -> Result<()> {
        let mut ids: Vec<_> = entries.iter().map(|entry| entry.0).collect();
        ids.sort_unstable();
        ids.dedup();
        for (id, index, bytes) in db::entries::placed(conn, &ids).await? {
            self.entries.insert(id.into(), (index, Leaf::parse(&bytes)?));
        }
        Ok(())
    }

    fn links(&self, engine: &Engine) -> Vec<Link> {
        let zero = self.decision.on_timeout.sentence();
        let named = Named { system: &self.system, at_zero: zero };
        links::Writer { records: self, engine, named }.all()
    }

    /// Returns an entry's leaf.
    fn leaf(&self, entry: EntryId) -> Option<&Leaf> {
        self.entries.get(&entry).map(|(_, leaf)| leaf)
    }

    /// Returns an entry as an act; nothing where the entry is gone, which verification of the log reports.
    fn act(&self, engine: &Engine, entry: EntryId, did: impl Into<String>) -> Option<ChainAct> {
        let (index, leaf) = self.entries.get(&entry)?;
        let ids = leaf.authz.as_ref().map(|authz| authz.ids.as_slice()).unwrap_or_default();
        Some(ChainAct {
            who: self.who(leaf),
            did: did.into(),
            at: leaf.at,
            entry,
            seal: seal_at(engine, *index),
            allowed_by: ids.iter().map(|id| Allowed { id: id.clone(), says: engine.policies.says(id) }).collect(),
        })
    }

    fn who(&self, leaf: &Leaf) -> Who {
        match leaf.actor.as_ {
            ActorKind::Person => {
                let name = |person: Option<PersonId>| person.and_then(|person| self.names.get(&person).cloned());
                let name = match (name(person(leaf)), delegator(leaf)) {
                    (Some(own), Some(delegator)) => {
                        Some(delegation::both(&own, &name(Some(delegator)).unwrap_or_else(people::erased)))
                    }
                    (own, _) => own,
                };
                Who::Person { name }
            }
            ActorKind::Agent => {
                let issued = leaf.actor.via.as_deref().and_then(|via| via.parse().ok());
                let key = issued.and_then(|issued: EntryId| self.keys.get(&issued).cloned());
                Who::System { name: self.system.clone(), key }
            }
            ActorKind::Engine => Who::Countersign,
            ActorKind::Operator => Who::Operator,
            ActorKind::Directory => Who::Directory,
            ActorKind::Anonymous => Who::Anonymous,
        }
    }
}

/// In whose place a person acted.
fn delegator(leaf: &Leaf) -> Option<PersonId> {
    leaf.actor.for_.as_deref()?.parse().ok()
}

fn person(leaf: &Leaf) -> Option<PersonId> {
    (leaf.actor.as_ == ActorKind::Person).then(|| leaf.actor.sid.as_deref()?.parse().ok()).flatten()
}
