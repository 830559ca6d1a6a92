//! The demo: invented people, one system, and the recorded agent that keeps the queue alive.

use std::{sync::Mutex, time::Duration};

use countersign_engine::{Caller, Engine, decision_types, decisions, demo, keys, systems};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::{
    cli::Failure,
    recorded::{self, Run},
    replay::{self, Desk, Tally},
};

/// Open decisions at the start.
pub(crate) const OPEN_AT_START: usize = 24;
/// Open decisions at most.
const OPEN_MAX: usize = 40;

/// Seeds people, system, types and the first decisions; returns the agent's key.
///
/// # Errors
///
/// What the engine refuses.
pub(crate) async fn seed(engine: &Engine) -> Result<String, Failure> {
    demo::seed_people(engine).await?;
    let operator = Caller::operator();
    let system = match systems::find_by_name(engine, recorded::SYSTEM).await? {
        Some(system) => system,
        None => systems::register(engine, &operator, recorded::SYSTEM).await?,
    };
    let (runs, types) = recorded::read()?;
    for definition in &types {
        decision_types::define(engine, &operator, definition.clone()).await?;
    }
    systems::revoke_keys(engine, &operator, system).await?;
    let key = systems::issue_key(engine, &operator, system).await?.key;
    let agent = Caller::new(
        keys::authenticate(engine, &key, std::net::Ipv4Addr::LOCALHOST.into()).await?,
        "127.0.0.1",
        "recorded agent",
        Uuid::nil(),
    );
    for run in in_turn(&runs).take(OPEN_AT_START) {
        if let Some(act) = run.acts(&types).first() {
            let body = act.body.to_string();
            decisions::propose(engine, &agent, &replay::key("demo", run, act), body.as_bytes()).await?;
        }
    }

    Ok(key)
}

/// Keeps the agent's runs going: those at the start, then another every 20 to 40 s, 40 at once at most.
pub(crate) async fn run(desk: Desk) {
    let Ok((runs, types)) = recorded::read() else { return };
    let types = std::sync::Arc::new(types);
    let mut open = JoinSet::new();
    let mut round = 0u32;
    let mut next: Vec<Run> = in_turn(&runs).cloned().collect();
    next.reverse();
    loop {
        while open.try_join_next().is_some() {}
        let wanted = if round == 0 && open.len() < OPEN_AT_START { Duration::ZERO } else { pause() };
        if open.len() < OPEN_MAX {
            let run = match next.pop() {
                Some(run) => run,
                None => {
                    round += 1;
                    next = in_turn(&runs).cloned().collect();
                    next.reverse();
                    continue;
                }
            };
            let prefix = if round == 0 { "demo".to_owned() } else { format!("demo{round}") };
            let (desk, types) = (desk.clone(), types.clone());
            open.spawn(async move {
                if let Err(error) = replay::follow(&desk, &prefix, &run, &types, &Mutex::new(Tally::default())).await {
                    tracing::warn!(%error, "A recorded run ended early");
                }
            });
        }
        sleep(wanted).await;
    }
}

/// One run of each task before the second of any, so that the queue shows different cases.
fn in_turn(runs: &[Run]) -> impl Iterator<Item = &Run> {
    let mut order: Vec<_> = runs.iter().collect();
    order.sort_by_key(|run| run.turn());
    order.into_iter()
}

/// 20 to 40 seconds.
fn pause() -> Duration {
    let mut byte = [0u8; 1];
    // Without randomness the pause is merely always the same.
    let _ = getrandom::fill(&mut byte);
    Duration::from_millis(20_000 + u64::from(byte[0]) * 78)
}
