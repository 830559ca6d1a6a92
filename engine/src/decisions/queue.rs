//! The queue: open decisions, those with the least time left first.

use countersign_domain::{
    decision::Risk,
    event::{Event, List},
    ids::DecisionId,
    view::{QueueItem, QueueView},
};

use super::{seal_at, title};
use crate::{
    Engine,
    authorize::Action,
    caller::Caller,
    db,
    error::{Error, Result},
    pauses, people, reads,
};

/// Rows of one page.
const ROWS: usize = 50;

/// What narrows the queue; it lives in the page's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// One risk only.
    pub risk: Option<Risk>,
    /// One system only, by name.
    pub system: Option<String>,
    /// Where the page starts, as the page before said.
    pub after: Option<String>,
}

/// Lists one page of open decisions.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody without a role that reads decisions, or the filter that cannot be read.
pub async fn queue(engine: &Engine, caller: &Caller, filter: QueueFilter) -> Result<QueueView> {
    let after = filter.after.as_deref().map(parse_after).transpose()?;
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListQueue, engine.installation()).await?;
        let size = engine.head.borrow().size;
        let reader = db::decisions::Reader { person: caller.person().ok_or(Error::NotFound)?, now: engine.now() };
        let open_count = db::decisions::count_open(&mut tx, reader).await?;
        let filter = db::decisions::Filter { risk: filter.risk, system: filter.system.as_deref(), after };
        let rows = db::decisions::list_open(&mut tx, reader, &filter, ROWS as i64 + 1).await?;
        let shown = &rows[..rows.len().min(ROWS)];
        let titled: Vec<_> =
            shown.iter().map(|row| title::Titled { id: row.id, entry: row.entry, type_id: row.type_id }).collect();
        let titles = title::list(&mut tx, engine, &titled).await?;
        let type_ids: Vec<_> = shown.iter().map(|row| row.type_id).collect();
        let types = db::decision_types::list(&mut tx, &type_ids).await?;
        let pauses = pauses::list_shown(&mut tx, engine, &permit).await?;
        tx.commit().await?;
        let items: Vec<_> = shown
            .iter()
            .map(|row| QueueItem {
                id: row.id,
                title: titles.get(&row.id).cloned().unwrap_or_else(people::erased),
                system: row.system_name.clone(),
                paused: pauses.iter().any(|pause| pause.system_name == row.system_name),
                type_name: types
                    .iter()
                    .find(|(id, _)| id.0 == row.type_id)
                    .map(|(_, definition)| definition.name.clone())
                    .unwrap_or_default(),
                risk: row.risk,
                state: row.state,
                proposed_at: row.proposed_at,
                due_at: row.due_at,
                given: row.given,
                need: row.need,
                seal: seal_at(engine, row.index),
            })
            .collect();
        let older = (rows.len() > ROWS).then(|| shown.last().map(|row| format!("{}.{}", row.due_at, row.id))).flatten();
        let reviews =
            permit.authority.as_ref().is_some_and(|authority| authority.held.iter().any(|held| held.role.reviews()));
        let blocked = (!reviews)
            .then(|| "You can read the queue. Reviewing needs the role approver; an admin can give it.".to_owned());
        Ok((permit, QueueView { items, open_count, older, size, now: engine.now(), blocked, pauses }))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::Queue, count: view.items.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

fn parse_after(text: &str) -> Result<(u64, DecisionId)> {
    let parsed = text.split_once('.').and_then(|(due, id)| Some((due.parse().ok()?, id.parse().ok()?)));
    parsed.ok_or_else(|| {
        Error::field(
            "/after",
            "wrong_kind",
            "This page address is not one that the queue made. Open the queue from its start.",
        )
    })
}
