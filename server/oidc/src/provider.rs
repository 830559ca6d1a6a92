use std::{fmt, sync::Arc};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{Method, Request, Response, header};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{
    Algorithm, Asked, Callback, Fault, Logout, Result, Transaction,
    flow::{Expected, sentence, word},
    jose::{Key, Unverified},
    json,
    keys::Keys,
    token::{self, Parties},
};

/// The largest discovery document or key set.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// The largest answer with tokens or claims.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Discovery older than this is fetched again before it is used.
const METADATA_SECONDS: u64 = 3_600;
/// A provider that did not answer is asked for its metadata again after this.
const RETRY_SECONDS: u64 = 60;
/// How long a signed client assertion is good for.
const ASSERTION_SECONDS: u64 = 60;

/// A text that is never printed and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// The way to a provider. It follows no redirects, keeps its own time limits, and refuses addresses
/// that must not be asked.
pub trait Transport: Send + Sync {
    /// Sends a request and reads at most so many bytes of the answer.
    fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> impl Future<Output = std::result::Result<Response<Vec<u8>>, TransportError>> + Send;
}

impl<T: Transport> Transport for Arc<T> {
    fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> impl Future<Output = std::result::Result<Response<Vec<u8>>, TransportError>> + Send {
        T::send(self, request, bytes_max)
    }
}

/// How the token endpoint knows this client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `client_secret_basic`.
    Basic(Secret),
    /// `private_key_jwt` with ES256: the private scalar in base64url, and the key's id.
    PrivateKey {
        /// The scalar.
        scalar: Secret,
        /// Id under which the provider knows the public key.
        key_id: String,
    },
}

/// What was configured for one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Exactly as the provider writes it.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// How the provider knows us.
    pub auth: ClientAuth,
    /// Where the provider sends people back to; one of its own for each provider.
    pub redirect_uri: String,
    /// Which signatures are taken.
    pub algorithms: Vec<Algorithm>,
    /// Asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim of the ID token that says who somebody is: `sub`, or another that stays with one person.
    pub subject_claim: String,
    /// Whether a logout token must say that it is one.
    pub logout_typ_required: bool,
    /// Whether addresses may be plain http. The transport still refuses what it may not reach.
    pub plain_http: bool,
}

/// What a provider says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    end_session_endpoint: Option<Url>,
    issuer_announced: bool,
}

impl Metadata {
    /// Tells whether the provider has a way to sign out there too.
    pub fn signs_out(&self) -> bool {
        self.end_session_endpoint.is_some()
    }
}

/// A sign-in whose every check passed.
#[derive(Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Who issued it.
    pub issuer: String,
    /// Who it is, unique at the issuer: the value of the configured claim.
    pub subject: String,
    /// The claims of the ID token, and those of userinfo beside them.
    pub claims: Map<String, Value>,
    /// When the person last showed who they are, in seconds since 1970.
    pub auth_time: Option<u64>,
    /// How strongly, in the provider's word.
    pub acr: Option<String>,
    /// By what means.
    pub amr: Vec<String>,
    /// The provider's own session.
    pub session: Option<String>,
    /// The provider's clock against ours, in seconds, positive when it is ahead.
    pub skew_seconds: i64,
    /// The token itself, to name the session at sign-out.
    pub id_token: Secret,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignIn").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// One configured provider with what is known of it.
pub struct Provider<T> {
    client: Client,
    transport: T,
    metadata: Mutex<Known>,
    keys: Keys,
}

#[derive(Default)]
struct Known {
    metadata: Option<Arc<Metadata>>,
    fetched_at: u64,
    tried_at: Option<u64>,
}

impl<T: Transport> Provider<T> {
    /// Makes a provider; nothing is asked yet.
    pub fn new(client: Client, transport: T) -> Self {
        Self { client, transport, metadata: Mutex::default(), keys: Keys::default() }
    }

    /// Returns what was configured.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns what the provider says about itself, asking it when that is old.
    ///
    /// # Errors
    ///
    /// When it was never known and the provider does not answer, or answers for another issuer.
    pub async fn metadata(&self, now: u64) -> Result<Arc<Metadata>> {
        let mut known = self.metadata.lock().await;
        if let Some(metadata) = &known.metadata {
            let fresh = now < known.fetched_at + METADATA_SECONDS;
            if fresh || known.tried_at.is_some_and(|at| now < at + RETRY_SECONDS) {
                return Ok(metadata.clone());
            }
        }
        known.tried_at = Some(now);
        match (self.discover().await, &known.metadata) {
            (Ok(found), _) => {
                let found = Arc::new(found);
                known.metadata = Some(found.clone());
                known.fetched_at = now;
                Ok(found)
            }
            // A provider that is away for a while stays as it was; one that lies does not.
            (Err(Fault::Transport(_) | Fault::Status { .. }), Some(metadata)) => Ok(metadata.clone()),
            (Err(fault), _) => Err(fault),
        }
    }

    /// Returns the address that a browser is sent to.
    ///
    /// # Errors
    ///
    /// As [`Self::metadata`].
    pub async fn begin(&self, now: u64, transaction: &Transaction, asked: &Asked) -> Result<String> {
        let metadata = self.metadata(now).await?;
        let mut address = metadata.authorization_endpoint.clone();
        let scope = ["openid"].into_iter().chain(self.client.scopes.iter().map(String::as_str));
        let mut query = address.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("client_id", &self.client.client_id)
            .append_pair("redirect_uri", &self.client.redirect_uri)
            .append_pair("scope", &scope.collect::<Vec<_>>().join(" "))
            .append_pair("state", &transaction.state)
            .append_pair("nonce", &transaction.nonce)
            .append_pair("code_challenge", &transaction.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(age) = asked.age_seconds_max {
            query.append_pair("max_age", &age.to_string()).append_pair("prompt", "login");
        }
        if !asked.classes.is_empty() {
            query.append_pair("acr_values", &asked.classes.join(" "));
        }
        drop(query);

        Ok(address.into())
    }

    /// Turns a callback into a sign-in: state, `iss`, code, ID token and userinfo are checked in turn.
    ///
    /// # Errors
    ///
    /// The first check that failed.
    pub async fn redeem(
        &self,
        now: u64,
        transaction: &Transaction,
        asked: &Asked,
        callback: &Callback,
        assertion_id: [u8; 16],
    ) -> Result<SignIn> {
        let metadata = self.metadata(now).await?;
        let code = callback.code(transaction, &self.client.issuer, metadata.issuer_announced)?;
        let (id_token, access_token) = self.exchange(&metadata, now, code, transaction, assertion_id).await?;

        let unverified = Unverified::read("ID token", id_token.reveal(), &self.client.algorithms)?;
        token::check_id_token_kind(&unverified)?;
        let key = self.keys.find(now, &unverified, || self.fetch_keys(&metadata)).await?;
        let mut claims = unverified.verify(&key)?;
        let expected =
            Expected { nonce: &transaction.nonce, age_seconds_max: asked.age_seconds_max, classes: &asked.classes };
        token::check_id_token(&unverified, &claims, &self.parties(), &expected, access_token.reveal(), now)?;
        // Read before userinfo is asked: who it is comes from what is signed.
        let subject = token::identity(&claims, &self.parties())?.to_owned();
        let own = token::subject(&claims)?.expect("checked above").to_owned();

        if let Some(address) = &metadata.userinfo_endpoint {
            for (name, value) in self.userinfo(address, &access_token, &own).await? {
                claims.entry(name).or_insert(value);
            }
        }
        let methods = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
        let methods = methods.filter_map(Value::as_str).map(str::to_owned).collect();
        let issued_at = token::optional(&claims, "iat")?.unwrap_or(now);

        Ok(SignIn {
            issuer: self.client.issuer.clone(),
            subject,
            auth_time: token::optional(&claims, "auth_time")?,
            acr: token::text(&claims, "acr")?.map(str::to_owned),
            amr: methods,
            session: token::text(&claims, "sid")?.map(str::to_owned),
            skew_seconds: i64::try_from(issued_at).unwrap_or(i64::MAX).saturating_sub_unsigned(now),
            claims,
            id_token,
        })
    }

    /// Checks a logout token. Whoever calls remembers its id, so that it works once.
    ///
    /// # Errors
    ///
    /// The first check that failed.
    pub async fn logout(&self, now: u64, logout_token: &str) -> Result<Logout> {
        let unverified = Unverified::read("logout token", logout_token, &self.client.algorithms)?;
        token::check_logout_token_kind(&unverified, self.client.logout_typ_required)?;
        let metadata = self.metadata(now).await?;
        let key = self.keys.find(now, &unverified, || self.fetch_keys(&metadata)).await?;
        let claims = unverified.verify(&key)?;
        token::check_logout_token(&claims, &self.parties(), now)
    }

    /// Returns where a browser ends the provider's session too.
    ///
    /// # Errors
    ///
    /// [`Fault::NotOffered`], and as [`Self::metadata`].
    pub async fn end_session(&self, now: u64, id_token: &str, back_to: &str, state: &str) -> Result<String> {
        let metadata = self.metadata(now).await?;
        let mut address = metadata.end_session_endpoint.clone().ok_or(Fault::NotOffered("end_session_endpoint"))?;
        address
            .query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", &self.client.client_id)
            .append_pair("post_logout_redirect_uri", back_to)
            .append_pair("state", state);

        Ok(address.into())
    }

    fn parties(&self) -> Parties<'_> {
        Parties {
            issuer: &self.client.issuer,
            client_id: &self.client.client_id,
            subject_claim: &self.client.subject_claim,
        }
    }

    async fn discover(&self) -> Result<Metadata> {
        let address = format!("{}/.well-known/openid-configuration", self.client.issuer.trim_end_matches('/'));
        let address = self.address(&address).ok_or(Fault::Metadata("issuer"))?;
        let document = self.get("discovery", &address, DOCUMENT_BYTES_MAX).await?;
        let document = json::object(&document).ok_or(Fault::NotJson("discovery"))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let issuer = text("issuer").ok_or(Fault::Metadata("issuer"))?;
        if issuer != self.client.issuer {
            return Err(Fault::IssuerMismatch { found: sentence(issuer), configured: self.client.issuer.clone() });
        }
        let offers = |name: &str, wanted: &str| match document.get(name) {
            None => true,
            Some(list) => list.as_array().is_some_and(|list| list.iter().any(|one| one == wanted)),
        };
        if !offers("code_challenge_methods_supported", "S256") {
            return Err(Fault::Metadata("code_challenge_methods_supported"));
        }
        if !offers("response_types_supported", "code") {
            return Err(Fault::Metadata("response_types_supported"));
        }
        let required =
            |name: &'static str| text(name).and_then(|address| self.address(address)).ok_or(Fault::Metadata(name));
        let optional = |name: &'static str| match document.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => required(name).map(Some),
        };

        Ok(Metadata {
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            userinfo_endpoint: optional("userinfo_endpoint")?,
            end_session_endpoint: optional("end_session_endpoint")?,
            issuer_announced: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
        })
    }

    /// Reads an address: https, without a user, without a fragment.
    fn address(&self, text: &str) -> Option<Url> {
        let address = Url::parse(text).ok()?;
        let scheme = address.scheme() == "https" || (self.client.plain_http && address.scheme() == "http");
        let plain = address.username().is_empty() && address.password().is_none() && address.fragment().is_none();
        (scheme && plain && address.has_host()).then_some(address)
    }

    async fn fetch_keys(&self, metadata: &Metadata) -> Result<Vec<Key>> {
        let document = self.get("key set", &metadata.jwks_uri, DOCUMENT_BYTES_MAX).await?;
        Key::set(&document).ok_or(Fault::NotJson("key set"))
    }

    /// Writes the request that turns a code into tokens.
    fn exchange_request(
        &self,
        metadata: &Metadata,
        now: u64,
        code: &str,
        transaction: &Transaction,
        assertion_id: [u8; 16],
    ) -> Result<Request<Vec<u8>>> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.client.redirect_uri)
            .append_pair("code_verifier", &transaction.verifier);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(metadata.token_endpoint.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        match &self.client.auth {
            ClientAuth::Basic(secret) => {
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = Zeroizing::new(format!("{}:{}", encoded(&self.client.client_id), encoded(secret.reveal())));
                request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            }
            ClientAuth::PrivateKey { scalar, key_id } => {
                let assertion = self.assertion(metadata, now, scalar, key_id, assertion_id)?;
                form.append_pair("client_id", &self.client.client_id)
                    .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .append_pair("client_assertion", &assertion);
            }
        }
        request.body(form.finish().into_bytes()).map_err(|_| Fault::Metadata("token_endpoint"))
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        now: u64,
        code: &str,
        transaction: &Transaction,
        assertion_id: [u8; 16],
    ) -> Result<(Secret, Secret)> {
        let request = self.exchange_request(metadata, now, code, transaction, assertion_id)?;
        let answer = self.transport.send(request, ANSWER_BYTES_MAX).await?;
        let members = json::object(answer.body());
        let text = |name: &str| members.as_ref()?.get(name)?.as_str();
        if !answer.status().is_success() {
            return Err(match text("error") {
                Some(code) => Fault::Provider {
                    code: word(code),
                    description: self.without_secrets(text("error_description").unwrap_or_default()),
                },
                None => Fault::Status { what: "the token endpoint", status: answer.status().as_u16() },
            });
        }
        members.as_ref().ok_or(Fault::NotJson("the token endpoint's answer"))?;
        let id_token = text("id_token").ok_or(Fault::TokenAnswer("id_token"))?;
        let access_token = text("access_token").ok_or(Fault::TokenAnswer("access_token"))?;
        if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(Fault::TokenAnswer("token_type Bearer"));
        }

        Ok((Secret::new(id_token), Secret::new(access_token)))
    }

    /// Signs who this client is, for this token endpoint alone (RFC 7523).
    fn assertion(
        &self,
        metadata: &Metadata,
        now: u64,
        scalar: &Secret,
        key_id: &str,
        assertion_id: [u8; 16],
    ) -> Result<String> {
        let fault = || Fault::NotOffered("usable client key");
        let scalar = Zeroizing::new(URL_SAFE_NO_PAD.decode(scalar.reveal()).map_err(|_| fault())?);
        let key = SigningKey::from_slice(&scalar).map_err(|_| fault())?;
        let header = json!({ "alg": "ES256", "kid": key_id, "typ": "JWT" });
        let claims = json!({
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": metadata.token_endpoint.as_str(),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": URL_SAFE_NO_PAD.encode(assertion_id),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature: Signature = key.sign(signed.as_bytes());

        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
    }

    /// A provider's sentence may quote what it was sent.
    fn without_secrets(&self, text: &str) -> String {
        let cut = match &self.client.auth {
            ClientAuth::Basic(secret) if !secret.reveal().is_empty() => text.replace(secret.reveal(), "…"),
            _ => text.to_owned(),
        };
        sentence(&cut)
    }

    async fn userinfo(&self, address: &Url, access_token: &Secret, subject: &str) -> Result<Map<String, Value>> {
        let request = Request::get(address.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", access_token.reveal()))
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| Fault::TokenAnswer("a usable access_token"))?;
        let answer = self.transport.send(request, ANSWER_BYTES_MAX).await?;
        if !answer.status().is_success() {
            return Err(Fault::Status { what: "userinfo", status: answer.status().as_u16() });
        }
        let claims = json::object(answer.body()).ok_or(Fault::NotJson("userinfo"))?;
        match token::subject(&claims)? {
            Some(found) if found == subject => Ok(claims),
            _ => Err(Fault::Claim { name: "sub", what: "of userinfo is not the one of the ID token" }),
        }
    }

    async fn get(&self, what: &'static str, address: &Url, bytes_max: usize) -> Result<Vec<u8>> {
        let request = Request::get(address.as_str())
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| Fault::Metadata("issuer"))?;
        let answer = self.transport.send(request, bytes_max).await?;
        if !answer.status().is_success() {
            return Err(Fault::Status { what, status: answer.status().as_u16() });
        }
        Ok(answer.into_body())
    }
}
