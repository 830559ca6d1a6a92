//! What the database says after a campaign: nothing that must not have happened has.

use std::collections::BTreeMap;

use countersign_domain::ids::{DecisionId, DelegationId, EntryId, GrantId, PersonId};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// Something that must not happen, and how often it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invariant {
    /// What must not happen.
    pub name: &'static str,
    /// How often it did.
    pub violations: i64,
}

/// Each returns how often something happened that must not.
const QUERIES: [(&str, &str); 22] = [
    (
        "decisions with two resolutions",
        "select count(*) from (select decision_id from resolutions group by decision_id having count(*) > 1) twice",
    ),
    (
        "decisions whose log has not exactly one resolution, and one more where it was overridden and where it was revoked",
        "select count(*) from decisions d
           where 1 + (select count(*) from overrides o where o.decision_id = d.id)
             + (select count(*) from revocations v where v.decision_id = d.id) <> (select count(*) from ledger_index i
           where i.object_id = d.id and i.kind = 'decision.resolved')",
    ),
    (
        "decisions without a resolution",
        "select count(*) from decisions d where not exists (select from resolutions s where s.decision_id = d.id)",
    ),
    (
        "people counted twice in a round",
        "select count(*) from (select decision_id, round, person_id from reviews
           where state = 'submitted' and verdict <> 'defer' group by decision_id, round, person_id having count(*) > 1) twice",
    ),
    (
        "forms recorded twice",
        "select count(*) from (select presentation_id from reviews group by presentation_id having count(*) > 1) twice",
    ),
    (
        "reviews on somebody else's form, or on the form of another decision",
        "select count(*) from reviews r join presentations p on p.id = r.presentation_id
           where p.person_id <> r.person_id or p.decision_id <> r.decision_id",
    ),
    (
        "reviews of a content that was not shown before, or is none of the decision's",
        "select count(*) from reviews r
           join presentations p on p.id = r.presentation_id
           join ledger_entries shown on shown.id = p.entry_id
           join ledger_entries ruled on ruled.id = r.entry_id
           where shown.idx >= ruled.idx or not exists (select from revisions v
             where v.decision_id = r.decision_id and v.content_hash = p.content_hash)",
    ),
    (
        "reviews by somebody who held no seat",
        "select count(*) from reviews r where not exists (select from leases l
           where l.decision_id = r.decision_id and l.person_id = r.person_id and l.cause = 'reviewed'
             and l.ended_at = r.reviewed_at)",
    ),
    (
        "seats taken beside as many others as were ever asked for",
        "select count(*) from leases l where (select count(distinct o.person_id) from leases o
             where o.decision_id = l.decision_id and o.person_id <> l.person_id and o.taken_at < l.taken_at
               and (o.ended_at is null or o.ended_at > l.taken_at))
           >= (select greatest(max(r.need), 1) from decision_routes r where r.decision_id = l.decision_id)",
    ),
    (
        "approvals by fewer people than were asked for",
        "select count(*) from resolutions s join decisions d on d.id = s.decision_id
           where s.outcome = 'approved' and s.cause is null and d.need > (select count(distinct r.person_id) from reviews r
             where r.decision_id = d.id and r.state = 'submitted' and (r.round = s.round and r.verdict = 'approve'
               or r.round + 1 = s.round and r.verdict = 'approve_with_edits'))",
    ),
    (
        "approvals against as many rejections as reject it, and rejections by fewer",
        "select count(*) from resolutions s join decisions d on d.id = s.decision_id
           where s.outcome in ('approved', 'rejected', 'expired') and s.cause is null
             and (s.outcome = 'rejected') <> (d.reject_threshold <= (select count(*) from reviews r
               where r.decision_id = d.id and r.round = s.round and r.state = 'submitted' and r.verdict = 'reject'))",
    ),
    (
        "reviews after the resolution",
        "select count(*) from resolutions s join reviews r on r.decision_id = s.decision_id
           join ledger_entries ended on ended.id = s.entry_id join ledger_entries ruled on ruled.id = r.entry_id
           where ruled.idx > ended.idx",
    ),
    (
        "releases that the log has before the resolution",
        "select count(*) from releases l join resolutions s on s.decision_id = l.decision_id
           join ledger_entries told on told.id = l.entry_id join ledger_entries ended on ended.id = s.entry_id
           where told.idx <= ended.idx",
    ),
    (
        "resolutions that the agent was not told",
        "select count(*) from resolutions s where not exists (select from releases l where l.decision_id = s.decision_id)",
    ),
    (
        "revocations of what was not approved, or that its agent was not told",
        "select count(*) from revocations v join resolutions s on s.decision_id = v.decision_id
           where v.told_at is null or s.outcome <> 'approved'
             and not exists (select from overrides o where o.decision_id = v.decision_id)",
    ),
    (
        "approvals that were told after they were revoked",
        "select count(*) from revocations v join releases l on l.decision_id = v.decision_id
           join ledger_entries told on told.id = l.entry_id join ledger_entries revoked on revoked.id = v.entry_id
           where told.idx > revoked.idx and l.entry_id <> v.told_entry_id",
    ),
    (
        "approvals of two people of whom one stood in for the other, or of two for the same",
        "select count(*) from reviews a join reviews b on b.decision_id = a.decision_id and b.round = a.round and b.id <> a.id
           where a.state = 'submitted' and b.state = 'submitted' and a.verdict = 'approve' and b.verdict = 'approve'
             and a.on_behalf_id in (b.person_id, b.on_behalf_id)",
    ),
    (
        "reviews by who is away, or in a place that nobody had given",
        "select count(*) from reviews r join ledger_entries ruled on ruled.id = r.entry_id
           where exists (select from absences a join ledger_entries gone on gone.id = a.entry_id
               left join ledger_entries back on back.id = a.cleared_entry_id
               where a.person_id = r.person_id and gone.idx < ruled.idx and r.reviewed_at < a.until_at
                 and r.reviewed_at >= a.from_at and (back.idx is null or back.idx > ruled.idx))
             or r.delegation_id is not null and not exists (select from delegations g
               join ledger_entries given on given.id = g.entry_id
               left join ledger_entries over on over.id = g.ended_entry_id
               where g.id = r.delegation_id and g.delegate_id = r.person_id and g.delegator_id = r.on_behalf_id
                 and given.idx < ruled.idx and (over.idx is null or over.idx > ruled.idx))",
    ),
    (
        "overrides of what no rule refused, or that the agent was not told",
        "select count(*) from overrides o join resolutions s on s.decision_id = o.decision_id
           where s.outcome <> 'rejected' or s.cause is distinct from 'rule' or o.told_at is null
             and not exists (select from revocations v where v.decision_id = o.decision_id)",
    ),
    (
        "grants used more often than they allow, or than was counted",
        "select count(*) from grants g where g.used > g.uses
           or g.used <> (select count(*) from grant_uses u where u.grant_id = g.id)
           or g.used <> (select count(*) from ledger_index i where i.object_id = g.id and i.kind = 'grant.used')",
    ),
    (
        "uses of a grant before it was activated, after its time, or after it was revoked",
        "select count(*) from grant_uses u join grants g on g.id = u.grant_id
           join ledger_entries used on used.id = u.entry_id join ledger_entries judged on judged.id = g.judged_entry_id
           left join ledger_entries over on over.id = g.ended_entry_id
           where u.used_at >= g.ends_at or judged.idx >= used.idx or g.state = 'revoked' and over.idx < used.idx",
    ),
    (
        "walls that are missing: one review a person and round, one resolution a decision",
        "select 2 - count(*) from pg_indexes where indexdef like 'CREATE UNIQUE INDEX%'
           and (indexname = 'resolutions_decision_id_key' or (indexname = 'reviews_decision_id_round_person_id_key'
             and indexdef like '%WHERE ((state = ''submitted''::text) AND (verdict = ANY%'))",
    ),
];

/// Asks everything.
///
/// # Errors
///
/// When the database does not answer.
pub async fn check(conn: &mut PgConnection) -> Result<Vec<Invariant>> {
    let mut invariants = Vec::with_capacity(QUERIES.len());
    for (name, query) in QUERIES {
        let violations = sqlx::query_scalar(query).fetch_one(&mut *conn).await?;
        invariants.push(Invariant { name, violations });
    }
    Ok(invariants)
}

/// Counts decisions by resolution.
pub(super) async fn resolutions(conn: &mut PgConnection) -> Result<BTreeMap<String, u64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select case when v.decision_id is not null then 'revoked' when o.decision_id is not null then 'approved'
                 else s.outcome end as outcome, count(*)
               from resolutions s left join revocations v on v.decision_id = s.decision_id
                 left join overrides o on o.decision_id = s.decision_id group by 1",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(outcome, count)| (outcome, count.unsigned_abs())).collect())
}

/// Returns the decisions that have no resolution.
pub(super) async fn open(conn: &mut PgConnection) -> Result<Vec<DecisionId>> {
    list(conn, "select id from decisions d where not exists (select from resolutions s where s.decision_id = d.id)")
        .await
}

/// Returns some of the decisions whose agent was asked for a change.
pub(super) async fn asked_for_changes(conn: &mut PgConnection) -> Result<Vec<DecisionId>> {
    list(conn, "select id from decisions where state = 'changes_requested' limit 20").await
}

/// Returns the newest approvals that were not revoked, told or not.
pub(super) async fn approved(conn: &mut PgConnection) -> Result<Vec<DecisionId>> {
    list(
        conn,
        "select decision_id from resolutions s where outcome = 'approved'
           and not exists (select from revocations v where v.decision_id = s.decision_id)
           order by resolved_at desc limit 3",
    )
    .await
}

/// Returns the newest decisions that a rule refused and nobody released.
pub(super) async fn refused_by_rule(conn: &mut PgConnection) -> Result<Vec<DecisionId>> {
    list(
        conn,
        "select decision_id from resolutions s where outcome = 'rejected' and cause = 'rule'
           and not exists (select from overrides o where o.decision_id = s.decision_id)
           order by resolved_at desc limit 3",
    )
    .await
}

/// Returns some of the acts that another person has to look at.
pub(super) async fn to_look_at(conn: &mut PgConnection) -> Result<Vec<EntryId>> {
    list(conn, "select act_entry_id from post_reviews where given_at is null order by act_entry_id limit 5").await
}

/// Returns the delegations that run or will, each with the two people.
pub(super) async fn delegations(conn: &mut PgConnection) -> Result<Vec<(DelegationId, [PersonId; 2])>> {
    let rows: Vec<(Uuid, Uuid, Uuid)> =
        sqlx::query_as("select id, delegator_id, delegate_id from delegations where ended_at is null order by id")
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|(id, one, other)| (id.into(), [one.into(), other.into()])).collect())
}

/// Returns some of the grants in a state, the oldest first.
pub(super) async fn grants(conn: &mut PgConnection, state: &str) -> Result<Vec<GrantId>> {
    let rows: Vec<Uuid> =
        sqlx::query_scalar("select id from grants where state = $1 order by requested_at, id limit 5")
            .bind(state)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(GrantId::from).collect())
}

/// Returns the decisions whose resolution, its override or its revocation, the agent was not told.
pub(super) async fn untold(conn: &mut PgConnection) -> Result<Vec<DecisionId>> {
    list(
        conn,
        "select decision_id from resolutions s where not exists (select from releases l where l.decision_id = s.decision_id)
           union select decision_id from overrides where told_at is null
           union select decision_id from revocations where told_at is null",
    )
    .await
}

/// Returns the size of the log once everything committed has its place and the search index has followed.
pub(super) async fn size(conn: &mut PgConnection) -> Result<Option<u64>> {
    let behind: i64 = sqlx::query_scalar(
        "select (select count(*) from ledger_entries where idx is null)
           + (select size - signed_size from ledger_logs)
           + (select size from ledger_logs) - (select coalesce(max(idx) + 1, 0) from ledger_index)",
    )
    .fetch_one(&mut *conn)
    .await?;
    if behind != 0 {
        return Ok(None);
    }
    let size: i64 = sqlx::query_scalar("select signed_size from ledger_logs").fetch_one(conn).await?;
    Ok(Some(size.unsigned_abs()))
}

async fn list<Id: From<Uuid>>(conn: &mut PgConnection, query: &'static str) -> Result<Vec<Id>> {
    let rows: Vec<Uuid> = sqlx::query_scalar(query).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Id::from).collect())
}
