//! Other content in the place of the proposed one: by the agent when it is asked, by a reviewer, and none at all.

use std::{collections::BTreeMap, time::Duration};

use countersign_domain::{
    decision::{ReasonCode, ResolutionOutcome, ReviewState, Risk, State, Verdict},
    decision_type::TypeDefinition,
    holding::{AuthorityLimits, Holding},
    ids::DecisionId,
    lineage::{Change, Maker},
    policy::view::RuleForm,
    problem::Code,
    queue::View,
    role::Role,
    text::Reason,
    view::Composer,
};
use countersign_engine::{
    Caller, Error, Result, decision_types,
    decisions::{self, QueueFilter, ReviewRequest, Reviewed, Stored},
    export::{self, Pinned},
    testing::{Desk, again, id_of, proposal, refund},
};
use countersign_ledger::verify::Status;

use crate::policies::{HARMLESS, Office, rule, small};

const DAY: u64 = 24 * 3_600_000;
const WITHDRAWN: &[u8] = br#"{"reason_code":"no_longer_needed"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_told_what_to_change_and_answers_with_a_revision() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
    let waiting =
        tokio::spawn(async move { decisions::wait(&engine, &agent, id, Duration::from_secs(20), None).await });

    let asked = desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();
    let told = waiting.await.unwrap().unwrap();
    let other = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap_err();
    let revised = revise(&desk, id, "r-1", &proposal("other")).await.unwrap();
    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    let approved = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    assert_eq!((asked.state, asked.resolution), (State::ChangesRequested, None));
    assert_eq!(told.state, State::ChangesRequested);
    assert_eq!(told.message.as_deref(), Some("Checked against the policy."));
    assert_eq!(told.reason_code, Some(ReasonCode::AgainstPolicy));
    assert_eq!(serde_json::to_value(told.next).unwrap(), "revise");
    assert_eq!(code(other), Code::InvalidTransition, "nobody rules meanwhile");
    assert_eq!((revised.status, revised.replayed), (202, false));
    assert_eq!((&revised.body["state"], &revised.body["revision"]), (&"queued".into(), &2.into()));
    assert_eq!(revised.body["message"], serde_json::Value::Null);
    assert_eq!(page.reviews[0].state, ReviewState::Void);
    let makers: Vec<_> = page.versions.iter().map(|version| (version.number, version.maker)).collect();
    assert_eq!(makers, [(1, Maker::Proposed), (2, Maker::Revised)]);
    let changed: Vec<_> = page.versions[1].changes.iter().map(|field| (field.name.as_str(), field.change)).collect();
    assert_eq!(changed, [("order", Change::Changed)]);
    assert_eq!(page.versions[1].changes[0].after.as_deref(), Some("other"));
    assert!(page.title.contains("other"), "{}", page.title);
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved), "who asked for the change may rule again");
    let kinds = desk.kinds_of(id).await;
    assert_eq!(
        acts(&kinds),
        [
            "proposed",
            "routed",
            "leased",
            "reviewed",
            "revised",
            "review_voided",
            "routed",
            "leased",
            "reviewed",
            "resolved"
        ]
    );
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_answers_a_request_and_changes_no_type() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let early = revise(&desk, id, "r-0", &proposal("other")).await.unwrap_err();
    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();
    let types = proposal("other").replace("refund.issue", "loan.offer");
    let other_type = refused(revise(&desk, id, "r-1", &types).await);
    let version =
        proposal("other").replace("\"type\":\"refund.issue\"", "\"type\":\"refund.issue\",\"type_version\":2");
    let other_version = refused(revise(&desk, id, "r-2", &version).await);
    let mut missing: serde_json::Value = serde_json::from_str(&proposal("other")).unwrap();
    missing["action"]["parameters"].as_object_mut().unwrap().remove("amount");
    let without = refused(revise(&desk, id, "r-3", &missing.to_string()).await);

    assert_eq!(code(early), Code::InvalidTransition);
    assert_eq!(other_type, ["/action/type"]);
    assert_eq!(other_version, ["/action/type_version"]);
    assert_eq!(without, ["/action/parameters/amount"]);
    assert_eq!(desk.database.number("select count(*) from revisions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_of_a_revision_and_of_a_withdrawal_are_one() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();

    let first = revise(&desk, id, "same", &proposal("other")).await.unwrap();
    let again_ = revise(&desk, id, "same", &proposal("other")).await.unwrap();
    let reused = revise(&desk, id, "same", &proposal("third")).await.unwrap_err();
    let withdrawn = withdraw(&desk, id, "w-1").await.unwrap();
    let repeated = withdraw(&desk, id, "w-1").await.unwrap();
    let twice = withdraw(&desk, id, "w-2").await.unwrap_err();

    assert_eq!((first.replayed, again_.replayed), (false, true));
    assert_eq!((&first.body["id"], &first.body["revision"]), (&again_.body["id"], &again_.body["revision"]));
    assert_eq!(code(reused), Code::IdempotencyKeyReused);
    assert_eq!((withdrawn.status, withdrawn.replayed, repeated.replayed), (200, false, true));
    assert_eq!(code(twice), Code::AlreadyResolved);
    assert_eq!(desk.database.number("select count(*) from revisions").await, 2);
    assert_eq!(desk.database.number("select count(*) from withdrawals").await, 1);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_and_the_deadline_at_once_make_one_resolution() {
    for revision_first in [true, false] {
        let desk = Desk::new().await;
        let id = desk.queued_decision().await;
        desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();
        // Whichever of the two has waited longer gets the row first.
        let row = desk.database.hold(&format!("select from decisions where id = '{id}' for update")).await;
        let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
        let send = async move { decisions::revise(&engine, &agent, id, "r-1", proposal("other").as_bytes()).await };

        // Nobody waits for a row for longer than a second.
        let revision = if revision_first {
            let revision = tokio::spawn(send);
            tokio::time::sleep(Duration::from_millis(200)).await;
            desk.clock.advance(DAY);
            tokio::time::sleep(Duration::from_millis(400)).await;
            revision
        } else {
            desk.clock.advance(DAY);
            tokio::time::sleep(Duration::from_millis(400)).await;
            tokio::spawn(send)
        };
        tokio::time::sleep(Duration::from_millis(200)).await;
        row.release().await;
        let late = revision.await.unwrap().unwrap_err();

        assert!(matches!(code(late), Code::AlreadyResolved | Code::InvalidTransition));
        assert_eq!(resolved(&desk, id).await, ResolutionOutcome::Expired);
        assert_eq!(desk.database.number("select count(*) from revisions").await, 1);
        verified(&desk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_after_a_request_for_changes_means_what_the_row_says() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();

    desk.clock.advance(DAY);
    let late = revise(&desk, id, "r-1", &proposal("other")).await.unwrap_err();
    let outcome = resolved(&desk, id).await;

    assert!(matches!(code(late), Code::AlreadyResolved | Code::InvalidTransition));
    assert_eq!(outcome, ResolutionOutcome::Expired);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_and_a_review_at_once_make_one_resolution() {
    let desk = Desk::new().await;
    for round in 0..10 {
        let id = desk.queued_decision().await;
        let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
        let (approver, key) = (again(&desk.approver), format!("w-{round}"));

        let (withdrawn, reviewed) =
            tokio::join!(withdraw(&desk, id, &key), decisions::review(&desk.engine, &approver, form));

        assert_ne!(withdrawn.is_ok(), reviewed.is_ok(), "{withdrawn:?} {reviewed:?}");
        if let Err(error) = withdrawn {
            assert_eq!(code(error), Code::AlreadyResolved);
        }
    }
    assert_eq!(desk.database.number("select count(*) from resolutions").await, 10);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_decision_is_told_as_such_and_nobody_rules_on_it() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    withdraw(&desk, id, "w-1").await.unwrap();
    desk.sealed().await;
    let answer = decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap();
    let late = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();
    let unknown = decisions::withdraw(&desk.engine, &again(&desk.agent), id, "w", br#"{"reason_code":"x"}"#).await;

    let resolution = answer.resolution.unwrap();
    assert_eq!((answer.state, resolution.outcome), (State::Closed, ResolutionOutcome::Withdrawn));
    assert_eq!((resolution.decided_by.kind.as_str(), resolution.decided_by.reviews), ("requester", 0));
    assert_eq!(answer.action, None);
    assert_eq!(code(late), Code::AlreadyResolved);
    assert_eq!(refused(unknown), ["/reason_code"]);
    assert_eq!(acts(&desk.kinds_of(id).await), ["proposed", "routed", "leased", "withdrawn", "resolved", "released"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editors_approval_does_not_count_at_medium_risk() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let edited = edit(&desk, &desk.approver, id, &[("amount", "20.00")]).await.unwrap();
    let own = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    let views = [views_of(&desk, &desk.approver, id).await, views_of(&desk, &desk.approver_b, id).await];
    let approved = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    desk.sealed().await;
    let answer = decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap();

    assert_eq!((edited.state, edited.resolution), (State::Queued, None));
    assert!(matches!(&own.composer, Composer::Closed { reason } if reason.contains("You edited this proposal")));
    assert_eq!(
        views,
        [vec![View::Team, View::Waiting], vec![View::YourTurn, View::Team]],
        "it waits for somebody else"
    );
    assert_eq!(own.versions[1].maker, Maker::Edited);
    assert_eq!((own.versions[1].by.as_str(), own.reviews[0].state), ("Approver A", ReviewState::Void));
    let changed: Vec<_> = own.versions[1].changes.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(changed, ["amount"]);
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved));
    let (resolution, action) = (answer.resolution.unwrap(), answer.action.unwrap());
    assert!(resolution.edited && resolution.message.unwrap().contains("do not propose them again"));
    assert_eq!((action.kind.as_str(), action.type_version), ("refund.issue", 1));
    assert_eq!(action.parameters["amount"], "20.00");
    assert_eq!(answer.revision, 2);
    let kinds = desk.kinds_of(id).await;
    assert_eq!(
        acts(&kinds),
        [
            "proposed",
            "routed",
            "leased",
            "reviewed",
            "edited",
            "routed",
            "review_voided",
            "leased",
            "reviewed",
            "resolved",
            "released"
        ]
    );
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editors_approval_is_enough_at_low_risk_where_one_is_asked_for() {
    let desk = Desk::new().await;
    decision_types::define(&desk.engine, &Caller::operator(), note()).await.unwrap();
    let body = proposal("A1").replace("refund.issue", "note.add");
    let id = id_of(&desk.propose("n-1", &body).await.unwrap());

    let edited = edit(&desk, &desk.approver, id, &[("order", "A2")]).await.unwrap();
    desk.sealed().await;
    let answer = decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap();

    assert_eq!((edited.state, edited.resolution), (State::Resolved, Some(ResolutionOutcome::Approved)));
    assert_eq!(answer.resolution.unwrap().decided_by.reviews, 1);
    assert_eq!(answer.action.unwrap().parameters["order"], "A2");
    assert_eq!(
        acts(&desk.kinds_of(id).await),
        ["proposed", "routed", "leased", "reviewed", "edited", "routed", "resolved", "released"]
    );
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_who_may_not_approve_what_they_wrote_does_not_approve_it() {
    let desk = Desk::new().await;
    decision_types::define(&desk.engine, &Caller::operator(), note()).await.unwrap();
    let limits = AuthorityLimits { amount: Some(100), ..AuthorityLimits::default() };
    let limited = Holding { limits, ..Holding::everywhere(Role::Approver) };
    let clerk = desk.member("clerk", vec![limited]).await;
    let id = id_of(&desk.propose("n-1", &proposal("A1").replace("refund.issue", "note.add")).await.unwrap());

    let edited = edit(&desk, &clerk, id, &[("amount", "900.00")]).await.unwrap();
    let approved = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    assert_eq!((edited.state, edited.resolution), (State::Queued, None));
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved));
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editors_approval_is_not_enough_where_somebody_had_said_no() {
    let office = Office::new().await;
    let desk = &office.desk;
    let low = TypeDefinition { version: 2, risk: Risk::Low, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), low).await.unwrap();
    let two = RuleForm { need: "2".into(), reject_threshold: "2".into(), ..rule("two", "require", "at_least", "100") };
    office.enforce(&[two]).await;
    let id = office.propose("A1", "140.00").await;
    desk.review(&desk.approver, id, Verdict::Reject).await.unwrap();

    let edited = edit(desk, &desk.approver_b, id, &[("amount", "40.00")]).await.unwrap();
    let page = office.page(&office.senior, id).await;

    assert_eq!((edited.state, edited.resolution), (State::Queued, None));
    assert!(page.reviews.iter().all(|review| review.state == ReviewState::Void), "both were of what was replaced");
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_makes_earlier_approvals_void() {
    let office = Office::new().await;
    let mut two = rule("two", "require", "at_most", "100");
    two.need = "2".into();
    office.enforce(&[two]).await;
    let desk = &office.desk;
    let id = office.propose("A1", "40.00").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();

    edit(desk, &desk.approver_b, id, &[("amount", "30.00")]).await.unwrap();
    let page = office.page(&office.senior, id).await;
    let once = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let twice = desk.review(&office.senior, id, Verdict::Approve).await.unwrap();

    let states: Vec<_> = page.reviews.iter().map(|review| (review.round, review.state)).collect();
    assert_eq!(states, [(1, ReviewState::Void), (1, ReviewState::Void)]);
    assert_eq!(page.policy.given, 0);
    assert_eq!((once.state, once.resolution), (State::InReview, None));
    assert_eq!(twice.resolution, Some(ResolutionOutcome::Approved));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_would_escape_its_rule_is_routed_again() {
    let office = Office::new().await;
    office.enforce(&[small(), rule("huge", "deny", "at_least", "5000"), rule("large", "escalate", "above", "")]).await;
    let desk = &office.desk;
    let propose = |order: &'static str| {
        let body = crate::policies::proposal(order, "900.00", HARMLESS);
        async move { id_of(&desk.propose(order, &body).await.unwrap()) }
    };
    let (up, down) = (propose("up").await, propose("down").await);

    let denied = edit(desk, &office.senior, up, &[("amount", "6000.00")]).await.unwrap();
    let allowed = edit(desk, &office.senior, down, &[("amount", "40.00")]).await.unwrap();

    assert_eq!(denied.resolution, Some(ResolutionOutcome::Rejected), "no approval passes a row that denies");
    assert_eq!(allowed.resolution, Some(ResolutionOutcome::Approved), "as the rule says of such a proposal");
    let page = office.page(&office.senior, up).await;
    assert_eq!(page.policy.name, "huge");
    assert_eq!(page.reviews[0].state, ReviewState::Void);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_type_is_named_and_nothing_is_recorded() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    let wrong = refused(edit(&desk, &desk.approver, id, &[("amount", "many"), ("colour", "red")]).await);
    let empty = refused(edit(&desk, &desk.approver, id, &[("amount", "")]).await);
    let Err(Error::Refused(same)) = edit(&desk, &desk.approver, id, &[("amount", "40.00")]).await else { panic!() };
    let form = desk.open_form(&desk.approver, id, Verdict::ApproveWithEdits).await.unwrap();
    let without = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap_err();

    assert_eq!(wrong, ["/fields[colour]", "/fields[amount]"]);
    assert_eq!(empty, ["/fields[amount]"]);
    assert!(same.detail.starts_with("Nothing is changed."), "{}", same.detail);
    assert_eq!(code(without), Code::InvalidContent);
    assert_eq!(desk.database.number("select count(*) from reviews").await, 0);
    assert_eq!(desk.database.number("select count(*) from revisions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_fields_stay_as_they_are_until_they_are_opened() {
    let desk = Desk::new().await;
    let personal = TypeDefinition { version: 2, personal: vec!["order".into()], ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), personal).await.unwrap();
    let id = desk.queued_decision().await;

    let masked = refused(edit(&desk, &desk.approver, id, &[("order", "B7"), ("amount", "20.00")]).await);
    edit(&desk, &desk.approver, id, &[("amount", "20.00")]).await.unwrap();
    let page = decisions::view(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    let why = Reason::new("The customer asked.").unwrap();
    decisions::open_field(&desk.engine, &again(&desk.approver_b), id, "order", why).await.unwrap();
    edit(&desk, &desk.approver_b, id, &[("order", "B7")]).await.unwrap();
    let last = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();

    assert_eq!(masked, ["/fields[order]"]);
    let order = page.fields.iter().find(|field| field.name == "order").unwrap();
    assert!(order.withheld && order.value.is_none());
    let change = &last.versions[2].changes[0];
    assert_eq!((change.name.as_str(), change.withheld, change.after.as_deref()), ("order", true, None));
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_siblings_is_rejected_and_the_other_goes_on() {
    let desk = Desk::new().await;
    let (first, second) = (desk.queued_decision().await, desk.queued_decision().await);

    desk.review(&desk.approver, first, Verdict::Reject).await.unwrap();
    desk.sealed().await;
    let waits = decisions::get(&desk.engine, &again(&desk.agent), second).await.unwrap();
    desk.review(&desk.approver, second, Verdict::Approve).await.unwrap();
    desk.sealed().await;
    // Asked in the other order than they were proposed in.
    let other = decisions::get(&desk.engine, &again(&desk.agent), second).await.unwrap();
    let one = decisions::get(&desk.engine, &again(&desk.agent), first).await.unwrap();

    assert_eq!(one.conversation, other.conversation, "of one run");
    assert_eq!((waits.state, waits.resolution), (State::Queued, None));
    assert_eq!((one.id, one.resolution.unwrap().outcome), (first, ResolutionOutcome::Rejected));
    assert_eq!((other.id, other.resolution.unwrap().outcome), (second, ResolutionOutcome::Approved));
    assert_eq!((one.action.is_none(), other.action.is_some()), (true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_changes_that_is_taken_back_puts_the_decision_before_its_reviewers() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();
    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();

    let back = decisions::retract(&desk.engine, &again(&desk.approver), id, page.reviews[0].retractable.unwrap())
        .await
        .unwrap();
    let late = revise(&desk, id, "r-1", &proposal("other")).await.unwrap_err();
    let approved = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();

    assert_eq!(back.state, State::Queued);
    assert_eq!(code(late), Code::InvalidTransition);
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved));
    verified(&desk).await;
}

/// The views that list a decision, each of which counts it too.
async fn views_of(desk: &Desk, caller: &Caller, id: DecisionId) -> Vec<View> {
    let mut found = Vec::new();
    for view in View::ALL.iter().copied() {
        let filter = QueueFilter { view: Some(view), ..QueueFilter::default() };
        let page = decisions::queue(&desk.engine, &again(caller), filter).await.unwrap();
        let count = page.counts.iter().find(|count| count.view == view).unwrap().count;
        assert_eq!(count as usize, page.items.len(), "{view:?}");
        found.extend(page.items.iter().any(|item| item.id == id).then_some(view));
    }
    found
}

async fn revise(desk: &Desk, id: DecisionId, key: &str, body: &str) -> Result<Stored> {
    decisions::revise(&desk.engine, &again(&desk.agent), id, key, body.as_bytes()).await
}

async fn withdraw(desk: &Desk, id: DecisionId, key: &str) -> Result<Stored> {
    decisions::withdraw(&desk.engine, &again(&desk.agent), id, key, WITHDRAWN).await
}

async fn edit(desk: &Desk, caller: &Caller, id: DecisionId, fields: &[(&str, &str)]) -> Result<Reviewed> {
    let form: ReviewRequest = desk.open_form(caller, id, Verdict::ApproveWithEdits).await?;
    let edits: BTreeMap<_, _> = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    decisions::edit(&desk.engine, &again(caller), form, edits).await
}

/// Waits for the final word.
async fn resolved(desk: &Desk, id: DecisionId) -> ResolutionOutcome {
    for _ in 0..10 {
        let agent = again(&desk.agent);
        let answer = decisions::wait(&desk.engine, &agent, id, Duration::from_secs(2), Some(u64::MAX)).await.unwrap();
        if let Some(resolution) = answer.resolution {
            return resolution.outcome;
        }
    }
    panic!("no resolution came");
}

/// A type of low risk, with the parameters of a refund.
fn note() -> TypeDefinition {
    TypeDefinition { name: "note.add".into(), title: "Add a note".into(), risk: Risk::Low, ..refund() }
}

fn acts(kinds: &[String]) -> Vec<&str> {
    kinds.iter().filter_map(|kind| kind.strip_prefix("decision.")).filter(|word| *word != "viewed").collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    let Error::Refused(problem) = result.unwrap_err() else { panic!("not a refusal of fields") };
    assert_eq!(problem.code, Code::InvalidContent);
    problem.errors.into_iter().map(|error| error.pointer).collect()
}

fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}

/// Asks the verifier about the whole database: rounds, contents, rows.
async fn verified(desk: &Desk) {
    desk.sealed().await;
    let pinned = Pinned { held: Vec::new(), keys: Some(desk.keys()), trust: None };
    let report = export::verify(&desk.database.url_as("countersign"), pinned).await.unwrap();
    let wrong: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.status == Status::Failed || check.detail.contains("is not understood"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
