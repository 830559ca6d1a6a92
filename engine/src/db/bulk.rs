//! `bulk_runs` and `bulk_items`: one act on several decisions, and what became of each.

use countersign_domain::{
    bulk::ItemResult,
    decision::{ReasonCode, Verdict},
    ids::{BulkRunId, DecisionId, EntryId, PersonId, PolicyVersionId, PresentationId, SessionId},
    problem::Code,
};
use sqlx::PgConnection;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A presentation that a page of several decisions issued.
pub(crate) struct Shown {
    pub(crate) presentation: PresentationId,
    pub(crate) decision: DecisionId,
    /// Digest of what was shown.
    pub(crate) seen: Vec<u8>,
    pub(crate) expires_at: u64,
    pub(crate) unopened: bool,
    /// In whose place it is reviewed, where it is not in the person's own right.
    pub(crate) on_behalf: Option<PersonId>,
}

/// Locks what one page showed to one person in one sign-in, in the order of the page: its form counts once.
pub(crate) async fn lock_shown(
    conn: &mut PgConnection,
    id: BulkRunId,
    (person, session): (PersonId, SessionId),
) -> sqlx::Result<Vec<Shown>> {
    let rows = sqlx::query!(
        r#"
        select id, decision_id, seen, expires_at, unopened, on_behalf_id
        from presentations
        where bulk_id = $1 and person_id = $2 and session_id = $3
        order by id
        for update
        "#,
        id.0,
        person.0,
        session.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Shown {
            presentation: row.id.into(),
            decision: row.decision_id.into(),
            seen: row.seen,
            expires_at: milliseconds(row.expires_at),
            unopened: row.unopened,
            on_behalf: row.on_behalf_id.map(PersonId::from),
        })
        .collect())
}

pub(crate) struct New<'a> {
    pub(crate) id: BulkRunId,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) verdict: Verdict,
    pub(crate) code: ReasonCode,
    pub(crate) policy: PolicyVersionId,
    pub(crate) shown: &'a [Shown],
    pub(crate) now: u64,
    pub(crate) entry: EntryId,
}

/// Inserts a run with its decisions.
pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into bulk_runs (id, person_id, session_id, verdict, code, policy_version_id, started_at, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        new.id.0,
        new.person.0,
        new.session.0,
        new.verdict.word(),
        new.code.word(),
        new.policy.0,
        instant(new.now),
        new.entry.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        insert into bulk_items (run_id, place, decision_id, presentation_id)
        select $1, place, decision_id, presentation_id
        from unnest($2::uuid[], $3::uuid[]) with ordinality i (decision_id, presentation_id, place)
        "#,
        new.id.0,
        &new.shown.iter().map(|shown| shown.decision.0).collect::<Vec<_>>(),
        &new.shown.iter().map(|shown| shown.presentation.0).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A stored run.
pub(crate) struct Run {
    pub(crate) person: PersonId,
    pub(crate) verdict: Verdict,
    pub(crate) code: ReasonCode,
    pub(crate) started_at: u64,
    pub(crate) finished: bool,
}

pub(crate) async fn find(conn: &mut PgConnection, id: BulkRunId) -> Result<Option<Run>> {
    let row =
        sqlx::query!("select person_id, verdict, code, started_at, finished_at from bulk_runs where id = $1", id.0)
            .fetch_optional(conn)
            .await?;
    row.map(|row| {
        let unreadable = |column| Error::Row { table: "bulk_runs", column, id: id.to_string() };
        Ok(Run {
            person: row.person_id.into(),
            verdict: Verdict::from_word(&row.verdict).ok_or_else(|| unreadable("verdict"))?,
            code: ReasonCode::from_word(&row.code).ok_or_else(|| unreadable("code"))?,
            started_at: milliseconds(row.started_at),
            finished: row.finished_at.is_some(),
        })
    })
    .transpose()
}

/// A run in the list of who sent it.
pub(crate) struct Sent {
    pub(crate) id: BulkRunId,
    pub(crate) verdict: Verdict,
    pub(crate) count: u64,
    pub(crate) at: u64,
}

/// Returns a person's latest runs, the newest first.
pub(crate) async fn list_by(conn: &mut PgConnection, person: PersonId, limit: i64) -> Result<Vec<Sent>> {
    let rows = sqlx::query!(
        r#"
        select b.id, b.verdict, b.started_at,
          (select count(*) from bulk_items i where i.run_id = b.id) as "count!"
        from bulk_runs b
        where b.person_id = $1
        order by b.started_at desc, b.id desc
        limit $2
        "#,
        person.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = || Error::Row { table: "bulk_runs", column: "verdict", id: row.id.to_string() };
            Ok(Sent {
                id: row.id.into(),
                verdict: Verdict::from_word(&row.verdict).ok_or_else(unreadable)?,
                count: row.count as u64,
                at: milliseconds(row.started_at),
            })
        })
        .collect()
}

/// Why a decision of a run was not reviewed.
pub(crate) struct Refused {
    pub(crate) result: ItemResult,
    pub(crate) code: Code,
    pub(crate) detail: String,
    pub(crate) by: Option<PersonId>,
}

/// A decision of a run.
pub(crate) struct Item {
    pub(crate) decision: DecisionId,
    /// When its review was recorded, and the index of that.
    pub(crate) reviewed: Option<(u64, Option<i64>)>,
    pub(crate) refused: Option<Refused>,
    /// When it was refused.
    pub(crate) ended_at: Option<u64>,
}

/// Returns the decisions of a run in its order.
pub(crate) async fn list(conn: &mut PgConnection, id: BulkRunId) -> Result<Vec<Item>> {
    let rows = sqlx::query!(
        r#"
        select i.decision_id, i.result, i.code, i.detail, i.by_person_id, i.ended_at,
          v.reviewed_at as "reviewed_at?", e.idx as "idx?"
        from bulk_items i
        left join reviews v on v.presentation_id = i.presentation_id
        left join ledger_entries e on e.id = v.entry_id
        where i.run_id = $1
        order by i.place
        "#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = |column| Error::Row { table: "bulk_items", column, id: row.decision_id.to_string() };
            let refused = match (row.result, row.code, row.detail) {
                (Some(result), Some(code), Some(detail)) => Some(Refused {
                    result: ItemResult::from_word(&result).ok_or_else(|| unreadable("result"))?,
                    code: Code::ALL
                        .iter()
                        .copied()
                        .find(|known| known.word() == code)
                        .ok_or_else(|| unreadable("code"))?,
                    detail,
                    by: row.by_person_id.map(PersonId::from),
                }),
                _ => None,
            };
            Ok(Item {
                decision: row.decision_id.into(),
                reviewed: row.reviewed_at.map(|at| (milliseconds(at), row.idx)),
                refused,
                ended_at: row.ended_at.map(milliseconds),
            })
        })
        .collect()
}

/// Says why a decision of a run was not reviewed.
pub(crate) async fn set_refused(
    conn: &mut PgConnection,
    id: BulkRunId,
    presentation: PresentationId,
    refused: &Refused,
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update bulk_items
        set result = $3, code = $4, detail = $5, by_person_id = $6, ended_at = $7
        where run_id = $1 and presentation_id = $2 and result is null
        "#,
        id.0,
        presentation.0,
        refused.result.word(),
        refused.code.word(),
        refused.detail,
        refused.by.map(|by| by.0),
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_finished(conn: &mut PgConnection, id: BulkRunId, now: u64) -> sqlx::Result<()> {
    sqlx::query!("update bulk_runs set finished_at = $2 where id = $1 and finished_at is null", id.0, instant(now),)
        .execute(conn)
        .await?;
    Ok(())
}
