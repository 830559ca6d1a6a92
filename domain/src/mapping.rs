//! The mapping of a provider as screens and forms see it: rows, what a draft would change, and a test of it.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ChangeId, MappingVersionId, PersonId, ProviderId},
    role::Role,
    role_map::ClaimLine,
    view::ShownHolding,
};

/// The page of one provider's mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingView {
    /// The provider.
    pub provider: ProviderId,
    /// Its short name in addresses.
    pub slug: String,
    /// Its name on the sign-in page.
    pub name: String,
    /// People who are not members yet become members when they sign in.
    pub just_in_time: bool,
    /// The version in force.
    pub active: Option<MappingVersion>,
    /// The draft, where one differs from the version in force.
    pub draft: Option<MappingVersion>,
    /// What the draft would change.
    pub dry_run: Option<DryRun>,
    /// The waiting change that would bring the draft into force.
    pub waiting: Option<ChangeId>,
    /// The reader's own test sign-in against the rows on the page.
    pub test: Option<MappingTest>,
    /// People known by the provider.
    pub people_count: u64,
    /// Of them, those whose claims held a reference in place of the groups.
    pub overage_count: u64,
    /// Names of systems, for the form.
    pub systems: Vec<String>,
}

/// A draft or the version in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingVersion {
    /// The version.
    pub id: MappingVersionId,
    /// Its rows, in order.
    pub rows: Vec<ShownRow>,
    /// Who saved it.
    pub saved_by: String,
    /// When it was saved, or came into force, milliseconds since 1970 UTC.
    pub at: u64,
}

/// One row in words that pages print and forms take back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRow {
    /// The claim.
    pub claim: String,
    /// How values are compared: `equals`, `in_list` or `pattern`.
    pub test: String,
    /// The values.
    pub values: Vec<String>,
    /// What it gives.
    pub holding: ShownHolding,
}

/// A row as a form gives it, before it is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowForm {
    /// The claim.
    pub claim: String,
    /// How values are compared: `equals`, `in_list` or `pattern`.
    pub test: String,
    /// The value, or one per line.
    pub value: String,
    /// The role's word.
    pub role: String,
    /// Names of systems with spaces between; all of them when empty.
    pub systems: String,
    /// Last day in UTC; none when empty.
    pub until: String,
}

/// What a draft would change for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// Digest of inputs and result; whoever applies the draft names it.
    pub digest: String,
    /// People known by the provider.
    pub people: u64,
    /// Of them, those who have not signed in since claims are kept; they are evaluated when they do.
    pub without_snapshot: u64,
    /// Who gains or loses something, or would and may not.
    pub effects: Vec<Effect>,
    /// Somebody gains a role that a second person has to confirm.
    pub needs_second_person: bool,
    /// Why the draft cannot come into force, if so.
    pub blocked: Option<String>,
}

/// What a draft would change for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The person.
    pub person: PersonId,
    /// The name.
    pub name: String,
    /// What they get.
    pub gains: Vec<ShownHolding>,
    /// What they lose.
    pub losses: Vec<ShownHolding>,
    /// What they would get and may not hold beside another role, and why.
    pub refused: Vec<(ShownHolding, String)>,
    /// What else an admin should know.
    pub findings: Vec<String>,
}

/// A test sign-in against rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingTest {
    /// The claims, masked but for what a row matched.
    pub claims: Vec<ClaimLine>,
    /// Per row: whether it gave its role, and why or why not.
    pub rows: Vec<(bool, String)>,
    /// What follows.
    pub holdings: Vec<ShownHolding>,
    /// What an admin should know.
    pub findings: Vec<String>,
}

impl DryRun {
    /// Counts people who gain, and people who lose something.
    pub fn counts(&self) -> (usize, usize) {
        let count = |fits: fn(&&Effect) -> bool| self.effects.iter().filter(fits).count();
        (count(|effect| !effect.gains.is_empty()), count(|effect| !effect.losses.is_empty()))
    }

    /// Lists the roles that somebody gains, each once.
    pub fn gained(&self) -> Vec<Role> {
        let mut roles: Vec<_> =
            self.effects.iter().flat_map(|effect| &effect.gains).map(|holding| holding.role).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}
