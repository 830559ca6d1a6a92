//! Codes of authenticator apps: RFC 6238 over HMAC-SHA1, six digits, 30 seconds.
//!
//! SHA-1 is what every app reads from the address; HMAC does not lean on its collision resistance.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret;

/// Seconds that one code stands for.
const STEP_SECONDS: u64 = 30;
/// Steps that a clock may be off, on either side.
const DRIFT: u64 = 1;

/// A seed of 160 bits, as RFC 4226 advises.
pub(crate) type Seed = Zeroizing<[u8; 20]>;

/// Makes a seed.
pub(crate) fn seed() -> Seed {
    Zeroizing::new(secret::random())
}

/// Returns the step that a code stands for, if it is one of about now and later than `last`: each works once.
pub(crate) fn step_of(seed: &[u8], code: &str, now: u64, last: i64) -> Option<i64> {
    let current = now / 1_000 / STEP_SECONDS;
    let typed: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    (current.saturating_sub(DRIFT)..=current + DRIFT)
        .filter(|step| i64::try_from(*step).is_ok_and(|step| step > last))
        .find(|step| bool::from(code_at(seed, *step).as_bytes().ct_eq(typed.as_bytes())))
        .and_then(|step| i64::try_from(step).ok())
}

/// Returns the code of a step (RFC 4226 section 5.3).
pub(crate) fn code_at(seed: &[u8], step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("any key length fits an HMAC");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0x0f);
    let word = [digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]];
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
}

/// Writes bytes as base32 (RFC 4648) without padding, as authenticator apps take secrets.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bytes
        .chunks(5)
        .flat_map(|chunk| {
            let mut block = [0; 8];
            block[3..3 + chunk.len()].copy_from_slice(chunk);
            let bits = u64::from_be_bytes(block);
            (0..(chunk.len() * 8).div_ceil(5)).map(move |place| (bits >> (35 - 5 * place)) as usize & 31)
        })
        .map(|digit| char::from(ALPHABET[digit]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (seconds, code) in [
            (59u64, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(SEED, seconds / STEP_SECONDS), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_works_once_and_one_step_around_now() {
        let now = 1_111_111_111_000;
        let current = 1_111_111_111 / STEP_SECONDS;
        let of = |step: u64| code_at(SEED, step);
        let known = |code: &str, last| step_of(SEED, code, now, last);

        let step = i64::try_from(current).unwrap();
        assert_eq!(known(&of(current), 0), Some(step));
        assert_eq!(known(" 050 471 ", 0), Some(step));
        assert_eq!(known(&of(current - 1), 0), Some(step - 1));
        assert_eq!(known(&of(current + 1), 0), Some(step + 1));
        assert_eq!(known(&of(current), step), None, "it was used");
        assert_eq!(known(&of(current - 1), step), None, "an older one after it");
        assert_eq!((known(&of(current - 2), 0), known(&of(current + 2), 0)), (None, None));
        assert_eq!((known("", 0), known("05047", 0)), (None, None));
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
