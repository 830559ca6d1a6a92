//! The list in the browser: news that wait, rows that grey in place, keys.

use countersign_domain::{
    ids::DecisionId,
    pause::ShownPause,
    queue::{Count, View},
    saved::CountedView,
    talk::ShownHandover,
    view::{OwnReview, QueueItem, QueueView},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;

use super::{
    fetch,
    filter::Filter,
    row::{alone, beside_id, box_id, page_id},
    rows::{Row, news, step},
};
use crate::{
    clock::steady_ms,
    components::{
        keyboard::{Layer, Page, leave_field, listen, show},
        kinds::{changes_beside, changes_decisions},
    },
    frame::Surroundings,
    keys::Command,
    live::Live,
    pages::{decision::retract::press_retract, notices::browser},
};

/// What the list shows at this moment.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) filter: StoredValue<Filter>,
    pub(super) rows: RwSignal<Vec<Row>>,
    /// How many wait behind the pill.
    pub(super) waiting: RwSignal<usize>,
    pub(super) counts: RwSignal<Vec<Count>>,
    /// The reader's own views, with their counts.
    pub(super) saved: RwSignal<Vec<CountedView>>,
    /// Pauses that run.
    pub(super) pauses: RwSignal<Vec<ShownPause>>,
    /// Notes that the reader has not put away.
    pub(super) handovers: RwSignal<Vec<ShownHandover>>,
    /// The reader's reviews that may still be taken back.
    pub(super) retractable: RwSignal<Vec<OwnReview>>,
    /// Where the next page starts.
    pub(super) older: RwSignal<Option<String>>,
    pub(super) list: NodeRef<html::Ol>,
    /// Decisions that are selected to be reviewed together; absent where the list has no boxes.
    pub(super) chosen: Option<RwSignal<Vec<DecisionId>>>,
    /// What the browser told of, so that it tells of nothing twice.
    told: StoredValue<Vec<DecisionId>>,
    /// Number of the newest question; the answer to an older one is dropped.
    asked: StoredValue<u64>,
    /// Whether the person asked for the news; the next answer shows them, whoever asked its question.
    wanted: StoredValue<bool>,
}

impl Shown {
    /// Returns the row below one on which somebody may still rule.
    pub(super) fn next_open(self, id: DecisionId) -> Option<DecisionId> {
        self.rows.with_untracked(|rows| {
            let open = |row: &&Row| {
                row.gone.with_untracked(Option::is_none) && row.item.with_untracked(|item| item.resolution.is_none())
            };
            let ids: Vec<_> = rows.iter().filter(|row| row.id == id || open(row)).map(|row| row.id).collect();
            step(&ids, Some(id), true)
        })
    }

    pub(super) fn new(filter: Filter, view: &QueueView) -> Self {
        let selects = view.blocked.is_none() && matches!(view.view, View::YourTurn | View::Team | View::Breaching);
        Self {
            filter: StoredValue::new(filter),
            rows: RwSignal::new(view.items.iter().cloned().map(Row::new).collect()),
            waiting: RwSignal::new(0),
            counts: RwSignal::new(view.counts.clone()),
            saved: RwSignal::new(view.saved.clone()),
            pauses: RwSignal::new(view.pauses.clone()),
            handovers: RwSignal::new(view.handovers.clone()),
            retractable: RwSignal::new(view.retractable.clone()),
            older: RwSignal::new(view.older.clone()),
            list: NodeRef::new(),
            chosen: selects.then(RwSignal::default),
            told: StoredValue::new(Vec::new()),
            asked: StoredValue::new(0),
            wanted: StoredValue::new(false),
        }
    }

    /// Selects a row to be reviewed together with others, or leaves it out; tells whether it could.
    fn choose(self, id: DecisionId, on: impl Fn(bool) -> bool) -> bool {
        let Some(chosen) = self.chosen else { return false };
        let fits = self.rows.with_untracked(|rows| {
            rows.iter().any(|row| {
                row.id == id
                    && row.gone.with_untracked(Option::is_none)
                    && row.item.with_untracked(|item| alone(item).is_none())
            })
        });
        if fits {
            chosen.update(|chosen| {
                let was = chosen.contains(&id);
                chosen.retain(|other| *other != id);
                if on(was) {
                    chosen.push(id);
                }
            });
        }
        fits
    }

    /// Asks the same question again and shows the answer from its start, because the person wants to.
    pub(super) fn show_news(self, surroundings: Surroundings) {
        self.wanted.set_value(true);
        self.refresh(surroundings);
    }

    fn show(self, fresh: QueueView) {
        self.counts.set(fresh.counts);
        self.saved.set(fresh.saved);
        self.set_retractable(&fresh.retractable);
        self.older.set(fresh.older);
        self.waiting.set(0);
        self.rows.set(fresh.items.into_iter().map(Row::new).collect());
        if let Some(list) = self.list.get_untracked() {
            let _ = list.focus();
        }
    }

    /// The forms of what stays keep their focus.
    fn set_retractable(self, fresh: &[OwnReview]) {
        if self.retractable.with_untracked(|shown| shown != fresh) {
            self.retractable.set(fresh.to_vec());
        }
    }

    /// Asks the same question again; rows stay where they are, and what is new waits.
    pub(super) fn refresh(self, surroundings: Surroundings) {
        let Some(filter) = self.filter.try_get_value() else { return };
        let asked = self.asked.get_value() + 1;
        self.asked.set_value(asked);
        let on_screen = self.rows.with_untracked(|rows| {
            rows.iter().filter(|row| row.gone.with_untracked(Option::is_none)).map(|row| row.id).collect::<Vec<_>>()
        });
        spawn_local(async move {
            let answer = fetch(filter, &on_screen).await;
            if self.asked.try_get_value() != Some(asked) {
                return;
            }
            let wanted = self.wanted.get_value();
            self.wanted.set_value(false);
            match answer {
                Ok(fresh) if wanted => self.show(fresh),
                Ok(fresh) => self.take(&fresh, surroundings),
                Err(_) if wanted => surroundings.say(strings::NOT_READ),
                // The connection's own line says that rows are old.
                Err(_) => {}
            }
        });
    }

    fn take(self, fresh: &QueueView, surroundings: Surroundings) {
        let rows = self.rows.get_untracked();
        let shown: Vec<_> = rows.iter().map(|row| row.item.get_untracked()).collect();
        let news = news(&shown, fresh);
        self.counts.set(fresh.counts.clone());
        self.saved.set(fresh.saved.clone());
        self.set_retractable(&fresh.retractable);
        if self.pauses.with_untracked(|pauses| *pauses != fresh.pauses) {
            surroundings.say(strings::PAUSE_NEWS);
            self.pauses.set(fresh.pauses.clone());
        }
        if self.handovers.with_untracked(|handovers| *handovers != fresh.handovers) {
            surroundings.say(strings::HANDOVER_NEWS);
            self.handovers.set(fresh.handovers.clone());
        }
        let row_of = |id| rows.iter().copied().find(|row| row.id == id);
        for item in news.changed {
            if let Some(row) = row_of(item.id) {
                row.item.set(item);
            }
        }
        for (id, words) in news.gone {
            if let Some(row) = row_of(id) {
                if let Some(chosen) = self.chosen {
                    chosen.update(|chosen| chosen.retain(|other| *other != id));
                }
                row.gone.set(Some(words));
                self.collapse_later(row);
            }
        }
        if news.added.len() > self.waiting.get_untracked() {
            surroundings.say(format!("{} new", news.added.len()));
        }
        self.waiting.set(news.added.len());
        if fresh.view == View::YourTurn {
            self.tell(&news.added, fresh);
        }
    }

    /// Has the browser tell of what newly waits for the reader.
    fn tell(self, added: &[DecisionId], fresh: &QueueView) {
        let told = self.told.get_value();
        let unsaid = |item: &&QueueItem| added.contains(&item.id) && !told.contains(&item.id);
        let items: Vec<_> = fresh.items.iter().filter(unsaid).cloned().collect();
        browser::tell(&items, fresh.now);
        self.told.set_value(added.to_vec());
    }

    /// Takes a greyed row away after 10 s, and never while focus or pointer is in the list.
    fn collapse_later(self, row: Row) {
        set_timeout(
            move || {
                let Some(Some(list)) = self.list.try_get_untracked() else { return };
                let focused =
                    document().active_element().is_some_and(|active| list.contains(Some(active.unchecked_ref())));
                let hovered = list.matches(":hover").unwrap_or(false);
                if focused || hovered {
                    self.collapse_later(row);
                } else {
                    self.rows.try_update(|rows| rows.retain(|other| other.id != row.id));
                }
            },
            std::time::Duration::from_secs(10),
        );
    }
}

/// Follows the stream: asks again when a decision changed after `size` entries.
pub(super) fn follow(shown: Shown, size: u64) {
    let live = expect_context::<Live>();
    let surroundings = Surroundings::get();
    Effect::new(move || live.open(Some(size)));
    Effect::new(move || {
        let touched = live.change.with(|change| {
            change.as_ref().is_some_and(|change| {
                let of_decisions =
                    !change.decisions.is_empty() && change.kinds.iter().any(|kind| changes_decisions(kind));
                change.size > size
                    && (of_decisions
                        || !change.leased.is_empty()
                        || change.kinds.iter().any(|kind| changes_beside(kind)))
            })
        });
        if touched {
            shown.refresh(surroundings);
        }
    });
}

/// Lets keys move through the rows. `reading` tells whether the selected decision is still on its way.
pub(super) fn keys(
    shown: Shown,
    selected: Memo<Option<DecisionId>>,
    dialog: NodeRef<html::Dialog>,
    reading: impl Fn() -> bool + 'static,
) {
    let navigate = use_navigate();
    let shown_at = StoredValue::new(0);
    Effect::new(move || shown_at.set_value(steady_ms().unwrap_or_default()));
    let stay = || NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
    let address = move |selected| shown.filter.with_value(|filter| filter.address(selected));

    listen(
        Layer::List,
        move || Page { loading: reading(), shown_at: shown_at.get_value(), ..Page::default() },
        move |command| match command {
            Command::Next | Command::Previous => {
                let ids: Vec<_> = shown.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
                let from = selected.get_untracked().or_else(|| focused(&ids));
                let Some(id) = step(&ids, from, command == Command::Next) else { return false };
                // Where nothing stands beside the list, a row is focused and not yet opened.
                if is_wide() {
                    navigate(&address(Some(id)), stay());
                }
                focus_row(id);
                true
            }
            Command::Choose => {
                let ids: Vec<_> = shown.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
                let row = selected.get_untracked().or_else(|| focused(&ids));
                is_wide() && row.is_some_and(|id| shown.choose(id, |was| !was))
            }
            Command::Extend { forward } => {
                let ids: Vec<_> = shown.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
                let from = selected.get_untracked().or_else(|| focused(&ids));
                let (true, Some(to)) = (is_wide(), step(&ids, from, forward)) else { return false };
                for id in from.into_iter().chain([to]) {
                    shown.choose(id, |_| true);
                }
                navigate(&address(Some(to)), stay());
                focus_row(to);
                true
            }
            Command::Open => {
                let ids: Vec<_> = shown.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
                match selected.get_untracked().or_else(|| focused(&ids)) {
                    Some(id) => {
                        navigate(&format!("/decisions/{id}"), NavigateOptions::default());
                        true
                    }
                    None => false,
                }
            }
            Command::Retract => press_retract(),
            Command::Back => match selected.get_untracked() {
                Some(id) => {
                    navigate(&address(None), stay());
                    focus_row(id);
                    true
                }
                None => false,
            },
            Command::Release => {
                leave_field();
                true
            }
            Command::Help => show(dialog),
            _ => false,
        },
    );
}

/// Tells whether a decision stands beside the list.
fn is_wide() -> bool {
    window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width >= 900.0)
}

/// Returns the row that has focus.
fn focused(ids: &[DecisionId]) -> Option<DecisionId> {
    let id = document().active_element()?.id();
    ids.iter().copied().find(|row| id == beside_id(*row) || id == page_id(*row) || id == box_id(*row))
}

/// Focuses a row: of its two links the one that this width shows.
pub(super) fn focus_row(id: DecisionId) {
    for link in [beside_id(id), page_id(id)] {
        if let Some(link) = document().get_element_by_id(&link) {
            let _ = link.unchecked_into::<web_sys::HtmlElement>().focus();
        }
    }
}

mod strings {
    pub(super) const HANDOVER_NEWS: &str = "The notes for the next shift changed.";
    pub(super) const NOT_READ: &str = "The queue could not be read; the rows are as they were. Try again.";
    pub(super) const PAUSE_NEWS: &str = "An AI system was paused or resumed.";
}
