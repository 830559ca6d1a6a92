//! `reviews`.

use countersign_domain::{
    decision::{ReasonCode, ReviewState, Verdict},
    ids::{DecisionId, DelegationId, EntryId, PersonId, PresentationId, ReviewId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

pub(crate) struct Review {
    pub(crate) decision: DecisionId,
    pub(crate) round: u64,
    pub(crate) person: PersonId,
    /// In whose place, where it was not in their own right, and by which delegation.
    pub(crate) on_behalf: Option<(PersonId, DelegationId)>,
    pub(crate) verdict: Verdict,
    pub(crate) code: Option<ReasonCode>,
    /// A reason in words was given.
    pub(crate) reasoned: bool,
    /// The type's form was answered.
    pub(crate) formed: bool,
    /// The reviewer was a senior approver for it then.
    pub(crate) senior: bool,
    /// When they come back to it, where they put it off.
    pub(crate) follow_up: Option<u64>,
    pub(crate) state: ReviewState,
    pub(crate) at: u64,
    pub(crate) entry: EntryId,
    pub(crate) index: Option<i64>,
}

pub(crate) struct New {
    pub(crate) id: ReviewId,
    pub(crate) decision: DecisionId,
    pub(crate) round: u64,
    pub(crate) person: PersonId,
    pub(crate) on_behalf: Option<(PersonId, DelegationId)>,
    pub(crate) verdict: Verdict,
    pub(crate) code: Option<ReasonCode>,
    pub(crate) reasoned: bool,
    pub(crate) formed: bool,
    pub(crate) senior: bool,
    pub(crate) follow_up: Option<u64>,
    pub(crate) presentation: PresentationId,
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into reviews
          (id, decision_id, round, person_id, verdict, code, state, presentation_id, reviewed_at, entry_id, senior,
           follow_up_at, on_behalf_id, delegation_id, reasoned, formed)
        values ($1, $2, $3, $4, $5, $6, 'submitted', $7, $8, $9, $10, $11, $12, $13, $14, $15)
        "#,
        new.id.0,
        new.decision.0,
        new.round as i32,
        new.person.0,
        new.verdict.word(),
        new.code.map(ReasonCode::word),
        new.presentation.0,
        instant(new.now),
        new.entry.0,
        new.senior,
        new.follow_up.map(instant),
        new.on_behalf.map(|(delegator, _)| delegator.0),
        new.on_behalf.map(|(_, delegation)| delegation.0),
        new.reasoned,
        new.formed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    decision_id: Uuid,
    round: i32,
    person_id: Uuid,
    on_behalf_id: Option<Uuid>,
    delegation_id: Option<Uuid>,
    verdict: String,
    code: Option<String>,
    reasoned: bool,
    formed: bool,
    senior: bool,
    follow_up_at: Option<OffsetDateTime>,
    state: String,
    reviewed_at: OffsetDateTime,
    entry_id: Uuid,
    idx: Option<i64>,
}

impl TryFrom<Row> for Review {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "reviews", column, id: row.entry_id.to_string() };
        Ok(Review {
            decision: row.decision_id.into(),
            round: row.round as u64,
            person: row.person_id.into(),
            on_behalf: row.on_behalf_id.map(PersonId::from).zip(row.delegation_id.map(DelegationId::from)),
            verdict: Verdict::from_word(&row.verdict).ok_or_else(|| unreadable("verdict"))?,
            code: row
                .code
                .as_deref()
                .map(|word| ReasonCode::from_word(word).ok_or_else(|| unreadable("code")))
                .transpose()?,
            reasoned: row.reasoned,
            formed: row.formed,
            senior: row.senior,
            follow_up: row.follow_up_at.map(milliseconds),
            state: ReviewState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
            at: milliseconds(row.reviewed_at),
            entry: row.entry_id.into(),
            index: row.idx,
        })
    }
}

/// All reviews of a decision, those taken back and void ones too, oldest first.
pub(crate) async fn list(conn: &mut PgConnection, decision: DecisionId) -> Result<Vec<Review>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select r.decision_id, r.round, r.person_id, r.on_behalf_id, r.delegation_id, r.verdict, r.code, r.reasoned, r.formed,
          r.senior, r.follow_up_at, r.state, r.reviewed_at, r.entry_id, e.idx
        from reviews r
        join ledger_entries e on e.id = r.entry_id
        where r.decision_id = $1
        order by r.reviewed_at, r.id
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Review::try_from).collect()
}

/// Ends a review that stands: taken back by its author, or void. False when it stands no more.
pub(crate) async fn end(
    conn: &mut PgConnection,
    review: EntryId,
    state: ReviewState,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        r#"
        update reviews
        set state = $2, ended_at = $3, ended_entry_id = $4
        where entry_id = $1 and state = 'submitted'
        "#,
        review.0,
        state.word(),
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// A person's latest reviews, newest first.
pub(crate) async fn list_by(conn: &mut PgConnection, person: PersonId, limit: i64) -> Result<Vec<Review>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select r.decision_id, r.round, r.person_id, r.on_behalf_id, r.delegation_id, r.verdict, r.code, r.reasoned, r.formed,
          r.senior, r.follow_up_at, r.state, r.reviewed_at, r.entry_id, e.idx
        from reviews r
        join ledger_entries e on e.id = r.entry_id
        where r.person_id = $1
        order by r.reviewed_at desc, r.id
        limit $2
        "#,
        person.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Review::try_from).collect()
}
