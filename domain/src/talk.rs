//! What people write to each other beside a decision or to the next shift, and whom a text names.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{EntryId, FormId, HandoverId, SystemId},
    text::{InvalidText, REASON_CHARACTERS_MAX, bounded},
    view::Seal,
};

/// The most people that one comment names.
pub const MENTIONS_MAX: usize = 8;
/// The shortest sign-in name.
const LOGIN_CHARACTERS_MIN: usize = 3;

/// A comment or hand-over note: trimmed, never blank, at most 2,000 characters, lines end in LF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Note(String);

impl Note {
    /// Reads a text as a form sends it.
    ///
    /// # Errors
    ///
    /// [`InvalidText`] when it is blank, too long or holds a NUL character.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        bounded(text, REASON_CHARACTERS_MAX).map(Self)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the sign-in names that the text mentions with `@`, lower case, each once, in order.
    ///
    /// An `@` inside a word, as in an e-mail address, mentions nobody. Punctuation behind a name is none of it.
    pub fn mentions(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut before = None;
        let mut rest = self.0.char_indices().peekable();
        while let Some((at, character)) = rest.next() {
            let begins = character == '@' && !before.is_some_and(is_of_name);
            before = Some(character);
            if !begins {
                continue;
            }
            let start = at + character.len_utf8();
            let mut end = start;
            while let Some((next, character)) = rest.next_if(|(_, character)| is_of_name(*character)) {
                end = next + character.len_utf8();
                before = Some(character);
            }
            let name = self.0[start..end].trim_end_matches(['.', '-', '_', '+', '@']).to_lowercase();
            if name.chars().count() >= LOGIN_CHARACTERS_MIN && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl TryFrom<String> for Note {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::new(&text)
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.0
    }
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | '+' | '@')
}

/// The comments of a decision, and the form for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentsView {
    /// Comments, oldest first.
    pub rows: Vec<CommentRow>,
    /// Why this person may not comment, if so.
    pub barred: Option<String>,
    /// Makes one form one comment, however often it is sent.
    pub nonce: FormId,
    /// Who can be mentioned.
    pub colleagues: Vec<Colleague>,
}

/// One comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentRow {
    /// Its entry, which names it.
    pub entry: EntryId,
    /// Who wrote it, by name, or "erased".
    pub person: String,
    /// The text, or "erased".
    pub text: String,
    /// The question in it.
    pub question: Option<Question>,
    /// Whose question it answers, by name, or "erased".
    pub answers: Option<String>,
    /// When.
    pub at: u64,
    /// Its seal.
    pub seal: Seal,
}

/// A question to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Who is asked, by name, or "erased".
    pub asks: String,
    /// They have not answered.
    pub open: bool,
    /// The reader is asked.
    pub own: bool,
}

/// Somebody who may read the decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Colleague {
    /// The name.
    pub name: String,
    /// The sign-in name.
    pub login: String,
}

/// A hand-over note that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownHandover {
    /// The note.
    pub id: HandoverId,
    /// Name of the AI system that it is about; all of them without.
    pub system: Option<String>,
    /// Who wrote it, by name, or "erased".
    pub person: String,
    /// The text, or "erased".
    pub text: String,
    /// When.
    pub at: u64,
    /// When it is shown no longer.
    pub until: u64,
    /// The reader may end it for everybody.
    pub may_end: bool,
}

/// The page of hand-over notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoversView {
    /// Notes that run, newest first.
    pub rows: Vec<ShownHandover>,
    /// AI systems that the reader may write about, by name.
    pub systems: Vec<(SystemId, String)>,
    /// The reader may write about all AI systems at once.
    pub may_all: bool,
    /// Why this person may not write one, if so.
    pub barred: Option<String>,
    /// Makes one form one note, however often it is sent.
    pub nonce: FormId,
    /// Server time.
    pub now: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_mentions_names_and_no_addresses() {
        let mentioned = |text: &str| Note::new(text).unwrap().mentions();

        assert_eq!(mentioned("@anna, ask (@Bert.Blau). @anna!"), ["anna", "bert.blau"]);
        assert_eq!(mentioned("write to anna@example.org"), Vec::<String>::new());
        assert_eq!(mentioned("@anna@example.org: see"), ["anna@example.org"]);
        assert_eq!(mentioned("line\n@łukasz-b"), ["łukasz-b"]);
        assert_eq!(mentioned("40 kg @5 each, @ noon, @@"), Vec::<String>::new());
        assert_eq!(mentioned("ends with @anna"), ["anna"]);
    }

    #[test]
    fn blank_long_and_nul_texts_are_refused() {
        assert_eq!(Note::new(" \n "), Err(InvalidText::Blank));
        assert_eq!(Note::new(&"x".repeat(2_001)), Err(InvalidText::TooLong(2_000)));
        assert_eq!(Note::new(&"ü".repeat(2_000)).unwrap().as_str().chars().count(), 2_000);
        assert_eq!(Note::new("a\0b"), Err(InvalidText::Nul));
        assert_eq!(Note::new(" two\r\nlines ").unwrap().as_str(), "two\nlines");
    }
}
