//! The rows on screen and how news reach them: nothing moves under the reader.

use countersign_domain::{ids::DecisionId, view::QueueItem};
use leptos::prelude::*;

/// One row on screen.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// The decision.
    pub(crate) id: DecisionId,
    /// What the row says.
    pub(crate) item: RwSignal<QueueItem>,
    /// The decision left the queue while the row was on screen.
    pub(crate) gone: RwSignal<bool>,
}

impl Row {
    /// Makes a row.
    pub(crate) fn new(item: QueueItem) -> Self {
        Self { id: item.id, item: RwSignal::new(item), gone: RwSignal::new(false) }
    }
}

/// What a fresh list means for the rows on screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Items that wait behind the pill.
    pub(crate) added: Vec<DecisionId>,
    /// Rows that changed in place.
    pub(crate) changed: Vec<QueueItem>,
    /// Rows that left the queue.
    pub(crate) gone: Vec<DecisionId>,
}

/// Compares the rows on screen with a fresh first page of the same list.
///
/// A row that stands behind the end of a full page may have been pushed there, so only rows before
/// that end count as gone.
pub(crate) fn news(shown: &[QueueItem], fresh: &[QueueItem], more: bool) -> News {
    let last_due = fresh.last().map(|item| item.due_at);
    News {
        added: fresh.iter().filter(|item| !shown.iter().any(|old| old.id == item.id)).map(|item| item.id).collect(),
        changed: fresh
            .iter()
            .filter(|item| shown.iter().any(|old| old.id == item.id && old != *item))
            .cloned()
            .collect(),
        gone: shown
            .iter()
            .filter(|old| !fresh.iter().any(|item| item.id == old.id))
            .filter(|old| !more || last_due.is_none_or(|last| old.due_at < last))
            .map(|old| old.id)
            .collect(),
    }
}

/// Returns the row to select, one step from the selected one.
pub(crate) fn step(rows: &[DecisionId], selected: Option<DecisionId>, forward: bool) -> Option<DecisionId> {
    let place = selected.and_then(|selected| rows.iter().position(|id| *id == selected));
    match (place, forward) {
        (None, true) => rows.first(),
        (None, false) => rows.last(),
        (Some(place), true) => rows.get(place + 1),
        (Some(place), false) => place.checked_sub(1).and_then(|place| rows.get(place)),
    }
    .copied()
}

#[cfg(test)]
mod tests {
    use countersign_domain::{
        decision::{Risk, SealState, State},
        view::Seal,
    };

    use super::*;

    #[test]
    fn news_wait_changes_stay_and_missing_rows_are_gone() {
        let shown = [item(1, 10), item(2, 20), item(3, 30)];
        let mut changed = item(3, 30);
        changed.given = 1;

        let news = news(&shown, &[item(1, 10), changed.clone(), item(4, 5)], false);

        assert_eq!(news, News { added: vec![item(4, 5).id], changed: vec![changed], gone: vec![item(2, 20).id] });
    }

    #[test]
    fn a_row_pushed_behind_the_end_of_a_full_page_is_not_gone() {
        let shown = [item(1, 10), item(2, 20)];

        assert_eq!(news(&shown, &[item(3, 5), item(1, 10)], true).gone, []);
        assert_eq!(news(&shown, &[item(3, 5), item(2, 20)], true).gone, [item(1, 10).id]);
    }

    #[test]
    fn steps_stop_at_the_ends() {
        let rows = [item(1, 1).id, item(2, 2).id];

        assert_eq!(step(&rows, None, true), Some(rows[0]));
        assert_eq!(step(&rows, Some(rows[0]), true), Some(rows[1]));
        assert_eq!(step(&rows, Some(rows[1]), true), None);
        assert_eq!(step(&rows, Some(rows[0]), false), None);
        assert_eq!(step(&[], None, true), None);
    }

    fn item(number: u8, due_at: u64) -> QueueItem {
        QueueItem {
            id: format!("00000000-0000-7000-8000-0000000000{number:02x}").parse().unwrap(),
            title: "Refund".into(),
            system: "Refunds".into(),
            paused: false,
            type_name: "refund.issue".into(),
            risk: Risk::Low,
            state: State::Queued,
            proposed_at: 0,
            due_at,
            given: 0,
            need: 1,
            seal: Seal { state: SealState::Sealed, index: Some(u64::from(number)) },
        }
    }
}
