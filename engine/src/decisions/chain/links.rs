//! The links, written from what is stored. Each kind is written whatever is there: what is not there is a link too.

use countersign_domain::{
    chain::{ChainAct, Gap, Grant, Link, LinkKind, Named, Standing},
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, ReviewState, Verdict},
    ids::{EntryId, PersonId, PolicyVersionId},
    lineage::Maker,
    overrides::{self, PostReviewKind, PostReviewResult},
    policy::Route,
    revocation::Compensation,
    time::screen,
};

use super::{Records, grants, person};
use crate::{Engine, db::reviews::Review, people};

pub(super) struct Writer<'a> {
    pub(super) records: &'a Records,
    pub(super) engine: &'a Engine,
    pub(super) named: Named<'a>,
}

impl Writer<'_> {
    pub(super) fn all(&self) -> Vec<Link> {
        let mut links = vec![self.agent_key(), self.owner(), self.policy()];
        links.extend(self.reviews());
        links.extend([self.resolution(), self.release(), self.outcome()]);
        links
    }

    fn agent_key(&self) -> Link {
        let Records { revisions, system, .. } = self.records;
        let by_agent: Vec<_> = revisions.iter().filter(|revision| revision.maker != Maker::Edited).collect();
        let mut acts = Vec::new();
        let mut issued: Vec<EntryId> = Vec::new();
        for revision in by_agent {
            let via = self.records.leaf(revision.entry).and_then(|leaf| leaf.actor.via.as_deref()?.parse().ok());
            if let Some(via) = via.filter(|via| !issued.contains(via)) {
                issued.push(via);
                let key = self.records.keys.get(&via).map_or_else(|| "the key".to_owned(), |key| format!("key {key}"));
                acts.extend(self.act(via, format!("made {key}")));
            }
            let did = match revision.number {
                1 => "proposed it by that key".to_owned(),
                number => format!("proposed version {number}, as a reviewer had asked"),
            };
            acts.extend(self.act(revision.entry, did));
        }
        let key = issued.iter().rev().find_map(|issued| self.records.keys.get(issued));
        let says = match key {
            Some(key) => format!("{system} proposed it by key {key}."),
            None => format!("{system} proposed it."),
        };
        self.present(LinkKind::AgentKey, says, acts)
    }

    fn owner(&self) -> Link {
        let system = &self.records.system;
        let mut acts: Vec<_> = self.act(self.records.registered, format!("registered {system}")).into_iter().collect();
        let Some((owner, named)) = self.records.owner else {
            return Link { acts, ..self.gap(LinkKind::Owner, Gap::NoOwner) };
        };
        let name = self.records.names.get(&owner).cloned().unwrap_or_else(people::erased);
        acts.extend(self.act(named, format!("named {name} as the owner of {system}")));
        let says = format!("{name} owned {system} when it proposed this.");
        self.present(LinkKind::Owner, says, acts)
    }

    fn policy(&self) -> Link {
        let decision = &self.records.decision;
        let number = |version: PolicyVersionId| self.records.versions.get(&version).map_or(0, |version| version.number);
        let rule = |version: PolicyVersionId, rule: u64| {
            let version = self.records.versions.get(&version);
            let row = version.and_then(|version| version.body.row(rule));
            row.map_or_else(|| format!("row {rule}"), |row| format!("rule {}", row.label()))
        };
        let governing = number(decision.policy_version);
        let mut authors = Vec::new();
        let mut acts: Vec<ChainAct> = Vec::new();
        for entry in self.records.drafting.iter().rev() {
            let Some(leaf) = self.records.leaf(*entry) else { continue };
            let Some(author) = person(leaf) else { continue };
            match leaf.kind.as_str() {
                // Each save of a draft is an entry; the last of each author stands for them all.
                "policy.drafted" if !authors.contains(&author) => {
                    authors.push(author);
                    acts.extend(self.act(*entry, format!("wrote version {governing}")));
                }
                "policy.submitted" => acts.extend(self.act(*entry, "handed it over to be judged")),
                _ => {}
            }
        }
        acts.reverse();
        acts.extend(
            self.records.activated.and_then(|entry| self.act(entry, format!("put version {governing} in force"))),
        );
        for routed in &self.records.routes {
            let way = match routed.escalated {
                true => "handed it to the senior approvers",
                false => "routed it",
            };
            let rule = rule(routed.version, routed.rule);
            acts.extend(self.act(routed.entry, format!("{way}: {rule} of version {}", number(routed.version))));
        }
        let rule = rule(decision.policy_version, decision.rule);
        let route = match decision.route {
            Route::AutoApprove => "approves by itself",
            Route::Require => "asks people",
            Route::Deny => "refuses by itself",
            Route::Escalate => "asks senior approvers",
        };
        let says = format!("By {rule} of policy version {governing}, which {route}.");
        match authors.is_empty() {
            true => Link { acts, says, ..self.gap(LinkKind::Policy, Gap::NoAuthor) },
            false => self.present(LinkKind::Policy, says, acts),
        }
    }

    fn reviews(&self) -> Vec<Link> {
        let Records { reviews, resolution, .. } = self.records;
        if !reviews.is_empty() {
            return reviews
                .iter()
                .flat_map(|review| [Some(self.review(review)), self.delegation(review)])
                .flatten()
                .collect();
        }
        let gap = match resolution {
            None => Gap::NotReviewed,
            Some(resolution) if resolution.by_rule => Gap::DecidedByRule,
            Some(resolution) if resolution.by_grant.is_some() => Gap::DecidedByGrant,
            Some(resolution) if resolution.outcome == ResolutionOutcome::Expired => Gap::NeverReviewed,
            Some(_) => Gap::NobodyAsked,
        };
        vec![self.gap(LinkKind::Review, gap)]
    }

    fn review(&self, review: &Review) -> Link {
        let leaf = self.records.leaf(review.entry);
        let signed = leaf.and_then(|leaf| leaf.d.as_ref()).is_some_and(|d| d.get("assertion").is_some());
        let signed = if signed { ", and signed that with a passkey" } else { "" };
        let mut acts: Vec<_> =
            self.act(review.entry, format!("{}{signed}", ruled(review.verdict))).into_iter().collect();
        let edited = self.records.revisions.iter().find(|revision| {
            review.verdict == Verdict::ApproveWithEdits
                && revision.person == Some(review.person)
                && revision.number == review.round + 1
        });
        acts.extend(edited.and_then(|revision| self.act(revision.entry, format!("wrote version {}", revision.number))));
        let ended = self.records.ended.iter().find(|(given, _)| *given == review.entry).map(|(_, ended)| *ended);
        acts.extend(ended.and_then(|ended| {
            let did = match review.state {
                ReviewState::Retracted => "took it back",
                _ => "made it void",
            };
            self.act(ended, did)
        }));
        let seat = if review.senior { ", as senior approver" } else { "" };
        let standing = match review.state {
            ReviewState::Submitted => "",
            ReviewState::Retracted => ": taken back, so it does not count",
            ReviewState::Void => ": void, so it does not count",
        };
        let place = if review.on_behalf.is_some() { ", in somebody's place" } else { "" };
        let says = format!("{} in round {}{seat}{place}{standing}.", capital(ruled(review.verdict)), review.round);
        match grants::of(self.records, self.engine, review) {
            Some(grants) => Link { grants, ..self.present(LinkKind::Review, says, acts) },
            None => Link {
                lacks: Some(Gap::AuthorityDiffers.lack(self.named)),
                ..self.present(LinkKind::Review, says, acts)
            },
        }
    }

    /// In whose place a review was given: the delegation, and what its delegator held then.
    fn delegation(&self, review: &Review) -> Option<Link> {
        let (delegator, id) = review.on_behalf?;
        let given = self.records.delegations.iter().find(|given| given.id == id);
        let name = |person: PersonId| self.records.names.get(&person).map_or("somebody who was erased", String::as_str);
        let (one, other) = (name(review.person), name(delegator));
        let mut acts = Vec::new();
        let mut says = format!("{one} acted in the place of {other}.");
        if let Some(given) = given {
            acts.extend(self.act(given.entry, format!("let {one} review in their place")));
            acts.extend(given.ended.and_then(|(_, _, entry)| self.act(entry, "ended that")));
            says = format!(
                "{one} acted in the place of {other}, who gave that from {} to {}.",
                screen(given.terms.from),
                screen(given.terms.until)
            );
        }
        let link = self.present(LinkKind::Delegation, says, acts);
        Some(match (given, grants::of_delegator(self.records, self.engine, review.entry, delegator)) {
            (Some(_), Some(grants)) => Link { grants, ..link },
            _ => Link { lacks: Some(Gap::AuthorityDiffers.lack(self.named)), ..link },
        })
    }

    fn resolution(&self) -> Link {
        let decision = &self.records.decision;
        let Some(resolution) = &self.records.resolution else {
            let gap = if decision.settling.is_some() { Gap::NotFinal } else { Gap::NotResolved };
            return self.gap(LinkKind::Resolution, gap);
        };
        let word = outcome(resolution.outcome);
        let by_pause = resolution.code == Some(ReasonCode::SystemPaused) && !resolution.by_rule;
        let row = self.records.versions.get(&decision.policy_version);
        let row = row.and_then(|version| version.body.row(decision.rule));
        let rule = row.map_or_else(String::new, |row| format!("rule {}", row.label()));
        let (cause, says, did) = match resolution.outcome {
            ResolutionOutcome::Withdrawn => (
                self.records.withdrawn.and_then(|entry| self.act(entry, "took its proposal back")),
                format!("Withdrawn by {} itself.", self.records.system),
                "resolved it as withdrawn".to_owned(),
            ),
            ResolutionOutcome::Expired => (
                None,
                "Expired by its deadline: silence means no.".to_owned(),
                "resolved it as expired when its time ran out".to_owned(),
            ),
            _ if resolution.by_rule => {
                (None, format!("{word} by {rule}; no person decided."), format!("resolved it as {rule} says"))
            }
            _ if resolution.by_grant.is_some() => {
                let grant = resolution.by_grant.map(|(grant, _)| grant.short()).unwrap_or_default();
                let says = format!("{word} by grant {grant}; no person was asked about this one.");
                (None, says, format!("resolved it as grant {grant} allows"))
            }
            _ if by_pause => (
                self.records.pause.and_then(|entry| self.act(entry, format!("paused {}", self.records.system))),
                format!("{word} because {} was paused.", self.records.system),
                "resolved it because of the pause".to_owned(),
            ),
            _ => {
                let reviews = match resolution.reviews {
                    1 => "1 review".to_owned(),
                    many => format!("{many} reviews"),
                };
                (None, format!("{word} by people: {reviews} decided."), format!("counted {reviews} and resolved it"))
            }
        };
        let granted =
            self.records.granted.iter().zip(["asked for the grant", "activated the grant", "made a use of it"]);
        let granted = granted.filter_map(|(entry, did)| self.act(*entry, did));
        let mut acts: Vec<_> = cause.into_iter().chain(granted).chain(self.act(resolution.entry, did)).collect();
        let mut says = says;
        if let Some(overridden) = &resolution.overridden {
            acts.extend(self.act(overridden.entry, "released it against the rule"));
            acts.extend(self.act(overridden.resolved, "resolved it as approved by override"));
            let version = self.records.versions.get(&decision.policy_version);
            let label = row.map_or_else(String::new, |row| row.label().to_owned());
            let label = overrides::label(&label, version.map_or(0, |version| version.number));
            says = format!("{says} {label}.");
        }
        acts.extend(self.looked_at());
        let now = self.engine.now();
        let late = self.records.post_reviews.iter().any(|looked| looked.given.is_none() && now >= looked.due_at);
        let lacks = late.then(|| Gap::NotLookedAt.lack(self.named));
        let Some(revoked) = &resolution.revoked else {
            return Link { lacks, ..self.present(LinkKind::Resolution, says, acts) };
        };
        acts.extend(self.act(revoked.entry, "revoked the approval"));
        acts.extend(self.act(revoked.resolved, "resolved it as revoked"));
        acts.extend(revoked.compensated.and_then(|(.., entry)| {
            let did = match revoked.compensation {
                Some(Compensation::NotPossible) => "said why what it did cannot be made good",
                _ => "made good what it did",
            };
            self.act(entry, did)
        }));
        let after = match revoked.compensation {
            None => "Revoked before any effect was reported.",
            Some(Compensation::Open) => "Revoked after it had an effect, which nobody has made good yet.",
            Some(Compensation::Done) => "Revoked after it had an effect, which was made good.",
            Some(Compensation::NotPossible) => "Revoked after it had an effect, which cannot be made good.",
        };
        acts.sort_by_key(|act| act.at);
        Link { lacks, ..self.present(LinkKind::Resolution, format!("{says} {after}"), acts) }
    }

    /// What another person said of an override or a revocation.
    fn looked_at(&self) -> Vec<ChainAct> {
        let given = self.records.post_reviews.iter().filter_map(|looked| Some((looked.kind, looked.given.as_ref()?)));
        given
            .filter_map(|(kind, given)| {
                let what = if kind == PostReviewKind::Override { "override" } else { "revocation" };
                let did = match given.result {
                    PostReviewResult::Upheld => format!("looked at the {what} and upheld it"),
                    PostReviewResult::NotUpheld => format!("looked at the {what} and did not uphold it"),
                };
                self.act(given.entry, did)
            })
            .collect()
    }

    fn release(&self) -> Link {
        let Records { released, resolution, system, is_paused, .. } = self.records;
        let told = resolution.as_ref().map(|resolution| match &resolution.revoked {
            // The first thing it was told.
            Some(revoked) if revoked.told.is_some_and(|(_, entry)| Some(entry) == *released) => {
                ResolutionOutcome::Revoked
            }
            _ if self.let_go().is_some_and(|told| released.is_none_or(|first| first == told)) => {
                ResolutionOutcome::Approved
            }
            _ => resolution.outcome,
        });
        let again = self.let_go().filter(|told| *released != Some(*told));
        let again = again.and_then(|told| self.act(told, "asked again, and was told that a person released it"));
        match (released.and_then(|entry| self.act(entry, "asked for the answer, and was told")), told) {
            (Some(act), Some(outcome_told)) => {
                let later = if again.is_some() { ", later that it is approved" } else { "" };
                let says = format!("{system} was told: {}{later}.", outcome(outcome_told).to_lowercase());
                self.present(LinkKind::Release, says, std::iter::once(act).chain(again).collect())
            }
            (_, None) => self.gap(LinkKind::Release, Gap::NoAnswer),
            (None, Some(ResolutionOutcome::Approved)) if *is_paused => self.gap(LinkKind::Release, Gap::KeptByPause),
            (None, Some(_)) => self.gap(LinkKind::Release, Gap::NotTold),
        }
    }

    /// The entry by which the agent was told that a person released what a rule had refused.
    fn let_go(&self) -> Option<EntryId> {
        let overridden = self.records.resolution.as_ref()?.overridden.as_ref()?;
        overridden.told.map(|(_, entry)| entry)
    }

    fn outcome(&self) -> Link {
        let Records { outcomes, resolution, .. } = self.records;
        let Some((result, effect, _)) = outcomes.last() else {
            return self.gap(
                LinkKind::Outcome,
                match resolution {
                    None => Gap::NoAnswer,
                    Some(resolution) if resolution.standing() == ResolutionOutcome::Approved => Gap::NoOutcome,
                    Some(_) => Gap::NothingToRun,
                },
            );
        };
        let says = match outcomes.len() {
            1 => format!("It reported: {}.", reported(*result, *effect)),
            many => format!("It reported {many} times, at last: {}.", reported(*result, *effect)),
        };
        let acts = outcomes
            .iter()
            .filter_map(|(result, effect, entry)| self.act(*entry, format!("reported: {}", reported(*result, *effect))))
            .collect();
        self.present(LinkKind::Outcome, says, acts)
    }

    fn act(&self, entry: EntryId, did: impl Into<String>) -> Option<ChainAct> {
        self.records.act(self.engine, entry, did)
    }

    fn present(&self, kind: LinkKind, says: String, acts: Vec<ChainAct>) -> Link {
        Link { kind, standing: Standing::Present, says, lacks: None, acts, grants: Vec::<Grant>::new() }
    }

    fn gap(&self, kind: LinkKind, gap: Gap) -> Link {
        let lack = gap.lack(self.named);
        Link {
            kind,
            standing: gap.standing(),
            says: lack.why.clone(),
            lacks: Some(lack),
            acts: Vec::new(),
            grants: Vec::new(),
        }
    }
}

const fn ruled(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approved it",
        Verdict::ApproveWithEdits => "approved it with edits",
        Verdict::RequestChanges => "asked for changes",
        Verdict::Escalate => "handed it up to the senior approvers",
        Verdict::Reject => "rejected it",
        Verdict::Abstain => "abstained",
        Verdict::Defer => "put it off",
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const fn outcome(outcome: ResolutionOutcome) -> &'static str {
    match outcome {
        ResolutionOutcome::Approved => "Approved",
        ResolutionOutcome::Rejected => "Rejected",
        ResolutionOutcome::Expired => "Expired",
        ResolutionOutcome::Withdrawn => "Withdrawn",
        ResolutionOutcome::Revoked => "Revoked",
    }
}

fn reported(result: OutcomeResult, effect: Effect) -> String {
    let result = match result {
        OutcomeResult::Executed => "executed",
        OutcomeResult::Failed => "failed",
        OutcomeResult::NotExecuted => "not executed",
        OutcomeResult::Compensated => "executed, then undone",
    };
    let effect = match effect {
        Effect::None => "with no effect",
        Effect::Partial => "in part",
        Effect::Full => "in full",
        Effect::Unknown => "effect unknown",
    };
    format!("{result}, {effect}")
}
