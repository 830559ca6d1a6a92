//! RFC 8785: general writers agree with the published output, the leaf reader refuses what it must.

use countersign_ledger::value::{Limits, Value};

use crate::vectors;

const NAMES: [&str; 6] = ["arrays", "french", "structures", "unicode", "values", "weird"];

#[test]
fn a_general_writer_gives_the_published_bytes() {
    for name in NAMES {
        let input = vectors::json(&format!("jcs/input/{name}.json"));
        let output = vectors::bytes(&format!("jcs/output/{name}.json"));
        let hex_output: String = vectors::text(&format!("jcs/outhex/{name}.txt")).split_whitespace().collect();

        assert_eq!(serde_jcs::to_vec(&input).unwrap(), output, "{name}");
        assert_eq!(hex::decode(hex_output).unwrap(), output, "{name}");
    }
}

#[test]
fn the_strict_reader_refuses_every_published_document() {
    for name in NAMES {
        for folder in ["input", "output"] {
            let bytes = vectors::bytes(&format!("jcs/{folder}/{name}.json"));

            assert!(Value::parse(&bytes, Limits::STATEMENT).is_err(), "{folder}/{name}");
        }
    }
}

#[test]
fn a_general_writer_agrees_on_every_document_of_the_example_log() {
    let leaves = vectors::text("countersign-v1/leaves.jsonl");
    let documents = ["content", "presentation", "challenge", "assertion", "erasure-items"]
        .map(|name| vectors::text(&format!("countersign-v1/{name}.json")));
    for document in leaves.lines().chain(documents.iter().map(String::as_str)) {
        let value = Value::parse(document.as_bytes(), Limits::STATEMENT).unwrap();
        let general: serde_json::Value = serde_json::from_str(document).unwrap();

        assert_eq!(serde_jcs::to_string(&general).unwrap(), document);
        assert_eq!(value.to_bytes(Limits::STATEMENT).unwrap(), document.as_bytes());
    }
}
