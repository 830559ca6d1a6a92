//! Reviews signed by passkey: what is to be signed, and whether it was.
//!
//! The challenge is the digest of the review statement (`countersign_ledger::statement::Review`): the exact content,
//! what was shown, the ruling, and the commitments to reason and answers. Nonce and the keys of the commitments are fixed when
//! the statement is handed out, so the deciding transaction records exactly what was signed, and anybody can compute
//! the challenge again from the leaf.

use countersign_domain::{
    Problem,
    event::{Event, Object, Place, Signature},
    ids::PersonId,
    problem::{Code, FieldError},
    view::ReviewToSign,
};
use countersign_ledger::{
    commit,
    hash::{Hash, Label},
    statement,
};
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::review::{self, Checked, ReviewRequest};
use crate::{
    Engine,
    authorize::{Action, Denial, Permit},
    caller::Caller,
    db,
    envelope::Place as Sealed,
    error::{Error, Result},
    passkeys::{self, AssertionAnswer},
    reads, seal, secret,
    vault::Key,
};

/// How long a statement may wait for its signature, in milliseconds.
const SIGNING_MS: u64 = 5 * 60 * 1_000;

/// A passkey's answer to a statement that [`prepare`] handed out.
#[derive(Clone, Debug)]
pub struct SignedAnswer {
    /// The statement's single-use value.
    pub nonce: String,
    /// What the browser answered, as JSON.
    pub answer: String,
}

/// A signature that holds.
pub(super) struct Signed {
    pub(super) signature: Signature,
    /// Keys of the commitments, by field.
    pub(super) keys: Vec<(&'static str, Key)>,
    pub(super) statement: reads::Statement,
}

/// Keys of the commitments of a ruling, drawn before it is signed.
struct Keys {
    reason: Key,
    form: Key,
}

impl Keys {
    fn draw() -> Self {
        Self { reason: Zeroizing::new(secret::random()), form: Zeroizing::new(secret::random()) }
    }

    /// Reads the keys at the start of what [`Keys::seal`] wrote, and returns what stands behind them.
    fn split(opened: &[u8]) -> Option<(Self, &[u8])> {
        let (reason, rest) = opened.split_first_chunk::<32>()?;
        let (form, rest) = rest.split_first_chunk::<32>()?;
        Some((Self { reason: Zeroizing::new(*reason), form: Zeroizing::new(*form) }, rest))
    }

    fn seal(&self, said: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.reason.as_slice(), self.form.as_slice(), said].concat())
    }
}

/// Hands out the statement of a ruling to be signed with one of the caller's confirmed passkeys.
///
/// # Errors
///
/// As [`super::review`]; `signature_required` when the person has no passkey that may sign.
pub async fn prepare(engine: &Engine, caller: &Caller, request: ReviewRequest) -> Result<ReviewToSign> {
    let (permit, object, prepared) = engine
        .act(caller, move |engine, caller| {
            let request = request.clone();
            async move {
                let mut tx = engine.begin().await?;
                let checked = review::check(&mut tx, &engine, &caller, &request).await?;
                let keys = db::passkeys::list(&mut tx, checked.person).await?;
                let confirmed: Vec<_> =
                    keys.iter().filter(|key| key.confirmed).map(|key| key.credential_id.as_slice()).collect();
                if confirmed.is_empty() {
                    return Err(checked.refuse(no_passkey()));
                }
                let nonce = secret::random::<16>();
                let keys = Keys::draw();
                let expires = checked.now + SIGNING_MS;
                let statement = statement_of(&engine, &checked, &request, &nonce, expires, &keys);
                let (_, challenge) = statement.seal()?;
                let id = secret::random_id();
                let sealed = engine.envelope.seal(place(id), &keys.seal(&said(&request, &checked)));
                let new = db::review_signings::New {
                    id,
                    nonce: &nonce,
                    presentation: request.presentation,
                    verdict: request.verdict,
                    code: request.code,
                    sealed: &sealed,
                    challenge: &challenge.0,
                    expires_at: expires,
                };
                db::review_signings::insert(&mut tx, &new).await?;
                engine.commit(tx).await?;
                let options = passkeys::request_options(&engine, &challenge.to_string(), &confirmed);
                let object = Object { kind: "decision", id: checked.stored.id.0, place: Place::Read(checked.stored.n) };
                let prepared = ReviewToSign { nonce: passkeys::encode(&nonce), json: options.json };
                Ok((checked.permit, object, prepared))
            }
        })
        .await?;
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;

    Ok(prepared)
}

/// Checks the signature of a ruling inside the transaction that records it.
pub(super) async fn verify(
    conn: &mut PgConnection,
    engine: &Engine,
    checked: &Checked,
    request: &ReviewRequest,
    given: &SignedAnswer,
) -> Result<Signed> {
    let refuse = |why: &str| checked.refuse(refused(why));
    let unknown = || refuse("it answers no statement of this form");
    let nonce = passkeys::decode(&given.nonce)?;
    let signing = db::review_signings::lock(conn, &nonce).await?.ok_or_else(unknown)?;
    if signing.presentation != request.presentation {
        return Err(unknown());
    }
    if signing.used {
        return Err(refuse("it was used"));
    }
    if checked.now >= signing.expires_at {
        return Err(refuse("it came more than five minutes after the statement was handed out"));
    }
    let opened = engine.envelope.open(place(signing.id), &signing.sealed)?;
    let (keys, signed) = Keys::split(&opened).ok_or_else(unknown)?;
    if (signing.verdict, signing.code) != (request.verdict, request.code) || signed != said(request, checked) {
        return Err(refuse("it is for another ruling, reason or answer than the one sent"));
    }
    let statement = statement_of(engine, checked, request, &nonce, signing.expires_at, &keys);
    let (_, challenge) = statement.seal()?;
    if challenge.0 != *signing.challenge {
        return Err(refuse("the decision changed after the statement was handed out"));
    }
    let answer = AssertionAnswer::parse(&given.answer)?;
    let key = db::passkeys::lock_by_credential(conn, &answer.credential_id)
        .await?
        .filter(|key| key.person == checked.person)
        .ok_or_else(|| refuse("the passkey is not one of yours"))?;
    if !key.confirmed {
        return Err(refuse("no admin has confirmed this passkey yet"));
    }
    let assertion = answer.assertion(&key)?;
    let authenticator =
        assertion.check(&passkeys::expected(engine, challenge)).map_err(|error| refuse(&error.to_string()))?;
    if !passkeys::counter_grows(key.counter, &authenticator) {
        return Err(checked.refuse(copied()));
    }
    let (body, digest) = assertion.seal()?;
    db::passkeys::set_used(conn, key.id, authenticator.counter, authenticator.backed_up, checked.now).await?;
    db::review_signings::set_used(conn, signing.id, checked.now).await?;

    Ok(Signed {
        signature: Signature { assertion: digest, expires: signing.expires_at, nonce: given.nonce.clone() },
        keys: vec![("reason", keys.reason), ("form", keys.form)],
        statement: reads::Statement { label: Label::Assertion, digest, body },
    })
}

/// Marks the refusal of a signature by a key that may have been copied.
const COPIED: &str = "passkey_copied";

fn copied() -> Problem {
    let mut problem = refused("the passkey's counter did not grow, as when a key was copied; admins were told");
    problem.errors.push(FieldError::new("", COPIED, "Remove this passkey under You, How you sign in."));
    problem
}

/// Tells whether a review was refused because the passkey may have been copied.
pub(super) fn is_copied(problem: &Problem) -> bool {
    problem.errors.iter().any(|error| error.code == COPIED)
}

/// Reason and answers, which are sealed beside the nonce. Neither can be blank or hold a NUL, so nothing stands for none.
fn said(request: &ReviewRequest, checked: &Checked) -> Vec<u8> {
    let reason = request.reason.as_ref().map_or("", |reason| reason.as_str());
    format!("{reason}\0{}", checked.form.as_deref().unwrap_or_default()).into_bytes()
}

fn statement_of(
    engine: &Engine,
    checked: &Checked,
    request: &ReviewRequest,
    nonce: &[u8],
    expires: u64,
    keys: &Keys,
) -> statement::Review {
    let committed =
        |field, key: &Key, text: &str| -> Hash { commit::commitment(&commit::salt(key), field, text.as_bytes()) };
    statement::Review {
        log: engine.log.id.clone(),
        decision: checked.stored.id.to_string(),
        content: checked.content,
        seen: checked.seen,
        round: checked.stored.round,
        verdict: request.verdict.word().to_owned(),
        reason: request.reason.as_ref().map(|reason| committed("reason", &keys.reason, reason.as_str())),
        form: checked.form.as_ref().map(|form| committed("form", &keys.form, form)),
        policy: checked.stored.policy_version.to_string(),
        person: checked.person.to_string(),
        expires,
        nonce: passkeys::encode(nonce),
        code: request.code.map(|code| code.word().to_owned()),
        blind: None,
        edited: None,
        citations: Vec::new(),
        for_: checked.behalf.as_ref().map(|(_, on_behalf)| on_behalf.delegator.to_string()),
    }
}

/// Alarms holder and admins after a review was refused because the passkey's counter did not grow.
pub(super) async fn alarm(engine: &Engine, caller: &Caller, person: PersonId, permit: Permit) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let permit = permit.clone();
            async move {
                let mut tx = engine.begin().await?;
                let event = Event::SignInFailed { person: Some(person), count: 1, ip: caller.network.clone() };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                passkeys::alarm_copied(&mut tx, &engine, person, &entry).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// The way forward for somebody who cannot sign.
pub(super) fn no_passkey() -> Problem {
    Problem::new(
        Code::SignatureRequired,
        "The policy asks for a review signed with a passkey, and you have none that may sign. Add one under You, How you sign in; an admin other than you then confirms it. Until then another reviewer can take this decision.",
    )
}

pub(super) fn not_signed() -> Problem {
    Problem::new(
        Code::SignatureRequired,
        "The policy asks for a review signed with a passkey, which needs JavaScript in this browser. Turn it on and load the page again, or leave this decision to another reviewer; nothing of yours was recorded.",
    )
}

fn refused(why: &str) -> Problem {
    Problem::new(
        Code::SignatureRefused,
        format!("The signature was not accepted: {why}. Nothing of yours was recorded; your text is kept below."),
    )
}

const fn place(signing: Uuid) -> Sealed {
    Sealed { table: "review_signings", column: "sealed", row: signing }
}

impl Checked {
    pub(super) fn refuse(&self, problem: Problem) -> Error {
        Denial::by_rule(self.permit.clone(), Action::ReviewDecision, self.target, problem)
    }
}
