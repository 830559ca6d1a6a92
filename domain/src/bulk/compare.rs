//! What is unlike the rest, in one column: values that are rare where most are equal, and numbers that are far away.
//!
//! Numbers are judged by the modified z-score of Iglewicz and Hoaglin: the distance from the median, measured by the median
//! of all such distances, or by their mean where more than half of the numbers are equal. It does not move with the very
//! numbers that it is to find, as a mean and its deviation would.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::decision_type::Kind;

/// With fewer there is no rest to be unlike; the table shows them all at once.
const FEWEST: usize = 5;
/// A number this far away is an outlier.
const FAR: f64 = 3.5;
/// Makes the median of distances an estimate of the standard deviation.
const OF_MEDIAN: f64 = 1.486;
/// The same of their mean.
const OF_MEAN: f64 = 1.253_314;

/// A value of one decision in one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Given<'a> {
    /// The value, as it is committed.
    Value(&'a str),
    /// The proposal has none.
    Missing,
    /// It is masked or erased, so it is compared with nothing.
    Hidden,
}

/// How a value is unlike the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlier {
    /// A number far from the others.
    Far {
        /// The number in the middle of them all.
        median: String,
    },
    /// A value that few have, where most have the same.
    Rare {
        /// How many have it.
        count: u64,
        /// Of how many.
        of: u64,
    },
}

/// What one column says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Every decision has the same.
    pub common: bool,
    /// For each decision, how it is unlike the rest.
    pub outliers: Vec<Option<Outlier>>,
}

/// Compares the values of one column.
pub fn compare(kind: Kind, given: &[Given<'_>]) -> Compared {
    let common = given.windows(2).all(|pair| pair[0] == pair[1]);
    let none = || vec![None; given.len()];
    if common || given.len() < FEWEST || given.contains(&Given::Hidden) {
        return Compared { common, outliers: none() };
    }
    let mut outliers = rare(given);
    if matches!(kind, Kind::Integer | Kind::Decimal) {
        // Whether a number is there is a question of its own.
        let present: Vec<_> = given.iter().map(|given| present(*given)).collect();
        outliers = rare(&present);
        for (outlier, far) in outliers.iter_mut().zip(far(given)) {
            *outlier = outlier.take().or(far);
        }
    }
    Compared { common, outliers }
}

fn present(given: Given<'_>) -> Given<'_> {
    match given {
        Given::Value(_) => Given::Value(""),
        other => other,
    }
}

/// Marks values that one in ten has at most, or only one, where half have the same.
fn rare(given: &[Given<'_>]) -> Vec<Option<Outlier>> {
    let mut counts = HashMap::<_, usize>::new();
    for value in given {
        *counts.entry(*value).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or_default();
    given
        .iter()
        .map(|value| {
            let count = counts[value];
            let few = count == 1 || count * 10 <= given.len();
            (most * 2 >= given.len() && count < most && few)
                .then_some(Outlier::Rare { count: count as u64, of: given.len() as u64 })
        })
        .collect()
}

fn far(given: &[Given<'_>]) -> Vec<Option<Outlier>> {
    let number = |given: &Given<'_>| match given {
        Given::Value(text) => text.parse::<f64>().ok().filter(|number| number.is_finite()),
        Given::Missing | Given::Hidden => None,
    };
    let mut numbers: Vec<_> = given.iter().filter_map(|given| Some((number(given)?, *given))).collect();
    if numbers.len() < FEWEST {
        return vec![None; given.len()];
    }
    numbers.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    // Of an even count the lower one of the two in the middle, so that the page names a number that is there.
    let (median, Given::Value(words)) = numbers[(numbers.len() - 1) / 2] else { return vec![None; given.len()] };
    let mut distances: Vec<_> = numbers.iter().map(|(number, _)| (number - median).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let middle = distances[(distances.len() - 1) / 2];
    let mean = distances.iter().sum::<f64>() / distances.len() as f64;
    let spread = if middle > 0.0 { middle * OF_MEDIAN } else { mean * OF_MEAN };
    given
        .iter()
        .map(|given| {
            let distance = (number(given)? - median).abs();
            (spread > 0.0 && distance / spread > FAR).then(|| Outlier::Far { median: words.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_far_from_the_others_is_marked_and_its_like_are_not() {
        let amounts = ["40.00", "35.50", "52.10", "47.00", "44.90", "38.00", "4900.00"];

        let found = marked(Kind::Decimal, &amounts);

        assert_eq!(found, [6]);
        let outliers = compare(Kind::Decimal, &values(&amounts)).outliers;
        assert_eq!(outliers[6], Some(Outlier::Far { median: "44.90".into() }));
    }

    #[test]
    fn several_that_are_far_do_not_hide_each_other() {
        let amounts = ["40", "41", "42", "43", "44", "45", "46", "900", "950", "-800"];

        assert_eq!(marked(Kind::Integer, &amounts), [7, 8, 9]);
    }

    #[test]
    fn one_that_differs_where_the_rest_is_equal_is_marked_and_an_even_spread_is_not() {
        let mut equal = vec!["40.00"; 9];
        equal.push("41.00");
        assert_eq!(marked(Kind::Decimal, &equal), [9]);

        let spread: Vec<_> = (1..=20).map(|number| number.to_string()).collect();
        let spread: Vec<_> = spread.iter().map(String::as_str).collect();
        assert_eq!(marked(Kind::Integer, &spread), [0_usize; 0]);
    }

    #[test]
    fn a_rare_word_is_marked_where_most_have_the_same_and_names_of_their_own_are_not() {
        let reasons = ["late", "late", "late", "late", "late", "late", "broken"];
        assert_eq!(marked(Kind::Text, &reasons), [6]);
        let outliers = compare(Kind::Text, &values(&reasons)).outliers;
        assert_eq!(outliers[6], Some(Outlier::Rare { count: 1, of: 7 }));

        let orders = ["A1", "A2", "A3", "A4", "A5", "A6", "A7"];
        assert_eq!(marked(Kind::Text, &orders), [0_usize; 0]);
        // Two halves: neither is the rest.
        assert_eq!(marked(Kind::Boolean, &["true", "false", "true", "false", "true", "false"]), [0_usize; 0]);
    }

    #[test]
    fn what_is_missing_is_unlike_where_most_have_it() {
        let mut given = values(&["40", "41", "42", "43", "44"]);
        given.push(Given::Missing);

        let outliers = compare(Kind::Integer, &given).outliers;

        assert_eq!(outliers.iter().filter(|outlier| outlier.is_some()).count(), 1);
        assert_eq!(outliers[5], Some(Outlier::Rare { count: 1, of: 6 }));
    }

    #[test]
    fn few_are_compared_and_nothing_of_them_is_marked() {
        let few = compare(Kind::Integer, &values(&["1", "1", "900"]));

        assert!(!few.common && few.outliers.iter().all(Option::is_none));
        assert!(compare(Kind::Text, &values(&["a", "a"])).common);
        assert!(compare(Kind::Text, &[Given::Missing; 3]).common);
        assert!(compare(Kind::Text, &[]).common);
    }

    #[test]
    fn what_is_hidden_is_compared_with_nothing() {
        let mut given = values(&["1", "1", "1", "1", "1", "900"]);
        given.push(Given::Hidden);

        let compared = compare(Kind::Integer, &given);

        assert!(!compared.common && compared.outliers.iter().all(Option::is_none));
    }

    fn marked(kind: Kind, texts: &[&str]) -> Vec<usize> {
        let outliers = compare(kind, &values(texts)).outliers;
        outliers.iter().enumerate().filter(|(_, outlier)| outlier.is_some()).map(|(place, _)| place).collect()
    }

    fn values<'a>(texts: &[&'a str]) -> Vec<Given<'a>> {
        texts.iter().map(|text| Given::Value(text)).collect()
    }
}
