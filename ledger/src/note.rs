//! Signed notes (c2sp.org/signed-note v1.0.0): text with signature lines under it.
//!
//! ```text
//! This is an example message.
//!
//! — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
//! ```

mod key;

use std::fmt;

use crate::encoding::{base64_std, from_base64_std};
use crate::{Error, Result};

pub(crate) use key::{KeyKind, SecretKey, is_key_name};
pub use key::{Signer, Verifier};

/// Longest note, in bytes.
pub const NOTE_MAX: usize = 65_536;

/// Most signature lines under one note.
pub const SIGNATURES_MAX: usize = 32;

/// Text and the signature lines under it; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, ending with a newline.
    pub text: String,
    /// The signature lines in order.
    pub signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key, the first bytes of a hash over its name, type and public key.
    pub id: u32,
    /// The signature itself, as its type defines it.
    pub bytes: Vec<u8>,
}

/// A signature that a known key made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: u32,
    /// For a cosignature: when it was made, in seconds since 1970.
    pub time: Option<u64>,
}

impl Note {
    /// Reads a note of at most 64 KiB and 32 signature lines.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] or [`Error::Line`] says what breaks the format.
    pub fn parse(note: &str) -> Result<Self> {
        let (text, lines) = split(note)?;
        let signatures = Signature::parse_lines(lines)?;

        Ok(Self { text: text.to_owned(), signatures })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Signature {
    /// Reads one line without its newline.
    pub(crate) fn parse(line: &str) -> Result<Self, &'static str> {
        let rest = line.strip_prefix("— ").ok_or("a signature line starts with an em dash and a space")?;
        let (name, signature) = rest.split_once(' ').ok_or("a signature line is em dash, key name, signature")?;
        if !is_key_name(name) {
            return Err("a key name is not empty and has no white space and no plus");
        }
        let bytes = from_base64_std(signature).ok_or("a signature is standard base64")?;
        let (id, bytes) = bytes.split_first_chunk().ok_or("a signature starts with 4 bytes of key id")?;
        if bytes.is_empty() {
            return Err("a signature has bytes after its key id");
        }

        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }

    /// Reads signature lines alone, as they stand under a note or in a witness's answer.
    ///
    /// # Errors
    ///
    /// [`Error::Line`] or [`Error::Limit`] says what breaks the format.
    pub fn parse_lines(lines: &str) -> Result<Vec<Self>> {
        let refuse = |line, why| Error::Line { what: "signature lines", line, why };
        if lines.len() > NOTE_MAX {
            return Err(Error::Limit { what: "bytes of signature lines", max: NOTE_MAX, found: lines.len() });
        }
        let lines = lines
            .strip_suffix('\n')
            .ok_or_else(|| refuse(1, "expected signature lines, each ending with a newline"))?;
        let count = lines.matches('\n').count() + 1;
        if count > SIGNATURES_MAX {
            return Err(Error::Limit { what: "signature lines", max: SIGNATURES_MAX, found: count });
        }

        lines.split('\n').zip(1..).map(|(line, at)| Self::parse(line).map_err(|why| refuse(at, why))).collect()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes()[..], &self.bytes].concat();
        write!(f, "— {} {}", self.name, base64_std(&bytes))
    }
}

/// Splits a note of at most 64 KiB into its text, with the last newline, and its signature lines.
pub(crate) fn split(note: &str) -> Result<(&str, &str)> {
    if note.len() > NOTE_MAX {
        return Err(Error::Limit { what: "bytes of a signed note", max: NOTE_MAX, found: note.len() });
    }
    let refuse = |at, why| Error::Syntax { what: "signed note", at, why };
    if let Some(at) = note.bytes().position(|byte| byte < b' ' && byte != b'\n') {
        return Err(refuse(at, "control characters other than newline are refused"));
    }
    let blank = note.rfind("\n\n").ok_or_else(|| refuse(0, "no blank line between text and signatures"))?;

    Ok((&note[..=blank], &note[blank + 2..]))
}

/// Checks every signature by a known key and returns them in the order of the note.
///
/// # Errors
///
/// [`Error::Signature`] as soon as a known key's signature does not verify, even if others do;
/// [`Error::Unsigned`] if no known key signed.
pub fn verify(note: &Note, known: &[Verifier]) -> Result<Vec<Verified>> {
    let mut verified = Vec::new();
    for signature in &note.signatures {
        for verifier in
            known.iter().filter(|verifier| verifier.name() == signature.name && verifier.id() == signature.id)
        {
            let time = verifier
                .verify(&note.text, &signature.bytes)
                .map_err(|()| Error::Signature { name: signature.name.clone() })?;
            verified.push(Verified { name: signature.name.clone(), id: signature.id, time });
        }
    }
    if verified.is_empty() {
        let wanted = known.iter().map(Verifier::name).collect::<Vec<_>>().join(", ");
        return Err(Error::Unsigned { wanted });
    }

    Ok(verified)
}
