//! `countersign verify` and `countersign export`: the door to the verifier and to the auditor's directory.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use countersign_domain::audit::{self, Evidence};
use countersign_engine::export::{self, Export, Exported, Pinned};
use countersign_ledger::{
    policy::TrustPolicy,
    verify::{Check, Held, Report, Status, Trust},
};

use crate::{cli::Failure, config::Urls, operator};

/// What to verify.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A proof file or an export directory.
    File(PathBuf),
    /// A database, and the key directory that belongs to it.
    Database { url: String, keys: Option<PathBuf> },
}

/// Verifies and prints every check; returns the exit code.
pub(crate) async fn verify(
    subject: Subject,
    trust: Option<PathBuf>,
    held: &[PathBuf],
    json: bool,
) -> Result<u8, Failure> {
    let trust = trust.map(|path| read_trust(&path)).transpose()?;
    let held = held.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let report = match subject {
        Subject::Database { url, keys } => export::verify(&url, Pinned { trust, held, keys }).await?,
        Subject::File(path) if path.is_dir() => verify_export(&path, trust, &held)?,
        Subject::File(path) => verify_proof(&read(&path)?, trust, held)?,
    };
    let told = if json { audit::to_json(&report) + "\n" } else { text(&report) };
    // A reader that closes the pipe has read enough; the status still tells the verdict.
    let _ = std::io::stdout().write_all(told.as_bytes());

    Ok(u8::try_from(report.exit_code()).unwrap_or(1))
}

/// Where the log to export is.
#[derive(Clone, Debug)]
pub(crate) enum From {
    /// An installation; the export is put on record.
    Installation(PathBuf, Option<Urls>),
    /// A database.
    Database(String),
}

/// Writes the auditor's directory.
pub(crate) async fn export(from: From, to: &Path, held: &[PathBuf]) -> Result<(), Failure> {
    let held = held.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let Exported { size, files } = match from {
        From::Database(url) => {
            eprintln!("This export leaves no entry in the log; use --data on the installation's own machine for that.");
            export::from_database(&url, to, &held).await?
        }
        From::Installation(data, urls) => {
            let engine = operator::open(&data, urls).await?;
            let result = export::to_directory(&engine, to, &held).await;
            engine.stop().await;
            result?
        }
    };
    println!("Exported {size} entries in {files} files to {}.", to.display());

    Ok(())
}

fn verify_export(path: &Path, trust: Option<Trust>, held: &[String]) -> Result<Report, Failure> {
    let (trust, notice) = match trust {
        Some(trust) => (trust, None),
        None => (read_trust(&path.join("trust-policy.txt"))?, Some(export::unpinned("export"))),
    };
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let mut report = audit::verify_log(&Export(path.to_owned()), &trust, &held);
    report.checks.extend(notice);

    Ok(report)
}

/// A proof carries no key, so without a pinned one there is nothing to hold it to.
fn verify_proof(proof: &str, trust: Option<Trust>, held: Vec<String>) -> Result<Report, Failure> {
    let trust = trust.ok_or_else(|| {
        Failure::Told("A proof file holds no key. Name the key you trust: --trust trust-policy.txt".into())
    })?;
    if held.len() > 1 {
        return Err(Failure::Told("A proof file is compared with one held checkpoint.".into()));
    }
    let held = held.into_iter().next().map(|checkpoint| Held { checkpoint, consistency: Vec::new() });

    Ok(audit::verify_proof(proof, &trust, held.as_ref(), &Evidence::default()))
}

fn read_trust(path: &Path) -> Result<Trust, Failure> {
    let policy = TrustPolicy::parse(&read(path)?)
        .map_err(|error| Failure::Told(format!("{} is no trust policy: {error}", path.display())))?;

    Ok(policy.into())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::io(format!("reading {}", path.display())))
}

/// One line for each check, the summary, and what no check can exclude.
fn text(report: &Report) -> String {
    let line = |Check { check, status, subject, detail }: &Check| {
        let word = match status {
            Status::NotMade => "not made",
            status => status.as_str(),
        };
        format!("{word:<8}  {check}  {subject}: {detail}\n")
    };
    let lines: String = report.checks.iter().map(line).collect();

    format!("{lines}{}\n{}\n", report.summary(), report.limit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ledger/tests/vectors/countersign-v1");

    #[test]
    fn every_check_has_its_line_and_the_bound_stands_last() {
        let proof = fs::read_to_string(Path::new(FOLDER).join("decision.resolved.tlog-proof")).unwrap();
        let trust = read_trust(&Path::new(FOLDER).join("trust-policy.txt")).unwrap();
        let trust = Trust::log_only(trust.policy.logs[0].key.clone());

        let told = text(&verify_proof(&proof, Some(trust), Vec::new()).unwrap());

        assert_eq!(
            told,
            "passed    L1  proof: note and checkpoint parse\n\
             passed    L2  proof: signed by decisions.example.org/ledger/7c1d9a40b2e85f36\n\
             not made  L3  proof: no witness pinned\n\
             passed    L6  index 11: the leaf is at index 11 of 12\n\
             not made  L7  proof: no other checkpoint at hand\n\
             passed    L8  index 11: canonical bytes within limits\n\
             passed    D1  index 11: it is a complete decision.resolved\n\
             INCOMPLETE: L3 not made, no witness pinned\n\
             You held no earlier checkpoint and pinned no witness: nothing here is protected from someone with the signing key and the database.\n"
        );
    }

    #[test]
    fn a_proof_without_a_pinned_key_is_not_verified() {
        assert!(
            matches!(verify_proof("", None, Vec::new()), Err(Failure::Told(sentence)) if sentence.contains("--trust"))
        );
    }
}
