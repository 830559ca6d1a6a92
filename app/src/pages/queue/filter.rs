//! The queue's address: view, order, filters, place in the list, selected row.

use countersign_domain::{
    decision::{ResolutionOutcome, Risk},
    ids::DecisionId,
    policy::Route,
    queue::{Asked, IdSearch, Narrowed, Sort, View},
};
use leptos_router::params::ParamsMap;

use crate::components::marks::outcome_words;

/// What the address of the queue says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Which list; without it the one that this person starts with.
    pub(crate) view: Option<View>,
    /// In which order.
    pub(crate) sort: Sort,
    /// What narrows it.
    pub(crate) narrowed: Narrowed,
    /// What was typed for an id and is none.
    pub(crate) no_id: Option<NoId>,
    /// Where the page of rows starts.
    pub(crate) after: Option<String>,
}

/// Text that was to be an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoId {
    /// The text.
    pub(crate) typed: String,
    /// What an id looks like.
    pub(crate) problem: &'static str,
}

/// The fields of the filter form, as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) view: String,
    pub(crate) sort: String,
    pub(crate) risk: String,
    pub(crate) system: String,
    pub(crate) type_name: String,
    pub(crate) route: String,
    pub(crate) outcome: String,
    pub(crate) id: String,
    pub(crate) case: String,
    pub(crate) after: String,
}

impl Filter {
    /// Reads an address; words that it does not know do not filter.
    pub(crate) fn from_query(query: &ParamsMap) -> Self {
        let text = |name: &str| query.get(name).unwrap_or_default();
        Self::new(&Fields {
            view: text("view"),
            sort: text("sort"),
            risk: text("risk"),
            system: text("system"),
            type_name: text("type"),
            route: text("route"),
            outcome: text("outcome"),
            id: text("id"),
            case: text("case"),
            after: text("after"),
        })
    }

    /// Reads what the fields of the filter form hold.
    pub(crate) fn new(fields: &Fields) -> Self {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let id = text(&fields.id).map(|typed| IdSearch::parse(&typed).map_err(|problem| NoId { typed, problem }));
        let (id, no_id) = match id {
            Some(Ok(id)) => (Some(id), None),
            Some(Err(no_id)) => (None, Some(no_id)),
            None => (None, None),
        };
        let view = View::from_word(fields.view.trim());
        // What is open has no final word yet.
        let resolved = view.is_some_and(|view| !view.is_open());
        Self {
            view,
            sort: Sort::from_word(fields.sort.trim()).unwrap_or_default(),
            narrowed: Narrowed {
                risk: Risk::from_word(fields.risk.trim()),
                system: text(&fields.system),
                type_name: text(&fields.type_name),
                route: Route::from_word(fields.route.trim()),
                outcome: ResolutionOutcome::from_word(fields.outcome.trim()).filter(|_| resolved),
                id,
                case: text(&fields.case),
            },
            no_id,
            after: text(&fields.after),
        }
    }

    /// Returns what a saved view asks for.
    pub(crate) fn saved(asked: &Asked) -> Self {
        Self { view: Some(asked.view), sort: asked.sort, narrowed: asked.narrowed.clone(), ..Self::default() }
    }

    /// Names the active filters.
    pub(crate) fn words(&self) -> String {
        let Narrowed { risk, system, type_name, route, outcome, id, case } = &self.narrowed;
        let words = [
            risk.map(|risk| format!("risk {}", risk.word())),
            system.as_ref().map(|system| format!("AI system “{system}”")),
            type_name.as_ref().map(|name| format!("action “{name}”")),
            route.map(|route| format!("route {}", route.label().to_ascii_lowercase())),
            outcome.map(|outcome| format!("outcome {}", outcome_words(outcome).to_lowercase())),
            id.as_ref().map(|id| format!("id {}", id.text())),
            case.as_ref().map(|case| format!("case “{case}”")),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Returns the text of the id field.
    pub(crate) fn id_text(&self) -> String {
        let typed = self.no_id.as_ref().map(|no_id| no_id.typed.clone());
        typed.or_else(|| self.narrowed.id.as_ref().map(IdSearch::text)).unwrap_or_default()
    }

    /// Writes the address, with a selected row.
    pub(crate) fn address(&self, selected: Option<DecisionId>) -> String {
        let Narrowed { risk, system, type_name, route, outcome, case, .. } = &self.narrowed;
        let pairs = [
            ("view", self.view.map(|view| view.word().to_owned())),
            ("sort", Some(self.sort).filter(|sort| *sort != Sort::default()).map(|sort| sort.word().to_owned())),
            ("risk", risk.map(|risk| risk.word().to_owned())),
            ("system", system.clone()),
            ("type", type_name.clone()),
            ("route", route.map(|route| route.word().to_owned())),
            ("outcome", outcome.map(|outcome| outcome.word().to_owned())),
            ("id", Some(self.id_text()).filter(|text| !text.is_empty())),
            ("case", case.clone()),
            ("after", self.after.clone()),
            ("sel", selected.map(|id| id.to_string())),
        ];
        let query: Vec<_> = pairs
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| format!("{name}={}", encode(&value))))
            .collect();
        if query.is_empty() { "/queue".into() } else { format!("/queue?{}", query.join("&")) }
    }

    /// Writes the address, with the decision that was just reviewed, and the one that is selected after it.
    pub(crate) fn address_done(&self, done: DecisionId, next: Option<DecisionId>) -> String {
        let list = self.address(next);
        let joint = if list.contains('?') { '&' } else { '?' };
        format!("{list}{joint}done={done}")
    }

    /// Returns the same filters at another place of the list.
    pub(crate) fn at(&self, after: Option<String>) -> Self {
        Self { after, ..self.clone() }
    }

    /// Returns a whole view in the same order.
    pub(crate) fn of(&self, view: View) -> Self {
        Self { view: Some(view), sort: self.sort, ..Self::default() }
    }

    /// Returns the view and order without filters.
    pub(crate) fn cleared(&self) -> Self {
        Self { view: self.view, sort: self.sort, ..Self::default() }
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_filters_is_bare() {
        assert_eq!(Filter::default().address(None), "/queue");
        let id = "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap();
        assert_eq!(Filter::default().address_done(id, None), format!("/queue?done={id}"));
        assert_eq!(Filter::default().of(View::Team).address_done(id, None), format!("/queue?view=team&done={id}"));
        assert_eq!(Filter::default().address_done(id, Some(id)), format!("/queue?sel={id}&done={id}"));
    }

    #[test]
    fn an_address_is_read_back_as_it_was_written() {
        let filter = Filter {
            view: Some(View::Breaching),
            sort: Sort::Sameness,
            narrowed: Narrowed {
                risk: Some(Risk::High),
                system: Some("Loans & more/€".into()),
                type_name: Some("refund.issue".into()),
                route: Some(Route::Escalate),
                outcome: None,
                id: Some(IdSearch::Short("886b812a".into())),
                case: Some("C-17".into()),
            },
            no_id: None,
            after: Some("d.17.ab".into()),
        };

        let address = filter.address(None);

        assert_eq!(
            address,
            "/queue?view=breaching&sort=sameness&risk=high&system=Loans%20%26%20more%2F%E2%82%AC&type=refund.issue&route=escalate&id=886B812A&case=C-17&after=d.17.ab"
        );
        let mut query = ParamsMap::new();
        for (name, value) in [
            ("view", "breaching"),
            ("sort", "sameness"),
            ("risk", "high"),
            ("system", "Loans & more/€"),
            ("type", "refund.issue"),
            ("route", "escalate"),
            ("id", "886B812A"),
            ("case", "C-17"),
            ("after", "d.17.ab"),
        ] {
            query.insert(name, value.into());
        }
        assert_eq!(Filter::from_query(&query), filter);
        assert_eq!(filter.cleared().address(None), "/queue?view=breaching&sort=sameness");
    }

    #[test]
    fn an_outcome_narrows_what_is_resolved_and_nothing_else() {
        let fields = |view: &str| Fields { view: view.into(), outcome: "expired".into(), ..Fields::default() };

        let resolved = Filter::new(&fields("all_resolved"));
        assert_eq!(resolved.address(None), "/queue?view=all_resolved&outcome=expired");
        assert_eq!(Filter::new(&fields("team")).address(None), "/queue?view=team");
        assert_eq!(Filter::new(&fields("")).address(None), "/queue");
    }

    #[test]
    fn unknown_words_and_blanks_do_not_filter() {
        let mut query = ParamsMap::new();
        query.insert("risk", "extreme".into());
        query.insert("system", "  ".into());
        query.insert("view", "everything".into());
        query.insert("sort", "colour".into());

        let filter = Filter::from_query(&query);

        assert_eq!(filter, Filter::default());
        assert_eq!(filter.words(), "");
    }

    #[test]
    fn what_is_no_id_is_kept_in_its_field_and_said() {
        let mut query = ParamsMap::new();
        query.insert("id", "refund 12".into());

        let filter = Filter::from_query(&query);

        assert!(filter.no_id.as_ref().is_some_and(|no_id| no_id.problem.contains("eight")));
        assert_eq!((filter.id_text().as_str(), filter.narrowed.narrows()), ("refund 12", false));
        assert_eq!(filter.address(None), "/queue?id=refund%2012");
    }
}
