//! What the database says after a campaign: nothing that must not have happened has.

use std::collections::BTreeMap;

use countersign_domain::ids::DecisionId;
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
const QUERIES: [(&str, &str); 17] = [
    (
        "decisions with two resolutions",
        "select count(*) from (select decision_id from resolutions group by decision_id having count(*) > 1) twice",
    ),
    (
        "decisions whose log has not exactly one resolution, and one more where it was revoked",
        "select count(*) from decisions d
           where 1 + (select count(*) from revocations v where v.decision_id = d.id) <> (select count(*) from ledger_index i
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
        "approvals against a rejection",
        "select count(*) from resolutions s where s.outcome = 'approved' and exists (select from reviews r
           where r.decision_id = s.decision_id and r.round = s.round and r.state = 'submitted' and r.verdict = 'reject')",
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
           where s.outcome <> 'approved' or v.told_at is null",
    ),
    (
        "approvals that were told after they were revoked",
        "select count(*) from revocations v join releases l on l.decision_id = v.decision_id
           join ledger_entries told on told.id = l.entry_id join ledger_entries revoked on revoked.id = v.entry_id
           where told.idx > revoked.idx and l.entry_id <> v.told_entry_id",
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
        "select case when v.decision_id is null then s.outcome else 'revoked' end as outcome, count(*)
               from resolutions s left join revocations v on v.decision_id = s.decision_id group by 1",
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

/// Returns the decisions whose resolution, or its revocation, the agent was not told.
pub(super) async fn untold(conn: &mut PgConnection) -> Result<Vec<DecisionId>> {
    list(
        conn,
        "select decision_id from resolutions s where not exists (select from releases l where l.decision_id = s.decision_id)
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

async fn list(conn: &mut PgConnection, query: &'static str) -> Result<Vec<DecisionId>> {
    let rows: Vec<Uuid> = sqlx::query_scalar(query).fetch_all(conn).await?;
    Ok(rows.into_iter().map(DecisionId).collect())
}
