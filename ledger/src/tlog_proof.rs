//! Offline proofs (c2sp.org/tlog-proof): leaf, place, audit path and signed checkpoint in one text file.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra eyJhY3RvciI6eyJhcyI6ImVuZ2luZSJ9…
//! index 11
//! 3/B+PCidRmf953uH1Kl+sTkpqw+I2O0uzxoyw7onA/4=
//! Whvpn/9dz82NN+PG5T0tNbzy3m+c3giUFxcWKwXcpCA=
//! S6PfVIel5592RCB99KXH7jwtDAQkn/4qXTc3EilDSao=
//!
//! decisions.example.org/ledger/7c1d9a40b2e85f36
//! 12
//! …
//! ```

use std::fmt;

use crate::encoding::{base64_std, decimal, from_base64_std};
use crate::hash::Hash;
use crate::note::NOTE_MAX;
use crate::{Error, Result};

/// Most hashes in an audit path.
pub const PATH_MAX: usize = 63;

/// Longest proof file, in bytes: the largest leaf in base64, a full path and a full note.
pub const PROOF_MAX: usize = 2 * NOTE_MAX;

const WHAT: &str = "proof file";
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// One proof; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque data; Countersign puts the leaf bytes here.
    pub extra: Option<Vec<u8>>,
    /// Index of the leaf.
    pub index: u64,
    /// Audit path, leaf end first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, a whole note.
    pub checkpoint: String,
}

impl TlogProof {
    /// Reads a proof file.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] or [`Error::Line`] says what breaks the format. The checkpoint is not looked into.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > PROOF_MAX {
            return Err(Error::Limit { what: "bytes of a proof file", max: PROOF_MAX, found: text.len() });
        }
        let refuse = |line, why| Error::Line { what: WHAT, line, why };
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or_else(|| refuse(1, "no blank line before the checkpoint"))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        if lines.next().map(|(line, _)| line) != Some(HEADER) {
            return Err(refuse(1, "expected c2sp.org/tlog-proof@v1"));
        }
        let extra = match lines.next_if(|(line, _)| line.starts_with("extra ")) {
            Some((line, at)) => Some(
                from_base64_std(&line["extra ".len()..]).ok_or_else(|| refuse(at, "extra data is standard base64"))?,
            ),
            None => None,
        };
        let (line, at) = lines.next().ok_or_else(|| refuse(2, "expected the index"))?;
        let index = line
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or_else(|| refuse(at, "expected `index` and a plain decimal"))?;
        let path = lines
            .map(|(line, at)| match at > PATH_MAX + 3 {
                true => Err(refuse(at, "an audit path has at most 63 hashes")),
                false => Hash::from_base64_std(line).map_err(|_| refuse(at, "a hash is 44 characters of base64")),
            })
            .collect::<Result<_>>()?;

        Ok(Self { extra, index, path, checkpoint: checkpoint.to_owned() })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64_std(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", hash.to_base64_std())?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
