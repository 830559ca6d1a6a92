//! Settings of a provider: read, compared by digest, and what they say of the secret.

use countersign_domain::{
    ids::ProviderId,
    json,
    provider::{ClientAuth, ProviderSettings},
};
use countersign_ledger::hash::{Hash, Label, digest};
use zeroize::Zeroizing;

use super::unreadable;
use crate::{
    client_keys,
    db::providers::Stored,
    error::{Error, Result},
};

/// The algorithms that can be configured.
const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

/// Claims that describe a sign-in, or a person for a while: none of them says who somebody is.
const PASSING_CLAIMS: [&str; 25] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "email",
    "exp",
    "family_name",
    "given_name",
    "groups",
    "iat",
    "iss",
    "jti",
    "name",
    "nbf",
    "nickname",
    "nonce",
    "phone_number",
    "preferred_username",
    "roles",
    "sid",
    "tid",
    "upn",
];

/// Settings that were read.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) algorithms: Vec<String>,
    pub(super) subject_claim: String,
    pub(super) client_auth: ClientAuth,
    pub(super) client_key_id: Option<String>,
    pub(super) logout_typ_required: bool,
    pub(super) just_in_time: bool,
}

impl Settings {
    pub(super) fn of(stored: &Stored) -> Result<Self> {
        Ok(Self {
            slug: stored.slug.clone(),
            name: stored.name.clone(),
            issuer: stored.issuer.clone(),
            client_id: stored.client_id.clone(),
            scopes: stored.scopes.clone(),
            algorithms: stored.algorithms.clone(),
            subject_claim: stored.subject_claim.clone(),
            client_auth: ClientAuth::from_word(&stored.client_auth).ok_or_else(|| unreadable(stored.id))?,
            client_key_id: stored.client_key_id.clone(),
            logout_typ_required: stored.logout_typ_required,
            just_in_time: stored.just_in_time,
        })
    }

    pub(super) fn parse(typed: ProviderSettings) -> Result<Self> {
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
        let subject_claim = match typed.subject_claim.trim() {
            "" => "sub".to_owned(),
            name => name.to_owned(),
        };
        if PASSING_CLAIMS.contains(&subject_claim.as_str()) {
            return Err(field(
                "/subject_claim",
                "This claim can change, or pass to somebody else. Choose one that stays with one person, such as sub or oid.",
            ));
        }
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if subject_claim.len() > 64 || !subject_claim.bytes().all(plain) {
            return Err(field("/subject_claim", "Give the name of one claim, such as sub or oid."));
        }

        Ok(Self {
            slug,
            name,
            issuer,
            client_id,
            scopes,
            algorithms,
            subject_claim,
            client_auth: typed.client_auth,
            client_key_id: None,
            logout_typ_required: typed.logout_typ_required,
            just_in_time: false,
        })
    }

    /// Makes a key pair for these settings and returns its private half with them.
    pub(super) fn with_new_key(self) -> (Self, Zeroizing<String>) {
        let scalar = client_keys::make();
        (Self { client_key_id: client_keys::id(&scalar), ..self }, scalar)
    }

    /// Digest of the settings as RFC 8785 text, without the secret, but with the id of a key.
    pub(super) fn digest(&self) -> Hash {
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
        if self.subject_claim != "sub" {
            settings["subject_claim"] = self.subject_claim.as_str().into();
        }
        if let Some(key) = &self.client_key_id {
            settings["client_auth"] = self.client_auth.word().into();
            settings["client_key"] = key.as_str().into();
        }
        digest(Label::Provider, json::canonical(&settings).as_bytes())
    }

    pub(super) fn stored(&self, id: ProviderId, n: u64, secret: Vec<u8>) -> Stored {
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
            subject_claim: self.subject_claim.clone(),
            client_auth: self.client_auth.word().to_owned(),
            client_key_id: self.client_key_id.clone(),
        }
    }
}

/// What a form says of the secret.
#[derive(Clone)]
pub(super) enum Given {
    Secret(Zeroizing<String>),
    /// A key of this installation takes its place.
    Key,
    Nothing,
}

impl Given {
    pub(super) fn parse(settings: &Settings, typed: &str) -> Result<Self> {
        let typed = typed.trim();
        match (settings.client_auth, typed.is_empty()) {
            (ClientAuth::PrivateKeyJwt, true) => Ok(Self::Key),
            (ClientAuth::PrivateKeyJwt, false) => Err(Error::field(
                "/secret",
                "invalid_setting",
                "With a key of this installation there is no client secret: leave the field empty.",
            )),
            (ClientAuth::ClientSecretBasic, true) => Ok(Self::Nothing),
            (ClientAuth::ClientSecretBasic, false)
                if typed.len() <= 512 && typed.bytes().all(|byte| (b' '..=b'~').contains(&byte)) =>
            {
                Ok(Self::Secret(Zeroizing::new(typed.to_owned())))
            }
            _ => Err(no_secret()),
        }
    }
}

pub(super) fn no_secret() -> Error {
    Error::field("/secret", "invalid_setting", "Copy the client secret that the provider shows once.")
}
