//! Asking for a role: once at a time, told to admins, answered by another person, and proved by the log.

use countersign_domain::{
    holding::Holding,
    ids::EntryId,
    problem::Code,
    role::Role,
    role_request::{RoleAnswer, ShownRoleRequest},
    text::Reason,
    view::NoticeKind,
};
use countersign_engine::{
    Caller, Error, Result, people,
    role_requests::{self, RoleAsked},
    testing::{Desk, again},
};
use countersign_ledger::verify::Status;

use crate::pauses::code;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_asks_every_admin_and_another_person_answers() {
    let desk = Desk::new().await;
    let other = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    ask(&desk, &desk.approver, Some(Role::PolicyAuthor), Some("/policies/drafts/1")).await.unwrap();

    for admin in [&desk.admin, &other] {
        assert_eq!(told(&desk, admin, NoticeKind::RoleRequested).await, 1);
    }
    assert_eq!(told(&desk, &desk.auditor, NoticeKind::RoleRequested).await, 0);
    let all = role_requests::view(&desk.engine, &again(&desk.admin)).await.unwrap();
    let [waiting] = &all.waiting[..] else { panic!("{all:?}") };
    assert_eq!(waiting.person, desk.approver.person().unwrap());
    assert_eq!((waiting.role, waiting.page.as_deref()), (Some(Role::PolicyAuthor), Some("/policies/drafts/1")));
    assert_eq!((waiting.reason.as_str(), waiting.barred), (WHY, false));

    let again_at_once = ask(&desk, &desk.approver, None, None).await.unwrap_err();
    assert_eq!(code(again_at_once), Code::InvalidTransition, "one at a time");

    answer(&desk, &desk.admin, waiting.request, RoleAnswer::Refused).await.unwrap();
    assert_eq!(told(&desk, &other, NoticeKind::RoleRequested).await, 0, "what is answered waits for nobody");
    assert_eq!(told(&desk, &desk.approver, NoticeKind::RoleAnswered).await, 1);
    let twice = answer(&desk, &other, waiting.request, RoleAnswer::Given).await.unwrap_err();
    assert_eq!(code(twice), Code::InvalidTransition);
    let own = own(&desk, &desk.approver).await;
    let said = own[0].answered.as_ref().unwrap();
    assert_eq!((said.answer, said.reason.as_str()), (RoleAnswer::Refused, SAYS));
    let roles = desk.roles_of(desk.approver.person().unwrap()).await;
    assert_eq!(roles, [Role::Approver], "an answer gives nothing by itself");

    ask(&desk, &desk.approver, None, None).await.unwrap();
    let all = role_requests::view(&desk.engine, &again(&other)).await.unwrap();
    assert_eq!((all.waiting.len(), all.answered.len()), (1, 1));
    assert_eq!((all.waiting[0].role, &all.waiting[0].page), (None, &None));
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_admin_answers_and_none_their_own() {
    let desk = Desk::new().await;
    let alone = ask(&desk, &desk.admin, Some(Role::Viewer), None).await.unwrap_err();
    assert_eq!(code(alone), Code::InvalidTransition, "nobody could answer it");
    let other = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    ask(&desk, &desk.admin, Some(Role::Viewer), None).await.unwrap();
    assert_eq!(told(&desk, &other, NoticeKind::RoleRequested).await, 1);
    assert_eq!(told(&desk, &desk.admin, NoticeKind::RoleRequested).await, 0, "they know");
    let [request] = &own(&desk, &desk.admin).await[..] else { panic!("one") };
    assert!(request.barred);

    let by_oneself = answer(&desk, &desk.admin, request.request, RoleAnswer::Given).await.unwrap_err();
    assert_eq!(code(by_oneself), Code::FourEyes);
    for who in [&desk.approver, &desk.auditor] {
        let refused = answer(&desk, who, request.request, RoleAnswer::Given).await.unwrap_err();
        assert_eq!(code(refused), Code::Forbidden);
        let list = role_requests::view(&desk.engine, &again(who)).await.unwrap_err();
        assert_eq!(code(list), Code::Forbidden);
    }
    let unknown = answer(&desk, &desk.admin, EntryId(uuid::Uuid::max()), RoleAnswer::Given).await.unwrap_err();
    assert!(matches!(unknown, Error::NotFound));

    let nobody = desk.member("newcomer", Vec::new()).await;
    ask(&desk, &nobody, None, Some("/queue")).await.unwrap();
    assert_eq!(own(&desk, &nobody).await.len(), 1, "without a role too");
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_requests_and_answers_at_once_one_is_recorded() {
    let desk = Desk::new().await;
    let other = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    let elsewhere = desk.elsewhere(&desk.approver).await;

    let asked = tokio::join!(
        ask(&desk, &desk.approver, Some(Role::Viewer), None),
        ask(&desk, &elsewhere, Some(Role::Viewer), None)
    );
    assert_eq!([asked.0.is_ok(), asked.1.is_ok()].iter().filter(|done| **done).count(), 1);
    let request = own(&desk, &desk.approver).await[0].request;
    let answered = tokio::join!(
        answer(&desk, &desk.admin, request, RoleAnswer::Given),
        answer(&desk, &other, request, RoleAnswer::Refused)
    );
    assert_eq!([answered.0.is_ok(), answered.1.is_ok()].iter().filter(|done| **done).count(), 1);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_somebody_changed_in_the_database_is_named() {
    let desk = Desk::new().await;
    ask(&desk, &desk.approver, Some(Role::Viewer), None).await.unwrap();
    let request = own(&desk, &desk.approver).await[0].request;
    answer(&desk, &desk.admin, request, RoleAnswer::Refused).await.unwrap();
    desk.sealed().await;
    desk.database.attack("update role_requests set answer = 'given'").await;

    let report = crate::export::verify(&desk).await;
    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(!failed.is_empty());
    assert!(failed.iter().any(|check| format!("{check:?}").contains("role_requests")), "{failed:#?}");
}

const WHY: &str = "I write the refund rules from Monday on.";
const SAYS: &str = "Rules are written by the policy team.";

async fn ask(desk: &Desk, who: &Caller, role: Option<Role>, page: Option<&str>) -> Result<()> {
    let asked = RoleAsked { role, page: page.map(str::to_owned), reason: Reason::new(WHY).unwrap() };
    role_requests::ask(&desk.engine, &again(who), asked).await
}

async fn answer(desk: &Desk, who: &Caller, request: EntryId, answer: RoleAnswer) -> Result<()> {
    role_requests::answer(&desk.engine, &again(who), request, answer, Reason::new(SAYS).unwrap()).await
}

async fn own(desk: &Desk, who: &Caller) -> Vec<ShownRoleRequest> {
    role_requests::own(&desk.engine, &again(who)).await.unwrap().requests
}

async fn told(desk: &Desk, who: &Caller, kind: NoticeKind) -> usize {
    let me = people::me(&desk.engine, &again(who)).await.unwrap();
    me.notices.iter().filter(|notice| notice.kind == kind).count()
}

/// The exported log proves that to somebody who has nothing else, and its rows say the same.
async fn verified(desk: &Desk) {
    desk.sealed().await;
    let report = crate::export::verify(desk).await;
    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
