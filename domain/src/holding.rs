//! What an assignment gives: a role, where it holds, how far it reaches, until when, and where it comes from.

use serde::{Deserialize, Serialize};

use crate::{
    authority::Held,
    decision::Risk,
    ids::{AuditWindowId, ProviderId, SystemId},
    problem::FieldError,
    role::Role,
};

/// The most systems or decision types that one assignment lists.
pub const LISTED_MAX: usize = 32;
/// The highest amount that can be a limit.
pub const AMOUNT_MAX: u64 = 1_000_000_000_000_000;

/// Where a role holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleScope {
    /// On every system, those of the future included.
    All,
    /// On these systems only.
    Systems(Vec<SystemId>),
}

impl RoleScope {
    /// Tells whether it holds for a system.
    pub fn includes(&self, system: SystemId) -> bool {
        match self {
            RoleScope::All => true,
            RoleScope::Systems(systems) => systems.contains(&system),
        }
    }
}

/// How far a role reaches. Decision types bind reading and acting; risk and amount bind acting.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityLimits {
    /// Names of decision types; every type when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Highest risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Highest amount, in whole units of what the type counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
}

/// A role with its scope, limits and end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// The role.
    pub role: Role,
    /// Where it holds.
    pub scope: RoleScope,
    /// How far it reaches.
    #[serde(default)]
    pub limits: AuthorityLimits,
    /// When it ends, milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// Where an assignment comes from; each source is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An admin gave it.
    Hand,
    /// The mapping of an identity provider gave it.
    Provider(ProviderId),
    /// An emergency sign-in gave it.
    BreakGlass,
    /// An auditor's window gave it.
    Window(AuditWindowId),
}

/// What an authority is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// The decision's system.
    pub system: SystemId,
    /// Name of its type.
    pub type_name: String,
    /// Its risk.
    pub risk: Risk,
    /// Its amount, rounded up; absent where the type has none.
    pub amount: Option<u64>,
}

impl Holding {
    /// A role on every system, without limits or end.
    pub fn everywhere(role: Role) -> Self {
        Self { role, scope: RoleScope::All, limits: AuthorityLimits::default(), until: None }
    }

    /// A role on some systems, without limits or end.
    pub fn on(role: Role, systems: Vec<SystemId>) -> Self {
        Self { scope: RoleScope::Systems(systems), ..Self::everywhere(role) }.sorted()
    }

    /// The same with lists in order and without repetition, so that equal holdings compare equal.
    pub fn sorted(mut self) -> Self {
        if let RoleScope::Systems(systems) = &mut self.scope {
            systems.sort_unstable();
            systems.dedup();
        }
        self.limits.types.sort_unstable();
        self.limits.types.dedup();
        self
    }

    /// Checks lists, amount and end.
    ///
    /// # Errors
    ///
    /// Every field that needs a change.
    pub fn check(&self, now: u64) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        if let RoleScope::Systems(systems) = &self.scope
            && !(1..=LISTED_MAX).contains(&systems.len())
        {
            let detail = format!("Choose 1 to {LISTED_MAX} systems, or all of them.");
            errors.push(FieldError::new("/systems", "invalid_scope", detail));
        }
        if self.limits.types.len() > LISTED_MAX {
            let detail = format!("List at most {LISTED_MAX} decision types, or none for all of them.");
            errors.push(FieldError::new("/types", "too_many", detail));
        }
        if self.limits.amount.is_some_and(|amount| amount > AMOUNT_MAX) {
            errors.push(FieldError::new("/amount", "too_high", format!("The highest limit is {AMOUNT_MAX}.")));
        }
        if self.until.is_some_and(|until| until <= now) {
            errors.push(FieldError::new("/until", "past", "Choose an end in the future, or none."));
        }
        if self.role == Role::Admin && (self.scope != RoleScope::All || self.limits != AuthorityLimits::default()) {
            let detail = "An admin runs the whole installation: choose all systems and no limits.";
            errors.push(FieldError::new("/systems", "invalid_scope", detail));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Tells whether the role holds for this matter: its system and type.
    pub fn covers(&self, matter: &Matter) -> bool {
        self.includes(matter.system) && (self.limits.types.is_empty() || self.limits.types.contains(&matter.type_name))
    }

    /// Tells whether the role holds for a system, of some types at least.
    pub fn includes(&self, system: SystemId) -> bool {
        self.scope.includes(system)
    }

    /// Tells whether the role holds for this matter and reaches its risk and amount.
    pub fn reaches(&self, matter: &Matter) -> bool {
        self.covers(matter)
            && self.limits.risk.is_none_or(|risk| matter.risk <= risk)
            && match (self.limits.amount, matter.amount) {
                (Some(limit), Some(amount)) => amount <= limit,
                _ => true,
            }
    }

    /// Returns what tells this holding apart from others of the same role and source: scope and limits.
    pub fn scope_key(&self) -> String {
        let scope = match &self.scope {
            RoleScope::All => "all".to_owned(),
            RoleScope::Systems(systems) => join(systems),
        };
        let AuthorityLimits { types, risk, amount } = &self.limits;
        let amount = amount.map(|amount| amount.to_string()).unwrap_or_default();
        format!("{scope};{};{};{amount}", join(types), risk.map_or("", Risk::word))
    }

    /// Returns the holding as the authority of a review counts it: one for each system.
    pub fn held(&self) -> Vec<Held> {
        let one = |system| Held { role: self.role, system, limits: self.limits.clone() };
        match &self.scope {
            RoleScope::All => vec![one(None)],
            RoleScope::Systems(systems) => systems.iter().map(|system| one(Some(*system))).collect(),
        }
    }
}

impl Source {
    /// Returns the text in SQL: `hand`, `break_glass`, or `provider:` or `window:` and its id.
    pub fn text(self) -> String {
        match self {
            Source::Hand => "hand".into(),
            Source::BreakGlass => "break_glass".into(),
            Source::Provider(id) => format!("provider:{id}"),
            Source::Window(id) => format!("window:{id}"),
        }
    }

    /// Reads such a text.
    pub fn from_text(text: &str) -> Option<Source> {
        match text {
            "hand" => Some(Source::Hand),
            "break_glass" => Some(Source::BreakGlass),
            other => match other.split_once(':')? {
                ("provider", id) => id.parse().ok().map(Source::Provider),
                ("window", id) => id.parse().ok().map(Source::Window),
                _ => None,
            },
        }
    }
}

/// Finds two roles that one person may not hold together, and says why.
pub fn conflict(roles: &[Role]) -> Option<(Role, Role, &'static str)> {
    roles.iter().enumerate().find_map(|(at, one)| {
        roles[at + 1..].iter().find_map(|other| one.conflict(*other).map(|why| (*one, *other, why)))
    })
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn system(n: u128) -> SystemId {
        SystemId(Uuid::from_u128(n))
    }

    fn matter(risk: Risk, amount: Option<u64>) -> Matter {
        Matter { system: system(1), type_name: "refund.issue".into(), risk, amount }
    }

    #[test]
    fn scope_and_types_cover_and_limits_reach() {
        let mut holding = Holding::on(Role::Approver, vec![system(2), system(1), system(1)]);
        holding.limits =
            AuthorityLimits { types: vec!["refund.issue".into()], risk: Some(Risk::Medium), amount: Some(100) };
        let elsewhere = Matter { system: system(3), ..matter(Risk::Low, None) };
        let other_type = Matter { type_name: "loan.grant".into(), ..matter(Risk::Low, None) };

        assert!(holding.reaches(&matter(Risk::Medium, Some(100))));
        assert!(holding.reaches(&matter(Risk::Low, None)));
        assert!(!holding.reaches(&matter(Risk::High, Some(100))));
        assert!(!holding.reaches(&matter(Risk::Medium, Some(101))));
        assert!(holding.covers(&matter(Risk::High, Some(101))));
        assert!(!holding.covers(&elsewhere) && !holding.covers(&other_type));
    }

    #[test]
    fn an_empty_list_of_systems_is_not_all_of_them() {
        let holding = Holding::on(Role::Approver, Vec::new());

        assert_eq!(holding.check(0).unwrap_err()[0].pointer, "/systems");
        assert!(!holding.covers(&matter(Risk::Low, None)));
        assert!(holding.held().is_empty());
    }

    #[test]
    fn a_holding_and_its_source_travel_as_text() {
        let holding = Holding { until: Some(5), ..Holding::on(Role::SeniorApprover, vec![system(7)]) };
        let text = serde_json::to_string(&holding).unwrap();

        assert_eq!(serde_json::from_str::<Holding>(&text).unwrap(), holding);
        for source in [Source::Hand, Source::BreakGlass, Source::Provider(ProviderId(Uuid::from_u128(9)))] {
            assert_eq!(Source::from_text(&source.text()), Some(source));
        }
        assert_eq!(Source::from_text("provider:9"), None);
    }

    #[test]
    fn roles_in_conflict_are_found_wherever_they_stand() {
        assert_eq!(
            conflict(&[Role::Viewer, Role::Approver, Role::Admin]).map(|found| (found.0, found.1)),
            Some((Role::Approver, Role::Admin))
        );
        assert_eq!(conflict(&[Role::Viewer, Role::Approver, Role::SeniorApprover]), None);
    }
}
