//! What people set for themselves: views of the queue and keys, seen and changed by nobody else, and on no record.

use countersign_domain::{
    decision::{Risk, Verdict},
    decision_type::TypeDefinition,
    holding::Holding,
    ids::{DecisionId, SavedViewId},
    keyboard::{Bound, KeyMap, KeyName},
    problem::{Code, Problem},
    queue::{Asked, IdSearch, Narrowed, Sort, View},
    role::Role,
    saved::{SavedView, ViewName},
};
use countersign_engine::{
    Caller, Error, Result, decision_types,
    decisions::{self, QueueFilter},
    keyboard, people,
    saved_views::{self, Move},
    testing::{Desk, again, id_of, refund},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_view_counts_what_it_lists_for_whoever_keeps_it() {
    let desk = Desk::new().await;
    let waive = TypeDefinition { name: "refund.waive".into(), risk: Risk::High, ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), waive).await.unwrap();
    let senior = desk.member("senior", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let issued: Vec<_> = [1, 2, 3].map(|n| ("refund.issue", n)).into_iter().chain([("refund.waive", 4)]).collect();
    let mut all = Vec::new();
    for (name, order) in issued {
        all.push(propose(&desk, &format!("order-{order}"), name).await);
    }
    desk.review(&desk.approver, all[0], Verdict::Reject).await.unwrap();
    let narrowed = [
        Narrowed::default(),
        Narrowed { risk: Some(Risk::High), ..Narrowed::default() },
        Narrowed { type_name: Some("refund.issue".into()), ..Narrowed::default() },
        Narrowed { system: Some("no such system".into()), ..Narrowed::default() },
    ];

    let mut counted = 0;
    for who in [&desk.approver, &senior, &desk.auditor] {
        for view in View::ALL.iter().copied() {
            for narrowed in &narrowed {
                let asked = Asked { view, sort: Sort::Risk, narrowed: narrowed.clone() };
                let id = save(&desk, who, "Mine", asked.clone()).await.unwrap();
                let filter = QueueFilter {
                    view: Some(view),
                    sort: Sort::Risk,
                    narrowed: narrowed.clone(),
                    ..QueueFilter::default()
                };
                let page = decisions::queue(&desk.engine, &again(who), filter).await.unwrap();
                let [own] = &page.saved[..] else { panic!("{:?}", page.saved) };
                assert_eq!((own.saved.id, &own.saved.asked), (id, &asked));
                assert_eq!(own.count as usize, page.items.len(), "{view:?}, {narrowed:?}, {who:?}");
                counted += own.count;
                saved_views::remove(&desk.engine, &again(who), id).await.unwrap();
            }
        }
    }
    assert!(counted > 20, "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_renamed_ordered_and_removed_by_who_keeps_them_and_by_nobody_else() {
    let desk = Desk::new().await;
    let [one, two, three] = [
        save(&desk, &desk.approver, "One", team()).await.unwrap(),
        save(&desk, &desk.approver, "Two", team()).await.unwrap(),
        save(&desk, &desk.approver, "Three", team()).await.unwrap(),
    ];
    let entries = desk.database.number("select count(*) from ledger_entries").await;

    saved_views::shift(&desk.engine, &again(&desk.approver), three, Move::Up).await.unwrap();
    saved_views::shift(&desk.engine, &again(&desk.approver), three, Move::Up).await.unwrap();
    saved_views::shift(&desk.engine, &again(&desk.approver), three, Move::Up).await.unwrap();
    saved_views::shift(&desk.engine, &again(&desk.approver), two, Move::Down).await.unwrap();
    saved_views::rename(&desk.engine, &again(&desk.approver), one, name("First")).await.unwrap();
    assert_eq!(names(&desk, &desk.approver).await, ["Three", "First", "Two"]);
    saved_views::remove(&desk.engine, &again(&desk.approver), three).await.unwrap();
    assert_eq!(names(&desk, &desk.approver).await, ["First", "Two"]);
    save(&desk, &desk.approver, "Three", team()).await.unwrap();
    assert_eq!(names(&desk, &desk.approver).await, ["First", "Two", "Three"]);

    let taken = saved_views::rename(&desk.engine, &again(&desk.approver), one, name("Two")).await.unwrap_err();
    let other = again(&desk.approver_b);
    let foreign = [
        saved_views::rename(&desk.engine, &other, one, name("Mine")).await.unwrap_err(),
        saved_views::shift(&desk.engine, &other, one, Move::Down).await.unwrap_err(),
        saved_views::remove(&desk.engine, &other, one).await.unwrap_err(),
    ];
    assert_eq!(problem(taken).code, Code::NameTaken);
    for error in foreign {
        assert_eq!(problem(error).code, Code::NotFound);
    }
    assert_eq!(names(&desk, &desk.approver).await, ["First", "Two", "Three"]);
    assert!(names(&desk, &desk.approver_b).await.is_empty());
    let after = desk.database.number("select count(*) from ledger_entries").await;
    assert_eq!(after, entries, "nobody's own views are on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twenty_first_view_a_taken_name_and_a_look_up_are_refused() {
    let desk = Desk::new().await;
    let first = save(&desk, &desk.approver, "View 1", team()).await.unwrap();
    for number in 2..=20 {
        save(&desk, &desk.approver, &format!("View {number}"), team()).await.unwrap();
    }

    let full = save(&desk, &desk.approver, "View 21", team()).await.unwrap_err();
    let again_the_same = save(&desk, &desk.approver, "View 1", team()).await.unwrap();
    let other = Asked { sort: Sort::Newest, ..team() };
    let taken = save(&desk, &desk.approver, "View 1", other).await.unwrap_err();
    let id = Some(IdSearch::Short("886b812a".into()));
    let look_up = Asked { narrowed: Narrowed { id, ..Narrowed::default() }, ..team() };
    let one = save(&desk, &desk.approver_b, "One", look_up).await.unwrap_err();

    assert_eq!(again_the_same, first, "sent twice, it is one");
    assert_eq!(problem(taken).code, Code::NameTaken);
    assert!(problem(full).detail.contains("Remove one"));
    assert!(problem(one).detail.contains("Take the id away"));
    assert_eq!(names(&desk, &desk.approver).await.len(), 20);
    assert_eq!(desk.database.number("select count(*) from saved_views").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_views_that_are_saved_at_once_twenty_stand_in_an_order() {
    let desk = Desk::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..25 {
        let (engine, caller) = (desk.engine.clone(), again(&desk.approver));
        tasks.spawn(async move { saved_views::save(&engine, &caller, name(&format!("View {number}")), team()).await });
    }

    let saved = tasks.join_all().await;

    let refused: Vec<_> = saved.into_iter().filter_map(Result::err).map(problem).collect();
    assert_eq!(refused.len(), 5);
    assert!(refused.iter().all(|problem| problem.detail.contains("Remove one")), "{refused:?}");
    assert_eq!(names(&desk, &desk.approver).await.len(), 20);
    let places = "select count(distinct place) from saved_views where place between 1 and 20";
    assert_eq!(desk.database.number(places).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_changed_put_back_and_switched_off_for_one_person() {
    let desk = Desk::new().await;
    let entries = desk.database.number("select count(*) from ledger_entries").await;

    bind(&desk, Bound::Approve, "z").await.unwrap();
    bind(&desk, Bound::Reject, "a").await.unwrap();
    keyboard::switch(&desk.engine, &again(&desk.approver), true).await.unwrap();
    let keys = keys_of(&desk, &desk.approver).await;
    assert!(keys.off);
    assert_eq!((keys.key(Bound::Approve), keys.key(Bound::Reject), keys.key(Bound::Next)), ("z", "a", "j"));
    assert_eq!(keys_of(&desk, &desk.approver_b).await, KeyMap::default());

    keyboard::switch(&desk.engine, &again(&desk.approver), false).await.unwrap();
    let taken = keyboard::reset(&desk.engine, &again(&desk.approver), Some(Bound::Approve)).await.unwrap_err();
    let taken = problem(taken);
    assert_eq!(taken.code, Code::InvalidContent);
    assert!(taken.errors[0].detail.contains("“Reject” has this key"), "{taken:?}");
    assert_eq!(taken.errors[0].pointer, "/key-approve");
    keyboard::reset(&desk.engine, &again(&desk.approver), Some(Bound::Reject)).await.unwrap();
    keyboard::reset(&desk.engine, &again(&desk.approver), Some(Bound::Approve)).await.unwrap();
    assert_eq!(keys_of(&desk, &desk.approver).await, KeyMap::default());

    bind(&desk, Bound::Next, "n").await.unwrap();
    bind(&desk, Bound::Next, "j").await.unwrap();
    assert_eq!(desk.database.number("select count(*) from key_bindings").await, 0, "everybody's key is no change");
    bind(&desk, Bound::Next, "n").await.unwrap();
    bind(&desk, Bound::Open, "j").await.unwrap();
    keyboard::reset(&desk.engine, &again(&desk.approver), None).await.unwrap();
    assert_eq!(keys_of(&desk, &desk.approver).await, KeyMap::default());
    let after = desk.database.number("select count(*) from ledger_entries").await;
    assert_eq!(after, entries, "nobody's own keys are on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_cannot_give_two_verdicts_one_key() {
    let desk = Desk::new().await;

    let (one, other) = tokio::join!(bind(&desk, Bound::Approve, "z"), bind(&desk, Bound::Reject, "z"));

    let refused = [one, other].into_iter().filter_map(Result::err).map(problem).collect::<Vec<_>>();
    let [refused] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!(refused.code, Code::InvalidContent);
    assert_eq!(desk.database.number("select count(*) from key_bindings where key = 'z'").await, 1);
}

async fn propose(desk: &Desk, order: &str, type_name: &str) -> DecisionId {
    let body = format!(
        r#"{{"mode":"propose","action":{{"type":"{type_name}","parameters":{{"order":"{order}","amount":"40.00"}}}}}}"#
    );
    id_of(&desk.propose(order, &body).await.unwrap())
}

async fn save(desk: &Desk, who: &Caller, called: &str, asked: Asked) -> Result<SavedViewId> {
    saved_views::save(&desk.engine, &again(who), name(called), asked).await
}

async fn names(desk: &Desk, who: &Caller) -> Vec<String> {
    let views = saved_views::list(&desk.engine, &again(who)).await.unwrap();
    views.into_iter().map(|SavedView { name, .. }| name).collect()
}

async fn bind(desk: &Desk, bound: Bound, key: &str) -> Result<()> {
    keyboard::bind(&desk.engine, &again(&desk.approver), bound, KeyName::new(key).unwrap()).await
}

async fn keys_of(desk: &Desk, who: &Caller) -> KeyMap {
    people::me(&desk.engine, &again(who)).await.unwrap().keys
}

fn team() -> Asked {
    Asked { view: View::Team, sort: Sort::Deadline, narrowed: Narrowed::default() }
}

fn name(text: &str) -> ViewName {
    ViewName::new(text).unwrap()
}

fn problem(error: Error) -> Problem {
    Problem::from(error)
}
