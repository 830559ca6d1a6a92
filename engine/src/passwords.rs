//! People change their own password.

use countersign_domain::{event::PasswordBy, problem::Code, view::NoticeKind};

use crate::{
    Engine,
    authorize::{Action, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    notices, password, people, sessions,
    tries::{self, Tries},
};

/// Replaces the caller's password. It asks for the old one besides a recent proof, ends their sign-ins elsewhere, and
/// tells them.
///
/// # Errors
///
/// `step_up_required`; `rate_limited` after too many wrong ones; the field that needs a change; `invalid_transition`
/// for an account without a password.
pub async fn change(engine: &Engine, caller: &Caller, old: &str, new: &str) -> Result<()> {
    sessions::require_recent(caller)?;
    let (person, session) = caller.signed_in()?;
    let mut conn = engine.app.acquire().await?;
    let stored = db::people::find(&mut conn, person).await?.and_then(|found| found.password_hash);
    let stored = stored.ok_or_else(|| {
        Error::refused(Code::InvalidTransition, "This account has no password: people sign in to it in another way.")
    })?;
    let name = people::names(&mut conn, engine, &[person]).await?.remove(&person).unwrap_or_default();
    let login = people::logins(&mut conn, engine, &[person]).await?.remove(&person).unwrap_or_default();
    drop(conn);
    password::check(new, &[&login, &name])?;
    if old == new {
        return Err(Error::field("/password", "password_same", "This is the password that you have. Choose another."));
    }
    let tries = Tries::StepUp(session);
    tries::take(engine, caller, &tries).await?;
    let hashed = async {
        match engine.hasher.verify(old, Some(stored.clone())).await? {
            true => Ok(Some(engine.hasher.hash(new).await?)),
            false => Ok(None),
        }
    };
    let hash = match hashed.await {
        Ok(Some(hash)) => hash,
        Ok(None) => {
            tries::note_failure(engine, caller, &tries, Some(person)).await?;
            return Err(Error::field("/old_password", "wrong_password", "This is not the password that you have."));
        }
        Err(error) => {
            tries::give_back(engine, caller, &tries).await?;
            return Err(error);
        }
    };
    engine
        .act(caller, move |engine, caller| {
            let (stored, hash, tries) = (stored.clone(), hash.clone(), tries.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ManageFactors, Target::Member(person)).await?;
                let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
                if account.password_hash.as_ref() != Some(&stored) {
                    return Err(Error::refused(Code::InvalidTransition, "The password was changed meanwhile."));
                }
                let by = PasswordBy::Change;
                let entry = people::set_password(&mut tx, &engine, &caller, &permit, person, &hash, by).await?;
                notices::tell(&mut tx, &engine, &[person], NoticeKind::PasswordChanged, None, &entry).await?;
                sessions::end_all_but(&mut tx, &engine, &caller, &permit, person, session).await?;
                tries.succeeded(&mut tx, &engine).await?;
                engine.commit(tx).await
            }
        })
        .await
}
