//! The stream of changes: one connection per page, opened by the first page that wants it.
//!
//! Events are wake-ups that carry ids only, so a lost, merged or repeated one costs nothing: the page
//! asks the server again.

use std::cell::RefCell;

use countersign_domain::{ids::DecisionId, view::Change};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use crate::frame::{Around, look_around};

/// How the stream stands, in words for the top bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not asked for, or JavaScript has not begun.
    #[default]
    Off,
    /// Changes arrive.
    Live,
    /// The browser tries again by itself.
    Lost {
        /// Since when, by the browser's clock.
        since: u64,
    },
    /// The sign-in behind the page has ended; nothing is tried again.
    Ended,
}

/// The stream, as the frame provides it to pages.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    /// The newest change.
    pub(crate) change: RwSignal<Option<Change>>,
    /// How the stream stands.
    pub(crate) link: RwSignal<Link>,
    /// How often somebody opened a decision that this page shows, and which it was last.
    pub(crate) arrived: RwSignal<(u64, Option<DecisionId>)>,
    /// The server has another build than this page.
    pub(crate) updated: RwSignal<bool>,
    /// Log size that everything on the page reflects.
    size: StoredValue<u64>,
}

thread_local! {
    /// The page's one connection. A browser page has one thread; the server never opens one.
    static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
}

/// An open connection with the functions it calls.
struct Source {
    source: EventSource,
    _opened: Closure<dyn Fn(Event)>,
    _failed: Closure<dyn Fn(Event)>,
    _changed: Closure<dyn Fn(MessageEvent)>,
    _reading: Closure<dyn Fn(MessageEvent)>,
    _build: Closure<dyn Fn(MessageEvent)>,
    _paused: Closure<dyn Fn(Event)>,
    _ended: Closure<dyn Fn(Event)>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// How long to wait before a closed stream is opened again.
const REOPEN_MS: i32 = 5_000;

impl Live {
    /// Makes the closed stream.
    pub(crate) fn new() -> Self {
        Self {
            change: RwSignal::new(None),
            link: RwSignal::new(Link::Off),
            arrived: RwSignal::new((0, None)),
            updated: RwSignal::new(false),
            size: StoredValue::new(0),
        }
    }

    /// Tells whether the connection is gone, so that what stands on the page may be old.
    pub(crate) fn is_lost(self) -> bool {
        self.link.with(|link| matches!(link, Link::Lost { .. } | Link::Ended))
    }

    /// Tells whether the sign-in behind the page has ended.
    pub(crate) fn is_ended(self) -> bool {
        self.link.with(|link| *link == Link::Ended)
    }

    /// Opens the stream, unless it is open; for effects only.
    ///
    /// `after` is the log size that the page reflects, where it knows one.
    pub(crate) fn open(self, after: Option<u64>) {
        if let Some(after) = after {
            self.size.update_value(|size| *size = (*size).max(after));
        }
        if SOURCE.with_borrow(Option::is_none) {
            self.connect();
        }
    }

    fn connect(self) {
        let after = self.size.get_value();
        let address = if after == 0 { "/stream/queue".to_owned() } else { format!("/stream/queue?after={after}") };
        let Ok(source) = EventSource::new(&address) else { return };

        let opened = Closure::<dyn Fn(Event)>::new(move |_| self.link.set(Link::Live));
        let failed = Closure::<dyn Fn(Event)>::new(move |event: Event| {
            if self.link.with_untracked(|link| *link == Link::Ended) {
                return;
            }
            self.lose();
            let closed = event
                .target()
                .and_then(|target| target.dyn_into::<EventSource>().ok())
                .is_some_and(|source| source.ready_state() == EventSource::CLOSED);
            if closed {
                self.ask();
            }
        });
        let changed = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let change = event.data().as_string().and_then(|data| serde_json::from_str::<Change>(&data).ok());
            if let Some(change) = change {
                self.size.update_value(|size| *size = (*size).max(change.size));
                self.change.set(Some(change));
            }
        });
        let reading = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let decision = event.data().as_string().and_then(|id| id.parse::<DecisionId>().ok());
            self.arrived.update(|(count, of)| (*count, *of) = (*count + 1, decision));
        });
        let build = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let of_page = document().query_selector("meta[name=build]").ok().flatten();
            let of_page = of_page.and_then(|meta| meta.get_attribute("content"));
            self.updated.set(of_page.is_some() && of_page != event.data().as_string());
        });
        let paused = Closure::<dyn Fn(Event)>::new(move |_| {
            self.lose();
            self.reopen();
        });
        let ended = Closure::<dyn Fn(Event)>::new(move |_| self.end());
        source.set_onopen(Some(opened.as_ref().unchecked_ref()));
        source.set_onerror(Some(failed.as_ref().unchecked_ref()));
        let listeners = [
            ("change", changed.as_ref()),
            ("reading", reading.as_ref()),
            ("build", build.as_ref()),
            ("bye", paused.as_ref()),
            ("ended", ended.as_ref()),
        ];
        for (name, function) in listeners {
            if source.add_event_listener_with_callback(name, function.unchecked_ref()).is_err() {
                return;
            }
        }
        SOURCE.set(Some(Source {
            source,
            _opened: opened,
            _failed: failed,
            _changed: changed,
            _reading: reading,
            _build: build,
            _paused: paused,
            _ended: ended,
        }));
    }

    fn lose(self) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970")]
        let since = js_sys::Date::now() as u64;
        self.link.update(|link| {
            if !matches!(link, Link::Lost { .. }) {
                *link = Link::Lost { since };
            }
        });
    }

    /// Closes for good: the sign-in has ended.
    fn end(self) {
        close();
        self.link.set(Link::Ended);
    }

    /// Asks who is signed in, because a browser does not say why a stream was refused; opens a new one unless
    /// nobody is.
    fn ask(self) {
        spawn_local(async move {
            match look_around().await {
                Ok(Around { me: None, .. }) => self.end(),
                _ => self.reopen(),
            }
        });
    }

    /// Closes now, so that the browser does not try again at once, and opens a new stream later.
    fn reopen(self) {
        close();
        let again = Closure::once_into_js(move || {
            SOURCE.set(None);
            self.connect();
        });
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(again.unchecked_ref(), REOPEN_MS);
    }
}

/// Closes the connection, which keeps its place.
fn close() {
    SOURCE.with_borrow(|source| {
        if let Some(source) = source {
            source.source.close();
        }
    });
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}
