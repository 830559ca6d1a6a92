//! Trust policies (c2sp.org/tlog-policy): which logs and witnesses to believe, and how many witnesses.
//!
//! ```text
//! log decisions.example.org/ledger/7c1d9a40b2e85f36+4efb17f5+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
//! witness w1 witness.example.net/w1+0abc1f19+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU
//! quorum w1
//! ```

use std::collections::BTreeMap;

use crate::note::Verifier;
use crate::{Error, Result};

/// Longest policy, in bytes.
pub const POLICY_MAX: usize = 65_536;

/// Most logs, witnesses and groups, each.
pub const NAMES_MAX: usize = 64;

const WHAT: &str = "trust policy";

/// What a verifier pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Accepted log keys.
    pub logs: Vec<PolicyLog>,
    /// Known witnesses.
    pub witnesses: Vec<PolicyWitness>,
    quorum: Quorum,
}

/// A log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// The log's key, named as its origin.
    pub key: Verifier,
    /// Where to find it.
    pub url: Option<String>,
}

/// A witness line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Name inside this policy.
    pub name: String,
    /// The witness's cosignature key.
    pub key: Verifier,
    /// Where to find it.
    pub url: Option<String>,
}

/// A rule over sets of witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Quorum {
    /// No cosignature is asked for.
    None,
    /// This witness, by position.
    Witness(usize),
    /// At least so many of these.
    Group(usize, Vec<Quorum>),
}

impl TrustPolicy {
    /// A policy of one pinned log key and no witnesses.
    pub fn log_only(key: Verifier) -> Self {
        Self { logs: vec![PolicyLog { key, url: None }], witnesses: Vec::new(), quorum: Quorum::None }
    }

    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// [`Error::Line`] names the first line that breaks the format, [`Error::Key`] the first unusable key.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > POLICY_MAX {
            return Err(Error::Limit { what: "bytes of a trust policy", max: POLICY_MAX, found: text.len() });
        }
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(Error::Line {
                what: WHAT,
                line: text.matches('\n').count() + 1,
                why: "every line ends with a newline",
            });
        }
        if let Some(at) = text.bytes().position(|byte| (byte < b' ' && !matches!(byte, b'\t' | b'\n')) || byte == 0x7f)
        {
            return Err(Error::Syntax {
                what: WHAT,
                at,
                why: "control characters other than tab and newline are refused",
            });
        }
        let mut draft = Draft::default();
        for (at, line) in text.lines().enumerate() {
            draft.line(line).map_err(|refusal| match refusal {
                Refusal::Rule(why) => Error::Line { what: WHAT, line: at + 1, why },
                Refusal::Key(error) => error,
            })?;
        }
        let quorum = draft.quorum.ok_or(Error::Line {
            what: WHAT,
            line: text.lines().count().max(1),
            why: "a policy has a quorum line",
        })?;

        Ok(Self { logs: draft.logs, witnesses: draft.witnesses, quorum })
    }

    /// True if the quorum asks for no witness at all.
    pub fn without_witnesses(&self) -> bool {
        self.quorum == Quorum::None
    }

    /// True if the witnesses that `cosigned` accepts meet the quorum.
    pub fn quorum_met(&self, cosigned: impl Fn(&PolicyWitness) -> bool) -> bool {
        self.quorum.met(&|at: usize| cosigned(&self.witnesses[at]))
    }
}

impl Quorum {
    fn met(&self, cosigned: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::None => true,
            Self::Witness(at) => cosigned(*at),
            Self::Group(least, members) => members.iter().filter(|member| member.met(cosigned)).count() >= *least,
        }
    }
}

enum Refusal {
    Rule(&'static str),
    Key(Error),
}

impl From<&'static str> for Refusal {
    fn from(why: &'static str) -> Self {
        Self::Rule(why)
    }
}

#[derive(Default)]
struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    names: BTreeMap<String, Named>,
    groups: usize,
    quorum: Option<Quorum>,
}

/// A witness or group.
struct Named {
    rule: Quorum,
    /// Already a member of a group: no witness counts twice.
    member: bool,
}

impl Draft {
    fn line(&mut self, line: &str) -> Result<(), Refusal> {
        let words: Vec<_> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", vkey] => self.log(vkey, None),
            ["log", vkey, url] => self.log(vkey, Some(url)),
            ["witness", name, vkey] => self.witness(name, vkey, None),
            ["witness", name, vkey, url] => self.witness(name, vkey, Some(url)),
            ["group", name, least, members @ ..] => self.group(name, least, members),
            ["quorum", name] => self.quorum(name),
            _ => Err("expected a log, witness, group or quorum line".into()),
        }
    }

    fn log(&mut self, vkey: &str, url: Option<&str>) -> Result<(), Refusal> {
        let key: Verifier = vkey.parse().map_err(Refusal::Key)?;
        if key.is_cosigner() {
            return Err("a log key has type 0x01".into());
        }
        if self.logs.iter().any(|log| log.key.public_key() == key.public_key()) {
            return Err("this log key was given before".into());
        }
        if self.logs.len() == NAMES_MAX {
            return Err("at most 64 logs".into());
        }
        self.logs.push(PolicyLog { key, url: url.map(str::to_owned) });

        Ok(())
    }

    fn witness(&mut self, name: &str, vkey: &str, url: Option<&str>) -> Result<(), Refusal> {
        let key: Verifier = vkey.parse().map_err(Refusal::Key)?;
        if !key.is_cosigner() {
            return Err("a witness key has type 0x04".into());
        }
        if self.witnesses.iter().any(|witness| witness.key.public_key() == key.public_key()) {
            return Err("this witness key was given before".into());
        }
        if self.witnesses.len() == NAMES_MAX {
            return Err("at most 64 witnesses".into());
        }
        self.define(name, Quorum::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness { name: name.to_owned(), key, url: url.map(str::to_owned) });

        Ok(())
    }

    fn group(&mut self, name: &str, least: &str, members: &[&str]) -> Result<(), Refusal> {
        let least = match least {
            "any" => 1,
            "all" => members.len(),
            _ => crate::encoding::decimal(least).and_then(|least| usize::try_from(least).ok()).unwrap_or(0),
        };
        if least == 0 || least > members.len() {
            return Err("a group counts all, any or a number from 1 to that of its members".into());
        }
        if self.groups == NAMES_MAX {
            return Err("at most 64 groups".into());
        }
        let members = members.iter().map(|member| self.take(member)).collect::<Result<_, _>>()?;
        self.groups += 1;

        self.define(name, Quorum::Group(least, members))
    }

    fn quorum(&mut self, name: &str) -> Result<(), Refusal> {
        if self.quorum.is_some() {
            return Err("a policy has one quorum line".into());
        }
        self.quorum = Some(match name {
            "none" => Quorum::None,
            _ => self.names.get(name).ok_or("the quorum names a witness or group of a line above")?.rule.clone(),
        });

        Ok(())
    }

    fn define(&mut self, name: &str, rule: Quorum) -> Result<(), Refusal> {
        if name == "none" || self.names.contains_key(name) {
            return Err("this name is taken".into());
        }
        self.names.insert(name.to_owned(), Named { rule, member: false });

        Ok(())
    }

    fn take(&mut self, name: &str) -> Result<Quorum, Refusal> {
        let named = self.names.get_mut(name).ok_or("a group member is a witness or group of a line above")?;
        if std::mem::replace(&mut named.member, true) {
            return Err("a name is a member of one group at most".into());
        }

        Ok(named.rule.clone())
    }
}
