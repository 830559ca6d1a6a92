//! Keys by which a provider knows this installation (`private_key_jwt`): a pair for each provider that wants one.
//!
//! The private half is sealed where a client secret would be and leaves only to sign. The public half is derived from
//! it whenever somebody asks, so what an admin registers at a provider was not exchanged in the database.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use p256::ecdsa::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret;

/// Makes a pair and returns its private half: the scalar in base64url.
pub(crate) fn make() -> Zeroizing<String> {
    loop {
        let scalar = Zeroizing::new(secret::random::<32>());
        if SigningKey::from_slice(scalar.as_slice()).is_ok() {
            return Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(scalar.as_slice()));
        }
    }
}

/// Returns the public half as a JSON Web Key (RFC 7517) whose id is its thumbprint (RFC 7638).
pub(crate) fn public(scalar: &str) -> Option<Value> {
    let scalar = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(scalar).ok()?);
    let key = SigningKey::from_slice(&scalar).ok()?;
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes().get(1..)?.split_at_checked(32)?;
    let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    let id = BASE64_URL_SAFE_NO_PAD.encode(thumbprint);
    Some(json!({ "alg": "ES256", "crv": "P-256", "kid": id, "kty": "EC", "use": "sig", "x": x, "y": y }))
}

/// Returns the id of the pair.
pub(crate) fn id(scalar: &str) -> Option<String> {
    public(scalar)?["kid"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The private key of RFC 7515, appendix A.3, and its public half there.
    #[test]
    fn the_public_half_is_the_one_of_the_standard() {
        let public = public("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI").unwrap();

        assert_eq!(public["x"], "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        assert_eq!(public["y"], "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        assert_eq!(public["kid"], "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        assert!(public.get("d").is_none());
    }

    #[test]
    fn every_pair_is_another() {
        let (one, other) = (make(), make());

        assert_ne!(id(&one).unwrap(), id(&other).unwrap());
        assert_eq!(id("AAAA"), None);
    }
}
