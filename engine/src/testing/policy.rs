//! Putting a whole table in force as two people do: one writes it, the other judges it.

use countersign_domain::{
    policy::{PolicyBody, view::RuleForm},
    text::Reason,
};

use super::again;
use crate::{
    Caller, Engine, Error, Result,
    policies::{self, Move, Place},
};

/// Writes a table row by row into a draft, hands it over, and puts it in force as somebody else. Returns its number.
///
/// # Errors
///
/// As the acts of `policies`; `stale` when another version came into force meanwhile.
pub async fn enforce(engine: &Engine, author: &Caller, officer: &Caller, table: &PolicyBody) -> Result<u64> {
    let draft = policies::start(engine, &again(author)).await?;
    let begun = policies::draft(engine, &again(author), draft, "").await?;
    let mut saved = begun.saved;
    for _ in 1..begun.forms.len() {
        policies::move_rule(engine, &again(author), draft, saved, 1, Move::Delete).await?;
        saved += 1;
    }
    for row in &table.rows {
        policies::save_rule(engine, &again(author), draft, saved, Place::New, &RuleForm::of(row)).await?;
        saved += 1;
    }
    let last = Place::Row(table.rows.len() as u64 + 1);
    policies::save_rule(engine, &again(author), draft, saved, last, &RuleForm::of(&table.default)).await?;
    saved += 1;
    let reason = Reason::new("As the drill asks.").map_err(|error| Error::Setup(error.to_string()))?;
    policies::submit(engine, &again(author), draft, saved, reason).await?;
    let judged = policies::draft(engine, &again(officer), draft, "").await?;
    policies::activate(engine, &again(officer), draft, judged.digest, judged.active_id).await
}
