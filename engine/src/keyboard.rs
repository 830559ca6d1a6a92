//! Keys that people change for themselves: a convenience, so plain rows and no entries of the log.

use countersign_domain::{
    keyboard::{BadKey, Bound, KeyName},
    problem::{Code, FieldError, Problem},
};

use crate::{
    Engine,
    caller::Caller,
    db,
    error::{Error, Result},
};

/// Gives something another key of the caller's.
///
/// # Errors
///
/// `invalid_content` when something else has the key, naming it.
pub async fn bind(engine: &Engine, caller: &Caller, bound: Bound, key: KeyName) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let key = key.clone();
            async move {
                let (person, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                db::keyboard::lock(&mut tx, person).await?;
                let keys = db::keyboard::find(&mut tx, person).await?;
                keys.check(bound, key.as_str()).map_err(|why| refused(bound, why))?;
                match key.as_str() == bound.key() {
                    true => db::keyboard::delete(&mut tx, person, Some(bound)).await?,
                    false => db::keyboard::set(&mut tx, person, bound, key.as_str()).await?,
                }
                engine.commit(tx).await
            }
        })
        .await
}

/// Gives one thing everybody's key again, or all of them.
///
/// # Errors
///
/// `invalid_content` when something else has that key by now, naming it.
pub async fn reset(engine: &Engine, caller: &Caller, bound: Option<Bound>) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            db::keyboard::lock(&mut tx, person).await?;
            if let Some(bound) = bound {
                let keys = db::keyboard::find(&mut tx, person).await?;
                keys.check(bound, bound.key()).map_err(|why| refused(bound, why))?;
            }
            db::keyboard::delete(&mut tx, person, bound).await?;
            engine.commit(tx).await
        })
        .await
}

/// Lets keys of one character do nothing for the caller, or something again.
///
/// # Errors
///
/// `unauthenticated` when nobody is signed in.
pub async fn switch(engine: &Engine, caller: &Caller, off: bool) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            db::keyboard::lock(&mut tx, person).await?;
            db::keyboard::set_off(&mut tx, person, off).await?;
            engine.commit(tx).await
        })
        .await
}

/// Says why a key was not changed, beside the field of what it was for.
pub fn refused(bound: Bound, why: BadKey) -> Error {
    let detail = format!("{}: {}", bound.name(), why.sentence());
    let errors = vec![FieldError::new(format!("/key-{}", bound.word()), "key_refused", detail)];
    Error::Refused(Problem::fields(Code::InvalidContent, "The key was not changed.", errors))
}
