//! Roles from groups: drafts and what they would change, the second person, and evaluation at sign-in.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_domain::{
    holding::Holding,
    ids::{PersonId, ProviderId},
    mapping::RowForm,
    problem::Code,
    role::Role,
};
use countersign_engine::{
    Caller, Error, changes, people,
    providers::{self, Proven},
    role_mappings, sessions,
    testing::{Desk, again},
};
use serde_json::{Value, json};

use crate::providers::{code, open, proven, visitor};

/// Proves O9: whoever applies a draft gets exactly what they were shown, or 409.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_dry_run_is_409() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    let pia = known(&desk, id, "pia", json!(["auditors"])).await;
    save(&desk, id, row("groups", "auditors", Role::Viewer)).await;
    let shown = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    let (draft, dry_run) = (shown.draft.unwrap(), shown.dry_run.unwrap());
    assert_eq!(dry_run.effects.iter().map(|effect| effect.person).collect::<Vec<_>>(), [pia]);

    // The groups of somebody move between the look and the click.
    sign_in(&desk, id, "pia", json!(["visitors"])).await.unwrap();
    let moved = apply(&desk, &desk.admin, id, draft.id, &dry_run.digest).await.unwrap_err();

    assert_eq!(code(moved), Code::Stale);
    assert_eq!(roles_of(&desk, pia).await, []);
    sign_in(&desk, id, "pia", json!(["auditors"])).await.unwrap();
    let again_shown = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    let fresh = again_shown.dry_run.unwrap().digest;
    assert_ne!(fresh, dry_run.digest, "what is known of a person is part of what was shown");
    assert!(apply(&desk, &desk.admin, id, draft.id, &fresh).await.unwrap().is_none());
    assert_eq!(roles_of(&desk, pia).await, [Role::Viewer]);
    let form = row("groups", "others", Role::Viewer);
    let stale = role_mappings::save_row(&desk.engine, &again(&desk.admin), id, None, None, &form).await.unwrap_err();
    assert_eq!(code(stale), Code::Stale, "a form filled from an older mapping changes nothing");
    desk.check_log().await;
}

/// Proves O9 and R5: a mapping that gives a privileged role waits for a second person, who is none of the gainers.
#[tokio::test(flavor = "multi_thread")]
async fn gains_need_two_people() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    let second = desk.member("second-admin", vec![Holding::everywhere(Role::Admin)]).await;
    let officer = desk.member("officer", vec![Holding::everywhere(Role::ComplianceOfficer)]).await;
    let pia = known(&desk, id, "pia", json!(["payments-approvers"])).await;
    save(&desk, id, row("groups", "payments-approvers", Role::Approver)).await;
    let shown = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    let (draft, dry_run) = (shown.draft.unwrap().id, shown.dry_run.unwrap());
    assert!(dry_run.needs_second_person);

    let waits = apply(&desk, &desk.admin, id, draft, &dry_run.digest).await.unwrap().unwrap();
    assert_eq!(roles_of(&desk, pia).await, []);
    let own = changes::confirm(&desk.engine, &again(&desk.admin), waits).await.unwrap_err();
    assert!(matches!(own, Error::Forbidden(_)));
    changes::confirm(&desk.engine, &again(&officer), waits).await.unwrap();

    assert_eq!(roles_of(&desk, pia).await, [Role::Approver]);
    let view = role_mappings::view(&desk.engine, &again(&second), "company").await.unwrap();
    assert!(view.draft.is_none() && view.active.unwrap().id == draft);

    // A row gives its role to whoever comes, so it waits although nobody known gains by it.
    save(&desk, id, row("groups", "nobody-yet", Role::Admin)).await;
    let view = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    let (unseen, dry_run) = (view.draft.unwrap().id, view.dry_run.unwrap());
    assert!(dry_run.effects.is_empty() && dry_run.needs_second_person);
    role_mappings::discard(&desk.engine, &again(&desk.admin), id, unseen).await.unwrap();

    // Who would gain by it does not confirm it.
    providers::link_own(&desk.engine, &again(&second), proven_with(id, "second", "l2", json!([]))).await.unwrap();
    sign_in(&desk, id, "second", json!(["auditing"])).await.unwrap();
    save(&desk, id, row("groups", "auditing", Role::ComplianceOfficer)).await;
    let view = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    let (draft, digest) = (view.draft.unwrap().id, view.dry_run.unwrap().digest);
    let waits = apply(&desk, &desk.admin, id, draft, &digest).await.unwrap().unwrap();
    let gainer = changes::confirm(&desk.engine, &again(&second), waits).await.unwrap_err();
    assert_eq!(code(gainer), Code::InvalidTransition);
    desk.check_log().await;
}

/// Proves F2: roles follow the groups at each sign-in; unknown groups and other capitals give nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_taken_away_takes_its_role_at_the_next_sign_in() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    let pia = known(&desk, id, "pia", json!(["readers", "unknown"])).await;
    put_in_force(&desk, id, row("groups", "readers", Role::Viewer)).await;
    assert_eq!(roles_of(&desk, pia).await, [Role::Viewer]);
    let session = sign_in(&desk, id, "pia", json!(["readers"])).await.unwrap();
    assert!(sessions::authenticate(&desk.engine, session.token.reveal()).await.unwrap().is_some());

    sign_in(&desk, id, "pia", json!(["Readers", "unknown"])).await.unwrap();

    assert_eq!(roles_of(&desk, pia).await, []);
    let ended = sessions::authenticate(&desk.engine, session.token.reveal()).await.unwrap();
    assert!(ended.is_none(), "who loses a role signs in anew");
    let before = desk.check_log().await;
    sign_in(&desk, id, "pia", json!(["Readers", "unknown"])).await.unwrap();
    assert_eq!(desk.check_log().await, before + 1, "where nothing changed, only the sign-in is on record");
}

/// What is given at a sign-in comes of what stands once nobody else gives or takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_while_somebody_signs_in_is_not_given_back() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    let pia = known(&desk, id, "pia", json!(["unknown"])).await;
    put_in_force(&desk, id, row("groups", "readers", Role::Viewer)).await;
    let held = desk.database.hold("select from safeguards for update").await;

    let (signed_in, ()) = tokio::join!(
        sign_in(&desk, id, "pia", json!(["readers"])),
        held.meanwhile("update role_mappings set superseded_at = now() where activated_at is not null"),
    );

    signed_in.unwrap();
    assert_eq!(roles_of(&desk, pia).await, []);
}

/// Proves O8: a reference in place of the groups gives nothing, and those who watch over access are told.
#[tokio::test(flavor = "multi_thread")]
async fn group_overage_grants_nothing() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    let pia = known(&desk, id, "pia", json!(["readers"])).await;
    put_in_force(&desk, id, row("groups", "readers", Role::Viewer)).await;
    assert_eq!(roles_of(&desk, pia).await, [Role::Viewer]);

    let mut over = proven_with(id, "pia", "overage", json!(["readers"]));
    over.claims["_claim_names"] = json!({ "groups": "src1" });
    providers::sign_in(&desk.engine, &visitor(), over).await.unwrap();

    assert_eq!(roles_of(&desk, pia).await, []);
    let me = people::me(&desk.engine, &again(&desk.admin)).await.unwrap();
    assert!(me.notices.iter().any(|notice| notice.kind.word() == "group_overage"), "{:?}", me.notices);
    let view = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    assert_eq!(view.overage_count, 1);
    desk.check_log().await;
}

/// Proves O11: off, a stranger is refused; on, a stranger becomes a member with the mapped roles and no others.
#[tokio::test(flavor = "multi_thread")]
async fn jit_off_refuses_and_jit_on_grants_only_mapped_roles() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    put_in_force(&desk, id, row("groups", "readers", Role::Viewer)).await;

    let refused = sign_in(&desk, id, "newcomer", json!(["readers"])).await.unwrap_err();
    assert_eq!(code(refused), Code::Unauthenticated);
    providers::set_just_in_time(&desk.engine, &again(&desk.admin), id, true).await.unwrap();
    let reader = sign_in(&desk, id, "newcomer", json!(["readers", "admins"])).await.unwrap().person;
    let nobody = sign_in(&desk, id, "other", json!(["admins"])).await.unwrap().person;

    assert_eq!(roles_of(&desk, reader).await, [Role::Viewer]);
    assert_eq!(roles_of(&desk, nobody).await, []);
    let once_more = sign_in(&desk, id, "newcomer", json!(["readers"])).await.unwrap().person;
    assert_eq!(once_more, reader, "the identity is known from then on");
    // The claims name the sign-in name of a member: they join nobody.
    let mut posing = proven_with(id, "poser", "pose", json!([]));
    posing.claims["preferred_username"] = json!("approver");
    let poser = providers::sign_in(&desk.engine, &visitor(), posing).await.unwrap().person;
    assert_ne!(Some(poser), desk.approver.person());
    assert_eq!(roles_of(&desk, poser).await, []);
    assert!(providers::links(&desk.engine).await.unwrap().len() == 1, "the switch keeps the test of the settings");
    desk.check_log().await;
}

/// Proves O10: neither a draft nor a sign-in takes the last admin away.
#[tokio::test(flavor = "multi_thread")]
async fn no_mapping_takes_the_last_admin_away() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    let boss = known(&desk, id, "boss", json!(["admins"])).await;
    put_in_force(&desk, id, row("groups", "admins", Role::Admin)).await;
    sign_in(&desk, id, "boss", json!(["admins"])).await.unwrap();
    assert_eq!(roles_of(&desk, boss).await, [Role::Admin]);
    people::disable(&desk.engine, &caller_of(&desk, id, "boss").await, desk.admin.person().unwrap()).await.unwrap();

    sign_in(&desk, id, "boss", json!([])).await.unwrap();
    assert_eq!(roles_of(&desk, boss).await, [Role::Admin], "the roles stay until somebody else can run access");
    let caller = caller_of(&desk, id, "boss").await;
    let base = role_mappings::view(&desk.engine, &caller, "company").await.unwrap().active.unwrap().id;
    role_mappings::remove_row(&desk.engine, &again(&caller), id, Some(base), 0).await.unwrap();
    let view = role_mappings::view(&desk.engine, &again(&caller), "company").await.unwrap();
    let (draft, dry_run) = (view.draft.unwrap().id, view.dry_run.unwrap());
    assert!(dry_run.blocked.is_some());
    let refused = apply(&desk, &caller, id, draft, &dry_run.digest).await.unwrap_err();

    assert_eq!(code(refused), Code::InvalidTransition);
    assert_eq!(roles_of(&desk, boss).await, [Role::Admin]);
    desk.check_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_rows_name_their_field_and_only_admins_see_a_mapping() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    for (pointer, form) in [
        ("/claim", row("", "a", Role::Viewer)),
        ("/claim", row("/realm~2", "a", Role::Viewer)),
        ("/value", row("groups", "", Role::Viewer)),
        ("/value", RowForm { test: "pattern".into(), ..row("groups", "**", Role::Viewer) }),
        ("/test", RowForm { test: "regex".into(), ..row("groups", "a", Role::Viewer) }),
        ("/role", RowForm { role: "boss".into(), ..row("groups", "a", Role::Viewer) }),
        ("/systems", RowForm { systems: "no-such-agent".into(), ..row("groups", "a", Role::Viewer) }),
        ("/until", RowForm { until: "tomorrow".into(), ..row("groups", "a", Role::Viewer) }),
    ] {
        match role_mappings::save_row(&desk.engine, &again(&desk.admin), id, None, None, &form).await.unwrap_err() {
            Error::Refused(problem) => assert_eq!(problem.errors[0].pointer, pointer, "{form:?}"),
            other => panic!("{pointer}: {other:?}"),
        }
    }
    for caller in [&desk.approver, &desk.auditor] {
        let refused = role_mappings::view(&desk.engine, &again(caller), "company").await.unwrap_err();
        assert!(matches!(refused, Error::Forbidden(_)));
    }
    let absent = role_mappings::view(&desk.engine, &again(&desk.admin), "nowhere").await.unwrap_err();
    assert_eq!(code(absent), Code::NotFound);
}

/// An admin's test sign-in shows which rows would match, and hides what no row reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_sign_in_is_explained_row_by_row() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    save(&desk, id, row("groups", "payments", Role::Viewer)).await;
    save(&desk, id, row("groups", "Payments", Role::Auditor)).await;

    let test = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap().test.unwrap();

    let [(first, _), (second, why)] = test.rows.as_slice() else { panic!("{:?}", test.rows) };
    assert!(*first && !*second && why.contains("capitals"), "{why}");
    assert_eq!(test.holdings.iter().map(|holding| holding.role).collect::<Vec<_>>(), [Role::Viewer]);
    let email = test.claims.iter().find(|claim| claim.claim == "email").unwrap();
    assert!(email.shown.is_empty() && email.masked == 1);
}

/// Fills a form for a row.
fn row(claim: &str, value: &str, role: Role) -> RowForm {
    RowForm {
        claim: claim.into(),
        test: "equals".into(),
        value: value.into(),
        role: role.word().into(),
        systems: String::new(),
        until: String::new(),
    }
}

async fn save(desk: &Desk, provider: ProviderId, form: RowForm) {
    let view = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    let base = view.draft.or(view.active).map(|version| version.id);
    role_mappings::save_row(&desk.engine, &again(&desk.admin), provider, base, None, &form).await.unwrap();
}

async fn put_in_force(desk: &Desk, provider: ProviderId, form: RowForm) {
    save(desk, provider, form).await;
    let view = role_mappings::view(&desk.engine, &again(&desk.admin), "company").await.unwrap();
    let (draft, digest) = (view.draft.unwrap().id, view.dry_run.unwrap().digest);
    assert!(apply(desk, &desk.admin, provider, draft, &digest).await.unwrap().is_none());
}

async fn apply(
    desk: &Desk,
    caller: &Caller,
    provider: ProviderId,
    draft: countersign_domain::ids::MappingVersionId,
    digest: &str,
) -> countersign_engine::Result<Option<countersign_domain::ids::ChangeId>> {
    role_mappings::apply(&desk.engine, &again(caller), provider, draft, digest).await
}

/// A member without a role whom the provider knows and who signed in once.
async fn known(desk: &Desk, provider: ProviderId, subject: &'static str, groups: Value) -> PersonId {
    let member = desk.member(subject, Vec::new()).await;
    let link = proven_with(provider, subject, &format!("link {subject}"), json!([]));
    providers::link_own(&desk.engine, &again(&member), link).await.unwrap();
    sign_in(desk, provider, subject, groups).await.unwrap();
    member.person().unwrap()
}

async fn sign_in(
    desk: &Desk,
    provider: ProviderId,
    subject: &str,
    groups: Value,
) -> countersign_engine::Result<sessions::NewSession> {
    static STATES: AtomicU64 = AtomicU64::new(0);
    let state = format!("state {}", STATES.fetch_add(1, Ordering::Relaxed));
    let dated = Proven { auth_time: Some(desk.engine.now()), ..proven_with(provider, subject, &state, groups) };
    providers::sign_in(&desk.engine, &visitor(), dated).await
}

async fn caller_of(desk: &Desk, provider: ProviderId, subject: &str) -> Caller {
    let new = sign_in(desk, provider, subject, json!(["admins"])).await.unwrap();
    let actor = sessions::authenticate(&desk.engine, new.token.reveal()).await.unwrap().unwrap();
    again(&Caller::new(actor, "192.0.2.1", "test", uuid::Uuid::nil()))
}

fn proven_with(provider: ProviderId, subject: &str, state: &str, groups: Value) -> Proven {
    let mut proven = proven(provider, subject, state);
    proven.claims["groups"] = groups;
    proven.claims["name"] = json!(format!("Name of {subject}"));
    proven
}

async fn roles_of(desk: &Desk, person: PersonId) -> Vec<Role> {
    desk.roles_of(person).await
}
