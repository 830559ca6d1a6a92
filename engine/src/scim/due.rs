//! What follows from a push that is too large to be worked out inside it.
//!
//! A push holds the guard row, which every change of roles needs. A group of thousands is therefore stored and sealed
//! at once, and what its people gain and lose is worked out in parts, each a transaction of its own that lets others
//! in between. People who may lose something come first. Whoever signs in meanwhile gets what follows for them at that
//! moment, by the groups as they are stored.

use std::{collections::BTreeMap, time::Duration};

use countersign_domain::ids::{PersonId, ProviderId};

use crate::{
    Engine, authorize,
    caller::Caller,
    db,
    error::Result,
    role_mappings::{self, LastAdmin},
};

/// People whose roles are worked out inside the push.
pub(super) const AT_ONCE_MAX: usize = 50;
/// People of one part.
const PART: i64 = 20;
/// How often it is looked whether somebody waits.
const EVERY: Duration = Duration::from_millis(250);

/// Works out what is due, until shutdown.
pub(crate) async fn run(engine: Engine) {
    let mut shutdown = engine.shutdown();
    loop {
        match work_out(&engine).await {
            Ok(0) => {}
            Ok(_) if !*shutdown.borrow() => {
                tokio::task::yield_now().await;
                continue;
            }
            Ok(_) => return,
            Err(error) => tracing::warn!(%error, "What follows from a push is worked out again"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = shutdown.changed() => return,
        }
    }
}

/// Works out the next part; returns how many people it was.
async fn work_out(engine: &Engine) -> Result<usize> {
    if !db::scim::due::any(&mut *engine.app.acquire().await?).await? {
        return Ok(0);
    }
    engine
        .act(&Caller::engine(), move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let due = db::scim::due::take(&mut tx, PART).await?;
            let mut of: BTreeMap<ProviderId, Vec<PersonId>> = BTreeMap::new();
            for (provider, person) in &due {
                of.entry(*provider).or_default().push(*person);
            }
            let permit = authorize::unevaluated(authorize::engine_actor());
            for (provider, mut people) in of {
                people.sort_unstable();
                let last_admin = LastAdmin::Keeps;
                role_mappings::evaluate_pushed(&mut tx, &engine, &caller, &permit, provider, &people, last_admin)
                    .await?;
            }
            engine.commit(tx).await?;
            Ok(due.len())
        })
        .await
}
