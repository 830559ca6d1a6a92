//! Identity providers as screens and doors see them.

use serde::{Deserialize, Serialize};

use crate::ids::ProviderId;

/// How a provider's token endpoint knows this installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// By a secret that the provider gave (`client_secret_basic`).
    #[default]
    ClientSecretBasic,
    /// By a signature with a key of this installation (`private_key_jwt`, RFC 7523).
    PrivateKeyJwt,
}

impl ClientAuth {
    /// Returns the registered word.
    pub const fn word(self) -> &'static str {
        match self {
            ClientAuth::ClientSecretBasic => "client_secret_basic",
            ClientAuth::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Returns the way of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [ClientAuth::ClientSecretBasic, ClientAuth::PrivateKeyJwt].into_iter().find(|way| way.word() == word)
    }
}

/// A way to sign in, on the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderLink {
    /// Its short name in addresses.
    pub slug: String,
    /// Its name on the link.
    pub name: String,
}

/// The page of identity providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvidersView {
    /// Address of the installation, before every address that a provider must know.
    pub origin: String,
    /// The providers, oldest first.
    pub providers: Vec<ProviderRow>,
    /// What the admin's test sign-in brought.
    pub test: Option<ProviderTest>,
}

/// One provider on its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// Its id.
    pub id: ProviderId,
    /// Its short name in addresses.
    pub slug: String,
    /// Its name on the sign-in page.
    pub name: String,
    /// Exactly as the provider writes it.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// Asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Signatures that are taken.
    pub algorithms: Vec<String>,
    /// The claim that says who somebody is.
    pub subject_claim: String,
    /// How the token endpoint knows this installation.
    pub client_auth: ClientAuth,
    /// The public key of this installation at the provider, as a JSON Web Key, where a key says who it is.
    pub client_key: Option<String>,
    /// Logout tokens must say what they are.
    pub logout_typ_required: bool,
    /// People can sign in through it.
    pub enabled: bool,
    /// A test sign-in passed with these settings.
    pub tested: bool,
    /// People known by it.
    pub people_count: u64,
    /// What went wrong last, and when.
    pub fault: Option<ProviderFault>,
}

/// What went wrong at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderFault {
    /// Milliseconds since 1970 UTC.
    pub at: u64,
    /// Which check failed, in a sentence without secrets.
    pub detail: String,
}

/// What a test sign-in brought. Values are masked but for those that a mapping reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderTest {
    /// The provider.
    pub provider: ProviderId,
    /// Claims by name, sorted.
    pub claims: Vec<ShownClaim>,
    /// The provider's clock against ours, in seconds.
    pub skew_seconds: i64,
}

/// One claim of a test sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownClaim {
    /// Its name.
    pub name: String,
    /// Its value, or what kind of value it is.
    pub value: String,
    /// The value is hidden.
    pub masked: bool,
}

/// Settings of a provider, as an admin types them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Its short name in addresses.
    pub slug: String,
    /// Its name on the sign-in page.
    pub name: String,
    /// Exactly as the provider writes it.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// Asked for beside `openid`, separated by spaces.
    pub scopes: String,
    /// Signatures that are taken.
    pub algorithms: Vec<String>,
    /// Logout tokens must say what they are.
    pub logout_typ_required: bool,
    /// The claim that says who somebody is; `sub` when empty.
    pub subject_claim: String,
    /// How the token endpoint knows this installation.
    pub client_auth: ClientAuth,
    /// Another key pair is made in place of the one in force.
    pub new_key: bool,
}

/// Returns a claim as the test panel shows it: names of groups and the facts of the sign-in in the
/// clear, everything that describes the person hidden.
pub fn shown_claim(name: &str, value: &serde_json::Value, read_by_mapping: bool) -> ShownClaim {
    const CLEAR: [&str; 9] = ["acr", "amr", "aud", "auth_time", "azp", "exp", "iat", "iss", "email_verified"];
    let clear = read_by_mapping || CLEAR.contains(&name);
    let value = match value {
        value if clear => match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        },
        serde_json::Value::String(text) => format!("text, {} characters", text.chars().count()),
        serde_json::Value::Array(elements) => format!("list of {}", elements.len()),
        serde_json::Value::Object(members) => format!("object with {} members", members.len()),
        serde_json::Value::Number(_) => "number".to_owned(),
        serde_json::Value::Bool(_) => "true or false".to_owned(),
        serde_json::Value::Null => "nothing".to_owned(),
    };
    ShownClaim { name: name.to_owned(), value: value.chars().take(400).collect(), masked: !clear }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_describes_a_person_is_hidden_and_what_a_mapping_reads_is_not() {
        assert_eq!(shown_claim("email", &json!("ada@example.org"), false).value, "text, 15 characters");
        assert_eq!(shown_claim("groups", &json!(["a", "b"]), false).value, "list of 2");
        assert_eq!(shown_claim("groups", &json!(["a", "b"]), true).value, r#"["a","b"]"#);
        assert_eq!(shown_claim("iss", &json!("https://idp.example"), false).value, "https://idp.example");
        assert!(shown_claim("address", &json!({ "street": "x" }), false).masked);
    }
}
