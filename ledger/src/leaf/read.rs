//! The leaf reader: one pass, straight into the struct.

use std::collections::BTreeMap;

use super::{
    Actor, ActorKind, Authz, COMMITMENTS_MAX, Leaf, NOT_A_KIND, NOT_A_POLICY_ID, NOT_A_SID, NOT_A_UUID,
    NOT_AN_ENTRY_ID, Obj, TOO_MANY_COMMITMENTS, is_kind, is_policy_id,
};
use crate::hash::Hash;
use crate::value::{Limits, NOT_A_WORD, Reader, Value, is_uuid, is_word};
use crate::{Error, Result};

pub(super) fn leaf(bytes: &[u8]) -> Result<Leaf> {
    match known(bytes) {
        Ok(leaf) => Ok(leaf),
        Err(error) => Err(unknown_version(bytes).unwrap_or(error)),
    }
}

fn known(bytes: &[u8]) -> Result<Leaf> {
    let mut reader = Reader::new(bytes, Limits::LEAF)?;
    let (mut id, mut at, mut kind, mut actor, mut version) = (None, None, None, None, None);
    let (mut authz, mut obj, mut d, mut cm) = (None, None, None, BTreeMap::new());
    reader.object(|reader, key| {
        match key {
            "actor" => actor = Some(read_actor(reader)?),
            "at" => at = Some(reader.integer()?),
            "authz" => authz = Some(read_authz(reader)?),
            "cm" => cm = read_commitments(reader)?,
            "d" => d = Some(read_members(reader)?),
            "id" => id = Some(entry_id(reader)?),
            "kind" => kind = Some(reader.text_of(is_kind, NOT_A_KIND)?.to_owned()),
            "obj" => obj = Some(read_obj(reader)?),
            "v" => version = Some(reader.integer()?),
            _ => return Err(reader.error("unknown field")),
        }
        Ok(())
    })?;
    reader.end()?;
    match version {
        Some(1) => {}
        Some(version) => {
            return Err(Error::Version { what: "leaf", version });
        }
        None => return Err(reader.error("`v` is missing")),
    }

    Ok(Leaf {
        id: id.ok_or_else(|| reader.error("`id` is missing"))?,
        at: at.ok_or_else(|| reader.error("`at` is missing"))?,
        kind: kind.ok_or_else(|| reader.error("`kind` is missing"))?,
        actor: actor.ok_or_else(|| reader.error("`actor` is missing"))?,
        authz,
        obj,
        d,
        cm,
    })
}

/// A leaf of a later version may hold other fields, but its bytes follow the same rules.
fn unknown_version(bytes: &[u8]) -> Option<Error> {
    let value = Value::parse(bytes, Limits::LEAF).ok()?;

    match value.get("v")?.as_integer()? {
        1 => None,
        version => Some(Error::Version { what: "leaf", version }),
    }
}

fn read_actor(reader: &mut Reader<'_>) -> Result<Actor> {
    let (mut as_, mut sid, mut via, mut for_) = (None, None, None, None);
    reader.object(|reader, key| {
        match key {
            "as" => as_ = ActorKind::from_word(reader.text()?),
            "for" => for_ = Some(reader.text_of(|text| is_uuid(text, 4), NOT_A_SID)?.to_owned()),
            "sid" => sid = Some(reader.text_of(|text| is_uuid(text, 4), NOT_A_SID)?.to_owned()),
            "via" => via = Some(entry_id(reader)?),
            _ => return Err(reader.error("unknown field of `actor`")),
        }
        Ok(())
    })?;
    let actor =
        Actor { as_: as_.ok_or_else(|| reader.error("`actor.as` is not a known sort of actor"))?, sid, via, for_ };
    actor.check_shape().map_err(|why| reader.error(why))?;

    Ok(actor)
}

fn read_authz(reader: &mut Reader<'_>) -> Result<Authz> {
    let (mut ids, mut rev, mut ok) = (Vec::new(), None, true);
    reader.object(|reader, key| {
        match key {
            "ids" => reader.array(|reader| {
                if ids.len() == 8 {
                    return Err(reader.error("at most 8 policy ids"));
                }
                ids.push(reader.text_of(is_policy_id, NOT_A_POLICY_ID)?.to_owned());
                Ok(())
            })?,
            "ok" => {
                ok = reader.boolean()?;
                if ok {
                    return Err(reader.error("`authz.ok` is omitted unless false"));
                }
            }
            "rev" => rev = Some(digest(reader)?),
            _ => return Err(reader.error("unknown field of `authz`")),
        }
        Ok(())
    })?;
    if ids.is_empty() {
        return Err(reader.error("`authz.ids` is missing"));
    }

    Ok(Authz { ids, rev: rev.ok_or_else(|| reader.error("`authz.rev` is missing"))?, ok })
}

fn read_obj(reader: &mut Reader<'_>) -> Result<Obj> {
    let (mut t, mut id, mut n, mut upto) = (None, None, None, None);
    reader.object(|reader, key| {
        match key {
            "id" => id = Some(reader.text_of(|text| is_uuid(text, 0), NOT_A_UUID)?.to_owned()),
            "n" => n = Some(reader.integer()?),
            "t" => t = Some(reader.text_of(is_word, NOT_A_WORD)?.to_owned()),
            "upto" => upto = Some(reader.integer()?),
            _ => return Err(reader.error("unknown field of `obj`")),
        }
        Ok(())
    })?;
    let (Some(t), Some(id)) = (t, id) else {
        return Err(reader.error("`obj` has `t` and `id`"));
    };
    let obj = Obj { t, id, n, upto };
    obj.check_place().map_err(|why| reader.error(why))?;

    Ok(obj)
}

fn read_commitments(reader: &mut Reader<'_>) -> Result<BTreeMap<String, Hash>> {
    let mut cm = BTreeMap::new();
    reader.object(|reader, name| {
        if cm.len() == COMMITMENTS_MAX {
            return Err(reader.error(TOO_MANY_COMMITMENTS));
        }
        cm.insert(name.to_owned(), digest(reader)?);
        Ok(())
    })?;

    Ok(cm)
}

fn read_members(reader: &mut Reader<'_>) -> Result<Value> {
    let mut members = BTreeMap::new();
    reader.object(|reader, key| {
        members.insert(key.to_owned(), reader.value()?);
        Ok(())
    })?;

    Ok(Value::Object(members))
}

fn entry_id(reader: &mut Reader<'_>) -> Result<String> {
    reader.text_of(|text| is_uuid(text, 7), NOT_AN_ENTRY_ID).map(str::to_owned)
}

fn digest(reader: &mut Reader<'_>) -> Result<Hash> {
    let mut hash = None;
    reader.text_of(
        |text| {
            hash = text.parse().ok();
            hash.is_some()
        },
        "expected a digest: 43 characters of base64url",
    )?;

    hash.ok_or_else(|| reader.error("expected a digest"))
}
