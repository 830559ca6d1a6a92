//! First failure and first notice of each check, with how many followed.

use std::collections::BTreeMap;

use countersign_ledger::verify::{Check, Status};

#[derive(Default)]
pub(super) struct Findings(BTreeMap<(&'static str, Status), Found>);

struct Found {
    subject: String,
    detail: String,
    more: u64,
}

impl Findings {
    pub(super) fn fail(&mut self, check: &'static str, index: u64, detail: String) {
        self.add(check, Status::Failed, format!("index {index}"), detail);
    }

    pub(super) fn fail_on(&mut self, check: &'static str, subject: &str, detail: String) {
        self.add(check, Status::Failed, subject.to_owned(), detail);
    }

    pub(super) fn notice(&mut self, check: &'static str, index: u64, detail: String) {
        self.add(check, Status::Notice, format!("index {index}"), detail);
    }

    /// Records a pass unless the check failed before.
    pub(super) fn pass(&mut self, check: &'static str, subject: &str, detail: String) {
        if !self.0.contains_key(&(check, Status::Failed)) {
            self.add(check, Status::Passed, subject.to_owned(), detail);
        }
    }

    /// The findings by check, failures first.
    pub(super) fn into_checks(self) -> Vec<Check> {
        let mut checks: Vec<_> = self
            .0
            .into_iter()
            .map(|((check, status), Found { subject, detail, more })| {
                let detail = if more > 0 { format!("{detail} (and {more} more)") } else { detail };
                Check { check, status, subject, detail }
            })
            .collect();
        checks.sort_by_key(|check| (check.check, check.status != Status::Failed));

        checks
    }

    fn add(&mut self, check: &'static str, status: Status, subject: String, detail: String) {
        self.0.entry((check, status)).and_modify(|found| found.more += 1).or_insert(Found { subject, detail, more: 0 });
    }
}
