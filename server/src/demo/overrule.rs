//! A refund that the policy refused and a senior approver released, with the look of another one at it.

use countersign_domain::{
    decision::ReasonCode,
    ids::DecisionId,
    overrides::{Overriding, PostReviewKind, PostReviewResult},
};
use countersign_engine::{
    Engine, Error,
    decisions::{self, OverrideRequest},
    post_reviews,
};

use super::{
    cases,
    dice::Dice,
    staff::{Agent, Staff, reason},
};

/// Somebody who releases a refund that the policy refused, and why.
pub(super) struct Release {
    pub(super) key: &'static str,
    pub(super) number: u64,
    pub(super) euros: u64,
    pub(super) day: u64,
    pub(super) by: &'static str,
    pub(super) says: &'static str,
}

impl Release {
    /// Has the agent propose the refund, which the policy refuses, and releases it; the agent asks again and pays.
    pub(super) async fn live(&self, engine: &Engine, staff: &Staff, agent: &Agent) -> Result<DecisionId, Error> {
        let body = cases::refund_of(self.number, self.euros, self.day, &mut Dice::new(self.number));
        let id = agent.propose(engine, self.key, &body).await?;
        agent.read(engine, id).await?;
        // A form is good for the sign-in that opened it.
        let caller = staff.proven(self.by).await?;
        let shown = decisions::view(engine, &caller, id).await?;
        // Released already, where a start was cut off.
        let Some(Overriding::Open { presentation, resolution, policy, .. }) = shown.overriding else { return Ok(id) };
        let request = OverrideRequest {
            decision: id,
            presentation,
            resolution,
            policy,
            code: ReasonCode::Other,
            reason: reason(self.says)?,
        };
        decisions::overrule(engine, &caller.again(), request).await?;
        agent.read(engine, id).await?;
        agent.report(engine, id, "executed", "full").await?;

        Ok(id)
    }
}

/// Another person looks at the release of a decision and upholds it, unless somebody has.
pub(super) async fn uphold(
    engine: &Engine,
    staff: &Staff,
    by: &'static str,
    id: DecisionId,
    says: &'static str,
) -> Result<(), Error> {
    let caller = staff.caller(by).await?;
    let shown = decisions::view(engine, &caller, id).await?;
    let waits = shown.post_reviews.into_iter().find(|review| review.kind == PostReviewKind::Override);
    if let Some(review) = waits.filter(|review| review.given.is_none()) {
        post_reviews::give(engine, &caller.again(), review.act, PostReviewResult::Upheld, reason(says)?).await?;
    }
    Ok(())
}
