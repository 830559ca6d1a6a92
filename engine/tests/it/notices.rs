//! Notices outside the page: what is sent to whom, once, how often, and what becomes of what does not arrive.

use std::sync::{Mutex, PoisonError};

use countersign_domain::{
    decision::{ReasonCode, Verdict},
    holding::{Holding, Source},
    ids::{ChannelId, DecisionId, MessageId, PersonId},
    notice::{ChannelForm, Topic},
    overrides::PostReviewResult,
    problem::{Code, Problem},
    role::Role,
    text::Reason,
    time::{DAY_MS, date},
    view::NoticeKind,
};
use countersign_engine::{
    Caller, Engine, Error, decisions,
    delegations::{self, DelegationForm},
    notices::{
        self, channels,
        deliver::{Carried, Carrier, Failure, Letter, Way, send_due},
        preferences,
    },
    owners::{self, NamingRequest},
    people, post_reviews, systems,
    testing::{Desk, TestClock, again, take_over},
};
use countersign_ledger::verify::Status;

use crate::policies::eventually;

const HOOK: &str = "https://hooks.example.org/services/T000/B000/secret-path";
const HOUR: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn whose_turn_it_is_gets_one_message_that_names_nothing_but_the_case() {
    let (mut desk, _) = desk().await;
    let id = desk.queued_decision().await;
    let post = Post::default();

    assert_eq!(send(&desk, &post).await, 1);
    assert_eq!(send(&desk, &post).await, 0);
    desk.restart().await;
    assert_eq!(send(&desk, &post).await, 0, "what was sent is sent after a restart no more");

    let sent = post.sent();
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, "ben@example.org"), "others have no address");
    assert_eq!(sent[0].lines.len(), 1);
    let (line, link) = &sent[0].lines[0];
    assert!(line.starts_with("A decision waits for you: refund-agent, refund.issue, medium risk, "), "{line}");
    assert!(line.contains(" left") && line.ends_with(&id.short()), "{line}");
    assert_eq!(*link, format!("http://127.0.0.1:3000/decisions/{id}"));
    let all = format!("{:?}", sent[0]);
    for kept in ["4711", "40.00", "parcel", "Approver", "Ben"] {
        assert!(!all.contains(kept), "{kept} in {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stands_in_for_a_reviewer_is_told_whose_turn_it_is_as_they_are() {
    let (desk, _) = desk().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    let ana = desk.member("ana@example.org", vec![Holding::on(Role::Approver, vec![other])]).await;
    let form = DelegationForm {
        to: ana.person().unwrap().to_string(),
        until: date(desk.engine.now() + DAY_MS),
        ..DelegationForm::default()
    };
    let delegation = delegations::give(&desk.engine, &again(&desk.approver), form).await.unwrap();
    let id = desk.queued_decision().await;
    let post = Post::default();
    send(&desk, &post).await;

    let sent = post.sent();
    let to_ana: Vec<_> = sent.iter().filter(|sent| sent.to == "ana@example.org").flat_map(|sent| &sent.lines).collect();
    assert_eq!(to_ana.len(), 2, "{sent:?}");
    assert!(to_ana.iter().any(|(line, link)| line.starts_with("Who reviews in whose place") && link.ends_with("/me")));
    assert!(to_ana.iter().any(|(line, link)| {
        line.starts_with("A decision waits for you") && link.ends_with(&format!("/decisions/{id}"))
    }));

    delegations::end(&desk.engine, &again(&desk.approver), delegation).await.unwrap();
    desk.clock.advance(10 * 60_000);
    desk.queued_decision().await;
    let post = Post::default();
    send(&desk, &post).await;
    let sent = post.sent();
    let to_ana: Vec<_> = sent.iter().filter(|sent| sent.to == "ana@example.org").flat_map(|sent| &sent.lines).collect();
    assert!(to_ana.len() == 1 && to_ana[0].1.ends_with("/me"), "told that it is over, and of no decision: {sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_channel_nothing_is_left_to_be_told() {
    let desk = Desk::new().await;
    desk.queued_decision().await;

    assert_eq!(send(&desk, &Post::default()).await, 0);
    assert_eq!(desk.database.number("select count(*) from notice_causes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_it_was_sent_is_dropped() {
    let (desk, _) = desk().await;
    let post = Post::default();
    let dropped = "select count(*) from notice_messages where state = 'dropped'";
    let early = desk.queued_decision().await;
    desk.review(&desk.approver, early, Verdict::Reject).await.unwrap();
    send(&desk, &post).await;
    assert_eq!((post.sent().len(), desk.database.number(dropped).await), (0, 0), "nobody is written to at all");

    let id = desk.queued_decision().await;
    post.fail(Some(Failure { words: "The mail server took too long.".into(), lasting: false }));
    assert_eq!(send(&desk, &post).await, 1);
    post.fail(None);
    desk.review(&desk.approver, id, Verdict::Reject).await.unwrap();
    desk.clock.advance(60_000);
    send(&desk, &post).await;
    assert_eq!((post.sent().len(), desk.database.number(dropped).await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_to_one_person_are_a_digest_and_then_they_are_left_alone_for_a_while() {
    let (desk, _) = desk().await;
    let post = Post::default();
    for _ in 0..3 {
        desk.queued_decision().await;
    }

    assert_eq!(send(&desk, &post).await, 1);
    desk.queued_decision().await;
    assert_eq!(send(&desk, &post).await, 0, "a person is left alone");
    desk.queued_decision().await;
    desk.clock.advance(5 * 60_000);
    assert_eq!(send(&desk, &post).await, 1);

    let sent = post.sent();
    assert_eq!(sent.iter().map(|sent| sent.lines.len()).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(sent[0].subject, "Countersign: 3 notices");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_tried_later_given_up_in_the_end_and_sent_when_an_admin_says_so() {
    let (desk, _) = desk().await;
    let ada = desk.member("ada@example.org", vec![Holding::everywhere(Role::Admin)]).await;
    let channel = list(&desk).await.channels[0].id;
    channels::test(&desk.engine, &again(&ada), channel).await.unwrap();
    let post = Post::default();
    post.fail(Some(Failure { words: "The mail server took too long.".into(), lasting: false }));

    assert_eq!(send(&desk, &post).await, 1);
    assert_eq!(send(&desk, &post).await, 0, "not at once");
    let waiting = list(&desk).await.channels.remove(0);
    assert_eq!((waiting.waiting_count, waiting.last_error.as_deref()), (1, Some("The mail server took too long.")));
    desk.clock.advance(20_000);
    assert_eq!(send(&desk, &post).await, 0, "half a minute, or a quarter less");
    for tries in 2..=10 {
        desk.clock.advance(40_000 << (tries - 2));
        assert_eq!(send(&desk, &post).await, 1, "try {tries}");
    }
    desk.clock.advance(10 * HOUR);
    assert_eq!(send(&desk, &post).await, 0, "it is given up");
    let failed = list(&desk).await.failed;
    assert_eq!(failed.len(), 1);
    let row = &failed[0];
    assert_eq!((row.tries, row.topic, row.person.as_deref()), (10, Topic::Test, Some("ada@example.org")));
    assert_eq!(row.error, "The mail server took too long.");

    post.fail(None);
    let refused = channels::retry(&desk.engine, &again(&desk.approver), row.id).await.unwrap_err();
    assert_eq!(problem(refused).code, Code::Forbidden);
    channels::retry(&desk.engine, &again(&desk.admin), row.id).await.unwrap();
    assert_eq!(send(&desk, &post).await, 1);
    assert_eq!(post.lines(), ["This is a test message"]);
    assert_eq!(list(&desk).await.failed, []);
    let twice = channels::retry(&desk.engine, &again(&desk.admin), row.id).await.unwrap_err();
    assert_eq!(problem(twice).code, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_second_try_changes_is_given_up_at_once() {
    let (desk, _) = desk().await;
    desk.queued_decision().await;
    let post = Post::default();
    post.fail(Some(Failure { words: "The mail server refused it with 550.".into(), lasting: true }));

    send(&desk, &post).await;
    let failed = list(&desk).await.failed.remove(0);
    assert_eq!(failed.tries, 1);
    post.fail(None);
    channels::retry(&desk.engine, &again(&desk.admin), failed.id).await.unwrap();
    assert_eq!(send(&desk, &post).await, 1);
    let row = list(&desk).await.channels.remove(0);
    assert_eq!((row.last_error, row.sent_count), (None, 1));
    assert_eq!(post.sent().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_comes_back_late_settles_nothing_and_the_message_keeps_its_name() {
    let (desk, _) = desk().await;
    desk.queued_decision().await;
    let (engine, clock) = (desk.engine.clone(), desk.clock.clone());
    let slow = Slow { engine, clock, other: Post::default(), seen: Mutex::default() };

    send_due(&desk.engine, &slow).await.unwrap();

    let sent = slow.other.sent();
    let seen = slow.seen.lock().unwrap().clone();
    assert_eq!(sent.len(), 1, "the next worker sends it");
    assert_eq!(seen, [sent[0].id], "under the same name");
    let state = "select count(*) from notice_messages where state = 'sent' and tries = 2 and error is null";
    assert_eq!(desk.database.number(state).await, 1, "what the late one says of it counts for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_reminded_at_half_and_at_four_fifths_and_one_more_is_asked_by_name() {
    let (desk, ben) = desk().await;
    let id = desk.queued_decision().await;
    let post = Post::default();
    send(&desk, &post).await;
    let whole = span(&desk, id).await;
    let version = version(&desk, id).await;

    desk.clock.advance(whole / 2);
    eventually(async || reminders(&desk).await == 1).await;
    send(&desk, &post).await;
    let sent = post.sent();
    let lines: Vec<_> = sent[1..].iter().flat_map(|sent| &sent.lines).map(|(line, _)| line.as_str()).collect();
    assert!(lines.iter().any(|line| line.starts_with("A decision still waits for you")), "{lines:?}");
    let asked = invited(&desk).await;
    assert_eq!(asked.len(), 1, "one is asked by name");
    let of_ben = people::me(&desk.engine, &again(&ben)).await.unwrap().notices;
    let told = of_ben.iter().any(|notice| notice.kind == NoticeKind::Invited);
    assert_eq!(told, asked[0] == ben.person().unwrap());

    desk.clock.advance(whole * 3 / 10);
    eventually(async || reminders(&desk).await == 2).await;
    send(&desk, &post).await;
    let lines = post.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("A decision still waits for you")).count(), 2);
    assert_eq!(invited(&desk).await, asked, "once");
    assert_eq!(self::version(&desk, id).await, version, "it is no news to the AI system");
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_of_one_decision_more_often_than_the_channel_says() {
    let (desk, _) = desk_with(ChannelForm { span: "1440".into(), ..mail() }).await;
    let id = desk.queued_decision().await;
    let post = Post::default();
    send(&desk, &post).await;
    let whole = span(&desk, id).await;

    desk.clock.advance(whole / 2);
    eventually(async || reminders(&desk).await == 1).await;
    send(&desk, &post).await;
    desk.clock.advance(whole * 3 / 10);
    eventually(async || reminders(&desk).await == 2).await;
    send(&desk, &post).await;

    let reminded = post.lines().iter().filter(|line| line.starts_with("A decision still waits")).count();
    assert_eq!(reminded, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_have_reviewed_it_learns_that_the_deadline_passed() {
    let (desk, _) = desk().await;
    let id = desk.queued_decision().await;
    let post = Post::default();
    send(&desk, &post).await;

    desk.clock.advance(span(&desk, id).await + 1);
    let resolved = "select count(*) from resolutions where outcome = 'expired'";
    eventually(async || desk.database.number(resolved).await == 1).await;
    send(&desk, &post).await;

    let last = post.lines().pop().unwrap();
    assert!(last.starts_with("The deadline of a decision has passed: refund-agent"), "{last}");
    assert!(!last.contains("left"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_review_was_taken_over_is_told() {
    let (desk, ben) = desk().await;
    let id = desk.queued_decision().await;
    let held = desk.open_form(&ben, id, Verdict::Approve).await.unwrap();
    let post = Post::default();
    send(&desk, &post).await;

    take_over(&desk.engine, &again(&desk.approver), id, held.lease).await.unwrap();
    desk.clock.advance(5 * 60_000);
    send(&desk, &post).await;

    assert!(post.lines().iter().any(|line| line.starts_with("Your review was taken over")), "{:?}", post.lines());
    let told = people::me(&desk.engine, &again(&ben)).await.unwrap().notices;
    assert!(told.iter().any(|notice| notice.kind == NoticeKind::TakenOver && notice.decision == Some(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_does_without_what_they_choose_and_never_without_what_guards_the_installation() {
    let (desk, ben) = desk().await;
    let ada = desk.member("ada@example.org", vec![Holding::everywhere(Role::Admin)]).await;
    preferences::set(&desk.engine, &again(&ben), &[]).await.unwrap();
    preferences::set(&desk.engine, &again(&ada), &[]).await.unwrap();
    let view = preferences::view(&desk.engine, &again(&ben)).await.unwrap();
    assert_eq!((view.address.as_deref(), view.mailed), (Some("ben@example.org"), true));
    assert!(view.topics.iter().all(|(topic, wanted)| topic.is_optional() && !wanted));
    let post = Post::default();

    desk.queued_decision().await;
    assert_eq!(send(&desk, &post).await, 0);

    // Nobody is left who reviews.
    for person in [&desk.approver, &desk.approver_b, &ben] {
        desk.reconcile(person.person().unwrap(), Source::Hand, Vec::new()).await.unwrap();
    }
    let short = "select count(*) from staff_shortages where ended_at is null";
    eventually(async || desk.database.number(short).await > 0).await;
    desk.queued_decision().await;
    send(&desk, &post).await;
    assert!(post.sent().iter().all(|sent| sent.to == "ada@example.org"), "{:?}", post.sent());
    let lines = post.lines();
    assert!(lines.contains(&"A decision waits, and nobody may review it: refund-agent".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("Too few people can decide: Rule ")), "{lines:?}");
    let told = people::me(&desk.engine, &again(&ada)).await.unwrap().notices;
    let nobody: Vec<_> = told.iter().filter(|notice| notice.kind == NoticeKind::NobodyReviews).collect();
    assert_eq!(nobody.iter().map(|notice| notice.decision).collect::<Vec<_>>(), [None], "not all may read it");

    desk.queued_decision().await;
    assert_eq!(send(&desk, &post).await, 0, "once, until it is read");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_told_what_is_theirs_and_seniors_what_they_look_at_afterwards() {
    let (desk, _) = desk().await;
    desk.member("kim@example.org", vec![Holding::everywhere(Role::Viewer)]).await;
    let sam = desk.member("sam@example.org", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let sue = desk.member("sue@example.org", vec![Holding::everywhere(Role::SeniorApprover)]).await;
    let says = |text: &str| Reason::new(text).unwrap();
    let request =
        NamingRequest { system: desk.system, login: "kim@example.org".into(), before: None, reason: says("Runs it.") };
    owners::name(&desk.engine, &again(&desk.admin), request).await.unwrap();
    let asked = desk.queued_decision().await;
    desk.review(&desk.approver, asked, Verdict::RequestChanges).await.unwrap();
    let revoked = desk.queued_decision().await;
    desk.review(&desk.approver, revoked, Verdict::Approve).await.unwrap();
    desk.sealed().await;
    let (engine, code) = (&desk.engine, ReasonCode::AgainstPolicy);
    decisions::revoke(engine, &again(&sam), revoked, code, says("Paid twice.")).await.unwrap();
    let act = decisions::view(engine, &again(&sue), revoked).await.unwrap().post_reviews[0].act;
    let post = Post::default();
    send(&desk, &post).await;

    let of = |to: &str| -> Vec<String> {
        let sent = post.sent();
        let lines = sent.iter().filter(|sent| sent.to == to).flat_map(|sent| sent.lines.clone());
        lines.map(|(line, link)| format!("{line} {link}")).collect()
    };
    let kim = of("kim@example.org");
    assert_eq!(kim.len(), 2, "{kim:?}");
    assert!(kim[0].starts_with("You own an AI system from now on, or no longer: refund-agent "), "{kim:?}");
    assert!(kim[1].starts_with("An AI system that you own was asked for a change: refund-agent, "), "{kim:?}");
    assert!(kim[1].ends_with(&format!("/decisions/{asked}")), "{kim:?}");
    let waits = "Something done against the policy waits for another person to look at it: refund-agent, ";
    assert!(of("sue@example.org").iter().any(|said| said.starts_with(waits) && said.ends_with("/post-reviews")));
    assert!(!of("sam@example.org").iter().any(|said| said.starts_with(waits)), "who did it does not look at it");

    post_reviews::give(engine, &again(&sue), act, PostReviewResult::NotUpheld, says("Once.")).await.unwrap();
    desk.clock.advance(5 * 60_000);
    send(&desk, &post).await;
    let upheld = "Somebody looked at what you did, and did not uphold it: refund-agent, ";
    assert!(of("sam@example.org").iter().any(|said| said.starts_with(upheld)), "{:?}", of("sam@example.org"));
    for said in post.lines() {
        assert!(!said.contains("Paid twice") && !said.contains("Once.") && !said.contains("Runs it"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_role_or_the_account_before_it_was_sent_is_told_nothing() {
    let (desk, ben) = desk().await;
    let cem = desk.member("cem@example.org", vec![Holding::everywhere(Role::Approver)]).await;
    desk.queued_decision().await;
    let post = Post::default();
    post.fail(Some(Failure { words: "later".into(), lasting: false }));
    assert_eq!(send(&desk, &post).await, 2);

    desk.reconcile(ben.person().unwrap(), Source::Hand, Vec::new()).await.unwrap();
    people::disable(&desk.engine, &again(&desk.admin), cem.person().unwrap()).await.unwrap();
    desk.clock.advance(60_000);
    post.fail(None);
    send(&desk, &post).await;

    assert_eq!(post.sent().len(), 0);
    assert_eq!(desk.database.number("select count(*) from notice_messages where state = 'dropped'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_told_once_and_of_its_own_ai_system_only() {
    let desk = Desk::new().await;
    let other = countersign_engine::systems::register(&desk.engine, &again(&desk.admin), "other-agent").await.unwrap();
    add(&desk, room("Everything", ""), HOOK).await.unwrap();
    add(&desk, room("Elsewhere", &other.to_string()), HOOK).await.unwrap();
    add(&desk, room("Here", &desk.system.to_string()), HOOK).await.unwrap();
    let post = Post::default();
    desk.queued_decision().await;

    assert_eq!(send(&desk, &post).await, 2);
    let sent = post.sent();
    assert!(sent.iter().all(|sent| sent.to == HOOK), "{sent:?}");
    assert!(sent[0].lines[0].0.starts_with("A decision waits for a review: refund-agent"));
    // A second event of the same moment of the case is no second message.
    assert_eq!(send(&desk, &post).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_sealed_acts_of_admins_and_their_secrets_are_shown_to_nobody() {
    let desk = Desk::new().await;
    let officer = desk.member("officer-a", vec![Holding::everywhere(Role::ComplianceOfficer)]).await;
    let id = add(&desk, room("Room", ""), HOOK).await.unwrap();
    let mail_id = add(&desk, ChannelForm { account: "desk".into(), ..mail() }, "pass word").await.unwrap();

    let found = "select count(*) from channels where position('secret-path'::bytea in secret) > 0 or position('pass word'::bytea in secret) > 0";
    assert_eq!(desk.database.number(found).await, 0);
    let shown = serde_json::to_string(&list(&desk).await).unwrap();
    assert!(!shown.contains("secret-path") && !shown.contains("pass word") && shown.contains("hooks.example.org"));
    let view = channels::list(&desk.engine, &again(&officer)).await.unwrap();
    assert_eq!((view.channels.len(), view.may_change), (2, false));

    for refused in [
        channels::pause(&desk.engine, &again(&officer), id).await.unwrap_err(),
        channels::test(&desk.engine, &again(&desk.approver), id).await.unwrap_err(),
        channels::list(&desk.engine, &again(&desk.approver)).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(problem(refused).code, Code::Forbidden);
    }
    assert_eq!(problem(add(&desk, room("room", ""), HOOK).await.unwrap_err()).code, Code::NameTaken);
    let second = ChannelForm { name: "Other".into(), ..mail() };
    assert_eq!(problem(add(&desk, second, "").await.unwrap_err()).code, Code::InvalidTransition);
    let elsewhere = ChannelForm { host: "evil.example.org".into(), account: "desk".into(), ..mail() };
    let moved = channels::change(&desk.engine, &again(&desk.admin), mail_id, elsewhere, "").await.unwrap_err();
    assert_eq!(problem(moved).errors[0].pointer, "/secret", "a password goes to no other server");
    let bare = ChannelForm { tls: "plain".into(), account: "desk".into(), ..mail() };
    let bare = channels::change(&desk.engine, &again(&desk.admin), mail_id, bare, "").await.unwrap_err();
    assert_eq!(problem(bare).errors[0].pointer, "/tls");

    let engine = &desk.engine;
    channels::change(engine, &again(&desk.admin), id, ChannelForm { span: "240".into(), ..room("Room", "") }, "")
        .await
        .unwrap();
    channels::pause(engine, &again(&desk.admin), id).await.unwrap();
    let twice = channels::pause(engine, &again(&desk.admin), id).await.unwrap_err();
    assert_eq!(problem(twice).code, Code::InvalidTransition);
    let paused = channels::test(engine, &again(&desk.admin), id).await.unwrap_err();
    assert_eq!(problem(paused).code, Code::InvalidTransition);
    channels::resume(engine, &again(&desk.admin), id).await.unwrap();
    let nowhere = channels::test(engine, &again(&desk.admin), mail_id).await.unwrap_err();
    assert!(problem(nowhere).detail.contains("no e-mail address"));
    channels::test(engine, &again(&desk.admin), id).await.unwrap();
    let post = Post::default();
    assert_eq!(send(&desk, &post).await, 1);
    assert_eq!(post.lines(), ["This is a test message"]);
    desk.queued_decision().await;
    channels::remove(engine, &again(&desk.admin), id).await.unwrap();
    channels::remove(engine, &again(&desk.admin), mail_id).await.unwrap();
    assert_eq!(desk.database.number("select count(*) from channels where secret is not null").await, 0);
    assert_eq!(send(&desk, &post).await, 0, "what waits for a channel goes with it");
    let gone = channels::test(engine, &again(&desk.admin), id).await.unwrap_err();
    assert_eq!(problem(gone).code, Code::NotFound);
    let sealed = "select count(*) from ledger_entries where encode(bytes, 'escape') like '%\"kind\":\"channel.%'";
    assert_eq!(desk.database.number(sealed).await, 7, "two added, one changed, paused and resumed, two removed");
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_does_not_take_is_not_done() {
    let (desk, ben) = desk().await;
    let room = add(&desk, room("Room", ""), HOOK).await.unwrap();
    desk.queued_decision().await;
    let post = Post::default();
    post.fail(Some(Failure { words: "The server refused it with 550.".into(), lasting: true }));
    send(&desk, &post).await;
    let failed = list(&desk).await.failed;
    let unread = format!(
        "insert into notices (id, person_id, kind, at, about_system, entry_id)
         select gen_random_uuid(), '{}', '{}', 'epoch', 'refund-agent', id from ledger_entries limit 1",
        ben.person().unwrap(),
        NoticeKind::NobodyReviews.word(),
    );
    desk.database.attack(&unread).await;
    let engine = &desk.engine;

    desk.database.attack("revoke insert on ledger_entries from countersign_app").await;
    assert!(channels::test(engine, &again(&desk.admin), room).await.is_err());
    assert!(channels::retry(engine, &again(&desk.admin), failed[0].id).await.is_err());
    assert!(preferences::set(engine, &again(&ben), &[]).await.is_err());
    assert!(notices::read(engine, &again(&ben), engine.now()).await.is_err());
    desk.database.attack("grant insert on ledger_entries to countersign_app").await;

    assert_eq!(list(&desk).await.failed, failed);
    for nothing in [
        "select count(*) from notice_messages where topic = 'test'",
        "select count(*) from notice_preferences",
        "select count(*) from notices where read_at is not null",
    ] {
        assert_eq!(desk.database.number(nothing).await, 0, "{nothing}");
    }
    channels::test(engine, &again(&desk.admin), room).await.unwrap();
    channels::retry(engine, &again(&desk.admin), failed[0].id).await.unwrap();
    preferences::set(engine, &again(&ben), &[]).await.unwrap();
    notices::read(engine, &again(&ben), engine.now()).await.unwrap();
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_channel_sends_nothing_and_goes_on_afterwards() {
    let (desk, _) = desk().await;
    desk.queued_decision().await;
    let post = Post::default();
    post.fail(Some(Failure { words: "later".into(), lasting: false }));
    send(&desk, &post).await;
    let id = list(&desk).await.channels[0].id;

    channels::pause(&desk.engine, &again(&desk.admin), id).await.unwrap();
    desk.clock.advance(60_000);
    post.fail(None);
    desk.queued_decision().await;
    assert_eq!(send(&desk, &post).await, 0);
    channels::resume(&desk.engine, &again(&desk.admin), id).await.unwrap();
    assert_eq!(send(&desk, &post).await, 1);
    assert_eq!(post.sent()[0].lines.len(), 1, "what came meanwhile is in the queue");
}

/// A desk with a mail server and one approver who has an address.
async fn desk() -> (Desk, Caller) {
    desk_with(mail()).await
}

async fn desk_with(form: ChannelForm) -> (Desk, Caller) {
    let desk = Desk::new().await;
    let ben = desk.member("ben@example.org", vec![Holding::everywhere(Role::Approver)]).await;
    add(&desk, form, "").await.unwrap();
    (desk, ben)
}

fn mail() -> ChannelForm {
    ChannelForm {
        name: "Mail".into(),
        kind: "email".into(),
        host: "smtp.example.org".into(),
        port: "587".into(),
        tls: "starttls".into(),
        sender: "desk@example.org".into(),
        span: "60".into(),
        ..ChannelForm::default()
    }
}

fn room(name: &str, system: &str) -> ChannelForm {
    ChannelForm {
        name: name.into(),
        kind: "slack".into(),
        topics: vec!["your_turn".into(), "nobody".into()],
        system: system.into(),
        span: "60".into(),
        ..ChannelForm::default()
    }
}

async fn add(desk: &Desk, form: ChannelForm, secret: &str) -> countersign_engine::Result<ChannelId> {
    channels::add(&desk.engine, &again(&desk.admin), form, secret).await
}

async fn list(desk: &Desk) -> countersign_domain::notice::ChannelsView {
    channels::list(&desk.engine, &again(&desk.admin)).await.unwrap()
}

async fn send(desk: &Desk, post: &Post) -> usize {
    send_due(&desk.engine, post).await.unwrap()
}

/// How long a decision has from its proposal to its deadline, in milliseconds.
async fn span(desk: &Desk, id: DecisionId) -> u64 {
    let query =
        format!("select (extract(epoch from due_at - proposed_at) * 1000)::bigint from decisions where id = '{id}'");
    desk.database.number(&query).await.unsigned_abs()
}

async fn reminders(desk: &Desk) -> i64 {
    desk.database.number("select count(*) from reminders").await
}

async fn invited(desk: &Desk) -> Vec<PersonId> {
    let mut invited = Vec::new();
    for person in [&desk.approver, &desk.approver_b] {
        let id = person.person().unwrap();
        let query = format!("select count(*) from reminders where invited_id = '{id}'");
        invited.extend((desk.database.number(&query).await > 0).then_some(id));
    }
    let others = "select count(*) from reminders where invited_id is not null";
    if invited.is_empty() && desk.database.number(others).await > 0 {
        let people = people::list(&desk.engine, &again(&desk.admin)).await.unwrap().people;
        invited.extend(people.iter().filter(|person| person.login == "ben@example.org").map(|person| person.id));
    }
    invited
}

async fn version(desk: &Desk, id: DecisionId) -> u64 {
    decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap().version
}

async fn verified(desk: &Desk) {
    desk.sealed().await;
    let report = crate::export::verify(desk).await;
    let failed: Vec<_> = report.checks.iter().filter(|check| check.status == Status::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

fn problem(error: Error) -> Problem {
    error.into()
}

/// What was sent.
#[derive(Clone, Debug)]
struct Sent {
    id: MessageId,
    to: String,
    subject: String,
    lines: Vec<(String, String)>,
}

/// Keeps what it is given, or fails as it is told.
#[derive(Default)]
struct Post {
    sent: Mutex<Vec<Sent>>,
    failure: Mutex<Option<Failure>>,
}

impl Post {
    fn fail(&self, failure: Option<Failure>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lines(&self) -> Vec<String> {
        self.sent().into_iter().flat_map(|sent| sent.lines).map(|(line, _)| line).collect()
    }
}

impl Carrier for Post {
    fn carry<'a>(&'a self, letter: &'a Letter) -> Carried<'a> {
        Box::pin(async move {
            if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                return Err(failure);
            }
            let to = match &letter.way {
                Way::Mail { to, .. } => to.clone(),
                Way::Slack(address) | Way::Teams(address) => address.to_string(),
            };
            let (subject, lines) = (letter.message.subject.clone(), letter.message.lines.clone());
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Sent { id: letter.id, to, subject, lines });
            Ok(())
        })
    }
}

/// Sends so slowly that the next worker takes the message, and then says that it failed.
struct Slow {
    engine: Engine,
    clock: TestClock,
    other: Post,
    seen: Mutex<Vec<MessageId>>,
}

impl Carrier for Slow {
    fn carry<'a>(&'a self, letter: &'a Letter) -> Carried<'a> {
        Box::pin(async move {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(letter.id);
            self.clock.advance(61_000);
            let count = send_due(&self.engine, &self.other).await.unwrap();
            assert_eq!(count, 1);
            Err(Failure { words: "late".into(), lasting: true })
        })
    }
}
