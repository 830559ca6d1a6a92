//! Refusals at the door, before any use case: wrong origin, wrong credential, too many requests.
//!
//! Somebody known is recorded one by one, ten times a minute at most, and counted from then on; who is
//! not known is counted per network, together with failed sign-ins. So a flood makes one entry a minute.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use countersign_domain::{event::Event, problem::Code};

use crate::{
    Engine,
    authorize::{self, Action},
    caller::{Actor, Caller},
    counter::Counter,
    error::Result,
    reads, seal,
};

/// Refusals of one known caller that are recorded one by one within [`PERIOD_MS`].
const SINGLE_MAX: u32 = 10;
const PERIOD_MS: u64 = 60_000;
/// Known callers that are remembered before those of past periods are forgotten.
const CALLERS_MAX: usize = 10_000;

/// What was refused lately.
pub(crate) struct Refusals {
    single: Mutex<HashMap<String, (u64, u32)>>,
    more: Counter,
    /// The last refusal that was only counted, by name.
    last: Mutex<HashMap<String, (Caller, &'static str, Code)>>,
}

impl Refusals {
    pub(crate) fn new() -> Self {
        Self { single: Mutex::default(), more: Counter::every(PERIOD_MS), last: Mutex::default() }
    }

    /// Tells whether this refusal of a known caller gets an entry of its own.
    fn is_single(&self, who: &str, now: u64) -> bool {
        let mut single = self.single.lock().unwrap_or_else(PoisonError::into_inner);
        if single.len() >= CALLERS_MAX {
            single.retain(|_, (since, _)| now < *since + PERIOD_MS);
        }
        let (since, count) = single.entry(who.to_owned()).or_insert((now, 0));
        if now >= *since + PERIOD_MS {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= SINGLE_MAX
    }
}

/// Puts a refusal on record, or counts it.
///
/// # Errors
///
/// When nothing can be recorded. The request stays refused either way.
pub async fn record(engine: &Engine, caller: &Caller, action: Option<Action>, cause: Code) -> Result<()> {
    let action = action.map_or("enter", Action::word);
    let now = engine.now();
    let Some(who) = name(&caller.actor) else {
        return match engine.strangers.count(&caller.network, now) {
            Some(count) => stranger(engine, caller, count).await,
            None => Ok(()),
        };
    };
    if engine.refusals.is_single(&who, now) {
        return seal_refused(engine, caller, action, cause, None).await;
    }
    let count = engine.refusals.more.count(&who, now);
    let last = (caller.clone(), action, cause);
    engine.refusals.last.lock().unwrap_or_else(PoisonError::into_inner).insert(who, last);
    match count {
        Some(count) => seal_refused(engine, caller, action, cause, Some(count)).await,
        None => Ok(()),
    }
}

/// Seals what known callers were refused and was only counted so far.
pub(crate) async fn seal_counted(engine: &Engine) -> Result<()> {
    for (who, count) in engine.refusals.more.drain(engine.now()) {
        let last = engine.refusals.last.lock().unwrap_or_else(PoisonError::into_inner).remove(&who);
        if let Some((caller, action, cause)) = last {
            seal_refused(engine, &caller, action, cause, Some(count)).await?;
        }
    }
    Ok(())
}

async fn seal_refused(
    engine: &Engine,
    caller: &Caller,
    action: &'static str,
    cause: Code,
    count: Option<u64>,
) -> Result<()> {
    let permit = authorize::unevaluated(authorize::actor(&caller.actor, engine.operator));
    let event = Event::Refused { action, cause, count };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await.map(|_| ())
}

fn name(actor: &Actor) -> Option<String> {
    match actor {
        Actor::Person { id, .. } => Some(format!("person {id}")),
        Actor::Agent { key, .. } => Some(format!("key {key}")),
        Actor::Directory { token, .. } => Some(format!("directory token {token}")),
        _ => None,
    }
}

async fn stranger(engine: &Engine, caller: &Caller, count: u64) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = authorize::unevaluated(authorize::anonymous_actor());
            let event = Event::SignInFailed { person: None, count, ip: caller.network.clone() };
            seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            engine.commit(tx).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_refusals_a_minute_are_recorded_one_by_one() {
        let refusals = Refusals::new();

        let singles =
            |from: u64| (0..50).filter(|second| refusals.is_single("person 1", from + second * 1_000)).count();

        assert_eq!(singles(0), 10);
        assert!(refusals.is_single("person 2", 30_000));
        assert_eq!(singles(60_000), 10);
    }
}
