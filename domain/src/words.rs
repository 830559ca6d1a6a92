//! Words of a closed list, as serde reads them.

use serde::{Deserialize as _, Deserializer, de::Error as _};

/// Reads a word and what it stands for. One function for all lists: what serde derives is a visitor for each, and
/// browsers load them all.
pub(crate) fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    of: fn(&str) -> Option<T>,
    words: &'static [&'static str],
) -> Result<T, D::Error> {
    let word = String::deserialize(deserializer)?;
    of(&word).ok_or_else(|| D::Error::unknown_variant(&word, words))
}

#[cfg(test)]
mod tests {
    use crate::decision::Risk;

    #[test]
    fn words_are_read_and_others_named() {
        assert_eq!(serde_json::from_str::<Risk>("\"high\"").unwrap(), Risk::High);
        assert_eq!(serde_json::to_string(&Risk::Low).unwrap(), "\"low\"");
        let error = serde_json::from_str::<Risk>("\"dire\"").unwrap_err().to_string();
        assert!(error.contains("dire") && error.contains("`low`, `medium`, `high`"), "{error}");
        assert!(serde_json::from_str::<Risk>("3").is_err());
    }
}
