//! Public keys in COSE form (RFC 9053) and signatures by them.

use ed25519_dalek::VerifyingKey;
use p256::ecdsa::signature::Verifier as _;

use super::Algorithm;

/// Labels of a COSE key.
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;

/// Verifies `signature` over `message` with a COSE key of the algorithm.
pub(super) fn verify(alg: Algorithm, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), &'static str> {
    let key = Key::parse(key)?;
    match alg {
        Algorithm::Es256 => {
            let key = key.es256()?;
            let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| "an ES256 signature is DER")?;
            key.verify(message, &signature).map_err(|_| "the signature does not verify")
        }
        Algorithm::EdDsa => {
            let key = key.eddsa()?;
            let signature = signature.try_into().map_err(|_| "an Ed25519 signature has 64 bytes")?;
            key.verify_strict(message, &signature).map_err(|_| "the signature does not verify")
        }
    }
}

/// Splits a COSE key off the front of `bytes`, checks that it can verify, and returns it with its algorithm and the rest.
pub(super) fn split(bytes: &[u8]) -> Result<(Algorithm, &[u8], &[u8]), &'static str> {
    let (key, rest) = Key::parse_front(bytes)?;
    let alg = match key.get(ALG) {
        Some(Item::Integer(-7)) => Algorithm::Es256,
        Some(Item::Integer(-8)) => Algorithm::EdDsa,
        _ => return Err("the key is neither ES256 nor EdDSA"),
    };
    match alg {
        Algorithm::Es256 => drop(key.es256()?),
        Algorithm::EdDsa => drop(key.eddsa()?),
    }

    Ok((alg, &bytes[..bytes.len() - rest.len()], rest))
}

/// The members of a COSE key: a CBOR map from small integers to small integers or byte strings.
struct Key<'a>(Vec<(i64, Item<'a>)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
}

impl<'a> Key<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        match Self::parse_front(bytes)? {
            (key, []) => Ok(key),
            _ => Err("bytes after the COSE key"),
        }
    }

    fn parse_front(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), &'static str> {
        let mut rest = bytes;
        let Ok((5, count)) = head(&mut rest) else {
            return Err("a COSE key is a CBOR map");
        };
        let mut members: Vec<(i64, Item<'_>)> = Vec::new();
        for _ in 0..count {
            let Item::Integer(label) = item(&mut rest)? else {
                return Err("a label of a COSE key is an integer");
            };
            if members.iter().any(|(known, _)| *known == label) {
                return Err("a label of a COSE key is repeated");
            }
            members.push((label, item(&mut rest)?));
        }

        Ok((Self(members), rest))
    }

    fn es256(&self) -> Result<p256::ecdsa::VerifyingKey, &'static str> {
        self.expect(2, -7, 1)?;
        let point = [&[4], self.coordinate(X)?, self.coordinate(Y)?].concat();
        p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(|_| "the key is not a point of P-256")
    }

    fn eddsa(&self) -> Result<VerifyingKey, &'static str> {
        self.expect(1, -8, 6)?;
        let point = self.coordinate(X)?.try_into().map_err(|_| "an Ed25519 key has 32 bytes")?;
        VerifyingKey::from_bytes(&point).map_err(|_| "the key is not a point of Ed25519")
    }

    fn get(&self, label: i64) -> Option<Item<'a>> {
        self.0.iter().find(|(known, _)| *known == label).map(|(_, item)| *item)
    }

    fn expect(&self, kty: i64, alg: i64, crv: i64) -> Result<(), &'static str> {
        match [(KTY, kty), (ALG, alg), (CRV, crv)]
            .into_iter()
            .all(|(label, value)| self.get(label) == Some(Item::Integer(value)))
        {
            true => Ok(()),
            false => Err("the COSE key is not of the algorithm named"),
        }
    }

    fn coordinate(&self, label: i64) -> Result<&'a [u8], &'static str> {
        match self.get(label) {
            Some(Item::Bytes(bytes)) if bytes.len() == 32 => Ok(bytes),
            _ => Err("a coordinate of the COSE key has 32 bytes"),
        }
    }
}

/// Reads an integer or a byte string (RFC 8949 section 3.1).
fn item<'a>(rest: &mut &'a [u8]) -> Result<Item<'a>, &'static str> {
    match head(rest)? {
        (0, number) => Ok(Item::Integer(i64::from(number))),
        (1, number) => Ok(Item::Integer(-1 - i64::from(number))),
        (2, length) => {
            let (bytes, tail) = rest.split_at_checked(usize::from(length)).ok_or("the COSE key is cut off")?;
            *rest = tail;
            Ok(Item::Bytes(bytes))
        }
        _ => Err("a COSE key holds integers and byte strings"),
    }
}

/// Reads major type and argument; a COSE key needs no argument above 16 bits.
fn head(rest: &mut &[u8]) -> Result<(u8, u16), &'static str> {
    let cut = "the COSE key is cut off";
    let (first, tail) = rest.split_first().ok_or(cut)?;
    let (argument, length) = match first & 0x1f {
        small @ 0..=23 => (u16::from(small), 0),
        24 => (u16::from(*tail.first().ok_or(cut)?), 1),
        25 => (u16::from_be_bytes(*tail.first_chunk().ok_or(cut)?), 2),
        _ => return Err("a number of the COSE key is too large"),
    };
    *rest = &tail[length..];

    Ok((first >> 5, argument))
}
