//! Who answers for a decision: every link is there, and what is missing says so.

use std::{collections::BTreeMap, time::Duration};

use countersign_domain::{
    chain::{ChainAct, ChainView, Gap, Link, LinkKind, Standing, Who},
    decision::{SealState, Verdict},
    holding::Holding,
    ids::{DecisionId, PersonId},
    role::Role,
    text::Reason,
};
use countersign_engine::{
    Caller, Error, changes,
    decisions::{self, SignedAnswer},
    pauses, people,
    roles::{self, Assigned},
    systems,
    testing::{Desk, again, id_of},
};

use crate::policies::{HARMLESS, Office, code, rule, small};

const DAY: u64 = 24 * 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_approved_are_links_with_the_roles_that_let_them() {
    let office = Office::new().await;
    let desk = &office.desk;
    let second = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    let raised = desk.member("raised", Vec::new()).await;
    let Assigned::Waits(change) = assign(desk, &raised, Role::Approver).await else {
        panic!("an approver waits for a second person")
    };
    changes::confirm(&desk.engine, &again(&second), change).await.unwrap();
    let mut two = rule("two", "require", "at_most", "100");
    two.need = "2".into();
    office.enforce(&[two]).await;
    let id = office.propose("A1", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    desk.review(&raised, id, Verdict::Approve).await.unwrap();
    told(desk, id).await;
    let outcome = br#"{"result":"executed","effect":"full"}"#;
    decisions::report_outcome(&desk.engine, &again(&desk.agent), id, "o-1", outcome).await.unwrap();
    desk.sealed().await;
    // What came later is no part of it.
    assign(desk, &raised, Role::Viewer).await;

    let chain = read(desk, &desk.auditor, id).await;

    let kinds: Vec<_> = chain.links.iter().map(|link| link.kind).collect();
    assert_eq!(
        kinds,
        [
            LinkKind::AgentKey,
            LinkKind::Owner,
            LinkKind::Policy,
            LinkKind::Review,
            LinkKind::Review,
            LinkKind::Resolution,
            LinkKind::Release,
            LinkKind::Outcome,
        ]
    );
    assert_eq!((chain.missing(), gap(&chain.links[1])), (1, Some(Gap::NoOwner)), "only the owner");
    assert_eq!(who(&chain.links[0].acts), ["Admin A", "refund-agent"]);
    assert_eq!(
        said(&chain.links[2].acts),
        [
            "author-a wrote version 2",
            "author-a handed it over to be judged",
            "officer-a put version 2 in force",
            "Countersign routed it: rule two of version 2",
        ]
    );
    assert_eq!(said(&chain.links[3].acts), ["Approver A approved it"]);
    assert_eq!(said(&chain.links[4].acts), ["raised approved it"]);
    let [grant] = chain.links[4].grants.as_slice() else { panic!("{:?}", chain.links[4].grants) };
    assert_eq!((grant.holding.role, grant.source.as_str()), (Role::Approver, "by hand"));
    assert_eq!(
        said(&grant.acts),
        ["Admin A asked for the role", "admin-b confirmed it as the second person", "admin-b gave the role"]
    );
    assert_eq!(chain.links[5].says, "Approved by people: 2 reviews decided.");
    assert_eq!(said(&chain.links[6].acts), ["refund-agent asked for the answer, and was told"]);
    assert_eq!(said(&chain.links[7].acts), ["refund-agent reported: executed, in full"]);
    let reviewed = &chain.links[3].acts[0];
    assert_eq!(reviewed.allowed_by[0].id, "review_as_approver");
    assert!(reviewed.allowed_by[0].says.starts_with("Approvers review decisions"));
    for act in every_act(&chain) {
        assert_eq!(act.seal.state, SealState::Sealed, "{act:?}");
        let index = act.seal.index.unwrap();
        let stored = format!("select count(*) from ledger_entries where id = '{}' and idx = {index}", act.entry);
        assert_eq!(desk.database.number(&stored).await, 1, "{act:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_was_signed_says_so() {
    let desk = crate::passkeys::signing_desk().await;
    let mut key = crate::passkeys::confirmed(&desk, &desk.approver).await;
    let id = desk.queued_decision().await;
    let (request, (nonce, options)) = crate::passkeys::prepared(&desk, &desk.approver, id).await;
    let answer = SignedAnswer { nonce, answer: key.get(&options) };
    crate::passkeys::send(&desk, &desk.approver, &request, Some(answer)).await.unwrap();

    let chain = read(&desk, &desk.auditor, id).await;

    let review = link(&chain, LinkKind::Review);
    assert_eq!(said(&review.acts), ["Approver A approved it, and signed that with a passkey"]);
    let policy = link(&chain, LinkKind::Policy);
    assert_eq!(
        (policy.standing, gap(policy)),
        (Standing::Missing, Some(Gap::NoAuthor)),
        "the operator put it in force"
    );
    assert_eq!(policy.acts[0].who, Who::Operator);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_approved_needs_no_reviewer_and_still_an_outcome() {
    let office = Office::new().await;
    office.enforce(&[small()]).await;
    let desk = &office.desk;
    let body = crate::policies::proposal("A1", "40.00", HARMLESS);
    let id = id_of(&desk.propose("A1", &body).await.unwrap());
    told(desk, id).await;

    let chain = read(desk, &desk.approver, id).await;

    let review = link(&chain, LinkKind::Review);
    assert_eq!((review.standing, gap(review)), (Standing::NotNeeded, Some(Gap::DecidedByRule)));
    let resolution = link(&chain, LinkKind::Resolution);
    assert_eq!(resolution.says, "Approved by rule small; no person decided.");
    assert_eq!(said(&resolution.acts), ["Countersign resolved it as rule small says"]);
    assert_eq!(link(&chain, LinkKind::Release).standing, Standing::Present);
    let outcome = link(&chain, LinkKind::Outcome);
    assert_eq!((outcome.standing, gap(outcome)), (Standing::Missing, Some(Gap::NoOutcome)));
    assert!(outcome.says.starts_with("No outcome was reported yet"), "{}", outcome.says);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_decision_has_every_link_and_says_which_come_later() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let chain = read(&desk, &desk.approver, id).await;

    let standings: Vec<_> = chain.links.iter().map(|link| (link.kind, gap(link))).collect();
    assert_eq!(
        standings,
        [
            (LinkKind::AgentKey, None),
            (LinkKind::Owner, Some(Gap::NoOwner)),
            (LinkKind::Policy, Some(Gap::NoAuthor)),
            (LinkKind::Review, Some(Gap::NotReviewed)),
            (LinkKind::Resolution, Some(Gap::NotResolved)),
            (LinkKind::Release, Some(Gap::NoAnswer)),
            (LinkKind::Outcome, Some(Gap::NoAnswer)),
        ]
    );
    assert!(chain.links[3..].iter().all(|link| link.standing == Standing::Waiting));
    assert_eq!(chain.missing(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_the_deadlines_and_nobody_reviewed_it() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.clock.advance(DAY);
    told(&desk, id).await;

    let chain = read(&desk, &desk.approver, id).await;

    let review = link(&chain, LinkKind::Review);
    assert_eq!((review.standing, gap(review)), (Standing::Missing, Some(Gap::NeverReviewed)));
    let resolution = link(&chain, LinkKind::Resolution);
    assert_eq!(resolution.says, "Expired by its deadline: silence means no.");
    assert_eq!(said(&resolution.acts), ["Countersign resolved it as expired when its time ran out"]);
    let outcome = link(&chain, LinkKind::Outcome);
    assert_eq!((outcome.standing, gap(outcome)), (Standing::NotNeeded, Some(Gap::NothingToRun)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_names_who_paused_and_keeps_an_approval() {
    let desk = Desk::new().await;
    let kept = desk.queued_decision().await;
    desk.review(&desk.approver, kept, Verdict::Approve).await.unwrap();
    desk.sealed().await;
    let why = Reason::new("It pays twice.").unwrap();
    pauses::pause(&desk.engine, &again(&desk.approver_b), desk.system, why).await.unwrap();
    let refused = desk.queued_decision().await;

    let (kept, refused) = (read(&desk, &desk.auditor, kept).await, read(&desk, &desk.auditor, refused).await);

    let release = link(&kept, LinkKind::Release);
    assert_eq!((release.standing, gap(release)), (Standing::Missing, Some(Gap::KeptByPause)));
    let resolution = link(&refused, LinkKind::Resolution);
    assert_eq!(resolution.says, "Rejected because refund-agent was paused.");
    assert_eq!(
        said(&resolution.acts),
        ["Approver B paused refund-agent", "Countersign resolved it because of the pause"]
    );
    assert_eq!(gap(link(&refused, LinkKind::Review)), Some(Gap::NobodyAsked));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_and_a_withdrawal_name_their_makers() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::ApproveWithEdits).await.unwrap();
    let edits = BTreeMap::from([("amount".to_owned(), "20.00".to_owned())]);
    decisions::edit(&desk.engine, &again(&desk.approver), form, edits).await.unwrap();
    let body = br#"{"reason_code":"no_longer_needed"}"#;
    decisions::withdraw(&desk.engine, &again(&desk.agent), id, "w-1", body).await.unwrap();

    let chain = read(&desk, &desk.auditor, id).await;

    let review = link(&chain, LinkKind::Review);
    assert_eq!(
        said(&review.acts),
        ["Approver A approved it with edits", "Approver A wrote version 2", "Countersign made it void"]
    );
    assert!(review.says.ends_with("void, so it does not count."), "{}", review.says);
    assert!(review.lacks.is_none() && review.grants.len() == 1);
    let resolution = link(&chain, LinkKind::Resolution);
    assert_eq!(resolution.says, "Withdrawn by refund-agent itself.");
    assert_eq!(said(&resolution.acts), ["refund-agent took its proposal back", "Countersign resolved it as withdrawn"]);
    assert_eq!(gap(link(&chain, LinkKind::Outcome)), Some(Gap::NothingToRun));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_by_another_key_names_who_made_each() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();
    let second = desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    let key = systems::issue_key(&desk.engine, &second, desk.system).await.unwrap().key;
    let agent = countersign_engine::keys::authenticate(&desk.engine, &key, std::net::Ipv4Addr::LOCALHOST.into());
    let agent = Caller::new(agent.await.unwrap(), "127.0.0.1", "test", uuid::Uuid::nil());
    let body = countersign_engine::testing::proposal("other");
    decisions::revise(&desk.engine, &agent, id, "r-1", body.as_bytes()).await.unwrap();

    let chain = read(&desk, &desk.auditor, id).await;

    assert_eq!(who(&chain.links[0].acts), ["Admin A", "refund-agent", "admin-b", "refund-agent"]);
    let keys: Vec<_> = chain.links[0].acts.iter().filter_map(|act| key_of(&act.who)).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    assert!(chain.links[0].says.ends_with(&format!("by key {}.", keys[1])), "{}", chain.links[0].says);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_the_decision_does_not_learn_that_it_is_there() {
    let desk = Desk::new().await;
    let other = systems::register(&desk.engine, &desk.admin, "loan-agent").await.unwrap();
    let outsider = desk.member("outsider", vec![Holding::on(Role::Viewer, vec![other])]).await;
    let id = desk.queued_decision().await;

    for caller in [&desk.admin, &outsider, &desk.agent] {
        let shown = decisions::chain(&desk.engine, &again(caller), id).await.unwrap_err();
        let taken = decisions::download_chain(&desk.engine, &again(caller), id).await.unwrap_err();
        assert!(matches!(shown, Error::Hidden(_)) && matches!(taken, Error::Hidden(_)), "{shown:?} {taken:?}");
        assert_eq!(code(shown), countersign_domain::problem::Code::NotFound);
    }
    let unknown = decisions::chain(&desk.engine, &again(&desk.auditor), DecisionId(uuid::Uuid::max())).await;
    assert!(matches!(unknown, Err(Error::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_and_taking_are_each_on_record() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let shown = decisions::chain(&desk.engine, &again(&desk.approver), id).await.unwrap();
    let taken = decisions::download_chain(&desk.engine, &again(&desk.approver), id).await.unwrap();
    desk.sealed().await;

    for (chain, kind) in [(shown, "access.viewed"), (taken, "access.downloaded")] {
        let entries = format!(
            "select count(*) from ledger_entries where id = '{}' and convert_from(bytes, 'UTF8') like '%\"{kind}\"%' \
             and convert_from(bytes, 'UTF8') like '%\"id\":\"{id}\"%' and convert_from(bytes, 'UTF8') like '%\"upto\":{}%'",
            chain.recorded, chain.upto
        );
        assert_eq!(desk.database.number(&entries).await, 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_keeps_their_place_without_a_name() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    erase(&desk, desk.approver.person().unwrap()).await;

    let chain = read(&desk, &desk.auditor, id).await;

    let review = link(&chain, LinkKind::Review);
    assert_eq!((&review.acts[0].who, review.is_erased()), (&Who::Person { name: None }, true));
    assert_eq!((review.standing, review.grants.len()), (Standing::Present, 1));
    assert!(!link(&chain, LinkKind::AgentKey).is_erased(), "somebody else");
    let file = chain.file();
    let person = &file["links"][3]["acts"][0]["who"];
    assert_eq!((&person["erased"], &person["name"]), (&true.into(), &serde_json::Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_that_somebody_changed_does_not_add_up() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let before = read(&desk, &desk.auditor, id).await;
    let person = desk.approver.person().unwrap();
    desk.database
        .attack(&format!("update role_assignments set role = 'senior_approver' where person_id = '{person}'"))
        .await;

    let after = read(&desk, &desk.auditor, id).await;

    assert_eq!(gap(link(&before, LinkKind::Review)), None);
    let review = link(&after, LinkKind::Review);
    assert_eq!((gap(review), review.is_missing()), (Some(Gap::AuthorityDiffers), true));
    assert_eq!(after.missing(), before.missing() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_is_shown_as_it_was_and_only_as_far_as_it_concerns_the_decision() {
    let desk = Desk::new().await;
    let other = systems::register(&desk.engine, &desk.admin, "loan-agent").await.unwrap();
    let clerk = desk.member("clerk", vec![Holding::on(Role::Approver, vec![desk.system, other])]).await;
    let id = desk.queued_decision().await;
    desk.review(&clerk, id, Verdict::Approve).await.unwrap();
    let shown = people::person(&desk.engine, &again(&desk.admin), clerk.person().unwrap(), None).await.unwrap();
    roles::end(&desk.engine, &again(&desk.admin), shown.assignments[0].id).await.unwrap();
    assign(&desk, &clerk, Role::Viewer).await;

    let chain = read(&desk, &desk.auditor, id).await;

    let [grant] = link(&chain, LinkKind::Review).grants.as_slice() else { panic!("one assignment") };
    assert_eq!(grant.holding.systems.as_deref(), Some(&["refund-agent".to_owned()][..]));
    assert!(grant.ended_at.is_some(), "and it has ended since");
}

async fn read(desk: &Desk, caller: &Caller, id: DecisionId) -> ChainView {
    desk.sealed().await;
    decisions::chain(&desk.engine, &again(caller), id).await.unwrap()
}

/// Waits until the agent has the answer.
async fn told(desk: &Desk, id: DecisionId) {
    for _ in 0..10 {
        let agent = again(&desk.agent);
        let answer = decisions::wait(&desk.engine, &agent, id, Duration::from_secs(2), Some(u64::MAX)).await.unwrap();
        if answer.resolution.is_some() {
            return;
        }
    }
    panic!("no resolution came");
}

async fn assign(desk: &Desk, person: &Caller, role: Role) -> Assigned {
    roles::assign(&desk.engine, &again(&desk.admin), person.person().unwrap(), Holding::everywhere(role)).await.unwrap()
}

/// Destroys the key of a person's data, as an erasure does.
async fn erase(desk: &Desk, person: PersonId) {
    let statement = format!(
        "update vault_subjects set wrapped_key = null, kek_epoch = null, shredded_at = now() where id in \
         (select v.subject_id from vault_values v join people p on p.entry_id = v.entry_id where p.id = '{person}')"
    );
    desk.database.attack(&statement).await;
}

fn link(chain: &ChainView, kind: LinkKind) -> &Link {
    chain.links.iter().find(|link| link.kind == kind).unwrap()
}

fn gap(link: &Link) -> Option<Gap> {
    link.lacks.as_ref().map(|lack| lack.gap)
}

fn every_act(chain: &ChainView) -> impl Iterator<Item = &ChainAct> {
    let grants = chain.links.iter().flat_map(|link| &link.grants).flat_map(|grant| &grant.acts);
    chain.links.iter().flat_map(|link| &link.acts).chain(grants)
}

fn said(acts: &[ChainAct]) -> Vec<String> {
    acts.iter().zip(who(acts)).map(|(act, who)| format!("{who} {}", act.did)).collect()
}

fn who(acts: &[ChainAct]) -> Vec<String> {
    let name = |who: &Who| match who {
        Who::Person { name } => name.clone().unwrap_or_else(|| "erased".into()),
        Who::System { name, .. } => name.clone(),
        Who::Countersign => "Countersign".into(),
        other => format!("{other:?}"),
    };
    acts.iter().map(|act| name(&act.who)).collect()
}

fn key_of(who: &Who) -> Option<String> {
    match who {
        Who::System { key, .. } => key.clone(),
        _ => None,
    }
}
