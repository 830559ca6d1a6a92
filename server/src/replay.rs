//! The recorded agent as a program: it proposes over REST, waits, obeys, reports, and goes on as recorded.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use countersign_domain::decision_type::TypeDefinition;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::{
    cli::Failure,
    recorded::{self, Act, Run},
};

/// How often a request is tried before the run is given up.
const TRIES: u32 = 20;
/// Longest wait of one call, in seconds; the next call goes on waiting.
const WAIT_SECONDS: u32 = 30;

/// How the agent reaches the desk.
#[derive(Clone)]
pub(crate) struct Desk {
    http: reqwest::Client,
    api: String,
    /// Name of the installation, where it differs from the address.
    host: Option<String>,
    key: String,
}

/// What the replay came to: how many calls ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(pub(crate) BTreeMap<String, u64>);

impl Desk {
    /// Connects to an installation by its address with an agent key.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be made.
    pub(crate) fn new(url: &str, host: Option<String>, key: String) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(40))
            .build()
            .map_err(|error| Failure::Told(format!("making an HTTP client: {error}")))?;
        Ok(Self { http, api: format!("{}/api/v1", url.trim_end_matches('/')), host, key })
    }

    /// Proposes under a stable key, waits for people, and obeys. Returns the resolution.
    ///
    /// # Errors
    ///
    /// When the desk refuses, or does not answer for long.
    pub(crate) async fn perform(&self, key: &str, act: &Act) -> Result<String, Failure> {
        let mut decision = self.post("/decisions", key, &act.body).await?;
        let id = decision["id"].as_str().unwrap_or_default().to_owned();
        while decision["resolution"].is_null() {
            decision = self.get(&format!("/decisions/{id}?wait_seconds={WAIT_SECONDS}")).await?;
        }
        let outcome = decision["resolution"]["outcome"].as_str().unwrap_or_default().to_owned();
        let (result, effect) = if outcome == "approved" { ("executed", "full") } else { ("not_executed", "none") };
        let report = json!({"result": result, "effect": effect});
        self.post(&format!("/decisions/{id}/outcomes"), &format!("{key}:outcome"), &report).await?;

        Ok(outcome)
    }

    async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(path, || self.http.get(format!("{}{path}", self.api))).await
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Value, Failure> {
        let text = body.to_string();
        self.send(path, || {
            self.http
                .post(format!("{}{path}", self.api))
                .header("content-type", "application/json")
                .header("idempotency-key", key)
                .body(text.clone())
        })
        .await
    }

    /// Sends until an answer says what is so; connection faults, 429 and 5xx are tried again with the same key.
    async fn send(&self, path: &str, request: impl Fn() -> reqwest::RequestBuilder) -> Result<Value, Failure> {
        let mut last = String::new();
        for attempt in 0..TRIES {
            let request = match &self.host {
                Some(host) => request().header(reqwest::header::HOST, host),
                None => request(),
            };
            match request.bearer_auth(&self.key).send().await {
                Ok(answer) if answer.status().is_success() => {
                    let text = answer.text().await.map_err(|error| Failure::Told(format!("{path}: {error}")))?;
                    return serde_json::from_str(&text).map_err(|error| Failure::Told(format!("{path}: {error}")));
                }
                Ok(answer) if answer.status().is_server_error() || answer.status().as_u16() == 429 => {
                    last = format!("{}", answer.status());
                }
                Ok(answer) => {
                    let status = answer.status();
                    let text = answer.text().await.unwrap_or_default();
                    return Err(Failure::Told(format!("{path}: {status} {text}")));
                }
                Err(error) => last = error.to_string(),
            }
            sleep(Duration::from_millis(500 * u64::from(attempt.min(8) + 1))).await;
        }
        Err(Failure::Told(format!("{path}: no answer after {TRIES} tries; last: {last}")))
    }
}

/// Goes through one run: each call waits for the one before.
///
/// # Errors
///
/// The first call that the desk refuses.
pub(crate) async fn follow(
    desk: &Desk,
    prefix: &str,
    run: &Run,
    types: &[TypeDefinition],
    tally: &Mutex<Tally>,
) -> Result<(), Failure> {
    for act in run.acts(types) {
        let outcome = desk.perform(&key(prefix, run, &act), &act).await?;
        *tally.lock().unwrap_or_else(PoisonError::into_inner).0.entry(outcome).or_default() += 1;
    }
    Ok(())
}

/// Key of one call: the same on every repeat, also after a restart.
pub(crate) fn key(prefix: &str, run: &Run, act: &Act) -> String {
    format!("{prefix}:{}:{}", run.name(), act.number)
}

/// Replays every run, so many at once, and returns how the calls ended.
///
/// # Errors
///
/// The first refusal.
pub(crate) async fn all(desk: Desk, prefix: &str, at_once: usize) -> Result<Tally, Failure> {
    let (runs, types) = recorded::read()?;
    let (types, tally) = (Arc::new(types), Arc::new(Mutex::new(Tally::default())));
    let places = Arc::new(Semaphore::new(at_once));
    let mut tasks = JoinSet::new();
    for run in runs {
        let (desk, prefix, types, tally, places) =
            (desk.clone(), prefix.to_owned(), types.clone(), tally.clone(), places.clone());
        tasks.spawn(async move {
            let _place = places.acquire_owned().await.map_err(|error| Failure::Told(error.to_string()))?;
            follow(&desk, &prefix, &run, &types, &tally).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| Failure::Told(format!("a run ended early: {error}")))??;
    }
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner).clone();

    Ok(tally)
}
