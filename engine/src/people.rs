//! Members: who they are, what they may do, and their own page.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    decision::{ReviewState, Verdict},
    event::{Event, List, Object, PasswordBy, Place},
    holding::{Holding, Source},
    ids::{DecisionId, PersonId, SessionId, SystemId},
    problem::Code,
    role::Role,
    text::PersonName,
    view::{
        AssignmentRow, HoldingForm, InvitationLink, Me, MeView, OwnReview, OwnReviewView, PeopleView, PersonRow,
        PersonView,
    },
};
use countersign_ledger::leaf::{ActorKind, Leaf};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine, absences,
    authorize::{self, Action, Denial, Permit, Target},
    caller::{Actor, Caller},
    changes,
    clock::milliseconds,
    db, decisions, delegations,
    error::{Error, Result},
    links, notices, reads, roles, seal,
    secret::{self, Token, token_hash},
    sessions,
};

/// Returns who is signed in, for the frame around every page. The page's own read is what is sealed.
///
/// # Errors
///
/// `unauthenticated` when nobody is.
pub async fn me(engine: &Engine, caller: &Caller) -> Result<Me> {
    let id = caller.person().ok_or_else(|| Error::refused(Code::Unauthenticated, "Sign in first."))?;
    let mut conn = engine.app.acquire().await?;
    let roles = roles::words(&mut conn, engine, id).await?;
    let turn_count = match roles.iter().any(|role| role.reviews()) {
        true => {
            let (person, session) = caller.signed_in()?;
            db::queue::count_turns(&mut conn, db::queue::Reader { person, session, now: engine.now() }).await?
        }
        false => 0,
    };
    let created = db::people::created(&mut conn, &[id]).await?;
    let name = texts(&mut conn, engine, &created, "name").await?.remove(&id).unwrap_or_else(erased);
    let login = texts(&mut conn, engine, &created, "login").await?.remove(&id).unwrap_or_else(erased);
    let notices = notices::unread(&mut conn, engine, id).await?;
    let keys = db::keyboard::find(&mut conn, id).await?;
    Ok(Me { id, name, login, roles, turn_count, demo: engine.config().demo, notices, keys })
}

/// Shows a person their own page.
///
/// # Errors
///
/// As [`me`].
pub async fn my_page(engine: &Engine, caller: &Caller) -> Result<MeView> {
    let (id, current) = match caller.actor {
        Actor::Person { id, session, .. } => (id, session),
        _ => return Err(Error::refused(Code::Unauthenticated, "Sign in first.")),
    };
    let me = me(engine, caller).await?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ViewSelf, Target::Member(id)).await?;
    let providers = db::providers::names_of(&mut tx, id).await?;
    let running = db::sessions::list_running(&mut tx, id).await?;
    let list = sessions::rows(&mut tx, engine, &running, current).await?;
    let reviews = own_reviews(&mut tx, engine, id).await?;
    let delegations = delegations::own(&mut tx, engine, id).await?;
    tx.commit().await?;
    sessions::record_list(engine, caller, permit, list.len()).await?;

    Ok(MeView { me, providers, sessions: list, reviews, delegations, now: engine.now() })
}

/// Reads the caller's latest review of a decision. Less than [`my_page`], because a page asks each time the decision
/// changes.
///
/// # Errors
///
/// As [`me`].
pub async fn my_review(engine: &Engine, caller: &Caller, decision: DecisionId) -> Result<OwnReviewView> {
    let Actor::Person { id, .. } = caller.actor else {
        return Err(Error::refused(Code::Unauthenticated, "Sign in first."));
    };
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ViewSelf, Target::Member(id)).await?;
    let review = own_reviews(&mut tx, engine, id).await?.into_iter().find(|review| review.decision == decision);
    tx.commit().await?;
    let event = Event::AccessListed { list: List::Reviews, count: u64::from(review.is_some()) };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(OwnReviewView { review, now: engine.now() })
}

/// Returns a person's reviews of what settles, which they may still take back.
pub(crate) async fn settling_reviews(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
) -> Result<Vec<OwnReview>> {
    let mut reviews = own_reviews(conn, engine, person).await?;
    reviews.retain(|review| review.retractable.is_some() && review.settles_at.is_some());
    Ok(reviews)
}

async fn own_reviews(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<Vec<OwnReview>> {
    let reviews = db::reviews::list_by(conn, person, 20).await?;
    let ids: Vec<_> = reviews.iter().map(|review| review.decision).collect();
    let titles = decisions::titles(conn, engine, &ids).await?;
    let open = db::decisions::list_open_rounds(conn, &ids).await?;
    let delegators: Vec<_> = reviews.iter().filter_map(|review| review.on_behalf).map(|(who, _)| who).collect();
    let names = names(conn, engine, &delegators).await?;
    // A review that approved with edits counts in the round that it opened.
    let running = |review: &db::reviews::Review| {
        let opened = review.verdict == Verdict::ApproveWithEdits;
        let rounds = [Some(review.round), opened.then_some(review.round + 1)];
        rounds.into_iter().flatten().find_map(|round| open.get(&(review.decision, round)))
    };
    Ok(reviews
        .into_iter()
        .map(|review| OwnReview {
            decision: review.decision,
            title: titles.get(&review.decision).cloned().unwrap_or_else(erased),
            verdict: review.verdict,
            state: review.state,
            on_behalf: review.on_behalf.map(|(who, _)| names.get(&who).cloned().unwrap_or_else(erased)),
            retractable: (running(&review).is_some()
                && review.state == ReviewState::Submitted
                && review.verdict.is_retractable())
            .then_some(review.entry),
            settles_at: running(&review).copied().flatten(),
            at: review.at,
            seal: decisions::seal_at(engine, review.index),
        })
        .collect())
}

/// Lists the members.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<PeopleView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListPeople, engine.installation()).await?;
        let people = db::people::list(&mut tx).await?;
        let held = db::roles::list_running(&mut tx, engine.now()).await?;
        let created: Vec<_> = people.iter().map(|person| (person.id, person.entry)).collect();
        let names = texts(&mut tx, engine, &created, "name").await?;
        let logins = texts(&mut tx, engine, &created, "login").await?;
        let delegations = delegations::open(&mut tx, engine).await?;
        let absences = absences::open(&mut tx, engine).await?;
        tx.commit().await?;
        Ok((permit, people, held, (names, logins), (delegations, absences)))
    };
    let (permit, people, held, (names, logins), (delegations, absences)) = engine.noted(caller, found.await).await?;
    let now = engine.now();
    let rows: Vec<_> = people
        .iter()
        .map(|person| PersonRow {
            id: person.id,
            name: names.get(&person.id).cloned().unwrap_or_else(erased),
            login: logins.get(&person.id).cloned().unwrap_or_else(erased),
            roles: roles_of(&held, person.id),
            invited_until: person.invited_until.map(milliseconds).filter(|until| *until > now),
            disabled: person.disabled,
            last_seen_at: person.last_seen_at.map(milliseconds),
        })
        .collect();
    let event = Event::AccessListed { list: List::People, count: rows.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(PeopleView { people: rows, delegations, absences, now })
}

/// Shows what one person holds, since when and by whom, and what a role filled in would do.
///
/// # Errors
///
/// [`Error::NotFound`] for an unknown person; [`Error::Forbidden`] for anybody but admins, compliance
/// officers and auditors.
pub async fn person(engine: &Engine, caller: &Caller, id: PersonId, form: Option<HoldingForm>) -> Result<PersonView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ViewPerson, Target::Member(id)).await?;
        let nobody = SessionId(uuid::Uuid::nil());
        let account = db::people::lock_share(&mut tx, id, nobody).await?.ok_or(Error::NotFound)?;
        let created = db::people::created(&mut tx, &[id]).await?;
        let name = texts(&mut tx, engine, &created, "name").await?.remove(&id).unwrap_or_else(erased);
        let login = texts(&mut tx, engine, &created, "login").await?.remove(&id).unwrap_or_else(erased);
        let systems: HashMap<_, _> =
            db::systems::list(&mut tx).await?.into_iter().map(|(system, _)| (system.id, system.name)).collect();
        let me = caller.person().ok_or(Error::NotFound)?;
        let asks = |action| (action, Target::Member(id));
        let (assign, target) = asks(Action::AssignRole);
        let may_assign = authorize::ask(&mut tx, engine, me, assign, target).await?.allowed;
        let (end, target) = asks(Action::EndRole);
        let may_end = authorize::ask(&mut tx, engine, me, end, target).await?.allowed;
        let assignments = assignment_rows(&mut tx, engine, id, &systems, may_end).await?;
        let providers = db::providers::names_of(&mut tx, id).await?;
        let waiting = db::changes::list_about(&mut tx, id).await?;
        let awaiting = changes::rows(&mut tx, engine, caller, &waiting).await?;
        let preview = match form {
            Some(form) if may_assign => Some(roles::preview(&mut tx, engine, id, form, &systems).await?),
            _ => None,
        };
        let mut types: Vec<_> =
            db::decision_types::list_all(&mut tx).await?.into_iter().map(|(_, definition)| definition.name).collect();
        types.dedup();
        tx.commit().await?;
        let mut systems: Vec<_> = systems.into_values().collect();
        systems.sort_unstable();
        let view = PersonView {
            id,
            name,
            login,
            disabled: account.disabled,
            providers,
            assignments,
            awaiting,
            may_assign,
            preview,
            systems,
            types,
            now: engine.now(),
        };
        Ok((permit, view, account.n))
    };
    let (permit, view, n) = engine.noted(caller, found.await).await?;
    let event = Event::AccessViewed { object: Object { kind: "person", id: id.0, place: Place::Read(n) } };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

async fn assignment_rows(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    systems: &HashMap<SystemId, String>,
    may_end: bool,
) -> Result<Vec<AssignmentRow>> {
    let assignments = db::roles::list_of(conn, person).await?;
    let ids: Vec<_> = assignments
        .iter()
        .flat_map(|assignment| [Some(assignment.entry.0), assignment.ended.map(|(_, entry)| entry.0)])
        .flatten()
        .collect();
    let mut places = HashMap::new();
    let mut actors = HashMap::new();
    for (id, index, bytes) in db::entries::placed(conn, &ids).await? {
        places.insert(id, index.and_then(|index| u64::try_from(index).ok()));
        actors.insert(id, Leaf::parse(&bytes)?.actor);
    }
    let sids: Vec<PersonId> = actors.values().filter_map(|actor| actor.sid.as_deref()?.parse().ok()).collect();
    let names = names(conn, engine, &sids).await?;
    let providers = roles::providers_of(conn, &assignments).await?;
    let by = |entry: uuid::Uuid| match actors.get(&entry) {
        Some(actor) if actor.as_ == ActorKind::Person => {
            let sid = actor.sid.as_deref().and_then(|sid| sid.parse::<PersonId>().ok());
            sid.and_then(|sid| names.get(&sid).cloned()).unwrap_or_else(erased)
        }
        Some(actor) if actor.as_ == ActorKind::Engine => "Countersign".to_owned(),
        Some(actor) if actor.as_ == ActorKind::Directory => "the directory".to_owned(),
        Some(actor) => actor.as_.as_str().to_owned(),
        None => erased(),
    };
    Ok(assignments
        .into_iter()
        .map(|assignment| AssignmentRow {
            id: assignment.id,
            holding: roles::shown(&assignment.holding, systems),
            source: roles::source_words(assignment.source, &providers),
            by: by(assignment.entry.0),
            assigned_at: assignment.assigned_at,
            index: places.get(&assignment.entry.0).copied().flatten(),
            ended: assignment.ended.map(|(at, entry)| (at, places.get(&entry.0).copied().flatten())),
            may_end: may_end
                && assignment.ended.is_none()
                && !matches!(assignment.source, Source::Provider(_) | Source::Window(_)),
        })
        .collect())
}

/// Makes somebody a member, in one role or in none yet, and returns the link by which they set their password.
///
/// # Errors
///
/// `name_taken` when the sign-in name is in use, or the field that needs a change; `step_up_required`.
pub async fn invite(
    engine: &Engine,
    caller: &Caller,
    name: &str,
    login: &str,
    role: impl Into<Option<Role>>,
) -> Result<InvitationLink> {
    let role = role.into();
    let name = parse_name(name)?;
    let login = parse_login(login)?;
    engine
        .act(caller, move |engine, caller| {
            let (name, login) = (name.clone(), login.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = engine.authorize(&mut tx, &caller, Action::InvitePerson, engine.installation()).await?;
                sessions::require_recent(&caller)?;
                db::roles::lock_guard(&mut tx).await?;
                let person = create_bare(&mut tx, &engine, &caller, &permit, &name, &login).await?;
                if let Some(role) = role {
                    let holding = Holding::everywhere(role);
                    roles::give_or_wait(&mut tx, &engine, &caller, &permit, person, &holding).await?;
                }
                let link = new_link(&mut tx, &engine, person).await?;
                engine.commit(tx).await?;
                Ok(link)
            }
        })
        .await
}

/// Ends a person's unused invitation and makes a new one. Who came in already gets none, whether by password, through
/// a provider or from a directory: a link would let whoever holds it in as them.
///
/// # Errors
///
/// `invalid_transition` when the person has joined; `step_up_required`.
pub async fn renew_invitation(engine: &Engine, caller: &Caller, person: PersonId) -> Result<InvitationLink> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ChangePerson, Target::Member(person)).await?;
            sessions::require_recent(&caller)?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            if db::people::has_joined(&mut tx, person).await? {
                return Err(refused(permit, person, "This person has joined already."));
            }
            let link = new_link(&mut tx, &engine, person).await?;
            let object = Object { kind: "person", id: person.0, place: Place::Read(account.n) };
            seal::append(&mut tx, &engine, &caller, &permit, &Event::AccessDownloaded { object }).await?;
            engine.commit(tx).await?;
            Ok(link)
        })
        .await
}

/// Bars a person from signing in and ends what they have open.
///
/// # Errors
///
/// `invalid_transition` for the last admin.
pub async fn disable(engine: &Engine, caller: &Caller, person: PersonId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ChangePerson, Target::Member(person)).await?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            if account.disabled {
                return Err(refused(permit, person, "This person is disabled already."));
            }
            bar(&mut tx, &engine, &caller, &permit, &account).await?;
            engine.commit(tx).await
        })
        .await
}

/// Lets a disabled person sign in again.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin.
pub async fn enable(engine: &Engine, caller: &Caller, person: PersonId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ChangePerson, Target::Member(person)).await?;
            let account = db::people::lock(&mut tx, person).await?.ok_or(Error::NotFound)?;
            if !account.disabled {
                return Err(refused(permit, person, "This person is not disabled."));
            }
            admit(&mut tx, &engine, &caller, &permit, &account).await?;
            // Whoever enables by hand takes over from a directory that had disabled.
            db::scim::users::clear_all_barred(&mut tx, person).await?;
            engine.commit(tx).await
        })
        .await
}

/// Bars a person who is enabled and ends what they have open. The guard row and the person are locked by the caller.
///
/// # Errors
///
/// `invalid_transition` for the last admin.
pub(crate) async fn bar(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    account: &db::people::Account,
) -> Result<()> {
    let (person, n) = (account.id, account.n + 1);
    let entry = seal::append(tx, engine, caller, permit, &Event::PersonDisabled { person, n }).await?;
    db::people::set_disabled(tx, person, n, Some(entry.at)).await?;
    sessions::end_all(tx, engine, caller, permit, person).await?;
    if roles::words(tx, engine, person).await?.contains(&Role::Admin) {
        roles::keep_an_admin(tx, engine).await?;
    }
    Ok(())
}

/// Lets a disabled person sign in again. The person is locked by the caller.
pub(crate) async fn admit(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    account: &db::people::Account,
) -> Result<()> {
    let (person, n) = (account.id, account.n + 1);
    seal::append(tx, engine, caller, permit, &Event::PersonEnabled { person, n }).await?;
    db::people::set_disabled(tx, person, n, None).await?;
    Ok(())
}

fn roles_of(held: &[db::roles::Assignment], person: PersonId) -> Vec<Role> {
    let mut roles: Vec<_> = held.iter().filter(|held| held.person == person).map(|held| held.holding.role).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Creates a person without a role: entry 1 about them.
pub(crate) async fn create_bare(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    name: &PersonName,
    login: &str,
) -> Result<PersonId> {
    let lookup = sessions::login_lookup(engine, login);
    if db::people::find_by_login(tx, &lookup).await?.is_some() {
        return Err(Error::refused(Code::NameTaken, format!("The sign-in name {login} is in use. Choose another.")));
    }
    let person = PersonId(secret::random_id());
    let event = Event::PersonCreated { person, name: name.as_str().to_owned(), login: login.to_owned() };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    db::people::insert(tx, person, 1, &lookup, entry.at, entry.id).await?;
    Ok(person)
}

/// Creates a person with one role everywhere: entries 1 and 2 about them.
pub(crate) async fn create(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    name: &PersonName,
    login: &str,
    role: Role,
) -> Result<PersonId> {
    let person = create_bare(tx, engine, caller, permit, name, login).await?;
    roles::give(tx, engine, caller, permit, person, &Holding::everywhere(role)).await?;

    Ok(person)
}

pub(crate) async fn set_password(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    hash: &str,
    by: PasswordBy,
) -> Result<seal::Entry> {
    let account = db::people::lock(tx, person).await?.ok_or(Error::NotFound)?;
    let n = account.n + 1;
    let entry = seal::append(tx, engine, caller, permit, &Event::PasswordChanged { person, n, by }).await?;
    db::people::set_password(tx, person, n, hash).await?;
    Ok(entry)
}

/// Opens the names of people; an erased one is missing.
pub(crate) async fn names(
    conn: &mut PgConnection,
    engine: &Engine,
    people: &[PersonId],
) -> Result<HashMap<PersonId, String>> {
    let created = db::people::created(conn, people).await?;
    texts(conn, engine, &created, "name").await
}

/// Opens the sign-in names of people; an erased one is missing.
pub(crate) async fn logins(
    conn: &mut PgConnection,
    engine: &Engine,
    people: &[PersonId],
) -> Result<HashMap<PersonId, String>> {
    let created = db::people::created(conn, people).await?;
    texts(conn, engine, &created, "login").await
}

async fn texts(
    conn: &mut PgConnection,
    engine: &Engine,
    created: &[(PersonId, countersign_domain::ids::EntryId)],
    field: &str,
) -> Result<HashMap<PersonId, String>> {
    let entries: Vec<_> = created.iter().map(|(_, entry)| entry.0).collect();
    let mut found = HashMap::new();
    for stored in db::vault::list_fields(conn, &entries, &[field.to_owned()]).await? {
        let person = created.iter().find(|(_, entry)| entry.0 == stored.entry_id).map(|(person, _)| *person);
        if let (Some(person), Some(text)) = (person, engine.vault.open(&stored)?) {
            found.insert(person, text);
        }
    }
    Ok(found)
}

/// A change that the person's state does not allow.
fn refused(permit: Permit, person: PersonId, sentence: &str) -> Error {
    let problem = Problem::new(Code::InvalidTransition, sentence);
    Denial::by_rule(permit, Action::ChangePerson, Target::Member(person), problem)
}

async fn new_link(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    person: PersonId,
) -> Result<InvitationLink> {
    let token = Token::random();
    let now = engine.now();
    let expires_at = now + links::INVITATION_MS;
    db::one_time_links::end(tx, links::INVITATION, Some(person), now).await?;
    let hash = token_hash(token.reveal());
    db::one_time_links::insert(tx, &hash, links::INVITATION, Some(person), now, expires_at).await?;
    Ok(InvitationLink { url: format!("{}/join?token={}", engine.config().public_origin, token.reveal()), expires_at })
}

pub(crate) fn parse_name(name: &str) -> Result<PersonName> {
    PersonName::new(name).map_err(|error| Error::field("/name", "invalid_name", format!("Name: {error}.")))
}

/// A sign-in name: 3 to 120 characters without white space, folded to lower case.
pub(crate) fn parse_login(login: &str) -> Result<String> {
    let login = login.trim().to_lowercase();
    let length = login.chars().count();
    if !(3..=120).contains(&length)
        || login.chars().any(|character| character.is_whitespace() || character.is_control())
    {
        return Err(Error::field(
            "/login",
            "invalid_login",
            "Use 3 to 120 characters without spaces, such as an e-mail address.",
        ));
    }
    Ok(login)
}

pub(crate) fn erased() -> String {
    "erased".to_owned()
}
