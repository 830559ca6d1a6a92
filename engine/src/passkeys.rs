//! Passkeys: enrolment, signing in, stepping up, and another admin's word for a key.
//!
//! Challenges are random, single-use and live five minutes; reviews are signed over a statement instead
//! (`decisions::sign`). What authenticators answer is checked by `countersign_ledger::assertion`, the code that
//! offline verifiers run. No maker's attestation is asked for: who enrols is vouched for by the session and by the
//! admin who confirms the key.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign_domain::{
    Problem,
    event::{CredentialAlg, Event, List, SignInMethod},
    ids::{PasskeyId, PersonId},
    problem::Code,
    view::{NoticeKind, PasskeyOptions, PasskeysView, UnconfirmedPasskey},
};
use countersign_ledger::{
    assertion::{Algorithm, Assertion, Authenticator, Expected, Registration},
    hash::Hash,
};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Engine,
    authorize::{self, Action, Denial, Target},
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    factors, notices, people, reads, seal, secret,
    sessions::{self, NewSession, SignInFacts},
};

/// How long a challenge lives, in milliseconds.
const CHALLENGE_MS: u64 = 5 * 60 * 1_000;
/// Passkeys of one person.
const PASSKEYS_MAX: usize = 10;

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in.
    SignIn,
    /// Proving oneself again.
    StepUp,
}

/// Says why passkeys cannot work at this installation's address, if they cannot.
pub fn unsuitable(engine: &Engine) -> Option<String> {
    let origin = &engine.config().public_origin;
    let host = engine.config().host();
    let secure = origin.starts_with("https://") || host == "localhost";
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Some(format!(
            "Passkeys belong to a host name, and this installation is reached at the bare address {host}. An administrator of the server can give it a name (--public-origin)."
        ));
    }
    if !secure {
        return Some("Passkeys need https. An administrator of the server can put TLS in front of it and change --public-origin.".into());
    }
    if host != relying_party(engine) {
        return Some(format!(
            "This installation's log was opened for {}, and its address is {host} now; reviews signed here could not be checked. An administrator of the server can change --public-origin back.",
            relying_party(engine)
        ));
    }
    None
}

/// The host that the log was opened for, which passkeys belong to.
pub(crate) fn relying_party(engine: &Engine) -> &str {
    engine.log.origin.split('/').next().unwrap_or_default()
}

fn suitable(engine: &Engine) -> Result<()> {
    match unsuitable(engine) {
        None => Ok(()),
        Some(sentence) => Err(Error::refused(Code::InvalidTransition, sentence)),
    }
}

/// Begins the enrolment of a passkey for the caller.
///
/// # Errors
///
/// `step_up_required`, or `invalid_transition` where the address allows no passkeys.
pub async fn begin_enrolment(engine: &Engine, caller: &Caller) -> Result<PasskeyOptions> {
    suitable(engine)?;
    sessions::require_recent(caller)?;
    let (person, session) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ManageFactors, Target::Member(person)).await?;
    let known = db::passkeys::list(&mut tx, person).await?;
    if known.len() >= PASSKEYS_MAX {
        return Err(Error::refused(
            Code::InvalidTransition,
            format!("{PASSKEYS_MAX} passkeys are the most one person may have. Remove one first."),
        ));
    }
    let name = people::names(&mut tx, engine, &[person]).await?.remove(&person).unwrap_or_else(people::erased);
    seal::append(&mut tx, engine, caller, &permit, &reads::of_person(person, &permit)).await?;
    let challenge = new_challenge(&mut tx, engine, "enrol", Some(session)).await?;
    engine.commit(tx).await?;

    let excluded: Vec<_> = known.iter().map(|key| described(&key.credential_id)).collect();
    let algorithms = [Algorithm::Es256, Algorithm::EdDsa].map(|alg| json!({ "alg": alg.cose(), "type": "public-key" }));
    let options = json!({
        "attestation": "none",
        "authenticatorSelection": {
            "requireResidentKey": true,
            "residentKey": "required",
            "userVerification": "required",
        },
        "challenge": challenge,
        "excludeCredentials": excluded,
        "pubKeyCredParams": algorithms,
        "rp": { "id": relying_party(engine), "name": "Countersign" },
        "timeout": CHALLENGE_MS,
        "user": { "displayName": name, "id": encode(person.0.as_bytes()), "name": name },
    });
    Ok(PasskeyOptions { json: options.to_string() })
}

/// Enrols what the authenticator answered.
///
/// # Errors
///
/// `invalid_content` with the rule that does not hold, `step_up_required`.
pub async fn enrol(engine: &Engine, caller: &Caller, answer: &str) -> Result<()> {
    suitable(engine)?;
    sessions::require_recent(caller)?;
    let (person, session) = caller.signed_in()?;
    let answer: RegistrationAnswer = read(answer)?;
    let registration = Registration {
        client_data: decode(&answer.response.client_data_json)?,
        authenticator_data: decode(&answer.response.authenticator_data)?,
    };
    engine
        .act(caller, move |engine, caller| {
            let registration = registration.clone();
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ManageFactors, Target::Member(person)).await?;
                let challenge =
                    used_challenge(&mut tx, &engine, &registration.client_data, "enrol", Some(session)).await?;
                let enrolled = registration.check(&expected(&engine, challenge)).map_err(|error| rejected(&error))?;
                let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
                let n = account.n + 1;
                let aaguid = Some(Uuid::from_bytes(enrolled.aaguid)).filter(|aaguid| !aaguid.is_nil());
                let event = Event::CredentialEnrolled {
                    person,
                    n,
                    alg: match enrolled.alg {
                        Algorithm::Es256 => CredentialAlg::Es256,
                        Algorithm::EdDsa => CredentialAlg::EdDsa,
                    },
                    key: enrolled.key_digest(),
                    backup: enrolled.backup_eligible,
                    aaguid,
                };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::people::set_n(&mut tx, person, n).await?;
                let id = PasskeyId(secret::random_id());
                let new = db::passkeys::New {
                    id,
                    person,
                    credential_id: &enrolled.credential_id,
                    public_key: &enrolled.key,
                    alg: enrolled.alg.as_str(),
                    aaguid,
                    backup_eligible: enrolled.backup_eligible,
                    backed_up: enrolled.backed_up,
                    counter: enrolled.counter,
                    now: entry.at,
                    entry: entry.id,
                };
                if !db::passkeys::insert(&mut tx, &new).await? {
                    return Err(Error::refused(Code::InvalidContent, "This passkey is enrolled already."));
                }
                notices::tell(&mut tx, &engine, &[person], NoticeKind::FactorAdded, None, &entry).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Takes one of the caller's passkeys away.
///
/// # Errors
///
/// `step_up_required`; `invalid_transition` for the last second factor of a local account.
pub async fn remove(engine: &Engine, caller: &Caller, passkey: PasskeyId) -> Result<()> {
    sessions::require_recent(caller)?;
    let (person, _) = caller.signed_in()?;
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ManageFactors, Target::Member(person)).await?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            let key = db::passkeys::lock(&mut tx, passkey).await?.filter(|key| key.person == person);
            let key = key.ok_or(Error::NotFound)?;
            let held = db::factors::held(&mut tx, person).await?;
            if account.password_hash.is_some() && !held.totp && held.passkeys == 1 {
                return Err(factors::last_one());
            }
            let n = account.n + 1;
            let event = Event::CredentialRemoved { person, n, credential: key.entry };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::people::set_n(&mut tx, person, n).await?;
            db::passkeys::set_removed(&mut tx, passkey, entry.at, entry.id).await?;
            notices::tell(&mut tx, &engine, &[person], NoticeKind::FactorRemoved, None, &entry).await?;
            engine.commit(tx).await
        })
        .await
}

/// Lists the passkeys that wait for an admin's word.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn list_unconfirmed(engine: &Engine, caller: &Caller) -> Result<PasskeysView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListCredentials, engine.installation()).await?;
        let keys = db::passkeys::list_unconfirmed(&mut tx).await?;
        let holders: Vec<_> = keys.iter().map(|key| key.person).collect();
        let names = people::names(&mut tx, engine, &holders).await?;
        tx.commit().await?;
        Ok((permit, keys, names))
    };
    let (permit, keys, names) = engine.noted(caller, found.await).await?;
    let passkeys: Vec<_> = keys
        .iter()
        .map(|key| UnconfirmedPasskey {
            id: key.id,
            person: key.person,
            name: names.get(&key.person).cloned().unwrap_or_else(people::erased),
            own: caller.person() == Some(key.person),
            synced: key.backup_eligible,
            aaguid: key.aaguid.map(|aaguid| aaguid.to_string()),
            enrolled_at: key.enrolled_at,
            fingerprint: fingerprint(&key.public_key),
        })
        .collect();
    let event = Event::AccessListed { list: List::Credentials, count: passkeys.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(PasskeysView { passkeys, now: engine.now() })
}

/// Vouches for somebody else's passkey: from then on it may sign reviews.
///
/// # Errors
///
/// `step_up_required`; [`Error::Forbidden`] for the holder and for anybody but an admin.
pub async fn confirm(engine: &Engine, caller: &Caller, passkey: PasskeyId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            // Person before key, as everywhere: whose it is does not change.
            let person = db::passkeys::holder(&mut tx, passkey).await?.ok_or(Error::NotFound)?;
            let target = Target::Member(person);
            let permit = engine.authorize(&mut tx, &caller, Action::ConfirmCredential, target).await?;
            sessions::require_recent(&caller)?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            let key = db::passkeys::lock(&mut tx, passkey).await?.ok_or(Error::NotFound)?;
            if key.confirmed {
                let problem = Problem::new(Code::InvalidTransition, "This passkey is confirmed already.");
                return Err(Denial::by_rule(permit, Action::ConfirmCredential, target, problem));
            }
            let n = account.n + 1;
            let event = Event::CredentialConfirmed { person, n, credential: key.entry };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::people::set_n(&mut tx, person, n).await?;
            db::passkeys::set_confirmed(&mut tx, passkey, entry.at, entry.id).await?;
            notices::tell(&mut tx, &engine, &[person], NoticeKind::PasskeyConfirmed, None, &entry).await?;
            engine.commit(tx).await
        })
        .await
}

/// Makes a challenge for signing in or stepping up. It names nobody: the passkey says whose it is.
///
/// # Errors
///
/// `invalid_transition` where the address allows no passkeys; `unauthenticated` to step up without a session.
pub async fn challenge(engine: &Engine, caller: &Caller, purpose: Purpose) -> Result<PasskeyOptions> {
    suitable(engine)?;
    let (word, session) = match purpose {
        Purpose::SignIn => ("sign_in", None),
        Purpose::StepUp => ("step_up", Some(caller.signed_in()?.1)),
    };
    let mut conn = engine.app.acquire().await?;
    let challenge = new_challenge(&mut conn, engine, word, session).await?;
    Ok(request_options(engine, &challenge, &[]))
}

/// What the browser needs to ask for an assertion over a challenge; any of the person's keys when none is named.
pub(crate) fn request_options(engine: &Engine, challenge: &str, allowed: &[&[u8]]) -> PasskeyOptions {
    let allowed: Vec<_> = allowed.iter().map(|id| described(id)).collect();
    let options = json!({
        "allowCredentials": allowed,
        "challenge": challenge,
        "rpId": relying_party(engine),
        "timeout": CHALLENGE_MS,
        "userVerification": "required",
    });
    PasskeyOptions { json: options.to_string() }
}

/// Signs in by passkey alone: it is both what one has and what one knows or is. While sign-in providers are in force
/// this opens local accounts only, for emergencies: then it takes a reason.
///
/// # Errors
///
/// `unauthenticated`, whatever is wrong with the answer.
pub async fn sign_in(engine: &Engine, caller: &Caller, answer: &str, reason: &str) -> Result<NewSession> {
    suitable(engine)?;
    let answer = AssertionAnswer::parse(answer)?;
    let reason = reason.to_owned();
    let tried = {
        let answer = answer.clone();
        engine
            .act(caller, move |engine, caller| {
                let (answer, reason) = (answer.clone(), reason.clone());
                async move {
                    let mut tx = engine.begin().await?;
                    let Proven { person, passkey } = prove(&mut tx, &engine, &answer, Purpose::SignIn, None).await?;
                    let break_glass = sessions::past_providers(&mut tx, &reason).await?;
                    let local =
                        db::people::find(&mut tx, person).await?.is_some_and(|found| found.password_hash.is_some());
                    if break_glass.is_some() && !local {
                        return Err(unknown());
                    }
                    let method = match break_glass {
                        Some(_) => SignInMethod::BreakGlass,
                        None => SignInMethod::Passkey,
                    };
                    let facts = SignInFacts {
                        credential: Some(passkey.0),
                        break_glass,
                        ..SignInFacts::new(method, engine.now())
                    };
                    let new = sessions::open(&mut tx, &engine, &caller, person, facts).await?;
                    engine.commit(tx).await?;
                    Ok(new)
                }
            })
            .await
    };
    if let Err(Error::Refused(problem)) = &tried
        && problem.code == Code::Unauthenticated
    {
        note_failure(engine, caller, &answer).await?;
    }
    tried
}

/// Proves the caller anew by passkey. The session gets a new token; the former one is dead.
///
/// # Errors
///
/// `unauthenticated`, whatever is wrong with the answer.
pub async fn step_up(engine: &Engine, caller: &Caller, answer: &str) -> Result<NewSession> {
    suitable(engine)?;
    let (person, _) = caller.signed_in()?;
    let answer = AssertionAnswer::parse(answer)?;
    let tried = {
        let answer = answer.clone();
        engine
            .act(caller, move |engine, caller| {
                let answer = answer.clone();
                async move {
                    let mut tx = engine.begin().await?;
                    let proven = prove(&mut tx, &engine, &answer, Purpose::StepUp, Some(&caller)).await?;
                    if proven.person != person {
                        return Err(unknown());
                    }
                    let facts = SignInFacts {
                        credential: Some(proven.passkey.0),
                        ..SignInFacts::new(SignInMethod::Passkey, engine.now())
                    };
                    let new = sessions::renew(&mut tx, &engine, &caller, facts).await?;
                    engine.commit(tx).await?;
                    Ok(new)
                }
            })
            .await
    };
    if let Err(Error::Refused(problem)) = &tried
        && problem.code == Code::Unauthenticated
    {
        note_failure(engine, caller, &answer).await?;
    }
    tried
}

struct Proven {
    person: PersonId,
    passkey: PasskeyId,
}

async fn prove(
    conn: &mut PgConnection,
    engine: &Engine,
    answer: &AssertionAnswer,
    purpose: Purpose,
    caller: Option<&Caller>,
) -> Result<Proven> {
    let session = caller.map(Caller::signed_in).transpose()?.map(|(_, session)| session);
    let word = match purpose {
        Purpose::SignIn => "sign_in",
        Purpose::StepUp => "step_up",
    };
    let challenge = used_challenge(conn, engine, &answer.client_data, word, session).await?;
    let key = db::passkeys::lock_by_credential(conn, &answer.credential_id).await?.ok_or_else(unknown)?;
    if answer.user_handle.as_deref().is_some_and(|handle| handle != key.person.0.as_bytes()) {
        return Err(unknown());
    }
    let assertion = answer.assertion(&key)?;
    let authenticator = assertion.check(&expected(engine, challenge)).map_err(|_| unknown())?;
    if !counter_grows(key.counter, &authenticator) {
        return Err(unknown());
    }
    db::passkeys::set_used(conn, key.id, authenticator.counter, authenticator.backed_up, engine.now()).await?;

    Ok(Proven { person: key.person, passkey: key.id })
}

/// Tells whether a signature counter says that nobody else has this key.
pub(crate) fn counter_grows(stored: u32, authenticator: &Authenticator) -> bool {
    (stored == 0 && authenticator.counter == 0) || authenticator.counter > stored
}

/// Seals a failed try, and alarms holder and admins when the counter says that the key was copied.
async fn note_failure(engine: &Engine, caller: &Caller, answer: &AssertionAnswer) -> Result<()> {
    let answer = answer.clone();
    engine
        .act(caller, move |engine, caller| {
            let answer = answer.clone();
            async move {
                let mut tx = engine.begin().await?;
                let key = db::passkeys::lock_by_credential(&mut tx, &answer.credential_id).await?;
                let count = match key {
                    Some(_) => Some(1),
                    None => engine.strangers.count(&caller.network, engine.now()),
                };
                let Some(count) = count else { return Ok(()) };
                let person = key.as_ref().map(|key| key.person);
                let permit = authorize::unevaluated(authorize::anonymous_actor());
                let event = Event::SignInFailed { person, count, ip: caller.network.clone() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                if let Some(key) = key
                    && answer.signs_with_an_old_counter(&engine, &key)
                {
                    alarm_copied(&mut tx, &engine, key.person, &entry).await?;
                }
                engine.commit(tx).await
            }
        })
        .await
}

/// Tells holder and admins that a passkey's counter did not grow.
pub(crate) async fn alarm_copied(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    entry: &seal::Entry,
) -> Result<()> {
    tracing::warn!(person.id = %person, "The signature counter of a passkey did not grow: the key may have been copied");
    let mut told = notices::guardians(conn).await?;
    told.push(person);
    notices::tell(conn, engine, &told, NoticeKind::PasskeyCopied, Some(person), entry).await
}

async fn new_challenge(
    conn: &mut PgConnection,
    engine: &Engine,
    purpose: &str,
    session: Option<countersign_domain::ids::SessionId>,
) -> Result<String> {
    let challenge = secret::random::<32>();
    let now = engine.now();
    db::passkeys::insert_challenge(conn, &challenge, purpose, session, now, now + CHALLENGE_MS).await?;
    Ok(encode(&challenge))
}

/// Uses up the challenge that the client data names.
async fn used_challenge(
    conn: &mut PgConnection,
    engine: &Engine,
    client_data: &[u8],
    purpose: &str,
    session: Option<countersign_domain::ids::SessionId>,
) -> Result<Hash> {
    #[derive(Deserialize)]
    struct ClientData {
        challenge: String,
    }
    let named: ClientData = serde_json::from_slice(client_data).map_err(|_| unknown())?;
    let challenge: Hash = named.challenge.parse().map_err(|_| unknown())?;
    match db::passkeys::use_challenge(conn, &challenge.0, purpose, session, engine.now()).await? {
        true => Ok(challenge),
        false => Err(unknown()),
    }
}

pub(crate) fn expected(engine: &Engine, challenge: Hash) -> Expected<'_> {
    Expected { challenge, rp_id: relying_party(engine), origin: &engine.config().public_origin }
}

fn unknown() -> Error {
    Error::refused(
        Code::Unauthenticated,
        "The passkey was not accepted: it is not known here, or the request was too old. Try again, or sign in another way.",
    )
}

fn rejected(error: &countersign_ledger::Error) -> Error {
    Error::refused(Code::InvalidContent, format!("The passkey was not enrolled: {error}. Try again."))
}

fn described(credential_id: &[u8]) -> serde_json::Value {
    json!({ "id": encode(credential_id), "type": "public-key" })
}

/// The first bytes of the key's digest, by which holder and admin tell each other which key is meant.
pub(crate) fn fingerprint(public_key: &[u8]) -> String {
    let digest = countersign_ledger::hash::digest(countersign_ledger::hash::Label::Credential, public_key);
    let hex: String = digest.0[..6].iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{}-{}-{}", &hex[..4], &hex[4..8], &hex[8..])
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| unreadable())
}

fn read<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T> {
    serde_json::from_str(answer).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::refused(Code::InvalidContent, "The browser's answer cannot be read. Update the browser, or use another one.")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistrationAnswer {
    response: RegistrationResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistrationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    authenticator_data: String,
}

/// What `navigator.credentials.get` gave.
#[derive(Clone)]
pub(crate) struct AssertionAnswer {
    pub(crate) credential_id: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

impl AssertionAnswer {
    pub(crate) fn parse(answer: &str) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            raw_id: String,
            response: Response,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Response {
            #[serde(rename = "clientDataJSON")]
            client_data_json: String,
            authenticator_data: String,
            signature: String,
            user_handle: Option<String>,
        }
        let answer: Answer = read(answer)?;
        Ok(Self {
            credential_id: decode(&answer.raw_id)?,
            client_data: decode(&answer.response.client_data_json)?,
            authenticator_data: decode(&answer.response.authenticator_data)?,
            signature: decode(&answer.response.signature)?,
            user_handle: answer.response.user_handle.as_deref().map(decode).transpose()?,
        })
    }

    /// Puts the answer beside the key that it claims to be by.
    pub(crate) fn assertion(&self, key: &db::passkeys::Passkey) -> Result<Assertion> {
        let alg = Algorithm::from_word(&key.alg).ok_or_else(|| Error::Row {
            table: "passkeys",
            column: "alg",
            id: key.id.to_string(),
        })?;
        Ok(Assertion {
            alg,
            authenticator_data: self.authenticator_data.clone(),
            client_data: self.client_data.clone(),
            credential: key.entry.to_string(),
            key: key.public_key.clone(),
            signature: self.signature.clone(),
        })
    }

    /// Tells whether the key did sign this answer, with a counter that it had passed before.
    fn signs_with_an_old_counter(&self, engine: &Engine, key: &db::passkeys::Passkey) -> bool {
        #[derive(Deserialize)]
        struct ClientData {
            challenge: String,
        }
        let challenge = serde_json::from_slice::<ClientData>(&self.client_data).ok();
        let challenge = challenge.and_then(|named| named.challenge.parse::<Hash>().ok());
        let checked =
            challenge.and_then(|challenge| self.assertion(key).ok()?.check(&expected(engine, challenge)).ok());
        checked.is_some_and(|authenticator| !counter_grows(key.counter, &authenticator))
    }
}

impl Caller {
    /// Returns person and session of a signed-in caller.
    pub(crate) fn signed_in(&self) -> Result<(PersonId, countersign_domain::ids::SessionId)> {
        match self.actor {
            Actor::Person { id, session, .. } => Ok((id, session)),
            _ => Err(Error::refused(Code::Unauthenticated, "Sign in first.")),
        }
    }
}
