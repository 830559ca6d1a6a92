//! Who may do what, and what goes on record about it.

use countersign_domain::{decision::Verdict, holding::Holding, problem::Code, role::Role};
use countersign_engine::{
    Actor, Caller, Error, changes,
    decisions::{self, QueueFilter},
    invitations, keys, ledger, people, sessions, setup, systems,
    testing::{Desk, again},
};

/// Where the tests' requests come from.
const LOOPBACK: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_neither_reads_nor_reviews_decisions() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    let page = decisions::view(&desk.engine, &again(&desk.admin), id).await.unwrap_err();
    let queue = decisions::queue(&desk.engine, &again(&desk.admin), QueueFilter::default()).await.unwrap_err();
    let review = decisions::review(&desk.engine, &again(&desk.admin), form).await.unwrap_err();

    assert_eq!(code(page), Code::NotFound);
    assert!(policies(queue).contains(&"default_deny".to_owned()));
    // Somebody who may not read a decision is not told that it exists either.
    assert_eq!(code(review), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_and_is_told_why_they_may_not_review() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    let review = decisions::review(&desk.engine, &again(&desk.auditor), form).await.unwrap_err();

    assert!(policies(review).contains(&"default_deny".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_changes_nothing_is_a_refusal_on_record() {
    let desk = Desk::new().await;
    let caller = again(&desk.admin);

    let refusal = people::enable(&desk.engine, &caller, desk.approver.person().unwrap()).await.unwrap_err();

    assert_eq!(code(refusal), Code::InvalidTransition);
    assert_eq!(caller.sealed(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_decision_and_an_absent_one_look_alike_to_a_key() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let key = systems::issue_key(&desk.engine, &again(&desk.admin), other).await.unwrap().key;
    let mut stranger = again(&desk.agent);
    stranger.actor = keys::authenticate(&desk.engine, &key, LOOPBACK).await.unwrap();

    let foreign = decisions::get(&desk.engine, &again(&stranger), id).await.unwrap_err();
    let absent = "01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap();
    let absent = decisions::get(&desk.engine, &again(&stranger), absent).await.unwrap_err();

    assert_eq!(countersign_domain::Problem::from(foreign), countersign_domain::Problem::from(absent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_or_mistyped_key_is_unauthenticated() {
    let desk = Desk::new().await;
    let view = systems::list(&desk.engine, &again(&desk.admin)).await.unwrap();

    let mistyped = keys::authenticate(&desk.engine, &desk.key.replace('_', "-"), LOOPBACK).await.unwrap_err();
    systems::revoke_key(&desk.engine, &again(&desk.admin), view.systems[0].keys[0].id).await.unwrap();
    let revoked = keys::authenticate(&desk.engine, &desk.key, LOOPBACK).await.unwrap_err();

    assert_eq!(code(mistyped), Code::Unauthenticated);
    assert_eq!(code(revoked), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_a_person_ends_their_sign_ins_and_their_form() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let person = desk.approver.person().unwrap();
    let Actor::Person { session, .. } = desk.approver.actor else { panic!("not a person") };

    people::disable(&desk.engine, &again(&desk.admin), person).await.unwrap();

    assert!(!sessions::is_live(&desk.engine, session).await.unwrap());
    let refusal = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();
    assert_eq!(code(refusal), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_disables_themselves() {
    let desk = Desk::new().await;

    let refusal = people::disable(&desk.engine, &again(&desk.admin), desk.admin.person().unwrap()).await.unwrap_err();

    assert!(policies(refusal).contains(&"nobody_changes_themselves".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_works_once() {
    let desk = Desk::new().await;
    let link =
        people::invite(&desk.engine, &again(&desk.admin), "Approver C", "approver-c", Role::Approver).await.unwrap();
    let token = link.url.split_once("token=").unwrap().1;
    let visitor = visitor();

    assert_eq!(invitations::find(&desk.engine, token).await.unwrap().as_deref(), Some("Approver C"));
    let weak = invitations::accept(&desk.engine, &again(&visitor), token, "password").await.unwrap_err();
    let session = invitations::accept(&desk.engine, &again(&visitor), token, "a long enough phrase").await.unwrap();
    let again_used =
        invitations::accept(&desk.engine, &again(&visitor), token, "a long enough phrase").await.unwrap_err();

    assert_eq!(code(weak), Code::InvalidContent);
    assert!(sessions::authenticate(&desk.engine, session.token.reveal()).await.unwrap().is_some());
    assert_eq!(code(again_used), Code::LinkExpired);
    sign_in(&desk, "Approver-C", "a long enough phrase").await.unwrap();
}

/// Proves L2: neither name nor sign-in name makes a password.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_the_sign_in_name() {
    let desk = Desk::new().await;
    let link = people::invite(&desk.engine, &again(&desk.admin), "Conrad", "quastel-77", Role::Viewer).await.unwrap();
    let token = link.url.split_once("token=").unwrap().1;

    for password in ["Quastel-77!", "conrad-12"] {
        let refusal = invitations::accept(&desk.engine, &visitor(), token, password).await.unwrap_err();
        assert_eq!(countersign_domain::Problem::from(refusal).errors[0].code, "password_context", "{password}");
    }
}

/// Proves S8: who makes members proves anew who they are, after it is known that they may.
#[tokio::test(flavor = "multi_thread")]
async fn inviting_asks_for_a_recent_proof() {
    let desk = Desk::new().await;
    people::invite(&desk.engine, &again(&desk.admin), "Late", "late", Role::Viewer).await.unwrap();
    let listed = people::list(&desk.engine, &again(&desk.admin)).await.unwrap().people;
    let late = listed.iter().find(|person| person.login == "late").unwrap().id;
    let stale = |caller: &Caller| {
        let mut caller = again(caller);
        if let Actor::Person { proven_ago_ms, .. } = &mut caller.actor {
            *proven_ago_ms = sessions::RECENT_MS + 1;
        }
        caller
    };

    let invite = people::invite(&desk.engine, &stale(&desk.admin), "More", "more", Role::Viewer).await.unwrap_err();
    let renew = people::renew_invitation(&desk.engine, &stale(&desk.admin), late).await.unwrap_err();
    let other = people::invite(&desk.engine, &stale(&desk.approver), "More", "more", Role::Viewer).await.unwrap_err();

    assert_eq!((code(invite), code(renew)), (Code::StepUpRequired, Code::StepUpRequired));
    assert!(matches!(other, Error::Forbidden(_)), "{other:?}");
}

/// Proves A11: nobody lets an auditor in alone, who reads everything.
#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_is_invited_by_two() {
    let desk = Desk::new().await;
    let second = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;

    people::invite(&desk.engine, &again(&desk.admin), "Uwe", "uwe", Role::Auditor).await.unwrap();

    let listed = people::list(&desk.engine, &again(&desk.admin)).await.unwrap().people;
    let uwe = listed.iter().find(|person| person.login == "uwe").unwrap();
    let waiting = changes::list(&desk.engine, &again(&second)).await.unwrap().changes;
    assert!(uwe.roles.is_empty(), "{:?}", uwe.roles);
    changes::confirm(&desk.engine, &again(&second), waiting[0].id).await.unwrap();
    assert_eq!(desk.roles_of(uwe.id).await, [Role::Auditor]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_sign_in_name_is_refused() {
    let desk = Desk::new().await;

    let refusal =
        people::invite(&desk.engine, &again(&desk.admin), "Other", "APPROVER-A", Role::Auditor).await.unwrap_err();

    assert_eq!(code(refusal), Code::NameTaken);
}

#[tokio::test(flavor = "multi_thread")]
async fn set_up_is_closed_once_an_admin_exists() {
    let desk = Desk::new().await;

    assert!(setup::new_link(&desk.engine).await.unwrap().is_none());
    assert!(!setup::needed(&desk.engine).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_by_idleness_and_by_age() {
    let desk = Desk::new().await;
    let link =
        people::invite(&desk.engine, &again(&desk.admin), "Approver C", "approver-c", Role::Approver).await.unwrap();
    let token = link.url.split_once("token=").unwrap().1;
    let session = invitations::accept(&desk.engine, &visitor(), token, "a long enough phrase").await.unwrap();
    let token = session.token.reveal();

    for _ in 0..23 {
        desk.clock.advance(29 * 60 * 1_000);
        assert!(sessions::authenticate(&desk.engine, token).await.unwrap().is_some());
    }
    desk.clock.advance(60 * 60 * 1_000);
    assert!(sessions::authenticate(&desk.engine, token).await.unwrap().is_none());
    let fresh = sign_in(&desk, "approver-c", "a long enough phrase").await.unwrap();
    desk.clock.advance(31 * 60 * 1_000);
    assert!(sessions::authenticate(&desk.engine, fresh.token.reveal()).await.unwrap().is_none());
    assert_eq!(
        desk.database
            .number("select count(*) from ledger_entries where position('auth.ended'::bytea in bytes) > 0")
            .await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_slow_down_and_are_on_record() {
    let desk = Desk::new().await;
    for _ in 0..6 {
        let refusal = sign_in(&desk, "approver-a", "wrong password").await.unwrap_err();
        assert_eq!(code(refusal), Code::Unauthenticated);
    }

    let refusal = sign_in(&desk, "approver-a", "wrong password").await.unwrap_err();

    assert_eq!(code(refusal), Code::RateLimited);
    assert_eq!(
        desk.database
            .number("select count(*) from ledger_entries where position('auth.failed'::bytea in bytes) > 0")
            .await,
        6
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_is_on_record_once() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let reads = [again(&desk.approver), again(&desk.auditor), again(&desk.admin), again(&desk.agent)];

    decisions::queue(&desk.engine, &reads[0], QueueFilter::default()).await.unwrap();
    ledger::view(&desk.engine, &reads[1], None).await.unwrap();
    people::list(&desk.engine, &reads[2]).await.unwrap();
    decisions::get(&desk.engine, &reads[3], id).await.unwrap();

    assert!(reads.iter().all(|caller| caller.sealed() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_on_record_once() {
    let desk = Desk::new().await;
    let caller = again(&desk.approver);

    people::list(&desk.engine, &caller).await.unwrap_err();

    assert_eq!(caller.sealed(), 1);
}

async fn sign_in(desk: &Desk, login: &str, password: &str) -> countersign_engine::Result<sessions::NewSession> {
    let typed = sessions::Typed { login: login.into(), password: password.into(), ..sessions::Typed::default() };
    sessions::sign_in(&desk.engine, &visitor(), typed, None).await.map(|signed_in| signed_in.session)
}

fn visitor() -> countersign_engine::Caller {
    countersign_engine::Caller::new(Actor::Anonymous, "192.0.2.7", "test", uuid::Uuid::nil())
}

fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}

fn policies(error: Error) -> Vec<String> {
    countersign_domain::Problem::from(error).policies
}
