//! Views of the queue over `decisions`, `reviews` and `resolutions`.
//!
//! What somebody may read, and whose turn it is, is asked here of every open decision at once; it is the same answer that
//! authorisation and the rules of `domain` give when one of them is opened, and tests hold the two together.

use countersign_domain::{
    decision::{ResolutionOutcome, Risk, State},
    ids::{DecisionId, GrantId, PersonId, PolicyVersionId, SessionId},
    policy::Route,
    queue::{COUNTED_MAX, Sort, View},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// Who reads a view.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) now: u64,
}

/// What narrows a view.
#[derive(Default)]
pub(crate) struct Filter<'a> {
    pub(crate) risk: Option<Risk>,
    pub(crate) system: Option<&'a str>,
    pub(crate) type_name: Option<&'a str>,
    pub(crate) route: Option<Route>,
    /// Only these.
    pub(crate) ids: Option<Vec<Uuid>>,
    /// Only those whose id ends so.
    pub(crate) short: Option<&'a str>,
    /// Only this final word.
    pub(crate) outcome: Option<ResolutionOutcome>,
    /// Only those of this case.
    pub(crate) case: Option<&'a str>,
}

/// The last row of the page before, by the order that it was listed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Deadline { due_at: u64, id: DecisionId },
    Risk { rank: i32, due_at: u64, id: DecisionId },
    Newest { proposed_at: u64, id: DecisionId },
    Sameness { type_id: Uuid, policy_version: Uuid, rule: i32, due_at: u64, id: DecisionId },
    Resolved { resolved_at: u64, id: DecisionId },
}

/// A row of the queue.
pub(crate) struct Queued {
    pub(crate) id: DecisionId,
    pub(crate) system_name: String,
    pub(crate) type_id: Uuid,
    pub(crate) risk: Risk,
    pub(crate) state: State,
    pub(crate) route: Route,
    pub(crate) policy_version: PolicyVersionId,
    pub(crate) rule: u64,
    pub(crate) need: u64,
    pub(crate) given: u64,
    pub(crate) due_at: u64,
    pub(crate) proposed_at: u64,
    pub(crate) escalated_at: Option<u64>,
    pub(crate) entry: Uuid,
    pub(crate) index: Option<i64>,
    /// Who reviews it at this moment, the longest first.
    pub(crate) held_by: Vec<PersonId>,
    pub(crate) resolution: Option<Resolved>,
}

/// The final word of a row.
pub(crate) struct Resolved {
    pub(crate) outcome: ResolutionOutcome,
    /// A rule decided, and no person.
    pub(crate) by_rule: bool,
    /// A person released what a rule had refused.
    pub(crate) overridden: bool,
    /// A grant approved it.
    pub(crate) by_grant: Option<GrantId>,
    pub(crate) at: u64,
}

/// Reads the grant out of a cause.
fn by_grant(cause: Option<&str>) -> Option<GrantId> {
    cause?.strip_prefix("grant:")?.parse().ok()
}

impl Queued {
    /// Returns where the page after this row starts.
    pub(crate) fn after(&self, view: View, sort: Sort) -> After {
        let (id, due_at) = (self.id, self.due_at);
        if let (false, Some(resolved)) = (view.is_open(), &self.resolution) {
            return After::Resolved { resolved_at: resolved.at, id };
        }
        match sort {
            Sort::Deadline => After::Deadline { due_at, id },
            Sort::Risk => After::Risk { rank: rank(self.risk), due_at, id },
            Sort::Newest => After::Newest { proposed_at: self.proposed_at, id },
            Sort::Sameness => After::Sameness {
                type_id: self.type_id,
                policy_version: self.policy_version.0,
                rule: self.rule as i32,
                due_at,
                id,
            },
        }
    }
}

fn rank(risk: Risk) -> i32 {
    match risk {
        Risk::High => 0,
        Risk::Medium => 1,
        Risk::Low => 2,
    }
}

struct Row {
    id: Uuid,
    system_name: String,
    type_id: Uuid,
    risk: String,
    state: String,
    route: String,
    policy_version_id: Uuid,
    rule: i32,
    need: i32,
    given: i64,
    due_at: OffsetDateTime,
    proposed_at: OffsetDateTime,
    escalated_at: Option<OffsetDateTime>,
    entry_id: Uuid,
    idx: Option<i64>,
    held_by: Option<Vec<Uuid>>,
    outcome: Option<String>,
    cause: Option<String>,
    resolved_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Queued {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "decisions", column, id: row.id.to_string() };
        let resolution = match (row.outcome, row.resolved_at) {
            (Some(outcome), Some(at)) => Some(Resolved {
                outcome: ResolutionOutcome::from_word(&outcome).ok_or_else(|| unreadable("outcome"))?,
                by_rule: row.cause.as_deref() == Some("rule"),
                overridden: row.cause.as_deref() == Some("override"),
                by_grant: by_grant(row.cause.as_deref()),
                at: milliseconds(at),
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id.into(),
            system_name: row.system_name,
            type_id: row.type_id,
            risk: Risk::from_word(&row.risk).ok_or_else(|| unreadable("risk"))?,
            state: State::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
            route: Route::from_word(&row.route).ok_or_else(|| unreadable("route"))?,
            policy_version: row.policy_version_id.into(),
            rule: row.rule as u64,
            need: row.need as u64,
            given: row.given as u64,
            due_at: milliseconds(row.due_at),
            proposed_at: milliseconds(row.proposed_at),
            escalated_at: row.escalated_at.map(milliseconds),
            entry: row.entry_id,
            index: row.idx,
            held_by: row.held_by.unwrap_or_default().into_iter().map(PersonId::from).collect(),
            resolution,
        })
    }
}

/// Lists a page of open decisions in one order: `$order` is its key, `$after` the place in it.
///
/// The page is cut first and dressed afterwards, so that entries and reviews are looked up for its rows only.
macro_rules! open_page {
    ($conn:expr, $view:expr, $reader:expr, $filter:expr, $limit:expr, $order:literal, $after:literal, $($key:expr),+) => {
        sqlx::query_as!(
            Row,
            r#"
            with held as materialized (
              select role, systems, types, amount_max, delegator_id,
                case coalesce(risk_max, 'high') when 'high' then 3 when 'medium' then 2 else 1 end as risk_max
              from acting_roles
              where person_id = $1 and (until is null or until > $3) and (from_at is null or from_at <= $3)
            ),
            tied as materialized (
              select delegator_id as partner, systems from delegations
              where delegate_id = $1 and ended_at is null and from_at <= $3 and until_at > $3
              union all
              select delegate_id, systems from delegations
              where delegator_id = $1 and ended_at is null and from_at <= $3 and until_at > $3
            ),
            may as materialized (
              select g.single_operator as alone,
                not exists (select from held where role = 'auditor')
                  and (g.single_operator or not exists (select from held where role = 'admin'))
                  and not exists (select from sessions where id = $2 and method = 'break_glass')
                  and not exists (select from absences where person_id = $1 and cleared_at is null
                    and from_at <= $3 and until_at > $3) as review
              from safeguards g
            ),
            owned as materialized (
              select o.system_id from current_owners o where o.person_id = $1
            ),
            page as (
              select d.id, s.name, d.type_id, d.risk, d.state, d.route, d.policy_version_id, d.rule, d.round, d.need,
                d.due_at, d.proposed_at, d.escalated_at, coalesce(d.revised_entry_id, d.entry_id) as entry_id
              from decisions d
              join systems s on s.id = d.system_id
              join decision_types t on t.id = d.type_id
              join agent_keys k on k.id = d.agent_key_id
              where d.state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
                and exists (select from held a
                  where a.role = 'compliance_officer' or (a.role in ('viewer', 'approver', 'senior_approver', 'policy_author', 'auditor')
                    and (a.systems is null or d.system_id = any(a.systems))
                    and (a.types is null or t.name = any(a.types))))
                and case $4::text
                  when 'team' then true
                  when 'waiting' then exists (select from reviews r where r.decision_id = d.id and r.round = d.round
                      and r.person_id = $1 and r.state = 'submitted' and r.verdict <> 'defer')
                    or d.revision > 1 and exists (select from revisions v
                      where v.decision_id = d.id and v.number = d.revision and v.person_id = $1)
                  when 'deferred' then (d.id, d.round) in (select v.decision_id, v.round from reviews v
                    where v.person_id = $1 and v.state = 'submitted' and v.verdict = 'defer' and v.follow_up_at > $3)
                    and not exists (select from reviews r where r.decision_id = d.id and r.round = d.round
                      and r.person_id = $1 and r.state = 'submitted' and r.verdict <> 'defer')
                  when 'settling' then d.state = 'settling'
                  when 'owned' then d.state = 'changes_requested'
                    and exists (select from owned w where w.system_id = d.system_id)
                  when 'breaching' then d.state <> 'settling'
                    and ((d.due_at - $3) * 4 < d.due_at - coalesce(d.escalated_at, d.proposed_at) or d.due_at <= $3)
                  when 'your_turn' then d.state in ('received', 'queued', 'in_review') and (select review from may)
                    and (k.issued_by is distinct from $1 or (select alone from may))
                    and (not exists (select from owned w where w.system_id = d.system_id) or (select alone from may))
                    and not (d.revision > 1 and exists (select from revisions v
                      where v.decision_id = d.id and v.number = d.revision and v.person_id = $1))
                    and not (d.on_timeout = 'deny' and d.due_at <= $3)
                    and exists (select from held a
                      where (a.role = 'senior_approver'
                          or (a.role = 'approver' and d.risk <> 'high' and not coalesce(d.senior_only, false)))
                        and (a.systems is null or d.system_id = any(a.systems))
                        and (a.types is null or t.name = any(a.types))
                        and case d.risk when 'high' then 3 when 'medium' then 2 else 1 end <= a.risk_max
                        and (a.amount_max is null or d.amount is null or d.amount <= a.amount_max)
                        and (a.delegator_id is null or not is_barred(d.id, a.delegator_id, $3)))
                    and not exists (select from reviews r where r.decision_id = d.id and r.round = d.round
                      and r.person_id = $1 and r.state = 'submitted' and (r.verdict <> 'defer' or r.follow_up_at > $3))
                    and (d.id, d.round) not in (select v.decision_id, v.round from reviews v
                      where v.on_behalf_id = $1 and v.state = 'submitted' and v.verdict <> 'defer')
                    and (d.id, d.round) not in (select v.decision_id, v.round + 1 from reviews v
                      where v.on_behalf_id = $1 and v.verdict = 'approve_with_edits')
                    and (not exists (select from tied) or not exists (select from tied p, reviews r
                      where (p.systems is null or d.system_id = any(p.systems)) and r.decision_id = d.id
                        and r.round = d.round and r.state = 'submitted'
                        and r.verdict in ('approve', 'approve_with_edits', 'reject')
                        and p.partner in (r.person_id, r.on_behalf_id)))
                end
                and ($5::text is null or d.risk = $5)
                and ($6::text is null or s.name = $6)
                and ($7::text is null or t.name = $7)
                and ($8::text is null or d.route = $8)
                and ($9::uuid[] is null or d.id = any($9))
                and ($10::text is null or right(d.id::text, 8) = $10)
                and ($11::text is null or d.external_id = $11)
                and "# + $after + r#"
              order by "# + $order + r#"
              limit $12
            )
            select d.id as "id!", d.name as "system_name!", d.type_id as "type_id!", d.risk as "risk!", d.state as "state!",
              d.route as "route!", d.policy_version_id as "policy_version_id!", d.rule as "rule!", d.need as "need!",
              (select count(*) from reviews r where r.decision_id = d.id and r.state = 'submitted'
                and (r.senior or d.escalated_at is null and d.route <> 'escalate')
                and ((r.verdict = 'approve' and r.round = d.round)
                  or (r.verdict = 'approve_with_edits' and r.round + 1 = d.round))) as "given!",
              d.due_at as "due_at!", d.proposed_at as "proposed_at!", d.escalated_at, d.entry_id as "entry_id!",
              e.idx as "idx?",
              (select array_agg(h.person_id order by h.taken_at) from held_leases h
                where h.decision_id = d.id and h.until_at > $3) as "held_by?",
              null::text as outcome, null::text as cause, null::timestamptz as resolved_at
            from page d
            join ledger_entries e on e.id = d.entry_id
            order by "# + $order,
            $reader.person.0,
            $reader.session.0,
            instant($reader.now),
            $view.word(),
            $filter.risk.map(Risk::word),
            $filter.system,
            $filter.type_name,
            $filter.route.map(Route::word),
            $filter.ids.as_deref(),
            $filter.short,
            $filter.case,
            $limit,
            $($key),+
        )
        .fetch_all($conn)
        .await
    };
}

/// Lists one page of a view of open decisions.
///
/// `after` of another order than `sort` begins at the start: the caller has compared them.
pub(crate) async fn list_open(
    conn: &mut PgConnection,
    (view, sort): (View, Sort),
    reader: Reader,
    filter: &Filter<'_>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Queued>> {
    let rows =
        match sort {
            Sort::Deadline => {
                let (due, id) = match after {
                    Some(After::Deadline { due_at, id }) => (Some(instant(due_at)), Some(id.0)),
                    _ => (None, None),
                };
                open_page!(
                    conn,
                    view,
                    reader,
                    filter,
                    limit,
                    "d.due_at, d.id",
                    "($13::timestamptz is null or (d.due_at, d.id) > ($13, $14::uuid))",
                    due,
                    id
                )?
            }
            Sort::Risk => {
                let (risk, due, id) = match after {
                    Some(After::Risk { rank, due_at, id }) => (Some(rank), Some(instant(due_at)), Some(id.0)),
                    _ => (None, None, None),
                };
                open_page!(
                conn, view, reader, filter, limit,
                "case d.risk when 'high' then 0 when 'medium' then 1 else 2 end, d.due_at, d.id",
                "($13::int is null or (case d.risk when 'high' then 0 when 'medium' then 1 else 2 end, d.due_at, d.id)
                  > ($13, $14::timestamptz, $15::uuid))",
                risk, due, id
            )?
            }
            Sort::Newest => {
                let (proposed, id) = match after {
                    Some(After::Newest { proposed_at, id }) => (Some(instant(proposed_at)), Some(id.0)),
                    _ => (None, None),
                };
                open_page!(
                    conn,
                    view,
                    reader,
                    filter,
                    limit,
                    "d.proposed_at desc, d.id desc",
                    "($13::timestamptz is null or (d.proposed_at, d.id) < ($13, $14::uuid))",
                    proposed,
                    id
                )?
            }
            Sort::Sameness => {
                let (same, due, id) = match after {
                    Some(After::Sameness { type_id, policy_version, rule, due_at, id }) => {
                        (Some((type_id, policy_version, rule)), Some(instant(due_at)), Some(id.0))
                    }
                    _ => (None, None, None),
                };
                open_page!(
                    conn,
                    view,
                    reader,
                    filter,
                    limit,
                    "d.type_id, d.policy_version_id, d.rule, d.due_at, d.id",
                    "($13::uuid is null or (d.type_id, d.policy_version_id, d.rule, d.due_at, d.id)
                  > ($13, $14::uuid, $15::int, $16::timestamptz, $17::uuid))",
                    same.map(|(type_id, _, _)| type_id),
                    same.map(|(_, version, _)| version),
                    same.map(|(_, _, rule)| rule),
                    due,
                    id
                )?
            }
        };
    rows.into_iter().map(Queued::try_from).collect()
}

/// Lists a page of resolved decisions, newest first; `$from` says of which, with resolutions as `x`.
///
/// Which they are stands in the text and not in a parameter, so that each is planned for its own: all of them are read
/// along the index of their times, those of one person from their reviews.
macro_rules! resolved_page {
    ($conn:expr, $reader:expr, $filter:expr, $after:expr, $limit:expr, $from:literal) => {
        sqlx::query_as!(
            Row,
            r#"
            with page as (
              select d.id, s.name, d.type_id, d.risk, d.state, d.route, d.policy_version_id, d.rule, d.round, d.need,
                d.due_at, d.proposed_at, d.escalated_at, coalesce(d.revised_entry_id, d.entry_id) as entry_id,
                case when exists (select from revocations v where v.decision_id = d.id) then 'revoked'
                  when exists (select from overrides o where o.decision_id = d.id) then 'approved' else x.outcome end as outcome,
                case when exists (select from overrides o where o.decision_id = d.id) then 'override'
                  when x.cause = 'grant' then (select 'grant:' || u.grant_id from grant_uses u where u.decision_id = x.decision_id)
                  else x.cause end as cause,
                x.resolved_at
              from "# + $from + r#"
              join decisions d on d.id = x.decision_id
              join systems s on s.id = d.system_id
              join decision_types t on t.id = d.type_id
              where exists (select from acting_roles a
                  where a.person_id = $1 and (a.until is null or a.until > $2) and (a.from_at is null or a.from_at <= $2)
                    and (a.role = 'compliance_officer' or (a.role in ('viewer', 'approver', 'senior_approver', 'policy_author', 'auditor')
                      and (a.systems is null or d.system_id = any(a.systems))
                      and (a.types is null or t.name = any(a.types)))))
                and ($3::text is null or d.risk = $3)
                and ($4::text is null or s.name = $4)
                and ($5::text is null or t.name = $5)
                and ($6::text is null or d.route = $6)
                and ($7::uuid[] is null or d.id = any($7))
                and ($8::text is null or right(d.id::text, 8) = $8)
                and ($9::text is null or d.external_id = $9)
                and ($10::text is null or $10 = case
                  when exists (select from revocations v where v.decision_id = d.id) then 'revoked'
                  when exists (select from overrides o where o.decision_id = d.id) then 'approved' else x.outcome end)
                and ($11::timestamptz is null or (x.resolved_at, d.id) < ($11, $12::uuid))
              order by x.resolved_at desc, d.id desc
              limit $13
            )
            select d.id as "id!", d.name as "system_name!", d.type_id as "type_id!", d.risk as "risk!", d.state as "state!",
              d.route as "route!", d.policy_version_id as "policy_version_id!", d.rule as "rule!", d.need as "need!",
              (select count(*) from reviews r where r.decision_id = d.id and r.state = 'submitted'
                and (r.senior or d.escalated_at is null and d.route <> 'escalate')
                and ((r.verdict = 'approve' and r.round = d.round)
                  or (r.verdict = 'approve_with_edits' and r.round + 1 = d.round))) as "given!",
              d.due_at as "due_at!", d.proposed_at as "proposed_at!", d.escalated_at, d.entry_id as "entry_id!",
              e.idx as "idx?", null::uuid[] as "held_by?", d.outcome as "outcome?", d.cause as "cause?", d.resolved_at as "resolved_at?"
            from page d
            join ledger_entries e on e.id = d.entry_id
            order by d.resolved_at desc, d.id desc
            "#,
            $reader.person.0,
            instant($reader.now),
            $filter.risk.map(Risk::word),
            $filter.system,
            $filter.type_name,
            $filter.route.map(Route::word),
            $filter.ids.as_deref(),
            $filter.short,
            $filter.case,
            $filter.outcome.map(ResolutionOutcome::word),
            $after.map(|(at, _)| instant(at)),
            $after.map(|(_, id)| id),
            $limit,
        )
        .fetch_all($conn)
        .await
    };
}

/// Asks `$query` of what a view of resolved decisions is about: work that is left, one person's reviews, or everything.
macro_rules! resolved {
    ($query:ident, $view:expr, $($argument:expr),+) => {
        match $view {
            View::Compensation => $query!(
                $($argument,)+
                "(select decision_id from revocations where compensation = 'open') w
              join resolutions x on x.decision_id = w.decision_id and exists (
                select from decisions c join decision_types y on y.id = c.type_id join acting_roles h on h.person_id = $1
                where c.id = w.decision_id and h.role = 'senior_approver' and h.delegator_id is null
                  and (h.until is null or h.until > $2)
                  and (h.systems is null or c.system_id = any(h.systems)) and (h.types is null or y.name = any(h.types)))"
            ),
            View::Resolved => $query!(
                $($argument,)+
                "(select distinct decision_id from reviews where person_id = $1 and state = 'submitted') w
              join resolutions x on x.decision_id = w.decision_id"
            ),
            _ => $query!($($argument,)+ "resolutions x"),
        }
    };
}

/// Lists one page of a view of resolved decisions.
pub(crate) async fn list_resolved(
    conn: &mut PgConnection,
    view: View,
    reader: Reader,
    filter: &Filter<'_>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Queued>> {
    let after = match after {
        Some(After::Resolved { resolved_at, id }) => Some((resolved_at, id.0)),
        _ => None,
    };
    let rows = resolved!(resolved_page, view, conn, reader, filter, after, limit)?;
    rows.into_iter().map(Queued::try_from).collect()
}

/// Lets every query of this transaction be planned for what is asked: a plan for any view would be one for none.
pub(crate) async fn plan_each_time(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set local plan_cache_mode = force_custom_plan").execute(conn).await?;
    Ok(())
}

/// Open decisions that every filter takes or leaves together, and how many of them each view holds.
pub(crate) struct Group {
    system_name: String,
    type_name: String,
    risk: Risk,
    route: Route,
    your_turn: u64,
    team: u64,
    waiting: u64,
    deferred: u64,
    settling: u64,
    breaching: u64,
    owned: u64,
}

impl Group {
    /// Returns how many the view holds, where the filter takes them; one by id takes none of a group.
    pub(crate) fn count(&self, view: View, filter: &Filter<'_>) -> u64 {
        let taken = filter.ids.is_none()
            && filter.short.is_none()
            && filter.case.is_none()
            && filter.outcome.is_none()
            && filter.risk.is_none_or(|risk| risk == self.risk)
            && filter.system.is_none_or(|system| system == self.system_name)
            && filter.type_name.is_none_or(|name| name == self.type_name)
            && filter.route.is_none_or(|route| route == self.route);
        match view {
            _ if !taken => 0,
            View::YourTurn => self.your_turn,
            View::Team => self.team,
            View::Waiting => self.waiting,
            View::Deferred => self.deferred,
            View::Settling => self.settling,
            View::Breaching => self.breaching,
            View::Owned => self.owned,
            View::Resolved | View::AllResolved | View::Compensation => 0,
        }
    }
}

/// Counts every view of open decisions, in one pass over what is open. Counts by system, type, risk and route first, so
/// that readability is asked once for each of those and not for each decision, and so that every filter can be counted
/// from the same answer.
pub(crate) async fn count_open(conn: &mut PgConnection, reader: Reader) -> Result<Vec<Group>> {
    // Materialized: few rows, gone through for each open decision, and not looked up anew each time. Types and keys are
    // looked up once for the same reason, and not joined to every row.
    let rows = sqlx::query!(
        r#"
        with held as materialized (
          select role, systems, types, amount_max, delegator_id,
            (select array_agg(t.id) from decision_types t where t.name = any(types)) as type_ids,
            case coalesce(risk_max, 'high') when 'high' then 3 when 'medium' then 2 else 1 end as risk_max
          from acting_roles
          where person_id = $1 and (until is null or until > $3) and (from_at is null or from_at <= $3)
        ),
        tied as materialized (
          select delegator_id as partner, systems from delegations
          where delegate_id = $1 and ended_at is null and from_at <= $3 and until_at > $3
          union all
          select delegate_id, systems from delegations
          where delegator_id = $1 and ended_at is null and from_at <= $3 and until_at > $3
        ),
        may as materialized (
          select g.single_operator as alone,
            not exists (select from held where role = 'auditor')
              and (g.single_operator or not exists (select from held where role = 'admin'))
              and not exists (select from sessions where id = $2 and method = 'break_glass')
              and not exists (select from absences where person_id = $1 and cleared_at is null
                and from_at <= $3 and until_at > $3) as review
          from safeguards g
        ),
        owned as materialized (
          select o.system_id from current_owners o where o.person_id = $1
        ),
        open as (
          select d.system_id, d.type_id, d.risk, d.route, count(*) as team,
            count(*) filter (where d.state <> 'settling'
              and ((d.due_at - $3) * 4 < d.due_at - coalesce(d.escalated_at, d.proposed_at) or d.due_at <= $3)) as breaching,
            count(*) filter (where r.id is not null or d.revision > 1 and exists (select from revisions v
              where v.decision_id = d.id and v.number = d.revision and v.person_id = $1)) as waiting,
            count(*) filter (where d.state = 'settling') as settling,
            count(*) filter (where d.state = 'changes_requested'
              and d.system_id = any(array(select system_id from owned))) as owned,
            count(*) filter (where r.id is null and (d.id, d.round) in (select v.decision_id, v.round from reviews v
                where v.person_id = $1 and v.state = 'submitted' and v.verdict = 'defer' and v.follow_up_at > $3)) as deferred,
            count(*) filter (where r.id is null and d.state in ('received', 'queued', 'in_review')
              and not (d.id, d.round) in (select v.decision_id, v.round from reviews v
                where v.person_id = $1 and v.state = 'submitted' and v.verdict = 'defer' and v.follow_up_at > $3)
              and (select review from may)
              and (not d.agent_key_id = any(array(select id from agent_keys where issued_by = $1)) or (select alone from may))
              and (not d.system_id = any(array(select system_id from owned)) or (select alone from may))
              and not (d.revision > 1 and exists (select from revisions v
                where v.decision_id = d.id and v.number = d.revision and v.person_id = $1))
              and not (d.on_timeout = 'deny' and d.due_at <= $3)
              and exists (select from held a
                where (a.role = 'senior_approver'
                    or (a.role = 'approver' and d.risk <> 'high' and not coalesce(d.senior_only, false)))
                  and (a.systems is null or d.system_id = any(a.systems))
                  and (a.types is null or d.type_id = any(a.type_ids))
                  and case d.risk when 'high' then 3 when 'medium' then 2 else 1 end <= a.risk_max
                  and (a.amount_max is null or d.amount is null or d.amount <= a.amount_max)
                  and (a.delegator_id is null or not is_barred(d.id, a.delegator_id, $3)))
              and (d.id, d.round) not in (select v.decision_id, v.round from reviews v
                where v.on_behalf_id = $1 and v.state = 'submitted' and v.verdict <> 'defer')
              and (d.id, d.round) not in (select v.decision_id, v.round + 1 from reviews v
                where v.on_behalf_id = $1 and v.verdict = 'approve_with_edits')
              and (not exists (select from tied) or not exists (select from tied p, reviews b
                where (p.systems is null or d.system_id = any(p.systems)) and b.decision_id = d.id
                  and b.round = d.round and b.state = 'submitted'
                  and b.verdict in ('approve', 'approve_with_edits', 'reject')
                  and p.partner in (b.person_id, b.on_behalf_id)))) as your_turn
          from decisions d
          left join reviews r on r.decision_id = d.id and r.round = d.round and r.person_id = $1 and r.state = 'submitted'
            and r.verdict <> 'defer'
          where d.state in ('received', 'queued', 'in_review', 'changes_requested', 'settling')
          group by d.system_id, d.type_id, d.risk, d.route
        )
        select s.name as "system_name!", t.name as "type_name!", o.risk as "risk!", o.route as "route!", o.team as "team!",
          o.breaching as "breaching!", o.waiting as "waiting!", o.settling as "settling!", o.deferred as "deferred!", o.owned as "owned!",
          o.your_turn as "your_turn!"
        from open o
        join systems s on s.id = o.system_id
        join decision_types t on t.id = o.type_id
        where exists (select from held a
            where a.role = 'compliance_officer' or (a.role in ('viewer', 'approver', 'senior_approver', 'policy_author', 'auditor')
              and (a.systems is null or o.system_id = any(a.systems))
              and (a.types is null or t.name = any(a.types))))
        "#,
        reader.person.0,
        reader.session.0,
        instant(reader.now),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = |column| Error::Row {
                table: "decisions",
                column,
                id: format!("{}, {}", row.system_name, row.type_name),
            };
            Ok(Group {
                risk: Risk::from_word(&row.risk).ok_or_else(|| unreadable("risk"))?,
                route: Route::from_word(&row.route).ok_or_else(|| unreadable("route"))?,
                system_name: row.system_name,
                type_name: row.type_name,
                your_turn: row.your_turn as u64,
                team: row.team as u64,
                waiting: row.waiting as u64,
                deferred: row.deferred as u64,
                settling: row.settling as u64,
                breaching: row.breaching as u64,
                owned: row.owned as u64,
            })
        })
        .collect()
}

/// Counts resolved decisions, to one more than is shown; `$from` as for a page of them.
macro_rules! resolved_count {
    ($conn:expr, $reader:expr, $filter:expr, $from:literal) => {
        sqlx::query_scalar!(
            r#"
            select count(*) as "count!"
            from (
              select
              from "# + $from + r#"
              join decisions d on d.id = x.decision_id
              join systems s on s.id = d.system_id
              join decision_types t on t.id = d.type_id
              where exists (select from acting_roles a
                  where a.person_id = $1 and (a.until is null or a.until > $2) and (a.from_at is null or a.from_at <= $2)
                    and (a.role = 'compliance_officer' or (a.role in ('viewer', 'approver', 'senior_approver', 'policy_author', 'auditor')
                      and (a.systems is null or d.system_id = any(a.systems))
                      and (a.types is null or t.name = any(a.types)))))
                and ($3::text is null or d.risk = $3)
                and ($4::text is null or s.name = $4)
                and ($5::text is null or t.name = $5)
                and ($6::text is null or d.route = $6)
                and ($7::text is null or $7 = case
                  when exists (select from revocations v where v.decision_id = d.id) then 'revoked'
                  when exists (select from overrides o where o.decision_id = d.id) then 'approved' else x.outcome end)
              limit $8
            ) resolved
            "#,
            $reader.person.0,
            instant($reader.now),
            $filter.risk.map(Risk::word),
            $filter.system,
            $filter.type_name,
            $filter.route.map(Route::word),
            $filter.outcome.map(ResolutionOutcome::word),
            COUNTED_MAX as i64 + 1,
        )
        .fetch_one($conn)
        .await
    };
}

/// Counts a view of resolved decisions, to one more than is shown; one that looks something up holds none.
pub(crate) async fn count_resolved(
    conn: &mut PgConnection,
    view: View,
    reader: Reader,
    filter: &Filter<'_>,
) -> sqlx::Result<u64> {
    let count = resolved!(resolved_count, view, conn, reader, filter)?;
    Ok(count as u64)
}

/// Counts the open decisions whose free seat this person could fill now: the view [`View::YourTurn`], for the frame
/// around every page.
pub(crate) async fn count_turns(conn: &mut PgConnection, reader: Reader) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"
        with held as materialized (
          select role, systems, types, amount_max, delegator_id,
            (select array_agg(t.id) from decision_types t where t.name = any(types)) as type_ids,
            case coalesce(risk_max, 'high') when 'high' then 3 when 'medium' then 2 else 1 end as risk_max
          from acting_roles
          where person_id = $1 and (until is null or until > $3) and (from_at is null or from_at <= $3)
        ),
        tied as materialized (
          select delegator_id as partner, systems from delegations
          where delegate_id = $1 and ended_at is null and from_at <= $3 and until_at > $3
          union all
          select delegate_id, systems from delegations
          where delegator_id = $1 and ended_at is null and from_at <= $3 and until_at > $3
        ),
        may as materialized (
          select g.single_operator as alone,
            not exists (select from held where role = 'auditor')
              and (g.single_operator or not exists (select from held where role = 'admin'))
              and not exists (select from sessions where id = $2 and method = 'break_glass')
              and not exists (select from absences where person_id = $1 and cleared_at is null
                and from_at <= $3 and until_at > $3) as review
          from safeguards g
        ),
        owned as materialized (
          select o.system_id from current_owners o where o.person_id = $1
        )
        select count(*) as "count!"
        from decisions d
        where d.state in ('received', 'queued', 'in_review')
          and not exists (select from reviews r where r.decision_id = d.id and r.round = d.round
            and r.person_id = $1 and r.state = 'submitted' and (r.verdict <> 'defer' or r.follow_up_at > $3))
          and (select review from may)
          and (not d.agent_key_id = any(array(select id from agent_keys where issued_by = $1)) or (select alone from may))
          and (not d.system_id = any(array(select system_id from owned)) or (select alone from may))
          and not (d.revision > 1 and exists (select from revisions v
            where v.decision_id = d.id and v.number = d.revision and v.person_id = $1))
          and not (d.on_timeout = 'deny' and d.due_at <= $3)
          and exists (select from held a
            where (a.role = 'senior_approver'
                or (a.role = 'approver' and d.risk <> 'high' and not coalesce(d.senior_only, false)))
              and (a.systems is null or d.system_id = any(a.systems))
              and (a.types is null or d.type_id = any(a.type_ids))
              and case d.risk when 'high' then 3 when 'medium' then 2 else 1 end <= a.risk_max
              and (a.amount_max is null or d.amount is null or d.amount <= a.amount_max)
              and (a.delegator_id is null or not is_barred(d.id, a.delegator_id, $3)))
          and (d.id, d.round) not in (select v.decision_id, v.round from reviews v
            where v.on_behalf_id = $1 and v.state = 'submitted' and v.verdict <> 'defer')
          and (d.id, d.round) not in (select v.decision_id, v.round + 1 from reviews v
            where v.on_behalf_id = $1 and v.verdict = 'approve_with_edits')
          and (not exists (select from tied) or not exists (select from tied p, reviews b
            where (p.systems is null or d.system_id = any(p.systems)) and b.decision_id = d.id
              and b.round = d.round and b.state = 'submitted'
              and b.verdict in ('approve', 'approve_with_edits', 'reject')
              and p.partner in (b.person_id, b.on_behalf_id)))
        "#,
        reader.person.0,
        reader.session.0,
        instant(reader.now),
    )
    .fetch_one(conn)
    .await?;
    Ok(count as u64)
}

/// Says what became of decisions that left a view: the final word of those that are resolved, and nothing of the others.
pub(crate) async fn outcomes(
    conn: &mut PgConnection,
    ids: &[DecisionId],
) -> Result<Vec<(DecisionId, PolicyVersionId, u64, Resolved)>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        select d.id, d.policy_version_id, d.rule, x.resolved_at,
          case when exists (select from overrides o where o.decision_id = d.id) then 'override'
              when x.cause = 'grant' then (select 'grant:' || u.grant_id from grant_uses u where u.decision_id = x.decision_id)
              else x.cause end as cause,
          case when exists (select from revocations v where v.decision_id = d.id) then 'revoked'
            when exists (select from overrides o where o.decision_id = d.id) then 'approved' else x.outcome end as "outcome!"
        from decisions d
        join resolutions x on x.decision_id = d.id
        where d.id = any($1)
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let outcome = ResolutionOutcome::from_word(&row.outcome).ok_or_else(|| Error::Row {
                table: "resolutions",
                column: "outcome",
                id: row.id.to_string(),
            })?;
            let by_rule = row.cause.as_deref() == Some("rule");
            let overridden = row.cause.as_deref() == Some("override");
            let by_grant = by_grant(row.cause.as_deref());
            let resolved = Resolved { outcome, by_rule, overridden, by_grant, at: milliseconds(row.resolved_at) };
            Ok((row.id.into(), row.policy_version_id.into(), row.rule as u64, resolved))
        })
        .collect()
}

pub(crate) async fn set_senior_only(conn: &mut PgConnection, id: DecisionId, senior_only: bool) -> sqlx::Result<()> {
    sqlx::query!("update decisions set senior_only = $2 where id = $1", id.0, senior_only).execute(conn).await?;
    Ok(())
}

/// Returns open decisions whose free seat was not worked out yet.
pub(crate) async fn list_unseated(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<DecisionId>> {
    let rows = sqlx::query_scalar!(
        r#"
        select id
        from decisions
        where senior_only is null and state in ('received', 'queued', 'in_review')
        limit $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(DecisionId::from).collect())
}
