//! Signed compact tokens (RFC 7515) and the keys that check them (RFC 7517).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha512};

use crate::{Fault, Result, json};

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// The most keys that a set may hold.
const KEYS_MAX: usize = 64;

/// A signature algorithm that a provider may be configured to use. There is no `none` and no MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
pub enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    EdDsa,
}

impl Algorithm {
    /// Every algorithm, the common one first.
    pub const ALL: [Algorithm; 4] = [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];

    /// Returns the registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Ps256 => "PS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// Returns the algorithm of this registered name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Returns the left half of the digest that `at_hash` holds.
    pub(crate) fn half_digest(self, text: &str) -> String {
        let half = match self {
            Algorithm::EdDsa => Sha512::digest(text.as_bytes())[..32].to_vec(),
            _ => Sha256::digest(text.as_bytes())[..16].to_vec(),
        };
        URL_SAFE_NO_PAD.encode(half)
    }
}

/// One public key of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Uncompressed point.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    /// Reads a key set and leaves out what is for other purposes or other algorithms.
    pub(crate) fn set(document: &[u8]) -> Option<Vec<Key>> {
        let document = json::object(document)?;
        let keys = document.get("keys")?.as_array().filter(|keys| keys.len() <= KEYS_MAX)?;
        Some(keys.iter().filter_map(|key| Key::read(key.as_object()?)).collect())
    }

    fn read(key: &Map<String, Value>) -> Option<Key> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let operations = key.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|operations| operations.iter().all(|operation| operation != "verify")) {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let significant = |bytes: Vec<u8>| bytes.into_iter().skip_while(|byte| *byte == 0).collect();
                Material::Rsa { n: significant(bytes("n")?), e: significant(bytes("e")?) }
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                (x.len() == 32 && y.len() == 32).then(|| Material::P256([vec![4], x, y].concat()))?
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
            _ => return None,
        };
        Some(Key { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), material })
    }

    /// Tells whether this key may check signatures of the algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.as_deref().is_none_or(|own| own == algorithm.name())
            && matches!(
                (&self.material, algorithm),
                (Material::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
                    | (Material::P256(_), Algorithm::Es256)
                    | (Material::Ed25519(_), Algorithm::EdDsa)
            )
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (&self.material, algorithm) {
            (Material::Rsa { n, e }, Algorithm::Rs256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Material::Rsa { n, e }, Algorithm::Ps256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            (Material::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Material::Ed25519(point), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

/// A token that was taken apart; nothing in it is believed yet.
pub(crate) struct Unverified<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    /// `typ` in lower case.
    pub(crate) kind: Option<String>,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
    what: &'static str,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart and refuses algorithms that are not configured before any key is looked at.
    pub(crate) fn read(what: &'static str, token: &'a str, algorithms: &[Algorithm]) -> Result<Self> {
        let malformed = || Fault::Malformed(what);
        if token.len() > TOKEN_BYTES_MAX {
            return Err(malformed());
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
        if payload.contains('.') {
            return Err(malformed());
        }
        let header = decode(header).and_then(|bytes| json::object(&bytes)).ok_or_else(malformed)?;
        let text = |name: &'static str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Fault::Header(name)),
        };
        let named = text("alg")?.ok_or(Fault::Header("alg"))?;
        let algorithm = Algorithm::from_name(&named)
            .filter(|algorithm| algorithms.contains(algorithm))
            .ok_or_else(|| Fault::Algorithm(named.chars().filter(|c| c.is_ascii_graphic()).take(16).collect()))?;
        if header.contains_key("crit") || header.contains_key("b64") || header.contains_key("zip") {
            return Err(Fault::Header("crit"));
        }
        let signature = decode(signature).ok_or_else(malformed)?;

        let (key_id, kind) = (text("kid")?, text("typ")?.map(|kind| kind.to_ascii_lowercase()));
        Ok(Self { algorithm, key_id, kind, signed, payload, signature, what })
    }

    /// Returns the one key that the token can have been signed with.
    pub(crate) fn choose<'k>(&self, keys: &'k [Key]) -> Result<&'k Key> {
        let fitting = keys.iter().filter(|key| key.fits(self.algorithm));
        let named = |key: &&Key| self.key_id.is_none() || key.id == self.key_id;
        let candidates: Vec<&Key> = fitting.filter(named).collect();
        match candidates.as_slice() {
            [] => Err(Fault::NoKey),
            [key] => Ok(key),
            several => Err(Fault::ManyKeys(several.len())),
        }
    }

    /// Checks the signature and returns the claims.
    pub(crate) fn verify(&self, key: &Key) -> Result<Map<String, Value>> {
        if !key.verify(self.algorithm, self.signed.as_bytes(), &self.signature) {
            return Err(Fault::Signature);
        }
        decode(self.payload).and_then(|bytes| json::object(&bytes)).ok_or(Fault::Malformed(self.what))
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
