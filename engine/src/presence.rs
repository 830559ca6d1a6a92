//! Who has a decision open at this moment: a sign of life of its page, and the names of the others.
//!
//! Opening a decision asks whether one may read it, is on record ([`crate::decisions::view`]), and leaves a row here; that
//! its page is still open is on no record and reads nothing of the decision. Auditors and compliance officers are shown to
//! nobody and see nobody here: who is watched over must not learn when.

use std::collections::BTreeSet;

use countersign_domain::{
    ids::{DecisionId, SessionId},
    presence::{EXPIRY_MS, LEFT_MS},
};

use crate::{Engine, caller::Caller, db, error::Result, people};

/// Somebody opened a decision: pages of these sign-ins show it, and ask who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The decision.
    pub decision: DecisionId,
    /// Sign-ins that have it open and may be told.
    pub sessions: Vec<SessionId>,
}

/// Takes a sign of life of a page that shows a decision and returns the names of the others who have it open.
///
/// Whoever did not open the decision, or is not shown to others, learns nothing, as of a decision that does not exist.
///
/// # Errors
///
/// `unauthenticated` when nobody is signed in.
pub async fn beat(engine: &Engine, caller: &Caller, id: DecisionId, leaving: bool) -> Result<Vec<String>> {
    let (person, session) = caller.signed_in()?;
    let now = engine.now();
    let until = now + if leaving { LEFT_MS } else { EXPIRY_MS };
    let mut tx = engine.begin().await?;
    let Some(new) = db::decision_readers::beat(&mut tx, id, session, until).await? else {
        return Ok(Vec::new());
    };
    let shown = db::decision_readers::list_shown(&mut tx, id, now).await?;
    if !shown.contains(&(person, session)) {
        db::decision_readers::delete(&mut tx, id, session).await?;
        engine.commit(tx).await?;
        return Ok(Vec::new());
    }
    let others: BTreeSet<_> = shown.iter().map(|(other, _)| *other).filter(|other| *other != person).collect();
    let others: Vec<_> = others.into_iter().collect();
    let names = people::names(&mut tx, engine, &others).await?;
    engine.commit(tx).await?;
    if new {
        let sessions = shown.into_iter().map(|(_, other)| other).filter(|other| *other != session).collect();
        // Nobody may be listening.
        let _ = engine.arrivals.send(Arrived { decision: id, sessions });
    }
    let mut names: Vec<_> = others.iter().filter_map(|other| names.get(other).cloned()).collect();
    names.sort_unstable();

    Ok(names)
}

/// Forgets pages that said nothing for too long.
pub(crate) async fn forget(engine: &Engine) -> Result<()> {
    Ok(db::decision_readers::delete_expired(&mut *engine.app.acquire().await?, engine.now()).await?)
}
