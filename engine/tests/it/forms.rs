//! What a type asks beside code and reason, and which fields behind a control were opened: sealed, signed, read again.

use std::collections::BTreeMap;

use countersign_domain::{
    bulk::Misfit,
    decision::{ResolutionOutcome, Verdict},
    decision_type::TypeDefinition,
    form::{AnswerKind, Answered, FormField, Typed},
    holding::Holding,
    ids::DecisionId,
    policy::view::RuleForm,
    problem::{Code, Problem},
    role::Role,
};
use countersign_engine::{
    Caller, decision_types,
    decisions::{self, ReviewRequest, SignedAnswer},
    testing::{Desk, again, id_of, proposal, refund, unique},
};
use countersign_ledger::{leaf::Leaf, statement::Review};

use crate::{
    passkeys::{ORIGIN, confirmed, send},
    policies::{Office, rule, verified},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_ruling_answers_what_its_type_asks_and_readers_see_it() {
    let desk = asking().await;
    let id = desk.queued_decision().await;

    let empty = form(&desk, id, Verdict::Approve, &[]).await;
    let missing = refused(&desk, empty).await;
    let wrong = form(&desk, id, Verdict::Approve, &[("checked", "Hearsay"), ("spoke", "maybe"), ("other", "x")]).await;
    let wrong = refused(&desk, wrong).await;
    let good = [("checked", "Report"), ("conditions", " Send the\r\noriginals "), ("spoke", "false")];
    let request = form(&desk, id, Verdict::Approve, &good).await;
    decisions::review(&desk.engine, &again(&desk.approver), request).await.unwrap();

    let places = |problem: &Problem| problem.errors.iter().map(|error| error.pointer.clone()).collect::<Vec<_>>();
    assert_eq!((missing.code, places(&missing)), (Code::InvalidContent, vec!["/form[checked]".to_owned()]));
    assert_eq!(places(&wrong), ["/form[other]", "/form[checked]", "/form[spoke]"]);
    let page = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    let answers = page.reviews[0].form.iter().map(|one| (one.label.as_str(), one.text.as_str())).collect::<Vec<_>>();
    assert_eq!(
        answers,
        [("Checked against", "Report"), ("Spoke with them", "No"), ("Conditions", "Send the\noriginals")]
    );
    assert_eq!(page.resolution.unwrap().outcome, ResolutionOutcome::Approved);
    let leaves = async |holds: &str| {
        let query = format!("select count(*) from ledger_entries where encode(bytes, 'escape') like '%{holds}%'");
        desk.database.number(&query).await
    };
    assert_eq!((leaves(r#""cm":{"form":""#).await, leaves("originals").await), (1, 0), "committed to, and not said");
    verified(&desk).await;

    // They are the reviewer's own words, and gone with the reviewer's key.
    desk.database
        .attack(
            "update vault_subjects set wrapped_key = null, kek_epoch = null, shredded_at = now() \
             where id in (select subject_id from vault_values where field = 'form')",
        )
        .await;
    let page = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    assert_eq!(page.reviews[0].form, [Answered { label: "Form".into(), text: "erased".into() }]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_with_approval_alone_is_no_part_of_a_rejection_and_no_ruling_but_these_is_asked() {
    let desk = asking().await;
    let rejected = desk.queued_decision().await;
    let handed_up = desk.queued_decision().await;

    let answers = [("checked", "Report"), ("conditions", "Send the originals")];
    let request = form(&desk, rejected, Verdict::Reject, &answers).await;
    decisions::review(&desk.engine, &again(&desk.approver), request).await.unwrap();
    let request = form(&desk, handed_up, Verdict::RequestChanges, &answers).await;
    decisions::review(&desk.engine, &again(&desk.approver), request).await.unwrap();

    let page = decisions::view(&desk.engine, &again(&desk.auditor), rejected).await.unwrap();
    assert_eq!(page.reviews[0].form, [Answered { label: "Checked against".into(), text: "Report".into() }]);
    let page = decisions::view(&desk.engine, &again(&desk.auditor), handed_up).await.unwrap();
    assert_eq!(page.reviews[0].form, []);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_answers_the_form_too() {
    let desk = asking().await;
    let id = desk.queued_decision().await;
    let edits = BTreeMap::from([("amount".to_owned(), "30.00".to_owned())]);

    let empty = form(&desk, id, Verdict::ApproveWithEdits, &[]).await;
    let missing = decisions::edit(&desk.engine, &again(&desk.approver), empty, edits.clone()).await.unwrap_err();
    let request = form(&desk, id, Verdict::ApproveWithEdits, &[("checked", "Invoice")]).await;
    decisions::edit(&desk.engine, &again(&desk.approver), request, edits).await.unwrap();

    assert_eq!(Problem::from(missing).errors[0].pointer, "/form[checked]");
    let page = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    assert_eq!(page.reviews[0].form, [Answered { label: "Checked against".into(), text: "Invoice".into() }]);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_signed_with_the_ruling() {
    let office = Office::at(Desk::at(ORIGIN).await).await;
    let desk = &office.desk;
    define(desk).await;
    let signer = desk.member("signer", vec![Holding::everywhere(Role::Approver)]).await;
    let mut key = confirmed(desk, &signer).await;
    office.enforce(&[RuleForm { signed: "true".into(), ..rule("signed", "require", "at_least", "0") }]).await;
    let id = office.propose("signed", "40.00").await;
    let open = desk.open_form(&signer, id, Verdict::Approve).await.unwrap();
    let request = ReviewRequest { form: typed(&[("checked", "Report")]), ..open };

    let to_sign = decisions::prepare(&desk.engine, &again(&signer), request.clone()).await.unwrap();
    let answer = Some(SignedAnswer { nonce: to_sign.nonce, answer: key.get(&to_sign.json) });
    let other = ReviewRequest { form: typed(&[("checked", "Invoice")]), ..request.clone() };
    let swapped = send(desk, &signer, &other, answer.clone()).await.unwrap_err();
    send(desk, &signer, &request, answer).await.unwrap();

    assert_eq!(Problem::from(swapped).code, Code::SignatureRefused);
    // What was signed is made again from the leaf, and the answers are a part of it.
    let statement = signed(desk).await;
    let challenge = |statement: &Review| statement.seal().unwrap().1.to_string();
    assert!(to_sign.json.contains(&challenge(&statement)));
    assert!(!to_sign.json.contains(&challenge(&Review { form: None, ..statement.clone() })));
    let page = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap();
    assert_eq!(page.reviews[0].form[0].text, "Report");
    // `verify` makes the challenge again, with the commitment to the answers.
    verified(desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_asks_does_not_fit_among_several_and_one_that_may_be_left_empty_does() {
    let desk = asking().await;
    let optional = FormField { required: false, ..fields().remove(0) };
    let definition = TypeDefinition { name: "refund.waive".into(), form: vec![optional], ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
    let asked = desk.queued_decision().await;
    let body = proposal(&unique()).replace("refund.issue", "refund.waive");
    let free = id_of(&desk.propose(&unique(), &body).await.unwrap());

    let page = decisions::bulk(&desk.engine, &again(&desk.approver), &[free, asked], &[]).await.unwrap();

    assert_eq!(page.unfit.iter().map(|row| (row.id, row.misfit)).collect::<Vec<_>>(), [(asked, Misfit::Form)]);
    assert_eq!(page.fitting, [free]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_opened_is_on_record_as_the_browser_says_and_nothing_where_it_does_not() {
    let desk = Desk::new().await;
    let with = async |opened: Option<&[&str]>| {
        let id = desk.queued_decision().await;
        let form = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
        let opened = opened.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        decisions::review(&desk.engine, &again(&desk.approver), ReviewRequest { opened, ..form }).await.unwrap();
        desk.sealed().await;
        let review = decisions::view(&desk.engine, &again(&desk.auditor), id).await.unwrap().reviews[0].entry;
        let shown = decisions::shown(&desk.engine, &again(&desk.auditor), id, review).await.unwrap();
        assert_eq!(shown.differences, []);
        shown.disclosed.map(|disclosed| (disclosed.opened, disclosed.left_closed))
    };
    let context = || vec!["context".to_owned()];

    assert_eq!(with(Some(&["context"])).await, Some((context(), Vec::new())));
    assert_eq!(with(Some(&[])).await, Some((Vec::new(), context())));
    // What stands behind no control cannot have been opened.
    assert_eq!(with(Some(&["amount", "nothing"])).await, Some((Vec::new(), context())));
    assert_eq!(with(None).await, None);
    verified(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_hides_its_answers_is_found() {
    let desk = asking().await;
    let id = desk.queued_decision().await;
    let request = form(&desk, id, Verdict::Approve, &[("checked", "Report")]).await;
    decisions::review(&desk.engine, &again(&desk.approver), request).await.unwrap();
    verified(&desk).await;

    desk.database.attack("update reviews set formed = false").await;

    let report = format!("{:?}", crate::export::verify(&desk).await.checks);
    assert!(report.contains("has formed false, sealed is true"), "{report}");
}

/// The statement that the one review with answers was signed as, by its leaf.
async fn signed(desk: &Desk) -> Review {
    let query = r#"select bytes from ledger_entries where encode(bytes, 'escape') like '%"cm":{"form"%'"#;
    let bytes: Vec<u8> = sqlx::query_scalar(query).fetch_one(&mut desk.database.connection().await).await.unwrap();
    let leaf = Leaf::parse(&bytes).unwrap();
    let d = leaf.d.unwrap();
    let text = |name: &str| d.get(name).unwrap().as_text().unwrap().to_owned();
    let hash = |name: &str| d.get(name).unwrap().as_hash().unwrap();
    let number = |name: &str| d.get(name).unwrap().as_integer().unwrap();
    Review {
        log: countersign_engine::ledger::log_id(&desk.engine).to_owned(),
        decision: leaf.obj.unwrap().id,
        content: hash("content"),
        seen: hash("seen"),
        round: number("round"),
        verdict: text("verdict"),
        reason: leaf.cm.get("reason").copied(),
        form: leaf.cm.get("form").copied(),
        policy: text("policy"),
        person: leaf.actor.sid.unwrap(),
        expires: number("expires"),
        nonce: text("nonce"),
        code: Some(text("code")),
        blind: None,
        edited: None,
        citations: Vec::new(),
        for_: None,
    }
}

async fn asking() -> Desk {
    let desk = Desk::new().await;
    define(&desk).await;
    desk
}

async fn define(desk: &Desk) {
    let definition = TypeDefinition { version: 2, form: fields(), ..refund() };
    decision_types::define(&desk.engine, &Caller::operator(), definition).await.unwrap();
}

/// One that has to be answered, one that need not be, and one that is asked with approval alone.
fn fields() -> Vec<FormField> {
    let field = |name: &str, label: &str, kind, required| FormField {
        name: name.into(),
        label: label.into(),
        hint: None,
        kind,
        choices: Vec::new(),
        required,
        verdicts: Vec::new(),
    };
    vec![
        FormField {
            choices: vec!["Report".into(), "Invoice".into()],
            ..field("checked", "Checked against", AnswerKind::Choice, true)
        },
        field("spoke", "Spoke with them", AnswerKind::Boolean, false),
        FormField { verdicts: vec![Verdict::Approve], ..field("conditions", "Conditions", AnswerKind::Text, false) },
    ]
}

/// The form of a ruling with answers.
async fn form(desk: &Desk, id: DecisionId, verdict: Verdict, answers: &[(&str, &str)]) -> ReviewRequest {
    let open = desk.open_form(&desk.approver, id, verdict).await.unwrap();
    ReviewRequest { form: typed(answers), ..open }
}

fn typed(answers: &[(&str, &str)]) -> Typed {
    answers.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
}

async fn refused(desk: &Desk, request: ReviewRequest) -> Problem {
    decisions::review(&desk.engine, &again(&desk.approver), request).await.unwrap_err().into()
}
