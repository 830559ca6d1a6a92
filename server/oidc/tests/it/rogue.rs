//! A provider in this process. It behaves until it is told not to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign_oidc::{
    Algorithm, Asked, Callback, Client, ClientAuth, Fault, Logout, Provider, Result, Secret, SignIn, Transaction,
    Transport, TransportError,
};
use http::{StatusCode, header};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

pub(crate) const ISSUER: &str = "https://provider.example";
pub(crate) const CLIENT_ID: &str = "countersign test";
pub(crate) const CLIENT_SECRET: &str = "p%ss w:rd";
pub(crate) const REDIRECT_URI: &str = "https://desk.example/callback/rogue";
pub(crate) const ACCESS_TOKEN: &str = "access-token-of-the-test";
/// The tests' time, in seconds since 1970.
pub(crate) const NOW: u64 = 1_795_478_400;

/// A key pair of the provider.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) id: &'static str,
    kind: Arc<Kind>,
}

enum Kind {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    pub(crate) fn rsa(id: &'static str) -> Self {
        Self::of(id, Kind::Rsa(RsaKeyPair::from_pkcs8(include_bytes!("../keys/rsa-one.pk8")).unwrap()))
    }

    pub(crate) fn other_rsa(id: &'static str) -> Self {
        Self::of(id, Kind::Rsa(RsaKeyPair::from_pkcs8(include_bytes!("../keys/rsa-two.pk8")).unwrap()))
    }

    pub(crate) fn p256(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        Self::of(id, Kind::P256(pair.unwrap()))
    }

    pub(crate) fn ed25519(id: &'static str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::of(id, Kind::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()))
    }

    fn of(id: &'static str, kind: Kind) -> Self {
        Self { id, kind: Arc::new(kind) }
    }

    /// The public key as the provider publishes it.
    pub(crate) fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &*self.kind {
            Kind::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "use": "sig", "kid": self.id, "n": text(&n), "e": text(&e) })
            }
            Kind::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": text(&point[1..33]),
                    "y": text(&point[33..]) })
            }
            Kind::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.id,
                    "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match (&*self.kind, algorithm) {
            (_, "none") => Vec::new(),
            (_, "HS256") => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            (Kind::Rsa(pair), _) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let padding: &dyn ring::signature::RsaEncoding =
                    if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            (Kind::P256(pair), _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            (Kind::Ed25519(pair), _) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Signs claims as a compact token.
    pub(crate) fn token(&self, header: &Value, claims: &str) -> String {
        let algorithm = header["alg"].as_str().unwrap_or("RS256");
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.sign(algorithm, signed.as_bytes())))
    }
}

/// What the provider does. Members of the `with_…` objects replace its own; null removes one.
pub(crate) struct Script {
    pub(crate) published: Vec<Value>,
    pub(crate) signer: Pair,
    pub(crate) with_discovery: Value,
    pub(crate) with_header: Value,
    pub(crate) with_claims: Value,
    pub(crate) with_userinfo: Value,
    pub(crate) with_answer: Value,
    /// Replaces the claims' text as a whole.
    pub(crate) claims_text: Option<String>,
    /// Changes the signed token.
    pub(crate) spoil: fn(String) -> String,
    /// Answers at these paths instead.
    pub(crate) instead: BTreeMap<&'static str, (u16, Vec<u8>)>,
    /// No connection at these paths.
    pub(crate) down: Vec<&'static str>,
    /// What was asked: path and body.
    pub(crate) requests: Vec<Asking>,
    codes: BTreeMap<String, (String, String)>,
}

pub(crate) struct Asking {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

/// The provider and the relying party under test.
pub(crate) struct Desk {
    script: Arc<Mutex<Script>>,
    pub(crate) provider: Provider<InProcess>,
    pub(crate) now: u64,
    pub(crate) asked: Asked,
}

pub(crate) struct InProcess(Router, Arc<Mutex<Script>>);

impl Transport for InProcess {
    async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        bytes_max: usize,
    ) -> std::result::Result<http::Response<Vec<u8>>, TransportError> {
        if self.1.lock().unwrap().down.contains(&request.uri().path()) {
            return Err(TransportError("connection refused".into()));
        }
        let response = self.0.clone().oneshot(request.map(Body::from)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, bytes_max).await;
        let body = body.map_err(|_| TransportError("the answer is too long".into()))?;
        Ok(http::Response::from_parts(parts, body.to_vec()))
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// Makes a desk whose client is configured otherwise.
    pub(crate) fn with(configure: impl FnOnce(&mut Client)) -> Self {
        let signer = Pair::rsa("one");
        let empty = || json!({});
        let script = Arc::new(Mutex::new(Script {
            published: vec![signer.public()],
            signer,
            with_discovery: empty(),
            with_header: empty(),
            with_claims: empty(),
            with_userinfo: empty(),
            with_answer: empty(),
            claims_text: None,
            spoil: |token| token,
            instead: BTreeMap::new(),
            down: Vec::new(),
            requests: Vec::new(),
            codes: BTreeMap::new(),
        }));
        let mut client = Client {
            issuer: ISSUER.into(),
            client_id: CLIENT_ID.into(),
            auth: ClientAuth::Basic(Secret::new(CLIENT_SECRET)),
            redirect_uri: REDIRECT_URI.into(),
            algorithms: vec![Algorithm::Rs256],
            scopes: vec!["profile".into(), "groups".into()],
            subject_claim: "sub".into(),
            logout_typ_required: true,
            plain_http: false,
        };
        configure(&mut client);
        let router = Router::new().fallback(any(answer)).with_state(script.clone());
        let provider = Provider::new(client, InProcess(router, script.clone()));
        Self { script, provider, now: NOW, asked: Asked::default() }
    }

    /// Changes what the provider does.
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Lets the provider sign and publish with another key.
    pub(crate) fn sign_with(&self, pair: Pair, algorithm: &str) {
        let mut script = self.script();
        script.published = vec![pair.public()];
        script.with_header = json!({ "alg": algorithm });
        script.signer = pair;
    }

    /// Goes through the browser's part of a sign-in: returns the transaction and the callback's query.
    pub(crate) async fn walk(&self) -> Result<(Transaction, String)> {
        let transaction = Transaction::new([1; 32], [2; 32], [3; 32]);
        let address = self.provider.begin(self.now, &transaction, &self.asked).await?;
        let query = query_of(&address);
        assert_eq!(query["redirect_uri"], REDIRECT_URI);
        let mut script = self.script();
        let code = format!("code-{}", script.codes.len());
        script.codes.insert(code.clone(), (query["nonce"].clone(), query["code_challenge"].clone()));
        let state = &query["state"];

        Ok((transaction, format!("code={code}&state={state}&iss=https%3A%2F%2Fprovider.example")))
    }

    pub(crate) async fn redeem(&self, transaction: &Transaction, query: &str) -> Result<SignIn> {
        let callback = Callback::read(query)?;
        self.provider.redeem(self.now, transaction, &self.asked, &callback, [7; 16]).await
    }

    /// A whole sign-in.
    pub(crate) async fn sign_in(&self) -> Result<SignIn> {
        let (transaction, query) = self.walk().await?;
        self.redeem(&transaction, &query).await
    }

    pub(crate) async fn refusal(&self) -> Fault {
        self.sign_in().await.expect_err("the sign-in must be refused")
    }

    /// Has the provider write a logout token and checks it.
    pub(crate) async fn log_out(&self, header: Value, claims: Value) -> Result<Logout> {
        let token = {
            let script = self.script();
            let mut own = json!({ "alg": "RS256", "kid": script.signer.id, "typ": "logout+jwt" });
            merge(&mut own, &header);
            let mut body = json!({
                "iss": ISSUER, "aud": CLIENT_ID, "iat": self.now, "exp": self.now + 120, "jti": "logout-1",
                "sub": "subject-1", "sid": "session-1",
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            });
            merge(&mut body, &claims);
            script.signer.token(&own, &body.to_string())
        };
        self.provider.logout(self.now, &token).await
    }

    /// How often a path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.script().requests.iter().filter(|asking| asking.path == path).count()
    }
}

pub(crate) fn query_of(address: &str) -> BTreeMap<String, String> {
    let address = url::Url::parse(address).unwrap();
    let pairs: Vec<_> = address.query_pairs().into_owned().collect();
    let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(pairs.len(), map.len(), "a parameter was sent twice");
    map
}

fn merge(own: &mut Value, with: &Value) {
    let own: &mut Map<String, Value> = own.as_object_mut().unwrap();
    for (name, value) in with.as_object().unwrap() {
        if value.is_null() {
            own.remove(name);
        } else {
            own.insert(name.clone(), value.clone());
        }
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let path = parts.uri.path().to_owned();
    let authorization = parts.headers.get(header::AUTHORIZATION).map_or("", |value| value.to_str().unwrap());
    let mut script = script.lock().unwrap();
    script.requests.push(Asking {
        path: path.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: authorization.to_owned(),
        body: body.clone(),
    });
    if let Some((status, body)) = script.instead.get(path.as_str()) {
        return (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response();
    }
    let (status, answer) = match path.as_str() {
        "/.well-known/openid-configuration" => (200, discovery(&script)),
        "/jwks" => (200, json!({ "keys": script.published })),
        "/token" => redeem_code(&mut script, authorization, &body),
        "/userinfo" if authorization == format!("Bearer {ACCESS_TOKEN}") => {
            let mut claims = json!({ "sub": "subject-1", "groups": ["payments"], "name": "Ada" });
            merge(&mut claims, &script.with_userinfo);
            (200, claims)
        }
        _ => (404, json!({})),
    };
    (StatusCode::from_u16(status).unwrap(), answer.to_string()).into_response()
}

fn discovery(script: &Script) -> Value {
    let address = |path: &str| format!("{ISSUER}/{path}");
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": address("authorize"),
        "token_endpoint": address("token"),
        "jwks_uri": address("jwks"),
        "userinfo_endpoint": address("userinfo"),
        "end_session_endpoint": address("end"),
        "response_types_supported": ["code", "id_token"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    merge(&mut document, &script.with_discovery);
    document
}

fn redeem_code(script: &mut Script, authorization: &str, body: &str) -> (u16, Value) {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let basic = STANDARD.encode("countersign+test:p%25ss+w%3Ard");
    if authorization != format!("Basic {basic}") && !form.contains_key("client_assertion") {
        let description = format!("bad secret {CLIENT_SECRET}\r\n");
        return (401, json!({ "error": "invalid_client", "error_description": description }));
    }
    let challenge = form.get("code_verifier").map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    let known = script.codes.remove(&form["code"]);
    let (Some((nonce, challenge_sent)), Some(challenge)) = (known, challenge) else {
        return (400, json!({ "error": "invalid_grant" }));
    };
    if challenge != challenge_sent || form["redirect_uri"] != REDIRECT_URI {
        return (400, json!({ "error": "invalid_grant", "error_description": "PKCE" }));
    }
    let mut header = json!({ "alg": "RS256", "kid": script.signer.id, "typ": "JWT" });
    merge(&mut header, &script.with_header);
    let half = URL_SAFE_NO_PAD.encode(&Sha256::digest(ACCESS_TOKEN)[..16]);
    let mut claims = json!({
        "iss": ISSUER, "aud": CLIENT_ID, "sub": "subject-1", "iat": NOW, "exp": NOW + 300, "nonce": nonce,
        "at_hash": half, "sid": "session-1", "auth_time": NOW, "acr": "mfa", "amr": ["pwd", "otp"],
    });
    merge(&mut claims, &script.with_claims);
    let claims = script.claims_text.clone().unwrap_or_else(|| claims.to_string());
    let token = (script.spoil)(script.signer.token(&header, &claims));
    let mut answer = json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token });
    merge(&mut answer, &script.with_answer);
    (200, answer)
}
