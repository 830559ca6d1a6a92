//! `decisions` and `revisions`.

use std::collections::HashMap;

use countersign_domain::{
    decision::{ResolutionOutcome, Risk, Settling, State},
    holding::Matter,
    ids::{AgentKeyId, DecisionId, DecisionTypeId, EntryId, PersonId, PolicyVersionId, RevisionId, SystemId},
    policy::{OnTimeout, Route},
};
use countersign_ledger::hash::Hash;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A stored decision.
#[derive(Clone)]
pub(crate) struct Decision {
    pub(crate) id: DecisionId,
    pub(crate) n: u64,
    pub(crate) system: SystemId,
    pub(crate) agent_key: AgentKeyId,
    pub(crate) type_id: DecisionTypeId,
    pub(crate) state: State,
    pub(crate) risk: Risk,
    pub(crate) round: u64,
    pub(crate) revision: u64,
    pub(crate) content_hash: Hash,
    pub(crate) policy_version: PolicyVersionId,
    pub(crate) rule: u64,
    pub(crate) route: Route,
    /// Guards that asked for people where the row approves by itself.
    pub(crate) guards: Vec<String>,
    pub(crate) need: u64,
    /// Rejections that reject it.
    pub(crate) reject_threshold: u64,
    pub(crate) due_at: u64,
    pub(crate) on_timeout: OnTimeout,
    /// It names persons as affected.
    pub(crate) about_persons: bool,
    /// When the deadline or a reviewer handed it to the senior approvers.
    pub(crate) escalated_at: Option<u64>,
    /// What people decided, while a review may be taken back.
    pub(crate) settling: Option<Settling>,
    /// The newest version that was asked about it.
    pub(crate) asked_version: PolicyVersionId,
    pub(crate) external_id: Option<String>,
    pub(crate) conversation: Option<String>,
    pub(crate) proposed_at: u64,
    /// The entry that holds the content of the running revision.
    pub(crate) entry: EntryId,
}

struct Row {
    id: Uuid,
    n: i64,
    system_id: Uuid,
    agent_key_id: Uuid,
    type_id: Uuid,
    state: String,
    risk: String,
    round: i32,
    revision: i32,
    content_hash: Vec<u8>,
    policy_version_id: Uuid,
    rule: i32,
    route: String,
    guards: Vec<String>,
    about_persons: bool,
    need: i32,
    reject_threshold: i32,
    due_at: OffsetDateTime,
    on_timeout: String,
    escalated_at: Option<OffsetDateTime>,
    settles_as: Option<String>,
    settles_at: Option<OffsetDateTime>,
    asked_version_id: Uuid,
    external_id: Option<String>,
    conversation: Option<String>,
    proposed_at: OffsetDateTime,
    entry_id: Uuid,
}

impl TryFrom<Row> for Decision {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "decisions", column, id: row.id.to_string() };
        Ok(Self {
            id: row.id.into(),
            n: row.n as u64,
            system: row.system_id.into(),
            agent_key: row.agent_key_id.into(),
            type_id: row.type_id.into(),
            state: State::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
            risk: Risk::from_word(&row.risk).ok_or_else(|| unreadable("risk"))?,
            round: row.round as u64,
            revision: row.revision as u64,
            content_hash: Hash::from_slice(&row.content_hash).map_err(|_| unreadable("content_hash"))?,
            policy_version: row.policy_version_id.into(),
            rule: row.rule as u64,
            route: Route::from_word(&row.route).ok_or_else(|| unreadable("route"))?,
            guards: row.guards,
            about_persons: row.about_persons,
            need: row.need as u64,
            reject_threshold: row.reject_threshold as u64,
            due_at: milliseconds(row.due_at),
            on_timeout: OnTimeout::from_word(&row.on_timeout).ok_or_else(|| unreadable("on_timeout"))?,
            escalated_at: row.escalated_at.map(milliseconds),
            settling: match (row.settles_as, row.settles_at) {
                (Some(outcome), Some(until)) => Some(Settling {
                    outcome: ResolutionOutcome::from_word(&outcome).ok_or_else(|| unreadable("settles_as"))?,
                    until: milliseconds(until),
                }),
                _ => None,
            },
            asked_version: row.asked_version_id.into(),
            external_id: row.external_id,
            conversation: row.conversation,
            proposed_at: milliseconds(row.proposed_at),
            entry: row.entry_id.into(),
        })
    }
}

pub(crate) struct New<'a> {
    pub(crate) decision: &'a Decision,
    pub(crate) same_content: &'a [u8],
    pub(crate) second_act: bool,
    /// What authority limits compare.
    pub(crate) amount: Option<u64>,
    /// The first free seat takes a senior approver.
    pub(crate) senior_only: bool,
    pub(crate) source: Option<(&'a str, u64)>,
}

/// Inserts a decision; false when an equal one was opened meanwhile.
pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<bool> {
    let decision = new.decision;
    let inserted = sqlx::query!(
        r#"
        insert into decisions
          (id, n, system_id, agent_key_id, type_id, state, risk, round, revision, content_hash, same_content,
           second_act, policy_version_id, rule, need, due_at, on_timeout, external_id, conversation, source_name, source_n,
           proposed_at, entry_id, amount, route, guards, asked_version_id, about_persons, senior_only, reject_threshold)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
          $24, $25, $26, $27, $28, $29, $30)
        on conflict (system_id, same_content)
          where state in ('received', 'queued', 'in_review', 'changes_requested', 'settling') and not second_act
          do nothing
        "#,
        decision.id.0,
        decision.n as i64,
        decision.system.0,
        decision.agent_key.0,
        decision.type_id.0,
        decision.state.word(),
        decision.risk.word(),
        decision.round as i32,
        decision.revision as i32,
        &decision.content_hash.0,
        new.same_content,
        new.second_act,
        decision.policy_version.0,
        decision.rule as i32,
        decision.need as i32,
        instant(decision.due_at),
        decision.on_timeout.word(),
        decision.external_id,
        decision.conversation,
        new.source.map(|(name, _)| name),
        new.source.map(|(_, n)| n as i64),
        instant(decision.proposed_at),
        decision.entry.0,
        new.amount.map(|amount| amount as i64),
        decision.route.word(),
        &decision.guards,
        decision.asked_version.0,
        decision.about_persons,
        new.senior_only,
        decision.reject_threshold as i32,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(crate) async fn insert_revision(conn: &mut PgConnection, id: RevisionId, decision: &Decision) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into revisions (id, decision_id, number, content_hash, entry_id) values ($1, $2, $3, $4, $5)",
        id.0,
        decision.id.0,
        decision.revision as i32,
        &decision.content_hash.0,
        decision.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find(conn: &mut PgConnection, id: DecisionId) -> Result<Option<Decision>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, system_id, agent_key_id, type_id, state, risk, round, revision, content_hash, policy_version_id,
          rule, route, guards, about_persons, need, reject_threshold, due_at, on_timeout, escalated_at, settles_as, settles_at,
          asked_version_id, external_id, conversation, proposed_at, coalesce(revised_entry_id, entry_id) as "entry_id!"
        from decisions
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Decision::try_from).transpose()
}

pub(crate) async fn lock(conn: &mut PgConnection, id: DecisionId) -> Result<Option<Decision>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select id, n, system_id, agent_key_id, type_id, state, risk, round, revision, content_hash, policy_version_id,
          rule, route, guards, about_persons, need, reject_threshold, due_at, on_timeout, escalated_at, settles_as, settles_at,
          asked_version_id, external_id, conversation, proposed_at, coalesce(revised_entry_id, entry_id) as "entry_id!"
        from decisions
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Decision::try_from).transpose()
}

/// An open decision of this system with the same type and content.
pub(crate) async fn find_same_open(
    conn: &mut PgConnection,
    system: SystemId,
    same_content: &[u8],
) -> sqlx::Result<Option<DecisionId>> {
    let id = sqlx::query_scalar!(
        r#"
        select id
        from decisions
        where system_id = $1 and same_content = $2 and state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
        order by proposed_at
        limit 1
        "#,
        system.0,
        same_content,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(DecisionId::from))
}

/// Counts an act that changes nothing else.
pub(crate) async fn set_n(conn: &mut PgConnection, id: DecisionId, n: u64) -> sqlx::Result<()> {
    sqlx::query!("update decisions set n = $2 where id = $1", id.0, n as i64).execute(conn).await?;
    Ok(())
}

/// Sets a state other than `settling`, and with it that nothing is decided.
pub(crate) async fn set_state(conn: &mut PgConnection, id: DecisionId, n: u64, state: State) -> sqlx::Result<()> {
    sqlx::query!(
        "update decisions set n = $2, state = $3, settles_as = null, settles_at = null where id = $1",
        id.0,
        n as i64,
        state.word(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what people decided until it is final; false when it is not open any more.
pub(crate) async fn set_settling(
    conn: &mut PgConnection,
    id: DecisionId,
    n: u64,
    settling: Settling,
) -> sqlx::Result<bool> {
    let set = sqlx::query!(
        r#"
        update decisions
        set n = $2, state = 'settling', settles_as = $3, settles_at = $4
        where id = $1 and state in ('received', 'queued', 'in_review', 'settling')
        "#,
        id.0,
        n as i64,
        settling.outcome.word(),
        instant(settling.until),
    )
    .execute(conn)
    .await?;
    Ok(set.rows_affected() == 1)
}

/// Keeps that people had decided, under the entry that says so.
pub(crate) async fn insert_quorum_met(
    conn: &mut PgConnection,
    id: DecisionId,
    round: u64,
    settling: Settling,
    reviews: usize,
    entry: EntryId,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into quorums_met (entry_id, decision_id, round, outcome, reviews, until_at)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        entry.0,
        id.0,
        round as i32,
        settling.outcome.word(),
        reviews as i32,
        instant(settling.until),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the running rounds of those decisions that are open, and when what people decided is final.
pub(crate) async fn list_open_rounds(
    conn: &mut PgConnection,
    ids: &[DecisionId],
) -> sqlx::Result<HashMap<(DecisionId, u64), Option<u64>>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        select id, round, settles_at
        from decisions
        where id = any($1) and state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.id.into(), row.round as u64), row.settles_at.map(milliseconds))).collect())
}

/// Returns decisions whose reviews may no longer be taken back.
pub(crate) async fn list_settled(conn: &mut PgConnection, now: u64, limit: i64) -> sqlx::Result<Vec<DecisionId>> {
    let rows = sqlx::query_scalar!(
        "select id from decisions where state = 'settling' and settles_at <= $1 order by settles_at limit $2",
        instant(now),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(DecisionId::from).collect())
}

/// Resolves an open decision; false when it is not open any more.
pub(crate) async fn set_resolved(conn: &mut PgConnection, id: DecisionId, n: u64) -> sqlx::Result<bool> {
    let set = sqlx::query!(
        r#"
        update decisions
        set n = $2, state = 'resolved', settles_as = null, settles_at = null
        where id = $1 and state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
        "#,
        id.0,
        n as i64,
    )
    .execute(conn)
    .await?;
    Ok(set.rows_affected() == 1)
}

/// Keeps the route that a decision takes now, under the entry that says so.
pub(crate) async fn insert_route(
    conn: &mut PgConnection,
    decision: &Decision,
    n: u64,
    kind: &str,
    entry: EntryId,
    review: Option<EntryId>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into decision_routes
          (entry_id, decision_id, n, kind, policy_version_id, rule, route, guards, need, due_at, review_entry_id,
           reject_threshold)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        entry.0,
        decision.id.0,
        n as i64,
        kind,
        decision.policy_version.0,
        decision.rule as i32,
        decision.route.word(),
        &decision.guards,
        decision.need as i32,
        instant(decision.due_at),
        review.map(|review| review.0),
        decision.reject_threshold as i32,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the entries that routed a decision or handed it up.
pub(crate) async fn list_route_entries(conn: &mut PgConnection, id: DecisionId) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select entry_id from decision_routes where decision_id = $1 order by n", id.0)
        .fetch_all(conn)
        .await
}

/// What tells whose turn a decision is.
pub(crate) struct TurnFacts {
    /// The free seat takes a senior approver.
    pub(crate) senior_only: bool,
    /// Whose review handed it up last, where no deadline did.
    pub(crate) escalated_by: Option<PersonId>,
    /// Who asked for a change that is not made, and when.
    pub(crate) asked: Option<(PersonId, u64)>,
}

/// Reads what tells whose turn a decision is.
pub(crate) async fn turn(conn: &mut PgConnection, id: DecisionId) -> sqlx::Result<TurnFacts> {
    let row = sqlx::query!(
        r#"
        select coalesce(d.senior_only, false) as "senior_only!", v.person_id as "escalated_by?",
          a.person_id as "asked_by?", a.reviewed_at as "asked_at?"
        from decisions d
        left join lateral (
          select r.review_entry_id
          from decision_routes r
          where r.decision_id = d.id and r.kind = 'decision.escalated'
          order by r.n desc
          limit 1
        ) h on true
        left join reviews v on v.entry_id = h.review_entry_id
        left join lateral (
          select q.person_id, q.reviewed_at
          from reviews q
          where q.decision_id = d.id and q.round = d.round and q.state = 'submitted' and q.verdict = 'request_changes'
          order by q.reviewed_at desc
          limit 1
        ) a on true
        where d.id = $1
        "#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(TurnFacts {
        senior_only: row.senior_only,
        escalated_by: row.escalated_by.map(PersonId::from),
        asked: row.asked_by.zip(row.asked_at).map(|(by, at)| (by.into(), milliseconds(at))),
    })
}

/// Sends an open decision where another row or version says.
pub(crate) async fn set_route(conn: &mut PgConnection, decision: &Decision) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update decisions
        set n = $2, policy_version_id = $3, rule = $4, route = $5, guards = $6, need = $7, due_at = $8, on_timeout = $9,
          escalated_at = $10, asked_version_id = $11, reject_threshold = $12
        where id = $1
        "#,
        decision.id.0,
        decision.n as i64,
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
    .await?;
    Ok(())
}

/// Returns open decisions that no version but one of the past was asked about. Looked up by those versions, so that it
/// costs nothing while there are none.
pub(crate) async fn list_unasked(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<DecisionId>> {
    let rows = sqlx::query_scalar!(
        r#"
        select id
        from decisions
        where state in ('received', 'queued', 'in_review')
          and asked_version_id in (select v.id from policy_versions v where v.superseded_at is not null)
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(DecisionId::from).collect())
}

/// Returns open decisions whose deadline has passed and whose silence means something.
pub(crate) async fn list_overdue(conn: &mut PgConnection, now: u64, limit: i64) -> sqlx::Result<Vec<DecisionId>> {
    let rows = sqlx::query_scalar!(
        r#"
        select id
        from decisions
        where state in ('received', 'queued', 'in_review', 'changes_requested') and due_at <= $1 and on_timeout in ('deny', 'escalate')
        order by due_at, id
        limit $2
        "#,
        instant(now),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(DecisionId::from).collect())
}

/// Who reads a list: it holds what authorisation would let them open, by the same roles, scopes and types.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) person: PersonId,
    pub(crate) now: u64,
}

pub(crate) async fn count_open_of(conn: &mut PgConnection, system: SystemId) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from decisions
        where system_id = $1 and state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
        "#,
        system.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}

/// Returns what authority limits compare, and who made the key that proposed it.
pub(crate) async fn matter(conn: &mut PgConnection, id: DecisionId) -> Result<Option<(Matter, Option<PersonId>)>> {
    let row = sqlx::query!(
        r#"
        select d.system_id, t.name, d.risk, d.amount, k.issued_by
        from decisions d
        join decision_types t on t.id = d.type_id
        join agent_keys k on k.id = d.agent_key_id
        where d.id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let unreadable = |column| Error::Row { table: "decisions", column, id: id.to_string() };
        let matter = Matter {
            system: row.system_id.into(),
            type_name: row.name,
            risk: Risk::from_word(&row.risk).ok_or_else(|| unreadable("risk"))?,
            amount: row.amount.map(|amount| u64::try_from(amount).map_err(|_| unreadable("amount"))).transpose()?,
        };
        Ok((matter, row.issued_by.map(PersonId::from)))
    })
    .transpose()
}

/// Returns those of the decisions that a person may read.
pub(crate) async fn readable(
    conn: &mut PgConnection,
    reader: Reader,
    ids: &[DecisionId],
) -> sqlx::Result<Vec<DecisionId>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_scalar!(
        r#"
        select d.id
        from decisions d
        join decision_types t on t.id = d.type_id
        where d.id = any($3)
          and exists (select from acting_roles a
            where a.person_id = $1 and (a.until is null or a.until > $2) and (a.from_at is null or a.from_at <= $2)
              and (a.role = 'compliance_officer' or (a.role in ('viewer', 'approver', 'senior_approver', 'policy_author', 'auditor')
                and (a.systems is null or d.system_id = any(a.systems))
                and (a.types is null or t.name = any(a.types)))))
        "#,
        reader.person.0,
        instant(reader.now),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(DecisionId::from).collect())
}
