//! The log as people and programs read it: head, entries, proofs, tiles, checkpoints.

use countersign_domain::{
    event::{Event, List, Object, Place},
    ids::EntryId,
    problem::Code,
    view::{CheckpointMark, EntryRow, EntryView, HeldRow, LedgerView, PathStep},
};
use countersign_ledger::{
    checkpoint,
    hash::{Hash, leaf_hash, node_hash},
    leaf::Leaf,
    tile::{BundleId, TileId, encode_bundle, encode_tile},
    tlog_proof::TlogProof,
    tree,
};
use sqlx::PgConnection;

use crate::{
    Engine,
    authorize::{Action, Permit},
    caller::Caller,
    clock::milliseconds,
    db,
    error::{Error, Result},
    reads, secret,
    sequencer::fetch_tiles,
};

/// Entries of one page.
const ROWS: i64 = 50;

/// A proof file and the log size it proves against.
pub(crate) struct Proof {
    pub(crate) text: String,
    pub(crate) size: u64,
}

struct SignedHead {
    size: u64,
    root: Hash,
    note: String,
    epoch: u64,
}

/// Shows the head and one page of entries, newest first.
///
/// # Errors
///
/// [`Error::Forbidden`] without a role.
pub async fn view(engine: &Engine, caller: &Caller, before: Option<u64>) -> Result<LedgerView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ViewLedger, engine.installation()).await?;
        let head = signed_head(&mut tx, engine).await?;
        let published = db::logs::latest_checkpoint(&mut tx, engine.log.row).await?;
        let holder = db::logs::widest_holder(&mut tx, engine.log.row).await?;
        let backlog = db::entries::backlog(&mut tx).await?;
        let end = before.unwrap_or(head.size).min(head.size);
        let rows = db::entries::list_before(&mut tx, engine.log.row, end, ROWS).await?;
        tx.commit().await?;
        let entries = rows.iter().map(row).collect::<Result<Vec<_>>>()?;
        let view = LedgerView {
            log: engine.log.id.clone(),
            origin: engine.log.origin.clone(),
            vkey: engine.log.vkey.clone(),
            size: head.size,
            root: head.root.to_base64_std(),
            checkpoint: published.as_ref().map(|published| published.note.clone()),
            published_at: published.as_ref().map(|published| milliseconds(published.published_at)),
            published_size: published.map_or(0, |published| published.size as u64),
            pending_count: backlog.count as u64,
            pending_oldest_ms: backlog.oldest_ms as u64,
            epoch: head.epoch,
            held: holder.map(|holder| HeldRow {
                size: holder.size as u64,
                by: holder.kind,
                since: milliseconds(holder.held_at),
            }),
            older: entries.last().map(|entry| entry.index).filter(|index| *index > 0),
            entries,
            now: engine.now(),
        };
        Ok((permit, view))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::Entries, count: view.entries.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

/// Shows one entry with its proof.
///
/// # Errors
///
/// [`Error::Forbidden`] without a role, [`Error::NotFound`] beyond the signed head.
pub async fn entry(engine: &Engine, caller: &Caller, index: u64) -> Result<EntryView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ViewLedger, engine.installation()).await?;
        let stored = db::entries::at(&mut tx, engine.log.row, index).await?.ok_or(Error::NotFound)?;
        let head = signed_head(&mut tx, engine).await?;
        let proof = prove(&mut tx, engine, index, &stored.bytes, &head).await?;
        tx.commit().await?;
        let hash = leaf_hash(&stored.bytes);
        let view = EntryView {
            log: engine.log.id.clone(),
            row: row(&stored)?,
            leaf: String::from_utf8_lossy(&stored.bytes).into_owned(),
            leaf_hash: hash.to_base64_std(),
            size: head.size,
            root: head.root.to_base64_std(),
            path: steps(index, head.size, hash, &proof.path),
            proof: proof.to_string(),
            now: engine.now(),
        };
        Ok((permit, stored.id, view))
    };
    let (permit, id, view) = engine.noted(caller, found.await).await?;
    record_viewed(engine, caller, permit, id).await?;

    Ok(view)
}

/// Returns the proof file of one entry.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an auditor, [`Error::NotFound`] beyond the signed head.
pub async fn proof(engine: &Engine, caller: &Caller, index: u64) -> Result<String> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ReadLog, engine.installation()).await?;
        let stored = db::entries::at(&mut tx, engine.log.row, index).await?.ok_or(Error::NotFound)?;
        let head = signed_head(&mut tx, engine).await?;
        let proof = prove(&mut tx, engine, index, &stored.bytes, &head).await?;
        tx.commit().await?;
        Ok((permit, stored.id, head.size, proof.to_string()))
    };
    let (permit, id, size, text) = engine.noted(caller, found.await).await?;
    let object = Object { kind: "entry", id, place: Place::Read(1) };
    reads::record(engine, caller, permit, &Event::AccessDownloaded { object }, reads::Shown::default()).await?;
    note_holder(engine, "receipt", size).await?;

    Ok(text)
}

/// Returns the newest published checkpoint; public, not sealed.
///
/// # Errors
///
/// When the database does not answer.
pub async fn checkpoint(engine: &Engine) -> Result<Option<String>> {
    let mut conn = engine.app.acquire().await?;
    let found = db::logs::latest_checkpoint(&mut conn, engine.log.row).await?;
    Ok(found.map(|checkpoint| checkpoint.note))
}

/// Returns a hash tile by its C2SP path, such as `0/x001/067` or `1/000.p/13`.
///
/// # Errors
///
/// [`Error::NotFound`] for a path that names no tile under the signed head.
pub async fn tile(engine: &Engine, caller: &Caller, path: &str) -> Result<Vec<u8>> {
    let id = TileId::parse(&format!("tile/{path}")).map_err(|_| Error::NotFound)?;
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ReadLog, engine.installation()).await?;
        let head = signed_head(&mut tx, engine).await?;
        let known = TileId::in_tree(id.level, id.n, head.size).is_some_and(|known| id.width <= known.width);
        if !known {
            return Err(Error::NotFound);
        }
        let tiles = fetch_tiles(&mut tx, engine.log.row, &[id]).await?;
        tx.commit().await?;
        Ok((permit, encode_tile(tiles.get(&id).map_or(&[], Vec::as_slice))))
    };
    let (permit, bytes) = engine.noted(caller, found.await).await?;
    record_log_read(engine, caller, permit).await?;

    Ok(bytes)
}

/// Returns an entry bundle by its C2SP path, such as `x001/067` or `000.p/13`, not compressed.
///
/// # Errors
///
/// As [`tile`].
pub async fn entries(engine: &Engine, caller: &Caller, path: &str) -> Result<Vec<u8>> {
    let id = BundleId::parse(&format!("tile/entries/{path}")).map_err(|_| Error::NotFound)?;
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ReadLog, engine.installation()).await?;
        let head = signed_head(&mut tx, engine).await?;
        let known = BundleId::in_tree(id.n, head.size).is_some_and(|known| id.width <= known.width);
        if !known {
            return Err(Error::NotFound);
        }
        let rows = db::entries::list_sealed(&mut tx, engine.log.row, id.n * 256, i64::from(id.width)).await?;
        tx.commit().await?;
        Ok((permit, encode_bundle(rows.iter().map(|row| row.bytes.as_slice()))?))
    };
    let (permit, bytes) = engine.noted(caller, found.await).await?;
    record_log_read(engine, caller, permit).await?;

    Ok(bytes)
}

/// Returns a statement that a leaf names, by its digest.
///
/// # Errors
///
/// [`Error::NotFound`] for an unknown digest, or a statement that was erased.
pub async fn statement(engine: &Engine, caller: &Caller, digest: &str) -> Result<Vec<u8>> {
    let digest: Hash = digest.parse().map_err(|_| Error::NotFound)?;
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ReadLog, engine.installation()).await?;
        let body = db::statements::find(&mut tx, &digest.0).await?.ok_or(Error::NotFound)?;
        tx.commit().await?;
        Ok((permit, body))
    };
    let (permit, body) = engine.noted(caller, found.await).await?;
    record_log_read(engine, caller, permit).await?;

    Ok(body)
}

/// Returns the trust policy of this log: its key, and no witness yet; public.
pub fn trust_policy(engine: &Engine) -> String {
    format!("log {}\nquorum none\n", engine.log.vkey)
}

/// Returns the keys of this log with the sizes each is valid from; public.
pub fn keys_json(engine: &Engine) -> String {
    serde_json::json!({"origin": engine.log.origin, "keys": [{"vkey": engine.log.vkey, "from": 0}]}).to_string()
}

/// Returns the log id: 16 hex digits.
pub fn log_id(engine: &Engine) -> &str {
    &engine.log.id
}

/// Proves one entry against the signed head.
pub(crate) async fn proof_of_entry(conn: &mut PgConnection, engine: &Engine, id: EntryId) -> Result<Proof> {
    let pending = || {
        Error::refused(Code::InvalidTransition, "The entry is recorded and waits for its seal. Try again in a moment.")
    };
    let stored = db::entries::find(conn, id.0).await?.ok_or(Error::NotFound)?;
    let index = stored.idx.and_then(|index| u64::try_from(index).ok()).ok_or_else(pending)?;
    let head = signed_head(conn, engine).await?;
    if index >= head.size {
        return Err(pending());
    }
    let proof = prove(conn, engine, index, &stored.bytes, &head).await?;

    Ok(Proof { text: proof.to_string(), size: head.size })
}

/// Notes that somebody outside keeps a checkpoint of this size.
pub(crate) async fn note_holder(engine: &Engine, kind: &str, size: u64) -> Result<()> {
    let mut conn = engine.app.acquire().await?;
    Ok(db::logs::insert_holder(&mut conn, secret::id_at(engine.now()), kind, engine.log.row, size).await?)
}

/// Returns the newest signed checkpoint; none while the log has none.
pub(crate) async fn newest(conn: &mut PgConnection, engine: &Engine) -> Result<Option<CheckpointMark>> {
    let Some(note) = db::logs::head(conn, engine.log.row).await?.note else { return Ok(None) };
    let (checkpoint, _) = checkpoint::open(&note, &engine.log.verifier)?;
    let root = checkpoint.root.to_base64_std();
    Ok(Some(CheckpointMark { origin: engine.log.origin.clone(), size: checkpoint.size, root }))
}

async fn signed_head(conn: &mut PgConnection, engine: &Engine) -> Result<SignedHead> {
    let head = db::logs::head(conn, engine.log.row).await?;
    let Some(note) = head.note else {
        return Err(Error::CannotSeal("the log has no signed checkpoint yet".into()));
    };
    let (checkpoint, _) = checkpoint::open(&note, &engine.log.verifier)?;
    Ok(SignedHead { size: checkpoint.size, root: checkpoint.root, note, epoch: head.epoch as u64 })
}

async fn prove(
    conn: &mut PgConnection,
    engine: &Engine,
    index: u64,
    bytes: &[u8],
    head: &SignedHead,
) -> Result<TlogProof> {
    if index >= head.size {
        return Err(Error::NotFound);
    }
    let tiles = fetch_tiles(conn, engine.log.row, &tree::tiles_for_inclusion(index, head.size)?).await?;
    let path = tree::inclusion_proof(index, head.size, &tiles)?;
    Ok(TlogProof { extra: Some(bytes.to_vec()), index, path, checkpoint: head.note.clone() })
}

/// Walks the path upwards (RFC 9162 section 2.1.3.2) and names each computed parent.
fn steps(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Vec<PathStep> {
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    let mut steps = Vec::with_capacity(path.len());
    for sibling in path {
        let left = node & 1 == 1 || node == last;
        if left {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        steps.push(PathStep { sibling: sibling.to_base64_std(), left, parent: hash.to_base64_std() });
        node >>= 1;
        last >>= 1;
    }
    steps
}

fn row(stored: &db::entries::EntryRow) -> Result<EntryRow> {
    let leaf = Leaf::parse(&stored.bytes)?;
    Ok(EntryRow {
        index: stored.idx.and_then(|index| u64::try_from(index).ok()).unwrap_or(0),
        id: stored.id.into(),
        actor: leaf.actor.as_.as_str().to_owned(),
        object: leaf.obj.as_ref().map(|object| object.t.clone()),
        object_id: leaf.obj.map(|object| object.id),
        at: leaf.at,
        kind: leaf.kind,
    })
}

async fn record_viewed(engine: &Engine, caller: &Caller, permit: Permit, id: uuid::Uuid) -> Result<()> {
    let object = Object { kind: "entry", id, place: Place::Read(1) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
    Ok(())
}

/// Files of the log are counted, one leaf per reader and hour, so that a follower never feeds the log it follows.
async fn record_log_read(engine: &Engine, caller: &Caller, permit: Permit) -> Result<()> {
    let reader = permit.actor.sid.clone().unwrap_or_default();
    match engine.log_readers.count(&reader, engine.now()) {
        Some(count) => {
            reads::record(engine, caller, permit, &Event::LogRead { count }, reads::Shown::default()).await?;
        }
        None => caller.count_sealed(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use countersign_ledger::tree::Tree;

    use super::*;

    #[test]
    fn the_computed_parents_end_at_the_root() {
        for size in 1..40u64 {
            let leaves: Vec<_> = (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect();
            let mut tree = Tree::empty();
            tree.append(&leaves);
            let reader = |tile: TileId| (tile.level == 0).then(|| leaves[..usize::from(tile.width)].to_vec());
            for index in 0..size {
                let path = tree::inclusion_proof(index, size, &reader).unwrap();
                let steps = steps(index, size, leaves[index as usize], &path);
                let end = steps.last().map_or(leaves[0].to_base64_std(), |step| step.parent.clone());
                assert_eq!(end, tree.root().to_base64_std(), "{index} of {size}");
            }
        }
    }
}
