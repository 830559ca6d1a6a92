//! Permission comes before a fresh sign-in: who may not do a thing is told so, and is not sent to sign in again.

use countersign_domain::{
    Problem,
    administration::AccessFilter,
    decision::{Risk, Verdict},
    decision_type::TypeDefinition,
    event::AccessReviewAnswer,
    holding::Holding,
    ids::AuditWindowId,
    problem::Code,
    role::Role,
};
use countersign_engine::{
    Actor, Caller, Error, Result, access, access_reviews,
    audit_windows::{self, Opened, Wanted, WantedForm},
    decision_types, decisions,
    keys::{self, KeySettings},
    passkeys, sessions,
    testing::{Desk, again, refund},
};

#[tokio::test(flavor = "multi_thread")]
async fn access_reviews_ask_for_permission_first() {
    let desk = Desk::new().await;
    let review = access_reviews::start(&desk.engine, &again(&desk.admin), 14, 7).await.unwrap();
    let items = access_reviews::list(&desk.engine, &again(&desk.admin)).await.unwrap().items;
    let of_approver = items.iter().find(|item| Some(item.person_id) == desk.approver_b.person()).unwrap().assignment;
    let start = async |by: Caller| access_reviews::start(&desk.engine, &by, 14, 7).await.map(|_| ());
    let answer = async |by: Caller| {
        access_reviews::answer(&desk.engine, &by, review, of_approver, AccessReviewAnswer::Keep).await
    };

    expect(start(stale(&desk.approver)).await, Code::Forbidden);
    expect(start(stale(&desk.admin)).await, Code::StepUpRequired);
    expect(answer(stale(&desk.approver)).await, Code::Forbidden);
    expect(answer(stale(&desk.admin)).await, Code::StepUpRequired);
    answer(again(&desk.admin)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_what_does_great_harm_asks_for_a_fresh_sign_in_and_rejecting_does_not() {
    let desk = Desk::new().await;
    let definition = TypeDefinition { version: 2, risk: Risk::High, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
    let senior = desk.member("senior", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let rule = async |by: &dyn Fn(&Caller) -> Caller, verdict| {
        let id = desk.queued_decision().await;
        let form = desk.open_form(&senior, id, verdict).await.unwrap();
        decisions::review(&desk.engine, &by(&senior), form).await.map(|_| ())
    };

    expect(rule(&stale, Verdict::Approve).await, Code::StepUpRequired);
    rule(&stale, Verdict::Reject).await.unwrap();
    rule(&again, Verdict::Approve).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_windows_ask_for_permission_first_and_name_no_member_to_others() {
    let desk = Desk::new().await;
    desk.member("outside", Vec::new()).await;
    let request = async |by: Caller, login: &str| {
        let form = WantedForm { name: "iso-27001-2026", login, systems: "", from: "", until: "2026-11-09" };
        audit_windows::request(&desk.engine, &by, Wanted::parse(&desk.engine, form)?).await
    };
    let token = async |by: Caller, window: AuditWindowId| {
        audit_windows::issue_token(&desk.engine, &by, window, "").await.map(|_| ())
    };

    expect(request(stale(&desk.approver), "outside").await, Code::Forbidden);
    expect(request(stale(&desk.approver), "nobody").await, Code::Forbidden);
    expect(request(stale(&desk.admin), "outside").await, Code::StepUpRequired);
    expect(request(again(&desk.admin), "nobody").await, Code::InvalidContent);
    let Opened::Now(window) = request(again(&desk.admin), "outside").await.unwrap() else {
        panic!("there is only one admin")
    };
    expect(token(stale(&desk.approver), window).await, Code::Forbidden);
    expect(token(stale(&desk.admin), window).await, Code::StepUpRequired);
    token(again(&desk.admin), window).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_ask_for_permission_first() {
    let desk = Desk::new().await;
    let key = keys::list(&desk.engine, &again(&desk.admin)).await.unwrap().keys[0].id;
    let issue =
        async |by: Caller| keys::issue(&desk.engine, &by, desk.system, KeySettings::default()).await.map(|_| ());
    let rotate = async |by: Caller| keys::rotate(&desk.engine, &by, key, 24).await.map(|_| ());

    expect(issue(stale(&desk.approver)).await, Code::Forbidden);
    expect(issue(stale(&desk.admin)).await, Code::StepUpRequired);
    issue(again(&desk.admin)).await.unwrap();
    expect(rotate(stale(&desk.approver)).await, Code::Forbidden);
    expect(rotate(stale(&desk.admin)).await, Code::StepUpRequired);
    rotate(again(&desk.admin)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_of_the_access_log_asks_for_permission_first() {
    let desk = Desk::new().await;
    let export = async |by: Caller| access::export(&desk.engine, &by, AccessFilter::default()).await.map(|_| ());

    expect(export(stale(&desk.approver)).await, Code::Forbidden);
    expect(export(stale(&desk.auditor)).await, Code::StepUpRequired);
    export(again(&desk.auditor)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_sign_ins_asks_for_permission_first() {
    let desk = Desk::new().await;
    let other = desk.member("carl", Vec::new()).await;
    let Actor::Person { session, .. } = other.actor else { panic!("carl is a person") };
    let end = async |by: Caller| sessions::end(&desk.engine, &by, session).await;
    let end_others = async |by: Caller| sessions::end_others(&desk.engine, &by).await.map(|_| ());

    let hidden = end(stale(&desk.approver)).await.unwrap_err();
    assert!(matches!(hidden, Error::Hidden(_)), "{hidden:?}");
    expect(end(stale(&desk.admin)).await, Code::StepUpRequired);
    expect(end_others(stale(&desk.admin)).await, Code::StepUpRequired);
    end(again(&desk.admin)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_a_passkey_asks_for_permission_first() {
    let desk = Desk::at(crate::passkeys::ORIGIN).await;
    let second = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    crate::passkeys::enrolled(&desk, &desk.admin).await;
    let key = passkeys::list_unconfirmed(&desk.engine, &again(&second)).await.unwrap().passkeys[0].id;
    let confirm = async |by: Caller| passkeys::confirm(&desk.engine, &by, key).await;

    expect(confirm(stale(&desk.approver)).await, Code::Forbidden);
    expect(confirm(stale(&second)).await, Code::StepUpRequired);
    confirm(again(&second)).await.unwrap();
}

/// The same person in a new request, who last showed who they are ten minutes ago.
fn stale(caller: &Caller) -> Caller {
    let mut caller = again(caller);
    if let Actor::Person { proven_ago_ms, .. } = &mut caller.actor {
        *proven_ago_ms = 10 * 60 * 1_000;
    }
    caller
}

#[track_caller]
fn expect<T>(done: Result<T>, code: Code) {
    let error: Error = done.map(|_| ()).unwrap_err();
    assert_eq!(Problem::from(error).code, code);
}
