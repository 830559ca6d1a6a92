//! Reviewing in somebody's place, and being away: what is given, what is refused, when it ends, and that of two people one
//! counts.

use std::collections::HashSet;

use countersign_domain::{
    Problem,
    chain::LinkKind,
    decision::{State, Verdict},
    delegation::DelegationState,
    holding::{AuthorityLimits, Holding},
    ids::{DecisionId, DelegationId, PersonId},
    policy::view::RuleForm,
    problem::Code,
    queue::View,
    role::Role,
    text::Reason,
    time::{DAY_MS, date},
    view::{Composer, Way},
};
use countersign_engine::{
    Caller, Result,
    absences::{self, AbsenceForm},
    decisions::{self, QueueFilter},
    delegations::{self, DelegationForm},
    owners::{self, NamingRequest},
    people, roles, systems,
    testing::{Desk, again},
};

use crate::policies::{Office, code, may_approve, rule, verified};

#[tokio::test(flavor = "multi_thread")]
async fn who_was_given_it_reviews_in_a_colleagues_place_and_both_names_are_on_record() {
    let desk = Desk::new().await;
    let ana = elsewhere(&desk, "ana").await;
    let id = desk.queued_decision().await;
    assert_eq!(code(decisions::view(&desk.engine, &again(&ana), id).await.unwrap_err()), Code::NotFound);

    give(&desk, &desk.approver, &ana).await.unwrap();
    let page = decisions::view(&desk.engine, &again(&ana), id).await.unwrap();
    assert!(matches!(page.composer, Composer::Ready { free: true, .. }));
    let form = desk.open_form(&ana, id, Verdict::Approve).await.unwrap();
    assert_eq!(form.on_behalf, desk.approver.person(), "in their own right they may not");
    decisions::review(&desk.engine, &again(&ana), form).await.unwrap();

    let page = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    assert_eq!(page.reviews[0].person, "ana for Approver A");
    let acts: Vec<_> = page.history.iter().filter(|row| row.kind == "decision.reviewed").collect();
    assert_eq!(acts[0].actor, "ana for Approver A");
    let me = people::my_page(&desk.engine, &again(&ana)).await.unwrap();
    assert_eq!(me.reviews[0].on_behalf.as_deref(), Some("Approver A"));
    assert_eq!(me.delegations.received[0].state, DelegationState::Active);
    let given = people::my_page(&desk.engine, &again(&desk.approver)).await.unwrap().delegations.given;
    assert_eq!((given[0].delegate.as_str(), given[0].idle.as_ref()), ("ana", None));

    desk.sealed().await;
    let chain = decisions::chain(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    let link = chain.links.iter().find(|link| link.kind == LinkKind::Delegation).unwrap();
    assert!(link.says.starts_with("ana acted in the place of Approver A, who gave that from"), "{}", link.says);
    assert_eq!((link.acts[0].did.as_str(), link.lacks.as_ref()), ("let ana review in their place", None));
    assert!(link.acts[0].seal.index.is_some());
    assert_eq!(link.grants[0].holding.role, Role::Approver, "what the delegator held then");
    let review = chain.links.iter().find(|link| link.kind == LinkKind::Review).unwrap();
    assert_eq!((review.lacks.as_ref(), review.acts[0].allowed_by[0].id.as_str()), (None, "review_in_place"));
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_given_is_refused_with_a_sentence_and_that_is_on_record() {
    let desk = Desk::new().await;
    let limited = Holding {
        limits: AuthorityLimits { amount: Some(100), ..AuthorityLimits::default() },
        ..Holding::on(Role::Approver, vec![desk.system])
    };
    let ben = desk.member("ben", vec![limited]).await;
    let viewer = desk.member("viewer", vec![Holding::everywhere(Role::Viewer)]).await;
    let disabled = desk.member("gone", vec![Holding::everywhere(Role::Approver)]).await;
    people::disable(&desk.engine, &again(&desk.admin), disabled.person().unwrap()).await.unwrap();
    systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let ana = &desk.approver;
    let usual = || form(&desk, ana);

    for (wrong, pointer, words) in [
        (DelegationForm { to: id_text(&ben), ..usual() }, "/to", "for yourself already"),
        (DelegationForm { to: id_text(&viewer), ..usual() }, "/to", "no role that reviews"),
        (DelegationForm { to: id_text(&desk.admin), ..usual() }, "/to", "never review"),
        (DelegationForm { to: id_text(&disabled), ..usual() }, "/to", "disabled"),
        (DelegationForm { to: PersonId::from(uuid()).to_string(), ..usual() }, "/to", "Choose a colleague"),
        (DelegationForm { to: "nobody".into(), ..usual() }, "/to", "Choose a colleague"),
        (DelegationForm { until: day(&desk, -1), ..usual() }, "/until", "over already"),
        (DelegationForm { until: day(&desk, 120), ..usual() }, "/until", "90 days at most"),
        (DelegationForm { until: String::new(), ..usual() }, "/until", "until when"),
        (DelegationForm { from: day(&desk, -3), ..usual() }, "/from", "first day is over"),
        (DelegationForm { from: "soon".into(), ..usual() }, "/from", "Write a day"),
        (DelegationForm { systems: "other-agent".into(), ..usual() }, "/systems", "do not review for all of these"),
        (DelegationForm { systems: "unknown".into(), ..usual() }, "/systems", "no AI system named"),
        (DelegationForm { amount: "101".into(), ..usual() }, "/amount", "above your own limit"),
        (DelegationForm { risk: "high".into(), ..usual() }, "/risk", "do not review this risk"),
    ] {
        let caller = again(&ben);
        let problem = Problem::from(delegations::give(&desk.engine, &caller, wrong).await.unwrap_err());
        assert_eq!(problem.code.status(), 422, "{problem:?}");
        assert_eq!(problem.errors[0].pointer, pointer, "{problem:?}");
        assert!(problem.errors[0].detail.contains(words), "{words} in {problem:?}");
    }
    assert_eq!(code(give(&desk, &viewer, ana).await.unwrap_err()), Code::Forbidden);
    assert_eq!(desk.database.number("select count(*) from delegations").await, 0);
    assert!(desk.database.number(DENIED).await >= 10, "refusals by rule are entries");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_is_not_passed_on_nor_given_in_a_circle_nor_twice() {
    let desk = Desk::new().await;
    let cid = desk.member("cid", vec![Holding::everywhere(Role::Approver)]).await;
    let (ana, ben) = (&desk.approver, &desk.approver_b);
    give(&desk, ben, ana).await.unwrap();

    for (from, to, words) in [
        (ana, &cid, "gives no right away"),
        (&cid, ben, "not passed on"),
        (ana, ben, "stand in for each other"),
        (ben, ana, "stands in for you in that time already"),
    ] {
        let problem = Problem::from(give(&desk, from, to).await.unwrap_err());
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidContent, "/to"));
        assert!(problem.detail.contains(words), "{}", problem.detail);
    }
    give(&desk, ben, &cid).await.unwrap();
    give(&desk, &desk.member("dan", vec![Holding::everywhere(Role::Approver)]).await, ana).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_give_at_once_in_a_circle_or_chain_one_does() {
    let desk = Desk::new().await;
    let cid = desk.member("cid", vec![Holding::everywhere(Role::Approver)]).await;
    let (ana, ben) = (&desk.approver, &desk.approver_b);
    for _ in 0..6 {
        let (circle, back) = tokio::join!(give(&desk, ana, ben), give(&desk, ben, ana));
        assert_eq!([circle.is_ok(), back.is_ok()].iter().filter(|done| **done).count(), 1, "{circle:?} {back:?}");
        let (by, id) = match circle {
            Ok(id) => (ana, id),
            Err(_) => (ben, back.unwrap()),
        };
        delegations::end(&desk.engine, &again(by), id).await.unwrap();

        let (first, second) = tokio::join!(give(&desk, ana, ben), give(&desk, ben, &cid));
        assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|done| **done).count(), 1, "{first:?} {second:?}");
        let (by, id) = match first {
            Ok(id) => (ana, id),
            Err(_) => (ben, second.unwrap()),
        };
        delegations::end(&desk.engine, &again(by), id).await.unwrap();
    }
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reaches_as_far_as_both_the_scope_and_the_delegator_at_the_moment_of_use() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[rule("any", "require", "at_least", "0")]).await;
    let ana = elsewhere(desk, "ana").await;
    let up_to = |amount| Holding {
        limits: AuthorityLimits { amount: Some(amount), ..AuthorityLimits::default() },
        ..Holding::everywhere(Role::Approver)
    };
    let ben = desk.member("ben", vec![up_to(100)]).await;
    let (small, large, larger) =
        (office.propose("a", "40.00").await, office.propose("b", "90.00").await, office.propose("c", "200.00").await);
    let narrow = DelegationForm { to: id_text(&ana), amount: "50".into(), ..form(desk, &ana) };
    let id = delegations::give(&desk.engine, &again(&ben), narrow).await.unwrap();

    for (decision, open) in [(small, true), (large, false), (larger, false)] {
        let page = decisions::view(&desk.engine, &again(&ana), decision).await.unwrap();
        assert_eq!(matches!(page.composer, Composer::Ready { .. }), open, "{:?}", page.composer);
    }
    delegations::end(&desk.engine, &again(&ana), id).await.unwrap();
    give(desk, &ben, &ana).await.unwrap();
    let page = decisions::view(&desk.engine, &again(&ana), larger).await.unwrap();
    assert!(matches!(page.composer, Composer::Closed { .. }), "it is above the delegator's own limit");
    let before = desk.open_form(&ana, large, Verdict::Approve).await.unwrap();

    // What the delegator loses between load and click is lost here too.
    let ben_id = ben.person().unwrap();
    let held = people::person(&desk.engine, &again(&desk.admin), ben_id, None).await.unwrap().assignments;
    roles::end(&desk.engine, &again(&desk.admin), held[0].id).await.unwrap();
    let refused = Problem::from(decisions::review(&desk.engine, &again(&ana), before).await.unwrap_err());
    assert_eq!(refused.code, Code::NotFound, "and it is not theirs to read any more");
    assert_eq!(turns(desk, &ana).await, 0);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_either_by_its_time_and_with_either_account() {
    let desk = Desk::new().await;
    let (ana, ben) = (elsewhere(&desk, "ana").await, &desk.approver);
    let other = desk.member("other", vec![Holding::everywhere(Role::Approver)]).await;
    let decision = desk.queued_decision().await;
    let reads = async || decisions::view(&desk.engine, &again(&ana), decision).await.is_ok();

    for by in [ben, &ana] {
        let id = give(&desk, ben, &ana).await.unwrap();
        assert!(reads().await);
        let open = desk.open_form(&ana, decision, Verdict::Approve).await.unwrap();
        assert_eq!(code(delegations::end(&desk.engine, &again(&other), id).await.unwrap_err()), Code::NotFound);
        delegations::end(&desk.engine, &again(by), id).await.unwrap();
        let late = Problem::from(decisions::review(&desk.engine, &again(&ana), open).await.unwrap_err());
        assert_eq!(late.code, Code::NotFound);
        assert!(!reads().await);
        let twice = delegations::end(&desk.engine, &again(by), id).await.unwrap_err();
        assert_eq!(code(twice), Code::InvalidTransition);
    }
    // To come, and over.
    let later = DelegationForm { from: day(&desk, 1), until: day(&desk, 1), ..form(&desk, &ana) };
    delegations::give(&desk.engine, &again(ben), later).await.unwrap();
    assert!(!reads().await);
    assert_eq!(listed(&desk, ben).await, [DelegationState::Scheduled]);
    desk.clock.advance(DAY_MS);
    assert_eq!(listed(&desk, ben).await, [DelegationState::Active]);
    desk.clock.advance(DAY_MS);
    assert_eq!(listed(&desk, ben).await, [DelegationState::Ended]);

    let decision = desk.queued_decision().await;
    let reads = async || decisions::view(&desk.engine, &again(&ana), decision).await.is_ok();
    give(&desk, ben, &ana).await.unwrap();
    assert!(reads().await);
    people::disable(&desk.engine, &again(&desk.admin), ben.person().unwrap()).await.unwrap();
    assert!(!reads().await, "who cannot sign in gives nothing");
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_delegator_and_delegate_one_counts_in_every_order() {
    let office = Office::new().await;
    let desk = &office.desk;
    let (ana, ben) = (&desk.approver, &desk.approver_b);
    let cid = desk.member("cid", vec![Holding::everywhere(Role::Approver)]).await;
    let three = RuleForm { need: "3".into(), ..rule("three", "require", "at_least", "0") };
    office.enforce(&[three]).await;
    let id = give(desk, ben, ana).await.unwrap();
    give(desk, ben, &cid).await.unwrap();

    // In Ben's place, then anybody who is one of the two, or has the same place.
    let first = office.propose("a", "40.00").await;
    in_place(desk, ana, ben, first, Verdict::Approve).await.unwrap();
    assert_eq!(refusal(desk, ben, None, first).await, Code::FourEyes);
    assert_eq!(refusal(desk, ana, None, first).await, Code::AlreadyReviewed);
    assert_eq!(refusal(desk, &cid, Some(ben), first).await, Code::FourEyes);
    assert_eq!(refusal(desk, &cid, None, first).await, Code::FourEyes, "they stand in for who has counted");

    // Ben himself, then who stands in for him, by whatever right.
    let second = office.propose("b", "40.00").await;
    desk.review(ben, second, Verdict::Approve).await.unwrap();
    for on_behalf in [None, Some(ben)] {
        assert_eq!(refusal(desk, ana, on_behalf, second).await, Code::FourEyes);
    }
    // Ana in her own right, then Ben.
    let third = office.propose("c", "40.00").await;
    in_own_right(desk, ana, third, Verdict::Approve).await.unwrap();
    assert_eq!(refusal(desk, ben, None, third).await, Code::FourEyes);
    // Once nobody stands in for anybody, both count again.
    delegations::end(&desk.engine, &again(ana), id).await.unwrap();
    desk.review(ben, third, Verdict::Approve).await.unwrap();
    // Who abstained counts for nobody.
    let fourth = office.propose("d", "40.00").await;
    in_own_right(desk, &cid, fourth, Verdict::Abstain).await.unwrap();
    desk.review(ben, fourth, Verdict::Approve).await.unwrap();
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_delegator_and_delegate_who_rule_at_once_one_counts() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[RuleForm { need: "2".into(), ..rule("two", "require", "at_least", "0") }]).await;
    let (ana, ben) = (&desk.approver, &desk.approver_b);
    give(desk, ben, ana).await.unwrap();
    let mut counted = [0, 0];
    for n in 0..12 {
        let id = office.propose(&format!("race-{n}"), "40.00").await;
        let mut hers = desk.open_form(ana, id, Verdict::Approve).await.unwrap();
        hers.on_behalf = (n % 2 == 0).then(|| ben.person().unwrap());
        let his = desk.open_form(ben, id, Verdict::Approve).await.unwrap();

        let (a, b) = (again(ana), again(ben));
        let (hers, his) =
            tokio::join!(decisions::review(&desk.engine, &a, hers), decisions::review(&desk.engine, &b, his));

        assert_eq!([hers.is_ok(), his.is_ok()].iter().filter(|done| **done).count(), 1, "{hers:?} {his:?}");
        counted[usize::from(his.is_ok())] += 1;
        let lost = [hers.err(), his.err()].into_iter().flatten().map(code).next();
        assert_eq!(lost, Some(Code::FourEyes));
    }
    assert_eq!(desk.database.number("select count(*) from resolutions").await, 0, "one of two that are needed");
    assert_eq!(counted.iter().sum::<i32>(), 12);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hard_rules_are_asked_of_both_people() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[rule("any", "require", "at_least", "0")]).await;
    let (ana, ben) = (elsewhere(desk, "ana").await, &desk.approver);
    give(desk, ben, &ana).await.unwrap();
    let id = office.propose("a", "40.00").await;
    let request = desk.open_form(&ana, id, Verdict::Approve).await.unwrap();

    // Who made the key of the agent has nobody review for them.
    let made_by = |person: &Caller| format!("update agent_keys set issued_by = '{}'", person.person().unwrap());
    desk.database.attack(&made_by(ben)).await;
    let refused = Problem::from(decisions::review(&desk.engine, &again(&ana), request.clone()).await.unwrap_err());
    assert_eq!(refused.code, Code::FourEyes);
    assert!(refused.detail.contains("may not review this themselves"), "{}", refused.detail);
    assert_eq!(turns(desk, &ana).await, 0);
    // Nor does who made it review for somebody else.
    desk.database.attack(&made_by(&ana)).await;
    let refused = Problem::from(decisions::review(&desk.engine, &again(&ana), request.clone()).await.unwrap_err());
    assert!(refused.detail.contains("You made the key"), "{}", refused.detail);
    assert_eq!(turns(desk, &ana).await, 0);
    desk.database.attack(&made_by(&desk.admin)).await;
    assert_eq!(turns(desk, &ana).await, 1);
    decisions::review(&desk.engine, &again(&ana), request).await.unwrap();

    // What is written in somebody's place is theirs too: at medium risk another person approves it.
    let edited = office.propose("b", "40.00").await;
    let form = desk.open_form(&ana, edited, Verdict::ApproveWithEdits).await.unwrap();
    let edits = [("amount".to_owned(), "39.00".to_owned())].into();
    decisions::edit(&desk.engine, &again(&ana), form, edits).await.unwrap();
    assert_eq!(turns(desk, ben).await, 0);
    assert_eq!(refusal(desk, ben, None, edited).await, Code::FourEyes);
    desk.review(&desk.approver_b, edited, Verdict::Approve).await.unwrap();
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_senior_approvers_seat_is_filled_in_their_place_and_own_right_comes_first() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[RuleForm { need_senior: "1".into(), ..rule("both", "require", "at_least", "0") }]).await;
    let ana = &desk.approver;
    give(desk, &office.senior, ana).await.unwrap();
    let id = office.propose("a", "40.00").await;

    decisions::start_review(&desk.engine, &again(ana), id).await.unwrap();
    let Composer::Open { ways, refused, .. } = office.page(ana, id).await.composer else { panic!("a form") };
    let senior = (office.senior.person().unwrap(), "senior-a".to_owned());
    assert_eq!(ways, [Way { on_behalf: None }, Way { on_behalf: Some(senior) }]);
    assert!(may_approve(&refused));
    desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();

    // The senior's seat is left: in her own right she fills none.
    let request = desk.open_form(ana, id, Verdict::Approve).await.unwrap();
    assert_eq!(request.on_behalf, None);
    let own = decisions::review(&desk.engine, &again(ana), request).await.unwrap_err();
    assert_eq!(code(own), Code::Forbidden);
    assert_eq!(turns(desk, ana).await, 1);
    let done = in_place(desk, ana, &office.senior, id, Verdict::Approve).await.unwrap();
    assert_eq!(done.state, State::Resolved);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_in_somebodys_place_is_void_when_the_right_is_gone_before_it_is_final() {
    let office = Office::new().await;
    let desk = &office.desk;
    let window = RuleForm { retract_seconds: "60".into(), ..rule("window", "require", "at_least", "0") };
    office.enforce(&[window]).await;
    let (ana, ben) = (elsewhere(desk, "ana").await, &desk.approver);
    let given = give(desk, ben, &ana).await.unwrap();
    let (kept, lost) = (office.propose("a", "40.00").await, office.propose("b", "40.00").await);
    for id in [kept, lost] {
        assert_eq!(desk.review(&ana, id, Verdict::Approve).await.unwrap().state, State::Settling);
    }
    let taken = office.page(&ana, kept).await.reviews[0].retractable.unwrap();
    decisions::retract(&desk.engine, &again(&ana), kept, taken).await.unwrap();

    delegations::end(&desk.engine, &again(ben), given).await.unwrap();
    desk.clock.advance(61_000);

    let voided = format!("select count(*) from reviews where decision_id = '{lost}' and state = 'void'");
    crate::policies::eventually(async || desk.database.number(&voided).await == 1).await;
    assert_eq!(desk.database.number("select count(*) from resolutions").await, 0);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_has_no_turn_and_holds_no_seat_and_their_stand_in_has_both() {
    let desk = Desk::new().await;
    let (ana, ben) = (elsewhere(&desk, "ana").await, &desk.approver);
    let id = desk.queued_decision().await;
    let given = give(&desk, ben, &ana).await.unwrap();
    let held = desk.open_form(ben, id, Verdict::Approve).await.unwrap();
    assert_eq!((turns(&desk, ben).await, turns(&desk, &ana).await), (1, 1));

    let away = AbsenceForm { until: day(&desk, 7), delegation: given.to_string(), ..AbsenceForm::default() };
    absences::set(&desk.engine, &again(ben), away).await.unwrap();

    assert_eq!((turns(&desk, ben).await, turns(&desk, &ana).await), (0, 1));
    let page = decisions::view(&desk.engine, &again(ben), id).await.unwrap();
    let Composer::Closed { reason } = page.composer else { panic!("{:?}", page.composer) };
    assert!(reason.starts_with("You are away until"), "{reason}");
    assert_eq!(page.holders, [], "their seat is free");
    let refused = Problem::from(decisions::review(&desk.engine, &again(ben), held).await.unwrap_err());
    assert_eq!(refused.code, Code::InvalidTransition);
    let start = decisions::start_review(&desk.engine, &again(ben), id).await.unwrap_err();
    assert_eq!(code(start), Code::InvalidTransition);
    let queue = decisions::queue(&desk.engine, &again(ben), QueueFilter::default()).await.unwrap();
    assert!(queue.items.is_empty());
    assert!(queue.blocked.as_ref().is_some_and(|why| why.contains("ana reviews in your place")), "{:?}", queue.blocked);
    let row = people::my_page(&desk.engine, &again(ben)).await.unwrap().delegations.absence.unwrap();
    assert_eq!(row.stand_in.as_deref(), Some("ana"));
    let listed = people::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    assert_eq!((listed.delegations.len(), listed.absences.len()), (1, 1));

    desk.review(&ana, id, Verdict::Approve).await.unwrap();
    let other = desk.queued_decision().await;
    absences::clear(&desk.engine, &again(ben)).await.unwrap();
    assert_eq!(turns(&desk, ben).await, 1);
    desk.review(ben, other, Verdict::Approve).await.unwrap();
    assert_eq!(code(absences::clear(&desk.engine, &again(ben)).await.unwrap_err()), Code::InvalidTransition);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_to_come_begins_by_itself_and_one_takes_the_place_of_the_other() {
    let desk = Desk::new().await;
    let ben = &desk.approver;
    let id = desk.queued_decision().await;
    let away = |from: i64, until: i64| AbsenceForm {
        from: day(&desk, from),
        until: day(&desk, until),
        delegation: String::new(),
    };
    absences::set(&desk.engine, &again(ben), away(5, 9)).await.unwrap();
    absences::set(&desk.engine, &again(ben), away(1, 1)).await.unwrap();
    assert_eq!(desk.database.number("select count(*) from absences where cleared_at is null").await, 1);
    assert_eq!(turns(&desk, ben).await, 1);
    decisions::start_review(&desk.engine, &again(ben), id).await.unwrap();

    for (wrong, words) in [
        (away(-5, -2), "over already"),
        (away(3, 2), "ends before it begins"),
        (away(0, 400), "a year at most"),
        (AbsenceForm { until: String::new(), ..away(0, 1) }, "until when"),
        (AbsenceForm { delegation: uuid_text(), ..away(0, 1) }, "a delegation that you gave"),
    ] {
        let problem = Problem::from(absences::set(&desk.engine, &again(ben), wrong).await.unwrap_err());
        assert_eq!(problem.code.status(), 422);
        assert!(problem.errors[0].detail.contains(words), "{words} in {problem:?}");
    }
    desk.clock.advance(DAY_MS);
    let later = desk.queued_decision().await;
    assert_eq!(turns(&desk, ben).await, 0, "it has begun");
    desk.clock.advance(DAY_MS);
    let last = desk.queued_decision().await;
    assert_ne!(later, last);
    assert_eq!(turns(&desk, ben).await, 1, "and is over");
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reviews_in_the_place_of_who_owns_the_system() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[RuleForm { need: "2".into(), ..rule("two", "require", "at_least", "0") }]).await;
    let (ana, ben) = (elsewhere(desk, "ana").await, &desk.approver);
    give(desk, ben, &ana).await.unwrap();
    let (ruled, held) = (office.propose("a", "40.00").await, office.propose("b", "40.00").await);
    desk.review(&ana, ruled, Verdict::Approve).await.unwrap();

    // What was said in their place is theirs: it would count, and no review of an owner does.
    let refused = Problem::from(own(desk, "approver-a").await.unwrap_err());
    assert_eq!(refused.code, Code::InvalidTransition);
    assert!(refused.detail.contains("ruled on 1 open decision"), "{}", refused.detail);
    let taken = office.page(&ana, ruled).await.reviews[0].retractable.unwrap();
    decisions::retract(&desk.engine, &again(&ana), ruled, taken).await.unwrap();

    let form = desk.open_form(&ana, held, Verdict::Approve).await.unwrap();
    assert_eq!(turns(desk, &ana).await, 2);
    own(desk, "approver-a").await.unwrap();

    assert_eq!(turns(desk, &ana).await, 0);
    let page = office.page(&ana, held).await;
    assert_eq!(page.holders, [], "what she had begun in his place is somebody else's");
    let Composer::Closed { reason } = page.composer else { panic!("{:?}", page.composer) };
    assert!(reason.contains("may not review this themselves"), "{reason}");
    let refused = Problem::from(decisions::review(&desk.engine, &again(&ana), form).await.unwrap_err());
    assert_eq!((refused.code, refused.policies), (Code::FourEyes, vec!["owner_never_reviews".to_owned()]));
    let start = decisions::start_review(&desk.engine, &again(&ana), held).await.unwrap_err();
    assert_eq!(code(start), Code::FourEyes);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_reviews_in_nobodys_place() {
    let desk = Desk::new().await;
    let (ana, ben) = (&desk.approver, &desk.approver_b);
    give(&desk, ben, ana).await.unwrap();
    let id = desk.queued_decision().await;
    let mut form = desk.open_form(ana, id, Verdict::Approve).await.unwrap();
    form.on_behalf = ben.person();
    own(&desk, "approver-a").await.unwrap();

    let refused = Problem::from(decisions::review(&desk.engine, &again(ana), form).await.unwrap_err());
    assert_eq!((refused.code, refused.policies), (Code::FourEyes, vec!["owner_never_reviews".to_owned()]));
    assert_eq!(turns(&desk, ana).await, 0);
    desk.review(ben, id, Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_in_somebodys_place_is_over_with_what_gave_it() {
    let desk = Desk::new().await;
    let (ana, ben) = (elsewhere(&desk, "ana").await, &desk.approver);
    let id = desk.queued_decision().await;
    let given = give(&desk, ben, &ana).await.unwrap();
    let form = desk.open_form(&ana, id, Verdict::Approve).await.unwrap();
    assert_eq!(decisions::view(&desk.engine, &again(ben), id).await.unwrap().holders.len(), 1);

    delegations::end(&desk.engine, &again(ben), given).await.unwrap();

    assert_eq!(decisions::view(&desk.engine, &again(ben), id).await.unwrap().holders, []);
    let beat = decisions::beat(&desk.engine, &again(&ana), (id, form.lease), form.presentation, false).await;
    assert_eq!(code(beat.unwrap_err()), Code::LeaseLost);
    desk.review(ben, id, Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_escalated_goes_to_senior_approvers_who_can_take_it() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[rule("any", "require", "at_least", "0")]).await;
    let ana = &desk.approver;
    give(desk, &office.senior, ana).await.unwrap();
    let id = office.propose("a", "40.00").await;

    let in_their_place = in_place(desk, ana, &office.senior, id, Verdict::Escalate).await.unwrap_err();
    let problem = Problem::from(in_their_place);
    assert_eq!(problem.code, Code::InvalidTransition, "of the two one counts, and nobody else is senior");
    assert!(problem.detail.contains("Nobody could take it over"), "{}", problem.detail);
    let away = AbsenceForm { until: day(desk, 7), ..AbsenceForm::default() };
    absences::set(&desk.engine, &again(&office.senior), away).await.unwrap();
    let while_away = desk.review(&desk.approver_b, id, Verdict::Escalate).await;
    assert!(while_away.is_ok(), "who stands in for them takes it: {while_away:?}");
    absences::clear(&desk.engine, &again(&office.senior)).await.unwrap();
    desk.review(&office.senior, id, Verdict::Approve).await.unwrap();

    let own = office.propose("b", "40.00").await;
    in_own_right(desk, ana, own, Verdict::Escalate).await.unwrap();
    desk.review(&office.senior, own, Verdict::Approve).await.unwrap();
    verified(desk).await;
}

/// Whoever's turn the queue says it is, may approve it when they open it, in some right, and nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_in_somebodys_place_is_what_opening_tells() {
    let office = Office::new().await;
    let desk = &office.desk;
    let both = RuleForm { need_senior: "1".into(), ..rule("both", "require", "at_most", "100") };
    office.enforce(&[both, rule("any", "require", "at_least", "0")]).await;
    let (ana, ben) = (elsewhere(desk, "ana").await, &desk.approver);
    let limited = Holding {
        limits: AuthorityLimits { amount: Some(150), ..AuthorityLimits::default() },
        ..Holding::everywhere(Role::SeniorApprover)
    };
    let dan = desk.member("dan", vec![limited]).await;
    give(desk, ben, &ana).await.unwrap();
    give(desk, &dan, &desk.approver_b).await.unwrap();
    let narrow = DelegationForm { amount: "120".into(), ..form(desk, &ana) };
    delegations::give(&desk.engine, &again(&office.senior), narrow).await.unwrap();
    let mut all = Vec::new();
    for (n, amount) in ["40.00", "60.00", "110.00", "140.00", "400.00"].iter().enumerate() {
        all.push(office.propose(&format!("turn-{n}"), amount).await);
    }
    desk.review(ben, all[0], Verdict::Approve).await.unwrap();
    in_place(desk, &ana, ben, all[1], Verdict::Approve).await.unwrap();
    desk.review(&desk.approver_b, all[2], Verdict::Abstain).await.unwrap();
    let mut met = 0;
    for person in [&ana, ben, &desk.approver_b, &office.senior, &dan, &desk.auditor] {
        let mut wanted = HashSet::new();
        for id in &all {
            let Ok(page) = decisions::view(&desk.engine, &again(person), *id).await else { continue };
            if matches!(&page.composer, Composer::Open { refused, .. } | Composer::Ready { refused, .. } if may_approve(refused))
            {
                wanted.insert(*id);
            }
        }
        let filter = QueueFilter { view: Some(View::YourTurn), ..QueueFilter::default() };
        let listed = decisions::queue(&desk.engine, &again(person), filter).await.unwrap();
        let found: HashSet<DecisionId> = listed.items.iter().map(|item| item.id).collect();
        assert_eq!(found, wanted, "{person:?}");
        let count = listed.counts.iter().find(|count| count.view == View::YourTurn).unwrap().count;
        assert_eq!((count as usize, turns(desk, person).await), (wanted.len(), wanted.len()), "{person:?}");
        met += wanted.len();
    }
    assert!(met > 8, "{met}");
}

/// How many refusals of giving are on record.
const DENIED: &str = "select count(*) from ledger_entries
    where position(convert_to('\"action\":\"give_delegation\"', 'UTF8') in bytes) > 0";

/// Somebody who reviews, and not here.
async fn elsewhere(desk: &Desk, login: &str) -> Caller {
    let other = systems::register(&desk.engine, &again(&desk.admin), &format!("{login}-agent")).await.unwrap();
    desk.member(login, vec![Holding::on(Role::Approver, vec![other])]).await
}

/// Has the admin name somebody as the owner of the desk's system.
async fn own(desk: &Desk, login: &str) -> Result<()> {
    let reason = Reason::new("They run it.").unwrap();
    let naming = NamingRequest { system: desk.system, login: login.into(), before: None, reason };
    owners::name(&desk.engine, &again(&desk.admin), naming).await
}

fn form(desk: &Desk, to: &Caller) -> DelegationForm {
    DelegationForm { to: id_text(to), until: day(desk, 7), ..DelegationForm::default() }
}

async fn give(desk: &Desk, from: &Caller, to: &Caller) -> Result<DelegationId> {
    delegations::give(&desk.engine, &again(from), form(desk, to)).await
}

/// Reviews in somebody's place.
async fn in_place(
    desk: &Desk,
    who: &Caller,
    delegator: &Caller,
    id: DecisionId,
    verdict: Verdict,
) -> Result<decisions::Reviewed> {
    let mut request = desk.open_form(who, id, verdict).await?;
    request.on_behalf = delegator.person();
    decisions::review(&desk.engine, &again(who), request).await
}

async fn in_own_right(desk: &Desk, who: &Caller, id: DecisionId, verdict: Verdict) -> Result<decisions::Reviewed> {
    let mut request = desk.open_form(who, id, verdict).await?;
    request.on_behalf = None;
    decisions::review(&desk.engine, &again(who), request).await
}

/// Sends a form that another decision's page had opened, where this one's would be closed; returns the refusal.
async fn refusal(desk: &Desk, who: &Caller, on_behalf: Option<&Caller>, id: DecisionId) -> Code {
    let page = decisions::view(&desk.engine, &again(who), id).await.unwrap();
    let elsewhere = desk.queued_decision().await;
    let mut request = desk.open_form(who, elsewhere, Verdict::Approve).await.unwrap();
    if let Composer::Ready { .. } | Composer::Open { .. } = page.composer {
        panic!("{who:?} may rule on it: {:?}", page.composer);
    }
    request.decision = id;
    request.on_behalf = on_behalf.and_then(Caller::person);
    code(decisions::review(&desk.engine, &again(who), request).await.unwrap_err())
}

async fn turns(desk: &Desk, person: &Caller) -> usize {
    people::me(&desk.engine, &again(person)).await.unwrap().turn_count as usize
}

/// Where the delegations stand that a person gave and that nobody ended, the latest first.
async fn listed(desk: &Desk, person: &Caller) -> Vec<DelegationState> {
    let given = people::my_page(&desk.engine, &again(person)).await.unwrap().delegations.given;
    given.iter().map(|row| row.state).filter(|state| *state != DelegationState::Revoked).collect()
}

fn day(desk: &Desk, from_now: i64) -> String {
    date(desk.engine.now().checked_add_signed(from_now * DAY_MS as i64).unwrap())
}

fn id_text(person: &Caller) -> String {
    person.person().unwrap().to_string()
}

fn uuid_text() -> String {
    "01a19b7d-90e0-7f95-ae73-2979886b812a".to_owned()
}

fn uuid() -> uuid::Uuid {
    uuid_text().parse().unwrap()
}
