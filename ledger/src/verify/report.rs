//! What a run of the verifier found.

use std::fmt;

use crate::hash::Hash;

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name of the check, such as `L5` or `D4`.
    pub check: &'static str,
    /// How it ended.
    pub status: Status,
    /// What it was made on: a file, `index 11`, `size 16`; for a failure, the first place that failed.
    pub subject: String,
    /// A sentence for people.
    pub detail: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It was made and holds.
    Passed,
    /// It was made and does not hold.
    Failed,
    /// Worth showing, does not fail the run.
    Notice,
    /// It was not made; the detail says why.
    NotMade,
}

impl Status {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Notice => "notice",
            Self::NotMade => "not_made",
        }
    }
}

/// The whole run in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every check that must be made was made and holds.
    Verified,
    /// A check failed.
    Failed,
    /// Nothing failed, but a check was not made.
    Incomplete,
}

/// Who cosigned the checkpoint, and when last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Time of the newest cosignature, in seconds since 1970.
    pub time: u64,
    /// Names of the witnesses in the trust policy.
    pub by: Vec<String>,
}

/// Everything a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The checks in order; others may be appended before the summary is asked for.
    pub checks: Vec<Check>,
    /// Size of the checkpoint that was checked.
    pub size: u64,
    /// Its root, once its signature is verified.
    pub root: Option<Hash>,
    /// Its verified cosignatures, if any.
    pub witnessed: Option<Witnessed>,
    /// Largest checkpoint that the verifier held before and found consistent, by size.
    pub held_size: Option<u64>,
}

impl Report {
    /// The run in one word.
    pub fn verdict(&self) -> Verdict {
        if self.failure().is_some() {
            Verdict::Failed
        } else if self.missing().is_some() || self.checks.is_empty() {
            Verdict::Incomplete
        } else {
            Verdict::Verified
        }
    }

    /// The run in one line, such as `VERIFIED to 16 · root KGik… · witnessed 2026-11-03T09:00:12Z by w1`.
    pub fn summary(&self) -> String {
        if let Some(failure) = self.failure() {
            return format!("FAILED {} at {}", failure.check, failure.subject);
        }
        if let Some(missing) = self.missing() {
            return format!("INCOMPLETE: {} not made, {}", missing.check, missing.detail);
        }
        let Some(root) = self.root else {
            return "INCOMPLETE: nothing was checked".to_owned();
        };
        let mut line = format!("VERIFIED to {} · root {}…", self.size, &root.to_base64_std()[..4]);
        if let Some(witnessed) = &self.witnessed {
            line.push_str(&format!(" · witnessed {} by {}", Time(witnessed.time), witnessed.by.join(", ")));
        }

        line
    }

    /// Exit code of a command that ran this: 0 verified, 1 failed, 2 incomplete.
    pub fn exit_code(&self) -> i32 {
        match self.verdict() {
            Verdict::Verified => 0,
            Verdict::Failed => 1,
            Verdict::Incomplete => 2,
        }
    }

    /// The bound of every verdict: what this run cannot exclude.
    pub fn limit(&self) -> String {
        let who = "someone with the signing key and the database";
        match self.held_size {
            Some(held) => format!(
                "Protected up to {held}, the size of the newest checkpoint you held before. Entries above it could still be rewritten by {who}."
            ),
            None if self.witnessed.is_some() => format!(
                "You held no earlier checkpoint. History could still be rewritten by {who} if the witnesses help."
            ),
            None => {
                format!("You held no earlier checkpoint and pinned no witness: nothing here is protected from {who}.")
            }
        }
    }

    pub(super) fn add(
        &mut self,
        check: &'static str,
        status: Status,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.checks.push(Check { check, status, subject: subject.into(), detail: detail.into() });
    }

    fn failure(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.status == Status::Failed)
    }

    /// A quorum of witnesses stands in for an earlier checkpoint of one's own (L7).
    fn missing(&self) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.status == Status::NotMade && (check.check != "L7" || self.witnessed.is_none()))
    }
}

/// Seconds since 1970, printed as RFC 3339 in UTC.
pub(super) struct Time(pub(super) u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        // Days since 0000-03-01, so that the leap day ends a year (proleptic Gregorian calendar).
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);

        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
    }
}
