//! The queue: views of decisions by whose turn it is, in the order that somebody asks for.

use std::collections::HashMap;

use countersign_domain::{
    decision::ResolutionOutcome,
    event::{Event, List},
    grant,
    ids::{DecisionId, PolicyVersionId},
    overrides,
    policy::PolicyVersion,
    queue::{self, COUNTED_MAX, Count, IdSearch, Narrowed, Sort, View},
    saved::CountedView,
    view::{Left, QueueItem, QueueView, RowResolution},
};
use sqlx::PgConnection;

use super::{seal_at, title};
use crate::{
    Engine, absences,
    authorize::Action,
    caller::Caller,
    db::{
        self,
        queue::{After, Filter, Queued, Reader},
    },
    error::{Error, Result},
    handovers, pauses, people, reads,
};

/// Rows of one page.
const ROWS: usize = 50;
/// Rows on a screen that may be asked about beside the page.
const SHOWN_MAX: usize = 200;

/// What the queue is asked for; all but the last lives in the page's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// Which list; without it the one that this person starts with.
    pub view: Option<View>,
    /// In which order.
    pub sort: Sort,
    /// What narrows it.
    pub narrowed: Narrowed,
    /// Where the page starts, as the page before said.
    pub after: Option<String>,
    /// Decisions on the screen, to be told what became of those that left the list.
    pub shown: Vec<DecisionId>,
}

/// Lists one page of a view.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody without a role that reads decisions, or the filter that cannot be read.
pub async fn queue(engine: &Engine, caller: &Caller, filter: QueueFilter) -> Result<QueueView> {
    let after = filter.after.as_deref().map(|text| parse_after(text, &filter)).transpose()?;
    let found = engine.noted(caller, read(engine, caller, &filter, after).await).await?;
    let (permit, view) = found;
    let count = view.items.len() + view.kept.len();
    let event = Event::AccessListed { list: List::Queue, count: count as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

async fn read(
    engine: &Engine,
    caller: &Caller,
    asked: &QueueFilter,
    after: Option<After>,
) -> Result<(crate::authorize::Permit, QueueView)> {
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ListQueue, engine.installation()).await?;
    let size = engine.head.borrow().size;
    let (person, session) = caller.signed_in()?;
    let reader = Reader { person, session, now: engine.now() };
    let reviews =
        permit.authority.as_ref().is_some_and(|authority| authority.held.iter().any(|held| held.role.reviews()));
    let (view, sort) = (asked.view.unwrap_or(View::first(reviews)), asked.sort);
    db::queue::plan_each_time(&mut tx).await?;
    let (counts, saved) = count(&mut tx, reader).await?;
    let mut rows = list(&mut tx, (view, sort), reader, &narrow(&asked.narrowed), after, ROWS as i64 + 1).await?;
    let older = (rows.len() > ROWS).then(|| rows[ROWS - 1].after(view, sort)).map(|after| after_text(&after));
    rows.truncate(ROWS);

    let missing: Vec<_> =
        asked.shown.iter().take(SHOWN_MAX).copied().filter(|id| !rows.iter().any(|row| row.id == *id)).collect();
    let mut kept = Vec::new();
    if !missing.is_empty() {
        let ids = Some(missing.iter().map(|id| id.0).collect());
        let narrowed = Filter { ids, ..narrow(&asked.narrowed) };
        kept = list(&mut tx, (view, sort), reader, &narrowed, None, SHOWN_MAX as i64).await?;
    }
    let gone: Vec<_> = missing.into_iter().filter(|id| !kept.iter().any(|row| row.id == *id)).collect();
    let left = left(&mut tx, reader, &gone).await?;
    let next_due_at = match rows.is_empty() && view == View::YourTurn {
        true => {
            let next = list(&mut tx, (View::Team, Sort::Deadline), reader, &Filter::default(), None, 1).await?;
            next.first().map(|row| row.due_at)
        }
        false => None,
    };
    let shown = rows.len();
    rows.append(&mut kept);
    let mut items = dress(&mut tx, engine, &rows).await?;
    let pauses = pauses::list_shown(&mut tx, engine, &permit).await?;
    let handovers = handovers::list_shown(&mut tx, engine, &permit, person).await?;
    // Most of the time nothing settles, and nothing has to be read for it.
    let settles = counts.iter().any(|count| count.view == View::Settling && count.count > 0);
    let retractable = match settles {
        true => people::settling_reviews(&mut tx, engine, person).await?,
        false => Vec::new(),
    };
    let away = absences::said(&mut tx, engine, person).await?;
    for item in &mut items {
        item.paused = pauses.iter().any(|pause| pause.system_name == item.system);
    }
    tx.commit().await?;
    let kept = items.split_off(shown);
    let blocked = match reviews {
        true => away,
        false => Some("You can read the queue. Reviewing needs the role approver; an admin can give it.".to_owned()),
    };

    let now = engine.now();
    Ok((
        permit,
        QueueView {
            view,
            sort,
            items,
            kept,
            left,
            counts,
            next_due_at,
            older,
            size,
            now,
            blocked,
            pauses,
            handovers,
            retractable,
            saved,
        },
    ))
}

/// Counts the built-in views and the reader's saved ones.
async fn count(conn: &mut PgConnection, reader: Reader) -> Result<(Vec<Count>, Vec<CountedView>)> {
    let open = db::queue::count_open(conn, reader).await?;
    let held = |view, filter: &Filter<'_>| open.iter().map(|group| group.count(view, filter)).sum::<u64>();
    let mut counts = Vec::with_capacity(View::ALL.len());
    for view in View::ALL.iter().copied() {
        let count = match view.is_open() {
            true => held(view, &Filter::default()),
            false => db::queue::count_resolved(conn, view, reader, &Filter::default()).await?,
        };
        let more = !view.is_open() && count > COUNTED_MAX;
        counts.push(Count { view, count: if more { COUNTED_MAX } else { count }, more });
    }
    let mut saved = Vec::new();
    for view in db::saved_views::list(conn, reader.person).await? {
        let filter = narrow(&view.asked.narrowed);
        let count = match view.asked.view.is_open() {
            true => held(view.asked.view, &filter),
            false => db::queue::count_resolved(conn, view.asked.view, reader, &filter).await?,
        };
        saved.push(CountedView::new(view, count));
    }
    Ok((counts, saved))
}

async fn list(
    conn: &mut PgConnection,
    (view, sort): (View, Sort),
    reader: Reader,
    filter: &Filter<'_>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Queued>> {
    match view.is_open() {
        true => db::queue::list_open(conn, (view, sort), reader, filter, after, limit).await,
        false => db::queue::list_resolved(conn, view, reader, filter, after, limit).await,
    }
}

fn narrow(narrowed: &Narrowed) -> Filter<'_> {
    let (ids, short) = match &narrowed.id {
        Some(IdSearch::Whole(id)) => (Some(vec![id.0]), None),
        Some(IdSearch::Short(short)) => (None, Some(short.as_str())),
        None => (None, None),
    };
    let (system, type_name) = (narrowed.system.as_deref(), narrowed.type_name.as_deref());
    let (outcome, case) = (narrowed.outcome, narrowed.case.as_deref());
    Filter { risk: narrowed.risk, system, type_name, route: narrowed.route, ids, short, outcome, case }
}

/// Says what became of decisions that a screen shows and the view holds no longer.
async fn left(conn: &mut PgConnection, reader: Reader, gone: &[DecisionId]) -> Result<Vec<Left>> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let may = db::decisions::Reader { person: reader.person, now: reader.now };
    let readable = db::decisions::readable(conn, may, gone).await?;
    let resolved = db::queue::outcomes(conn, &readable).await?;
    let versions = versions(conn, resolved.iter().map(|(_, version, ..)| *version)).await?;
    Ok(gone
        .iter()
        .map(|id| {
            let found = resolved.iter().find(|(resolved, ..)| resolved == id);
            let resolution =
                found.map(|(_, version, rule, resolved)| resolution(resolved, versions.get(version), *rule));
            Left { id: *id, resolution }
        })
        .collect())
}

fn resolution(resolved: &db::queue::Resolved, version: Option<&PolicyVersion>, rule: u64) -> RowResolution {
    let by_override = version.filter(|_| resolved.overridden && resolved.outcome == ResolutionOutcome::Approved);
    if let Some(version) = by_override {
        let by_rule = Some(overrides::label(label(Some(version), rule), version.number));
        return RowResolution { outcome: resolved.outcome, by_rule, at: resolved.at };
    }
    if let Some(grant) = resolved.by_grant.filter(|_| resolved.outcome == ResolutionOutcome::Approved) {
        let by_rule = Some(grant::label(grant));
        return RowResolution { outcome: resolved.outcome, by_rule, at: resolved.at };
    }
    let by_rule =
        version.filter(|_| resolved.by_rule && resolved.outcome != ResolutionOutcome::Revoked).map(|version| {
            let word = if resolved.outcome == ResolutionOutcome::Approved { "Approved" } else { "Refused" };
            queue::by_rule(word, label(Some(version), rule), version.number)
        });
    RowResolution { outcome: resolved.outcome, by_rule, at: resolved.at }
}

fn label(version: Option<&PolicyVersion>, rule: u64) -> &str {
    version.map_or("", |version| version.body.row(rule).unwrap_or(&version.body.default).label())
}

/// Gives rows their titles, types, rules and seals.
async fn dress(conn: &mut PgConnection, engine: &Engine, rows: &[Queued]) -> Result<Vec<QueueItem>> {
    let titled: Vec<_> =
        rows.iter().map(|row| title::Titled { id: row.id, entry: row.entry, type_id: row.type_id }).collect();
    let titles = title::list(conn, engine, &titled).await?;
    let mut type_ids: Vec<_> = rows.iter().map(|row| row.type_id).collect();
    type_ids.sort_unstable();
    type_ids.dedup();
    let types: HashMap<_, _> = db::decision_types::list(conn, &type_ids)
        .await?
        .into_iter()
        .map(|(id, definition)| (id.0, definition.name))
        .collect();
    let versions = versions(conn, rows.iter().map(|row| row.policy_version)).await?;
    let holders: Vec<_> = rows.iter().flat_map(|row| row.held_by.iter().copied()).collect();
    let names = people::names(conn, engine, &holders).await?;
    let name = |person| names.get(person).cloned().unwrap_or_else(people::erased);
    Ok(rows
        .iter()
        .map(|row| {
            let version = versions.get(&row.policy_version);
            QueueItem {
                id: row.id,
                title: titles.get(&row.id).cloned().unwrap_or_else(people::erased),
                system: row.system_name.clone(),
                paused: false,
                type_name: types.get(&row.type_id).cloned().unwrap_or_default(),
                risk: row.risk,
                state: row.state.while_held(!row.held_by.is_empty()),
                route: row.route,
                rule: label(version, row.rule).to_owned(),
                escalated: row.escalated_at.is_some(),
                proposed_at: row.proposed_at,
                since: row.escalated_at.unwrap_or(row.proposed_at),
                due_at: row.due_at,
                given: row.given,
                need: row.need,
                held_by: row.held_by.iter().map(name).collect(),
                seal: seal_at(engine, row.index),
                resolution: row.resolution.as_ref().map(|resolved| resolution(resolved, version, row.rule)),
            }
        })
        .collect())
}

async fn versions(
    conn: &mut PgConnection,
    ids: impl Iterator<Item = PolicyVersionId>,
) -> Result<HashMap<PolicyVersionId, PolicyVersion>> {
    let mut found = HashMap::new();
    for id in ids {
        if !found.contains_key(&id)
            && let Some(version) = db::policies::find(conn, id).await?
        {
            found.insert(id, version);
        }
    }
    Ok(found)
}

/// Writes the place of a row, for the address of the next page.
fn after_text(after: &After) -> String {
    match after {
        After::Deadline { due_at, id } => format!("d.{due_at}.{id}"),
        After::Risk { rank, due_at, id } => format!("k.{rank}.{due_at}.{id}"),
        After::Newest { proposed_at, id } => format!("n.{proposed_at}.{id}"),
        After::Sameness { type_id, policy_version, rule, due_at, id } => {
            format!("s.{type_id}.{policy_version}.{rule}.{due_at}.{id}")
        }
        After::Resolved { resolved_at, id } => format!("r.{resolved_at}.{id}"),
    }
}

/// Reads the place of a row, which belongs to one order.
fn parse_after(text: &str, asked: &QueueFilter) -> Result<After> {
    let parsed = read_after(text).filter(|after| match (asked.view, after) {
        (Some(view), after) if !view.is_open() => matches!(after, After::Resolved { .. }),
        (_, after) => match asked.sort {
            Sort::Deadline => matches!(after, After::Deadline { .. }),
            Sort::Risk => matches!(after, After::Risk { .. }),
            Sort::Newest => matches!(after, After::Newest { .. }),
            Sort::Sameness => matches!(after, After::Sameness { .. }),
        },
    });
    parsed.ok_or_else(|| {
        Error::field(
            "/after",
            "wrong_kind",
            "This page address is not one that the queue made. Open the queue from its start.",
        )
    })
}

fn read_after(text: &str) -> Option<After> {
    let parts: Vec<_> = text.split('.').collect();
    // The calendar of the database ends long before the numbers do.
    let time = |text: &str| text.parse::<u64>().ok().filter(|at| *at < 100_000_000_000_000);
    Some(match parts[..] {
        ["d", due, id] => After::Deadline { due_at: time(due)?, id: id.parse().ok()? },
        ["k", rank, due, id] => After::Risk { rank: rank.parse().ok()?, due_at: time(due)?, id: id.parse().ok()? },
        ["n", at, id] => After::Newest { proposed_at: time(at)?, id: id.parse().ok()? },
        ["s", type_id, version, rule, due, id] => After::Sameness {
            type_id: type_id.parse().ok()?,
            policy_version: version.parse().ok()?,
            rule: rule.parse().ok()?,
            due_at: time(due)?,
            id: id.parse().ok()?,
        },
        ["r", at, id] => After::Resolved { resolved_at: time(at)?, id: id.parse().ok()? },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_in_its_own_order_only() {
        let id: DecisionId = "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap();
        let (due_at, type_id, policy_version) = (1_793_610_000_000, id.0, id.0);
        let places = [
            (Sort::Deadline, After::Deadline { due_at, id }),
            (Sort::Risk, After::Risk { rank: 2, due_at, id }),
            (Sort::Newest, After::Newest { proposed_at: due_at, id }),
            (Sort::Sameness, After::Sameness { type_id, policy_version, rule: 3, due_at, id }),
        ];

        for (sort, place) in places {
            for (asked, _) in places {
                let filter = QueueFilter { sort: asked, ..QueueFilter::default() };
                let read = parse_after(&after_text(&place), &filter);
                assert_eq!(read.ok(), (asked == sort).then_some(place));
            }
            let resolved = QueueFilter { view: Some(View::Resolved), sort, ..QueueFilter::default() };
            assert!(parse_after(&after_text(&place), &resolved).is_err());
        }
        for wrong in ["", "d", "d.1", "17.ab", "d.99999999999999999999.01a19b7d-90e0-7f95-ae73-2979886b812a", "x.1.2"] {
            assert!(parse_after(wrong, &QueueFilter::default()).is_err(), "{wrong}");
        }
    }
}
