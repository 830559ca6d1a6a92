//! D5: every review that names a passkey record was signed by a key that its reviewer had enrolled.
//!
//! The challenge is computed again from the leaf and the log's own opening; the record holds key and signature, so
//! nothing but the log and the record is needed. The origin is bound to the host that the log was opened for: its
//! scheme and port are what the server compared when it took the review.

use std::collections::HashMap;

use countersign_ledger::{
    assertion::{Assertion, Expected},
    hash::{Hash, Label, digest},
    statement::Review,
};

use super::{Act, Numbered, Statements, findings::Findings, number};

#[derive(Default)]
pub(super) struct Passkeys {
    /// Log id and relying party, as the log was opened.
    opened: Option<(String, String)>,
    /// By the entry that enrolled it.
    keys: HashMap<u128, Enrolled>,
    signed: u64,
    absent: u64,
}

struct Enrolled {
    person: u128,
    alg: String,
    key: Hash,
    confirmed: bool,
    removed: bool,
}

impl Passkeys {
    pub(super) fn visit(
        &mut self,
        act: &Act<'_>,
        understood: bool,
        statements: Statements<'_>,
        findings: &mut Findings,
    ) {
        if !understood {
            return;
        }
        let kind = act.leaf.kind.as_str();
        match (kind, act.object) {
            ("ledger.opened", _) => {
                let opened = act.text("log").zip(act.text("rp"));
                self.opened = opened.map(|(log, rp)| (log.to_owned(), rp.to_owned()));
            }
            ("auth.credential_enrolled", Some((_, person, Numbered::Act(_)))) => {
                if let (Some(alg), Some(key)) = (act.text("alg"), act.hash("key")) {
                    let enrolled = Enrolled { person, alg: alg.to_owned(), key, confirmed: false, removed: false };
                    self.keys.insert(act.id, enrolled);
                }
            }
            ("auth.credential_confirmed", Some((_, person, Numbered::Act(_)))) => {
                let credential = act.text("credential").map(number);
                match credential.and_then(|credential| self.keys.get_mut(&credential)) {
                    Some(key) if key.person != person => {
                        findings.fail("D5", act.index, "it confirms a key of somebody else".to_owned());
                    }
                    Some(_) if act.sid == Some(person) => {
                        findings.fail("D5", act.index, "the holder confirmed their own key".to_owned());
                    }
                    Some(key) => key.confirmed = true,
                    None => findings.fail("D5", act.index, "it confirms a key that was never enrolled".to_owned()),
                }
            }
            ("auth.credential_removed", _) => {
                let credential = act.text("credential").map(number);
                if let Some(key) = credential.and_then(|credential| self.keys.get_mut(&credential)) {
                    key.removed = true;
                }
            }
            ("decision.reviewed", _) if act.hash("assertion").is_some() => {
                match self.review(act, statements) {
                    Ok(true) => {}
                    // The frozen log of the format has such a review; the server refuses them.
                    Ok(false) => {
                        findings.notice("D5", act.index, "no admin had confirmed the passkey then".to_owned());
                    }
                    Err(detail) => findings.fail("D5", act.index, detail),
                }
            }
            _ => {}
        }
    }

    /// Says what was checked, if any review was signed.
    pub(super) fn summary(&self) -> Option<String> {
        let Self { signed, absent, .. } = self;
        (signed + absent > 0).then(|| match absent {
            0 => format!("{signed} reviews are signed by an enrolled passkey of their reviewer"),
            _ => format!(
                "{signed} reviews are signed by an enrolled passkey of their reviewer, {absent} records were not at hand"
            ),
        })
    }

    /// Checks one signed review; tells whether its key was confirmed, as far as that can be told.
    fn review(&mut self, act: &Act<'_>, statements: Statements<'_>) -> Result<bool, String> {
        let named = act.hash("assertion").ok_or("it names no passkey record")?;
        let Some(bytes) = statements(&named) else {
            self.absent += 1;
            return Ok(true);
        };
        if digest(Label::Assertion, &bytes) != named {
            return Err("the passkey record does not have the digest that was sealed".to_owned());
        }
        let assertion = Assertion::parse(&bytes).map_err(|error| error.to_string())?;
        let key = self.keys.get(&number(&assertion.credential)).ok_or("the passkey was not enrolled before")?;
        if Some(key.person) != act.sid {
            return Err("the passkey was enrolled by somebody else".to_owned());
        }
        if key.removed {
            return Err("the passkey was removed before".to_owned());
        }
        if key.key != assertion.key_digest() || key.alg != assertion.alg.as_str() {
            return Err("the passkey is not the one that was enrolled".to_owned());
        }
        let (log, rp) = self.opened.as_ref().ok_or("the log was not opened before")?;
        let (_, challenge) = statement(act, log)?.seal().map_err(|error| error.to_string())?;
        let origin =
            assertion.origin().filter(|origin| host(origin) == Some(rp)).ok_or("the origin is not the log's")?;
        assertion.check(&Expected { challenge, rp_id: rp, origin: &origin }).map_err(|error| error.to_string())?;
        if act.integer("expires").is_some_and(|expires| act.leaf.at > expires) {
            return Err("it was recorded after its challenge had ended".to_owned());
        }
        let confirmed = key.confirmed;
        self.signed += 1;

        Ok(confirmed)
    }
}

/// The statement that the passkey signed, computed from the leaf.
fn statement(act: &Act<'_>, log: &str) -> Result<Review, String> {
    let lacks = |name: &str| format!("it lacks d.{name}");
    let text = |name: &str| act.text(name).map(str::to_owned).ok_or_else(|| lacks(name));
    let hash = |name: &str| act.hash(name).ok_or_else(|| lacks(name));
    let integer = |name: &str| act.integer(name).ok_or_else(|| lacks(name));
    Ok(Review {
        log: log.to_owned(),
        decision: act.leaf.obj.as_ref().map(|obj| obj.id.clone()).unwrap_or_default(),
        content: hash("content")?,
        seen: hash("seen")?,
        round: integer("round")?,
        verdict: text("verdict")?,
        reason: act.leaf.cm.get("reason").copied(),
        form: act.leaf.cm.get("form").copied(),
        policy: text("policy")?,
        person: act.leaf.actor.sid.clone().unwrap_or_default(),
        expires: integer("expires")?,
        nonce: text("nonce")?,
        code: act.text("code").map(str::to_owned),
        blind: act.member("blind").and_then(countersign_ledger::value::Value::as_boolean),
        edited: act.hash("edited"),
        citations: act
            .member("citations")
            .and_then(countersign_ledger::value::Value::as_array)
            .map(<[_]>::to_vec)
            .unwrap_or_default(),
        for_: act.leaf.actor.for_.clone(),
    })
}

/// Host of an origin that passkeys work at.
fn host(origin: &str) -> Option<&str> {
    let (scheme, rest) = origin.split_once("://")?;
    let host = rest.split(':').next()?;
    (scheme == "https" || host == "localhost").then_some(host)
}
