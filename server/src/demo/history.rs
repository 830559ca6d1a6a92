//! Sixty invented days: agents propose, people come to their desks and rule, time does the rest.
//!
//! Everything goes through the use cases, so every entry of the log is real; only its time and its people are not.
//! What happens is drawn from a seed. People sit down at set hours and go through what is there, so that acts which
//! belong together happen within minutes, and between two sittings time jumps.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use countersign_domain::{
    decision::{ReasonCode, ResolutionOutcome, State, Verdict},
    ids::DecisionId,
    policy::{OnTimeout, PolicyBody},
};
use countersign_engine::{Engine, Error, changes, demo::Past, notices, pauses, policies};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{
    cases::{self, Proposal, SYSTEMS},
    dice::Dice,
    overrule::{self, Release},
    staff::{Agent, Says, Staff, reason},
};
use crate::cli::Failure;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// What choices are drawn from.
const SEED: u64 = 0x5eed_0c5e;
/// Acts under way at once.
const AT_ONCE: usize = 8;
/// When people sit down, in minutes after midnight: on weekdays, and at weekends.
const SITTINGS: [&[u64]; 2] = [&[460, 620, 790, 960], &[600, 930]];
/// Decisions a day: on weekdays, and at weekends.
const A_DAY: [(u64, u64); 2] = [(16, 23), (5, 10)];
/// How long a sitting takes. What is under way at once may be this much older than what comes after it, and the audit
/// minds clocks that run back by more than that.
const SITTING: u64 = 30_000;
/// Time from one round of clearing desks to the next.
const ROUND: u64 = 8 * MINUTE;
/// The day on which the deploy agent is stopped for practice.
const DRILL_DAY: u64 = 33;
/// The day on which somebody releases a refund that the policy refused.
const OVERRIDE_DAY: u64 = 31;
/// The day from which approver C is away for a week, and approver B stands in.
const AWAY_DAY: u64 = 36;
/// Days on which another version of the policy comes into force, with the highest refund that a rule approves and how
/// many people a large refund needs.
const VERSIONS: [(u64, u64, u64); 3] = [(0, 50, 2), (21, 80, 1), (49, 40, 2)];
const APPROVERS: [&str; 4] = ["approver-a", "approver-b", "approver-c", "approver-d"];
const SENIORS: [&str; 2] = ["senior-approver-a", "senior-approver-b"];
/// Sittings until an agent that waits looks again, and after how many looks it gives up.
const LOOK_AGAIN: u64 = 6;
const LOOKS_MAX: u32 = 12;
/// Times that somebody opens a decision to rule on it.
const TRIES_MAX: u32 = 8;
/// Rounds in which people clear their desks at the end.
const ROUNDS_MAX: u64 = 24;
/// After a restart, agents propose again what is not older than this: a key that is known finds its decision.
const LOOK_BACK: u64 = 4 * DAY;

/// What is still to happen to a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// The agent proposes it.
    Propose,
    /// The agent takes it back before anybody looks.
    Withdraw,
    /// Somebody rules, after so many others did.
    Rule(u32),
    /// The agent answers what people asked it to change.
    Revise,
    /// The agent reads the answer, after so many looks, and reports what came of it.
    Read(u32),
}

/// How people take a decision, drawn when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Temper {
    Plain,
    Edited,
    SentBack,
    HandedUp,
    PutOff,
    Passed,
    TakenBack,
    Asked,
    Withdrawn,
    Forgotten,
}

const TEMPERS: [(Temper, u64); 10] = [
    (Temper::Plain, 792),
    (Temper::Edited, 42),
    (Temper::SentBack, 40),
    (Temper::HandedUp, 24),
    (Temper::PutOff, 16),
    (Temper::Passed, 14),
    (Temper::TakenBack, 12),
    (Temper::Asked, 32),
    (Temper::Withdrawn, 14),
    (Temper::Forgotten, 14),
];

struct Case {
    key: String,
    proposal: Proposal,
    temper: Temper,
    /// Whoever looks at it would let it pass.
    right: bool,
    /// The first of those who are asked.
    first: usize,
    id: Option<DecisionId>,
}

/// The cases of the past, and who lives through them.
pub(super) struct History {
    engine: Engine,
    past: Past,
    staff: Arc<Staff>,
    agents: Arc<Vec<Agent>>,
    dice: Dice,
    cases: Vec<Case>,
    /// What happens when, soonest first.
    due: BinaryHeap<Reverse<(u64, usize, Next)>>,
}

/// What became of a step: the decision where it was proposed, and what comes next how many sittings later.
struct Happened {
    case: usize,
    id: Option<DecisionId>,
    next: Option<(Next, u64)>,
}

impl History {
    pub(super) fn new(engine: &Engine, past: Past, staff: Arc<Staff>, agents: Arc<Vec<Agent>>) -> Self {
        let engine = engine.clone();
        Self { engine, past, staff, agents, dice: Dice::new(SEED), cases: Vec::new(), due: BinaryHeap::new() }
    }

    /// Lives through the days until `end`, in milliseconds since 1970 UTC, and says now and then how far it is. Returns
    /// the past, which goes on to the present.
    pub(super) async fn live(mut self, end: u64, table: &PolicyBody, say: fn(&str)) -> Result<Past, Failure> {
        // Later than the beginning where a start was cut off.
        let reached = self.engine.now();
        let first = self.past.begin / DAY * DAY + DAY;
        let days = end.saturating_sub(first).div_ceil(DAY);
        for day in 0..days {
            let midnight = first + day * DAY;
            let sittings = sittings(midnight);
            self.plan(day, &sittings, reached.saturating_sub(LOOK_BACK));
            for (place, sitting) in sittings.iter().copied().enumerate() {
                if sitting + SITTING <= reached || sitting + SITTING > end {
                    continue;
                }
                self.past.pass_until(&self.engine, sitting).await?;
                if place == 0 {
                    self.change_policy(day, table).await?;
                    if day == AWAY_DAY {
                        self.go_away(midnight).await;
                    }
                }
                self.sit(sitting, &sittings[place + 1..], midnight).await?;
                if place == 2 && day == DRILL_DAY {
                    self.drill().await?;
                }
                if place == 2 && day == OVERRIDE_DAY {
                    self.overrule().await?;
                }
                if place + 1 == sittings.len() && day % 5 == 4 {
                    self.hand_over(day).await?;
                }
            }
            if (day + 1) % 10 == 0 {
                say(&format!("  day {}", day + 1));
            }
        }
        self.clear(end).await?;

        Ok(self.past)
    }

    /// Lets people rule on all that is left, so that what is open in the present is what the present shows.
    async fn clear(&mut self, end: u64) -> Result<(), Failure> {
        for round in 0..ROUNDS_MAX {
            let left: Vec<_> = self.due.drain().collect();
            let sitting = end + round * ROUND;
            let known = |case: &usize| self.cases[*case].id.is_some();
            let again: Vec<_> = left.into_iter().filter(|Reverse((_, case, _))| known(case)).collect();
            if again.is_empty() {
                break;
            }
            self.due.extend(again.into_iter().map(|Reverse((_, case, next))| Reverse((sitting, case, next))));
            self.past.pass_until(&self.engine, sitting).await?;
            self.sit(sitting, &[sitting + ROUND; LOOK_AGAIN as usize], end).await?;
        }
        for login in APPROVERS.into_iter().chain(SENIORS) {
            notices::read(&self.engine, &self.staff.caller(login).await?, self.engine.now()).await?;
        }

        Ok(())
    }

    /// Draws what the agents propose on a day, each within one of the sittings: the same on every start.
    fn plan(&mut self, day: u64, sittings: &[u64], since: u64) {
        let mut dice = Dice::new(SEED + day);
        let weekend = usize::from(sittings.len() == SITTINGS[1].len());
        let (low, high) = A_DAY[weekend];
        for _ in 0..dice.between(low, high) {
            let system = dice.weighed(&SYSTEMS.map(|(_, share)| share));
            let number = self.cases.len() as u64 + 1;
            let proposal = cases::draw(system, number, day, &mut dice);
            let temper = TEMPERS[dice.weighed(&TEMPERS.map(|(_, share)| share))].0;
            let right = dice.hits(proposal.fits.min(985));
            let at = *dice.one(sittings) + dice.between(0, SITTING - 1_000);
            let first = dice.between(0, 11) as usize;
            if at >= since {
                self.due.push(Reverse((at, self.cases.len(), Next::Propose)));
            }
            self.cases.push(Case { key: format!("past:{number}"), proposal, temper, right, first, id: None });
        }
    }

    /// Lets happen what is due in a sitting, several acts at once.
    async fn sit(&mut self, sitting: u64, later: &[u64], midnight: u64) -> Result<(), Failure> {
        let mut under_way = JoinSet::new();
        let (mut happened, mut alone) = (Vec::new(), Vec::new());
        while let Some(Reverse((at, ..))) = self.due.peek()
            && *at < sitting + SITTING
        {
            let Some(Reverse((at, case, next))) = self.due.pop() else { break };
            let step = self.step(case, next);
            if step.temper == Temper::TakenBack {
                // Taking back is a matter of seconds, so it is done when nothing moves the clock any more.
                alone.push(step);
                continue;
            }
            if under_way.len() >= AT_ONCE
                && let Some(ended) = under_way.join_next().await
            {
                happened.push(told(ended)?);
            }
            self.past.pass_until(&self.engine, at).await?;
            under_way.spawn(step.take());
        }
        while let Some(ended) = under_way.join_next().await {
            happened.push(told(ended)?);
        }
        for step in alone {
            happened.push(step.take().await?);
        }
        for Happened { case, id, next } in happened {
            self.cases[case].id = id.or(self.cases[case].id);
            if let Some((next, sittings)) = next {
                let at = nth(sittings, later, midnight) + self.dice.between(0, SITTING - 1_000);
                self.due.push(Reverse((at, case, next)));
            }
        }

        Ok(())
    }

    fn step(&self, case: usize, next: Next) -> Step {
        let told = &self.cases[case];
        Step {
            engine: self.engine.clone(),
            staff: self.staff.clone(),
            agent: self.agents[told.proposal.system].clone(),
            case,
            next,
            key: told.key.clone(),
            body: told.proposal.body.clone(),
            temper: told.temper,
            right: told.right,
            first: told.first,
            id: told.id,
        }
    }

    /// Puts another version of the table in force, as its author and an officer do, and once raises what rules may
    /// approve, as two people do.
    async fn change_policy(&self, day: u64, table: &PolicyBody) -> Result<(), Failure> {
        let Some((_, small, large)) = VERSIONS.iter().find(|(on, ..)| *on == day) else { return Ok(()) };
        let author = if day == 0 { "policy-author-a" } else { "policy-author-b" };
        let officer = self.staff.proven("compliance-officer-a").await?;
        policies::enforce(&self.engine, &self.staff.proven(author).await?, &officer, &version(table, *small, *large))
            .await?;
        if day == 0
            && let Some(change) = policies::set_guards(&self.engine, &officer, super::AMOUNT_MAX).await?
        {
            changes::confirm(&self.engine, &self.staff.proven("senior-approver-a").await?, change).await?;
        }

        Ok(())
    }

    /// Stops the deploy agent and lets it go on after some minutes, as somebody else.
    async fn drill(&self) -> Result<(), Failure> {
        let agent = &self.agents[SYSTEMS.len() - 1];
        let says = reason("Drill: the release tool is stopped for a quarter of an hour.")?;
        pauses::pause(&self.engine, &self.staff.proven("approver-c").await?, agent.system, says).await?;
        for number in 0..3 {
            let body = cases::release_of(9_000 + number, true, true, &mut Dice::new(SEED + number));
            agent.propose(&self.engine, &format!("past:drill:{number}"), &body).await?;
        }
        self.past.pass_until(&self.engine, self.engine.now() + 15 * MINUTE).await?;
        let senior = self.staff.proven("senior-approver-b").await?;
        let shown = pauses::view(&self.engine, &senior, Some(agent.system)).await?;
        if let Some(pause) = shown.chosen.and_then(|chosen| chosen.system.pause) {
            let says = reason("The drill is over: nothing was released while it was stopped.")?;
            pauses::resume(&self.engine, &senior, agent.system, pause.entry, says).await?;
        }

        Ok(())
    }

    /// Releases a refund that the policy refused; somebody else looks at it some minutes later.
    async fn overrule(&self) -> Result<(), Failure> {
        let release = Release {
            key: "past:override",
            number: 9_050,
            euros: 2_340,
            day: OVERRIDE_DAY,
            by: SENIORS[0],
            says: "The camera arrived broken twice, and the shop has both parcels back. The limit is meant for single parcels.",
        };
        let id = release.live(&self.engine, &self.staff, &self.agents[0]).await?;
        self.past.pass_until(&self.engine, self.engine.now() + 40 * MINUTE).await?;
        let says = "Both parcels are in the warehouse, and the sum is that of the order. Right to pay.";
        overrule::uphold(&self.engine, &self.staff, SENIORS[1], id, says).await?;

        Ok(())
    }

    /// Sends an approver away for a week, with somebody in their place.
    async fn go_away(&self, midnight: u64) {
        // A start that was cut off after it goes on without it.
        if let Err(error) = self.staff.go_away("approver-c", "approver-b", (midnight, midnight + 6 * DAY)).await {
            tracing::warn!(%error, "Nobody of the demo goes away");
        }
    }

    /// Leaves a note for the next shift.
    async fn hand_over(&mut self, day: u64) -> Result<(), Failure> {
        let says = self.dice.one(&[
            "Two large refunds wait for their second reviewer; both customers have been told that it takes until noon.",
            "Moderation is behind: what was reported at the weekend comes first.",
            "The claims of the hospital need a senior approver; the bills are in the evidence.",
        ]);
        self.staff.hand_over(APPROVERS[day as usize % APPROVERS.len()], says).await?;

        Ok(())
    }
}

/// One act that is about to happen.
struct Step {
    engine: Engine,
    staff: Arc<Staff>,
    agent: Agent,
    case: usize,
    next: Next,
    key: String,
    body: Value,
    temper: Temper,
    right: bool,
    first: usize,
    id: Option<DecisionId>,
}

impl Step {
    async fn take(self) -> Result<Happened, Failure> {
        let case = self.case;
        let mut id = None;
        let next = match self.next {
            Next::Propose => {
                let proposed = self.agent.propose(&self.engine, &self.key, &self.body).await?;
                id = Some(proposed);
                self.proposed(proposed).await
            }
            next => self.later(next).await,
        };
        match next {
            Ok(next) => Ok(Happened { case, id, next }),
            // Somebody else, or time, came first.
            Err(Error::Refused(_) | Error::Forbidden(_) | Error::Hidden(_)) => {
                let next = match self.next {
                    Next::Rule(before) if before < TRIES_MAX => Next::Rule(before + 1),
                    _ => Next::Read(0),
                };
                Ok(Happened { case, id, next: Some((next, 1)) })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn proposed(&self, id: DecisionId) -> Result<Option<(Next, u64)>, Error> {
        let told = self.agent.read(&self.engine, id).await?;
        Ok(match (told.resolution.is_some(), self.temper) {
            (true, _) => {
                self.report(id, told.resolution.map(|resolution| resolution.outcome)).await?;
                None
            }
            (false, Temper::Withdrawn) => Some((Next::Withdraw, 1)),
            (false, Temper::Forgotten) => Some((Next::Read(0), LOOK_AGAIN)),
            (false, _) => Some((Next::Rule(0), 1)),
        })
    }

    async fn later(&self, next: Next) -> Result<Option<(Next, u64)>, Error> {
        let Some(id) = self.id else { return Ok(None) };
        match next {
            Next::Propose => Ok(None),
            Next::Withdraw => {
                self.agent.withdraw(&self.engine, id).await?;
                Ok(Some((Next::Read(0), 1)))
            }
            Next::Rule(before) => self.rule(id, before).await,
            Next::Revise => {
                if self.first.is_multiple_of(3) {
                    self.agent.withdraw(&self.engine, id).await?;
                    return Ok(Some((Next::Read(0), 1)));
                }
                let mut body = self.body.clone();
                body["action"]["parameters"] = lowered(&body["action"]["parameters"], 80);
                body["rationale"] = "Lowered, as the reviewer asked.".into();
                self.agent.revise(&self.engine, id, &body).await?;
                Ok(Some((Next::Rule(1), 1)))
            }
            Next::Read(looks) => {
                let told = self.agent.read(&self.engine, id).await?;
                match told.resolution {
                    Some(resolution) => {
                        self.report(id, Some(resolution.outcome)).await?;
                        Ok(None)
                    }
                    // Silence is no answer here: somebody finds it in the end.
                    None if told.on_timeout == OnTimeout::Wait && looks > 0 => Ok(Some((Next::Rule(1), 1))),
                    None if looks < LOOKS_MAX => Ok(Some((Next::Read(looks + 1), LOOK_AGAIN))),
                    None => Ok(None),
                }
            }
        }
    }

    /// The first who may rules; who has ruled before is passed over by the page itself.
    async fn rule(&self, id: DecisionId, before: u32) -> Result<Option<(Next, u64)>, Error> {
        if before == 0 && self.temper == Temper::Asked {
            let asker = APPROVERS[self.first % APPROVERS.len()];
            let says = "@senior-approver-a Have we had one like this before? The sum looks high to me.";
            self.staff.comment(asker, id, says, "").await?;
        }
        let says = self.says(before);
        for login in self.order(before) {
            let Some(state) = self.staff.rule(login, id, &says).await? else { continue };
            if before == 0 && self.temper == Temper::TakenBack && state == State::Settling {
                self.staff.retract(login, id).await?;
                return Ok(Some((Next::Rule(1), 1)));
            }
            return Ok(Some(match state {
                State::ChangesRequested => (Next::Revise, 1),
                state if state.is_reviewed() => (Next::Rule(before + 1), if says.follow_up.is_some() { 2 } else { 1 }),
                _ => (Next::Read(0), 1),
            }));
        }
        // Nobody may now: the last review settles, or it waits for its deadline.
        Ok(Some((Next::Read(0), 1)))
    }

    /// Who is asked first: approvers in turn, then senior approvers; those first where a junior handed it up.
    fn order(&self, before: u32) -> Vec<&'static str> {
        let turn = |people: &[&'static str], by: usize| {
            let mut people = people.to_vec();
            let by = by % people.len();
            people.rotate_left(by);
            people
        };
        let (approvers, seniors) = (turn(&APPROVERS, self.first + before as usize), turn(&SENIORS, self.first));
        match before > 0 && matches!(self.temper, Temper::HandedUp) {
            true => [seniors, approvers].concat(),
            false => [approvers, seniors].concat(),
        }
    }

    fn says(&self, before: u32) -> Says {
        let first = match (before, self.temper) {
            (0, Temper::Edited) if has_amount(&self.body) => {
                let amount =
                    lowered(&self.body["action"]["parameters"], 75)["amount"].as_str().unwrap_or("").to_owned();
                let mut says = Says::new(
                    Verdict::ApproveWithEdits,
                    ReasonCode::WrongParameters,
                    "Three quarters of it: the item was used for some time.",
                );
                says.edits = BTreeMap::from([("amount".to_owned(), amount)]);
                Some(says)
            }
            (0, Temper::SentBack) if has_amount(&self.body) => Some(Says::new(
                Verdict::RequestChanges,
                ReasonCode::WrongParameters,
                "The sum is above what was paid. Please take the sum of the invoice.",
            )),
            (0, Temper::HandedUp) => Some(Says::new(
                Verdict::Escalate,
                ReasonCode::Other,
                "This is near the edge of the rule; somebody senior should look.",
            )),
            (0, Temper::PutOff) => {
                let mut says = Says::new(
                    Verdict::Defer,
                    ReasonCode::MissingInformation,
                    "I have asked the warehouse and wait for them.",
                );
                says.follow_up = Some(self.engine.now() + HOUR);
                Some(says)
            }
            (0, Temper::Passed) => {
                Some(Says::new(Verdict::Abstain, ReasonCode::Other, "I know the customer and stay out of it."))
            }
            _ => None,
        };
        first.unwrap_or_else(|| match (self.right, self.first % 3) {
            (true, 0) => Says::new(
                Verdict::Approve,
                ReasonCode::WithinPolicy,
                "Checked against the rule and the record: it fits.",
            ),
            (true, 1) => {
                Says::new(Verdict::Approve, ReasonCode::WithinPolicy, "The evidence carries it, and the sum is usual.")
            }
            (true, _) => Says::new(Verdict::Approve, ReasonCode::WithinPolicy, "Same as the cases of last week."),
            (false, 0) => Says::new(Verdict::Reject, ReasonCode::AgainstPolicy, "The rule does not allow this one."),
            (false, 1) => {
                Says::new(Verdict::Reject, ReasonCode::WrongParameters, "The record does not carry this sum.")
            }
            (false, _) => Says::new(
                Verdict::Reject,
                ReasonCode::MissingInformation,
                "What would carry this is not in the record.",
            ),
        })
    }

    async fn report(&self, id: DecisionId, outcome: Option<ResolutionOutcome>) -> Result<(), Error> {
        let (result, effect) = match (outcome, self.first) {
            (Some(ResolutionOutcome::Approved), 7) => ("failed", "none"),
            (Some(ResolutionOutcome::Approved), _) => ("executed", "full"),
            _ => ("not_executed", "none"),
        };
        self.agent.report(&self.engine, id, result, effect).await
    }
}

fn told(ended: Result<Result<Happened, Failure>, tokio::task::JoinError>) -> Result<Happened, Failure> {
    ended.map_err(|error| Failure::Told(format!("an invented act ended early: {error}")))?
}

fn has_amount(body: &Value) -> bool {
    body["action"]["type"] == "refund.issue"
}

/// The parameters with an amount of so many percent.
fn lowered(parameters: &Value, percent: u64) -> Value {
    let mut parameters = parameters.clone();
    let cents: u64 = parameters["amount"].as_str().map_or(0, |amount| amount.replace('.', "").parse().unwrap_or(0));
    let cents = cents * percent / 100;
    parameters["amount"] = format!("{}.{:02}", cents / 100, cents % 100).into();
    parameters
}

/// The table with another limit for small refunds and other seats for large ones.
fn version(table: &PolicyBody, small: u64, large: u64) -> PolicyBody {
    let mut table = table.clone();
    for row in &mut table.rows {
        match row.name.as_str() {
            "refund-small" => {
                let amounts = row.when.iter_mut().filter(|condition| condition.fact == "amount");
                amounts.for_each(|condition| condition.values = vec![small.to_string()]);
            }
            "refund-large" => row.need = large,
            _ => {}
        }
    }
    table
}

/// When people sit down on a day.
fn sittings(midnight: u64) -> Vec<u64> {
    // 1 January 1970 was a Thursday.
    let weekend = (midnight / DAY + 3) % 7 >= 5;
    SITTINGS[usize::from(weekend)].iter().map(|minutes| midnight + minutes * MINUTE).collect()
}

/// The sitting that so many others come before, on this day or a later one.
fn nth(mut count: u64, later: &[u64], midnight: u64) -> u64 {
    let (mut coming, mut midnight) = (later.to_vec(), midnight);
    loop {
        if let Some(sitting) = coming.get(count.saturating_sub(1) as usize) {
            return *sitting;
        }
        count -= coming.len() as u64;
        midnight += DAY;
        coming = sittings(midnight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_sit_down_four_times_on_weekdays_and_twice_at_weekends() {
        // 23 November 2026 is a Monday.
        let monday = 1_795_392_000_000;

        let counts = (0..7).map(|day| sittings(monday + day * DAY).len()).collect::<Vec<_>>();

        assert_eq!(counts, [4, 4, 4, 4, 4, 2, 2]);
    }

    #[test]
    fn what_is_put_off_is_found_on_a_later_day() {
        let friday = 1_795_392_000_000 + 4 * DAY;
        let today = sittings(friday);

        assert_eq!(nth(1, &today[3..], friday), today[3]);
        assert_eq!(nth(2, &today[3..], friday), sittings(friday + DAY)[0]);
        assert_eq!(nth(4, &today[3..], friday), sittings(friday + 2 * DAY)[0]);
    }

    #[test]
    fn a_version_changes_what_it_says_and_nothing_else() {
        let table: PolicyBody = serde_json::from_str(super::super::POLICY).unwrap();

        let changed = version(&table, 80, 1);

        let differ: Vec<_> = table.rows.iter().zip(&changed.rows).filter(|(before, after)| before != after).collect();
        assert_eq!(
            differ.iter().map(|(row, _)| row.name.as_str()).collect::<Vec<_>>(),
            ["refund-small", "refund-large"]
        );
    }
}
