//! The queue: which decisions a view holds, in which order, and how one is looked up.
//!
//! A view is a question about one person and one decision. The engine answers it in SQL (`db::queue`); the words, the
//! order of the rail and what a deadline means stand here, so that page, address and query say the same.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{ResolutionOutcome, Risk, words},
    ids::DecisionId,
    policy::Route,
};

words! {
    /// A list of the queue, each about the person who reads it; in the order of the rail.
    View {
        /// Open, a seat is free that this person can fill now, and they have not reviewed it.
        YourTurn "your_turn"
        /// Open, and this person may read it.
        Team "team"
        /// Open, and this person has ruled on it.
        Waiting "waiting"
        /// Open, and this person put it off to a time that is still to come.
        Deferred "deferred"
        /// Decided, and a review may still be taken back.
        Settling "settling"
        /// Open, with less than a quarter of its time left, or overdue.
        Breaching "breaching"
        /// Resolved, and this person has reviewed it.
        Resolved "resolved"
        /// Resolved, however and by whomever, and this person may read it.
        AllResolved "all_resolved"
        /// Revoked after its action had an effect, which nobody has made good yet, and this person may record that.
        Compensation "compensation"
        /// Its AI system was asked for a change, and this person owns that system.
        Owned "owned"
    }
}

impl View {
    /// Returns the name on screen.
    pub const fn name(self) -> &'static str {
        match self {
            View::YourTurn => "Your turn",
            View::Team => "Team",
            View::Waiting => "Waiting for others",
            View::Deferred => "Put off by you",
            View::Settling => "Settling",
            View::Breaching => "Breaching",
            View::Resolved => "Resolved by you",
            View::AllResolved => "All resolved",
            View::Compensation => "To make good",
            View::Owned => "Yours as owner",
        }
    }

    /// Tells whether the view holds open decisions.
    pub const fn is_open(self) -> bool {
        !matches!(self, View::Resolved | View::AllResolved | View::Compensation)
    }

    /// Tells whether the rail names the view only while it holds something: most people have no such work, and need no
    /// empty list that says so.
    pub const fn is_rare(self) -> bool {
        matches!(self, View::Owned | View::Compensation)
    }

    /// Returns the view that somebody starts with.
    pub const fn first(reviews: bool) -> Self {
        if reviews { View::YourTurn } else { View::Team }
    }
}

words! {
    /// The order of open decisions, the default first; resolved ones stand newest first.
    #[derive(Default)]
    Sort {
        /// Least time left first.
        #[default]
        Deadline "deadline"
        /// Highest risk first, then least time left.
        Risk "risk"
        /// Newest proposal first.
        Newest "newest"
        /// Equal action type and rule together, then least time left.
        Sameness "sameness"
    }
}

impl Sort {
    /// Returns the name on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Sort::Deadline => "Deadline",
            Sort::Risk => "Risk",
            Sort::Newest => "Newest",
            Sort::Sameness => "Sameness",
        }
    }
}

/// How many decisions a view holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The view.
    pub view: View,
    /// How many, up to [`COUNTED_MAX`] where `more` is set.
    pub count: u64,
    /// There are more than were counted.
    pub more: bool,
}

/// Resolved decisions are counted up to here: what somebody reviewed in years is never counted out for a rail.
pub const COUNTED_MAX: u64 = 99;

impl Count {
    /// Says the count, such as `12` or `99+`.
    pub fn words(self) -> String {
        format!("{}{}", self.count, if self.more { "+" } else { "" })
    }
}

/// What narrows a view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// Only this risk.
    pub risk: Option<Risk>,
    /// Only this system, by name.
    pub system: Option<String>,
    /// Only this action type, by name.
    pub type_name: Option<String>,
    /// Only this route.
    pub route: Option<Route>,
    /// Only this final word; of what is resolved.
    #[serde(default)]
    pub outcome: Option<ResolutionOutcome>,
    /// Only the decision with this id.
    pub id: Option<IdSearch>,
    /// Only decisions of the case that an AI system names so.
    #[serde(default)]
    pub case: Option<String>,
}

impl Narrowed {
    /// Tells whether it looks something up, and so is no view that anybody comes back to.
    pub fn looks_up(&self) -> bool {
        self.id.is_some() || self.case.is_some()
    }

    /// Tells whether anything is left out.
    pub fn narrows(&self) -> bool {
        *self != Self::default()
    }
}

/// What somebody asks the queue for, apart from the place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which list.
    pub view: View,
    /// In which order.
    pub sort: Sort,
    /// What narrows it.
    pub narrowed: Narrowed,
}

/// A decision as people name it: by its whole id, or by the short form that screens print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdSearch {
    /// The whole id.
    Whole(DecisionId),
    /// The last eight hex digits, in lower case.
    Short(String),
}

impl IdSearch {
    /// Reads what somebody typed; spaces around it and capitals do not matter.
    ///
    /// # Errors
    ///
    /// A sentence that says what an id looks like.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim().to_ascii_lowercase();
        if text.len() == SHORT && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::Short(text));
        }
        text.parse().map(Self::Whole).map_err(|_| ID_FORM)
    }

    /// Returns the text to print and to put into addresses.
    pub fn text(&self) -> String {
        match self {
            IdSearch::Whole(id) => id.to_string(),
            IdSearch::Short(short) => short.to_ascii_uppercase(),
        }
    }
}

/// Length of the short form.
const SHORT: usize = 8;
const ID_FORM: &str =
    "Type the id of a decision, or its short form: eight digits and letters a to f, such as 2979886B.";

/// Tells whether less than a quarter of the time is left, or none.
pub fn is_breaching(since: u64, due_at: u64, now: u64) -> bool {
    due_at.saturating_sub(now).saturating_mul(4) < due_at.saturating_sub(since) || now >= due_at
}

/// Returns how much of the time is left, in hundredths.
pub fn left_percent(since: u64, due_at: u64, now: u64) -> u64 {
    let (whole, left) = (due_at.saturating_sub(since), due_at.saturating_sub(now));
    left.saturating_mul(100).checked_div(whole).map_or(0, |percent| percent.min(100))
}

/// Says which rule decided, where no person did: such as "Approved by rule refund-small, version 7".
pub fn by_rule(outcome: &str, rule: &str, version: u64) -> String {
    format!("{outcome} by rule {rule}, version {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_others_are_not() {
        for view in View::ALL.iter().copied() {
            assert_eq!(View::from_word(view.word()), Some(view));
        }
        for sort in Sort::ALL.iter().copied() {
            assert_eq!(Sort::from_word(sort.word()), Some(sort));
        }
        assert_eq!(View::from_word("everything"), None);
        assert_eq!(Sort::from_word(""), None);
        assert_eq!((View::first(true), View::first(false)), (View::YourTurn, View::Team));
    }

    #[test]
    fn the_last_quarter_breaches_and_what_is_overdue_goes_on_breaching() {
        assert!(!is_breaching(0, 400, 300), "a quarter is left");
        assert!(is_breaching(0, 400, 301));
        assert!(is_breaching(0, 400, 400));
        assert!(is_breaching(0, 400, 90_000));
        assert!(!is_breaching(0, 400, 0));
        assert!(is_breaching(400, 400, 400), "no time at all");
    }

    #[test]
    fn the_ring_runs_from_full_to_empty_and_never_past_either() {
        assert_eq!(left_percent(0, 400, 0), 100);
        assert_eq!(left_percent(0, 400, 100), 75);
        assert_eq!(left_percent(0, 400, 500), 0);
        assert_eq!(left_percent(100, 400, 0), 100, "a clock before the start");
        assert_eq!(left_percent(400, 400, 400), 0);
    }

    #[test]
    fn ids_are_found_as_people_copy_them() {
        let id: DecisionId = "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap();

        assert_eq!(IdSearch::parse(&format!(" {} ", id.to_string().to_uppercase())), Ok(IdSearch::Whole(id)));
        assert_eq!(IdSearch::parse(&id.short()), Ok(IdSearch::Short("886b812a".into())));
        assert_eq!(IdSearch::Short("886b812a".into()).text(), "886B812A");
        for wrong in ["", "886b812", "886b812g", "refund", "%", "01a19b7d-90e0-7f95-ae73-2979886b812"] {
            assert!(IdSearch::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_count_says_when_there_are_more() {
        assert_eq!(Count { view: View::Team, count: 12, more: false }.words(), "12");
        assert_eq!(Count { view: View::Resolved, count: COUNTED_MAX, more: true }.words(), "99+");
    }

    #[test]
    fn a_rule_that_decided_is_named_with_its_version() {
        assert_eq!(by_rule("Approved", "refund-small", 7), "Approved by rule refund-small, version 7");
    }
}
