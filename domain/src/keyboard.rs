//! Keys of one character, which each person may change or switch off (WCAG 2.1.4).
//!
//! What a key does on a page, and when none does anything, is the page's own table; here stands which keys have another
//! letter for somebody, and which letters may be taken.

use serde::{Deserialize, Serialize};

use crate::decision::words;

words! {
    /// What a key of one character asks for; the words are those that rows are kept by.
    Bound {
        /// Selects the next row.
        Next "next"
        /// Selects the previous row.
        Previous "previous"
        /// Opens the selected row.
        Open "open"
        /// Goes back to the list.
        Back "back"
        /// Selects the row to be reviewed with others.
        Choose "choose"
        /// Starts a review, or gives it up.
        Lease "lease"
        /// Arms Approve.
        Approve "approve"
        /// Arms Approve with edits.
        Edits "edits"
        /// Arms Request changes.
        Changes "changes"
        /// Arms Escalate.
        Escalate "escalate"
        /// Arms Reject.
        Reject "reject"
        /// Arms Defer.
        Defer "defer"
        /// Takes one's own review back.
        Retract "retract"
        /// Goes to the field of a comment.
        Comment "comment"
        /// Waits for the letter of a page.
        Go "go"
        /// Shows the keys.
        Help "help"
    }
}

impl Bound {
    /// Returns the key that it has where nobody changed it.
    pub const fn key(self) -> &'static str {
        match self {
            Bound::Next => "j",
            Bound::Previous => "k",
            Bound::Open => "o",
            Bound::Back => "[",
            Bound::Choose => "x",
            Bound::Lease => "l",
            Bound::Approve => "a",
            Bound::Edits => "e",
            Bound::Changes => "c",
            Bound::Escalate => "s",
            Bound::Reject => "r",
            Bound::Defer => "d",
            Bound::Retract => "u",
            Bound::Comment => "m",
            Bound::Go => "g",
            Bound::Help => "?",
        }
    }

    /// Returns what people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Bound::Next => "Next row",
            Bound::Previous => "Previous row",
            Bound::Open => "Open",
            Bound::Back => "Back to the list",
            Bound::Choose => "Select to review with others",
            Bound::Lease => "Start the review",
            Bound::Approve => "Approve",
            Bound::Edits => "Approve with edits",
            Bound::Changes => "Request changes",
            Bound::Escalate => "Escalate",
            Bound::Reject => "Reject",
            Bound::Defer => "Defer",
            Bound::Retract => "Take your review back",
            Bound::Comment => "Comment",
            Bound::Go => "Go to a page",
            Bound::Help => "Show the keys",
        }
    }

    /// Returns what has this key where nobody changed it.
    pub fn of(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bound| bound.key() == key)
    }
}

/// A key that may be taken: one character that is typed without Ctrl, Alt or the command key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

/// Why a key cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadKey {
    /// Enter, the space bar, Tab and Escape press, leave and dismiss.
    Reserved,
    /// With Ctrl, Alt or the command key it is the browser's.
    Chord,
    /// The browser opens its search with it.
    Search,
    /// It goes to a section of the decision.
    Section,
    /// It is not one character.
    NotOne,
    /// Something else has it.
    Taken(Bound),
}

impl BadKey {
    /// Says what to choose instead.
    pub fn sentence(self) -> String {
        match self {
            BadKey::Reserved => {
                "Enter, the space bar, Tab and Escape press buttons, move and dismiss everywhere. Choose a letter."
                    .into()
            }
            BadKey::Chord => {
                "Keys with Ctrl, Alt or the command key belong to the browser. Choose one character.".into()
            }
            BadKey::Search => "Browsers open their own search with this key. Choose another.".into(),
            BadKey::Section => "1 to 8 go to the sections of a decision. Choose another key.".into(),
            BadKey::NotOne => "Type one character, such as a letter.".into(),
            BadKey::Taken(bound) => {
                format!("“{}” has this key. Choose another, or change that one first.", bound.name())
            }
        }
    }
}

impl KeyName {
    /// Reads a key as somebody typed it; a capital is its small letter.
    ///
    /// # Errors
    ///
    /// [`BadKey`], never [`BadKey::Taken`].
    pub fn new(text: &str) -> Result<Self, BadKey> {
        if !text.is_empty() && text.chars().all(char::is_whitespace) {
            return Err(BadKey::Reserved);
        }
        let text = text.trim().to_lowercase();
        if ["enter", "return", "space", "spacebar", "tab", "escape", "esc"].contains(&text.as_str()) {
            return Err(BadKey::Reserved);
        }
        let chord =
            |word: &str| ["ctrl", "control", "alt", "option", "cmd", "command", "meta", "shift"].contains(&word);
        if text.chars().count() > 1 && text.split(['+', '-', ' ']).any(chord) {
            return Err(BadKey::Chord);
        }
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some('/' | '\''), None) => Err(BadKey::Search),
            (Some('1'..='8'), None) => Err(BadKey::Section),
            (Some(one), None) if is_typed(one) => Ok(Self(text)),
            _ => Err(BadKey::NotOne),
        }
    }

    /// Returns the key as browsers name it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells whether a character stands on a keyboard and on a page: nothing that is blank, hides or joins another.
fn is_typed(character: char) -> bool {
    character.is_alphanumeric() || character.is_ascii_punctuation() || "§£€".contains(character)
}

/// The keys of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMap {
    /// Keys of one character do nothing.
    pub off: bool,
    /// What has another key than everybody's.
    pub changed: Vec<(Bound, String)>,
}

impl KeyMap {
    /// Returns the key of something, whether keys are switched off or not.
    pub fn key(&self, bound: Bound) -> &str {
        self.own(bound).unwrap_or(bound.key())
    }

    /// Tells whether something has another key than everybody's.
    pub fn is_changed(&self, bound: Bound) -> bool {
        self.own(bound).is_some()
    }

    fn own(&self, bound: Bound) -> Option<&str> {
        self.changed.iter().find(|(changed, _)| *changed == bound).map(|(_, key)| key.as_str())
    }

    /// Returns the key of the page's table that a pressed key stands for; keys with names, such as Enter, stay.
    pub fn read<'a>(&self, pressed: &'a str) -> Option<&'a str> {
        let mut characters = pressed.chars();
        let one = characters.next().is_some() && characters.next().is_none();
        if !one {
            return Some(pressed);
        }
        if self.off {
            return None;
        }
        if let Some((bound, _)) = self.changed.iter().find(|(_, key)| key == pressed) {
            return Some(bound.key());
        }
        // A letter that somebody moved does nothing where it was.
        Some(pressed).filter(|pressed| !Bound::of(pressed).is_some_and(|bound| self.is_changed(bound)))
    }

    /// Tells whether something may have a key.
    ///
    /// # Errors
    ///
    /// [`BadKey::Taken`], by what has it.
    pub fn check(&self, bound: Bound, key: &str) -> Result<(), BadKey> {
        match Bound::ALL.iter().copied().find(|other| *other != bound && self.key(*other) == key) {
            Some(other) => Err(BadKey::Taken(other)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_the_key_of_another_and_each_may_keep_its_own() {
        for bound in Bound::ALL.iter().copied() {
            assert_eq!(KeyMap::default().check(bound, bound.key()), Ok(()));
            assert_eq!(KeyName::new(bound.key()).as_ref().map(KeyName::as_str), Ok(bound.key()));
            assert_eq!(Bound::of(bound.key()), Some(bound));
        }
    }

    #[test]
    fn no_key_is_enter_space_tab_escape_or_the_browsers() {
        for named in ["Enter", " ", "\t", "space", "Tab", "ESC", "escape", "Return"] {
            assert_eq!(KeyName::new(named), Err(BadKey::Reserved), "{named:?}");
        }
        for chord in ["Ctrl+W", "ctrl-t", "Alt F4", "cmd+q", "Shift+a"] {
            assert_eq!(KeyName::new(chord), Err(BadKey::Chord), "{chord}");
        }
        assert_eq!((KeyName::new("/"), KeyName::new("'")), (Err(BadKey::Search), Err(BadKey::Search)));
        assert_eq!((KeyName::new("1"), KeyName::new("8")), (Err(BadKey::Section), Err(BadKey::Section)));
        for none in ["", "ab", "F5", "\u{200b}", "\u{301}", "e\u{301}", "\u{202e}"] {
            assert_eq!(KeyName::new(none), Err(BadKey::NotOne), "{none:?}");
        }
        for one in ["z", "Z", " 9 ", "ö", ";", "+"] {
            assert!(KeyName::new(one).is_ok(), "{one}");
        }
        assert_eq!(KeyName::new("Z").unwrap().as_str(), "z");
    }

    #[test]
    fn a_moved_key_works_where_it_is_and_not_where_it_was() {
        let map = KeyMap { off: false, changed: vec![(Bound::Approve, "z".into()), (Bound::Reject, "a".into())] };

        assert_eq!(map.read("z"), Some("a"), "the table's key of Approve");
        assert_eq!(map.read("a"), Some("r"), "and what was its key is Reject's");
        assert_eq!(map.read("r"), None);
        assert_eq!(map.read("j"), Some("j"));
        assert_eq!(map.read("Escape"), Some("Escape"));
        assert_eq!((map.key(Bound::Reject), map.key(Bound::Next)), ("a", "j"));
    }

    #[test]
    fn a_conflict_names_who_has_the_key() {
        let map = KeyMap { off: false, changed: vec![(Bound::Approve, "z".into())] };

        assert_eq!(map.check(Bound::Reject, "z"), Err(BadKey::Taken(Bound::Approve)));
        assert_eq!(map.check(Bound::Reject, "e"), Err(BadKey::Taken(Bound::Edits)));
        assert_eq!(map.check(Bound::Reject, "a"), Ok(()), "nobody has it since Approve moved");
        assert!(BadKey::Taken(Bound::Edits).sentence().contains("Approve with edits"));
    }

    #[test]
    fn switched_off_only_keys_with_names_are_left() {
        let map = KeyMap { off: true, changed: vec![(Bound::Approve, "z".into())] };

        for key in ["a", "z", "j", "1", "?", "[", " "] {
            assert_eq!(map.read(key), None, "{key}");
        }
        for key in ["Enter", "ArrowDown", "Escape", "Tab"] {
            assert_eq!(map.read(key), Some(key));
        }
    }
}
