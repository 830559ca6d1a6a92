//! What a review saw, drawn again: the same as long as nothing was changed, and else which field differs.

use countersign_domain::{
    decision::{Risk, Verdict},
    decision_type::TypeDefinition,
    holding::Holding,
    ids::{DecisionId, EntryId},
    policy::{OnTimeout, Route},
    problem::{Code, Problem},
    role::Role,
    shown::ShownView,
    text::Reason,
    view::Mode,
};
use countersign_engine::{
    Caller, decision_types, decisions, systems,
    testing::{Desk, again, id_of, proposal, refund, unique},
};

use crate::policies::{Office, eventually, rule, verified};

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_drawn_again_as_it_was_shown() {
    let desk = Desk::new().await;
    let (id, review) = reviewed(&desk).await;

    let view = shown(&desk, &desk.auditor, id, review).await;

    assert_eq!(view.differences, []);
    assert_eq!(view.sealed, view.redrawn);
    assert_eq!((view.person.as_str(), view.verdict), ("Approver A", Verdict::Approve));
    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    assert_eq!(view.fields, page.fields, "the reader's page draws the same");
    assert!(view.shown_at <= view.at && view.shown_seal.index < view.seal.index);
    verified(&desk).await;
}

/// The page as a whole: a revision that came later, other values, and what the reviewer had opened are each of their time.
#[tokio::test(flavor = "multi_thread")]
async fn each_round_is_drawn_from_its_own_version() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    desk.review(&desk.approver, id, Verdict::RequestChanges).await.unwrap();
    let body = proposal(&unique());
    decisions::revise(&desk.engine, &again(&desk.agent), id, &unique(), body.as_bytes()).await.unwrap();
    desk.review(&desk.approver_b, id, Verdict::Approve).await.unwrap();
    let reviews = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap().reviews;

    let first = shown(&desk, &desk.auditor, id, reviews[0].entry).await;
    let second = shown(&desk, &desk.auditor, id, reviews[1].entry).await;

    assert_eq!((first.differences, second.differences), (Vec::new(), Vec::new()));
    let order = |fields: &[countersign_domain::view::Field]| {
        fields.iter().find(|field| field.name == "order").and_then(|field| field.value.clone()).unwrap()
    };
    assert_ne!(order(&first.fields), order(&second.fields));
}

/// Handed up, routed anew and edited: each page is drawn from the route, the deadline and the version of its time.
#[tokio::test(flavor = "multi_thread")]
async fn what_stood_beside_the_fields_is_that_of_its_time() {
    let office = Office::new().await;
    let desk = &office.desk;
    office.enforce(&[rule("large", "require", "at_least", "100")]).await;
    let id = office.propose("large", "400.00").await;
    let before = office.page(&desk.approver, id).await;
    desk.review(&desk.approver, id, Verdict::Escalate).await.unwrap();
    desk.clock.advance(60_000);
    let handed = office.page(&office.senior, id).await;
    desk.review(&office.senior, id, Verdict::RequestChanges).await.unwrap();
    let body = crate::policies::proposal("large", "4000.00", r#"{"affected":200}"#);
    decisions::revise(&desk.engine, &again(&desk.agent), id, &unique(), body.as_bytes()).await.unwrap();
    office.enforce(&[rule("larger", "escalate", "at_least", "1000")]).await;
    eventually(async || office.page(&office.senior, id).await.policy.name == "larger").await;
    desk.review(&office.senior, id, Verdict::Approve).await.unwrap();
    let reviews = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap().reviews;

    let (mut stood, mut risks) = (Vec::new(), Vec::new());
    for review in &reviews {
        let view = shown(desk, &desk.auditor, id, review.entry).await;
        assert_eq!(view.differences, [], "{:?}", review.verdict);
        assert_eq!(view.recheck(), Ok(()));
        let beside = view.beside.unwrap();
        assert_eq!(
            beside.said.unwrap().title,
            before.title.replace("400.00", if beside.revision == 1 { "400.00" } else { "4000.00" })
        );
        stood.push((beside.rule, beside.route, beside.due, beside.on_timeout, beside.revision));
        risks.push(beside.risk);
    }

    let large = || "large".to_owned();
    assert_eq!(stood[0], (large(), Route::Require, before.due_at, OnTimeout::Deny, 1));
    assert_eq!(stood[1], (large(), Route::Require, handed.due_at, OnTimeout::Deny, 1));
    assert_eq!((stood[2].0.as_str(), stood[2].1, stood[2].4), ("larger", Route::Escalate, 2));
    assert!(before.due_at < handed.due_at);
    assert_eq!(risks, [Risk::Medium, Risk::Medium, Risk::High]);
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_somebody_changed_is_named() {
    let desk = Desk::new().await;
    let (id, review) = reviewed(&desk).await;
    let named = |view: &ShownView| view.differences.iter().filter_map(|one| one.field.clone()).collect::<Vec<_>>();

    desk.database
        .attack(
            "update decision_types set definition = jsonb_set(definition::jsonb, '{title}', '\"Send a card\"')::text",
        )
        .await;
    let title = shown(&desk, &desk.auditor, id, review).await;

    assert_eq!(named(&title), ["Title"]);
    assert!(title.recheck().unwrap_err().contains("names what differs"), "{:?}", title.recheck());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_field_that_the_reviewer_had_opened_was_shown_and_keeps_its_value_here() {
    let desk = Desk::new().await;
    let personal = TypeDefinition { version: 2, personal: vec!["order".into()], ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), personal).await.unwrap();
    let (masked, first) = reviewed(&desk).await;
    let id = desk.queued_decision().await;
    let why = Reason::new("The customer asked.").unwrap();
    decisions::open_field(&desk.engine, &again(&desk.approver), id, "order", why).await.unwrap();
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let second = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap().reviews[0].entry;
    // What was open then is closed by now.
    desk.clock.advance(600_000);

    let masked = shown(&desk, &desk.auditor, masked, first).await;
    let opened = shown(&desk, &desk.auditor, id, second).await;

    let order = |view: &ShownView| {
        let field = view.fields.iter().find(|field| field.name == "order").unwrap();
        (field.mode, field.value.clone())
    };
    assert_eq!((masked.differences.as_slice(), opened.differences.as_slice()), (&[][..], &[][..]));
    assert_eq!((order(&masked), order(&opened)), ((Mode::Masked, None), (Mode::Full, None)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_in_the_database_is_named() {
    let desk = Desk::new().await;
    let (id, review) = reviewed(&desk).await;
    let of = format!("entry_id = (select entry_id from decisions where id = '{id}') and field = 'amount'");

    desk.database.attack(&format!("update vault_values set commitment = sha256('another') where {of}")).await;
    let changed = shown(&desk, &desk.auditor, id, review).await;
    desk.database.attack(&format!("update vault_values set ciphertext = ciphertext || 'x' where {of}")).await;
    let broken = shown(&desk, &desk.auditor, id, review).await;
    desk.database.attack(&format!("delete from vault_values where {of}")).await;
    let gone = shown(&desk, &desk.auditor, id, review).await;

    let says = |view: &ShownView| {
        view.differences
            .iter()
            .filter(|one| one.field.as_deref() == Some("Amount"))
            .map(|one| one.says.clone())
            .collect::<Vec<_>>()
    };
    assert_ne!(changed.sealed, changed.redrawn);
    assert!(says(&changed).contains(&"Another value was shown than is stored.".to_owned()), "{changed:?}");
    assert!(says(&broken)[0].starts_with("The stored value cannot be opened"), "{broken:?}");
    assert!(says(&gone).contains(&"It was shown, and is not stored any more.".to_owned()), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_changed_is_told() {
    let desk = Desk::new().await;
    let (id, review) = reviewed(&desk).await;
    let other = shown(&desk, &desk.auditor, id, review).await;
    assert_eq!(other.differences, []);

    desk.database
        .attack(&format!("update presentations set seen = sha256('another') where decision_id = '{id}'"))
        .await;
    let form = shown(&desk, &desk.auditor, id, review).await;

    assert_eq!(form.differences.len(), 1);
    assert!(form.differences[0].says.starts_with("The form that the review was sent with"), "{form:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_value_is_compared_by_its_commitment() {
    let desk = Desk::new().await;
    let (id, review) = reviewed(&desk).await;
    let subject = format!(
        "update vault_subjects set wrapped_key = null, kek_epoch = null, shredded_at = now() where id in \
         (select v.subject_id from vault_values v join decisions d on d.entry_id = v.entry_id where d.id = '{id}')"
    );
    desk.database.attack(&subject).await;

    let view = shown(&desk, &desk.auditor, id, review).await;

    assert_eq!(view.differences, []);
    assert!(view.fields.iter().all(|field| field.value.is_none()));
    assert!(view.notes[0].starts_with("Erased by now"), "{:?}", view.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_the_decision_learns_nothing_and_a_review_of_another_is_none() {
    let desk = Desk::new().await;
    let other = systems::register(&desk.engine, &again(&desk.admin), "loan-agent").await.unwrap();
    let outsider = desk.member("outsider", vec![Holding::on(Role::Viewer, vec![other])]).await;
    let (id, review) = reviewed(&desk).await;
    let (another, _) = reviewed(&desk).await;

    for caller in [&desk.admin, &outsider, &desk.agent] {
        let refused = decisions::shown(&desk.engine, &again(caller), id, review).await.unwrap_err();
        assert_eq!(Problem::from(refused).code, Code::NotFound);
    }
    let mixed = decisions::shown(&desk.engine, &again(&desk.auditor), another, review).await.unwrap_err();
    assert_eq!(Problem::from(mixed).code, Code::NotFound);
    let officer = desk.member("officer-a", vec![Holding::everywhere(Role::ComplianceOfficer)]).await;
    assert_eq!(shown(&desk, &officer, id, review).await.differences, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_is_on_record() {
    let desk = Desk::new().await;
    let (id, review) = reviewed(&desk).await;

    let view = shown(&desk, &desk.auditor, id, review).await;

    let entries = format!(
        "select count(*) from ledger_entries where id = '{}' and convert_from(bytes, 'UTF8') like '%\"access.viewed\"%' \
         and convert_from(bytes, 'UTF8') like '%\"id\":\"{id}\"%'",
        view.recorded
    );
    assert_eq!(desk.database.number(&entries).await, 1);
}

/// A decision that an approver approved, and the entry of that review.
async fn reviewed(desk: &Desk) -> (DecisionId, EntryId) {
    let id = id_of(&desk.propose(&unique(), &proposal(&unique())).await.unwrap());
    desk.review(&desk.approver, id, Verdict::Approve).await.unwrap();
    let page = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    (id, page.reviews[0].entry)
}

async fn shown(desk: &Desk, caller: &Caller, id: DecisionId, review: EntryId) -> ShownView {
    desk.sealed().await;
    decisions::shown(&desk.engine, &again(caller), id, review).await.unwrap()
}
