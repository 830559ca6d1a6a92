//! Passkeys: enrolled, confirmed, signed in with, and signing reviews.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use countersign_domain::{
    audit,
    decision::{ReasonCode, State, Verdict},
    ids::{DecisionId, PasskeyId},
    problem::Code,
    view::{Composer, NoticeKind},
};
use countersign_engine::{
    Actor, Caller, Error,
    decisions::{self, ReviewRequest, Reviewed, SignedAnswer},
    export::{self, Export},
    passkeys::{self, Purpose},
    people, policies, sessions,
    testing::{
        Desk, again,
        passkey::{Parts, SoftPasskey},
    },
};
use countersign_ledger::verify::{Status, Trust};

pub(crate) const ORIGIN: &str = "https://desk.example.org";

/// What is wrong with an assertion, and how it comes about.
type Bend = (&'static str, fn(&mut Parts));

/// Proves P1.
#[tokio::test(flavor = "multi_thread")]
async fn an_unsuitable_origin_disables_them_clearly() {
    for (origin, reason) in [
        ("http://127.0.0.1:3000", Some("bare address")),
        ("https://192.0.2.7", Some("bare address")),
        ("http://desk.example.org", Some("https")),
        ("http://localhost:3000", None),
        (ORIGIN, None),
    ] {
        let desk = Desk::at(origin).await;
        let said = passkeys::unsuitable(&desk.engine);
        let begun = passkeys::begin_enrolment(&desk.engine, &again(&desk.approver)).await;

        match reason {
            Some(reason) => {
                assert!(said.unwrap().contains(reason), "{origin}");
                assert_eq!(code(begun.unwrap_err()), Code::InvalidTransition);
            }
            None => assert!(said.is_none() && begun.is_ok(), "{origin}"),
        }
    }
}

/// Proves P2: a passkey signs in by itself, and every bent answer is refused alike.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_its_holder_in_and_a_bent_one_nobody() {
    let desk = Desk::at(ORIGIN).await;
    let mut key = enrolled(&desk, &desk.approver).await;
    let challenge = async || passkeys::challenge(&desk.engine, &visitor(), Purpose::SignIn).await.unwrap().json;
    let sign_in = async |answer: String| passkeys::sign_in(&desk.engine, &visitor(), &answer, "").await;

    let options = challenge().await;
    let answer = key.get(&options);
    let session = sign_in(answer.clone()).await.unwrap();
    assert_eq!(Some(session.person), desk.approver.person());
    assert_eq!(code(sign_in(answer).await.unwrap_err()), Code::Unauthenticated, "a challenge works once");

    let bends: [Bend; 9] = [
        ("user not verified", |parts| parts.authenticator_data[32] = 1),
        ("nobody present", |parts| parts.authenticator_data[32] = 4),
        ("other relying party", |parts| parts.authenticator_data[0] ^= 1),
        ("other type", |parts| parts.client_data = parts.client_data.replace("webauthn.get", "webauthn.create")),
        ("other origin", |parts| parts.client_data = parts.client_data.replace("desk.", "desk-")),
        ("frame of another site", |parts| parts.client_data = parts.client_data.replace("false", "true")),
        ("bogus signature", |parts| parts.bogus = true),
        ("unknown key", |parts| parts.credential_id[0] ^= 1),
        ("other person's handle", |parts| parts.user[0] ^= 1),
    ];
    for (fault, bend) in bends {
        let options = challenge().await;
        let refused = sign_in(key.get_bent(&options, bend)).await.unwrap_err();
        assert_eq!(code(refused), Code::Unauthenticated, "{fault}");
    }
    let options = challenge().await;
    desk.clock.advance(6 * 60 * 1_000);
    assert_eq!(code(sign_in(key.get(&options)).await.unwrap_err()), Code::Unauthenticated, "an old challenge");
    let options = passkeys::challenge(&desk.engine, &again(&desk.approver), Purpose::StepUp).await.unwrap().json;
    assert_eq!(code(sign_in(key.get(&options)).await.unwrap_err()), Code::Unauthenticated, "of another purpose");
    assert!(sign_in(key.get(&challenge().await)).await.is_ok(), "and still signs in honestly");
}

/// Proves P4: a counter that does not grow refuses, and tells holder and admins.
#[tokio::test(flavor = "multi_thread")]
async fn a_copied_key_is_refused_and_alarms() {
    let desk = Desk::at(ORIGIN).await;
    let mut key = enrolled(&desk, &desk.approver).await;
    let options = passkeys::challenge(&desk.engine, &visitor(), Purpose::SignIn).await.unwrap().json;
    passkeys::sign_in(&desk.engine, &visitor(), &key.get(&options), "").await.unwrap();

    key.counter -= 1;
    let options = passkeys::challenge(&desk.engine, &visitor(), Purpose::SignIn).await.unwrap().json;
    let refused = passkeys::sign_in(&desk.engine, &visitor(), &key.get(&options), "").await.unwrap_err();

    assert_eq!(code(refused), Code::Unauthenticated);
    for told in [&desk.approver, &desk.admin] {
        let notices = people::me(&desk.engine, &again(told)).await.unwrap().notices;
        assert_eq!(notices[0].kind, NoticeKind::PasskeyCopied);
    }
}

/// Proves S8 and S4: a step-up makes the proof recent again under a new token.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_up_renews_the_proof_and_kills_the_former_token() {
    let desk = Desk::at(ORIGIN).await;
    let mut key = enrolled(&desk, &desk.approver).await;
    let options = passkeys::challenge(&desk.engine, &visitor(), Purpose::SignIn).await.unwrap().json;
    let session = passkeys::sign_in(&desk.engine, &visitor(), &key.get(&options), "").await.unwrap();
    desk.clock.advance(6 * 60 * 1_000);
    let stale = caller(&desk, session.token.reveal()).await;

    let refused = passkeys::begin_enrolment(&desk.engine, &stale).await.unwrap_err();
    let options = passkeys::challenge(&desk.engine, &again(&stale), Purpose::StepUp).await.unwrap().json;
    let renewed = passkeys::step_up(&desk.engine, &again(&stale), &key.get(&options)).await.unwrap();

    assert_eq!(code(refused), Code::StepUpRequired);
    assert_eq!(renewed.session, session.session, "the sign-in goes on");
    assert!(sessions::authenticate(&desk.engine, session.token.reveal()).await.unwrap().is_none());
    let fresh = caller(&desk, renewed.token.reveal()).await;
    assert!(passkeys::begin_enrolment(&desk.engine, &fresh).await.is_ok());
}

/// Proves P7: nobody vouches for themselves, and a removed key signs nobody in.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_vouched_for_by_another_admin() {
    let desk = Desk::at(ORIGIN).await;
    let mut key = enrolled(&desk, &desk.admin).await;
    let own = waiting(&desk).await;

    let by_holder = passkeys::confirm(&desk.engine, &again(&desk.admin), own).await.unwrap_err();
    let by_approver = passkeys::confirm(&desk.engine, &again(&desk.approver), own).await.unwrap_err();
    passkeys::remove(&desk.engine, &again(&desk.admin), own).await.unwrap();
    let options = passkeys::challenge(&desk.engine, &visitor(), Purpose::SignIn).await.unwrap().json;
    let removed = passkeys::sign_in(&desk.engine, &visitor(), &key.get(&options), "").await.unwrap_err();

    assert!(matches!(by_holder, Error::Forbidden(denial) if denial.policies == ["nobody_vouches_for_themselves"]));
    assert!(matches!(by_approver, Error::Forbidden(_)));
    assert_eq!(code(removed), Code::Unauthenticated);
}

/// Proves P7.
#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_key_signs_nothing() {
    let desk = signing_desk().await;
    let id = desk.queued_decision().await;
    let page = decisions::view(&desk.engine, &again(&desk.approver), id).await.unwrap();
    let Composer::Closed { reason } = page.composer else { panic!("nobody can sign yet") };
    assert!(reason.contains("passkey") && reason.contains("another reviewer"), "{reason}");
    let mut confirmed = confirmed(&desk, &desk.approver).await;
    let mut second = enrolled(&desk, &desk.approver).await;

    let (request, options) = prepared(&desk, &desk.approver, id).await;
    let answer = SignedAnswer { nonce: options.0, answer: second.get(&options.1) };
    let refused = send(&desk, &desk.approver, &request, Some(answer)).await.unwrap_err();
    let (request, options) = prepared(&desk, &desk.approver, id).await;
    let answer = SignedAnswer { nonce: options.0, answer: confirmed.get(&options.1) };
    let taken = send(&desk, &desk.approver, &request, Some(answer)).await.unwrap();

    assert_eq!(code(refused), Code::SignatureRefused);
    assert_eq!(taken.state, State::Resolved);
}

/// Proves P3, P5 and P6: a signed review is recorded as it was signed, and verifies from the export alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_review_verifies_from_the_export_alone() {
    let desk = signing_desk().await;
    let mut key = confirmed(&desk, &desk.approver).await;
    let id = desk.queued_decision().await;
    let unsigned = desk.open_form(&desk.approver, id, Verdict::Approve).await.unwrap();
    let refused = decisions::review(&desk.engine, &again(&desk.approver), unsigned).await.unwrap_err();
    assert_eq!(code(refused), Code::SignatureRequired);

    let (request, (nonce, options)) = prepared(&desk, &desk.approver, id).await;
    let answer = SignedAnswer { nonce, answer: key.get(&options) };
    assert_eq!(send(&desk, &desk.approver, &request, Some(answer.clone())).await.unwrap().state, State::Resolved);
    let replayed = send(&desk, &desk.approver, &request, Some(answer)).await.unwrap_err();
    assert!(matches!(code(replayed), Code::AlreadyResolved | Code::Stale | Code::NotFound));

    desk.sealed().await;
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("export");
    export::to_directory(&desk.engine, &directory, &[]).await.unwrap();
    let vkey = countersign_engine::ledger::trust_policy(&desk.engine).lines().next().unwrap()[4..].parse().unwrap();
    let trust = Trust::log_only(vkey);
    let report = audit::verify_log(&Export(directory.clone()), &trust, &[]);
    let d5: Vec<_> = report.checks.iter().filter(|check| check.check == "D5").collect();
    assert_eq!(d5.len(), 1, "{:#?}", report.checks);
    assert_eq!(d5[0].status, Status::Passed);
    assert_eq!(d5[0].detail, "1 reviews are signed by an enrolled passkey of their reviewer");
    assert!(report.checks.iter().all(|check| check.status != Status::Failed), "{:#?}", report.checks);

    // Another signature in the record, under the same name: the digest in the leaf no longer fits.
    let record = std::fs::read_dir(directory.join("statements"))
        .unwrap()
        .flatten()
        .map(|file| file.path())
        .find(|path| std::fs::read_to_string(path).unwrap().contains("\"sig\":"))
        .unwrap();
    let text = std::fs::read_to_string(&record).unwrap();
    let at = text.find("\"sig\":\"").unwrap() + 30;
    let mut changed = text.into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    std::fs::write(&record, changed).unwrap();
    let report = audit::verify_log(&Export(directory), &trust, &[]);
    assert!(report.checks.iter().any(|check| check.check == "D5" && check.status == Status::Failed));
}

/// Proves P5.
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_replayed_on_another_decision_is_refused() {
    let desk = signing_desk().await;
    let mut key = confirmed(&desk, &desk.approver).await;
    let (first, second) = (desk.queued_decision().await, desk.queued_decision().await);
    let (_, (nonce, options)) = prepared(&desk, &desk.approver, first).await;
    let answer = key.get(&options);
    let (other, (other_nonce, _)) = prepared(&desk, &desk.approver, second).await;

    for nonce in [nonce, other_nonce] {
        let given = SignedAnswer { nonce, answer: answer.clone() };
        let refused = send(&desk, &desk.approver, &other, Some(given)).await.unwrap_err();
        assert_eq!(code(refused), Code::SignatureRefused);
    }
    assert_eq!(desk.database.number("select count(*) from reviews").await, 0);
}

/// Proves P4: one row per fault, each refused on the server with nothing recorded.
#[tokio::test(flavor = "multi_thread")]
async fn assertion_fault_table() {
    let desk = signing_desk().await;
    let mut key = confirmed(&desk, &desk.approver).await;
    let mut stranger = confirmed(&desk, &desk.approver_b).await;
    let id = desk.queued_decision().await;

    let bends: [Bend; 10] = [
        ("user was not verified", |parts| parts.authenticator_data[32] = 1),
        ("nobody was present", |parts| parts.authenticator_data[32] = 4),
        ("relying party", |parts| parts.authenticator_data[0] ^= 1),
        ("at least 37 bytes", |parts| parts.authenticator_data.truncate(36)),
        ("does not match its flags", |parts| parts.authenticator_data.push(0)),
        ("not of type", |parts| parts.client_data = parts.client_data.replace("webauthn.get", "webauthn.create")),
        ("the challenge is not", |parts| {
            let at = parts.client_data.find("\"challenge\":\"").unwrap() + 13;
            let other = if parts.client_data.as_bytes()[at] == b'A' { "B" } else { "A" };
            parts.client_data.replace_range(at..=at, other);
        }),
        ("the origin is not", |parts| parts.client_data = parts.client_data.replace("desk.", "desk-")),
        ("frame of another origin", |parts| parts.client_data = parts.client_data.replace("false", "true")),
        ("signature", |parts| parts.bogus = true),
    ];
    for (fault, bend) in bends {
        let (request, (nonce, options)) = prepared(&desk, &desk.approver, id).await;
        let given = SignedAnswer { nonce, answer: key.get_bent(&options, bend) };
        let refused = send(&desk, &desk.approver, &request, Some(given)).await.unwrap_err();
        let problem = countersign_domain::Problem::from(refused);
        assert_eq!(problem.code, Code::SignatureRefused, "{fault}");
        assert!(problem.detail.contains(fault), "{fault}: {}", problem.detail);
    }
    let (request, (nonce, options)) = prepared(&desk, &desk.approver, id).await;
    let given = SignedAnswer { nonce, answer: stranger.get(&options) };
    assert_eq!(code(send(&desk, &desk.approver, &request, Some(given)).await.unwrap_err()), Code::SignatureRefused);

    let (request, (nonce, options)) = prepared(&desk, &desk.approver, id).await;
    let given = SignedAnswer { nonce, answer: key.get(&options) };
    let mut changed = request.clone();
    (changed.verdict, changed.code) = (Verdict::Reject, Some(ReasonCode::AgainstPolicy));
    assert_eq!(
        code(send(&desk, &desk.approver, &changed, Some(given.clone())).await.unwrap_err()),
        Code::SignatureRefused
    );
    desk.clock.advance(6 * 60 * 1_000);
    assert_eq!(code(send(&desk, &desk.approver, &request, Some(given)).await.unwrap_err()), Code::SignatureRefused);

    key.counter = 1;
    let (request, (nonce, options)) = prepared(&desk, &desk.approver, id).await;
    let given = SignedAnswer { nonce, answer: key.get(&options) };
    // The counter was never raised by the refused answers; a first use raises it.
    assert!(send(&desk, &desk.approver, &request, Some(given)).await.is_err());
    assert_eq!(desk.database.number("select count(*) from reviews").await, 0);
    let notices = people::me(&desk.engine, &again(&desk.admin)).await.unwrap().notices;
    assert!(notices.iter().any(|notice| notice.kind == NoticeKind::PasskeyCopied));
}

/// A desk whose policy asks for signatures.
pub(crate) async fn signing_desk() -> Desk {
    let desk = Desk::at(ORIGIN).await;
    assert_eq!(policies::demand_signatures(&desk.engine, &Caller::operator(), true).await.unwrap(), 2);
    desk
}

pub(crate) async fn enrolled(desk: &Desk, holder: &Caller) -> SoftPasskey {
    let mut key = SoftPasskey::new(ORIGIN);
    let options = passkeys::begin_enrolment(&desk.engine, &again(holder)).await.unwrap();
    let answer = key.create(&options.json);
    passkeys::enrol(&desk.engine, &again(holder), &answer).await.unwrap();
    key
}

async fn waiting(desk: &Desk) -> PasskeyId {
    let view = passkeys::list_unconfirmed(&desk.engine, &again(&desk.admin)).await.unwrap();
    view.passkeys.last().unwrap().id
}

pub(crate) async fn confirmed(desk: &Desk, holder: &Caller) -> SoftPasskey {
    let key = enrolled(desk, holder).await;
    let id = waiting(desk).await;
    passkeys::confirm(&desk.engine, &again(&desk.admin), id).await.unwrap();
    key
}

/// Opens the page, and asks for the statement of an approval: the ruling, then nonce and options.
pub(crate) async fn prepared(desk: &Desk, reviewer: &Caller, id: DecisionId) -> (ReviewRequest, (String, String)) {
    let request = desk.open_form(reviewer, id, Verdict::Approve).await.unwrap();
    let to_sign = decisions::prepare(&desk.engine, &again(reviewer), request.clone()).await.unwrap();
    (request, (to_sign.nonce, to_sign.json))
}

pub(crate) async fn send(
    desk: &Desk,
    reviewer: &Caller,
    request: &ReviewRequest,
    signed: Option<SignedAnswer>,
) -> countersign_engine::Result<Reviewed> {
    let request = ReviewRequest { signed, ..request.clone() };
    decisions::review(&desk.engine, &again(reviewer), request).await
}

async fn caller(desk: &Desk, token: &str) -> Caller {
    let actor = sessions::authenticate(&desk.engine, token).await.unwrap().unwrap();
    Caller::new(actor, "127.0.0.1", "test", uuid())
}

fn visitor() -> Caller {
    Caller::new(Actor::Anonymous, "127.0.0.1", "test", uuid())
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_bytes([9; 16])
}

fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}
