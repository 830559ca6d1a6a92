//! What tries to prove oneself by password are counted by, and what goes on record when they fail.

use countersign_domain::{
    event::Event,
    ids::{PersonId, SessionId},
    problem::Code,
};
use sqlx::PgConnection;

use crate::{
    Engine, authorize,
    caller::Caller,
    error::{Error, Result},
    seal,
    throttle::{self, Bucket},
};

/// What a try to prove oneself by password is counted by.
#[derive(Clone)]
pub(crate) enum Tries {
    /// A browser that the account signed in from before.
    Device(Vec<u8>),
    /// A browser that nobody knows: the account's and the network's.
    Stranger { lookup: Vec<u8>, network: String },
    /// A sign-in whose person proves themselves anew.
    StepUp(SessionId),
}

impl Tries {
    pub(crate) fn of(lookup: &[u8], network: &str, device: Option<Vec<u8>>) -> Self {
        match device {
            Some(device) => Tries::Device(device),
            None => Tries::Stranger { lookup: lookup.to_vec(), network: network.to_owned() },
        }
    }

    pub(crate) fn is_stranger(&self) -> bool {
        matches!(self, Tries::Stranger { .. })
    }

    /// Its buckets, in the order in which they are locked.
    fn buckets(&self) -> Vec<Bucket<'_>> {
        match self {
            Tries::Device(device) => vec![Bucket::Device(device)],
            Tries::Stranger { lookup, network } => vec![Bucket::Account(lookup), Bucket::Network(network)],
            Tries::StepUp(session) => vec![Bucket::StepUp(*session)],
        }
    }

    /// Forgets the failures of who proved themselves. A network gets this one try back only: who has an account there
    /// is no reason to forget what others tried.
    pub(crate) async fn succeeded(&self, conn: &mut PgConnection, engine: &Engine) -> Result<()> {
        for bucket in self.buckets() {
            match bucket {
                Bucket::Network(_) => throttle::give_back(conn, engine, &bucket).await?,
                _ => throttle::clear(conn, engine, &bucket).await?,
            }
        }
        Ok(())
    }
}

/// Counts a try before its password is looked at, so that tries sent at once share one allowance.
pub(crate) async fn take(engine: &Engine, caller: &Caller, tries: &Tries) -> Result<()> {
    let refused = |wait: u64| {
        let seconds = wait.div_ceil(1_000);
        Err(Error::refused(Code::RateLimited, format!("Too many failed tries. Try again in {seconds} s.")))
    };
    let mut conn = engine.app.acquire().await?;
    for bucket in tries.buckets() {
        if let Some(wait) = throttle::wait_ms(&mut conn, engine, &bucket).await? {
            return refused(wait);
        }
    }
    drop(conn);
    let tries = tries.clone();
    let wait = engine
        .act(caller, move |engine, _| {
            let tries = tries.clone();
            async move {
                let mut tx = engine.begin().await?;
                for bucket in tries.buckets() {
                    if let Some(wait) = throttle::take(&mut tx, &engine, &bucket).await? {
                        return Ok(Some(wait));
                    }
                }
                engine.commit(tx).await?;
                Ok(None)
            }
        })
        .await?;
    wait.map_or(Ok(()), refused)
}

/// Gives a try back that did not fail.
pub(crate) async fn give_back(engine: &Engine, caller: &Caller, tries: &Tries) -> Result<()> {
    let tries = tries.clone();
    engine
        .act(caller, move |engine, _| {
            let tries = tries.clone();
            async move {
                let mut tx = engine.begin().await?;
                for bucket in tries.buckets() {
                    throttle::give_back(&mut tx, &engine, &bucket).await?;
                }
                engine.commit(tx).await
            }
        })
        .await
}

/// Seals a failure, whose try was counted: of a known account one by one, of strangers by the minute.
pub(crate) async fn note_failure(
    engine: &Engine,
    caller: &Caller,
    tries: &Tries,
    person: Option<PersonId>,
) -> Result<()> {
    let stranger = tries.is_stranger();
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let count = match person {
                Some(_) => Some(1),
                None => engine.strangers.count(&caller.network, engine.now()),
            };
            if let Some(count) = count {
                let permit = authorize::unevaluated(authorize::anonymous_actor());
                let event = Event::SignInFailed { person, count, ip: caller.network.clone() };
                seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            }
            if stranger {
                throttle::count_everybody(&mut tx, &engine).await?;
            }
            engine.commit(tx).await
        })
        .await
}
