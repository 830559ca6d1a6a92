//! `ledger_index` as the access log: reads, searches, exports and refusals, newest first.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::instant;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) person: Option<Uuid>,
    pub(crate) object: Option<Uuid>,
    pub(crate) kinds: Option<Vec<String>>,
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    pub(crate) before: Option<u64>,
}

/// How much of the log may be shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Within {
    /// Nothing that concerns decisions.
    pub(crate) operations: bool,
    /// Only what concerns these systems, and reads of `own`.
    pub(crate) systems: Option<Vec<Uuid>>,
    /// Whose own reads are shown beside `systems`.
    pub(crate) own: Option<Uuid>,
    /// Only what others read about this person: about them, or a decision after they reviewed it.
    pub(crate) about: Option<Uuid>,
}

pub(crate) struct Found {
    pub(crate) idx: i64,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) async fn list(
    conn: &mut PgConnection,
    log: i16,
    asked: &Asked,
    within: &Within,
    limit: i64,
) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"
        select i.idx, e.bytes
        from ledger_index i
        join ledger_entries e on e.log_id = i.log_id and e.idx = i.idx
        where i.log_id = $1 and (i.kind like 'access.%' or i.kind in ('decision.viewed', 'auth.failed'))
          and ($2::bigint is null or i.idx < $2)
          and ($3::uuid is null or i.sid = $3)
          and ($4::uuid is null or i.object_id = $4)
          and ($5::text[] is null or i.kind = any ($5))
          and ($6::timestamptz is null or i.at >= $6)
          and ($7::timestamptz is null or i.at < $7)
          and (not $8 or (i.object_type is distinct from 'decision' and i.kind <> 'decision.viewed'))
          and ($9::uuid[] is null or i.sid = $10
            or (i.object_type = 'system' and i.object_id = any ($9))
            or (i.object_type = 'decision' and i.object_id in (select id from decisions where system_id = any ($9))))
          and ($11::uuid is null or (i.sid is distinct from $11 and (i.object_id = $11
            or exists (select from reviews r
              where r.person_id = $11 and r.decision_id = i.object_id and r.reviewed_at <= i.at))))
        order by i.idx desc
        limit $12
        "#,
        log,
        asked.before.map(|before| i64::try_from(before).unwrap_or(i64::MAX)),
        asked.person,
        asked.object,
        asked.kinds.as_deref(),
        asked.from.map(instant),
        asked.to.map(instant),
        within.operations,
        within.systems.as_deref(),
        within.own,
        within.about,
        limit,
    )
    .fetch_all(conn)
    .await
}
