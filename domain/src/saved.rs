//! Saved views of the queue: a name for filters and an order, which one person keeps for themselves.

use serde::{Deserialize, Serialize};

use crate::{
    ids::SavedViewId,
    queue::{Asked, COUNTED_MAX},
    text::{InvalidText, bounded},
};

/// How many saved views one person keeps; the database refuses more too.
pub const SAVED_MAX: usize = 20;
/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 60;

/// What a saved view is called: trimmed, one line, 1 to 60 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ViewName(String);

impl ViewName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`InvalidText`] when it is blank, too long, or has a line break or NUL character.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        let text = bounded(text, NAME_CHARACTERS_MAX)?;
        if text.contains('\n') { Err(InvalidText::LineBreak) } else { Ok(Self(text)) }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ViewName {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::new(&text)
    }
}

impl From<ViewName> for String {
    fn from(name: ViewName) -> Self {
        name.0
    }
}

/// A saved view as its owner finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// The view.
    pub id: SavedViewId,
    /// What its owner calls it.
    pub name: String,
    /// What it asks the queue for.
    pub asked: Asked,
}

/// A saved view beside the built-in ones, with how many decisions it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedView {
    /// The view.
    pub saved: SavedView,
    /// How many, up to [`COUNTED_MAX`] where `more` is set.
    pub count: u64,
    /// There are more than were counted.
    pub more: bool,
}

impl CountedView {
    /// Makes it from a count that may pass what is shown.
    pub fn new(saved: SavedView, count: u64) -> Self {
        let more = !saved.asked.view.is_open() && count > COUNTED_MAX;
        Self { saved, count: if more { COUNTED_MAX } else { count }, more }
    }

    /// Says the count, such as `12` or `99+`.
    pub fn words(&self) -> String {
        format!("{}{}", self.count, if self.more { "+" } else { "" })
    }
}

/// The longest name of a system or type in a saved view, in characters.
const NAMED_CHARACTERS_MAX: usize = 200;

/// Why a view cannot be saved as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSavable {
    /// It narrows to a system or type that can have no such name.
    NamesNothing,
    /// It looks one decision up.
    NamesOne,
    /// As many are kept as there is room for.
    Full,
}

/// Tells whether one more view can be saved, beside so many.
///
/// # Errors
///
/// [`NotSavable`], with the words for its reader in [`NotSavable::sentence`].
pub fn check(asked: &Asked, kept: usize) -> Result<(), NotSavable> {
    let narrowed = &asked.narrowed;
    let names_nothing = |name: &String| name.contains('\0') || name.chars().count() > NAMED_CHARACTERS_MAX;
    match (narrowed.looks_up(), kept) {
        (true, _) => Err(NotSavable::NamesOne),
        (false, _) if [&narrowed.system, &narrowed.type_name].into_iter().flatten().any(names_nothing) => {
            Err(NotSavable::NamesNothing)
        }
        (false, kept) if kept >= SAVED_MAX => Err(NotSavable::Full),
        (false, _) => Ok(()),
    }
}

impl NotSavable {
    /// Says what to do instead.
    pub const fn sentence(self) -> &'static str {
        match self {
            NotSavable::NamesNothing => {
                "No AI system and no action type has a name like that. Change the filter, then save it."
            }
            NotSavable::NamesOne => {
                "A view that looks for one id is a link, not a list. Take the id away, then save it."
            }
            NotSavable::Full => "You keep 20 views, which is all there is room for. Remove one, then save this.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decision::Risk,
        queue::{IdSearch, Narrowed, Sort, View},
    };

    #[test]
    fn a_name_is_one_line_that_says_something() {
        assert_eq!(ViewName::new("  Loans over 10,000 ").unwrap().as_str(), "Loans over 10,000");
        assert_eq!(ViewName::new(" "), Err(InvalidText::Blank));
        assert_eq!(ViewName::new("a\nb"), Err(InvalidText::LineBreak));
        assert_eq!(ViewName::new(&"a".repeat(61)), Err(InvalidText::TooLong(60)));
        assert!(ViewName::new(&"é".repeat(60)).is_ok(), "characters count, not bytes");
    }

    #[test]
    fn the_twenty_first_and_a_look_up_of_one_decision_are_refused() {
        let look_up = Narrowed { id: Some(IdSearch::Short("886b812a".into())), ..Narrowed::default() };

        assert_eq!(check(&asked(Narrowed::default()), 19), Ok(()));
        assert_eq!(check(&asked(Narrowed::default()), 20), Err(NotSavable::Full));
        assert_eq!(check(&asked(look_up), 0), Err(NotSavable::NamesOne));
        for name in ["\0".to_owned(), "x".repeat(201)] {
            let narrowed = Narrowed { system: Some(name), ..Narrowed::default() };
            assert_eq!(check(&asked(narrowed), 0), Err(NotSavable::NamesNothing));
        }
    }

    #[test]
    fn open_decisions_are_counted_out_and_resolved_ones_are_not() {
        let saved = |view| SavedView {
            id: "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap(),
            name: "Loans".into(),
            asked: Asked { view, ..asked(Narrowed { risk: Some(Risk::High), ..Narrowed::default() }) },
        };

        assert_eq!(CountedView::new(saved(View::Team), 120).words(), "120");
        assert_eq!(CountedView::new(saved(View::Resolved), 100).words(), "99+");
        assert_eq!(CountedView::new(saved(View::Resolved), 99).words(), "99");
    }

    fn asked(narrowed: Narrowed) -> Asked {
        Asked { view: View::Team, sort: Sort::Deadline, narrowed }
    }
}
