//! What stands above a decision on paper: which one, where it is in the log, under which checkpoint, and whose print.

use countersign_domain::{
    ids::DecisionId,
    view::{CheckpointMark, DecisionView, HistoryRow},
};
use leptos::prelude::*;

use crate::{
    components::{page::Fact, text::Literal, time::Exact},
    frame::Surroundings,
};

/// The head of the printed page; on the screen it is not there.
#[component]
pub(super) fn PaperHead(
    id: DecisionId,
    revision: u64,
    content: String,
    /// Where its entries are in the log, as [`entries`] says it.
    entries: String,
    checkpoint: Option<CheckpointMark>,
    now: u64,
    clock: Signal<u64>,
) -> impl IntoView {
    let around = Surroundings::get().around;
    let printed = RwSignal::new(None::<u64>);
    Effect::new(move || {
        let before = window_event_listener_untyped("beforeprint", move |_| printed.set(Some(clock.get_untracked())));
        on_cleanup(move || before.remove());
    });
    let (under, root) = match checkpoint {
        Some(CheckpointMark { origin, size, root }) => (format!("{origin}, {size} entries, root hash"), root),
        None => (strings::NO_CHECKPOINT.to_owned(), String::new()),
    };

    view! {
        <dl class="mb-4 hidden gap-1 border-b border-control pb-3 print:grid" data-paper="">
            <Fact name=strings::DECISION>
                <span class="font-mono">{id.to_string()}</span>
            </Fact>
            <Fact name=strings::CONTENT>
                {format!("version {revision}, ")} <span class="font-mono [overflow-wrap:anywhere]">{content}</span>
            </Fact>
            <Fact name=strings::LEDGER>{entries}</Fact>
            <Fact name=strings::CHECKPOINT>
                {under} " " <span class="font-mono [overflow-wrap:anywhere]">{root}</span>
            </Fact>
            <Fact name=strings::AS_OF>
                <Exact at=now/>
            </Fact>
            <Fact name=strings::PRINTED>
                {move || printed.get().map(|at| view! { <Exact at/> " " })} {strings::BY} " "
                <Suspense>
                    {move || Suspend::new(async move {
                        around
                            .await
                            .ok()
                            .and_then(|around| around.me)
                            .map(|me| view! { <Literal text=format!("{} ({})", me.name, me.login)/> })
                    })}
                </Suspense>
            </Fact>
        </dl>
    }
}

/// Says where a decision stands in the log: the entry that proposed it and that of the last act shown.
pub(super) fn entries(shown: &DecisionView) -> String {
    place(&shown.history)
}

fn place(history: &[HistoryRow]) -> String {
    let mut acts = history.iter().filter(|row| row.n.is_some());
    let index = |row: &HistoryRow| match row.seal.index {
        Some(index) => format!("#{index}"),
        None => "recorded and not sealed yet".to_owned(),
    };
    match (acts.next(), acts.next_back()) {
        (None, _) => "no entry yet".to_owned(),
        (Some(first), None) => format!("proposed {}", index(first)),
        (Some(first), Some(last)) => format!("proposed {}, last act shown {}", index(first), index(last)),
    }
}

mod strings {
    pub(super) const DECISION: &str = "Decision";
    pub(super) const CONTENT: &str = "Content";
    pub(super) const LEDGER: &str = "Ledger";
    pub(super) const CHECKPOINT: &str = "Checkpoint";
    pub(super) const NO_CHECKPOINT: &str = "none is signed yet";
    pub(super) const AS_OF: &str = "As of";
    pub(super) const PRINTED: &str = "Printed";
    pub(super) const BY: &str = "by";
}

#[cfg(test)]
mod tests {
    use countersign_domain::{decision::SealState, view::Seal};

    use super::*;

    #[test]
    fn paper_names_the_first_and_the_last_act_and_no_read() {
        let rows = [row(Some(1), Some(12)), row(None, Some(13)), row(Some(2), Some(57)), row(Some(3), None)];

        assert_eq!(place(&rows[..1]), "proposed #12");
        assert_eq!(place(&rows[..3]), "proposed #12, last act shown #57");
        assert_eq!(place(&rows), "proposed #12, last act shown recorded and not sealed yet");
        assert_eq!(place(&[]), "no entry yet");
    }

    fn row(n: Option<u64>, index: Option<u64>) -> HistoryRow {
        HistoryRow {
            n,
            kind: "decision.proposed".into(),
            actor: String::new(),
            at: 0,
            entry: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            seal: Seal { state: SealState::Sealed, index },
        }
    }
}
