//! Taking an approval back: what the agent reads from that moment on, who may, and making good what had run.

use std::time::{Duration, Instant};

use countersign_domain::{
    answer::AgentNext,
    decision::{ReasonCode, ResolutionOutcome, Risk, State, Verdict},
    holding::{AuthorityLimits, Holding},
    ids::DecisionId,
    problem::Code,
    queue::{Narrowed, View},
    revocation::Compensation,
    role::Role,
    text::Reason,
    view::{NoticeKind, ResolutionSection},
};
use countersign_engine::{
    Caller, Result,
    decisions::{self, QueueFilter},
    people,
    testing::{again, id_of, unique},
};
use countersign_ledger::verify::Status;

use crate::pauses::{Floor, code, shows};

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_is_revoked_before_it_was_told_is_never_told() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let id = approved(&floor).await;

    revoke(&floor, &floor.senior, id).await.unwrap();
    // Nothing waits for the seal: the first question after the commit is answered so.
    let at_once = floor.read(id).await;
    desk.sealed().await;
    let sealed = floor.read(id).await;

    for answer in [&at_once, &sealed] {
        let resolution = answer.resolution.as_ref().unwrap();
        assert_eq!((resolution.outcome, resolution.next), (ResolutionOutcome::Revoked, AgentNext::Stop));
        assert_eq!(resolution.reason_code, Some(ReasonCode::AgainstPolicy));
        assert!(resolution.message.as_ref().unwrap().contains("Do not act"));
        assert_eq!(answer.action, None, "there is nothing to run");
    }
    assert_eq!(sealed.state, State::Closed);
    let kinds = desk.kinds_of(id).await;
    let acts: Vec<_> =
        kinds.iter().filter(|kind| kind.starts_with("decision.") && *kind != "decision.viewed").collect();
    assert_eq!(
        acts,
        [
            "decision.proposed",
            "decision.routed",
            "decision.leased",
            "decision.reviewed",
            "decision.resolved",
            "decision.revoked",
            "decision.resolved",
            "decision.released"
        ],
        "told once, and that it is revoked"
    );
    assert_eq!(section(&floor, id).await.revoked.unwrap().compensation, None);
    let proof = decisions::proof(&desk.engine, &again(&desk.agent), id).await.unwrap();
    assert!(shows(&proof, "decision.resolved") && proof_says(&proof, "\"outcome\":\"revoked\""));
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_was_told_is_gone_within_a_second_and_what_ran_meanwhile_is_to_be_undone() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let id = approved(&floor).await;
    let told = floor.wait(id, Duration::from_secs(10)).await;
    assert_eq!(told.resolution.unwrap().next, AgentNext::Act);

    let started = Instant::now();
    assert_eq!(revoke(&floor, &floor.senior, id).await.unwrap(), None);
    let after = floor.read(id).await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let resolution = after.resolution.unwrap();
    assert_eq!((resolution.outcome, resolution.next), (ResolutionOutcome::Revoked, AgentNext::Stop));
    assert_eq!((after.action, after.state), (None, State::Released));
    desk.sealed().await;
    floor.read(id).await;
    let page = section(&floor, id).await;
    assert!(page.revoked.as_ref().unwrap().told_at.is_some(), "when it learned that is on record");
    assert_eq!(page.outcome, ResolutionOutcome::Revoked);
    assert!(page.released_at < page.revoked.unwrap().told_at);

    // It had acted before it asked again.
    report(&floor, id, "executed", "full").await;
    let undo = floor.read(id).await.resolution.unwrap();
    assert_eq!(undo.next, AgentNext::Compensate);
    assert!(undo.message.unwrap().contains("report `compensated`"));
    let open = section(&floor, id).await.revoked.unwrap().compensation.unwrap();
    assert_eq!((open.state, open.said), (Compensation::Open, None));

    assert_eq!(tasks(&floor, &floor.senior, QueueFilter::default()).await, ([id].into(), 1));
    assert_eq!(tasks(&floor, &desk.approver, QueueFilter::default()).await, (Vec::new(), 0), "who cannot record it");
    let high = Narrowed { risk: Some(Risk::High), ..Narrowed::default() };
    let narrowed = QueueFilter { narrowed: high, ..QueueFilter::default() };
    assert_eq!(tasks(&floor, &floor.senior, narrowed).await.0, []);
    let limits = AuthorityLimits { types: vec!["payout.issue".into()], ..AuthorityLimits::default() };
    let elsewhere = Holding { limits, ..Holding::everywhere(Role::SeniorApprover) };
    let stranger = desk.member("senior-elsewhere", vec![elsewhere]).await;
    assert_eq!(tasks(&floor, &stranger, QueueFilter::default()).await, (Vec::new(), 0));

    assert_eq!(notices(&floor, &floor.senior).await, 1, "who may make it good is told, who revoked it too");
    assert_eq!(notices(&floor, &desk.approver).await, 0);
    report(&floor, id, "executed", "full").await;
    assert_eq!(notices(&floor, &floor.senior).await, 1, "once");

    report(&floor, id, "compensated", "full").await;
    assert_eq!(floor.read(id).await.resolution.unwrap().next, AgentNext::Stop, "it undid it");
    let open = section(&floor, id).await.revoked.unwrap().compensation.unwrap();
    assert_eq!(open.state, Compensation::Open, "a person looks at it");

    compensate(&floor, &floor.senior, id, true).await.unwrap();
    let done = section(&floor, id).await.revoked.unwrap().compensation.unwrap();
    assert_eq!(done.state, Compensation::Done);
    assert_eq!(tasks(&floor, &floor.senior, QueueFilter::default()).await, (Vec::new(), 0));
    let said = done.said.unwrap();
    assert_eq!((said.by.as_str(), said.reason.as_str()), ("senior-a", "The bank called it back."));
    let twice = compensate(&floor, &floor.senior, id, false).await.unwrap_err();
    assert_eq!(code(twice), Code::InvalidTransition);
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_what_ran_opens_a_task_that_may_end_as_not_possible() {
    let floor = Floor::new().await;
    let id = approved(&floor).await;
    floor.wait(id, Duration::from_secs(10)).await;
    report(&floor, id, "failed", "unknown").await;

    assert_eq!(revoke(&floor, &floor.senior, id).await.unwrap(), Some(Compensation::Open));
    assert_eq!(floor.read(id).await.resolution.unwrap().next, AgentNext::Compensate);
    floor.pause(&floor.desk.approver).await.unwrap();
    assert_eq!(floor.read(id).await.resolution.unwrap().next, AgentNext::Stop, "a paused system does nothing");

    assert_eq!(tasks(&floor, &floor.senior, QueueFilter::default()).await, ([id].into(), 1));
    compensate(&floor, &floor.senior, id, false).await.unwrap();
    assert_eq!(tasks(&floor, &floor.senior, QueueFilter::default()).await, (Vec::new(), 0));
    let section = section(&floor, id).await.revoked.unwrap().compensation.unwrap();
    assert_eq!(section.state, Compensation::NotPossible);
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_no_effect_leaves_nothing_to_make_good() {
    let floor = Floor::new().await;
    let id = approved(&floor).await;
    floor.wait(id, Duration::from_secs(10)).await;
    report(&floor, id, "not_executed", "none").await;

    assert_eq!(revoke(&floor, &floor.senior, id).await.unwrap(), None);
    let refused = compensate(&floor, &floor.senior, id, true).await.unwrap_err();

    assert_eq!(code(refused), Code::InvalidTransition);
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_approved_or_is_revoked_is_refused_and_that_is_on_record() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let open = desk.queued_decision().await;
    let rejected = desk.queued_decision().await;
    desk.review(&desk.approver, rejected, Verdict::Reject).await.unwrap();
    let revoked = approved(&floor).await;
    revoke(&floor, &floor.senior, revoked).await.unwrap();

    for (id, said) in [(open, "not resolved"), (rejected, "never approved"), (revoked, "revoked already")] {
        let problem = countersign_domain::Problem::from(revoke(&floor, &floor.senior, id).await.unwrap_err());
        assert_eq!((problem.code, problem.code.status()), (Code::InvalidTransition, 409), "{said}");
        assert!(problem.detail.contains(said), "{}", problem.detail);
        let kinds = desk.kinds_of(id).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "access.denied").count(), 1, "{said}");
    }
    assert_eq!(desk.kinds_of(revoked).await.iter().filter(|kind| *kind == "decision.revoked").count(), 1);
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_senior_approver_of_the_system_revokes() {
    use countersign_domain::{holding::Holding, role::Role};
    use countersign_engine::systems;

    let floor = Floor::new().await;
    let desk = &floor.desk;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let elsewhere = desk
        .member("senior-b", vec![Holding::everywhere(Role::Viewer), Holding::on(Role::SeniorApprover, vec![other])])
        .await;
    let id = approved(&floor).await;

    for caller in [&desk.approver, &floor.officer, &desk.auditor, &elsewhere] {
        let refused = revoke(&floor, caller, id).await.unwrap_err();
        assert_eq!(code(refused), Code::Forbidden);
        let page = decisions::view(&desk.engine, &again(caller), id).await.unwrap();
        assert!(!page.resolution.unwrap().may_revoke);
    }
    assert_eq!(code(revoke(&floor, &desk.admin, id).await.unwrap_err()), Code::NotFound, "who may not read it");
    assert!(section(&floor, id).await.may_revoke);
    revoke(&floor, &floor.senior, id).await.unwrap();
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_approved_is_stopped_by_one_person() {
    let floor = Floor::automatic().await;
    let answered = floor.propose().await;
    assert_eq!(answered.body["resolution"]["next"], "act");
    let id = id_of(&answered);

    revoke(&floor, &floor.senior, id).await.unwrap();

    assert_eq!(floor.read(id).await.resolution.unwrap().outcome, ResolutionOutcome::Revoked);
    let filter = QueueFilter { view: Some(View::AllResolved), ..QueueFilter::default() };
    let page = decisions::queue(&floor.desk.engine, &again(&floor.senior), filter).await.unwrap();
    let row = page.items[0].resolution.as_ref().unwrap();
    assert_eq!((row.outcome, &row.by_rule), (ResolutionOutcome::Revoked, &None), "no rule refused it");
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_and_a_report_at_once_leave_the_task_open_whichever_came_first() {
    for _ in 0..4 {
        let floor = Floor::new().await;
        let id = approved(&floor).await;
        floor.wait(id, Duration::from_secs(10)).await;

        let (revoked, ()) = tokio::join!(revoke(&floor, &floor.senior, id), report(&floor, id, "executed", "full"));

        revoked.unwrap();
        let open = section(&floor, id).await.revoked.unwrap().compensation.unwrap();
        assert_eq!(open.state, Compensation::Open);
        verified(&floor).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_revoke_at_once_revoke_once() {
    use countersign_domain::{holding::Holding, role::Role};

    let floor = Floor::new().await;
    let other = floor.desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    for _ in 0..4 {
        let id = approved(&floor).await;
        let (one, two) = tokio::join!(revoke(&floor, &floor.senior, id), revoke(&floor, &other, id));
        assert_ne!(one.is_ok(), two.is_ok());
    }
    verified(&floor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_names_who_revoked_and_who_made_it_good() {
    use countersign_domain::chain::LinkKind;

    let floor = Floor::new().await;
    let id = approved(&floor).await;
    floor.wait(id, Duration::from_secs(10)).await;
    report(&floor, id, "executed", "full").await;
    revoke(&floor, &floor.senior, id).await.unwrap();
    compensate(&floor, &floor.senior, id, true).await.unwrap();

    let chain = decisions::chain(&floor.desk.engine, &again(&floor.desk.approver), id).await.unwrap();
    let link = chain.links.iter().find(|link| link.kind == LinkKind::Resolution).unwrap();
    assert!(link.says.ends_with("Revoked after it had an effect, which was made good."), "{}", link.says);
    let did: Vec<_> = link.acts.iter().map(|act| act.did.as_str()).collect();
    assert_eq!(
        did,
        ["counted 1 review and resolved it", "revoked the approval", "resolved it as revoked", "made good what it did"]
    );
    assert_eq!(link.acts[1].allowed_by[0].id, "revoke_as_senior");
}

async fn approved(floor: &Floor) -> DecisionId {
    let id = floor.desk.queued_decision().await;
    floor.desk.review(&floor.desk.approver, id, Verdict::Approve).await.unwrap();
    id
}

async fn revoke(floor: &Floor, caller: &Caller, id: DecisionId) -> Result<Option<Compensation>> {
    let reason = Reason::new("The order was paid twice.").unwrap();
    decisions::revoke(&floor.desk.engine, &again(caller), id, ReasonCode::AgainstPolicy, reason).await
}

async fn compensate(floor: &Floor, caller: &Caller, id: DecisionId, possible: bool) -> Result<()> {
    let reason = Reason::new("The bank called it back.").unwrap();
    decisions::compensate(&floor.desk.engine, &again(caller), id, possible, reason).await
}

async fn report(floor: &Floor, id: DecisionId, result: &str, effect: &str) {
    let body = format!(r#"{{"result":"{result}","effect":"{effect}"}}"#);
    let desk = &floor.desk;
    decisions::report_outcome(&desk.engine, &again(&desk.agent), id, &unique(), body.as_bytes()).await.unwrap();
}

async fn section(floor: &Floor, id: DecisionId) -> ResolutionSection {
    decisions::view(&floor.desk.engine, &again(&floor.senior), id).await.unwrap().resolution.unwrap()
}

/// What the queue lists as to be made good, and how many it counts.
async fn tasks(floor: &Floor, caller: &Caller, filter: QueueFilter) -> (Vec<DecisionId>, u64) {
    let filter = QueueFilter { view: Some(View::Compensation), ..filter };
    let page = decisions::queue(&floor.desk.engine, &again(caller), filter).await.unwrap();
    let count = page.counts.iter().find(|count| count.view == View::Compensation).unwrap();
    (page.items.iter().map(|item| item.id).collect(), count.count)
}

/// How many notices say that something is to be made good.
async fn notices(floor: &Floor, caller: &Caller) -> usize {
    let me = people::me(&floor.desk.engine, &again(caller)).await.unwrap();
    me.notices.iter().filter(|notice| notice.kind == NoticeKind::ToMakeGood).count()
}

/// The exported log proves that to somebody who has nothing else, and its rows say the same.
async fn verified(floor: &Floor) {
    floor.desk.sealed().await;
    let report = crate::export::verify(&floor.desk).await;
    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

fn proof_says(proof: &str, words: &str) -> bool {
    let parsed = countersign_ledger::tlog_proof::TlogProof::parse(proof).unwrap();
    String::from_utf8_lossy(&parsed.extra.unwrap()).contains(words)
}
