//! Keys as text: `csig_<8 key id>_<43 secret><6 checksum>` for agents, `csdt_…` for directories, all base62.
//!
//! The id finds the row, the CRC-32 stops typing errors and serves secret scanners, the secret is
//! 256 bits of which only the SHA-256 is stored.

use std::fmt;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH: usize = 8;
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

macro_rules! key_texts {
    ($($(#[$doc:meta])* $name:ident $prefix:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            id: String,
            secret: String,
        }

        impl $name {
            /// Writes a key from 8 and 32 random bytes.
            pub fn from_random(id: [u8; 8], secret: [u8; 32]) -> Self {
                let id = id.iter().map(|byte| DIGITS[usize::from(byte % 62)] as char).collect();
                Self { id, secret: base62(&secret, SECRET_LENGTH) }
            }

            /// Writes another secret for a key that exists, from 32 random bytes.
            pub fn another_secret(id: &str, secret: [u8; 32]) -> Self {
                Self { id: id.to_owned(), secret: base62(&secret, SECRET_LENGTH) }
            }

            /// Reads a key.
            ///
            /// # Errors
            ///
            /// [`InvalidKey`] when the form or the checksum is wrong.
            pub fn parse(text: &str) -> Result<Self, InvalidKey> {
                let rest = text.strip_prefix($prefix).ok_or(InvalidKey)?;
                let (id, rest) = rest.split_once('_').ok_or(InvalidKey)?;
                let well_formed = id.len() == ID_LENGTH
                    && rest.len() == SECRET_LENGTH + CHECKSUM_LENGTH
                    && id.bytes().chain(rest.bytes()).all(|byte| byte.is_ascii_alphanumeric());
                if !well_formed {
                    return Err(InvalidKey);
                }
                let (secret, sum) = rest.split_at(SECRET_LENGTH);
                let key = Self { id: id.to_owned(), secret: secret.to_owned() };
                if key.checksum() == sum { Ok(key) } else { Err(InvalidKey) }
            }

            /// Returns the public part that finds the row.
            pub fn id(&self) -> &str {
                &self.id
            }

            /// Returns the secret part; only its SHA-256 is ever stored.
            pub fn secret(&self) -> &str {
                &self.secret
            }

            /// Returns the whole key, for the one time it is shown.
            pub fn reveal(&self) -> String {
                format!("{}{}_{}{}", $prefix, self.id, self.secret, self.checksum())
            }

            fn checksum(&self) -> String {
                let sum = crc32(format!("{}{}_{}", $prefix, self.id, self.secret).as_bytes());
                base62(&sum.to_be_bytes(), CHECKSUM_LENGTH)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}_…", $prefix, self.id)
            }
        }
    )*};
}

key_texts! {
    /// An agent key in the clear: shown once at creation, sent by the agent with each request.
    AgentKeyText "csig_"
    /// A directory's token in the clear: shown once at creation, sent by the directory with each request.
    ScimTokenText "csdt_"
}

/// The text is no key of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key of this installation")]
pub struct InvalidKey;

/// Writes a big-endian number in base 62 with leading zeros.
fn base62(bytes: &[u8], length: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; length];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = (rest << 8) | u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *digit = DIGITS[rest as usize];
    }

    String::from_utf8(digits).expect("base62 digits are ASCII")
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_every_typing_error_is_refused() {
        let key = AgentKeyText::from_random(*b"\x00\x01\x3d\x3e\xffabc", [0xff; 32]);
        let text = key.reveal();

        assert_eq!(text.len(), 5 + 8 + 1 + 43 + 6);
        assert_eq!(AgentKeyText::parse(&text), Ok(key));
        for position in 5..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[position] = if bytes[position] == b'7' { b'8' } else { b'7' };
            assert_eq!(AgentKeyText::parse(&String::from_utf8(bytes).unwrap()), Err(InvalidKey));
        }
    }

    #[test]
    fn a_key_of_one_kind_is_none_of_the_other() {
        let (agent, directory) =
            (AgentKeyText::from_random([1; 8], [7; 32]), ScimTokenText::from_random([1; 8], [7; 32]));

        assert_eq!(ScimTokenText::parse(&directory.reveal()), Ok(directory.clone()));
        assert_eq!(ScimTokenText::parse(&agent.reveal()), Err(InvalidKey));
        assert_eq!(AgentKeyText::parse(&directory.reveal()), Err(InvalidKey));
        let renamed = directory.reveal().replacen("csdt_", "csig_", 1);
        assert_eq!(AgentKeyText::parse(&renamed), Err(InvalidKey), "the checksum covers the kind");
    }

    #[test]
    fn the_checksum_is_the_common_crc32() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn debug_output_keeps_the_secret() {
        let key = AgentKeyText::from_random([1; 8], [7; 32]);

        assert!(!format!("{key:?}").contains(key.secret()));
    }
}
