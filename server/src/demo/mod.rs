//! The demo: invented people and systems, sixty days of what they did, and the recorded agent that keeps the queue alive.

mod cases;
mod dice;
mod granted;
mod history;
mod overrule;
mod revoked;
mod staff;
mod today;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use countersign_domain::{decision_type::TypeDefinition, policy::PolicyBody};
use countersign_engine::{Caller, Config, Engine, decision_types, demo};
use tokio::{task::JoinSet, time::sleep};

use self::{
    history::History,
    staff::{Agent, Staff},
};
use crate::{
    cli::Failure,
    recorded::{self, Run},
    replay::{self, Desk, Tally},
};

/// Days of a past, at most.
pub(crate) const DAYS_MAX: u64 = 60;
/// Open decisions at the start.
pub(crate) const OPEN_AT_START: usize = 24;
/// Open decisions at most.
const OPEN_MAX: usize = 40;
/// Above this amount no rule of the invented policy approves by itself.
const AMOUNT_MAX: u64 = 100_000;
const DAY: u64 = 24 * 3_600_000;
/// How long people clear their desks before the decisions that stay open are proposed.
const CLEARING: u64 = 4 * 3_600_000;
pub(crate) const LOAN_TYPES: &str = include_str!("../../demo/loan-types.json");
const TYPES: &str = include_str!("../../demo/world-types.json");
const POLICY: &str = include_str!("../../demo/world-policy.json");

/// The demo as it is served.
pub(crate) struct Demo {
    /// Key of the recorded agent.
    pub(crate) key: String,
    /// How many of its decisions are open at the start.
    open: usize,
}

/// Starts the engine of a demo and fills it: with a past of so many days, or with people and a queue alone.
///
/// # Errors
///
/// What the engine refuses.
pub(crate) async fn start(config: Config, days: u64, say: fn(&str)) -> Result<(Engine, Demo), Failure> {
    if days == 0 {
        let engine = Engine::start(config).await?;
        let demo = seed(&engine, OPEN_AT_START).await?;
        return Ok((engine, demo));
    }
    let (engine, past) = demo::start(config, days * DAY, today::LAST_KEY).await?;
    if let Some(past) = past {
        say(&format!("Living through {days} invented days …"));
        live(&engine, past, say).await?;
    }
    let demo = seed(&engine, OPEN_AT_START - today::OPEN).await?;

    Ok((engine, demo))
}

/// Lets invented people and agents live until the present, and leaves what is open then.
async fn live(engine: &Engine, past: demo::Past, say: fn(&str)) -> Result<(), Failure> {
    demo::seed_people(engine).await?;
    demo::seed_colleagues(engine).await?;
    // The policy speaks of the recorded agent's types too.
    for types in [recorded::parse(TYPES)?, recorded::parse(LOAN_TYPES)?, recorded::read()?.1] {
        define(engine, &types).await?;
    }
    let mut agents = Vec::new();
    for (name, _) in cases::SYSTEMS {
        agents.push(Agent::register(engine, name).await?.0);
    }
    let (agents, staff) = (Arc::new(agents), Arc::new(Staff::new(engine)));
    for (agent, owner) in agents.iter().zip(demo::OWNERS) {
        staff.own(owner, agent.system).await?;
    }
    let table: PolicyBody = recorded::parse(POLICY)?;
    let history = History::new(engine, past, staff.clone(), agents.clone());
    let past = history.live(present() - today::BEGINS - CLEARING, &table, say).await?;
    today::fill(engine, &past, &staff, &agents, present()).await?;
    past.end();

    Ok(())
}

async fn define(engine: &Engine, types: &[TypeDefinition]) -> Result<(), Failure> {
    for definition in types {
        decision_types::define(engine, &Caller::operator(), definition.clone()).await?;
    }
    Ok(())
}

/// Seeds people, the recorded agent's system, its types, and so many of its decisions.
///
/// # Errors
///
/// What the engine refuses.
pub(crate) async fn seed(engine: &Engine, open: usize) -> Result<Demo, Failure> {
    demo::seed_people(engine).await?;
    let (runs, types) = recorded::read()?;
    define(engine, &types).await?;
    let (agent, key) = Agent::register(engine, recorded::SYSTEM).await?;
    Staff::new(engine).own("viewer-a", agent.system).await?;
    for run in in_turn(&runs).take(open) {
        if let Some(act) = run.acts(&types).first() {
            agent.propose(engine, &replay::key("demo", run, act), &act.body).await?;
        }
    }

    Ok(Demo { key, open })
}

impl Demo {
    /// Keeps the agent's runs going: those at the start, then another every 20 to 40 s, 40 at once at most.
    pub(crate) async fn run(self, desk: Desk) {
        let Ok((runs, types)) = recorded::read() else { return };
        let types = Arc::new(types);
        let mut open = JoinSet::new();
        let mut round = 0u32;
        let mut next: Vec<Run> = in_turn(&runs).cloned().collect();
        next.reverse();
        loop {
            while open.try_join_next().is_some() {}
            let wanted = if round == 0 && open.len() < self.open { Duration::ZERO } else { pause() };
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
                    if let Err(error) =
                        replay::follow(&desk, &prefix, &run, &types, &Mutex::new(Tally::default())).await
                    {
                        tracing::warn!(%error, "A recorded run ended early");
                    }
                });
            }
            sleep(wanted).await;
        }
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

/// The time of the machine, in milliseconds since 1970 UTC.
fn present() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
