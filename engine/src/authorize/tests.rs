use cedar_policy::{ValidationMode, Validator};

use super::*;

#[test]
fn policies_validate_strictly() {
    let policies = Policies::compiled().unwrap();

    let result = Validator::new(policies.schema.clone()).validate(&policies.set, ValidationMode::Strict);

    let faults: Vec<_> = result.validation_errors().map(ToString::to_string).collect();
    assert_eq!(faults, Vec::<String>::new());
    let warnings: Vec<_> = result.validation_warnings().map(ToString::to_string).collect();
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn every_action_is_in_the_schema() {
    let policies = Policies::compiled().unwrap();
    let known: HashSet<String> = policies.schema.actions().map(|uid| uid.id().unescaped().to_owned()).collect();

    assert_eq!(known, Action::ALL.iter().map(|action| action.word().to_owned()).collect());
}

/// Proves A4: each hard rule refuses what the other policies would allow, and no rule is left out here.
#[test]
fn every_forbid_beats_every_permit() {
    let policies = Policies::compiled().unwrap();
    let all: HashSet<String> = policies
        .set
        .policies()
        .filter(|policy| policy.effect() == cedar_policy::Effect::Forbid)
        .map(|policy| policy.id().to_string())
        .filter(|id| !id.starts_with("guard_"))
        .collect();
    let mut met = HashSet::new();
    for (rule, roles, action, target) in forbidden() {
        let viewer = Seen {
            disabled: rule == "disabled_person",
            ended: rule == "ended_sign_in",
            break_glass: rule.starts_with("break_glass"),
            factor_missing: rule == "second_factor_first",
        };
        let (allowed, ids) = asked(&policies, viewer, &roles, action, target);
        assert_eq!((allowed, ids.as_slice()), (false, &[rule.to_owned()][..]), "{rule}");

        let mut lenient = Policies::compiled().unwrap();
        lenient.set.remove_static(cedar_policy::PolicyId::new(rule)).unwrap();
        assert!(asked(&lenient, viewer, &roles, action, target).0, "without {rule} nothing would allow it");
        met.insert(rule.to_owned());
    }
    let (allowed, ids) = policies.decide(key(), Action::ReviewDecision, entity_of(decision())).unwrap();
    assert_eq!((allowed, ids), (false, vec!["key_never_reviews".to_owned()]));
    met.insert("key_never_reviews".to_owned());
    let (allowed, ids) = policies.decide(key(), Action::CommentDecision, entity_of(decision())).unwrap();
    assert_eq!((allowed, ids), (false, vec!["key_never_comments".to_owned()]));
    met.insert("key_never_comments".to_owned());

    assert_eq!(all, met);
}

/// Proves E2: each guard stops a rule by itself, and nothing else does.
#[test]
fn every_guard_asks_people_by_itself() {
    let policies = Policies::compiled().unwrap();
    let harmless = || AutoDecision {
        system: SystemId(Uuid::from_bytes([6; 16])),
        adverse: false,
        about_persons: true,
        reversibility: Reversibility::Compensable,
        risk: Risk::Medium,
        complete: true,
        paused: false,
        amount: Some(100),
        amount_max: 100,
    };
    let met: Vec<_> = [
        AutoDecision { adverse: true, ..harmless() },
        AutoDecision { risk: Risk::High, ..harmless() },
        AutoDecision { reversibility: Reversibility::Irreversible, ..harmless() },
        AutoDecision { amount: Some(101), ..harmless() },
        AutoDecision { amount: Some(u64::MAX), ..harmless() },
        AutoDecision { complete: false, ..harmless() },
        AutoDecision { paused: true, ..harmless() },
    ]
    .iter()
    .map(|decision| guards(&policies, decision).unwrap().join(" "))
    .collect();

    assert_eq!(guards(&policies, &harmless()).unwrap(), Vec::<String>::new());
    assert!(guards(&policies, &AutoDecision { amount: None, ..harmless() }).unwrap().is_empty());
    let nobody = AutoDecision { adverse: true, about_persons: false, ..harmless() };
    assert!(guards(&policies, &nobody).unwrap().is_empty(), "adverse to nobody");
    assert_eq!(
        met,
        [
            "guard_adverse_person",
            "guard_high_risk",
            "guard_irreversible",
            "guard_amount",
            "guard_amount",
            "guard_incomplete",
            "guard_paused"
        ]
    );
    let listed: HashSet<_> = met.iter().map(String::as_str).collect();
    let written = policies.set.policies().filter(|policy| policy.id().to_string().starts_with("guard_")).count();
    assert_eq!(written, listed.len());
}

/// Proves R8: stopping takes one person, starting another one.
#[test]
fn whoever_reviews_or_administers_pauses_and_another_senior_approver_or_admin_resumes() {
    let policies = Policies::compiled().unwrap();
    let seen = Seen::default();
    let able = |action, target| -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| asked(&policies, seen, &[*role], action, target).0).collect()
    };
    let by = |by| Target::PausedSystem { id: SYSTEM, by, n: 2 };

    assert_eq!(
        able(Action::PauseSystem, Target::System(SYSTEM)),
        [Role::Approver, Role::SeniorApprover, Role::Admin, Role::ComplianceOfficer]
    );
    assert_eq!(able(Action::ResumeSystem, by(OTHER)), [Role::SeniorApprover, Role::Admin]);
    assert_eq!(able(Action::ResumeSystem, by(ME)), []);
}

#[test]
fn who_owns_a_system_pauses_it_whatever_their_role_and_no_other() {
    let policies = Policies::compiled().unwrap();
    let viewer = Seen::default();
    let pauses = |system| asked(&policies, viewer, &[Role::Viewer], Action::PauseSystem, Target::System(system)).0;

    assert!(pauses(OWN_SYSTEM));
    assert!(!pauses(SYSTEM));
}

/// Proves the row of the matrix for comments, and that auditors only read, whatever else they hold.
#[test]
fn whoever_works_on_decisions_comments_and_auditors_only_read() {
    let policies = Policies::compiled().unwrap();
    let seen = Seen::default();
    let may = |roles: &[Role], action, target| asked(&policies, seen, roles, action, target).0;
    let able =
        |action, target| -> Vec<Role> { Role::ALL.into_iter().filter(|role| may(&[*role], action, target)).collect() };
    let note = |system, author| Target::Handover { id: HandoverId(Uuid::from_bytes([6; 16])), system, author, n: 1 };

    assert_eq!(
        able(Action::CommentDecision, decision()),
        [Role::Viewer, Role::Approver, Role::SeniorApprover, Role::PolicyAuthor, Role::ComplianceOfficer]
    );
    for other in Role::ALL.into_iter().filter(|role| *role != Role::Auditor) {
        assert!(!may(&[Role::Auditor, other], Action::CommentDecision, decision()), "{other:?}");
    }
    assert_eq!(able(Action::HandOver, Target::System(SYSTEM)), [Role::Approver, Role::SeniorApprover]);
    assert_eq!(able(Action::EndHandover, note(Some(SYSTEM), OTHER)), [Role::SeniorApprover]);
    assert!(may(&[Role::Approver], Action::EndHandover, note(None, ME)), "its author");
}

#[test]
fn only_senior_approvers_revoke_and_no_emergency_sign_in_does() {
    let policies = Policies::compiled().unwrap();
    let seen = Seen::default();
    let may = |seen, roles: &[Role]| asked(&policies, seen, roles, Action::RevokeDecision, decision()).0;

    let able: Vec<_> = Role::ALL.into_iter().filter(|role| may(seen, &[*role])).collect();
    assert_eq!(able, [Role::SeniorApprover]);
    assert!(!may(Seen { break_glass: true, ..seen }, &[Role::SeniorApprover]));
    assert!(!may(seen, &[Role::SeniorApprover, Role::Auditor]));
}

#[test]
fn only_senior_approvers_override_and_two_guards_are_absolute() {
    let policies = Policies::compiled().unwrap();
    let seen = Seen::default();
    let may = |seen, roles: &[Role], target| asked(&policies, seen, roles, Action::OverrideDecision, target).0;

    let able: Vec<_> = Role::ALL.into_iter().filter(|role| may(seen, &[*role], decision())).collect();
    assert_eq!(able, [Role::SeniorApprover]);
    assert!(!may(Seen { break_glass: true, ..seen }, &[Role::SeniorApprover], decision()));
    assert!(!may(seen, &[Role::SeniorApprover, Role::Auditor], decision()));
    assert!(!may(seen, &[Role::SeniorApprover, Role::Admin], decision()));
    assert!(!may(seen, &[Role::SeniorApprover], own_agents_decision()));
    let guards = policies.set.policies().map(|policy| policy.id().to_string()).filter(|id| id.starts_with("guard_"));
    let mut absolute: Vec<_> = guards.filter(|id| policies.is_absolute(id)).collect();
    absolute.sort();
    assert_eq!(absolute, ["guard_irreversible", "guard_paused"]);
}

/// Proves R8 for overrides, revocations and emergency sign-ins.
#[test]
fn another_person_looks_at_what_was_done_against_the_policy() {
    let policies = Policies::compiled().unwrap();
    let seen = Seen::default();
    let able = |target| -> Vec<Role> {
        let may = |role: &Role| asked(&policies, seen, &[*role], Action::GivePostReview, target).0;
        Role::ALL.into_iter().filter(may).collect()
    };

    assert_eq!(able(post_review(true, OTHER)), [Role::SeniorApprover, Role::ComplianceOfficer]);
    assert_eq!(able(post_review(false, OTHER)), [Role::Admin, Role::ComplianceOfficer]);
    assert_eq!(able(post_review(true, ME)), []);
    assert_eq!(able(post_review(false, ME)), []);
    let emergency = Seen { break_glass: true, ..seen };
    assert!(!asked(&policies, emergency, &[Role::Admin], Action::GivePostReview, post_review(false, OTHER)).0);
}

/// Proves that in somebody's place their roles count and not one's own, and that one's own hard rules go on.
#[test]
fn in_somebodys_place_the_roles_that_were_given_count() {
    let policies = Policies::compiled().unwrap();
    let seen = Seen::default();
    let approver = [Holding::everywhere(Role::Approver)];
    let senior = [Holding::everywhere(Role::SeniorApprover)];
    let high = Facts {
        matter: facts(decision()).matter.map(|matter| Matter { risk: Risk::High, ..matter }),
        ..Facts::default()
    };
    let ask = |own: &[Holding], given: &[Holding], seen, action, acts: bool| {
        let viewer = Viewer { stands_in: given, acts_for: acts.then_some(given), ..viewer(seen, own) };
        let principal = viewer.entity(decision(), high.matter.as_ref()).unwrap();
        policies.decide(principal, action, decision().entity(&high).unwrap()).unwrap()
    };
    let review = Action::ReviewDecision;

    let allowed = ask(&approver, &senior, seen, review, true);
    assert_eq!(allowed, (true, vec!["review_in_place".to_owned()]));
    assert!(!ask(&approver, &approver, seen, review, true).0, "high risk is above an approver");
    assert!(!ask(&senior, &approver, seen, review, true).0, "their own role gives nothing in another's place");
    assert!(!ask(&approver, &senior, seen, review, false).0, "nor the other's in their own right");
    assert!(!ask(&[Holding::everywhere(Role::Viewer)], &senior, seen, review, true).0, "without a role that reviews");
    let elsewhere = [Holding::on(Role::Approver, vec![SystemId(Uuid::from_bytes([9; 16]))])];
    assert!(ask(&elsewhere, &senior, seen, Action::ViewDecision, false).0, "who reviews it reads it");
    assert!(!ask(&elsewhere, &senior, seen, Action::RevokeDecision, false).0, "and nothing else");
    let emergency = Seen { break_glass: true, ..seen };
    let admin = [approver.clone(), [Holding::everywhere(Role::Admin)]].concat();
    for (own, seen, rule) in
        [(&approver[..], emergency, "break_glass_never_reviews"), (&admin[..], seen, "admin_never_reviews")]
    {
        assert_eq!(ask(own, &senior, seen, review, true), (false, vec![rule.to_owned()]));
    }
}

/// Proves the row of the matrix for grants: one asks, another one activates, and anybody who reviews revokes alone.
#[test]
fn approvers_ask_for_grants_and_senior_approvers_or_compliance_officers_activate_them() {
    let policies = Policies::compiled().unwrap();
    let seen = Seen::default();
    let able = |action, target| -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| asked(&policies, seen, &[*role], action, target).0).collect()
    };

    assert_eq!(able(Action::RequestGrant, grant(SYSTEM, ME)), [Role::Approver, Role::SeniorApprover]);
    assert_eq!(able(Action::ActivateGrant, grant(SYSTEM, OTHER)), [Role::SeniorApprover, Role::ComplianceOfficer]);
    assert_eq!(able(Action::ActivateGrant, grant(SYSTEM, ME)), []);
    assert_eq!(able(Action::RefuseGrant, grant(SYSTEM, OTHER)), [Role::SeniorApprover, Role::ComplianceOfficer]);
    assert!(able(Action::RefuseGrant, grant(SYSTEM, ME)).contains(&Role::Approver), "who asked takes it back");
    assert_eq!(
        able(Action::RevokeGrant, grant(SYSTEM, OTHER)),
        [Role::Approver, Role::SeniorApprover, Role::ComplianceOfficer]
    );
    assert!(able(Action::RevokeGrant, grant(OWN_SYSTEM, OTHER)).contains(&Role::Viewer), "its owner");
    assert!(!able(Action::ViewGrant, grant(SYSTEM, OTHER)).contains(&Role::Admin));
}

/// Proves A4 for an account that is disabled and for a sign-in that has ended: nothing is left to them.
#[test]
fn a_disabled_person_and_an_ended_sign_in_do_nothing_at_all() {
    let policies = Policies::compiled().unwrap();
    let disabled = Seen { disabled: true, ..Seen::default() };
    let ended = Seen { ended: true, ..Seen::default() };
    for action in Action::ALL {
        for target in [decision(), member(OTHER), Target::Installation { demo: true, has_admin: true }] {
            for (seen, who) in [(disabled, "a disabled person"), (ended, "an ended sign-in")] {
                assert!(!asked(&policies, seen, &Role::ALL, *action, target).0, "{who} may {}", action.word());
            }
        }
    }
}

/// Proves M4: what a directory pushed is reached by its own tokens, while they work, and nothing else is.
#[test]
fn a_directory_token_reaches_its_own_directory_only() {
    let policies = Policies::compiled().unwrap();
    let (own, other) = (ProviderId(Uuid::from_bytes([4; 16])), ProviderId(Uuid::from_bytes([5; 16])));
    let asked = |works: bool, action: Action, target: Target| {
        let attributes = [("provider", text(&own.to_string())), ("works", RestrictedExpression::new_bool(works))];
        policies.decide(entity("ScimToken", "t", attributes).unwrap(), action, entity_of(target)).unwrap().0
    };
    let reached: Vec<_> = Action::ALL
        .iter()
        .filter(|action| {
            let targets = [
                Target::Directory(own),
                decision(),
                member(OTHER),
                Target::System(SYSTEM),
                Target::Installation { demo: true, has_admin: false },
            ];
            targets.into_iter().any(|target| asked(true, **action, target))
        })
        .collect();

    assert_eq!(reached, [&Action::ReadDirectory, &Action::PushDirectory]);
    assert!(Action::ALL.iter().all(|action| !asked(true, *action, Target::Directory(other))));
    assert!(Action::ALL.iter().all(|action| !asked(false, *action, Target::Directory(own))));
}

/// Proves A2.
#[test]
fn an_erring_forbid_denies() {
    let broken =
        format!("{POLICIES}\n@id(\"erring\") forbid (principal, action, resource) when {{ principal.missing == 1 }};");
    let policies = Policies::read(&broken, SCHEMA).unwrap();
    let viewer = viewer(Seen::default(), &[]);
    let target = Target::Installation { demo: false, has_admin: true };
    let principal = viewer.entity(target, None).unwrap();

    assert!(matches!(policies.decide(principal, Action::ViewRoles, entity_of(target)), Err(Error::Authorization(_))));
}

#[test]
fn every_policy_says_what_it_means() {
    let policies = Policies::compiled().unwrap();
    let silent: Vec<_> = policies
        .set
        .policies()
        .filter(|policy| policy.annotation("says").is_none())
        .map(|policy| policy.id().to_string())
        .collect();

    assert_eq!(silent, Vec::<String>::new());
}

const ME: PersonId = PersonId(Uuid::from_bytes([7; 16]));
const OTHER: PersonId = PersonId(Uuid::from_bytes([8; 16]));
const SYSTEM: SystemId = SystemId(Uuid::from_bytes([2; 16]));
const OWN_SYSTEM: SystemId = SystemId(Uuid::from_bytes([11; 16]));
/// A system of which I made a key.
const MADE_SYSTEM: SystemId = SystemId(Uuid::from_bytes([12; 16]));

#[derive(Clone, Copy, Default)]
struct Seen {
    disabled: bool,
    ended: bool,
    break_glass: bool,
    factor_missing: bool,
}

/// Each hard rule with somebody and something whom it alone refuses.
fn forbidden() -> Vec<(&'static str, Vec<Role>, Action, Target)> {
    let change = |requester, subject| Target::Change {
        id: ChangeId(Uuid::from_bytes([3; 16])),
        requester,
        subject: Some(subject),
        n: 1,
    };
    let installation = Target::Installation { demo: false, has_admin: true };
    vec![
        ("disabled_person", vec![Role::Viewer], Action::ListQueue, installation),
        ("ended_sign_in", vec![Role::Approver], Action::ReviewDecision, decision()),
        ("admin_never_reviews", vec![Role::Admin, Role::SeniorApprover], Action::ReviewDecision, decision()),
        ("key_holder_never_reviews", vec![Role::Approver], Action::ReviewDecision, own_agents_decision()),
        ("owner_never_reviews", vec![Role::SeniorApprover], Action::ReviewDecision, own_systems_decision()),
        ("break_glass_never_reviews", vec![Role::Approver], Action::ReviewDecision, decision()),
        ("break_glass_never_comments", vec![Role::Approver], Action::CommentDecision, decision()),
        ("auditor_stands_alone", vec![Role::Auditor, Role::Approver], Action::ReviewDecision, decision()),
        ("nobody_assigns_themselves", vec![Role::Admin], Action::AssignRole, member(ME)),
        ("nobody_answers_themselves", vec![Role::Admin], Action::AnswerRoleRequest, member(ME)),
        (
            "author_never_activates",
            vec![Role::PolicyAuthor, Role::ComplianceOfficer],
            Action::JudgeDraft,
            Target::PolicyVersion { id: PolicyVersionId(Uuid::from_bytes([5; 16])), author: ME, n: 1 },
        ),
        (
            "pauser_never_resumes",
            vec![Role::SeniorApprover],
            Action::ResumeSystem,
            Target::PausedSystem { id: SYSTEM, by: ME, n: 2 },
        ),
        ("requester_never_activates", vec![Role::SeniorApprover], Action::ActivateGrant, grant(SYSTEM, ME)),
        ("owner_never_activates", vec![Role::SeniorApprover], Action::ActivateGrant, grant(OWN_SYSTEM, OTHER)),
        ("key_maker_never_activates", vec![Role::SeniorApprover], Action::ActivateGrant, grant(MADE_SYSTEM, OTHER)),
        ("admin_never_grants", vec![Role::Admin, Role::Approver], Action::RequestGrant, grant(SYSTEM, OTHER)),
        ("break_glass_never_grants", vec![Role::SeniorApprover], Action::RequestGrant, grant(SYSTEM, OTHER)),
        ("auditor_never_grants", vec![Role::Auditor, Role::Approver], Action::RevokeGrant, grant(SYSTEM, OTHER)),
        ("actor_never_post_reviews", vec![Role::SeniorApprover], Action::GivePostReview, post_review(true, ME)),
        ("requester_never_confirms", vec![Role::ComplianceOfficer], Action::ConfirmChange, change(ME, OTHER)),
        ("subject_never_confirms", vec![Role::SeniorApprover], Action::ConfirmChange, change(OTHER, ME)),
        ("nobody_changes_themselves", vec![Role::Admin], Action::ChangePerson, member(ME)),
        ("nobody_recertifies_themselves", vec![Role::Admin], Action::DecideAccessReview, member(ME)),
        ("nobody_vouches_for_themselves", vec![Role::Admin], Action::ConfirmCredential, member(ME)),
        ("second_factor_first", vec![Role::Viewer], Action::ListQueue, installation),
    ]
}

fn decision() -> Target {
    Target::Decision { id: DecisionId(Uuid::from_bytes([1; 16])), system: SYSTEM, n: 1 }
}

/// The same kind of decision, proposed with a key that I made.
fn own_agents_decision() -> Target {
    Target::Decision { id: DecisionId(Uuid::from_bytes([9; 16])), system: SYSTEM, n: 1 }
}

/// The same kind of decision, proposed by a system that I own.
fn own_systems_decision() -> Target {
    Target::Decision { id: DecisionId(Uuid::from_bytes([10; 16])), system: OWN_SYSTEM, n: 1 }
}

fn post_review(of_decision: bool, by: PersonId) -> Target {
    let decision = (DecisionId(Uuid::from_bytes([1; 16])), SYSTEM);
    Target::PostReview { act: EntryId(Uuid::from_bytes([4; 16])), decision: of_decision.then_some(decision), by }
}

fn grant(system: SystemId, requester: PersonId) -> Target {
    let (id, type_id) = (GrantId(Uuid::from_bytes([13; 16])), DecisionTypeId(Uuid::from_bytes([14; 16])));
    Target::Grant { id, system, type_id, amount: None, requester, n: 1 }
}

fn member(id: PersonId) -> Target {
    Target::Member(id)
}

fn facts(target: Target) -> Facts {
    let (Target::Decision { system, .. }
    | Target::System(system)
    | Target::Grant { system, .. }
    | Target::PostReview { decision: Some((_, system)), .. }) = target
    else {
        return Facts::default();
    };
    let owner = (system == OWN_SYSTEM).then_some(ME);
    let matter = Matter { system, type_name: "refund.issue".into(), risk: Risk::Medium, amount: None };
    let matter = (!matches!(target, Target::System(_))).then_some(matter);
    let makers = if system == MADE_SYSTEM { vec![ME] } else { Vec::new() };
    Facts { matter, key_holder: (target == own_agents_decision()).then_some(ME), owner, makers }
}

fn entity_of(target: Target) -> Entity {
    target.entity(&facts(target)).unwrap()
}

fn asked(policies: &Policies, seen: Seen, roles: &[Role], action: Action, target: Target) -> (bool, Vec<String>) {
    let held: Vec<_> = roles.iter().map(|role| Holding::everywhere(*role)).collect();
    let principal = viewer(seen, &held).entity(target, facts(target).matter.as_ref()).unwrap();
    policies.decide(principal, action, entity_of(target)).unwrap()
}

fn viewer(seen: Seen, held: &[Holding]) -> Viewer<'_> {
    let Seen { disabled, ended, break_glass, factor_missing } = seen;
    Viewer { id: ME, disabled, ended, break_glass, factor_missing, alone: false, held, stands_in: &[], acts_for: None }
}

fn key() -> Entity {
    let scopes = RestrictedExpression::new_set([text("ingest"), text("read")]);
    entity("AgentKey", "k", [("system", text(&SYSTEM.to_string())), ("scopes", scopes)]).unwrap()
}
