//! Who answers for a decision, link by link: from the key that proposed it to the outcome that was reported.
//!
//! A chain always has every kind of link. One that the records do not hold is there as missing, with why and what to
//! do; one that this decision does not need is there and says so. Times are milliseconds since 1970 UTC; the file has
//! them in RFC 3339.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    decision::{State, words},
    ids::{DecisionId, EntryId},
    time::rfc3339,
    view::{Seal, ShownHolding},
};

/// Version of the file's layout, which names itself. Members may be added to it; a change of one is another version.
pub const FORMAT: &str = "countersign/accountability-chain/v1";

words! {
    /// The links of a chain, in its order. There is one of each, but a link per review, and one more for each review that
    /// was given in somebody's place.
    LinkKind {
        /// The key that proposed, and who made it.
        AgentKey "agent_key"
        /// Who owns the AI system.
        Owner "owner"
        /// The policy version that routed it: who wrote it, who put it in force.
        Policy "policy"
        /// A review, and the assignments that gave the right to it.
        Review "review"
        /// In whose place the review before it was given: the delegation, and what its delegator held then.
        Delegation "delegation"
        /// What resolved it.
        Resolution "resolution"
        /// When the AI system was told.
        Release "release"
        /// What the AI system reported.
        Outcome "outcome"
    }
}

words! {
    /// Whether a link is there.
    Standing {
        /// It is.
        Present "present"
        /// It is not, and should be.
        Missing "missing"
        /// It is not yet: the decision is not so far.
        Waiting "waiting"
        /// It is not, and this decision does not need it.
        NotNeeded "not_needed"
    }
}

words! {
    /// Why a link, or the whole of one, is not there.
    Gap {
        /// Nobody owned the system when it proposed.
        NoOwner "no_owner"
        /// No author is recorded for the policy version.
        NoAuthor "no_author"
        /// Nobody has reviewed it so far.
        NotReviewed "not_reviewed"
        /// It was resolved without a review.
        NeverReviewed "never_reviewed"
        /// The stored assignments do not give the authority that the review was sealed with.
        AuthorityDiffers "authority_differs"
        /// Nothing has resolved it so far.
        NotResolved "not_resolved"
        /// People decided, and a review may still be taken back.
        NotFinal "not_final"
        /// There is no answer so far, to tell or to act by.
        NoAnswer "no_answer"
        /// The AI system has not asked for the answer.
        NotTold "not_told"
        /// A pause keeps the answer from the AI system.
        KeptByPause "kept_by_pause"
        /// The AI system has not reported an outcome.
        NoOutcome "no_outcome"
        /// A rule decided, so no person was asked.
        DecidedByRule "decided_by_rule"
        /// The AI system took it back, or a pause refused it, before anybody was asked.
        NobodyAsked "nobody_asked"
        /// Nothing was approved, so there is nothing to run.
        NothingToRun "nothing_to_run"
        /// Nobody looked in time at what was done against the policy.
        NotLookedAt "not_looked_at"
        /// A grant approved it, so no person was asked again.
        DecidedByGrant "decided_by_grant"
    }
}

/// The accountability chain of one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    /// The decision.
    pub decision: DecisionId,
    /// One plain sentence: what the AI system asks to do.
    pub title: String,
    /// Name of the AI system.
    pub system: String,
    /// Where the decision stands.
    pub state: State,
    /// Every link, in order.
    pub links: Vec<Link>,
    /// Number of the last entry about the decision that it holds.
    pub upto: u64,
    /// The entry that put this reading on record.
    pub recorded: EntryId,
    /// Server time.
    pub now: u64,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Which.
    pub kind: LinkKind,
    /// Whether it is there.
    pub standing: Standing,
    /// What it says, in one sentence.
    pub says: String,
    /// What is not there of it: why, and what to do.
    pub lacks: Option<Lack>,
    /// The acts that make it, oldest first.
    pub acts: Vec<ChainAct>,
    /// The assignments that gave the right to it at that time.
    pub grants: Vec<Grant>,
}

/// What is not there of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// Why, in one word.
    pub gap: Gap,
    /// Why, in a sentence.
    pub why: String,
    /// What to do about it; nothing where nothing is to be done.
    pub remedy: Option<String>,
}

/// One sealed act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainAct {
    /// Who.
    pub who: Who,
    /// What they did, beginning with a verb.
    pub did: String,
    /// When.
    pub at: u64,
    /// Its entry.
    pub entry: EntryId,
    /// The entry's seal.
    pub seal: Seal,
    /// The policies of authorisation that allowed it, as the entry names them; none where nobody is asked.
    pub allowed_by: Vec<Allowed>,
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Who {
    /// A person; without a name once erased.
    Person {
        /// The name.
        name: Option<String>,
    },
    /// An AI system, by a key.
    System {
        /// Its name.
        name: String,
        /// Public id of the key.
        key: Option<String>,
    },
    /// The product itself.
    Countersign,
    /// Whoever runs the installation, on its command line.
    Operator,
    /// A directory that pushes people and groups.
    Directory,
    /// Nobody known.
    Anonymous,
}

/// A policy of authorisation that allowed an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Its id.
    pub id: String,
    /// What it says; empty where this build does not know it.
    pub says: String,
}

/// An assignment of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What it gave, as far as it concerns this decision: of other systems and types it says nothing.
    pub holding: ShownHolding,
    /// Where it came from, in words.
    pub source: String,
    /// When it ended, where it has ended since.
    pub ended_at: Option<u64>,
    /// The acts behind it, oldest first: who asked for it, the second person who confirmed it, who gave it.
    pub acts: Vec<ChainAct>,
}

impl ChainView {
    /// Counts the links that are missing, and those of which something is.
    pub fn missing(&self) -> usize {
        self.links.iter().filter(|link| link.is_missing()).count()
    }

    /// Returns the chain as a file: names of members are fixed by [`FORMAT`].
    ///
    /// ```json
    /// {
    ///   "format": "countersign/accountability-chain/v1",
    ///   "decision": "0193…", "system": "refund-agent", "state": "released",
    ///   "upto": 6, "missing": 1, "at": "2026-11-02T09:02:30.001Z",
    ///   "links": [{
    ///     "kind": "review", "standing": "present", "says": "…",
    ///     "lacks": {"gap": "no_owner", "why": "…", "remedy": "…"},
    ///     "acts": [{
    ///       "who": {"kind": "person", "name": "Ada", "erased": false},
    ///       "did": "approved it", "at": "2026-11-02T09:02:30.001Z", "entry": "0193…",
    ///       "seal": {"state": "sealed", "index": 17, "path": "/ledger/17"},
    ///       "allowed_by": [{"id": "review_as_approver", "says": "…"}]
    ///     }],
    ///     "grants": [{
    ///       "role": "approver", "all_systems": true, "types": [], "risk_max": "medium", "amount_max": 500,
    ///       "until": null, "source": "by hand", "ended_at": null, "acts": []
    ///     }]
    ///   }]
    /// }
    /// ```
    pub fn file(&self) -> Value {
        json!({
            "format": FORMAT,
            "decision": self.decision.to_string(),
            "system": self.system,
            "state": self.state.word(),
            "upto": self.upto,
            "missing": self.missing(),
            "at": rfc3339(self.now),
            "links": self.links.iter().map(Link::file).collect::<Vec<_>>(),
        })
    }
}

impl Link {
    /// Tells whether the link, or something of it, is missing.
    pub fn is_missing(&self) -> bool {
        match self.standing {
            Standing::Missing => true,
            Standing::Present => self.lacks.is_some(),
            Standing::Waiting | Standing::NotNeeded => false,
        }
    }

    /// Tells whether somebody in it was erased.
    pub fn is_erased(&self) -> bool {
        let granted = self.grants.iter().flat_map(|grant| &grant.acts);
        self.acts.iter().chain(granted).any(|act| act.who.is_erased())
    }

    fn file(&self) -> Value {
        json!({
            "kind": self.kind.word(),
            "standing": self.standing.word(),
            "says": self.says,
            "lacks": self.lacks.as_ref().map(|lack| json!({
                "gap": lack.gap.word(),
                "why": lack.why,
                "remedy": lack.remedy,
            })),
            "acts": acts(&self.acts),
            "grants": self.grants.iter().map(Grant::file).collect::<Vec<_>>(),
        })
    }
}

impl ChainAct {
    fn file(&self) -> Value {
        json!({
            "who": self.who.file(),
            "did": self.did,
            "at": rfc3339(self.at),
            "entry": self.entry.to_string(),
            "seal": {
                "state": self.seal.state.word(),
                "index": self.seal.index,
                "path": self.seal.index.map(|index| format!("/ledger/{index}")),
            },
            "allowed_by": self.allowed_by.iter().map(|rule| json!({"id": rule.id, "says": rule.says}))
                .collect::<Vec<_>>(),
        })
    }
}

impl Grant {
    fn file(&self) -> Value {
        json!({
            "role": self.holding.role.word(),
            "all_systems": self.holding.systems.is_none(),
            "types": self.holding.types,
            "risk_max": self.holding.risk.map(crate::decision::Risk::word),
            "amount_max": self.holding.amount,
            "until": self.holding.until.map(rfc3339),
            "source": self.source,
            "ended_at": self.ended_at.map(rfc3339),
            "acts": acts(&self.acts),
        })
    }
}

impl Who {
    /// Tells whether it is a person who was erased.
    pub fn is_erased(&self) -> bool {
        matches!(self, Who::Person { name: None })
    }

    fn file(&self) -> Value {
        match self {
            Who::Person { name } => json!({"kind": "person", "name": name, "erased": name.is_none()}),
            Who::System { name, key } => json!({"kind": "system", "name": name, "key": key}),
            Who::Countersign => json!({"kind": "countersign"}),
            Who::Operator => json!({"kind": "operator"}),
            Who::Directory => json!({"kind": "directory"}),
            Who::Anonymous => json!({"kind": "anonymous"}),
        }
    }
}

fn acts(acts: &[ChainAct]) -> Vec<Value> {
    acts.iter().map(ChainAct::file).collect()
}

/// What the sentences about a gap name.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Name of the AI system.
    pub system: &'a str,
    /// What silence does at the deadline, as a sentence goes on after "it".
    pub at_zero: &'a str,
}

impl Gap {
    /// Says why something is not there and what to do.
    pub fn lack(self, named: Named<'_>) -> Lack {
        let Named { system, at_zero } = named;
        let (why, remedy) = match self {
            Gap::NoOwner => (
                format!("Nobody owned {system} when it proposed this."),
                Some(format!(
                    "An admin names an owner of {system} under AI systems; what it proposes from then on has this link."
                )),
            ),
            Gap::NoAuthor => (
                "No author is recorded for this policy version: it came with the installation, or from the operator's command line."
                    .to_owned(),
                Some(
                    "A policy author writes a version of your own under Policies, and a compliance officer puts it in force."
                        .to_owned(),
                ),
            ),
            Gap::NotReviewed => (
                format!("Nobody has reviewed it so far. At its deadline it {at_zero}."),
                Some("It waits in the queue of whoever may fill its free seats: ask one of them to review it.".to_owned()),
            ),
            Gap::NeverReviewed => (
                "Nobody reviewed it before its time ran out.".to_owned(),
                Some(
                    "A second look is a new decision: the AI system proposes it again, or the rule gives people more time."
                        .to_owned(),
                ),
            ),
            Gap::AuthorityDiffers => (
                "The stored assignments do not give the authority that was sealed with this review.".to_owned(),
                Some(
                    "Somebody may have changed the database. An auditor runs “countersign verify”, which names the entry."
                        .to_owned(),
                ),
            ),
            Gap::NotResolved => ("Nothing has resolved it so far.".to_owned(), None),
            Gap::NotFinal => {
                ("It is not final yet: a review may still be taken back, and until then nothing is told.".to_owned(), None)
            }
            Gap::NoAnswer => {
                ("There is no answer so far, so there is nothing to tell and nothing to run.".to_owned(), None)
            }
            Gap::NotTold => (
                format!("{system} was not told so far: it has not asked for the answer."),
                Some("If its run has ended, whoever runs it starts it again: the answer waits here.".to_owned()),
            ),
            Gap::KeptByPause => (
                format!("{system} is not told: it is paused, and a pause keeps approvals back."),
                Some("A senior approver of it, or an admin, who did not pause it resumes it under Pauses.".to_owned()),
            ),
            Gap::NoOutcome => (
                format!("No outcome was reported yet: whether {system} ran it is not known here."),
                Some(format!("Whoever runs {system} has it report what became of it, or finds out why it does not.")),
            ),
            Gap::DecidedByRule => ("No person reviewed it: a rule of the policy decided by itself.".to_owned(), None),
            Gap::DecidedByGrant => (
                "No person reviewed it: an active grant covered it, which one person asked for and another one activated."
                    .to_owned(),
                None,
            ),
            Gap::NobodyAsked => ("Nobody reviewed it: it was over before anybody did.".to_owned(), None),
            Gap::NothingToRun => ("Nothing was approved, so there is nothing to run and nothing to report.".to_owned(), None),
            Gap::NotLookedAt => (
                "Nobody has looked at the override or revocation within 72 hours.".to_owned(),
                Some(
                    "Another senior approver, or a compliance officer, looks at it under Post-reviews; until then whoever acted overrides nothing else."
                        .to_owned(),
                ),
            ),
        };
        Lack { gap: self, why, remedy }
    }

    /// Tells whether what is not there should be, or comes later.
    pub const fn standing(self) -> Standing {
        match self {
            Gap::DecidedByRule | Gap::DecidedByGrant | Gap::NobodyAsked | Gap::NothingToRun => Standing::NotNeeded,
            Gap::NotReviewed | Gap::NotResolved | Gap::NotFinal | Gap::NoAnswer => Standing::Waiting,
            Gap::NoOwner
            | Gap::NoAuthor
            | Gap::NeverReviewed
            | Gap::AuthorityDiffers
            | Gap::NotTold
            | Gap::KeptByPause
            | Gap::NoOutcome
            | Gap::NotLookedAt => Standing::Missing,
        }
    }
}

/// Name of the file.
pub fn chain_file(decision: DecisionId) -> String {
    format!("decision-{}-chain.json", decision.short().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decision::SealState, role::Role};

    const NAMED: Named<'static> = Named { system: "refund-agent", at_zero: "expires" };

    #[test]
    fn every_gap_says_why_and_every_missing_one_what_to_do() {
        for gap in Gap::ALL {
            let lack = gap.lack(NAMED);
            assert!(lack.why.ends_with('.'), "{}", lack.why);
            assert!(lack.remedy.iter().all(|remedy| remedy.ends_with('.')), "{lack:?}");
            assert!(lack.remedy.is_some() || gap.standing() != Standing::Missing, "{gap:?}");
        }
    }

    #[test]
    fn the_file_has_the_members_that_its_format_fixes() {
        let file = sample().file();

        assert_eq!(
            file,
            json!({
                "format": "countersign/accountability-chain/v1",
                "decision": "01920000-0000-7000-8000-000000000001",
                "system": "refund-agent",
                "state": "queued",
                "upto": 3,
                "missing": 1,
                "at": "2026-11-02T09:02:30.001Z",
                "links": [
                    {
                        "kind": "owner", "standing": "missing", "says": "Nobody answers for it.",
                        "lacks": {
                            "gap": "no_owner",
                            "why": "Nobody owned refund-agent when it proposed this.",
                            "remedy": "An admin names an owner of refund-agent under AI systems; what it proposes from then on has this link.",
                        },
                        "acts": [], "grants": [],
                    },
                    {
                        "kind": "review", "standing": "present", "says": "Approved.", "lacks": null,
                        "acts": [{
                            "who": {"kind": "person", "name": null, "erased": true},
                            "did": "approved it",
                            "at": "1970-01-01T00:00:00.000Z",
                            "entry": "01920000-0000-7000-8000-000000000002",
                            "seal": {"state": "sealed", "index": 17, "path": "/ledger/17"},
                            "allowed_by": [{"id": "review_as_approver", "says": "Approvers review."}],
                        }],
                        "grants": [{
                            "role": "approver", "all_systems": false, "types": [], "risk_max": null,
                            "amount_max": 500, "until": null, "source": "by hand",
                            "ended_at": "1970-01-01T00:00:01.000Z", "acts": [],
                        }],
                    },
                ],
            })
        );
    }

    #[test]
    fn an_erased_person_is_found_in_acts_and_behind_assignments() {
        let mut chain = sample();
        assert_eq!([chain.links[0].is_erased(), chain.links[1].is_erased()], [false, true]);

        let act = ChainAct { who: Who::Person { name: Some("Ada".into()) }, ..chain.links[1].acts[0].clone() };
        let erased = std::mem::replace(&mut chain.links[1].acts[0], act);
        assert!(!chain.links[1].is_erased());
        chain.links[1].grants[0].acts.push(erased);
        assert!(chain.links[1].is_erased());
    }

    #[test]
    fn a_link_that_is_there_and_lacks_something_counts_as_missing_and_one_not_needed_does_not() {
        let mut chain = sample();
        chain.links[1].lacks = Some(Gap::AuthorityDiffers.lack(NAMED));
        assert_eq!(chain.missing(), 2);

        chain.links[0].standing = Gap::NothingToRun.standing();
        assert_eq!(chain.missing(), 1);
    }

    fn sample() -> ChainView {
        let entry: EntryId = "01920000-0000-7000-8000-000000000002".parse().unwrap();
        let act = ChainAct {
            who: Who::Person { name: None },
            did: "approved it".into(),
            at: 0,
            entry,
            seal: Seal { state: SealState::Sealed, index: Some(17) },
            allowed_by: vec![Allowed { id: "review_as_approver".into(), says: "Approvers review.".into() }],
        };
        let holding = ShownHolding {
            role: Role::Approver,
            systems: Some(vec!["refund-agent".into()]),
            types: Vec::new(),
            risk: None,
            amount: Some(500),
            until: None,
        };
        let grant = Grant { holding, source: "by hand".into(), ended_at: Some(1_000), acts: Vec::new() };
        ChainView {
            decision: "01920000-0000-7000-8000-000000000001".parse().unwrap(),
            title: "Issue a refund".into(),
            system: "refund-agent".into(),
            state: State::Queued,
            links: vec![
                Link {
                    kind: LinkKind::Owner,
                    standing: Standing::Missing,
                    says: "Nobody answers for it.".into(),
                    lacks: Some(Gap::NoOwner.lack(NAMED)),
                    acts: Vec::new(),
                    grants: Vec::new(),
                },
                Link {
                    kind: LinkKind::Review,
                    standing: Standing::Present,
                    says: "Approved.".into(),
                    lacks: None,
                    acts: vec![act],
                    grants: vec![grant],
                },
            ],
            upto: 3,
            recorded: entry,
            now: 1_793_610_150_001,
        }
    }
}
