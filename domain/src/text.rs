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
        /// What it would have done unseen, or what it is.
        name: &'static str,
        /// The character itself, where it may be drawn.
        letter: Option<char>,
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
    let mut mark = |character: char, mark: Option<(&'static str, bool)>| match mark {
        None => plain.push(character),
        Some((name, drawn)) => {
            if !plain.is_empty() {
                found.push(Segment::Plain(std::mem::take(&mut plain)));
            }
            let code = format!("U+{:04X}", character as u32);
            found.push(Segment::Marked { code, name, letter: drawn.then_some(character) });
        }
    };
    for word in words(text) {
        let native = native(word);
        for character in word.chars() {
            let hides = hidden(character).map(|name| (name, false));
            let is_alike = || Some((alike(character, native)?, true));
            mark(character, hides.or_else(is_alike));
        }
    }
    if !plain.is_empty() {
        found.push(Segment::Plain(plain));
    }

    found
}

/// Splits text into runs of letters and digits with their accents, and what stands between them. A letter that a backslash
/// escapes, as in the `\n` of JSON, belongs to no word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |character: char| {
        character.is_alphanumeric() || (!character.is_ascii() && character.script() == Script::Inherited)
    };
    let (mut rest, mut escaped) = (text, false);
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let inside = is_of_word(first);
        let run = || rest.find(|character| is_of_word(character) != inside).unwrap_or(rest.len());
        let is_code = || rest.get(1..5).is_some_and(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let end = match first {
            'u' if escaped && is_code() => "u0000".len(),
            'a'..='z' if escaped => 1,
            _ => run(),
        };
        let (word, after) = rest.split_at(end);
        (rest, escaped) = (after, word.ends_with('\\'));
        Some(word)
    })
}

/// Returns the script of a word that mixes scripts whose letters look alike: that of most of those letters, Latin where two
/// have as many.
fn native(word: &str) -> Option<Script> {
    if word.is_ascii() {
        return None;
    }
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for script in word.chars().map(|character| character.script()).filter(|script| name(*script).is_some()) {
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    let most = counts.iter().max_by_key(|(script, count)| (*count, *script == Script::Latin));
    most.filter(|_| counts.len() > 1).map(|(script, _)| *script)
}

/// Names a letter that is not of its word's script, unless it looks like none of that: a unit or a symbol.
///
/// A word of one script is never marked, nor are scripts that nobody takes for another, such as Han and Kana beside Latin.
/// Unicode Technical Standard 39, section 5.2, allows the same mixtures as "moderately restrictive".
fn alike(character: char, native: Option<Script>) -> Option<&'static str> {
    let native = native?;
    let script = character.script();
    if script == native || (script == Script::Greek && is_symbol(character)) {
        return None;
    }
    name(script)
}

/// Names a letter of a script that has letters which look like those of another, or that hardly anybody writes.
fn name(script: Script) -> Option<&'static str> {
    match script {
        Script::Common | Script::Inherited | Script::Unknown => None,
        Script::Latin => Some("Latin letter"),
        Script::Greek => Some("Greek letter"),
        Script::Cyrillic => Some("Cyrillic letter"),
        Script::Armenian => Some("Armenian letter"),
        Script::Cherokee => Some("Cherokee letter"),
        script if script.is_recommended() => None,
        _ => Some("letter of a rare script"),
    }
}

/// Greek letters that units and formulas use, and that look like no letter of another script. The micro sign's letter does
/// not, but is far too common beside Latin ones to be told from a trick.
const fn is_symbol(character: char) -> bool {
    matches!(character, 'Δ' | 'Ω' | '\u{2126}' | 'Σ' | 'Π' | 'Φ' | 'Ψ' | 'Ξ' | 'π' | 'λ' | 'φ' | 'ψ' | 'δ' | 'ξ' | 'μ')
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
        '\u{210a}'..='\u{2112}' | '\u{211b}'..='\u{211d}' | '\u{212c}' | '\u{212d}' | '\u{212f}'..='\u{2131}' => {
            Some("styled letter or digit")
        }
        '\u{2133}'..='\u{2138}' | '\u{2145}'..='\u{2149}' => Some("styled letter or digit"),
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
                marked("U+202E", "direction override", None),
                Segment::Plain("001".into()),
                marked("U+202C", "direction override", None),
                Segment::Plain(" now".into()),
            ]
        );
    }

    #[test]
    fn a_letter_that_looks_like_another_is_marked_in_a_word_that_mixes_them() {
        let drawn = segments("pay \u{440}aypal and \u{391}CME \u{1d400}");

        assert_eq!(
            drawn,
            [
                Segment::Plain("pay ".into()),
                marked("U+0440", "Cyrillic letter", Some('\u{440}')),
                Segment::Plain("aypal and ".into()),
                marked("U+0391", "Greek letter", Some('\u{391}')),
                Segment::Plain("CME ".into()),
                marked("U+1D400", "styled letter or digit", None),
            ]
        );
        // An accent does not part a word, and of two scripts the one of fewer letters is the stranger.
        for (text, mark) in [
            ("\u{440}\u{301}aypal", marked("U+0440", "Cyrillic letter", Some('\u{440}'))),
            ("\u{440}\u{3b1}\u{443}", marked("U+03B1", "Greek letter", Some('\u{3b1}'))),
            ("\u{43f}\u{440}o\u{448}\u{443}", marked("U+006F", "Latin letter", Some('o'))),
            ("\u{43e}o", marked("U+043E", "Cyrillic letter", Some('\u{43e}'))),
            ("g\u{1042c}ogle", marked("U+1042C", "letter of a rare script", Some('\u{1042c}'))),
        ] {
            let marks: Vec<_> =
                segments(text).into_iter().filter(|segment| matches!(segment, Segment::Marked { .. })).collect();
            assert_eq!(marks, [mark], "{text}");
        }
    }

    #[test]
    fn words_of_one_script_and_words_that_nobody_mistakes_are_plain() {
        for plain in [
            "Müller, naïve, Łódź, Đặng, 40 µm, 5 μm, 4 kΩ, Δt",
            "Δοκιμή και δείγμα",
            "Проверка 2-го договора, Београд, Қазақстан, Македонија ѓ ќ",
            "Tシャツ 東京タワー ABC株式会社 プラスα 新β版",
            "한국어 text 한글α, עברית, العربية",
            "refund-agent_7, a/β",
            r#"{"text":"Dear all,\nПрошу\tвернуть\u001fденьги\nΔίνω"}"#,
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

    fn marked(code: &str, name: &'static str, letter: Option<char>) -> Segment {
        Segment::Marked { code: code.into(), name, letter }
    }
}
