//! Releasing what a rule refused: who may, what its agent reads, what nobody overrides, and the look of another person.

use std::time::Duration;

use countersign_domain::{
    answer::{AgentDecision, AgentNext},
    decision::{ReasonCode, ResolutionOutcome, State, Verdict},
    decision_type::{Reversibility, TypeDefinition},
    holding::{AuthorityLimits, Holding, Source},
    ids::{DecisionId, PresentationId},
    overrides::{Override, Overriding, PostReviewKind, PostReviewResult, PostReviewsView},
    policy::Route,
    problem::Code,
    role::Role,
    text::Reason,
    time::{DAY_MS, date},
    view::{NoticeKind, ResolutionSection},
};
use countersign_engine::{
    Actor, Caller, Error, Result,
    absences::{self, AbsenceForm},
    decision_types,
    decisions::{self, OverrideRequest},
    delegations::{self, DelegationForm},
    pauses, people, post_reviews, roles, systems,
    testing::{again, id_of, refund, unique},
};

use crate::policies::{HARMLESS, Office, code, eventually, proposal, rule, small, verified};

const HOUR: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_refused_is_released_on_the_same_decision_and_its_agent_reads_so_when_it_asks_again() {
    let office = office().await;
    let desk = &office.desk;
    let answered = desk.propose("huge", &proposal("huge", "6000", HARMLESS)).await.unwrap();
    let id = id_of(&answered);
    desk.sealed().await;
    let told = read(&office, id).await;
    assert_eq!(told.resolution.as_ref().unwrap().next, AgentNext::Stop, "it was told no");
    assert_eq!(told.state, State::Closed);

    release(&office, &office.senior, id).await.unwrap();
    desk.sealed().await;
    let after = read(&office, id).await;

    let resolution = after.resolution.unwrap();
    assert_eq!((resolution.outcome, resolution.next), (ResolutionOutcome::Approved, AgentNext::Act));
    assert_eq!((resolution.decided_by.kind.as_str(), resolution.decided_by.reviews), ("override", 0));
    assert_eq!(resolution.reason_code, Some(ReasonCode::Other));
    assert!(resolution.message.unwrap().contains("If you were told before that it is rejected"));
    assert_eq!(after.action.unwrap().parameters["amount"], "6000");
    assert_eq!((after.state, after.route.outcome), (State::Released, Route::Deny));
    let repeat = desk.propose("huge", &proposal("huge", "6000", HARMLESS)).await.unwrap();
    assert_eq!(repeat.body["resolution"]["outcome"], "approved", "a repeat of the proposal asks again too");

    let acts = acts(&office, id).await;
    assert_eq!(
        acts,
        [
            "decision.proposed",
            "decision.routed",
            "decision.resolved",
            "decision.released",
            "decision.overridden",
            "decision.resolved",
            "decision.released",
        ]
    );
    let page = office.page(&desk.approver, id).await;
    let section = page.resolution.unwrap();
    assert_eq!((section.outcome, section.given()), (ResolutionOutcome::Approved, ResolutionOutcome::Rejected));
    let Override { label, by, reason, told_at, .. } = section.overridden.unwrap();
    assert_eq!(label, "Released by override of rule huge, version 2");
    assert_eq!((by.as_str(), reason.as_str()), ("senior-a", "The customer showed the receipt."));
    assert!(told_at > section.released_at);
    assert_eq!(page.post_reviews.len(), 1);
    report(&office, id).await;
    assert_eq!(read(&office, id).await.state, State::Closed);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_told_nothing_is_told_the_release_alone() {
    let office = Office::new().await;
    let desk = &office.desk;
    let id = office.propose("a", "6000").await;
    office.enforce(&[rule("huge", "deny", "at_least", "5000"), small()]).await;
    eventually(async || office.page(&office.senior, id).await.resolution.is_some()).await;

    release(&office, &office.senior, id).await.unwrap();
    let answer = decisions::wait(&desk.engine, &again(&desk.agent), id, Duration::from_secs(10), None).await.unwrap();

    assert_eq!(answer.resolution.unwrap().outcome, ResolutionOutcome::Approved);
    let acts = acts(&office, id).await;
    assert_eq!(acts.iter().filter(|kind| *kind == "decision.released").count(), 1);
    assert_eq!(acts.last().unwrap(), "decision.released");
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_rule_refused_is_overridden_and_every_other_try_is_on_record() {
    let office = office().await;
    let desk = &office.desk;
    let refused = denied(&office).await;
    let form = form(&office, &office.senior, refused).await.unwrap();
    let open = office.propose("open", "400").await;
    let rejected = office.propose("rejected", "401").await;
    desk.review(&desk.approver, rejected, Verdict::Reject).await.unwrap();
    let approved = id_of(&desk.propose("small", &proposal("small", "40.00", HARMLESS)).await.unwrap());
    let overridden = denied(&office).await;
    release(&office, &office.senior, overridden).await.unwrap();
    let revoked = denied(&office).await;
    release(&office, &office.senior, revoked).await.unwrap();
    revoke(&office, revoked).await;
    pauses::pause(&desk.engine, &again(&desk.approver), desk.system, why()).await.unwrap();
    let paused = id_of(&desk.propose("paused", &proposal("paused", "40.00", HARMLESS)).await.unwrap());
    resume(&office).await;

    for (id, said) in [
        (open, "not resolved"),
        (rejected, "People rejected"),
        (approved, "A rule approved"),
        (overridden, "released already"),
        (revoked, "revoked"),
        (paused, "paused"),
    ] {
        let asked = OverrideRequest { decision: id, ..form.clone() };
        let done = decisions::overrule(&desk.engine, &again(&office.senior), asked).await;
        let problem = countersign_domain::Problem::from(done.unwrap_err());
        assert_eq!((problem.code, problem.code.status()), (Code::InvalidTransition, 409), "{said}");
        assert!(problem.detail.contains(said), "{}", problem.detail);
        assert_eq!(desk.kinds_of(id).await.iter().filter(|kind| *kind == "access.denied").count(), 1, "{said}");
        assert_eq!(office.page(&office.senior, id).await.overriding, None);
    }
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_guard_is_not_overridden_and_is_named() {
    let office = office().await;
    let desk = &office.desk;
    let forever =
        TypeDefinition { name: "account.delete".into(), reversibility: Reversibility::Irreversible, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), forever).await.unwrap();
    let body = proposal("gone", "6000", HARMLESS).replace("refund.issue", "account.delete");
    let id = id_of(&desk.propose("gone", &body).await.unwrap());
    let other = denied(&office).await;

    let page = office.page(&office.senior, id).await;
    let asked = OverrideRequest { decision: id, ..form(&office, &office.senior, other).await.unwrap() };
    let done = decisions::overrule(&desk.engine, &again(&office.senior), asked).await;

    let problem = countersign_domain::Problem::from(done.unwrap_err());
    assert_eq!((problem.code, problem.code.status()), (Code::GuardAbsolute, 403));
    assert_eq!(problem.policies, ["guard_irreversible"]);
    assert!(problem.detail.contains("guard_irreversible"), "{}", problem.detail);
    let Some(Overriding::Closed { reason }) = page.overriding else { panic!("{:?}", page.overriding) };
    assert!(reason.contains("guard_irreversible"), "{reason}");
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_senior_approver_who_reaches_it_overrides_and_nobody_else() {
    let office = office().await;
    let desk = &office.desk;
    let id = denied(&office).await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let elsewhere = desk
        .member("senior-b", vec![Holding::everywhere(Role::Viewer), Holding::on(Role::SeniorApprover, vec![other])])
        .await;
    let limits = AuthorityLimits { amount: Some(1_000), ..AuthorityLimits::default() };
    let limited = desk.member("senior-c", vec![Holding { limits, ..Holding::everywhere(Role::SeniorApprover) }]).await;
    let both =
        desk.member("admin-c", vec![Holding::everywhere(Role::Admin), Holding::everywhere(Role::SeniorApprover)]).await;
    let form = form(&office, &office.senior, id).await.unwrap();

    for caller in [&desk.approver, &office.officer, &desk.auditor, &elsewhere, &limited, &both] {
        let done = decisions::overrule(&desk.engine, &again(caller), form.clone()).await;
        assert_eq!(code(done.unwrap_err()), Code::Forbidden);
        let page = office.page(caller, id).await;
        assert!(matches!(page.overriding, Some(Overriding::Closed { .. })), "{:?}", page.overriding);
    }
    let hidden = decisions::overrule(&desk.engine, &again(&desk.admin), form.clone()).await;
    assert_eq!(code(hidden.unwrap_err()), Code::NotFound, "who may not read it");
    let mut late = again(&office.senior);
    if let Actor::Person { proven_ago_ms, .. } = &mut late.actor {
        *proven_ago_ms = 10 * 60 * 1_000;
    }
    let unproven = decisions::overrule(&desk.engine, &late, form.clone()).await;
    assert_eq!(code(unproven.unwrap_err()), Code::StepUpRequired);
    decisions::overrule(&desk.engine, &again(&office.senior), form).await.unwrap();
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_made_the_key_never_releases_what_it_proposes() {
    let office = office().await;
    let desk = &office.desk;
    desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    let id = denied(&office).await;
    let shown = form(&office, &office.senior, id).await.unwrap();
    let senior = vec![Holding::everywhere(Role::SeniorApprover)];
    desk.reconcile(desk.admin.person().unwrap(), Source::Hand, senior).await.unwrap();
    let maker = desk.elsewhere(&desk.admin).await;

    let refused = form(&office, &maker, id).await.unwrap_err();
    let clicked = decisions::overrule(&desk.engine, &again(&maker), shown).await.unwrap_err();

    assert!(refused.to_string().contains("You made the key"), "{refused}");
    assert!(matches!(&clicked, Error::Forbidden(denial) if denial.policies == ["key_holder_never_reviews"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_works_once_for_what_it_showed_and_under_the_version_in_force() {
    let office = office().await;
    let desk = &office.desk;
    let (first, second) = (denied(&office).await, denied(&office).await);
    let other = desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let send = async |caller: &Caller, form: &OverrideRequest| {
        decisions::overrule(&desk.engine, &again(caller), form.clone()).await
    };
    let shown = form(&office, &office.senior, first).await.unwrap();

    let of_another = OverrideRequest { decision: second, ..shown.clone() };
    assert_eq!(code(send(&office.senior, &of_another).await.unwrap_err()), Code::Stale);
    assert_eq!(code(send(&other, &shown).await.unwrap_err()), Code::Stale, "somebody else's");
    let unknown = OverrideRequest { presentation: PresentationId(uuid::Uuid::nil()), ..shown.clone() };
    assert_eq!(code(send(&office.senior, &unknown).await.unwrap_err()), Code::Stale);
    office.enforce(&[rule("huge", "deny", "at_least", "4000"), small()]).await;
    assert_eq!(code(send(&office.senior, &shown).await.unwrap_err()), Code::Stale, "another version is in force");
    let old = form(&office, &office.senior, first).await.unwrap();
    desk.clock.advance(16 * 60 * 1_000);
    assert_eq!(code(send(&office.senior, &old).await.unwrap_err()), Code::Stale, "open for too long");

    release(&office, &office.senior, first).await.unwrap();
    let label = section(&office, first).await.overridden.unwrap().label;
    assert_eq!(label, "Released by override of rule huge, version 2", "by the version that refused it");
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_override_at_once_release_once() {
    let office = office().await;
    let other = office.desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    for _ in 0..4 {
        let id = denied(&office).await;
        let (one, two) = (form(&office, &office.senior, id).await.unwrap(), form(&office, &other, id).await.unwrap());
        let engine = &office.desk.engine;
        let (senior, second) = (again(&office.senior), again(&other));
        let (one, two) =
            tokio::join!(decisions::overrule(engine, &senior, one), decisions::overrule(engine, &second, two));
        assert_ne!(one.is_ok(), two.is_ok());
        assert_eq!(code(one.and(two).unwrap_err()), Code::InvalidTransition);
    }
    assert_eq!(office.desk.database.number("select count(*) from overrides").await, 4);
    verified(&office.desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_and_a_pause_come_one_after_the_other_and_nothing_is_told_while_it_runs() {
    let office = office().await;
    let desk = &office.desk;
    for _ in 0..4 {
        let id = denied(&office).await;
        let form = form(&office, &office.senior, id).await.unwrap();
        let (senior, pauser) = (again(&office.senior), again(&desk.approver));
        let (released, paused) = tokio::join!(
            decisions::overrule(&desk.engine, &senior, form),
            pauses::pause(&desk.engine, &pauser, desk.system, why())
        );
        paused.unwrap();
        desk.sealed().await;
        let during = read(&office, id).await;
        let no = during.resolution.unwrap();
        assert_eq!((no.outcome, no.next), (ResolutionOutcome::Rejected, AgentNext::Stop), "as it was told before");
        assert_eq!(during.action, None);
        if let Err(refused) = &released {
            assert!(matches!(refused, Error::Forbidden(_)), "{refused}");
            assert_eq!(code(release(&office, &office.senior, id).await.unwrap_err()), Code::InvalidTransition);
        }
        resume(&office).await;
        let after = read(&office, id).await.resolution.unwrap();
        assert_eq!(after.outcome == ResolutionOutcome::Approved, released.is_ok());
    }
    let id = denied(&office).await;
    let form = form(&office, &office.senior, id).await.unwrap();
    pauses::pause(&desk.engine, &again(&desk.approver), desk.system, why()).await.unwrap();
    let late = decisions::overrule(&desk.engine, &again(&office.senior), form).await.unwrap_err();
    assert_eq!(code(late), Code::SystemPaused);
    let page = office.page(&office.senior, id).await;
    assert!(matches!(page.overriding, Some(Overriding::Closed { reason }) if reason.contains("paused")));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_releases_nothing_and_neither_does_who_stands_in_for_them() {
    let office = office().await;
    let desk = &office.desk;
    let id = denied(&office).await;
    let before = form(&office, &office.senior, id).await.unwrap();
    let until = date(desk.engine.now() + 7 * DAY_MS);
    let to = desk.approver.person().unwrap().to_string();
    let given = DelegationForm { to, until: until.clone(), ..DelegationForm::default() };
    delegations::give(&desk.engine, &again(&office.senior), given).await.unwrap();
    absences::set(&desk.engine, &again(&office.senior), AbsenceForm { until, ..AbsenceForm::default() }).await.unwrap();

    let refused = decisions::overrule(&desk.engine, &again(&office.senior), before.clone()).await.unwrap_err();
    assert_eq!(code(refused), Code::InvalidTransition);
    let page = office.page(&office.senior, id).await;
    let Some(Overriding::Closed { reason }) = page.overriding else { panic!("{:?}", page.overriding) };
    assert!(reason.starts_with("You are away until"), "{reason}");
    // A delegation gives reviews and nothing else.
    let page = office.page(&desk.approver, id).await;
    let Some(Overriding::Closed { reason }) = page.overriding else { panic!("{:?}", page.overriding) };
    assert!(reason.contains("needs the role senior approver"), "{reason}");
    let refused = decisions::overrule(&desk.engine, &again(&desk.approver), before).await.unwrap_err();
    assert_eq!(code(refused), Code::Forbidden);
    assert_eq!(desk.database.number("select count(*) from overrides").await, 0);

    absences::clear(&desk.engine, &again(&office.senior)).await.unwrap();
    release(&office, &office.senior, id).await.unwrap();
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_taken_between_form_and_click_refuses_the_click() {
    let office = office().await;
    let desk = &office.desk;
    let id = denied(&office).await;
    let form = form(&office, &office.senior, id).await.unwrap();
    let person = office.senior.person().unwrap();
    let held = people::person(&desk.engine, &again(&desk.admin), person, None).await.unwrap();
    let assignment = held.assignments[0].id;
    let (senior, admin) = (again(&office.senior), again(&desk.admin));

    let (released, ended) =
        tokio::join!(decisions::overrule(&desk.engine, &senior, form), roles::end(&desk.engine, &admin, assignment));

    ended.unwrap();
    let done = desk.database.number("select count(*) from overrides").await;
    assert_eq!(done, i64::from(released.is_ok()));
    if let Err(refused) = released {
        assert_eq!(code(refused), Code::NotFound, "who lost the role may not even read it");
    }
    // The log says it in order: by their history they were senior approver at the act, or there is none.
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_looks_at_an_override_once_and_until_then_nothing_else_is_overridden_after_its_time() {
    let office = office().await;
    let desk = &office.desk;
    let other = desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let id = denied(&office).await;
    release(&office, &office.senior, id).await.unwrap();
    let waiting = list(&office, &other).await.waiting.remove(0);
    assert_eq!((waiting.kind, waiting.due_at - waiting.at), (PostReviewKind::Override, 72 * HOUR));
    assert_eq!((waiting.by.as_str(), waiting.barred.as_deref()), ("senior-a", None));
    assert!(list(&office, &office.senior).await.waiting[0].barred.as_ref().unwrap().starts_with("You did this"));
    assert_eq!(notices(&office, &other, NoticeKind::ToPostReview).await, 1);
    assert_eq!(notices(&office, &office.senior, NoticeKind::ToPostReview).await, 0);

    // In time nothing is blocked; after it, everything of that person is, and of nobody else.
    release(&office, &office.senior, denied(&office).await).await.unwrap();
    desk.clock.advance(72 * HOUR);
    let late = denied(&office).await;
    let refused = countersign_domain::Problem::from(release(&office, &office.senior, late).await.unwrap_err());
    assert!(refused.detail.contains(&id.to_string()), "{}", refused.detail);
    let spare = form(&office, &other, late).await.unwrap();
    let blocked = decisions::overrule(&desk.engine, &again(&office.senior), spare.clone()).await.unwrap_err();
    let blocked = countersign_domain::Problem::from(blocked);
    assert_eq!((blocked.code, blocked.code.status()), (Code::PostReviewOverdue, 403));
    assert!(blocked.detail.contains(&id.to_string()), "{}", blocked.detail);
    let chain = decisions::chain(&desk.engine, &again(&desk.approver), id).await.unwrap();
    assert!(chain.links.iter().any(|link| link.lacks.as_ref().is_some_and(|lack| lack.gap.word() == "not_looked_at")));
    decisions::overrule(&desk.engine, &again(&other), spare).await.unwrap();

    let give = async |caller: &Caller, result| {
        post_reviews::give(&desk.engine, &again(caller), waiting.act, result, Reason::new("I asked.").unwrap()).await
    };
    for (caller, wanted) in
        [(&office.senior, Code::FourEyes), (&desk.approver, Code::Forbidden), (&desk.auditor, Code::Forbidden)]
    {
        assert_eq!(code(give(caller, PostReviewResult::Upheld).await.unwrap_err()), wanted);
    }
    give(&other, PostReviewResult::NotUpheld).await.unwrap();
    assert_eq!(code(give(&office.officer, PostReviewResult::Upheld).await.unwrap_err()), Code::InvalidTransition);
    let seen = list(&office, &other).await;
    let given = seen.given[0].given.clone().unwrap();
    assert_eq!((given.by.as_str(), given.reason.as_str(), given.revocable), ("senior-b", "I asked.", true));
    assert_eq!(notices(&office, &office.senior, NoticeKind::NotUpheld).await, 1);
    for review in seen.waiting.iter().filter(|review| review.by == "senior-a") {
        let reason = Reason::new("Fine.").unwrap();
        let result = PostReviewResult::Upheld;
        post_reviews::give(&desk.engine, &again(&office.officer), review.act, result, reason).await.unwrap();
    }
    release(&office, &office.senior, denied(&office).await).await.unwrap();

    // Not upheld leads to a revocation, which somebody looks at too.
    revoke(&office, id).await;
    let seen = list(&office, &other).await;
    assert!(!seen.given.iter().any(|review| review.act == waiting.act && review.given.as_ref().unwrap().revocable));
    assert!(seen.waiting.iter().any(|review| review.kind == PostReviewKind::Revocation));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_look_at_once_are_one_post_review() {
    let office = office().await;
    let desk = &office.desk;
    for _ in 0..4 {
        let id = denied(&office).await;
        release(&office, &office.senior, id).await.unwrap();
        let act = office.page(&office.officer, id).await.post_reviews[0].act;
        let other = desk.member(&format!("senior-{}", unique()), vec![Holding::everywhere(Role::SeniorApprover)]).await;
        let (officer, second) = (again(&office.officer), again(&other));
        let (upheld, reason) = (PostReviewResult::Upheld, || Reason::new("Right.").unwrap());
        let (one, two) = tokio::join!(
            post_reviews::give(&desk.engine, &officer, act, upheld, reason()),
            post_reviews::give(&desk.engine, &second, act, PostReviewResult::NotUpheld, reason())
        );
        assert_ne!(one.is_ok(), two.is_ok());
    }
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_a_decision_learns_nothing_of_its_override() {
    let office = office().await;
    let desk = &office.desk;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let elsewhere = desk.member("senior-b", vec![Holding::on(Role::SeniorApprover, vec![other])]).await;
    let id = denied(&office).await;
    release(&office, &office.senior, id).await.unwrap();
    let act = office.page(&office.officer, id).await.post_reviews[0].act;

    assert!(list(&office, &elsewhere).await.waiting.is_empty());
    assert!(list(&office, &desk.admin).await.waiting.is_empty(), "an admin reads no decisions");
    assert_eq!(list(&office, &desk.auditor).await.waiting.len(), 1);
    let reason = Reason::new("Right.").unwrap();
    let hidden = post_reviews::give(&desk.engine, &again(&elsewhere), act, PostReviewResult::Upheld, reason).await;
    assert_eq!(code(hidden.unwrap_err()), Code::NotFound);
    let refused = post_reviews::view(&desk.engine, &again(&desk.approver)).await.unwrap_err();
    assert_eq!(code(refused), Code::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_names_who_released_it_when_its_agent_learned_and_who_looked_at_it() {
    use countersign_domain::chain::LinkKind;

    let office = office().await;
    let desk = &office.desk;
    let id = denied(&office).await;
    read(&office, id).await;
    release(&office, &office.senior, id).await.unwrap();
    desk.sealed().await;
    read(&office, id).await;
    let act = office.page(&office.officer, id).await.post_reviews[0].act;
    let reason = Reason::new("Right.").unwrap();
    post_reviews::give(&desk.engine, &again(&office.officer), act, PostReviewResult::Upheld, reason).await.unwrap();

    let chain = decisions::chain(&desk.engine, &again(&desk.approver), id).await.unwrap();
    let link = |kind| chain.links.iter().find(|link| link.kind == kind).unwrap();
    let resolution = link(LinkKind::Resolution);
    assert!(resolution.says.ends_with("Released by override of rule huge, version 2."), "{}", resolution.says);
    let did: Vec<_> = resolution.acts.iter().map(|act| act.did.as_str()).collect();
    assert_eq!(
        did,
        [
            "resolved it as rule huge says",
            "released it against the rule",
            "resolved it as approved by override",
            "looked at the override and upheld it"
        ]
    );
    assert_eq!(resolution.acts[1].allowed_by[0].id, "override_as_senior");
    assert_eq!(resolution.acts[3].allowed_by[0].id, "post_review_decision");
    let told = link(LinkKind::Release);
    assert!(told.says.ends_with("was told: rejected, later that it is approved."), "{}", told.says);
    assert_eq!(told.acts.len(), 2);
}

/// An office whose table refuses refunds from 5000 on, and approves those up to 100.
async fn office() -> Office {
    let office = Office::new().await;
    office.enforce(&[rule("huge", "deny", "at_least", "5000"), small()]).await;
    office
}

/// A refund that the rule refused, which its agent was told.
async fn denied(office: &Office) -> DecisionId {
    let order = unique();
    let id = id_of(&office.desk.propose(&order, &proposal(&order, "6000", HARMLESS)).await.unwrap());
    office.desk.sealed().await;
    assert_eq!(read(office, id).await.resolution.unwrap().outcome, ResolutionOutcome::Rejected);
    id
}

async fn form(office: &Office, caller: &Caller, decision: DecisionId) -> Result<OverrideRequest> {
    let page = decisions::view(&office.desk.engine, &again(caller), decision).await?;
    match page.overriding {
        Some(Overriding::Open { presentation, resolution, policy, .. }) => Ok(OverrideRequest {
            decision,
            presentation,
            resolution,
            policy,
            code: ReasonCode::Other,
            reason: Reason::new("The customer showed the receipt.").unwrap(),
        }),
        Some(Overriding::Closed { reason }) => Err(Error::refused(Code::InvalidTransition, reason)),
        None => Err(Error::refused(Code::InvalidTransition, "no form")),
    }
}

async fn release(office: &Office, caller: &Caller, id: DecisionId) -> Result<()> {
    let form = form(office, caller, id).await?;
    decisions::overrule(&office.desk.engine, &again(caller), form).await
}

async fn revoke(office: &Office, id: DecisionId) {
    let (code, reason) = (ReasonCode::AgainstPolicy, Reason::new("It was not upheld.").unwrap());
    decisions::revoke(&office.desk.engine, &again(&office.senior), id, code, reason).await.unwrap();
}

async fn resume(office: &Office) {
    let (engine, system) = (&office.desk.engine, office.desk.system);
    let view = pauses::view(engine, &again(&office.senior), Some(system)).await.unwrap();
    let pause = view.chosen.unwrap().system.pause.unwrap().entry;
    pauses::resume(engine, &again(&office.senior), system, pause, why()).await.unwrap();
}

async fn read(office: &Office, id: DecisionId) -> AgentDecision {
    decisions::get(&office.desk.engine, &again(&office.desk.agent), id).await.unwrap()
}

async fn report(office: &Office, id: DecisionId) {
    let body = br#"{"result":"executed","effect":"full"}"#;
    let desk = &office.desk;
    decisions::report_outcome(&desk.engine, &again(&desk.agent), id, &unique(), body).await.unwrap();
}

async fn section(office: &Office, id: DecisionId) -> ResolutionSection {
    office.page(&office.senior, id).await.resolution.unwrap()
}

async fn list(office: &Office, caller: &Caller) -> PostReviewsView {
    post_reviews::view(&office.desk.engine, &again(caller)).await.unwrap()
}

async fn notices(office: &Office, caller: &Caller, kind: NoticeKind) -> usize {
    let me = people::me(&office.desk.engine, &again(caller)).await.unwrap();
    me.notices.iter().filter(|notice| notice.kind == kind).count()
}

/// The acts on a decision, without reads and refusals.
async fn acts(office: &Office, id: DecisionId) -> Vec<String> {
    let kinds = office.desk.kinds_of(id).await;
    kinds.into_iter().filter(|kind| kind.starts_with("decision.") && kind != "decision.viewed").collect()
}

fn why() -> Reason {
    Reason::new("Wrong refunds.").unwrap()
}
