//! What a failed sign-in tells by its time, and how many guesses an attacker has checked.
//!
//! Real accounts, disabled ones and names that nobody has are tried in turn with wrong passwords; then one account
//! is guessed at without pause, each guess from a network of its own.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use countersign_domain::{event::PasswordBy, problem::Code, role::Role, text::PersonName};
use serde::Serialize;
use uuid::Uuid;

use super::percentile;
use crate::{
    Actor, Caller, Engine, Error, Result, authorize, db, people,
    sessions::{self, Typed},
};

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Accounts of each kind; each is tried [`TRIES`] times, which no throttle counts against it.
    pub accounts: usize,
    /// Guesses at one account.
    pub guesses: usize,
}

/// Failures of one account that cost nothing.
pub const TRIES: usize = 5;

/// Whose password was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An account that could sign in.
    Known,
    /// One that an admin disabled.
    Disabled,
    /// A name that nobody has.
    Unknown,
}

impl Kind {
    /// All three.
    pub const ALL: [Kind; 3] = [Kind::Known, Kind::Disabled, Kind::Unknown];
}

/// How long refusals of one kind took.
#[derive(Clone, Debug, Serialize)]
pub struct Refusals {
    /// Whose password was wrong.
    pub kind: Kind,
    /// How many were measured.
    pub tries: usize,
    /// Median, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// This median less that of known accounts, in milliseconds.
    pub to_known_ms: f64,
}

/// What became of guesses at one account.
#[derive(Clone, Debug, Serialize)]
pub struct Guesses {
    /// How many were sent.
    pub sent: usize,
    /// How many were compared with the password.
    pub checked: usize,
    /// Median time of a refusal to compare, in milliseconds.
    pub refused_p50_ms: f64,
    /// How long all of them took, in seconds.
    pub seconds: f64,
}

/// Everything measured.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    /// One line for each kind of account.
    pub refusals: Vec<Refusals>,
    /// The attack on one account.
    pub guesses: Guesses,
}

/// Measures on a started engine of a database that is thrown away.
///
/// # Errors
///
/// When the database fails, or a sign-in is answered otherwise than by a refusal.
pub async fn login(engine: &Engine, plan: Plan) -> Result<Login> {
    let hash = engine.hasher.hash("correct horse battery staple").await?;
    for number in 0..plan.accounts {
        account(engine, &name(Kind::Known, number), &hash, false).await?;
        account(engine, &name(Kind::Disabled, number), &hash, true).await?;
    }
    account(engine, TARGET, &hash, false).await?;

    let mut networks = 0u32;
    let mut network = || {
        networks += 1;
        Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + networks).to_string()
    };
    let mut times = Kind::ALL.map(|kind| (kind, Vec::new()));
    for _ in 0..TRIES {
        for number in 0..plan.accounts {
            for (kind, times) in &mut times {
                let (time, code) = guess(engine, &name(*kind, number), network()).await?;
                if code != Code::Unauthenticated {
                    return Err(Error::Setup(format!("a wrong password was answered by {code:?}")));
                }
                times.push(time);
            }
        }
    }

    let (mut checked, mut refused) = (0, Vec::new());
    let started = Instant::now();
    for _ in 0..plan.guesses {
        match guess(engine, TARGET, network()).await? {
            (_, Code::Unauthenticated) => checked += 1,
            (time, _) => refused.push(time),
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    refused.sort();
    let guesses = Guesses { sent: plan.guesses, checked, refused_p50_ms: percentile(&refused, 50), seconds };

    Ok(Login { refusals: summarise(times), guesses })
}

const TARGET: &str = "bench-target";

fn name(kind: Kind, number: usize) -> String {
    format!("bench-{kind:?}-{number}").to_lowercase()
}

fn summarise(times: [(Kind, Vec<Duration>); 3]) -> Vec<Refusals> {
    let mut known = 0.0;
    times
        .into_iter()
        .map(|(kind, mut times)| {
            times.sort();
            let p50_ms = percentile(&times, 50);
            if kind == Kind::Known {
                known = p50_ms;
            }
            let p99_ms = percentile(&times, 99);
            Refusals { kind, tries: times.len(), p50_ms, p99_ms, to_known_ms: p50_ms - known }
        })
        .collect()
}

/// Tries a wrong password; returns how long the answer took, and its code.
async fn guess(engine: &Engine, login: &str, network: String) -> Result<(Duration, Code)> {
    let caller = Caller::new(Actor::Anonymous, &network, "bench", Uuid::nil());
    let typed = Typed { login: login.to_owned(), password: "not the password".into(), ..Typed::default() };
    let started = Instant::now();
    let answer = sessions::sign_in(engine, &caller, typed, None).await;
    let time = started.elapsed();
    match answer {
        Ok(_) => Err(Error::Setup("a wrong password signed in".into())),
        Err(Error::Refused(problem)) => Ok((time, problem.code)),
        Err(error) => Err(error),
    }
}

async fn account(engine: &Engine, login: &str, hash: &str, disabled: bool) -> Result<()> {
    let name = PersonName::new(login).map_err(|error| Error::Setup(error.to_string()))?;
    let (caller, permit) = (Caller::operator(), authorize::unevaluated(authorize::operator_actor(engine.operator)));
    let mut tx = engine.begin().await?;
    let person = people::create(&mut tx, engine, &caller, &permit, &name, login, Role::Viewer).await?;
    people::set_password(&mut tx, engine, &caller, &permit, person, hash, PasswordBy::Invitation).await?;
    if disabled {
        let stored = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
        db::people::set_disabled(&mut tx, person, stored.n, Some(engine.now())).await?;
    }
    engine.commit(tx).await
}
