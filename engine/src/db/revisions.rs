//! `revisions` and `withdrawals`: versions of a decision's content, and proposals that were taken back.

use countersign_domain::{
    event::WithdrawCode,
    ids::{DecisionId, EntryId, PersonId, RevisionId},
    lineage::Maker,
};
use sqlx::PgConnection;

use super::decisions::Decision;
use crate::{
    clock::instant,
    error::{Error, Result},
};

/// A version of what is proposed.
pub(crate) struct Revision {
    /// From 1.
    pub(crate) number: u64,
    pub(crate) maker: Maker,
    /// Who edited, where a person did.
    pub(crate) person: Option<PersonId>,
    /// The entry that holds its content.
    pub(crate) entry: EntryId,
    pub(crate) index: Option<i64>,
}

/// What changes about a decision when other content takes the place of the running one.
pub(crate) struct New<'a> {
    pub(crate) id: RevisionId,
    /// As it is from now on.
    pub(crate) decision: &'a Decision,
    pub(crate) maker: Maker,
    pub(crate) person: Option<PersonId>,
    pub(crate) same_content: &'a [u8],
    /// It states that an equal open decision is not a duplicate.
    pub(crate) second_act: bool,
    pub(crate) amount: Option<u64>,
}

/// Keeps a version and makes it the running one of an open decision.
///
/// # Errors
///
/// [`Error::LostRace`] when an equal decision was opened meanwhile.
pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> Result<()> {
    let decision = new.decision;
    sqlx::query!(
        r#"
        insert into revisions (id, decision_id, number, content_hash, entry_id, kind, person_id)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        new.id.0,
        decision.id.0,
        decision.revision as i32,
        &decision.content_hash.0,
        decision.entry.0,
        kind(new.maker),
        new.person.map(|person| person.0),
    )
    .execute(&mut *conn)
    .await?;
    let set = sqlx::query!(
        r#"
        update decisions
        set n = $2, state = 'queued', settles_as = null, settles_at = null, round = $3, revision = $4, content_hash = $5,
          revised_entry_id = $6, risk = $7, about_persons = $8, agent_key_id = $9, same_content = $10, second_act = $11,
          amount = $12, policy_version_id = $13, rule = $14, route = $15, guards = $16, need = $17, due_at = $18,
          on_timeout = $19, escalated_at = $20, asked_version_id = $21, reject_threshold = $22
        where id = $1 and state in ('received', 'queued', 'in_review', 'changes_requested')
        "#,
        decision.id.0,
        decision.n as i64,
        decision.round as i32,
        decision.revision as i32,
        &decision.content_hash.0,
        decision.entry.0,
        decision.risk.word(),
        decision.about_persons,
        decision.agent_key.0,
        new.same_content,
        new.second_act,
        new.amount.map(|amount| amount as i64),
        decision.policy_version.0,
        decision.rule as i32,
        decision.route.word(),
        &decision.guards,
        decision.need as i32,
        instant(decision.due_at),
        decision.on_timeout.word(),
        decision.escalated_at.map(instant),
        decision.asked_version.0,
        decision.reject_threshold as i32,
    )
    .execute(conn)
    .await;
    match set {
        Ok(set) if set.rows_affected() == 1 => Ok(()),
        Ok(_) => Err(Error::Row { table: "decisions", column: "state", id: decision.id.to_string() }),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("decisions_same_open_key") => {
            Err(Error::LostRace)
        }
        Err(error) => Err(error.into()),
    }
}

/// All versions of a decision, oldest first.
pub(crate) async fn list(conn: &mut PgConnection, decision: DecisionId) -> Result<Vec<Revision>> {
    let rows = sqlx::query!(
        r#"
        select r.number, r.kind, r.person_id, r.entry_id, e.idx
        from revisions r
        join ledger_entries e on e.id = r.entry_id
        where r.decision_id = $1
        order by r.number
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = |column| Error::Row { table: "revisions", column, id: row.entry_id.to_string() };
            Ok(Revision {
                number: row.number as u64,
                maker: maker(&row.kind).ok_or_else(|| unreadable("kind"))?,
                person: row.person_id.map(PersonId::from),
                entry: row.entry_id.into(),
                index: row.idx,
            })
        })
        .collect()
}

/// Who made the running content of a decision, if a person did.
pub(crate) async fn editor(conn: &mut PgConnection, decision: &Decision) -> sqlx::Result<Option<PersonId>> {
    if decision.revision == 1 {
        return Ok(None);
    }
    let person = sqlx::query_scalar!(
        "select person_id from revisions where decision_id = $1 and number = $2",
        decision.id.0,
        decision.revision as i32,
    )
    .fetch_optional(conn)
    .await?;
    Ok(person.flatten().map(PersonId::from))
}

/// Another open decision of the system with this type and content that no second act is meant by.
pub(crate) async fn find_other_open(
    conn: &mut PgConnection,
    decision: &Decision,
    same_content: &[u8],
) -> sqlx::Result<Option<DecisionId>> {
    let id = sqlx::query_scalar!(
        r#"
        select id
        from decisions
        where system_id = $1 and same_content = $2 and id <> $3 and not second_act
          and state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
        limit 1
        "#,
        decision.system.0,
        same_content,
        decision.id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(DecisionId::from))
}

/// Whether a decision states that an equal open one is not a duplicate.
pub(crate) async fn is_second_act(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select second_act from decisions where id = $1", decision.0).fetch_one(conn).await
}

/// Keeps that a proposal was taken back.
pub(crate) async fn insert_withdrawal(
    conn: &mut PgConnection,
    decision: DecisionId,
    code: WithdrawCode,
    now: u64,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into withdrawals (decision_id, code, withdrawn_at, entry_id) values ($1, $2, $3, $4)",
        decision.0,
        code.word(),
        instant(now),
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

const fn kind(maker: Maker) -> &'static str {
    match maker {
        Maker::Proposed => "decision.proposed",
        Maker::Revised => "decision.revised",
        Maker::Edited => "decision.edited",
    }
}

fn maker(kind: &str) -> Option<Maker> {
    Maker::ALL.iter().copied().find(|maker| self::kind(*maker) == kind)
}
