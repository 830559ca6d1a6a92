//! The queue's address: filters, place in the list, selected row.

use countersign_domain::{decision::Risk, ids::DecisionId};
use leptos_router::params::ParamsMap;

/// What the address of the queue says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Only this risk.
    pub(crate) risk: Option<Risk>,
    /// Only this system, by name.
    pub(crate) system: Option<String>,
    /// Where the page of rows starts.
    pub(crate) after: Option<String>,
}

impl Filter {
    /// Reads an address; what it cannot read does not filter.
    pub(crate) fn from_query(query: &ParamsMap) -> Self {
        let text = |name: &str| query.get(name).unwrap_or_default();
        Self::new(&text("risk"), &text("system"), &text("after"))
    }

    /// Reads what the fields of the filter form hold.
    pub(crate) fn new(risk: &str, system: &str, after: &str) -> Self {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Self { risk: Risk::from_word(risk.trim()), system: text(system), after: text(after) }
    }

    /// Tells whether rows are left out.
    pub(crate) fn narrows(&self) -> bool {
        self.risk.is_some() || self.system.is_some()
    }

    /// Names the active filters.
    pub(crate) fn words(&self) -> String {
        let risk = self.risk.map(|risk| format!("risk {}", risk.word()));
        let system = self.system.as_ref().map(|system| format!("system “{system}”"));
        risk.into_iter().chain(system).collect::<Vec<_>>().join(", ")
    }

    /// Writes the address, with a selected row.
    pub(crate) fn address(&self, selected: Option<DecisionId>) -> String {
        let pairs = [
            ("risk", self.risk.map(|risk| risk.word().to_owned())),
            ("system", self.system.clone()),
            ("after", self.after.clone()),
            ("sel", selected.map(|id| id.to_string())),
        ];
        let query: Vec<_> = pairs
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| format!("{name}={}", encode(&value))))
            .collect();
        if query.is_empty() { "/queue".into() } else { format!("/queue?{}", query.join("&")) }
    }

    /// Returns the same filters at another place of the list.
    pub(crate) fn at(&self, after: Option<String>) -> Self {
        Self { after, ..self.clone() }
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
    }

    #[test]
    fn an_address_is_read_back_as_it_was_written() {
        let filter =
            Filter { risk: Some(Risk::High), system: Some("Loans & more/€".into()), after: Some("17.ab".into()) };

        let address = filter.address(None);

        assert_eq!(address, "/queue?risk=high&system=Loans%20%26%20more%2F%E2%82%AC&after=17.ab");
        let mut query = ParamsMap::new();
        query.insert("risk", "high".into());
        query.insert("system", "Loans & more/€".into());
        query.insert("after", "17.ab".into());
        assert_eq!(Filter::from_query(&query), filter);
    }

    #[test]
    fn unknown_words_and_blanks_do_not_filter() {
        let mut query = ParamsMap::new();
        query.insert("risk", "extreme".into());
        query.insert("system", "  ".into());

        let filter = Filter::from_query(&query);

        assert!(!filter.narrows());
        assert_eq!(filter.words(), "");
    }
}
