//! Agents at the door: which system a key stands for.

use countersign_domain::{key::AgentKeyText, problem::Code};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    Engine,
    caller::Actor,
    db,
    error::{Error, Result},
};

/// `last_used_at` is written when it is older than this, in milliseconds.
const TOUCH_MS: u64 = 60_000;

/// Returns whose key this is.
///
/// # Errors
///
/// `unauthenticated` for an unknown, mistyped, revoked or expired key, always in the same words.
pub async fn authenticate(engine: &Engine, bearer: &str) -> Result<Actor> {
    let unknown = || {
        Error::refused(
            Code::Unauthenticated,
            "The key is not known, or was revoked or has expired. An admin can issue a new one.",
        )
    };
    let text = AgentKeyText::parse(bearer).map_err(|_| unknown())?;
    let mut conn = engine.app.acquire().await?;
    let key = db::agent_keys::find_by_key_id(&mut conn, text.id()).await?.ok_or_else(unknown)?;
    let hash = Sha256::digest(text.secret().as_bytes());
    let fits = bool::from(hash.as_slice().ct_eq(&key.secret_hash));
    let now = engine.now();
    if !fits || key.revoked_at.is_some() || now >= key.expires_at {
        return Err(unknown());
    }
    if key.last_used_at.is_none_or(|last| now >= last + TOUCH_MS) {
        db::agent_keys::set_last_used(&mut conn, key.id, now).await?;
    }

    Ok(Actor::Agent { system: key.system, key: key.id, issued: key.entry, scopes: key.scopes })
}
