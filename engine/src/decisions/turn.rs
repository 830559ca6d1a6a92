//! Whose turn a decision is.

use countersign_domain::{
    decision::{Risk, State},
    ids::PersonId,
    policy::Route,
    turn::{TurnOf, TurnWhy},
};
use sqlx::PgConnection;

use crate::{
    db::{self, decisions::Decision},
    error::Result,
};

/// Who has the turn, since when, why, and who handed it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) of: TurnOf,
    pub(crate) since: u64,
    pub(crate) why: TurnWhy,
    pub(crate) by: Option<PersonId>,
}

/// Returns whose turn a decision is; nobody's once it is decided, nor while a change is asked for and nobody owns the
/// system.
pub(crate) async fn find(conn: &mut PgConnection, decision: &Decision) -> Result<Option<Turn>> {
    let asked = decision.state == State::ChangesRequested;
    if !asked && (!decision.state.is_reviewed() || !decision.route.has_people()) {
        return Ok(None);
    }
    let facts = db::decisions::turn(conn, decision.id).await?;
    if asked {
        let owned = db::owners::find(conn, decision.system).await?.is_some();
        let turn = facts.asked.map(|(by, since)| Turn {
            of: TurnOf::Owner,
            since,
            why: TurnWhy::ChangesRequested,
            by: Some(by),
        });
        return Ok(turn.filter(|_| owned));
    }
    // Approvers do not approve what does great harm.
    let senior = facts.senior_only
        || decision.risk == Risk::High
        || decision.escalated_at.is_some()
        || decision.route == Route::Escalate;
    let why = match (decision.escalated_at, facts.escalated_by) {
        (None, _) => TurnWhy::Routed,
        (Some(_), None) => TurnWhy::Deadline,
        (Some(_), Some(_)) => TurnWhy::Escalated,
    };
    Ok(Some(Turn {
        of: if senior { TurnOf::SeniorApprovers } else { TurnOf::Approvers },
        since: decision.escalated_at.unwrap_or(decision.proposed_at),
        why,
        by: facts.escalated_by.filter(|_| decision.escalated_at.is_some()),
    }))
}

/// Returns who handed a decision to the senior approvers, where no deadline did.
pub(crate) async fn escalated_by(conn: &mut PgConnection, decision: &Decision) -> Result<Option<PersonId>> {
    if decision.escalated_at.is_none() {
        return Ok(None);
    }
    Ok(db::decisions::turn(conn, decision.id).await?.escalated_by)
}
