//! Signing out here and at the provider, whoever begins it.

use countersign_domain::{
    event::{EndCause, Event},
    ids::{ProviderId, SessionId},
    problem::Code,
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{closed, hex, people::identity_lookup, token_place};
use crate::{
    Engine, authorize,
    caller::Caller,
    db,
    error::{Error, Result},
    seal,
    sessions::{self, OfProvider},
};

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
