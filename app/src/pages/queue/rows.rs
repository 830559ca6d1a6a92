//! The rows on screen and how news reach them: nothing moves under the reader.

use countersign_domain::{
    ids::DecisionId,
    view::{Left, QueueItem, QueueView, RowResolution},
};
use leptos::prelude::*;

use crate::components::marks::outcome_words;

/// One row on screen.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// The decision.
    pub(crate) id: DecisionId,
    /// What the row says.
    pub(crate) item: RwSignal<QueueItem>,
    /// What became of the decision, once it left the view while the row was on screen.
    pub(crate) gone: RwSignal<Option<String>>,
}

impl Row {
    /// Makes a row.
    pub(crate) fn new(item: QueueItem) -> Self {
        Self { id: item.id, item: RwSignal::new(item), gone: RwSignal::new(None) }
    }
}

/// What a fresh answer means for the rows on screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Items that wait behind the pill.
    pub(crate) added: Vec<DecisionId>,
    /// Rows that changed in place.
    pub(crate) changed: Vec<QueueItem>,
    /// Rows that left the view, and what became of them.
    pub(crate) gone: Vec<(DecisionId, String)>,
}

/// Compares the rows on screen with a fresh answer to the same question, which also told of every row on screen.
pub(crate) fn news(shown: &[QueueItem], fresh: &QueueView) -> News {
    let listed = || fresh.items.iter().chain(&fresh.kept);
    News {
        added: fresh
            .items
            .iter()
            .filter(|item| !shown.iter().any(|old| old.id == item.id))
            .map(|item| item.id)
            .collect(),
        changed: listed().filter(|item| shown.iter().any(|old| old.id == item.id && old != *item)).cloned().collect(),
        gone: fresh
            .left
            .iter()
            .filter(|left| shown.iter().any(|old| old.id == left.id))
            .map(|left| (left.id, gone_words(left)))
            .collect(),
    }
}

/// Says what became of a decision that left the view.
fn gone_words(left: &Left) -> String {
    left.resolution.as_ref().map_or_else(|| "Not in this view any more".to_owned(), resolution_words)
}

/// Says the final word: a rule by its name, never as a person.
pub(crate) fn resolution_words(resolution: &RowResolution) -> String {
    resolution.by_rule.clone().unwrap_or_else(|| outcome_words(resolution.outcome).to_owned())
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
pub(crate) mod tests {
    use countersign_domain::{
        decision::{ResolutionOutcome, Risk, SealState, State},
        policy::Route,
        queue::{Sort, View},
        view::Seal,
    };

    use super::*;

    #[test]
    fn news_wait_changes_stay_and_what_left_says_why() {
        let shown = [item(1), item(2), item(3), item(4)];
        let mut changed = item(3);
        changed.given = 1;
        let approved = RowResolution { outcome: ResolutionOutcome::Approved, by_rule: None, at: 1 };
        let fresh = QueueView {
            items: vec![item(5), item(1)],
            kept: vec![changed.clone()],
            left: vec![
                Left { id: item(2).id, resolution: Some(approved) },
                Left { id: item(4).id, resolution: None },
                Left { id: item(9).id, resolution: None },
            ],
            ..answer()
        };

        let news = news(&shown, &fresh);

        assert_eq!(news.added, [item(5).id]);
        assert_eq!(news.changed, [changed], "it is beyond the page and still in the view");
        let gone = [(item(2).id, "Approved".to_owned()), (item(4).id, "Not in this view any more".to_owned())];
        assert_eq!(news.gone, gone);
    }

    #[test]
    fn what_a_rule_decided_carries_the_name_of_the_rule() {
        let by_rule = Some("Refused by rule refund-large, version 3".to_owned());
        let resolution = RowResolution { outcome: ResolutionOutcome::Rejected, by_rule: by_rule.clone(), at: 1 };

        assert_eq!(Some(resolution_words(&resolution)), by_rule);
        assert_eq!(resolution_words(&RowResolution { by_rule: None, ..resolution }), "Rejected");
    }

    #[test]
    fn steps_stop_at_the_ends() {
        let rows = [item(1).id, item(2).id];

        assert_eq!(step(&rows, None, true), Some(rows[0]));
        assert_eq!(step(&rows, Some(rows[0]), true), Some(rows[1]));
        assert_eq!(step(&rows, Some(rows[1]), true), None);
        assert_eq!(step(&rows, Some(rows[0]), false), None);
        assert_eq!(step(&[], None, true), None);
    }

    fn answer() -> QueueView {
        QueueView {
            view: View::Team,
            sort: Sort::Deadline,
            items: Vec::new(),
            kept: Vec::new(),
            left: Vec::new(),
            counts: Vec::new(),
            next_due_at: None,
            older: None,
            size: 0,
            now: 0,
            blocked: None,
            pauses: Vec::new(),
            handovers: Vec::new(),
            retractable: Vec::new(),
            saved: Vec::new(),
        }
    }

    pub(crate) fn item(number: u8) -> QueueItem {
        QueueItem {
            id: format!("00000000-0000-7000-8000-0000000000{number:02x}").parse().unwrap(),
            title: "Refund".into(),
            system: "Refunds".into(),
            paused: false,
            type_name: "refund.issue".into(),
            risk: Risk::Low,
            state: State::Queued,
            route: Route::Require,
            rule: "default".into(),
            escalated: false,
            proposed_at: 0,
            since: 0,
            due_at: 10,
            given: 0,
            need: 1,
            held_by: Vec::new(),
            seal: Seal { state: SealState::Sealed, index: Some(u64::from(number)) },
            resolution: None,
        }
    }
}
