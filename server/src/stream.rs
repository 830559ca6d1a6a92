//! The live stream of the queue: ids and states, never content.
//!
//! An event says "look again"; the page then makes a read of its own, which is sealed. So an event
//! that comes twice or late costs nothing. A page that was away names the log size that it reflects
//! and gets what came since.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use countersign_domain::{
    ids::{DecisionId, PersonId, SessionId},
    problem::Code,
    view::Change,
};
use countersign_engine::{Actor, Caller, Engine, sessions, streams};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{Refusal, Server, layers, server::Phase};

const SESSION_POLL: Duration = Duration::from_millis(500);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Streams that end together come back apart.
const RETRY_MS: std::ops::Range<u64> = 1_000..6_000;
/// Changes that are kept for pages that were away.
const KEPT_MAX: usize = 4_096;
/// Streams of one session.
const STREAMS_MAX: usize = 20;

/// The latest changes of decisions, and who follows them.
pub(crate) struct Changes {
    kept: Mutex<VecDeque<Arc<Change>>>,
    newest: watch::Sender<u64>,
    open: Mutex<HashMap<SessionId, usize>>,
}

impl Changes {
    /// Begins to follow an engine, until it is gone.
    pub(crate) fn of(engine: &Engine) -> Arc<Self> {
        let changes = Arc::new(Self { kept: Mutex::default(), newest: watch::channel(0).0, open: Mutex::default() });
        let (kept, mut received) = (Arc::clone(&changes), engine.changes());
        tokio::spawn(async move {
            loop {
                match received.recv().await {
                    Ok(change) => kept.keep(change),
                    Err(RecvError::Lagged(count)) => {
                        tracing::warn!(count, "Live pages miss changes until they are loaded again")
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
        changes
    }

    /// Keeps what happened to decisions, and what is news to pages of every system; reads move no page.
    fn keep(&self, change: Arc<Change>) {
        if is_of_no_decision(&change) && !is_of_every_page(&change) {
            return;
        }
        let size = change.size;
        let mut kept = lock(&self.kept);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(change);
        drop(kept);
        self.newest.send_replace(size);
    }

    fn after(&self, size: u64) -> Vec<Arc<Change>> {
        lock(&self.kept).iter().filter(|change| change.size > size).cloned().collect()
    }

    fn enter(self: &Arc<Self>, session: SessionId) -> Option<Seat> {
        let mut open = lock(&self.open);
        let count = open.entry(session).or_default();
        if *count == STREAMS_MAX {
            return None;
        }
        *count += 1;
        Some(Seat { changes: Arc::clone(self), session })
    }
}

/// One open stream; counted until dropped.
struct Seat {
    changes: Arc<Changes>,
    session: SessionId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = lock(&self.changes.open);
        if let Some(count) = open.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.session);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the page stands.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// Log size that the page reflects.
    after: Option<u64>,
}

pub(crate) async fn queue(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    position: Result<Query<Position>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    layers::check_stream_origin(&headers, server.origin())?;
    let Query(Position { after }) = position
        .map_err(|_| Refusal::new(Code::MalformedRequest, "The stream takes one parameter, after, a log size."))?;
    let after = last_event_id(&headers).or(after);
    let Actor::Person { id: person, session, .. } = caller.actor else {
        return Err(Refusal::new(Code::Unauthenticated, "Sign in first; the session may have ended."));
    };
    let Some(seat) = server.changes().enter(session) else {
        return Err(Refusal::new(
            Code::RateLimited,
            "Too many live pages are open under this sign-in. Close some of them.",
        )
        .retry_after(60));
    };
    streams::open(server.engine(), &caller).await?;

    let (sender, receiver) = mpsc::channel(64);
    // The channel is empty, so there is room: a page that was open over an upgrade learns of it when it comes back.
    let _ = sender.try_send(Ok(build(&server.site_files().build)));
    tokio::spawn(follow(server, seat, person, after, sender));
    let mut response = Sse::new(ReceiverStream::new(receiver)).into_response();
    // Proxies that buffer would keep events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// Sends until the browser leaves, the session ends or the server stops.
async fn follow(
    server: Server,
    seat: Seat,
    person: PersonId,
    after: Option<u64>,
    sender: mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut newest = seat.changes.newest.subscribe();
    let mut phase = server.phase();
    let mut poll = interval(SESSION_POLL);
    let mut heartbeat = interval(HEARTBEAT);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut arrivals = server.engine().arrivals();
    let mut at = after.unwrap_or(*newest.borrow());
    newest.mark_changed();
    loop {
        let events = tokio::select! {
            changed = newest.changed() => {
                if changed.is_err() {
                    return;
                }
                let changes = seat.changes.after(at);
                at = changes.last().map_or(at, |change| change.size);
                // A stream that cannot tell what its reader may see ends; the browser opens it again.
                match told(&server, person, &changes).await {
                    Ok(changes) => changes.iter().map(event).collect(),
                    Err(_) => return,
                }
            }
            _ = poll.tick() => match sessions::is_live(server.engine(), seat.session).await {
                Ok(false) => {
                    let _ = sender.send(Ok(ended())).await;
                    return;
                }
                // A database that does not answer proves nothing about the session; the next poll asks again.
                Ok(true) | Err(_) => continue,
            },
            arrived = arrivals.recv() => match arrived {
                Ok(arrived) if arrived.sessions.contains(&seat.session) => vec![reading(arrived.decision)],
                // What was missed is learned at the page's next sign of life.
                Ok(_) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            },
            _ = heartbeat.tick() => vec![Event::default().comment("")],
            () = closing(&mut phase) => {
                // The browser may be gone already.
                let _ = sender.send(Ok(bye())).await;
                return;
            }
            () = sender.closed() => return,
        };
        for event in events {
            if sender.send(Ok(event)).await.is_err() {
                return;
            }
        }
    }
}

/// What a person may be told of changes: those of decisions that they may read, and that there was a pause or a note
/// for the next shift somewhere.
async fn told(server: &Server, person: PersonId, changes: &[Arc<Change>]) -> countersign_engine::Result<Vec<Change>> {
    let mut touched: Vec<DecisionId> = changes.iter().flat_map(|change| touched_by(change)).collect();
    touched.sort_unstable();
    touched.dedup();
    let visible = match touched.is_empty() {
        true => Vec::new(),
        false => streams::visible(server.engine(), person, &touched).await?,
    };
    let may_see = |ids: &[DecisionId]| ids.iter().copied().filter(|id| visible.contains(id)).collect();
    let seen = |change: &Arc<Change>| Change {
        size: change.size,
        decisions: may_see(&change.decisions),
        kinds: change.kinds.clone(),
        commented: may_see(&change.commented),
        leased: may_see(&change.leased),
    };
    let told = |change: &Change| !is_of_no_decision(change) || is_of_every_page(change);
    Ok(changes.iter().map(seen).filter(told).collect())
}

/// Decisions that something happened to, or beside.
fn touched_by(change: &Change) -> impl Iterator<Item = DecisionId> {
    change.decisions.iter().chain(&change.commented).chain(&change.leased).copied()
}

fn is_of_no_decision(change: &Change) -> bool {
    touched_by(change).next().is_none()
}

/// Tells whether a system was paused or resumed or got another owner, or a note was left for the next shift or ended:
/// pages of every system look again.
fn is_of_every_page(change: &Change) -> bool {
    let known = ["system.paused", "system.resumed", "system.owner_named", "handover.noted", "handover.ended"];
    change.kinds.iter().any(|kind| known.contains(&kind.as_str()))
}

async fn closing(phase: &mut watch::Receiver<Phase>) {
    // An error means that the server is gone, which is closing too.
    let _ = phase.wait_for(|phase| *phase == Phase::Closing).await;
}

fn event(change: &Change) -> Event {
    let data = serde_json::to_string(change).expect("a change is plain data");
    Event::default().event("change").id(change.size.to_string()).data(data)
}

/// Names the build that answers, so that a page of another one can say so.
fn build(name: &str) -> Event {
    Event::default().event("build").data(name)
}

/// Somebody opened a decision that this reader has open; the page asks who.
fn reading(decision: DecisionId) -> Event {
    Event::default().event("reading").data(decision.to_string())
}

/// The sign-in has ended: opening the stream again would be refused.
fn ended() -> Event {
    Event::default().event("ended").data("")
}

fn bye() -> Event {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    let retry = RETRY_MS.start + u64::from_le_bytes(bytes) % (RETRY_MS.end - RETRY_MS.start);
    Event::default().event("bye").retry(Duration::from_millis(retry)).data("")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_page_that_was_away_gets_what_came_since() {
        let changes = empty();
        for size in 1..=10 {
            changes.keep(change(size, true));
        }
        changes.keep(change(11, false));

        let sizes: Vec<_> = changes.after(7).iter().map(|change| change.size).collect();

        assert_eq!(sizes, [8, 9, 10]);
        assert_eq!(*changes.newest.borrow(), 10);
    }

    #[test]
    fn a_pause_wakes_pages_that_no_decision_would() {
        let changes = empty();
        for (size, kind) in [(1, "auth.signed_in"), (2, "system.paused"), (3, "system.resumed"), (4, "access.listed")] {
            changes.keep(Arc::new(Change { size, kinds: vec![kind.into()], ..Change::default() }));
        }

        let sizes: Vec<_> = changes.after(0).iter().map(|change| change.size).collect();

        assert_eq!(sizes, [2, 3]);
    }

    #[test]
    fn old_changes_make_room() {
        let changes = empty();
        let last = KEPT_MAX as u64 + 5;
        for size in 1..=last {
            changes.keep(change(size, true));
        }

        assert_eq!(changes.after(0).len(), KEPT_MAX);
        assert_eq!(changes.after(0).last().unwrap().size, last);
    }

    #[test]
    fn a_session_has_so_many_streams_and_gets_them_back() {
        let changes = empty();
        let session = SessionId(Uuid::nil());
        let seats: Vec<_> = (0..STREAMS_MAX).map(|_| changes.enter(session).unwrap()).collect();

        assert!(changes.enter(session).is_none());
        assert!(changes.enter(SessionId(Uuid::max())).is_some());
        drop(seats);
        assert!(changes.enter(session).is_some());
    }

    fn empty() -> Arc<Changes> {
        Arc::new(Changes { kept: Mutex::default(), newest: watch::channel(0).0, open: Mutex::default() })
    }

    fn change(size: u64, of_decision: bool) -> Arc<Change> {
        let decisions = if of_decision { vec![DecisionId(Uuid::nil())] } else { Vec::new() };
        Arc::new(Change { size, decisions, ..Change::default() })
    }
}
