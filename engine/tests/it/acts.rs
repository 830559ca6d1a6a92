//! Reviews that settle, are taken back, hand up, step aside and come back later.

use countersign_domain::{
    decision::{ResolutionOutcome, ReviewState, State, Verdict},
    holding::Holding,
    ids::{DecisionId, EntryId},
    policy::view::RuleForm,
    problem::Code,
    queue::View,
    role::Role,
    turn::{TurnOf, TurnWhy},
    view::{Composer, DecisionView},
};
use countersign_engine::{
    Caller, Engine,
    decisions::{self, QueueFilter},
    people,
    testing::{Desk, again},
};

use crate::policies::{Office, code, eventually, kinds, rule, verified};

/// A table that asks for so many approvals and leaves time to take a review back.
async fn office(need: u64, retract_seconds: &str) -> Office {
    let office = Office::new().await;
    let asked = RuleForm {
        need: need.to_string(),
        retract_seconds: retract_seconds.into(),
        ..rule("asked", "require", "at_least", "0")
    };
    office.enforce(&[asked]).await;
    office
}

/// The entry of the reader's own review, where it may be taken back.
fn own(page: &DecisionView) -> Option<EntryId> {
    page.reviews.iter().find_map(|review| review.retractable)
}

async fn state(office: &Office, id: DecisionId) -> State {
    office.page(&office.desk.auditor, id).await.state
}

/// What a view holds, whose count says the same.
async fn listed(desk: &Desk, caller: &Caller, view: View) -> Vec<DecisionId> {
    let filter = QueueFilter { view: Some(view), ..QueueFilter::default() };
    let page = decisions::queue(&desk.engine, &again(caller), filter).await.unwrap();
    let count = page.counts.iter().find(|count| count.view == view).unwrap().count;
    let ids: Vec<_> = page.items.iter().map(|item| item.id).collect();
    assert_eq!(count, ids.len() as u64, "{view:?}");
    ids
}

async fn retract(engine: &Engine, caller: &Caller, id: DecisionId, review: EntryId) -> Result<State, Code> {
    decisions::retract(engine, &again(caller), id, review).await.map(|done| done.state).map_err(code)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_settles_and_reaches_the_agent_only_afterwards() {
    let office = office(1, "20").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;

    let given = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let told = decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap();
    let page = office.page(&desk.approver_b, id).await;

    assert_eq!((given.state, given.resolution), (State::Settling, None));
    assert_eq!((told.state, told.resolution), (State::Settling, None));
    assert_eq!(page.settling.unwrap().outcome, ResolutionOutcome::Approved);
    let Composer::Ready { refused, .. } = page.composer else { panic!("another reviewer may still reject") };
    assert!(refused.iter().all(|refused| refused.verdict != Verdict::Reject));
    assert!(refused.iter().any(|refused| refused.verdict == Verdict::Approve));

    assert_eq!(listed(desk, &desk.approver, View::Settling).await, [id]);
    let strip = async |who: &Caller| {
        let page = decisions::queue(&desk.engine, &again(who), QueueFilter::default()).await.unwrap();
        page.retractable.iter().map(|review| (review.decision, review.settles_at.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(strip(&desk.approver).await, [(id, true)], "at the foot of every list of theirs");
    assert_eq!(strip(&desk.approver_b).await, [], "and of nobody else's");
    desk.clock.advance(20_000);
    eventually(async || state(&office, id).await != State::Settling).await;
    let told = decisions::wait(&desk.engine, &again(&desk.agent), id, std::time::Duration::from_secs(5), None).await;

    assert_eq!(told.unwrap().resolution.unwrap().outcome, ResolutionOutcome::Approved);
    let acts: Vec<_> = desk.kinds_of(id).await.into_iter().filter(|kind| !kind.ends_with(".viewed")).collect();
    assert_eq!(acts, kinds(&["proposed", "routed", "leased", "reviewed", "quorum_met", "resolved", "released"]));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_taken_back_once_by_its_author_and_may_be_given_anew() {
    let office = office(1, "20").await;
    let desk = &office.desk;
    let engine = &desk.engine;
    let id = office.propose("a", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let review = own(&office.page(&desk.approver, id).await).unwrap();

    let of_another = retract(engine, &desk.approver_b, id, review).await;
    let unknown = retract(engine, &desk.approver, id, EntryId(uuid::Uuid::nil())).await;
    let back = retract(engine, &desk.approver, id, review).await;
    let twice = retract(engine, &desk.approver, id, review).await;

    assert_eq!(of_another, Err(Code::Forbidden));
    assert_eq!(unknown, Err(Code::InvalidTransition));
    assert_eq!(back, Ok(State::Queued));
    assert_eq!(twice, Err(Code::InvalidTransition));
    let page = office.page(&desk.approver, id).await;
    assert_eq!(page.reviews[0].state, ReviewState::Retracted);
    assert_eq!(own(&page), None);

    desk.clock.advance(60_000);
    let rejected = desk.review(&desk.approver, id, Verdict::Reject).await.unwrap();
    assert_eq!(rejected.state, State::Settling);
    desk.clock.advance(20_000);
    eventually(async || state(&office, id).await != State::Settling).await;
    let late = retract(engine, &desk.approver, id, review).await;

    assert_eq!(late, Err(Code::InvalidTransition), "it is resolved");
    assert_eq!(office.page(&desk.auditor, id).await.resolution.unwrap().outcome, ResolutionOutcome::Rejected);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_may_still_reject_what_settles() {
    let office = office(1, "20").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    let agreed = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap_err();
    let rejected = desk.review(&desk.approver_b, id, Verdict::Reject).await.unwrap();
    desk.clock.advance(20_000);
    eventually(async || state(&office, id).await != State::Settling).await;

    assert_eq!(code(agreed), Code::AlreadyResolved);
    assert_eq!(rejected.state, State::Settling);
    assert_eq!(office.page(&desk.auditor, id).await.resolution.unwrap().outcome, ResolutionOutcome::Rejected);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_that_somebody_rejected_settle_again_once_the_rejection_is_taken_back() {
    let office = office(1, "20").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    desk.review(&desk.approver_b, id, Verdict::Reject).await.unwrap();
    let rejection = own(&office.page(&desk.approver_b, id).await).unwrap();

    let back = retract(&desk.engine, &desk.approver_b, id, rejection).await;

    assert_eq!(back, Ok(State::Settling));
    assert_eq!(office.page(&desk.auditor, id).await.settling.unwrap().outcome, ResolutionOutcome::Approved);
    desk.clock.advance(20_000);
    eventually(async || state(&office, id).await != State::Settling).await;
    assert_eq!(office.page(&desk.auditor, id).await.resolution.unwrap().outcome, ResolutionOutcome::Approved);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_handed_to_nobody() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let up = desk.review(&desk.approver, id, Verdict::Escalate).await.unwrap_err();

    assert_eq!(code(up), Code::InvalidTransition);
    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    assert_eq!((page.state, page.reviews.len()), (State::InReview, 0), "who was refused still has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_ruled_is_nobody_to_hand_it_to() {
    let office = office(2, "0").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;
    desk.review(&office.senior, id, Verdict::Approve).await.unwrap();

    let alone = desk.review(&desk.approver, id, Verdict::Escalate).await.unwrap_err();
    let another = desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    desk.review(&desk.approver_b, id, Verdict::Escalate).await.unwrap();
    let last = desk.review(&another, id, Verdict::Approve).await.unwrap();

    assert_eq!(code(alone), Code::InvalidTransition);
    assert_eq!(last.resolution, Some(ResolutionOutcome::Approved));
    verified(desk).await;
}

/// A rejection settles; an approval that it outweighed is taken back, which changes neither it nor its time. Nor does an
/// abstention take a request for changes from the agent.
#[tokio::test(flavor = "multi_thread")]
async fn taking_back_what_decided_nothing_leaves_the_decision_where_it_stands() {
    let office = office(2, "20").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    desk.review(&desk.approver_b, id, Verdict::Reject).await.unwrap();
    let settling = office.page(&desk.approver, id).await.settling.unwrap();
    let other = office.propose("b", "40.00").await;
    desk.review(&desk.approver, other, Verdict::Abstain).await.unwrap();
    desk.review(&desk.approver_b, other, Verdict::RequestChanges).await.unwrap();

    desk.clock.advance(1_000);
    for id in [id, other] {
        let review = own(&office.page(&desk.approver, id).await).unwrap();
        retract(&desk.engine, &desk.approver, id, review).await.unwrap();
    }

    let page = office.page(&desk.approver, id).await;
    assert_eq!((page.state, page.settling), (State::Settling, Some(settling)));
    let met = format!("select count(*) from ledger_index where object_id = '{id}' and kind = 'decision.quorum_met'");
    assert_eq!(desk.database.number(&met).await, 1);
    assert_eq!(state(&office, other).await, State::ChangesRequested);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_right_before_the_resolution_does_not_count() {
    let office = office(1, "20").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    people::disable(&desk.engine, &again(&desk.admin), desk.approver.person().unwrap()).await.unwrap();
    desk.clock.advance(20_000);
    eventually(async || state(&office, id).await != State::Settling).await;

    let page = office.page(&desk.approver_b, id).await;
    assert_eq!((page.state, page.resolution), (State::Queued, None));
    assert_eq!(page.reviews[0].state, ReviewState::Void);
    let given = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    assert_eq!(given.state, State::Settling);
    desk.clock.advance(20_000);
    eventually(async || state(&office, id).await == State::Resolved).await;
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_back_and_the_end_of_the_window_meet_in_one_order() {
    let office = office(1, "10").await;
    let desk = &office.desk;
    let mut outcomes = (0, 0);
    for round in 0..12 {
        let id = office.propose(&format!("r{round}"), "40.00").await;
        desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
        let review = own(&office.page(&desk.approver, id).await).unwrap();
        let (engine, approver) = (desk.engine.clone(), again(&desk.approver));
        let taking = tokio::spawn(async move { retract(&engine, &approver, id, review).await });
        desk.clock.advance(10_000);
        let taken = taking.await.unwrap();
        eventually(async || state(&office, id).await != State::Settling).await;
        match taken {
            Ok(_) => {
                assert_eq!(state(&office, id).await, State::Queued);
                outcomes.0 += 1;
            }
            Err(why) => {
                assert_eq!((why, state(&office, id).await), (Code::InvalidTransition, State::Resolved));
                outcomes.1 += 1;
            }
        }
    }
    assert_eq!(outcomes.0 + outcomes.1, 12);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_hands_a_decision_to_the_senior_approvers() {
    let office = office(1, "0").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;

    let before = office.page(&desk.approver_b, id).await.turn.unwrap();
    let escalated = desk.review(&desk.approver, id, Verdict::Escalate).await.unwrap();
    let page = office.page(&desk.approver_b, id).await;
    let told = decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap().turn.unwrap();
    let below = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap_err();
    let again_up = desk.review(&office.senior, id, Verdict::Escalate).await.unwrap_err();
    let approved = desk.review(&office.senior, id, Verdict::Approve).await.unwrap();

    assert_eq!((before.of, before.why, before.by), (TurnOf::Approvers, TurnWhy::Routed, None));
    let turn = page.turn.unwrap();
    assert_eq!((turn.of, turn.why), (TurnOf::SeniorApprovers, TurnWhy::Escalated), "no deadline did it");
    assert_eq!((turn.by.is_some(), page.policy.escalated_by.is_some()), (true, true), "and it is said who did");
    assert_eq!((told.of.as_str(), told.why.as_str()), ("senior_approvers", "escalated"));
    assert_eq!(escalated.state, State::Queued);
    assert_eq!(own(&office.page(&desk.approver, id).await), None, "it has had its effect");
    assert_eq!(page.policy.seats.iter().map(|seat| seat.role).collect::<Vec<_>>(), [Role::SeniorApprover]);
    assert_eq!(code(below), Code::Forbidden);
    assert_eq!(code(again_up), Code::InvalidTransition);
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_abstains_is_out_and_who_defers_comes_back() {
    let office = office(2, "0").await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;
    let turns = async |caller: &Caller| people::me(&desk.engine, &again(caller)).await.unwrap().turn_count;

    desk.review(&desk.approver, id, Verdict::Abstain).await.unwrap();
    let again_ruled = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap_err();
    let mut defer = desk.open_form(&desk.approver_b, id, Verdict::Defer).await.unwrap();
    let timeless = decisions::review(&desk.engine, &again(&desk.approver_b), defer.clone()).await.unwrap_err();
    let until = desk.engine.now() + 3_600_000;
    defer.follow_up = Some(until);
    let deferred = decisions::review(&desk.engine, &again(&desk.approver_b), defer).await.unwrap();

    assert_eq!(code(again_ruled), Code::InvalidTransition);
    assert_eq!(code(timeless), Code::InvalidContent);
    assert_eq!((deferred.state, deferred.resolution), (State::Queued, None));
    assert_eq!(office.page(&desk.approver_b, id).await.reviews[1].follow_up, Some(until));
    assert_eq!(turns(&desk.approver_b).await, 0, "it is not their turn until then");
    assert_eq!(listed(desk, &desk.approver_b, View::Deferred).await, [id]);
    assert_eq!(listed(desk, &desk.approver_b, View::YourTurn).await, []);
    assert_eq!(listed(desk, &desk.approver, View::Waiting).await, [id], "who abstained waits for the others");
    desk.clock.advance(1_200_000);
    let approved = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    let last = desk.review(&office.senior, id, Verdict::Approve).await.unwrap();

    assert_eq!(approved.state, State::InReview);
    assert_eq!(last.resolution, Some(ResolutionOutcome::Approved));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_as_many_rejections_as_the_row_says() {
    let office = Office::new().await;
    let desk = &office.desk;
    let asked =
        RuleForm { need: "2".into(), reject_threshold: "2".into(), ..rule("asked", "require", "at_least", "0") };
    office.enforce(&[asked]).await;
    let third = desk.member("third", vec![Holding::everywhere(Role::Approver)]).await;
    let (one, other) = (office.propose("a", "40.00").await, office.propose("b", "41.00").await);
    let outcome = async |id| office.page(&desk.auditor, id).await.resolution.map(|resolution| resolution.outcome);

    // One of three says no: counted, shown, and against nothing.
    desk.review(&desk.approver, one, Verdict::Reject).await.unwrap();
    let page = office.page(&desk.auditor, one).await;
    assert_eq!((page.state, page.policy.rejections, page.policy.reject_threshold), (State::InReview, 1, 2));
    assert!(page.policy.sentence.contains("or 2 rejections to reject it,"), "{}", page.policy.sentence);
    for caller in [&desk.approver_b, &third] {
        desk.review(caller, one, Verdict::Approve).await.unwrap();
    }
    assert_eq!(outcome(one).await, Some(ResolutionOutcome::Approved));

    // Two of three do.
    desk.review(&desk.approver, other, Verdict::Reject).await.unwrap();
    let own = own(&office.page(&desk.approver, other).await).unwrap();
    assert_eq!(retract(&desk.engine, &desk.approver, other, own).await, Ok(State::Queued));
    for (caller, verdict) in
        [(&desk.approver, Verdict::Reject), (&third, Verdict::Approve), (&desk.approver_b, Verdict::Reject)]
    {
        desk.review(caller, other, verdict).await.unwrap();
    }
    assert_eq!(outcome(other).await, Some(ResolutionOutcome::Rejected));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_that_is_not_enough_leaves_what_settles() {
    let office = Office::new().await;
    let desk = &office.desk;
    let asked = |threshold: &str| RuleForm {
        need: "2".into(),
        reject_threshold: threshold.into(),
        retract_seconds: "20".into(),
        ..rule("asked", "require", "at_least", "0")
    };
    office.enforce(&[asked("2")]).await;
    let third = desk.member("third", vec![Holding::everywhere(Role::Approver)]).await;
    let id = office.propose("a", "40.00").await;
    for caller in [&desk.approver, &desk.approver_b] {
        desk.review(caller, id, Verdict::Approve).await.unwrap();
    }

    let given = desk.review(&third, id, Verdict::Reject).await.unwrap();

    assert_eq!(given.state, State::Settling);
    desk.clock.advance(20_000);
    eventually(async || state(&office, id).await == State::Resolved).await;
    let page = office.page(&desk.auditor, id).await;
    assert_eq!(page.resolution.unwrap().outcome, ResolutionOutcome::Approved);

    // A version that is content with fewer rejections is stricter, so what is open goes by it, and what stands decides.
    let open = office.propose("b", "41.00").await;
    desk.review(&third, open, Verdict::Reject).await.unwrap();
    office.enforce(&[asked("1")]).await;
    eventually(async || state(&office, open).await == State::Settling).await;
    assert_eq!(office.page(&desk.auditor, open).await.settling.unwrap().outcome, ResolutionOutcome::Rejected);

    // One that asks for more people and more rejections is stricter too, and takes nothing from a no that stands.
    office.enforce(&[asked("2")]).await;
    for name in ["fourth", "fifth"] {
        desk.member(name, vec![Holding::everywhere(Role::Approver)]).await;
    }
    let (said_no, silent) = (office.propose("c", "42.00").await, office.propose("d", "43.00").await);
    desk.review(&third, said_no, Verdict::Reject).await.unwrap();
    office.enforce(&[RuleForm { need: "3".into(), ..asked("3") }]).await;
    for (id, threshold) in [(said_no, 2), (silent, 3)] {
        eventually(async || office.page(&desk.auditor, id).await.policy.need == 3).await;
        let policy = office.page(&desk.auditor, id).await.policy;
        assert_eq!((policy.reject_threshold, policy.kept_threshold), (threshold, threshold == 2));
    }
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_whose_author_lost_the_right_is_void_where_nothing_settles() {
    let office = Office::new().await;
    let desk = &office.desk;
    let asked =
        RuleForm { need: "2".into(), reject_threshold: "2".into(), ..rule("asked", "require", "at_least", "0") };
    office.enforce(&[RuleForm { retract_seconds: "0".into(), ..asked }]).await;
    let third = desk.member("third", vec![Holding::everywhere(Role::Approver)]).await;
    let id = office.propose("a", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Reject).await.unwrap();
    people::disable(&desk.engine, &again(&desk.admin), desk.approver.person().unwrap()).await.unwrap();

    let second = desk.review(&desk.approver_b, id, Verdict::Reject).await.unwrap();
    let page = office.page(&third, id).await;
    let last = desk.review(&third, id, Verdict::Reject).await.unwrap();

    assert_eq!((second.state, second.resolution), (State::InReview, None));
    assert_eq!((page.reviews[0].state, page.policy.rejections), (ReviewState::Void, 1));
    assert_eq!((last.state, last.resolution), (State::Resolved, Some(ResolutionOutcome::Rejected)));
    verified(desk).await;
}
