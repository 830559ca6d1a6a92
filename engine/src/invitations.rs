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
    Ok(invited(engine, token).await?.map(|invited| invited.name))
}

/// Who a link invites, in the words that no password may be made of.
struct Invited {
    name: String,
    login: String,
}

async fn invited(engine: &Engine, token: &str) -> Result<Option<Invited>> {
    let mut conn = engine.app.acquire().await?;
    let found = db::one_time_links::find(&mut conn, &token_hash(token), links::INVITATION, engine.now()).await?;
    let Some(person) = found.and_then(|link| link.person) else { return Ok(None) };
    let name = people::names(&mut conn, engine, &[person]).await?.remove(&person);
    let login = people::logins(&mut conn, engine, &[person]).await?.remove(&person);
    Ok(name.zip(login).map(|(name, login)| Invited { name, login }))
}

/// Why a local account opens while sign-in providers are in force, where an invitation opened it.
const EMERGENCY: &str = "Invitation accepted while people sign in through a provider.";

/// Sets the invited person's password and signs them in.
///
/// While sign-in providers are in force this is an emergency sign-in like every local one (L7): it ends after an hour,
/// reviews nothing, and all admins and compliance officers are told. It is long enough to add a second factor and to
/// link one's identity at the provider.
///
/// # Errors
///
/// `link_expired`, also for whoever came in by another way meanwhile, or what the password lacks; then the link stays
/// usable.
pub async fn accept(engine: &Engine, caller: &Caller, token: &str, new_password: &str) -> Result<NewSession> {
    let expired =
        || Error::refused(Code::LinkExpired, "The invitation was used or is too old. Ask an admin for a new one.");
    let invited = invited(engine, token).await?.ok_or_else(expired)?;
    password::check(new_password, &[&invited.login, &invited.name])?;
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
                db::people::lock(&mut tx, person).await?.ok_or_else(expired)?;
                if db::people::has_joined(&mut tx, person).await? {
                    return Err(expired());
                }
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
                let facts = match sessions::past_providers(&mut tx, EMERGENCY).await? {
                    None => SignInFacts::new(SignInMethod::Password, engine.now()),
                    Some(reason) => SignInFacts {
                        break_glass: Some(reason),
                        ..SignInFacts::new(SignInMethod::BreakGlass, engine.now())
                    },
                };
                let new = sessions::open(&mut tx, &engine, &caller, person, facts).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}
