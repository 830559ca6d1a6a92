//! Users of a directory, and the people they are.

use std::collections::HashMap;

use countersign_domain::{
    event::{Event, List, Object, Place, ScimChange},
    ids::{EntryId, PersonId, ScimUserId},
    json,
    scim::{self, FaultKind, Filter, Resource, User},
    text::PersonName,
};
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::{Answered, Meta, Page, Push, Question, Versions, check_version, fault, keyed, look};
use crate::{
    Engine,
    caller::Caller,
    db::{
        self,
        scim::users::{ScimUser, Wanted},
    },
    error::{Error, Result},
    people, providers, reads, secret, sessions,
};

type Document = Map<String, Value>;

/// Shows a user.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn get(engine: &Engine, caller: &Caller, id: ScimUserId) -> Result<Answered> {
    let found = async {
        let (mut tx, permit, provider) = look(engine, caller).await?;
        let user = db::scim::users::find(&mut tx, provider, id).await?.ok_or(Error::NotFound)?;
        let document = documents(&mut tx, engine, std::slice::from_ref(&user)).await?.remove(&user.entry);
        tx.commit().await?;
        Ok((permit, answered(engine, &user, document)))
    };
    let (permit, answered) = engine.noted(caller, found.await).await?;
    let object = Object { kind: "scim_user", id: id.0, place: Place::Read(answered.n) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;

    Ok(answered)
}

/// Lists users.
///
/// # Errors
///
/// `invalidFilter` for a question that is not offered.
pub async fn list(engine: &Engine, caller: &Caller, question: &Question) -> Result<Page> {
    let found = async {
        let (mut tx, permit, provider) = look(engine, caller).await?;
        let (start, count) = (question.start(), question.count());
        let (mut users, mut total) = (Vec::new(), 0);
        if let Some(wanted) = wanted(engine, provider, question)? {
            total = db::scim::users::count(&mut tx, provider, &wanted).await?;
            users = db::scim::users::list(&mut tx, provider, &wanted, start - 1, count).await?;
        }
        let mut documents = documents(&mut tx, engine, &users).await?;
        tx.commit().await?;
        let resources =
            users.iter().map(|user| answered(engine, user, documents.remove(&user.entry)).body).collect::<Vec<_>>();
        Ok((permit, Page { resources, total, start }))
    };
    let (permit, page) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::ScimUsers, count: page.resources.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(page)
}

/// Reads a filter; nothing where nobody can fit.
fn wanted(
    engine: &Engine,
    provider: countersign_domain::ids::ProviderId,
    question: &Question,
) -> Result<Option<Wanted>> {
    let mut wanted = Wanted::default();
    let Some(text) = &question.filter else { return Ok(Some(wanted)) };
    for term in Filter::parse(text, Resource::User)?.0 {
        let Some(value) = term.value.as_str() else {
            return Err(fault(FaultKind::InvalidFilter, "userName, externalId and id are compared with a text."));
        };
        match term.name.to_ascii_lowercase().as_str() {
            "id" => {
                let Ok(id) = value.parse::<ScimUserId>() else { return Ok(None) };
                if wanted.id.replace(id).is_some_and(|other| other != id) {
                    return Ok(None);
                }
            }
            "username" => {
                let lookup = name_lookup(engine, provider, value);
                if wanted.user_name.as_ref().is_some_and(|other| *other != lookup) {
                    return Ok(None);
                }
                wanted.user_name = Some(lookup);
            }
            "externalid" => {
                let lookup = subject_lookup(engine, provider, value);
                if wanted.external.as_ref().is_some_and(|other| *other != lookup) {
                    return Ok(None);
                }
                wanted.external = Some(lookup);
            }
            _ => {
                return Err(fault(
                    FaultKind::InvalidFilter,
                    "Users are found by userName, externalId and id, with eq, joined by and.",
                ));
            }
        }
    }
    Ok(Some(wanted))
}

/// Takes a new user in.
///
/// # Errors
///
/// `uniqueness` for a name or subject that another user has; what the document lacks.
pub async fn create(engine: &Engine, caller: &Caller, body: &Value) -> Result<Answered> {
    let document = scim::read(Resource::User, body)?;
    engine
        .act(caller, move |engine, caller| {
            let document = document.clone();
            async move {
                let mut push = Push::begin(&engine, &caller).await?;
                let user = ScimUser {
                    id: ScimUserId(secret::random_id()),
                    n: 0,
                    provider: push.provider.id,
                    user_name: Vec::new(),
                    external: None,
                    person: None,
                    active: true,
                    created_at: 0,
                    changed_at: 0,
                    entry: EntryId(uuid::Uuid::nil()),
                };
                let user = apply(&mut push, user, &document).await?;
                engine.commit(push.tx).await?;
                Ok(answered(&engine, &user, Some(document)))
            }
        })
        .await
}

/// Puts a document in the place of a user's.
///
/// # Errors
///
/// As [`create`]; `stale` for another version; `mutability` for another subject; [`Error::NotFound`].
pub async fn replace(
    engine: &Engine,
    caller: &Caller,
    id: ScimUserId,
    body: &Value,
    versions: Versions,
) -> Result<Answered> {
    let document = scim::read(Resource::User, body)?;
    change(engine, caller, id, versions, move |_| Ok(document.clone())).await
}

/// Changes a user as a patch says, all of it or nothing.
///
/// # Errors
///
/// As [`replace`], and the first fault of the patch.
pub async fn patch(
    engine: &Engine,
    caller: &Caller,
    id: ScimUserId,
    body: &Value,
    versions: Versions,
) -> Result<Answered> {
    let body = body.clone();
    change(engine, caller, id, versions, move |document| Ok(scim::patch::apply(Resource::User, document, &body)?)).await
}

async fn change(
    engine: &Engine,
    caller: &Caller,
    id: ScimUserId,
    versions: Versions,
    edit: impl Fn(&Document) -> Result<Document> + Clone + Send + Sync + 'static,
) -> Result<Answered> {
    engine
        .act(caller, move |engine, caller| {
            let (edit, versions) = (edit.clone(), versions.clone());
            async move {
                let mut push = Push::begin(&engine, &caller).await?;
                let user = find(&mut push, id, &versions).await?;
                let mut document =
                    documents(&mut push.tx, &engine, std::slice::from_ref(&user)).await?.remove(&user.entry);
                if let Some(document) = &mut document {
                    document.insert("active".into(), user.active.into());
                }
                let document = edit(&document.unwrap_or_default())?;
                let user = apply(&mut push, user, &document).await?;
                engine.commit(push.tx).await?;
                Ok(answered(&engine, &user, Some(document)))
            }
        })
        .await
}

/// Takes a user away: the person is disabled, and stays.
///
/// # Errors
///
/// `invalid_transition` for the last admin; `stale` for another version; [`Error::NotFound`].
pub async fn delete(engine: &Engine, caller: &Caller, id: ScimUserId, versions: Versions) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let versions = versions.clone();
            async move {
                let mut push = Push::begin(&engine, &caller).await?;
                let user = find(&mut push, id, &versions).await?;
                let (n, person) = (user.n + 1, user.person);
                let event = Event::ScimUserApplied { user: id, n, change: ScimChange::Removed, person, document: None };
                let of = push.seal(&event).await?;
                db::scim::users::remove(&mut push.tx, id, n, of).await?;
                if let Some(person) = person {
                    set_active(&mut push, person, false).await?;
                    push.reevaluate(Vec::new(), vec![person]).await?;
                }
                engine.commit(push.tx).await
            }
        })
        .await
}

async fn find(push: &mut Push, id: ScimUserId, versions: &Versions) -> Result<ScimUser> {
    let user = db::scim::users::find(&mut push.tx, push.provider.id, id).await?.ok_or(Error::NotFound)?;
    check_version(versions, user.n)?;
    Ok(user)
}

/// Makes a user what its document says, and the person too.
async fn apply(push: &mut Push, former: ScimUser, document: &Document) -> Result<ScimUser> {
    let wanted = User::of(document)?;
    let provider = push.provider.id;
    let mut user = former.clone();
    user.n += 1;
    user.user_name = name_lookup(&push.engine, provider, &wanted.user_name);
    user.external = wanted.external_id.as_ref().map(|subject| subject_lookup(&push.engine, provider, subject));
    user.active = wanted.active;
    let (name, external) = (user.user_name.as_slice(), user.external.as_deref());
    if db::scim::users::is_taken(&mut push.tx, provider, user.id, name, external).await? {
        return Err(fault(FaultKind::Uniqueness, "Another user of this directory has this userName or externalId."));
    }
    if former.person.is_some() && former.external != user.external {
        return Err(fault(
            FaultKind::Mutability,
            "externalId says who signs in, so it stays. Delete the user and push it again.",
        ));
    }
    let joins = former.person.is_none();
    if let (None, Some(subject)) = (former.person, &wanted.external_id) {
        user.person = Some(join(push, user.id, &wanted, subject).await?);
    }
    let change = if user.n == 1 { ScimChange::Created } else { ScimChange::Changed };
    let text = json::canonical(&Value::Object(document.clone()));
    let event = Event::ScimUserApplied { user: user.id, n: user.n, change, person: user.person, document: Some(text) };
    let (at, entry) = push.seal(&event).await?;
    user.changed_at = at;
    user.entry = entry;
    match user.n {
        1 => {
            user.created_at = at;
            db::scim::users::insert(&mut push.tx, &user).await?;
        }
        _ => db::scim::users::update(&mut push.tx, &user).await?,
    }
    if let Some(person) = user.person {
        set_active(push, person, user.active).await?;
        if joins {
            push.reevaluate(Vec::new(), vec![person]).await?;
        }
    }
    Ok(user)
}

/// Returns whom the subject is, and makes a person without a role where it is nobody yet.
async fn join(push: &mut Push, id: ScimUserId, wanted: &User, subject: &str) -> Result<PersonId> {
    let Push { engine, caller, tx, permit, provider, .. } = push;
    if let Some(person) = providers::person_of(tx, engine, provider.id, subject).await? {
        return Ok(person);
    }
    let short = |text: &str| PersonName::new(&text.chars().take(120).collect::<String>());
    let name = short(&wanted.display_name).or_else(|_| short(&wanted.user_name)).or_else(|_| short(&provider.name));
    let name = name.map_err(|_| fault(FaultKind::InvalidValue, "The user needs a name."))?;
    // A sign-in name that somebody has stays theirs: this person signs in at the provider anyway.
    let login = match people::parse_login(&wanted.user_name) {
        Ok(login) if db::people::find_by_login(tx, &sessions::login_lookup(engine, &login)).await?.is_none() => login,
        _ => format!("{}-{}", provider.slug, id.0.simple()),
    };
    let person = people::create_bare(tx, engine, caller, permit, &name, &login).await?;
    providers::link(tx, engine, caller, permit, provider.id, subject, person).await?;
    Ok(person)
}

/// Disables a person, or enables one whom this directory disabled.
async fn set_active(push: &mut Push, person: PersonId, active: bool) -> Result<()> {
    let Push { engine, caller, tx, permit, provider, .. } = push;
    let account = db::people::lock(tx, person).await?.ok_or(Error::NotFound)?;
    match (active, account.disabled) {
        (false, false) => {
            people::bar(tx, engine, caller, permit, &account).await?;
            db::scim::users::set_barred(tx, provider.id, person, engine.now()).await?;
        }
        (true, true) if db::scim::users::clear_barred(tx, provider.id, person).await? => {
            people::admit(tx, engine, caller, permit, &account).await?;
        }
        _ => {}
    }
    Ok(())
}

fn name_lookup(engine: &Engine, provider: countersign_domain::ids::ProviderId, name: &str) -> Vec<u8> {
    keyed(engine, "scim user name", provider, &name.to_lowercase())
}

fn subject_lookup(engine: &Engine, provider: countersign_domain::ids::ProviderId, subject: &str) -> Vec<u8> {
    keyed(engine, "scim external id", provider, subject)
}

/// Opens the documents of users; that of an erased person is missing.
async fn documents(conn: &mut PgConnection, engine: &Engine, users: &[ScimUser]) -> Result<HashMap<EntryId, Document>> {
    let entries: Vec<_> = users.iter().map(|user| user.entry.0).collect();
    let mut documents = HashMap::new();
    for stored in db::vault::list_fields(conn, &entries, &["document".to_owned()]).await? {
        if let Some(text) = engine.vault.open(&stored)? {
            let document = serde_json::from_str(&text).map_err(|_| stored.unreadable("ciphertext"))?;
            documents.insert(EntryId(stored.entry_id), document);
        }
    }
    Ok(documents)
}

fn answered(engine: &Engine, user: &ScimUser, document: Option<Document>) -> Answered {
    let mut document = document.unwrap_or_else(|| Map::from_iter([("userName".into(), people::erased().into())]));
    document.insert("active".into(), user.active.into());
    let meta = Meta {
        resource: Resource::User,
        id: user.id.0,
        n: user.n,
        created_at: user.created_at,
        changed_at: user.changed_at,
    };
    meta.answered(engine, document)
}
