//! Who holds what: scope and limits, the second person, the last admin, and what each review could name.

use countersign_domain::{
    decision::{Risk, Verdict},
    decision_type::TypeDefinition,
    holding::{AuthorityLimits, Holding, RoleScope, Source},
    ids::{DecisionId, PersonId, ProviderId, SystemId},
    problem::Code,
    queue::View,
    role::Role,
    text::Reason,
    view::{Asked, HoldingForm, Reach},
};
use countersign_engine::{
    Caller, Error, changes, decision_types,
    decisions::{self, QueueFilter},
    keys, people, permissions, roles,
    roles::Assigned,
    sessions, streams, systems,
    testing::{Desk, again, id_of, proposal, refund},
};
use uuid::Uuid;

const PROVIDER: Source = Source::Provider(ProviderId(Uuid::from_u128(0x70)));

fn everywhere(role: Role) -> Vec<Holding> {
    vec![Holding::everywhere(role)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_outside_scope_is_absent_and_above_the_limit_names_the_roles_that_reach_it() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let elsewhere = desk.member("elsewhere", vec![Holding::on(Role::Approver, vec![other])]).await;
    let limits = AuthorityLimits { amount: Some(39), ..AuthorityLimits::default() };
    let limited = desk.member("limited", vec![Holding { limits, ..Holding::everywhere(Role::Approver) }]).await;
    let mut form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    form.decision = id;

    let absent = decisions::review(&desk.engine, &again(&elsewhere), form.clone()).await.unwrap_err();
    let above = decisions::review(&desk.engine, &again(&limited), form).await.unwrap_err();
    let closed = desk.open_form(&limited, id, Verdict::Approve).await.unwrap_err();

    assert_eq!(code(absent), Code::NotFound);
    let above = countersign_domain::Problem::from(above);
    assert_eq!((above.code, above.policies.as_slice()), (Code::Forbidden, &["default_deny".to_owned()][..]));
    assert!(above.detail.contains("above your limits") && above.detail.contains("approver"), "{}", above.detail);
    assert!(!above.detail.contains("Approver A"), "a refusal names roles, not people");
    assert!(closed.to_string().contains("above your limits"), "{closed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn high_risk_needs_a_senior_approver() {
    let desk = Desk::new().await;
    let definition = TypeDefinition { version: 2, risk: Risk::High, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
    let id = desk.queued_decision().await;
    let senior = desk.member("senior", everywhere(Role::SeniorApprover)).await;

    let refused = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap_err();
    let reviewed = desk.review(&senior, id, Verdict::Approve).await.unwrap();

    assert!(refused.to_string().contains("senior approver"), "{refused}");
    assert!(reviewed.resolution.is_some());
}

/// Proves A7: what a list, a count and the stream tell is what the record page opens, over people of every
/// scope and decisions of two systems and two types.
#[tokio::test(flavor = "multi_thread")]
async fn listings_equal_the_readable_set() {
    let desk = Desk::new().await;
    let other_type = TypeDefinition { name: "refund.waive".into(), ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), other_type).await.unwrap();
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let key = systems::issue_key(&desk.engine, &again(&desk.admin), other).await.unwrap().key;
    let mut stranger = again(&desk.agent);
    stranger.actor = keys::authenticate(&desk.engine, &key, std::net::Ipv4Addr::LOCALHOST.into()).await.unwrap();
    let mut all: Vec<DecisionId> = Vec::new();
    for n in 0..12u32 {
        let order = format!("order-{n}");
        let body = match n % 3 {
            0 => proposal(&order).replace("refund.issue", "refund.waive"),
            _ => proposal(&order),
        };
        let agent = if n % 2 == 0 { &desk.agent } else { &stranger };
        let stored = decisions::propose(&desk.engine, &again(agent), &order, body.as_bytes()).await.unwrap();
        all.push(id_of(&stored));
    }
    let limited = |role, systems: Option<Vec<SystemId>>, types: &[&str]| Holding {
        role,
        scope: systems.map_or(RoleScope::All, RoleScope::Systems),
        limits: AuthorityLimits {
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            ..AuthorityLimits::default()
        },
        until: None,
    };
    let mut people = vec![desk.admin.clone(), desk.auditor.clone()];
    for (login, holdings) in [
        ("all", everywhere(Role::Viewer)),
        ("one-system", vec![limited(Role::Approver, Some(vec![other]), &[])]),
        ("one-type", vec![limited(Role::PolicyAuthor, None, &["refund.waive"])]),
        ("both", vec![limited(Role::SeniorApprover, Some(vec![desk.system]), &["refund.issue"])]),
        (
            "two-holdings",
            vec![
                limited(Role::Viewer, Some(vec![desk.system]), &["refund.waive"]),
                limited(Role::Approver, Some(vec![other]), &["refund.issue"]),
            ],
        ),
        ("officer", vec![limited(Role::ComplianceOfficer, Some(vec![other]), &[])]),
        ("nobody", Vec::new()),
    ] {
        people.push(desk.member(login, holdings).await);
    }

    let mut seen = Vec::new();
    for person in &people {
        let mut readable = Vec::new();
        for id in &all {
            if decisions::view(&desk.engine, &again(person), *id).await.is_ok() {
                readable.push(*id);
            }
        }
        let streamed = streams::visible(&desk.engine, person.person().unwrap(), &all).await.unwrap();
        let listed = match decisions::queue(
            &desk.engine,
            &again(person),
            QueueFilter { view: Some(View::Team), ..QueueFilter::default() },
        )
        .await
        {
            Ok(view) => {
                let team = view.counts.iter().find(|count| count.view == View::Team).unwrap();
                assert_eq!(team.count as usize, readable.len());
                view.items.iter().map(|item| item.id).collect()
            }
            Err(_) => Vec::new(),
        };
        assert_eq!(sorted(listed), sorted(readable.clone()));
        assert_eq!(sorted(streamed), sorted(readable.clone()));
        seen.push(readable.len());
    }

    assert_eq!(seen, [0, 12, 12, 6, 4, 4, 6, 12, 0]);
}

/// Proves A8: a role taken between the load of the form and its click refuses the click.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_taken_between_load_and_click_refuses_the_click() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let person = desk.approver.person().unwrap();
    let view = people::person(&desk.engine, &again(&desk.admin), person, None).await.unwrap();

    roles::end(&desk.engine, &again(&desk.admin), view.assignments[0].id).await.unwrap();
    let refused = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();

    assert_eq!(code(refused), Code::NotFound);
    let countersign_engine::Actor::Person { session, .. } = desk.approver.actor else { panic!("not a person") };
    assert!(!sessions::is_live(&desk.engine, session).await.unwrap(), "losing a role ends the sign-ins");
    let after = people::person(&desk.engine, &again(&desk.admin), person, None).await.unwrap();
    assert!(after.assignments.iter().all(|row| row.ended.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_stops_at_its_end_and_is_put_on_record() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let holding = Holding { until: Some(desk.engine.now() + 60_000), ..Holding::everywhere(Role::Approver) };
    let person = desk.member("for-a-minute", vec![holding]).await;
    decisions::view(&desk.engine, &again(&person), id).await.unwrap();

    desk.clock.advance(60_000);

    let refused = decisions::view(&desk.engine, &again(&person), id).await.unwrap_err();
    assert_eq!(code(refused), Code::NotFound);
    for _ in 0..300 {
        if desk.database.number("select count(*) from role_assignments where ended_at is not null").await == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let kinds = desk.kinds_of(DecisionId(person.person().unwrap().0)).await;
    assert_eq!(kinds, ["person.created", "role.assigned", "role.unassigned"]);
    desk.check_log().await;
}

/// Proves A11: no admin raises anyone alone once there is a second one.
#[tokio::test(flavor = "multi_thread")]
async fn no_admin_raises_anyone_alone() {
    let desk = Desk::new().await;
    let second = desk.member("admin-b", everywhere(Role::Admin)).await;
    let subject = desk.member("rising", Vec::new()).await;
    let person = subject.person().unwrap();
    let assign = |holding| roles::assign(&desk.engine, &desk.admin, person, holding);

    let viewer = assign(Holding::everywhere(Role::Viewer)).await.unwrap();
    let Assigned::Waits(change) = assign(Holding::everywhere(Role::Approver)).await.unwrap() else {
        panic!("an approver waits for a second person")
    };
    let own = changes::confirm(&desk.engine, &again(&desk.admin), change).await.unwrap_err();
    let by_approver = changes::confirm(&desk.engine, &again(&desk.approver), change).await.unwrap_err();
    let same = assign(Holding::everywhere(Role::Approver)).await.unwrap_err();

    assert!(matches!(viewer, Assigned::Now(_)));
    assert_eq!(policies(own), ["requester_never_confirms"]);
    assert_eq!(policies(by_approver), ["default_deny"]);
    assert_eq!(code(same), Code::InvalidTransition);
    assert_eq!(held(&desk, person).await, [Role::Viewer]);
    changes::confirm(&desk.engine, &again(&second), change).await.unwrap();
    assert_eq!(held(&desk, person).await, [Role::Viewer, Role::Approver]);
    let twice = changes::confirm(&desk.engine, &again(&second), change).await.unwrap_err();
    assert_eq!(code(twice), Code::InvalidTransition);
    let kinds = desk.kinds_of(DecisionId(change.0)).await;
    let acts: Vec<_> = kinds.iter().filter(|kind| kind.starts_with("change.")).collect();
    assert_eq!(acts, ["change.requested", "change.confirmed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_access_it_is_never_confirms_it() {
    let desk = Desk::new().await;
    let second = desk.member("admin-b", everywhere(Role::Admin)).await;
    let officer = desk.member("officer", everywhere(Role::ComplianceOfficer)).await;
    let person = officer.person().unwrap();
    let holding = Holding::everywhere(Role::SeniorApprover);
    let Assigned::Waits(change) = roles::assign(&desk.engine, &again(&second), person, holding).await.unwrap() else {
        panic!("a senior approver waits")
    };

    let own = changes::confirm(&desk.engine, &again(&officer), change).await.unwrap_err();
    let foreign = changes::withdraw(&desk.engine, &again(&officer), change).await.unwrap_err();
    changes::refuse(&desk.engine, &again(&desk.admin), change).await.unwrap();

    assert_eq!(policies(own), ["subject_never_confirms"]);
    assert_eq!(policies(foreign), ["default_deny"]);
    assert_eq!(held(&desk, person).await, [Role::ComplianceOfficer]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_asker_is_no_admin_any_more_is_not_made() {
    let desk = Desk::new().await;
    let second = desk.member("admin-b", everywhere(Role::Admin)).await;
    let third = desk.member("admin-c", everywhere(Role::Admin)).await;
    let person = desk.member("rising", Vec::new()).await.person().unwrap();
    let holding = Holding::everywhere(Role::Approver);
    let Assigned::Waits(change) = roles::assign(&desk.engine, &again(&second), person, holding).await.unwrap() else {
        panic!("an approver waits")
    };

    people::disable(&desk.engine, &again(&desk.admin), second.person().unwrap()).await.unwrap();
    let refused = changes::confirm(&desk.engine, &again(&third), change).await.unwrap_err();

    assert_eq!(code(refused), Code::InvalidTransition);
    assert!(held(&desk, person).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_lapse_when_nobody_confirms_them() {
    let desk = Desk::new().await;
    desk.member("admin-b", everywhere(Role::Admin)).await;
    let person = desk.member("rising", Vec::new()).await.person().unwrap();
    let holding = Holding::everywhere(Role::Admin);
    let Assigned::Waits(change) = roles::assign(&desk.engine, &again(&desk.admin), person, holding).await.unwrap()
    else {
        panic!("an admin waits")
    };

    desk.clock.advance(8 * 24 * 3_600 * 1_000);

    for _ in 0..300 {
        if desk.database.number("select count(*) from changes where state = 'lapsed'").await == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(desk.kinds_of(DecisionId(change.0)).await, ["change.requested", "change.lapsed"]);
}

/// Proves R13 and K7: a team of one acts alone only in the mode, and each such act is marked.
#[tokio::test(flavor = "multi_thread")]
async fn single_operator_is_explicit_and_marks_every_act() {
    let desk = Desk::new().await;
    let me = desk.admin.person().unwrap();
    let holding = Holding::everywhere(Role::SeniorApprover);
    let refused = roles::assign(&desk.engine, &again(&desk.admin), me, holding.clone()).await.unwrap_err();
    assert_eq!(policies(refused), ["nobody_assigns_themselves"]);

    assert_eq!(changes::switch_single_operator(&desk.engine, &again(&desk.admin), true).await.unwrap(), None);
    roles::assign(&desk.engine, &again(&desk.admin), me, holding).await.unwrap();
    // The desk's key was made by this admin, and the mode lets them review what it proposes.
    let id = desk.queued_decision().await;
    desk.review(&desk.admin, id, Verdict::Approve).await.unwrap();
    let auditor = roles::assign(&desk.engine, &again(&desk.admin), me, Holding::everywhere(Role::Auditor)).await;
    assert_eq!(code(auditor.unwrap_err()), Code::InvalidTransition);

    let marked = "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"single_operator\"%' \
                  and encode(bytes, 'escape') like '%\"kind\":\"decision.reviewed\"%'";
    assert_eq!(desk.database.number(marked).await, 1);
    changes::switch_single_operator(&desk.engine, &again(&desk.admin), false).await.unwrap();
    let next = desk.queued_decision().await;
    let refused = desk.review(&desk.admin, next, Verdict::Approve).await.unwrap_err();
    assert!(refused.to_string().contains("may not review") || refused.to_string().contains("made the key"));
}

/// Proves R1: who made an agent's key never reviews what it proposes, whatever role they hold by then.
#[tokio::test(flavor = "multi_thread")]
async fn who_made_the_key_never_reviews_what_it_proposes() {
    let desk = Desk::new().await;
    desk.member("admin-b", everywhere(Role::Admin)).await;
    let me = desk.admin.person().unwrap();
    let id = desk.queued_decision().await;
    let source = Source::Hand;
    desk.reconcile(me, source, everywhere(Role::Approver)).await.unwrap();
    let maker = desk.elsewhere(&desk.admin).await;

    let refused = desk.open_form(&maker, id, Verdict::Approve).await.unwrap_err();
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let clicked = decisions::review(&desk.engine, &again(&maker), form).await.unwrap_err();

    assert!(refused.to_string().contains("made the key"), "{refused}");
    assert_eq!(policies(clicked), ["key_holder_never_reviews"]);
}

/// Proves O10.
#[tokio::test(flavor = "multi_thread")]
async fn two_admins_removing_each_other_leave_one() {
    let desk = Desk::new().await;
    let second = desk.member("admin-b", everywhere(Role::Admin)).await;
    let (a, b) = (desk.admin.person().unwrap(), second.person().unwrap());
    let of = async |person: PersonId| {
        people::person(&desk.engine, &again(&desk.auditor), person, None).await.unwrap().assignments[0].id
    };
    let (of_a, of_b) = (of(a).await, of(b).await);

    let (first, other) = (again(&desk.admin), again(&second));
    let (one, two) = tokio::join!(roles::end(&desk.engine, &first, of_b), roles::end(&desk.engine, &other, of_a));

    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let left =
        desk.database.number("select count(*) from role_assignments where role = 'admin' and ended_at is null").await;
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_gives_takes_and_never_leaves_the_installation_without_an_admin() {
    let desk = Desk::new().await;
    let person = desk.member("mapped", Vec::new()).await;
    let id = person.person().unwrap();
    let until = desk.engine.now() + 3_600_000;
    let wanted = vec![
        Holding::on(Role::Approver, vec![desk.system]),
        Holding { until: Some(until), ..Holding::everywhere(Role::Viewer) },
    ];

    let first = desk.reconcile(id, PROVIDER, wanted.clone()).await.unwrap();
    let again_same = desk.reconcile(id, PROVIDER, wanted).await.unwrap();
    let conflict = desk
        .reconcile(id, PROVIDER, vec![Holding::everywhere(Role::Admin), Holding::everywhere(Role::SeniorApprover)])
        .await
        .unwrap();
    let last = desk.reconcile(desk.admin.person().unwrap(), Source::Hand, Vec::new()).await.unwrap_err();

    assert_eq!((first.gained.len(), first.lost.len()), (2, 0));
    assert_eq!(again_same, roles::RoleChanges::default());
    assert_eq!((conflict.gained.len(), conflict.lost.len(), conflict.refused.len()), (0, 2, 2));
    assert!(held(&desk, id).await.is_empty());
    assert_eq!(code(last), Code::InvalidTransition);
    let countersign_engine::Actor::Person { session, .. } = person.actor else { panic!("not a person") };
    assert!(!sessions::is_live(&desk.engine, session).await.unwrap());
    desk.check_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicting_roles_and_faulty_scopes_are_refused_by_name() {
    let desk = Desk::new().await;
    let person = desk.approver.person().unwrap();
    let assign = |holding| roles::assign(&desk.engine, &desk.admin, person, holding);

    let admin = assign(Holding::everywhere(Role::Admin)).await.unwrap_err();
    let auditor = assign(Holding::everywhere(Role::Auditor)).await.unwrap_err();
    let twice = assign(Holding::everywhere(Role::Approver)).await.unwrap_err();
    let unknown = assign(Holding::on(Role::Viewer, vec![SystemId(Uuid::from_u128(9))])).await.unwrap_err();
    let past = assign(Holding { until: Some(1), ..Holding::everywhere(Role::Viewer) }).await.unwrap_err();

    for refused in [admin, auditor, twice] {
        assert_eq!(code(refused), Code::InvalidTransition);
    }
    assert_eq!([pointer(unknown), pointer(past)], ["/systems", "/until"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_effect_of_a_role_is_shown_before_it_is_given() {
    let desk = Desk::new().await;
    desk.member("admin-b", everywhere(Role::Admin)).await;
    let person = desk.member("rising", Vec::new()).await.person().unwrap();
    let form = |role: &str, systems: &str| HoldingForm {
        role: role.into(),
        systems: systems.into(),
        ..HoldingForm::default()
    };
    let preview = async |form| {
        people::person(&desk.engine, &again(&desk.admin), person, Some(form)).await.unwrap().preview.unwrap()
    };

    let approver = preview(form("approver", "refund-agent")).await;
    let viewer = preview(form("viewer", "")).await;
    let unknown = preview(form("viewer", "no-such-agent")).await;

    assert!(approver.waits && approver.problem.is_none());
    assert_eq!(approver.holding.unwrap().systems.unwrap(), ["refund-agent"]);
    assert!(!viewer.waits && viewer.problem.is_none());
    assert_eq!(unknown.problem.unwrap().errors[0].pointer, "/systems");
    assert!(held(&desk, person).await.is_empty(), "a preview changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_is_answered_from_the_deciding_policies() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let ask = async |caller: &Caller, login: &str, action: &str, object: &str| {
        let asked = Asked { login: login.into(), action: action.into(), object: object.into() };
        permissions::view(&desk.engine, &again(caller), Some(asked)).await
    };

    let may = ask(&desk.admin, "approver-a", "review_decision", &id.to_string()).await.unwrap();
    let may_not = ask(&desk.admin, "admin-a", "assign_role", "admin-a").await.unwrap();
    let foreign = ask(&desk.approver, "admin-a", "list_people", "").await.unwrap_err();
    let nobody = desk.member("nobody", Vec::new()).await;
    let hidden = ask(&nobody, "", "view_decision", &id.to_string()).await.unwrap();
    let absent = ask(&nobody, "", "view_decision", "01a19b7d-90e0-7f95-ae73-2979886b812a").await.unwrap();

    let may = may.explained.unwrap();
    assert!(may.allowed);
    assert_eq!(may.rules[0].id, "review_as_approver");
    assert!(may.rules[0].says.contains("low and medium risk"));
    let may_not = may_not.explained.unwrap();
    assert!(!may_not.allowed);
    assert_eq!(may_not.rules[0].id, "nobody_assigns_themselves");
    assert_eq!(code(foreign), Code::Forbidden);
    assert_eq!(hidden.problem, absent.problem, "a decision one may not read looks absent");
    assert!(hidden.explained.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_is_what_the_policies_answer() {
    let desk = Desk::new().await;

    let view = permissions::view(&desk.engine, &again(&desk.approver), None).await.unwrap();

    let table: String = view
        .rows
        .iter()
        .map(|row| {
            let cells: String = row
                .cells
                .iter()
                .map(|reach| match reach {
                    Reach::Never => '-',
                    Reach::Scope => 's',
                    Reach::Everywhere => 'e',
                    Reach::Always => 'y',
                })
                .collect();
            format!("{cells} {}\n", row.words)
        })
        .collect();
    assert_eq!(table, include_str!("roles.txt"));
}

/// Proves F4's masks: personal fields stay closed in page, title and list until somebody opens them with a reason.
#[tokio::test(flavor = "multi_thread")]
async fn a_personal_field_is_masked_until_it_is_opened_with_a_reason_and_again_after_five_minutes() {
    let desk = Desk::new().await;
    let personal = vec!["order".to_owned(), "context".to_owned()];
    let definition = TypeDefinition { version: 2, personal, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
    let id = desk.queued_decision().await;
    let viewer = desk.member("viewer", everywhere(Role::Viewer)).await;
    let field = async |caller: &Caller, name: &str| {
        let view = decisions::view(&desk.engine, &again(caller), id).await.unwrap();
        let field = view.fields.into_iter().find(|field| field.name == name).unwrap();
        (field.withheld, field.value, view.title, view.may_open)
    };
    let open = async |caller: &Caller, name: &str| {
        let reason = Reason::new("The customer asked for it.").unwrap();
        decisions::open_field(&desk.engine, &again(caller), id, name, reason).await
    };

    let (withheld, value, title, may_open) = field(&desk.approver, "order").await;
    assert_eq!((withheld, value, may_open), (true, None, true));
    assert!(title.contains("amount 40.00") && !title.contains("order"), "{title}");
    let (withheld, value, ..) = field(&desk.approver, "amount").await;
    assert_eq!((withheld, value.as_deref()), (false, Some("40.00")));
    assert!(!field(&viewer, "order").await.3);
    assert_eq!(code(open(&viewer, "order").await.unwrap_err()), Code::Forbidden);
    assert_eq!(code(open(&desk.approver, "amount").await.unwrap_err()), Code::InvalidContent);
    assert_eq!(code(open(&desk.admin, "order").await.unwrap_err()), Code::NotFound);

    open(&desk.approver, "order").await.unwrap();

    let (withheld, value, ..) = field(&desk.approver, "order").await;
    assert!(!withheld && value.is_some());
    assert!(field(&desk.approver, "context").await.0, "one field is opened, not all of them");
    assert!(field(&desk.approver_b, "order").await.0, "another person opens it themselves");
    assert_eq!(desk.kinds_of(id).await.iter().filter(|kind| *kind == "access.unmasked").count(), 1);
    desk.clock.advance(5 * 60 * 1_000);
    assert!(field(&desk.approver, "order").await.0);
    desk.check_log().await;
}

async fn held(desk: &Desk, person: PersonId) -> Vec<Role> {
    let view = people::person(&desk.engine, &again(&desk.auditor), person, None).await.unwrap();
    let mut roles: Vec<_> =
        view.assignments.iter().filter(|row| row.ended.is_none()).map(|row| row.holding.role).collect();
    roles.sort_unstable();
    roles
}

fn sorted(mut ids: Vec<DecisionId>) -> Vec<DecisionId> {
    ids.sort_unstable();
    ids
}

fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}

fn policies(error: Error) -> Vec<String> {
    countersign_domain::Problem::from(error).policies
}

fn pointer(error: Error) -> String {
    countersign_domain::Problem::from(error).errors[0].pointer.clone()
}
