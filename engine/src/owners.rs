//! Owners: an admin names who answers for a system, or that nobody does.
//!
//! An owner reviews nothing that their system proposes, sees what it was asked to change, and may pause it. Who acts on
//! who owns a system is asked with their own row locked, and naming locks that row too: so from its commit on no review
//! of the new owner is recorded. It takes the lock of the system's pauses, as every entry about a system does, so that in
//! the log it stands before or after each proposal as it happened.

use countersign_domain::{
    Problem,
    event::Event,
    ids::{DecisionId, EntryId, PersonId, SystemId},
    owner::{DecisionOwner, ShownOwner},
    problem::Code,
    text::Reason,
    view::NoticeKind,
};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine,
    authorize::{self, Action, Denial, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    notices, people, seal, sessions,
};

/// Who is to answer for a system, as the form sends it.
#[derive(Clone, Debug)]
pub struct NamingRequest {
    /// The system.
    pub system: SystemId,
    /// Sign-in name of who owns it from now on; nobody where it is blank.
    pub login: String,
    /// The naming that the form showed, if there was any.
    pub before: Option<EntryId>,
    /// Why.
    pub reason: Reason,
}

/// Names the owner of a system, who learns of it, as does who owned it before.
///
/// # Errors
///
/// A field for a sign-in name that nobody has and for who cannot read what the system proposes, `stale` where somebody
/// else was named meanwhile, `invalid_transition` where nothing would change and for who has ruled on what is open.
pub async fn name(engine: &Engine, caller: &Caller, request: NamingRequest) -> Result<()> {
    let entry = engine
        .act(caller, move |engine, caller| {
            let request = request.clone();
            async move { record(engine, caller, request).await }
        })
        .await?;
    seal::wait(entry).await;

    Ok(())
}

async fn record(engine: Engine, caller: Caller, request: NamingRequest) -> Result<seal::Entry> {
    let NamingRequest { system, login, before, reason } = request;
    let (by, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    db::pauses::lock(&mut tx, system).await?;
    let found = db::systems::find(&mut tx, system).await?.ok_or(Error::NotFound)?;
    let n = db::systems::find_n(&mut tx, system).await?.ok_or(Error::NotFound)? + 1;
    let target = Target::System(system);
    let permit = engine.authorize(&mut tx, &caller, Action::NameOwner, target).await?;
    let refuse = |code, detail: String| {
        Err(Denial::by_rule(permit.clone(), Action::NameOwner, target, Problem::new(code, detail)))
    };
    let last = db::owners::list(&mut tx).await?.into_iter().find(|owner| owner.system == system);
    if last.as_ref().map(|last| last.entry) != before {
        let detail = "Somebody else named an owner of this AI system after you opened the form. Read who owns it below, \
                      then decide again. Your text is kept below.";
        return refuse(Code::Stale, detail.to_owned());
    }
    let former = last.and_then(|last| last.person);
    let owner = match login.trim() {
        "" => None,
        login => Some(fit(&mut tx, &engine, (system, &found.name), login).await?),
    };
    if owner == former {
        let detail = match owner {
            Some(_) => format!("This person owns {} already.", found.name),
            None => format!("Nobody owns {}, so there is nobody to take away.", found.name),
        };
        return refuse(Code::InvalidTransition, detail);
    }
    if let Some(owner) = owner {
        let ruled = db::owners::count_ruled(&mut tx, system, owner).await?;
        if ruled > 0 && !permit.is_alone() {
            let decisions = if ruled == 1 { "1 open decision".to_owned() } else { format!("{ruled} open decisions") };
            let detail = format!(
                "This person has ruled on {decisions} of {}, and no review of an owner counts. Name them once those are \
                 resolved, or once they have taken their reviews back.",
                found.name
            );
            return refuse(Code::InvalidTransition, detail);
        }
    }
    let event = Event::OwnerNamed { system, n, owner, reason: reason.as_str().to_owned(), by };
    let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
    db::owners::insert(&mut tx, system, n, owner, (by, entry.at, entry.id)).await?;
    db::systems::set_n(&mut tx, system, n).await?;
    if let Some(owner) = owner {
        // What they have begun to review, or somebody in their place and by no other right, is somebody else's.
        db::leases::run_out(&mut tx, owner, system, entry.at).await?;
    }
    for (person, kind) in [(owner, NoticeKind::OwnerNamed), (former, NoticeKind::OwnerReplaced)] {
        let told: Vec<_> = person.into_iter().filter(|person| *person != by).collect();
        notices::tell_of_system(&mut tx, &engine, &told, kind, by, &found.name, &entry).await?;
    }
    engine.commit(tx).await?;

    Ok(entry)
}

/// Finds who has a sign-in name, locks them, and asks that they can read what the system proposes.
async fn fit(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    (system, name): (SystemId, &str),
    login: &str,
) -> Result<PersonId> {
    let lookup = sessions::login_lookup(engine, login);
    let unknown = || {
        let detail = "Nobody has this sign-in name. Copy it from the list of people.";
        Error::field("/login", "unknown_value", detail)
    };
    let account = db::people::find_by_login(tx, &lookup).await?.ok_or_else(unknown)?;
    let account = db::people::lock(tx, account.id).await?.ok_or_else(unknown)?;
    if account.disabled {
        return Err(Error::field("/login", "disabled", "This account is disabled. Enable it, or name somebody else."));
    }
    let held = db::roles::held(tx, account.id, engine.now()).await?;
    if !held.iter().any(|held| held.holding.role.reads_decisions() && held.holding.includes(system)) {
        let detail = format!(
            "This person cannot read what {name} proposes, so they could not answer for it. Give them a role that does, \
             such as viewer of {name}, then name them."
        );
        return Err(Error::field("/login", "cannot_read", detail));
    }
    Ok(account.id)
}

/// Returns the owners of systems with their names, and the entry that said last who owns each.
pub(crate) async fn list_shown(
    conn: &mut PgConnection,
    engine: &Engine,
) -> Result<Vec<(SystemId, EntryId, Option<ShownOwner>)>> {
    let owners = db::owners::list(conn).await?;
    let people: Vec<_> = owners.iter().filter_map(|owner| owner.person).collect();
    let names = people::names(conn, engine, &people).await?;
    let name = |person| names.get(&person).cloned().unwrap_or_else(people::erased);
    Ok(owners
        .into_iter()
        .map(|owner| {
            let db::owners::Owner { system, person, at, entry } = owner;
            let shown = person.map(|person| ShownOwner { person, name: name(person), since: at, entry });
            (system, entry, shown)
        })
        .collect())
}

/// Returns the owner of a decision's system, as who reads the decision sees it.
pub(crate) async fn of_decision(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    system: SystemId,
) -> Result<Option<DecisionOwner>> {
    let Some(owner) = db::owners::find(conn, system).await? else { return Ok(None) };
    let name = people::names(conn, engine, &[owner]).await?.remove(&owner).unwrap_or_else(people::erased);
    Ok(Some(DecisionOwner { name, own: caller.person() == Some(owner) }))
}

/// Tells the owner of a system that a reviewer asked it for a change, where they may read the decision.
pub(crate) async fn tell_of_change(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    (system, decision, n): (SystemId, DecisionId, u64),
    by: PersonId,
    entry: &seal::Entry,
) -> Result<()> {
    let Some(owner) = db::owners::find(tx, system).await? else { return Ok(()) };
    let target = Target::Decision { id: decision, system, n };
    if !authorize::ask(tx, engine, owner, Action::ViewDecision, target).await?.allowed {
        return Ok(());
    }
    notices::tell_of_decision(tx, engine, owner, NoticeKind::ChangeAsked, by, decision, entry).await
}
