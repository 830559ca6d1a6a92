//! Views of the queue: each tells what opening its decisions tells, in every order, each once.

use std::collections::{HashMap, HashSet};

use countersign_domain::{
    decision::{ResolutionOutcome, Risk, State, Verdict},
    decision_type::TypeDefinition,
    holding::{AuthorityLimits, Holding},
    ids::{DecisionId, PersonId},
    policy::{Route, view::RuleForm},
    problem::Code,
    queue::{IdSearch, Narrowed, Sort, View, is_breaching},
    role::Role,
    text::Reason,
    view::{Composer, QueueItem, QueueView},
};
use countersign_engine::{
    Caller, Error, decision_types,
    decisions::{self, QueueFilter},
    owners::{self, NamingRequest},
    systems,
    testing::{Desk, again, id_of, refund},
};

use crate::policies::{Office, eventually, rule};

/// An hour in milliseconds.
const HOUR: u64 = 3_600_000;

/// Every view of every person holds exactly what opening the decisions says belongs there, and its count is its length.
/// Among the decisions: an approver's and a senior's seat together and in stages, an escalated one, high risk, another
/// system, another type, reviewed ones, resolved ones, and deadlines that are near and over.
#[tokio::test(flavor = "multi_thread")]
async fn each_view_tells_what_opening_tells() {
    let office = Office::new().await;
    let desk = &office.desk;
    let both = RuleForm { need_senior: "1".into(), ..rule("both", "require", "at_most", "100") };
    let staged =
        RuleForm { need_senior: "1".into(), staged: "true".into(), ..rule("staged", "require", "at_most", "200") };
    let waits = RuleForm { on_timeout: "wait".into(), ..rule("waits", "require", "at_most", "300") };
    office.enforce(&[both, staged, waits, rule("top", "escalate", "at_least", "1000")]).await;
    let waive = TypeDefinition { name: "refund.waive".into(), risk: Risk::High, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), waive).await.unwrap();
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();

    let limits = |types: &[&str], amount| AuthorityLimits {
        types: types.iter().map(|name| (*name).to_owned()).collect(),
        amount,
        ..AuthorityLimits::default()
    };
    let (senior, officer) = (office.senior.clone(), office.officer.clone());
    let approver = Holding::everywhere(Role::Approver);
    let members = [
        ("viewer", vec![Holding::everywhere(Role::Viewer)]),
        ("elsewhere", vec![Holding::on(Role::Approver, vec![other])]),
        ("up-to-150", vec![Holding { limits: limits(&[], Some(150)), ..approver.clone() }]),
        (
            "waiver",
            vec![Holding { limits: limits(&["refund.waive"], None), ..Holding::everywhere(Role::SeniorApprover) }],
        ),
        ("auditor-too", vec![approver.clone(), Holding::everywhere(Role::Auditor)]),
        ("admin-too", vec![approver.clone(), Holding::everywhere(Role::Admin)]),
        ("nobody", Vec::new()),
        ("keeper", vec![approver.clone()]),
    ];
    let mut people = vec![desk.admin.clone(), desk.approver.clone(), desk.approver_b.clone(), senior.clone(), officer];
    for (login, holdings) in members {
        people.push(desk.member(login, holdings).await);
    }
    let reason = Reason::new("They run it.").unwrap();
    let naming = NamingRequest { system: desk.system, login: "keeper".into(), before: None, reason };
    owners::name(&desk.engine, &again(&desk.admin), naming).await.unwrap();
    let mut all = Vec::new();
    for (n, amount) in
        ["40.00", "60.00", "150.00", "160.00", "250.00", "260.00", "2000.00", "500.00"].iter().enumerate()
    {
        all.push(propose(desk, &format!("refund-{n}"), amount, "refund.issue").await);
        all.push(propose(desk, &format!("waive-{n}"), amount, "refund.waive").await);
    }
    let mut reviewed: HashMap<PersonId, HashSet<DecisionId>> = HashMap::new();
    for (who, what, verdict) in [
        (&desk.approver, 0, Verdict::Approve),
        (&senior, 2, Verdict::Approve),
        (&desk.approver, 4, Verdict::Approve),
        (&desk.approver_b, 6, Verdict::Reject),
        (&senior, 12, Verdict::Approve),
        (&senior, 1, Verdict::Approve),
        (&desk.approver, 8, Verdict::Approve),
        (&desk.approver_b, 10, Verdict::RequestChanges),
    ] {
        desk.review(who, all[what], verdict).await.unwrap();
        reviewed.entry(who.person().unwrap()).or_default().insert(all[what]);
    }

    let mut turns = 0;
    for hours in [0, 3, 2] {
        desk.clock.advance(hours * HOUR + hours);
        if hours == 2 {
            let now = desk.engine.now() / 1_000;
            // What silence denies, it denies; what waits stays, overdue.
            let overdue = format!(
                "select count(*) from decisions where state in ('queued', 'in_review') and due_at <= to_timestamp({now}) and on_timeout <> 'wait'"
            );
            eventually(async || desk.database.number(&overdue).await == 0).await;
        }
        for person in &people {
            let own = reviewed.get(&person.person().unwrap());
            let mut expected: HashMap<View, HashSet<DecisionId>> = HashMap::new();
            let mut given: HashMap<DecisionId, u64> = HashMap::new();
            for id in &all {
                let Ok(page) = decisions::view(&desk.engine, &again(person), *id).await else { continue };
                let by_me = own.is_some_and(|own| own.contains(id));
                let since = page.policy.escalated_at.unwrap_or(page.proposed_at);
                let holds = |view| match view {
                    View::YourTurn => {
                        matches!(&page.composer, Composer::Open { refused, .. } | Composer::Ready { refused, .. } if crate::policies::may_approve(refused))
                    }
                    View::Team => page.state.is_open(),
                    View::Waiting => page.state.is_open() && by_me,
                    // Nobody here puts anything off.
                    View::Deferred => false,
                    View::Settling => page.state == State::Settling,
                    View::Breaching => page.state.is_open() && is_breaching(since, page.due_at, page.now),
                    View::Resolved => !page.state.is_open() && by_me,
                    View::AllResolved => !page.state.is_open(),
                    // Nobody here revokes anything.
                    View::Compensation => false,
                    View::Owned => {
                        page.state == State::ChangesRequested && page.owner.as_ref().is_some_and(|owner| owner.own)
                    }
                };
                for view in View::ALL.iter().copied().filter(|view| holds(*view)) {
                    expected.entry(view).or_default().insert(*id);
                }
                given.insert(*id, page.policy.given);
            }
            for view in View::ALL.iter().copied() {
                let wanted = expected.remove(&view).unwrap_or_default();
                let Ok(found) = ask(desk, person, QueueFilter { view: Some(view), ..QueueFilter::default() }).await
                else {
                    assert!(wanted.is_empty());
                    continue;
                };
                let listed: HashSet<_> = found.items.iter().map(|item| item.id).collect();
                assert_eq!(listed, wanted, "{view:?} of {person:?} after {hours} h");
                assert!(found.items.iter().all(|item| item.given == given[&item.id]), "{view:?} of {person:?}");
                let count = found.counts.iter().find(|count| count.view == view).unwrap();
                assert_eq!((count.count as usize, count.more), (wanted.len(), false), "{view:?} of {person:?}");
                if view == View::YourTurn {
                    let me = countersign_engine::people::me(&desk.engine, &again(person)).await.unwrap();
                    assert_eq!(me.turn_count as usize, wanted.len(), "{person:?}");
                    turns += wanted.len();
                }
            }
        }
    }
    assert!(turns > 40, "{turns}: somebody has a turn");
    let overdue = ask(desk, &desk.approver_b, QueueFilter { view: Some(View::Breaching), ..QueueFilter::default() })
        .await
        .unwrap();
    assert!(overdue.items.iter().any(|item| item.due_at <= overdue.now), "what waits beyond its deadline is in sight");
}

/// An approver's approval fills no seat of senior approvers.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_counts_the_approvals_that_fill_a_seat() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[RuleForm { need: "2".into(), ..rule("two", "require", "at_most", "100") }]).await;
    let second = desk.member("senior-b", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let id = office.propose("A1", "40.00").await;
    let row = async |view| {
        let filter = QueueFilter { view: Some(view), ..QueueFilter::default() };
        let found = ask(desk, &office.senior, filter).await.unwrap();
        let row = found.items.into_iter().find(|item| item.id == id).unwrap();
        (row.given, row.need)
    };
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    assert_eq!(row(View::Team).await, (1, 2));

    desk.review(&desk.approver_b, id, Verdict::Escalate).await.unwrap();
    assert_eq!(row(View::Team).await, (0, 2));
    desk.review(&office.senior, id, Verdict::Approve).await.unwrap();
    desk.review(&second, id, Verdict::Approve).await.unwrap();
    eventually(async || desk.database.number("select count(*) from resolutions").await == 1).await;
    assert_eq!(row(View::Resolved).await, (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_pages_through_each_decision_once() {
    let desk = Desk::new().await;
    for (name, risk) in [("refund.waive", Risk::Low), ("refund.void", Risk::High)] {
        let definition = TypeDefinition { name: name.into(), risk, ..refund() };
        decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
    }
    let mut made = Vec::new();
    for n in 0..108 {
        let name = ["refund.issue", "refund.waive", "refund.void"][n % 3];
        // Some share their instant, so that only the id tells them apart.
        desk.clock.advance(if n % 4 == 0 { 1_000 } else { 0 });
        made.push(propose(&desk, &format!("order-{n}"), "40.00", name).await);
    }
    // The third is of high risk and not theirs to reject.
    for id in &made[..2] {
        desk.review(&desk.approver, *id, Verdict::Reject).await.unwrap();
    }

    for sort in Sort::ALL.iter().copied() {
        let listed = whole(&desk, QueueFilter { view: Some(View::Team), sort, ..QueueFilter::default() }).await;
        let ids: HashSet<_> = listed.iter().map(|item| item.id).collect();
        assert_eq!(ids.len(), listed.len(), "{sort:?} lists each once");
        assert_eq!(
            listed.len() as i64,
            desk.database.number("select count(*) from decisions where state in ('queued', 'in_review')").await
        );
        let rank = |risk| match risk {
            Risk::High => 0,
            Risk::Medium => 1,
            Risk::Low => 2,
        };
        let sorted = |a: &QueueItem, b: &QueueItem| match sort {
            Sort::Deadline => (a.due_at, a.id) < (b.due_at, b.id),
            Sort::Risk => (rank(a.risk), a.due_at, a.id) < (rank(b.risk), b.due_at, b.id),
            Sort::Newest => (a.proposed_at, a.id) > (b.proposed_at, b.id),
            Sort::Sameness => a.type_name != b.type_name || (a.due_at, a.id) < (b.due_at, b.id),
        };
        assert!(listed.windows(2).all(|two| sorted(&two[0], &two[1])), "{sort:?}");
        if sort == Sort::Sameness {
            let changes = listed.windows(2).filter(|two| two[0].type_name != two[1].type_name).count();
            assert_eq!(changes, 2, "equal types stand together");
        }
    }
    let resolved = whole(&desk, QueueFilter { view: Some(View::Resolved), ..QueueFilter::default() }).await;
    assert!(resolved.iter().all(|item| item.resolution.as_ref().is_some_and(|resolution| {
        resolution.outcome == ResolutionOutcome::Rejected && resolution.by_rule.is_none()
    })));
    assert_eq!(resolved.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_an_id_finds_its_decision() {
    let desk = Desk::new().await;
    let waive = TypeDefinition { name: "refund.waive".into(), risk: Risk::Low, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), waive).await.unwrap();
    let issued = propose(&desk, "a", "40.00", "refund.issue").await;
    let waived = propose(&desk, "b", "40.00", "refund.waive").await;
    let body = r#"{"mode":"propose","external_id":"C-17","action":{"type":"refund.waive","parameters":{"order":"c","amount":"40.00"}}}"#;
    let named = id_of(&desk.propose("c", body).await.unwrap());
    let found = async |narrowed| {
        let filter = QueueFilter { view: Some(View::Team), narrowed, ..QueueFilter::default() };
        let view = ask(&desk, &desk.approver, filter).await.unwrap();
        view.items.iter().map(|item| item.id).collect::<Vec<_>>()
    };
    let all = Narrowed::default;

    assert_eq!(found(Narrowed { case: Some("C-17".into()), ..all() }).await, [named]);
    assert_eq!(found(Narrowed { case: Some("C-1".into()), ..all() }).await, [], "no part of a name");
    desk.review(&desk.approver, named, Verdict::Reject).await.unwrap();
    let resolved = async |who: &Caller, narrowed| {
        let filter = QueueFilter { view: Some(View::AllResolved), narrowed, ..QueueFilter::default() };
        let view = ask(&desk, who, filter).await.unwrap();
        view.items.iter().map(|item| item.id).collect::<Vec<_>>()
    };
    assert_eq!(resolved(&desk.approver_b, all()).await, [named], "whoever decided it");
    assert_eq!(resolved(&desk.auditor, Narrowed { case: Some("C-17".into()), ..all() }).await, [named]);
    let outcome = |outcome| Narrowed { outcome: Some(outcome), ..all() };
    assert_eq!(resolved(&desk.auditor, outcome(ResolutionOutcome::Rejected)).await, [named]);
    assert_eq!(resolved(&desk.auditor, outcome(ResolutionOutcome::Approved)).await, []);

    assert_eq!(found(Narrowed { risk: Some(Risk::Low), ..all() }).await, [waived]);
    assert_eq!(found(Narrowed { type_name: Some("refund.issue".into()), ..all() }).await, [issued]);
    assert_eq!(found(Narrowed { system: Some("refund-agent".into()), ..all() }).await.len(), 2);
    assert_eq!(found(Narrowed { system: Some("other".into()), ..all() }).await, []);
    assert_eq!(found(Narrowed { route: Some(Route::Require), ..all() }).await.len(), 2);
    assert_eq!(found(Narrowed { route: Some(Route::Escalate), ..all() }).await, []);
    assert_eq!(found(Narrowed { id: IdSearch::parse(&issued.short()).ok(), ..all() }).await, [issued]);
    assert_eq!(found(Narrowed { id: IdSearch::parse(&waived.to_string()).ok(), ..all() }).await, [waived]);
    let other = IdSearch::Short("00000000".into());
    assert_eq!(found(Narrowed { id: Some(other), ..all() }).await, []);
    let filter = QueueFilter { after: Some("n.1.x".into()), ..QueueFilter::default() };
    let Error::Refused(problem) = ask(&desk, &desk.approver, filter).await.unwrap_err() else { panic!("not refused") };
    assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidContent, "/after"));
}

/// What a screen shows is told of as far as its person may read it, wherever the page ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_screen_learns_what_became_of_its_rows_and_nothing_of_others() {
    let desk = Desk::new().await;
    let mut shown = Vec::new();
    for n in 0..53 {
        desk.clock.advance(1_000);
        shown.push(propose(&desk, &format!("order-{n}"), "40.00", "refund.issue").await);
    }
    let (rejected, last) = (shown[0], shown[52]);
    desk.review(&desk.approver_b, rejected, Verdict::Reject).await.unwrap();
    let filter =
        || QueueFilter { view: Some(View::Team), shown: vec![rejected, last, shown[5]], ..QueueFilter::default() };

    let told = ask(&desk, &desk.approver, filter()).await.unwrap();
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let viewer = desk.member("elsewhere", vec![Holding::on(Role::Viewer, vec![other])]).await;
    let foreign = ask(&desk, &viewer, filter()).await.unwrap();

    assert_eq!(told.kept.iter().map(|item| item.id).collect::<Vec<_>>(), [last], "beyond the page, and in the view");
    assert_eq!(told.left.len(), 1);
    let resolution = told.left[0].resolution.as_ref().unwrap();
    assert_eq!((told.left[0].id, resolution.outcome), (rejected, ResolutionOutcome::Rejected));
    assert!(foreign.kept.is_empty() && foreign.items.is_empty());
    assert!(foreign.left.iter().all(|left| left.resolution.is_none()), "who may not read it learns no outcome");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_seat_that_no_row_says_is_worked_out() {
    let office = Office::new().await;
    let desk = &office.desk;
    let staged =
        RuleForm { need_senior: "1".into(), staged: "true".into(), ..rule("staged", "require", "at_most", "200") };
    office.enforce(&[staged]).await;
    let id = propose(desk, "a", "40.00", "refund.issue").await;
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let turn = async |who: &Caller| {
        let view = ask(desk, who, QueueFilter { view: Some(View::YourTurn), ..QueueFilter::default() }).await.unwrap();
        view.items.len()
    };
    assert_eq!((turn(&desk.approver_b).await, turn(&office.senior).await), (0, 1));

    desk.database.attack("update decisions set senior_only = null").await;
    eventually(async || desk.database.number("select count(*) from decisions where senior_only").await == 1).await;

    assert_eq!((turn(&desk.approver_b).await, turn(&office.senior).await), (0, 1));
}

async fn propose(desk: &Desk, order: &str, amount: &str, type_name: &str) -> DecisionId {
    let body = format!(
        r#"{{"mode":"propose","action":{{"type":"{type_name}","parameters":{{"order":"{order}","amount":"{amount}"}}}}}}"#
    );
    id_of(&desk.propose(order, &body).await.unwrap())
}

async fn ask(desk: &Desk, who: &Caller, filter: QueueFilter) -> countersign_engine::Result<QueueView> {
    decisions::queue(&desk.engine, &again(who), filter).await
}

/// Every page of a list, as the approver turns them.
async fn whole(desk: &Desk, mut filter: QueueFilter) -> Vec<QueueItem> {
    let mut listed = Vec::new();
    loop {
        let page = ask(desk, &desk.approver, filter.clone()).await.unwrap();
        listed.extend(page.items);
        filter.after = page.older;
        if filter.after.is_none() {
            return listed;
        }
    }
}
