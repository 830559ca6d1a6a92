//! Live streams of changes: ids and kinds only; content is fetched by a read of its own.

use countersign_domain::event::{Event, List};

use crate::{Engine, authorize::Action, caller::Caller, error::Result, reads};

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
