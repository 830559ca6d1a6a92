//! Whether the people there are can fill the seats of a table: asked of every row and every AI system it may catch.
//!
//! Counted are people who may review what a system proposes, each once, without its owner; of who stands in for whom one.
//! What single assignments are limited to beyond systems (types, risk, amount) is not asked: a table with a seat that only
//! such a limit leaves empty passes.

use crate::{
    ids::{PersonId, SystemId},
    policy::{Compared, Facts, PolicyBody, Route, Row, Staff, plural},
    role::Role,
};

/// Who there is for one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemStaff {
    /// The system.
    pub system: SystemId,
    /// Its name.
    pub name: String,
    /// Who may review what it proposes.
    pub staff: Staff,
}

/// A review that somebody could give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    /// Who.
    pub person: PersonId,
    /// In whose place, where it is not in their own right.
    pub on_behalf: Option<PersonId>,
    /// As a senior approver.
    pub senior: bool,
}

impl Chance {
    fn is_of(&self, person: PersonId) -> bool {
        self.person == person || self.on_behalf == Some(person)
    }

    /// Tells whether only one of both counts on a decision, as [`crate::decision::Decision::admits`] would say.
    fn excludes(&self, other: &Self, ties: &[(PersonId, PersonId)]) -> bool {
        let shared = self.is_of(other.person) || other.on_behalf.is_some_and(|person| self.is_of(person));
        let tied = |&(one, another): &(PersonId, PersonId)| {
            self.is_of(one) && other.is_of(another) || self.is_of(another) && other.is_of(one)
        };
        shared || ties.iter().any(tied)
    }
}

/// Counts how many of these reviews count together on a decision, and how many of those by senior approvers do; `ties` are
/// delegators with their delegates, of whom one counts.
///
/// So many can come together. Where delegations of several people cross, there may be a way for more.
pub fn together(chances: &[Chance], ties: &[(PersonId, PersonId)]) -> Staff {
    let senior: Vec<_> = chances.iter().copied().filter(|chance| chance.senior).collect();
    Staff { reviewers: compatible(chances, ties), senior: compatible(&senior, ties) }
}

fn compatible(chances: &[Chance], ties: &[(PersonId, PersonId)]) -> u64 {
    let is_tied = |chance: &&Chance| ties.iter().any(|(one, other)| chance.is_of(*one) || chance.is_of(*other));
    let (mut left, free): (Vec<&Chance>, Vec<&Chance>) = chances.iter().partition(is_tied);
    let mut count = free.len() as u64;
    // Whoever stands in the way of fewest comes first.
    while let Some(next) = left.iter().min_by_key(|one| left.iter().filter(|other| one.excludes(other, ties)).count()) {
        let next = **next;
        left.retain(|other| !next.excludes(other, ties));
        count += 1;
    }
    count
}

/// A seat of a row that nobody can fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Number of the row, from 1.
    pub rule: u64,
    /// The rule's id.
    pub label: String,
    /// Who is missing.
    pub role: Role,
    /// How many of them the row asks for.
    pub need: u64,
    /// How many more it takes, where most are missing.
    pub missing: u64,
    /// The system for which most are missing.
    pub system: SystemId,
    /// Its name.
    pub system_name: String,
    /// For how many systems any are.
    pub systems: u64,
}

impl Shortage {
    /// Says what is missing, such as "Rule both lacks 1 senior approver for refund-agent and 2 other AI systems".
    pub fn sentence(&self) -> String {
        let role = self.role.name().to_ascii_lowercase();
        let who = match self.missing {
            1 => format!("1 {role}"),
            missing => format!("{missing} {}", plural(&role)),
        };
        let others = match self.systems {
            0 | 1 => String::new(),
            2 => " and 1 other AI system".to_owned(),
            systems => format!(" and {} other AI systems", systems - 1),
        };
        format!("Rule {} lacks {who} for {}{others}", self.label, self.system_name)
    }

    /// Tells whether both are about the same seat.
    pub fn is_same_seat(&self, other: &Self) -> bool {
        (self.rule, self.role) == (other.rule, other.role)
    }
}

/// Returns the seats that cannot be filled, row by row.
pub fn shortages(body: &PolicyBody, systems: &[SystemStaff]) -> Vec<Shortage> {
    let mut found: Vec<Shortage> = Vec::new();
    for (rule, row) in (1..).zip(body.all()).filter(|(_, row)| row.route != Route::Deny) {
        for role in [Role::SeniorApprover, Role::Approver] {
            let mut short: Option<Shortage> = None;
            for one in systems.iter().filter(|one| may_catch(row, &one.name)) {
                let (need, missing) = missing(row, role, one.staff);
                if missing == 0 {
                    continue;
                }
                let systems = short.as_ref().map_or(0, |short| short.systems) + 1;
                match &mut short {
                    Some(worst) if worst.missing >= missing => worst.systems = systems,
                    _ => {
                        short = Some(Shortage {
                            rule,
                            label: row.label().to_owned(),
                            role,
                            need,
                            missing,
                            system: one.system,
                            system_name: one.name.clone(),
                            systems,
                        });
                    }
                }
            }
            found.extend(short);
        }
    }
    found
}

/// Tells whether a row can decide something that a system proposes.
fn may_catch(row: &Row, system: &str) -> bool {
    let facts = Facts::of_system(system);
    row.when.iter().all(|condition| condition.compare(&facts) != Compared::Fails)
}

/// How many people of a role a row asks for, and how many of them are not there.
fn missing(row: &Row, role: Role, staff: Staff) -> (u64, u64) {
    let quorum = row.quorum();
    // At the deadline the senior approvers fill every seat, and who they are given to begins with them.
    let senior = if row.ends_with_seniors() { quorum.need() } else { quorum.need_senior() };
    let senior_missing = senior.saturating_sub(staff.senior);
    match role {
        Role::SeniorApprover => (senior, senior_missing),
        // Each senior approver who comes fills a seat too.
        _ => (quorum.need(), quorum.need().saturating_sub(staff.reviewers + senior_missing)),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::policy::{Condition, OnTimeout, Operator, Seat};

    #[test]
    fn each_seat_that_nobody_can_fill_is_found_with_how_many_are_missing() {
        let both = Row { also: vec![seat(2, Role::SeniorApprover)], ..row("both", 1) };

        let found = shortages(&body(vec![both]), &[system(1, "a", 1, 0), system(2, "b", 3, 2)]);

        let seats: Vec<_> = found.iter().map(|one| (one.rule, one.role, one.need, one.missing, one.systems)).collect();
        // Two senior approvers who come for a fill the third seat as well.
        assert_eq!(seats, [(1, Role::SeniorApprover, 2, 2, 1)]);
        assert_eq!(found[0].sentence(), "Rule both lacks 2 senior approvers for a");
    }

    #[test]
    fn of_who_stands_in_for_whom_one_is_counted() {
        let people = |number: u8| PersonId(Uuid::from_bytes([number; 16]));
        let own = |number, senior| Chance { person: people(number), on_behalf: None, senior };
        let place = |number, of| Chance { person: people(number), on_behalf: Some(people(of)), senior: true };
        let count = |chances: &[Chance], ties: &[(u8, u8)]| {
            let ties: Vec<_> = ties.iter().map(|(one, other)| (people(*one), people(*other))).collect();
            let Staff { reviewers, senior } = together(chances, &ties);
            (reviewers, senior)
        };

        assert_eq!(count(&[own(1, true), own(2, false), own(3, false)], &[]), (3, 1));
        // The second stands in for the first: both are there, and one of them counts.
        assert_eq!(count(&[own(1, true), own(2, false), place(2, 1), own(3, false)], &[(1, 2)]), (2, 1));
        // The first is away or barred, and the second comes in their place, or not.
        assert_eq!(count(&[place(2, 1), own(3, false)], &[(1, 2)]), (2, 1));
        assert_eq!(count(&[own(3, false)], &[(1, 2)]), (1, 0));
        // Two stand in for one: in their own right they are two, and in the first one's place one.
        let both = [own(1, true), own(2, false), place(2, 1), own(3, false), place(3, 1)];
        assert_eq!(count(&both, &[(1, 2), (1, 3)]), (2, 1));
        // One stands in for two who are away.
        assert_eq!(count(&[place(3, 1), place(3, 2)], &[(1, 3), (2, 3)]), (1, 1));
        assert_eq!(count(&[], &[(1, 2)]), (0, 0));
    }

    #[test]
    fn the_system_where_most_are_missing_stands_for_the_others() {
        let systems = [system(1, "a", 2, 0), system(2, "b", 0, 0), system(3, "c", 1, 0), system(4, "d", 3, 0)];

        let found = shortages(&body(vec![row("three", 3)]), &systems);

        let three = &found[0];
        assert_eq!((three.system_name.as_str(), three.missing, three.systems), ("b", 3, 3));
        assert_eq!(three.sentence(), "Rule three lacks 3 approvers for b and 2 other AI systems");
        assert_eq!((found[1].rule, found[1].label.as_str(), found[1].missing), (2, "default", 1));
    }

    #[test]
    fn what_goes_to_the_senior_approvers_takes_as_many_of_them() {
        let handed_up = Row { on_timeout: OnTimeout::Escalate, ..row("late", 2) };
        let escalated = Row { route: Route::Escalate, ..row("top", 2) };

        let found = shortages(&body(vec![handed_up, escalated]), &[system(1, "a", 4, 1)]);

        let seats: Vec<_> = found.iter().map(|one| (one.rule, one.role, one.missing)).collect();
        assert_eq!(seats, [(1, Role::SeniorApprover, 1), (2, Role::SeniorApprover, 1)]);
    }

    #[test]
    fn a_row_that_refuses_or_is_about_another_system_asks_for_nobody() {
        let elsewhere =
            |operator| Condition { fact: "system".into(), operator, values: vec!["b".into()], or_missing: false };
        let rows = vec![
            Row { route: Route::Deny, ..row("never", 9) },
            Row { when: vec![elsewhere(Operator::In)], ..row("elsewhere", 9) },
        ];
        let caught = Row { when: vec![elsewhere(Operator::NotIn)], ..row("here", 2) };

        assert_eq!(shortages(&body(rows), &[system(1, "a", 1, 0)]), []);
        assert_eq!(shortages(&body(vec![caught]), &[system(1, "a", 1, 0)]).len(), 1);
    }

    fn body(rows: Vec<Row>) -> PolicyBody {
        PolicyBody { rows, default: row("", 1) }
    }

    fn row(name: &str, need: u64) -> Row {
        Row { name: name.into(), ..Row::require(need, Role::Approver, 3_600) }
    }

    fn seat(need: u64, role: Role) -> Seat {
        Seat { need, role }
    }

    fn system(number: u8, name: &str, reviewers: u64, senior: u64) -> SystemStaff {
        let staff = Staff { reviewers, senior };
        SystemStaff { system: SystemId(Uuid::from_bytes([number; 16])), name: name.into(), staff }
    }
}
