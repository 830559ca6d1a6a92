//! Routes by the table in force, its drafts, and the guards that no table passes.

use countersign_domain::{
    decision::{ResolutionOutcome, State, Verdict},
    holding::Holding,
    ids::{DecisionId, PolicyVersionId},
    policy::{
        Route,
        view::{ChangeKind, ConditionForm, DraftState, RuleForm},
    },
    problem::Code,
    role::Role,
    text::Reason,
    view::{Composer, DecisionView, RefusedVerdict},
};
use countersign_engine::{
    Caller, Error, changes, decisions,
    policies::{self, Move, Place},
    testing::{Desk, again, id_of},
};
use countersign_ledger::verify::Status;

/// An hour in milliseconds.
const HOUR: u64 = 3_600_000;

/// A desk with the people that policies need.
pub(crate) struct Office {
    pub(crate) desk: Desk,
    author: Caller,
    pub(crate) officer: Caller,
    pub(crate) senior: Caller,
}

impl Office {
    pub(crate) async fn new() -> Self {
        Self::at(Desk::new().await).await
    }

    pub(crate) async fn at(desk: Desk) -> Self {
        let author = desk.member("author-a", vec![Holding::everywhere(Role::PolicyAuthor)]).await;
        let officer = desk.member("officer-a", vec![Holding::everywhere(Role::ComplianceOfficer)]).await;
        let senior = desk.member("senior-a", vec![Holding::everywhere(Role::SeniorApprover)]).await;
        Self { desk, author, officer, senior }
    }

    /// Writes a draft with these rows in place of those in force.
    async fn draft(&self, rules: &[RuleForm]) -> PolicyVersionId {
        let engine = &self.desk.engine;
        let draft = policies::start(engine, &again(&self.author)).await.unwrap();
        let mut view = policies::draft(engine, &again(&self.author), draft, "").await.unwrap();
        for _ in 1..view.forms.len() {
            policies::move_rule(engine, &again(&self.author), draft, view.saved, 1, Move::Delete).await.unwrap();
            view.saved += 1;
        }
        for rule in rules {
            let place = if rule.name.is_empty() { Place::Row(view.forms.len() as u64) } else { Place::New };
            policies::save_rule(engine, &again(&self.author), draft, view.saved, place, rule).await.unwrap();
            view = policies::draft(engine, &again(&self.author), draft, "").await.unwrap();
        }
        draft
    }

    async fn submit(&self, draft: PolicyVersionId) -> countersign_engine::Result<()> {
        let saved = policies::draft(&self.desk.engine, &again(&self.author), draft, "").await.unwrap().saved;
        policies::submit(&self.desk.engine, &again(&self.author), draft, saved, reason()).await
    }

    async fn activate(&self, caller: &Caller, draft: PolicyVersionId) -> countersign_engine::Result<u64> {
        let view = policies::draft(&self.desk.engine, &again(&self.officer), draft, "").await.unwrap();
        policies::activate(&self.desk.engine, &again(caller), draft, view.digest, view.active_id).await
    }

    /// Puts these rows in force.
    pub(crate) async fn enforce(&self, rules: &[RuleForm]) {
        let draft = self.draft(rules).await;
        self.submit(draft).await.unwrap();
        self.activate(&self.officer, draft).await.unwrap();
    }

    pub(crate) async fn propose(&self, order: &str, amount: &str) -> DecisionId {
        id_of(&self.desk.propose(order, &proposal(order, amount, "")).await.unwrap())
    }

    pub(crate) async fn page(&self, caller: &Caller, id: DecisionId) -> DecisionView {
        decisions::view(&self.desk.engine, &again(caller), id).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_another_replaces_in_the_middle_of_a_pass_decides_nothing() {
    let office = Office::new().await;
    let database = &office.desk.database;
    let id = office.propose("a", "40.00").await;
    let held = database.hold(&format!("select from decisions where id = '{id}' for update")).await;

    let deny = [rule("all", "deny", "at_least", "0")];
    tokio::join!(
        office.enforce(&deny),
        held.meanwhile(
            "update policy_versions set superseded_at = now() where superseded_at is null;
             update policy_versions set superseded_at = null where number = (select max(number) - 1 from policy_versions)",
        ),
    );

    for _ in 0..20 {
        assert_eq!(database.number("select count(*) from resolutions").await, 0);
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_approves_refuses_and_escalates_and_every_answer_names_it() {
    let office = Office::new().await;
    office.enforce(&[small(), rule("huge", "deny", "at_least", "5000"), rule("large", "escalate", "above", "")]).await;
    let desk = &office.desk;

    let approved = desk.propose("small", &proposal("small", "40.00", HARMLESS)).await.unwrap();
    let denied = desk.propose("huge", &proposal("huge", "5000", HARMLESS)).await.unwrap();
    let id = id_of(&approved);

    assert_eq!(approved.status, 201);
    assert_eq!(approved.body["resolution"]["outcome"], "approved");
    assert_eq!(approved.body["resolution"]["decided_by"]["kind"], "rule");
    assert_eq!(approved.body["route"]["outcome"], "auto_approve");
    assert_eq!(denied.body["resolution"]["outcome"], "rejected");
    assert_eq!(denied.body["resolution"]["reason_code"], "against_policy");
    assert_eq!(desk.kinds_of(id).await, kinds(&["proposed", "routed", "resolved", "released"]));
    let page = office.page(&desk.approver, id).await;
    assert_eq!(page.resolution.unwrap().by_rule.as_deref(), Some("rule small, version 2"));
    assert!(page.reviews.is_empty() && page.policy.seats.is_empty());
    assert!(page.policy.trace[0].sentence.contains("amount is 40.00"), "{:?}", page.policy.trace);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_asks_people_whatever_the_table_says() {
    let office = Office::new().await;
    let mut anything = small();
    anything.when[0].values = "1000000".into();
    office.enforce(&[anything]).await;
    let desk = &office.desk;

    // It names a person and does not say that it is harmless to them.
    let silent = office.propose("silent", "40.00").await;
    let adverse = desk.propose("adverse", &proposal("adverse", "40.00", r#"{"adverse":true}"#)).await.unwrap();
    let above = desk.propose("above", &proposal("above", "10001", HARMLESS)).await.unwrap();
    let within = desk.propose("within", &proposal("within", "10000", HARMLESS)).await.unwrap();

    for (id, guard) in
        [(silent, "disadvantage"), (id_of(&adverse), "disadvantage"), (id_of(&above), "amount above the limit")]
    {
        let page = office.page(&desk.approver, id).await;
        assert_eq!((page.policy.route, page.state), (Route::Require, State::Queued));
        assert!(page.policy.guards[0].contains(guard), "{:?}", page.policy.guards);
        assert_eq!(page.policy.need, 1);
    }
    assert_eq!(within.status, 201);

    // The limit is lowered alone and at once; raising it waits for somebody else.
    desk.member("admin-b", vec![Holding::everywhere(Role::Admin)]).await;
    assert_eq!(policies::set_guards(&desk.engine, &again(&office.officer), 30).await.unwrap(), None);
    let lower = desk.propose("lower", &proposal("lower", "40.00", HARMLESS)).await.unwrap();
    let change = policies::set_guards(&desk.engine, &again(&office.officer), 50).await.unwrap().unwrap();
    let still = desk.propose("still", &proposal("still", "41.00", HARMLESS)).await.unwrap();
    changes::confirm(&desk.engine, &again(&office.senior), change).await.unwrap();
    let raised = desk.propose("raised", &proposal("raised", "42.00", HARMLESS)).await.unwrap();
    assert_eq!([lower.status, still.status, raised.status], [202, 202, 201]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_approves_nothing_where_a_row_above_asks_for_what_is_not_stated() {
    let office = Office::new().await;
    let mut unsure = rule("unsure", "deny", "less", "0.5");
    unsure.when[0].fact = "confidence".into();
    office.enforce(&[unsure, small()]).await;
    let desk = &office.desk;
    let sure = proposal("sure", "40.00", HARMLESS).replace("\"subjects\"", "\"confidence\":\"0.9\",\"subjects\"");

    let silent = desk.propose("silent", &proposal("silent", "40.00", HARMLESS)).await.unwrap();
    let sure = desk.propose("sure", &sure).await.unwrap();

    assert_eq!((silent.status, sure.status), (202, 201));
    let page = office.page(&desk.approver, id_of(&silent)).await;
    assert!(page.policy.guards[0].contains("not stated"), "{:?}", page.policy.guards);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_what_a_rule_decided_is_told_the_resolution() {
    let office = Office::new().await;
    office.enforce(&[small()]).await;
    let body = proposal("a", "40.00", HARMLESS);

    let first = office.desk.propose("key", &body).await.unwrap();
    let repeat = office.desk.propose("key", &body).await.unwrap();

    assert_eq!((first.status, first.replayed), (201, false));
    assert_eq!((repeat.status, repeat.replayed), (201, true));
    assert_eq!(repeat.body["resolution"], first.body["resolution"]);
    assert!(repeat.body["turn"].is_null());
}

/// Proves E7 where the stricter route asks fewer people of a higher role, one of whom has approved already.
#[tokio::test(flavor = "multi_thread")]
async fn reviews_that_satisfy_another_version_decide_under_it() {
    let office = Office::new().await;
    let two = RuleForm { need: "2".into(), ..rule("two", "require", "at_least", "0") };
    office.enforce(&[two]).await;
    let desk = &office.desk;
    let (id, other) = (office.propose("a", "40.00").await, office.propose("b", "41.00").await);
    desk.review(&office.senior, id, Verdict::Approve).await.unwrap();
    desk.review(&desk.approver, other, Verdict::Approve).await.unwrap();

    office.enforce(&[rule("all", "escalate", "at_least", "0")]).await;
    eventually(async || office.page(&office.senior, id).await.resolution.is_some()).await;
    eventually(async || office.page(&office.senior, other).await.policy.name == "all").await;

    let open = office.page(&office.senior, other).await;
    assert_eq!((open.policy.given, open.policy.need), (0, 1), "an approver's review fills no senior's seat");
    let approved = desk.review(&office.senior, other, Verdict::Approve).await.unwrap();
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_filled_by_the_people_they_name_and_stages_wait() {
    let office = Office::new().await;
    let staged = RuleForm {
        need: "1".into(),
        need_senior: "1".into(),
        staged: "true".into(),
        ..rule("staged", "require", "at_least", "0")
    };
    office.enforce(&[staged]).await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;

    let early = office.page(&office.senior, id).await;
    let first = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let page = office.page(&desk.approver_b, id).await;
    let second = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap_err();
    let last = desk.review(&office.senior, id, Verdict::Approve).await.unwrap();

    assert!(
        matches!(&early.composer, Composer::Open { refused, .. } | Composer::Ready { refused, .. } if may_approve(refused)),
        "a senior may fill an approver's seat"
    );
    assert_eq!((first.state, first.resolution), (State::InReview, None));
    assert!(
        matches!(&page.composer, Composer::Open { refused, .. } | Composer::Ready { refused, .. } if !may_approve(refused))
    );
    let seats: Vec<_> = page.policy.seats.iter().map(|seat| (seat.role, seat.given, seat.open)).collect();
    assert_eq!(seats, [(Role::Approver, 1, false), (Role::SeniorApprover, 0, true)]);
    assert_eq!(code(second), Code::Forbidden);
    assert_eq!(last.resolution, Some(ResolutionOutcome::Approved));

    // Whoever could not approve may still reject.
    let other = office.propose("b", "41.00").await;
    desk.review(&desk.approver, other, Verdict::Approve).await.unwrap();
    let rejected = desk.review(&desk.approver_b, other, Verdict::Reject).await.unwrap();
    assert_eq!(rejected.resolution, Some(ResolutionOutcome::Rejected));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalated_decision_takes_a_senior_approver() {
    let office = Office::new().await;
    office.enforce(&[rule("all", "escalate", "at_least", "0")]).await;
    let desk = &office.desk;
    let id = office.propose("a", "40.00").await;

    let refused = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap_err();
    let approved = desk.review(&office.senior, id, Verdict::Approve).await.unwrap();

    assert_eq!(code(refused), Code::Forbidden);
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_hands_up_once_and_then_silence_means_no() {
    let office = Office::new().await;
    let handed = RuleForm { on_timeout: "escalate".into(), ..rule("all", "require", "at_least", "0") };
    office.enforce(&[handed]).await;
    let desk = &office.desk;
    let (id, other) = (office.propose("a", "40.00").await, office.propose("b", "41.00").await);

    desk.clock.advance(4 * HOUR + 1);
    eventually(async || office.page(&office.senior, other).await.policy.escalated_at.is_some()).await;
    let page = office.page(&office.senior, id).await;
    let refused = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap_err();
    let approved = desk.review(&office.senior, id, Verdict::Approve).await.unwrap();
    desk.clock.advance(4 * HOUR + 1);
    eventually(async || office.page(&office.senior, other).await.resolution.is_some()).await;
    let expired = office.page(&office.senior, other).await;

    assert_eq!(page.policy.seats[0].role, Role::SeniorApprover);
    assert_eq!(code(refused), Code::Forbidden);
    assert_eq!(approved.resolution, Some(ResolutionOutcome::Approved));
    assert_eq!(expired.resolution.unwrap().outcome, ResolutionOutcome::Expired);
    assert_eq!(desk.kinds_of(other).await.iter().filter(|kind| *kind == "decision.escalated").count(), 1);
    verified(desk).await;
}

/// Proves E6: whoever wrote into a version never puts it in force, and what is put in force is what was judged.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_takes_a_second_person_who_judged_exactly_it() {
    let office = Office::new().await;
    let engine = &office.desk.engine;
    let both = office
        .desk
        .member("both", vec![Holding::everywhere(Role::PolicyAuthor), Holding::everywhere(Role::ComplianceOfficer)])
        .await;
    let draft = office.draft(&[small()]).await;

    let too_early = office.activate(&office.officer, draft).await.unwrap_err();
    office.submit(draft).await.unwrap();
    let by_author = office.activate(&office.author, draft).await.unwrap_err();
    let before = policies::draft(engine, &again(&office.officer), draft, "").await.unwrap();
    // Somebody else writes into it: it is a draft again, and they are an author of it too.
    policies::save_rule(
        engine,
        &again(&both),
        draft,
        before.saved,
        Place::Row(1),
        &RuleForm { need: "2".into(), ..small() },
    )
    .await
    .unwrap();
    let lost = policies::save_rule(engine, &again(&office.author), draft, before.saved, Place::Row(1), &small())
        .await
        .unwrap_err();
    office.submit(draft).await.unwrap();
    let by_both = office.activate(&both, draft).await.unwrap_err();
    let changed =
        policies::activate(engine, &again(&office.officer), draft, before.digest, before.active_id).await.unwrap_err();
    let number = office.activate(&office.officer, draft).await.unwrap();
    let twice = office.activate(&office.officer, draft).await.unwrap_err();

    assert_eq!(code(too_early), Code::InvalidTransition);
    assert_eq!(code(by_author), Code::FourEyes);
    assert_eq!((code(lost), code(changed)), (Code::Stale, Code::Stale));
    assert!(matches!(code(by_both), Code::FourEyes | Code::Forbidden));
    assert_eq!((number, code(twice)), (2, Code::InvalidTransition));
    let version = policies::version(engine, &again(&office.desk.approver), 2).await.unwrap();
    assert_eq!(version.changes.iter().map(|change| change.kind).collect::<Vec<_>>(), [ChangeKind::Added]);
    assert_eq!(version.reason.as_deref(), Some("Less work."));
    assert_eq!(version.activated_by.as_deref(), Some("officer-a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_judged_against_another_one_is_refused() {
    let office = Office::new().await;
    let (first, second) =
        (office.draft(&[small()]).await, office.draft(&[rule("all", "escalate", "at_least", "0")]).await);
    office.submit(first).await.unwrap();
    office.submit(second).await.unwrap();
    let judged = policies::draft(&office.desk.engine, &again(&office.officer), second, "").await.unwrap();

    office.activate(&office.officer, first).await.unwrap();
    let refused =
        policies::activate(&office.desk.engine, &again(&office.officer), second, judged.digest, judged.active_id)
            .await
            .unwrap_err();

    assert_eq!(code(refused), Code::Stale);
    assert_eq!(office.activate(&office.officer, second).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_nobody_could_satisfy_is_not_handed_over() {
    let office = Office::new().await;
    let engine = &office.desk.engine;
    let many = RuleForm { need: "1".into(), need_senior: "2".into(), ..rule("many", "require", "at_least", "0") };
    let draft = office.draft(&[many]).await;

    let refused = office.submit(draft).await.unwrap_err();
    let view = policies::draft(engine, &again(&office.author), draft, "").await.unwrap();
    policies::reject(engine, &again(&office.author), draft, reason(), true).await.unwrap();
    let after = policies::draft(engine, &again(&office.author), draft, "").await.unwrap();

    assert_eq!(code(refused), Code::InvalidContent);
    assert_eq!(view.faults[0].code, "unsatisfiable");
    assert_eq!(after.state, DraftState::Discarded);
    assert!(!after.may_change);
}

#[tokio::test(flavor = "multi_thread")]
async fn saying_no_never_takes_more_people_than_approving() {
    let office = Office::new().await;
    // Three people may review; two and two are always decided by the third, three and two might not be.
    for (need, threshold, places) in [
        ("2", "0", &["/rows/0/reject_threshold"][..]),
        ("2", "3", &["/rows/0/reject_threshold"]),
        ("3", "2", &["/rows/0/reject_threshold"]),
        ("2", "2", &[]),
    ] {
        let asked = RuleForm {
            need: need.into(),
            reject_threshold: threshold.into(),
            ..rule("asked", "require", "at_least", "0")
        };

        let draft = office.draft(&[asked]).await;

        let view = policies::draft(&office.desk.engine, &again(&office.author), draft, "").await.unwrap();
        let found: Vec<_> = view.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(found, places, "{threshold}: {:?}", view.faults);
        policies::reject(&office.desk.engine, &again(&office.author), draft, reason(), true).await.unwrap();
    }
}

/// Proves E7: another version asks about what is open; the stricter route wins, and nobody rules on the old one.
#[tokio::test(flavor = "multi_thread")]
async fn another_version_routes_open_decisions_again_and_the_stricter_route_wins() {
    let office = Office::new().await;
    let desk = &office.desk;
    let (id, cheap) = (office.propose("a", "400").await, office.propose("b", "40").await);
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let two = RuleForm { need: "2".into(), ..rule("two", "require", "at_least", "100") };

    office.enforce(&[two, small()]).await;
    let late = decisions::review(&desk.engine, &again(&desk.approver), form).await.map(|_| ()).unwrap_err();
    eventually(async || office.page(&desk.approver, id).await.policy.number == 2).await;
    let page = office.page(&desk.approver, id).await;
    let looser = office.page(&desk.approver, cheap).await;
    let first = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let second = desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();

    assert_eq!(code(late), Code::Stale);
    assert_eq!((page.policy.name.as_str(), page.policy.need), ("two", 2));
    assert_eq!(
        (looser.policy.number, looser.state),
        (1, State::Queued),
        "the looser route of the new table does not win"
    );
    assert_eq!(first.resolution, None);
    assert_eq!(second.resolution, Some(ResolutionOutcome::Approved));
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_says_what_it_would_do_with_one_decision_and_who_may_not_read_it_learns_nothing() {
    let office = Office::new().await;
    let engine = &office.desk.engine;
    let id = office.propose("a", "40.00").await;
    let draft = office.draft(&[small()]).await;

    let view = policies::draft(engine, &again(&office.author), draft, &id.to_string()).await.unwrap();
    let hidden = policies::draft(engine, &again(&office.desk.admin), draft, &id.to_string()).await.unwrap();
    let garbage = policies::draft(engine, &again(&office.author), draft, "no id").await.unwrap();
    let unread = policies::list(engine, &again(&office.desk.agent)).await.map(|_| ()).unwrap_err();

    let asked = view.what_if.unwrap();
    assert_eq!((asked.before.as_str(), asked.after.as_str()), ("default: Require people", "small: Require people"));
    assert!(asked.guards[0].contains("disadvantage"));
    assert!(hidden.what_if.is_none() && hidden.no_what_if.is_some(), "as if it did not exist");
    assert!(garbage.no_what_if.unwrap().starts_with("There is no decision no id that you may see."));
    assert!(matches!(unread, Error::Forbidden(_)));
}

pub(crate) const HARMLESS: &str = r#"{"effects":["financial"],"adverse":false,"affected":1}"#;

fn reason() -> Reason {
    Reason::new("Less work.").unwrap()
}

/// Approves amounts up to 100.
pub(crate) fn small() -> RuleForm {
    rule("small", "auto_approve", "at_most", "100")
}

/// A rule over the amount, with one approver within four hours.
pub(crate) fn rule(name: &str, route: &str, operator: &str, amount: &str) -> RuleForm {
    let (operator, amount) = if operator == "above" { ("more", "100") } else { (operator, amount) };
    RuleForm {
        name: name.into(),
        route: route.into(),
        need: "1".into(),
        due: "4 h".into(),
        on_timeout: "deny".into(),
        when: vec![ConditionForm {
            fact: "amount".into(),
            operator: operator.into(),
            values: amount.into(),
            or_missing: String::new(),
        }],
        ..RuleForm::default()
    }
}

pub(crate) fn proposal(order: &str, amount: &str, impact: &str) -> String {
    let impact = if impact.is_empty() { String::new() } else { format!(r#","impact":{impact}"#) };
    format!(
        r#"{{"mode":"propose","action":{{"type":"refund.issue","parameters":{{"order":"{order}","amount":"{amount}"}}}},"subjects":[{{"ref":"customer 4711","kind":"person"}}]{impact}}}"#
    )
}

pub(crate) fn may_approve(refused: &[RefusedVerdict]) -> bool {
    refused.iter().all(|refused| refused.verdict != Verdict::Approve)
}

pub(crate) fn kinds(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("decision.{word}")).collect()
}

pub(crate) fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}

/// The exported log proves every resolution to somebody who has nothing else.
pub(crate) async fn verified(desk: &Desk) {
    desk.sealed().await;
    let report = crate::export::verify(desk).await;
    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Waits for a background job, ten seconds at most.
pub(crate) async fn eventually(holds: impl AsyncFn() -> bool) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it did not come about");
}
