//! The checks of ID tokens and logout tokens.

use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::{
    Fault, Result,
    flow::{Expected, word},
    jose::Unverified,
};

/// How far the provider's clock may be off.
pub const SKEW_SECONDS: u64 = 60;
/// The oldest logout token.
const LOGOUT_AGE_SECONDS: u64 = 120;
/// The longest subject, as OpenID Connect Core sets it.
const SUBJECT_BYTES_MAX: usize = 255;
/// The event that a logout token announces.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Who issues, and for whom.
pub(crate) struct Parties<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    /// The claim that says who somebody is.
    pub(crate) subject_claim: &'a str,
}

/// What a logout token ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// Whose sign-ins; all of them when no session is named.
    pub subject: Option<String>,
    /// Which of the provider's sessions.
    pub session: Option<String>,
    /// Id of the token, which works once.
    pub token_id: String,
    /// Until when, in seconds since 1970, the id must be remembered.
    pub remember_until: u64,
}

/// The type of an ID token is `JWT` or not given; tokens for other purposes name theirs.
pub(crate) fn check_id_token_kind(token: &Unverified<'_>) -> Result<()> {
    match token.kind.as_deref() {
        None | Some("jwt" | "application/jwt") => Ok(()),
        Some(_) => Err(Fault::Header("typ")),
    }
}

/// Checks the claims of an ID token, in the order of OpenID Connect Core 3.1.3.7.
pub(crate) fn check_id_token(
    token: &Unverified<'_>,
    claims: &Map<String, Value>,
    parties: &Parties<'_>,
    expected: &Expected<'_>,
    access_token: &str,
    now: u64,
) -> Result<()> {
    check_parties(claims, parties)?;
    subject(claims)?.ok_or(claim("sub", "is missing"))?;
    if now >= required(claims, "exp")?.saturating_add(SKEW_SECONDS) {
        return Err(claim("exp", "is over"));
    }
    check_not_ahead("iat", required(claims, "iat")?, now)?;
    if let Some(begins) = optional(claims, "nbf")? {
        check_not_ahead("nbf", begins, now)?;
    }
    let nonce = text(claims, "nonce")?.ok_or(claim("nonce", "is missing"))?;
    if !equal(nonce, expected.nonce) {
        return Err(claim("nonce", "differs from the one of this sign-in"));
    }
    if let Some(hash) = text(claims, "at_hash")?
        && !equal(hash, &token.algorithm.half_digest(access_token))
    {
        return Err(claim("at_hash", "does not fit the access token"));
    }
    check_authentication(claims, expected, now)
}

/// Checks the claims of a logout token, as OpenID Connect Back-Channel Logout 2.6 lists them.
pub(crate) fn check_logout_token(claims: &Map<String, Value>, parties: &Parties<'_>, now: u64) -> Result<Logout> {
    check_parties(claims, parties)?;
    let issued_at = required(claims, "iat")?;
    check_not_ahead("iat", issued_at, now)?;
    if now > issued_at.saturating_add(LOGOUT_AGE_SECONDS) {
        return Err(claim("iat", "is more than two minutes ago"));
    }
    if let Some(ends) = optional(claims, "exp")?
        && now >= ends.saturating_add(SKEW_SECONDS)
    {
        return Err(claim("exp", "is over"));
    }
    let event = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(claim("events", "does not announce a logout"));
    }
    if claims.contains_key("nonce") {
        return Err(claim("nonce", "does not belong into a logout token"));
    }
    let token_id = text(claims, "jti")?.filter(|id| !id.is_empty()).ok_or(claim("jti", "is missing"))?;
    let (subject, session) = (subject(claims)?, text(claims, "sid")?.filter(|session| !session.is_empty()));
    if subject.is_none() && session.is_none() {
        return Err(claim("sub", "is missing, and sid too"));
    }
    // Whom `sub` names is not known where another claim says who somebody is; a session is.
    let whose = match session {
        Some(_) => identity(claims, parties).ok(),
        None => Some(identity(claims, parties)?),
    };

    Ok(Logout {
        subject: whose.map(str::to_owned),
        session: session.map(str::to_owned),
        token_id: token_id.to_owned(),
        remember_until: issued_at + LOGOUT_AGE_SECONDS + SKEW_SECONDS,
    })
}

/// The type of a logout token is `logout+jwt`; providers that give none can be let through.
pub(crate) fn check_logout_token_kind(token: &Unverified<'_>, typ_required: bool) -> Result<()> {
    match token.kind.as_deref() {
        Some("logout+jwt" | "application/logout+jwt") => Ok(()),
        None | Some("jwt") if !typ_required => Ok(()),
        _ => Err(Fault::Header("typ")),
    }
}

fn check_parties(claims: &Map<String, Value>, parties: &Parties<'_>) -> Result<()> {
    match text(claims, "iss")? {
        None => return Err(claim("iss", "is missing")),
        Some(issuer) if issuer != parties.issuer => return Err(claim("iss", "is another issuer")),
        Some(_) => {}
    }
    let audience: Vec<&str> = match claims.get("aud") {
        None => return Err(claim("aud", "is missing")),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => {
            several.iter().map(|one| one.as_str().ok_or(claim("aud", "is not text"))).collect::<Result<_>>()?
        }
        Some(_) => return Err(claim("aud", "is not text")),
    };
    if !audience.contains(&parties.client_id) {
        return Err(claim("aud", "does not name this client"));
    }
    match text(claims, "azp")? {
        None if audience.len() > 1 => Err(claim("azp", "is missing, and there are several audiences")),
        Some(party) if party != parties.client_id => Err(claim("azp", "is another client")),
        _ => Ok(()),
    }
}

/// What was asked for about the sign-in itself must have been done.
fn check_authentication(claims: &Map<String, Value>, expected: &Expected<'_>, now: u64) -> Result<()> {
    let authenticated_at = optional(claims, "auth_time")?;
    if let Some(age_max) = expected.age_seconds_max {
        let at = authenticated_at.ok_or(claim("auth_time", "is missing, and was asked for"))?;
        check_not_ahead("auth_time", at, now)?;
        if now > at.saturating_add(age_max.get()).saturating_add(SKEW_SECONDS) {
            return Err(claim("auth_time", "is too long ago"));
        }
    }
    let class = text(claims, "acr")?;
    if !expected.classes.is_empty() && !class.is_some_and(|class| expected.classes.iter().any(|asked| asked == class)) {
        return Err(claim("acr", "is none of those that were asked for"));
    }
    if claims.get("amr").is_some_and(|methods| !methods.as_array().is_some_and(|all| all.iter().all(Value::is_string)))
    {
        return Err(claim("amr", "is not a list of words"));
    }
    Ok(())
}

fn check_not_ahead(name: &'static str, at: u64, now: u64) -> Result<()> {
    if at > now + SKEW_SECONDS { Err(claim(name, "is in the future")) } else { Ok(()) }
}

/// Returns `sub`: 1 to 255 printable ASCII characters.
pub(crate) fn subject(claims: &Map<String, Value>) -> Result<Option<&str>> {
    match text(claims, "sub")? {
        None => Ok(None),
        Some(subject) if is_subject(subject) => Ok(Some(subject)),
        Some(_) => Err(claim("sub", "is empty, too long or not ASCII")),
    }
}

/// Returns who somebody is: the value of the configured claim.
///
/// Entra ID's `oid` is unique in one tenant only, so there the issuer must be the one of the token's tenant.
pub(crate) fn identity<'a>(claims: &'a Map<String, Value>, parties: &Parties<'_>) -> Result<&'a str> {
    let name = parties.subject_claim;
    if name == "oid" {
        let tenant = text(claims, "tid")?.filter(|tenant| !tenant.is_empty()).ok_or(claim("tid", "is missing"))?;
        if !parties.issuer.split('/').skip(3).any(|part| part == tenant) {
            return Err(claim("tid", "is another tenant than the one of the issuer"));
        }
    }
    let value = claims.get(name).and_then(Value::as_str).filter(|value| is_subject(value));
    value.ok_or_else(|| Fault::SubjectClaim(word(name)))
}

fn is_subject(text: &str) -> bool {
    (1..=SUBJECT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

pub(crate) fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(claim(name, "is not text")),
    }
}

fn required(claims: &Map<String, Value>, name: &'static str) -> Result<u64> {
    optional(claims, name)?.ok_or(claim(name, "is missing"))
}

/// Returns a time in seconds; providers may write fractions.
pub(crate) fn optional(claims: &Map<String, Value>, name: &'static str) -> Result<Option<u64>> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(seconds), _) => Ok(Some(seconds)),
            (None, Some(seconds)) if (0.0..1e12).contains(&seconds) => Ok(Some(seconds as u64)),
            _ => Err(claim(name, "is no time")),
        },
        Some(_) => Err(claim(name, "is no time")),
    }
}

pub(crate) fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

const fn claim(name: &'static str, what: &'static str) -> Fault {
    Fault::Claim { name, what }
}
