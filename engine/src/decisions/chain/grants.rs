//! The assignments that gave a reviewer the right to a review, by the authority that was sealed with it.

use countersign_domain::{
    authority::Authority,
    chain::{ChainAct, Grant},
    change::Change,
    holding::{RoleScope, Source},
    ids::{EntryId, PersonId},
    view::ShownHolding,
};
use countersign_ledger::{hash::Hash, leaf::Leaf, value::Value};
use sqlx::PgConnection;

use super::Records;
use crate::{
    Engine,
    db::{self, chain::Mapped, reviews::Review, roles::Assignment},
    error::Result,
};

/// The policy of authorisation by which a waiting change is confirmed: what it allowed to begin was confirmed.
const SECOND_PERSON: &str = "second_person";
/// The mark of an act that a second person would confirm if there were one.
const ALONE: &str = "single_operator";

/// An assignment with what is stored of where it came from.
pub(super) struct Assigned {
    assignment: Assignment,
    /// Name of the identity provider, where its groups gave it.
    provider: Option<String>,
    /// The mapping by which they did.
    mapped: Option<Mapped>,
    /// Changes that may have given it: asked for, confirmed.
    changes: Vec<(EntryId, EntryId)>,
}

impl Assigned {
    pub(super) fn entries(&self) -> Vec<EntryId> {
        let mut entries = vec![self.assignment.entry];
        entries.extend(self.assignment.ended.map(|(_, entry)| entry));
        entries.extend(self.mapped.iter().map(|mapped| mapped.entry));
        let confirmed = self.mapped.iter().filter_map(|mapped| mapped.confirmed);
        entries.extend(confirmed.chain(self.changes.iter().copied()).flat_map(|(asked, decided)| [asked, decided]));
        entries
    }
}

/// Reads every assignment that the reviewers of a decision ever had, and those in whose place they acted.
pub(super) async fn read(conn: &mut PgConnection, reviews: &[Review]) -> Result<Vec<Assigned>> {
    let delegators = reviews.iter().filter_map(|review| review.on_behalf).map(|(delegator, _)| delegator);
    let mut people: Vec<PersonId> = reviews.iter().map(|review| review.person).chain(delegators).collect();
    people.sort_unstable();
    people.dedup();
    let confirmed = db::chain::confirmed(conn, &people).await?;
    let mut assigned = Vec::new();
    for person in people {
        for assignment in db::roles::list_of(conn, person).await? {
            let change = Change::AssignRole { person, holding: assignment.holding.clone() };
            let before = |decided_at: u64| decided_at <= assignment.assigned_at;
            let changes = confirmed.iter().filter(|confirmed| confirmed.change == change);
            let changes = changes.filter(|confirmed| before(confirmed.decided_at));
            let changes = changes.map(|confirmed| (confirmed.asked, confirmed.decided)).collect();
            let (provider, mapped) = match assignment.source {
                Source::Provider(provider) => (
                    db::providers::find_name(conn, provider).await?.map(|(_, name)| name),
                    db::chain::mapped(conn, provider, assignment.assigned_at).await?,
                ),
                _ => (None, None),
            };
            assigned.push(Assigned { assignment, provider, mapped, changes });
        }
    }
    Ok(assigned)
}

/// Returns the assignments that let a person review this decision when they did; nothing where what is stored does not
/// give the authority that the review was sealed with. In somebody's place, any role that reviews is enough.
pub(super) fn of(records: &Records, engine: &Engine, review: &Review) -> Option<Vec<Grant>> {
    held_by(records, engine, review.entry, (review.person, "authority"), review.on_behalf.is_some())
}

/// Returns the assignments of who was acted for, by the authority that the review was sealed with beside its author's.
pub(super) fn of_delegator(
    records: &Records,
    engine: &Engine,
    review: EntryId,
    delegator: PersonId,
) -> Option<Vec<Grant>> {
    held_by(records, engine, review, (delegator, "for_authority"), false)
}

fn held_by(
    records: &Records,
    engine: &Engine,
    review: EntryId,
    (person, authority): (PersonId, &str),
    anywhere: bool,
) -> Option<Vec<Grant>> {
    let leaf = records.leaf(review)?;
    let (n, set) = sealed(leaf, authority)?;
    let number = |entry: EntryId| records.leaf(entry)?.obj.as_ref()?.n;
    let mut held = Vec::new();
    for assigned in records.assignments.iter().filter(|assigned| assigned.assignment.person == person) {
        let assignment = &assigned.assignment;
        let begun = number(assignment.entry)? <= n;
        let ended = match assignment.ended {
            Some((_, entry)) => number(entry)? <= n,
            None => false,
        };
        if begun && !ended && assignment.holding.until.is_none_or(|until| leaf.at < until) {
            held.push(assigned);
        }
    }
    let all = held.iter().flat_map(|assigned| assigned.assignment.holding.held()).collect();
    if (Authority { n, held: all }).set() != set {
        return None;
    }
    let grants: Vec<_> = held
        .into_iter()
        .filter(|assigned| covers(records, &assigned.assignment))
        .map(|assigned| grant(records, engine, assigned))
        .collect();
    // Of roles elsewhere a reader of this decision need not know more than that there is one.
    (anywhere || !grants.is_empty()).then_some(grants)
}

/// The number and the digest of an authority in a review's entry.
fn sealed(leaf: &Leaf, name: &str) -> Option<(u64, Hash)> {
    let authority = leaf.d.as_ref()?.get(name)?;
    Some((authority.get("n").and_then(Value::as_integer)?, authority.get("set").and_then(Value::as_hash)?))
}

/// Tells whether it is a role that reviews, for the decision's system and type.
fn covers(records: &Records, assignment: &Assignment) -> bool {
    let holding = &assignment.holding;
    let system = holding.includes(records.decision.system);
    let types = &holding.limits.types;
    holding.role.reviews() && system && (types.is_empty() || types.contains(&records.definition.name))
}

fn grant(records: &Records, engine: &Engine, assigned: &Assigned) -> Grant {
    let assignment = &assigned.assignment;
    let holding = &assignment.holding;
    let shown = ShownHolding {
        role: holding.role,
        // Other systems and types that it covers are not this decision's, and its readers need not know them.
        systems: match &holding.scope {
            RoleScope::All => None,
            RoleScope::Systems(_) => Some(vec![records.system.clone()]),
        },
        types: match holding.limits.types.is_empty() {
            true => Vec::new(),
            false => vec![records.definition.name.clone()],
        },
        risk: holding.limits.risk,
        amount: holding.limits.amount,
        until: holding.until,
    };
    let source = match (assignment.source, &assigned.provider) {
        (Source::Hand, _) => "by hand".to_owned(),
        (Source::Provider(_), Some(name)) => format!("by groups of {name}"),
        (Source::Provider(_), None) => "by groups of an identity provider".to_owned(),
        (Source::BreakGlass, _) => "by an emergency sign-in".to_owned(),
        (Source::Window(_), _) => "by an audit window".to_owned(),
    };
    Grant {
        holding: shown,
        source,
        ended_at: assignment.ended.map(|(at, _)| at),
        acts: acts(records, engine, assigned),
    }
}

fn acts(records: &Records, engine: &Engine, assigned: &Assigned) -> Vec<ChainAct> {
    let entry = assigned.assignment.entry;
    let allowed_by = |id: &str| {
        let authz = records.leaf(entry).and_then(|leaf| leaf.authz.as_ref());
        authz.is_some_and(|authz| authz.ids.iter().any(|known| known == id))
    };
    let mut acts = Vec::new();
    if let Some(mapped) = &assigned.mapped {
        acts.extend(records.act(engine, mapped.entry, "wrote the mapping of groups to roles"));
        if let Some((asked, decided)) = mapped.confirmed {
            acts.extend(records.act(engine, asked, "asked for that mapping"));
            acts.extend(records.act(engine, decided, "confirmed it as the second person"));
        }
    }
    if allowed_by(SECOND_PERSON)
        && let Some((asked, decided)) = assigned.changes.last()
    {
        acts.extend(records.act(engine, *asked, "asked for the role"));
        acts.extend(records.act(engine, *decided, "confirmed it as the second person"));
    }
    let did = match (assigned.assignment.source, allowed_by(ALONE)) {
        (Source::Hand, true) => "gave the role alone: nobody else could confirm it",
        (Source::Hand, false) => "gave the role",
        _ => "began the assignment",
    };
    acts.extend(records.act(engine, entry, did));
    acts
}
