//! Tokens of directories, in the hands of admins.
//!
//! The text of a token is shown to whoever asks for it, once. Where its ceiling holds a privileged role and
//! there is a second person, it opens nothing before they confirm it: the change that waits names its
//! public part and the SHA-256 of its secret, and only the confirmation makes the row that finds it.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    change::Change,
    directory::{DirectoriesView, DirectoryRow, NewScimToken, ScimTokenRow},
    event::{Event, List},
    ids::{ProviderId, ScimTokenId},
    key::ScimTokenText,
    problem::Code,
    role::Role,
    role_map::{self, Group, Snapshot},
};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};

use super::base;
use crate::{
    Engine,
    authorize::{Action, Denial, Permit},
    caller::Caller,
    changes,
    db::{self, scim::ScimToken},
    error::{Error, Result},
    reads, role_mappings, seal, secret, sessions,
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// How many days a token may live; the first is the default.
pub const DAYS: [u64; 4] = [365, 90, 180, 730];

/// How a token is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// The provider whose people it pushes.
    pub provider: ProviderId,
    /// The only roles that its groups may give.
    pub ceiling: Vec<Role>,
    /// How many days it lives.
    pub days: u64,
}

impl TokenSettings {
    /// Reads what a form holds: words of roles, separated by spaces, and days.
    ///
    /// # Errors
    ///
    /// The field that needs a change.
    pub fn parse(provider: ProviderId, ceiling: &str, days: &str) -> Result<Self> {
        let mut ceiling = ceiling
            .split_whitespace()
            .map(|word| {
                Role::from_word(word)
                    .ok_or_else(|| Error::field("/ceiling", "unknown_value", "Choose roles from the list."))
            })
            .collect::<Result<Vec<_>>>()?;
        ceiling.sort_unstable();
        ceiling.dedup();
        let days = match days.trim() {
            "" => DAYS[0],
            text => text.parse().ok().filter(|days| DAYS.contains(days)).ok_or_else(|| {
                Error::field("/days", "unknown_value", "Choose how long the token lives from the list.")
            })?,
        };
        Ok(Self { provider, ceiling, days })
    }
}

/// Shows the directories with their tokens and what they pushed, in numbers.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<DirectoriesView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListProviders, engine.installation()).await?;
        let tokens = db::scim::list_tokens(&mut tx).await?;
        let mut directories = Vec::new();
        for (provider, _) in db::providers::list(&mut tx).await? {
            let counts = db::scim::counts(&mut tx, provider.id).await?;
            let above_count = count_above(&mut tx, engine, provider.id).await?;
            let tokens = tokens.iter().filter(|token| token.provider == provider.id).map(row).collect();
            directories.push(DirectoryRow {
                provider: provider.id,
                name: provider.name,
                active_count: counts.active,
                inactive_count: counts.inactive,
                unnamed_count: counts.unnamed,
                group_count: counts.groups,
                member_count: counts.members,
                due_count: counts.due,
                above_count,
                tokens,
            });
        }
        tx.commit().await?;
        Ok((permit, directories))
    };
    let (permit, directories) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::Directories, count: directories.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(DirectoriesView { base: base(engine), directories, now: engine.now() })
}

fn row(token: &ScimToken) -> ScimTokenRow {
    ScimTokenRow {
        id: token.id,
        key_id: token.key_id.clone(),
        ceiling: token.ceiling.clone(),
        issued_at: token.issued_at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
        last_used_at: token.last_used_at,
    }
}

/// Counts people with a membership that fits a row of the mapping in force and is above its ceiling.
async fn count_above(conn: &mut PgConnection, engine: &Engine, provider: ProviderId) -> Result<u64> {
    let rows = role_mappings::rows_in_force(conn, provider).await?;
    let mut people: HashMap<_, Vec<Group>> = HashMap::new();
    for (person, group) in db::scim::groups(conn, provider, None).await? {
        people.entry(person).or_default().push(group);
    }
    let now = engine.now();
    let above = people.into_values().filter(|groups| {
        let snapshot = Snapshot { claims: None, groups: groups.clone() };
        role_map::evaluate(&snapshot, &rows, now).findings.contains(&role_map::Finding::AboveCeiling)
    });
    Ok(above.count() as u64)
}

/// Makes a token. The answer is the only place where it is readable.
///
/// # Errors
///
/// [`Error::NotFound`] for an unknown provider; `step_up_required`.
pub async fn issue(engine: &Engine, caller: &Caller, settings: TokenSettings) -> Result<NewScimToken> {
    engine
        .act(caller, move |engine, caller| {
            let settings = settings.clone();
            async move {
                let mut tx = engine.begin().await?;
                db::roles::lock_guard(&mut tx).await?;
                let target = engine.installation();
                let permit = engine.authorize(&mut tx, &caller, Action::IssueScimToken, target).await?;
                sessions::require_recent(&caller)?;
                let provider = db::providers::lock_share(&mut tx, settings.provider).await?.ok_or(Error::NotFound)?;
                let text = ScimTokenText::from_random(secret::random(), secret::random());
                let made = Made {
                    id: ScimTokenId(secret::random_id()),
                    provider: provider.id,
                    ceiling: settings.ceiling,
                    expires: engine.now() + settings.days * DAY_MS,
                    key_id: text.id().to_owned(),
                    secret_hash: Sha256::digest(text.secret().as_bytes()).to_vec(),
                };
                let expires_at = made.expires;
                let privileged = made.ceiling.iter().any(|role| role.needs_second_person());
                let waits = privileged && changes::needs_second_person(&mut tx, &engine).await?;
                if waits {
                    changes::request(&mut tx, &engine, &caller, &permit, &made.change()).await?;
                } else {
                    let permit = if privileged { permit.alone() } else { permit };
                    made.insert(&mut tx, &engine, &caller, &permit).await?;
                }
                engine.commit(tx).await?;
                Ok(NewScimToken { token: text.reveal(), provider: provider.name, expires_at, waits })
            }
        })
        .await
}

/// Makes the token of a confirmed change; says why it cannot be made any more, if so.
pub(crate) async fn issue_confirmed(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    change: &Change,
) -> Result<Option<Problem>> {
    let refused = |sentence: &str| Ok(Some(Problem::new(Code::InvalidTransition, sentence)));
    let Change::IssueScimToken { token, provider, ceiling, expires, key_id, secret } = change else {
        return Ok(None);
    };
    if db::providers::lock_share(tx, *provider).await?.is_none() {
        return refused("The identity provider of this token was removed.");
    }
    if engine.now() >= *expires {
        return refused("This token would have ended already.");
    }
    let Some(secret_hash) = unhex(secret) else {
        return Err(Error::Row { table: "changes", column: "body", id: token.to_string() });
    };
    let (ceiling, key_id) = (ceiling.clone(), key_id.clone());
    let made = Made { id: *token, provider: *provider, ceiling, expires: *expires, key_id, secret_hash };
    made.insert(tx, engine, caller, permit).await?;
    Ok(None)
}

/// Returns the name of a provider for the page of changes.
pub(crate) async fn provider_name(conn: &mut PgConnection, provider: ProviderId) -> Result<String> {
    let found = db::providers::list(conn).await?.into_iter().find(|(stored, _)| stored.id == provider);
    Ok(found.map_or_else(|| "a provider that was removed".to_owned(), |(stored, _)| stored.name))
}

/// A token before its row.
struct Made {
    id: ScimTokenId,
    provider: ProviderId,
    ceiling: Vec<Role>,
    expires: u64,
    key_id: String,
    secret_hash: Vec<u8>,
}

impl Made {
    fn change(&self) -> Change {
        Change::IssueScimToken {
            token: self.id,
            provider: self.provider,
            ceiling: self.ceiling.clone(),
            expires: self.expires,
            key_id: self.key_id.clone(),
            secret: self.secret_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    async fn insert(self, conn: &mut PgConnection, engine: &Engine, caller: &Caller, permit: &Permit) -> Result<()> {
        let Made { id, provider, ceiling, expires, key_id, secret_hash } = self;
        let event = Event::ScimTokenIssued { token: id, provider, ceiling: ceiling.clone(), expires };
        let entry = seal::append(conn, engine, caller, permit, &event).await?;
        let new = ScimToken {
            id,
            n: 1,
            provider,
            key_id,
            secret_hash,
            ceiling,
            issued_at: entry.at,
            expires_at: expires,
            revoked_at: None,
            last_used_at: None,
            entry: entry.id,
        };
        db::scim::insert_token(conn, &new).await?;
        Ok(())
    }
}

/// Ends a token at once. What was pushed with it stays.
///
/// # Errors
///
/// `invalid_transition` when it has ended; [`Error::NotFound`]; `step_up_required`.
pub async fn revoke(engine: &Engine, caller: &Caller, token: ScimTokenId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let target = engine.installation();
            let permit = engine.authorize(&mut tx, &caller, Action::RevokeScimToken, target).await?;
            sessions::require_recent(&caller)?;
            let found = db::scim::lock_token(&mut tx, token).await?.ok_or(Error::NotFound)?;
            if !found.is_live(engine.now()) {
                let problem = Problem::new(Code::InvalidTransition, "This token has ended already.");
                return Err(Denial::by_rule(permit, Action::RevokeScimToken, target, problem));
            }
            let n = found.n + 1;
            let event = Event::ScimTokenRevoked { token, n };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::scim::set_revoked(&mut tx, token, n, (entry.at, entry.id)).await?;
            engine.commit(tx).await
        })
        .await
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes.filter(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_holds_is_read_and_everything_else_refused() {
        let provider = ProviderId(uuid::Uuid::nil());
        let read = TokenSettings::parse(provider, "viewer  approver viewer", "90").unwrap();

        assert_eq!((read.ceiling, read.days), (vec![Role::Viewer, Role::Approver], 90));
        assert_eq!(TokenSettings::parse(provider, "", "").unwrap().days, DAYS[0]);
        for (ceiling, days) in [("root", ""), ("", "7"), ("", "36500")] {
            assert!(TokenSettings::parse(provider, ceiling, days).is_err(), "{ceiling} {days}");
        }
    }
}
