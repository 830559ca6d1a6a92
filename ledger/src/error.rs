//! What went wrong, and where.

/// Result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Exactly which check failed, and at which byte, line, field, entry or file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes are not in the canonical form of their format.
    #[error("{what}, byte {at}: {why}")]
    Syntax {
        /// The format that was being read, such as `leaf` or `entry bundle`.
        what: &'static str,
        /// Offset of the first offending byte, from 0.
        at: usize,
        /// The rule that does not hold.
        why: &'static str,
    },
    /// A line of a text format breaks a rule.
    #[error("{what}, line {line}: {why}")]
    Line {
        /// The format that was being read, such as `signed note`.
        what: &'static str,
        /// Line number, from 1.
        line: usize,
        /// The rule that does not hold.
        why: &'static str,
    },
    /// A field of a leaf, statement or opening holds a value outside its class.
    #[error("{what}, field `{field}`: {why}")]
    Field {
        /// The document, such as `leaf`.
        what: &'static str,
        /// Path of the field inside the document.
        field: String,
        /// The rule that does not hold.
        why: &'static str,
    },
    /// Something is larger than its format allows.
    #[error("{what}: {found} exceeds the limit of {max}")]
    Limit {
        /// What was counted, with its unit.
        what: &'static str,
        /// Largest accepted count.
        max: usize,
        /// Count that was found.
        found: usize,
    },
    /// A leaf or statement has a version this build does not know: its bytes can be checked, its meaning cannot.
    #[error("{what}: version {version} is not understood by this verifier, use a newer one")]
    Version {
        /// The document, such as `leaf`.
        what: &'static str,
        /// The version found in field `v`.
        version: u64,
    },
    /// A verifier key text (vkey) cannot be used.
    #[error("key `{key}`: {why}")]
    Key {
        /// The key text or name.
        key: String,
        /// The rule that does not hold.
        why: &'static str,
    },
    /// A signature by a known key does not verify; the whole note is refused.
    #[error("the signature by `{name}` does not verify")]
    Signature {
        /// Name of the key.
        name: String,
    },
    /// No known key signed the note.
    #[error("no signature by any of: {wanted}")]
    Unsigned {
        /// Names of the keys that were looked for, separated by commas.
        wanted: String,
    },
    /// A checkpoint belongs to another log than the pinned one.
    #[error("checkpoint of `{found}`, expected `{expected}`")]
    Origin {
        /// The pinned origin.
        expected: String,
        /// The origin in the checkpoint.
        found: String,
    },
    /// A Merkle proof does not hold.
    #[error("{what} proof: {why}")]
    Proof {
        /// `inclusion` or `consistency`.
        what: &'static str,
        /// The rule that does not hold.
        why: &'static str,
    },
    /// A tile that a proof needs is missing or has the wrong number of hashes.
    #[error("tile `{path}`: {why}")]
    Tile {
        /// C2SP path of the tile.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The stored right edge of a tree does not have the shape its size demands.
    #[error("tree of size {size}, tile level {level}: {why}")]
    Edge {
        /// The size that was asked for.
        size: u64,
        /// Tile level, 0 holds leaf hashes.
        level: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A commitment does not open to the value given.
    #[error("field `{field}` of entry {entry}: salt and value do not give the sealed commitment")]
    Opening {
        /// Id of the entry.
        entry: String,
        /// Name of the committed field.
        field: String,
    },
    /// A passkey assertion does not hold.
    #[error("assertion: {why}")]
    Assertion {
        /// The rule that does not hold.
        why: &'static str,
    },
}
