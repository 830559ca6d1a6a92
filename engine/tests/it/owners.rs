//! Owners: who is named, what they may not do from then on, what is theirs, and what the log says of it.

use countersign_domain::{
    chain::{Gap, LinkKind, Standing},
    decision::{State, Verdict},
    holding::Holding,
    ids::{DecisionId, EntryId},
    policy::view::RuleForm,
    problem::{Code, Problem},
    queue::View,
    role::Role,
    text::Reason,
    view::{Composer, NoticeKind},
};
use countersign_engine::{
    Caller, Error, Result,
    decisions::{self, QueueFilter},
    owners::{self, NamingRequest},
    pauses, people, systems,
    testing::{Desk, again, proposal, unique},
};
use countersign_ledger::verify::Status;

use crate::policies::{Office, rule, verified};

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_reviews_nothing_that_their_system_proposes_and_is_told_why() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    decisions::release(&desk.engine, &again(&desk.approver), id, form.lease).await.unwrap();
    name(&desk, "approver-a").await.unwrap();

    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    let started = decisions::start_review(&desk.engine, &again(&desk.approver), id).await.unwrap_err();
    let sent = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();

    let Composer::Closed { reason } = page.composer else { panic!("a form for the owner") };
    assert_eq!(reason, "You can read this. You own this AI system, so somebody else has to review what it proposes.");
    assert!(page.owner.unwrap().own);
    for refused in [started, sent] {
        let problem = Problem::from(refused);
        assert_eq!((problem.code, problem.policies), (Code::FourEyes, vec!["owner_never_reviews".to_owned()]));
    }
    let others = decisions::view(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    assert_eq!(others.owner.map(|owner| (owner.name, owner.own)), Some(("Approver A".into(), false)));
    desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();

    take_away(&desk).await.unwrap();
    let next = desk.queued_decision().await;
    desk.review(&desk.approver, next, Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_answer_for_a_system_is_not_named_and_nothing_changes() {
    let desk = Desk::new().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    desk.member("elsewhere", vec![Holding::on(Role::Viewer, vec![other])]).await;
    let barred = desk.member("barred", vec![Holding::everywhere(Role::Viewer)]).await;
    people::disable(&desk.engine, &again(&desk.admin), barred.person().unwrap()).await.unwrap();

    let field = |refused: Error| {
        let problem = Problem::from(refused);
        (problem.errors[0].pointer.clone(), problem.errors[0].code.clone())
    };
    for (login, why) in [
        ("nobody-here", "unknown_value"),
        ("barred", "disabled"),
        ("elsewhere", "cannot_read"),
        ("admin-a", "cannot_read"),
    ] {
        assert_eq!(field(name(&desk, login).await.unwrap_err()), ("/login".to_owned(), why.to_owned()), "{login}");
    }
    let nobody = Problem::from(take_away(&desk).await.unwrap_err());
    assert_eq!(nobody.code, Code::InvalidTransition);
    for caller in [&desk.approver, &desk.auditor] {
        let refused = naming(&desk, caller, "approver-b", None).await.unwrap_err();
        assert_eq!(Problem::from(refused).code, Code::Forbidden);
    }
    assert_eq!(desk.database.number("select count(*) from system_owners").await, 0);

    name(&desk, "approver-b").await.unwrap();
    let twice = Problem::from(name(&desk, "approver-b").await.unwrap_err());
    assert_eq!(twice.code, Code::InvalidTransition);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_showed_another_owner_is_stale() {
    let desk = Desk::new().await;
    name(&desk, "approver-a").await.unwrap();

    let late = naming(&desk, &desk.admin, "approver-b", None).await.unwrap_err();
    let first = entry(&desk).await;
    take_away(&desk).await.unwrap();
    let later = naming(&desk, &desk.admin, "approver-b", first).await.unwrap_err();

    assert_eq!([Problem::from(late).code, Problem::from(later).code], [Code::Stale; 2]);
    name(&desk, "approver-b").await.unwrap();
    assert_eq!(desk.database.number("select count(*) from system_owners").await, 3);
    let page = systems::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    assert!(page.may_name);
    assert_eq!(page.systems[0].owner.as_ref().map(|owner| owner.name.as_str()), Some("Approver B"));
    let read = systems::list(&desk.engine, &again(&desk.auditor)).await.unwrap();
    assert!(!read.may_name && read.systems[0].owner.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_ruled_on_what_is_open_is_named_once_that_is_over() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[RuleForm { need: "2".into(), ..rule("two", "require", "at_most", "100") }]).await;
    let id = office.propose("A1", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    let refused = Problem::from(name(desk, "approver-a").await.unwrap_err());
    assert_eq!(refused.code, Code::InvalidTransition);
    assert!(refused.detail.contains("ruled on 1 open decision of refund-agent"), "{}", refused.detail);

    let review = office.page(&desk.approver, id).await.reviews[0].retractable.unwrap();
    decisions::retract(&desk.engine, &again(&desk.approver), id, review).await.unwrap();
    name(desk, "approver-a").await.unwrap();
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_over_when_its_holder_becomes_the_owner() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    name(&desk, "approver-a").await.unwrap();
    let beat = decisions::beat(&desk.engine, &again(&desk.approver), (id, form.lease), form.presentation, false).await;
    let page = decisions::view(&desk.engine, &again(&desk.approver_b), id).await.unwrap();

    assert_eq!(Problem::from(beat.unwrap_err()).code, Code::LeaseLost);
    assert!(page.holders.is_empty(), "{:?}", page.holders);
    desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_their_system_was_asked_to_change_is_the_owners_until_its_answer_is_in() {
    let desk = Desk::new().await;
    let keeper = desk.member("keeper", vec![Holding::everywhere(Role::Viewer)]).await;
    name(&desk, "keeper").await.unwrap();
    let id = desk.queued_decision().await;
    assert_eq!(owned(&desk, &keeper).await, []);

    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();

    assert_eq!(owned(&desk, &keeper).await, [id]);
    assert_eq!(owned(&desk, &desk.approver_b).await, []);
    let page = decisions::view(&desk.engine, &again(&keeper), id).await.unwrap();
    assert_eq!(page.state, State::ChangesRequested);
    let Composer::Closed { reason } = page.composer else { panic!("a form while it changes") };
    assert!(reason.contains("You own it, so seeing to its answer is yours."), "{reason}");
    let told = people::me(&desk.engine, &again(&keeper)).await.unwrap().notices;
    let kinds: Vec<_> = told.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::ChangeAsked, NoticeKind::OwnerNamed]);
    assert_eq!((told[0].decision, told[0].about.as_deref()), (Some(id), Some("Approver A")));

    let body = proposal(&unique());
    decisions::revise(&desk.engine, &again(&desk.agent), id, &unique(), body.as_bytes()).await.unwrap();
    assert_eq!(owned(&desk, &keeper).await, []);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_former_owner_is_told_too_and_who_names_themselves_to_nobody_is_not() {
    let desk = Desk::new().await;
    let keeper = desk.member("keeper", vec![Holding::everywhere(Role::Viewer)]).await;
    name(&desk, "keeper").await.unwrap();
    name(&desk, "approver-b").await.unwrap();

    let of = async |caller: &Caller| {
        let told = people::me(&desk.engine, &again(caller)).await.unwrap().notices;
        told.into_iter().map(|notice| (notice.kind, notice.system)).collect::<Vec<_>>()
    };
    let system = || Some("refund-agent".to_owned());
    assert_eq!(of(&keeper).await, [(NoticeKind::OwnerReplaced, system()), (NoticeKind::OwnerNamed, system())]);
    assert_eq!(of(&desk.approver_b).await, [(NoticeKind::OwnerNamed, system())]);
    assert_eq!(of(&desk.admin).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_names_who_owned_the_system_when_it_proposed() {
    let desk = Desk::new().await;
    let before = desk.queued_decision().await;
    name(&desk, "approver-a").await.unwrap();
    let during = desk.queued_decision().await;
    name(&desk, "approver-b").await.unwrap();
    let after = desk.queued_decision().await;
    desk.sealed().await;

    let link = async |id| {
        let chain = decisions::chain(&desk.engine, &again(&desk.auditor), id).await.unwrap();
        chain.links.into_iter().find(|link| link.kind == LinkKind::Owner).unwrap()
    };
    let (before, during, after) = (link(before).await, link(during).await, link(after).await);

    assert_eq!((before.standing, before.lacks.unwrap().gap), (Standing::Missing, Gap::NoOwner));
    assert_eq!(during.says, "Approver A owned refund-agent when it proposed this.");
    assert_eq!(during.standing, Standing::Present);
    let named = &during.acts[1];
    assert_eq!(named.did, "named Approver A as the owner of refund-agent");
    assert!(named.seal.index.is_some());
    assert_eq!(named.allowed_by[0].id, "name_owners");
    assert_eq!(after.says, "Approver B owned refund-agent when it proposed this.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_pauses_their_own_system_whatever_their_role() {
    let desk = Desk::new().await;
    let keeper = desk.member("keeper", vec![Holding::everywhere(Role::Viewer)]).await;
    let why = || Reason::new("It pays twice.").unwrap();
    let refused = pauses::pause(&desk.engine, &again(&keeper), desk.system, why()).await.unwrap_err();
    assert_eq!(Problem::from(refused).code, Code::Forbidden);

    name(&desk, "keeper").await.unwrap();
    pauses::pause(&desk.engine, &again(&keeper), desk.system, why()).await.unwrap();

    let other = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    let elsewhere = pauses::pause(&desk.engine, &again(&keeper), other, why()).await.unwrap_err();
    assert_eq!(Problem::from(elsewhere).code, Code::Forbidden);
    verified(&desk).await;
}

/// Naming and reviewing at once: whichever comes first, no review of the owner is in the log behind the naming.
#[tokio::test(flavor = "multi_thread")]
async fn a_naming_and_a_review_at_once_never_leave_a_review_by_the_owner() {
    let desk = Desk::new().await;
    for _ in 0..12 {
        let id = desk.queued_decision().await;
        let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
        let before = entry(&desk).await;
        let (engine, caller) = (desk.engine.clone(), again(&desk.approver));
        let reviewing = tokio::spawn(async move { decisions::review(&engine, &caller, form).await.map(drop) });
        let named = naming(&desk, &desk.admin, "approver-a", before).await;
        let reviewed = reviewing.await.unwrap();

        named.unwrap();
        if let Err(refused) = reviewed {
            let code = Problem::from(refused).code;
            assert!(matches!(code, Code::FourEyes | Code::LeaseLost), "{code:?}");
        }
        take_away(&desk).await.unwrap();
    }
    verified(&desk).await;
}

/// Proves S1 of owners: a row that says another owner than its entry is found.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_names_another_owner_than_its_entry_is_found() {
    let desk = Desk::new().await;
    name(&desk, "approver-a").await.unwrap();
    desk.sealed().await;
    let other = desk.approver_b.person().unwrap();
    desk.database.attack(&format!("update system_owners set person_id = '{other}'")).await;

    let report = crate::export::verify(&desk).await;

    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.iter().any(|check| check.check == "S1" && check.detail.contains("d.owner")), "{failed:?}");
}

/// Has the admin name somebody by sign-in name.
async fn name(desk: &Desk, login: &str) -> Result<()> {
    let before = entry(desk).await;
    naming(desk, &desk.admin, login, before).await
}

async fn take_away(desk: &Desk) -> Result<()> {
    name(desk, "").await
}

async fn naming(desk: &Desk, caller: &Caller, login: &str, before: Option<EntryId>) -> Result<()> {
    let reason = Reason::new("They run it.").unwrap();
    let request = NamingRequest { system: desk.system, login: login.into(), before, reason };
    owners::name(&desk.engine, &again(caller), request).await
}

/// The entry that said last who owns the desk's system.
async fn entry(desk: &Desk) -> Option<EntryId> {
    let page = systems::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    page.systems.iter().find(|system| system.id == desk.system).unwrap().owner_entry
}

async fn owned(desk: &Desk, caller: &Caller) -> Vec<DecisionId> {
    let filter = QueueFilter { view: Some(View::Owned), ..QueueFilter::default() };
    let page = decisions::queue(&desk.engine, &again(caller), filter).await.unwrap();
    page.items.into_iter().map(|item| item.id).collect()
}
