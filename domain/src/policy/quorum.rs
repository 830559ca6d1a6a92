//! Who has to approve: seats by role, at once or one stage after the other, each filled by another person.

use serde::{Deserialize, Serialize};

use super::plural;
use crate::{ids::PersonId, role::Role};

/// So many different people of one role. A senior approver may fill the seat of an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// How many, from 1.
    pub need: u64,
    /// Who may fill it.
    pub role: Role,
}

/// The seats of a decision, stage by stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    stages: Vec<Vec<Seat>>,
}

/// An approval that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who gave it.
    pub person: PersonId,
    /// Whether the person was a senior approver for this decision then.
    pub senior: bool,
}

/// A seat and how far it is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// From 1.
    pub stage: u64,
    /// The seat.
    pub seat: Seat,
    /// Approvals that fill it.
    pub given: u64,
    /// It is being filled now; a later stage waits for the one before.
    pub open: bool,
}

impl Quorum {
    /// Makes a quorum of seats that are filled in any order.
    pub fn together(seats: Vec<Seat>) -> Self {
        Self { stages: vec![seats] }
    }

    /// Makes a quorum in which each seat waits for the one before.
    pub fn in_stages(seats: Vec<Seat>) -> Self {
        Self { stages: seats.into_iter().map(|seat| vec![seat]).collect() }
    }

    /// Returns how many approvals it takes in all.
    pub fn need(&self) -> u64 {
        self.stages.iter().flatten().map(|seat| seat.need).sum()
    }

    /// Returns how many of those only senior approvers can give.
    pub fn need_senior(&self) -> u64 {
        self.stages.iter().flatten().filter(|seat| seat.role == Role::SeniorApprover).map(|seat| seat.need).sum()
    }

    /// Seats the approvals in the order they were given; each takes the scarcest seat that it can.
    pub fn fill(&self, approvals: &[Approval]) -> Vec<Filled> {
        let mut filled: Vec<Filled> = Vec::new();
        for (stage, seats) in (1..).zip(&self.stages) {
            filled.extend(seats.iter().map(|seat| Filled { stage, seat: *seat, given: 0, open: false }));
        }
        for approval in approvals {
            if let Some(place) = next_seat(&filled, approval.senior) {
                filled[place].given += 1;
            }
        }
        let stage = filled.iter().find(|one| one.given < one.seat.need).map(|one| one.stage);
        for one in &mut filled {
            one.open = Some(one.stage) == stage && one.given < one.seat.need;
        }
        filled
    }

    /// Tells whether the approvals fill every seat.
    pub fn is_met(&self, approvals: &[Approval]) -> bool {
        self.fill(approvals).iter().all(|one| one.given >= one.seat.need)
    }

    /// Tells whether one more approval, by a senior approver or not, would fill a seat now.
    pub fn has_room(&self, approvals: &[Approval], senior: bool) -> bool {
        next_seat(&self.fill(approvals), senior).is_some()
    }

    /// Tells whether what is missing now takes a senior approver.
    pub fn takes_senior(&self, approvals: &[Approval]) -> bool {
        self.has_room(approvals, true) && !self.has_room(approvals, false)
    }

    /// Says who has to approve, such as "one approver and, after that, two senior approvers".
    pub fn sentence(&self) -> String {
        let stage = |seats: &Vec<Seat>| seats.iter().map(Seat::sentence).collect::<Vec<_>>().join(" and ");
        self.stages.iter().map(stage).collect::<Vec<_>>().join(" and, after that, ")
    }
}

impl Seat {
    /// Says the seat, such as "two different approvers".
    pub fn sentence(&self) -> String {
        match self.need {
            1 => format!("one {}", self.role.name().to_ascii_lowercase()),
            need => format!("{need} different {}", plural(&self.role.name().to_ascii_lowercase())),
        }
    }
}

/// The seat of the first unfilled stage that this approval takes: a senior one if it can.
fn next_seat(filled: &[Filled], senior: bool) -> Option<usize> {
    let free = |one: &&Filled| one.given < one.seat.need;
    let stage = filled.iter().find(free)?.stage;
    let place = |role: Role| {
        filled.iter().position(|one| one.stage == stage && one.given < one.seat.need && one.seat.role == role)
    };
    let as_senior = senior.then(|| place(Role::SeniorApprover)).flatten();
    as_senior.or_else(|| place(Role::Approver))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const APPROVER: Seat = Seat { need: 1, role: Role::Approver };
    const SENIOR: Seat = Seat { need: 1, role: Role::SeniorApprover };

    #[test]
    fn seniors_take_the_seats_that_only_they_can_take_first() {
        let quorum = Quorum::together(vec![APPROVER, SENIOR]);

        assert!(quorum.is_met(&[approval(1, true), approval(2, false)]));
        assert!(quorum.is_met(&[approval(1, false), approval(2, true)]));
        assert!(quorum.is_met(&[approval(1, true), approval(2, true)]));
        assert!(!quorum.is_met(&[approval(1, false), approval(2, false)]));
        assert!(!quorum.has_room(&[approval(1, false)], false) && quorum.has_room(&[approval(1, false)], true));
    }

    #[test]
    fn what_is_missing_takes_a_senior_exactly_when_nobody_else_has_room() {
        let both = Quorum::together(vec![APPROVER, SENIOR]);
        let staged = Quorum::in_stages(vec![SENIOR, APPROVER]);

        assert!(!both.takes_senior(&[]) && !both.takes_senior(&[approval(1, true)]));
        assert!(both.takes_senior(&[approval(1, false)]));
        assert!(!both.takes_senior(&[approval(1, false), approval(2, true)]), "nothing is missing");
        assert!(staged.takes_senior(&[]) && !staged.takes_senior(&[approval(1, true)]));
    }

    #[test]
    fn a_stage_waits_for_the_one_before() {
        let quorum = Quorum::in_stages(vec![APPROVER, SENIOR]);

        assert!(quorum.has_room(&[], false));
        assert!(!quorum.has_room(&[approval(1, true)], false), "the second stage is the senior's");
        assert!(quorum.is_met(&[approval(1, true), approval(2, true)]));
        assert_eq!(quorum.fill(&[approval(1, false)]).iter().map(|one| one.open).collect::<Vec<_>>(), [false, true]);
    }

    /// Every order of every small crowd: the greedy seating meets the quorum exactly when some seating does.
    #[test]
    fn seating_finds_a_way_whenever_there_is_one() {
        for seats in [vec![APPROVER], vec![SENIOR], vec![APPROVER, SENIOR], vec![Seat { need: 2, ..APPROVER }, SENIOR]]
        {
            let quorum = Quorum::together(seats);
            for people in 0..=4u32 {
                for seniors in 0..1u32 << people {
                    let approvals: Vec<_> =
                        (0..people).map(|who| approval(who as u8 + 1, seniors >> who & 1 == 1)).collect();
                    let enough =
                        u64::from(people) >= quorum.need() && u64::from(seniors.count_ones()) >= quorum.need_senior();
                    assert_eq!(quorum.is_met(&approvals), enough, "{quorum:?} {approvals:?}");
                }
            }
        }
    }

    #[test]
    fn sentences_name_roles_and_order() {
        assert_eq!(
            Quorum::in_stages(vec![APPROVER, Seat { need: 2, ..SENIOR }]).sentence(),
            "one approver and, after that, 2 different senior approvers"
        );
    }

    fn approval(person: u8, senior: bool) -> Approval {
        Approval { person: PersonId(Uuid::from_bytes([person; 16])), senior }
    }
}
