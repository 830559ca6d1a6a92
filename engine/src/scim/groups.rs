//! Groups of a directory, who is in them, and what that gives.
//!
//! A name and a membership each stand under the ceiling of the token that pushed them, so that nobody gains
//! by what another token prepared: a new name is the whole group's, a membership is renewed by a PUT that
//! lists it, or by taking it away and adding it again.

use std::collections::{HashMap, HashSet};

use countersign_domain::{
    event::{Event, List, Object, Place, ScimChange},
    ids::{EntryId, PersonId, ProviderId, ScimGroupId, ScimUserId},
    json,
    scim::{self, FaultKind, Filter, Group, Resource},
};
use serde_json::{Map, Value, json};

use super::{Answered, Meta, Page, Push, Question, Versions, base, check_version, fault, look};
use crate::{
    Engine,
    caller::Caller,
    db::{
        self,
        scim::groups::{ScimGroup, Wanted},
    },
    error::{Error, Result},
    reads, secret,
};

type Document = Map<String, Value>;

/// Shows a group, with its members where they are wanted.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn get(engine: &Engine, caller: &Caller, id: ScimGroupId, with_members: bool) -> Result<Answered> {
    let found = async {
        let (mut tx, permit, provider) = look(engine, caller).await?;
        let group = db::scim::groups::find(&mut tx, provider, id).await?.ok_or(Error::NotFound)?;
        let members = match with_members {
            true => db::scim::groups::members(&mut tx, &[id]).await?.into_iter().map(|(_, user)| user).collect(),
            false => Vec::new(),
        };
        tx.commit().await?;
        Ok((permit, answered(engine, &group, &members)))
    };
    let (permit, answered) = engine.noted(caller, found.await).await?;
    let object = Object { kind: "scim_group", id: id.0, place: Place::Read(answered.n) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;

    Ok(answered)
}

/// Lists groups, with their members where they are wanted.
///
/// # Errors
///
/// `invalidFilter` for a question that is not offered.
pub async fn list(engine: &Engine, caller: &Caller, question: &Question, with_members: bool) -> Result<Page> {
    let found = async {
        let (mut tx, permit, provider) = look(engine, caller).await?;
        let (start, count) = (question.start(), question.count());
        let (mut groups, mut total) = (Vec::new(), 0);
        if let Some(wanted) = wanted(question)? {
            total = db::scim::groups::count(&mut tx, provider, &wanted).await?;
            groups = db::scim::groups::list(&mut tx, provider, &wanted, start - 1, count).await?;
        }
        let mut members: HashMap<ScimGroupId, Vec<ScimUserId>> = HashMap::new();
        if with_members {
            let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
            for (group, user) in db::scim::groups::members(&mut tx, &ids).await? {
                members.entry(group).or_default().push(user);
            }
        }
        tx.commit().await?;
        let of = |group: &ScimGroup| members.get(&group.id).map(Vec::as_slice).unwrap_or_default();
        let resources = groups.iter().map(|group| answered(engine, group, of(group)).body).collect::<Vec<_>>();
        Ok((permit, Page { resources, total, start }))
    };
    let (permit, page) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::ScimGroups, count: page.resources.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(page)
}

/// Reads a filter; nothing where no group can fit.
fn wanted(question: &Question) -> Result<Option<Wanted>> {
    let mut wanted = Wanted::default();
    let Some(text) = &question.filter else { return Ok(Some(wanted)) };
    for term in Filter::parse(text, Resource::Group)?.0 {
        let Some(value) = term.value.as_str() else {
            return Err(fault(FaultKind::InvalidFilter, "displayName, externalId, id and members are texts."));
        };
        let fits = match term.name.to_ascii_lowercase().as_str() {
            "id" => match value.parse() {
                Ok(id) => wanted.id.replace(id).is_none_or(|other| other == id),
                Err(_) => false,
            },
            "members" | "members.value" => match value.parse() {
                Ok(user) => wanted.member.replace(user).is_none_or(|other| other == user),
                Err(_) => false,
            },
            "displayname" => {
                let former = wanted.display_name.replace(value.to_owned());
                former.is_none_or(|other| other.to_lowercase() == value.to_lowercase())
            }
            "externalid" => wanted.external_id.replace(value.to_owned()).is_none_or(|other| other == value),
            _ => {
                return Err(fault(
                    FaultKind::InvalidFilter,
                    "Groups are found by displayName, externalId, id and members, with eq, joined by and.",
                ));
            }
        };
        if !fits {
            return Ok(None);
        }
    }
    Ok(Some(wanted))
}

/// Takes a new group in.
///
/// # Errors
///
/// `uniqueness` for a name or an id that another group has; `invalidValue` for members that are no users here.
pub async fn create(engine: &Engine, caller: &Caller, body: &Value) -> Result<Answered> {
    let document = scim::read(Resource::Group, body)?;
    engine
        .act(caller, move |engine, caller| {
            let document = document.clone();
            async move {
                let mut push = Push::begin(&engine, &caller).await?;
                let group = ScimGroup {
                    id: ScimGroupId(secret::random_id()),
                    n: 0,
                    provider: push.provider.id,
                    token: push.token,
                    display_name: String::new(),
                    external_id: None,
                    created_at: 0,
                    changed_at: 0,
                    entry: EntryId(uuid::Uuid::nil()),
                };
                let (group, members) = apply(&mut push, group, &[], &document, true).await?;
                engine.commit(push.tx).await?;
                Ok(answered(&engine, &group, &members))
            }
        })
        .await
}

/// Puts a document in the place of a group's: name and every membership are then this token's.
///
/// # Errors
///
/// As [`create`]; `stale` for another version; [`Error::NotFound`].
pub async fn replace(
    engine: &Engine,
    caller: &Caller,
    id: ScimGroupId,
    body: &Value,
    versions: Versions,
) -> Result<Answered> {
    let document = scim::read(Resource::Group, body)?;
    change(engine, caller, id, versions, true, move |_| Ok(document.clone())).await
}

/// Changes a group as a patch says, all of it or nothing.
///
/// # Errors
///
/// As [`replace`], and the first fault of the patch.
pub async fn patch(
    engine: &Engine,
    caller: &Caller,
    id: ScimGroupId,
    body: &Value,
    versions: Versions,
) -> Result<Answered> {
    let body = body.clone();
    change(engine, caller, id, versions, false, move |document| {
        Ok(scim::patch::apply(Resource::Group, document, &body)?)
    })
    .await
}

async fn change(
    engine: &Engine,
    caller: &Caller,
    id: ScimGroupId,
    versions: Versions,
    whole: bool,
    edit: impl Fn(&Document) -> Result<Document> + Clone + Send + Sync + 'static,
) -> Result<Answered> {
    engine
        .act(caller, move |engine, caller| {
            let (edit, versions) = (edit.clone(), versions.clone());
            async move {
                let mut push = Push::begin(&engine, &caller).await?;
                let (group, former) = find(&mut push, id, &versions).await?;
                let document = edit(&document(&group, &former))?;
                let (group, members) = apply(&mut push, group, &former, &document, whole).await?;
                engine.commit(push.tx).await?;
                Ok(answered(&engine, &group, &members))
            }
        })
        .await
}

/// Takes a group away, and from its members what it gave.
///
/// # Errors
///
/// `stale` for another version; [`Error::NotFound`].
pub async fn delete(engine: &Engine, caller: &Caller, id: ScimGroupId, versions: Versions) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let versions = versions.clone();
            async move {
                let mut push = Push::begin(&engine, &caller).await?;
                let (group, former) = find(&mut push, id, &versions).await?;
                let people = people(&mut push, &former).await?;
                let n = group.n + 1;
                let event =
                    Event::ScimGroupApplied { group: id, n, change: ScimChange::Removed, members: 0, document: None };
                let of = push.seal(&event).await?;
                db::scim::groups::remove(&mut push.tx, id, n, of).await?;
                push.reevaluate(Vec::new(), people.into_values().flatten().collect()).await?;
                engine.commit(push.tx).await
            }
        })
        .await
}

async fn find(push: &mut Push, id: ScimGroupId, versions: &Versions) -> Result<(ScimGroup, Vec<ScimUserId>)> {
    let group = db::scim::groups::find(&mut push.tx, push.provider.id, id).await?.ok_or(Error::NotFound)?;
    check_version(versions, group.n)?;
    let members = db::scim::groups::members(&mut push.tx, &[id]).await?.into_iter().map(|(_, user)| user).collect();
    Ok((group, members))
}

/// Makes a group what its document says, and gives its people what follows.
async fn apply(
    push: &mut Push,
    former: ScimGroup,
    former_members: &[ScimUserId],
    document: &Document,
    whole: bool,
) -> Result<(ScimGroup, Vec<ScimUserId>)> {
    let wanted = Group::of(document)?;
    let unknown = || fault(FaultKind::InvalidValue, "A member is no user of this directory. Push the user first.");
    let members = wanted.members.iter().map(|id| id.parse::<ScimUserId>().map_err(|_| unknown()));
    let members = members.collect::<Result<Vec<_>>>()?;
    let mut group = former.clone();
    group.n += 1;
    let renamed = former.display_name != wanted.display_name;
    if renamed || whole {
        group.token = push.token;
    }
    group.display_name = wanted.display_name;
    group.external_id = wanted.external_id;
    let (name, external) = (group.display_name.as_str(), group.external_id.as_deref());
    if db::scim::groups::is_taken(&mut push.tx, group.provider, group.id, name, external).await? {
        return Err(fault(
            FaultKind::Uniqueness,
            "Another group of this directory has this displayName or externalId.",
        ));
    }
    let (before, after): (HashSet<_>, HashSet<_>) =
        (former_members.iter().copied().collect(), members.iter().copied().collect());
    let known = people(push, &members).await?;
    if members.iter().any(|user| !known.contains_key(user)) {
        return Err(unknown());
    }
    let added: Vec<_> = members.iter().copied().filter(|user| !before.contains(user)).collect();
    let removed: Vec<_> = former_members.iter().copied().filter(|user| !after.contains(user)).collect();

    let change = if group.n == 1 { ScimChange::Created } else { ScimChange::Changed };
    let count = members.len() as u64;
    let text = text(&group, &added, &removed);
    let event = Event::ScimGroupApplied { group: group.id, n: group.n, change, members: count, document: Some(text) };
    let (at, entry) = push.seal(&event).await?;
    group.changed_at = at;
    group.entry = entry;
    match group.n {
        1 => {
            group.created_at = at;
            db::scim::groups::insert(&mut push.tx, &group).await?;
        }
        _ => db::scim::groups::update(&mut push.tx, &group).await?,
    }
    db::scim::groups::take_members(&mut push.tx, group.id, &removed).await?;
    let pushed = if whole { &members } else { &added };
    db::scim::groups::put_members(&mut push.tx, group.id, pushed, push.token).await?;

    let gone = people(push, &removed).await?;
    let concerned = match renamed || whole {
        true => known,
        false => known.into_iter().filter(|(user, _)| !before.contains(user)).collect(),
    };
    let concerned: Vec<_> = concerned.into_values().flatten().collect();
    let gone = gone.into_values().flatten();
    let (others, losing) = match renamed {
        true => (Vec::new(), concerned.into_iter().chain(gone).collect()),
        false => (concerned, gone.collect()),
    };
    push.reevaluate(others, losing).await?;
    Ok((group, members))
}

/// Returns the people whom users of the caller's directory are.
async fn people(push: &mut Push, users: &[ScimUserId]) -> Result<HashMap<ScimUserId, Option<PersonId>>> {
    let provider: ProviderId = push.provider.id;
    Ok(db::scim::groups::known_users(&mut push.tx, provider, users).await?.into_iter().collect())
}

/// What the leaf commits to: the group as it is kept, and who came and went by this push.
fn text(group: &ScimGroup, added: &[ScimUserId], removed: &[ScimUserId]) -> String {
    let mut kept = document(group, &[]);
    for (name, users) in [("membersAdded", added), ("membersRemoved", removed)] {
        if !users.is_empty() {
            kept.insert(name.into(), users.iter().map(ToString::to_string).collect::<Vec<_>>().into());
        }
    }
    json::canonical(&Value::Object(kept))
}

fn document(group: &ScimGroup, members: &[ScimUserId]) -> Document {
    let mut document = Map::new();
    document.insert("displayName".into(), group.display_name.as_str().into());
    if let Some(external) = &group.external_id {
        document.insert("externalId".into(), external.as_str().into());
    }
    if !members.is_empty() {
        document.insert("members".into(), members.iter().map(|user| json!({"value": user})).collect());
    }
    document
}

fn answered(engine: &Engine, group: &ScimGroup, members: &[ScimUserId]) -> Answered {
    let mut document = document(group, &[]);
    if !members.is_empty() {
        let base = base(engine);
        let one = |user: &ScimUserId| json!({"value": user, "type": "User", "$ref": format!("{base}/Users/{user}")});
        document.insert("members".into(), members.iter().map(one).collect());
    }
    let meta = Meta {
        resource: Resource::Group,
        id: group.id.0,
        n: group.n,
        created_at: group.created_at,
        changed_at: group.changed_at,
    };
    meta.answered(engine, document)
}
