//! Whether the people there are can still decide what the policy in force asks of people.
//!
//! A table with a seat that nobody can fill is refused when it is saved; this says so when people leave later. It looks
//! when the engine starts and after any entry that can change the answer, once things have been quiet for a moment.
//! What it finds is kept in rows, so that a restart says nothing twice and misses nothing, and every beginning, change and
//! end is an entry of its own.

use std::time::Duration;

use countersign_domain::{
    event::Event,
    ids::PolicyVersionId,
    staffing::{self, Shortage},
    view::NoticeKind,
};
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::sync::broadcast::error::RecvError;

use crate::{
    Engine, authorize,
    caller::Caller,
    db::{self, staffing::Open},
    error::Result,
    notices, seal,
};

/// Changes that come in a row are looked at together: so long after the first of them.
const TOGETHER: Duration = Duration::from_secs(1);
/// A look that failed is made again after this.
const AGAIN: Duration = Duration::from_secs(5);
/// What begins and ends by time alone, as delegations and absences do, has no entry: so there is a look this often at least.
const AT_LEAST: Duration = Duration::from_secs(60);

/// Looks until shutdown.
pub(crate) async fn run(engine: Engine) {
    let mut shutdown = engine.shutdown();
    let mut changes = engine.changes();
    let mut due = true;
    loop {
        if due {
            match look(&engine).await {
                Ok(()) => due = false,
                Err(error) => tracing::warn!(%error, "Whether there are people for every seat is asked again"),
            }
        }
        let pause = if due { AGAIN } else { AT_LEAST };
        tokio::select! {
            change = changes.recv(), if !due => match change {
                Ok(change) => due = change.kinds.iter().any(|kind| may_change(kind)),
                // Some changes were missed, and any of them may have been one.
                Err(RecvError::Lagged(_)) => due = true,
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep(pause) => {
                due = true;
                continue;
            }
            _ = shutdown.changed() => return,
        }
        if due {
            tokio::select! {
                () = tokio::time::sleep(TOGETHER) => {}
                _ = shutdown.changed() => return,
            }
        }
    }
}

/// Tells whether an entry of this kind can change who is there or what is asked of them.
fn may_change(kind: &str) -> bool {
    matches!(
        kind,
        "role.assigned"
            | "role.unassigned"
            | "person.disabled"
            | "person.enabled"
            | "policy.activated"
            | "system.approved"
            | "system.owner_named"
            | "settings.single_operator"
            | "delegation.given"
            | "delegation.ended"
            | "absence.set"
            | "absence.cleared"
    )
}

async fn look(engine: &Engine) -> Result<()> {
    let mut conn = engine.app.acquire().await?;
    let Some((version, found)) = ask(&mut conn, engine).await? else { return Ok(()) };
    engine.health.set_short(found.clone());
    if is_known(version, &found, &db::staffing::list_open(&mut conn).await?) {
        return Ok(());
    }
    drop(conn);
    engine
        .act(&Caller::engine(), move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            // Whoever changes a role holds it too, and so does another instance that looks.
            db::roles::lock_guard(&mut tx).await?;
            let Some((version, found)) = ask(&mut tx, &engine).await? else { return Ok(()) };
            record(&mut tx, &engine, &caller, version, &found).await?;
            engine.commit(tx).await
        })
        .await
}

/// Asks every row of the version in force.
async fn ask(conn: &mut PgConnection, engine: &Engine) -> Result<Option<(PolicyVersionId, Vec<Shortage>)>> {
    let Some(version) = db::policies::find_active(conn).await? else { return Ok(None) };
    let systems = db::staffing::staff(conn, engine.now()).await?;
    Ok(Some((version.id, staffing::shortages(&version.body, &systems))))
}

fn is_known(version: PolicyVersionId, found: &[Shortage], open: &[Open]) -> bool {
    let known = |shortage: &Shortage| open.iter().any(|open| open.version == version && open.shortage == *shortage);
    found.len() == open.len() && found.iter().all(known)
}

/// Puts on record what differs from what is on record.
async fn record(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    version: PolicyVersionId,
    found: &[Shortage],
) -> Result<()> {
    let permit = authorize::unevaluated(authorize::engine_actor());
    let told = notices::guardians(tx).await?;
    let mut unknown: Vec<&Shortage> = found.iter().collect();
    for Open { entry, version: before, shortage } in db::staffing::list_open(tx).await? {
        let same = |one: &&Shortage| before == version && one.is_same_seat(&shortage);
        let Some(at) = unknown.iter().position(same) else {
            let back = event(before, &Shortage { missing: 0, ..shortage.clone() });
            let ended = seal::append(tx, engine, caller, &permit, &back).await?;
            db::staffing::end(tx, entry, ended.at, ended.id).await?;
            notices::tell_of_state(tx, engine, &told, NoticeKind::StaffBack, &shortage.sentence(), &ended).await?;
            continue;
        };
        let current = unknown.remove(at);
        if *current == shortage {
            continue;
        }
        let changed = seal::append(tx, engine, caller, &permit, &event(version, current)).await?;
        db::staffing::end(tx, entry, changed.at, changed.id).await?;
        db::staffing::insert(tx, version, current, (changed.at, changed.id)).await?;
        if current.missing > shortage.missing {
            notices::tell_of_state(tx, engine, &told, NoticeKind::StaffShort, &current.sentence(), &changed).await?;
        }
    }
    for shortage in unknown {
        let entry = seal::append(tx, engine, caller, &permit, &event(version, shortage)).await?;
        db::staffing::insert(tx, version, shortage, (entry.at, entry.id)).await?;
        notices::tell_of_state(tx, engine, &told, NoticeKind::StaffShort, &shortage.sentence(), &entry).await?;
    }
    Ok(())
}

fn event(policy: PolicyVersionId, shortage: &Shortage) -> Event {
    let Shortage { rule, role, need, missing, system, systems, .. } = *shortage;
    Event::Staffed { policy, rule, role, need, missing, system, systems }
}
