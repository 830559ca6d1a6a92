//! Whose a provider's subject is: linking, and people who become members when they sign in.

use countersign_domain::{
    Problem,
    event::{Event, ProviderChange},
    ids::{PersonId, ProviderId},
    problem::Code,
    text::PersonName,
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{Proven, closed, settings::Settings, spend_state, taken};
use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit},
    caller::Caller,
    db::{self, providers::Stored},
    error::{Error, Result},
    people, seal, secret, sessions,
};

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
pub(super) async fn become_member(
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
            let digest = Settings::of(&stored)?.digest();
            stored.settings_digest = digest.0.to_vec();
            let event = Event::ProviderChanged { provider, n: stored.n, change: ProviderChange::Changed, digest };
            seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::providers::set_just_in_time(&mut tx, &stored).await?;
            engine.commit(tx).await
        })
        .await
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

pub(super) fn identity_lookup(engine: &Engine, issuer: &str, subject: &str) -> Vec<u8> {
    engine.vault.lookup("identity", &format!("{issuer}\n{subject}"))
}
