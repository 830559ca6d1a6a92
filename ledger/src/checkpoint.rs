//! Checkpoints (c2sp.org/tlog-checkpoint v1.0.0): size and root of a log, as the text of a signed note.
//!
//! ```text
//! decisions.example.org/ledger/7c1d9a40b2e85f36
//! 16
//! KGik0qZ0kmDexajuF7wdXjyxuzEfM9f/DJ2oCQGw2l0=
//! ```

use crate::encoding::decimal;
use crate::hash::Hash;
use crate::note::{self, Note, Signer, Verifier};
use crate::{Error, Result};

const WHAT: &str = "checkpoint";

/// Size and root of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of the log, equal to the name of its key.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Further lines; opaque, usually none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// Writes the note text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64_std());
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }

        text
    }

    /// Reads the text of a note.
    ///
    /// # Errors
    ///
    /// [`Error::Line`] names the first line that breaks the format.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |line, why| Error::Line { what: WHAT, line, why };
        let mut lines = text.strip_suffix('\n').ok_or_else(|| refuse(1, "the text ends with a newline"))?.split('\n');
        let mut next = |line, why| lines.next().filter(|text| !text.is_empty()).ok_or_else(|| refuse(line, why));
        let origin = next(1, "expected the origin")?.to_owned();
        let size =
            decimal(next(2, "expected the tree size")?).ok_or_else(|| refuse(2, "the tree size is a plain decimal"))?;
        let root = Hash::from_base64_std(next(3, "expected the root hash")?)
            .map_err(|_| refuse(3, "the root is 44 characters of base64"))?;
        let extensions = lines.map(str::to_owned).collect::<Vec<_>>();
        if let Some(at) = extensions.iter().position(String::is_empty) {
            return Err(refuse(4 + at, "an extension line is not empty"));
        }

        Ok(Self { origin, size, root, extensions })
    }

    /// Signs the checkpoint and returns the whole note.
    ///
    /// # Errors
    ///
    /// [`Error::Origin`] if the key is named otherwise than the origin.
    pub fn sign(&self, signer: &Signer) -> Result<String> {
        same_origin(signer.verifier().name(), &self.origin)?;
        let text = self.to_text();
        let signature = signer.sign(&text);

        Ok(Note { text, signatures: vec![signature] }.to_string())
    }
}

/// Reads a signed checkpoint and verifies the log's signature; other signatures are left to the caller.
///
/// # Errors
///
/// [`Error::Origin`] for another log, [`Error::Signature`] and [`Error::Unsigned`] as [`note::verify`], or what
/// breaks the format.
pub fn open(note: &str, log: &Verifier) -> Result<(Checkpoint, Note)> {
    let note = Note::parse(note)?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    same_origin(log.name(), &checkpoint.origin)?;
    note::verify(&note, std::slice::from_ref(log))?;

    Ok((checkpoint, note))
}

fn same_origin(expected: &str, found: &str) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(Error::Origin { expected: expected.to_owned(), found: found.to_owned() }),
    }
}
