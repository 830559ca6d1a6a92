//! Why a list is empty: nothing matches, nothing is this person's, nothing is there. Each says what to do next.

use countersign_domain::{
    queue::{Count, IdSearch, View},
    time::screen,
};
use leptos::prelude::*;

use super::filter::Filter;
use crate::components::{form::Weight, page::Empty};

#[component]
pub(super) fn Nothing(
    filter: Filter,
    current: View,
    counts: Vec<Count>,
    next_due_at: Option<u64>,
    blocked: Option<String>,
) -> impl IntoView {
    let clear = filter.cleared().address(None);
    let team = filter.of(View::Team).address(None);
    if let Some(no_id) = filter.no_id {
        return view! {
            <Empty title=strings::NO_ID reason=no_id.problem>
                <a href=clear class=Weight::Plain.class()>
                    {strings::CLEAR}
                </a>
            </Empty>
        }
        .into_any();
    }
    if filter.narrowed.narrows() {
        let page = match &filter.narrowed.id {
            Some(IdSearch::Whole(id)) => Some(format!("/decisions/{id}")),
            _ => None,
        };
        // What is looked up may be resolved by now.
        let elsewhere = (current.is_open() && filter.narrowed.looks_up())
            .then(|| Filter { view: Some(View::AllResolved), after: None, ..filter.clone() }.address(None));
        return view! {
            <Empty title=strings::NO_MATCH reason=format!("Active filters in {}: {}.", current.name(), filter.words())>
                <div class="flex flex-wrap gap-3">
                    <a href=clear class=Weight::Plain.class()>
                        {strings::CLEAR}
                    </a>
                    {elsewhere
                        .map(|address| {
                            view! {
                                <a href=address class=Weight::Plain.class()>
                                    {strings::AMONG_RESOLVED}
                                </a>
                            }
                        })}
                    {page
                        .map(|page| {
                            view! {
                                <a href=page class=Weight::Plain.class()>
                                    {strings::BY_ID}
                                </a>
                            }
                        })}
                </div>
            </Empty>
        }
        .into_any();
    }
    if filter.after.is_some() {
        return view! {
            <Empty title=strings::END reason=strings::END_REASON>
                <a href=clear class=Weight::Plain.class()>
                    {strings::START}
                </a>
            </Empty>
        }
        .into_any();
    }
    let open = counts.iter().find(|count| count.view == View::Team).map_or(0, |count| count.count);
    match (current, blocked) {
        (View::YourTurn | View::Waiting | View::Resolved, Some(reason)) => view! {
            <Empty title=strings::NOT_YOURS reason>
                <ToTeam to=team/>
            </Empty>
        }
        .into_any(),
        (View::YourTurn, None) if open > 0 => view! {
            <Empty title=strings::NOT_YOUR_TURN reason=others(open, next_due_at)>
                <ToTeam to=team/>
            </Empty>
        }
        .into_any(),
        (View::YourTurn | View::Team, _) => {
            view! { <Empty title=strings::NOTHING reason=strings::NOTHING_REASON/> }.into_any()
        }
        (View::Waiting, None) => {
            view! { <Empty title=strings::NO_WAITING reason=strings::NO_WAITING_REASON/> }.into_any()
        }
        (View::Deferred, _) => {
            view! { <Empty title=strings::NO_DEFERRED reason=strings::NO_DEFERRED_REASON/> }.into_any()
        }
        (View::Settling, _) => {
            view! { <Empty title=strings::NO_SETTLING reason=strings::NO_SETTLING_REASON/> }.into_any()
        }
        (View::Breaching, _) => {
            view! { <Empty title=strings::NO_BREACHING reason=strings::NO_BREACHING_REASON/> }.into_any()
        }
        (View::Owned, _) => view! { <Empty title=strings::NO_OWNED reason=strings::NO_OWNED_REASON/> }.into_any(),
        (View::Compensation, _) => {
            view! { <Empty title=strings::NO_COMPENSATION reason=strings::NO_COMPENSATION_REASON/> }.into_any()
        }
        (View::AllResolved, _) => {
            view! { <Empty title=strings::NONE_RESOLVED reason=strings::NONE_RESOLVED_REASON/> }.into_any()
        }
        (View::Resolved, None) => {
            view! { <Empty title=strings::NO_RESOLVED reason=strings::NO_RESOLVED_REASON/> }.into_any()
        }
    }
}

#[component]
fn ToTeam(to: String) -> impl IntoView {
    view! {
        <a href=to class=Weight::Plain.class()>
            {strings::TEAM}
        </a>
    }
}

/// Says what waits for others, such as "12 wait for others, next deadline 2 Nov 2026, 16:40 UTC."
fn others(open: u64, next_due_at: Option<u64>) -> String {
    let wait = if open == 1 { "1 waits for others".to_owned() } else { format!("{open} wait for others") };
    match next_due_at {
        Some(at) => format!("{wait}, next deadline {}.", screen(at)),
        None => format!("{wait}."),
    }
}

mod strings {
    pub(super) const CLEAR: &str = "Clear filters";
    pub(super) const AMONG_RESOLVED: &str = "Look among the resolved";
    pub(super) const NONE_RESOLVED: &str = "Nothing is resolved yet";
    pub(super) const NONE_RESOLVED_REASON: &str =
        "What people, rules, grants or silence decide stands here, for everybody who may read it.";
    pub(super) const BY_ID: &str = "Open the page of this id";
    pub(super) const NO_ID: &str = "This is no decision id";
    pub(super) const NO_MATCH: &str = "Nothing matches";
    pub(super) const END: &str = "No more decisions";
    pub(super) const END_REASON: &str = "The decisions that stood here were resolved meanwhile.";
    pub(super) const START: &str = "Back to the start";
    pub(super) const TEAM: &str = "Show all open decisions";
    pub(super) const NOT_YOURS: &str = "Nothing here for you";
    pub(super) const NOT_YOUR_TURN: &str = "Nothing waits for you";
    pub(super) const NOTHING: &str = "Nothing is open";
    pub(super) const NOTHING_REASON: &str = "When an AI system proposes an action that a person has to review, it appears here. An admin registers systems and hands out their keys under AI systems.";
    pub(super) const NO_WAITING: &str = "Nothing waits for others after you";
    pub(super) const NO_WAITING_REASON: &str =
        "When you approve a decision that needs more people, it stays here until they have reviewed it.";
    pub(super) const NO_DEFERRED: &str = "You have put nothing off";
    pub(super) const NO_DEFERRED_REASON: &str =
        "What you put off with Defer waits here until the time you chose, and is your turn again then.";
    pub(super) const NO_SETTLING: &str = "Nothing is settling";
    pub(super) const NO_SETTLING_REASON: &str =
        "Decided and not final yet: for some seconds a review may be taken back, and the AI system is told nothing.";
    pub(super) const NO_BREACHING: &str = "No deadline is near";
    pub(super) const NO_BREACHING_REASON: &str =
        "Open decisions with less than a quarter of their time left stand here, and those that are overdue.";
    pub(super) const NO_OWNED: &str = "Nothing was asked of what you own";
    pub(super) const NO_OWNED_REASON: &str =
        "When a reviewer asks an AI system that you own for a change, its decision stands here until the answer is in.";
    pub(super) const NO_COMPENSATION: &str = "Nothing is to be made good";
    pub(super) const NO_COMPENSATION_REASON: &str = "When an approval is revoked after its action had an effect, the decision stands here for the senior approvers of its AI system and type, until one records what was done about it.";
    pub(super) const NO_RESOLVED: &str = "Nothing that you reviewed is resolved yet";
    pub(super) const NO_RESOLVED_REASON: &str = "Decisions that you reviewed appear here with their outcome.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_others_is_counted_with_the_next_deadline() {
        assert_eq!(others(12, Some(0)), "12 wait for others, next deadline 1 Jan 1970, 00:00 UTC.");
        assert_eq!(others(1, None), "1 waits for others.");
    }
}
