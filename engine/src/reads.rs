//! Reads on record: one multi-row insert for all that wait, before the first byte of an answer leaves.
//!
//! While one insert runs, the next readers gather; so a lone reader waits for one commit and a crowd
//! shares one. Every waiting request fails if its insert fails.

use std::{collections::BTreeMap, sync::Mutex};

use countersign_domain::{
    event::{Event, Object, Place},
    ids::{BulkRunId, DecisionId, EntryId, PersonId, PresentationId, SessionId},
};
use countersign_ledger::hash::{Hash, Label, leaf_hash};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Engine,
    authorize::Permit,
    caller::Caller,
    db,
    error::{Error, Result},
    seal,
};

/// Rows of one insert.
const ROWS_MAX: usize = 50;

pub(crate) struct Buffer {
    sender: mpsc::Sender<Read>,
    receiver: Mutex<Option<mpsc::Receiver<Read>>>,
}

/// What was shown, beyond the entry itself.
#[derive(Default)]
pub(crate) struct Shown {
    /// A statement that the entry names.
    pub(crate) statement: Option<Statement>,
    /// The single use of a decision's form.
    pub(crate) presentation: Option<Presentation>,
}

pub(crate) struct Statement {
    pub(crate) label: Label,
    pub(crate) digest: Hash,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Presentation {
    pub(crate) id: PresentationId,
    pub(crate) decision: DecisionId,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
    pub(crate) seen: Hash,
    pub(crate) content: Hash,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    /// The page of several decisions that it is a part of.
    pub(crate) bulk: Option<BulkRunId>,
    /// It is unlike the others of that page, which did not show all of it.
    pub(crate) unopened: bool,
    /// In whose place that page's form rules on it, where it is not in the person's own right.
    pub(crate) on_behalf: Option<PersonId>,
}

pub(crate) struct Read {
    pub(crate) id: EntryId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: Hash,
    pub(crate) shown: Shown,
    done: oneshot::Sender<std::result::Result<(), String>>,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(4_096);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

/// Says that somebody's own page, or something on it, was shown to or changed by them, under the authority that they have.
pub(crate) fn of_person(person: PersonId, permit: &Permit) -> Event {
    Event::AccessViewed { object: Object { kind: "person", id: person.0, place: Place::Read(permit.authority_n()) } }
}

/// Puts a read on record and returns its entry once it is committed.
///
/// # Errors
///
/// [`Error::CannotSeal`]; then nothing may be shown.
pub(crate) async fn record(
    engine: &Engine,
    caller: &Caller,
    permit: Permit,
    event: &Event,
    shown: Shown,
) -> Result<EntryId> {
    let (id, committed) = send(engine, permit, event, shown).await?;
    committed.await.map_err(|_| closed())?.map_err(Error::CannotSeal)?;
    caller.count_sealed();

    Ok(id)
}

/// Puts what one page reads of several things on record, all at once.
///
/// # Errors
///
/// As [`record`]; then nothing of the page may be shown.
pub(crate) async fn record_all(
    engine: &Engine,
    caller: &Caller,
    reads: impl IntoIterator<Item = (Permit, Event, Shown)>,
) -> Result<()> {
    let mut sent = Vec::new();
    for (permit, event, shown) in reads {
        sent.push(send(engine, permit, &event, shown).await?.1);
    }
    for committed in sent {
        committed.await.map_err(|_| closed())?.map_err(Error::CannotSeal)?;
        caller.count_sealed();
    }

    Ok(())
}

type Committed = oneshot::Receiver<std::result::Result<(), String>>;

async fn send(engine: &Engine, permit: Permit, event: &Event, shown: Shown) -> Result<(EntryId, Committed)> {
    engine.seals()?;
    let id = EntryId(engine.id());
    let parts = event.parts();
    debug_assert!(parts.texts.is_empty(), "a read commits to no text");
    let bytes = seal::leaf(id, engine.now(), &permit, parts, BTreeMap::new()).encode()?;
    let (done, committed) = oneshot::channel();
    let read = Read { id, hash: leaf_hash(&bytes), bytes, shown, done };
    engine.reads.sender.send(read).await.map_err(|_| closed())?;

    Ok((id, committed))
}

fn closed() -> Error {
    Error::CannotSeal("the server is stopping".into())
}

/// Writes gathered reads until shutdown, then what is still waiting.
pub(crate) async fn run(engine: Engine) {
    let receiver = engine.reads.receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let Some(mut receiver) = receiver else { return };
    let mut shutdown = engine.shutdown();
    let mut reads = Vec::with_capacity(ROWS_MAX);
    loop {
        let count = tokio::select! {
            count = receiver.recv_many(&mut reads, ROWS_MAX) => count,
            _ = shutdown.changed() => {
                receiver.close();
                receiver.recv_many(&mut reads, ROWS_MAX).await
            }
        };
        if count == 0 {
            return;
        }
        let result = write(&engine, &reads).await.map_err(|error| {
            tracing::error!(%error, "Reads could not be put on record");
            "reads cannot be put on record".to_owned()
        });
        for read in reads.drain(..) {
            // A reader that has gone away needs no answer.
            let _ = read.done.send(result.clone());
        }
    }
}

async fn write(engine: &Engine, reads: &[Read]) -> Result<()> {
    let mut tx = engine.begin().await?;
    db::entries::insert_many(&mut tx, reads).await?;
    db::statements::insert_many(&mut tx, reads.iter().filter_map(|read| read.shown.statement.as_ref())).await?;
    for read in reads {
        if let Some(presentation) = &read.shown.presentation {
            db::presentations::insert(&mut tx, presentation, read.id).await?;
        }
    }
    engine.commit(tx).await
}
