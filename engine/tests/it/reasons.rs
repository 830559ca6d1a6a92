//! What a review has to say why: friction follows the risk, and sits on approving alone.

use countersign_domain::{
    decision::{Risk, Verdict},
    decision_type::TypeDefinition,
    holding::Holding,
    ids::DecisionId,
    policy::view::RuleForm,
    problem::{Code, Problem},
    role::Role,
};
use countersign_engine::{
    Caller, decision_types,
    decisions::{self, ReviewRequest},
    testing::{Desk, again, refund},
};

use crate::policies::{Office, eventually, rule, verified};

#[tokio::test(flavor = "multi_thread")]
async fn approving_asks_for_more_as_the_risk_grows_and_saying_no_always_says_why() {
    let desk = Desk::new().await;
    let senior = desk.member("senior", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let both = ["/code", "/reason"].as_slice();

    for (version, risk, to_approve) in
        [(2, Risk::Low, [].as_slice()), (3, Risk::Medium, ["/code"].as_slice()), (4, Risk::High, both)]
    {
        let reviewer = if risk == Risk::High { &senior } else { &desk.approver };
        let definition = TypeDefinition { version, risk, ..refund() };
        decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
        let id = desk.queued_decision().await;

        for (verdict, places) in [
            (Verdict::Reject, both),
            (Verdict::RequestChanges, both),
            (Verdict::Escalate, both),
            (Verdict::Approve, to_approve),
        ] {
            // A senior approver has nobody to hand it to.
            let possible = verdict != Verdict::Escalate || risk != Risk::High;
            if possible && !places.is_empty() {
                assert_eq!(missing(&desk, reviewer, id, verdict).await, places, "{verdict:?} at {risk:?}");
            }
        }
        let form = desk.open_form(reviewer, id, Verdict::Approve).await.unwrap();
        let keep = |place: &str| to_approve.contains(&place);
        let code = form.code.filter(|_| keep("/code"));
        let reason = form.reason.clone().filter(|_| keep("/reason"));
        decisions::review(&desk.engine, &again(reviewer), ReviewRequest { code, reason, ..form }).await.unwrap();

        let page = decisions::view(&desk.engine, &again(reviewer), id).await.unwrap();
        assert_eq!(page.reviews[0].code.is_some(), keep("/code"), "{risk:?}");
        assert_eq!(page.reviews[0].reason.is_some(), keep("/reason"), "{risk:?}");
    }
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_decides_nothing_needs_no_reason() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Abstain).await.unwrap();

    decisions::review(&desk.engine, &again(&desk.approver), silent(form)).await.unwrap();

    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    assert_eq!((page.reviews[0].code, page.reviews[0].reason.as_ref()), (None, None));
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_may_want_every_approval_reasoned() {
    let office = Office::new().await;
    let desk = &office.desk;
    let low = TypeDefinition { version: 2, risk: Risk::Low, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), low).await.unwrap();
    let reasoned = RuleForm { reasoned: "true".into(), ..rule("reasoned", "require", "at_least", "0") };
    let id = office.propose("reasoned", "40.00").await;
    // It asks for more than the row before, so what is open goes by it.
    office.enforce(&[reasoned]).await;
    eventually(async || office.page(&desk.approver, id).await.policy.reasoned).await;

    assert_eq!(missing(desk, &desk.approver, id, Verdict::Approve).await, ["/code", "/reason"]);
    let page = office.page(&desk.approver, id).await;
    assert!(page.policy.sentence.contains("give a reason"), "{}", page.policy.sentence);
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    verified(desk).await;
}

/// What a ruling that says nothing is told to add; nothing is recorded, and the form still works.
async fn missing(desk: &Desk, caller: &Caller, id: DecisionId, verdict: Verdict) -> Vec<String> {
    let form = desk.open_form(caller, id, verdict).await.unwrap();
    let refused = decisions::review(&desk.engine, &again(caller), silent(form)).await.unwrap_err();
    let problem = Problem::from(refused);
    assert_eq!(problem.code, Code::InvalidContent);
    problem.errors.into_iter().map(|error| error.pointer).collect()
}

fn silent(form: ReviewRequest) -> ReviewRequest {
    ReviewRequest { code: None, reason: None, ..form }
}
