//! What people say about a decision: who says it, whom it reaches, and that nothing follows from it.

use std::time::Duration;

use countersign_domain::{
    decision::{ResolutionOutcome, Verdict},
    holding::{Holding, Source},
    ids::{DecisionId, EntryId, FormId},
    problem::{Code, Problem},
    role::Role,
    talk::{CommentsView, Note},
    text::Reason,
    view::{NoticeKind, NoticeRow},
};
use countersign_engine::{
    Caller, Error, Result,
    decisions::{self, CommentRequest},
    export::{self, Pinned},
    pauses, people, systems,
    testing::{Desk, again, unique},
};
use countersign_ledger::verify::Status;

const MINUTE: u64 = 60_000;

/// Everything the database holds about a decision besides comments and the count of its acts.
const REST: &str = "select jsonb_build_array(
    (select jsonb_agg(to_jsonb(d) - 'n' order by d.id) from decisions d),
    (select jsonb_agg(r order by r.entry_id) from reviews r),
    (select jsonb_agg(r order by r.entry_id) from decision_routes r),
    (select jsonb_agg(r order by r.entry_id) from revisions r),
    (select jsonb_agg(r order by r.entry_id) from resolutions r),
    (select jsonb_agg(q order by q.entry_id) from quorums_met q))::text";

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_changes_the_count_of_acts_and_nothing_else_of_any_decision() {
    let desk = Desk::new().await;
    let (id, other) = (desk.queued_decision().await, desk.queued_decision().await);
    desk.review(&desk.approver, other, Verdict::Abstain).await.unwrap();
    let n = "select sum(n)::bigint from decisions";
    let (before, count) = (text(&desk, REST).await, desk.database.number(n).await);
    desk.sealed().await;
    let seen = read(&desk, id).await;

    say(&desk, &desk.approver, id, "Why is the sum so odd?").await.unwrap();
    say(&desk, &desk.approver_b, other, "The customer called.").await.unwrap();

    assert_eq!(text(&desk, REST).await, before);
    assert_eq!(desk.database.number(n).await, count + 2);
    assert_eq!(acts(&desk.kinds_of(id).await), ["proposed", "routed", "commented"]);
    let leaked = "select count(*) from ledger_entries where position(convert_to('so odd', 'UTF8') in bytes) > 0";
    assert_eq!(desk.database.number(leaked).await, 0, "the text is in no leaf");

    desk.sealed().await;
    assert_eq!(read(&desk, id).await, seen, "its agent is told nothing");
    let version = seen["version"].as_u64();
    let waited = Duration::from_millis(700);
    let waiting = decisions::wait(&desk.engine, &again(&desk.agent), id, waited, version).await.unwrap();
    assert_eq!(Some(waiting.version), version, "and is not woken");

    let ruled = desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    assert_eq!(ruled.resolution, Some(ResolutionOutcome::Approved), "who comments rules as before");
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_open_before_a_comment_still_rules() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();

    say(&desk, &desk.approver_b, id, "Looks right.").await.unwrap();
    let ruled = decisions::review(&desk.engine, &again(&desk.approver), form).await.unwrap();

    assert_eq!(ruled.resolution, Some(ResolutionOutcome::Approved));
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_comments_and_a_review_at_once_are_three_acts_in_a_row() {
    for _ in 0..3 {
        let desk = Desk::new().await;
        let id = desk.queued_decision().await;
        let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
        let approver = again(&desk.approver);

        let (one, other, ruled) = tokio::join!(
            say(&desk, &desk.approver, id, "one"),
            say(&desk, &desk.approver_b, id, "other"),
            decisions::review(&desk.engine, &approver, form),
        );

        one.unwrap();
        other.unwrap();
        assert_eq!(ruled.unwrap().resolution, Some(ResolutionOutcome::Approved));
        assert_eq!(desk.database.number("select n from decisions").await, 7);
        assert_eq!(comments(&desk, &desk.approver, id).await.rows.len(), 2);
        verified(&desk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_open_until_who_was_asked_answers_and_the_turn_stays() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let before = text(&desk, REST).await;

    ask(&desk, &desk.approver, id, "Did the parcel arrive?", "@approver-b").await.unwrap();
    let asked = comments(&desk, &desk.approver_b, id).await;
    let question = asked.rows[0].entry;
    let stranger = answer(&desk, &officer(&desk).await, id, "Yes.", question).await.unwrap_err();
    let asker = answer(&desk, &desk.approver, id, "Yes.", question).await.unwrap_err();
    let wrong = answer(&desk, &desk.approver_b, id, "Yes.", EntryId(uuid::Uuid::max())).await.unwrap_err();
    answer(&desk, &desk.approver_b, id, "No, it did not.", question).await.unwrap();
    let twice = answer(&desk, &desk.approver_b, id, "Still not.", question).await.unwrap_err();

    let own = asked.rows[0].question.clone().unwrap();
    assert_eq!((own.asks.as_str(), own.open, own.own), ("Approver B", true, true));
    let shown = comments(&desk, &desk.approver, id).await;
    let own = shown.rows[0].question.clone().unwrap();
    assert_eq!((own.open, own.own), (false, false));
    assert_eq!(shown.rows[1].answers.as_deref(), Some("Approver A"));
    assert_eq!([stranger, asker, wrong].map(|error| problem(error).code), [Code::InvalidContent; 3]);
    assert_eq!(problem(twice).code, Code::InvalidTransition);
    assert_eq!(text(&desk, REST).await, before, "no turn, state or deadline moved");
    assert_eq!(kinds(&notices(&desk, &desk.approver_b).await), [NoticeKind::Asked]);
    assert_eq!(kinds(&notices(&desk, &desk.approver).await), [NoticeKind::Answered]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_leaves_a_notice_that_leads_to_the_decision_and_carries_no_text() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;

    say(&desk, &desk.approver, id, "@approver-b and @auditor-a, and myself @approver-a: see the secret word.")
        .await
        .unwrap();

    let told = notices(&desk, &desk.approver_b).await;
    assert_eq!(kinds(&told), [NoticeKind::Mentioned]);
    assert_eq!((told[0].about.as_deref(), told[0].decision), (Some("Approver A"), Some(id)));
    assert!(!serde_json::to_string(&told).unwrap().contains("secret word"));
    assert_eq!(kinds(&notices(&desk, &desk.auditor).await), [NoticeKind::Mentioned]);
    assert_eq!(notices(&desk, &desk.approver).await, [], "nobody is told of their own words");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_and_who_may_not_read_are_refused_alike_and_nothing_is_recorded() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let elsewhere = elsewhere(&desk).await;

    let refused = [
        say(&desk, &desk.approver, id, "@elsewhere, look.").await.unwrap_err(),
        say(&desk, &desk.approver, id, "@nobody-at-all, look.").await.unwrap_err(),
        say(&desk, &desk.approver, id, "@admin-a, look.").await.unwrap_err(),
        ask(&desk, &desk.approver, id, "Look.", "elsewhere").await.unwrap_err(),
        ask(&desk, &desk.approver, id, "Look.", "approver-a").await.unwrap_err(),
    ]
    .map(problem);

    let words = |at: usize| refused[at].errors[0].detail.clone();
    assert!(refused.iter().all(|problem| problem.code == Code::InvalidContent));
    assert!(words(0).starts_with("@elsewhere: nobody of this sign-in name may read this decision."), "{}", words(0));
    assert_eq!(words(0).replace("elsewhere", "nobody-at-all"), words(1), "no difference tells who exists");
    assert_eq!(
        refused.clone().map(|problem| problem.errors[0].pointer.clone()),
        ["/comment", "/comment", "/comment", "/asks", "/asks"]
    );
    assert!(words(4).starts_with("Ask somebody else than yourself"));
    assert_eq!(desk.database.number("select count(*) from comments").await, 0);
    assert_eq!(notices(&desk, &elsewhere).await, []);
    let many: String = (0..9).map(|number| format!("@person-{number} ")).collect();
    assert_eq!(problem(say(&desk, &desk.approver, id, &many).await.unwrap_err()).errors[0].code, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_only_read_and_a_hidden_decision_is_not_found() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let viewer = desk.member("viewer-a", vec![Holding::everywhere(Role::Viewer)]).await;
    say(&desk, &viewer, id, "I know the customer.").await.unwrap();

    let auditor = say(&desk, &desk.auditor, id, "Hm.").await.unwrap_err();
    let outsider = say(&desk, &elsewhere(&desk).await, id, "Hm.").await.unwrap_err();
    let admin = say(&desk, &desk.admin, id, "Hm.").await.unwrap_err();
    let agent = say(&desk, &desk.agent, id, "Hm.").await.unwrap_err();
    let unknown = say(&desk, &desk.approver, DecisionId(uuid::Uuid::max()), "Hm.").await.unwrap_err();

    assert!(matches!(auditor, Error::Forbidden(_)), "{auditor:?}");
    assert!(problem(auditor).detail.contains("auditors only read"));
    assert_eq!([outsider, admin, unknown].map(|error| problem(error).code), [Code::NotFound; 3]);
    assert_eq!(problem(agent).code, Code::Unauthenticated);
    let shown = comments(&desk, &desk.auditor, id).await;
    assert_eq!((shown.rows.len(), shown.colleagues.len()), (1, 0), "an auditor reads, and is offered nobody");
    assert!(shown.barred.is_some());
    let offered = comments(&desk, &desk.approver, id).await.colleagues;
    let offered: Vec<_> = offered.iter().map(|one| one.login.as_str()).collect();
    assert_eq!(offered, ["approver-b", "viewer-a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_ends_half_way_ends_the_conversation() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let leaver = desk.member("leaver", vec![Holding::everywhere(Role::Approver)]).await;
    ask(&desk, &leaver, id, "Is it right?", "approver-b").await.unwrap();
    ask(&desk, &desk.approver, id, "Do you agree?", "leaver").await.unwrap();
    let rows = comments(&desk, &leaver, id).await.rows;

    desk.reconcile(leaver.person().unwrap(), Source::Hand, Vec::new()).await.unwrap();
    let late = answer(&desk, &leaver, id, "I do.", rows[1].entry).await.unwrap_err();
    answer(&desk, &desk.approver_b, id, "It is.", rows[0].entry).await.unwrap();
    let mention = say(&desk, &desk.approver, id, "@leaver?").await.unwrap_err();

    assert_eq!(problem(late).code, Code::NotFound);
    assert_eq!(problem(mention).code, Code::InvalidContent);
    assert_eq!(kinds(&notices(&desk, &leaver).await), [NoticeKind::Asked], "no answer is told to who may not read it");
    let open = comments(&desk, &desk.approver, id).await.rows[1].question.clone().unwrap();
    assert!(open.open);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_is_one_comment() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let form = request(id, "Once.");
    let (first, second) = (again(&desk.approver), again(&desk.approver));

    let (one, other) = tokio::join!(
        decisions::comment(&desk.engine, &first, form.clone()),
        decisions::comment(&desk.engine, &second, form.clone()),
    );
    one.unwrap();
    other.unwrap();
    assert!(first.sealed() > 0 && second.sealed() > 0, "both requests are on record");
    say(&desk, &desk.approver, id, "Once.").await.unwrap();
    assert_eq!(count(&desk).await, 1, "the same text within ten seconds, whatever the form");

    desk.clock.advance(11_000);
    decisions::comment(&desk.engine, &again(&desk.approver), form.clone()).await.unwrap();
    assert_eq!(count(&desk).await, 1, "the same form, whenever");
    say(&desk, &desk.approver, id, "Once.").await.unwrap();
    let other = CommentRequest { comment: Note::new("Something else.").unwrap(), ..form };
    decisions::comment(&desk.engine, &again(&desk.approver), other).await.unwrap();
    say(&desk, &desk.approver_b, id, "Once.").await.unwrap();
    assert_eq!(count(&desk).await, 4, "later, another text, another person");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_author_leaves_a_proof_and_no_words() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    say(&desk, &desk.approver, id, "Mine.").await.unwrap();
    say(&desk, &desk.approver_b, id, "Yours.").await.unwrap();
    desk.sealed().await;

    let person = desk.approver.person().unwrap();
    desk.database
        .attack(&format!(
            "update vault_subjects set wrapped_key = null, kek_epoch = null where id in (select v.subject_id
               from vault_values v join comments c on c.entry_id = v.entry_id where c.author_id = '{person}')"
        ))
        .await;

    let rows = comments(&desk, &desk.approver_b, id).await.rows;
    let said: Vec<_> = rows.iter().map(|row| (row.person.as_str(), row.text.as_str())).collect();
    assert_eq!(said, [("erased", "erased"), ("Approver B", "Yours.")]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_resolved_is_talked_about_afterwards_and_a_kept_approval_stays_kept() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let reason = Reason::new("Wrong refunds.").unwrap();
    pauses::pause(&desk.engine, &again(&desk.approver_b), desk.system, reason).await.unwrap();
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    desk.sealed().await;
    let before = read(&desk, id).await;

    say(&desk, &desk.approver_b, id, "A good call.").await.unwrap();
    desk.sealed().await;

    assert_eq!(read(&desk, id).await, before, "an approval that a pause keeps is not given away by a comment");
    assert_eq!((&before["version"], &before["resolution"]), (&4.into(), &serde_json::Value::Null));
    assert_eq!(acts(&desk.kinds_of(id).await), ["proposed", "routed", "leased", "reviewed", "resolved", "commented"]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thirty_first_comment_in_ten_minutes_waits_and_says_how_long() {
    let desk = Desk::new().await;
    let (id, other) = (desk.queued_decision().await, desk.queued_decision().await);
    for number in 0..30 {
        say(&desk, &desk.approver, if number % 2 == 0 { id } else { other }, &format!("{number}")).await.unwrap();
    }

    desk.clock.advance(4 * MINUTE);
    let refused = problem(say(&desk, &desk.approver, id, "more").await.unwrap_err());
    say(&desk, &desk.approver_b, id, "somebody else").await.unwrap();
    desk.clock.advance(6 * MINUTE);
    say(&desk, &desk.approver, id, "later").await.unwrap();

    assert_eq!(refused.code, Code::RateLimited);
    assert!(refused.detail.contains("Try again in 6 minutes."), "{}", refused.detail);
}

/// Somebody else who reads and comments.
async fn officer(desk: &Desk) -> Caller {
    desk.member("officer", vec![Holding::everywhere(Role::ComplianceOfficer)]).await
}

/// An approver of another system only.
async fn elsewhere(desk: &Desk) -> Caller {
    let system = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    desk.member("elsewhere", vec![Holding::on(Role::Approver, vec![system])]).await
}

fn request(decision: DecisionId, comment: &str) -> CommentRequest {
    let nonce = FormId(unique().parse().unwrap());
    CommentRequest { decision, nonce, comment: Note::new(comment).unwrap(), asks: String::new(), answers: None }
}

async fn say(desk: &Desk, caller: &Caller, decision: DecisionId, comment: &str) -> Result<()> {
    decisions::comment(&desk.engine, &again(caller), request(decision, comment)).await
}

async fn ask(desk: &Desk, caller: &Caller, decision: DecisionId, comment: &str, asks: &str) -> Result<()> {
    let asked = CommentRequest { asks: asks.to_owned(), ..request(decision, comment) };
    decisions::comment(&desk.engine, &again(caller), asked).await
}

async fn answer(desk: &Desk, caller: &Caller, decision: DecisionId, comment: &str, question: EntryId) -> Result<()> {
    let asked = CommentRequest { answers: Some(question), ..request(decision, comment) };
    decisions::comment(&desk.engine, &again(caller), asked).await
}

async fn comments(desk: &Desk, caller: &Caller, decision: DecisionId) -> CommentsView {
    let view = decisions::comments(&desk.engine, &again(caller), decision).await.unwrap();
    let page = decisions::view(&desk.engine, &again(caller), decision).await.unwrap();
    let said = |view: &CommentsView| -> Vec<String> { view.rows.iter().map(|row| row.text.clone()).collect() };
    assert_eq!(said(&page.comments), said(&view), "the page shows the same");
    view
}

async fn notices(desk: &Desk, caller: &Caller) -> Vec<NoticeRow> {
    people::me(&desk.engine, &again(caller)).await.unwrap().notices
}

fn kinds(notices: &[NoticeRow]) -> Vec<NoticeKind> {
    notices.iter().map(|notice| notice.kind).collect()
}

async fn read(desk: &Desk, id: DecisionId) -> serde_json::Value {
    let mut answer =
        serde_json::to_value(decisions::get(&desk.engine, &again(&desk.agent), id).await.unwrap()).unwrap();
    // How far the log has come says nothing of the decision.
    answer["seal"] = serde_json::Value::Null;
    answer
}

async fn count(desk: &Desk) -> i64 {
    desk.database.number("select count(*) from comments").await
}

async fn text(desk: &Desk, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(&mut desk.database.connection().await).await.unwrap()
}

/// The acts among the kinds of entries about a decision, without reads.
fn acts(kinds: &[String]) -> Vec<&str> {
    let acts = kinds.iter().filter(|kind| *kind != "decision.viewed");
    acts.filter_map(|kind| kind.strip_prefix("decision.")).collect()
}

fn problem(error: Error) -> Problem {
    Problem::from(error)
}

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
