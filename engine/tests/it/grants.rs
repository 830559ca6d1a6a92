//! Grants: who asks, who activates, what they approve, and everything that they never approve.

use countersign_domain::{
    answer::{AgentDecision, AgentNext},
    chain::LinkKind,
    decision::{ReasonCode, ResolutionOutcome, State, Verdict},
    decision_type::{Hazard, Reversibility, TypeDefinition},
    grant::{GrantForm, GrantState, GrantView},
    holding::{AuthorityLimits, Holding},
    ids::{DecisionId, DecisionTypeId, GrantId},
    policy::view::RuleForm,
    problem::{Code, Problem},
    role::Role,
    text::Reason,
    view::NoticeKind,
};
use countersign_engine::{
    Caller, Error, Result, decision_types, decisions,
    grants::{self, GrantRequest},
    owners::{self, NamingRequest},
    pauses, people, systems,
    testing::{Desk, again, id_of, refund, unique},
};

use crate::policies::{HARMLESS, Office, code, eventually, proposal, rule, verified};

const HOUR: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_an_active_grant_is_approved_by_it_and_every_answer_names_it() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "2").await;

    let answered = desk.propose("first", &proposal("first", "40.00", HARMLESS)).await.unwrap();
    let id = id_of(&answered);
    desk.sealed().await;
    let told = read(desk, id).await;

    let resolution = told.resolution.unwrap();
    assert_eq!((resolution.outcome, resolution.next), (ResolutionOutcome::Approved, AgentNext::Act));
    assert_eq!((resolution.decided_by.kind.as_str(), resolution.decided_by.grant), ("grant", Some(grant)));
    assert_eq!(resolution.decided_by.reviews, 0, "an approval by a grant is nobody's agreement");
    let page = office.page(&desk.approver, id).await;
    let section = page.resolution.unwrap();
    assert_eq!((section.by_grant, section.by_rule, section.outcome), (Some(grant), None, ResolutionOutcome::Approved));
    assert!(page.policy.grants.is_empty());
    let chain = decisions::chain(&desk.engine, &again(&desk.approver), id).await.unwrap();
    let link = chain.links.iter().find(|link| link.kind == LinkKind::Resolution).unwrap();
    assert_eq!(link.says, format!("Approved by grant {}; no person was asked about this one.", grant.short()));
    let did: Vec<_> = link.acts.iter().map(|act| act.did.as_str()).collect();
    assert_eq!(did[..3], ["asked for the grant", "activated the grant", "made a use of it"]);

    let shown = view(&office, &desk.approver, grant).await;
    assert_eq!((shown.row.used, shown.row.uses, shown.row.state), (1, 2, GrantState::Active));
    assert_eq!(shown.acts.last().unwrap().decision, Some(id));
    let last = approved(desk, "second").await;
    assert_eq!(last, Some(grant));
    let shown = view(&office, &desk.approver, grant).await;
    assert_eq!((shown.row.used, shown.row.state), (2, GrantState::Exhausted));
    let third = propose(desk, "third", "40.00").await;
    assert_eq!(said(&office, third).await, [format!("Grant {} was used up, so people are asked.", grant.short())]);
    assert_eq!(
        desk.review(&desk.approver, third, Verdict::Approve).await.unwrap().resolution,
        Some(ResolutionOutcome::Approved)
    );
    verified(desk).await;
}

/// N uses are never N + 1.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_proposals_that_race_for_five_uses_get_exactly_five() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "5").await;
    let racing: Vec<_> = (0..32)
        .map(|number| {
            let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
            tokio::spawn(async move {
                let order = format!("race-{number}");
                let body = proposal(&order, "40.00", HARMLESS);
                decisions::propose(&engine, &agent, &order, body.as_bytes()).await.map(|stored| id_of(&stored))
            })
        })
        .collect();
    for race in racing {
        race.await.unwrap().unwrap();
    }

    let count = |query: &'static str| async move { desk.database.number(query).await };
    assert_eq!(count("select count(*) from resolutions where cause = 'grant'").await, 5);
    assert_eq!(count("select count(*) from grant_uses").await, 5);
    assert_eq!(count("select count(*) from decisions where state = 'queued'").await, 27);
    assert_eq!(count("select used::bigint from grants").await, 5);
    let shown = view(&office, &desk.approver, grant).await;
    assert_eq!(shown.row.state, GrantState::Exhausted);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_goes_its_normal_route_and_the_page_says_why() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "9").await;
    let named = format!("Grant {}", grant.short());

    let large = propose(desk, "large", "50.01").await;
    let below = propose(desk, "below", "-10").await;
    let adverse = id_of(&desk.propose("adverse", &proposal("adverse", "10", "")).await.unwrap());
    let exports = r#"{"effects":["data_export"],"adverse":false,"affected":1}"#;
    let exports = id_of(&desk.propose("exports", &proposal("exports", "11", exports)).await.unwrap());
    let many = r#"{"effects":[],"adverse":false,"affected":100}"#;
    let many = id_of(&desk.propose("many", &proposal("many", "12", many)).await.unwrap());

    assert_eq!(
        said(&office, large).await,
        [format!("{named} does not cover it: amount is at most 50; here it is 50.01.")]
    );
    for id in [adverse, exports, many] {
        assert_eq!(
            said(&office, id).await,
            [format!("{named} did not approve it: a guard keeps such decisions for people.")]
        );
    }
    assert_eq!(
        said(&office, below).await,
        [format!("{named} does not cover it: amount is at least 0; here it is -10.")]
    );
    for id in [large, below, adverse, exports, many] {
        assert_eq!(read(desk, id).await.state, State::Queued);
    }
    assert_eq!(view(&office, &desk.approver, grant).await.row.used, 0);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_denies_escalates_or_wants_more_than_one_approver_is_never_passed_over() {
    let office = office().await;
    let desk = &office.desk;
    active(&office, "9").await;
    let two = RuleForm { need: "2".into(), ..rule("two", "require", "at_most", "10") };
    let seniors = RuleForm { need: "1".into(), ..rule("up", "escalate", "at_most", "20") };
    office.enforce(&[two, seniors, rule("never", "deny", "at_most", "30")]).await;

    let two = propose(desk, "two", "10").await;
    let up = propose(desk, "up", "20").await;
    let never = propose(desk, "never", "30").await;
    let one = propose(desk, "one", "40").await;

    assert!(said(&office, two).await[0].contains("its rule wants more than one approval"));
    assert_eq!(said(&office, up).await, Vec::<String>::new());
    let by =
        async |id| office.page(&office.senior, id).await.resolution.map(|resolution| resolution.by_grant.is_some());
    assert_eq!((by(two).await, by(up).await, by(never).await, by(one).await), (None, None, Some(false), Some(true)));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_approved_while_the_system_is_paused_and_its_time_goes_on() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "9").await;
    pauses::pause(&desk.engine, &again(&desk.approver), desk.system, why()).await.unwrap();

    let paused = propose(desk, "paused", "40").await;
    desk.clock.advance(2 * HOUR);
    let pause = pauses::view(&desk.engine, &again(&office.senior), Some(desk.system)).await.unwrap();
    let entry = pause.chosen.unwrap().system.pause.unwrap().entry;
    let senior = desk.elsewhere(&office.senior).await;
    pauses::resume(&desk.engine, &senior, desk.system, entry, why()).await.unwrap();

    let shown = office.page(&desk.approver, paused).await.resolution.unwrap();
    assert_eq!((shown.outcome, shown.by_pause, shown.by_grant), (ResolutionOutcome::Rejected, true, None));
    assert_eq!(view(&office, &desk.approver, grant).await.row.used, 0);
    assert_eq!(approved(desk, "after").await, Some(grant));
    desk.clock.advance(22 * HOUR);
    assert_eq!(approved(desk, "late").await, None);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_with_its_time_and_that_goes_on_record() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "9").await;
    desk.clock.advance(24 * HOUR - 60_000);
    assert_eq!(approved(desk, "in-time").await, Some(grant));
    desk.clock.advance(60_000);

    let late = propose(desk, "late", "40").await;
    eventually(async || view(&office, &desk.approver, grant).await.row.state == GrantState::Expired).await;

    let sentence = format!("The time of grant {} was over, so people are asked.", grant.short());
    assert_eq!(said(&office, late).await, [sentence]);
    let after = propose(desk, "after", "40.5").await;
    assert_eq!(said(&office, after).await.len(), 1);
    let refused = Problem::from(revoke(&office, &desk.approver, grant).await.unwrap_err());
    assert_eq!(refused.code, Code::InvalidTransition);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_revokes_it_at_once_and_what_it_approved_may_be_revoked_too() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "9").await;
    let before = propose(desk, "before", "40").await;

    revoke(&office, &desk.approver_b, grant).await.unwrap();
    let after = propose(desk, "after", "41").await;
    let twice = revoke(&office, &desk.approver, grant).await.unwrap_err();

    assert_eq!(said(&office, after).await, [format!("Grant {} was revoked, so people are asked.", grant.short())]);
    assert_eq!(code(twice), Code::InvalidTransition);
    let shown = view(&office, &desk.approver, grant).await;
    assert_eq!((shown.row.state, shown.row.used), (GrantState::Revoked, 1));
    assert_eq!(shown.acts.last().unwrap().reason.as_deref(), Some("It is the same each time."));
    let senior = again(&office.senior);
    decisions::revoke(&desk.engine, &senior, before, ReasonCode::AgainstPolicy, why()).await.unwrap();
    assert_eq!(read(desk, before).await.resolution.unwrap().outcome, ResolutionOutcome::Revoked);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_and_a_revocation_at_once_come_one_after_the_other() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "50").await;
    let mut racing = Vec::new();
    for number in 0..12 {
        let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
        racing.push(tokio::spawn(async move {
            let order = format!("race-{number}");
            decisions::propose(&engine, &agent, &order, proposal(&order, "40.00", HARMLESS).as_bytes()).await.map(drop)
        }));
    }
    let (engine, approver) = (desk.engine.clone(), again(&desk.approver_b));
    racing.push(tokio::spawn(async move { grants::revoke(&engine, &approver, grant, why()).await }));
    for race in racing {
        race.await.unwrap().unwrap();
    }

    let query = "select count(*) from resolutions where cause = 'grant'";
    let shown = view(&office, &desk.approver, grant).await;
    assert_eq!(i64::try_from(shown.row.used).unwrap(), desk.database.number(query).await);
    assert_eq!(shown.row.state, GrantState::Revoked);
    assert_eq!(approved(desk, "later").await, None);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_owns_the_system_or_made_its_key_activates_nothing() {
    let office = office().await;
    let desk = &office.desk;
    let other = desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let own = ask(&office, &office.senior, form(desk, "1").await).await.unwrap();
    let told = async |caller: &Caller, kind: NoticeKind| {
        let me = people::me(&desk.engine, &again(caller)).await.unwrap();
        me.notices.iter().filter(|row| row.kind == kind && row.system.as_deref() == Some("refund-agent")).count()
    };
    for (who, times) in [(&other, 1), (&office.officer, 1), (&office.senior, 0), (&desk.approver, 0), (&desk.admin, 0)]
    {
        assert_eq!(told(who, NoticeKind::GrantAsked).await, times, "who may activate it is told, and nobody else");
    }
    let bounded = AuthorityLimits { amount: Some(49), ..AuthorityLimits::default() };
    let low = Holding { limits: bounded, ..Holding::everywhere(Role::SeniorApprover) };
    let low = desk.member("senior-low", vec![low]).await;

    let refused = |result: Result<()>| {
        let Error::Forbidden(denial) = result.unwrap_err() else { panic!("it is on record") };
        let problem = Problem::from(Error::Forbidden(denial));
        (problem.code, problem.policies.join(" "))
    };
    let bars = |policy: &str| (Code::FourEyes, policy.to_owned());
    let lacks = || (Code::Forbidden, "default_deny".to_owned());
    assert_eq!(refused(activate(&office, &office.senior, own).await), bars("requester_never_activates"));
    assert_eq!(refused(activate(&office, &desk.approver, own).await), lacks());
    assert_eq!(refused(activate(&office, &low, own).await), lacks(), "its limit is below what is asked for");
    name(&office, "senior-b").await;
    assert_eq!(refused(activate(&office, &other, own).await), bars("owner_never_activates"));
    revokes_key_bar(&office, own).await;
    let stale = again(&office.officer);
    activate(&office, &stale, own).await.unwrap();
    assert_eq!(told(&office.senior, NoticeKind::GrantActivated).await, 1);
    assert_eq!(told(&other, NoticeKind::GrantAsked).await, 0, "what is answered waits for nobody");
    let twice = activate(&office, &office.officer, own).await.unwrap_err();
    assert_eq!(code(twice), Code::InvalidTransition);
    assert_eq!(approved(desk, "now").await, Some(own));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_right_to_activate_a_grant_approves_nothing_by_it() {
    let office = office().await;
    let desk = &office.desk;
    let grant = active(&office, "9").await;
    people::disable(&desk.engine, &again(&desk.admin), office.senior.person().unwrap()).await.unwrap();

    let id = propose(desk, "after", "40").await;

    let sentence =
        format!("Grant {} did not approve it: who activated it could not activate it any more.", grant.short());
    let page = office.page(&desk.approver, id).await;
    assert_eq!(page.policy.grants, [(grant, sentence)]);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_proof_is_asked_for_and_a_refused_grant_approves_nothing() {
    let office = office().await;
    let desk = &office.desk;
    let asked = ask(&office, &desk.approver, form(desk, "1").await).await.unwrap();
    assert_eq!(approved(desk, "waiting").await, None);
    desk.clock.advance(6 * 60_000);
    let mut old = again(&office.senior);
    old.actor = proven_long_ago(old.actor);

    let refused = grants::activate(&desk.engine, &old, asked, why()).await.unwrap_err();
    assert_eq!(code(refused), Code::StepUpRequired);
    grants::refuse(&desk.engine, &again(&office.senior), asked, why()).await.unwrap();
    let late = activate(&office, &office.officer, asked).await.unwrap_err();

    assert_eq!(code(late), Code::InvalidTransition);
    let shown = view(&office, &desk.approver, asked).await;
    assert_eq!((shown.row.state, shown.effective), (GrantState::Refused, false));
    assert_eq!(approved(desk, "refused").await, None);
    let own = ask(&office, &desk.approver, form(desk, "1").await).await.unwrap();
    grants::refuse(&desk.engine, &again(&desk.approver), own, why()).await.unwrap();
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_harm_export_or_cannot_be_undone_and_terms_out_of_range_are_refused_when_asked_for() {
    let office = office().await;
    let desk = &office.desk;
    for (name, definition) in [
        ("account.delete", TypeDefinition { reversibility: Reversibility::Irreversible, ..refund() }),
        ("claim.settle", TypeDefinition { risk: countersign_domain::decision::Risk::High, ..refund() }),
        ("loan.decline", TypeDefinition { hazards: vec![Hazard::Adverse], ..refund() }),
        ("data.send", TypeDefinition { hazards: vec![Hazard::DataExport], ..refund() }),
    ] {
        let definition = TypeDefinition { name: name.into(), ..definition };
        decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
        let asked = GrantForm { type_id: type_id(desk, name).await.to_string(), ..form(desk, "1").await };
        let senior = desk.elsewhere(&office.senior).await;
        assert_eq!(code(ask(&office, &senior, asked).await.unwrap_err()), Code::GrantNotAllowed, "{name}");
    }
    for asked in [
        GrantForm { hours: "169".into(), ..form(desk, "1").await },
        GrantForm { fields: Default::default(), ..form(desk, "1").await },
        GrantForm { system: "nobody".into(), ..form(desk, "1").await },
        form(desk, "0").await,
    ] {
        assert_eq!(code(ask(&office, &desk.approver, asked).await.unwrap_err()), Code::InvalidContent);
    }
    for caller in [&desk.admin, &desk.auditor, &office.officer] {
        assert_eq!(code(ask(&office, caller, form(desk, "1").await).await.unwrap_err()), Code::Forbidden);
    }
    let elsewhere = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    let other = desk.member("approver-x", vec![Holding::on(Role::Approver, vec![elsewhere])]).await;
    assert_eq!(code(ask(&office, &other, form(desk, "1").await).await.unwrap_err()), Code::Forbidden);
    let grant = active(&office, "1").await;
    let hidden = grants::view(&desk.engine, &again(&other), grant).await.unwrap_err();
    assert!(matches!(hidden, Error::Hidden(_)));
    assert!(grants::list(&desk.engine, &again(&other)).await.unwrap().grants.is_empty());
    assert_eq!(grants::list(&desk.engine, &again(&desk.auditor)).await.unwrap().grants.len(), 1);
    verified(desk).await;
}

async fn office() -> Office {
    Office::new().await
}

/// A grant for refunds up to 50 that Approver A asked for and the senior approver activated, in effect.
async fn active(office: &Office, uses: &str) -> GrantId {
    let desk = &office.desk;
    let id = ask(office, &desk.approver, form(desk, uses).await).await.unwrap();
    activate(office, &office.senior, id).await.unwrap();
    desk.sealed().await;
    eventually(async || view(office, &desk.approver, id).await.effective).await;
    id
}

async fn form(desk: &Desk, uses: &str) -> GrantForm {
    GrantForm {
        system: desk.system.to_string(),
        type_id: type_id(desk, "refund.issue").await.to_string(),
        uses: uses.into(),
        hours: "24".into(),
        fields: [("max_amount".to_owned(), "50".to_owned())].into(),
    }
}

async fn type_id(desk: &Desk, name: &str) -> DecisionTypeId {
    let view = grants::form(&desk.engine, &again(&desk.approver), &GrantForm::default()).await.unwrap();
    view.grantable.types.iter().find(|(_, definition, _)| definition.name == name).unwrap().0
}

async fn ask(office: &Office, caller: &Caller, form: GrantForm) -> Result<GrantId> {
    grants::request(&office.desk.engine, &again(caller), GrantRequest { form, reason: why() }).await
}

async fn activate(office: &Office, caller: &Caller, id: GrantId) -> Result<()> {
    grants::activate(&office.desk.engine, &again(caller), id, why()).await
}

async fn revoke(office: &Office, caller: &Caller, id: GrantId) -> Result<()> {
    grants::revoke(&office.desk.engine, &again(caller), id, why()).await
}

async fn view(office: &Office, caller: &Caller, id: GrantId) -> GrantView {
    grants::view(&office.desk.engine, &again(caller), id).await.unwrap()
}

async fn propose(desk: &Desk, order: &str, amount: &str) -> DecisionId {
    id_of(&desk.propose(order, &proposal(order, amount, HARMLESS)).await.unwrap())
}

/// Proposes a refund of 40 and returns the grant that approved it.
async fn approved(desk: &Desk, order: &str) -> Option<GrantId> {
    let id = propose(desk, order, "40.00").await;
    desk.sealed().await;
    read(desk, id).await.resolution.and_then(|resolution| resolution.decided_by.grant)
}

async fn read(desk: &Desk, id: DecisionId) -> AgentDecision {
    decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap()
}

/// Why no grant approved a decision, as its page says it.
async fn said(office: &Office, id: DecisionId) -> Vec<String> {
    office.page(&office.desk.approver, id).await.policy.grants.into_iter().map(|(_, words)| words).collect()
}

async fn name(office: &Office, login: &str) {
    let request = NamingRequest { system: office.desk.system, login: login.into(), before: None, reason: why() };
    owners::name(&office.desk.engine, &again(&office.desk.admin), request).await.unwrap();
}

/// Who made a key of the system is refused by that rule, and a team of one is not.
async fn revokes_key_bar(office: &Office, own: GrantId) {
    let desk = &office.desk;
    let maker = desk.member(&unique(), vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let statement = format!("update agent_keys set issued_by = '{}'", maker.person().unwrap());
    desk.database.attack(&statement).await;
    let Error::Forbidden(denial) = activate(office, &maker, own).await.unwrap_err() else { panic!("it is on record") };
    assert_eq!(Problem::from(Error::Forbidden(denial)).policies, ["key_maker_never_activates"]);
}

fn proven_long_ago(actor: countersign_engine::Actor) -> countersign_engine::Actor {
    match actor {
        countersign_engine::Actor::Person { id, session, signed_in, factor_missing, .. } => {
            countersign_engine::Actor::Person { id, session, signed_in, proven_ago_ms: 6 * 60_000, factor_missing }
        }
        other => other,
    }
}

fn why() -> Reason {
    Reason::new("It is the same each time.").unwrap()
}
