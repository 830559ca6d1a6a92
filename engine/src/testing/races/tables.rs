//! The policies of the campaign: quorums of 1, 2 and 3, stages, escalation and what rules decide, by amount.

use countersign_domain::{
    policy::{Condition, OnTimeout, Operator, PolicyBody, Route, Row, Seat},
    role::Role,
};

use super::Dice;

/// Amounts of proposals and how often each is drawn; a row of the table below catches each.
const AMOUNTS: [(u64, u64); 8] = [(40, 22), (140, 22), (240, 28), (340, 12), (440, 8), (5, 4), (950, 2), (640, 2)];

/// Draws an amount.
pub(super) fn amount(dice: &mut Dice) -> u64 {
    let mut left = dice.below(AMOUNTS.iter().map(|(_, share)| share).sum());
    for (amount, share) in AMOUNTS {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return amount,
        }
    }
    unreachable!("the shares add up to their sum")
}

/// Draws a table: the same rows, some asking for more than in others, so that open decisions are routed again.
pub(super) fn draw(dice: &mut Dice) -> PolicyBody {
    let more = |dice: &mut Dice| dice.below(2);
    let (one, two, three) = (1 + more(dice), 2 + more(dice), 3 + more(dice));
    let hands_up = if dice.below(2) == 0 { OnTimeout::Escalate } else { OnTimeout::Deny };
    let senior = Seat { need: 1, role: Role::SeniorApprover };
    let minutes = 1 + dice.below(4);
    // Short enough to end while the campaign runs, long enough to be taken back in.
    let windows = dice.below(3) * 4;
    let mut table = PolicyBody {
        rows: vec![
            row("refuse", Operator::AtLeast, 900, Row { route: Route::Deny, ..people(1, 1) }),
            row("small", Operator::AtMost, 9, Row { route: Route::AutoApprove, ..people(1, 1) }),
            row("quick", Operator::AtLeast, 600, people(one, 1)),
            row("senior", Operator::AtLeast, 400, Row { route: Route::Escalate, ..people(1, 2) }),
            row(
                "staged",
                Operator::AtLeast,
                300,
                Row { also: vec![senior], staged: true, reject_threshold: 1 + more(dice), ..people(1, 3) },
            ),
            row(
                "three",
                Operator::AtLeast,
                200,
                Row { reject_threshold: 1 + more(dice), ..people(three, 2 + minutes) },
            ),
            row(
                "two",
                Operator::AtLeast,
                100,
                Row {
                    on_timeout: hands_up,
                    // Three senior approvers have to be able to reach one or the other.
                    reject_threshold: if two == 2 { 1 + more(dice) } else { 1 },
                    ..people(two, 1 + minutes)
                },
            ),
        ],
        default: people(one, minutes),
    };
    for row in table.rows.iter_mut().chain([&mut table.default]).filter(|row| row.route.has_people()) {
        row.retract_seconds = Some(windows);
    }
    table
}

fn people(need: u64, minutes: u64) -> Row {
    Row::require(need, Role::Approver, 60 * minutes)
}

fn row(name: &str, operator: Operator, amount: u64, row: Row) -> Row {
    let condition =
        Condition { fact: "amount".to_owned(), operator, values: vec![amount.to_string()], or_missing: false };
    Row { name: name.to_owned(), when: vec![condition], ..row }
}

#[cfg(test)]
mod tests {
    use countersign_domain::policy::{Known, Staff};

    use super::*;

    #[test]
    fn every_table_can_be_satisfied_by_the_people_there_are_and_catches_every_amount_by_a_row_of_its_own() {
        for seed in 0..50 {
            let table = draw(&mut Dice::new(seed));
            let staff = Staff { reviewers: 8, senior: 3 };
            let types = [crate::testing::refund()];

            assert_eq!(table.check(&Known { systems: &[], types: &types }, staff), Ok(()));
            assert_eq!(AMOUNTS.len(), table.all().count());
        }
    }
}
