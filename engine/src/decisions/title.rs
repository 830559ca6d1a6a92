//! One plain sentence per decision, from its type and first parameters.

use std::collections::HashMap;

use countersign_domain::{
    decision_type::TypeDefinition,
    ids::DecisionId,
    shown::said::{named, title},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Engine, db, error::Result};

/// A decision whose title is asked for: the entry that holds its values, and its type.
pub(crate) struct Titled {
    pub(crate) id: DecisionId,
    pub(crate) entry: Uuid,
    pub(crate) type_id: Uuid,
}

/// Returns the titles of decisions by id.
pub(crate) async fn titles(
    conn: &mut PgConnection,
    engine: &Engine,
    ids: &[DecisionId],
) -> Result<HashMap<DecisionId, String>> {
    let mut titled = Vec::new();
    for id in ids {
        if let Some(decision) = db::decisions::find(conn, *id).await? {
            titled.push(Titled { id: *id, entry: decision.entry.0, type_id: decision.type_id.0 });
        }
    }
    list(conn, engine, &titled).await
}

/// Returns the titles of decisions whose entry and type are at hand.
pub(crate) async fn list(
    conn: &mut PgConnection,
    engine: &Engine,
    titled: &[Titled],
) -> Result<HashMap<DecisionId, String>> {
    let mut type_ids: Vec<_> = titled.iter().map(|titled| titled.type_id).collect();
    type_ids.sort_unstable();
    type_ids.dedup();
    let types: HashMap<Uuid, TypeDefinition> = db::decision_types::list(conn, &type_ids)
        .await?
        .into_iter()
        .map(|(id, definition)| (id.0, definition))
        .collect();
    let mut fields: Vec<_> =
        types.values().flat_map(|definition| named(definition).map(|(name, _)| name.to_owned())).collect();
    fields.sort_unstable();
    fields.dedup();
    let entries: Vec<_> = titled.iter().map(|titled| titled.entry).collect();
    let mut values = HashMap::new();
    for stored in db::vault::list_fields(conn, &entries, &fields).await? {
        if let Some(text) = engine.vault.open(&stored)? {
            values.insert((stored.entry_id, stored.field), text);
        }
    }

    Ok(titled
        .iter()
        .filter_map(|titled| {
            let definition = types.get(&titled.type_id)?;
            let title = title(definition, |name| values.get(&(titled.entry, name.to_owned())).cloned());
            Some((titled.id, title))
        })
        .collect())
}
