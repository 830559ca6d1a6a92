//! Checks on one signed checkpoint: L1, L2, L3.

use super::report::{Report, Status, Time, Witnessed};
use super::{Freshness, Trust};
use crate::checkpoint::Checkpoint;
use crate::note::{self, Note, Verified, Verifier};
use crate::{Error, Result};

/// Which check a checkpoint failed.
pub(super) struct Refused {
    pub(super) check: &'static str,
    pub(super) error: Error,
}

/// Reads a checkpoint and verifies it against the pinned log keys; a known witness that fails refuses it too.
pub(super) fn open(text: &str, trust: &Trust) -> Result<(Checkpoint, Vec<Verified>), Refused> {
    let unreadable = |error| Refused { check: "L1", error };
    let note = Note::parse(text).map_err(unreadable)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(unreadable)?;
    let logs: Vec<Verifier> =
        trust.policy.logs.iter().map(|log| log.key.clone()).filter(|key| key.name() == checkpoint.origin).collect();
    if logs.is_empty() {
        let expected = trust.policy.logs.iter().map(|log| log.key.name()).collect::<Vec<_>>().join(", ");
        return Err(Refused { check: "L2", error: Error::Origin { expected, found: checkpoint.origin } });
    }
    note::verify(&note, &logs).map_err(|error| Refused { check: "L2", error })?;
    let witnesses: Vec<Verifier> = trust.policy.witnesses.iter().map(|witness| witness.key.clone()).collect();
    let cosigned = match note::verify(&note, &witnesses) {
        Ok(cosigned) => cosigned,
        Err(Error::Unsigned { .. }) => Vec::new(),
        Err(error) => return Err(Refused { check: "L3", error }),
    };

    Ok((checkpoint, cosigned))
}

/// Reports L1, L2 and L3 for the checkpoint under audit and returns it if it can be used.
pub(super) fn check(text: &str, subject: &str, trust: &Trust, report: &mut Report) -> Option<Checkpoint> {
    let (checkpoint, cosigned) = match open(text, trust) {
        Ok(opened) => opened,
        Err(Refused { check, error }) => {
            let reached = ["L1", "L2", "L3"].into_iter().take_while(|earlier| *earlier != check);
            for earlier in reached {
                report.add(earlier, Status::Passed, subject, "as below");
            }
            report.add(check, Status::Failed, subject, error.to_string());
            return None;
        }
    };
    report.size = checkpoint.size;
    report.root = Some(checkpoint.root);
    report.add("L1", Status::Passed, subject, "note and checkpoint parse");
    report.add("L2", Status::Passed, subject, format!("signed by {}", checkpoint.origin));
    quorum(&cosigned, subject, trust, report);

    Some(checkpoint)
}

fn quorum(cosigned: &[Verified], subject: &str, trust: &Trust, report: &mut Report) {
    let times = |key: &Verifier| {
        cosigned.iter().filter(|line| line.name == key.name() && line.id == key.id()).filter_map(|line| line.time).max()
    };
    let by: Vec<_> = trust.policy.witnesses.iter().filter(|witness| times(&witness.key).is_some()).collect();
    let newest = by.iter().filter_map(|witness| times(&witness.key)).max();
    if trust.policy.without_witnesses() {
        return report.add("L3", Status::NotMade, subject, "no witness pinned");
    }
    if !trust.policy.quorum_met(|witness| times(&witness.key).is_some()) {
        let names: Vec<_> = by.iter().map(|witness| witness.name.as_str()).collect();
        let detail = format!(
            "the quorum is not met; cosigned by {}",
            if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
        );
        return report.add("L3", Status::Failed, subject, detail);
    }
    let Some(time) = newest else {
        return report.add("L3", Status::Failed, subject, "the quorum is not met; cosigned by nobody");
    };
    match trust.freshness {
        Some(Freshness { now, age_max_seconds }) if now.saturating_sub(time) > age_max_seconds => {
            let detail = format!("the newest cosignature is of {}, older than {age_max_seconds} s", Time(time));
            report.add("L3", Status::Failed, subject, detail);
        }
        _ => {
            let by: Vec<_> = by.iter().map(|witness| witness.name.clone()).collect();
            report.add("L3", Status::Passed, subject, format!("witnessed {} by {}", Time(time), by.join(", ")));
            report.witnessed = Some(Witnessed { time, by });
        }
    }
}
