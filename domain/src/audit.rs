//! What the entries of a log mean, checked by somebody who has nothing but the log.
//!
//! [`countersign_ledger::verify`] checks bytes; this checks acts: that every entry has the fields of its kind (D1),
//! that the acts on each object are numbered without gap and every actor had signed in (D2), that clocks do not run
//! back (D3), that texts and statements are the committed ones (D4), that every resolution follows from reviews by
//! people who had the authority then (D6), that an agent was told once and only what was sealed (D7), and that the
//! log opens with the key that is pinned (D8), that passkey records are signatures by confirmed keys over exactly what
//! was reviewed (D5), and that pauses of systems held (D9).
//!
//! Start with [`verify_log`]; [`Audit`] is the same, fed entry by entry. Memory grows with objects, not with entries.

mod bulks;
mod decisions;
mod delegations;
mod findings;
mod grants;
mod leases;
mod order;
mod overrides;
mod owners;
mod passkeys;
mod pauses;
mod people;
mod schema;
mod talk;
#[cfg(test)]
mod tests;
mod values;

use countersign_ledger::{
    hash::Hash,
    leaf::{Leaf, LeafRef},
    tlog_proof::TlogProof,
    value::Value,
    verify::{self, Check, Held, Report, Source, Status, Trust},
};
use serde::Serialize;
use uuid::Uuid;

use bulks::Bulks;
use decisions::Decisions;
use delegations::Delegations;
use findings::Findings;
use grants::Grants;
use leases::Leases;
use order::Order;
use overrides::PostReviews;
use owners::Owners;
use passkeys::Passkeys;
use pauses::Pauses;
use people::People;
use schema::Misfit;
use talk::Talk;
use values::Values;

pub use countersign_ledger::verify::Evidence;

/// Finds the body of a statement by its digest.
pub type Statements<'a> = &'a dyn Fn(&Hash) -> Option<Vec<u8>>;

/// The checks of meaning over one log, fed in order.
pub struct Audit<'a> {
    findings: Findings,
    order: Order,
    people: People,
    decisions: Decisions,
    passkeys: Passkeys,
    pauses: Pauses,
    leases: Leases,
    delegations: Delegations,
    talk: Talk,
    owners: Owners,
    bulks: Bulks,
    post_reviews: PostReviews,
    grants: Grants,
    statements: Statements<'a>,
    values: Values<'a>,
    entries: u64,
    opening: Option<Leaf>,
}

/// One entry, with its ids as numbers.
struct Act<'a> {
    index: u64,
    id: u128,
    leaf: &'a Leaf,
    /// Type, id, and number or highest number shown.
    object: Option<(&'a str, u128, Numbered)>,
    sid: Option<u128>,
}

#[derive(Clone, Copy)]
enum Numbered {
    Act(u64),
    Read(u64),
}

impl<'a> Act<'a> {
    fn member(&self, name: &str) -> Option<&'a Value> {
        self.leaf.d.as_ref()?.get(name)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.member(name)?.as_text()
    }

    fn integer(&self, name: &str) -> Option<u64> {
        self.member(name)?.as_integer()
    }

    fn hash(&self, name: &str) -> Option<Hash> {
        self.member(name)?.as_hash()
    }

    /// Number and digest of the authority that it claims.
    fn authority(&self) -> Option<(u64, Hash)> {
        let authority = self.member("authority")?;
        Some((authority.get("n")?.as_integer()?, authority.get("set")?.as_hash()?))
    }
}

impl<'a> Audit<'a> {
    /// Starts at index 0. Statements are asked for as the entries name them.
    pub fn new(statements: Statements<'a>) -> Self {
        Self {
            findings: Findings::default(),
            order: Order::default(),
            people: People::default(),
            decisions: Decisions::default(),
            passkeys: Passkeys::default(),
            pauses: Pauses::default(),
            leases: Leases::default(),
            delegations: Delegations::default(),
            talk: Talk::default(),
            owners: Owners::default(),
            bulks: Bulks::default(),
            post_reviews: PostReviews::default(),
            grants: Grants::default(),
            statements,
            values: Values::new(statements),
            entries: 0,
            opening: None,
        }
    }

    /// Adds openings, as canonical bytes of one or of a list; what cannot be read fails D4.
    pub fn add_openings(&mut self, subject: &str, bytes: &[u8]) {
        self.values.add(subject, bytes, &mut self.findings);
    }

    /// Checks the next entry.
    pub fn visit(&mut self, index: u64, leaf: &LeafRef<'_>) {
        let leaf = leaf.to_leaf();
        let act = Act {
            index,
            id: number(&leaf.id),
            object: leaf.obj.as_ref().map(|obj| {
                let numbered = obj.n.map_or(Numbered::Read(obj.upto.unwrap_or(0)), Numbered::Act);
                (obj.t.as_str(), number(&obj.id), numbered)
            }),
            sid: leaf.actor.sid.as_deref().map(number),
            leaf: &leaf,
        };
        let understood = match schema::check(&leaf) {
            Ok(()) => true,
            Err(Misfit::Unknown(detail)) => {
                self.findings.notice("D1", index, detail);
                schema::is_known(&leaf.kind)
            }
            Err(Misfit::Broken(detail)) => {
                self.findings.fail("D1", index, detail);
                false
            }
        };
        self.order.visit(&act, &mut self.findings);
        self.values.visit(&act, &mut self.findings);
        // Reviews are judged by the authority before this entry.
        self.decisions.visit(&act, understood, &self.people, &self.pauses, &mut self.findings);
        self.pauses.visit(&act, understood, &mut self.findings);
        self.leases.visit(&act, understood, &mut self.findings);
        self.delegations.visit(&act, understood, &self.people, &mut self.findings);
        self.talk.visit(&act, understood, &mut self.findings);
        self.owners.visit(&act, understood, &mut self.findings);
        self.bulks.visit(&act, understood, &mut self.findings);
        self.post_reviews.visit(&act, understood, &mut self.findings);
        // So are the people who activate grants.
        self.grants.visit(&act, understood, &self.people, &mut self.findings);
        self.people.visit(&act, understood);
        self.passkeys.visit(&act, understood, self.statements, &mut self.findings);
        self.entries += 1;
        if index == 0 {
            self.opening = Some(leaf);
        }
    }

    /// Returns what was found, D1 to D9.
    pub fn finish(mut self, trust: &Trust) -> Vec<Check> {
        self.values.finish(&mut self.findings);
        self.check_opening(trust);
        let entries = format!("size {}", self.entries);
        let reviewed = self.decisions.reviewed();
        let more = [
            self.leases.summary(),
            self.owners.summary(),
            self.post_reviews.summary(),
            self.delegations.summary(),
            self.grants.summary(),
        ];
        let reviewed = more.into_iter().flatten().fold(reviewed, |said, more| format!("{said}; {more}"));
        let passed = [
            ("D1", format!("{} entries have the fields of their kind", self.entries)),
            ("D2", self.order.numbered()),
            ("D3", "no clock ran back by more than 30 s".to_owned()),
            ("D4", self.values.summary()),
            ("D6", reviewed),
            ("D7", self.decisions.resolved()),
            ("D8", "the log opens with the pinned key".to_owned()),
        ];
        for (check, detail) in passed {
            self.findings.pass(check, &entries, detail);
        }
        if let Some(detail) = self.passkeys.summary() {
            self.findings.pass("D5", &entries, detail);
        }
        if let Some(detail) = self.pauses.summary() {
            self.findings.pass("D9", &entries, detail);
        }

        self.findings.into_checks()
    }

    fn check_opening(&mut self, trust: &Trust) {
        let member = |name| self.opening.as_ref().and_then(|leaf| leaf.d.as_ref()?.get(name)).and_then(Value::as_text);
        let kind = self.opening.as_ref().map(|leaf| leaf.kind.as_str());
        if kind != Some("ledger.opened") {
            return self.findings.fail("D8", 0, "a log begins with the entry that opened it".to_owned());
        }
        let vkey = member("vkey").unwrap_or_default();
        let log = member("log").unwrap_or_default();
        let pinned = trust.policy.logs.iter().find(|pinned| pinned.key.to_string() == vkey);
        match pinned {
            Some(pinned) if pinned.key.name().rsplit('/').next() == Some(log) => {}
            Some(_) => {
                let detail = format!("it opens the log {log}, not that of the pinned key");
                self.findings.fail("D8", 0, detail);
            }
            None => self.findings.fail("D8", 0, format!("it opens with the key {vkey}, which is not pinned")),
        }
    }
}

/// Every kind of entry that a log may hold.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    schema::kinds()
}

/// Verifies a whole log: its bytes, then what they mean, with statements and openings from the same place.
pub fn verify_log(source: &dyn Source, trust: &Trust, held: &[&str]) -> Report {
    let statements = |digest: &Hash| source.file(&format!("statements/{digest}.json"));
    let mut audit = Audit::new(&statements);
    for name in source.names("openings") {
        let path = format!("openings/{name}");
        audit.add_openings(&path, &source.file(&path).unwrap_or_default());
    }
    let mut report = verify::verify_log(source, trust, held, &mut |index, _, leaf| audit.visit(index, leaf));
    // Without a checkpoint to hold them to, no entry was read.
    if report.root.is_some() {
        report.checks.extend(audit.finish(trust));
    }

    report
}

/// Verifies one proof file, and that its entry has the fields of its kind.
pub fn verify_proof(text: &str, trust: &Trust, held: Option<&Held>, evidence: &Evidence<'_>) -> Report {
    let mut report = verify::verify_proof(text, trust, held, evidence);
    let bytes = TlogProof::parse(text).ok().and_then(|proof| Some((proof.index, proof.extra?)));
    let leaf = bytes.as_ref().and_then(|(index, bytes)| Some((index, Leaf::parse(bytes).ok()?)));
    if let Some((index, leaf)) = leaf {
        let (status, detail) = match schema::check(&leaf) {
            Ok(()) => (Status::Passed, format!("it is a complete {}", leaf.kind)),
            Err(Misfit::Unknown(detail)) => (Status::Notice, detail),
            Err(Misfit::Broken(detail)) => (Status::Failed, detail),
        };
        report.checks.push(Check { check: "D1", status, subject: format!("index {index}"), detail });
    }

    report
}

/// Writes a report as JSON: `checks`, `summary`, `limit` and `exit`.
pub fn to_json(report: &Report) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        checks: Vec<Line<'a>>,
        summary: String,
        limit: String,
        exit: i32,
    }
    #[derive(Serialize)]
    struct Line<'a> {
        check: &'a str,
        status: &'a str,
        subject: &'a str,
        detail: &'a str,
    }
    let checks = report
        .checks
        .iter()
        .map(|check| Line {
            check: check.check,
            status: check.status.as_str(),
            subject: &check.subject,
            detail: &check.detail,
        })
        .collect();
    let document = Document { checks, summary: report.summary(), limit: report.limit(), exit: report.exit_code() };

    serde_json::to_string(&document).expect("texts and numbers are always JSON")
}

/// An id that the reader of leaves has found to be a UUID.
fn number(id: &str) -> u128 {
    Uuid::try_parse(id).map_or(0, |id| id.as_u128())
}
