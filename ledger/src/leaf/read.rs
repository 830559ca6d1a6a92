//! The leaf reader: one pass over the bytes in the order that canonical form prescribes, without allocation.

use super::{
    Actor, ActorKind, Authz, COMMITMENTS_MAX, Leaf, NOT_A_KIND, NOT_A_POLICY_ID, NOT_A_SID, NOT_A_UUID,
    NOT_AN_ENTRY_ID, Obj, POLICIES_MAX, TOO_MANY_COMMITMENTS, TOO_MANY_POLICIES, check_place, check_shape,
};
use crate::value::class::{is_digest, is_kind, is_policy_id};
use crate::value::{Limits, NOT_A_WORD, Reader, Value, is_uuid, is_word};
use crate::{Error, Result};

/// A leaf that was read and found valid, still in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRef<'a> {
    /// UUIDv7 of the entry.
    pub id: &'a str,
    /// Milliseconds since 1970 UTC by the server clock.
    pub at: u64,
    /// Two words and a dot.
    pub kind: &'a str,
    /// Who acted.
    pub actor: ActorRef<'a>,
    /// The object acted on or read.
    pub obj: Option<ObjRef<'a>>,
    /// Policy ids in brackets, digest of the policy set, outcome.
    authz: Option<(&'a str, &'a str, bool)>,
    d: Option<&'a str>,
    cm: Option<&'a str>,
}

/// Who acted, as [`Actor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorRef<'a> {
    /// What sort of actor it is.
    pub as_: ActorKind,
    /// UUIDv4 of the person or system.
    pub sid: Option<&'a str>,
    /// Id of the entry that signed them in or issued their key.
    pub via: Option<&'a str>,
    /// `sid` of whoever delegated to them.
    pub for_: Option<&'a str>,
}

/// The object of an act or read, as [`Obj`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjRef<'a> {
    /// Its type.
    pub t: &'a str,
    /// Its UUID.
    pub id: &'a str,
    /// Number of this act on the object.
    pub n: Option<u64>,
    /// For a read: the highest `n` shown.
    pub upto: Option<u64>,
}

impl<'a> LeafRef<'a> {
    /// Reads the canonical bytes of a leaf and checks every rule of the format.
    ///
    /// # Errors
    ///
    /// As [`Leaf::parse`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        known(bytes).map_err(|error| unknown_version(bytes).unwrap_or(error))
    }

    /// Copies the leaf out of its bytes.
    pub fn to_leaf(&self) -> Leaf {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let part = |text: &str| {
            Value::parse(text.as_bytes(), Limits::LEAF).expect("the reader has checked every part of the leaf")
        };

        Leaf {
            id: self.id.to_owned(),
            at: self.at,
            kind: self.kind.to_owned(),
            actor: Actor {
                as_: self.actor.as_,
                sid: own(self.actor.sid),
                via: own(self.actor.via),
                for_: own(self.actor.for_),
            },
            authz: self.authz.map(|(ids, rev, ok)| Authz {
                ids: ids[1..ids.len() - 1].split(',').map(|id| id.trim_matches('"').to_owned()).collect(),
                rev: rev.parse().expect("the reader has checked every digest"),
                ok,
            }),
            obj: self.obj.map(|obj| Obj { t: obj.t.to_owned(), id: obj.id.to_owned(), n: obj.n, upto: obj.upto }),
            d: self.d.map(part),
            cm: match self.cm.map(part) {
                Some(Value::Object(members)) => members
                    .into_iter()
                    .map(|(name, value)| (name, value.as_hash().expect("the reader has checked every digest")))
                    .collect(),
                _ => Default::default(),
            },
        }
    }
}

fn known(bytes: &[u8]) -> Result<LeafRef<'_>> {
    let mut reader = Reader::new(bytes, Limits::LEAF)?;
    reader.expect("{\"actor\":", "a leaf begins with `actor`")?;
    reader.descend();
    let actor = actor(&mut reader)?;
    reader.expect(",\"at\":", "expected `at`")?;
    let at = reader.integer()?;
    let authz = if reader.eat(",\"authz\":") { Some(authz(&mut reader)?) } else { None };
    let cm = if reader.eat(",\"cm\":") { Some(commitments(&mut reader)?) } else { None };
    let d = if reader.eat(",\"d\":") { Some(members(&mut reader)?) } else { None };
    reader.expect(",\"id\":", "expected `id`")?;
    let id = entry_id(&mut reader)?;
    reader.expect(",\"kind\":", "expected `kind`")?;
    let kind = reader.text_of(is_kind, NOT_A_KIND)?;
    let obj = if reader.eat(",\"obj\":") { Some(obj(&mut reader)?) } else { None };
    reader.expect(",\"v\":1}", "a leaf ends with its version, 1, and nothing else")?;
    reader.end()?;

    Ok(LeafRef { id, at, kind, actor, obj, authz, d, cm })
}

/// A leaf of a later version may hold other fields, but its bytes follow the same rules.
fn unknown_version(bytes: &[u8]) -> Option<Error> {
    let value = Value::parse(bytes, Limits::LEAF).ok()?;

    match value.get("v")?.as_integer()? {
        1 => None,
        version => Some(Error::Version { what: "leaf", version }),
    }
}

fn actor<'a>(reader: &mut Reader<'a>) -> Result<ActorRef<'a>> {
    reader.expect("{\"as\":", "an actor begins with `as`")?;
    let mut as_ = None;
    reader.text_of(
        |word| {
            as_ = ActorKind::from_word(word);
            as_.is_some()
        },
        "`as` is a known sort of actor",
    )?;
    let actor = ActorRef {
        as_: as_.ok_or_else(|| reader.error("`as` is a known sort of actor"))?,
        for_: if reader.eat(",\"for\":") { Some(sid(reader)?) } else { None },
        sid: if reader.eat(",\"sid\":") { Some(sid(reader)?) } else { None },
        via: if reader.eat(",\"via\":") { Some(entry_id(reader)?) } else { None },
    };
    reader.expect("}", "an actor has `as`, `for`, `sid` and `via`, nothing else")?;
    check_shape(actor.as_, actor.sid.is_some(), actor.via.is_some() || actor.for_.is_some())
        .map_err(|why| reader.error(why))?;

    Ok(actor)
}

fn authz<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, &'a str, bool)> {
    reader.expect("{\"ids\":", "an authorisation begins with `ids`")?;
    let mut count = 0;
    let ids = reader.spanned(|reader| {
        reader.array(|reader| {
            count += 1;
            match count > POLICIES_MAX {
                true => Err(reader.error(TOO_MANY_POLICIES)),
                false => reader.text_of(is_policy_id, NOT_A_POLICY_ID).map(|_| ()),
            }
        })
    })?;
    let ok = !reader.eat(",\"ok\":false");
    reader.expect(",\"rev\":", "expected `rev`, and `ok` only if it is false")?;
    let rev = digest(reader)?;
    reader.expect("}", "an authorisation has `ids`, `ok` and `rev`, nothing else")?;

    Ok((ids, rev, ok))
}

fn obj<'a>(reader: &mut Reader<'a>) -> Result<ObjRef<'a>> {
    reader.expect("{\"id\":", "an object begins with `id`")?;
    let id = reader.text_of(|text| is_uuid(text, 0), NOT_A_UUID)?;
    let n = if reader.eat(",\"n\":") { Some(reader.integer()?) } else { None };
    reader.expect(",\"t\":", "expected `t`")?;
    let t = reader.text_of(is_word, NOT_A_WORD)?;
    let upto = if reader.eat(",\"upto\":") { Some(reader.integer()?) } else { None };
    reader.expect("}", "an object has `id`, `n`, `t` and `upto`, nothing else")?;
    check_place(n, upto).map_err(|why| reader.error(why))?;

    Ok(ObjRef { t, id, n, upto })
}

fn commitments<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    let mut count = 0;
    reader.spanned(|reader| {
        reader.object(|reader, _| {
            count += 1;
            match count > COMMITMENTS_MAX {
                true => Err(reader.error(TOO_MANY_COMMITMENTS)),
                false => digest(reader).map(|_| ()),
            }
        })
    })
}

fn members<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    reader.spanned(|reader| reader.object(|reader, _| reader.skip()))
}

fn entry_id<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    reader.text_of(|text| is_uuid(text, 7), NOT_AN_ENTRY_ID)
}

fn sid<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    reader.text_of(|text| is_uuid(text, 4), NOT_A_SID)
}

fn digest<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    reader.text_of(is_digest, "expected a digest: 43 characters of base64url")
}
