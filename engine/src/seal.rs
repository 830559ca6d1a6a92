//! How an act enters the ledger: one entry in the transaction of its effect, no lock on the head.

use std::{collections::BTreeMap, sync::PoisonError, time::Duration};

use countersign_domain::{
    decision::SealState,
    event::{Event, Object, Parts, Place},
    ids::EntryId,
    view::Seal,
};
use countersign_ledger::{
    hash::{Hash, leaf_hash},
    leaf::{Leaf, Obj},
    value::Value,
};
use sqlx::PgConnection;
use tokio::sync::oneshot;

use crate::{
    Engine,
    authorize::Permit,
    caller::Caller,
    db,
    error::Result,
    vault::{Key, Prepared, Text},
};

/// How long a request waits for its seal, so that the answer can carry it (`ledger.md` 2).
pub(crate) const WAIT: Duration = Duration::from_millis(300);

/// An entry of the running transaction.
pub(crate) struct Entry {
    pub(crate) id: EntryId,
    /// The time in the leaf, milliseconds since 1970 UTC.
    pub(crate) at: u64,
    engine: Engine,
    place: Option<oneshot::Receiver<u64>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        // Rolled back or not waited for: nobody is told.
        self.engine.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Appends an event: encodes and hashes its leaf, inserts the entry and its committed texts.
///
/// Takes no lock that another request waits for; the sequencer gives the entry its place after commit.
///
/// # Errors
///
/// [`crate::Error::CannotSeal`] when sealing is refused or too far behind; then the act must fail.
pub(crate) async fn append(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    event: &Event,
) -> Result<Entry> {
    append_as(conn, engine, caller, permit, event, EntryId(engine.id()), Vec::new()).await
}

/// Appends an event some of whose texts are committed under keys that were fixed before, by field.
///
/// # Errors
///
/// As [`append`].
pub(crate) async fn append_keyed(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    event: &Event,
    keys: &[(&str, &Key)],
) -> Result<Entry> {
    append_with(conn, engine, caller, permit, event, EntryId(engine.id()), Vec::new(), keys).await
}

/// Appends an event under an id chosen before, with values that its statements commit to.
///
/// # Errors
///
/// As [`append`].
pub(crate) async fn append_as(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    event: &Event,
    id: EntryId,
    values: Vec<Prepared>,
) -> Result<Entry> {
    append_with(conn, engine, caller, permit, event, id, values, &[]).await
}

#[expect(clippy::too_many_arguments, reason = "the two callers above give it names")]
async fn append_with(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    event: &Event,
    id: EntryId,
    mut values: Vec<Prepared>,
    keys: &[(&str, &Key)],
) -> Result<Entry> {
    engine.seals()?;
    let parts = event.parts();
    let at = engine.now();
    let key = |field: &str| keys.iter().find(|(keyed, _)| *keyed == field).map(|(_, key)| *key);
    let texts: Vec<_> = parts
        .texts
        .iter()
        .map(|text| Text { field: text.field, text: &text.text, owner: &text.owner, key: key(text.field) })
        .collect();
    let prepared = engine.vault.prepare(conn, id, at, &texts).await?;
    let committed = prepared.iter().map(|value| (value.field.clone(), value.commitment)).collect();
    let bytes = leaf(id, at, permit, parts, committed).encode()?;
    let (sender, place) = oneshot::channel();
    engine.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
    let entry = Entry { id, at, engine: engine.clone(), place: Some(place) };
    db::entries::insert(conn, id.0, &bytes, &leaf_hash(&bytes)).await?;
    values.extend(prepared);
    db::vault::insert(conn, &values).await?;
    caller.count_sealed();

    Ok(entry)
}

/// Makes the leaf of an event.
pub(crate) fn leaf(id: EntryId, at: u64, permit: &Permit, parts: Parts, cm: BTreeMap<String, Hash>) -> Leaf {
    Leaf {
        id: id.to_string(),
        at,
        kind: parts.kind.to_owned(),
        actor: permit.actor.clone(),
        authz: permit.authz.clone(),
        obj: parts.object.map(|Object { kind, id, place }| Obj {
            t: kind.to_owned(),
            id: id.hyphenated().to_string(),
            n: if let Place::Act(n) = place { Some(n) } else { None },
            upto: if let Place::Read(n) = place { Some(n) } else { None },
        }),
        d: (!parts.d.is_empty()).then(|| Value::object(parts.d)),
        cm,
    }
}

/// Waits until a committed entry is under a signed checkpoint, 300 ms at most.
pub(crate) async fn wait(mut entry: Entry) -> Seal {
    let Some(place) = entry.place.take() else { return Seal { state: SealState::Recorded, index: None } };
    match tokio::time::timeout(WAIT, place).await {
        Ok(Ok(index)) => Seal { state: SealState::Sealed, index: Some(index) },
        _ => Seal { state: SealState::Recorded, index: None },
    }
}
