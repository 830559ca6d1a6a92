//! Saved views of the queue: each person's own, and a convenience only.
//!
//! They decide nothing and are read by nobody else, so they are plain rows and no entries of the log; what a view shows is
//! read as the queue is, by its owner's roles at that moment.

use countersign_domain::{
    ids::SavedViewId,
    problem::{Code, FieldError, Problem},
    queue::Asked,
    saved::{self, SavedView, ViewName},
};

use crate::{
    Engine,
    caller::Caller,
    db,
    error::{Error, Result},
};

/// Which way a view moves in its owner's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// One place up.
    Up,
    /// One place down.
    Down,
}

/// Returns the caller's views in their order.
///
/// # Errors
///
/// `unauthenticated` when nobody is signed in.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<Vec<SavedView>> {
    let (person, _) = caller.signed_in()?;
    let mut conn = engine.app.acquire().await?;
    db::saved_views::list(&mut conn, person).await
}

/// Saves a view at the end of the caller's list. The same again under the same name is the one that stands.
///
/// # Errors
///
/// `invalid_content` when it looks one decision up or twenty are kept, `name_taken` when another has the name.
pub async fn save(engine: &Engine, caller: &Caller, name: ViewName, asked: Asked) -> Result<SavedViewId> {
    engine
        .act(caller, move |engine, caller| {
            let (name, asked) = (name.clone(), asked.clone());
            async move {
                let (person, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let kept = db::saved_views::lock(&mut tx, person).await?;
                match kept.iter().find(|view| view.name == name.as_str()) {
                    Some(same) if same.asked == asked => return Ok(same.id),
                    Some(_) => return Err(taken()),
                    None => {}
                }
                saved::check(&asked, kept.len()).map_err(|why| Error::refused(Code::InvalidContent, why.sentence()))?;
                let view = SavedView { id: SavedViewId(engine.id()), name: name.into(), asked };
                db::saved_views::insert(&mut tx, person, &view, kept.len() + 1, engine.now()).await?;
                engine.commit(tx).await?;
                Ok(view.id)
            }
        })
        .await
}

/// Gives one of the caller's views another name.
///
/// # Errors
///
/// [`Error::NotFound`] when it is not theirs, `name_taken` when another of theirs has the name.
pub async fn rename(engine: &Engine, caller: &Caller, id: SavedViewId, name: ViewName) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let name = name.clone();
            async move {
                let (person, _) = caller.signed_in()?;
                let mut tx = engine.begin().await?;
                let kept = db::saved_views::lock(&mut tx, person).await?;
                place_of(&kept, id)?;
                if kept.iter().any(|view| view.id != id && view.name == name.as_str()) {
                    return Err(taken());
                }
                db::saved_views::set_name(&mut tx, person, id, name.as_str()).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Moves one of the caller's views one place; at the end of the list it stays.
///
/// # Errors
///
/// [`Error::NotFound`] when it is not theirs.
pub async fn shift(engine: &Engine, caller: &Caller, id: SavedViewId, to: Move) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let kept = db::saved_views::lock(&mut tx, person).await?;
            let place = place_of(&kept, id)?;
            let beside = match to {
                Move::Up => place.checked_sub(1).and_then(|place| kept.get(place)),
                Move::Down => kept.get(place + 1),
            };
            if let Some(beside) = beside {
                db::saved_views::swap(&mut tx, person, id, beside.id).await?;
            }
            engine.commit(tx).await
        })
        .await
}

/// Removes one of the caller's views; what it showed is untouched.
///
/// # Errors
///
/// [`Error::NotFound`] when it is not theirs.
pub async fn remove(engine: &Engine, caller: &Caller, id: SavedViewId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let (person, _) = caller.signed_in()?;
            let mut tx = engine.begin().await?;
            let kept = db::saved_views::lock(&mut tx, person).await?;
            place_of(&kept, id)?;
            db::saved_views::delete(&mut tx, person, id).await?;
            engine.commit(tx).await
        })
        .await
}

fn place_of(kept: &[SavedView], id: SavedViewId) -> Result<usize> {
    kept.iter().position(|view| view.id == id).ok_or(Error::NotFound)
}

fn taken() -> Error {
    let errors = vec![FieldError::new("/name", "name_taken", "Name: another of your views has it. Choose another.")];
    Error::Refused(Problem::fields(Code::NameTaken, "The view was not saved.", errors))
}
