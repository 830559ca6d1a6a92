//! Reading the vector files.

use std::path::{Path, PathBuf};

use countersign_ledger::hash::Hash;
use serde_json::Value as Json;

/// Path of a vector file or folder; cargo runs tests in the package's directory, wherever it was built.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new("tests/vectors").join(name)
}

/// Bytes of a vector file.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Text of a vector file.
pub(crate) fn text(name: &str) -> String {
    String::from_utf8(bytes(name)).unwrap()
}

/// A vector file as JSON.
pub(crate) fn json(name: &str) -> Json {
    serde_json::from_slice(&bytes(name)).unwrap()
}

/// Every file below a folder, by path relative to it, sorted.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let root = path(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                folders.push(entry);
            } else {
                found.push(entry.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();

    found
}

/// 32 bytes written as hexadecimal digits.
pub(crate) fn bytes32(hex_digits: &str) -> [u8; 32] {
    hex::decode(hex_digits).unwrap().try_into().unwrap()
}

/// A hash in standard base64, if it is one.
pub(crate) fn hash(json: &Json) -> Option<Hash> {
    Hash::from_base64_std(json.as_str().unwrap()).ok()
}

/// A list of hashes in standard base64, if all are; null is an empty list.
pub(crate) fn hashes(json: &Json) -> Option<Vec<Hash>> {
    json.as_array().into_iter().flatten().map(hash).collect()
}
