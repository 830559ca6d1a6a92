//! What the page verifies and says, without a page.

use countersign_domain::audit::{self, Evidence};
use countersign_ledger::{
    policy::TrustPolicy,
    tlog_proof::TlogProof,
    verify::{Check, Held, Report, Status, Verdict},
};

/// Verifies a proof file against a trust policy and a head that was kept.
pub(crate) fn verify(text: &str, trust: &str, held: Option<String>) -> Report {
    let policy = match TrustPolicy::parse(trust) {
        Ok(policy) => policy,
        Err(error) => {
            let checks = vec![Check {
                check: "L1",
                status: Status::Failed,
                subject: "trust policy".to_owned(),
                detail: error.to_string(),
            }];
            return Report { checks, ..Report::default() };
        }
    };
    let held = held.map(|checkpoint| Held { checkpoint, consistency: Vec::new() });

    audit::verify_proof(text, &policy.into(), held.as_ref(), &Evidence::default())
}

/// The report on a text that is no proof file, which no key can mend.
pub(crate) fn unreadable(text: &str) -> Option<Report> {
    let error = TlogProof::parse(text).err()?;
    let checks =
        vec![Check { check: "L1", status: Status::Failed, subject: "file".to_owned(), detail: error.to_string() }];

    Some(Report { checks, ..Report::default() })
}

/// The signed checkpoint inside a proof file.
pub(crate) fn head(text: &str) -> Option<String> {
    TlogProof::parse(text).ok().map(|proof| proof.checkpoint)
}

/// The log that a checkpoint is of: its first line.
pub(crate) fn origin(checkpoint: &str) -> Option<&str> {
    checkpoint.lines().next().filter(|origin| !origin.is_empty())
}

/// The size in a checkpoint, and its root, the second and third line.
pub(crate) fn size_and_root(checkpoint: &str) -> Option<(u64, &str)> {
    let mut lines = checkpoint.lines().skip(1);
    Some((lines.next()?.parse().ok()?, lines.next()?))
}

/// The head worth keeping: the newer one, if this run has not failed.
pub(crate) fn keep(report: &Report, head: &str, held: Option<&str>) -> bool {
    let size = |checkpoint: &str| size_and_root(checkpoint).map(|(size, _)| size);
    let failed = report.checks.iter().any(|check| check.status == Status::Failed);

    !failed && report.root.is_some() && size(head) > held.and_then(size)
}

/// Says the result in a few words.
pub(crate) fn headline(report: &Report) -> &'static str {
    match report.verdict() {
        Verdict::Failed => "This proof does not hold.",
        Verdict::Incomplete if report.checks.iter().any(|check| check.status == Status::Passed) => {
            "Every check that could be made passed."
        }
        Verdict::Incomplete => "Nothing could be checked.",
        Verdict::Verified => "This proof holds.",
    }
}

/// Says the result in a sentence, never a lone tick.
pub(crate) fn sentence(report: &Report) -> String {
    let count = |status| report.checks.iter().filter(|check| check.status == status).count();
    let mut parts = vec![format!("{} passed", count(Status::Passed))];
    for (status, word) in [(Status::Failed, "failed"), (Status::Notice, "to notice"), (Status::NotMade, "not made")] {
        match count(status) {
            0 => {}
            number => parts.push(format!("{number} {word}")),
        }
    }
    let missing: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.status == Status::NotMade)
        .map(|check| check.detail.as_str())
        .collect();
    let because = if missing.is_empty() { String::new() } else { format!(": {}", missing.join("; ")) };

    format!("{}{because}.", parts.join(", "))
}

/// What a check is about, in words.
pub(crate) fn name(check: &str) -> &'static str {
    match check {
        "L1" => "The file is well-formed, strictly",
        "L2" => "The checkpoint is signed by the log's key",
        "L3" => "Witnesses have cosigned it",
        "L6" => "Leaf hash and path lead to the checkpoint's root",
        "L7" => "It agrees with the last head this browser saw",
        "L8" => "The stored bytes are canonical",
        "D1" => "The entry has the fields of its kind",
        "D4" => "Openings match what was committed",
        "D5" => "A passkey signed exactly this review",
        _ => "Another check",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: &str = include_str!("../../../ledger/tests/vectors/countersign-v1/decision.resolved.tlog-proof");
    const LATER: &str = include_str!("../../../ledger/tests/vectors/countersign-v1/checkpoint.16");
    const TRUST: &str = include_str!("../../../ledger/tests/vectors/countersign-v1/trust-policy.txt");

    #[test]
    fn a_good_proof_passes_and_says_what_was_not_made() {
        let report = verify(PROOF, &log_only(), None);

        assert_eq!(headline(&report), "Every check that could be made passed.");
        assert_eq!(sentence(&report), "5 passed, 2 not made: no witness pinned; no other checkpoint at hand.");
        assert_eq!(report.exit_code(), 2);
    }

    #[test]
    fn a_changed_proof_fails() {
        let changed = PROOF.replacen("index 11", "index 10", 1);

        let report = verify(&changed, &log_only(), None);

        assert_eq!(headline(&report), "This proof does not hold.");
        assert!(sentence(&report).contains("1 failed"), "{}", sentence(&report));
        assert!(!keep(&report, &head(&changed).unwrap(), None));
    }

    #[test]
    fn a_file_that_is_no_proof_fails_before_any_key_is_asked_for() {
        let picture = unreadable("GIF89a").unwrap();
        let cut = unreadable(PROOF.split_once("\nindex ").unwrap().0).unwrap();

        assert_eq!(picture.summary(), "FAILED L1 at file");
        assert_eq!(cut.summary(), "FAILED L1 at file");
        assert!(unreadable(PROOF).is_none());
    }

    #[test]
    fn a_trust_policy_that_cannot_be_read_fails() {
        let report = verify(PROOF, "log nonsense\n", None);

        assert_eq!((report.exit_code(), report.checks[0].subject.as_str()), (1, "trust policy"));
    }

    #[test]
    fn the_newer_head_is_kept() {
        let report = verify(PROOF, &log_only(), None);
        let head = head(PROOF).unwrap();

        assert_eq!(origin(&head), Some("decisions.example.org/ledger/7c1d9a40b2e85f36"));
        assert_eq!(size_and_root(&head).map(|(size, _)| size), Some(12));
        assert!(keep(&report, &head, None));
        assert!(!keep(&report, &head, Some(&head)));
        assert!(!keep(&report, &head, Some(LATER)));
    }

    #[test]
    fn the_head_of_another_history_fails() {
        let forged = LATER.replacen("\n16\n", "\n12\n", 1);

        let same = verify(PROOF, &log_only(), head(PROOF));
        let other = verify(PROOF, &log_only(), Some(forged));

        assert!(same.checks.iter().any(|check| check.check == "L7" && check.status == Status::Passed));
        assert!(other.checks.iter().any(|check| check.check == "L7" && check.status == Status::Failed));
    }

    /// The folder's policy asks for a witness, which has not cosigned this proof.
    fn log_only() -> String {
        format!("{}\nquorum none\n", TRUST.lines().next().unwrap())
    }
}
