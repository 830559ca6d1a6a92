//! Reviewing in somebody's place: who may be given that, how far, for how long, and what pages show of it; and absences.
//!
//! A delegation gives what its delegator holds at the moment of use and nothing more, so a scope narrows and never widens.
//! It is not passed on, and of delegator and delegate only one counts on a decision ([`crate::decision::Decision::admits`]).

use countersign_ledger::hash::Hash;
use serde::{Deserialize, Serialize};

use crate::{
    decision::Risk,
    holding::{AuthorityLimits, Holding, RoleScope},
    ids::{AbsenceId, DelegationId, EntryId, PersonId, SystemId},
    problem::{Code, FieldError, Problem},
    role::Role,
    time::DAY_MS,
    view::Seal,
};

/// The longest that a delegation runs.
pub const PERIOD_MAX_MS: u64 = 90 * DAY_MS;
/// The longest that somebody is away, and how far ahead either may begin.
pub const AHEAD_MAX_MS: u64 = 366 * DAY_MS;

/// What is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// To whom.
    pub to: PersonId,
    /// On which systems; all that the delegator reviews at the moment of use with [`RoleScope::All`].
    pub scope: RoleScope,
    /// How far; up to the delegator's own limits where there is none.
    pub limits: AuthorityLimits,
    /// From when, milliseconds since 1970 UTC.
    pub from: u64,
    /// Until when.
    pub until: u64,
}

/// In whose place somebody ruled, as the leaf of the review says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnBehalf {
    /// Whose right it was.
    pub delegator: PersonId,
    /// The entry that gave it.
    pub delegation: EntryId,
    /// Number and digest of the delegator's authority at that moment.
    pub authority: (u64, Hash),
}

/// In whose place people had a part in the running round of a decision, and who stands in for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandIns {
    /// In whose place the running content was written, if in anybody's.
    pub edited_for: Option<PersonId>,
    /// In whose place somebody has ruled.
    pub ruled_for: Vec<PersonId>,
    /// Who has given a review that counts, and in whose place.
    pub counted: Vec<PersonId>,
    /// Delegators and delegates of this moment on the decision's system.
    pub tied: Vec<(PersonId, PersonId)>,
}

impl StandIns {
    /// Tells whether somebody who had no part in it themselves may rule, in their own right or in somebody's place.
    pub(crate) fn admit(
        &self,
        (person, on_behalf): (PersonId, Option<PersonId>),
        editor: Option<PersonId>,
        reviewed_by: &[PersonId],
    ) -> Result<(), Problem> {
        let refuse = |detail: &str| Err(Problem::new(Code::FourEyes, detail));
        if self.edited_for == Some(person) {
            return refuse("This proposal was edited in your place, so somebody else reviews it.");
        }
        if self.ruled_for.contains(&person) {
            return refuse("Somebody has reviewed this in your place; of the two of you one counts.");
        }
        if let Some(delegator) = on_behalf {
            if editor == Some(delegator) || self.edited_for == Some(delegator) {
                return refuse("In whose place you would review, wrote this: somebody else reviews it.");
            }
            if reviewed_by.contains(&delegator) || self.ruled_for.contains(&delegator) {
                return refuse(
                    "In whose place you would review, has a review in this round; of the two of you one counts.",
                );
            }
        }
        let acts = |who: PersonId| who == person || Some(who) == on_behalf;
        let counts = |who: &PersonId| self.counted.contains(who);
        let both = |(one, other): &(PersonId, PersonId)| (acts(*one) && counts(other)) || (acts(*other) && counts(one));
        if self.tied.iter().any(both) {
            return refuse(
                "One of you stands in for the other at present, and the other has reviewed this; of the two one counts.",
            );
        }
        Ok(())
    }
}

/// One of two people between whom a delegation is to be.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The person.
    pub person: PersonId,
    /// They cannot sign in.
    pub disabled: bool,
    /// What they hold.
    pub held: &'a [Holding],
}

/// A delegation that nothing has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// Whose right it is.
    pub delegator: PersonId,
    /// Who has it.
    pub delegate: PersonId,
    /// From when.
    pub from: u64,
    /// Until when.
    pub until: u64,
}

impl Terms {
    /// Rules on giving a right to review. `to` is nobody where there is no such member; `ties` are the delegations of both.
    ///
    /// # Errors
    ///
    /// `invalid_content` with every field that needs a change: a colleague who cannot, a chain or circle, a period that
    /// is over, too long or too far ahead, a scope or limit beyond the delegator's own.
    pub fn check(&self, giver: Side<'_>, to: Option<Side<'_>>, ties: &[Tie], now: u64) -> Result<(), Problem> {
        let mut errors = Vec::new();
        if let Err(why) = self.delegate(giver, to, ties) {
            errors.push(FieldError::new("/to", "not_eligible", why));
        }
        errors.extend(period(self.from, self.until, now, PERIOD_MAX_MS, "A delegation runs for 90 days at most."));
        errors.extend(self.beyond(giver.held));
        match errors.first() {
            None => Ok(()),
            Some(first) => {
                let detail = first.detail.clone();
                Err(Problem::fields(Code::InvalidContent, detail, errors))
            }
        }
    }

    fn delegate(&self, giver: Side<'_>, to: Option<Side<'_>>, ties: &[Tie]) -> Result<(), &'static str> {
        let holds = |side: Side<'_>, role: Role| side.held.iter().any(|holding| holding.role == role);
        let reviews = |side: Side<'_>| side.held.iter().any(|holding| holding.role.reviews());
        let Some(to) = to else { return Err("Choose a colleague who reviews.") };
        if to.person == giver.person {
            return Err("You review for yourself already. Choose a colleague.");
        }
        if to.disabled {
            return Err("This account is disabled, so it reviews nothing. Choose another colleague.");
        }
        if holds(to, Role::Admin) || holds(to, Role::Auditor) {
            return Err("Admins and auditors never review, not in anybody's place either. Choose another colleague.");
        }
        if !reviews(to) {
            return Err(
                "This person has no role that reviews. Choose a colleague who is an approver or senior approver.",
            );
        }
        let at_once = |tie: &&Tie| tie.from < self.until && self.from < tie.until;
        let ties = || ties.iter().filter(at_once);
        if ties().any(|tie| tie.delegator == to.person && tie.delegate == giver.person) {
            return Err(
                "You review in this person's place in that time: two people do not stand in for each other. Choose another colleague or time.",
            );
        }
        if ties().any(|tie| tie.delegate == giver.person) {
            return Err(
                "You review in somebody's place in that time, and who stands in for somebody gives no right away. End that first, or choose another time.",
            );
        }
        if ties().any(|tie| tie.delegator == to.person) {
            return Err(
                "This person has given their own right away in that time, and a right is not passed on. Choose another colleague or time.",
            );
        }
        if ties().any(|tie| tie.delegator == giver.person && tie.delegate == to.person) {
            return Err("This person stands in for you in that time already. End that first, or choose another time.");
        }
        Ok(())
    }

    /// What goes beyond what the delegator holds.
    fn beyond(&self, held: &[Holding]) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mine = || held.iter().filter(|holding| holding.role.reviews());
        let on = |system: &SystemId| mine().any(|holding| holding.includes(*system));
        if let RoleScope::Systems(systems) = &self.scope
            && !systems.iter().all(on)
        {
            errors.push(FieldError::new(
                "/systems",
                "beyond",
                "You do not review for all of these AI systems yourself.",
            ));
        }
        let of = |name: &String| {
            mine().any(|holding| holding.limits.types.is_empty() || holding.limits.types.contains(name))
        };
        if !self.limits.types.iter().all(of) {
            errors.push(FieldError::new("/types", "beyond", "You do not review all of these decision types yourself."));
        }
        if self.limits.risk.is_some_and(|risk| mine().all(|holding| risk > highest(holding))) {
            errors.push(FieldError::new(
                "/risk",
                "beyond",
                "You do not review this risk yourself. Choose a lower one.",
            ));
        }
        let amount = |amount: u64| mine().all(|holding| holding.limits.amount.is_some_and(|limit| amount > limit));
        if self.limits.amount.is_some_and(amount) {
            errors.push(FieldError::new("/amount", "beyond", "This is above your own limit. Write a lower amount."));
        }
        errors
    }
}

/// The highest risk that a role with its limits reviews.
fn highest(holding: &Holding) -> Risk {
    let role = if holding.role == Role::SeniorApprover { Risk::High } else { Risk::Medium };
    holding.limits.risk.map_or(role, |limit| limit.min(role))
}

/// What is wrong with a time to come.
fn period(from: u64, until: u64, now: u64, longest: u64, too_long: &str) -> Option<FieldError> {
    let wrong = |code, detail: &str| Some(FieldError::new("/until", code, detail));
    if until <= now {
        return wrong("past", "This is over already. Choose a last day that is still to come.");
    }
    if from >= until {
        return wrong("past", "It ends before it begins. Choose a later last day.");
    }
    // Who fills in a form sends it a little later; yesterday is not meant.
    if from.saturating_add(DAY_MS) < now {
        return Some(FieldError::new(
            "/from",
            "past",
            "The first day is over. Choose one that is still to come, or none.",
        ));
    }
    if from > now.saturating_add(AHEAD_MAX_MS) {
        return Some(FieldError::new("/from", "too_far", "It begins in more than a year. Choose an earlier day."));
    }
    (until - from.max(now) > longest).then(|| FieldError::new("/until", "too_long", too_long))
}

/// Rules on saying that somebody is away.
///
/// # Errors
///
/// `invalid_content` for a time that is over, too long or too far ahead.
pub fn check_absence(from: u64, until: u64, now: u64) -> Result<(), Problem> {
    match period(from, until, now, AHEAD_MAX_MS, "An absence lasts a year at most.") {
        None => Ok(()),
        Some(error) => {
            let detail = error.detail.clone();
            Err(Problem::fields(Code::InvalidContent, detail, vec![error]))
        }
    }
}

/// Says who did something in whose place: both names, the one who acted first.
pub fn both(name: &str, delegator: &str) -> String {
    format!("{name} for {delegator}")
}

crate::decision::words! {
    /// Where a delegation stands.
    DelegationState {
        /// It has not begun.
        Scheduled "scheduled"
        /// It runs.
        Active "active"
        /// Its time is over.
        Ended "ended"
        /// One of the two ended it before its time.
        Revoked "revoked"
    }
}

impl DelegationState {
    /// Returns where a delegation stands at a moment.
    pub const fn of(from: u64, until: u64, revoked: bool, now: u64) -> Self {
        match (revoked, now < from, now < until) {
            (true, ..) => DelegationState::Revoked,
            (false, true, _) => DelegationState::Scheduled,
            (false, false, true) => DelegationState::Active,
            (false, false, false) => DelegationState::Ended,
        }
    }

    /// Tells whether it runs or is to come.
    pub const fn is_open(self) -> bool {
        matches!(self, DelegationState::Scheduled | DelegationState::Active)
    }

    /// Returns the words on screens.
    pub const fn label(self) -> &'static str {
        match self {
            DelegationState::Scheduled => "To come",
            DelegationState::Active => "Runs",
            DelegationState::Ended => "Over",
            DelegationState::Revoked => "Ended early",
        }
    }
}

/// A delegation as pages list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationRow {
    /// The delegation.
    pub id: DelegationId,
    /// Whose right it is, by name.
    pub delegator: String,
    /// Who has it, by name.
    pub delegate: String,
    /// Names of the systems; all that the delegator reviews when absent.
    pub systems: Option<Vec<String>>,
    /// Names of the decision types; all of them when empty.
    pub types: Vec<String>,
    /// Highest risk.
    pub risk: Option<Risk>,
    /// Highest amount.
    pub amount: Option<u64>,
    /// From when.
    pub from: u64,
    /// Until when it was to run.
    pub until: u64,
    /// Where it stands.
    pub state: DelegationState,
    /// When it was ended before its time, and by whom.
    pub ended: Option<(u64, String)>,
    /// Why it gives nothing at this moment, though its time runs.
    pub idle: Option<String>,
    /// Its seal.
    pub seal: Seal,
}

/// When somebody is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceRow {
    /// The absence.
    pub id: AbsenceId,
    /// Who, by name.
    pub person: String,
    /// From when.
    pub from: u64,
    /// Until when.
    pub until: u64,
    /// Who reviews in their place meanwhile, by name.
    pub stand_in: Option<String>,
    /// Its seal.
    pub seal: Seal,
}

/// What a person's own page says of delegations and their absence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDelegations {
    /// Given by the person, the latest first.
    pub given: Vec<DelegationRow>,
    /// Given to the person.
    pub received: Vec<DelegationRow>,
    /// To whom they may give one: ids and names.
    pub colleagues: Vec<(PersonId, String)>,
    /// Names of the systems that they review.
    pub systems: Vec<String>,
    /// They have a role that reviews.
    pub reviews: bool,
    /// When they are away, now or later.
    pub absence: Option<AbsenceRow>,
}

/// Says that somebody is away, until when, and to whom their turns go.
pub fn away(until: u64, stand_in: Option<&str>) -> String {
    let who = match stand_in {
        Some(name) => format!("{name} reviews in your place; whoever else may fill a free seat is asked too."),
        None => "Whoever else may fill a free seat is asked.".to_owned(),
    };
    format!(
        "You are away until {}, so nothing is your turn. {who} You are back once you say so under You.",
        crate::time::screen(until)
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW: u64 = 1_793_610_000_000;

    #[test]
    fn a_colleague_who_reviews_is_given_the_right_for_a_time() {
        assert_eq!(given(terms(), &[approver()], &[approver()], &[]), Ok(()));
        let all = Terms { from: NOW + 10 * DAY_MS, until: NOW + 100 * DAY_MS, ..terms() };
        assert_eq!(given(all, &[approver()], &[approver()], &[]), Ok(()));
    }

    #[test]
    fn who_is_the_delegator_disabled_an_admin_or_no_reviewer_is_given_none() {
        let viewer = Holding::everywhere(Role::Viewer);
        let admin = Holding::everywhere(Role::Admin);
        for (held, words) in [
            (vec![viewer], "no role that reviews"),
            (vec![], "no role that reviews"),
            (vec![approver(), admin], "never review"),
            (vec![approver(), Holding::everywhere(Role::Auditor)], "never review"),
        ] {
            assert!(why(given(terms(), &[approver()], &held, &[])).contains(words));
        }
        let own = [approver()];
        let me = Side { person: person(1), disabled: false, held: &own };
        assert!(why(terms().check(me, Some(me), &[], NOW)).contains("yourself"));
        let disabled = Side { person: person(2), disabled: true, ..me };
        assert!(why(terms().check(me, Some(disabled), &[], NOW)).contains("disabled"));
        assert!(why(terms().check(me, None, &[], NOW)).contains("Choose a colleague"));
    }

    #[test]
    fn there_is_neither_a_chain_nor_a_circle_nor_the_same_twice_at_one_time() {
        let tie = |delegator, delegate| Tie {
            delegator: person(delegator),
            delegate: person(delegate),
            from: NOW,
            until: NOW + 8 * DAY_MS,
        };
        for (tie, words) in [
            (tie(3, 1), "gives no right away"),
            (tie(2, 3), "not passed on"),
            (tie(2, 1), "stand in for each other"),
            (tie(1, 2), "already"),
        ] {
            assert!(why(given(terms(), &[approver()], &[approver()], &[tie])).contains(words), "{words}");
            let later = Terms { from: tie.until, until: tie.until + DAY_MS, ..terms() };
            assert_eq!(given(later, &[approver()], &[approver()], &[tie]), Ok(()), "one after the other");
        }
        assert_eq!(given(terms(), &[approver()], &[approver()], &[tie(1, 3), tie(3, 2)]), Ok(()), "several beside it");
    }

    #[test]
    fn a_time_that_is_over_too_long_or_too_far_ahead_is_refused() {
        let times = |from, until| given(Terms { from, until, ..terms() }, &[approver()], &[approver()], &[]);
        for (refused, words) in [
            (times(NOW - 2 * DAY_MS, NOW), "over already"),
            (times(NOW + 2, NOW + 1), "ends before it begins"),
            (times(NOW - 2 * DAY_MS, NOW + DAY_MS), "first day is over"),
            (times(NOW, NOW + PERIOD_MAX_MS + 1), "90 days at most"),
            (times(NOW + AHEAD_MAX_MS + 1, NOW + AHEAD_MAX_MS + DAY_MS), "more than a year"),
        ] {
            assert!(why(refused).contains(words), "{words}");
        }
        assert_eq!(times(NOW, NOW + PERIOD_MAX_MS), Ok(()));
        assert!(check_absence(NOW, NOW + AHEAD_MAX_MS, NOW).is_ok());
        assert!(check_absence(NOW, NOW + AHEAD_MAX_MS + 1, NOW).is_err());
        assert!(check_absence(NOW - 3, NOW - 1, NOW).is_err());
    }

    #[test]
    fn what_the_delegator_does_not_hold_is_not_given() {
        let limited = Holding {
            limits: AuthorityLimits { types: vec!["refund.issue".into()], risk: Some(Risk::Medium), amount: Some(100) },
            ..Holding::on(Role::Approver, vec![system(1)])
        };
        let given = |scope, limits| {
            given(Terms { scope, limits, ..terms() }, std::slice::from_ref(&limited), &[approver()], &[])
        };
        let limits = |types: &[&str], risk, amount| AuthorityLimits {
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            risk,
            amount,
        };
        let on = |n| RoleScope::Systems(vec![system(n)]);

        assert_eq!(given(on(1), limits(&["refund.issue"], Some(Risk::Medium), Some(100))), Ok(()));
        assert_eq!(given(RoleScope::All, limits(&[], None, None)), Ok(()), "as far as their own, at the moment of use");
        for (scope, limits, pointer) in [
            (on(2), limits(&[], None, None), "/systems"),
            (on(1), limits(&["loan.grant"], None, None), "/types"),
            (on(1), limits(&[], Some(Risk::High), None), "/risk"),
            (on(1), limits(&[], None, Some(101)), "/amount"),
        ] {
            let refused = given(scope, limits).unwrap_err();
            assert_eq!(refused.errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
        }
    }

    #[test]
    fn an_approver_without_limits_gives_no_high_risk() {
        let high = |role| {
            let limits = AuthorityLimits { risk: Some(Risk::High), ..AuthorityLimits::default() };
            given(Terms { limits, ..terms() }, &[Holding::everywhere(role)], &[approver()], &[])
        };

        assert!(high(Role::Approver).is_err());
        assert_eq!(high(Role::SeniorApprover), Ok(()));
    }

    #[test]
    fn a_delegation_stands_by_its_times_and_by_who_ended_it() {
        let of = |now, revoked| DelegationState::of(10, 20, revoked, now);

        assert_eq!(of(9, false), DelegationState::Scheduled);
        assert_eq!(of(10, false), DelegationState::Active);
        assert_eq!(of(20, false), DelegationState::Ended);
        assert_eq!(of(9, true), DelegationState::Revoked);
    }

    fn given(terms: Terms, mine: &[Holding], theirs: &[Holding], ties: &[Tie]) -> Result<(), Problem> {
        let side = |number, held| Side { person: person(number), disabled: false, held };
        terms.check(side(1, mine), Some(side(2, theirs)), ties, NOW)
    }

    fn why(refused: Result<(), Problem>) -> String {
        let problem = refused.unwrap_err();
        assert_eq!(problem.code.status(), 422);
        assert_eq!(problem.detail, problem.errors[0].detail);
        problem.detail
    }

    fn terms() -> Terms {
        Terms {
            to: person(2),
            scope: RoleScope::All,
            limits: AuthorityLimits::default(),
            from: NOW,
            until: NOW + 7 * DAY_MS,
        }
    }

    fn approver() -> Holding {
        Holding::everywhere(Role::Approver)
    }

    fn person(number: u8) -> PersonId {
        PersonId(Uuid::from_bytes([number; 16]))
    }

    fn system(number: u128) -> SystemId {
        SystemId(Uuid::from_u128(number))
    }
}
