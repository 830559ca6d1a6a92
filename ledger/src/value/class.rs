//! Value classes: which bytes a text may hold. Each is tested without an early exit, so that it vectorises.

use super::TEXT_MAX;

/// True for `[a-z][a-z0-9_]{0,47}`.
pub fn is_word(text: &str) -> bool {
    (1..=48).contains(&text.len()) && text.as_bytes()[0].is_ascii_lowercase() && all(text, is_word_byte)
}

/// True for a lower-case UUID of the given version and the RFC 9562 variant; version 0 accepts any.
pub fn is_uuid(text: &str, version: u8) -> bool {
    let Ok(bytes) = <&[u8; 36]>::try_from(text.as_bytes()) else {
        return false;
    };
    let hex = |byte: u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(&byte);
    let form = bytes
        .iter()
        .zip(UUID_FORM)
        .fold(true, |all, (byte, form)| all & ((*byte == form) | (hex(*byte) & (form != b'-'))));

    form && (version == 0 || (bytes[14] == b'0' + version && matches!(bytes[19], b'8' | b'9' | b'a' | b'b')))
}

const UUID_FORM: [u8; 36] = *b"00000000-0000-0000-0000-000000000000";

/// True for two words and a dot.
pub(crate) fn is_kind(text: &str) -> bool {
    text.split_once('.').is_some_and(|(object, act)| is_word(object) && is_word(act))
}

/// True for `[A-Za-z0-9_-]{1,64}`.
pub(crate) fn is_policy_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && all(text, is_base64_url_byte)
}

/// True for 32 bytes as 43 characters of base64url: the last one holds 4 bits, so its lowest two are zero.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 43 && all(text, is_base64_url_byte) && b"AEIMQUYcgkosw048".contains(&text.as_bytes()[42])
}

/// Checks text against the widest class of its document: printable ASCII up to 300 bytes, base64url beyond.
pub(crate) fn check_text(text: &str, base64_max: usize) -> Result<(), &'static str> {
    match text.len() {
        0 => Err("an empty text is omitted"),
        1..=TEXT_MAX if all(text, is_text_byte) => Ok(()),
        1..=TEXT_MAX => Err("text is printable ASCII without space, quotation mark and backslash"),
        length if length > base64_max => Err("text is too long"),
        _ if all(text, is_base64_url_byte) => Ok(()),
        _ => Err("text of more than 300 bytes is base64url"),
    }
}

fn all(text: &str, class: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & class(byte))
}

fn is_text_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() & (byte != b'"') & (byte != b'\\')
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'_')
}

fn is_base64_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_')
}
