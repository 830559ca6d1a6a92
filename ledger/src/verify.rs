//! The verifier: what an auditor, a reviewer's browser and the server's own monitor check about bytes.
//!
//! [`verify_log`] checks a whole exported log, [`verify_proof`] one receipt. Both return a [`Report`]: a list of
//! checks L1 to L8 (ledger format, section 10) with a status each, and one line that sums it up. A check that was
//! not made is reported as not made. What entries mean is checked elsewhere, on the leaves handed out here.

mod head;
mod log;
mod receipt;
mod report;

use crate::note::Verifier;
use crate::policy::TrustPolicy;

pub use log::{Source, verify_log};
pub use receipt::{Evidence, Held, verify_proof};
pub use report::{Check, Report, Status, Verdict, Witnessed};

/// What the verifier believes without proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Pinned log keys and witnesses.
    pub policy: TrustPolicy,
    /// How old the newest cosignature may be; without it any age passes.
    pub freshness: Option<Freshness>,
}

/// A limit on the age of the newest cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The verifier's own time, in seconds since 1970.
    pub now: u64,
    /// Greatest age, in seconds.
    pub age_max_seconds: u64,
}

impl Trust {
    /// Pins one log key and no witness: check L3 is then not made.
    pub fn log_only(key: Verifier) -> Self {
        TrustPolicy::log_only(key).into()
    }
}

impl From<TrustPolicy> for Trust {
    fn from(policy: TrustPolicy) -> Self {
        Self { policy, freshness: None }
    }
}
