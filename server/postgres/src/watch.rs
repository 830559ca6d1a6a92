use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Cluster, postmaster};

/// How the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Running,
    /// Its process lives but does not answer, as during crash recovery.
    Silent,
    /// Its process has gone; a start is being tried.
    Restarting,
}

/// What the watch has seen.
#[derive(Clone, Debug)]
pub struct Status {
    /// How the server is.
    pub state: State,
    /// Unexpected exits since the watch began.
    pub crashes: u64,
    /// Three or more of them in the last ten minutes.
    pub alarm: bool,
    /// Why the last start failed, until one succeeds.
    pub refusal: Option<String>,
}

/// A thread that keeps the server running; it ends when this is dropped.
#[derive(Debug)]
pub struct Watch {
    status: Arc<Mutex<Status>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Cluster {
    /// Watches the server by its process and a ping each second, and starts it again when it has
    /// gone (PG9). It never gives up: after a minute without success it says so and goes on.
    ///
    /// Drop the watch before [`Cluster::stop`].
    #[must_use]
    pub fn watch(self: &Arc<Self>, log: impl Fn(&str) + Send + 'static) -> Watch {
        let status = Arc::new(Mutex::new(Status { state: State::Running, crashes: 0, alarm: false, refusal: None }));
        let over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (cluster, status, over) = (Arc::clone(self), Arc::clone(&status), Arc::clone(&over));
            move || cluster.keep_running(&status, &over, &log)
        });

        Watch { status, over, thread: Some(thread) }
    }

    fn keep_running(&self, status: &Mutex<Status>, over: &AtomicBool, log: &dyn Fn(&str)) {
        let set = |change: &dyn Fn(&mut Status)| change(&mut status.lock().unwrap_or_else(PoisonError::into_inner));
        let mut crashes = VecDeque::new();
        while !over.load(Ordering::Relaxed) {
            if postmaster::started(self.pid()).is_some() {
                let state = if self.answers() { State::Running } else { State::Silent };
                set(&|status| status.state = state);
            } else {
                crashes.push_back(Instant::now());
                log("PostgreSQL has exited unexpectedly; starting it again.");
                set(&|status| {
                    status.state = State::Restarting;
                    status.crashes += 1;
                });
                while !over.load(Ordering::Relaxed) {
                    match self.start_with_retries().and_then(|()| self.write_record(&self.data.join("cluster.json"))) {
                        Ok(()) => {
                            log("PostgreSQL runs again.");
                            set(&|status| {
                                status.state = State::Running;
                                status.refusal = None;
                            });
                            break;
                        }
                        Err(error) => {
                            log(&error.to_string());
                            set(&|status| status.refusal = Some(error.to_string()));
                        }
                    }
                }
            }
            while crashes.front().is_some_and(|at: &Instant| at.elapsed() > Duration::from_secs(600)) {
                crashes.pop_front();
            }
            let alarm = crashes.len() >= 3;
            set(&|status| status.alarm = alarm);
            std::thread::park_timeout(Duration::from_secs(1));
        }
    }
}

impl Watch {
    /// What has been seen so far.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the thread has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}
