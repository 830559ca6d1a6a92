//! A race campaign: people, an agent and the deadlines act on the same few decisions at once.
//!
//! What each act asks for is drawn from a seed; which of two comes first is not, and is what the campaign is about. It
//! ends when everything is resolved and told, and then asks the database whether anything happened that must not
//! ([`invariants`]). Its log is made for a checker that shares no code with this one.

mod acts;
mod hands;
pub mod invariants;
mod rights;
mod tables;
mod world;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use serde::Serialize;
use tokio::task::JoinSet;

pub use self::invariants::Invariant;
use self::world::World;
use super::TestClock;
use crate::{Engine, Error, Result};

/// How much to do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Contested acts, at least; more where a kind of act has not taken effect by then.
    pub acts: u64,
    /// How many act at once.
    pub tasks: u64,
    /// What choices are drawn from.
    pub seed: u64,
}

/// What became of the acts of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// They took effect.
    pub done: u64,
    /// They were refused, by problem code.
    pub refused: BTreeMap<&'static str, u64>,
}

/// What the campaign came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What choices were drawn from.
    pub seed: u64,
    /// How many acted at once.
    pub tasks: u64,
    /// Contested acts.
    pub acts: u64,
    /// How long it took.
    pub seconds: f64,
    /// Acts by kind.
    pub kinds: BTreeMap<&'static str, Tally>,
    /// Decisions by resolution.
    pub resolutions: BTreeMap<String, u64>,
    /// What must not have happened, and how often it did.
    pub invariants: Vec<Invariant>,
    /// Acts that neither took effect nor were refused, with what the engine said.
    pub faults: Vec<String>,
    /// Signed size of the log at the end.
    pub log_size: u64,
}

impl Report {
    /// Tells whether nothing happened that must not.
    pub fn holds(&self) -> bool {
        self.faults.is_empty() && self.invariants.iter().all(|invariant| invariant.violations == 0)
    }

    /// Returns how many decisions came to this resolution.
    pub fn resolved(&self, outcome: &str) -> u64 {
        self.resolutions.get(outcome).copied().unwrap_or(0)
    }
}

/// Runs a campaign over the engine's own clock, with people, a system and policies that it makes.
///
/// # Errors
///
/// When the campaign cannot be set up or brought to an end; what an act came to is in the report, never an error.
pub async fn run(engine: &Engine, clock: &TestClock, plan: Plan) -> Result<Report> {
    let world = Arc::new(World::open(engine, clock, plan.acts).await?);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    let mut seeds = Dice::new(plan.seed);
    for _ in 0..plan.tasks {
        let world = world.clone();
        let mut dice = Dice::new(seeds.roll());
        tasks.spawn(async move {
            while let Some(act) = world.next(&mut dice) {
                let ended = world.perform(act, &mut dice).await;
                world.note(act, ended);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Error::Setup(format!("an actor ended early: {error}")))?;
    }
    let seconds = started.elapsed().as_secs_f64();
    world.settle().await?;

    let (kinds, faults, acts) = world.tally();
    let mut conn = engine.app.acquire().await?;
    Ok(Report {
        seed: plan.seed,
        tasks: plan.tasks,
        acts,
        seconds,
        kinds,
        resolutions: invariants::resolutions(&mut conn).await?,
        invariants: invariants::check(&mut conn).await?,
        faults,
        log_size: engine.head.borrow().size,
    })
}

/// Numbers drawn from a seed (SplitMix64): the same choices for the same seed, on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound that is not 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// A place in a list that is not empty.
    fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{acts::Act, *};

    #[test]
    fn one_seed_draws_the_same_acts_and_another_draws_others() {
        let drawn = |seed| {
            let mut dice = Dice::new(seed);
            (0..200).map(|_| Act::draw(&mut dice)).collect::<Vec<_>>()
        };

        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert!(Act::MIX.iter().all(|(act, ..)| (0..20).any(|seed| drawn(seed).contains(act))));
    }
}
