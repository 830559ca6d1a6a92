//! Acts that hand a decision on, take something back, change what is proposed, or stop everything.

use std::collections::BTreeMap;

use countersign_domain::{
    decision::{ReasonCode, ResolutionOutcome, Verdict},
    ids::DecisionId,
    problem::Code,
    text::Reason,
};
use serde_json::json;

use super::{
    Dice,
    invariants::{approved, asked_for_changes},
    tables,
    world::World,
};
use crate::{
    Error, Result, db, decisions, pauses,
    testing::{self, again, unique},
};

/// When somebody who puts a decision off comes back, in milliseconds.
const BACK_AFTER_MS: u64 = 20_000;

impl World {
    /// Rules without deciding: abstains, puts it off, hands it up, or asks the agent for a change.
    pub(super) async fn hand_on(&self, dice: &mut Dice, verdict: Verdict) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let reviewer = dice.place(self.reviewers.len());
        let ruled = async {
            let mut form = self.form(reviewer, decision, verdict).await?;
            form.follow_up = (verdict == Verdict::Defer).then(|| self.engine.now() + BACK_AFTER_MS);
            self.send(reviewer, form).await
        };
        let ended = ruled.await;
        self.after(slot, decision, &ended).await?;
        ended
    }

    /// Takes back the first review of their own that the page offers to take back.
    pub(super) async fn retract(&self, dice: &mut Dice) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let reviewer = dice.place(self.reviewers.len());
        let taken = async {
            let caller = self.door(&self.reviewers[reviewer]).await?;
            let shown = decisions::view(&self.engine, &again(&caller), decision).await?;
            let review = shown.reviews.iter().find_map(|review| review.retractable).ok_or_else(nothing)?;
            // Meanwhile it may have become final, or somebody else may have ruled.
            decisions::retract(&self.engine, &again(&caller), decision, review).await.map(|_| ())
        };
        let ended = taken.await;
        self.after(slot, decision, &ended).await?;
        ended
    }

    /// Approves with another amount, which another row may catch.
    pub(super) async fn edit(&self, dice: &mut Dice) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let reviewer = dice.place(self.reviewers.len());
        let amount = tables::amount(dice) + 1 + dice.below(9);
        let edited = async {
            let form = self.form(reviewer, decision, Verdict::ApproveWithEdits).await?;
            let caller = self.door(&self.reviewers[reviewer]).await?;
            let edits = BTreeMap::from([("amount".to_owned(), amount.to_string())]);
            decisions::edit(&self.engine, &caller, form, edits).await.map(|_| ())
        };
        let ended = edited.await;
        self.after(slot, decision, &ended).await?;
        ended
    }

    /// Answers a request for changes as the agent.
    pub(super) async fn revise(&self, dice: &mut Dice) -> Result<()> {
        let asked = asked_for_changes(&mut *self.engine.app.acquire().await?).await?;
        let decision = match asked.is_empty() {
            true => self.some_decision(dice).1,
            false => asked[dice.place(asked.len())],
        };
        let amount = tables::amount(dice) + 1 + dice.below(9);
        let told = decisions::get(&self.engine, &again(&self.agent), decision).await?;
        let body = Self::proposal(&told.type_name, &unique(), amount);
        decisions::revise(&self.engine, &again(&self.agent), decision, &unique(), body.as_bytes()).await.map(|_| ())
    }

    /// Takes a seat from whoever has held it longest, or a free one where nobody holds any; and keeps the form.
    pub(super) async fn take_over(&self, dice: &mut Dice) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let (holder, other) = (dice.place(self.reviewers.len()), dice.place(self.reviewers.len()));
        let taken = async {
            // Somebody holds one, unless they may not: then the other takes a free one.
            let _ = self.form(holder, decision, Verdict::Approve).await;
            let caller = self.door(&self.reviewers[other]).await?;
            let shown = decisions::view(&self.engine, &again(&caller), decision).await?;
            let held = shown.holders.iter().find(|holder| !holder.own).ok_or_else(nothing)?;
            testing::take_over(&self.engine, &caller, decision, held.lease).await
        };
        let ended = taken.await;
        self.after(slot, decision, &ended).await?;
        ended
    }

    /// Takes a seat and gives it up again, where nobody takes it over meanwhile.
    pub(super) async fn give_up(&self, dice: &mut Dice) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let reviewer = dice.place(self.reviewers.len());
        let given = async {
            let form = self.form(reviewer, decision, Verdict::Approve).await?;
            let caller = self.door(&self.reviewers[reviewer]).await?;
            decisions::release(&self.engine, &caller, decision, form.lease).await
        };
        let ended = given.await;
        self.after(slot, decision, &ended).await?;
        ended
    }

    pub(super) async fn withdraw(&self, dice: &mut Dice) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let body = json!({"reason_code": "no_longer_needed"}).to_string();
        let key = unique();
        let ended = decisions::withdraw(&self.engine, &again(&self.agent), decision, &key, body.as_bytes()).await;
        let ended = ended.map(|_| ());
        self.after(slot, decision, &ended).await?;
        match ended {
            Ok(()) => self.read_and_renew(slot, decision).await,
            Err(error) => Err(error),
        }
    }

    pub(super) async fn pause(&self, dice: &mut Dice) -> Result<()> {
        let reviewer = dice.place(self.reviewers.len());
        let caller = self.door(&self.reviewers[reviewer]).await?;
        pauses::pause(&self.engine, &caller, self.system, reason()?).await
    }

    /// Lets the system go on, as an admin: who pauses is a reviewer.
    pub(super) async fn resume(&self) -> Result<()> {
        let running = db::pauses::list_running(&mut *self.engine.app.acquire().await?, Some(self.system)).await?;
        let Some(pause) = running.first() else { return Err(nothing()) };
        let admin = self.fresh(&self.admins[0]).await?;
        pauses::resume(&self.engine, &admin, self.system, pause.entry, reason()?).await
    }

    /// Two people take the same approval back at once, while the agent reads it; both taking effect is a fault.
    pub(super) async fn revoke(&self, dice: &mut Dice) -> Vec<Result<()>> {
        let chosen = async {
            let approved = approved(&mut *self.engine.app.acquire().await?).await?;
            Ok(match approved.is_empty() {
                true => self.some_decision(dice).1,
                false => approved[dice.place(approved.len())],
            })
        };
        let decision = match chosen.await {
            Ok(decision) => decision,
            Err(error) => return vec![Err(error)],
        };
        let (one, other) = (dice.place(self.reviewers.len()), dice.place(self.reviewers.len()));
        let revoke = async |reviewer: usize| {
            let caller = self.door(&self.reviewers[reviewer]).await?;
            decisions::revoke(&self.engine, &caller, decision, ReasonCode::Other, reason()?).await.map(|_| ())
        };
        let agent = again(&self.agent);
        let (first, second, read) =
            tokio::join!(revoke(one), revoke(other), decisions::get(&self.engine, &agent, decision));
        let read = match (read, first.is_ok() || second.is_ok()) {
            (Err(error), _) => Err(error),
            (Ok(_), false) => Ok(()),
            (Ok(_), true) => self.reads_revoked(decision).await,
        };
        match (&first, &second) {
            (Ok(()), Ok(())) => vec![first, Err(Error::Setup(format!("{decision} was revoked twice")))],
            // Reading is no revocation: it counts only where it found a fault.
            _ => [first, second].into_iter().chain(read.err().map(Err)).collect(),
        }
    }

    /// From the commit of a revocation on, every answer says so.
    async fn reads_revoked(&self, decision: DecisionId) -> Result<()> {
        let told = decisions::get(&self.engine, &again(&self.agent), decision).await?;
        match told.resolution.map(|resolution| resolution.outcome) {
            Some(ResolutionOutcome::Revoked) if told.action.is_none() => Ok(()),
            other => Err(Error::Setup(format!("{decision} is revoked, and its agent reads {other:?}"))),
        }
    }

    /// Makes final what may no longer be taken back.
    pub(super) async fn settle_due(&self) -> Result<()> {
        decisions::settle_due(&self.engine, 200).await.map(|_| ())
    }

    /// Ends what would keep decisions open, or the agent untold, for ever.
    pub(super) async fn end_waits(&self) -> Result<()> {
        self.settle_due().await?;
        match self.resume().await {
            Ok(()) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

pub(super) fn reason() -> Result<Reason> {
    Reason::new("A race is on.").map_err(|error| Error::Setup(error.to_string()))
}

/// There is nothing of the kind; it counts as refused.
pub(super) fn nothing() -> Error {
    Error::refused(Code::NotFound, "There is nothing of the kind now.")
}
