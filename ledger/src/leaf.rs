//! Leaf format, version 1: what one sealed act looks like.
//!
//! ```json
//! {"actor":{"as":"engine"},"at":1793610060001,"d":{"need":1,"route":"require"},"id":"01a19b7d-90e1-7b4d-9592-5208331b382d","kind":"decision.routed","obj":{"id":"01a19b7d-90e0-7f95-ae73-2979886b812a","n":2,"t":"decision"},"v":1}
//! ```
//!
//! A leaf holds ids, closed words, integers, digests and commitments. Which members `d` and `cm` have is the
//! business of each kind and checked by whoever knows the kinds; here their value classes and limits are.

mod read;

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::value::class::{is_kind, is_policy_id};
use crate::value::{self, INTEGER_MAX, Limits, NOT_A_WORD, Value, is_uuid, is_word, write_integer, write_text};
use crate::{Error, Result};

pub use read::{ActorRef, LeafRef, ObjRef};

/// Most commitments one leaf may hold.
pub const COMMITMENTS_MAX: usize = 16;

/// Most policy ids that can determine one decision.
pub const POLICIES_MAX: usize = 8;

/// One act or read, as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// UUIDv7 of the entry, lower case, unique for ever.
    pub id: String,
    /// Milliseconds since 1970 UTC by the server clock: a claim, never an order.
    pub at: u64,
    /// Two words and a dot, such as `decision.proposed`.
    pub kind: String,
    /// Who acted.
    pub actor: Actor,
    /// What decided that they may, where a permission was evaluated.
    pub authz: Option<Authz>,
    /// The object acted on or read.
    pub obj: Option<Obj>,
    /// Members defined by the kind; an object.
    pub d: Option<Value>,
    /// Commitments to personal and free-text values, by field name.
    pub cm: BTreeMap<String, Hash>,
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What sort of actor it is.
    pub as_: ActorKind,
    /// UUIDv4 of the person or system; absent exactly for engine and anonymous.
    pub sid: Option<String>,
    /// Id of the entry that signed them in or issued their key.
    pub via: Option<String>,
    /// `sid` of whoever delegated to them.
    pub for_: Option<String>,
}

/// The sorts of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// A signed-in person.
    Person,
    /// An AI agent with a key.
    Agent,
    /// The product itself.
    Engine,
    /// Whoever runs the installation, on its command line.
    Operator,
    /// A directory that provisions people.
    Directory,
    /// Nobody known.
    Anonymous,
}

/// What decided that the actor may act, or may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authz {
    /// The determining policy ids, 1 to 8 of `[A-Za-z0-9_-]{1,64}`.
    pub ids: Vec<String>,
    /// Digest of the policy set that was evaluated.
    pub rev: Hash,
    /// False on refusal.
    pub ok: bool,
}

/// The object of an act or read; exactly one of `n` and `upto` is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obj {
    /// Its type, a word.
    pub t: String,
    /// Its UUID.
    pub id: String,
    /// Number of this act on the object: 1, 2, 3 … without gap.
    pub n: Option<u64>,
    /// For a read: the highest `n` shown.
    pub upto: Option<u64>,
}

impl Leaf {
    /// Writes the canonical bytes after checking every rule of the format.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] names the first field outside its class, [`Error::Limit`] what is too large.
    pub fn encode(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut out = Vec::with_capacity(640);
        self.actor.write(&mut out);
        out.extend_from_slice(b",\"at\":");
        write_integer(&mut out, self.at);
        if let Some(authz) = &self.authz {
            authz.write(&mut out);
        }
        let mut separator: &[u8] = b",\"cm\":{";
        for (name, commitment) in &self.cm {
            out.extend_from_slice(separator);
            write_text(&mut out, name);
            out.push(b':');
            write_text(&mut out, &commitment.to_string());
            separator = b",";
        }
        if !self.cm.is_empty() {
            out.push(b'}');
        }
        if let Some(d) = &self.d {
            out.extend_from_slice(b",\"d\":");
            d.write(&mut out);
        }
        out.extend_from_slice(b",\"id\":");
        write_text(&mut out, &self.id);
        out.extend_from_slice(b",\"kind\":");
        write_text(&mut out, &self.kind);
        if let Some(obj) = &self.obj {
            obj.write(&mut out);
        }
        out.extend_from_slice(b",\"v\":1}");

        value::within(Limits::LEAF, out)
    }

    /// Reads the canonical bytes of a leaf; whatever it accepts, [`Leaf::encode`] writes back byte for byte.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] names the first offending byte, [`Error::Version`] a leaf that is canonical but of a
    /// version this build does not know.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        LeafRef::parse(bytes).map(|leaf| leaf.to_leaf())
    }

    fn check(&self) -> Result<()> {
        require(is_uuid(&self.id, 7), "id", NOT_AN_ENTRY_ID)?;
        require(self.at <= INTEGER_MAX, "at", "milliseconds end at 2^53 - 1")?;
        require(is_kind(&self.kind), "kind", NOT_A_KIND)?;
        self.actor.check()?;
        if let Some(authz) = &self.authz {
            require((1..=POLICIES_MAX).contains(&authz.ids.len()), "authz.ids", TOO_MANY_POLICIES)?;
            require(authz.ids.iter().all(|id| is_policy_id(id)), "authz.ids", NOT_A_POLICY_ID)?;
        }
        if let Some(obj) = &self.obj {
            require(is_word(&obj.t), "obj.t", NOT_A_WORD)?;
            require(is_uuid(&obj.id, 0), "obj.id", NOT_A_UUID)?;
            check_place(obj.n, obj.upto).map_err(|why| field("obj", why))?;
        }
        if let Some(d) = &self.d {
            require(d.as_object().is_some(), "d", "`d` is an object")?;
            d.check(Limits::LEAF, 2, &mut String::from("d"))?;
        }
        require(self.cm.len() <= COMMITMENTS_MAX, "cm", TOO_MANY_COMMITMENTS)?;
        for name in self.cm.keys() {
            require(is_word(name), "cm", NOT_A_WORD)?;
        }

        Ok(())
    }
}

impl Actor {
    /// The product itself.
    pub fn engine() -> Self {
        Self { as_: ActorKind::Engine, sid: None, via: None, for_: None }
    }

    /// Nobody known, such as whoever fails to sign in.
    pub fn anonymous() -> Self {
        Self { as_: ActorKind::Anonymous, sid: None, via: None, for_: None }
    }

    fn check(&self) -> Result<()> {
        for (name, sid) in [("actor.sid", &self.sid), ("actor.for", &self.for_)] {
            require(sid.as_ref().is_none_or(|sid| is_uuid(sid, 4)), name, NOT_A_SID)?;
        }
        require(self.via.as_ref().is_none_or(|via| is_uuid(via, 7)), "actor.via", NOT_AN_ENTRY_ID)?;

        check_shape(self.as_, self.sid.is_some(), self.via.is_some() || self.for_.is_some())
            .map_err(|why| field("actor", why))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"actor\":{\"as\":");
        write_text(out, self.as_.as_str());
        for (key, value) in [("for", &self.for_), ("sid", &self.sid), ("via", &self.via)] {
            if let Some(value) = value {
                out.push(b',');
                write_text(out, key);
                out.push(b':');
                write_text(out, value);
            }
        }
        out.push(b'}');
    }
}

impl ActorKind {
    /// Every sort of actor.
    pub const ALL: [ActorKind; 6] =
        [Self::Person, Self::Agent, Self::Engine, Self::Operator, Self::Directory, Self::Anonymous];

    /// The word that is sealed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Agent => "agent",
            Self::Engine => "engine",
            Self::Operator => "operator",
            Self::Directory => "directory",
            Self::Anonymous => "anonymous",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Authz {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"authz\":{\"ids\":");
        let mut separator = b'[';
        for id in &self.ids {
            out.push(separator);
            write_text(out, id);
            separator = b',';
        }
        out.push(b']');
        if !self.ok {
            out.extend_from_slice(b",\"ok\":false");
        }
        out.extend_from_slice(b",\"rev\":");
        write_text(out, &self.rev.to_string());
        out.push(b'}');
    }
}

impl Obj {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"obj\":{\"id\":");
        write_text(out, &self.id);
        if let Some(n) = self.n {
            out.extend_from_slice(b",\"n\":");
            write_integer(out, n);
        }
        out.extend_from_slice(b",\"t\":");
        write_text(out, &self.t);
        if let Some(upto) = self.upto {
            out.extend_from_slice(b",\"upto\":");
            write_integer(out, upto);
        }
        out.push(b'}');
    }
}

const NOT_A_UUID: &str = "expected a lower-case UUID";
const NOT_A_SID: &str = "expected a lower-case UUIDv4";
const NOT_AN_ENTRY_ID: &str = "expected a lower-case UUIDv7";
const NOT_A_KIND: &str = "a kind is two words and a dot";
const NOT_A_POLICY_ID: &str = "a policy id is [A-Za-z0-9_-]{1,64}";
const TOO_MANY_POLICIES: &str = "1 to 8 policy ids";
const TOO_MANY_COMMITMENTS: &str = "at most 16 commitments";

fn check_shape(as_: ActorKind, sid: bool, via_or_for: bool) -> Result<(), &'static str> {
    match (as_, sid) {
        (ActorKind::Engine | ActorKind::Anonymous, false) if !via_or_for => Ok(()),
        (ActorKind::Engine | ActorKind::Anonymous, _) => Err("engine and anonymous have no `sid`, `via` or `for`"),
        (_, false) => Err("every actor but engine and anonymous has a `sid`"),
        (_, true) => Ok(()),
    }
}

fn check_place(n: Option<u64>, upto: Option<u64>) -> Result<(), &'static str> {
    match (n, upto) {
        (Some(1..=INTEGER_MAX), None) | (None, Some(0..=INTEGER_MAX)) => Ok(()),
        _ => Err("an act has `n` from 1, a read has `upto`, never both"),
    }
}

fn require(holds: bool, name: &str, why: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(field(name, why)) }
}

fn field(name: &str, why: &'static str) -> Error {
    Error::Field { what: "leaf", field: name.to_owned(), why }
}
