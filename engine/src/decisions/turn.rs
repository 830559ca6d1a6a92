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

/// How a decision came to whoever has it, or had it last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handed {
    /// Nobody's once it is decided, nor while a change is asked for and nobody owns the system.
    pub(crate) turn: Option<Turn>,
    /// Who handed it to the senior approvers, where no deadline did.
    pub(crate) escalated_by: Option<PersonId>,
}

/// Returns whose turn a decision is, and who escalated it.
pub(crate) async fn find(conn: &mut PgConnection, decision: &Decision) -> Result<Handed> {
    let asked = decision.state == State::ChangesRequested;
    let reviewed = decision.state.is_reviewed() && decision.route.has_people();
    if !asked && !reviewed && decision.escalated_at.is_none() {
        return Ok(Handed::default());
    }
    let facts = db::decisions::turn(conn, decision.id).await?;
    let escalated_by = facts.escalated_by.filter(|_| decision.escalated_at.is_some());
    let turn = match (asked, reviewed) {
        (true, _) => {
            let owned = db::owners::find(conn, decision.system).await?.is_some();
            let asked = facts.asked.filter(|_| owned);
            asked.map(|(by, since)| Turn { of: TurnOf::Owner, since, why: TurnWhy::ChangesRequested, by: Some(by) })
        }
        (false, true) => {
            // Approvers do not approve what does great harm.
            let senior = facts.senior_only
                || decision.risk == Risk::High
                || decision.escalated_at.is_some()
                || decision.route == Route::Escalate;
            Some(Turn {
                of: if senior { TurnOf::SeniorApprovers } else { TurnOf::Approvers },
                since: decision.escalated_at.unwrap_or(decision.proposed_at),
                why: match (decision.escalated_at, escalated_by) {
                    (None, _) => TurnWhy::Routed,
                    (Some(_), None) => TurnWhy::Deadline,
                    (Some(_), Some(_)) => TurnWhy::Escalated,
                },
                by: escalated_by,
            })
        }
        (false, false) => None,
    };
    Ok(Handed { turn, escalated_by })
}
