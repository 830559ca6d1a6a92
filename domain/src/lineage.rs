//! Versions of what is proposed, and what changed from one to the next, field by field.

use serde::{Deserialize, Serialize};

use crate::decision::words;

words! {
    /// What happened to a field from one version to the next.
    Change {
        /// It is new.
        Added "added"
        /// It is gone.
        Removed "removed"
        /// It has another value.
        Changed "changed"
    }
}

words! {
    /// Who made a version.
    Maker {
        /// The AI system, which proposed it.
        Proposed "proposed"
        /// The AI system, which answered a request for changes.
        Revised "revised"
        /// A reviewer, who edited it.
        Edited "edited"
    }
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Name of the field.
    pub name: String,
    /// What screens call it.
    pub label: String,
    /// What happened to it.
    pub change: Change,
    /// The value before, unless it is masked or erased.
    pub before: Option<String>,
    /// The value after, unless it is masked or erased.
    pub after: Option<String>,
    /// The values are personal and not shown.
    pub withheld: bool,
}

/// A field of a version: its name, and its value unless it was erased.
pub type Value<'a> = (&'a str, Option<&'a str>);

/// Compares two versions: what differs, in the order of the first and then what the second adds.
///
/// A value that was erased differs from everything but another that was erased.
pub fn compare(before: &[Value<'_>], after: &[Value<'_>]) -> Vec<FieldChange> {
    let find = |side: &[Value<'_>], name: &str| {
        side.iter().find(|(known, _)| *known == name).map(|(_, value)| value.map(str::to_owned))
    };
    let made = |name: &str, change, before: Option<Option<String>>, after: Option<Option<String>>| FieldChange {
        name: name.to_owned(),
        label: name.to_owned(),
        change,
        before: before.flatten(),
        after: after.flatten(),
        withheld: false,
    };
    let kept = before.iter().filter_map(|(name, _)| match (find(before, name), find(after, name)) {
        (was, None) => Some(made(name, Change::Removed, was, None)),
        (was, is) if was != is => Some(made(name, Change::Changed, was, is)),
        _ => None,
    });
    let added = after.iter().filter(|(name, _)| find(before, name).is_none());
    kept.chain(added.map(|(name, _)| made(name, Change::Added, None, find(after, name)))).collect()
}

impl FieldChange {
    /// Takes the values out of a change that may not be shown.
    pub fn mask(&mut self) {
        self.before = None;
        self.after = None;
        self.withheld = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_removed_and_changed_is_named_and_nothing_else() {
        let before = [("order", Some("A1")), ("amount", Some("40.00")), ("note", Some("soon")), ("name", None)];
        let after = [("order", Some("A1")), ("amount", Some("20.00")), ("bank", Some("x")), ("name", None)];

        let found = compare(&before, &after);

        let words: Vec<_> = found.iter().map(|field| (field.name.as_str(), field.change)).collect();
        assert_eq!(words, [("amount", Change::Changed), ("note", Change::Removed), ("bank", Change::Added)]);
        assert_eq!((found[0].before.as_deref(), found[0].after.as_deref()), (Some("40.00"), Some("20.00")));
        assert_eq!((found[1].before.as_deref(), found[1].after.as_deref()), (Some("soon"), None));
    }

    #[test]
    fn a_masked_change_says_that_it_changed_and_no_value() {
        let mut change = compare(&[("name", Some("Anna"))], &[("name", Some("Ben"))]).remove(0);

        change.mask();

        assert_eq!((change.change, change.before, change.after, change.withheld), (Change::Changed, None, None, true));
    }
}
