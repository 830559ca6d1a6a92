//! Pauses: what they stop, whom they bind, and that nothing slips past one that runs.

use std::time::{Duration, Instant};

use countersign_domain::{
    answer::{AgentDecision, AgentNext},
    decision::{ResolutionOutcome, State, Verdict},
    holding::Holding,
    ids::{DecisionId, EntryId, SystemId},
    pause::PausesView,
    policy::view::{ConditionForm, RuleForm},
    problem::Code,
    role::Role,
    text::Reason,
    view::NoticeKind,
};
use countersign_engine::{
    Caller, Engine, Error, changes,
    decisions::{self, QueueFilter, Stored},
    pauses, people,
    policies::{self, Place},
    systems,
    testing::{Desk, again, id_of, unique},
};
use countersign_ledger::verify::Status;

use crate::policies::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_system_proposes_is_rejected_at_once_and_by_that_name() {
    let floor = Floor::automatic().await;
    let desk = &floor.desk;
    assert_eq!(floor.propose().await.body["resolution"]["outcome"], "approved", "a rule approves before");

    floor.pause(&desk.approver).await.unwrap();
    let stopped = floor.propose().await;
    let id = id_of(&stopped);

    assert_eq!(stopped.status, 201);
    assert_eq!(stopped.body["paused"], true);
    assert_eq!(stopped.body["resolution"]["outcome"], "rejected");
    assert_eq!(stopped.body["resolution"]["reason_code"], "system_paused");
    assert_eq!(stopped.body["resolution"]["decided_by"]["kind"], "pause");
    assert_eq!(stopped.body["resolution"]["next"], "stop");
    assert_eq!(stopped.body["route"]["outcome"], "require", "a guard takes it from the rule as well");
    let expected = ["decision.proposed", "decision.routed", "decision.resolved", "decision.released"];
    assert_eq!(desk.kinds_of(id).await, expected);
    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    assert!(page.resolution.unwrap().by_pause);
    assert_eq!(page.policy.guards, ["While a system is paused, no rule approves what it proposes."]);

    floor.resume(&floor.senior).await.unwrap();
    let after = floor.propose().await;
    assert_eq!(after.body["resolution"]["outcome"], "approved");
    assert_eq!(after.body["paused"], false);
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_kept_from_the_agent_until_the_pause_ends() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let id = desk.queued_decision().await;
    floor.pause(&desk.approver_b).await.unwrap();

    // Reviewing goes on; what it leads to stays here.
    let reviewed = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    assert_eq!(reviewed.resolution, Some(ResolutionOutcome::Approved));
    desk.sealed().await;
    let told = floor.read(id).await;
    assert_eq!((told.resolution, told.state, told.paused), (None, State::Settling, true));
    assert_eq!(told.version, 4, "the review is counted, the resolution is not");
    let polled = floor.wait(id, Duration::from_millis(600)).await;
    assert_eq!(polled.resolution, None);
    assert_eq!(desk.database.number("select count(*) from releases").await, 0);
    let proof = decisions::proof(&desk.engine, &again(&desk.agent), id).await.unwrap();
    assert!(!shows(&proof, "decision.resolved"), "the proof tells no more than the answer");
    let for_people = decisions::proof(&desk.engine, &again(&desk.approver), id).await.unwrap();
    assert!(shows(&for_people, "decision.resolved"));
    let chosen = floor.view(&floor.senior).await.chosen.unwrap();
    assert_eq!((chosen.open_count, chosen.untold_count), (0, 1));

    let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
    let waiting =
        tokio::spawn(async move { decisions::wait(&engine, &agent, id, Duration::from_secs(20), None).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    floor.resume(&floor.senior).await.unwrap();
    let answer = waiting.await.unwrap().unwrap();

    let resolution = answer.resolution.unwrap();
    assert_eq!((resolution.outcome, resolution.next), (ResolutionOutcome::Approved, AgentNext::Act));
    assert_eq!((answer.state, answer.paused), (State::Released, false));
    assert!(started.elapsed() < Duration::from_secs(5), "the waiting agent is woken");
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_told_during_a_pause() {
    let floor = Floor::new().await;
    let id = floor.desk.queued_decision().await;
    floor.pause(&floor.desk.approver).await.unwrap();

    floor.desk.review(&floor.desk.approver, id, Verdict::Reject).await.unwrap();
    let answer = floor.wait(id, Duration::from_secs(10)).await;

    assert_eq!(answer.resolution.unwrap().outcome, ResolutionOutcome::Rejected);
    assert_eq!((answer.state, answer.paused), (State::Closed, true));
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_was_told_before_says_not_to_act_while_the_pause_runs() {
    let floor = Floor::new().await;
    let id = floor.desk.queued_decision().await;
    floor.desk.review(&floor.desk.approver, id, Verdict::Approve).await.unwrap();
    assert_eq!(floor.wait(id, Duration::from_secs(10)).await.resolution.unwrap().next, AgentNext::Act);

    floor.pause(&floor.desk.approver).await.unwrap();
    let during = floor.read(id).await;
    floor.resume(&floor.senior).await.unwrap();
    let after = floor.read(id).await;

    let resolution = during.resolution.unwrap();
    assert_eq!((resolution.outcome, resolution.next), (ResolutionOutcome::Approved, AgentNext::Stop));
    assert!(during.paused && !after.paused);
    assert_eq!(after.resolution.unwrap().next, AgentNext::Act);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_equal_open_decision_is_named_during_a_pause_and_a_repeat_is_told_the_same() {
    let floor = Floor::new().await;
    let body = countersign_engine::testing::proposal("one");
    let open = id_of(&floor.desk.propose("one", &body).await.unwrap());
    floor.pause(&floor.desk.approver).await.unwrap();

    let equal = floor.desk.propose("two", &body).await.unwrap();
    let stopped = floor.propose_under("three").await;
    let again = floor.propose_under("three").await;

    assert_eq!((id_of(&equal), equal.body["paused"].as_bool()), (open, Some(true)));
    assert_eq!(equal.body["resolution"], serde_json::Value::Null);
    assert!(again.replayed && !stopped.replayed);
    assert_eq!(id_of(&again), id_of(&stopped));
    assert_eq!(again.body["resolution"]["reason_code"], "system_paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pauses_and_resumes_is_a_matter_of_role_scope_and_who_paused() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let elsewhere = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let stranger = desk.member("approver-c", vec![Holding::on(Role::Approver, vec![elsewhere])]).await;
    let viewer = desk.member("viewer-a", vec![Holding::everywhere(Role::Viewer)]).await;
    let senior_b = desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;

    for nobody in [&stranger, &viewer, &desk.auditor] {
        assert!(matches!(floor.pause(nobody).await.unwrap_err(), Error::Forbidden(_)));
    }
    for (pauser, resumer) in [
        (&desk.approver, &floor.senior),
        (&floor.senior, &senior_b),
        (&floor.officer, &desk.admin),
        (&desk.admin, &floor.senior),
    ] {
        floor.pause(pauser).await.unwrap();
        let own = floor.resume(pauser).await.unwrap_err();
        assert!(matches!(own, Error::Forbidden(_)), "{own}");
        for nobody in [&desk.approver_b, &floor.officer, &stranger, &viewer, &desk.auditor] {
            assert!(matches!(floor.resume(nobody).await.unwrap_err(), Error::Forbidden(_)));
        }
        floor.resume(resumer).await.unwrap();
    }

    floor.pause(&floor.senior).await.unwrap();
    let own = floor.resume(&floor.senior).await.unwrap_err();
    assert_eq!(countersign_domain::Problem::from(own).policies, ["pauser_never_resumes"]);
    let barred = floor.view(&floor.senior).await.chosen.unwrap().barred.unwrap();
    assert!(barred.starts_with("You paused this AI system"), "{barred}");
    assert_eq!(floor.view(&senior_b).await.chosen.unwrap().barred, None);
    assert!(matches!(floor.try_view(&stranger).await, Err(Error::NotFound)), "outside their scope");
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_of_one_resumes_what_it_paused_and_the_act_is_marked() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    changes::switch_single_operator(&desk.engine, &again(&desk.admin), true).await.unwrap();

    floor.pause(&desk.admin).await.unwrap();
    floor.resume(&desk.admin).await.unwrap();

    let marked = "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"single_operator\"%' \
                  and encode(bytes, 'escape') like '%\"kind\":\"system.resumed\"%'";
    assert_eq!(desk.database.number(marked).await, 1);
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_begins_and_ends_once() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let none = EntryId(uuid::Uuid::max());
    let not_paused = floor.resume_named(&floor.senior, none).await.unwrap_err();
    floor.pause(&desk.approver).await.unwrap();
    let twice = countersign_domain::Problem::from(floor.pause(&desk.approver_b).await.unwrap_err());
    let first = floor.running().await;
    floor.resume(&floor.senior).await.unwrap();
    floor.pause(&desk.approver).await.unwrap();
    let stale = floor.resume_named(&floor.senior, first).await.unwrap_err();

    assert_eq!(code(not_paused), Code::InvalidTransition);
    assert_eq!(twice.code, Code::SystemPaused);
    assert!(twice.detail.contains("Approver A"), "{}", twice.detail);
    assert_eq!(code(stale), Code::Stale);
    assert_eq!(desk.database.number("select count(*) from pauses").await, 2);
    assert_eq!(desk.database.number("select count(*) from pauses where resumed_at is null").await, 1);
    let unknown = pauses::pause(&desk.engine, &again(&desk.approver), SystemId(uuid::Uuid::max()), why()).await;
    assert!(matches!(unknown, Err(Error::NotFound)));
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_shows_wherever_its_system_is_met_and_the_guardians_are_told() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let id = desk.queued_decision().await;
    floor.pause(&desk.approver).await.unwrap();

    let page = decisions::view(&desk.engine, &again(&desk.approver_b), id).await.unwrap();
    let queue = decisions::queue(&desk.engine, &again(&desk.approver_b), QueueFilter::default()).await.unwrap();
    let systems = systems::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    let all = pauses::view(&desk.engine, &again(&desk.approver_b), None).await.unwrap();
    let shown = page.pause.unwrap();

    assert_eq!((shown.by.as_str(), shown.reason.as_str()), ("Approver A", "It refunds twice."));
    assert_eq!(shown.system_name, "refund-agent");
    assert_eq!(queue.pauses, std::slice::from_ref(&shown));
    assert!(queue.items[0].paused);
    assert_eq!(systems.systems[0].pause, Some(shown.clone()));
    assert_eq!(all.systems[0].pause, Some(shown));
    for guardian in [&desk.admin, &floor.officer] {
        let notices = people::me(&desk.engine, guardian).await.unwrap().notices;
        assert_eq!(notices[0].kind, NoticeKind::SystemPaused);
        assert_eq!(notices[0].about.as_deref(), Some("Approver A"));
        assert_eq!(notices[0].system.as_deref(), Some("refund-agent"));
    }
    floor.resume(&desk.admin).await.unwrap();
    let told = people::me(&desk.engine, &floor.officer).await.unwrap().notices;
    assert_eq!(told[0].kind, NoticeKind::SystemResumed);
    let own = people::me(&desk.engine, &desk.admin).await.unwrap().notices;
    assert_eq!(own.len(), 1, "nobody is told of what they did themselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_waits_for_the_approval_that_is_being_written_and_for_nothing_after_it() {
    let floor = Floor::automatic().await;
    let desk = &floor.desk;
    let lock = desk.database.hold("lock table resolutions in exclusive mode").await;
    let writing = floor.proposing();
    asleep().await;
    let pausing = floor.pausing();
    asleep().await;

    assert!(!writing.is_finished() && !pausing.is_finished(), "the pause comes after the approval or not at all");
    lock.release().await;
    pausing.await.unwrap().unwrap();
    let written = writing.await.unwrap().unwrap();
    assert_eq!(floor.order_of(id_of(&written), "decision.resolved").await, [true], "before the pause");
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_waits_for_the_pause_that_is_being_written() {
    let floor = Floor::automatic().await;
    let desk = &floor.desk;
    let lock = desk.database.hold("lock table pauses in exclusive mode").await;
    let pausing = floor.pausing();
    asleep().await;
    let proposing = floor.proposing();
    asleep().await;

    assert!(!pausing.is_finished() && !proposing.is_finished(), "nobody decides while it is not known");
    lock.release().await;
    pausing.await.unwrap().unwrap();
    let proposed = proposing.await.unwrap().unwrap();
    assert_eq!(proposed.body["resolution"]["reason_code"], "system_paused");
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_and_a_release_come_one_after_the_other() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    let (first, second) = (desk.queued_decision().await, desk.queued_decision().await);
    for id in [first, second] {
        desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    }
    desk.sealed().await;

    // A release that is being written comes first.
    let lock = desk.database.hold("lock table releases in exclusive mode").await;
    let reading = floor.reading(first);
    asleep().await;
    let pausing = floor.pausing();
    asleep().await;
    assert!(!reading.is_finished() && !pausing.is_finished());
    lock.release().await;
    pausing.await.unwrap().unwrap();
    assert!(reading.await.unwrap().unwrap().resolution.is_some());
    assert_eq!(floor.order_of(first, "decision.released").await, [true]);
    floor.resume(&floor.senior).await.unwrap();

    // A pause that is being written comes first.
    let lock = desk.database.hold("lock table pauses in exclusive mode").await;
    let pausing = floor.pausing();
    asleep().await;
    let reading = floor.reading(second);
    asleep().await;
    assert!(!pausing.is_finished() && !reading.is_finished());
    lock.release().await;
    pausing.await.unwrap().unwrap();
    assert_eq!(reading.await.unwrap().unwrap().resolution, None);
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_proposals_and_reads_neither_delays_a_pause_nor_slips_past_it() {
    let floor = Floor::automatic().await;
    let desk = &floor.desk;
    let crowd: Vec<_> = (0..8)
        .map(|_| {
            let (engine, agent) = (desk.engine.clone(), again(&desk.agent));
            tokio::spawn(async move {
                let mut told = Vec::new();
                for _ in 0..15 {
                    let order = unique();
                    let stored = propose(&engine, &agent, &order).await.unwrap();
                    told.push(stored.body["resolution"]["outcome"].as_str().map(str::to_owned));
                    decisions::get(&engine, &again(&agent), id_of(&stored)).await.unwrap();
                }
                told
            })
        })
        .collect();
    eventually(async || desk.database.number("select count(*) from releases").await > 0).await;

    let started = Instant::now();
    floor.pause(&desk.approver).await.unwrap();
    let took = started.elapsed();
    let mut told = Vec::new();
    for one in crowd {
        told.extend(one.await.unwrap());
    }

    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(told.iter().flatten().any(|outcome| outcome == "approved"));
    assert!(told.iter().flatten().any(|outcome| outcome == "rejected"));
    // The log says it in order: no approval by a rule and no release of one after the pause.
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_at_once_make_one_pause_and_one_resumption() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    for _ in 0..10 {
        let (one, other) = tokio::join!(floor.pause(&desk.approver), floor.pause(&desk.approver_b));
        assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
        let running = floor.running().await;
        let (one, other) =
            tokio::join!(floor.resume_named(&floor.senior, running), floor.resume_named(&desk.admin, running));
        assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    }
    assert_eq!(desk.database.number("select count(*) from pauses where resumed_at is not null").await, 10);
    floor.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_system_goes_on() {
    let floor = Floor::automatic().await;
    let desk = &floor.desk;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    pauses::pause(&desk.engine, &again(&desk.approver), other, why()).await.unwrap();

    assert_eq!(floor.propose().await.body["resolution"]["outcome"], "approved");
    let queue = decisions::queue(&desk.engine, &again(&desk.approver), QueueFilter::default()).await.unwrap();
    assert_eq!(queue.pauses.len(), 1);
    let here = desk.member("approver-d", vec![Holding::on(Role::Approver, vec![desk.system])]).await;
    let scoped = decisions::queue(&desk.engine, &again(&here), QueueFilter::default()).await.unwrap();
    assert_eq!(scoped.pauses, [], "a pause outside the reader's scope is not theirs to read");
}

/// A desk with people who resume and oversee.
pub(crate) struct Floor {
    pub(crate) desk: Desk,
    pub(crate) senior: Caller,
    pub(crate) officer: Caller,
}

impl Floor {
    pub(crate) async fn new() -> Self {
        let desk = Desk::new().await;
        let senior = desk.member("senior-a", vec![Holding::everywhere(Role::SeniorApprover)]).await;
        let officer = desk.member("officer-a", vec![Holding::everywhere(Role::ComplianceOfficer)]).await;
        Self { desk, senior, officer }
    }

    /// The same, with a rule in force that approves refunds up to 100.
    pub(crate) async fn automatic() -> Self {
        let floor = Self::new().await;
        let engine = &floor.desk.engine;
        let author = floor.desk.member("author-a", vec![Holding::everywhere(Role::PolicyAuthor)]).await;
        let draft = policies::start(engine, &again(&author)).await.unwrap();
        let saved = policies::draft(engine, &again(&author), draft, "").await.unwrap().saved;
        let when = ConditionForm {
            fact: "amount".into(),
            operator: "at_most".into(),
            values: "100".into(),
            or_missing: String::new(),
        };
        let rule = RuleForm {
            name: "small".into(),
            route: "auto_approve".into(),
            need: "1".into(),
            due: "4 h".into(),
            on_timeout: "deny".into(),
            when: vec![when],
            ..RuleForm::default()
        };
        policies::save_rule(engine, &again(&author), draft, saved, Place::New, &rule).await.unwrap();
        let saved = policies::draft(engine, &again(&author), draft, "").await.unwrap().saved;
        policies::submit(engine, &again(&author), draft, saved, why()).await.unwrap();
        let view = policies::draft(engine, &again(&floor.officer), draft, "").await.unwrap();
        policies::activate(engine, &again(&floor.officer), draft, view.digest, view.active_id).await.unwrap();
        floor
    }

    pub(crate) async fn pause(&self, caller: &Caller) -> countersign_engine::Result<()> {
        pauses::pause(&self.desk.engine, &again(caller), self.desk.system, why()).await
    }

    fn pausing(&self) -> tokio::task::JoinHandle<countersign_engine::Result<()>> {
        let (engine, caller, system) = (self.desk.engine.clone(), again(&self.desk.approver), self.desk.system);
        tokio::spawn(async move { pauses::pause(&engine, &caller, system, why()).await })
    }

    /// Resumes the pause that runs.
    pub(crate) async fn resume(&self, caller: &Caller) -> countersign_engine::Result<()> {
        let running = self.running().await;
        self.resume_named(caller, running).await
    }

    async fn resume_named(&self, caller: &Caller, pause: EntryId) -> countersign_engine::Result<()> {
        pauses::resume(&self.desk.engine, &again(caller), self.desk.system, pause, why()).await
    }

    async fn running(&self) -> EntryId {
        self.view(&self.desk.approver).await.chosen.unwrap().system.pause.unwrap().entry
    }

    async fn view(&self, caller: &Caller) -> PausesView {
        self.try_view(caller).await.unwrap()
    }

    async fn try_view(&self, caller: &Caller) -> countersign_engine::Result<PausesView> {
        pauses::view(&self.desk.engine, &again(caller), Some(self.desk.system)).await
    }

    /// Proposes a refund that the rule approves.
    pub(crate) async fn propose(&self) -> Stored {
        self.propose_under(&unique()).await
    }

    async fn propose_under(&self, key: &str) -> Stored {
        propose(&self.desk.engine, &self.desk.agent, key).await.unwrap()
    }

    fn proposing(&self) -> tokio::task::JoinHandle<countersign_engine::Result<Stored>> {
        let (engine, agent) = (self.desk.engine.clone(), again(&self.desk.agent));
        tokio::spawn(async move { propose(&engine, &agent, &unique()).await })
    }

    pub(crate) async fn read(&self, id: DecisionId) -> AgentDecision {
        decisions::get(&self.desk.engine, &again(&self.desk.agent), id).await.unwrap()
    }

    fn reading(&self, id: DecisionId) -> tokio::task::JoinHandle<countersign_engine::Result<AgentDecision>> {
        let (engine, agent) = (self.desk.engine.clone(), again(&self.desk.agent));
        tokio::spawn(async move { decisions::get(&engine, &agent, id).await })
    }

    pub(crate) async fn wait(&self, id: DecisionId, limit: Duration) -> AgentDecision {
        decisions::wait(&self.desk.engine, &again(&self.desk.agent), id, limit, None).await.unwrap()
    }

    /// Tells of each entry of this kind about a decision whether it stands in the log before the first pause.
    async fn order_of(&self, id: DecisionId, kind: &str) -> Vec<bool> {
        self.desk.sealed().await;
        let place = |condition: String| {
            let query = format!(
                "select coalesce(min(idx), -1) from ledger_entries where encode(bytes, 'escape') like '%\"kind\":\"{condition}'"
            );
            async move { self.desk.database.number(&query).await }
        };
        let act = place(format!("{kind}\"%{id}%")).await;
        let pause = place("system.paused\"%".to_owned()).await;
        assert!(act >= 0 && pause >= 0, "{act} {pause}");
        vec![act < pause]
    }

    /// The exported log proves to somebody who has nothing else that pauses held, and its rows say the same.
    async fn verified(&self) {
        self.desk.sealed().await;
        let report = crate::export::verify(&self.desk).await;
        let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(report.checks.iter().any(|check| check.check == "D9" && check.status == Status::Passed));
    }
}

async fn propose(engine: &Engine, agent: &Caller, key: &str) -> countersign_engine::Result<Stored> {
    let body = format!(
        r#"{{"mode":"propose","action":{{"type":"refund.issue","parameters":{{"order":"{key}","amount":"40.00"}}}},
        "subjects":[{{"ref":"customer 4711","kind":"person"}}],
        "impact":{{"effects":["financial"],"adverse":false,"affected":1}}}}"#
    );
    decisions::propose(engine, &again(agent), key, body.as_bytes()).await
}

/// Long enough for a task to come to the lock that holds it.
async fn asleep() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}

fn why() -> Reason {
    Reason::new("It refunds twice.").unwrap()
}

/// Tells whether a proof file is about an entry of this kind.
pub(crate) fn shows(proof: &str, kind: &str) -> bool {
    let parsed = countersign_ledger::tlog_proof::TlogProof::parse(proof).unwrap();
    String::from_utf8_lossy(&parsed.extra.unwrap()).contains(&format!("\"kind\":\"{kind}\""))
}

pub(crate) fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}
