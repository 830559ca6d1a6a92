//! What a verifier and an export read: everything of the log, and every row that an entry made.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) struct LogRow {
    pub(crate) id: i16,
    pub(crate) vkey: String,
    pub(crate) size: i64,
    pub(crate) root: Vec<u8>,
    pub(crate) signed_size: i64,
    pub(crate) note: Option<String>,
}

pub(crate) struct NoteRow {
    pub(crate) size: i64,
    pub(crate) note: String,
}

/// An entry with what the search index says of its place.
pub(crate) struct PlacedRow {
    pub(crate) idx: i64,
    pub(crate) id: Uuid,
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaf_hash: Vec<u8>,
    pub(crate) kind: Option<String>,
    pub(crate) object_id: Option<Uuid>,
    pub(crate) sid: Option<Uuid>,
    pub(crate) at: Option<OffsetDateTime>,
}

pub(crate) struct PendingRow {
    pub(crate) id: Uuid,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct TileRow {
    pub(crate) hashes: Vec<u8>,
    pub(crate) root: Vec<u8>,
}

/// A business row, and what the entry that made it must say: `name=value` for each member.
pub(crate) struct MadeRow {
    pub(crate) table: String,
    pub(crate) id: String,
    pub(crate) entry: Uuid,
    pub(crate) kind: String,
    pub(crate) object: Uuid,
    pub(crate) members: Vec<String>,
}

pub(crate) struct DanglingRow {
    pub(crate) table: String,
    pub(crate) id: String,
    pub(crate) entry: Uuid,
}

/// An object's counter, and whether it has ended.
pub(crate) struct CounterRow {
    pub(crate) kind: String,
    pub(crate) id: Uuid,
    pub(crate) n: i64,
    pub(crate) ended: bool,
}

pub(crate) struct StatementRow {
    pub(crate) digest: Vec<u8>,
    pub(crate) body: Option<Vec<u8>>,
}

/// Makes every later query of this connection see one moment, and change nothing.
pub(crate) async fn freeze(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("begin isolation level repeatable read, read only").execute(conn).await?;
    Ok(())
}

/// The open log, or the one that was closed last.
pub(crate) async fn log(conn: &mut PgConnection) -> sqlx::Result<Option<LogRow>> {
    sqlx::query_as!(
        LogRow,
        r#"
        select id, vkey, size, root, signed_size, note
        from ledger_logs
        order by closed_at desc nulls first
        limit 1
        "#,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn checkpoints(conn: &mut PgConnection, log: i16) -> sqlx::Result<Vec<NoteRow>> {
    sqlx::query_as!(NoteRow, "select size, note from ledger_checkpoints where log_id = $1 order by size", log)
        .fetch_all(conn)
        .await
}

pub(crate) async fn entries(conn: &mut PgConnection, log: i16, first: u64, limit: u64) -> sqlx::Result<Vec<PlacedRow>> {
    sqlx::query_as!(
        PlacedRow,
        r#"
        select e.idx as "idx!", e.id, e.bytes, e.leaf_hash,
          i.kind as "kind?", i.object_id as "object_id?", i.sid as "sid?", i.at as "at?"
        from ledger_entries e
        left join ledger_index i on i.log_id = e.log_id and i.idx = e.idx
        where e.log_id = $1 and e.idx >= $2 and e.idx < $3
        order by e.idx, e.seq
        "#,
        log,
        first as i64,
        (first + limit) as i64,
    )
    .fetch_all(conn)
    .await
}

/// The first place at or beyond the end of the log, which nothing may have.
pub(crate) async fn beyond(conn: &mut PgConnection, log: i16, size: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select min(idx) from ledger_entries where log_id = $1 and idx >= $2", log, size)
        .fetch_one(conn)
        .await
}

pub(crate) async fn pending(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<PendingRow>> {
    sqlx::query_as!(PendingRow, "select id, bytes from ledger_entries where idx is null order by seq limit $1", limit,)
        .fetch_all(conn)
        .await
}

pub(crate) async fn tile(conn: &mut PgConnection, log: i16, level: i16, n: u64) -> sqlx::Result<Option<TileRow>> {
    sqlx::query_as!(
        TileRow,
        "select hashes, root from ledger_tiles where log_id = $1 and level = $2 and n = $3",
        log,
        level,
        n as i64,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn statements(conn: &mut PgConnection, digests: &[Vec<u8>]) -> sqlx::Result<Vec<StatementRow>> {
    sqlx::query_as!(StatementRow, "select digest, body from statements where digest = any($1)", digests)
        .fetch_all(conn)
        .await
}

/// Statements in the order of their digests, after one.
pub(crate) async fn statements_after(
    conn: &mut PgConnection,
    after: &[u8],
    limit: i64,
) -> sqlx::Result<Vec<StatementRow>> {
    sqlx::query_as!(
        StatementRow,
        "select digest, body from statements where digest > $1 order by digest limit $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A statement whose body is not what its digest says.
pub(crate) async fn changed_statement(conn: &mut PgConnection) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        r#"
        select digest
        from statements
        where body is not null and digest <> sha256(convert_to(label, 'UTF8') || '\x0a'::bytea || body)
        order by digest
        limit 1
        "#,
    )
    .fetch_optional(conn)
    .await
}

/// The rows that these entries made; a decision is also held to its newest route.
pub(crate) async fn made_by(conn: &mut PgConnection, entries: &[Uuid]) -> sqlx::Result<Vec<MadeRow>> {
    sqlx::query_as!(
        MadeRow,
        r#"
        select 'decisions' as "table!", id::text as "id!", entry_id as "entry!", 'decision.proposed' as "kind!",
          id as "object!", array_remove(array[
            'at=' || (extract(epoch from proposed_at) * 1000)::bigint,
            'sid=' || system_id, 'd.type=' || type_id, 'd.src_n=' || source_n,
            case when revision = 1 then 'd.tier=' || risk end,
            case when revision = 1 then 'd.content=' || rtrim(translate(encode(content_hash, 'base64'), '+/', '-_'), '=') end
          ], null) as "members!"
        from decisions
        where entry_id = any($1)
        union all
        select 'decision_routes', entry_id::text, entry_id, kind, decision_id, array_remove(array[
            'd.need=' || need, 'd.due=' || (extract(epoch from due_at) * 1000)::bigint,
            case when kind = 'decision.routed' then 'd.policy=' || policy_version_id end,
            case when kind = 'decision.routed' then 'd.rule=' || rule end,
            case when kind = 'decision.routed' then 'd.route=' || route end,
            case when kind = 'decision.routed' then 'reject_threshold=' || reject_threshold end,
            'd.review=' || review_entry_id,
            case when cardinality(guards) > 0 and kind = 'decision.routed'
              then 'd.guards=' || array_to_string(guards, ',') end], null)
        from decision_routes
        where entry_id = any($1)
        union all
        select 'decisions', d.id::text, r.entry_id, r.kind, d.id, array_remove(array[
            'd.need=' || d.need, 'd.due=' || (extract(epoch from d.due_at) * 1000)::bigint], null)
        from decision_routes r
        join decisions d on d.id = r.decision_id
        where r.entry_id = any($1)
          and not exists (select from decision_routes later where later.decision_id = r.decision_id and later.n > r.n)
        union all
        select 'decisions', d.id::text, r.entry_id, r.kind, d.id, array[
            'd.policy=' || d.policy_version_id, 'd.rule=' || d.rule, 'd.route=' || d.route,
            'reject_threshold=' || d.reject_threshold]
        from decision_routes r
        join decisions d on d.id = r.decision_id
        where r.entry_id = any($1) and r.kind = 'decision.routed'
          and not exists (select from decision_routes later
            where later.decision_id = r.decision_id and later.n > r.n and later.kind = 'decision.routed')
        union all
        select 'revisions', v.id::text, v.entry_id, v.kind, v.decision_id, array_remove(array[
            'sid=' || v.person_id,
            'd.content=' || rtrim(translate(encode(v.content_hash, 'base64'), '+/', '-_'), '='),
            'd.from=' || rtrim(translate(encode(before.content_hash, 'base64'), '+/', '-_'), '=')], null)
        from revisions v
        left join revisions before on before.decision_id = v.decision_id and before.number = v.number - 1
        where v.entry_id = any($1)
        union all
        select 'decisions', id::text, revised_entry_id, kind, id, array[
            'd.content=' || rtrim(translate(encode(content_hash, 'base64'), '+/', '-_'), '=')]
        from (select d.id, d.revised_entry_id, d.content_hash, coalesce(v.kind, 'decision.revised') as kind
          from decisions d
          left join revisions v on v.decision_id = d.id and v.number = d.revision
          where d.revised_entry_id = any($1)) running
        union all
        select 'withdrawals', decision_id::text, entry_id, 'decision.withdrawn', decision_id, array[
            'at=' || (extract(epoch from withdrawn_at) * 1000)::bigint, 'd.code=' || code]
        from withdrawals
        where entry_id = any($1)
        union all
        select 'comments', entry_id::text, entry_id, 'decision.commented', decision_id, array_remove(array[
            'at=' || (extract(epoch from commented_at) * 1000)::bigint, 'sid=' || author_id,
            'd.asks=' || asks_id, 'd.answers=' || answers_entry_id,
            case cardinality(mentions) when 0 then null else 'd.mentions=' || array_to_string(mentions, ',') end], null)
        from comments
        where entry_id = any($1)
        union all
        select 'leases', id::text, entry_id, 'decision.leased', decision_id, array_remove(array[
            'at=' || (extract(epoch from taken_at) * 1000)::bigint, 'sid=' || person_id,
            'd.until=' || (extract(epoch from promised_until) * 1000)::bigint,
            case cardinality(lapsed) when 0 then null else 'd.lapsed=' || array_to_string(lapsed, ',') end], null)
        from leases
        where entry_id = any($1)
        union all
        select 'leases', id::text, ended_entry_id, 'decision.lease_ended', decision_id, array[
            'at=' || (extract(epoch from ended_at) * 1000)::bigint, 'sid=' || ended_by, 'd.cause=' || cause,
            'd.lease=' || entry_id]
        from leases
        where ended_entry_id = any($1)
        union all
        select 'handovers', id::text, entry_id, 'handover.noted', id, array_remove(array[
            'at=' || (extract(epoch from noted_at) * 1000)::bigint, 'sid=' || author_id,
            'd.until=' || (extract(epoch from until_at) * 1000)::bigint, 'd.system=' || system_id], null)
        from handovers
        where entry_id = any($1)
        union all
        select 'handovers', id::text, ended_entry_id, 'handover.ended', id, array[
            'at=' || (extract(epoch from ended_at) * 1000)::bigint, 'sid=' || ended_by]
        from handovers
        where ended_entry_id = any($1)
        union all
        select 'bulk_runs', b.id::text, b.entry_id, 'bulk.started', b.id, array[
            'at=' || (extract(epoch from b.started_at) * 1000)::bigint, 'sid=' || b.person_id,
            'd.verdict=' || b.verdict, 'd.code=' || b.code,
            'd.count=' || (select count(*) from bulk_items i where i.run_id = b.id)]
        from bulk_runs b
        where b.entry_id = any($1)
        union all
        select 'presentations', p.id::text, p.entry_id, 'decision.viewed', p.decision_id, array[
            'sid=' || p.person_id, 'via=' || s.entry_id,
            'd.seen=' || rtrim(translate(encode(p.seen, 'base64'), '+/', '-_'), '=')]
        from presentations p
        join sessions s on s.id = p.session_id
        where p.entry_id = any($1)
        union all
        select 'reviews', r.id::text, r.entry_id, 'decision.reviewed', r.decision_id, array_remove(array[
            'at=' || (extract(epoch from r.reviewed_at) * 1000)::bigint,
            'sid=' || r.person_id, 'd.verdict=' || r.verdict, 'code=' || coalesce(r.code, '-'), 'reasoned=' || r.reasoned,
            'formed=' || r.formed, 'd.round=' || r.round,
            'd.until=' || (extract(epoch from r.follow_up_at) * 1000)::bigint, 'd.bulk=' || p.bulk_id,
            'for=' || r.on_behalf_id,
            'd.delegation=' || (select g.entry_id from delegations g where g.id = r.delegation_id),
            'd.seen=' || rtrim(translate(encode(p.seen, 'base64'), '+/', '-_'), '=')], null)
        from reviews r
        join presentations p on p.id = r.presentation_id
        where r.entry_id = any($1)
        union all
        select 'reviews', id::text, ended_entry_id,
          case state when 'retracted' then 'decision.review_retracted' else 'decision.review_voided' end, decision_id,
          array_remove(array[
            'at=' || (extract(epoch from ended_at) * 1000)::bigint, 'd.review=' || entry_id,
            case state when 'retracted' then 'sid=' || person_id end], null)
        from reviews
        where ended_entry_id = any($1)
        union all
        select 'quorums_met', entry_id::text, entry_id, 'decision.quorum_met', decision_id, array[
            'd.outcome=' || outcome, 'd.round=' || round, 'reviews=' || reviews,
            'd.until=' || (extract(epoch from until_at) * 1000)::bigint]
        from quorums_met
        where entry_id = any($1)
        union all
        select 'resolutions', id::text, entry_id, 'decision.resolved', decision_id, array_remove(array[
            'at=' || (extract(epoch from resolved_at) * 1000)::bigint,
            'd.outcome=' || outcome, 'd.round=' || round, 'reviews=' || reviews,
            'd.cause=' || cause,
            'd.grant=' || (select u.grant_id from grant_uses u where u.decision_id = resolutions.decision_id)], null)
        from resolutions
        where entry_id = any($1)
        union all
        select 'grants', id::text, entry_id, 'grant.requested', id, array[
            'at=' || (extract(epoch from requested_at) * 1000)::bigint, 'sid=' || requested_by,
            'd.system=' || system_id, 'd.type=' || type_id, 'd.uses=' || uses, 'd.seconds=' || seconds]
        from grants
        where entry_id = any($1)
        union all
        select 'grants', id::text, judged_entry_id, case when ends_at is null then 'grant.refused' else 'grant.activated' end,
          id, array_remove(array[
            'at=' || (extract(epoch from judged_at) * 1000)::bigint, 'sid=' || judged_by,
            'd.until=' || (extract(epoch from ends_at) * 1000)::bigint], null)
        from grants
        where judged_entry_id = any($1)
        union all
        select 'grants', id::text, ended_entry_id, 'grant.' || state, id, array_remove(array[
            'at=' || (extract(epoch from ended_at) * 1000)::bigint, 'sid=' || ended_by], null)
        from grants
        where ended_entry_id = any($1)
        union all
        select 'grant_uses', decision_id::text, entry_id, 'grant.used', grant_id, array[
            'at=' || (extract(epoch from used_at) * 1000)::bigint, 'd.decision=' || decision_id, 'd.number=' || number]
        from grant_uses
        where entry_id = any($1)
        union all
        select 'revocations', decision_id::text, entry_id, 'decision.revoked', decision_id, array[
            'at=' || (extract(epoch from revoked_at) * 1000)::bigint, 'sid=' || revoked_by, 'd.code=' || code]
        from revocations
        where entry_id = any($1)
        union all
        select 'revocations', decision_id::text, resolved_entry_id, 'decision.resolved', decision_id, array[
            'd.outcome=revoked', 'd.cause=revocation', 'reviews=0']
        from revocations
        where resolved_entry_id = any($1)
        union all
        select 'revocations', decision_id::text, told_entry_id, 'decision.released', decision_id, array[
            'at=' || (extract(epoch from told_at) * 1000)::bigint, 'd.resolution=' || resolved_entry_id]
        from revocations
        where told_entry_id = any($1)
        union all
        select 'revocations', decision_id::text, compensated_entry_id, 'decision.compensated', decision_id, array[
            'at=' || (extract(epoch from compensated_at) * 1000)::bigint, 'sid=' || compensated_by,
            'd.result=' || compensation]
        from revocations
        where compensated_entry_id = any($1)
        union all
        select 'overrides', decision_id::text, entry_id, 'decision.overridden', decision_id, array[
            'at=' || (extract(epoch from overridden_at) * 1000)::bigint, 'sid=' || overridden_by, 'd.code=' || code]
        from overrides
        where entry_id = any($1)
        union all
        select 'overrides', decision_id::text, resolved_entry_id, 'decision.resolved', decision_id, array[
            'd.outcome=approved', 'd.cause=override', 'reviews=0']
        from overrides
        where resolved_entry_id = any($1)
        union all
        select 'overrides', decision_id::text, told_entry_id, 'decision.released', decision_id, array[
            'at=' || (extract(epoch from told_at) * 1000)::bigint, 'd.resolution=' || resolved_entry_id]
        from overrides
        where told_entry_id = any($1)
        union all
        select 'post_reviews', act_entry_id::text, act_entry_id, 'decision.overridden', decision_id, array[
            'at=' || (extract(epoch from acted_at) * 1000)::bigint, 'sid=' || acted_by]
        from post_reviews
        where act_entry_id = any($1) and kind = 'override'
        union all
        select 'post_reviews', act_entry_id::text, entry_id, 'post_review.given', act_entry_id, array[
            'at=' || (extract(epoch from given_at) * 1000)::bigint, 'sid=' || given_by, 'd.result=' || result]
        from post_reviews
        where entry_id = any($1)
        union all
        select 'releases', decision_id::text, entry_id, 'decision.released', decision_id, array[
            'at=' || (extract(epoch from released_at) * 1000)::bigint]
        from releases
        where entry_id = any($1)
        union all
        select 'outcomes', id::text, entry_id, 'decision.outcome_reported', decision_id, array[
            'at=' || (extract(epoch from reported_at) * 1000)::bigint,
            'd.result=' || result, 'd.effect=' || effect]
        from outcomes
        where entry_id = any($1)
        union all
        select 'people', id::text, entry_id, 'person.created', id, array[
            'at=' || (extract(epoch from created_at) * 1000)::bigint]
        from people
        where entry_id = any($1)
        union all
        select 'role_assignments', id::text, entry_id, 'role.assigned', person_id, array_remove(array[
            'at=' || (extract(epoch from assigned_at) * 1000)::bigint, 'd.assignment=' || id, 'role=' || role,
            case cardinality(systems) when 1 then 'd.system=' || systems[1] else 'd.systems=' || array_to_string(systems, ',') end,
            'd.types=' || array_to_string(types, ','), 'd.risk=' || risk_max, 'd.amount=' || amount_max,
            'd.until=' || (extract(epoch from until) * 1000)::bigint,
            'd.provider=' || substring(source from '^provider:(.*)$')], null)
        from role_assignments
        where entry_id = any($1)
        union all
        select 'role_assignments', id::text, ended_entry_id, 'role.unassigned', person_id, array[
            'at=' || (extract(epoch from ended_at) * 1000)::bigint, 'd.assignment=' || id, 'role=' || role]
        from role_assignments
        where ended_entry_id = any($1)
        union all
        select 'delegations', id::text, entry_id, 'delegation.given', delegator_id, array_remove(array[
            'at=' || (extract(epoch from given_at) * 1000)::bigint, 'sid=' || delegator_id, 'd.to=' || delegate_id,
            'd.from=' || (extract(epoch from from_at) * 1000)::bigint,
            'd.until=' || (extract(epoch from until_at) * 1000)::bigint,
            'd.systems=' || array_to_string(systems, ','), 'd.types=' || array_to_string(types, ','),
            'd.risk=' || risk_max, 'd.amount=' || amount_max], null)
        from delegations
        where entry_id = any($1)
        union all
        select 'delegations', id::text, ended_entry_id, 'delegation.ended', delegator_id, array[
            'at=' || (extract(epoch from ended_at) * 1000)::bigint, 'sid=' || ended_by, 'd.delegation=' || entry_id]
        from delegations
        where ended_entry_id = any($1)
        union all
        select 'absences', id::text, entry_id, 'absence.set', person_id, array[
            'at=' || (extract(epoch from set_at) * 1000)::bigint, 'sid=' || person_id,
            'd.from=' || (extract(epoch from from_at) * 1000)::bigint,
            'd.until=' || (extract(epoch from until_at) * 1000)::bigint]
        from absences
        where entry_id = any($1)
        union all
        select 'absences', id::text, cleared_entry_id, 'absence.cleared', person_id, array[
            'at=' || (extract(epoch from cleared_at) * 1000)::bigint, 'sid=' || person_id, 'd.absence=' || entry_id]
        from absences a
        where cleared_entry_id = any($1)
          and not exists (select from absences b where b.entry_id = a.cleared_entry_id)
        union all
        select 'role_requests', entry_id::text, entry_id, 'role.requested', person_id, array_remove(array[
            'at=' || (extract(epoch from asked_at) * 1000)::bigint, 'sid=' || person_id, 'role=' || role], null)
        from role_requests
        where entry_id = any($1)
        union all
        select 'role_requests', entry_id::text, answered_entry_id, 'role.request_answered', person_id, array[
            'at=' || (extract(epoch from answered_at) * 1000)::bigint, 'sid=' || answered_by, 'd.answer=' || answer,
            'd.request=' || entry_id]
        from role_requests
        where answered_entry_id = any($1)
        union all
        select 'changes', id::text, entry_id, 'change.requested', id, array_remove(array[
            'at=' || (extract(epoch from requested_at) * 1000)::bigint, 'sid=' || requested_by, 'd.what=' || kind,
            'd.subject=' || subject_id, 'd.digest=' || rtrim(translate(encode(digest, 'base64'), '+/', '-_'), '=')], null)
        from changes
        where entry_id = any($1)
        union all
        select 'changes', id::text, decided_entry_id, 'change.' || state, id, array_remove(array[
            'at=' || (extract(epoch from decided_at) * 1000)::bigint, 'sid=' || decided_by], null)
        from changes
        where decided_entry_id = any($1)
        union all
        select 'sessions', id::text, entry_id, 'auth.signed_in', id, array[
            'at=' || (extract(epoch from started_at) * 1000)::bigint, 'sid=' || person_id, 'd.method=' || method]
        from sessions
        where entry_id = any($1)
        union all
        select 'systems', id::text, entry_id, 'system.approved', id, array[
            'at=' || (extract(epoch from approved_at) * 1000)::bigint]
        from systems
        where entry_id = any($1)
        union all
        select 'system_owners', entry_id::text, entry_id, 'system.owner_named', system_id, array_remove(array[
            'at=' || (extract(epoch from named_at) * 1000)::bigint, 'sid=' || named_by, 'd.owner=' || person_id], null)
        from system_owners
        where entry_id = any($1)
        union all
        select 'pauses', entry_id::text, entry_id, 'system.paused', system_id, array[
            'at=' || (extract(epoch from paused_at) * 1000)::bigint, 'sid=' || paused_by]
        from pauses
        where entry_id = any($1)
        union all
        select 'pauses', entry_id::text, resumed_entry_id, 'system.resumed', system_id, array[
            'at=' || (extract(epoch from resumed_at) * 1000)::bigint, 'sid=' || resumed_by, 'd.pause=' || entry_id]
        from pauses
        where resumed_entry_id = any($1)
        union all
        select 'agent_keys', id::text, entry_id, 'agent_key.issued', id, array[
            'at=' || (extract(epoch from issued_at) * 1000)::bigint, 'd.system=' || coalesce(system_id, window_id),
            'd.expires=' || (extract(epoch from expires_at) * 1000)::bigint, 'd.scopes=' || array_to_string(scopes, ',')]
        from agent_keys
        where entry_id = any($1)
        union all
        select 'audit_windows', id::text, entry_id, 'audit_window.opened', id, array_remove(array[
            'at=' || (extract(epoch from opened_at) * 1000)::bigint, 'd.person=' || person_id,
            'd.from=' || (extract(epoch from from_at) * 1000)::bigint,
            'd.until=' || (extract(epoch from until_at) * 1000)::bigint,
            case cardinality(systems) when 0 then null else 'd.systems=' || array_to_string(systems, ',') end], null)
        from audit_windows
        where entry_id = any($1)
        union all
        select 'access_reviews', id::text, entry_id, 'access_review.started', id, array[
            'at=' || (extract(epoch from started_at) * 1000)::bigint, 'sid=' || started_by,
            'd.due=' || (extract(epoch from due_at) * 1000)::bigint,
            'd.grace=' || (extract(epoch from grace_at) * 1000)::bigint,
            'd.snapshot=' || rtrim(translate(encode(snapshot, 'base64'), '+/', '-_'), '=')]
        from access_reviews
        where entry_id = any($1)
        union all
        select 'access_review_items', review_id || '/' || assignment_id, entry_id, 'access_review.decided', review_id,
          array_remove(array[
            'at=' || (extract(epoch from answered_at) * 1000)::bigint, 'sid=' || answered_by,
            'd.assignment=' || assignment_id, 'd.answer=' || answer], null)
        from access_review_items
        where entry_id = any($1)
        union all
        select 'decision_types', id::text, entry_id, 'settings.changed', id, array[
            'at=' || (extract(epoch from defined_at) * 1000)::bigint,
            'd.digest=' || rtrim(translate(encode(digest, 'base64'), '+/', '-_'), '=')]
        from decision_types
        where entry_id = any($1)
        union all
        select 'policy_versions', id::text, entry_id, 'policy.activated', policy_id, array[
            'at=' || (extract(epoch from activated_at) * 1000)::bigint, 'd.version=' || id,
            'd.digest=' || rtrim(translate(encode(digest, 'base64'), '+/', '-_'), '='),
            'd.digest=' || rtrim(translate(encode(
              sha256(convert_to(E'countersign/policy/v1\n' || body, 'UTF8')), 'base64'), '+/', '-_'), '=')]
        from policy_versions
        where entry_id = any($1)
        union all
        select 'reminders', entry_id::text, entry_id, 'decision.reminded', decision_id, array_remove(array[
            'at=' || (extract(epoch from reminded_at) * 1000)::bigint, 'd.share=' || share,
            'd.due=' || (extract(epoch from due_at) * 1000)::bigint, 'd.invited=' || invited_id], null)
        from reminders
        where entry_id = any($1)
        "#,
        entries,
    )
    .fetch_all(conn)
    .await
}

/// A row whose entry is nowhere.
pub(crate) async fn dangling(conn: &mut PgConnection) -> sqlx::Result<Vec<DanglingRow>> {
    sqlx::query_as!(
        DanglingRow,
        r#"
        select "table" as "table!", r.id as "id!", entry as "entry!"
        from (
          select 'decisions' as "table", id::text, entry_id as entry from decisions
          union all select 'decision_routes', entry_id::text, entry_id from decision_routes
          union all select 'revisions', id::text, entry_id from revisions
          union all select 'decisions', id::text, revised_entry_id from decisions where revised_entry_id is not null
          union all select 'withdrawals', decision_id::text, entry_id from withdrawals
          union all select 'comments', entry_id::text, entry_id from comments
          union all select 'handovers', id::text, entry_id from handovers
          union all select 'handovers', id::text, ended_entry_id from handovers where ended_entry_id is not null
          union all select 'presentations', id::text, entry_id from presentations
          union all select 'reviews', id::text, entry_id from reviews
          union all select 'resolutions', id::text, entry_id from resolutions
          union all select 'releases', decision_id::text, entry_id from releases
          union all select 'revocations', decision_id::text, entry_id from revocations
          union all select 'revocations', decision_id::text, resolved_entry_id from revocations
          union all select 'revocations', decision_id::text, told_entry_id from revocations where told_entry_id is not null
          union all select 'revocations', decision_id::text, compensated_entry_id from revocations
            where compensated_entry_id is not null
          union all select 'overrides', decision_id::text, entry_id from overrides
          union all select 'overrides', decision_id::text, resolved_entry_id from overrides
          union all select 'overrides', decision_id::text, told_entry_id from overrides where told_entry_id is not null
          union all select 'post_reviews', act_entry_id::text, act_entry_id from post_reviews
          union all select 'post_reviews', act_entry_id::text, entry_id from post_reviews where entry_id is not null
          union all select 'grants', id::text, entry_id from grants
          union all select 'grants', id::text, judged_entry_id from grants where judged_entry_id is not null
          union all select 'grants', id::text, ended_entry_id from grants where ended_entry_id is not null
          union all select 'grant_uses', decision_id::text, entry_id from grant_uses
          union all select 'outcomes', id::text, entry_id from outcomes
          union all select 'people', id::text, entry_id from people
          union all select 'role_assignments', id::text, entry_id from role_assignments
          union all select 'role_assignments', id::text, ended_entry_id from role_assignments where ended_entry_id is not null
          union all select 'delegations', id::text, entry_id from delegations
          union all select 'delegations', id::text, ended_entry_id from delegations where ended_entry_id is not null
          union all select 'absences', id::text, entry_id from absences
          union all select 'absences', id::text, cleared_entry_id from absences where cleared_entry_id is not null
          union all select 'role_requests', entry_id::text, entry_id from role_requests
          union all select 'role_requests', entry_id::text, answered_entry_id from role_requests
            where answered_entry_id is not null
          union all select 'changes', id::text, entry_id from changes
          union all select 'changes', id::text, decided_entry_id from changes where decided_entry_id is not null
          union all select 'sessions', id::text, entry_id from sessions
          union all select 'systems', id::text, entry_id from systems
          union all select 'system_owners', entry_id::text, entry_id from system_owners
          union all select 'staff_shortages', entry_id::text, entry_id from staff_shortages
          union all select 'staff_shortages', entry_id::text, ended_entry_id from staff_shortages
            where ended_entry_id is not null
          union all select 'pauses', entry_id::text, entry_id from pauses
          union all select 'pauses', entry_id::text, resumed_entry_id from pauses where resumed_entry_id is not null
          union all select 'agent_keys', id::text, entry_id from agent_keys
          union all select 'audit_windows', id::text, entry_id from audit_windows
          union all select 'access_reviews', id::text, entry_id from access_reviews
          union all select 'access_review_items', review_id || '/' || assignment_id, entry_id from access_review_items
            where entry_id is not null
          union all select 'decision_types', id::text, entry_id from decision_types
          union all select 'policy_versions', id::text, entry_id from policy_versions
          union all select 'vault_values', id::text, entry_id from vault_values
          union all select 'reminders', entry_id::text, entry_id from reminders
        ) r
        where not exists (select from ledger_entries e where e.id = r.entry)
        limit 100
        "#,
    )
    .fetch_all(conn)
    .await
}

/// Every object that counts its acts.
pub(crate) async fn counters(conn: &mut PgConnection) -> sqlx::Result<Vec<CounterRow>> {
    sqlx::query_as!(
        CounterRow,
        r#"
        select 'decision' as "kind!", id as "id!", n as "n!", state in ('resolved', 'released', 'closed') as "ended!"
        from decisions
        union all
        select 'person', id, n, disabled_at is not null from people
        union all
        select 'session', id, n, ended_at is not null from sessions
        union all
        select 'change', id, n, state <> 'waiting' from changes
        union all
        select 'system', id, n, false from systems
        union all
        select 'agent_key', id, n, revoked_at is not null from agent_keys
        union all
        select 'audit_window', id, n, closed_at is not null from audit_windows
        union all
        select 'access_review', id, n, completed_at is not null from access_reviews
        union all
        select 'handover', id, case when ended_at is null then 1 else 2 end, ended_at is not null from handovers
        union all
        select 'policy', id, n, false from policies
        union all
        select 'grant', id, n, state in ('refused', 'exhausted', 'expired', 'revoked') from grants
        "#,
    )
    .fetch_all(conn)
    .await
}
