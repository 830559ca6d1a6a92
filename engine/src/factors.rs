//! Second factors of local accounts: passkeys, codes of an authenticator app, recovery codes.
//!
//! A local account has a passkey or an authenticator app. Until it has one, its sign-in reaches nothing but the page
//! that adds one (`Actor::Person::factor_missing`). Changes need a recent authentication, are sealed, and the
//! holder is told.

use countersign_domain::{
    event::{CredentialAlg, Event},
    ids::PersonId,
    problem::Code,
    view::{FactorsView, NewCodes, NewTotp, NoticeKind, PasskeyRow},
};
use countersign_ledger::hash::Hash;
use qrcodegen::{QrCode, QrCodeEcc};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::{
    Engine,
    authorize::{Action, Permit, Target},
    caller::Caller,
    db,
    envelope::Place as Sealed,
    error::{Error, Result},
    notices, passkeys, people, reads, seal, secret, sessions, totp,
};

/// Recovery codes of one set.
const RECOVERY_CODES: usize = 10;
/// Letters of one recovery code: 60 bits.
const RECOVERY_LETTERS: usize = 12;

/// Shows a person how they sign in.
///
/// # Errors
///
/// `unauthenticated` when nobody is signed in.
pub async fn view(engine: &Engine, caller: &Caller) -> Result<FactorsView> {
    let (person, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ViewSelf, Target::Member(person)).await?;
    let account = db::people::find(&mut tx, person).await?.ok_or(Error::NotFound)?;
    let held = db::factors::held(&mut tx, person).await?;
    let keys = db::passkeys::list(&mut tx, person).await?;
    let login = people::logins(&mut tx, engine, &[person]).await?.remove(&person).unwrap_or_else(people::erased);
    tx.commit().await?;
    let event = reads::of_person(person, &permit);
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(FactorsView {
        login,
        local: account.password_hash.is_some(),
        missing: account.password_hash.is_some() && held.passkeys == 0 && !held.totp,
        recent: sessions::require_recent(caller).is_ok(),
        unsuitable: passkeys::unsuitable(engine),
        passkeys: keys
            .iter()
            .map(|key| PasskeyRow {
                id: key.id,
                fingerprint: passkeys::fingerprint(&key.public_key),
                synced: key.backup_eligible,
                confirmed: key.confirmed,
                enrolled_at: key.enrolled_at,
                last_used_at: key.last_used_at,
            })
            .collect(),
        totp: held.totp,
        recovery_codes: held.recovery_codes,
        now: engine.now(),
    })
}

/// Makes a seed for an authenticator app. It counts once a code of it was typed.
///
/// # Errors
///
/// `step_up_required`.
pub async fn begin_totp(engine: &Engine, caller: &Caller) -> Result<NewTotp> {
    sessions::require_recent(caller)?;
    let (person, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ManageFactors, Target::Member(person)).await?;
    let seed = totp::seed();
    let id = secret::random_id();
    let sealed = engine.envelope.seal(place(id), seed.as_slice());
    seal::append(&mut tx, engine, caller, &permit, &reads::of_person(person, &permit)).await?;
    db::factors::insert_seed(&mut tx, id, person, &sealed, engine.now()).await?;
    engine.commit(tx).await?;

    let secret = totp::base32(seed.as_slice());
    let host = engine.config().host();
    let address = format!("otpauth://totp/Countersign:{host}?secret={secret}&issuer=Countersign&digits=6&period=30");
    let code = QrCode::encode_text(&address, QrCodeEcc::Medium)
        .map_err(|error| Error::Setup(format!("the address of a secret is too long for a picture: {error}")))?;
    let size = u32::try_from(code.size()).unwrap_or(0) + 8;
    let dark = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
    let dark = dark.filter(|(x, y)| code.get_module(*x, *y));
    let path = dark.map(|(x, y)| format!("M{} {}h1v1h-1z", x + 4, y + 4)).collect();
    Ok(NewTotp { secret, address, size, path })
}

/// Puts the new seed in force, after its first code.
///
/// # Errors
///
/// `step_up_required`; a refusal of the field when the code is none of the seed's.
pub async fn enrol_totp(engine: &Engine, caller: &Caller, code: &str) -> Result<()> {
    sessions::require_recent(caller)?;
    let (person, _) = caller.signed_in()?;
    let code = code.to_owned();
    engine
        .act(caller, move |engine, caller| {
            let code = code.clone();
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ManageFactors, Target::Member(person)).await?;
                let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
                let started = db::factors::lock_new_seed(&mut tx, person).await?.ok_or_else(|| {
                    Error::refused(Code::InvalidTransition, "This set-up has ended. Begin again with a new secret.")
                })?;
                let seed = engine.envelope.open(place(started.id), &started.sealed)?;
                let step = totp::step_of(&seed, &code, engine.now(), 0).ok_or_else(wrong_code)?;
                let mut n = account.n;
                if let Some(former) = db::factors::lock_seed(&mut tx, person).await? {
                    n += 1;
                    end_totp(&mut tx, &engine, &caller, &permit, person, n, &former).await?;
                }
                n += 1;
                let event = Event::CredentialEnrolled {
                    person,
                    n,
                    alg: CredentialAlg::Totp,
                    key: keyed(&engine, "totp", &seed)?,
                    backup: false,
                    aaguid: None,
                };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::people::set_n(&mut tx, person, n).await?;
                db::factors::set_enrolled(&mut tx, started.id, step, entry.at, entry.id).await?;
                notices::tell(&mut tx, &engine, &[person], NoticeKind::FactorAdded, None, &entry).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Takes the authenticator app away.
///
/// # Errors
///
/// `step_up_required`; `invalid_transition` for the last second factor of a local account.
pub async fn remove_totp(engine: &Engine, caller: &Caller) -> Result<()> {
    sessions::require_recent(caller)?;
    let (person, _) = caller.signed_in()?;
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ManageFactors, Target::Member(person)).await?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            let seed = db::factors::lock_seed(&mut tx, person).await?.ok_or(Error::NotFound)?;
            let held = db::factors::held(&mut tx, person).await?;
            if account.password_hash.is_some() && held.passkeys == 0 {
                return Err(last_one());
            }
            let n = account.n + 1;
            let entry = end_totp(&mut tx, &engine, &caller, &permit, person, n, &seed).await?;
            db::people::set_n(&mut tx, person, n).await?;
            notices::tell(&mut tx, &engine, &[person], NoticeKind::FactorRemoved, None, &entry).await?;
            engine.commit(tx).await
        })
        .await
}

/// Makes a new set of recovery codes, each of which works once; the former set ends.
///
/// # Errors
///
/// `step_up_required`; `invalid_transition` before there is another second factor.
pub async fn new_recovery_codes(engine: &Engine, caller: &Caller) -> Result<NewCodes> {
    sessions::require_recent(caller)?;
    let (person, _) = caller.signed_in()?;
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ManageFactors, Target::Member(person)).await?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            let held = db::factors::held(&mut tx, person).await?;
            if held.passkeys == 0 && !held.totp {
                return Err(Error::refused(
                    Code::InvalidTransition,
                    "Recovery codes stand in for a passkey or an authenticator app. Add one of these first.",
                ));
            }
            let codes: Vec<String> = (0..RECOVERY_CODES)
                .map(|_| totp::base32(&secret::random::<8>()).chars().take(RECOVERY_LETTERS).collect())
                .collect();
            let hashes: Vec<_> = codes.iter().map(|code| recovery_hash(&engine, person, code)).collect();
            let n = account.n + 1;
            let event = Event::CredentialEnrolled {
                person,
                n,
                alg: CredentialAlg::Recovery,
                key: keyed(&engine, "recovery-set", codes.concat().as_bytes())?,
                backup: false,
                aaguid: None,
            };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::people::set_n(&mut tx, person, n).await?;
            db::factors::set_recovery_codes(&mut tx, person, &hashes, entry.at).await?;
            notices::tell(&mut tx, &engine, &[person], NoticeKind::FactorAdded, None, &entry).await?;
            engine.commit(tx).await?;
            let grouped = |code: &String| format!("{}-{}-{}", &code[..4], &code[4..8], &code[8..]);
            Ok(NewCodes { codes: codes.iter().map(grouped).collect() })
        })
        .await
}

/// What a typed code turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    Totp,
    Recovery,
}

/// Uses up a typed code: one of the authenticator app, or a recovery code. The person's row is locked by the caller's
/// transaction first; a recovery code is sealed and its holder told.
pub(crate) async fn use_code(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    code: &str,
) -> Result<Option<Used>> {
    let account = db::people::lock(tx, person).await?.ok_or(Error::NotFound)?;
    if let Some(stored) = db::factors::lock_seed(tx, person).await? {
        let seed = engine.envelope.open(place(stored.id), &stored.sealed)?;
        if let Some(step) = totp::step_of(&seed, code, engine.now(), stored.last_step) {
            db::factors::set_last_step(tx, stored.id, step).await?;
            return Ok(Some(Used::Totp));
        }
    }
    let hash = recovery_hash(engine, person, code);
    if !db::factors::use_recovery_code(tx, person, &hash, engine.now()).await? {
        return Ok(None);
    }
    let n = account.n + 1;
    let entry = seal::append(tx, engine, caller, permit, &Event::RecoveryUsed { person, n }).await?;
    db::people::set_n(tx, person, n).await?;
    notices::tell(tx, engine, &[person], NoticeKind::RecoveryUsed, None, &entry).await?;
    Ok(Some(Used::Recovery))
}

/// Says that a code is wanted, or that it was wrong.
pub(crate) fn wrong_code() -> Error {
    Error::field(
        "/code",
        "wrong_code",
        "This code is not right, or it was used. Type the one that the app shows now; the phone's clock must be right.",
    )
}

/// Says why an account without a second factor opens nothing past the sign-in providers.
pub(crate) fn first() -> Error {
    Error::refused(
        Code::Unauthenticated,
        "This account has no second factor, and people sign in through the provider here. Ask an admin.",
    )
}

pub(crate) fn last_one() -> Error {
    Error::refused(
        Code::InvalidTransition,
        "This is your last second factor, and an account with a password needs one. Add another one first.",
    )
}

async fn end_totp(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    n: u64,
    seed: &db::factors::Seed,
) -> Result<seal::Entry> {
    let missing = || Error::Row { table: "totp_seeds", column: "entry_id", id: seed.id.to_string() };
    let event = Event::CredentialRemoved { person, n, credential: seed.entry.ok_or_else(missing)? };
    let entry = seal::append(conn, engine, caller, permit, &event).await?;
    db::factors::set_removed(conn, seed.id, entry.at).await?;
    Ok(entry)
}

fn recovery_hash(engine: &Engine, person: PersonId, code: &str) -> Vec<u8> {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    engine.vault.lookup("recovery", &format!("{person} {code}"))
}

/// A digest that says nothing about a secret to whoever lacks the grouping key.
fn keyed(engine: &Engine, kind: &str, secret: &[u8]) -> Result<Hash> {
    Ok(Hash::from_slice(&engine.vault.lookup(kind, &passkeys::encode(secret)))?)
}

const fn place(seed: Uuid) -> Sealed {
    Sealed { table: "totp_seeds", column: "sealed", row: seed }
}
