//! What the handlers share.

use std::sync::Arc;

use countersign_app::site::{CookieName, SiteFiles};
use countersign_engine::Engine;
use countersign_outbound::{Allowed, Outbound};
use tokio::sync::watch;

use crate::{
    config::{Network, Origin},
    files::Files,
    layers::rate::Limiter,
    reachable::Reachable,
    sso::Providers,
    stream::Changes,
};

/// Where the server is on its way from start to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Takes traffic.
    Serving,
    /// Still answers, but says that it is not ready, so that balancers look elsewhere.
    Leaving,
    /// Streams are told to come back later.
    Closing,
}

/// A cheap handle to one running server.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    engine: Engine,
    origin: Origin,
    trusted_proxies: Vec<Network>,
    files: Files,
    limiter: Limiter,
    changes: Arc<Changes>,
    phase: watch::Sender<Phase>,
    outbound: Outbound,
    providers: Providers,
    reachable: Reachable,
}

impl Server {
    /// Makes a server around a started engine, and begins to follow its changes.
    ///
    /// Requests that leave go to the public network only.
    pub fn new(engine: Engine, origin: Origin, trusted_proxies: Vec<Network>, files: Files) -> Self {
        Self::reaching(engine, origin, trusted_proxies, files, Allowed::default())
    }

    /// Makes a server whose requests may also reach what is allowed.
    pub fn reaching(
        engine: Engine,
        origin: Origin,
        trusted_proxies: Vec<Network>,
        files: Files,
        allowed: Allowed,
    ) -> Self {
        let outbound = Outbound::new(Allowed { own: Some(origin.authority().to_owned()), ..allowed });
        let phase = watch::channel(Phase::Serving).0;
        let changes = Changes::of(&engine);
        Self(Arc::new(Inner {
            engine,
            origin,
            trusted_proxies,
            files,
            limiter: Limiter::default(),
            changes,
            phase,
            outbound,
            providers: Providers::default(),
            reachable: Reachable::default(),
        }))
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Returns the address that people and agents use.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Returns the name of the session cookie, which depends on the origin's scheme.
    pub fn cookie_name(&self) -> CookieName {
        if self.0.origin.is_https() { CookieName::HTTPS } else { CookieName::LOOPBACK }
    }

    /// Returns the names of the built files.
    pub fn site_files(&self) -> &SiteFiles {
        self.0.files.site_files()
    }

    /// Moves on to a later phase.
    pub fn enter(&self, phase: Phase) {
        self.0.phase.send_replace(phase);
    }

    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.0.phase.subscribe()
    }

    pub(crate) fn trusted_proxies(&self) -> &[Network] {
        &self.0.trusted_proxies
    }

    pub(crate) fn files(&self) -> &Files {
        &self.0.files
    }

    pub(crate) fn changes(&self) -> &Arc<Changes> {
        &self.0.changes
    }

    /// Returns the client for requests that leave the installation.
    pub fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    pub(crate) fn providers(&self) -> &Providers {
        &self.0.providers
    }

    pub(crate) fn reachable(&self) -> &Reachable {
        &self.0.reachable
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }
}
