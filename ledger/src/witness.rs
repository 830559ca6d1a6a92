//! The witness's decision about one `add-checkpoint` request (c2sp.org/tlog-witness v1.0.0), without its storage.
//!
//! ```text
//! old 12
//! 3/B+PCidRmf953uH1Kl+sTkpqw+I2O0uzxoyw7onA/4=
//!
//! decisions.example.org/ledger/7c1d9a40b2e85f36
//! 16
//! …
//! ```
//!
//! A witness parses the body, finds the log by [`AddCheckpoint::origin`], calls [`check`] with what it cosigned
//! last, stores the checkpoint durably, and only then answers with its cosignature. All of it happens under one
//! lock per origin, or two requests could roll a log back.

use std::fmt;

use crate::checkpoint::Checkpoint;
use crate::encoding::decimal;
use crate::hash::{Hash, empty_root};
use crate::note::{self, Note, Signature, Verifier};
use crate::proof::verify_consistency;
use crate::{Error, Result};

/// Longest request body, in bytes.
pub const BODY_MAX: usize = 65_536;

/// Most lines of a consistency proof.
pub const PROOF_MAX: usize = 63;

const WHAT: &str = "add-checkpoint request";

/// A parsed request; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size the proof starts at.
    pub old: u64,
    /// Consistency proof from there to the checkpoint.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The note that carries it.
    pub note: Note,
}

/// What a witness cosigned last for one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: the body breaks the format, or its old size exceeds the checkpoint's.
    #[error("bad request: {0}")]
    BadRequest(Error),
    /// 403: no trusted key of the log signed.
    #[error("not signed by the log: {0}")]
    Forbidden(Error),
    /// 404: the witness does not know the origin.
    #[error("unknown log")]
    UnknownLog,
    /// 409: the witness is at another size, or at this size with another root.
    #[error("the witness is at size {size}")]
    Conflict {
        /// Size it cosigned last.
        size: u64,
    },
    /// 422: the consistency proof does not hold.
    #[error("inconsistent: {0}")]
    Inconsistent(Error),
}

impl Refusal {
    /// HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Forbidden(_) => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// Body of the answer: the size for a conflict, else a sentence.
    pub fn body(&self) -> String {
        match self {
            Self::Conflict { size } => format!("{size}\n"),
            other => format!("{other}\n"),
        }
    }

    /// Media type of the body.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }
}

impl AddCheckpoint {
    /// Reads a request body of at most 64 KiB and 63 proof lines.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadRequest`] says what breaks the format; [`Refusal::Forbidden`] for signature lines that cannot
    /// be read, which nobody trusted can have made.
    pub fn parse(body: &str) -> Result<Self, Refusal> {
        let (old, proof, note) = split(body).map_err(Refusal::BadRequest)?;
        let (text, lines) = note::split(note).map_err(Refusal::BadRequest)?;
        let checkpoint = Checkpoint::parse(text).map_err(Refusal::BadRequest)?;
        let signatures = Signature::parse_lines(lines).map_err(Refusal::Forbidden)?;
        let note = Note { text: text.to_owned(), signatures };

        Ok(Self { old, proof, checkpoint, note })
    }

    /// Identity of the log, by which the witness finds keys and last size.
    pub fn origin(&self) -> &str {
        &self.checkpoint.origin
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", hash.to_base64_std())?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// Decides whether to cosign: `keys` are the trusted keys of the request's origin, empty for an unknown one;
/// `last` is what was cosigned for it last, if anything.
///
/// # Errors
///
/// The [`Refusal`] to answer with.
pub fn check(request: &AddCheckpoint, keys: &[Verifier], last: Option<Cosigned>) -> Result<Cosigned, Refusal> {
    if keys.is_empty() {
        return Err(Refusal::UnknownLog);
    }
    note::verify(&request.note, keys).map_err(Refusal::Forbidden)?;
    let new = Cosigned { size: request.checkpoint.size, root: request.checkpoint.root };
    if request.old > new.size {
        let why = "the old size exceeds the size of the checkpoint";
        return Err(Refusal::BadRequest(Error::Line { what: WHAT, line: 1, why }));
    }
    let last = last.unwrap_or(Cosigned { size: 0, root: empty_root() });
    if request.old != last.size || (new.size == last.size && new.root != last.root) {
        return Err(Refusal::Conflict { size: last.size });
    }
    // A tree of size 0 is consistent with every other, so there is nothing to prove.
    match last.size {
        0 if request.proof.is_empty() => Ok(()),
        0 => Err(Error::Proof { what: "consistency", why: "a proof from size 0 is empty" }),
        _ => verify_consistency(last.size, new.size, &last.root, &new.root, &request.proof),
    }
    .map_err(Refusal::Inconsistent)?;

    Ok(new)
}

/// Old size, consistency proof and the text of the note.
fn split(body: &str) -> Result<(u64, Vec<Hash>, &str)> {
    if body.len() > BODY_MAX {
        return Err(Error::Limit { what: "bytes of an add-checkpoint request", max: BODY_MAX, found: body.len() });
    }
    let refuse = |line, why| Error::Line { what: WHAT, line, why };
    let (head, note) = body.split_once("\n\n").ok_or_else(|| refuse(1, "no blank line before the checkpoint"))?;
    let mut lines = head.split('\n');
    let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
    let old = old.ok_or_else(|| refuse(1, "expected `old` and a plain decimal"))?;
    let proof = lines
        .zip(2..)
        .map(|(line, at)| match at > PROOF_MAX + 1 {
            true => Err(refuse(at, "a consistency proof has at most 63 hashes")),
            false => Hash::from_base64_std(line).map_err(|_| refuse(at, "a hash is 44 characters of base64")),
        })
        .collect::<Result<_>>()?;

    Ok((old, proof, note))
}
