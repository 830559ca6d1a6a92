//! `resolutions` and `releases`.

use countersign_domain::{
    decision::{ReasonCode, ResolutionOutcome},
    ids::{DecisionId, EntryId, GrantId, ResolutionId},
};
use sqlx::PgConnection;

use super::{
    grants,
    overrides::{self, Override},
    revocations::{self, Revocation},
};
use crate::clock::{instant, milliseconds};

pub(crate) struct Resolution {
    pub(crate) outcome: ResolutionOutcome,
    pub(crate) reviews: u64,
    pub(crate) code: Option<ReasonCode>,
    /// A rule decided, and no person.
    pub(crate) by_rule: bool,
    /// A grant approved it, by this entry about the grant.
    pub(crate) by_grant: Option<(GrantId, EntryId)>,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
    pub(crate) index: Option<u64>,
    pub(crate) released_at: Option<u64>,
    /// A person released what the rule refused.
    pub(crate) overridden: Option<Override>,
    /// The approval was taken back.
    pub(crate) revoked: Option<Revocation>,
}

impl Resolution {
    /// What stands: the word that was given, that a person released it, or that the approval was taken back.
    pub(crate) fn standing(&self) -> ResolutionOutcome {
        match (&self.revoked, &self.overridden) {
            (Some(_), _) => ResolutionOutcome::Revoked,
            (None, Some(_)) => ResolutionOutcome::Approved,
            (None, None) => self.outcome,
        }
    }

    /// Tells whether it was ever an approval.
    pub(crate) fn is_approval(&self) -> bool {
        self.outcome == ResolutionOutcome::Approved || self.overridden.is_some()
    }

    /// The entry that says what stands, and its place once it has one.
    pub(crate) fn said(&self) -> (EntryId, Option<u64>) {
        match (&self.revoked, &self.overridden) {
            (Some(revoked), _) => (revoked.resolved, revoked.resolved_index),
            (None, Some(overridden)) => (overridden.resolved, overridden.resolved_index),
            (None, None) => (self.entry, self.index),
        }
    }

    /// Tells whether the agent was told what stands.
    pub(crate) fn was_told(&self) -> bool {
        match (&self.revoked, &self.overridden) {
            (Some(revoked), _) => revoked.told.is_some(),
            (None, Some(overridden)) => overridden.told.is_some(),
            (None, None) => self.released_at.is_some(),
        }
    }

    /// Returns what an agent may read of it by a log of this signed size: a revocation from its commit on, everything
    /// else once it is sealed. A release that is not, or that a pause keeps, leaves what the agent was told before.
    pub(crate) fn readable(mut self, size: u64, paused: bool) -> Option<Self> {
        if self.revoked.is_some() {
            return Some(self);
        }
        let sealed = |index: Option<u64>| index.is_some_and(|index| index < size);
        let waits = |overridden: &Override| !sealed(overridden.resolved_index) || (paused && overridden.told.is_none());
        if self.released_at.is_some() && self.overridden.as_ref().is_some_and(waits) {
            self.overridden = None;
        }
        sealed(self.said().1).then_some(self)
    }
}

/// What decided, where neither people nor a deadline did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Rule,
    Grant(GrantId),
    Pause,
    /// The AI system took its proposal back.
    Requester,
}

impl Cause {
    const fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Grant(_) => "grant",
            Self::Pause => "pause",
            Self::Requester => "requester",
        }
    }
}

pub(crate) struct New {
    pub(crate) id: ResolutionId,
    pub(crate) decision: DecisionId,
    pub(crate) outcome: ResolutionOutcome,
    pub(crate) round: u64,
    pub(crate) reviews: u64,
    pub(crate) code: Option<ReasonCode>,
    pub(crate) cause: Option<Cause>,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into resolutions (id, decision_id, outcome, round, reviews, code, resolved_at, entry_id, cause)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id.0,
        new.decision.0,
        new.outcome.word(),
        new.round as i32,
        new.reviews as i32,
        new.code.map(ReasonCode::word),
        instant(new.now),
        new.entry.0,
        new.cause.map(Cause::word),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Option<Resolution>> {
    let row = sqlx::query!(
        r#"
        select r.outcome, r.reviews, r.code, r.cause, r.resolved_at, r.entry_id, e.idx as "idx?", l.released_at as "released_at?"
        from resolutions r
        join ledger_entries e on e.id = r.entry_id
        left join releases l on l.decision_id = r.decision_id
        where r.decision_id = $1
        "#,
        decision.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let revoked = revocations::find(conn, decision).await?;
    let by_grant = match row.cause.as_deref() {
        Some("grant") => grants::find_use(conn, decision).await?,
        _ => None,
    };
    let overridden = match (row.cause.as_deref(), row.outcome.as_str()) {
        (Some("rule"), "rejected") => overrides::find(conn, decision).await?,
        _ => None,
    };
    Ok(ResolutionOutcome::from_word(&row.outcome).map(|outcome| Resolution {
        outcome,
        reviews: row.reviews as u64,
        code: row.code.as_deref().and_then(ReasonCode::from_word),
        by_rule: row.cause.as_deref() == Some("rule"),
        by_grant,
        at: milliseconds(row.resolved_at),
        entry: row.entry_id.into(),
        index: row.idx.map(|index| index as u64),
        released_at: row.released_at.map(milliseconds),
        overridden,
        revoked,
    }))
}

pub(crate) async fn insert_release(
    conn: &mut PgConnection,
    decision: DecisionId,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into releases (decision_id, released_at, entry_id) values ($1, $2, $3)",
        decision.0,
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
