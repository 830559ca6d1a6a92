//! Local passwords: argon2id in the blocking pool, behind a bounded queue.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use countersign_domain::problem::Code;
use tokio::sync::Semaphore;

use crate::{
    error::{Error, Result},
    secret,
};

/// Shortest and longest password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;
/// Sign-ins that may wait for a core before the next is told to come back.
const QUEUE_MAX: usize = 64;

/// Passwords that guessers try first, compared without case: about 10,000 of eight characters and more, counted in
/// leaks. Origin and licence (MIT) are in `common-passwords.LICENSE`.
const COMMON: &str = include_str!("common-passwords.txt");

pub(crate) struct Hasher {
    cores: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    dummy: String,
}

impl Hasher {
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            cores: Arc::new(Semaphore::new((cores - 1).max(1))),
            queue: Arc::new(Semaphore::new(QUEUE_MAX)),
            dummy: hash(&secret::random::<16>()),
        }
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.as_bytes().to_vec();
        self.blocking(move || hash(&password)).await
    }

    /// Verifies a password; without an account it does the same work against a dummy and says no.
    pub(crate) async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.clone());
        let password = password.as_bytes().to_vec();
        let fits = self
            .blocking(move || {
                PasswordHash::new(&stored).is_ok_and(|stored| argon2().verify_password(&password, &stored).is_ok())
            })
            .await?;
        Ok(fits && known)
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let busy =
            || Error::refused(Code::RateLimited, "Many people are signing in at once. Try again in a few seconds.");
        let place = self.queue.clone().try_acquire_owned().map_err(|_| busy())?;
        let core = self.cores.clone().acquire_owned().await.map_err(|_| busy())?;
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((core, place));
            result
        });
        result.await.map_err(|error| Error::Setup(format!("hashing ended early: {error}")))
    }
}

/// Checks a new password: length, and that it is neither common nor made of the context.
///
/// # Errors
///
/// A refusal that says what to do.
pub(crate) fn check(password: &str, context: &[&str]) -> Result<()> {
    let refuse = |code: &str, detail: String| Err(Error::field("/password", code, detail));
    let length = password.chars().count();
    if !LENGTH.contains(&length) {
        return refuse(
            "password_length",
            format!("Use {} to {} characters; 15 or more are advised.", LENGTH.start(), LENGTH.end()),
        );
    }
    let folded = password.to_lowercase();
    if COMMON.lines().any(|word| word == folded) {
        return refuse("password_common", "This password is on the list of common ones. Choose another.".into());
    }
    let words = context.iter().map(|word| word.to_lowercase()).chain(["countersign".to_owned()]);
    for word in words.filter(|word| word.chars().count() >= 4) {
        let left: String = folded.replace(&word, "").chars().filter(|character| character.is_alphanumeric()).collect();
        if folded.contains(&word) && left.chars().count() < 4 {
            return refuse(
                "password_context",
                "The password is little more than a name that others know. Choose another.".into(),
            );
        }
    }
    Ok(())
}

/// m = 46 MiB, t = 1, p = 1 (OWASP's first choice for argon2id).
fn argon2() -> Argon2<'static> {
    let params = Params::new(47_104, 1, 1, None).expect("parameters within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &[u8]) -> String {
    argon2()
        .hash_password_with_salt(password, &secret::random::<16>())
        .expect("a password of bounded length and a salt of 16 bytes")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_rules_table() {
        for (password, taken) in [
            ("short12", false),
            ("password", false),
            ("Password1", false),
            ("superman1", false),
            ("trustno1trustno1", true),
            ("countersign1", false),
            ("ada.lovelace", false),
            ("correct horse battery", true),
            ("ada likes long walks", true),
            ("ünïcödé ist auch gut", true),
        ] {
            assert_eq!(check(password, &["ada.lovelace"]).is_ok(), taken, "{password}");
        }
        assert!(check(&"x9 ".repeat(50), &[]).is_err());
    }

    #[tokio::test]
    async fn an_unknown_account_costs_the_same_work_and_never_fits() {
        let hasher = Hasher::new(2);
        let stored = hasher.hash("correct horse battery").await.unwrap();

        assert!(hasher.verify("correct horse battery", Some(stored.clone())).await.unwrap());
        assert!(!hasher.verify("correct horse batterz", Some(stored)).await.unwrap());
        assert!(!hasher.verify("correct horse battery", None).await.unwrap());
    }
}
