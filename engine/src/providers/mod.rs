//! Identity providers: connecting them, and what a sign-in through one means here.
//!
//! The protocol is checked before anything arrives here. An identity is issuer and subject, never an
//! e-mail address; it is found by a keyed digest, and the subject itself is in the vault. A provider
//! takes effect only after a test sign-in with exactly its settings, and its secret is sealed at rest.

mod people;
mod settings;
mod sign_out;

use countersign_domain::{
    Problem,
    event::{Event, List, Object, Place as At, ProviderChange, SignInMethod},
    ids::{PersonId, ProviderId, SessionId},
    problem::Code,
    provider::{
        ClientAuth, ProviderFault, ProviderLink, ProviderRow, ProviderSettings, ProviderTest, ProvidersView,
        shown_claim,
    },
};
use countersign_ledger::hash::Hash;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit},
    caller::Caller,
    client_keys,
    clock::milliseconds,
    db::{self, providers::Stored},
    envelope::Place,
    error::{Error, Result},
    reads, role_mappings, roles, seal, secret,
    sessions::{self, NewSession, SignInFacts},
};

pub(crate) use people::{link, person_of};
pub use people::{link_own, set_just_in_time};
pub use sign_out::{Logout, back_channel_logout, leaving_token, sign_out};

use people::become_member;
use settings::{Given, Settings, no_secret};

/// How long a sign-in at a provider may take, in milliseconds.
pub const TRANSACTION_MS: u64 = 10 * 60 * 1_000;
/// How long a test's claims are kept, in milliseconds.
const TEST_MS: u64 = 10 * 60 * 1_000;
/// How long an ID token outlives its sign-in, for the way to the provider's sign-out, in milliseconds.
const KEPT_MS: u64 = 2 * 60 * 1_000;
/// What a door needs to talk to a provider; it is shown to nobody.
#[derive(Clone)]
pub struct Connection {
    /// Its id.
    pub id: ProviderId,
    /// Changes with every change of the settings.
    pub n: u64,
    /// Its short name in addresses.
    pub slug: String,
    /// Exactly as the provider writes it.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// What shows the provider who asks.
    pub credential: Credential,
    /// Signatures that are taken.
    pub algorithms: Vec<String>,
    /// Asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that says who somebody is.
    pub subject_claim: String,
    /// Logout tokens must say what they are.
    pub logout_typ_required: bool,
    /// People can sign in through it.
    pub enabled: bool,
}

/// What shows a provider that it is this installation who asks.
#[derive(Clone)]
pub enum Credential {
    /// The client secret.
    Secret(Zeroizing<String>),
    /// A key of this installation.
    Key {
        /// The private scalar in base64url.
        scalar: Zeroizing<String>,
        /// Id of the public half.
        id: String,
    },
}

/// A sign-in that the protocol's checks let through.
#[derive(Clone)]
pub struct Proven {
    /// The provider.
    pub provider: ProviderId,
    /// What was used up by it.
    pub state: String,
    /// Who it is at the provider: the value of [`Self::subject_claim`].
    pub subject: String,
    /// The claim that said so.
    pub subject_claim: String,
    /// Everything that the provider says about them.
    pub claims: serde_json::Value,
    /// When they last showed who they are, in milliseconds since 1970.
    pub auth_time: Option<u64>,
    /// How strongly, in the provider's word.
    pub acr: Option<String>,
    /// The provider's own session.
    pub session: Option<String>,
    /// The token that names it at sign-out.
    pub id_token: Zeroizing<String>,
    /// The provider's clock against ours, in seconds.
    pub skew_seconds: i64,
}

/// Tells whether somebody can sign in through a provider; then local accounts are for emergencies.
///
/// # Errors
///
/// When the database does not answer.
pub async fn any_active(conn: &mut PgConnection) -> Result<bool> {
    Ok(db::providers::any_enabled(conn).await?)
}

/// Lists the ways to sign in, for the sign-in page.
///
/// # Errors
///
/// When the database does not answer.
pub async fn links(engine: &Engine) -> Result<Vec<ProviderLink>> {
    let found = db::providers::list_enabled(&mut *engine.app.acquire().await?).await?;
    Ok(found.into_iter().map(|(slug, name)| ProviderLink { slug, name }).collect())
}

/// Returns what a door needs to talk to a provider.
///
/// # Errors
///
/// When the database does not answer, or the secret does not open.
pub async fn connection(engine: &Engine, slug: &str) -> Result<Option<Connection>> {
    let Some(stored) = db::providers::find_by_slug(&mut *engine.app.acquire().await?, slug).await? else {
        return Ok(None);
    };
    let secret = open_secret(engine, &stored)?;
    let credential = match stored.client_key_id {
        Some(id) => Credential::Key { scalar: secret, id },
        None => Credential::Secret(secret),
    };
    Ok(Some(Connection {
        id: stored.id,
        n: stored.n,
        slug: stored.slug,
        issuer: stored.issuer,
        client_id: stored.client_id,
        credential,
        algorithms: stored.algorithms,
        scopes: stored.scopes,
        subject_claim: stored.subject_claim,
        logout_typ_required: stored.logout_typ_required,
        enabled: stored.enabled_at.is_some(),
    }))
}

/// Returns the key set by which a provider knows this installation, where a key says who it is.
///
/// # Errors
///
/// When the database does not answer, or the key does not open.
pub async fn client_keys(engine: &Engine, slug: &str) -> Result<Option<serde_json::Value>> {
    let Some(stored) = db::providers::find_by_slug(&mut *engine.app.acquire().await?, slug).await? else {
        return Ok(None);
    };
    Ok(client_key(engine, &stored)?.map(|key| serde_json::json!({ "keys": [key] })))
}

/// Returns the public key of this installation at a provider.
fn client_key(engine: &Engine, stored: &Stored) -> Result<Option<serde_json::Value>> {
    if stored.client_key_id.is_none() {
        return Ok(None);
    }
    let key = client_keys::public(&open_secret(engine, stored)?);
    key.map(Some).ok_or_else(|| unreadable(stored.id))
}

fn open_secret(engine: &Engine, stored: &Stored) -> Result<Zeroizing<String>> {
    let plain = engine.envelope.open(secret_place(stored.id), &stored.secret)?;
    String::from_utf8(plain.to_vec()).map(Zeroizing::new).map_err(|_| unreadable(stored.id))
}

/// Shows the providers, with what the caller's test sign-in brought.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<ProvidersView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListProviders, engine.installation()).await?;
        let providers = db::providers::list(&mut tx).await?;
        let entries: Vec<_> =
            providers.iter().filter_map(|(provider, _)| provider.fault_entry.map(|entry| entry.0)).collect();
        let details = db::vault::list(&mut tx, &entries).await?;
        let test = match caller.person() {
            Some(person) => db::providers::find_test(&mut tx, person, engine.now()).await?,
            None => None,
        };
        tx.commit().await?;
        Ok((permit, providers, details, test))
    };
    let (permit, providers, details, test) = engine.noted(caller, found.await).await?;
    let test = test
        .map(|(id, provider, sealed)| {
            let plain = engine.envelope.open(test_place(id), &sealed)?;
            let kept: Kept = serde_json::from_slice(&plain).map_err(|_| unreadable(provider))?;
            Ok::<_, Error>(ProviderTest {
                provider,
                claims: kept.claims.iter().map(|(name, value)| shown_claim(name, value, name == "groups")).collect(),
                skew_seconds: kept.skew_seconds,
            })
        })
        .transpose()?;
    let mut rows = Vec::with_capacity(providers.len());
    for (provider, people_count) in providers {
        let detail = details.iter().find(|stored| {
            stored.field == "detail" && provider.fault_entry.is_some_and(|entry| entry.0 == stored.entry_id)
        });
        let detail = detail.map(|stored| engine.vault.open(stored)).transpose()?.flatten();
        rows.push(ProviderRow {
            client_auth: ClientAuth::from_word(&provider.client_auth).ok_or_else(|| unreadable(provider.id))?,
            client_key: client_key(engine, &provider)?.map(|key| key.to_string()),
            logout_typ_required: provider.logout_typ_required,
            tested: provider.is_tested(),
            id: provider.id,
            slug: provider.slug,
            name: provider.name,
            issuer: provider.issuer,
            client_id: provider.client_id,
            scopes: provider.scopes,
            algorithms: provider.algorithms,
            subject_claim: provider.subject_claim,
            enabled: provider.enabled_at.is_some(),
            people_count,
            fault: provider.fault_at.zip(detail).map(|(at, detail)| ProviderFault { at: milliseconds(at), detail }),
        });
    }
    let event = Event::AccessListed { list: List::Providers, count: rows.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(ProvidersView { origin: engine.config().public_origin.clone(), providers: rows, test })
}

/// Connects a provider. Nobody signs in through it until it was tested and enabled.
///
/// # Errors
///
/// What a field lacks; `name_taken` for a short name or an issuer that is connected already;
/// `step_up_required`.
pub async fn add(engine: &Engine, caller: &Caller, settings: ProviderSettings, secret: &str) -> Result<ProviderId> {
    let settings = Settings::parse(settings)?;
    let secret = Given::parse(&settings, secret)?;
    engine
        .act(caller, move |engine, caller| {
            let (settings, secret) = (settings.clone(), secret.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, engine.installation()).await?;
                sessions::require_recent(&caller)?;
                if db::providers::find_by_slug(&mut tx, &settings.slug).await?.is_some() {
                    return Err(taken("There is a provider with this short name already."));
                }
                if db::providers::find_by_issuer(&mut tx, &settings.issuer, &settings.client_id).await?.is_some() {
                    return Err(taken("This issuer is connected with this client id already."));
                }
                refuse_another_claim(&mut tx, &engine, &permit, &settings).await?;
                let (settings, secret) = match secret {
                    Given::Secret(secret) => (settings, secret),
                    Given::Key => settings.with_new_key(),
                    Given::Nothing => return Err(no_secret()),
                };
                let id = ProviderId(secret::random_id());
                let change = ProviderChange::Added;
                let event = Event::ProviderChanged { provider: id, n: 1, change, digest: settings.digest() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                let stored = settings.stored(id, 1, engine.envelope.seal(secret_place(id), secret.as_bytes()));
                db::providers::insert(&mut tx, &stored, entry.at, entry.id).await?;
                engine.commit(tx).await?;
                Ok(id)
            }
        })
        .await
}

/// Changes a provider's name, client id, scopes, algorithms, the claim that says who somebody is, or by what the
/// provider knows this installation; an empty secret or claim leaves it as it is, and so does a key unless another
/// is asked for.
/// Whatever changes asks for another test; until then an enabled provider goes on with the new settings.
///
/// # Errors
///
/// As [`add`]; [`Error::NotFound`]; `invalid_transition` for another claim once somebody is known at the issuer.
pub async fn change(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    settings: ProviderSettings,
    secret: &str,
) -> Result<()> {
    let typed = Zeroizing::new(secret.to_owned());
    engine
        .act(caller, move |engine, caller| {
            let (settings, typed) = (settings.clone(), typed.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, engine.installation()).await?;
                sessions::require_recent(&caller)?;
                let stored = db::providers::lock(&mut tx, provider).await?.ok_or(Error::NotFound)?;
                // Short name and issuer are what people and the provider know it by: they stay.
                let (slug, issuer) = (stored.slug.clone(), stored.issuer.clone());
                let subject_claim = match settings.subject_claim.trim() {
                    "" => stored.subject_claim.clone(),
                    typed => typed.to_owned(),
                };
                let new_key = settings.new_key;
                let parsed = Settings::parse(ProviderSettings { slug, issuer, subject_claim, ..settings })?;
                let settings = Settings { just_in_time: stored.just_in_time, ..parsed };
                refuse_another_claim(&mut tx, &engine, &permit, &settings).await?;
                let stays = stored.client_auth == settings.client_auth.word();
                let (settings, secret) = match Given::parse(&settings, &typed)? {
                    Given::Secret(secret) => (settings, Some(secret)),
                    Given::Key if stays && !new_key => {
                        (Settings { client_key_id: stored.client_key_id.clone(), ..settings }, None)
                    }
                    Given::Key => {
                        let (settings, scalar) = settings.with_new_key();
                        (settings, Some(scalar))
                    }
                    Given::Nothing if stays => (settings, None),
                    Given::Nothing => return Err(no_secret()),
                };
                let n = stored.n + 1;
                let event =
                    Event::ProviderChanged { provider, n, change: ProviderChange::Changed, digest: settings.digest() };
                seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                let sealed = match secret {
                    Some(secret) => engine.envelope.seal(secret_place(provider), secret.as_bytes()),
                    None => stored.secret,
                };
                db::providers::set_settings(&mut tx, &settings.stored(provider, n, sealed)).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Refuses settings by which people who are known at the issuer would be strangers, or somebody else.
async fn refuse_another_claim(
    conn: &mut PgConnection,
    engine: &Engine,
    permit: &Permit,
    settings: &Settings,
) -> Result<()> {
    if !db::providers::is_known_otherwise(conn, &settings.issuer, &settings.subject_claim).await? {
        return Ok(());
    }
    let problem = Problem::new(
        Code::InvalidTransition,
        "People of this issuer are known here by another claim. With this one they would be strangers, or taken for somebody else, so the claim stays as it was.",
    );
    Err(Denial::by_rule(permit.clone(), Action::ChangeProvider, engine.installation(), problem))
}

/// Lets people sign in through a provider. From then on local accounts are for emergencies.
///
/// # Errors
///
/// `invalid_transition` before a test sign-in passed with these settings; `step_up_required`.
pub async fn enable(engine: &Engine, caller: &Caller, provider: ProviderId) -> Result<()> {
    switch(engine, caller, provider, ProviderChange::Enabled).await
}

/// Closes the way through a provider; running sign-ins go on to their limit.
///
/// # Errors
///
/// `invalid_transition` when it is closed already or no admin would be left who can sign in.
pub async fn disable(engine: &Engine, caller: &Caller, provider: ProviderId) -> Result<()> {
    switch(engine, caller, provider, ProviderChange::Disabled).await
}

/// Takes a provider away, with its secret. The same issuer connected again finds the same people.
///
/// # Errors
///
/// As [`disable`].
pub async fn remove(engine: &Engine, caller: &Caller, provider: ProviderId) -> Result<()> {
    switch(engine, caller, provider, ProviderChange::Removed).await
}

async fn switch(engine: &Engine, caller: &Caller, provider: ProviderId, change: ProviderChange) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let target = engine.installation();
            let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, target).await?;
            sessions::require_recent(&caller)?;
            let stored = db::providers::lock(&mut tx, provider).await?.ok_or(Error::NotFound)?;
            let enabled = stored.enabled_at.is_some();
            let refusal = match change {
                ProviderChange::Enabled if enabled => Some("People can sign in through this provider already."),
                ProviderChange::Enabled if !stored.is_tested() => {
                    Some("Run the test sign-in first: these settings have not signed anybody in yet.")
                }
                ProviderChange::Disabled if !enabled => Some("This provider is closed already."),
                _ => None,
            };
            if let Some(sentence) = refusal {
                let problem = Problem::new(Code::InvalidTransition, sentence);
                return Err(Denial::by_rule(permit, Action::ChangeProvider, target, problem));
            }
            let n = stored.n + 1;
            let digest = Hash(stored.settings_digest.as_slice().try_into().map_err(|_| unreadable(provider))?);
            let event = Event::ProviderChanged { provider, n, change, digest };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            match change {
                ProviderChange::Enabled => {
                    db::providers::set_enabled(&mut tx, provider, n, Some(entry.at)).await?;
                }
                ProviderChange::Removed => db::providers::set_removed(&mut tx, provider, n, entry.at).await?,
                _ => db::providers::set_enabled(&mut tx, provider, n, None).await?,
            }
            roles::keep_an_admin(&mut tx, &engine).await?;
            engine.commit(tx).await
        })
        .await
}

/// Signs a person in who showed themselves to a provider.
///
/// # Errors
///
/// `unauthenticated` for a state that was used, a provider that is closed, and people who are not known
/// or may not sign in.
pub async fn sign_in(engine: &Engine, caller: &Caller, proven: Proven) -> Result<NewSession> {
    engine
        .act(caller, move |engine, caller| {
            let proven = proven.clone();
            async move {
                let mut tx = engine.begin().await?;
                let stored = spend_state(&mut tx, &engine, &proven).await?;
                if stored.enabled_at.is_none() {
                    return Err(closed());
                }
                let person = match person_of(&mut tx, &engine, proven.provider, &proven.subject).await? {
                    Some(person) => person,
                    None if stored.just_in_time => become_member(&mut tx, &engine, &caller, &stored, &proven).await?,
                    None => {
                        return Err(Error::refused(
                            Code::Unauthenticated,
                            "Nobody here is known by this identity. Ask an admin.",
                        ));
                    }
                };
                // Roles follow before the sign-in begins, since losing one ends every running sign-in.
                role_mappings::evaluate_sign_in(&mut tx, &engine, &caller, proven.provider, person, &proven.claims)
                    .await?;
                let now = engine.now();
                let facts = SignInFacts {
                    acr: proven.acr.clone(),
                    provider: Some(proven.provider),
                    idp_sid: proven.session.clone(),
                    // A provider that does not say when it asked may have let an old session of its own through:
                    // that is no recent proof, and whatever asks for one asks for a step-up.
                    ..SignInFacts::new(SignInMethod::Provider, proven.auth_time.unwrap_or(0).min(now))
                };
                let new = sessions::open(&mut tx, &engine, &caller, person, facts).await?;
                let sealed = engine.envelope.seal(token_place(new.session), proven.id_token.as_bytes());
                let ended_before = now.saturating_sub(KEPT_MS);
                db::providers::insert_id_token(&mut tx, new.session, &sealed, ended_before).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}

/// Records that the caller proved themselves again at a provider; the sign-in goes on under a new token.
///
/// # Errors
///
/// `unauthenticated` for a state that was used, for somebody else's identity, and where the provider does not say when
/// it asked.
pub async fn step_up(engine: &Engine, caller: &Caller, proven: Proven) -> Result<NewSession> {
    engine
        .act(caller, move |engine, caller| {
            let proven = proven.clone();
            async move {
                let mut tx = engine.begin().await?;
                let (person, session) = caller.signed_in()?;
                spend_state(&mut tx, &engine, &proven).await?;
                if person_of(&mut tx, &engine, proven.provider, &proven.subject).await? != Some(person) {
                    return Err(Error::refused(
                        Code::Unauthenticated,
                        "The provider showed somebody else. Sign in there as yourself, or sign out here first.",
                    ));
                }
                let auth_time = proven.auth_time.ok_or_else(|| {
                    Error::refused(Code::Unauthenticated, "The provider did not say when you last signed in there.")
                })?;
                let facts = SignInFacts {
                    acr: proven.acr.clone(),
                    provider: Some(proven.provider),
                    idp_sid: proven.session.clone(),
                    ..SignInFacts::new(SignInMethod::Provider, auth_time.min(engine.now()))
                };
                let new = sessions::renew(&mut tx, &engine, &caller, facts).await?;
                let sealed = engine.envelope.seal(token_place(session), proven.id_token.as_bytes());
                db::providers::replace_id_token(&mut tx, session, &sealed).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}

/// Refuses whoever may not run a test sign-in, before anything is asked of the provider.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn may_test(engine: &Engine, caller: &Caller) -> Result<()> {
    let asked = async {
        let mut tx = engine.begin().await?;
        engine.authorize(&mut tx, caller, Action::ChangeProvider, engine.installation()).await?;
        tx.commit().await?;
        Ok(())
    };
    engine.noted(caller, asked.await).await
}

/// Keeps what an admin's test sign-in brought, and marks the settings as tested.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin; `unauthenticated` for a state that was used.
pub async fn keep_test(engine: &Engine, caller: &Caller, proven: Proven) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let proven = proven.clone();
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, engine.installation()).await?;
                let person = caller.person().ok_or(Error::NotFound)?;
                let stored = db::providers::lock(&mut tx, proven.provider).await?.ok_or_else(closed)?;
                spend_state(&mut tx, &engine, &proven).await?;
                let kept = Kept {
                    claims: serde_json::from_value(proven.claims.clone()).map_err(|_| unreadable(proven.provider))?,
                    skew_seconds: proven.skew_seconds,
                };
                let plain = Zeroizing::new(serde_json::to_vec(&kept).expect("claims are plain data"));
                let id = secret::random_id();
                let sealed = engine.envelope.seal(test_place(id), &plain);
                let ends_at = engine.now() + TEST_MS;
                db::providers::insert_test(&mut tx, id, stored.id, person, &sealed, ends_at).await?;
                db::providers::set_tested(&mut tx, stored.id, &stored.settings_digest).await?;
                let object = Object { kind: "provider", id: stored.id.0, place: At::Read(stored.n) };
                seal::append(&mut tx, &engine, &caller, &permit, &Event::AccessViewed { object }).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Returns the claims of a person's test sign-in at a provider, while they are kept.
pub(crate) async fn find_test(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    provider: ProviderId,
) -> Result<Option<serde_json::Value>> {
    match db::providers::find_test(conn, person, engine.now()).await? {
        Some((id, of, sealed)) if of == provider => {
            let plain = engine.envelope.open(test_place(id), &sealed)?;
            let kept: Kept = serde_json::from_slice(&plain).map_err(|_| unreadable(provider))?;
            Ok(Some(serde_json::Value::Object(kept.claims.into_iter().collect())))
        }
        _ => Ok(None),
    }
}

/// Puts on record why a sign-in or sign-out through a provider was refused; a flood makes one entry a minute.
///
/// # Errors
///
/// When nothing can be recorded.
pub async fn refused(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    cause: &'static str,
    detail: String,
) -> Result<()> {
    let count = match caller.person() {
        Some(_) => Some(1),
        None => engine.strangers.count(&caller.network, engine.now()),
    };
    let Some(count) = count else { return Ok(()) };
    engine
        .act(caller, move |engine, caller| {
            let detail = detail.clone();
            async move {
                let mut tx = engine.begin().await?;
                let permit = authorize::unevaluated(authorize::anonymous_actor());
                let ip = caller.network.clone();
                let event = Event::ProviderRefused { provider, count, cause, detail, ip };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                db::providers::set_fault(&mut tx, provider, entry.at, entry.id).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Signs what a browser keeps between leaving for a provider and coming back.
pub fn sign_transaction(engine: &Engine, text: &str) -> Vec<u8> {
    engine.vault.lookup("sign-in transaction", text)
}

/// Tells whether [`sign_transaction`] signed this text.
pub fn is_own_transaction(engine: &Engine, text: &str, signature: &[u8]) -> bool {
    sign_transaction(engine, text).ct_eq(signature).into()
}

/// Uses the state of a sign-in up and returns its provider, which stays as it is until the transaction ends.
async fn spend_state(conn: &mut PgConnection, engine: &Engine, proven: &Proven) -> Result<Stored> {
    let stored = db::providers::lock_share(conn, proven.provider).await?.ok_or_else(closed)?;
    if stored.subject_claim != proven.subject_claim {
        return Err(Error::refused(Code::Unauthenticated, "The provider's settings changed meanwhile. Start again."));
    }
    let digest = engine.vault.lookup("sign-in state", &proven.state);
    let now = engine.now();
    if db::providers::spend(conn, &digest, now, now + TRANSACTION_MS).await? {
        return Ok(stored);
    }
    Err(Error::refused(Code::Unauthenticated, "This sign-in was finished already. Start again."))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept of a test sign-in.
#[derive(Serialize, Deserialize)]
struct Kept {
    claims: std::collections::BTreeMap<String, serde_json::Value>,
    skew_seconds: i64,
}

fn secret_place(provider: ProviderId) -> Place {
    Place { table: "identity_providers", column: "secret", row: provider.0 }
}

fn token_place(session: SessionId) -> Place {
    Place { table: "session_id_tokens", column: "sealed", row: session.0 }
}

fn test_place(test: uuid::Uuid) -> Place {
    Place { table: "provider_tests", column: "sealed", row: test }
}

fn closed() -> Error {
    Error::refused(Code::Unauthenticated, "This way to sign in is closed.")
}

fn taken(sentence: &str) -> Error {
    Error::refused(Code::NameTaken, sentence)
}

fn unreadable(provider: ProviderId) -> Error {
    Error::Row { table: "identity_providers", column: "secret", id: provider.to_string() }
}
