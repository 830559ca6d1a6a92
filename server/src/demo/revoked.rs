//! A refund that a rule approved, that was paid, and that a senior approver took back: somebody has to make that good.

use std::time::Duration;

use countersign_domain::decision::ReasonCode;
use countersign_engine::{Engine, Error, decisions};

use super::{
    cases,
    dice::Dice,
    staff::{Agent, Staff, reason},
};

/// How often the agent asks whether it may pay, until the answer is sealed, and how long it waits between.
const ASKED_MAX: u64 = 100;
const BETWEEN: Duration = Duration::from_millis(50);

/// Has the agent propose and pay a small refund, and a senior approver revoke its approval.
pub(super) async fn live(engine: &Engine, staff: &Staff, agent: &Agent) -> Result<(), Error> {
    let body = cases::refund_of(9_152, 24, 59, &mut Dice::new(9_152));
    let id = agent.propose(engine, "today:revoked", &body).await?;
    for _ in 0..ASKED_MAX {
        if agent.read(engine, id).await?.resolution.is_some() {
            break;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    agent.report(engine, id, "executed", "full").await?;
    let caller = staff.proven("senior-approver-b").await?;
    let shown = decisions::view(engine, &caller, id).await?;
    // Taken back already, where a start was cut off.
    if shown.resolution.is_some_and(|resolution| resolution.revoked.is_some()) {
        return Ok(());
    }
    let says = reason("The parcel came back to us the same day, so the customer has both.")?;
    decisions::revoke(engine, &caller.again(), id, ReasonCode::WrongParameters, says).await.map(|_| ())
}
