//! One-time links by which people set their first password.

use countersign_domain::{
    event::{PasswordBy, SignInMethod},
    ids::{EntryId, SessionId},
    problem::Code,
};

use crate::{
    Engine,
    authorize::{Action, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    links, password, people,
    secret::token_hash,
    sessions::{self, NewSession, SignInFacts},
};

/// Returns whose invitation a link is, if it can still be used; asking uses nothing up.
///
/// # Errors
///
/// When the database does not answer.
pub async fn find(engine: &Engine, token: &str) -> Result<Option<String>> {
    let mut conn = engine.app.acquire().await?;
    let found = db::one_time_links::find(&mut conn, &token_hash(token), links::INVITATION, engine.now()).await?;
    let Some(person) = found.and_then(|link| link.person) else { return Ok(None) };
    let names = people::names(&mut conn, engine, &[person]).await?;
    Ok(names.get(&person).cloned())
}

/// Sets the invited person's password and signs them in.
///
/// # Errors
///
/// `link_expired`, or what the password lacks; then the link stays usable.
pub async fn accept(engine: &Engine, caller: &Caller, token: &str, new_password: &str) -> Result<NewSession> {
    let expired =
        || Error::refused(Code::LinkExpired, "The invitation was used or is too old. Ask an admin for a new one.");
    let name = find(engine, token).await?.ok_or_else(expired)?;
    password::check(new_password, &[&name])?;
    let hash = engine.hasher.hash(new_password).await?;
    let token = token.to_owned();
    engine
        .act(caller, move |engine, caller| {
            let (token, hash) = (token.clone(), hash.clone());
            async move {
                let mut tx = engine.begin().await?;
                let used =
                    db::one_time_links::consume(&mut tx, &token_hash(&token), links::INVITATION, engine.now()).await?;
                let person = used.and_then(|link| link.person).ok_or_else(expired)?;
                let mut joining = caller.clone();
                let nobody = uuid::Uuid::nil();
                joining.actor = Actor::Person {
                    id: person,
                    session: SessionId(nobody),
                    signed_in: EntryId(nobody),
                    proven_ago_ms: 0,
                    factor_missing: false,
                };
                let permit = engine.authorize(&mut tx, &joining, Action::Join, Target::Member(person)).await?;
                people::set_password(&mut tx, &engine, &joining, &permit, person, &hash, PasswordBy::Invitation)
                    .await?;
                let facts = SignInFacts::new(SignInMethod::Password, engine.now());
                let new = sessions::open(&mut tx, &engine, &caller, person, facts).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}
