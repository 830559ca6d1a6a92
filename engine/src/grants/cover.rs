//! What an active grant approves, and why the others did not.
//!
//! The row of the grant is locked from the question whether a use is left to the end of the transaction that makes it, so
//! that N uses are never N + 1. Before that nothing is locked: most proposals meet no grant.

use countersign_domain::{
    event::Event,
    grant::{self, EXPORTS_DATA, GrantState, Miss, NAMED_MS},
    ids::{DecisionId, GrantId},
    policy::{Condition, PolicyVersion, Route},
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{scopes, target};
use crate::{
    Engine,
    authorize::{self, Action},
    caller::Caller,
    db::{self, decisions::Decision, grants::Grant},
    decisions::{Case, Resolve, resolve},
    error::Result,
    seal,
};

/// Grants that one proposal is compared with.
const COMPARED_MAX: i64 = 8;

/// Approves a new decision that its rule sends to one approver, where an active grant covers it; keeps why others did not.
///
/// The caller holds the lock of the system's pauses and has found that it is not paused.
pub(crate) async fn approve(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Decision,
    (case, version): (&Case<'_>, &PolicyVersion),
) -> Result<Option<seal::Entry>> {
    if stored.route != Route::Require {
        return Ok(None);
    }
    let since = engine.now().saturating_sub(NAMED_MS);
    let found = db::grants::list_for(tx, stored.system, stored.type_id, since, COMPARED_MAX).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let scopes = scopes(tx, engine, found.iter().map(|grant| grant.entry)).await?;
    let kept = keeps(tx, engine, stored, (case, version)).await?;
    let mut misses = Vec::new();
    for grant in found {
        let covers =
            scopes.get(&grant.entry).is_some_and(|scope: &Vec<Condition>| grant::outside(scope, &case.facts).is_none());
        match weigh(tx, engine, grant, covers, kept).await? {
            Weighed::Approves(grant) => return make_use(tx, engine, caller, stored, *grant).await.map(Some),
            Weighed::Misses(id, miss) => misses.push((id, miss)),
            Weighed::Unsaid => {}
        }
    }
    db::grants::insert_misses(tx, stored.id, &misses).await?;
    Ok(None)
}

/// Says why grants for its system and type did not approve a decision; values that are masked in the case are not said.
pub(crate) async fn misses(
    conn: &mut PgConnection,
    engine: &Engine,
    id: DecisionId,
    case: &Case<'_>,
) -> Result<Vec<(GrantId, String)>> {
    let stored = db::grants::list_misses(conn, id).await?;
    let scopes = scopes(conn, engine, stored.iter().map(|(_, entry, _)| *entry)).await?;
    Ok(stored
        .into_iter()
        .map(|(grant, entry, miss)| {
            let scope = scopes.get(&entry).map(Vec::as_slice);
            (grant, grant::miss_sentence(grant, miss, scope, &case.facts, case.definition))
        })
        .collect())
}

/// What keeps a decision for people whatever grant covers it.
async fn keeps(
    conn: &mut PgConnection,
    engine: &Engine,
    stored: &Decision,
    (case, version): (&Case<'_>, &PolicyVersion),
) -> Result<Option<Miss>> {
    let exports = case.impact.effects.iter().flatten().any(|effect| effect == EXPORTS_DATA);
    if exports
        || grant::admits(case.definition).is_err()
        || !stored.guards.is_empty()
        || !case.guards(conn, engine, version).await?.is_empty()
    {
        return Ok(Some(Miss::Guarded));
    }
    let row = version.body.row(stored.rule).unwrap_or(&version.body.default);
    let one = stored.need == 1 && row.quorum().need_senior() == 0 && !row.signed;
    Ok((!one).then_some(Miss::Stricter))
}

enum Weighed {
    /// It is locked, and has a use left.
    Approves(Box<Grant>),
    Misses(GrantId, Miss),
    /// It would not have covered it when it was active, or is not in effect yet.
    Unsaid,
}

async fn weigh(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    grant: Grant,
    covers: bool,
    kept: Option<Miss>,
) -> Result<Weighed> {
    let misses = |miss| Ok(Weighed::Misses(grant.id, miss));
    let size = engine.head.borrow().size;
    if grant.judged_index.is_none_or(|index| index >= size) {
        return Ok(Weighed::Unsaid);
    }
    if let Some(miss) = over(&grant, engine.now()) {
        return if covers { misses(miss) } else { Ok(Weighed::Unsaid) };
    }
    if !covers {
        return misses(Miss::Outside);
    }
    if let Some(miss) = kept {
        return misses(miss);
    }
    // Rights are asked for at the act and again when the resolution is written (R12).
    let Some(activator) = grant.judged_by else { return Ok(Weighed::Unsaid) };
    if !authorize::ask(tx, engine, activator, Action::ActivateGrant, target(&grant)).await?.allowed {
        return misses(Miss::Authority);
    }
    let Some(locked) = db::grants::lock(tx, grant.id).await? else { return Ok(Weighed::Unsaid) };
    Ok(match over(&locked, engine.now()) {
        Some(miss) => Weighed::Misses(locked.id, miss),
        None => Weighed::Approves(Box::new(locked)),
    })
}

/// Says how a grant that was activated is over, if it is; its time is over whether or not that is on record.
fn over(grant: &Grant, now: u64) -> Option<Miss> {
    match grant.state {
        GrantState::Revoked => Some(Miss::Revoked),
        GrantState::Exhausted => Some(Miss::Exhausted),
        GrantState::Active if grant.used >= grant.uses => Some(Miss::Exhausted),
        GrantState::Active if grant.ends_at.is_some_and(|end| now < end) => None,
        _ => Some(Miss::Expired),
    }
}

/// Makes one use of a locked grant.
async fn make_use(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Decision,
    mut grant: Grant,
) -> Result<seal::Entry> {
    let permit = authorize::unevaluated(authorize::engine_actor());
    grant.n += 1;
    grant.used += 1;
    let event = Event::GrantUsed { grant: grant.id, n: grant.n, decision: stored.id, number: grant.used };
    let entry = seal::append(tx, engine, caller, &permit, &event).await?;
    db::grants::insert_use(tx, &grant, stored.id, (entry.at, entry.id)).await?;
    db::grants::set_used(tx, &grant).await?;
    let resolved = resolve(tx, engine, caller, stored, Resolve::by_grant(stored.n + 1, grant.id)).await?;
    if grant.used == grant.uses {
        grant.n += 1;
        grant.state = GrantState::Exhausted;
        let event = Event::GrantExhausted { grant: grant.id, n: grant.n };
        let entry = seal::append(tx, engine, caller, &permit, &event).await?;
        db::grants::set_ended(tx, &grant, (None, entry.at, entry.id)).await?;
    }
    Ok(resolved)
}
