//! Text that people and agents write: folded, bounded, and drawn so that nothing in it hides.

use serde::{Deserialize, Serialize};

/// The longest reason, in characters.
pub const REASON_CHARACTERS_MAX: usize = 2_000;

/// Why a reviewer ruled as they did: trimmed, never blank, at most 2,000 characters, lines end in LF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Reason {
    /// Reads a reason as a form or a program sends it.
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
}

impl TryFrom<String> for Reason {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::new(&text)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// The name a person goes by: trimmed, one line, 1 to 120 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`InvalidText`] when it is blank, over 120 characters, or has a line break or NUL character.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        let text = bounded(text, 120)?;
        if text.contains('\n') { Err(InvalidText::LineBreak) } else { Ok(Self(text)) }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::new(&text)
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

/// What a text must be to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("write something here")]
    Blank,
    /// More characters than the field takes.
    #[error("at most {0} characters fit here")]
    TooLong(usize),
    /// A NUL character.
    #[error("the text holds a NUL character, which cannot be stored")]
    Nul,
    /// More than one line.
    #[error("one line only")]
    LineBreak,
}

/// Folds CRLF and CR to LF, because forms without JavaScript send CRLF and scripts send LF.
pub fn fold_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

pub(crate) fn bounded(text: &str, characters_max: usize) -> Result<String, InvalidText> {
    if text.contains('\0') {
        return Err(InvalidText::Nul);
    }
    let text = fold_lines(text);
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidText::Blank);
    }
    if text.chars().count() > characters_max {
        return Err(InvalidText::TooLong(characters_max));
    }

    Ok(text.to_owned())
}

/// A stretch of text as a page draws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Characters that look like what they are.
    Plain(String),
    /// One character that hides or reorders others, drawn as its code point.
    Marked {
        /// The character's code point, such as `U+202E`.
        code: String,
        /// What it would have done unseen.
        name: &'static str,
    },
}

/// Splits text so that control, bidirectional and zero-width characters become visible marks.
///
/// Line feed and tab stay plain. Concatenating the plain parts with the marked characters gives the
/// text back, so nothing is dropped.
pub fn segments(text: &str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut plain = String::new();
    for character in text.chars() {
        match hidden(character) {
            None => plain.push(character),
            Some(name) => {
                if !plain.is_empty() {
                    found.push(Segment::Plain(std::mem::take(&mut plain)));
                }
                found.push(Segment::Marked { code: format!("U+{:04X}", character as u32), name });
            }
        }
    }
    if !plain.is_empty() {
        found.push(Segment::Plain(plain));
    }

    found
}

fn hidden(character: char) -> Option<&'static str> {
    match character {
        '\n' | '\t' => None,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Some("control character"),
        '\u{ad}' => Some("soft hyphen"),
        '\u{61c}' | '\u{200e}' | '\u{200f}' => Some("direction mark"),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some("direction override"),
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => Some("zero-width character"),
        '\u{180b}'..='\u{180e}' | '\u{fe00}'..='\u{fe0f}' => Some("variation selector"),
        '\u{2028}' | '\u{2029}' => Some("line separator"),
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => Some("blank letter"),
        '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => Some("format character"),
        '\u{e0000}'..='\u{e0fff}' => Some("tag character"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_a_script_write_the_same_reason() {
        assert_eq!(Reason::new(" two\r\nlines \r").unwrap(), Reason::new("two\nlines").unwrap());
    }

    #[test]
    fn blank_long_and_nul_reasons_are_refused() {
        assert_eq!(Reason::new(" \n "), Err(InvalidText::Blank));
        assert_eq!(Reason::new(&"x".repeat(2_001)), Err(InvalidText::TooLong(2_000)));
        assert_eq!(Reason::new("a\0b"), Err(InvalidText::Nul));
    }

    #[test]
    fn a_direction_override_becomes_a_mark() {
        let drawn = segments("pay \u{202e}001\u{202c} now");

        assert_eq!(
            drawn,
            [
                Segment::Plain("pay ".into()),
                Segment::Marked { code: "U+202E".into(), name: "direction override" },
                Segment::Plain("001".into()),
                Segment::Marked { code: "U+202C".into(), name: "direction override" },
                Segment::Plain(" now".into()),
            ]
        );
    }
}
