//! Verification of one proof file, as a receipt carries it.

use super::report::{Report, Status};
use super::{Trust, head};
use crate::checkpoint::Checkpoint;
use crate::commit::Opening;
use crate::hash::{Hash, Label, digest, leaf_hash};
use crate::leaf::Leaf;
use crate::proof::{verify_consistency, verify_inclusion};
use crate::statement::Content;
use crate::tlog_proof::TlogProof;
use crate::value::Value;
use crate::{Error, Result};

const SUBJECT: &str = "proof";

/// A checkpoint the verifier kept from earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The signed note.
    pub checkpoint: String,
    /// Consistency proof between the smaller and the larger of the two sizes; empty when they are equal.
    pub consistency: Vec<Hash>,
}

/// What else came with the proof.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// Bytes of the `content` statement that the leaf names.
    pub content: Option<&'a [u8]>,
    /// Openings of commitments in the leaf or in the content statement.
    pub openings: &'a [Opening],
}

/// Verifies a proof file: its checkpoint (L1 to L3), the place of its leaf (L6), consistency with what was held
/// before (L7), the leaf's bytes (L8) and the openings (D4). Never fails otherwise than by a failed check.
pub fn verify_proof(text: &str, trust: &Trust, held: Option<&Held>, evidence: &Evidence<'_>) -> Report {
    let mut report = Report::default();
    let proof = match TlogProof::parse(text) {
        Ok(proof) => proof,
        Err(error) => {
            report.add("L1", Status::Failed, SUBJECT, error.to_string());
            return report;
        }
    };
    let Some(checkpoint) = head::check(&proof.checkpoint, SUBJECT, trust, &mut report) else {
        return report;
    };
    let subject = format!("index {}", proof.index);
    let Some(bytes) = &proof.extra else {
        report.add("L6", Status::NotMade, subject, "the proof file carries no leaf");
        return report;
    };
    let inclusion = verify_inclusion(proof.index, checkpoint.size, &leaf_hash(bytes), &proof.path, &checkpoint.root);
    let detail = format!("the leaf is at index {} of {}", proof.index, checkpoint.size);
    add(&mut report, "L6", &subject, inclusion.map(|()| detail));
    consistency(&checkpoint, trust, held, &mut report);
    let leaf = match Leaf::parse(bytes) {
        Ok(leaf) => {
            report.add("L8", Status::Passed, &subject, "canonical bytes within limits");
            Some(leaf)
        }
        Err(error @ Error::Version { .. }) => {
            report.add("L8", Status::Notice, &subject, error.to_string());
            None
        }
        Err(error) => {
            report.add("L8", Status::Failed, &subject, error.to_string());
            None
        }
    };
    if evidence.content.is_some() || !evidence.openings.is_empty() {
        match leaf {
            Some(leaf) => add(&mut report, "D4", &subject, openings(&leaf, evidence)),
            None => report.add("D4", Status::NotMade, &subject, "the leaf could not be read"),
        }
    }

    report
}

fn consistency(checkpoint: &Checkpoint, trust: &Trust, held: Option<&Held>, report: &mut Report) {
    let Some(held) = held else {
        return report.add("L7", Status::NotMade, SUBJECT, "no other checkpoint at hand");
    };
    let (other, _) = match head::open(&held.checkpoint, trust) {
        Ok(opened) => opened,
        Err(refused) => {
            return report.add("L7", Status::Failed, "held checkpoint", refused.error.to_string());
        }
    };
    let subject = format!("size {}", other.size);
    if other.origin != checkpoint.origin {
        return report.add(
            "L7",
            Status::Failed,
            subject,
            format!("the held checkpoint is of another log, {}", other.origin),
        );
    }
    if held.consistency.is_empty() && other.size != checkpoint.size {
        let detail = format!("no consistency proof between sizes {} and {}", other.size, checkpoint.size);
        return report.add("L7", Status::NotMade, subject, detail);
    }
    let (old, new) = if other.size <= checkpoint.size { (&other, checkpoint) } else { (checkpoint, &other) };
    let consistent = verify_consistency(old.size, new.size, &old.root, &new.root, &held.consistency);
    if consistent.is_ok() {
        report.held_size = Some(other.size);
    }
    add(
        report,
        "L7",
        &subject,
        consistent.map(|()| format!("consistent with the checkpoint held at size {}", other.size)),
    );
}

fn openings(leaf: &Leaf, evidence: &Evidence<'_>) -> Result<String> {
    let content = evidence.content.map(|bytes| named_content(leaf, bytes)).transpose()?;
    for opening in evidence.openings {
        let own = if opening.entry == leaf.id { leaf.cm.get(&opening.field) } else { None };
        let sealed = own.or_else(|| content.as_ref()?.fields.get(&opening.field));
        let sealed = sealed.ok_or_else(|| Error::Field {
            what: "opening",
            field: opening.field.clone(),
            why: "no commitment of this field at hand",
        })?;
        opening.verify(sealed)?;
    }

    Ok(format!("{} openings match", evidence.openings.len()))
}

fn named_content(leaf: &Leaf, bytes: &[u8]) -> Result<Content> {
    let named = leaf.d.as_ref().and_then(|d| d.get("content")).and_then(Value::as_hash);
    if named != Some(digest(Label::Content, bytes)) {
        return Err(Error::Field {
            what: "leaf",
            field: "d.content".to_owned(),
            why: "it is not the digest of the content statement",
        });
    }

    Content::parse(bytes)
}

fn add(report: &mut Report, check: &'static str, subject: &str, result: Result<String>) {
    match result {
        Ok(detail) => report.add(check, Status::Passed, subject, detail),
        Err(error) => report.add(check, Status::Failed, subject, error.to_string()),
    }
}
