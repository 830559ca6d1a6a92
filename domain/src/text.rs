//! Text that people and agents write: folded, bounded, and drawn so that nothing in it hides.

use serde::{Deserialize, Serialize};
use unicode_script::{Script, UnicodeScript as _};

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
    /// One character that hides or reorders others, or looks like another, drawn as its code point.
    Marked {
        /// The character's code point, such as `U+202E`.
        code: String,
        /// What it would have done unseen.
        name: &'static str,
    },
}

/// Splits text so that control, bidirectional and zero-width characters become visible marks, and so do letters of a
/// script that looks like another in words that mix the two.
///
/// Line feed and tab stay plain. Concatenating the plain parts with the marked characters gives the
/// text back, so nothing is dropped.
pub fn segments(text: &str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut mark = |character: char, name: Option<&'static str>| match name {
        None => plain.push(character),
        Some(name) => {
            if !plain.is_empty() {
                found.push(Segment::Plain(std::mem::take(&mut plain)));
            }
            found.push(Segment::Marked { code: format!("U+{:04X}", character as u32), name });
        }
    };
    for word in words(text) {
        let native = native(word);
        for character in word.chars() {
            mark(character, hidden(character).or_else(|| alike(character, native)));
        }
    }
    if !plain.is_empty() {
        found.push(Segment::Plain(plain));
    }

    found
}

/// Splits text into runs of letters and digits with their accents, and what stands between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |character: char| {
        character.is_alphanumeric() || (!character.is_ascii() && character.script() == Script::Inherited)
    };
    let mut rest = text;
    std::iter::from_fn(move || {
        let inside = is_of_word(rest.chars().next()?);
        let end = rest.find(|character| is_of_word(character) != inside).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

/// Returns the script that the letters of a word should have: Latin where there is any, or that of its first letter.
fn native(word: &str) -> Option<Script> {
    if word.is_ascii() {
        return None;
    }
    let is_letter = |script: &Script| !matches!(script, Script::Common | Script::Inherited | Script::Unknown);
    let mut scripts = word.chars().map(|character| character.script()).filter(is_letter);
    let first = scripts.next()?;
    match first == Script::Latin || scripts.any(|script| script == Script::Latin) {
        true => Some(Script::Latin),
        false => Some(first),
    }
}

/// Names a letter whose script has letters that look like those of others, in a word that is of another script.
///
/// A word of one script is never marked, nor is Latin beside scripts that nobody takes for it, such as Han and Kana
/// (Unicode Technical Standard 39, section 5.1, names such words mixed-script).
fn alike(character: char, native: Option<Script>) -> Option<&'static str> {
    let native = native?;
    let script = character.script();
    if script == native {
        return None;
    }
    match script {
        Script::Latin => Some("Latin letter in a word of another script"),
        Script::Greek => Some("Greek letter in a word of another script"),
        Script::Cyrillic => Some("Cyrillic letter in a word of another script"),
        Script::Armenian => Some("Armenian letter in a word of another script"),
        Script::Cherokee => Some("Cherokee letter in a word of another script"),
        Script::Coptic => Some("Coptic letter in a word of another script"),
        Script::Lisu => Some("Lisu letter in a word of another script"),
        _ => None,
    }
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
        '\u{1d400}'..='\u{1d7ff}' => Some("styled letter or digit"),
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

    #[test]
    fn a_letter_that_looks_like_another_is_marked_in_a_word_that_mixes_them() {
        let drawn = segments("pay \u{440}aypal and \u{391}CME \u{1d400}");

        let marked = |code: &str, name| Segment::Marked { code: code.into(), name };
        assert_eq!(
            drawn,
            [
                Segment::Plain("pay ".into()),
                marked("U+0440", "Cyrillic letter in a word of another script"),
                Segment::Plain("aypal and ".into()),
                marked("U+0391", "Greek letter in a word of another script"),
                Segment::Plain("CME ".into()),
                marked("U+1D400", "styled letter or digit"),
            ]
        );
        // An accent does not part a word.
        assert!(
            segments("\u{440}\u{301}aypal").contains(&marked("U+0440", "Cyrillic letter in a word of another script"))
        );
        // Cyrillic with one Greek letter, and no Latin one.
        assert!(
            segments("\u{440}\u{3b1}\u{443}").contains(&marked("U+03B1", "Greek letter in a word of another script"))
        );
    }

    #[test]
    fn words_of_one_script_and_words_that_nobody_mistakes_are_plain() {
        for plain in [
            "Müller, naïve, Łódź, 40 µm",
            "Δοκιμή και δείγμα",
            "Проверка 2-го договора",
            "Tシャツ 東京タワー ABC株式会社",
            "한국어 text, עברית, العربية",
            "refund-agent_7, a/β",
        ] {
            assert_eq!(segments(plain), [Segment::Plain(plain.into())]);
        }
    }

    #[test]
    fn nothing_is_dropped() {
        let text = "a\u{200b}б\u{301}в g\u{43e}\u{43e}gle 1\u{1d7ce}\n";

        let back: String = segments(text)
            .into_iter()
            .map(|segment| match segment {
                Segment::Plain(plain) => plain,
                Segment::Marked { code, .. } => {
                    char::from_u32(u32::from_str_radix(&code[2..], 16).unwrap()).unwrap().to_string()
                }
            })
            .collect();

        assert_eq!(back, text);
    }
}
