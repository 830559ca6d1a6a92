//! The first admin: one link, printed where only the operator looks, useless once an admin exists.

use countersign_domain::{
    event::{PasswordBy, SignInMethod},
    problem::Code,
    role::Role,
    text::PersonName,
};

use crate::{
    Engine,
    authorize::{Action, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    links, password, people,
    secret::{Token, token_hash},
    sessions::{self, NewSession, SignInFacts},
};

/// Tells whether the installation still waits for its first admin.
///
/// # Errors
///
/// When the database does not answer.
pub async fn needed(engine: &Engine) -> Result<bool> {
    Ok(!db::roles::has_admin(&mut *engine.app.acquire().await?).await?)
}

/// Makes a new set-up link and ends the one before; none when an admin exists.
///
/// # Errors
///
/// When the database does not answer.
pub async fn new_link(engine: &Engine) -> Result<Option<Token>> {
    engine
        .act(&Caller::operator(), |engine, _| async move {
            let mut tx = engine.begin().await?;
            if db::roles::has_admin(&mut tx).await? {
                return Ok(None);
            }
            let token = Token::random();
            let now = engine.now();
            db::one_time_links::end(&mut tx, links::SETUP, None, now).await?;
            let hash = token_hash(token.reveal());
            db::one_time_links::insert(&mut tx, &hash, links::SETUP, None, now, now + links::SETUP_MS).await?;
            engine.commit(tx).await?;
            Ok(Some(token))
        })
        .await
}

/// Tells whether a set-up link can still be used; asking uses nothing up.
///
/// # Errors
///
/// When the database does not answer.
pub async fn link_is_valid(engine: &Engine, token: &str) -> Result<bool> {
    let mut conn = engine.app.acquire().await?;
    let found = db::one_time_links::find(&mut conn, &token_hash(token), links::SETUP, engine.now()).await?;
    Ok(found.is_some() && !db::roles::has_admin(&mut conn).await?)
}

/// Makes the first admin and signs them in.
///
/// # Errors
///
/// `link_expired`, or the field that needs a change; then the link stays usable.
pub async fn finish(
    engine: &Engine,
    caller: &Caller,
    token: &str,
    name: &str,
    login: &str,
    new_password: &str,
) -> Result<NewSession> {
    let name = people::parse_name(name)?;
    let login = people::parse_login(login)?;
    password::check(new_password, &[&login, name.as_str()])?;
    let hash = engine.hasher.hash(new_password).await?;
    let token = token.to_owned();
    engine
        .act(caller, move |engine, caller| {
            let (token, name, login, hash): (String, PersonName, String, String) =
                (token.clone(), name.clone(), login.clone(), hash.clone());
            async move {
                let mut tx = engine.begin().await?;
                let used =
                    db::one_time_links::consume(&mut tx, &token_hash(&token), links::SETUP, engine.now()).await?;
                if used.is_none() {
                    return Err(Error::refused(
                        Code::LinkExpired,
                        "The set-up link was used or is too old. Restart the server to print a new one.",
                    ));
                }
                let has_admin = db::roles::has_admin(&mut tx).await?;
                let target = Target::Installation { demo: engine.config().demo, has_admin };
                let permit = engine.authorize(&mut tx, &caller, Action::SetUp, target).await?;
                let person = people::create(&mut tx, &engine, &caller, &permit, &name, &login, Role::Admin).await?;
                people::set_password(&mut tx, &engine, &caller, &permit, person, &hash, PasswordBy::Setup).await?;
                let facts = SignInFacts::new(SignInMethod::Password, engine.now());
                let new = sessions::open(&mut tx, &engine, &caller, person, facts).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}
