//! Live streams of changes: ids and kinds only; content is fetched by a read of its own.

use countersign_domain::{
    event::{Event, List},
    ids::{DecisionId, PersonId},
};

use crate::{
    Engine,
    authorize::Action,
    caller::Caller,
    db::{self, decisions::Reader},
    error::Result,
    reads,
};

/// Puts the opening of a stream on record.
///
/// # Errors
///
/// [`crate::Error::Forbidden`] for anybody who may not read the queue.
pub async fn open(engine: &Engine, caller: &Caller) -> Result<()> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::OpenStream, engine.installation()).await?;
        tx.commit().await?;
        Ok(permit)
    };
    let permit = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::Changes, count: 0 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(())
}

/// Returns those of the decisions that a person may read at this moment; a stream tells of no others.
///
/// # Errors
///
/// When the database does not answer.
pub async fn visible(engine: &Engine, person: PersonId, decisions: &[DecisionId]) -> Result<Vec<DecisionId>> {
    let reader = Reader { person, now: engine.now() };
    Ok(db::decisions::readable(&mut *engine.app.acquire().await?, reader, decisions).await?)
}
