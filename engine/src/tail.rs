//! Follows what is sealed: wakes requests that wait for their seal, tells live pages and waiting
//! agents, and fills the index that screens search.
//!
//! The leading process hands its batches over directly; a process that follows, or one that missed a
//! batch, reads them from the database. Nothing depends on a notification arriving.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use countersign_domain::{ids::DecisionId, ids::EntryId, view::Change};
use countersign_ledger::leaf::Leaf;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{Engine, db, error::Result, instance::Head};

/// Entries read at once when following the database.
const ROWS_MAX: i64 = 1_000;

/// Entries that got their places, in order.
pub(crate) struct Batch {
    /// Index of the first.
    pub(crate) first: u64,
    /// Ids and leaf bytes.
    pub(crate) entries: Vec<(EntryId, Vec<u8>)>,
}

/// One row of the search index.
pub(crate) struct Indexed {
    pub(crate) idx: i64,
    pub(crate) kind: String,
    pub(crate) object_type: Option<String>,
    pub(crate) object_id: Option<Uuid>,
    pub(crate) sid: Option<Uuid>,
    pub(crate) at: u64,
}

/// Follows until shutdown.
pub(crate) async fn run(engine: Engine, mut batches: Option<mpsc::Receiver<Batch>>) {
    let mut shutdown = engine.shutdown();
    let mut next = match next_index(&engine).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(%error, "Following starts at the beginning of the log");
            0
        }
    };
    // The leader's batches arrive by themselves; the database is asked now and then in case one was missed.
    let poll = if batches.is_some() { Duration::from_millis(250) } else { Duration::from_millis(25) };
    loop {
        let batch = tokio::select! {
            batch = receive(&mut batches) => batch,
            () = tokio::time::sleep(poll) => None,
            _ = shutdown.changed() => return,
        };
        let result = match batch {
            Some(batch) if batch.first == next => {
                let end = next + batch.entries.len() as u64;
                follow(&engine, batch).await.map(|()| end)
            }
            _ => catch_up(&engine, next).await,
        };
        match result {
            Ok(end) => next = end,
            Err(error) => tracing::warn!(%error, "What is sealed is read again"),
        }
    }
}

async fn receive(batches: &mut Option<mpsc::Receiver<Batch>>) -> Option<Batch> {
    match batches {
        Some(receiver) => match receiver.recv().await {
            Some(batch) => Some(batch),
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Continues after the last indexed entry, so that a crash leaves no hole in the index.
async fn next_index(engine: &Engine) -> Result<u64> {
    let mut conn = engine.app.acquire().await?;
    let indexed = db::entries::indexed_to(&mut conn, engine.log.row).await?;
    Ok(indexed.map_or(0, |index| u64::try_from(index).unwrap_or(0) + 1))
}

async fn catch_up(engine: &Engine, mut next: u64) -> Result<u64> {
    loop {
        let mut conn = engine.app.acquire().await?;
        let rows = db::entries::list_sealed(&mut conn, engine.log.row, next, ROWS_MAX).await?;
        drop(conn);
        if rows.is_empty() {
            return Ok(next);
        }
        let entries: Vec<_> = rows.into_iter().map(|row| (EntryId(row.id), row.bytes)).collect();
        let end = next + entries.len() as u64;
        follow(engine, Batch { first: next, entries }).await?;
        next = end;
    }
}

async fn follow(engine: &Engine, batch: Batch) -> Result<()> {
    let size = batch.first + batch.entries.len() as u64;
    let mut change = Change { size, ..Change::default() };
    let mut rows = Vec::with_capacity(batch.entries.len());
    {
        let mut waiting = engine.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for ((id, _), index) in batch.entries.iter().zip(batch.first..) {
            if let Some(waiter) = waiting.remove(id) {
                // The request may have gone away.
                let _ = waiter.send(index);
            }
        }
    }
    for ((_, bytes), index) in batch.entries.iter().zip(batch.first..) {
        let leaf = Leaf::parse(bytes)?;
        let object = leaf.obj.as_ref().and_then(|object| Some((object, object.id.parse::<Uuid>().ok()?)));
        if let Some((object, id)) = object
            && object.t == "decision"
            && object.n.is_some()
        {
            // A comment wakes who reads comments, and a seat who shows seats: they are news to no waiting agent.
            let touched = match leaf.kind.as_str() {
                "decision.commented" => Some(&mut change.commented),
                "decision.leased" | "decision.lease_ended" => Some(&mut change.leased),
                // A reminder changes nothing that is shown.
                "decision.reminded" => None,
                _ => Some(&mut change.decisions),
            };
            if let Some(touched) = touched
                && !touched.contains(&DecisionId(id))
            {
                touched.push(DecisionId(id));
            }
        }
        if !change.kinds.contains(&leaf.kind) {
            change.kinds.push(leaf.kind.clone());
        }
        rows.push(Indexed {
            idx: i64::try_from(index).unwrap_or(i64::MAX),
            object_type: object.map(|(object, _)| object.t.clone()),
            object_id: object.map(|(_, id)| id),
            sid: leaf.actor.sid.as_deref().and_then(|sid| sid.parse().ok()),
            at: leaf.at,
            kind: leaf.kind,
        });
    }
    engine.head.send_replace(Head { size });
    // Nobody may be listening.
    let _ = engine.changes.send(Arc::new(change));
    let mut conn = engine.app.acquire().await?;
    db::entries::insert_index(&mut conn, engine.log.row, &rows).await?;

    Ok(())
}
