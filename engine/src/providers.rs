//! Identity providers: connecting them, and what a sign-in through one means here.
//!
//! The protocol is checked before anything arrives here. An identity is issuer and subject, never an
//! e-mail address; it is found by a keyed digest, and the subject itself is in the vault. A provider
//! takes effect only after a test sign-in with exactly its settings, and its secret is sealed at rest.

use countersign_domain::{
    Problem,
    event::{EndCause, Event, List, Object, Place as At, ProviderChange, SignInMethod},
    ids::{PersonId, ProviderId, SessionId},
    json,
    problem::Code,
    provider::{ProviderFault, ProviderLink, ProviderRow, ProviderSettings, ProviderTest, ProvidersView, shown_claim},
    text::PersonName,
};
use countersign_ledger::hash::{Hash, Label, digest};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, Transaction};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit},
    caller::Caller,
    clock::milliseconds,
    db::{self, providers::Stored},
    envelope::Place,
    error::{Error, Result},
    people, reads, role_mappings, roles, seal, secret,
    sessions::{self, NewSession, OfProvider, SignInFacts},
};

/// How long a sign-in at a provider may take, in milliseconds.
pub const TRANSACTION_MS: u64 = 10 * 60 * 1_000;
/// How long a test's claims are kept, in milliseconds.
const TEST_MS: u64 = 10 * 60 * 1_000;
/// How long an ID token outlives its sign-in, for the way to the provider's sign-out, in milliseconds.
const KEPT_MS: u64 = 2 * 60 * 1_000;
/// The algorithms that can be configured.
const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

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
    /// The client secret.
    pub secret: Zeroizing<String>,
    /// Signatures that are taken.
    pub algorithms: Vec<String>,
    /// Asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Logout tokens must say what they are.
    pub logout_typ_required: bool,
    /// People can sign in through it.
    pub enabled: bool,
}

/// A sign-in that the protocol's checks let through.
#[derive(Clone)]
pub struct Proven {
    /// The provider.
    pub provider: ProviderId,
    /// What was used up by it.
    pub state: String,
    /// Who it is at the provider.
    pub subject: String,
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
    let plain = engine.envelope.open(secret_place(stored.id), &stored.secret)?;
    let secret = String::from_utf8(plain.to_vec()).map_err(|_| unreadable(stored.id))?;
    Ok(Some(Connection {
        id: stored.id,
        n: stored.n,
        slug: stored.slug,
        issuer: stored.issuer,
        client_id: stored.client_id,
        secret: Zeroizing::new(secret),
        algorithms: stored.algorithms,
        scopes: stored.scopes,
        logout_typ_required: stored.logout_typ_required,
        enabled: stored.enabled_at.is_some(),
    }))
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
            tested: provider.is_tested(),
            id: provider.id,
            slug: provider.slug,
            name: provider.name,
            issuer: provider.issuer,
            client_id: provider.client_id,
            scopes: provider.scopes,
            algorithms: provider.algorithms,
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
    let secret = parse_secret(secret)?;
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

/// Changes a provider's name, client id, scopes, algorithms or secret; an empty secret leaves it as it is.
/// Whatever changes asks for another test; until then an enabled provider goes on with the new settings.
///
/// # Errors
///
/// As [`add`]; [`Error::NotFound`].
pub async fn change(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    settings: ProviderSettings,
    secret: &str,
) -> Result<()> {
    let secret = if secret.is_empty() { None } else { Some(parse_secret(secret)?) };
    engine
        .act(caller, move |engine, caller| {
            let (settings, secret) = (settings.clone(), secret.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, engine.installation()).await?;
                sessions::require_recent(&caller)?;
                let stored = db::providers::lock(&mut tx, provider).await?.ok_or(Error::NotFound)?;
                // Short name and issuer are what people and the provider know it by: they stay.
                let (slug, issuer) = (stored.slug.clone(), stored.issuer.clone());
                let parsed = Settings::parse(ProviderSettings { slug, issuer, ..settings })?;
                let settings = Settings { just_in_time: stored.just_in_time, ..parsed };
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
                let stored = db::providers::lock_share(&mut tx, proven.provider).await?.ok_or_else(closed)?;
                if stored.enabled_at.is_none() {
                    return Err(closed());
                }
                spend_state(&mut tx, &engine, &proven).await?;
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

/// Makes a provider's subject one more way in for the caller.
///
/// # Errors
///
/// `step_up_required`; `name_taken` when the subject is somebody else's.
pub async fn link_own(engine: &Engine, caller: &Caller, proven: Proven) -> Result<()> {
    sessions::require_recent(caller)?;
    engine
        .act(caller, move |engine, caller| {
            let proven = proven.clone();
            async move {
                let mut tx = engine.begin().await?;
                let (person, _) = caller.signed_in()?;
                let target = authorize::Target::Member(person);
                let permit = engine.authorize(&mut tx, &caller, Action::ManageFactors, target).await?;
                spend_state(&mut tx, &engine, &proven).await?;
                match person_of(&mut tx, &engine, proven.provider, &proven.subject).await? {
                    Some(other) if other != person => {
                        return Err(taken("This identity belongs to another member."));
                    }
                    Some(_) => return Err(taken("This identity is yours already.")),
                    None => {}
                }
                link(&mut tx, &engine, &caller, &permit, proven.provider, &proven.subject, person).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Makes a member, without any role, of somebody who signs in for the first time (O11).
///
/// The name on screens and the sign-in name come from the claims; they join nobody: a sign-in name that is
/// in use is not taken.
async fn become_member(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Stored,
    proven: &Proven,
) -> Result<PersonId> {
    let permit = authorize::unevaluated(authorize::engine_actor());
    let claim = |name: &str| proven.claims.get(name).and_then(serde_json::Value::as_str);
    let preferred = claim("preferred_username").and_then(|login| people::parse_login(login).ok());
    let name =
        ["name", "preferred_username", "sub"].into_iter().filter_map(claim).find_map(|n| PersonName::new(n).ok());
    let name = name.ok_or_else(|| Error::refused(Code::Unauthenticated, "The provider names nobody."))?;
    let free = match &preferred {
        Some(login) => db::people::find_by_login(tx, &sessions::login_lookup(engine, login)).await?.is_none(),
        None => false,
    };
    let login = match preferred.filter(|_| free) {
        Some(login) => login,
        None => format!("{}-{}", stored.slug, &secret::random_id().simple().to_string()[..8]),
    };
    let person = people::create_bare(tx, engine, caller, &permit, &name, &login).await?;
    link(tx, engine, caller, &permit, stored.id, &proven.subject, person).await?;
    Ok(person)
}

/// Lets people in who are not members yet, without any role but those that the mapping gives, or no longer.
///
/// # Errors
///
/// `invalid_transition` when it stands so already; `step_up_required`; [`Error::Forbidden`] for anybody but an admin.
pub async fn set_just_in_time(engine: &Engine, caller: &Caller, provider: ProviderId, on: bool) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let target = engine.installation();
            let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, target).await?;
            sessions::require_recent(&caller)?;
            let mut stored = db::providers::lock(&mut tx, provider).await?.ok_or(Error::NotFound)?;
            if stored.just_in_time == on {
                let problem = Problem::new(Code::InvalidTransition, "It stands so already.");
                return Err(Denial::by_rule(permit, Action::ChangeProvider, target, problem));
            }
            stored.just_in_time = on;
            stored.n += 1;
            let digest = Settings::of(&stored).digest();
            stored.settings_digest = digest.0.to_vec();
            let event = Event::ProviderChanged { provider, n: stored.n, change: ProviderChange::Changed, digest };
            seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::providers::set_just_in_time(&mut tx, &stored).await?;
            engine.commit(tx).await
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

/// Returns whose a provider's subject is.
pub(crate) async fn person_of(
    conn: &mut PgConnection,
    engine: &Engine,
    provider: ProviderId,
    subject: &str,
) -> Result<Option<PersonId>> {
    let stored = db::providers::lock_share(conn, provider).await?.ok_or_else(closed)?;
    Ok(db::providers::find_identity(conn, &identity_lookup(engine, &stored.issuer, subject)).await?)
}

/// Makes a provider's subject a member's, who is locked by this.
pub(crate) async fn link(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    provider: ProviderId,
    subject: &str,
    person: PersonId,
) -> Result<()> {
    let stored = db::providers::lock_share(tx, provider).await?.ok_or_else(closed)?;
    let account = db::people::lock(tx, person).await?.ok_or(Error::NotFound)?;
    let n = account.n + 1;
    let event = Event::IdentityLinked { person, n, provider, subject: subject.to_owned() };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    db::people::set_n(tx, person, n).await?;
    let lookup = identity_lookup(engine, &stored.issuer, subject);
    db::providers::insert_identity(tx, &lookup, provider, person, entry.at, entry.id).await?;
    Ok(())
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

/// Ends what a provider wants ended; returns how many sign-ins. A logout token works once.
///
/// # Errors
///
/// `unauthenticated` for a token that was used.
pub async fn back_channel_logout(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    logout: Logout,
) -> Result<usize> {
    engine
        .act(caller, move |engine, caller| {
            let logout = logout.clone();
            async move {
                let mut tx = engine.begin().await?;
                let stored = db::providers::lock_share(&mut tx, provider).await?.ok_or_else(closed)?;
                let digest = engine.vault.lookup("logout token", &format!("{provider}\n{}", logout.token_id));
                if !db::providers::spend(&mut tx, &digest, engine.now(), logout.remember_until).await? {
                    return Err(Error::refused(Code::Unauthenticated, "This logout token was used already."));
                }
                let which = match (logout.session, logout.subject) {
                    (Some(session), _) => Some(OfProvider::Sid(session)),
                    (None, Some(subject)) => {
                        let lookup = identity_lookup(&engine, &stored.issuer, &subject);
                        db::providers::find_identity(&mut tx, &lookup).await?.map(OfProvider::Person)
                    }
                    (None, None) => None,
                };
                let permit = authorize::unevaluated(authorize::engine_actor());
                let ended = match which {
                    Some(which) => {
                        let cause = EndCause::BackChannel;
                        sessions::end_for_provider(&mut tx, &engine, &caller, &permit, provider, &which, cause).await?
                    }
                    None => 0,
                };
                if ended == 0 {
                    let event = Event::ProviderRefused {
                        provider,
                        count: 1,
                        cause: "no_session",
                        detail: "a logout token named no running sign-in".into(),
                        ip: caller.network.clone(),
                    };
                    seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                }
                engine.commit(tx).await?;
                Ok(ended)
            }
        })
        .await
}

/// What a checked logout token ends.
#[derive(Clone, Debug)]
pub struct Logout {
    /// Whose sign-ins, where no session is named.
    pub subject: Option<String>,
    /// Which of the provider's sessions.
    pub session: Option<String>,
    /// Id of the token.
    pub token_id: String,
    /// Until when it must be remembered, in milliseconds since 1970.
    pub remember_until: u64,
}

/// Signs the caller out and returns the address that ends the provider's session too, where the sign-in
/// came through one. The sign-in here ends first, whatever the provider does.
///
/// # Errors
///
/// As [`sessions::sign_out`].
pub async fn sign_out(engine: &Engine, caller: &Caller) -> Result<Option<String>> {
    let (_, session) = caller.signed_in()?;
    let kept = db::providers::find_id_token(&mut *engine.app.acquire().await?, session).await?;
    sessions::sign_out(engine, caller).await?;
    Ok(kept.map(|(slug, _)| {
        let ticket = format!("{session}.{}", engine.now());
        let signature = hex(&engine.vault.lookup("sign-out", &ticket));
        format!("/sign-out/{slug}?of={ticket}.{signature}")
    }))
}

/// Opens the ID token that an address of [`sign_out`] stands for, while it is fresh.
///
/// # Errors
///
/// When the token does not open.
pub async fn leaving_token(
    engine: &Engine,
    ticket: &str,
    now: u64,
    fresh_ms: u64,
) -> Result<Option<Zeroizing<String>>> {
    let Some((signed, signature)) = ticket.rsplit_once('.') else { return Ok(None) };
    let own: bool = hex(&engine.vault.lookup("sign-out", signed)).as_bytes().ct_eq(signature.as_bytes()).into();
    let fresh = |at: &str| at.parse::<u64>().is_ok_and(|at| now <= at.saturating_add(fresh_ms));
    let session = match signed.split_once('.') {
        Some((session, at)) if own && fresh(at) => session.parse::<SessionId>().ok(),
        _ => None,
    };
    let Some(session) = session else { return Ok(None) };
    let kept = db::providers::find_id_token(&mut *engine.app.acquire().await?, session).await?;
    let Some((_, sealed)) = kept else { return Ok(None) };
    let plain = engine.envelope.open(token_place(session), &sealed)?;
    let unreadable = |_| Error::Row { table: "session_id_tokens", column: "sealed", id: session.to_string() };
    String::from_utf8(plain.to_vec()).map(|token| Some(Zeroizing::new(token))).map_err(unreadable)
}

/// Signs what a browser keeps between leaving for a provider and coming back.
pub fn sign_transaction(engine: &Engine, text: &str) -> Vec<u8> {
    engine.vault.lookup("sign-in transaction", text)
}

/// Tells whether [`sign_transaction`] signed this text.
pub fn is_own_transaction(engine: &Engine, text: &str, signature: &[u8]) -> bool {
    sign_transaction(engine, text).ct_eq(signature).into()
}

async fn spend_state(conn: &mut PgConnection, engine: &Engine, proven: &Proven) -> Result<()> {
    let digest = engine.vault.lookup("sign-in state", &proven.state);
    let now = engine.now();
    if db::providers::spend(conn, &digest, now, now + TRANSACTION_MS).await? {
        return Ok(());
    }
    Err(Error::refused(Code::Unauthenticated, "This sign-in was finished already. Start again."))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn identity_lookup(engine: &Engine, issuer: &str, subject: &str) -> Vec<u8> {
    engine.vault.lookup("identity", &format!("{issuer}\n{subject}"))
}

/// What is kept of a test sign-in.
#[derive(Serialize, Deserialize)]
struct Kept {
    claims: std::collections::BTreeMap<String, serde_json::Value>,
    skew_seconds: i64,
}

/// Settings that were read.
#[derive(Clone)]
struct Settings {
    slug: String,
    name: String,
    issuer: String,
    client_id: String,
    scopes: Vec<String>,
    algorithms: Vec<String>,
    logout_typ_required: bool,
    just_in_time: bool,
}

impl Settings {
    fn of(stored: &Stored) -> Self {
        Self {
            slug: stored.slug.clone(),
            name: stored.name.clone(),
            issuer: stored.issuer.clone(),
            client_id: stored.client_id.clone(),
            scopes: stored.scopes.clone(),
            algorithms: stored.algorithms.clone(),
            logout_typ_required: stored.logout_typ_required,
            just_in_time: stored.just_in_time,
        }
    }

    fn parse(typed: ProviderSettings) -> Result<Self> {
        let field = |pointer: &str, sentence: &str| Error::field(pointer, "invalid_setting", sentence);
        let slug = typed.slug.trim().to_owned();
        let fits = (2..=32).contains(&slug.len())
            && slug.starts_with(|first: char| first.is_ascii_lowercase())
            && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            return Err(field("/slug", "Use 2 to 32 lower-case letters, digits and hyphens, such as company."));
        }
        let name = typed.name.trim().to_owned();
        if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(field("/name", "Give 1 to 64 characters, as people know it, such as Company account."));
        }
        let issuer = typed.issuer.trim().to_owned();
        let address = issuer.starts_with("https://") || issuer.starts_with("http://");
        let plain = issuer.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\".contains(&byte));
        if !address || !plain || !(12..=500).contains(&issuer.len()) {
            return Err(field(
                "/issuer",
                "Give the issuer exactly as the provider shows it, such as https://id.example.org.",
            ));
        }
        let client_id = typed.client_id.trim().to_owned();
        if !(1..=255).contains(&client_id.len()) || !client_id.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(field("/client_id", "Copy the client id that the provider gave this installation."));
        }
        let scopes: Vec<String> =
            typed.scopes.split_whitespace().filter(|scope| *scope != "openid").map(str::to_owned).collect();
        let scope_fits = |scope: &String| {
            scope.len() <= 128 && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        if scopes.len() > 20 || !scopes.iter().all(scope_fits) {
            return Err(field("/scopes", "Separate scopes by spaces, such as: profile groups."));
        }
        let mut algorithms = typed.algorithms;
        algorithms.sort();
        algorithms.dedup();
        if algorithms.is_empty() || !algorithms.iter().all(|name| ALGORITHMS.contains(&name.as_str())) {
            return Err(field("/algorithms", "Choose at least one of RS256, PS256, ES256 and EdDSA."));
        }
        let logout_typ_required = typed.logout_typ_required;

        Ok(Self { slug, name, issuer, client_id, scopes, algorithms, logout_typ_required, just_in_time: false })
    }

    /// Digest of the settings as RFC 8785 text, without the secret.
    fn digest(&self) -> Hash {
        let mut settings = serde_json::json!({
            "algorithms": self.algorithms,
            "client_id": self.client_id,
            "issuer": self.issuer,
            "logout_typ_required": self.logout_typ_required,
            "name": self.name,
            "scopes": self.scopes,
            "slug": self.slug,
        });
        if self.just_in_time {
            settings["just_in_time"] = true.into();
        }
        digest(Label::Provider, json::canonical(&settings).as_bytes())
    }

    fn stored(&self, id: ProviderId, n: u64, secret: Vec<u8>) -> Stored {
        Stored {
            id,
            n,
            slug: self.slug.clone(),
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            secret,
            algorithms: self.algorithms.clone(),
            scopes: self.scopes.clone(),
            logout_typ_required: self.logout_typ_required,
            settings_digest: self.digest().0.to_vec(),
            tested_digest: None,
            enabled_at: None,
            fault_at: None,
            fault_entry: None,
            just_in_time: self.just_in_time,
        }
    }
}

fn parse_secret(secret: &str) -> Result<Zeroizing<String>> {
    let secret = secret.trim();
    if (1..=512).contains(&secret.len()) && secret.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(Zeroizing::new(secret.to_owned()));
    }
    Err(Error::field("/secret", "invalid_setting", "Copy the client secret that the provider shows once."))
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
