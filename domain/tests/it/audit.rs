//! The audit over logs that were not made for it.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use countersign_domain::{audit, event::Place};
use countersign_ledger::{
    hash::Hash,
    leaf::{Actor, Leaf, LeafRef, Obj},
    policy::TrustPolicy,
    value::Value,
    verify::{Check, Source, Status, Trust},
};

/// Cargo runs tests in the package's directory, wherever it was built.
const FOLDER: &str = "../ledger/tests/vectors/countersign-v1";

/// The frozen log in the layout of an export.
struct Frozen {
    openings: bool,
}

impl Source for Frozen {
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let name = match path {
            "checkpoint" => "checkpoint.16",
            "checkpoints/12" => "checkpoint.12",
            "openings/all.json" => return Some(openings()),
            // The digests of these two under the labels `content` and `seen`.
            "statements/Quk0ugmi2n7ZUziSeXCSvC9NTq-AxVTFE1v26e5_NI8.json" => "content.json",
            "statements/7bmAzDFWBPoNnNsQ5Hv8wyRH3ZAxJaRPaycZ-Ksihfc.json" => "presentation.json",
            "statements/k4BZkEvUNET5nFxzlwN3muWOlD5SKo7Knyv9-4KVZYQ.json" => "assertion.json",
            _ if path.starts_with("tile/") => path,
            _ => return None,
        };
        fs::read(Path::new(FOLDER).join(name)).ok()
    }

    fn names(&self, directory: &str) -> Vec<String> {
        match directory {
            "checkpoints" => vec!["12".to_owned()],
            "openings" if self.openings => vec!["all.json".to_owned()],
            _ => Vec::new(),
        }
    }
}

#[test]
fn the_frozen_log_passes_with_notices_for_what_it_holds_beyond_this_build() {
    let report = audit::verify_log(&Frozen { openings: true }, &trust(), &[]);

    let shown: Vec<_> = report.checks.iter().map(|check| (check.check, check.status, check.subject.as_str())).collect();
    assert_eq!(
        shown[shown.iter().position(|(check, ..)| *check == "D1").unwrap()..],
        [
            ("D1", Status::Passed, "size 16"),
            ("D1", Status::Notice, "index 15"),
            ("D2", Status::Passed, "size 16"),
            ("D3", Status::Passed, "size 16"),
            ("D4", Status::Passed, "size 16"),
            ("D5", Status::Passed, "size 16"),
            ("D5", Status::Notice, "index 10"),
            ("D6", Status::Passed, "size 16"),
            ("D7", Status::Passed, "size 16"),
            ("D8", Status::Passed, "size 16"),
        ],
        "{:#?}",
        report.checks
    );
    assert!(report.checks.iter().all(|check| check.status != Status::Failed), "{:#?}", report.checks);
    assert_eq!(detail(&report.checks, "D4"), "2 statements match what names them, 0 were not at hand, 10 texts open");
}

#[test]
fn the_frozen_proof_passes() {
    let text = fs::read_to_string(Path::new(FOLDER).join("decision.resolved.tlog-proof")).unwrap();

    let report = audit::verify_proof(&text, &log_key_only(), None, &audit::Evidence::default());

    assert_eq!(detail(&report.checks, "D1"), "it is a complete decision.resolved");
    assert!(report.checks.iter().all(|check| check.status != Status::Failed), "{:#?}", report.checks);
}

#[test]
fn every_event_passes_the_schema() {
    let nothing = |_: &Hash| None;
    for event in super::events::samples() {
        let parts = event.parts();
        let leaf = Leaf {
            id: "01a19b7c-a680-7c09-8694-bfb5900f9650".into(),
            at: 1,
            kind: parts.kind.into(),
            actor: Actor::engine(),
            authz: None,
            obj: parts.object.map(|object| Obj {
                t: object.kind.into(),
                id: object.id.hyphenated().to_string(),
                n: if let Place::Act(n) = object.place { Some(n) } else { None },
                upto: if let Place::Read(n) = object.place { Some(n) } else { None },
            }),
            d: (!parts.d.is_empty()).then(|| Value::object(parts.d)),
            cm: parts.texts.into_iter().map(|text| (text.field.to_owned(), Hash([1; 32]))).collect(),
        };
        let bytes = leaf.encode().unwrap();
        let mut audit = audit::Audit::new(&nothing);
        audit.visit(0, &LeafRef::parse(&bytes).unwrap());

        let found = audit.finish(&trust());

        let schema: Vec<_> = found.iter().filter(|check| check.check == "D1").collect();
        assert!(matches!(schema[..], [Check { status: Status::Passed, .. }]), "{}: {schema:?}", leaf.kind);
    }
}

/// 1,000,000 entries with `--release` (`cargo test --release -- --ignored a_million`); prints what it took.
#[test]
#[ignore = "a measurement, not a check"]
fn a_million_entries_are_read_in_seconds() {
    let lines = fs::read_to_string(Path::new(FOLDER).join("leaves.jsonl")).unwrap();
    let decision: Vec<&str> = lines.lines().skip(7).take(6).collect();
    let count = 1_000_000_u64;
    let nothing = |_: &Hash| None;
    let mut audit = audit::Audit::new(&nothing);
    let (mut index, mut spent) = (0, std::time::Duration::ZERO);
    for line in lines.lines().take(7) {
        audit.visit(index, &LeafRef::parse(line.as_bytes()).unwrap());
        index += 1;
    }
    while index < count {
        let number = format!("{:08x}", index + 0x0200_0000);
        for line in &decision {
            // Another decision with entries of its own.
            let bytes = line
                .replace("01a19b7d-90e0-7f95-ae73", &format!("{number}-90e0-7f95-ae73"))
                .replace("01a19b7d-90e", &format!("{number}-90e"))
                .replace("01a19b7e-", &format!("{}-", number.replacen("02", "03", 1)))
                .replace("\"size\":12", &format!("\"size\":{}", index));
            let leaf_at = Instant::now();
            audit.visit(index, &LeafRef::parse(bytes.as_bytes()).unwrap());
            spent += leaf_at.elapsed();
            index += 1;
        }
    }
    let finishing = Instant::now();
    let found = audit.finish(&log_key_only());
    spent += finishing.elapsed();

    println!("{index} entries in {spent:?}: {found:#?}");
    assert!(spent.as_secs() < 60);
}

/// The openings of the folder, which are laid out for people there.
fn openings() -> Vec<u8> {
    let text = fs::read(Path::new(FOLDER).join("openings.json")).unwrap();
    let list: Vec<BTreeMap<String, serde_json::Value>> = serde_json::from_slice(&text).unwrap();
    serde_json::to_vec(&list).unwrap()
}

fn trust() -> Trust {
    let text = fs::read_to_string(Path::new(FOLDER).join("trust-policy.txt")).unwrap();
    TrustPolicy::parse(&text).unwrap().into()
}

fn log_key_only() -> Trust {
    Trust::log_only(trust().policy.logs[0].key.clone())
}

fn detail<'a>(checks: &'a [Check], name: &str) -> &'a str {
    &checks.iter().find(|check| check.check == name && check.status == Status::Passed).unwrap().detail
}
