//! Staff that leaves: a seat that nobody can fill any more is told, on record, and no longer once people are back.

use countersign_domain::{
    administration::Health,
    holding::Holding,
    policy::view::RuleForm,
    role::Role,
    text::Reason,
    time::{DAY_MS, date},
    view::{NoticeKind, NoticeRow},
};
use countersign_engine::{
    Caller,
    absences::{self, AbsenceForm},
    delegations::{self, DelegationForm},
    health,
    owners::{self, NamingRequest},
    people,
    testing::{Desk, again},
};

use crate::policies::{Office, eventually, rule, verified};

const OPEN: &str = "select count(*) from staff_shortages where ended_at is null";
const SEALED: &str =
    "select count(*) from ledger_entries where convert_from(bytes, 'UTF8') like '%\"kind\":\"policy.staffed\"%'";

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_nobody_can_fill_is_told_and_no_longer_once_people_are_back() {
    let office = both().await;
    let desk = &office.desk;
    let senior = office.senior.person().unwrap();
    assert_eq!(reviewers(desk).await.0, Health::Fine);

    people::disable(&desk.engine, &again(&desk.admin), senior).await.unwrap();
    eventually(async || desk.database.number(OPEN).await == 1).await;

    let (state, value) = reviewers(desk).await;
    assert_eq!((state, value.as_str()), (Health::Watch, "Rule both lacks 1 senior approver for refund-agent."));
    let short = told(desk, &desk.admin, NoticeKind::StaffShort).await;
    assert_eq!(short[0].system.as_deref(), Some("Rule both lacks 1 senior approver for refund-agent"));
    assert_eq!(told(desk, &office.officer, NoticeKind::StaffShort).await.len(), 1);
    assert!(told(desk, &desk.approver, NoticeKind::StaffShort).await.is_empty());

    people::enable(&desk.engine, &again(&desk.admin), senior).await.unwrap();
    eventually(async || desk.database.number(OPEN).await == 0).await;

    assert_eq!(reviewers(desk).await.0, Health::Fine);
    assert_eq!(told(desk, &desk.admin, NoticeKind::StaffBack).await.len(), 1);
    assert_eq!(desk.database.number(SEALED).await, 2);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_told_once_whatever_else_changes() {
    let office = both().await;
    let desk = &office.desk;
    people::disable(&desk.engine, &again(&desk.admin), office.senior.person().unwrap()).await.unwrap();
    eventually(async || desk.database.number(OPEN).await == 1).await;

    desk.member("another", vec![Holding::everywhere(Role::Approver)]).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;

    assert_eq!(desk.database.number(SEALED).await, 1);
    assert_eq!(told(desk, &desk.admin, NoticeKind::StaffShort).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owns_the_system_fills_no_seat_of_it() {
    let office = both().await;
    let desk = &office.desk;
    let reason = Reason::new("They run it.").unwrap();
    let naming = NamingRequest { system: desk.system, login: "senior-a".into(), before: None, reason };

    owners::name(&desk.engine, &again(&desk.admin), naming).await.unwrap();

    eventually(async || desk.database.number(OPEN).await == 1).await;
    assert_eq!(reviewers(desk).await.1, "Rule both lacks 1 senior approver for refund-agent.");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_stands_in_for_whom_one_fills_a_seat() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[RuleForm { need: "3".into(), ..rule("three", "require", "at_most", "100") }]).await;
    assert_eq!(reviewers(desk).await.0, Health::Fine);

    let to = desk.approver_b.person().unwrap().to_string();
    let form = DelegationForm { to, until: next_week(desk), ..DelegationForm::default() };
    let given = delegations::give(&desk.engine, &again(&desk.approver), form).await.unwrap();

    eventually(async || desk.database.number(OPEN).await == 1).await;
    assert_eq!(reviewers(desk).await.1, "Rule three lacks 1 approver for refund-agent.");
    delegations::end(&desk.engine, &again(&desk.approver_b), given).await.unwrap();
    eventually(async || desk.database.number(OPEN).await == 0).await;
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_fills_no_seat_and_their_stand_in_does() {
    let office = both().await;
    let desk = &office.desk;
    let away = AbsenceForm { until: next_week(desk), ..AbsenceForm::default() };
    absences::set(&desk.engine, &again(&office.senior), away).await.unwrap();

    eventually(async || desk.database.number(OPEN).await == 1).await;
    assert_eq!(reviewers(desk).await.1, "Rule both lacks 1 senior approver for refund-agent.");

    let to = desk.approver.person().unwrap().to_string();
    let form = DelegationForm { to, until: next_week(desk), ..DelegationForm::default() };
    delegations::give(&desk.engine, &again(&office.senior), form).await.unwrap();
    eventually(async || desk.database.number(OPEN).await == 0).await;
    verified(desk).await;
}

/// What changed while no engine ran is found at its start, and what was known then is not told again.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_misses_nothing_and_repeats_nothing() {
    let mut office = both().await;
    let senior = office.senior.person().unwrap();
    office.desk.database.attack(&format!("update people set disabled_at = now() where id = '{senior}'")).await;
    assert_eq!(office.desk.database.number(OPEN).await, 0, "nothing says so to the engine that runs");

    office.desk.restart().await;
    eventually(async || office.desk.database.number(OPEN).await == 1).await;
    office.desk.restart().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;

    assert_eq!(office.desk.database.number(SEALED).await, 1);
}

/// A version that asks for fewer ends it as people do.
#[tokio::test(flavor = "multi_thread")]
async fn another_version_ends_what_the_one_before_lacked() {
    let office = both().await;
    let desk = &office.desk;
    people::disable(&desk.engine, &again(&desk.admin), office.senior.person().unwrap()).await.unwrap();
    eventually(async || desk.database.number(OPEN).await == 1).await;

    office.enforce(&[rule("one", "require", "at_most", "100")]).await;

    eventually(async || desk.database.number(OPEN).await == 0).await;
    verified(desk).await;
}

/// An office whose rule takes an approver and a senior approver, of whom there is one.
async fn both() -> Office {
    let office = Office::new().await;
    office.enforce(&[RuleForm { need_senior: "1".into(), ..rule("both", "require", "at_most", "100") }]).await;
    office
}

fn next_week(desk: &Desk) -> String {
    date(desk.engine.now() + 7 * DAY_MS)
}

/// What the health page says of reviewers.
async fn reviewers(desk: &Desk) -> (Health, String) {
    let view = health::view(&desk.engine, &again(&desk.admin)).await.unwrap();
    let line = view.lines.into_iter().find(|line| line.name == "Reviewers").unwrap();
    (line.state, line.value)
}

async fn told(desk: &Desk, caller: &Caller, kind: NoticeKind) -> Vec<NoticeRow> {
    let notices = people::me(&desk.engine, &again(caller)).await.unwrap().notices;
    notices.into_iter().filter(|notice| notice.kind == kind).collect()
}
