//! One small log, and every violation of it.

mod bulks;
mod delegations;
mod grants;
mod leases;
mod overrides;
mod owners;
mod pauses;
mod reminders;
mod revocations;
mod talk;

use std::collections::BTreeMap;

use countersign_ledger::{
    commit::{Opening, commitment},
    hash::{Hash, Label, digest},
    leaf::{Actor, ActorKind, Leaf, LeafRef, Obj},
    note::Signer,
    statement::{Content, Seen, SeenField, SeenMode},
    value::Value,
    verify::{Status, Trust},
};
use uuid::Uuid;

use super::{Audit, to_json};
use crate::{
    authority::Authority,
    decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, Risk, Verdict},
    event::{Event, Place, Scope, SignInMethod, VoidCause, WithdrawCode},
    holding::{Holding, Source},
    ids::{AgentKeyId, DecisionId, DecisionTypeId, EntryId, PersonId, PolicyId, PolicyVersionId, SessionId, SystemId},
    policy::{OnTimeout, Route, Routed},
    role::Role,
};

const ANNA: u8 = 1;
const BEN: u8 = 2;
const SYSTEM: u8 = 3;
const LOG: &str = "0011223344556677";

// Indexes of the log below.
const OPENED: usize = 0;
const ASSIGNED_BEN: usize = 5;
const SIGNED_IN_BEN: usize = 6;
const KEY_ISSUED: usize = 8;
const PROPOSED: usize = 10;
const ROUTED: usize = 11;
const VIEWED_ANNA: usize = 12;
const REVIEWED_ANNA: usize = 13;
const VIEWED_BEN: usize = 14;
const REVIEWED_BEN: usize = 15;
const RESOLVED: usize = 16;
const RELEASED: usize = 17;
const REPORTED: usize = 18;

#[test]
fn a_healthy_log_passes_every_check() {
    let checks = run(&healthy());

    let passed: Vec<_> = checks.iter().map(|(check, status, _)| (*check, *status)).collect();
    assert_eq!(passed, ["D1", "D2", "D3", "D4", "D6", "D7", "D8"].map(|check| (check, Status::Passed)));
}

#[test]
fn fields_outside_the_schema_fail_d1() {
    let without_content = broken(PROPOSED, |leaf| remove(leaf, "content"));
    let with_a_new_member = broken(ROUTED, |leaf| set(leaf, "surprise", 1u64.into()));
    let of_another_class = broken(RELEASED, |leaf| set(leaf, "size", "many".into()));
    let with_a_new_commitment = broken(VIEWED_ANNA, |leaf| leaf.cm = BTreeMap::from([("name".into(), Hash([1; 32]))]));
    let without_a_commitment = broken(SIGNED_IN_BEN, |leaf| leaf.cm.clear());
    let about_another_type = broken(OPENED, |leaf| leaf.obj.as_mut().unwrap().t = "person".into());
    let an_act_as_a_read = broken(REPORTED, |leaf| {
        let obj = leaf.obj.as_mut().unwrap();
        (obj.n, obj.upto) = (None, Some(6));
    });

    assert_eq!(of("D1", &without_content), [PROPOSED]);
    assert_eq!(of("D1", &with_a_new_member), [ROUTED]);
    assert_eq!(of("D1", &of_another_class), [RELEASED]);
    assert_eq!(of("D1", &with_a_new_commitment), [VIEWED_ANNA]);
    assert_eq!(of("D1", &without_a_commitment), [SIGNED_IN_BEN]);
    assert_eq!(of("D1", &about_another_type), [OPENED]);
    assert_eq!(of("D1", &an_act_as_a_read), [REPORTED]);
}

#[test]
fn kinds_and_words_of_later_builds_are_notices() {
    let kind = broken(REPORTED, |leaf| {
        leaf.kind = "lunch.eaten".into();
        leaf.obj = None;
    });
    let word = broken(KEY_ISSUED, |leaf| set(leaf, "scopes", Value::array(["dream"])));

    for (leaves, index) in [(kind, REPORTED), (word, KEY_ISSUED)] {
        assert!(run(&leaves).contains(&("D1", Status::Notice, format!("index {index}"))));
        assert_eq!(failed(&leaves), []);
    }
}

#[test]
fn a_missing_act_fails_d2_where_the_next_one_stands() {
    // What comes next on the decision: a read that shows two acts, a review after somebody's view, an act at once.
    let found_at = [
        (ROUTED, VIEWED_ANNA),
        (REVIEWED_ANNA, REVIEWED_BEN),
        (REVIEWED_BEN, RESOLVED),
        (RESOLVED, RELEASED),
        (RELEASED, REPORTED),
    ];
    for (gone, next) in found_at {
        let mut leaves = healthy();
        leaves.remove(gone);
        assert_eq!(first("D2", &leaves), Some(next - 1));
    }
    let twice = broken(RELEASED, |leaf| leaf.obj.as_mut().unwrap().n = Some(5));
    assert_eq!(of("D2", &twice), [RELEASED]);
}

#[test]
fn a_read_of_what_is_not_there_fails_d2() {
    let shown = broken(VIEWED_ANNA, |leaf| leaf.obj.as_mut().unwrap().upto = Some(3));
    let unknown = broken(VIEWED_ANNA, |leaf| leaf.obj.as_mut().unwrap().id = Uuid::nil().hyphenated().to_string());

    assert_eq!(of("D2", &shown), [VIEWED_ANNA]);
    assert_eq!(of("D2", &unknown), [VIEWED_ANNA]);
}

#[test]
fn acting_without_a_sign_in_of_ones_own_fails_d2() {
    let without = broken(REVIEWED_ANNA, |leaf| leaf.actor.via = None);
    let without_key = broken(PROPOSED, |leaf| leaf.actor.via = None);
    let of_somebody_else = broken(REVIEWED_ANNA, |leaf| leaf.actor.via = Some(entry(SIGNED_IN_BEN)));
    let no_sign_in = broken(REVIEWED_ANNA, |leaf| leaf.actor.via = Some(entry(ROUTED)));
    let later = broken(VIEWED_ANNA, |leaf| leaf.actor.via = Some(entry(REPORTED)));

    assert_eq!(of("D2", &without), [REVIEWED_ANNA]);
    assert_eq!(of("D2", &without_key), [PROPOSED]);
    assert_eq!(of("D2", &of_somebody_else), [REVIEWED_ANNA]);
    assert_eq!(of("D2", &no_sign_in), [REVIEWED_ANNA]);
    assert_eq!(of("D2", &later), [VIEWED_ANNA]);
}

#[test]
fn a_clock_that_runs_back_is_a_notice() {
    let within = broken(RELEASED, |leaf| leaf.at -= 29_000);
    let beyond = broken(RELEASED, |leaf| leaf.at -= 32_000);

    assert!(run(&within).iter().all(|(_, status, _)| *status == Status::Passed));
    assert!(run(&beyond).contains(&("D3", Status::Notice, format!("index {RELEASED}"))));
    assert_eq!(failed(&beyond), []);
}

#[test]
fn openings_and_statements_must_match() {
    let salt = [7; 32];
    let mut leaves = healthy();
    leaves[1].cm.insert("name".into(), commitment(&salt, "name", b"Anna"));
    let opening = |value: &[u8], entry: String, field: &str| {
        Opening { entry, field: field.into(), salt, value: value.to_vec() }.to_json().unwrap()
    };
    let with = |openings: &[Vec<u8>], statement: Option<Vec<u8>>| {
        let find = |_: &Hash| statement.clone();
        let mut audit = Audit::new(&find);
        for bytes in openings {
            audit.add_openings("openings/x.json", bytes);
        }
        feed(&mut audit, &leaves);
        let failed = audit.finish(&trust()).into_iter().filter(|check| check.status == Status::Failed);
        failed.map(|check| (check.check, check.subject)).collect::<Vec<_>>()
    };
    let good = content_statement();
    let mut other = content();
    other.tier = "low".into();

    assert_eq!(
        with(&[opening(b"Anna", entry(1), "name")], Some(good.clone())),
        [("D4", format!("index {VIEWED_ANNA}"))]
    );
    assert_eq!(with(&[opening(b"Anna", entry(1), "name")], None), []);
    assert_eq!(with(&[opening(b"Ben", entry(1), "name")], None), [("D4", "index 1".to_owned())]);
    assert_eq!(with(&[opening(b"Anna", entry(1), "nick")], None), [("D4", "index 1".to_owned())]);
    assert_eq!(with(&[opening(b"Anna", entry(99), "name")], None), [("D4", format!("entry {}", entry(99)))]);
    assert_eq!(with(&[b"{}".to_vec()], None), [("D4", "openings/x.json".to_owned())]);
    assert_eq!(with(&[], Some(other.seal().unwrap().0)), [("D4", format!("index {PROPOSED}"))]);
}

#[test]
fn a_statement_that_names_something_else_fails_d4() {
    let mut content = content();
    content.tier = "low".into();
    let (bytes, digest) = content.seal().unwrap();
    let leaves = broken(PROPOSED, |leaf| set(leaf, "content", digest.into()));
    let find = |asked: &Hash| (*asked == digest).then(|| bytes.clone());
    let mut audit = Audit::new(&find);
    feed(&mut audit, &leaves);

    let found = audit.finish(&trust());

    assert!(found.iter().any(|check| check.check == "D4" && check.detail.contains("another tier")), "{found:?}");
}

#[test]
fn what_a_review_says_was_opened_has_to_have_stood_behind_a_control() {
    let field = |name: &str, mode| SeenField { name: name.into(), commitment: Hash([6; 32]), mode };
    let fields = vec![field("amount", SeenMode::Full), field("context", SeenMode::Collapsed)];
    let shown = Seen {
        decision: id(50).to_string(),
        content: digest(Label::Content, &content_statement()),
        fields,
        template: Hash([7; 32]),
        locale: "en".into(),
        policy: id(60).to_string(),
        precedents: Vec::new(),
        blind: false,
        page: None,
    };
    let (bytes, seen) = shown.seal().unwrap();
    let found = |members: &[(&str, &[&str])]| {
        let leaves = broken(REVIEWED_ANNA, |leaf| {
            set(leaf, "seen", seen.into());
            for (name, fields) in members {
                set(leaf, name, Value::array(fields.iter().copied()));
            }
        });
        let find = |asked: &Hash| (*asked == seen).then(|| bytes.clone());
        let mut audit = Audit::new(&find);
        feed(&mut audit, &leaves);
        audit.finish(&trust()).iter().any(|check| check.check == "D4" && check.detail.contains("behind a control"))
    };

    assert!(!found(&[]) && !found(&[("opened", &["context"])]) && !found(&[("left_closed", &["context"])]));
    assert!(found(&[("opened", &["amount"])]) && found(&[("opened", &["context", "amount"])]));
    assert!(found(&[("opened", &["context"]), ("left_closed", &["context"])]), "it is said once");
}

#[test]
fn a_resolution_without_its_reviews_fails_d6() {
    let too_few = broken(RESOLVED, |leaf| set(leaf, "reviews", Value::array([entry(REVIEWED_ANNA)])));
    let twice = broken(RESOLVED, |leaf| {
        set(leaf, "reviews", Value::array([entry(REVIEWED_ANNA), entry(REVIEWED_ANNA)]));
    });
    let invented = broken(RESOLVED, |leaf| {
        set(leaf, "reviews", Value::array([entry(REVIEWED_ANNA), entry(VIEWED_BEN)]));
    });
    let other_content = broken(RESOLVED, |leaf| set(leaf, "content", Hash([9; 32]).into()));
    let other_row = broken(RESOLVED, |leaf| set(leaf, "rule", 2u64.into()));
    let by_deadline = broken(RESOLVED, |leaf| {
        remove(leaf, "reviews");
        set(leaf, "cause", "deadline".into());
        set(leaf, "outcome", "expired".into());
    });
    let rejected = broken(RESOLVED, |leaf| set(leaf, "outcome", "rejected".into()));
    let unrouted = {
        let mut leaves = healthy();
        leaves[ROUTED].kind = "decision.viewed".into();
        leaves
    };

    for leaves in [&too_few, &twice, &invented, &other_content, &other_row, &by_deadline, &rejected] {
        assert_eq!(of("D6", leaves), [RESOLVED]);
    }
    assert_eq!(first("D6", &unrouted), Some(REVIEWED_ANNA));
}

#[test]
fn a_rejection_resolves_rejected() {
    let reject = |leaf: &mut Leaf| set(leaf, "verdict", "reject".into());
    let approved = broken(REVIEWED_BEN, reject);
    let mut outweighed = broken(REVIEWED_BEN, reject);
    set(&mut outweighed[ROUTED], "need", 1u64.into());
    let mut told = outweighed.clone();
    set(&mut told[RESOLVED], "outcome", "rejected".into());

    assert_eq!(of("D6", &approved), [RESOLVED]);
    assert_eq!(of("D6", &outweighed), [RESOLVED]);
    assert_eq!(failed(&told), []);
}

#[test]
fn a_review_of_the_wrong_thing_fails_d6() {
    let cases: [fn(&mut Leaf); 5] = [
        |leaf| set(leaf, "content", Hash([9; 32]).into()),
        |leaf| set(leaf, "policy", id(99).to_string().into()),
        |leaf| set(leaf, "round", 2u64.into()),
        |leaf| set(leaf, "seen", Hash([9; 32]).into()),
        |leaf| leaf.actor.sid = Some(person(99).to_string()),
    ];
    for case in cases {
        assert_eq!(first("D6", &broken(REVIEWED_BEN, case)), Some(REVIEWED_BEN));
    }
}

#[test]
fn whoever_says_no_without_saying_why_fails_d6_and_whoever_approves_need_not() {
    let silent = |leaf: &mut Leaf| {
        leaf.cm.remove("reason");
        remove(leaf, "code");
    };
    let refuse = |leaf: &mut Leaf| set(leaf, "verdict", "reject".into());

    assert_eq!(of("D6", &broken(REVIEWED_BEN, silent)), Vec::<usize>::new());
    let refused = of("D6", &broken(REVIEWED_BEN, refuse));
    assert!(!refused.contains(&REVIEWED_BEN), "it says why: {refused:?}");
    let unexplained = broken(REVIEWED_BEN, |leaf| {
        silent(leaf);
        refuse(leaf);
    });
    assert!(of("D6", &unexplained).contains(&REVIEWED_BEN));
}

#[test]
fn one_person_reviews_once() {
    let mut leaves = healthy();
    let (anna, seen) = (leaves[REVIEWED_ANNA].clone(), leaves[VIEWED_ANNA].clone());
    leaves[VIEWED_BEN].actor = seen.actor;
    leaves[REVIEWED_BEN].actor = anna.actor;
    leaves[REVIEWED_BEN].d = anna.d;

    assert_eq!(of("D6", &leaves), [REVIEWED_BEN]);
    assert!(failed(&leaves).contains(&("D6", format!("index {REVIEWED_BEN}"))));
}

#[test]
fn a_review_after_the_resolution_fails_d6() {
    let mut leaves = healthy();
    leaves.swap(REVIEWED_BEN, RESOLVED);

    let found = of("D6", &leaves);

    assert_eq!(found, [REVIEWED_BEN], "the resolution counts a review that comes after it");
}

#[test]
fn authority_is_that_of_the_reviewers_history() {
    let other_number = broken(REVIEWED_BEN, |leaf| set_authority(leaf, 1, authority(2, &[Role::Approver]).set()));
    let other_set = broken(REVIEWED_BEN, |leaf| {
        set_authority(leaf, 2, authority(2, &[Role::Approver, Role::Auditor]).set());
    });
    let lost = {
        let mut leaves = healthy();
        leaves[ASSIGNED_BEN].kind = "role.unassigned".into();
        set_authority(&mut leaves[REVIEWED_BEN], 2, authority(2, &[]).set());
        leaves
    };
    let auditor = {
        let mut leaves = healthy();
        set(&mut leaves[ASSIGNED_BEN], "role", Role::Auditor.id().to_string().into());
        set_authority(&mut leaves[REVIEWED_BEN], 2, authority(2, &[Role::Auditor]).set());
        leaves
    };
    let disabled = {
        let mut leaves = healthy();
        leaves[ASSIGNED_BEN].kind = "person.disabled".into();
        leaves[ASSIGNED_BEN].d = None;
        leaves
    };
    let for_another_system = broken(ASSIGNED_BEN, |leaf| set(leaf, "system", id(98).to_string().into()));

    for leaves in [&other_number, &other_set, &lost, &auditor, &disabled, &for_another_system] {
        assert_eq!(of("D6", leaves), [REVIEWED_BEN]);
    }
}

#[test]
fn a_role_that_ran_out_while_the_review_was_written_counts_and_one_that_had_before_does_not() {
    let reviewed = healthy()[REVIEWED_BEN].at;
    let with = |until: u64| of("D6", &broken(ASSIGNED_BEN, |leaf| set(leaf, "until", until.into())));

    for read_in_time in [reviewed + 1, reviewed, reviewed - 29_999] {
        assert!(with(read_in_time).is_empty(), "{read_in_time}");
    }
    assert_eq!(with(reviewed - 30_000).first(), Some(&REVIEWED_BEN));
}

#[test]
fn a_role_of_a_later_build_is_a_notice() {
    let leaves = broken(ASSIGNED_BEN, |leaf| set(leaf, "role", id(77).to_string().into()));

    assert!(run(&leaves).contains(&("D6", Status::Notice, format!("index {REVIEWED_BEN}"))));
    assert_eq!(failed(&leaves), []);
}

#[test]
fn a_decision_with_acts_of_a_later_build_is_not_judged() {
    let mut leaves = broken(VIEWED_BEN, |leaf| {
        leaf.kind = "decision.pondered".into();
        leaf.obj.as_mut().unwrap().upto = None;
        leaf.obj.as_mut().unwrap().n = Some(4);
    });
    for leaf in &mut leaves[REVIEWED_BEN..] {
        *leaf.obj.as_mut().unwrap().n.as_mut().unwrap() += 1;
    }

    assert!(run(&leaves).contains(&("D6", Status::Notice, format!("index {VIEWED_BEN}"))));
    assert_eq!(failed(&leaves), []);
}

/// How a decision came to other content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replaced {
    /// Anna asked for a change, and the agent answered.
    Revised,
    /// Anna approved with edits; her approval is void.
    Edited,
    /// Anna's approval with edits is enough.
    EditedAlone,
}

/// A decision whose content was replaced after Anna's review, and approved then: by Ben, or by Anna's edit alone.
fn replaced(how: Replaced) -> Vec<Leaf> {
    let mut leaves = healthy();
    leaves.truncate(REVIEWED_ANNA + 1);
    let anna = || actor(ActorKind::Person, ANNA, Some(3));
    let ben = || actor(ActorKind::Person, BEN, Some(SIGNED_IN_BEN));
    let agent = || actor(ActorKind::Agent, SYSTEM, Some(KEY_ISSUED));
    let decision = DecisionId(id(50));
    let policy = PolicyVersionId(id(60));
    let (from, content) = (digest(Label::Content, &content_statement()), Hash([9; 32]));
    set(&mut leaves[PROPOSED], "tier", "low".into());
    let review = EntryId(entry_id(REVIEWED_ANNA));
    let verdict = if how == Replaced::Revised { "request_changes" } else { "approve_with_edits" };
    set(&mut leaves[REVIEWED_ANNA], "verdict", verdict.into());
    if how != Replaced::Revised {
        set(&mut leaves[REVIEWED_ANNA], "edited", content.into());
    }
    let mut n = 3;
    let mut push = |actor: Actor, event: &dyn Fn(u64) -> Event, is_act: bool| {
        n += u64::from(is_act);
        let index = leaves.len();
        leaves.push(leaf(index, actor, &event(n)));
        index
    };
    let voided = |n| Event::ReviewVoided { decision, n, review, cause: VoidCause::Revised };
    match how {
        Replaced::Revised => {
            push(agent(), &|n| Event::Revised { decision, n, from, content }, true);
            push(Actor::engine(), &voided, true);
        }
        Replaced::Edited | Replaced::EditedAlone => {
            push(anna(), &|n| Event::Edited { decision, n, from, content }, true);
        }
    }
    let routed = Routed {
        rule: 1,
        route: Route::Require,
        need: 1,
        reject_threshold: 1,
        due_at: at(200),
        on_timeout: OnTimeout::Deny,
        guards: Vec::new(),
    };
    push(Actor::engine(), &|n| Event::Routed { decision, n, policy, routed: routed.clone() }, true);
    if how == Replaced::Edited {
        push(Actor::engine(), &voided, true);
    }
    let mut counted = review;
    if how != Replaced::EditedAlone {
        let seen = Hash([5; 32]);
        push(ben(), &|upto| Event::Viewed { decision, upto, seen }, false);
        let index = push(
            ben(),
            &|n| Event::Reviewed {
                decision,
                n,
                verdict: Verdict::Approve,
                code: Some(ReasonCode::WithinPolicy),
                reason: Some("fine".into()),
                form: None,
                reviewer: person(BEN),
                content,
                seen,
                policy,
                round: 2,
                authority: (2, authority(2, &[Role::Approver]).set()),
                until: None,
                edited: None,
                signature: None,
                bulk: None,
                on_behalf: None,
                disclosed: None,
            },
            true,
        );
        counted = EntryId(entry_id(index));
    }
    let resolved = |n| Event::Resolved {
        decision,
        n,
        outcome: ResolutionOutcome::Approved,
        content,
        policy,
        rule: 1,
        round: 2,
        reviews: vec![counted],
    };
    push(Actor::engine(), &resolved, true);
    leaves
}

/// The first entry of a kind from an index on.
fn at_kind(leaves: &[Leaf], kind: &str) -> usize {
    REVIEWED_ANNA + leaves[REVIEWED_ANNA..].iter().position(|leaf| leaf.kind == kind).unwrap()
}

#[test]
fn replaced_content_is_reviewed_in_a_round_of_its_own() {
    for how in [Replaced::Revised, Replaced::Edited, Replaced::EditedAlone] {
        assert_eq!(failed(&replaced(how)), []);
        let leaves = replaced(how);
        let end = leaves.len() - 1;
        let change = |name: &str, value: Value| {
            let mut leaves = leaves.clone();
            set(&mut leaves[end], name, value);
            of("D6", &leaves)
        };
        assert_eq!(change("round", 1u64.into()), [end], "the round before");
        assert_eq!(change("content", digest(Label::Content, &content_statement()).into()), [end], "what stood before");
    }
}

#[test]
fn content_is_replaced_by_who_may_and_what_stood_before_is_named() {
    for (how, kind) in [(Replaced::Revised, "decision.revised"), (Replaced::Edited, "decision.edited")] {
        let leaves = replaced(how);
        let index = at_kind(&leaves, kind);
        let mut other = leaves.clone();
        set(&mut other[index], "from", Hash([8; 32]).into());
        let mut by_another = leaves.clone();
        by_another[index].actor = actor(ActorKind::Person, BEN, Some(SIGNED_IN_BEN));

        assert_eq!(first("D6", &other), Some(index));
        assert_eq!(first("D6", &by_another), Some(index));
    }
    let mut unasked = replaced(Replaced::Revised);
    set(&mut unasked[REVIEWED_ANNA], "verdict", "abstain".into());
    let mut other_edit = replaced(Replaced::Edited);
    set(&mut other_edit[REVIEWED_ANNA], "edited", Hash([8; 32]).into());
    assert_eq!(first("D6", &unasked), Some(at_kind(&unasked, "decision.revised")));
    assert_eq!(first("D6", &other_edit), Some(at_kind(&other_edit, "decision.edited")));
}

#[test]
fn reviews_of_what_was_replaced_are_void_and_an_editor_rules_on_nothing_they_wrote() {
    let mut left = replaced(Replaced::Revised);
    let voided = at_kind(&left, "decision.review_voided");
    left.remove(voided);
    let routed = at_kind(&left, "decision.routed");
    let mut own = replaced(Replaced::Edited);
    let review = own.iter().rposition(|leaf| leaf.kind == "decision.reviewed").unwrap();
    for index in [review - 1, review] {
        own[index].actor = actor(ActorKind::Person, ANNA, Some(3));
    }
    let mut early = replaced(Replaced::Edited);
    let second = early.iter().rposition(|leaf| leaf.kind == "decision.review_voided").unwrap();
    let last = early.iter().rposition(|leaf| leaf.kind == "decision.reviewed").unwrap();
    let of_ben = early[last].id.clone();
    early.insert(last + 1, early[second].clone());
    set(&mut early[last + 1], "review", of_ben.into());

    assert!(of("D6", &left).contains(&routed), "{:?}", failed(&left));
    assert!(of("D6", &own).contains(&review), "{:?}", failed(&own));
    assert!(of("D6", &early).contains(&(last + 1)), "{:?}", failed(&early));
}

#[test]
fn an_editors_own_approval_counts_only_alone_and_at_low_risk() {
    let mut high = replaced(Replaced::EditedAlone);
    set(&mut high[PROPOSED], "tier", "high".into());
    let mut two = replaced(Replaced::EditedAlone);
    let routed = at_kind(&two, "decision.routed");
    set(&mut two[routed], "need", 2u64.into());
    let end = two.len() - 1;

    assert_eq!(of("D6", &high), [end]);
    assert_eq!(of("D6", &two), [end]);
}

#[test]
fn it_takes_as_many_rejections_as_the_row_asks_for_and_no_more_than_approvals() {
    let rejected_by = |people: &[usize], threshold: Option<u64>| {
        let mut leaves = healthy();
        if let Some(threshold) = threshold {
            set(&mut leaves[ROUTED], "reject_threshold", threshold.into());
        }
        for review in people {
            set(&mut leaves[*review], "verdict", "reject".into());
        }
        set(&mut leaves[RESOLVED], "outcome", "rejected".into());
        of("D6", &leaves)
    };
    let nowhere: [usize; 0] = [];

    assert_eq!(rejected_by(&[REVIEWED_BEN], None), nowhere);
    assert_eq!(rejected_by(&[REVIEWED_BEN], Some(2)), [RESOLVED]);
    assert_eq!(rejected_by(&[REVIEWED_ANNA, REVIEWED_BEN], Some(2)), nowhere);
    for threshold in [0, 1, 3] {
        assert!(rejected_by(&[REVIEWED_BEN], Some(threshold)).contains(&ROUTED), "{threshold}");
    }
}

#[test]
fn nobody_rules_while_a_change_is_asked_for() {
    let mut leaves = healthy();
    set(&mut leaves[REVIEWED_ANNA], "verdict", "request_changes".into());

    assert_eq!(first("D6", &leaves), Some(REVIEWED_BEN));
}

#[test]
fn a_withdrawn_resolution_needs_the_withdrawal() {
    let decision = DecisionId(id(50));
    let agent = || actor(ActorKind::Agent, SYSTEM, Some(KEY_ISSUED));
    let log = |withdrawn_by: Option<Actor>, outcome| {
        let mut leaves = healthy();
        leaves.truncate(VIEWED_ANNA);
        let mut n = 3;
        if let Some(actor) = withdrawn_by {
            leaves.push(leaf(
                VIEWED_ANNA,
                actor,
                &Event::Withdrawn { decision, n, code: WithdrawCode::NoLongerNeeded },
            ));
            n += 1;
        }
        let resolved = Event::Resolved {
            decision,
            n,
            outcome,
            content: digest(Label::Content, &content_statement()),
            policy: PolicyVersionId(id(60)),
            rule: 1,
            round: 1,
            reviews: Vec::new(),
        };
        leaves.push(leaf(leaves.len(), Actor::engine(), &resolved));
        leaves
    };
    let by_a_person = log(Some(actor(ActorKind::Person, ANNA, Some(3))), ResolutionOutcome::Withdrawn);

    assert_eq!(failed(&log(Some(agent()), ResolutionOutcome::Withdrawn)), []);
    assert_eq!(of("D6", &log(None, ResolutionOutcome::Withdrawn)), [VIEWED_ANNA]);
    assert_eq!(of("D6", &log(Some(agent()), ResolutionOutcome::Expired)), [VIEWED_ANNA + 1]);
    assert_eq!(of("D6", &by_a_person), [VIEWED_ANNA]);
}

/// After the last review: what people decided settles, `acts` follow, and then the resolution.
fn settling(until: u64, acts: &[(Actor, Event)], resolved_at: u64) -> Vec<Leaf> {
    let mut leaves = healthy();
    leaves.truncate(RESOLVED + 1);
    let resolved = leaves.pop().unwrap();
    let reviews = [REVIEWED_ANNA, REVIEWED_BEN].map(|index| EntryId(entry_id(index))).to_vec();
    let met = Event::QuorumMet {
        decision: DecisionId(id(50)),
        n: 5,
        outcome: ResolutionOutcome::Approved,
        content: digest(Label::Content, &content_statement()),
        policy: PolicyVersionId(id(60)),
        round: 1,
        reviews,
        until: at(until),
    };
    leaves.push(leaf(RESOLVED, Actor::engine(), &met));
    for (actor, event) in acts {
        leaves.push(leaf(leaves.len(), actor.clone(), event));
    }
    let n = 6 + acts.len() as u64;
    let index = leaves.len();
    leaves.push(Leaf { id: entry(index), at: at(resolved_at), ..resolved });
    leaves[index].obj.as_mut().unwrap().n = Some(n);
    leaves
}

#[test]
fn a_resolution_waits_until_no_review_can_be_taken_back() {
    let after = settling(60, &[], 61);
    let before = settling(60, &[], 20);
    let mut otherwise = settling(60, &[], 61);
    set(&mut otherwise[RESOLVED + 1], "outcome", "rejected".into());
    let mut by_silence = settling(60, &[], 200);
    set(&mut by_silence[RESOLVED + 1], "outcome", "expired".into());
    remove(&mut by_silence[RESOLVED + 1], "reviews");

    assert_eq!(failed(&after), []);
    assert_eq!(of("D6", &before), [RESOLVED + 1]);
    assert_eq!(of("D6", &otherwise), [RESOLVED + 1]);
    assert_eq!(of("D6", &by_silence), [RESOLVED + 1], "people had decided before the deadline");
}

#[test]
fn a_review_that_was_taken_back_or_is_void_does_not_count() {
    let ben = || actor(ActorKind::Person, BEN, Some(SIGNED_IN_BEN));
    let anna = || actor(ActorKind::Person, ANNA, Some(3));
    let decision = DecisionId(id(50));
    let review = EntryId(entry_id(REVIEWED_BEN));
    let retracted = Event::ReviewRetracted { decision, n: 6, review, round: 1 };
    let voided = Event::ReviewVoided { decision, n: 6, review, cause: VoidCause::Authority };

    let counted_still = settling(30, &[(ben(), retracted.clone())], 61);
    let void_counted = settling(30, &[(Actor::engine(), voided)], 61);
    let by_another = settling(30, &[(anna(), retracted.clone())], 61);
    let again = Event::ReviewRetracted { decision, n: 7, review, round: 1 };
    let twice = settling(30, &[(ben(), retracted), (ben(), again)], 61);

    assert_eq!(of("D6", &counted_still), [RESOLVED + 2]);
    assert_eq!(of("D6", &void_counted), [RESOLVED + 2]);
    assert_eq!(first("D6", &by_another), Some(RESOLVED + 1));
    assert_eq!(first("D6", &twice), Some(RESOLVED + 2));
}

#[test]
fn only_a_review_that_says_so_escalates_before_the_deadline() {
    let by = |review| Event::Escalated { decision: DecisionId(id(50)), n: 4, need: 2, due: at(300), review };
    let log = |verdict: &str, escalated: Event| {
        let mut leaves = healthy();
        leaves.truncate(VIEWED_BEN);
        set(&mut leaves[REVIEWED_ANNA], "verdict", verdict.into());
        leaves.push(leaf(VIEWED_BEN, Actor::engine(), &escalated));
        leaves
    };
    let review = Some(EntryId(entry_id(REVIEWED_ANNA)));

    assert_eq!(failed(&log("escalate", by(review))), []);
    assert_eq!(of("D6", &log("approve", by(review))), [VIEWED_BEN]);
    assert_eq!(of("D6", &log("escalate", by(None))), [VIEWED_BEN]);
}

#[test]
fn release_and_outcome_follow_one_sealed_resolution() {
    let too_small = broken(RELEASED, |leaf| set(leaf, "size", (RESOLVED as u64).into()));
    let from_the_future = broken(RELEASED, |leaf| set(leaf, "size", (RELEASED as u64 + 1).into()));
    let of_another = broken(RELEASED, |leaf| set(leaf, "resolution", entry(REVIEWED_BEN).into()));
    let reported_another = broken(REPORTED, |leaf| set(leaf, "resolution", entry(REVIEWED_BEN).into()));
    let mut before = healthy();
    before.swap(RESOLVED, RELEASED);
    let mut twice = healthy();
    let again = twice[RESOLVED].clone();
    twice[RELEASED] = again;

    assert_eq!(of("D7", &too_small), [RELEASED]);
    assert_eq!(of("D7", &from_the_future), [RELEASED]);
    assert_eq!(of("D7", &of_another), [RELEASED]);
    assert_eq!(of("D7", &reported_another), [REPORTED]);
    assert_eq!(of("D7", &before), [RESOLVED]);
    assert_eq!(of("D7", &twice), [RELEASED]);
}

#[test]
fn a_decision_that_was_never_proposed_fails_d6() {
    let mut leaves = healthy();
    leaves.remove(PROPOSED);

    assert_eq!(first("D6", &leaves), Some(PROPOSED));
}

#[test]
fn the_log_opens_with_the_pinned_key() {
    let other = Signer::ed25519(&format!("desk.example.org/ledger/{LOG}"), &[9; 32]).unwrap();
    let other_key = broken(OPENED, |leaf| set(leaf, "vkey", other.vkey().into()));
    let other_log = broken(OPENED, |leaf| set(leaf, "log", "7766554433221100".into()));
    let mut headless = healthy();
    headless.remove(OPENED);

    assert_eq!(of("D8", &other_key), [OPENED]);
    assert_eq!(of("D8", &other_log), [OPENED]);
    assert_eq!(of("D8", &headless), [OPENED]);
}

#[test]
fn many_findings_of_one_check_are_counted_and_the_first_is_named() {
    let mut leaves = healthy();
    for leaf in &mut leaves[ROUTED..] {
        leaf.actor.via = Some(entry(REPORTED));
        leaf.actor.as_ = ActorKind::Person;
        leaf.actor.sid = Some(person(ANNA).to_string());
    }
    let nothing = |_: &Hash| None;
    let mut audit = Audit::new(&nothing);
    feed(&mut audit, &leaves);

    let found = audit.finish(&trust());

    let check = found.iter().find(|check| check.check == "D2").unwrap();
    assert_eq!((check.status, check.subject.as_str()), (Status::Failed, "index 11"));
    assert!(check.detail.ends_with("(and 7 more)"), "{}", check.detail);
}

#[test]
fn a_report_is_one_json_object() {
    let report = super::verify_proof("not a proof \"\\\n", &trust(), None, &super::Evidence::default());

    let json: serde_json::Value = serde_json::from_str(&to_json(&report)).unwrap();

    assert_eq!((json["exit"].as_i64(), json["checks"][0]["status"].as_str()), (Some(1), Some("failed")));
    assert_eq!(json["summary"], "FAILED L1 at proof");
}

fn healthy() -> Vec<Leaf> {
    let decision = DecisionId(id(50));
    let policy = PolicyVersionId(id(60));
    let content = digest(Label::Content, &content_statement());
    let seen = Hash([5; 32]);
    let signer = signer();
    let reviewed = |reviewer, n| Event::Reviewed {
        decision,
        n,
        verdict: Verdict::Approve,
        code: Some(ReasonCode::WithinPolicy),
        reason: Some("fine".into()),
        form: None,
        reviewer: person(reviewer),
        content,
        seen,
        policy,
        round: 1,
        authority: (2, authority(2, &[Role::Approver]).set()),
        until: None,
        edited: None,
        signature: None,
        bulk: None,
        on_behalf: None,
        disclosed: None,
    };
    let assigned = |number| Event::RoleAssigned {
        person: person(number),
        n: 2,
        assignment: id(40 + number).into(),
        holding: Holding::everywhere(Role::Approver),
        source: Source::Hand,
    };
    let created = |number| Event::PersonCreated { person: person(number), name: "n".into(), login: "l".into() };
    let signed_in = |number| Event::SignedIn {
        session: SessionId(id(30 + number)),
        person: person(number),
        method: SignInMethod::Password,
        ip: "192.0.2.1".into(),
        agent: "browser".into(),
    };
    let operator = || actor(ActorKind::Operator, 90, None);
    let signing = |number| actor(ActorKind::Person, number, None);
    let anna = || actor(ActorKind::Person, ANNA, Some(3));
    let ben = || actor(ActorKind::Person, BEN, Some(SIGNED_IN_BEN));
    let agent = || actor(ActorKind::Agent, SYSTEM, Some(KEY_ISSUED));
    let routed = Routed {
        rule: 1,
        route: Route::Require,
        need: 2,
        reject_threshold: 1,
        due_at: at(100),
        on_timeout: OnTimeout::Deny,
        guards: Vec::new(),
    };
    let viewed = || Event::Viewed { decision, upto: 2, seen };
    let opened =
        Event::LedgerOpened { object: id(10), log: LOG.into(), rp: "desk.example.org".into(), vkey: signer.vkey() };
    let events = vec![
        (operator(), opened),
        (operator(), created(ANNA)),
        (operator(), assigned(ANNA)),
        (signing(ANNA), signed_in(ANNA)),
        (operator(), created(BEN)),
        (operator(), assigned(BEN)),
        (signing(BEN), signed_in(BEN)),
        (anna(), Event::SystemApproved { system: SystemId(sid(SYSTEM)), n: 1, name: "Loans".into() }),
        (
            anna(),
            Event::KeyIssued {
                key: AgentKeyId(id(20)),
                system: SystemId(sid(SYSTEM)),
                scopes: vec![Scope::Ingest, Scope::Read],
                expires: at(1_000),
            },
        ),
        (
            Actor::engine(),
            Event::PolicyActivated { policy: PolicyId(id(61)), n: 1, version: policy, digest: Hash([6; 32]) },
        ),
        (
            agent(),
            Event::Proposed { decision, content, type_id: DecisionTypeId(id(70)), tier: Risk::High, source_n: Some(1) },
        ),
        (Actor::engine(), Event::Routed { decision, n: 2, policy, routed }),
        (anna(), viewed()),
        (anna(), reviewed(ANNA, 3)),
        (ben(), viewed()),
        (ben(), reviewed(BEN, 4)),
        (
            Actor::engine(),
            Event::Resolved {
                decision,
                n: 5,
                outcome: ResolutionOutcome::Approved,
                content,
                policy,
                rule: 1,
                round: 1,
                reviews: [REVIEWED_ANNA, REVIEWED_BEN].map(|index| EntryId(entry_id(index))).to_vec(),
            },
        ),
        (agent(), Event::Released { decision, n: 6, resolution: EntryId(entry_id(RESOLVED)), size: RELEASED as u64 }),
        (
            agent(),
            Event::OutcomeReported {
                decision,
                n: 7,
                resolution: EntryId(entry_id(RESOLVED)),
                result: OutcomeResult::Executed,
                effect: Effect::Full,
            },
        ),
    ];
    events.into_iter().enumerate().map(|(index, (actor, event))| leaf(index, actor, &event)).collect()
}

fn leaf(index: usize, actor: Actor, event: &Event) -> Leaf {
    let parts = event.parts();
    Leaf {
        id: entry(index),
        at: at(index as u64),
        kind: parts.kind.to_owned(),
        actor,
        authz: None,
        obj: parts.object.map(|object| Obj {
            t: object.kind.to_owned(),
            id: object.id.hyphenated().to_string(),
            n: if let Place::Act(n) = object.place { Some(n) } else { None },
            upto: if let Place::Read(n) = object.place { Some(n) } else { None },
        }),
        d: (!parts.d.is_empty()).then(|| Value::object(parts.d)),
        cm: parts.texts.into_iter().map(|text| (text.field.to_owned(), Hash([4; 32]))).collect(),
    }
}

fn broken(index: usize, change: impl FnOnce(&mut Leaf)) -> Vec<Leaf> {
    let mut leaves = healthy();
    change(&mut leaves[index]);
    leaves
}

fn run(leaves: &[Leaf]) -> Vec<(&'static str, Status, String)> {
    let nothing = |_: &Hash| None;
    let mut audit = Audit::new(&nothing);
    feed(&mut audit, leaves);
    audit.finish(&trust()).into_iter().map(|check| (check.check, check.status, check.subject)).collect()
}

fn feed(audit: &mut Audit<'_>, leaves: &[Leaf]) {
    for (index, leaf) in (0..).zip(leaves) {
        let bytes = leaf.encode().unwrap();
        audit.visit(index, &LeafRef::parse(&bytes).unwrap());
    }
}

fn failed(leaves: &[Leaf]) -> Vec<(&'static str, String)> {
    let failed = run(leaves).into_iter().filter(|(_, status, _)| *status == Status::Failed);
    failed.map(|(check, _, subject)| (check, subject)).collect()
}

fn of(check: &str, leaves: &[Leaf]) -> Vec<usize> {
    let found = failed(leaves).into_iter().filter(|(found, _)| *found == check);
    found.map(|(_, subject)| subject.strip_prefix("index ").unwrap().parse().unwrap()).collect()
}

fn first(check: &str, leaves: &[Leaf]) -> Option<usize> {
    of(check, leaves).first().copied()
}

fn trust() -> Trust {
    Trust::log_only(signer().verifier().clone())
}

fn signer() -> Signer {
    Signer::ed25519(&format!("desk.example.org/ledger/{LOG}"), &[8; 32]).unwrap()
}

fn content_statement() -> Vec<u8> {
    let content = Content {
        decision: id(50).hyphenated().to_string(),
        system: sid(SYSTEM).hyphenated().to_string(),
        type_: id(70).hyphenated().to_string(),
        tier: "high".into(),
        model: None,
        fields: BTreeMap::from([("amount".to_owned(), Hash([3; 32]))]),
    };
    content.seal().unwrap().0
}

fn content() -> Content {
    Content::parse(&content_statement()).unwrap()
}

fn set(leaf: &mut Leaf, name: &str, value: Value) {
    let mut members = leaf.d.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    members.insert(name.to_owned(), value);
    leaf.d = Some(members.into());
}

fn remove(leaf: &mut Leaf, name: &str) {
    let mut members = leaf.d.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    members.remove(name);
    leaf.d = (!members.is_empty()).then(|| members.into());
}

fn set_authority(leaf: &mut Leaf, n: u64, set: Hash) {
    self::set(leaf, "authority", Value::object([("n", Value::from(n)), ("set", set.into())]));
}

fn authority(n: u64, roles: &[Role]) -> Authority {
    Authority { n, held: roles.iter().flat_map(|role| Holding::everywhere(*role).held()).collect() }
}

fn actor(kind: ActorKind, number: u8, via: Option<usize>) -> Actor {
    Actor { as_: kind, sid: Some(sid(number).hyphenated().to_string()), via: via.map(entry), for_: None }
}

fn person(number: u8) -> PersonId {
    PersonId(sid(number))
}

/// A random-looking UUIDv4.
fn sid(number: u8) -> Uuid {
    Uuid::from_u128(0x00000000_0000_4000_8000_000000000000 | u128::from(number))
}

/// A UUID of no version.
fn id(number: u8) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

fn entry_id(index: usize) -> Uuid {
    Uuid::from_u128(0x01a19b7c_0000_7000_8000_000000000000 | index as u128)
}

fn entry(index: usize) -> String {
    entry_id(index).hyphenated().to_string()
}

fn at(second: u64) -> u64 {
    1_793_610_000_000 + second * 1_000
}
