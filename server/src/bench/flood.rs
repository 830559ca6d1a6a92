//! A page's times while many wrong passwords arrive at once.

use std::net::Ipv4Addr;

use countersign_domain::problem::Code;
use countersign_engine::{Caller, Engine, Error, sessions};
use serde::Serialize;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::desk::Desk;
use crate::{cli::Failure, demo, files::Files};

/// A queue page while many wrong passwords arrive at once.
#[derive(Debug, Serialize)]
pub(super) struct Flood {
    /// Sign-ins at once.
    sign_ins: usize,
    /// Sign-ins that were told to come back later, unchecked.
    turned_away: usize,
    /// `/queue` with nobody signing in: 99th percentile of the first byte, in milliseconds.
    quiet_p99_ms: f64,
    /// The same while they sign in.
    flooded_p99_ms: f64,
}

/// Sends wrong passwords, each for a name and from a forwarded network of its own, and asks for the queue meanwhile.
pub(super) async fn measure(engine: &Engine, sign_ins: usize) -> Result<Flood, Failure> {
    demo::seed(engine, demo::OPEN_AT_START).await?;
    let Desk { asker, serving } = Desk::open(engine, Files::none()).await?;
    let quiet_p99_ms = asker.p99(60, || false).await?;
    let mut visitors = JoinSet::new();
    for number in 0..sign_ins {
        let engine = engine.clone();
        visitors.spawn(async move {
            let network = Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(172, 16, 0, 1)) + number as u32).to_string();
            let visitor = Caller::new(countersign_engine::Actor::Anonymous, network, "bench", Uuid::nil());
            let typed =
                sessions::Typed { login: format!("flood-{number}"), password: "wrong".into(), ..Default::default() };
            match sessions::sign_in(&engine, &visitor, typed, None).await {
                Err(Error::Refused(problem)) => Ok(problem.code == Code::RateLimited),
                Err(error) => Err(Failure::from(error)),
                Ok(_) => Err(Failure::Told("a wrong password signed in".into())),
            }
        });
    }
    let answers = tokio::spawn(async move {
        let mut turned_away = 0;
        while let Some(answer) = visitors.join_next().await {
            turned_away += usize::from(answer.map_err(|error| Failure::Told(format!("signing in: {error}")))??);
        }
        Ok::<_, Failure>(turned_away)
    });
    let flooded_p99_ms = asker.p99(60, || answers.is_finished()).await?;
    let turned_away = answers.await.map_err(|error| Failure::Told(format!("signing in: {error}")))??;
    serving.abort();

    Ok(Flood { sign_ins, turned_away, quiet_p99_ms, flooded_p99_ms })
}
