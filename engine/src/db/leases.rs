//! `leases`: who holds a seat of a decision.

use countersign_domain::{
    ids::{DecisionId, EntryId, LeaseId, PersonId, PresentationId, SessionId, SystemId},
    lease::LeaseEnd,
};
use sqlx::PgConnection;

use crate::{
    clock::{instant, milliseconds},
    error::{Error, Result},
};

/// A claim that runs.
pub(crate) struct Held {
    pub(crate) id: LeaseId,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) until: u64,
    pub(crate) entry: EntryId,
}

/// A claim, whether it runs or not.
pub(crate) struct Lease {
    pub(crate) decision: DecisionId,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) entry: EntryId,
    pub(crate) runs: bool,
    pub(crate) cause: Option<LeaseEnd>,
    /// Who ended it, where an entry says so.
    pub(crate) ended_by: Option<PersonId>,
}

pub(crate) struct New<'a> {
    pub(crate) id: LeaseId,
    pub(crate) decision: DecisionId,
    pub(crate) round: u64,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) n: u64,
    pub(crate) now: u64,
    pub(crate) until: u64,
    pub(crate) lapsed: &'a [EntryId],
    pub(crate) entry: EntryId,
}

pub(crate) async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    let lapsed: Vec<_> = new.lapsed.iter().map(|entry| entry.0).collect();
    sqlx::query!(
        r#"
        insert into leases
          (id, decision_id, round, person_id, session_id, n, taken_at, promised_until, until_at, lapsed, entry_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
        "#,
        new.id.0,
        new.decision.0,
        new.round as i32,
        new.person.0,
        new.session.0,
        new.n as i64,
        instant(new.now),
        instant(new.until),
        &lapsed,
        new.entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the claims of a decision that run, the longest first.
pub(crate) async fn list_held(conn: &mut PgConnection, decision: DecisionId, now: u64) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query!(
        r#"
        select id as "id!", person_id as "person_id!", session_id as "session_id!", until_at as "until_at!",
          entry_id as "entry_id!"
        from held_leases
        where decision_id = $1 and until_at > $2
        order by taken_at, id
        "#,
        decision.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Held {
            id: row.id.into(),
            person: row.person_id.into(),
            session: row.session_id.into(),
            until: milliseconds(row.until_at),
            entry: row.entry_id.into(),
        })
        .collect())
}

/// Returns the claims of a decision that run, the longest first, and those that nothing ended and that run no more: their
/// time, sign-in or role is over.
///
/// One look tells both: whose role comes back between two would be in neither, and hold a seat that was given away.
pub(crate) async fn list_open(
    conn: &mut PgConnection,
    decision: DecisionId,
    now: u64,
) -> sqlx::Result<(Vec<Held>, Vec<(LeaseId, EntryId)>)> {
    let rows = sqlx::query!(
        r#"
        select l.id, l.person_id, l.session_id, l.entry_id, h.until_at as "until_at?"
        from leases l
        left join held_leases h on h.id = l.id and h.until_at > $2
        where l.decision_id = $1 and l.ended_at is null
        order by l.taken_at, l.id
        "#,
        decision.0,
        instant(now),
    )
    .fetch_all(conn)
    .await?;
    let (mut held, mut run_out) = (Vec::new(), Vec::new());
    for row in rows {
        match row.until_at {
            Some(until) => held.push(Held {
                id: row.id.into(),
                person: row.person_id.into(),
                session: row.session_id.into(),
                until: milliseconds(until),
                entry: row.entry_id.into(),
            }),
            None => run_out.push((row.id.into(), row.entry_id.into())),
        }
    }
    Ok((held, run_out))
}

pub(crate) async fn find(conn: &mut PgConnection, id: LeaseId, now: u64) -> Result<Option<Lease>> {
    let row = sqlx::query!(
        r#"
        select l.decision_id, l.person_id, l.session_id, l.entry_id, l.cause, l.ended_by,
          exists (select from held_leases h where h.id = l.id and h.until_at > $2) as "runs!"
        from leases l
        where l.id = $1
        "#,
        id.0,
        instant(now),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let unreadable = || Error::Row { table: "leases", column: "cause", id: id.to_string() };
        Ok(Lease {
            decision: row.decision_id.into(),
            person: row.person_id.into(),
            session: row.session_id.into(),
            entry: row.entry_id.into(),
            runs: row.runs,
            cause: row.cause.map(|word| LeaseEnd::from_word(&word).ok_or_else(unreadable)).transpose()?,
            ended_by: row.ended_by.map(PersonId::from),
        })
    })
    .transpose()
}

/// Ends a claim by an act that has no entry of its own.
pub(crate) async fn end(conn: &mut PgConnection, id: LeaseId, cause: LeaseEnd, now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        "update leases set ended_at = $2, cause = $3 where id = $1 and ended_at is null",
        id.0,
        instant(now),
        cause.word(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a claim under the entry that says so.
pub(crate) async fn end_sealed(
    conn: &mut PgConnection,
    id: LeaseId,
    cause: LeaseEnd,
    (by, n, now, entry): (PersonId, u64, u64, EntryId),
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update leases
        set ended_at = $2, cause = $3, ended_by = $4, ended_n = $5, ended_entry_id = $6
        where id = $1 and ended_at is null
        "#,
        id.0,
        instant(now),
        cause.word(),
        by.0,
        n as i64,
        entry.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends every claim of a decision, because what was under review is so no more.
pub(crate) async fn end_all(
    conn: &mut PgConnection,
    decision: DecisionId,
    cause: LeaseEnd,
    now: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update leases set ended_at = $2, cause = $3 where decision_id = $1 and ended_at is null",
        decision.0,
        instant(now),
        cause.word(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets the time of a person's claims on the decisions of a system be over, and of those whose holders review them in the
/// person's place and by no other right.
pub(crate) async fn run_out(conn: &mut PgConnection, person: PersonId, system: SystemId, now: u64) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update leases l
        set until_at = $3
        from decisions d
        where d.id = l.decision_id and d.system_id = $2 and l.ended_at is null and l.until_at > $3
          and (l.person_id = $1
            or exists (select from acting_roles a where a.person_id = l.person_id and a.delegator_id = $1)
              and not exists (select from acting_roles a
                where a.person_id = l.person_id and a.delegator_id is distinct from $1
                  and a.role in ('approver', 'senior_approver')
                  and (a.systems is null or d.system_id = any(a.systems))
                  and (a.until is null or a.until > $3) and (a.from_at is null or a.from_at <= $3)))
        "#,
        person.0,
        system.0,
        instant(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the end of a claim and of the form behind it; returns nothing when it does not run or is not of this sign-in.
pub(crate) async fn beat(
    conn: &mut PgConnection,
    id: LeaseId,
    (person, session): (PersonId, SessionId),
    presentation: PresentationId,
    (now, until): (u64, u64),
) -> sqlx::Result<Option<u64>> {
    let moved = sqlx::query_scalar!(
        r#"
        with beat as (
          update leases
          set until_at = $5
          where id = $1 and person_id = $2 and session_id = $3 and ended_at is null and until_at > $4
            and exists (select from held_leases h where h.id = $1 and h.until_at > $4)
          returning decision_id, until_at
        ),
        form as (
          update presentations p
          set expires_at = $5
          from beat
          where p.id = $6 and p.decision_id = beat.decision_id and p.session_id = $3 and p.expires_at > $4
            and p.expires_at < $5
        )
        select until_at from beat
        "#,
        id.0,
        person.0,
        session.0,
        instant(now),
        instant(until),
        presentation.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(moved.map(milliseconds))
}

/// Numbers of the acts on a decision that say who reviews it.
pub(crate) async fn numbers(conn: &mut PgConnection, decision: DecisionId) -> sqlx::Result<Vec<u64>> {
    let rows = sqlx::query_scalar!(
        r#"
        select n as "n!" from leases where decision_id = $1
        union all
        select ended_n from leases where decision_id = $1 and ended_n is not null
        "#,
        decision.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|n| n as u64).collect())
}

/// Tells whether anybody reviews a decision.
pub(crate) async fn is_held(conn: &mut PgConnection, decision: DecisionId, now: u64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from held_leases where decision_id = $1 and until_at > $2) as "held!""#,
        decision.0,
        instant(now),
    )
    .fetch_one(conn)
    .await
}
