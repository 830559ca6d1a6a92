//! Putting a whole table in force as two people do, one who writes it and one who judges it: for demos and drills, whose
//! people are invented.

use countersign_domain::{
    policy::{PolicyBody, view::RuleForm},
    text::Reason,
};

use super::{Move, Place, activate, draft, move_rule, save_rule, start, submit};
use crate::{
    Engine,
    caller::Caller,
    error::{Error, Result},
};

/// Writes a table row by row into a draft, hands it over, and puts it in force as somebody else. Returns its number.
///
/// # Errors
///
/// As the acts of which it is made; `stale` when another version came into force meanwhile.
pub async fn enforce(engine: &Engine, author: &Caller, officer: &Caller, table: &PolicyBody) -> Result<u64> {
    let id = start(engine, &author.again()).await?;
    let begun = draft(engine, &author.again(), id, "").await?;
    let mut saved = begun.saved;
    for _ in 1..begun.forms.len() {
        move_rule(engine, &author.again(), id, saved, 1, Move::Delete).await?;
        saved += 1;
    }
    for row in &table.rows {
        save_rule(engine, &author.again(), id, saved, Place::New, &RuleForm::of(row)).await?;
        saved += 1;
    }
    let last = Place::Row(table.rows.len() as u64 + 1);
    save_rule(engine, &author.again(), id, saved, last, &RuleForm::of(&table.default)).await?;
    saved += 1;
    let reason = Reason::new("As the two of us agreed.").map_err(|error| Error::Setup(error.to_string()))?;
    submit(engine, &author.again(), id, saved, reason).await?;
    let judged = draft(engine, &officer.again(), id, "").await?;
    activate(engine, &officer.again(), id, judged.digest, judged.active_id).await
}
