//! Local accounts: password and second factor, counted tries, and emergencies past a provider.

use countersign_domain::{
    event::{Event, SignInMethod},
    ids::PersonId,
    problem::Code,
};
use sqlx::{PgConnection, Postgres, Transaction};
use subtle::ConstantTimeEq;

use super::{NewSession, SignInFacts, open, renew};
use crate::{
    Engine, authorize,
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    factors, passkeys, providers, seal, secret, throttle,
    tries::{self, Tries},
};

/// What a person types to sign in with a local account.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// The sign-in name.
    pub login: String,
    /// The password.
    pub password: String,
    /// A code of the authenticator app or a recovery code; empty where there is none.
    pub code: String,
    /// Why the account is used while sign-in providers are in force; empty otherwise.
    pub reason: String,
}

/// A sign-in with a local account, and what lets this browser's next try be told from a stranger's.
#[derive(Debug)]
pub struct SignedIn {
    /// The sign-in.
    pub session: NewSession,
    /// The device cookie's value.
    pub device: String,
}

/// Signs in with a local account: password and second factor.
///
/// Unknown, disabled and mistyped accounts cost the same work and get the same answer. A device that the account
/// signed in from before has a bucket of its own, so a guesser elsewhere cannot lock its owner out. The try is counted
/// before the password is looked at, and given back unless the password or the code was wrong.
///
/// # Errors
///
/// `unauthenticated`, `rate_limited` after too many failures, or the field that is still missing.
pub async fn sign_in(engine: &Engine, caller: &Caller, typed: Typed, device: Option<&str>) -> Result<SignedIn> {
    let lookup = login_lookup(engine, &typed.login);
    let device = device.and_then(|device| known_device(engine, &lookup, device));
    let tries = Tries::of(&lookup, &caller.network, device);
    tries::take(engine, caller, &tries).await?;
    if tries.is_stranger() {
        let crowded = throttle::crowded(&mut *engine.app.acquire().await?, engine).await?;
        if let Some(wait) = crowded {
            tokio::time::sleep(wait).await;
        }
    }
    let mut conn = engine.app.acquire().await?;
    let account = db::people::find_by_login(&mut conn, &lookup).await?.filter(|account| !account.disabled);
    drop(conn);
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let fits = match engine.hasher.verify(&typed.password, stored.clone()).await {
        Ok(fits) => fits,
        Err(error) => {
            tries::give_back(engine, caller, &tries).await?;
            return Err(error);
        }
    };
    let Some(person) = account.as_ref().map(|account| account.id).filter(|_| fits) else {
        let person = account.map(|account| account.id);
        tries::note_failure(engine, caller, &tries, person).await?;
        return Err(wrong_password());
    };
    let tried = {
        let (tries, stored) = (tries.clone(), stored);
        engine
            .act(caller, move |engine, caller| {
                let (tries, typed, stored) = (tries.clone(), typed.clone(), stored.clone());
                async move {
                    let mut tx = engine.begin().await?;
                    // Whoever changed the password meanwhile ended every sign-in by the former one.
                    let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
                    if account.password_hash != stored {
                        return Err(wrong_password());
                    }
                    let method = local_method(&mut tx, &engine, &caller, person, &typed).await?;
                    tries.succeeded(&mut tx, &engine).await?;
                    let facts = match past_providers(&mut tx, &typed.reason).await? {
                        None => SignInFacts::new(method, engine.now()),
                        // Who has no second factor yet adds it first: emergencies are no way around it.
                        Some(_) if method == SignInMethod::Password => return Err(factors::first()),
                        Some(reason) => SignInFacts {
                            break_glass: Some(reason),
                            ..SignInFacts::new(SignInMethod::BreakGlass, engine.now())
                        },
                    };
                    let new = open(&mut tx, &engine, &caller, person, facts).await?;
                    engine.commit(tx).await?;
                    Ok(new)
                }
            })
            .await
    };
    match tried {
        Ok(session) => Ok(SignedIn { session, device: new_device(engine, &lookup) }),
        Err(error) if is_wrong_code(&error) => {
            tries::note_failure(engine, caller, &tries, Some(person)).await?;
            Err(error)
        }
        Err(error) => {
            tries::give_back(engine, caller, &tries).await?;
            Err(error)
        }
    }
}

fn wrong_password() -> Error {
    Error::refused(Code::Unauthenticated, "The sign-in name or the password is wrong.")
}

/// Proves the caller anew with password and second factor. The session gets a new token; the former one is dead.
///
/// Tries are counted by the sign-in: strangers who guess at the account elsewhere keep nobody from proving themselves.
///
/// # Errors
///
/// `unauthenticated`, `rate_limited`, or the field that is still missing.
pub async fn step_up(engine: &Engine, caller: &Caller, password: &str, code: &str) -> Result<NewSession> {
    let (person, session) = caller.signed_in()?;
    let account = db::people::find(&mut *engine.app.acquire().await?, person).await?.ok_or(Error::NotFound)?;
    let tries = Tries::StepUp(session);
    tries::take(engine, caller, &tries).await?;
    match engine.hasher.verify(password, account.password_hash).await {
        Ok(true) => {}
        Ok(false) => {
            tries::note_failure(engine, caller, &tries, Some(person)).await?;
            return Err(Error::refused(Code::Unauthenticated, "The password is wrong."));
        }
        Err(error) => {
            tries::give_back(engine, caller, &tries).await?;
            return Err(error);
        }
    }
    let typed = Typed { code: code.to_owned(), ..Typed::default() };
    let tried = {
        let tries = tries.clone();
        engine
            .act(caller, move |engine, caller| {
                let (tries, typed) = (tries.clone(), typed.clone());
                async move {
                    let mut tx = engine.begin().await?;
                    let method = local_method(&mut tx, &engine, &caller, person, &typed).await?;
                    tries.succeeded(&mut tx, &engine).await?;
                    let new = renew(&mut tx, &engine, &caller, SignInFacts::new(method, engine.now())).await?;
                    engine.commit(tx).await?;
                    Ok(new)
                }
            })
            .await
    };
    match &tried {
        Err(error) if is_wrong_code(error) => tries::note_failure(engine, caller, &tries, Some(person)).await?,
        Err(_) => tries::give_back(engine, caller, &tries).await?,
        Ok(_) => {}
    }
    tried
}

fn is_wrong_code(error: &Error) -> bool {
    matches!(error, Error::Refused(problem) if problem.errors.iter().any(|error| error.code == "wrong_code"))
}

/// Checks the second factor of an account whose password was right.
async fn local_method(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    person: PersonId,
    typed: &Typed,
) -> Result<SignInMethod> {
    let held = db::factors::held(tx, person).await?;
    if held.passkeys == 0 && !held.totp {
        return Ok(SignInMethod::Password);
    }
    if typed.code.trim().is_empty() {
        let detail = match held.totp {
            true => "Type the code that your authenticator app shows, or a recovery code.",
            false => "This account signs in with its passkey. If it is lost, type a recovery code here.",
        };
        return Err(Error::field("/code", "code_missing", detail));
    }
    let permit = authorize::unevaluated(authorize::person_actor(person));
    match factors::use_code(tx, engine, caller, &permit, person, &typed.code).await? {
        Some(factors::Used::Totp) => Ok(SignInMethod::Totp),
        Some(factors::Used::Recovery) => Ok(SignInMethod::Recovery),
        None => Err(factors::wrong_code()),
    }
}

/// Tells whether people sign in through providers, so that local accounts are for emergencies.
///
/// # Errors
///
/// When the database does not answer.
pub async fn local_is_emergency(engine: &Engine) -> Result<bool> {
    providers::any_active(&mut *engine.app.acquire().await?).await
}

/// Returns why the account is used, when sign-in providers are in force: local accounts are break-glass then.
pub(crate) async fn past_providers(conn: &mut PgConnection, reason: &str) -> Result<Option<String>> {
    if !providers::any_active(conn).await? {
        return Ok(None);
    }
    let reason = reason.trim();
    match reason.chars().count() {
        10..=500 => Ok(Some(reason.to_owned())),
        _ => Err(Error::field(
            "/reason",
            "reason_missing",
            "People sign in through the provider here. To use this account in an emergency, say why in 10 to 500 characters; all admins and compliance officers are told.",
        )),
    }
}

/// Returns the key that finds an account by its sign-in name.
pub(crate) fn login_lookup(engine: &Engine, login: &str) -> Vec<u8> {
    engine.vault.lookup("login", &login.trim().to_lowercase())
}

/// Checks a device cookie: `<32 hex digits>.<HMAC>`, bound to one account. Returns the bucket's key.
fn known_device(engine: &Engine, lookup: &[u8], cookie: &str) -> Option<Vec<u8>> {
    let (device, mac) = cookie.split_once('.')?;
    let known = device_mac(engine, lookup, device);
    bool::from(known.as_bytes().ct_eq(mac.as_bytes())).then(|| engine.vault.lookup("device-bucket", cookie))
}

fn new_device(engine: &Engine, lookup: &[u8]) -> String {
    let device = secret::random_id().simple().to_string();
    let mac = device_mac(engine, lookup, &device);
    format!("{device}.{mac}")
}

fn device_mac(engine: &Engine, lookup: &[u8], device: &str) -> String {
    passkeys::encode(&engine.vault.lookup("device", &format!("{} {device}", passkeys::encode(lookup))))
}

/// Seals what strangers failed at and was only counted so far.
pub(crate) async fn seal_counted(engine: &Engine) -> Result<()> {
    for (network, count) in engine.strangers.drain(engine.now()) {
        let caller = Caller::new(Actor::Anonymous, network, "", secret::random_id());
        engine
            .act(&caller, move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let permit = authorize::unevaluated(authorize::anonymous_actor());
                let event = Event::SignInFailed { person: None, count, ip: caller.network.clone() };
                seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(())
}
