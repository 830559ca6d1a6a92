//! The cache of one provider's keys.

use tokio::sync::Mutex;

use crate::{
    Fault, Result,
    jose::{Key, Unverified},
};

/// A set older than this is fetched again before it is used, so that withdrawn keys leave.
const AGE_SECONDS_MAX: u64 = 15 * 60;
/// An unknown key makes one request in this time.
const REFETCH_SECONDS: u64 = 60;

/// Keys live here until they leave the provider's set.
#[derive(Default)]
pub(crate) struct Keys(Mutex<State>);

#[derive(Default)]
struct State {
    keys: Vec<Key>,
    fetched_at: Option<u64>,
    /// When an unknown key, or a set that had grown old, last made a request.
    refetched_at: Option<u64>,
}

impl Keys {
    /// Returns the key of a token; fetches the set when it is old or the key is unknown.
    ///
    /// The lock is held over the request, so a flood of unknown keys makes one request.
    pub(crate) async fn find<Fetch, Fetched>(&self, now: u64, token: &Unverified<'_>, fetch: Fetch) -> Result<Key>
    where
        Fetch: Fn() -> Fetched,
        Fetched: Future<Output = Result<Vec<Key>>>,
    {
        let mut state = self.0.lock().await;
        match state.fetched_at {
            None => {
                state.keys = fetch().await?;
                state.fetched_at = Some(now);
            }
            Some(at) if now >= at + AGE_SECONDS_MAX && state.may_refetch(now) => {
                state.refetched_at = Some(now);
                // A provider that is away takes no key along: the set stays until it can be read.
                if let Ok(keys) = fetch().await {
                    state.keys = keys;
                    state.fetched_at = Some(now);
                }
            }
            Some(_) => {}
        }
        match token.choose(&state.keys) {
            Err(Fault::NoKey) if state.may_refetch(now) => {
                state.refetched_at = Some(now);
                state.keys = fetch().await?;
                state.fetched_at = Some(now);
                token.choose(&state.keys).cloned()
            }
            found => found.cloned(),
        }
    }
}

impl State {
    fn may_refetch(&self, now: u64) -> bool {
        self.refetched_at.is_none_or(|at| now >= at + REFETCH_SECONDS)
    }
}
